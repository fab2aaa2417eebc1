//! Events as the index stores them: so that events of one shape differ only where their records do.
//!
//! The bus's format ([`fansipan_model::codec`]) names parts of a record by their bytes, and carries numbers and addresses beside
//! the record they stand in. Here a part is named by the words it spans, counted from the part before it, and a number or address
//! that stands in the record is named instead of repeated, in seconds where the event has nanoseconds. Numbers that nobody wrote
//! into the log are not looked for: what was found would be chance, another in every line. The entries of two lines from the same
//! device are then the same bytes, and a block of them takes little more room than the records.
//!
//! ```text
//! u8      version = 2; 1 had neither SCALED nor REST
//! [16]    event.id
//! varint  @timestamp - the millisecond in the id (zigzag)
//! varint  event.ingested - the same (zigzag)
//! u8      whether the base is the record
//! varint  number of entries; each: varint registry number + 1, or 0 and varint length, bytes of the name; u8 kind; payload
//! ```
//! The base, stored beside it, is the text that parts are parts of: the record, or the message where there is none.
//! A word is a maximal run of ASCII letters and digits and of bytes beyond ASCII.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fansipan_model::{
    Event, EventBuilder, FieldId, Value, fields,
    predicate::entry_in_any,
    varint::{self, put, unzigzag, zigzag},
};
use uuid::Uuid;

use super::record::integer;

pub(crate) const VERSION: u8 = 2;
/// What is read.
const VERSIONS: std::ops::RangeInclusive<u8> = 1..=VERSION;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
/// zigzag varint
const INT: u8 = 3;
/// 8 bytes LE
const FLOAT: u8 = 4;
/// zigzag varint after `@timestamp`
const TIME: u8 = 5;
/// 4 bytes
const IP4: u8 = 6;
/// 16 bytes
const IP6: u8 = 7;
/// 16 bytes
const UUID: u8 = 8;
/// varint length, bytes
const TEXT: u8 = 9;
/// zigzag varint first word - the word after the last part; varint words - 1
const PART: u8 = 10;
/// the same; an integer
const INT_PART: u8 = 11;
/// the same; an address
const IP_PART: u8 = 12;
/// zigzag varint first word - the word after the last part; varint bytes between its end and that of the base
const TAIL: u8 = 13;
/// varint offset, varint length
const BYTES: u8 = 14;
/// as INT_PART; u8 how often it is multiplied by a thousand
const SCALED: u8 = 15;
/// varint offset; varint bytes between its end and that of the base
const REST: u8 = 16;

/// Most that SCALED multiplies: seconds as nanoseconds.
const THOUSANDS: u8 = 3;
/// What ends fewer bytes before the base does is measured from there.
const SHORT: usize = 4;

/// Why stored bytes are no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Written by a newer program.
    Version(u8),
    /// Cut short or changed.
    Bytes,
}

/// The instant in a UUIDv7; of any other id something that decoding computes again.
pub(crate) fn instant(id: Uuid) -> i64 {
    ((id.as_u128() >> 80) as i64).wrapping_mul(1_000_000)
}

/// Where a value lies in the base: its first word, and the first word behind it.
pub(crate) type Span = Option<(u32, u32)>;

/// Buffers of the packer.
#[derive(Default, Debug)]
pub(crate) struct Packer {
    /// Start and end of every word of the base.
    words: Vec<(u32, u32)>,
    /// Per value, by its place in the event.
    spans: Vec<Span>,
    scratch: String,
}

/// Bit per byte: whether it belongs to a word. Eight bytes at a time, a bit of each byte being its answer until they are collected.
fn classes(chunk: &[u8]) -> u64 {
    let (eights, rest) = chunk.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let bits = eights.iter().zip((0..).step_by(8)).fold(0, |bits, (eight, at)| bits | classes_of(*eight) << at);
    if rest.is_empty() { bits } else { bits | classes_of(last) << (8 * eights.len()) }
}

