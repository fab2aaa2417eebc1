//! A DNS message, read as far as it makes sense.

use std::{
    borrow::Cow,
    fmt::Write as _,
    net::{Ipv4Addr, Ipv6Addr},
};

use fansipan_model::{Event, Value, fields};

use crate::tap::{
    cursor::{Cursor, be16},
    files::hex,
};

/// Records of a message that are read.
const MAX_RECORDS: usize = 512;
/// Pointers followed within one name.
const MAX_POINTERS: usize = 64;

pub(super) struct Question {
    pub(super) name: String,
    pub(super) kind: u16,
    pub(super) class: u16,
}

pub(super) struct Record {
    name: String,
    kind: u16,
    ttl: u32,
    data: Data,
}

#[derive(Default)]
struct Data {
    text: String,
    ip: Option<std::net::IpAddr>,
    /// Preference of MX; priority, weight and port of SRV.
    numbers: Vec<(&'static str, u16)>,
}

/// EDNS(0).
pub(super) struct Edns {
    version: u8,
    size: u16,
    secure: bool,
    extended: u8,
    subnet: Option<String>,
    cookie: Option<String>,
}

impl Edns {
    pub(super) fn describe(&self, event: &mut Event) {
        event.push_named("dns.opt.version", Value::Str(&self.version.to_string()));
        event.push_named("dns.opt.udp_size", Value::Int(i64::from(self.size)));
        event.push_named("dns.opt.do", Value::Bool(self.secure));
        if let Some(subnet) = &self.subnet {
            event.push_named("dns.opt.client_subnet", Value::Str(subnet));
        }
        if let Some(cookie) = &self.cookie {
            event.push_named("dns.opt.cookie", Value::Str(cookie));
        }
    }
}

/// What could be read.
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    pub(super) id: u16,
    pub(super) flags: u16,
    pub(super) questions: u16,
    pub(super) question: Option<Question>,
    counts: [u16; 3],
    pub(super) answers: Vec<Record>,
    pub(super) edns: Option<Edns>,
    /// It ends or goes wrong before it is complete.
    pub(super) cut: bool,
    rest: usize,
}

impl<'a> Message<'a> {
    /// Whether twelve bytes may be the head of a message; true while there are fewer.
    pub(super) fn head_fits(bytes: &[u8]) -> bool {
        let flags = be16(bytes, 2).unwrap_or(0);
        let counts: Vec<u16> = (4..12).step_by(2).filter_map(|at| be16(bytes, at)).collect();
        let opcode = flags >> 11 & 15;
        opcode <= 6 && flags & 0x40 == 0 && counts.iter().all(|c| *c < 256)
    }

