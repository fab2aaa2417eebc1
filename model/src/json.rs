//! Flat ECS JSON: how an event looks on Kafka, on the command line and in the API, and how foreign JSON becomes fields.
//!
//! Nested objects are flattened to dotted names, arrays of scalars are multi-valued fields, arrays of objects become
//! parallel arrays. Integers beyond 2^53 travel as strings. Depth is limited (serde_json: 128).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

use crate::{
    event::{Event, EventBuilder, JSON_EXACT},
    field::fields,
    value::Value,
};

/// The text is not a JSON object.
#[derive(Debug, Error)]
#[error("not a JSON object: {0}")]
pub struct JsonError(#[from] serde_json::Error);

/// Appends the event as one flat JSON object (no line end) to `out`.
pub fn write(event: &Event, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"@timestamp\":");
    scalar(Value::Time(event.timestamp()), out);
    if !event.id().is_nil() {
        out.extend_from_slice(b",\"event.id\":");
        scalar(Value::Uuid(event.id()), out);
    }
    if event.ingested() != 0 {
        out.extend_from_slice(b",\"event.ingested\":");
        scalar(Value::Time(event.ingested()), out);
    }
    let entries: Vec<(&str, Value<'_>)> = event.iter().collect();
    for (i, &(name, value)) in entries.iter().enumerate() {
        let earlier = entries.get(..i).unwrap_or_default();
        if earlier.iter().any(|(n, _)| *n == name) {
            continue; // written with its first value
        }
        out.push(b',');
        string(name, out);
        out.push(b':');
        let mut more = entries.get(i + 1..).unwrap_or_default().iter().filter(|(n, _)| *n == name).peekable();
        if more.peek().is_none() {
            scalar(value, out);
        } else {
            out.push(b'[');
            scalar(value, out);
            for (_, v) in more {
                out.push(b',');
                scalar(*v, out);
            }
            out.push(b']');
        }
    }
    if let Some(text) = event.original() {
        out.extend_from_slice(b",\"event.original\":");
        string(text, out);
    }
    out.push(b'}');
}

/// The event as one flat JSON object.
pub fn to_string(event: &Event) -> String {
    let mut out = Vec::with_capacity(event.text_len() * 2 + 64);
    write(event, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn string(text: &str, out: &mut Vec<u8>) {
    // writing a str to a Vec cannot fail
    let _ = serde_json::to_writer(out, text);
}

fn scalar(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(v) => out.extend_from_slice(if v { b"true" } else { b"false" }),
        Value::Int(v) if v.unsigned_abs() <= JSON_EXACT as u64 => {
            let _ = serde_json::to_writer(out, &v);
        }
        Value::Float(v) => {
            let _ = serde_json::to_writer(out, &v);
        }
        Value::Str(s) => string(s, out),
        Value::Int(_) | Value::Time(_) | Value::Ip(_) | Value::Uuid(_) => string(&value.text().unwrap_or_default(), out),
    }
}

/// Reads an event from one of ours: a flat ECS object whose `event.original` becomes the record.
pub fn read(text: &str) -> Result<Event, JsonError> {
    // The record must stand first in the buffer, and may come last in the object: find it first.
    let mut original = None;
    let mut raw_values = 0usize;
    flatten(text, |name, value| {
        if name == fields::EVENT_ORIGINAL.name() {
            raw_values += 1;
            if let Value::Str(s) = value {
                original = Some(s.to_owned());
            }
        }
    })?;
    let record = if raw_values == 1 { original.filter(|s| !s.is_empty()) } else { None };
    let mut event = match &record {
        Some(record) => EventBuilder::new(record).finish(),
        None => Event::default(),
    };
    flatten(text, |name, value| {
        if record.is_none() || name != fields::EVENT_ORIGINAL.name() {
            // values of our own records mostly stand in `message` or the record; a copy is cheap here
            event.push_named(name, value);
        }
    })?;
    Ok(event)
}

/// Calls `each(dotted name, value)` for every scalar of a JSON object, in document order.
/// Text without escapes is a slice of `text`, so that [`EventBuilder`] need not copy it.
/// Integers beyond `i64` and numbers beyond `f64` come as text. Empty arrays and objects give nothing.
pub fn flatten(text: &str, mut each: impl FnMut(&str, Value<'_>)) -> Result<(), JsonError> {
    let mut path = String::with_capacity(64);
    let mut de = serde_json::Deserializer::from_str(text);
    let walk: Walk<'_> = Walk { path: &mut path, each: &mut each, top: true };
    walk.deserialize(&mut de)?;
    de.end()?;
    Ok(())
}

struct Walk<'w> {
    path: &'w mut String,
    each: &'w mut dyn FnMut(&str, Value<'_>),
    top: bool,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        if self.top { d.deserialize_map(self) } else { d.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        (self.each)(self.path, Value::Null);
        Ok(())
    }

    fn visit_bool<E>(self, v: bool) -> Result<(), E> {
        (self.each)(self.path, Value::Bool(v));
        Ok(())
    }

    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        (self.each)(self.path, Value::Int(v));
        Ok(())
    }

    fn visit_u64<E>(self, v: u64) -> Result<(), E> {
        match i64::try_from(v) {
            Ok(v) => (self.each)(self.path, Value::Int(v)),
            Err(_) => (self.each)(self.path, Value::Str(&v.to_string())),
        }
        Ok(())
    }

    fn visit_f64<E>(self, v: f64) -> Result<(), E> {
        (self.each)(self.path, Value::Float(v));
        Ok(())
    }

    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        (self.each)(self.path, Value::Str(v));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk { path: self.path, each: self.each, top: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let base = self.path.len();
        while map.next_key_seed(Key(self.path))?.is_some() {
            if self.path.len() > MAX_NAME {
                return Err(A::Error::custom("a field name is longer than 1,024 bytes"));
            }
            map.next_value_seed(Walk { path: self.path, each: self.each, top: false })?;
            self.path.truncate(base);
        }
        Ok(())
    }
}

/// Dotted names longer than this are refused.
const MAX_NAME: usize = 1024;

/// Appends a key to the path.
struct Key<'w>(&'w mut String);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        if !self.0.is_empty() {
            self.0.push('.');
        }
        self.0.push_str(v);
        Ok(())
    }
}
