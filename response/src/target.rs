//! What an action is aimed at, read strictly: an address has one notation here, so that no odd spelling slips past the protected list.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr as _,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::{
    error::{ResponseError, Result},
    ports::Names,
};

/// Addresses that a name may stand for.
const ADDRESSES: usize = 16;
/// Widest networks an action may take.
const WIDEST: (u8, u8) = (16, 32);

/// What an action is aimed at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// Addresses or networks.
    Networks {
        /// As asked for.
        given: String,
        /// What it stands for; fixed when asked for, so that a name cannot change its meaning later.
        networks: Vec<IpNet>,
    },
    /// An account.
    Account {
        /// Its name.
        name: String,
    },
    /// People: what is told stands in the parameters.
    People,
}

impl Target {
    /// As people read it.
    pub fn text(&self) -> String {
        match self {
            Target::Networks { given, networks } => match networks.as_slice() {
                [one] if *given == shown(one) => given.clone(),
                list => format!("{given} ({})", list.iter().map(shown).collect::<Vec<_>>().join(", ")),
            },
            Target::Account { name } => name.clone(),
            Target::People => "people".to_owned(),
        }
    }

    /// Its networks; empty for accounts and people.
    pub fn networks(&self) -> &[IpNet] {
        match self {
            Target::Networks { networks, .. } => networks,
            Target::Account { .. } | Target::People => &[],
        }
    }
}

/// A network as people write it: a single address without its length.
pub fn shown(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

/// A network in its one form: host bits cleared, IPv4 carried in IPv6 (`::ffff:10.0.0.1`) as IPv4.
pub fn canonical(net: IpNet) -> IpNet {
    if let IpNet::V6(v6) = net.trunc()
        && v6.prefix_len() >= 96
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Ok(inner) = Ipv4Net::new(v4, v6.prefix_len() - 96)
    {
        return IpNet::V4(inner.trunc());
    }
    net.trunc()
}

/// Every network that a packet to `net` may really concern: itself, and IPv4 inside IPv6 (mapped, compatible, 6to4, NAT64).
pub fn faces(net: &IpNet) -> Vec<IpNet> {
    let net = canonical(*net);
    let mut out = vec![net];
    let IpNet::V6(v6) = net else { return out };
    let carriers = [
        (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96u8),
        (Ipv6Addr::UNSPECIFIED, 96),
        (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96),
        (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    ];
    for (start, length) in carriers {
        let Ok(carrier) = Ipv6Net::new(start, length) else { continue };
        if v6.contains(&carrier) {
            out.extend(Ipv4Net::new(Ipv4Addr::UNSPECIFIED, 0).ok().map(IpNet::V4));
        } else if carrier.contains(&v6) {
            let shift = 128 - 32 - u32::from(length);
            let bits = ((u128::from(v6.addr()) >> shift) & 0xffff_ffff) as u32;
            let inner = (v6.prefix_len() - length).min(32);
            out.extend(Ipv4Net::new(Ipv4Addr::from(bits), inner).ok().map(|n| IpNet::V4(n.trunc())));
        }
    }
    out
}

/// Reads an address, a network, or a name that stands for addresses.
pub fn networks(given: &str, names: &dyn Names) -> Result<Target> {
    let text = given.trim();
    let refuse = |why: &str| ResponseError::Target { given: given.chars().take(128).collect(), why: why.to_owned() };
    if let Some(net) = literal(text) {
        return Ok(Target::Networks { given: shown(&net), networks: vec![narrow(net, given)?] });
    }
    if !is_name(text) {
        return Err(refuse("write a plain address such as 203.0.113.7, a network such as 203.0.113.0/24, or a host name"));
    }
    let found = names.resolve(text).map_err(|e| refuse(&format!("the name cannot be resolved ({e}); give its address")))?;
    let mut networks: Vec<IpNet> = found.into_iter().map(|a| canonical(IpNet::from(a))).collect();
    networks.sort();
    networks.dedup();
    if networks.is_empty() || networks.len() > ADDRESSES {
        return Err(refuse("the name stands for no address, or for more than 16; give addresses"));
    }
    Ok(Target::Networks { given: text.to_ascii_lowercase(), networks })
}

/// An address or network in its plain notation.
fn literal(text: &str) -> Option<IpNet> {
    let net = match text.split_once('/') {
        // `/+8` and `/08` read as lengths in some libraries
        Some((_, length))
            if length.is_empty() || length.starts_with('0') && length.len() > 1 || !length.bytes().all(|b| b.is_ascii_digit()) =>
        {
            return None;
        }
        Some(_) => IpNet::from_str(text).ok()?,
        None => IpNet::from(IpAddr::from_str(text).ok()?),
    };
    Some(canonical(net))
}

fn narrow(net: IpNet, given: &str) -> Result<IpNet> {
    let widest = if matches!(net, IpNet::V4(_)) { WIDEST.0 } else { WIDEST.1 };
    if net.prefix_len() < widest {
        return Err(ResponseError::Target {
            given: given.chars().take(128).collect(),
            why: format!("wider than /{widest}; act on smaller networks, so that a slip does not cut off a province"),
        });
    }
    Ok(net)
}

/// A host name (RFC 1123) that nobody could read as a number.
pub(crate) fn is_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |l: &str| {
        (1..=63).contains(&l.len()) && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !l.starts_with('-') && !l.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit())
        || (last.len() > 1
            && last.starts_with('0')
            && last[1..].starts_with(['x', 'X'])
            && last[2..].bytes().all(|b| b.is_ascii_hexdigit()));
    text.len() <= 253 && !numeric && text.split('.').all(label)
}

/// Reads an account name: `lan.pt`, `LAICHAU\lan.pt`, `lan.pt@laichau.gov.vn`.
pub fn account(given: &str) -> Result<Target> {
    let name = given.trim();
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-@\\$+".contains(&b);
    if name.is_empty() || name.len() > 128 || name.starts_with('-') || !name.bytes().all(fits) {
        let why = "an account is 1 to 128 letters, digits and . _ - @ \\ $ +, and does not begin with -".to_owned();
        return Err(ResponseError::Target { given: given.chars().take(128).collect(), why });
    }
    Ok(Target::Account { name: name.to_owned() })
}

/// The bare, case-less name of an account, whatever domain it is written with.
pub fn bare_account(name: &str) -> String {
    let after = name.rsplit('\\').next().unwrap_or(name);
    after.split('@').next().unwrap_or(after).to_ascii_lowercase()
}
