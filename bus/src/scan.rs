//! Walks the batches of a segment file: checks every checksum, steps over damage, says what is missing.
//! Reads only; what to do about damage is decided elsewhere.

use std::io;

use crate::{
    format::{ALIGN, BATCH_HEADER, BatchHead, SEGMENT_HEADER},
    host::{HostFile, read_full},
};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;
/// Distance of index entries, bytes.
const INDEX_STEP: u64 = 256 << 10;

/// A part of a file held in memory; moves forward through it.
#[derive(Debug)]
pub(crate) struct Window {
    /// Grows only, so that its memory is zeroed once and not before every read.
    bytes: Vec<u8>,
    length: usize,
    at: u64,
    /// Bytes read at a time.
    pub(crate) chunk: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { bytes: Vec::new(), length: 0, at: 0, chunk: CHUNK }
    }
}

impl Window {
    /// What the file holds from `position` on: `need` bytes or more, fewer only where `end` (or the file's own end) comes first.
    pub(crate) fn load(&mut self, file: &dyn HostFile, position: u64, need: usize, end: u64) -> io::Result<&[u8]> {
        let left = usize::try_from(end.saturating_sub(position)).unwrap_or(usize::MAX);
        let need = need.min(left);
        let held = self.held(position).len();
        if held < need {
            self.bytes.copy_within(self.length - held..self.length, 0);
            (self.at, self.length) = (position, held);
            let want = self.chunk.max(need).min(left);
            if self.bytes.len() < want {
                self.bytes.resize(want, 0);
            }
            let free = self.bytes.get_mut(held..want).unwrap_or_default();
            self.length += read_full(file, free, position + held as u64)?;
        }
        Ok(self.held(position))
    }

    /// What is held from `position` on.
    pub(crate) fn held(&self, position: u64) -> &[u8] {
        let skip = position.checked_sub(self.at).and_then(|s| usize::try_from(s).ok());
        skip.and_then(|s| self.bytes.get(s..self.length)).unwrap_or_default()
    }

    /// Forgets what is held, so that the next load reads the file again.
    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }
}

/// A file position for every 256 KiB of a segment, so that a seek reads little.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index(pub(crate) Vec<(u64, u64)>);

impl Index {
    /// Notes that the batch with this first offset is at `position`.
    pub(crate) fn note(&mut self, offset: u64, position: u64) {
        if self.0.last().is_none_or(|&(_, last)| position >= last + INDEX_STEP) {
            self.0.push((offset, position));
        }
    }

    /// A batch boundary at or before the batch that holds `offset`, with that batch's first offset.
    pub(crate) fn find(&self, offset: u64) -> Option<(u64, u64)> {
        let after = self.0.partition_point(|&(o, _)| o <= offset);
        after.checked_sub(1).and_then(|i| self.0.get(i)).copied()
    }
}

/// Which part of which file is to be walked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The segment's salt.
    pub(crate) salt: u64,
    /// Offset of the first record.
    pub(crate) base: u64,
    /// Batches at or beyond this offset do not count: the next segment has them.
    pub(crate) below: u64,
    /// Where the file's content ends, bytes.
    pub(crate) end: u64,
}

/// Offsets that should be in a segment and are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Whether they had been acknowledged for sure; otherwise they may be of a last group that never became durable.
    pub(crate) certain: bool,
}

/// What a walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Offset after the last record.
    pub(crate) next: u64,
    /// File position after the last sound batch.
    pub(crate) end: u64,
    /// File position of the last group commit's first batch: everything before it was synced.
    pub(crate) last_group: u64,
    pub(crate) records: u64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    pub(crate) keys: Vec<([u8; 16], u64)>,
    pub(crate) index: Index,
    pub(crate) gaps: Vec<Gap>,
}

