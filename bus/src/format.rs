//! Segments as bytes. Format version 1. Encodes and decodes; never opens a file.
//!
//! A segment is the file `<first offset, 20 decimal digits>.seg`. All numbers are little endian.
//!
//! ```text
//! segment header, 64 bytes
//!   0  [8]   "FSPNSEG\0"
//!   8  u16   format version = 1
//!  10  u16   length of this header = 64
//!  12  u32   zero
//!  16  u64   salt: random, a new one for each segment
//!  24  u64   offset of the first record
//!  32  i64   time of creation, UTC nanoseconds
//!  40  [20]  zero
//!  60  u32   CRC32C of bytes 0..60
//!
//! then batches, each starting at a multiple of 8:
//!   0  u64   the segment's salt
//!   8  u64   offset of the first record
//!  16  i64   time of the append, UTC nanoseconds
//!  24  [16]  idempotency key, zero if there is none
//!  40  u32   number of records, at least 1
//!  44  u32   length of the body
//!  48  u32   flags: bit 0 = there is a key; others zero
//!  52  u32   CRC32C of the body
//!  56  u32   records of the same group commit before this batch (0 for the first of its group)
//!  60  u32   CRC32C of bytes 0..60
//!  64  body: a u32 length per record, then the records one after another
//!      zeros up to a multiple of 8
//! ```
//!
//! The salt lets a reader find the next batch after damage without being led astray by what is inside records: a sender
//! cannot forge a batch, for it does not know the salt. The place within the group tells, after a power failure, damage to
//! what had been acknowledged (a later group proves it) from pages of the last group that never reached the disk.
//! A segment ends where the next one begins: batches of a file at or beyond the first offset of the next file do not count
//! (they are what a failed sync left behind; the next file holds the truth).

use crate::batch::Batch;

/// Format version written.
pub(crate) const VERSION: u16 = 1;
/// Oldest format version read.
pub(crate) const OLDEST_VERSION: u16 = 1;
/// Bytes before the first batch.
pub(crate) const SEGMENT_HEADER: usize = 64;
/// Bytes before a batch's body.
pub(crate) const BATCH_HEADER: usize = 64;
/// Batches start at multiples of this.
pub(crate) const ALIGN: usize = 8;
/// Least `segment_bytes`.
pub(crate) const SMALLEST_SEGMENT: u64 = 4 << 10;
/// Most `segment_bytes`: a body's length must fit 32 bits with room to spare.
pub(crate) const LARGEST_SEGMENT: u64 = 2 << 30;
/// Extension of a segment file.
pub(crate) const SEGMENT_EXTENSION: &str = "seg";

const MAGIC: [u8; 8] = *b"FSPNSEG\0";
const FLAG_KEY: u32 = 1;

/// `N` bytes at `at`; zeros beyond the end (callers pass whole headers).
pub(crate) fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|b| b.first_chunk::<N>()).copied().unwrap_or([0; N])
}

/// `u32` at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, at))
}

/// `u64` at `at`.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes_at(bytes, at))
}

/// `i64` at `at`.
pub(crate) fn i64_at(bytes: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(bytes_at(bytes, at))
}

/// `n` rounded up to where the next batch may start.
pub(crate) fn aligned(n: usize) -> usize {
    n.div_ceil(ALIGN) * ALIGN
}

/// File name of the segment whose first record has this offset.
pub(crate) fn segment_name(base: u64) -> String {
    format!("{base:020}.{SEGMENT_EXTENSION}")
}

/// First offset of the segment in a file of this name, if it is one with this extension.
pub(crate) fn base_of(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_suffix(extension)?.strip_suffix('.')?;
    if digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// What stands at the start of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub(crate) salt: u64,
    pub(crate) base: u64,
    pub(crate) created_at: i64,
}

/// Why a segment header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// Cut short or changed.
    Damaged,
    /// Sound, but of a version this program does not read.
    Version(u16),
}

