//! Correlations over evidence: the events that feed them are put in order of time once all files are read, then the analyzer
//! that runs live decides.

use std::{
    collections::{BTreeMap, HashSet},
    io::Write,
    sync::Arc,
};

use anyhow::Result;
use fansipan_analyzer::{Analyzer, GroupingConfig, Settings, Signal};
use fansipan_model::{Alert, AlertId, Event, json};
use fansipan_rules::{Linked, RuleIndex, RuleSet};
use uuid::Uuid;

use super::finding;
use crate::output;

/// An event that feeds a correlation, and where it stands.
struct Fed {
    event: Event,
    input: Arc<str>,
    record: u64,
}

/// Events that feed correlations, so far.
pub(super) struct Correlated {
    set: Arc<RuleSet>,
    feeds: HashSet<u32>,
    fed: Vec<Fed>,
    /// The latest `@timestamp` of all events, which tells an absence from the end of the evidence.
    latest: i64,
}

impl Correlated {
    /// None yet.
    pub(super) fn new(set: &Arc<RuleSet>) -> Self {
        let about = set.correlations().iter().flat_map(|c| &c.about);
        let feeds = about.filter_map(|a| if let Linked::Rule(RuleIndex(rule)) = a { Some(*rule) } else { None }).collect();
        Self { set: Arc::clone(set), feeds, fed: Vec::new(), latest: i64::MIN }
    }

    /// Takes an event with the rules it satisfies.
    pub(super) fn take(&mut self, input: &Arc<str>, record: u64, event: &Event, matches: &[RuleIndex]) {
        if self.feeds.is_empty() {
            return;
        }
        self.latest = self.latest.max(event.timestamp());
        if matches.iter().any(|m| self.feeds.contains(&m.0)) {
            self.fed.push(Fed { event: event.clone(), input: Arc::clone(input), record });
        }
    }

    /// Writes a line for each correlation that fired, in order of time; how many.
    pub(super) fn finish(mut self, out: &mut impl Write) -> Result<u64> {
        if self.fed.is_empty() {
            return Ok(0);
        }
        self.fed.sort_by_key(|f| f.event.timestamp()); // stable: equal times stay in the order of the files
        let mut analyzer = {
            // network detectors see every event, not only those that feed correlations: `watched`
            let settings = Settings { network: None, ..Settings::default() };
            Analyzer::new(&self.set, GroupingConfig::default(), settings)
        };
        let mut alerts: BTreeMap<AlertId, Alert> = BTreeMap::new();
        let mut signals = Vec::new();
        for (number, fed) in (1u128..).zip(&mut self.fed) {
            fed.event.set_id(Uuid::from_u128(number));
            fed.event.set_ingested(fed.event.timestamp());
            analyzer.step(&fed.event, &mut signals);
            // what single events say was printed when they were read
            signals.clear();
            analyzer.settle(&mut signals);
            keep(signals.drain(..), &mut alerts);
        }
        let mut end = Event::default();
        end.set_timestamp(self.latest);
        end.set_ingested(self.latest);
        analyzer.step(&end, &mut Vec::new());
        analyzer.settle(&mut signals);
        keep(signals.drain(..), &mut alerts);
        let mut list: Vec<&Alert> = alerts.values().collect();
        list.sort_by_key(|a| (a.first_seen, a.last_seen, a.id));
        for alert in &list {
            self.print(alert, out)?;
        }
        Ok(list.len() as u64)
    }

    fn print(&self, alert: &Alert, out: &mut impl Write) -> Result<()> {
        let members: Vec<&Fed> = alert.events.iter().filter_map(|id| finding::place(&self.fed, id)).collect();
        let Some(last) = members.last() else { return Ok(()) };
        let mut line = finding::begin(alert, (&last.input, last.record), &last.event)?;
        line.extend_from_slice(b",\"events\":[");
        for (i, fed) in members.iter().enumerate() {
            let head = serde_json::json!({"input": &*fed.input, "record": fed.record}).to_string();
            line.extend_from_slice(if i > 0 { b"," } else { b"" });
            line.extend_from_slice(head.trim_end_matches('}').as_bytes());
            line.extend_from_slice(b",\"event\":");
            json::write(&fed.event, &mut line);
            line.push(b'}');
        }
        line.extend_from_slice(b"]}\n");
        out.write_all(&output::harmless_json(&line))?;
        Ok(())
    }
}

fn keep(signals: impl Iterator<Item = Signal>, alerts: &mut BTreeMap<AlertId, Alert>) {
    for signal in signals {
        match signal {
            Signal::Put(alert) => {
                alerts.insert(alert.id, *alert);
            }
            Signal::Superseded { id, .. } => {
                alerts.remove(&id);
            }
            Signal::Open(_) | Signal::Repeat { .. } => {}
        }
    }
}
