//! The overview: are we under attack, are we blind. Computed once for all who may see the same.

use std::time::Duration;

use axum::extract::State;
use fansipan_model::{FieldId, Predicate, Scope, SourceInfo, fields, time};
use fansipan_storage::{AlertCounts, Facet, RuleActivity, StoreError, TimeRange, cases::Figures};

use super::sources::active;
use crate::{
    blocking::beside,
    dto::{
        Bucket, Counters, CountryMap, Overview, OverviewAlerts, OverviewEvents, OverviewParams, OverviewSources, OverviewTop,
        TechniqueCount, TopRule, Trend, Trends, ValueCount,
    },
    extract::{Params, since},
    geo::Geo,
    identity::Caller,
    ports::ApiDeps,
    problem::Problem,
    shared::{Same, Shared, scope_key},
    state::{Api, now},
};

/// Values in each list.
const TOP: usize = 10;
/// Techniques listed: the matrix shows all that occur.
const TECHNIQUES: usize = 300;
/// Older than this no answer is given for want of a newer one.
const MAX_STALE: Duration = Duration::from_secs(60);
/// Bars of the histogram, about.
const BARS: usize = 60;

/// Overviews by scope and range.
pub(crate) struct OverviewCache(Shared<(Option<Vec<String>>, i64), Overview>);

impl Default for OverviewCache {
    fn default() -> Self {
        Self(Shared::new(Duration::from_millis(1500), 4, Duration::from_secs(60)))
    }
}

/// `GET /overview`
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Params(params): Params<OverviewParams>,
) -> Result<Same<Overview>, Problem> {
    let span = since(params.since.as_deref(), "24h")?;
    let key = (scope_key(&caller.scope), span);
    let grace = Duration::from_secs(params.max_stale).min(MAX_STALE);
    let asked = api.clone();
    let compute = async move {
        let (deps, geo, scope) = (asked.deps.clone(), asked.geo.clone(), caller.scope);
        asked.searches.store(move || compute(&deps, &geo, &scope, span, now())).await
    };
    api.overview.0.get_at_once(key, grace, compute).await.map(Same)
}

/// The two stores are asked side by side: each takes about as long as the other. And beside them, both about the weeks before.
fn compute(deps: &ApiDeps, geo: &Geo, scope: &Scope, span: i64, now: i64) -> Result<Overview, StoreError> {
    let live = deps.live.snapshot();
    let range = TimeRange { from: now.saturating_sub(span), to: now };
    let asked = || beside(|| trends(deps, scope, now), || Told::ask(deps, scope, range, now));
    let ((trends, told), seen) = beside(asked, || Seen::ask(deps, geo, scope, range));
    let (told, seen, trends) = (told?, seen?, trends?);
    let per_second = match scope {
        Scope::All => live.per_second,
        // The pipeline's own rate counts every agency.
        Scope::Agencies(_) => {
            let minute = TimeRange { from: now.saturating_sub(60 * time::SECOND), to: now };
            deps.events.count(scope, &Predicate::True, minute)? as f64 / 60.0
        }
    };
    Ok(Overview {
        generated_at: time::to_rfc3339(now),
        from: time::to_rfc3339(range.from),
        to: time::to_rfc3339(range.to),
        events: OverviewEvents { total: seen.total, per_second, previous_total: seen.previous_total },
        alerts: OverviewAlerts { open: told.counts.open, by_level: told.counts.open_by_level, new_last_hour: told.new_last_hour },
        sources: sources(&told.sources, now),
        histogram: seen.histogram,
        top: OverviewTop {
            source_ip: values(&seen.facets, fields::SOURCE_IP),
            user: values(&seen.facets, fields::USER_NAME),
            host: values(&seen.facets, fields::HOST_NAME),
            rule: rules(&told.activity),
        },
        attack: techniques(&told.activity),
        lag: live.lag,
        counters: Counters { incidents: Some(told.open_incidents), vulnerabilities: None, attacks: Some(told.figures.attacks) },
        trends,
        map: seen.map,
        latest_record: told.sources.iter().map(|s| s.last_seen).max().map(time::to_rfc3339),
    })
}

/// What the state store tells: alerts, incidents, sources.
struct Told {
    counts: AlertCounts,
    sources: Vec<SourceInfo>,
    figures: Figures,
    open_incidents: u64,
    activity: Vec<RuleActivity>,
    new_last_hour: u64,
}

