//! What can go wrong with Kafka, each with a stable code, what failed and what to do next.

use std::path::PathBuf;

use thiserror::Error;

/// Why Kafka did not do what was asked.
#[derive(Clone, Debug, Error)]
pub enum KafkaError {
    /// A setting is missing or contradicts another.
    #[error("FSP-KFK-001: [kafka] {setting} {problem}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// A file with a secret cannot be read.
    #[error("FSP-KFK-002: cannot read {path}, named by [kafka] {setting}: {reason}")]
    Secret {
        /// Name of the setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The broker, or the library, refused.
    #[error("FSP-KFK-003: Kafka: cannot {action}: {source}. It is tried again; is the broker up, and may this user do it?")]
    Client {
        /// Verb phrase.
        action: &'static str,
        /// The library's reason.
        source: rdkafka::error::KafkaError,
    },
    /// Another process writes under the same name.
    #[error(
        "FSP-KFK-004: another process runs under the name `{name}`, or this one was away for too long: give each role of each machine a [kafka] name of its own"
    )]
    Fenced {
        /// The transactional id.
        name: String,
    },
    /// A topic that must be there is not.
    #[error("FSP-KFK-005: topic {topic} {problem}: run `fansipan doctor --fix`, or have it created")]
    Topic {
        /// Its name.
        topic: String,
        /// What is wrong.
        problem: String,
    },
    /// A partition cannot be taken over: where to go on is not known.
    #[error("FSP-KFK-011: partition {partition} of {topic} cannot be taken over: {reason}. It is tried again; is the broker up?")]
    Takeover {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// What could not be read.
        reason: String,
    },
    /// The group moved while a transaction was open: what was read is read again, maybe by another.
    #[error("FSP-KFK-012: the group of {topic} has given partitions to others meanwhile; what was in hand is done again")]
    Moved {
        /// The topic.
        topic: String,
    },
    /// The records before were deleted unread.
    #[error(
        "FSP-KFK-006: partition {partition} of {topic} begins at {oldest}, and was read up to {wanted} only: {} records expired unread; keep them longer",
        oldest.saturating_sub(*wanted)
    )]
    Expired {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// What should come next.
        wanted: u64,
        /// What is there.
        oldest: u64,
    },
}

impl KafkaError {
    /// Wraps an error of the library: `map_err(KafkaError::client("begin a transaction"))`.
    pub(crate) fn client(action: &'static str) -> impl Fn(rdkafka::error::KafkaError) -> KafkaError {
        move |source| KafkaError::Client { action, source }
    }
}
