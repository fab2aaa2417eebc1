//! Everything that is looked for in one field, found in one go: whole values by hash, beginnings and ends by trie,
//! strings anywhere by windows. What is found are literals, by number.

use fansipan_model::pattern::Shape;
use hashbrown::HashMap;

use super::{gram::Grams, trie::Trie};

/// A literal and where in the value it must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    Whole,
    Start,
    End,
    Anywhere,
}

/// The literal a simple pattern consists of.
pub(crate) fn literal(shape: Shape<'_>) -> Option<(Place, &str)> {
    Some(match shape {
        Shape::Exact(s) => (Place::Whole, s),
        Shape::Prefix(s) => (Place::Start, s),
        Shape::Suffix(s) => (Place::End, s),
        Shape::Contains(s) => (Place::Anywhere, s),
        Shape::Anything | Shape::Glob(_) => return None,
    })
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    whole: HashMap<Box<[u8]>, u32, foldhash::fast::FixedState>,
    /// Which lengths and last bytes the whole values have, as bits.
    ends: Vec<u64>,
    some: bool,
    anywhere_only: bool,
    /// Whether literals can stand in texts only, not in numbers, addresses, times and the like.
    textual: bool,
    /// Bytes of the shortest literal.
    shortest: usize,
    start: Trie,
    /// Ends that hold a backslash, by what follows their last one: the rest before it, with the literal's number.
    names: HashMap<Box<[u8]>, Vec<(Box<[u8]>, u32)>, foldhash::fast::FixedState>,
    /// Which of `names` there may be, as `ends`.
    name_ends: Vec<u64>,
    /// Other ends.
    end: Trie,
    anywhere: Grams,
    /// Strings with letters beyond ASCII; those of `anywhere` have none.
    foreign: Grams,
}

/// Words of a bitmap of ends.
const ENDS: usize = 128;
/// Longer names are cut from the end for look-up.
const MAX_NAME: usize = 64;

/// A number that depends on the length and the last four bytes of a text, ASCII case ignored.
#[inline]
fn end_bit(text: &[u8]) -> usize {
    let last = match text.last_chunk::<4>() {
        Some(last) => u32::from_le_bytes(*last),
        None => text.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)),
    };
    let word = (last | 0x2020_2020).wrapping_add((text.len() as u32) << 24).wrapping_mul(0x9e37_79b1);
    (word >> 19) as usize
}

/// Notes a text in a bitmap for [`may_end`].
pub(crate) fn note_end(bits: &mut Vec<u64>, text: &[u8]) {
    bits.resize(ENDS, 0);
    let bit = end_bit(text);
    if let Some(word) = bits.get_mut(bit >> 6) {
        *word |= 1 << (bit & 63);
    }
}

/// Whether a text of this length and these last bytes was noted.
#[inline]
pub(crate) fn may_end(bits: &[u64], text: &[u8]) -> bool {
    let bit = end_bit(text);
    bits.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 != 0)
}

/// What follows the last backslash, if there is one and what follows is not too long, and where it begins.
#[inline]
fn name(text: &[u8]) -> Option<(&[u8], usize)> {
    let tail = text.get(text.len().saturating_sub(MAX_NAME + 1)..)?;
    let at = text.len() - tail.len() + memchr::memrchr(b'\\', tail)? + 1;
    text.get(at..).map(|name| (name, at))
}

/// Whether a folded literal can be part of what a value that is no text is printed as: a number, a UUID, an address, a time, a truth
/// value.
fn may_be_printed(literal: &str) -> bool {
    let printed = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'.' | b':' | b'+' | b'-' | b't' | b'z');
    literal.bytes().all(printed) || ["true", "false", "null"].iter().any(|word| word.contains(literal))
}

impl Scan {
    /// From literals with their numbers, none twice. `background`: see [`Grams::new`].
    pub(crate) fn new(literals: &[(Place, &str, u32)], background: &[&str]) -> Scan {
        let of = |place: Place| literals.iter().filter(move |l| l.0 == place);
        let anywhere_only = literals.iter().all(|l| l.0 == Place::Anywhere);
        let shortest = literals.iter().map(|l| l.1.len()).min().unwrap_or(0);
        let textual = !literals.iter().any(|l| may_be_printed(l.1));
        let mut scan = Scan { some: !literals.is_empty(), anywhere_only, textual, shortest, ..Scan::default() };
        for (_, text, number) in of(Place::Whole) {
            note_end(&mut scan.ends, text.as_bytes());
            scan.whole.insert(text.as_bytes().into(), *number);
        }
        scan.start = Trie::new(of(Place::Start).map(|(_, s, n)| (s.as_bytes().to_vec(), *n)).collect());
        let mut ends = Vec::new();
        for (_, text, number) in of(Place::End) {
            match name(text.as_bytes()) {
                Some((name, at)) => {
                    note_end(&mut scan.name_ends, name);
                    let rest = text.as_bytes().get(..at).unwrap_or_default();
                    scan.names.entry(name.into()).or_default().push((rest.into(), *number));
                }
                None => ends.push((text.bytes().rev().collect(), *number)),
            }
        }
        scan.end = Trie::new(ends);
        let (ascii, foreign): (Vec<_>, Vec<_>) = of(Place::Anywhere).map(|(_, s, n)| (*s, *n)).partition(|(s, _)| s.is_ascii());
        scan.anywhere = Grams::new(&ascii, background);
        scan.foreign = Grams::new(&foreign, background);
        scan
    }

