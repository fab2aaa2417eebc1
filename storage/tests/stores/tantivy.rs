//! The Tantivy event store passes the conformance suite, and what only it promises.

use std::sync::Arc;

use fansipan_model::{Predicate, Scope, Value, fields};
use fansipan_storage::{
    EventStore, EventWriter, Hold, RetentionPolicy, SearchRequest, StoreError, TimeRange,
    engine::{EngineConfig, TantivyStore},
};
use proptest::prelude::*;

use crate::conformance::{Bench, DAY, NOON, agree, event, pages, search, writing};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }
}

impl Bench for Folder {
    fn open(&self) -> (Arc<dyn EventStore>, Box<dyn EventWriter>) {
        let mut config = EngineConfig::new(self.0.path());
        config.heap_bytes = 32 << 20;
        let store = TantivyStore::open(config).unwrap();
        let writer = store.writer().unwrap();
        (Arc::new(store), Box::new(writer))
    }
}

/// As many cases as `PROPTEST_CASES` says, or this many.
fn cases(default: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(default), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(60))]
    #[test]
    fn answers_are_those_of_the_definition(events in agree::events(), queries in agree::queries()) {
        agree::check(&Folder::new(), &events, &queries);
    }
}

proptest! {
    #![proptest_config(cases(4))]
    #[test]
    fn answers_about_many_alike(events in agree::events(), queries in agree::queries()) {
        let events: Vec<_> = events.into_iter().take(6).collect();
        agree::check(&Folder::new(), &agree::again(&events, 200), &queries);
    }
}

#[test]
fn picked_questions() {
    agree::picked(&Folder::new());
}

#[test]
fn pages_through_a_hundred_thousand() {
    pages::through(&Folder::new(), 100_000);
}

#[test]
fn exactly_once_across_crashes() {
    writing::exactly_once(&Folder::new());
}

#[test]
fn replay_stores_nothing_twice() {
    writing::replay(&Folder::new());
}

#[test]
fn readers_beside_a_writer() {
    writing::beside(&Folder::new());
}

fn at_root(folder: &Folder) -> std::path::PathBuf {
    folder.0.path().join("v1")
}

fn stored(store: &dyn EventStore) -> u64 {
    store.count(&Scope::All, &Predicate::True, TimeRange::ALL).unwrap()
}

#[test]
fn an_error_holds_back_and_loses_nothing() {
    let folder = Folder::new();
    let (store, mut writer) = folder.open();
    let day = at_root(&folder).join("2026-11-23.default");
    let away = folder.0.path().join("away");
    let mut offset = 0;
    let mut failed = 0;
    for round in 0..6 {
        for n in 0..700 {
            if n == 300 && round % 2 == 1 {
                std::fs::rename(&day, &away).unwrap();
            }
            while writer.add(offset, &event(offset, NOON)).is_err() {
                failed += 1;
                std::fs::rename(&away, &day).unwrap();
            }
            offset += 1;
        }
        while writer.commit().is_err() {
            failed += 1;
            std::fs::rename(&away, &day).unwrap();
        }
        assert_eq!((stored(&*store), writer.pending()), (offset, 0));
    }
    assert!(failed >= 3, "{failed}");
    drop((store, writer));
    let (store, writer) = folder.open();
    assert_eq!((stored(&*store), writer.resume_from()), (offset, offset));
}

#[test]
fn a_new_log_is_not_taken_for_a_replay() {
    let folder = Folder::new();
    for (log, total) in [("a", 100), ("a", 100), ("b", 200)] {
        let store = TantivyStore::open(EngineConfig { log: log.into(), ..EngineConfig::new(folder.0.path()) }).unwrap();
        let mut writer = store.writer().unwrap();
        for n in 0..100 {
            writer.add(n, &event(n, NOON)).unwrap();
        }
        writer.commit().unwrap();
        assert_eq!(stored(&store), total, "{log}");
    }
}

#[test]
fn one_writer_at_a_time() {
    let folder = Folder::new();
    let store = TantivyStore::open(EngineConfig::new(folder.0.path())).unwrap();
    let mut first = store.writer().unwrap();
    assert!(matches!(store.writer(), Err(StoreError::Locked { .. })));
    first.add(0, &event(0, NOON)).unwrap();
    // another process
    let other = TantivyStore::open(EngineConfig::new(folder.0.path())).unwrap();
    assert!(matches!(other.writer().unwrap().add(0, &event(0, NOON)), Err(StoreError::Locked { .. })));
    drop(first);
    assert!(store.writer().is_ok());
}

