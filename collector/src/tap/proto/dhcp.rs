//! DHCP for IPv4: who asks for an address, what a server gives, and what both say of themselves.

use std::net::Ipv4Addr;

use fansipan_model::Value;

use super::{Beginning, Cx, DatagramProtocol, Entry, Side, Verdict, lines::text, put};
use crate::tap::{cursor::Cursor, files::hex, flow::report::mac_text};

pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "dhcp", probe, start: || Box::<Dhcp>::default() };

const COOKIE: [u8; 4] = [99, 130, 83, 99];

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = beginning.source;
    let fits = matches!(bytes, [1 | 2, _, 0..=16, ..]) && bytes.len() >= 240;
    let cookie = bytes.get(236..240) == Some(&COOKIE);
    // the port may stand in for a cookie that is wrong
    if fits && (cookie || beginning.port(67) || beginning.port(68)) { Verdict::Yes } else { Verdict::No }
}

#[derive(Default)]
struct Dhcp;

impl DatagramProtocol for Dhcp {
    fn datagram(&mut self, cx: &mut Cx<'_>, _side: Side, bytes: &[u8]) {
        read(cx, bytes);
    }
}

fn read(cx: &mut Cx<'_>, bytes: &[u8]) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    let (operation, kind, length) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
    cursor.skip(1)?;
    let transaction = cursor.u32()?;
    cursor.skip(4)?;
    let mut address = || cursor.array::<4>().map(Ipv4Addr::from);
    let (client, yours, _, relay) = (address()?, address()?, address()?, address()?);
    let hardware = cursor.take(16)?;
    let mut event = cx.event("network.dhcp", cx.at);
    event.push_named("dhcp.transaction_id", Value::Str(&format!("0x{transaction:08x}")));
    if let (1, 6, Some(mac)) = (kind, length, hardware.first_chunk::<6>()) {
        event.push_named("client.mac", Value::Str(&mac_text(*mac)));
    }
    for (name, ip) in [("dhcp.client_ip", client), ("dhcp.assigned_ip", yours), ("dhcp.relay_ip", relay)] {
        if !ip.is_unspecified() {
            event.push_named(name, Value::Str(&ip.to_string()));
        }
    }
    cursor.skip(192)?;
    let cookie = cursor.array::<4>()? == COOKIE;
    if !cookie {
        event.push_named("fansipan.dhcp.problem", Value::Str("cookie"));
    }
    let mut message = None;
    let mut options = 0;
    while cookie && options < 256 {
        let Some(code) = cursor.u8().filter(|c| *c != 255) else { break };
        if code == 0 {
            continue;
        }
        let Some(value) = cursor.vec8().map(|v| v.rest()) else {
            event.push_named("fansipan.dhcp.problem", Value::Str("options_cut"));
            break;
        };
        options += 1;
        if code == 53 {
            message = value.first().copied();
        }
        option(&mut event, code, value);
    }
    let names = ["", "discover", "offer", "request", "decline", "ack", "nak", "release", "inform", "force_renew"];
    let name =
        message.and_then(|m| names.get(usize::from(m))).copied().unwrap_or(if operation == 1 { "bootp_request" } else { "bootp_reply" });
    event.push_named("event.action", Value::Str(name));
    cx.emit(event);
    Some(())
}

fn option(event: &mut fansipan_model::Event, code: u8, value: &[u8]) {
    let addresses = || value.chunks_exact(4).filter_map(|c| c.first_chunk::<4>()).map(|b| Ipv4Addr::from(*b).to_string()).take(16);
    match code {
        3 | 6 | 50 | 54 => {
            let name = match code {
                3 => "dhcp.routers",
                6 => "dhcp.dns_servers",
                50 => "dhcp.requested_ip",
                _ => "dhcp.server_id",
            };
            for address in addresses() {
                event.push_named(name, Value::Str(&address));
            }
        }
        12 => put(event, "dhcp.host_name", &*text(value)),
        15 => put(event, "dhcp.domain_name", &*text(value)),
        51 => {
            if let Some(seconds) = value.first_chunk::<4>() {
                event.push_named("dhcp.lease_seconds", Value::Int(i64::from(u32::from_be_bytes(*seconds))));
            }
        }
        55 => event.push_named("dhcp.parameters", Value::Str(&value.iter().map(u8::to_string).collect::<Vec<_>>().join(","))),
        56 => put(event, "dhcp.message", &*text(value)),
        60 => put(event, "dhcp.vendor_class", &*text(value)),
        61 => put(event, "dhcp.client_id", &*hex(value)),
        // flags, then two codes of results, then the name
        81 => put(event, "dhcp.client_fqdn", value.get(3..).map(text).as_deref()),
        82 => relay(event, value),
        252 => put(event, "dhcp.proxy_config", &*text(value)),
        _ => {}
    }
}

/// What a relay adds.
fn relay(event: &mut fansipan_model::Event, value: &[u8]) {
    let mut cursor = Cursor::new(value);
    while let (Some(code), Some(value)) = (cursor.u8(), cursor.vec8()) {
        let name = match code {
            1 => "dhcp.relay.circuit_id",
            2 => "dhcp.relay.remote_id",
            6 => "dhcp.relay.subscriber_id",
            _ => continue,
        };
        let value = value.rest();
        let printable = value.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
        let said = if printable { text(value) } else { hex(value) };
        put(event, name, &*said);
    }
}
