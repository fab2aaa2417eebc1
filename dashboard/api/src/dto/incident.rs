//! Incidents as the API shows them.

use fansipan_model::{Incident, incident::Step, time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AlertDto, EntityDto, LevelDto, StatusDto};

/// An incident: alerts that belong together.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IncidentDto {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Whose it is.
    pub agency: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// Groups of Decision 05/2017 (`malware`, `unauthorized-access`…); several: combined.
    pub groups: Vec<String>,
    /// The highest level of its alerts.
    pub level: LevelDto,
    /// Where it stands.
    pub status: StatusDto,
    /// Who holds it.
    pub assignee: Option<String>,
    /// When it was opened.
    pub opened: String,
    /// Earliest event.
    pub first_seen: String,
    /// Latest event.
    pub last_seen: String,
    /// Alerts, exact.
    pub alerts: u64,
    /// Events of its alerts, exact.
    pub events: u64,
    /// Tactics in the order of an attack.
    pub tactics: Vec<String>,
    /// What it is about.
    pub entities: Vec<EntityDto>,
    /// Whether all of it is a drill.
    pub drill: bool,
    /// The incident it was merged into.
    pub merged_into: Option<String>,
    /// Pass back with a change.
    pub version: u64,
}

impl From<&Incident> for IncidentDto {
    fn from(i: &Incident) -> Self {
        Self {
            id: i.state.id.to_string(),
            agency: i.state.agency.clone(),
            title: i.title.clone(),
            title_vi: i.title_vi.clone(),
            groups: i.groups.clone(),
            level: i.level.into(),
            status: i.state.status.into(),
            assignee: i.state.assignee.clone(),
            opened: time::to_rfc3339(i.state.opened),
            first_seen: time::to_rfc3339(i.first_seen),
            last_seen: time::to_rfc3339(i.last_seen),
            alerts: i.alerts,
            events: i.events,
            tactics: i.tactics.clone(),
            entities: i.entities.iter().map(EntityDto::from).collect(),
            drill: i.drill,
            merged_into: i.state.merged_into.map(|id| id.to_string()),
            version: i.state.version,
        }
    }
}

/// One step of an incident's story.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StepDto {
    /// Its alert.
    pub alert: String,
    /// When it began.
    pub at: String,
    /// The tactic.
    pub tactic: Option<String>,
    /// One sentence in English.
    pub text: String,
    /// The same in Vietnamese.
    pub text_vi: String,
}

impl From<Step> for StepDto {
    fn from(s: Step) -> Self {
        Self { alert: s.alert.to_string(), at: time::to_rfc3339(s.at), tactic: s.tactic, text: s.text, text_vi: s.text_vi }
    }
}

/// An incident with its story and alerts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IncidentDetail {
    /// The incident.
    #[serde(flatten)]
    pub incident: IncidentDto,
    /// What happened, step by step.
    pub story: Vec<StepDto>,
    /// Its first 500 alerts, earliest first.
    pub items: Vec<AlertDto>,
}

/// Incidents, latest opened first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IncidentList {
    /// The incidents.
    pub items: Vec<IncidentDto>,
}

/// Which incidents to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct IncidentParams {
    /// open (default), all, or words such as new,true_positive
    pub status: Option<String>,
    /// Opened since: an instant or a span such as 24h
    pub since: Option<String>,
    /// At most so many (500)
    pub limit: Option<usize>,
}

/// A decision about an incident. Each can be undone: merge by unmerge, split by merging back, detach by attach.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum IncidentDecision {
    /// Take or judge it.
    Status {
        /// To what.
        status: StatusDto,
    },
    /// Give it to somebody or nobody.
    Assign {
        /// Log-in name.
        assignee: Option<String>,
    },
    /// It is part of another one.
    Merge {
        /// Which.
        into: String,
    },
    /// It stands for itself again.
    Unmerge,
    /// Some of its alerts are an incident of their own.
    Split {
        /// Which.
        alerts: Vec<String>,
    },
    /// An alert does not belong to it.
    Detach {
        /// Which.
        alert: String,
    },
    /// An alert belongs to it.
    Attach {
        /// Which.
        alert: String,
    },
}

/// A decision with the version it is about.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct IncidentChangeDto {
    /// What.
    #[serde(flatten)]
    pub decision: IncidentDecision,
    /// Why.
    pub reason: Option<String>,
    /// The version seen.
    pub version: u64,
}
