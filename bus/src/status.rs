//! What the log says about itself, for people and for the API. Plain data.

use serde::Serialize;

/// What keeps the log from doing its work. One of each kind at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// No room on the file system; nothing is written until there is.
    DiskFull,
    /// `max_bytes` is reached and a consumer has not read the oldest records; nothing is written until it has.
    LogFull,
    /// The disk refuses writes or syncs; every attempt goes to a new segment.
    WriteFailed,
    /// Acknowledged records were found missing or changed.
    RecordsLost,
    /// A file of the log is not as it was written (see [`Recovery::damaged`]).
    FilesDamaged,
    /// Positions of consumers cannot be made durable; after a restart records would be read again.
    PositionsFailed,
    /// Full segments cannot be sealed or expired ones deleted.
    UpkeepFailed,
}

/// An alarm that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// What kind of trouble.
    pub kind: AlarmKind,
    /// What failed and what to do.
    pub message: String,
    /// Since when, UTC nanoseconds.
    pub since: i64,
}

/// Offsets whose records cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// First missing offset.
    pub from: u64,
    /// Offset after the last missing one.
    pub to: u64,
    /// First offset of the segment they should be in.
    pub segment: u64,
    /// Whether they had been acknowledged for sure. If not, they may be part of a last write that a power failure cut short.
    pub certain: bool,
    /// When this was noticed, UTC nanoseconds.
    pub found_at: i64,
}

/// One consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsumerStatus {
    /// Its name.
    pub name: String,
    /// Offset it will read next after a restart.
    pub committed: u64,
    /// Records between that and the end of the log.
    pub lag: u64,
    /// Whether a handle is open.
    pub open: bool,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SegmentStatus {
    /// Offset of its first record.
    pub first_offset: u64,
    /// Offset after its last record.
    pub end_offset: u64,
    /// Records in it.
    pub records: u64,
    /// Bytes on disk, its seal included.
    pub bytes: u64,
    /// Time of the first append, UTC nanoseconds; 0 while empty.
    pub first_at: i64,
    /// Time of the last append, UTC nanoseconds; 0 while empty.
    pub last_at: i64,
    /// Merkle root, hexadecimal, once sealed.
    pub root: Option<String>,
}

/// Counters since the log was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Records made durable.
    pub records: u64,
    /// Batches made durable.
    pub batches: u64,
    /// Bytes written to segments.
    pub bytes: u64,
    /// Group commits, each one sync.
    pub commits: u64,
    /// Batches answered from their idempotency key.
    pub duplicates: u64,
    /// Batches refused because the log took nothing for longer than they would wait.
    pub refused: u64,
    /// Failed writes.
    pub write_errors: u64,
    /// Failed syncs; each one ended a segment.
    pub sync_errors: u64,
    /// Offsets found missing.
    pub lost: u64,
    /// Segments deleted because they had expired.
    pub expired_segments: u64,
}

/// The log at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BusStatus {
    /// Oldest offset kept.
    pub oldest: u64,
    /// Offset the next record will get; everything before it is durable.
    pub head: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Most bytes it may take.
    pub max_bytes: u64,
    /// Bytes free on the file system, if it tells.
    pub free_bytes: Option<u64>,
    /// Bytes of batches that wait for the disk.
    pub queued_bytes: u64,
    /// Idempotency keys remembered.
    pub keys: u64,
    /// Every registered consumer, by name.
    pub consumers: Vec<ConsumerStatus>,
    /// Standing alarms, the most urgent first; empty is well.
    pub alarms: Vec<Alarm>,
    /// Latest losses noticed (at most 1,000), oldest first.
    pub lost: Vec<Lost>,
    /// Segments, oldest first.
    pub segments: Vec<SegmentStatus>,
    /// Counters since the log was opened.
    pub counters: Counters,
}

impl BusStatus {
    /// The most urgent alarm.
    pub fn alarm(&self) -> Option<&Alarm> {
        self.alarms.first()
    }
}

/// What opening the log found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// Oldest offset kept.
    pub oldest: u64,
    /// Offset the next record will get.
    pub head: u64,
    /// Segments found.
    pub segments: usize,
    /// Bytes of an unfinished write cut off the end. Nothing of it had been acknowledged, unless the disk damaged its own tail.
    pub torn_bytes: u64,
    /// Offsets missing between records that are there.
    pub lost: Vec<Lost>,
    /// Files that are not as they were written, in words. Nothing was deleted because of it.
    pub damaged: Vec<String>,
}

impl Recovery {
    /// Whether nothing acknowledged is missing or changed. A torn end is clean: a crash leaves it.
    pub fn is_clean(&self) -> bool {
        self.lost.iter().all(|l| !l.certain) && self.damaged.is_empty()
    }
}
