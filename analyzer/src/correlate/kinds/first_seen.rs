//! `first_seen` (extension): a value alone in its window is new. The value is part of the group, so the window is its memory.

use super::Record;

/// Of a window: 1 where nothing came before.
pub(crate) fn of(window: &[Record]) -> f64 {
    window.len() as f64
}
