//! The sensor beside tshark, field by field, on every real trace: DNS names and answers, HTTP request lines and status, TLS name, version
//! and cipher, packets and bytes of flows. What differs stands in `tshark.toml` with who is right and why; anything else is a fault.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::kit;

/// The version whose answers `tshark.toml` is about.
const VERSION: &str = "4.0.";

const FIELDS: [&str; 29] = [
    "frame.len",
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "ip.len",
    "ipv6.plen",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.stream",
    "udp.srcport",
    "udp.dstport",
    "udp.stream",
    "dns.id",
    "dns.flags.response",
    "dns.qry.name",
    "dns.flags.rcode",
    "dns.a",
    "dns.aaaa",
    "http.request.method",
    "http.request.uri",
    "http.request.version",
    "http.response.code",
    "tls.handshake.type",
    "tls.handshake.extensions_server_name",
    "tls.handshake.version",
    "tls.handshake.extensions.supported_version",
    "tls.handshake.ciphersuite",
];

/// One line a fact; how often it occurs.
type Facts = BTreeMap<String, i64>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    trace: String,
    /// What only the sensor says.
    #[serde(default)]
    ours: Vec<String>,
    /// What only tshark says.
    #[serde(default)]
    theirs: Vec<String>,
    right: Right,
    why: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Right {
    Fansipan,
    Tshark,
    /// Both are right about different questions.
    Both,
}

#[derive(Debug, Deserialize)]
struct Differences {
    difference: Vec<Known>,
}

fn tshark() -> bool {
    let Ok(out) = Command::new("tshark").arg("--version").stderr(Stdio::null()).output() else {
        println!("skipped: tshark is not installed (packaging/dev/need test)");
        return false;
    };
    let text = String::from_utf8_lossy(&out.stdout);
    let right = text.lines().next().is_some_and(|l| l.contains(&format!(" {VERSION}")));
    if !right {
        println!("skipped: the differences are known for tshark {VERSION}x: {}", text.lines().next().unwrap_or_default());
    }
    right
}

/// A conversation, the same in both directions.
fn conversation(transport: &str, a: (IpAddr, u16), b: (IpAddr, u16)) -> String {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    format!("{transport} {}#{} {}#{}", low.0, low.1, high.0, high.1)
}

fn add(facts: &mut Facts, fact: String) {
    *facts.entry(fact).or_default() += 1;
}

fn once(facts: &mut Facts, fact: String) {
    facts.insert(fact, 1);
}

fn rcode(number: &str) -> &str {
    match number {
        "0" => "NOERROR",
        "1" => "FORMERR",
        "2" => "SERVFAIL",
        "3" => "NXDOMAIN",
        "4" => "NOTIMP",
        "5" => "REFUSED",
        other => other,
    }
}

/// Packets, bytes on the wire and bytes from the IP header on, from the lower end and from the higher one.
#[derive(Default)]
struct Count {
    key: String,
    low: [u64; 3],
    high: [u64; 3],
    /// In a tunnel the bytes on the wire are those of other flows too.
    inner: bool,
}

impl Count {
    fn add(&mut self, other: &Count) {
        for (to, from) in self.low.iter_mut().chain(&mut self.high).zip(other.low.iter().chain(&other.high)) {
            *to += from;
        }
    }

    fn fact(&self) -> String {
        let one =
            |[packets, bytes, ip]: [u64; 3]| if self.inner { format!("{packets}p/{ip}i") } else { format!("{packets}p/{bytes}b/{ip}i") };
        format!("flow {} {} {}", self.key, one(self.low), one(self.high))
    }
}

/// One conversation a frame is part of.
struct Part {
    transport: &'static str,
    stream: String,
    from: (IpAddr, u16),
    to: (IpAddr, u16),
    ip_bytes: u64,
    inner: bool,
}

/// A frame as tshark prints it.
struct Frame<'a>(BTreeMap<&'static str, Vec<&'a str>>);

impl<'a> Frame<'a> {
    fn new(line: &'a str) -> Self {
        let values = line.split('\t').map(|v| if v.is_empty() { Vec::new() } else { v.split('\u{1f}').collect() });
        Self(FIELDS.iter().copied().zip(values).collect())
    }

