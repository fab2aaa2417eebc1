//! Network detectors over evidence: what the sensor says goes through the detectors that run live, in its order. Captures that follow
//! each other in time are one; one that begins before the latest is another network, and begins anew.

use std::{collections::BTreeMap, io::Write, sync::Arc};

use anyhow::Result;
use fansipan_analyzer::{Network, Parameters, Signal};
use fansipan_model::{Alert, AlertId, Event};
use uuid::Uuid;

use super::finding;
use crate::output;

/// A capture may begin this much before the end of the one before it, nanoseconds.
const OVERLAP: i64 = 3_600_000_000_000;

/// An alert as it is so far, and the event that opened it.
struct Told {
    alert: Alert,
    event: Event,
    place: Place,
}

/// The file of an event and its number in it.
type Place = (Arc<str>, u64);

/// The detectors, and what they said so far.
pub(super) struct Watched {
    network: Network,
    told: BTreeMap<AlertId, Told>,
    /// By number of the event.
    places: Vec<Place>,
    latest: i64,
    signals: Vec<Signal>,
}

impl Watched {
    /// Nothing seen yet; with the parameters shipped.
    pub(super) fn new() -> Self {
        Self {
            network: Network::new(Parameters::shipped()),
            told: BTreeMap::new(),
            places: Vec::new(),
            latest: i64::MIN,
            signals: Vec::new(),
        }
    }

    /// Takes an event in; `record`: its number, by which alerts name it.
    pub(super) fn take(&mut self, input: &Arc<str>, record: u64, event: &Event) {
        if event.get_by_name("event.module").is_none() {
            return;
        }
        let begins = self.places.last().is_some_and(|(before, _)| before != input);
        if begins && event.timestamp() < self.latest.saturating_sub(OVERLAP) {
            self.network = Network::new(Parameters::shipped());
        }
        self.latest = if begins { event.timestamp() } else { self.latest.max(event.timestamp()) };
        self.places.push((Arc::clone(input), record));
        let mut own = event.clone();
        own.set_id(Uuid::from_u128(self.places.len() as u128));
        own.set_ingested(event.timestamp());
        self.network.see(&own);
        self.network.tell(&mut self.signals);
        for signal in self.signals.drain(..) {
            if let Signal::Put(alert) = signal {
                match self.told.get_mut(&alert.id) {
                    Some(known) => known.alert = *alert,
                    None => {
                        let told = Told { alert: *alert, event: event.clone(), place: (Arc::clone(input), record) };
                        self.told.insert(told.alert.id, told);
                    }
                }
            }
        }
    }

    fn sorted(&self) -> Vec<&Told> {
        let mut list: Vec<&Told> = self.told.values().collect();
        list.sort_by_key(|t| (t.alert.first_seen, t.alert.last_seen, t.alert.id));
        list
    }

    /// Writes a line of a hunt for each alert, in order of time; how many.
    pub(super) fn detections(&self, out: &mut impl Write) -> Result<u64> {
        let list = self.sorted();
        for told in &list {
            let alert = &told.alert;
            let mut line = finding::begin(alert, (&told.place.0, told.place.1), &told.event)?;
            let name = |(input, record): &Place| serde_json::json!({"input": &**input, "record": record});
            let records: Vec<_> = alert.events.iter().filter_map(|id| finding::place(&self.places, id)).map(name).collect();
            line.extend_from_slice(b",\"events\":");
            serde_json::to_writer(&mut line, &records)?;
            line.extend_from_slice(b"}\n");
            out.write_all(&output::harmless_json(&line))?;
        }
        Ok(list.len() as u64)
    }

    /// Writes a flat ECS object for each alert, in order of time.
    pub(super) fn events(&self, out: &mut impl Write) -> Result<()> {
        for told in self.sorted() {
            let line = serde_json::to_vec(&flat(told))?;
            out.write_all(&output::harmless_json(&line))?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// An alert as an ECS event of kind `alert`.
fn flat(told: &Told) -> serde_json::Value {
    let alert = &told.alert;
    let time = fansipan_model::time::to_rfc3339;
    let mut line = serde_json::json!({
        "@timestamp": time(alert.last_seen), "event.kind": "alert", "event.module": "fansipan", "event.dataset": "fansipan.alert",
        "event.start": time(alert.first_seen), "event.end": time(alert.last_seen), "rule.id": alert.rule.id,
        "rule.name": alert.rule.title, "fansipan.alert.id": alert.id, "fansipan.alert.level": alert.rule.level,
        "fansipan.alert.title_vi": alert.rule.title_vi, "fansipan.alert.count": alert.count, "message": alert.summary,
        "fansipan.alert.advice": alert.rule.advice, "fansipan.alert.advice_vi": alert.rule.advice_vi, "tags": alert.rule.tags,
    });
    if let Some(object) = line.as_object_mut() {
        for field in ["source.ip", "destination.ip"] {
            let first = alert.entities.iter().find(|e| e.field == field);
            first.map(|e| object.insert(field.to_owned(), e.value.clone().into()));
        }
    }
    line
}
