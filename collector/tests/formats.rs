//! Every format's samples against its expected events: `formats/<name>/{samples.log,expected.ndjson}`.
//! `BLESS=1 cargo test -p fansipan-collector --test formats` rewrites the expectations.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test whose case cannot be set up has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use fansipan_collector::{Normalizer, Received, SourceState, Transport, records::Records};
use fansipan_model::{Event, json, time::from_rfc3339};

/// The event as samples are compared: flat JSON without the record itself and what the test invented about its arrival.
fn shown(event: &Event) -> String {
    let text = json::to_string(event);
    let map: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let invented = [
        "event.original",
        "event.ingested",
        "fansipan.agency",
        "fansipan.class",
        "fansipan.source",
        "fansipan.transport",
        "fansipan.peer.ip",
        "fansipan.peer.port",
    ];
    let kept: BTreeMap<_, _> = map.into_iter().filter(|(k, _)| !invented.contains(&k.as_str())).collect();
    serde_json::to_string(&kept).unwrap()
}

fn run(normalizer: &Normalizer, samples: &[u8]) -> Vec<String> {
    let at = from_rfc3339("2026-11-23T10:00:00Z").unwrap();
    let mut state = SourceState::default();
    let mut out = Vec::new();
    for record in Records::new(samples) {
        let record = record.unwrap();
        let received = Received {
            raw: &record.bytes,
            peer: Some("192.0.2.1:514".parse().unwrap()),
            transport: Transport::Udp,
            tls_identity: None,
            at,
            path: None,
        };
        let event = normalizer.normalize(&mut state, &received);
        assert_eq!(event.raw().as_deref(), Some(&*record.bytes), "the record as received is kept");
        out.push(shown(&event));
    }
    out
}

/// Names what differs, field by field.
fn difference(got: &str, expected: &str) -> String {
    let parse = |t: &str| serde_json::from_str::<BTreeMap<String, serde_json::Value>>(t).unwrap_or_default();
    let (got, expected) = (parse(got), parse(expected));
    let names: BTreeSet<_> = got.keys().chain(expected.keys()).collect();
    let show = |v: Option<&serde_json::Value>| v.map_or("(absent)".to_owned(), ToString::to_string);
    names
        .into_iter()
        .filter(|n| got.get(*n) != expected.get(*n))
        .map(|n| format!("    {n}: got {}, expected {}\n", show(got.get(n)), show(expected.get(n))))
        .collect()
}

fn check(normalizer: &Normalizer, folder: &Path, bless: bool) -> Result<(), String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Ok(samples) = fs::read(folder.join("samples.log")) else { return Err(format!("{name}: there is no samples.log\n")) };
    let got = run(normalizer, &samples);
    let file = folder.join("expected.ndjson");
    if bless {
        fs::write(&file, got.join("\n") + "\n").unwrap();
        return Ok(());
    }
    let text = fs::read_to_string(&file).unwrap_or_default();
    let expected: Vec<&str> = text.lines().collect();
    let mut report = String::new();
    if got.len() != expected.len() {
        report = format!("{name}: {} events, {} expected\n", got.len(), expected.len());
    }
    for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
        let difference = difference(got, expected);
        if !difference.is_empty() {
            report.push_str(&format!("{name}, event {}:\n{difference}", i + 1));
        }
    }
    if report.is_empty() { Ok(()) } else { Err(report) }
}

#[test]
fn samples_become_expected_events() {
    let normalizer = Normalizer::load_builtin().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("formats");
    let mut folders: Vec<_> = fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    let only = std::env::var("FORMAT").ok();
    let bless = std::env::var_os("BLESS").is_some();
    let failures: String = folders
        .iter()
        .filter(|f| only.as_deref().is_none_or(|o| f.ends_with(o)))
        .filter_map(|f| check(&normalizer, f, bless).err())
        .collect();
    assert!(failures.is_empty(), "\n{failures}(BLESS=1 rewrites the expectations: read the difference first)");
}
