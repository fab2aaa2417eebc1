//! Writing the ring: frames in, segments out; what is too much or too old goes, oldest first.
//!
//! Nothing that goes wrong with the disk stops anything: frames that cannot be written are counted, what is wrong is said, and a
//! second later it is tried again.

use std::{
    collections::VecDeque,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    SILENCE, Settings,
    index::{Index, Spot, Stored},
    names::{Namer, Recent, Tuple},
    segment::{self, Packet},
};
use crate::tap::decode::link::LinkType;

/// Flows whose length is remembered.
const FLOWS: usize = 262_144;
/// Bytes that are written at once.
const PIECE: usize = 1 << 20;
/// Pause after the disk refused, nanoseconds.
const PAUSE: i64 = 1_000_000_000;
/// A segment is done after this time at the latest, nanoseconds: what is in it can then be too old.
const SEGMENT_AGE: i64 = 600_000_000_000;
/// Flows of one segment: a flood of new ones must not fill the memory.
const SEGMENT_FLOWS: usize = 131_072;
/// Places in an index are numbers of 32 bits.
const LARGEST: u64 = 1 << 30;

/// What a ring holds and what it could not take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Frames written since the ring was opened.
    pub packets: u64,
    /// Frames left out because their flow was long.
    pub cut: u64,
    /// Frames that the disk did not take.
    pub unwritten: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Time of the oldest frame, UTC nanoseconds.
    pub oldest: Option<i64>,
    /// What is wrong now.
    pub trouble: Option<String>,
}

/// A segment that is done.
#[derive(Clone, Debug)]
struct Done {
    path: PathBuf,
    first: i64,
    last: i64,
    bytes: u64,
}

/// The segment that is being written.
struct Open {
    file: File,
    path: PathBuf,
    link: LinkType,
    /// Bytes that are in the file for good.
    written: u64,
    /// What goes there next.
    waiting: Vec<u8>,
    frames: u64,
    number: u64,
    index: Index,
}

/// A ring that is written.
pub struct Ring {
    folder: PathBuf,
    interface: String,
    settings: Settings,
    done: VecDeque<Done>,
    open: Option<Open>,
    next: u64,
    namer: Namer<(u64, Spot, i64)>,
    volumes: Recent<Tuple, u64>,
    free: fn(&Path) -> Option<u64>,
    kept: Kept,
    /// Until when nothing is tried, in the time of the frames.
    pause: i64,
}

/// Free bytes for the service on the disk that holds a folder.
fn free(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|s| s.f_bavail.saturating_mul(s.f_frsize))
}

