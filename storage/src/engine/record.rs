//! An event as Tantivy takes it: flat buffers that are filled once and given back for the next event.

use std::{
    net::{IpAddr, Ipv6Addr},
    ops::Range,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender};
use fansipan_model::{
    Event, FieldId, Value,
    predicate::{entry_in_any, field_in_any},
};
use tantivy::schema::{
    Field,
    document::{
        DeserializeError, Document, DocumentDeserialize, DocumentDeserializer, ReferenceValue, ReferenceValueLeaf, Value as TantivyValue,
        ValueDeserialize, ValueDeserializer, ValueVisitor,
    },
};

use super::{
    layout::{Layout, PROFILES, Place},
    packed::{self, Packer, Span},
    profile,
    usual::{Source, Usual},
};

/// Texts longer than this (bytes) are not kept in a column or profile; the event is marked instead.
pub(crate) const COLUMN_LIMIT: usize = 1024;
/// The same for a profile, whose entries are meant to be few and carry one byte of length.
const PROFILE_LIMIT: usize = 255;
/// Bytes one event may add to a profile.
const PROFILE_TOTAL: usize = 4096;

/// Term of an address in the exact index.
pub(crate) fn address_term(ip: IpAddr) -> [u8; 17] {
    let mut term = [b'i'; 17];
    if let Some(tail) = term.last_chunk_mut::<16>() {
        *tail = v6(ip.to_canonical()).octets();
    }
    term
}

/// Mark of an event with a value of `field` that its column does not hold.
pub(crate) fn odd_term(field: FieldId) -> [u8; 3] {
    let [a, b] = (field.index() as u16).to_be_bytes();
    [b'o', a, b]
}

/// The address as columns hold it.
pub(crate) fn v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// The text as an address, if it is one; cheap for texts that cannot be.
pub(crate) fn as_address(text: &str) -> Option<IpAddr> {
    let first = text.as_bytes().first()?;
    if text.len() < 2 || text.len() > 45 || !(first.is_ascii_hexdigit() || *first == b':') {
        return None;
    }
    if !text.bytes().take(5).any(|b| b == b'.' || b == b':') {
        return None;
    }
    text.parse().ok()
}

/// The integer whose text form this is.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && (digits == "0" && digits.len() == text.len() || !digits.starts_with('0'));
    if plain && text.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[derive(Clone, Debug)]
enum Slot {
    Bytes(Range<u32>),
    Text(Range<u32>),
    Long(i64),
    Unsigned(u64),
    Ip(Ipv6Addr),
    Bool(bool),
}

/// Everything one event puts into an index.
#[derive(Default, Debug)]
struct Buffers {
    /// The packed event, profile entries, exact terms.
    bytes: Vec<u8>,
    /// Texts whose words are to be found.
    found_by: String,
    /// The base, words for the index (one a line), texts of columns.
    text: String,
    slots: Vec<(Field, Slot)>,
    profiles: [Vec<u8>; PROFILES],
    seen: Vec<(usize, usize)>,
    /// A bit for each word of the base that counts.
    marks: Vec<u64>,
    packer: Packer,
}

impl Buffers {
    fn clear(&mut self) {
        self.bytes.clear();
        self.text.clear();
        self.found_by.clear();
        self.slots.clear();
        self.profiles.iter_mut().for_each(Vec::clear);
        self.seen.clear();
    }
}

/// Buffers on their way around: from the builder to the indexing thread and back. As many as there are bound how far the builder is
/// ahead, and with that the memory of records that wait.
#[derive(Debug)]
pub(crate) struct Pool {
    free: Receiver<Box<Buffers>>,
    home: Sender<Box<Buffers>>,
}

/// Longest wait for a buffer. An indexing thread that died keeps what it was given; what comes next finds that out.
const PATIENCE: Duration = Duration::from_millis(100);

impl Pool {
    /// A pool of so many buffers.
    pub(crate) fn new(buffers: usize) -> Pool {
        let (home, free) = crossbeam_channel::bounded(buffers);
        (0..buffers).for_each(|_| drop(home.try_send(Box::default())));
        Pool { free, home }
    }

    /// Whether all buffers are away.
    pub(crate) fn is_empty(&self) -> bool {
        self.free.is_empty()
    }

