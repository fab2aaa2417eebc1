//! The queue of alerts: take the next, judge many at once and take that back, look around one.

use axum::extract::State;
use fansipan_model::{Agency, Alert, AlertStatus, Entity, Scope, Word, said};
use fansipan_storage::{
    AuditFilter,
    cases::{BulkRequest, ContextRequest, EntityHistory},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    alerts::{REASON, WHAT, announce, filter, parse_id},
    session::hide,
};
use crate::{
    dto::{
        AlertContextDto, AlertDto, AlertParams, BulkAnswer, BulkDecision, EntityHistoryDto, NextAlert, NextRequest, SimilarAlert,
        StatusDto, UndoAnswer, UndoRequest,
    },
    extract::{InPath, Json},
    guard::Trail,
    identity::{Caller, Via},
    ports::Notice,
    problem::Problem,
    state::{Api, now},
};

/// Alerts that a decision may name one by one.
const NAMED: usize = 1000;
/// Days of history.
const DAYS: u32 = 30;
/// Alerts of an entity that are told in full.
const TOLD: usize = 20;

/// `POST /alerts/next`
pub(crate) async fn next(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(wanted): Json<NextRequest>,
) -> Result<Json<NextAlert>, Problem> {
    let filter = filter(&AlertParams { level: wanted.level, rule: wanted.rule, q: wanted.q, ..AlertParams::default() })?;
    trail.note("", json!({ "status": "acknowledged", "assignee": caller.name }));
    let (cases, record, scope, who) = (api.deps.cases.clone(), trail.record(), caller.scope.clone(), caller.name.clone());
    let claimed = api.small.store(move || cases.claim_next(&scope, &filter, &who, &record)).await?;
    let Some(claimed) = claimed else { return Ok(Json(NextAlert { alert: None, rank: None, following: None })) };
    trail.written();
    let following = claimed.following.as_ref().map(AlertDto::from);
    Ok(Json(NextAlert { rank: Some(claimed.rank.into()), alert: Some(announce(&api, claimed.alert)), following }))
}

/// `POST /alerts/bulk`
pub(crate) async fn bulk(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(decision): Json<BulkDecision>,
) -> Result<Json<BulkAnswer>, Problem> {
    let reason: Option<String> = decision.reason.map(|r| r.trim().chars().take(REASON).collect()).filter(|r: &String| !r.is_empty());
    let given = decision.filter;
    let ids = given.ids;
    if ids.len() > NAMED {
        return Err(Problem::bad_request(said!(
            "at most {NAMED} alerts are named one by one; give a filter for more",
            "chỉ nêu đích danh tối đa {NAMED} cảnh báo; nhiều hơn thì dùng bộ lọc"
        )));
    }
    if matches!(decision.status, StatusDto::FalsePositive | StatusDto::Benign) && reason.is_none() && !decision.dry_run {
        return Err(Problem::bad_request(said!(
            "a reason is needed to judge many alerts false or harmless",
            "kết luận nhiều cảnh báo là báo nhầm hay vô hại thì phải có lý do"
        )));
    }
    let params = AlertParams {
        status: given.status,
        level: given.level,
        rule: given.rule,
        q: given.q,
        since: given.since,
        ..AlertParams::default()
    };
    let token = Uuid::new_v4().simple().to_string();
    trail.note(
        &token,
        json!({ "status": decision.status, "reason": reason, "dry_run": decision.dry_run, "ids": ids.len(),
                "filter": { "status": params.status, "level": params.level, "rule": params.rule, "q": params.q, "since": params.since } }),
    );
    let request = BulkRequest {
        filter: filter(&params)?,
        ids: ids.iter().map(|id| parse_id(id)).collect::<Result<_, _>>()?,
        status: AlertStatus::from(decision.status),
        who: caller.name.clone(),
        at: now(),
        token: token.clone(),
    };
    let (cases, record, scope) = (api.deps.cases.clone(), trail.record(), caller.scope.clone());
    if decision.dry_run {
        let changed = api.small.store(move || cases.bulk_count(&scope, &request)).await?;
        return Ok(Json(BulkAnswer { changed, token: None }));
    }
    let done = api.small.store(move || cases.bulk_judge(&scope, &request, &record)).await?;
    trail.written();
    api.deps.feed.notice(Notice::new("bulk", None, json!({ "changed": done.changed, "status": decision.status, "who": caller.name })));
    Ok(Json(BulkAnswer { changed: done.changed, token: (done.changed > 0).then_some(token) }))
}

