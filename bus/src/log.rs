//! What all parts of the log share: segments, the durable end, consumers, alarms. State only; no file is touched here.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
};

use crate::{
    config::{BusConfig, Limits},
    format,
    host::Host,
    positions::Positions,
    queue::Queue,
    scan::Index,
    status::{Alarm, AlarmKind, ConsumerStatus, Counters, Lost, SegmentStatus},
};

/// Losses listed in the status.
const LOST_LIST: usize = 1000;

/// How far a segment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Being written.
    Open,
    /// Full, waiting for its seal.
    Closed,
    /// Sealed.
    Sealed {
        /// Merkle root.
        root: [u8; 32],
        /// Hash of the seal file, which the next seal names.
        id: [u8; 32],
    },
    /// Cannot be read; its records are reported lost.
    Broken,
}

/// One segment as readers see it: nothing beyond `length` is durable.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) base: u64,
    pub(crate) next: u64,
    pub(crate) salt: u64,
    /// Durable bytes of the file.
    pub(crate) length: u64,
    pub(crate) records: u64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    pub(crate) index: Index,
    pub(crate) phase: Phase,
    pub(crate) seal_bytes: u64,
}

impl Segment {
    /// An empty one.
    pub(crate) fn new(head: format::SegmentHead) -> Self {
        Self {
            base: head.base,
            next: head.base,
            salt: head.salt,
            length: format::SEGMENT_HEADER as u64,
            records: 0,
            first_at: 0,
            last_at: 0,
            index: Index::default(),
            phase: Phase::Open,
            seal_bytes: 0,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.length + self.seal_bytes
    }
}

/// A registered consumer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Registered {
    /// What it last committed.
    pub(crate) committed: u64,
    /// What of that is on disk: retention goes by this.
    pub(crate) durable: u64,
    pub(crate) open: bool,
}

/// Where to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) base: u64,
    pub(crate) next: u64,
    pub(crate) salt: u64,
    pub(crate) length: u64,
    /// A batch boundary at or before the offset asked for, and that batch's first offset.
    pub(crate) start: (u64, u64),
}

/// Answer to "where is this offset".
#[derive(Clone, Copy, Debug)]
pub(crate) enum Located {
    Here(Spot),
    /// Not there; the next record is at this offset.
    Jump(u64),
    /// Not written yet.
    End,
}

/// The shared state behind one lock.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) segments: VecDeque<Segment>,
    pub(crate) head: u64,
    pub(crate) bytes: u64,
    pub(crate) consumers: BTreeMap<String, Registered>,
    pub(crate) alarms: BTreeMap<AlarmKind, Alarm>,
    pub(crate) lost: VecDeque<Lost>,
    pub(crate) counters: Counters,
    /// The aged segment that the committer was asked to close.
    pub(crate) rolling: Option<u64>,
    /// Somebody waits for seals: they are tried now, though they failed a moment ago.
    pub(crate) seal_now: bool,
    /// How often upkeep has failed.
    pub(crate) upkeep_failures: u64,
    /// Something for the keeper to do now.
    pub(crate) chores: bool,
    pub(crate) closed: bool,
}

impl Log {
    /// Oldest offset kept.
    pub(crate) fn oldest(&self) -> u64 {
        self.segments.front().map_or(self.head, |s| s.base)
    }

    pub(crate) fn segment_mut(&mut self, base: u64) -> Option<&mut Segment> {
        let at = self.segments.partition_point(|s| s.base < base);
        self.segments.get_mut(at).filter(|s| s.base == base)
    }

    /// Id of the seal before the segment at `base`; zero if there is none.
    pub(crate) fn seal_before(&self, base: u64) -> [u8; 32] {
        let before = self.segments.iter().rev().skip_while(|s| s.base >= base);
        before.filter_map(|s| if let Phase::Sealed { id, .. } = s.phase { Some(id) } else { None }).next().unwrap_or_default()
    }

