//! Apache Kafka in the suite, and what only Kafka can do: brokers that go away, partitions that move, transactions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use fansipan_bus::{
    Batch, BusConfig, EmbeddedBus, Sink as _, Source,
    kafka::{Encode, Entry, Names, Reader, Settings, Spool, Tail, Topics, Writer, lag::Lags, reader::Committed, table},
};

use crate::{
    broker::Broker,
    suite::{self, Subject},
};

static RUN: AtomicU64 = AtomicU64::new(0);

fn settings(broker: &Broker) -> Settings {
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    Settings {
        brokers: vec![broker.address.clone()],
        name: "test".into(),
        prefix: format!("t{}-{run}.", std::process::id()),
        partitions: 3,
        replication: 1,
        ..Settings::default()
    }
}

fn create(settings: &Settings) {
    let topics = Topics::new(settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(topics.create()).unwrap().len(), 8);
    assert_eq!(runtime.block_on(topics.create()).unwrap().len(), 0, "what is there is left alone");
    let findings = runtime.block_on(topics.check()).unwrap();
    assert!(findings.iter().all(|f| f.ok), "{findings:?}");
}

fn encode() -> Encode {
    Box::new(|record, entry: &mut Entry| {
        if record == b"refuse me" {
            return Err("refused".into());
        }
        let end = record.iter().position(|b| *b == b':').unwrap_or(0);
        entry.key.extend_from_slice(&record[..end]);
        entry.value.extend_from_slice(record);
        Ok(())
    })
}

struct Kafka {
    settings: Settings,
    dir: tempfile::TempDir,
    spool: Option<Spool>,
}

impl Kafka {
    fn new(broker: &Broker) -> Self {
        let settings = settings(broker);
        create(&settings);
        Self { settings, dir: tempfile::tempdir().unwrap(), spool: None }
    }

    fn open(&self) -> Spool {
        let mut config = BusConfig::new(self.dir.path());
        (config.segment_bytes, config.max_bytes, config.min_free_bytes) = (4 << 20, 64 << 20, 0);
        let bus = EmbeddedBus::open(config).unwrap().0;
        Spool::start(bus, "log-1", &self.settings, encode()).unwrap()
    }
}

impl Subject for Kafka {
    type Sink = Spool;

    fn sink(&mut self) -> &Spool {
        if self.spool.is_none() {
            self.spool = Some(self.open());
        }
        self.spool.as_ref().unwrap()
    }

    fn source(&mut self, group: &str) -> Box<dyn Source> {
        let names = Names::new(&self.settings);
        Box::new(Reader::join(&self.settings, group, &names.events, Arc::new(Committed)).unwrap())
    }

    fn restart(&mut self) {
        if let Some(spool) = self.spool.take() {
            spool.close();
        }
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.restart();
    }
}

fn append(spool: &Spool, range: std::ops::Range<u64>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for start in range.clone().step_by(100) {
        let mut batch = Batch::new();
        (start..(start + 100).min(range.end)).for_each(|n| batch.push(format!("k{}:{n}", n % 5).as_bytes()));
        runtime.block_on(spool.append(batch).unwrap()).unwrap();
    }
}

/// Numbers in the events topic, sorted.
fn numbers(settings: &Settings, group: &str, many: usize) -> Vec<u64> {
    let mut reader = Reader::join(settings, group, &Names::new(settings).events, Arc::new(Committed)).unwrap();
    let mut got = Vec::new();
    let until = Instant::now() + Duration::from_secs(60);
    let mut quiet = 0;
    while quiet < 3 && Instant::now() < until {
        let n = reader
            .poll(1000, Duration::from_millis(300), &mut |d| {
                let text = String::from_utf8(d.value.to_vec()).unwrap();
                got.push(text.split_once(':').unwrap().1.parse().unwrap());
            })
            .unwrap();
        quiet = if n == 0 && got.len() >= many { quiet + 1 } else { 0 };
    }
    got.sort_unstable();
    got
}

