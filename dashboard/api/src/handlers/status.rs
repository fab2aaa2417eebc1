//! State of the service itself, whether it lives, and what the API offers.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use fansipan_model::time;

use crate::{
    dto::{Health, StatusReport, StoreDto},
    extract::Json,
    problem::Problem,
    state::{Api, now},
};

/// `GET /healthz`
pub(crate) async fn health() -> Json<Health> {
    Json(Health { ok: true })
}

/// `GET /status`
pub(crate) async fn show(State(api): State<Api>) -> Result<Json<StatusReport>, Problem> {
    let (live, events) = (api.deps.live.clone(), api.deps.events.clone());
    let (live, store) = api.small.store(move || Ok((live.snapshot(), events.status()?))).await?;
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Ok(Json(StatusReport {
        generated_at: time::to_rfc3339(now()),
        version: api.config.version.clone(),
        role: api.config.role.clone(),
        bus: live.bus,
        store: StoreDto {
            events: store.events,
            bytes: store.bytes,
            indexes: count(store.indexes.len()),
            quarantined: count(store.quarantined.len()),
        },
        rules: live.rules,
        disk: live.disk,
        per_second: live.per_second,
        lag: live.lag,
        detection: live.detection,
        uptime_s: live.uptime_s,
    }))
}

/// `GET /openapi.json`
pub(crate) async fn openapi(State(api): State<Api>) -> Response {
    let mut response = api.openapi.to_string().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
