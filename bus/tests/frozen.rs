//! Files of released formats stay readable. `frozen/v1` was written by the first release and is never written again; a new
//! format gets a folder of its own, made by `cargo test -p fansipan-bus --test frozen -- --ignored`.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use fansipan_bus::*;
use tempfile::TempDir;

const CURRENT: &str = "v1";

fn frozen(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("frozen").join(version)
}

fn config(dir: &Path) -> BusConfig {
    BusConfig { segment_bytes: 16 << 10, max_bytes: 1 << 20, max_age: Duration::MAX, min_free_bytes: 0, ..BusConfig::new(dir) }
}

fn record(i: u64) -> Vec<u8> {
    let mut text = format!("<34>Oct 11 22:14:15 máy-chủ su: record {i} ").into_bytes();
    text.resize(text.len() + (i * i % 61) as usize, b'.');
    text
}

/// Batches of 1, 2, 3… records; every third has a key.
fn fill(bus: &EmbeddedBus) {
    let mut next = 0;
    for number in 1..=12u64 {
        let mut batch = Batch::new();
        batch.key = number.is_multiple_of(3).then_some([number as u8; 16]);
        for i in next..next + number {
            batch.push(&record(i));
        }
        assert_eq!(bus.append(batch).unwrap().wait().unwrap().first_offset(), next);
        next += number;
        if number == 8 {
            bus.seal().unwrap();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(drop).unwrap() }
    }
}

#[test]
#[ignore = "writes the frozen files of the current format, if they are not there yet"]
fn freeze() {
    let target = frozen(CURRENT);
    assert!(!target.exists(), "{} is frozen already", target.display());
    let dir = TempDir::new().unwrap();
    let (bus, _) = EmbeddedBus::open(config(dir.path())).unwrap();
    fill(&bus);
    bus.consumer("reader").unwrap().commit(40).unwrap();
    drop(bus);
    fs::remove_file(dir.path().join("LOCK")).unwrap();
    copy(dir.path(), &target);
}

#[test]
fn version_1_reads_and_goes_on() {
    let dir = TempDir::new().unwrap();
    copy(&frozen("v1"), dir.path());
    let (bus, recovery) = EmbeddedBus::open(config(dir.path())).unwrap();
    assert_eq!((recovery.oldest, recovery.head, recovery.segments), (0, 78, 2));
    assert!(recovery.is_clean() && recovery.torn_bytes == 0);
    let mut reader = bus.consumer("reader").unwrap();
    assert_eq!(reader.position(), 40);
    reader.seek(0).unwrap();
    let mut read = Vec::new();
    while reader.lag() > 0 {
        read.extend(reader.poll(10, 1000, Duration::ZERO).unwrap().map(|(o, r)| (o, r.to_vec())));
    }
    assert_eq!(read, (0..78).map(|i| (i, record(i))).collect::<Vec<_>>());
    for (key, first_offset) in [(3u8, 3), (6, 15), (9, 36), (12, 66)] {
        let mut again = Batch::new().keyed([key; 16]);
        again.push(b"again");
        assert_eq!(bus.append(again).unwrap().wait().unwrap(), Receipt::Duplicate { first_offset });
    }
    let proof = bus.verify(0).unwrap();
    assert_eq!((proof.records, &*proof.root), (36, "00a560df957cef54f5c3f9a33eda867cdff4a4f7b6376859c77225ee773abb35"));
    let mut next = Batch::new();
    next.push(b"next");
    assert_eq!(bus.append(next).unwrap().wait().unwrap().first_offset(), 78);
}
