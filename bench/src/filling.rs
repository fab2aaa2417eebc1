//! Stores full of events, alerts and incidents for measurements: generated, or copied from what an earlier run kept.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
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
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value as Json, json};

use crate::{generate::Rng, machine};

/// Alerts of one rule, to be closed at once.
const BULK: u64 = 100_000;
/// Their rule.
pub const BULK_RULE: &str = "bench-bulk";
/// Alerts written in one transaction.
const BATCH: u64 = 5_000;
/// The days that everything is spread over.
const DAYS: i64 = 7;
const SECOND: i64 = 1_000_000_000;

/// What is filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filling {
    /// Seed of everything generated.
    pub seed: u64,
    /// Events stored.
    pub events: u64,
    /// Alerts stored.
    pub alerts: u64,
    /// Incidents, of ten alerts each.
    pub incidents: u64,
    /// A folder that keeps what was filled in for other runs; what an earlier one kept there is taken if it is the same.
    #[serde(skip)]
    pub keep: Option<PathBuf>,
}

impl Filling {
    /// Alerts of [`BULK_RULE`].
    pub fn bulk(&self) -> u64 {
        BULK.min(self.alerts / 2)
    }

    /// Fills a data folder; says with what and how long that took.
    pub fn fill(&self, data: &Path) -> Result<Json> {
        let Some(keep) = &self.keep else { return generate(self, data) };
        if let Some(filled) = noted(keep, |filled: &Json| filled.get("filling") == Some(&json!(self)))? {
            copy(&keep.join("data"), data)?;
            return Ok(filled);
        }
        let filled = generate(self, data)?;
        copy(data, &keep.join("data"))?;
        note(keep, &filled)?;
        Ok(filled)
    }
}

/// The note in a folder of what it is filled with.
const NOTE: &str = "filled.json";

/// What an earlier run noted in a folder that it filled, if it did; `same`: whether with what is wanted.
pub(crate) fn noted<T: DeserializeOwned>(folder: &Path, same: impl FnOnce(&T) -> bool) -> Result<Option<T>> {
    let note = folder.join(NOTE);
    if !note.exists() {
        return Ok(None);
    }
    let filled = serde_json::from_slice(&fs::read(&note)?)?;
    ensure!(same(&filled), "{}: filled with other numbers; name another folder", folder.display());
    Ok(Some(filled))
}

/// Notes for later runs what a folder is filled with, whole.
pub(crate) fn note(folder: &Path, filled: &impl Serialize) -> Result<()> {
    let note = folder.join(NOTE);
    fs::write(&note, serde_json::to_vec(filled)?).with_context(|| format!("cannot write {}", note.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Milliseconds or seconds to a tenth.
pub(crate) fn rounded(time: f64) -> f64 {
    (time * 10.0).round() / 10.0
}

fn generate(filling: &Filling, data: &Path) -> Result<Json> {
    let now = jiff::Timestamp::now().as_nanosecond() as i64;
    let started = Instant::now();
    events(filling, data, now)?;
    let events_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    alerts(filling, data, now)?;
    Ok(json!({
        "filling": filling, "events_s": rounded(events_s), "alerts_s": rounded(started.elapsed().as_secs_f64()),
        "state_mib": fs::metadata(data.join("state.db"))?.len() >> 20,
        "events_mib": machine::bytes_below(&data.join("events")) >> 20,
    }))
}

fn events(filling: &Filling, data: &Path, now: i64) -> Result<()> {
    let config = EngineConfig { heap_bytes: 512 << 20, ..EngineConfig::new(data.join("events")) };
    let store = TantivyStore::open(config)?;
    let mut writer = store.writer()?;
    let mut rng = Rng::new(filling.seed);
    let step = DAYS * 86_400 * SECOND / filling.events.max(1) as i64;
    for n in 0..filling.events {
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

fn alerts(filling: &Filling, data: &Path, now: i64) -> Result<()> {
    let state = SqliteState::open(data.join("state.db"))?;
    let mut rng = Rng::new(filling.seed ^ 1);
    let step = DAYS * 86_400 * SECOND / filling.alerts.max(1) as i64;
    let bulk = filling.bulk();
    let mut at = 0;
    while at < filling.alerts {
        let end = (at + BATCH).min(filling.alerts);
        let (mut changes, mut incidents) = (Vec::new(), Vec::new());
        for n in at..end {
            let alert = alert(&mut rng, filling, n, now - DAYS * 86_400 * SECOND + n as i64 * step, n < bulk);
            // ten in a row, spread over all
            let every = (filling.alerts / filling.incidents.max(1)).max(10);
            if filling.incidents > 0 && n % every < 10 {
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

fn alert(rng: &mut Rng, filling: &Filling, n: u64, raised: i64, bulk: bool) -> Alert {
    let levels = [Level::Low, Level::Medium, Level::Medium, Level::High, Level::Critical];
    let level = levels.get(rng.below(5) as usize).copied().unwrap_or_default();
    let rule = if bulk { BULK_RULE.to_owned() } else { format!("bench-{}", rng.below(200)) };
    let (source, user, host) = (address(rng), format!("user-{}", rng.below(4000)), host(rng));
    let statuses =
        [AlertStatus::New, AlertStatus::TruePositive, AlertStatus::FalsePositive, AlertStatus::FalsePositive, AlertStatus::Benign];
    let status = if bulk { AlertStatus::New } else { statuses.get(rng.below(5) as usize).copied().unwrap_or_default() };
    let entity = |kind, field: &str, value: &str| Entity { kind, field: field.into(), value: value.into() };
    // the events of its time, which lie as evenly over the days as the alerts do
    let first = n * filling.events / filling.alerts.max(1);
    let begin = raised - n as i64 * (DAYS * 86_400 * SECOND / filling.alerts.max(1) as i64);
    let step = DAYS * 86_400 * SECOND / filling.events.max(1) as i64;
    let events = (first..first + 3).filter(|n| *n < filling.events).map(|n| id(n, begin + n as i64 * step)).collect();
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
