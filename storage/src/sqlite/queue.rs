//! The queue: what comes first, taking it, judging many at once and taking that back, and what is known around an alert.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use fansipan_model::{Agency, Alert, AlertId, AlertStatus, Incident, IncidentId, Level, Scope, Word, case::ItemBody, said, varint};
use rusqlite::{OptionalExtension as _, Row, Transaction, params, types::Value};

use super::{
    Conditions, SqliteState,
    alerts::{COLUMNS, FROM, Stored, decide, one, read, status_number},
    audit,
    find::By,
    list,
    tally::{Place, Sums},
    workspace,
};
use crate::{
    cases::{
        Advance, AlertContext, BULK_MOST, BulkDone, BulkRequest, CaseStore, Claimed, ContextRequest, EntityHistory, Figures, Item, Rank,
        SavedSearch, Verdicts, Workspace,
    },
    error::{Result, StoreError},
    events::TimeRange,
    state::{AlertFilter, AlertSort, AuditRecord, IncidentFilter},
};

const CLAIM: &str = "taking the next alert";
const BULK: &str = "judging many alerts";
const AROUND: &str = "reading what is known around an alert";
/// Incidents read at once by an export.
const EXPORTED: usize = 200;
const DAY: i64 = 86_400_000_000_000;
/// Alerts of an entity that tell its risk.
const RISK_ALERTS: usize = 10;
/// Other rules about them beyond which the risk is no higher.
const RISK_RULES: usize = 5;
/// Judged alerts like one, listed.
const SIMILAR: usize = 20;

/// What a level weighs.
fn weight(level: Level) -> u32 {
    match level {
        Level::Informational => 50,
        Level::Low => 200,
        Level::Medium => 400,
        Level::High => 700,
        Level::Critical => 1000,
    }
}

/// Verdicts on alerts of a rule.
fn verdicts(t: &Transaction<'_>, rule: &str) -> Result<Verdicts> {
    let mut statement = t.prepare_cached("SELECT status, alerts FROM rule_verdicts WHERE rule = ?1").map_err(StoreError::state(AROUND))?;
    let rows = statement.query_map([rule], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).map_err(StoreError::state(AROUND))?;
    let mut out = Verdicts::default();
    for row in rows {
        let (status, alerts) = row.map_err(StoreError::state(AROUND))?;
        out.put(status, alerts as u64);
    }
    Ok(out)
}

/// Where an alert of this rule about these entities belongs in the queue.
pub(super) fn rank<'e>(t: &Transaction<'_>, rule: &str, level: Level, entities: impl Iterator<Item = &'e str>, now: i64) -> Result<Rank> {
    let seen = verdicts(t, rule)?;
    let judged = seen.true_positive + seen.false_positive + seen.benign;
    // one verdict each way to begin with, so that a single mistake does not silence a rule; real and harmless is half right
    let confidence = 500 + (1000 * (2 * seen.true_positive + seen.benign + 2) / (2 * (judged + 2))) as u32;
    let mut others: BTreeSet<String> = BTreeSet::new();
    // the limit stands in the text: SQLite plans a statement anew whenever a limit is bound
    let mut lately = t
        .prepare_cached(&format!(
            "SELECT rule_id FROM (SELECT n FROM alert_entities WHERE value = ?1 ORDER BY n DESC LIMIT {RISK_ALERTS}) JOIN alerts USING (n)
             WHERE raised >= ?2 AND rule_id <> ?3 AND superseded IS NULL AND suppressed IS NULL AND status <> 3",
        ))
        .map_err(StoreError::state(AROUND))?;
    for value in entities {
        if others.len() >= RISK_RULES {
            break;
        }
        let rows = lately
            .query_map(params![value, now.saturating_sub(DAY), rule], |row| row.get::<_, String>(0))
            .map_err(StoreError::state(AROUND))?;
        for row in rows {
            others.insert(row.map_err(StoreError::state(AROUND))?);
        }
    }
    let risk = 1000 + 100 * others.len().min(RISK_RULES) as u32;
    let level = weight(level);
    let priority = (u64::from(level) * u64::from(confidence) * u64::from(risk) / 1_000_000) as u32;
    Ok(Rank { priority, level, confidence, risk })
}

