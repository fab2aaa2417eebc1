//! Settings of the sources, as they stand in the configuration file. Unknown keys are errors, listeners default to loopback.
//!
//! One definition per setting: what is written here is what the reference shows.

use std::{net::SocketAddr, path::PathBuf};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{error::SourceError, framing::Framing, tap::config::TapConfig};
use crate::{Settings, clock::Zone};

/// `[sources]`: where records come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourcesConfig {
    /// Syslog over UDP, one entry per address and port.
    pub udp: Vec<UdpConfig>,
    /// Syslog over TCP, one entry per address and port.
    pub tcp: Vec<TcpConfig>,
    /// Syslog over TLS (RFC 5425), one entry per address and port.
    pub tls: Vec<TlsListenerConfig>,
    /// HTTP ingest on ports of its own; it is always there on the console's port as well.
    pub http: Vec<HttpConfig>,
    /// Files that are followed.
    pub file: Vec<FileConfig>,
    /// Interfaces whose packets the network sensor reads.
    pub tap: Vec<TapConfig>,
    /// Bounds on what a sender may use.
    pub limits: LimitsConfig,
    /// Agencies by sender address.
    pub agencies: Vec<AgencyConfig>,
    /// What is particular to some senders; for each setting the first entry that matches decides.
    pub overrides: Vec<OverrideConfig>,
    /// Zone of times that name none, offset (`+07:00`) or IANA name (`Asia/Ho_Chi_Minh`).
    pub timezone: String,
}

impl Default for SourcesConfig {
    fn default() -> Self {
        Self {
            udp: vec![UdpConfig::default()],
            tcp: vec![TcpConfig::default()],
            tls: vec![TlsListenerConfig::default()],
            http: Vec::new(),
            file: Vec::new(),
            tap: Vec::new(),
            limits: LimitsConfig::default(),
            agencies: Vec::new(),
            overrides: Vec::new(),
            timezone: "+07:00".to_owned(),
        }
    }
}

/// `[[sources.udp]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UdpConfig {
    /// Address and port, IPv4 or IPv6. `[::]:514` takes IPv4 too unless IPv4 has an entry of its own for the port.
    pub listen: SocketAddr,
    /// Socket buffer asked of the kernel, bytes. Beyond `net.core.rmem_max` it needs CAP_NET_ADMIN.
    pub receive_buffer_bytes: usize,
    /// Datagrams that may wait for the decoder, bytes; beyond it datagrams are dropped and counted as `queue_full`.
    pub queue_bytes: usize,
}

impl Default for UdpConfig {
    fn default() -> Self {
        Self { listen: loopback(5514), receive_buffer_bytes: 32 << 20, queue_bytes: 64 << 20 }
    }
}

/// `[[sources.tcp]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TcpConfig {
    /// Address and port, IPv4 or IPv6.
    pub listen: SocketAddr,
    /// How records are told apart: `auto` (each frame shows what it is), `octet_count`, `lf`, `nul`.
    pub framing: Framing,
}

impl Default for TcpConfig {
    fn default() -> Self {
        Self { listen: loopback(5514), framing: Framing::Auto }
    }
}

/// Whether a sender must show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// None is asked for.
    #[default]
    None,
    /// One that is shown must be valid; its subject is kept with every record.
    Optional,
    /// Connections without a valid one are refused.
    Required,
}

/// `[[sources.tls]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsListenerConfig {
    /// Address and port, IPv4 or IPv6.
    pub listen: SocketAddr,
    /// How records are told apart, as for TCP.
    pub framing: Framing,
    /// Certificates, and whom to trust.
    pub tls: TlsConfig,
}

impl Default for TlsListenerConfig {
    fn default() -> Self {
        Self { listen: loopback(6514), framing: Framing::Auto, tls: TlsConfig::default() }
    }
}

/// Certificates of a listener. TLS 1.2 and 1.3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate chain; empty is the certificate of the console.
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key of the certificate.
    pub key: Option<PathBuf>,
    /// Whether senders must show a certificate: `none`, `optional`, `required`.
    pub client_certificates: ClientCertificates,
    /// PEM file with the authorities that sign the senders' certificates.
    pub client_ca: Option<PathBuf>,
}

/// `[[sources.http]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port, IPv4 or IPv6.
    pub listen: SocketAddr,
    /// TLS of this port. Without it tokens and records travel in the clear.
    pub tls: Option<TlsConfig>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: loopback(8088), tls: None }
    }
}

/// Where to begin with a file never seen before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    /// At its first byte.
    #[default]
    Beginning,
    /// With what is written from now on.
    End,
}

/// `[[sources.file]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Path; `*` and `?` may stand in any part of it (`/var/log/*/access.log`).
    pub path: String,
    /// Where to begin with a file never seen before: `beginning` or `end`.
    #[serde(default)]
    pub start: StartAt,
    /// Format of its records; empty is recognized by content.
    #[serde(default)]
    pub format: Option<String>,
    /// Agency it belongs to.
    #[serde(default)]
    pub agency: Option<String>,
    /// Retention class of its events.
    #[serde(default)]
    pub class: Option<String>,
}

