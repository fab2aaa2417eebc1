//! Searching stored events: pages, tables, histograms, facets, one event.

use std::time::Instant;

use axum::extract::State;
use fansipan_model::{FieldId, Predicate, Scope, Word, said};
use fansipan_storage::{
    Cursor, Explanation, SearchPage, Table, Total,
    query::{self, Answer, Pipe, Query, RunRequest},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    dto::{
        Bucket, CellJson, EventJson, EventPage, EventTable, ExplainParams, ExplanationDto, ExplanationList, FacetDto, FacetList,
        FacetParams, HistogramDto, HistogramParams, QueryCheck, QueryParses, QueryRefused, SearchAnswer, SearchParams, ValidateParams,
        ValueCount,
    },
    extract::{AHEAD, InPath, Json, Params, limit, range},
    guard::Trail,
    identity::Caller,
    problem::{Problem, QueryFault},
    state::{Api, now},
};

/// Events a page.
const PAGE: (usize, usize) = (100, 1000);
/// Fields whose facets are asked at once.
const FIELDS: usize = 20;

/// Reads a query, off the async threads: compiling a regular expression may take a while.
pub(super) async fn parse(api: &Api, q: Option<&str>) -> Result<Query, Problem> {
    let text = q.unwrap_or_default().to_owned();
    api.searches.run(move || query::parse(&text)).await?.map_err(|e| Problem::bad_query(&e))
}

/// The condition that a query puts on events, whatever is computed over them.
pub(super) fn condition(query: Query) -> Predicate {
    let on_events = query.pipes.into_iter().take_while(|p| !matches!(p, Pipe::Stats { .. } | Pipe::Timechart { .. }));
    let more = on_events.filter_map(|p| if let Pipe::Where(more) = p { Some(more) } else { None });
    more.fold(query.filter, |filter, more| Predicate::And(vec![filter, more]))
}

/// `GET /events`
pub(crate) async fn search(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<SearchParams>,
) -> Result<Json<SearchAnswer>, Problem> {
    let asked = now();
    trail.note("", json!({ "q": params.q, "since": params.since, "from": params.from, "to": params.to, "after": params.after }));
    let query = parse(&api, params.q.as_deref()).await?;
    let range = range(params.since.as_deref(), params.from.as_deref(), params.to.as_deref(), asked, AHEAD)?;
    let after = params.after.as_deref().filter(|a| !a.is_empty()).map(str::parse::<Cursor>).transpose();
    let after = after.map_err(Problem::bad_request)?;
    let limit = limit(params.limit, PAGE.0, PAGE.1);
    let total = if params.count == Some(false) { Total::Skip } else { Total::Bounded };
    let request = RunRequest { range, limit, after, total };
    let (started, events) = (Instant::now(), api.deps.events.clone());
    let answer = api.searches.store(move || query::run(&*events, &caller.scope, &query, &request)).await?;
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Json(match answer {
        Answer::Events(page) => SearchAnswer::Events(page_dto(&page, took_ms)),
        Answer::Table(table) => SearchAnswer::Table(table_dto(table, took_ms)),
    }))
}

fn page_dto(page: &SearchPage, took_ms: u64) -> EventPage {
    EventPage {
        items: page.events.iter().filter_map(EventJson::new).collect(),
        next: page.next.map(|c| c.to_string()),
        total: page.total,
        total_exact: page.total_exact,
        took_ms,
    }
}

fn table_dto(table: Table, took_ms: u64) -> EventTable {
    let rows = table.rows.into_iter().map(|row| row.into_iter().map(CellJson).collect()).collect();
    EventTable { columns: table.columns, rows, complete: table.complete, took_ms }
}

/// `GET /events/histogram`
pub(crate) async fn histogram(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<HistogramParams>,
) -> Result<Json<HistogramDto>, Problem> {
    trail.note("", json!({ "q": params.q, "since": params.since, "from": params.from, "to": params.to }));
    let filter = condition(parse(&api, params.q.as_deref()).await?);
    let range = range(params.since.as_deref(), params.from.as_deref(), params.to.as_deref(), now(), 0)?;
    let buckets = limit(params.buckets, 60, 500);
    let events = api.deps.events.clone();
    let histogram = api.searches.store(move || events.histogram(&caller.scope, &filter, range, buckets)).await?;
    let buckets = histogram.buckets.into_iter().map(|(t, count)| Bucket { t: t / 1_000_000, count }).collect();
    Ok(Json(HistogramDto { interval_ms: histogram.interval / 1_000_000, buckets }))
}