#[test]
fn kafka() {
    let Some(broker) = Broker::start() else { return };
    suite::all(&mut || Kafka::new(&broker));
    println!("- the rest of the spool goes after a restart, nothing twice");
    restarted(&broker);
    println!("- what cannot be encoded is a dead letter");
    dead(&broker);
    println!("- a table holds the latest committed values");
    tables(&broker);
    println!("- a tail is told what is committed from now on");
    tail(&broker);
    println!("- a second writer of a name ends the first");
    fenced(&broker);
    println!("- two readers share partitions, and the lag is known");
    shared(&broker);
    println!("- markers of transactions are no lag");
    markers(&broker);
    if broker.signal("CONT") {
        println!("- while the broker is away senders are acknowledged from the spool");
        away(&broker);
    } else {
        println!("skipped: the broker of KAFKA_BROKERS is not ours to kill");
    }
}

fn restarted(broker: &Broker) {
    let mut subject = Kafka::new(broker);
    append(subject.sink(), 0..500);
    // the position beside the spool is lost with the disk cache; Kafka's is not
    for round in 1..4u64 {
        subject.restart();
        for entry in std::fs::read_dir(subject.dir.path().join("consumers")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        append(subject.sink(), round * 500..(round + 1) * 500);
    }
    assert_eq!(numbers(&subject.settings, "check", 2000), (0..2000).collect::<Vec<_>>());
}

fn dead(broker: &Broker) {
    let mut subject = Kafka::new(broker);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut batch = Batch::new();
    [&b"k1:1"[..], b"refuse me", b"k1:2"].into_iter().for_each(|r| batch.push(r));
    runtime.block_on(subject.sink().append(batch).unwrap()).unwrap();
    assert_eq!(numbers(&subject.settings, "check", 2), [1, 2]);
    let mut reader = Reader::join(&subject.settings, "dead", &Names::new(&subject.settings).dead, Arc::new(Committed)).unwrap();
    let mut letters = Vec::new();
    let until = Instant::now() + Duration::from_secs(30);
    while letters.is_empty() && Instant::now() < until {
        reader.poll(10, Duration::from_millis(200), &mut |d| letters.push(d.value.to_vec())).unwrap();
    }
    assert_eq!(letters, [b"refuse me".to_vec()]);
}

fn tables(broker: &Broker) {
    let settings = settings(broker);
    create(&settings);
    let state = Names::new(&settings).state;
    let writer = Writer::open(&settings, "t").unwrap();
    for (n, commit) in [(1, true), (2, true), (3, false)] {
        writer.begin().unwrap();
        writer.send(&state, Some(1), b"a/1", Some(format!("v{n}").as_bytes())).unwrap();
        writer.send(&state, Some(1), b"a/2", if n == 2 { None } else { Some(b"x") }).unwrap();
        writer.send(&state, Some(1), b"b/1", Some(b"other")).unwrap();
        if commit { writer.commit().unwrap() } else { writer.abort().unwrap() }
    }
    let table = table::read(&settings, &state, 1, b"a/").unwrap();
    assert_eq!(table.into_iter().collect::<Vec<_>>(), [(b"a/1".to_vec(), b"v2".to_vec())]);
    assert!(table::read(&settings, &state, 0, b"").unwrap().is_empty());
}

fn tail(broker: &Broker) {
    let settings = settings(broker);
    create(&settings);
    let packets = Names::new(&settings).packets;
    let writer = Writer::open(&settings, "t").unwrap();
    let send = |value: &[u8], commit: bool| {
        writer.begin().unwrap();
        writer.send(&packets, Some(0), b"ask", Some(value)).unwrap();
        if commit { writer.commit().unwrap() } else { writer.abort().unwrap() }
    };
    send(b"before", true);
    let tail = Tail::open(&settings, &packets, 0).unwrap();
    send(b"taken back", false);
    send(&[7; 512 << 10], true);
    send(b"after", true);
    let mut got = Vec::new();
    let until = Instant::now() + Duration::from_secs(30);
    while got.len() < 2 && Instant::now() < until {
        tail.follow(Duration::from_millis(200), &mut |key, value| got.push((key.to_vec(), value.to_vec()))).unwrap();
    }
    assert_eq!(got, [(b"ask".to_vec(), vec![7; 512 << 10]), (b"ask".to_vec(), b"after".to_vec())]);
}

fn fenced(broker: &Broker) {
    let settings = settings(broker);
    create(&settings);
    let names = Names::new(&settings);
    let first = Writer::open(&settings, "same").unwrap();
    first.begin().unwrap();
    first.send(&names.events, None, b"k", Some(b"k:1")).unwrap();
    let second = Writer::open(&settings, "same").unwrap();
    let error = first.commit().unwrap_err().to_string();
    assert!(error.contains("FSP-KFK-004"), "{error}");
    second.begin().unwrap();
    second.send(&names.events, None, b"k", Some(b"k:2")).unwrap();
    second.commit().unwrap();
    assert_eq!(numbers(&settings, "check", 1), [2], "what the first had not ended is taken back");
}

fn shared(broker: &Broker) {
    let mut subject = Kafka::new(broker);
    append(subject.sink(), 0..300);
    let names = Names::new(&subject.settings);
    let join = |name: &str| {
        let settings = Settings { name: name.into(), ..subject.settings.clone() };
        Reader::join(&settings, "pair", &names.events, Arc::new(Committed)).unwrap()
    };
    let (mut one, mut two) = (join("one"), join("two"));
    let mut seen = Vec::new();
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        for reader in [&mut one, &mut two] {
            let mut next = std::collections::BTreeMap::new();
            reader
                .poll(1000, Duration::from_millis(50), &mut |d| {
                    next.insert(d.partition, d.offset + 1);
                    seen.push(d.value.to_vec());
                })
                .unwrap();
            next.into_iter().for_each(|(p, n)| reader.commit(p, n).unwrap());
        }
        let balanced = !one.partitions().is_empty() && !two.partitions().is_empty();
        if (balanced && seen.len() >= 300) || Instant::now() > until {
            break;
        }
    }
    let mut held = [one.partitions(), two.partitions()].concat();
    held.sort_unstable();
    assert_eq!(held, [0, 1, 2], "each partition has one reader");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 300);
    let mut lags = Lags::new(&subject.settings);
    assert_eq!(lags.of("pair", &names.events).unwrap().iter().map(|l| l.records()).sum::<u64>(), 0);
    let behind: u64 = lags.of("nobody", &names.events).unwrap().iter().map(|l| l.records()).sum();
    assert!(behind >= 290, "a group that read nothing is behind by everything: {behind}");
}

