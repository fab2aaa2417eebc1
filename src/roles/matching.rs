//! The half of the analyzer that looks at events one by one: events topic → keyed topic, rule counts → alerts topic.
//!
//! What it sends and how far it has read are one transaction: a crash anywhere neither loses nor doubles a note. It remembers the
//! clocks of the sources only; they are kept in the state topic now and then, an older state being a cautious one.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use fansipan_analyzer::{
    Exceptions, Settings as Correlation,
    split::{Matcher, Note},
};
use fansipan_bus::kafka::{Names, Outgoing, Owner, Reader, Settings, Topics, Writer, table};
use fansipan_rules::RuleSet;
use fansipan_storage::RuleCount;

use super::{node::Health, settings::InForce, wire};

/// Group on the events topic.
pub(super) const GROUP: &str = "analyzer";
/// Events of one transaction.
const RECORDS: usize = 8192;

/// Everything a session needs.
pub(super) struct Matching {
    pub(super) settings: Settings,
    pub(super) in_force: InForce,
    pub(super) correlation: Correlation,
    pub(super) snapshot_every: Duration,
    pub(super) health: Arc<Health>,
    pub(super) stop: Arc<AtomicBool>,
}

struct Held {
    matcher: Matcher,
    in_force: Arc<RuleSet>,
    exceptions: Arc<Exceptions>,
    saved: Instant,
}

/// The matchers of the partitions that this instance has.
struct Matchers {
    settings: Settings,
    topics: Ways,
    keepers: i32,
    judge: InForce,
    correlation: Correlation,
    held: Mutex<BTreeMap<i32, Held>>,
}

fn state_key(partition: i32) -> Vec<u8> {
    format!("match/{partition}").into_bytes()
}

impl Matchers {
    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<i32, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owner for Matchers {
    fn assigned(&self, partition: i32, committed: Option<u64>) -> Result<Option<u64>, String> {
        let in_force = self.judge.rules.load_full();
        let exceptions = self.judge.exceptions.load_full();
        let mut matcher = Matcher::new(partition, &in_force, self.correlation.clone());
        matcher.except(&exceptions);
        let key = state_key(partition);
        let kept = table::read(&self.settings, &self.topics.state, partition % self.keepers, &key).map_err(|e| e.to_string())?;
        if let Some(state) = kept.get(&key)
            && let Err(error) = matcher.load(state)
        {
            tracing::error!(%error, partition, "event time is learned anew");
        }
        self.locked().insert(partition, Held { matcher, in_force, exceptions, saved: Instant::now() });
        Ok(committed)
    }

    fn revoked(&self, partition: i32) {
        self.locked().remove(&partition);
    }
}

/// What a batch of events came to.
#[derive(Default)]
struct Batch {
    next: BTreeMap<i32, u64>,
    notes: Vec<Note>,
    dead: Vec<(Vec<u8>, Vec<u8>, String)>,
    events: u64,
}

impl Matching {
    /// Reads and sends until told to stop, or until something fails.
    pub(super) fn session(&self) -> Result<()> {
        self.in_force.wait(&self.stop);
        let topics = Topics::new(&self.settings)?;
        let names = topics.names().clone();
        let keepers = topics.partitions(&names.keyed)?;
        let writer = Writer::open(&self.settings, "analyzer.match")?;
        let matchers = Arc::new(Matchers {
            settings: self.settings.clone(),
            topics: Ways::new(&names),
            keepers,
            judge: self.in_force.clone(),
            correlation: self.correlation.clone(),
            held: Mutex::default(),
        });
        let reader = Reader::join(&self.settings, GROUP, &names.events, Arc::clone(&matchers) as Arc<dyn Owner>)?;
        while !self.stop.load(Ordering::Relaxed) {
            let mut batch = Batch::default();
            reader.poll_keyed(RECORDS, Duration::from_millis(200), &mut |k| take(&matchers, k.key, &k.record, &mut batch))?;
            self.health.set_ready(!reader.partitions().is_empty() || self.settings.partitions < 2);
            if !batch.next.is_empty() {
                self.send(&writer, &reader, &matchers, batch)?;
            }
        }
        reader.leave();
        Ok(())
    }

