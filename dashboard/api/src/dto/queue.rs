//! The queue: the next alert, decisions about many, and what is known around one.

use fansipan_storage::cases::{Rank, Verdicts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{AlertDto, EntityKindDto, StatusDto};

/// Which new alert to take; all optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NextRequest {
    /// Levels, comma-separated.
    pub level: Option<String>,
    /// A rule's id.
    pub rule: Option<String>,
    /// Words that stand in title, summary or an entity.
    pub q: Option<String>,
}

/// Why an alert stands where it stands in the queue.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RankDto {
    /// 0 to 2250; higher comes first.
    pub priority: u32,
    /// From the rule's level, 50 to 1000.
    pub level: u32,
    /// From verdicts on the rule, per mille: 500 (always wrong) to 1500 (always right).
    pub confidence: u32,
    /// From other alerts about the same entities within a day, per mille: 1000 to 1500.
    pub risk: u32,
}

impl From<Rank> for RankDto {
    fn from(r: Rank) -> Self {
        Self { priority: r.priority, level: r.level, confidence: r.confidence, risk: r.risk }
    }
}

/// The alert that is now the caller's; null: none is waiting.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextAlert {
    /// The alert.
    pub alert: Option<AlertDto>,
    /// Why it was first.
    pub rank: Option<RankDto>,
    /// What is first in the queue now. Nobody's: by the next call somebody else may have taken it.
    pub following: Option<AlertDto>,
}

/// Which alerts a decision is about: as in the list.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkFilter {
    /// `open` (the default), `all`, or statuses, comma-separated.
    pub status: Option<String>,
    /// Levels, comma-separated.
    pub level: Option<String>,
    /// A rule's id.
    pub rule: Option<String>,
    /// Words that stand in title, summary or an entity.
    pub q: Option<String>,
    /// Not older than this: `24h`, `7d`, or RFC 3339.
    pub since: Option<String>,
    /// Only these alerts, at most 1000.
    #[serde(default)]
    pub ids: Vec<String>,
}

/// A decision about many alerts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkDecision {
    /// Which.
    pub filter: BulkFilter,
    /// The verdict.
    pub status: StatusDto,
    /// Why; required for `false_positive` and `benign`.
    pub reason: Option<String>,
    /// Only say how many it would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a decision about many did.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkAnswer {
    /// Alerts changed; with `dry_run` those that would be.
    pub changed: u64,
    /// Pass to `/alerts/undo` to take it back; null when nothing changed.
    pub token: Option<String>,
}

/// A decision to take back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    /// As given by `/alerts/bulk`.
    pub token: String,
}

/// What taking back did.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndoAnswer {
    /// Alerts that stand as before.
    pub restored: u64,
    /// Alerts that somebody has decided about since: they stay.
    pub kept: u64,
}

/// Verdicts counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictCounts {
    /// Attacks.
    pub true_positive: u64,
    /// Mistakes of the rule.
    pub false_positive: u64,
    /// Real and harmless.
    pub benign: u64,
}

impl From<Verdicts> for VerdictCounts {
    fn from(v: Verdicts) -> Self {
        Self { true_positive: v.true_positive, false_positive: v.false_positive, benign: v.benign }
    }
}

/// What alerts tell of one entity.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntityHistoryDto {
    /// What it is.
    pub kind: EntityKindDto,
    /// Its value.
    pub value: String,
    /// Its other alerts of the last 30 days, latest first, at most 20.
    pub alerts: Vec<AlertDto>,
    /// Alerts of the last 30 days, this one too; at least so many when `more`.
    pub total: u64,
    /// Whether there are more than were looked at.
    pub more: bool,
    /// Alerts per day, 30 numbers, the last one today.
    pub days: Vec<u64>,
}

/// A verdict on an alert like this one.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimilarAlert {
    /// The alert.
    #[serde(flatten)]
    pub alert: AlertDto,
    /// Why it was judged so.
    pub reason: Option<String>,
}

/// What is known around an alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertContextDto {
    /// Its place in the queue as of now.
    pub rank: RankDto,
    /// The incident it is in.
    pub incident: Option<String>,
    /// Verdicts on all alerts of its rule.
    pub verdicts: VerdictCounts,
    /// Judged alerts of the same rule that share an entity with it, latest first, at most 20.
    pub similar: Vec<SimilarAlert>,
    /// Its entities' last 30 days.
    pub entities: Vec<EntityHistoryDto>,
}
