//! One life of one file: read on, cut into lines, append with a key that names the bytes, note what became durable.

use std::{
    collections::VecDeque,
    fs::{File, Metadata},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use fansipan_bus::{BusError, Receipt};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    checkpoint::{Fingerprint, Journal, Position},
    join::Group,
};
use crate::{
    Transport,
    pipeline::{Assignment, Lane, Origin, now},
    sources::{
        error::SourceError,
        framing::{Framer, Framing},
        stream::Context,
    },
};

/// First bytes that tell files apart.
const FINGERPRINT: usize = 256;
/// Batches of one file on their way at most.
const IN_FLIGHT: usize = 4;
/// Bytes read of one file before the next one has its turn.
const TURN: u64 = 4 << 20;
/// A file that was rotated away is over after this long without growing.
const GRACE: Duration = Duration::from_secs(3);
/// Lines of one event that come later than this after the others are another record.
const SILENCE: Duration = Duration::from_secs(1);
/// Pause after the log refused a batch.
const RETRY: Duration = Duration::from_secs(1);

/// What became of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Something was read.
    Read,
    /// There is nothing to read now.
    Quiet,
    /// The bytes read before are gone: the file was emptied or written anew.
    Truncated,
}

type Outcome = oneshot::Receiver<Result<Receipt, BusError>>;

/// Reads one file from where its position says.
pub(crate) struct Follower {
    pub(crate) position: Position,
    file: File,
    framer: Framer,
    group: Group,
    /// When the latest line of the group came.
    grouped: Instant,
    lane: Lane,
    /// Offset of the next byte to read.
    read: u64,
    /// End of the last batch appended.
    appended: u64,
    in_flight: VecDeque<(u64, Outcome)>,
    seen: (u64, i64, i64),
    /// Since when it is no longer the file of its path.
    leaving: Option<Instant>,
    retry: Option<Instant>,
}

impl Follower {
    /// Follows a file; `position` is where an earlier run stopped, or a new life.
    pub(crate) fn new(file: File, position: Position, assignment: Assignment, context: &Context) -> Self {
        let origin = Origin { path: Some(Arc::from(position.path.as_str())), assignment, ..Origin::new(Transport::File) };
        Self {
            file,
            framer: Framer::new(Framing::Lf, context.limits.max_record_bytes),
            group: Group::default(),
            grouped: Instant::now(),
            lane: context.pipeline.lane(origin),
            read: position.offset,
            appended: position.offset,
            in_flight: VecDeque::new(),
            seen: (0, 0, 0),
            leaving: None,
            retry: None,
            position,
        }
    }

    /// A new life of the file at `path`, to be read from `offset`.
    pub(crate) fn begin(path: &str, file: &File, meta: &Metadata, offset: u64) -> io::Result<Position> {
        Ok(Position {
            path: path.to_owned(),
            life: Uuid::now_v7().to_string(),
            inode: meta.ino(),
            fingerprint: fingerprint(file, FINGERPRINT)?,
            offset,
            pending: Vec::new(),
            over: false,
        })
    }

    /// Whether this file is the one an earlier run read.
    pub(crate) fn is_same(position: &Position, file: &File, meta: &Metadata) -> bool {
        meta.ino() == position.inode
            && meta.len() >= position.offset
            && fingerprint(file, position.fingerprint.length).is_ok_and(|f| f == position.fingerprint)
    }

