//! What people decided not to be told of: exceptions to a rule, suppressions for a while, maintenance windows.

use serde::{Deserialize, Serialize};

/// Why alerts are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionKind {
    /// A rule is wrong about something that is known and allowed.
    #[default]
    Exception,
    /// Known, being dealt with: quiet for a while.
    Suppression,
    /// Planned work.
    Maintenance,
}

impl ExceptionKind {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            ExceptionKind::Exception => "exception",
            ExceptionKind::Suppression => "suppression",
            ExceptionKind::Maintenance => "maintenance",
        }
    }
}

/// Alerts that are kept and marked instead of shown. In force for events whose `event.ingested` lies in `from..until`, so that a
/// replay of the log holds back the same alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Its id.
    pub id: String,
    /// Why.
    pub kind: ExceptionKind,
    /// Only alerts of this rule; `None`: of every rule.
    pub rule: Option<String>,
    /// Only alerts of events that satisfy this filter of the query language; empty: of every event.
    pub filter: String,
    /// Only this agency's; `None`: every agency's.
    pub agency: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is right.
    pub reason: String,
    /// From this `event.ingested` on, UTC nanoseconds.
    pub from: i64,
    /// Before this `event.ingested`, UTC nanoseconds.
    pub until: i64,
    /// When it was made, UTC nanoseconds.
    pub created: i64,
    /// Who made it.
    pub made_by: String,
    /// Grows by one with each change; all versions are kept.
    pub version: u64,
}
