//! The indexer role: log → event store. The store keeps the position with the events, so a crash neither loses nor doubles.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_bus::EmbeddedBus;
use fansipan_model::{Event, codec, said};
use fansipan_storage::EventWriter;

use crate::lateness;

/// Name of this consumer of the log.
pub(crate) const CONSUMER: &str = "indexer";

const RECORDS: usize = 8192;
const BYTES: usize = 1 << 20;
/// Shortest and longest time from reading an event from the log to making it searchable. Every commit makes a part of the index
/// that is merged into larger ones later, and catching up is what makes late events visible.
const VISIBLE_WITHIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

pub(crate) struct Indexing {
    pub(crate) bus: EmbeddedBus,
    pub(crate) writer: Box<dyn EventWriter>,
    /// `event.ingested` of the latest searchable event, UTC nanoseconds.
    pub(crate) seen_until: Arc<AtomicU64>,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Indexing {
    /// Runs until told to stop, then commits what it has.
    pub(crate) fn run(mut self) -> Result<()> {
        let mut consumer = self.bus.consumer(CONSUMER).with_context(|| {
            said!("FSP-RUN-020: cannot read the log for indexing", "FSP-RUN-020: không đọc được nhật ký bền vững để lập chỉ mục")
        })?;
        consumer.seek(self.writer.resume_from().max(self.bus.status().oldest)).with_context(|| {
            said!(
                "FSP-RUN-025: the log no longer has the position of indexing",
                "FSP-RUN-025: nhật ký bền vững không còn vị trí cần lập chỉ mục"
            )
        })?;
        let mut event = Event::default();
        let mut position = consumer.position();
        let mut last_commit = Instant::now();
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            let within = lateness::held(consumer.lag(), event.ingested(), VISIBLE_WITHIN);
            let patience = if self.writer.pending() > 0 { within.saturating_sub(last_commit.elapsed()) } else { within };
            let records = consumer.poll(RECORDS, BYTES, patience).with_context(|| {
                said!("FSP-RUN-021: cannot read the log for indexing", "FSP-RUN-021: không đọc được nhật ký bền vững để lập chỉ mục")
            })?;
            for (offset, bytes) in records.iter() {
                position = offset + 1;
                if crate::roles::is_positions(bytes) {
                    continue;
                }
                match codec::decode_into(bytes, &mut event) {
                    Ok(()) => persist("add an event", &self.stop, || self.writer.add(offset, &event)),
                    Err(error) => tracing::error!(offset, %error, "FSP-RUN-022: a record of the log is no event; it stays in the log only"),
                }
            }
            if self.writer.pending() == 0 {
                last_commit = Instant::now();
            } else if stopping || last_commit.elapsed() >= within {
                persist("commit", &self.stop, || self.writer.commit());
                consumer.commit(position).with_context(|| {
                    said!("FSP-RUN-023: cannot commit the position of indexing", "FSP-RUN-023: không ghi được vị trí đã lập chỉ mục")
                })?;
                self.seen_until.store(event.ingested() as u64, Ordering::Relaxed);
                last_commit = Instant::now();
            }
            if stopping {
                return Ok(());
            }
        }
    }
}

/// Tries until it works: a full disk holds indexing back, it does not lose events. Gives up only when stopping.
fn persist(what: &str, stop: &AtomicBool, mut attempt: impl FnMut() -> Result<(), fansipan_storage::StoreError>) {
    let mut wait = Duration::from_millis(100);
    while let Err(error) = attempt() {
        tracing::error!(%error, "FSP-RUN-024: the event store cannot {what}; indexing waits and tries again");
        if stop.load(Ordering::Relaxed) {
            return;
        }
        std::thread::sleep(wait);
        wait = (wait * 2).min(Duration::from_secs(5));
    }
}
