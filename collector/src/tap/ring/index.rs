//! The index of a segment: its flows by name, each with the places of its frames.

use std::{io, path::Path};

use hashbrown::HashMap;

use super::{
    names::{FlowName, Namer, Tuple},
    segment::{self, Walked},
};
use crate::tap::{cursor::Cursor, decode::link::LinkType};

const MAGIC: &[u8; 8] = b"FSPRING2";
/// Magic, times of the first and the last frame, number of flows, kind of the frames.
const HEAD: usize = 8 + 8 + 8 + 4 + 4;
/// A place and its checksum.
const SPOT: usize = 4 + 4;
/// Name, times of the first and the last frame, frames cut, place of the places, their number.
const FLOW: usize = 20 + 8 + 8 + 4 + 4 + 4;
/// A hash of everything ends the file.
const HASH: usize = 32;

/// Where a frame stands in its segment, and the CRC-32C of its block: a byte that changes on disk is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) place: u32,
    pub(super) sum: u32,
}

/// A flow within a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: FlowName,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Frames that were not kept because the flow was long.
    pub(super) cut: u32,
    /// Places of its frames, in the order they were written.
    pub(super) places: Vec<Spot>,
}

/// An index in memory.
#[derive(Debug)]
pub(super) struct Index {
    flows: HashMap<Tuple, usize>,
    entries: Vec<Entry>,
    pub(super) link: LinkType,
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Index {
    /// Of a segment that holds nothing yet.
    pub(super) fn new(link: LinkType) -> Self {
        Self { flows: HashMap::new(), entries: Vec::new(), link, first: i64::MAX, last: i64::MIN }
    }

    fn entry(&mut self, tuple: Tuple, at: i64) -> Option<&mut Entry> {
        let entries = &mut self.entries;
        let number = *self.flows.entry(tuple).or_insert_with(|| {
            entries.push(Entry { name: tuple.name(), first: at, last: at, cut: 0, places: Vec::new() });
            entries.len() - 1
        });
        let entry = self.entries.get_mut(number)?;
        (entry.first, entry.last) = (entry.first.min(at), entry.last.max(at));
        Some(entry)
    }

    /// A frame was put into the segment.
    pub(super) fn time(&mut self, at: i64) {
        (self.first, self.last) = (self.first.min(at), self.last.max(at));
    }

    /// It belongs to this flow.
    pub(super) fn add(&mut self, tuple: Tuple, spot: Spot, at: i64) {
        if let Some(entry) = self.entry(tuple, at) {
            entry.places.push(spot);
        }
    }

    /// A frame of this flow was left out.
    pub(super) fn cut(&mut self, tuple: Tuple, at: i64) {
        if let Some(entry) = self.entry(tuple, at) {
            entry.cut = entry.cut.saturating_add(1);
        }
    }

    /// How many flows there are.
    pub(super) fn flows(&self) -> usize {
        self.entries.len()
    }

    /// What stands behind this place was never written.
    pub(super) fn forget_from(&mut self, place: u64) {
        for entry in &mut self.entries {
            entry.places.retain(|p| u64::from(p.place) < place);
        }
    }

    /// As a file.
    pub(super) fn encode(&mut self) -> Vec<u8> {
        // pieces of a datagram are named when the last of them came
        for entry in &mut self.entries {
            entry.places.sort_unstable();
            entry.places.dedup();
        }
        let mut sorted: Vec<&Entry> = self.entries.iter().collect();
        sorted.sort_unstable_by_key(|e| e.name);
        let mut out = Vec::with_capacity(HEAD + sorted.len() * (FLOW + SPOT) + HASH);
        out.extend(MAGIC);
        out.extend(self.first.to_le_bytes());
        out.extend(self.last.to_le_bytes());
        out.extend((sorted.len() as u32).to_le_bytes());
        out.extend(u32::from(self.link.0).to_le_bytes());
        let mut start = 0u32;
        for entry in &sorted {
            out.extend(entry.name.0);
            out.extend(entry.first.to_le_bytes());
            out.extend(entry.last.to_le_bytes());
            let count = entry.places.len() as u32;
            [entry.cut, start, count].iter().for_each(|n| out.extend(n.to_le_bytes()));
            start = start.saturating_add(count);
        }
        for spot in sorted.iter().flat_map(|e| &e.places) {
            out.extend(spot.place.to_le_bytes());
            out.extend(spot.sum.to_le_bytes());
        }
        let hash = blake3::hash(&out);
        out.extend(hash.as_bytes());
        out
    }

    /// The index of a segment made by reading it, and how far the segment is whole.
    pub(super) fn rebuild(path: &Path) -> io::Result<(Self, Walked)> {
        let (mut index, mut namer) = (Self::new(LinkType::ETHERNET), Namer::<(Spot, i64)>::new());
        let walked = segment::walk(path, |link, (place, sum), packet| {
            let Ok(place) = u32::try_from(place) else { return };
            let spot = Spot { place, sum };
            index.link = link;
            index.time(packet.at);
            let flows = namer.name(link, packet.at, packet.data, (spot, packet.at), |(spot, at), tuple| index.add(tuple, spot, at));
            flows.iter().for_each(|tuple| index.add(*tuple, spot, packet.at));
        })?;
        Ok((index, walked))
    }

    /// The flow of this name.
    pub(super) fn flow(&self, name: FlowName) -> Option<Entry> {
        self.entries.iter().find(|e| e.name == name).cloned()
    }
}

/// An index as read from its file.
pub(super) struct Stored(Vec<u8>);

impl Stored {
    /// Reads one; `None`: it is not there, or not as it was written.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut bytes = std::fs::read(path).ok()?;
        let hash: [u8; HASH] = *bytes.last_chunk()?;
        bytes.truncate(bytes.len() - HASH);
        (bytes.starts_with(MAGIC) && blake3::hash(&bytes) == hash).then_some(Self(bytes))
    }

