//! Playbooks: what is done about an incident, step by step, as YAML that people read and change.
//!
//! Steps run in order, each at most once; a branch goes forward only, so that every run ends. See `playbooks/README.md`.

mod condition;
mod engine;
mod facts;
mod library;
mod parse;
mod run;

use serde::Deserialize;
use thiserror::Error;

pub use self::{
    condition::Condition,
    facts::{Incidents, StoredIncidents},
    library::Library,
    parse::parse,
    run::{Run, RunState, StepRecord, Task},
};
use crate::config::Span;

/// Why a playbook was refused, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("FSP-ACT-030 {file}:{line}:{column}: {message}")]
pub struct Fault {
    /// File, or where the text came from.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// A playbook.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Its name: letters, digits and `-`.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// What it is for, in English.
    pub summary: String,
    /// The same in Vietnamese.
    pub summary_vi: String,
    /// The incident group of Decision 05/2017, or `system-fault`, `operator-fault`.
    pub group: String,
    /// Which incidents it fits: an expression over their fields.
    pub when: String,
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step; exactly one of `action`, `notify`, `wait`, `task`, `branch`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name: letters, digits and `_`.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// Whether it is done; without: always.
    #[serde(rename = "if")]
    pub condition: Option<String>,
    /// Acts on a device.
    pub action: Option<ActionStep>,
    /// Tells people or systems.
    pub notify: Option<NotifyStep>,
    /// Waits.
    pub wait: Option<Span>,
    /// Asks a person.
    pub task: Option<TaskStep>,
    /// Goes on elsewhere.
    pub branch: Option<Vec<Arm>>,
}

/// What a step acts on: things of the incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// Addresses from outside.
    OutsideAddresses,
    /// Addresses inside.
    InsideAddresses,
    /// Accounts.
    Accounts,
}

/// A step that acts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionStep {
    /// On what.
    pub on: Aim,
    /// Which part the device plays; `[response.roles]` says which it is.
    pub role: String,
    /// How long it holds.
    #[serde(rename = "for")]
    pub lasts: Option<Span>,
}

/// A step that tells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyStep {
    /// Which part the device plays.
    pub role: String,
    /// Subject, Vietnamese.
    pub subject_vi: String,
    /// Text, Vietnamese; `{title}`, `{id}`, `{level}`, `{agency}`, `{addresses}`, `{accounts}`, `{hosts}` are filled in.
    pub text_vi: String,
    /// Text, English; follows the Vietnamese one.
    pub text: String,
}

/// A step for a person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskStep {
    /// What to do, English.
    pub advice: String,
    /// What to do, Vietnamese.
    pub advice_vi: String,
    /// Answers to choose from; without: `done`.
    #[serde(default = "done")]
    pub answers: Vec<String>,
}

fn done() -> Vec<String> {
    vec!["done".to_owned()]
}

/// One way on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// When it is taken; without: always.
    #[serde(rename = "if")]
    pub condition: Option<String>,
    /// A later step, or `end`.
    pub to: String,
}

/// Where a branch goes that ends the run.
pub(crate) const END: &str = "end";
