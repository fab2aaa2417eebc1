//! One index open for writing, with a journal of what it was given since its last commit.
//!
//! Tantivy's writer dies of any input/output error (a full disk) and takes what was not committed with it. The journal lets a
//! new one be made and given the same events, so that an error holds the caller back and loses nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fansipan_model::Event;
use tantivy::{
    TantivyError,
    directory::error::LockError,
    indexer::{IndexWriter, IndexWriterOptions, UserOperation},
};

use super::{
    day::{DayIndex, Mark},
    journal::Journal,
    merge::{self, Tiers},
    packed::Unpacker,
    record::{Pool, Record},
    usual::Usual,
};
use crate::error::{Result, StoreError};

/// Events handed to the indexing thread at once.
const BATCH: usize = 128;
/// Bytes of journal after which a commit is made without being asked for.
const LONGEST: usize = 256 << 20;
/// Bounds of the memory Tantivy takes.
const HEAP: std::ops::RangeInclusive<usize> = (16 << 20)..=(2 << 30);

/// An index open for writing.
pub(crate) struct Open {
    pub(crate) day: Arc<DayIndex>,
    /// `None`: it died; [`Open::recover`] makes another.
    writer: Option<IndexWriter<Record>>,
    heap: usize,
    batch: Vec<UserOperation<Record>>,
    usual: Usual,
    journal: Journal,
    log: String,
    /// Positions of the log before this one are committed.
    stored: u64,
    /// Positions before this one are committed or in the journal.
    taken: u64,
    /// Committed, and not yet visible to readers.
    hidden: bool,
    used: Instant,
}

fn writer(day: &DayIndex, heap: usize) -> Result<IndexWriter<Record>> {
    let heap = heap.clamp(*HEAP.start(), *HEAP.end());
    let options = IndexWriterOptions::builder().memory_budget_per_thread(heap).num_worker_threads(1).num_merge_threads(1).build();
    let writer = day.index.writer_with_options(options).map_err(|e| match e {
        TantivyError::LockFailure(LockError::LockBusy, _) => StoreError::Locked { path: day.path.clone() },
        e => StoreError::index(&day.name, "opening for writing")(e),
    })?;
    writer.set_merge_policy(Box::new(Tiers));
    Ok(writer)
}

impl Open {
    /// Opens an index for writing events of a log.
    pub(crate) fn new(day: Arc<DayIndex>, heap: usize, log: &str) -> Result<Open> {
        let writer = writer(&day, heap)?;
        let mark = day.mark()?;
        let stored = if mark.log == log { mark.next } else { 0 };
        Ok(Open {
            day,
            writer: Some(writer),
            heap,
            batch: Vec::with_capacity(BATCH),
            usual: Usual::default(),
            journal: Journal::default(),
            log: log.to_owned(),
            stored,
            taken: stored,
            hidden: false,
            used: Instant::now(),
        })
    }

    /// Takes the event at a position. After an error the same position may be given again.
    pub(crate) fn add(&mut self, pool: &Pool, offset: u64, event: &Event) -> Result<()> {
        if offset >= self.taken {
            let record = pool.record(&self.day.layout, &mut self.usual, event);
            self.journal.push(record.packed());
            self.batch.push(UserOperation::Add(record));
            self.taken = offset + 1;
        }
        if self.batch.len() >= BATCH || self.writer.is_none() {
            self.used = Instant::now();
            self.flush(pool)?;
        }
        Ok(())
    }

    /// Records that wait for a full batch.
    pub(crate) fn held(&self) -> usize {
        self.batch.len()
    }

    /// Hands them to the indexing thread.
    pub(crate) fn flush(&mut self, pool: &Pool) -> Result<()> {
        let Some(writer) = &self.writer else { return self.recover(pool) };
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        if let Err(error) = writer.run(batch) {
            self.writer = None;
            return Err(StoreError::index(&self.day.name, "adding events")(error));
        }
        Ok(())
    }

    /// Makes a new writer and gives it everything since the last commit.
    fn recover(&mut self, pool: &Pool) -> Result<()> {
        self.batch.clear();
        let writer = writer(&self.day, self.heap)?;
        let mark = self.day.mark()?;
        // a commit that reported an error may have happened all the same
        if mark.log == self.log && mark.next >= self.taken {
            self.committed(mark.next);
        }
        let (mut unpacker, mut event) = (Unpacker::default(), Event::default());
        let mut batch = Vec::with_capacity(BATCH);
        for (packed, base) in self.journal.iter() {
            let damaged = |d| StoreError::Damaged { what: "journal in memory", reason: format!("{d:?}") };
            unpacker.unpack(packed, base, &mut event).map_err(damaged)?;
            batch.push(UserOperation::Add(pool.record(&self.day.layout, &mut self.usual, &event)));
            if batch.len() >= BATCH {
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                writer.run(full).map_err(StoreError::index(&self.day.name, "adding events again"))?;
            }
        }
        writer.run(batch).map_err(StoreError::index(&self.day.name, "adding events again"))?;
        self.writer = Some(writer);
        Ok(())
    }

    fn committed(&mut self, next: u64) {
        self.journal.clear();
        self.stored = next;
        self.taken = self.taken.max(next);
        self.hidden = true;
    }

    /// Events since the last commit.
    pub(crate) fn pending(&self) -> u64 {
        self.journal.len() as u64
    }

    /// Whether the journal is longer than is reasonable.
    pub(crate) fn long(&self) -> bool {
        self.journal.bytes() > LONGEST
    }

    /// Whether a commit has something to do.
    pub(crate) fn waits(&self) -> bool {
        !self.journal.is_empty() || self.hidden
    }

    /// Makes what was added durable, then visible. `next`: first position of the log that no index has taken.
    pub(crate) fn commit(&mut self, pool: &Pool, next: u64) -> Result<()> {
        self.used = Instant::now();
        self.flush(pool)?;
        if !self.journal.is_empty()
            && let Some(mut writer) = self.writer.take()
        {
            let mark = Mark { log: self.log.clone(), next };
            let done = writer.prepare_commit().and_then(|mut prepared| {
                prepared.set_payload(&serde_json::to_string(&mark).unwrap_or_default());
                prepared.commit()
            });
            // without one, the next call recovers
            done.map_err(StoreError::index(&self.day.name, "committing"))?;
            self.writer = Some(writer);
            self.committed(next);
        }
        if self.hidden {
            self.day.reload()?;
            self.hidden = false;
        }
        Ok(())
    }

    /// Whether nothing came for this long.
    pub(crate) fn idle(&self, long: Duration) -> bool {
        !self.waits() && self.used.elapsed() > long
    }

    /// Merges what is worth it, for a day that is over. Takes its time.
    pub(crate) fn close(self) {
        let Open { writer, day, .. } = self;
        let Some(mut writer) = writer else { return };
        let metas = day.index.searchable_segment_metas().unwrap_or_default();
        for group in merge::last(&metas) {
            if let Err(error) = writer.merge(&group).wait() {
                tracing::warn!(index = %day.name, %error, "merging a finished day failed; searches go on over its parts");
            }
        }
        if let Err(error) = writer.wait_merging_threads() {
            tracing::warn!(index = %day.name, %error, "merging did not end well; it is done again when the index is next written");
        }
        if let Err(error) = day.reload() {
            tracing::warn!(index = %day.name, %error, "the merged index is visible after a restart only");
        }
    }
}
