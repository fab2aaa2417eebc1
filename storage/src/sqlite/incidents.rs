//! Incidents: which alerts are in them, and what people decided.

use fansipan_model::{Alert, AlertId, AlertStatus, Incident, IncidentId, IncidentLink, IncidentState, Scope};
use rusqlite::{OptionalExtension as _, Row, Transaction, params, types::Value};

use super::{
    Conditions,
    alerts::{COLUMNS, FROM, Stored, read, status_number, status_of},
};
use crate::{
    error::{Result, StoreError},
    state::{AuditRecord, IncidentAct, IncidentFilter},
};

const WHAT: &str = "storing incidents";
/// Alerts of an incident that are read; their number and events are counted beyond it.
const ALERTS: usize = 500;
/// Incidents of a list.
const MOST: usize = 500;
const STATE: &str = "id, agency, status, assignee, opened, merged_into, version";
/// Everything that was merged into an incident, itself included.
pub(super) const TREE: &str =
    "WITH RECURSIVE tree(id) AS (SELECT ?1 UNION SELECT i.id FROM incidents i JOIN tree ON i.merged_into = tree.id)";

fn state(row: &Row<'_>) -> rusqlite::Result<IncidentState> {
    Ok(IncidentState {
        id: AlertId(row.get(0)?),
        agency: row.get(1)?,
        status: status_of(row.get(2)?),
        assignee: row.get(3)?,
        opened: row.get(4)?,
        merged_into: row.get::<_, Option<[u8; 16]>>(5)?.map(AlertId),
        version: row.get::<_, i64>(6)? as u64,
    })
}

/// What the analyzer found, after its alerts were stored.
pub(super) fn apply(t: &Transaction<'_>, changes: &[IncidentLink]) -> Result<()> {
    for change in changes {
        match change {
            IncidentLink::Join { alert, incident } => join(t, *alert, *incident)?,
            IncidentLink::Merge { from, into } => {
                t.prepare_cached("UPDATE incidents SET merged_into = ?2 WHERE id = ?1 AND merged_into IS NULL AND id <> ?2")
                    .and_then(|mut s| s.execute(params![from.0, into.0]))
                    .map_err(StoreError::state(WHAT))?;
            }
        }
    }
    Ok(())
}

fn join(t: &Transaction<'_>, alert: AlertId, incident: IncidentId) -> Result<()> {
    t.prepare_cached(
        "INSERT INTO incidents (id, agency, status, opened, version) SELECT ?1, agency, 0, raised, 1 FROM alerts WHERE id = ?2
         ON CONFLICT (id) DO NOTHING",
    )
    .and_then(|mut s| s.execute(params![incident.0, alert.0]))
    .map_err(StoreError::state(WHAT))?;
    let rows = t
        .prepare_cached(
            "INSERT INTO incident_alerts (alert, incident, pinned) VALUES (?1, ?2, 0)
             ON CONFLICT (alert) DO UPDATE SET incident = excluded.incident WHERE pinned = 0",
        )
        .and_then(|mut s| s.execute(params![alert.0, incident.0]))
        .map_err(StoreError::state(WHAT))?;
    if rows > 0 {
        // a new alert wakes an incident that was closed as real
        let whole = root(t, incident)?;
        let closed = [AlertStatus::TruePositive, AlertStatus::Benign].map(status_number);
        t.prepare_cached("UPDATE incidents SET status = 0, version = version + 1 WHERE id = ?1 AND status IN (?2, ?3)")
            .and_then(|mut s| s.execute(params![whole.0, closed[0], closed[1]]))
            .map_err(StoreError::state(WHAT))?;
    }
    Ok(())
}

/// The incident that one is part of.
fn root(t: &Transaction<'_>, mut id: IncidentId) -> Result<IncidentId> {
    for _ in 0..64 {
        let next: Option<Option<[u8; 16]>> = t
            .prepare_cached("SELECT merged_into FROM incidents WHERE id = ?1")
            .and_then(|mut s| s.query_row([id.0], |row| row.get(0)).optional())
            .map_err(StoreError::state(WHAT))?;
        match next.flatten() {
            Some(next) => id = AlertId(next),
            None => break,
        }
    }
    Ok(id)
}

/// See [`crate::StateStore::incident_links`].
pub(super) fn links(t: &Transaction<'_>, alerts: &[AlertId]) -> Result<Vec<Option<IncidentId>>> {
    let mut statement = t.prepare_cached("SELECT incident FROM incident_alerts WHERE alert = ?1").map_err(StoreError::state(WHAT))?;
    alerts
        .iter()
        .map(|id| {
            let found: Option<Option<[u8; 16]>> =
                statement.query_row([id.0], |row| row.get(0)).optional().map_err(StoreError::state(WHAT))?;
            found.flatten().map(|i| root(t, AlertId(i))).transpose()
        })
        .collect()
}

