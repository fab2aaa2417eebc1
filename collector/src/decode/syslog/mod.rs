//! Syslog headers: RFC 5424, RFC 3164 and what devices send instead. Never fails: what is no header is body.
//!
//! The result is slices of the text; nothing is allocated. A header is only taken where it is beyond doubt, because text that
//! is mistaken for a header is missing from the body a format reads.

mod stamp;

use crate::clock::Civil;
pub(crate) use stamp::{fraction, iso, month};

/// A record taken apart. Everything absent from the record is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header<'t> {
    /// Facility × 8 + severity, 0–191.
    pub priority: Option<u8>,
    /// Version of an RFC 5424 header.
    pub version: Option<u8>,
    /// When the device says it happened.
    pub time: Option<Civil>,
    /// The same as seconds since 1970 with nanoseconds, where a device writes that (Cisco Meraki).
    pub epoch: Option<(i64, u32)>,
    /// Who says so.
    pub host: Option<&'t str>,
    /// Program, without its process id.
    pub app: Option<&'t str>,
    /// Process id, mostly a number.
    pub procid: Option<&'t str>,
    /// RFC 5424 MSGID, or the number of Solaris' `[ID n facility.level]`.
    pub msgid: Option<&'t str>,
    /// RFC 5424 structured data, brackets included.
    pub structured: Option<&'t str>,
    /// Number the device gave the message (Cisco).
    pub sequence: Option<u64>,
    /// The rest.
    pub body: &'t str,
}

/// Names of facilities 0–23 as syslog.conf(5) has them.
pub const FACILITIES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];

/// Names of severities 0–7 as syslog.conf(5) has them.
pub const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

impl Header<'_> {
    /// Whether there is something only a syslog sender writes: a priority or a time of its own.
    pub fn is_syslog(&self) -> bool {
        self.priority.is_some() || self.time.is_some() || self.epoch.is_some()
    }
}

/// Takes the header off a record.
pub fn parse(text: &str) -> Header<'_> {
    let mut header = Header { body: text, ..Header::default() };
    let mut rest = text.trim_start_matches([' ', '\u{feff}']);
    if let Some((priority, after)) = priority(rest) {
        header.priority = Some(priority);
        header.body = after;
        if let Some(modern) = modern(after) {
            return Header { priority: header.priority, ..modern };
        }
        rest = after;
    }
    legacy(rest, &mut header);
    header
}

fn priority(text: &str) -> Option<(u8, &str)> {
    let inner = text.strip_prefix('<')?;
    let end = inner.as_bytes().iter().take(4).position(|&b| b == b'>')?;
    let digits = inner.get(..end)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse::<u8>().ok().filter(|&v| v <= 191)?;
    Some((value, inner.get(end + 1..)?))
}

/// Up to the next blank, and what follows it.
fn token(text: &str) -> (&str, &str) {
    match memchr::memchr(b' ', text.as_bytes()) {
        Some(at) => (text.get(..at).unwrap_or(text), text.get(at + 1..).unwrap_or("")),
        None => (text, ""),
    }
}

fn nil(text: &str) -> Option<&str> {
    (text != "-" && !text.is_empty()).then_some(text)
}

/// RFC 5424 after the priority: `1 TIME HOST APP PROCID MSGID SD MSG`.
fn modern(text: &str) -> Option<Header<'_>> {
    let (version, rest) = token(text);
    if version.len() > 2 || !version.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let version = version.parse::<u8>().ok().filter(|&v| v > 0)?;
    let (time, rest) = token(rest);
    let mut header = Header { version: Some(version), ..Header::default() };
    if let Some(epoch) = stamp::epoch(time) {
        // Cisco Meraki: `1 1563249630.774247467 appliance flows src=…`
        let (host, body) = token(rest);
        return Some(Header { epoch: Some(epoch), host: nil(host), body, ..header });
    }
    if time != "-" {
        let (civil, used) = iso(time, false)?;
        if used != time.len() {
            return None;
        }
        header.time = Some(civil);
    }
    let (host, rest) = token(rest);
    let (app, rest) = token(rest);
    let (procid, rest) = token(rest);
    let (msgid, rest) = token(rest);
    (header.host, header.app, header.procid, header.msgid) = (nil(host), nil(app), nil(procid), nil(msgid));
    header.body = match rest.strip_prefix('-') {
        Some(after) if after.is_empty() || after.starts_with(' ') => after.strip_prefix(' ').unwrap_or(after),
        _ => match structured_end(rest) {
            Some(end) => {
                header.structured = rest.get(..end);
                let after = rest.get(end..).unwrap_or("");
                after.strip_prefix(' ').unwrap_or(after)
            }
            None => rest, // no structured data where it must stand: a message that begins here
        },
    };
    header.body = header.body.trim_start_matches('\u{feff}');
    Some(header)
}

