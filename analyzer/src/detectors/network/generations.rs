//! Different values within a window, counted in two generations: this window and the one before it, both cut at whole multiples of
//! the window's length, so that what is counted spans one to two windows and depends on the events alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::correlate::mix;

/// A number for a value, the same everywhere.
pub(super) fn number(parts: &[&str]) -> u64 {
    let mut bytes = Vec::new();
    parts.iter().for_each(|p| crate::correlate::put_text(&mut bytes, p.as_bytes()));
    mix(&bytes)
}

/// Values of two generations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Generations {
    current: i64,
    now: BTreeSet<u64>,
    before: BTreeSet<u64>,
    /// Values in both.
    both: usize,
    /// Events of each.
    events: [u64; 2],
}

impl Generations {
    /// Takes a value in; `false`: it is too old, or there is no room for it. `most`: values remembered of a generation.
    pub(super) fn see(&mut self, at: i64, window: i64, value: u64, most: usize) -> bool {
        let generation = at.div_euclid(window.max(1));
        self.turn(generation);
        if generation < self.current - 1 {
            return false;
        }
        let late = generation < self.current;
        let (set, other, place) = if late { (&mut self.before, &self.now, 1) } else { (&mut self.now, &self.before, 0) };
        if let Some(events) = self.events.get_mut(place) {
            *events += 1;
        }
        if set.len() >= most && !set.contains(&value) {
            return false;
        }
        if set.insert(value) && other.contains(&value) {
            self.both += 1;
        }
        true
    }

    fn turn(&mut self, generation: i64) {
        if self.now.is_empty() && self.before.is_empty() {
            self.current = generation;
        }
        if generation > self.current {
            let follows = generation == self.current + 1;
            let (set, events) = (std::mem::take(&mut self.now), self.events[0]);
            (self.before, self.events) = if follows { (set, [0, events]) } else { (BTreeSet::new(), [0, 0]) };
            self.current = generation;
            self.both = 0;
        }
    }

    /// Different values now.
    pub(super) fn different(&self) -> usize {
        self.now.len() + self.before.len() - self.both
    }

    /// Events now.
    pub(super) fn events(&self) -> u64 {
        self.events.iter().sum()
    }

    /// Values that are remembered.
    pub(super) fn weight(&self) -> usize {
        self.now.len() + self.before.len()
    }

    /// Whether nothing of it matters at a time.
    pub(super) fn is_over(&self, at: i64, window: i64) -> bool {
        at.div_euclid(window.max(1)) > self.current + 1
    }
}
