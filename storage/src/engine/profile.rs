//! Entries of a profile dictionary: the values of its fields, in the event's order, and back.
//!
//! ```text
//! each: u16 BE registry number, u8 type, u8 length, text
//! ```

use fansipan_model::{Event, FieldId, Value};

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;
/// Text, address, instant or UUID: the event makes the type of the field of it again.
const TEXT: u8 = 5;

/// Appends a value whose text form has at most 255 bytes; a longer one is cut, which callers prevent.
pub(crate) fn push(entry: &mut Vec<u8>, field: FieldId, value: Value<'_>) {
    let kind = match value {
        Value::Null => NULL,
        Value::Bool(false) => FALSE,
        Value::Bool(true) => TRUE,
        Value::Int(_) => INT,
        Value::Float(_) => FLOAT,
        Value::Time(_) | Value::Ip(_) | Value::Uuid(_) | Value::Str(_) => TEXT,
    };
    entry.extend_from_slice(&(field.index() as u16).to_be_bytes());
    entry.push(kind);
    match value {
        Value::Str(s) => put(entry, s),
        Value::Null | Value::Bool(_) => entry.push(0),
        _ => put(entry, &value.text().unwrap_or_default()),
    }
}

fn put(entry: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    entry.push(bytes.len().min(255) as u8);
    entry.extend_from_slice(bytes.get(..255).unwrap_or(bytes));
}

/// Fills `event` with the values of an entry and nothing else. `None`: damaged.
pub(crate) fn read(mut entry: &[u8], event: &mut Event) -> Option<()> {
    event.clear();
    while !entry.is_empty() {
        let (head, rest) = entry.split_first_chunk::<4>()?;
        let [a, b, kind, len] = *head;
        let (text, rest) = rest.split_at_checked(len as usize)?;
        let text = std::str::from_utf8(text).ok()?;
        let field = FieldId::from_static(u32::from(u16::from_be_bytes([a, b])))?;
        event.push(
            field,
            match kind {
                NULL => Value::Null,
                FALSE => Value::Bool(false),
                TRUE => Value::Bool(true),
                INT => Value::Int(text.parse().ok()?),
                FLOAT => Value::Float(text.parse().ok()?),
                TEXT => Value::Str(text),
                _ => return None,
            },
        );
        entry = rest;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use fansipan_model::fields;

    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        let mut event = Event::default();
        for value in [Value::Null, Value::Bool(true), Value::Int(-7), Value::Float(0.1), Value::Str(""), Value::Str("Hà Nội")] {
            event.push(fields::EVENT_ACTION, value);
        }
        event.push(fields::FANSIPAN_PEER_IP, Value::Str("10.0.0.1"));
        event.push(fields::FANSIPAN_PEER_IP, Value::Str("not one"));
        event.push(fields::EVENT_SEVERITY, Value::Int(i64::MIN));
        let mut entry = Vec::new();
        for (field, value) in event.iter_ids() {
            push(&mut entry, field, value);
        }
        let mut back = Event::default();
        read(&entry, &mut back).unwrap();
        assert_eq!(back, event);
        assert_eq!(read(&entry[..entry.len() - 1], &mut back), None);
    }
}
