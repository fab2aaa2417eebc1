//! `event_count`: how many records.

use super::Record;

/// Of a window.
pub(crate) fn of(window: &[Record]) -> f64 {
    window.len() as f64
}
