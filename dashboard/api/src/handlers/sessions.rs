//! The sessions that are open: everybody sees and ends their own, administrators those of the people they manage.

use axum::{extract::State, http::StatusCode};
use fansipan_model::Word;
use fansipan_storage::OpenSession;
use serde_json::json;

use super::session::{covers, end_session, person};
use crate::{
    dto::{SessionItem, SessionList, session_id},
    extract::{InPath, Json},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

/// What refusals call one.
const WHAT: Word = Word::new("this session", "phiên này");

async fn all(api: &Api) -> Result<Vec<OpenSession>, Problem> {
    let people = api.deps.people.clone();
    api.small.store(move || people.open_sessions(now())).await
}

/// The sessions of people whose whole data the caller may see.
async fn managed(api: &Api, caller: &Caller) -> Result<Vec<OpenSession>, Problem> {
    let state = api.deps.state.clone();
    let users = api.small.store(move || state.users()).await?;
    let mut sessions = all(api).await?;
    sessions.retain(|s| users.iter().any(|u| u.name == s.user && covers(&caller.scope, &u.scope)));
    Ok(sessions)
}

async fn end(api: &Api, trail: &Trail, sessions: &[OpenSession], id: &str) -> Result<StatusCode, Problem> {
    let session = sessions.iter().find(|s| session_id(&s.token_hash) == id).ok_or_else(|| Problem::not_found(WHAT))?;
    trail.note(&session.user, json!({ "session": id }));
    end_session(api, session.token_hash).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /session/open`
pub(crate) async fn own(State(api): State<Api>, caller: Caller) -> Result<Json<SessionList>, Problem> {
    let user = person(&caller)?;
    let sessions = all(&api).await?;
    let items = sessions.iter().filter(|s| s.user == user.name).map(|s| SessionItem::new(s, caller.session())).collect();
    Ok(Json(SessionList { items }))
}

/// `DELETE /session/open/{id}`
pub(crate) async fn end_own(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<StatusCode, Problem> {
    let user = person(&caller)?;
    let mut sessions = all(&api).await?;
    sessions.retain(|s| s.user == user.name);
    end(&api, &trail, &sessions, &id).await
}

/// `GET /sessions`
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<SessionList>, Problem> {
    let items = managed(&api, &caller).await?.iter().map(|s| SessionItem::new(s, caller.session())).collect();
    Ok(Json(SessionList { items }))
}

/// `DELETE /sessions/{id}`
pub(crate) async fn end_other(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<StatusCode, Problem> {
    let sessions = managed(&api, &caller).await?;
    end(&api, &trail, &sessions, &id).await
}
