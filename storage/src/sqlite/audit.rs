//! The audit trail: append-only, chained by hashes.

use fansipan_model::Scope;
use rusqlite::{OptionalExtension as _, Row, Transaction, params, types::Value};
use sha2::{Digest, Sha256};

use super::{Conditions, json};
use crate::{
    error::{Result, StoreError},
    state::{AuditEntry, AuditFilter, AuditPage, AuditRecord},
};

/// Most entries on a page.
const MOST: usize = 1_000;
const COLUMNS: &str = "number, at, who, verb, object, agency, details, peer, allowed, hash";

/// Chains an entry to the hash before it: SHA-256 over that hash and the entry as a JSON array.
fn chained(before: &[u8; 32], e: &AuditEntry) -> [u8; 32] {
    let entry = json(&(e.number, e.at, &e.who, &e.verb, &e.object, &e.agency, &e.details, &e.peer, e.allowed));
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(entry.as_bytes());
    hash.finalize().into()
}

fn read(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        number: row.get::<_, i64>(0)? as u64,
        at: row.get(1)?,
        who: row.get(2)?,
        verb: row.get(3)?,
        object: row.get(4)?,
        agency: row.get(5)?,
        details: row.get(6)?,
        peer: row.get(7)?,
        allowed: row.get(8)?,
        hash: hex::encode(row.get::<_, [u8; 32]>(9)?),
    })
}

/// Appends a record.
pub(super) fn append(t: &Transaction<'_>, record: &AuditRecord) -> Result<AuditEntry> {
    const WHAT: &str = "writing the audit trail";
    let last: Option<(i64, [u8; 32])> = t
        .prepare_cached("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
        .and_then(|mut s| s.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(StoreError::state(WHAT))?;
    let (number, before) = last.unwrap_or((0, [0; 32]));
    let mut entry = AuditEntry {
        number: number as u64 + 1,
        at: record.at,
        who: record.who.clone(),
        verb: record.verb.clone(),
        object: record.object.clone(),
        agency: record.agency.as_ref().map(|a| a.as_str().to_owned()),
        details: record.details.clone(),
        peer: record.peer.clone(),
        allowed: record.allowed,
        hash: String::new(),
    };
    let hash = chained(&before, &entry);
    entry.hash = hex::encode(hash);
    t.prepare_cached(&format!("INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"))
        .and_then(|mut s| {
            s.execute(params![
                entry.number as i64,
                entry.at,
                entry.who,
                entry.verb,
                entry.object,
                entry.agency,
                entry.details,
                entry.peer,
                entry.allowed,
                hash
            ])
        })
        .map_err(StoreError::state(WHAT))?;
    Ok(entry)
}

/// See [`crate::StateStore::audit_trail`].
pub(super) fn page(t: &Transaction<'_>, scope: &Scope, filter: &AuditFilter, before: Option<u64>, limit: usize) -> Result<AuditPage> {
    let mut c = Conditions::default();
    c.scope(scope);
    if let Some(who) = &filter.who {
        c.add("who = ?", who.clone());
    }
    if let Some(verb) = &filter.verb {
        c.sql.push("(verb = ? OR substr(verb, 1, ?) = ?)".into());
        let dotted = format!("{verb}.");
        c.args.extend([Value::Text(verb.clone()), Value::Integer(dotted.chars().count() as i64), Value::Text(dotted)]);
    }
    if let Some(object) = &filter.object {
        c.add("object = ?", object.clone());
    }
    if let Some(since) = filter.since {
        c.add("at >= ?", since);
    }
    if let Some(until) = filter.until {
        c.add("at < ?", until);
    }
    if let Some(number) = before {
        c.add("number < ?", i64::try_from(number).unwrap_or(i64::MAX));
    }
    let limit = limit.clamp(1, MOST);
    c.args.push(Value::Integer(limit as i64 + 1));
    let sql = format!("SELECT {COLUMNS} FROM audit{} ORDER BY number DESC LIMIT ?", c.text());
    let mut items: Vec<AuditEntry> = t
        .prepare_cached(&sql)
        .and_then(|mut s| s.query_map(c.args(), read)?.collect())
        .map_err(StoreError::state("reading the audit trail"))?;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|e| e.number);
    Ok(AuditPage { items, next })
}

/// See [`crate::StateStore::verify_audit`].
pub(super) fn verify(t: &Transaction<'_>) -> Result<u64> {
    const WHAT: &str = "checking the audit trail";
    let mut statement = t.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY number")).map_err(StoreError::state(WHAT))?;
    let rows = statement.query_map([], read).map_err(StoreError::state(WHAT))?;
    let (mut before, mut number) = ([0u8; 32], 0);
    for row in rows {
        let entry = row.map_err(StoreError::state(WHAT))?;
        number += 1;
        let hash = chained(&before, &entry);
        if entry.number != number || hex::encode(hash) != entry.hash {
            return Err(StoreError::Damaged { what: "audit trail", reason: format!("entry {number} does not fit the one before it") });
        }
        before = hash;
    }
    Ok(number)
}
