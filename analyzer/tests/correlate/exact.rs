//! Single cases a user would name.

use fansipan_analyzer::Settings;
use fansipan_model::{EntityKind, Event};

use crate::kit::{self, Probe, SECOND, START};

const LATE: i64 = 60;

fn probe(id: u128, second: i64, code: u8) -> Probe {
    Probe { id, second, arrival: second, code, user: 1, address: 1, amount: 1, source: 0 }
}

fn events(list: &[Probe]) -> Vec<Event> {
    list.iter().map(Probe::event).collect()
}

fn document(id: u8, body: &str) -> String {
    format!(
        "title: Case {id}\nid: 20000000-0000-4000-8000-00000000000{id}\nname: case{id}\nlevel: high\ntags: [attack.t1110]\ncorrelation:\n{body}---\n"
    )
}

/// Five failures, then a success by the same account.
fn brute_force() -> String {
    let many = "  type: event_count\n  rules: [r1]\n  group-by: [user.name]\n  timespan: 5m\n  condition:\n    gte: 5\n";
    let then = "  type: temporal_ordered\n  rules: [case1, r2]\n  group-by: [user.name]\n  timespan: 10m\n";
    document(1, many) + &document(2, then)
}

#[test]
fn five_failures_then_a_success_are_one_alert_with_what_it_is_about() {
    let rules = kit::rules(&brute_force());
    let mut list: Vec<Probe> = (0..5).map(|i| probe(i as u128 + 1, i * 10, 1)).collect();
    list.push(probe(9, 60, 2));
    let store = kit::run(&rules, &kit::settings(LATE), &events(&list), 100, &[]);
    assert_eq!(store.alerts.len(), 1, "{:#?}", store.alerts);
    let alert = store.alerts.values().next().expect("one");
    assert_eq!(alert.rule.title, "Case 2");
    assert_eq!(alert.group, ["user1"]);
    assert_eq!((alert.first_seen, alert.last_seen), ((START + 40) * SECOND, (START + 60) * SECOND));
    let about: Vec<_> = alert.entities.iter().map(|e| (e.kind, e.value.as_str())).collect();
    assert!(about.contains(&(EntityKind::User, "user1")) && about.contains(&(EntityKind::Address, "10.0.0.1")), "{about:?}");
    assert!(alert.matched.iter().any(|m| m.field == "user.name" && m.value == "user1"), "{:?}", alert.matched);
}

#[test]
fn a_late_event_amends_the_alert_under_its_id() {
    let text = document(1, "  type: event_count\n  rules: [r1]\n  group-by: [user.name]\n  timespan: 5m\n  condition:\n    gte: 3\n");
    let rules = kit::rules(&text);
    let mut one = kit::analyzer(&rules, &kit::settings(LATE));
    let mut store = kit::Store::default();
    let mut feed = |list: &[Probe], store: &mut kit::Store| {
        let mut signals = Vec::new();
        events(list).iter().for_each(|e| one.step(e, &mut signals));
        one.settle(&mut signals);
        store.apply(signals);
    };
    feed(&[probe(1, 0, 1), probe(2, 30, 1), probe(3, 40, 1)], &mut store);
    let before = store.told();
    feed(&[Probe { arrival: 50, ..probe(4, 35, 1) }], &mut store);
    let after = store.told();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "the same alert");
    assert_eq!((before.values().next().expect("one").count, after.values().next().expect("one").count), (3, 4));
    assert_eq!(store.superseded, 0);
    // one that comes before everything moves the window's beginning: another alert, and the old one says so
    feed(&[Probe { arrival: 55, ..probe(5, -5, 1) }], &mut store);
    assert_eq!((store.alerts.len(), store.superseded), (1, 1));
    assert_eq!(store.told().values().next().expect("one").count, 5);
}

#[test]
fn what_comes_too_late_is_counted() {
    let rules =
        kit::rules(&document(1, "  type: event_count\n  rules: [r1]\n  group-by: [user.name]\n  timespan: 5m\n  condition:\n    gte: 3\n"));
    let mut one = kit::analyzer(&rules, &kit::settings(LATE));
    for p in [probe(1, 100, 1), probe(2, 100 - LATE, 1), probe(3, 100 - LATE - 1, 1)] {
        one.step(&p.event(), &mut Vec::new());
    }
    let (_, report) = one.reports().into_iter().find(|(name, _)| *name == "correlation").expect("there");
    assert_eq!(report.losses.late, 1);
    assert_eq!(report.by_rule.first().map(|(id, _)| id.as_str()), Some("20000000-0000-4000-8000-000000000001"));
}

#[test]
fn memory_is_bounded_the_stalest_go_and_are_counted() {
    let rules = kit::rules(&document(
        1,
        "  type: event_count\n  rules: [r1]\n  group-by: [network.bytes]\n  timespan: 1h\n  condition:\n    gte: 2\n",
    ));
    let settings = Settings { groups: 64, ..kit::settings(LATE) };
    let mut one = kit::analyzer(&rules, &settings);
    let mut store = kit::Store::default();
    for i in 0..1_000 {
        let mut signals = Vec::new();
        one.step(&Probe { amount: i, ..probe(i as u128 + 1, i64::from(i), 1) }.event(), &mut signals);
        one.settle(&mut signals);
        store.apply(signals);
    }
    let report = one.reports().into_iter().find(|(name, _)| *name == "correlation").expect("there").1;
    assert!(report.groups <= 64, "{report:?}");
    assert_eq!(report.groups as u64 + report.losses.evicted, 1_000);
    // the youngest are still there
    let mut signals = Vec::new();
    one.step(&Probe { amount: 999, ..probe(5_000, 1_000, 1) }.event(), &mut signals);
    one.settle(&mut signals);
    assert_eq!(signals.len(), 1);
}

