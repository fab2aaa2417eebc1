//! Memory for what protocols hold, over all flows: each flow is bounded, and a million of them would still be too much.
//!
//! When the sum is above the bound, flows that hold something and have been quiet are given up first, found by a hand that goes round
//! the table; where all are busy, the one that asked for more. A flow that is given up is counted and reported as ever, not looked into.

use super::State;
use crate::tap::{
    flow::{Above, Side},
    proto::Cx,
};

/// Silence after which a flow may be given up for another, nanoseconds.
const QUIET: i64 = 2_000_000_000;
/// Places that are looked at for each packet while there is too much.
const LOOKS: u32 = 64;

/// What is held over all flows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) used: usize,
    hand: u32,
}

impl State {
    /// Counts what is held of a flow, and makes room if that is too much over all.
    pub(super) fn weigh(&mut self, at: u32) {
        let Some(flow) = self.table.flow(at) else { return };
        let held = flow.above.held().min(u32::MAX as usize);
        self.memory.used = self.memory.used + held - flow.held as usize;
        flow.held = held as u32;
        if self.memory.used > self.settings.protocol_bytes {
            self.relieve(at);
        }
    }

    fn relieve(&mut self, current: u32) {
        let quiet = self.now.saturating_sub(QUIET);
        for _ in 0..LOOKS.min(self.table.places()) {
            if self.memory.used <= self.settings.protocol_bytes {
                return;
            }
            let at = self.memory.hand;
            self.memory.hand = (at + 1) % self.table.places().max(1);
            if self.table.flow(at).is_some_and(|f| f.held > 0 && f.info.last < quiet) {
                self.give_up(at);
            }
        }
        if self.memory.used > self.settings.protocol_bytes && self.table.flow(current).is_some_and(|f| f.held > 0) {
            self.give_up(current);
        }
    }

    /// Reads what is there as if the flow ended, and no more of it.
    fn give_up(&mut self, at: u32) {
        let Some(flow) = self.table.flow(at) else { return };
        let last = flow.info.last;
        let mut cx = Cx { info: &mut flow.info, at: last, out: &mut self.out, settings: &self.settings };
        match std::mem::take(&mut flow.above) {
            Above::Nothing => {}
            Above::Datagrams(mut datagrams) => datagrams.finish(&mut cx),
            Above::Stream(mut stream) => {
                stream.conversation.finish(&mut cx);
                for side in [Side::Source, Side::Destination] {
                    stream.sides.of_mut(side).forget(&mut self.budget);
                }
            }
        }
        (flow.finished, flow.given_up) = (true, true);
        self.memory.used -= std::mem::take(&mut flow.held) as usize;
        self.summary.given_up += 1;
    }
}
