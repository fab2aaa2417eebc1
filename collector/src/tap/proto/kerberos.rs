//! Kerberos over UDP and TCP: tickets asked for and given (AS, TGS), their ciphers, and errors. Nothing secret is read.

use fansipan_model::{Event, Value};

use super::{
    Beginning, Cx, DatagramProtocol, Entry, Side, Step, StreamProtocol, Verdict,
    asn1::{Elements, Extent, extent, integer, path},
    lines::text,
    put,
};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "kerberos", probe: probe_stream, start: || Box::<Kerberos>::default() };
pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> =
    Entry { name: "kerberos", probe: probe_datagram, start: || Box::<Kerberos>::default() };

/// Largest message over TCP that is read.
const MAX_MESSAGE: usize = 64 << 10;

/// Application tags of the messages that begin an exchange or answer one.
fn kind(tag: u8) -> Option<(&'static str, bool)> {
    Some(match tag {
        0x6a => ("AS", false),
        0x6b => ("AS", true),
        0x6c => ("TGS", false),
        0x6d => ("TGS", true),
        0x7e => ("", true),
        _ => return None,
    })
}

fn fits(message: &[u8]) -> bool {
    let Some(body) = message.first().filter(|t| kind(**t).is_some()).and_then(|t| Elements(message).expect(*t)) else { return false };
    let Some(body) = Elements(body).expect(0x30) else { return false };
    // pvno 5, in the first or second place
    [0xa0, 0xa1].iter().any(|tag| path(body, &[*tag, 2]).and_then(integer) == Some(5))
}

fn probe_datagram(beginning: &Beginning<'_>) -> Verdict {
    let error = beginning.port(88) && path(beginning.source, &[0x7e, 0x30]).is_some();
    if error || fits(beginning.source) { Verdict::Yes } else { Verdict::No }
}

fn probe_stream(beginning: &Beginning<'_>) -> Verdict {
    let bytes = if beginning.source.is_empty() { beginning.destination } else { beginning.source };
    let head = bytes.get(..bytes.len().min(2)).unwrap_or_default();
    if head.iter().any(|b| *b != 0) {
        return Verdict::No;
    }
    let Some((length, message)) = bytes.split_first_chunk::<4>() else { return Verdict::Unsure };
    if message.first().is_some_and(|t| kind(*t).is_none()) {
        return Verdict::No;
    }
    match extent(message) {
        Extent::More => Verdict::Unsure,
        Extent::Known(_, whole) if whole == u32::from_be_bytes(*length) as usize => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// What was asked.
#[derive(Default)]
struct Request {
    at: i64,
    kind: &'static str,
    client: Option<String>,
    service: Option<String>,
    realm: Option<String>,
    ciphers: Vec<i64>,
    options: u32,
    preauth: bool,
    till: Option<String>,
    address: Option<String>,
}

#[derive(Default)]
struct Kerberos {
    open: std::collections::VecDeque<Request>,
}

impl DatagramProtocol for Kerberos {
    fn datagram(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        self.message(cx, side, bytes);
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.give_up(cx, 0);
    }
}

impl StreamProtocol for Kerberos {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        let Some(length) = bytes.first_chunk::<4>().map(|b| u32::from_be_bytes(*b) as usize) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(4) };
        };
        if length > MAX_MESSAGE {
            return Step::Stop;
        }
        let Some(message) = bytes.get(4..4 + length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(4 + length) };
        };
        let answer = message.first().and_then(|t| kind(*t)).is_some_and(|(_, answer)| answer);
        if answer && self.open.is_empty() && side == Side::Destination && !last {
            return Step::Wait;
        }
        self.message(cx, side, message);
        Step::Take(4 + length)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.give_up(cx, 0);
    }

    fn limit(&self) -> usize {
        MAX_MESSAGE + 4
    }
}

impl Kerberos {
    fn message(&mut self, cx: &mut Cx<'_>, _side: Side, bytes: &[u8]) {
        let Some(element) = Elements(bytes).next() else { return };
        let Some(((name, answer), body)) = kind(element.tag).zip(Elements(element.body).expect(0x30)) else { return };
        if answer {
            let request = self.open.pop_front();
            return emit(cx, request, name, Some(body));
        }
        self.open.push_back(request(cx.at, name, body));
        self.give_up(cx, 64);
    }

    fn give_up(&mut self, cx: &mut Cx<'_>, keep: usize) {
        while self.open.len() > keep {
            let request = self.open.pop_front();
            emit(cx, request, "", None);
        }
    }
}

