//! Keeps the proofs of what incidents and actions rest on, before the log forgets them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use fansipan_model::{AlertId, Scope, case::ItemBody, time};
use fansipan_response::Desk;
use fansipan_storage::{AlertFilter, EventStore, IncidentFilter, ResponseFilter, StateStore, StoreError, cases::CaseStore};
use uuid::Uuid;

use super::{Log, kept::Proven};

/// How often it is looked for new ones.
const EVERY: Duration = Duration::from_secs(30);
/// The same while readers of the log are behind, for which proving reads and hashes whole segments beside them: a log of ten
/// gibibytes may hold less than an hour of a flood.
const EVERY_BEHIND: Duration = Duration::from_secs(300);
/// How often it is looked whether to stop.
const GLANCE: Duration = Duration::from_millis(500);
/// Incidents opened within this time are looked at, besides those that are open.
const RECENT: i64 = 7 * 86_400 * time::SECOND;
/// Incidents and actions of one look.
const INCIDENTS: usize = 500;
const ACTIONS: usize = 200;
/// Events of one incident, and of one look.
const OF_INCIDENT: usize = 300;
const AT_ONCE: usize = 2_000;
/// Events without a proof that are remembered, so that they are not asked for again and again.
const REMEMBERED: usize = 200_000;
/// How often an event is looked for that is not found: indexing may be behind for an hour.
const PATIENCE: u32 = 60;

/// Looks for events whose proofs are not kept yet.
pub(crate) struct Keeper {
    /// Incidents and their alerts.
    pub(crate) state: Arc<dyn StateStore>,
    /// What people put into incidents.
    pub(crate) cases: Arc<dyn CaseStore>,
    /// The events.
    pub(crate) events: Arc<dyn EventStore>,
    /// Actions.
    pub(crate) desk: Arc<Desk>,
    /// Where proofs come from and are kept.
    pub(crate) log: Arc<Log>,
    /// Time to end.
    pub(crate) stop: Arc<AtomicBool>,
}

/// What was looked at already.
#[derive(Default)]
struct Seen {
    /// Alerts, events and version of an incident as it was.
    incidents: HashMap<AlertId, (u64, u64, u64)>,
    actions: HashMap<Uuid, u64>,
    /// Whether it was said that there are more incidents than one look takes.
    beyond: bool,
    /// Events of which there is no proof.
    without: BTreeSet<Uuid>,
    /// Events that were not found, perhaps not searchable yet, and how often.
    late: HashMap<Uuid, u32>,
}

impl Keeper {
    /// Runs until told to stop.
    pub(crate) fn run(self) -> Result<()> {
        let (mut seen, mut looked) = (Seen::default(), None::<Instant>);
        while !self.stop.load(Ordering::Relaxed) {
            if looked.is_none_or(|at| at.elapsed() >= EVERY_BEHIND || at.elapsed() >= EVERY && !self.log.is_behind()) {
                if let Err(error) = self.look(&mut seen) {
                    tracing::error!(%error, "FSP-RUN-074: proofs of incidents could not be kept; it is tried again");
                    seen.incidents.clear();
                    seen.actions.clear();
                }
                looked = Some(Instant::now());
            }
            thread::park_timeout(GLANCE);
        }
        Ok(())
    }

    fn look(&self, seen: &mut Seen) -> Result<(), StoreError> {
        let mut wanted: BTreeSet<Uuid> = seen.late.keys().copied().collect();
        self.of_incidents(seen, &mut wanted)?;
        self.of_actions(seen, &mut wanted);
        wanted.retain(|id| !seen.without.contains(id) && !self.log.kept.has(*id));
        seen.late.retain(|id, _| wanted.contains(id));
        let mut found = Vec::new();
        // those beyond one look are kept with the next
        seen.late.extend(wanted.iter().skip(AT_ONCE).map(|id| (*id, 0)));
        for id in wanted.into_iter().take(AT_ONCE) {
            if let Some(event) = self.events.get(&Scope::All, id)? {
                seen.late.remove(&id);
                found.push((id, event.ingested()));
                continue;
            }
            let tries = seen.late.entry(id).or_default();
            *tries += 1;
            if *tries >= PATIENCE {
                seen.late.remove(&id);
                seen.without.insert(id);
            }
        }
        if !found.is_empty() {
            self.keep(&found, seen);
        }
        Ok(())
    }

