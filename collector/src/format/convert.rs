//! One value into one field: types, fallbacks, and the conversions a format names.

use std::{net::IpAddr, sync::Arc};

use fansipan_model::{EventBuilder, FieldId, FieldType, Value, time, value::decimal};
use hashbrown::HashMap;

use super::time::epoch;

/// Words to words, by format.
#[derive(Debug, Default)]
pub(super) struct WordMap {
    pub(super) words: HashMap<Box<str>, Box<str>, foldhash::fast::RandomState>,
    pub(super) other: Option<Box<str>>,
}

/// Fields beside a field: `source.ip` has `source.address`.
pub(super) fn sibling(field: &str, last: &str) -> Option<FieldId> {
    let (parent, _) = field.rsplit_once('.')?;
    FieldId::intern(&format!("{parent}.{last}"))
}

#[derive(Clone, Debug)]
pub(super) enum Conv {
    /// Text in a field of the registry: numbers become text.
    Keyword,
    /// A vendor's field: numbers stay numbers.
    Open,
    Long,
    Double,
    Boolean,
    Ip {
        address: Option<FieldId>,
        domain: Option<FieldId>,
    },
    Date,
    Lower,
    Upper,
    Hex,
    Epoch,
    /// Nanoseconds in the unit.
    Duration(f64),
    Mac,
    /// Destination and source hardware address and type in one (iptables).
    Ether {
        source: FieldId,
        destination: FieldId,
    },
    IpPort {
        port: FieldId,
        address: FieldId,
    },
    Account {
        domain: FieldId,
    },
    Url(Box<UrlFields>),
    Path {
        name: FieldId,
        directory: FieldId,
        extension: FieldId,
    },
    Executable {
        name: FieldId,
    },
    /// By its length.
    Hash {
        md5: FieldId,
        sha1: FieldId,
        sha256: FieldId,
    },
    Basename,
    Unhex,
    Map(Arc<WordMap>),
    /// Nothing where the device writes zero for what it does not know.
    Known(Box<Target>),
    /// What follows a text, up to a quote, comma, semicolon or blank.
    After(Box<str>, Box<Target>),
}

#[derive(Clone, Debug)]
pub(super) struct UrlFields {
    pub(super) scheme: FieldId,
    pub(super) domain: FieldId,
    pub(super) port: FieldId,
    pub(super) path: FieldId,
    pub(super) query: FieldId,
    pub(super) extension: FieldId,
}

/// Where a value goes and how.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) field: FieldId,
    pub(super) conv: Conv,
}

/// The conversion a field of this type gets when the format names none.
pub(super) fn by_type(field: FieldId) -> Conv {
    if !field.is_static() {
        return Conv::Open;
    }
    typed(field, field.kind())
}

pub(super) fn typed(field: FieldId, kind: FieldType) -> Conv {
    match kind {
        FieldType::Long => Conv::Long,
        FieldType::Double => Conv::Double,
        FieldType::Boolean => Conv::Boolean,
        FieldType::Date => Conv::Date,
        FieldType::Ip => {
            let name = field.name();
            let known = |last: &str| name.ends_with(".ip").then(|| sibling(name, last)).flatten().filter(|f| f.is_static());
            Conv::Ip { address: known("address"), domain: known("domain") }
        }
        FieldType::Keyword | FieldType::Text | FieldType::Uuid => Conv::Keyword,
    }
}

/// Words that devices write for "nothing".
pub(super) fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "-" | "N/A" | "n/a" | "(null)" | "<null>")
}

/// `10.0.0.1`, `[::1]`, `fe80::1%eth0`, `::ffff:10.0.0.1` (as IPv4).
pub(super) fn address(text: &str) -> Option<IpAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    let text = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let text = text.split_once('%').map_or(text, |(ip, _)| ip);
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

impl Target {
    /// Appends the value; never loses it: what does not fit the type stays text.
    pub(super) fn push(&self, out: &mut EventBuilder<'_>, value: Value<'_>) {
        match value {
            Value::Str(text) => self.push_text(out, text),
            Value::Null => {}
            Value::Int(number) => match &self.conv {
                Conv::Open | Conv::Long | Conv::Double => out.push(self.field, value),
                _ => self.push_text(out, decimal(number, &mut [0; 20])),
            },
            Value::Float(number) => match &self.conv {
                Conv::Open | Conv::Double => out.push(self.field, value),
                Conv::Long if number.fract() == 0.0 && number.abs() < 9e15 => out.push(self.field, Value::Int(number as i64)),
                _ => self.push_text(out, &value.text().unwrap_or_default()),
            },
            Value::Bool(_) => match &self.conv {
                Conv::Open | Conv::Boolean => out.push(self.field, value),
                _ => self.push_text(out, &value.text().unwrap_or_default()),
            },
            Value::Time(_) | Value::Ip(_) | Value::Uuid(_) => out.push(self.field, value),
        }
    }