    /// Reads a message; `None` if there is no head.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (id, flags, questions) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
        let counts = [cursor.u16()?, cursor.u16()?, cursor.u16()?];
        let mut message =
            Message { bytes, id, flags, questions, question: None, counts, answers: Vec::new(), edns: None, cut: false, rest: 0 };
        message.cut = message.body(cursor).is_none();
        Some(message)
    }

    fn body(&mut self, mut cursor: Cursor<'a>) -> Option<()> {
        for _ in 0..self.questions.min(64) {
            let name = name(self.bytes, &mut cursor)?;
            let (kind, class) = (cursor.u16()?, cursor.u16()?);
            self.question.get_or_insert(Question { name, kind, class });
        }
        let [answers, authorities, additional] = self.counts;
        for _ in 0..usize::from(answers).min(MAX_RECORDS) {
            let (record, _, _) = self.record(&mut cursor)?;
            self.answers.push(record);
        }
        for _ in 0..usize::from(authorities).min(MAX_RECORDS) {
            self.record(&mut cursor)?;
        }
        for _ in 0..usize::from(additional).min(MAX_RECORDS) {
            let (record, class, data) = self.record(&mut cursor)?;
            if record.kind == 41 {
                self.edns = Some(edns(class, record.ttl, data));
            }
        }
        self.rest = cursor.len();
        Some(())
    }

    fn record(&self, cursor: &mut Cursor<'a>) -> Option<(Record, u16, &'a [u8])> {
        let name = name(self.bytes, cursor)?;
        let (kind, class, ttl) = (cursor.u16()?, cursor.u16()?, cursor.u32()?);
        let length = usize::from(cursor.u16()?);
        let begin = self.bytes.len() - cursor.len();
        let bytes = cursor.take(length)?;
        let data = data(self.bytes, begin, kind, bytes).unwrap_or_else(|| Data { text: hex(bytes), ..Data::default() });
        Some((Record { name, kind, ttl, data }, class, bytes))
    }

    pub(super) fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// The code with its extended bits.
    pub(super) fn response_code(&self) -> u16 {
        let extended = self.edns.as_ref().map_or(0, |e| u16::from(e.extended));
        extended << 4 | self.flags & 15
    }

    /// Whether a message on a port that says nothing is DNS beyond doubt.
    pub(super) fn plausible(&self) -> bool {
        let known = |kind: u16, class: u16| known_type(kind) && matches!(class & 0x7fff, 1 | 3 | 4 | 254 | 255);
        let question = self.question.as_ref().is_some_and(|q| known(q.kind, q.class) && q.name.bytes().all(|b| b.is_ascii_graphic()));
        !self.cut && self.rest == 0 && self.questions == 1 && question && Self::head_fits(self.bytes)
    }

    pub(super) fn same_question(&self, other: &Message<'_>) -> bool {
        match (&self.question, &other.question) {
            (Some(a), Some(b)) => a.kind == b.kind && a.name.eq_ignore_ascii_case(&b.name),
            _ => false,
        }
    }

    /// The flags that are set, in ECS's names.
    pub(super) fn header_flags(&self) -> impl Iterator<Item = &'static str> {
        let flags = self.flags;
        [(0x0400, "AA"), (0x0200, "TC"), (0x0100, "RD"), (0x0080, "RA"), (0x0020, "AD"), (0x0010, "CD")]
            .into_iter()
            .filter(move |(bit, _)| flags & bit != 0)
            .map(|(_, name)| name)
    }

    /// The answers as parallel arrays.
    pub(super) fn describe(&self, event: &mut Event) {
        for record in &self.answers {
            event.push(fields::DNS_ANSWERS_NAME, Value::Str(&record.name));
            event.push(fields::DNS_ANSWERS_TYPE, Value::Str(&type_name(record.kind)));
            event.push(fields::DNS_ANSWERS_DATA, Value::Str(&record.data.text));
            event.push(fields::DNS_ANSWERS_TTL, Value::Int(i64::from(record.ttl)));
            if let Some(ip) = record.data.ip {
                event.push(fields::DNS_RESOLVED_IP, Value::Ip(ip));
            }
            for (name, number) in &record.data.numbers {
                event.push_named(&format!("dns.answers.{name}"), Value::Int(i64::from(*number)));
            }
        }
        let [answers, authorities, additional] = self.counts;
        for (name, count) in [("answers", answers), ("authorities", authorities), ("additionals", additional)] {
            if count > 0 {
                event.push_named(&format!("dns.{name}_count"), Value::Int(i64::from(count)));
            }
        }
    }
}

fn edns(class: u16, ttl: u32, options: &[u8]) -> Edns {
    let [extended, version, high, _] = ttl.to_be_bytes();
    let mut edns = Edns { version, size: class, secure: high & 0x80 != 0, extended, subnet: None, cookie: None };
    let mut cursor = Cursor::new(options);
    while let (Some(code), Some(mut value)) = (cursor.u16(), cursor.vec16()) {
        match code {
            8 => edns.subnet = subnet(&mut value),
            10 => edns.cookie = Some(hex(value.rest())),
            _ => {}
        }
    }
    edns
}

fn subnet(value: &mut Cursor<'_>) -> Option<String> {
    let (family, prefix) = (value.u16()?, value.u8()?);
    value.skip(1)?;
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(value.rest()) {
        *to = *from;
    }
    match family {
        1 => Some(format!("{}/{prefix}", Ipv4Addr::from(*bytes.first_chunk::<4>()?))),
        2 => Some(format!("{}/{prefix}", Ipv6Addr::from(bytes))),
        _ => None,
    }
}

