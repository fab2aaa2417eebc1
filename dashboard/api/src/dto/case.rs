//! The workspace of an incident as the API shows it.

use std::collections::BTreeMap;

use fansipan_model::{
    Word,
    case::{self, Demand, ItemBody, Stage},
    time,
};
use fansipan_storage::cases::Item;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{EntityKindDto, LevelDto};

/// How far the handling of an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageDto {
    /// Nobody has looked.
    New,
    /// It is known what it is.
    Triaged,
    /// It spreads no further.
    Contained,
    /// Its cause is removed.
    Eradicated,
    /// Service is restored.
    Recovered,
    /// Nothing remains to be done.
    Closed,
}

impl From<Stage> for StageDto {
    fn from(s: Stage) -> Self {
        match s {
            Stage::New => Self::New,
            Stage::Triaged => Self::Triaged,
            Stage::Contained => Self::Contained,
            Stage::Eradicated => Self::Eradicated,
            Stage::Recovered => Self::Recovered,
            Stage::Closed => Self::Closed,
        }
    }
}

impl From<StageDto> for Stage {
    fn from(s: StageDto) -> Self {
        match s {
            StageDto::New => Self::New,
            StageDto::Triaged => Self::Triaged,
            StageDto::Contained => Self::Contained,
            StageDto::Eradicated => Self::Eradicated,
            StageDto::Recovered => Self::Recovered,
            StageDto::Closed => Self::Closed,
        }
    }
}

/// A field that a stage demands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DemandDto {
    /// The stage that demands it.
    pub stage: StageDto,
    /// Its name.
    pub field: String,
    /// What it is, English.
    pub title: String,
    /// The same in Vietnamese.
    pub title_vi: String,
    /// Words it may be; empty: any text.
    pub words: Vec<String>,
}

impl DemandDto {
    /// Of every stage, in order.
    pub(crate) fn all() -> Vec<DemandDto> {
        let of = |stage: Stage| {
            let dto =
                move |d: Demand| DemandDto { stage: stage.into(), field: d.field, title: d.title, title_vi: d.title_vi, words: d.words };
            case::demands(stage).into_iter().map(dto)
        };
        Stage::ALL.into_iter().flat_map(of).collect()
    }
}

/// A clock of an incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClockDto {
    /// The stage it must have reached.
    pub stage: StageDto,
    /// Until when.
    pub due: String,
    /// When it did; null: not yet.
    pub reached: Option<String>,
    /// `met`, `missed` or `running`; `late`: running beyond its time.
    pub state: String,
    /// Seconds left; negative: late by so many. Of what was reached: how much was left then.
    pub seconds_left: i64,
}

/// Something in the workspace of an incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ItemDto {
    /// Its id.
    pub id: String,
    /// When it was put there.
    pub at: String,
    /// By whom.
    pub who: String,
    /// `note`, `task`, `indicator`, `person`, `evidence`, `event`, `stage`.
    pub kind: String,
    /// What it holds: `text`; or `title`, `done`, `assignee`, `due`; or `indicator`, `value`, `comment`; or `name`, `role`,
    /// `contact`; or `name`, `sha256`, `size`, `comment`, `custody`; or `event`, `seen`, `host`, `text`; or `from`, `to`, `reason`.
    #[schema(value_type = Object)]
    pub body: serde_json::Value,
    /// Pass back with a change.
    pub version: u64,
}

impl From<&Item> for ItemDto {
    fn from(item: &Item) -> Self {
        let mut body = serde_json::to_value(&item.body).unwrap_or_default();
        if let Some(map) = body.as_object_mut() {
            map.remove("kind");
            if let Some(due) = map.get("due").and_then(serde_json::Value::as_i64) {
                map.insert("due".into(), time::to_rfc3339(due).into());
            }
            if let Some(seen) = map.get("seen").and_then(serde_json::Value::as_i64) {
                map.insert("seen".into(), time::to_rfc3339(seen).into());
            }
            for hand in map.get_mut("custody").and_then(|c| c.as_array_mut()).into_iter().flatten() {
                if let Some(at) = hand.get("at").and_then(serde_json::Value::as_i64) {
                    hand["at"] = time::to_rfc3339(at).into();
                }
            }
        }
        Self {
            id: item.id.clone(),
            at: time::to_rfc3339(item.at),
            who: item.who.clone(),
            kind: item.body.kind().to_owned(),
            body,
            version: item.version,
        }
    }
}

/// What may be put into a workspace by hand.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ItemInput {
    /// Something to remember.
    Note {
        /// What.
        text: String,
    },
    /// Something to do.
    Task {
        /// What.
        title: String,
        /// Whether it is done.
        #[serde(default)]
        done: bool,
        /// Who does it.
        #[serde(default)]
        assignee: Option<String>,
        /// Until when, RFC 3339.
        #[serde(default)]
        due: Option<String>,
    },
    /// A trace by which the attack is recognised elsewhere.
    Indicator {
        /// `ip`, `domain`, `url`, `hash`, `email`, `file`.
        indicator: String,
        /// Its value.
        value: String,
        /// What it is.
        #[serde(default)]
        comment: String,
    },
    /// Somebody who is part of it.
    Person {
        /// Who.
        name: String,
        /// As what.
        role: String,
        /// How to reach them.
        #[serde(default)]
        contact: String,
    },
    /// An event that belongs to what happened; once in an incident.
    Event {
        /// Its id.
        event: String,
    },
}