/// Ten days of the class `default`, and one of `long` as old as the oldest.
fn days(folder: &Folder) -> TantivyStore {
    let store = TantivyStore::open(EngineConfig::new(folder.0.path())).unwrap();
    let mut writer = store.writer().unwrap();
    for n in 0..11u64 {
        let mut e = event(n, NOON - (n % 10) as i64 * DAY);
        e.set_ingested(NOON - (n % 10) as i64 * DAY);
        e.push(fields::FANSIPAN_CLASS, Value::Str(if n == 9 { "long" } else { "default" }));
        if n == 10 {
            e.set_ingested(NOON - 9 * DAY);
        }
        writer.add(n, &e).unwrap();
    }
    writer.commit().unwrap();
    store
}

/// More records than may wait, in indexes none of which has enough for a batch of its own.
#[test]
fn many_indexes_of_few_events_hold_up_nobody() {
    let folder = Folder::new();
    let store = TantivyStore::open(EngineConfig::new(folder.0.path())).unwrap();
    let mut writer = store.writer().unwrap();
    for n in 0..2000u64 {
        let mut e = event(n, NOON - (n % 20) as i64 * DAY);
        e.set_ingested(NOON - (n % 20) as i64 * DAY);
        writer.add(n, &e).unwrap();
    }
    writer.commit().unwrap();
    assert_eq!((stored(&store), store.status().unwrap().indexes.len()), (2000, 20));
}

fn names(dropped: &[fansipan_storage::IndexInfo]) -> Vec<&str> {
    dropped.iter().map(|i| i.name.as_str()).collect()
}

#[test]
fn events_expire_by_age_and_class() {
    let folder = Folder::new();
    let store = days(&folder);
    let day = std::time::Duration::from_secs(86_400);
    let mut policy = RetentionPolicy { default_age: Some(7 * day), max_age: vec![("long".into(), 30 * day)], ..RetentionPolicy::default() };
    policy.holds.push(Hold { class: None, from: NOON - 8 * DAY, to: NOON - 8 * DAY });
    let dropped = store.expire(&policy, NOON).unwrap();
    assert_eq!(names(&dropped), ["2026-11-14.default"], "11-15 is held, 11-16 is not a week old yet");
    assert_eq!(stored(&store), 10);
    assert!(!at_root(&folder).join("2026-11-14.default").exists());
    policy.holds.clear();
    assert_eq!(names(&store.expire(&policy, NOON).unwrap()), ["2026-11-15.default"]);
    assert_eq!(names(&store.expire(&policy, NOON + 31 * DAY).unwrap()).len(), 9, "everything is too old then");
    assert_eq!(stored(&store), 0);
}