    /// Whether the whole value must be looked at folded ([`Scan::whole`]).
    #[inline]
    pub(crate) fn wants_whole(&self, text: &str) -> bool {
        !self.ends.is_empty() && may_end(&self.ends, text.as_bytes())
    }

    /// The literal that the whole of a folded value is.
    #[inline]
    pub(crate) fn whole(&self, folded: &str) -> Option<u32> {
        if self.whole.is_empty() { None } else { self.whole.get(folded.as_bytes()).copied() }
    }

    /// Whether all literals may stand anywhere, so that [`Scan::strings`] finds them all.
    pub(crate) fn is_anywhere(&self) -> bool {
        self.anywhere_only
    }

    /// Whether what is looked for can stand in texts only, not in what numbers, addresses, times and the like are printed as.
    pub(crate) fn is_textual(&self) -> bool {
        self.textual
    }

    /// Bytes of the shortest literal.
    pub(crate) fn shortest(&self) -> usize {
        self.shortest
    }

    /// Calls `each` with every literal found anywhere in several values at once, those with letters beyond ASCII folded.
    pub(crate) fn strings(&self, texts: &[u8], mut each: impl FnMut(u32)) {
        self.anywhere.scan(texts, &mut each);
        self.foreign.scan(texts, &mut each);
    }

    /// Whether nothing is looked for.
    pub(crate) fn is_empty(&self) -> bool {
        !self.some
    }

    /// Calls `each` with every literal beyond ASCII found anywhere in a folded value that is itself not ASCII.
    pub(crate) fn foreign(&self, folded: &[u8], mut each: impl FnMut(u32)) {
        self.foreign.scan(folded, &mut each);
    }

    /// Calls `each` with every literal found in a value, whole values and [`Scan::foreign`] apart; ASCII case is ignored, so that
    /// only values with other letters need be folded first. A literal may come several times.
    #[inline]
    pub(crate) fn parts(&self, text: &[u8], mut each: impl FnMut(u32)) {
        if !self.name_ends.is_empty() {
            self.named(text, &mut each);
        }
        if !self.start.is_empty() {
            self.start.walk(text.iter().map(u8::to_ascii_lowercase), &mut each);
        }
        if !self.end.is_empty() {
            self.end.walk(text.iter().rev().map(u8::to_ascii_lowercase), &mut each);
        }
        self.anywhere.scan(text, &mut each);
    }

    /// Ends that hold a backslash.
    fn named(&self, text: &[u8], each: &mut impl FnMut(u32)) {
        let Some((name, at)) = name(text) else { return };
        if !may_end(&self.name_ends, name) {
            return;
        }
        let mut folded = [0u8; MAX_NAME];
        let Some(folded) = folded.get_mut(..name.len()) else { return };
        folded.copy_from_slice(name);
        folded.make_ascii_lowercase();
        for (rest, number) in self.names.get(&*folded).map_or(&[][..], Vec::as_slice) {
            let before = at.checked_sub(rest.len()).and_then(|from| text.get(from..at));
            if before.is_some_and(|before| before.eq_ignore_ascii_case(rest)) {
                each(*number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Place, Scan};

    proptest! {
        #[test]
        fn finds_what_strings_say(
            literals in prop::collection::btree_set((prop::sample::select(vec![Place::Whole, Place::Start, Place::End, Place::Anywhere]), "[ab\\\\]{1,5}"), 0..30),
            text in "[aAbB\\\\]{0,12}",
        ) {
            let literals: Vec<(Place, &str, u32)> = literals.iter().zip(0..).map(|((p, s), n)| (*p, s.as_str(), n)).collect();
            let scan = Scan::new(&literals, &[]);
            let folded = text.to_lowercase();
            let mut found = Vec::new();
            scan.parts(text.as_bytes(), |n| found.push(n));
            if scan.wants_whole(&text) {
                found.extend(scan.whole(&folded));
            }
            found.sort_unstable();
            found.dedup();
            let holds = |place: Place, s: &str| match place {
                Place::Whole => folded == s,
                Place::Start => folded.starts_with(s),
                Place::End => folded.ends_with(s),
                Place::Anywhere => folded.contains(s),
            };
            let want: Vec<u32> = literals.iter().filter(|(p, s, _)| holds(*p, s)).map(|(.., n)| *n).collect();
            prop_assert_eq!(found, want);
        }
    }
}
