//! The analyzer role: log → detection → alerts in the state store, exactly once.
//!
//! The state store keeps the position in the log in the same transaction as the alerts, so after a crash the thread goes on
//! where its effects end. The bus learns the position afterwards, only to know what it may delete.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use fansipan_analyzer::{Analyzer, Losses, Report};
use fansipan_api::{DetectorStatus, Feed};
use fansipan_bus::{Consumer, EmbeddedBus};
use fansipan_model::{Alert, Event, Said, codec, said};
use fansipan_rules::RuleSet;
use fansipan_storage::{RuleCount, StateStore};

use crate::{
    alerts::{self, Alerts},
    exceptions::Watch,
    lateness,
    memory::Memory,
    storing::{Found, Store, Storing},
};

/// Name of this consumer of the log.
pub(crate) const CONSUMER: &str = "analyzer";

/// Records taken from the log at a time.
const RECORDS: usize = 8192;
/// Bytes taken from the log at a time.
const BYTES: usize = 1 << 20;
/// Records that wait in the log when detection is behind: then what it finds is stored less often, for much of the work of storing
/// is per transaction, or per alert that grew.
const BEHIND: u64 = RECORDS as u64;
/// Shortest and longest time between two times of storing while behind.
const HELD: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));
/// Signals that are stored at once, however short the time was, and however much is being stored.
const HELD_SIGNALS: usize = 20_000;
/// Longest wait for records, and that while something found waits for the state store.
const IDLE: Duration = Duration::from_millis(200);
const SOON: Duration = Duration::from_millis(2);

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
    /// What it remembers, for those who ask how the service is.
    pub(crate) report: Arc<ArcSwap<Vec<DetectorStatus>>>,
    pub(crate) stop: Arc<AtomicBool>,
}

/// Time between two looks at what is remembered.
const LOOK: Duration = Duration::from_secs(2);

fn unread() -> Said {
    said!("FSP-RUN-012: cannot read the log for detection", "FSP-RUN-012: không đọc được nhật ký bền vững để phát hiện")
}

fn gone() -> Said {
    said!("FSP-RUN-018: the log no longer has the position of detection", "FSP-RUN-018: nhật ký bền vững không còn vị trí cần phát hiện")
}

/// Whether what was found should be stored now: one after the other, and while behind not too often. `ingested`: when the latest
/// record arrived, UTC nanoseconds.
fn is_time(consumer: &Consumer, storing: &mut Storing<'_>, ingested: i64) -> bool {
    let lag = consumer.lag();
    !storing.is_busy() && (lag < BEHIND || storing.given_at().elapsed() >= lateness::held(lag, ingested, HELD))
}

/// What detectors hold, and below each what lost something.
fn remembered(reports: Vec<(&str, Report)>) -> Vec<DetectorStatus> {
    let one = |name: &str, groups: usize, l: Losses| DetectorStatus {
        name: name.to_owned(),
        groups: groups as u64,
        evicted: l.evicted,
        cut: l.cut,
        late: l.late,
    };
    let mut list = Vec::new();
    for (name, report) in reports.iter().filter(|(name, _)| *name != "sigma") {
        list.push(one(name, report.groups, report.losses));
        list.extend(report.by_rule.iter().map(|(part, losses)| one(&format!("{name}/{part}"), 0, *losses)));
    }
    list
}

impl Detection {
    /// Runs until told to stop. An error of the state store is retried: nothing is skipped.
    pub(crate) fn run(mut self) -> Result<()> {
        let mut consumer = self.bus.consumer(CONSUMER).with_context(|| {
            said!("FSP-RUN-010: cannot read the log for detection", "FSP-RUN-010: không đọc được nhật ký bền vững để phát hiện")
        })?;
        let in_force = self.rules.load_full();
        let mut analyzer = Analyzer::new(&in_force, self.grouping.clone(), self.correlation.clone());
        let mut exceptions = Watch::new(Arc::clone(&self.state));
        analyzer.except(exceptions.read()?);
        let recent = alerts::recent(&*self.state, self.grouping.max_open)?;
        let done = self.resume(&mut consumer, &mut analyzer, &recent, &mut exceptions)?;
        let store = Store {
            alerts: Alerts::open(Arc::clone(&self.state), self.feed.clone(), Arc::clone(&self.stop), &recent)?,
            position: self.position(),
            commits: consumer.commits(),
            seen_until: Arc::clone(&self.seen_until),
        };
        drop(recent);
        self.remember(&analyzer, done);
        thread::scope(|scope| {
            let mut storing = Storing::begin(scope, store, done)?;
            let looked = self.look(&mut consumer, &mut analyzer, in_force, &mut exceptions, &mut storing);
            let stored = storing.end();
            looked.and(stored)
        })
    }

