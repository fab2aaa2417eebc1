//! Opens what an earlier run left behind: cuts an unfinished write off the end, steps over damage in the middle and says
//! what is missing. Never deletes a record that can be read, and never gives an offset twice that a consumer has seen.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    committer::Active,
    config::BusConfig,
    error::BusError,
    format::{self, BATCH_HEADER, BatchHead, HeadError, SEGMENT_EXTENSION, SEGMENT_HEADER, SegmentHead, u64_at},
    host::{Host, HostFile, read_full, write_full},
    keys::Keys,
    log::{Log, Phase, Registered, Segment},
    positions::Positions,
    scan::{Bounds, Gap, scan},
    seal::{self, SEAL_EXTENSION, Seal},
    status::{AlarmKind, Lost, Recovery},
};

/// An opened folder.
pub(crate) struct Opened {
    pub(crate) log: Log,
    pub(crate) keys: Keys,
    pub(crate) positions: Positions,
    pub(crate) active: Option<Active>,
    pub(crate) recovery: Recovery,
}

/// Work in progress.
struct Opening<'a> {
    host: &'a dyn Host,
    config: &'a BusConfig,
    /// The furthest any consumer has come: everything before was durable.
    furthest: u64,
    log: Log,
    keys: Keys,
    active: Option<Active>,
    recovery: Recovery,
    now: i64,
}

/// What is known of an unsealed segment file before it is read through.
struct Tail {
    /// Bytes of the file.
    length: u64,
    /// Whether its header is sound.
    whole: bool,
}

/// What the header of a segment file, or its substitutes, told.
enum Header {
    Sound(SegmentHead),
    /// Damaged, but the salt is known from elsewhere.
    Restored(SegmentHead),
    /// Creation was cut short: there is nothing in the file.
    Unfinished,
    Unreadable,
}

/// Opens the log in `config.dir`, whose lock the caller holds.
pub(crate) fn open(host: &dyn Host, config: &BusConfig, max_keys: usize) -> Result<Opened, BusError> {
    let dir = &config.dir;
    let (positions, unreadable) = Positions::open(host, dir.join("consumers"))?;
    let mut opening = Opening {
        host,
        config,
        furthest: positions.iter().map(|(_, offset)| offset).max().unwrap_or(0),
        log: Log::default(),
        keys: Keys::new(max_keys),
        active: None,
        recovery: Recovery::default(),
        now: host.now(),
    };
    let (bases, seals) = opening.inventory()?;
    for (i, &base) in bases.iter().enumerate() {
        opening.segment(base, bases.get(i + 1).copied(), seals.contains(&base))?;
    }
    opening.vanished(&bases, &seals);
    for path in unreadable {
        opening.damaged(format!("{} holds no position: its consumer starts again at the oldest record", path.display()));
    }
    opening.continue_after(&positions)?;
    host.sync_dir(dir).map_err(BusError::io("sync", dir))?;
    let Opening { mut log, mut keys, active, mut recovery, .. } = opening;
    log.bytes = log.segments.iter().map(Segment::bytes).sum();
    keys.expire(log.oldest());
    recovery.segments = log.segments.len();
    (recovery.oldest, recovery.head) = (log.oldest(), log.head);
    recovery.lost = log.lost.iter().cloned().collect();
    log.counters.lost = recovery.lost.iter().map(|l| l.to - l.from).sum();
    Ok(Opened { log, keys, positions, active, recovery })
}

