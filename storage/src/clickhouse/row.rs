//! An event as a row.
//!
//! The text an event stands on (its record, or its message where there is none) is kept once, as what precedes the message,
//! the message, and what follows it; `form` says how. `shape` is the rest of the event, in words counted from that text (see
//! `engine::packed`): lines of one device have the same. Columns and maps beside these are there to be searched and grouped by:
//! the first value of a core field in its column, every value of other fields in a map per type. A value that is in none of
//! them puts its field's name into `odd`.
//!
//! Words: `message` is indexed as the server splits it; a word that [`text::words`] finds in any value and the server does not
//! find in the message is in `extra`; so are those of what stands before the message, found there or not: they are the same for all
//! lines of a device. `foreign_text` marks events with characters whose case or kind the server may see
//! otherwise than we do, or with words so long that they are cut; so does the word [`FOREIGN`] in `extra`, for the index.

use std::collections::HashSet;

use fansipan_model::{
    Event, FieldId, Value, fields,
    predicate::{entry_in_any, field_in_any, in_any},
    text::{self, fold},
    varint::{put, zigzag},
};
use uuid::Uuid;

use super::{
    binary::{Reader, put_address, put_text},
    columns::{COLUMNS, Kind},
};
use crate::{
    engine::{
        day::Key,
        packed::{self, Packer, Unpacker},
        record::{as_address, v6},
    },
    error::{Result, StoreError},
};

/// Stands in `extra` of events with foreign text; no word of a text is like it, and the server takes it for one.
pub(crate) const FOREIGN: &str = "§";

/// Nanoseconds of a `slot`.
pub(crate) const SLOT: i64 = 3_600 * fansipan_model::time::SECOND;

/// The base is the message.
const MESSAGE_ONLY: u8 = 0;
/// The base is head, message and tail.
const AROUND: u8 = 1;
/// The base is the head; the message stands apart.
const APART: u8 = 2;

/// What a query must select to have events, see [`decode`].
pub(crate) const EVENT_COLUMNS: &str = "id_hi, id_lo, time, ingested, form, head, message, tail, shape";

/// The columns that rows are sent in.
pub(crate) fn insert_columns() -> String {
    let fixed = "topic, part, pos, day, class, agency, slot, time, ingested, id_hi, id_lo, form, head, message, tail, shape, extra, \
                 foreign_text, odd, texts, longs, addresses, other_addresses";
    COLUMNS.list.iter().fold(fixed.to_owned(), |all, c| format!("{all}, {}", c.name))
}

/// Whether the server folds this character as we do and takes it for a part of a word if and only if we do (Latin with the
/// marks of Vietnamese, and common punctuation).
fn is_native(c: char) -> bool {
    // some capitals of African languages fold to letters of the phonetic alphabet, beyond these ranges
    in_native_ranges(c) && (c < '\u{181}' || c.to_lowercase().all(in_native_ranges))
}

fn in_native_ranges(c: char) -> bool {
    matches!(c, '\0'..='\u{12f}' | '\u{131}'..='\u{24f}' | '\u{300}'..='\u{306}' | '\u{308}'..='\u{344}' | '\u{346}'..='\u{36f}'
        | '\u{1e00}'..='\u{1eff}' | '\u{2010}'..='\u{2027}' | '\u{20ac}')
}

/// Whether the server splits a text (ASCII, folded) into the same words: none is so long that we cut it.
fn short_words(ascii: &str) -> bool {
    ascii.len() <= text::WORD_LIMIT || ascii.split(|c: char| !c.is_ascii_alphanumeric()).all(|w| w.len() <= text::WORD_LIMIT)
}

/// Whether a word is so long that it may be cut; folding may make letters beyond ASCII longer.
fn has_long_word(text: &str) -> bool {
    let limit = if text.is_ascii() { text::WORD_LIMIT } else { text::WORD_LIMIT / 2 };
    text.len() > limit && text.split(|c: char| !c.is_alphanumeric()).any(|w| w.len() > limit)
}

/// The words the server finds: runs of ASCII letters, digits, and bytes beyond ASCII.
fn server_words(folded: &str) -> impl Iterator<Item = &str> {
    folded.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty())
}

