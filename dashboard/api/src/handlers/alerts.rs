//! The queue of alerts: list, look, judge, assign.

use std::sync::Arc;

use axum::extract::State;
use fansipan_model::{Agency, Alert, AlertId, AlertStatus, Level, Scope, Word, said, time};
use fansipan_storage::{AlertFilter, AlertSort, AuditFilter, Suppressed};
use serde_json::json;

use super::session::{covers, hide};
use crate::{
    dto::{AlertAct, AlertDetail, AlertDto, AlertPage, AlertParams, Assignment, EventJson, QueuedAlert, StatusChange, StatusDto},
    extract::{InPath, Json, Params, instant, limit},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

/// What refusals call an alert.
pub(super) const WHAT: Word = Word::new("this alert", "cảnh báo này");
/// Entries of the trail that are looked through for an alert's history.
const HISTORY: usize = 500;
/// Characters of a reason that are kept.
pub(super) const REASON: usize = 2000;

/// `GET /alerts`
pub(crate) async fn list(State(api): State<Api>, caller: Caller, Params(params): Params<AlertParams>) -> Result<Json<AlertPage>, Problem> {
    let filter = filter(&params)?;
    let most = limit(params.limit, 50, 500);
    let after = params.after.filter(|a| !a.is_empty());
    let state = api.deps.state.clone();
    let page = api.small.store(move || state.alerts(&caller.scope, &filter, after.as_deref(), most)).await?;
    let items = page.items.iter().zip(&page.priorities);
    let items = items.map(|(alert, priority)| QueuedAlert { alert: AlertDto::from(alert), priority: *priority }).collect();
    Ok(Json(AlertPage { items, next: page.next, total: page.total, total_exact: page.total_exact }))
}

pub(super) fn filter(params: &AlertParams) -> Result<AlertFilter, Problem> {
    let given = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    let statuses = statuses(params.status.as_deref())?;
    let level = |word: &str| {
        Level::parse(word).ok_or_else(|| {
            Problem::bad_request(said!(
                "level is informational, low, medium, high or critical",
                "level là informational, low, medium, high hoặc critical"
            ))
        })
    };
    let levels = given(&params.level).map(|words| words.split(',').map(level).collect()).transpose()?.unwrap_or_default();
    let since = given(&params.since).map(|s| instant("since", &s, now())).transpose()?;
    let suppressed = match params.suppressed.as_deref().unwrap_or("without") {
        "" | "without" => Suppressed::Without,
        "only" => Suppressed::Only,
        "with" => Suppressed::With,
        _ => return Err(Problem::bad_request(said!("suppressed is without, only or with", "suppressed là without, only hoặc with"))),
    };
    let sort = match params.sort.as_deref().unwrap_or("") {
        "" | "raised" => AlertSort::Raised,
        "priority" if !statuses.is_empty() && statuses.iter().all(|s| AlertFilter::OPEN.contains(s)) => AlertSort::Priority,
        "priority" => {
            return Err(Problem::bad_request(said!(
                "only open alerts have a place in the queue: leave out status, or use sort=raised",
                "chỉ cảnh báo đang mở mới có chỗ trong hàng đợi: bỏ status, hoặc dùng sort=raised"
            )));
        }
        _ => return Err(Problem::bad_request(said!("sort is raised or priority", "sort là raised hoặc priority"))),
    };
    Ok(AlertFilter {
        statuses,
        levels,
        rule: given(&params.rule),
        assignee: given(&params.assignee),
        text: given(&params.q),
        entity: given(&params.entity),
        since,
        until: None,
        suppressed,
        sort,
    })
}

/// The statuses that a parameter names; open ones without it.
pub(crate) fn statuses(words: Option<&str>) -> Result<Vec<AlertStatus>, Problem> {
    match words.unwrap_or("open") {
        "" | "open" => Ok(AlertFilter::OPEN.to_vec()),
        "all" => Ok(Vec::new()),
        words => words.split(',').map(status).collect(),
    }
}

fn status(word: &str) -> Result<AlertStatus, Problem> {
    Ok(match word {
        "new" => AlertStatus::New,
        "acknowledged" => AlertStatus::Acknowledged,
        "true_positive" => AlertStatus::TruePositive,
        "false_positive" => AlertStatus::FalsePositive,
        "benign" => AlertStatus::Benign,
        _ => {
            return Err(Problem::bad_request(said!(
                "status is open, all, new, acknowledged, true_positive, false_positive or benign",
                "status là open, all, new, acknowledged, true_positive, false_positive hoặc benign"
            )));
        }
    })
}

pub(super) fn parse_id(text: &str) -> Result<AlertId, Problem> {
    AlertId::parse(text).ok_or_else(|| Problem::not_found(WHAT))
}

/// `GET /alerts/{id}`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<AlertDetail>, Problem> {
    trail.note(&id, json!({}));
    let id = parse_id(&id)?;
    let alert = find(&api, &caller.scope, id).await?;
    trail.of(&alert.agency);
    let (events, scope, ids) = (api.deps.events.clone(), caller.scope, alert.events.clone());
    let found = api.searches.store(move || {
        let found: Result<Vec<_>, _> = ids.into_iter().map(|id| events.get(&scope, id)).collect();
        Ok(found?.into_iter().flatten().collect::<Vec<_>>())
    });
    let events = found.await?.iter().filter_map(EventJson::new).collect();
    let history = history(&api, &alert).await?;
    let reason = history.iter().find(|act| act.status.is_some()).and_then(|act| act.reason.clone());
    Ok(Json(AlertDetail { alert: (&alert).into(), reason, history, events }))
}

