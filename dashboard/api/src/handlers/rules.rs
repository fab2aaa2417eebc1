//! Rules in force, their text, and what was refused.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use fansipan_model::{Scope, Word};
use fansipan_storage::{RuleCount, cases::Verdicts};

use super::coverage;
use crate::{
    dto::{RuleDetail, RuleDto, RuleList, RuleListParams, Standing},
    extract::{InPath, Json, Params},
    identity::Caller,
    ports::RuleInfo,
    problem::Problem,
    state::Api,
};

/// Matches and verdicts by rule id; `None` for those who do not see every agency, since neither tells agencies apart.
type Counts = Option<(HashMap<String, RuleCount>, BTreeMap<String, Verdicts>)>;

async fn counts(api: &Api, scope: &Scope) -> Result<Counts, Problem> {
    if *scope != Scope::All {
        return Ok(None);
    }
    let (state, rules) = (api.deps.state.clone(), api.deps.rules.clone());
    let (counts, verdicts) = api.small.store(move || Ok((state.rule_counts()?, rules.rule_verdicts()?))).await?;
    Ok(Some((counts.into_iter().map(|c| (c.rule.clone(), c)).collect(), verdicts)))
}

fn dto(rule: &RuleInfo, counts: &Counts) -> RuleDto {
    match counts {
        None => RuleDto::new(rule, None, None, None),
        Some((counts, verdicts)) => {
            let count = counts.get(&rule.id);
            let judged = verdicts.get(&rule.id).copied().unwrap_or_default();
            RuleDto::new(rule, Some(count.map_or(0, |c| c.count)), count.map(|c| c.last), Some(judged))
        }
    }
}

/// `GET /rules`
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<RuleListParams>,
) -> Result<Json<RuleList>, Problem> {
    let counts = counts(&api, &caller.scope).await?;
    let sights = if params.standing == Some(true) { Some(coverage::sights(&api, &caller.scope, "7d").await?) } else { None };
    let standings: HashMap<&str, Standing> =
        sights.iter().flat_map(|s| &s.report.rules).map(|rule| (rule.id.as_str(), rule.standing)).collect();
    let live = api.deps.live.clone();
    let listing = api.small.run(move || live.rules()).await?;
    let stands = |r: &RuleInfo| standings.get(r.id.as_str()).copied().filter(|_| r.enabled);
    let items = listing.items.iter().map(|r| RuleDto { standing: stands(r), ..dto(r, &counts) }).collect();
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
    let Some((text, rule)) = found.await? else { return Err(Problem::not_found(Word::new("this rule", "luật này"))) };
    Ok(Json(RuleDetail { rule: dto(&rule, &counts), text }))
}
