//! `temporal` and `temporal_ordered`: which rules are there, and whether in order.

use fansipan_rules::ast::Condition;
use smallvec::SmallVec;

use super::{Compiled, Record};

/// How many records of each rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Present {
    counts: SmallVec<[u32; 8]>,
}

impl Present {
    pub(crate) fn of(window: &[Record]) -> Self {
        let mut present = Self::default();
        window.iter().for_each(|r| present.add(r));
        present
    }

    pub(crate) fn add(&mut self, record: &Record) {
        let member = usize::from(record.member);
        if self.counts.len() <= member {
            self.counts.resize(member + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(member) {
            *count += 1;
        }
    }

    pub(crate) fn remove(&mut self, record: &Record) {
        if let Some(count) = self.counts.get_mut(usize::from(record.member)) {
            *count -= 1;
        }
    }

    fn has(&self, member: usize) -> bool {
        self.counts.get(member).is_some_and(|c| *c > 0)
    }

    /// Number of rules present; `None` where a condition over rules does not hold.
    pub(crate) fn value(&self, plan: &Compiled) -> Option<f64> {
        if plan.expression.as_ref().is_some_and(|e| !holds(e, &|member| self.has(member))) {
            return None;
        }
        Some(self.counts.iter().filter(|c| **c > 0).count() as f64)
    }
}

/// Whether a condition holds over the rules present.
fn holds(condition: &Condition, has: &impl Fn(usize) -> bool) -> bool {
    match condition {
        Condition::And(list) => list.iter().all(|c| holds(c, has)),
        Condition::Or(list) => list.iter().any(|c| holds(c, has)),
        Condition::Not(inner) => !holds(inner, has),
        Condition::Selection(member) => has(*member),
    }
}

/// For each rule the latest beginning of a chain first rule … this rule, and the latest record of the rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    began: SmallVec<[(i64, i64); 4]>,
}

impl Chain {
    pub(crate) fn of(window: &[Record]) -> Self {
        let mut chain = Self::default();
        window.iter().for_each(|r| chain.add(r));
        chain
    }

    pub(crate) fn add(&mut self, record: &Record) {
        let member = usize::from(record.member);
        if self.began.len() <= member {
            self.began.resize(member + 1, (i64::MIN, i64::MIN));
        }
        let before = match member.checked_sub(1) {
            None => record.at,
            Some(i) => self.began.get(i).map_or(i64::MIN, |b| b.0),
        };
        if let Some(own) = self.began.get_mut(member) {
            *own = (own.0.max(before), record.at);
        }
    }

    /// Number of rules if the window holds one record of each in order, else 0.
    pub(crate) fn value(&self, plan: &Compiled, start: i64) -> Option<f64> {
        if let Some(condition) = &plan.expression {
            let has = |member: usize| self.began.get(member).is_some_and(|b| b.1 >= start && b.1 > i64::MIN);
            if !holds(condition, &has) {
                return None;
            }
        }
        let whole = plan.members.checked_sub(1).and_then(|last| self.began.get(last)).is_some_and(|b| b.0 > i64::MIN && b.0 >= start);
        Some(if whole { plan.members as f64 } else { 0.0 })
    }
}
