//! Who sends how much to whom.

use serde::Serialize;
use utoipa::ToSchema;

use super::Bucket;

/// An address that receives packets.
#[derive(Debug, Serialize, ToSchema)]
pub struct Target {
    /// The address.
    pub address: String,
    /// Packets it received.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Packets in its busiest second.
    pub highest_second: u64,
}

/// An address that sends packets to the first target.
#[derive(Debug, Serialize, ToSchema)]
pub struct Talker {
    /// The address.
    pub address: String,
    /// Packets it sent.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Packets in its busiest second.
    pub highest_second: u64,
    /// Of all packets that the target received, 0 to 1.
    pub share: f64,
}

/// Who sends how much a second to whom, by the flows that ended within the last five minutes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Talkers {
    /// When these numbers were computed; they are kept for a moment and shared.
    pub generated_at: String,
    /// Begin of the range.
    pub from: String,
    /// End of the range.
    pub to: String,
    /// Flows looked at.
    pub flows: u64,
    /// Whether these are all flows of the range; the busiest minutes may have too many.
    pub complete: bool,
    /// Who receives most in a second, most first.
    pub targets: Vec<Target>,
    /// Packets that the first of them received, second by second.
    pub series: Vec<Bucket>,
    /// How many addresses send to it.
    pub senders: u64,
    /// Those who send most to it in a second, most first.
    pub talkers: Vec<Talker>,
}