impl Opening<'_> {
    fn damaged(&mut self, what: String) {
        // The alarm logs the first; the others are as important.
        if self.log.alarms.contains_key(&AlarmKind::FilesDamaged) {
            tracing::error!("{what}");
        }
        self.log.raise(AlarmKind::FilesDamaged, what.clone(), self.now);
        self.recovery.damaged.push(what);
    }

    fn lost(&mut self, segment: u64, gap: Gap) {
        let certain = gap.certain || gap.from < self.furthest;
        self.log.note_lost(Lost { from: gap.from, to: gap.to, segment, certain, found_at: self.now });
    }

    fn path(&self, base: u64) -> PathBuf {
        self.config.dir.join(format::segment_name(base))
    }

    /// First offsets of the segments and of the seals, sorted. Removes drafts of seals.
    fn inventory(&self) -> Result<(Vec<u64>, Vec<u64>), BusError> {
        let dir = &self.config.dir;
        let (mut bases, mut seals) = (Vec::new(), Vec::new());
        for name in self.host.list(dir).map_err(BusError::io("list", dir))? {
            bases.extend(format::base_of(&name, SEGMENT_EXTENSION));
            seals.extend(format::base_of(&name, SEAL_EXTENSION));
            if format::base_of(&name, "draft").is_some() {
                let path = dir.join(&name);
                self.host.remove(&path).map_err(BusError::io("delete", &path))?;
            }
        }
        bases.sort_unstable();
        seals.sort_unstable();
        Ok((bases, seals))
    }

    /// Seals without a segment. Older than the log: left over from a deletion. Otherwise the segment has vanished.
    fn vanished(&mut self, bases: &[u64], seals: &[u64]) {
        let oldest = bases.first().copied().unwrap_or(u64::MAX);
        for &base in seals.iter().filter(|b| !bases.contains(b)) {
            let path = self.config.dir.join(seal::name(base));
            if base >= oldest {
                self.damaged(format!("segment {} has vanished, its seal {} is still here", format::segment_name(base), path.display()));
            } else if let Err(error) = self.host.remove(&path) {
                tracing::warn!(path = %path.display(), %error, "the seal of an expired segment cannot be deleted");
            }
        }
    }

    /// Takes in one segment. `below`: first offset of the next one, if there is a next one.
    fn segment(&mut self, base: u64, below: Option<u64>, has_seal: bool) -> Result<(), BusError> {
        let path = self.path(base);
        if let Some(from) = self.log.segments.back().map(|s| s.next).filter(|&next| next < base) {
            self.lost(from, Gap { from, to: base, certain: true });
        }
        let file = self.host.open(&path).map_err(BusError::io("open", &path))?;
        let length = file.length().map_err(BusError::io("read", &path))?;
        let seal = if has_seal { self.read_seal(base)? } else { None };
        let mut whole = true;
        let head = match header(&*file, &path, base, length, seal.as_ref().map(|(s, _, _)| s))? {
            Header::Sound(head) => head,
            Header::Restored(head) => {
                whole = false;
                self.damaged(format!("the header of {} is damaged; its records can still be read", path.display()));
                head
            }
            Header::Unfinished if below.is_none() => {
                self.recovery.torn_bytes += length;
                return self.host.remove(&path).map_err(BusError::io("delete", &path));
            }
            Header::Unfinished | Header::Unreadable => return self.unreadable(base, below, length),
        };
        match seal {
            Some((seal, id, size)) if below.is_none_or(|b| seal.next <= b) => self.sealed(&path, seal, id, size, length),
            _ => self.unsealed(&path, &*file, head, below, Tail { length, whole })?,
        }
        Ok(())
    }

    fn read_seal(&mut self, base: u64) -> Result<Option<(Seal, [u8; 32], u64)>, BusError> {
        match Seal::read(self.host, &self.config.dir, base) {
            Ok(read) => Ok(Some(read)),
            Err(error @ BusError::Version { .. }) => Err(error),
            Err(error) => {
                self.damaged(format!("{error}; the segment is read through and sealed again"));
                Ok(None)
            }
        }
    }

    /// A sealed segment is taken at its seal's word: reading it, or verifying it, shows damage inside.
    fn sealed(&mut self, path: &Path, seal: Seal, id: [u8; 32], size: u64, length: u64) {
        let previous = self.log.seal_before(seal.base);
        if previous != [0; 32] && seal.previous != previous {
            self.damaged(format!("the seal of {} does not continue the seal before it", path.display()));
        }
        if length < seal.bytes {
            self.damaged(format!("{} is {length} bytes long, {} were sealed", path.display(), seal.bytes));
        }
        for &(from, to) in &seal.gaps {
            self.log.lost.push_back(Lost { from, to, segment: seal.base, certain: true, found_at: seal.last_at });
        }
        for &(key, offset) in &seal.keys {
            self.keys.insert(key, offset);
        }
        self.log.head = seal.next;
        self.log.segments.push_back(Segment {
            base: seal.base,
            next: seal.next,
            salt: seal.salt,
            length: seal.bytes,
            records: seal.records,
            first_at: seal.first_at,
            last_at: seal.last_at,
            index: seal.index,
            phase: Phase::Sealed { root: seal.root, id },
            seal_bytes: size,
        });
    }

    /// Reads a segment through. The last one is cut after its last sound batch and, if it is whole, goes on being written.
    fn unsealed(&mut self, path: &Path, file: &dyn HostFile, head: SegmentHead, below: Option<u64>, tail: Tail) -> Result<(), BusError> {
        let Tail { length, whole } = tail;
        let bounds = Bounds { salt: head.salt, base: head.base, below: below.unwrap_or(u64::MAX), end: length };
        let found = scan(file, &bounds, |_, _| {}).map_err(BusError::io("read", path))?;
        for &gap in &found.gaps {
            self.lost(head.base, gap);
        }
        for &(key, offset) in &found.keys {
            self.keys.insert(key, offset);
        }
        let segment = Segment {
            base: head.base,
            next: below.unwrap_or(found.next),
            salt: head.salt,
            length: found.end,
            records: found.records,
            first_at: found.first_at,
            last_at: found.last_at,
            index: found.index,
            phase: Phase::Closed,
            seal_bytes: 0,
        };
        self.log.head = segment.next;
        if below.is_none() {
            let file = self.host.open_writable(path).map_err(BusError::io("open", path))?;
            if found.end < length {
                self.recovery.torn_bytes += length - found.end;
                file.truncate(found.end).map_err(BusError::io("cut the torn end of", path))?;
            }
            rewrite(&*file, found.last_group, found.end).map_err(BusError::io("sync", path))?;
            if whole && found.gaps.is_empty() {
                self.active = Some(Active { base: head.base, salt: head.salt, file, length: found.end });
            }
        }
        self.log.segments.push_back(segment);
        Ok(())
    }

    /// A segment of which nothing can be read stays where it is, or aside if its name is needed.
    fn unreadable(&mut self, base: u64, below: Option<u64>, length: u64) -> Result<(), BusError> {
        let path = self.path(base);
        match below {
            Some(next) => {
                self.damaged(format!("nothing of {} can be read", path.display()));
                self.lost(base, Gap { from: base, to: next, certain: true });
                self.log.head = next;
                let head = SegmentHead { salt: 0, base, created_at: 0 };
                self.log.segments.push_back(Segment { next, length, phase: Phase::Broken, ..Segment::new(head) });
            }
            None => {
                let aside = path.with_extension("damaged");
                self.host.rename(&path, &aside).map_err(BusError::io("rename", &path))?;
                self.damaged(format!("nothing of the newest segment can be read; it is kept as {}", aside.display()));
                self.log.head = base;
            }
        }
        Ok(())
    }

    /// Settles where the log goes on. A consumer that has read further than the log reaches proves that its end was lost:
    /// those offsets are not given again, or the consumer would take new records for ones it has seen.
    fn continue_after(&mut self, positions: &Positions) -> Result<(), BusError> {
        let (oldest, furthest) = (self.log.oldest(), self.furthest);
        if furthest > self.log.head {
            let (from, segment) = (self.log.head, self.log.segments.back().map_or(self.log.head, |s| s.base));
            if !self.log.segments.is_empty() {
                self.lost(segment, Gap { from, to: furthest, certain: true });
            }
            self.log.head = furthest;
            self.active = None;
        }
        for (name, offset) in positions.iter() {
            let start = offset.max(oldest);
            if (1..oldest).contains(&offset) {
                let what =
                    format!("consumer {name} had come to {offset}, the oldest record is {oldest}: what lies between was deleted by others");
                self.damaged(what);
            }
            self.log.consumers.insert(name.to_owned(), Registered { committed: start, durable: offset, open: false });
        }
        let Some(last) = self.log.segments.back_mut() else { return Ok(()) };
        match &self.active {
            Some(_) => last.phase = Phase::Open,
            None if last.records == 0 && last.phase == Phase::Closed => {
                // Empty and not to be continued: its name may be needed.
                let path = self.config.dir.join(format::segment_name(last.base));
                self.log.segments.pop_back();
                self.host.remove(&path).map_err(BusError::io("delete", &path))?;
            }
            None => {}
        }
        Ok(())
    }
}

