//! An event store that must be reached first, with every question.

use std::{ops::ControlFlow, sync::Arc};

use fansipan_model::{Event, Predicate, Scope};
use uuid::Uuid;

use crate::{
    error::Result,
    events::{
        AggregateRequest, EventStore, Explanation, IndexInfo, Progress, RetentionPolicy, SearchPage, SearchRequest, StoreStatus, TimeRange,
    },
    table::Table,
};

/// The store that the function gives when it is asked; what it refuses, every question is refused with.
pub struct Reached<F>(pub F);

impl<F: Fn() -> Result<Arc<dyn EventStore>> + Send + Sync> EventStore for Reached<F> {
    fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchPage> {
        self.0()?.search(scope, request)
    }

    fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<Table> {
        self.0()?.aggregate(scope, request)
    }

    fn aggregate_all(&self, scope: &Scope, requests: &[AggregateRequest]) -> Result<Vec<Table>> {
        self.0()?.aggregate_all(scope, requests)
    }

    fn get(&self, scope: &Scope, id: Uuid) -> Result<Option<Event>> {
        self.0()?.get(scope, id)
    }

    fn scan(
        &self,
        scope: &Scope,
        filter: &Predicate,
        range: TimeRange,
        each: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Progress> {
        self.0()?.scan(scope, filter, range, each)
    }

    fn status(&self) -> Result<StoreStatus> {
        self.0()?.status()
    }

    fn expire(&self, policy: &RetentionPolicy, now: i64) -> Result<Vec<IndexInfo>> {
        self.0()?.expire(policy, now)
    }

    fn verify(&self) -> Result<Vec<String>> {
        self.0()?.verify()
    }

    fn explain(&self, scope: &Scope, filter: &Predicate, range: TimeRange) -> Result<Vec<Explanation>> {
        self.0()?.explain(scope, filter, range)
    }
}
