//! Settings of the log. Checked once, on open.

use std::{path::PathBuf, time::Duration};

use crate::{error::BusError, format};

/// Where the log lives and how much it keeps.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// Folder of the log; created if absent. One process at a time.
    pub dir: PathBuf,
    /// Size at which a segment is sealed, bytes (at least 4 KiB). No batch may be larger.
    pub segment_bytes: u64,
    /// Most bytes kept on disk (at least four segments). Reached while a consumer lags, appends wait.
    pub max_bytes: u64,
    /// Age of its last record at which a sealed segment that every consumer has passed is deleted.
    pub max_age: Duration,
    /// Longest time a batch waits for others to share its fsync. A lone batch never waits.
    pub flush_interval: Duration,
    /// Free bytes of the file system below which nothing more is written.
    pub min_free_bytes: u64,
}

impl BusConfig {
    /// 64 MiB segments, 10 GiB or 7 days kept, 5 ms of coalescing, 512 MiB left free.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_bytes: 64 << 20,
            max_bytes: 10 << 30,
            max_age: Duration::from_secs(7 * 24 * 3600),
            flush_interval: Duration::from_millis(5),
            min_free_bytes: 512 << 20,
        }
    }

    pub(crate) fn check(&self) -> Result<(), BusError> {
        let smallest = format::SMALLEST_SEGMENT;
        if self.segment_bytes < smallest || self.segment_bytes > format::LARGEST_SEGMENT {
            let why = format!("{} is not between {smallest} and {}", self.segment_bytes, format::LARGEST_SEGMENT);
            return Err(BusError::Config { setting: "segment_bytes", why });
        }
        if self.max_bytes / 4 < self.segment_bytes {
            let why = format!("{} is less than four segments of {} bytes", self.max_bytes, self.segment_bytes);
            return Err(BusError::Config { setting: "max_bytes", why });
        }
        Ok(())
    }
}

/// How long the log makes a producer wait when it cannot take more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As long as it takes: for senders that can be slowed down (TCP, files).
    Forever,
    /// At most this long from the call to durability, then [`BusError::Full`]: for senders that can be told to come back (HTTP).
    AtMost(Duration),
}

/// Bounds of memory and of waiting. The defaults suit one machine of any size.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of batches that may wait for the disk before producers are held back.
    pub queue_bytes: usize,
    /// Patience of a batch that does not say otherwise.
    pub patience: Patience,
    /// Idempotency keys remembered (about 100 bytes of memory each); the oldest are forgotten first.
    pub max_keys: usize,
    /// Age at which a segment is sealed though it is not full, so that a quiet log still gets its proofs.
    pub seal_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue_bytes: 32 << 20,
            patience: Patience::AtMost(Duration::from_secs(30)),
            max_keys: 1_000_000,
            seal_after: Duration::from_secs(3600),
        }
    }
}
