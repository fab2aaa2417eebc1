//! The overview, sources, rules, status and live ticks as the API shows them.

use std::collections::BTreeMap;

use fansipan_model::{PacketCounters, RingCounters, SourceInfo, time};
use fansipan_storage::cases::Verdicts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Bucket, LevelDto, Standing, ValueCount};
use crate::ports::{BusStatus, DetectorStatus, DiskStatus, Lag, RuleCounts, RuleDiagnostic, RuleInfo};

/// How far back the overview looks.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OverviewParams {
    /// `1h`, `24h`, `7d`…, at most 31 days; 24 hours unless given.
    pub since: Option<String>,
    /// Seconds, at most 60: an answer that was good until so much before may be given at once, while a new one is made for who asks
    /// next; `generated_at` tells. 0 unless given.
    #[serde(default)]
    #[param(maximum = 60)]
    pub max_stale: u64,
}

/// Events in the overview.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OverviewEvents {
    /// In the range.
    pub total: u64,
    /// Now.
    pub per_second: f64,
    /// In the range of the same length before.
    pub previous_total: u64,
}

/// Alerts in the overview.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OverviewAlerts {
    /// New or acknowledged.
    pub open: u64,
    /// Open ones by level, every level present.
    pub by_level: BTreeMap<String, u64>,
    /// Raised within the last hour.
    pub new_last_hour: u64,
}

/// Sources in the overview.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OverviewSources {
    /// Ever seen.
    pub total: u64,
    /// That sent something within the last five minutes.
    pub active: u64,
    /// The others.
    pub silent: u64,
    /// Share of kept records that no format understood, 0–1; null: nothing kept yet.
    pub unparsed_share: Option<f64>,
}

/// The commonest values.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OverviewTop {
    /// `source.ip`
    pub source_ip: Vec<ValueCount>,
    /// `user.name`
    pub user: Vec<ValueCount>,
    /// `host.name`
    pub host: Vec<ValueCount>,
    /// Rules by matching events in alerts.
    pub rule: Vec<TopRule>,
}

/// A rule and its matching events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TopRule {
    /// Its id.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: Option<String>,
    /// Severity.
    pub level: LevelDto,
    /// Matching events.
    pub count: u64,
}

/// An ATT&CK technique and its alerts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TechniqueCount {
    /// `T1110`, `T1110.001`
    pub technique: String,
    /// Alerts.
    pub count: u64,
}

/// Counters whose source may not exist yet; null: no source, which is not zero.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Counters {
    /// Incidents open now.
    pub incidents: Option<u64>,
    /// Vulnerabilities.
    pub vulnerabilities: Option<u64>,
    /// Attacks: high and critical alerts of the range that nobody judged false or harmless.
    pub attacks: Option<u64>,
}

/// A number against what is usual.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trend {
    /// In the last 60 minutes.
    pub now: f64,
    /// The mean of the same 60 minutes of the week in the weeks before; null: nothing was stored then.
    pub usual: Option<f64>,
    /// Weeks that `usual` is the mean of.
    pub weeks: u32,
}

/// Numbers against what is usual at this hour of the week.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trends {
    /// Events.
    pub events: Trend,
    /// Alerts raised.
    pub alerts: Trend,
    /// Attacks, as in `counters`.
    pub attacks: Trend,
}

/// Events by the country of their source address.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CountryMap {
    /// Where the countries come from: `events` (devices name them), `database` (the configured one), null: no source.
    pub source: Option<String>,
    /// ISO 3166-1 alpha-2 and events, most first.
    pub countries: Vec<ValueCount>,
}

/// Are we under attack, are we blind.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Overview {
    /// When these numbers were computed; they are kept for a moment and shared.
    pub generated_at: String,
    /// Begin of the range.
    pub from: String,
    /// End of the range.
    pub to: String,
    /// Events.
    pub events: OverviewEvents,
    /// Alerts.
    pub alerts: OverviewAlerts,
    /// Sources.
    pub sources: OverviewSources,
    /// Events over the range.
    pub histogram: Vec<Bucket>,
    /// The commonest values in the range.
    pub top: OverviewTop,
    /// Techniques in alerts of the range.
    pub attack: Vec<TechniqueCount>,
    /// How far behind detection and search are.
    pub lag: Lag,
    /// Counters of the founding document; null: no source yet.
    pub counters: Counters,
    /// Against the usual.
    pub trends: Trends,
    /// Where events come from.
    pub map: CountryMap,
    /// When the latest record arrived; null: none ever.
    pub latest_record: Option<String>,
}