impl SegmentHead {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER] {
        let mut out = [0; SEGMENT_HEADER];
        let mut put = |at: usize, part: &[u8]| {
            if let Some(place) = out.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
        };
        put(0, &MAGIC);
        put(8, &VERSION.to_le_bytes());
        put(10, &(SEGMENT_HEADER as u16).to_le_bytes());
        put(16, &self.salt.to_le_bytes());
        put(24, &self.base.to_le_bytes());
        put(32, &self.created_at.to_le_bytes());
        let crc = crc32c::crc32c(&out[..60]);
        out[60..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentHead, HeadError> {
        let head = bytes.first_chunk::<SEGMENT_HEADER>().ok_or(HeadError::Damaged)?;
        if head[..8] != MAGIC || crc32c::crc32c(&head[..60]) != u32_at(head, 60) {
            return Err(HeadError::Damaged);
        }
        let version = u16::from_le_bytes(bytes_at(head, 8));
        if !(OLDEST_VERSION..=VERSION).contains(&version) {
            return Err(HeadError::Version(version));
        }
        Ok(SegmentHead { salt: u64_at(head, 16), base: u64_at(head, 24), created_at: i64_at(head, 32) })
    }
}

/// What stands at the start of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHead {
    pub(crate) base: u64,
    pub(crate) at: i64,
    pub(crate) key: Option<[u8; 16]>,
    pub(crate) count: u32,
    pub(crate) body_len: u32,
    pub(crate) body_crc: u32,
    pub(crate) group_before: u32,
}

impl BatchHead {
    /// Offset after the last record.
    pub(crate) fn end(&self) -> u64 {
        self.base.saturating_add(u64::from(self.count))
    }

    /// First offset of the group commit the batch belongs to.
    pub(crate) fn group(&self) -> u64 {
        self.base.saturating_sub(u64::from(self.group_before))
    }

    /// Bytes of the whole batch, padding included.
    pub(crate) fn total(&self) -> usize {
        BATCH_HEADER + aligned(self.body_len as usize)
    }

    pub(crate) fn encode(&self, salt: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&salt.to_le_bytes());
        out.extend_from_slice(&self.base.to_le_bytes());
        out.extend_from_slice(&self.at.to_le_bytes());
        out.extend_from_slice(&self.key.unwrap_or_default());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.body_len.to_le_bytes());
        out.extend_from_slice(&(if self.key.is_some() { FLAG_KEY } else { 0 }).to_le_bytes());
        out.extend_from_slice(&self.body_crc.to_le_bytes());
        out.extend_from_slice(&self.group_before.to_le_bytes());
        let crc = crc32c::crc32c(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&crc.to_le_bytes());
    }

    /// Reads a header that carries this salt; `None` if it is not a sound one.
    pub(crate) fn decode(bytes: &[u8], salt: u64) -> Option<BatchHead> {
        let head = bytes.first_chunk::<BATCH_HEADER>()?;
        if u64_at(head, 0) != salt || crc32c::crc32c(&head[..60]) != u32_at(head, 60) {
            return None;
        }
        let flags = u32_at(head, 48);
        let read = BatchHead {
            base: u64_at(head, 8),
            at: i64_at(head, 16),
            key: (flags & FLAG_KEY != 0).then(|| bytes_at(head, 24)),
            count: u32_at(head, 40),
            body_len: u32_at(head, 44),
            body_crc: u32_at(head, 52),
            group_before: u32_at(head, 56),
        };
        let plausible = flags & !FLAG_KEY == 0 && read.count > 0 && u64::from(read.count) * 4 <= u64::from(read.body_len);
        (plausible && u64::from(read.body_len) <= LARGEST_SEGMENT && read.base.checked_add(u64::from(read.count)).is_some()).then_some(read)
    }

    /// Whether `body` is what was written: checksum, and lengths that add up (so that readers need not doubt them).
    pub(crate) fn vouches_for(&self, body: &[u8]) -> bool {
        let lengths = self.count as usize * 4;
        let Some((lengths, data)) = body.split_at_checked(lengths) else { return false };
        let sum: u64 = lengths.as_chunks::<4>().0.iter().map(|&l| u64::from(u32::from_le_bytes(l))).sum();
        body.len() == self.body_len as usize && sum == data.len() as u64 && crc32c::crc32c(body) == self.body_crc
    }
}

