//! Everything about one host, address, account, hash or domain, with bounded work: figures from the index's columns, and where
//! there are very many events, its peers from the latest of them alone.

use std::{collections::BTreeMap, time::Instant};

use axum::extract::State;
use fansipan_model::{Alert, EntityKind, FieldId, Predicate, Scope, fields, said, time};
use fansipan_storage::{CaseStore, EventStore, Facet, Histogram, SearchRequest, StateStore, StoreError, TimeRange, Total};
use serde_json::json;

use super::cases::{fields_of, naming};
use crate::{
    blocking::beside,
    dto::{AlertDto, Bucket, EntityPage, EntityParams, EventJson, FacetDto, IncidentDto, TopRule, ValueCount},
    extract::{AHEAD, Json, Params, since},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

/// Bars, about.
const BARS: usize = 60;
/// Events over which peers are counted, about.
const PEERED: u64 = 200_000;
/// Alerts looked at, and told.
const ALERTS: (usize, usize) = (500, 100);
/// Incidents told.
const INCIDENTS: usize = 20;
/// Events told.
const RECENT: usize = 50;
/// Values beside it.
const PEERS: usize = 10;

/// What a value is, by its looks.
fn guess(value: &str) -> &'static str {
    let hexadecimal = value.bytes().all(|b| b.is_ascii_hexdigit());
    match value {
        _ if value.parse::<std::net::IpAddr>().is_ok() => "address",
        _ if hexadecimal && [32, 40, 64].contains(&value.len()) => "hash",
        _ if value.contains(['/', '\\']) => "file",
        _ if value.contains('.') && !value.contains(' ') => "domain",
        _ => "user",
    }
}

fn kind_of(word: &str) -> Option<EntityKind> {
    serde_json::from_value(word.into()).ok()
}

/// `GET /entity`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<EntityParams>,
) -> Result<Json<EntityPage>, Problem> {
    trail.note(&params.value, json!({ "kind": params.kind, "since": params.since }));
    let started = Instant::now();
    if params.value.is_empty() || params.value.len() > 2000 {
        return Err(Problem::bad_request(said!("value has 1 to 2000 bytes", "value dài từ 1 đến 2000 byte")));
    }
    let word = params.kind.filter(|k| !k.is_empty()).unwrap_or_else(|| guess(&params.value).to_owned());
    let (Some(of), Some(kind)) = (fields_of(&word), kind_of(&word)) else {
        return Err(Problem::bad_request(said!(
            "kind is host, address, user, hash, domain, process or file",
            "kind là host, address, user, hash, domain, process hoặc file"
        )));
    };
    let span = since(params.since.as_deref(), "7d")?;
    let now = now();
    let range = TimeRange { from: now.saturating_sub(span), to: now.saturating_add(AHEAD) };
    let (events, state, cases, scope, value) =
        (api.deps.events.clone(), api.deps.state.clone(), api.deps.cases.clone(), caller.scope.clone(), params.value);
    let work = move || {
        let filter = naming(of, &value);
        let (about, seen) =
            beside(|| judged(&*state, &*cases, &scope, &value, range.from), || activity(&*events, &scope, &filter, range, of));
        let (seen, about) = (seen?, about?);
        Ok(EntityPage {
            kind: kind.into(),
            from: time::to_rfc3339(range.from),
            to: time::to_rfc3339(range.to),
            events: seen.histogram.buckets.iter().map(|(_, n)| n).sum(),
            first_seen: seen.first.map(time::to_rfc3339),
            last_seen: seen.recent.first().map(|e| time::to_rfc3339(e.timestamp())),
            interval_ms: seen.histogram.interval / 1_000_000,
            histogram: seen.histogram.buckets.iter().map(|(t, count)| Bucket { t: t / 1_000_000, count: *count }).collect(),
            peers: seen.peers.iter().map(|f| facet(f, &value)).collect(),
            peers_from: time::to_rfc3339(seen.peers_from),
            rules: rules(&about.alerts),
            alerts: about.alerts.iter().take(ALERTS.1).map(AlertDto::from).collect(),
            more_alerts: about.more,
            incidents: about.incidents,
            recent: seen.recent.iter().filter_map(EventJson::new).collect(),
            took_ms: 0,
            value,
        })
    };
    let page = api.searches.store(work).await?;
    Ok(Json(EntityPage { took_ms: started.elapsed().as_millis() as u64, ..page }))
}

