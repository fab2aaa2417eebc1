//! The log on a healthy disk, as its users see it.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use fansipan_bus::*;
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);

fn config(dir: &TempDir) -> BusConfig {
    BusConfig { segment_bytes: 64 << 10, max_bytes: 64 << 20, min_free_bytes: 0, ..BusConfig::new(dir.path().join("bus")) }
}

fn batch<R: AsRef<[u8]>>(records: &[R]) -> Batch {
    let mut batch = Batch::new();
    records.iter().for_each(|r| batch.push(r.as_ref()));
    batch
}

fn append<R: AsRef<[u8]>>(bus: &EmbeddedBus, records: &[R]) -> u64 {
    bus.append(batch(records)).unwrap().wait().unwrap().first_offset()
}

fn drain(consumer: &mut Consumer, until: u64) -> Vec<(u64, Vec<u8>)> {
    let mut out = Vec::new();
    while consumer.position() < until {
        out.extend(consumer.poll(37, 5000, SOON).unwrap().map(|(o, r)| (o, r.to_vec())));
    }
    out
}

struct Thread(thread::Thread);

impl Wake for Thread {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest runtime: shows that the futures need no particular one.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Thread(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return out;
        }
        thread::park();
    }
}

#[test]
fn what_was_appended_is_read_in_order_across_segments_and_restarts() {
    let dir = TempDir::new().unwrap();
    let records: Vec<String> = (0..3000).map(|i| format!("record {i} {}", "x".repeat(i % 97))).collect();
    let (bus, recovery) = EmbeddedBus::open(config(&dir)).unwrap();
    assert!(recovery.is_clean());
    for chunk in records[..2000].chunks(13) {
        append(&bus, chunk);
    }
    drop(bus);
    let (bus, recovery) = EmbeddedBus::open(config(&dir)).unwrap();
    assert!(recovery.is_clean() && recovery.head == 2000 && recovery.torn_bytes == 0, "{recovery:?}");
    assert_eq!(append(&bus, &records[2000..]), 2000);
    let mut consumer = bus.consumer("reader").unwrap();
    let expected: Vec<_> = (0u64..).zip(records.iter().map(|r| r.clone().into_bytes())).collect();
    assert_eq!(drain(&mut consumer, 3000), expected);
    assert!(bus.status().segments.len() > 1);
    assert!(consumer.poll(1, 1, Duration::from_millis(1)).unwrap().is_empty());
}

#[test]
fn records_of_any_length_survive_and_empty_batches_cost_nothing() {
    let dir = TempDir::new().unwrap();
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    let records = [vec![], vec![0; 1], vec![7; 60_000], vec![], vec![1; 9]];
    assert_eq!(append(&bus, &records[..2]), 0);
    assert_eq!(append::<&[u8]>(&bus, &[]), 2);
    assert_eq!(append(&bus, &records[2..]), 2);
    let mut consumer = bus.consumer("reader").unwrap();
    assert_eq!(drain(&mut consumer, 5).into_iter().map(|(_, r)| r).collect::<Vec<_>>(), records);
    let error = bus.append(batch(&[vec![0; 70_000]])).unwrap_err();
    assert!(matches!(error, BusError::TooLarge { .. }), "{error}");
    assert!(error.to_string().starts_with(error.code()));
}

#[test]
fn a_key_is_appended_once_at_once_in_flight_and_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    append(&bus, &["before"]);
    // In flight: both tickets are taken before either is durable, or the second finds it durable; either way it is one batch.
    let tickets: Vec<_> = (0..4).map(|_| bus.append(batch(&["a", "b"]).keyed([1; 16])).unwrap()).collect();
    let receipts: Vec<_> = tickets.into_iter().map(|t| block_on(t).unwrap()).collect();
    assert_eq!(receipts[0], Receipt::Durable { first_offset: 1 });
    assert!(receipts[1..].iter().all(|r| *r == Receipt::Duplicate { first_offset: 1 }));
    assert_eq!(bus.status().counters.duplicates, 3);
    bus.seal().unwrap();
    bus.append(batch(&["c"]).keyed([2; 16])).unwrap().wait().unwrap();
    drop(bus);
    let (bus, recovery) = EmbeddedBus::open(config(&dir)).unwrap();
    assert_eq!(recovery.head, 4);
    for (key, first_offset) in [([1; 16], 1), ([2; 16], 3)] {
        let receipt = bus.append(batch(&["again"]).keyed(key)).unwrap().wait().unwrap();
        assert_eq!(receipt, Receipt::Duplicate { first_offset }, "from a seal and from the open segment");
    }
    assert_eq!(append(&bus, &["new"]), 4);
}

