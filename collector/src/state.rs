//! What the normalizer remembers of one source between records: a few bytes, so that a million senders fit in memory.

use crate::format::FormatId;

/// Sticky format, confidence and clock of one source. `Default` is a source never heard of.
#[derive(Clone, Debug, Default)]
pub struct SourceState {
    pub(crate) pinned: Option<FormatId>,
    pub(crate) recent: Recent,
    pub(crate) seen: u32,
    pub(crate) understood: u32,
    pub(crate) skew: Option<i64>,
    pub(crate) id: String,
    pub(crate) host: Option<Box<str>>,
    pub(crate) relay: bool,
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
        if self.seen == 0 { 0 } else { (u64::from(self.understood) * 1000 / u64::from(self.seen)) as u16 }
    }

    /// Device clock minus ours, nanoseconds, smoothed; `None` until learned.
    pub fn skew(&self) -> Option<i64> {
        self.skew
    }

    /// Host named in its records, where they all name one.
    pub fn host(&self) -> Option<&str> {
        if self.relay { None } else { self.host.as_deref() }
    }

    /// `fansipan.source` of its records, without the `/host` a relay adds; empty before the first record.
    pub fn id(&self) -> &str {
        &self.id
    }
}
