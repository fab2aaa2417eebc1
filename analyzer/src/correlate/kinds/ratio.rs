//! `ratio` (extension): the share of the first rule's records among all.

use super::{Compiled, Record};

#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    first: u64,
    all: u64,
}

impl Running {
    pub(crate) fn add(&mut self, record: &Record) {
        self.first += u64::from(record.member == 0);
        self.all += 1;
    }

    pub(crate) fn remove(&mut self, record: &Record) {
        self.first -= u64::from(record.member == 0);
        self.all -= 1;
    }

    pub(crate) fn value(&self, plan: &Compiled) -> Option<f64> {
        (self.all >= u64::from(plan.minimum.max(1))).then(|| self.first as f64 / self.all as f64)
    }
}

/// Of a window.
pub(crate) fn of(window: &[Record], plan: &Compiled) -> Option<f64> {
    let mut running = Running::default();
    window.iter().for_each(|r| running.add(r));
    running.value(plan)
}