const BAD_DUE: Word = Word::new("due is a time such as 2026-11-23T10:00:00Z", "due là thời điểm như 2026-11-23T10:00:00Z");
const FIXED_EVENT: Word = Word::new(
    "an event stands as it was recorded: take it out, or add another",
    "sự kiện giữ nguyên như đã ghi: hãy bỏ ra, hoặc thêm sự kiện khác",
);

impl ItemInput {
    /// What is kept of it. Errors: why it cannot be kept as it is.
    pub(crate) fn body(self) -> Result<ItemBody, Word> {
        Ok(match self {
            Self::Note { text } => ItemBody::Note { text },
            Self::Task { title, done, assignee, due } => {
                let due = match due {
                    Some(text) => Some(time::from_rfc3339(&text).ok_or(BAD_DUE)?),
                    None => None,
                };
                ItemBody::Task { title, done, assignee, due }
            }
            Self::Indicator { indicator, value, comment } => ItemBody::Indicator { indicator, value, comment },
            Self::Person { name, role, contact } => ItemBody::Person { name, role, contact },
            Self::Event { .. } => return Err(FIXED_EVENT),
        })
    }
}

/// Something to put into a workspace.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ItemCreation {
    /// What.
    #[serde(flatten)]
    pub item: ItemInput,
}

/// A change of something in a workspace.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemChange {
    /// What it is now; null: it is taken out.
    pub item: Option<ItemInput>,
    /// The version seen.
    pub version: u64,
}

/// Leads an incident to another stage, or changes what is known.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StageChange {
    /// To which; the same as now: only facts change.
    pub stage: StageDto,
    /// Facts to add or replace; an empty text forgets one. `system_level` (1–5) sets the clocks.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// Why; demanded when it goes back.
    #[serde(default)]
    pub reason: String,
    /// The version of the incident seen.
    pub version: u64,
}

/// The workspace of an incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkspaceDto {
    /// How far its handling is.
    pub stage: StageDto,
    /// What is known.
    pub facts: BTreeMap<String, String>,
    /// What the stages demand.
    pub demands: Vec<DemandDto>,
    /// Its clocks.
    pub clocks: Vec<ClockDto>,
    /// Notes, tasks, indicators, people, evidence, stages; earliest first.
    pub items: Vec<ItemDto>,
    /// Who else has it open now.
    pub present: Vec<String>,
    /// Version of the incident; pass back with a change of stage.
    pub version: u64,
}

/// Who has an incident open.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Present {
    /// Their names, the caller's too.
    pub present: Vec<String>,
}

/// One entry of a timeline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// `event`, `alert`, `note`, `task`, `indicator`, `person`, `evidence`, `stage`, `decision`.
    pub kind: String,
    /// Id of the event, alert or item; of a decision its number in the trail.
    pub id: String,
    /// Who did it; null for events and alerts.
    pub who: Option<String>,
    /// English.
    pub text: String,
    /// Vietnamese.
    pub text_vi: String,
    /// Level of an alert.
    pub level: Option<LevelDto>,
    /// The source of an event.
    pub source: Option<String>,
    /// When an event was received, by the centre's clock, RFC 3339 in UTC.
    pub received: Option<String>,
    /// How far the clock of that source is ahead of the centre's, nanoseconds; null: not measured.
    pub skew: Option<i64>,
}

/// Everything that happened in an incident, in order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineDto {
    /// The zone of every `at`: `UTC`.
    pub zone: String,
    /// Earliest first.
    pub entries: Vec<TimelineEntry>,
    /// Whether a limit left entries out.
    pub complete: bool,
}

/// A thing in the graph of an incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GraphNode {
    /// `kind:value`.
    pub id: String,
    /// What it is.
    pub kind: EntityKindDto,
    /// Its value.
    pub value: String,
    /// Alerts of the incident about it; 0: found by expanding.
    pub alerts: u64,
    /// The highest level of them.
    pub level: Option<LevelDto>,
}

/// A relation in the graph of an incident.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GraphEdge {
    /// Id of a node.
    pub from: String,
    /// Id of a node.
    pub to: String,
    /// `alert`: they are in the same alert; `event`: in the same events.
    pub kind: String,
    /// How many.
    pub count: u64,
}

/// What an incident is about, and how it belongs together.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct GraphDto {
    /// The things.
    pub nodes: Vec<GraphNode>,
    /// Their relations.
    pub edges: Vec<GraphEdge>,
}

/// Which part of the graph to add.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GraphParams {
    /// `kind:value` of a node: what its events of the incident's time name beside it is added.
    pub expand: Option<String>,
}

/// About a file that is handed in.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EvidenceParams {
    /// Its name.
    pub name: String,
    /// What it shows.
    #[serde(default)]
    pub comment: String,
}
