//! API tokens, for administrators: shown once, kept as SHA-256, never without an end.

use axum::{extract::State, http::StatusCode};
use fansipan_model::{Word, said, time};
use fansipan_storage::NewToken;
use serde_json::json;

use super::{
    session::{covers, hide},
    users::{check_name, granted, role_words},
};
use crate::{
    access::Role,
    dto::{TokenCreation, TokenInfo, TokenList, TokenMade, agencies},
    extract::{InPath, Json, days},
    guard::Trail,
    identity::{Caller, fill_random, hash},
    problem::Problem,
    state::{Api, now},
};

/// What refusals call a token.
const WHAT: Word = Word::new("this token", "khóa API này");
/// Begins every token, so that scanners for leaked secrets know one.
const PREFIX: &str = "fsp_";
/// Days a token is good for unless told otherwise, and at most.
const DAYS: (u32, u32) = (90, 3650);

/// A new token.
pub(super) fn fresh() -> Result<String, Problem> {
    let mut bytes = [0u8; 32];
    fill_random(&mut bytes)?;
    Ok(format!("{PREFIX}{}", hex::encode(bytes)))
}

/// `GET /tokens`
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<TokenList>, Problem> {
    let state = api.deps.state.clone();
    let tokens = api.small.store(move || state.tokens()).await?;
    let items = tokens.iter().filter(|t| covers(&caller.scope, &t.scope)).map(TokenInfo::from).collect();
    Ok(Json(TokenList { items }))
}

/// `POST /tokens`
pub(crate) async fn create(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(new): Json<TokenCreation>,
) -> Result<(StatusCode, Json<TokenMade>), Problem> {
    check_name(&new.name)?;
    let days = days(new.expires_in_days, DAYS)?;
    if new.roles.contains(&Role::Wall) {
        return Err(Problem::bad_request(said!(
            "the role wall is for enrolled screens; make one with POST /api/v1/wall-devices",
            "vai trò wall chỉ dành cho màn hình đã đăng ký; tạo bằng POST /api/v1/wall-devices"
        )));
    }
    let roles = role_words(&new.roles)?;
    let scope = granted(&caller, new.agencies.as_deref())?;
    trail.note(&new.name, json!({ "roles": roles, "agencies": agencies(&scope), "days": days }));
    let token = fresh()?;
    let (state, record, token_hash) = (api.deps.state.clone(), trail.record(), hash(&token));
    let made = api.small.store(move || {
        let created = now();
        let expires = Some(created.saturating_add(i64::from(days) * 86_400 * time::SECOND));
        state.add_token(
            &NewToken { name: &new.name, token_hash, roles, scope, made_by: &caller.name, created, expires, owner: None },
            &record,
        )
    });
    let made = made.await?;
    trail.written();
    Ok((StatusCode::CREATED, Json(TokenMade { info: (&made).into(), token })))
}

/// `DELETE /tokens/{name}`
pub(crate) async fn remove(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    trail.note(&name, json!({}));
    let (state, record) = (api.deps.state.clone(), trail.record());
    let tokens = {
        let state = state.clone();
        api.small.store(move || state.tokens()).await?
    };
    if !tokens.iter().any(|t| t.name == name && covers(&caller.scope, &t.scope)) {
        return Err(Problem::not_found(WHAT));
    }
    api.small.run(move || state.remove_token(&name, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(StatusCode::NO_CONTENT)
}
