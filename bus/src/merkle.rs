//! The Merkle tree of a sealed segment: one root that stands for every record in order. Computes; never reads a file.
//!
//! A leaf is the BLAKE3 hash of a record's bytes, so `b3sum` of a record shows its leaf. A node is BLAKE3 keyed with
//! [`NODE_KEY`] over its left and right child (64 bytes); the key keeps a record from passing for a node. The shape is that
//! of RFC 6962 §2.1: the left subtree is the largest complete one smaller than the whole. No records: BLAKE3 of nothing.

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

#[cfg(test)]
mod tests {
    use super::*;

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
