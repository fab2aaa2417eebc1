//! Which of many strings stand somewhere in a text? For each string windows of a few bytes are looked for, the rarest it has;
//! where a bitmap says such a window may stand, the strings it belongs to are compared.
//!
//! Unlike an automaton, no step waits for the one before it, the tables stay in the first-level cache, and building is a matter
//! of hashing. For long strings only every fourth place of the text is looked at; they are entered under four windows in a row.
//! ASCII case is ignored throughout: texts need not be folded first, strings are.

use hashbrown::HashMap;
use memchr::memmem::Finder;

/// Multiplier of the window hash (Knuth's golden ratio for 32 bits).
const GOLDEN: u32 = 0x9e37_79b1;
/// Makes letters lower case; what it does to other bytes only costs a comparison now and then.
const LOWER: u32 = 0x2020_2020;
/// Bits of the bitmap per window: a random window passes one time in so many.
const SPARSE: usize = 24;
/// Strings of so many bytes are long.
const LONG: usize = 7;
/// Strings of one or two bytes beyond this number get a table.
const FEW: usize = 6;

/// Windows of long strings: four bytes, at every fourth place.
type LongWindows = Windows<4, 4>;
/// Windows of strings of three to six bytes: three bytes, at every place.
type ShortWindows = Windows<3, 1>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Grams {
    long: Option<Box<LongWindows>>,
    short: Option<Box<ShortWindows>>,
    /// Strings of two bytes (and one).
    pairs: Option<Box<Pairs>>,
    /// Strings of one or two bytes without letters, where there are few.
    tiny: Vec<(Finder<'static>, u32)>,
    /// Strings of one byte.
    singles: Vec<(u8, u32)>,
}

impl Grams {
    /// From folded strings with their numbers, none twice and none empty.
    pub(crate) fn new(strings: &[(&str, u32)]) -> Grams {
        let mut grams = Grams::default();
        let of = |range: std::ops::RangeInclusive<usize>| -> Vec<(&[u8], u32)> {
            strings.iter().filter(|(s, _)| range.contains(&s.len())).map(|(s, n)| (s.as_bytes(), *n)).collect()
        };
        let (long, short, tiny) = (of(LONG..=usize::MAX), of(3..=LONG - 1), of(1..=2));
        grams.long = (!long.is_empty()).then(|| Box::new(Windows::new(&long)));
        grams.short = (!short.is_empty()).then(|| Box::new(Windows::new(&short)));
        let few = tiny.len() <= FEW;
        let mut pairs = Vec::new();
        for (text, number) in tiny {
            match *text {
                [one] => grams.singles.push((one, number)),
                _ if few && !text.iter().any(u8::is_ascii_alphabetic) => grams.tiny.push((Finder::new(text).into_owned(), number)),
                [one, two] => pairs.push((u16::from_le_bytes([one, two]), number)),
                _ => {}
            }
        }
        grams.pairs = (!pairs.is_empty()).then(|| Box::new(Pairs::new(pairs)));
        grams
    }

    /// Whether there is no string.
    pub(crate) fn is_empty(&self) -> bool {
        self.long.is_none() && self.short.is_none() && self.pairs.is_none() && self.tiny.is_empty() && self.singles.is_empty()
    }

    /// Calls `each` with every string that stands in the text, ASCII case ignored, perhaps several times.
    #[inline]
    pub(crate) fn scan(&self, text: &[u8], mut each: impl FnMut(u32)) {
        if let Some(long) = &self.long {
            long.every_fourth(text, &mut each);
        }
        if let Some(short) = &self.short {
            short.every_one(text, &mut each);
        }
        if let Some(pairs) = &self.pairs {
            pairs.scan(text, &mut each);
        }
        for (finder, number) in &self.tiny {
            if finder.find(text).is_some() {
                each(*number);
            }
        }
        for &(byte, number) in &self.singles {
            if memchr::memchr2(byte, byte.to_ascii_uppercase(), text).is_some() {
                each(number);
            }
        }
    }
}

/// A string under one of its windows.
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

/// Strings under windows of `WIDTH` bytes (at most four), looked for at every `STRIDE`-th place.
#[derive(Debug, Default)]
struct Windows<const WIDTH: usize, const STRIDE: usize> {
    bitmap: Vec<u64>,
    /// How far a hash is shifted to index the bitmap.
    shift: u32,
    buckets: Vec<Bucket>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

#[inline]
fn hash(window: u32) -> u32 {
    window.wrapping_mul(GOLDEN)
}

#[inline(always)]
fn word_at(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..at + 8).and_then(|w| w.try_into().ok()).map(u64::from_le_bytes)
}

/// How common a window is in logs of all kinds: blanks, dots, slashes and digits tell little.
fn plainness(window: u32) -> u32 {
    window.to_le_bytes().iter().map(|b| u32::from(matches!(b, b' ' | b'.' | b'|' | b'/' | b'0'..=b'9'))).sum()
}

impl<const WIDTH: usize, const STRIDE: usize> Windows<WIDTH, STRIDE> {
    /// The bytes of a word that belong to a window.
    const MASK: u32 = if WIDTH == 4 { u32::MAX } else { (1 << (8 * WIDTH)) - 1 };

    /// From strings of at least `WIDTH + STRIDE - 1` bytes with their numbers.
    fn new(strings: &[(&[u8], u32)]) -> Self {
        let mut new = Self::default();
        let chosen = new.choose(strings);
        let mut windows: Vec<u32> = chosen.iter().map(|(w, _)| *w).collect();
        windows.dedup();
        let bits = (windows.len() * SPARSE).next_power_of_two().max(256).trailing_zeros();
        new.shift = 32 - bits;
        new.bitmap = vec![0; (1usize << bits) / 64];
        new.buckets = vec![Bucket::default(); (windows.len() * 2).next_power_of_two()];
        let mut from = 0;
        for window in windows {
            let same = chosen.iter().skip(from).take_while(|(w, _)| *w == window).count();
            new.insert(Bucket { window, start: from as u32, end: (from + same) as u32 });
            from += same;
        }
        new.entries = chosen.into_iter().map(|(_, entry)| entry).collect();
        new
    }

    fn window_at(bytes: &[u8], at: usize) -> Option<u32> {
        let window = bytes.get(at..at + WIDTH)?;
        let mut word = [0; 4];
        word.get_mut(..WIDTH)?.copy_from_slice(window);
        Some(u32::from_le_bytes(word) | (LOWER & Self::MASK))
    }

    /// For each string the windows it is entered under, sorted by window.
    fn choose(&mut self, strings: &[(&[u8], u32)]) -> Vec<(u32, Entry)> {
        let mut common: HashMap<u32, u32, foldhash::fast::FixedState> = HashMap::default();
        for window in strings.iter().flat_map(|(s, _)| (0..s.len()).filter_map(|at| Self::window_at(s, at))) {
            *common.entry(window).or_default() += 1;
        }
        let mut chosen: Vec<(u32, Entry)> = Vec::with_capacity(strings.len() * STRIDE);
        let mut taken: HashMap<u32, u32, foldhash::fast::FixedState> = HashMap::default();
        for (text, number) in strings {
            // what many rules look for stands in many logs: take the windows that fewest strings have
            let cost = |from: usize| -> u32 {
                let one = |at| {
                    let window = Self::window_at(text, at).unwrap_or(0);
                    taken.get(&window).copied().unwrap_or(0) * 4 + common.get(&window).copied().unwrap_or(0) + plainness(window)
                };
                (from..from + STRIDE).map(one).sum()
            };
            let last = (text.len() + 1).saturating_sub(WIDTH + STRIDE);
            let Some((_, from)) = (0..=last).map(|from| (cost(from), from)).min() else { continue };
            let start = self.bytes.len() as u32;
            self.bytes.extend_from_slice(text);
            for at in from..from + STRIDE {
                let window = Self::window_at(text, at).unwrap_or(0);
                *taken.entry(window).or_default() += 1;
                chosen.push((window, Entry { number: *number, offset: at as u32, start, len: text.len() as u32 }));
            }
        }
        chosen.sort_by_key(|(window, entry)| (*window, entry.number, entry.offset));
        chosen
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

    /// Where a window's search begins.
    fn home(&self, window: u32) -> usize {
        (hash(window) >> 7) as usize & (self.buckets.len() - 1)
    }

    /// 1 if the window may be one of ours.
    #[inline(always)]
    fn probe(&self, window: u32) -> u64 {
        let bit = hash(window & Self::MASK | (LOWER & Self::MASK)) >> (self.shift & 31);
        self.bitmap.get((bit >> 6) as usize).map_or(0, |word| word >> (bit & 63) & 1)
    }

    fn every_one(&self, text: &[u8], each: &mut impl FnMut(u32)) {
        let mut at = 0;
        while let Some(word) = word_at(text, at) {
            let mut hits = self.probe(word as u32)
                | self.probe((word >> 8) as u32) << 1
                | self.probe((word >> 16) as u32) << 2
                | self.probe((word >> 24) as u32) << 3;
            while hits != 0 {
                let place = hits.trailing_zeros();
                self.compare(text, at + place as usize, (word >> (8 * place)) as u32, each);
                hits &= hits - 1;
            }
            at += 4;
        }
        self.rest(text, at, each);
    }

    fn every_fourth(&self, text: &[u8], each: &mut impl FnMut(u32)) {
        let mut at = 0;
        while let Some(word) = word_at(text, at) {
            let (one, two) = (word as u32, (word >> 32) as u32);
            let hits = self.probe(one) | self.probe(two) << 1;
            if hits & 1 != 0 {
                self.compare(text, at, one, each);
            }
            if hits & 2 != 0 {
                self.compare(text, at + 4, two, each);
            }
            at += 8;
        }
        self.rest(text, at, each);
    }

    /// The last places, which no whole word follows.
    fn rest(&self, text: &[u8], mut at: usize, each: &mut impl FnMut(u32)) {
        while let Some(window) = Self::window_at(text, at) {
            if self.probe(window) != 0 {
                self.compare(text, at, window, each);
            }
            at += STRIDE;
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, window: u32, each: &mut impl FnMut(u32)) {
        let window = window & Self::MASK | (LOWER & Self::MASK);
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
            let string = self.bytes.get(entry.start as usize..(entry.start + entry.len) as usize).unwrap_or_default();
            if text.get(from..from + entry.len as usize).is_some_and(|t| t.eq_ignore_ascii_case(string)) {
                each(entry.number);
            }
        }
    }
}

/// Strings of two bytes.
#[derive(Debug)]
struct Pairs {
    bitmap: Box<[u64]>,
    /// Sorted.
    list: Vec<(u16, u32)>,
}

impl Pairs {
    fn new(mut list: Vec<(u16, u32)>) -> Pairs {
        list.sort_unstable();
        let mut bitmap = vec![0u64; 1024].into_boxed_slice();
        for (pair, _) in &list {
            if let Some(word) = bitmap.get_mut(usize::from(*pair >> 6)) {
                *word |= 1 << (pair & 63);
            }
        }
        Pairs { bitmap, list }
    }

    fn scan(&self, text: &[u8], each: &mut impl FnMut(u32)) {
        for pair in text.windows(2) {
            let &[one, two] = pair else { continue };
            let pair = u16::from_le_bytes([one.to_ascii_lowercase(), two.to_ascii_lowercase()]);
            let word = self.bitmap.get(usize::from(pair >> 6)).copied().unwrap_or(0);
            if word >> (pair & 63) & 1 != 0 {
                let from = self.list.partition_point(|(p, _)| *p < pair);
                self.list.iter().skip(from).take_while(|(p, _)| *p == pair).for_each(|(_, number)| each(*number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Grams;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]
        #[test]
        fn finds_what_contains_finds(
            strings in prop_oneof![
                prop::collection::btree_set("[ab\\\\é.]{1,9}", 0..40),
                prop::collection::btree_set("[ab]{5,9}", 0..40),
                prop::collection::btree_set("[ab@`]{7,9}", 0..40),
            ],
            text in "[aAbB@`\\\\é.]{0,60}",
        ) {
            let strings: Vec<(&str, u32)> = strings.iter().map(String::as_str).zip(0..).collect();
            let grams = Grams::new(&strings);
            let mut found = Vec::new();
            grams.scan(text.as_bytes(), |n| found.push(n));
            found.sort_unstable();
            found.dedup();
            let folded = text.to_ascii_lowercase();
            let want: Vec<u32> = strings.iter().filter(|(s, _)| folded.contains(s)).map(|(_, n)| *n).collect();
            prop_assert_eq!(found, want);
        }
    }
}
