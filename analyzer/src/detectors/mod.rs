//! Detectors: a file each, and one line in [`all`].

use std::sync::Arc;

use fansipan_model::{Event, MatchedField, RuleRef};
use fansipan_rules::RuleSet;

mod sigma;

/// One thing a detector found in the event it was just shown; meaningful to that detector only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit(pub u32);

/// Watches events one by one. State machines: same events, same hits.
pub trait Detector: Send {
    /// Takes one event; appends what it found, in an order that depends on nothing but the events so far.
    fn observe(&mut self, event: &Event, out: &mut Vec<Hit>);

    /// The rule behind a hit.
    fn rule(&self, hit: Hit) -> &RuleRef;

    /// The fields of the event that made it a hit, for people. Called at most once for each new alert.
    fn matched(&self, hit: Hit, event: &Event) -> Vec<MatchedField>;
}

/// The registry: every detector there is.
pub(crate) fn all(rules: &Arc<RuleSet>) -> Vec<Box<dyn Detector>> {
    vec![Box::new(sigma::Sigma::new(Arc::clone(rules)))]
}
