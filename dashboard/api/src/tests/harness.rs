//! A whole API over real stores in a temporary folder, and callers of it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use fansipan_model::{
    Agency, Alert, AlertId, AlertStatus, AnswerOutcome, CollectorAnswer, Entity, EntityKind, Event, EventBuilder, Level, MatchedField,
    PacketsFound, PerMille, RuleRef, Scope, SourceCounters, SourceInfo, Value, fields,
};
use fansipan_storage::{
    AlertBatch, AlertChange, AuditFilter, AuditRecord, EventWriter as _, IdentityStore as _, NewToken, NewUser, NewWallDevice, StateStore,
    engine::{EngineConfig, TantivyStore},
    sqlite::SqliteState,
};
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::{
    access::Role,
    config::ApiConfig,
    identity::hash,
    ports::{
        ApiDeps, BusStatus, ConsumerStatus, DetectorStatus, DiskStatus, Extract, Feed, FlowWanted, Lag, LiveSnapshot, LiveStatus,
        PacketStore, PacketsError, RuleControl, RuleCounts, RuleDiagnostic, RuleInfo, RuleListing, SourceControl,
    },
    server::{Peer, prepare},
    state::now,
};

/// A rule that matches every sample event.
pub(super) const FAILED_LOGON: &str = "title: Failed logon\nid: 5c9a1f54-0000-4000-8000-000000000001\nlevel: medium\n\
    logsource: {product: sshtest}\ndetection: {s: {user.name: root}, condition: s}\ntags: [attack.t1110, attack.credential-access]\n";

/// A password that the policy accepts.
pub(super) const GOOD: &str = "sương mù trên đỉnh 3143";

/// What the wiring would be.
pub(super) struct Wiring {
    pub(super) pins: Mutex<Vec<(String, Option<String>)>>,
    /// How often own rules were put in force.
    pub(super) reloads: std::sync::atomic::AtomicU32,
    /// Flows whose packets were asked for, and what there is of them; `None`: no ring.
    pub(super) asked: Mutex<Vec<FlowWanted>>,
    pub(super) ring: Mutex<Option<&'static [u8]>>,
    /// What collectors elsewhere are said to have answered.
    pub(super) collectors: Mutex<Vec<CollectorAnswer>>,
}

impl PacketStore for Wiring {
    fn extract(&self, _: &Scope, flows: &[FlowWanted], out: &mut dyn std::io::Write) -> Result<Extract, PacketsError> {
        self.asked.lock().unwrap().extend_from_slice(flows);
        let collectors = self.collectors.lock().unwrap().clone();
        if collectors.iter().any(|c| c.outcome.leaves_a_gap()) && !collectors.iter().any(|c| c.outcome == AnswerOutcome::Given) {
            return Err(PacketsError::Unanswered(collectors));
        }
        let bytes = self.ring.lock().unwrap().ok_or(PacketsError::Off)?;
        out.write_all(bytes)?;
        let packets = u64::from(!bytes.is_empty());
        let bytes = bytes.len() as u64;
        let found = PacketsFound { packets, bytes, first: 5, last: 5, cut: 2, oldest: Some(1), ..PacketsFound::default() };
        Ok(Extract { found, collectors })
    }
}

impl LiveStatus for Wiring {
    fn snapshot(&self) -> LiveSnapshot {
        LiveSnapshot {
            events_total: 12_345,
            per_second: 42.5,
            uptime_s: 7,
            bus: BusStatus {
                head: 12_345,
                bytes: 1 << 20,
                consumers: vec![ConsumerStatus { name: "analyzer".into(), offset: 12_340, lag: 5 }],
                alarm: None,
            },
            rules: RuleCounts { loaded: 1, failed: 1 },
            disk: DiskStatus { free: 10, total: 20 },
            lag: Lag { analyzer: 5, indexer: 9, seconds: 0.25 },
            detection: vec![DetectorStatus { name: "network".into(), groups: 3, evicted: 1, ..DetectorStatus::default() }],
        }
    }

