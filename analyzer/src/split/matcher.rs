//! The half that looks at events one by one.

use std::sync::Arc;

use fansipan_model::{Alert, Event};
use fansipan_rules::{RuleIndex, RuleSet, Scratch};
use indexmap::IndexMap;

use super::Note;
use crate::{
    Exceptions, Matches,
    correlate::{self, Plan, Router, Settings, SnapshotError, Worker},
    detectors::network::{Fact, Network},
    entities, grouping,
};

/// For one partition of events.
pub struct Matcher {
    from: i32,
    rules: Arc<RuleSet>,
    plan: Arc<Plan>,
    settings: Settings,
    scratch: Scratch,
    matches: Vec<RuleIndex>,
    router: Router,
    counts: IndexMap<String, Matches, foldhash::fast::FixedState>,
    network: Network,
    facts: Vec<Fact>,
    now: i64,
    told: (i64, i64),
    exceptions: Arc<Exceptions>,
}

impl Matcher {
    /// For the partition `from`.
    pub fn new(from: i32, rules: &Arc<RuleSet>, settings: Settings) -> Self {
        let plan = Arc::new(Plan::new(rules));
        Self {
            from,
            rules: Arc::clone(rules),
            router: Router::new(Arc::clone(&plan), settings.clone()),
            plan,
            scratch: Scratch::default(),
            matches: Vec::new(),
            counts: IndexMap::default(),
            network: Network::new(settings.network.clone()),
            facts: Vec::new(),
            settings,
            now: i64::MIN,
            told: (i64::MIN, i64::MIN),
            exceptions: Arc::default(),
        }
    }

    /// From the next event on, other rules are in force.
    ///
    /// # Errors
    /// [`SnapshotError`]: event time is learned anew.
    pub fn replace_rules(&mut self, rules: &Arc<RuleSet>) -> Result<(), SnapshotError> {
        let state = self.save();
        let exceptions = Arc::clone(&self.exceptions);
        *self = Self { exceptions, ..Self::new(self.from, rules, self.settings.clone()) };
        self.load(&state)
    }

    /// What people decided not to be told of, all of it: each says itself from which `event.ingested` on it counts.
    pub fn except(&mut self, exceptions: &Arc<Exceptions>) {
        self.exceptions = Arc::clone(exceptions);
    }

    /// Takes one event; appends what it means.
    pub fn step(&mut self, event: &Event, out: &mut Vec<Note>) {
        self.now = self.now.max(event.ingested());
        self.matches.clear();
        self.rules.evaluate(event, &mut self.scratch, &mut self.matches);
        self.router.see(event);
        for &rule in &self.matches {
            let compiled = self.rules.rule(rule);
            crate::count(&mut self.counts, &compiled.reference.id, event.timestamp());
            if !compiled.correlated {
                let matched = self.rules.matched_fields(rule, event);
                let suppressed = self.exceptions.event(&compiled.reference, event).map(ToOwned::to_owned);
                let alert = Alert { suppressed, ..grouping::open_alert(&compiled.reference, event, entities::group(event), matched) };
                out.push(Note::Hit(Box::new(alert)));
            }
        }
        let Self { router, matches, plan, from, .. } = self;
        router.route(event, matches, |routed| out.extend(Note::of(routed.to_keyed(), plan, Some(*from))));
        self.network.look(event, &mut self.facts);
        out.extend(self.facts.drain(..).map(|fact| Note::Fact(Box::new(fact))));
    }

    /// How far event time has come, if that is news; for every keeper, after the notes so far.
    pub fn mark(&mut self) -> Option<Note> {
        let state = (self.router.mark(), self.now);
        let moved = state.0 > self.told.0 || state.1 > self.told.1.saturating_add(fansipan_model::time::SECOND);
        moved.then(|| {
            self.told = state;
            Note::Mark { from: self.from, mark: state.0, now: state.1 }
        })
    }

    /// Rule ids with their matches since this was last asked for.
    pub fn take_matches(&mut self) -> impl Iterator<Item = (String, Matches)> {
        std::mem::take(&mut self.counts).into_iter()
    }

    /// What it remembers: the clocks of the sources. An older state is a cautious one.
    pub fn save(&self) -> Vec<u8> {
        let mut out = Vec::new();
        correlate::save(&self.router, &Worker::new(Arc::clone(&self.plan), self.settings.clone()), &mut out);
        out
    }

    /// Continues from saved state.
    ///
    /// # Errors
    /// [`SnapshotError`]: nothing is remembered then.
    pub fn load(&mut self, state: &[u8]) -> Result<(), SnapshotError> {
        let mut nobody = Worker::new(Arc::clone(&self.plan), self.settings.clone());
        let loaded = correlate::load(state, &mut self.router, &mut nobody);
        if loaded.is_err() {
            self.router = Router::new(Arc::clone(&self.plan), self.settings.clone());
        }
        loaded
    }
}