/// A name, its pointers followed; dots and what cannot be printed within labels are escaped as in zone files.
fn name<'m>(message: &'m [u8], cursor: &mut Cursor<'m>) -> Option<String> {
    let mut out = String::new();
    let mut here = *cursor;
    let mut jumps = 0;
    loop {
        let length = here.u8()?;
        match length >> 6 {
            0 if length == 0 => break,
            0 => {
                if !out.is_empty() {
                    out.push('.');
                }
                label(here.take(usize::from(length))?, &mut out);
                if out.len() > 1024 {
                    return None;
                }
            }
            3 => {
                let low = here.u8()?;
                if jumps == 0 {
                    *cursor = here;
                }
                jumps += 1;
                let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                if jumps > MAX_POINTERS || target >= message.len() {
                    return None;
                }
                here = Cursor::new(message.get(target..)?);
            }
            _ => return None,
        }
    }
    if jumps == 0 {
        *cursor = here;
    }
    Some(out)
}

fn label(bytes: &[u8], out: &mut String) {
    let text = std::str::from_utf8(bytes).ok().filter(|t| !t.chars().any(|c| c.is_control() || c == '.' || c == '\\'));
    if let Some(text) = text {
        return out.push_str(text);
    }
    for byte in bytes {
        match byte {
            b'.' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            0x21..=0x7e => out.push(char::from(*byte)),
            b' ' => out.push(' '),
            other => {
                let _ = write!(out, "\\{other:03}");
            }
        }
    }
}

fn data(message: &[u8], begin: usize, kind: u16, bytes: &[u8]) -> Option<Data> {
    let mut cursor = Cursor::new(bytes);
    let named = |skip: usize| name(message, &mut Cursor::new(message.get(begin + skip..)?));
    let text = |text: String| Data { text, ..Data::default() };
    Some(match kind {
        1 => {
            let ip = Ipv4Addr::from(cursor.array::<4>()?);
            Data { text: ip.to_string(), ip: Some(ip.into()), numbers: Vec::new() }
        }
        28 => {
            let ip = Ipv6Addr::from(cursor.array::<16>()?);
            Data { text: ip.to_string(), ip: Some(ip.into()), numbers: Vec::new() }
        }
        2 | 3 | 4 | 5 | 7 | 8 | 9 | 12 | 39 => text(named(0)?),
        6 => text(soa(message, begin)?),
        15 | 18 | 21 | 36 => Data { text: named(2)?, ip: None, numbers: vec![("preference", cursor.u16()?)] },
        33 => {
            let numbers = vec![("priority", cursor.u16()?), ("weight", cursor.u16()?), ("port", cursor.u16()?)];
            Data { text: named(6)?, ip: None, numbers }
        }
        16 | 99 => text(strings(cursor)?),
        13 => text(strings(cursor)?),
        35 => {
            cursor.skip(4)?;
            text(strings(cursor)?)
        }
        257 => {
            let flags = cursor.u8()?;
            let tag = cursor.vec8()?;
            text(format!("{flags} {} {}", String::from_utf8_lossy(tag.rest()), String::from_utf8_lossy(cursor.rest())))
        }
        43 | 59 => text(format!("{} {} {} {}", cursor.u16()?, cursor.u8()?, cursor.u8()?, hex(cursor.rest()))),
        44 => text(format!("{} {} {}", cursor.u8()?, cursor.u8()?, hex(cursor.rest()))),
        52 => text(format!("{} {} {} {}", cursor.u8()?, cursor.u8()?, cursor.u8()?, hex(cursor.rest()))),
        64 | 65 => {
            let priority = cursor.u16()?;
            text(format!("{priority} {}", Some(named(2)?).filter(|n| !n.is_empty()).as_deref().unwrap_or(".")))
        }
        _ => return None,
    })
}

