//! A set of small integers as bits: the documents of a segment, or the entries of a dictionary.

/// Bits that are looked at together where something is known of a block of them.
pub(crate) const BLOCK: u32 = 1024;
/// Their words.
const WORDS: usize = BLOCK as usize / 64;

/// Bits `0..len`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: u32,
}

impl Bits {
    /// No bit set.
    pub(crate) fn empty(len: u32) -> Self {
        Self { words: vec![0; (len as usize).div_ceil(64)], len }
    }

    /// Every bit set.
    pub(crate) fn full(len: u32) -> Self {
        let mut words = vec![u64::MAX; (len as usize).div_ceil(64)];
        if let (Some(last), rest @ 1..) = (words.last_mut(), len % 64) {
            *last = (1 << rest) - 1;
        }
        Self { words, len }
    }

    /// Number of bits, set or not.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Sets a bit; beyond the end nothing happens.
    pub(crate) fn set(&mut self, i: u32) {
        if let Some(word) = self.words.get_mut(i as usize / 64) {
            *word |= 1 << (i % 64);
        }
    }

    /// Whether a bit is set.
    pub(crate) fn has(&self, i: u32) -> bool {
        self.words.get(i as usize / 64).is_some_and(|w| w >> (i % 64) & 1 == 1)
    }

    /// How many are set.
    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Whether none is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// Keeps what `other` has too.
    pub(crate) fn and(&mut self, other: &Bits) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a &= b;
        }
    }

    /// Adds what `other` has.
    pub(crate) fn or(&mut self, other: &Bits) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a |= b;
        }
    }

    /// Removes what `other` has.
    pub(crate) fn minus(&mut self, other: &Bits) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a &= !b;
        }
    }

    /// Those set, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        set(&self.words, 0)
    }

    /// Keeps the set bits for which `keep` holds.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        retain(&mut self.words, 0, &mut keep);
    }

    /// The same, where `known` may answer for a whole block at once, by its number.
    pub(crate) fn retain_blocks(&mut self, known: impl Fn(usize) -> Option<bool>, mut keep: impl FnMut(u32) -> bool) {
        for ((block, words), first) in self.words.chunks_mut(WORDS).enumerate().zip((0u32..).step_by(BLOCK as usize)) {
            match known(block) {
                Some(true) => {}
                Some(false) => words.fill(0),
                None => retain(words, first, &mut keep),
            }
        }
    }

    /// The blocks.
    pub(crate) fn blocks(&self) -> impl DoubleEndedIterator<Item = Block<'_>> + ExactSizeIterator {
        self.words.chunks(WORDS).enumerate().map(|(n, words)| Block { n, words })
    }
}

/// The bits of one block.
pub(crate) struct Block<'b> {
    /// Its number.
    pub(crate) n: usize,
    words: &'b [u64],
}

impl Block<'_> {
    /// How many are set.
    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Those set, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        set(self.words, self.n as u32 * BLOCK)
    }
}

/// The bits set in words of which the first begins with this bit.
fn set(words: &[u64], first: u32) -> impl Iterator<Item = u32> + '_ {
    words.iter().zip(0u32..).flat_map(move |(&word, n)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(first + n * 64 + bit)
        })
    })
}

fn retain(words: &mut [u64], first: u32, keep: &mut impl FnMut(u32) -> bool) {
    for (word, n) in words.iter_mut().zip(0u32..) {
        let mut left = *word;
        while left != 0 {
            let bit = left.trailing_zeros();
            left &= left - 1;
            if !keep(first + n * 64 + bit) {
                *word &= !(1 << bit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Bits};

    #[test]
    fn sets_count_and_combine() {
        for len in [0u32, 1, 63, 64, 65, 1000] {
            let full = Bits::full(len);
            assert_eq!(full.count(), u64::from(len));
            assert_eq!(full.iter().collect::<Vec<_>>(), (0..len).collect::<Vec<_>>());
            let mut even = full.clone();
            even.retain(|i| i % 2 == 0);
            let mut odd = full.clone();
            odd.minus(&even);
            assert_eq!(odd.iter().collect::<Vec<_>>(), (0..len).filter(|i| i % 2 == 1).collect::<Vec<_>>());
            let mut both = odd.clone();
            both.or(&even);
            assert_eq!(both, full);
            both.and(&odd);
            assert_eq!(both, odd);
            assert!(!odd.has(0) && odd.has(1) == (len > 1));
        }
    }

    #[test]
    fn blocks_are_the_whole() {
        for len in [0u32, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 70] {
            let mut some = Bits::full(len);
            some.retain(|i| i % 3 == 0);
            assert_eq!(some.blocks().flat_map(|b| b.iter().collect::<Vec<_>>()).collect::<Vec<_>>(), some.iter().collect::<Vec<_>>());
            assert_eq!(some.blocks().map(|b| b.count()).sum::<u64>(), some.count());
            let (mut known, mut looked) = (some.clone(), some.clone());
            known.retain_blocks(|block| [Some(true), Some(false), None].get(block).copied().flatten(), |i| i % 2 == 0);
            looked.retain(|i| match i / BLOCK {
                0 => true,
                1 => false,
                _ => i % 2 == 0,
            });
            assert_eq!(known, looked);
        }
    }
}
