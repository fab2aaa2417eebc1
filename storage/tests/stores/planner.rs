//! Which of two stores answers: the recent one only where it surely holds every event that could be asked for.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use fansipan_model::{Event, Predicate, Scope};
use fansipan_storage::{
    EventStore, EventWriter, StoreError, TimeRange,
    engine::{EngineConfig, TantivyStore},
    planner::PlannedStore,
    reached::Reached,
};

use crate::conformance::{DAY, NOON, event, search};

fn store(folder: &tempfile::TempDir, name: &str, events: &[Event]) -> Arc<dyn EventStore> {
    let store = TantivyStore::open(EngineConfig::new(folder.path().join(name))).unwrap();
    let mut writer = store.writer().unwrap();
    for (n, e) in (0u64..).zip(events) {
        writer.add(n, e).unwrap();
    }
    writer.commit().unwrap();
    drop(writer);
    Arc::new(store)
}

/// One event a day, the newest first; event `n` arrived `n` days ago.
fn week() -> Vec<Event> {
    (0..5)
        .map(|n| {
            let mut e = event(n, NOON - n as i64 * DAY);
            e.set_ingested(NOON - n as i64 * DAY);
            e
        })
        .collect()
}

fn why(planned: &PlannedStore, from: i64) -> String {
    planned.explain(&Scope::All, &Predicate::True, TimeRange::since(from)).unwrap().first().map(|e| e.why.en.clone()).unwrap_or_default()
}

fn found(planned: &PlannedStore, from: i64) -> usize {
    let mut request = search(Predicate::True, 100);
    request.range = TimeRange::since(from);
    planned.search(&Scope::All, &request).unwrap().events.len()
}

#[test]
fn recent_days_are_answered_by_the_recent_store_and_older_ones_by_the_archive() {
    let folder = tempfile::tempdir().unwrap();
    let all = week();
    let planned = PlannedStore::new(store(&folder, "recent", &all[..3]), store(&folder, "archive", &all));
    assert!(why(&planned, NOON - DAY - 1).starts_with("no event that arrived before"), "{}", why(&planned, NOON - DAY - 1));
    assert_eq!(found(&planned, NOON - DAY - 1), 2);
    // the oldest day of the recent store may have begun in its middle
    assert!(
        why(&planned, NOON - 2 * DAY).contains("2026-11-21.default, which only the archive holds"),
        "{}",
        why(&planned, NOON - 2 * DAY)
    );
    assert_eq!((found(&planned, NOON - 2 * DAY), found(&planned, i64::MIN)), (3, 5));
    assert!(planned.get(&Scope::All, all[4].id()).unwrap().is_some() && planned.get(&Scope::All, all[0].id()).unwrap().is_some());
    assert_eq!(planned.status().unwrap().events, 5);
}

#[test]
fn an_old_event_with_a_young_time_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = week();
    all[4].set_timestamp(NOON + DAY);
    let planned = PlannedStore::new(store(&folder, "recent", &all[..3]), store(&folder, "archive", &all));
    assert!(why(&planned, NOON - 1).contains("2026-11-19.default"), "a clock ran ahead: only the archive has that event");
    assert_eq!(found(&planned, NOON - 1), 2);
}

#[test]
fn an_empty_recent_store_answers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let planned = PlannedStore::new(store(&folder, "recent", &[]), store(&folder, "archive", &week()));
    assert!(why(&planned, NOON - 1).starts_with("the recent store is empty"));
    assert_eq!(found(&planned, i64::MIN), 5);
}

/// An archive that answers while `on`.
fn switched(store: Arc<dyn EventStore>, on: &Arc<AtomicBool>) -> Arc<dyn EventStore> {
    let on = Arc::clone(on);
    Arc::new(Reached(move || match on.load(Ordering::Relaxed) {
        true => Ok(Arc::clone(&store)),
        false => Err(StoreError::Remote { url: "http://none".into(), what: "anything", reason: "connection refused".into() }),
    }))
}

#[test]
fn while_the_archive_is_away_recent_days_are_answered_and_older_ones_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let all = week();
    for heard_before in [true, false] {
        let name = |n: &str| format!("{n}{heard_before}");
        let on = Arc::new(AtomicBool::new(heard_before));
        let archive = switched(store(&folder, &name("archive"), &all), &on);
        let planned = PlannedStore::new(store(&folder, &name("recent"), &all[..3]), archive);
        assert_eq!(planned.away().is_none(), heard_before);
        on.store(false, Ordering::Relaxed);
        // from the midnight after the oldest day of the recent store
        let since = (NOON - DAY).div_euclid(DAY) * DAY;
        assert_eq!(found(&planned, since), 2);
        assert!(why(&planned, since).contains("ClickHouse does not answer (connection refused)"), "{}", why(&planned, since));
        assert!(planned.away().is_some());
        assert_eq!(planned.status().unwrap().events, 3, "what is here");
        let mut request = search(Predicate::True, 100);
        request.range = TimeRange::since(NOON - 3 * DAY);
        let refused = planned.search(&Scope::All, &request).unwrap_err().to_string();
        assert!(refused.starts_with("FSP-S14") && refused.contains("2026-11-22"), "{refused}");
        assert!(planned.get(&Scope::All, all[0].id()).unwrap().is_some());
        assert!(planned.get(&Scope::All, all[4].id()).is_err(), "not a plain no");
    }
}