#[test]
fn consumers_are_independent_and_their_commits_survive() {
    let dir = TempDir::new().unwrap();
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    append(&bus, &["0", "1", "2", "3", "4"]);
    let (mut a, mut b) = (bus.consumer("analyzer").unwrap(), bus.consumer("indexer").unwrap());
    assert!(matches!(bus.consumer("analyzer"), Err(BusError::ConsumerBusy { .. })));
    for bad in ["", "../x", "Ünï", ".hidden", &"x".repeat(65)] {
        assert!(matches!(bus.consumer(bad), Err(BusError::ConsumerName { .. })), "{bad}");
    }
    assert_eq!(a.poll(2, 100, SOON).unwrap().next_offset(), 2);
    assert_eq!((a.lag(), b.lag()), (3, 5));
    a.commit(1).unwrap();
    drain(&mut b, 5);
    for offset in 1..=5 {
        b.commit(offset).unwrap();
    }
    assert!(matches!(b.commit(6), Err(BusError::Ahead { wanted: 6, head: 5 })));
    assert!(matches!(b.seek(6), Err(BusError::Ahead { .. })));
    b.seek(3).unwrap();
    assert_eq!(drain(&mut b, 5), [(3, b"3".to_vec()), (4, b"4".to_vec())]);
    drop((a, b));
    drop(bus);
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    let lags: Vec<_> = bus.status().consumers.into_iter().map(|c| (c.name, c.committed, c.lag)).collect();
    assert_eq!(lags, [("analyzer".to_owned(), 1, 4), ("indexer".to_owned(), 5, 0)]);
    let mut a = bus.consumer("analyzer").unwrap();
    assert_eq!(drain(&mut a, 5).len(), 4);
}

#[test]
fn a_waiting_consumer_wakes_at_the_commit_and_at_the_end() {
    let dir = TempDir::new().unwrap();
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    let mut consumer = bus.consumer("reader").unwrap();
    let (tell, told) = mpsc::channel();
    let reader = thread::spawn(move || {
        loop {
            match consumer.poll(100, 1000, Duration::from_secs(60)) {
                Ok(records) => records.for_each(|(_, r)| tell.send((Instant::now(), r.to_vec())).unwrap()),
                Err(error) => return error,
            }
        }
    });
    for i in 0..20u8 {
        append(&bus, &[[i]]);
        let durable = Instant::now();
        let (seen, record) = told.recv_timeout(SOON).unwrap();
        assert_eq!(record, [i]);
        assert!(seen.saturating_duration_since(durable) < Duration::from_secs(5), "woken, not after the timeout of the poll");
    }
    bus.close();
    assert!(matches!(reader.join().unwrap(), BusError::Closed));
    assert!(matches!(bus.append(batch(&["late"])), Err(BusError::Closed)));
}

#[test]
fn eight_producers_and_two_consumers_agree_on_every_offset() {
    let dir = TempDir::new().unwrap();
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    const PRODUCERS: u64 = 8;
    const BATCHES: u64 = 150;
    const SIZE: u64 = 5;
    let readers: Vec<_> = ["one", "two"]
        .map(|name| {
            let mut consumer = bus.consumer(name).unwrap();
            thread::spawn(move || {
                let mut seen = Vec::new();
                while seen.len() < (PRODUCERS * BATCHES * SIZE) as usize {
                    let records = consumer.poll(64, 4096, SOON).unwrap();
                    let next = records.next_offset();
                    seen.extend(records.map(|(o, r)| (o, r.to_vec())));
                    consumer.commit(next).unwrap();
                }
                seen
            })
        })
        .into();
    let writers: Vec<_> = (0..PRODUCERS)
        .map(|p| {
            let bus = bus.clone();
            thread::spawn(move || {
                let mut acknowledged = Vec::new();
                for b in 0..BATCHES {
                    let mut batch = bus.batch();
                    let records: Vec<_> = (0..SIZE).map(|r| format!("{p}/{b}/{r}").into_bytes()).collect();
                    records.iter().for_each(|r| batch.push(r));
                    let ticket = if b % 2 == 0 { bus.append(batch).unwrap() } else { block_on(bus.append_async(batch)).unwrap() };
                    let first = if b % 3 == 0 { block_on(ticket).unwrap() } else { ticket.wait().unwrap() }.first_offset();
                    acknowledged.extend((first..).zip(records));
                }
                acknowledged
            })
        })
        .collect();
    let mut expected: Vec<_> = writers.into_iter().flat_map(|w| w.join().unwrap()).collect();
    expected.sort();
    for reader in readers {
        assert_eq!(reader.join().unwrap(), expected);
    }
    let status = bus.status();
    assert!(status.counters.commits <= status.counters.batches && status.counters.records == PRODUCERS * BATCHES * SIZE);
}

