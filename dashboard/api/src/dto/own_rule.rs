//! Rules of the centre's own as the API shows them.

use fansipan_model::time;
use fansipan_storage::OwnRule;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule to keep and put in force.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnRuleSave {
    /// Sigma documents. The first one's `id` is the id of all.
    pub text: String,
    /// Why, for those who read the history.
    pub why: String,
    /// Whether it is in force; true unless given.
    pub enabled: Option<bool>,
    /// The version seen; 0 or absent: there is none yet.
    #[serde(default)]
    pub version: u64,
}

/// A rule to switch on or off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSwitch {
    /// Whether it is in force from now on.
    pub enabled: bool,
    /// Why.
    pub why: String,
    /// The version seen; 0 or absent: nobody wrote or switched it before.
    #[serde(default)]
    pub version: u64,
}

/// A version of a rule of the centre's own, or of a switch on one from elsewhere.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnRuleDto {
    /// Its id.
    pub id: String,
    /// From 1.
    pub version: u64,
    /// Sigma documents; null: the rule is from elsewhere.
    pub text: Option<String>,
    /// Whether it is in force.
    pub enabled: bool,
    /// Who made the version.
    pub who: String,
    /// When.
    pub at: String,
    /// Why.
    pub why: String,
}

impl From<OwnRule> for OwnRuleDto {
    fn from(r: OwnRule) -> Self {
        Self { id: r.id, version: r.version, text: r.text, enabled: r.enabled, who: r.who, at: time::to_rfc3339(r.at), why: r.why }
    }
}

/// Everything the centre wrote or switched.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnRuleList {
    /// The latest version of each, by id.
    pub items: Vec<OwnRuleDto>,
    /// Whether rules can be kept here: not where detection runs on other machines.
    pub editable: bool,
}

/// A rule's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnRuleHistory {
    /// Latest first; empty: nobody wrote or switched it.
    pub versions: Vec<OwnRuleDto>,
}
