//! SNMP: who asks which device for what, once for each kind of message in a flow. Communities are passwords: seen and not kept.

use fansipan_model::Value;

use super::{
    Beginning, Cx, DatagramProtocol, Entry, Side, Verdict,
    asn1::{Elements, Extent, extent, identifier, integer},
    lines::text,
    put,
};

pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "snmp", probe, start: || Box::<Snmp>::default() };

const KINDS: [&str; 9] =
    ["get_request", "get_next_request", "response", "set_request", "trap_v1", "get_bulk_request", "inform", "trap", "report"];

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = beginning.source;
    let Extent::Known(head, whole) = extent(bytes) else { return Verdict::No };
    if bytes.first() != Some(&0x30) || whole > bytes.len() + 8 {
        return Verdict::No;
    }
    let fits = match bytes.get(head..) {
        // version, then a community or the head of version 3
        Some([2, 1, 0 | 1, 4, ..]) | Some([2, 1, 3, 0x30, ..]) => true,
        _ => false,
    };
    if fits { Verdict::Yes } else { Verdict::No }
}

#[derive(Default)]
struct Snmp {
    seen: u32,
}

impl DatagramProtocol for Snmp {
    fn datagram(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        let _ = self.read(cx, side, bytes);
    }
}

impl Snmp {
    fn read(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) -> Option<()> {
        let mut message = Elements(Elements(bytes).expect(0x30)?);
        let version = message.expect(2).and_then(integer)?;
        let mut user = None;
        let mut level = None;
        let pdu = if version == 3 {
            let mut global = Elements(message.expect(0x30)?);
            global.next();
            global.next();
            level = global.expect(4).and_then(|f| f.first().copied());
            let security = message.expect(4)?;
            let parameters = Elements(Elements(security).expect(0x30)?);
            let mut parameters = parameters.skip(3);
            user = parameters.next().filter(|e| e.tag == 4).map(|e| text(e.body));
            // encrypted: a string instead of a sequence
            message.next().filter(|e| e.tag == 0x30).and_then(|e| Elements(e.body).nth(2))
        } else {
            message.expect(4)?;
            message.next()
        };
        let kind = pdu.map(|p| usize::from(p.tag.wrapping_sub(0xa0)));
        let bit = 1u32 << (kind.unwrap_or(15).min(15) * 2 + usize::from(side == Side::Destination));
        if self.seen & bit != 0 {
            return None;
        }
        self.seen |= bit;
        let mut event = cx.event("network.snmp", cx.at);
        let name = kind.map_or("encrypted", |k| KINDS.get(k).copied().unwrap_or("unknown"));
        event.push_named("event.action", Value::Str(name));
        event
            .push_named("snmp.version", Value::Str(["1", "2c", "2", "3"].get(usize::try_from(version).ok()?).copied().unwrap_or_default()));
        if version < 3 {
            event.push_named("fansipan.cleartext_password", Value::Bool(true));
        }
        put(&mut event, "user.name", user.as_deref());
        if let Some(level) = level {
            let names = ["none", "auth", "", "auth_priv"];
            put(&mut event, "snmp.security", names.get(usize::from(level & 3)).copied().unwrap_or_default());
        }
        if let Some(pdu) = pdu.filter(|p| p.tag != 0xa4) {
            let bindings = Elements(pdu.body).nth(3).filter(|e| e.tag == 0x30);
            for binding in bindings.map(|e| Elements(e.body)).into_iter().flatten().take(16) {
                let oid = Elements(binding.body).expect(6).and_then(identifier);
                put(&mut event, "snmp.oid", oid.as_deref());
            }
        }
        cx.emit(event);
        Some(())
    }
}
