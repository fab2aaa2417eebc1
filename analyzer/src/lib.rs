//! Events to signals: pure state machines over (state, event, now).
//!
//! Invariants: no I/O, no clock ("now" is the event's `event.ingested`), no randomness, no threads, no hash-ordered output —
//! the same events in the same order give the same signals, byte for byte. Depends on `model` and `rules` alone.
//!
//! [`exceptions`] say which alerts are kept and marked instead of shown. [`detectors`] say that a rule matched an event; [`grouping`] folds repeats of the same rule about the same things into one
//! alert with an exact count; [`correlate`] finds what only several events show; [`incidents`] says which
//! alerts belong together; [`entities`] says what an event is about.

mod checkpoint;
pub mod correlate;
pub mod detectors;
pub mod entities;
pub mod exceptions;
pub mod grouping;
pub mod incidents;
pub mod split;
mod summary;

use std::sync::Arc;

use fansipan_model::{Alert, Event};
use fansipan_rules::{RuleIndex, RuleSet, Scratch};
use indexmap::IndexMap;

pub use correlate::{Losses, Settings};
pub use detectors::network::{Network, ParameterError, Parameters};
pub use detectors::{Detector, Hit, Report, Seen, StateError};
pub use exceptions::{Exceptions, Held};
pub use grouping::{GroupingConfig, Signal};
pub use incidents::{Incidents, LinkSettings};

/// All detectors and the grouping of what they find.
pub struct Analyzer {
    rules: Arc<RuleSet>,
    scratch: Scratch,
    matches: Vec<RuleIndex>,
    detectors: Vec<Box<dyn Detector>>,
    settings: Settings,
    grouping: grouping::Grouping,
    exceptions: Exceptions,
    hits: Vec<Hit>,
    counts: IndexMap<String, Matches, foldhash::fast::FixedState>,
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
    pub fn new(rules: &Arc<RuleSet>, config: GroupingConfig, settings: Settings) -> Self {
        Self {
            rules: Arc::clone(rules),
            scratch: Scratch::default(),
            matches: Vec::new(),
            detectors: detectors::all(rules, &settings),
            settings,
            grouping: grouping::Grouping::new(config),
            exceptions: Exceptions::default(),
            hits: Vec::new(),
            counts: IndexMap::default(),
        }
    }

    /// Continues the open alerts of an earlier run: the latest alerts of the state store, any order.
    pub fn restore(&mut self, alerts: &[Alert]) {
        self.grouping.restore(alerts);
    }

    /// What people decided not to be told of, all of it: each says itself from which `event.ingested` on it counts.
    pub fn except(&mut self, exceptions: Exceptions) {
        self.exceptions = exceptions;
    }

    /// From the next event on, other rules are in force. Open alerts go on under the rule text that opened them; windows of
    /// correlations whose text did not change go on.
    pub fn replace_rules(&mut self, rules: &Arc<RuleSet>) -> Result<(), StateError> {
        let state = self.save(0);
        self.rules = Arc::clone(rules);
        self.detectors = detectors::all(rules, &self.settings);
        self.load(&state).map(drop)
    }

    /// The state of the detectors, to be loaded after a restart. `offset`: the first position of the log not yet observed.
    /// Call after [`Analyzer::settle`].
    pub fn save(&self, offset: u64) -> Vec<u8> {
        checkpoint::save(&self.detectors, offset)
    }

    /// Continues from saved state; the position of the log it stands at. After an error nothing is remembered.
    pub fn load(&mut self, state: &[u8]) -> Result<u64, StateError> {
        let loaded = checkpoint::load(state, &mut self.detectors);
        if loaded.is_err() {
            self.detectors = detectors::all(&self.rules, &self.settings);
        }
        loaded
    }

    /// Takes one event; appends what changed to `out`. Call [`Analyzer::settle`] after each batch.
    pub fn step(&mut self, event: &Event, out: &mut Vec<Signal>) {
        self.evaluate(event);
        for &rule in &self.matches {
            count(&mut self.counts, &self.rules.rule(rule).reference.id, event.timestamp());
        }
        let seen = Seen { event, matches: &self.matches };
        for detector in &mut self.detectors {
            self.hits.clear();
            detector.observe(&seen, &mut self.hits);
            for &hit in &self.hits {
                if let Some(rule) = detector.rule(hit) {
                    let held = self.exceptions.event(rule, event);
                    self.grouping.note(rule, event, held, || detector.matched(hit, event), out);
                }
            }
        }
    }

    /// Rule ids with their matches since this was last asked for, in order of first match.
    pub fn take_matches(&mut self) -> impl Iterator<Item = (String, Matches)> {
        std::mem::take(&mut self.counts).into_iter()
    }

    /// Appends what detectors have to say over several events.
    pub fn settle(&mut self, out: &mut Vec<Signal>) {
        let before = out.len();
        self.detectors.iter_mut().for_each(|d| d.settle(out));
        self.exceptions.mark(out.get_mut(before..).unwrap_or_default());
    }

    /// Takes one event again whose effects are stored already: only the detectors' memory of it is made anew.
    pub fn replay(&mut self, event: &Event) {
        self.evaluate(event);
        let seen = Seen { event, matches: &self.matches };
        for detector in &mut self.detectors {
            self.hits.clear();
            detector.observe(&seen, &mut self.hits);
        }
    }

    fn evaluate(&mut self, event: &Event) {
        self.matches.clear();
        self.rules.evaluate(event, &mut self.scratch, &mut self.matches);
    }

    /// Alerts that may still grow.
    pub fn open(&self) -> usize {
        self.grouping.open()
    }

    /// Open alerts that were closed early because there were too many.
    pub fn evicted(&self) -> u64 {
        self.grouping.evicted()
    }

    /// What each detector holds, by name.
    pub fn reports(&self) -> Vec<(&'static str, Report)> {
        self.detectors.iter().map(|d| (d.name(), d.report())).collect()
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
