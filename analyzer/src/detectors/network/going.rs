//! Flows that go on: each report says everything so far, and only what was not said before counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::correlate::Losses;

/// What was said of each flow so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Going(BTreeMap<u64, u64>);

impl Going {
    /// Takes a report in; what it says that was not said before. `most`: flows remembered.
    pub(super) fn fresh(&mut self, flow: u64, goes_on: bool, amount: u64, most: usize, losses: &mut Losses) -> u64 {
        let told = self.0.remove(&flow).unwrap_or_default();
        if goes_on {
            if self.0.len() < most {
                self.0.insert(flow, amount);
            } else {
                losses.cut += 1;
            }
        }
        amount.saturating_sub(told)
    }

    /// Flows remembered.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