    fn rules(&self) -> RuleListing {
        let rule = RuleInfo {
            id: "r-ssh".into(),
            title: "SSH brute force".into(),
            title_vi: Some("Dò mật khẩu SSH".into()),
            level: Level::High,
            logsource: "linux/sshd".into(),
            file: "packs/ssh.yml".into(),
            status: Some("stable".into()),
            enabled: true,
            own: false,
        };
        let diagnostic = RuleDiagnostic {
            code: "FSP-R01".into(),
            severity: "error".into(),
            file: "bad.yml".into(),
            line: Some(3),
            column: None,
            message: "no detection".into(),
            message_vi: "không có detection".into(),
            help: "add one".into(),
            help_vi: "hãy thêm".into(),
        };
        RuleListing { items: [rule].into(), diagnostics: [diagnostic].into() }
    }

    fn rule_text(&self, id: &str) -> Option<String> {
        (id == "r-ssh").then(|| "title: SSH brute force\n".into())
    }

    fn rule_set(&self) -> Arc<fansipan_rules::RuleSet> {
        let (rules, _) = fansipan_rules::parse(FAILED_LOGON, "failed.yml");
        Arc::new(fansipan_rules::RuleSet::compile(rules, &fansipan_rules::Taxonomy::builtin().unwrap()).0)
    }
}

