//! The half of the analyzer that remembers: keyed topic → alerts topic.
//!
//! Each partition of the keyed topic has a keeper with the groups that meet there. What a keeper says and how far it has read are
//! one transaction. What it remembers goes to the state topic now and then; whoever gets the partition next begins with that and
//! looks again, without effects, at the notes since then. So no alert is lost or said twice, whoever dies when.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_analyzer::{
    Exceptions, GroupingConfig, Losses, Settings as Correlation, Signal,
    split::{Keeper, Note, Share},
};
use fansipan_bus::kafka::{Outgoing, Owner, Position, Reader, Settings, Topics, Writer, table};
use fansipan_rules::RuleSet;
use serde::{Deserialize, Serialize};

use super::{
    matching::{Ways, pass_on, record},
    node::Health,
    settings::InForce,
    wire,
};
use crate::alerts;

/// Group on the keyed topic.
pub(super) const GROUP: &str = "analyzer.keyed";
const RECORDS: usize = 8192;
/// A snapshot is cut into records of this size.
const CHUNK: usize = 900 << 10;
/// A snapshot is written when so many times its own cost has passed.
const PATIENCE: u32 = 20;

/// Everything a session needs.
pub(super) struct Keeping {
    pub(super) settings: Settings,
    pub(super) in_force: InForce,
    pub(super) grouping: GroupingConfig,
    pub(super) correlation: Correlation,
    pub(super) snapshot_every: Duration,
    pub(super) health: Arc<Health>,
    pub(super) stop: Arc<AtomicBool>,
}

/// The first record of a snapshot; the others are its parts.
#[derive(Serialize, Deserialize)]
struct Head {
    v: u8,
    offset: u64,
    parts: usize,
    bytes: usize,
}

struct Held {
    keeper: Keeper,
    in_force: Arc<RuleSet>,
    exceptions: Arc<Exceptions>,
    /// Notes before this have had their effects.
    replay_until: u64,
    replaying: bool,
    saved: Instant,
    cost: Duration,
    parts: usize,
    /// Whether something came since the last snapshot.
    touched: bool,
}

struct Keepers {
    settings: Settings,
    topics: Ways,
    many: i32,
    /// Partitions of the events topic.
    from: i32,
    judge: InForce,
    grouping: GroupingConfig,
    correlation: Correlation,
    held: Mutex<BTreeMap<i32, Held>>,
}

impl Keepers {
    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<i32, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The latest snapshot of a partition out of the state topic, put together, and in how many parts it is.
fn snapshot(table: &BTreeMap<Vec<u8>, Vec<u8>>, prefix: &str) -> Result<Option<(Vec<u8>, usize)>> {
    let Some(head) = table.get(format!("{prefix}head").as_bytes()) else { return Ok(None) };
    let head: Head = serde_json::from_slice(head).context("FSP-RUN-066: a snapshot in the state topic is damaged")?;
    let mut state = Vec::with_capacity(head.bytes);
    for part in 0..head.parts {
        let part = table.get(format!("{prefix}{part:06}").as_bytes()).context("FSP-RUN-066: a snapshot in the state topic lacks a part")?;
        state.extend_from_slice(part);
    }
    anyhow::ensure!(state.len() == head.bytes, "FSP-RUN-066: a snapshot in the state topic is not whole");
    Ok(Some((state, head.parts)))
}

impl Owner for Keepers {
    fn assigned(&self, partition: i32, committed: Option<u64>) -> Result<Option<u64>, String> {
        let in_force = self.judge.rules.load_full();
        let share = Share { place: partition as usize, of: self.many as usize, from: self.from as usize };
        let exceptions = self.judge.exceptions.load_full();
        let mut keeper = Keeper::new(share, &in_force, self.grouping.clone(), self.correlation.clone());
        keeper.except(&exceptions);
        let (mut start, mut parts) = (None, 0);
        let prefix = format!("keep/{partition}/");
        let table = table::read(&self.settings, &self.topics.state, partition, prefix.as_bytes()).map_err(|e| e.to_string())?;
        let loaded = snapshot(&table, &prefix).and_then(|found| {
            Ok(match found {
                Some((state, many)) => (Some(keeper.load(&state)?), many),
                None => (None, 0),
            })
        });
        match loaded {
            Ok(known) => (start, parts) = known,
            Err(error) => tracing::error!(partition, "what was remembered is made anew from the notes that are left: {error:#}"),
        }
        let replay_until = committed.unwrap_or(0);
        let start = start.map(|s| s.min(replay_until));
        tracing::info!(partition, from = start, until = replay_until, "groups taken over");
        let (saved, cost) = (Instant::now(), Duration::ZERO);
        let held = Held { keeper, in_force, exceptions, replay_until, replaying: true, saved, cost, parts, touched: false };
        self.locked().insert(partition, held);
        Ok(start)
    }

