//! The ClickHouse event store passes the conformance suite, and what only it promises.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU32, Ordering},
};

use fansipan_model::{Op, Pattern, Predicate, Scope, Value, fields};
use fansipan_storage::{
    EventStore, EventWriter, TimeRange,
    clickhouse::{ClickHouseConfig, ClickHouseStore},
};
use proptest::prelude::*;

use crate::{
    conformance::{Bench, NOON, agree, event, pages, search, writing},
    engine::ClickHouse,
};

/// One engine for the tests of this process.
static SERVER: LazyLock<Option<ClickHouse>> = LazyLock::new(ClickHouse::start);

/// A database of its own.
struct Database(ClickHouseConfig);

impl Database {
    fn at(url: &str) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let database = format!("fansipan_test_{}_{n}", std::process::id());
        Database(ClickHouseConfig { database, ..ClickHouseConfig::new(url) })
    }

    /// `None`: there is no server to test with.
    fn new() -> Option<Database> {
        SERVER.as_ref().map(|s| Self::at(s.url()))
    }

    fn store(&self) -> ClickHouseStore {
        ClickHouseStore::open(self.0.clone()).unwrap()
    }
}

impl Bench for Database {
    fn open(&self) -> (Arc<dyn EventStore>, Box<dyn EventWriter>) {
        let store = self.store();
        let writer = store.writer("fansipan.events.v1", 3).unwrap();
        (Arc::new(store), Box::new(writer))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(store) = ClickHouseStore::open(self.0.clone()) {
            let _ = store.remove();
        }
    }
}

fn cases(default: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(default), max_shrink_iters: 200, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(6))]
    #[test]
    fn answers_are_those_of_the_definition(events in agree::events(), queries in agree::queries()) {
        if let Some(database) = Database::new() {
            agree::check(&database, &events, &queries);
        }
    }
}

#[test]
fn picked_questions() {
    Database::new().iter().for_each(|d| agree::picked(d));
}

#[test]
fn pages_through_a_hundred_thousand() {
    Database::new().iter().for_each(|d| pages::through(d, 100_000));
}

#[test]
fn exactly_once_across_crashes() {
    Database::new().iter().for_each(|d| writing::exactly_once(d));
}

#[test]
fn replay_stores_nothing_twice() {
    Database::new().iter().for_each(|d| writing::replay(d));
}

#[test]
fn readers_beside_a_writer() {
    Database::new().iter().for_each(|d| writing::beside(d));
}

#[test]
fn extreme_events_are_stored_and_found() {
    Database::new().iter().for_each(|d| writing::extreme(d));
}

#[test]
#[ignore = "long: a million events"]
fn pages_through_a_million() {
    Database::new().iter().for_each(|d| pages::through(d, 1_000_000));
}

#[test]
fn hostile_texts_are_only_texts() {
    let Some(database) = Database::new() else { return };
    let hostile =
        ["' OR 1=1 --", "\\", "\\'", "a\0b", "%", "_", "`x`", "'; DROP DATABASE fansipan; --", "\u{7f}\n\t", "{p:String}", "?", "\\x27"];
    let (store, mut writer) = database.open();
    for (n, text) in (0u64..).zip(hostile) {
        let mut e = event(n, NOON);
        e.push(fields::USER_NAME, Value::Str(text));
        e.push(fields::FILE_PATH, Value::Str(text));
        e.push_named(&format!("vendor.{text}"), Value::Str(text));
        e.push(fields::FANSIPAN_AGENCY, Value::Str(text));
        writer.add(n, &e).unwrap();
    }
    writer.commit().unwrap();
    for (n, text) in (0u64..).zip(hostile) {
        for name in ["user.name", "file.path", &format!("vendor.{text}"), "fansipan.agency"] {
            for cased in [true, false] {
                let filter = Predicate::test(
                    fansipan_model::FieldId::intern(name).unwrap(),
                    Op::Like(Pattern::new([fansipan_model::Part::Literal(text.into())], cased)),
                );
                let page = store.search(&Scope::All, &search(filter, 10)).unwrap();
                assert_eq!(page.events.iter().map(|e| e.id()).collect::<Vec<_>>(), [crate::conformance::id(n)], "{name} {text:?}");
            }
        }
        let mine = Scope::Agencies(vec![fansipan_model::Agency::new(text)]);
        assert_eq!(store.count(&mine, &Predicate::True, TimeRange::ALL).unwrap(), 1, "{text:?}");
    }
}

