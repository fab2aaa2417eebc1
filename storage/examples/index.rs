//! Indexing speed and size on synthetic firewall lines: `cargo run --release -p fansipan-storage --example index -- [EVENTS] [COMMIT_EVERY]`.
//!
//! Prints events per second (wall clock and CPU, merges included), bytes on disk per event by kind of file, and the time of
//! a few searches. The lines are made up, from a fixed seed: FortiGate traffic of about 300 bytes.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example for the command line")]

use std::time::Instant;

use fansipan_model::{Event, EventBuilder, Predicate, Scope, Value, fields};
use fansipan_storage::{
    AggregateRequest, EventStore, EventWriter, GroupBy, Measure, MeasureKind, SearchRequest, TimeRange, Total,
    engine::{EngineConfig, TantivyStore},
};
use mimalloc as _;

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

const START: i64 = 1_795_428_000_000_000_000;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// A line and what a collector makes of it. 40,000 events a second of event time.
fn make(n: u64, r: &mut Random, old: Event) -> Event {
    let service = [("HTTPS", 443, 6), ("DNS", 53, 17), ("HTTP", 80, 6), ("SSH", 22, 6), ("SMB", 445, 6)];
    let (service, port, proto) = service[(r.below(12).min(9) % 5) as usize];
    let t = START + n as i64 * 25_000;
    let second = t / 1_000_000_000;
    let (h, m, s) = (second / 3600 % 24, second / 60 % 60, second % 60);
    let source = format!("10.{}.{}.{}", r.below(21), r.below(40), r.below(250));
    let destination = if r.below(3) == 0 {
        format!("10.0.{}.{}", r.below(4), r.below(100))
    } else {
        format!("{}.{}.{}.{}", 20 + r.below(180), r.below(256), r.below(64), r.below(16))
    };
    let (sport, sent, received) = (1024 + r.below(60_000), 60 + r.below(40_000), 60 + r.below(200_000));
    let (policy, device, action) = (r.below(40), r.below(12), if r.below(10) == 0 { "deny" } else { "accept" });
    let line = format!(
        "<189>date=2026-11-23 time={h:02}:{m:02}:{s:02} devname=\"FGT-{device:02}\" devid=\"FG100FTK2000{device:04}\" logid=\"0000000013\" \
         type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" srcip={source} srcport={sport} srcintf=\"lan\" dstip={destination} \
         dstport={port} dstintf=\"wan1\" policyid={policy} proto={proto} action=\"{action}\" service=\"{service}\" sentbyte={sent} rcvdbyte={received}"
    );
    let mut b = EventBuilder::reuse(old, &line);
    let part = |key: &str| {
        let from = line.find(key).map(|i| i + key.len()).unwrap_or(0);
        let rest = &line[from..];
        let rest = rest.strip_prefix('"').unwrap_or(rest);
        &rest[..rest.find(['"', ' ']).unwrap_or(rest.len())]
    };
    b.str(fields::MESSAGE, &line[5..]);
    for (field, text) in [
        (fields::FANSIPAN_SOURCE, "udp:10.0.0.1"),
        (fields::FANSIPAN_AGENCY, "default"),
        (fields::FANSIPAN_CLASS, "default"),
        (fields::FANSIPAN_PARSER, "fortigate"),
        (fields::FANSIPAN_TRANSPORT, "udp"),
        (fields::FANSIPAN_PEER_IP, "10.0.0.1"),
        (fields::EVENT_KIND, "event"),
        (fields::EVENT_CATEGORY, "network"),
        (fields::EVENT_TYPE, "connection"),
        (fields::EVENT_OUTCOME, "success"),
        (fields::EVENT_DATASET, "fortinet.firewall"),
        (fields::EVENT_MODULE, "fortinet"),
        (fields::OBSERVER_VENDOR, "Fortinet"),
        (fields::OBSERVER_PRODUCT, "FortiGate"),
        (fields::NETWORK_TRANSPORT, if proto == 6 { "tcp" } else { "udp" }),
    ] {
        b.str(field, text);
    }
    for (field, key) in [
        (fields::OBSERVER_NAME, "devname="),
        (fields::OBSERVER_SERIAL_NUMBER, "devid="),
        (fields::EVENT_CODE, "logid="),
        (fields::LOG_LEVEL, " level="),
        (fields::SOURCE_IP, "srcip="),
        (fields::DESTINATION_IP, "dstip="),
        (fields::OBSERVER_INGRESS_INTERFACE_NAME, "srcintf="),
        (fields::OBSERVER_EGRESS_INTERFACE_NAME, "dstintf="),
        (fields::RULE_ID, "policyid="),
        (fields::EVENT_ACTION, " action="),
        (fields::NETWORK_PROTOCOL, "service="),
        (fields::NETWORK_IANA_NUMBER, "proto="),
    ] {
        b.str(field, part(key));
    }
    for (field, v) in [
        (fields::SOURCE_PORT, sport),
        (fields::DESTINATION_PORT, port),
        (fields::SOURCE_BYTES, sent),
        (fields::DESTINATION_BYTES, received),
    ] {
        b.push(field, Value::Int(v as i64));
    }
    b.str_named("fortinet.firewall.type", part(" type="));
    b.str_named("fortinet.firewall.subtype", part("subtype="));
    b.str_named("fortinet.firewall.vd", part(" vd="));
    let mut e = b.finish();
    e.set_timestamp(second * 1_000_000_000);
    e.set_ingested(t + 40_000_000);
    let ms = (t / 1_000_000) as u64;
    e.set_id(uuid::Uuid::from_u64_pair(ms << 16 | 0x7000 | r.below(4096), 1 << 63 | r.below(1 << 62)));
    e
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    (after[11].parse::<f64>().unwrap() + after[12].parse::<f64>().unwrap()) / 100.0
}

