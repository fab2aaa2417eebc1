//! Numbers of the audit subsystem as words: record types, architectures, system calls, socket addresses.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use fansipan_model::Value;

use super::Each;
use crate::format::unhex;

type Numbers = Vec<(u16, &'static str)>;

/// Architecture in auditd's hexadecimal, its name, its calls by number.
static CALLS: LazyLock<Vec<(&'static str, &'static str, Numbers)>> = LazyLock::new(|| {
    let mut all: Vec<(&str, &str, Numbers)> = Vec::new();
    for line in include_str!("syscalls.txt").lines().filter(|l| !l.starts_with('#')) {
        match line.split_once(' ') {
            Some(("@", arch)) => all.extend(arch.split_once(' ').map(|(code, name)| (code, name, Vec::new()))),
            Some((number, name)) => {
                if let (Ok(number), Some((_, _, calls))) = (number.parse(), all.last_mut()) {
                    calls.push((number, name));
                }
            }
            None => {}
        }
    }
    all
});

/// `c000003e` → `x86_64`.
pub(super) fn architecture(code: &str) -> Option<&'static str> {
    let known = CALLS.iter().find(|(c, name, _)| c.eq_ignore_ascii_case(code) || *name == code).map(|(_, name, _)| *name);
    known.or(match code {
        "40000003" => Some("i386"),
        "40000028" => Some("arm"),
        "80000015" => Some("ppc64"),
        "c0000015" => Some("ppc64le"),
        "80000016" => Some("s390x"),
        "c00000f3" => Some("riscv64"),
        _ => None,
    })
}

/// `59` → `execve` on x86_64.
pub(super) fn syscall(arch: Option<&str>, number: &str) -> Option<&'static str> {
    let number: u16 = number.parse().ok()?;
    let (_, _, calls) = CALLS.iter().find(|(_, name, _)| Some(*name) == arch)?;
    let at = calls.binary_search_by_key(&number, |(n, _)| *n).ok()?;
    calls.get(at).map(|(_, name)| *name)
}

/// Record types that the kernel logs as numbers where no auditd runs (linux/audit.h, libaudit.h).
pub(super) fn record_type(word: &str) -> &str {
    match word {
        "1006" => "LOGIN",
        "1100" => "USER_AUTH",
        "1101" => "USER_ACCT",
        "1102" => "USER_MGMT",
        "1103" => "CRED_ACQ",
        "1104" => "CRED_DISP",
        "1105" => "USER_START",
        "1106" => "USER_END",
        "1107" => "USER_AVC",
        "1108" => "USER_CHAUTHTOK",
        "1109" => "USER_ERR",
        "1110" => "CRED_REFR",
        "1112" => "USER_LOGIN",
        "1113" => "USER_LOGOUT",
        "1114" => "ADD_USER",
        "1115" => "DEL_USER",
        "1116" => "ADD_GROUP",
        "1117" => "DEL_GROUP",
        "1123" => "USER_CMD",
        "1124" => "USER_TTY",
        "1127" => "SYSTEM_BOOT",
        "1128" => "SYSTEM_SHUTDOWN",
        "1130" => "SERVICE_START",
        "1131" => "SERVICE_STOP",
        "1300" => "SYSCALL",
        "1302" => "PATH",
        "1305" => "CONFIG_CHANGE",
        "1306" => "SOCKADDR",
        "1307" => "CWD",
        "1309" => "EXECVE",
        "1320" => "EOE",
        "1325" => "NETFILTER_CFG",
        "1326" => "SECCOMP",
        "1327" => "PROCTITLE",
        "1330" => "KERN_MODULE",
        "1334" => "BPF",
        "1400" => "AVC",
        "1403" => "MAC_POLICY_LOAD",
        "1404" => "MAC_STATUS",
        "1700" => "ANOM_PROMISCUOUS",
        "1701" => "ANOM_ABEND",
        other => other,
    }
}

/// A `struct sockaddr` in hexadecimal: family, and address and port or path.
pub(super) fn socket_address(hexadecimal: &str, each: &mut Each<'_>) {
    let byte = |at: usize| hexadecimal.get(at * 2..at * 2 + 2).and_then(|h| u8::from_str_radix(h, 16).ok());
    let bytes = |from: usize, to: usize| (from..to).map(byte).collect::<Option<Vec<u8>>>();
    let port = || Some(i64::from(byte(2)?) * 256 + i64::from(byte(3)?));
    // the family is a number of the machine's byte order; all families in use are below 256
    let family = byte(0).filter(|f| *f != 0).or_else(|| byte(1));
    match family {
        Some(2) => {
            each("saddr_family", Value::Str("inet"));
            if let Some([a, b, c, d]) = bytes(4, 8).as_deref() {
                each("saddr_ip", Value::Str(&Ipv4Addr::new(*a, *b, *c, *d).to_string()));
            }
            port().into_iter().for_each(|p| each("saddr_port", Value::Int(p)));
        }
        Some(10) => {
            each("saddr_family", Value::Str("inet6"));
            if let Some(octets) = bytes(8, 24).and_then(|b| <[u8; 16]>::try_from(b).ok()) {
                each("saddr_ip", Value::Str(&Ipv6Addr::from(octets).to_string()));
            }
            port().into_iter().for_each(|p| each("saddr_port", Value::Int(p)));
        }
        Some(1) => {
            each("saddr_family", Value::Str("unix"));
            // a path ends at its NUL, an abstract name begins with one
            let path = hexadecimal.get(4..).and_then(unhex).unwrap_or_default();
            let path = path.trim().split(' ').next().unwrap_or("").to_owned();
            if !path.is_empty() {
                each("saddr_path", Value::Str(&path));
            }
        }
        Some(16) => each("saddr_family", Value::Str("netlink")),
        Some(17) => each("saddr_family", Value::Str("packet")),
        _ => each("saddr", Value::Str(hexadecimal)),
    }
}