impl Told {
    fn ask(deps: &ApiDeps, scope: &Scope, range: TimeRange, now: i64) -> Result<Told, StoreError> {
        let state = &*deps.state;
        Ok(Told {
            counts: state.alert_counts(scope)?,
            sources: state.sources(scope)?,
            figures: deps.cases.figures(scope, range)?,
            open_incidents: deps.cases.open_incidents(scope)?,
            activity: state.rule_activity(scope, range.from)?,
            new_last_hour: state.alerts_raised_since(scope, now.saturating_sub(3600 * time::SECOND))?,
        })
    }
}

/// What is seen in the events.
struct Seen {
    total: u64,
    previous_total: u64,
    histogram: Vec<Bucket>,
    facets: Vec<Facet>,
    map: CountryMap,
}

impl Seen {
    fn ask(deps: &ApiDeps, geo: &Geo, scope: &Scope, range: TimeRange) -> Result<Seen, StoreError> {
        let (events, all) = (&*deps.events, &Predicate::True);
        let before = TimeRange { from: range.from.saturating_sub(range.to - range.from), to: range.from };
        let histogram = events.histogram(scope, all, range, BARS)?;
        Ok(Seen {
            // Counted apart: the outer bars of the histogram reach beyond the range.
            total: events.count(scope, all, range)?,
            previous_total: events.count(scope, all, before)?,
            histogram: histogram.buckets.into_iter().map(|(t, count)| Bucket { t: t / 1_000_000, count }).collect(),
            facets: events.facets(scope, all, range, &[fields::SOURCE_IP, fields::USER_NAME, fields::HOST_NAME], TOP)?,
            map: geo.map(events, scope, range)?,
        })
    }
}

/// The last hour against the same hour of the weeks before.
fn trends(deps: &ApiDeps, scope: &Scope, now: i64) -> Result<Trends, StoreError> {
    const HOUR: i64 = 3600 * time::SECOND;
    let at = |weeks: i64| {
        let to = now.saturating_sub(weeks * 7 * 24 * HOUR);
        TimeRange { from: to.saturating_sub(HOUR), to }
    };
    let look = |range: TimeRange| -> Result<[u64; 3], StoreError> {
        let figures = deps.cases.figures(scope, range)?;
        Ok([deps.events.count(scope, &Predicate::True, range)?, figures.alerts, figures.attacks])
    };
    let current = look(at(0))?;
    let (mut sums, mut weeks) = ([0u64; 3], 0u32);
    for week in 1..=4 {
        let then = look(at(week))?;
        // a week without any event is one in which nothing listened: it says nothing about what is usual
        if then[0] > 0 {
            sums.iter_mut().zip(then).for_each(|(sum, n)| *sum += n);
            weeks += 1;
        }
    }
    let [events, alerts, attacks] = [0, 1, 2].map(|n: usize| {
        let pick = |list: &[u64; 3]| list.get(n).copied().unwrap_or(0) as f64;
        Trend { now: pick(&current), usual: (weeks > 0).then(|| pick(&sums) / f64::from(weeks)), weeks }
    });
    Ok(Trends { events, alerts, attacks })
}

fn sources(sources: &[SourceInfo], now: i64) -> OverviewSources {
    let total = sources.len() as u64;
    let active = sources.iter().filter(|s| active(s, now)).count() as u64;
    let (kept, unparsed) = sources.iter().fold((0u64, 0u64), |(k, u), s| (k + s.counters.kept, u + s.counters.unparsed));
    let unparsed_share = (kept > 0).then(|| unparsed as f64 / kept as f64);
    OverviewSources { total, active, silent: total - active, unparsed_share }
}

fn values(facets: &[Facet], field: FieldId) -> Vec<ValueCount> {
    let facet = facets.iter().find(|f| f.field == field.name());
    facet.map(|f| f.values.iter().map(|v| ValueCount { value: v.value.text(), count: v.count }).collect()).unwrap_or_default()
}

fn rules(activity: &[RuleActivity]) -> Vec<TopRule> {
    let dto = |r: &RuleActivity| TopRule {
        id: r.id.clone(),
        title: r.title.clone(),
        title_vi: r.title_vi.clone(),
        level: r.level.into(),
        count: r.count,
    };
    activity.iter().take(TOP).map(dto).collect()
}

fn techniques(activity: &[RuleActivity]) -> Vec<TechniqueCount> {
    let dto = |(technique, count): (String, u64)| TechniqueCount { technique: technique.to_uppercase(), count };
    RuleActivity::techniques(activity).into_iter().take(TECHNIQUES).map(dto).collect()
}