#[test]
fn many_distinct_values_are_estimated_and_the_alert_says_so() {
    let rules = kit::rules(&document(
        1,
        "  type: value_count\n  rules: [r1]\n  group-by: [user.name]\n  timespan: 1h\n  condition:\n    field: network.bytes\n    gte: 100\n",
    ));
    let list: Vec<Probe> = (0..20_000).map(|i| Probe { amount: i, ..probe(i as u128 + 1, i64::from(i) / 100, 1) }).collect();
    let store = kit::run(&rules, &kit::settings(LATE), &events(&list), 5_000, &[1, 2]);
    let alert = store.alerts.values().next().expect("one");
    assert_eq!(alert.count, 20_000, "members are counted exactly");
    let said = &alert.matched.iter().find(|m| m.field == "value_count(network.bytes)").expect("there").value;
    let number: f64 = said.trim_start_matches("≈ ").split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(said.contains("± 1.6 %"), "{said}");
    assert!((number - 20_000.0).abs() < 20_000.0 * 0.048, "{said}");
}

#[test]
fn a_rule_that_changes_begins_anew_and_the_others_go_on() {
    let two = |n: u8| {
        let c = |id: u8, n: u8| {
            document(
                id,
                &format!("  type: event_count\n  rules: [r{id}]\n  group-by: [user.name]\n  timespan: 5m\n  condition:\n    gte: {n}\n"),
            )
        };
        kit::rules(&(c(1, 3) + &c(2, n)))
    };
    let mut one = kit::analyzer(&two(3), &kit::settings(LATE));
    let mut signals = Vec::new();
    for p in [probe(1, 0, 1), probe(2, 1, 1), probe(3, 2, 2), probe(4, 3, 2)] {
        one.step(&p.event(), &mut signals);
    }
    one.settle(&mut signals);
    one.replace_rules(&two(2)).expect("its own state");
    for p in [probe(5, 4, 1), probe(6, 5, 2)] {
        one.step(&p.event(), &mut signals);
    }
    one.settle(&mut signals);
    let mut store = kit::Store::default();
    store.apply(signals);
    let titles: Vec<_> = store.alerts.values().map(|a| a.rule.title.as_str()).collect();
    assert_eq!(titles, ["Case 1"]);
}

/// State of format version 1, written in the middle of windows: must be read for ever.
#[test]
fn frozen_state_of_version_1_goes_on() {
    let text = brute_force() + &document(3, "  type: absence\n  rules: [r3, r4]\n  group-by: [user.name]\n  timespan: 1m\n");
    let rules = kit::rules(&text);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/correlate/state.v1");
    let before: Vec<Probe> = (0..4).map(|i| probe(i as u128 + 1, i * 10, 1)).chain([probe(8, 45, 3)]).collect();
    if std::env::var_os("BLESS").is_some() {
        let mut one = kit::analyzer(&rules, &kit::settings(LATE));
        events(&before).iter().for_each(|e| one.step(e, &mut Vec::new()));
        one.settle(&mut Vec::new());
        std::fs::write(&path, one.save(77)).expect("written");
    }
    let state = std::fs::read(&path).expect("the frozen file");
    let mut one = kit::analyzer(&rules, &kit::settings(LATE));
    assert_eq!(one.load(&state), Ok(77));
    let mut signals = Vec::new();
    for p in [probe(5, 50, 1), probe(9, 60, 2), probe(10, 400, 5)] {
        one.step(&p.event(), &mut signals);
    }
    one.settle(&mut signals);
    let mut store = kit::Store::default();
    store.apply(signals);
    let mut titles: Vec<_> = store.alerts.values().map(|a| a.rule.title.as_str()).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["Case 2", "Case 3"]);
}

#[test]
fn damaged_state_is_refused_and_forgotten() {
    let rules = kit::rules(&brute_force());
    let mut one = kit::analyzer(&rules, &kit::settings(LATE));
    events(&(0..4).map(|i| probe(i as u128 + 1, i, 1)).collect::<Vec<_>>()).iter().for_each(|e| one.step(e, &mut Vec::new()));
    let state = one.save(5);
    for cut in 0..state.len() {
        let mut other = kit::analyzer(&rules, &kit::settings(LATE));
        assert!(other.load(&state[..cut]).is_err() || cut == 13, "cut at {cut}");
    }
    for at in 13..state.len() {
        let mut bad = state.clone();
        bad[at] ^= 0x40;
        let mut other = kit::analyzer(&rules, &kit::settings(LATE));
        if other.load(&bad).is_ok() {
            assert!(at < 13 + 4 + 11, "a change at {at} went unnoticed"); // the name of a detector that is not there
        }
    }
}
