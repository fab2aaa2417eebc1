//! The half of the analyzer that looks at events one by one: events topic → keyed topic, rule counts → alerts topic.
//!
//! What it sends and how far it has read are one transaction: a crash anywhere neither loses nor doubles a note. It remembers the
//! clocks of the sources only; they are kept in the state topic now and then, an older state being a cautious one. Partitions are
//! looked at side by side, see [`super::pace`]; beside its positions it notes for the other instances how far each has come.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use fansipan_analyzer::{
    Exceptions, Settings as Correlation,
    split::{Matcher, Note},
};
use fansipan_bus::kafka::{Group, Names, Outgoing, Owner, Position, Reader, Settings, Topics, Writer, reader::Keyed, table};
use fansipan_model::Event;
use fansipan_rules::RuleSet;
use fansipan_storage::RuleCount;

use super::{
    node::Health,
    pace::{Pace, UNKNOWN},
    settings::InForce,
    wire,
};

/// Group on the events topic.
pub(super) const GROUP: &str = "analyzer";
/// Events of one transaction.
const RECORDS: usize = 8192;
/// Events of a partition that may wait for those of others; no more are read until a quarter is left.
const WAITING: usize = 2048;
/// Part of the lateness that a partition may be ahead of another; the rest is the senders' own.
const AHEAD: i64 = 4;
/// How often it is looked how far other instances are, and how long what is told them may be out of date.
const LOOK: Duration = Duration::from_millis(200);
const TELL: Duration = Duration::from_secs(1);

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
    /// The group's position, and what was noted beside it.
    told: Option<Position>,
    told_at: Instant,
    /// Whether no more is read for now.
    on_hold: bool,
}

/// A record of the events topic.
struct Read {
    offset: u64,
    /// The event, or what is no event: key, bytes and reason.
    event: Result<Event, (Vec<u8>, Vec<u8>, String)>,
}

/// The matchers of the partitions that this instance has.
struct Matchers {
    settings: Settings,
    topics: Ways,
    keepers: i32,
    judge: InForce,
    correlation: Correlation,
    held: Mutex<BTreeMap<i32, Held>>,
    pace: Mutex<Pace<Read>>,
}

fn state_key(partition: i32) -> Vec<u8> {
    format!("match/{partition}").into_bytes()
}

impl Matchers {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<i32, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pace(&self) -> MutexGuard<'_, Pace<Read>> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
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
        let now = Instant::now();
        let told = committed.map(|next| Position::from((partition, next)));
        let held = Held { matcher, in_force, exceptions, saved: now, told, told_at: now, on_hold: false };
        self.locked().insert(partition, held);
        self.pace().join(partition, now);
        Ok(committed)
    }

    fn revoked(&self, partition: i32) {
        self.locked().remove(&partition);
        self.pace().leave(partition, Instant::now());
    }
}

/// What a batch of events came to.
#[derive(Default)]
struct Batch {
    next: BTreeMap<i32, u64>,
    notes: Vec<Note>,
    dead: Vec<(Vec<u8>, Vec<u8>, String)>,
    events: u64,
    /// What is noted beside the position of each partition.
    beside: BTreeMap<i32, Option<i64>>,
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
            pace: Mutex::new(Pace::new(self.correlation.lateness / AHEAD)),
        });
        let reader = Reader::join(&self.settings, GROUP, &names.events, Arc::clone(&matchers) as Arc<dyn Owner>)?;
        let group = Group::new(&self.settings, GROUP, &names.events)?;
        let (many, mut looked) = (topics.partitions(&names.events)?, None);
        while !self.stop.load(Ordering::Relaxed) {
            // who is held goes on as soon as others are further
            let patience = Duration::from_millis(if matchers.pace().is_held() { 20 } else { 200 });
            reader.poll_keyed(RECORDS, patience, &mut |k| receive(&matchers, k))?;
            self.health.set_ready(!reader.partitions().is_empty() || self.settings.partitions < 2);
            if looked.is_none_or(|at: Instant| at.elapsed() >= LOOK) {
                look_around(&matchers, &reader, &group, many);
                looked = Some(Instant::now());
            }
            let batch = self.judge(&matchers, &reader)?;
            self.send(&writer, &reader, &matchers, batch)?;
        }
        reader.leave();
        Ok(())
    }

    /// Looks at the events whose turn it is.
    fn judge(&self, matchers: &Matchers, reader: &Reader) -> Result<Batch> {
        let (mut batch, mut held, mut pace, now) = (Batch::default(), matchers.locked(), matchers.pace(), Instant::now());
        held.keys().for_each(|p| pace.ends(*p, reader.is_at_end(*p), now));
        pace.take(RECORDS, now, &mut |partition, read| {
            if let Some(own) = held.get_mut(&partition) {
                take(&matchers.judge, own, partition, read, &mut batch);
            }
        });
        let mut waiting = 0;
        for (partition, own) in held.iter_mut() {
            let many = pace.waiting(*partition);
            waiting += many;
            let hold = many > if own.on_hold { WAITING / 4 } else { WAITING };
            if hold != own.on_hold {
                reader.hold(&[*partition], hold)?;
                own.on_hold = hold;
            }
            batch.beside.insert(*partition, pace.next(*partition, now));
        }
        self.health.set("fansipan_events_held", waiting as f64);
        Ok(batch)
    }

    fn send(&self, writer: &Writer, reader: &Reader, matchers: &Matchers, batch: Batch) -> Result<()> {
        let topics = &matchers.topics;
        let Batch { next, mut notes, dead, events, beside } = batch;
        let positions = positions(&matchers.locked(), &next, &beside);
        if positions.is_empty() {
            return Ok(());
        }
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
        writer.transact(&out, reader, &positions)?;
        let mut held = matchers.locked();
        for position in positions {
            if let Some(own) = held.get_mut(&position.partition) {
                (own.told, own.told_at) = (Some(position), Instant::now());
            }
        }
        Ok(())
    }
}

