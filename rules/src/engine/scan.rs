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
    /// Bit n: some whole value has n bytes (63: or more).
    lengths: u64,
    shortest: usize,
    start: Trie,
    end: Trie,
    anywhere: Grams,
    /// Strings with letters beyond ASCII; those of `anywhere` have none.
    foreign: Grams,
}

fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

impl Scan {
    /// From literals with their numbers, none twice.
    pub(crate) fn new(literals: &[(Place, &str, u32)]) -> Scan {
        let of = |place: Place| literals.iter().filter(move |l| l.0 == place);
        let mut scan = Scan { shortest: literals.iter().map(|(_, s, _)| s.len()).min().unwrap_or(usize::MAX), ..Scan::default() };
        for (_, text, number) in of(Place::Whole) {
            scan.lengths |= length_bit(text.len());
            scan.whole.insert(text.as_bytes().into(), *number);
        }
        scan.start = Trie::new(of(Place::Start).map(|(_, s, n)| (s.as_bytes().to_vec(), *n)).collect());
        scan.end = Trie::new(of(Place::End).map(|(_, s, n)| (s.bytes().rev().collect(), *n)).collect());
        let (ascii, foreign): (Vec<_>, Vec<_>) = of(Place::Anywhere).map(|(_, s, n)| (*s, *n)).partition(|(s, _)| s.is_ascii());
        scan.anywhere = Grams::new(&ascii);
        scan.foreign = Grams::new(&foreign);
        scan
    }

    /// Bytes of the shortest literal; shorter values need not be looked at.
    pub(crate) fn shortest(&self) -> usize {
        self.shortest
    }

    /// Whether nothing is looked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.start.is_empty() && self.end.is_empty() && self.anywhere.is_empty() && self.foreign.is_empty()
    }

    /// Whether the whole value must be looked at folded ([`Scan::whole`]).
    #[inline]
    pub(crate) fn wants_whole(&self, text: &str) -> bool {
        self.lengths & length_bit(text.len()) != 0
    }

    /// The literal that the whole of a folded value is.
    #[inline]
    pub(crate) fn whole(&self, folded: &str) -> Option<u32> {
        self.whole.get(folded.as_bytes()).copied()
    }

    /// Calls `each` with every literal beyond ASCII found anywhere in a folded value that is itself not ASCII.
    pub(crate) fn foreign(&self, folded: &[u8], mut each: impl FnMut(u32)) {
        self.foreign.scan(folded, &mut each);
    }

    /// Calls `each` with every literal found in a value, whole values and [`Scan::foreign`] apart; ASCII case is ignored, so that only values with
    /// other letters need be folded first. A literal may come several times.
    #[inline]
    pub(crate) fn parts(&self, text: &[u8], mut each: impl FnMut(u32)) {
        self.start.walk(text.iter().map(u8::to_ascii_lowercase), &mut each);
        self.end.walk(text.iter().rev().map(u8::to_ascii_lowercase), &mut each);
        self.anywhere.scan(text, &mut each);
    }
}
