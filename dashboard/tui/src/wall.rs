//! What the wall shows, as the API gives it: the overview, and the one answer made for the wall.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::data::{Bucket, Incident, Lag, Level, Status, Step, ValueCount};

/// Events in the overview.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Events {
    /// In the range.
    pub total: u64,
    /// Now.
    pub per_second: f64,
}

/// Alerts in the overview.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// Open.
    pub open: u64,
    /// Open ones by level.
    pub by_level: BTreeMap<String, u64>,
    /// Raised within the last hour.
    pub new_last_hour: u64,
}

/// Sources in the overview.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sources {
    /// Ever seen.
    pub total: u64,
    /// That send.
    pub active: u64,
    /// The others.
    pub silent: u64,
    /// Share of records that no format understood.
    pub unparsed_share: Option<f64>,
}

/// The commonest values.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Top {
    /// `source.ip`
    pub source_ip: Vec<ValueCount>,
    /// `user.name`
    pub user: Vec<ValueCount>,
    /// `host.name`
    pub host: Vec<ValueCount>,
}

/// Counters of the founding document; null: no source yet, which is not zero.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Open now.
    pub incidents: Option<u64>,
    /// Vulnerabilities.
    pub vulnerabilities: Option<u64>,
    /// High and critical alerts of the range that nobody judged false or harmless.
    pub attacks: Option<u64>,
}

/// A number against what is usual.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Trend {
    /// In the last hour.
    pub now: f64,
    /// The mean of the same hour of the weeks before.
    pub usual: Option<f64>,
}

/// Numbers against what is usual.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Trends {
    /// Events.
    pub events: Trend,
    /// Alerts.
    pub alerts: Trend,
    /// Attacks.
    pub attacks: Trend,
}

/// Are we under attack, are we blind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Overview {
    /// When these numbers were computed.
    pub generated_at: Timestamp,
    /// Events.
    pub events: Events,
    /// Alerts.
    pub alerts: Alerts,
    /// Sources.
    pub sources: Sources,
    /// Events over the range.
    pub histogram: Vec<Bucket>,
    /// The commonest values.
    pub top: Top,
    /// How far behind.
    pub lag: Lag,
    /// Counters.
    pub counters: Counters,
    /// Against the usual.
    pub trends: Trends,
    /// When the latest record arrived.
    pub latest_record: Option<Timestamp>,
}

/// An alert as the wall names it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WallAlert {
    /// Its id.
    pub id: String,
    /// Severity.
    pub level: Level,
    /// English.
    pub title: String,
    /// Vietnamese.
    pub title_vi: Option<String>,
    /// When it was raised.
    pub raised: Timestamp,
    /// Where it stands.
    pub status: Status,
    /// Who holds it.
    pub assignee: Option<String>,
}

/// A source as the wall names it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WallSource {
    /// Stable name.
    pub id: String,
    /// Host named in its records.
    pub host: Option<String>,
    /// Whether it sends.
    pub active: bool,
    /// Latest record.
    pub last_seen: Timestamp,
    /// Kept.
    pub kept: u64,
    /// Refused.
    pub refused: u64,
}

/// The story that is on the wall.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Story {
    /// Its incident.
    pub incident: String,
    /// Its latest steps.
    pub steps: Vec<Step>,
}

/// A disk, bytes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Disk {
    /// Free.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// What the wall shows besides the overview.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wall {
    /// When this was read.
    pub generated_at: Timestamp,
    /// Open critical and high alerts.
    pub alerts: Vec<WallAlert>,
    /// Whether there are more.
    pub more: bool,
    /// Open incidents.
    pub incidents: Vec<Incident>,
    /// Of the latest critical incident that nobody has taken.
    pub story: Option<Story>,
    /// Sources.
    pub sources: Vec<WallSource>,
    /// The disk of the data folder.
    pub disk: Disk,
    /// What is wrong with the durable log.
    pub alarm: Option<String>,
}
