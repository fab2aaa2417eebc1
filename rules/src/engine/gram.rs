//! Which of many strings stand somewhere in a text? For each string windows of a few bytes are looked for, the rarest it has;
//! where a bitmap says such a window may stand, the strings it belongs to are compared.
//!
//! Unlike an automaton, no step waits for the one before it, the tables stay in the first-level cache, and building is a matter
//! of hashing. For long strings only every fourth (or sixth, or eighth) place of the text is looked at; they are entered under as
//! many windows in a row.
//! ASCII case is ignored throughout: texts need not be folded first, strings are.

use hashbrown::HashMap;
use memchr::memmem::Finder;

/// Multiplier of the window hash (Knuth's golden ratio for 32 bits).
const GOLDEN: u32 = 0x9e37_79b1;
/// Makes letters lower case; what it does to other bytes only costs a comparison now and then.
const LOWER: u32 = 0x2020_2020;
/// Strings of so many bytes are long.
const LONG: usize = 7;
/// Strings of two bytes beyond this number get a table.
const FEW: usize = 8;

/// Strings by windows of four bytes at every fourth, sixth or eighth place, as the shortest allows.
#[derive(Debug)]
enum Long {
    Four(Windows<4, 4>),
    Six(Windows<4, 6>),
    Eight(Windows<4, 8>),
}

