//! The event store on ClickHouse: for deployments of several machines, and for years of events.
//!
//! A query is lowered to two SQL conditions, one that every answer satisfies and one that only answers satisfy
//! ([`sql::Condition`]). Rows between the two are read and decided by [`fansipan_model::Predicate::matches`]. So answers are
//! those of the definition, whatever SQL can say.
//!
//! Rows: [`row`]. Schema: `migrations/`, [`migrate`]. Writing exactly once: [`writer`].

mod aggregate;
mod binary;
mod columns;
mod config;
mod late;
mod link;
mod lower;
mod migrate;
mod retain;
mod row;
mod search;
mod sql;
mod values;
mod writer;

use std::{ops::ControlFlow, sync::Arc};

use fansipan_model::{Agency, Event, Predicate, Scope};
use uuid::Uuid;

pub use self::{config::ClickHouseConfig, late::LateClickHouse, migrate::schema, writer::ClickHouseWriter};
use self::{link::Link, migrate::Names};
use crate::{
    error::Result,
    events::{
        AggregateRequest, EventStore, Explanation, IndexInfo, Progress, RetentionPolicy, SearchPage, SearchRequest, StoreStatus, TimeRange,
    },
    table::Table,
};

/// The event store. Cheap to clone.
#[derive(Clone)]
pub struct ClickHouseStore {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    config: ClickHouseConfig,
    link: Link,
    names: Names,
    insert_columns: String,
}

impl ClickHouseStore {
    /// Reaches the server and brings its schema to this program's version.
    pub fn open(config: ClickHouseConfig) -> Result<ClickHouseStore> {
        let link = Link::new(&config)?;
        let names = Names::new(&config);
        migrate::migrate(&link, &names)?;
        Ok(ClickHouseStore { shared: Arc::new(Shared { config, link, names, insert_columns: row::insert_columns() }) })
    }

    /// The writer of one partition of a topic. There must be one at a time: a second one ends the first one's requests.
    /// `topic` names a log for ever: a topic that starts anew at position 0 needs another name.
    pub fn writer(&self, topic: &str, partition: i32) -> Result<ClickHouseWriter> {
        ClickHouseWriter::open(self.shared.clone(), topic, partition)
    }

    /// Drops the whole database: for tests and for `fansipan` being taken away for good.
    pub fn remove(&self) -> Result<()> {
        let Shared { link, names, .. } = &*self.shared;
        link.execute("dropping the database", &names.drop_database())
    }

    /// Deletes every event of an agency; how many these were. Rewrites what is stored: slow, and at once on every replica.
    pub fn forget(&self, agency: &Agency) -> Result<u64> {
        retain::forget(&self.shared, agency)
    }

    /// Bytes on disk by column and index, largest first.
    pub fn column_sizes(&self) -> Result<Vec<(String, u64)>> {
        retain::column_sizes(&self.shared)
    }

    /// Merges everything that is stored into as few parts as may be. For measurements and maintenance.
    pub fn optimize(&self) -> Result<()> {
        let Shared { link, names, .. } = &*self.shared;
        link.execute_whole("merging", &format!("OPTIMIZE TABLE {}{} FINAL", names.local("events"), names.everywhere()))
    }
}

impl EventStore for ClickHouseStore {
    fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchPage> {
        search::page(&self.shared, scope, request)
    }

    fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<Table> {
        aggregate::table(&self.shared, scope, request)
    }

    fn get(&self, scope: &Scope, id: Uuid) -> Result<Option<Event>> {
        search::by_id(&self.shared, scope, id)
    }

    fn scan(
        &self,
        scope: &Scope,
        filter: &Predicate,
        range: TimeRange,
        each: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Progress> {
        search::scan(&self.shared, scope, filter, range, each)
    }

    fn status(&self) -> Result<StoreStatus> {
        retain::status(&self.shared)
    }

    fn expire(&self, policy: &RetentionPolicy, now: i64) -> Result<Vec<IndexInfo>> {
        retain::expire(&self.shared, policy, now)
    }

    fn verify(&self) -> Result<Vec<String>> {
        retain::verify(&self.shared)
    }

    fn explain(&self, scope: &Scope, filter: &Predicate, range: TimeRange) -> Result<Vec<Explanation>> {
        search::explain(&self.shared, scope, filter, range)
    }
}
