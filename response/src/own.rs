//! Own addresses and gateways of this machine, as the kernel lists them under `/proc/net`.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

use ipnet::IpNet;

use crate::ports::Surroundings;

/// This machine.
pub struct ThisMachine {
    proc_net: PathBuf,
}

impl ThisMachine {
    /// Reads the kernel's tables at each call.
    pub fn new() -> Self {
        Self { proc_net: "/proc/self/net".into() }
    }

    /// `None`: the file does not exist, as without IPv6.
    fn read(&self, name: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.proc_net.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl Default for ThisMachine {
    fn default() -> Self {
        Self::new()
    }
}

impl Surroundings for ThisMachine {
    fn networks(&self) -> io::Result<Vec<(IpNet, String)>> {
        let trie = self.read("fib_trie")?.ok_or_else(|| io::Error::other("/proc/net/fib_trie is missing"))?;
        let mut out: Vec<(IpAddr, &str)> = local4(&trie).into_iter().map(|a| (a.into(), "an address of this machine")).collect();
        let six = self.read("if_inet6")?.unwrap_or_default();
        out.extend(local6(&six).into_iter().map(|a| (a.into(), "an address of this machine")));
        let routes = self.read("route")?.unwrap_or_default();
        out.extend(gateways4(&routes).into_iter().map(|a| (a.into(), "a gateway of this machine")));
        let routes = self.read("ipv6_route")?.unwrap_or_default();
        out.extend(gateways6(&routes).into_iter().map(|a| (a.into(), "a gateway of this machine")));
        Ok(out.into_iter().map(|(a, why)| (IpNet::from(a), why.to_owned())).collect())
    }
}

/// Leaves of the routing trie that say `host LOCAL`.
fn local4(trie: &str) -> Vec<Ipv4Addr> {
    let mut leaf: Option<Ipv4Addr> = None;
    let mut out = Vec::new();
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse().ok();
        } else if line.contains("host LOCAL") {
            out.extend(leaf);
        }
    }
    out.sort();
    out.dedup();
    out
}

fn hex6(text: &str) -> Option<Ipv6Addr> {
    (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Ipv6Addr::from)
}

fn local6(table: &str) -> Vec<Ipv6Addr> {
    table.lines().filter_map(|l| hex6(l.split_whitespace().next()?)).collect()
}

/// The kernel writes the address as the number its bytes are in this machine's order.
fn gateways4(table: &str) -> Vec<Ipv4Addr> {
    let gateway = |line: &str| {
        let word = line.split_whitespace().nth(2)?;
        let number = u32::from_str_radix(word, 16).ok().filter(|n| *n != 0)?;
        Some(Ipv4Addr::from(number.to_ne_bytes()))
    };
    table.lines().skip(1).filter_map(gateway).collect()
}

fn gateways6(table: &str) -> Vec<Ipv6Addr> {
    table.lines().filter_map(|l| hex6(l.split_whitespace().nth(4)?)).filter(|a| !a.is_unspecified()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_read() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 10.9.0.0/24\n        |-- 10.9.0.0\n           /24 link UNICAST\n        |-- 10.9.0.1\n           /32 host LOCAL\n        |-- 10.9.0.255\n           /32 link BROADCAST\n";
        assert_eq!(local4(trie), ["10.9.0.1".parse::<Ipv4Addr>().unwrap()]);
        let routes = "Iface\tDestination\tGateway \tFlags\neth0\t00000000\tFE00090A\t0003\neth0\t0000090A\t00000000\t0001\n";
        assert_eq!(gateways4(routes), ["10.9.0.254".parse::<Ipv4Addr>().unwrap()]);
        assert_eq!(local6("00000000000000000000000000000001 01 80 10 80       lo\n"), [Ipv6Addr::LOCALHOST]);
        let six = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 0 0 0 eth0\n";
        assert_eq!(gateways6(six), ["fe80::1".parse::<Ipv6Addr>().unwrap()]);
        assert!(ThisMachine::new().networks().unwrap().iter().any(|(n, _)| n.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST))));
    }
}
