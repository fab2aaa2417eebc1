//! Rules of the centre's own, and switches on rules from elsewhere: every version is kept, nothing is ever removed.

use std::collections::BTreeMap;

use crate::{cases::Verdicts, error::Result, state::AuditRecord};

/// Keeps what people wrote and switched.
pub trait RuleStore: Send + Sync {
    /// The latest version of each, by id.
    fn own_rules(&self) -> Result<Vec<OwnRule>>;

    /// Every version of one, oldest first; empty: there is none.
    fn own_rule_versions(&self, id: &str) -> Result<Vec<OwnRule>>;

    /// Keeps a new version. `rule.version`: the one the person saw, 0 for none; another one now: `Conflict`. Gives what is kept.
    fn save_own_rule(&self, rule: &OwnRule, audit: &AuditRecord) -> Result<OwnRule>;

    /// What people judged the alerts of each rule to be, by rule id.
    fn rule_verdicts(&self) -> Result<BTreeMap<String, Verdicts>>;
}

/// A version of a rule file, or of a switch on a rule from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRule {
    /// Id of the file's first rule, or of the rule that is switched.
    pub id: String,
    /// From 1.
    pub version: u64,
    /// Sigma documents; `None`: the rule is from elsewhere.
    pub text: Option<String>,
    /// Whether it is in force.
    pub enabled: bool,
    /// Who made the version.
    pub who: String,
    /// When.
    pub at: i64,
    /// Why.
    pub why: String,
}
