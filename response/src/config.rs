//! `[response]` of the configuration file.

use std::{collections::BTreeMap, path::PathBuf};

use fansipan_model::{Level, time};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{connectors::DeviceConfig, protected::ProtectedConfig};

/// `[response]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseConfig {
    /// What no action may touch, besides this machine, its gateways and the devices themselves.
    pub protected: ProtectedConfig,
    /// From this level on, the one who asked may not approve.
    pub two_person_from: Level,
    /// Up to this level, what is asked for is done without approval.
    pub unattended_up_to: Level,
    /// How long events are watched after an act.
    pub verify: Span,
    /// How far back the dry run looks for who is hit, days.
    pub impact_days: u32,
    /// Tries before a person is asked.
    pub attempts: u32,
    /// Wait before the second try; doubles with each, up to 5 minutes.
    pub retry: Span,
    /// The devices, by name.
    pub devices: BTreeMap<String, DeviceConfig>,
    /// Which device plays which part in playbooks: `border`, `mail`, `accounts`, `partner`.
    pub roles: BTreeMap<String, String>,
    /// Files and folders of further playbooks.
    pub playbooks: Vec<PathBuf>,
}

impl Default for ResponseConfig {
    fn default() -> Self {
        Self {
            protected: ProtectedConfig::default(),
            two_person_from: Level::High,
            unattended_up_to: Level::Informational,
            verify: Span(10 * 60 * time::SECOND),
            impact_days: 7,
            attempts: 5,
            retry: Span(10 * time::SECOND),
            devices: BTreeMap::new(),
            roles: BTreeMap::new(),
            playbooks: Vec::new(),
        }
    }
}

/// A span of time, nanoseconds; text is `90s`, `15m`, `4h`, `7d`, `2w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub i64);

impl Span {
    /// Reads the text.
    pub fn parse(text: &str) -> Option<Span> {
        let unit = text.chars().next_back()?;
        let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|n| *n > 0)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return None,
        };
        number.checked_mul(seconds)?.checked_mul(time::SECOND).map(Span)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Span::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no span of time such as 90s, 15m, 4h, 7d")))
    }
}
