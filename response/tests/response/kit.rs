//! A desk over a real state store, with a device, traffic, names and a clock that tests move.

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use fansipan_model::{Incident, IncidentId, Scope, time::SECOND};
use fansipan_response::{
    Action, ActionKind, Desk, Parts, Request, ResponseConfig, Who,
    connectors::{Connector, Fault, FaultKind, Presence, Work},
    playbook::{Incidents, Library},
    ports::{Impact, Names, Seen, Surroundings, Telemetry},
    protected::{Cleared, Protected, ProtectedConfig},
    target::Target,
};
use fansipan_storage::{
    AuditRecord, ResponseFilter, ResponseKind, ResponseRow, ResponseStep, ResponseStore, StoreError, TimeRange, sqlite::SqliteState,
};
use ipnet::IpNet;
use uuid::Uuid;

pub(crate) type StoreResult<T> = Result<T, StoreError>;

/// Names that tests decide.
#[derive(Default, Clone)]
pub(crate) struct Book(pub(crate) Arc<Mutex<BTreeMap<String, Vec<IpAddr>>>>);

impl Book {
    pub(crate) fn set(&self, name: &str, addresses: &[&str]) {
        self.0.lock().unwrap().insert(name.into(), addresses.iter().map(|a| a.parse().unwrap()).collect());
    }
}

impl Names for Book {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().get(&name.to_ascii_lowercase()).cloned().ok_or_else(|| io::Error::other("no such name"))
    }
}

/// A machine with one address and one gateway.
pub(crate) struct Machine;

impl Surroundings for Machine {
    fn networks(&self) -> io::Result<Vec<(IpNet, String)>> {
        let net = |t: &str| t.parse().unwrap();
        Ok(vec![
            (net("198.51.100.10/32"), "an address of this machine".into()),
            (net("198.51.100.1/32"), "a gateway of this machine".into()),
        ])
    }
}

/// A device in memory: what is in force on it, how often it was told, and how it misbehaves.
#[derive(Default)]
pub(crate) struct Device {
    pub(crate) in_force: Mutex<BTreeMap<Uuid, String>>,
    pub(crate) applied: Mutex<BTreeMap<Uuid, u32>>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    /// Does it and breaks off before it answers.
    pub(crate) breaks_off: AtomicU64,
}

#[derive(Clone)]
pub(crate) struct Wire(pub(crate) Arc<Device>);

impl Wire {
    fn fault(&self) -> Option<Fault> {
        self.0.faults.lock().unwrap().pop()
    }
}

impl Connector for Wire {
    fn does(&self) -> &'static [ActionKind] {
        &[ActionKind::Block, ActionKind::Disable, ActionKind::Notify]
    }

    fn plan(&self, action: &Action) -> Vec<String> {
        vec![format!("{} {}", action.kind.as_str(), action.target.text())]
    }

    fn apply<'a>(&'a self, cleared: &'a Cleared<'a>) -> Work<'a, String> {
        Box::pin(async move {
            if let Some(fault) = self.fault() {
                return Err(fault);
            }
            let action = cleared.action();
            *self.0.applied.lock().unwrap().entry(action.id).or_default() += 1;
            self.0.in_force.lock().unwrap().insert(action.id, action.target.text());
            let breaks = self.0.breaks_off.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            if breaks { Err(Fault { kind: FaultKind::Unclear, detail: "broke off".into() }) } else { Ok("ok".into()) }
        })
    }

    fn undo<'a>(&'a self, action: &'a Action) -> Work<'a, String> {
        Box::pin(async move {
            if let Some(fault) = self.fault() {
                return Err(fault);
            }
            self.0.in_force.lock().unwrap().remove(&action.id);
            Ok("removed".into())
        })
    }

    fn probe<'a>(&'a self, action: &'a Action) -> Work<'a, Presence> {
        Box::pin(async move {
            let there = self.0.in_force.lock().unwrap().contains_key(&action.id);
            Ok(if there { Presence::Present } else { Presence::Absent })
        })
    }
}

/// Traffic that tests decide.
#[derive(Default)]
pub(crate) struct Traffic {
    pub(crate) passed: Mutex<Vec<i64>>,
}

pub(crate) struct Eyes(pub(crate) Arc<Traffic>);

impl Telemetry for Eyes {
    fn seen(&self, _: &Scope, _: &Target, range: TimeRange) -> StoreResult<Seen> {
        let passed = self.0.passed.lock().unwrap();
        let within: Vec<i64> = passed.iter().copied().filter(|t| range.contains(*t)).collect();
        let via = if within.is_empty() { vec![] } else { vec!["fw-02".to_owned()] };
        Ok(Seen { passed: within.len() as u64, last: within.iter().copied().max(), via, ..Seen::default() })
    }

