//! What the API needs of the rest of the process, as traits that the wiring implements, and the feed of live alerts.
//!
//! Implementations are called on blocking threads and may wait briefly for a lock; they never do long work.

use std::{net::IpAddr, sync::Arc, time::Duration};

use fansipan_evidence::Included;
use fansipan_model::{Alert, CollectorAnswer, Event, Level, PacketsFound, Scope};
use fansipan_response::Desk;
use fansipan_rules::{Diagnostic, RuleSet, Severity};
use fansipan_storage::{CaseStore, EventStore, HandoverStore, IdentityStore, RuleStore, StateStore};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use utoipa::ToSchema;
use uuid::Uuid;

/// Everything the API is given.
#[derive(Clone)]
pub struct ApiDeps {
    /// Stored events.
    pub events: Arc<dyn EventStore>,
    /// Alerts, sources, users, sessions, audit trail.
    pub state: Arc<dyn StateStore>,
    /// Open sessions, second factors, logins from elsewhere, screens of the wall.
    pub people: Arc<dyn IdentityStore>,
    /// The work of people on alerts and incidents.
    pub cases: Arc<dyn CaseStore>,
    /// Rules of the centre's own.
    pub rules: Arc<dyn RuleStore>,
    /// Puts them in force; `None`: detection runs elsewhere and reads its rules there.
    pub rule_control: Option<Arc<dyn RuleControl>>,
    /// Handovers of shifts.
    pub handovers: Arc<dyn HandoverStore>,
    /// The running pipeline.
    pub live: Arc<dyn LiveStatus>,
    /// Orders to the collector.
    pub sources: Arc<dyn SourceControl>,
    /// Actions on devices and playbooks.
    pub response: Arc<Desk>,
    /// The log, for proofs that events stand in it; `None`: this process has none.
    pub ledger: Option<Arc<dyn Ledger>>,
    /// Captured packets.
    pub packets: Arc<dyn PacketStore>,
    /// Alerts as they are raised.
    pub feed: Feed,
    /// HTTP ingest of the collector: routes below `/ingest/`, which check their own tokens and limits. Their requests carry
    /// `ConnectInfo<SocketAddr>`; those on the unix socket carry none.
    pub ingest: Option<axum::Router>,
}

/// What the pipeline says of itself.
pub trait LiveStatus: Send + Sync {
    /// Counters and lags now.
    fn snapshot(&self) -> LiveSnapshot;
    /// The rules in force and what was refused.
    fn rules(&self) -> RuleListing;
    /// The text of a rule; `None`: no such rule.
    fn rule_text(&self, id: &str) -> Option<String>;
    /// The rules in force, compiled.
    fn rule_set(&self) -> Arc<RuleSet>;
}

/// Own rules on their way into detection.
pub trait RuleControl: Send + Sync {
    /// Makes what the rule store keeps now what detection uses. Returns once it does; says what failed otherwise.
    fn put_in_force(&self) -> Result<(), String>;
}

/// Counters and lags of the pipeline at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveSnapshot {
    /// Events kept since the service started.
    pub events_total: u64,
    /// Events per second, over the last few seconds.
    pub per_second: f64,
    /// Seconds since the service started.
    pub uptime_s: u64,
    /// The durable log.
    pub bus: BusStatus,
    /// Rules.
    pub rules: RuleCounts,
    /// The disk that holds the data folder.
    pub disk: DiskStatus,
    /// How far behind the readers are.
    pub lag: Lag,
    /// What detection remembers and what its bounds cost; empty where detection runs elsewhere.
    pub detection: Vec<DetectorStatus>,
}

/// What a kind of detection remembers, and what its bounds cost since the service started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DetectorStatus {
    /// `correlation`, `network`, or one detector or rule that lost something.
    pub name: String,
    /// Groups remembered.
    pub groups: u64,
    /// Groups forgotten for want of room.
    pub evicted: u64,
    /// Values of groups that hold too many.
    pub cut: u64,
    /// What came too late.
    pub late: u64,
}

/// The durable log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BusStatus {
    /// Offset of the next record.
    pub head: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Its readers.
    pub consumers: Vec<ConsumerStatus>,
    /// What is wrong, if something is.
    pub alarm: Option<String>,
}

/// One reader of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConsumerStatus {
    /// Its name.
    pub name: String,
    /// Offset it has committed.
    pub offset: u64,
    /// Records between it and the head.
    pub lag: u64,
}

/// How many rules there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleCounts {
    /// In force.
    pub loaded: u64,
    /// Refused.
    pub failed: u64,
}

/// A disk, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DiskStatus {
    /// Free for the service.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// How far behind the readers of the log are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Lag {
    /// Records the detection has not seen yet.
    pub analyzer: u64,
    /// Records not yet searchable.
    pub indexer: u64,
    /// Age of the oldest record that one of them has not seen, seconds.
    pub seconds: f64,
}

/// The rules in force and what was refused.
#[derive(Clone, Debug, Default)]
pub struct RuleListing {
    /// Rules in force.
    pub items: Arc<[RuleInfo]>,
    /// What was refused or doubtful.
    pub diagnostics: Arc<[RuleDiagnostic]>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its id, or its file name where it has none.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: Option<String>,
    /// Severity.
    pub level: Level,
    /// `windows/process_creation`, `linux/sshd`…
    pub logsource: String,
    /// Where it was read from.
    pub file: String,
    /// Sigma's `status`: stable, test, experimental…
    pub status: Option<String>,
    /// Whether it is in force.
    pub enabled: bool,
    /// Whether it is of the centre's own, and can be edited here.
    pub own: bool,
}