    fn send(&self, writer: &Writer, reader: &Reader, matchers: &Matchers, batch: Batch) -> Result<()> {
        let topics = &matchers.topics;
        let Batch { next, mut notes, dead, events } = batch;
        let mut out = Vec::with_capacity(notes.len() + dead.len() + 8);
        let mut counts: BTreeMap<String, RuleCount> = BTreeMap::new();
        for (partition, held) in matchers.locked().iter_mut().filter(|(p, _)| next.contains_key(p)) {
            notes.extend(held.matcher.mark());
            for (rule, matches) in held.matcher.take_matches() {
                let known = counts.entry(rule.clone()).or_insert(RuleCount { rule, count: 0, last: i64::MIN });
                (known.count, known.last) = (known.count + matches.count, known.last.max(matches.last));
            }
            if held.saved.elapsed() >= self.snapshot_every {
                let place = Some(partition % matchers.keepers);
                out.push(Outgoing { partition: place, ..record(&topics.state, state_key(*partition), Some(held.matcher.save())) });
                held.saved = Instant::now();
            }
        }
        self.health.add("fansipan_events_total", events as f64);
        self.health.add("fansipan_notes_total", notes.len() as f64);
        notes.iter().for_each(|note| pass_on(&mut out, &topics.keyed, matchers.keepers, note));
        for (key, value, reason) in dead {
            self.health.add("fansipan_dead_letters_total", 1.0);
            out.push(Outgoing { reason: Some(reason), ..record(&topics.dead, key, Some(value)) });
        }
        if !counts.is_empty() {
            out.push(record(&topics.alerts, b"rules".to_vec(), Some(wire::rules(counts.into_values().collect())?)));
        }
        let positions: Vec<(i32, u64)> = next.into_iter().collect();
        writer.transact(&out, reader, &positions)?;
        Ok(())
    }
}

/// One event: what it means for which group.
fn take(matchers: &Matchers, key: &[u8], record: &fansipan_bus::Delivery<'_>, batch: &mut Batch) {
    batch.next.insert(record.partition, record.offset + 1);
    let mut held = matchers.locked();
    let Some(own) = held.get_mut(&record.partition) else { return };
    let rules = matchers.judge.rules.load();
    if !Arc::ptr_eq(&rules, &own.in_force) {
        own.in_force = Arc::clone(&rules);
        if let Err(error) = own.matcher.replace_rules(&rules) {
            tracing::error!(%error, "FSP-RUN-043: event time is learned anew under the new rules");
        }
    }
    let exceptions = matchers.judge.exceptions.load();
    if !Arc::ptr_eq(&exceptions, &own.exceptions) {
        own.exceptions = Arc::clone(&exceptions);
        own.matcher.except(&exceptions);
    }
    match wire::event(record.value) {
        Ok(event) => {
            batch.events += 1;
            own.matcher.step(&event, &mut batch.notes);
        }
        Err(error) => {
            let reason = format!("no event at {}/{}: {error}", record.partition, record.offset);
            batch.dead.push((key.to_vec(), record.value.to_vec(), reason));
        }
    }
}

/// A record for a topic, to the partition that its key says.
pub(super) fn record(topic: &Arc<str>, key: Vec<u8>, value: Option<Vec<u8>>) -> Outgoing {
    Outgoing { topic: Arc::clone(topic), key, value, ..Outgoing::default() }
}

/// A note to the keeper of its group, or to all.
pub(super) fn pass_on(out: &mut Vec<Outgoing>, topic: &Arc<str>, keepers: i32, note: &Note) {
    let value = note.write();
    let to = |place: i32, key| Outgoing { partition: Some(place), ..record(topic, key, Some(value.clone())) };
    match note.place(usize::try_from(keepers).unwrap_or(1)) {
        Some(place) => out.push(to(place as i32, note.key().to_vec())),
        None => out.extend((0..keepers).map(|place| to(place, Vec::new()))),
    }
}

/// Names of the topics that the analyzer writes to, shared by its records.
pub(super) struct Ways {
    pub(super) keyed: Arc<str>,
    pub(super) alerts: Arc<str>,
    pub(super) state: Arc<str>,
    pub(super) dead: Arc<str>,
}

impl Ways {
    pub(super) fn new(names: &Names) -> Self {
        let shared = |name: &String| Arc::from(name.as_str());
        Self { keyed: shared(&names.keyed), alerts: shared(&names.alerts), state: shared(&names.state), dead: shared(&names.dead) }
    }
}
