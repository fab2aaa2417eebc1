//! IPv4 and IPv6 with extension headers; fragments are put together; what IP carries goes on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Datagram, Decoder, Env, Problem, Sink, fragments::Fragment, sum, tunnel};
use crate::tap::cursor::Cursor;

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ICMP6: u8 = 58;
pub(crate) const SCTP: u8 = 132;

pub(super) fn v4(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    if read_v4(decoder, env, data, sink).is_none() {
        sink.problem(Problem::IpMalformed);
    }
    Some(())
}

fn read_v4(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let mut cursor = Cursor::new(data);
    let first = cursor.u8()?;
    let header = usize::from(first & 15) * 4;
    if first >> 4 != 4 || header < 20 {
        return None;
    }
    cursor.skip(1)?;
    let total = usize::from(cursor.u16()?);
    let id = cursor.u16()?;
    let place = cursor.u16()?;
    let (_ttl, protocol) = (cursor.u8()?, cursor.u8()?);
    cursor.skip(2)?;
    let source = Ipv4Addr::from(cursor.array::<4>()?);
    let destination = Ipv4Addr::from(cursor.array::<4>()?);
    let head = data.get(..header)?;
    if sum(head, 0) != 0xffff {
        sink.problem(Problem::IpChecksum);
    }
    // a length of zero is left by segmentation offload: what was captured counts
    let total = if total == 0 { data.len() } else { total };
    let length = total.checked_sub(header)?;
    let body = data.get(header..)?;
    let payload = body.get(..length).unwrap_or(body);
    if payload.len() < length {
        sink.problem(Problem::IpCut);
    }
    let datagram = Datagram {
        source: source.into(),
        destination: destination.into(),
        protocol,
        payload,
        length,
        packets: 1,
        wire: env.wire,
        ip_bytes: total as u32,
    };
    let (offset, more) = (usize::from(place & 0x1fff) * 8, place & 0x2000 != 0);
    if offset == 0 && !more {
        carried(decoder, env, &datagram, sink);
        return Some(());
    }
    fragment(decoder, env, &datagram, Fragment { id: u32::from(id), offset, more }, sink);
    Some(())
}

pub(super) fn v6(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    if read_v6(decoder, env, data, sink).is_none() {
        sink.problem(Problem::IpMalformed);
    }
    Some(())
}

/// Where the chain of extension headers ended.
struct Chain {
    next: u8,
    destination: Ipv6Addr,
    fragment: Option<Fragment>,
}

fn read_v6(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let mut cursor = Cursor::new(data);
    if cursor.u32()? >> 28 != 6 {
        return None;
    }
    let length = usize::from(cursor.u16()?);
    let (next, _hops) = (cursor.u8()?, cursor.u8()?);
    let source = Ipv6Addr::from(cursor.array::<16>()?);
    let destination = Ipv6Addr::from(cursor.array::<16>()?);
    // zero: a jumbogram or segmentation offload
    let length = if length == 0 && next != 59 { cursor.len() } else { length };
    if cursor.len() < length {
        sink.problem(Problem::IpCut);
    }
    let body = cursor.up_to(length);
    let missing = length - body.len();
    let mut cursor = Cursor::new(body);
    let chain = extensions(&mut cursor, next, destination)?;
    let datagram = Datagram {
        source: source.into(),
        destination: chain.destination.into(),
        protocol: chain.next,
        payload: cursor.rest(),
        length: cursor.len() + missing,
        packets: 1,
        wire: env.wire,
        ip_bytes: (length + 40) as u32,
    };
    match chain.fragment {
        Some(at) if at.offset != 0 || at.more => fragment(decoder, env, &datagram, at, sink),
        _ => carried(decoder, env, &datagram, sink),
    }
    Some(())
}

fn extensions(cursor: &mut Cursor<'_>, first: u8, destination: Ipv6Addr) -> Option<Chain> {
    let mut chain = Chain { next: first, destination, fragment: None };
    loop {
        match chain.next {
            0 | 43 | 60 | 135 | 139 | 140 => {
                let kind = chain.next;
                chain.next = cursor.u8()?;
                let length = usize::from(cursor.u8()?) * 8 + 6;
                let body = cursor.take(length)?;
                if kind == 43 {
                    chain.destination = last_hop(body).unwrap_or(chain.destination);
                }
            }
            51 => {
                chain.next = cursor.u8()?;
                let length = (usize::from(cursor.u8()?) + 2) * 4;
                cursor.skip(length.checked_sub(2)?)?;
            }
            44 => {
                chain.next = cursor.u8()?;
                cursor.skip(1)?;
                let place = cursor.u16()?;
                let id = cursor.u32()?;
                let at = Fragment { id, offset: usize::from(place & 0xfff8), more: place & 1 != 0 };
                let whole = at.offset == 0 && !at.more;
                chain.fragment = Some(at);
                if !whole {
                    return Some(chain); // what follows belongs to the datagram put together
                }
            }
            _ => return Some(chain),
        }
    }
}

/// With a routing header, the last address is where the packet is going and what checksums cover.
fn last_hop(body: &[u8]) -> Option<Ipv6Addr> {
    let (kind, left) = (*body.first()?, *body.get(1)?);
    if left == 0 {
        return None;
    }
    let addresses = body.get(6..)?;
    let address = match kind {
        0 | 2 => addresses.last_chunk::<16>(),
        4 => addresses.first_chunk::<16>(),
        _ => None,
    };
    address.copied().map(Ipv6Addr::from)
}

fn fragment(decoder: &mut Decoder, env: &mut Env, part: &Datagram<'_>, at: Fragment, sink: &mut dyn Sink) {
    sink.fragment(part, at);
    let Some(whole) = decoder.fragments.add(env.at, part, at, sink) else { return };
    let mut protocol = whole.protocol;
    let mut payload = whole.bytes.as_slice();
    if part.source.is_ipv6() {
        let mut cursor = Cursor::new(payload);
        let IpAddr::V6(destination) = part.destination else { return };
        match extensions(&mut cursor, protocol, destination) {
            Some(chain) if chain.fragment.is_none_or(|f| f.offset == 0 && !f.more) => {
                (protocol, payload) = (chain.next, cursor.rest());
            }
            _ => return sink.problem(Problem::IpMalformed),
        }
    }
    let datagram =
        Datagram { protocol, payload, length: payload.len(), packets: whole.packets, wire: whole.wire, ip_bytes: whole.ip_bytes, ..*part };
    carried(decoder, env, &datagram, sink);
}

/// The datagram first, then what it carries if it is a tunnel.
fn carried(decoder: &mut Decoder, env: &mut Env, datagram: &Datagram<'_>, sink: &mut dyn Sink) {
    sink.datagram(env, datagram);
    tunnel::open(decoder, env, datagram, sink);
}
