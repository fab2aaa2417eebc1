//! The query language: a filter, then pipes. See [`Query`].

pub mod charts;

use fansipan_model::{FieldId, Predicate};
use thiserror::Error;

use crate::events::{GroupBy, Measure};

/// A parsed query: `source.ip:10.0.0.0/8 and event.outcome:failure | stats count() by source.ip | sort -count | head 20`.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What events must satisfy.
    pub filter: Predicate,
    /// What happens to them, in order.
    pub pipes: Vec<Pipe>,
}

/// One step after the filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Pipe {
    /// `stats count() as n, avg(source.bytes) by source.ip, user.name`
    Stats {
        /// Columns to compute.
        measures: Vec<Measure>,
        /// Groups.
        by: Vec<FieldId>,
    },
    /// `timechart span=5m count() by event.outcome`
    Timechart {
        /// Interval, nanoseconds; `None`: about 60 intervals in the range asked.
        span: Option<i64>,
        /// Columns to compute.
        measures: Vec<Measure>,
        /// Split by this field.
        by: Option<FieldId>,
    },
    /// `sort -count, source.ip`
    Sort(Vec<SortKey>),
    /// `head 20`
    Head(usize),
    /// `tail 20`
    Tail(usize),
    /// `fields source.ip, user.name`
    Fields(Vec<String>),
    /// `where count > 5`: a filter over events, or over the rows of `stats`.
    Where(Predicate),
}

/// One key of `sort`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// Column or field name.
    pub name: String,
    /// Largest first (`-name`).
    pub descending: bool,
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message} (at character {position}); {help}")]
pub struct QueryError {
    /// Characters before the place, from 0.
    pub position: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Query {
    /// Whether the answer is a table rather than events.
    pub fn is_table(&self) -> bool {
        self.pipes.iter().any(|p| matches!(p, Pipe::Stats { .. } | Pipe::Timechart { .. } | Pipe::Fields(_) | Pipe::Sort(_)))
    }

    /// The group list of `stats` or `timechart`.
    pub fn groups(&self) -> Vec<GroupBy> {
        self.pipes
            .iter()
            .find_map(|p| match p {
                Pipe::Stats { by, .. } => Some(by.iter().map(|f| GroupBy::Field(*f)).collect()),
                _ => None,
            })
            .unwrap_or_default()
    }
}
