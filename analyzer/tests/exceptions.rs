//! What is held back, and what is not: as data.

use std::sync::Arc;

use fansipan_analyzer::{Analyzer, Exceptions, GroupingConfig, Held, Settings, Signal};
use fansipan_model::{Event, FieldId, Op, Pattern, Predicate, Value, fields};
use fansipan_rules::{RuleSet, Taxonomy};
use uuid::Uuid;

const RULES: &str = "title: Failed logon
id: one
level: medium
logsource: {product: test}
detection: {s: {event.action: failed}, condition: s}
---
title: Many failed logons
id: many
level: high
correlation:
  type: event_count
  rules: [one]
  group-by: [user.name]
  timespan: 5m
  generate: true
  condition: {gte: 3}
";

const SECOND: i64 = 1_000_000_000;

fn event(second: i64, user: &str, address: &str) -> Event {
    let mut e = Event::default();
    e.set_id(Uuid::from_u128(second as u128 + 1));
    e.set_timestamp(second * SECOND);
    e.set_ingested(second * SECOND);
    let module = (fields::EVENT_MODULE, "test");
    for (field, value) in [module, (fields::EVENT_ACTION, "failed"), (fields::USER_NAME, user), (fields::SOURCE_IP, address)] {
        e.push(field, Value::Str(value));
    }
    e
}

fn is(field: FieldId, text: &str) -> Predicate {
    Predicate::test(field, Op::Like(Pattern::exact(text)))
}

fn held(id: &str, rule: Option<&str>, filter: Predicate, from: i64, until: i64) -> Held {
    Held { id: id.into(), rule: rule.map(Into::into), agency: None, filter, from: from * SECOND, until: until * SECOND }
}

/// Shown and held-back alerts by rule, with their counts, after a run in batches of one event.
fn run(exceptions: Vec<Held>, events: &[Event]) -> Vec<(String, Option<String>, u64)> {
    let (rules, faults) = fansipan_rules::parse(RULES, "test.yml");
    assert!(faults.iter().all(|f| f.severity != fansipan_rules::Severity::Error), "{faults:?}");
    let (set, faults) = RuleSet::compile(rules, &Taxonomy::builtin().unwrap());
    assert!(faults.iter().all(|f| f.severity != fansipan_rules::Severity::Error), "{faults:?}");
    let mut analyzer = Analyzer::new(&Arc::new(set), GroupingConfig::default(), Settings::default());
    analyzer.except(Exceptions::new(exceptions));
    let mut alerts = std::collections::BTreeMap::new();
    for e in events {
        let mut out = Vec::new();
        analyzer.step(e, &mut out);
        analyzer.settle(&mut out);
        for signal in out {
            match signal {
                Signal::Open(a) | Signal::Put(a) => {
                    alerts.insert(a.id, (a.rule.id.clone(), a.suppressed.clone(), a.count));
                }
                Signal::Repeat { id, .. } => alerts.get_mut(&id).unwrap().2 += 1,
                Signal::Superseded { id, .. } => drop(alerts.remove(&id)),
            }
        }
    }
    let mut list: Vec<_> = alerts.into_values().collect();
    list.sort();
    list
}

fn alert(rule: &str, held: Option<&str>, count: u64) -> (String, Option<String>, u64) {
    (rule.into(), held.map(Into::into), count)
}

#[test]
fn what_fits_is_kept_marked_and_counted_apart() {
    let events: Vec<Event> = (0..4).map(|i| event(i, if i % 2 == 0 { "scanner" } else { "an" }, "192.0.2.1")).collect();
    let scanner = || held("x", Some("one"), is(fields::USER_NAME, "scanner"), 0, 100);
    assert_eq!(run(vec![], &events), [alert("one", None, 4)]);
    assert_eq!(run(vec![scanner()], &events), [alert("one", None, 2), alert("one", Some("x"), 2)]);
    let other_rule = Held { rule: Some("two".into()), ..scanner() };
    let other_agency = Held { agency: Some("health".into()), ..scanner() };
    assert_eq!(run(vec![other_rule, other_agency], &events), [alert("one", None, 4)]);
}

#[test]
fn it_is_in_force_by_the_time_an_event_came_in() {
    let events: Vec<Event> = (0..6).map(|i| event(i, "an", &format!("192.0.2.{i}"))).collect();
    let window = held("w", Some("one"), Predicate::True, 2, 4);
    let found = run(vec![window], &events);
    assert_eq!(found.iter().filter(|a| a.1.is_some()).count(), 2, "{found:?}");
    assert_eq!(found.iter().filter(|a| a.0 == "one").count(), 6, "{found:?}");
}

#[test]
fn a_correlation_is_held_back_only_when_all_it_is_about_fits() {
    let from = |addresses: [&str; 3]| -> Vec<Event> { (0..3).zip(addresses).map(|(i, a)| event(i, "an", a)).collect() };
    let scanner = || vec![held("s", Some("many"), is(fields::SOURCE_IP, "192.0.2.9"), 0, 100)];
    let many = |list: Vec<(String, Option<String>, u64)>| list.into_iter().find(|a| a.0 == "many").unwrap();
    assert_eq!(many(run(scanner(), &from(["192.0.2.9"; 3]))), alert("many", Some("s"), 3));
    assert_eq!(many(run(scanner(), &from(["192.0.2.9", "192.0.2.9", "203.0.113.5"]))), alert("many", None, 3), "an attacker among them");
    // growing beyond what was excepted brings it back
    let mut grown = from(["192.0.2.9"; 3]);
    grown.push(event(3, "an", "203.0.113.5"));
    assert_eq!(many(run(scanner(), &grown)), alert("many", None, 4));
    // a field that the alert does not carry says nothing
    let unknown = Predicate::Not(Box::new(is(fields::PROCESS_COMMAND_LINE, "x")));
    assert_eq!(many(run(vec![held("u", Some("many"), unknown, 0, 100)], &from(["192.0.2.9"; 3]))), alert("many", None, 3));
    assert_eq!(many(run(vec![held("m", None, is(fields::USER_NAME, "an"), 0, 100)], &from(["192.0.2.9"; 3]))), alert("many", Some("m"), 3));
}
