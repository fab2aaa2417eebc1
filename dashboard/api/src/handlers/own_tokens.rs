//! API tokens of one's own: worth no more than their person is at the moment of each call, and gone with them.

use axum::{extract::State, http::StatusCode};
use fansipan_model::{Word, said, time};
use fansipan_storage::{ApiToken, NewToken};
use serde_json::json;

use super::{
    session::{hide, person},
    tokens::fresh,
    users::{check_name, role_words},
};
use crate::{
    access::Role,
    dto::{OwnTokenCreation, TokenInfo, TokenList, TokenMade},
    extract::{InPath, Json, days},
    guard::Trail,
    identity::{Caller, hash},
    problem::Problem,
    state::{Api, now},
};

/// What refusals call one.
const WHAT: Word = Word::new("a token of yours with this name", "khóa API của bạn với tên này");
/// Days it is good for unless told otherwise, and at most.
const DAYS: (u32, u32) = (90, 366);
/// Tokens of one person.
const MOST: usize = 20;

async fn own(api: &Api, user: &str) -> Result<Vec<ApiToken>, Problem> {
    let (state, key) = (api.deps.state.clone(), fansipan_model::text::fold(user).into_owned());
    let mut tokens = api.small.store(move || state.tokens()).await?;
    tokens.retain(|t| t.owner.as_deref() == Some(&key));
    Ok(tokens)
}

/// `GET /session/tokens`
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<TokenList>, Problem> {
    let user = person(&caller)?;
    Ok(Json(TokenList { items: own(&api, &user.name).await?.iter().map(TokenInfo::from).collect() }))
}

/// `POST /session/tokens`
pub(crate) async fn create(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(new): Json<OwnTokenCreation>,
) -> Result<(StatusCode, Json<TokenMade>), Problem> {
    let user = person(&caller)?.clone();
    check_name(&new.name)?;
    let days = days(new.expires_in_days, DAYS)?;
    let asked = new.roles.unwrap_or_else(|| caller.roles.clone());
    if let Some(more) = asked.iter().find(|role| !caller.roles.contains(role)) {
        let role = more.as_str();
        return Err(Problem::bad_request(said!(
            "you do not have the role {role}, so your token cannot have it",
            "bạn không có vai trò {role} nên khóa API của bạn cũng không thể có"
        )));
    }
    let roles = role_words(&asked.into_iter().filter(|r: &Role| r.for_people()).collect::<Vec<_>>())?;
    if own(&api, &user.name).await?.len() >= MOST {
        return Err(Problem::bad_request(said!(
            "you have {MOST} tokens; revoke some first",
            "bạn đã có {MOST} khóa API; hãy thu hồi bớt trước"
        )));
    }
    // two people may choose the same word
    let name = format!("{}/{}", user.name, new.name);
    trail.note(&name, json!({ "roles": roles, "days": days }));
    let token = fresh()?;
    let (state, record, token_hash) = (api.deps.state.clone(), trail.record(), hash(&token));
    let made = api.small.store(move || {
        let created = now();
        let expires = Some(created.saturating_add(i64::from(days) * 86_400 * time::SECOND));
        let new = NewToken {
            name: &name,
            token_hash,
            roles,
            scope: user.scope.clone(),
            made_by: &user.name,
            created,
            expires,
            owner: Some(&user.name),
        };
        state.add_token(&new, &record)
    });
    let made = made.await?;
    trail.written();
    Ok((StatusCode::CREATED, Json(TokenMade { info: (&made).into(), token })))
}

/// `DELETE /session/tokens/{name}`
pub(crate) async fn remove(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    let user = person(&caller)?;
    trail.note(&name, json!({}));
    if !own(&api, &user.name).await?.iter().any(|t| t.name == name) {
        return Err(Problem::not_found(WHAT));
    }
    let (state, record) = (api.deps.state.clone(), trail.record());
    api.small.run(move || state.remove_token(&name, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(StatusCode::NO_CONTENT)
}
