//! A run of a playbook as it stands.

use std::collections::BTreeMap;

use fansipan_storage::{ResponseKind, ResponseRow};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    action::Decision,
    error::{ResponseError, Result},
};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Goes on by itself.
    Running,
    /// A person has a task.
    Waiting,
    /// Its last step is done.
    Done,
    /// Somebody ended it.
    Cancelled,
}

impl RunState {
    /// The word in JSON and in the state store.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Waiting => "waiting",
            RunState::Done => "done",
            RunState::Cancelled => "cancelled",
        }
    }
}

/// What a person is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The step.
    pub step: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// What to do, English.
    pub advice: String,
    /// What to do, Vietnamese.
    pub advice_vi: String,
    /// Answers to choose from.
    pub answers: Vec<String>,
    /// Since when, UTC nanoseconds.
    pub since: i64,
}

/// A step that was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its name.
    pub step: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// `skipped`, `done`, an action's state, an answer, or `to X`; empty while under way.
    pub outcome: String,
    /// The actions it asked for.
    pub actions: Vec<Uuid>,
    /// When it began, UTC nanoseconds.
    pub began: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// Who ended it; nobody for what the system does.
    pub who: Option<String>,
    /// What they noted, or why something was not asked for.
    pub note: String,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub agency: String,
    /// Of which incident, 32 hexadecimal digits.
    pub incident: String,
    /// Of which playbook.
    pub playbook: String,
    /// Its text when the run was started: a run is never changed from under those who follow it.
    pub source: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// Who started it.
    pub started: Decision,
    /// Where it stands.
    pub state: RunState,
    /// The step that is next or under way, by its place.
    pub place: usize,
    /// Whether that step has begun.
    pub begun: bool,
    /// When to look again.
    pub wake: Option<i64>,
    /// What a person is asked.
    pub task: Option<Task>,
    /// The steps reached so far.
    pub steps: Vec<StepRecord>,
    /// Answers by step.
    pub answers: BTreeMap<String, String>,
    /// Outcomes by step.
    pub outcomes: BTreeMap<String, String>,
    /// Changes so far.
    pub version: u64,
}

impl Run {
    pub(crate) fn row(&self) -> ResponseRow {
        ResponseRow {
            id: self.id,
            kind: ResponseKind::Run,
            agency: self.agency.clone(),
            state: self.state.as_str().to_owned(),
            incident: Some(self.incident.clone()),
            due: (self.state == RunState::Running).then(|| self.wake.unwrap_or(i64::MIN)),
            created: self.started.at,
            version: self.version,
            body: serde_json::to_string(self).unwrap_or_default(),
        }
    }

    pub(crate) fn read(row: &ResponseRow) -> Result<Run> {
        serde_json::from_str(&row.body).map_err(|e| ResponseError::Damaged { what: "run of a playbook", reason: e.to_string() })
    }
}