    fn revoked(&self, partition: i32) {
        self.locked().remove(&partition);
    }
}

#[derive(Default)]
struct Batch {
    next: BTreeMap<i32, u64>,
    signals: Vec<Signal>,
    onward: Vec<Note>,
    dead: Vec<(Vec<u8>, String)>,
    notes: u64,
}

impl Keeping {
    /// Reads and sends until told to stop, or until something fails.
    pub(super) fn session(&self) -> Result<()> {
        self.in_force.wait(&self.stop);
        let topics = Topics::new(&self.settings)?;
        let names = topics.names().clone();
        let many = topics.partitions(&names.keyed)?;
        let from = topics.partitions(&names.events)?;
        let writer = Writer::open(&self.settings, "analyzer.keep")?;
        let keepers = Arc::new(Keepers {
            settings: self.settings.clone(),
            topics: Ways::new(&names),
            many,
            from,
            judge: self.in_force.clone(),
            grouping: self.grouping.clone(),
            correlation: self.correlation.clone(),
            held: Mutex::default(),
        });
        let reader = Reader::join(&self.settings, GROUP, &names.keyed, Arc::clone(&keepers) as Arc<dyn Owner>)?;
        let mut next: BTreeMap<i32, u64> = BTreeMap::new();
        while !self.stop.load(Ordering::Relaxed) {
            let mut batch = Batch::default();
            reader.poll_keyed(RECORDS, Duration::from_millis(100), &mut |k| take(&keepers, &k.record, &mut batch))?;
            next.extend(batch.next.iter().map(|(p, n)| (*p, *n)));
            let due = self.due(&keepers, false);
            if !batch.next.is_empty() || !due.is_empty() {
                self.send(&writer, &reader, &keepers, batch, &due, &next)?;
            }
        }
        let due = self.due(&keepers, true);
        if !due.is_empty() {
            self.send(&writer, &reader, &keepers, Batch::default(), &due, &next)?;
        }
        reader.leave();
        Ok(())
    }

    /// Partitions whose memory should be kept now.
    fn due(&self, keepers: &Keepers, leaving: bool) -> Vec<i32> {
        let due = |h: &Held| h.touched && !h.replaying && (leaving || h.saved.elapsed() >= self.snapshot_every.max(h.cost * PATIENCE));
        keepers.locked().iter().filter(|(_, h)| due(h)).map(|(p, _)| *p).collect()
    }

