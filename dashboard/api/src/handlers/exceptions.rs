//! Exceptions, suppressions and maintenance windows: list, make, change, and what they would have held back.

use std::{
    collections::{BTreeMap, HashSet},
    ops::ControlFlow,
};

use axum::{extract::State, http::StatusCode};
use fansipan_analyzer::{Exceptions, Held};
use fansipan_model::{Agency, Alert, AlertStatus, Exception, ExceptionKind, Predicate, Scope, Word, said, time};
use fansipan_rules::{CompiledRule, RuleIndex, RuleSet, Scratch};
use fansipan_storage::{AlertFilter, EventStore, ExceptionChange, StateStore, StoreError, Suppressed, TimeRange, query};
use serde_json::json;

use super::session::{covers, hide};
use crate::{
    dto::{
        AlertDto, ExceptionCreation, ExceptionDetail, ExceptionDto, ExceptionList, ExceptionParams, ExceptionUpdate, Preview,
        PreviewRequest, PreviewRule,
    },
    extract::{InPath, Json, Params, duration, instant},
    guard::Trail,
    identity::{Caller, fill_random},
    problem::Problem,
    state::{Api, now},
};

/// What refusals call one.
const WHAT: Word = Word::new("this exception", "ngoại lệ này");
/// A new one counts for events that come in so much later: detection knows it by then, so that a replay of the log decides alike.
const SOON: i64 = 5 * time::SECOND;
const DAY: i64 = 24 * 3600 * time::SECOND;
/// The longest it may last from now: somebody looks at it again.
const LONGEST: i64 = 366 * DAY;
/// Characters of a reason.
const REASON: usize = 2000;
/// Alerts that a preview looks at.
const ALERTS: usize = 20_000;
/// Events that a preview finds.
const EVENTS: usize = 1_000_000;
/// Alerts that a preview shows.
const SHOWN: usize = 50;
/// With up to this many rules the store's index chooses the events to look at.
const BY_INDEX: usize = 32;

/// Which alerts it is about, as asked for.
struct Wanted {
    rule: Option<String>,
    filter: String,
    agency: Option<String>,
}

impl Wanted {
    fn new(rule: Option<String>, filter: String, agency: Option<String>) -> Self {
        let given = |text: Option<String>| text.filter(|t| !t.is_empty());
        Self { rule: given(rule), filter: filter.trim().to_owned(), agency: given(agency) }
    }
}

/// `GET /exceptions`
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<ExceptionParams>,
) -> Result<Json<ExceptionList>, Problem> {
    let (state, at) = (api.deps.state.clone(), now());
    let since = (!params.all.unwrap_or(false)).then_some(at);
    let found = api.small.store(move || state.exceptions(&caller.scope, since)).await?;
    Ok(Json(ExceptionList { items: found.iter().map(|e| ExceptionDto::new(e, at)).collect() }))
}

/// `GET /exceptions/{id}`
pub(crate) async fn show(State(api): State<Api>, caller: Caller, InPath(id): InPath<String>) -> Result<Json<ExceptionDetail>, Problem> {
    let state = api.deps.state.clone();
    let versions = api.small.store(move || state.exception_versions(&caller.scope, &id)).await?;
    let Some(last) = versions.last() else { return Err(Problem::not_found(WHAT)) };
    let at = now();
    Ok(Json(ExceptionDetail {
        exception: ExceptionDto::new(last, at),
        versions: versions.iter().map(|e| ExceptionDto::new(e, at)).collect(),
    }))
}

/// `POST /exceptions`
pub(crate) async fn create(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(new): Json<ExceptionCreation>,
) -> Result<(StatusCode, Json<ExceptionDto>), Problem> {
    let wanted = Wanted::new(new.rule, new.filter, new.agency);
    checked(&caller, &wanted, new.kind.into())?;
    let reason = said(&new.reason)?;
    let created = now();
    let from = match new.from.as_deref().filter(|t| !t.is_empty()) {
        None => created + SOON,
        Some(text) => time::from_rfc3339(text)
            .ok_or_else(|| {
                Problem::bad_request(said!(
                    "from is not a time such as 2026-11-23T10:00:00Z",
                    "from không phải là thời điểm như 2026-11-23T10:00:00Z"
                ))
            })?
            .max(created + SOON),
    };
    let until = end(&new.until, from, created)?;
    if until <= from {
        return Err(Problem::bad_request(said!("it would end before it begins", "thời điểm kết thúc đứng trước thời điểm bắt đầu")));
    }
    let owner = owner(&api, new.owner, &caller).await?;
    let mut bytes = [0u8; 8];
    fill_random(&mut bytes)?;
    let exception = Exception {
        id: format!("ex-{}", hex::encode(bytes)),
        kind: new.kind.into(),
        rule: wanted.rule,
        filter: wanted.filter,
        agency: wanted.agency,
        owner,
        reason,
        from,
        until,
        created,
        made_by: caller.name.clone(),
        version: 1,
    };
    trail.note(&exception.id, json!(exception));
    if let Some(agency) = &exception.agency {
        trail.of(agency);
    }
    let (state, record, kept) = (api.deps.state.clone(), trail.record(), exception.clone());
    api.small.store(move || state.add_exception(&kept, &record)).await?;
    trail.written();
    Ok((StatusCode::CREATED, Json(ExceptionDto::new(&exception, now()))))
}