/// Length of well-formed structured data at the start of `text`.
fn structured_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while bytes.get(at) == Some(&b'[') {
        let id = at + 1;
        at = id + bytes.get(id..)?.iter().position(|b| matches!(b, b' ' | b']' | b'"' | b'='))?;
        // registered ids (`meta`, `origin`…) always have parameters: `[error]` alone is how a message begins
        if at == id || bytes.get(at) == Some(&b']') && memchr::memchr(b'@', bytes.get(id..at)?).is_none() {
            return None;
        }
        loop {
            match bytes.get(at)? {
                b']' => {
                    at += 1;
                    break;
                }
                b' ' => at += 1,
                _ => {
                    let name = at;
                    at += bytes.get(at..)?.iter().position(|b| matches!(b, b' ' | b']' | b'"' | b'='))?;
                    if at == name || bytes.get(at) != Some(&b'=') || bytes.get(at + 1) != Some(&b'"') {
                        return None;
                    }
                    at = quote_end(bytes, at + 2)? + 1;
                }
            }
        }
    }
    (at > 0 && bytes.get(at).is_none_or(|b| *b == b' ')).then_some(at)
}

/// Where the quote closes that was opened before `at`; `\"`, `\\`, `\]` are escapes.
fn quote_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// Calls `each(id, name, value)` for every parameter of structured data. Values are as written, escapes included.
pub fn parameters<'t>(structured: &'t str, mut each: impl FnMut(&'t str, &'t str, &'t str)) {
    let mut rest = structured;
    while let Some(element) = rest.strip_prefix('[') {
        let id_end = element.find([' ', ']']).unwrap_or(element.len());
        let id = element.get(..id_end).unwrap_or("");
        rest = element.get(id_end..).unwrap_or("");
        loop {
            rest = rest.trim_start_matches(' ');
            if let Some(after) = rest.strip_prefix(']') {
                rest = after;
                break;
            }
            let Some((name, value)) = rest.split_once("=\"") else { return };
            let Some(end) = quote_end(value.as_bytes(), 0) else { return };
            each(id, name, value.get(..end).unwrap_or(""));
            rest = value.get(end + 1..).unwrap_or("");
        }
    }
}

/// rsyslog's `message repeated 3 times: [ text]`: how often, and the text.
pub fn repeated(body: &str) -> Option<(u32, &str)> {
    let (count, text) = body.strip_prefix("message repeated ")?.split_once(" times: [")?;
    Some((count.parse().ok()?, text.strip_suffix(']')?.trim_start_matches(' ')))
}

/// RFC 3164 and its relatives, after any priority.
fn legacy<'t>(text: &'t str, header: &mut Header<'t>) {
    let mut rest = text.trim_start_matches(' ');
    let sequence = sequence(rest);
    if let Some((_, after)) = sequence {
        rest = after;
    }
    rest = rest.strip_prefix(": ").or_else(|| rest.strip_prefix(':')).unwrap_or(rest);
    let mut found = stamp::legacy(rest, header.priority.is_some());
    if found.is_none() && header.priority.is_some() {
        // `R1: *Mar  1 …` (Cisco with `logging origin-id`), `fw01 Nov 23 …`
        let (word, after) = token(rest);
        let name = word.strip_suffix(':').unwrap_or(word);
        if is_host(name) {
            found = stamp::legacy(after.trim_start_matches([' ', ':']), true);
            header.host = found.map(|_| name);
        }
    }
    match found {
        Some((civil, after)) => {
            header.time = Some(civil);
            header.sequence = sequence.map(|(n, _)| n);
            after_time(after, header);
        }
        None if sequence.is_some() && rest.starts_with('%') => {
            header.sequence = sequence.map(|(n, _)| n);
            header.body = rest;
        }
        None => without_time(text.trim_start_matches(' '), header),
    }
}

