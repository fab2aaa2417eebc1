//! The event in memory: one text buffer, sixteen-byte entries, no allocation per field.
//!
//! The buffer begins with the record as received (when it is UTF-8); a value that is part of the record is a slice of it,
//! any other text is appended. Several entries with the same key are one multi-valued field, in order.
//! A name that no rule or format knows travels in the event's own buffer, so records cannot grow the field registry.
//!
//! Canonical values: an entry holds a typed value only if its JSON text reads back as the same value (see [`crate::json`]);
//! pushes that would not are stored as text. So event → JSON → event is the identity.

use std::{
    borrow::Cow,
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use base64::Engine as _;
use uuid::Uuid;

use crate::{
    field::{FieldId, FieldType, fields},
    time,
    value::Value,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    Null,
    False,
    True,
    Int,
    Float,
    Time,
    Ip4,
    Ip6,
    Uuid,
    Str,
}

/// Key with this bit: index into `names`. Without: a [`FieldId`].
const NAMED: u32 = 1 << 31;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) key: u32,
    pub(crate) tag: Tag,
    /// Number bits; `offset << 32 | length` of text; index into `wide` for 16-byte values.
    pub(crate) bits: u64,
}

fn span(offset: usize, len: usize) -> u64 {
    ((offset as u64) << 32) | len as u64
}

fn range(bits: u64) -> std::ops::Range<usize> {
    let offset = (bits >> 32) as usize;
    offset..offset + (bits & 0xffff_ffff) as usize
}

/// A normalized record. See the module for the layout.
#[derive(Clone, Debug, Default)]
pub struct Event {
    id: Uuid,
    timestamp: i64,
    ingested: i64,
    original: usize,
    text: String,
    entries: Vec<Entry>,
    names: Vec<u64>,
    wide: Vec<[u8; 16]>,
}

/// `@timestamp`, `event.id`, `event.ingested`: the first three registered fields live outside the entries.
const HEADER_FIELDS: u32 = 3;

/// Largest integer magnitude that a JSON number carries exactly in every reader.
pub(crate) const JSON_EXACT: i64 = 1 << 53;

impl Event {
    /// `event.id`: UUIDv7, given once before the first durable write.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// `@timestamp`, UTC nanoseconds.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// `event.ingested`, UTC nanoseconds: "now" for detection.
    pub fn ingested(&self) -> i64 {
        self.ingested
    }

    /// Sets `event.id`.
    pub fn set_id(&mut self, id: Uuid) {
        self.id = id;
    }

    /// Sets `@timestamp`.
    pub fn set_timestamp(&mut self, nanos: i64) {
        self.timestamp = nanos;
    }

    /// Sets `event.ingested`.
    pub fn set_ingested(&mut self, nanos: i64) {
        self.ingested = nanos;
    }

    /// `event.original`: the record as received, when it was UTF-8.
    pub fn original(&self) -> Option<&str> {
        if self.original == 0 { None } else { self.text.get(..self.original) }
    }

