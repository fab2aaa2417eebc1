//! A ClickHouse that need not be there when the program starts: it is reached when it is first asked for, and again after a failure.

use std::{
    ops::ControlFlow,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use fansipan_model::{Event, Predicate, Scope};
use uuid::Uuid;

use super::{ClickHouseConfig, ClickHouseStore};
use crate::{
    error::{Result, StoreError},
    events::{
        AggregateRequest, EventStore, Explanation, IndexInfo, Progress, RetentionPolicy, SearchPage, SearchRequest, StoreStatus, TimeRange,
    },
    table::Table,
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
                let reason = match &error {
                    StoreError::Remote { reason, .. } => reason.clone(),
                    other => other.to_string(),
                };
                *state = State::Failed(Instant::now(), reason);
                Err(error)
            }
        }
    }
}

impl EventStore for LateClickHouse {
    fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchPage> {
        self.reach()?.search(scope, request)
    }

    fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<Table> {
        self.reach()?.aggregate(scope, request)
    }

    fn get(&self, scope: &Scope, id: Uuid) -> Result<Option<Event>> {
        self.reach()?.get(scope, id)
    }

    fn scan(
        &self,
        scope: &Scope,
        filter: &Predicate,
        range: TimeRange,
        each: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Progress> {
        self.reach()?.scan(scope, filter, range, each)
    }

    fn status(&self) -> Result<StoreStatus> {
        self.reach()?.status()
    }

    fn expire(&self, policy: &RetentionPolicy, now: i64) -> Result<Vec<IndexInfo>> {
        self.reach()?.expire(policy, now)
    }

    fn verify(&self) -> Result<Vec<String>> {
        self.reach()?.verify()
    }

    fn explain(&self, scope: &Scope, filter: &Predicate, range: TimeRange) -> Result<Vec<Explanation>> {
        self.reach()?.explain(scope, filter, range)
    }
}
