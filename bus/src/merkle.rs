//! The Merkle tree of a sealed segment: one root that stands for every record in order. Computes; never reads a file.
//!
//! A leaf is the BLAKE3 hash of a record's bytes, so `b3sum` of a record shows its leaf. A node is BLAKE3 keyed with
//! [`NODE_KEY`] over its left and right child (64 bytes); the key keeps a record from passing for a node. The shape is that
//! of RFC 6962 §2.1: the left subtree is the largest complete one smaller than the whole. No records: BLAKE3 of nothing.

use serde::{Deserialize, Serialize};

/// Key of the hash of inner nodes.
pub const NODE_KEY: [u8; 32] = *b"fansipan bus merkle node v1\0\0\0\0\0";

/// Hash of one record.
pub fn leaf(record: &[u8]) -> [u8; 32] {
    *blake3::hash(record).as_bytes()
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(left);
    both[32..].copy_from_slice(right);
    *blake3::keyed_hash(&NODE_KEY, &both).as_bytes()
}

/// A tree that grows leaf by leaf in memory that grows with the logarithm of their number.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Roots of complete subtrees, largest first, with their heights.
    roots: Vec<([u8; 32], u32)>,
}

impl Tree {
    /// Adds the next record's hash.
    pub fn push(&mut self, leaf: [u8; 32]) {
        let (mut root, mut height) = (leaf, 0);
        while let Some((left, _)) = self.roots.pop_if(|(_, h)| *h == height) {
            root = node(&left, &root);
            height += 1;
        }
        self.roots.push((root, height));
    }

    /// The root over all leaves so far.
    pub fn root(&self) -> [u8; 32] {
        let mut roots = self.roots.iter().rev();
        let Some((mut root, _)) = roots.next().copied() else { return leaf(b"") };
        for (left, _) in roots {
            root = node(left, &root);
        }
        root
    }
}

/// What shows that a record is in a tree: its place, and the hashes beside the way from its leaf to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// Place of the record among those of the segment, from 0.
    pub index: u64,
    /// Records of the segment.
    pub of: u64,
    /// Hashes beside the way, the lowest first, hexadecimal.
    pub hashes: Vec<String>,
}

impl Path {
    /// The root, hexadecimal, of the one tree that holds this record in this place; `None`: no tree has such a path.
    pub fn root(&self, record: &[u8]) -> Option<String> {
        let (mut index, mut of, mut hash) = (self.index, self.of, leaf(record));
        if index >= of {
            return None;
        }
        let mut beside = self.hashes.iter();
        while of > 1 {
            if index ^ 1 < of {
                let mut other = [0; 32];
                hex::decode_to_slice(beside.next()?, &mut other).ok()?;
                hash = if index % 2 == 1 { node(&other, &hash) } else { node(&hash, &other) };
            }
            (index, of) = (index / 2, of.div_ceil(2));
        }
        beside.next().is_none().then(|| hex::encode(hash))
    }
}

/// A whole tree in memory (64 bytes for each leaf), for paths.
#[derive(Debug)]
pub(crate) struct Levels(Vec<Vec<[u8; 32]>>);

impl Levels {
    pub(crate) fn new(leaves: Vec<[u8; 32]>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|l| l.len() > 1) {
            let up = below.chunks(2).map(|pair| match pair {
                [left, right] => node(left, right),
                alone => alone.first().copied().unwrap_or_default(), // nothing beside it: it goes up as it is
            });
            levels.push(up.collect());
        }
        Self(levels)
    }

    /// The root over all leaves.
    pub(crate) fn root(&self) -> [u8; 32] {
        self.0.last().and_then(|top| top.first()).copied().unwrap_or_else(|| leaf(b""))
    }

    /// The path of the record in this place.
    pub(crate) fn path(&self, place: usize) -> Path {
        let mut hashes = Vec::new();
        for (height, level) in self.0.iter().enumerate() {
            hashes.extend(level.get((place >> height) ^ 1).map(hex::encode));
        }
        Path { index: place as u64, of: self.0.first().map_or(0, |l| l.len() as u64), hashes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_a_path_to_the_root_and_to_no_other() {
        let records: Vec<_> = (0u32..40).map(u32::to_le_bytes).collect();
        for n in 1..records.len() {
            let leaves: Vec<_> = records[..n].iter().map(|r| leaf(r)).collect();
            let (root, levels) = (hex::encode(defined(&leaves)), Levels::new(leaves));
            for place in 0..n {
                let path = levels.path(place);
                assert_eq!(path.root(&records[place]).as_ref(), Some(&root), "{place} of {n}");
                assert_ne!(path.root(b"another").as_ref(), Some(&root));
                let longer = Path { hashes: [path.hashes.clone(), vec!["00".repeat(32)]].concat(), ..path.clone() };
                assert_eq!(longer.root(&records[place]), None);
                for (index, of) in [(place as u64 + 1, n as u64), (n as u64, n as u64), (place as u64, u64::MAX)] {
                    let moved = Path { index, of, ..path.clone() };
                    assert_ne!(moved.root(&records[place]).as_ref(), Some(&root), "{place} of {n} as {index} of {of}");
                }
            }
        }
    }

    /// RFC 6962 §2.1 as written there.
    fn defined(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => leaf(b""),
            [one] => *one,
            _ => {
                let mut left = 1;
                while left * 2 < leaves.len() {
                    left *= 2;
                }
                node(&defined(&leaves[..left]), &defined(&leaves[left..]))
            }
        }
    }

    #[test]
    fn growing_leaf_by_leaf_gives_the_tree_of_the_definition() {
        let leaves: Vec<_> = (0u32..70).map(|i| leaf(&i.to_le_bytes())).collect();
        let mut tree = Tree::default();
        for n in 0..leaves.len() {
            assert_eq!(tree.root(), defined(&leaves[..n]), "{n} leaves");
            tree.push(leaves[n]);
        }
    }

    #[test]
    fn two_leaves_are_no_single_record() {
        let (a, b) = (leaf(b"a"), leaf(b"b"));
        let mut tree = Tree::default();
        tree.push(a);
        tree.push(b);
        assert_ne!(tree.root(), leaf(&[a, b].concat()));
    }
}