    /// The record as received, whatever its encoding.
    pub fn raw(&self) -> Option<Cow<'_, [u8]>> {
        if let Some(text) = self.original() {
            return Some(Cow::Borrowed(text.as_bytes()));
        }
        let text = self.str(fields::FANSIPAN_RAW)?;
        base64::engine::general_purpose::STANDARD.decode(text).ok().map(Cow::Owned)
    }

    /// `fansipan.agency`, `default` if unset.
    pub fn agency(&self) -> &str {
        self.str(fields::FANSIPAN_AGENCY).unwrap_or(crate::scope::Agency::DEFAULT)
    }

    /// `message`: the text after the header.
    pub fn message(&self) -> Option<&str> {
        self.str(fields::MESSAGE)
    }

    /// First value of a field.
    pub fn get(&self, field: FieldId) -> Option<Value<'_>> {
        self.values(field).next()
    }

    /// First value of a field, if it is text.
    pub fn str(&self, field: FieldId) -> Option<&str> {
        self.get(field).and_then(Value::as_str)
    }

    /// First value of a field by dotted name.
    pub fn get_by_name(&self, name: &str) -> Option<Value<'_>> {
        match FieldId::lookup(name) {
            Some(id) => self.get(id),
            None => self.iter().find(|(n, _)| *n == name).map(|(_, v)| v),
        }
    }

    /// All values of a field, in order.
    pub fn values(&self, field: FieldId) -> impl Iterator<Item = Value<'_>> {
        let head = match field {
            fields::TIMESTAMP => Some(Value::Time(self.timestamp)),
            fields::EVENT_ID => Some(Value::Uuid(self.id)),
            fields::EVENT_INGESTED => Some(Value::Time(self.ingested)),
            fields::EVENT_ORIGINAL => self.original().map(Value::Str),
            _ => None,
        };
        // A name interned after this event was made may still travel as text in it.
        let late = if field.is_static() || self.names.is_empty() { None } else { Some(field.name()) };
        head.into_iter().chain(
            self.entries
                .iter()
                .filter(move |e| e.key == field.0 || (e.key & NAMED != 0 && late.is_some_and(|n| self.key_name(e.key) == n)))
                .map(|e| self.value(e)),
        )
    }

    /// Every entry as dotted name and value, in order; the header (`@timestamp`, `event.id`, `event.ingested`) and
    /// `event.original` are not among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.entries.iter().map(|e| (self.key_name(e.key), self.value(e)))
    }

    /// Every entry of a known field by id, in order; without names that travel in the event.
    pub fn iter_ids(&self) -> impl Iterator<Item = (FieldId, Value<'_>)> {
        self.entries.iter().filter(|e| e.key & NAMED == 0).map(|e| (FieldId(e.key), self.value(e)))
    }

    /// The field of each entry, in order; `None` where the name travels in the event.
    #[inline]
    pub fn entry_fields(&self) -> impl ExactSizeIterator<Item = Option<FieldId>> {
        self.entries.iter().map(|e| (e.key & NAMED == 0).then_some(FieldId(e.key)))
    }

    /// The field of the entry at a place, `None` as in [`Event::entry_fields`].
    #[inline]
    pub fn entry_field(&self, place: usize) -> Option<FieldId> {
        self.entries.get(place).filter(|e| e.key & NAMED == 0).map(|e| FieldId(e.key))
    }

    /// The value of the entry at a place of [`Event::entry_fields`].
    #[inline]
    pub fn entry_value(&self, place: usize) -> Option<Value<'_>> {
        self.entries.get(place).map(|e| self.value(e))
    }

    /// The text of the entry at a place, if it is text: quicker than through its value.
    #[inline]
    pub fn entry_text(&self, place: usize) -> Option<&str> {
        self.entries.get(place).filter(|e| e.tag == Tag::Str).and_then(|e| self.text.get(range(e.bits)))
    }

    /// What all texts of the event are slices of: the record as it came, if it is kept, and what was made from it.
    #[inline]
    pub fn texts(&self) -> &str {
        &self.text
    }

    /// Whether the entry at a place is there and null.
    #[inline]
    pub fn entry_is_null(&self, place: usize) -> bool {
        self.entries.get(place).is_some_and(|e| e.tag == Tag::Null)
    }

    /// The name of the entry at a place of [`Event::entry_fields`]; empty where there is none.
    #[inline]
    pub fn entry_key(&self, place: usize) -> &str {
        self.entries.get(place).map_or("", |e| self.key_name(e.key))
    }

    /// Every entry whose name no rule or format knew, in order.
    pub fn iter_named(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.entries.iter().filter(|e| e.key & NAMED != 0).map(|e| (self.key_name(e.key), self.value(e)))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of text held, the record as received included.
    pub fn text_len(&self) -> usize {
        self.text.len()
    }

    /// Appends a value; the text is copied. Header fields set the header instead.
    pub fn push(&mut self, field: FieldId, value: Value<'_>) {
        self.put(field.0, field.kind(), value, None);
    }

    /// Appends a value under a dotted name, known or not.
    pub fn push_named(&mut self, name: &str, value: Value<'_>) {
        self.put_named(name, value, None);
    }

    /// Replaces all values of a field by one.
    pub fn set(&mut self, field: FieldId, value: Value<'_>) {
        self.entries.retain(|e| e.key != field.0);
        self.push(field, value);
    }

    /// Removes everything and keeps the allocations, for reuse.
    pub fn clear(&mut self) {
        (self.id, self.timestamp, self.ingested, self.original) = (Uuid::nil(), 0, 0, 0);
        self.text.clear();
        self.entries.clear();
        self.names.clear();
        self.wide.clear();
    }

    fn key_name(&self, key: u32) -> &str {
        if key & NAMED == 0 {
            return FieldId(key).name();
        }
        self.names.get((key & !NAMED) as usize).and_then(|&n| self.text.get(range(n))).unwrap_or("")
    }

    #[inline]
    fn value(&self, e: &Entry) -> Value<'_> {
        match e.tag {
            Tag::Null => Value::Null,
            Tag::False => Value::Bool(false),
            Tag::True => Value::Bool(true),
            Tag::Int => Value::Int(e.bits as i64),
            Tag::Float => Value::Float(f64::from_bits(e.bits)),
            Tag::Time => Value::Time(e.bits as i64),
            Tag::Ip4 => Value::Ip(Ipv4Addr::from(e.bits as u32).into()),
            Tag::Ip6 => Value::Ip(Ipv6Addr::from(self.wide16(e.bits)).into()),
            Tag::Uuid => Value::Uuid(Uuid::from_bytes(self.wide16(e.bits))),
            Tag::Str => Value::Str(self.text.get(range(e.bits)).unwrap_or("")),
        }
    }

    fn wide16(&self, bits: u64) -> [u8; 16] {
        self.wide.get(bits as usize).copied().unwrap_or_default()
    }

    fn put_named(&mut self, name: &str, value: Value<'_>, at: Option<usize>) {
        if let Some(id) = FieldId::lookup(name) {
            return self.put(id.0, id.kind(), value, at);
        }
        let key = match self.names.iter().position(|&n| self.text.get(range(n)) == Some(name)) {
            Some(i) => NAMED | i as u32,
            None => {
                let offset = self.text.len();
                self.text.push_str(name);
                self.names.push(span(offset, name.len()));
                NAMED | (self.names.len() - 1) as u32
            }
        };
        self.put(key, FieldType::Keyword, value, at);
    }

    /// `at`: where `value`'s text already stands in the buffer.
    fn put(&mut self, key: u32, kind: FieldType, value: Value<'_>, at: Option<usize>) {
        let (tag, bits) = match canonical(kind, value) {
            Value::Null if key >= HEADER_FIELDS => (Tag::Null, 0),
            Value::Bool(false) if key >= HEADER_FIELDS => (Tag::False, 0),
            Value::Bool(true) if key >= HEADER_FIELDS => (Tag::True, 0),
            Value::Int(v) if key < HEADER_FIELDS => (Tag::Str, self.push_text(&v.to_string())),
            Value::Float(v) if key < HEADER_FIELDS => (Tag::Str, self.push_text(&v.to_string())),
            Value::Int(v) if kind == FieldType::Long || v.unsigned_abs() <= JSON_EXACT as u64 => (Tag::Int, v as u64),
            Value::Float(v) if v.is_finite() => (Tag::Float, v.to_bits()),
            Value::Time(v) if kind == FieldType::Date => (Tag::Time, v as u64),
            Value::Ip(IpAddr::V4(v)) if kind == FieldType::Ip => (Tag::Ip4, u64::from(u32::from(v))),
            Value::Ip(IpAddr::V6(v)) if kind == FieldType::Ip => (Tag::Ip6, self.push_wide(v.octets())),
            Value::Uuid(v) if kind == FieldType::Uuid => (Tag::Uuid, self.push_wide(v.into_bytes())),
            Value::Str(s) => match at {
                Some(offset) => (Tag::Str, span(offset, s.len())),
                None => (Tag::Str, self.push_text(s)),
            },
            Value::Null if key < HEADER_FIELDS => return,
            other => {
                let offset = self.text.len();
                other.write_text(&mut self.text);
                (Tag::Str, span(offset, self.text.len() - offset))
            }
        };
        match (key, tag) {
            (k, Tag::Time) if k == fields::TIMESTAMP.0 => self.timestamp = bits as i64,
            (k, Tag::Time) if k == fields::EVENT_INGESTED.0 => self.ingested = bits as i64,
            (k, Tag::Uuid) if k == fields::EVENT_ID.0 => {
                self.id = Uuid::from_bytes(self.wide16(bits));
                self.wide.pop();
            }
            (k, Tag::Str) if k < HEADER_FIELDS => self.put_foreign_header(k, bits),
            _ => self.entries.push(Entry { key, tag, bits }),
        }
    }

    /// Text for a header field that is not its canonical form: an instant with an offset is read; anything else would
    /// stand twice in the JSON, so it is kept under a name of its own.
    fn put_foreign_header(&mut self, key: u32, bits: u64) {
        let instant = self.text.get(range(bits)).and_then(time::from_rfc3339);
        match (FieldId(key), instant) {
            (fields::TIMESTAMP, Some(t)) => self.timestamp = t,
            (fields::EVENT_INGESTED, Some(t)) => self.ingested = t,
            (fields::EVENT_ID, _) => self.push_moved("fansipan.foreign.id", bits),
            (fields::TIMESTAMP, None) => self.push_moved("fansipan.foreign.timestamp", bits),
            _ => self.push_moved("fansipan.foreign.ingested", bits),
        }
    }

    /// Appends an entry over text that already stands in the buffer.
    fn push_moved(&mut self, name: &str, bits: u64) {
        let text = self.text.get(range(bits)).map(str::to_owned).unwrap_or_default();
        self.put_named(name, Value::Str(&text), Some(range(bits).start));
    }

    fn push_text(&mut self, s: &str) -> u64 {
        let offset = self.text.len();
        self.text.push_str(s);
        span(offset, s.len())
    }

    fn push_wide(&mut self, bytes: [u8; 16]) -> u64 {
        self.wide.push(bytes);
        (self.wide.len() - 1) as u64
    }
}