    fn all(&self, field: &str) -> &[&'a str] {
        self.0.get(field).map(Vec::as_slice).unwrap_or_default()
    }

    fn number(&self, field: &str, at: usize) -> u64 {
        self.all(field).get(at).and_then(|n| n.parse().ok()).unwrap_or_default()
    }

    /// Every conversation the frame is part of, from the outside in.
    fn conversations(&self) -> Vec<Part> {
        let (mut v4, mut v6, mut tcp, mut udp) = (0, 0, 0, 0);
        let mut ends: Option<(IpAddr, IpAddr)> = None;
        let mut ip_bytes = 0;
        let mut out = Vec::new();
        for layer in self.all("frame.protocols").first().into_iter().flat_map(|p| p.split(':')) {
            let address = |field: &str, at: usize| self.all(field).get(at).and_then(|a| a.parse().ok());
            match layer {
                "ip" => {
                    ends = address("ip.src", v4).zip(address("ip.dst", v4));
                    ip_bytes = self.number("ip.len", v4);
                    v4 += 1;
                }
                "ipv6" => {
                    ends = address("ipv6.src", v6).zip(address("ipv6.dst", v6));
                    ip_bytes = 40 + self.number("ipv6.plen", v6);
                    v6 += 1;
                }
                "tcp" | "udp" => {
                    let (name, at) = if layer == "tcp" { ("tcp", &mut tcp) } else { ("udp", &mut udp) };
                    let get = |what: &str| self.all(&format!("{name}.{what}")).get(*at).copied();
                    if let (Some((a, b)), Some(p), Some(q), Some(stream)) = (ends, get("srcport"), get("dstport"), get("stream")) {
                        let (from, to) = ((a, p.parse().expect("port")), (b, q.parse().expect("port")));
                        // tshark takes UDP between the same ends apart now and then; what is counted is what they said in all
                        let stream = if name == "udp" { conversation(name, from, to) } else { stream.to_owned() };
                        out.push(Part { transport: name, stream, from, to, ip_bytes, inner: v4 + v6 > 1 });
                    }
                    *at += 1;
                }
                // what is quoted in an error was not sent here
                "icmp" | "icmpv6" => break,
                _ => {}
            }
        }
        out
    }
}

