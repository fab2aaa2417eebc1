//! The event store as its callers see it: write side, read side, retention. No engine is named here.

use std::{ops::ControlFlow, time::Duration};

use fansipan_model::{Event, FieldId, Predicate, Said, Scope, Word};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    error::Result,
    table::{Cell, Table},
};

/// Instants of `@timestamp` that count, UTC nanoseconds: `from ≤ t < to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// First instant inside.
    pub from: i64,
    /// First instant after; [`i64::MAX`] leaves none out.
    pub to: i64,
}

impl TimeRange {
    /// Every instant.
    pub const ALL: TimeRange = TimeRange { from: i64::MIN, to: i64::MAX };

    /// From an instant on.
    pub fn since(from: i64) -> TimeRange {
        TimeRange { from, to: i64::MAX }
    }

    /// Whether an instant lies inside.
    pub fn contains(&self, t: i64) -> bool {
        self.from <= t && (t < self.to || self.to == i64::MAX)
    }
}

/// A place in the order newest first: after the event with this `@timestamp` and `event.id`. Text form: opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// `@timestamp`, UTC nanoseconds.
    pub timestamp: i64,
    /// `event.id`.
    pub id: Uuid,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}{}", self.timestamp as u64, self.id.simple())
    }
}

impl std::str::FromStr for Cursor {
    type Err = Word;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: Word =
            Word::new("not a cursor: pass back `next` as it was given", "`after` không đúng: hãy gửi lại `next` đúng như đã nhận");
        let (time, id) = text.split_at_checked(16).ok_or(WRONG)?;
        let timestamp = u64::from_str_radix(time, 16).map_err(|_| WRONG)? as i64;
        Ok(Cursor { timestamp, id: Uuid::try_parse(id).map_err(|_| WRONG)? })
    }
}

/// How much counting a search may do beside finding its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Total {
    /// None: `total` is what was seen on the way.
    Skip,
    /// Exact where the index can tell; where events must be read to know, at most this many are read.
    #[default]
    Bounded,
    /// Exact, whatever it costs.
    Exact,
}

impl Total {
    /// Events read at most for [`Total::Bounded`].
    pub const BOUND: usize = 100_000;
}

/// One page of events, newest first.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// What they must satisfy.
    pub filter: Predicate,
    /// When they happened.
    pub range: TimeRange,
    /// Page size, at most [`SearchRequest::MAX_LIMIT`].
    pub limit: usize,
    /// Where the previous page ended.
    pub after: Option<Cursor>,
    /// How to count.
    pub total: Total,
}

impl SearchRequest {
    /// Largest page; exports use [`EventStore::scan`].
    pub const MAX_LIMIT: usize = 10_000;
}

/// A page of events.
#[derive(Clone, Debug, Default)]
pub struct SearchPage {
    /// Newest first by (`@timestamp`, `event.id`).
    pub events: Vec<Event>,
    /// Pass as `after` for the next page; `None`: this was the last.
    pub next: Option<Cursor>,
    /// Matching events, this page and the ones before and after it.
    pub total: u64,
    /// Whether `total` is exact; otherwise there are at least that many.
    pub total_exact: bool,
}

/// What rows are grouped by.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupBy {
    /// Values of a field; an event with several distinct values counts in each group, one without a value in none.
    Field(FieldId),
    /// Start of the `@timestamp` interval of this length (nanoseconds, > 0), counted from 1970-01-01T00:00:00Z.
    Time(i64),
}

/// What is computed over the events of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum MeasureKind {
    /// Events.
    Count,
    /// Sum of the numbers in a field.
    Sum(FieldId),
    /// Mean of the numbers in a field.
    Avg(FieldId),
    /// Least number in a field.
    Min(FieldId),
    /// Greatest number in a field.
    Max(FieldId),
    /// Distinct values of a field, exact.
    Distinct(FieldId),
    /// Percentile 0–100 of the numbers in a field (nearest rank; within 1 % beyond 65,536 numbers a group).
    Percentile(FieldId, f64),
}

/// One computed column.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Column name.
    pub name: String,
    /// What it is.
    pub kind: MeasureKind,
}

/// Figures over matching events. Columns: the groups (a time group is named `_time`), then the measures.
/// Rows: sorted by the group cells; without groups exactly one row.
#[derive(Clone, Debug)]
pub struct AggregateRequest {
    /// What events must satisfy.
    pub filter: Predicate,
    /// When they happened.
    pub range: TimeRange,
    /// Groups, outermost first.
    pub by: Vec<GroupBy>,
    /// Columns to compute.
    pub measures: Vec<Measure>,
    /// Groups kept at most; later ones are left out and [`Table::complete`] is false.
    pub max_groups: usize,
}

impl AggregateRequest {
    /// Groups a request may keep at most.
    pub const MAX_GROUPS: usize = 200_000;
}

/// Events over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Length of a bucket, nanoseconds.
    pub interval: i64,
    /// Start (UTC nanoseconds) and events of every bucket in the range, empty ones too.
    pub buckets: Vec<(i64, u64)>,
}

/// One value of a facet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FacetValue {
    /// The value.
    pub value: Cell,
    /// Events that have it.
    pub count: u64,
}

/// The commonest values of a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facet {
    /// Dotted name.
    pub field: String,
    /// Commonest first; equal counts by value.
    pub values: Vec<FacetValue>,
}

/// How a long read goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events looked at.
    pub examined: u64,
    /// Events handed over.
    pub matched: u64,
}