/// [`classes`] of eight bytes.
fn classes_of(eight: [u8; 8]) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let each = |b: u8| u64::from_ne_bytes([b; 8]);
    let bytes = u64::from_le_bytes(eight);
    let low = bytes & !HIGH;
    // the high bit of a byte tells whether it is at least `b`; nothing carries into the next byte
    let least = |text: u64, b: u8| text + each(0x80 - b);
    let digit = least(low, b'0') & !least(low, b'9' + 1);
    let lower = low | each(0x20);
    let letter = least(lower, b'a') & !least(lower, b'z' + 1);
    let marks = (bytes | digit | letter) & HIGH;
    (marks >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Fills `words` with the words of a text.
fn split(text: &str, words: &mut Vec<(u32, u32)>) {
    words.clear();
    let (mut inside, mut start) = (0u64, 0u32);
    for (chunk, at) in text.as_bytes().chunks(64).zip((0u32..).step_by(64)) {
        let bits = classes(chunk);
        // a bit where a word begins or has just ended
        let mut edges = bits ^ (bits << 1 | inside);
        inside = bits >> 63;
        while edges != 0 {
            let edge = edges.trailing_zeros();
            edges &= edges - 1;
            if bits >> edge & 1 == 1 {
                start = at + edge;
            } else if at + edge <= text.len() as u32 {
                words.push((start, at + edge));
            }
        }
    }
    let ends = words.last().is_none_or(|w| w.1 != text.len() as u32);
    if inside == 1 && ends {
        words.push((start, text.len() as u32));
    }
}

/// The text that parts are parts of.
pub(crate) fn base(event: &Event) -> (&str, bool) {
    match event.original() {
        Some(record) => (record, true),
        None => (event.message().unwrap_or(""), false),
    }
}

impl Packer {
    /// The words of the base of the event that was packed last, as starts and ends.
    pub(crate) fn words(&self) -> &[(u32, u32)] {
        &self.words
    }

    /// Where each of its values lies in the base, by its place in the event.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Appends the event's bytes.
    pub(crate) fn pack(&mut self, event: &Event, out: &mut Vec<u8>) {
        let (base, is_record) = base(event);
        split(base, &mut self.words);
        let instant = instant(event.id());
        out.push(VERSION);
        out.extend_from_slice(event.id().as_bytes());
        put(out, zigzag(event.timestamp().wrapping_sub(instant)));
        put(out, zigzag(event.ingested().wrapping_sub(instant)));
        out.push(u8::from(is_record));
        put(out, event.len() as u64);
        self.spans.clear();
        self.spans.resize(event.len(), None);
        let mut next = 0;
        // order among fields is free, that of a field's values is not: ids first, then names
        for named in [false, true] {
            for (place, field) in event.entry_fields().enumerate().filter(|(_, field)| field.is_none() == named) {
                match field.filter(|id| id.is_static()) {
                    Some(id) => put(out, id.index() as u64 + 1),
                    None => {
                        let name = event.entry_key(place);
                        out.push(0);
                        put(out, name.len() as u64);
                        out.extend_from_slice(name.as_bytes());
                    }
                }
                // a text is not made a value first: most are, and taking a value apart again costs more than all the rest
                let span = match event.entry_text(place) {
                    Some(text) => self.text(base, text, &mut next, out),
                    None => {
                        let from = match field {
                            Some(fields::LOG_SYSLOG_PRIORITY) => 0,
                            _ => next,
                        };
                        let look = Look { base, from, written: entry_in_any(event, place) };
                        self.value(event.timestamp(), look, event.entry_value(place).unwrap_or(Value::Null), &mut next, out)
                    }
                };
                if let Some(place) = self.spans.get_mut(place) {
                    *place = span;
                }
            }
        }
    }

    fn value(&mut self, timestamp: i64, look: Look<'_>, value: Value<'_>, next: &mut u32, out: &mut Vec<u8>) -> Span {
        match value {
            Value::Null => out.push(NULL),
            Value::Bool(v) => out.push(if v { TRUE } else { FALSE }),
            Value::Int(v) => {
                let span = self.written(look, value, INT_PART, next, out);
                if span.is_none() && !self.scaled(look, v, next, out) {
                    out.push(INT);
                    put(out, zigzag(v));
                }
                return span;
            }
            Value::Float(v) => {
                out.push(FLOAT);
                out.extend_from_slice(&v.to_bits().to_le_bytes());
            }
            Value::Time(v) => {
                out.push(TIME);
                put(out, zigzag(v.wrapping_sub(timestamp)));
            }
            Value::Ip(ip) => {
                let span = self.written(look, value, IP_PART, next, out);
                match ip {
                    _ if span.is_some() => {}
                    IpAddr::V4(ip) => {
                        out.push(IP4);
                        out.extend_from_slice(&ip.octets());
                    }
                    IpAddr::V6(ip) => {
                        out.push(IP6);
                        out.extend_from_slice(&ip.octets());
                    }
                }
                return span;
            }
            Value::Uuid(v) => {
                out.push(UUID);
                out.extend_from_slice(v.as_bytes());
            }
            Value::Str(text) => return self.text(look.base, text, next, out),
        }
        None
    }

    /// The words of a part of the base, if no word crosses its ends.
    pub(crate) fn span(&self, base: &str, text: &str) -> Span {
        // addresses only: both are slices of the event's buffer, or not
        let at = (text.as_ptr() as usize).checked_sub(base.as_ptr() as usize)?;
        if text.is_empty() || at + text.len() > base.len() {
            return None;
        }
        let (from, to) = (at as u32, (at + text.len()) as u32);
        let first = self.words.partition_point(|w| w.0 < from);
        let end = first + self.words.get(first..)?.partition_point(|w| w.1 <= to);
        let crossed = first.checked_sub(1).and_then(|i| self.words.get(i)).is_some_and(|w| w.1 > from)
            || self.words.get(end).is_some_and(|w| w.0 < to);
        (!crossed).then_some((first as u32, end as u32))
    }

    fn text(&self, base: &str, text: &str, next: &mut u32, out: &mut Vec<u8>) -> Span {
        let at = (text.as_ptr() as usize).checked_sub(base.as_ptr() as usize);
        let Some(at) = at.filter(|at| !text.is_empty() && at + text.len() <= base.len()) else {
            out.push(TEXT);
            put(out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
            return None;
        };
        let span = self.span(base, text);
        let words = span.and_then(|(first, end)| self.words.get(first as usize..end as usize)).unwrap_or_default();
        let begins = words.first().is_some_and(|w| w.0 as usize == at);
        let ends = words.last().is_some_and(|w| w.1 as usize == at + text.len());
        let short = base.len() - at - text.len();
        match span {
            Some((first, end)) if begins && ends => part(PART, first, end, next, out),
            Some((first, _)) if begins && short < SHORT => {
                out.push(TAIL);
                put(out, zigzag(i64::from(first) - i64::from(*next)));
                put(out, short as u64);
            }
            _ if short < SHORT => {
                out.push(REST);
                put(out, at as u64);
                put(out, short as u64);
            }
            _ => {
                out.push(BYTES);
                put(out, at as u64);
                put(out, text.len() as u64);
            }
        }
        span
    }

    /// Names the part of the base where the value's text form stands, if it stands there as whole words.
    fn written(&mut self, look: Look<'_>, value: Value<'_>, kind: u8, next: &mut u32, out: &mut Vec<u8>) -> Span {
        let (first, end) = self.found(look, value).filter(|_| look.written)?;
        part(kind, first, end, next, out);
        Some((first, end))
    }

    /// Names the part of the base that is the number once it is multiplied; whether there is one.
    fn scaled(&mut self, look: Look<'_>, value: i64, next: &mut u32, out: &mut Vec<u8>) -> bool {
        for thousands in (1..=THOUSANDS).rev() {
            let factor = 1000i64.pow(u32::from(thousands));
            if value == 0 || value % factor != 0 {
                continue;
            }
            if let Some((first, end)) = self.found(look, Value::Int(value / factor)) {
                part(SCALED, first, end, next, out);
                out.push(thousands);
                return true;
            }
        }
        false
    }

    /// The words of the base that are the value's text form.
    fn found(&mut self, look: Look<'_>, value: Value<'_>) -> Span {
        self.scratch.clear();
        value.write_text(&mut self.scratch);
        let (base, text) = (look.base.as_bytes(), self.scratch.as_bytes());
        let first_byte = text.first().copied();
        let first_len = text.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(text.len()) as u32;
        let starts = |&(_, &(from, to)): &(usize, &(u32, u32))| {
            to - from == first_len
                && base.get(from as usize).copied() == first_byte
                && base.get(from as usize..).is_some_and(|rest| rest.starts_with(text))
        };
        // most parts come in the order of the record
        let words = self.words.iter().enumerate();
        let found = words.clone().skip(look.from as usize).find(starts).or_else(|| words.take(look.from as usize).find(starts));
        let (first, &(from, _)) = found?;
        let more = self.words.get(first..)?.iter().position(|w| w.1 == from + text.len() as u32)?;
        Some((first as u32, (first + more + 1) as u32))
    }
}

/// Where a number or an address is looked for.
#[derive(Clone, Copy)]
struct Look<'a> {
    base: &'a str,
    /// The first word to look at; those before it come last.
    from: u32,
    /// Whether the log says it, or the product.
    written: bool,
}

fn part(kind: u8, first: u32, end: u32, next: &mut u32, out: &mut Vec<u8>) {
    out.push(kind);
    put(out, zigzag(i64::from(first) - i64::from(*next)));
    put(out, u64::from(end - first - 1));
    *next = end;
}

struct Reader<'a> {
    bytes: &'a [u8],
}

