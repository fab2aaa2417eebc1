//! The state of router and worker as bytes. Format version 1; integers little-endian, texts and lists with a `u32` length.
//!
//! ```text
//! "FSPC" u8 version
//! watermark: i64 mark, i64 newest, i64 looked ×2, u64 events, list of (text source, i64 at, i64 heard); i64 now
//! contexts: list of bytes
//! correlations: list of (text rule id, text hash, i64 since ×2, u64 losses ×3, list of groups)
//! group: bytes key, i64 alive, i64 horizon, u32 base, base_low, low, limit, u8 dirty,
//!        list of (i64 at, u64 id ×2, u64 value, u32 context, u16 member, u8 flags), option base episode, list of episodes,
//!        option sketch
//! u32 CRC-32C of everything before
//! ```
//! A correlation that is no longer in force, or whose text changed, is skipped: its groups begin anew.

use fansipan_model::AlertId;
use thiserror::Error;

use super::{
    context::Contexts,
    group::{Episode, Fired, Group},
    keyed::Record,
    kinds::{Running, distinct},
    router::Router,
    settings::Losses,
    tracker::Tracker,
    watermark::Source,
    worker::Worker,
};

const MAGIC: &[u8; 4] = b"FSPC";
/// Format version written.
const VERSION: u8 = 1;

/// The bytes are no state that this program reads.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// Written by a newer program.
    #[error("FSP-COR-001: the state of correlations has format version {0}, which is newer than this program reads (1): upgrade this node")]
    Version(u8),
    /// Cut short or changed.
    #[error("FSP-COR-002: the saved state of correlations is damaged: remove the file; windows that are open now begin anew")]
    Damaged,
}

type Result<T> = std::result::Result<T, SnapshotError>;

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn count(&mut self, n: usize) {
        self.0.extend_from_slice(&(n as u32).to_le_bytes());
    }

    fn int(&mut self, n: i64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn word(&mut self, n: u64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn number(&mut self, n: u32) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    fn group(&mut self, group: &Group) {
        self.bytes(&group.key);
        self.int(group.alive);
        self.int(group.horizon);
        [group.base, group.base_low, group.low, group.limit].into_iter().for_each(|n| self.number(n));
        self.0.push(u8::from(group.dirty));
        self.count(group.records.len());
        for r in &group.records {
            self.int(r.at);
            self.word(r.id[0]);
            self.word(r.id[1]);
            self.word(r.value);
            self.number(r.context);
            self.0.extend_from_slice(&r.member.to_le_bytes());
            self.0.push(u8::from(r.drill) | (u8::from(r.below) << 1));
        }
        let none = Fired::default();
        let fired = group.fired.as_deref().unwrap_or(&none);
        self.0.push(u8::from(fired.base.is_some()));
        fired.base.iter().for_each(|e| self.episode(e));
        self.count(fired.since.len());
        fired.since.iter().for_each(|e| self.episode(e));
        match group.running.as_deref() {
            Some(Running::Distinct(distinct::Running::Sketch(sketch))) => {
                self.0.push(1);
                sketch.write(&mut self.0);
            }
            _ => self.0.push(0),
        }
    }

    fn episode(&mut self, e: &Episode) {
        self.0.extend_from_slice(&e.id.0);
        [e.start, e.opened, e.fired, e.last, e.raised].into_iter().for_each(|n| self.int(n));
        [e.count, e.fires, e.peak.to_bits()].into_iter().for_each(|n| self.word(n));
        self.count(e.sample.len());
        e.sample.iter().flatten().for_each(|n| self.word(*n));
        self.count(e.contexts.len());
        e.contexts.iter().for_each(|n| self.number(*n));
        self.0.push(u8::from(e.drill) | (u8::from(e.estimate) << 1) | (u8::from(e.told) << 2));
    }
}

/// Reads what a writer wrote.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(SnapshotError::Damaged)?;
        self.0 = rest;
        Ok(*head)
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(SnapshotError::Damaged)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[b]| b)
    }

    pub(crate) fn number(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A length: what follows has at least one byte for each.
    pub(crate) fn count(&mut self) -> Result<usize> {
        let n = self.number()? as usize;
        if n <= self.0.len() { Ok(n) } else { Err(SnapshotError::Damaged) }
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn word(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let n = self.count()?;
        self.take(n)
    }

    fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| SnapshotError::Damaged)
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let n = self.count()?;
        (0..n).map(|_| one(self)).collect()
    }

    fn group(&mut self) -> Result<Group> {
        let mut group = Group::new(self.bytes()?);
        group.alive = self.int()?;
        group.horizon = self.int()?;
        (group.base, group.base_low, group.low, group.limit) = (self.number()?, self.number()?, self.number()?, self.number()?);
        group.dirty = self.byte()? != 0;
        group.records = self.list(Self::record)?;
        let base = if self.byte()? != 0 { Some(self.episode()?) } else { None };
        let since = self.list(Self::episode)?;
        let fired = Fired { base, since };
        group.changed = fired.since.iter().any(|e| !e.told);
        group.fired = (!fired.is_empty()).then(|| Box::new(fired));
        if self.byte()? != 0 {
            let sketch = distinct::Sketch::read(self)?;
            group.running = Some(Box::new(Running::Distinct(distinct::Running::Sketch(Box::new(sketch)))));
        }
        let records = group.records.len() as u32;
        if group.base > records || group.base_low > group.base || group.low > records || !group.records.is_sorted_by_key(Record::order) {
            return Err(SnapshotError::Damaged);
        }
        Ok(group)
    }

    fn record(&mut self) -> Result<Record> {
        let (at, id, value) = (self.int()?, [self.word()?, self.word()?], self.word()?);
        let (context, member, flags) = (self.number()?, u16::from_le_bytes(self.array()?), self.byte()?);
        Ok(Record { at, id, value, context, member, drill: flags & 1 != 0, below: flags & 2 != 0 })
    }

    fn episode(&mut self) -> Result<Episode> {
        let id = AlertId(self.array()?);
        let (start, opened, fired, last, raised) = (self.int()?, self.int()?, self.int()?, self.int()?, self.int()?);
        let (count, fires, peak) = (self.word()?, self.word()?, f64::from_bits(self.word()?));
        let sample = self.list(|r| Ok([r.word()?, r.word()?]))?;
        let contexts = self.list(Self::number)?.into();
        let flags = self.byte()?;
        let [drill, estimate, told] = [1, 2, 4].map(|bit| flags & bit != 0);
        Ok(Episode { id, start, opened, fired, last, count, fires, peak, sample, contexts, raised, drill, estimate, told })
    }
}