/// A principal's name: its parts between slashes.
fn principal(body: &[u8]) -> Option<String> {
    let parts = path(body, &[0x30, 0xa1, 0x30])?;
    let name = Elements(parts).take(8).map(|e| text(e.body)).collect::<Vec<_>>().join("/");
    (!name.is_empty()).then_some(name)
}

fn request(at: i64, kind: &'static str, message: &[u8]) -> Request {
    let mut out = Request { at, kind, ..Request::default() };
    let Some(body) = path(message, &[0xa4, 0x30]) else { return out };
    let options = path(body, &[0xa0, 3]).and_then(|b| b.get(1..5)).and_then(|b| b.first_chunk::<4>());
    out.options = options.map_or(0, |b| u32::from_be_bytes(*b));
    out.client = path(body, &[0xa1]).and_then(principal);
    out.realm = path(body, &[0xa2, 0x1b]).map(text);
    out.service = path(body, &[0xa3]).and_then(principal);
    out.till = path(body, &[0xa5, 0x18]).map(text);
    out.ciphers = path(body, &[0xa8, 0x30]).map(|b| Elements(b).filter_map(|e| integer(e.body)).take(16).collect()).unwrap_or_default();
    out.address = path(body, &[0xa9, 0x30, 0x30, 0xa1, 4]).map(text).map(|n| n.trim_end().to_owned()).filter(|n| n.is_ascii());
    if let Some(list) = path(message, &[0xa3, 0x30]) {
        // an encrypted time stamp, or its successors
        out.preauth = Elements(list).filter_map(|e| path(e.body, &[0xa1, 2]).and_then(integer)).any(|t| matches!(t, 2 | 16 | 17 | 138));
    }
    out
}

fn emit(cx: &mut Cx<'_>, request: Option<Request>, answered: &str, answer: Option<&[u8]>) {
    let mut event = cx.event("network.kerberos", request.as_ref().map_or(cx.at, |r| r.at));
    event.push_named("event.category", Value::Str("authentication"));
    let kind = request.as_ref().map_or(answered, |r| r.kind);
    put(&mut event, "kerberos.request_type", kind);
    let realm_of = |answer: &[u8]| path(answer, &[0xa3, 0x1b]).map(text);
    let error = answer.filter(|_| answered.is_empty());
    let reply = answer.filter(|_| !answered.is_empty());
    let client = reply.and_then(|a| path(a, &[0xa4])).and_then(principal).or_else(|| request.as_ref().and_then(|r| r.client.clone()));
    let client = client.or_else(|| error.and_then(|e| path(e, &[0xa8])).and_then(principal));
    let realm = reply.and_then(realm_of).or_else(|| request.as_ref().and_then(|r| r.realm.clone()));
    let realm = realm.or_else(|| error.and_then(|e| path(e, &[0xa9, 0x1b])).map(text));
    put(&mut event, "user.name", client.as_deref());
    put(&mut event, "user.domain", realm.as_deref());
    if let (Some(client), Some(realm)) = (&client, &realm) {
        event.push_named("kerberos.client", Value::Str(&format!("{client}/{realm}")));
    }
    let ticket = reply.and_then(|a| path(a, &[0xa5, 0x61, 0x30]));
    let service = ticket.and_then(|t| path(t, &[0xa2])).and_then(principal).or_else(|| request.as_ref().and_then(|r| r.service.clone()));
    let service = service.or_else(|| error.and_then(|e| path(e, &[0xaa])).and_then(principal));
    put(&mut event, "kerberos.service", service.as_deref());
    if let Some(request) = &request {
        describe(request, &mut event);
    }
    if let Some(cipher) = ticket.and_then(|t| path(t, &[0xa3, 0x30, 0xa0, 2])).and_then(integer) {
        event.push_named("kerberos.cipher", Value::Str(&cipher_name(cipher)));
    }
    if let Some(cipher) = reply.and_then(|a| path(a, &[0xa6, 0x30, 0xa0, 2])).and_then(integer) {
        event.push_named("kerberos.reply_cipher", Value::Str(&cipher_name(cipher)));
    }
    if let Some(code) = error.and_then(|e| path(e, &[0xa6, 2])).and_then(integer) {
        event.push_named("error.code", Value::Str(&code.to_string()));
        event.push_named("kerberos.error_msg", Value::Str(&error_name(code)));
        put(&mut event, "error.message", error.and_then(|e| path(e, &[0xab, 0x1b])).map(text).as_deref());
    }
    match (reply, error) {
        (Some(_), _) => event.push_named("event.outcome", Value::Str("success")),
        (_, Some(_)) => event.push_named("event.outcome", Value::Str("failure")),
        _ => {}
    }
    cx.emit(event);
}