/// The sound batch at `position`, if there is one there. Its body is in the window afterwards.
pub(crate) fn batch_at(window: &mut Window, file: &dyn HostFile, position: u64, bounds: &Bounds) -> io::Result<Option<BatchHead>> {
    let Some(head) = BatchHead::decode(window.load(file, position, BATCH_HEADER, bounds.end)?, bounds.salt) else { return Ok(None) };
    if head.base >= bounds.below || head.end() > bounds.below || position + head.total() as u64 > bounds.end {
        return Ok(None);
    }
    let bytes = window.load(file, position, head.total(), bounds.end)?;
    Ok(body(bytes, &head).filter(|b| head.vouches_for(b)).map(|_| head))
}

/// The body of a batch that starts at `bytes`.
pub(crate) fn body<'a>(bytes: &'a [u8], head: &BatchHead) -> Option<&'a [u8]> {
    bytes.get(BATCH_HEADER..BATCH_HEADER + head.body_len as usize)
}

/// The first sound batch at or after `position` whose records are at `at_least` or later.
pub(crate) fn resynchronize(
    window: &mut Window,
    file: &dyn HostFile,
    mut position: u64,
    bounds: &Bounds,
    at_least: u64,
) -> io::Result<Option<(u64, BatchHead)>> {
    let mark = bounds.salt.to_le_bytes();
    loop {
        let bytes = window.load(file, position, BATCH_HEADER, bounds.end)?;
        if bytes.len() < BATCH_HEADER {
            return Ok(None);
        }
        match bytes.as_chunks::<ALIGN>().0.iter().position(|c| *c == mark) {
            None => position += (bytes.len() / ALIGN * ALIGN) as u64,
            Some(steps) => {
                position += (steps * ALIGN) as u64;
                if let Some(head) = batch_at(window, file, position, bounds)?.filter(|h| h.base >= at_least) {
                    return Ok(Some((position, head)));
                }
                position += ALIGN as u64;
            }
        }
    }
}

/// Walks a segment from its first batch to its end, calling `visit` for every sound batch with its body.
pub(crate) fn scan(file: &dyn HostFile, bounds: &Bounds, mut visit: impl FnMut(&BatchHead, &[u8])) -> io::Result<Scan> {
    let mut window = Window::default();
    let mut found = Scan { next: bounds.base, end: SEGMENT_HEADER as u64, last_group: SEGMENT_HEADER as u64, ..Scan::default() };
    let mut position = found.end;
    let mut last_group = bounds.base;
    loop {
        let next = found.next;
        let head = match batch_at(&mut window, file, position, bounds)?.filter(|h| h.base == next) {
            Some(head) => head,
            None => {
                let Some((at, head)) = resynchronize(&mut window, file, position, bounds, next)? else { break };
                if head.base > next {
                    found.gaps.push(Gap { from: next, to: head.base, certain: false });
                }
                position = at;
                head
            }
        };
        if found.records == 0 {
            found.first_at = head.at;
        }
        found.last_at = head.at;
        found.records += u64::from(head.count);
        found.keys.extend(head.key.map(|k| (k, head.base)));
        found.index.note(head.base, position);
        visit(&head, body(window.held(position), &head).unwrap_or_default());
        found.next = head.end();
        if head.group() > last_group {
            (last_group, found.last_group) = (head.group(), position);
        }
        position += head.total() as u64;
        found.end = position;
    }
    // A group begins only after everything before it was synced.
    for gap in &mut found.gaps {
        gap.certain = gap.from < last_group;
    }
    if bounds.below != u64::MAX {
        found.gaps.iter_mut().for_each(|g| g.certain = true);
        if found.next < bounds.below {
            found.gaps.push(Gap { from: found.next, to: bounds.below, certain: true });
        }
    }
    Ok(found)
}

/// Calls `each` with every record of a batch's body.
pub(crate) fn records(head: &BatchHead, body: &[u8], mut each: impl FnMut(&[u8])) {
    let Some((lengths, mut data)) = body.split_at_checked(head.count as usize * 4) else { return };
    for length in lengths.as_chunks::<4>().0 {
        let Some((record, rest)) = data.split_at_checked(u32::from_le_bytes(*length) as usize) else { return };
        each(record);
        data = rest;
    }
}
