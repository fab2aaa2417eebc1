//! Alerts in number: pages, counts, rankings.

use fansipan_model::{AlertStatus, Scope, text::fold};
use rusqlite::{Row, Transaction, types::Value};

use super::{
    Conditions,
    alerts::{COLUMNS, Stored, level_number, level_of, read, status_number, status_of},
    parsed,
};
use crate::{
    error::{Result, StoreError},
    state::{AlertCounts, AlertFilter, AlertPage, RuleActivity, Suppressed},
};

/// Alerts that are work: neither proved wrong by a late event nor held back by an exception.
const SHOWN: &str = "superseded IS NULL AND suppressed IS NULL";
/// Most alerts on a page.
const MOST: usize = 1_000;

fn conditions(scope: &Scope, filter: &AlertFilter) -> Conditions {
    let mut c = Conditions::default();
    c.sql.push(match filter.suppressed {
        Suppressed::Without => SHOWN.into(),
        Suppressed::Only => "superseded IS NULL AND suppressed IS NOT NULL".into(),
        Suppressed::With => "superseded IS NULL".into(),
    });
    c.scope(scope);
    if !filter.statuses.is_empty() {
        c.any("status", filter.statuses.iter().map(|s| Value::Integer(status_number(*s))));
    }
    if !filter.levels.is_empty() {
        c.any("level", filter.levels.iter().map(|l| Value::Integer(level_number(*l))));
    }
    if let Some(rule) = &filter.rule {
        c.add("rule_id = ?", rule.clone());
    }
    match filter.assignee.as_deref() {
        Some("") => c.sql.push("assignee IS NULL".into()),
        Some(name) => c.add("assignee = ?", name.to_owned()),
        None => {}
    }
    if let Some(text) = filter.text.as_deref().filter(|t| !t.is_empty()) {
        c.add("instr(search, ?) > 0", fold(text).into_owned());
    }
    if let Some(since) = filter.since {
        c.add("last_seen >= ?", since);
    }
    if let Some(until) = filter.until {
        c.add("first_seen < ?", until);
    }
    c
}

fn number(t: &Transaction<'_>, sql: &str, c: &Conditions) -> Result<u64> {
    let count = t.prepare_cached(sql).and_then(|mut s| s.query_row(c.args(), |row| row.get::<_, i64>(0)));
    Ok(count.map_err(StoreError::state("counting alerts"))? as u64)
}

/// Place of an alert in the order: raised and id.
fn cursor(text: &str) -> Option<(i64, Vec<u8>)> {
    let (raised, id) = text.split_at_checked(16)?;
    Some((u64::from_str_radix(raised, 16).ok()? as i64, hex::decode(id).ok().filter(|id| id.len() == 16)?))
}

/// See [`crate::StateStore::alerts`].
pub(super) fn page(t: &Transaction<'_>, scope: &Scope, filter: &AlertFilter, after: Option<&str>, limit: usize) -> Result<AlertPage> {
    let mut c = conditions(scope, filter);
    let total = number(t, &format!("SELECT count(*) FROM alerts{}", c.text()), &c)?;
    if let Some(text) = after {
        let (raised, id) = cursor(text).ok_or(StoreError::NotFound("page: pass back `next` as it was given"))?;
        c.sql.push("(raised, id) < (?, ?)".into());
        c.args.extend([Value::Integer(raised), Value::Blob(id)]);
    }
    let limit = limit.clamp(1, MOST);
    c.args.push(Value::Integer(limit as i64 + 1));
    let sql = format!("SELECT {COLUMNS} FROM alerts{} ORDER BY raised DESC, id DESC LIMIT ?", c.text());
    let rows: Vec<Stored> =
        t.prepare_cached(&sql).and_then(|mut s| s.query_map(c.args(), read)?.collect()).map_err(StoreError::state("listing alerts"))?;
    let more = rows.len() > limit;
    let items = rows.into_iter().take(limit).map(Stored::finish).collect::<Result<Vec<_>>>()?;
    let next = items.last().filter(|_| more).map(|a| format!("{:016x}{}", a.raised as u64, a.id));
    Ok(AlertPage { items, next, total })
}