/// `POST /exceptions/{id}`
pub(crate) async fn change(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(update): Json<ExceptionUpdate>,
) -> Result<Json<ExceptionDto>, Problem> {
    trail.note(&id, json!({ "until": update.until, "owner": update.owner, "reason": update.reason, "version": update.version }));
    let at = now();
    let known = {
        let (state, scope, id) = (api.deps.state.clone(), caller.scope.clone(), id.clone());
        api.small.store(move || state.exception_versions(&scope, &id)).await?.pop().ok_or_else(|| Problem::not_found(WHAT))?
    };
    if let Some(agency) = &known.agency {
        trail.of(agency);
    }
    if known.until <= at + SOON {
        return Err(Problem::bad_request(said!("it has ended; make a new one", "đã hết hiệu lực; hãy tạo cái mới")));
    }
    let until = match update.until.as_deref().filter(|u| !u.is_empty()) {
        None => None,
        Some("now") => Some(at + SOON),
        Some(text) => Some(end(text, at, at)?.max(at + SOON)),
    };
    let owner = match update.owner {
        None => None,
        named => Some(owner(&api, named, &caller).await?),
    };
    let reason = update.reason.as_deref().map(said).transpose()?;
    let change = ExceptionChange { until, owner, reason };
    let (state, record) = (api.deps.state.clone(), trail.record());
    let changed = api.small.run(move || state.change_exception(&caller.scope, &id, update.version, &change, &record)).await?;
    let changed = changed.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(Json(ExceptionDto::new(&changed, at)))
}

/// The filter of one that the caller may make.
fn checked(caller: &Caller, wanted: &Wanted, kind: ExceptionKind) -> Result<Predicate, Problem> {
    let agency = wanted.agency.as_deref();
    let scope = agency.map_or(Scope::All, |a| Scope::Agencies(vec![Agency::new(a)]));
    if !covers(&caller.scope, &scope) {
        return Err(Problem::bad_request(said!("give the agency: one that you may see", "hãy nêu đơn vị: một đơn vị mà bạn được xem")));
    }
    let rule = wanted.rule.is_some();
    if !rule && wanted.filter.is_empty() && (agency.is_none() || kind != ExceptionKind::Maintenance) {
        return Err(boundless());
    }
    let filter = query::parse_filter(&wanted.filter).map_err(|e| Problem::bad_query(&e))?;
    if !rule && agency.is_none() && filter == Predicate::True {
        return Err(boundless());
    }
    Ok(filter)
}

fn boundless() -> Problem {
    Problem::bad_request(said!(
        "give a rule or a filter: this would hold back everything",
        "hãy nêu luật hoặc bộ lọc: nếu không sẽ chặn mọi cảnh báo"
    ))
}

fn said(reason: &str) -> Result<String, Problem> {
    let reason: String = reason.trim().chars().take(REASON).collect();
    if reason.is_empty() { Err(Problem::bad_request(said!("give a reason", "hãy ghi lý do"))) } else { Ok(reason) }
}

/// An end as written: an instant, or a time after `begin`; not longer than a year from now.
fn end(text: &str, begin: i64, now: i64) -> Result<i64, Problem> {
    let until = duration(text).map(|d| begin.saturating_add(d)).or_else(|| time::from_rfc3339(text)).ok_or_else(|| {
        Problem::bad_request(said!(
            "until is neither a duration such as 30d nor a time such as 2026-11-23T10:00:00Z",
            "until không phải là khoảng thời gian như 30d, cũng không phải thời điểm như 2026-11-23T10:00:00Z"
        ))
    })?;
    if until > now.saturating_add(LONGEST) {
        return Err(Problem::bad_request(said!("it may last a year at the longest", "kéo dài tối đa một năm")));
    }
    Ok(until)
}

/// The user who answers for it; the caller unless named.
async fn owner(api: &Api, named: Option<String>, caller: &Caller) -> Result<String, Problem> {
    let Some(name) = named.filter(|n| !n.is_empty() && *n != caller.name) else { return Ok(caller.name.clone()) };
    let state = api.deps.state.clone();
    match api.small.store(move || state.user(&name)).await? {
        Some(user) if !user.disabled => Ok(user.name),
        _ => {
            Err(Problem::bad_request(said!("the owner is not an enabled user", "người chịu trách nhiệm phải là tài khoản đang hoạt động")))
        }
    }
}

