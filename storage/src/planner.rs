//! One event store over two: recent days in a full-text index beside the indexer, everything in the archive.
//!
//! The recent store answers where it holds every event that could be asked for; otherwise the archive does, which holds all.
//! Either gives the same answers (both pass one conformance suite), so the choice is about speed alone, and
//! [`EventStore::explain`] says it.

use std::{ops::ControlFlow, sync::Arc};

use fansipan_model::{Event, Predicate, Scope};
use uuid::Uuid;

use crate::{
    error::{Result, StoreError},
    events::{
        AggregateRequest, EventStore, Explanation, IndexInfo, Progress, RetentionPolicy, SearchPage, SearchRequest, StoreStatus, TimeRange,
    },
    table::Table,
};

/// The two stores.
#[derive(Clone)]
pub struct PlannedStore {
    recent: Arc<dyn EventStore>,
    archive: Arc<dyn EventStore>,
}

/// Which one answers, and why.
struct Choice<'s> {
    store: &'s Arc<dyn EventStore>,
    why: String,
}

impl PlannedStore {
    /// `archive` holds every event; `recent` every event that arrived since its own oldest day.
    pub fn new(recent: Arc<dyn EventStore>, archive: Arc<dyn EventStore>) -> PlannedStore {
        PlannedStore { recent, archive }
    }

    fn choose(&self, range: TimeRange) -> Result<Choice<'_>> {
        let archive = |why: String| Ok(Choice { store: &self.archive, why });
        let recent = self.recent.status()?;
        if let Some(aside) = recent.quarantined.first() {
            return archive(format!("an index of the recent store was set aside ({}), the archive has its events", aside.path));
        }
        // the oldest day may have been cut when the store was begun in its middle
        let Some(first) = recent.indexes.iter().map(|i| i.day).min().and_then(|d| d.checked_add(1)) else {
            return archive("the recent store is empty".into());
        };
        let older: Vec<IndexInfo> = self.archive.status()?.indexes.into_iter().filter(|i| i.day < first).collect();
        let reaching = older.iter().find(|i| i.span.is_none_or(|(_, last)| last >= range.from));
        Ok(match reaching {
            None => Choice {
                store: &self.recent,
                why: "no event that arrived before the recent store's days is as young as the range asked for".into(),
            },
            Some(index) => Choice {
                store: &self.archive,
                why: format!("the range may have events of {}, which only the archive holds for certain", index.name),
            },
        })
    }

    /// Asks the chosen store; what is too much for the recent one is left to the archive.
    fn ask<T>(&self, range: TimeRange, ask: impl Fn(&dyn EventStore) -> Result<T>) -> Result<T> {
        let choice = self.choose(range)?;
        match ask(&**choice.store) {
            Err(StoreError::TooMuch { .. }) if Arc::ptr_eq(choice.store, &self.recent) => ask(&*self.archive),
            answer => answer,
        }
    }
}

impl EventStore for PlannedStore {
    fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchPage> {
        self.ask(request.range, |store| store.search(scope, request))
    }

    fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<Table> {
        self.ask(request.range, |store| store.aggregate(scope, request))
    }

    fn get(&self, scope: &Scope, id: Uuid) -> Result<Option<Event>> {
        match self.recent.get(scope, id)? {
            Some(event) => Ok(Some(event)),
            None => self.archive.get(scope, id),
        }
    }

    fn scan(
        &self,
        scope: &Scope,
        filter: &Predicate,
        range: TimeRange,
        each: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Progress> {
        // not asked twice: events may have been handed over already
        self.choose(range)?.store.scan(scope, filter, range, each)
    }

    /// The archive's: it holds everything.
    fn status(&self) -> Result<StoreStatus> {
        self.archive.status()
    }

    /// Applies the policy to the archive. How many days the recent store keeps is its node's own policy.
    fn expire(&self, policy: &RetentionPolicy, now: i64) -> Result<Vec<IndexInfo>> {
        self.archive.expire(policy, now)
    }

    fn verify(&self) -> Result<Vec<String>> {
        let mut all = self.recent.verify()?;
        all.extend(self.archive.verify()?);
        Ok(all)
    }

    fn explain(&self, scope: &Scope, filter: &Predicate, range: TimeRange) -> Result<Vec<Explanation>> {
        let choice = self.choose(range)?;
        let mut lines = choice.store.explain(scope, filter, range)?;
        for line in &mut lines {
            line.why = format!("{}; {}", choice.why, line.why);
        }
        Ok(lines)
    }
}
