//! Correlations: events per second with a million groups alive; beside rsigma's correlation engine on the same rules and events.
//!
//! Both are given events that are parsed already, one after the other, on one thread, and evaluate the same rules and
//! correlations. rsigma runs with its own defaults but for detections of its own (switched off, as here) and alerts of a group
//! that goes on (suppressed for the length of the window, as here); its limit of groups is 100,000. Alerts here name the events
//! behind them, so rsigma is asked to as well (`correlation_event_mode: refs`); without that it is measured besides.

use std::{collections::{BTreeMap, BTreeSet}, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, ensure};
use fansipan_analyzer::{Analyzer, GroupingConfig, Settings, Signal};
use fansipan_model::{Event, Value, fields};
use fansipan_rules::{RuleSet, Taxonomy};
use rsigma_eval::{CorrelationConfig, CorrelationEventMode, CorrelationEngine, JsonEvent};
use serde_json::json;
use uuid::Uuid;

use crate::machine;

/// 2026-11-23T10:00:00Z
const START: i64 = 1_795_428_000;
const SECOND: i64 = 1_000_000_000;
/// Events of a batch, as the appliance reads them from its log.
const BATCH: usize = 8192;
/// Rules that feed the correlations.
const RULES: u32 = 8;
/// Runs of each engine where both are measured.
const RUNS: usize = 5;
/// Correlations.
const CORRELATIONS: u32 = 40;

/// One generated event.
#[derive(Clone, Copy)]
struct Line {
    second: i64,
    code: u32,
    user: u32,
    address: u32,
    bytes: u32,
}

/// A small generator whose numbers depend on the seed alone (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % u64::from(n.max(1))) as u32
    }
}

fn rule(n: u32) -> String {
    format!(
        "title: probe {n}\nid: 40000000-0000-4000-8000-{n:012}\nname: r{n}\nlogsource:\n  product: probe\ndetection:\n  s:\n    event.code: 'c{n}'\n  condition: s\n---\n"
    )
}

/// Forty correlations of every kind over eight rules, each rule feeding several; thresholds that a few of the groups reach, one rule being rare.
fn documents() -> String {
    let mut text: String = (0..RULES).map(rule).collect();
    for n in 0..CORRELATIONS {
        let (one, rare) = (n % (RULES - 1), RULES - 1);
        let body = match n % 8 {
            0 | 1 => format!("  type: event_count\n  rules: [r{one}]\n  condition:\n    gte: {}\n", 26 + n % 3),
            2 | 3 => format!("  type: value_count\n  rules: [r{one}]\n  condition:\n    field: source.ip\n    gte: {}\n", 22 + n % 3),
            // the bound is said, since without one rsigma fires at a single rule
            4 => format!("  type: temporal\n  rules: [r{one}, r{rare}]\n  condition:\n    gte: 2\n"),
            5 => format!("  type: temporal_ordered\n  rules: [r{one}, r{rare}]\n"),
            6 => format!("  type: value_sum\n  rules: [r{one}]\n  condition:\n    field: network.bytes\n    gte: 13000\n"),
            _ => format!("  type: value_avg\n  rules: [r{one}]\n  condition:\n    field: network.bytes\n    gte: 998\n"),
        };
        text += &format!(
            "title: correlation {n}\nid: 50000000-0000-4000-8000-{n:012}\ncorrelation:\n{body}  group-by: [user.name]\n  timespan: 1h\n---\n"
        );
    }
    text
}

/// One value_count that never fires.
fn distinct() -> String {
    rule(0)
        + "title: distinct\nid: 50000000-0000-4000-8000-000000000000\ncorrelation:\n  type: value_count\n  rules: [r0]\n  group-by: [user.name]\n  timespan: 1h\n  condition:\n    field: source.ip\n    gte: 100000000\n"
}

/// Events in order of time. A user is not seen twice in a second: rsigma knows whole seconds only and takes rules of the same
/// second for ordered.
fn lines(count: usize, users: u32, per_second: usize, seed: u64) -> Vec<Line> {
    let mut numbers = Numbers(seed);
    let mut seen = vec![0; users as usize];
    (0..count)
        .map(|i| {
            let second = START + (i / per_second) as i64;
            let code = if numbers.below(4_000) == 0 { RULES - 1 } else { numbers.below(RULES - 1) };
            let mut user = numbers.below(users);
            while seen.get(user as usize) == Some(&second) {
                user = (user + 1) % users;
            }
            if let Some(last) = seen.get_mut(user as usize) {
                *last = second;
            }
            Line { second, code, user, address: numbers.below(64), bytes: numbers.below(1000) }
        })
        .collect()
}

