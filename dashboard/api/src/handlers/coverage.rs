//! Which rules can fire on what arrives, judged from a sample of every kind of event of the last days.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use fansipan_model::{Op, Pattern, Predicate, Scope, attack, fields};
use fansipan_rules::{Coverage, Rule, RuleIndex, RuleSet, Sight};
use fansipan_storage::{EventStore, SearchRequest, StoreError, TimeRange, Total};
use serde_json::json;

use crate::{
    dto::{BlindRule, CoverageParams, CoverageReport, RuleSight, Standing, TechniqueSight},
    extract::{AHEAD, Json, Params, range},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    shared::{Shared, scope_key},
    state::{Api, now},
};

/// Kinds of events told apart: datasets, and codes within each.
const DATASETS: usize = 200;
const CODES: usize = 300;
/// Events looked at of each dataset and of each code within it.
const OF_DATASET: usize = 100;
const OF_CODE: usize = 5;

/// A report, and the rules that it is about: while they are held, no others have their place in memory.
pub(crate) struct Sights {
    pub(super) report: CoverageReport,
    _rules: Arc<RuleSet>,
}

/// Reports by scope, time looked at and rule set.
pub(crate) struct SightsCache(Shared<(Option<Vec<String>>, String, usize), Sights>);

impl Default for SightsCache {
    fn default() -> Self {
        Self(Shared::new(Duration::from_secs(2), 20, Duration::from_secs(300)))
    }
}

/// `GET /rules/coverage`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<CoverageParams>,
) -> Result<Response, Problem> {
    trail.note("", json!({ "since": params.since }));
    let sights = sights(&api, &caller.scope, params.since.as_deref().unwrap_or("7d")).await?;
    Ok(Json(&sights.report).into_response())
}

/// Which rules can fire, for all who may see the same.
pub(super) async fn sights(api: &Api, scope: &Scope, since: &str) -> Result<Arc<Sights>, Problem> {
    let range = range(Some(since), None, None, now(), AHEAD)?;
    let (events, rules) = (api.deps.events.clone(), api.deps.live.rule_set());
    let key = (scope_key(scope), since.to_owned(), Arc::as_ptr(&rules) as usize);
    let (state, scope) = (api.deps.state.clone(), scope.clone());
    let compute = api.searches.store(move || {
        let mut coverage = Coverage::new(&rules);
        // matches are not told apart by agency
        let last: Last = match scope {
            Scope::All => Some(state.rule_counts()?.into_iter().map(|c| (c.rule, c.last)).collect()),
            _ => None,
        };
        let sampled = sample(&*events, &scope, range, &mut coverage)?;
        let report = report(&rules, &coverage, sampled, &last, range.from);
        Ok(Sights { report, _rules: Arc::clone(&rules) })
    });
    api.sights.0.get(key, compute).await
}

/// Shows the newest events of each kind to `coverage`; how many there were.
fn sample(events: &dyn EventStore, scope: &Scope, range: TimeRange, coverage: &mut Coverage<'_>) -> Result<u64, StoreError> {
    let mut sampled = 0;
    let mut look = |filter: Predicate, limit: usize| -> Result<(), StoreError> {
        let page = events.search(scope, &SearchRequest { filter, range, limit, after: None, total: Total::Skip })?;
        sampled += page.events.len() as u64;
        page.events.iter().for_each(|event| coverage.observe(event));
        Ok(())
    };
    let values = |filter: &Predicate, field, top| -> Result<Vec<String>, StoreError> {
        let facets = events.facets(scope, filter, range, &[field], top)?;
        Ok(facets.into_iter().flat_map(|f| f.values).map(|v| v.value.text()).collect())
    };
    let is = |field, value: &str| Predicate::test(field, Op::Like(Pattern::exact(value)));
    look(Predicate::test(fields::EVENT_DATASET, Op::Absent), OF_DATASET)?;
    for dataset in values(&Predicate::True, fields::EVENT_DATASET, DATASETS)? {
        let of_dataset = is(fields::EVENT_DATASET, &dataset);
        look(of_dataset.clone(), OF_DATASET)?;
        for code in values(&of_dataset, fields::EVENT_CODE, CODES)? {
            look(Predicate::And(vec![of_dataset.clone(), is(fields::EVENT_CODE, &code)]), OF_CODE)?;
        }
    }
    Ok(sampled)
}

/// When each rule last matched; `None`: not for this caller.
type Last = Option<HashMap<String, i64>>;

