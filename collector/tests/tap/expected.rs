//! What is found in the real traces above the transport, as data: `expected.ndjson`, an event a line without what every event of its flow
//! says. `BLESS=1` writes it anew; read it as an analyst would.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::kit;

/// Fields of the flow, tested elsewhere.
const COMMON: [&str; 6] = ["source.", "destination.", "network.", "fansipan.tunnel.", "@timestamp", "event.kind"];
const FLOWS: [&str; 3] = ["network.flow", "network.arp", "network.tunnel"];

fn found() -> Option<String> {
    let mut out = String::new();
    for path in kit::captures(&kit::traces()?) {
        let trace = path.file_name().expect("a name").to_string_lossy().into_owned();
        for event in kit::file(&path) {
            if FLOWS.iter().any(|f| event["event.dataset"] == *f) {
                continue;
            }
            let mut line = Map::new();
            line.insert("trace".to_owned(), Value::String(trace.clone()));
            for (name, value) in event.as_object().expect("an object") {
                let common = COMMON.iter().any(|c| name.starts_with(c)) || ["event.module", "event.start", "event.end"].contains(&&**name);
                if !common {
                    line.insert(name.clone(), value.clone());
                }
            }
            writeln!(out, "{}", Value::Object(line)).expect("text");
        }
    }
    Some(out)
}

#[test]
fn traces_give_what_is_expected() {
    let Some(found) = found() else { return };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tap/expected.ndjson");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &found).expect("written");
    }
    let expected = std::fs::read_to_string(&path).expect("expected.ndjson");
    for (at, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {}", at + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "events in all");
}