/// Text that is the canonical form of the field's type becomes that type.
fn canonical<'a>(kind: FieldType, value: Value<'a>) -> Value<'a> {
    let Value::Str(s) = value else { return value };
    match kind {
        FieldType::Ip => match s.parse::<IpAddr>() {
            Ok(ip) if same_text(s, &ip) => Value::Ip(ip),
            _ => value,
        },
        FieldType::Date => match time::from_rfc3339(s) {
            Some(t) if time::to_rfc3339(t) == s => Value::Time(t),
            _ => value,
        },
        FieldType::Uuid => match Uuid::try_parse(s) {
            Ok(id) if same_text(s, &id) => Value::Uuid(id),
            _ => value,
        },
        FieldType::Long if s.len() > 15 => match s.parse::<i64>() {
            Ok(v) if v.unsigned_abs() > JSON_EXACT as u64 && same_text(s, &v) => Value::Int(v),
            _ => value,
        },
        _ => value,
    }
}

/// Whether `value` prints exactly as `text`, without allocating.
fn same_text(text: &str, value: &impl std::fmt::Display) -> bool {
    struct Rest<'a>(&'a str);
    impl std::fmt::Write for Rest<'_> {
        fn write_str(&mut self, part: &str) -> std::fmt::Result {
            self.0 = self.0.strip_prefix(part).ok_or(std::fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(text);
    write!(rest, "{value}").is_ok() && rest.0.is_empty()
}

impl PartialEq for Event {
    /// Same header, same record, same fields with the same values in the same order of values; order among fields is free.
    fn eq(&self, other: &Self) -> bool {
        let grouped = |e: &Event| {
            let mut map: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
            for (name, value) in e.iter() {
                map.entry(name.to_owned()).or_default().push(format!("{value:?}"));
            }
            map
        };
        (self.id, self.timestamp, self.ingested, self.original()) == (other.id, other.timestamp, other.ingested, other.original())
            && grouped(self) == grouped(other)
    }
}

/// Builds an event over a record: values that are slices of the record cost no copy.
#[derive(Debug)]
pub struct EventBuilder<'r> {
    event: Event,
    record: &'r str,
}