fn word<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// See [`crate::StateStore::alert_counts`].
pub(super) fn counts(t: &Transaction<'_>, scope: &Scope) -> Result<AlertCounts> {
    let mut c = Conditions::default();
    c.sql.push(SHOWN.into());
    c.scope(scope);
    let mut out = AlertCounts::default();
    for n in 0..5 {
        out.by_status.insert(word(status_of(n)), 0);
        out.open_by_level.insert(level_of(n).as_str().to_owned(), 0);
    }
    let sql = format!("SELECT status, level, count(*) FROM alerts{} GROUP BY status, level", c.text());
    let rows: Vec<(i64, i64, i64)> = t
        .prepare_cached(&sql)
        .and_then(|mut s| s.query_map(c.args(), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect())
        .map_err(StoreError::state("counting alerts"))?;
    for (status, level, count) in rows {
        let (status, count) = (status_of(status), count as u64);
        *out.by_status.entry(word(status)).or_default() += count;
        if matches!(status, AlertStatus::New | AlertStatus::Acknowledged) {
            out.open += count;
            *out.open_by_level.entry(level_of(level).as_str().to_owned()).or_default() += count;
        }
    }
    Ok(out)
}

/// See [`crate::StateStore::alerts_raised_since`].
pub(super) fn raised_since(t: &Transaction<'_>, scope: &Scope, since: i64) -> Result<u64> {
    let mut c = Conditions::default();
    c.sql.push(SHOWN.into());
    c.scope(scope);
    c.add("raised >= ?", since);
    number(t, &format!("SELECT count(*) FROM alerts{}", c.text()), &c)
}

/// See [`crate::StateStore::top_rules`].
pub(super) fn top_rules(t: &Transaction<'_>, scope: &Scope, since: i64, limit: usize) -> Result<Vec<RuleActivity>> {
    let mut c = Conditions::default();
    c.sql.push(SHOWN.into());
    c.scope(scope);
    c.add("last_seen >= ?", since);
    c.args.push(Value::Integer(limit as i64));
    // SQLite takes `rule` from the row that gives the maximum: the rule as it fired last
    let sql = format!(
        "SELECT rule, sum(count) AS events, count(*), max(last_seen) FROM alerts{} GROUP BY rule_id ORDER BY events DESC, rule_id LIMIT ?",
        c.text()
    );
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
    let rows: Vec<_> = t
        .prepare_cached(&sql)
        .and_then(|mut s| s.query_map(c.args(), read)?.collect())
        .map_err(StoreError::state("counting alerts by rule"))?;
    rows.into_iter()
        .map(|(rule, count, alerts)| {
            let rule: fansipan_model::RuleRef = parsed("rule of an alert", &rule)?;
            Ok(RuleActivity {
                id: rule.id,
                title: rule.title,
                title_vi: rule.title_vi,
                level: rule.level,
                count: count as u64,
                alerts: alerts as u64,
            })
        })
        .collect()
}

/// See [`crate::StateStore::top_techniques`].
pub(super) fn top_techniques(t: &Transaction<'_>, scope: &Scope, since: i64, limit: usize) -> Result<Vec<(String, u64)>> {
    let mut c = Conditions::default();
    c.sql.push(SHOWN.into());
    c.scope(scope);
    c.add("last_seen >= ?", since);
    c.sql.push("lower(tag.value) GLOB 'attack.t[0-9]*'".into());
    c.args.push(Value::Integer(limit as i64));
    let sql = format!(
        "SELECT substr(lower(tag.value), 8) AS technique, count(*) AS n FROM alerts, json_each(alerts.tags) AS tag{}
         GROUP BY technique ORDER BY n DESC, technique LIMIT ?",
        c.text()
    );
    t.prepare_cached(&sql)
        .and_then(|mut s| s.query_map(c.args(), |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?.collect())
        .map_err(StoreError::state("counting alerts by technique"))
}
