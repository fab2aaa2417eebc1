//! Words that every record of a kind has: keys of key=value lines, constant text of a message.
//!
//! Indexing such a word for each record costs as much as a word that tells something. So the words common to a kind of record
//! are learnt, and an event that has all of them names the whole set by one dictionary entry (column `u`) instead. The entry
//! lists its words, so what was learnt when never matters to readers.

use std::hash::BuildHasher as _;

use fansipan_model::text::WORD_LIMIT;
use hashbrown::HashMap;

/// Events a kind is learnt from.
const LESSONS: u32 = 64;
/// Kinds learnt at once; events of others have all their words indexed.
const MOST_KINDS: usize = 4_096;
/// Words of a set: as many as the marks have bits.
const MOST_WORDS: usize = 128;
/// Sets smaller than this are not worth an entry.
const LEAST_WORDS: usize = 4;
/// A kind that misses its set more often than one time in this many is learnt anew.
const MISSES: u32 = 8;

type Hasher = foldhash::fast::RandomState;

#[derive(Default)]
enum Kind {
    /// Words that all events so far have.
    Learning { seen: u32, words: HashMap<Box<str>, u32, Hasher> },
    /// The set, and how it did lately.
    Known { set: Set, hits: u32, misses: u32 },
    /// Has no set worth an entry.
    #[default]
    None,
}

#[derive(Default)]
struct Set {
    places: HashMap<Box<str>, u8, Hasher>,
    words: Vec<Box<str>>,
    entry: Vec<u8>,
}

/// What was learnt, per kind of record.
#[derive(Default)]
pub(crate) struct Usual {
    kinds: HashMap<u64, Kind, Hasher>,
    hasher: Hasher,
}

impl Usual {
    /// Sorts the words of an event of this kind: the usual ones are replaced by the entry that is returned, the others
    /// are appended to `out`, each followed by a line end. No entry: `out` has them all.
    pub(crate) fn split(&mut self, kind: &[u8], text: &Source<'_>, out: &mut String) -> &[u8] {
        let key = self.hasher.hash_one(kind);
        if self.kinds.len() >= MOST_KINDS && !self.kinds.contains_key(&key) {
            push_all(text, out);
            return &[];
        }
        let state = self.kinds.entry(key).or_insert_with(|| Kind::Learning { seen: 0, words: HashMap::default() });
        match state {
            Kind::None => push_all(text, out),
            Kind::Learning { seen, words } => {
                learn(*seen, words, text, out);
                *seen += 1;
                if *seen == LESSONS {
                    *state = Set::of(words).map_or(Kind::None, |set| Kind::Known { set, hits: 0, misses: 0 });
                }
            }
            Kind::Known { set, hits, misses } => {
                if set.split(text, out) {
                    *hits += 1;
                } else {
                    *misses += 1;
                    if *misses > LESSONS && *misses > *hits / MISSES {
                        *state = Kind::Learning { seen: 0, words: HashMap::default() };
                    }
                    return &[];
                }
            }
        }
        // borrowed anew: the branches above may have replaced it
        match self.kinds.get(&key) {
            Some(Kind::Known { set, hits, .. }) if *hits > 0 => &set.entry,
            _ => &[],
        }
    }
}

/// Whether an entry of column `u` has a word for which `holds`.
pub(crate) fn entry_has(entry: &[u8], mut holds: impl FnMut(&[u8]) -> bool) -> bool {
    entry.split(|b| *b == b'\n').any(|word| !word.is_empty() && holds(word))
}

fn push(word: &str, out: &mut String) {
    out.push_str(word);
    out.push('\n');
}

fn push_all(text: &Source<'_>, out: &mut String) {
    text.each(|word| push(word, out));
}

/// Takes from `words` those that this event does not have.
fn learn(seen: u32, words: &mut HashMap<Box<str>, u32, Hasher>, text: &Source<'_>, out: &mut String) {
    text.each(|word| {
        push(word, out);
        if let Some(last) = words.get_mut(word) {
            *last = seen;
        } else if seen == 0 && words.len() < 4 * MOST_WORDS {
            words.insert(word.into(), 0);
        }
    });
    words.retain(|_, last| *last == seen);
}

impl Set {
    /// A set worth an entry.
    fn of(words: &HashMap<Box<str>, u32, Hasher>) -> Option<Set> {
        let mut set = Set { words: words.keys().cloned().collect(), ..Set::default() };
        set.words.sort();
        set.words.truncate(MOST_WORDS);
        set.places = (0u8..).zip(&set.words).map(|(i, w)| (w.clone(), i)).collect();
        set.entry = set.words.join("\n").into_bytes();
        (set.words.len() >= LEAST_WORDS).then_some(set)
    }

    /// Whether the event has the whole set; the words that are not in it go to `out`, and if not, those that are too.
    fn split(&self, text: &Source<'_>, out: &mut String) -> bool {
        let mut marks = 0u128;
        text.each(|word| match self.places.get(word) {
            Some(place) => marks |= 1 << place,
            None => push(word, out),
        });
        let whole = marks.count_ones() as usize == self.words.len();
        if !whole {
            let there = self.words.iter().enumerate().filter(|(i, _)| marks >> i & 1 == 1);
            there.for_each(|(_, word)| push(word, out));
        }
        whole
    }
}

