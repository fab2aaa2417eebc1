//! Rules of the centre's own: a row for every version.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, params};

use super::{SqliteState, audit};
use crate::{
    cases::Verdicts,
    error::{Result, StoreError},
    rules::{OwnRule, RuleStore},
    state::AuditRecord,
};

const WHAT: &str = "reading own rules";
const COLUMNS: &str = "id, version, text, enabled, who, at, why";

fn read(row: &Row<'_>) -> rusqlite::Result<OwnRule> {
    Ok(OwnRule {
        id: row.get(0)?,
        version: row.get::<_, i64>(1)? as u64,
        text: row.get(2)?,
        enabled: row.get(3)?,
        who: row.get(4)?,
        at: row.get(5)?,
        why: row.get(6)?,
    })
}

impl RuleStore for SqliteState {
    fn own_rules(&self) -> Result<Vec<OwnRule>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM own_rules WHERE version = (SELECT max(version) FROM own_rules AS l WHERE l.id = own_rules.id) ORDER BY id"
        );
        self.look(WHAT, |t| t.prepare_cached(&sql).and_then(|mut s| s.query_map([], read)?.collect()).map_err(StoreError::state(WHAT)))
    }

    fn own_rule_versions(&self, id: &str) -> Result<Vec<OwnRule>> {
        let sql = format!("SELECT {COLUMNS} FROM own_rules WHERE id = ?1 ORDER BY version");
        self.look(WHAT, |t| t.prepare_cached(&sql).and_then(|mut s| s.query_map([id], read)?.collect()).map_err(StoreError::state(WHAT)))
    }

    fn save_own_rule(&self, rule: &OwnRule, record: &AuditRecord) -> Result<OwnRule> {
        const WHAT: &str = "keeping a rule";
        self.change(WHAT, |t| {
            let newest = "SELECT version FROM own_rules WHERE id = ?1 ORDER BY version DESC LIMIT 1";
            let current: Option<i64> = t
                .prepare_cached(newest)
                .and_then(|mut s| s.query_row([&rule.id], |row| row.get(0)).optional())
                .map_err(StoreError::state(WHAT))?;
            let current = current.unwrap_or(0) as u64;
            if current != rule.version {
                return Err(StoreError::Conflict { what: "rule", current });
            }
            let kept = OwnRule { version: current + 1, ..rule.clone() };
            t.prepare_cached("INSERT INTO own_rules (id, version, text, enabled, who, at, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
                .and_then(|mut s| s.execute(params![kept.id, kept.version as i64, kept.text, kept.enabled, kept.who, kept.at, kept.why]))
                .map_err(StoreError::state(WHAT))?;
            audit::append(t, record)?;
            Ok(kept)
        })
    }

    fn rule_verdicts(&self) -> Result<BTreeMap<String, Verdicts>> {
        const WHAT: &str = "counting verdicts";
        let rows: Vec<(String, i64, i64)> = self.look(WHAT, |t| {
            t.prepare_cached("SELECT rule, status, alerts FROM rule_verdicts")
                .and_then(|mut s| s.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect())
                .map_err(StoreError::state(WHAT))
        })?;
        let mut out: BTreeMap<String, Verdicts> = BTreeMap::new();
        for (rule, status, alerts) in rows {
            out.entry(rule).or_default().put(status, alerts as u64);
        }
        Ok(out)
    }
}
