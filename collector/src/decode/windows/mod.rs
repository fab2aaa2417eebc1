//! Windows events in every spelling they travel in — event XML (raw or rendered), that XML as JSON, Winlogbeat, NXLog — into
//! one set of fields: the header under `winlog.*`, every `EventData` and `UserData` item under `winlog.event_data.*` exactly as
//! named, and the ECS copies that `formats/windows/map.toml` asks for. `.evtx` files come through [`super::evtx`].
//!
//! Never interprets an item in code: what `TargetUserName` of event 4720 means is data. Items are text, whatever the spelling
//! made of them, so that the same event is the same from every shipper.

mod json;
mod map;
mod shape;
mod write;
mod xml;

pub use map::MapError;
pub use write::{Key, Sink};

use fansipan_model::{Value, fields, time};

use super::{DecodeError, Decoder, Each};

/// The `windows` syntax.
pub struct Windows;

const NAME: &str = "windows";

/// Reads one event in any of the spellings and gives its fields to `sink`, header first. On an error nothing was given.
pub fn read(body: &str, sink: &mut Sink<'_>) -> Result<(), DecodeError> {
    let map = map::shipped().map_err(|e| DecodeError::new(NAME, e.to_string()))?;
    // some shippers leave the byte order mark of the file in the first record
    let body = body.trim_start_matches('\u{feff}').trim();
    let mut shape = shape::Shape::new(map, body);
    let read = if body.starts_with('{') { json::read(body, &mut shape) } else { xml::read(body, &mut shape) };
    read.map_err(|reason| DecodeError::new(NAME, reason))?;
    if !shape.is_event() {
        return Err(DecodeError::new(NAME, "neither provider nor event id"));
    }
    write::write(&shape, sink);
    Ok(())
}

impl Decoder for Windows {
    fn name(&self) -> &'static str {
        NAME
    }

    fn sniff(&self, body: &str) -> bool {
        match body.as_bytes().first() {
            Some(b'{') => json::looks_like(body),
            Some(b'<') => body.starts_with("<Event") || (body.starts_with("<?xml") && body.get(..512).unwrap_or(body).contains("<Event")),
            _ => false,
        }
    }

    fn decode(&self, body: &str, each: &mut Each<'_>) -> Result<(), DecodeError> {
        read(body, &mut |key, value| match (key, value) {
            // the rules of a format for times read text
            (Key::Id(fields::TIMESTAMP), Value::Time(at)) => each("@timestamp", Value::Str(&time::to_rfc3339(at))),
            (Key::Id(id), _) => each(id.name(), value),
            (Key::Name(name), _) => each(name, value),
        })
    }

    fn prose(&self) -> bool {
        false
    }
}
