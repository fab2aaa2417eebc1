//! Rules, events and what an engine told, for tests.

use std::{collections::BTreeMap, sync::Arc};

use fansipan_analyzer::{
    Analyzer, GroupingConfig, Settings, Signal,
    correlate::{Keyed, Plan, Router, Worker},
};
use fansipan_model::{Alert, AlertId, Event, Value, fields};
use fansipan_rules::{RuleSet, Scratch, Taxonomy};
use uuid::Uuid;

pub(crate) const SECOND: i64 = 1_000_000_000;
/// 2026-11-23T10:00:00Z
pub(crate) const START: i64 = 1_795_428_000;

/// Five rules that look at `event.code` 1 to 5.
pub(crate) fn detections() -> String {
    (1..=5)
        .map(|n| {
            format!(
                "title: code {n}\nid: 00000000-0000-4000-8000-00000000000{n}\nname: r{n}\nlogsource:\n  product: probe\ndetection:\n  s:\n    event.code: '{n}'\n  condition: s\n---\n"
            )
        })
        .collect()
}

/// The rules above and correlation documents, compiled; no finding of any weight.
pub(crate) fn rules(correlations: &str) -> Arc<RuleSet> {
    let text = format!("{}{correlations}", detections());
    let (parsed, found) = fansipan_rules::parse(&text, "probe.yml");
    assert!(fansipan_rules::is_clean(&found), "{found:#?}\n{text}");
    let (set, found) = RuleSet::compile(parsed, &Taxonomy::builtin().expect("taxonomy"));
    assert!(fansipan_rules::is_clean(&found), "{found:#?}\n{text}");
    Arc::new(set)
}

/// What a test says of an event.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) id: u128,
    pub(crate) second: i64,
    pub(crate) arrival: i64,
    pub(crate) code: u8,
    pub(crate) user: u8,
    pub(crate) address: u8,
    pub(crate) amount: i32,
    pub(crate) source: u8,
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Probe { id, second, arrival, code, user, address, amount, source } = self;
        write!(f, "#{id} t{second} a{arrival} r{code} u{user} i{address} n{amount} s{source}")
    }
}

impl Probe {
    pub(crate) fn event(&self) -> Event {
        let mut e = Event::default();
        e.set_id(Uuid::from_u128(self.id));
        e.set_timestamp((START + self.second) * SECOND);
        e.set_ingested((START + self.arrival) * SECOND);
        e.push(fields::EVENT_MODULE, Value::Str("probe"));
        e.push(fields::EVENT_CODE, Value::Str(&self.code.to_string()));
        e.push(fields::USER_NAME, Value::Str(&format!("user{}", self.user)));
        e.push(fields::USER_TARGET_NAME, Value::Str(&format!("user{}", self.amount.rem_euclid(3))));
        e.push(fields::SOURCE_IP, Value::Str(&format!("10.0.0.{}", self.address)));
        e.push(fields::NETWORK_BYTES, Value::Int(i64::from(self.amount)));
        e.push(fields::FANSIPAN_SOURCE, Value::Str(&format!("source{}", self.source)));
        e
    }
}

/// What stays of an alert whatever the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) rule: String,
    pub(crate) group: Vec<String>,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) count: u64,
    pub(crate) events: Vec<u128>,
}

/// Alerts as a store would hold them.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) alerts: BTreeMap<AlertId, Alert>,
    pub(crate) superseded: usize,
}

impl Store {
    pub(crate) fn apply(&mut self, signals: Vec<Signal>) {
        for signal in signals {
            match signal {
                Signal::Put(alert) => drop(self.alerts.insert(alert.id, *alert)),
                Signal::Superseded { id, .. } => {
                    self.superseded += usize::from(self.alerts.remove(&id).is_some());
                }
                Signal::Open(_) | Signal::Repeat { .. } => {}
            }
        }
    }

    pub(crate) fn told(&self) -> BTreeMap<AlertId, Told> {
        let one = |a: &Alert| Told {
            rule: a.rule.id.clone(),
            group: a.group.clone(),
            first: a.first_seen,
            last: a.last_seen,
            count: a.count,
            events: a.events.iter().map(Uuid::as_u128).collect(),
        };
        self.alerts.iter().map(|(id, a)| (*id, one(a))).collect()
    }
}

pub(crate) fn settings(lateness: i64) -> Settings {
    Settings { lateness: lateness * SECOND, ..Settings::default() }
}

pub(crate) fn analyzer(rules: &Arc<RuleSet>, settings: &Settings) -> Analyzer {
    Analyzer::new(rules, GroupingConfig::default(), settings.clone())
}

/// One analyzer, in batches of the given sizes, saved and loaded by a new one after each batch whose place is in `restarts`.
pub(crate) fn run(rules: &Arc<RuleSet>, settings: &Settings, events: &[Event], batch: usize, restarts: &[usize]) -> Store {
    let mut store = Store::default();
    let mut one = analyzer(rules, settings);
    for (i, part) in events.chunks(batch.max(1)).enumerate() {
        let mut signals = Vec::new();
        part.iter().for_each(|e| one.step(e, &mut signals));
        one.settle(&mut signals);
        store.apply(signals);
        if restarts.contains(&i) {
            let saved = one.save(i as u64);
            one = analyzer(rules, settings);
            assert_eq!(one.load(&saved), Ok(i as u64));
        }
    }
    store
}

/// The same over several workers and a bus between them.
pub(crate) fn spread(rules: &Arc<RuleSet>, settings: &Settings, events: &[Event], batch: usize, workers: usize) -> Store {
    let plan = Arc::new(Plan::new(rules));
    let mut router = Router::new(Arc::clone(&plan), settings.clone());
    let mut all: Vec<Worker> = (0..workers).map(|_| Worker::new(Arc::clone(&plan), settings.clone())).collect();
    let (mut scratch, mut matches) = (Scratch::default(), Vec::new());
    let mut store = Store::default();
    let mut bus: Vec<Keyed> = Vec::new();
    for part in events.chunks(batch.max(1)) {
        for event in part {
            matches.clear();
            rules.evaluate(event, &mut scratch, &mut matches);
            if router.see(event) {
                catch_up(&mut all, &mut bus);
                all.iter_mut().for_each(|w| w.advance(router.mark(), event.ingested(), &mut bus));
                deliver(&mut all, &mut bus);
            }
            router.route(event, &matches, |routed| bus.push(routed.to_keyed()));
            deliver(&mut all, &mut bus);
        }
        catch_up(&mut all, &mut bus);
        let mut signals = Vec::new();
        all.iter_mut().for_each(|w| w.tell(&mut signals));
        store.apply(signals);
    }
    store
}

fn deliver(all: &mut [Worker], bus: &mut Vec<Keyed>) {
    while let Some(keyed) = bus.pop() {
        let place = keyed.place(all.len());
        all[place].take(keyed.routed(), bus);
    }
}

fn catch_up(all: &mut [Worker], bus: &mut Vec<Keyed>) {
    loop {
        all.iter_mut().for_each(|w| w.catch_up(bus));
        if bus.is_empty() {
            return;
        }
        deliver(all, bus);
    }
}