/// What events tell.
struct Activity {
    histogram: Histogram,
    first: Option<i64>,
    peers: Vec<Facet>,
    peers_from: i64,
    recent: Vec<fansipan_model::Event>,
}

fn activity(events: &dyn EventStore, scope: &Scope, filter: &Predicate, range: TimeRange, of: &[FieldId]) -> Result<Activity, StoreError> {
    let histogram = events.histogram(scope, filter, range, BARS)?;
    let mut first = histogram.buckets.iter().find(|(_, n)| *n > 0).map(|(t, _)| *t);
    // two closer looks at the first bar
    let mut width = histogram.interval;
    for _ in 0..2 {
        let Some(start) = first.filter(|_| width > time::SECOND) else { break };
        let closer = TimeRange { from: start.max(range.from), to: start.saturating_add(width) };
        let look = events.histogram(scope, filter, closer, BARS)?;
        first = look.buckets.iter().find(|(_, n)| *n > 0).map(|(t, _)| *t).or(first);
        width = look.interval;
    }
    let mut counted = 0;
    let busy = histogram.buckets.iter().rev().find(|(_, n)| {
        counted += n;
        counted > PEERED
    });
    let peers_from = busy.map_or(range.from, |(t, _)| (*t).max(range.from));
    let others = [
        fields::SOURCE_IP,
        fields::DESTINATION_IP,
        fields::USER_NAME,
        fields::HOST_NAME,
        fields::DNS_QUESTION_NAME,
        fields::EVENT_ACTION,
        fields::EVENT_DATASET,
    ];
    let wanted: Vec<FieldId> = others.into_iter().filter(|f| of.len() > 1 || !of.contains(f)).collect();
    let peers = events.facets(scope, filter, TimeRange { from: peers_from, to: range.to }, &wanted, PEERS)?;
    let request = SearchRequest { filter: filter.clone(), range, limit: RECENT, after: None, total: Total::Skip };
    let recent = events.search(scope, &request)?.events;
    Ok(Activity { histogram, first, peers, peers_from, recent })
}

fn facet(facet: &Facet, own: &str) -> FacetDto {
    let values = facet.values.iter().map(|v| ValueCount { value: v.value.text(), count: v.count }).filter(|v| v.value != own);
    FacetDto { field: facet.field.clone(), values: values.collect() }
}

/// What alerts tell.
struct About {
    alerts: Vec<Alert>,
    more: bool,
    incidents: Vec<IncidentDto>,
}

fn judged(state: &dyn StateStore, cases: &dyn CaseStore, scope: &Scope, value: &str, since: i64) -> Result<About, StoreError> {
    let (alerts, more) = cases.alerts_of_entity(scope, value, since, ALERTS.0)?;
    let ids: Vec<_> = alerts.iter().map(|a| a.id).collect();
    let mut seen = Vec::new();
    for id in state.incident_links(&ids)?.into_iter().flatten() {
        if !seen.contains(&id) && seen.len() < INCIDENTS {
            seen.push(id);
        }
    }
    let mut incidents = Vec::new();
    for id in seen {
        incidents.extend(state.incident(scope, id)?.map(|(incident, _)| IncidentDto::from(&incident)));
    }
    Ok(About { alerts, more, incidents })
}

/// Rules by their alerts.
fn rules(alerts: &[Alert]) -> Vec<TopRule> {
    let mut by_rule: BTreeMap<&str, (u64, &Alert)> = BTreeMap::new();
    for alert in alerts {
        by_rule.entry(&alert.rule.id).or_insert((0, alert)).0 += 1;
    }
    let mut list: Vec<_> = by_rule.into_values().collect();
    list.sort_by_key(|(count, alert)| (std::cmp::Reverse(*count), alert.rule.id.clone()));
    let dto = |(count, alert): (u64, &Alert)| TopRule {
        id: alert.rule.id.clone(),
        title: alert.rule.title.clone(),
        title_vi: alert.rule.title_vi.clone(),
        level: alert.rule.level.into(),
        count,
    };
    list.into_iter().take(PEERS).map(dto).collect()
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn kinds_are_guessed_by_looks() {
        for (value, kind) in [
            ("10.0.0.1", "address"),
            ("2001:db8::1", "address"),
            ("d41d8cd98f00b204e9800998ecf8427e", "hash"),
            ("laichau.gov.vn", "domain"),
            ("C:\\Windows\\a.exe", "file"),
            ("root", "user"),
        ] {
            assert_eq!(guess(value), kind, "{value}");
        }
    }
}
