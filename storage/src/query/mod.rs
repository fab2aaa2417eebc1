//! The query language: a filter, then pipes.
//!
//! ```text
//! query  = [filter] { "|" pipe }
//! filter = filter "or" filter | filter ["and"] filter | "not" filter | "(" filter ")" | field value | free
//! field  = name | "*" (any field)
//! value  = ":" text with * and ?      ":" "quoted text, no wildcards"      ":*" (there is one)
//!        | ":" 10.0.0.0/8             ":[" 1 "to" 9 "]"   (or "{" … "}", exclusive; "*" for no bound)
//!        | (":" | "") (">" | ">=" | "<" | "<=" | "=") number
//!        | ":~" "regular expression"  ":(" values joined by and, or, not ")"
//! free   = word (a whole word) | wo*d (part of any text) | "a phrase" (part of any text) | 10.0.0.1 | 10.0.0.0/8
//! pipe   = "stats" m {"," m} ["by" f {"," f}]            m = count() | sum|avg|min|max|dc|p50…(f), each ["as" name]
//!        | "timechart" ["span=" 5m] m {"," m} ["by" f]
//!        | "where" filter | "sort" ["-"]c {"," …} | "head" n | "tail" n | "fields" f {"," f}
//! ```
//!
//! Case does not matter anywhere. `\` takes the meaning from `* ? \ " ( ) [ ] { } | : < > = ~ ,` and blanks; before anything else
//! it is itself, so that Windows paths need no doubling. The time range is apart from the query.

pub(crate) mod charts;
mod fault;
mod filter;
mod names;
mod pipes;
mod print;
mod run;
mod text;
mod value;

use fansipan_model::{FieldId, Predicate, Said, said, text::LONGEST_QUERY};
use thiserror::Error;

pub use self::{
    fault::{Fault, Piece},
    print::print,
    run::{Answer, RunRequest, run},
};
use crate::events::Measure;

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
    /// Column or field.
    pub name: String,
    /// Largest first (`-name`).
    pub descending: bool,
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} {}", fault.code(), self.said())]
pub struct QueryError {
    /// Characters before the place, from 0.
    pub position: usize,
    /// What is wrong.
    pub fault: Fault,
}

impl QueryError {
    /// What is wrong, where, and what to write instead.
    pub fn said(&self) -> Said {
        let (at, fault) = (self.position + 1, self.fault.said());
        said!("at character {at}: {fault}", "ở ký tự {at}: {fault:#}")
    }
}

/// Reads a query. An empty one is `*`.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    if text.len() > LONGEST_QUERY {
        return Err(QueryError { position: 0, fault: Fault::TooLong { bytes: text.len(), most: LONGEST_QUERY } });
    }
    let mut input = text::Input::new(text);
    let filter = match input.peek() {
        None | Some('|') => Predicate::True,
        Some(_) => filter::read(&mut input)?,
    };
    let pipes = pipes::read(&mut input)?;
    Ok(Query { filter, pipes })
}

/// Reads a filter alone.
pub fn parse_filter(text: &str) -> Result<Predicate, QueryError> {
    let query = parse(text)?;
    match query.pipes.is_empty() {
        true => Ok(query.filter),
        false => {
            let position = text.chars().take_while(|c| *c != '|').count();
            Err(QueryError { position, fault: Fault::OnlyFilter })
        }
    }
}

impl Query {
    /// Whether the answer is a table rather than events.
    pub fn is_table(&self) -> bool {
        self.pipes.iter().any(|p| matches!(p, Pipe::Stats { .. } | Pipe::Timechart { .. } | Pipe::Fields(_) | Pipe::Sort(_)))
    }
}
