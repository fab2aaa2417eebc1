//! Files changed or lost behind the log's back: told, stepped over, never taken for data.

use std::path::Path;

use super::{SOON, append, batch, config, drain, eventually, numbered, open, open_with, sim::Sim};
use crate::{AlarmKind, BusConfig, BusError, EmbeddedBus, Limits, format, seal};

fn alarm(bus: &EmbeddedBus) -> Option<AlarmKind> {
    bus.status().alarm().map(|a| a.kind)
}

#[test]
fn offsets_that_a_consumer_has_seen_are_not_given_again() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    for i in 0..10u8 {
        append(&bus, &[[i]]);
    }
    let mut reader = bus.consumer("reader").unwrap();
    let next = reader.poll(100, 1000, SOON).unwrap().next_offset();
    reader.commit(next).unwrap();
    drop((reader, bus));
    let path = sim.files("seg").remove(0);
    sim.tamper(&path, |bytes| bytes.truncate(bytes.len() - 100));
    let (bus, recovery) = open(&sim);
    assert_eq!(recovery.head, 10);
    assert_eq!(recovery.lost.iter().map(|l| (l.from, l.to, l.certain)).collect::<Vec<_>>(), [(8, 10, true)]);
    assert_eq!(alarm(&bus), Some(AlarmKind::RecordsLost));
    assert_eq!(append(&bus, &["new"]), 10);
    let mut reader = bus.consumer("reader").unwrap();
    assert_eq!(drain(&mut reader), [(10, b"new".to_vec())]);
    reader.seek(5).unwrap();
    assert_eq!(drain(&mut reader).into_iter().map(|(o, _)| o).collect::<Vec<_>>(), [5, 6, 7, 10]);
}

#[test]
fn a_vanished_segment_is_reported_and_read_past() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    for _ in 0..3 {
        append(&bus, &numbered(10, 100));
        bus.seal().unwrap();
    }
    append(&bus, &["tail"]);
    drop(bus);
    let gone = sim.files("seg").remove(1);
    sim.delete(&gone);
    let (bus, recovery) = open(&sim);
    assert!(!recovery.is_clean() && recovery.damaged.iter().any(|d| d.contains("vanished")), "{recovery:?}");
    assert_eq!(recovery.lost.iter().map(|l| (l.from, l.to)).collect::<Vec<_>>(), [(10, 20)]);
    let offsets: Vec<_> = drain(&mut bus.consumer("reader").unwrap()).into_iter().map(|(o, _)| o).collect();
    assert_eq!(offsets, (0..10).chain(20..31).collect::<Vec<_>>());
}

#[test]
fn a_position_that_cannot_be_read_costs_repetition_and_nothing_else() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &numbered(10, 10));
    let mut reader = bus.consumer("reader").unwrap();
    reader.commit(4).unwrap();
    drop((reader, bus));
    let path = sim.files("pos").remove(0);
    let original = sim.bytes(&path);
    sim.tamper(&path, |bytes| bytes[4096 + 3] ^= 1);
    let (bus, recovery) = open(&sim);
    assert!(recovery.is_clean(), "one slot is enough");
    assert_eq!(bus.consumer("reader").unwrap().position(), 0, "the older of the two");
    drop(bus);
    sim.tamper(&path, |bytes| bytes.fill(9));
    let (bus, recovery) = open(&sim);
    assert!(recovery.damaged[0].contains("reader.pos"));
    let mut reader = bus.consumer("reader").unwrap();
    assert_eq!(reader.position(), 0);
    reader.commit(5).unwrap();
    drop((reader, bus));
    let (bus, recovery) = open(&sim);
    assert!(recovery.is_clean());
    assert_eq!(bus.consumer("reader").unwrap().position(), 5);
    drop(bus);
    sim.tamper(&path, |bytes| *bytes = original);
    assert_eq!(open(&sim).0.consumer("reader").unwrap().position(), 4);
}

#[test]
fn a_seal_that_is_damaged_or_gone_is_made_again_the_same() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    for _ in 0..3 {
        append(&bus, &numbered(10, 100));
        bus.append(batch(&["keyed"]).keyed([bus.head() as u8; 16])).unwrap().wait().unwrap();
        bus.seal().unwrap();
    }
    drop(bus);
    let seals = sim.files("seal");
    let originals: Vec<_> = seals.iter().map(|s| sim.bytes(s)).collect();
    sim.tamper(&seals[1], |bytes| bytes[80] ^= 1);
    sim.delete(&seals[0]);
    let (bus, recovery) = open(&sim);
    assert!(recovery.lost.is_empty() && recovery.damaged.len() == 1, "{recovery:?}");
    assert_eq!(alarm(&bus), Some(AlarmKind::FilesDamaged));
    eventually("the seals", || seals.iter().zip(&originals).all(|(s, o)| sim.files("seal").contains(s) && sim.bytes(s) == *o));
    for segment in bus.status().segments {
        bus.verify(segment.first_offset).unwrap();
    }
    drop(bus);
    assert!(open(&sim).1.is_clean());
}

#[test]
fn a_record_replaced_with_all_its_checksums_is_still_found_out() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &["the truth"]);
    bus.seal().unwrap();
    let path = sim.files("seg").remove(0);
    sim.tamper(&path, |bytes| {
        let (salt, head) = (format::u64_at(bytes, 64), format::BatchHead::decode(&bytes[64..], format::u64_at(bytes, 64)).unwrap());
        let lie = batch(&["a lie too"]);
        bytes.truncate(64);
        let place = format::Place { base: 0, group_before: 0, at: head.at, salt };
        format::encode_batch(&lie, format::body_crc(&lie), place, bytes);
    });
    let error = bus.verify(0).unwrap_err();
    assert!(matches!(error, BusError::Altered { .. }) && error.to_string().contains("Merkle root"), "{error}");
    assert!(matches!(seal::verify(&sim, Path::new("/bus/notes.seg")), Err(BusError::Damaged { .. })));
}

