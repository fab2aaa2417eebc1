//! The analyzer role: log → detection → alerts in the state store, exactly once.
//!
//! The state store keeps the position in the log in the same transaction as the alerts, so after a crash the thread goes on
//! where its effects end. The bus learns the position afterwards, only to know what it may delete.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use fansipan_analyzer::{Analyzer, Incidents, LinkSettings, Signal};
use fansipan_api::Feed;
use fansipan_bus::{Consumer, EmbeddedBus};
use fansipan_model::{Alert, AlertId, Event, IncidentLink, Scope, codec};
use fansipan_rules::RuleSet;
use fansipan_storage::{AlertBatch, AlertChange, AlertFilter, AlertRepeat, Applied, RuleCount, StateStore, Suppressed};

use crate::{exceptions::Watch, memory::Memory};

/// Name of this consumer of the log.
pub(crate) const CONSUMER: &str = "analyzer";

/// Records taken from the log at a time.
const RECORDS: usize = 8192;
/// Bytes taken from the log at a time.
const BYTES: usize = 8 << 20;
/// Alerts of a batch that live views are told of; a storm is told by its latest, and a page that is opened reads them all.
const TOLD: usize = 256;
/// Alerts looked at to find those still open to repeats.
const RESTORE_PAGE: usize = 1000;