type Read<T> = Result<T, Damage>;

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(n).ok_or(Damage::Bytes)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(Damage::Bytes)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn varint(&mut self) -> Read<u64> {
        varint::read(|| self.array().map(|[b]| b))?.ok_or(Damage::Bytes)
    }

    fn signed(&mut self) -> Read<i64> {
        self.varint().map(unzigzag)
    }

    fn size(&mut self) -> Read<usize> {
        usize::try_from(self.varint()?).map_err(|_| Damage::Bytes)
    }

    fn text(&mut self) -> Read<&'a str> {
        let n = self.size()?;
        std::str::from_utf8(self.take(n)?).map_err(|_| Damage::Bytes)
    }

    /// The first word named, and the second number as it is.
    fn place(&mut self, next: usize) -> Read<(usize, usize)> {
        let delta = self.signed()?;
        let first = usize::try_from((next as i64).checked_add(delta).ok_or(Damage::Bytes)?).map_err(|_| Damage::Bytes)?;
        Ok((first, self.size()?))
    }
}

/// Reads events.
#[derive(Default, Debug)]
pub(crate) struct Unpacker {
    words: Vec<(u32, u32)>,
}

impl Unpacker {
    /// Reads the event that fills `bytes` and its base into an old one's allocations. On an error `event` is empty.
    pub(crate) fn unpack(&mut self, bytes: &[u8], base: &str, event: &mut Event) -> Result<(), Damage> {
        let old = std::mem::take(event);
        *event = self.read(bytes, base, old)?;
        Ok(())
    }

