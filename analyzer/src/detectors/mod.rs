//! Detectors: a file each, and one line in [`all`].

use std::sync::Arc;

use fansipan_model::{Event, MatchedField, RuleRef};
use fansipan_rules::{RuleIndex, RuleSet};

use crate::{
    correlate::{Losses, Settings},
    grouping::Signal,
};

mod correlation;
pub mod network;
mod sigma;

pub use crate::correlate::SnapshotError as StateError;

/// One thing a detector found in the event it was just shown; meaningful to that detector only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit(pub u32);

/// An event with the rules it satisfies.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The event.
    pub event: &'a Event,
    /// The rules, in rule order.
    pub matches: &'a [RuleIndex],
}

/// What a detector holds, and what its bounds cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Groups (of users, addresses…) remembered.
    pub groups: usize,
    /// What the bounds cost.
    pub losses: Losses,
    /// The same by rule id, where something was lost.
    pub by_rule: Vec<(String, Losses)>,
}

/// Watches events one by one. State machines: same events, same hits.
pub trait Detector: Send {
    /// Its stable name, under which its state is saved.
    fn name(&self) -> &'static str;

    /// Takes one event; appends what it found, in an order that depends on nothing but the events so far. Repeats of what is
    /// found here are folded into one alert.
    fn observe(&mut self, seen: &Seen<'_>, out: &mut Vec<Hit>);

    /// Appends what it has to say that is more than a hit: alerts over several events. Called after each batch of events;
    /// how events are cut into batches changes nothing but how often an alert is told anew while it grows.
    fn settle(&mut self, _out: &mut Vec<Signal>) {}

    /// The rule behind a hit.
    fn rule(&self, hit: Hit) -> Option<&RuleRef>;

    /// The fields of the event that made it a hit, for people. Called at most once for each new alert.
    fn matched(&self, hit: Hit, event: &Event) -> Vec<MatchedField>;

    /// Appends its state, if it has any between batches.
    fn save(&self, _out: &mut Vec<u8>) {}

    /// Takes saved state; what belongs to rules no longer in force is left out.
    fn load(&mut self, _bytes: &[u8]) -> Result<(), StateError> {
        Ok(())
    }

    /// What it holds.
    fn report(&self) -> Report {
        Report::default()
    }
}

/// The registry: every detector there is.
pub(crate) fn all(rules: &Arc<RuleSet>, settings: &Settings) -> Vec<Box<dyn Detector>> {
    vec![
        Box::new(sigma::Sigma::new(Arc::clone(rules))),
        Box::new(correlation::Correlations::new(rules, settings)),
        Box::new(network::Network::new(settings.network.clone())),
    ]
}