impl Ring {
    /// Opens a ring, or begins one; what an earlier run left unfinished is finished as far as it is whole.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: &Path, interface: &str, settings: Settings) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut ring = Self {
            folder: folder.to_owned(),
            interface: interface.to_owned(),
            settings: Settings { segment_bytes: settings.segment_bytes.min(LARGEST), ..settings },
            done: VecDeque::new(),
            open: None,
            next: 1,
            namer: Namer::new(),
            volumes: Recent::new(FLOWS, SILENCE),
            free,
            kept: Kept::default(),
            pause: i64::MIN,
        };
        for path in segments(folder)? {
            ring.next = number(&path).unwrap_or(0).saturating_add(1);
            match recover(&path) {
                Ok(Some(done)) => ring.done.push_back(done),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, path = %path.display(), "FSP-TAP-005: this part of the packet ring cannot be read"),
            }
        }
        ring.make_room();
        Ok(ring)
    }

    /// What it holds.
    pub fn kept(&self) -> Kept {
        let open = self.open.as_ref();
        let oldest = self.done.front().map(|d| d.first).or_else(|| open.map(|o| o.index.first).filter(|f| *f != i64::MAX));
        Kept { bytes: self.bytes(), oldest, ..self.kept.clone() }
    }

    fn bytes(&self) -> u64 {
        self.done.iter().map(|d| d.bytes).sum::<u64>() + self.open.as_ref().map_or(0, |o| o.written)
    }

    /// Takes a frame; it is on disk after the next [`Ring::commit`].
    pub fn frame(&mut self, link: LinkType, at: i64, wire: u32, data: &[u8]) {
        if self.open.as_ref().is_some_and(|o| o.link != link || o.is_done(&self.settings, at)) {
            self.seal();
        }
        if self.open.is_none() && !self.begin(link, at) {
            self.kept.unwritten += 1;
            return;
        }
        let Some(open) = &mut self.open else { return };
        let begin = open.waiting.len();
        segment::packet(&mut open.waiting, 0, Packet { at, wire, data });
        let sum = crc32c::crc32c(open.waiting.get(begin..).unwrap_or_default());
        let spot = Spot { place: (open.written + begin as u64) as u32, sum };
        let (number, index) = (open.number, &mut open.index);
        let late = |(segment, spot, at), tuple| {
            if segment == number {
                index.add(tuple, spot, at);
            }
        };
        let flows = self.namer.name(link, at, data, (number, spot, at), late);
        // what is in a tunnel is a flow; the tunnel, all of the traffic, is not
        if let Some(flow) = flows.last() {
            let volume = self.volumes.at(at, *flow);
            if *volume >= self.settings.flow_bytes {
                open.waiting.truncate(begin);
                open.index.cut(*flow, at);
                self.kept.cut += 1;
                return;
            }
            *volume += data.len() as u64;
        }
        open.index.time(at);
        flows.iter().for_each(|tuple| open.index.add(*tuple, spot, at));
        open.frames += 1;
        if open.waiting.len() >= PIECE {
            self.commit();
        }
    }

    /// Begins a segment; `false`: the disk does not take one now.
    fn begin(&mut self, link: LinkType, at: i64) -> bool {
        if at < self.pause {
            return false;
        }
        self.make_room();
        if (self.free)(&self.folder).is_some_and(|f| f < self.settings.free_bytes) {
            self.trouble(at, "the disk has less free space than min_free_mib leaves to others".to_owned());
            return false;
        }
        let number = self.next;
        let path = self.folder.join(format!("{number:012}-{:019}.pcapng", at.max(0)));
        let opened = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path);
        match opened {
            Ok(file) => {
                self.next = self.next.saturating_add(1);
                let mut waiting = Vec::with_capacity(PIECE);
                segment::begin(&mut waiting, &[(link, self.interface.as_str())]);
                self.open = Some(Open { file, path, link, written: 0, waiting, frames: 0, number, index: Index::new(link) });
                true
            }
            Err(error) => {
                self.trouble(at, format!("{} cannot be made: {error}", path.display()));
                false
            }
        }
    }

    fn trouble(&mut self, at: i64, what: String) {
        if self.kept.trouble.as_ref() != Some(&what) {
            tracing::warn!("FSP-TAP-006: packets are not kept: {what}; capture and detection go on");
        }
        self.kept.trouble = Some(what);
        self.pause = at.saturating_add(PAUSE);
    }

    /// Writes what waits.
    pub fn commit(&mut self) {
        let Some(open) = &mut self.open else { return };
        if open.frames == 0 {
            return;
        }
        match open.file.write_all(&open.waiting) {
            Ok(()) => {
                open.written += open.waiting.len() as u64;
                self.kept.packets += open.frames;
                (open.frames, self.kept.trouble) = (0, None);
                open.waiting.clear();
                self.make_room();
            }
            Err(error) => {
                let (at, path) = (open.index.last, open.path.display().to_string());
                self.kept.unwritten += open.frames;
                open.index.forget_from(open.written);
                open.frames = 0;
                open.waiting.clear();
                // a piece may have got through: the file ends where it is whole
                if let Err(error) = open.file.set_len(open.written) {
                    tracing::debug!(%error, path, "a segment keeps a torn end");
                }
                self.seal();
                self.trouble(at, format!("{path} cannot be written: {error}"));
                if let Some(oldest) = self.done.pop_front() {
                    remove(&oldest);
                }
            }
        }
    }

    /// Ends the segment.
    fn seal(&mut self) {
        if self.open.as_ref().is_some_and(|o| o.frames > 0) {
            self.commit();
        }
        let Some(mut open) = self.open.take() else { return };
        if open.written == 0 {
            // nothing is in it
            let _ = fs::remove_file(&open.path);
            return;
        }
        let (first, last, mut bytes) = (open.index.first, open.index.last, open.written);
        match write_index(&open.path, &open.index.encode()) {
            Ok(more) => bytes += more,
            // it is made from the segment whenever it is looked for
            Err(error) => tracing::warn!(%error, path = %open.path.display(), "an index of the packet ring cannot be written"),
        }
        self.done.push_back(Done { path: open.path, first, last, bytes });
    }

    /// Removes what is too much, oldest first.
    fn make_room(&mut self) {
        let mut bytes = self.bytes();
        loop {
            let short = (self.free)(&self.folder).is_some_and(|f| f < self.settings.free_bytes);
            if bytes <= self.settings.bytes && !short {
                return;
            }
            let Some(oldest) = self.done.pop_front() else { break };
            remove(&oldest);
            bytes = bytes.saturating_sub(oldest.bytes);
        }
        // only what is being written is left: it ends, so that it can go next
        self.seal();
    }

    /// Removes what is too old at this time.
    pub fn clock(&mut self, now: i64) {
        if self.open.as_ref().is_some_and(|o| o.index.first != i64::MAX && o.is_done(&self.settings, now)) {
            self.seal();
        }
        while let Some(oldest) = self.done.front().filter(|d| now.saturating_sub(d.last) > self.settings.age).cloned() {
            remove(&oldest);
            self.done.pop_front();
        }
    }

    /// Ends the ring in good order.
    pub fn close(mut self) {
        self.seal();
    }
}

