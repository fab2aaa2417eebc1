//! Sources of records, and settings.

use fansipan_model::{Scope, SourceInfo};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{Conditions, json, parsed};
use crate::error::{Result, StoreError};

/// See [`crate::StateStore::put_sources`].
pub(super) fn put(t: &Transaction<'_>, sources: &[SourceInfo]) -> Result<()> {
    for source in sources {
        t.prepare_cached(
            "INSERT INTO sources (id, agency, info) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET agency = excluded.agency, info = excluded.info",
        )
        .and_then(|mut s| s.execute(params![source.id, source.agency, json(source)]))
        .map_err(StoreError::state("storing sources"))?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<(String, Option<String>)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn source((info, pin): (String, Option<String>)) -> Result<SourceInfo> {
    let mut source: SourceInfo = parsed("source", &info)?;
    if let Some(format) = pin {
        (source.format, source.pinned) = (Some(format), true);
    }
    Ok(source)
}

/// See [`crate::StateStore::sources`].
pub(super) fn all(t: &Transaction<'_>, scope: &Scope) -> Result<Vec<SourceInfo>> {
    let mut c = Conditions::default();
    c.scope(scope);
    let rows: Vec<_> = t
        .prepare_cached(&format!("SELECT info, pin FROM sources{} ORDER BY id", c.text()))
        .and_then(|mut s| s.query_map(c.args(), read)?.collect())
        .map_err(StoreError::state("reading sources"))?;
    rows.into_iter().map(source).collect()
}

/// See [`crate::StateStore::pin_source`].
pub(super) fn pin(t: &Transaction<'_>, scope: &Scope, id: &str, format: Option<&str>) -> Result<SourceInfo> {
    const WHAT: &str = "pinning a source";
    let found = t
        .prepare_cached("SELECT info, pin FROM sources WHERE id = ?1")
        .and_then(|mut s| s.query_row([id], read).optional())
        .map_err(StoreError::state(WHAT))?;
    let (info, _) = found.ok_or(StoreError::NotFound("source"))?;
    let mut known: SourceInfo = parsed("source", &info)?;
    if !scope.allows(&known.agency) {
        return Err(StoreError::NotFound("source"));
    }
    if format.is_none() {
        known.pinned = false;
    }
    t.prepare_cached("UPDATE sources SET pin = ?2, info = ?3 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, format, json(&known)]))
        .map_err(StoreError::state(WHAT))?;
    source((json(&known), format.map(str::to_owned)))
}

/// See [`crate::StateStore::setting`].
pub(super) fn setting(t: &Transaction<'_>, key: &str) -> Result<Option<String>> {
    t.prepare_cached("SELECT value FROM settings WHERE key = ?1")
        .and_then(|mut s| s.query_row([key], |row| row.get(0)).optional())
        .map_err(StoreError::state("reading a setting"))
}

/// See [`crate::StateStore::put_setting`].
pub(super) fn put_setting(t: &Transaction<'_>, key: &str, value: Option<&str>) -> Result<()> {
    let done = match value {
        Some(value) => t
            .prepare_cached("INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
            .and_then(|mut s| s.execute([key, value])),
        None => t.prepare_cached("DELETE FROM settings WHERE key = ?1").and_then(|mut s| s.execute([key])),
    };
    done.map(drop).map_err(StoreError::state("storing a setting"))
}
