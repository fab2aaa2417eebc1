//! Packets out of the ring.

use serde::Deserialize;

/// How far packets are looked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PacketParams {
    /// Minutes before and after the event, 15 unless given.
    pub minutes: Option<u32>,
}