#[test]
fn a_segment_with_a_damaged_header_is_read_and_not_continued() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &["a", "b"]);
    drop(bus);
    sim.tamper(&sim.files("seg")[0], |bytes| bytes[3] ^= 1);
    let (bus, recovery) = open(&sim);
    assert!(recovery.damaged[0].contains("header") && recovery.lost.is_empty());
    assert_eq!(append(&bus, &["c"]), 2);
    assert_eq!(sim.files("seg").len(), 2);
    assert_eq!(drain(&mut bus.consumer("reader").unwrap()).len(), 3);
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &["a"]);
    drop(bus);
    let path = sim.files("seg").remove(0);
    sim.tamper(&path, |bytes| {
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    });
    let before = sim.bytes(&path);
    let error = EmbeddedBus::open_on(std::sync::Arc::new(sim.clone()), config(), Limits::default()).unwrap_err();
    assert!(matches!(error, BusError::Version { version: 2, newest: 1, .. }), "{error}");
    assert_eq!(sim.bytes(&path), before);
}

#[test]
fn segments_deleted_before_a_consumer_read_them_are_told() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    let mut reader = bus.consumer("reader").unwrap();
    for _ in 0..2 {
        append(&bus, &numbered(10, 100));
        bus.seal().unwrap();
    }
    reader.commit(4).unwrap();
    drop((reader, bus));
    sim.delete(&sim.files("seg")[0]);
    let (bus, recovery) = open(&sim);
    assert!(recovery.damaged.iter().any(|d| d.contains("consumer reader had come to 4")), "{recovery:?}");
    assert_eq!(bus.consumer("reader").unwrap().position(), 10);
}

#[test]
fn a_seal_that_cannot_be_written_is_told_and_tried_again() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &numbered(10, 100));
    sim.set(|f| f.space = 10);
    let error = bus.seal().unwrap_err();
    assert!(matches!(error, BusError::Unsealed { .. }), "{error}");
    assert_eq!(alarm(&bus), Some(AlarmKind::UpkeepFailed));
    sim.set(|f| f.space = u64::MAX);
    eventually("the seal", || alarm(&bus).is_none() && bus.status().segments[0].root.is_some());
    bus.verify(0).unwrap();
}

/// A sender who knows the format puts a whole batch inside a record, and the batch around it is damaged.
#[test]
fn what_is_inside_a_record_never_passes_for_a_batch() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &["before"]);
    let inner = batch(&["forged"]);
    let mut evil = Vec::new();
    for (base, salt) in [(1, 0), (2, u64::MAX), (3, 1)] {
        let place = format::Place { base, group_before: 0, at: 0, salt };
        format::encode_batch(&inner, format::body_crc(&inner), place, &mut evil);
    }
    // Whatever the record's place, one of these is aligned like a batch; and one stands where a batch would be expected.
    let records: Vec<_> = (0..8).map(|shift| [vec![0; shift], evil.clone()].concat()).collect();
    append(&bus, &records);
    append(&bus, &["after"]);
    let damaged = 64 + 72 + 10;
    drop(bus);
    sim.tamper(&sim.files("seg")[0], |bytes| bytes[damaged] ^= 1);
    let (bus, recovery) = open(&sim);
    assert_eq!(recovery.lost.iter().map(|l| (l.from, l.to)).collect::<Vec<_>>(), [(1, 9)]);
    assert_eq!(drain(&mut bus.consumer("reader").unwrap()), [(0, b"before".to_vec()), (9, b"after".to_vec())]);
}

#[test]
fn damage_found_while_reading_is_stepped_over_and_told() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    let mut reader = bus.consumer("reader").unwrap();
    for i in 0..10u8 {
        append(&bus, &[[i; 100], [i; 100]]);
    }
    sim.tamper(&sim.files("seg")[0], |bytes| bytes[64 + 3 * 272 + 200] ^= 1);
    let offsets: Vec<_> = drain(&mut reader).into_iter().map(|(o, _)| o).collect();
    assert_eq!(offsets, (0..6).chain(8..20).collect::<Vec<_>>());
    let status = bus.status();
    assert_eq!(status.lost.iter().map(|l| (l.from, l.to, l.certain)).collect::<Vec<_>>(), [(6, 8, true)]);
    assert_eq!((status.counters.lost, alarm(&bus)), (2, Some(AlarmKind::RecordsLost)));
    reader.seek(0).unwrap();
    drain(&mut reader);
    assert_eq!(bus.status().counters.lost, 2, "one loss is counted once");
    bus.seal().unwrap();
    assert_eq!(bus.verify(0).unwrap().missing, [(6, 8)]);
}

#[test]
fn damage_longer_than_one_read_is_stepped_over() {
    let sim = Sim::default();
    let (bus, _) = open_with(&sim, BusConfig { segment_bytes: 8 << 20, ..config() }, Limits::default());
    append(&bus, &["before"]);
    append(&bus, &[vec![1; 3 << 20]]);
    append(&bus, &["after"]);
    sim.tamper(&sim.files("seg")[0], |bytes| bytes[200] ^= 1);
    let offsets = |bus: &EmbeddedBus| drain(&mut bus.consumer("reader").unwrap()).into_iter().map(|(o, _)| o).collect::<Vec<_>>();
    assert_eq!(offsets(&bus), [0, 2]);
    drop(bus);
    let (bus, recovery) = open(&sim);
    assert_eq!((offsets(&bus), recovery.lost.len(), recovery.head), (vec![0, 2], 1, 3));
}
