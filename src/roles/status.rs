//! How the deployment is, asked of Kafka every few seconds: lag of every group by partition, for the API and for metrics.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use fansipan_api::{BusStatus, ConsumerStatus, Lag, LiveSnapshot, LiveStatus, RuleCounts, RuleListing};
use fansipan_bus::kafka::{
    Names, Settings,
    lag::{Lags, PartitionLag},
};
use fansipan_rules::RuleSet;
use fansipan_storage::planner::PlannedStore;

use super::{control::Roster, indexer, keeping, matching, mirror, node::Health};
use crate::content::Content;

const EVERY: Duration = Duration::from_secs(2);

/// What was found at the latest look.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    groups: Vec<(&'static str, Vec<PartitionLag>)>,
    /// Records in the events topic so far.
    head: u64,
    per_second: f64,
    /// Since when a group is behind.
    behind_since: Option<Instant>,
    problem: Option<String>,
}

/// Looks.
pub(super) struct Watch {
    settings: Settings,
    roster: Arc<Roster>,
    figures: Arc<Mutex<Figures>>,
    health: Arc<Health>,
    stop: Arc<AtomicBool>,
    /// Where events are kept in ClickHouse: then there are indexers to watch.
    planned: Option<Arc<PlannedStore>>,
}

impl Watch {
    pub(super) fn new(
        settings: &Settings,
        planned: Option<Arc<PlannedStore>>,
        roster: Arc<Roster>,
        health: Arc<Health>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self { settings: settings.clone(), roster, figures: Arc::default(), health, stop, planned }
    }

    pub(super) fn figures(&self) -> Arc<Mutex<Figures>> {
        Arc::clone(&self.figures)
    }

    /// Looks every few seconds until told to stop.
    pub(super) fn run(&self) -> Result<()> {
        let names = Names::new(&self.settings);
        let mut groups = vec![(matching::GROUP, &names.events), (keeping::GROUP, &names.keyed), (mirror::GROUP, &names.events)];
        groups.extend(self.planned.is_some().then_some((indexer::GROUP, &names.events)));
        let mut lags = Lags::new(&self.settings);
        let mut before: Option<(Instant, u64)> = None;
        while !self.stop.load(Ordering::Relaxed) {
            let looked: Result<Vec<_>, _> = groups.iter().map(|(group, topic)| lags.of(group, topic).map(|l| (*group, l))).collect();
            match looked {
                Ok(found) => self.note(found, &mut before),
                Err(error) => {
                    self.figures.lock().unwrap_or_else(PoisonError::into_inner).problem = Some(error.to_string());
                    self.health.set_alarm(Some(error.to_string()));
                }
            }
            std::thread::park_timeout(EVERY);
        }
        Ok(())
    }

    /// That ClickHouse does not answer, and what that means.
    fn archive_away(&self) -> Option<String> {
        let away = self.planned.as_ref()?.last_away();
        self.health.set("fansipan_archive_away", f64::from(u8::from(away.is_some())));
        away.map(|reason| {
            format!("ClickHouse does not answer ({reason}): recent days are searched on this machine's own disk, older ones wait")
        })
    }

    fn note(&self, found: Vec<(&'static str, Vec<PartitionLag>)>, before: &mut Option<(Instant, u64)>) {
        let mut behind = false;
        for (group, partitions) in &found {
            for p in partitions {
                let name = format!("fansipan_lag_records{{group=\"{group}\",partition=\"{}\"}}", p.partition);
                self.health.set(name, p.records() as f64);
                behind |= p.records() > 0;
            }
        }
        for (collector, spool) in self.roster.spools() {
            self.health.set(format!("fansipan_spool_records{{collector=\"{collector}\"}}"), spool.waiting as f64);
            let silent = spool.heard.elapsed().as_secs_f64();
            self.health.set(format!("fansipan_collector_silent_seconds{{collector=\"{collector}\"}}"), silent);
        }
        let away = self.archive_away();
        self.health.set_alarm(away.clone().or_else(|| self.roster.trouble()));
        let head: u64 = found.first().map_or(0, |(_, list)| list.iter().map(|p| p.end).sum());
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, old)) = before {
            figures.per_second = head.saturating_sub(*old) as f64 / at.elapsed().as_secs_f64().max(0.001);
        }
        *before = Some((Instant::now(), head));
        figures.behind_since = if behind { figures.behind_since.or_else(|| Some(Instant::now())) } else { None };
        (figures.groups, figures.head, figures.problem) = (found, head, away);
    }
}

/// The deployment as the API shows it.
pub(super) struct Cluster {
    pub(super) figures: Arc<Mutex<Figures>>,
    pub(super) content: Arc<Content>,
    pub(super) started: Instant,
    pub(super) data: PathBuf,
    pub(super) roster: Arc<Roster>,
}

impl LiveStatus for Cluster {
    fn snapshot(&self) -> LiveSnapshot {
        let figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let listing = self.content.listing();
        let failed = listing.diagnostics.iter().filter(|d| d.severity == "error").count() as u64;
        let sum = |group: &str| -> u64 {
            figures.groups.iter().filter(|(g, _)| *g == group).flat_map(|(_, list)| list.iter().map(PartitionLag::records)).sum()
        };
        let mut consumers: Vec<ConsumerStatus> = Vec::new();
        for (group, list) in &figures.groups {
            let one = |p: &PartitionLag| ConsumerStatus { name: format!("{group}/{}", p.partition), offset: p.committed, lag: p.records() };
            consumers.extend(list.iter().map(one));
        }
        let spools = self.roster.spools();
        for (collector, spool) in &spools {
            consumers.push(ConsumerStatus { name: format!("spool/{collector}"), offset: 0, lag: spool.waiting });
        }
        let alarm = figures.problem.clone().or_else(|| self.roster.trouble());
        LiveSnapshot {
            events_total: figures.head,
            per_second: figures.per_second,
            uptime_s: self.started.elapsed().as_secs(),
            rules: RuleCounts { loaded: listing.items.len() as u64, failed },
            disk: crate::live::disk(&self.data),
            lag: Lag {
                analyzer: sum(matching::GROUP) + sum(keeping::GROUP),
                indexer: sum(mirror::GROUP) + sum(indexer::GROUP),
                // at most: nothing that waits now came before everything had been read last
                seconds: figures.behind_since.map_or(0.0, |at| at.elapsed().as_secs_f64()),
            },
            detection: Vec::new(),
            bus: BusStatus { head: figures.head, bytes: 0, alarm, consumers },
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
