//! Settings of an interface that the network sensor listens to.

use serde::{Deserialize, Serialize};

use crate::sources::error::SourceError;

/// `[[sources.tap]]`: packets of an interface, mirrored there by a switch or a TAP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TapConfig {
    /// Interface to listen to, such as `eth1`. Mirrors inside ERSPAN, VXLAN, GRE or GENEVE are unwrapped.
    pub interface: String,
    /// Which packets, in the language of pcap-filter(7); empty is all.
    #[serde(default)]
    pub filter: String,
    /// Whether frames for other machines are taken too.
    #[serde(default = "yes")]
    pub promiscuous: bool,
    /// Bytes of a frame that are captured.
    #[serde(default = "snap_bytes")]
    pub snap_bytes: u32,
    /// Threads with a sensor; with more than one, another thread reads and spreads the flows over them.
    #[serde(default = "threads")]
    pub threads: u16,
    /// Memory in the kernel for frames that wait, MiB.
    #[serde(default = "buffer_mib")]
    pub buffer_mib: u32,
    /// Flows at once over all threads; beyond it the one quiet for longest is ended and counted.
    #[serde(default = "flows")]
    pub flows: usize,
    /// Memory for segments that came too early, MiB over all threads.
    #[serde(default = "stream_mib")]
    pub stream_mib: usize,
    /// Memory for what protocols have not finished reading, MiB over all threads.
    #[serde(default = "protocol_mib")]
    pub protocol_mib: usize,
    /// MiB after which what a TCP connection says is no longer looked at; it is still counted.
    #[serde(default = "bypass_mib")]
    pub bypass_mib: u64,
    /// How often a flow is reported while it goes on, seconds.
    #[serde(default = "report_seconds")]
    pub report_seconds: u32,
    /// Keeps the packets themselves for a while, to look into them later; without it none are kept.
    #[serde(default)]
    pub ring: Option<RingConfig>,
    /// Agency whose traffic it is.
    #[serde(default)]
    pub agency: Option<String>,
    /// Retention class of its events.
    #[serde(default)]
    pub class: Option<String>,
}

/// `ring = { … }` of `[[sources.tap]]`: the latest packets, on disk in `DATA/packets/INTERFACE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RingConfig {
    /// Most disk space it may take, MiB; the oldest packets go first.
    pub max_mib: u64,
    /// How long packets are kept at the most, hours.
    pub keep_hours: u32,
    /// MiB of one flow that are kept, from its beginning; what follows is counted.
    pub flow_mib: u64,
    /// Free disk space that it leaves to others, MiB; it gives way when they need more.
    pub min_free_mib: u64,
}

impl Default for RingConfig {
    fn default() -> Self {
        Self { max_mib: 20 << 10, keep_hours: 72, flow_mib: 16, min_free_mib: 2048 }
    }
}

impl RingConfig {
    fn check(&self) -> Result<(), SourceError> {
        let bounds = [
            ("tap.ring.max_mib", self.max_mib, 4, 1 << 30, "give 4 to 1073741824"),
            ("tap.ring.keep_hours", u64::from(self.keep_hours), 1, 87_600, "give 1 to 87600"),
            ("tap.ring.flow_mib", self.flow_mib, 1, 1 << 20, "give 1 to 1048576"),
            ("tap.ring.min_free_mib", self.min_free_mib, 0, 1 << 30, "give 0 to 1073741824"),
        ];
        match bounds.iter().find(|(_, value, least, most, _)| !(least..=most).contains(&value)) {
            Some((setting, .., next)) => Err(SourceError::setting(setting, "is out of range", next)),
            None => Ok(()),
        }
    }

    pub(crate) fn settings(&self) -> crate::tap::ring::Settings {
        let bytes = self.max_mib << 20;
        crate::tap::ring::Settings {
            bytes,
            age: i64::from(self.keep_hours) * 3_600_000_000_000,
            flow_bytes: self.flow_mib << 20,
            free_bytes: self.min_free_mib << 20,
            // what goes, goes by segments: a small part of the whole, and quickly read through while it has no index
            segment_bytes: (bytes / 64).clamp(1 << 20, 128 << 20),
        }
    }
}

fn yes() -> bool {
    true
}
fn snap_bytes() -> u32 {
    262_144
}
fn threads() -> u16 {
    1
}
fn buffer_mib() -> u32 {
    64
}
fn flows() -> usize {
    1_000_000
}
fn stream_mib() -> usize {
    256
}
fn protocol_mib() -> usize {
    256
}
fn bypass_mib() -> u64 {
    256
}
fn report_seconds() -> u32 {
    600
}

/// Most threads of one interface.
const MAX_THREADS: u16 = 64;
/// Largest buffer libpcap can be asked for, MiB.
const MAX_BUFFER: u32 = 2047;

impl TapConfig {
    pub(crate) fn check(&self) -> Result<(), SourceError> {
        let name = self.interface.trim();
        if name.is_empty() || name != self.interface || name.contains(['/', '\0']) || matches!(name, "." | "..") {
            return Err(SourceError::setting("tap.interface", "is no name of an interface", "give one that `ip link` lists"));
        }
        if self.threads == 0 || self.threads > MAX_THREADS {
            return Err(SourceError::setting("tap.threads", "is out of range", "give 1 to 64"));
        }
        if self.buffer_mib == 0 || self.buffer_mib > MAX_BUFFER {
            return Err(SourceError::setting("tap.buffer_mib", "is out of range", "give 1 to 2047"));
        }
        if !(96..=snap_bytes()).contains(&self.snap_bytes) {
            return Err(SourceError::setting("tap.snap_bytes", "is out of range", "give 96 to 262144"));
        }
        let positive = [
            ("tap.flows", self.flows as u64),
            ("tap.stream_mib", self.stream_mib as u64),
            ("tap.protocol_mib", self.protocol_mib as u64),
            ("tap.bypass_mib", self.bypass_mib),
            ("tap.report_seconds", u64::from(self.report_seconds)),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((setting, _)) => Err(SourceError::setting(setting, "is 0", "give a positive number")),
            None => self.ring.as_ref().map_or(Ok(()), RingConfig::check),
        }
    }

    /// What the sensor of one thread may use.
    pub(crate) fn sensor(&self) -> crate::tap::Settings {
        let share = usize::from(self.threads.max(1));
        crate::tap::Settings {
            flows: (self.flows / share).max(1),
            stream_bytes: (self.stream_mib << 20) / share,
            protocol_bytes: (self.protocol_mib << 20) / share,
            bypass: self.bypass_mib << 20,
            alive: i64::from(self.report_seconds) * 1_000_000_000,
            ..crate::tap::Settings::default()
        }
    }
}
