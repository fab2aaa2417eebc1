//! Community ID, version 1: one name for a flow in every tool (https://github.com/corelight/community-id-spec).

use std::net::IpAddr;

use base64::Engine as _;
use sha1::{Digest as _, Sha1};

use crate::tap::decode::ip;

/// What an ICMP message is answered with, by type: such pairs are one flow.
const ICMP4_PAIRS: [(u8, u8); 10] = [(8, 0), (0, 8), (13, 14), (14, 13), (15, 16), (16, 15), (10, 9), (9, 10), (17, 18), (18, 17)];
const ICMP6_PAIRS: [(u8, u8); 14] = [
    (128, 129),
    (129, 128),
    (133, 134),
    (134, 133),
    (135, 136),
    (136, 135),
    (130, 131),
    (131, 130),
    (144, 145),
    (145, 144),
    (139, 140),
    (140, 139),
    (146, 147),
    (147, 146),
];

/// The type that answers this one, or `None` when it goes one way only.
pub(crate) fn icmp_answer(protocol: u8, kind: u8) -> Option<u8> {
    let pairs: &[(u8, u8)] = if protocol == ip::ICMP { &ICMP4_PAIRS } else { &ICMP6_PAIRS };
    pairs.iter().find(|(asked, _)| *asked == kind).map(|(_, answer)| *answer)
}

/// The id of a flow. `ports` of ICMP are type and answering type (or code, when `one_way`).
pub(crate) fn id(protocol: u8, source: IpAddr, destination: IpAddr, ports: Option<(u16, u16)>, one_way: bool) -> String {
    let mut out = String::with_capacity(30);
    out.push_str("1:");
    base64::engine::general_purpose::STANDARD.encode_string(digest(protocol, source, destination, ports, one_way), &mut out);
    out
}

/// What the id of a flow encodes.
pub(crate) fn digest(protocol: u8, source: IpAddr, destination: IpAddr, ports: Option<(u16, u16)>, one_way: bool) -> [u8; 20] {
    let (mut from, mut to) = ((octets(source), ports.map(|p| p.0)), (octets(destination), ports.map(|p| p.1)));
    if from > to && !one_way {
        std::mem::swap(&mut from, &mut to);
    }
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    hash.update(&from.0);
    hash.update(&to.0);
    hash.update([protocol, 0]);
    if let (Some(a), Some(b)) = (from.1, to.1) {
        hash.update(a.to_be_bytes());
        hash.update(b.to_be_bytes());
    }
    hash.finalize().into()
}

fn octets(ip: IpAddr) -> smallvec::SmallVec<[u8; 16]> {
    match ip {
        IpAddr::V4(v) => smallvec::SmallVec::from_slice(&v.octets()),
        IpAddr::V6(v) => smallvec::SmallVec::from_slice(&v.octets()),
    }
}
