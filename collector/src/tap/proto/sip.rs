//! SIP over UDP and TCP: calls and registrations, who and with which device, each request with its final answer.

use std::collections::VecDeque;

use fansipan_model::Value;

use super::{
    Beginning, Cx, DatagramProtocol, Entry, Side, Step, StreamProtocol, Verdict,
    lines::{text, word},
    put,
};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "sip", probe: probe_stream, start: || Box::<Sip>::default() };
pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "sip", probe: probe_datagram, start: || Box::<Sip>::default() };

const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "OPTIONS",
    "BYE",
    "CANCEL",
    "REGISTER",
    "SUBSCRIBE",
    "NOTIFY",
    "MESSAGE",
    "REFER",
    "INFO",
    "PUBLISH",
    "PRACK",
    "UPDATE",
];
const MAX_OPEN: usize = 256;
const MAX_HEAD: usize = 32 << 10;

/// Whether the first line is one of SIP; lines of junk before it are passed over in datagrams.
fn first_line(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..8 {
        let rest = bytes.get(at..)?;
        let end = memchr::memchr(b'\n', rest)?;
        let line = rest.get(..end)?.trim_ascii();
        let method = word(line).0;
        if line.starts_with(b"SIP/2.0 ") || (line.ends_with(b"SIP/2.0") && METHODS.iter().any(|m| m.as_bytes() == method)) {
            return Some(at);
        }
        at += end + 1;
    }
    None
}

fn probe_datagram(beginning: &Beginning<'_>) -> Verdict {
    if first_line(beginning.source).is_some() { Verdict::Yes } else { Verdict::No }
}

fn probe_stream(beginning: &Beginning<'_>) -> Verdict {
    let bytes = if beginning.source.is_empty() { beginning.destination } else { beginning.source };
    let prefix = METHODS.iter().map(|m| Beginning::starts(bytes, m.as_bytes())).chain([Beginning::starts(bytes, b"SIP/2.0")]);
    let known = prefix.fold(Verdict::No, super::ftp::best);
    match memchr::memchr(b'\n', bytes) {
        Some(_) if first_line(bytes) == Some(0) => Verdict::Yes,
        Some(_) => Verdict::No,
        None if known == Verdict::No || bytes.len() > 1024 => Verdict::No,
        None => Verdict::Unsure,
    }
}

/// A message: its first line and the fields that are of interest.
#[derive(Default)]
struct Message {
    first: String,
    from: String,
    to: String,
    call: String,
    sequence: String,
    agent: String,
    content: String,
    user: Option<String>,
    length: usize,
}

impl Message {
    fn read(head: &[u8]) -> Self {
        let mut lines = head.split(|b| *b == b'\n').map(|l| l.trim_ascii());
        let mut out = Self { first: text(lines.next().unwrap_or_default()), ..Self::default() };
        for line in lines.take(256) {
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (name, value) = line.split_at(colon);
            let value = text(value.get(1..).unwrap_or_default().trim_ascii());
            let slot = match name.trim_ascii().to_ascii_lowercase().as_slice() {
                b"from" | b"f" => &mut out.from,
                b"to" | b"t" => &mut out.to,
                b"call-id" | b"i" => &mut out.call,
                b"cseq" => &mut out.sequence,
                b"user-agent" | b"server" => &mut out.agent,
                b"content-type" | b"c" => &mut out.content,
                b"content-length" | b"l" => {
                    out.length = value.parse().unwrap_or(0);
                    continue;
                }
                b"authorization" | b"proxy-authorization" => {
                    let at = value.find("username=\"").map(|a| a + 10);
                    out.user = at.and_then(|a| value.get(a..)).and_then(|v| v.split('"').next()).map(str::to_owned);
                    continue;
                }
                _ => continue,
            };
            if slot.is_empty() {
                *slot = value;
            }
        }
        out
    }

    fn is_answer(&self) -> bool {
        self.first.starts_with("SIP/")
    }
}

#[derive(Default)]
struct Sip {
    open: VecDeque<(i64, Message)>,
}

impl DatagramProtocol for Sip {
    fn datagram(&mut self, cx: &mut Cx<'_>, _side: Side, bytes: &[u8]) {
        if let Some(at) = first_line(bytes) {
            let rest = bytes.get(at..).unwrap_or_default();
            let end = memchr::memmem::find(rest, b"\r\n\r\n").unwrap_or(rest.len());
            self.message(cx, Message::read(rest.get(..end).unwrap_or(rest)));
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.give_up(cx, 0);
    }
}

impl StreamProtocol for Sip {
    fn step(&mut self, cx: &mut Cx<'_>, _side: Side, bytes: &[u8], last: bool) -> Step {
        if let [b'\r', b'\n', ..] = bytes {
            return Step::Take(2);
        }
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
            return if last || bytes.len() > MAX_HEAD { Step::Stop } else { Step::More(bytes.len() + 1) };
        };
        let message = Message::read(bytes.get(..end).unwrap_or_default());
        let length = message.length;
        self.message(cx, message);
        Step::Skip((end + 4 + length) as u64)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.give_up(cx, 0);
    }

    fn limit(&self) -> usize {
        MAX_HEAD + 4
    }
}

impl Sip {
    fn message(&mut self, cx: &mut Cx<'_>, message: Message) {
        if !message.is_answer() {
            let repeated = self.open.iter().any(|(_, m)| m.call == message.call && m.sequence == message.sequence);
            if !repeated {
                self.open.push_back((cx.at, message));
            }
            return self.give_up(cx, MAX_OPEN);
        }
        if message.first.get(8..9) == Some("1") {
            return;
        }
        let asked = self.open.iter().position(|(_, m)| m.call == message.call && m.sequence == message.sequence);
        match asked.and_then(|at| self.open.remove(at)) {
            Some((at, request)) => emit(cx, at, Some(&request), Some(&message)),
            None => emit(cx, cx.at, None, Some(&message)),
        }
    }

    fn give_up(&mut self, cx: &mut Cx<'_>, keep: usize) {
        while self.open.len() > keep {
            if let Some((at, request)) = self.open.pop_front() {
                emit(cx, at, Some(&request), None);
            }
        }
    }
}

fn emit(cx: &mut Cx<'_>, at: i64, request: Option<&Message>, answer: Option<&Message>) {
    let Some(main) = request.or(answer) else { return };
    let mut event = cx.event("network.sip", at);
    if let Some(request) = request {
        let mut words = request.first.split_whitespace();
        put(&mut event, "sip.method", words.next());
        put(&mut event, "sip.uri", words.next());
        put(&mut event, "user_agent.original", &*request.agent);
        put(&mut event, "sip.content_type", &*request.content);
        put(&mut event, "user.name", request.user.as_deref());
    } else {
        put(&mut event, "sip.method", main.sequence.split_whitespace().nth(1));
    }
    put(&mut event, "sip.from", &*main.from);
    put(&mut event, "sip.to", &*main.to);
    put(&mut event, "sip.call_id", &*main.call);
    put(&mut event, "sip.cseq", &*main.sequence);
    if let Some(answer) = answer {
        let code = answer.first.split_whitespace().nth(1).and_then(|c| c.parse::<i64>().ok()).unwrap_or(0);
        event.push_named("sip.status_code", Value::Int(code));
        put(&mut event, "sip.server", &*answer.agent);
        event.push_named("event.outcome", Value::Str(if code < 400 { "success" } else { "failure" }));
    }
    cx.emit(event);
}
