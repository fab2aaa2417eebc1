//! Alerts: batches from the analyzer, single alerts, decisions of people.

use std::collections::HashSet;

use fansipan_model::{Alert, AlertId, AlertStatus, Level, Scope};
use indexmap::{IndexMap, map::Entry};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{
    find::{Texts, own_texts},
    json, parsed,
    tally::{self, Place, Sums},
};
use crate::{
    error::{Result, StoreError},
    state::{AlertBatch, AlertChange, AlertRepeat, Applied, RuleCount},
};

const STATUSES: [AlertStatus; 5] =
    [AlertStatus::New, AlertStatus::Acknowledged, AlertStatus::TruePositive, AlertStatus::FalsePositive, AlertStatus::Benign];
const LEVELS: [Level; 5] = [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical];

/// A status as stored.
pub(super) fn status_number(status: AlertStatus) -> i64 {
    STATUSES.iter().position(|s| *s == status).unwrap_or(0) as i64
}

/// A status as read.
pub(super) fn status_of(number: i64) -> AlertStatus {
    usize::try_from(number).ok().and_then(|n| STATUSES.get(n).copied()).unwrap_or_default()
}

/// A level as stored.
pub(super) fn level_number(level: Level) -> i64 {
    LEVELS.iter().position(|l| *l == level).unwrap_or(0) as i64
}

/// A level as read.
pub(super) fn level_of(number: i64) -> Level {
    usize::try_from(number).ok().and_then(|n| LEVELS.get(n).copied()).unwrap_or_default()
}

/// Columns in the order [`read`] expects.
pub(super) const COLUMNS: &str = "alerts.id, agency, rule, first_seen, last_seen, raised, count, entities, matched, events, summary, status, assignee, drill, version, grouping, suppressed";

/// Alerts with their texts; the planner begins with the narrow table.
pub(super) const FROM: &str = "alerts CROSS JOIN alert_bodies USING (n)";

/// An alert as stored: numbers and texts, JSON not yet read.
pub(super) struct Stored {
    alert: Alert,
    rule: String,
    entities: String,
    matched: String,
    events: String,
    grouping: String,
}

/// Reads a row of [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let blank = fansipan_model::RuleRef {
        id: String::new(),
        title: String::new(),
        title_vi: None,
        level: Level::default(),
        hash: String::new(),
        tags: Vec::new(),
        advice: None,
        advice_vi: None,
    };
    Ok(Stored {
        rule: row.get(2)?,
        entities: row.get(7)?,
        matched: row.get(8)?,
        events: row.get(9)?,
        grouping: row.get(15)?,
        alert: Alert {
            id: AlertId(row.get(0)?),
            agency: row.get(1)?,
            rule: blank,
            first_seen: row.get(3)?,
            last_seen: row.get(4)?,
            raised: row.get(5)?,
            count: row.get::<_, i64>(6)? as u64,
            entities: Vec::new(),
            group: Vec::new(),
            matched: Vec::new(),
            events: Vec::new(),
            summary: row.get(10)?,
            status: status_of(row.get(11)?),
            assignee: row.get(12)?,
            drill: row.get(13)?,
            suppressed: row.get(16)?,
            version: row.get::<_, i64>(14)? as u64,
        },
    })
}

impl Stored {
    /// When it was raised, and its id.
    pub(super) fn place(&self) -> (i64, AlertId) {
        (self.alert.raised, self.alert.id)
    }

    /// With its JSON read.
    pub(super) fn finish(self) -> Result<Alert> {
        let Stored { mut alert, rule, entities, matched, events, grouping } = self;
        alert.rule = parsed("rule of an alert", &rule)?;
        alert.entities = parsed("entities of an alert", &entities)?;
        alert.group = parsed("group of an alert", &grouping)?;
        alert.matched = parsed("fields of an alert", &matched)?;
        alert.events = parsed("events of an alert", &events)?;
        Ok(alert)
    }
}

const WHAT: &str = "storing alerts";

/// What is kept beside the alerts, written once for a batch.
#[derive(Default)]
struct Beside {
    sums: Sums,
    texts: Texts,
}

