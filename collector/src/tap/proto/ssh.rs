//! SSH: what both sides call themselves and what they offer (RFC 4253), with the HASSH fingerprints of both. The rest is encrypted.

use fansipan_model::Value;
use md5::{Digest as _, Md5};

use super::{
    Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict,
    lines::{self, text},
    put,
};
use crate::tap::{cursor::Cursor, files::hex, flow::Pair};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "ssh", probe, start: || Box::<Ssh>::default() };

const KEXINIT: u8 = 20;
/// Lines a server may say before its version.
const MAX_LINES: u8 = 32;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let (a, b) = (Beginning::starts(beginning.source, b"SSH-"), Beginning::starts(beginning.destination, b"SSH-"));
    match (a, b) {
        (Verdict::Yes, _) | (_, Verdict::Yes) => Verdict::Yes,
        (Verdict::Unsure, Verdict::Unsure) => Verdict::Unsure,
        _ => Verdict::No,
    }
}

/// What a side offers, in its order of preference.
#[derive(Debug)]
struct Offer {
    lists: [String; 8],
}

impl Offer {
    /// The lists of a KEXINIT: key exchange, host key, then ciphers, MACs and compression, each towards the server and towards the client.
    fn read(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        cursor.skip(17)?;
        let mut lists: [String; 8] = Default::default();
        for list in &mut lists {
            let length = cursor.u32()? as usize;
            *list = text(cursor.take(length)?);
        }
        Some(Self { lists })
    }

    /// The fingerprint over what it offers towards one side; `from`: 2 towards the server, 3 towards the client.
    fn hassh(&self, from: usize) -> String {
        let part = |at: usize| self.lists.get(at).map_or("", String::as_str);
        let all = format!("{};{};{};{}", part(0), part(from), part(from + 2), part(from + 4));
        hex(&Md5::digest(all.as_bytes()))
    }

    /// The first of the client's that the server has too.
    fn agreed<'a>(&'a self, server: &Offer, at: usize) -> Option<&'a str> {
        let theirs = server.lists.get(at)?;
        self.lists.get(at)?.split(',').find(|one| theirs.split(',').any(|t| t == *one))
    }
}

#[derive(Default)]
struct End {
    version: Option<String>,
    lines: u8,
    offer: Option<Offer>,
    done: bool,
}

#[derive(Default)]
struct Ssh {
    at: Option<i64>,
    ends: Pair<End>,
    emitted: bool,
}

impl StreamProtocol for Ssh {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        self.at.get_or_insert(cx.at);
        let end = self.ends.of_mut(side);
        if end.version.is_none() {
            let Some(line) = lines::line(bytes, last) else { return Step::More(bytes.len() + 1) };
            end.lines += 1;
            if line.text.starts_with(b"SSH-") {
                end.version = Some(text(line.text));
            } else if end.lines > MAX_LINES {
                end.done = true;
                return self.go_on(cx, u64::MAX);
            }
            return Step::Take(line.length);
        }
        if bytes.len() < 6 {
            return if last { Step::Take(bytes.len()) } else { Step::More(6) };
        }
        let mut cursor = Cursor::new(bytes);
        let length = cursor.u32().unwrap_or_default() as usize;
        let kind = bytes.get(5).copied();
        if kind != Some(KEXINIT) || !(20..=35_000).contains(&length) {
            // a version alone, as scanners read it, or SSH 1
            end.done = true;
            return self.go_on(cx, u64::MAX);
        }
        let Some(packet) = bytes.get(4..4 + length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(4 + length) };
        };
        let padding = packet.first().map_or(0, |p| usize::from(*p));
        end.offer = packet.get(1..packet.len().saturating_sub(padding)).and_then(Offer::read);
        end.done = true;
        self.go_on(cx, u64::MAX)
    }

    fn missing(&mut self, _cx: &mut Cx<'_>, side: Side, _bytes: u64) -> bool {
        self.ends.of_mut(side).done = true;
        true
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.emit(cx);
    }
}

impl Ssh {
    fn go_on(&mut self, cx: &mut Cx<'_>, skip: u64) -> Step {
        if self.ends.source.done && self.ends.destination.done {
            self.emit(cx);
            return Step::Stop;
        }
        Step::Skip(skip)
    }

    fn emit(&mut self, cx: &mut Cx<'_>) {
        if std::mem::replace(&mut self.emitted, true) {
            return;
        }
        let mut event = cx.event("network.ssh", self.at.unwrap_or(cx.at));
        let Pair { source: client, destination: server } = &self.ends;
        for (name, end) in [("client", client), ("server", server)] {
            let Some(version) = &end.version else { continue };
            event.push_named(&format!("ssh.{name}"), Value::Str(version));
            let mut parts = version.splitn(3, '-').skip(1);
            put(&mut event, &format!("ssh.{name}_protocol"), parts.next());
            put(&mut event, &format!("ssh.{name}_software"), parts.next());
        }
        if let Some(offer) = &client.offer {
            event.push_named("ssh.hassh", Value::Str(&offer.hassh(2)));
        }
        if let Some(offer) = &server.offer {
            event.push_named("ssh.hassh_server", Value::Str(&offer.hassh(3)));
        }
        if let (Some(client), Some(server)) = (&client.offer, &server.offer) {
            let names = ["kex_algorithm", "host_key_algorithm", "cipher", "cipher_server", "mac", "mac_server", "compression"];
            for (at, name) in names.iter().enumerate().filter(|(at, _)| *at != 3 && *at != 5) {
                put(&mut event, &format!("ssh.{name}"), client.agreed(server, at));
            }
        }
        cx.emit(event);
    }
}