fn describe(request: &Request, event: &mut Event) {
    for cipher in &request.ciphers {
        event.push_named("kerberos.request_ciphers", Value::Str(&cipher_name(*cipher)));
    }
    if request.kind == "AS" {
        event.push_named("kerberos.preauthenticated", Value::Bool(request.preauth));
    }
    for (name, bit) in [("forwardable", 0x4000_0000u32), ("renewable", 0x0080_0000)] {
        event.push_named(&format!("kerberos.{name}"), Value::Bool(request.options & bit != 0));
    }
    put(event, "kerberos.till", request.till.as_deref());
    put(event, "kerberos.client_address", request.address.as_deref());
}

/// As Zeek and MIT write them.
fn cipher_name(number: i64) -> String {
    let name = match number {
        1 => "des-cbc-crc",
        2 => "des-cbc-md4",
        3 => "des-cbc-md5",
        5 => "des3-cbc-md5",
        7 => "des3-cbc-sha1",
        16 => "des3-cbc-sha1-kd",
        17 => "aes128-cts-hmac-sha1-96",
        18 => "aes256-cts-hmac-sha1-96",
        19 => "aes128-cts-hmac-sha256-128",
        20 => "aes256-cts-hmac-sha384-192",
        23 => "rc4-hmac",
        24 => "rc4-hmac-exp",
        25 => "camellia128-cts-cmac",
        26 => "camellia256-cts-cmac",
        -135 => "rc4-hmac-old-exp",
        -133 => "rc4-hmac-old",
        -128 => "rc4-md4",
        _ => return format!("unknown-{number}"),
    };
    name.to_owned()
}

/// Names of RFC 4120 §7.5.9, without their prefix.
fn error_name(code: i64) -> String {
    let name = match code {
        0 => "KDC_ERR_NONE",
        1 => "KDC_ERR_NAME_EXP",
        2 => "KDC_ERR_SERVICE_EXP",
        3 => "KDC_ERR_BAD_PVNO",
        6 => "KDC_ERR_C_PRINCIPAL_UNKNOWN",
        7 => "KDC_ERR_S_PRINCIPAL_UNKNOWN",
        8 => "KDC_ERR_PRINCIPAL_NOT_UNIQUE",
        9 => "KDC_ERR_NULL_KEY",
        10 => "KDC_ERR_CANNOT_POSTDATE",
        11 => "KDC_ERR_NEVER_VALID",
        12 => "KDC_ERR_POLICY",
        13 => "KDC_ERR_BADOPTION",
        14 => "KDC_ERR_ETYPE_NOSUPP",
        15 => "KDC_ERR_SUMTYPE_NOSUPP",
        16 => "KDC_ERR_PADATA_TYPE_NOSUPP",
        18 => "KDC_ERR_CLIENT_REVOKED",
        20 => "KDC_ERR_TGT_REVOKED",
        23 => "KDC_ERR_KEY_EXPIRED",
        24 => "KDC_ERR_PREAUTH_FAILED",
        25 => "KDC_ERR_PREAUTH_REQUIRED",
        26 => "KDC_ERR_SERVER_NOMATCH",
        28 => "KDC_ERR_PATH_NOT_ACCEPTED",
        29 => "KDC_ERR_SVC_UNAVAILABLE",
        31 => "KRB_AP_ERR_BAD_INTEGRITY",
        32 => "KRB_AP_ERR_TKT_EXPIRED",
        33 => "KRB_AP_ERR_TKT_NYV",
        34 => "KRB_AP_ERR_REPEAT",
        35 => "KRB_AP_ERR_NOT_US",
        36 => "KRB_AP_ERR_BADMATCH",
        37 => "KRB_AP_ERR_SKEW",
        41 => "KRB_AP_ERR_MODIFIED",
        52 => "KRB_ERR_RESPONSE_TOO_BIG",
        60 => "KRB_ERR_GENERIC",
        61 => "KRB_ERR_FIELD_TOOLONG",
        68 => "KDC_ERR_WRONG_REALM",
        _ => return format!("error {code}"),
    };
    name.to_owned()
}
