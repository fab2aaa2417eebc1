//! What can go wrong, each with a stable code, what failed and what to do next. Never decides what to do about it.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use thiserror::Error;

/// Why the log could not do what was asked. Cheap to clone: one failure may be the answer to many batches.
#[derive(Clone, Debug, Error)]
pub enum BusError {
    /// A setting contradicts another.
    #[error("FSP-BUS-001: bus setting `{setting}` is unusable: {why}")]
    Config {
        /// Name of the setting.
        setting: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Another process (or another handle in this one) has the folder open.
    #[error("FSP-BUS-002: {dir} is in use by {holder}: stop that process, or give this one another data folder")]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// `process 1234`, or `another process` where the lock file does not tell.
        holder: String,
    },
    /// The operating system refused.
    #[error("FSP-BUS-003: cannot {action} {path}: {source}")]
    Io {
        /// Verb phrase: `open`, `read`…
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// A file was written by a newer program.
    #[error("FSP-BUS-004: {path} has format version {version}, newer than this program reads ({newest}): upgrade this node first")]
    Version {
        /// The file.
        path: PathBuf,
        /// Version found.
        version: u16,
        /// Newest version understood.
        newest: u16,
    },
    /// The batch cannot fit a segment.
    #[error("FSP-BUS-005: a batch of {bytes} bytes is larger than a segment takes ({limit}): split it, or raise segment_bytes")]
    TooLarge {
        /// Size of the batch on disk.
        bytes: u64,
        /// Largest size accepted.
        limit: u64,
    },
    /// The log could not take the batch within the time the caller was willing to wait. Nothing of it was kept.
    #[error("FSP-BUS-006: the log took nothing for {} ms ({reason}): send it again later", waited.as_millis())]
    Full {
        /// What is in the way, as in the alarm.
        reason: String,
        /// How long the batch waited.
        waited: Duration,
    },
    /// The log was closed, or its writing thread ended; nothing of the batch was acknowledged.
    #[error("FSP-BUS-007: the log is closed: send the batch again after the restart")]
    Closed,
    /// Records at this offset are no longer kept.
    #[error("FSP-BUS-008: offset {wanted} has expired, the oldest record kept is {oldest}: continue from there")]
    Expired {
        /// The offset asked for.
        wanted: u64,
        /// The oldest offset kept.
        oldest: u64,
    },
    /// No record was ever acknowledged at this offset.
    #[error(
        "FSP-BUS-009: offset {wanted} lies beyond the end of the log ({head}): the position belongs to another log, or the log lost its end"
    )]
    Ahead {
        /// The offset asked for.
        wanted: u64,
        /// The offset the next record will get.
        head: u64,
    },
    /// A name that is not `[a-z0-9._-]`, 1 to 64 characters, starting with a letter or digit.
    #[error("FSP-BUS-010: `{name}` is not a consumer name: use 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit")]
    ConsumerName {
        /// The name given.
        name: String,
    },
    /// Two handles of one consumer would overwrite each other's position.
    #[error("FSP-BUS-011: consumer `{name}` is already open in this process: close the other handle first")]
    ConsumerBusy {
        /// The name.
        name: String,
    },
    /// A sealed segment no longer holds what was sealed.
    #[error("FSP-BUS-012: {path} does not hold what was sealed: {what}; keep the file as evidence and restore it from a backup")]
    Altered {
        /// The segment file.
        path: PathBuf,
        /// The difference found.
        what: String,
    },
    /// The records of a batch are not what their lengths say.
    #[error("FSP-BUS-014: the buffer of the batch was cut while it was filled; nothing of it was appended: report this as a bug")]
    Malformed,
    /// A segment was closed and could not be sealed.
    #[error("FSP-BUS-015: not everything is sealed ({reason}): it is tried again every few seconds")]
    Unsealed {
        /// What failed, as in the alarm.
        reason: String,
    },
    /// Kafka, instead of the embedded log.
    #[error(transparent)]
    Kafka(#[from] crate::kafka::KafkaError),
    /// A side file that cannot be read.
    #[error("FSP-BUS-013: {path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl BusError {
    /// The stable code that also begins the text.
    pub fn code(&self) -> &'static str {
        match self {
            BusError::Config { .. } => "FSP-BUS-001",
            BusError::Locked { .. } => "FSP-BUS-002",
            BusError::Io { .. } => "FSP-BUS-003",
            BusError::Version { .. } => "FSP-BUS-004",
            BusError::TooLarge { .. } => "FSP-BUS-005",
            BusError::Full { .. } => "FSP-BUS-006",
            BusError::Closed => "FSP-BUS-007",
            BusError::Expired { .. } => "FSP-BUS-008",
            BusError::Ahead { .. } => "FSP-BUS-009",
            BusError::ConsumerName { .. } => "FSP-BUS-010",
            BusError::ConsumerBusy { .. } => "FSP-BUS-011",
            BusError::Altered { .. } => "FSP-BUS-012",
            BusError::Damaged { .. } => "FSP-BUS-013",
            BusError::Malformed => "FSP-BUS-014",
            BusError::Unsealed { .. } => "FSP-BUS-015",
            BusError::Kafka(_) => "FSP-KFK",
        }
    }

    /// Wraps a failed file operation: `map_err(BusError::io("open", path))`.
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> BusError {
        let path = path.to_owned();
        move |source| BusError::Io { action, path, source: Arc::new(source) }
    }
}
