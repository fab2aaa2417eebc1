//! Which rules can fire on what arrives, judged from a sample of every kind of event of the last days.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use fansipan_model::{Op, Pattern, Predicate, Scope, fields};
use fansipan_rules::{Coverage, RuleIndex, Sight};
use fansipan_storage::{EventStore, SearchRequest, StoreError, TimeRange, Total};
use serde_json::json;

use crate::{
    dto::{CoverageParams, CoverageReport, RuleSight, TechniqueSight},
    extract::{AHEAD, Json, Params, range},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

/// Kinds of events told apart: datasets, and codes within each.
const DATASETS: usize = 200;
const CODES: usize = 300;
/// Events looked at of each dataset and of each code within it.
const OF_DATASET: usize = 100;
const OF_CODE: usize = 5;

/// `GET /rules/coverage`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<CoverageParams>,
) -> Result<Json<CoverageReport>, Problem> {
    trail.note("", json!({ "since": params.since }));
    let range = range(params.since.as_deref().or(Some("7d")), None, None, now(), AHEAD)?;
    let (events, rules) = (api.deps.events.clone(), api.deps.live.rule_set());
    let report = api.searches.store(move || {
        let mut coverage = Coverage::new(&rules);
        let sampled = sample(&*events, &caller.scope, range, &mut coverage)?;
        Ok(report(&rules, &coverage, sampled))
    });
    Ok(Json(report.await?))
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

fn report(set: &fansipan_rules::RuleSet, coverage: &Coverage<'_>, sampled: u64) -> CoverageReport {
    let mut techniques: BTreeMap<String, TechniqueSight> = BTreeMap::new();
    let mut rules = Vec::with_capacity(set.len());
    for (i, compiled) in (0u32..).zip(set.rules()) {
        let (state, missing) = match coverage.sight(RuleIndex(i)) {
            Sight::Sees => ("sees", Vec::new()),
            Sight::NoSource => ("no_source", Vec::new()),
            Sight::NoFields(missing) => ("no_fields", missing),
        };
        let reference = &compiled.reference;
        let tactics = fansipan_model::incident::tactics(reference.tags.iter().map(String::as_str));
        for technique in techniques_of(&reference.tags) {
            let empty = || TechniqueSight { technique: technique.clone(), tactics: Vec::new(), rules: 0, seeing: 0 };
            let entry = techniques.entry(technique.clone()).or_insert_with(empty);
            entry.rules += 1;
            entry.seeing += u64::from(state == "sees");
            // a rule of several tactics does not say which technique serves which
            if let [only] = tactics.as_slice()
                && !entry.tactics.contains(only)
            {
                entry.tactics.push(only.clone());
            }
        }
        rules.push(RuleSight {
            id: reference.id.clone(),
            title: reference.title.clone(),
            title_vi: reference.title_vi.clone(),
            level: reference.level,
            logsource: compiled.rule.meta.logsource.to_string(),
            tactics,
            techniques: techniques_of(&reference.tags).collect(),
            state,
            missing,
        });
    }
    for entry in techniques.values_mut().filter(|t| t.tactics.is_empty()) {
        let named = rules.iter().filter(|r: &&RuleSight| r.techniques.contains(&entry.technique));
        let all: BTreeSet<&String> = named.flat_map(|r| &r.tactics).collect();
        entry.tactics = all.into_iter().cloned().collect();
    }
    CoverageReport { sampled, rules, techniques: techniques.into_values().collect() }
}

/// `T1110.001` of the tag `attack.t1110.001`.
fn techniques_of(tags: &[String]) -> impl Iterator<Item = String> + '_ {
    let digits = |t: &&str| t.starts_with(|c: char| c.is_ascii_digit());
    tags.iter().filter_map(|t| t.strip_prefix("attack.t")).filter(digits).map(|t| format!("T{t}"))
}