/// Turns events into rows.
#[derive(Default)]
pub(crate) struct Encoder {
    packer: Packer,
    packed: Vec<u8>,
    scratch: String,
    extra: String,
    extras: HashSet<String>,
    odd: Vec<&'static str>,
    odd_named: Vec<String>,
    texts: Vec<u8>,
    longs: Vec<u8>,
    addresses: Vec<u8>,
    others: Vec<u8>,
    counts: [u64; 4],
    /// First value's place among the event's values, per column; how many values it has.
    firsts: Vec<(Option<usize>, usize)>,
}

/// How the message stands in the base.
struct Split<'e> {
    form: u8,
    head: &'e str,
    message: &'e str,
    tail: &'e str,
}

fn split(event: &Event) -> Split<'_> {
    let message = event.message().unwrap_or("");
    let Some(record) = event.original() else { return Split { form: MESSAGE_ONLY, head: "", message, tail: "" } };
    if message.is_empty() {
        return Split { form: APART, head: record, message: "", tail: "" };
    }
    if let Some(head) = record.strip_suffix(message) {
        return Split { form: AROUND, head, message, tail: "" };
    }
    match record.split_once(message) {
        Some((head, tail)) => Split { form: AROUND, head, message, tail },
        None => Split { form: APART, head: record, message, tail: "" },
    }
}

impl Encoder {
    /// Appends the row of the event at a place of a log.
    pub(crate) fn encode(&mut self, (topic, part, pos): (&str, i32, u64), event: &Event, out: &mut Vec<u8>) {
        self.collect(event);
        let split = split(event);
        let foreign = self.words(event, &split);
        let (day, class) = Key::parts(event);
        put_text(out, topic.as_bytes());
        out.extend_from_slice(&part.to_le_bytes());
        out.extend_from_slice(&pos.to_le_bytes());
        out.extend_from_slice(&day.to_le_bytes());
        put_text(out, class.as_bytes());
        put_text(out, event.agency().as_bytes());
        out.extend_from_slice(&event.timestamp().div_euclid(SLOT).to_le_bytes());
        out.extend_from_slice(&event.timestamp().to_le_bytes());
        out.extend_from_slice(&event.ingested().to_le_bytes());
        let (high, low) = event.id().as_u64_pair();
        out.extend_from_slice(&high.to_le_bytes());
        out.extend_from_slice(&low.to_le_bytes());
        out.push(split.form);
        for part in [split.head, split.message, split.tail] {
            put_text(out, part.as_bytes());
        }
        self.packed.clear();
        self.packer.pack(event, &mut self.packed);
        put_text(out, shape_of(&self.packed));
        put_text(out, self.extra.as_bytes());
        out.push(u8::from(foreign));
        put(out, (self.odd.len() + self.odd_named.len()) as u64);
        for name in self.odd.iter().copied().chain(self.odd_named.iter().map(String::as_str)) {
            put_text(out, name.as_bytes());
        }
        let maps = [&self.texts, &self.longs, &self.addresses, &self.others];
        for (bytes, count) in maps.into_iter().zip(self.counts) {
            put(out, count);
            out.extend_from_slice(bytes);
        }
        self.columns(event, out);
    }

    /// Sorts the values into columns, maps and the odd.
    fn collect(&mut self, event: &Event) {
        for buffer in [&mut self.texts, &mut self.longs, &mut self.addresses, &mut self.others] {
            buffer.clear();
        }
        self.counts = [0; 4];
        self.odd.clear();
        self.odd_named.clear();
        self.firsts.clear();
        self.firsts.resize(COLUMNS.list.len(), (None, 0));
        let mut messages = 0;
        for (place, field) in event.entry_fields().enumerate() {
            let Some(value) = event.entry_value(place) else { continue };
            match field {
                Some(fields::MESSAGE) => {
                    messages += 1;
                    if messages > 1 || !matches!(value, Value::Str(s) if !s.is_empty()) {
                        self.make_odd(fields::MESSAGE);
                        self.other_address(true, value);
                    }
                }
                Some(field) => match COLUMNS.place(field) {
                    Some(column) => self.core(column, place, field, value),
                    None => self.rest(field.name(), field_in_any(field), value),
                },
                None => {
                    let name = event.entry_key(place).to_owned();
                    self.rest(&name, in_any(&name), value);
                }
            }
            if field == Some(fields::MESSAGE) && messages == 1 {
                self.other_address(true, value);
            }
        }
    }

