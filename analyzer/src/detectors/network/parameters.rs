//! The parameters of the network detectors, as data: `analyzer/data/network.toml`, and what a customer sets otherwise.

use std::collections::BTreeMap;

use fansipan_model::{AlertId, Level, RuleRef, time::SECOND};
use ipnet::IpNet;
use serde::Deserialize;
use thiserror::Error;

/// What ships with the program.
const SHIPPED: &str = include_str!("../../../data/network.toml");

/// A customer's parameters are not understood.
#[derive(Debug, Error)]
#[error("FSP-DET-001: [detectors] is not valid: {0}")]
pub struct ParameterError(#[from] toml::de::Error);

/// Parameters of all network detectors.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    pub(super) modules: Vec<String>,
    pub(super) inside: Vec<IpNet>,
    pub(super) trusted: Vec<IpNet>,
    pub(super) groups: usize,
    pub(super) values: usize,
    pub(super) scan: Scan,
    pub(super) logins: Logins,
    pub(super) flood: Flood,
    pub(super) beacon: Beacon,
    pub(super) tunnel: Tunnel,
    pub(super) volume: Volume,
    pub(super) certificate: Certificate,
    pub(super) dhcp: Dhcp,
    pub(super) arp: Arp,
    pub(super) lateral: Lateral,
    pub(super) zones: Zones,
    finding: BTreeMap<String, Text>,
    /// Of everything above: state made under other parameters is not gone on with.
    #[serde(skip)]
    pub(super) hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scan {
    pub(super) window: i64,
    pub(super) ports: usize,
    pub(super) addresses: usize,
    pub(super) addresses_outside: usize,
    pub(super) slow_window: i64,
    pub(super) slow_pairs: usize,
    pub(super) most: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Logins {
    pub(super) window: i64,
    pub(super) failures: BTreeMap<String, u64>,
    pub(super) sessions: BTreeMap<String, u64>,
    pub(super) accounts: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flood {
    pub(super) seconds: i64,
    pub(super) syn: u64,
    pub(super) udp: u64,
    pub(super) icmp: u64,
    pub(super) dns: u64,
    pub(super) ntp: u64,
    pub(super) amplified: u64,
    pub(super) reflectors: usize,
    pub(super) reflected: u64,
    pub(super) gain: u64,
    pub(super) amplifiers: Vec<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beacon {
    pub(super) contacts: usize,
    pub(super) span: i64,
    pub(super) shortest: i64,
    pub(super) longest: i64,
    pub(super) regular: usize,
    pub(super) jitter: i64,
    pub(super) sizes_regular: usize,
    pub(super) size_jitter: i64,
    pub(super) popular: usize,
    pub(super) ignore_ports: Vec<u16>,
    pub(super) known: Vec<IpNet>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tunnel {
    pub(super) window: i64,
    pub(super) names: usize,
    pub(super) length: u64,
    pub(super) different: u64,
    pub(super) known: Vec<String>,
    pub(super) registries: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Volume {
    pub(super) learning: u32,
    pub(super) least: u64,
    pub(super) times: u64,
    pub(super) deviations: u64,
    pub(super) always: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    pub(super) days: i64,
    pub(super) years: i64,
    pub(super) bits: i64,
    pub(super) weak: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dhcp {
    pub(super) servers: Vec<String>,
    pub(super) learning: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arp {
    pub(super) window: i64,
    pub(super) changes: usize,
    pub(super) taken: usize,
    pub(super) moving: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lateral {
    pub(super) window: i64,
    pub(super) computers: usize,
    pub(super) ports: BTreeMap<String, Vec<u16>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Zones {
    pub(super) strict: bool,
    pub(super) networks: BTreeMap<String, Vec<IpNet>>,
    pub(super) allow: Vec<Way>,
}

/// A line of the matrix of zones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Way {
    pub(super) from: String,
    pub(super) to: String,
    #[serde(default)]
    pub(super) ports: Vec<u16>,
}

/// What people are told of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    id: String,
    title: String,
    title_vi: String,
    level: Level,
    tags: Vec<String>,
    advice: String,
    advice_vi: String,
}

impl Parameters {
    /// Those shipped, with what a customer sets otherwise.
    ///
    /// # Errors
    /// [`ParameterError`] names the key.
    pub fn with(own: &toml::Table) -> Result<Self, ParameterError> {
        let mut all: toml::Table = toml::from_str(SHIPPED)?;
        overlay(&mut all, own);
        let mut parameters: Self = all.clone().try_into()?;
        let text = toml::to_string(&all).unwrap_or_default();
        parameters.hash = AlertId::derive("", "network", &text, &[]).to_string();
        Ok(parameters)
    }

    /// Everything the detectors may tell, by its name in the parameters.
    pub fn findings(&self) -> impl Iterator<Item = (&str, RuleRef)> {
        self.finding.keys().filter_map(|name| Some((name.as_str(), self.rule(name)?)))
    }

    /// What people are told of a finding.
    pub(super) fn rule(&self, name: &str) -> Option<RuleRef> {
        let text = self.finding.get(name)?;
        Some(RuleRef {
            id: text.id.clone(),
            title: text.title.clone(),
            title_vi: Some(text.title_vi.clone()),
            level: text.level,
            hash: self.hash.clone(),
            tags: text.tags.clone(),
            advice: Some(text.advice.clone()),
            advice_vi: Some(text.advice_vi.clone()),
        })
    }
}

/// Tables are joined, everything else is replaced; `finding` tables keep their ids.
fn overlay(base: &mut toml::Table, own: &toml::Table) {
    for (key, value) in own {
        match (base.get_mut(key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => overlay(below, above),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Seconds as nanoseconds.
pub(super) fn nanos(seconds: i64) -> i64 {
    seconds.saturating_mul(SECOND)
}
