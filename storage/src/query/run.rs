//! A query asked of an event store.

use std::{cmp::Ordering, ops::ControlFlow};

use fansipan_model::{Event, Predicate, Scope, Value};

use super::{Fault, Pipe, Query, SortKey, charts};
use crate::{
    error::{Result, StoreError},
    events::{AggregateRequest, Cursor, EventStore, GroupBy, Measure, SearchPage, SearchRequest, TimeRange, Total},
    table::{Cell, Table},
};

/// What to ask besides the query.
#[derive(Clone, Copy, Debug)]
pub struct RunRequest {
    /// When events happened.
    pub range: TimeRange,
    /// Events on a page; rows of a table of events without `head`.
    pub limit: usize,
    /// Where the previous page ended.
    pub after: Option<Cursor>,
    /// How to count.
    pub total: Total,
}

/// What a query answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Events, newest first.
    Events(SearchPage),
    /// Rows.
    Table(Table),
}

/// Intervals of a `timechart` without a span.
const INTERVALS: usize = 60;

/// Asks.
pub fn run<S: EventStore + ?Sized>(store: &S, scope: &Scope, query: &Query, request: &RunRequest) -> Result<Answer> {
    let computed = query.pipes.iter().position(|p| matches!(p, Pipe::Stats { .. } | Pipe::Timechart { .. }));
    let (before, after) = query.pipes.split_at(computed.unwrap_or(query.pipes.len()));
    let mut filter = query.filter.clone();
    for pipe in before {
        if let Pipe::Where(more) = pipe {
            filter = Predicate::And(vec![filter, more.clone()]);
        }
    }
    let Some((compute, after)) = after.split_first() else { return events(store, scope, filter, &query.pipes, request) };
    let (by, measures) = match compute {
        Pipe::Stats { measures, by } => (by.iter().map(|f| GroupBy::Field(*f)).collect(), measures),
        Pipe::Timechart { span, measures, by } => {
            let step = span.unwrap_or_else(|| charts::interval(bounded(store, scope, &filter, request.range), INTERVALS));
            let split = by.iter().map(|f| GroupBy::Field(*f));
            ([GroupBy::Time(step)].into_iter().chain(split).collect::<Vec<_>>(), measures)
        }
        _ => (Vec::new(), const { &Vec::<Measure>::new() }),
    };
    let request =
        AggregateRequest { filter, range: request.range, by, measures: measures.clone(), max_groups: AggregateRequest::MAX_GROUPS };
    let mut table = store.aggregate(scope, &request)?;
    for pipe in after {
        shape(&mut table, pipe)?;
    }
    Ok(Answer::Table(table))
}

/// The range, or where it is open the span of what the store holds.
fn bounded<S: EventStore + ?Sized>(store: &S, scope: &Scope, filter: &Predicate, range: TimeRange) -> TimeRange {
    if range.from != i64::MIN && range.to != i64::MAX {
        return range;
    }
    let newest = SearchRequest { filter: filter.clone(), range, limit: 1, after: None, total: Total::Skip };
    let latest = store.search(scope, &newest).ok().and_then(|p| p.events.first().map(Event::timestamp)).unwrap_or(0);
    let spans = store.status().map(|s| s.indexes).unwrap_or_default();
    let earliest = spans.iter().filter_map(|i| i.span).map(|s| s.0).min().unwrap_or(latest);
    TimeRange { from: range.from.max(earliest), to: range.to.min(latest.saturating_add(1)) }
}

/// A query that computes nothing: events, or a table of them.
fn events<S: EventStore + ?Sized>(store: &S, scope: &Scope, filter: Predicate, pipes: &[Pipe], request: &RunRequest) -> Result<Answer> {
    let head = pipes.iter().find_map(|p| if let Pipe::Head(n) | Pipe::Tail(n) = p { Some(*n) } else { None });
    let limit = head.unwrap_or(request.limit).clamp(1, SearchRequest::MAX_LIMIT);
    let shaped = pipes.iter().any(|p| matches!(p, Pipe::Sort(_) | Pipe::Fields(_) | Pipe::Tail(_)));
    if !shaped {
        let search = SearchRequest { filter, range: request.range, limit, after: request.after, total: request.total };
        let mut page = store.search(scope, &search)?;
        if head.is_some() {
            page.next = None;
        }
        return Ok(Answer::Events(page));
    }
    // the first step that chooses decides which events are read: the newest, the oldest, or the first in some order
    let (mut list, complete) = match pipes.iter().find(|p| !matches!(p, Pipe::Where(_) | Pipe::Fields(_))) {
        Some(Pipe::Sort(keys)) => first_in_order(store, scope, &filter, request.range, keys, limit)?,
        Some(Pipe::Tail(_)) => {
            let (mut list, complete) = select(store, scope, &filter, request.range, limit, &|a, b| order(a).cmp(&order(b)))?;
            list.reverse();
            (list, complete)
        }
        _ => {
            let search = SearchRequest { filter, range: request.range, limit, after: request.after, total: Total::Skip };
            let page = store.search(scope, &search)?;
            (page.events, page.next.is_none() || head.is_some())
        }
    };
    let columns = pipes.iter().find_map(|p| if let Pipe::Fields(names) = p { Some(names.clone()) } else { None });
    let mut seen_order = false;
    for pipe in pipes {
        match pipe {
            Pipe::Sort(keys) if seen_order => list.sort_by(|a, b| by_keys(keys, |name| cell(a, name), |name| cell(b, name))),
            Pipe::Sort(_) => seen_order = true,
            Pipe::Head(n) => list.truncate(*n),
            Pipe::Tail(n) => {
                let extra = list.len().saturating_sub(*n);
                list.drain(..extra);
            }
            _ => {}
        }
    }
    let Some(columns) = columns else {
        let total = list.len() as u64;
        return Ok(Answer::Events(SearchPage { events: list, next: None, total, total_exact: complete }));
    };
    let rows = list.iter().map(|e| columns.iter().map(|name| cell(e, name)).collect()).collect();
    Ok(Answer::Table(Table { columns, rows, complete }))
}

