//! RDP: the name a client gives before anything else (cookie), which security both agree on, and what the client says of itself where
//! that is not encrypted. What follows in TLS is read on.

use fansipan_model::Value;

use super::{
    Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict,
    lines::{text, utf16},
    put,
};
use crate::tap::cursor::{Cursor, be16};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "rdp", probe, start: || Box::<Rdp>::default() };

const MAX_PACKET: usize = 16 << 10;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let (source, destination) = (beginning.source, beginning.destination);
    let (bytes, code) = if source.is_empty() { (destination, 0xd0) } else { (source, 0xe0) };
    // TPKT, then a connection request or its confirmation of X.224
    match bytes {
        [] | [3] | [3, 0] => Verdict::Unsure,
        [3, 0, high, low, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            match rest {
                [li, kind, ..] if *kind == code && usize::from(*li) + 5 == length => rdp_like(bytes, length, beginning.port(3389)),
                [_, _, ..] => Verdict::No,
                _ => Verdict::Unsure,
            }
        }
        _ => Verdict::No,
    }
}

/// S7 and others begin alike: a cookie, a negotiation or the port tells.
fn rdp_like(bytes: &[u8], length: usize, port: bool) -> Verdict {
    let Some(body) = bytes.get(11..length) else {
        return if bytes.len() < length { Verdict::Unsure } else { Verdict::No };
    };
    let negotiation = matches!(body, [1..=3, _, 8, 0, _, _, _, _]);
    if port || negotiation || body.starts_with(b"Cookie: ") || body.ends_with(b"\x08\x00\x03\x00\x00\x00") {
        Verdict::Yes
    } else {
        Verdict::No
    }
}

#[derive(Default)]
struct Rdp {
    at: Option<i64>,
    cookie: Option<String>,
    requested: Option<u32>,
    selected: Option<u32>,
    failure: Option<u32>,
    confirmed: bool,
    client: Client,
    said: bool,
    emitted: bool,
}

/// What a client says of itself.
#[derive(Default)]
struct Client {
    name: Option<String>,
    build: Option<u32>,
    keyboard: Option<u32>,
    width: u16,
    height: u16,
    product: Option<String>,
    channels: Vec<String>,
}

impl StreamProtocol for Rdp {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        self.at.get_or_insert(cx.at);
        let begun = if side == Side::Source { self.requested.is_some() } else { self.confirmed };
        if begun {
            // security that both agreed on decides what comes
            match self.selected {
                _ if self.failure.is_some() => return Step::Skip(u64::MAX),
                None if !self.confirmed && !last => return Step::Wait,
                Some(1..) => {
                    self.emit(cx);
                    return Step::Switch;
                }
                _ => {}
            }
        }
        let Some(length) = be16(bytes, 2).map(usize::from) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(4) };
        };
        if bytes.first() != Some(&3) || !(7..=MAX_PACKET).contains(&length) {
            self.emit(cx);
            return Step::Stop;
        }
        let Some(packet) = bytes.get(4..length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(length) };
        };
        match (side, packet.get(1)) {
            (Side::Source, Some(0xe0)) => self.request(packet.get(7..).unwrap_or_default()),
            (Side::Destination, Some(0xd0)) => self.confirm(packet.get(7..).unwrap_or_default()),
            (Side::Source, Some(0xf0)) if !self.said => {
                self.said = true;
                self.client.read(packet);
                self.emit(cx);
                return Step::Stop;
            }
            _ => {}
        }
        Step::Take(length)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.emit(cx);
    }

    fn limit(&self) -> usize {
        MAX_PACKET
    }
}

impl Rdp {
    fn request(&mut self, body: &[u8]) {
        let mut rest = body;
        if let Some(end) = memchr::memmem::find(body, b"\r\n") {
            let line = body.get(..end).unwrap_or_default();
            let name = line.strip_prefix(b"Cookie: mstshash=").or(line.strip_prefix(b"Cookie: msts=")).unwrap_or(line);
            self.cookie = Some(text(name.trim_ascii()));
            rest = body.get(end + 2..).unwrap_or_default();
        }
        let asked = (rest.first() == Some(&1)).then(|| Cursor::new(rest.get(4..).unwrap_or_default()).le32()).flatten();
        self.requested = Some(asked.unwrap_or(0));
    }

