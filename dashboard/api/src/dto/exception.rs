//! Exceptions, suppressions and maintenance windows as the API shows them.

use fansipan_model::{Exception, ExceptionKind, time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AlertDto;

/// Why alerts are held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionKindDto {
    /// A rule is wrong about something that is known and allowed.
    #[default]
    Exception,
    /// Known, being dealt with: quiet for a while.
    Suppression,
    /// Planned work.
    Maintenance,
}

impl From<ExceptionKind> for ExceptionKindDto {
    fn from(kind: ExceptionKind) -> Self {
        match kind {
            ExceptionKind::Exception => Self::Exception,
            ExceptionKind::Suppression => Self::Suppression,
            ExceptionKind::Maintenance => Self::Maintenance,
        }
    }
}

impl From<ExceptionKindDto> for ExceptionKind {
    fn from(kind: ExceptionKindDto) -> Self {
        match kind {
            ExceptionKindDto::Exception => Self::Exception,
            ExceptionKindDto::Suppression => Self::Suppression,
            ExceptionKindDto::Maintenance => Self::Maintenance,
        }
    }
}

/// An exception to make: at least a rule, a filter or, for maintenance, an agency.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExceptionCreation {
    /// Why alerts are held back.
    pub kind: ExceptionKindDto,
    /// Only this rule's alerts; null: every rule's.
    pub rule: Option<String>,
    /// Only alerts of events that satisfy this filter of the query language.
    pub filter: String,
    /// Only this agency's alerts; null: every agency's.
    pub agency: Option<String>,
    /// Who answers for it: a user; null: the caller.
    pub owner: Option<String>,
    /// Why it is right.
    pub reason: String,
    /// From when on, RFC 3339; null: in a few seconds.
    pub from: Option<String>,
    /// Until when: RFC 3339, or how long from its beginning (`8h`, `30d`).
    pub until: String,
}

/// What to change; null stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExceptionUpdate {
    /// Until when: RFC 3339, or how long from now (`30d`); `now` ends it.
    pub until: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Why it is still right.
    pub reason: Option<String>,
    /// The version the caller has seen; another one in the store refuses the change.
    pub version: u64,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExceptionDto {
    /// Its id; `suppressed` of the alerts it holds back.
    pub id: String,
    /// Why alerts are held back.
    pub kind: ExceptionKindDto,
    /// Only this rule's alerts.
    pub rule: Option<String>,
    /// Only alerts of events that satisfy it.
    pub filter: String,
    /// Only this agency's alerts.
    pub agency: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is right.
    pub reason: String,
    /// In force from this `event.ingested` on.
    pub from: String,
    /// In force before this `event.ingested`.
    pub until: String,
    /// Whether it is in force now.
    pub active: bool,
    /// When it was made.
    pub created: String,
    /// Who made it.
    pub made_by: String,
    /// Grows by one with each change.
    pub version: u64,
}

impl ExceptionDto {
    /// As it stands now.
    pub fn new(e: &Exception, now: i64) -> Self {
        Self {
            id: e.id.clone(),
            kind: e.kind.into(),
            rule: e.rule.clone(),
            filter: e.filter.clone(),
            agency: e.agency.clone(),
            owner: e.owner.clone(),
            reason: e.reason.clone(),
            from: time::to_rfc3339(e.from),
            until: time::to_rfc3339(e.until),
            active: (e.from..e.until).contains(&now),
            created: time::to_rfc3339(e.created),
            made_by: e.made_by.clone(),
            version: e.version,
        }
    }
}

/// Exceptions.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExceptionList {
    /// Latest made first.
    pub items: Vec<ExceptionDto>,
}

/// One with its history.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExceptionDetail {
    /// As it is.
    #[serde(flatten)]
    pub exception: ExceptionDto,
    /// Every version, oldest first.
    pub versions: Vec<ExceptionDto>,
}

/// Which exceptions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExceptionParams {
    /// Those that have ended too.
    pub all: Option<bool>,
}

/// What an exception would have held back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PreviewRequest {
    /// Only this rule's alerts; null: every rule's.
    pub rule: Option<String>,
    /// Only alerts of events that satisfy this filter of the query language.
    pub filter: String,
    /// Only this agency's alerts; null: every agency's.
    pub agency: Option<String>,
    /// How far back: `7d`, or RFC 3339; 7 days unless given.
    pub since: Option<String>,
}

/// What an exception would have held back.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// Since when.
    pub since: String,
    /// Stored events that it would have kept from raising or feeding an alert, by the rules in force now.
    pub events: u64,
    /// The same by rule, most first.
    pub rules: Vec<PreviewRule>,
    /// Stored alerts that it would have held back, judged by the events they list.
    pub alerts: u64,
    /// Stored alerts of which it would have held back a part.
    pub partly: u64,
    /// Those held back that people judged true: a reason to think again.
    pub true_positives: u64,
    /// The latest of the alerts held back, at most 50.
    pub items: Vec<AlertDto>,
    /// Whether everything in the range was looked at.
    pub complete: bool,
}

/// A rule in a preview.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewRule {
    /// Its id.
    pub id: String,
    /// English title.
    pub title: String,
    /// Events.
    pub events: u64,
}
