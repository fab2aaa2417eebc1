//! The TCP streams of the real traces, cut and ordered anew: whatever protocol they speak, what is found in them stays the same.

use std::collections::BTreeMap;

use crate::kit::{self, Segment};

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

/// What both ends of a connection said, from its beginning to its end without a hole.
#[derive(Default)]
struct Streams {
    isn: [Option<u32>; 2],
    parts: [BTreeMap<u32, Vec<u8>>; 2],
    port: u16,
}

impl Streams {
    fn whole(&self, side: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for (place, bytes) in &self.parts[side] {
            let skip = out.len().checked_sub(*place as usize)?;
            out.extend(bytes.get(skip..).unwrap_or_default());
        }
        Some(out)
    }
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from(be16(bytes, at)) << 16 | u32::from(be16(bytes, at + 2))
}

/// TCP in IP in Ethernet or alone, as far as a test needs it: addresses with ports, and the segment.
fn tcp(link: u16, data: &[u8]) -> Option<(Vec<u8>, Vec<u8>, &[u8])> {
    let ip = match link {
        1 if matches!(data.get(12..14)?, [8, 0] | [0x86, 0xdd]) => data.get(14..)?,
        101 | 228 | 229 | 12 => data,
        0 => data.get(4..)?,
        _ => return None,
    };
    let (from, to, segment) = match ip.first()? >> 4 {
        4 if ip.get(9)? == &6 => {
            let head = usize::from(ip[0] & 15) * 4;
            let total = usize::from(be16(ip, 2));
            (ip.get(12..16)?.to_vec(), ip.get(16..20)?.to_vec(), ip.get(head..if total == 0 { ip.len() } else { total })?)
        }
        6 if ip.get(6)? == &6 => (ip.get(8..24)?.to_vec(), ip.get(24..40)?.to_vec(), ip.get(40..40 + usize::from(be16(ip, 4)))?),
        _ => return None,
    };
    segment.get(20)?;
    let end = |address: Vec<u8>, at: usize| [address, segment[at..at + 2].to_vec()].concat();
    Some((end(from, 0), end(to, 2), segment))
}

/// The connections of a trace that began and have no holes.
fn streams(path: &std::path::Path) -> Vec<(u16, Vec<u8>, Vec<u8>)> {
    let mut file = fansipan_collector::tap::files::CaptureFile::open(path).expect("a capture");
    let mut all: BTreeMap<[Vec<u8>; 2], Streams> = BTreeMap::new();
    while let Some(packet) = file.next_packet() {
        let Some((from, to, segment)) = tcp(packet.link.0, packet.data) else { continue };
        let (sequence, flags) = (be32(segment, 4), segment[13]);
        let (key, side) = if all.contains_key(&[to.clone(), from.clone()]) { ([to, from], 1) } else { ([from, to], 0) };
        if side == 0 && flags & SYN != 0 && flags & ACK == 0 {
            all.entry(key.clone()).or_default().port = be16(segment, 2);
        }
        let Some(one) = all.get_mut(&key) else { continue };
        if flags & SYN != 0 {
            one.isn[side].get_or_insert(sequence.wrapping_add(1));
        }
        let body = segment.get(usize::from(segment[12] >> 4) * 4..).unwrap_or_default();
        let place = one.isn[side].map(|isn| sequence.wrapping_sub(isn)).filter(|p| *p < 1 << 24);
        if let Some(place) = place.filter(|_| !body.is_empty()) {
            one.parts[side].entry(place).or_insert_with(|| body.to_vec());
        }
    }
    all.into_values().filter_map(|s| Some((s.port, s.whole(0)?, s.whole(1)?))).filter(|(_, a, b)| !a.is_empty() || !b.is_empty()).collect()
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) as usize
    }
}

fn cut(client: bool, bytes: &[u8], random: &mut Random, cuts: usize) -> Vec<Segment> {
    let mut places = vec![0, bytes.len()];
    places.extend((0..cuts).map(|_| random.next() % (bytes.len() + 1)));
    // a packet holds no more
    places.extend((0..bytes.len()).step_by(60_000));
    places.sort_unstable();
    places.dedup();
    places.windows(2).map(|w| Segment { client, offset: w[0] as u32, flags: ACK, bytes: bytes[w[0]..w[1]].to_vec() }).collect()
}

/// Everything but the flow, in an order of its own: who is read first is not what is compared.
fn found(port: u16, mut middle: Vec<Segment>, sizes: (usize, usize)) -> Vec<String> {
    let bare = |client, offset: usize, flags| Segment { client, offset: offset as u32, flags, bytes: Vec::new() };
    let mut all = vec![bare(true, 0, SYN), bare(false, 0, SYN | ACK)];
    all.append(&mut middle);
    all.push(bare(true, sizes.0, FIN | ACK));
    all.push(bare(false, sizes.1, FIN | ACK));
    let events = kit::events(&all.iter().map(|s| s.packet_to(port)).collect::<Vec<_>>());
    let mut out: Vec<String> = events.iter().filter(|e| e["event.dataset"] != "network.flow").map(ToString::to_string).collect();
    out.sort();
    out
}

/// The first words of the client come within the first 8 KiB of the server: they are not waited for much longer.
fn soon(parts: &mut Vec<Segment>) {
    let first = |s: &Segment| s.client && s.offset < 256;
    let last = parts.iter().rposition(first).unwrap_or(0);
    let before: usize = parts[..last].iter().filter(|s| !s.client).map(|s| s.bytes.len()).sum();
    if before > 8192 {
        parts.sort_by_key(|s| !first(s));
    }
}

fn difference(path: &std::path::Path, at: usize, round: usize, got: &[String], expected: &[String]) -> String {
    let only = |one: &[String], other: &[String]| one.iter().filter(|e| !other.contains(e)).cloned().collect::<Vec<_>>().join("\n    ");
    let (more, less) = (only(got, expected), only(expected, got));
    format!("{} connection {at}, round {round}\n  cut:   {more}\n  whole: {less}", path.display())
}

#[test]
fn real_streams_mean_the_same_however_they_are_cut() {
    let Some(folder) = kit::traces() else { return };
    let rounds = if std::env::var_os("FANSIPAN_SOAK").is_some() { 500 } else { 6 };
    let mut faults = Vec::new();
    let (mut tried, mut protocols) = (0, std::collections::BTreeSet::new());
    for path in kit::captures(&folder) {
        for (at, (port, client, server)) in streams(&path).into_iter().enumerate() {
            let sizes = (client.len(), server.len());
            let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (at as u64 + 1));
            let whole = |random: &mut Random| [cut(true, &client, random, 0), cut(false, &server, random, 0)].concat();
            let expected = found(port, whole(&mut random), sizes);
            protocols
                .extend(expected.iter().filter_map(|e| e.split("network.").nth(1).and_then(|d| d.split('"').next()).map(str::to_owned)));
            for round in 0..rounds {
                let cuts = [1, 7, 40][round % 3];
                let mut parts = [cut(true, &client, &mut random, cuts), cut(false, &server, &mut random, cuts)].concat();
                if round > 0 {
                    parts.sort_by_cached_key(|_| random.next());
                    soon(&mut parts);
                }
                let got = found(port, parts, sizes);
                tried += 1;
                if got != expected {
                    faults.push(difference(&path, at, round, &got, &expected));
                    break;
                }
            }
        }
    }
    println!("{tried} connections cut anew, {protocols:?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(protocols.len() >= 12, "{protocols:?}");
}