/// `POST /alerts/undo`
pub(crate) async fn undo(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(wanted): Json<UndoRequest>,
) -> Result<Json<UndoAnswer>, Problem> {
    trail.note(&wanted.token, json!({}));
    let (cases, record, scope) = (api.deps.cases.clone(), trail.record(), caller.scope.clone());
    // decisions of others are taken back by who manages the service on its own host
    let who = (!matches!(caller.via, Via::Local)).then(|| caller.name.clone());
    let undone = api.small.run(move || cases.bulk_undo(&scope, &wanted.token, who.as_deref(), now(), &record)).await?;
    let undone = undone.map_err(|e| {
        hide(
            e,
            Word::new(
                "a decision of yours with this token that can still be taken back",
                "quyết định của bạn với mã này và còn hoàn tác được",
            ),
        )
    })?;
    trail.written();
    api.deps.feed.notice(Notice::new("bulk", None, json!({ "changed": undone.changed, "status": null, "who": caller.name })));
    Ok(Json(UndoAnswer { restored: undone.changed, kept: undone.kept }))
}

/// `GET /alerts/{id}/context`
pub(crate) async fn context(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<AlertContextDto>, Problem> {
    trail.note(&id, json!({}));
    let id = parse_id(&id)?;
    let (cases, state, scope) = (api.deps.cases.clone(), api.deps.state.clone(), caller.scope.clone());
    let read = move || {
        let Some(alert) = state.alert(&scope, id)? else { return Ok(None) };
        let Some(context) = cases.alert_context(&scope, ContextRequest { id, now: now(), days: DAYS })? else { return Ok(None) };
        let incident = state.incident_links(&[id])?.into_iter().next().flatten();
        let mut similar = Vec::new();
        for found in context.similar {
            let reason = reason(&*state, &found)?;
            similar.push(SimilarAlert { reason, alert: AlertDto::from(&found) });
        }
        let entities = context.entities.into_iter().filter_map(|history| told(&alert.entities, history)).collect();
        let incident = incident.map(|id| id.to_string());
        let context = AlertContextDto { rank: context.rank.into(), incident, verdicts: context.verdicts.into(), similar, entities };
        Ok(Some((context, alert.agency)))
    };
    let (context, agency) = api.small.store(read).await?.ok_or_else(|| Problem::not_found(WHAT))?;
    trail.of(&agency);
    Ok(Json(context))
}

/// Why an alert was judged as it was, from the trail.
fn reason(state: &dyn fansipan_storage::StateStore, alert: &Alert) -> Result<Option<String>, fansipan_storage::StoreError> {
    let scope = Scope::Agencies(vec![Agency::new(&alert.agency)]);
    let filter = AuditFilter { verb: Some("alerts.status".to_owned()), object: Some(alert.id.to_string()), ..AuditFilter::default() };
    let page = state.audit_trail(&scope, &filter, None, 5)?;
    let texts = page.items.into_iter().filter(|e| e.allowed).filter_map(|entry| {
        let details: serde_json::Value = serde_json::from_str(&entry.details).ok()?;
        details.get("reason")?.as_str().map(ToOwned::to_owned)
    });
    Ok(texts.into_iter().next())
}

fn told(entities: &[Entity], history: EntityHistory) -> Option<EntityHistoryDto> {
    let kind = entities.iter().find(|e| e.value == history.value)?.kind.into();
    Some(EntityHistoryDto {
        kind,
        total: history.alerts.len() as u64 + 1,
        alerts: history.alerts.iter().take(TOLD).map(AlertDto::from).collect(),
        value: history.value,
        more: history.more,
        days: history.days,
    })
}
