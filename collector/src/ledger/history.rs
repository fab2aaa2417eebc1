//! The last hour of one source, minute by minute. Bounded, and cheap for a source that is silent.

use std::collections::VecDeque;

/// Minutes of history kept per source.
pub const HISTORY_MINUTES: usize = 60;
/// Nanoseconds in a minute.
const MINUTE: i64 = 60 * fansipan_model::time::SECOND;

/// Counters of one minute of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MinuteCounters {
    /// Start of the minute, UTC nanoseconds.
    pub start: i64,
    /// Records received.
    pub received: u64,
    /// Records durably kept.
    pub kept: u64,
    /// Of those kept: not understood by any format.
    pub unparsed: u64,
    /// Records refused, whatever the reason.
    pub refused: u64,
    /// Bytes of kept records.
    pub bytes: u64,
}

/// The row of the minute of `at`; `None` if that is longer ago than the history goes.
pub(super) fn minute(history: &mut VecDeque<MinuteCounters>, at: i64) -> Option<&mut MinuteCounters> {
    let start = at.div_euclid(MINUTE) * MINUTE;
    // batches of several connections may cross a minute in any order
    if let Some(i) = history.iter().rposition(|m| m.start == start) {
        return history.get_mut(i);
    }
    let after = history.iter().rposition(|m| m.start < start).map_or(0, |i| i + 1);
    if after == 0 && history.len() >= HISTORY_MINUTES {
        return None;
    }
    history.insert(after, MinuteCounters { start, ..Default::default() });
    if history.len() > HISTORY_MINUTES {
        history.pop_front();
        return history.get_mut(after - 1);
    }
    history.get_mut(after)
}