    fn read(&mut self, bytes: &[u8], base: &str, mut old: Event) -> Read<Event> {
        let mut r = Reader { bytes };
        let [version] = r.array()?;
        if !VERSIONS.contains(&version) {
            return Err(Damage::Version(version));
        }
        let id = Uuid::from_bytes(r.array()?);
        let timestamp = instant(id).wrapping_add(r.signed()?);
        let ingested = instant(id).wrapping_add(r.signed()?);
        let [is_record] = r.array()?;
        split(base, &mut self.words);
        let mut builder = if is_record == 1 {
            EventBuilder::reuse(old, base)
        } else {
            old.clear();
            EventBuilder::reuse(old, "")
        };
        let header = builder.event_mut();
        header.set_id(id);
        header.set_timestamp(timestamp);
        header.set_ingested(ingested);
        let mut next = 0usize;
        for _ in 0..r.size()? {
            let key = r.varint()?;
            let field = match key {
                0 => Err(r.text()?),
                key => Ok(u32::try_from(key - 1).ok().and_then(FieldId::from_static).ok_or(Damage::Bytes)?),
            };
            let value = self.value(&mut r, base, timestamp, &mut next)?;
            match field {
                Ok(id) => builder.push(id, value),
                Err(name) => builder.push_named(name, value),
            }
        }
        if r.bytes.is_empty() { Ok(builder.finish()) } else { Err(Damage::Bytes) }
    }

