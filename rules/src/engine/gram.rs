//! Which of many strings stand somewhere in a text? For each string one window of four bytes is looked for, the rarest it
//! has; where a bitmap says such a window may stand, the strings it belongs to are compared.
//!
//! Unlike an automaton, no step waits for the one before it, the tables stay in the first-level cache, and building is a matter
//! of hashing. Strings of fewer than four bytes are found by their first two bytes (or one).

use hashbrown::HashMap;

/// Bytes of a window.
const WINDOW: usize = 4;
/// Multiplier of the window hash (Knuth's golden ratio for 32 bits).
const GOLDEN: u32 = 0x9e37_79b1;
/// Bits of the bitmap per window: a random window passes one time in so many.
const SPARSE: usize = 24;

/// A string under its window.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The string's number.
    number: u32,
    /// Where in the string the window stands.
    offset: u32,
    /// The string in `bytes`.
    start: u32,
    len: u32,
}

/// A slot of the window table, open addressing with linear probing.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    window: u32,
    start: u32,
    /// One past the last entry; 0: free slot.
    end: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Grams {
    bitmap: Vec<u64>,
    /// How far a hash is shifted to index the bitmap.
    shift: u32,
    buckets: Vec<Bucket>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    pairs: Option<Box<Pairs>>,
    /// Strings of one byte, by byte: number + 1.
    singles: Vec<(u8, u32)>,
}

/// Strings of two and three bytes by their first two.
#[derive(Debug)]
struct Pairs {
    bitmap: Box<[u64]>,
    /// Sorted by the first two bytes: pair, third byte if any, number.
    list: Vec<(u16, Option<u8>, u32)>,
}

fn hash(window: u32) -> u32 {
    window.wrapping_mul(GOLDEN)
}

fn window_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + WINDOW).and_then(|w| w.try_into().ok()).map(u32::from_le_bytes)
}

impl Grams {
    /// From strings with their numbers, none twice and none empty.
    pub(crate) fn new(strings: &[(&str, u32)]) -> Grams {
        let mut grams = Grams::default();
        let long: Vec<(&[u8], u32)> = strings.iter().map(|(s, n)| (s.as_bytes(), *n)).filter(|(s, _)| s.len() >= WINDOW).collect();
        grams.index(&long);
        let mut pairs: Vec<(u16, Option<u8>, u32)> = Vec::new();
        for &(text, number) in strings {
            match *text.as_bytes() {
                [a] => grams.singles.push((a, number)),
                [a, b] => pairs.push((u16::from_le_bytes([a, b]), None, number)),
                [a, b, c] => pairs.push((u16::from_le_bytes([a, b]), Some(c), number)),
                _ => {}
            }
        }
        if !pairs.is_empty() {
            pairs.sort_unstable();
            let mut bitmap = vec![0u64; 1024].into_boxed_slice();
            for (pair, ..) in &pairs {
                if let Some(word) = bitmap.get_mut(usize::from(*pair >> 6)) {
                    *word |= 1 << (pair & 63);
                }
            }
            grams.pairs = Some(Box::new(Pairs { bitmap, list: pairs }));
        }
        grams
    }

    fn index(&mut self, strings: &[(&[u8], u32)]) {
        if strings.is_empty() {
            return;
        }
        let mut common: HashMap<u32, u32, foldhash::fast::FixedState> = HashMap::default();
        for (text, _) in strings {
            for at in 0..=text.len() - WINDOW {
                if let Some(window) = window_at(text, at) {
                    *common.entry(window).or_default() += 1;
                }
            }
        }
        let mut chosen: Vec<(u32, Entry)> = Vec::with_capacity(strings.len());
        let mut taken: HashMap<u32, u32, foldhash::fast::FixedState> = HashMap::default();
        for (text, number) in strings {
            // what many rules look for stands in many logs: take the window that fewest strings have
            let cost = |at: usize| {
                let window = window_at(text, at).unwrap_or(0);
                let load = taken.get(&window).copied().unwrap_or(0);
                (load * 4 + common.get(&window).copied().unwrap_or(0) + plainness(window), at)
            };
            let Some((_, at)) = (0..=text.len() - WINDOW).map(cost).min() else { continue };
            let window = window_at(text, at).unwrap_or(0);
            *taken.entry(window).or_default() += 1;
            let entry = Entry { number: *number, offset: at as u32, start: self.bytes.len() as u32, len: text.len() as u32 };
            self.bytes.extend_from_slice(text);
            chosen.push((window, entry));
        }
        chosen.sort_by_key(|(window, entry)| (*window, entry.number));
        let bits = (taken.len() * SPARSE).next_power_of_two().max(256).trailing_zeros();
        self.shift = 32 - bits;
        self.bitmap = vec![0; (1usize << bits) / 64];
        self.buckets = vec![Bucket::default(); (taken.len() * 2).next_power_of_two()];
        let mut from = 0;
        while let Some(&(window, _)) = chosen.get(from) {
            let same = chosen.iter().skip(from).take_while(|(w, _)| *w == window).count();
            self.insert(Bucket { window, start: from as u32, end: (from + same) as u32 });
            from += same;
        }
        self.entries = chosen.into_iter().map(|(_, entry)| entry).collect();
    }

