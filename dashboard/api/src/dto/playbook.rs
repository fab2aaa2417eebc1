//! Playbooks and their runs as the API shows them.

use fansipan_model::time;
use fansipan_response::{
    playbook::{Playbook, Run, StepRecord, Task},
    told,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{DecisionDto, JournalEntry, response::when};

/// A playbook.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlaybookDto {
    /// Its id.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// What it is for, English.
    pub summary: String,
    /// What it is for, Vietnamese.
    pub summary_vi: String,
    /// Incident group.
    pub group: String,
    /// Its steps.
    pub steps: u64,
    /// Whether it says of itself that it fits the incident asked about.
    pub fits: bool,
}

impl PlaybookDto {
    /// From a playbook.
    pub fn new(p: &Playbook, fits: bool) -> Self {
        Self {
            id: p.id.clone(),
            title: p.title.clone(),
            title_vi: p.title_vi.clone(),
            summary: p.summary.clone(),
            summary_vi: p.summary_vi.clone(),
            group: p.group.clone(),
            steps: p.steps.len() as u64,
            fits,
        }
    }
}

/// The playbooks, and why others were refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlaybookList {
    /// By id.
    pub items: Vec<PlaybookDto>,
    /// File, line, column and reason of those that do not read.
    pub refused: Vec<String>,
    /// The same in Vietnamese.
    pub refused_vi: Vec<String>,
}

/// A playbook with its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlaybookDetail {
    /// The playbook.
    #[serde(flatten)]
    pub playbook: PlaybookDto,
    /// Its YAML.
    pub text: String,
    /// Where it was read from.
    pub file: String,
}

/// Which incident playbooks should fit.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct PlaybookParams {
    /// An incident
    pub incident: Option<String>,
}

/// A playbook to start.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct RunRequest {
    /// Playbook id.
    pub playbook: String,
    /// Incident.
    pub incident: String,
}

/// The answer to a task.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct TaskAnswer {
    /// One of the task's answers.
    pub answer: String,
    /// What is worth noting.
    #[serde(default)]
    pub note: String,
}

/// What a person is asked to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ResponseTask {
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
    /// Since when.
    pub since: String,
}

impl From<&Task> for ResponseTask {
    fn from(t: &Task) -> Self {
        Self {
            step: t.step.clone(),
            title: t.title.clone(),
            title_vi: t.title_vi.clone(),
            advice: t.advice.clone(),
            advice_vi: t.advice_vi.clone(),
            answers: t.answers.clone(),
            since: time::to_rfc3339(t.since),
        }
    }
}

/// A step that a run reached.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunStep {
    /// Its name.
    pub step: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// skipped, done, an action's state, an answer, `to X`; empty while under way.
    pub outcome: String,
    /// Actions it asked for.
    pub actions: Vec<String>,
    /// When it began.
    pub began: String,
    /// When it ended.
    pub ended: Option<String>,
    /// Who ended it.
    pub who: Option<String>,
    /// What was noted.
    pub note: String,
    /// The same in Vietnamese where the system noted it.
    pub note_vi: String,
}

impl From<&StepRecord> for RunStep {
    fn from(s: &StepRecord) -> Self {
        Self {
            step: s.step.clone(),
            title: s.title.clone(),
            title_vi: s.title_vi.clone(),
            outcome: s.outcome.clone(),
            actions: s.actions.iter().map(ToString::to_string).collect(),
            began: time::to_rfc3339(s.began),
            ended: when(s.ended),
            who: s.who.clone(),
            note: s.note.clone(),
            note_vi: told(&s.note).vi,
        }
    }
}

/// A run of a playbook.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunDto {
    /// UUID.
    pub id: String,
    /// Whose it is.
    pub agency: String,
    /// Of which incident.
    pub incident: String,
    /// Of which playbook.
    pub playbook: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// Who started it.
    pub started: DecisionDto,
    /// running, waiting, done, cancelled
    pub state: String,
    /// When it goes on by itself.
    pub wake: Option<String>,
    /// What a person is asked.
    pub task: Option<ResponseTask>,
    /// Steps reached so far.
    pub steps: Vec<RunStep>,
}

impl From<&Run> for RunDto {
    fn from(r: &Run) -> Self {
        Self {
            id: r.id.to_string(),
            agency: r.agency.clone(),
            incident: r.incident.clone(),
            playbook: r.playbook.clone(),
            title: r.title.clone(),
            title_vi: r.title_vi.clone(),
            started: (&r.started).into(),
            state: r.state.as_str().to_owned(),
            wake: when(r.wake),
            task: r.task.as_ref().map(Into::into),
            steps: r.steps.iter().map(Into::into).collect(),
        }
    }
}

/// Runs, latest started first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunList {
    /// The runs.
    pub items: Vec<RunDto>,
}

/// A run with its journal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    pub run: RunDto,
    /// Every move, in order.
    pub journal: Vec<JournalEntry>,
}