    fn i64(bytes: &[u8], at: usize) -> Option<i64> {
        bytes.get(at..)?.first_chunk().map(|b| i64::from_le_bytes(*b))
    }

    /// Times of the first and the last frame.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        Some((Self::i64(&self.0, 8)?, Self::i64(&self.0, 16)?))
    }

    fn count(&self) -> usize {
        self.0.get(24..).and_then(|b| Cursor::new(b).le32()).unwrap_or(0) as usize
    }

    /// The kind of the frames.
    pub(super) fn link(&self) -> Option<LinkType> {
        let link = self.0.get(28..).and_then(|b| Cursor::new(b).le32())?;
        u16::try_from(link).ok().map(LinkType)
    }

    /// The flow of this name.
    pub(super) fn flow(&self, name: FlowName) -> Option<Entry> {
        let row = |number: usize| self.0.get(HEAD + number * FLOW..HEAD + (number + 1) * FLOW);
        let (mut from, mut to) = (0, self.count());
        while from < to {
            let middle = from.midpoint(to);
            let row = row(middle)?;
            match row.get(..20)?.cmp(&name.0) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => return self.entry(name, row),
            }
        }
        None
    }

    fn entry(&self, name: FlowName, row: &[u8]) -> Option<Entry> {
        let mut cursor = Cursor::new(row.get(36..)?);
        let (cut, start, count) = (cursor.le32()?, cursor.le32()? as usize, cursor.le32()? as usize);
        let places = self.0.get(HEAD + self.count() * FLOW..)?.get(start * SPOT..(start + count) * SPOT)?;
        let spot = |bytes| {
            let mut cursor = Cursor::new(bytes);
            Some(Spot { place: cursor.le32()?, sum: cursor.le32()? })
        };
        let places = places.chunks_exact(SPOT).filter_map(spot).collect();
        Some(Entry { name, first: Self::i64(row, 20)?, last: Self::i64(row, 28)?, cut, places })
    }
}