/// Two writers whose transactions run side by side leave two markers at the end: nobody is behind by them.
fn markers(broker: &Broker) {
    let settings = settings(broker);
    create(&settings);
    let topic = Names::new(&settings).events;
    let writers = ["first", "second"].map(|name| Writer::open(&settings, name).unwrap());
    for writer in &writers {
        writer.begin().unwrap();
        writer.send(&topic, Some(0), b"k", Some(b"record")).unwrap();
    }
    writers.iter().for_each(|writer| writer.commit().unwrap());
    let mut lags = Lags::new(&settings);
    let mut records = |group: &str| lags.of(group, &topic).unwrap().first().unwrap().records();
    let mut reader = Reader::join(&settings, "both", &topic, Arc::new(Committed)).unwrap();
    let mut read = 0;
    let until = Instant::now() + Duration::from_secs(30);
    while read < 2 && Instant::now() < until {
        read += Source::poll(&mut reader, 10, Duration::from_millis(200), &mut |_| ()).unwrap();
    }
    assert_eq!((read, records("both")), (2, 3), "nothing is committed yet; four positions, the last a marker");
    reader.commit(0, 1).unwrap();
    assert_eq!(records("both"), 2);
    reader.commit(0, 2).unwrap();
    for _ in 0..2 {
        assert_eq!(records("both"), 0);
    }
    writers[0].begin().unwrap();
    writers[0].send(&topic, Some(0), b"k", Some(b"record")).unwrap();
    writers[0].commit().unwrap();
    assert!(records("both") > 0, "a record behind markers");
}

fn away(broker: &Broker) {
    let mut subject = Kafka::new(broker);
    subject.settings.spool_after_seconds = 1;
    append(subject.sink(), 0..200);
    assert!(broker.signal("KILL"));
    append(subject.sink(), 200..400);
    let status = subject.sink().status();
    assert!(status.waiting >= 200, "{status:?}");
    broker.again();
    let until = Instant::now() + Duration::from_secs(90);
    while subject.sink().status().waiting > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(subject.sink().status().waiting, 0, "the spool is emptied when the broker is back");
    assert_eq!(numbers(&subject.settings, "check", 400), (0..400).collect::<Vec<_>>());
}
