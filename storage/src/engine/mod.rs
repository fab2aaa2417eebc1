//! The event store on Tantivy: an index per UTC day of arrival and retention class.
//!
//! Layout on disk: `DIR/v1/2026-11-23.default/` (one Tantivy index each), `DIR/v1/position.json` (how far the log is stored),
//! `DIR/quarantine/` (indexes that could not be opened). See [`layout`] for what is inside an index.
//!
//! A query is lowered per segment to a set of candidates that is either exact or a superset; candidates of a superset are
//! decided by [`fansipan_model::Predicate::matches`] on the stored event. So answers never depend on how events are indexed.

pub(crate) mod accumulate;
mod aggregate;
mod bits;
pub(crate) mod candidates;
pub(crate) mod day;
mod journal;
mod layout;
mod lower;
mod merge;
mod open;
pub(crate) mod packed;
mod plan;
mod profile;
pub(crate) mod record;
pub(crate) mod retain;
pub(crate) mod samples;
mod search;
mod side;
mod times;
mod usual;
mod words;
mod writer;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use fansipan_model::{Event, Predicate, Scope};
use uuid::Uuid;

use self::day::{DayIndex, Key};
pub use self::writer::TantivyWriter;
use crate::{
    error::{Result, StoreError},
    events::{
        AggregateRequest, EventStore, Explanation, IndexInfo, Progress, Quarantined, RetentionPolicy, SearchPage, SearchRequest,
        StoreStatus, TimeRange,
    },
    table::Table,
};

/// See [`TantivyStore::set_read_limit`]. Reading takes some 5 µs an event.
pub const READ_LIMIT: u64 = 5_000_000;

/// How the event store runs.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where it keeps its files.
    pub dir: PathBuf,
    /// Memory an index being written may use before it writes a segment, bytes (at least 16 MB).
    pub heap_bytes: usize,
    /// Identity of the log whose positions are given to the writer. A log that starts anew must have another one:
    /// positions of another log are not taken for replays.
    pub log: String,
}

impl EngineConfig {
    /// Defaults under a data directory.
    pub fn new(dir: impl Into<PathBuf>) -> EngineConfig {
        EngineConfig { dir: dir.into(), heap_bytes: 200 << 20, log: String::new() }
    }
}

/// The event store. Cheap to clone; all clones see the same indexes.
#[derive(Clone)]
pub struct TantivyStore {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    config: EngineConfig,
    root: PathBuf,
    days: RwLock<BTreeMap<Key, Arc<DayIndex>>>,
    quarantined: Mutex<Vec<Quarantined>>,
    /// Stored events that one request may read because the index cannot decide.
    read_limit: AtomicU64,
    /// Whether a writer lives. Locked while it commits, and by retention while it drops indexes.
    writing: Mutex<bool>,
}

impl TantivyStore {
    /// Opens the store, creating its folder. An index that does not open is moved to `quarantine/`; the others go on.
    pub fn open(config: EngineConfig) -> Result<TantivyStore> {
        let root = config.dir.join(format!("v{}", layout::VERSION));
        std::fs::create_dir_all(&root).map_err(StoreError::io("cannot create", &root))?;
        retain::clean(&root)?;
        let shared = Shared {
            config,
            root,
            days: RwLock::new(BTreeMap::new()),
            quarantined: Mutex::new(Vec::new()),
            read_limit: AtomicU64::new(READ_LIMIT),
            writing: Mutex::new(false),
        };
        let mut keys = Vec::new();
        for entry in std::fs::read_dir(&shared.root).map_err(StoreError::io("cannot list", &shared.root))? {
            let entry = entry.map_err(StoreError::io("cannot list", &shared.root))?;
            if entry.path().is_dir()
                && let Some(key) = entry.file_name().to_str().and_then(Key::parse)
            {
                keys.push(key);
            }
        }
        for key in keys {
            match DayIndex::open(&shared.root, key.clone()) {
                Ok(day) => {
                    shared.days_mut().insert(key, Arc::new(day));
                }
                Err(error) => shared.quarantine(&key, &error)?,
            }
        }
        Ok(TantivyStore { shared: Arc::new(shared) })
    }

    /// Sets how many stored events a page or a table may cost to read where the index cannot decide (first [`READ_LIMIT`]);
    /// beyond it the request is refused ([`StoreError::TooMuch`]). Exact totals and scans are not limited.
    pub fn set_read_limit(&self, events: u64) {
        self.shared.read_limit.store(events, Ordering::Relaxed);
    }

    /// The one writer. [`StoreError::Locked`] while another lives, in this process or another.
    pub fn writer(&self) -> Result<TantivyWriter> {
        TantivyWriter::new(self.shared.clone())
    }

    /// Where the files are.
    pub fn dir(&self) -> &Path {
        &self.shared.root
    }
}

impl Shared {
    fn read_limit(&self) -> u64 {
        self.read_limit.load(Ordering::Relaxed)
    }

    fn days(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Key, Arc<DayIndex>>> {
        self.days.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn days_mut(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<Key, Arc<DayIndex>>> {
        self.days.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every index, newest day first.
    fn newest_first(&self) -> Vec<Arc<DayIndex>> {
        self.days().values().rev().cloned().collect()
    }

    /// Moves an index that does not open out of the way.
    fn quarantine(&self, key: &Key, error: &StoreError) -> Result<()> {
        let folder = key.folder();
        let aside = self.config.dir.join("quarantine");
        std::fs::create_dir_all(&aside).map_err(StoreError::io("cannot create", &aside))?;
        let free = (0u32..).map(|n| aside.join(format!("{folder}.{n}"))).find(|p| !p.exists());
        let target = free.unwrap_or_else(|| aside.join(&folder));
        std::fs::rename(self.root.join(&folder), &target).map_err(StoreError::io("cannot move to quarantine", &target))?;
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(e) = source {
            reason = format!("{reason}: {e}");
            source = e.source();
        }
        tracing::error!(index = %folder, moved_to = %target.display(), %reason, "event index does not open and was set aside; restore it from a backup");
        self.quarantined.lock().unwrap_or_else(PoisonError::into_inner).push(Quarantined { path: target.display().to_string(), reason });
        Ok(())
    }
}

impl EventStore for TantivyStore {
    fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchPage> {
        search::page(&self.shared, scope, request)
    }

    fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<Table> {
        aggregate::table(&self.shared, scope, request)
    }

    fn aggregate_all(&self, scope: &Scope, requests: &[AggregateRequest]) -> Result<Vec<Table>> {
        aggregate::tables(&self.shared, scope, requests)
    }

    fn get(&self, scope: &Scope, id: Uuid) -> Result<Option<Event>> {
        search::by_id(&self.shared, scope, id)
    }

    fn scan(
        &self,
        scope: &Scope,
        filter: &Predicate,
        range: TimeRange,
        each: &mut dyn FnMut(&Event) -> std::ops::ControlFlow<()>,
    ) -> Result<Progress> {
        search::scan(&self.shared, scope, filter, range, each)
    }

    fn status(&self) -> Result<StoreStatus> {
        Ok(retain::status(&self.shared))
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