    /// Events of incidents that are open, or were opened lately, and changed since the last look.
    fn of_incidents(&self, seen: &mut Seen, wanted: &mut BTreeSet<Uuid>) -> Result<(), StoreError> {
        let recent = i64::try_from(crate::live::now()).unwrap_or(i64::MAX) - RECENT;
        let open = IncidentFilter { statuses: AlertFilter::OPEN.to_vec(), since: None };
        let lately = IncidentFilter { statuses: Vec::new(), since: Some(recent) };
        for filter in [open, lately] {
            let incidents = self.state.incidents(&Scope::All, &filter, INCIDENTS + 1)?;
            let beyond = incidents.len() > INCIDENTS;
            if beyond && !seen.beyond {
                tracing::warn!(
                    "FSP-RUN-077: more than {INCIDENTS} incidents are open or recent: proofs are kept for that many of them; close what is done"
                );
            }
            seen.beyond |= beyond;
            for incident in incidents.into_iter().take(INCIDENTS) {
                let id = incident.state.id;
                let stands = (incident.alerts, incident.events, incident.state.version);
                if seen.incidents.insert(id, stands) == Some(stands) {
                    continue;
                }
                let Some((_, alerts)) = self.state.incident(&Scope::All, id)? else { continue };
                let mut of_it: Vec<Uuid> = alerts.iter().flat_map(|a| a.events.iter().copied()).collect();
                let workspace = self.cases.workspace(&Scope::All, id)?;
                of_it.extend(workspace.iter().flat_map(|w| &w.items).filter_map(|i| match &i.body {
                    ItemBody::Event { event, .. } => Uuid::parse_str(event).ok(),
                    _ => None,
                }));
                wanted.extend(of_it.into_iter().take(OF_INCIDENT));
            }
        }
        Ok(())
    }

    /// Events that the watch after an action counted.
    fn of_actions(&self, seen: &mut Seen, wanted: &mut BTreeSet<Uuid>) {
        match self.desk.actions(&Scope::All, &ResponseFilter::default(), ACTIONS) {
            Ok(actions) => {
                for action in actions {
                    if seen.actions.insert(action.id, action.version) != Some(action.version) {
                        wanted.extend(action.verification.seen.events.iter().filter_map(|e| Uuid::parse_str(&e.id).ok()));
                    }
                }
            }
            Err(error) => tracing::error!(%error, "FSP-RUN-074: proofs of actions could not be kept; it is tried again"),
        }
    }

    fn keep(&self, events: &[(Uuid, i64)], seen: &mut Seen) {
        if !self.log.kept.room() {
            tracing::error!("FSP-RUN-072: no more proofs are kept: DATA/evidence/proofs holds 4 GiB; move old ones to an archive");
            return;
        }
        let found = match self.log.found(events) {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(error, "FSP-RUN-074: proofs of incidents could not be read from the log; it is tried again");
                seen.late.extend(events.iter().map(|(id, _)| (*id, 0)));
                return;
            }
        };
        let mut missing: BTreeSet<Uuid> = events.iter().map(|(id, _)| *id).collect();
        for one in found.records {
            let (Some((id, _)), Some(seal)) = (events.get(one.wanted), found.seals.get(&one.segment)) else { continue };
            missing.remove(id);
            let proven = Proven { segment: one.segment, record: one.record, path: one.path, seal: seal.clone() };
            if let Err(error) = self.log.kept.write(*id, &proven) {
                tracing::error!(%error, event = %id, "FSP-RUN-074: a proof could not be kept; check the disk of the data folder");
            }
        }
        // the log has forgotten these: they are not asked for again
        if seen.without.len() > REMEMBERED {
            seen.without.clear();
        }
        seen.without.extend(missing);
    }
}