/// See [`crate::StateStore::apply_alerts`].
pub(super) fn apply(t: &Transaction<'_>, batch: &AlertBatch<'_>) -> Result<Applied> {
    let (mut applied, mut kept) = (Applied::default(), Beside::default());
    if batch.next_offset <= offset(t, batch.consumer)? && batch.next_offset > 0 {
        applied.duplicate = true;
        return Ok(applied);
    }
    // many repeats of few alerts are the rule: each alert is written once
    let mut repeats: IndexMap<AlertId, AlertRepeat> = IndexMap::new();
    let mut add = |repeat: AlertRepeat| match repeats.entry(repeat.id) {
        Entry::Vacant(place) => {
            place.insert(repeat);
        }
        Entry::Occupied(mut known) => {
            let known = known.get_mut();
            known.count += repeat.count;
            known.first_seen = known.first_seen.min(repeat.first_seen);
            known.last_seen = known.last_seen.max(repeat.last_seen);
            known.events.extend(repeat.events.into_iter().take(Alert::SAMPLE));
        }
    };
    for change in &batch.changes {
        match change {
            AlertChange::Open(alert) => match insert(t, alert, &mut kept)? {
                Some(priority) => applied.opened.push((alert.id, priority)),
                None => add(AlertRepeat {
                    id: alert.id,
                    count: alert.count,
                    first_seen: alert.first_seen,
                    last_seen: alert.last_seen,
                    events: alert.events.clone(),
                }),
            },
            AlertChange::Repeat(repeat) => add(repeat.clone()),
            AlertChange::Put(alert) => match insert(t, alert, &mut kept)? {
                Some(priority) => applied.opened.push((alert.id, priority)),
                None => {
                    put(t, alert, &mut kept)?;
                    applied.grown.push(alert.id);
                }
            },
            AlertChange::Supersede { id, by } => supersede(t, *id, *by, &mut kept.sums)?,
        }
    }
    kept.sums.write(t)?;
    let opened: HashSet<AlertId> = applied.opened.iter().map(|(id, _)| *id).collect();
    for repeat in repeats.values() {
        match grow(t, repeat)? {
            true if opened.contains(&repeat.id) => {}
            true => applied.grown.push(repeat.id),
            false => applied.orphans += repeat.count,
        }
    }
    super::incidents::apply(t, &batch.incidents)?;
    for rule in &batch.rules {
        t.prepare_cached(
            "INSERT INTO rule_counts (rule, count, last) VALUES (?1, ?2, ?3)
             ON CONFLICT (rule) DO UPDATE SET count = count + excluded.count, last = max(last, excluded.last)",
        )
        .and_then(|mut s| s.execute(params![rule.rule, rule.count as i64, rule.last]))
        .map_err(StoreError::state(WHAT))?;
    }
    t.prepare_cached(
        "INSERT INTO consumers (name, next_offset) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET next_offset = excluded.next_offset",
    )
    .and_then(|mut s| s.execute(params![batch.consumer, batch.next_offset as i64]))
    .map_err(StoreError::state(WHAT))?;
    kept.texts.write(t)?;
    Ok(applied)
}

/// How far a consumer has read.
pub(super) fn offset(t: &Transaction<'_>, consumer: &str) -> Result<u64> {
    let found = t
        .prepare_cached("SELECT next_offset FROM consumers WHERE name = ?1")
        .and_then(|mut s| s.query_row([consumer], |row| row.get::<_, i64>(0)).optional());
    Ok(found.map_err(StoreError::state("reading a position"))?.unwrap_or(0) as u64)
}

