//! What the running pipeline says of itself, and orders to it, for the API.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use arc_swap::ArcSwap;
use fansipan_api::{
    BusStatus, ConsumerStatus, DetectorStatus, DiskStatus, Lag, LiveSnapshot, LiveStatus, RuleCounts, RuleListing, SourceControl,
};
use fansipan_bus::EmbeddedBus;
use fansipan_collector::{Normalizer, ledger::SourceRegistry};
use fansipan_rules::RuleSet;

use crate::{content::Content, detection, indexing};

/// Looks into the parts of this process.
pub(crate) struct Live {
    pub(crate) bus: EmbeddedBus,
    pub(crate) content: Arc<Content>,
    pub(crate) started: Instant,
    pub(crate) data: PathBuf,
    pub(crate) analyzed_until: Arc<AtomicU64>,
    pub(crate) indexed_until: Arc<AtomicU64>,
    pub(crate) rate: Mutex<Rate>,
    /// What detection remembers.
    pub(crate) detection: Arc<ArcSwap<Vec<DetectorStatus>>>,
}

/// Events per second over the last few seconds, from two looks at the log's counter.
#[derive(Default)]
pub(crate) struct Rate {
    last: Option<(Instant, u64)>,
    per_second: f64,
}

impl Rate {
    fn update(&mut self, records: u64) -> f64 {
        let now = Instant::now();
        match self.last {
            Some((at, before)) if now.duration_since(at).as_secs_f64() < 1.0 => {
                let _ = (at, before); // too soon for a new figure
            }
            Some((at, before)) => {
                self.per_second = records.saturating_sub(before) as f64 / now.duration_since(at).as_secs_f64();
                self.last = Some((now, records));
            }
            None => self.last = Some((now, records)),
        }
        self.per_second
    }
}

impl LiveStatus for Live {
    fn snapshot(&self) -> LiveSnapshot {
        let bus = self.bus.status();
        let lag_of = |name: &str| bus.consumers.iter().find(|c| c.name == name).map_or(0, |c| c.lag);
        let (analyzer, indexer) = (lag_of(detection::CONSUMER), lag_of(indexing::CONSUMER));
        let per_second = self.rate.lock().unwrap_or_else(PoisonError::into_inner).update(bus.counters.records);
        let listing = self.content.listing();
        let failed = listing.diagnostics.iter().filter(|d| d.severity == "error").count() as u64;
        LiveSnapshot {
            events_total: bus.counters.records,
            per_second,
            uptime_s: self.started.elapsed().as_secs(),
            rules: RuleCounts { loaded: listing.items.len() as u64, failed },
            disk: disk(&self.data),
            detection: self.detection.load().to_vec(),
            lag: Lag { analyzer, indexer, seconds: self.seconds_behind(analyzer, indexer) },
            bus: BusStatus {
                head: bus.head,
                bytes: bus.bytes,
                alarm: bus.alarm().map(|a| a.message.clone()),
                consumers: bus.consumers.iter().map(|c| ConsumerStatus { name: c.name.clone(), offset: c.committed, lag: c.lag }).collect(),
            },
        }
    }

    fn rules(&self) -> RuleListing {
        self.content.listing()
    }

    fn rule_text(&self, id: &str) -> Option<String> {
        self.content.text(id)
    }

    fn rule_set(&self) -> Arc<RuleSet> {
        self.content.rules.load_full()
    }
}

impl Live {
    /// Age of the oldest record a reader has not seen; zero when both are at the end.
    fn seconds_behind(&self, analyzer: u64, indexer: u64) -> f64 {
        let now = now();
        let age = |lag: u64, until: &AtomicU64| match until.load(Ordering::Relaxed) {
            0 => 0.0,
            _ if lag == 0 => 0.0,
            seen => now.saturating_sub(seen) as f64 / 1e9,
        };
        age(analyzer, &self.analyzed_until).max(age(indexer, &self.indexed_until))
    }
}

/// The disk that holds the data folder.
pub(crate) fn disk(data: &std::path::Path) -> DiskStatus {
    match rustix::fs::statvfs(data) {
        Ok(s) => DiskStatus { free: s.f_bavail.saturating_mul(s.f_frsize), total: s.f_blocks.saturating_mul(s.f_frsize) },
        Err(_) => DiskStatus::default(),
    }
}

/// Now, UTC nanoseconds.
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64)
}

/// Orders to the collector.
pub(crate) struct Control {
    pub(crate) registry: Arc<SourceRegistry>,
    pub(crate) normalizer: Arc<Normalizer>,
}

impl SourceControl for Control {
    fn formats(&self) -> Vec<String> {
        let mut names: Vec<String> = self.normalizer.formats().map(|(_, info)| info.name.to_string()).collect();
        names.sort();
        names
    }

    fn format_pinned(&self, source: &str, format: Option<&str>) {
        self.registry.pin_format(source, format);
    }
}