    /// The record of an event; waits for the indexing thread when that is behind.
    pub(crate) fn record(&self, layout: &Layout, usual: &mut Usual, event: &Event) -> Record {
        let mut b = self.free.recv_timeout(PATIENCE).unwrap_or_default();
        b.clear();
        b.build(layout, usual, event);
        Record { buffers: Some(b), home: self.home.clone() }
    }
}

/// A document for Tantivy. Small: it is moved several times, and at every commit Tantivy makes room for forty thousand.
#[derive(Debug)]
pub(crate) struct Record {
    /// There until it is dropped.
    buffers: Option<Box<Buffers>>,
    home: Sender<Box<Buffers>>,
}

impl Record {
    /// The packed event and its base.
    pub(crate) fn packed(&self) -> (&[u8], &str) {
        let Some(buffers) = &self.buffers else { return (&[], "") };
        match buffers.slots.as_slice() {
            [(_, Slot::Bytes(packed)), (_, Slot::Text(base)), ..] => (
                buffers.bytes.get(packed.start as usize..packed.end as usize).unwrap_or_default(),
                buffers.text.get(base.start as usize..base.end as usize).unwrap_or_default(),
            ),
            _ => (&[], ""),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Some(mut buffers) = self.buffers.take() else { return };
        // a very large event's are not worth keeping
        if buffers.bytes.capacity() + buffers.text.capacity() >= 1 << 16 {
            *buffers = Buffers::default();
        }
        let _ = self.home.try_send(buffers);
    }
}

impl Buffers {
    fn build(&mut self, layout: &Layout, usual: &mut Usual, event: &Event) {
        let (base, _) = packed::base(event);
        self.packer.pack(event, &mut self.bytes);
        self.slots.push((layout.event, Slot::Bytes(0..self.bytes.len() as u32)));
        self.text.push_str(base);
        self.slots.push((layout.base, Slot::Text(0..base.len() as u32)));
        let id = u64::from_be_bytes(event.id().as_bytes().first_chunk().copied().unwrap_or_default());
        self.slots.push((layout.time, Slot::Long(event.timestamp())));
        self.slots.push((layout.id, Slot::Unsigned(id)));
        self.marks.clear();
        self.marks.resize(self.packer.words().len().div_ceil(64), 0);
        for (at, field) in event.entry_fields().enumerate() {
            let span = self.packer.spans().get(at).copied().flatten();
            let place = field.map_or(Place::Words, |field| layout.place(field));
            if let (Place::Profile(p), Some(field)) = (place, field) {
                self.put_profile(layout, p, field, event.entry_value(at).unwrap_or(Value::Null), span);
                continue;
            }
            if entry_in_any(event, at) {
                // as in the packer: texts as they are
                match event.entry_text(at) {
                    Some(text) => self.put_text(layout, text, span),
                    None => self.put_words(layout, event.entry_value(at).unwrap_or(Value::Null), span),
                }
            }
            if let (Some(field), Place::Long(_) | Place::Bool(_) | Place::Ip(_)) = (field, place) {
                self.put_column(layout, place, field, event.entry_value(at).unwrap_or(Value::Null));
            }
        }
        let words = self.text.len() as u32;
        let kind = self.profiles.last().map_or(&[][..], Vec::as_slice);
        let source = Source { whole: base, words: self.packer.words(), marks: &self.marks, text: &self.found_by };
        let entry = usual.split(kind, &source, &mut self.text);
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(entry);
        self.slots.push((layout.usual, Slot::Bytes(start..self.bytes.len() as u32)));
        let end = self.text.len() as u32;
        self.slots.push((layout.words, Slot::Text(words..end)));
        self.finish_texts(layout, event, end);
        for (p, field) in layout.profiles.into_iter().enumerate() {
            let start = self.bytes.len() as u32;
            if let Some(entry) = self.profiles.get(p) {
                self.bytes.extend_from_slice(entry);
            }
            self.slots.push((field, Slot::Bytes(start..self.bytes.len() as u32)));
        }
    }

    /// Marks words of the base.
    fn mark_words(&mut self, (first, end): (u32, u32)) {
        let (mut from, end) = (first as usize, end as usize);
        while from < end {
            let to = (from / 64 * 64 + 64).min(end);
            if let Some(bits) = self.marks.get_mut(from / 64) {
                *bits |= u64::MAX >> (64 - (to - from)) << (from % 64);
            }
            from = to;
        }
    }