/// Something wrong or doubtful in a rule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleDiagnostic {
    /// Stable code.
    pub code: String,
    /// `error` or `warning`.
    pub severity: String,
    /// File.
    pub file: String,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// The same in Vietnamese.
    pub message_vi: String,
    /// What to do.
    pub help: String,
    /// The same in Vietnamese.
    pub help_vi: String,
}

impl From<&Diagnostic> for RuleDiagnostic {
    fn from(d: &Diagnostic) -> Self {
        Self {
            code: d.code.to_owned(),
            severity: if d.severity == Severity::Error { "error" } else { "warning" }.to_owned(),
            file: d.file.clone(),
            line: Some(d.line),
            column: Some(d.column),
            message: d.message.clone(),
            message_vi: d.message_vi.clone(),
            help: d.help.to_owned(),
            help_vi: d.help_vi.to_owned(),
        }
    }
}

/// Orders to the collector.
pub trait SourceControl: Send + Sync {
    /// Names of the formats there are, sorted.
    fn formats(&self) -> Vec<String>;

    /// Tells the collector that an operator fixed the format of a source, or freed it (`None`). The state store has kept
    /// the choice already; it takes effect with the source's next record.
    fn format_pinned(&self, source: &str, format: Option<&str>);
}

/// The log of what was received.
pub trait Ledger: Send + Sync {
    /// Looks for the records of events (id, when received) and proves that they stand in the log; `wanted` of a record is the
    /// event's place in the list. Reads whole segments: takes seconds. Says what failed otherwise.
    fn prove(&self, events: &[(Uuid, i64)]) -> Result<Included, String>;

    /// An event that was kept with its proof, because an incident or an action rests on it, as the log had it; whose it is must be
    /// checked by the caller.
    fn kept(&self, id: Uuid) -> Option<Event>;
}

/// Captured packets.
pub trait PacketStore: Send + Sync {
    /// Writes the packets of flows to `out` as one pcapng file, those only whose interface the scope may see. Where collectors
    /// elsewhere are asked, it takes as long as these need, up to [`PACKETS_WITHIN`].
    ///
    /// # Errors
    /// None are kept, they cannot be read or written, or those who may have them do not answer.
    fn extract(&self, scope: &Scope, flows: &[FlowWanted], out: &mut dyn std::io::Write) -> Result<Extract, PacketsError>;
}

/// How long it may take to get packets together.
pub const PACKETS_WITHIN: Duration = Duration::from_secs(240);

/// What was written, and who gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extract {
    /// What the rings hold.
    pub found: PacketsFound,
    /// Every collector that was asked, by name; empty where the rings are this process's own.
    pub collectors: Vec<CollectorAnswer>,
}

/// A flow whose packets are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowWanted {
    /// Which.
    pub key: FlowKey,
    /// Something of it happened from then, UTC nanoseconds, ...
    pub from: i64,
    /// ... until then.
    pub to: i64,
    /// How far before and after that packets are looked for, nanoseconds.
    pub around: i64,
    /// The source of the event that tells of it (`tap:eth1`).
    pub source: Option<String>,
}

/// How a flow is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKey {
    /// By its community id.
    CommunityId(String),
    /// By its protocol, addresses and ports.
    Ends {
        /// Number of the IP protocol.
        protocol: u8,
        /// One end.
        source: (IpAddr, u16),
        /// The other.
        destination: (IpAddr, u16),
    },
}

impl std::fmt::Display for FlowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FlowKey::CommunityId(id) => f.write_str(id),
            FlowKey::Ends { protocol, source, destination } => {
                write!(f, "{protocol}/{}:{}-{}:{}", source.0, source.1, destination.0, destination.1)
            }
        }
    }
}

/// Why there are no packets.
#[derive(Debug, thiserror::Error)]
pub enum PacketsError {
    /// None are kept where the flow was seen.
    #[error("no packets are kept")]
    Off,
    /// Collectors that keep packets could not be asked, or did not answer; nobody else has any.
    #[error("collectors that may have the packets did not give them")]
    Unanswered(Vec<CollectorAnswer>),
    /// Collectors cannot be asked at all.
    #[error("collectors cannot be asked: {0}")]
    Unreachable(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Something that open consoles show at once, beside alerts: an event of the live stream.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The stream's event name (`incident`, `bulk`…).
    pub name: &'static str,
    /// Whose data it is about; `None`: told to everybody, so it holds no agency's data.
    pub agency: Option<String>,
    /// What is told.
    pub data: serde_json::Value,
}

impl Notice {
    /// A notice.
    pub fn new(name: &'static str, agency: Option<String>, data: serde_json::Value) -> Self {
        Self { name, agency, data }
    }
}

/// What a live stream is told.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// With its priority when it is raised.
    Alert(Arc<Alert>, Option<u32>),
    Notice(Arc<Notice>),
}

/// News on its way to the live streams. Never blocks the sender: a stream that reads too slowly is told how many it missed.
#[derive(Clone, Debug)]
pub struct Feed {
    news: broadcast::Sender<News>,
}

impl Feed {
    /// News kept for a stream that lags.
    const CAPACITY: usize = 1024;

    /// A feed without listeners.
    pub fn new() -> Self {
        Self { news: broadcast::channel(Self::CAPACITY).0 }
    }

    /// Tells every stream of a new alert with its `priority`, or of a changed one: that stays.
    pub fn alert(&self, alert: Arc<Alert>, priority: Option<u32>) {
        // Nobody listening is no error.
        let _ = self.news.send(News::Alert(alert, priority));
    }

    /// Tells every stream whose reader may know.
    pub fn notice(&self, notice: Notice) {
        let _ = self.news.send(News::Notice(Arc::new(notice)));
    }

    /// Whether a stream listens.
    pub fn is_heard(&self) -> bool {
        self.news.receiver_count() > 0
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}