fn sizes(dir: &std::path::Path, out: &mut std::collections::BTreeMap<String, u64>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            sizes(&entry.path(), out);
        } else {
            let kind = entry.path().extension().map_or("other".into(), |e| e.to_string_lossy().into_owned());
            *out.entry(kind).or_default() += entry.metadata().unwrap().len();
        }
    }
}

fn main() {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<u64>().unwrap());
    let events = args.next().unwrap_or(1_000_000);
    let commit_every = args.next().unwrap_or(80_000);
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let mut r = Random(0x5eed_cafe);
    let mut event = Event::default();

    let before = cpu_seconds();
    let mut bytes = 0;
    for n in 0..events {
        event = make(n, &mut r, event);
        bytes += event.original().unwrap().len();
    }
    let making = cpu_seconds() - before;
    println!("{events} lines of {} bytes; making them takes {:.2} µs each", bytes as u64 / events, making * 1e6 / events as f64);

    let store = TantivyStore::open(EngineConfig::new(dir.path())).unwrap();
    let mut writer = store.writer().unwrap();
    let (wall, before) = (Instant::now(), cpu_seconds());
    let mut commits = 0.0;
    for n in 0..events {
        event = make(n, &mut r, event);
        writer.add(n, &event).unwrap();
        if (n + 1) % commit_every == 0 {
            let t = Instant::now();
            writer.commit().unwrap();
            commits += t.elapsed().as_secs_f64();
        }
    }
    writer.commit().unwrap();
    let segments = || store.status().unwrap().indexes.iter().map(|i| i.segments).sum::<usize>();
    // merges go on for a while, and their results appear with a commit
    let wall = wall.elapsed().as_secs_f64();
    let mut idle = 0;
    while idle < 4 {
        let before = cpu_seconds();
        std::thread::sleep(std::time::Duration::from_millis(500));
        idle = if cpu_seconds() - before < 0.05 { idle + 1 } else { 0 };
    }
    let cpu = cpu_seconds() - before - making;
    println!(
        "{:.0} events/s wall, {:.0} events/s CPU ({:.2} µs each, merges included), {commits:.2} s in commits",
        events as f64 / wall,
        events as f64 / cpu,
        cpu * 1e6 / events as f64
    );
    drop(writer);

    let mut by_kind = std::collections::BTreeMap::new();
    sizes(dir.path(), &mut by_kind);
    let all: u64 = by_kind.values().sum();
    println!(
        "{:.1} bytes/event on disk: {}",
        all as f64 / events as f64,
        by_kind.iter().map(|(k, v)| format!("{k} {:.1}", *v as f64 / events as f64)).collect::<Vec<_>>().join(", ")
    );
    println!("{} segments", segments());

    let like = |f, p: &str| Predicate::test(f, fansipan_model::Op::Like(fansipan_model::Pattern::parse(p, false)));
    for (name, filter) in [
        ("*", Predicate::True),
        ("source.ip:10.3.7.77", like(fields::SOURCE_IP, "10.3.7.77")),
        ("source.ip:10.3.0.0/16", Predicate::test(fields::SOURCE_IP, fansipan_model::Op::Cidr("10.3.0.0/16".parse().unwrap()))),
        ("event.action:deny", like(fields::EVENT_ACTION, "deny")),
        ("observer.name:FGT-0*", like(fields::OBSERVER_NAME, "fgt-0*")),
        (
            "deny (word)",
            Predicate::Test(fansipan_model::Test { target: fansipan_model::Target::Any, op: fansipan_model::Op::Word("deny".into()) }),
        ),
        ("observer.serial_number:*0007", like(fields::OBSERVER_SERIAL_NUMBER, "*0007")),
    ] {
        let t = Instant::now();
        let request = SearchRequest { filter: filter.clone(), range: TimeRange::ALL, limit: 50, after: None, total: Total::Bounded };
        let page = store.search(&Scope::All, &request).unwrap();
        let found = t.elapsed();
        let t = Instant::now();
        let measures = vec![Measure { name: "count".into(), kind: MeasureKind::Count }];
        let request =
            AggregateRequest { filter, range: TimeRange::ALL, by: vec![GroupBy::Field(fields::SOURCE_IP)], measures, max_groups: 200_000 };
        let table = store.aggregate(&Scope::All, &request).unwrap();
        println!(
            "{name}: page of {} out of {}{} in {found:.1?}; {} groups by source.ip in {:.1?}",
            page.events.len(),
            page.total,
            if page.total_exact { "" } else { " or more" },
            table.rows.len(),
            t.elapsed()
        );
    }
}