/// Events of the chaos test.
const CHAOS: u64 = 24_000;

/// Two days and two classes, so that a block spans four partitions of the table.
fn chaos_event(n: u64) -> fansipan_model::Event {
    let mut e = event(n, NOON + n as i64);
    e.set_ingested(NOON + (n % 2) as i64 * crate::conformance::DAY);
    e.push(fields::FANSIPAN_CLASS, Value::Str(if n.is_multiple_of(3) { "long" } else { "default" }));
    e
}

/// Not a test by itself: the process that [`kill_9_loses_and_doubles_nothing`] kills.
#[test]
fn writer_that_is_killed() {
    let (Ok(url), Ok(database)) = (std::env::var("FANSIPAN_CHAOS_URL"), std::env::var("FANSIPAN_CHAOS_DATABASE")) else { return };
    let store = ClickHouseStore::open(ClickHouseConfig { database, block_rows: 1_500, ..ClickHouseConfig::new(url) }).unwrap();
    let mut writer = store.writer("fansipan.events.v1", 0).unwrap();
    for n in writer.resume_from()..CHAOS {
        // an engine that is away is waited for: the same call is made again
        while writer.add(n, &chaos_event(n)).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        if n % 2_000 == 1_999 || n + 1 == CHAOS {
            while writer.commit().is_err() {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
    }
}

/// Writer and engine are killed at random points, again and again.
#[test]
fn kill_9_loses_and_doubles_nothing() {
    let Some(mut server) = ClickHouse::start() else { return };
    let database = Database::at(server.url());
    drop(database.store());
    // SplitMix64 with a fixed seed
    let mut state = 20_261_123u64;
    let mut random = move |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ (z >> 31)) % below
    };
    let writer = |database: &Database| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "clickhouse::writer_that_is_killed", "--nocapture"])
            .env("FANSIPAN_CHAOS_URL", server_url(database))
            .env("FANSIPAN_CHAOS_DATABASE", &database.0.database)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let (mut writers, mut engines) = (0, 0);
    for round in 0..8 {
        let mut child = writer(&database);
        std::thread::sleep(std::time::Duration::from_millis(150 + random(900)));
        if server.is_ours() && round % 2 == 1 {
            server.kill();
            engines += 1;
            std::thread::sleep(std::time::Duration::from_millis(random(200)));
            assert!(server.restart(), "the engine starts again");
            std::thread::sleep(std::time::Duration::from_millis(random(900)));
        }
        let _ = child.kill();
        let _ = child.wait();
        writers += 1;
    }
    if !server.is_ours() {
        println!("skipped: kill -9 of the server, which is not ours");
    }
    assert!(writer(&database).wait().unwrap().success());
    let store = database.store();
    let mut seen = std::collections::HashSet::new();
    let scanned = store
        .scan(&Scope::All, &Predicate::True, TimeRange::ALL, &mut |e| {
            assert!(seen.insert(e.id()), "{} is there twice", e.id());
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((scanned.matched, seen.len() as u64), (CHAOS, CHAOS));
    assert_eq!(store.writer("fansipan.events.v1", 0).unwrap().resume_from(), CHAOS);
    println!("killed the writer {writers} times and the engine {engines} times: {CHAOS} events, each once");
}

fn server_url(database: &Database) -> &str {
    &database.0.url
}

#[test]
fn a_server_that_is_away_costs_nothing_but_time() {
    let Some(mut server) = ClickHouse::start() else { return };
    if !server.is_ours() {
        println!("skipped: only an engine of ours can be stopped");
        return;
    }
    let database = Database::at(server.url());
    let store = ClickHouseStore::open(ClickHouseConfig { block_rows: 100, ..database.0.clone() }).unwrap();
    let mut writer = store.writer("t", 0).unwrap();
    server.kill();
    let (mut offset, mut refused) = (0, 0);
    while offset < 1_000 && refused < 3 {
        match writer.add(offset, &event(offset, NOON)) {
            Ok(()) => offset += 1,
            Err(error) => {
                assert_eq!(error.code(), "FSP-S12", "{error}");
                refused += 1;
            }
        }
    }
    assert_eq!((offset, refused), (100, 3), "a full block is held, no more is taken");
    assert!(writer.commit().is_err());
    assert_eq!((writer.pending(), writer.resume_from()), (100, 0));
    assert!(store.search(&Scope::All, &search(Predicate::True, 1)).is_err());
    assert!(server.restart());
    for n in offset..1_000 {
        writer.add(n, &event(n, NOON)).unwrap();
    }
    writer.commit().unwrap();
    assert_eq!((writer.pending(), writer.resume_from()), (0, 1_000));
    assert_eq!(store.count(&Scope::All, &Predicate::True, TimeRange::ALL).unwrap(), 1_000);
}

/// What no single engine can show is said, so that nobody takes it for tested.
#[test]
fn what_needs_a_cluster() {
    println!("skipped: replication, shards and ON CLUSTER need a cluster; their statements are tested as text in clickhouse/migrate.rs");
}

#[test]
fn partitions_are_writers_of_their_own() {
    let Some(database) = Database::new() else { return };
    let store = database.store();
    for part in 0..3 {
        let mut writer = store.writer("t", part).unwrap();
        for n in 0..50u64 {
            writer.add(n, &event(u64::from(part as u32) * 1_000 + n, NOON)).unwrap();
        }
        writer.commit().unwrap();
    }
    assert_eq!(store.count(&Scope::All, &Predicate::True, TimeRange::ALL).unwrap(), 150);
    for part in 0..4 {
        assert_eq!(store.writer("t", part).unwrap().resume_from(), if part < 3 { 50 } else { 0 }, "{part}");
    }
    assert_eq!(store.writer("other", 0).unwrap().resume_from(), 0);
}

#[test]
fn an_older_schema_is_brought_up_to_date_with_what_is_in_it() {
    let Some(database) = Database::new() else { return };
    let fill = |from: u64| {
        let mut writer = database.store().writer("t", 0).unwrap();
        assert_eq!(writer.resume_from(), from);
        (from..from + 100).for_each(|n| writer.add(n, &event(n, NOON)).unwrap());
        writer.commit().unwrap();
    };
    fill(0);
    let name = &database.0.database;
    let client = clickhouse::Client::default().with_url(&database.0.url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = |sql: String| runtime.block_on(client.query(&sql).execute()).unwrap();
    let ask = |sql: String| runtime.block_on(client.query(&sql).fetch_one::<String>()).unwrap();
    let codec =
        || ask(format!("SELECT compression_codec FROM system.columns WHERE database = '{name}' AND table = 'events' AND name = 'longs'"));
    let version = || ask(format!("SELECT toString(max(version)) FROM {name}.schema_versions"));
    let newest = (codec(), version());
    // as the first version left it
    run(format!("ALTER TABLE {name}.events MODIFY COLUMN longs Map(LowCardinality(String), Int64) CODEC(ZSTD(3))"));
    run(format!("TRUNCATE TABLE {name}.schema_versions"));
    run(format!("INSERT INTO {name}.schema_versions (version) VALUES (1)"));
    assert_ne!((codec(), version()), newest);
    fill(100);
    assert_eq!((codec(), version()), newest);
    assert_eq!(database.store().count(&Scope::All, &Predicate::True, TimeRange::ALL).unwrap(), 200);
    run(format!("INSERT INTO {name}.schema_versions (version) VALUES (99)"));
    let refused = ClickHouseStore::open(database.0.clone()).err().expect("a newer program's database is not touched");
    assert!(refused.to_string().contains("version 99"), "{refused}");
    // so that it can be opened once more, to be removed
    run(format!("TRUNCATE TABLE {name}.schema_versions"));
}

#[test]
fn one_address_is_looked_up_wherever_it_stands_and_not_read_through_all() {
    const EVENTS: u32 = 40_000;
    let Some(database) = Database::new() else { return };
    let (store, mut writer) = (database.store(), database.store().writer("t", 0).unwrap());
    for n in 0..EVENTS {
        let mut e = event(n.into(), NOON);
        let field = if n % 2 == 0 { "source.ip" } else { "source.nat.ip" };
        e.push_named(field, Value::Ip(std::net::Ipv4Addr::from((10 << 24) + n).into()));
        writer.add(n.into(), &e).unwrap();
    }
    writer.commit().unwrap();
    let client = clickhouse::Client::default().with_url(&database.0.url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (asked, known) in [("10.0.0.4", true), ("10.0.0.7", true), ("192.0.2.1", false), ("source.ip:10.0.0.4", true)] {
        let filter = fansipan_storage::query::parse(asked).unwrap().filter;
        assert_eq!(store.count(&Scope::All, &filter, TimeRange::ALL).unwrap(), u64::from(known), "{asked}");
        let condition = &store.explain(&Scope::All, &filter, TimeRange::ALL).unwrap()[0].lowered;
        let plan = format!("EXPLAIN indexes = 1 SELECT count() FROM {}.events WHERE {condition}", database.0.database);
        let plan: Vec<String> = runtime.block_on(client.query(&plan).fetch_all()).unwrap();
        // of the last index asked: granules read, of all
        let granules = plan.iter().rev().find_map(|line| line.trim().strip_prefix("Granules: ")).expect("an index was asked");
        let (read, all) = granules.split_once('/').unwrap();
        let (read, all): (u32, u32) = (read.parse().unwrap(), all.parse().unwrap());
        assert!(all >= EVENTS / 8192 && read <= 2, "{asked}: {granules} granules of 8,192 events are read");
    }
}

#[test]
fn an_agency_is_forgotten_whole() {
    let Some(database) = Database::new() else { return };
    let (store, mut writer) = (database.store(), database.store().writer("t", 0).unwrap());
    for n in 0..300u64 {
        let mut e = event(n, NOON);
        e.set_ingested(NOON + (n % 3) as i64 * crate::conformance::DAY);
        e.push(fields::FANSIPAN_AGENCY, Value::Str(if n % 4 == 0 { "so-y-te" } else { "ubnd" }));
        writer.add(n, &e).unwrap();
    }
    writer.commit().unwrap();
    assert_eq!(store.forget(&fansipan_model::Agency::new("so-y-te")).unwrap(), 75);
    assert_eq!(store.count(&Scope::All, &Predicate::True, TimeRange::ALL).unwrap(), 225);
    let theirs = Scope::Agencies(vec![fansipan_model::Agency::new("so-y-te")]);
    assert_eq!(store.count(&theirs, &Predicate::True, TimeRange::ALL).unwrap(), 0);
}

#[test]
fn events_expire_by_age_and_class_and_holds_keep_them() {
    let Some(database) = Database::new() else { return };
    let store = database.store();
    let mut writer = store.writer("t", 0).unwrap();
    let day = crate::conformance::DAY;
    for n in 0..10u64 {
        let mut e = event(n, NOON - n as i64 * day);
        e.set_ingested(NOON - n as i64 * day);
        e.push(fields::FANSIPAN_CLASS, Value::Str(if n == 9 { "long" } else { "default" }));
        writer.add(n, &e).unwrap();
    }
    writer.commit().unwrap();
    let status = store.status().unwrap();
    assert_eq!((status.events, status.indexes.len()), (10, 10));
    assert!(status.bytes > 0 && status.indexes.iter().all(|i| i.bytes > 0 && i.events == 1 && i.segments == 1), "{status:?}");
    let week = std::time::Duration::from_secs(7 * 86_400);
    let hold = fansipan_storage::Hold { class: None, from: NOON - 8 * day, to: NOON - 8 * day };
    let mut policy = fansipan_storage::RetentionPolicy { default_age: Some(week), ..Default::default() };
    policy.max_age.push(("long".into(), 4 * week));
    policy.holds.push(hold);
    assert!(store.expire(&policy, NOON).unwrap().is_empty(), "the 15th is held, the 14th is `long`");
    policy.holds.clear();
    let dropped = store.expire(&policy, NOON).unwrap();
    assert_eq!(dropped.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["2026-11-15.default"]);
    assert_eq!(store.status().unwrap().events, 9);
    assert_eq!(store.verify().unwrap(), Vec::<String>::new());
}
