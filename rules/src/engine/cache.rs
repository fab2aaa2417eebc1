//! What was found in values seen before. Logs repeat themselves: the same programs, users, hashes and parents come again and again.
//!
//! Bounded: a fixed number of places, each for one value of moderate length; a new value takes the place of an old one when it
//! comes a second time, so that what comes only once (identifiers, times) costs little and drives nothing out. The value itself is
//! compared, so an answer is never that of another value. No answer of the engine depends on what is remembered.

/// Places.
const PLACES: usize = 1024;
/// Bytes of the longest value remembered.
const MAX_TEXT: usize = 208;
/// Numbers remembered of one value; those with more are looked at again each time.
pub(crate) const MAX_FOUND: usize = 8;

/// Numbers found in a value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    count: u32,
    numbers: [u32; MAX_FOUND],
}

impl Found {
    /// Adds a number; too many are not remembered.
    pub(crate) fn push(&mut self, number: u32) {
        if let Some(place) = self.numbers.get_mut(self.count as usize) {
            *place = number;
        }
        self.count = self.count.saturating_add(1);
    }

    /// The numbers, unless there were too many.
    pub(crate) fn numbers(&self) -> Option<&[u32]> {
        self.numbers.get(..self.count as usize)
    }
}

#[derive(Clone, Debug)]
struct Place {
    /// What was asked; 0: empty.
    key: u64,
    len: u32,
    found: Found,
    text: [u8; MAX_TEXT],
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    places: Vec<Place>,
    /// By place; few bytes, so that most look-ups in vain touch nothing else.
    marks: Vec<Marks>,
}

/// Marks of what is kept at a place, and of what was last asked there in vain.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    kept: u32,
    missed: u32,
}

/// Where a value may be remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    place: usize,
    mark: u32,
    /// Whether the same was asked there in vain before.
    again: bool,
}

impl Cache {
    /// What was found in the value when the same was asked (`key`, never 0), or where to remember it; neither for long values.
    #[inline]
    pub(crate) fn look(&self, key: u64, text: &[u8]) -> Result<Found, Option<Spot>> {
        if text.len() > MAX_TEXT {
            return Err(None);
        }
        let hash = sample(key, text);
        let (place, mark) = ((hash >> (64 - PLACES.trailing_zeros())) as usize, hash as u32);
        let marks = self.marks.get(place).copied().unwrap_or_default();
        match self.places.get(place).filter(|_| marks.kept == mark) {
            Some(known) if known.key == key && known.text.get(..known.len as usize) == Some(text) => Ok(known.found),
            _ => Err(Some(Spot { place, mark, again: marks.missed == mark })),
        }
    }

    /// Remembers what was found, if the same was asked before.
    pub(crate) fn keep(&mut self, spot: Option<Spot>, key: u64, text: &[u8], found: &Found) {
        let Some(Spot { place, mark, again }) = spot.filter(|_| found.numbers().is_some()) else { return };
        if self.marks.is_empty() {
            self.marks = vec![Marks::default(); PLACES];
            self.places = vec![Place { key: 0, len: 0, found: Found::default(), text: [0; MAX_TEXT] }; PLACES];
        }
        let Some(marks) = self.marks.get_mut(place) else { return };
        if !again {
            marks.missed = mark;
            return;
        }
        marks.kept = mark;
        if let Some(place) = self.places.get_mut(place)
            && let Some(bytes) = place.text.get_mut(..text.len())
        {
            bytes.copy_from_slice(text);
            (place.key, place.len, place.found) = (key, text.len() as u32, *found);
        }
    }
}

/// As [`hash`], over the ends and the middle of long texts only.
#[inline]
fn sample(key: u64, text: &[u8]) -> u64 {
    let middle = text.len() / 2;
    let Some((head, tail)) = text.first_chunk::<8>().zip(text.last_chunk::<16>()).filter(|_| text.len() > 40) else {
        return hash(key, text);
    };
    let mut told = [0; 32];
    let (a, rest) = told.split_at_mut(8);
    let (b, c) = rest.split_at_mut(8);
    a.copy_from_slice(head);
    b.copy_from_slice(text.get(middle..middle + 8).unwrap_or(head));
    c.copy_from_slice(tail);
    hash(key ^ (text.len() as u64) << 32, &told)
}

/// Spreads keys and texts over the upper bits; quick rather than strong, since a clash only costs time.
#[inline]
pub(crate) fn hash(key: u64, text: &[u8]) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut h = (key ^ text.len() as u64).wrapping_mul(MIX);
    let (chunks, rest) = text.as_chunks::<8>();
    for chunk in chunks {
        h = (h.rotate_left(23) ^ u64::from_le_bytes(*chunk)).wrapping_mul(MIX);
    }
    let tail = rest.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    (h.rotate_left(23) ^ tail).wrapping_mul(MIX)
}

#[cfg(test)]
mod tests {
    use super::{Cache, Found, MAX_FOUND, MAX_TEXT};

    #[test]
    fn remembers_what_was_kept_and_nothing_else() {
        let mut cache = Cache::default();
        let mut found = Found::default();
        found.push(7);
        let mut ask = |key: u64, text: &[u8], found: &Found| match cache.look(key, text) {
            Ok(known) => known.numbers().map(<[u32]>::to_vec),
            Err(spot) => {
                cache.keep(spot, key, text, found);
                None
            }
        };
        assert_eq!(ask(1, b"abc", &found), None, "not seen yet");
        assert_eq!(ask(1, b"abc", &found), None, "seen once");
        assert_eq!(ask(1, b"abc", &found), Some(vec![7]), "kept");
        assert_eq!(ask(2, b"abc", &found), None);
        assert_eq!(ask(1, b"abd", &found), None);
        for _ in 0..3 {
            assert_eq!(ask(1, &[0; MAX_TEXT + 1], &found), None, "too long to keep");
        }
        for n in 0..MAX_FOUND as u32 {
            found.push(n);
        }
        for _ in 0..3 {
            assert_eq!(ask(3, b"", &found), None, "too many finds are not kept");
        }
    }
}
