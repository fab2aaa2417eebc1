//! Random correlations over random streams with disorder, duplicates and restarts: engine = naive reading.
//!
//! `FANSIPAN_SOAK_CASES=20000 cargo test -p fansipan-analyzer --release --test correlate` runs a hundred times as many.

use proptest::{prelude::*, test_runner::Config};

use crate::{
    kit::{self, Probe},
    naive,
};

/// How late a record may come, seconds.
const LATENESS: i64 = 60;

fn config() -> Config {
    let cases = std::env::var("FANSIPAN_SOAK_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    Config {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_123),
        max_shrink_iters: 2_000,
        ..Config::default()
    }
}

/// Members of a correlation: some of r1…r5.
fn members() -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(vec!["r1", "r2", "r3"], 1..=3).prop_map(|list| list.into_iter().map(str::to_owned).collect())
}

fn grouping() -> impl Strategy<Value = (Vec<&'static str>, bool)> {
    (proptest::sample::subsequence(vec!["user.name", "source.ip"], 0..=2), any::<bool>())
}

fn bounds(low: i32, high: i32) -> impl Strategy<Value = String> {
    let one = move |word: &'static str| (low..high).prop_map(move |n| format!("    {word}: {n}\n"));
    prop_oneof![
        6 => one("gte"),
        2 => one("gt"),
        1 => one("lte"),
        1 => one("eq"),
        1 => one("neq"),
        2 => (low..high, 1..6).prop_map(|(n, m)| format!("    gte: {n}\n    lt: {}\n", n + m)),
    ]
}

/// The first rule's name stands for itself: every correlation has it or another one.
fn formula() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        (2..8).prop_map(|n| format!("count >= {n} && seconds < 30")),
        (1..4).prop_map(|n| format!("value > {n} * seconds / 4")),
        (1..3).prop_map(|n| format!("count == {n} || value >= 5")),
        Just("count % 2 == 0 && !(value < 3)".to_owned()),
    ];
    text.prop_map(|t| format!("    formula: \"{t}\"\n"))
}

fn condition() -> impl Strategy<Value = (&'static str, String)> {
    let field = |kind: &'static str, field: &'static str, low, high| {
        bounds(low, high).prop_map(move |b| (kind, format!("  condition:\n    field: {field}\n{b}")))
    };
    let words = prop_oneof![Just("r1 and r2"), Just("r1 and not r2"), Just("(r1 or r3) and r2"), Just("not r1")];
    prop_oneof![
        4 => bounds(2, 8).prop_map(|b| ("event_count", format!("  condition:\n{b}"))),
        3 => field("value_count", "source.ip", 2, 5),
        1 => field("value_count", "user.name", 2, 4),
        2 => field("value_sum", "network.bytes", 5, 60),
        1 => field("value_avg", "network.bytes", 1, 10),
        1 => field("value_median", "network.bytes", 1, 10),
        1 => (bounds(1, 10), 1..100u8).prop_map(|(b, p)| ("value_percentile", format!("  condition:\n    field: network.bytes\n    percentile: {p}\n{b}"))),
        2 => formula().prop_map(|f| ("event_count", format!("  condition:\n{f}"))),
        1 => (bounds(2, 5), formula()).prop_map(|(b, f)| ("value_count", format!("  condition:\n    field: source.ip\n{b}{f}"))),
        1 => formula().prop_map(|f| ("temporal", format!("  condition:\n{f}"))),
        3 => Just(("temporal", String::new())),
        1 => bounds(1, 3).prop_map(|b| ("temporal", format!("  condition:\n{b}"))),
        2 => words.prop_map(|w| ("temporal", format!("  condition: {w}\n"))),
        4 => Just(("temporal_ordered", String::new())),
        2 => Just(("absence", String::new())),
        1 => (1..10u8).prop_map(|n| ("ratio", format!("  minimum: 4\n  condition:\n    gte: 0.{n}\n"))),
        1 => Just(("first_seen", "  condition:\n    field: source.ip\n".to_owned())),
    ]
}

