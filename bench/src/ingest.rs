//! The whole path: receive over TCP, parse, detect with every rule, store, index. Nothing may be lost.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    appliance::Appliance,
    generate::Kind,
    latency,
    load::{self, Load},
    machine, peer,
};

/// What to measure with.
pub struct Plan {
    /// Lines of the mix.
    pub lines: usize,
    /// Seed of the generator.
    pub seed: u64,
    /// Rule folders beside the shipped rules.
    pub rules: Vec<PathBuf>,
}

/// Sustained rate of the mix, with rsyslog beside it; then latency at half the rate.
pub fn throughput(plan: &Plan) -> Result<Value> {
    let loads = load::mix(plan.lines, plan.seed);
    let lines: usize = loads.iter().map(Load::lines).sum();
    let bytes: usize = loads.iter().map(Load::bytes).sum();
    let appliance = Appliance::start(&plan.rules)?;
    let rules = appliance.get("/status", &[])?.pointer("/rules/loaded").cloned().unwrap_or(Value::Null);
    let start = std::time::Instant::now();
    let sending = load::send(&loads, appliance.syslog, None)?;
    appliance.settled(lines as u64, Duration::from_secs(900))?;
    let took = start.elapsed();
    let cpu = machine::cpu_seconds(appliance.pid());
    let found = appliance.searchable()?;
    ensure!(found == lines as u64, "{lines} sent, {found} searchable");
    let (peak, _) = machine::memory_kib(appliance.pid());
    let alerts = appliance.get("/alerts", &[("status", "all".to_owned()), ("limit", "1".to_owned())])?.get("total").cloned();
    drop(appliance);
    let rate = lines as f64 / took.as_secs_f64();
    let rsyslog = peer::rsyslog(&loads)?;
    Ok(json!({
        "what": "TCP → parse → detect → store → index, generator on the same cores, nothing pinned",
        "mix": "40 % Windows JSON, 40 % firewall, 20 % Linux, 1 % matching", "seed": plan.seed,
        "lines": lines, "bytes_per_line": bytes as f64 / lines as f64, "rules": rules,
        "sending_s": sending.as_secs_f64(), "all_searchable_s": took.as_secs_f64(), "events_per_s": rate,
        "appliance_cpu_us_per_event": cpu * 1e6 / lines as f64,
        "lost": lines as u64 - found, "alerts": alerts, "peak_rss_mib": peak / 1024,
        "rsyslog_receive_and_write_lines_per_s": rsyslog,
    }))
}

/// Event-to-alert latency while the mix arrives at `rate` lines a second.
pub fn event_to_alert(plan: &Plan, rate: u64, seconds: u64) -> Result<Value> {
    let loads = load::mix((rate * seconds) as usize, plan.seed ^ 1);
    let appliance = Appliance::start(&plan.rules)?;
    let (data, syslog) = (appliance.data(), appliance.syslog);
    let marks = (seconds.saturating_sub(8) * 10) as usize;
    let latency = std::thread::scope(|scope| {
        let load = scope.spawn(|| load::send(&loads, syslog, Some(rate)));
        let latency = latency::measure(&data, syslog, marks, Duration::from_millis(100));
        load.join().unwrap_or_else(|_| anyhow::bail!("the load died"))?;
        latency
    })?;
    Ok(json!({
        "load_lines_per_s": rate, "marks": marks, "missed": latency.missed,
        "p50_ms": latency.percentile(50.0), "p90_ms": latency.percentile(90.0), "p99_ms": latency.percentile(99.0), "max_ms": latency.percentile(100.0),
    }))
}

/// Disk bytes per event for firewall lines, index included, after merging has come to rest.
pub fn disk(plan: &Plan, lines: usize) -> Result<Value> {
    let clock = jiff::Timestamp::now().as_second() - 60;
    let load = Load::of(Kind::Firewall, lines, plan.seed ^ 2, clock);
    let per_line = load.bytes() as f64 / load.lines() as f64;
    let appliance = Appliance::start(&[])?;
    load::send(std::slice::from_ref(&load), appliance.syslog, None)?;
    appliance.settled(lines as u64, Duration::from_secs(900))?;
    let events = appliance.data().join("events");
    let mut last = 0;
    loop {
        std::thread::sleep(Duration::from_secs(5));
        let now = machine::bytes_below(&events);
        if now == last {
            break;
        }
        last = now;
    }
    Ok(json!({"lines": lines, "bytes_per_line": per_line, "disk_bytes": last, "disk_bytes_per_event": last as f64 / lines as f64}))
}
