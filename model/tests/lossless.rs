//! Events survive JSON and the binary codec unchanged, and hostile bytes never panic.

use std::net::IpAddr;

use fansipan_model::{Event, EventBuilder, FieldId, Value, codec, fields, json};
use proptest::prelude::*;
use uuid::Uuid;

#[derive(Clone, Debug)]
enum Owned {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Time(i64),
    Ip(IpAddr),
    Uuid(u128),
    Str(String),
    /// A slice of the record, by two cut points.
    Slice(usize, usize),
}

fn value() -> impl Strategy<Value = Owned> {
    prop_oneof![
        Just(Owned::Null),
        any::<bool>().prop_map(Owned::Bool),
        any::<i64>().prop_map(Owned::Int),
        (-100i64..100).prop_map(Owned::Int),
        any::<f64>().prop_map(Owned::Float),
        any::<i64>().prop_map(Owned::Time),
        any::<IpAddr>().prop_map(Owned::Ip),
        any::<u128>().prop_map(Owned::Uuid),
        any::<String>().prop_map(Owned::Str),
        prop::sample::select(vec![
            "10.0.0.1",
            "::1",
            "22",
            "9007199254740993",
            "2026-11-23T10:00:00Z",
            "2026-11-23T10:00:00+07:00",
            "đăng nhập",
            ""
        ])
        .prop_map(|s| Owned::Str(s.into())),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Owned::Slice(a, b)),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (0..FieldId::STATIC_COUNT).prop_map(|i| FieldId::from_static(i).expect("registered").name().to_owned()),
        1 => "[a-z]{1,6}(\\.[A-Za-z ]{1,6}){0,2}",
        1 => any::<String>(),
    ]
}

fn cut(text: &str, a: usize, b: usize) -> &str {
    let marks: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    let (a, b) = (marks[a % marks.len()], marks[b % marks.len()]);
    &text[a.min(b)..a.max(b)]
}

fn build(record: &str, id: u128, timestamp: i64, list: &[(String, Owned)]) -> Event {
    let mut b = EventBuilder::new(record);
    b.event_mut().set_id(Uuid::from_u128(id));
    b.event_mut().set_timestamp(timestamp);
    for (name, v) in list {
        if name == "event.original" {
            continue; // the record itself
        }
        let v = match v {
            Owned::Null => Value::Null,
            Owned::Bool(v) => Value::Bool(*v),
            Owned::Int(v) => Value::Int(*v),
            Owned::Float(v) => Value::Float(*v),
            Owned::Time(v) => Value::Time(*v),
            Owned::Ip(v) => Value::Ip(*v),
            Owned::Uuid(v) => Value::Uuid(Uuid::from_u128(*v)),
            Owned::Str(v) => Value::Str(v),
            Owned::Slice(a, b) => Value::Str(cut(record, *a, *b)),
        };
        b.push_named(name, v);
    }
    b.finish()
}

proptest! {
    #[test]
    fn numbers_and_addresses_read_as_everywhere(number in any::<i64>(), ip in any::<IpAddr>()) {
        prop_assert_eq!(Value::Int(number).text().unwrap(), number.to_string());
        prop_assert_eq!(Value::Ip(ip).text().unwrap(), ip.to_string());
    }

    #[test]
    fn event_json_event(record in any::<String>(), id in 1u128.., timestamp in any::<i64>(), list in prop::collection::vec((name(), value()), 0..12)) {
        let event = build(&record, id, timestamp, &list);
        let text = json::to_string(&event);
        let back = json::read(&text).expect("our own JSON");
        prop_assert_eq!(&back, &event, "{}", text);
        prop_assert_eq!(json::to_string(&back), text);
    }

    #[test]
    fn event_bytes_event(record in any::<String>(), id in any::<u128>(), timestamp in any::<i64>(), list in prop::collection::vec((name(), value()), 0..12)) {
        let event = build(&record, id, timestamp, &list);
        let mut bytes = Vec::new();
        codec::encode(&event, &mut bytes);
        prop_assert_eq!(codec::peek_timestamp(&bytes), Some(event.timestamp()));
        let back = codec::decode(&bytes).expect("our own bytes");
        prop_assert_eq!(&back, &event);
        prop_assert_eq!(json::to_string(&back), json::to_string(&event));
    }

    #[test]
    fn damaged_bytes_are_refused(record in "[ -~]{0,40}", list in prop::collection::vec((name(), value()), 0..6), at in any::<prop::sample::Index>(), bit in 0u8..8, keep in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        codec::encode(&build(&record, 7, 0, &list), &mut bytes);
        let mut flipped = bytes.clone();
        let i = at.index(flipped.len());
        flipped[i] ^= 1 << bit;
        let _ = codec::decode(&flipped).map(|e| json::to_string(&e));
        bytes.truncate(keep.index(bytes.len()));
        prop_assert!(codec::decode(&bytes).is_err());
    }

    #[test]
    fn any_text_as_json(text in any::<String>()) {
        let _ = json::read(&text);
    }
}

#[test]
fn slices_of_the_record_cost_no_copy() {
    let record = "Failed password for root from 10.0.0.5 port 22 ssh2";
    let mut b = EventBuilder::new(record);
    b.str(fields::MESSAGE, record);
    b.str(fields::USER_NAME, &record[20..24]);
    b.str(fields::SOURCE_IP, "10.0.0.5");
    let event = b.finish();
    assert_eq!(event.text_len(), record.len());
    assert_eq!(event.str(fields::USER_NAME), Some("root"));
    assert_eq!(event.get(fields::SOURCE_IP), Some(Value::Ip("10.0.0.5".parse().expect("address"))));
}

#[test]
fn bytes_that_are_not_utf8_are_kept() {
    let raw = b"caf\xe9 ok";
    let decoded = String::from_utf8_lossy(raw).into_owned();
    let event = EventBuilder::from_bytes(raw, &decoded).finish();
    assert_eq!(event.raw().as_deref(), Some(&raw[..]));
    let back = json::read(&json::to_string(&event)).expect("our own JSON");
    assert_eq!(back.raw().as_deref(), Some(&raw[..]));
}

#[test]
fn nested_json_becomes_dotted_parallel_arrays() {
    let event = json::read(r#"{"a":{"b":[{"c":1,"d":"x"},{"c":2}]},"tags":["t","u"],"big":18446744073709551615,"none":null,"empty":[]}"#)
        .expect("object");
    assert_eq!(
        json::to_string(&event),
        r#"{"@timestamp":"1970-01-01T00:00:00Z","a.b.c":[1,2],"a.b.d":"x","tags":["t","u"],"big":"18446744073709551615","none":null}"#
    );
}

#[test]
fn names_interned_after_the_event_are_found() {
    let event = json::read(r#"{"acme.late.name":"v"}"#).expect("object");
    let id = FieldId::intern("acme.late.name").expect("room");
    assert_eq!(event.str(id), Some("v"));
}

#[test]
fn registry_numbers_never_change() {
    // frozen: these numbers are on disk
    let frozen = include_str!("fields.frozen");
    for (i, name) in frozen.lines().enumerate() {
        assert_eq!(FieldId::lookup(name).map(FieldId::index), Some(i), "{name} moved: the registry is append-only");
    }
}
