//! LDAP: binds (who, how, whether it worked), searches (where, for what, how much was found) and changes. Passwords are seen and not kept.

use std::collections::VecDeque;

use fansipan_model::{Event, Value};

use super::{
    Beginning, Cx, DatagramProtocol, Entry, Side, Step, StreamProtocol, Verdict,
    asn1::{Element, Elements, Extent, extent, integer},
    lines::text,
    ntlm::Ntlm,
    put,
};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "ldap", probe, start: || Box::<Ldap>::default() };
pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "ldap", probe: probe_datagram, start: || Box::<Ldap>::default() };

const MAX_MESSAGE: usize = 1 << 20;
const MAX_OPEN: usize = 1024;
/// Filters within each other, and length of one as text.
const MAX_DEPTH: u8 = 24;
const MAX_FILTER: usize = 4096;

/// Tags of operations.
const OPERATIONS: &[(u8, &str)] = &[
    (0x60, "bind"),
    (0x63, "search"),
    (0x66, "modify"),
    (0x68, "add"),
    (0x4a, "delete"),
    (0x6c, "rename"),
    (0x6e, "compare"),
    (0x77, "extended"),
];

fn name_of(tag: u8) -> Option<&'static str> {
    OPERATIONS.iter().find(|(t, _)| *t == tag).map(|(_, n)| *n)
}

fn probe(beginning: &Beginning<'_>) -> Verdict {
    if beginning.source.is_empty() { Verdict::Unsure } else { fits(beginning.source) }
}

fn probe_datagram(beginning: &Beginning<'_>) -> Verdict {
    if fits(beginning.source) == Verdict::Yes { Verdict::Yes } else { Verdict::No }
}

/// A message with its number and a request.
fn fits(bytes: &[u8]) -> Verdict {
    if bytes.first() != Some(&0x30) {
        return Verdict::No;
    }
    let head = match extent(bytes) {
        Extent::Known(head, whole) if whole <= MAX_MESSAGE && whole > 6 => head,
        Extent::More => return Verdict::Unsure,
        _ => return Verdict::No,
    };
    match bytes.get(head..) {
        Some([2, n, rest @ ..]) if (1..=4).contains(n) => match rest.get(usize::from(*n)) {
            Some(tag) if name_of(*tag).is_some() || matches!(tag, 0x42 | 0x50) => Verdict::Yes,
            Some(_) => Verdict::No,
            None => Verdict::Unsure,
        },
        None | Some([] | [2]) => Verdict::Unsure,
        _ => Verdict::No,
    }
}

struct Open {
    id: i64,
    at: i64,
    event: Event,
    kind: &'static str,
    entries: u64,
    tls: bool,
}

#[derive(Default)]
struct Ldap {
    open: VecDeque<Open>,
    ntlm: Ntlm,
    user: Option<String>,
    secure: bool,
    /// Numbers seen from the client, the highest.
    asked: i64,
}

impl DatagramProtocol for Ldap {
    fn datagram(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        for element in Elements(bytes).take(64) {
            self.message(cx, side, element.body);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.end(cx);
    }
}

impl StreamProtocol for Ldap {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if self.secure {
            return Step::Switch;
        }
        if side == Side::Source && !last && self.open.iter().any(|o| o.tls) {
            return Step::Wait;
        }
        let (head, whole) = match extent(bytes) {
            Extent::Known(head, whole) if whole <= MAX_MESSAGE && bytes.first() == Some(&0x30) => (head, whole),
            Extent::More if !last => return Step::More(bytes.len() + 1),
            // sealed by SASL, or not understood
            _ => return Step::Skip(u64::MAX),
        };
        let Some(body) = bytes.get(head..whole) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(whole) };
        };
        if side == Side::Destination && !last {
            let id = Elements(body).expect(2).and_then(integer).unwrap_or_default();
            if id > self.asked {
                return Step::Wait;
            }
        }
        self.message(cx, side, body);
        Step::Take(whole)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.end(cx);
    }

    fn limit(&self) -> usize {
        MAX_MESSAGE + 8
    }
}

impl Ldap {
    fn end(&mut self, cx: &mut Cx<'_>) {
        while let Some(open) = self.open.pop_front() {
            cx.emit(open.event);
        }
        self.ntlm.emit(cx, None);
    }

