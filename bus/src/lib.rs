//! The durable at-least-once log between those who collect and those who analyse and store.
//!
//! Producers append batches of records and get a [`Ticket`]; it resolves when the batch is on disk, never earlier. Consumers
//! read from positions of their own and commit how far they have come. Records are bytes here: this crate knows no events.
//!
//! Invariants:
//! - Acknowledged means synced. After a failed sync nothing in that file is acknowledged any more; writing goes on in a new one.
//! - Nothing unread is deleted. When the disk or the log is full, producers wait, then are refused; an alarm says so.
//! - An offset is given once. Offsets are dense; a hole is a loss, and every loss is counted, listed and logged.
//! - Memory is bounded: by the queue, by the number of keys, by one segment's largest batch per reader.
//!
//! ```text
//! DIR/LOCK                              kernel lock and process number of the one that has the log open
//! DIR/00000000000000000000.seg          a segment: see `format`
//! DIR/00000000000000000000.seal         its seal, once it is full: see `seal`
//! DIR/consumers/analyzer.pos            position of a consumer: see `positions`
//! ```
//!
//! Everything said here is about the embedded log; [`kafka`] is the bus of a distributed deployment, [`Sink`] and [`Source`] what
//! both have in common.
//!
//! Two threads per log: `committer` writes and syncs, `keeper` seals, expires and stores positions. Producers and consumers
//! run on their callers' threads. `host` is the only door to the file system.
//!
//! ```
//! use fansipan_bus::{BusConfig, BusError, EmbeddedBus};
//! use std::time::Duration;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! let mut config = BusConfig::new(folder.path());
//! # config.min_free_bytes = 0;
//! let (bus, recovery) = EmbeddedBus::open(config)?;
//! assert!(recovery.is_clean());
//! let mut batch = bus.batch();
//! batch.push(b"first");
//! batch.push(b"second");
//! assert_eq!(bus.append(batch)?.wait()?.first_offset(), 0);
//!
//! let mut reader = bus.consumer("reader")?;
//! let records = reader.poll(100, 1 << 20, Duration::from_secs(1))?;
//! let done = records.next_offset();
//! assert_eq!(records.collect::<Vec<_>>(), [(0, &b"first"[..]), (1, b"second")]);
//! reader.commit(done)?;
//! # Ok::<(), BusError>(())
//! ```

mod batch;
mod bus;
mod committer;
mod config;
mod consumer;
mod error;
mod format;
mod host;
mod inclusion;
pub mod kafka;
mod keeper;
mod keys;
mod log;
pub mod merkle;
mod ports;
mod positions;
mod queue;
mod records;
mod recovery;
mod scan;
mod seal;
mod status;
mod sync;
#[cfg(test)]
mod tests;
mod ticket;

pub use batch::Batch;
pub use bus::EmbeddedBus;
pub use config::{BusConfig, Limits, Patience};
pub use consumer::{Commits, Consumer};
pub use error::BusError;
pub use inclusion::{Included, Inclusion};
pub use ports::{Delivery, Pending, Sink, Source};
pub use records::Records;
pub use seal::{Proof, read_seal, sealed_segments, verify_segment};
pub use status::{Alarm, AlarmKind, BusStatus, ConsumerStatus, Counters, Lost, Recovery, SegmentStatus};
pub use ticket::{Receipt, Ticket};