    /// Where the record with this offset is.
    pub(crate) fn locate(&self, offset: u64) -> Located {
        if offset >= self.head {
            return Located::End;
        }
        let after = self.segments.partition_point(|s| s.base <= offset);
        let holder = after.checked_sub(1).and_then(|i| self.segments.get(i));
        let jump = || self.segments.get(after).map_or(Located::Jump(self.head), |s| Located::Jump(s.base));
        match holder.filter(|s| offset < s.next) {
            Some(s) if s.phase == Phase::Broken => Located::Jump(s.next),
            Some(s) => {
                let start = s.index.find(offset).unwrap_or((s.base, format::SEGMENT_HEADER as u64));
                Located::Here(Spot { base: s.base, next: s.next, salt: s.salt, length: s.length, start })
            }
            None => jump(),
        }
    }

    /// Consumers whose durable position is not beyond the oldest segment.
    pub(crate) fn laggards(&self) -> Vec<&str> {
        let Some(oldest) = self.segments.front() else { return Vec::new() };
        self.consumers.iter().filter(|(_, c)| c.durable < oldest.next).map(|(n, _)| n.as_str()).collect()
    }

    /// Raises an alarm; logs it the first time.
    pub(crate) fn raise(&mut self, kind: AlarmKind, message: String, now: i64) {
        let since = match self.alarms.get(&kind) {
            Some(standing) => standing.since,
            None => {
                tracing::error!(alarm = ?kind, "{message}");
                now
            }
        };
        self.alarms.insert(kind, Alarm { kind, message, since });
    }

    /// Ends an alarm; logs that, if it stood.
    pub(crate) fn settle(&mut self, kind: AlarmKind) {
        if let Some(alarm) = self.alarms.remove(&kind) {
            tracing::info!(alarm = ?kind, "the log is well again after: {}", alarm.message);
        }
    }

    /// Notes missing offsets; `false` if they were noted before.
    pub(crate) fn note_lost(&mut self, lost: Lost) -> bool {
        if self.lost.iter().any(|l| l.from <= lost.from && lost.to <= l.to) {
            return false;
        }
        self.counters.lost += lost.to - lost.from;
        let message = format!(
            "records {} to {} of segment {} {}: restore the segment from a backup, or ask the senders for that time again",
            lost.from,
            lost.to - 1,
            format::segment_name(lost.segment),
            if lost.certain { "are damaged on disk and lost" } else { "did not reach the disk before a crash" },
        );
        if lost.certain {
            self.raise(AlarmKind::RecordsLost, message, lost.found_at);
        } else {
            tracing::warn!("{message}");
        }
        if self.lost.len() == LOST_LIST {
            self.lost.pop_front();
        }
        self.lost.push_back(lost);
        true
    }

    pub(crate) fn consumer_statuses(&self) -> Vec<ConsumerStatus> {
        let status = |(name, c): (&String, &Registered)| ConsumerStatus {
            name: name.clone(),
            committed: c.committed,
            lag: self.head.saturating_sub(c.committed),
            open: c.open,
        };
        self.consumers.iter().map(status).collect()
    }

    pub(crate) fn segment_statuses(&self) -> Vec<SegmentStatus> {
        let status = |s: &Segment| SegmentStatus {
            first_offset: s.base,
            end_offset: s.next,
            records: s.records,
            bytes: s.bytes(),
            first_at: s.first_at,
            last_at: s.last_at,
            root: if let Phase::Sealed { root, .. } = s.phase { Some(hex::encode(root)) } else { None },
        };
        self.segments.iter().map(status).collect()
    }
}

/// Everything the handle, the consumers and the two threads hold in common. Of its locks at most `positions`, then `log`, are
/// held together.
pub(crate) struct Shared {
    pub(crate) config: BusConfig,
    pub(crate) limits: Limits,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) queue: Queue,
    pub(crate) log: Mutex<Log>,
    pub(crate) positions: Mutex<Positions>,
    /// The durable end moved, or the log was closed.
    pub(crate) arrived: Condvar,
    /// `chores` or `closed` was set, or a segment was sealed.
    pub(crate) chores: Condvar,
}

impl Shared {
    pub(crate) fn path(&self, base: u64) -> PathBuf {
        self.config.dir.join(format::segment_name(base))
    }

    /// Has the keeper look around now.
    pub(crate) fn call_keeper(&self) {
        crate::sync::locked(&self.log).chores = true;
        self.chores.notify_all();
    }
}
