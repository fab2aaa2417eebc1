//! Alerts on their way to people: what the analyzer found becomes durable together with how far it has read, incidents are
//! linked, live views are told.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use fansipan_analyzer::{Incidents, LinkSettings, Signal};
use fansipan_api::Feed;
use fansipan_model::{Alert, AlertId, IncidentLink, Scope, said};
use fansipan_storage::{AlertBatch, AlertChange, AlertFilter, AlertRepeat, Applied, RuleCount, StateStore, Suppressed};

/// Alerts of a batch that live views are told of; a storm is told by its latest, and a page that is opened reads them all.
const TOLD: usize = 256;
/// Alerts looked at to find those still open to repeats.
const RESTORE_PAGE: usize = 1000;

/// The latest alerts of the state store, latest first.
pub(crate) fn recent(state: &dyn StateStore, most: usize) -> Result<Vec<Alert>> {
    let filter = AlertFilter { suppressed: Suppressed::With, ..AlertFilter::default() };
    let mut list = Vec::new();
    let mut after: Option<String> = None;
    while list.len() < most {
        let page = state
            .alerts(&Scope::All, &filter, after.as_deref(), RESTORE_PAGE)
            .with_context(|| said!("FSP-RUN-015: cannot read alerts", "FSP-RUN-015: không đọc được cảnh báo"))?;
        list.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(list)
}

/// The way into the state store.
pub(crate) struct Alerts {
    state: Arc<dyn StateStore>,
    feed: Feed,
    stop: Arc<AtomicBool>,
    links: Incidents,
}

impl Alerts {
    /// Continues after the alerts that are there, latest first.
    pub(crate) fn open(state: Arc<dyn StateStore>, feed: Feed, stop: Arc<AtomicBool>, latest_first: &[Alert]) -> Result<Self> {
        let ids: Vec<AlertId> = latest_first.iter().map(|a| a.id).collect();
        let known =
            state.incident_links(&ids).with_context(|| said!("FSP-RUN-045: cannot read incidents", "FSP-RUN-045: không đọc được sự cố"))?;
        let mut links = Incidents::new(LinkSettings::default());
        latest_first
            .iter()
            .zip(known)
            .rev()
            .filter(|(a, _)| a.suppressed.is_none())
            .for_each(|(alert, incident)| links.restore(alert, incident));
        Ok(Self { state, feed, stop, links })
    }

    /// Makes changes durable, however long that takes, then tells the listeners. False: told to stop before.
    pub(crate) fn store(&mut self, consumer: &str, next_offset: u64, changes: Vec<AlertChange>, rules: Vec<RuleCount>) -> bool {
        let incidents = linked(&mut self.links, &changes);
        let batch = AlertBatch { consumer, next_offset, changes, rules, incidents };
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
        let opened: HashMap<AlertId, u32> = applied.opened.iter().copied().collect();
        let new = changes.into_iter().filter_map(|change| match change {
            AlertChange::Open(alert) | AlertChange::Put(alert) if alert.suppressed.is_none() => {
                Some((*opened.get(&alert.id)?, Arc::from(alert)))
            }
            _ => None,
        });
        new.skip(opened.len().saturating_sub(TOLD)).for_each(|(priority, alert)| self.feed.alert(alert, Some(priority)));
        for id in applied.grown.iter().skip(applied.grown.len().saturating_sub(TOLD)) {
            match self.state.alert(&Scope::All, *id) {
                Ok(Some(alert)) if alert.suppressed.is_none() => self.feed.alert(Arc::new(alert), None),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a live view misses an alert"),
            }
        }
    }
}

/// Signals as changes of the store: repeats of the same alert become one change, or part of the one that opens it.
pub(crate) fn changes(signals: impl Iterator<Item = Signal>) -> Vec<AlertChange> {
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
