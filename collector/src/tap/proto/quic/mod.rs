//! QUIC, by its first packets: their keys follow from what is in them (RFC 9001 §5.2), so the hellos can be read.

mod google;
mod initial;

use std::collections::BTreeMap;

use fansipan_model::{Value, fields};

use super::{
    Beginning, Cx, DatagramProtocol, Entry, Side, Verdict,
    tls::handshake::{Carrier, Handshake},
};
use crate::tap::{cursor::Cursor, flow::Pair};
use initial::{Keys, LongHeader, Version};

pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "quic", probe, start: || Box::<Quic>::default() };

/// Bytes of a handshake that are put together.
const MAX_CRYPTO: u64 = 64 << 10;
/// First packets of one side that are tried.
const MAX_TRIED: u32 = 64;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = beginning.source;
    if google::version(bytes).is_some() {
        return Verdict::Yes;
    }
    match LongHeader::read(bytes) {
        Some(header) if Version::of(header.version).is_some() && header.fits() => Verdict::Yes,
        // version negotiation, or a version not known yet, where QUIC is at home
        Some(header) if (header.version == 0 || header.version & 0x0f0f_0f0f == 0x0a0a_0a0a) && beginning.port(443) => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// The handshake's bytes in order, from frames in any order.
#[derive(Default)]
struct Crypto {
    parts: BTreeMap<u64, Vec<u8>>,
    whole: Vec<u8>,
    /// Bytes of `whole` whose messages were read.
    read: usize,
    held: u64,
}

impl Crypto {
    fn add(&mut self, offset: u64, bytes: &[u8]) {
        if offset + bytes.len() as u64 > MAX_CRYPTO || self.held > 2 * MAX_CRYPTO {
            return;
        }
        let longer = self.parts.get(&offset).is_none_or(|old| old.len() < bytes.len());
        if longer {
            self.held += bytes.len() as u64;
            self.parts.insert(offset, bytes.to_vec());
        }
        // the parts that begin at or before the end and reach beyond it, until there is none
        loop {
            let end = self.whole.len();
            let mut reaching = self.parts.range(..=end as u64).filter_map(|(at, part)| part.get(end - *at as usize..));
            let Some(rest) = reaching.find(|rest| !rest.is_empty()) else { return };
            self.whole.extend_from_slice(rest);
        }
    }

    fn messages(&mut self, mut each: impl FnMut(u8, &[u8])) {
        while let Some(head) = self.whole.get(self.read..).and_then(|b| b.first_chunk::<4>()) {
            let [kind, a, b, c] = *head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let Some(body) = self.whole.get(self.read + 4..self.read + 4 + length) else { return };
            each(kind, body);
            self.read += 4 + length;
        }
    }
}

#[derive(Default)]
struct Quic {
    at: Option<i64>,
    version: Option<String>,
    keys: Option<Keys>,
    crypto: Pair<Crypto>,
    handshake: Handshake,
    google: Option<google::Hello>,
    tried: u32,
    source_id: Option<Vec<u8>>,
    emitted: bool,
}

impl DatagramProtocol for Quic {
    fn held(&self) -> usize {
        let of = |c: &Crypto| c.held as usize + c.whole.len();
        of(&self.crypto.source) + of(&self.crypto.destination)
    }

    fn datagram(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        self.at.get_or_insert(cx.at);
        if self.emitted || self.tried >= MAX_TRIED {
            return;
        }
        self.tried += 1;
        if let Some(version) = google::version(bytes) {
            self.version.get_or_insert(version);
            self.google = self.google.take().or_else(|| google::hello(bytes));
            return;
        }
        let mut rest = bytes;
        while let Some(header) = LongHeader::read(rest) {
            self.packet(side, &header);
            rest = header.after;
        }
        if self.handshake.client.is_some() && self.handshake.server.as_ref().is_some_and(|s| !s.is_retry()) {
            self.emit(cx);
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.emit(cx);
    }
}

impl Quic {
    fn packet(&mut self, side: Side, header: &LongHeader<'_>) {
        let Some(version) = Version::of(header.version) else {
            if header.version != 0 {
                self.version.get_or_insert_with(|| format!("0x{:08x}", header.version));
            }
            return;
        };
        self.version = Some(version.name());
        if !version.is_initial(header.first) {
            return;
        }
        let opened = match (side, &self.keys) {
            (Side::Destination, Some(keys)) => keys.server.open(header),
            (Side::Destination, None) => None,
            (Side::Source, keys) => {
                let known = keys.as_ref().filter(|k| k.version == version.number).and_then(|k| k.client.open(header));
                known.or_else(|| {
                    let keys = Keys::derive(version, header.destination)?;
                    let opened = keys.client.open(header)?;
                    self.keys = Some(keys);
                    Some(opened)
                })
            }
        };
        let Some(payload) = opened else { return };
        if side == Side::Source {
            self.source_id.get_or_insert_with(|| header.destination.to_vec());
        }
        let crypto = self.crypto.of_mut(side);
        frames(&payload, crypto);
        let handshake = &mut self.handshake;
        crypto.messages(|kind, body| handshake.message(kind, body));
    }

    fn emit(&mut self, cx: &mut Cx<'_>) {
        if std::mem::replace(&mut self.emitted, true) {
            return;
        }
        let Some(version) = &self.version else { return };
        let mut event = cx.event("network.quic", self.at.unwrap_or(cx.at));
        event.push_named("quic.version", Value::Str(version));
        if let Some(id) = &self.source_id {
            event.push_named("quic.destination_connection_id", Value::Str(&crate::tap::files::hex(id)));
        }
        self.handshake.describe(Carrier::Quic, &mut event);
        if self.handshake.client.is_some() {
            event.push(fields::TLS_ESTABLISHED, Value::Bool(self.handshake.server.is_some()));
            if self.handshake.server.is_none() {
                // QUIC knows no other
                event.push(fields::TLS_VERSION, Value::Str("1.3"));
                event.push(fields::TLS_VERSION_PROTOCOL, Value::Str("tls"));
            }
        }
        if let Some(hello) = &self.google {
            hello.describe(&mut event);
        }
        cx.emit(event);
    }
}

/// Picks the handshake's bytes out of the frames of a first packet.
fn frames(payload: &[u8], crypto: &mut Crypto) {
    let mut cursor = Cursor::new(payload);
    while frame(&mut cursor, crypto).is_some() {}
}

fn frame(cursor: &mut Cursor<'_>, crypto: &mut Crypto) -> Option<()> {
    match cursor.u8()? {
        0 | 1 => {}
        kind @ (2 | 3) => {
            initial::number(cursor)?;
            initial::number(cursor)?;
            let ranges = initial::number(cursor)?;
            initial::number(cursor)?;
            for _ in 0..ranges.min(1024) {
                initial::number(cursor)?;
                initial::number(cursor)?;
            }
            for _ in 0..if kind == 3 { 3 } else { 0 } {
                initial::number(cursor)?;
            }
        }
        6 => {
            let offset = initial::number(cursor)?;
            let length = usize::try_from(initial::number(cursor)?).ok()?;
            crypto.add(offset, cursor.take(length)?);
        }
        0x1c => {
            initial::number(cursor)?;
            initial::number(cursor)?;
            let length = usize::try_from(initial::number(cursor)?).ok()?;
            cursor.skip(length)?;
        }
        _ => return None,
    }
    Some(())
}