/// Makes what was read durable before anyone is shown it. The last group may be in the system's memory only, and if an earlier
/// sync of it failed, another one would succeed without writing it: so it is written again.
fn rewrite(file: &dyn HostFile, mut from: u64, end: u64) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    while from < end {
        let part = usize::try_from(end - from).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..part).unwrap_or_default();
        if read_full(file, part, from)? < part.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write_full(file, part, from)?;
        from += part.len() as u64;
    }
    file.sync()
}

/// Reads a segment's header; where it is damaged, its seal or its first batch tell the salt.
fn header(file: &dyn HostFile, path: &Path, base: u64, length: u64, seal: Option<&Seal>) -> Result<Header, BusError> {
    let mut bytes = [0; SEGMENT_HEADER + BATCH_HEADER];
    let read = read_full(file, &mut bytes, 0).map_err(BusError::io("read", path))?;
    let bytes = bytes.get(..read).unwrap_or_default();
    match SegmentHead::decode(bytes) {
        Ok(head) if head.base == base => return Ok(Header::Sound(head)),
        Err(HeadError::Version(version)) => return Err(BusError::Version { path: path.to_owned(), version, newest: format::VERSION }),
        _ => {}
    }
    if let Some(seal) = seal {
        return Ok(Header::Restored(SegmentHead { salt: seal.salt, base, created_at: seal.first_at }));
    }
    if length <= SEGMENT_HEADER as u64 {
        return Ok(Header::Unfinished);
    }
    let salt = u64_at(bytes, SEGMENT_HEADER);
    let first = BatchHead::decode(bytes.get(SEGMENT_HEADER..).unwrap_or_default(), salt).filter(|b| b.base == base);
    Ok(first.map_or(Header::Unreadable, |b| Header::Restored(SegmentHead { salt, base, created_at: b.at })))
}
