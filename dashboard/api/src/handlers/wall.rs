//! What the videowall shows, in one answer, for people and for enrolled screens alike.

use axum::extract::State;
use fansipan_model::{AlertStatus, Incident, Level, incident, time};
use fansipan_storage::{AlertFilter, IncidentFilter};

use super::sources::active;
use crate::{
    dto::{IncidentDto, StepDto, WallAlert, WallData, WallSource, WallStory},
    extract::Json,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

/// Alerts and incidents read for it.
const MOST: (usize, usize) = (100, 50);
/// Steps of the story that fit on a screen.
const STEPS: usize = 6;

/// The incident the wall must show: critical, taken by nobody, opened last.
fn raised(incidents: &[Incident]) -> Option<&Incident> {
    let waits = |i: &&Incident| i.level == Level::Critical && i.state.status == AlertStatus::New && i.state.merged_into.is_none();
    incidents.iter().filter(waits).max_by_key(|i| i.state.opened)
}

/// `GET /wall`
pub(crate) async fn show(State(api): State<Api>, caller: Caller) -> Result<Json<WallData>, Problem> {
    let (state, live) = (api.deps.state.clone(), api.deps.live.clone());
    let read = api.small.store(move || {
        let scope = &caller.scope;
        let filter =
            AlertFilter { statuses: AlertFilter::OPEN.to_vec(), levels: vec![Level::Critical, Level::High], ..AlertFilter::default() };
        let alerts = state.alerts(scope, &filter, None, MOST.0)?;
        let open = IncidentFilter { statuses: AlertFilter::OPEN.to_vec(), since: None };
        let incidents = state.incidents(scope, &open, MOST.1)?;
        let story = match raised(&incidents) {
            None => None,
            Some(found) => state.incident(scope, found.state.id)?,
        };
        Ok((alerts, incidents, story, state.sources(scope)?, live.snapshot()))
    });
    let (alerts, incidents, story, sources, live) = read.await?;
    let story = story.map(|(found, alerts)| {
        let steps: Vec<StepDto> = incident::story(&alerts).into_iter().map(StepDto::from).collect();
        let skip = steps.len().saturating_sub(STEPS);
        WallStory { incident: found.state.id.to_string(), steps: steps.into_iter().skip(skip).collect() }
    });
    let now = now();
    Ok(Json(WallData {
        generated_at: time::to_rfc3339(now),
        alerts: alerts.items.iter().map(WallAlert::from).collect(),
        more: alerts.next.is_some(),
        incidents: incidents.iter().map(IncidentDto::from).collect(),
        story,
        sources: sources.iter().map(|s| WallSource::new(s, active(s, now))).collect(),
        lag: live.lag,
        disk: live.disk,
        alarm: live.bus.alarm,
    }))
}