    /// Looks at records as they come and hands on what they come to.
    fn look(
        &mut self,
        consumer: &mut Consumer,
        analyzer: &mut Analyzer,
        mut in_force: Arc<RuleSet>,
        exceptions: &mut Watch,
        storing: &mut Storing<'_>,
    ) -> Result<()> {
        let mut event = Event::default();
        let mut signals = Vec::new();
        let mut looked: Option<Instant> = None;
        let mut read = storing.given();
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            let remembering = stopping || self.memory.is_due();
            if read > storing.given() && (remembering || signals.len() >= HELD_SIGNALS || is_time(consumer, storing, event.ingested())) {
                analyzer.settle(&mut signals);
                let counts = analyzer.take_matches().map(|(rule, m)| RuleCount { rule, count: m.count, last: m.last }).collect();
                if !storing.give(Found { next: read, signals: mem::take(&mut signals), counts, ingested: event.ingested() }) {
                    return Ok(()); // what was kept before is older than the position in the state store, and so is the log
                }
            }
            if remembering {
                // what is kept must not be ahead of the state store
                if !storing.finish() {
                    return Ok(());
                }
                self.remember(analyzer, read);
            }
            if stopping {
                return Ok(());
            }
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                self.report.store(Arc::new(remembered(analyzer.reports())));
                looked = Some(Instant::now());
            }
            // before the wait: an exception counts only some seconds after it was made
            if let Some(changed) = exceptions.changed() {
                analyzer.except(changed);
            }
            let patience = if read > storing.given() { SOON } else { IDLE };
            let records = consumer.poll(RECORDS, BYTES, patience).with_context(unread)?;
            // after the wait: what arrived since the rules changed is judged by the new ones
            let rules = self.rules.load();
            if !Arc::ptr_eq(&rules, &in_force) {
                in_force = Arc::clone(&rules);
                analyzer.settle(&mut signals);
                if let Err(error) = analyzer.replace_rules(&in_force) {
                    tracing::error!(%error, "FSP-RUN-043: windows of correlations begin anew under the new rules");
                }
            }
            for (offset, bytes) in records.iter() {
                read = offset + 1;
                match codec::decode_into(bytes, &mut event) {
                    Ok(()) => analyzer.step(&event, &mut signals),
                    Err(error) => tracing::error!(offset, %error, "FSP-RUN-013: a record of the log is no event; detection skips it"),
                }
            }
        }
    }

    /// Puts detection where it was: alerts from the state store, memory from its snapshot and the log since then. The first
    /// position whose effects are not stored yet.
    fn resume(&self, consumer: &mut Consumer, analyzer: &mut Analyzer, recent: &[Alert], exceptions: &mut Watch) -> Result<u64> {
        let stored = self.state.consumer_offset(&self.position()).with_context(|| {
            said!("FSP-RUN-011: cannot read the position of detection", "FSP-RUN-011: không đọc được vị trí đã phát hiện")
        })?;
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
        consumer.seek(next).with_context(gone)?;
        let mut event = Event::default();
        while next < stored && !self.stop.load(Ordering::Relaxed) {
            let most = usize::try_from(stored - next).unwrap_or(RECORDS).min(RECORDS);
            let records = consumer.poll(most, BYTES, Duration::ZERO).with_context(unread)?;
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
        consumer.seek(stored.max(oldest)).with_context(gone)?;
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
}
