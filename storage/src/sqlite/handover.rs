//! Handovers of shifts.

use fansipan_model::Scope;
use rusqlite::{Row, params};

use super::{Conditions, SqliteState, audit};
use crate::{
    error::{Result, StoreError},
    handover::{Handover, HandoverStore},
    state::AuditRecord,
};

const WHAT: &str = "reading handovers";

fn read(row: &Row<'_>) -> rusqlite::Result<Handover> {
    Ok(Handover { number: row.get::<_, i64>(0)? as u64, at: row.get(1)?, since: row.get(2)?, who: row.get(3)?, note: row.get(4)? })
}

impl HandoverStore for SqliteState {
    fn handovers(&self, scope: &Scope, limit: usize) -> Result<Vec<Handover>> {
        let mut c = Conditions::default();
        c.scope(scope);
        let sql = format!("SELECT number, at, since, who, note FROM handovers{} ORDER BY number DESC LIMIT {limit}", c.text());
        self.look(WHAT, |t| {
            t.prepare_cached(&sql).and_then(|mut s| s.query_map(c.args(), read)?.collect()).map_err(StoreError::state(WHAT))
        })
    }

    fn add_handover(&self, handover: &Handover, scope: &Scope, record: &AuditRecord) -> Result<u64> {
        const WHAT: &str = "keeping a handover";
        let agency = match scope {
            Scope::Agencies(list) if list.len() == 1 => list.first().map(|a| a.as_str().to_owned()),
            _ => None,
        };
        self.change(WHAT, |t| {
            t.prepare_cached("INSERT INTO handovers (at, since, who, agency, note) VALUES (?1, ?2, ?3, ?4, ?5)")
                .and_then(|mut s| s.execute(params![handover.at, handover.since, handover.who, agency, handover.note]))
                .map_err(StoreError::state(WHAT))?;
            let number = t.last_insert_rowid() as u64;
            audit::append(t, record)?;
            Ok(number)
        })
    }
}