/// `GET /events/explain`
pub(crate) async fn explain(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<ExplainParams>,
) -> Result<Json<ExplanationList>, Problem> {
    trail.note("", json!({ "q": params.q, "since": params.since, "from": params.from, "to": params.to }));
    let filter = condition(parse(&api, params.q.as_deref()).await?);
    let range = range(params.since.as_deref(), params.from.as_deref(), params.to.as_deref(), now(), AHEAD)?;
    let events = api.deps.events.clone();
    let sees_all = caller.scope == Scope::All;
    let found = api.searches.store(move || events.explain(&caller.scope, &filter, range)).await?;
    let dto = |e: Explanation| ExplanationDto {
        store: e.store,
        index: e.index,
        why: e.why.en,
        why_vi: e.why.vi,
        lowered: e.lowered,
        exact: e.exact,
        candidates: e.candidates,
        events: sees_all.then_some(e.events),
    };
    Ok(Json(ExplanationList { items: found.into_iter().map(dto).collect() }))
}

/// `GET /events/facets`
pub(crate) async fn facets(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<FacetParams>,
) -> Result<Json<FacetList>, Problem> {
    trail.note("", json!({ "q": params.q, "fields": params.fields, "since": params.since, "from": params.from, "to": params.to }));
    let filter = condition(parse(&api, params.q.as_deref()).await?);
    let range = range(params.since.as_deref(), params.from.as_deref(), params.to.as_deref(), now(), AHEAD)?;
    let names: Vec<String> = params.fields.split(',').map(str::trim).filter(|n| !n.is_empty()).map(ToOwned::to_owned).collect();
    if names.is_empty() || names.len() > FIELDS {
        return Err(Problem::bad_request(said!(
            "fields names 1 to {FIELDS} fields, separated by commas",
            "fields nêu từ 1 đến {FIELDS} trường, cách nhau bằng dấu phẩy"
        )));
    }
    let top = limit(params.top, 10, 100);
    let events = api.deps.events.clone();
    let facets = api.searches.store(move || facets_of(&names, |fields| events.facets(&caller.scope, &filter, range, fields, top)));
    Ok(Json(FacetList { facets: facets.await? }))
}

/// The facets in the order asked; a field that no rule, format or event of ours names has no values.
fn facets_of<E>(names: &[String], ask: impl FnOnce(&[FieldId]) -> Result<Vec<fansipan_storage::Facet>, E>) -> Result<Vec<FacetDto>, E> {
    let known: Vec<FieldId> = names.iter().filter_map(|n| FieldId::lookup(n)).collect();
    let found = ask(&known)?;
    let values = |name: &String| {
        let facet = found.iter().find(|f| f.field == *name);
        facet.map(|f| f.values.iter().map(|v| ValueCount { value: v.value.text(), count: v.count }).collect()).unwrap_or_default()
    };
    Ok(names.iter().map(|n| FacetDto { field: n.clone(), values: values(n) }).collect())
}

/// `GET /events/{id}`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<EventJson>, Problem> {
    trail.note(&id, json!({}));
    let missing = || Problem::not_found(Word::new("this event", "sự kiện này"));
    let id = Uuid::try_parse(&id).map_err(|_| missing())?;
    let events = api.deps.events.clone();
    let event = api.searches.store(move || events.get(&caller.scope, id)).await?.ok_or_else(missing)?;
    trail.of(event.agency());
    EventJson::new(&event).map(Json).ok_or_else(missing)
}

/// `GET /search/validate`
pub(crate) async fn validate(State(api): State<Api>, Params(params): Params<ValidateParams>) -> Result<Json<QueryCheck>, Problem> {
    let parsed = api.searches.run(move || query::parse(&params.q)).await?;
    Ok(Json(match parsed {
        Ok(_) => QueryCheck::Parses(QueryParses { ok: true }),
        Err(error) => QueryCheck::Refused(QueryRefused { ok: false, fault: QueryFault::from(&error) }),
    }))
}
