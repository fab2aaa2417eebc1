//! One direction of a TCP connection, put in order.
//!
//! What is next goes on at once, without a copy; what comes too early waits, bounded. Bytes that come twice are counted; where they
//! differ the first are kept. A hole is given up when the peer has acknowledged beyond it and either enough waits behind it or it is
//! old, when too much waits, and at the end.

use std::collections::BTreeMap;

/// Bytes behind an acknowledged hole that are worth waiting with.
const WORTH_WAITING: usize = 64 << 10;
/// How long an acknowledged hole may still be filled by packets captured out of order, nanoseconds.
const PATIENCE: i64 = 3_000_000_000;
/// Bytes that may wait in one direction.
const MAX_WAITING: usize = 1 << 20;
/// Segments that may wait in one direction.
const MAX_SEGMENTS: usize = 4096;
/// A segment further ahead than this belongs to no window.
const MAX_AHEAD: i64 = 1 << 28;

/// Memory for waiting bytes over all flows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) used: usize,
    pub(crate) limit: usize,
}

/// What comes out, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'a> {
    Bytes(&'a [u8]),
    /// So many bytes were not captured.
    Missing(u64),
}

/// What a segment turned out to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// Some of it had come before.
    pub(crate) again: bool,
    /// And with other bytes.
    pub(crate) differs: bool,
}

/// One direction.
#[derive(Debug, Default)]
pub(crate) struct Reassembler {
    /// Next sequence number expected; `None` before anything was seen.
    next: Option<u32>,
    /// Bytes gone on or given up so far.
    offset: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    held: usize,
    /// Since when there is a hole.
    hole: i64,
    /// Where the stream ends, once known.
    end: Option<u64>,
    /// How far the peer has acknowledged.
    acknowledged: u64,
}

impl Reassembler {
    /// The stream begins after this sequence number.
    pub(crate) fn begin(&mut self, isn: u32) {
        if self.next.is_none() {
            self.next = Some(isn.wrapping_add(1));
        }
    }

    fn place(&self, sequence: u32) -> Option<i64> {
        let ahead = sequence.wrapping_sub(self.next?) as i32;
        Some(self.offset as i64 + i64::from(ahead))
    }

    /// The peer has everything before this sequence number.
    pub(crate) fn acknowledge(&mut self, sequence: u32) {
        if let Some(place) = self.place(sequence)
            && place - (self.offset as i64) < MAX_AHEAD
        {
            self.acknowledged = self.acknowledged.max(place.max(0) as u64);
        }
    }

    /// A segment with FIN ends the stream here.
    pub(crate) fn close(&mut self, sequence: u32, length: usize) {
        if self.next.is_none() {
            self.next = Some(sequence);
        }
        if let Some(place) = self.place(sequence).filter(|p| *p >= 0) {
            self.end.get_or_insert(place as u64 + length as u64);
        }
    }

    /// Whether everything up to the end has gone on.
    pub(crate) fn complete(&self) -> bool {
        self.end.is_some_and(|end| self.offset >= end)
    }

    /// Takes a segment in.
    pub(crate) fn segment(
        &mut self,
        at: i64,
        sequence: u32,
        mut data: &[u8],
        budget: &mut Budget,
        out: &mut dyn FnMut(Piece<'_>),
    ) -> Found {
        let mut found = Found::default();
        if self.next.is_none() {
            self.next = Some(sequence);
        }
        let Some(mut place) = self.place(sequence) else { return found };
        let begin = self.offset as i64;
        if place < begin {
            found.again = true;
            let Some(rest) = usize::try_from(begin - place).ok().and_then(|n| data.get(n..)) else { return found };
            data = rest;
            place = begin;
        }
        if data.is_empty() || place - begin > MAX_AHEAD {
            return found;
        }
        if place == begin && self.waiting.is_empty() {
            self.advance(data.len());
            out(Piece::Bytes(data));
            return found;
        }
        if self.waiting.is_empty() {
            self.hole = at;
        }
        self.keep(place as u64, data, budget, &mut found);
        self.release(budget, out);
        self.give_up(at, budget, out);
        found
    }

    fn advance(&mut self, n: usize) {
        self.next = self.next.map(|s| s.wrapping_add(n as u32));
        self.offset += n as u64;
    }

    /// Keeps what is not there yet; what is stays.
    fn keep(&mut self, place: u64, data: &[u8], budget: &mut Budget, found: &mut Found) {
        let end = place + data.len() as u64;
        let mut at = place;
        let mut holes: smallvec::SmallVec<[(u64, u64); 4]> = smallvec::SmallVec::new();
        let first = self.waiting.range(..=place).next_back().map_or(place, |(k, _)| *k);
        for (&from, bytes) in self.waiting.range(first..end) {
            let to = from + bytes.len() as u64;
            if to <= place {
                continue;
            }
            if at < from {
                holes.push((at, from));
            }
            let (a, b) = (from.max(place), to.min(end));
            found.again = true;
            let there = bytes.get((a - from) as usize..(b - from) as usize);
            found.differs |= there != data.get((a - place) as usize..(b - place) as usize);
            at = at.max(to);
        }
        if at < end {
            holes.push((at, end));
        }
        for (from, to) in holes {
            if let Some(part) = data.get((from - place) as usize..(to - place) as usize) {
                self.held += part.len();
                budget.used += part.len();
                self.waiting.insert(from, part.to_vec());
            }
        }
    }

    /// Lets go what is next.
    fn release(&mut self, budget: &mut Budget, out: &mut dyn FnMut(Piece<'_>)) {
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() != self.offset {
                break;
            }
            let bytes = entry.remove();
            self.held -= bytes.len();
            budget.used = budget.used.saturating_sub(bytes.len());
            self.advance(bytes.len());
            out(Piece::Bytes(&bytes));
        }
    }

    /// Gives up holes that will not be filled.
    pub(crate) fn give_up(&mut self, at: i64, budget: &mut Budget, out: &mut dyn FnMut(Piece<'_>)) {
        while let Some((&first, _)) = self.waiting.first_key_value() {
            let hopeless = self.acknowledged >= first && (self.held > WORTH_WAITING || at.saturating_sub(self.hole) > PATIENCE);
            let full = self.held > MAX_WAITING || self.waiting.len() > MAX_SEGMENTS || budget.used > budget.limit;
            if !hopeless && !full {
                return;
            }
            self.skip(first, budget, out);
            self.hole = at;
        }
    }

    fn skip(&mut self, to: u64, budget: &mut Budget, out: &mut dyn FnMut(Piece<'_>)) {
        let missing = to - self.offset;
        self.advance(missing as usize);
        out(Piece::Missing(missing));
        self.release(budget, out);
    }

    /// So many bytes from this place on were on the wire and not captured.
    pub(crate) fn cut(&mut self, sequence: u32, missing: usize, budget: &mut Budget, out: &mut dyn FnMut(Piece<'_>)) {
        if self.place(sequence) == Some(self.offset as i64) {
            let to = self.offset + missing as u64;
            let to = self.waiting.first_key_value().map_or(to, |(first, _)| to.min(*first));
            self.skip(to, budget, out);
        }
    }

    /// Lets everything go, with the holes.
    pub(crate) fn finish(&mut self, budget: &mut Budget, out: &mut dyn FnMut(Piece<'_>)) {
        while let Some((&first, _)) = self.waiting.first_key_value() {
            self.skip(first, budget, out);
        }
    }

    /// Throws away what waits.
    pub(crate) fn forget(&mut self, budget: &mut Budget) {
        budget.used = budget.used.saturating_sub(self.held);
        self.held = 0;
        self.waiting.clear();
    }
}
