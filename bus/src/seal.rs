//! Seals: what a full segment held, with the Merkle root over its records, in a file beside it. Format version 1.
//! Writes seals once and never changes one; a seal that no longer fits its segment is reported, not repaired.
//!
//! `<first offset, 20 digits>.seal`, numbers little endian:
//!
//! ```text
//!   0  [8]   "FSPNSEAL"
//!   8  u16   format version = 1
//!  10  [6]   zero
//!  16  u64   the segment's salt
//!  24  u64   offset of the first record
//!  32  u64   offset after the last record
//!  40  u64   number of records kept (fewer than the offsets where there are gaps)
//!  48  u64   bytes of the segment file
//!  56  i64   time of the first append, UTC nanoseconds
//!  64  i64   time of the last append
//!  72  [32]  root of the Merkle tree over the records kept (see `merkle`)
//! 104  [32]  BLAKE3 of the seal file of the segment before, zero if there was none
//! 136  u32   number of gaps, u32 number of keys, u32 number of index entries, u32 zero
//! 152  gaps: u64 first missing offset, u64 offset after the last missing one
//!      keys: [16] idempotency key, u64 first offset of its batch
//!      index: u64 first offset of a batch, u64 its position in the file
//! end  u32   CRC32C of everything before
//! ```
//!
//! A seal follows from the segment's bytes and the seal before it alone, so computing it again gives the same file.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    error::BusError,
    format::{self, HeadError, SEGMENT_HEADER, SegmentHead, bytes_at, i64_at, u32_at, u64_at},
    host::{Host, HostFile, Machine, read_file, read_full, write_full},
    merkle::{Tree, leaf},
    scan::{Bounds, Gap, Index, records, scan},
};

/// Format version written.
pub(crate) const VERSION: u16 = 1;
/// Extension of a seal file.
pub(crate) const SEAL_EXTENSION: &str = "seal";
/// A segment of the largest size full of one-record keyed batches has a seal smaller than this.
const LARGEST: u64 = format::LARGEST_SEGMENT;

const MAGIC: [u8; 8] = *b"FSPNSEAL";
const FIXED: usize = 152;

/// A seal in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) salt: u64,
    pub(crate) base: u64,
    pub(crate) next: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    pub(crate) root: [u8; 32],
    pub(crate) previous: [u8; 32],
    pub(crate) gaps: Vec<(u64, u64)>,
    pub(crate) keys: Vec<([u8; 16], u64)>,
    pub(crate) index: Index,
}

/// What a seal says, for people and ledgers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Offset of the first record.
    pub first_offset: u64,
    /// Offset after the last record.
    pub end_offset: u64,
    /// Records kept.
    pub records: u64,
    /// Bytes of the segment file.
    pub bytes: u64,
    /// Time of the first append, UTC nanoseconds.
    pub first_at: i64,
    /// Time of the last append, UTC nanoseconds.
    pub last_at: i64,
    /// Merkle root over the records, hexadecimal.
    pub root: String,
    /// BLAKE3 of the seal file before this one, hexadecimal; zeros for the first.
    pub previous: String,
    /// BLAKE3 of this seal file, hexadecimal: what the next one names as `previous`.
    pub id: String,
    /// Offsets that were already missing when the segment was sealed: first, and one after the last.
    pub missing: Vec<(u64, u64)>,
}