    /// Reads what is new, appends it, notes what became durable.
    pub(crate) fn turn(&mut self, journal: &mut Journal, context: &Context) -> Result<Turn, SourceError> {
        self.settle(journal, false)?;
        if self.retry.is_some_and(|until| Instant::now() < until) {
            return Ok(Turn::Quiet);
        }
        self.retry = None;
        let Ok(meta) = self.file.metadata() else { return Ok(Turn::Quiet) };
        let seen = (meta.len(), meta.mtime(), meta.mtime_nsec());
        if seen != self.seen {
            if meta.len() < self.read || !self.beginning_holds(journal)? {
                return Ok(Turn::Truncated);
            }
            self.seen = seen;
        }
        if meta.len() <= self.read {
            if self.group.start().is_some() && self.grouped.elapsed() >= SILENCE {
                self.close_group(now());
                self.append(journal)?;
            }
            return Ok(Turn::Quiet);
        }
        let until = (self.read + TURN).min(meta.len());
        while self.read < until && !context.stop.is_cancelled() {
            let count = match self.file.read_at(self.framer.space(), self.read) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => {
                    tracing::warn!(%error, path = self.position.path, "FSP-SRC-111: a followed file cannot be read; trying again");
                    self.retry = Some(Instant::now() + RETRY);
                    break;
                }
            };
            self.framer.filled(count);
            self.read += count as u64;
            self.take(journal)?;
            if self.retry.is_some() {
                return Ok(Turn::Quiet);
            }
        }
        // a batch of an earlier run that is only half read must not be cut here
        if self.earlier_end().is_none() {
            self.append(journal)?;
        }
        Ok(Turn::Read)
    }

    /// Where the next batch of an earlier run ended, if that run had any beyond what is appended.
    fn earlier_end(&self) -> Option<u64> {
        self.position.pending.iter().find(|end| **end > self.appended).copied()
    }

    /// Takes whole lines; a batch ends where a crashed run's batch ended, so that it has the same key.
    fn take(&mut self, journal: &mut Journal) -> Result<(), SourceError> {
        let at = now();
        let mut start = self.line_start();
        while let Some(frame) = self.framer.next_frame() {
            if !self.group.takes(frame.record) {
                emit(&mut self.group, &mut self.lane, at);
            }
            let joins = self.group.start().is_some() || Group::begins_with(frame.record);
            if !joins {
                self.lane.push(None, frame.record, frame.truncated, at);
            } else if self.group.add(frame.record, frame.truncated, start) {
                emit(&mut self.group, &mut self.lane, at);
            }
            self.grouped = Instant::now();
            start = self.line_start();
            let due = match self.earlier_end() {
                Some(earlier) if start >= earlier => {
                    self.close_group(at);
                    true
                }
                Some(_) => false,
                None => self.lane.is_full(),
            };
            if due {
                self.append(journal)?;
                if self.retry.is_some() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Offset of the first byte after the last whole line.
    fn line_start(&self) -> u64 {
        self.read - self.framer.pending() as u64
    }

    fn close_group(&mut self, at: i64) {
        emit(&mut self.group, &mut self.lane, at);
    }

    fn append(&mut self, journal: &mut Journal) -> Result<(), SourceError> {
        let Some(mut parcel) = self.lane.take() else { return Ok(()) };
        let end = self.group.start().unwrap_or_else(|| self.line_start());
        while self.in_flight.len() >= IN_FLIGHT {
            self.settle_oldest(journal)?;
            if self.retry.is_some() {
                return Ok(()); // everything since the durable offset will be read again, this batch included
            }
        }
        journal.intend(&self.position.life, end)?;
        parcel.keyed(key(&self.position.life, self.appended, end));
        let outcome = parcel.outcome();
        self.appended = end;
        self.in_flight.push_back((end, outcome));
        // a refusal arrives as the outcome
        drop(self.lane.send_blocking(parcel));
        Ok(())
    }

    /// Notes outcomes that are there; `wait`: all of them.
    pub(crate) fn settle(&mut self, journal: &mut Journal, wait: bool) -> Result<(), SourceError> {
        while let Some((_, outcome)) = self.in_flight.front_mut() {
            match outcome.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) if !wait => return Ok(()),
                Err(oneshot::error::TryRecvError::Empty) => self.settle_oldest(journal)?,
                Ok(Ok(_)) => {
                    if let Some((end, _)) = self.in_flight.pop_front() {
                        self.note(journal, end)?;
                    }
                }
                Ok(Err(_)) | Err(oneshot::error::TryRecvError::Closed) => self.start_over(None),
            }
        }
        Ok(())
    }

    fn settle_oldest(&mut self, journal: &mut Journal) -> Result<(), SourceError> {
        let Some((end, outcome)) = self.in_flight.pop_front() else { return Ok(()) };
        match outcome.blocking_recv() {
            Ok(Ok(_)) => self.note(journal, end),
            _ => {
                self.start_over(Some(end));
                Ok(())
            }
        }
    }

    fn note(&mut self, journal: &mut Journal, end: u64) -> Result<(), SourceError> {
        self.position.offset = end;
        self.position.pending.retain(|&e| e > end);
        journal.durable(&self.position.life, end)
    }

    /// The log refused a batch: read again from what is durable, a little later, and cut it in the same places, because
    /// batches after the refused one may have been taken.
    fn start_over(&mut self, refused: Option<u64>) {
        let ends = refused.into_iter().chain(self.in_flight.drain(..).map(|(end, _)| end));
        self.position.pending.extend(ends);
        self.position.pending.sort_unstable();
        self.position.pending.dedup();
        drop(self.lane.take());
        self.framer.reset();
        self.group.clear();
        self.read = self.position.offset;
        self.appended = self.position.offset;
        self.retry = Some(Instant::now() + RETRY);
    }

    fn beginning_holds(&mut self, journal: &mut Journal) -> Result<bool, SourceError> {
        let known = &self.position.fingerprint;
        match fingerprint(&self.file, known.length) {
            Ok(now) if now == *known => {}
            Ok(_) => return Ok(false),
            Err(_) => return Ok(true), // the read that follows will say why
        }
        if known.length < FINGERPRINT
            && let Ok(longer) = fingerprint(&self.file, FINGERPRINT)
            && longer.length > known.length
        {
            self.position.fingerprint = longer;
            // the journal knows the batches that are on their way; a line of ours must not forget them
            let mut position = self.position.clone();
            position.pending.extend(self.in_flight.iter().map(|(end, _)| *end));
            position.pending.sort_unstable();
            position.pending.dedup();
            journal.life(&position)?;
        }
        Ok(true)
    }

    /// The file is no longer at its path: read it to its end.
    pub(crate) fn leave(&mut self) {
        self.leaving.get_or_insert_with(Instant::now);
    }

    /// Tells a file that left its path that it still grows.
    pub(crate) fn grew(&mut self) {
        if let Some(since) = &mut self.leaving {
            *since = Instant::now();
        }
    }

    /// Whether a file that left its path has been quiet for long enough.
    pub(crate) fn has_left(&self) -> bool {
        self.leaving.is_some_and(|since| since.elapsed() >= GRACE) && self.retry.is_none()
    }

    /// Whether it is the file of this inode, still at its path.
    pub(crate) fn is_at(&self, path: &Path, inode: u64) -> bool {
        self.leaving.is_none() && self.position.inode == inode && Path::new(&self.position.path) == path
    }

    /// The last line is a record though nothing ends it; then the life is over, unless the log refused.
    pub(crate) fn finish(&mut self, journal: &mut Journal) -> Result<bool, SourceError> {
        let at = now();
        self.close_group(at);
        while let Some(frame) = self.framer.last_frame() {
            self.lane.push(None, frame.record, frame.truncated, at);
        }
        self.append(journal)?;
        self.settle(journal, true)?;
        if self.retry.is_some() {
            return Ok(false);
        }
        journal.over(&self.position.life)?;
        Ok(true)
    }
}

fn emit(group: &mut Group, lane: &mut Lane, at: i64) {
    if let Some((record, truncated)) = group.record() {
        lane.push(None, record, truncated, at);
        group.clear();
    }
}

fn fingerprint(file: &File, length: usize) -> io::Result<Fingerprint> {
    let mut first = [0u8; FINGERPRINT];
    let mut filled = 0;
    let wanted = length.min(FINGERPRINT);
    while filled < wanted {
        let Some(space) = first.get_mut(filled..wanted) else { break };
        match file.read_at(space, filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    let hash = blake3::hash(first.get(..filled).unwrap_or_default());
    Ok(Fingerprint { length: filled, hash: hash.to_hex().as_str().get(..32).unwrap_or_default().to_owned() })
}

/// The bytes of a life between two offsets are the same bytes for ever.
fn key(life: &str, start: u64, end: u64) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("fansipan file batch 1");
    hasher.update(life.as_bytes());
    hasher.update(&start.to_le_bytes());
    hasher.update(&end.to_le_bytes());
    let mut out = [0; 16];
    hasher.finalize_xof().fill(&mut out);
    out
}