    fn make_odd(&mut self, field: FieldId) {
        if !self.odd.contains(&field.name()) {
            self.odd.push(field.name());
        }
    }

    /// A value of a field that has a column.
    fn core(&mut self, column: usize, place: usize, field: FieldId, value: Value<'_>) {
        let kind = COLUMNS.list.get(column).map_or(Kind::Text, |c| c.kind);
        let fits = match (kind, value) {
            (Kind::Text, Value::Str(s)) => !s.is_empty(),
            (Kind::Texts, Value::Str(_)) | (Kind::Long, Value::Int(_)) | (Kind::Bool, Value::Bool(_)) => true,
            (Kind::Ip, Value::Ip(ip)) => ip == ip.to_canonical(),
            _ => false,
        };
        let first = self.firsts.get(column).is_none_or(|f| f.1 == 0);
        if let Some(entry) = self.firsts.get_mut(column) {
            entry.1 += 1;
            if first {
                entry.0 = fits.then_some(place);
            }
        }
        let held = fits && (first || kind == Kind::Texts);
        if !held {
            self.make_odd(field);
        }
        if kind != Kind::Ip || !held {
            self.other_address(field_in_any(field), value);
        }
    }

    /// A value of any other field.
    fn rest(&mut self, name: &str, any: bool, value: Value<'_>) {
        match value {
            Value::Str(s) => {
                put_text(&mut self.texts, name.as_bytes());
                put_text(&mut self.texts, s.as_bytes());
                self.counts[0] += 1;
                self.other_address(any, value);
            }
            Value::Int(v) => {
                put_text(&mut self.longs, name.as_bytes());
                self.longs.extend_from_slice(&v.to_le_bytes());
                self.counts[1] += 1;
            }
            Value::Ip(ip) if ip == ip.to_canonical() && any => {
                put_text(&mut self.addresses, name.as_bytes());
                put_address(&mut self.addresses, v6(ip));
                self.counts[2] += 1;
            }
            _ => {
                if !self.odd_named.iter().any(|n| n == name) {
                    self.odd_named.push(name.to_owned());
                }
                self.other_address(any, value);
            }
        }
    }

    /// Notes an address that is in no column and no map.
    fn other_address(&mut self, any: bool, value: Value<'_>) {
        let ip = match value {
            Value::Ip(ip) => Some(ip),
            Value::Str(s) => as_address(s),
            _ => None,
        };
        if let Some(ip) = ip.filter(|_| any) {
            put_address(&mut self.others, v6(ip.to_canonical()));
            self.counts[3] += 1;
        }
    }

    /// Gathers the words that the server will not find in the message; whether any text is foreign.
    fn words(&mut self, event: &Event, split: &Split<'_>) -> bool {
        let message = split.message;
        self.extra.clear();
        self.extras.clear();
        let mut foreign = false;
        let mut known: Option<HashSet<u64>> = None;
        let plain_message = message.is_ascii() && short_words(message);
        for (place, field) in event.entry_fields().enumerate() {
            let Some(value) = event.entry_value(place) else { continue };
            if let Value::Str(s) = value {
                foreign |= !s.is_ascii() && !s.chars().all(is_native);
            }
            if !entry_in_any(event, place) || value == Value::Null {
                continue;
            }
            let text = value.text().unwrap_or_default();
            let is_message = field == Some(fields::MESSAGE) && text == message;
            if plain_message && (is_message || stands_in(message, &text)) {
                continue;
            }
            // of a word that is cut the index knows the begin only
            foreign |= !is_message && has_long_word(&text);
            let known = known.get_or_insert_with(|| server_words(&fold(message)).map(hash).collect());
            let before = field == Some(fields::LOG_SYSLOG_PRIORITY) || stands_in(split.head, &text);
            let extras = &mut self.extras;
            text::words(&text, &mut self.scratch, |word| {
                if (before || !known.contains(&hash(word))) && !extras.contains(word) {
                    extras.insert(word.to_owned());
                }
            });
        }
        let mut list: Vec<&str> = self.extras.iter().map(String::as_str).chain(foreign.then_some(FOREIGN)).collect();
        // the same words in the same order compress well, and the same event gives the same row
        list.sort_unstable();
        self.extra = list.join(" ");
        foreign
    }