/// What was done to an alert that the caller may see, from the audit trail.
async fn history(api: &Api, alert: &Alert) -> Result<Vec<AlertAct>, Problem> {
    let scope = Scope::Agencies(vec![Agency::new(&alert.agency)]);
    let filter = AuditFilter { verb: Some("alerts".to_owned()), object: Some(alert.id.to_string()), ..AuditFilter::default() };
    let state = api.deps.state.clone();
    let page = api.small.store(move || state.audit_trail(&scope, &filter, None, HISTORY)).await?;
    let acts = page.items.into_iter().filter(|e| e.allowed && !["alerts.view", "alerts.context"].contains(&e.verb.as_str())).map(|entry| {
        let details: serde_json::Value = serde_json::from_str(&entry.details).unwrap_or_default();
        let text = |name: &str| details.get(name).and_then(|v| v.as_str()).map(ToOwned::to_owned);
        AlertAct {
            at: time::to_rfc3339(entry.at),
            who: entry.who,
            status: text("status"),
            reason: text("reason"),
            assignee: text("assignee"),
        }
    });
    Ok(acts.take(50).collect())
}

async fn find(api: &Api, scope: &Scope, id: AlertId) -> Result<Alert, Problem> {
    let (state, scope) = (api.deps.state.clone(), scope.clone());
    api.small.store(move || state.alert(&scope, id)).await?.ok_or_else(|| Problem::not_found(WHAT))
}

/// `POST /alerts/{id}/status`
pub(crate) async fn judge(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(change): Json<StatusChange>,
) -> Result<Json<AlertDto>, Problem> {
    let reason: Option<String> = change.reason.map(|r| r.chars().take(REASON).collect());
    trail.note(&id, json!({ "status": word(change.status), "reason": reason, "version": change.version }));
    let id = parse_id(&id)?;
    let alert = find(&api, &caller.scope, id).await?;
    trail.of(&alert.agency);
    let (state, record, scope) = (api.deps.state.clone(), trail.record(), caller.scope);
    let to = AlertStatus::from(change.status);
    let changed = api.small.run(move || state.set_alert_status(&scope, id, to, change.version, &record)).await?;
    let changed = changed.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(Json(announce(&api, changed)))
}

fn word(status: StatusDto) -> serde_json::Value {
    serde_json::to_value(status).unwrap_or_default()
}

/// `POST /alerts/{id}/assign`
pub(crate) async fn assign(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(change): Json<Assignment>,
) -> Result<Json<AlertDto>, Problem> {
    trail.note(&id, json!({ "assignee": change.assignee, "version": change.version }));
    let id = parse_id(&id)?;
    let alert = find(&api, &caller.scope, id).await?;
    trail.of(&alert.agency);
    let assignee = match change.assignee.filter(|a| !a.is_empty()) {
        Some(name) => Some(assignable(&api, &alert, &name).await?),
        None => None,
    };
    let (state, record, scope) = (api.deps.state.clone(), trail.record(), caller.scope);
    let changed = api.small.run(move || state.assign_alert(&scope, id, assignee.as_deref(), change.version, &record)).await?;
    let changed = changed.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(Json(announce(&api, changed)))
}

/// The user's name as stored, if they could open the alert themselves.
async fn assignable(api: &Api, alert: &Alert, name: &str) -> Result<String, Problem> {
    let (state, wanted) = (api.deps.state.clone(), name.to_owned());
    let user = api.small.store(move || state.user(&wanted)).await?;
    let agency = Scope::Agencies(vec![fansipan_model::Agency::new(&alert.agency)]);
    match user {
        Some(user) if !user.disabled && covers(&user.scope, &agency) => Ok(user.name),
        _ => Err(Problem::bad_request(said!(
            "the assignee is not an enabled user who sees this alert's agency",
            "người được giao phải là tài khoản đang hoạt động và xem được đơn vị của cảnh báo này"
        ))),
    }
}

/// Tells the live streams, so that other consoles show the change at once.
pub(super) fn announce(api: &Api, alert: Alert) -> AlertDto {
    let dto = AlertDto::from(&alert);
    api.deps.feed.alert(Arc::new(alert), None);
    dto
}