    fn impact(&self, _: &Scope, _: &Target, _: TimeRange) -> StoreResult<Impact> {
        Ok(Impact { users: vec![("lan.pt".into(), 3)], known: true, ..Impact::default() })
    }
}

/// One incident.
pub(crate) struct Case(pub(crate) Option<Incident>);

impl Incidents for Case {
    fn incident(&self, _: &Scope, id: IncidentId) -> StoreResult<Option<Incident>> {
        Ok(self.0.clone().filter(|i| i.state.id == id))
    }
}

/// A store that dies after so many writes: nothing more gets through, as after a crash.
pub(crate) struct Mortal {
    pub(crate) inner: SqliteState,
    pub(crate) left: AtomicI64,
}

impl ResponseStore for Mortal {
    fn put_response(&self, row: &ResponseRow, steps: &[ResponseStep], audit: Option<&AuditRecord>) -> StoreResult<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(StoreError::NotFound("store: it died"));
        }
        self.inner.put_response(row, steps, audit)
    }

    fn response(&self, scope: &Scope, id: Uuid) -> StoreResult<Option<ResponseRow>> {
        self.inner.response(scope, id)
    }

    fn responses(&self, scope: &Scope, kind: ResponseKind, filter: &ResponseFilter, limit: usize) -> StoreResult<Vec<ResponseRow>> {
        self.inner.responses(scope, kind, filter, limit)
    }

    fn due_responses(&self, now: i64, limit: usize) -> StoreResult<Vec<ResponseRow>> {
        self.inner.due_responses(now, limit)
    }

    fn response_journal(&self, id: Uuid) -> StoreResult<Vec<ResponseStep>> {
        self.inner.response_journal(id)
    }
}

/// Everything around a desk; the desk itself can be made anew, as after a restart.
pub(crate) struct Rig {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) device: Arc<Device>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) book: Book,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) config: ResponseConfig,
    pub(crate) incident: Option<Incident>,
}

pub(crate) const START: i64 = 1_796_000_000 * SECOND;

impl Rig {
    pub(crate) fn new() -> Rig {
        let config = ResponseConfig {
            protected: ProtectedConfig {
                networks: vec!["192.0.2.0/24".into(), "2001:db8:53::/48".into()],
                hosts: vec!["dc01.laichau.example".into()],
                ..ProtectedConfig::default()
            },
            attempts: 3,
            ..ResponseConfig::default()
        };
        let book = Book::default();
        book.set("dc01.laichau.example", &["203.0.113.53"]);
        Rig {
            dir: tempfile::tempdir().unwrap(),
            device: Arc::default(),
            traffic: Arc::default(),
            book,
            clock: Arc::new(AtomicI64::new(START)),
            config,
            incident: None,
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("state.db")
    }

    pub(crate) fn protected(&self) -> Protected {
        Protected::new(&self.config.protected, vec![("fw".into(), "203.0.113.99".into())], Arc::new(self.book.clone()), Arc::new(Machine))
            .unwrap()
    }

    pub(crate) fn desk(&self) -> Arc<Desk> {
        self.desk_dying_after(i64::MAX)
    }

    pub(crate) fn desk_dying_after(&self, writes: i64) -> Arc<Desk> {
        self.desk_with(writes, BTreeMap::from([("fw".to_owned(), Box::new(Wire(self.device.clone())) as Box<dyn Connector>)]))
    }

    pub(crate) fn desk_with(&self, writes: i64, devices: BTreeMap<String, Box<dyn Connector>>) -> Arc<Desk> {
        let clock = self.clock.clone();
        let parts = Parts {
            store: Arc::new(Mortal { inner: open(&self.file()), left: AtomicI64::new(writes) }),
            protected: self.protected(),
            devices,
            telemetry: Arc::new(Eyes(self.traffic.clone())),
            incidents: Arc::new(Case(self.incident.clone())),
            library: Library::load(&[]),
            clock: Box::new(move || clock.load(Ordering::SeqCst)),
        };
        Desk::new(self.config.clone(), parts)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * SECOND, Ordering::SeqCst);
    }
}

pub(crate) fn open(path: &Path) -> SqliteState {
    SqliteState::open(path).unwrap()
}

pub(crate) fn who(name: &str) -> Who {
    Who { name: name.into(), person: name.into() }
}

pub(crate) fn block(target: &str) -> Request {
    Request {
        agency: "default".into(),
        kind: ActionKind::Block,
        target: target.into(),
        device: "fw".into(),
        lasts: fansipan_response::Span::parse("4h"),
        parameters: BTreeMap::new(),
        reason: "scans our servers".into(),
        incident: None,
        run: None,
        id: Uuid::new_v4(),
    }
}

pub(crate) fn steps(desk: &Desk, id: Uuid) -> Vec<String> {
    desk.journal(id).unwrap().into_iter().map(|s| s.key.split_once('.').unwrap().1.to_owned()).collect()
}
