//! The log against a list in memory, through kills, power failures, failing disks and flipped bits.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{SEGMENT, batch, config, drain, open, open_with, sim::Sim};
use crate::{BusConfig, BusError, EmbeddedBus, Limits, Patience, Recovery, Ticket};

type Records = Vec<Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    /// A batch of records of these lengths; wait for the ticket or not.
    Append {
        lengths: Vec<u16>,
        key: Option<u8>,
        wait: bool,
    },
    Poll {
        consumer: u8,
        records: u8,
        bytes: u16,
    },
    Commit {
        consumer: u8,
    },
    Seek {
        consumer: u8,
        back: u8,
    },
    Seal,
    /// Close and open again.
    Reopen,
    /// `kill -9`, then open.
    Kill,
    /// Power failure, then open.
    PowerLoss {
        seed: u64,
    },
    FailSyncs(u8),
    FailWrites(u8),
    /// The disk takes this many more syncs, then takes its time.
    Slow(u8),
    /// Files may grow by this much; room is back at the next step that needs it.
    Full(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let lengths = prop::collection::vec(prop_oneof![5 => 0u16..40, 1 => 200u16..900], 1..6);
    prop_oneof![
        12 => (lengths, prop::option::weighted(0.3, 0u8..12), any::<bool>()).prop_map(|(lengths, key, wait)| Step::Append { lengths, key, wait }),
        6 => (0u8..2, 1u8..20, 0u16..3000).prop_map(|(consumer, records, bytes)| Step::Poll { consumer, records, bytes }),
        3 => (0u8..2).prop_map(|consumer| Step::Commit { consumer }),
        1 => (0u8..2, 0u8..40).prop_map(|(consumer, back)| Step::Seek { consumer, back }),
        1 => Just(Step::Seal),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
        2 => any::<u64>().prop_map(|seed| Step::PowerLoss { seed }),
        1 => (1u8..3).prop_map(Step::FailSyncs),
        1 => (1u8..3).prop_map(Step::FailWrites),
        1 => (0u16..500).prop_map(Step::Full),
        3 => (0u8..3).prop_map(Step::Slow),
    ]
}

/// What the log must hold.
struct Model {
    sim: Sim,
    bus: EmbeddedBus,
    /// Acknowledged (or seen after a restart) records by offset.
    records: BTreeMap<u64, Vec<u8>>,
    /// Acknowledged keys.
    keys: BTreeMap<u8, u64>,
    /// Tickets not waited for yet.
    open: Vec<(Ticket, Records, Option<u8>)>,
    /// Records sent whose fate is unknown.
    maybe: BTreeSet<Vec<u8>>,
    /// Per consumer: positions that may be found after a restart, the last one committed.
    committed: [BTreeSet<u64>; 2],
    consumers: Vec<crate::Consumer>,
    sent: u32,
}

const NAMES: [&str; 2] = ["one", "two"];

impl Model {
    fn new() -> Self {
        let sim = Sim::default();
        let (bus, _) = open(&sim);
        let consumers = NAMES.iter().map(|n| bus.consumer(n).unwrap()).collect();
        Self {
            sim,
            bus,
            records: BTreeMap::new(),
            keys: BTreeMap::new(),
            open: Vec::new(),
            maybe: BTreeSet::new(),
            committed: [[0].into(), [0].into()],
            consumers,
            sent: 0,
        }
    }

    fn append(&mut self, lengths: &[u16], key: Option<u8>, wait: bool) {
        // Every record is unlike every other: the number in front makes it so.
        let records: Records = lengths
            .iter()
            .map(|&length| {
                self.sent += 1;
                let mut record = self.sent.to_le_bytes().to_vec();
                record.resize(4 + usize::from(length), length as u8);
                record
            })
            .collect();
        let mut batch = batch(&records).patient(Patience::Forever);
        batch.key = key.map(|k| [k; 16]);
        let ticket = self.bus.append(batch).unwrap();
        self.open.push((ticket, records, key));
        if wait {
            self.settle();
        }
    }

    /// Mends the disk and waits for everything.
    fn settle(&mut self) {
        self.sim.set(|f| (f.space, f.permits) = (u64::MAX, u32::MAX));
        for (ticket, records, key) in std::mem::take(&mut self.open) {
            let outcome = ticket.wait();
            self.settled(outcome.map(Some), records, key);
        }
    }

