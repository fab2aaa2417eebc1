//! Fingerprints: JA3 and JA3S (BSD-3, Salesforce), and the client's JA4 (BSD-3, FoxIO). The other methods of the JA4 family are
//! under a licence that forbids selling, and are left out.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::{
    handshake::Carrier,
    hello::{ClientHello, ServerHello, is_grease},
};
use crate::tap::files::hex;

fn joined(numbers: impl Iterator<Item = u16>) -> String {
    let mut out = String::new();
    for n in numbers.filter(|n| !is_grease(*n)) {
        if !out.is_empty() {
            out.push('-');
        }
        let _ = write!(out, "{n}");
    }
    out
}

pub(super) fn ja3(hello: &ClientHello) -> String {
    let text = format!(
        "{},{},{},{},{}",
        hello.version,
        joined(hello.ciphers.iter().copied()),
        joined(hello.extensions.iter().copied()),
        joined(hello.groups.iter().copied()),
        joined(hello.formats.iter().map(|f| u16::from(*f))),
    );
    hex(&Md5::digest(text))
}

pub(super) fn ja3s(hello: &ServerHello) -> String {
    let extensions: Vec<String> = hello.extensions.iter().map(u16::to_string).collect();
    hex(&Md5::digest(format!("{},{},{}", hello.legacy, hello.cipher, extensions.join("-"))))
}

pub(super) fn ja4(hello: &ClientHello, carrier: Carrier) -> String {
    let carrier = match carrier {
        Carrier::Tcp => 't',
        Carrier::Quic => 'q',
    };
    let version = hello.versions.iter().copied().filter(|v| !is_grease(*v)).max_by_key(|v| rank(*v)).unwrap_or(hello.version);
    let version = match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 | 0x0200 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    };
    let mut ciphers: Vec<u16> = hello.ciphers.iter().copied().filter(|c| !is_grease(*c)).collect();
    let mut extensions: Vec<u16> = hello.extensions.iter().copied().filter(|e| !is_grease(*e)).collect();
    let (first, last) = alpn(hello.alpn.first().map_or(&[], Vec::as_slice));
    let head = format!(
        "{carrier}{version}{}{:02}{:02}{first}{last}",
        if hello.extensions.contains(&0) { 'd' } else { 'i' },
        ciphers.len().min(99),
        extensions.len().min(99),
    );
    ciphers.sort_unstable();
    extensions.retain(|e| !matches!(e, 0 | 16));
    extensions.sort_unstable();
    let signatures: Vec<u16> = hello.signatures.iter().copied().filter(|s| !is_grease(*s)).collect();
    let mut second = words(&extensions);
    if !signatures.is_empty() && !second.is_empty() {
        second.push('_');
        second.push_str(&words(&signatures));
    }
    format!("{head}_{}_{}", short(&words(&ciphers)), short(&second))
}

/// DTLS counts downwards.
fn rank(version: u16) -> u16 {
    if version >> 8 == 0xfe { 0xff - (version & 0xff) } else { version }
}

fn words(numbers: &[u16]) -> String {
    let mut out = String::with_capacity(numbers.len() * 5);
    for n in numbers {
        if !out.is_empty() {
            out.push(',');
        }
        let _ = write!(out, "{n:04x}");
    }
    out
}

fn short(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_owned();
    }
    let mut hash = hex(&Sha256::digest(text));
    hash.truncate(12);
    hash
}

/// First and last character of the first protocol; of its hexadecimal form where either is no letter or digit.
fn alpn(name: &[u8]) -> (char, char) {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return ('0', '0') };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return (char::from(first), char::from(last));
    }
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    (digit(first >> 4), digit(last & 15))
}
