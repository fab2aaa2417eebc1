//! Answers of the API as the terminal reads them: what is absent is empty, what is new is ignored, so that a console and an
//! appliance of neighbouring versions work together.

mod incident;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::incident::{Clock, Demand, Entry, Incident, Item, Step, Timeline, Workspace};

/// A flat ECS event.
pub type Event = Map<String, Value>;

/// Sigma's level; the gravest is the greatest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    #[default]
    Informational,
    /// Notable in combination.
    Low,
    /// Look within the day.
    Medium,
    /// Look now.
    High,
    /// Wake somebody.
    Critical,
}

/// Where an alert or incident stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody took it.
    #[default]
    New,
    /// Somebody took it.
    Acknowledged,
    /// An attack.
    TruePositive,
    /// A mistake of the rule.
    FalsePositive,
    /// Real and harmless.
    Benign,
}

impl Status {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Status::New => "new",
            Status::Acknowledged => "acknowledged",
            Status::TruePositive => "true_positive",
            Status::FalsePositive => "false_positive",
            Status::Benign => "benign",
        }
    }

    /// Whether it is still work.
    pub fn open(self) -> bool {
        matches!(self, Status::New | Status::Acknowledged)
    }
}

/// The rule behind an alert.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: Option<String>,
    /// Severity.
    pub level: Level,
    /// `attack.t1110`…
    pub tags: Vec<String>,
    /// What to do, English.
    pub advice: Option<String>,
    /// What to do, Vietnamese.
    pub advice_vi: Option<String>,
}

/// A thing an alert or incident is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Entity {
    /// `host`, `user`, `address`, `file`, `hash`, `process`, `domain`.
    pub kind: String,
    /// Its value.
    pub value: String,
}

/// A field that made a rule match.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Matched {
    /// Dotted name.
    pub field: String,
    /// Value as text.
    pub value: String,
}

/// An alert, of a list or with its events.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Alert {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Whose it is.
    pub agency: String,
    /// The rule.
    pub rule: Rule,
    /// Earliest event.
    pub first_seen: Timestamp,
    /// Latest event.
    pub last_seen: Timestamp,
    /// When it was raised.
    pub raised: Timestamp,
    /// Matching events.
    pub count: u64,
    /// What it is about.
    pub entities: Vec<Entity>,
    /// Fields that made the rule match.
    pub matched: Vec<Matched>,
    /// Message of the first event.
    pub summary: String,
    /// Where it stands.
    pub status: Status,
    /// Who holds it.
    pub assignee: Option<String>,
    /// Whether it is part of a drill.
    pub drill: bool,
    /// Grows with each change.
    pub version: u64,
    /// Reason of the latest verdict; only with details.
    pub reason: Option<String>,
    /// First events; only with details.
    pub events: Vec<Event>,
}

/// A page of a list that has more.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to pass for the next page; null: this was the last.
    pub next: Option<String>,
    /// Rows that fit, on all pages.
    pub total: u64,
    /// Whether `total` is exact.
    pub total_exact: bool,
    /// How long it took; searches only.
    pub took_ms: u64,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None, total: 0, total_exact: true, took_ms: 0 }
    }
}

/// A list without pages.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct List<T> {
    /// The rows.
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
}

/// What alerts tell of one entity.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct History {
    /// What it is.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// Alerts of 30 days.
    pub total: u64,
    /// Whether there are more.
    pub more: bool,
    /// Alerts a day, the last one today.
    pub days: Vec<u64>,
}

/// Why an alert stands where it stands in the queue.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rank {
    /// Higher comes first.
    pub priority: u32,
    /// From the level.
    pub level: u32,
    /// From verdicts, per mille.
    pub confidence: u32,
    /// From the entities, per mille.
    pub risk: u32,
}

/// What is known around an alert.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Its place in the queue.
    pub rank: Rank,
    /// The incident it is in.
    pub incident: Option<String>,
    /// Verdicts on its rule.
    pub verdicts: BTreeMap<String, u64>,
    /// Judged alerts like it.
    pub similar: Vec<Alert>,
    /// Its entities' 30 days.
    pub entities: Vec<History>,
}

/// A value and how often it occurs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ValueCount {
    /// The value.
    pub value: String,
    /// Events.
    pub count: u64,
}

/// The commonest values of a field.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Facet {
    /// Dotted name.
    pub field: String,
    /// Commonest first.
    pub values: Vec<ValueCount>,
}

