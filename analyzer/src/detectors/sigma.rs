//! Sigma rules over single events.

use std::sync::Arc;

use fansipan_model::{Event, MatchedField, RuleRef};
use fansipan_rules::{RuleIndex, RuleSet, Scratch};

use super::{Detector, Hit};

pub(super) struct Sigma {
    rules: Arc<RuleSet>,
    scratch: Scratch,
    matches: Vec<RuleIndex>,
}

impl Sigma {
    pub(super) fn new(rules: Arc<RuleSet>) -> Self {
        Self { rules, scratch: Scratch::default(), matches: Vec::new() }
    }
}

impl Detector for Sigma {
    fn observe(&mut self, event: &Event, out: &mut Vec<Hit>) {
        self.matches.clear();
        self.rules.evaluate(event, &mut self.scratch, &mut self.matches);
        // a rule that only feeds a correlation raises no alert of its own (Sigma correlation rules 2.1, `generate`)
        out.extend(self.matches.iter().filter(|&&i| !self.rules.rule(i).correlated).map(|&RuleIndex(i)| Hit(i)));
    }

    fn rule(&self, hit: Hit) -> &RuleRef {
        &self.rules.rule(RuleIndex(hit.0)).reference
    }

    fn matched(&self, hit: Hit, event: &Event) -> Vec<MatchedField> {
        self.rules.matched_fields(RuleIndex(hit.0), event)
    }
}
