//! A ClickHouse that need not be there when the program starts: it is reached when it is first asked for, and again after a failure.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{ClickHouseConfig, ClickHouseStore};
use crate::{
    error::{Result, StoreError},
    events::EventStore,
    reached::Reached,
};

/// After a failure it is not tried again for so long.
const RESPITE: Duration = Duration::from_secs(2);

/// The event store, once it is reached.
pub struct LateClickHouse {
    config: ClickHouseConfig,
    state: Mutex<State>,
}

enum State {
    /// Not tried yet, or long enough ago.
    Unknown,
    Failed(Instant, String),
    Open(ClickHouseStore),
}

impl LateClickHouse {
    /// Does not connect yet.
    pub fn new(config: ClickHouseConfig) -> LateClickHouse {
        LateClickHouse { config, state: Mutex::new(State::Unknown) }
    }

    /// As an event store that is reached with each question.
    pub fn store(self: Arc<Self>) -> Arc<dyn EventStore> {
        Arc::new(Reached(move || Ok(Arc::new(self.reach()?) as _)))
    }

    /// Reaches the server and brings its schema to this program's version, unless that was done.
    ///
    /// # Errors
    /// [`StoreError::Remote`] and what opening it may say.
    pub fn reach(&self) -> Result<ClickHouseStore> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Open(store) => return Ok(store.clone()),
            State::Failed(at, reason) if at.elapsed() < RESPITE => {
                return Err(StoreError::Remote { url: self.config.url.clone(), what: "reaching it", reason: reason.clone() });
            }
            State::Failed(..) | State::Unknown => {}
        }
        match ClickHouseStore::open(self.config.clone()) {
            Ok(store) => {
                *state = State::Open(store.clone());
                Ok(store)
            }
            Err(error) => {
                *state = State::Failed(Instant::now(), error.reason());
                Err(error)
            }
        }
    }
}
