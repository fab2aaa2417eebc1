//! What every event store must do, written against the traits alone. A back end runs it by giving a [`Bench`].

pub(crate) mod agree;
pub(crate) mod pages;
pub(crate) mod queue;
pub(crate) mod state;
pub(crate) mod writing;

use std::sync::Arc;

use fansipan_model::{Event, FieldId, Scope, Value, fields};
use fansipan_storage::{EventStore, EventWriter, SearchRequest, TimeRange, Total};
use uuid::Uuid;

/// A store that can be opened again and again at the same place.
pub(crate) trait Bench {
    /// Opens reading and writing side; what was opened before has been dropped.
    fn open(&self) -> (Arc<dyn EventStore>, Box<dyn EventWriter>);
}

/// 2026-11-23T10:00:00Z
pub(crate) const NOON: i64 = 1_795_428_000 * SECOND;
pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// An event with a UUIDv7-like id that grows with `n`.
pub(crate) fn event(n: u64, timestamp: i64) -> Event {
    let mut e = Event::default();
    e.set_id(id(n));
    e.set_timestamp(timestamp);
    e.set_ingested(NOON);
    e.push(fields::MESSAGE, Value::Str(&format!("event number {n}")));
    e
}

/// The id of [`event`] `n`.
pub(crate) fn id(n: u64) -> Uuid {
    Uuid::from_u64_pair((1_795_428_000_000 + n / 1000) << 16 | 0x7000 | (n % 1000), 0x8000_0000_0000_0000 | n)
}

pub(crate) fn field(name: &str) -> FieldId {
    FieldId::intern(name).unwrap()
}

pub(crate) fn search(filter: fansipan_model::Predicate, limit: usize) -> SearchRequest {
    SearchRequest { filter, range: TimeRange::ALL, limit, after: None, total: Total::Exact }
}

pub(crate) fn everything() -> Scope {
    Scope::All
}
