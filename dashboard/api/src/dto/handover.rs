//! Handovers of shifts as the API shows them.

use fansipan_model::time;
use fansipan_storage::Handover;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ActionDto, IncidentDto, OwnRuleDto};

/// Since when.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HandoverParams {
    /// When the shift began: `8h` back from now, or RFC 3339; unless given, the last handover, at most 12 hours back.
    pub since: Option<String>,
}

/// A handover to sign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverSign {
    /// When the shift began, RFC 3339, as the page showed it.
    pub since: String,
    /// What the next shift must know; may be empty.
    #[serde(default)]
    pub note: String,
}

/// A shift that was handed over.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandoverDto {
    /// Ordinal.
    pub number: u64,
    /// When.
    pub at: String,
    /// When the shift began.
    pub since: String,
    /// Who handed over.
    pub who: String,
    /// What the next shift must know.
    pub note: String,
}

impl From<Handover> for HandoverDto {
    fn from(h: Handover) -> Self {
        Self { number: h.number, at: time::to_rfc3339(h.at), since: time::to_rfc3339(h.since), who: h.who, note: h.note }
    }
}

/// A source that is silent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilentSource {
    /// Its id.
    pub id: String,
    /// Its host, where known.
    pub host: Option<String>,
    /// When it was last heard.
    pub last_seen: String,
    /// Whether it fell silent during the shift.
    pub new: bool,
}

/// What whoever takes the shift must know.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandoverPage {
    /// Now.
    pub generated_at: String,
    /// When the shift began.
    pub since: String,
    /// Whose word that is: `asked` (the question named it), `handover` (the last handover), `none_yet` (no shift was handed over
    /// yet: the last eight hours are told), `long_ago` (the last handover is too old to be the beginning of this shift: the same).
    pub began_by: &'static str,
    /// Alerts raised during the shift.
    pub alerts_raised: u64,
    /// Alerts that are open.
    pub alerts_open: u64,
    /// Open alerts per level.
    pub open_by_level: std::collections::BTreeMap<String, u64>,
    /// Incidents that are open, worst first.
    pub incidents: Vec<IncidentDto>,
    /// Incidents that were closed during the shift.
    pub closed: Vec<IncidentDto>,
    /// Actions that wait or are in force.
    pub actions: Vec<ActionDto>,
    /// Sources that are silent.
    pub silent: Vec<SilentSource>,
    /// Rules that were written or switched during the shift, without their texts.
    pub rules: Vec<OwnRuleDto>,
    /// Handovers before, latest first.
    pub handovers: Vec<HandoverDto>,
}