/// `POST /exceptions/preview`
pub(crate) async fn preview(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(request): Json<PreviewRequest>,
) -> Result<Json<Preview>, Problem> {
    let wanted = Wanted::new(request.rule, request.filter, request.agency);
    trail.note("", json!({ "rule": wanted.rule, "filter": wanted.filter, "agency": wanted.agency, "since": request.since }));
    let filter = checked(&caller, &wanted, ExceptionKind::Maintenance)?;
    let at = now();
    let since = instant("since", request.since.as_deref().filter(|s| !s.is_empty()).unwrap_or("7d"), at)?;
    let held = Held { id: "preview".to_owned(), rule: wanted.rule, agency: wanted.agency, filter, from: i64::MIN, until: i64::MAX };
    let scope = match &held.agency {
        Some(agency) => Scope::Agencies(vec![Agency::new(agency)]),
        None => caller.scope.clone(),
    };
    let (deps, range) = (api.deps.clone(), TimeRange { from: since, to: at.saturating_add(DAY) });
    let found = api.searches.store(move || {
        let set = deps.live.rule_set();
        let events = events(&*deps.events, &scope, range, &set, &held)?;
        alerts(&*deps.state, &scope, since, held, events)
    });
    Ok(Json(found.await?))
}

/// Events that would have been held back.
struct Found {
    ids: HashSet<uuid::Uuid>,
    rules: BTreeMap<u32, u64>,
    named: Vec<PreviewRule>,
    complete: bool,
}

fn events(store: &dyn EventStore, scope: &Scope, range: TimeRange, set: &RuleSet, held: &Held) -> Result<Found, StoreError> {
    let wanted: Vec<(u32, &CompiledRule)> =
        (0u32..).zip(set.rules()).filter(|(_, r)| !r.correlated && held.rule.as_deref().is_none_or(|id| id == r.reference.id)).collect();
    let mut found = Found { ids: HashSet::new(), rules: BTreeMap::new(), named: Vec::new(), complete: true };
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut filter = vec![held.filter.clone()];
    if wanted.len() <= BY_INDEX {
        filter.push(Predicate::Or(wanted.iter().map(|(_, r)| r.predicate()).collect()));
    }
    let (mut scratch, mut matches) = (Scratch::default(), Vec::new());
    store.scan(scope, &Predicate::And(filter), range, &mut |event| {
        matches.clear();
        set.evaluate(event, &mut scratch, &mut matches);
        let mut hit = false;
        for RuleIndex(rule) in &matches {
            if wanted.binary_search_by_key(rule, |(i, _)| *i).is_ok() {
                hit = true;
                *found.rules.entry(*rule).or_default() += 1;
            }
        }
        if hit {
            found.ids.insert(event.id());
        }
        found.complete = found.ids.len() < EVENTS;
        if found.complete { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let name = |(rule, events): (&u32, &u64)| {
        let reference = &set.rule(RuleIndex(*rule)).reference;
        PreviewRule { id: reference.id.clone(), title: reference.title.clone(), events: *events }
    };
    found.named = found.rules.iter().map(name).collect();
    found.named.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.id.cmp(&b.id)));
    Ok(found)
}

/// Stored alerts, against the events and the exception itself.
fn alerts(state: &dyn StateStore, scope: &Scope, since: i64, held: Held, found: Found) -> Result<Preview, StoreError> {
    let filter = AlertFilter { rule: held.rule.clone(), since: Some(since), suppressed: Suppressed::Without, ..AlertFilter::default() };
    let exception = Exceptions::new(vec![held]);
    let mut out = Preview {
        since: time::to_rfc3339(since),
        events: found.ids.len() as u64,
        rules: found.named,
        alerts: 0,
        partly: 0,
        true_positives: 0,
        items: Vec::new(),
        complete: found.complete,
    };
    let (mut after, mut looked) = (None, 0);
    loop {
        let page = state.alerts(scope, &filter, after.as_deref(), 1000)?;
        looked += page.items.len();
        for alert in &page.items {
            match part(alert, &exception, &found.ids) {
                Part::None => {}
                Part::Some => out.partly += 1,
                Part::All => {
                    out.alerts += 1;
                    out.true_positives += u64::from(alert.status == AlertStatus::TruePositive);
                    if out.items.len() < SHOWN {
                        out.items.push(AlertDto::from(alert));
                    }
                }
            }
        }
        after = page.next;
        if after.is_none() || looked >= ALERTS {
            out.complete &= after.is_none();
            return Ok(out);
        }
    }
}

enum Part {
    None,
    Some,
    All,
}

fn part(alert: &Alert, exception: &Exceptions, events: &HashSet<uuid::Uuid>) -> Part {
    let held = alert.events.iter().filter(|id| events.contains(id)).count();
    match held {
        0 if exception.alert(alert).is_some() => Part::All,
        0 => Part::None,
        n if n == alert.events.len() => Part::All,
        _ => Part::Some,
    }
}
