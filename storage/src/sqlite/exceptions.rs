//! What people decided not to be told of: a row for every version.

use fansipan_model::{Exception, Scope};
use rusqlite::{Row, Transaction, params};

use super::{Conditions, SqliteState, audit, json, parsed};
use crate::{
    error::{Result, StoreError},
    exceptions::{ExceptionChange, ExceptionStore},
    state::AuditRecord,
};

const WHAT: &str = "reading exceptions";
const LATEST: &str = "version = (SELECT max(version) FROM exceptions AS l WHERE l.id = exceptions.id)";

fn seen_by(scope: &Scope, c: &mut Conditions) {
    let before = c.sql.len();
    c.scope(scope);
    if let Some(condition) = c.sql.get_mut(before) {
        *condition = format!("(agency IS NULL OR {condition})");
    }
}

fn list(t: &Transaction<'_>, c: &Conditions, order: &str) -> Result<Vec<Exception>> {
    let read = |row: &Row<'_>| row.get::<_, String>(0);
    let rows: Vec<String> = t
        .prepare_cached(&format!("SELECT body FROM exceptions{} ORDER BY {order}", c.text()))
        .and_then(|mut s| s.query_map(c.args(), read)?.collect())
        .map_err(StoreError::state(WHAT))?;
    rows.iter().map(|body| parsed("an exception", body)).collect()
}

fn versions(t: &Transaction<'_>, scope: &Scope, id: &str) -> Result<Vec<Exception>> {
    let mut c = Conditions::default();
    c.add("id = ?", id.to_owned());
    seen_by(scope, &mut c);
    list(t, &c, "version")
}

fn put(t: &Transaction<'_>, exception: &Exception) -> Result<()> {
    t.prepare_cached("INSERT INTO exceptions (id, version, agency, until, created, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .and_then(|mut s| {
            s.execute(params![
                exception.id,
                exception.version as i64,
                exception.agency,
                exception.until,
                exception.created,
                json(exception)
            ])
        })
        .map(drop)
        .map_err(StoreError::state("storing an exception"))
}

impl ExceptionStore for SqliteState {
    fn exceptions(&self, scope: &Scope, since: Option<i64>) -> Result<Vec<Exception>> {
        let mut c = Conditions::default();
        c.sql.push(LATEST.to_owned());
        seen_by(scope, &mut c);
        if let Some(since) = since {
            c.add("until > ?", since);
        }
        self.look(WHAT, |t| list(t, &c, "created DESC, id"))
    }

    fn exception_versions(&self, scope: &Scope, id: &str) -> Result<Vec<Exception>> {
        self.look(WHAT, |t| versions(t, scope, id))
    }

    fn add_exception(&self, exception: &Exception, audit: &AuditRecord) -> Result<()> {
        self.change("storing an exception", |t| {
            put(t, exception)?;
            audit::append(t, audit).map(drop)
        })
    }

    fn change_exception(&self, scope: &Scope, id: &str, version: u64, change: &ExceptionChange, audit: &AuditRecord) -> Result<Exception> {
        self.change("changing an exception", |t| {
            let mut exception = versions(t, scope, id)?.pop().ok_or(StoreError::NotFound("exception"))?;
            if exception.agency.is_none() && *scope != Scope::All {
                return Err(StoreError::NotFound("exception"));
            }
            if exception.version != version {
                return Err(StoreError::Conflict { what: "exception", current: exception.version });
            }
            exception.version += 1;
            exception.until = change.until.unwrap_or(exception.until);
            for (new, old) in [(&change.owner, &mut exception.owner), (&change.reason, &mut exception.reason)] {
                new.iter().for_each(|n| old.clone_from(n));
            }
            put(t, &exception)?;
            audit::append(t, audit)?;
            Ok(exception)
        })
    }

    fn exceptions_revision(&self) -> Result<u64> {
        self.look(WHAT, |t| {
            let count = t.prepare_cached("SELECT count(*) FROM exceptions").and_then(|mut s| s.query_row([], |row| row.get::<_, i64>(0)));
            Ok(count.map_err(StoreError::state(WHAT))? as u64)
        })
    }
}
