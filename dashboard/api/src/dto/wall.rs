//! What the videowall shows: no more of each thing than a screen holds, so that a stolen screen's credential reads little.

use fansipan_model::{Alert, SourceInfo, time};
use serde::Serialize;
use utoipa::ToSchema;

use super::{IncidentDto, LevelDto, StatusDto, StepDto};
use crate::ports::{DiskStatus, Lag};

/// An alert as the wall names it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WallAlert {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Severity.
    pub level: LevelDto,
    /// English title of its rule.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: Option<String>,
    /// When it was raised.
    pub raised: String,
    /// Where it stands.
    pub status: StatusDto,
    /// Who holds it.
    pub assignee: Option<String>,
}

impl From<&Alert> for WallAlert {
    fn from(a: &Alert) -> Self {
        Self {
            id: a.id.to_string(),
            level: a.rule.level.into(),
            title: a.rule.title.clone(),
            title_vi: a.rule.title_vi.clone(),
            raised: time::to_rfc3339(a.raised),
            status: a.status.into(),
            assignee: a.assignee.clone(),
        }
    }
}

/// A source as the wall names it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WallSource {
    /// Stable name.
    pub id: String,
    /// Host named in its records.
    pub host: Option<String>,
    /// Whether it sent something within the last five minutes.
    pub active: bool,
    /// Latest record.
    pub last_seen: String,
    /// Records kept.
    pub kept: u64,
    /// Records refused.
    pub refused: u64,
}

impl WallSource {
    pub(crate) fn new(s: &SourceInfo, active: bool) -> Self {
        Self {
            id: s.id.clone(),
            host: s.host.clone(),
            active,
            last_seen: time::to_rfc3339(s.last_seen),
            kept: s.counters.kept,
            refused: s.counters.refused.values().fold(0_u64, |sum, n| sum.saturating_add(*n)),
        }
    }
}

/// The story of the incident that is on the wall.
#[derive(Debug, Serialize, ToSchema)]
pub struct WallStory {
    /// Its id.
    pub incident: String,
    /// Its latest steps, earliest first.
    pub steps: Vec<StepDto>,
}

/// What the videowall shows besides the overview.
#[derive(Debug, Serialize, ToSchema)]
pub struct WallData {
    /// When this was read.
    pub generated_at: String,
    /// Open critical and high alerts, newest first, at most 100.
    pub alerts: Vec<WallAlert>,
    /// Whether there are more.
    pub more: bool,
    /// Open incidents, latest opened first, at most 50.
    pub incidents: Vec<IncidentDto>,
    /// Of the latest critical incident that nobody has taken; null: there is none.
    pub story: Option<WallStory>,
    /// Sources.
    pub sources: Vec<WallSource>,
    /// How far behind detection and search are.
    pub lag: Lag,
    /// The disk of the data folder.
    pub disk: DiskStatus,
    /// What is wrong with the durable log; null: nothing.
    pub alarm: Option<String>,
}