/// `123: ` or `000123: ` before the time, as Cisco's `service sequence-numbers` writes.
fn sequence(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take(12).take_while(u8::is_ascii_digit).count();
    let after = text.get(digits..)?.strip_prefix(':')?.strip_prefix(' ')?;
    if digits == 0 {
        return None;
    }
    Some((text.get(..digits)?.parse().ok()?, after.trim_start_matches(' ')))
}

/// Host and tag after the time.
fn after_time<'t>(text: &'t str, header: &mut Header<'t>) {
    if let Some(after) = text.strip_prefix(':') {
        header.body = after.trim_start_matches(' ');
        return;
    }
    let rest = text.trim_start_matches(' ');
    header.body = rest;
    let (word, after) = token(rest);
    if header.host.is_none() && is_host(word) && !(word.ends_with(':') && word.parse::<std::net::Ipv6Addr>().is_err()) && !is_tag(word) {
        header.host = Some(word);
        let after = after.trim_start_matches(' ');
        header.body = after.strip_prefix(": ").unwrap_or(after);
    }
    tag(header.body, header, true);
}

/// A record without a time: only a tag that cannot be anything else is taken off.
fn without_time<'t>(text: &'t str, header: &mut Header<'t>) {
    header.body = text;
    let bare = header.priority.is_some();
    tag(text, header, bare);
    if header.app.is_none() && bare {
        let (word, after) = token(text);
        if is_host(word) && !word.ends_with(':') && is_tag(token(after).0) {
            header.host = Some(word);
            tag(after, header, false);
        }
    }
}

/// Whether a word can name a host: letters, digits, `.`, `-`, `_`, the colons of IPv6 and a zone id.
fn is_host(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= 255
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'/' | b'@') || b >= 0x80 || b == b'%')
        && word.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b':' || b >= 0x80)
        && !word.starts_with("CEF:")
        && !word.starts_with("LEEF:")
}

/// Whether a word is a tag with a process id: `name[1]:`.
fn is_tag(word: &str) -> bool {
    let word = word.strip_suffix(':').unwrap_or(word);
    word.ends_with(']') && word.find('[').is_some_and(|at| at > 0)
}

const TAG_LIMIT: usize = 100;

fn is_tag_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'/' | b'-' | b'(' | b')' | b'@' | b'+' | b'~')
}

/// `app[pid]: `, `app[pid] ` or, where `bare`, `app: `.
fn tag<'t>(text: &'t str, header: &mut Header<'t>, bare: bool) {
    let bytes = text.as_bytes();
    let length = bytes.iter().take(TAG_LIMIT).take_while(|b| is_tag_byte(**b)).count();
    let Some(name) = text.get(..length).filter(|n| n.bytes().any(|b| b.is_ascii_alphabetic())) else { return };
    if name.starts_with('(') {
        return; // cron's `(root) CMD`
    }
    let rest = text.get(length..).unwrap_or_default();
    if matches!(name, "CEF" | "LEEF") && rest.strip_prefix(':').is_some_and(|r| r.trim_start().starts_with(|c: char| c.is_ascii_digit())) {
        return; // `CEF: 0|…`, as Imperva and others write it, is no program
    }
    let body = match bytes.get(length) {
        Some(b'[') => {
            let Some(close) = bytes.get(length..).and_then(|b| b.iter().take(66).position(|b| *b == b']')) else { return };
            let procid = text.get(length + 1..length + close).unwrap_or("");
            let after = text.get(length + close + 1..).unwrap_or("");
            if procid.is_empty() || procid.contains(' ') || !(after.is_empty() || after.starts_with([':', ' '])) {
                return;
            }
            header.procid = Some(procid);
            after.strip_prefix(':').unwrap_or(after)
        }
        Some(b':') if bare && bytes.get(length + 1).is_none_or(|b| matches!(b, b' ' | b'\t')) => text.get(length + 1..).unwrap_or(""),
        _ => return,
    };
    header.app = Some(name);
    header.body = solaris(body.trim_start_matches([' ', '\t']), header);
}

/// Solaris' `[ID 800047 auth.info] ` before the message.
fn solaris<'t>(body: &'t str, header: &mut Header<'t>) -> &'t str {
    let Some((inside, after)) = body.strip_prefix("[ID ").and_then(|b| b.split_once("] ")) else { return body };
    let Some((number, _)) = inside.split_once(' ').filter(|(n, f)| n.bytes().all(|b| b.is_ascii_digit()) && !f.contains(' ')) else {
        return body;
    };
    header.msgid = Some(number);
    after
}

#[cfg(test)]
mod tests;
