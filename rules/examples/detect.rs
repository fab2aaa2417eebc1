//! Measures detection over real Windows recordings, and rsigma-eval beside it in the same run:
//! `cargo run --release -p fansipan-rules --example detect`. Both get their own best event type, prepared beforehand; runs alternate,
//! the median of seven counts. The full table of peers is `cargo run --release -p fansipan-bench -- detect`.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement for people")]

#[path = "../tests/testkit/mod.rs"]
mod testkit;

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use fansipan_model::{Event, fields};
use fansipan_rules::{RuleSet, Scratch, Taxonomy};
use rsigma_eval::{Engine, event::JsonEvent};
use rsigma_parser::{LogSource, SigmaCollection, parse_sigma_yaml};
use serde_json::{Map, Value};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Passes over all events that are timed together, so that no engine pays for the caches the other has emptied.
const PASSES: u32 = 10;

fn main() {
    let Some(data) = testkit::data() else { return };
    // arguments: passes, `only` (no peer) or `kinds`, and a word that events must contain
    let word = std::env::args().nth(3).unwrap_or_default();
    let mut texts = recordings(&data);
    texts.retain(|t| t.contains(&word));
    let bytes: usize = texts.iter().map(String::len).sum();

    let started = Instant::now();
    let (rules, _) = testkit::shared_rules(&data);
    let parsed = started.elapsed();
    let before = resident();
    let started = Instant::now();
    let (set, _) = RuleSet::compile(rules, &Taxonomy::builtin().expect("the shipped taxonomy"));
    println!(
        "{} rules: parsed in {parsed:.0?} (files read), compiled in {:.0?}, {} MiB; {:?}",
        set.len(),
        started.elapsed(),
        (resident() - before) >> 20,
        set.stats()
    );

    let ours: Vec<Event> = texts.iter().map(|t| testkit::windows_event(t)).collect();
    let (peer, collection) = peer(&data);
    let theirs: Vec<(Value, LogSource)> = texts.iter().map(|t| peer_event(t)).collect();
    println!("{} events of {} B", ours.len(), bytes / ours.len().max(1));

    let repeat = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(7usize);
    let (mut our_times, mut their_times, mut our_hits, mut their_hits) = (Vec::new(), Vec::new(), 0, 0);
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    for _ in 0..repeat {
        let started = Instant::now();
        for _ in 0..PASSES {
            our_hits = 0;
            for event in &ours {
                out.clear();
                set.evaluate(event, &mut scratch, &mut out);
                our_hits += out.len();
            }
        }
        our_times.push(started.elapsed() / PASSES);
        if std::env::args().nth(2).is_some() {
            continue;
        }
        let started = Instant::now();
        for _ in 0..PASSES {
            their_hits = 0;
            for (event, source) in &theirs {
                their_hits += peer.evaluate_pruned(&JsonEvent::borrow(event), source).len();
            }
        }
        their_times.push(started.elapsed() / PASSES);
    }
    report("fansipan", &mut our_times, ours.len(), our_hits);
    report("rsigma-eval 0.23, routed", &mut their_times, ours.len(), their_hits);
    if std::env::args().nth(2).is_none_or(|mode| mode == "kinds") {
        by_kind(&set, &ours);
    }
    drop(collection);
}

fn report(name: &str, times: &mut [Duration], events: usize, hits: usize) {
    times.sort();
    let Some(median) = times.get(times.len() / 2) else { return };
    let nanos = median.as_nanos() as f64 / events as f64;
    println!("{name:<26} {nanos:>8.0} ns/event {:>9.0} events/s  {hits} matches", 1e9 / nanos);
}

/// Where the time goes: by channel and event id; each event several times in a row, as warm as one that was just decoded.
fn by_kind(set: &RuleSet, events: &[Event]) {
    const TIMES: usize = 50;
    let mut kinds: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in events {
        let name = format!("{} {}", event.str(fields::WINLOG_CHANNEL).unwrap_or("?"), event.str(fields::EVENT_CODE).unwrap_or("?"));
        kinds.entry(name).or_default().push(event);
    }
    let mut kinds: Vec<(String, Vec<&Event>)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, events)| std::cmp::Reverse(events.len()));
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    let mut total = 0;
    let mut lines = Vec::new();
    for (name, events) in &kinds {
        let started = Instant::now();
        for event in events {
            for _ in 0..TIMES {
                out.clear();
                set.evaluate(event, &mut scratch, &mut out);
            }
        }
        let nanos = started.elapsed().as_nanos() as usize / TIMES;
        total += nanos;
        lines.push(format!("{:>7} × {:>6} ns  {name}", events.len(), nanos / events.len()));
    }
    println!("warm: {} ns/event", total / events.len().max(1));
    for line in lines.iter().take(24) {
        println!("{line}");
    }
}

