//! Where an event's processor time goes on its way in, part by part, each alone on the thread: normalizing, detecting, storing
//! alerts, indexing. For finding what is worth making faster; [`crate::ingest`] says what all of it carries together.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use fansipan_analyzer::{Analyzer, GroupingConfig, Incidents, LinkSettings, Settings, Signal};
use fansipan_collector::{Normalizer, Received, SourceState, Transport};
use fansipan_model::{Event, codec};
use fansipan_rules::{RuleSet, Taxonomy, packs};
use fansipan_storage::{
    AlertBatch, AlertChange, AlertRepeat, EventWriter as _, StateStore as _,
    engine::{EngineConfig, TantivyStore},
    sqlite::SqliteState,
};
use serde_json::{Value, json};
use uuid::Builder;

use crate::{
    ingest::Plan,
    load::{self, Load},
    machine, rules,
};

/// Events between two transactions, as the appliance under load.
const BATCH: usize = 8_192;

/// Seconds of the process's processor time (all threads) since the last look.
struct Clock(f64);

impl Clock {
    fn new() -> Self {
        Self(machine::cpu_seconds(std::process::id()))
    }

    fn lap(&mut self) -> f64 {
        let now = machine::cpu_seconds(std::process::id());
        let spent = now - self.0;
        self.0 = now;
        spent
    }
}

/// All of it, microseconds of CPU per event; `commit_every`: events between two commits of the index.
///
/// # Errors
/// When rules cannot be read or a store cannot be written.
pub fn measure(plan: &Plan, commit_every: usize) -> Result<Value> {
    let loads = load::mix(plan.lines, plan.seed);
    let lines: usize = loads.iter().map(Load::lines).sum();
    let rules = loaded(&plan.rules)?;
    let mut clock = Clock::new();
    let events = normalized(&loads)?;
    let normalizing = clock.lap();
    let batches = detected(&rules, &events)?;
    let detecting = clock.lap();
    let alerts: usize = batches.iter().flat_map(|b| &b.changes).filter(|c| matches!(c, AlertChange::Open(_) | AlertChange::Put(_))).count();
    let begun = Instant::now();
    clock.lap();
    stored(batches)?;
    let storing = clock.lap();
    let storing_took = begun.elapsed();
    let begun = Instant::now();
    indexed(&events, commit_every)?;
    let indexing = clock.lap();
    let per_event = |seconds: f64| (seconds * 1e8 / lines as f64).round() / 100.0;
    Ok(json!({
        "what": "microseconds of CPU per event, each part alone, all threads of it",
        "seed": plan.seed, "lines": lines, "alerts": alerts, "commit_every": commit_every,
        "normalize_us": per_event(normalizing), "detect_us": per_event(detecting),
        "store_alerts_us": per_event(storing), "store_alerts_us_per_alert": storing * 1e6 / alerts.max(1) as f64,
        "index_us": per_event(indexing),
        "store_alerts_s": seconds(storing_took), "index_s": seconds(begun.elapsed()),
    }))
}

fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100.0).round() / 100.0
}

/// The shipped rules and those of folders.
fn loaded(folders: &[PathBuf]) -> Result<Arc<RuleSet>> {
    let shipped = packs::SHIPPED.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
    let texts: Vec<_> = shipped.chain(rules::texts(folders)?).collect();
    let taxonomy = Taxonomy::builtin().map_err(|e| anyhow!("{e:?}"))?;
    Ok(Arc::new(rules::compile(&texts, &taxonomy)))
}

/// The events of all loads in turns, encoded as the log has them.
fn normalized(loads: &[Load]) -> Result<Vec<Vec<u8>>> {
    let normalizer = Normalizer::load_builtin()?;
    let mut sources: HashMap<usize, SourceState> = HashMap::new();
    let mut texts: Vec<_> = loads.iter().map(|l| l.text().lines()).collect();
    let mut out = Vec::new();
    let start = jiff::Timestamp::now().as_nanosecond() as i64;
    let (mut spare, mut more) = (Event::default(), true);
    while std::mem::take(&mut more) {
        for (place, lines) in texts.iter_mut().enumerate() {
            let Some(line) = lines.next() else { continue };
            more = true;
            let at = start + out.len() as i64 * 25_000;
            let peer = Some(([127, 0, 1, place as u8 + 1], 40_000).into());
            let received = Received { raw: line.as_bytes(), peer, transport: Transport::Tcp, tls_identity: None, at, path: None };
            let mut event = normalizer.normalize_into(sources.entry(place).or_default(), &received, std::mem::take(&mut spare));
            let mut rest = [0; 10];
            rest.iter_mut().zip((out.len() as u64).to_be_bytes()).for_each(|(to, from)| *to = from);
            event.set_id(Builder::from_unix_timestamp_millis((at / 1_000_000) as u64, &rest).into_uuid());
            let mut bytes = Vec::new();
            codec::encode(&event, &mut bytes);
            out.push(bytes);
            spare = event;
        }
    }
    Ok(out)
}

fn detected(rules: &Arc<RuleSet>, events: &[Vec<u8>]) -> Result<Vec<AlertBatch<'static>>> {
    let mut analyzer = Analyzer::new(rules, GroupingConfig::default(), Settings::default());
    let mut links = Incidents::new(LinkSettings::default());
    let (mut event, mut signals, mut batches) = (Event::default(), Vec::new(), Vec::new());
    let mut next_offset = 0;
    for block in events.chunks(BATCH) {
        for bytes in block {
            codec::decode_into(bytes, &mut event).map_err(|e| anyhow!("{e}"))?;
            analyzer.step(&event, &mut signals);
        }
        analyzer.settle(&mut signals);
        next_offset += block.len() as u64;
        let mut incidents = Vec::new();
        let changes: Vec<AlertChange> = signals.drain(..).map(change).collect();
        for change in &changes {
            if let AlertChange::Open(alert) | AlertChange::Put(alert) = change {
                links.take(alert, &mut incidents);
            }
        }
        batches.push(AlertBatch { consumer: "analyzer", next_offset, changes, rules: Vec::new(), incidents });
    }
    Ok(batches)
}

fn change(signal: Signal) -> AlertChange {
    match signal {
        Signal::Open(alert) => AlertChange::Open(alert),
        Signal::Put(alert) => AlertChange::Put(alert),
        Signal::Superseded { id, by } => AlertChange::Supersede { id, by },
        Signal::Repeat { id, event, at, sampled } => {
            let events = sampled.then_some(event).into_iter().collect();
            AlertChange::Repeat(AlertRepeat { id, count: 1, first_seen: at, last_seen: at, events })
        }
    }
}

fn stored(batches: Vec<AlertBatch<'static>>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let state = SqliteState::open(folder.path().join("state.db"))?;
    for batch in batches {
        state.apply_alerts(&batch)?;
    }
    Ok(())
}

fn indexed(events: &[Vec<u8>], commit_every: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = TantivyStore::open(EngineConfig::new(folder.path().join("events")))?;
    let mut writer = store.writer()?;
    let mut event = Event::default();
    for (offset, bytes) in (0..).zip(events) {
        codec::decode_into(bytes, &mut event).map_err(|e| anyhow!("{e}"))?;
        writer.add(offset, &event)?;
        if (offset + 1) % commit_every as u64 == 0 {
            writer.commit()?;
        }
    }
    writer.commit()?;
    Ok(())
}
