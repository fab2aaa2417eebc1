//! The link layer: from a frame to IP, through tags and labels.

use super::{Arp, Decoder, Env, Mac, Problem, Sink, ip};
use crate::tap::cursor::{Cursor, be16};

/// Kind of a captured interface, by its number in capture files (LINKTYPE_…).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkType(pub u16);

impl LinkType {
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// IP without a link layer.
    pub const RAW: LinkType = LinkType(101);
}

pub(super) fn frame(decoder: &mut Decoder, link: LinkType, env: &mut Env, data: &[u8], sink: &mut dyn Sink) {
    let mut cursor = Cursor::new(data);
    let done = match link.0 {
        1 | 143 | 274 => ethernet(decoder, env, data, sink),
        12 | 14 | 101 | 228 | 229 => bare_ip(decoder, env, data, sink),
        0 => loopback(decoder, env, cursor, sink),
        108 | 109 => loopback(decoder, env, cursor, sink),
        113 => cooked(decoder, env, cursor, sink),
        276 => cooked2(decoder, env, cursor, sink),
        9 | 50 | 204 => ppp(decoder, env, if link.0 == 204 { data.get(1..).unwrap_or_default() } else { data }, sink),
        51 => pppoe(decoder, env, cursor, sink),
        104 => cursor.skip(2).and_then(|()| cursor.u16()).and_then(|kind| ethertype(decoder, env, kind, cursor.rest(), sink)),
        105 => wireless(decoder, env, data, 0, sink),
        127 => radiotap(decoder, env, data, sink),
        // prism, AVS and PPI headers before 802.11: their length is in the header
        119 | 163 => data
            .get(4..8)
            .and_then(|b| if link.0 == 119 { Cursor::new(b).le32() } else { Cursor::new(b).u32() })
            .and_then(|n| wireless(decoder, env, data.get(n as usize..)?, 0, sink)),
        192 => ppi(decoder, env, data, sink),
        219 => mpls(decoder, env, cursor, sink),
        239 => nflog(decoder, env, cursor, sink),
        _ => {
            sink.problem(Problem::LinkUnknown);
            return;
        }
    };
    if done.is_none() {
        sink.problem(Problem::LinkMalformed);
    }
}

pub(super) fn ethernet(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    env.deeper()?;
    let mut cursor = Cursor::new(data);
    let destination: Mac = cursor.array()?;
    let source: Mac = cursor.array()?;
    env.macs = Some([source, destination]);
    let kind = cursor.u16()?;
    if kind <= 1500 {
        return llc(decoder, env, cursor.up_to(usize::from(kind)), sink);
    }
    ethertype(decoder, env, kind, cursor.rest(), sink)
}

/// IEEE 802.2 with a SNAP header; other logical links carry no IP.
fn llc(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    match data {
        [0xaa, 0xaa, 0x03, _, _, _, high, low, rest @ ..] => ethertype(decoder, env, u16::from_be_bytes([*high, *low]), rest, sink),
        [0x06, 0x06, 0x03, rest @ ..] => bare_ip(decoder, env, rest, sink),
        _ => Some(()),
    }
}

pub(super) fn ethertype(decoder: &mut Decoder, env: &mut Env, kind: u16, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    env.deeper()?;
    let mut cursor = Cursor::new(data);
    match kind {
        0x0800 => ip::v4(decoder, env, data, sink),
        0x86dd => ip::v6(decoder, env, data, sink),
        0x0806 => arp(env, cursor, sink),
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => {
            let tag = cursor.u16()? & 0x0fff;
            if let Some(free) = env.vlans.iter_mut().find(|v| v.is_none()) {
                *free = Some(tag);
            }
            let inner = cursor.u16()?;
            if inner <= 1500 {
                llc(decoder, env, cursor.up_to(usize::from(inner)), sink)
            } else {
                ethertype(decoder, env, inner, cursor.rest(), sink)
            }
        }
        0x8847 | 0x8848 => mpls(decoder, env, cursor, sink),
        0x8864 => pppoe(decoder, env, cursor, sink),
        0x6558 => ethernet(decoder, env, data, sink),
        0x880b => ppp(decoder, env, data, sink),
        // provider backbone bridge: service tag, then a whole frame
        0x88e7 => {
            cursor.skip(4)?;
            ethernet(decoder, env, cursor.rest(), sink)
        }
        // virtual network tag of switches
        0x8926 => {
            cursor.skip(4)?;
            let inner = cursor.u16()?;
            ethertype(decoder, env, inner, cursor.rest(), sink)
        }
        _ => Some(()),
    }
}

