//! Mixed traffic as Ethernet frames in memory: thousands of flows at once, their packets mixed, addresses varied.

use std::{collections::BTreeMap, io::Write};

use anyhow::Result;

use super::talk::{KINDS, Kind, POOL, Said, talk};
use crate::generate::Rng;

/// Flows that go on at the same time.
const ACTIVE: usize = 3000;
/// Sizes of segments: the paths of a province are not all alike.
const SEGMENTS: [usize; 4] = [1024, 1380, 1448, 1448];

/// Frames in memory.
#[derive(Default)]
pub(super) struct Capture {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Frames and bytes by protocol.
    pub(super) shares: BTreeMap<Kind, (u64, u64, u64)>,
}

impl Capture {
    /// At least as many bytes.
    pub(super) fn generate(bytes: usize, seed: u64) -> Self {
        let mut random = Rng::new(seed);
        let pool = pool(&mut random);
        let mut this = Self { bytes: Vec::with_capacity(bytes + (1 << 21)), ..Self::default() };
        let mut active: Vec<Flow> = (0..ACTIVE).map(|_| Flow::new(&mut random, &pool)).collect();
        while this.bytes.len() < bytes {
            let at = random.below(ACTIVE as u64) as usize;
            let Some(flow) = active.get_mut(at) else { break };
            let before = this.bytes.len();
            let goes_on = flow.frame(&mut this.bytes);
            let share = this.shares.entry(flow.kind).or_default();
            if this.bytes.len() > before {
                share.0 += 1;
                share.1 += (this.bytes.len() - before) as u64;
                this.ends.push(this.bytes.len());
            }
            if !goes_on {
                share.2 += 1;
                *flow = Flow::new(&mut random, &pool);
            }
        }
        this
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends.iter().filter_map(move |&to| self.bytes.get(std::mem::replace(&mut from, to)..to))
    }

    /// The beginning as a pcap file; bytes of frames written.
    pub(super) fn write(&self, out: &mut dyn Write, bytes: usize) -> Result<(u64, usize)> {
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        let (mut frames, mut written) = (0, 0);
        for frame in self.frames() {
            let at = super::BEGIN + frames as i64 * super::STEP;
            for word in [(at / 1_000_000_000) as u32, (at % 1_000_000_000) as u32, frame.len() as u32, frame.len() as u32] {
                out.write_all(&word.to_le_bytes())?;
            }
            out.write_all(frame)?;
            frames += 1;
            written += frame.len();
            if written >= bytes {
                break;
            }
        }
        out.flush()?;
        Ok((frames, written))
    }
}

/// Half text, half random bytes.
fn pool(random: &mut Rng) -> Vec<u8> {
    let mut pool = Vec::with_capacity(POOL);
    while pool.len() < POOL / 2 {
        pool.extend(format!("<p>Ban tin so {} cua tinh, {} luot xem</p>\n", random.below(100_000), random.below(9999)).as_bytes());
    }
    while pool.len() < POOL {
        pool.extend(random.next_u64().to_le_bytes());
    }
    pool.truncate(POOL);
    pool
}

struct Flow {
    kind: Kind,
    client: ([u8; 4], u16),
    server: ([u8; 4], u16),
    segment: usize,
    sequence: [u32; 2],
    said: std::vec::IntoIter<Said>,
    now: Option<(Said, usize)>,
    /// Handshake 0–2, talk 3, acknowledgement due 4 (by the client) or 5 (by the server), end 6–8.
    phase: u8,
}

impl Flow {
    fn new(random: &mut Rng, pool: &[u8]) -> Self {
        let mut draw = random.below(1000);
        let kind = KINDS.iter().find(|(_, share)| draw.checked_sub(*share).map(|rest| draw = rest).is_none()).map_or(Kind::Other, |k| k.0);
        let r = random.next_u64().to_le_bytes();
        Self {
            kind,
            client: ([10, r[0] & 31, r[1], r[2]], 1024 + (random.below(64_000) as u16)),
            server: ([if r[3] & 1 == 0 { 10 } else { 203 }, 100 + (r[4] & 15), r[5], r[6]], kind.port()),
            segment: SEGMENTS.get(usize::from(r[7] & 3)).copied().unwrap_or(1448),
            sequence: [random.next_u64() as u32, random.next_u64() as u32],
            said: talk(kind, random, pool).into_iter(),
            now: None,
            phase: if kind.is_udp() { 3 } else { 0 },
        }
    }

    /// Writes the next frame; whether the flow goes on.
    fn frame(&mut self, out: &mut Vec<u8>) -> bool {
        if self.kind.is_udp() {
            let Some(said) = self.said.next() else { return false };
            self.udp(said.client, &said.bytes, out);
            return true;
        }
        let phase = self.phase;
        match phase {
            0 => self.tcp(true, 2, &[], out),
            1 => self.tcp(false, 0x12, &[], out),
            2 => self.tcp(true, 0x10, &[], out),
            3 => return self.segment(out),
            4 | 5 => {
                self.tcp(phase == 4, 0x10, &[], out);
                self.phase = 3;
                return true;
            }
            6 => self.tcp(true, 0x11, &[], out),
            7 => self.tcp(false, 0x11, &[], out),
            _ => {
                self.tcp(true, 0x10, &[], out);
                return false;
            }
        }
        self.phase += 1;
        true
    }

