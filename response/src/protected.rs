//! What no action may touch, and the clearance without which no connector acts.
//!
//! [`Cleared`] can be made here only, right after the check; connectors take nothing else. So there is no path around the list.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};

use ipnet::{IpNet, Ipv4Net};
use serde::Deserialize;

use crate::{
    action::Action,
    error::{ResponseError, Result},
    ports::{Names, Surroundings},
    target::{Target, bare_account, canonical, faces, shown},
};

/// Never a sensible target: unspecified, loopback, link-local, multicast, broadcast, reserved.
const NEVER: [&str; 9] =
    ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "fe80::/10", "ff00::/8"];

/// `[response.protected]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProtectedConfig {
    /// Networks and addresses: servers that must always be reached, the centre's own, the national centre's.
    pub networks: Vec<String>,
    /// Host names; whatever they resolve to is protected.
    pub hosts: Vec<String>,
    /// Accounts, whatever domain they are written with.
    pub accounts: Vec<String>,
}

impl Default for ProtectedConfig {
    fn default() -> Self {
        Self {
            networks: Vec::new(),
            hosts: Vec::new(),
            accounts: ["root", "Administrator", "krbtgt", "fansipan"].map(str::to_owned).into(),
        }
    }
}

/// The protected list.
pub struct Protected {
    networks: Vec<(IpNet, String)>,
    hosts: Vec<String>,
    /// The devices that take orders: cutting them off would end all response.
    devices: Vec<(String, String)>,
    accounts: Vec<String>,
    names: Arc<dyn Names>,
    around: Arc<dyn Surroundings>,
    last_known: Mutex<HashMap<String, Vec<IpAddr>>>,
}

/// Leave to act on an action's target, given right before the act.
#[derive(Debug)]
pub struct Cleared<'a> {
    action: &'a Action,
}

impl<'a> Cleared<'a> {
    /// The action that may be done now.
    pub fn action(&self) -> &'a Action {
        self.action
    }
}

fn read_net(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    Some(canonical(net))
}

impl Protected {
    /// From the configuration; `devices` are names of devices with the hosts they are reached at.
    pub fn new(
        config: &ProtectedConfig,
        devices: Vec<(String, String)>,
        names: Arc<dyn Names>,
        around: Arc<dyn Surroundings>,
    ) -> Result<Protected> {
        let mut networks: Vec<(IpNet, String)> =
            NEVER.iter().filter_map(|n| Some((n.parse().ok()?, "never a target".to_owned()))).collect();
        for text in &config.networks {
            let net = read_net(text.trim());
            let net = net.ok_or_else(|| ResponseError::Config(format!("protected.networks: `{text}` is no address or network")))?;
            networks.push((net, format!("protected.networks lists {text}")));
        }
        if let Some(bad) = config.hosts.iter().find(|h| !crate::target::is_name(h.trim())) {
            return Err(ResponseError::Config(format!("protected.hosts: `{bad}` is no host name; addresses belong under networks")));
        }
        let hosts = config.hosts.iter().map(|h| h.trim().trim_end_matches('.').to_ascii_lowercase()).collect();
        let accounts = config.accounts.iter().map(|a| bare_account(a.trim())).collect();
        Ok(Protected { networks, hosts, devices, accounts, names, around, last_known: Mutex::default() })
    }

    /// Looks up host names for targets as well.
    pub(crate) fn names(&self) -> &dyn Names {
        &*self.names
    }

    /// The list as it is now, each with its reason.
    fn list(&self, target: &Target) -> Result<Vec<(IpNet, String)>> {
        let unclear = |why: String| ResponseError::Unclear { target: target.text(), why };
        let mut out = self.networks.clone();
        out.extend(self.around.networks().map_err(|e| unclear(format!("own addresses cannot be read: {e}")))?);
        for host in &self.hosts {
            // A protected host whose address nobody knows may be the target: then nothing is cleared.
            let found =
                self.addresses(host).ok_or_else(|| unclear(format!("the protected host {host} does not resolve; list its address")))?;
            out.extend(found.into_iter().map(|a| (IpNet::from(a), format!("the protected host {host}"))));
        }
        for (device, host) in &self.devices {
            let found = host.parse().map(|a| vec![a]).ok().or_else(|| self.addresses(host)).unwrap_or_default();
            out.extend(found.into_iter().map(|a| (IpNet::from(a), format!("the device {device}"))));
        }
        Ok(out)
    }

    /// What a name stands for now, or last stood for.
    fn addresses(&self, host: &str) -> Option<Vec<IpAddr>> {
        let found = self.names.resolve(host).ok().filter(|f| !f.is_empty());
        let mut known = self.last_known.lock().unwrap_or_else(PoisonError::into_inner);
        match found {
            Some(found) => {
                known.insert(host.to_owned(), found.clone());
                Some(found)
            }
            None => known.get(host).cloned(),
        }
    }

    /// Whether a target may be acted on.
    ///
    /// # Errors
    /// [`ResponseError::Protected`] with the reason, [`ResponseError::Unclear`] where it cannot be told.
    pub fn check(&self, target: &Target) -> Result<()> {
        match target {
            Target::People => Ok(()),
            Target::Account { name } if self.accounts.contains(&bare_account(name)) => {
                Err(ResponseError::Protected { target: name.clone(), reason: "protected.accounts lists it".to_owned() })
            }
            Target::Account { .. } => Ok(()),
            Target::Networks { given, networks } => {
                let named = given.trim_end_matches('.').to_ascii_lowercase();
                if self.hosts.contains(&named) {
                    return Err(ResponseError::Protected { target: named, reason: "protected.hosts lists it".to_owned() });
                }
                let list = self.list(target)?;
                if networks.is_empty() {
                    return Err(ResponseError::Unclear { target: target.text(), why: "it names no address".to_owned() });
                }
                networks.iter().try_for_each(|net| clash(net, &list))
            }
        }
    }

    /// Leave to act, given right before the act.
    ///
    /// # Errors
    /// As [`Protected::check`].
    pub fn clear<'a>(&self, action: &'a Action) -> Result<Cleared<'a>> {
        self.check(&action.target)?;
        Ok(Cleared { action })
    }
}

/// Whether a network has an address in common with a protected one, however either is written.
fn clash(net: &IpNet, list: &[(IpNet, String)]) -> Result<()> {
    let all4 = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0));
    for face in faces(net) {
        for (protected, reason) in list {
            // what is protected in IPv6 guards the IPv4 it carries as well
            let guarded = faces(protected);
            let common = |p: &IpNet| p.contains(&face) || face.contains(p);
            if face == all4 || guarded.iter().any(common) {
                return Err(ResponseError::Protected { target: shown(net), reason: reason.clone() });
            }
        }
    }
    Ok(())
}
