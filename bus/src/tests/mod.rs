//! Behaviour of the log on a disk that misbehaves.

mod bytes;
mod damage;
mod faults;
mod model;
mod sim;

use std::{sync::Arc, time::Duration};

use crate::{Batch, BusConfig, Consumer, EmbeddedBus, Limits, Recovery, Ticket};
use sim::Sim;

const SOON: Duration = Duration::from_secs(20);
const SEGMENT: u64 = 4096;

fn config() -> BusConfig {
    BusConfig {
        segment_bytes: SEGMENT,
        max_bytes: 1 << 30,
        min_free_bytes: 1000,
        flush_interval: Duration::from_millis(1),
        ..BusConfig::new("/bus")
    }
}

fn open(sim: &Sim) -> (EmbeddedBus, Recovery) {
    open_with(sim, config(), Limits::default())
}

fn open_with(sim: &Sim, config: BusConfig, limits: Limits) -> (EmbeddedBus, Recovery) {
    EmbeddedBus::open_on(Arc::new(sim.clone()), config, limits).unwrap()
}

fn batch<R: AsRef<[u8]>>(records: &[R]) -> Batch {
    let mut batch = Batch::new();
    records.iter().for_each(|r| batch.push(r.as_ref()));
    batch
}

fn send<R: AsRef<[u8]>>(bus: &EmbeddedBus, records: &[R]) -> Ticket {
    bus.append(batch(records)).unwrap()
}

fn append<R: AsRef<[u8]>>(bus: &EmbeddedBus, records: &[R]) -> u64 {
    send(bus, records).wait().unwrap().first_offset()
}

/// Everything between the consumer's position and the end of the log.
fn drain(consumer: &mut Consumer) -> Vec<(u64, Vec<u8>)> {
    let mut out = Vec::new();
    while consumer.lag() > 0 {
        out.extend(consumer.poll(50, 1000, Duration::ZERO).unwrap().map(|(o, r)| (o, r.to_vec())));
    }
    out
}

/// Records of this size that can be told apart.
fn numbered(n: usize, size: usize) -> Vec<Vec<u8>> {
    (0..n).map(|i| format!("{i:0size$}").into_bytes()).collect()
}

/// Waits for something that happens by itself.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < SOON, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(2));
    }
}
