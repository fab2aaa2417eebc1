//! The loss ledger: what every source sent, what of it is durable, what was refused and why, minute by minute.
//!
//! Invariant in every snapshot: `received = kept + sum(refused)` and `kept = parsed + unparsed`, per source and in total;
//! records on their way to the log are in none of them yet. A source is listed from its first record on. Memory is bounded:
//! beyond the limit the least established sources leave the list, counted, and the totals keep their numbers.
//! Never counts per record: the pipeline merges once per batch.

mod history;
mod reason;

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use fansipan_model::{PacketCounters, PerMille, SourceCounters, SourceInfo};
use hashbrown::HashMap;
use tokio::sync::watch;

pub use history::{HISTORY_MINUTES, MinuteCounters};
pub use reason::Reason;

use crate::{Transport, sources::config::LimitsConfig};
use history::minute;

/// A source with this many records kept is established: it leaves the list after all that are not.
const ESTABLISHED: u64 = 64;

/// Sums over all sources, those that left the list included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Counters over all sources.
    pub counters: SourceCounters,
    /// Records kept without their end, because they were above the size limit.
    pub truncated: u64,
    /// Sources listed now.
    pub sources: usize,
    /// Sources that left the list to make room.
    pub evicted: u64,
}

/// What one batch adds to one source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delta {
    pub(crate) records: u64,
    pub(crate) unparsed: u64,
    pub(crate) truncated: u64,
    pub(crate) bytes: u64,
    pub(crate) at: i64,
}

/// What is believed of a source; pushed by the pipeline when it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guess {
    pub(crate) format: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) confidence: u16,
    pub(crate) skew: Option<i64>,
}

/// What identifies a source when it is first heard of.
#[derive(Clone, Debug)]
pub(crate) struct Introduction<'a> {
    pub(crate) id: &'a str,
    pub(crate) agency: &'a str,
    pub(crate) transport: Transport,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) tls_identity: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    /// Format fixed by the configuration.
    pub(crate) format: Option<&'a str>,
    pub(crate) at: i64,
}

/// One source in the registry. Shared with the connections that carry its records.
#[derive(Debug)]
pub(crate) struct SourceEntry {
    id: String,
    /// Changes whenever the pinned format does, so that connections need no lock to notice.
    pin_version: AtomicU32,
    /// Set when the source left the list; whoever still carries its records introduces it again.
    gone: AtomicBool,
    inner: Mutex<Inner>,
}

/// Whether an operator looked after the format of a source. Such a source leaves the list last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hand {
    Never,
    /// It was fixed when this run began, by an operator or the configuration of then: the configuration of now goes before.
    Earlier,
    /// In this run: goes before the configuration.
    Now,
}

#[derive(Debug)]
struct Inner {
    info: SourceInfo,
    history: VecDeque<MinuteCounters>,
    hand: Hand,
    /// Whether it changed since [`SourceRegistry::changed`] was asked last.
    changed: bool,
    /// What was learned of it, and with which table of formats.
    state: Option<(u64, crate::SourceState)>,
}

impl SourceEntry {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn pin_version(&self) -> u32 {
        self.pin_version.load(Ordering::Acquire)
    }

    pub(crate) fn gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// The format an operator or the configuration fixed.
    pub(crate) fn pinned_format(&self) -> Option<String> {
        let inner = self.lock();
        if inner.info.pinned { inner.info.format.clone() } else { None }
    }

    /// What the last connection of this source had learned with this table of formats.
    pub(crate) fn learned(&self, formats: u64) -> Option<crate::SourceState> {
        self.lock().state.clone().filter(|(f, _)| *f == formats).map(|(_, state)| state)
    }

    pub(crate) fn learn(&self, formats: u64, state: crate::SourceState) {
        self.lock().state = Some((formats, state));
    }

    pub(crate) fn host(&self) -> Option<String> {
        self.lock().info.host.clone()
    }

    pub(crate) fn info(&self) -> SourceInfo {
        self.lock().info.clone()
    }

