//! The answer to an append: a future, or a wait, that ends when the batch is durable. Never says so earlier.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Condvar, Mutex},
    task::{Context, Poll, Waker},
};

use crate::{error::BusError, sync::locked};

/// Where a batch stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Written and synced now; its records have the offsets from `first_offset` on.
    Durable {
        /// Offset of the first record.
        first_offset: u64,
    },
    /// A batch with the same key was already in the log (or on its way, and is durable now); nothing was appended.
    Duplicate {
        /// Offset of the first record of the batch that came first.
        first_offset: u64,
    },
}

impl Receipt {
    /// Offset of the first record of the batch.
    pub fn first_offset(self) -> u64 {
        match self {
            Receipt::Durable { first_offset } | Receipt::Duplicate { first_offset } => first_offset,
        }
    }

    /// Whether the batch was known already.
    pub fn is_duplicate(self) -> bool {
        matches!(self, Receipt::Duplicate { .. })
    }
}

/// The place where the committing thread leaves the outcome of one batch for everyone who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    outcome: Option<Result<u64, BusError>>,
    wakers: Vec<Waker>,
}

impl Slot {
    /// The first outcome counts; later ones are ignored.
    pub(crate) fn resolve(&self, outcome: Result<u64, BusError>) {
        let wakers = {
            let mut state = locked(&self.state);
            if state.outcome.is_some() {
                return;
            }
            state.outcome = Some(outcome);
            std::mem::take(&mut state.wakers)
        };
        self.done.notify_all();
        for waker in wakers {
            waker.wake();
        }
    }

    /// Blocks until resolved.
    pub(crate) fn wait(&self) -> Result<u64, BusError> {
        let mut state = locked(&self.state);
        loop {
            if let Some(outcome) = &state.outcome {
                return outcome.clone();
            }
            state = self.done.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

/// A promise about one batch. Await it, or [`wait`](Ticket::wait); dropping it changes nothing about the batch.
#[derive(Debug)]
#[must_use = "the batch is durable only when the ticket says so"]
pub struct Ticket {
    slot: Arc<Slot>,
    duplicate: bool,
}

impl Ticket {
    pub(crate) fn new(slot: Arc<Slot>, duplicate: bool) -> Self {
        Self { slot, duplicate }
    }

    pub(crate) fn resolved(first_offset: u64, duplicate: bool) -> Self {
        let slot = Slot::default();
        slot.resolve(Ok(first_offset));
        Self::new(Arc::new(slot), duplicate)
    }

    fn receipt(&self, outcome: Result<u64, BusError>) -> Result<Receipt, BusError> {
        let first_offset = outcome?;
        Ok(if self.duplicate { Receipt::Duplicate { first_offset } } else { Receipt::Durable { first_offset } })
    }

    /// Blocks the thread until the batch is durable or refused.
    pub fn wait(self) -> Result<Receipt, BusError> {
        let outcome = self.slot.wait();
        self.receipt(outcome)
    }

    /// The outcome, if there is one yet.
    pub fn peek(&self) -> Option<Result<Receipt, BusError>> {
        let outcome = locked(&self.slot.state).outcome.clone();
        outcome.map(|o| self.receipt(o))
    }
}

impl Future for Ticket {
    type Output = Result<Receipt, BusError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = locked(&self.slot.state);
        if let Some(outcome) = &state.outcome {
            let outcome = outcome.clone();
            drop(state);
            return Poll::Ready(self.receipt(outcome));
        }
        if !state.wakers.iter().any(|w| w.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}
