//! `fansipan-bench detect`: the same rules over the same events, engine beside engine, on one pinned thread.
//!
//! Times are the thread's own processor time; runs alternate, the median counts. An engine that is slow judges fewer events per run.

mod engines;
mod floor;
mod scale;
mod sets;
mod tau;

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_rules::Taxonomy;
use serde_json::{Value, json};

use self::{
    engines::{Engine, NAMES, Prepared},
    sets::Set,
};
use crate::{machine, results::median, rules::compile};

/// One timed run of an engine lasts about so long.
const RUN: Duration = Duration::from_millis(120);

/// Measures everything; `runs` timed runs of each engine and set.
pub fn measure(data: &Path, seed: u64, runs: usize) -> Result<Value> {
    let every = rustix::thread::sched_getaffinity(None)?;
    pin()?;
    let loads = NAMES.iter().map(|name| Ok(((*name).to_owned(), load_apart(name)?))).collect::<Result<BTreeMap<String, Value>>>()?;
    let texts = sets::rule_texts(data)?;
    let taxonomy = Taxonomy::builtin()?;
    let rules = compile(&texts, &taxonomy);
    let sets = sets::all(data, seed, &rules, &taxonomy)?;
    let mut engines = NAMES.iter().map(|name| Engine::load(name, &texts).map(|e| e.0)).collect::<Result<Vec<Engine>>>()?;
    let floor = floor::Floor::new(&rules)?;
    let mut tables = Vec::new();
    for set in &sets {
        tables.push(table(set, &mut engines, &floor, runs)?);
    }
    let recordings = sets.first().context("no events")?;
    let indicators = scale::indicators(&texts, recordings, runs)?;
    rustix::thread::sched_setaffinity(None, &every)?;
    let two_threads = scale::two_threads(&rules, recordings, runs)?;
    Ok(json!({"rules": rules.len(), "loads": loads, "sets": tables, "two_threads": two_threads, "indicators": indicators}))
}

/// Our engine alone over some of the sets, printed only: for a profiler.
pub fn profile(data: &Path, seed: u64, runs: usize, only: &str) -> Result<()> {
    pin()?;
    let texts = sets::rule_texts(data)?;
    let taxonomy = Taxonomy::builtin()?;
    let rules = compile(&texts, &taxonomy);
    let mut engine = Engine::load("fansipan", &texts)?.0;
    for set in sets::all(data, seed, &rules, &taxonomy)?.iter().filter(|s| s.name.contains(only)) {
        let events = engine.prepare(set)?;
        let effort = effort(set.events.len(), |limit| engine.judge(&events, limit, |_, _| {}));
        let nanos = median((0..runs).map(|_| timed(effort, |limit| engine.judge(&events, limit, |_, _| {}))).collect());
        #[expect(clippy::print_stdout, reason = "the figure is what this program is for")]
        {
            println!("{:<20} {nanos:>8.0} ns/event", set.name);
        }
    }
    Ok(())
}

/// Keeps this thread on one processor.
fn pin() -> Result<()> {
    let mut cpus = rustix::thread::CpuSet::new();
    cpus.set(machine_cpu());
    rustix::thread::sched_setaffinity(None, &cpus).context("cannot pin the thread")
}

/// The last processor: the first takes most interrupts.
fn machine_cpu() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from) - 1
}

/// Processor time of this thread.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Starts this program again to load one engine alone.
fn load_apart(name: &str) -> Result<Value> {
    let out = std::process::Command::new(std::env::current_exe()?).args(["detect-load", name]).output()?;
    serde_json::from_slice(&out.stdout).with_context(|| format!("{name}: {}", String::from_utf8_lossy(&out.stderr)))
}

/// Loads one engine and prints what that took.
pub fn load(data: &Path, name: &str) -> Result<()> {
    let texts = sets::rule_texts(data)?;
    let before = machine::memory_kib(std::process::id());
    let started = Instant::now();
    let (engine, rules) = Engine::load(name, &texts)?;
    let took = started.elapsed();
    let (peak, now) = machine::memory_kib(std::process::id());
    #[expect(clippy::print_stdout, reason = "the program that started this one reads it")]
    {
        println!(
            "{}",
            json!({"rules": rules, "load_ms": took.as_millis() as u64, "peak_rss_kib": peak, "held_kib": now.saturating_sub(before.1)})
        );
    }
    drop(engine);
    Ok(())
}

/// How an engine is run over a set: so many events, so many times.
#[derive(Clone, Copy)]
struct Effort {
    events: usize,
    passes: u32,
}

/// What fits into one timed run.
fn effort(events: usize, mut run: impl FnMut(usize)) -> Effort {
    let probe = events.min(40);
    let started = cpu_time();
    run(probe);
    let each = (cpu_time() - started).as_secs_f64() / probe.max(1) as f64;
    let fits = (RUN.as_secs_f64() / each.max(1e-9)) as usize;
    if fits < events {
        Effort { events: fits.max(probe), passes: 1 }
    } else {
        Effort { events, passes: (fits / events.max(1)).clamp(1, 200) as u32 }
    }
}

