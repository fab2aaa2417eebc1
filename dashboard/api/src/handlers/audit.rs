//! The audit trail, for auditors and administrators.

use axum::extract::State;
use fansipan_storage::{AuditFilter, StoreError};
use serde_json::json;

use crate::{
    dto::{AuditPageDto, AuditParams, AuditProof},
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

/// `GET /audit/proof`
pub(crate) async fn verify(State(api): State<Api>, trail: Trail) -> Result<Json<AuditProof>, Problem> {
    let state = api.deps.state.clone();
    let proof = match api.searches.run(move || state.verify_audit()).await? {
        Ok(entries) => AuditProof { sound: true, entries: Some(entries), fault: None },
        Err(StoreError::Damaged { reason, .. }) => {
            tracing::error!(%reason, "FSP-API-117 the audit trail does not hold together; keep a copy of state.db as evidence, then restore a backup");
            AuditProof { sound: false, entries: None, fault: Some(reason) }
        }
        Err(other) => return Err(other.into()),
    };
    trail.note("", json!({ "sound": proof.sound }));
    Ok(Json(proof))
}