impl Seal {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIXED + 16 * (self.gaps.len() + self.index.0.len()) + 24 * self.keys.len() + 4);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 6]);
        for n in [self.salt, self.base, self.next, self.records, self.bytes, self.first_at as u64, self.last_at as u64] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        out.extend_from_slice(&self.root);
        out.extend_from_slice(&self.previous);
        for n in [self.gaps.len(), self.keys.len(), self.index.0.len(), 0] {
            out.extend_from_slice(&(n as u32).to_le_bytes());
        }
        let pair = |out: &mut Vec<u8>, &(a, b): &(u64, u64)| {
            out.extend_from_slice(&a.to_le_bytes());
            out.extend_from_slice(&b.to_le_bytes());
        };
        self.gaps.iter().for_each(|g| pair(&mut out, g));
        for (key, offset) in &self.keys {
            out.extend_from_slice(key);
            out.extend_from_slice(&offset.to_le_bytes());
        }
        self.index.0.iter().for_each(|i| pair(&mut out, i));
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a seal file's bytes.
    pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<Seal, BusError> {
        let damaged = |what: &str| BusError::Damaged { path: path.to_owned(), what: what.to_owned() };
        let body = bytes.len().checked_sub(4).filter(|&n| n >= FIXED).ok_or_else(|| damaged("too short for a seal"))?;
        let (content, crc) = bytes.split_at(body);
        if !content.starts_with(&MAGIC) || u32_at(crc, 0) != crc32c::crc32c(content) {
            return Err(damaged("checksum of the seal does not fit"));
        }
        let version = u16::from_le_bytes(bytes_at(content, 8));
        if version != VERSION {
            return Err(BusError::Version { path: path.to_owned(), version, newest: VERSION });
        }
        let sizes: [usize; 3] = [136, 140, 144].map(|at| u32_at(content, at) as usize);
        let [gaps, keys, index] = sizes;
        if FIXED + 16 * (gaps + index) + 24 * keys != body {
            return Err(damaged("lists of the seal do not fill it"));
        }
        let (gap_end, key_end) = (FIXED + 16 * gaps, FIXED + 16 * gaps + 24 * keys);
        let pairs = |from: usize, n: usize| (0..n).map(|i| (u64_at(content, from + 16 * i), u64_at(content, from + 16 * i + 8))).collect();
        let seal = Seal {
            salt: u64_at(content, 16),
            base: u64_at(content, 24),
            next: u64_at(content, 32),
            records: u64_at(content, 40),
            bytes: u64_at(content, 48),
            first_at: i64_at(content, 56),
            last_at: i64_at(content, 64),
            root: bytes_at(content, 72),
            previous: bytes_at(content, 104),
            gaps: pairs(FIXED, gaps),
            keys: (0..keys).map(|i| (bytes_at(content, gap_end + 24 * i), u64_at(content, gap_end + 24 * i + 16))).collect(),
            index: Index(pairs(key_end, index)),
        };
        if seal.is_coherent() { Ok(seal) } else { Err(damaged("what the seal says contradicts itself")) }
    }

    /// Whether its figures can be those of one segment.
    fn is_coherent(&self) -> bool {
        let mut end = self.base;
        let mut missing = 0;
        for &(from, to) in &self.gaps {
            if from < end || to <= from || to > self.next {
                return false;
            }
            (end, missing) = (to, missing + (to - from));
        }
        let offsets = self.base..self.next;
        let keys = self.keys.iter().all(|(_, offset)| offsets.contains(offset));
        let index = self.index.0.iter().all(|(offset, at)| offsets.contains(offset) && *at < self.bytes);
        !offsets.is_empty() && offsets.end - offsets.start - missing == self.records && keys && index && self.bytes >= SEGMENT_HEADER as u64
    }

    /// The seal as shown.
    pub(crate) fn proof(&self) -> Proof {
        Proof {
            first_offset: self.base,
            end_offset: self.next,
            records: self.records,
            bytes: self.bytes,
            first_at: self.first_at,
            last_at: self.last_at,
            root: hex::encode(self.root),
            previous: hex::encode(self.previous),
            id: hex::encode(id(&self.encode())),
            missing: self.gaps.clone(),
        }
    }

    /// Computes the seal of a segment that ends at offset `bounds.below`; also says which gaps it found.
    pub(crate) fn compute(file: &dyn HostFile, bounds: &Bounds, previous: [u8; 32]) -> io::Result<(Seal, Vec<Gap>)> {
        let mut tree = Tree::default();
        let found = scan(file, bounds, |head, body| records(head, body, |record| tree.push(leaf(record))))?;
        let seal = Seal {
            salt: bounds.salt,
            base: bounds.base,
            next: bounds.below,
            records: found.records,
            bytes: bounds.end,
            first_at: found.first_at,
            last_at: found.last_at,
            root: tree.root(),
            previous,
            gaps: found.gaps.iter().map(|g| (g.from, g.to)).collect(),
            keys: found.keys,
            index: found.index,
        };
        Ok((seal, found.gaps))
    }

    /// Writes the seal beside its segment, whole or not at all. Returns its id and its size in bytes.
    pub(crate) fn write(&self, host: &dyn Host, dir: &Path) -> Result<([u8; 32], u64), BusError> {
        let path = dir.join(name(self.base));
        let draft = path.with_extension("draft");
        let bytes = self.encode();
        let _ = host.remove(&draft);
        let written = host.create(&draft).and_then(|f| write_full(&*f, &bytes, 0).and_then(|()| f.sync()));
        written.and_then(|()| host.rename(&draft, &path)).and_then(|()| host.sync_dir(dir)).map_err(BusError::io("write", &path))?;
        Ok((id(&bytes), bytes.len() as u64))
    }

    /// Reads the seal of the segment with this first offset: the seal, its id, its size.
    pub(crate) fn read(host: &dyn Host, dir: &Path, base: u64) -> Result<(Seal, [u8; 32], u64), BusError> {
        let path = dir.join(name(base));
        let bytes = read_file(host, &path, LARGEST).map_err(BusError::io("read", &path))?;
        let seal = Seal::decode(&bytes, &path)?;
        if seal.base != base {
            return Err(BusError::Damaged { path, what: format!("it is the seal of the segment at {}", seal.base) });
        }
        Ok((seal, id(&bytes), bytes.len() as u64))
    }
}