/// What tshark says about a trace.
fn theirs(path: &Path) -> Facts {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(path).args(["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=\u{1f}"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let out = command.stderr(Stdio::null()).output().expect("tshark runs");
    let text = String::from_utf8_lossy(&out.stdout);
    let mut facts = Facts::new();
    let mut counts: BTreeMap<(&str, String), Count> = BTreeMap::new();
    for line in text.lines() {
        let frame = Frame::new(line);
        let length: u64 = frame.all("frame.len").first().and_then(|l| l.parse().ok()).expect("a length");
        let conversations = frame.conversations();
        for part in &conversations {
            let count = counts.entry((part.transport, part.stream.clone())).or_default();
            count.key = conversation(part.transport, part.from, part.to);
            count.inner |= part.inner;
            let side = if part.from <= part.to { &mut count.low } else { &mut count.high };
            for (sum, n) in side.iter_mut().zip([1, length, part.ip_bytes]) {
                *sum += n;
            }
        }
        if let Some(Part { transport, from, to, .. }) = conversations.last() {
            above(&frame, &conversation(transport, *from, *to), &mut facts);
        }
    }
    for count in counts.values() {
        add(&mut facts, count.fact());
    }
    facts
}

fn above(frame: &Frame<'_>, key: &str, facts: &mut Facts) {
    dns(frame, key, facts);
    let ssdp = frame.all("frame.protocols").first().is_some_and(|p| p.contains("ssdp"));
    if !ssdp {
        for (at, method) in frame.all("http.request.method").iter().enumerate() {
            let get = |field: &str| frame.all(field).get(at).copied().unwrap_or_default();
            let version = get("http.request.version").strip_prefix("HTTP/").unwrap_or_default();
            add(facts, format!("http {key} {method} {} {version}", get("http.request.uri")));
        }
        for code in frame.all("http.response.code").iter().filter(|c| !c.starts_with('1') || **c == "101") {
            add(facts, format!("http {key} status {code}"));
        }
    }
    for name in frame.all("tls.handshake.extensions_server_name") {
        once(facts, format!("tls {key} name {name}"));
    }
    if frame.all("tls.handshake.type").contains(&"2") {
        let version = frame.all("tls.handshake.extensions.supported_version").first().or(frame.all("tls.handshake.version").first());
        if let Some(version) = version {
            once(facts, format!("tls {key} version {}", version.trim_start_matches("0x")));
        }
        if let Some(cipher) = frame.all("tls.handshake.ciphersuite").first() {
            once(facts, format!("tls {key} cipher {}", cipher.trim_start_matches("0x")));
        }
    }
}

fn dns(frame: &Frame<'_>, key: &str, facts: &mut Facts) {
    let ids = frame.all("dns.id");
    for (at, id) in ids.iter().enumerate() {
        let id = u16::from_str_radix(id.trim_start_matches("0x"), 16).expect("an id");
        let name = frame.all("dns.qry.name").get(at).map_or("", |n| if *n == "<Root>" { "." } else { n });
        let answer = frame.all("dns.flags.response").get(at).is_some_and(|r| matches!(*r, "1" | "True"));
        once(facts, format!("dns {key} {id} name {name}"));
        if answer {
            let code = frame.all("dns.flags.rcode").first().copied().unwrap_or_default();
            once(facts, format!("dns {key} {id} answered {}", rcode(code)));
        }
    }
    if let [id] = ids {
        let id = u16::from_str_radix(id.trim_start_matches("0x"), 16).expect("an id");
        for address in frame.all("dns.a").iter().chain(frame.all("dns.aaaa")) {
            once(facts, format!("dns {key} {id} address {address}"));
        }
    }
}

fn text<'a>(event: &'a serde_json::Value, field: &str) -> Option<&'a str> {
    event[field].as_str()
}

/// What the sensor says about it.
fn ours(path: &Path) -> Facts {
    let mut facts = Facts::new();
    let mut datagrams: BTreeMap<String, Count> = BTreeMap::new();
    for event in kit::file(path) {
        let Some(transport) = text(&event, "network.transport").filter(|t| matches!(*t, "tcp" | "udp")) else { continue };
        let end = |side: &str| -> (IpAddr, u16) {
            let ip = text(&event, &format!("{side}.ip")).expect("an address").parse().expect("an address");
            (ip, event[format!("{side}.port")].as_u64().expect("a port") as u16)
        };
        let (a, b) = (end("source"), end("destination"));
        let key = conversation(transport, a, b);
        match text(&event, "event.dataset").unwrap_or_default() {
            "network.flow" => {
                let number = |f: &str| event[f].as_u64().unwrap_or_default();
                let side = |s: &str| {
                    [number(&format!("{s}.packets")), number(&format!("{s}.bytes")), number(&format!("fansipan.flow.{s}.ip_bytes"))]
                };
                let sides = [side("source"), side("destination")];
                let [low, high] = if a <= b { sides } else { [sides[1], sides[0]] };
                let count = Count { key, low, high, inner: !event["fansipan.tunnel.type"].is_null() };
                if transport == "tcp" {
                    add(&mut facts, count.fact());
                } else {
                    datagrams.entry(count.key.clone()).or_insert_with(|| Count { low: [0; 3], high: [0; 3], ..count }).add(&Count {
                        key: String::new(),
                        low,
                        high,
                        inner: false,
                    });
                }
            }
            "network.dns" => our_dns(&event, &key, &mut facts),
            "network.http" => {
                if let (Some(method), Some(uri)) = (text(&event, "http.request.method"), text(&event, "url.original")) {
                    add(&mut facts, format!("http {key} {method} {uri} {}", text(&event, "http.version").unwrap_or_default()));
                }
                if let Some(code) = event["http.response.status_code"].as_u64() {
                    add(&mut facts, format!("http {key} status {code}"));
                }
            }
            "network.tls" | "network.quic" => our_tls(&event, &key, &mut facts),
            _ => {}
        }
    }
    for count in datagrams.values() {
        add(&mut facts, count.fact());
    }
    facts
}

