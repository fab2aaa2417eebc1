//! The write side: events to the index of their day, commits that carry the position of the log.
//!
//! Exactly once: a commit stores with each index that changed the first position of the log it does not contain, then
//! `position.json` says that all of them were committed. After a crash between the two, the log is read again from
//! `position.json`, and each index refuses what its own mark says it has.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use fansipan_model::Event;
use serde::{Deserialize, Serialize};
use tantivy::{
    TantivyError,
    directory::error::LockError,
    indexer::{IndexWriter, IndexWriterOptions, UserOperation},
};

use super::{
    Shared,
    day::{DayIndex, Key, Mark},
    merge::Tiers,
    record::{Pool, Record},
    usual::Usual,
};
use crate::{
    error::{Result, StoreError},
    events::EventWriter,
};

/// Events handed to the indexing thread at once.
const BATCH: usize = 128;
/// An index without events for this long is closed for writing.
const IDLE: Duration = Duration::from_secs(600);
const POSITION: &str = "position.json";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Position {
    log: String,
    next: u64,
}

/// An index open for writing.
struct Open {
    day: Arc<DayIndex>,
    writer: IndexWriter<Record>,
    batch: Vec<UserOperation<Record>>,
    usual: Usual,
    /// Positions of the log before this one are inside.
    stored: u64,
    dirty: bool,
    used: Instant,
}

/// Writes events. One lives at a time.
pub struct TantivyWriter {
    shared: Arc<Shared>,
    open: Vec<Open>,
    pool: Pool,
    /// First position after the last event added.
    next: u64,
    resume: u64,
    pending: u64,
}

impl TantivyWriter {
    pub(super) fn new(shared: Arc<Shared>) -> Result<TantivyWriter> {
        let mut writing = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if *writing {
            return Err(StoreError::Locked { path: shared.root.clone() });
        }
        // without it the log is read from its start: each index knows what it has
        let position = read_position(&shared.root).unwrap_or_else(|error| {
            tracing::warn!(%error, "position of the event store is unreadable; the log is read from its start");
            Position::default()
        });
        let resume = if position.log == shared.config.log { position.next } else { 0 };
        *writing = true;
        drop(writing);
        Ok(TantivyWriter { shared, open: Vec::new(), pool: Pool::new(20_000), next: resume, resume, pending: 0 })
    }

    /// Place of the index an event belongs to, opened if need be.
    fn place(&mut self, event: &Event) -> Result<usize> {
        let (day, class) = Key::parts(event);
        if let Some(i) = self.open.iter().position(|o| o.day.key.day == day && o.day.key.class == class) {
            return Ok(i);
        }
        let open = self.open_index(Key { day, class: class.to_owned() })?;
        self.open.push(open);
        Ok(self.open.len() - 1)
    }

    fn open_index(&self, key: Key) -> Result<Open> {
        let known = self.shared.days().get(&key).cloned();
        let day = match known {
            Some(day) => day,
            None => {
                let day = Arc::new(DayIndex::open(&self.shared.root, key.clone())?);
                self.shared.days_mut().insert(key, day.clone());
                day
            }
        };
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(self.shared.config.heap_bytes.max(16 << 20))
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer = match day.index.writer_with_options(options) {
            Ok(writer) => writer,
            Err(TantivyError::LockFailure(LockError::LockBusy, _)) => return Err(StoreError::Locked { path: day.path.clone() }),
            Err(e) => return Err(StoreError::index(&day.name, "opening for writing")(e)),
        };
        writer.set_merge_policy(Box::new(Tiers));
        let mark = day.mark()?;
        let stored = if mark.log == self.shared.config.log { mark.next } else { 0 };
        Ok(Open { day, writer, batch: Vec::with_capacity(BATCH), usual: Usual::default(), stored, dirty: false, used: Instant::now() })
    }

    /// Lets go of indexes that retention dropped; how many.
    fn forget_dropped(&mut self) -> usize {
        let before = self.open.len();
        let days = self.shared.days();
        self.open.retain(|o| days.get(&o.day.key).is_some_and(|d| Arc::ptr_eq(d, &o.day)));
        before - self.open.len()
    }