    /// A format that the configuration fixes; what an operator said since goes before.
    fn configure(&self, inner: &mut Inner, format: Option<&str>) {
        let Inner { info, hand, .. } = inner;
        if format.is_some() && *hand != Hand::Now && info.format.as_deref().filter(|_| info.pinned) != format {
            info.format = format.map(str::to_owned);
            info.pinned = true;
            self.pin_version.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locked for a change that people should see.
    fn change(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        inner.changed = true;
        inner
    }
}

/// Every source, its ledger and what is believed of it.
#[derive(Debug)]
pub struct SourceRegistry {
    max_sources: usize,
    sources: RwLock<HashMap<String, Arc<SourceEntry>, foldhash::fast::RandomState>>,
    totals: Mutex<Totals>,
    evicted: AtomicU64,
    changes: watch::Sender<u64>,
}

impl SourceRegistry {
    /// An empty registry of at most [`LimitsConfig::sources`] sources.
    pub fn new(limits: &LimitsConfig) -> Self {
        Self {
            max_sources: limits.sources.max(16),
            sources: RwLock::default(),
            totals: Mutex::default(),
            evicted: AtomicU64::new(0),
            changes: watch::Sender::new(0),
        }
    }

    /// Takes over what an earlier run knew: identity, guesses, pins and counters.
    pub fn restore(&self, known: Vec<SourceInfo>) {
        let mut sources = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        for info in known.into_iter().take(self.max_sources) {
            add(&mut totals.counters, &info.counters);
            let entry = SourceEntry {
                id: info.id.clone(),
                pin_version: AtomicU32::new(1),
                gone: AtomicBool::new(false),
                inner: Mutex::new(Inner {
                    hand: if info.pinned { Hand::Earlier } else { Hand::Never },
                    info,
                    history: VecDeque::new(),
                    changed: false,
                    state: None,
                }),
            };
            sources.insert(entry.id.clone(), Arc::new(entry));
        }
    }

    /// Every source now, by id.
    pub fn snapshot(&self) -> Vec<SourceInfo> {
        let mut out: Vec<SourceInfo> = self.read().values().map(|e| e.lock().info.clone()).collect();
        out.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        out
    }

    /// The sources that changed since this was asked last, by id: what is to be persisted. For one asker only.
    pub fn changed(&self) -> Vec<SourceInfo> {
        let take = |e: &Arc<SourceEntry>| {
            let mut inner = e.lock();
            std::mem::take(&mut inner.changed).then(|| inner.info.clone())
        };
        let mut out: Vec<SourceInfo> = self.read().values().filter_map(take).collect();
        out.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        out
    }

    /// One source.
    pub fn get(&self, id: &str) -> Option<SourceInfo> {
        self.read().get(id).map(|e| e.lock().info.clone())
    }

    /// The last [`HISTORY_MINUTES`] minutes in which the source had records, oldest first.
    pub fn history(&self, id: &str) -> Vec<MinuteCounters> {
        self.read().get(id).map(|e| e.lock().history.iter().copied().collect()).unwrap_or_default()
    }

    /// Sums over all sources since the first run.
    pub fn totals(&self) -> Totals {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner).clone();
        totals.sources = self.read().len();
        totals.evicted = self.evicted.load(Ordering::Relaxed);
        totals
    }

    /// Fixes the format of a source (`Some`), or lets content decide again (`None`). Connections follow at their next record.
    /// Whether a format of this name exists is the caller's to check. `false`: no such source.
    pub fn pin_format(&self, id: &str, format: Option<&str>) -> bool {
        let Some(entry) = self.read().get(id).cloned() else { return false };
        {
            let mut inner = entry.change();
            inner.hand = Hand::Now;
            inner.info.pinned = format.is_some();
            inner.info.format = format.map(str::to_owned);
        }
        entry.pin_version.fetch_add(1, Ordering::AcqRel);
        self.moved();
        true
    }

    /// A counter that moves whenever a snapshot would differ: await it, wait a moment, persist a snapshot.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The source of this id, made on first use.
    pub(crate) fn introduce(&self, new: &Introduction<'_>) -> Arc<SourceEntry> {
        if let Some(entry) = self.read().get(new.id) {
            let entry = entry.clone();
            self.refresh(&entry, new);
            return entry;
        }
        let mut sources = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = sources.get(new.id) {
            return entry.clone();
        }
        if sources.len() >= self.max_sources {
            self.evict(&mut sources);
        }
        let info = SourceInfo {
            id: new.id.to_owned(),
            agency: new.agency.to_owned(),
            transport: new.transport.as_str().to_owned(),
            peer: new.peer,
            tls_identity: new.tls_identity.map(str::to_owned),
            host: new.host.map(str::to_owned),
            format: new.format.map(str::to_owned),
            product: None,
            confidence: PerMille(0),
            pinned: new.format.is_some(),
            first_seen: new.at,
            last_seen: new.at,
            skew: None,
            counters: SourceCounters::default(),
            packets: None,
        };
        let entry = Arc::new(SourceEntry {
            id: info.id.clone(),
            pin_version: AtomicU32::new(u32::from(info.pinned)),
            gone: AtomicBool::new(false),
            inner: Mutex::new(Inner { hand: Hand::Never, info, history: VecDeque::new(), changed: true, state: None }),
        });
        sources.insert(entry.id.clone(), entry.clone());
        drop(sources);
        self.moved();
        entry
    }

    /// A source that comes back: the configuration and the certificate of today count.
    fn refresh(&self, entry: &SourceEntry, new: &Introduction<'_>) {
        let mut inner = entry.change();
        let info = &mut inner.info;
        info.last_seen = info.last_seen.max(new.at);
        if info.agency != new.agency {
            info.agency = new.agency.to_owned();
        }
        if new.tls_identity.is_some() && info.tls_identity.as_deref() != new.tls_identity {
            info.tls_identity = new.tls_identity.map(str::to_owned);
        }
        entry.configure(&mut inner, new.format);
    }

    /// Makes room for a sixteenth of the table: first sources that sent little, then those silent for longest; those
    /// an operator looked after last.
    fn evict(&self, sources: &mut HashMap<String, Arc<SourceEntry>, foldhash::fast::RandomState>) {
        let mut order: Vec<(Hand, bool, i64, String)> = sources
            .values()
            .map(|e| {
                let inner = e.lock();
                (inner.hand, inner.info.counters.kept >= ESTABLISHED, inner.info.last_seen, e.id.clone())
            })
            .collect();
        order.sort_unstable();
        order.truncate((self.max_sources / 16).max(1));
        for (_, _, _, id) in &order {
            if let Some(entry) = sources.remove(id) {
                entry.gone.store(true, Ordering::Release);
            }
        }
        self.evicted.fetch_add(order.len() as u64, Ordering::Relaxed);
    }

    /// A batch became durable.
    pub(crate) fn kept(&self, accounts: &[(Arc<SourceEntry>, Delta)]) {
        for (entry, d) in accounts {
            let mut inner = entry.change();
            inner.info.last_seen = inner.info.last_seen.max(d.at);
            count_kept(&mut inner.info.counters, d);
            if let Some(m) = minute(&mut inner.history, d.at) {
                m.received += d.records;
                m.kept += d.records;
                m.unparsed += d.unparsed;
                m.bytes += d.bytes;
            }
        }
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, d) in accounts {
            count_kept(&mut totals.counters, d);
            totals.truncated += d.truncated;
        }
        drop(totals);
        self.moved();
    }

