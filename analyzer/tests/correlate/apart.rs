//! The analyzer in two halves: partitions read at speeds of their own give the alerts of one analyzer that reads in order.

use fansipan_analyzer::{
    GroupingConfig, Settings,
    split::{Keeper, Matcher, Note, Share},
};
use fansipan_model::Event;
use fansipan_rules::RuleSet;
use std::sync::Arc;

use super::kit::{Probe, Store, rules, run, settings};

const PARTITIONS: usize = 3;
const CORRELATIONS: &str = "title: many\nid: 10000000-0000-4000-8000-000000000001\ncorrelation:\n  type: event_count\n  rules: [r1]\n  group-by: [source.ip]\n  timespan: 5m\n  condition:\n    gte: 5\n---\ntitle: several\nid: 10000000-0000-4000-8000-000000000002\ncorrelation:\n  type: value_count\n  rules: [r1]\n  group-by: [source.ip]\n  timespan: 30m\n  condition:\n    field: user.name\n    gte: 4\n";

/// Each partition's share of the notes is taken in pieces; `order` says whose piece is next.
fn apart(rules: &Arc<RuleSet>, settings: &Settings, events: &[(usize, Event)], piece: usize, order: &[usize]) -> Store {
    let mut pending: Vec<Vec<Vec<Note>>> = vec![Vec::new(); PARTITIONS];
    for (from, notes) in pending.iter_mut().enumerate() {
        let mut matcher = Matcher::new(from as i32, rules, settings.clone());
        let own: Vec<&Event> = events.iter().filter(|(p, _)| *p == from).map(|(_, e)| e).collect();
        for part in own.chunks(piece) {
            let mut out = Vec::new();
            part.iter().for_each(|e| matcher.step(e, &mut out));
            out.extend(matcher.mark());
            notes.push(out);
        }
        notes.reverse();
    }
    let share = |place| Share { place, of: 2, from: PARTITIONS };
    let mut keepers: Vec<Keeper> =
        (0..2).map(|place| Keeper::new(share(place), rules, GroupingConfig::default(), settings.clone())).collect();
    let mut store = Store::default();
    let rest: Vec<usize> = (0..PARTITIONS).flat_map(|p| vec![p; events.len()]).collect();
    for from in order.iter().chain(&rest) {
        let Some(notes) = pending[*from].pop() else { continue };
        for note in notes {
            let (mut out, mut onward) = (Vec::new(), Vec::new());
            match note.place(2) {
                Some(place) => keepers[place].take(note, &mut out, &mut onward),
                None => keepers.iter_mut().for_each(|k| k.take(note.clone(), &mut out, &mut onward)),
            }
            assert!(onward.is_empty(), "no chains here");
            store.apply(out);
        }
        for keeper in &mut keepers {
            let (mut out, mut onward) = (Vec::new(), Vec::new());
            keeper.settle(&mut out, &mut onward);
            store.apply(out);
        }
    }
    store
}

#[test]
fn partitions_within_the_lateness_change_nothing() {
    let rules = rules(CORRELATIONS);
    let settings = settings(300);
    let mut seed = 7u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let events: Vec<(usize, Event)> = (0..2500u64)
        .map(|n| {
            let source = random(9) as u8;
            let second = (n * 240 / 2500) as i64;
            let code = 1 + u8::from(random(10) == 0);
            let probe = Probe {
                id: u128::from(n) + 1,
                second,
                arrival: 300,
                code,
                user: random(50) as u8,
                address: u8::from(random(20) == 0),
                amount: 0,
                source,
            };
            (usize::from(source) % PARTITIONS, probe.event())
        })
        .collect();
    let whole: Vec<Event> = events.iter().map(|(_, e)| e.clone()).collect();
    let expected = run(&rules, &settings, &whole, 64, &[]).told();
    assert!(expected.len() >= 2, "{expected:#?}");
    for (piece, order) in [(10_000, vec![0, 1, 2]), (10_000, vec![2, 0, 1]), (40, vec![0, 0, 0, 1, 2, 2, 0, 1]), (7, vec![1; 60])] {
        assert_eq!(apart(&rules, &settings, &events, piece, &order).told(), expected, "pieces of {piece}, {order:?}");
    }
}

/// A group whose records are more than it may remember, while one partition is read long before another: what comes behind those that
/// were cut is counted all the same.
#[test]
fn a_busy_group_counts_every_record_however_far_partitions_are_apart() {
    let rules = rules(CORRELATIONS);
    let settings = Settings { records: 64, ..settings(300) };
    let events: Vec<(usize, Event)> = (0..3000u64)
        .map(|n| {
            let second = (n * 240 / 3000) as i64;
            let (user, source) = (n as u8 % 7, n as u8 % 9);
            let probe = Probe { id: u128::from(n) + 1, second, arrival: 300, code: 1, user, address: 0, amount: 0, source };
            (usize::from(source) % PARTITIONS, probe.event())
        })
        .collect();
    let whole: Vec<Event> = events.iter().map(|(_, e)| e.clone()).collect();
    let told =
        |store: Store| -> Vec<_> { store.alerts.into_values().map(|a| (a.id, a.first_seen, a.last_seen, a.count, a.summary)).collect() };
    let expected = told(run(&rules, &settings, &whole, 64, &[]));
    assert!(expected.len() == 2 && expected.iter().all(|a| a.3 == 3000), "{expected:#?}");
    for (piece, order) in [(10_000, vec![0, 1, 2]), (10_000, vec![2, 0, 1]), (40, vec![0, 0, 0, 1, 2, 2, 0, 1]), (7, vec![1; 60])] {
        assert_eq!(told(apart(&rules, &settings, &events, piece, &order)), expected, "pieces of {piece}, {order:?}");
    }
}
