//! Workspaces of incidents, and saved searches.

use std::collections::BTreeMap;

use fansipan_model::{
    AlertStatus, IncidentId, Said, Scope, Word,
    case::{ItemBody, Stage, lacking},
    said,
};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{
    alerts::status_number,
    audit,
    incidents::{TREE, kept},
    json, parsed,
};
use crate::{
    cases::{Advance, ITEMS_MOST, Item, SEARCHES_MOST, SavedSearch, Workspace},
    error::{Result, StoreError},
    state::AuditRecord,
};

const WHAT: &str = "changing a workspace";

fn stage_of(number: i64) -> Stage {
    usize::try_from(number).ok().and_then(|n| Stage::ALL.get(n).copied()).unwrap_or_default()
}

fn stage_number(stage: Stage) -> i64 {
    Stage::ALL.iter().position(|s| *s == stage).unwrap_or(0) as i64
}

fn item(row: &Row<'_>) -> rusqlite::Result<(Item, String)> {
    let blank = ItemBody::Note { text: String::new() };
    let item = Item { id: row.get(0)?, at: row.get(1)?, who: row.get(2)?, version: row.get::<_, i64>(3)? as u64, body: blank };
    Ok((item, row.get(4)?))
}

fn finish((mut item, body): (Item, String)) -> Result<Item> {
    item.body = parsed("item of a workspace", &body)?;
    Ok(item)
}

/// See [`crate::CaseStore::workspace`].
pub(super) fn read(t: &Transaction<'_>, scope: &Scope, id: IncidentId) -> Result<Option<Workspace>> {
    if kept(t, scope, id)?.is_none() {
        return Ok(None);
    }
    let (stage, facts) = state(t, id)?;
    let sql =
        format!("{TREE} SELECT id, at, who, version, body FROM incident_items WHERE incident IN tree AND removed IS NULL ORDER BY at, n");
    let rows: Vec<(Item, String)> =
        t.prepare_cached(&sql).and_then(|mut s| s.query_map([id.0], item)?.collect()).map_err(StoreError::state("reading a workspace"))?;
    Ok(Some(Workspace { stage, facts, items: rows.into_iter().map(finish).collect::<Result<_>>()? }))
}

