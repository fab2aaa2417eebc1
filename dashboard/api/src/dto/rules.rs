//! Rules over stored events, and what rules can see.

use fansipan_model::Level;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::EventJson;
use crate::ports::RuleDiagnostic;

/// A rule file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// What messages call it.
    pub name: String,
    /// Sigma documents.
    pub text: String,
}

/// Which rules over which events.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HuntRequest {
    /// Rules to use; those in force when absent.
    pub rules: Option<Vec<RuleFile>>,
    /// Only rules of at least this level.
    #[schema(value_type = Option<String>)]
    pub level: Option<Level>,
    /// Begin: `24h`, `30d` back from now, or RFC 3339. 24 hours unless given. Not with `from`.
    pub since: Option<String>,
    /// Begin, RFC 3339, inclusive.
    pub from: Option<String>,
    /// End, RFC 3339, exclusive; now unless given.
    pub to: Option<String>,
}

/// A line of a hunt's answer: a detection, or at the end the summary.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum HuntLine<'a> {
    /// A rule matched an event.
    Detection {
        /// The rule's id.
        #[serde(rename = "rule.id")]
        id: &'a str,
        /// Its title.
        #[serde(rename = "rule.title")]
        title: &'a str,
        /// Its level.
        #[serde(rename = "rule.level")]
        #[schema(value_type = String)]
        level: Level,
        /// The event's source.
        input: &'a str,
        /// The event's id.
        record: String,
        /// The event.
        event: &'a EventJson,
    },
    /// How the hunt ended. An answer without it is not whole.
    End {
        /// Why it broke off; `null`: it did not.
        error: Option<String>,
        /// The same in Vietnamese.
        error_vi: Option<String>,
        /// Rules used.
        rules: usize,
        /// Events looked at.
        examined: u64,
        /// Detections told.
        detections: u64,
        /// Faults of the rules given.
        diagnostics: Vec<RuleDiagnostic>,
    },
}

/// What coverage is judged by.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CoverageParams {
    /// How far back arrived events count; `7d` unless given.
    pub since: Option<String>,
}

/// What the rules in force can see.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageReport {
    /// Events looked at: a sample of every kind that arrived.
    pub sampled: u64,
    /// Every rule in force, correlations after the others.
    pub rules: Vec<RuleSight>,
    /// ATT&CK techniques, by id.
    pub techniques: Vec<TechniqueSight>,
}

/// How a rule in force stands by what arrives: one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// What it needs arrives.
    Alive,
    /// What it needs arrives, and it did not fire in all the time looked at.
    Quiet,
    /// It fires without what the blind rules below it would tell.
    PartlyBlind,
    /// It cannot fire.
    Blind,
}

/// `GET /rules`
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RuleListParams {
    /// Whether to say how each rule stands by what arrived in the last 7 days. The first to ask waits for it.
    pub standing: Option<bool>,
}

/// Whether one rule can fire.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleSight {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: Option<String>,
    /// Its level.
    #[schema(value_type = String)]
    pub level: Level,
    /// Its log source.
    pub logsource: String,
    /// How it stands, in one word; the rest says why.
    pub standing: Standing,
    /// `sees`, `no_source` (nothing of its log source arrives), `no_fields` (the fields it needs never arrive).
    pub state: &'static str,
    /// Fields it waits for; of a correlation those that its blind rules wait for.
    pub missing: Vec<String>,
    /// Whether it could fire and did not, in all the time looked at; null: it cannot fire, it speaks through correlations only,
    /// or the caller does not see every agency.
    pub quiet: Option<bool>,
    /// Whether it is a correlation.
    pub correlation: bool,
    /// Of a correlation: the rules below it that are blind. Where its `state` is `sees` it fires without what these would tell.
    pub blind: Vec<BlindRule>,
    /// ATT&CK tactics it names, in the order of an attack.
    pub tactics: Vec<String>,
    /// ATT&CK techniques it names.
    pub techniques: Vec<String>,
}

/// A rule that a correlation refers to and that cannot fire.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlindRule {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: Option<String>,
    /// Its log source.
    pub logsource: String,
    /// `no_source` or `no_fields`, as for rules.
    pub state: &'static str,
    /// Fields it waits for.
    pub missing: Vec<String>,
}

/// One ATT&CK technique.
#[derive(Debug, Serialize, ToSchema)]
pub struct TechniqueSight {
    /// `T1110.001`
    pub technique: String,
    /// Tactics it serves, as the rules that name it say.
    pub tactics: Vec<String>,
    /// Rules that name it.
    pub rules: u64,
    /// Those of them that can fire.
    pub seeing: u64,
}
