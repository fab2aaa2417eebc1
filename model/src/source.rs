//! What is known of one source of records (a device, a file, an HTTP sender) and its loss ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counters of one source. Invariant: `received = kept + sum(refused)`; `kept = parsed + unparsed`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCounters {
    /// Records framed, or refused before framing ended.
    pub received: u64,
    /// Records durably kept.
    pub kept: u64,
    /// Of those kept: understood by a decoder and format.
    pub parsed: u64,
    /// Of those kept: flagged `event.kind: pipeline_error`.
    pub unparsed: u64,
    /// Bytes of kept records as received.
    pub bytes: u64,
    /// Records refused, by reason (`too_large`, `rate_limit`, `connection_limit`, …).
    pub refused: BTreeMap<String, u64>,
}

/// One source as shown by `fansipan sources`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// Stable name: transport and peer address, and the host named in the records where a relay sends for many
    /// (`udp:10.1.2.3`, `tcp:10.1.2.3/fw-01`, `file:/var/log/auth.log`, `http:token-name`, `tap:eth1`).
    pub id: String,
    /// Agency it belongs to.
    pub agency: String,
    /// `udp`, `tcp`, `tls`, `file`, `http`, `stdin`, `tap`.
    pub transport: String,
    /// Peer address, if a network source.
    pub peer: Option<std::net::IpAddr>,
    /// Subject of the TLS client certificate, if any.
    pub tls_identity: Option<String>,
    /// Host named in the records.
    pub host: Option<String>,
    /// Guessed or configured format (`sshd`, `fortigate`…); `None` until something was recognized.
    pub format: Option<String>,
    /// Human-readable product (`Fortinet FortiGate`).
    pub product: Option<String>,
    /// Share of recent records the format understood, 0–1.
    pub confidence: PerMille,
    /// Whether an operator fixed the format.
    pub pinned: bool,
    /// First record, UTC nanoseconds.
    pub first_seen: i64,
    /// Latest record, UTC nanoseconds.
    pub last_seen: i64,
    /// Device clock minus our clock, nanoseconds, smoothed; `None` until learned.
    pub skew: Option<i64>,
    /// Loss ledger.
    pub counters: SourceCounters,
    /// What the network sensor saw of the traffic there; `None`: not a sensor's.
    #[serde(default)]
    pub packets: Option<PacketCounters>,
}

/// Frames on an interface that the network sensor listens to, since the program started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PacketCounters {
    /// Frames the sensor read.
    pub seen: u64,
    /// Bytes on the wire of these.
    pub bytes: u64,
    /// Frames that the kernel dropped because the sensor was behind.
    pub kernel_drops: u64,
    /// Frames that the network card or its driver dropped.
    pub interface_drops: u64,
    /// Frames that the sensor took and did not read.
    pub own_drops: u64,
    /// Whether the interface is there and up.
    pub up: bool,
    /// Flows alive now.
    pub flows: u64,
    /// Flows that were ended early because the table was full.
    pub flows_evicted: u64,
    /// Flows no longer looked into because memory for what protocols hold was used up.
    pub flows_given_up: u64,
    /// The packet ring; `None`: packets are not kept there.
    pub ring: Option<RingCounters>,
}

/// The packet ring of an interface: frames since the program started, bytes and age of what is there now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RingCounters {
    /// Frames written.
    pub packets: u64,
    /// Frames left out because their flow was long, as configured.
    pub cut: u64,
    /// Frames that the ring was too slow to take.
    pub dropped: u64,
    /// Frames that the disk did not take.
    pub unwritten: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Time of the oldest frame, UTC nanoseconds; `None`: it is empty.
    pub oldest: Option<i64>,
    /// What is wrong now.
    pub trouble: Option<String>,
}

impl RingCounters {
    /// Frames that should be there and are not.
    pub fn lost(&self) -> u64 {
        self.dropped + self.unwritten
    }
}

/// What packet rings hold of flows, and what of it was given out as one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketsFound {
    /// Frames written out.
    pub packets: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Time of the first frame, UTC nanoseconds.
    pub first: i64,
    /// Time of the last one.
    pub last: i64,
    /// Frames that the ring had left out because the flow was long.
    pub cut: u64,
    /// Frames that are damaged on disk, or went while they were read.
    pub damaged: u64,
    /// Frames beyond the limits.
    pub beyond: u64,
    /// Time of the oldest frame that any of the rings holds; `None`: they hold nothing.
    pub oldest: Option<i64>,
}

/// What a collector of a distributed deployment came to when it was asked for packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectorAnswer {
    /// Its name.
    pub collector: String,
    /// What came of it.
    pub outcome: AnswerOutcome,
    /// Packets of its part.
    pub packets: u64,
    /// Bytes of its part; the parts stand in the file in the order of this list.
    pub bytes: u64,
    /// SHA-256 of its part, made at the collector and found to be that of what arrived; empty where it gave none.
    pub sha256: String,
}

/// What came of asking a collector for packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    /// Its packets are in the file.
    Given,
    /// Its rings have none of them.
    Nothing,
    /// It was not heard of, or did not finish in time.
    NoAnswer,
    /// It could not read its rings.
    Failed,
    /// What arrived is not what it sent.
    Damaged,
    /// What it has is more than fits into one file beside that of the others.
    TooLarge,
    /// Its clock and the console's differ by minutes, so it took the question for an old one.
    Clock,
}

impl AnswerOutcome {
    /// Whether packets may be missing because of it.
    pub fn leaves_a_gap(self) -> bool {
        !matches!(self, AnswerOutcome::Given | AnswerOutcome::Nothing)
    }
}

impl PacketCounters {
    /// Frames that were lost before the sensor could read them.
    pub fn lost(&self) -> u64 {
        self.kernel_drops + self.interface_drops + self.own_drops
    }

    /// Share of the frames that were read, 0–1; 1 while there were none.
    pub fn coverage(&self) -> f64 {
        let all = self.seen + self.lost();
        if all == 0 { 1.0 } else { self.seen as f64 / all as f64 }
    }
}

/// A share in thousandths: exact, comparable, no floats in shared state. Serialized as a JSON number 0.0–1.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerMille(pub u16);

impl Serialize for PerMille {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(f64::from(self.0) / 1000.0)
    }
}

impl<'de> Deserialize<'de> for PerMille {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(d)?;
        Ok(PerMille((share.clamp(0.0, 1.0) * 1000.0).round() as u16))
    }
}