/// Appends the state of a router and its worker.
pub(crate) fn save(router: &Router, worker: &Worker, out: &mut Vec<u8>) {
    let mut w = Writer::default();
    w.0.extend_from_slice(MAGIC);
    w.0.push(VERSION);
    let mark = &router.watermark;
    [mark.mark, mark.newest, mark.looked.0, mark.looked.1].into_iter().for_each(|n| w.int(n));
    w.word(mark.events);
    let mut sources: Vec<_> = mark.sources.iter().collect();
    sources.sort_by_key(|(name, _)| *name);
    w.count(sources.len());
    for (name, source) in sources {
        w.bytes(name.as_bytes());
        w.int(source.at);
        w.int(source.heard);
    }
    w.int(worker.now);
    w.count(worker.contexts.len());
    (0..worker.contexts.len()).for_each(|i| w.bytes(worker.contexts.get(i as u32).unwrap_or(&[])));
    let plan = worker.plan.correlations();
    w.count(plan.len());
    for ((compiled, tracker), since) in plan.iter().zip(&worker.trackers).zip(&router.since) {
        w.bytes(compiled.reference.id.as_bytes());
        w.bytes(compiled.reference.hash.as_bytes());
        w.int(*since);
        w.int(tracker.since);
        let losses = tracker.losses;
        [losses.evicted, losses.late, losses.cut].into_iter().for_each(|n| w.word(n));
        w.count(tracker.len());
        tracker.groups.iter().flatten().for_each(|g| w.group(g));
    }
    let sum = crc32c::crc32c(&w.0);
    w.number(sum);
    out.append(&mut w.0);
}

/// Puts saved state into a fresh router and worker.
pub(crate) fn load(bytes: &[u8], router: &mut Router, worker: &mut Worker) -> Result<()> {
    let (body, sum) = bytes.split_last_chunk::<4>().ok_or(SnapshotError::Damaged)?;
    let mut r = Reader(body);
    if r.array::<4>()? != *MAGIC {
        return Err(SnapshotError::Damaged);
    }
    let version = r.byte()?;
    if version > VERSION {
        return Err(SnapshotError::Version(version));
    }
    if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
        return Err(SnapshotError::Damaged);
    }
    let mark = &mut router.watermark;
    (mark.mark, mark.newest, mark.looked, mark.events) = (r.int()?, r.int()?, (r.int()?, r.int()?), r.word()?);
    for (name, source) in r.list(|r| Ok((Box::from(r.text()?), Source { at: r.int()?, heard: r.int()? })))? {
        mark.sources.insert(name, source);
    }
    (worker.mark, worker.now) = (mark.mark, r.int()?);
    let n = r.count()?;
    let mut contexts = Contexts::default();
    let numbers: Vec<u32> = (0..n).map(|_| r.bytes().map(|b| contexts.number(b))).collect::<Result<_>>()?;
    worker.contexts = contexts;
    for _ in 0..r.count()? {
        correlation(&mut r, &numbers, router, worker)?;
    }
    if r.0.is_empty() { Ok(()) } else { Err(SnapshotError::Damaged) }
}

fn correlation(r: &mut Reader<'_>, numbers: &[u32], router: &mut Router, worker: &mut Worker) -> Result<()> {
    let (id, hash) = (r.text()?, r.text()?);
    let (first, since) = (r.int()?, r.int()?);
    let losses = Losses { evicted: r.word()?, late: r.word()?, cut: r.word()?, ungrouped: 0 };
    let groups = r.list(Reader::group)?;
    let place = worker.plan.correlations().iter().position(|c| c.reference.id == id && c.reference.hash == hash);
    let Some((i, compiled)) = place.and_then(|i| Some((i, worker.plan.correlations().get(i)?))) else { return Ok(()) };
    if let Some(known) = router.since.get_mut(i) {
        *known = first;
    }
    let Some(tracker) = worker.trackers.get_mut(i) else { return Ok(()) };
    *tracker = Tracker::default();
    (tracker.since, tracker.losses) = (since, losses);
    let renumber = |n: &mut u32| *n = numbers.get(*n as usize).copied().unwrap_or(0);
    for mut group in groups {
        group.records.iter_mut().for_each(|r| renumber(&mut r.context));
        if let Some(fired) = &mut group.fired {
            fired.base.iter_mut().chain(&mut fired.since).for_each(|e| e.contexts.iter_mut().for_each(renumber));
        }
        tracker.put(group, compiled.timespan, worker.mark);
    }
    Ok(())
}
