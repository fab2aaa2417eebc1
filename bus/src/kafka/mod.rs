//! The bus of a distributed deployment: Apache Kafka through librdkafka. Bytes only; what a record means is a codec's business.
//!
//! Exactly once from end to end: whatever is written is written in transactions of an idempotent producer (`acks=all`, zstd),
//! together with the position of what it was made of; readers see what is committed, nothing else. So a process that is killed
//! anywhere leaves either both or neither.
//!
//! - [`settings`][]: brokers, names, TLS, SASL, as in the configuration file;
//! - [`topics`][]: which topics there are, created and checked;
//! - [`spool`][]: appended records wait on disk until Kafka has them; the collector's way in;
//! - [`writer`][]: transactions;
//! - [`reader`][]: a member of a consumer group, cooperative and sticky;
//! - [`group`][]: what the members of a group noted beside their positions;
//! - [`table`][]: the latest value of each key of a compacted topic;
//! - [`tail`][]: a partition from now on, for whoever waits for an answer;
//! - [`lag`][]: how far groups are behind.

pub mod error;
pub mod group;
pub mod lag;
pub mod reader;
pub mod settings;
pub mod spool;
pub mod table;
pub mod tail;
pub mod topics;
pub mod writer;

mod context;

pub use error::KafkaError;
pub use group::Group;
pub use reader::{Owner, Reader};
pub use settings::Settings;
pub use spool::{Encode, Entry, Spool, SpoolStatus};
pub use tail::Tail;
pub use topics::{Names, Topics};
pub use writer::{Outgoing, Position, Writer};
