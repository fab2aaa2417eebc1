//! Events to signals: pure state machines over (state, event, now).
//!
//! Invariants: no I/O, no clock ("now" is the event's `event.ingested`), no randomness, no threads, no hash-ordered output —
//! the same events in the same order give the same signals, byte for byte. Depends on `model` and `rules` alone.
//!
//! [`detectors`] say that a rule matched an event; [`grouping`] folds repeats of the same rule about the same things into one
//! alert with an exact count; [`entities`] says what an event is about.

pub mod detectors;
pub mod entities;
pub mod grouping;

use std::sync::Arc;

use fansipan_model::{Alert, Event};
use fansipan_rules::RuleSet;
use indexmap::IndexMap;

pub use detectors::{Detector, Hit};
pub use grouping::{GroupingConfig, Signal};

/// All detectors and the grouping of what they find.
pub struct Analyzer {
    detectors: Vec<Box<dyn Detector>>,
    grouping: grouping::Grouping,
    hits: Vec<Hit>,
    matches: IndexMap<String, Matches, foldhash::fast::FixedState>,
}

/// How often a rule matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matches {
    /// Matching events.
    pub count: u64,
    /// `@timestamp` of the latest, UTC nanoseconds.
    pub last: i64,
}

impl Analyzer {
    /// With every registered detector over this rule set.
    pub fn new(rules: &Arc<RuleSet>, config: GroupingConfig) -> Self {
        let detectors = detectors::all(rules);
        Self { detectors, grouping: grouping::Grouping::new(config), hits: Vec::new(), matches: IndexMap::default() }
    }

    /// Continues the open alerts of an earlier run: the latest alerts of the state store, any order.
    pub fn restore(&mut self, alerts: &[Alert]) {
        self.grouping.restore(alerts);
    }

    /// From the next event on, other rules are in force. Open alerts go on under the rule text that opened them.
    pub fn replace_rules(&mut self, rules: &Arc<RuleSet>) {
        self.detectors = detectors::all(rules);
    }

    /// Takes one event; appends what changed to `out`.
    pub fn step(&mut self, event: &Event, out: &mut Vec<Signal>) {
        for detector in &mut self.detectors {
            self.hits.clear();
            detector.observe(event, &mut self.hits);
            for &hit in &self.hits {
                let rule = detector.rule(hit);
                count(&mut self.matches, &rule.id, event.timestamp());
                self.grouping.note(rule, event, || detector.matched(hit, event), out);
            }
        }
    }

    /// Rule ids with their matches since this was last asked for, in order of first match.
    pub fn take_matches(&mut self) -> impl Iterator<Item = (String, Matches)> {
        std::mem::take(&mut self.matches).into_iter()
    }

    /// Alerts that may still grow.
    pub fn open(&self) -> usize {
        self.grouping.open()
    }

    /// Open alerts that were closed early because there were too many.
    pub fn evicted(&self) -> u64 {
        self.grouping.evicted()
    }
}

fn count(matches: &mut IndexMap<String, Matches, foldhash::fast::FixedState>, rule: &str, at: i64) {
    match matches.get_mut(rule) {
        Some(known) => *known = Matches { count: known.count + 1, last: known.last.max(at) },
        None => {
            matches.insert(rule.to_owned(), Matches { count: 1, last: at });
        }
    }
}
