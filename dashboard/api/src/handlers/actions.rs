//! Actions on devices: list, look, ask (dry run first), approve, reject, undo.

use std::sync::Arc;

use axum::extract::State;
use fansipan_model::{AlertId, Said, Scope, Word, said};
use fansipan_response::{Action, ActionKind, Desk, Request, ResponseError, Span, Who, told};
use fansipan_storage::{AuditRecord, ResponseFilter};
use serde_json::json;
use uuid::Uuid;

use crate::{
    blocking::this,
    dto::{ActionDecision, ActionDetail, ActionDto, ActionList, ActionRequest, DeviceDto, DeviceList, ResponseParams},
    extract::{InPath, Json, Params, limit},
    guard::Trail,
    identity::{Caller, Via},
    problem::{Kind, Problem},
    state::Api,
};

/// What refusals call an action.
const WHAT: Word = Word::new("this action", "hành động này");

impl From<ResponseError> for Problem {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Store(inner) => Problem::from(inner),
            ResponseError::Missing(what) => Problem::not_found(this(what)),
            ResponseError::State { .. } | ResponseError::Already { .. } => said(Kind::Conflict, &error),
            ResponseError::SecondPerson { .. } => said(Kind::Forbidden, &error),
            ResponseError::Damaged { .. } => Problem::internal(Word::new("reading an action", "việc đọc hành động"), &error),
            refused => said(Kind::BadRequest, &refused),
        }
    }
}

/// A refusal of response in both languages.
fn said(kind: Kind, error: &ResponseError) -> Problem {
    let en = error.to_string();
    let vi = told(&en).vi;
    Problem::new(kind, Said { en, vi })
}

/// Runs work of the desk on a blocking thread: it reads stores, and looks up names.
pub(super) async fn desk<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce(&Desk) -> Result<T, ResponseError> + Send + 'static,
) -> Result<T, Problem> {
    let desk: Arc<Desk> = api.deps.response.clone();
    Ok(api.small.run(move || work(&desk)).await??)
}

/// The person behind a caller: a token stands for the one who made it.
pub(super) async fn who(api: &Api, caller: &Caller) -> Result<Who, Problem> {
    let name = caller.name.clone();
    let person = match (&caller.via, name.strip_prefix("token:")) {
        (Via::Token { .. }, Some(token)) => {
            let (state, token) = (api.deps.state.clone(), token.to_owned());
            let tokens = api.small.store(move || state.tokens()).await?;
            tokens.into_iter().find(|t| t.name == token).map_or_else(|| name.clone(), |t| t.made_by)
        }
        _ => name.clone(),
    };
    Ok(Who { name, person })
}

pub(super) fn parse(text: &str, what: Word) -> Result<Uuid, Problem> {
    Uuid::try_parse(text).map_err(|_| Problem::not_found(what))
}

pub(super) fn filter(params: &ResponseParams) -> ResponseFilter {
    let states = params.state.iter().flat_map(|s| s.split(',')).map(str::trim).filter(|s| !s.is_empty() && *s != "all");
    ResponseFilter { states: states.map(str::to_owned).collect(), incident: params.incident.clone().filter(|i| !i.is_empty()) }
}

/// `GET /actions`
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<ResponseParams>,
) -> Result<Json<ActionList>, Problem> {
    let (filter, most) = (filter(&params), limit(params.limit, 100, 500));
    let found = desk(&api, move |d| d.actions(&caller.scope, &filter, most)).await?;
    Ok(Json(ActionList { items: found.iter().map(ActionDto::from).collect() }))
}

/// `GET /actions/devices`
pub(crate) async fn devices(State(api): State<Api>) -> Json<DeviceList> {
    let words = |kinds: &[ActionKind]| kinds.iter().map(|k| k.as_str().to_owned()).collect();
    let items = api.deps.response.devices().into_iter().map(|(name, does)| DeviceDto { name: name.to_owned(), does: words(does) });
    Json(DeviceList { items: items.collect() })
}

/// `GET /actions/{id}`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<ActionDetail>, Problem> {
    trail.note(&id, json!({}));
    let id = parse(&id, WHAT)?;
    let (action, journal) = desk(&api, move |d| Ok((d.action(&caller.scope, id)?, d.journal(id)?))).await?;
    trail.of(&action.agency);
    Ok(Json(ActionDetail::new(&action, &journal)))
}

/// `POST /actions`
pub(crate) async fn propose(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(asked): Json<ActionRequest>,
) -> Result<Json<ActionDetail>, Problem> {
    let dry = asked.dry_run;
    let request = request(&api, &caller, asked).await?;
    trail.of(&request.agency);
    let details = json!({
        "kind": request.kind.as_str(), "target": request.target, "device": request.device, "reason": request.reason, "dry_run": dry,
    });
    trail.note(&request.id.to_string(), details);
    let who = who(&api, &caller).await?;
    if dry {
        let action = desk(&api, move |d| d.dry_run(&who, &request)).await?;
        return Ok(Json(ActionDetail::new(&action, &[])));
    }
    let record = trail.record();
    let (action, journal) = desk(&api, move |d| {
        let action = d.propose(&who, &request, Some(&record))?;
        let journal = d.journal(action.id)?;
        Ok((action, journal))
    })
    .await?;
    trail.written();
    Ok(Json(ActionDetail::new(&action, &journal)))
}

