//! Histogram and facets over any event store, by way of its aggregation.

use std::collections::BTreeMap;

use fansipan_model::{FieldId, Predicate, Scope, Word, said, time::SECOND};

use crate::{
    error::{Result, StoreError},
    events::{AggregateRequest, EventStore, Facet, FacetValue, GroupBy, Histogram, Measure, MeasureKind, TimeRange},
    table::{Cell, Table},
};

/// Interval lengths people like, in seconds.
const INTERVALS: [i64; 17] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];

/// The shortest liked interval that cuts the range into at most `buckets` pieces; whole days beyond.
pub(crate) fn interval(range: TimeRange, buckets: usize) -> i64 {
    let span = i128::from(range.to) - i128::from(range.from);
    let least = (span / buckets.max(1) as i128).max(1);
    let day = i128::from(86_400 * SECOND);
    let liked = INTERVALS.into_iter().map(|s| s * SECOND).find(|&i| i128::from(i) >= least);
    liked.unwrap_or_else(|| i64::try_from((least + day - 1) / day * day).unwrap_or(i64::MAX))
}

fn count() -> Vec<Measure> {
    vec![Measure { name: "count".into(), kind: MeasureKind::Count }]
}

pub(crate) fn histogram<S: EventStore + ?Sized>(
    store: &S,
    scope: &Scope,
    filter: &Predicate,
    range: TimeRange,
    buckets: usize,
) -> Result<Histogram> {
    const MOST: usize = 10_000;
    if range.from == i64::MIN || range.to == i64::MAX {
        return Err(StoreError::TooMuch {
            what: said!("a histogram needs a start and an end", "biểu đồ theo thời gian cần cả lúc bắt đầu và lúc kết thúc"),
            help: Word::new("give both", "hãy cho cả hai"),
        });
    }
    let interval = interval(range, buckets.clamp(1, MOST));
    let request =
        AggregateRequest { filter: filter.clone(), range, by: vec![GroupBy::Time(interval)], measures: count(), max_groups: 2 * MOST };
    let counted: BTreeMap<i64, u64> = store
        .aggregate(scope, &request)?
        .rows
        .iter()
        .filter_map(|r| match r.as_slice() {
            [Cell::Time(t), Cell::Int(n)] => Some((*t, *n as u64)),
            _ => None,
        })
        .collect();
    let mut out = Vec::new();
    let mut t = range.from.div_euclid(interval).saturating_mul(interval);
    while t < range.to && out.len() < 2 * MOST {
        out.push((t, counted.get(&t).copied().unwrap_or(0)));
        match t.checked_add(interval) {
            Some(next) => t = next,
            None => break,
        }
    }
    Ok(Histogram { interval, buckets: out })
}

pub(crate) fn facets<S: EventStore + ?Sized>(
    store: &S,
    scope: &Scope,
    filter: &Predicate,
    range: TimeRange,
    fields: &[FieldId],
    top: usize,
) -> Result<Vec<Facet>> {
    let request = |field: &FieldId| AggregateRequest {
        filter: filter.clone(),
        range,
        by: vec![GroupBy::Field(*field)],
        measures: count(),
        max_groups: AggregateRequest::MAX_GROUPS,
    };
    let tables = store.aggregate_all(scope, &fields.iter().map(request).collect::<Vec<_>>())?;
    let facet = |(field, table): (&FieldId, Table)| {
        let mut values: Vec<FacetValue> = table
            .rows
            .into_iter()
            .filter_map(|row| match <[Cell; 2]>::try_from(row) {
                Ok([value, Cell::Int(n)]) => Some(FacetValue { value, count: n as u64 }),
                _ => None,
            })
            .collect();
        values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.compare(&b.value)));
        values.truncate(top);
        Facet { field: field.name().to_owned(), values }
    };
    Ok(fields.iter().zip(tables).map(facet).collect())
}
