//! Alerts as the API shows them: [`fansipan_model::Alert`] with times as RFC 3339 text.

use fansipan_model::{Alert, AlertStatus, EntityKind, Level, time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::EventJson;

/// Sigma's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LevelDto {
    /// Worth knowing.
    Informational,
    /// Notable in combination.
    Low,
    /// Look within the day.
    Medium,
    /// Look now.
    High,
    /// Wake somebody.
    Critical,
}

impl From<Level> for LevelDto {
    fn from(level: Level) -> Self {
        match level {
            Level::Informational => Self::Informational,
            Level::Low => Self::Low,
            Level::Medium => Self::Medium,
            Level::High => Self::High,
            Level::Critical => Self::Critical,
        }
    }
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusDto {
    /// Nobody took it.
    New,
    /// Somebody took it.
    Acknowledged,
    /// An attack.
    TruePositive,
    /// A mistake of the rule.
    FalsePositive,
    /// Real and harmless.
    Benign,
}

impl From<AlertStatus> for StatusDto {
    fn from(status: AlertStatus) -> Self {
        match status {
            AlertStatus::New => Self::New,
            AlertStatus::Acknowledged => Self::Acknowledged,
            AlertStatus::TruePositive => Self::TruePositive,
            AlertStatus::FalsePositive => Self::FalsePositive,
            AlertStatus::Benign => Self::Benign,
        }
    }
}

impl From<StatusDto> for AlertStatus {
    fn from(status: StatusDto) -> Self {
        match status {
            StatusDto::New => Self::New,
            StatusDto::Acknowledged => Self::Acknowledged,
            StatusDto::TruePositive => Self::TruePositive,
            StatusDto::FalsePositive => Self::FalsePositive,
            StatusDto::Benign => Self::Benign,
        }
    }
}

/// What an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntityKindDto {
    /// A host name.
    Host,
    /// An account.
    User,
    /// A network address.
    Address,
    /// A file.
    File,
    /// A hash.
    Hash,
    /// A program.
    Process,
    /// A domain name.
    Domain,
}

impl From<EntityKind> for EntityKindDto {
    fn from(kind: EntityKind) -> Self {
        match kind {
            EntityKind::Host => Self::Host,
            EntityKind::User => Self::User,
            EntityKind::Address => Self::Address,
            EntityKind::File => Self::File,
            EntityKind::Hash => Self::Hash,
            EntityKind::Process => Self::Process,
            EntityKind::Domain => Self::Domain,
        }
    }
}

/// The rule behind an alert, as it was when it fired.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleRefDto {
    /// The rule's id.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: Option<String>,
    /// Severity.
    pub level: LevelDto,
    /// SHA-256 of the rule's text, hexadecimal.
    pub hash: String,
    /// `attack.t1110`…
    pub tags: Vec<String>,
    /// What to do, English.
    pub advice: Option<String>,
    /// What to do, Vietnamese.
    pub advice_vi: Option<String>,
}

/// A thing an alert is about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EntityDto {
    /// What it is.
    pub kind: EntityKindDto,
    /// The field it came from.
    pub field: String,
    /// Its value.
    pub value: String,
}

impl From<&fansipan_model::Entity> for EntityDto {
    fn from(e: &fansipan_model::Entity) -> Self {
        Self { kind: e.kind.into(), field: e.field.clone(), value: e.value.clone() }
    }
}

/// A field that made the rule match.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatchedFieldDto {
    /// Dotted name.
    pub field: String,
    /// Value as text.
    pub value: String,
}

/// One alert.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AlertDto {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Whose it is.
    pub agency: String,
    /// The rule.
    pub rule: RuleRefDto,
    /// `@timestamp` of the earliest event.
    pub first_seen: String,
    /// `@timestamp` of the latest event.
    pub last_seen: String,
    /// When the alert was raised.
    pub raised: String,
    /// Matching events, exact.
    pub count: u64,
    /// What it is about.
    pub entities: Vec<EntityDto>,
    /// What all its events share besides the rule.
    pub group: Vec<String>,
    /// Fields that made the rule match.
    pub matched: Vec<MatchedFieldDto>,
    /// Ids of the first events.
    pub event_ids: Vec<String>,
    /// Message of the first event.
    pub summary: String,
    /// Where it stands.
    pub status: StatusDto,
    /// Who holds it.
    pub assignee: Option<String>,
    /// Whether it is part of a drill.
    pub drill: bool,
    /// The exception that holds it back: kept, not shown as work.
    pub suppressed: Option<String>,
    /// Grows by one with each change; sent back with a change.
    pub version: u64,
}

