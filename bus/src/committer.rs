//! The one thread that writes segments. It makes groups of batches durable with one write and one sync each, and acknowledges
//! them only then. Never retries a failed sync: what a file holds after one is unknown, so it goes on in a new segment.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    error::BusError,
    format::{self, Place, SEGMENT_HEADER, SegmentHead},
    host::{HostFile, is_full, write_full},
    log::{Log, Phase, Segment, Shared},
    queue::{GROUP_BYTES, Queued, Work},
    status::AlarmKind,
    sync::locked,
};

/// Shortest and longest pause between attempts while nothing can be written.
const RETRY: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(200));

/// The segment being written.
pub(crate) struct Active {
    pub(crate) base: u64,
    pub(crate) salt: u64,
    pub(crate) file: Box<dyn HostFile>,
    /// Durable bytes.
    pub(crate) length: u64,
}

/// Why a group could not be written now.
enum Stall {
    /// No room on the file system.
    Disk(String),
    /// `max_bytes` is reached; these consumers hold the oldest segment (none: it is about to be deleted).
    Log(Vec<String>),
    /// Write or sync failed.
    Failed(String),
}

impl Stall {
    fn of(action: &str, error: &io::Error) -> Stall {
        if is_full(error) {
            Stall::Disk(format!("cannot {action}: {error}; free some space, writing resumes by itself"))
        } else {
            Stall::Failed(format!("cannot {action}: {error}; check the disk, writing is tried again in a new segment"))
        }
    }

    fn alarm(&self) -> Option<(AlarmKind, String)> {
        match self {
            Stall::Disk(text) => Some((AlarmKind::DiskFull, format!("the disk is full: {text}"))),
            Stall::Log(names) if names.is_empty() => None,
            Stall::Log(names) => {
                let text = format!(
                    "the log is full: max_bytes is reached and {} has not done with the oldest records; nothing is lost, senders wait until it has",
                    names.join(" and ")
                );
                Some((AlarmKind::LogFull, text))
            }
            Stall::Failed(text) => Some((AlarmKind::WriteFailed, text.clone())),
        }
    }
}

/// See the module.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    active: Option<Active>,
    /// Offset of the next record.
    next: u64,
    buffer: Vec<u8>,
    /// Batches in the last group, and when it was done.
    last: (usize, Instant),
}