/// Events in one interval.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Bucket {
    /// Begin, milliseconds since 1970.
    pub t: i64,
    /// Events.
    pub count: u64,
}

/// Everything about one thing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EntityPage {
    /// What it is.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// Events in the range.
    pub events: u64,
    /// Earliest event.
    pub first_seen: Option<Timestamp>,
    /// Latest event.
    pub last_seen: Option<Timestamp>,
    /// Its events over time.
    pub histogram: Vec<Bucket>,
    /// What appears beside it.
    pub peers: Vec<Facet>,
    /// Its alerts.
    pub alerts: Vec<Alert>,
    /// Incidents its alerts are in.
    pub incidents: Vec<Incident>,
    /// Its latest events.
    pub recent: Vec<Event>,
}

/// The answer to a search: events, or a table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Found {
    /// Events of this page.
    pub items: Vec<Event>,
    /// What to pass for the next page.
    pub next: Option<String>,
    /// Matching events.
    pub total: u64,
    /// Whether `total` is exact.
    pub total_exact: bool,
    /// Names of a table's columns.
    pub columns: Option<Vec<String>>,
    /// A table's rows.
    pub rows: Vec<Vec<Value>>,
    /// Whether the table is whole.
    pub complete: bool,
    /// How long it took.
    pub took_ms: u64,
}

/// The loss ledger of a source.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// Records framed or refused.
    pub received: u64,
    /// Durably kept.
    pub kept: u64,
    /// Understood.
    pub parsed: u64,
    /// Not understood.
    pub unparsed: u64,
    /// Bytes kept.
    pub bytes: u64,
    /// Refused, by reason.
    pub refused: BTreeMap<String, u64>,
}

impl Ledger {
    /// All refusals together.
    pub fn lost(&self) -> u64 {
        self.refused.values().fold(0, |sum, n| sum.saturating_add(*n))
    }
}

/// One source.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Stable name.
    pub id: String,
    /// `udp`, `tcp`, `tls`, `file`, `http`, `stdin`.
    pub transport: String,
    /// Peer address.
    pub peer: Option<String>,
    /// Subject of the client certificate.
    pub tls_identity: Option<String>,
    /// Host named in the records.
    pub host: Option<String>,
    /// Format.
    pub format: Option<String>,
    /// Product.
    pub product: Option<String>,
    /// Share of recent records that the format understood.
    pub confidence: f64,
    /// Whether an operator fixed the format.
    pub pinned: bool,
    /// Whether it sent something lately.
    pub active: bool,
    /// First record.
    pub first_seen: Timestamp,
    /// Latest record.
    pub last_seen: Timestamp,
    /// Device clock minus ours, nanoseconds.
    pub skew: Option<i64>,
    /// Loss ledger.
    pub counters: Ledger,
    /// What the network sensor saw and lost there.
    pub packets: Option<Packets>,
}

/// Frames on an interface that the network sensor listens to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Packets {
    /// Share of the frames that were read.
    pub coverage: f64,
    /// Frames read.
    pub seen: u64,
    /// Dropped by the kernel.
    pub kernel_drops: u64,
    /// Dropped by the card.
    pub interface_drops: u64,
    /// Dropped by the sensor.
    pub own_drops: u64,
    /// Whether the interface is there and up; an appliance that does not say is believed to be.
    pub up: Option<bool>,
    /// The packet ring there.
    pub ring: Option<Ring>,
}

impl Packets {
    /// Whether nothing can be seen there at all.
    pub fn down(&self) -> bool {
        self.up == Some(false)
    }
}

/// The packet ring of an interface.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ring {
    /// Packets that it was too slow to take.
    pub dropped: u64,
    /// Packets that the disk did not take.
    pub unwritten: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Time of the oldest packet.
    pub oldest: Option<Timestamp>,
    /// What is wrong now.
    pub trouble: Option<String>,
}

/// How far behind detection and search are.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Lag {
    /// Records the detection has not seen.
    pub analyzer: u64,
    /// Records not yet searchable.
    pub indexer: u64,
    /// Age of the oldest of them.
    pub seconds: f64,
}

/// What the live stream says every two seconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tick {
    /// Events per second.
    pub per_second: f64,
    /// Open alerts.
    pub open_alerts: u64,
    /// How far behind.
    pub lag: Lag,
    /// Sources that send.
    pub sources_active: u64,
}

/// Who is logged in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct User {
    /// User name.
    pub name: String,
    /// What they may do.
    pub permissions: Vec<String>,
    /// `vi` or `en`.
    pub language: String,
}
