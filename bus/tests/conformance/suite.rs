//! What any bus must do.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use fansipan_bus::{Batch, Sink, Source};

/// A bus under test.
pub(crate) trait Subject {
    type Sink: Sink;
    /// The way in.
    fn sink(&mut self) -> &Self::Sink;
    /// A reader of a group; the one before it must be gone.
    fn source(&mut self, group: &str) -> Box<dyn Source>;
    /// The process ends in order and comes again.
    fn restart(&mut self);
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs every test, each on a bus of its own.
pub(crate) fn all<S: Subject>(new: &mut dyn FnMut() -> S) {
    for (name, test) in [
        ("what is acknowledged is read, in order of its key", order::<S> as fn(&mut S)),
        ("groups read for themselves", groups),
        ("what was not committed comes again, what was does not", restart),
        ("records of any size and content", content),
        ("an empty batch, an empty poll", nothing),
    ] {
        println!("- {name}");
        test(&mut new());
    }
}

fn batch(records: impl IntoIterator<Item = Vec<u8>>) -> Batch {
    let mut batch = Batch::new();
    records.into_iter().for_each(|r| batch.push(&r));
    batch
}

fn append<S: Sink>(sink: &S, records: impl IntoIterator<Item = Vec<u8>>) {
    let pending = sink.append(batch(records)).unwrap();
    runtime().block_on(pending).unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// `key:number`; the key is what stays in order.
fn record(key: u64, n: u64) -> Vec<u8> {
    format!("k{key}:{n}").into_bytes()
}

/// Reads until `many` records are there, and a little longer to see that there are no more.
fn read(source: &mut dyn Source, many: usize) -> Vec<(i32, u64, Vec<u8>)> {
    let mut got = Vec::new();
    let until = Instant::now() + PATIENCE;
    while got.len() < many && Instant::now() < until {
        source.poll(100, Duration::from_millis(200), &mut |d| got.push((d.partition, d.offset, d.value.to_vec()))).unwrap();
    }
    source.poll(100, Duration::from_millis(300), &mut |d| got.push((d.partition, d.offset, d.value.to_vec()))).unwrap();
    assert_eq!(got.len(), many, "records read");
    got
}

fn order<S: Subject>(subject: &mut S) {
    for round in 0..10u64 {
        append(subject.sink(), (0..100).map(|n| record(n % 7, round * 100 + n)));
    }
    let mut source = subject.source("reader");
    let got = read(&mut *source, 1000);
    let mut places: BTreeMap<i32, u64> = BTreeMap::new();
    let mut by_key: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (partition, offset, value) in &got {
        let last = places.insert(*partition, *offset);
        assert!(last.is_none_or(|l| l < *offset), "offsets of a partition grow");
        let text = String::from_utf8(value.clone()).unwrap();
        let (key, n) = text.split_once(':').unwrap();
        by_key.entry(key.to_owned()).or_default().push(n.parse().unwrap());
    }
    assert_eq!(by_key.len(), 7);
    assert!(by_key.values().all(|list| list.is_sorted()), "records of one key stay in order");
}

fn groups<S: Subject>(subject: &mut S) {
    append(subject.sink(), (0..50).map(|n| record(n, n)));
    for group in ["analyzer", "indexer"] {
        let mut source = subject.source(group);
        assert_eq!(read(&mut *source, 50).len(), 50);
    }
}

fn restart<S: Subject>(subject: &mut S) {
    append(subject.sink(), (0..60).map(|n| record(1, n)));
    let mut source = subject.source("reader");
    let got = read(&mut *source, 60);
    // one key: one partition
    let (partition, offset, _) = got[39].clone();
    source.commit(partition, offset + 1).unwrap();
    drop(source);
    subject.restart();
    append(subject.sink(), (60..70).map(|n| record(1, n)));
    let mut source = subject.source("reader");
    let again: Vec<Vec<u8>> = read(&mut *source, 30).into_iter().map(|g| g.2).collect();
    assert_eq!(again, (40..70).map(|n| record(1, n)).collect::<Vec<_>>());
}

fn content<S: Subject>(subject: &mut S) {
    let odd: Vec<Vec<u8>> = vec![
        b"x".to_vec(),
        vec![0; 10],
        vec![0xff; 1000],
        "Lai Châu – Sìn Hồ".as_bytes().to_vec(),
        vec![b'a'; 700_000],
        b"\n\r\"{".to_vec(),
    ];
    append(subject.sink(), odd.clone());
    let mut source = subject.source("reader");
    let mut got: Vec<Vec<u8>> = read(&mut *source, odd.len()).into_iter().map(|g| g.2).collect();
    let mut expected = odd;
    (got.sort(), expected.sort());
    assert!(got == expected, "every byte comes through");
}

fn nothing<S: Subject>(subject: &mut S) {
    append(subject.sink(), []);
    let mut source = subject.source("reader");
    assert_eq!(source.poll(10, Duration::from_millis(50), &mut |_| panic!("there is nothing")).unwrap(), 0);
}