async fn request(api: &Api, caller: &Caller, asked: ActionRequest) -> Result<Request, Problem> {
    let kind = match asked.kind.as_str() {
        "block" => ActionKind::Block,
        "disable" => ActionKind::Disable,
        "notify" => ActionKind::Notify,
        other => {
            return Err(Problem::bad_request(said!(
                "kind is block, disable or notify, not `{other}`",
                "kind là block, disable hoặc notify, không phải `{other}`"
            )));
        }
    };
    let lasts = asked.lasts.filter(|l| !l.is_empty());
    let lasts = lasts.map(|l| {
        Span::parse(&l).ok_or_else(|| {
            Problem::bad_request(said!("for: `{l}` is no span of time such as 4h", "for: `{l}` không phải là khoảng thời gian như 4h"))
        })
    });
    let mut agency = asked.agency.filter(|a| !a.is_empty());
    if let Some(incident) = &asked.incident {
        let id = AlertId::parse(incident).ok_or_else(|| Problem::not_found(Word::new("this incident", "sự cố này")))?;
        let (state, scope) = (api.deps.state.clone(), caller.scope.clone());
        let found = api
            .small
            .store(move || state.incident(&scope, id))
            .await?
            .ok_or_else(|| Problem::not_found(Word::new("this incident", "sự cố này")))?;
        agency = Some(found.0.state.agency);
    }
    let agency = agency.unwrap_or_else(|| match &caller.scope {
        Scope::Agencies(list) if !list.is_empty() => list[0].as_str().to_owned(),
        _ => fansipan_model::Agency::DEFAULT.to_owned(),
    });
    if !caller.scope.allows(&agency) {
        return Err(Problem::not_found(Word::new("this agency", "đơn vị này")));
    }
    Ok(Request {
        agency,
        kind,
        target: asked.target,
        device: asked.device,
        lasts: lasts.transpose()?,
        parameters: asked.parameters,
        reason: asked.reason,
        incident: asked.incident,
        run: None,
        id: Uuid::new_v4(),
    })
}

/// One decision about an action, recorded with the change itself.
async fn decide(
    api: &Api,
    trail: &Trail,
    caller: &Caller,
    (id, decision): (String, ActionDecision),
    work: fn(&Desk, &Scope, &Who, Uuid, &str, &AuditRecord) -> Result<Action, ResponseError>,
) -> Result<Json<ActionDetail>, Problem> {
    trail.note(&id, json!({ "reason": decision.reason }));
    let id = parse(&id, WHAT)?;
    if decision.reason.len() > 8 << 10 {
        return Err(Problem::bad_request(said!("a reason holds at most 8 KiB", "lý do dài tối đa 8 KiB")));
    }
    let who = who(api, caller).await?;
    let scope = caller.scope.clone();
    let found = desk(api, move |d| d.action(&scope, id)).await?;
    trail.of(&found.agency);
    let (record, scope) = (trail.record(), caller.scope.clone());
    let (action, journal) = desk(api, move |d| {
        let action = work(d, &scope, &who, id, &decision.reason, &record)?;
        let journal = d.journal(id)?;
        Ok((action, journal))
    })
    .await?;
    trail.written();
    Ok(Json(ActionDetail::new(&action, &journal)))
}

/// `POST /actions/{id}/approve`
pub(crate) async fn approve(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(decision): Json<ActionDecision>,
) -> Result<Json<ActionDetail>, Problem> {
    decide(&api, &trail, &caller, (id, decision), |d, scope, who, id, _, audit| d.approve(scope, who, id, Some(audit))).await
}

/// `POST /actions/{id}/reject`
pub(crate) async fn reject(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(decision): Json<ActionDecision>,
) -> Result<Json<ActionDetail>, Problem> {
    decide(&api, &trail, &caller, (id, decision), |d, scope, who, id, why, audit| d.reject(scope, who, id, why, Some(audit))).await
}

/// `POST /actions/{id}/undo`
pub(crate) async fn undo(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(decision): Json<ActionDecision>,
) -> Result<Json<ActionDetail>, Problem> {
    decide(&api, &trail, &caller, (id, decision), |d, scope, who, id, why, audit| d.undo(scope, who, id, why, Some(audit))).await
}

/// `POST /actions/{id}/by-hand`
pub(crate) async fn by_hand(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(decision): Json<ActionDecision>,
) -> Result<Json<ActionDetail>, Problem> {
    decide(&api, &trail, &caller, (id, decision), |d, scope, who, id, why, audit| d.by_hand(scope, who, id, why, Some(audit))).await
}
