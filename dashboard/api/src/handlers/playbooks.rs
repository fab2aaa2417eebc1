//! Playbooks and their runs: list, start, look, answer tasks, cancel.

use axum::extract::State;
use fansipan_model::{AlertId, Word};
use fansipan_response::{ResponseError, playbook::Library, told};
use serde_json::json;
use uuid::Uuid;

use super::actions::{desk, filter, parse, who};
use crate::{
    dto::{
        ActionDecision, PlaybookDetail, PlaybookDto, PlaybookList, PlaybookParams, ResponseParams, RunDetail, RunDto, RunList, RunRequest,
        TaskAnswer,
    },
    extract::{InPath, Json, Params, limit},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::Api,
};

/// What refusals call a run.
const WHAT: Word = Word::new("this run of a playbook", "lần chạy kịch bản này");

/// `GET /playbooks`
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<PlaybookParams>,
) -> Result<Json<PlaybookList>, Problem> {
    let incident = match params.incident.filter(|i| !i.is_empty()) {
        Some(text) => {
            let id = AlertId::parse(&text).ok_or_else(|| Problem::not_found(Word::new("this incident", "sự cố này")))?;
            let state = api.deps.state.clone();
            let found = api.small.store(move || state.incident(&caller.scope, id)).await?;
            Some(found.ok_or_else(|| Problem::not_found(Word::new("this incident", "sự cố này")))?.0)
        }
        None => None,
    };
    let library = api.deps.response.library();
    let fits = |p| incident.as_ref().is_some_and(|i| Library::fits(p, i));
    let items = library.all().map(|e| PlaybookDto::new(&e.playbook, fits(&e.playbook))).collect();
    let refused: Vec<String> = library.faults().iter().map(ToString::to_string).collect();
    let refused_vi = refused.iter().map(|fault| told(fault).vi).collect();
    Ok(Json(PlaybookList { items, refused, refused_vi }))
}

/// `GET /playbooks/{name}`
pub(crate) async fn show(State(api): State<Api>, InPath(name): InPath<String>) -> Result<Json<PlaybookDetail>, Problem> {
    let entry =
        api.deps.response.library().get(&name).cloned().ok_or_else(|| Problem::not_found(Word::new("this playbook", "kịch bản này")))?;
    let playbook = PlaybookDto::new(&entry.playbook, false);
    Ok(Json(PlaybookDetail { playbook, text: entry.source.clone(), file: entry.file.clone() }))
}

/// `GET /runs`
pub(crate) async fn runs(State(api): State<Api>, caller: Caller, Params(params): Params<ResponseParams>) -> Result<Json<RunList>, Problem> {
    let (filter, most) = (filter(&params), limit(params.limit, 100, 500));
    let found = desk(&api, move |d| d.runs(&caller.scope, &filter, most)).await?;
    Ok(Json(RunList { items: found.iter().map(RunDto::from).collect() }))
}

/// `GET /runs/{id}`
pub(crate) async fn run(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<RunDetail>, Problem> {
    trail.note(&id, json!({}));
    let id = parse(&id, WHAT)?;
    let (run, journal) = desk(&api, move |d| Ok((d.run_of(&caller.scope, id)?, d.journal(id)?))).await?;
    trail.of(&run.agency);
    Ok(Json(RunDetail { run: (&run).into(), journal: journal.iter().map(Into::into).collect() }))
}

/// `POST /runs`
pub(crate) async fn start(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(asked): Json<RunRequest>,
) -> Result<Json<RunDto>, Problem> {
    let id = Uuid::new_v4();
    trail.note(&id.to_string(), json!({ "playbook": asked.playbook, "incident": asked.incident }));
    let (who, record) = (who(&api, &caller).await?, trail.record());
    let run = desk(&api, move |d| d.start(&caller.scope, &who, &asked.playbook, &asked.incident, id, Some(&record))).await?;
    trail.written();
    Ok(Json((&run).into()))
}

/// `POST /runs/{id}/tasks/{name}`
pub(crate) async fn answer(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath((id, step)): InPath<(String, String)>,
    Json(answer): Json<TaskAnswer>,
) -> Result<Json<RunDto>, Problem> {
    trail.note(&id, json!({ "step": step, "answer": answer.answer, "note": answer.note }));
    let id = parse(&id, WHAT)?;
    let (who, record) = (who(&api, &caller).await?, trail.record());
    let run = desk(&api, move |d| d.answer(&caller.scope, &who, id, (&step, &answer.answer, &answer.note), Some(&record))).await?;
    trail.written();
    Ok(Json((&run).into()))
}

/// `POST /runs/{id}/cancel`
pub(crate) async fn cancel(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(decision): Json<ActionDecision>,
) -> Result<Json<RunDto>, Problem> {
    trail.note(&id, json!({ "reason": decision.reason }));
    let id = parse(&id, WHAT)?;
    let (who, record) = (who(&api, &caller).await?, trail.record());
    let run = desk(&api, move |d| {
        if decision.reason.len() > 8 << 10 {
            return Err(ResponseError::Parameter("a reason holds at most 8 KiB".to_owned()));
        }
        d.cancel_run(&caller.scope, &who, id, &decision.reason, Some(&record))
    })
    .await?;
    trail.written();
    Ok(Json((&run).into()))
}