impl RuleControl for Wiring {
    fn put_in_force(&self) -> Result<(), String> {
        self.reloads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

impl SourceControl for Wiring {
    fn formats(&self) -> Vec<String> {
        vec!["fortigate".into(), "sshd".into()]
    }

    fn format_pinned(&self, source: &str, format: Option<&str>) {
        self.pins.lock().unwrap().push((source.to_owned(), format.map(ToOwned::to_owned)));
    }
}

/// An API and everything behind it.
pub(super) struct Rig {
    pub(super) dir: tempfile::TempDir,
    pub(super) app: Router,
    pub(super) state: Arc<SqliteState>,
    pub(super) feed: Feed,
    pub(super) wiring: Arc<Wiring>,
    pub(super) first_password: String,
    pub(super) stop: CancellationToken,
}

/// The stores in a folder, and the rest that the API is given.
pub(super) fn deps(dir: &std::path::Path) -> (ApiDeps, Arc<SqliteState>, Arc<Wiring>) {
    let events = TantivyStore::open(EngineConfig { heap_bytes: 16 << 20, ..EngineConfig::new(dir.join("events")) }).unwrap();
    let state = Arc::new(SqliteState::open(dir.join("state.db")).unwrap());
    let wiring = Arc::new(Wiring {
        pins: Mutex::default(),
        reloads: Default::default(),
        asked: Mutex::default(),
        ring: Mutex::default(),
        collectors: Mutex::default(),
    });
    let deps = ApiDeps {
        events: Arc::new(events.clone()),
        state: state.clone(),
        people: state.clone(),
        cases: state.clone(),
        rules: state.clone(),
        rule_control: Some(wiring.clone()),
        handovers: state.clone(),
        live: wiring.clone(),
        response: response(&state, &events),
        sources: wiring.clone(),
        ledger: None,
        packets: wiring.clone(),
        feed: Feed::new(),
        ingest: None,
    };
    let mut writer = events.writer().unwrap();
    for (offset, event) in sample_events().iter().enumerate() {
        writer.add(offset as u64, event).unwrap();
    }
    writer.commit().unwrap();
    (deps, state, wiring)
}

/// A desk without devices over the same stores.
fn response(state: &Arc<SqliteState>, events: &TantivyStore) -> Arc<fansipan_response::Desk> {
    use fansipan_response::{Desk, Parts, ResponseConfig, own::ThisMachine, playbook, ports::SystemNames, protected::Protected};
    let config = ResponseConfig::default();
    let protected = Protected::new(&config.protected, vec![], Arc::new(SystemNames), Arc::new(ThisMachine::new())).unwrap();
    let parts = Parts {
        store: state.clone(),
        protected,
        devices: Default::default(),
        telemetry: Arc::new(fansipan_response::telemetry::Observed::new(Arc::new(events.clone()))),
        incidents: Arc::new(playbook::StoredIncidents(state.clone())),
        library: playbook::Library::load(&[]),
        clock: Box::new(now),
    };
    Desk::new(config, parts)
}

impl Rig {
    pub(super) async fn new() -> Rig {
        Self::with(|_| ()).await
    }

    pub(super) async fn with(adjust: impl FnOnce(&mut ApiConfig)) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let (deps, state, wiring) = deps(dir.path());
        let feed = deps.feed.clone();
        let mut config = ApiConfig::new(dir.path().to_owned());
        adjust(&mut config);
        let stop = CancellationToken::new();
        let (app, first) = prepare(config, deps, stop.clone()).await.unwrap();
        let first_password = first.unwrap().reveal().to_owned();
        let rig = Rig { dir, app, state, feed, wiring, first_password, stop };
        rig.fill();
        rig
    }

    /// Alerts and sources of two agencies.
    fn fill(&self) {
        let changes = [alert(1, "health"), alert(2, "tax")].map(|a| AlertChange::Open(Box::new(a))).to_vec();
        self.state.apply_alerts(&AlertBatch { consumer: "analyzer", next_offset: 2, changes, rules: vec![], incidents: vec![] }).unwrap();
        self.state.put_sources(&[source("udp:10.1.0.1", "health"), source("tcp:10.2.0.1/fw-01", "tax")]).unwrap();
    }

    /// A caller with an API token of this role and these agencies (none: all).
    pub(super) fn token(&self, role: Role, agencies: &[&str]) -> Client {
        let text = format!("fsp_test_{role:?}_{}", agencies.join("_"));
        let name = format!("t-{}", hex::encode(&hash(&text)[..6]));
        let scope = scope(agencies);
        let token = NewToken {
            owner: None,
            name: &name,
            token_hash: hash(&text),
            roles: vec![role.as_str().to_owned()],
            scope,
            made_by: "test",
            created: now(),
            expires: None,
        };
        self.state.add_token(&token, &record("tokens.create", &name)).unwrap();
        Client { bearer: Some(text), ..self.nobody() }
    }

    /// An enrolled screen of the wall that shows every agency.
    pub(super) fn screen(&self, name: &str) -> Client {
        let (code, token) = (hash(name), format!("{}{name}", crate::identity::WALL_TOKEN));
        let device = NewWallDevice {
            name,
            scope: Scope::All,
            made_by: "test",
            created: now(),
            expires: i64::MAX,
            code_hash: code,
            code_until: i64::MAX,
        };
        self.state.add_wall(&device, &record("walls.create", name)).unwrap();
        self.state.enrol_wall(&code, &hash(&token), "10.9.9.9", now()).unwrap().unwrap();
        Client { bearer: Some(token), ..self.nobody() }
    }

    /// Somebody without any credential, at an address of their own.
    pub(super) fn nobody(&self) -> Client {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let ip = std::net::Ipv4Addr::from(0x0a00_0000 + n);
        Client { app: self.app.clone(), bearer: None, cookie: None, header: true, peer: Peer::Network((ip, 40_000).into()) }
    }

    /// Makes a user with the password [`GOOD`].
    pub(super) fn add_user(&self, name: &str, roles: &[Role], agencies: &[&str]) {
        static HASH: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| crate::identity::Passwords::new().unwrap().hash_blocking(GOOD).unwrap());
        let user = NewUser {
            name: name.to_owned(),
            display_name: name.to_owned(),
            password_hash: HASH.clone(),
            roles: roles.iter().map(|r| r.as_str().to_owned()).collect(),
            scope: scope(agencies),
            language: "vi".to_owned(),
            must_change_password: false,
        };
        self.state.add_user(&user, now(), &record("users.create", name)).unwrap();
    }

    /// A person of this role who has logged in.
    pub(super) async fn person(&self, name: &str, role: Role, agencies: &[&str]) -> Client {
        self.add_user(name, &[role], agencies);
        let mut client = self.nobody();
        assert_eq!(client.login(name, GOOD).await.status, StatusCode::OK);
        client
    }

