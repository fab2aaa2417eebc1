//! The console over a full store: how long each page's calls take with millions of events and alerts behind them, how long the
//! next alert, closing a hundred thousand and an entity's page take, and how soon an event is on the queue.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value as Json, json};

use crate::{
    appliance::Appliance,
    filling::{self, Filling, rounded},
    latency, machine,
    results::percentile,
};

/// Fills a store, starts the appliance over it, measures; each kind of call is made `rounds` times.
pub fn measure(filling: &Filling, rounds: usize) -> Result<Json> {
    let mut filled = Json::Null;
    let appliance = Appliance::start_filled(&[], |data| {
        filled = filling.fill(data)?;
        Ok(())
    })?;
    let mut out = Vec::new();
    for (page, path) in calls(&appliance)? {
        let call = |n: usize| appliance.get(&path.replace("{n}", &(86_400 + n).to_string()), &[]).map(drop);
        out.push(timed(&page, rounds, call)?);
    }
    out.push(timed("next alert", rounds, |_| appliance.post("/alerts/next", &json!({})).map(drop))?);
    let bulk = bulk(&appliance, filling.bulk().saturating_sub(rounds as u64 * 2))?;
    let latency = latency::measure(&appliance.data(), appliance.syslog, 30, Duration::from_millis(200))?;
    let pages = paint(&appliance, rounds)?;
    let (peak, _) = machine::memory_kib(appliance.pid());
    Ok(json!({
        "filled": filled,
        "pages": pages,
        "calls": out,
        "bulk": bulk,
        "event_to_queue_ms": { "p50": latency.percentile(50.0), "p95": latency.percentile(95.0), "missed": latency.missed },
        "memory_peak_mib": peak / 1024,
    }))
}

/// What each page asks for: its name, and a path in which `{n}` is a number that differs from call to call.
fn calls(appliance: &Appliance) -> Result<Vec<(String, String)>> {
    let id = |path: &str, pointer: &str| -> Result<String> {
        let answer = appliance.get(path, &[])?;
        Ok(answer.pointer(pointer).and_then(Json::as_str).with_context(|| format!("{path} gives no {pointer}"))?.to_owned())
    };
    let alert = id("/alerts?limit=1", "/items/0/id")?;
    let incident = id("/incidents?status=all&limit=1", "/items/0/id")?;
    let deep = {
        let mut next = String::new();
        for _ in 0..20 {
            next = id(&format!("/alerts?status=all&limit=500&after={next}"), "/next")?;
        }
        next
    };
    let list = [
        ("overview", "/overview?since={n}s".to_owned()),
        ("alerts", "/alerts?limit=50".into()),
        ("alerts: by priority", "/alerts?sort=priority&limit=50".into()),
        ("alerts: all, deep page", format!("/alerts?status=all&limit=50&after={deep}")),
        ("alerts: one rule", "/alerts?rule=bench-3&limit=50".into()),
        ("alerts: a word", "/alerts?q=10.3.7.9&limit=50".into()),
        ("alert", format!("/alerts/{alert}")),
        ("alert: context", format!("/alerts/{alert}/context")),
        ("incidents", "/incidents?status=all&limit=50".into()),
        ("incident", format!("/incidents/{incident}")),
        ("incident: workspace", format!("/incidents/{incident}/workspace")),
        ("incident: timeline", format!("/incidents/{incident}/timeline")),
        ("incident: graph", format!("/incidents/{incident}/graph")),
        ("search: latest", "/events?since=24h&limit=100".into()),
        ("search: one account", "/events?q=user.name:user-77&since=7d&limit=100".into()),
        ("search: histogram", "/events/histogram?since={n}s".into()),
        ("search: facets", "/events/facets?since={n}s&fields=user.name,host.name".into()),
        ("entity: host", "/entity?kind=host&value=host-7&since=7d".into()),
        ("entity: address", "/entity?kind=address&value=10.3.7.9&since=7d".into()),
        ("entity: account", "/entity?kind=user&value=user-77&since=7d".into()),
        ("entity: busiest host", "/entity?kind=host&value=dc-01&since=7d".into()),
        ("sources", "/sources".into()),
        ("rules", "/rules".into()),
        ("status", "/status".into()),
        ("audit", "/audit".into()),
    ];
    Ok(list.into_iter().map(|(name, path)| (name.to_owned(), path)).collect())
}

/// How soon each page shows what it is for, in a real Chromium.
fn paint(appliance: &Appliance, rounds: usize) -> Result<Json> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join("../dashboard/web/node_modules/playwright-core").is_dir() {
        return Ok(json!({ "skipped": "the console's packages are missing: `make web`" }));
    }
    let incident = appliance.get("/incidents?status=all&limit=1", &[])?;
    let out = Command::new("node")
        .arg(root.join("browser/paint.mjs"))
        .env("URL", &appliance.console)
        .env("PASSWORD", appliance.first_password.as_deref().unwrap_or_default())
        .env("ROUNDS", rounds.to_string())
        .env("INCIDENT", incident.pointer("/items/0/id").and_then(Json::as_str).unwrap_or_default())
        .output()
        .context("node")?;
    ensure!(out.status.success(), "the browser: {}", String::from_utf8_lossy(&out.stderr));
    let pages: BTreeMap<String, Vec<f64>> = serde_json::from_slice(&out.stdout).context("what the browser says")?;
    Ok(pages.into_iter().map(|(page, millis)| (page, spread(millis))).collect())
}

fn spread(mut millis: Vec<f64>) -> Json {
    let first = millis.first().copied().unwrap_or(f64::NAN);
    millis.sort_by(f64::total_cmp);
    let at = |share| rounded(percentile(&millis, share));
    json!({ "first_ms": rounded(first), "p50_ms": at(0.5), "p95_ms": at(0.95) })
}

fn timed(name: &str, rounds: usize, call: impl Fn(usize) -> Result<()>) -> Result<Json> {
    let mut millis = Vec::with_capacity(rounds);
    for n in 0..rounds {
        let started = Instant::now();
        call(n).with_context(|| name.to_owned())?;
        millis.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    let mut out = spread(millis);
    if let Some(fields) = out.as_object_mut() {
        fields.insert("call".into(), name.into());
    }
    Ok(out)
}

/// Closes a hundred thousand and takes that back, three times.
fn bulk(appliance: &Appliance, least: u64) -> Result<Json> {
    let (mut close, mut undo, mut changed) = (Vec::new(), Vec::new(), 0);
    for _ in 0..3 {
        let started = Instant::now();
        let decision = json!({ "filter": { "rule": filling::BULK_RULE }, "status": "false_positive", "reason": "bench" });
        let done = appliance.post("/alerts/bulk", &decision)?;
        close.push(rounded(started.elapsed().as_secs_f64() * 1000.0));
        changed = done.get("changed").and_then(Json::as_u64).unwrap_or(0);
        ensure!(changed >= least, "only {changed} alerts were closed");
        let started = Instant::now();
        appliance.post("/alerts/undo", &json!({ "token": done.get("token") }))?;
        undo.push(rounded(started.elapsed().as_secs_f64() * 1000.0));
    }
    Ok(json!({ "alerts": changed, "close_ms": close, "undo_ms": undo }))
}