    /// Closes indexes that no event came for; their merges end in the background.
    fn close_idle(&mut self) {
        for open in self.open.extract_if(.., |o| !o.dirty && o.used.elapsed() > IDLE) {
            finish(open);
        }
    }
}

/// Lets the merges of an index end, in a thread of its own.
fn finish(open: Open) {
    let spawned = std::thread::Builder::new().name("index-close".into()).spawn(move || {
        let Open { writer, day, .. } = open;
        if let Err(error) = writer.wait_merging_threads() {
            tracing::warn!(index = %day.name, %error, "merging did not end well; it is done again when the index is next written");
        }
        if let Err(error) = day.reload() {
            tracing::warn!(index = %day.name, %error, "cannot reload");
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "cannot start a thread to close an index");
    }
}

impl Open {
    fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.writer.run(batch).map_err(StoreError::index(&self.day.name, "adding events"))?;
        Ok(())
    }

    fn commit(&mut self, mark: &Mark) -> Result<()> {
        self.flush()?;
        let fail = |what| StoreError::index(&self.day.name, what);
        let mut prepared = self.writer.prepare_commit().map_err(fail("committing"))?;
        prepared.set_payload(&serde_json::to_string(mark).unwrap_or_default());
        prepared.commit().map_err(fail("committing"))?;
        self.dirty = false;
        self.stored = mark.next;
        self.day.reload()
    }
}

impl EventWriter for TantivyWriter {
    fn add(&mut self, offset: u64, event: &Event) -> Result<()> {
        self.next = self.next.max(offset + 1);
        let i = self.place(event)?;
        let Some(open) = self.open.get_mut(i) else { return Ok(()) };
        if offset < open.stored {
            return Ok(());
        }
        let record = self.pool.record(&open.day.layout, &mut open.usual, event);
        open.batch.push(UserOperation::Add(record));
        open.dirty = true;
        self.pending += 1;
        if open.batch.len() < BATCH {
            return Ok(());
        }
        open.used = Instant::now();
        match open.flush() {
            // the index may have outlived its retention while it was being written
            Err(error) if self.forget_dropped() == 0 => Err(error),
            _ => Ok(()),
        }
    }

    fn commit(&mut self) -> Result<()> {
        let mark = Mark { log: self.shared.config.log.clone(), next: self.next };
        let mut changed = false;
        let shared = self.shared.clone();
        let _still = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget_dropped();
        for open in self.open.iter_mut().filter(|o| o.dirty) {
            open.used = Instant::now();
            open.commit(&mark)?;
            changed = true;
        }
        if changed || self.next != self.resume {
            write_position(&self.shared.root, &Position { log: mark.log, next: mark.next })?;
            self.resume = self.next;
        }
        self.pending = 0;
        self.close_idle();
        Ok(())
    }

    fn resume_from(&self) -> u64 {
        self.resume
    }

    fn pending(&self) -> u64 {
        self.pending
    }
}

impl Drop for TantivyWriter {
    fn drop(&mut self) {
        // what was not committed is dropped with the indexes' writers: the log still has it
        self.open.clear();
        *self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

fn read_position(root: &Path) -> Result<Position> {
    let path = root.join(POSITION);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|e| StoreError::Damaged { what: "position of the event store", reason: format!("{}: {e}", path.display()) }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Position::default()),
        Err(e) => Err(StoreError::io("cannot read", path)(e)),
    }
}

/// Durable replacement: new file, sync, rename, sync of the folder.
fn write_position(root: &Path, position: &Position) -> Result<()> {
    use std::io::Write as _;
    let (path, new): (PathBuf, PathBuf) = (root.join(POSITION), root.join("position.new"));
    let write = || {
        let mut file = std::fs::File::create(&new)?;
        file.write_all(serde_json::to_string(position)?.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        std::fs::File::open(root)?.sync_all()
    };
    write().map_err(StoreError::io("cannot write", &path))
}