    /// Appends the column texts behind the words' text.
    fn finish_texts(&mut self, layout: &Layout, event: &Event, words: u32) {
        let mut at = words;
        for (place, field) in event.entry_fields().enumerate() {
            let Some(field) = field else { continue };
            let Place::Text(column) = layout.place(field) else { continue };
            match (event.entry_text(place), event.entry_value(place)) {
                (Some(text), _) => self.text.push_str(text),
                (None, None | Some(Value::Null)) => continue,
                (None, Some(value)) => value.write_text(&mut self.text),
            }
            let end = self.text.len() as u32;
            if (end - at) as usize > COLUMN_LIMIT {
                self.text.truncate(at as usize);
                self.mark_odd(layout, field);
            } else {
                self.slots.push((column, Slot::Text(at..end)));
                at = end;
            }
        }
    }

    fn exact(&mut self, layout: &Layout, term: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(term);
        self.slots.push((layout.exact, Slot::Bytes(start..self.bytes.len() as u32)));
    }

    fn mark_odd(&mut self, layout: &Layout, field: FieldId) {
        self.exact(layout, &odd_term(field));
    }

    fn put_profile(&mut self, layout: &Layout, p: usize, field: FieldId, value: Value<'_>, span: Span) {
        let Some(entry) = self.profiles.get_mut(p) else { return };
        let too_long = matches!(value, Value::Str(s) if s.len() > PROFILE_LIMIT);
        if too_long || entry.len() > PROFILE_TOTAL {
            self.mark_odd(layout, field);
            if field_in_any(field) {
                self.put_words(layout, value, span);
            }
        } else {
            profile::push(entry, field, value);
        }
    }

    fn put_column(&mut self, layout: &Layout, place: Place, field: FieldId, value: Value<'_>) {
        let slot = match (place, value) {
            (_, Value::Null) | (Place::Words | Place::Text(_) | Place::Profile(_), _) => return,
            (Place::Long(f), Value::Int(v)) => (f, Slot::Long(v)),
            (Place::Bool(f), Value::Bool(v)) => (f, Slot::Bool(v)),
            // what tests and groups see is the text form, and that is the same
            (Place::Long(f), Value::Str(s)) if let Some(v) = integer(s) => (f, Slot::Long(v)),
            (Place::Bool(f), Value::Str("true")) => (f, Slot::Bool(true)),
            (Place::Bool(f), Value::Str("false")) => (f, Slot::Bool(false)),
            // the text of an IPv4-mapped address differs from that of the IPv4 address the column would give back
            (Place::Ip(f), Value::Ip(v)) if v == v.to_canonical() => (f, Slot::Ip(v6(v))),
            _ => return self.mark_odd(layout, field),
        };
        self.slots.push(slot);
    }

    /// Makes the value findable by its words and, if it is an address, by that. `span`: where it lies in the base.
    fn put_words(&mut self, layout: &Layout, value: Value<'_>, span: Span) {
        match (value, span) {
            (Value::Null, _) => {}
            (Value::Str(text), _) => self.put_text(layout, text, span),
            (value, span) => {
                if let Value::Ip(ip) = value {
                    self.put_address(layout, ip);
                }
                match span {
                    Some(words) => self.mark_words(words),
                    None => {
                        self.found_by.push('\n');
                        value.write_text(&mut self.found_by);
                    }
                }
            }
        }
    }

    /// The same for a text.
    fn put_text(&mut self, layout: &Layout, text: &str, span: Span) {
        if let Some(ip) = as_address(text) {
            self.put_address(layout, ip);
        }
        if let Some(words) = span {
            return self.mark_words(words);
        }
        let place = (text.as_ptr() as usize, text.len());
        if !self.seen.contains(&place) {
            self.seen.push(place);
            self.found_by.push('\n');
            self.found_by.push_str(text);
        }
    }

    /// Makes an address findable, once.
    fn put_address(&mut self, layout: &Layout, ip: IpAddr) {
        let term = address_term(ip);
        let known = self.slots.iter().any(|(f, s)| match s {
            Slot::Bytes(r) if *f == layout.exact => self.bytes.get(r.start as usize..r.end as usize) == Some(&term),
            _ => false,
        });
        if !known {
            self.exact(layout, &term);
        }
    }
}

/// One value on its way into the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a>(ItemValue<'a>);

#[derive(Clone, Copy, Debug)]
enum ItemValue<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
    Long(i64),
    Unsigned(u64),
    Ip(Ipv6Addr),
    Bool(bool),
}