    fn confirm(&mut self, body: &[u8]) {
        self.confirmed = true;
        let value = Cursor::new(body.get(4..).unwrap_or_default()).le32();
        match body.first() {
            Some(2) => self.selected = value,
            Some(3) => self.failure = value,
            _ => self.selected = Some(0),
        }
    }

    fn emit(&mut self, cx: &mut Cx<'_>) {
        if std::mem::replace(&mut self.emitted, true) {
            return;
        }
        let mut event = cx.event("network.rdp", self.at.unwrap_or(cx.at));
        put(&mut event, "rdp.cookie", self.cookie.as_deref());
        put(&mut event, "user.name", self.cookie.as_deref());
        let names = |bits: u32| match bits {
            0 => "RDP".to_owned(),
            bits => {
                let all = [(1, "SSL"), (2, "HYBRID"), (4, "RDSTLS"), (8, "HYBRID_EX"), (16, "RDSAAD")];
                all.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, n)| *n).collect::<Vec<_>>().join("|")
            }
        };
        put(&mut event, "rdp.requested_security", self.requested.map(names).as_deref());
        put(&mut event, "rdp.security_protocol", self.selected.map(names).as_deref());
        if let Some(code) = self.failure {
            event.push_named("error.code", Value::Str(&code.to_string()));
            event.push_named("event.outcome", Value::Str("failure"));
        } else if self.confirmed {
            event.push_named("rdp.result", Value::Str("connected"));
        }
        self.client.describe(&mut event);
        cx.emit(event);
    }
}

impl Client {
    /// The data blocks of a connect-initial: found by the key of the conference request that carries them.
    fn read(&mut self, packet: &[u8]) {
        let Some(start) = memchr::memmem::find(packet, b"Duca") else { return };
        let mut cursor = Cursor::new(packet.get(start + 4..).unwrap_or_default());
        // a length in one or two bytes
        match cursor.u8() {
            Some(n) if n & 0x80 != 0 => drop(cursor.u8()),
            _ => {}
        }
        while let (Some(kind), Some(length)) = (cursor.le16(), cursor.le16()) {
            let Some(block) = usize::from(length).checked_sub(4).and_then(|n| cursor.take(n)) else { return };
            match kind {
                0xc001 => drop(self.core(block)),
                0xc003 => {
                    let names = block.get(4..).unwrap_or_default().chunks_exact(12);
                    self.channels = names.take(31).map(|c| text(c.split(|b| *b == 0).next().unwrap_or_default())).collect();
                }
                _ => {}
            }
        }
    }

    fn core(&mut self, block: &[u8]) -> Option<()> {
        let mut cursor = Cursor::new(block);
        cursor.skip(4)?;
        (self.width, self.height) = (cursor.le16()?, cursor.le16()?);
        cursor.skip(4)?;
        self.keyboard = Some(cursor.le32()?);
        self.build = Some(cursor.le32()?);
        self.name = Some(utf16(cursor.take(32)?));
        self.product = block.get(142..206).map(utf16);
        Some(())
    }

    fn describe(&self, event: &mut fansipan_model::Event) {
        put(event, "rdp.client_name", self.name.as_deref());
        if let (Some(build), Some(keyboard)) = (self.build, self.keyboard) {
            event.push_named("rdp.client_build", Value::Int(i64::from(build)));
            event.push_named("rdp.keyboard_layout", Value::Str(&format!("0x{keyboard:08x}")));
            event.push_named("rdp.desktop_width", Value::Int(i64::from(self.width)));
            event.push_named("rdp.desktop_height", Value::Int(i64::from(self.height)));
        }
        put(event, "rdp.client_product_id", self.product.as_deref());
        for channel in &self.channels {
            put(event, "rdp.channels", &**channel);
        }
    }
}
