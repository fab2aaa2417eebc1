//! Rows of values: what `stats`, `timechart` and `fields` answer.

use serde::{Serialize, Serializer};

/// One value of a table. Ordered for `sort`: nothing, then numbers by size, times, text.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// true or false.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Finite double.
    Float(f64),
    /// UTC nanoseconds; JSON: RFC 3339.
    Time(i64),
    /// Text; addresses and UUIDs too.
    Text(String),
}

impl Cell {
    /// The value as people read it; empty for nothing.
    pub fn text(&self) -> String {
        match self {
            Cell::Null => String::new(),
            Cell::Bool(v) => v.to_string(),
            Cell::Int(v) => v.to_string(),
            Cell::Float(v) => v.to_string(),
            Cell::Time(v) => fansipan_model::time::to_rfc3339(*v),
            Cell::Text(v) => v.clone(),
        }
    }

    /// Total order: nothing first, then booleans, numbers by size, times, text.
    pub fn compare(&self, other: &Cell) -> std::cmp::Ordering {
        let rank = |c: &Cell| match c {
            Cell::Null => 0,
            Cell::Bool(_) => 1,
            Cell::Int(_) | Cell::Float(_) => 2,
            Cell::Time(_) => 3,
            Cell::Text(_) => 4,
        };
        match (self, other) {
            (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
            (Cell::Int(a), Cell::Int(b)) => a.cmp(b),
            (Cell::Time(a), Cell::Time(b)) => a.cmp(b),
            (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
            (Cell::Int(_) | Cell::Float(_), Cell::Int(_) | Cell::Float(_)) => self.number().total_cmp(&other.number()),
            _ => rank(self).cmp(&rank(other)),
        }
    }

    fn number(&self) -> f64 {
        match self {
            Cell::Int(v) => *v as f64,
            Cell::Float(v) => *v,
            _ => 0.0,
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Null => s.serialize_none(),
            Cell::Bool(v) => s.serialize_bool(*v),
            Cell::Int(v) => s.serialize_i64(*v),
            Cell::Float(v) => s.serialize_f64(*v),
            Cell::Time(v) => s.serialize_str(&fansipan_model::time::to_rfc3339(*v)),
            Cell::Text(v) => s.serialize_str(v),
        }
    }
}

/// Named columns and rows of as many cells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Names, in order.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
    /// False when a limit (groups, time buckets) left rows out: the figures shown are exact, rows are missing.
    pub complete: bool,
}

impl Table {
    /// Place of a column by name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }
}
