//! How detection scales: over two threads, and with a hundred thousand indicators more.

use std::{fmt::Write as _, time::Instant};

use anyhow::Result;
use fansipan_rules::{RuleSet, Scratch};
use serde_json::{Value, json};

use super::{Effort, Engine, Prepared, Set, effort, timed};
use crate::{generate::Rng, results::median};

/// Passes over the set of each thread.
const PASSES: usize = 60;

/// Events a second of two threads over those of one, by the clock on the wall; each thread has a scratch of its own. To be called unpinned.
pub(super) fn two_threads(rules: &RuleSet, set: &Set, runs: usize) -> Result<Value> {
    let rate = |threads: usize| {
        let started = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
                    for event in (0..PASSES).flat_map(|_| &set.events) {
                        out.clear();
                        rules.evaluate(event, &mut scratch, &mut out);
                    }
                });
            }
        });
        (threads * PASSES * set.events.len()) as f64 / started.elapsed().as_secs_f64()
    };
    let pairs: Vec<(f64, f64)> = (0..runs).map(|_| (rate(1), rate(2))).collect();
    let (one, two) = (median(pairs.iter().map(|p| p.0).collect()), median(pairs.iter().map(|p| p.1).collect()));
    Ok(json!({"one_events_per_s": one.round(), "two_events_per_s": two.round(), "ratio": two / one,
        "ratios": pairs.iter().map(|(one, two)| two / one).collect::<Vec<f64>>()}))
}

/// Rules with 100,000 indicators of the usual kinds: names, hashes, addresses.
fn indicator_rules() -> Vec<(String, String)> {
    let mut rng = Rng::new(7);
    let mut out = Vec::new();
    let mut rule = |source: &str, field: &str, mut value: Box<dyn FnMut(&mut Rng) -> String>| {
        let mut text = format!(
            "title: indicators {}\nlogsource: {{product: windows, category: {source}}}\ndetection:\n  s:\n    {field}:\n",
            out.len()
        );
        for _ in 0..10_000 {
            let _ = writeln!(text, "      - '{}'", value(&mut rng));
        }
        text.push_str("  condition: s\n");
        out.push((format!("indicators-{}.yml", out.len()), text));
    };
    let domain = |rng: &mut Rng| {
        let end = rng.pick(&["com", "net", "info", "top", "vn"]);
        format!("{:010x}.{end}", rng.next_u64() & 0xff_ffff_ffff)
    };
    for (source, field) in [
        ("dns_query", "QueryName|endswith"),
        ("network_connection", "DestinationHostname|endswith"),
        ("process_creation", "CommandLine|contains"),
        ("process_creation", "ParentCommandLine|contains"),
    ] {
        rule(source, field, Box::new(domain));
    }
    for (source, field) in
        [("process_creation", "Hashes|contains"), ("image_load", "Hashes|contains"), ("process_creation", "Hashes|contains")]
    {
        rule(
            source,
            field,
            Box::new(|rng| format!("SHA256={:016X}{:016X}{:016X}{:016X}", rng.next_u64(), rng.next_u64(), rng.next_u64(), rng.next_u64())),
        );
    }
    for field in ["DestinationIp", "DestinationIp", "SourceIp"] {
        rule(
            "network_connection",
            field,
            Box::new(|rng| format!("{}.{}.{}.{}", 1 + rng.below(220), rng.below(256), rng.below(256), 1 + rng.below(254))),
        );
    }
    out
}

/// The cost of the indicators, runs alternating.
pub(super) fn indicators(texts: &[(String, String)], set: &Set, runs: usize) -> Result<Value> {
    let plain = Engine::load("fansipan", texts)?.0;
    let mut more = texts.to_vec();
    more.extend(indicator_rules());
    let started = Instant::now();
    let (loaded, rules) = Engine::load("fansipan", &more)?;
    let load = started.elapsed();
    let mut engines = [plain, loaded];
    let events = Prepared::Events(set);
    let mut sink = 0usize;
    let efforts: Vec<Effort> =
        engines.iter_mut().map(|e| effort(set.events.len(), |limit| e.judge(&events, limit, |_, _| sink += 1))).collect();
    let mut nanos = [Vec::new(), Vec::new()];
    for _ in 0..runs {
        for ((engine, nanos), effort) in engines.iter_mut().zip(&mut nanos).zip(&efforts) {
            nanos.push(timed(*effort, |limit| engine.judge(&events, limit, |_, _| sink += 1)));
        }
    }
    std::hint::black_box(sink);
    let [without, with] = nanos.map(median);
    Ok(
        json!({"indicators": 100_000, "rules": rules, "load_ms": load.as_millis() as u64, "ns_without": without.round(), "ns_with": with.round(),
        "slower_percent": (with / without - 1.0) * 100.0}),
    )
}
