//! A bundle is proven by what it holds, and no byte of it can change unnoticed.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use fansipan_bus::{BusConfig, EmbeddedBus};
use fansipan_evidence::{Bundle, Checked, Handed, Made, sha256, tar, verify};
use fansipan_model::{Event, EventBuilder, codec, json};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

fn event(n: u128) -> Event {
    let record = format!("<38>Mar  1 07:30:0{n} web01 sshd[9]: Accepted password for root from 203.0.113.{n} port 4 ssh2");
    let mut event = EventBuilder::new(&record).finish();
    event.set_id(Uuid::from_u128(n));
    event.set_timestamp(n as i64 * 1_000_000_000);
    event
}

/// A bundle of three events, one of which the log does not have, and of one file.
fn bundle(alter: impl FnOnce(&mut String, &mut String)) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let (bus, _) = EmbeddedBus::open(BusConfig { min_free_bytes: 0, ..BusConfig::new(dir.path()) }).unwrap();
    let mut batch = bus.batch();
    for n in [7, 1, 8, 2, 9] {
        batch.push_with(|out| codec::encode(&event(n), out));
    }
    bus.append(batch).unwrap().wait().unwrap();
    let wanted: Vec<Event> = [1, 2, 3].map(event).into();
    let which = |record: &[u8]| wanted.iter().position(|e| record.get(1..17) == Some(e.id().as_bytes()));
    let received = bus.status().segments[0].last_at;
    let found = bus.prove(&[received; 3], &which).unwrap();
    let mut story = "# An incident\n".to_owned();
    let mut file = "malware".to_owned();
    let handed = Handed {
        file: Some("evidence/1-sample.bin".into()),
        sha256: sha256(file.as_bytes()),
        why: None,
        more: json!({ "name": "sample.bin", "custody": [{ "who": "lan", "act": "taken" }] }).as_object().unwrap().clone(),
    };
    alter(&mut story, &mut file);
    let made = Made { incident: "ab".into(), at: "2026-03-01T00:00:00Z".into(), by: "lan".into(), ..Made::default() };
    let mut bundle = Bundle::new(Vec::new(), made, 1_772_323_200);
    bundle.text("story.md", story.as_bytes()).unwrap();
    bundle.events(wanted.iter().map(|e| (e.id().to_string(), json::to_string(e))).collect(), found, "the log no longer has it").unwrap();
    bundle.lines("evidence.jsonl", [handed]).unwrap();
    bundle.text("evidence/1-sample.bin", file.as_bytes()).unwrap();
    let (bytes, fingerprint) = bundle.end().unwrap();
    assert_eq!(verify(bytes.as_slice()).unwrap().fingerprint, fingerprint);
    bytes
}

fn check(bytes: &[u8]) -> Checked {
    verify(bytes).unwrap()
}

#[test]
fn what_was_handed_out_is_proven() {
    let checked = check(&bundle(|_, _| {}));
    assert_eq!(checked.findings, [""; 0]);
    assert_eq!((checked.proven, checked.handed), (2, 1));
    let manifest = checked.manifest.unwrap();
    assert_eq!((manifest.events, manifest.unproven.len(), manifest.unproven[0].event.as_str()), (3, 1, &*Uuid::from_u128(3).to_string()));
}

#[test]
fn a_file_that_is_no_longer_what_was_handed_in_is_found() {
    let checked = check(&bundle(|_, file| file.push('!')));
    assert!(checked.findings.iter().any(|f| f.contains("was handed in")), "{:?}", checked.findings);
}

#[test]
fn one_byte_anywhere_is_found() {
    let good = bundle(|_, _| {});
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(!check(&bytes).findings.is_empty(), "byte {at} of {}", good.len());
    }
    for end in (0..good.len()).step_by(101) {
        assert!(!check(&good[..end]).findings.is_empty(), "cut at {end}");
    }
    assert!(!check(&[&good[..], b"x"].concat()).findings.is_empty(), "something behind the end");
}

/// Whoever makes a bundle anew has other events than the log, whatever the manifest says.
#[test]
fn a_bundle_made_anew_does_not_prove_another_event() {
    let good = bundle(|_, _| {});
    let mut files = Vec::new();
    let mut reader = tar::Reader::new(good.as_slice());
    while let Some(head) = reader.head().unwrap() {
        let mut content = Vec::new();
        reader.content(&head, |piece| content.extend_from_slice(piece)).unwrap();
        files.push((head.name, content));
    }
    let mut forged = Bundle::new(Vec::new(), Made::default(), 0);
    for (name, mut content) in files {
        if name == "events.jsonl" {
            content = String::from_utf8(content).unwrap().replace("203.0.113.1", "198.51.100.1").into_bytes();
        }
        if !name.starts_with("manifest") && !name.starts_with("fingerprint") {
            forged.text(&name, &content).unwrap();
        }
    }
    let checked = check(&forged.end().unwrap().0);
    assert!(checked.findings.iter().any(|f| f.contains("is not what the log recorded")), "{:?}", checked.findings);
}

#[test]
fn names_that_lead_elsewhere_are_neither_written_nor_read() {
    for name in ["/etc/passwd", "../x", "a//b", "a/./b", "", "a b", "ệ", &"x".repeat(101)] {
        assert!(tar::Writer::new(Vec::new(), 0).add(name, 0, &mut &b""[..]).is_err(), "{name}");
    }
}

proptest! {
    #[test]
    fn bytes_of_anybody_are_an_answer_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        prop_assert!(!check(&bytes).findings.is_empty());
    }

    #[test]
    fn a_damaged_bundle_is_an_answer_and_no_panic(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let good = GOOD.with(Clone::clone);
        let mut bytes = good.clone();
        for (place, to) in places {
            let at = place.index(bytes.len());
            bytes[at] = to;
        }
        prop_assert_eq!(check(&bytes).findings.is_empty(), bytes == good);
    }
}

thread_local! {
    static GOOD: Vec<u8> = bundle(|_, _| {});
}
