//! The page of an entity as the API shows it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{AlertDto, Bucket, EntityKindDto, EventJson, FacetDto, IncidentDto, TopRule};

/// Which entity.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntityParams {
    /// `host`, `address`, `user`, `hash`, `domain`, `process`, `file`; guessed from the value unless given.
    pub kind: Option<String>,
    /// Its value.
    pub value: String,
    /// How far to look back: `24h`, `7d`…, at most 31 days; 7 days unless given.
    pub since: Option<String>,
}

/// What is known about an entity.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntityPage {
    /// What it is.
    pub kind: EntityKindDto,
    /// Its value.
    pub value: String,
    /// Begin of the range.
    pub from: String,
    /// End of the range.
    pub to: String,
    /// Events in the range.
    pub events: u64,
    /// Earliest event in the range, exact to a fraction of a bucket; null: none.
    pub first_seen: Option<String>,
    /// Latest event in the range; null: none.
    pub last_seen: Option<String>,
    /// Length of a bucket, milliseconds.
    pub interval_ms: i64,
    /// Its events over time.
    pub histogram: Vec<Bucket>,
    /// The commonest values beside it: addresses, accounts, hosts, domains, actions, data sets.
    pub peers: Vec<FacetDto>,
    /// Events that `peers` were counted over: the latest ones, where there are very many.
    pub peers_from: String,
    /// Rules by alerts among `alerts`.
    pub rules: Vec<TopRule>,
    /// Its alerts in the range, latest first, at most 100.
    pub alerts: Vec<AlertDto>,
    /// Whether it has more alerts than were looked at (500).
    pub more_alerts: bool,
    /// Incidents its alerts are in, at most 20.
    pub incidents: Vec<IncidentDto>,
    /// Its latest events, at most 50.
    pub recent: Vec<EventJson>,
    /// Milliseconds it took.
    pub took_ms: u64,
}
