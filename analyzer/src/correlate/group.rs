//! One group: its records in order, and what was found in them.

use fansipan_model::AlertId;
use smallvec::SmallVec;

use super::{keyed::Record, kinds::Running};

/// Events an alert lists.
pub(crate) const SAMPLE: usize = fansipan_model::Alert::SAMPLE;
/// Contexts an alert takes its entities from.
pub(crate) const CONTEXTS: usize = 16;

/// A run of records that fired: one alert.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Episode {
    /// The alert's.
    pub(crate) id: AlertId,
    /// Beginning of the window that fired first; with the group it makes the id.
    pub(crate) start: i64,
    /// When it fired first.
    pub(crate) opened: i64,
    /// When it fired last.
    pub(crate) fired: i64,
    /// Its latest record.
    pub(crate) last: i64,
    /// Its records.
    pub(crate) count: u64,
    /// Records at which it fired.
    pub(crate) fires: u64,
    /// The largest value measured where it fired.
    pub(crate) peak: f64,
    /// Its first records.
    pub(crate) sample: Vec<[u64; 2]>,
    /// What its records are about.
    pub(crate) contexts: SmallVec<[u32; 4]>,
    /// `event.ingested` when it was found.
    pub(crate) raised: i64,
    /// Whether any record is part of a drill.
    pub(crate) drill: bool,
    /// Whether the peak is an estimate.
    pub(crate) estimate: bool,
    /// Whether its present state was told.
    pub(crate) told: bool,
}

impl Episode {
    /// One more record.
    pub(crate) fn take(&mut self, record: &Record) {
        self.count += 1;
        self.last = self.last.max(record.at);
        self.drill |= record.drill;
        if self.sample.len() < SAMPLE && !record.below {
            self.sample.push(record.id);
        }
        if self.contexts.len() < CONTEXTS && !self.contexts.contains(&record.context) {
            self.contexts.push(record.context);
        }
        self.told = false;
    }

    /// Whether it is the same alert in the same state.
    pub(crate) fn same(&self, other: &Episode) -> bool {
        self.start == other.start
            && (self.opened, self.fired, self.last, self.count) == (other.opened, other.fired, other.last, other.count)
            && self.sample == other.sample
            && self.peak == other.peak
    }
}

/// What was found in a group.
#[derive(Debug, Default)]
pub(crate) struct Fired {
    /// The alert that was open where the settled records end.
    pub(crate) base: Option<Episode>,
    /// Every alert since then, that one first; the last may still be open.
    pub(crate) since: Vec<Episode>,
}

/// State of a group. Kept small: there may be a million.
pub(crate) struct Group {
    pub(crate) key: SmallVec<[u8; 24]>,
    /// In order of time, id, rule.
    pub(crate) records: Vec<Record>,
    /// The later of the watermark at its latest record and that record.
    pub(crate) alive: i64,
    /// Records before this come too late to be measured, whatever the lateness: what stood there was cut.
    pub(crate) horizon: i64,
    /// Records settled: no late one can stand before them.
    pub(crate) base: u32,
    /// Where the window of the last settled record begins.
    pub(crate) base_low: u32,
    /// Where the window of the last record begins.
    pub(crate) low: u32,
    /// Settle when there are this many records.
    pub(crate) limit: u32,
    /// Whether a record came late and the unsettled ones must be looked through again.
    pub(crate) dirty: bool,
    /// Whether there is something to tell.
    pub(crate) changed: bool,
    pub(crate) fired: Option<Box<Fired>>,
    pub(crate) running: Option<Box<Running>>,
}

/// Records of a group before it is settled for the first time.
pub(crate) const FIRST_LIMIT: u32 = 16;

impl Group {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self {
            key: SmallVec::from_slice(key),
            records: Vec::new(),
            alive: i64::MIN,
            horizon: i64::MIN,
            base: 0,
            base_low: 0,
            low: 0,
            limit: FIRST_LIMIT,
            dirty: false,
            changed: false,
            fired: None,
            running: None,
        }
    }

    /// The open or latest alert.
    pub(crate) fn latest(&mut self) -> Option<&mut Episode> {
        self.fired.as_mut()?.since.last_mut()
    }

    /// Counts a record that came behind what was cut, where an alert spans its time: it is one more of that alert, as those beside it
    /// that are no longer remembered are. Whether there is such an alert.
    pub(crate) fn count_behind(&mut self, record: &Record, lateness: i64) -> bool {
        if self.records.last().is_none_or(|last| record.at < last.at.saturating_sub(lateness)) {
            return false;
        }
        let Some(Fired { base, since }) = self.fired.as_deref_mut() else { return false };
        let spans = |e: &&mut Episode| (e.start..=e.last).contains(&record.at);
        let Some(episode) = since.iter_mut().find(spans) else { return false };
        episode.take(record);
        if let Some(settled) = base.as_mut().filter(|b| b.start == episode.start) {
            settled.take(record);
        }
        if let Some(running) = self.running.as_mut().filter(|r| r.is_estimate()) {
            running.add(record);
        }
        self.changed = true;
        true
    }

    /// Whether a record at `at` is too late for it.
    pub(crate) fn is_too_late(&self, at: i64, lateness: i64) -> bool {
        at < self.horizon || self.records.last().is_some_and(|last| at < last.at.saturating_sub(lateness))
    }
}