#[test]
fn a_second_process_is_told_who_has_the_folder() {
    let dir = TempDir::new().unwrap();
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    let error = EmbeddedBus::open(config(&dir)).unwrap_err();
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    drop(bus);
    EmbeddedBus::open(config(&dir)).unwrap();
}

#[test]
fn unusable_settings_are_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let good = config(&dir);
    for (bad, name) in [
        (BusConfig { segment_bytes: 100, ..good.clone() }, "segment_bytes"),
        (BusConfig { segment_bytes: 1 << 40, ..good.clone() }, "segment_bytes"),
        (BusConfig { max_bytes: 100 << 10, ..good.clone() }, "max_bytes"),
    ] {
        assert!(EmbeddedBus::open(bad).unwrap_err().to_string().contains(name));
    }
}

/// Appends 200 lines: 150 in a segment that is sealed, 50 in one that is open.
fn two_segments(bus: &EmbeddedBus) -> Vec<String> {
    let records: Vec<String> = (0..200).map(|i| format!("line {i}")).collect();
    append(bus, &records[..150]);
    bus.seal().unwrap();
    append(bus, &records[150..]);
    records
}

#[test]
fn seals_prove_what_was_kept_and_show_what_was_changed() {
    let dir = TempDir::new().unwrap();
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    let records = two_segments(&bus);
    bus.seal().unwrap();
    bus.seal().unwrap();
    let status = bus.status();
    assert_eq!(status.segments.len(), 2);
    let mut tree = merkle::Tree::default();
    records[..150].iter().for_each(|r| tree.push(merkle::leaf(r.as_bytes())));
    let root: String = tree.root().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(status.segments[0].root.as_deref(), Some(&*root));
    let paths = sealed_segments(&dir.path().join("bus")).unwrap();
    let proofs: Vec<_> = paths.iter().map(|p| verify_segment(p).unwrap()).collect();
    assert_eq!((&proofs[0].root, proofs[0].records, proofs[1].first_offset), (&root, 150, 150));
    assert_eq!(proofs[1].previous, proofs[0].id);
    drop(bus);
    // One changed bit, anywhere, is noticed.
    let original = std::fs::read(&paths[0]).unwrap();
    for at in [0, 20, 64, 70, 130, original.len() - 9] {
        let mut changed = original.clone();
        changed[at] ^= 4;
        std::fs::write(&paths[0], &changed).unwrap();
        let error = verify_segment(&paths[0]).unwrap_err();
        assert!(matches!(error, BusError::Altered { .. }), "byte {at}: {error}");
    }
}

#[test]
fn a_record_is_proven_to_anyone_who_has_the_seal_alone() {
    let dir = TempDir::new().unwrap();
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    two_segments(&bus);
    let now = bus.status().segments[0].last_at;
    let wanted = ["line 7", "line 149", "line 199", "line 200"];
    let which = |record: &[u8]| wanted.iter().position(|w| w.as_bytes() == record);
    let found = bus.prove(&[now; 4], &which).unwrap();
    assert_eq!(found.records.iter().map(|r| (r.wanted, r.segment)).collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 150)], "line 200 never was");
    for one in &found.records {
        let seal = read_seal(&found.seals[&one.segment]).unwrap();
        assert_eq!(one.path.root(&one.record), Some(seal.root.clone()));
        assert_ne!(one.path.root(b"line 8"), Some(seal.root));
    }
    assert!(bus.prove(&[i64::MAX], &|_| Some(0)).unwrap().records.is_empty(), "nothing is looked for before its time");
    drop(bus);
    // what was changed on disk since proves nothing
    let path = &sealed_segments(&dir.path().join("bus")).unwrap()[0];
    let mut changed = std::fs::read(path).unwrap();
    let place = changed.windows(6).position(|w| w == b"line 8").unwrap();
    changed[place + 5] = b'9';
    std::fs::write(path, changed).unwrap();
    let (bus, _) = EmbeddedBus::open(config(&dir)).unwrap();
    let found = bus.prove(&[now; 4], &which).unwrap();
    assert_eq!(found.records.iter().map(|r| r.wanted).collect::<Vec<_>>(), [2]);
    assert!(found.faults.iter().any(|f| f.contains("records 0 to 149 cannot be read")), "{:?}", found.faults);
}