    fn value<'a>(&self, r: &mut Reader<'a>, base: &'a str, timestamp: i64, next: &mut usize) -> Read<Value<'a>> {
        let [kind] = r.array()?;
        Ok(match kind {
            NULL => Value::Null,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            INT => Value::Int(r.signed()?),
            FLOAT => Value::Float(f64::from_bits(u64::from_le_bytes(r.array()?))),
            TIME => Value::Time(timestamp.wrapping_add(r.signed()?)),
            IP4 => Value::Ip(Ipv4Addr::from(r.array::<4>()?).into()),
            IP6 => Value::Ip(Ipv6Addr::from(r.array::<16>()?).into()),
            UUID => Value::Uuid(Uuid::from_bytes(r.array()?)),
            TEXT => Value::Str(r.text()?),
            PART => Value::Str(self.part(r, base, next)?),
            INT_PART => Value::Int(integer(self.part(r, base, next)?).ok_or(Damage::Bytes)?),
            IP_PART => Value::Ip(self.part(r, base, next)?.parse().map_err(|_| Damage::Bytes)?),
            TAIL => {
                let (first, short) = r.place(*next)?;
                let (from, _) = *self.words.get(first).ok_or(Damage::Bytes)?;
                let to = base.len().checked_sub(short).ok_or(Damage::Bytes)?;
                Value::Str(base.get(from as usize..to).ok_or(Damage::Bytes)?)
            }
            BYTES => {
                let (at, len) = (r.size()?, r.size()?);
                Value::Str(base.get(at..at.checked_add(len).ok_or(Damage::Bytes)?).ok_or(Damage::Bytes)?)
            }
            REST => {
                let (at, short) = (r.size()?, r.size()?);
                Value::Str(base.get(at..base.len().checked_sub(short).ok_or(Damage::Bytes)?).ok_or(Damage::Bytes)?)
            }
            SCALED => {
                let number = integer(self.part(r, base, next)?).ok_or(Damage::Bytes)?;
                let [thousands] = r.array()?;
                let factor = 1000i64.checked_pow(u32::from(thousands)).ok_or(Damage::Bytes)?;
                Value::Int(number.checked_mul(factor).ok_or(Damage::Bytes)?)
            }
            _ => return Err(Damage::Bytes),
        })
    }

