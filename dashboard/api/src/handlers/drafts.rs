//! Rules as they are written: what is wrong with a text, and what it would have said of the days that are stored.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use axum::extract::State;
use fansipan_model::{Predicate, Scope, Word, fields, said, time};
use fansipan_rules::{
    CompiledRule, RuleIndex, RuleSet, Scratch, Severity, Taxonomy,
    ast::Body,
    convert::{Dialect, convert},
};
use fansipan_storage::{EventStore, StoreError, TimeRange};
use serde_json::json;

use crate::{
    dto::{RuleDraft, RuleLint, RuleTest, ValueCount},
    extract::{AHEAD, Json, duration},
    guard::Trail,
    identity::Caller,
    ports::RuleDiagnostic,
    problem::Problem,
    state::{Api, now},
};

/// Bytes of a draft.
pub(crate) const LARGEST: usize = 1 << 20;
/// A test takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);
/// Hosts told apart.
const HOSTS: usize = 10_000;
/// Events named.
const SAMPLE: usize = 20;

/// What messages call a draft.
const DRAFT: &str = "draft.yml";

/// A text as a rule set of its own, and what is wrong with it. Correlations and filters are looked at beside the rules in force,
/// which they may name; those stay in the set, so ask [`Draft::own`].
pub(super) struct Draft {
    set: RuleSet,
    pub(super) lint: RuleLint,
    /// Ids in the order of the text.
    pub(super) ids: Vec<String>,
}

impl Draft {
    pub(super) fn read(text: &str, in_force: &RuleSet) -> Result<Self, Problem> {
        let taxonomy = Taxonomy::builtin()
            .map_err(|e| Problem::internal(Word::new("the built-in log sources", "việc đọc các nguồn nhật ký có sẵn"), &e))?;
        let (mut rules, mut found) = fansipan_rules::parse(text, DRAFT);
        let titles = rules.iter().map(|r| r.meta.title.clone()).collect();
        let ids: Vec<String> = rules.iter().map(|r| r.meta.id.clone()).collect();
        let correlations = rules.iter().any(|r| matches!(r.body, Body::Correlation(_)));
        if rules.iter().any(|r| !matches!(r.body, Body::Detection(_))) {
            rules.extend(in_force.rules().iter().map(|c| c.rule.clone()).filter(|r| !ids.contains(&r.meta.id)));
        }
        let (set, faults) = RuleSet::compile(rules, &taxonomy);
        found.extend(faults.into_iter().filter(|d| d.file == DRAFT));
        let ok = !ids.is_empty() && !found.iter().any(|d| d.severity == Severity::Error);
        let mut draft = Self {
            set,
            lint: RuleLint { ok, rules: titles, diagnostics: found.iter().map(RuleDiagnostic::from).collect(), query: None, correlations },
            ids,
        };
        let predicates: Vec<Predicate> = draft.own().map(|(_, rule)| rule.predicate()).collect();
        if !predicates.is_empty() {
            draft.lint.query = convert(&Predicate::Or(predicates), Dialect::Query).ok();
        }
        Ok(draft)
    }

    /// The detection rules of the text itself.
    fn own(&self) -> impl Iterator<Item = (RuleIndex, &CompiledRule)> {
        let numbered = (0u32..).map(RuleIndex).zip(self.set.rules());
        numbered.filter(|(_, rule)| rule.rule.file == DRAFT)
    }
}

/// `POST /rules/lint`
pub(crate) async fn lint(State(api): State<Api>, Json(draft): Json<RuleDraft>) -> Result<Json<RuleLint>, Problem> {
    let live = api.deps.live.clone();
    Ok(Json(api.searches.run(move || Draft::read(&draft.text, &live.rule_set())).await??.lint))
}

/// `POST /rules/test`
pub(crate) async fn test(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(draft): Json<RuleDraft>,
) -> Result<Json<RuleTest>, Problem> {
    trail.note("", json!({ "since": draft.since, "bytes": draft.text.len() }));
    let span = duration(draft.since.as_deref().filter(|s| !s.is_empty()).unwrap_or("24h"))
        .filter(|d| *d <= 31 * 86_400 * time::SECOND)
        .ok_or_else(|| {
            Problem::bad_request(said!("since is a duration up to 31d, such as 24h", "since là khoảng thời gian tối đa 31d, ví dụ 24h"))
        })?;
    let now = now();
    let range = TimeRange { from: now.saturating_sub(span), to: now.saturating_add(AHEAD) };
    let (events, live) = (api.deps.events.clone(), api.deps.live.clone());
    let work = move || {
        let draft = Draft::read(&draft.text, &live.rule_set())?;
        Ok::<_, Problem>(look(&*events, &caller.scope, range, draft)?)
    };
    Ok(Json(api.searches.run(work).await??))
}

fn look(events: &dyn EventStore, scope: &Scope, range: TimeRange, draft: Draft) -> Result<RuleTest, StoreError> {
    let (own, filters): (Vec<RuleIndex>, Vec<Predicate>) = draft.own().map(|(i, rule)| (i, rule.predicate())).unzip();
    let filter = Predicate::Or(filters);
    let (mut scratch, mut matches) = (Scratch::default(), Vec::new());
    let (mut hosts, mut sample, mut fired): (HashMap<String, u64>, Vec<String>, u64) = Default::default();
    let until = Instant::now() + PATIENCE;
    let mut complete = true;
    let progress = events.scan(scope, &filter, range, &mut |event| {
        matches.clear();
        draft.set.evaluate(event, &mut scratch, &mut matches);
        if matches.iter().any(|m| own.contains(m)) {
            fired += 1;
            if sample.len() < SAMPLE {
                sample.push(event.id().to_string());
            }
            if let Some(host) = event.str(fields::HOST_NAME) {
                if let Some(count) = hosts.get_mut(host) {
                    *count += 1;
                } else if hosts.len() < HOSTS {
                    hosts.insert(host.to_owned(), 1);
                }
            }
        }
        complete = Instant::now() < until;
        if complete { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let distinct = hosts.len() as u64;
    let mut top_hosts: Vec<ValueCount> = hosts.into_iter().map(|(value, count)| ValueCount { value, count }).collect();
    top_hosts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    top_hosts.truncate(10);
    Ok(RuleTest {
        lint: draft.lint,
        matches: fired,
        hosts: distinct,
        top_hosts,
        sample,
        examined: progress.examined,
        from: time::to_rfc3339(range.from),
        to: time::to_rfc3339(range.to),
        complete,
    })
}