    fn push_text(&self, out: &mut EventBuilder<'_>, text: &str) {
        let field = self.field;
        match &self.conv {
            Conv::Keyword | Conv::Open => out.str(field, text),
            Conv::Long => typed_or_text(out, field, text, text.trim().parse().ok().map(Value::Int)),
            Conv::Double => typed_or_text(out, field, text, text.trim().parse().ok().filter(|f: &f64| f.is_finite()).map(Value::Float)),
            Conv::Boolean => typed_or_text(out, field, text, boolean(text).map(Value::Bool)),
            Conv::Ip { address: other, domain } => push_ip(out, field, *other, *domain, text),
            Conv::Date => typed_or_text(out, field, text, time::from_rfc3339(text).map(Value::Time)),
            Conv::Lower if text.bytes().any(|b| !b.is_ascii() || b.is_ascii_uppercase()) => out.str(field, &text.to_lowercase()),
            Conv::Upper if text.bytes().any(|b| !b.is_ascii() || b.is_ascii_lowercase()) => out.str(field, &text.to_uppercase()),
            Conv::Lower | Conv::Upper => out.str(field, text),
            Conv::Hex => {
                let digits = text.trim_start_matches("0x").trim_start_matches("0X");
                typed_or_text(out, field, text, i64::from_str_radix(digits, 16).ok().map(Value::Int));
            }
            Conv::Epoch => typed_or_text(out, field, text, epoch(text).map(Value::Time)),
            Conv::Duration(unit) => {
                let nanos = text.trim().parse::<f64>().ok().filter(|f| f.is_finite() && f.abs() < 1e9);
                typed_or_text(out, field, text, nanos.map(|n| Value::Int((n * unit).round() as i64)));
            }
            Conv::Mac => match mac(text.as_bytes()) {
                Some(mac) => out.str(field, &mac),
                None => out.str(field, text),
            },
            Conv::Ether { source, destination } => push_ether(out, field, *source, *destination, text),
            Conv::IpPort { port, address: other } => push_ip_port(out, field, *port, *other, text),
            Conv::Account { domain } => push_account(out, field, *domain, text),
            Conv::Url(fields) => push_url(out, field, fields, text),
            Conv::Path { name, directory, extension } => push_path(out, [field, *name, *directory, *extension], text),
            Conv::Executable { name } => {
                out.str(field, text);
                push_some(out, *name, basename(text));
            }
            Conv::Hash { md5, sha1, sha256 } => {
                let to = [(32, *md5), (40, *sha1), (64, *sha256)].into_iter().find(|(length, _)| *length == text.len());
                out.str(to.map_or(field, |(_, f)| f), text);
            }
            Conv::Basename => push_some(out, field, basename(text)),
            Conv::Unhex => match unhex(text) {
                Some(plain) => out.str(field, &plain),
                None => out.str(field, text),
            },
            Conv::Known(_) if matches!(text, "0" | "0.0.0.0" | "::") => {}
            Conv::Known(inner) => inner.push_text(out, text),
            Conv::After(before, inner) => {
                if let Some((_, rest)) = text.split_once(&**before) {
                    let end = rest.find(['\'', '"', ',', ';', ' ']).unwrap_or(rest.len());
                    let found = rest.get(..end).unwrap_or(rest).trim_end_matches('.');
                    if !found.is_empty() {
                        inner.push_text(out, found);
                    }
                }
            }
            Conv::Map(map) => {
                if let Some(word) = map.words.get(text).or(map.other.as_ref()) {
                    out.str(field, word);
                }
            }
        }
    }
}

fn typed_or_text(out: &mut EventBuilder<'_>, field: FieldId, text: &str, value: Option<Value<'_>>) {
    match value {
        Some(value) => out.push(field, value),
        None => out.str(field, text),
    }
}

fn push_some(out: &mut EventBuilder<'_>, field: FieldId, text: &str) {
    if !text.is_empty() {
        out.str(field, text);
    }
}

fn push_ip(out: &mut EventBuilder<'_>, field: FieldId, other: Option<FieldId>, domain: Option<FieldId>, text: &str) {
    match (address(text), other) {
        (Some(ip), _) => out.push(field, Value::Ip(ip)),
        (None, Some(other)) => {
            out.str(other, text);
            if let Some(domain) = domain.filter(|_| is_domain(text)) {
                out.str(domain, text);
            }
        }
        (None, None) => out.str(field, text),
    }
}

fn push_ip_port(out: &mut EventBuilder<'_>, field: FieldId, port: FieldId, other: FieldId, text: &str) {
    // a bare IPv6 address has colons of its own
    let split = if text.parse::<IpAddr>().is_ok() { None } else { text.rsplit_once([':', '/']) };
    let (host, number) = match split.and_then(|(h, p)| p.parse::<u16>().ok().map(|p| (h, Some(p)))) {
        Some(found) => found,
        None => (text, None),
    };
    match address(host) {
        Some(ip) => out.push(field, Value::Ip(ip)),
        None => push_some(out, other, host),
    }
    if let Some(number) = number {
        out.push(port, Value::Int(i64::from(number)));
    }
}

fn push_account(out: &mut EventBuilder<'_>, field: FieldId, domain: FieldId, text: &str) {
    let (prefix, name) = match (text.split_once('\\'), text.split_once('@')) {
        (Some((d, n)), _) => (d, n),
        (None, Some((n, d))) => (d, n),
        (None, None) => ("", text),
    };
    if name.is_empty() {
        return out.str(field, text);
    }
    out.str(field, name);
    push_some(out, domain, prefix);
}

