//! What is told of an interface: frames seen and lost, summed over its threads: the one that reads, and those with a sensor.

use std::sync::{Arc, Mutex, PoisonError};

use fansipan_model::{PacketCounters, RingCounters};

use super::{capture::Lost, config::TapConfig};
use crate::{
    Transport,
    ledger::{Guess, Introduction, SourceEntry, SourceRegistry},
    pipeline::{Assignment, now},
    sources::stream::Context,
    tap::Summary,
};

/// One interface.
pub(super) struct Watch {
    id: String,
    pub(super) assignment: Assignment,
    registry: Arc<SourceRegistry>,
    entry: Arc<SourceEntry>,
    parts: Mutex<Vec<PacketCounters>>,
    ring: Mutex<Option<RingCounters>>,
}

impl Watch {
    pub(super) fn new(config: &TapConfig, context: &Context) -> Self {
        let id = format!("{}:{}", Transport::Tap.as_str(), config.interface);
        let assignment = Assignment { format: None, agency: config.agency.clone(), class: config.class.clone() };
        let registry = Arc::clone(context.pipeline.registry());
        let entry = registry.introduce(&introduction(&id, &assignment));
        let guess = Guess { product: Some("Fansipan network sensor".to_owned()), confidence: 1000, ..Guess::default() };
        registry.believe(&entry, &guess, None);
        let parts = Mutex::new(vec![PacketCounters::default(); usize::from(config.threads) + 1]);
        Self { id, assignment, registry, entry, parts, ring: Mutex::default() }
    }

    pub(super) fn introduction(&self) -> Introduction<'_> {
        introduction(&self.id, &self.assignment)
    }

    /// The side of one thread: 0 is the one that reads, those with a sensor follow.
    pub(super) fn part(self: &Arc<Self>, number: usize) -> Part {
        Part { watch: Arc::clone(self), number, own: PacketCounters::default() }
    }

    /// What the packet ring says; told with the next figures of the interface.
    pub(super) fn ring(&self, counters: RingCounters) {
        *self.ring.lock().unwrap_or_else(PoisonError::into_inner) = Some(counters);
    }

    fn put(&self, number: usize, own: &PacketCounters) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get_mut(number) {
            part.clone_from(own);
        }
        let mut sum = PacketCounters::default();
        for part in parts.iter() {
            sum.seen += part.seen;
            sum.bytes += part.bytes;
            sum.kernel_drops += part.kernel_drops;
            sum.interface_drops += part.interface_drops;
            sum.own_drops += part.own_drops;
            sum.up |= part.up;
            sum.flows += part.flows;
            sum.flows_evicted += part.flows_evicted;
            sum.flows_given_up += part.flows_given_up;
        }
        drop(parts);
        sum.ring.clone_from(&self.ring.lock().unwrap_or_else(PoisonError::into_inner));
        self.registry.packets(&self.entry, sum, now());
    }
}

fn introduction<'a>(id: &'a str, assignment: &'a Assignment) -> Introduction<'a> {
    Introduction {
        id,
        agency: assignment.agency(),
        transport: Transport::Tap,
        peer: None,
        tls_identity: None,
        host: None,
        format: None,
        at: now(),
    }
}

/// What one thread counts.
pub(super) struct Part {
    watch: Arc<Watch>,
    number: usize,
    own: PacketCounters,
}

impl Part {
    pub(super) fn lost(&mut self, lost: Lost) {
        if lost.kernel > 0 {
            tracing::warn!(
                lost = lost.kernel,
                source = self.watch.id,
                "the kernel dropped frames: raise buffer_mib or threads, or narrow the filter"
            );
        }
        self.own.kernel_drops += lost.kernel;
        self.own.interface_drops += lost.interface;
    }

    /// Frames that were read from the ring and that no thread could take.
    pub(super) fn dropped(&mut self, frames: u64) {
        if frames > 0 {
            tracing::warn!(lost = frames, source = self.watch.id, "the sensor's threads are behind: raise threads, or narrow the filter");
        }
        self.own.own_drops += frames;
    }

    pub(super) fn is_up(&mut self, up: bool) {
        self.own.up = up;
        self.tell();
    }

    /// Makes known what was counted.
    pub(super) fn tell(&self) {
        self.watch.put(self.number, &self.own);
    }

    pub(super) fn report(&mut self, summary: &Summary, flows: u64) {
        self.own.seen = summary.packets;
        self.own.bytes = summary.bytes;
        self.own.flows = flows;
        self.own.flows_evicted = summary.evicted;
        self.own.flows_given_up = summary.given_up;
        self.tell();
    }
}
