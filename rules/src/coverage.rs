//! Which rules can fire on what arrives: a rule whose log source or whose fields never arrive is blind.
//!
//! Judged from events that did arrive, a sample of each kind; never from promises of a mapping.

use std::collections::{BTreeMap, BTreeSet};

use fansipan_model::{Event, FieldId, Op, Predicate, Target};

use crate::{
    ast::CorrelationKind,
    link::{Linked, LinkedCorrelation},
    ruleset::{RuleIndex, RuleSet},
};

/// Whether a rule can fire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Its log source arrives with the fields it needs.
    Sees,
    /// No event of its log source arrived.
    NoSource,
    /// Events of its log source arrive, but it cannot match without these fields (dotted names, sorted), and none had them.
    NoFields(Vec<String>),
}

/// Whether a correlation can fire, and through which of its rules it sees nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorrelationSight {
    /// Whether enough of its rules see for it to fire.
    pub sees: bool,
    /// Detection rules below it that cannot fire, each once, with the reason. Where it `sees` all the same, what these would have
    /// told is missing from what it counts.
    pub blind: Vec<(RuleIndex, Sight)>,
}

/// What arrived of one log source.
#[derive(Debug, Default)]
struct Arrived {
    events: u64,
    fields: BTreeSet<FieldId>,
}

/// Collects what arrives, log source by log source.
#[derive(Debug)]
pub struct Coverage<'s> {
    set: &'s RuleSet,
    /// Log source as text → a rule that has it, and what arrived.
    sources: BTreeMap<String, (RuleIndex, Arrived)>,
}

impl<'s> Coverage<'s> {
    /// For these rules, before any event.
    pub fn new(set: &'s RuleSet) -> Self {
        let mut sources = BTreeMap::new();
        for (i, compiled) in (0u32..).zip(set.rules()) {
            sources.entry(compiled.rule.meta.logsource.to_string()).or_insert_with(|| (RuleIndex(i), Arrived::default()));
        }
        Self { set, sources }
    }

    /// Takes note of an event.
    pub fn observe(&mut self, event: &Event) {
        for (rule, arrived) in self.sources.values_mut() {
            if self.set.rule(*rule).source.matches(event) {
                arrived.events += 1;
                arrived.fields.extend(event.iter_ids().map(|(field, _)| field));
                arrived.fields.extend(event.iter_named().filter_map(|(name, _)| FieldId::lookup(name)));
            }
        }
    }

    /// Whether a rule can fire.
    pub fn sight(&self, rule: RuleIndex) -> Sight {
        let compiled = self.set.rule(rule);
        let Some((_, arrived)) = self.sources.get(&compiled.rule.meta.logsource.to_string()).filter(|(_, a)| a.events > 0) else {
            return Sight::NoSource;
        };
        let mut missing = BTreeSet::new();
        if can_hold(&compiled.detection, arrived, &mut missing) {
            return Sight::Sees;
        }
        Sight::NoFields(missing.into_iter().map(|f| f.name().to_owned()).collect())
    }
}

impl Coverage<'_> {
    /// Whether a correlation can fire, by its place among the correlations.
    pub fn correlation(&self, place: usize) -> CorrelationSight {
        let Some(linked) = self.set.correlations().get(place) else { return CorrelationSight::default() };
        let mut blind = Vec::new();
        let seeing: Vec<bool> = linked.about.iter().map(|about| self.member(*about, &mut blind)).collect();
        blind.sort_by_key(|(rule, _)| *rule);
        blind.dedup_by_key(|(rule, _)| *rule);
        CorrelationSight { sees: enough(linked, &seeing), blind }
    }

    fn member(&self, about: Linked, blind: &mut Vec<(RuleIndex, Sight)>) -> bool {
        match about {
            Linked::Rule(rule) => match self.sight(rule) {
                Sight::Sees => true,
                why => {
                    blind.push((rule, why));
                    false
                }
            },
            // correlations that go round in a circle are refused when they are linked
            Linked::Correlation(below) => {
                let sight = self.correlation(below);
                blind.extend(sight.blind);
                sight.sees
            }
        }
    }
}

/// Whether a correlation can fire when these of its rules can.
fn enough(linked: &LinkedCorrelation, seeing: &[bool]) -> bool {
    let Some(correlation) = linked.correlation() else { return false };
    match correlation.kind {
        // what does not come, or has which share, is told only beside the first
        CorrelationKind::Absence | CorrelationKind::Ratio => seeing.first() == Some(&true),
        // every rule is needed unless a condition says which
        CorrelationKind::Temporal | CorrelationKind::TemporalOrdered
            if correlation.expression.is_none() && correlation.condition.is_none() =>
        {
            seeing.iter().all(|s| *s)
        }
        _ => seeing.iter().any(|s| *s),
    }
}

