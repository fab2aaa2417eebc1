//! The way of events that are made here rather than normalized from records: those of the network sensor.

use std::sync::Arc;

use fansipan_bus::{Batch, Patience};
use fansipan_model::{Event, Value, codec, fields};

use super::{Assignment, OfferError, Parcel, Pipeline, ids::Ids};
use crate::ledger::{Delta, Introduction, SourceEntry};

/// Events of one source into batches.
pub(crate) struct EventLane {
    pipeline: Pipeline,
    entry: Arc<SourceEntry>,
    transport: &'static str,
    agency: Box<str>,
    class: Box<str>,
    ids: Ids,
    batch: Batch,
    delta: Delta,
}

impl EventLane {
    pub(super) fn new(pipeline: Pipeline, source: &Introduction<'_>, assignment: &Assignment) -> Self {
        let entry = pipeline.registry().introduce(source);
        Self {
            entry,
            transport: source.transport.as_str(),
            agency: assignment.agency().into(),
            class: assignment.class().into(),
            ids: Ids::new(),
            batch: Batch::new(),
            delta: Delta::default(),
            pipeline,
        }
    }

    /// Adds an event. `at`: now, UTC nanoseconds.
    pub(crate) fn push(&mut self, mut event: Event, at: i64) {
        for (field, value) in [
            (fields::FANSIPAN_SOURCE, self.entry.id()),
            (fields::FANSIPAN_AGENCY, &self.agency),
            (fields::FANSIPAN_CLASS, &self.class),
            (fields::FANSIPAN_TRANSPORT, self.transport),
        ] {
            event.push(field, Value::Str(value));
        }
        if let Some((_, interface)) = self.entry.id().split_once(':') {
            event.push(fields::OBSERVER_INGRESS_INTERFACE_NAME, Value::Str(interface));
        }
        event.set_ingested(at);
        event.set_id(self.ids.next(at));
        if self.batch.is_empty() {
            self.batch = self.pipeline.shared.appender.batch();
            self.batch.patience = Some(Patience::Forever);
        }
        let before = self.batch.bytes();
        self.batch.push_with(|out| codec::encode(&event, out));
        self.delta.records += 1;
        self.delta.bytes += (self.batch.bytes() - before) as u64;
        self.delta.at = self.delta.at.max(at);
    }

    /// Whether the batch should be sent now.
    pub(crate) fn is_full(&self) -> bool {
        let limits = &self.pipeline.shared.limits;
        self.batch.len() >= limits.batch_records || self.batch.bytes() >= limits.batch_bytes
    }

    /// Sends what there is, waiting while the log cannot take more.
    pub(crate) fn flush(&mut self) -> Result<(), OfferError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        let accounts = vec![(Arc::clone(&self.entry), std::mem::take(&mut self.delta))];
        self.pipeline.shared.appender.send_blocking(Parcel { batch, accounts, done: None })
    }
}