/// How one store, or one of its indexes, would answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Which engine: `tantivy`, `clickhouse`.
    pub store: &'static str,
    /// Which of its indexes; empty: all.
    pub index: String,
    /// Why it is asked.
    pub why: Said,
    /// What the filter became.
    pub lowered: String,
    /// Whether that decides every event; otherwise candidates are read and decided one by one.
    pub exact: bool,
    /// Events that pass what the filter became.
    pub candidates: u64,
    /// Events in this index.
    pub events: u64,
}

/// Read side. Every call sees what was committed before it began. Results are those of [`Predicate::matches`].
pub trait EventStore: Send + Sync {
    /// One page, newest first.
    fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchPage>;

    /// Figures over matching events.
    fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<Table>;

    /// Several at once, in their order: a store may look only once for events that all of them are about.
    fn aggregate_all(&self, scope: &Scope, requests: &[AggregateRequest]) -> Result<Vec<Table>> {
        requests.iter().map(|request| self.aggregate(scope, request)).collect()
    }

    /// One event.
    fn get(&self, scope: &Scope, id: Uuid) -> Result<Option<Event>>;

    /// Hands every matching event to `each`, in no promised order, until it breaks. For exports and retro-hunts.
    fn scan(
        &self,
        scope: &Scope,
        filter: &Predicate,
        range: TimeRange,
        each: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Progress>;

    /// Sizes, per index.
    fn status(&self) -> Result<StoreStatus>;

    /// Drops what has outlived the policy at `now` (UTC nanoseconds), oldest first; returns what was dropped.
    fn expire(&self, policy: &RetentionPolicy, now: i64) -> Result<Vec<IndexInfo>>;

    /// Reads every file against its checksum; returns one line per damaged file. Slow.
    fn verify(&self) -> Result<Vec<String>>;

    /// How a search for the filter is answered: which indexes are looked at, and what the filter becomes there.
    fn explain(&self, scope: &Scope, filter: &Predicate, range: TimeRange) -> Result<Vec<Explanation>>;

    /// How many events match.
    fn count(&self, scope: &Scope, filter: &Predicate, range: TimeRange) -> Result<u64> {
        let measures = vec![Measure { name: "count".into(), kind: MeasureKind::Count }];
        let table = self.aggregate(scope, &AggregateRequest { filter: filter.clone(), range, by: vec![], measures, max_groups: 1 })?;
        match table.rows.first().and_then(|r| r.first()) {
            Some(Cell::Int(n)) => Ok(*n as u64),
            _ => Ok(0),
        }
    }

    /// Events over time in about `buckets` intervals of a length people like (1 s … 1 d). The range must be bounded.
    fn histogram(&self, scope: &Scope, filter: &Predicate, range: TimeRange, buckets: usize) -> Result<Histogram> {
        crate::query::charts::histogram(self, scope, filter, range, buckets)
    }

    /// The `top` commonest values of each field.
    fn facets(&self, scope: &Scope, filter: &Predicate, range: TimeRange, fields: &[FieldId], top: usize) -> Result<Vec<Facet>> {
        crate::query::charts::facets(self, scope, filter, range, fields, top)
    }
}

/// Write side: one owner, in log order.
///
/// An error loses nothing: what was added is still held, and the same call may be made again once its cause is gone.
pub trait EventWriter: Send {
    /// Takes the event at a position of the log. Positions grow; one already stored (replay after a crash) is skipped.
    fn add(&mut self, offset: u64, event: &Event) -> Result<()>;

    /// Makes everything added durable and visible. After it returns, the log up to the last `add` may be forgotten.
    fn commit(&mut self) -> Result<()>;

    /// First position of the log that is not known to be stored: where to read from after a restart.
    fn resume_from(&self) -> u64;

    /// Events added since the last commit.
    fn pending(&self) -> u64;
}

/// One index of the store: the events of one UTC day of arrival and one retention class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndexInfo {
    /// `2026-11-23.default`
    pub name: String,
    /// Day of `event.ingested`: days since 1970-01-01.
    pub day: i32,
    /// `fansipan.class`.
    pub class: String,
    /// Events inside.
    pub events: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Earliest and latest `@timestamp` inside, UTC nanoseconds; `None` when empty.
    pub span: Option<(i64, i64)>,
    /// Segments it consists of.
    pub segments: usize,
}

/// An index that could not be opened and was set aside; the others go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// Folder it was moved to.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Sizes of the event store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreStatus {
    /// Events stored.
    pub events: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Indexes, oldest day first.
    pub indexes: Vec<IndexInfo>,
    /// Indexes set aside.
    pub quarantined: Vec<Quarantined>,
}

/// Days that must not be dropped, whatever their age and the size of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Class held; `None`: all.
    pub class: Option<String>,
    /// First instant held, UTC nanoseconds: an index whose day or event span touches the range is held.
    pub from: i64,
    /// Last instant held, UTC nanoseconds.
    pub to: i64,
}

/// How long events are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Age after which a class is dropped.
    pub max_age: Vec<(String, Duration)>,
    /// Age of classes not listed; `None`: kept until space runs out.
    pub default_age: Option<Duration>,
    /// Bytes the store may take; beyond, the oldest day is dropped. `None`: no limit.
    pub max_bytes: Option<u64>,
    /// Legal holds: beat age and size.
    pub holds: Vec<Hold>,
}
