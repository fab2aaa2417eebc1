//! How far event time has come: the slowest of the sources that still send.

use fansipan_model::time::SECOND;
use hashbrown::HashMap;

use super::settings::Settings;

/// Sources remembered at once; beyond it the ones idle longest are forgotten.
const SOURCES: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Latest `@timestamp`, never ahead of its arrival.
    pub(crate) at: i64,
    /// Latest `event.ingested`.
    pub(crate) heard: i64,
}

/// The watermark: monotone, a function of the events so far and their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watermark {
    pub(crate) sources: HashMap<Box<str>, Source, foldhash::fast::FixedState>,
    pub(crate) mark: i64,
    pub(crate) newest: i64,
    /// `event.ingested` and newest `@timestamp` at the latest look.
    pub(crate) looked: (i64, i64),
    /// Events since then.
    pub(crate) events: u64,
}

impl Default for Watermark {
    fn default() -> Self {
        Self { sources: HashMap::default(), mark: i64::MIN, newest: i64::MIN, looked: (i64::MIN, i64::MIN), events: 0 }
    }
}

impl Watermark {
    /// Takes an event in; the watermark after it.
    pub(crate) fn see(&mut self, source: &str, at: i64, now: i64, settings: &Settings) -> i64 {
        let at = at.min(now);
        self.newest = self.newest.max(at);
        match self.sources.get_mut(source) {
            Some(known) => {
                known.at = known.at.max(at);
                known.heard = known.heard.max(now);
            }
            None => {
                self.sources.insert(source.into(), Source { at, heard: now });
            }
        }
        // the slowest of many sources is not looked for at every event, but at the same events in every run
        self.events += 1;
        let moved = now.saturating_sub(self.looked.0).max(self.newest.saturating_sub(self.looked.1)) >= SECOND;
        if moved && self.events > self.sources.len() as u64 / 8 {
            self.look(now, settings);
        }
        self.mark
    }

    fn look(&mut self, now: i64, settings: &Settings) {
        self.looked = (now, self.newest);
        self.events = 0;
        let since = now.saturating_sub(settings.idle);
        if self.sources.len() > SOURCES {
            self.sources.retain(|_, s| s.heard >= since);
        }
        let slowest = self.sources.values().filter(|s| s.heard >= since).map(|s| s.at).min().unwrap_or(self.newest);
        let slowest = slowest.max(self.newest.saturating_sub(settings.hold));
        self.mark = self.mark.max(slowest.saturating_sub(settings.lateness));
    }
}