fn rank_of(t: &Transaction<'_>, alert: &Alert, now: i64) -> Result<Rank> {
    rank(t, &alert.rule.id, alert.rule.level, alert.entities.iter().map(|e| e.value.as_str()), now)
}

impl CaseStore for SqliteState {
    fn claim_next(&self, scope: &Scope, filter: &AlertFilter, who: &str, audit: &AuditRecord) -> Result<Option<Claimed>> {
        self.change(CLAIM, |t| claim(t, scope, filter, who, audit))
    }

    fn bulk_count(&self, scope: &Scope, request: &BulkRequest) -> Result<u64> {
        self.look(BULK, |t| {
            let (tables, c) = targets(scope, request);
            let sql = format!("SELECT count(*) FROM {tables}{}", c.text());
            let count = t.prepare_cached(&sql).and_then(|mut s| s.query_row(c.args(), |row| row.get::<_, i64>(0)));
            Ok(count.map_err(StoreError::state(BULK))? as u64)
        })
    }

    fn bulk_judge(&self, scope: &Scope, request: &BulkRequest, audit: &AuditRecord) -> Result<BulkDone> {
        self.change(BULK, |t| judge(t, scope, request, audit))
    }

    fn bulk_undo(&self, scope: &Scope, token: &str, who: Option<&str>, at: i64, audit: &AuditRecord) -> Result<BulkDone> {
        self.change("taking a decision back", |t| undo(t, scope, token, who, at, audit))
    }

    fn alert_context(&self, scope: &Scope, request: ContextRequest) -> Result<Option<AlertContext>> {
        self.look(AROUND, |t| context(t, scope, request))
    }

    fn alerts_of_entity(&self, scope: &Scope, value: &str, since: i64, limit: usize) -> Result<(Vec<Alert>, bool)> {
        self.look(AROUND, |t| of_entity(t, scope, value, since, limit.clamp(1, 500)))
    }