/// File name of the seal of the segment with this first offset.
pub(crate) fn name(base: u64) -> String {
    format!("{base:020}.{SEAL_EXTENSION}")
}

fn id(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

/// Reads a sealed segment again from its first to its last byte and compares it with its seal: every checksum, every record's
/// hash, the root, the times, the keys. Needs no lock: sealed files never change. `segment` is the path of the `.seg` file.
///
/// # Errors
/// [`BusError::Altered`] with the first difference; [`BusError::Io`], [`BusError::Damaged`] or [`BusError::Version`] when
/// the segment or its seal cannot be read (an unsealed segment has no seal file).
pub fn verify_segment(segment: &Path) -> Result<Proof, BusError> {
    verify(&Machine, segment)
}

pub(crate) fn verify(host: &dyn Host, path: &Path) -> Result<Proof, BusError> {
    let altered = |what: String| BusError::Altered { path: path.to_owned(), what };
    let dir = path.parent().unwrap_or(Path::new("."));
    let base = path.file_name().and_then(|n| n.to_str()).and_then(|n| format::base_of(n, format::SEGMENT_EXTENSION));
    let base = base.ok_or_else(|| BusError::Damaged { path: path.to_owned(), what: "not the name of a segment".to_owned() })?;
    let (seal, _, _) = Seal::read(host, dir, base)?;
    let file = host.open(path).map_err(BusError::io("open", path))?;
    let length = file.length().map_err(BusError::io("read", path))?;
    if length < seal.bytes {
        return Err(altered(format!("{length} bytes long, {} were sealed", seal.bytes)));
    }
    let mut head = [0; SEGMENT_HEADER];
    read_full(&*file, &mut head, 0).map_err(BusError::io("read", path))?;
    match SegmentHead::decode(&head) {
        Ok(head) if head.salt == seal.salt && head.base == base => {}
        Ok(_) => return Err(altered("its header is that of another segment".to_owned())),
        Err(HeadError::Damaged) => return Err(altered("its header is damaged".to_owned())),
        Err(HeadError::Version(version)) => {
            return Err(BusError::Version { path: path.to_owned(), version, newest: format::VERSION });
        }
    }
    let bounds = Bounds { salt: seal.salt, base, below: seal.next, end: seal.bytes };
    let (found, _) = Seal::compute(&*file, &bounds, seal.previous).map_err(BusError::io("read", path))?;
    match difference(&seal, &found) {
        None => Ok(seal.proof()),
        Some(what) => Err(altered(what)),
    }
}

fn difference(sealed: &Seal, found: &Seal) -> Option<String> {
    if let Some((from, to)) = found.gaps.iter().find(|g| !sealed.gaps.contains(g)) {
        return Some(format!("records {from} to {} cannot be read", to - 1));
    }
    if sealed.records != found.records {
        return Some(format!("{} records, {} were sealed", found.records, sealed.records));
    }
    if sealed.root != found.root {
        return Some(format!("Merkle root {}, {} was sealed", hex::encode(found.root), hex::encode(sealed.root)));
    }
    (sealed != found).then(|| "times, keys or positions of batches differ".to_owned())
}

/// Reads the bytes of a seal file.
///
/// # Errors
/// [`BusError::Damaged`], [`BusError::Version`].
pub fn read_seal(bytes: &[u8]) -> Result<Proof, BusError> {
    Seal::decode(bytes, Path::new("the seal")).map(|seal| seal.proof())
}

/// Paths of the segments in `dir` that have a seal, oldest first: what there is to verify.
pub fn sealed_segments(dir: &Path) -> Result<Vec<PathBuf>, BusError> {
    let names = Machine.list(dir).map_err(BusError::io("list", dir))?;
    let mut bases: Vec<u64> = names.iter().filter_map(|n| format::base_of(n, SEAL_EXTENSION)).collect();
    bases.sort_unstable();
    Ok(bases.into_iter().map(|b| dir.join(format::segment_name(b))).collect())
}
