//! The frames of one interface to several threads, so that whatever two addresses say to each other meets in one of them.
//!
//! Both directions and all fragments go the same way because only the two addresses decide. Of a mirror that is tunnelled here it
//! is the addresses inside: the kernel's own fanout sees the tunnel's ends, and all of the traffic would go to one thread.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::capture::Frame;
use crate::tap::{cursor::Cursor, decode::link::LinkType};

/// Bytes of frames that travel together.
const BATCH: usize = 256 << 10;
/// Frames that travel together.
const BATCH_FRAMES: usize = 2048;
/// Batches that may wait for one thread: 16 MiB.
const WAITING: usize = 64;

/// Frames for one thread.
#[derive(Default)]
pub(super) struct Batch {
    link: Option<LinkType>,
    bytes: Vec<u8>,
    frames: Vec<(i64, u32, u32)>,
}

impl Batch {
    pub(super) fn push(&mut self, frame: Frame<'_>) {
        self.link = Some(frame.link);
        self.bytes.extend_from_slice(frame.data);
        self.frames.push((frame.at, frame.wire, frame.data.len() as u32));
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH || self.frames.len() >= BATCH_FRAMES
    }

    /// How many frames there are.
    pub(super) fn len(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Hands over every frame.
    pub(super) fn each(&self, mut take: impl FnMut(Frame<'_>)) {
        let Some(link) = self.link else { return };
        let mut rest = self.bytes.as_slice();
        for &(at, wire, length) in &self.frames {
            let Some((data, after)) = rest.split_at_checked(length as usize) else { return };
            take(Frame { link, at, wire, data });
            rest = after;
        }
    }
}

/// The way to the threads.
pub(super) struct Spread {
    lanes: Vec<(SyncSender<Batch>, Batch)>,
    /// Frames that a thread could not take, since it was asked last.
    dropped: u64,
}

impl Spread {
    /// To as many threads; what each receives.
    pub(super) fn new(threads: u16) -> (Self, Vec<Receiver<Batch>>) {
        let (lanes, receivers) = (0..threads)
            .map(|_| {
                let (send, receive) = sync_channel(WAITING);
                ((send, Batch::default()), receive)
            })
            .unzip();
        (Self { lanes, dropped: 0 }, receivers)
    }

    pub(super) fn frame(&mut self, frame: Frame<'_>) {
        let count = self.lanes.len().max(1) as u64;
        let Some((to, batch)) = self.lanes.get_mut((steer(frame.link, frame.data) % count) as usize) else { return };
        batch.push(frame);
        if batch.is_full() {
            send(to, batch, &mut self.dropped);
        }
    }

    /// Sends what waits for company.
    pub(super) fn flush(&mut self) {
        for (to, batch) in &mut self.lanes {
            send(to, batch, &mut self.dropped);
        }
    }

    /// Frames dropped since the last call.
    pub(super) fn dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

fn send(to: &SyncSender<Batch>, batch: &mut Batch, dropped: &mut u64) {
    if batch.len() == 0 {
        return;
    }
    if let Err(TrySendError::Full(lost) | TrySendError::Disconnected(lost)) = to.try_send(std::mem::take(batch)) {
        *dropped += lost.len();
    }
}

/// A number that both directions of a conversation share.
fn steer(link: LinkType, data: &[u8]) -> u64 {
    let found = match link {
        LinkType::ETHERNET => ethernet(data, 0),
        LinkType::RAW | LinkType(12) => network(data, 0),
        _ => None,
    };
    // what has no addresses (ARP, spanning tree) is little and goes to the first
    found.map_or(0, |sum| sum.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32)
}

/// Tunnels within each other that are looked into.
const DEPTH: u8 = 3;

fn ethernet(data: &[u8], depth: u8) -> Option<u64> {
    let mut cursor = Cursor::new(data);
    cursor.skip(12)?;
    let mut kind = cursor.u16()?;
    while matches!(kind, 0x8100 | 0x88a8 | 0x9100) {
        cursor.skip(2)?;
        kind = cursor.u16()?;
    }
    match kind {
        0x0800 | 0x86dd => network(cursor.rest(), depth),
        0x8847 | 0x8848 => {
            while cursor.u32()? & 0x100 == 0 {}
            network(cursor.rest(), depth)
        }
        _ => None,
    }
}

fn network(data: &[u8], depth: u8) -> Option<u64> {
    let (own, protocol, inner) = match data.first()? >> 4 {
        4 => {
            let [a, b, c, d] = *data.get(12..)?.first_chunk::<4>()?;
            let [e, f, g, h] = *data.get(16..)?.first_chunk::<4>()?;
            let fragment = data.get(6)? & 0x3f != 0 || *data.get(7)? != 0;
            let own = u64::from(u32::from_be_bytes([a, b, c, d])) + u64::from(u32::from_be_bytes([e, f, g, h]));
            (own, if fragment { 0 } else { *data.get(9)? }, data.get(usize::from(data.first()? & 15) * 4..)?)
        }
        6 => {
            let words = data.get(8..40)?.chunks_exact(8);
            let own = words.fold(0u64, |sum, w| sum.wrapping_add(u64::from_be_bytes(w.first_chunk().copied().unwrap_or_default())));
            (own, *data.get(6)?, data.get(40..)?)
        }
        _ => return None,
    };
    let within = if depth >= DEPTH { None } else { tunnelled(protocol, inner, depth + 1) };
    Some(within.unwrap_or(own))
}

/// What is inside ERSPAN, GRE, VXLAN or GENEVE.
fn tunnelled(protocol: u8, data: &[u8], depth: u8) -> Option<u64> {
    let mut cursor = Cursor::new(data);
    match protocol {
        47 => {
            let (flags, kind) = (cursor.u16()?, cursor.u16()?);
            if flags & 7 != 0 {
                return None;
            }
            for bit in [0x8000, 0x2000, 0x1000] {
                if flags & bit != 0 {
                    cursor.skip(4)?;
                }
            }
            match kind {
                0x0800 | 0x86dd => network(cursor.rest(), depth),
                0x6558 => ethernet(cursor.rest(), depth),
                // type I has no header of its own, type II comes with a sequence number
                0x88be => {
                    cursor.skip(if flags & 0x1000 != 0 { 8 } else { 0 })?;
                    ethernet(cursor.rest(), depth)
                }
                0x22eb => {
                    let head = cursor.rest().get(..12)?;
                    let more = if head.get(11)? & 1 != 0 { 8 } else { 0 };
                    cursor.skip(12 + more)?;
                    ethernet(cursor.rest(), depth)
                }
                _ => None,
            }
        }
        17 => {
            cursor.skip(2)?;
            let port = cursor.u16()?;
            cursor.skip(4)?;
            match port {
                4789 | 8472 => {
                    cursor.skip(8)?;
                    ethernet(cursor.rest(), depth)
                }
                6081 => {
                    let options = usize::from(cursor.u8()? & 0x3f) * 4;
                    cursor.skip(7 + options)?;
                    ethernet(cursor.rest(), depth)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{LinkType, steer};

    fn ip(source: u8, destination: u8, protocol: u8, fragment: u8, inner: &[u8]) -> Vec<u8> {
        let mut out = vec![0x45, 0, 0, 0, 0, 0, 0, fragment, 64, protocol, 0, 0, 10, 0, 0, source, 10, 0, 0, destination];
        out.extend(inner);
        out
    }

    fn frame(inner: &[u8]) -> Vec<u8> {
        [&[0; 12][..], &[8, 0], inner].concat()
    }

    #[test]
    fn what_two_addresses_say_meets_whatever_it_comes_in() {
        let there = frame(&ip(1, 2, 6, 0, &[0x30, 0x39, 0, 80]));
        let plain = steer(LinkType::ETHERNET, &there);
        let tagged = [&[0; 12][..], &[0x81, 0, 0, 5, 8, 0], &ip(2, 1, 17, 0, &[0, 53, 1, 1])].concat();
        let erspan2 = frame(&ip(7, 8, 47, 0, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1][..], &[0; 8], &there].concat()));
        let vxlan = frame(&ip(9, 8, 17, 0, &[&[1, 1, 0x12, 0xb5, 0, 0, 0, 0][..], &[8, 0, 0, 0, 0, 0, 5, 0], &there].concat()));
        let geneve =
            frame(&ip(9, 8, 17, 0, &[&[1, 1, 0x17, 0xc1, 0, 0, 0, 0][..], &[1, 0, 0x65, 0x58, 0, 0, 5, 0, 9, 9, 9, 9], &there].concat()));
        for same in [frame(&ip(2, 1, 6, 0, &[0, 80, 0x30, 0x39])), frame(&ip(1, 2, 6, 9, &[])), tagged, erspan2, vxlan, geneve] {
            assert_eq!(steer(LinkType::ETHERNET, &same), plain, "{same:02x?}");
        }
        let threads: std::collections::BTreeSet<u64> =
            (0..50).map(|n| steer(LinkType::ETHERNET, &frame(&ip(n, 200, 6, 0, &[]))) % 4).collect();
        assert_eq!(threads.len(), 4, "all threads get something");
        for cut in 0..there.len() {
            steer(LinkType::ETHERNET, &there[..cut]);
        }
    }
}
