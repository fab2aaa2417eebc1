//! What goes before a file that the appliance hands out, as a header: the appliance writes it, the command line reads it.

use fansipan_model::{CollectorAnswer, PacketsFound, time};
use serde::{Deserialize, Serialize};

/// What a bundle holds; the header `X-Fansipan-Bundle`, and the details in the audit trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleFigures {
    /// SHA-256 of its manifest: what a check of the bundle is compared with.
    pub fingerprint: String,
    /// SHA-256 of the whole file.
    pub sha256: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Events in it.
    pub events: u64,
    /// Of those proven to stand in the log.
    pub proven: u64,
    /// Files that people handed in.
    pub files: u64,
}

/// What a file of packets holds; the header `X-Fansipan-Packets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// In a distributed deployment: every collector that was asked, and what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collectors: Vec<CollectorAnswer>,
}

impl PacketFigures {
    /// From what was found, the hash of what was written, and who was asked.
    pub fn new(found: &PacketsFound, sha256: String, collectors: Vec<CollectorAnswer>) -> Self {
        Self {
            sha256,
            bytes: found.bytes,
            packets: found.packets,
            first: time::to_rfc3339(found.first),
            last: time::to_rfc3339(found.last),
            cut: found.cut,
            damaged: found.damaged,
            beyond: found.beyond,
            collectors,
        }
    }
}
