//! Tunnels: what a datagram carries that is itself a packet.

use super::{Datagram, Decoder, Env, Problem, Sink, Tunnel, ip, link};
use crate::tap::cursor::{Cursor, be16};

/// What a tunnel's header said.
struct Header<'a> {
    kind: &'static str,
    id: Option<u32>,
    scoped: bool,
    carries: Carries,
    payload: &'a [u8],
}

#[derive(Clone, Copy)]
enum Carries {
    Ethernet,
    Ip,
    Ppp,
    Mpls,
    Wireless,
    Ethertype(u16),
}

/// Opens the datagram if it is a tunnel and decodes what is in it.
pub(super) fn open(decoder: &mut Decoder, env: &Env, datagram: &Datagram<'_>, sink: &mut dyn Sink) {
    let header = match datagram.protocol {
        4 | 94 => Some(inside("4in4", "4in6", datagram)),
        41 => Some(inside("6in4", "6in6", datagram)),
        47 => gre(datagram.payload),
        97 => datagram.payload.get(2..).map(|payload| plain("etherip", Carries::Ethernet, payload)),
        137 => Some(plain("mpls", Carries::Mpls, datagram.payload)),
        ip::UDP => match udp(datagram) {
            Some(header) => Some(header),
            None => return,
        },
        _ => return,
    };
    let Some(header) = header else { return sink.problem(Problem::TunnelMalformed) };
    enter(decoder, env, datagram, &header, sink);
}

fn enter(decoder: &mut Decoder, env: &Env, datagram: &Datagram<'_>, header: &Header<'_>, sink: &mut dyn Sink) {
    let tunnel =
        Tunnel { kind: header.kind, id: header.id, scoped: header.scoped, source: datagram.source, destination: datagram.destination };
    // what was captured plus what was cut off: the length on the wire inside the tunnel
    let wire = header.payload.len() + datagram.length.saturating_sub(datagram.payload.len());
    let Some(mut inner) = env.enter(tunnel, wire) else { return sink.problem(Problem::TooDeep) };
    sink.tunnel(env, &tunnel);
    let done = match header.carries {
        Carries::Ethernet => link::ethernet(decoder, &mut inner, header.payload, sink),
        Carries::Ip => link::bare_ip(decoder, &mut inner, header.payload, sink),
        Carries::Ppp => link::ppp(decoder, &mut inner, header.payload, sink),
        Carries::Mpls => link::mpls_payload(decoder, &mut inner, header.payload, sink),
        Carries::Wireless => link::wireless_payload(decoder, &mut inner, header.payload, sink),
        Carries::Ethertype(kind) => link::ethertype(decoder, &mut inner, kind, header.payload, sink),
    };
    if done.is_none() {
        sink.problem(Problem::TunnelMalformed);
    }
}

fn plain<'a>(kind: &'static str, carries: Carries, payload: &'a [u8]) -> Header<'a> {
    Header { kind, id: None, scoped: false, carries, payload }
}

fn inside<'a>(over4: &'static str, over6: &'static str, datagram: &Datagram<'a>) -> Header<'a> {
    plain(if datagram.source.is_ipv4() { over4 } else { over6 }, Carries::Ip, datagram.payload)
}