impl AlertDto {
    /// The alert without what its events say: for readers who see that there is one, and no more.
    pub(crate) fn outline(self) -> Self {
        Self { entities: Vec::new(), matched: Vec::new(), group: Vec::new(), event_ids: Vec::new(), summary: String::new(), ..self }
    }
}

impl From<&Alert> for AlertDto {
    fn from(a: &Alert) -> Self {
        let rule = RuleRefDto {
            id: a.rule.id.clone(),
            title: a.rule.title.clone(),
            title_vi: a.rule.title_vi.clone(),
            level: a.rule.level.into(),
            hash: a.rule.hash.clone(),
            tags: a.rule.tags.clone(),
            advice: a.rule.advice.clone(),
            advice_vi: a.rule.advice_vi.clone(),
        };
        Self {
            id: a.id.to_string(),
            agency: a.agency.clone(),
            rule,
            first_seen: time::to_rfc3339(a.first_seen),
            last_seen: time::to_rfc3339(a.last_seen),
            raised: time::to_rfc3339(a.raised),
            count: a.count,
            entities: a.entities.iter().map(EntityDto::from).collect(),
            group: a.group.clone(),
            matched: a.matched.iter().map(|m| MatchedFieldDto { field: m.field.clone(), value: m.value.clone() }).collect(),
            event_ids: a.events.iter().map(ToString::to_string).collect(),
            summary: a.summary.clone(),
            status: a.status.into(),
            assignee: a.assignee.clone(),
            drill: a.drill,
            suppressed: a.suppressed.clone(),
            version: a.version,
        }
    }
}

/// One thing done to an alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertAct {
    /// When.
    pub at: String,
    /// Who.
    pub who: String,
    /// The status given, for a verdict.
    pub status: Option<String>,
    /// Why, for a verdict.
    pub reason: Option<String>,
    /// Whom it was given to, for an assignment; null also: nobody.
    pub assignee: Option<String>,
}

/// An alert with its first events and what was done to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertDetail {
    /// The alert.
    #[serde(flatten)]
    pub alert: AlertDto,
    /// Reason of the latest verdict.
    pub reason: Option<String>,
    /// Verdicts and assignments, newest first, at most 50.
    pub history: Vec<AlertAct>,
    /// Its first events that are still kept.
    pub events: Vec<EventJson>,
}

/// An alert of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueuedAlert {
    /// The alert.
    #[serde(flatten)]
    pub alert: AlertDto,
    /// Its place in the queue when it was raised, 0 to 2250: level × confidence × risk.
    pub priority: u32,
}

/// An alert of the live stream.
#[derive(Debug, Serialize)]
pub struct ToldAlert {
    /// The alert.
    #[serde(flatten)]
    pub alert: AlertDto,
    /// As [`QueuedAlert::priority`]; told when the alert is raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
}

/// A page of alerts.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertPage {
    /// The alerts, newest first or as asked.
    pub items: Vec<QueuedAlert>,
    /// What to pass as `after` for the next page; null: this was the last.
    pub next: Option<String>,
    /// Alerts that fit the filter, on all pages; at least so many when `total_exact` is false.
    pub total: u64,
    /// Whether `total` is exact.
    pub total_exact: bool,
}

/// Which alerts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertParams {
    /// `open` (new and acknowledged, the default), `all`, or one status.
    pub status: Option<String>,
    /// Levels, comma-separated.
    pub level: Option<String>,
    /// A rule's id.
    pub rule: Option<String>,
    /// Words that stand in title, summary or an entity.
    pub q: Option<String>,
    /// About this host, address, account, hash or whatever else: the whole value of an entity.
    pub entity: Option<String>,
    /// Who holds it, a user's name.
    pub assignee: Option<String>,
    /// `raised` (newest first, the default) or `priority` (as the queue; open alerts only).
    pub sort: Option<String>,
    /// Not older than this: `24h`, `7d`, or RFC 3339.
    pub since: Option<String>,
    /// Alerts that an exception holds back: `without` (the default), `only`, or `with`.
    pub suppressed: Option<String>,
    /// `next` of the previous page.
    pub after: Option<String>,
    /// Alerts a page, at most 500; 50 unless given.
    pub limit: Option<usize>,
}

/// A verdict, or taking an alert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusChange {
    /// The new status.
    pub status: StatusDto,
    /// Why; required for `false_positive` and `benign` by good practice, kept in the audit trail.
    pub reason: Option<String>,
    /// The version the caller has seen; another one in the store refuses the change.
    pub version: u64,
}

/// Gives an alert to somebody, or to nobody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// A user's name; null: nobody.
    #[serde(deserialize_with = "Option::deserialize")] // null has a meaning, so absence is refused
    pub assignee: Option<String>,
    /// The version the caller has seen.
    pub version: u64,
}