fn write(line: &Line, number: usize, event: &mut Event) {
    event.clear();
    event.set_id(Uuid::from_u128(number as u128 + 1));
    event.set_timestamp(line.second * SECOND);
    event.set_ingested(line.second * SECOND);
    event.push(fields::EVENT_MODULE, Value::Str("probe"));
    event.push(fields::FANSIPAN_SOURCE, Value::Str("udp:10.0.0.1"));
    event.push(
        fields::EVENT_CODE,
        Value::Str(["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"].get(line.code as usize).copied().unwrap_or("")),
    );
    event.push(fields::HOST_NAME, Value::Str("srv-01"));
    event.push(fields::USER_NAME, Value::Str(&format!("user{}", line.user)));
    event.push(fields::SOURCE_IP, Value::Str(&address(line.address)));
    event.push(fields::NETWORK_BYTES, Value::Int(i64::from(line.bytes)));
}

fn address(n: u32) -> String {
    format!("10.{}.{}.{}", (n >> 16) & 255, (n >> 8) & 255, n & 255)
}

/// Which groups of which correlations gave an alert.
type Found = BTreeSet<(String, String)>;

fn compiled(text: &str) -> Result<Arc<RuleSet>> {
    let (parsed, found) = fansipan_rules::parse(text, "bench.yml");
    ensure!(fansipan_rules::is_clean(&found), "{found:?}");
    let (set, found) = RuleSet::compile(parsed, &Taxonomy::builtin()?);
    ensure!(fansipan_rules::is_clean(&found), "{found:?}");
    Ok(Arc::new(set))
}

/// Runs the analyzer and hands over what it says; seconds that it took, and itself.
fn run(text: &str, lines: &[Line], mut each: impl FnMut(Signal)) -> Result<(f64, Analyzer)> {
    let mut analyzer = Analyzer::new(&compiled(text)?, GroupingConfig::default(), Settings::default());
    let mut seconds = 0.0;
    let mut events: Vec<Event> = (0..BATCH).map(|_| Event::default()).collect();
    for (n, part) in lines.chunks(BATCH).enumerate() {
        part.iter().zip(&mut events).enumerate().for_each(|(i, (line, event))| write(line, n * BATCH + i, event));
        let mut signals = Vec::new();
        let start = Instant::now();
        events.iter().take(part.len()).for_each(|event| analyzer.step(event, &mut signals));
        analyzer.settle(&mut signals);
        seconds += start.elapsed().as_secs_f64();
        signals.into_iter().for_each(&mut each);
    }
    Ok((seconds, analyzer))
}

fn groups(analyzer: &Analyzer) -> usize {
    analyzer.reports().iter().map(|(_, r)| r.groups).sum()
}

/// Seconds that the analyzer took, what it found, groups alive at the end.
fn ours(text: &str, lines: &[Line]) -> Result<(f64, Found, usize)> {
    let mut found = Found::new();
    let (seconds, analyzer) = run(text, lines, |signal| {
        if let Signal::Put(alert) = signal {
            found.insert((alert.rule.id, alert.group.concat()));
        }
    })?;
    Ok((seconds, found, groups(&analyzer)))
}

/// The same for rsigma. `events`: what its results say of the events behind them; ours name them.
fn peer(text: &str, lines: &[Line], events: CorrelationEventMode) -> Result<(f64, Found, usize)> {
    let collection = rsigma_parser::parse_sigma_yaml(text).map_err(|e| anyhow::anyhow!("rsigma: {e}"))?;
    let config = CorrelationConfig { emit_detections: false, suppress: Some(3600), correlation_event_mode: events, ..CorrelationConfig::default() };
    let mut engine = CorrelationEngine::new(config);
    engine.add_collection(&collection).map_err(|e| anyhow::anyhow!("rsigma: {e}"))?;
    let mut found = Found::new();
    let mut seconds = 0.0;
    for part in lines.chunks(BATCH) {
        let values: Vec<serde_json::Value> = part
            .iter()
            .map(|l| {
                json!({"id": "0198b1a4-0000-7000-8000-000000000000", "event.module": "probe", "event.code": format!("c{}", l.code), "host.name": "srv-01",
                       "user.name": format!("user{}", l.user), "source.ip": address(l.address), "network.bytes": l.bytes})
            })
            .collect();
        let start = Instant::now();
        let mut results = Vec::new();
        for (line, value) in part.iter().zip(&values) {
            results.extend(engine.process_event_at(&JsonEvent::borrow(value), line.second));
        }
        seconds += start.elapsed().as_secs_f64();
        for result in results {
            if let Some(body) = result.as_correlation() {
                let group: String = body.group_key.iter().map(|(_, v)| v.as_str()).collect();
                found.insert((result.header.rule_id.clone().unwrap_or_default(), group));
            }
        }
    }
    Ok((seconds, found, engine.state_count()))
}