    fn settled(&mut self, outcome: Result<Option<crate::Receipt>, BusError>, records: Records, key: Option<u8>) {
        match outcome {
            Ok(Some(receipt)) if receipt.is_duplicate() => {
                let key = key.expect("only a keyed batch is a duplicate");
                let known = self.keys.entry(key).or_insert(receipt.first_offset());
                assert_eq!(*known, receipt.first_offset(), "key {key}");
            }
            Ok(Some(receipt)) => {
                if let Some(key) = key {
                    assert_eq!(self.keys.insert(key, receipt.first_offset()), None, "key {key} was appended twice");
                }
                for (offset, record) in (receipt.first_offset()..).zip(records) {
                    assert_eq!(self.records.insert(offset, record), None, "offset {offset} was given twice");
                }
            }
            Ok(None) | Err(_) => self.maybe.extend(records),
        }
    }

    /// What is acknowledged at this very moment; of the rest nobody knows.
    fn peek(&mut self) {
        for (ticket, records, key) in std::mem::take(&mut self.open) {
            let outcome = ticket.peek().transpose();
            self.settled(outcome, records, key);
        }
    }

    /// Goes on with another machine, which may hold more than was acknowledged and never less.
    fn restart(&mut self, sim: Sim) {
        self.consumers.clear();
        // Whatever the old process still does, it does to the old machine.
        self.sim.set(|f| f.permits = u32::MAX);
        let (bus, recovery) = open(&sim);
        self.bus = bus;
        self.sim = sim;
        self.check(&recovery);
        self.consumers = NAMES.iter().map(|n| self.bus.consumer(n).unwrap()).collect();
        for (consumer, known) in self.consumers.iter().zip(&mut self.committed) {
            assert!(known.contains(&consumer.position()), "{} not in {known:?}", consumer.position());
            *known = [consumer.position()].into();
        }
    }

    fn check(&mut self, recovery: &Recovery) {
        assert!(recovery.is_clean(), "{recovery:?}");
        let mut reader = self.bus.consumer("check").unwrap();
        reader.seek(0).unwrap();
        let found: BTreeMap<_, _> = drain(&mut reader).into_iter().collect();
        drop(reader);
        self.bus.forget_consumer("check").unwrap();
        for (offset, record) in &self.records {
            assert_eq!(found.get(offset), Some(record), "acknowledged record {offset} of {}", recovery.head);
        }
        for (offset, record) in &found {
            let known = self.records.contains_key(offset) || self.maybe.remove(record);
            assert!(known, "record {offset} was never sent, or is there twice");
        }
        for offset in (0..recovery.head).filter(|o| !found.contains_key(o)) {
            assert!(recovery.lost.iter().any(|l| (l.from..l.to).contains(&offset)), "{offset} is missing without a word");
        }
        self.records = found;
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Append { lengths, key, wait } => self.append(lengths, *key, *wait),
            Step::Poll { consumer, records, bytes } => self.poll(*consumer, *records, *bytes),
            Step::Commit { consumer } => {
                let i = usize::from(*consumer);
                let position = self.consumers[i].position();
                self.consumers[i].commit(position).unwrap();
                self.committed[i].insert(position);
            }
            Step::Seek { consumer, back } => {
                let consumer = &mut self.consumers[usize::from(*consumer)];
                consumer.seek(consumer.position().saturating_sub(u64::from(*back))).unwrap();
            }
            Step::Seal => {
                self.settle();
                // An attempt that was under way may still fail for want of room.
                if self.bus.seal().is_err() {
                    self.bus.seal().unwrap();
                }
            }
            Step::Reopen => {
                self.settle();
                let last: Vec<_> = self.consumers.iter().map(|c| c.committed()).collect();
                self.consumers.clear();
                self.bus.close();
                // A log whose tail cannot be synced does not open; that is no step of this test.
                self.sim.set(|f| (f.syncs, f.writes) = (0, 0));
                self.committed = [[last[0]].into(), [last[1]].into()];
                self.restart(self.sim.clone());
            }
            Step::Kill => {
                self.peek();
                self.restart(self.sim.killed());
            }
            Step::PowerLoss { seed } => {
                self.peek();
                self.restart(self.sim.power_lost(*seed));
            }
            Step::FailSyncs(n) => self.sim.set(|f| f.syncs = u32::from(*n)),
            Step::FailWrites(n) => self.sim.set(|f| f.writes = u32::from(*n)),
            Step::Slow(syncs) => self.sim.set(|f| f.permits = u32::from(*syncs)),
            Step::Full(space) => self.sim.set(|f| f.space = u64::from(*space)),
        }
    }

    fn poll(&mut self, consumer: u8, records: u8, bytes: u16) {
        self.settle();
        let consumer = &mut self.consumers[usize::from(consumer)];
        let expected: Vec<_> = self.records.range(consumer.position()..).take(usize::from(records)).collect();
        let got: Vec<_> = consumer.poll(usize::from(records), usize::from(bytes), std::time::Duration::ZERO).unwrap().collect();
        assert!(got.len() == expected.len() || !got.is_empty(), "something was there to be read");
        for ((offset, record), (expected_offset, expected)) in got.iter().zip(&expected) {
            assert_eq!((offset, *record), (*expected_offset, expected.as_slice()));
        }
        let total: usize = got.iter().map(|(_, r)| r.len()).sum();
        assert!(got.len() == 1 || total <= usize::from(bytes));
    }
}