/// Whether a predicate can hold for an event with some of the fields that arrived; if not, the fields it waits for.
fn can_hold(predicate: &Predicate, arrived: &Arrived, missing: &mut BTreeSet<FieldId>) -> bool {
    match predicate {
        Predicate::True | Predicate::Not(_) => true,
        Predicate::False => false,
        // every part is asked, so that all fields waited for are named
        Predicate::And(list) => list.iter().filter(|p| !can_hold(p, arrived, missing)).count() == 0,
        Predicate::Or(list) => {
            let mut waits = BTreeSet::new();
            let any = list.iter().any(|p| can_hold(p, arrived, &mut waits));
            if !any {
                missing.extend(waits);
            }
            any
        }
        Predicate::Test(test) => match &test.target {
            Target::Any => true,
            Target::Field(_) if matches!(test.op, Op::Absent) => true,
            Target::Field(candidates) => {
                // what lies in the event's header is in no list of fields
                let there = |f: &FieldId| arrived.fields.contains(f) || f.name() == "@timestamp" || f.name() == "event.original";
                let any = candidates.iter().any(there);
                if !any {
                    missing.extend(candidates.first());
                }
                any
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use fansipan_model::{Event, Value, fields};

    use super::{Coverage, Sight};
    use crate::{RuleIndex, RuleSet, Taxonomy, parse};

    #[test]
    fn a_rule_is_blind_without_its_source_or_its_fields() {
        let text = "title: t\nid: 8b7c2b1e-0000-4000-8000-000000000001\nlogsource: {category: process_creation, product: windows}\n\
                    detection: {s: {Image|endswith: '\\x.exe'}, o: {IMPHASH: 'A'}, condition: s and CONDITION}\n";
        let sight = |condition: &str, event: &Event| {
            let (rules, _) = parse(&text.replace("CONDITION", condition), "t.yml");
            let (set, _) = RuleSet::compile(rules, &Taxonomy::builtin().unwrap());
            let mut coverage = Coverage::new(&set);
            coverage.observe(event);
            coverage.sight(RuleIndex(0))
        };
        let mut event = Event::default();
        event.push(fields::WINLOG_CHANNEL, Value::Str("Microsoft-Windows-Sysmon/Operational"));
        event.push(fields::EVENT_CODE, Value::Str("1"));
        event.push(fields::EVENT_PROVIDER, Value::Str("Microsoft-Windows-Sysmon"));
        event.push(fields::HOST_OS_FAMILY, Value::Str("windows"));
        event.push(fields::PROCESS_EXECUTABLE, Value::Str("C:\\a.exe"));
        assert_eq!(sight("not o", &event), Sight::Sees, "what must not be there need not arrive");
        assert!(matches!(sight("o", &event), Sight::NoFields(missing) if missing.len() == 1));
        assert_eq!(sight("s", &Event::default()), Sight::NoSource);
    }

    #[test]
    fn a_correlation_is_blind_when_the_rules_it_needs_are() {
        let rule = |name: &str, product: &str, id: u8| {
            format!(
                "title: {name}\nname: {name}\nid: 8b7c2b1e-0000-4000-8000-00000000000{id}\nlogsource: {{product: {product}}}\n\
                     detection: {{s: {{user.name: root}}, condition: s}}\n---\n"
            )
        };
        let correlation = |kind: &str, rules: &str, id: u8| {
            format!(
                "title: c\nname: c{id}\nid: 8b7c2b1e-0000-4000-8000-0000000000c{id}\ncorrelation:\n    type: {kind}\n    rules: [{rules}]\n    \
                     group-by: [user.name]\n    timespan: 5m\n{}---\n",
                if kind == "event_count" { "    condition: {gte: 3}\n" } else { "" }
            )
        };
        let text = rule("here", "heretest", 1)
            + &rule("away", "awaytest", 2)
            + &correlation("event_count", "here, away", 1)
            + &correlation("event_count", "away", 2)
            + &correlation("temporal", "here, away", 3)
            + &correlation("temporal_ordered", "c1, here", 4)
            + &correlation("temporal", "c2, here", 5)
            + &correlation("absence", "here, away", 6)
            + &correlation("absence", "away, here", 7);
        let (rules, faults) = parse(&text, "t.yml");
        let (set, found) = RuleSet::compile(rules, &Taxonomy::builtin().unwrap());
        assert!(faults.iter().chain(&found).all(|d| d.severity != crate::Severity::Error), "{faults:?} {found:?}");
        let mut coverage = Coverage::new(&set);
        let mut event = Event::default();
        event.push(fields::USER_NAME, Value::Str("root"));
        event.push(fields::EVENT_DATASET, Value::Str("heretest"));
        for (rule, arrived) in coverage.sources.values_mut() {
            // the log source of `here` alone arrives
            if set.rule(*rule).rule.meta.name.as_deref() == Some("here") {
                arrived.events = 1;
                arrived.fields.extend(event.iter_ids().map(|(field, _)| field));
            }
        }
        let told: Vec<(bool, usize)> = (0..7).map(|i| coverage.correlation(i)).map(|s| (s.sees, s.blind.len())).collect();
        assert_eq!(told, [(true, 1), (false, 1), (false, 1), (true, 1), (false, 1), (true, 1), (false, 1)]);
        assert_eq!(coverage.correlation(1).blind, [(RuleIndex(1), Sight::NoSource)]);
        assert_eq!(coverage.correlation(99), super::CorrelationSight::default());
    }
}