/// `[sources.limits]`: what one sender, or all together, may use. Rates of 0 are unlimited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Largest record, bytes; what is longer is cut there, marked `fansipan.truncated` and the rest skipped.
    pub max_record_bytes: usize,
    /// Connections over TCP and TLS together.
    pub connections: usize,
    /// Connections of one sender.
    pub connections_per_peer: usize,
    /// Records per second of one sender; TCP, TLS and HTTP are slowed down to it, datagrams beyond it refused.
    pub records_per_second: u64,
    /// Bytes per second of one sender, in the same way.
    pub bytes_per_second: u64,
    /// Seconds without a byte after which a connection is closed; 0 never.
    pub idle_seconds: u64,
    /// Seconds a TLS handshake may take.
    pub handshake_seconds: u64,
    /// Largest HTTP request after decompression, bytes.
    pub http_body_bytes: usize,
    /// HTTP requests worked on at the same time.
    pub http_requests: usize,
    /// Sources listed; beyond it those that sent least and longest ago leave the list.
    pub sources: usize,
    /// Hosts told apart behind one relay; further ones are counted with the relay itself.
    pub hosts_per_peer: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_record_bytes: 64 << 10,
            connections: 2048,
            connections_per_peer: 256,
            records_per_second: 0,
            bytes_per_second: 0,
            idle_seconds: 12 * 3600,
            handshake_seconds: 10,
            http_body_bytes: 16 << 20,
            http_requests: 64,
            sources: 20_000,
            hosts_per_peer: 1024,
        }
    }
}

/// `[[sources.agencies]]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgencyConfig {
    /// Short name, as in `fansipan.agency`.
    pub name: String,
    /// Networks of its devices (`10.21.0.0/16`); the narrowest network of all agencies decides.
    pub networks: Vec<IpNet>,
}

/// `[[sources.overrides]]`: what is particular to some senders. An empty condition matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OverrideConfig {
    /// Networks of the senders.
    pub networks: Vec<IpNet>,
    /// Hosts named in the records; one `*` may stand in a name (`web-*`).
    pub hosts: Vec<String>,
    /// Format of their records, instead of recognizing it.
    pub format: Option<String>,
    /// Zone of their times that name none; needs `networks`, and no `hosts`.
    pub timezone: Option<String>,
    /// Agency they belong to.
    pub agency: Option<String>,
    /// Retention class of their events.
    pub class: Option<String>,
}

impl SourcesConfig {
    /// Finds settings that contradict each other, before anything is started.
    pub fn check(&self) -> Result<(), SourceError> {
        let limits = &self.limits;
        let positive = [
            ("limits.max_record_bytes", limits.max_record_bytes),
            ("limits.connections", limits.connections),
            ("limits.connections_per_peer", limits.connections_per_peer),
            ("limits.http_body_bytes", limits.http_body_bytes),
            ("limits.http_requests", limits.http_requests),
            ("limits.sources", limits.sources),
        ];
        if let Some((setting, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(SourceError::setting(setting, "is 0", "give a positive number"));
        }
        if limits.max_record_bytes > 16 << 20 {
            return Err(SourceError::setting("limits.max_record_bytes", "is above 16 MiB", "give at most 16777216"));
        }
        for t in self.tls.iter().map(|t| &t.tls).chain(self.http.iter().filter_map(|h| h.tls.as_ref())) {
            if t.certificate.is_some() != t.key.is_some() {
                return Err(SourceError::setting("tls.certificate", "stands without its key, or the key without it", "give both or none"));
            }
            if t.client_certificates != ClientCertificates::None && t.client_ca.is_none() {
                return Err(SourceError::setting(
                    "tls.client_ca",
                    "is missing",
                    "name the file of the authorities that sign the senders' certificates",
                ));
            }
        }
        for o in &self.overrides {
            if o.timezone.is_some() && (o.networks.is_empty() || !o.hosts.is_empty()) {
                return Err(SourceError::setting("overrides.timezone", "goes by sender", "give `networks` and no `hosts` beside it"));
            }
        }
        for (at, tap) in self.tap.iter().enumerate() {
            tap.check()?;
            if self.tap.iter().take(at).any(|other| other.interface == tap.interface) {
                return Err(SourceError::setting("tap.interface", "stands twice", "give each interface once, with `threads` for more"));
            }
        }
        self.settings().map(drop)
    }

    /// What of this concerns normalization.
    pub fn settings(&self) -> Result<Settings, SourceError> {
        let zone = |key: &str, text: &str| {
            let problem = format!("`{text}` is no time zone");
            Zone::parse(text)
                .ok_or_else(|| SourceError::setting(key, &problem, "give an offset like +07:00 or a name like Asia/Ho_Chi_Minh"))
        };
        let mut zones = Vec::new();
        for o in &self.overrides {
            if let Some(text) = &o.timezone {
                let zone = zone("overrides.timezone", text)?;
                zones.extend(o.networks.iter().map(|network| (*network, zone.clone())));
            }
        }
        Ok(Settings { timezone: zone("timezone", &self.timezone)?, zones })
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