/// Groups that only one of the two found, by correlation.
fn difference(ours: &Found, theirs: &Found) -> String {
    let mut counts: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (n, (one, other)) in [(ours, theirs), (theirs, ours)].into_iter().enumerate() {
        for (correlation, _) in one.difference(other) {
            if let Some(count) = counts.entry(correlation).or_default().get_mut(n) {
                *count += 1;
            }
        }
    }
    counts.iter().map(|(rule, [here, there])| format!("{rule}: {here} only here, {there} only there\n")).collect()
}

/// Both engines in turn over as many groups as the peer allows; the median counts.
fn beside(text: &str, lines: &[Line], runs: usize) -> Result<serde_json::Value> {
    let mut seconds = [const { Vec::new() }; 3];
    let (mut found, mut groups) = (Found::new(), [0; 2]);
    for _ in 0..runs {
        let (ours, our_found, our_groups) = ours(text, lines)?;
        let (named, their_found, their_groups) = peer(text, lines, CorrelationEventMode::Refs)?;
        let (unnamed, _, _) = peer(text, lines, CorrelationEventMode::None)?;
        ensure!(our_found == their_found, "the same rules and events must give the same: {}", difference(&our_found, &their_found));
        seconds.iter_mut().zip([ours, named, unnamed]).for_each(|(list, s)| list.push(s));
        (found, groups) = (our_found, [our_groups, their_groups]);
    }
    let [ours, named, unnamed] = seconds.map(crate::results::median);
    let rate = |seconds: f64| (lines.len() as f64 / seconds) as u64;
    Ok(json!({
        "events": lines.len(), "correlations": CORRELATIONS, "groups": groups[0], "rsigma_groups": groups[1],
        "alerting_groups": found.len(), "equal": true, "runs": runs,
        "events_per_s": rate(ours), "rsigma_events_per_s": rate(named), "ratio": named / ours,
        "rsigma_without_events_per_s": rate(unnamed), "ratio_without_events": unnamed / ours,
    }))
}

/// Everything; the figures. `part`: divisor of events and groups.
pub fn measure(seed: u64, part: u32) -> Result<serde_json::Value> {
    let text = documents();
    let small = lines((200_000 / part) as usize, (1_600 / part).max(1), 130, seed);
    let beside = beside(&text, &small, if part > 1 { 1 } else { RUNS })?;
    drop(small);
    progress(&beside);
    // a million groups
    let before = machine::memory_kib(std::process::id()).1;
    let large = lines((1_000_000 / part) as usize, 34_000 / part, 1_000, seed);
    let held = machine::memory_kib(std::process::id()).1;
    let (seconds, found, groups) = ours_keeping(&text, &large)?;
    let million = json!({
        "events": large.len(), "correlations": CORRELATIONS, "groups": groups, "alerting_groups": found,
        "events_per_s": (large.len() as f64 / seconds.0) as u64,
        "memory_mib": seconds.1.saturating_sub(held) / 1024, "generated_mib": held.saturating_sub(before) / 1024,
    });
    drop(large);
    progress(&million);
    let mut flat = Vec::new();
    for values in [100u32, 1_800, 20_000, 200_000] {
        let list: Vec<Line> = (0..200_000u32 / part)
            .map(|i| Line { second: START + i64::from(i / 1000), code: 0, user: 1, address: i % values, bytes: 0 })
            .collect();
        let (seconds, _, _) = ours(&distinct(), &list)?;
        let few = list.get(..if values > 2_000 { 2_000 } else { 4_000 }).context("events")?;
        let (peer_seconds, _, _) = peer(&distinct(), few, CorrelationEventMode::None)?;
        flat.push(json!({
            "distinct_values": values, "events_per_s": (list.len() as f64 / seconds) as u64,
            "rsigma_events": few.len(), "rsigma_events_per_s": (few.len() as f64 / peer_seconds) as u64,
        }));
    }
    Ok(json!({"beside_rsigma": beside, "million_groups": million, "value_count": flat}))
}

/// Says how far it is: the whole takes minutes.
#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn progress(part: &serde_json::Value) {
    println!("{part}");
}

/// As [`ours`], and the resident memory while the groups are alive, KiB.
fn ours_keeping(text: &str, lines: &[Line]) -> Result<((f64, u64), usize, usize)> {
    let mut alerts = 0;
    let (seconds, analyzer) = run(text, lines, |_| alerts += 1)?;
    let memory = machine::memory_kib(std::process::id()).1;
    Ok(((seconds, memory), alerts, groups(&analyzer)))
}