    /// The next segment of what is said, or the end.
    fn segment(&mut self, out: &mut Vec<u8>) -> bool {
        let Some((said, at)) = self.now.take().or_else(|| self.said.next().map(|said| (said, 0))) else {
            self.phase = 6;
            return self.frame(out);
        };
        let to = (at + self.segment).min(said.bytes.len());
        let part = said.bytes.get(at..to).unwrap_or_default().to_vec();
        self.tcp(said.client, 0x18, &part, out);
        self.phase = if said.client { 5 } else { 4 };
        if to < said.bytes.len() {
            self.now = Some((said, to));
        }
        true
    }

    fn tcp(&mut self, client: bool, flags: u8, payload: &[u8], out: &mut Vec<u8>) {
        let (own, other) = if client { (0, 1) } else { (1, 0) };
        let of = |at: usize| self.sequence.get(at).copied().unwrap_or(0);
        let (sequence, acknowledged) = (of(own), if flags & 0x10 == 0 { 0 } else { of(other) });
        let (from, to) = if client { (self.client, self.server) } else { (self.server, self.client) };
        let mut head = Vec::with_capacity(20 + payload.len());
        for port in [from.1, to.1] {
            head.extend(port.to_be_bytes());
        }
        head.extend(sequence.to_be_bytes());
        head.extend(acknowledged.to_be_bytes());
        head.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        head.extend(payload);
        if let Some(next) = self.sequence.get_mut(own) {
            *next = next.wrapping_add(payload.len() as u32 + u32::from(flags & 3 != 0));
        }
        ip(from.0, to.0, 6, &mut head, 16, out);
    }

    fn udp(&self, client: bool, payload: &[u8], out: &mut Vec<u8>) {
        let (from, to) = if client { (self.client, self.server) } else { (self.server, self.client) };
        let mut head = Vec::with_capacity(8 + payload.len());
        for word in [from.1, to.1, 8 + payload.len() as u16, 0] {
            head.extend(word.to_be_bytes());
        }
        head.extend(payload);
        ip(from.0, to.0, 17, &mut head, 6, out);
    }
}

fn sum(bytes: &[u8], start: u32) -> u32 {
    bytes
        .chunks(2)
        .fold(start, |sum, w| sum + (u32::from(w.first().copied().unwrap_or(0)) << 8 | u32::from(w.get(1).copied().unwrap_or(0))))
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn put(bytes: &mut [u8], at: usize, word: u16) {
    for (to, from) in bytes.iter_mut().skip(at).zip(word.to_be_bytes()) {
        *to = from;
    }
}

/// An Ethernet frame with right checksums; that of the transport is at `at`.
fn ip(source: [u8; 4], destination: [u8; 4], protocol: u8, payload: &mut [u8], at: usize, out: &mut Vec<u8>) {
    let length = payload.len() as u16;
    let pseudo = sum(&source, sum(&destination, u32::from(protocol) + u32::from(length)));
    let checksum = fold(sum(payload, pseudo));
    put(payload, at, checksum);
    let [.., b, c, d] = source;
    let [.., f, g, h] = destination;
    out.extend([2, 0, 1, f, g, h, 2, 0, 0, b, c, d, 8, 0]);
    let mut head = vec![0x45, 0];
    head.extend((20 + length).to_be_bytes());
    head.extend([0, 1, 0x40, 0, 64, protocol, 0, 0]);
    head.extend(source);
    head.extend(destination);
    let checksum = fold(sum(&head, 0));
    put(&mut head, 10, checksum);
    out.extend(head);
    out.extend_from_slice(payload);
}

/// Flow number `n` of very many, alive: a TCP connection with one exchange over HTTP of several headers, or a question over DNS.
pub(super) fn one_of_many(n: u32, each: &mut dyn FnMut(&[u8])) {
    let [a, b, c, d] = n.to_be_bytes();
    let mut random = Rng::new(u64::from(n));
    let said = if n.is_multiple_of(3) {
        talk(Kind::Dns, &mut random, &[]).into_iter().take(2).collect()
    } else {
        vec![
            Said { client: true, bytes: format!("GET /{n} HTTP/1.1\r\nHost: h{c}.example.vn\r\nUser-Agent: x\r\n\r\n").into_bytes() },
            Said { client: false, bytes: b"HTTP/1.1 204 No Content\r\nServer: nginx\r\n\r\n".to_vec() },
        ]
    };
    let kind = if n.is_multiple_of(3) { Kind::Dns } else { Kind::Http };
    let mut flow = Flow {
        kind,
        client: ([10, 64 + a, b, c], 1024 + u16::from(d)),
        server: ([10, 1, 1, 1], kind.port()),
        segment: 1448,
        sequence: [n, !n],
        said: said.into_iter(),
        now: None,
        phase: if kind.is_udp() { 3 } else { 0 },
    };
    let mut out = Vec::with_capacity(512);
    while flow.phase < 6 && flow.frame(&mut out) && flow.phase < 7 {
        each(&out);
        out.clear();
    }
}