    fn message(&mut self, cx: &mut Cx<'_>, side: Side, body: &[u8]) {
        let mut elements = Elements(body);
        let (Some(id), Some(operation)) = (elements.expect(2).and_then(integer), elements.next()) else { return };
        match (side, name_of(operation.tag)) {
            (Side::Source, Some(kind)) => self.request(cx, id, kind, operation),
            (Side::Source, None) => self.asked = self.asked.max(id),
            (Side::Destination, _) => self.answer(cx, id, operation),
        }
    }

    fn request(&mut self, cx: &mut Cx<'_>, id: i64, kind: &'static str, operation: Element<'_>) {
        self.asked = self.asked.max(id);
        let mut event = cx.event("network.ldap", cx.at);
        event.push_named("event.action", Value::Str(kind));
        event.push_named("ldap.message_id", Value::Int(id));
        let mut tls = false;
        match kind {
            "bind" => self.bind(cx, operation.body, &mut event),
            "search" => search(operation.body, &mut event),
            "delete" => put(&mut event, "ldap.dn", &*text(operation.body)),
            "extended" => {
                let oid = Elements(operation.body).find(0x80).map(text).unwrap_or_default();
                tls = oid == "1.3.6.1.4.1.1466.20037";
                put(&mut event, "ldap.extended", &*oid);
            }
            "modify" => modify(operation.body, &mut event),
            _ => put(&mut event, "ldap.dn", Elements(operation.body).expect(4).map(text).as_deref()),
        }
        if kind != "bind" {
            put(&mut event, "user.name", self.user.as_deref());
        }
        if self.open.len() >= MAX_OPEN
            && let Some(oldest) = self.open.pop_front()
        {
            cx.emit(oldest.event);
        }
        self.open.push_back(Open { id, at: cx.at, event, kind, entries: 0, tls });
    }

    fn bind(&mut self, cx: &Cx<'_>, body: &[u8], event: &mut Event) {
        event.push_named("event.category", Value::Str("authentication"));
        let mut elements = Elements(body);
        let version = elements.expect(2).and_then(integer).unwrap_or_default();
        let dn = elements.expect(4).map(text).unwrap_or_default();
        event.push_named("ldap.version", Value::Int(version));
        put(event, "ldap.dn", &*dn);
        let mut user = dn;
        match elements.next() {
            Some(Element { tag: 0x80, body: password }) => {
                event.push_named("fansipan.login.method", Value::Str(if user.is_empty() { "anonymous" } else { "simple" }));
                if !password.is_empty() {
                    event.push_named("fansipan.cleartext_password", Value::Bool(true));
                }
            }
            Some(Element { tag: 0xa3, body }) => {
                let mut parts = Elements(body);
                let way = parts.expect(4).map(text).unwrap_or_default();
                put(event, "fansipan.login.method", &*way);
                let blob = parts.expect(4).unwrap_or_default();
                if self.ntlm.read(cx.at, blob)
                    && let Some(client) = self.ntlm.client()
                {
                    user.clone_from(&client.user);
                    put(event, "user.domain", &*client.domain);
                }
            }
            // Microsoft's way without SASL
            Some(Element { tag: 0x8a | 0x8b, body }) => {
                event.push_named("fansipan.login.method", Value::Str("ntlm"));
                self.ntlm.read(cx.at, body);
            }
            _ => {}
        }
        put(event, "user.name", &*user);
        self.user = Some(user).filter(|u| !u.is_empty());
    }

    fn answer(&mut self, cx: &mut Cx<'_>, id: i64, operation: Element<'_>) {
        let Some(at) = self.open.iter().position(|o| o.id == id) else { return };
        match operation.tag {
            0x64 => {
                if let Some(open) = self.open.get_mut(at) {
                    open.entries += 1;
                }
                return;
            }
            0x73 | 0x79 => return, // references, intermediate answers
            _ => {}
        }
        let Some(mut open) = self.open.remove(at) else { return };
        let mut elements = Elements(operation.body);
        let code = elements.expect(10).and_then(integer).unwrap_or(-1);
        elements.expect(4);
        let message = elements.expect(4).map(text);
        let event = &mut open.event;
        event.push_named("ldap.result_code", Value::Int(code));
        event.push_named("ldap.result", Value::Str(result(code)));
        put(event, "error.message", message.as_deref());
        if open.kind == "search" {
            event.push_named("ldap.entries", Value::Int(open.entries as i64));
        }
        let good = matches!(code, 0 | 5 | 6 | 14);
        event.push_named("event.outcome", Value::Str(if good { "success" } else { "failure" }));
        event.push_named("event.duration", Value::Int(cx.at.saturating_sub(open.at)));
        self.secure |= open.tls && code == 0;
        if open.kind == "bind" {
            if let Some(blob) = Elements(operation.body).find(0x87) {
                self.ntlm.read(cx.at, blob);
            }
            self.ntlm.read(cx.at, operation.body);
            if code != 14 && self.ntlm.waits() {
                self.ntlm.emit(cx, Some(code == 0));
            }
        }
        cx.emit(open.event);
    }
}

