//! The event as bytes: what the embedded log and the event store keep. Format version 1.
//!
//! ```text
//! u8      version = 1
//! [16]    event.id
//! i64 LE  @timestamp, UTC nanoseconds
//! varint  event.ingested - @timestamp (zigzag)
//! varint  length of the buffer, varint length of the record at its start, [n] the buffer
//! varint  number of entries; each:
//!   varint  registry number + 1; or 0, then varint length and bytes of the name
//!   u8      tag
//!   payload text: varint offset - end of the previous text (zigzag), varint length; int: zigzag varint;
//!           time: zigzag varint after @timestamp; double: 8 bytes LE; IPv4: 4 bytes; IPv6, UUID: 16 bytes
//! ```
//! Text before numbers that differ, and offsets as small differences, so that a block of events compresses well.

use thiserror::Error;
use uuid::Uuid;

use crate::{
    event::{Event, Tag, parts::Payload},
    field::FieldId,
    varint::{self, put, unzigzag, zigzag},
};

/// Format version written.
pub const VERSION: u8 = 1;

/// The bytes are not an event of a version this program reads.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CodecError {
    /// Written by a newer program.
    #[error("event format version {0} is newer than this program reads (1): upgrade this node first")]
    Version(u8),
    /// Cut short or damaged.
    #[error("event bytes are damaged at offset {0}")]
    Damaged(usize),
}

/// Appends the event's bytes to `out`.
pub fn encode(event: &Event, out: &mut Vec<u8>) {
    let (text, original, entries) = event.parts();
    out.push(VERSION);
    out.extend_from_slice(event.id().as_bytes());
    out.extend_from_slice(&event.timestamp().to_le_bytes());
    put(out, zigzag(event.ingested().wrapping_sub(event.timestamp())));
    put(out, text.len() as u64);
    put(out, original as u64);
    out.extend_from_slice(text.as_bytes());
    put(out, entries.len() as u64);
    let mut end = 0i64;
    for e in entries {
        match event.entry_name(e) {
            Ok(id) => put(out, id.index() as u64 + 1),
            Err(name) => {
                out.push(0);
                put(out, name.len() as u64);
                out.extend_from_slice(name.as_bytes());
            }
        }
        out.push(e.tag as u8);
        match e.tag {
            Tag::Null | Tag::False | Tag::True => {}
            Tag::Int => put(out, zigzag(e.bits as i64)),
            Tag::Time => put(out, zigzag((e.bits as i64).wrapping_sub(event.timestamp()))),
            Tag::Float => out.extend_from_slice(&e.bits.to_le_bytes()),
            Tag::Ip4 => out.extend_from_slice(&(e.bits as u32).to_be_bytes()),
            Tag::Ip6 | Tag::Uuid => out.extend_from_slice(&event.entry_wide(e)),
            Tag::Str => {
                let range = Event::entry_range(e);
                put(out, zigzag(range.start as i64 - end));
                put(out, range.len() as u64);
                end = range.end as i64;
            }
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn damaged(&self) -> CodecError {
        CodecError::Damaged(self.at)
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], CodecError> {
        let end = self.at.checked_add(n).ok_or_else(|| self.damaged())?;
        let part = self.bytes.get(self.at..end).ok_or_else(|| self.damaged())?;
        self.at = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        let [b] = self.array::<1>()?;
        Ok(b)
    }

    fn varint(&mut self) -> Result<u64, CodecError> {
        varint::read(|| self.byte())?.ok_or_else(|| self.damaged())
    }

    fn size(&mut self) -> Result<usize, CodecError> {
        let v = self.varint()?;
        usize::try_from(v).ok().filter(|&n| n <= self.bytes.len()).ok_or_else(|| self.damaged())
    }

    fn text(&mut self, n: usize) -> Result<&'a str, CodecError> {
        let at = self.at;
        std::str::from_utf8(self.take(n)?).map_err(|_| CodecError::Damaged(at))
    }
}

fn tag(byte: u8) -> Option<Tag> {
    [Tag::Null, Tag::False, Tag::True, Tag::Int, Tag::Float, Tag::Time, Tag::Ip4, Tag::Ip6, Tag::Uuid, Tag::Str].get(byte as usize).copied()
}

/// Reads one event that fills `bytes`.
pub fn decode(bytes: &[u8]) -> Result<Event, CodecError> {
    let mut event = Event::default();
    decode_into(bytes, &mut event)?;
    Ok(event)
}

/// Reads one event into an old one's allocations. On an error `event` holds nothing of use.
pub fn decode_into(bytes: &[u8], event: &mut Event) -> Result<(), CodecError> {
    let mut r = Reader { bytes, at: 0 };
    let version = r.byte()?;
    if version != VERSION {
        return Err(CodecError::Version(version));
    }
    let id = Uuid::from_bytes(r.array()?);
    let timestamp = i64::from_le_bytes(r.array()?);
    let ingested = timestamp.wrapping_add(unzigzag(r.varint()?));
    let len = r.size()?;
    let original = r.size()?;
    let text = r.text(len)?;
    if text.get(..original).is_none() {
        return Err(r.damaged());
    }
    event.begin(id, timestamp, ingested, text, original);
    let count = r.size()?;
    let mut end = 0i64;
    for _ in 0..count {
        let key = r.varint()?;
        let name = if key == 0 {
            let n = r.size()?;
            Err(r.text(n)?)
        } else {
            Ok(u32::try_from(key - 1).ok().and_then(FieldId::from_static).ok_or_else(|| r.damaged())?)
        };
        let tag = tag(r.byte()?).ok_or_else(|| r.damaged())?;
        let payload = match tag {
            Tag::Null | Tag::False | Tag::True => Payload::Bits(0),
            Tag::Int => Payload::Bits(unzigzag(r.varint()?) as u64),
            Tag::Time => Payload::Bits(timestamp.wrapping_add(unzigzag(r.varint()?)) as u64),
            Tag::Float => Payload::Bits(u64::from_le_bytes(r.array()?)),
            Tag::Ip4 => Payload::Bits(u64::from(u32::from_be_bytes(r.array()?))),
            Tag::Ip6 | Tag::Uuid => Payload::Wide(r.array()?),
            Tag::Str => {
                let offset = usize::try_from(end.wrapping_add(unzigzag(r.varint()?))).map_err(|_| r.damaged())?;
                let n = r.size()?;
                end = offset.checked_add(n).and_then(|e| i64::try_from(e).ok()).ok_or_else(|| r.damaged())?;
                // names restored before this entry stand behind the encoded text, which alone may be referred to
                if end > len as i64 {
                    return Err(r.damaged());
                }
                Payload::Text(offset, n)
            }
        };
        event.restore(name, tag, payload).ok_or_else(|| r.damaged())?;
    }
    if r.at == bytes.len() { Ok(()) } else { Err(r.damaged()) }
}

/// `@timestamp` of encoded bytes, without reading the rest.
pub fn peek_timestamp(bytes: &[u8]) -> Option<i64> {
    bytes.get(17..25).and_then(|b| b.try_into().ok()).map(i64::from_le_bytes)
}