fn timed(effort: Effort, mut run: impl FnMut(usize)) -> f64 {
    let started = cpu_time();
    for _ in 0..effort.passes {
        run(effort.events);
    }
    (cpu_time() - started).as_nanos() as f64 / f64::from(effort.passes) / effort.events as f64
}

fn table(set: &Set, engines: &mut [Engine], floor: &floor::Floor, runs: usize) -> Result<Value> {
    let prepared = engines.iter().map(|e| e.prepare(set)).collect::<Result<Vec<Prepared<'_>>>>()?;
    let bare: Vec<Vec<(usize, String)>> = set.events.iter().map(|e| floor.prepare(e)).collect();
    let sources: Vec<rsigma_parser::LogSource> = set.sources.iter().map(engines::theirs).collect();
    let mut verdict = vec![Vec::new(); engines.len()];
    let mut bytes = vec![Vec::new(); engines.len()];
    let mut floors = Vec::new();
    let mut sink = 0;
    let efforts: Vec<(Effort, Effort)> = engines
        .iter_mut()
        .zip(&prepared)
        .map(|(engine, events)| {
            let one = effort(set.events.len(), |limit| engine.judge(events, limit, |_, _| sink += 1));
            (one, effort(set.events.len(), |limit| sink += engine.judge_bytes(set, &sources, limit)))
        })
        .collect();
    let mut scan = |limit: usize| sink += bare.iter().take(limit).map(|texts| floor.scan(texts)).sum::<usize>();
    let bare_effort = effort(set.events.len(), &mut scan);
    for _ in 0..runs {
        floors.push(timed(bare_effort, &mut scan));
    }
    for _ in 0..runs {
        for (i, (engine, events)) in engines.iter_mut().zip(&prepared).enumerate() {
            let mut found = 0usize;
            verdict[i].push(timed(efforts[i].0, |limit| engine.judge(events, limit, |_, _| found += 1)));
            bytes[i].push(timed(efforts[i].1, |limit| found += engine.judge_bytes(set, &sources, limit)));
            std::hint::black_box(found);
        }
    }
    let floor_ns = median(floors);
    let nanos: Vec<f64> = verdict.into_iter().map(median).collect();
    let byte_nanos: Vec<f64> = bytes.into_iter().map(median).collect();
    let ours = nanos.first().copied().unwrap_or(1.0);
    let peer = nanos.iter().skip(1).take(3).copied().fold(f64::INFINITY, f64::min);
    let mut rows = Vec::new();
    for (i, (engine, events)) in engines.iter_mut().zip(&prepared).enumerate() {
        let mut matches = 0usize;
        let judged = if efforts[i].0.passes > 0 && i < 5 { set.events.len() } else { efforts[i].0.events };
        engine.judge(events, judged, |_, _| matches += 1);
        rows.push(json!({"engine": NAMES[i], "ns_per_event": nanos[i].round(), "events_per_s": (1e9 / nanos[i]).round(),
            "json_ns_per_event": byte_nanos[i].round(), "json_events_per_s": (1e9 / byte_nanos[i]).round(),
            "matches": matches, "matches_of_events": judged}));
    }
    let bytes_each = set.flat_json.iter().map(String::len).sum::<usize>() / set.events.len().max(1);
    print_rows(set, bytes_each, &rows, floor_ns, peer / ours);
    let matches = by_rule(set, engines)?;
    Ok(json!({"set": set.name, "events": set.events.len(), "bytes_per_event": bytes_each, "engines": rows,
        "bare_pass_ns": floor_ns.round(), "ours_over_bare_pass": ours / floor_ns, "times_fastest_rsigma": peer / ours, "matches": matches}))
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn print_rows(set: &Set, bytes: usize, rows: &[Value], floor: f64, times: f64) {
    println!(
        "\n{}: {} events of {bytes} B; bare multi-pattern pass {floor:.0} ns; {times:.1} times the fastest rsigma",
        set.name,
        set.events.len()
    );
    println!("{:<22}{:>12}{:>14}{:>16}{:>16}{:>10}", "engine", "ns/event", "events/s", "JSON ns/event", "JSON events/s", "matches");
    for row in rows {
        let number = |key: &str| row.get(key).and_then(Value::as_f64).unwrap_or(0.0);
        println!(
            "{:<22}{:>12}{:>14}{:>16}{:>16}{:>10}",
            row.get("engine").and_then(Value::as_str).unwrap_or(""),
            number("ns_per_event"),
            number("events_per_s"),
            number("json_ns_per_event"),
            number("json_events_per_s"),
            number("matches")
        );
    }
}

/// Every match by rule: how often we and how often routed rsigma say so.
fn by_rule(set: &Set, engines: &mut [Engine]) -> Result<Value> {
    let mut count: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for (side, place) in [(0, 0), (1, 2)] {
        let Some(engine) = engines.get_mut(place) else { continue };
        let events = engine.prepare(set)?;
        engine.judge(&events, usize::MAX, |_, rule| count.entry(rule.to_owned()).or_default()[side] += 1);
    }
    Ok(count.into_iter().map(|(rule, [ours, theirs])| (rule, json!({"fansipan": ours, "rsigma": theirs}))).collect())
}
