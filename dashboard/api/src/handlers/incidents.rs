//! Incidents: list, look, decide.

use axum::extract::State;
use fansipan_model::{AlertId, Word, incident, said};
use fansipan_storage::{IncidentAct, IncidentFilter};
use serde_json::json;

use super::{
    alerts::statuses,
    session::{covers, hide},
};
use crate::{
    dto::{AlertDto, IncidentChangeDto, IncidentDecision, IncidentDetail, IncidentDto, IncidentList, IncidentParams, StepDto},
    extract::{InPath, Json, Params, instant, limit},
    guard::Trail,
    identity::Caller,
    ports::Notice,
    problem::Problem,
    state::{Api, now},
};

/// What refusals call an incident.
pub(super) const WHAT: Word = Word::new("this incident", "sự cố này");

pub(super) fn parse(text: &str) -> Result<AlertId, Problem> {
    AlertId::parse(text).ok_or_else(|| Problem::not_found(WHAT))
}

/// `GET /incidents`
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<IncidentParams>,
) -> Result<Json<IncidentList>, Problem> {
    let since = params.since.filter(|s| !s.is_empty()).map(|s| instant("since", &s, now())).transpose()?;
    let filter = IncidentFilter { statuses: statuses(params.status.as_deref())?, since };
    let most = limit(params.limit, 50, 500);
    let state = api.deps.state.clone();
    let found = api.small.store(move || state.incidents(&caller.scope, &filter, most)).await?;
    Ok(Json(IncidentList { items: found.iter().map(IncidentDto::from).collect() }))
}

/// `GET /incidents/{id}`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<IncidentDetail>, Problem> {
    trail.note(&id, json!({}));
    let (detail, agency) = read(&api, &caller, parse(&id)?).await?;
    trail.of(&agency);
    Ok(Json(detail))
}

async fn read(api: &Api, caller: &Caller, id: AlertId) -> Result<(IncidentDetail, String), Problem> {
    let (state, scope) = (api.deps.state.clone(), caller.scope.clone());
    let found = api.small.store(move || state.incident(&scope, id)).await?;
    let (found, alerts) = found.ok_or_else(|| Problem::not_found(WHAT))?;
    let story = incident::story(&alerts).into_iter().map(StepDto::from).collect();
    let detail = IncidentDetail { incident: (&found).into(), story, items: alerts.iter().map(AlertDto::from).collect() };
    Ok((detail, found.state.agency))
}

/// `POST /incidents/{id}`
pub(crate) async fn decide(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(change): Json<IncidentChangeDto>,
) -> Result<Json<IncidentDto>, Problem> {
    trail.note(&id, json!({ "decision": format!("{:?}", change.decision), "reason": change.reason, "version": change.version }));
    let id = parse(&id)?;
    let act = act(change.decision)?;
    let (state, scope) = (api.deps.state.clone(), caller.scope.clone());
    // one without alerts left is still decided about: everything is reversible
    let known = api.small.store(move || state.incident(&scope, id)).await?;
    let agency = known.map(|(i, _)| i.state.agency);
    if let Some(agency) = &agency {
        trail.of(agency);
    }
    if let (IncidentAct::Assign(Some(name)), Some(agency)) = (&act, &agency) {
        let (state, name) = (api.deps.state.clone(), name.clone());
        let user = api.small.store(move || state.user(&name)).await?;
        let scope = fansipan_model::Scope::Agencies(vec![fansipan_model::Agency::new(agency)]);
        if !user.is_some_and(|u| !u.disabled && covers(&u.scope, &scope)) {
            return Err(Problem::bad_request(said!(
                "the assignee is not an enabled user who sees this incident's agency",
                "người được giao phải là tài khoản đang hoạt động và xem được đơn vị của sự cố này"
            )));
        }
    }
    let (state, record, scope) = (api.deps.state.clone(), trail.record(), caller.scope.clone());
    let changed = api.small.run(move || state.change_incident(&scope, id, change.version, &act, &record)).await?;
    let shown = changed.map_err(|e| hide(e, WHAT))?;
    trail.written();
    let (detail, agency) = read(&api, &caller, shown).await?;
    let data = json!({ "id": detail.incident.id, "what": "decision", "who": caller.name });
    api.deps.feed.notice(Notice::new("incident", Some(agency), data));
    Ok(Json(detail.incident))
}

/// `POST /alerts/{id}/escalate`
pub(crate) async fn escalate(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(alert): InPath<String>,
) -> Result<Json<IncidentDto>, Problem> {
    trail.note(&alert, json!({}));
    let missing = super::alerts::WHAT;
    let alert = AlertId::parse(&alert).ok_or_else(|| Problem::not_found(missing))?;
    let (state, scope) = (api.deps.state.clone(), caller.scope.clone());
    let known = api.small.store(move || state.alert(&scope, alert)).await?.ok_or_else(|| Problem::not_found(missing))?;
    trail.of(&known.agency);
    let (cases, record, scope) = (api.deps.cases.clone(), trail.record(), caller.scope.clone());
    let id = api.small.run(move || cases.escalate(&scope, alert, &record)).await?.map_err(|e| hide(e, missing))?;
    trail.written();
    let (detail, agency) = read(&api, &caller, id).await?;
    let data = json!({ "id": detail.incident.id, "what": "opened", "who": caller.name });
    api.deps.feed.notice(Notice::new("incident", Some(agency), data));
    Ok(Json(detail.incident))
}

fn act(decision: IncidentDecision) -> Result<IncidentAct, Problem> {
    Ok(match decision {
        IncidentDecision::Status { status } => IncidentAct::Status(status.into()),
        IncidentDecision::Assign { assignee } => IncidentAct::Assign(assignee.filter(|a| !a.is_empty())),
        IncidentDecision::Merge { into } => IncidentAct::Merge { into: parse(&into)? },
        IncidentDecision::Unmerge => IncidentAct::Unmerge,
        IncidentDecision::Split { alerts } => IncidentAct::Split { alerts: alerts.iter().map(|a| parse(a)).collect::<Result<_, _>>()? },
        IncidentDecision::Detach { alert } => IncidentAct::Detach { alert: parse(&alert)? },
        IncidentDecision::Attach { alert } => IncidentAct::Attach { alert: parse(&alert)? },
    })
}
