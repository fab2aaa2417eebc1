//! What can go wrong in the stores, with stable codes and the next step.

use std::path::PathBuf;

use thiserror::Error;

use crate::query::Fault;

/// Why a store could not do what was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("FSP-S01 {what} {}: check that the disk is mounted, has space and belongs to the service's user", path.display())]
    Io {
        /// What was tried: "cannot create".
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The index engine refused.
    #[error("FSP-S02 event index {index}: {what} failed; `fansipan doctor` tells which index is damaged")]
    Index {
        /// Which index (day and class), or `all`.
        index: String,
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<tantivy::TantivyError>,
    },
    /// The state database refused.
    #[error("FSP-S03 state database: {what} failed; check the disk's free space, then `fansipan doctor`")]
    State {
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The state database is of another version and cannot be brought to this one.
    #[error("FSP-S04 state database {}: cannot be brought to this program's version: {reason}; restore a backup or install the newer program", path.display())]
    Migration {
        /// The database file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Stored bytes do not read back.
    #[error("FSP-S05 stored {what} is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// What is damaged.
        what: &'static str,
        /// How it shows.
        reason: String,
    },
    /// Somebody else changed it first.
    #[error("FSP-S06 {what} was changed meanwhile (it is now version {current}): reload and decide again")]
    Conflict {
        /// What was to be changed.
        what: &'static str,
        /// The version it has now.
        current: u64,
    },
    /// There is no such thing, or the caller may not see it.
    #[error("FSP-S07 no such {0}")]
    NotFound(&'static str),
    /// There is already one of that name.
    #[error("FSP-S08 {what} `{name}` exists already: choose another name")]
    Exists {
        /// What was to be made.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The request asks for more than a request may.
    #[error("FSP-S09 {what}; {help}")]
    TooMuch {
        /// The limit that was hit.
        what: String,
        /// What to do.
        help: &'static str,
    },
    /// The query asks for something that is not there.
    #[error("FSP-S11 {}", .0.said())]
    Query(Fault),
    /// ClickHouse refused, or is not there.
    #[error(
        "FSP-S12 ClickHouse at {url}: {what} failed: {reason}; what was to be stored is kept and can be stored once the server answers, `fansipan doctor` looks at it"
    )]
    Remote {
        /// The server's address.
        url: String,
        /// What was tried.
        what: &'static str,
        /// What it said.
        reason: String,
    },
    /// ClickHouse does not answer, and this machine's own disk does not surely hold what was asked for.
    #[error(
        "FSP-S14 ClickHouse does not answer ({reason}), and only it holds all of that time; this machine's own disk has the events that \
         arrived since {since}: ask for younger ones, or start ClickHouse"
    )]
    Away {
        /// What the archive said.
        reason: String,
        /// First day that is surely here, or that there is none.
        since: String,
    },
    /// What was asked is not allowed as things stand.
    #[error("FSP-S13 {0}")]
    Refused(String),
    /// Another process holds the store.
    #[error("FSP-S10 {} is in use by another process: stop it first, or use the API", path.display())]
    Locked {
        /// What is held.
        path: PathBuf,
    },
}

/// Results of the stores.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl StoreError {
    /// The stable code, for machines and for the manual.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Io { .. } => "FSP-S01",
            StoreError::Index { .. } => "FSP-S02",
            StoreError::State { .. } => "FSP-S03",
            StoreError::Migration { .. } => "FSP-S04",
            StoreError::Damaged { .. } => "FSP-S05",
            StoreError::Conflict { .. } => "FSP-S06",
            StoreError::NotFound(_) => "FSP-S07",
            StoreError::Exists { .. } => "FSP-S08",
            StoreError::TooMuch { .. } => "FSP-S09",
            StoreError::Query(_) => "FSP-S11",
            StoreError::Refused(_) => "FSP-S13",
            StoreError::Locked { .. } => "FSP-S10",
            StoreError::Remote { .. } => "FSP-S12",
            StoreError::Away { .. } => "FSP-S14",
        }
    }

    /// What a remote store said, or the whole sentence.
    pub(crate) fn reason(&self) -> String {
        match self {
            StoreError::Remote { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> StoreError {
        let path = path.into();
        move |source| StoreError::Io { what, path, source }
    }

    pub(crate) fn index(index: &str, what: &'static str) -> impl FnOnce(tantivy::TantivyError) -> StoreError {
        let index = index.to_owned();
        move |source| StoreError::Index { index, what, source: Box::new(source) }
    }

    pub(crate) fn state(what: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
        move |source| StoreError::State { what, source }
    }
}
