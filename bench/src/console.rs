//! The console over a full store: how long each page's calls take with millions of events and alerts behind them, how long the
//! next alert, closing a hundred thousand and an entity's page take, and how soon an event is on the queue.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use fansipan_model::{
    Alert, AlertId, AlertStatus, Entity, EntityKind, Event, EventBuilder, IncidentLink, Level, MatchedField, RuleRef, Value, fields,
};
use fansipan_storage::{
    AlertBatch, AlertChange, EventWriter as _, StateStore as _,
    engine::{EngineConfig, TantivyStore},
    sqlite::SqliteState,
};
use serde_json::{Value as Json, json};

use crate::{appliance::Appliance, generate::Rng, latency, machine};

/// Alerts closed at once.
const BULK: u64 = 100_000;
/// Alerts written in one transaction.
const BATCH: u64 = 5_000;
/// The days that everything is spread over.
const DAYS: i64 = 7;
const SECOND: i64 = 1_000_000_000;

/// How much is filled in, and how often each call is made.
pub struct Plan {
    /// Seed of everything generated.
    pub seed: u64,
    /// Events stored.
    pub events: u64,
    /// Alerts stored.
    pub alerts: u64,
    /// Incidents, of ten alerts each.
    pub incidents: u64,
    /// Calls of each kind.
    pub rounds: usize,
}