/// See [`crate::StateStore::incidents`].
pub(super) fn page(t: &Transaction<'_>, scope: &Scope, filter: &IncidentFilter, limit: usize) -> Result<Vec<Incident>> {
    Ok(page_after(t, scope, filter, None, limit.clamp(1, MOST))?.items)
}

/// Incidents, and the place after which the next ones are.
pub(super) struct Page {
    pub(super) items: Vec<Incident>,
    pub(super) next: Option<(i64, IncidentId)>,
}

/// As [`page`], after a place in the order.
pub(super) fn page_after(
    t: &Transaction<'_>,
    scope: &Scope,
    filter: &IncidentFilter,
    after: Option<(i64, IncidentId)>,
    limit: usize,
) -> Result<Page> {
    let mut c = Conditions::default();
    c.sql.push("merged_into IS NULL".into());
    c.scope(scope);
    if !filter.statuses.is_empty() {
        c.any("status", filter.statuses.iter().map(|s| Value::Integer(status_number(*s))));
    }
    if let Some(since) = filter.since {
        c.add("opened >= ?", since);
    }
    if let Some((opened, id)) = after {
        c.sql.push("(opened, id) < (?, ?)".into());
        c.args.extend([Value::Integer(opened), Value::Blob(id.0.to_vec())]);
    }
    c.args.push(Value::Integer(limit as i64));
    let sql = format!("SELECT {STATE} FROM incidents{} ORDER BY opened DESC, id DESC LIMIT ?", c.text());
    let states: Vec<IncidentState> =
        t.prepare_cached(&sql).and_then(|mut s| s.query_map(c.args(), state)?.collect()).map_err(StoreError::state("listing incidents"))?;
    let next = states.last().filter(|_| states.len() == limit).map(|s| (s.opened, s.id));
    let mut items = Vec::new();
    for state in states {
        items.extend(whole(t, state)?.map(|(incident, _)| incident));
    }
    Ok(Page { items, next })
}

/// See [`crate::StateStore::incident`].
pub(super) fn one(t: &Transaction<'_>, scope: &Scope, id: IncidentId) -> Result<Option<(Incident, Vec<Alert>)>> {
    match kept(t, scope, id)? {
        Some(state) => whole(t, state),
        None => Ok(None),
    }
}

pub(super) fn kept(t: &Transaction<'_>, scope: &Scope, id: IncidentId) -> Result<Option<IncidentState>> {
    let found = t
        .prepare_cached(&format!("SELECT {STATE} FROM incidents WHERE id = ?1"))
        .and_then(|mut s| s.query_row([id.0], state).optional())
        .map_err(StoreError::state("reading an incident"))?;
    Ok(found.filter(|s| scope.allows(&s.agency)))
}

/// An incident with its first alerts; its numbers are exact.
fn whole(t: &Transaction<'_>, state: IncidentState) -> Result<Option<(Incident, Vec<Alert>)>> {
    let within = "superseded IS NULL AND alerts.id IN (SELECT alert FROM incident_alerts WHERE incident IN tree)";
    let sql = format!("{TREE} SELECT {COLUMNS} FROM {FROM} WHERE {within} ORDER BY first_seen, alerts.id LIMIT {ALERTS}");
    let rows: Vec<Stored> = t
        .prepare_cached(&sql)
        .and_then(|mut s| s.query_map([state.id.0], read)?.collect())
        .map_err(StoreError::state("reading an incident"))?;
    let alerts = rows.into_iter().map(Stored::finish).collect::<Result<Vec<_>>>()?;
    let (number, events, last): (i64, i64, i64) = t
        .prepare_cached(&format!("{TREE} SELECT count(*), coalesce(sum(count), 0), coalesce(max(last_seen), 0) FROM alerts WHERE {within}"))
        .and_then(|mut s| s.query_row([state.id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))))
        .map_err(StoreError::state("reading an incident"))?;
    Ok(Incident::new(state, &alerts).map(|mut incident| {
        (incident.alerts, incident.events, incident.last_seen) = (number as u64, events as u64, last);
        (incident, alerts)
    }))
}

