//! Bounds of the state, and what they cost.

use std::sync::Arc;

use fansipan_model::time::SECOND;

use crate::detectors::network::Parameters;

/// How patient and how large the state is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How much later than a younger record of its group a record may come and still count, nanoseconds of event time.
    pub lateness: i64,
    /// A source not heard for this long (`event.ingested`) holds the watermark no more, nanoseconds.
    pub idle: i64,
    /// No source holds the watermark further behind the most advanced one than this, nanoseconds.
    pub hold: i64,
    /// Groups of one correlation at a time; the stalest go first.
    pub groups: usize,
    /// Records of one group that are remembered.
    pub records: usize,
    /// Distinct values of one group that are counted exactly; above it a sketch counts, within 2 %.
    pub exact: usize,
    /// Parameters of the network detectors; `None`: there are none.
    pub network: Option<Arc<Parameters>>,
}

impl Default for Settings {
    fn default() -> Self {
        let minute = 60 * SECOND;
        Self {
            lateness: 5 * minute,
            idle: minute,
            hold: 60 * minute,
            groups: 1_000_000,
            records: 16_384,
            exact: 4_096,
            network: Parameters::shipped(),
        }
    }
}

/// What the bounds cost so far. All zero: every alert is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Groups forgotten because a correlation had too many.
    pub evicted: u64,
    /// Records that came too late for their group.
    pub late: u64,
    /// Records of groups that hold too many; counted, but no longer remembered one by one.
    pub cut: u64,
    /// Matches without a value for a `group-by` or counted field, which belong to no group.
    pub ungrouped: u64,
}

impl std::ops::AddAssign for Losses {
    fn add_assign(&mut self, other: Self) {
        self.evicted += other.evicted;
        self.late += other.late;
        self.cut += other.cut;
        self.ungrouped += other.ungrouped;
    }
}
