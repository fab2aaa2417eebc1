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
    start: Trie,
    end: Trie,
    anywhere: Grams,
}

fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

impl Scan {
    /// From literals with their numbers, none twice.
    pub(crate) fn new(literals: &[(Place, &str, u32)]) -> Scan {
        let of = |place: Place| literals.iter().filter(move |l| l.0 == place);
        let mut scan = Scan::default();
        for (_, text, number) in of(Place::Whole) {
            scan.lengths |= length_bit(text.len());
            scan.whole.insert(text.as_bytes().into(), *number);
        }
        scan.start = Trie::new(of(Place::Start).map(|(_, s, n)| (s.as_bytes().to_vec(), *n)).collect());
        scan.end = Trie::new(of(Place::End).map(|(_, s, n)| (s.bytes().rev().collect(), *n)).collect());
        let anywhere: Vec<(&str, u32)> = of(Place::Anywhere).map(|(_, s, n)| (*s, *n)).collect();
        scan.anywhere = Grams::new(&anywhere);
        scan
    }

    /// Whether nothing is looked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.start.is_empty() && self.end.is_empty() && self.anywhere.is_empty()
    }

    /// Calls `each` with every literal found in a folded value; a literal may come several times.
    #[inline]
    pub(crate) fn run(&self, text: &[u8], mut each: impl FnMut(u32)) {
        if self.lengths & length_bit(text.len()) != 0
            && let Some(number) = self.whole.get(text)
        {
            each(*number);
        }
        self.start.walk(text.iter().copied(), &mut each);
        self.end.walk(text.iter().rev().copied(), &mut each);
        self.anywhere.scan(text, &mut each);
    }
}