fn recordings(data: &Path) -> Vec<String> {
    let (mut out, mut paths) = (Vec::new(), Vec::new());
    testkit::files(&data.join("evtx"), "evtx", &mut paths);
    testkit::files(&data.join("sigma/regression_data"), "evtx", &mut paths);
    for path in paths {
        let Ok(mut parser) = evtx::EvtxParser::from_path(&path) else { continue };
        out.extend(parser.records_json().filter_map(Result::ok).map(|r| r.data));
    }
    out
}

fn peer(data: &Path) -> (Engine, SigmaCollection) {
    let mut collection = SigmaCollection::default();
    for folder in ["rules", "rules-emerging-threats", "rules-threat-hunting"] {
        let mut paths = Vec::new();
        testkit::files(&data.join("sigma").join(folder), "yml", &mut paths);
        for path in paths {
            let text = std::fs::read_to_string(path).expect("a readable rule");
            if let Ok(one) = parse_sigma_yaml(&text) {
                collection.rules.extend(one.rules);
            }
        }
    }
    let mut engine = Engine::new();
    let refused = engine.add_rules(&collection.rules);
    println!("rsigma-eval: {} rules, {} refused", engine.rule_count(), refused.len());
    (engine, collection)
}

/// The event as Sigma names its fields, and the log source it has.
fn peer_event(text: &str) -> (Value, LogSource) {
    let value: Value = serde_json::from_str(text).expect("JSON");
    let system = &value["Event"]["System"];
    let mut flat = Map::new();
    let code = system["EventID"].as_i64().or_else(|| system["EventID"]["#text"].as_i64()).unwrap_or(0);
    flat.insert("EventID".into(), code.into());
    flat.insert("Channel".into(), system["Channel"].clone());
    flat.insert("Computer".into(), system["Computer"].clone());
    flat.insert("Provider_Name".into(), system["Provider"]["#attributes"]["Name"].clone());
    if let Some(data) = value["Event"]["EventData"].as_object() {
        flat.extend(data.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    if let Some(data) = value["Event"]["UserData"].as_object().and_then(|d| d.values().next()).and_then(Value::as_object) {
        flat.extend(data.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    let channel = system["Channel"].as_str().unwrap_or("");
    let mut source = LogSource { product: Some("windows".into()), ..LogSource::default() };
    let (category, service) = kind(channel, code);
    source.category = Some(category.into());
    source.service = Some(service.into());
    (Value::Object(flat), source)
}

/// Category and service; a word that no rule has where there is none, so that the peer too leaves the rest out.
fn kind(channel: &str, code: i64) -> (&'static str, &'static str) {
    match channel {
        "Microsoft-Windows-Sysmon/Operational" => {
            let category = match code {
                1 => "process_creation",
                2 => "file_change",
                3 => "network_connection",
                6 => "driver_load",
                7 => "image_load",
                8 => "create_remote_thread",
                9 => "raw_access_thread",
                10 => "process_access",
                11 => "file_event",
                12 => "registry_delete",
                13 => "registry_set",
                14 => "registry_event",
                15 => "create_stream_hash",
                17 | 18 => "pipe_created",
                22 => "dns_query",
                23 | 26 => "file_delete",
                25 => "process_tampering",
                _ => "none",
            };
            (category, "sysmon")
        }
        "Security" => (if code == 4688 { "process_creation" } else { "none" }, "security"),
        "System" => ("none", "system"),
        "Application" => ("none", "application"),
        "Windows PowerShell" => (if code == 400 { "ps_classic_start" } else { "none" }, "powershell-classic"),
        "Microsoft-Windows-PowerShell/Operational" => (
            match code {
                4103 => "ps_module",
                4104 => "ps_script",
                _ => "none",
            },
            "powershell",
        ),
        _ => ("none", "none"),
    }
}

/// Resident bytes of this process.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|p| p.parse::<usize>().ok()).unwrap_or(0) * 4096
}