    /// The verbs in the audit trail by this caller, newest first, with whether they were allowed.
    pub(super) fn trail(&self, who: &str) -> Vec<(String, bool)> {
        let filter = AuditFilter { who: Some(who.to_owned()), ..AuditFilter::default() };
        let page = self.state.audit_trail(&Scope::All, &filter, None, 1000).unwrap();
        page.items.into_iter().map(|e| (e.verb, e.allowed)).collect()
    }
}

pub(super) fn scope(agencies: &[&str]) -> Scope {
    if agencies.is_empty() { Scope::All } else { Scope::Agencies(agencies.iter().map(|a| Agency::new(a)).collect()) }
}

pub(super) fn record(verb: &str, object: &str) -> AuditRecord {
    AuditRecord {
        at: now(),
        who: "test".into(),
        verb: verb.into(),
        object: object.into(),
        details: "{}".into(),
        allowed: true,
        ..Default::default()
    }
}

/// Somebody who calls.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) app: Router,
    pub(super) bearer: Option<String>,
    /// `name=value`
    pub(super) cookie: Option<String>,
    /// Whether to send `X-Fansipan: 1`.
    pub(super) header: bool,
    pub(super) peer: Peer,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.text))
    }

    /// The code of a problem, which must be a well-formed one.
    #[track_caller]
    pub(super) fn problem(&self) -> String {
        assert_eq!(self.headers.get(header::CONTENT_TYPE).unwrap(), "application/problem+json", "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], json!(self.status.as_u16()));
        for member in ["type", "code"] {
            assert!(body[member].as_str().is_some_and(|s| !s.is_empty()), "{member} in {body}");
        }
        body["code"].as_str().unwrap().to_owned()
    }

    /// Every problem that any test meets is said in both languages, with nothing left to fill in.
    #[track_caller]
    fn said_in_both(&self) {
        if self.headers.get(header::CONTENT_TYPE).is_none_or(|media| media != "application/problem+json") {
            return;
        }
        let body = self.json();
        for member in ["title", "detail"] {
            let [en, vi] = [member.to_owned(), format!("{member}_vi")].map(|m| body[m].as_str().unwrap_or_default().to_owned());
            assert!(!en.is_empty() && !vi.is_empty() && en != vi, "{member} in both languages: {body}");
            let open =
                |text: &str| text.split('{').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || ":~".contains(c)));
            assert!(!open(&en) && !open(&vi), "a hole is left open: {body}");
            assert!(!en.to_lowercase().chars().any(|c| "ạảấầậắằặẹẻếềệịọỏốồộớờợụủứừựăâđêôơư".contains(c)), "Vietnamese in English: {body}");
        }
    }
}

impl Client {
    pub(super) fn request(&self, method: &str, path: &str, body: Option<Json>) -> Request {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "soc.test:8443");
        if let Some(bearer) = &self.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if self.header {
            request = request.header("x-fansipan", "1");
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(self.peer);
        request
    }

