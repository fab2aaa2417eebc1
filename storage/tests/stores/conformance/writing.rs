//! Durability: exactly once across crashes, visible when committed, readers beside a writer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use fansipan_model::{Event, Predicate, Value, fields};
use fansipan_storage::{SearchRequest, TimeRange};

use super::{Bench, DAY, NOON, SECOND, event, everything};

/// Writers that die without a commit, again and again: the log is replayed and every event is there once.
pub(crate) fn exactly_once(bench: &dyn Bench) {
    let total = 5_000u64;
    let mut round = 0u64;
    let mut resume = 0;
    while resume < total {
        let (store, mut writer) = bench.open();
        resume = writer.resume_from();
        let stored = store.count(&everything(), &Predicate::True, TimeRange::ALL).unwrap();
        assert!(stored >= resume, "acknowledged {resume}, stored {stored}");
        let stop = (resume + 700 + round * 31).min(total);
        for n in resume..stop {
            let mut e = event(n, NOON + n as i64 * SECOND);
            // two days and two classes, so that a commit spans several indexes
            e.set_ingested(NOON + (n % 2) as i64 * DAY);
            e.push(fields::FANSIPAN_CLASS, Value::Str(if n % 3 == 0 { "long" } else { "default" }));
            writer.add(n, &e).unwrap();
            if (n + round).is_multiple_of(450) {
                writer.commit().unwrap();
            }
        }
        if stop == total {
            writer.commit().unwrap();
            resume = total;
        }
        round += 1;
        // the writer is dropped here with whatever was not committed
    }
    let (store, writer) = bench.open();
    assert_eq!(writer.resume_from(), total);
    assert_eq!(store.count(&everything(), &Predicate::True, TimeRange::ALL).unwrap(), total);
    for n in [0, 1, total / 2, total - 1] {
        assert!(store.get(&everything(), super::id(n)).unwrap().is_some(), "{n}");
    }
}

/// The same log from its start again: nothing is stored twice.
pub(crate) fn replay(bench: &dyn Bench) {
    for _ in 0..3 {
        let (store, mut writer) = bench.open();
        for n in 0..500 {
            writer.add(n, &event(n, NOON)).unwrap();
        }
        writer.commit().unwrap();
        assert_eq!(store.count(&everything(), &Predicate::True, TimeRange::ALL).unwrap(), 500);
    }
}

/// Readers see whole commits only, and never fewer events than before.
pub(crate) fn beside(bench: &dyn Bench) {
    let (store, mut writer) = bench.open();
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, done) = (store.clone(), done.clone());
        std::thread::spawn(move || {
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let now = store.count(&everything(), &Predicate::True, TimeRange::ALL).unwrap();
                assert!(now >= last && now % 200 == 0, "{last} then {now}");
                last = now;
                let page = store.search(&everything(), &super::search(Predicate::True, 50)).unwrap();
                assert!(page.total >= last);
            }
        })
    };
    for n in 0..8_000u64 {
        writer.add(n, &event(n, NOON + n as i64)).unwrap();
        if n % 200 == 199 {
            writer.commit().unwrap();
            assert_eq!(store.count(&everything(), &Predicate::True, TimeRange::ALL).unwrap(), n + 1, "visible when committed");
        }
    }
    done.store(true, Ordering::Relaxed);
    reader.join().unwrap();
}

/// Times, sizes and numbers of fields that nobody means, and an event without anything: all stored, read back and found.
pub(crate) fn extreme(bench: &dyn Bench) {
    let (store, mut writer) = bench.open();
    let mut list = Vec::new();
    for (n, (timestamp, ingested)) in [(i64::MIN, 0), (i64::MAX, i64::MAX), (0, i64::MIN), (-1, -1), (1, NOON)].into_iter().enumerate() {
        let mut e = event(n as u64, timestamp);
        e.set_ingested(ingested);
        list.push(e);
    }
    let mut huge = event(5, NOON);
    huge.push(fields::PROCESS_COMMAND_LINE, Value::Str(&"rất dài ".repeat(100_000)));
    huge.push(fields::FANSIPAN_CLASS, Value::Str(&"Lớp ".repeat(100)));
    huge.push_named("vendor.long", Value::Str(&"x".repeat(70_000)));
    list.push(huge);
    let mut wide = event(6, NOON);
    for n in 0..3_000 {
        wide.push_named(&format!("vendor.field{n}"), Value::Int(n));
        wide.push(fields::TAGS, Value::Str(&format!("tag{n}")));
    }
    list.push(wide);
    list.push(Event::default());
    for (n, e) in list.iter().enumerate() {
        writer.add(n as u64, e).unwrap();
    }
    writer.commit().unwrap();
    drop((store, writer));
    let (store, _writer) = bench.open();
    let page = store.search(&everything(), &super::search(Predicate::True, 100)).unwrap();
    assert_eq!((page.total, page.events.len()), (8, 8));
    for e in &list {
        assert_eq!(store.get(&everything(), e.id()).unwrap().as_ref(), Some(e));
    }
    for (query, want) in [
        ("dài", 1),
        ("vendor.field2999:2999", 1),
        ("tags:tag2999", 1),
        ("tags:tag1", 1),
        ("vendor.long:xxx*", 1),
        ("process.command_line:*dài*", 1),
    ] {
        let filter = fansipan_storage::query::parse_filter(query).unwrap();
        assert_eq!(store.count(&everything(), &filter, TimeRange::ALL).unwrap(), want, "{query}");
    }
    let whole = store
        .search(&everything(), &SearchRequest { range: TimeRange { from: i64::MIN, to: 0 }, ..super::search(Predicate::True, 9) })
        .unwrap();
    assert_eq!(whole.total, 2);
}