/// What is to be kept: where something was looked at, and where the others would otherwise know too long what is no longer so.
fn positions(held: &BTreeMap<i32, Held>, next: &BTreeMap<i32, u64>, beside: &BTreeMap<i32, Option<i64>>) -> Vec<Position> {
    let position = |(partition, own): (&i32, &Held)| {
        let at = beside.get(partition).copied().flatten();
        let note = at.map_or_else(String::new, |at| at.to_string());
        let offset = match (next.get(partition), &own.told) {
            (Some(next), _) => *next,
            (None, None) => 0,
            (None, Some(told)) if told.note != note && at != Some(UNKNOWN) && own.told_at.elapsed() >= TELL => told.next,
            _ => return None,
        };
        Some(Position { partition: *partition, next: offset, note })
    };
    held.iter().filter_map(position).collect()
}

/// How far the partitions are that other instances have.
fn look_around(matchers: &Matchers, reader: &Reader, group: &Group, many: i32) {
    let own = reader.partitions();
    let notes = match group.notes((0..many).filter(|p| !own.contains(p))) {
        Ok(notes) => notes,
        // what is known is good for some seconds
        Err(error) => return tracing::debug!("how far other analyzers are is not known: {error}"),
    };
    let (mut pace, now) = (matchers.pace(), Instant::now());
    for (partition, note) in notes {
        // nobody has looked at it yet; a program that notes nothing is not waited for
        let next = note.map_or(Some(UNKNOWN), |note| note.parse().ok());
        pace.told(partition, next, now);
    }
}

/// A record as it comes: its turn is when those of other partitions have come as far.
fn receive(matchers: &Matchers, Keyed { key, record }: Keyed<'_>) {
    let event = wire::event(record.value).map_err(|error| {
        let reason = format!("no event at {}/{}: {error}", record.partition, record.offset);
        (key.to_vec(), record.value.to_vec(), reason)
    });
    // a sender whose clock is ahead of ours does not make its partition look far ahead
    let at = event.as_ref().ok().map(|event| event.ingested().min(fansipan_collector::pipeline::now()));
    matchers.pace().put(record.partition, at, Read { offset: record.offset, event }, Instant::now());
}

/// One event: what it means for which group.
fn take(judge: &InForce, own: &mut Held, partition: i32, read: Read, batch: &mut Batch) {
    batch.next.insert(partition, read.offset + 1);
    let rules = judge.rules.load();
    if !Arc::ptr_eq(&rules, &own.in_force) {
        own.in_force = Arc::clone(&rules);
        if let Err(error) = own.matcher.replace_rules(&rules) {
            tracing::error!(%error, "FSP-RUN-043: event time is learned anew under the new rules");
        }
    }
    let exceptions = judge.exceptions.load();
    if !Arc::ptr_eq(&exceptions, &own.exceptions) {
        own.exceptions = Arc::clone(&exceptions);
        own.matcher.except(&exceptions);
    }
    match read.event {
        Ok(event) => {
            batch.events += 1;
            own.matcher.step(&event, &mut batch.notes);
        }
        Err(dead) => batch.dead.push(dead),
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