impl Open {
    fn is_done(&self, settings: &Settings, at: i64) -> bool {
        let age = SEGMENT_AGE.min(settings.age / 8);
        let full = self.written + self.waiting.len() as u64 >= settings.segment_bytes || self.index.flows() >= SEGMENT_FLOWS;
        full || self.index.first != i64::MAX && at.saturating_sub(self.index.first) >= age
    }
}

/// The segments of a ring, oldest first.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "pcapng") && number(p).is_some());
    all.sort();
    Ok(all)
}

fn number(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.split_once('-')?.0.parse().ok()
}

/// When a segment begins, by its name.
pub(super) fn begins(path: &Path) -> Option<i64> {
    path.file_stem()?.to_str()?.split_once('-')?.1.parse().ok()
}

/// Where the index of a segment is.
pub(super) fn index_of(segment: &Path) -> PathBuf {
    segment.with_extension("index")
}

fn write_index(segment: &Path, bytes: &[u8]) -> io::Result<u64> {
    let (path, draft) = (index_of(segment), segment.with_extension("draft"));
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    let done = file.write_all(bytes).and_then(|()| fs::rename(&draft, &path));
    if done.is_err() {
        let _ = fs::remove_file(&draft);
    }
    done.map(|()| bytes.len() as u64)
}

/// A segment of an earlier run; one without an index is cut where it is whole, and gets one. `None`: there was nothing in it.
fn recover(path: &Path) -> io::Result<Option<Done>> {
    let length = |path: &Path| fs::metadata(path).map(|m| m.len());
    if let Some((first, last)) = Stored::read(&index_of(path)).and_then(|s| s.span()) {
        let bytes = length(path)? + length(&index_of(path)).unwrap_or(0);
        return Ok(Some(Done { path: path.to_owned(), first, last, bytes }));
    }
    let (mut index, walked) = Index::rebuild(path)?;
    if index.first == i64::MAX {
        fs::remove_file(path)?;
        return Ok(None);
    }
    if walked.torn {
        tracing::info!(path = %path.display(), whole = walked.whole, "a part of the packet ring was torn; it is kept as far as it is whole");
        OpenOptions::new().write(true).open(path)?.set_len(walked.whole)?;
    }
    let bytes = walked.whole + write_index(path, &index.encode())?;
    Ok(Some(Done { path: path.to_owned(), first: index.first, last: index.last, bytes }))
}

fn remove(done: &Done) {
    for path in [&done.path, &index_of(&done.path)] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %path.display(), "a part of the packet ring cannot be removed");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