fn our_dns(event: &serde_json::Value, key: &str, facts: &mut Facts) {
    let id = text(event, "dns.id").unwrap_or_default();
    let name = text(event, "dns.question.name").unwrap_or_default();
    once(facts, format!("dns {key} {id} name {name}"));
    if let Some(code) = text(event, "dns.response_code") {
        once(facts, format!("dns {key} {id} answered {code}"));
    }
    for address in kit::list(&event["dns.resolved_ip"]) {
        once(facts, format!("dns {key} {id} address {address}"));
    }
}

fn our_tls(event: &serde_json::Value, key: &str, facts: &mut Facts) {
    if let Some(name) = text(event, "tls.client.server_name") {
        once(facts, format!("tls {key} name {name}"));
    }
    if let Some(cipher) = text(event, "tls.cipher") {
        let number = tls_parser::TlsCipherSuite::from_name(cipher).map_or_else(|| cipher.to_owned(), |c| format!("{:04x}", c.id.0));
        once(facts, format!("tls {key} cipher {number}"));
        let version = match (text(event, "tls.version"), text(event, "tls.version_protocol")) {
            (Some("3.0"), Some("ssl")) => "0300",
            (Some("1.0"), _) => "0301",
            (Some("1.1"), _) => "0302",
            (Some("1.2"), _) => "0303",
            (Some("1.3"), _) => "0304",
            (other, _) => other.unwrap_or_default(),
        };
        once(facts, format!("tls {key} version {version}"));
    }
}

/// Facts of the first that the second does not have.
fn only(one: &Facts, other: &Facts) -> Vec<String> {
    let mut out = Vec::new();
    for (fact, count) in one {
        let more = count - other.get(fact).copied().unwrap_or_default();
        out.extend((0..more).map(|_| fact.clone()));
    }
    out
}

fn compare(path: &Path, known: &[Known]) -> Vec<String> {
    let trace = path.file_name().expect("a name").to_string_lossy().into_owned();
    let (ours, theirs) = (ours(path), theirs(path));
    let (mut here, mut there) = (only(&ours, &theirs), only(&theirs, &ours));
    let mut faults = Vec::new();
    let mut strike = |list: &mut Vec<String>, expected: &[String], who: &str| {
        for fact in expected {
            match list.iter().position(|f| f == fact) {
                Some(at) => drop(list.remove(at)),
                None => faults.push(format!("{trace}: no longer said by {who} alone: {fact}")),
            }
        }
    };
    for known in known.iter().filter(|k| k.trace == trace) {
        assert!(known.right != Right::Tshark || known.why.len() > 20, "{trace}: a fault of ours needs more of a reason");
        assert!(!known.why.is_empty() && !(known.ours.is_empty() && known.theirs.is_empty()), "{trace}: an empty difference");
        strike(&mut here, &known.ours, "the sensor");
        strike(&mut there, &known.theirs, "tshark");
    }
    faults.extend(here.iter().map(|f| format!("{trace}: only the sensor says: {f}")));
    faults.extend(there.iter().map(|f| format!("{trace}: only tshark says:     {f}")));
    faults
}

#[test]
fn differences_from_tshark_are_known() {
    let Some(folder) = kit::traces().filter(|_| tshark()) else { return };
    let known: Differences = toml::from_str(include_str!("tshark.toml")).expect("tshark.toml");
    let known = known.difference;
    let paths: Vec<PathBuf> = kit::captures(&folder);
    for known in &known {
        assert!(paths.iter().any(|p| p.ends_with(&known.trace)), "no trace {}", known.trace);
    }
    let (left, right) = paths.split_at(paths.len() / 2);
    let run = |paths: &[PathBuf]| paths.iter().flat_map(|p| compare(p, &known)).collect::<Vec<_>>();
    let faults = std::thread::scope(|s| {
        let other = s.spawn(|| run(left));
        let mut faults = run(right);
        faults.extend(other.join().expect("a thread"));
        faults
    });
    assert!(faults.is_empty(), "{} differences that nobody explained:\n{}", faults.len(), faults.join("\n"));
}