/// `PROPTEST_CASES` for a long run.
fn proptest_config() -> ProptestConfig {
    let default = ProptestConfig { max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { default } else { ProptestConfig { cases: 60, ..default } }
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn the_log_keeps_what_it_acknowledged(steps in prop::collection::vec(step(), 1..60)) {
        let mut model = Model::new();
        for step in &steps {
            model.run(step);
        }
        model.settle();
        model.run(&Step::Reopen);
    }

    /// One flipped bit per file loses at most the batch it is in, and never passes for data.
    #[test]
    fn a_flipped_bit_loses_one_batch_at_most(
        sizes in prop::collection::vec(1usize..6, 20..60),
        sealed in any::<bool>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 1..12),
        seals in any::<bool>(),
    ) {
        let sim = Sim::default();
        let (bus, _) = open(&sim);
        let mut batches = Vec::new();
        let mut records = BTreeMap::new();
        for (b, &size) in sizes.iter().enumerate() {
            let content: Records = (0..size).map(|r| format!("{b}/{r}/{}", "x".repeat(97 * r)).into_bytes()).collect();
            let first = super::append(&bus, &content);
            batches.push(first..first + size as u64);
            records.extend((first..).zip(content));
        }
        if sealed {
            bus.seal().unwrap();
        }
        drop(bus);
        let files = sim.files(if seals { "seal" } else { "seg" });
        for (file, (at, bit)) in files.iter().zip(&flips) {
            sim.tamper(file, |bytes| { let i = at.index(bytes.len()); bytes[i] ^= 1 << bit; });
        }
        let (bus, recovery) = open(&sim);
        let mut reader = bus.consumer("reader").unwrap();
        let found = drain(&mut reader);
        for (offset, record) in &found {
            prop_assert_eq!(records.get(offset), Some(record));
        }
        let found: BTreeSet<_> = found.into_iter().map(|(o, _)| o).collect();
        let missing: Vec<_> = records.keys().filter(|o| !found.contains(o)).collect();
        let hit = batches.iter().filter(|b| missing.iter().any(|o| b.contains(o))).count();
        prop_assert!(hit <= if seals { 0 } else { flips.len() }, "{} batches lost by {} flips", hit, flips.len());
        let lost = bus.status().lost;
        for offset in missing {
            let told = lost.iter().any(|l| (l.from..l.to).contains(offset)) || (*offset >= recovery.head && recovery.torn_bytes > 0);
            prop_assert!(told, "{} is missing without a word", offset);
        }
        // Whatever was cut or lost, the log goes on.
        let next = super::append(&bus, &["next"]);
        prop_assert_eq!(next, recovery.head);
    }

    /// Cut anywhere, the log holds the whole batches before the cut.
    #[test]
    fn a_cut_tail_keeps_the_whole_batches_before_it(sizes in prop::collection::vec(0usize..300, 1..10), cut in any::<prop::sample::Index>()) {
        let sim = Sim::default();
        let (bus, _) = open_with(&sim, BusConfig { segment_bytes: 16 * SEGMENT, ..config() }, Limits::default());
        let mut ends = vec![64];
        for &size in &sizes {
            super::append(&bus, &[vec![1; size]]);
            ends.push(bus.status().bytes as usize);
        }
        drop(bus);
        let path = sim.files("seg").remove(0);
        let mut kept = 0;
        sim.tamper(&path, |bytes| {
            let at = cut.index(bytes.len() + 1);
            bytes.truncate(at);
            kept = ends.iter().filter(|&&e| e <= at).count().saturating_sub(1);
        });
        let (bus, recovery) = open(&sim);
        prop_assert!(recovery.is_clean());
        prop_assert_eq!(recovery.head, kept as u64);
        prop_assert_eq!(super::append(&bus, &["next"]), kept as u64);
    }
}
