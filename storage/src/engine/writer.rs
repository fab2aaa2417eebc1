//! The write side: events to the index of their day, commits that carry the position of the log.
//!
//! Exactly once: a commit stores with each index that changed the first position of the log it does not contain, then
//! `position.json` says that all of them were committed. After a crash between the two, the log is read again from
//! `position.json`, and each index refuses what its own mark says it has.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use fansipan_model::Event;
use serde::{Deserialize, Serialize};

use super::{
    Shared,
    day::{DayIndex, Key},
    open::Open,
    record::Pool,
};
use crate::{
    error::{Result, StoreError},
    events::EventWriter,
};

/// An index without events for this long is closed for writing.
const IDLE: Duration = Duration::from_secs(600);
/// Records built and not indexed yet, of all indexes.
const BUFFERS: usize = 1024;
const POSITION: &str = "position.json";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Position {
    log: String,
    next: u64,
}

/// Writes events. One lives at a time.
pub struct TantivyWriter {
    shared: Arc<Shared>,
    open: Vec<Open>,
    /// Indexes whose last merges go on in the background, still holding the index.
    closing: Vec<(Key, JoinHandle<()>)>,
    pool: Pool,
    /// First position after the last event added.
    next: u64,
    resume: u64,
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
        Ok(TantivyWriter { shared, open: Vec::new(), closing: Vec::new(), pool: Pool::new(BUFFERS), next: resume, resume })
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

    fn open_index(&mut self, key: Key) -> Result<Open> {
        for (_, closing) in self.closing.extract_if(.., |(k, thread)| *k == key || thread.is_finished()) {
            // it ends when its merges do, and has said what went wrong
            let _ = closing.join();
        }
        let known = self.shared.days().get(&key).cloned();
        let day = match known {
            Some(day) => day,
            None => {
                let day = Arc::new(DayIndex::open(&self.shared.root, key.clone())?);
                self.shared.days_mut().insert(key, day.clone());
                day
            }
        };
        Open::new(day, self.shared.config.heap_bytes, &self.shared.config.log)
    }

    /// Lets go of indexes that retention dropped; how many.
    fn forget_dropped(&mut self) -> usize {
        let before = self.open.len();
        let days = self.shared.days();
        self.open.retain(|o| days.get(&o.day.key).is_some_and(|d| Arc::ptr_eq(d, &o.day)));
        before - self.open.len()
    }

    /// Hands every index what it has been given so far: only what is indexed gives its buffers back.
    fn hand_over(&mut self) -> Result<()> {
        match self.open.iter_mut().try_for_each(|open| open.flush(&self.pool)) {
            // as in `add`
            Err(error) if self.forget_dropped() == 0 => Err(error),
            _ => Ok(()),
        }
    }

    /// Closes indexes that no event came for.
    fn close_idle(&mut self) {
        for open in self.open.extract_if(.., |o| o.idle(IDLE)) {
            let key = open.day.key.clone();
            match std::thread::Builder::new().name("index-close".into()).spawn(move || open.close()) {
                Ok(thread) => self.closing.push((key, thread)),
                Err(error) => tracing::warn!(%error, "cannot start a thread to close an index; it is closed without merging"),
            }
        }
    }
}

impl EventWriter for TantivyWriter {
    fn add(&mut self, offset: u64, event: &Event) -> Result<()> {
        if self.pool.is_empty() && self.open.iter().map(Open::held).sum::<usize>() > BUFFERS / 2 {
            self.hand_over()?;
        }
        let i = self.place(event)?;
        let Some(open) = self.open.get_mut(i) else { return Ok(()) };
        let long = match open.add(&self.pool, offset, event) {
            Ok(()) => open.long(),
            // the index may have outlived its retention while it was being written
            Err(error) if self.forget_dropped() == 0 => return Err(error),
            Err(_) => false,
        };
        self.next = self.next.max(offset + 1);
        if long { self.commit() } else { Ok(()) }
    }

    fn commit(&mut self) -> Result<()> {
        let shared = self.shared.clone();
        let _still = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget_dropped();
        for open in self.open.iter_mut().filter(|o| o.waits()) {
            open.commit(&self.pool, self.next)?;
        }
        if self.next != self.resume {
            write_position(&shared.root, &Position { log: shared.config.log.clone(), next: self.next })?;
            self.resume = self.next;
        }
        self.close_idle();
        Ok(())
    }

    fn resume_from(&self) -> u64 {
        self.resume
    }

    fn pending(&self) -> u64 {
        self.open.iter().map(Open::pending).sum()
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