    fn part<'a>(&self, r: &mut Reader<'_>, base: &'a str, next: &mut usize) -> Read<&'a str> {
        let (first, more) = r.place(*next)?;
        let last = first.checked_add(more).ok_or(Damage::Bytes)?;
        let (&(from, _), &(_, to)) = self.words.get(first).zip(self.words.get(last)).ok_or(Damage::Bytes)?;
        *next = last + 1;
        base.get(from as usize..to as usize).ok_or(Damage::Bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn through(event: &Event) -> (Event, usize) {
        let mut bytes = Vec::new();
        Packer::default().pack(event, &mut bytes);
        let mut back = Event::default();
        back.push(fields::MESSAGE, Value::Str("left over"));
        assert_eq!(Unpacker::default().unpack(&bytes, base(event).0, &mut back), Ok(()));
        (back, bytes.len())
    }

    #[test]
    fn lines_of_one_shape_have_the_same_entries() {
        let pack = |source: &str, port: i64| {
            let line = format!("<13>src={source} spt={port} user=\"svc-web\" msg=\"đăng nhập\"");
            let mut b = EventBuilder::new(&line);
            let record = b.record();
            let at = |part: &str| &record[record.find(part).unwrap()..][..part.len()];
            b.str(fields::MESSAGE, &record[4..]);
            b.str(fields::SOURCE_IP, at(source));
            b.push(fields::SOURCE_PORT, Value::Int(port));
            b.str(fields::USER_NAME, at("svc-web"));
            b.str_named("vendor.reason", at("đăng nhập"));
            b.str(fields::EVENT_KIND, "event");
            let mut event = b.finish();
            event.set_id(Uuid::from_u128(7 << 80));
            let (back, _) = through(&event);
            assert_eq!(back, event);
            assert_eq!(back.original(), Some(line.as_str()));
            let mut bytes = Vec::new();
            Packer::default().pack(&event, &mut bytes);
            bytes
        };
        assert_eq!(pack("10.0.0.1", 22), pack("203.113.131.200", 51_234));
    }

    #[test]
    fn what_the_product_says_is_as_constant_as_what_the_log_says() {
        let pack = |port: i64, seconds: i64, rest: &str| {
            let line = format!("<166>fw : %ASA-6: from 10.0.0.7 port={port} duration={seconds} {rest}");
            let mut b = EventBuilder::new(&line);
            let record = b.record();
            b.str(fields::MESSAGE, &record[10..]);
            b.push(fields::SOURCE_PORT, Value::Int(port));
            b.push(fields::EVENT_DURATION, Value::Int(seconds * 1_000_000_000));
            b.push(fields::LOG_SYSLOG_PRIORITY, Value::Int(166));
            b.push(fields::LOG_SYSLOG_FACILITY_CODE, Value::Int(20));
            b.push(fields::LOG_SYSLOG_SEVERITY_CODE, Value::Int(6));
            let mut event = b.finish();
            event.set_id(Uuid::from_u128(7 << 80));
            assert_eq!(through(&event).0, event);
            let mut bytes = Vec::new();
            Packer::default().pack(&event, &mut bytes);
            bytes
        };
        let usual = pack(4711, 83, "ok");
        assert_eq!(usual, pack(443, 7, "bytes=20"), "a code that happens to stand in the message");
        assert_eq!(usual, pack(443, 1200, "bytes=166,"), "the priority is that of the header");
    }

    #[test]
    fn what_version_1_wrote_is_read() {
        let mut event = Event::default();
        event.push(fields::MESSAGE, Value::Str("%a b"));
        let mut bytes = Vec::new();
        Packer::default().pack(&event, &mut bytes);
        // the message as version 1 had it: from its first byte, four bytes
        let rest = [REST, 0, 0];
        assert!(bytes.ends_with(&rest));
        bytes.truncate(bytes.len() - rest.len());
        bytes.extend([BYTES, 0, 4]);
        bytes[0] = 1;
        let mut back = Event::default();
        assert_eq!(Unpacker::default().unpack(&bytes, "%a b", &mut back), Ok(()));
        assert_eq!(back, event);
    }

    proptest! {
        #[test]
        fn events_come_back(
            record in prop::option::of("([a-c0-9đ]{0,3}[ =\"./:-]?){0,12}"),
            cuts in prop::collection::vec((0..40usize, 0..40usize, 0..10u8), 0..8),
            id in any::<u128>(), timestamp in any::<i64>(), ingested in any::<i64>(),
        ) {
            let text = record.clone().unwrap_or_default();
            let mut b = EventBuilder::new(&text);
            let whole = b.record();
            for (a, n, kind) in cuts {
                let cut = whole.get(a..a + n).unwrap_or("none");
                match kind {
                    0 => b.str(fields::MESSAGE, cut),
                    1 => b.str(fields::USER_NAME, cut),
                    2 => b.str_named("vendor.x", cut),
                    3 => b.push(fields::SOURCE_PORT, Value::Int(cut.parse().unwrap_or(-(n as i64)))),
                    4 => b.str(fields::SOURCE_IP, cut),
                    5 => b.push(fields::SOURCE_IP, Value::Ip([10, 0, a as u8, n as u8].into())),
                    6 => b.push_named("vendor.y", Value::Float(n as f64 / 3.0)),
                    7 => b.push(fields::EVENT_DURATION, Value::Int(cut.parse().unwrap_or(n as i64) * 1000i64.pow(a as u32 % 5))),
                    8 => b.push(fields::LOG_SYSLOG_PRIORITY, Value::Int(cut.parse().unwrap_or(n as i64))),
                    _ => b.push(fields::EVENT_CREATED, Value::Time(timestamp.wrapping_add(n as i64))),
                }
            }
            let mut event = b.finish();
            event.set_id(Uuid::from_u128(id));
            event.set_timestamp(timestamp);
            event.set_ingested(ingested);
            prop_assert_eq!(through(&event).0, event);
        }

        #[test]
        fn words_are_runs_of_letters_digits_and_bytes_beyond_ascii(bytes in prop::collection::vec(any::<u8>(), 0..=64)) {
            let plain = bytes.iter().rev().fold(0, |bits, b| bits << 1 | u64::from(b.is_ascii_alphanumeric() || *b >= 0x80));
            prop_assert_eq!(classes(&bytes), plain);
        }

        #[test]
        fn words_by_bits_are_words(text in "[a-c ,đ]{0,200}") {
            let mut words = Vec::new();
            split(&text, &mut words);
            let plain: Vec<&str> = text.split([' ', ',']).filter(|w| !w.is_empty()).collect();
            let found: Vec<&str> = words.iter().map(|w| &text[w.0 as usize..w.1 as usize]).collect();
            prop_assert_eq!(found, plain);
        }

        #[test]
        fn damaged_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), cut in 0..200usize) {
            let mut event = Event::default();
            let mut with_version = vec![VERSION];
            with_version.extend(&bytes);
            let _ = Unpacker::default().unpack(&with_version, "a b c", &mut event);
            let mut whole = Event::default();
            whole.push(fields::MESSAGE, Value::Str("a b c"));
            let mut packed = Vec::new();
            Packer::default().pack(&whole, &mut packed);
            if cut < packed.len() {
                prop_assert!(Unpacker::default().unpack(&packed[..cut], "a b c", &mut event).is_err());
            }
        }
    }
}