fn state(t: &Transaction<'_>, id: IncidentId) -> Result<(Stage, BTreeMap<String, String>)> {
    let (stage, facts): (i64, String) = t
        .prepare_cached("SELECT stage, facts FROM incidents WHERE id = ?1")
        .and_then(|mut s| s.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(StoreError::state("reading a workspace"))?;
    Ok((stage_of(stage), parsed("facts of an incident", &facts)?))
}

/// See [`crate::CaseStore::advance`].
pub(super) fn advance(t: &Transaction<'_>, scope: &Scope, id: IncidentId, step: &Advance, audit: &AuditRecord) -> Result<Workspace> {
    let known = kept(t, scope, id)?.ok_or(StoreError::NotFound("incident"))?;
    if known.version != step.version {
        return Err(StoreError::Conflict { what: "incident", current: known.version });
    }
    let (from, mut facts) = state(t, id)?;
    for (field, value) in &step.facts {
        match value.trim() {
            "" => facts.remove(field),
            value => facts.insert(field.clone(), value.to_owned()),
        };
    }
    if step.to < from && step.reason.trim().is_empty() {
        return Err(StoreError::Refused(said!(
            "an incident goes back a stage only for a reason: say why",
            "chỉ đưa sự cố về giai đoạn trước khi có lý do: hãy ghi lý do"
        )));
    }
    if let Some(demand) = lacking(step.to, &facts) {
        let list = demand.words.join(", ");
        let words = if list.is_empty() { Said::default() } else { said!(" (one of: {list})", " (một trong: {list})") };
        let (to, field, title, title_vi) = (step.to.as_str(), demand.field, demand.title, demand.title_vi);
        return Err(StoreError::Refused(said!(
            "before the stage {to}, give `{field}`: {title}{words}",
            "trước khi sang giai đoạn {to}, hãy điền `{field}`: {title_vi}{words:#}"
        )));
    }
    let status = match step.to {
        _ if step.to == from => known.status,
        Stage::New => AlertStatus::New,
        Stage::Closed => match facts.get("verdict").map(String::as_str) {
            Some("false_positive") => AlertStatus::FalsePositive,
            Some("benign") => AlertStatus::Benign,
            _ => AlertStatus::TruePositive,
        },
        _ => AlertStatus::Acknowledged,
    };
    t.prepare_cached("UPDATE incidents SET stage = ?2, facts = ?3, status = ?4, version = version + 1 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id.0, stage_number(step.to), json(&facts), status_number(status)]))
        .map_err(StoreError::state(WHAT))?;
    if step.to != from {
        let body = ItemBody::Stage { from, to: step.to, reason: step.reason.trim().to_owned() };
        insert(t, id, &Item { id: step.id.clone(), at: step.at, who: step.who.clone(), body, version: 1 })?;
    }
    audit::append(t, audit)?;
    read(t, scope, id)?.ok_or(StoreError::NotFound("incident"))
}

fn insert(t: &Transaction<'_>, incident: IncidentId, item: &Item) -> Result<()> {
    t.prepare_cached("INSERT INTO incident_items (id, incident, at, who, body, version) VALUES (?1, ?2, ?3, ?4, ?5, 1)")
        .and_then(|mut s| s.execute(params![item.id, incident.0, item.at, item.who, json(&item.body)]))
        .map(drop)
        .map_err(StoreError::state(WHAT))
}

/// See [`crate::CaseStore::add_item`].
pub(super) fn add(t: &Transaction<'_>, scope: &Scope, incident: IncidentId, item: &Item, audit: &AuditRecord) -> Result<Item> {
    kept(t, scope, incident)?.ok_or(StoreError::NotFound("incident"))?;
    if let Some(fault) = item.body.fault() {
        return Err(StoreError::Refused(fault.into()));
    }
    let there: i64 = t
        .prepare_cached("SELECT count(*) FROM incident_items WHERE incident = ?1")
        .and_then(|mut s| s.query_row([incident.0], |row| row.get(0)))
        .map_err(StoreError::state(WHAT))?;
    if there as usize >= ITEMS_MOST {
        return Err(StoreError::TooMuch {
            what: said!("{ITEMS_MOST} things are in this workspace", "hồ sơ sự cố này đã có {ITEMS_MOST} mục"),
            help: Word::new("split the incident", "hãy tách sự cố"),
        });
    }
    insert(t, incident, item)?;
    audit::append(t, audit)?;
    Ok(Item { version: 1, ..item.clone() })
}

/// Replaces an item, or takes it out (`None`).
pub(super) fn change(
    t: &Transaction<'_>,
    scope: &Scope,
    incident: IncidentId,
    (id, version): (&str, u64),
    body: Option<&ItemBody>,
    audit: &AuditRecord,
) -> Result<Item> {
    kept(t, scope, incident)?.ok_or(StoreError::NotFound("incident"))?;
    let sql =
        format!("{TREE} SELECT id, at, who, version, body FROM incident_items WHERE id = ?2 AND incident IN tree AND removed IS NULL");
    let found =
        t.prepare_cached(&sql).and_then(|mut s| s.query_row(params![incident.0, id], item).optional()).map_err(StoreError::state(WHAT))?;
    let known = finish(found.ok_or(StoreError::NotFound("item of this incident"))?)?;
    if known.version != version {
        return Err(StoreError::Conflict { what: "item", current: known.version });
    }
    let lasting = matches!(known.body, ItemBody::Evidence { .. } | ItemBody::Stage { .. });
    let fits = body.is_none_or(|body| body.kind() == known.body.kind());
    let custody_kept = match (&known.body, body) {
        (ItemBody::Evidence { sha256, custody, .. }, Some(ItemBody::Evidence { sha256: same, custody: longer, .. })) => {
            sha256 == same && longer.starts_with(custody)
        }
        _ => !lasting,
    };
    if !fits || !custody_kept {
        return Err(StoreError::Refused(said!(
            "evidence and stages are kept as they are; other things keep their kind",
            "chứng cứ và giai đoạn giữ nguyên như đã ghi; mục khác không đổi loại được"
        )));
    }
    if let Some(fault) = body.and_then(ItemBody::fault) {
        return Err(StoreError::Refused(fault.into()));
    }
    let out = body.is_none();
    let body = body.unwrap_or(&known.body).clone();
    let removed = out.then_some(audit.at);
    t.prepare_cached("UPDATE incident_items SET body = ?2, version = version + 1, removed = ?3 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, json(&body), removed]))
        .map_err(StoreError::state(WHAT))?;
    audit::append(t, audit)?;
    Ok(Item { body, version: version + 1, ..known })
}

fn search(row: &Row<'_>) -> rusqlite::Result<SavedSearch> {
    Ok(SavedSearch {
        id: row.get(0)?,
        owner: row.get(1)?,
        shared: row.get(2)?,
        name: row.get(3)?,
        body: row.get(4)?,
        at: row.get(5)?,
        version: row.get::<_, i64>(6)? as u64,
    })
}

/// See [`crate::CaseStore::saved_searches`].
pub(super) fn searches(t: &Transaction<'_>, who: &str) -> Result<Vec<SavedSearch>> {
    t.prepare_cached(
        "SELECT id, owner, shared, name, body, at, version FROM saved_searches WHERE owner = ?1 OR shared = 1 ORDER BY name, id",
    )
    .and_then(|mut s| s.query_map([who], search)?.collect())
    .map_err(StoreError::state("reading saved searches"))
}

/// See [`crate::CaseStore::save_search`].
pub(super) fn save_search(t: &Transaction<'_>, wanted: &SavedSearch, audit: &AuditRecord) -> Result<SavedSearch> {
    const WHAT: &str = "keeping a search";
    let found = t
        .prepare_cached("SELECT id, owner, shared, name, body, at, version FROM saved_searches WHERE id = ?1")
        .and_then(|mut s| s.query_row([&wanted.id], search).optional())
        .map_err(StoreError::state(WHAT))?;
    let version = match &found {
        Some(known) if known.owner != wanted.owner => return Err(StoreError::NotFound("saved search")),
        Some(known) if known.version != wanted.version => {
            return Err(StoreError::Conflict { what: "saved search", current: known.version });
        }
        Some(known) => known.version + 1,
        None if wanted.version != 0 => return Err(StoreError::NotFound("saved search")),
        None => 1,
    };
    let own: i64 = t
        .prepare_cached("SELECT count(*) FROM saved_searches WHERE owner = ?1")
        .and_then(|mut s| s.query_row([&wanted.owner], |row| row.get(0)))
        .map_err(StoreError::state(WHAT))?;
    if found.is_none() && own as usize >= SEARCHES_MOST {
        return Err(StoreError::TooMuch {
            what: said!("you keep {SEARCHES_MOST} searches", "bạn đã lưu {SEARCHES_MOST} tìm kiếm"),
            help: Word::new("remove some first", "hãy xóa bớt trước"),
        });
    }
    t.prepare_cached(
        "INSERT OR REPLACE INTO saved_searches (id, owner, shared, name, body, at, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .and_then(|mut s| s.execute(params![wanted.id, wanted.owner, wanted.shared, wanted.name, wanted.body, wanted.at, version as i64]))
    .map_err(StoreError::state(WHAT))?;
    audit::append(t, audit)?;
    Ok(SavedSearch { version, ..wanted.clone() })
}

/// See [`crate::CaseStore::remove_search`].
pub(super) fn remove_search(t: &Transaction<'_>, owner: &str, id: &str, audit: &AuditRecord) -> Result<()> {
    let removed = t
        .prepare_cached("DELETE FROM saved_searches WHERE id = ?1 AND owner = ?2")
        .and_then(|mut s| s.execute(params![id, owner]))
        .map_err(StoreError::state("forgetting a search"))?;
    if removed == 0 {
        return Err(StoreError::NotFound("saved search"));
    }
    audit::append(t, audit).map(drop)
}
