//! Actions, runs of playbooks and their journals.

use fansipan_model::Scope;
use rusqlite::{OptionalExtension as _, Row, Transaction, params, types::Value};
use uuid::Uuid;

use super::{Conditions, SqliteState, audit};
use crate::{
    error::{Result, StoreError},
    response::{ResponseFilter, ResponseKind, ResponseRow, ResponseStep, ResponseStore},
    state::AuditRecord,
};

const COLUMNS: &str = "id, kind, agency, state, incident, due, created, version, body";
const WRITING: &str = "keeping an action";
const READING: &str = "reading actions";
/// Rows of a list.
const MOST: usize = 1_000;

fn number(kind: ResponseKind) -> i64 {
    match kind {
        ResponseKind::Action => 0,
        ResponseKind::Run => 1,
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ResponseRow> {
    Ok(ResponseRow {
        id: Uuid::from_bytes(row.get(0)?),
        kind: if row.get::<_, i64>(1)? == 0 { ResponseKind::Action } else { ResponseKind::Run },
        agency: row.get(2)?,
        state: row.get(3)?,
        incident: row.get(4)?,
        due: row.get(5)?,
        created: row.get(6)?,
        version: row.get::<_, i64>(7)? as u64,
        body: row.get(8)?,
    })
}

fn put(t: &Transaction<'_>, row: &ResponseRow) -> Result<()> {
    let id = row.id.as_bytes();
    let found: Option<i64> = t
        .prepare_cached("SELECT version FROM responses WHERE id = ?1")
        .and_then(|mut s| s.query_row([id], |r| r.get(0)).optional())
        .map_err(StoreError::state(WRITING))?;
    let current = found.unwrap_or(0) as u64;
    if row.version == 1 && current > 0 {
        return Err(StoreError::Exists { what: "action or run", name: row.id.to_string() });
    }
    if row.version != current + 1 {
        return Err(StoreError::Conflict { what: "action or run", current });
    }
    t.prepare_cached(
        "INSERT INTO responses (id, kind, agency, state, incident, due, created, version, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, due = excluded.due, version = excluded.version, body = excluded.body",
    )
    .and_then(|mut s| {
        s.execute(params![id, number(row.kind), row.agency, row.state, row.incident, row.due, row.created, row.version as i64, row.body])
    })
    .map(drop)
    .map_err(StoreError::state(WRITING))
}

fn append(t: &Transaction<'_>, id: Uuid, step: &ResponseStep) -> Result<()> {
    let written = t
        .prepare_cached("INSERT INTO response_journal (item, step, at, who, text) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut s| s.execute(params![id.as_bytes(), step.key, step.at, step.who, step.text]));
    match written {
        Ok(_) => Ok(()),
        Err(rusqlite::Error::SqliteFailure(e, _)) if e.code == rusqlite::ErrorCode::ConstraintViolation => {
            Err(StoreError::Exists { what: "step", name: step.key.clone() })
        }
        Err(e) => Err(StoreError::state(WRITING)(e)),
    }
}

impl ResponseStore for SqliteState {
    fn put_response(&self, row: &ResponseRow, steps: &[ResponseStep], record: Option<&AuditRecord>) -> Result<()> {
        self.change(WRITING, |t| {
            put(t, row)?;
            for step in steps {
                append(t, row.id, step)?;
            }
            if let Some(record) = record {
                audit::append(t, record)?;
            }
            Ok(())
        })
    }

    fn response(&self, scope: &Scope, id: Uuid) -> Result<Option<ResponseRow>> {
        self.look(READING, |t| {
            let found = t
                .prepare_cached(&format!("SELECT {COLUMNS} FROM responses WHERE id = ?1"))
                .and_then(|mut s| s.query_row([id.as_bytes()], read).optional())
                .map_err(StoreError::state(READING))?;
            Ok(found.filter(|row| scope.allows(&row.agency)))
        })
    }

    fn responses(&self, scope: &Scope, kind: ResponseKind, filter: &ResponseFilter, limit: usize) -> Result<Vec<ResponseRow>> {
        self.look(READING, |t| {
            let mut c = Conditions::default();
            c.add("kind = ?", number(kind));
            c.scope(scope);
            if !filter.states.is_empty() {
                c.any("state", filter.states.iter().map(|s| Value::Text(s.clone())));
            }
            if let Some(incident) = &filter.incident {
                c.add("incident = ?", incident.clone());
            }
            c.args.push(Value::Integer(limit.clamp(1, MOST) as i64));
            let sql = format!("SELECT {COLUMNS} FROM responses{} ORDER BY created DESC, id DESC LIMIT ?", c.text());
            t.prepare_cached(&sql).and_then(|mut s| s.query_map(c.args(), read)?.collect()).map_err(StoreError::state(READING))
        })
    }

    fn due_responses(&self, now: i64, limit: usize) -> Result<Vec<ResponseRow>> {
        self.look(READING, |t| {
            t.prepare_cached(&format!("SELECT {COLUMNS} FROM responses WHERE due <= ?1 ORDER BY due, id LIMIT ?2"))
                .and_then(|mut s| s.query_map(params![now, limit.clamp(1, MOST) as i64], read)?.collect())
                .map_err(StoreError::state(READING))
        })
    }

    fn response_journal(&self, id: Uuid) -> Result<Vec<ResponseStep>> {
        self.look("reading a journal", |t| {
            let step = |row: &Row<'_>| Ok(ResponseStep { key: row.get(0)?, at: row.get(1)?, who: row.get(2)?, text: row.get(3)? });
            t.prepare_cached("SELECT step, at, who, text FROM response_journal WHERE item = ?1 ORDER BY number")
                .and_then(|mut s| s.query_map([id.as_bytes()], step)?.collect())
                .map_err(StoreError::state("reading a journal"))
        })
    }
}