    fn insert(&mut self, bucket: Bucket) {
        let bit = hash(bucket.window) >> self.shift;
        if let Some(word) = self.bitmap.get_mut((bit >> 6) as usize) {
            *word |= 1 << (bit & 63);
        }
        let mask = self.buckets.len() - 1;
        let mut at = self.home(bucket.window);
        loop {
            match self.buckets.get_mut(at) {
                Some(free) if free.end == 0 => {
                    *free = bucket;
                    return;
                }
                Some(_) => at = (at + 1) & mask,
                None => return,
            }
        }
    }

    /// Where a window's search begins; other bits of the hash than the bitmap uses first.
    fn home(&self, window: u32) -> usize {
        (hash(window) >> 7) as usize & (self.buckets.len() - 1)
    }

    /// Whether there is no string.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.pairs.is_none() && self.singles.is_empty()
    }

    /// Calls `each` with every string that stands in the text, once for each place it is found at.
    #[inline]
    pub(crate) fn scan(&self, text: &[u8], mut each: impl FnMut(u32)) {
        if !self.entries.is_empty() {
            self.windows(text, &mut each);
        }
        if let Some(pairs) = &self.pairs {
            pairs.scan(text, &mut each);
        }
        for &(byte, number) in &self.singles {
            if memchr::memchr(byte, text).is_some() {
                each(number);
            }
        }
    }

    #[inline]
    fn windows(&self, text: &[u8], each: &mut impl FnMut(u32)) {
        let (bitmap, shift) = (self.bitmap.as_slice(), self.shift & 31);
        for (at, window) in text.windows(WINDOW).enumerate() {
            let &[a, b, c, d] = window else { continue };
            let window = u32::from_le_bytes([a, b, c, d]);
            let bit = hash(window) >> shift;
            let word = bitmap.get((bit >> 6) as usize).copied().unwrap_or(0);
            if word >> (bit & 63) & 1 != 0 {
                self.compare(text, at, window, each);
            }
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, window: u32, each: &mut impl FnMut(u32)) {
        let mask = self.buckets.len().wrapping_sub(1);
        let mut slot = self.home(window);
        let bucket = loop {
            match self.buckets.get(slot) {
                Some(bucket) if bucket.end == 0 => return,
                Some(bucket) if bucket.window == window => break bucket,
                Some(_) => slot = (slot + 1) & mask,
                None => return,
            }
        };
        for entry in self.entries.get(bucket.start as usize..bucket.end as usize).unwrap_or_default() {
            let Some(from) = at.checked_sub(entry.offset as usize) else { continue };
            let string = self.bytes.get(entry.start as usize..(entry.start + entry.len) as usize);
            if text.get(from..from + entry.len as usize) == string {
                each(entry.number);
            }
        }
    }
}

/// How common a window is in logs of all kinds: blanks, dots, slashes and digits tell little.
fn plainness(window: u32) -> u32 {
    window.to_le_bytes().iter().map(|b| u32::from(matches!(b, b' ' | b'.' | b'\\' | b'/' | b'0'..=b'9'))).sum()
}

impl Pairs {
    fn scan(&self, text: &[u8], each: &mut impl FnMut(u32)) {
        for (at, pair) in text.windows(2).enumerate() {
            let &[a, b] = pair else { continue };
            let pair = u16::from_le_bytes([a, b]);
            let word = self.bitmap.get(usize::from(pair >> 6)).copied().unwrap_or(0);
            if word >> (pair & 63) & 1 == 0 {
                continue;
            }
            let from = self.list.partition_point(|(p, ..)| *p < pair);
            for (p, third, number) in self.list.iter().skip(from) {
                if *p != pair {
                    break;
                }
                if third.is_none_or(|c| text.get(at + 2) == Some(&c)) {
                    each(*number);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Grams;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn finds_what_contains_finds(strings in prop::collection::btree_set("[ab\\\\é.]{1,9}", 0..40), text in "[ab\\\\é.]{0,40}") {
            let strings: Vec<(&str, u32)> = strings.iter().map(String::as_str).zip(0..).collect();
            let grams = Grams::new(&strings);
            let mut found = Vec::new();
            grams.scan(text.as_bytes(), |n| found.push(n));
            found.sort_unstable();
            found.dedup();
            let want: Vec<u32> = strings.iter().filter(|(s, _)| text.contains(s)).map(|(_, n)| *n).collect();
            prop_assert_eq!(found, want);
        }
    }
}