#[test]
fn events_expire_by_size_oldest_first_and_never_the_newest_day() {
    let folder = Folder::new();
    let store = days(&folder);
    let status = store.status().unwrap();
    assert_eq!((status.events, status.indexes.len()), (11, 11));
    let one = status.bytes / 11;
    let policy = RetentionPolicy { max_bytes: Some(status.bytes - one * 2), ..RetentionPolicy::default() };
    let dropped = store.expire(&policy, NOON).unwrap();
    assert!((2..=3).contains(&dropped.len()) && dropped.iter().all(|i| i.day <= dropped[0].day + 1), "{dropped:?}");
    let all = RetentionPolicy { max_bytes: Some(0), ..RetentionPolicy::default() };
    store.expire(&all, NOON).unwrap();
    assert_eq!(names(&store.status().unwrap().indexes), ["2026-11-23.default"]);
    let held = Hold { class: Some("default".into()), from: NOON - DAY, to: NOON + DAY };
    assert!(
        store
            .expire(&RetentionPolicy { holds: vec![held], default_age: Some(std::time::Duration::ZERO), ..all }, NOON + 99 * DAY)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn an_index_dropped_while_it_is_written_does_not_stop_the_writer() {
    let folder = Folder::new();
    let store = TantivyStore::open(EngineConfig::new(folder.0.path())).unwrap();
    let mut writer = store.writer().unwrap();
    let old = |n| {
        let mut e = event(n, NOON);
        e.set_ingested(NOON - 50 * DAY);
        e
    };
    for n in 0..10 {
        writer.add(n, &old(n)).unwrap();
    }
    writer.commit().unwrap();
    for n in 10..400 {
        writer.add(n, &if n % 2 == 0 { old(n) } else { event(n, NOON) }).unwrap();
        if n == 200 {
            let week = RetentionPolicy { default_age: Some(std::time::Duration::from_secs(7 * 86_400)), ..RetentionPolicy::default() };
            assert_eq!(store.expire(&week, NOON).unwrap().len(), 1);
        }
    }
    writer.commit().unwrap();
    assert!(stored(&store) >= 195, "what is not too old is there");
}

#[test]
fn a_damaged_index_is_set_aside_and_the_others_go_on() {
    let folder = Folder::new();
    drop(days(&folder));
    let root = at_root(&folder);
    std::fs::write(root.join("2026-11-20.default/meta.json"), "{").unwrap();
    std::fs::remove_file(root.join("2026-11-19.default/layout.json")).unwrap();
    std::fs::create_dir(root.join("2026-11-01.default.dropped")).unwrap();
    std::fs::write(root.join("position.json"), "not json").unwrap();
    let store = TantivyStore::open(EngineConfig::new(folder.0.path())).unwrap();
    let status = store.status().unwrap();
    assert_eq!((status.quarantined.len(), status.indexes.len(), stored(&store)), (2, 9, 9));
    assert!(status.quarantined.iter().all(|q| std::path::Path::new(&q.path).is_dir() && q.reason.contains("FSP-S0")), "{status:?}");
    assert!(!root.join("2026-11-01.default.dropped").exists());
    let mut writer = store.writer().unwrap();
    assert_eq!(writer.resume_from(), 0, "the log is read again: each index knows what it has");
    for n in 0..11u64 {
        let mut e = event(n, NOON - (n % 10) as i64 * DAY);
        e.set_ingested(NOON - (n % 10).min(if n == 10 { 9 } else { 10 }) as i64 * DAY);
        e.push(fields::FANSIPAN_CLASS, Value::Str(if n == 9 { "long" } else { "default" }));
        if n == 10 {
            e.set_ingested(NOON - 9 * DAY);
        }
        writer.add(n, &e).unwrap();
    }
    writer.commit().unwrap();
    assert_eq!(stored(&store), 11, "what was set aside is stored again, the rest is not doubled");
}

#[test]
fn damage_is_found_by_checksum() {
    let folder = Folder::new();
    let store = days(&folder);
    assert_eq!(store.verify().unwrap(), Vec::<String>::new());
    let day = at_root(&folder).join("2026-11-20.default");
    let file = std::fs::read_dir(day).unwrap().flatten().find(|e| e.path().extension().is_some_and(|x| x == "store")).unwrap();
    let mut bytes = std::fs::read(file.path()).unwrap();
    bytes[10] ^= 1;
    std::fs::write(file.path(), bytes).unwrap();
    let wrong = store.verify().unwrap();
    assert!(matches!(wrong.as_slice(), [line] if line.starts_with("2026-11-20.default/") && line.contains("checksum")), "{wrong:?}");
}

#[test]
fn extreme_events_are_stored_and_found() {
    writing::extreme(&Folder::new());
}

#[test]
#[ignore = "long: a million events"]
fn pages_through_a_million() {
    pages::through(&Folder::new(), 1_000_000);
}

#[test]
fn a_query_that_reads_too_much_is_refused() {
    let folder = Folder::new();
    let store = TantivyStore::open(EngineConfig::new(folder.0.path())).unwrap();
    let mut writer = store.writer().unwrap();
    for n in 0..1_000 {
        let mut e = event(n, NOON + n as i64);
        e.push(fields::PROCESS_PID, Value::Int(n as i64));
        writer.add(n, &e).unwrap();
    }
    writer.commit().unwrap();
    store.set_read_limit(500);
    let ask = |query: &str, total| {
        let filter = fansipan_storage::query::parse_filter(query).unwrap();
        store.search(&Scope::All, &SearchRequest { total, ..search(filter, 10) }).map(|page| page.total)
    };
    use fansipan_storage::Total;
    assert!(matches!(ask("process.pid:>=2000", Total::Bounded), Err(StoreError::TooMuch { .. })), "no page can be found cheaply");
    assert!(ask("process.pid:>=900", Total::Skip).unwrap() >= 10, "the newest are found soon");
    assert_eq!(ask("process.pid:>=2000", Total::Exact).unwrap(), 0, "asked for whatever it costs");
    assert_eq!(ask("event", Total::Bounded).unwrap(), 1_000, "the index decides");
    let pid = fansipan_storage::query::parse("* | stats count() by process.pid").unwrap();
    let request = fansipan_storage::query::RunRequest { range: TimeRange::ALL, limit: 1, after: None, total: Total::Skip };
    assert!(matches!(fansipan_storage::query::run(&store, &Scope::All, &pid, &request), Err(StoreError::TooMuch { .. })));
}