/// See [`crate::StateStore::change_incident`].
pub(super) fn change(t: &Transaction<'_>, scope: &Scope, id: IncidentId, version: u64, act: &IncidentAct) -> Result<IncidentId> {
    let found = kept(t, scope, id)?.ok_or(StoreError::NotFound("incident"))?;
    if found.version != version {
        return Err(StoreError::Conflict { what: "incident", current: found.version });
    }
    let shown = match act {
        IncidentAct::Status(status) => {
            set(t, "UPDATE incidents SET status = ?2 WHERE id = ?1", params![id.0, status_number(*status)])?;
            id
        }
        IncidentAct::Assign(name) => {
            set(t, "UPDATE incidents SET assignee = ?2 WHERE id = ?1", params![id.0, name])?;
            id
        }
        IncidentAct::Merge { into } => {
            let other =
                kept(t, scope, *into)?.filter(|o| o.agency == found.agency).ok_or(StoreError::NotFound("incident to merge into"))?;
            let target = root(t, other.id)?;
            if target == id {
                return Err(StoreError::NotFound("incident to merge into: it is part of this one"));
            }
            set(t, "UPDATE incidents SET merged_into = ?2 WHERE id = ?1", params![id.0, target.0])?;
            target
        }
        IncidentAct::Unmerge => {
            set(t, "UPDATE incidents SET merged_into = NULL WHERE id = ?1", params![id.0])?;
            id
        }
        IncidentAct::Split { alerts } => split(t, &found, alerts)?,
        IncidentAct::Detach { alert } => {
            belongs(t, id, *alert)?;
            set(t, "UPDATE incident_alerts SET incident = NULL, pinned = 1 WHERE alert = ?1", params![alert.0])?;
            id
        }
        IncidentAct::Attach { alert } => {
            let known = super::alerts::one(t, scope, *alert)?.filter(|a| a.agency == found.agency);
            known.ok_or(StoreError::NotFound("alert"))?;
            pin(t, *alert, id)?;
            id
        }
    };
    set(t, "UPDATE incidents SET version = version + 1 WHERE id = ?1", params![id.0])?;
    Ok(shown)
}

/// See [`crate::CaseStore::escalate`].
pub(super) fn escalate(t: &Transaction<'_>, scope: &Scope, alert: AlertId, audit: &AuditRecord) -> Result<IncidentId> {
    let found = super::alerts::one(t, scope, alert)?.ok_or(StoreError::NotFound("alert"))?;
    let known = links(t, &[alert])?.into_iter().next().flatten();
    let id = match known {
        Some(id) => id,
        None => {
            let id = AlertId::derive(&found.agency, "incident", "escalated", &[&alert.to_string(), &audit.at.to_string()]);
            set(
                t,
                "INSERT INTO incidents (id, agency, status, opened, version) VALUES (?1, ?2, 0, ?3, 1)",
                params![id.0, found.agency, audit.at],
            )?;
            pin(t, alert, id)?;
            id
        }
    };
    super::audit::append(t, audit)?;
    Ok(id)
}

fn set(t: &Transaction<'_>, sql: &str, args: impl rusqlite::Params) -> Result<()> {
    t.prepare_cached(sql).and_then(|mut s| s.execute(args)).map(drop).map_err(StoreError::state(WHAT))
}

fn pin(t: &Transaction<'_>, alert: AlertId, incident: IncidentId) -> Result<()> {
    let sql = "INSERT INTO incident_alerts (alert, incident, pinned) VALUES (?1, ?2, 1)
               ON CONFLICT (alert) DO UPDATE SET incident = excluded.incident, pinned = 1";
    set(t, sql, params![alert.0, incident.0])
}

/// Whether an alert is in an incident, or what was merged into it.
fn belongs(t: &Transaction<'_>, incident: IncidentId, alert: AlertId) -> Result<()> {
    let sql = format!("{TREE} SELECT count(*) FROM incident_alerts WHERE alert = ?2 AND incident IN tree");
    let count = t.prepare_cached(&sql).and_then(|mut s| s.query_row(params![incident.0, alert.0], |row| row.get::<_, i64>(0)));
    if count.map_err(StoreError::state(WHAT))? == 0 { Err(StoreError::NotFound("alert of this incident")) } else { Ok(()) }
}

/// Moves alerts to an incident of their own; merging it back undoes that.
fn split(t: &Transaction<'_>, from: &IncidentState, alerts: &[AlertId]) -> Result<IncidentId> {
    let first = alerts.iter().min().ok_or(StoreError::NotFound("alert to split off"))?;
    let id = AlertId::derive(&from.agency, "incident", "split", &[&from.id.to_string(), &first.to_string(), &from.version.to_string()]);
    set(
        t,
        "INSERT INTO incidents (id, agency, status, assignee, opened, version) VALUES (?1, ?2, ?3, ?4, ?5, 1)",
        params![id.0, from.agency, status_number(from.status), from.assignee, from.opened],
    )?;
    for alert in alerts {
        belongs(t, from.id, *alert)?;
        pin(t, *alert, id)?;
    }
    Ok(id)
}