    fn send(&self, writer: &Writer, reader: &Reader, keepers: &Keepers, batch: Batch, due: &[i32], all: &BTreeMap<i32, u64>) -> Result<()> {
        let topics = &keepers.topics;
        let Batch { next, mut signals, mut onward, dead, notes } = batch;
        let mut held = keepers.locked();
        for own in held.iter_mut().filter(|(p, h)| next.contains_key(p) && !h.replaying).map(|(_, h)| h) {
            own.keeper.settle(&mut signals, &mut onward);
        }
        let mut out = Vec::with_capacity(signals.len() + onward.len() + dead.len());
        for change in alerts::changes(signals.into_iter()) {
            let (key, value) = wire::change(change)?;
            out.push(record(&topics.alerts, key.into_bytes(), Some(value)));
        }
        self.health.add("fansipan_alert_changes_total", out.len() as f64);
        onward.iter().for_each(|note| pass_on(&mut out, &topics.keyed, keepers.many, note));
        for (value, reason) in dead {
            self.health.add("fansipan_dead_letters_total", 1.0);
            out.push(Outgoing { reason: Some(reason), ..record(&topics.dead, b"keyed".to_vec(), Some(value)) });
        }
        for partition in due {
            if let Some((own, offset)) = held.get_mut(partition).zip(all.get(partition)) {
                remember(&mut out, &topics.state, *partition, *offset, own)?;
            }
        }
        self.health.add("fansipan_notes_taken_total", notes as f64);
        let unknown: u64 = held.values().map(|h| h.keeper.unknown()).sum();
        self.health.set("fansipan_notes_of_unknown_rules_total", unknown as f64);
        self.figures(&held);
        // what is looked at again had its effects: its position is the group's already
        let positions: Vec<Position> =
            next.into_iter().filter(|(p, n)| held.get(p).is_some_and(|h| *n > h.replay_until)).map(Position::from).collect();
        drop(held);
        writer.transact(&out, reader, &positions)?;
        Ok(())
    }
}

impl Keeping {
    /// What is remembered, and what the bounds cost.
    fn figures(&self, held: &BTreeMap<i32, Held>) {
        let mut sums: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
        for (name, report) in held.values().flat_map(|h| h.keeper.reports()) {
            let sum = sums.entry(name).or_default();
            let Losses { evicted, late, cut, .. } = report.losses;
            for (total, part) in sum.iter_mut().zip([report.groups as u64, evicted, late, cut]) {
                *total += part;
            }
        }
        for (name, [groups, evicted, late, cut]) in sums {
            for (figure, value) in [("groups", groups), ("evicted_total", evicted), ("late_total", late), ("cut_total", cut)] {
                self.health.set(format!("fansipan_detector_{figure}{{detector=\"{name}\"}}"), value as f64);
            }
        }
    }
}

/// What a keeper remembers, as records of the state topic.
fn remember(out: &mut Vec<Outgoing>, topic: &Arc<str>, partition: i32, offset: u64, own: &mut Held) -> Result<()> {
    let start = Instant::now();
    let state = own.keeper.save(offset);
    let parts: Vec<&[u8]> = state.chunks(CHUNK).collect();
    let mut put = |name: String, value: Option<Vec<u8>>| {
        out.push(Outgoing { partition: Some(partition), ..record(topic, format!("keep/{partition}/{name}").into_bytes(), value) });
    };
    for (i, part) in parts.iter().enumerate() {
        put(format!("{i:06}"), Some(part.to_vec()));
    }
    for stale in parts.len()..own.parts {
        put(format!("{stale:06}"), None);
    }
    let head = Head { v: 1, offset, parts: parts.len(), bytes: state.len() };
    put("head".to_owned(), Some(serde_json::to_vec(&head)?));
    (own.parts, own.saved, own.cost, own.touched) = (parts.len(), Instant::now(), start.elapsed(), false);
    Ok(())
}

fn take(keepers: &Keepers, record: &fansipan_bus::Delivery<'_>, batch: &mut Batch) {
    batch.next.insert(record.partition, record.offset + 1);
    batch.notes += 1;
    let mut held = keepers.locked();
    let Some(own) = held.get_mut(&record.partition) else { return };
    let rules = keepers.judge.rules.load();
    if !Arc::ptr_eq(&rules, &own.in_force) {
        own.in_force = Arc::clone(&rules);
        if let Err(error) = own.keeper.replace_rules(&rules) {
            tracing::error!(%error, "FSP-RUN-043: windows of correlations begin anew under the new rules");
        }
    }
    let exceptions = keepers.judge.exceptions.load();
    if !Arc::ptr_eq(&exceptions, &own.exceptions) {
        own.exceptions = Arc::clone(&exceptions);
        own.keeper.except(&exceptions);
    }
    own.touched = true;
    if own.replaying && record.offset >= own.replay_until {
        own.keeper.settle(&mut Vec::new(), &mut Vec::new());
        own.replaying = false;
    }
    match Note::read(record.value) {
        Ok(note) if own.replaying => own.keeper.take(note, &mut Vec::new(), &mut Vec::new()),
        Ok(note) => own.keeper.take(note, &mut batch.signals, &mut batch.onward),
        Err(_) if own.replaying => {}
        Err(error) => batch.dead.push((record.value.to_vec(), format!("{}/{}: {error}", record.partition, record.offset))),
    }
}