/// Windows of strings of three to six bytes: three bytes, at every place.
type ShortWindows = Windows<3, 1>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Grams {
    long: Option<Box<Long>>,
    short: Option<Box<ShortWindows>>,
    /// Strings of two bytes, where there are many.
    pairs: Option<Box<Pairs>>,
    /// Strings of two bytes in every spelling, where there are few.
    tiny: Vec<(Finder<'static>, u32)>,
    /// Strings of one byte.
    singles: Vec<(u8, u32)>,
}

impl Grams {
    /// From folded strings with their numbers, none twice and none empty. `background`: other strings that stand in such texts,
    /// which tell what is common in them.
    pub(crate) fn new(strings: &[(&str, u32)], background: &[&str]) -> Grams {
        let mut grams = Grams::default();
        let of = |range: std::ops::RangeInclusive<usize>| -> Vec<(&[u8], u32)> {
            strings.iter().filter(|(s, _)| range.contains(&s.len())).map(|(s, n)| (s.as_bytes(), *n)).collect()
        };
        let (long, short, tiny) = (of(LONG..=usize::MAX), of(3..=LONG - 1), of(1..=2));
        grams.long = long.iter().map(|(s, _)| s.len()).min().map(|shortest| {
            Box::new(match shortest {
                0..=8 => Long::Four(Windows::new(&long, background)),
                9..=10 => Long::Six(Windows::new(&long, background)),
                _ => Long::Eight(Windows::new(&long, background)),
            })
        });
        grams.short = (!short.is_empty()).then(|| Box::new(Windows::new(&short, background)));
        let mut pairs = Vec::new();
        for (text, number) in tiny {
            match *text {
                [one] => grams.singles.push((one, number)),
                [one, two] => pairs.push((u16::from_le_bytes([one, two]), number)),
                _ => {}
            }
        }
        if pairs.len() <= FEW {
            for (pair, number) in pairs.drain(..) {
                grams.tiny.extend(spellings(pair.to_le_bytes()).map(|text| (Finder::new(&text).into_owned(), number)));
            }
        }
        grams.pairs = (!pairs.is_empty()).then(|| Box::new(Pairs::new(pairs)));
        grams
    }

    /// Calls `each` with every string that stands in the text, ASCII case ignored, perhaps several times.
    #[inline]
    pub(crate) fn scan(&self, text: &[u8], mut each: impl FnMut(u32)) {
        match self.long.as_deref() {
            Some(Long::Four(long)) => long.scan(text, &mut each),
            Some(Long::Six(long)) => long.scan(text, &mut each),
            Some(Long::Eight(long)) => long.scan(text, &mut each),
            None => {}
        }
        if let Some(short) = &self.short {
            short.scan(text, &mut each);
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

/// Two bytes in small and capital letters, each spelling once.
fn spellings(pair: [u8; 2]) -> impl Iterator<Item = [u8; 2]> {
    let [one, two] = pair;
    let (upper_one, upper_two) = (one.to_ascii_uppercase(), two.to_ascii_uppercase());
    let all = [
        (one, two, true),
        (upper_one, two, upper_one != one),
        (one, upper_two, upper_two != two),
        (upper_one, upper_two, upper_one != one && upper_two != two),
    ];
    all.into_iter().filter(|(.., new)| *new).map(|(one, two, _)| [one, two])
}

/// Strings under windows of `WIDTH` bytes (at most four), looked for at every `STRIDE`-th place.
#[derive(Debug)]
struct Windows<const WIDTH: usize, const STRIDE: usize> {
    filter: Filter,
    buckets: Vec<Bucket>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

#[inline]
fn hash(window: u32) -> u32 {
    window.wrapping_mul(GOLDEN)
}

/// How common a window is in logs of all kinds: blanks, dots, slashes and digits tell little.
fn plainness(window: u32) -> u32 {
    window.to_le_bytes().iter().map(|b| u32::from(matches!(b, b' ' | b'.' | b'|' | b'/' | b'0'..=b'9'))).sum()
}

impl<const WIDTH: usize, const STRIDE: usize> Windows<WIDTH, STRIDE> {
    /// The bytes of a word that belong to a window.
    const MASK: u32 = if WIDTH == 4 { u32::MAX } else { (1 << (8 * WIDTH)) - 1 };

    /// From strings of at least `WIDTH + STRIDE - 1` bytes with their numbers.
    fn new(strings: &[(&[u8], u32)], background: &[&str]) -> Self {
        let (chosen, bytes) = Self::choose(strings, background);
        let mut windows: Vec<u32> = chosen.iter().map(|(w, _)| *w).collect();
        windows.dedup();
        let buckets = vec![Bucket::default(); (windows.len() * 2).next_power_of_two()];
        let mut new = Windows { filter: Filter::new(&windows), buckets, entries: Vec::new(), bytes };
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
        if WIDTH == 4 {
            return bytes.get(at..at + 4).and_then(|w| w.try_into().ok()).map(|w| Self::window(u32::from_le_bytes(w)));
        }
        let window = bytes.get(at..at + WIDTH)?;
        let mut word = [0; 4];
        word.get_mut(..WIDTH)?.copy_from_slice(window);
        Some(Self::window(u32::from_le_bytes(word)))
    }

    /// For each string the windows it is entered under, sorted by window.
    fn choose(strings: &[(&[u8], u32)], background: &[&str]) -> (Vec<(u32, Entry)>, Vec<u8>) {
        let mut bytes = Vec::new();
        let mut common: HashMap<u32, u32, foldhash::fast::FixedState> = HashMap::default();
        let texts = strings.iter().map(|(s, _)| *s).chain(background.iter().map(|s| s.as_bytes()));
        for window in texts.flat_map(|s| (0..s.len()).filter_map(|at| Self::window_at(s, at))) {
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
            let start = bytes.len() as u32;
            bytes.extend_from_slice(text);
            for at in from..from + STRIDE {
                let window = Self::window_at(text, at).unwrap_or(0);
                *taken.entry(window).or_default() += 1;
                chosen.push((window, Entry { number: *number, offset: at as u32, start, len: text.len() as u32 }));
            }
        }
        chosen.sort_by_key(|(window, entry)| (*window, entry.number, entry.offset));
        (chosen, bytes)
    }

    fn insert(&mut self, bucket: Bucket) {
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

    /// A window as it is hashed.
    #[inline(always)]
    fn window(word: u32) -> u32 {
        word & Self::MASK | (LOWER & Self::MASK)
    }

    /// Calls `each` with the strings that stand in the text.
    #[inline]
    fn scan(&self, text: &[u8], each: &mut impl FnMut(u32)) {
        match &self.filter {
            Filter::Tiny(bits) => self.run(bits, text, each),
            Filter::Small(bits) => self.run(bits, text, each),
            Filter::Large(bits) => self.run(bits, text, each),
            Filter::Huge(bits) => self.run(bits, text, each),
        }
    }

    #[inline]
    fn run<P: Probe>(&self, filter: &P, text: &[u8], each: &mut impl FnMut(u32)) {
        match STRIDE {
            1 => self.every_one(filter, text, each),
            4 => self.every_nth::<P, 16>(filter, text, each),
            6 => self.every_nth::<P, 24>(filter, text, each),
            _ => self.every_nth::<P, 32>(filter, text, each),
        }
    }

    fn every_one<P: Probe>(&self, filter: &P, text: &[u8], each: &mut impl FnMut(u32)) {
        let (chunks, rest) = text.as_chunks::<8>();
        // the windows that begin in the last two bytes of a chunk end in the next
        let mut last = 0u64;
        let mut at = 0usize;
        for chunk in chunks {
            let word = u64::from_le_bytes(*chunk);
            let early = last | word << 16;
            let probe = |word: u64, shift: u32| filter.probe(hash(Self::window((word >> shift) as u32)));
            let hits = [
                probe(early, 0),
                probe(early, 8),
                probe(word, 0),
                probe(word, 8),
                probe(word, 16),
                probe(word, 24),
                probe(word, 32),
                probe(word, 40),
            ];
            if hits.iter().fold(0, |all, hit| all | hit) & 1 != 0 {
                for (place, _) in hits.iter().enumerate().filter(|(_, hit)| **hit & 1 != 0) {
                    let Some(place) = (at + place).checked_sub(2) else { continue };
                    if let Some(window) = Self::window_at(text, place) {
                        self.compare(text, place, window, each);
                    }
                }
            }
            last = word >> 48;
            at += 8;
        }
        self.rest(filter, text, (text.len() - rest.len()).saturating_sub(2), each);
    }

    /// `BYTES` = 4 × `STRIDE`: four places at once.
    fn every_nth<P: Probe, const BYTES: usize>(&self, filter: &P, text: &[u8], each: &mut impl FnMut(u32)) {
        let (chunks, rest) = text.as_chunks::<BYTES>();
        let mut at = 0;
        for chunk in chunks {
            let probe = |n: usize| match chunk.get(n * STRIDE..n * STRIDE + 4) {
                Some(&[a, b, c, d]) => filter.probe(hash(Self::window(u32::from_le_bytes([a, b, c, d])))),
                _ => 0,
            };
            let hits = [probe(0), probe(1), probe(2), probe(3)];
            if hits.iter().fold(0, |all, hit| all | hit) & 1 != 0 {
                for (place, _) in hits.iter().enumerate().filter(|(_, hit)| **hit & 1 != 0) {
                    let place = at + place * STRIDE;
                    if let Some(window) = Self::window_at(text, place) {
                        self.compare(text, place, window, each);
                    }
                }
            }
            at += BYTES;
        }
        self.rest(filter, text, text.len() - rest.len(), each);
    }

    /// The places from `at` on.
    fn rest<P: Probe>(&self, filter: &P, text: &[u8], mut at: usize, each: &mut impl FnMut(u32)) {
        while let Some(window) = Self::window_at(text, at) {
            if filter.probe(hash(window)) & 1 != 0 {
                self.compare(text, at, window, each);
            }
            at += STRIDE;
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, window: u32, each: &mut impl FnMut(u32)) {
        let window = Self::window(window);
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

/// Which hashes may be those of our windows. Sizes are fixed at compile time, so that no look-up is checked.
#[derive(Debug)]
enum Filter {
    Tiny(Bytes),
    Small(Bits<1024, 16>),
    Large(Bits<8192, 13>),
    Huge(Bits<131_072, 9>),
}

impl Filter {
    fn new(windows: &[u32]) -> Filter {
        // at most one hash in twenty passes by chance
        match windows.len() {
            0..=200 => Filter::Tiny(Bytes::new(windows)),
            201..=3000 => Filter::Small(Bits::new(windows)),
            3001..=25_000 => Filter::Large(Bits::new(windows)),
            _ => Filter::Huge(Bits::new(windows)),
        }
    }
}

/// Says whether a hash may be one of ours: the lowest bit, others have no meaning.
trait Probe {
    fn probe(&self, hash: u32) -> u64;
}

/// A byte for each value of the upper twelve bits of hashes.
#[derive(Debug)]
struct Bytes(Box<[u8; 4096]>);

impl Bytes {
    fn new(windows: &[u32]) -> Self {
        let mut bytes = Bytes(Box::new([0; 4096]));
        for window in windows {
            bytes.0[(hash(*window) >> 20) as usize % 4096] = 1;
        }
        bytes
    }
}

impl Probe for Bytes {
    #[inline(always)]
    fn probe(&self, hash: u32) -> u64 {
        u64::from(self.0[(hash >> 20) as usize % 4096])
    }
}

/// A bitmap over the upper bits of hashes: `64 * WORDS` bits, which is `1 << (32 - SHIFT)`.
#[derive(Debug)]
struct Bits<const WORDS: usize, const SHIFT: u32>(Box<[u64; WORDS]>);

impl<const WORDS: usize, const SHIFT: u32> Bits<WORDS, SHIFT> {
    fn new(windows: &[u32]) -> Self {
        // made on the heap: the large ones are too much for a stack
        let mut bits = Bits(vec![0; WORDS].into_boxed_slice().try_into().unwrap_or_else(|_| Box::new([0; WORDS])));
        for window in windows {
            let bit = hash(*window) >> SHIFT;
            bits.0[(bit >> 6) as usize % WORDS] |= 1 << (bit & 63);
        }
        bits
    }
}

impl<const WORDS: usize, const SHIFT: u32> Probe for Bits<WORDS, SHIFT> {
    #[inline(always)]
    fn probe(&self, hash: u32) -> u64 {
        let bit = hash >> SHIFT;
        self.0[(bit >> 6) as usize % WORDS] >> (bit & 63)
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
                prop::collection::btree_set("[ab@`]{7,12}", 0..40),
                prop::collection::btree_set("[ab]{9,12}", 0..40),
                prop::collection::btree_set("[ab]{11,14}", 0..40),
            ],
            text in "[aAbB@`\\\\é.]{0,60}",
        ) {
            let strings: Vec<(&str, u32)> = strings.iter().map(String::as_str).zip(0..).collect();
            let grams = Grams::new(&strings, &["abab"]);
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
