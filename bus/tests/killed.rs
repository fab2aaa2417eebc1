//! A process that is killed while it appends: whatever it had been told is durable is there, once.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use fansipan_bus::*;
use tempfile::TempDir;

const CHILD: &str = "FANSIPAN_BUS_KILLED_CHILD";
const THREADS: u64 = 4;

fn config(dir: &Path) -> BusConfig {
    BusConfig { segment_bytes: 256 << 10, max_bytes: 1 << 30, min_free_bytes: 0, ..BusConfig::new(dir) }
}

/// A batch that can be told from every other by its records and its key.
fn batch(life: u64, thread: u64, number: u64) -> Batch {
    let mut batch = Batch::new().keyed((u128::from(life) << 96 | u128::from(thread) << 64 | u128::from(number)).to_le_bytes());
    for record in 0..1 + number % 7 {
        batch.push(format!("{life}/{thread}/{number}/{record} {}", "x".repeat((number * 131 % 1500) as usize)).as_bytes());
    }
    batch
}

/// Not a test by itself: what the killed process does.
#[test]
fn child() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (life, dir) = task.split_once(' ').unwrap();
    let life: u64 = life.parse().unwrap();
    let (bus, _) = EmbeddedBus::open(config(Path::new(dir))).unwrap();
    let writers: Vec<_> = (0..THREADS)
        .map(|t| {
            let bus = bus.clone();
            thread::spawn(move || {
                for number in 0.. {
                    let first = bus.append(batch(life, t, number)).unwrap().wait().unwrap().first_offset();
                    // One write: a line is whole or not there.
                    std::io::stdout().write_all(format!("acknowledged {t} {number} {first}\n").as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
}

#[test]
fn what_was_acknowledged_outlives_kill_9() {
    let dir = TempDir::new().unwrap();
    let mut acknowledged = BTreeMap::new();
    for life in 0..6u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD, format!("{life} {}", dir.path().display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut before = 0;
        let mut note = |line: &str| {
            let Some(rest) = line.split_once("acknowledged ").map(|(_, r)| r) else { return };
            let numbers: Vec<u64> = rest.split(' ').map(|n| n.parse().unwrap()).collect();
            acknowledged.insert((life, numbers[0], numbers[1]), numbers[2]);
            before += 1;
        };
        // Killed after so many acknowledgements, in the middle of the next ones.
        let patience = 30 + life * 170;
        lines.by_ref().take(patience as usize).for_each(|l| note(&l));
        thread::sleep(Duration::from_micros(300 * life));
        child.kill().unwrap();
        child.wait().unwrap();
        lines.for_each(|l| note(&l));
        assert!(before >= patience - 5, "the child appended");
        check(dir.path(), &acknowledged);
    }
}

fn check(dir: &Path, acknowledged: &BTreeMap<(u64, u64, u64), u64>) {
    let (bus, recovery) = EmbeddedBus::open(config(dir)).unwrap();
    assert!(recovery.is_clean() && recovery.lost.is_empty(), "{recovery:?}");
    let mut reader = bus.consumer("check").unwrap();
    reader.seek(0).unwrap();
    let mut found = BTreeMap::new();
    let mut texts = BTreeSet::new();
    while reader.lag() > 0 {
        for (offset, record) in reader.poll(1000, 1 << 20, Duration::ZERO).unwrap() {
            assert_eq!(offset, found.len() as u64, "offsets are dense");
            assert!(texts.insert(record.to_vec()), "offset {offset} is a repetition");
            found.insert(offset, record.to_vec());
        }
    }
    for (&(life, thread, number), &first) in acknowledged {
        let receipt = bus.append(batch(life, thread, number)).unwrap().wait().unwrap();
        assert_eq!(receipt, Receipt::Duplicate { first_offset: first }, "sent again, it is known");
        let start = format!("{life}/{thread}/{number}/0 ");
        assert!(found[&first].starts_with(start.as_bytes()), "{start} at {first}");
        assert!(found.contains_key(&(first + number % 7)));
    }
}