fn gre(data: &[u8]) -> Option<Header<'_>> {
    let mut cursor = Cursor::new(data);
    let flags = cursor.u16()?;
    let protocol = cursor.u16()?;
    let version = flags & 7;
    if version > 1 {
        return None;
    }
    if flags & 0xc000 != 0 {
        cursor.skip(4)?;
    }
    let key = if flags & 0x2000 != 0 { Some(cursor.u32()?) } else { None };
    let sequenced = flags & 0x1000 != 0;
    if sequenced {
        cursor.skip(4)?;
    }
    if version == 1 {
        if flags & 0x80 != 0 {
            cursor.skip(4)?;
        }
        // the upper half of the key is the length
        return Some(Header { id: key.map(|k| k & 0xffff), ..plain("pptp", Carries::Ppp, cursor.rest()) });
    }
    if flags & 0x4000 != 0 {
        source_routes(&mut cursor)?;
    }
    match protocol {
        0x88be => erspan(cursor, sequenced),
        0x22eb => erspan3(cursor),
        // the key of NVGRE is network and flow
        0x6558 => Some(Header { id: key, scoped: false, ..plain("gre", Carries::Ethernet, cursor.rest()) }),
        0x883e => {
            // web cache redirection has a header of its own unless IP follows at once
            let redirected = cursor.rest().first()? >> 4 != 4;
            cursor.skip(if redirected { 4 } else { 0 })?;
            Some(plain("gre", Carries::Ip, cursor.rest()))
        }
        0x8200 | 0x8210 | 0x8220 | 0x8230 | 0x8240 | 0x8250 | 0x8260 | 0x8270 | 0x8280 | 0x8290 | 0x82a0 | 0x82b0 | 0x82c0 | 0x82d0 => {
            Some(Header { id: key, ..plain("gre", Carries::Wireless, cursor.rest()) })
        }
        0 if cursor.is_empty() => Some(plain("gre", Carries::Ethertype(0xffff), cursor.rest())), // keepalive
        other => Some(Header { id: key, ..plain("gre", Carries::Ethertype(other), cursor.rest()) }),
    }
}

fn source_routes(cursor: &mut Cursor<'_>) -> Option<()> {
    loop {
        let family = cursor.u16()?;
        let _offset = cursor.u8()?;
        let length = cursor.u8()?;
        cursor.skip(usize::from(length))?;
        if family == 0 && length == 0 {
            return Some(());
        }
    }
}

fn erspan(mut cursor: Cursor<'_>, sequenced: bool) -> Option<Header<'_>> {
    if !sequenced {
        return Some(plain("erspan1", Carries::Ethernet, cursor.rest()));
    }
    let words = cursor.u32()?;
    cursor.skip(4)?;
    Some(Header { id: Some(words & 0x3ff), ..plain("erspan2", Carries::Ethernet, cursor.rest()) })
}

fn erspan3(mut cursor: Cursor<'_>) -> Option<Header<'_>> {
    let words = cursor.u32()?;
    cursor.skip(4)?;
    let last = cursor.u32()?;
    if last & 1 != 0 {
        cursor.skip(8)?; // platform specific
    }
    // frame type: 0 Ethernet, 2 IP
    let carries = if last >> 11 & 0x1f == 2 { Carries::Ip } else { Carries::Ethernet };
    Some(Header { id: Some(words & 0x3ff), ..plain("erspan3", carries, cursor.rest()) })
}

/// Tunnels over UDP: by port and by content, both must fit; Teredo by content on any port.
fn udp<'a>(datagram: &Datagram<'a>) -> Option<Header<'a>> {
    let source = be16(datagram.payload, 0)?;
    let destination = be16(datagram.payload, 2)?;
    let length = usize::from(be16(datagram.payload, 4)?).max(8) - 8;
    let body = datagram.payload.get(8..)?;
    let payload = body.get(..length).unwrap_or(body);
    match destination {
        4789 | 8472 => return vxlan(payload),
        4790 => return vxlan_gpe(payload),
        6081 => return geneve(payload),
        2152 => return gtp(payload),
        6635 => return Some(plain("mpls", Carries::Mpls, payload)).filter(|_| payload.len() > 4),
        _ => {}
    }
    if source == 2152 {
        return gtp(payload);
    }
    if source == 5072 || destination == 5072 {
        return ayiya(payload);
    }
    teredo(payload, source == 3544 || destination == 3544)
}