/// Splits a URL (`scheme://host:port/path?query`) or a request target (`/path?query`).
fn push_url(out: &mut EventBuilder<'_>, field: FieldId, fields: &UrlFields, text: &str) {
    out.str(field, text);
    let mut rest = text;
    if let Some((scheme, after)) = text.split_once("://").filter(|(s, _)| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric())) {
        out.str(fields.scheme, scheme);
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let authority = after.get(..end).unwrap_or("");
        let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
        let (name, port) = match host.rsplit_once(':').filter(|(_, p)| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())) {
            Some((name, port)) => (name, port.parse::<u16>().ok()),
            None => (host, None),
        };
        push_some(out, fields.domain, name);
        if let Some(port) = port {
            out.push(fields.port, Value::Int(i64::from(port)));
        }
        rest = after.get(end..).unwrap_or("");
    } else if !text.starts_with('/') {
        return; // `*`, `host:443`, or something no HTTP client sends
    }
    let rest = rest.split_once('#').map_or(rest, |(r, _)| r);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    push_some(out, fields.path, path);
    push_some(out, fields.query, query);
    push_some(out, fields.extension, extension(path));
}

fn basename(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn extension(path: &str) -> &str {
    let name = basename(path);
    match name.rsplit_once('.') {
        Some((stem, ext)) if !stem.is_empty() && ext.len() <= 16 && ext.bytes().all(|b| b.is_ascii_alphanumeric()) => ext,
        _ => "",
    }
}

fn push_path(out: &mut EventBuilder<'_>, [field, name, directory, ext]: [FieldId; 4], text: &str) {
    out.str(field, text);
    let last = basename(text);
    push_some(out, name, last);
    push_some(out, ext, extension(text));
    let parent = text.get(..text.len() - last.len()).unwrap_or("");
    push_some(out, directory, if parent.len() > 1 { parent.trim_end_matches(['/', '\\']) } else { parent });
}

fn boolean(text: &str) -> Option<bool> {
    let is = |words: [&str; 4]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(["true", "yes", "1", "on"]) { Some(true) } else { is(["false", "no", "0", "off"]).then_some(false) }
}

/// Twelve hexadecimal digits in any notation as `00-11-22-AA-BB-CC`.
fn mac(text: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(17);
    let mut digits = 0;
    for &b in text {
        match b {
            b if b.is_ascii_hexdigit() => {
                if digits > 0 && digits % 2 == 0 {
                    out.push('-');
                }
                out.push(char::from(b.to_ascii_uppercase()));
                digits += 1;
            }
            b':' | b'-' | b'.' => {}
            _ => return None,
        }
    }
    (digits == 12).then_some(out)
}

/// iptables' `MAC=`: fourteen octets of an Ethernet header.
fn push_ether(out: &mut EventBuilder<'_>, field: FieldId, source: FieldId, destination: FieldId, text: &str) {
    match (text.get(..17).and_then(|t| mac(t.as_bytes())), text.get(18..35).and_then(|t| mac(t.as_bytes()))) {
        (Some(to), Some(from)) => {
            out.str(destination, &to);
            out.str(source, &from);
        }
        _ => out.str(field, text),
    }
}

/// Text in hexadecimal digits; bytes that are not UTF-8 are replaced, NULs (audit's separators of arguments) become blanks.
pub(crate) fn unhex(text: &str) -> Option<String> {
    if text.is_empty() || !text.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |b: u8| char::from(b).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks_exact(2) {
        let [high, low] = pair else { return None };
        let byte = (nibble(*high)? * 16 + nibble(*low)?) as u8;
        bytes.push(if byte == 0 { b' ' } else { byte });
    }
    Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_the_stack() {
        for n in [0, 7, -1, 4624, i64::MAX, i64::MIN] {
            assert_eq!(decimal(n, &mut [0; 20]), n.to_string());
        }
    }

    #[test]
    fn addresses() {
        for (text, ip) in [("10.0.0.1", "10.0.0.1"), ("[::1]", "::1"), ("fe80::1%eth0", "fe80::1"), ("::ffff:10.0.0.1", "10.0.0.1")] {
            assert_eq!(address(text).map(|ip| ip.to_string()).as_deref(), Some(ip), "{text}");
        }
        assert_eq!(address("host"), None);
    }

    #[test]
    fn hexadecimal_text() {
        assert_eq!(unhex("2F62696E2F7368002D63").as_deref(), Some("/bin/sh -c"));
        assert_eq!(unhex("xyz1"), None);
        assert_eq!(unhex("abc"), None);
    }

    #[test]
    fn hardware_addresses() {
        for text in ["00:1b:44:11:3a:b7", "00-1B-44-11-3A-B7", "001b.4411.3ab7", "001B44113AB7"] {
            assert_eq!(mac(text.as_bytes()).as_deref(), Some("00-1B-44-11-3A-B7"));
        }
        assert_eq!(mac(b"00:1b"), None);
    }
}
