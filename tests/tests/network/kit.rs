//! Packets through the sensor and the analyzer with the shipped rules.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use fansipan_analyzer::{Analyzer, GroupingConfig, Settings, Signal};
use fansipan_collector::tap::{Sensor, decode::link::LinkType, files::CaptureFile};
use fansipan_model::{Alert, Event};
use fansipan_rules::{RuleSet, Taxonomy};
use uuid::Uuid;

/// The shipped rules, compiled once.
static RULES: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
    let taxonomy = Taxonomy::builtin().expect("taxonomy");
    let rules = fansipan_rules::packs::SHIPPED.iter().flat_map(|(file, text)| fansipan_rules::parse(text, file).0).collect();
    Arc::new(RuleSet::compile(rules, &taxonomy).0)
});

/// A sensor and an analyzer behind it.
pub(crate) struct Watch {
    sensor: Sensor,
    analyzer: Analyzer,
    number: u128,
    signals: Vec<Signal>,
    alerts: BTreeMap<String, Alert>,
    pub(crate) datasets: BTreeMap<String, usize>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self {
            sensor: Sensor::new(fansipan_collector::tap::Settings::default()),
            analyzer: Analyzer::new(&RULES, GroupingConfig::default(), Settings::default()),
            number: 0,
            signals: Vec::new(),
            alerts: BTreeMap::new(),
            datasets: BTreeMap::new(),
        }
    }

    pub(crate) fn packet(&mut self, link: LinkType, at: i64, wire: u32, data: &[u8]) {
        self.sensor.packet(link, at, wire, data);
        self.drain();
    }

    fn drain(&mut self) {
        let events: Vec<Event> = self.sensor.events().collect();
        for mut event in events {
            self.number += 1;
            event.set_id(Uuid::from_u128(self.number));
            event.set_ingested(event.timestamp());
            let dataset = event.get_by_name("event.dataset").and_then(|v| v.text().map(std::borrow::Cow::into_owned));
            *self.datasets.entry(dataset.unwrap_or_default()).or_default() += 1;
            self.analyzer.step(&event, &mut self.signals);
        }
    }

    /// Everything that was told, one line an alert, sorted: title and what it says.
    pub(crate) fn end(&mut self) -> Vec<(String, String)> {
        self.sensor.finish();
        self.drain();
        self.analyzer.settle(&mut self.signals);
        for signal in self.signals.drain(..) {
            match signal {
                Signal::Open(alert) | Signal::Put(alert) => drop(self.alerts.insert(alert.id.to_string(), *alert)),
                Signal::Superseded { id, .. } => drop(self.alerts.remove(&id.to_string())),
                Signal::Repeat { .. } => {}
            }
        }
        let mut list: Vec<(String, String)> = self.alerts.values().map(|a| (a.rule.title.clone(), a.summary.clone())).collect();
        list.sort();
        list
    }
}

/// The alerts of a capture; times are stretched from its beginning on.
pub(crate) fn alerts(path: &Path, stretch: i64) -> Vec<(String, String)> {
    let mut watch = Watch::new();
    let mut file = CaptureFile::open(path).expect("a capture");
    let mut began = None;
    while let Some(packet) = file.next_packet() {
        let began = *began.get_or_insert(packet.at);
        watch.packet(packet.link, began + (packet.at - began) * stretch, packet.wire, packet.data);
    }
    watch.end()
}
