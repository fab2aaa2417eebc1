//! Whose a source is and how it is read, as configured: by sender address and by host named in its records.

use std::net::IpAddr;

use fansipan_model::Agency;
use ipnet::IpNet;

use crate::{
    normalize::DEFAULT_CLASS,
    sources::config::{OverrideConfig, SourcesConfig},
};

/// What the configuration says of one source. `None`: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Format that its records have.
    pub format: Option<String>,
    /// Agency it belongs to.
    pub agency: Option<String>,
    /// Retention class of its events.
    pub class: Option<String>,
}

impl Assignment {
    /// What `self` leaves open is taken from `other`.
    #[must_use]
    pub fn or(self, other: Assignment) -> Assignment {
        Assignment { format: self.format.or(other.format), agency: self.agency.or(other.agency), class: self.class.or(other.class) }
    }

    /// The agency, `default` if none is configured.
    pub fn agency(&self) -> &str {
        self.agency.as_deref().unwrap_or(Agency::DEFAULT)
    }

    /// The retention class, `default` if none is configured.
    pub fn class(&self) -> &str {
        self.class.as_deref().unwrap_or(DEFAULT_CLASS)
    }
}

/// All rules of this kind, in the order of the configuration; for each setting the first that matches decides.
#[derive(Clone, Debug, Default)]
pub struct Assignments {
    agencies: Vec<(IpNet, String)>,
    overrides: Vec<OverrideConfig>,
}

impl Assignments {
    /// From the configuration. Of agencies the narrowest network decides.
    pub fn new(config: &SourcesConfig) -> Self {
        let (agencies, overrides) = (&config.agencies, &config.overrides);
        let mut agencies: Vec<(IpNet, String)> = agencies.iter().flat_map(|a| a.networks.iter().map(|n| (*n, a.name.clone()))).collect();
        agencies.sort_by_key(|(net, _)| std::cmp::Reverse(net.prefix_len()));
        Self { agencies, overrides: overrides.to_vec() }
    }

    /// What applies to records of `host` sent by `peer`.
    pub fn of(&self, peer: Option<IpAddr>, host: Option<&str>) -> Assignment {
        let mut out = Assignment::default();
        for o in self.overrides.iter().filter(|o| matches(o, peer, host)) {
            out = out.or(Assignment { format: o.format.clone(), agency: o.agency.clone(), class: o.class.clone() });
        }
        if out.agency.is_none() {
            out.agency = peer.and_then(|ip| self.agencies.iter().find(|(net, _)| net.contains(&ip))).map(|(_, name)| name.clone());
        }
        out
    }
}

fn matches(o: &OverrideConfig, peer: Option<IpAddr>, host: Option<&str>) -> bool {
    let network = o.networks.is_empty() || peer.is_some_and(|ip| o.networks.iter().any(|n| n.contains(&ip)));
    let named = o.hosts.is_empty() || host.is_some_and(|h| o.hosts.iter().any(|p| same_host(p, h)));
    network && named
}

/// `web-*` matches `WEB-01`; without a star the names must be equal but for case.
fn same_host(pattern: &str, host: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(host),
        Some((head, tail)) => {
            host.len() >= head.len() + tail.len()
                && host.get(..head.len()).is_some_and(|h| h.eq_ignore_ascii_case(head))
                && host.get(host.len() - tail.len()..).is_some_and(|t| t.eq_ignore_ascii_case(tail))
        }
    }
}
