//! What the normalizer remembers of one source between records: a few bytes, so that a million senders fit in memory.

use crate::format::FormatId;

/// Sticky format, confidence and clock of one source. `Default` is a source never heard of.
#[derive(Clone, Debug, Default)]
pub struct SourceState {
    pub(crate) pinned: Option<FormatId>,
    pub(crate) recent: Recent,
    pub(crate) seen: u16,
    pub(crate) understood: u16,
    pub(crate) skew: Option<i64>,
    /// `fansipan.source`; made of the first record where nobody assigned one.
    pub(crate) id: Box<str>,
    pub(crate) agency: Option<Box<str>>,
    pub(crate) class: Option<Box<str>>,
}

/// The formats a source was last seen to speak, most used first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    pub(crate) slots: [Option<(FormatId, u32)>; Recent::SLOTS],
}

impl Recent {
    /// A Linux host speaks about six formats; a relay more, but then the application name decides alone.
    pub(crate) const SLOTS: usize = 6;

    /// Notes that a record was of this format. The least used slot yields to a newcomer, after its count wore down.
    pub(crate) fn note(&mut self, format: FormatId) {
        if let Some(at) = self.slots.iter().position(|s| s.is_some_and(|(f, _)| f == format)) {
            if let Some(Some((_, n))) = self.slots.get_mut(at) {
                *n = n.saturating_add(1);
            }
            let count = |s: &Option<(FormatId, u32)>| s.map_or(0, |(_, n)| n);
            if at > 0 && count(&self.slots[at]) > count(&self.slots[at - 1]) {
                self.slots.swap(at, at - 1);
            }
            return;
        }
        if let Some(free) = self.slots.iter_mut().find(|s| s.is_none()) {
            *free = Some((format, 1));
        } else if let Some(Some(last)) = self.slots.last_mut() {
            last.1 /= 2;
            if last.1 == 0 {
                *last = (format, 1);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = FormatId> {
        self.slots.iter().flatten().map(|&(f, _)| f)
    }
}

impl SourceState {
    /// Says what `fansipan.source`, `fansipan.agency` and `fansipan.class` of its records are. Without: transport and peer, and
    /// `default` twice.
    pub fn assign(&mut self, id: &str, agency: Option<&str>, class: Option<&str>) {
        self.id = id.into();
        self.agency = agency.map(Into::into);
        self.class = class.map(Into::into);
    }

    /// Fixes the format (`Some`) or lets content decide again (`None`).
    pub fn pin(&mut self, format: Option<FormatId>) {
        self.pinned = format;
    }

    /// The fixed format, else the one most of its records had.
    pub fn format(&self) -> Option<FormatId> {
        self.pinned.or_else(|| self.recent.iter().next())
    }

    /// Whether an operator fixed the format.
    pub fn pinned(&self) -> bool {
        self.pinned.is_some()
    }

    /// Share of recent records that a format understood, in thousandths.
    pub fn confidence(&self) -> u16 {
        u32::from(self.understood).saturating_mul(1000).checked_div(u32::from(self.seen)).map_or(0, |share| share as u16)
    }

    /// Device clock minus ours, nanoseconds, smoothed; `None` until learned.
    pub fn skew(&self) -> Option<i64> {
        self.skew
    }

    /// The skew as a zone offset nobody configured: the multiple of 15 minutes nearest to it, in seconds, where one is near.
    /// A suggestion for people; times are never corrected by it.
    pub fn suggested_shift(&self) -> Option<i32> {
        const QUARTER: i64 = 900 * fansipan_model::time::SECOND;
        let skew = self.skew?;
        let quarters = (skew + skew.signum() * QUARTER / 2) / QUARTER;
        let near = (skew - quarters * QUARTER).abs() < QUARTER / 5;
        (near && quarters != 0 && quarters.abs() <= 26 * 4).then(|| i32::try_from(quarters * 900).ok()).flatten()
    }

    /// `fansipan.source` of its records; empty before the first record where nobody assigned one.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Counts a record, so that the share of the latest thousand or two decides.
    pub(crate) fn count(&mut self, understood: Option<FormatId>) {
        if self.seen >= 2000 {
            (self.seen, self.understood) = (self.seen / 2, self.understood / 2);
        }
        self.seen += 1;
        if let Some(format) = understood {
            self.understood += 1;
            self.recent.note(format);
        }
    }

    /// Learns from one record how far the device's clock is off: a sixteenth of the difference each.
    pub(crate) fn learn(&mut self, difference: i64) {
        self.skew = Some(match self.skew {
            Some(skew) => skew + difference.saturating_sub(skew) / 16,
            None => difference,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fansipan_model::time::SECOND;

    #[test]
    fn formats_of_a_source_do_not_thrash() {
        let mut recent = Recent::default();
        for round in 0..100u16 {
            for format in 0..5 {
                recent.note(FormatId(format));
            }
            if round % 10 == 0 {
                recent.note(FormatId(50 + round)); // a stranger now and then
            }
        }
        let mut kept: Vec<u16> = recent.iter().map(|f| f.0).take(5).collect();
        kept.sort_unstable();
        assert_eq!(kept, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_forgotten_zone_is_suggested() {
        let mut state = SourceState::default();
        for _ in 0..50 {
            state.learn(-7 * 3600 * SECOND + 3 * SECOND);
        }
        assert_eq!(state.suggested_shift(), Some(-7 * 3600));
        let mut slow = SourceState::default();
        slow.learn(-400 * SECOND);
        assert_eq!(slow.suggested_shift(), None);
    }

    #[test]
    fn confidence_follows_the_latest_records() {
        let mut state = SourceState::default();
        (0..5000).for_each(|_| state.count(Some(FormatId(1))));
        assert_eq!(state.confidence(), 1000);
        (0..20_000).for_each(|_| state.count(None));
        assert!(state.confidence() < 5, "{}", state.confidence());
    }
}