/// Four or six in the first half byte says which IP it is.
pub(super) fn bare_ip(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    env.deeper()?;
    match data.first()? >> 4 {
        4 => ip::v4(decoder, env, data, sink),
        6 => ip::v6(decoder, env, data, sink),
        _ => None,
    }
}

fn loopback(decoder: &mut Decoder, env: &mut Env, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Option<()> {
    let family = cursor.u32()?;
    // the byte order is that of the machine that captured: small numbers only, so either reading tells
    let family = if family > 0xffff { family.swap_bytes() } else { family };
    match family {
        2 => ip::v4(decoder, env, cursor.rest(), sink),
        10 | 24 | 28 | 30 => ip::v6(decoder, env, cursor.rest(), sink),
        _ => Some(()),
    }
}

fn cooked(decoder: &mut Decoder, env: &mut Env, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Option<()> {
    let _direction = cursor.u16()?;
    let hardware = cursor.u16()?;
    let length = cursor.u16()?;
    let address: [u8; 8] = cursor.array()?;
    let kind = cursor.u16()?;
    cooked_payload(decoder, env, (hardware, length, address), kind, cursor.rest(), sink)
}

fn cooked2(decoder: &mut Decoder, env: &mut Env, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Option<()> {
    let kind = cursor.u16()?;
    cursor.skip(6)?;
    let hardware = cursor.u16()?;
    let _direction = cursor.u8()?;
    let length = u16::from(cursor.u8()?);
    let address: [u8; 8] = cursor.array()?;
    cooked_payload(decoder, env, (hardware, length, address), kind, cursor.rest(), sink)
}

/// Linux cooked captures know the sender's address only.
fn cooked_payload(
    decoder: &mut Decoder,
    env: &mut Env,
    (hardware, length, address): (u16, u16, [u8; 8]),
    kind: u16,
    data: &[u8],
    sink: &mut dyn Sink,
) -> Option<()> {
    let mac = address.first_chunk::<6>().copied().unwrap_or_default();
    if length == 6 && mac != Mac::default() {
        env.macs = Some([mac, Mac::default()]);
    }
    match (hardware, kind) {
        (803, _) => radiotap(decoder, env, data, sink),
        (824, _) => Some(()),
        (_, 1 | 3) => ethernet(decoder, env, data, sink),
        (_, 4) => llc(decoder, env, data, sink),
        _ => ethertype(decoder, env, kind, data, sink),
    }
}

fn mpls(decoder: &mut Decoder, env: &mut Env, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Option<()> {
    loop {
        env.deeper()?;
        let entry = cursor.u32()?;
        env.mpls.get_or_insert(entry >> 12);
        if entry & 0x100 != 0 {
            break;
        }
    }
    match cursor.rest().first()? >> 4 {
        4 => ip::v4(decoder, env, cursor.rest(), sink),
        6 => ip::v6(decoder, env, cursor.rest(), sink),
        // a pseudowire: with a control word it begins with zero
        0 if be16(cursor.rest(), 0) == Some(0) || !plausible_ethernet(cursor.rest()) => {
            cursor.skip(4)?;
            ethernet(decoder, env, cursor.rest(), sink)
        }
        _ => ethernet(decoder, env, cursor.rest(), sink),
    }
}

fn plausible_ethernet(data: &[u8]) -> bool {
    matches!(be16(data, 12), Some(0x0800 | 0x86dd | 0x0806 | 0x8100 | 0x88a8 | 0x8847))
}

pub(super) fn mpls_payload(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    mpls(decoder, env, Cursor::new(data), sink)
}

fn pppoe(decoder: &mut Decoder, env: &mut Env, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Option<()> {
    let (version, code) = (cursor.u8()?, cursor.u8()?);
    let _session = cursor.u16()?;
    let length = cursor.u16()?;
    if version != 0x11 || code != 0 {
        return Some(()); // discovery
    }
    ppp(decoder, env, cursor.up_to(usize::from(length)), sink)
}

pub(super) fn ppp(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let mut cursor = Cursor::new(data);
    if data.starts_with(&[0xff, 0x03]) {
        cursor.skip(2)?;
    }
    let first = cursor.u8()?;
    // an odd first byte is a protocol field compressed to one byte
    let protocol = if first & 1 == 1 { u16::from(first) } else { u16::from(first) << 8 | u16::from(cursor.u8()?) };
    match protocol {
        0x0021 => ip::v4(decoder, env, cursor.rest(), sink),
        0x0057 => ip::v6(decoder, env, cursor.rest(), sink),
        0x0281 | 0x0283 => mpls(decoder, env, cursor, sink),
        _ => Some(()),
    }
}

fn radiotap(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let mut cursor = Cursor::new(data);
    cursor.skip(2)?;
    let length = usize::from(cursor.le16()?);
    let present = cursor.le32()?;
    let mut word = present;
    while word & 0x8000_0000 != 0 {
        word = cursor.le32()?;
    }
    // the flags byte, after an aligned time stamp if there is one, says whether a checksum ends the frame
    let used = data.len() - cursor.len();
    let flags_at = if present & 1 != 0 { used.next_multiple_of(8) + 8 } else { used };
    let fcs = present & 2 != 0 && data.get(flags_at).is_some_and(|f| f & 0x10 != 0);
    wireless(decoder, env, data.get(length..)?, if fcs { 4 } else { 0 }, sink)
}

fn ppi(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let mut cursor = Cursor::new(data);
    cursor.skip(2)?;
    let length = usize::from(cursor.le16()?);
    let kind = cursor.le32()?;
    env.deeper()?;
    frame(decoder, LinkType(u16::try_from(kind).ok().filter(|k| *k != 192)?), env, data.get(length..)?, sink);
    Some(())
}

/// IEEE 802.11 data frames that are not encrypted.
fn wireless(decoder: &mut Decoder, env: &mut Env, data: &[u8], fcs: usize, sink: &mut dyn Sink) -> Option<()> {
    let data = data.get(..data.len().checked_sub(fcs)?)?;
    let mut cursor = Cursor::new(data);
    let (control, flags) = (cursor.u8()?, cursor.u8()?);
    let data_frame = control & 0x0c == 0x08 && control & 0x40 == 0; // the last: no payload
    if !data_frame || flags & 0x40 != 0 || control & 0x03 != 0 {
        return Some(());
    }
    cursor.skip(2)?;
    let addresses: [Mac; 3] = [cursor.array()?, cursor.array()?, cursor.array()?];
    cursor.skip(2)?;
    let [first, second, third] = addresses;
    env.macs = Some(match flags & 3 {
        0 => [second, first],
        1 => [second, third],
        2 => [third, first],
        _ => [cursor.array()?, third],
    });
    if control & 0x80 != 0 {
        let quality = cursor.le16()?;
        if flags & 0x80 != 0 {
            cursor.skip(4)?;
        }
        if quality & 0x80 != 0 {
            return Some(()); // several frames in one
        }
    }
    llc(decoder, env, cursor.rest(), sink)
}

pub(super) fn wireless_payload(decoder: &mut Decoder, env: &mut Env, data: &[u8], sink: &mut dyn Sink) -> Option<()> {
    wireless(decoder, env, data, 0, sink)
}

/// Netfilter's log: the packet is one of the attributes.
fn nflog(decoder: &mut Decoder, env: &mut Env, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Option<()> {
    cursor.skip(4)?;
    while !cursor.is_empty() {
        let length = usize::from(cursor.le16()?);
        let kind = cursor.le16()?;
        let value = cursor.take(length.checked_sub(4)?)?;
        if kind == 9 {
            return bare_ip(decoder, env, value, sink);
        }
        cursor.up_to(length.next_multiple_of(4) - length);
    }
    Some(())
}

fn arp(env: &Env, mut cursor: Cursor<'_>, sink: &mut dyn Sink) -> Option<()> {
    let (hardware, protocol) = (cursor.u16()?, cursor.u16()?);
    let (long, short) = (cursor.u8()?, cursor.u8()?);
    let operation = cursor.u16()?;
    if (hardware, protocol, long, short) == (1, 0x0800, 6, 4) {
        let sender = (cursor.array()?, cursor.array::<4>()?.into());
        let target = (cursor.array()?, cursor.array::<4>()?.into());
        sink.arp(env, &Arp { operation, sender, target });
    }
    Some(())
}
