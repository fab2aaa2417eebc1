//! The SQLite state store passes the conformance suite, and what only it promises.

use std::sync::Arc;

use crate::conformance::{
    queue,
    state::{self, Bench},
};
use fansipan_model::Scope;
use fansipan_storage::{AuditRecord, StateStore, StoreError, sqlite::SqliteState};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.path().join("state/fansipan.db")
    }
}

impl Bench for Folder {
    fn open(&self) -> Arc<dyn StateStore> {
        Arc::new(SqliteState::open(self.file()).unwrap())
    }
}

#[test]
fn alerts_exactly_once() {
    state::alerts_exactly_once(&Folder::new());
}

#[test]
fn alert_lists() {
    state::alert_lists(&Folder::new());
}

#[test]
fn triage() {
    state::triage(&Folder::new());
}

#[test]
fn sources() {
    state::sources(&Folder::new());
}

#[test]
fn people() {
    state::people(&Folder::new());
}

#[test]
fn trail() {
    state::trail(&Folder::new());
}

#[test]
fn only_the_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    folder.open().audit(&AuditRecord::default()).unwrap();
    for entry in std::fs::read_dir(folder.file().parent().unwrap()).unwrap().flatten() {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn a_changed_trail_is_found() {
    let folder = Folder::new();
    let store = folder.open();
    for n in 0..5 {
        store.audit(&AuditRecord { at: n, ..AuditRecord::default() }).unwrap();
    }
    let raw = rusqlite::Connection::open(folder.file()).unwrap();
    assert!(raw.execute("UPDATE audit SET who = 'nobody' WHERE number = 3", []).is_err(), "the trail is append-only");
    assert!(raw.execute("DELETE FROM audit WHERE number = 3", []).is_err());
    raw.execute_batch("DROP TRIGGER audit_is_not_changed; UPDATE audit SET who = 'nobody' WHERE number = 3").unwrap();
    let error = store.verify_audit().unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { reason, .. } if reason.contains("entry 3")), "{error}");
}

#[test]
fn a_backup_is_whole() {
    let folder = Folder::new();
    let store = folder.open();
    store
        .apply_alerts(&fansipan_storage::AlertBatch {
            consumer: "analyzer",
            next_offset: 3,
            changes: vec![fansipan_storage::AlertChange::Open(Box::new(state::alert(1, "default")))],
            rules: vec![],
            incidents: Vec::new(),
        })
        .unwrap();
    let copy = folder.0.path().join("copy.db");
    store.backup(&copy).unwrap();
    assert!(store.backup(&copy).is_err(), "a backup overwrites nothing");
    let back = SqliteState::open(&copy).unwrap();
    assert_eq!(back.alert(&Scope::All, state::alert(1, "default").id).unwrap(), Some(state::alert(1, "default")));
    assert_eq!(back.consumer_offset("analyzer").unwrap(), 3);
}

#[test]
fn a_newer_database_is_refused() {
    let folder = Folder::new();
    drop(folder.open());
    rusqlite::Connection::open(folder.file()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SqliteState::open(folder.file()), Err(StoreError::Migration { .. })));
}

#[test]
fn reads_go_on_beside_writes() {
    let folder = Folder::new();
    let store = folder.open();
    std::thread::scope(|s| {
        for reader in 0..4 {
            let store = &store;
            s.spawn(move || {
                for _ in 0..100 {
                    let page = store.alerts(&Scope::All, &fansipan_storage::AlertFilter::default(), None, 1 + reader).unwrap();
                    let total: u64 = store.rule_counts().unwrap().iter().map(|r| r.count).sum();
                    assert!(total >= page.total, "a batch is seen whole or not at all");
                }
            });
        }
        for n in 0..50 {
            store
                .apply_alerts(&fansipan_storage::AlertBatch {
                    consumer: "analyzer",
                    next_offset: n + 1,
                    changes: vec![fansipan_storage::AlertChange::Open(Box::new(state::alert(n, "default")))],
                    rules: vec![fansipan_storage::RuleCount { rule: "r".into(), count: 1, last: 0 }],
                    incidents: Vec::new(),
                })
                .unwrap();
        }
    });
}

/// A log that only grew would fill the disk and slow every read.
#[test]
fn what_is_written_moves_from_the_log_into_the_database() {
    let folder = Folder::new();
    let store = folder.open();
    let (text, many) = ("x".repeat(500_000), 40u64);
    for n in 0..many {
        store.put_setting(&n.to_string(), Some(&text), None).unwrap();
    }
    let size = |file: std::path::PathBuf| std::fs::metadata(file).unwrap().len();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while size(folder.file()) < many * 500_000 * 3 / 4 {
        assert!(std::time::Instant::now() < until, "only {} bytes are in the database", size(folder.file()));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // the store has ended in order: nothing is left in a log
    drop(store);
    assert!(!folder.file().with_extension("db-wal").exists());
    assert_eq!(folder.open().setting("7").unwrap().as_deref(), Some(text.as_str()));
}

fn desk() -> (tempfile::TempDir, Arc<SqliteState>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteState::open(dir.path().join("state.db")).unwrap());
    (dir, store)
}

#[test]
fn nobody_gets_anothers_alert() {
    let (_dir, store) = desk();
    queue::nobody_gets_anothers(store);
}

#[test]
fn the_list_by_priority_is_the_queue() {
    let (_dir, store) = desk();
    queue::the_list_is_the_queue(store);
}

#[test]
fn many_alerts_are_judged_and_taken_back() {
    let (_dir, store) = desk();
    queue::many_at_once(store);
}

#[test]
fn what_is_known_around_an_alert() {
    let (_dir, store) = desk();
    queue::around(store);
}

#[test]
fn counts_stay_true() {
    let folders = std::sync::Mutex::new(Vec::new());
    queue::counts_stay_true(|| {
        let (dir, store) = desk();
        folders.lock().unwrap().push(dir);
        store
    });
}