/// The loss ledger of a source.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SourceCountersDto {
    /// Records framed, or refused before framing ended.
    pub received: u64,
    /// Records durably kept.
    pub kept: u64,
    /// Of those: understood.
    pub parsed: u64,
    /// Of those: not understood, and searchable all the same.
    pub unparsed: u64,
    /// Bytes kept.
    pub bytes: u64,
    /// Records refused, by reason.
    pub refused: BTreeMap<String, u64>,
}

/// Frames on an interface that the network sensor listens to, since the program started.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PacketsDto {
    /// Share of the frames that were read, 0–1: seen ÷ (seen + drops).
    pub coverage: f64,
    /// Frames read.
    pub seen: u64,
    /// Bytes on the wire of these.
    pub bytes: u64,
    /// Frames the kernel dropped because the sensor was behind.
    pub kernel_drops: u64,
    /// Frames the network card or its driver dropped.
    pub interface_drops: u64,
    /// Frames the sensor took and did not read.
    pub own_drops: u64,
    /// Whether the interface is there and up.
    pub up: bool,
    /// Flows alive.
    pub flows: u64,
    /// Flows ended early because the table was full.
    pub flows_evicted: u64,
    /// Flows no longer looked into for want of memory.
    pub flows_given_up: u64,
    /// The packet ring; null: packets are not kept.
    pub ring: Option<RingDto>,
}

/// The packet ring of an interface; packets count from the start of the program.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RingDto {
    /// Packets written.
    pub packets: u64,
    /// Packets left out because their flow was long, as configured.
    pub cut: u64,
    /// Packets that the ring was too slow to take.
    pub dropped: u64,
    /// Packets that the disk did not take.
    pub unwritten: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Time of the oldest packet; null: it is empty.
    pub oldest: Option<String>,
    /// What is wrong now; null: nothing.
    pub trouble: Option<String>,
}

impl RingDto {
    fn new(r: &RingCounters) -> Self {
        Self {
            packets: r.packets,
            cut: r.cut,
            dropped: r.dropped,
            unwritten: r.unwritten,
            bytes: r.bytes,
            oldest: r.oldest.map(time::to_rfc3339),
            trouble: r.trouble.clone(),
        }
    }
}

impl PacketsDto {
    fn new(p: &PacketCounters) -> Self {
        Self {
            coverage: p.coverage(),
            seen: p.seen,
            bytes: p.bytes,
            kernel_drops: p.kernel_drops,
            interface_drops: p.interface_drops,
            own_drops: p.own_drops,
            up: p.up,
            flows: p.flows,
            flows_evicted: p.flows_evicted,
            flows_given_up: p.flows_given_up,
            ring: p.ring.as_ref().map(RingDto::new),
        }
    }
}

/// One source.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SourceDto {
    /// Stable name.
    pub id: String,
    /// Whose it is.
    pub agency: String,
    /// `udp`, `tcp`, `tls`, `file`, `http`, `stdin`, `tap`.
    pub transport: String,
    /// Peer address.
    pub peer: Option<String>,
    /// Subject of the client certificate.
    pub tls_identity: Option<String>,
    /// Host named in the records.
    pub host: Option<String>,
    /// Guessed or fixed format.
    pub format: Option<String>,
    /// Product.
    pub product: Option<String>,
    /// Share of recent records that the format understood, 0–1.
    pub confidence: f64,
    /// Whether an operator fixed the format.
    pub pinned: bool,
    /// Whether it sent something within the last five minutes.
    pub active: bool,
    /// First record.
    pub first_seen: String,
    /// Latest record.
    pub last_seen: String,
    /// Device clock minus ours, nanoseconds; null: not known.
    pub skew: Option<i64>,
    /// Loss ledger.
    pub counters: SourceCountersDto,
    /// What the network sensor saw and lost there; null: not a sensor's.
    pub packets: Option<PacketsDto>,
}

impl SourceDto {
    pub(crate) fn new(s: &SourceInfo, active: bool) -> Self {
        Self {
            id: s.id.clone(),
            agency: s.agency.clone(),
            transport: s.transport.clone(),
            peer: s.peer.map(|ip| ip.to_string()),
            tls_identity: s.tls_identity.clone(),
            host: s.host.clone(),
            format: s.format.clone(),
            product: s.product.clone(),
            confidence: f64::from(s.confidence.0) / 1000.0,
            pinned: s.pinned,
            active,
            first_seen: time::to_rfc3339(s.first_seen),
            last_seen: time::to_rfc3339(s.last_seen),
            skew: s.skew,
            counters: SourceCountersDto {
                received: s.counters.received,
                kept: s.counters.kept,
                parsed: s.counters.parsed,
                unparsed: s.counters.unparsed,
                bytes: s.counters.bytes,
                refused: s.counters.refused.clone(),
            },
            packets: s.packets.as_ref().map(PacketsDto::new),
        }
    }
}

