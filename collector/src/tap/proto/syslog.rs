//! Syslog in the clear, on its way to somebody else: facility, severity and text of each record.

use fansipan_model::{Event, Value};

use super::{
    Beginning, Cx, DatagramProtocol, Entry, Side, Step, StreamProtocol, Verdict,
    lines::{self, text},
    put,
};

pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "syslog", probe, start: || Box::<Syslog>::default() };
pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "syslog", probe: probe_stream, start: || Box::<Syslog>::default() };

/// Longest record that is kept.
const MAX_TEXT: usize = 8192;

/// `<13>`: the number, and what comes after.
fn priority(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let rest = bytes.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|b| *b == b'>')?;
    let number: u16 = std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
    (number <= 191 && end > 0).then(|| (number, rest.get(end + 1..).unwrap_or_default()))
}

fn printable(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|b| *b >= b' ' || matches!(b, b'\n' | b'\r' | b'\t' | 0x1b | 0))
}

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = beginning.source;
    let fits = priority(bytes).is_some() || beginning.destination_port == 514;
    if fits && printable(bytes) { Verdict::Yes } else { Verdict::No }
}

fn probe_stream(beginning: &Beginning<'_>) -> Verdict {
    let bytes = beginning.source;
    let digits = bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(bytes.len());
    let body = match (digits, bytes.get(digits)) {
        (0, _) => bytes,
        (1..=5, Some(b' ')) => bytes.get(digits + 1..).unwrap_or_default(),
        (1..=5, None) => return Verdict::Unsure,
        _ => return Verdict::No,
    };
    if body.first().is_some_and(|b| *b != b'<') {
        return Verdict::No;
    }
    match priority(body) {
        Some(_) => Verdict::Yes,
        None if body.len() < 5 => Verdict::Unsure,
        None => Verdict::No,
    }
}

#[derive(Default)]
struct Syslog;

impl DatagramProtocol for Syslog {
    fn datagram(&mut self, cx: &mut Cx<'_>, _side: Side, bytes: &[u8]) {
        record(cx, bytes);
    }
}

impl StreamProtocol for Syslog {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if side == Side::Destination {
            return Step::Skip(u64::MAX);
        }
        let digits = bytes.iter().take(6).position(|b| !b.is_ascii_digit());
        if let (Some(n @ 1..=5), Some(b' ')) = (digits, digits.and_then(|n| bytes.get(n))) {
            // counted in bytes (RFC 6587)
            let length = bytes.get(..n).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| d.parse::<usize>().ok()).unwrap_or(0);
            return match bytes.get(n + 1..n + 1 + length) {
                Some(body) => {
                    record(cx, body);
                    Step::Take(n + 1 + length)
                }
                None if last => Step::Take(bytes.len()),
                None => Step::More(n + 1 + length),
            };
        }
        match lines::line(bytes, last) {
            Some(line) => {
                record(cx, line.text);
                Step::Take(line.length)
            }
            None => Step::More(bytes.len() + 1),
        }
    }

    fn limit(&self) -> usize {
        100_016
    }
}

fn record(cx: &mut Cx<'_>, bytes: &[u8]) {
    let end = bytes.iter().rposition(|b| *b > b' ').map_or(0, |at| at + 1);
    let bytes = bytes.get(..end).unwrap_or(bytes);
    if bytes.is_empty() {
        return;
    }
    let mut event = cx.event("network.syslog", cx.at);
    let (number, rest) = priority(bytes).map_or((None, bytes), |(n, r)| (Some(n), r));
    if let Some(number) = number {
        describe(&mut event, number);
    }
    put(&mut event, "message", &*text(rest.get(..rest.len().min(MAX_TEXT)).unwrap_or(rest)));
    cx.emit(event);
}

fn describe(event: &mut Event, number: u16) {
    const FACILITIES: [&str; 24] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert",
        "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ];
    const SEVERITIES: [&str; 8] = ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"];
    event.push_named("log.syslog.priority", Value::Int(i64::from(number)));
    event.push_named("log.syslog.facility.code", Value::Int(i64::from(number / 8)));
    event.push_named("log.syslog.severity.code", Value::Int(i64::from(number % 8)));
    put(event, "log.syslog.facility.name", FACILITIES.get(usize::from(number / 8)).copied());
    put(event, "log.syslog.severity.name", SEVERITIES.get(usize::from(number % 8)).copied());
}