impl<'r> EventBuilder<'r> {
    /// Starts from a UTF-8 record.
    pub fn new(record: &'r str) -> Self {
        Self::reuse(Event::default(), record)
    }

    /// Starts from a UTF-8 record with the allocations of an old event.
    pub fn reuse(mut event: Event, record: &'r str) -> Self {
        event.clear();
        event.text.push_str(record);
        event.original = record.len();
        Self { event, record }
    }

    /// Starts from a record that is not UTF-8: `raw` is kept as base64 in `fansipan.raw`, `decoded` is what values are
    /// slices of (a lossy or charset-converted reading of it).
    pub fn from_bytes(raw: &[u8], decoded: &'r str) -> Self {
        let mut event = Event::default();
        event.text.push_str(decoded);
        let text = base64::engine::general_purpose::STANDARD.encode(raw);
        event.push(fields::FANSIPAN_RAW, Value::Str(&text));
        Self { event, record: decoded }
    }

    /// The record (or its decoded reading).
    pub fn record(&self) -> &'r str {
        self.record
    }

    /// Appends text; a slice of the record is not copied.
    pub fn str(&mut self, field: FieldId, text: &str) {
        let at = self.locate(text);
        self.event.put(field.0, field.kind(), Value::Str(text), at);
    }

    /// Appends text under a dotted name, known or not; a slice of the record is not copied.
    pub fn str_named(&mut self, name: &str, text: &str) {
        let at = self.locate(text);
        self.event.put_named(name, Value::Str(text), at);
    }

    /// Appends a typed value.
    pub fn push(&mut self, field: FieldId, value: Value<'_>) {
        match value {
            Value::Str(s) => self.str(field, s),
            _ => self.event.push(field, value),
        }
    }

    /// Appends a typed value under a dotted name, known or not.
    pub fn push_named(&mut self, name: &str, value: Value<'_>) {
        match value {
            Value::Str(s) => self.str_named(name, s),
            _ => self.event.push_named(name, value),
        }
    }

    /// What has been built so far.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// What has been built so far, to change.
    pub fn event_mut(&mut self) -> &mut Event {
        &mut self.event
    }

    /// The finished event.
    pub fn finish(self) -> Event {
        self.event
    }

    /// Where `text` stands in the buffer, if it is a slice of the record.
    fn locate(&self, text: &str) -> Option<usize> {
        // Addresses only: `record` is alive for 'r, so nothing else can lie inside its range.
        let offset = (text.as_ptr() as usize).checked_sub(self.record.as_ptr() as usize)?;
        (offset + text.len() <= self.record.len() && !text.is_empty()).then_some(offset)
    }
}

