//! Incidents as the terminal reads them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Alert, Entity, Level, Status};

/// An incident, of a list or with its story.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Incident {
    /// 32 hexadecimal digits.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// Groups of Decision 05/2017.
    pub groups: Vec<String>,
    /// The highest level of its alerts.
    pub level: Level,
    /// Where it stands.
    pub status: Status,
    /// Who holds it.
    pub assignee: Option<String>,
    /// When it was opened.
    pub opened: Timestamp,
    /// Earliest event.
    pub first_seen: Timestamp,
    /// Latest event.
    pub last_seen: Timestamp,
    /// Alerts.
    pub alerts: u64,
    /// Events.
    pub events: u64,
    /// Tactics in the order of an attack.
    pub tactics: Vec<String>,
    /// What it is about.
    pub entities: Vec<Entity>,
    /// Whether all of it is a drill.
    pub drill: bool,
    /// Pass back with a change.
    pub version: u64,
    /// What happened; only with details.
    pub story: Vec<Step>,
    /// Its alerts; only with details.
    pub items: Vec<Alert>,
}

/// One step of a story.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Step {
    /// Its alert.
    pub alert: String,
    /// When it began.
    pub at: Timestamp,
    /// The tactic.
    pub tactic: Option<String>,
    /// English.
    pub text: String,
    /// Vietnamese.
    pub text_vi: String,
}

/// A field that a stage demands.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Demand {
    /// The stage.
    pub stage: String,
    /// Its name.
    pub field: String,
    /// English.
    pub title: String,
    /// Vietnamese.
    pub title_vi: String,
    /// Words it may be; empty: any text.
    pub words: Vec<String>,
}

/// A clock of an incident.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Clock {
    /// The stage it must have reached.
    pub stage: String,
    /// `met`, `missed`, `running`, `late`.
    pub state: String,
    /// Seconds left.
    pub seconds_left: i64,
}

/// Something in the workspace of an incident.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// When it was put there.
    pub at: Timestamp,
    /// By whom.
    pub who: String,
    /// `note`, `task`, `indicator`, `person`, `evidence`, `event`, `stage`.
    pub kind: String,
    /// What it holds.
    pub body: Map<String, Value>,
}

/// The workspace of an incident.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workspace {
    /// How far its handling is.
    pub stage: String,
    /// What is known.
    pub facts: BTreeMap<String, String>,
    /// What the stages demand.
    pub demands: Vec<Demand>,
    /// Its clocks.
    pub clocks: Vec<Clock>,
    /// What was put there.
    pub items: Vec<Item>,
    /// Who else has it open.
    pub present: Vec<String>,
    /// Version of the incident.
    pub version: u64,
}

/// Everything that happened in an incident, in order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Timeline {
    /// Earliest first.
    pub entries: Vec<Entry>,
    /// Whether it is whole.
    pub complete: bool,
}

/// One entry of a timeline.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// `event`, `alert`, `note`, `task`, `indicator`, `person`, `evidence`, `stage`, `decision`.
    pub kind: String,
    /// Id of the event, alert or item.
    pub id: String,
    /// Who did it.
    pub who: Option<String>,
    /// English.
    pub text: String,
    /// Vietnamese.
    pub text_vi: String,
    /// When an event was received, by the centre's clock.
    pub received: Option<Timestamp>,
    /// How far the clock of its source is ahead of the centre's, nanoseconds.
    pub skew: Option<i64>,
}
