//! What must be done from time to time: keep the list of sources, let old data go.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use fansipan_collector::ledger::SourceRegistry;
use fansipan_storage::{EventStore, RetentionPolicy, StateStore, engine::TantivyStore};

/// A new source is known to everybody within this time.
const SOURCES_EVERY: Duration = Duration::from_secs(1);
/// Retention and expired sessions.
pub(crate) const EXPIRE_EVERY: Duration = Duration::from_secs(600);

pub(crate) struct Upkeep {
    pub(crate) registry: Arc<SourceRegistry>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) store: Arc<TantivyStore>,
    pub(crate) retention: RetentionPolicy,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Upkeep {
    /// Runs until told to stop; the last state of the sources is kept.
    pub(crate) fn run(self) -> Result<()> {
        let mut expired: Option<Instant> = None;
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            self.keep_sources();
            if stopping {
                return Ok(());
            }
            if expired.is_none_or(|at| at.elapsed() >= EXPIRE_EVERY) {
                self.expire();
                expired = Some(Instant::now());
            }
            thread::park_timeout(SOURCES_EVERY);
        }
    }

    fn keep_sources(&self) {
        let changed = self.registry.changed();
        if changed.is_empty() {
            return;
        }
        if let Err(error) = self.state.put_sources(&changed) {
            tracing::error!(%error, "FSP-RUN-050: cannot keep the state of sources; it is tried again");
        }
    }

    fn expire(&self) {
        let now = expire(&*self.store, &self.retention);
        if let Err(error) = self.state.tidy(now) {
            tracing::warn!(%error, "expired sessions were not removed; it is tried again");
        }
    }
}

/// Lets old events go; as of when, UTC nanoseconds.
pub(crate) fn expire(store: &dyn EventStore, policy: &RetentionPolicy) -> i64 {
    let now = crate::live::now() as i64;
    match store.expire(policy, now) {
        Ok(gone) => gone.iter().for_each(|index| tracing::info!(index = index.name, events = index.events, "retention: deleted")),
        Err(error) => tracing::error!(%error, "FSP-RUN-051: retention failed; it is tried again"),
    }
    now
}