/// Refuses what is queued when the thread ends for whatever reason: nobody may wait for a writer that is gone.
struct LastWord(Arc<Shared>);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>, active: Option<Active>, next: u64) -> Self {
        Self { shared, active, next, buffer: Vec::new(), last: (0, Instant::now()) }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let _last_word = LastWord(self.shared.clone());
        let mut group = Vec::new();
        loop {
            // Company is worth waiting for only if there was some just before; a lone sender is served at once.
            let (last, done) = self.last;
            let company = if last > 1 { last } else { 1 };
            let until = done + self.shared.config.flush_interval;
            let room = self.room();
            match self.shared.queue.take(company, until, room, &mut group) {
                Work::Group => self.commit(&mut group),
                Work::NoRoom => self.close_active(),
                Work::Roll(slot) => {
                    self.close_active();
                    slot.resolve(Ok(self.next));
                }
                Work::Ended => return,
            }
        }
    }

    fn room(&self) -> u64 {
        let whole = self.shared.config.segment_bytes - SEGMENT_HEADER as u64;
        match &self.active {
            Some(active) if active.base < self.next => self.shared.config.segment_bytes.saturating_sub(active.length),
            _ => whole,
        }
    }

    /// Leaves the segment to the keeper, unless it is empty.
    fn close_active(&mut self) {
        let Some(active) = self.active.take_if(|a| a.base < self.next) else { return };
        if let Some(segment) = locked(&self.shared.log).segment_mut(active.base) {
            segment.phase = Phase::Closed;
        }
        self.shared.call_keeper();
    }

    /// Makes the group durable, however long that takes; what loses patience meanwhile is refused.
    fn commit(&mut self, group: &mut Vec<Queued>) {
        let mut pause = RETRY.0;
        while !group.is_empty() {
            match self.attempt(group) {
                Ok(at) => {
                    self.last = (group.len(), Instant::now());
                    let first = self.publish(group, at);
                    self.shared.queue.complete(group, first);
                    return;
                }
                Err(stall) => {
                    let reason = self.sound(&stall);
                    self.shared.call_keeper();
                    self.shared.queue.stall(group, &reason, pause);
                    pause = RETRY.1.min(pause * 2);
                }
            }
        }
    }

    /// Raises the alarm for a stall and ends those that no longer hold.
    fn sound(&self, stall: &Stall) -> String {
        let now = self.shared.host.now();
        let mut log = locked(&self.shared.log);
        let alarm = stall.alarm();
        for kind in WRITING {
            if alarm.as_ref().is_none_or(|(k, _)| *k != kind) {
                log.settle(kind);
            }
        }
        match alarm {
            Some((kind, message)) => {
                log.raise(kind, message.clone(), now);
                message
            }
            None => "the log is full and its oldest segment is being deleted".to_owned(),
        }
    }

    /// Writes and syncs the group. Returns the time that stands in its batches.
    fn attempt(&mut self, group: &[Queued]) -> Result<i64, Stall> {
        let bytes: u64 = group.iter().map(|q| q.size).sum();
        self.check_room(bytes)?;
        let active = match self.active.take() {
            Some(active) => active,
            None => self.create()?,
        };
        let active = self.active.insert(active);
        let at = self.shared.host.now();
        self.buffer.clear();
        let mut base = self.next;
        for queued in group {
            let group_before = u32::try_from(base - self.next).unwrap_or(u32::MAX);
            format::encode_batch(&queued.batch, queued.crc, Place { base, group_before, at, salt: active.salt }, &mut self.buffer);
            base += queued.batch.len() as u64;
        }
        let written = write_full(&*active.file, &self.buffer, active.length);
        if let Err(error) = written {
            locked(&self.shared.log).counters.write_errors += 1;
            // A full disk leaves the segment usable once the half-written group is cut off. Any other error leaves doubt.
            if !is_full(&error) || active.file.truncate(active.length).is_err() {
                self.abandon_active();
            }
            return Err(Stall::of("write to the log", &error));
        }
        if let Err(error) = active.file.sync() {
            locked(&self.shared.log).counters.sync_errors += 1;
            self.abandon_active();
            return Err(Stall::of("sync the log", &error));
        }
        // A batch may be as large as a segment; the memory is for ordinary groups.
        self.buffer.shrink_to(2 * GROUP_BYTES as usize);
        Ok(at)
    }

    fn check_room(&self, bytes: u64) -> Result<(), Stall> {
        let config = &self.shared.config;
        if let Ok(free) = self.shared.host.free_bytes(&config.dir)
            && free < config.min_free_bytes.saturating_add(bytes)
        {
            let text = format!(
                "{free} bytes are free on {}, {} are kept free; free some space, writing resumes by itself",
                config.dir.display(),
                config.min_free_bytes
            );
            return Err(Stall::Disk(text));
        }
        let log = locked(&self.shared.log);
        if log.bytes.saturating_add(bytes + SEGMENT_HEADER as u64) > config.max_bytes {
            return Err(Stall::Log(log.laggards().into_iter().map(str::to_owned).collect()));
        }
        Ok(())
    }

    /// Creates the segment for the next record; durable, with its name, before anything in it is acknowledged.
    fn create(&self) -> Result<Active, Stall> {
        let host = &*self.shared.host;
        let path = self.shared.path(self.next);
        let salt = getrandom::u64().map_err(|e| Stall::of("draw a random number", &io::Error::other(e)))?;
        let head = SegmentHead { salt, base: self.next, created_at: host.now() };
        let created = host.create(&path);
        let taken = created.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::AlreadyExists);
        if taken && locked(&self.shared.log).segment_mut(self.next).is_none() {
            // Left by an attempt that could not even clean up: nothing at or beyond the end of the log was ever acknowledged.
            let _ = host.remove(&path);
        }
        let file = created.map_err(|e| Stall::of("create a segment", &e))?;
        let begun = write_full(&*file, &head.encode(), 0).and_then(|()| file.sync()).and_then(|()| host.sync_dir(&self.shared.config.dir));
        if let Err(error) = begun {
            let _ = host.remove(&path);
            return Err(Stall::of("begin a segment", &error));
        }
        let mut log = locked(&self.shared.log);
        let segment = Segment::new(head);
        log.bytes += segment.bytes();
        log.segments.push_back(segment);
        Ok(Active { base: self.next, salt, file, length: SEGMENT_HEADER as u64 })
    }

    /// Ends the segment at its last durable byte. Whatever else is in the file has offsets of the next segment, so readers
    /// pass over it even if it cannot be cut off.
    fn abandon_active(&mut self) {
        let Some(active) = self.active.take() else { return };
        let cut = active.file.truncate(active.length);
        if let Err(error) = cut {
            tracing::warn!(segment = active.base, %error, "a half-written group stays at the end of the segment; it does not count");
        }
        if active.base < self.next {
            self.active = Some(active);
            self.close_active();
            return;
        }
        // Empty: the next segment has the same name, so this one has to go.
        let mut log = locked(&self.shared.log);
        if let Some(dropped) = log.segments.pop_back_if(|s| s.base == active.base) {
            log.bytes = log.bytes.saturating_sub(dropped.bytes());
        }
        drop(log);
        if let Err(error) = self.shared.host.remove(&self.shared.path(active.base)) {
            tracing::warn!(segment = active.base, %error, "an empty segment cannot be deleted");
        }
    }

    /// Shows the group to readers. Returns its first offset.
    fn publish(&mut self, group: &[Queued], at: i64) -> u64 {
        let first = self.next;
        let Some(active) = &mut self.active else { return first };
        let mut log = locked(&self.shared.log);
        let before = log.counters;
        if let Some(segment) = log.segment_mut(active.base) {
            if segment.records == 0 {
                segment.first_at = at;
            }
            segment.last_at = at;
            for queued in group {
                segment.index.note(self.next, active.length);
                let count = queued.batch.len() as u64;
                self.next += count;
                active.length += queued.size;
                segment.records += count;
            }
            segment.next = self.next;
            segment.length = active.length;
        }
        let bytes = self.buffer.len() as u64;
        log.counters.records = before.records + (self.next - first);
        log.counters.batches = before.batches + group.len() as u64;
        log.counters.bytes = before.bytes + bytes;
        log.counters.commits = before.commits + 1;
        log.bytes += bytes;
        log.head = self.next;
        settle_all(&mut log);
        drop(log);
        self.shared.arrived.notify_all();
        first
    }
}

const WRITING: [AlarmKind; 3] = [AlarmKind::DiskFull, AlarmKind::LogFull, AlarmKind::WriteFailed];

fn settle_all(log: &mut Log) {
    if !log.alarms.is_empty() {
        WRITING.into_iter().for_each(|kind| log.settle(kind));
    }
}

/// Starts the thread.
pub(crate) fn spawn(committer: Committer) -> Result<std::thread::JoinHandle<()>, BusError> {
    let dir = committer.shared.config.dir.clone();
    std::thread::Builder::new()
        .name("bus-commit".to_owned())
        .spawn(move || committer.run())
        .map_err(BusError::io("start the writer of", &dir))
}