/// All sources.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceList {
    /// When this was read.
    pub generated_at: String,
    /// By id.
    pub items: Vec<SourceDto>,
    /// Names of the formats that can be pinned.
    pub formats: Vec<String>,
}

/// Fixes the format of a source.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormatPin {
    /// A format's name; null: guess again.
    #[serde(deserialize_with = "Option::deserialize")] // null has a meaning, so absence is refused
    pub format: Option<String>,
}

/// One rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleDto {
    /// Its id.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: Option<String>,
    /// Severity.
    pub level: LevelDto,
    /// What it watches.
    pub logsource: String,
    /// Where it was read from.
    pub file: String,
    /// Sigma's status.
    pub status: Option<String>,
    /// Whether it is in force.
    pub enabled: bool,
    /// Whether it is of the centre's own, and can be edited here.
    pub own: bool,
    /// Matching events ever; null for those who do not see every agency.
    pub matches: Option<u64>,
    /// Latest match; null: none, or not for those who do not see every agency.
    pub last_match: Option<String>,
    /// What people judged its alerts to be; null for those who do not see every agency.
    pub verdicts: Option<RuleVerdicts>,
    /// Whether people judged nearly all of its alerts to be nothing.
    pub noisy: bool,
    /// How it stands by what arrived in the last 7 days; null: not asked for, switched off, or not loaded by detection.
    pub standing: Option<Standing>,
}

/// Verdicts on the alerts of a rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleVerdicts {
    /// Attacks.
    pub true_positive: u64,
    /// Mistakes of the rule.
    pub false_positive: u64,
    /// Real and harmless.
    pub benign: u64,
}

/// With so many verdicts of which fewer than one in ten is an attack, a rule is noisy.
const NOISY: u64 = 20;

impl RuleDto {
    pub(crate) fn new(r: &RuleInfo, matches: Option<u64>, last: Option<i64>, verdicts: Option<Verdicts>) -> Self {
        Self {
            own: r.own,
            noisy: verdicts.is_some_and(|v| v.judged() >= NOISY && v.true_positive * 10 < v.judged()),
            verdicts: verdicts.map(|v| RuleVerdicts { true_positive: v.true_positive, false_positive: v.false_positive, benign: v.benign }),
            id: r.id.clone(),
            title: r.title.clone(),
            title_vi: r.title_vi.clone(),
            level: r.level.into(),
            logsource: r.logsource.clone(),
            file: r.file.clone(),
            status: r.status.clone(),
            enabled: r.enabled,
            matches,
            last_match: last.map(time::to_rfc3339),
            standing: None,
        }
    }
}

/// All rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleList {
    /// In the order in which they are tried.
    pub items: Vec<RuleDto>,
    /// What was refused or doubtful.
    pub diagnostics: Vec<RuleDiagnostic>,
}

/// A rule with its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleDetail {
    /// The rule.
    #[serde(flatten)]
    pub rule: RuleDto,
    /// Its Sigma text.
    pub text: String,
}

/// The event store in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoreDto {
    /// Events searchable.
    pub events: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Indexes, one per day and retention class.
    pub indexes: u64,
    /// Damaged indexes that were set aside; anything but 0 needs an operator.
    pub quarantined: u64,
}

/// State of the service.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusReport {
    /// When this was read.
    pub generated_at: String,
    /// Version of the product.
    pub version: String,
    /// Role of the process.
    pub role: String,
    /// The durable log.
    pub bus: BusStatus,
    /// The event store.
    pub store: StoreDto,
    /// Rules.
    pub rules: RuleCounts,
    /// The disk of the data folder.
    pub disk: DiskStatus,
    /// Events per second, now.
    pub per_second: f64,
    /// How far behind detection and search are.
    pub lag: Lag,
    /// What detection remembers and what its bounds cost; empty where detection runs elsewhere.
    pub detection: Vec<DetectorStatus>,
    /// Seconds since the service started.
    pub uptime_s: u64,
}

/// That the service lives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always true.
    pub ok: bool,
}

/// What the live stream says every two seconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Tick {
    /// When.
    pub at: String,
    /// Events kept, of all sources the reader sees.
    pub events_total: u64,
    /// Events per second.
    pub per_second: f64,
    /// Open alerts.
    pub open_alerts: u64,
    /// How far behind detection and search are.
    pub lag: Lag,
    /// Sources that sent something within the last five minutes.
    pub sources_active: u64,
}
