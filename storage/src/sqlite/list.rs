//! Alerts in number: pages, counts, rankings.

use fansipan_model::{AlertStatus, Scope};
use hashbrown::HashMap;
use rusqlite::{Transaction, types::Value};

use super::{
    Conditions,
    alerts::{COLUMNS, FROM, Stored, level_number, level_of, read, status_number, status_of},
    find::By,
    parsed,
};
use crate::{
    cases::Figures,
    error::{Result, StoreError},
    events::TimeRange,
    state::{AlertCounts, AlertFilter, AlertPage, AlertSort, RuleActivity, Suppressed},
};

/// Alerts that are work: neither proved wrong by a late event nor held back by an exception.
pub(super) const SHOWN: &str = "superseded IS NULL AND suppressed IS NULL";
/// Most alerts on a page.
const MOST: usize = 1_000;
/// Where counts of keeping none stop counting.
const COUNTED: usize = 10_000;

/// What a filter asks for, over the tables of the way its text is found.
pub(super) fn conditions(scope: &Scope, filter: &AlertFilter, by: &By) -> Conditions {
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
    if open_only(filter) {
        c.sql.push("status < 2".into()); // as the partial indexes say it
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
    if let Some(entity) = &filter.entity {
        c.add("alerts.n IN (SELECT n FROM alert_entities WHERE value = ?)", entity.clone());
    }
    by.condition(&mut c);
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

/// Whether a filter asks for nothing but open alerts that are shown.
fn open_only(filter: &AlertFilter) -> bool {
    filter.suppressed == Suppressed::Without && !filter.statuses.is_empty() && filter.statuses.iter().all(|s| AlertFilter::OPEN.contains(s))
}

/// Which table to begin with, and by which order: filters are met by scanning the one index that leaves least to look at.
pub(super) fn source(filter: &AlertFilter) -> &'static str {
    if filter.entity.is_some() {
        return "alerts NOT INDEXED"; // by their numbers, as the index of entities gives them
    }
    match (filter.sort, open_only(filter), &filter.rule) {
        (AlertSort::Priority, true, _) => "alerts INDEXED BY alerts_queue",
        (_, true, _) => "alerts INDEXED BY alerts_open",
        (_, false, Some(_)) => "alerts INDEXED BY alerts_rule",
        (_, false, None) => "alerts INDEXED BY alerts_raised",
    }
}

/// How many fit: kept counts where they can tell, else counted up to a bound.
fn total(t: &Transaction<'_>, scope: &Scope, filter: &AlertFilter, by: &By) -> Result<(u64, bool)> {
    let shown = filter.suppressed == Suppressed::Without; // others are counted nowhere
    let plain = shown
        && filter.rule.is_none()
        && filter.entity.is_none()
        && filter.assignee.is_none()
        && filter.since.is_none()
        && filter.until.is_none();
    if plain && filter.text.as_deref().is_none_or(str::is_empty) {
        let mut c = Conditions::default();
        c.scope(scope);
        if !filter.statuses.is_empty() {
            c.any("status", filter.statuses.iter().map(|s| Value::Integer(status_number(*s))));
        }
        if !filter.levels.is_empty() {
            c.any("level", filter.levels.iter().map(|l| Value::Integer(level_number(*l))));
        }
        return Ok((number(t, &format!("SELECT coalesce(sum(alerts), 0) FROM alert_tallies{}", c.text()), &c)?, true));
    }
    let c = conditions(scope, filter, by);
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {}{} LIMIT {})", by.tables(source(filter)), c.text(), COUNTED + 1);
    let found = number(t, &sql, &c)?;
    Ok((found.min(COUNTED as u64), found <= COUNTED as u64))
}

/// Place of an alert in the order: a number of it and its id; for priorities the time it was raised between them.
struct At {
    numbers: Vec<i64>,
    id: Vec<u8>,
}