fn soa(message: &[u8], begin: usize) -> Option<String> {
    let mut cursor = Cursor::new(message.get(begin..)?);
    let server = name(message, &mut cursor)?;
    let mailbox = name(message, &mut cursor)?;
    let serial = cursor.u32()?;
    Some(format!("{server} {mailbox} {serial}"))
}

fn strings(mut cursor: Cursor<'_>) -> Option<String> {
    let mut parts: Vec<Cow<'_, str>> = Vec::new();
    while !cursor.is_empty() {
        parts.push(String::from_utf8_lossy(cursor.vec8()?.rest()));
    }
    Some(parts.join(" "))
}

#[rustfmt::skip]
const TYPES: &[(u16, &str)] = &[
    (1, "A"), (2, "NS"), (3, "MD"), (4, "MF"), (5, "CNAME"), (6, "SOA"), (7, "MB"), (8, "MG"), (9, "MR"), (10, "NULL"), (11, "WKS"),
    (12, "PTR"), (13, "HINFO"), (14, "MINFO"), (15, "MX"), (16, "TXT"), (17, "RP"), (18, "AFSDB"), (19, "X25"), (20, "ISDN"), (21, "RT"),
    (22, "NSAP"), (24, "SIG"), (25, "KEY"), (26, "PX"), (27, "GPOS"), (28, "AAAA"), (29, "LOC"), (30, "NXT"), (33, "SRV"), (35, "NAPTR"),
    (36, "KX"), (37, "CERT"), (38, "A6"), (39, "DNAME"), (40, "SINK"), (41, "OPT"), (42, "APL"), (43, "DS"), (44, "SSHFP"),
    (45, "IPSECKEY"), (46, "RRSIG"), (47, "NSEC"), (48, "DNSKEY"), (49, "DHCID"), (50, "NSEC3"), (51, "NSEC3PARAM"), (52, "TLSA"),
    (53, "SMIMEA"), (55, "HIP"), (56, "NINFO"), (57, "RKEY"), (58, "TALINK"), (59, "CDS"), (60, "CDNSKEY"), (61, "OPENPGPKEY"),
    (62, "CSYNC"), (63, "ZONEMD"), (64, "SVCB"), (65, "HTTPS"), (99, "SPF"), (108, "EUI48"), (109, "EUI64"), (249, "TKEY"),
    (250, "TSIG"), (251, "IXFR"), (252, "AXFR"), (253, "MAILB"), (254, "MAILA"), (255, "ANY"), (256, "URI"), (257, "CAA"), (258, "AVC"),
    (32768, "TA"), (32769, "DLV"),
];

fn known_type(kind: u16) -> bool {
    TYPES.iter().any(|(k, _)| *k == kind)
}

pub(super) fn type_name(kind: u16) -> Cow<'static, str> {
    TYPES.iter().find(|(k, _)| *k == kind).map_or_else(|| Cow::Owned(format!("TYPE{kind}")), |(_, n)| Cow::Borrowed(*n))
}

/// The class; multicast DNS uses its highest bit for something else.
pub(super) fn class_name(class: u16) -> Cow<'static, str> {
    Cow::Borrowed(match class & 0x7fff {
        1 => "IN",
        2 => "CS",
        3 => "CH",
        4 => "HS",
        254 => "NONE",
        255 => "ANY",
        _ => return Cow::Owned(format!("CLASS{class}")),
    })
}

pub(super) fn response_code(code: u16) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        11 => "DSOTYPENI",
        16 => "BADVERS",
        17 => "BADKEY",
        18 => "BADTIME",
        19 => "BADMODE",
        20 => "BADNAME",
        21 => "BADALG",
        22 => "BADTRUNC",
        23 => "BADCOOKIE",
        _ => return Cow::Owned(format!("RCODE{code}")),
    })
}

pub(super) fn op_code(flags: u16) -> Cow<'static, str> {
    Cow::Borrowed(match flags >> 11 & 15 {
        0 => "QUERY",
        1 => "IQUERY",
        2 => "STATUS",
        4 => "NOTIFY",
        5 => "UPDATE",
        6 => "DSO",
        other => return Cow::Owned(other.to_string()),
    })
}
