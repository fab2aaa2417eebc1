//! Exceptions, suppressions and maintenance windows: which alerts are kept and marked instead of shown.
//!
//! They are data in force for events whose `event.ingested` lies within their time, so the same log and the same exceptions give
//! the same alerts whenever it is read. A rule's match is held back by its event. A correlation is held back when all that it is
//! about fits: a filter must hold whichever of an alert's values of a field is taken alone, and one that asks for a field which
//! the alert does not carry holds nothing back.

use std::collections::BTreeMap;

use fansipan_model::{Alert, Event, FieldId, Predicate, RuleRef, Target, Value, predicate::resolve};

use crate::Signal;

/// One of them, ready to be asked.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its id, which marks the alerts.
    pub id: String,
    /// Only this rule's alerts.
    pub rule: Option<String>,
    /// Only this agency's.
    pub agency: Option<String>,
    /// Only those of events that satisfy it.
    pub filter: Predicate,
    /// In force from this `event.ingested` on, UTC nanoseconds.
    pub from: i64,
    /// In force before this `event.ingested`, UTC nanoseconds.
    pub until: i64,
}

/// All of them. Where several fit, the first in order of id is named.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    list: Vec<Held>,
}

/// An alert with so many values of a field may be about more of them than it lists.
const LISTED: usize = 16;

impl Exceptions {
    /// Of a list in any order.
    pub fn new(mut list: Vec<Held>) -> Self {
        list.sort_by(|a, b| a.id.cmp(&b.id));
        Self { list }
    }

    /// What holds back a rule's match of an event.
    pub fn event(&self, rule: &RuleRef, event: &Event) -> Option<&str> {
        let fits = |held: &&Held| held.is_about(&rule.id, event.agency(), event.ingested()) && held.filter.matches(event);
        self.list.iter().find(fits).map(|held| held.id.as_str())
    }

    /// What holds back an alert over several events.
    pub fn alert(&self, alert: &Alert) -> Option<&str> {
        let fits = |held: &&Held| held.is_about(&alert.rule.id, &alert.agency, alert.raised) && all_fits(&held.filter, alert);
        self.list.iter().find(fits).map(|held| held.id.as_str())
    }

    /// Marks those of alerts over several events that are held back.
    pub fn mark(&self, signals: &mut [Signal]) {
        for signal in signals {
            if let Signal::Put(alert) = signal {
                alert.suppressed = self.alert(alert).map(ToOwned::to_owned);
            }
        }
    }
}

impl Held {
    fn is_about(&self, rule: &str, agency: &str, at: i64) -> bool {
        (self.from..self.until).contains(&at)
            && self.rule.as_deref().is_none_or(|r| r == rule)
            && self.agency.as_deref().is_none_or(|a| a == agency)
    }
}

/// Whether a filter holds for all that an alert is about.
fn all_fits(filter: &Predicate, alert: &Alert) -> bool {
    if *filter == Predicate::True {
        return true;
    }
    let mut values: BTreeMap<FieldId, Vec<&str>> = BTreeMap::new();
    let about = alert.entities.iter().map(|e| (&e.field, &e.value)).chain(alert.matched.iter().map(|m| (&m.field, &m.value)));
    for (field, value) in about {
        if let Some(field) = FieldId::lookup(field) {
            let list = values.entry(field).or_default();
            if !list.contains(&value.as_str()) {
                list.push(value);
            }
        }
    }
    if values.values().any(|list| list.len() >= LISTED) {
        return false;
    }
    let event = |alone: Option<(FieldId, usize)>| {
        let mut event = Event::default();
        for (field, list) in &values {
            for (i, value) in list.iter().enumerate() {
                if alone.is_none_or(|(f, n)| f != *field || n == i) {
                    event.push(*field, Value::Str(value));
                }
            }
        }
        event
    };
    let whole = event(None);
    is_answered(filter, &whole)
        && filter.matches(&whole)
        && values.iter().all(|(field, list)| list.len() == 1 || (0..list.len()).all(|i| filter.matches(&event(Some((*field, i))))))
}

/// Whether an event holds every field that a filter asks for.
fn is_answered(filter: &Predicate, event: &Event) -> bool {
    match filter {
        Predicate::True | Predicate::False => true,
        Predicate::And(list) | Predicate::Or(list) => list.iter().all(|p| is_answered(p, event)),
        Predicate::Not(inner) => is_answered(inner, event),
        Predicate::Test(test) => match &test.target {
            Target::Any => true,
            Target::Field(candidates) => resolve(event, candidates).is_some(),
        },
    }
}
