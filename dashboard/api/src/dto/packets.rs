//! Packets out of the ring.

use fansipan_model::{PacketsFound, time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far packets are looked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PacketParams {
    /// Minutes before and after the event, 15 unless given.
    pub minutes: Option<u32>,
}

/// What a file of packets holds; the header `X-Fansipan-Packets` of the answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PacketFigures {
    /// SHA-256 of the file.
    pub sha256: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Packets in it.
    pub packets: u64,
    /// Time of the first.
    pub first: String,
    /// Time of the last.
    pub last: String,
    /// Packets that the ring had left out because the flow was long.
    pub cut: u64,
    /// Packets that are damaged on disk.
    pub damaged: u64,
    /// Packets beyond the bound of one answer.
    pub beyond: u64,
}

impl PacketFigures {
    pub(crate) fn new(found: &PacketsFound, sha256: String) -> Self {
        Self {
            sha256,
            bytes: found.bytes,
            packets: found.packets,
            first: time::to_rfc3339(found.first),
            last: time::to_rfc3339(found.last),
            cut: found.cut,
            damaged: found.damaged,
            beyond: found.beyond,
        }
    }
}
