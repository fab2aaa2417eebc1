//! Sigma rules over single events.

use std::sync::Arc;

use fansipan_model::{Event, MatchedField, RuleRef};
use fansipan_rules::{RuleIndex, RuleSet};

use super::{Detector, Hit, Seen};

pub(super) struct Sigma {
    rules: Arc<RuleSet>,
}

impl Sigma {
    pub(super) fn new(rules: Arc<RuleSet>) -> Self {
        Self { rules }
    }
}

impl Detector for Sigma {
    fn name(&self) -> &'static str {
        "sigma"
    }

    fn observe(&mut self, seen: &Seen<'_>, out: &mut Vec<Hit>) {
        // a rule that only feeds a correlation raises no alert of its own (Sigma correlation rules 2.1, `generate`)
        out.extend(seen.matches.iter().filter(|&&i| !self.rules.rule(i).correlated).map(|&RuleIndex(i)| Hit(i)));
    }

    fn rule(&self, hit: Hit) -> Option<&RuleRef> {
        self.rules.get(RuleIndex(hit.0)).map(|rule| &rule.reference)
    }

    fn matched(&self, hit: Hit, event: &Event) -> Vec<MatchedField> {
        self.rules.matched_fields(RuleIndex(hit.0), event)
    }
}