fn report(set: &RuleSet, coverage: &Coverage<'_>, sampled: u64, last: &Last, from: i64) -> CoverageReport {
    let mut techniques: BTreeMap<String, TechniqueSight> = BTreeMap::new();
    let mut rules = Vec::with_capacity(set.len() + set.correlations().len());
    for (i, compiled) in (0u32..).zip(set.rules()) {
        let (state, missing) = words(coverage.sight(RuleIndex(i)));
        // what only feeds correlations raises no alert by which its matches are counted
        let last = last.as_ref().filter(|_| !compiled.correlated);
        let told = RuleSight { state, missing, ..empty(&compiled.rule, compiled.rule.meta.logsource.to_string()) };
        rules.push(judged(told, last, from));
    }
    for (i, linked) in set.correlations().iter().enumerate() {
        let sight = coverage.correlation(i);
        let blind: Vec<BlindRule> = sight.blind.into_iter().map(|(rule, why)| blind(&set.rule(rule).rule, why)).collect();
        let state = match sight.sees {
            true => "sees",
            false if blind.iter().any(|b| b.state == "no_source") => "no_source",
            false => "no_fields",
        };
        let missing: BTreeSet<String> = blind.iter().flat_map(|b| b.missing.iter().cloned()).collect();
        let kind = linked.correlation().map_or("", |c| c.kind.as_str());
        let told = RuleSight {
            state,
            missing: if sight.sees { Vec::new() } else { missing.into_iter().collect() },
            correlation: true,
            blind,
            ..empty(&linked.rule, format!("correlation/{kind}"))
        };
        rules.push(judged(told, last.as_ref(), from));
    }
    for rule in &rules {
        for technique in &rule.techniques {
            let empty = || TechniqueSight { technique: technique.clone(), tactics: Vec::new(), rules: 0, seeing: 0 };
            let entry = techniques.entry(technique.clone()).or_insert_with(empty);
            entry.rules += 1;
            entry.seeing += u64::from(rule.state == "sees");
            // a rule of several tactics does not say which technique serves which: ATT&CK does, or else a rule of one tactic
            let serves = match (attack::served(technique, &rule.tactics), rule.tactics.as_slice()) {
                (Some(serves), _) => serves,
                (None, [only]) => vec![only.as_str()],
                (None, _) => Vec::new(),
            };
            for tactic in serves {
                if !entry.tactics.iter().any(|t| t == tactic) {
                    entry.tactics.push(tactic.to_owned());
                }
            }
        }
    }
    for entry in techniques.values_mut().filter(|t| t.tactics.is_empty()) {
        let named = rules.iter().filter(|r: &&RuleSight| r.techniques.contains(&entry.technique));
        let all: BTreeSet<&String> = named.flat_map(|r| &r.tactics).collect();
        entry.tactics = all.into_iter().cloned().collect();
    }
    CoverageReport { sampled, rules, techniques: techniques.into_values().collect() }
}

/// A rule of which nothing is known yet but what it says of itself.
fn empty(rule: &Rule, logsource: String) -> RuleSight {
    RuleSight {
        id: rule.meta.id.clone(),
        title: rule.meta.title.clone(),
        title_vi: rule.meta.title_vi.clone(),
        level: rule.meta.level,
        logsource,
        tactics: attack::tactics(rule.meta.tags.iter().map(String::as_str)),
        techniques: techniques_of(&rule.meta.tags).collect(),
        standing: Standing::Blind,
        state: "no_source",
        missing: Vec::new(),
        quiet: None,
        correlation: false,
        blind: Vec::new(),
    }
}

/// The same, and whether it was quiet: how it stands.
fn judged(told: RuleSight, last: Option<&HashMap<String, i64>>, from: i64) -> RuleSight {
    let quiet = last.filter(|_| told.state == "sees").map(|last| last.get(&told.id).is_none_or(|at| *at < from));
    let standing = match told.state {
        "sees" if !told.blind.is_empty() => Standing::PartlyBlind,
        "sees" if quiet == Some(true) => Standing::Quiet,
        "sees" => Standing::Alive,
        _ => Standing::Blind,
    };
    RuleSight { quiet, standing, ..told }
}

fn words(sight: Sight) -> (&'static str, Vec<String>) {
    match sight {
        Sight::Sees => ("sees", Vec::new()),
        Sight::NoSource => ("no_source", Vec::new()),
        Sight::NoFields(missing) => ("no_fields", missing),
    }
}

fn blind(rule: &Rule, why: Sight) -> BlindRule {
    let (state, missing) = words(why);
    let meta = &rule.meta;
    let logsource = meta.logsource.to_string();
    BlindRule { id: meta.id.clone(), title: meta.title.clone(), title_vi: meta.title_vi.clone(), logsource, state, missing }
}

/// `T1110.001` of the tag `attack.t1110.001`.
fn techniques_of(tags: &[String]) -> impl Iterator<Item = String> + '_ {
    let digits = |t: &&str| t.starts_with(|c: char| c.is_ascii_digit());
    tags.iter().filter_map(|t| t.strip_prefix("attack.t")).filter(digits).map(|t| format!("T{t}"))
}
