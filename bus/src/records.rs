//! Records as a consumer gets them: slices of the buffer they were read into. Nothing is copied and nothing allocated.

use crate::format::{BATCH_HEADER, u32_at};

/// A batch in the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) base: u64,
    pub(crate) count: u32,
    /// Where its header is.
    pub(crate) at: usize,
}

/// A record in the buffer: which batch, which of its records, where in the batch's data.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) span: usize,
    record: u32,
    data: usize,
}

impl Place {
    /// The place of `offset` in the first batch.
    pub(crate) fn of(spans: &[Span], bytes: &[u8], offset: u64) -> Place {
        let mut place = Place::default();
        let Some(first) = spans.first() else { return place };
        while first.base + u64::from(place.record) < offset && place.record < first.count {
            place.data += place.length(first, bytes);
            place.record += 1;
        }
        place
    }

    fn length(&self, span: &Span, bytes: &[u8]) -> usize {
        u32_at(bytes, span.at + BATCH_HEADER + 4 * self.record as usize) as usize
    }

    /// The record here and the place after it.
    fn step<'a>(mut self, spans: &[Span], bytes: &'a [u8]) -> Option<(u64, &'a [u8], Place)> {
        let span = spans.get(self.span)?;
        let start = span.at + BATCH_HEADER + 4 * span.count as usize + self.data;
        let length = self.length(span, bytes);
        let record = bytes.get(start..start.checked_add(length)?)?;
        let offset = span.base + u64::from(self.record);
        self.record += 1;
        self.data += length;
        if self.record == span.count {
            self = Place { span: self.span + 1, ..Place::default() };
        }
        Some((offset, record, self))
    }
}

/// Some records in order: an iterator of `(offset, bytes)`. Cloning it, or [`iter`](Self::iter), starts again from where it is.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
    place: Place,
    left: usize,
    next_offset: u64,
    end: Place,
}

impl<'a> Records<'a> {
    /// The records from `place` on, within the limits; `position` is where the consumer stands if there are none.
    pub(crate) fn new(bytes: &'a [u8], spans: &'a [Span], place: Place, position: u64, max_records: usize, max_bytes: usize) -> Self {
        let mut records = Self { bytes, spans, place, left: 0, next_offset: position, end: place };
        let mut room = max_bytes;
        while records.left < max_records {
            let Some((offset, record, after)) = records.end.step(spans, bytes) else { break };
            match room.checked_sub(record.len()) {
                Some(rest) => room = rest,
                None if records.left == 0 => room = 0,
                None => break,
            }
            records.left += 1;
            records.next_offset = offset + 1;
            records.end = after;
        }
        records
    }

    pub(crate) fn end(&self) -> (Place, u64) {
        (self.end, self.next_offset)
    }

    /// Number of records left in the iterator.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The offset after the last of these records: what to commit when all of them are done.
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The same records again.
    pub fn iter(&self) -> Records<'a> {
        self.clone()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (offset, record, after) = self.place.step(self.spans, self.bytes)?;
        self.place = after;
        Some((offset, record))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Records<'_> {}
