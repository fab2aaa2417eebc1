//! Rules in force, their text, and what was refused.

use std::collections::HashMap;

use axum::extract::State;
use fansipan_model::Scope;
use fansipan_storage::RuleCount;

use crate::{
    dto::{RuleDetail, RuleDto, RuleList},
    extract::{InPath, Json},
    identity::Caller,
    ports::RuleInfo,
    problem::Problem,
    state::Api,
};

/// Matches by rule id; `None` for those who do not see every agency, since the counts do not tell agencies apart.
type Counts = Option<HashMap<String, RuleCount>>;

async fn counts(api: &Api, scope: &Scope) -> Result<Counts, Problem> {
    if *scope != Scope::All {
        return Ok(None);
    }
    let state = api.deps.state.clone();
    let counts = api.small.store(move || state.rule_counts()).await?;
    Ok(Some(counts.into_iter().map(|c| (c.rule.clone(), c)).collect()))
}

fn dto(rule: &RuleInfo, counts: &Counts) -> RuleDto {
    match counts {
        None => RuleDto::new(rule, None, None),
        Some(counts) => {
            let count = counts.get(&rule.id);
            RuleDto::new(rule, Some(count.map_or(0, |c| c.count)), count.map(|c| c.last))
        }
    }
}

/// `GET /rules`
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<RuleList>, Problem> {
    let counts = counts(&api, &caller.scope).await?;
    let live = api.deps.live.clone();
    let listing = api.small.run(move || live.rules()).await?;
    let items = listing.items.iter().map(|r| dto(r, &counts)).collect();
    Ok(Json(RuleList { items, diagnostics: listing.diagnostics.to_vec() }))
}

/// `GET /rules/{id}`
pub(crate) async fn show(State(api): State<Api>, caller: Caller, InPath(id): InPath<String>) -> Result<Json<RuleDetail>, Problem> {
    let counts = counts(&api, &caller.scope).await?;
    let live = api.deps.live.clone();
    let found = api.small.run(move || {
        let listing = live.rules();
        let rule = listing.items.iter().find(|r| r.id == id)?.clone();
        Some((live.rule_text(&id)?, rule))
    });
    let Some((text, rule)) = found.await? else { return Err(Problem::not_found("this rule")) };
    Ok(Json(RuleDetail { rule: dto(&rule, &counts), text }))
}
