//! Records to durable events: normalize, give the id, encode, batch, append, and count what became durable.
//!
//! Every connection has a [`Lane`] of its own, so that nothing is shared per record; batches of all lanes pass one bounded
//! queue to the thread that appends (and may be held back by the log), and are counted once the log says that they are
//! durable. Never drops: whoever cannot wait ([`Appender::offer`]) is told so and counts the refusal himself.

mod appender;
mod assign;
mod events;
mod ids;
mod lane;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;

pub use appender::{Appender, OfferError, Parcel};
pub use assign::{Assignment, Assignments};
pub(crate) use events::EventLane;
pub use lane::{Lane, Origin};

pub use fansipan_bus::{Pending, Sink};

use crate::{
    Normalizer,
    ledger::{Introduction, Reason, SourceRegistry},
    sources::config::LimitsConfig,
};

/// Sizes of batches and queues.
#[derive(Clone, Copy, Debug)]
pub struct PipelineLimits {
    /// Records of a batch at most.
    pub batch_records: usize,
    /// Bytes of a batch at which it is sent (one record may exceed it).
    pub batch_bytes: usize,
    /// Batches between the connections and the log.
    pub queued_batches: usize,
    /// Hosts told apart behind one sender; more are counted with the sender itself.
    pub hosts_per_peer: usize,
    /// Senders one lane remembers (a UDP port has one lane for all).
    pub peers_per_lane: usize,
}

impl Default for PipelineLimits {
    fn default() -> Self {
        Self { batch_records: 1024, batch_bytes: 256 << 10, queued_batches: 16, hosts_per_peer: 1024, peers_per_lane: 16_384 }
    }
}

impl From<&LimitsConfig> for PipelineLimits {
    fn from(limits: &LimitsConfig) -> Self {
        Self { hosts_per_peer: limits.hosts_per_peer, ..Self::default() }
    }
}

/// The way from records to the log, shared by all sources.
#[derive(Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

struct Shared {
    normalizer: ArcSwap<Normalizer>,
    /// Moves when `normalizer` does: format ids of an older table mean nothing in a newer one.
    generation: AtomicU64,
    assignments: Assignments,
    registry: Arc<SourceRegistry>,
    limits: PipelineLimits,
    appender: Appender,
}

impl Pipeline {
    /// Starts the appending thread and the task that counts what became durable. Must be called inside a tokio runtime.
    pub fn start(
        normalizer: Arc<Normalizer>,
        assignments: Assignments,
        registry: Arc<SourceRegistry>,
        sink: Arc<dyn Sink>,
        limits: PipelineLimits,
    ) -> std::io::Result<Self> {
        let appender = Appender::start(sink, registry.clone(), limits.queued_batches)?;
        let shared =
            Shared { normalizer: ArcSwap::new(normalizer), generation: AtomicU64::new(0), assignments, registry, limits, appender };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// A lane for one connection, file or request.
    pub fn lane(&self, origin: Origin) -> Lane {
        Lane::new(self.clone(), origin)
    }

    /// A lane for events that are made here.
    pub(crate) fn events(&self, source: &Introduction<'_>, assignment: &Assignment) -> EventLane {
        EventLane::new(self.clone(), source, assignment)
    }

    /// Counts records, connections or requests of a sender that were not taken.
    pub fn refuse(&self, origin: &Origin, peer: Option<IpAddr>, reason: Reason, count: u64) {
        let at = now();
        let shared = &self.shared;
        let configured = origin.assignment.clone().or(shared.assignments.of(peer, None));
        let entry = shared.registry.introduce(&Introduction {
            id: &origin.source_id(peer),
            agency: configured.agency(),
            transport: origin.transport,
            peer,
            tls_identity: origin.tls_identity.as_deref(),
            host: None,
            format: configured.format.as_deref(),
            at,
        });
        shared.registry.refused(&entry, reason, count, at);
    }

    /// The registry that counts.
    pub fn registry(&self) -> &Arc<SourceRegistry> {
        &self.shared.registry
    }

    /// The way to the log.
    pub fn appender(&self) -> &Appender {
        &self.shared.appender
    }

    /// What decides whose a source is.
    pub fn assignments(&self) -> &Assignments {
        &self.shared.assignments
    }

    /// Uses other formats from the next batch of every connection on.
    pub fn swap_normalizer(&self, normalizer: Arc<Normalizer>) {
        self.shared.normalizer.store(normalizer);
        self.shared.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until everything appended so far is durable and counted, then ends the appending thread. Lanes must be gone.
    pub async fn close(&self) {
        self.shared.appender.close().await;
    }
}

/// The time, UTC nanoseconds.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
}
