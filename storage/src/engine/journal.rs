//! What an index was given since its last commit, in memory, to be given again if Tantivy's writer dies.

/// Bytes of a piece. One that is full is never moved: while much comes this grows to a hundred megabytes between two commits, and a
/// single buffer would be copied and its memory be asked for anew at each doubling.
const PIECE: usize = 4 << 20;
/// Pieces kept for what comes after a commit: one burst must not hold its memory for ever.
const SPARE: usize = 8;

/// Packed events with their bases, in the order they were given.
#[derive(Default)]
pub(super) struct Journal {
    pieces: Vec<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    places: Vec<Place>,
    bytes: usize,
}

/// Where an event is: its piece, where its packed bytes begin and end there, and where its base ends.
struct Place {
    piece: u32,
    from: u32,
    middle: u32,
    end: u32,
}

impl Journal {
    /// Appends a packed event and its base.
    pub(super) fn push(&mut self, (packed, base): (&[u8], &str)) {
        let size = packed.len() + base.len();
        if self.pieces.last().is_none_or(|last| last.capacity() - last.len() < size) {
            let next = self.spare.pop_if(|spare| spare.capacity() >= size);
            self.pieces.push(next.unwrap_or_else(|| Vec::with_capacity(PIECE.max(size))));
        }
        let piece = self.pieces.len().saturating_sub(1) as u32;
        let Some(last) = self.pieces.last_mut() else { return };
        let from = last.len() as u32;
        last.extend_from_slice(packed);
        let middle = last.len() as u32;
        last.extend_from_slice(base.as_bytes());
        self.places.push(Place { piece, from, middle, end: last.len() as u32 });
        self.bytes += size;
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        for mut piece in self.pieces.drain(..) {
            if self.spare.len() < SPARE && piece.capacity() == PIECE {
                piece.clear();
                self.spare.push(piece);
            }
        }
        self.places.clear();
        self.bytes = 0;
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Each with its base, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &str)> {
        self.places.iter().filter_map(|place| {
            let piece = self.pieces.get(place.piece as usize)?;
            let base = std::str::from_utf8(piece.get(place.middle as usize..place.end as usize)?).ok()?;
            Some((piece.get(place.from as usize..place.middle as usize)?, base))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, PIECE, SPARE};

    #[test]
    fn gives_back_what_it_was_given_whatever_the_sizes() {
        let mut journal = Journal::default();
        for round in 0..2u8 {
            let sizes = [0, 1, PIECE / 3, PIECE - 1, 2 * PIECE, PIECE / 2, PIECE / 2 + 7, 5];
            let given: Vec<(Vec<u8>, String)> = sizes.iter().map(|&n| (vec![round; n], "đ".repeat(n / 5))).collect();
            given.iter().for_each(|(packed, base)| journal.push((packed, base)));
            assert_eq!(journal.len(), sizes.len());
            assert_eq!(journal.bytes(), given.iter().map(|(packed, base)| packed.len() + base.len()).sum::<usize>());
            assert!(journal.iter().eq(given.iter().map(|(packed, base)| (packed.as_slice(), base.as_str()))));
            journal.clear();
            assert!(journal.is_empty() && journal.bytes() == 0 && journal.iter().next().is_none());
        }
    }

    #[test]
    fn a_burst_does_not_hold_its_memory() {
        let mut journal = Journal::default();
        (0..3 * SPARE).for_each(|_| journal.push((&[1; PIECE], "")));
        journal.push((&[1; 3 * PIECE], ""));
        journal.clear();
        assert!(journal.spare.len() <= SPARE && journal.spare.iter().all(|piece| piece.capacity() == PIECE));
    }
}
