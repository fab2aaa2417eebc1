//! A segment: a pcapng file as we write it, little endian, one section, one interface, nanoseconds.

use std::{
    fs::File,
    io::{self, BufReader, Read as _},
    os::unix::fs::FileExt as _,
    path::Path,
};

use crate::tap::{cursor::Cursor, decode::link::LinkType};

/// Bytes before the data of a packet, and behind it.
const HEAD: usize = 28;
const TAIL: usize = 4;
/// Largest block that can be one of ours.
const MAX_BLOCK: usize = (1 << 18) + 64;

/// A frame and when it was captured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) at: i64,
    pub(super) wire: u32,
    pub(super) data: &'a [u8],
}

/// The beginning of a file: section and interfaces.
pub(super) fn begin(out: &mut Vec<u8>, interfaces: &[(LinkType, &str)]) {
    // section header: byte order, version 1.0, length not stated
    for word in [0x0a0d_0d0a_u32, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28] {
        out.extend(word.to_le_bytes());
    }
    for (link, name) in interfaces {
        let named = name.as_bytes().get(..255).unwrap_or(name.as_bytes());
        let length = (16 + 4 + named.len().next_multiple_of(4) + 8 + 4 + 4) as u32;
        out.extend(1u32.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(link.0.to_le_bytes());
        out.extend([0; 6]);
        out.extend([2, 0]);
        out.extend((named.len() as u16).to_le_bytes());
        out.extend(named);
        out.extend(std::iter::repeat_n(0, named.len().next_multiple_of(4) - named.len()));
        // resolution: 10^-9 seconds; end of options
        out.extend([9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
        out.extend(length.to_le_bytes());
    }
}

/// A packet of the interface of this number.
pub(super) fn packet(out: &mut Vec<u8>, interface: u32, packet: Packet<'_>) {
    let padded = packet.data.len().next_multiple_of(4);
    let length = (HEAD + padded + TAIL) as u32;
    let at = packet.at.max(0) as u64;
    for word in [6, length, interface, (at >> 32) as u32, at as u32, packet.data.len() as u32, packet.wire] {
        out.extend(word.to_le_bytes());
    }
    out.extend(packet.data);
    out.extend(std::iter::repeat_n(0, padded - packet.data.len()));
    out.extend(length.to_le_bytes());
}

/// How long the block of a packet is.
pub(super) fn block_length(captured: usize) -> u64 {
    (HEAD + captured.next_multiple_of(4) + TAIL) as u64
}

/// Reads the head of a block: its length, the time, the wire length and how much was captured.
fn head(bytes: &[u8; HEAD]) -> Option<(usize, i64, u32, usize)> {
    let mut cursor = Cursor::new(bytes);
    let (kind, length, interface) = (cursor.le32()?, cursor.le32()? as usize, cursor.le32()?);
    let at = u64::from(cursor.le32()?) << 32 | u64::from(cursor.le32()?);
    let (captured, wire) = (cursor.le32()? as usize, cursor.le32()?);
    let good = kind == 6 && interface == 0 && length <= MAX_BLOCK && block_length(captured) == length as u64;
    Some((length, i64::try_from(at).ok()?, wire, captured)).filter(|_| good)
}

/// How the walk through a segment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walked {
    /// Bytes that are whole.
    pub(super) whole: u64,
    /// Something stands behind them.
    pub(super) torn: bool,
}

/// What kind of frames a segment holds, and where they begin; `None`: it is none of ours.
fn opening(input: &mut impl io::Read) -> io::Result<Option<(LinkType, u64)>> {
    let mut section = [0; 28];
    let mut interface = [0; 12];
    if !filled(input, &mut section)? || !filled(input, &mut interface)? {
        return Ok(None);
    }
    let mut expected = Vec::new();
    begin(&mut expected, &[]);
    let mut cursor = Cursor::new(&interface);
    let (Some(kind), Some(length), Some(link)) = (cursor.le32(), cursor.le32(), cursor.le16()) else { return Ok(None) };
    if section != *expected || kind != 1 || !(20..=1024).contains(&length) {
        return Ok(None);
    }
    let mut rest = vec![0; length as usize - interface.len()];
    Ok(filled(input, &mut rest)?.then_some((LinkType(link), 28 + u64::from(length))))
}

fn filled(input: &mut impl io::Read, into: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(into) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

/// Hands over every frame with its place and the checksum of its block, as far as the segment is whole.
pub(super) fn walk(path: &Path, mut each: impl FnMut(LinkType, (u64, u32), Packet<'_>)) -> io::Result<Walked> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut input = BufReader::with_capacity(1 << 18, file);
    let Some((link, mut at)) = opening(&mut input)? else { return Ok(Walked { whole: 0, torn: length > 0 }) };
    let (mut first, mut body) = ([0; HEAD], Vec::new());
    while filled(&mut input, &mut first)? {
        let Some((length, time, wire, captured)) = head(&first) else { break };
        body.resize(length - HEAD, 0);
        if !filled(&mut input, &mut body)? || body.last_chunk::<4>() != Some(&(length as u32).to_le_bytes()) {
            break;
        }
        let sum = crc32c::crc32c_append(crc32c::crc32c(&first), &body);
        each(link, (at, sum), Packet { at: time, wire, data: body.get(..captured).unwrap_or_default() });
        at += length as u64;
    }
    Ok(Walked { whole: at, torn: length > at })
}

/// A segment that is read here and there.
pub(super) struct Opened {
    file: File,
    buffer: Vec<u8>,
}

impl Opened {
    /// Opens it; `None`: it is gone, or none of ours.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        Ok(opening(&mut file.by_ref().take(2048))?.map(|_| Self { file, buffer: Vec::new() }))
    }

    /// When the packet at a place was captured, and how many bytes of it; `None`: there is none.
    pub(super) fn glance(&self, at: u64) -> Option<(i64, usize)> {
        let mut bytes = [0; HEAD];
        self.file.read_exact_at(&mut bytes, at).ok()?;
        head(&bytes).map(|(_, time, _, captured)| (time, captured))
    }

    /// The packet at a place; `None`: there is none, or not as it was written.
    pub(super) fn packet(&mut self, at: u64, sum: u32) -> Option<Packet<'_>> {
        let mut bytes = [0; HEAD];
        self.file.read_exact_at(&mut bytes, at).ok()?;
        let (length, time, wire, captured) = head(&bytes)?;
        self.buffer.resize(length - HEAD, 0);
        self.file.read_exact_at(&mut self.buffer, at + HEAD as u64).ok()?;
        let whole = crc32c::crc32c_append(crc32c::crc32c(&bytes), &self.buffer) == sum;
        Some(Packet { at: time, wire, data: self.buffer.get(..captured)? }).filter(|_| whole)
    }
}
