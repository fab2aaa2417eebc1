//! A set of small integers as bits: the documents of a segment, or the entries of a dictionary.

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
        self.words.iter().zip(0u32..).flat_map(|(&word, n)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(n * 64 + bit)
            })
        })
    }

    /// Those set, descending.
    pub(crate) fn iter_down(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().rev().flat_map(|(n, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.checked_ilog2()?;
                left &= !(1 << bit);
                Some(n as u32 * 64 + bit)
            })
        })
    }

    /// Keeps the set bits for which `keep` holds.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        for (word, n) in self.words.iter_mut().zip(0u32..) {
            let mut left = *word;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                if !keep(n * 64 + bit) {
                    *word &= !(1 << bit);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn sets_count_and_combine() {
        for len in [0u32, 1, 63, 64, 65, 1000] {
            let full = Bits::full(len);
            assert_eq!(full.count(), u64::from(len));
            assert_eq!(full.iter().collect::<Vec<_>>(), (0..len).collect::<Vec<_>>());
            assert_eq!(full.iter_down().collect::<Vec<_>>(), (0..len).rev().collect::<Vec<_>>());
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
}