impl<'a> TantivyValue<'a> for Item<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = std::iter::Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match self.0 {
            ItemValue::Bytes(v) => ReferenceValueLeaf::Bytes(v),
            ItemValue::Text(v) => ReferenceValueLeaf::Str(v),
            ItemValue::Long(v) => ReferenceValueLeaf::I64(v),
            ItemValue::Unsigned(v) => ReferenceValueLeaf::U64(v),
            ItemValue::Ip(v) => ReferenceValueLeaf::IpAddr(v),
            ItemValue::Bool(v) => ReferenceValueLeaf::Bool(v),
        })
    }
}

/// The values of a record.
pub(crate) struct Items<'a> {
    slots: std::slice::Iter<'a, (Field, Slot)>,
    bytes: &'a [u8],
    text: &'a str,
}

impl<'a> Iterator for Items<'a> {
    type Item = (Field, Item<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (field, slot) = self.slots.next()?;
        let span = |r: &Range<u32>| r.start as usize..r.end as usize;
        let value = match slot {
            Slot::Bytes(r) => ItemValue::Bytes(self.bytes.get(span(r)).unwrap_or_default()),
            Slot::Text(r) => ItemValue::Text(self.text.get(span(r)).unwrap_or_default()),
            Slot::Long(v) => ItemValue::Long(*v),
            Slot::Unsigned(v) => ItemValue::Unsigned(*v),
            Slot::Ip(v) => ItemValue::Ip(*v),
            Slot::Bool(v) => ItemValue::Bool(*v),
        };
        Some((*field, Item(value)))
    }
}

impl Document for Record {
    type Value<'a> = Item<'a>;
    type FieldsValuesIter<'a> = Items<'a>;

    fn iter_fields_and_values(&self) -> Items<'_> {
        match &self.buffers {
            Some(b) => Items { slots: b.slots.iter(), bytes: &b.bytes, text: &b.text },
            None => Items { slots: [].iter(), bytes: &[], text: "" },
        }
    }
}

/// A stored document, as read back.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// The packed event.
    pub(crate) packed: Vec<u8>,
    /// Its base.
    pub(crate) base: String,
}

enum StoredValue {
    Packed(Vec<u8>),
    Base(String),
}

struct AnyValue;

impl ValueVisitor for AnyValue {
    type Value = StoredValue;

    fn visit_bytes(&self, value: Vec<u8>) -> Result<StoredValue, DeserializeError> {
        Ok(StoredValue::Packed(value))
    }

    fn visit_string(&self, value: String) -> Result<StoredValue, DeserializeError> {
        Ok(StoredValue::Base(value))
    }
}

impl ValueDeserialize for StoredValue {
    fn deserialize<'de, D: ValueDeserializer<'de>>(d: D) -> Result<Self, DeserializeError> {
        d.deserialize_any(AnyValue)
    }
}

impl DocumentDeserialize for Stored {
    fn deserialize<'de, D: DocumentDeserializer<'de>>(mut d: D) -> Result<Self, DeserializeError> {
        let mut stored = Stored::default();
        while let Some((_, value)) = d.next_field()? {
            match value {
                StoredValue::Packed(bytes) => stored.packed = bytes,
                StoredValue::Base(text) => stored.base = text,
            }
        }
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use fansipan_model::{Event, Value, fields};

    use super::{Layout, Pool, Usual};

    #[test]
    fn records_that_wait_are_bounded_and_a_dead_reader_holds_up_nobody() {
        let (layout, mut usual, mut event) = (Layout::current(), Usual::default(), Event::default());
        event.push(fields::MESSAGE, Value::Str("one more"));
        let pool = Pool::new(2);
        // nobody gives these back: the third is made all the same, later
        let waiting: Vec<_> = (0..3).map(|_| pool.record(&layout, &mut usual, &event)).collect();
        assert!(waiting.iter().all(|record| record.packed() == waiting[0].packed()));
        drop(waiting);
        assert_eq!(pool.free.len(), 2, "no more than there were");
    }
}
