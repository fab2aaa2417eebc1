//! What every handler shares.

use std::sync::Arc;

use fansipan_storage::User;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    blocking::Lane, config::ApiConfig, geo::Geo, handlers::cases::Presence, handlers::coverage::SightsCache, handlers::map::OwnMap,
    handlers::overview::OverviewCache, handlers::stream::Streams, handlers::talkers::TalkersCache, identity::Identity, ports::ApiDeps,
    problem::Problem,
};

/// Searches at once: each may use a core for seconds.
const SEARCHES: usize = 4;
/// Exports at once.
const EXPORTS: usize = 2;
/// Reads and writes of the state store at once.
const STATE_CALLS: usize = 16;

/// The API's state; handlers get it as [`Api`].
pub(crate) struct ApiState {
    pub(crate) config: ApiConfig,
    pub(crate) deps: ApiDeps,
    pub(crate) identity: Identity,
    /// For searches and aggregations.
    pub(crate) searches: Lane,
    /// For exports, which may take minutes.
    pub(crate) exports: Lane,
    /// For the state store.
    pub(crate) small: Lane,
    pub(crate) overview: OverviewCache,
    pub(crate) talkers: TalkersCache,
    pub(crate) sights: SightsCache,
    pub(crate) geo: Geo,
    pub(crate) map: OwnMap,
    pub(crate) streams: Streams,
    pub(crate) presence: Presence,
    pub(crate) openapi: Box<str>,
    /// Cancelled when the service stops.
    pub(crate) stop: CancellationToken,
}

/// Shared by all handlers.
pub(crate) type Api = Arc<ApiState>;

impl ApiState {
    pub(crate) fn new(config: ApiConfig, deps: ApiDeps, openapi: String, stop: CancellationToken) -> Result<Api, Problem> {
        let identity = Identity::new(&config)?;
        let geo = Geo::open(config.geo.as_deref());
        let map = OwnMap::open(config.map.as_deref());
        Ok(Arc::new(Self {
            config,
            deps,
            identity,
            searches: Lane::new("searches", SEARCHES),
            exports: Lane::new("exports", EXPORTS),
            small: Lane::new("state", STATE_CALLS),
            overview: OverviewCache::default(),
            talkers: TalkersCache::default(),
            sights: SightsCache::default(),
            geo,
            map,
            streams: Streams::default(),
            presence: Presence::default(),
            openapi: openapi.into(),
            stop,
        }))
    }

    /// Whether the user logs in at the OIDC provider, whose business a second factor is then.
    pub(crate) fn logs_in_at_provider(&self, user: &User) -> bool {
        user.provider.is_some() && user.provider.as_ref() == self.config.oidc.as_ref().map(|o| &o.issuer)
    }
}

/// Now, UTC nanoseconds.
pub(crate) fn now() -> i64 {
    i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}
