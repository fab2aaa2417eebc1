//! Storing beside detection: while what was found becomes durable, the next records are already looked at.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, Sender, SyncSender, TryRecvError},
    },
    thread::{self, Scope, ScopedJoinHandle},
    time::Instant,
};

use anyhow::{Context as _, Result};
use fansipan_analyzer::Signal;
use fansipan_bus::Commits;
use fansipan_model::said;
use fansipan_storage::RuleCount;

use crate::alerts::{self, Alerts};

/// What the records before a position came to.
pub(crate) struct Found {
    pub(crate) next: u64,
    pub(crate) signals: Vec<Signal>,
    pub(crate) counts: Vec<RuleCount>,
    /// `event.ingested` of the latest of them, UTC nanoseconds.
    pub(crate) ingested: i64,
}

/// What the thread that stores works with.
pub(crate) struct Store {
    pub(crate) alerts: Alerts,
    /// Under which name the state store keeps the position.
    pub(crate) position: String,
    pub(crate) commits: Commits,
    /// `event.ingested` of the latest event whose effects are stored, UTC nanoseconds.
    pub(crate) seen_until: Arc<AtomicU64>,
}

impl Store {
    /// Stores one after the other, each whole or not at all, until there is no more, or until told to stop in vain.
    fn run(mut self, found: &Receiver<Found>, stored: &Sender<u64>) -> Result<()> {
        for Found { next, signals, counts, ingested } in found {
            if !self.alerts.store(&self.position, next, alerts::changes(signals.into_iter()), counts) {
                return Ok(());
            }
            self.seen_until.store(ingested as u64, Ordering::Relaxed);
            self.commits.commit(next).with_context(|| {
                said!("FSP-RUN-014: cannot commit the position of detection", "FSP-RUN-014: không ghi được vị trí đã phát hiện")
            })?;
            if stored.send(next).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Detection's end of it.
pub(crate) struct Storing<'s> {
    found: SyncSender<Found>,
    stored: Receiver<u64>,
    thread: ScopedJoinHandle<'s, Result<()>>,
    given: u64,
    given_at: Instant,
    done: u64,
}

impl<'s> Storing<'s> {
    /// Starts it; everything before `done` is stored.
    pub(crate) fn begin(scope: &'s Scope<'s, '_>, store: Store, done: u64) -> Result<Self> {
        let ((found, finds), (stores, stored)) = (mpsc::sync_channel(1), mpsc::channel());
        let thread = thread::Builder::new()
            .name("alerts".to_owned())
            .spawn_scoped(scope, move || store.run(&finds, &stores))
            .context("cannot start the thread that stores alerts")?;
        Ok(Self { found, stored, thread, given: done, given_at: Instant::now(), done })
    }

    /// The position before which everything was given.
    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    /// When something was given last.
    pub(crate) fn given_at(&self) -> Instant {
        self.given_at
    }

    /// Whether something given is still being stored.
    pub(crate) fn is_busy(&mut self) -> bool {
        loop {
            match self.stored.try_recv() {
                Ok(next) => self.done = next,
                Err(TryRecvError::Empty) => return self.done < self.given,
                // the next one that is given tells
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Stores what was found, after what was given before; waits when that is much. False: it has ended, see [`Storing::end`].
    pub(crate) fn give(&mut self, found: Found) -> bool {
        (self.given, self.given_at) = (found.next, Instant::now());
        self.found.send(found).is_ok()
    }

    /// Waits until everything is stored. False: it has ended before.
    pub(crate) fn finish(&mut self) -> bool {
        while self.done < self.given {
            match self.stored.recv() {
                Ok(next) => self.done = next,
                Err(_) => return false,
            }
        }
        true
    }

    /// No more will come: how it ended.
    pub(crate) fn end(self) -> Result<()> {
        let Self { found, thread, .. } = self;
        drop(found);
        thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the thread that stores alerts panicked")))
    }
}
