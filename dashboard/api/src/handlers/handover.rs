//! Taking a shift: what changed since it began, what is open, what the shift before says; signed by whoever hands over.

use axum::{extract::State, http::StatusCode};
use fansipan_model::{AlertStatus, Incident, SourceInfo, said, time};
use fansipan_storage::{AlertFilter, Handover, IncidentFilter, ResponseFilter};
use serde_json::json;

use super::{actions::desk, sources::active};
use crate::{
    dto::{ActionDto, HandoverDto, HandoverPage, HandoverParams, HandoverSign, IncidentDto, OwnRuleDto, SilentSource},
    extract::{Json, Params, instant},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

const HOUR: i64 = 3600 * time::SECOND;
/// A handover older than this says nothing about when the present shift began.
const SHIFT: i64 = 12 * HOUR;
/// A shift whose beginning nobody told.
const USUAL: i64 = 8 * HOUR;
/// The longest shift looked at.
const LONGEST: i64 = 31 * 24 * HOUR;
/// Incidents, actions and handovers shown.
const MOST: usize = 100;
const BEFORE: usize = 5;
/// Characters of a note.
const NOTE: usize = 20_000;
/// States of actions that are not over.
const UNDER_WAY: &[&str] = &["proposed", "approved", "running", "done", "expired", "undoing", "handed_over"];

/// `GET /handover`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<HandoverParams>,
) -> Result<Json<HandoverPage>, Problem> {
    let at = now();
    let (store, scope) = (api.deps.handovers.clone(), caller.scope.clone());
    let before = api.small.store(move || store.handovers(&scope, BEFORE)).await?;
    let (since, began_by) = match (params.since.as_deref().filter(|s| !s.is_empty()), before.first()) {
        (Some(text), _) => (instant("since", text, at)?.clamp(at - LONGEST, at), "asked"),
        (None, Some(last)) if at - last.at < SHIFT => (last.at, "handover"),
        (None, Some(_)) => (at - USUAL, "long_ago"),
        (None, None) => (at - USUAL, "none_yet"),
    };
    trail.note("", json!({ "since": time::to_rfc3339(since) }));
    let actions = {
        let filter = ResponseFilter { states: UNDER_WAY.iter().map(ToString::to_string).collect(), incident: None };
        let scope = caller.scope.clone();
        desk(&api, move |d| d.actions(&scope, &filter, MOST)).await?
    };
    let (state, rules) = (api.deps.state.clone(), api.deps.rules.clone());
    let page = api.small.store(move || {
        let scope = &caller.scope;
        let counts = state.alert_counts(scope)?;
        let open = IncidentFilter { statuses: AlertFilter::OPEN.to_vec(), since: None };
        let judged = IncidentFilter { statuses: JUDGED.to_vec(), since: Some(since) };
        let mut incidents = state.incidents(scope, &open, MOST)?;
        incidents.sort_by(|a, b| b.level.cmp(&a.level).then(b.last_seen.cmp(&a.last_seen)));
        let mut changed = rules.own_rules()?;
        changed.retain(|r| r.at >= since);
        Ok(HandoverPage {
            generated_at: time::to_rfc3339(at),
            since: time::to_rfc3339(since),
            began_by,
            alerts_raised: state.alerts_raised_since(scope, since)?,
            alerts_open: counts.open,
            open_by_level: counts.open_by_level,
            incidents: dtos(&incidents),
            closed: dtos(&state.incidents(scope, &judged, MOST)?),
            actions: actions.iter().map(ActionDto::from).collect(),
            silent: state.sources(scope)?.iter().filter(|s| !active(s, at)).map(|s| silent(s, since)).collect(),
            rules: changed.into_iter().map(|r| OwnRuleDto { text: None, ..r.into() }).collect(),
            handovers: before.into_iter().map(HandoverDto::from).collect(),
        })
    });
    Ok(Json(page.await?))
}

const JUDGED: [AlertStatus; 3] = [AlertStatus::TruePositive, AlertStatus::FalsePositive, AlertStatus::Benign];

fn dtos(list: &[Incident]) -> Vec<IncidentDto> {
    list.iter().filter(|i| i.state.merged_into.is_none()).map(IncidentDto::from).collect()
}

fn silent(source: &SourceInfo, since: i64) -> SilentSource {
    SilentSource {
        id: source.id.clone(),
        host: source.host.clone(),
        last_seen: time::to_rfc3339(source.last_seen),
        new: source.last_seen >= since,
    }
}

/// `POST /handover`
pub(crate) async fn sign(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(signed): Json<HandoverSign>,
) -> Result<(StatusCode, Json<HandoverDto>), Problem> {
    let at = now();
    let since = time::from_rfc3339(&signed.since).filter(|since| *since <= at).ok_or_else(|| {
        Problem::bad_request(said!(
            "since is the time at which the shift began, such as 2026-11-23T06:00:00Z",
            "since là lúc bắt đầu ca trực, ví dụ 2026-11-23T06:00:00Z"
        ))
    })?;
    let note: String = signed.note.trim().chars().take(NOTE).collect();
    trail.note("", json!({ "since": signed.since, "note": note.chars().take(200).collect::<String>() }));
    let mut handover = Handover { number: 0, at, since, who: caller.name, note };
    let (store, record, kept) = (api.deps.handovers.clone(), trail.record(), handover.clone());
    handover.number = api.small.store(move || store.add_handover(&kept, &caller.scope, &record)).await?;
    trail.written();
    Ok((StatusCode::CREATED, Json(handover.into())))
}
