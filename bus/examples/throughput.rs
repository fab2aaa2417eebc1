//! How fast the log takes and gives records on this machine, for `cargo run --release -p fansipan-bus --example throughput`.
//!
//! `throughput [DIR [SECONDS [PRODUCERS]]]`: 300-byte records in batches of 500, fsync on, one consumer reading along; then
//! single records, one after another, for the latency of a lone append. Figures go to standard output.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement is for the terminal, and a failure should end it")]

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use fansipan_bus::{BusConfig, EmbeddedBus};

const RECORD: usize = 300;
const BATCH: usize = 500;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from).join(format!("bus-throughput-{}", std::process::id()));
    let seconds: u64 = arguments.next().map_or(5, |s| s.parse().unwrap());
    let producers: usize = arguments.next().map_or(2, |s| s.parse().unwrap());
    let config = BusConfig { max_bytes: 4 << 30, min_free_bytes: 0, ..BusConfig::new(&dir) };
    let (bus, _) = EmbeddedBus::open(config).unwrap();
    stream(&bus, Duration::from_secs(seconds), producers);
    lone(&bus);
    bus.close();
    std::fs::remove_dir_all(&dir).unwrap();
}

fn stream(bus: &EmbeddedBus, time: Duration, producers: usize) {
    let line: Vec<u8> =
        b"<134>Oct 11 22:14:15 fw-01 kernel: IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 ".iter().copied().cycle().take(RECORD).collect();
    let (stop, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut consumer = bus.consumer("reader").unwrap();
    let start = Instant::now();
    let (sent, read) = thread::scope(|scope| {
        let senders: Vec<_> = (0..producers)
            .map(|_| {
                scope.spawn(|| {
                    let (mut sent, mut last) = (0u64, None);
                    while !stop.load(Ordering::Relaxed) {
                        let mut batch = bus.batch();
                        (0..BATCH).for_each(|_| batch.push(&line));
                        last = Some(bus.append(batch).unwrap());
                        sent += BATCH as u64;
                    }
                    last.map(|t| t.wait().unwrap());
                    sent
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let mut read = 0u64;
            while !(done.load(Ordering::Acquire) && consumer.lag() == 0) {
                let records = consumer.poll(10_000, 4 << 20, Duration::from_millis(50)).unwrap();
                let next = records.next_offset();
                read += records.map(|(_, r)| u64::from(r.len() == RECORD)).sum::<u64>();
                consumer.commit(next).unwrap();
            }
            read
        });
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        let sent = senders.into_iter().map(|s| s.join().unwrap()).sum::<u64>();
        done.store(true, Ordering::Release);
        (sent, reader.join().unwrap())
    });
    let took = start.elapsed().as_secs_f64();
    assert_eq!(sent, read);
    let counters = bus.status().counters;
    println!(
        "{producers} producers: {:.0} records/s, {:.0} MB/s durable and read; {} commits, {:.0} records each, {:.2} ms each",
        sent as f64 / took,
        counters.bytes as f64 / took / 1e6,
        counters.commits,
        sent as f64 / counters.commits as f64,
        took * 1e3 / counters.commits as f64,
    );
}

fn lone(bus: &EmbeddedBus) {
    let mut times: Vec<_> = (0..500)
        .map(|_| {
            let mut batch = bus.batch();
            batch.push(&[b'x'; RECORD]);
            let start = Instant::now();
            bus.append(batch).unwrap().wait().unwrap();
            start.elapsed()
        })
        .collect();
    times.sort();
    println!("a lone append: p50 {:?}, p99 {:?}", times[250], times[495]);
}
