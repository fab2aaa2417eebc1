//! What is learned from an incident, and what leaves the centre about it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long an incident took, by when each stage was first reached for good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TimesDto {
    /// Its earliest event.
    pub began: String,
    /// When the first alert opened it.
    pub detected: String,
    /// Seconds from the one to the other: time to detect.
    pub detect_s: i64,
    /// Seconds from detection until it was known what it is; null: not yet, as below.
    pub triage_s: Option<i64>,
    /// Seconds from detection until it was contained.
    pub contain_s: Option<i64>,
    /// Seconds from detection until service was restored: time to respond.
    pub recover_s: Option<i64>,
    /// Seconds from detection until it was closed.
    pub close_s: Option<i64>,
}

/// The same, on average over incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct MeanTimes {
    /// Days looked back.
    pub days: u32,
    /// Incidents judged true positive in that time over which the means are taken, at most 500.
    pub incidents: u64,
    /// Those beyond, over which they are not.
    pub left_out: u64,
    /// Mean time to detect, seconds: MTTD.
    pub detect_s: Option<i64>,
    /// Mean time until contained.
    pub contain_s: Option<i64>,
    /// Mean time until service was restored: MTTR.
    pub recover_s: Option<i64>,
}

/// A change that an incident suggests; a person decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Proposal {
    /// `exception`, `level`, `rule`, `gap`, `hunt`.
    pub kind: String,
    /// Why and what, English.
    pub text: String,
    /// The same in Vietnamese.
    pub text_vi: String,
    /// What to type for a look at it; changes nothing yet.
    pub command: String,
}

/// What is learned from an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LessonsDto {
    /// Its group of Decision 05/2017, as people decided.
    pub category: Option<String>,
    /// What it turned out to be.
    pub verdict: Option<String>,
    /// Its cause.
    pub root_cause: Option<String>,
    /// What people learned.
    pub lessons: Option<String>,
    /// How long it took.
    pub times: TimesDto,
    /// How long incidents take on average.
    pub mean: MeanTimes,
    /// Changes it suggests.
    pub proposals: Vec<Proposal>,
}

/// Which form, and how.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NotificationParams {
    /// `vncert`, or the name of a form of the centre's own (DATA/forms/NAME.md).
    pub form: String,
    /// `text`, `markdown` or `html`.
    #[serde(default)]
    pub format: Option<String>,
}

/// A notification, filled in; a person completes and signs it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NotificationDto {
    /// Which form.
    pub form: String,
    /// The text in the format asked for.
    pub text: String,
    /// Lines that a person must complete.
    pub blanks: u64,
    /// SHA-256 of the text, as it stands in the audit trail.
    pub sha256: String,
}
