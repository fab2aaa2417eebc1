//! The audit trail, for auditors and administrators.

use axum::extract::State;
use fansipan_storage::AuditFilter;
use serde_json::json;

use crate::{
    dto::{AuditPageDto, AuditParams},
    extract::{Json, Params, instant, limit},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

/// `GET /audit`
pub(crate) async fn list(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<AuditParams>,
) -> Result<Json<AuditPageDto>, Problem> {
    trail.note(
        "",
        json!({ "who": params.who, "verb": params.verb, "object": params.object, "since": params.since, "before": params.before }),
    );
    let since = params.since.as_deref().filter(|s| !s.is_empty()).map(|s| instant("since", s, now())).transpose()?;
    let filter = AuditFilter { who: params.who, verb: params.verb, object: params.object, since, until: None };
    let most = limit(params.limit, 100, 1000);
    let state = api.deps.state.clone();
    let page = api.small.store(move || state.audit_trail(&caller.scope, &filter, params.before, most)).await?;
    Ok(Json(AuditPageDto { items: page.items.into_iter().map(Into::into).collect(), next: page.next }))
}