fn search(body: &[u8], event: &mut Event) {
    let mut elements = Elements(body);
    put(event, "ldap.dn", elements.expect(4).map(text).as_deref());
    let scope = elements.expect(10).and_then(integer);
    let scope = ["base", "one", "subtree"].get(scope.and_then(|s| usize::try_from(s).ok()).unwrap_or(9)).copied();
    put(event, "ldap.scope", scope);
    for _ in 0..4 {
        elements.next();
    }
    let mut out = String::new();
    if let Some(element) = elements.next() {
        filter(element, MAX_DEPTH, &mut out);
    }
    put(event, "ldap.filter", &*out);
    for attribute in elements.expect(0x30).map(Elements).into_iter().flatten().take(64) {
        event.push_named("ldap.attributes", Value::Str(&text(attribute.body)));
    }
}

fn modify(body: &[u8], event: &mut Event) {
    let mut elements = Elements(body);
    put(event, "ldap.dn", elements.expect(4).map(text).as_deref());
    for change in elements.expect(0x30).map(Elements).into_iter().flatten().take(64) {
        let mut parts = Elements(change.body);
        parts.next();
        if let Some(attribute) = parts.expect(0x30).and_then(|a| Elements(a).expect(4)) {
            event.push_named("ldap.attributes", Value::Str(&text(attribute)));
        }
    }
}

/// A filter as RFC 4515 writes it; what is too deep or long ends in `…`.
fn filter(element: Element<'_>, depth: u8, out: &mut String) {
    if depth == 0 || out.len() > MAX_FILTER {
        return out.push('…');
    }
    out.push('(');
    match element.tag {
        0xa0..=0xa2 => {
            out.push(match element.tag {
                0xa0 => '&',
                0xa1 => '|',
                _ => '!',
            });
            for inner in Elements(element.body) {
                filter(inner, depth - 1, out);
                if out.len() > MAX_FILTER {
                    break;
                }
            }
        }
        0xa3 | 0xa5 | 0xa6 | 0xa8 => {
            let mut parts = Elements(element.body).map(|e| e.body);
            value(parts.next().unwrap_or_default(), out);
            out.push_str(match element.tag {
                0xa3 => "=",
                0xa5 => ">=",
                0xa6 => "<=",
                _ => "~=",
            });
            value(parts.next().unwrap_or_default(), out);
        }
        0xa4 => {
            let mut parts = Elements(element.body);
            value(parts.next().map(|e| e.body).unwrap_or_default(), out);
            out.push('=');
            let pieces = parts.next().map(|e| Elements(e.body)).into_iter().flatten().take(32);
            let mut open = true;
            for piece in pieces {
                if piece.tag != 0x80 {
                    out.push('*');
                }
                value(piece.body, out);
                open = piece.tag != 0x82;
            }
            if open {
                out.push('*');
            }
        }
        0x87 => {
            value(element.body, out);
            out.push_str("=*");
        }
        0xa9 => extensible(element.body, out),
        _ => out.push('?'),
    }
    out.push(')');
}

fn extensible(body: &[u8], out: &mut String) {
    let parts = Elements(body);
    value(parts.find(0x82).unwrap_or_default(), out);
    out.push(':');
    if let Some(rule) = parts.find(0x81) {
        value(rule, out);
        out.push(':');
    }
    out.push('=');
    value(parts.find(0x83).unwrap_or_default(), out);
}

fn value(bytes: &[u8], out: &mut String) {
    use std::fmt::Write as _;
    let bytes = bytes.get(..bytes.len().min(512)).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|c: char| c.is_control()) => out.push_str(text),
        _ => {
            for b in bytes.iter().take(128) {
                let _ = write!(out, "\\{b:02x}");
            }
        }
    }
}

fn result(code: i64) -> &'static str {
    match code {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        14 => "saslBindInProgress",
        16 => "noSuchAttribute",
        20 => "attributeOrValueExists",
        32 => "noSuchObject",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        65 => "objectClassViolation",
        68 => "entryAlreadyExists",
        _ => "other",
    }
}
