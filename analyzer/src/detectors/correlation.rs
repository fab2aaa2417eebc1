//! Sigma correlations: several events, see [`crate::correlate`].

use std::sync::Arc;

use fansipan_model::{Event, MatchedField, RuleRef};
use fansipan_rules::RuleSet;

use super::{Detector, Hit, Seen, StateError};
use crate::{
    correlate::{self, Keyed, Plan, Router, Settings, Worker},
    grouping::Signal,
};

/// A router and the one worker it feeds.
pub(super) struct Correlations {
    router: Router,
    worker: Worker,
    queue: Vec<Keyed>,
    now: i64,
}

impl Correlations {
    pub(super) fn new(rules: &Arc<RuleSet>, settings: &Settings) -> Self {
        let plan = Arc::new(Plan::new(rules));
        let router = Router::new(Arc::clone(&plan), settings.clone());
        Self { router, worker: Worker::new(plan, settings.clone()), queue: Vec::new(), now: i64::MIN }
    }

    /// Correlations above take in what those below found, until nothing is left.
    fn drain(&mut self) {
        while let Some(keyed) = self.queue.pop() {
            self.worker.take(keyed.routed(), &mut self.queue);
        }
    }

    /// Looks again where records came late, and again where that was news to correlations above.
    fn catch_up(&mut self) {
        loop {
            self.worker.catch_up(&mut self.queue);
            if self.queue.is_empty() {
                return;
            }
            self.drain();
        }
    }
}

impl Detector for Correlations {
    fn name(&self) -> &'static str {
        "correlation"
    }

    fn observe(&mut self, seen: &Seen<'_>, _out: &mut Vec<Hit>) {
        self.now = self.now.max(seen.event.ingested());
        if self.router.see(seen.event) {
            self.catch_up(); // what came late before the watermark moved was not too late
            self.worker.advance(self.router.mark(), self.now, &mut self.queue);
            self.drain();
        }
        let Self { router, worker, queue, .. } = self;
        router.route(seen.event, seen.matches, |routed| worker.take(routed, queue));
        self.drain();
    }

    fn settle(&mut self, out: &mut Vec<Signal>) {
        self.catch_up();
        self.worker.tell(out);
    }

    fn rule(&self, _hit: Hit) -> Option<&RuleRef> {
        None
    }

    fn matched(&self, _hit: Hit, _event: &Event) -> Vec<MatchedField> {
        Vec::new()
    }

    fn save(&self, out: &mut Vec<u8>) {
        correlate::save(&self.router, &self.worker, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        correlate::load(bytes, &mut self.router, &mut self.worker)
    }

    fn report(&self) -> super::Report {
        let mut losses = self.worker.losses();
        losses.ungrouped = self.router.ungrouped();
        super::Report { groups: self.worker.groups(), losses, by_rule: self.worker.losses_by_rule() }
    }
}