pub(crate) mod parts {
    //! What the codec needs to take an event apart and put it together.
    use super::{Entry, Event, NAMED, Tag, Uuid, range, span};
    use crate::field::FieldId;

    impl Event {
        pub(crate) fn parts(&self) -> (&str, usize, &[Entry]) {
            (&self.text, self.original, &self.entries)
        }

        pub(crate) fn entry_name(&self, e: &Entry) -> Result<FieldId, &str> {
            if e.key & NAMED == 0 && FieldId(e.key).is_static() { Ok(FieldId(e.key)) } else { Err(self.key_name(e.key)) }
        }

        pub(crate) fn entry_range(e: &Entry) -> std::ops::Range<usize> {
            range(e.bits)
        }

        pub(crate) fn entry_wide(&self, e: &Entry) -> [u8; 16] {
            self.wide16(e.bits)
        }

        pub(crate) fn begin(&mut self, id: Uuid, timestamp: i64, ingested: i64, text: &str, original: usize) {
            self.clear();
            (self.id, self.timestamp, self.ingested, self.original) = (id, timestamp, ingested, original);
            self.text.push_str(text);
        }

        /// `None` if a text range is outside the buffer or cuts a character.
        pub(crate) fn restore(&mut self, name: Result<FieldId, &str>, tag: Tag, payload: Payload) -> Option<()> {
            let key = match name {
                Ok(id) => id.0,
                Err(name) => match FieldId::lookup(name) {
                    Some(id) => id.0,
                    None => {
                        let at = self.push_text(name);
                        self.names.push(at);
                        NAMED | (self.names.len() - 1) as u32
                    }
                },
            };
            let bits = match payload {
                Payload::Bits(bits) => bits,
                Payload::Wide(bytes) => self.push_wide(bytes),
                Payload::Text(offset, len) => {
                    self.text.get(offset..offset.checked_add(len)?)?;
                    span(offset, len)
                }
            };
            self.entries.push(Entry { key, tag, bits });
            Some(())
        }
    }

    pub(crate) enum Payload {
        Bits(u64),
        Wide([u8; 16]),
        Text(usize, usize),
    }
}