/// Fills a store, starts the appliance over it, measures.
pub fn measure(plan: &Plan) -> Result<Json> {
    let mut filled = Json::Null;
    let appliance = Appliance::start_filled(&[], |data| {
        filled = fill(plan, data)?;
        Ok(())
    })?;
    let mut out = Vec::new();
    for (page, path) in calls(&appliance)? {
        let call = |n: usize| appliance.get(&path.replace("{n}", &(86_400 + n).to_string()), &[]).map(drop);
        out.push(timed(&page, plan.rounds, call)?);
    }
    out.push(timed("next alert", plan.rounds, |_| appliance.post("/alerts/next", &json!({})).map(drop))?);
    let bulk = bulk(&appliance, plan)?;
    let latency = latency::measure(&appliance.data(), appliance.syslog, 30, Duration::from_millis(200))?;
    let (peak, _) = machine::memory_kib(appliance.pid());
    Ok(json!({
        "filled": filled,
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

fn timed(name: &str, rounds: usize, call: impl Fn(usize) -> Result<()>) -> Result<Json> {
    let mut millis = Vec::with_capacity(rounds);
    for n in 0..rounds {
        let started = Instant::now();
        call(n).with_context(|| name.to_owned())?;
        millis.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    let first = millis.first().copied().unwrap_or(f64::NAN);
    millis.sort_by(f64::total_cmp);
    let at = |p: f64| millis.get((millis.len().saturating_sub(1) as f64 * p).round() as usize).copied().unwrap_or(f64::NAN);
    Ok(json!({ "call": name, "first_ms": round(first), "p50_ms": round(at(0.5)), "p95_ms": round(at(0.95)) }))
}

fn round(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}

/// Closes a hundred thousand and takes that back, three times.
fn bulk(appliance: &Appliance, plan: &Plan) -> Result<Json> {
    let (mut close, mut undo, mut changed) = (Vec::new(), Vec::new(), 0);
    for _ in 0..3 {
        let started = Instant::now();
        let decision = json!({ "filter": { "rule": "bench-bulk" }, "status": "false_positive", "reason": "bench" });
        let done = appliance.post("/alerts/bulk", &decision)?;
        close.push(round(started.elapsed().as_secs_f64() * 1000.0));
        changed = done.get("changed").and_then(Json::as_u64).unwrap_or(0);
        ensure!(changed + plan.rounds as u64 * 2 >= BULK.min(plan.alerts / 2), "only {changed} alerts were closed");
        let started = Instant::now();
        appliance.post("/alerts/undo", &json!({ "token": done.get("token") }))?;
        undo.push(round(started.elapsed().as_secs_f64() * 1000.0));
    }
    Ok(json!({ "alerts": changed, "close_ms": close, "undo_ms": undo }))
}

pub(crate) fn fill(plan: &Plan, data: &Path) -> Result<Json> {
    let now = jiff::Timestamp::now().as_nanosecond() as i64;
    let started = Instant::now();
    events(plan, data, now)?;
    let events_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    alerts(plan, data, now)?;
    Ok(json!({
        "events": plan.events, "alerts": plan.alerts, "incidents": plan.incidents,
        "events_s": round(events_s), "alerts_s": round(started.elapsed().as_secs_f64()),
        "state_mib": std::fs::metadata(data.join("state.db"))?.len() >> 20,
        "events_mib": machine::bytes_below(&data.join("events")) >> 20,
    }))
}

fn events(plan: &Plan, data: &Path, now: i64) -> Result<()> {
    let config = EngineConfig { heap_bytes: 512 << 20, ..EngineConfig::new(data.join("events")) };
    let store = TantivyStore::open(config)?;
    let mut writer = store.writer()?;
    let mut rng = Rng::new(plan.seed);
    let step = DAYS * 86_400 * SECOND / plan.events.max(1) as i64;
    for n in 0..plan.events {
        let at = now - DAYS * 86_400 * SECOND + n as i64 * step;
        writer.add(n, &event(&mut rng, n, at))?;
        if n % 500_000 == 499_999 {
            writer.commit()?;
        }
    }
    writer.commit()?;
    Ok(())
}

fn address(rng: &mut Rng) -> String {
    format!("10.{}.{}.{}", rng.below(4), rng.below(16), 1 + rng.below(250))
}

fn host(rng: &mut Rng) -> String {
    // one machine in a thousand writes a tenth of everything
    if rng.below(10) == 0 { "dc-01".to_owned() } else { format!("host-{}", rng.below(1000)) }
}

fn event(rng: &mut Rng, n: u64, at: i64) -> Event {
    let (user, source, host) = (format!("user-{}", rng.below(4000)), address(rng), host(rng));
    let word = rng.pick(&["Failed", "Accepted"]);
    let text = format!("{word} password for {user} from {source} port {} ssh2", 1024 + rng.below(60_000));
    let mut event = EventBuilder::new(&text);
    event.str(fields::MESSAGE, &text);
    event.str(fields::EVENT_MODULE, "sshd");
    event.str(fields::EVENT_DATASET, "linux.sshd");
    event.str(fields::EVENT_ACTION, "ssh_login");
    event.str(fields::EVENT_OUTCOME, if word == "Failed" { "failure" } else { "success" });
    event.str(fields::SOURCE_IP, &source);
    event.str(fields::USER_NAME, &user);
    event.str(fields::HOST_NAME, &host);
    event.str(fields::FANSIPAN_AGENCY, "default");
    event.push(fields::FANSIPAN_CLASS, Value::Str("default"));
    let mut event = event.finish();
    event.set_id(id(n, at));
    event.set_timestamp(at);
    event.set_ingested(at + SECOND / 2);
    event
}

/// UUIDv7 of an event by its number.
fn id(n: u64, at: i64) -> uuid::Uuid {
    let millis = (at / 1_000_000) as u128;
    uuid::Uuid::from_u128((millis << 80) | (0x7 << 76) | (0x2 << 62) | u128::from(n))
}

fn alerts(plan: &Plan, data: &Path, now: i64) -> Result<()> {
    let state = SqliteState::open(data.join("state.db"))?;
    let mut rng = Rng::new(plan.seed ^ 1);
    let step = DAYS * 86_400 * SECOND / plan.alerts.max(1) as i64;
    let bulk = BULK.min(plan.alerts / 2);
    let mut at = 0;
    while at < plan.alerts {
        let end = (at + BATCH).min(plan.alerts);
        let (mut changes, mut incidents) = (Vec::new(), Vec::new());
        for n in at..end {
            let alert = alert(&mut rng, plan, n, now - DAYS * 86_400 * SECOND + n as i64 * step, n < bulk);
            // ten in a row, spread over all
            let every = (plan.alerts / plan.incidents.max(1)).max(10);
            if plan.incidents > 0 && n % every < 10 {
                incidents.push(IncidentLink::Join {
                    alert: alert.id,
                    incident: AlertId::derive("default", "incident", "", &[&(n / every).to_string()]),
                });
            }
            changes.push(AlertChange::Open(Box::new(alert)));
        }
        // a consumer of its own: detection begins at the beginning of its own log
        state.apply_alerts(&AlertBatch { consumer: "bench", next_offset: end, changes, rules: Vec::new(), incidents })?;
        at = end;
    }
    state.tidy(now)?;
    Ok(())
}

fn alert(rng: &mut Rng, plan: &Plan, n: u64, raised: i64, bulk: bool) -> Alert {
    let levels = [Level::Low, Level::Medium, Level::Medium, Level::High, Level::Critical];
    let level = levels.get(rng.below(5) as usize).copied().unwrap_or_default();
    let rule = if bulk { "bench-bulk".to_owned() } else { format!("bench-{}", rng.below(200)) };
    let (source, user, host) = (address(rng), format!("user-{}", rng.below(4000)), host(rng));
    let statuses =
        [AlertStatus::New, AlertStatus::TruePositive, AlertStatus::FalsePositive, AlertStatus::FalsePositive, AlertStatus::Benign];
    let status = if bulk { AlertStatus::New } else { statuses.get(rng.below(5) as usize).copied().unwrap_or_default() };
    let entity = |kind, field: &str, value: &str| Entity { kind, field: field.into(), value: value.into() };
    // the events of its time, which lie as evenly over the days as the alerts do
    let first = n * plan.events / plan.alerts.max(1);
    let begin = raised - n as i64 * (DAYS * 86_400 * SECOND / plan.alerts.max(1) as i64);
    let step = DAYS * 86_400 * SECOND / plan.events.max(1) as i64;
    let events = (first..first + 3).filter(|n| *n < plan.events).map(|n| id(n, begin + n as i64 * step)).collect();
    Alert {
        id: AlertId::derive("default", &rule, "bench", &[&n.to_string()]),
        agency: "default".into(),
        rule: RuleRef {
            title: format!("Password guessing over SSH, variant {rule}"),
            title_vi: Some("Dò mật khẩu qua SSH".into()),
            id: rule,
            level,
            hash: "00".repeat(32),
            tags: vec!["attack.credential-access".into(), "attack.t1110.001".into()],
            advice: Some("Ask the owner of the account; block the address if nobody knows of it.".into()),
            advice_vi: Some("Hỏi chủ tài khoản; chặn địa chỉ nếu không ai biết.".into()),
        },
        first_seen: raised - 60 * SECOND,
        last_seen: raised,
        raised,
        count: 1 + rng.below(50),
        entities: vec![
            entity(EntityKind::Host, "host.name", &host),
            entity(EntityKind::User, "user.name", &user),
            entity(EntityKind::Address, "source.ip", &source),
        ],
        group: vec![host, source],
        matched: vec![MatchedField { field: "event.outcome".into(), value: "failure".into() }],
        events,
        summary: format!("Failed password for {user}"),
        status,
        assignee: None,
        drill: false,
        suppressed: None,
        version: 1,
    }
}