    /// Records of a source were refused.
    pub(crate) fn refused(&self, entry: &SourceEntry, reason: Reason, count: u64, at: i64) {
        {
            let mut inner = entry.change();
            inner.info.last_seen = inner.info.last_seen.max(at);
            count_refused(&mut inner.info.counters, reason, count);
            if let Some(m) = minute(&mut inner.history, at) {
                m.received += count;
                m.refused += count;
            }
        }
        count_refused(&mut self.totals.lock().unwrap_or_else(PoisonError::into_inner).counters, reason, count);
        self.moved();
    }

    /// What a sensor has seen and lost by now.
    pub(crate) fn packets(&self, entry: &SourceEntry, packets: PacketCounters, at: i64) {
        {
            let mut inner = entry.change();
            let before = inner.info.packets.as_ref().map_or(0, |p| p.seen);
            if packets.seen > before {
                inner.info.last_seen = inner.info.last_seen.max(at);
            }
            inner.info.packets = Some(packets);
        }
        self.moved();
    }

    /// What the pipeline believes of a source now.
    pub(crate) fn believe(&self, entry: &SourceEntry, guess: &Guess, host: Option<&str>) {
        let mut inner = entry.change();
        let info = &mut inner.info;
        if !info.pinned {
            info.format.clone_from(&guess.format);
        }
        info.product.clone_from(&guess.product);
        info.confidence = PerMille(guess.confidence);
        info.skew = guess.skew;
        if host.is_some() && info.host.as_deref() != host {
            info.host = host.map(str::to_owned);
        }
        drop(inner);
        self.moved();
    }

    /// The records of a source turned out to name a host, and what the configuration says of that host.
    pub(crate) fn named(&self, entry: &SourceEntry, host: &str, agency: &str, format: Option<&str>) {
        {
            let mut inner = entry.change();
            inner.info.host = Some(host.to_owned());
            agency.clone_into(&mut inner.info.agency);
            entry.configure(&mut inner, format);
        }
        self.moved();
    }

    fn moved(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Arc<SourceEntry>, foldhash::fast::RandomState>> {
        self.sources.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count_kept(counters: &mut SourceCounters, d: &Delta) {
    counters.received += d.records;
    counters.kept += d.records;
    counters.unparsed += d.unparsed;
    counters.parsed += d.records - d.unparsed;
    counters.bytes += d.bytes;
}

fn count_refused(counters: &mut SourceCounters, reason: Reason, count: u64) {
    counters.received += count;
    match counters.refused.get_mut(reason.as_str()) {
        Some(n) => *n += count,
        None => {
            counters.refused.insert(reason.as_str().to_owned(), count);
        }
    }
}

fn add(sum: &mut SourceCounters, other: &SourceCounters) {
    sum.received += other.received;
    sum.kept += other.kept;
    sum.parsed += other.parsed;
    sum.unparsed += other.unparsed;
    sum.bytes += other.bytes;
    let refused: &BTreeMap<String, u64> = &other.refused;
    for (reason, n) in refused {
        *sum.refused.entry(reason.clone()).or_default() += n;
    }
}