fn order(event: &Event) -> (i64, uuid::Uuid) {
    (event.timestamp(), event.id())
}

fn first_in_order<S: EventStore + ?Sized>(
    store: &S,
    scope: &Scope,
    filter: &Predicate,
    range: TimeRange,
    keys: &[SortKey],
    limit: usize,
) -> Result<(Vec<Event>, bool)> {
    let compare = |a: &Event, b: &Event| by_keys(keys, |name| cell(a, name), |name| cell(b, name)).then_with(|| order(b).cmp(&order(a)));
    select(store, scope, filter, range, limit, &compare)
}

/// The first `limit` matching events in some order, and whether these are all.
fn select<S: EventStore + ?Sized>(
    store: &S,
    scope: &Scope,
    filter: &Predicate,
    range: TimeRange,
    limit: usize,
    compare: &dyn Fn(&Event, &Event) -> Ordering,
) -> Result<(Vec<Event>, bool)> {
    let mut kept: Vec<Event> = Vec::new();
    let progress = store.scan(scope, filter, range, &mut |event| {
        kept.push(event.clone());
        if kept.len() >= 2 * limit + 1024 {
            kept.sort_by(compare);
            kept.truncate(limit);
        }
        ControlFlow::Continue(())
    })?;
    kept.sort_by(compare);
    kept.truncate(limit);
    Ok((kept, progress.matched <= limit as u64))
}

/// The value of a field as a cell; several joined by commas.
fn cell(event: &Event, name: &str) -> Cell {
    let field = fansipan_model::FieldId::lookup(name);
    let mut values: Vec<Cell> = match field {
        Some(field) => event.values(field).map(of_value).collect(),
        None => event.iter_named().filter(|(n, _)| *n == name).map(|(_, v)| of_value(v)).collect(),
    };
    match values.len() {
        0 => Cell::Null,
        1 => values.remove(0),
        _ => Cell::Text(values.iter().map(Cell::text).collect::<Vec<_>>().join(", ")),
    }
}

fn of_value(value: Value<'_>) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(v) => Cell::Bool(v),
        Value::Int(v) => Cell::Int(v),
        Value::Float(v) => Cell::Float(v),
        Value::Time(v) => Cell::Time(v),
        Value::Ip(_) | Value::Uuid(_) | Value::Str(_) => Cell::Text(value.text().unwrap_or_default().into_owned()),
    }
}

fn by_keys(keys: &[SortKey], a: impl Fn(&str) -> Cell, b: impl Fn(&str) -> Cell) -> Ordering {
    for key in keys {
        let order = a(&key.name).compare(&b(&key.name));
        let order = if key.descending { order.reverse() } else { order };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// One step after `stats` or `timechart`.
fn shape(table: &mut Table, pipe: &Pipe) -> Result<()> {
    match pipe {
        Pipe::Sort(keys) => {
            let places: Vec<(usize, bool)> = keys.iter().map(|k| Ok((place(table, &k.name)?, k.descending))).collect::<Result<_>>()?;
            table.rows.sort_by(|a, b| {
                let orders = places.iter().filter_map(|(i, descending)| {
                    let order = a.get(*i)?.compare(b.get(*i)?);
                    Some(if *descending { order.reverse() } else { order })
                });
                orders.into_iter().find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
            });
        }
        Pipe::Head(n) => table.rows.truncate(*n),
        Pipe::Tail(n) => {
            let extra = table.rows.len().saturating_sub(*n);
            table.rows.drain(..extra);
        }
        Pipe::Fields(names) => {
            let places: Vec<usize> = names.iter().map(|n| place(table, n)).collect::<Result<_>>()?;
            for row in &mut table.rows {
                *row = places.iter().filter_map(|i| row.get(*i).cloned()).collect();
            }
            table.columns.clone_from(names);
        }
        Pipe::Where(filter) => {
            let columns = std::mem::take(&mut table.columns);
            table.rows.retain(|row| filter.matches(&as_event(&columns, row)));
            table.columns = columns;
        }
        Pipe::Stats { .. } | Pipe::Timechart { .. } => {}
    }
    Ok(())
}

fn place(table: &Table, name: &str) -> Result<usize> {
    table.column(name).ok_or_else(|| {
        let (name, columns) = (name.to_owned(), table.columns.join(", "));
        StoreError::Query(Fault::UnknownColumn { name, columns })
    })
}

/// A row as an event, so that the filter means the same as over events.
fn as_event(columns: &[String], row: &[Cell]) -> Event {
    let mut event = Event::default();
    for (name, cell) in columns.iter().zip(row) {
        event.push_named(
            name,
            match cell {
                Cell::Null => continue,
                Cell::Bool(v) => Value::Bool(*v),
                Cell::Int(v) => Value::Int(*v),
                Cell::Float(v) => Value::Float(*v),
                Cell::Time(v) => Value::Time(*v),
                Cell::Text(v) => Value::Str(v),
            },
        );
    }
    event
}