/// Replaces what the analyzer knows of an alert; decisions of people and the time it was raised stay.
fn put(t: &Transaction<'_>, alert: &Alert, kept: &mut Beside) -> Result<()> {
    let (n, before): (i64, Place) = t
        .prepare_cached(&format!("SELECT n, {} FROM alerts WHERE id = ?1", Place::COLUMNS))
        .and_then(|mut s| s.query_row([alert.id.0], |row| Ok((row.get(0)?, Place::read(row, 1)?))))
        .map_err(StoreError::state(WHAT))?;
    match (before.left_out, alert.suppressed.is_some()) {
        (true, false) => kept.sums.add(&before, 1),
        (false, true) => kept.sums.add(&before, -1),
        _ => {}
    }
    t.prepare_cached("UPDATE alerts SET first_seen = ?2, last_seen = ?3, count = ?4, superseded = NULL, suppressed = ?5 WHERE n = ?1")
        .and_then(|mut s| s.execute(params![n, alert.first_seen, alert.last_seen, alert.count as i64, alert.suppressed]))
        .map_err(StoreError::state(WHAT))?;
    let (old, old_texts): (String, String) = t
        .prepare_cached("SELECT entities, search FROM alert_bodies WHERE n = ?1")
        .and_then(|mut s| s.query_row([n], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(StoreError::state(WHAT))?;
    let entities = json(&alert.entities);
    if old != entities {
        let old: Vec<fansipan_model::Entity> = parsed("entities of an alert", &old)?;
        let mut forget = t.prepare_cached("DELETE FROM alert_entities WHERE value = ?1 AND n = ?2").map_err(StoreError::state(WHAT))?;
        for entity in &old {
            forget.execute(params![entity.value, n]).map_err(StoreError::state(WHAT))?;
        }
        name_entities(t, n, &alert.entities)?;
    }
    let texts = own_texts(alert);
    t.prepare_cached("UPDATE alert_bodies SET entities = ?2, matched = ?3, events = ?4, summary = ?5, search = ?6 WHERE n = ?1")
        .and_then(|mut s| s.execute(params![n, entities, json(&alert.matched), json(&alert.events), alert.summary, texts]))
        .map_err(StoreError::state(WHAT))?;
    kept.texts.change(n, old_texts, texts, &alert.rule);
    Ok(())
}

/// Keeps under which names an alert is found.
fn name_entities(t: &Transaction<'_>, n: i64, entities: &[fansipan_model::Entity]) -> Result<()> {
    let mut name = t
        .prepare_cached("INSERT INTO alert_entities (value, n) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        .map_err(StoreError::state(WHAT))?;
    for entity in entities {
        name.execute(params![entity.value, n]).map_err(StoreError::state(WHAT))?;
    }
    Ok(())
}

/// Takes an alert out of lists and counts.
fn supersede(t: &Transaction<'_>, id: AlertId, by: Option<AlertId>, sums: &mut Sums) -> Result<()> {
    let found = t
        .prepare_cached(&format!("SELECT {} FROM alerts WHERE id = ?1", Place::COLUMNS))
        .and_then(|mut s| s.query_row([id.0], |row| Place::read(row, 0)).optional())
        .map_err(StoreError::state(WHAT))?;
    if let Some(before) = found.filter(|p| !p.left_out) {
        sums.add(&before, -1);
    }
    let by = by.map_or_else(Vec::new, |by| by.0.to_vec());
    t.prepare_cached("UPDATE alerts SET superseded = ?2 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id.0, by]))
        .map(drop)
        .map_err(StoreError::state(WHAT))
}

/// Inserts an alert and gives its priority; none if its id exists.
fn insert(t: &Transaction<'_>, alert: &Alert, kept: &mut Beside) -> Result<Option<u32>> {
    let rule = &alert.rule;
    let known = t.prepare_cached("SELECT 1 FROM alerts WHERE id = ?1").and_then(|mut s| s.exists([alert.id.0]));
    if known.map_err(StoreError::state(WHAT))? {
        return Ok(None);
    }
    let rank = super::queue::rank(t, &rule.id, rule.level, alert.entities.iter().map(|e| e.value.as_str()), alert.raised)?;
    t.prepare_cached(
        "INSERT INTO alerts (id, agency, rule_id, level, status, assignee, raised, first_seen, last_seen, count, drill, version, priority,
                             suppressed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )
    .and_then(|mut s| {
        s.execute(params![
            alert.id.0,
            alert.agency,
            rule.id,
            level_number(rule.level),
            status_number(alert.status),
            alert.assignee,
            alert.raised,
            alert.first_seen,
            alert.last_seen,
            alert.count as i64,
            alert.drill,
            alert.version as i64,
            rank.priority,
            alert.suppressed,
        ])
    })
    .map_err(StoreError::state(WHAT))?;
    let n = t.last_insert_rowid();
    let events: Vec<_> = alert.events.iter().take(Alert::SAMPLE).collect();
    let texts = own_texts(alert);
    t.prepare_cached(
        "INSERT INTO alert_bodies (n, rule, entities, grouping, matched, events, summary, search)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .and_then(|mut s| {
        s.execute(params![
            n,
            json(rule),
            json(&alert.entities),
            json(&alert.group),
            json(&alert.matched),
            json(&events),
            alert.summary,
            texts,
        ])
    })
    .map_err(StoreError::state(WHAT))?;
    kept.texts.add(n, texts, rule);
    name_entities(t, n, &alert.entities)?;
    if alert.suppressed.is_none() {
        kept.sums.add_parts(&alert.agency, &rule.id, (level_number(rule.level), status_number(alert.status)), 1);
    }
    Ok(Some(rank.priority))
}

/// Adds a repeat to its alert; false if there is none. The version stays: it guards decisions of people, and an alert may grow every
/// second.
fn grow(t: &Transaction<'_>, repeat: &AlertRepeat) -> Result<bool> {
    let events = t
        .prepare_cached("SELECT n, events FROM alerts JOIN alert_bodies USING (n) WHERE id = ?1")
        .and_then(|mut s| s.query_row([repeat.id.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).optional())
        .map_err(StoreError::state(WHAT))?;
    let Some((n, events)) = events else { return Ok(false) };
    let mut events: Vec<uuid::Uuid> = parsed("events of an alert", &events)?;
    let known = events.len();
    for id in &repeat.events {
        if events.len() < Alert::SAMPLE && !events.contains(id) {
            events.push(*id);
        }
    }
    if events.len() > known {
        t.prepare_cached("UPDATE alert_bodies SET events = ?2 WHERE n = ?1")
            .and_then(|mut s| s.execute(params![n, json(&events)]))
            .map_err(StoreError::state(WHAT))?;
    }
    t.prepare_cached("UPDATE alerts SET count = count + ?2, first_seen = min(first_seen, ?3), last_seen = max(last_seen, ?4) WHERE n = ?1")
        .and_then(|mut s| s.execute(params![n, repeat.count as i64, repeat.first_seen, repeat.last_seen]))
        .map_err(StoreError::state(WHAT))?;
    Ok(true)
}

/// One alert that the scope may see.
pub(super) fn one(t: &Transaction<'_>, scope: &Scope, id: AlertId) -> Result<Option<Alert>> {
    let found = t
        .prepare_cached(&format!("SELECT {COLUMNS} FROM {FROM} WHERE id = ?1"))
        .and_then(|mut s| s.query_row([id.0], read).optional())
        .map_err(StoreError::state("reading an alert"))?;
    found.filter(|s| scope.allows(&s.alert.agency)).map(Stored::finish).transpose()
}

/// Changes what people decide about an alert, if it still has the version they saw.
pub(super) fn decide(t: &Transaction<'_>, scope: &Scope, id: AlertId, version: u64, change: impl FnOnce(&mut Alert)) -> Result<Alert> {
    let mut alert = one(t, scope, id)?.ok_or(StoreError::NotFound("alert"))?;
    if alert.version != version {
        return Err(StoreError::Conflict { what: "alert", current: alert.version });
    }
    let before = Place::of(t, id)?;
    change(&mut alert);
    alert.version += 1;
    let after = Place { status: status_number(alert.status), ..before.clone() };
    if !before.left_out {
        tally::moved(t, Some(&before), Some(&after))?;
    }
    t.prepare_cached("UPDATE alerts SET status = ?2, assignee = ?3, version = ?4, bulk = NULL WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id.0, status_number(alert.status), alert.assignee, alert.version as i64]))
        .map_err(StoreError::state("changing an alert"))?;
    Ok(alert)
}

/// Counters of all rules.
pub(super) fn rule_counts(t: &Transaction<'_>) -> Result<Vec<RuleCount>> {
    let read = |row: &Row<'_>| Ok(RuleCount { rule: row.get(0)?, count: row.get::<_, i64>(1)? as u64, last: row.get(2)? });
    t.prepare_cached("SELECT rule, count, last FROM rule_counts ORDER BY rule")
        .and_then(|mut s| s.query_map([], read)?.collect())
        .map_err(StoreError::state("reading rule counters"))
}
