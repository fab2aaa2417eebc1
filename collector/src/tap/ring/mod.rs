//! The packet ring: the latest frames of an interface on disk, bounded in bytes and in age, found again by the flow they belong to.
//!
//! A ring is a folder of segments. A segment is a pcapng file of its own (nanoseconds, one interface) with an index beside it, written
//! when the segment is done: the community id of each flow in it, with the places of its frames. A segment without an index (the one
//! being written, the one a crash left) is read through instead, as far as it is whole. Writing ([`Ring`]) and reading ([`find`]) know
//! each other by the files alone, so that packets can be read while others are written, and on a machine that captures nothing.

mod find;
mod index;
mod names;
mod segment;
mod writer;

use std::path::{Path, PathBuf};

pub use find::{Limits, Place, Wanted, find};
pub use names::FlowName;
pub use writer::{Kept, Ring};

/// How much a ring keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of all segments and indexes.
    pub bytes: u64,
    /// Age beyond which frames go, nanoseconds.
    pub age: i64,
    /// Bytes of one flow that are kept; what follows is counted.
    pub flow_bytes: u64,
    /// Free bytes of the disk that the ring leaves to others.
    pub free_bytes: u64,
    /// Bytes of one segment.
    pub segment_bytes: u64,
}

/// A flow that was silent for so long is over, nanoseconds.
const SILENCE: i64 = 300_000_000_000;

/// Where the ring of an interface lies below the data folder.
pub fn folder(data: &Path, interface: &str) -> PathBuf {
    data.join("packets").join(interface)
}