/// One correlation document, and its group-by fields.
fn correlation(number: u8) -> impl Strategy<Value = (String, Vec<&'static str>)> {
    (condition(), members(), grouping(), 5..90i64, proptest::option::weighted(0.2, 3..30i64), any::<bool>()).prop_map(
        move |((kind, condition), mut rules, (group, alias), timespan, gap, generate)| {
            if kind.starts_with("temporal") && condition.contains("condition: ") || kind == "absence" && rules.len() < 2 {
                rules = vec!["r1".into(), "r2".into(), "r3".into()];
            }
            let gap = gap.filter(|_| !matches!(kind, "absence" | "first_seen"));
            let window = gap.map_or(String::new(), |g| format!("  window: session\n  gap: {g}s\n"));
            let aliased: Vec<&str> = group.iter().map(|g| if alias && *g == "user.name" { "who" } else { g }).collect();
            let names = if aliased.contains(&"who") {
                let of = |r: &String| format!("      {r}: {}\n", if r == "r2" { "user.target.name" } else { "user.name" });
                format!("  aliases:\n    who:\n{}", rules.iter().map(of).collect::<String>())
            } else {
                String::new()
            };
            let text = format!(
                "title: c{number}\nid: 10000000-0000-4000-8000-00000000000{number}\nname: c{number}\nlevel: high\ncorrelation:\n  type: {kind}\n  rules: [{}]\n  group-by: [{}]\n{names}  timespan: {timespan}s\n  generate: {generate}\n{window}{condition}---\n",
                rules.join(", "),
                aliased.join(", "),
            );
            (text, aliased)
        },
    )
}

/// Some documents; the last may stand on the first.
fn documents() -> impl Strategy<Value = String> {
    (correlation(1), correlation(2), 0..4u8, 10..120i64, any::<bool>()).prop_map(|((one, group), (two, _), chain, timespan, generate)| {
        let group = group.join(", ");
        let above = match chain {
            0 => format!("  type: event_count\n  rules: [c1]\n  group-by: [{group}]\n  condition:\n    gte: 2\n"),
            1 if !group.contains("who") => format!("  type: temporal\n  rules: [c1, r4]\n  group-by: [{group}]\n"),
            2 if !group.contains("who") => format!("  type: temporal_ordered\n  rules: [c1, r4]\n  group-by: [{group}]\n"),
            _ => return format!("{one}{two}"),
        };
        format!("{one}{two}title: c3\nid: 10000000-0000-4000-8000-000000000003\ncorrelation:\n  timespan: {timespan}s\n  generate: {generate}\n{above}")
    })
}

/// A stream in order of arrival: nothing comes later than the lateness after something younger; some of it comes twice.
fn stream() -> impl Strategy<Value = Vec<Probe>> {
    let probe = (0..400i64, 0..=LATENESS, 1..=5u8, 0..3u8, 0..4u8, 0..12i32, 0..3u8, proptest::bool::weighted(0.1));
    (proptest::collection::vec(probe, 1..160), 1..20i64).prop_map(|(list, dense)| {
        let mut out = Vec::new();
        for (i, (second, delay, code, user, address, amount, source, twice)) in list.into_iter().enumerate() {
            let second = second / dense;
            let one = Probe { id: i as u128 * 7 % 1009 + 1, second, arrival: second + delay, code, user, address, amount, source };
            if twice {
                out.push(Probe { arrival: second + LATENESS, ..one.clone() });
            }
            out.push(one);
        }
        out.sort_by_key(|p| p.arrival);
        // then every source goes on, so that absences are decided
        for (i, source) in (0..3u8).chain(0..3).enumerate() {
            let second = 1_000 + i as i64 * 400;
            out.push(Probe { id: 10_000 + i as u128, second, arrival: second, code: 9, user: 0, address: 0, amount: 0, source });
        }
        out
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_is_the_naive_reading(documents in documents(), probes in stream(), batch in 1..60usize, restarts in proptest::collection::vec(0..20usize, 0..4)) {
        let rules = kit::rules(&documents);
        let settings = kit::settings(LATENESS);
        let events: Vec<_> = probes.iter().map(Probe::event).collect();
        let want = naive::alerts(&rules, &events);
        let one = kit::run(&rules, &settings, &events, batch, &restarts);
        prop_assert_eq!(one.told(), want.clone(), "{}", documents);
        for workers in [1, 2, 8] {
            let many = kit::spread(&rules, &settings, &events, batch, workers);
            prop_assert_eq!(many.told(), want.clone(), "{} workers\n{}", workers, documents);
        }
    }
}