fn cursor(text: &str, numbers: usize) -> Option<At> {
    let (digits, id) = text.split_at_checked(16 * numbers)?;
    let numbers =
        (0..numbers).map(|i| Some(u64::from_str_radix(digits.get(16 * i..16 * i + 16)?, 16).ok()? as i64)).collect::<Option<_>>()?;
    Some(At { numbers, id: hex::decode(id).ok().filter(|id| id.len() == 16)? })
}

/// See [`crate::StateStore::alerts`].
pub(super) fn page(t: &Transaction<'_>, scope: &Scope, filter: &AlertFilter, after: Option<&str>, limit: usize) -> Result<AlertPage> {
    let by = By::first(t, filter)?;
    let (total, total_exact) = total(t, scope, filter, &by)?;
    let limit = limit.clamp(1, MOST);
    let queue = filter.sort == AlertSort::Priority;
    let at = after.map(|text| cursor(text, 1 + usize::from(queue)).ok_or(StoreError::NotFound("page: pass back `next` as it was given")));
    let at = at.transpose()?;
    let (columns, mut rows) = (format!("{COLUMNS}, priority"), Vec::new());
    let mut run = |filter: &AlertFilter, order: &str, from: &str, after: Option<(&str, &At)>| -> Result<()> {
        let mut c = conditions(scope, filter, &by);
        if let Some((condition, at)) = after {
            c.sql.push(condition.to_owned());
            c.args.extend(at.numbers.iter().map(|n| Value::Integer(*n)));
            c.args.push(Value::Blob(at.id.clone()));
        }
        c.args.push(Value::Integer(limit as i64 + 1));
        let sql = match filter.entity {
            None => format!("SELECT {columns} FROM {}{} ORDER BY {order} LIMIT ?", by.with_bodies(from), c.text()),
            // put in order before their bodies are read, since the index of entities has another
            Some(_) => format!(
                "SELECT {columns} FROM {FROM} WHERE n IN (SELECT alerts.n FROM {}{} ORDER BY {order} LIMIT ?) ORDER BY {order}",
                by.tables(from),
                c.text()
            ),
        };
        let found: Vec<(Stored, u32)> = t
            .prepare_cached(&sql)
            .and_then(|mut s| s.query_map(c.args(), |row| Ok((read(row)?, row.get(17)?)))?.collect())
            .map_err(StoreError::state("listing alerts"))?;
        rows.extend(found);
        Ok(())
    };
    if queue {
        // each status has an order of its own in the index: both are read and put together
        for status in AlertFilter::OPEN.iter().filter(|s| filter.statuses.is_empty() || filter.statuses.contains(s)) {
            let one = AlertFilter { statuses: vec![*status], ..filter.clone() };
            let after = at.as_ref().map(|at| ("(-priority, raised, alerts.id) > (-?, ?, ?)", at));
            run(&one, "priority DESC, raised, alerts.id", source(&one), after)?;
        }
        rows.sort_by_key(|(stored, priority)| (std::cmp::Reverse(*priority), stored.place()));
    } else {
        let after = at.as_ref().map(|at| ("(raised, alerts.id) < (?, ?)", at));
        run(filter, "raised DESC, alerts.id DESC", source(filter), after)?;
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let mut page = AlertPage { total, total_exact, ..AlertPage::default() };
    for (stored, priority) in rows {
        page.items.push(stored.finish()?);
        page.priorities.push(priority);
    }
    page.next = page.items.last().zip(page.priorities.last()).filter(|_| more).map(|(a, p)| match queue {
        true => format!("{p:016x}{:016x}{}", a.raised as u64, a.id),
        false => format!("{:016x}{}", a.raised as u64, a.id),
    });
    Ok(page)
}

fn word<T: serde::Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// See [`crate::StateStore::alert_counts`].
pub(super) fn counts(t: &Transaction<'_>, scope: &Scope) -> Result<AlertCounts> {
    let mut c = Conditions::default();
    c.scope(scope);
    let mut out = AlertCounts::default();
    for n in 0..5 {
        out.by_status.insert(word(status_of(n)), 0);
        out.open_by_level.insert(level_of(n).as_str().to_owned(), 0);
    }
    let sql = format!("SELECT status, level, sum(alerts) FROM alert_tallies{} GROUP BY status, level", c.text());
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

/// See [`crate::CaseStore::figures`].
pub(super) fn figures(t: &Transaction<'_>, scope: &Scope, range: TimeRange) -> Result<Figures> {
    let mut c = Conditions::default();
    c.sql.push(SHOWN.into());
    c.scope(scope);
    c.add("raised >= ?", range.from);
    c.add("raised < ?", range.to);
    let alerts = number(t, &format!("SELECT count(*) FROM alerts INDEXED BY alerts_shown{}", c.text()), &c)?;
    c.sql.push("level >= 3".into());
    c.sql.push("status < 3".into());
    let attacks = number(t, &format!("SELECT count(*) FROM alerts INDEXED BY alerts_grave{}", c.text()), &c)?;
    let mut c = Conditions::default();
    c.sql.push("merged_into IS NULL".into());
    c.scope(scope);
    c.add("opened >= ?", range.from);
    c.add("opened < ?", range.to);
    let incidents = number(t, &format!("SELECT count(*) FROM incidents INDEXED BY incidents_opened{}", c.text()), &c)?;
    Ok(Figures { alerts, attacks, incidents })
}

/// See [`crate::CaseStore::open_incidents`].
pub(super) fn open_incidents(t: &Transaction<'_>, scope: &Scope) -> Result<u64> {
    let mut c = Conditions::default();
    c.sql.push("merged_into IS NULL".into());
    c.sql.push("status < 2".into());
    c.scope(scope);
    number(t, &format!("SELECT count(*) FROM incidents{}", c.text()), &c)
}

/// See [`crate::StateStore::rule_activity`].
pub(super) fn rule_activity(t: &Transaction<'_>, scope: &Scope, since: i64) -> Result<Vec<RuleActivity>> {
    const WHAT: &str = "counting alerts by rule";
    let failed = StoreError::state;
    let mut c = Conditions::default();
    c.sql.push(SHOWN.into());
    c.scope(scope);
    c.add("last_seen >= ?", since);
    // by rule: matching events, alerts, and the latest alert; put together here, since the store would sort all of them first
    let mut sums: HashMap<String, (i64, u64, i64), foldhash::fast::FixedState> = HashMap::default();
    {
        let sql = format!("SELECT rule_id, count, n FROM alerts INDEXED BY alerts_last{}", c.text());
        let mut statement = t.prepare_cached(&sql).map_err(failed(WHAT))?;
        let mut rows = statement.query(c.args()).map_err(failed(WHAT))?;
        while let Some(row) = rows.next().map_err(failed(WHAT))? {
            let (count, n): (i64, i64) = (row.get(1).map_err(failed(WHAT))?, row.get(2).map_err(failed(WHAT))?);
            let rule = row.get_ref(0).and_then(|v| Ok(v.as_str()?)).map_err(failed(WHAT))?;
            let (events, alerts, last) = sums.entry_ref(rule).or_default();
            (*events, *alerts, *last) = (*events + count, *alerts + 1, n.max(*last));
        }
    }
    // the rule as it fired last
    let mut body = t.prepare_cached("SELECT rule FROM alert_bodies WHERE n = ?1").map_err(failed(WHAT))?;
    let mut found = Vec::with_capacity(sums.len());
    for (_, (count, alerts, last)) in sums {
        let rule: String = body.query_row([last], |row| row.get(0)).map_err(failed(WHAT))?;
        let rule: fansipan_model::RuleRef = parsed("rule of an alert", &rule)?;
        found.push(RuleActivity {
            id: rule.id,
            title: rule.title,
            title_vi: rule.title_vi,
            level: rule.level,
            tags: rule.tags,
            count: count as u64,
            alerts,
        });
    }
    found.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
    Ok(found)
}