    fn columns(&self, event: &Event, out: &mut Vec<u8>) {
        for (column, (first, count)) in COLUMNS.list.iter().zip(&self.firsts) {
            let value = first.and_then(|place| event.entry_value(place));
            match (column.kind, value) {
                (Kind::Text, value) => put_text(out, value.and_then(Value::as_str).unwrap_or("").as_bytes()),
                (Kind::Texts, _) if *count > 0 => {
                    let texts: Vec<&str> = event.values(column.field).filter_map(Value::as_str).collect();
                    put(out, texts.len() as u64);
                    texts.iter().for_each(|t| put_text(out, t.as_bytes()));
                }
                (Kind::Texts, _) => out.push(0),
                (Kind::Long, Some(Value::Int(v))) => {
                    out.push(0);
                    out.extend_from_slice(&v.to_le_bytes());
                }
                (Kind::Bool, Some(Value::Bool(v))) => out.extend_from_slice(&[0, u8::from(v)]),
                (Kind::Ip, Some(Value::Ip(ip))) => {
                    out.push(0);
                    put_address(out, v6(ip));
                }
                _ => out.push(1),
            }
        }
    }
}

fn hash(word: &str) -> u64 {
    use std::hash::BuildHasher as _;
    foldhash::quality::FixedState::default().hash_one(word)
}

/// Whether a text is a part of the message (ASCII) that no word crosses the ends of: its words are the message's.
fn stands_in(message: &str, text: &str) -> bool {
    let Some(at) = (text.as_ptr() as usize).checked_sub(message.as_ptr() as usize) else { return false };
    let Some((before, after)) = message.as_bytes().split_at_checked(at).and_then(|(b, rest)| Some((b, rest.get(text.len()..)?))) else {
        return false;
    };
    let inner = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    !inner(before.last()) && !inner(after.first())
}

/// Packed bytes without version, id and times, which are columns.
fn shape_of(packed: &[u8]) -> &[u8] {
    let after_id = packed.get(17..).unwrap_or_default();
    let mut at = 0;
    for _ in 0..2 {
        while after_id.get(at).is_some_and(|b| b & 0x80 != 0) {
            at += 1;
        }
        at += 1;
    }
    after_id.get(at..).unwrap_or_default()
}

/// Reads the values of [`EVENT_COLUMNS`] into an event; `None`: the row is not complete.
pub(crate) fn decode(r: &mut Reader<'_>, unpacker: &mut Unpacker, buffer: &mut Vec<u8>, event: &mut Event) -> Option<Result<()>> {
    let id = Uuid::from_u64_pair(r.u64()?, r.u64()?);
    let (time, ingested, form) = (r.i64()?, r.i64()?, r.u8()?);
    let (head, message, tail, shape) = (r.bytes()?, r.bytes()?, r.bytes()?, r.bytes()?);
    buffer.clear();
    buffer.push(packed::VERSION);
    buffer.extend_from_slice(id.as_bytes());
    let instant = packed::instant(id);
    put(buffer, zigzag(time.wrapping_sub(instant)));
    put(buffer, zigzag(ingested.wrapping_sub(instant)));
    buffer.extend_from_slice(shape);
    let base = match form {
        MESSAGE_ONLY => message.to_vec(),
        AROUND => [head, message, tail].concat(),
        _ => head.to_vec(),
    };
    let damaged = |reason: String| StoreError::Damaged { what: "event", reason: format!("{id}: {reason}") };
    let read = String::from_utf8(base)
        .map_err(|e| damaged(e.to_string()))
        .and_then(|base| unpacker.unpack(buffer, &base, event).map_err(|e| damaged(format!("{e:?}"))));
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_characters_fold_to_native_ones_and_none_is_a_word_on_one_side_only() {
        for c in ('\u{80}'..=char::MAX).filter(|c| is_native(*c)) {
            assert!(c.to_lowercase().all(is_native), "{c:?}");
        }
        assert!("Đăng nhập THẤT BẠI – “Nguyễn Văn Ánh” 50€".chars().all(is_native));
        assert!(!"İstanbul".chars().all(is_native) && !"ΣΑΣ".chars().all(is_native) && !"\u{212a}".chars().all(is_native));
    }

    #[test]
    fn parts_of_a_message_are_told_by_place() {
        let message = "user=root from 10.0.0.1";
        assert!(stands_in(message, &message[5..9]));
        assert!(!stands_in(message, &message[5..8]));
        assert!(!stands_in(message, "root"));
    }
}