/// Where the words of an event come from.
pub(crate) struct Source<'a> {
    /// A text and the starts and ends of its words (runs of ASCII letters and digits and of bytes beyond ASCII).
    pub(crate) whole: &'a str,
    pub(crate) words: &'a [(u32, u32)],
    /// A bit for each word that counts.
    pub(crate) marks: &'a [u64],
    /// Any other text.
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// Calls `each` with the words of [`fansipan_model::text::words`], by a faster road for ASCII.
    fn each(&self, mut each: impl FnMut(&str)) {
        let mut folded = String::with_capacity(WORD_LIMIT);
        let mut fold = |word: &str| {
            // most words are as they are
            if word.len() <= WORD_LIMIT && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
                each(word);
            } else {
                folded.clear();
                push_folded(word, &mut folded);
                each(&folded);
            }
        };
        for (mut bits, block) in self.marks.iter().copied().zip(self.words.chunks(64)) {
            while bits != 0 {
                let word = block.get(bits.trailing_zeros() as usize);
                bits &= bits - 1;
                let Some(run) = word.and_then(|&(from, to)| self.whole.get(from as usize..to as usize)) else { continue };
                if run.is_ascii() {
                    fold(run);
                } else {
                    split_words(run, &mut fold);
                }
            }
        }
        split_words(self.text, &mut fold);
    }
}

fn split_words(text: &str, each: &mut impl FnMut(&str)) {
    let mut rest = text;
    loop {
        let (word, after) = split_word(rest);
        if word.is_empty() {
            return;
        }
        rest = after;
        each(word);
    }
}

/// The first maximal run of alphanumeric characters, and what follows it. An empty run: there is none.
fn split_word(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let Some(start) = bytes.iter().position(|b| b.is_ascii_alphanumeric() || *b >= 0x80) else { return ("", "") };
    let end = bytes.iter().skip(start).position(|b| !b.is_ascii_alphanumeric()).map_or(bytes.len(), |n| start + n);
    if bytes.get(end).is_none_or(|b| b.is_ascii())
        && let (Some(word), Some(rest)) = (text.get(start..end), text.get(end..))
        && !word.is_empty()
    {
        return (word, rest);
    }
    // beyond ASCII: by characters
    let mut from = None;
    for (i, c) in text.char_indices().skip_while(|(i, _)| *i < start) {
        match (c.is_alphanumeric(), from) {
            (true, None) => from = Some(i),
            (false, Some(f)) => return (text.get(f..i).unwrap_or(""), text.get(i..).unwrap_or("")),
            _ => {}
        }
    }
    (from.and_then(|f| text.get(f..)).unwrap_or(""), "")
}

/// Appends the folded word, cut to [`WORD_LIMIT`] bytes on a character boundary.
fn push_folded(word: &str, out: &mut String) {
    if word.is_ascii() {
        out.push_str(word.get(..WORD_LIMIT).unwrap_or(word));
        out.make_ascii_lowercase();
        return;
    }
    for c in word.chars().flat_map(char::to_lowercase) {
        if out.len() + c.len_utf8() > WORD_LIMIT {
            break;
        }
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ours(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        Source { whole: "", words: &[], marks: &[], text }.each(|word| out.push(word.to_owned()));
        out
    }

    fn theirs(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        fansipan_model::text::words(text, &mut String::new(), |w| out.push(w.to_owned()));
        out
    }

    #[test]
    fn words_of_real_lines() {
        for text in [
            "",
            "  --  ",
            "srcip=10.0.0.1 user=\"Nguyễn Văn Ánh\"",
            "Đăng nhập THẤT BẠI: ổ C:\\Windows\\System32",
            "İstanbul ǅ ß ﬁ 漢字テスト٣",
            &"a".repeat(200),
            &"ắ".repeat(100),
            "x\u{301}y",
        ] {
            assert_eq!(ours(text), theirs(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn same_words_as_the_model(text in "(\\PC|[a-zA-Z0-9=., ẮđĐ]){0,120}") {
            prop_assert_eq!(ours(&text), theirs(&text));
        }
    }

    #[test]
    fn every_word_is_indexed_or_in_the_entry() {
        let mut usual = Usual::default();
        let mut hits = 0;
        for n in 0..500u32 {
            // one in a hundred has another form, and later all have
            let text = match (n % 100, n > 300) {
                (99, _) => format!("key other={n}"),
                (_, false) => format!("date={n} key=x srcip=10.0.0.{n} action=deny level=notice key"),
                (_, true) => format!("datum={n} key=x srcip=10.0.0.{n} action=deny level=notice"),
            };
            let mut out = String::new();
            let entry = usual.split(b"kind", &Source { whole: "", words: &[], marks: &[], text: &text }, &mut out).to_vec();
            hits += u32::from(!entry.is_empty());
            let found: std::collections::BTreeSet<&str> = out.lines().chain(std::str::from_utf8(&entry).unwrap().lines()).collect();
            let want = theirs(&text);
            assert_eq!(found, want.iter().map(String::as_str).collect(), "{n}");
        }
        assert!(hits > 230, "{hits}");
    }
}
