//! The plan of a whole rule set: what is done once for an event instead of once for each rule.
//!
//! An event is routed to the log sources it belongs to ([`route`]); each log source has one [`plan`] for all its rules. The plan
//! scans every field once for the literals of all rules ([`scan`]), which sets bits of *atoms* (one atom: one test of one field,
//! shared by all rules that have it). An atom that a rule cannot hold without wakes that rule; only woken rules have their
//! conditions evaluated ([`program`]), and only there expensive tests (regular expressions, networks, numbers) and tests that
//! stand under `not` are run, each at most once.
//!
//! Never decides anything by itself: for every event the answer is that of `Predicate::matches`.

mod atom;
mod build;
mod cache;
mod gram;
mod lazy;
mod literal;
mod plan;
mod program;
mod route;
mod scan;
mod scratch;
mod trie;
mod view;
mod witness;

pub use scratch::Scratch;

use std::sync::atomic::{AtomicU64, Ordering};

use fansipan_model::{Event, Predicate};

use crate::ruleset::{CompiledRule, RuleIndex};
use plan::Plan;
use route::Router;
use view::{Slots, View};

/// Tells rule sets apart, so that a scratch used with one is not mistaken for another's. No answer depends on it.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// All plans of a rule set and the way to them.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    serial: u64,
    slots: Slots,
    router: Router,
    plans: Vec<Plan>,
}

impl Engine {
    /// Plans all rules.
    pub(crate) fn compile(rules: &[CompiledRule]) -> Engine {
        let mut slots = Slots::default();
        let mut classes: Vec<(&Predicate, Vec<u32>)> = Vec::new();
        let mut index: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        for (i, rule) in (0u32..).zip(rules) {
            let class = *index.entry(format!("{:?}", rule.source)).or_insert_with(|| {
                classes.push((&rule.source, Vec::new()));
                classes.len() - 1
            });
            if let Some((_, members)) = classes.get_mut(class) {
                members.push(i);
            }
        }
        let router = Router::new(classes.iter().map(|(condition, _)| *condition), &mut slots);
        let plans = (1u32..).zip(&classes).map(|(serial, (_, members))| Plan::new(serial, rules, members, &mut slots)).collect();
        slots.finish();
        Engine { serial: SERIAL.fetch_add(1, Ordering::Relaxed), slots, router, plans }
    }

    /// Appends the rules the event satisfies, in rule order.
    pub(crate) fn evaluate(&self, event: &Event, scratch: &mut Scratch, out: &mut Vec<RuleIndex>) {
        scratch.prepare(self.serial, self.slots.len());
        let mut view = View::new(event, &self.slots, &mut scratch.store);
        let start = out.len();
        let route = self.router.route(&mut view, &mut scratch.routes);
        for &class in route.classes(&scratch.routes) {
            if let Some(plan) = self.plans.get(class as usize) {
                plan.evaluate(&mut view, &mut scratch.work, &mut scratch.cache, out);
            }
        }
        if let Some(new) = out.get_mut(start..) {
            new.sort_unstable();
        }
        view.finish();
    }

    /// What the plans consist of, for measurements.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats { plans: self.plans.len(), ..Stats::default() };
        for plan in &self.plans {
            plan.count(&mut stats);
        }
        stats
    }
}

/// Sizes of a compiled rule set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Log sources with rules of their own.
    pub plans: usize,
    /// Tests of a field, each shared by every rule of its log source that has it.
    pub atoms: usize,
    /// Literals scanned for.
    pub literals: usize,
    /// Rules evaluated for every event of their log source, since nothing they need can be scanned for.
    pub always: usize,
}