fn vxlan(payload: &[u8]) -> Option<Header<'_>> {
    let mut cursor = Cursor::new(payload);
    let flags = cursor.u32()?;
    let id = cursor.u32()? >> 8;
    (flags & 0x0800_0000 != 0 && cursor.len() >= 14).then(|| Header {
        kind: "vxlan",
        id: Some(id),
        scoped: true,
        carries: Carries::Ethernet,
        payload: cursor.rest(),
    })
}

fn vxlan_gpe(payload: &[u8]) -> Option<Header<'_>> {
    let mut cursor = Cursor::new(payload);
    let flags = cursor.u32()?;
    let id = cursor.u32()? >> 8;
    let carries = match flags & 0xff {
        1 | 2 => Carries::Ip,
        3 => Carries::Ethernet,
        5 => Carries::Mpls,
        _ => return None,
    };
    Some(Header { kind: "vxlan", id: Some(id), scoped: true, carries, payload: cursor.rest() })
}

fn geneve(payload: &[u8]) -> Option<Header<'_>> {
    let mut cursor = Cursor::new(payload);
    let first = cursor.u8()?;
    cursor.skip(1)?;
    let protocol = cursor.u16()?;
    let id = cursor.u32()? >> 8;
    if first >> 6 != 0 {
        return None;
    }
    cursor.skip(usize::from(first & 0x3f) * 4)?;
    let carries = if protocol == 0x6558 { Carries::Ethernet } else { Carries::Ethertype(protocol) };
    Some(Header { kind: "geneve", id: Some(id), scoped: true, carries, payload: cursor.rest() })
}

/// User plane of GTP version 1: only messages that carry a packet.
fn gtp(payload: &[u8]) -> Option<Header<'_>> {
    let mut cursor = Cursor::new(payload);
    let flags = cursor.u8()?;
    let message = cursor.u8()?;
    let _length = cursor.u16()?;
    let id = cursor.u32()?;
    if flags & 0xf0 != 0x30 || message != 0xff {
        return None;
    }
    if flags & 7 != 0 {
        cursor.skip(3)?;
        let mut next = cursor.u8()?;
        while flags & 4 != 0 && next != 0 {
            let words = usize::from(cursor.u8()?);
            let body = cursor.take((words * 4).checked_sub(1)?)?;
            next = *body.last()?;
        }
    }
    matches!(cursor.rest().first()? >> 4, 4 | 6).then(|| Header { id: Some(id), ..plain("gtp", Carries::Ip, cursor.rest()) })
}

fn ayiya(payload: &[u8]) -> Option<Header<'_>> {
    let mut cursor = Cursor::new(payload);
    let [lengths, methods, operation, next] = cursor.array()?;
    cursor.skip(4)?;
    let identity = 1usize.checked_shl(u32::from(lengths >> 4))?;
    cursor.skip(identity + usize::from(methods >> 4) * 4)?;
    // the hash method is the lower half of the second byte, its length the upper half, in words
    (operation & 0x0f == 1 && next == 41).then(|| plain("ayiya", Carries::Ip, cursor.rest()))
}

fn teredo(payload: &[u8], expected: bool) -> Option<Header<'_>> {
    let mut cursor = Cursor::new(payload);
    if expected && be16(payload, 0) == Some(1) {
        cursor.skip(2)?;
        let (client, secret) = (cursor.u8()?, cursor.u8()?);
        cursor.skip(usize::from(client) + usize::from(secret) + 9)?;
    }
    if be16(cursor.rest(), 0) == Some(0) && expected {
        cursor.skip(8)?;
    }
    let inner = cursor.rest();
    if inner.len() < 40 || inner.first()? >> 4 != 6 {
        return None;
    }
    let exact = usize::from(be16(inner, 4)?) + 40 == inner.len();
    let prefix = [0x20, 0x01, 0, 0];
    let addressed = inner.get(8..12)? == prefix || inner.get(24..28)? == prefix || inner.get(8)? == &0xfe;
    (exact && (expected || addressed)).then(|| plain("teredo", Carries::Ip, inner))
}