    pub(super) async fn send(&self, request: Request) -> Response {
        self.app.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn read(&self, request: Request) -> Reply {
        let response = self.send(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let parquet = parts.headers.get("content-type").is_some_and(|t| t == "application/vnd.apache.parquet");
        let text = if parquet { String::from_utf8_lossy(&bytes).into_owned() } else { String::from_utf8(bytes.to_vec()).unwrap() };
        let reply = Reply { status: parts.status, headers: parts.headers, text };
        reply.said_in_both();
        reply
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.read(self.request("GET", &format!("/api/v1{path}"), None)).await
    }

    pub(super) async fn post(&self, path: &str, body: Json) -> Reply {
        self.read(self.request("POST", &format!("/api/v1{path}"), Some(body))).await
    }

    pub(super) async fn delete(&self, path: &str) -> Reply {
        self.read(self.request("DELETE", &format!("/api/v1{path}"), None)).await
    }

    /// Logs in and keeps the cookie, as a browser does.
    pub(super) async fn login(&mut self, name: &str, password: &str) -> Reply {
        let reply = self.post("/session", json!({ "username": name, "password": password })).await;
        self.keep_cookie(&reply);
        reply
    }

    /// Takes the cookie that an answer sets.
    pub(super) fn keep_cookie(&mut self, reply: &Reply) {
        if let Some(cookie) = reply.headers.get(header::SET_COOKIE) {
            self.cookie = Some(cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
    }
}

/// Id of the sample event number `n`.
pub(super) fn event_id(n: u8) -> Uuid {
    Uuid::from_bytes([1, 0x92, 0xfe, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, n])
}

/// What an attacker puts where it will be shown.
pub(super) const SCRIPT: &str = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";

/// The flow of the first two sample events.
pub(super) const COMMUNITY_ID: &str = "1:LQU9qZlK+B5F3KDmev6m5PMibrg=";

fn sample_events() -> Vec<Event> {
    [(1u8, "health", "203.0.113.7"), (2, "tax", "198.51.100.9"), (3, "tax", "198.51.100.9")]
        .into_iter()
        .map(|(n, agency, ip)| {
            let text = format!("Failed password for root from {ip} {SCRIPT}");
            let mut builder = EventBuilder::new(&text);
            builder.str(fields::MESSAGE, &text);
            builder.str(fields::EVENT_MODULE, "sshtest");
            builder.str(fields::SOURCE_IP, ip);
            builder.str(fields::USER_NAME, "root");
            if n < 3 {
                builder.str(fields::NETWORK_COMMUNITY_ID, COMMUNITY_ID);
            }
            builder.str(fields::HOST_NAME, &format!("{agency}-web"));
            builder.str(fields::FANSIPAN_AGENCY, agency);
            builder.push(fields::FANSIPAN_CLASS, Value::Str("default"));
            let mut event = builder.finish();
            event.set_id(event_id(n));
            event.set_timestamp(now() - 60_000_000_000 - i64::from(n));
            event.set_ingested(now());
            event
        })
        .collect()
}

/// Alert number `n`, about sample event number `n`.
pub(super) fn alert(n: u8, agency: &str) -> Alert {
    Alert {
        id: AlertId::derive(agency, "r-ssh", "h", &[&n.to_string()]),
        agency: agency.into(),
        rule: RuleRef {
            id: "r-ssh".into(),
            title: "SSH brute force".into(),
            title_vi: Some("Dò mật khẩu SSH".into()),
            level: Level::High,
            hash: "00".into(),
            tags: vec!["attack.t1110".into(), "attack.credential-access".into()],
            advice: None,
            advice_vi: None,
        },
        first_seen: now() - 60_000_000_000,
        last_seen: now() - 50_000_000_000,
        raised: now() - 40_000_000_000,
        count: 3,
        entities: vec![Entity { kind: EntityKind::User, field: "user.name".into(), value: "root".into() }],
        group: vec!["203.0.113.7".into()],
        matched: vec![MatchedField { field: "message".into(), value: SCRIPT.into() }],
        events: vec![event_id(n)],
        summary: format!("Failed password {SCRIPT}"),
        status: AlertStatus::New,
        assignee: None,
        drill: false,
        suppressed: None,
        version: 1,
    }
}

fn source(id: &str, agency: &str) -> SourceInfo {
    SourceInfo {
        id: id.into(),
        agency: agency.into(),
        transport: "udp".into(),
        peer: Some("10.1.0.1".parse().unwrap()),
        tls_identity: None,
        host: Some("fw-01".into()),
        format: Some("sshd".into()),
        product: Some("OpenSSH".into()),
        confidence: PerMille(987),
        pinned: false,
        first_seen: now() - 3_600_000_000_000,
        last_seen: now(),
        skew: Some(-1_000),
        counters: SourceCounters { received: 10, kept: 9, parsed: 6, unparsed: 3, bytes: 900, refused: [("too_large".into(), 1)].into() },
        packets: None,
    }
}
