//! Saved searches, and rules as they are written, as the API shows them.

use fansipan_model::time;
use fansipan_storage::cases::SavedSearch;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ports::RuleDiagnostic;

/// What a saved search holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchBody {
    /// The query.
    pub q: String,
    /// Range back from now, such as `24h`.
    #[serde(default)]
    pub since: Option<String>,
    /// Columns shown.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// A search somebody keeps.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SearchDto {
    /// Its id.
    pub id: String,
    /// Whose.
    pub owner: String,
    /// Whether others see it.
    pub shared: bool,
    /// Its name.
    pub name: String,
    /// What it asks.
    pub search: SearchBody,
    /// Last changed.
    pub at: String,
    /// Pass back with a change.
    pub version: u64,
}

impl From<SavedSearch> for SearchDto {
    fn from(s: SavedSearch) -> Self {
        Self {
            search: serde_json::from_str(&s.body).unwrap_or_default(),
            id: s.id,
            owner: s.owner,
            shared: s.shared,
            name: s.name,
            at: time::to_rfc3339(s.at),
            version: s.version,
        }
    }
}

/// One's own searches and those shared, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchList {
    /// The searches.
    pub items: Vec<SearchDto>,
}

/// A search to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchSave {
    /// Of one that is changed; a new one without it.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Whether others see it.
    #[serde(default)]
    pub shared: bool,
    /// What it asks.
    pub search: SearchBody,
    /// The version seen; 0 for a new one.
    #[serde(default)]
    pub version: u64,
}

/// A rule as it is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleDraft {
    /// Sigma text.
    pub text: String,
    /// For a test: how far back, `24h`…, at most 31 days; 24 hours unless given.
    #[serde(default)]
    pub since: Option<String>,
}

/// What is wrong or doubtful in a draft.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleLint {
    /// Whether it could be put in force.
    pub ok: bool,
    /// Titles of the rules it holds.
    pub rules: Vec<String>,
    /// What is wrong or doubtful, with places.
    pub diagnostics: Vec<RuleDiagnostic>,
    /// The same as a query of the search box, where that language can say it.
    pub query: Option<String>,
    /// Whether it holds correlations: their groups are not tested over stored events, the rules that they count are.
    pub correlations: bool,
}

/// What a draft would have said of stored events.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleTest {
    /// What is wrong or doubtful.
    pub lint: RuleLint,
    /// Events it would have fired on.
    pub matches: u64,
    /// Hosts they came from; at least so many when there are more than 10000.
    pub hosts: u64,
    /// The first hosts, by matches.
    pub top_hosts: Vec<super::ValueCount>,
    /// Ids of some of the events.
    pub sample: Vec<String>,
    /// Events looked at.
    pub examined: u64,
    /// Begin of the range.
    pub from: String,
    /// End of the range.
    pub to: String,
    /// False: the time for a test ran out, and there may be more.
    pub complete: bool,
}