pub(crate) struct Detection {
    pub(crate) bus: EmbeddedBus,
    /// Identity of the log that positions belong to.
    pub(crate) log: String,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) rules: Arc<ArcSwap<RuleSet>>,
    pub(crate) feed: Feed,
    pub(crate) grouping: fansipan_analyzer::GroupingConfig,
    pub(crate) correlation: fansipan_analyzer::Settings,
    pub(crate) memory: Memory,
    /// `event.ingested` of the latest event seen, UTC nanoseconds.
    pub(crate) seen_until: Arc<AtomicU64>,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Detection {
    /// Runs until told to stop. An error of the state store is retried: nothing is skipped.
    pub(crate) fn run(mut self) -> Result<()> {
        let mut consumer = self.bus.consumer(CONSUMER).context("FSP-RUN-010: cannot read the log for detection")?;
        let mut in_force = self.rules.load_full();
        let mut analyzer = Analyzer::new(&in_force, self.grouping.clone(), self.correlation.clone());
        let mut exceptions = Watch::new(Arc::clone(&self.state));
        analyzer.except(exceptions.read()?);
        let recent = self.recent_alerts()?;
        let mut done = self.resume(&mut consumer, &mut analyzer, &recent, &mut exceptions)?;
        let mut links = self.links(&recent)?;
        self.remember(&analyzer, done);
        let mut event = Event::default();
        let mut signals = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            if self.memory.is_due() {
                self.remember(&analyzer, done);
            }
            signals.clear();
            let mut next = None;
            // before the wait: an exception counts only some seconds after it was made
            if let Some(changed) = exceptions.changed() {
                analyzer.except(changed);
            }
            let records =
                consumer.poll(RECORDS, BYTES, Duration::from_millis(200)).context("FSP-RUN-012: cannot read the log for detection")?;
            // after the wait: what arrived since the rules changed is judged by the new ones
            let rules = self.rules.load();
            if !Arc::ptr_eq(&rules, &in_force) {
                in_force = Arc::clone(&rules);
                if let Err(error) = analyzer.replace_rules(&in_force) {
                    tracing::error!(%error, "FSP-RUN-043: windows of correlations begin anew under the new rules");
                }
            }
            for (offset, bytes) in records.iter() {
                next = Some(offset + 1);
                match codec::decode_into(bytes, &mut event) {
                    Ok(()) => analyzer.step(&event, &mut signals),
                    Err(error) => tracing::error!(offset, %error, "FSP-RUN-013: a record of the log is no event; detection skips it"),
                }
            }
            let Some(next) = next else { continue };
            analyzer.settle(&mut signals);
            self.seen_until.store(event.ingested() as u64, Ordering::Relaxed);
            let counts = analyzer.take_matches().map(|(rule, m)| RuleCount { rule, count: m.count, last: m.last }).collect();
            if !self.store(next, signals.drain(..), counts, &mut links) {
                return Ok(()); // what was kept before is older than the position in the state store, and so is the log
            }
            consumer.commit(next).context("FSP-RUN-014: cannot commit the position of detection")?;
            done = next;
        }
        self.remember(&analyzer, done);
        Ok(())
    }

    /// Puts detection where it was: alerts from the state store, memory from its snapshot and the log since then. The first
    /// position whose effects are not stored yet.
    fn resume(&self, consumer: &mut Consumer, analyzer: &mut Analyzer, recent: &[Alert], exceptions: &mut Watch) -> Result<u64> {
        let stored = self.state.consumer_offset(&self.position()).context("FSP-RUN-011: cannot read the position of detection")?;
        let oldest = self.bus.status().oldest;
        let kept = match self.memory.read()?.map(|state| analyzer.load(&state)) {
            None => stored,
            Some(Ok(offset)) if offset <= stored => offset,
            Some(Ok(_)) => {
                // a state store that was put back from a backup
                *analyzer = Analyzer::new(&self.rules.load_full(), self.grouping.clone(), self.correlation.clone());
                analyzer.except(exceptions.read()?);
                stored
            }
            Some(Err(error)) => {
                tracing::error!(%error, "windows of correlations that were open begin anew");
                stored
            }
        };
        if kept < oldest.min(stored) {
            tracing::warn!(kept, oldest, "FSP-RUN-044: the log no longer has all that correlations would look at again");
        }
        let mut next = kept.max(oldest);
        consumer.seek(next).context("FSP-RUN-018: the log no longer has the position of detection")?;
        let mut event = Event::default();
        while next < stored && !self.stop.load(Ordering::Relaxed) {
            let most = usize::try_from(stored - next).unwrap_or(RECORDS).min(RECORDS);
            let records = consumer.poll(most, BYTES, Duration::ZERO).context("FSP-RUN-012: cannot read the log for detection")?;
            let before = next;
            for (offset, bytes) in records.iter() {
                next = offset + 1;
                if codec::decode_into(bytes, &mut event).is_ok() {
                    analyzer.replay(&event);
                }
            }
            analyzer.settle(&mut Vec::new());
            if next == before {
                break; // the log ends before the position: it lost its end with the disk
            }
        }
        consumer.seek(stored.max(oldest)).context("FSP-RUN-018: the log no longer has the position of detection")?;
        analyzer.restore(recent);
        Ok(stored.max(oldest))
    }

    /// Keeps the analyzer's memory as of a position. A failure costs time at the next start, nothing else.
    fn remember(&mut self, analyzer: &Analyzer, position: u64) {
        if let Err(error) = self.memory.write(|| analyzer.save(position)) {
            tracing::error!("{error:#}");
        }
    }

    /// Under which name the state store keeps the position.
    fn position(&self) -> String {
        format!("{CONSUMER}@{}", self.log)
    }

    /// Alerts that may still take repeats, from the state store.
    fn recent_alerts(&self) -> Result<Vec<Alert>> {
        let filter = AlertFilter { suppressed: Suppressed::With, ..AlertFilter::default() };
        let mut list = Vec::new();
        let mut after: Option<String> = None;
        while list.len() < self.grouping.max_open {
            let page =
                self.state.alerts(&Scope::All, &filter, after.as_deref(), RESTORE_PAGE).context("FSP-RUN-015: cannot read alerts")?;
            list.extend(page.items);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(list)
    }

    /// Which alerts belong together so far.
    fn links(&self, latest_first: &[Alert]) -> Result<Incidents> {
        let ids: Vec<AlertId> = latest_first.iter().map(|a| a.id).collect();
        let known = self.state.incident_links(&ids).context("FSP-RUN-045: cannot read incidents")?;
        let mut links = Incidents::new(LinkSettings::default());
        latest_first
            .iter()
            .zip(known)
            .rev()
            .filter(|(a, _)| a.suppressed.is_none())
            .for_each(|(alert, incident)| links.restore(alert, incident));
        Ok(links)
    }

    /// Makes the signals durable, however long that takes, then tells the listeners. False: told to stop before.
    fn store(&self, next_offset: u64, signals: impl Iterator<Item = Signal>, rules: Vec<RuleCount>, links: &mut Incidents) -> bool {
        let consumer = self.position();
        let changes = changes(signals);
        let incidents = linked(links, &changes);
        let batch = AlertBatch { consumer: &consumer, next_offset, changes, rules, incidents };
        let mut wait = Duration::from_millis(50);
        let applied = loop {
            match self.state.apply_alerts(&batch) {
                Ok(applied) => break applied,
                Err(error) if self.stop.load(Ordering::Relaxed) => {
                    tracing::warn!(%error, "stopping; alerts of the last records will be made again at the next start");
                    return false;
                }
                Err(error) => {
                    tracing::error!(%error, "FSP-RUN-016: cannot store alerts; detection waits and tries again");
                    std::thread::sleep(wait);
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
            }
        };
        if self.feed.is_heard() {
            self.tell(batch.changes, &applied);
        }
        true
    }

    /// Tells the live views what is new and what grew.
    fn tell(&self, changes: Vec<AlertChange>, applied: &Applied) {
        let opened: HashSet<AlertId> = applied.opened.iter().copied().collect();
        let new = changes.into_iter().filter_map(|change| match change {
            AlertChange::Open(alert) | AlertChange::Put(alert) if opened.contains(&alert.id) && alert.suppressed.is_none() => {
                Some(Arc::from(alert))
            }
            _ => None,
        });
        new.skip(opened.len().saturating_sub(TOLD)).for_each(|alert| self.feed.alert(alert));
        for id in applied.grown.iter().skip(applied.grown.len().saturating_sub(TOLD)) {
            match self.state.alert(&Scope::All, *id) {
                Ok(Some(alert)) if alert.suppressed.is_none() => self.feed.alert(Arc::new(alert)),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a live view misses an alert"),
            }
        }
    }
}

/// Signals as changes of the store: repeats of the same alert become one change, or part of the one that opens it.
fn changes(signals: impl Iterator<Item = Signal>) -> Vec<AlertChange> {
    let mut out: Vec<AlertChange> = Vec::new();
    let mut place: HashMap<AlertId, usize> = HashMap::new();
    for signal in signals {
        match signal {
            Signal::Open(alert) => {
                place.insert(alert.id, out.len());
                out.push(AlertChange::Open(alert));
            }
            Signal::Repeat { id, event, at, sampled } => {
                let index = *place.entry(id).or_insert_with(|| {
                    out.push(AlertChange::Repeat(AlertRepeat { id, count: 0, first_seen: at, last_seen: at, events: Vec::new() }));
                    out.len() - 1
                });
                let (count, first_seen, last_seen, events) = match out.get_mut(index) {
                    Some(AlertChange::Open(a)) => (&mut a.count, &mut a.first_seen, &mut a.last_seen, &mut a.events),
                    Some(AlertChange::Repeat(r)) => (&mut r.count, &mut r.first_seen, &mut r.last_seen, &mut r.events),
                    _ => continue,
                };
                *count += 1;
                *first_seen = (*first_seen).min(at);
                *last_seen = (*last_seen).max(at);
                events.extend(sampled.then_some(event));
            }
            Signal::Put(alert) => out.push(AlertChange::Put(alert)),
            Signal::Superseded { id, by } => out.push(AlertChange::Supersede { id, by }),
        }
    }
    out
}

/// What new alerts mean for incidents. One that only repeats links nothing new, one that is held back links nothing.
fn linked(links: &mut Incidents, changes: &[AlertChange]) -> Vec<IncidentLink> {
    let mut found = Vec::new();
    for change in changes {
        if let AlertChange::Open(alert) | AlertChange::Put(alert) = change
            && alert.suppressed.is_none()
        {
            links.take(alert, &mut found);
        }
    }
    found
}
