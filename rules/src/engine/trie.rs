//! A set of byte strings, walked from one end of a value: which of them does the value begin (or end) with?
//! A double array: one look-up a byte, and the walk ends where no string goes on.

/// One state.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// Children stand at `base ^ byte`.
    base: u32,
    /// Parent + 1; 0: free.
    check: u32,
    /// String + 1 that ends here; 0: none.
    value: u32,
}

const FREE: Cell = Cell { base: 0, check: 0, value: 0 };
/// Cells of a block: `base ^ byte` stays within one.
const BLOCK: usize = 256;
/// Blocks tried before a new one is added.
const RECENT: usize = 16;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    cells: Vec<Cell>,
}

impl Trie {
    /// From strings with their numbers; a string that stands twice keeps the last number.
    pub(crate) fn new(mut strings: Vec<(Vec<u8>, u32)>) -> Trie {
        if strings.is_empty() {
            return Trie::default();
        }
        strings.sort();
        let mut trie = Trie { cells: vec![FREE; BLOCK] };
        if let Some(root) = trie.cells.first_mut() {
            root.check = u32::MAX; // taken, and no one's child
        }
        // ranges of strings that share their first `depth` bytes, each with its state
        let mut open = vec![(0usize, strings.len(), 0usize, 0u32)];
        while let Some((from, to, depth, state)) = open.pop() {
            let Some(range) = strings.get(from..to) else { continue };
            let ending = range.iter().rfind(|(s, _)| s.len() == depth);
            if let (Some((_, number)), Some(cell)) = (ending, trie.cells.get_mut(state as usize)) {
                cell.value = number + 1;
            }
            let mut children: Vec<(u8, usize, usize)> = Vec::new();
            for (i, (s, _)) in range.iter().enumerate() {
                let Some(&byte) = s.get(depth) else { continue };
                match children.last_mut() {
                    Some(last) if last.0 == byte => last.2 = from + i + 1,
                    _ => children.push((byte, from + i, from + i + 1)),
                }
            }
            if children.is_empty() {
                continue;
            }
            let base = trie.place(&children);
            if let Some(cell) = trie.cells.get_mut(state as usize) {
                cell.base = base;
            }
            for (byte, from, to) in children {
                let child = base ^ u32::from(byte);
                if let Some(cell) = trie.cells.get_mut(child as usize) {
                    cell.check = state + 1;
                }
                open.push((from, to, depth + 1, child));
            }
        }
        trie
    }

    /// A base under which all children fall on free cells.
    fn place(&mut self, children: &[(u8, usize, usize)]) -> u32 {
        let blocks = self.cells.len() / BLOCK;
        for base in blocks.saturating_sub(RECENT) * BLOCK..self.cells.len() {
            let free = |byte: u8| self.cells.get(base ^ usize::from(byte)).is_some_and(|c| c.check == 0);
            if children.iter().all(|&(byte, ..)| free(byte)) {
                return base as u32;
            }
        }
        let base = self.cells.len();
        self.cells.resize(base + BLOCK, FREE);
        base as u32
    }

    /// Calls `each` with every string that these bytes begin with.
    #[inline]
    pub(crate) fn walk(&self, bytes: impl Iterator<Item = u8>, mut each: impl FnMut(u32)) {
        let Some(mut cell) = self.cells.first() else { return };
        let mut state = 0u32;
        for byte in bytes {
            let next = cell.base ^ u32::from(byte);
            let Some(child) = self.cells.get(next as usize) else { return };
            if child.check != state + 1 {
                return;
            }
            if child.value != 0 {
                each(child.value - 1);
            }
            (cell, state) = (child, next);
        }
    }

    /// Whether there is no string.
    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Trie;

    proptest! {
        #[test]
        fn finds_every_beginning(strings in prop::collection::btree_set(prop::collection::vec(prop::sample::select(vec![0u8, 1, b'a', b'b', 255]), 1..6), 0..60),
                                 text in prop::collection::vec(prop::sample::select(vec![0u8, 1, b'a', b'b', 255]), 0..10)) {
            let strings: Vec<Vec<u8>> = strings.into_iter().collect();
            let trie = Trie::new(strings.iter().cloned().zip(0..).collect());
            let mut found = Vec::new();
            trie.walk(text.iter().copied(), |n| found.push(n));
            found.sort_unstable();
            let want: Vec<u32> = (0..).zip(&strings).filter(|(_, s)| text.starts_with(s)).map(|(i, _)| i).collect();
            prop_assert_eq!(found, want);
        }
    }
}