/// Bytes a batch takes in a segment.
pub(crate) fn batch_size(batch: &Batch) -> u64 {
    let (lengths, data) = batch.parts();
    (BATCH_HEADER + aligned(lengths.len() + data.len())) as u64
}

/// Checksum of a batch's body; costs a pass over the bytes, so producers do it, each on its own thread.
pub(crate) fn body_crc(batch: &Batch) -> u32 {
    let (lengths, data) = batch.parts();
    crc32c::crc32c_append(crc32c::crc32c(lengths), data)
}

/// Where a batch goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) base: u64,
    pub(crate) group_before: u32,
    pub(crate) at: i64,
    pub(crate) salt: u64,
}

/// Appends a batch's bytes to `out`, whose length must be a multiple of 8.
pub(crate) fn encode_batch(batch: &Batch, body_crc: u32, place: Place, out: &mut Vec<u8>) {
    let (lengths, data) = batch.parts();
    let head = BatchHead {
        base: place.base,
        at: place.at,
        key: batch.key,
        count: batch.len() as u32,
        body_len: (lengths.len() + data.len()) as u32,
        body_crc,
        group_before: place.group_before,
    };
    head.encode(place.salt, out);
    out.extend_from_slice(lengths);
    out.extend_from_slice(data);
    out.resize(aligned(out.len()), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(records: &[&[u8]], key: Option<[u8; 16]>) -> Vec<u8> {
        let mut batch = Batch::new();
        batch.key = key;
        records.iter().for_each(|r| batch.push(r));
        let mut out = Vec::new();
        encode_batch(&batch, body_crc(&batch), Place { base: 7, group_before: 3, at: 99, salt: 0xabcd }, &mut out);
        out
    }

    #[test]
    fn a_batch_reads_back_and_any_flipped_bit_is_noticed() {
        let bytes = encoded(&[b"one", b"", b"three"], Some([9; 16]));
        assert_eq!(bytes.len() % ALIGN, 0);
        let sound = |bytes: &[u8]| BatchHead::decode(bytes, 0xabcd).filter(|h| h.vouches_for(&bytes[64..64 + h.body_len as usize]));
        let head = sound(&bytes).expect("reads back");
        assert_eq!((head.base, head.end(), head.group(), head.at, head.key), (7, 10, 4, 99, Some([9; 16])));
        for bit in 0..(64 + head.body_len as usize) * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(BatchHead::decode(&damaged, 0xabcd).is_none() || sound(&damaged).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_segment_header_reads_back_and_tells_damage_from_a_newer_version() {
        let head = SegmentHead { salt: 1, base: 2, created_at: 3 };
        let mut bytes = head.encode();
        assert_eq!(SegmentHead::decode(&bytes), Ok(head));
        bytes[8] = 2;
        assert_eq!(SegmentHead::decode(&bytes), Err(HeadError::Damaged));
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(SegmentHead::decode(&bytes), Err(HeadError::Version(2)));
        assert_eq!(SegmentHead::decode(&bytes[..63]), Err(HeadError::Damaged));
    }

    #[test]
    fn file_names_carry_the_first_offset() {
        assert_eq!(base_of(&segment_name(42), "seg"), Some(42));
        assert_eq!(base_of(&segment_name(u64::MAX), "seg"), Some(u64::MAX));
        for other in ["42.seg", "0000000000000000004x.seg", "00000000000000000042.seal", "LOCK"] {
            assert_eq!(base_of(other, "seg"), None, "{other}");
        }
    }
}
