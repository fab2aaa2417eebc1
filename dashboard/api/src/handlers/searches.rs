//! Saved searches: one's own and those shared.

use axum::{extract::State, http::StatusCode};
use fansipan_model::{Word, said};
use fansipan_storage::cases::SavedSearch;
use serde_json::json;
use uuid::Uuid;

use super::session::hide;
use crate::{
    dto::{SearchDto, SearchList, SearchSave},
    extract::{InPath, Json},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

/// What refusals call one.
const WHAT: Word = Word::new("a saved search of yours with this id", "tìm kiếm đã lưu của bạn với mã này");

/// `GET /searches`
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<SearchList>, Problem> {
    let cases = api.deps.cases.clone();
    let found = api.small.store(move || cases.saved_searches(&caller.name)).await?;
    Ok(Json(SearchList { items: found.into_iter().map(SearchDto::from).collect() }))
}

/// `POST /searches`
pub(crate) async fn save(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(wanted): Json<SearchSave>,
) -> Result<Json<SearchDto>, Problem> {
    let name = wanted.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Problem::bad_request(said!(
            "a saved search has a name of 1 to 200 characters",
            "tên của tìm kiếm đã lưu có từ 1 đến 200 ký tự"
        )));
    }
    let id = wanted.id.filter(|id| !id.is_empty()).unwrap_or_else(|| Uuid::new_v4().to_string());
    trail.note(&id, json!({ "name": name, "shared": wanted.shared, "search": wanted.search }));
    let body = json!(wanted.search).to_string();
    let search = SavedSearch { id, owner: caller.name, shared: wanted.shared, name, body, at: now(), version: wanted.version };
    let (cases, record) = (api.deps.cases.clone(), trail.record());
    let kept = api.small.run(move || cases.save_search(&search, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(Json(kept.into()))
}

/// `DELETE /searches/{id}`
pub(crate) async fn remove(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<StatusCode, Problem> {
    trail.note(&id, json!({}));
    let (cases, record) = (api.deps.cases.clone(), trail.record());
    api.small.run(move || cases.remove_search(&caller.name, &id, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(StatusCode::NO_CONTENT)
}