    fn each_incident(&self, scope: &Scope, filter: &IncidentFilter, each: &mut dyn FnMut(&Incident) -> ControlFlow<()>) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.look("listing incidents", |t| super::incidents::page_after(t, scope, filter, after, EXPORTED))?;
            for incident in &page.items {
                if each(incident).is_break() {
                    return Ok(());
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn figures(&self, scope: &Scope, range: TimeRange) -> Result<Figures> {
        self.look("counting alerts", |t| list::figures(t, scope, range))
    }

    fn open_incidents(&self, scope: &Scope) -> Result<u64> {
        self.look("counting incidents", |t| list::open_incidents(t, scope))
    }

    fn workspace(&self, scope: &Scope, id: IncidentId) -> Result<Option<Workspace>> {
        self.look("reading a workspace", |t| workspace::read(t, scope, id))
    }

    fn advance(&self, scope: &Scope, id: IncidentId, step: &Advance, audit: &AuditRecord) -> Result<Workspace> {
        self.change("leading an incident on", |t| workspace::advance(t, scope, id, step, audit))
    }

    fn escalate(&self, scope: &Scope, alert: AlertId, audit: &AuditRecord) -> Result<IncidentId> {
        self.change("opening an incident", |t| super::incidents::escalate(t, scope, alert, audit))
    }

    fn add_item(&self, scope: &Scope, incident: IncidentId, item: &Item, audit: &AuditRecord) -> Result<Item> {
        self.change("changing a workspace", |t| workspace::add(t, scope, incident, item, audit))
    }

    fn change_item(
        &self,
        scope: &Scope,
        incident: IncidentId,
        item: &str,
        version: u64,
        body: &ItemBody,
        audit: &AuditRecord,
    ) -> Result<Item> {
        self.change("changing a workspace", |t| workspace::change(t, scope, incident, (item, version), Some(body), audit))
    }

    fn remove_item(&self, scope: &Scope, incident: IncidentId, item: &str, version: u64, audit: &AuditRecord) -> Result<()> {
        self.change("changing a workspace", |t| workspace::change(t, scope, incident, (item, version), None, audit).map(drop))
    }

    fn saved_searches(&self, who: &str) -> Result<Vec<SavedSearch>> {
        self.look("reading saved searches", |t| workspace::searches(t, who))
    }

    fn save_search(&self, search: &SavedSearch, audit: &AuditRecord) -> Result<SavedSearch> {
        self.change("keeping a search", |t| workspace::save_search(t, search, audit))
    }

    fn remove_search(&self, owner: &str, id: &str, audit: &AuditRecord) -> Result<()> {
        self.change("forgetting a search", |t| workspace::remove_search(t, owner, id, audit))
    }
}

fn claim(t: &Transaction<'_>, scope: &Scope, filter: &AlertFilter, who: &str, audit: &AuditRecord) -> Result<Option<Claimed>> {
    let wanted = AlertFilter { statuses: vec![AlertStatus::New], sort: AlertSort::Priority, ..filter.clone() };
    let by = By::first(t, &wanted)?;
    let c = list::conditions(scope, &wanted, &by);
    let sql = format!(
        "SELECT alerts.id, version FROM {}{} ORDER BY priority DESC, raised, alerts.id LIMIT 2",
        by.tables(list::source(&wanted)),
        c.text()
    );
    let place = |row: &Row<'_>| Ok((AlertId(row.get(0)?), row.get::<_, i64>(1)? as u64));
    let first: Vec<(AlertId, u64)> =
        t.prepare_cached(&sql).and_then(|mut s| s.query_map(c.args(), place)?.collect()).map_err(StoreError::state(CLAIM))?;
    let Some(&(id, version)) = first.first() else { return Ok(None) };
    let alert = decide(t, scope, id, version, |alert| {
        alert.assignee = Some(who.to_owned());
        alert.status = AlertStatus::Acknowledged;
    })?;
    let record = AuditRecord { object: id.to_string(), agency: Some(Agency::new(&alert.agency)), ..audit.clone() };
    audit::append(t, &record)?;
    let rank = rank_of(t, &alert, audit.at)?;
    let following = first.get(1).map_or(Ok(None), |(id, _)| one(t, scope, *id))?;
    Ok(Some(Claimed { alert, rank, following }))
}

/// Alerts of a decision: those that fit and do not stand there already; the tables they are in and the conditions.
fn targets(scope: &Scope, request: &BulkRequest) -> (String, Conditions) {
    // alerts that are named are found by their ids
    let (by, first) = match request.ids.is_empty() {
        true => (By::all(&request.filter), list::source(&request.filter)),
        false => (By::look(&request.filter), "alerts"),
    };
    let mut c = list::conditions(scope, &request.filter, &by);
    c.add("status <> ?", status_number(request.status));
    if !request.ids.is_empty() {
        c.any("alerts.id", request.ids.iter().map(|id| Value::Blob(id.0.to_vec())));
    }
    (by.tables(first), c)
}

/// What alerts stood like before, by status and holder.
type Before = BTreeMap<(i64, Option<String>), Vec<i64>>;

fn judge(t: &Transaction<'_>, scope: &Scope, request: &BulkRequest, audit: &AuditRecord) -> Result<BulkDone> {
    let failed = StoreError::state;
    let (tables, c) = targets(scope, request);
    let sql = format!("SELECT n, agency, rule_id, level, status, assignee FROM {tables}{} LIMIT {}", c.text(), BULK_MOST + 1);
    let target = status_number(request.status);
    let (mut sums, mut before, mut changed) = (Sums::default(), Before::new(), Vec::new());
    {
        let mut statement = t.prepare_cached(&sql).map_err(failed(BULK))?;
        let mut rows = statement.query(c.args()).map_err(failed(BULK))?;
        while let Some(row) = rows.next().map_err(failed(BULK))? {
            let n: i64 = row.get(0).map_err(failed(BULK))?;
            let text = |column: usize| row.get_ref(column).and_then(|v| Ok(v.as_str()?)).map_err(failed(BULK));
            let (level, status): (i64, i64) = (row.get(3).map_err(failed(BULK))?, row.get(4).map_err(failed(BULK))?);
            sums.add_parts(text(1)?, text(2)?, (level, status), -1);
            sums.add_parts(text(1)?, text(2)?, (level, target), 1);
            before.entry((status, row.get(5).map_err(failed(BULK))?)).or_default().push(n);
            changed.push(n);
        }
    }
    // in the order they lie on disk
    changed.sort_unstable();
    before.values_mut().for_each(|list| list.sort_unstable());
    if changed.len() > BULK_MOST {
        return Err(StoreError::TooMuch {
            what: said!("more than {BULK_MOST} alerts fit", "có hơn {BULK_MOST} cảnh báo khớp"),
            help: Word::new("narrow the filter and decide in parts", "hãy thu hẹp bộ lọc và kết luận từng phần"),
        });
    }
    t.prepare_cached("INSERT INTO bulk_acts (token, who, at, status, alerts) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut s| s.execute(params![request.token, request.who, request.at, target, changed.len() as i64]))
        .map_err(failed(BULK))?;
    let number = t.last_insert_rowid();
    let mut update = t
        .prepare_cached("UPDATE alerts SET status = ?2, assignee = coalesce(assignee, ?3), version = version + 1, bulk = ?4 WHERE n = ?1")
        .map_err(failed(BULK))?;
    for n in &changed {
        update.execute(params![n, target, request.who, number]).map_err(failed(BULK))?;
    }
    for ((status, assignee), list) in before {
        t.prepare_cached("INSERT INTO bulk_before (number, status, assignee, alerts) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut s| s.execute(params![number, status, assignee, packed(&list)]))
            .map_err(failed(BULK))?;
    }
    sums.write(t)?;
    audit::append(t, audit)?;
    Ok(BulkDone { changed: changed.len() as u64, kept: 0 })
}

/// Ascending numbers as differences.
fn packed(list: &[i64]) -> Vec<u8> {
    let (mut out, mut last) = (Vec::with_capacity(list.len() * 2), 0);
    for n in list {
        varint::put(&mut out, (n - last) as u64);
        last = *n;
    }
    out
}

fn unpacked(bytes: &[u8]) -> Result<Vec<i64>> {
    let damaged = || StoreError::Damaged { what: "bulk decision", reason: "its list of alerts ends within a number".into() };
    let (mut rest, mut last, mut out) = (bytes.iter(), 0i64, Vec::new());
    while !rest.as_slice().is_empty() {
        let step = varint::read(|| rest.next().copied().ok_or_else(damaged))?.ok_or_else(damaged)?;
        last += step as i64;
        out.push(last);
    }
    Ok(out)
}

fn undo(t: &Transaction<'_>, scope: &Scope, token: &str, who: Option<&str>, at: i64, audit: &AuditRecord) -> Result<BulkDone> {
    const WHAT: &str = "taking a decision back";
    let found: Option<(i64, String, i64, Option<i64>)> = t
        .prepare_cached("SELECT number, who, alerts, undone FROM bulk_acts WHERE token = ?1")
        .and_then(|mut s| s.query_row([token], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).optional())
        .map_err(StoreError::state(WHAT))?;
    let (number, _, all, _) = found
        .filter(|(_, maker, ..)| who.is_none_or(|who| who == maker))
        .filter(|(.., undone)| undone.is_none())
        .ok_or(StoreError::NotFound("decision that can be taken back"))?;
    let lists: Vec<(i64, Option<String>, Vec<u8>)> = t
        .prepare_cached("SELECT status, assignee, alerts FROM bulk_before WHERE number = ?1")
        .and_then(|mut s| s.query_map([number], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?.collect())
        .map_err(StoreError::state(WHAT))?;
    // two statements: `RETURNING` makes SQLite keep a journal of each
    let mut stands =
        t.prepare_cached(&format!("SELECT {} FROM alerts WHERE n = ?1 AND bulk = ?2", Place::COLUMNS)).map_err(StoreError::state(WHAT))?;
    let mut back = t
        .prepare_cached("UPDATE alerts SET status = ?2, assignee = ?3, version = version + 1, bulk = NULL WHERE n = ?1")
        .map_err(StoreError::state(WHAT))?;
    let (mut sums, mut changed) = (Sums::default(), 0u64);
    for (before, assignee, list) in lists {
        for n in unpacked(&list)? {
            let place = stands.query_row(params![n, number], |row| Place::read(row, 0)).optional().map_err(StoreError::state(WHAT))?;
            let Some(place) = place else { continue };
            if !scope.allows(&place.agency) {
                return Err(StoreError::NotFound("decision that can be taken back"));
            }
            back.execute(params![n, before, assignee]).map_err(StoreError::state(WHAT))?;
            changed += 1;
            if !place.left_out {
                sums.add(&place, -1);
                sums.add(&Place { status: before, ..place }, 1);
            }
        }
    }
    sums.write(t)?;
    t.prepare_cached("UPDATE bulk_acts SET undone = ?2 WHERE number = ?1")
        .and_then(|mut s| s.execute(params![number, at]))
        .map_err(StoreError::state(WHAT))?;
    audit::append(t, audit)?;
    Ok(BulkDone { changed, kept: (all as u64).saturating_sub(changed) })
}

fn finish(rows: Vec<Stored>) -> Result<Vec<Alert>> {
    rows.into_iter().map(Stored::finish).collect()
}

fn of_entity(t: &Transaction<'_>, scope: &Scope, value: &str, since: i64, limit: usize) -> Result<(Vec<Alert>, bool)> {
    let mut c = Conditions::default();
    c.add("value = ?", value.to_owned());
    c.sql.push(super::list::SHOWN.into());
    c.scope(scope);
    c.add("raised >= ?", since);
    c.args.push(Value::Integer(limit as i64 + 1));
    let sql = format!(
        "SELECT {COLUMNS} FROM alert_entities CROSS JOIN alerts USING (n) CROSS JOIN alert_bodies USING (n){} ORDER BY n DESC LIMIT ?",
        c.text()
    );
    let mut rows: Vec<Stored> =
        t.prepare_cached(&sql).and_then(|mut s| s.query_map(c.args(), read)?.collect()).map_err(StoreError::state(AROUND))?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok((finish(rows)?, more))
}

fn context(t: &Transaction<'_>, scope: &Scope, request: ContextRequest) -> Result<Option<AlertContext>> {
    let Some(alert) = one(t, scope, request.id)? else { return Ok(None) };
    let days = i64::from(request.days.clamp(1, 366));
    let since = request.now.saturating_sub(days * DAY);
    let mut entities = Vec::new();
    let mut seen = BTreeSet::new();
    for entity in alert.entities.iter().filter(|e| seen.insert(e.value.clone())).take(8) {
        let (alerts, more) = of_entity(t, scope, &entity.value, since, ContextRequest::ALERTS)?;
        let mut counts = vec![0u64; days as usize];
        for found in &alerts {
            let ago = request.now.saturating_sub(found.raised).max(0) / DAY;
            let place = days.saturating_sub(1).saturating_sub(ago);
            if let Some(count) = usize::try_from(place).ok().and_then(|p| counts.get_mut(p)) {
                *count += 1;
            }
        }
        let alerts = alerts.into_iter().filter(|a| a.id != alert.id).collect();
        entities.push(EntityHistory { value: entity.value.clone(), alerts, more, days: counts });
    }
    Ok(Some(AlertContext {
        rank: rank_of(t, &alert, request.now)?,
        verdicts: verdicts(t, &alert.rule.id)?,
        similar: similar(t, scope, &alert)?,
        entities,
    }))
}

/// Judged alerts of the same rule that share an entity, latest first.
fn similar(t: &Transaction<'_>, scope: &Scope, alert: &Alert) -> Result<Vec<Alert>> {
    let mut c = Conditions::default();
    c.any("value", alert.entities.iter().map(|e| Value::Text(e.value.clone())));
    c.scope(scope);
    c.add("rule_id = ?", alert.rule.id.clone());
    c.sql.push(super::list::SHOWN.into());
    c.sql.push("status > 1".into());
    c.add("alerts.id <> ?", alert.id.0.to_vec());
    c.args.push(Value::Integer(SIMILAR as i64));
    let sql = format!(
        "SELECT {COLUMNS} FROM {FROM} WHERE n IN (SELECT DISTINCT n FROM alert_entities CROSS JOIN alerts USING (n){} ORDER BY n DESC LIMIT ?)
         ORDER BY n DESC",
        c.text()
    );
    let rows = t.prepare_cached(&sql).and_then(|mut s| s.query_map(c.args(), read)?.collect()).map_err(StoreError::state(AROUND))?;
    finish(rows)
}
