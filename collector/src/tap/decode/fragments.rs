//! Fragments become datagrams. Where fragments overlap, what came first is kept and a difference is counted.

use std::{collections::VecDeque, net::IpAddr};

use hashbrown::HashMap;

use super::{Datagram, Problem, Sink};

/// A datagram cannot be longer.
const MAX_LENGTH: usize = 65_535;
/// Datagrams that wait for fragments.
const MAX_OPEN: usize = 4096;
/// Bytes held for all of them.
const MAX_BYTES: usize = 64 << 20;
/// Pieces of one datagram.
const MAX_PIECES: u32 = 8192;
/// How long a datagram waits, nanoseconds.
const PATIENCE: i64 = 30_000_000_000;

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) id: u32,
    pub(crate) offset: usize,
    pub(crate) more: bool,
}

/// A datagram put together.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    pub(crate) protocol: u8,
    pub(crate) packets: u32,
    pub(crate) wire: u32,
    pub(crate) ip_bytes: u32,
}

type Key = (IpAddr, IpAddr, u32, u8);

#[derive(Debug, Default)]
struct Open {
    whole: Whole,
    /// Parts of `whole.bytes` that are there: sorted, apart from each other.
    have: Vec<(usize, usize)>,
    total: Option<usize>,
    began: i64,
    serial: u64,
}

/// The datagrams that wait for fragments.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    open: HashMap<Key, Open>,
    /// Oldest first; entries whose datagram is done are passed over.
    order: VecDeque<(Key, u64)>,
    bytes: usize,
    serial: u64,
}

impl Fragments {
    /// Adds a fragment; gives the datagram when it was the last one missing.
    pub(crate) fn add(&mut self, at: i64, part: &Datagram<'_>, place: Fragment, sink: &mut dyn Sink) -> Option<Whole> {
        self.expire(at, sink);
        let end = place.offset + part.payload.len();
        let cut = part.payload.len() < part.length;
        let uneven = place.more && !part.payload.len().is_multiple_of(8);
        if end > MAX_LENGTH || part.payload.is_empty() || cut || uneven {
            sink.problem(Problem::FragmentMalformed);
            return None;
        }
        // the protocol of IPv6 fragments after the first may say anything: it is no part of the key there
        let key = (part.source, part.destination, place.id, if part.source.is_ipv4() { part.protocol } else { 0 });
        if !self.open.contains_key(&key) {
            self.serial += 1;
            self.order.push_back((key, self.serial));
            self.open.insert(key, Open { began: at, serial: self.serial, ..Open::default() });
        }
        let open = self.open.get_mut(&key)?;
        let before = open.whole.bytes.len();
        if open.add(part, place, end, sink).is_none() {
            sink.problem(Problem::FragmentMalformed);
        }
        self.bytes += open.whole.bytes.len() - before;
        let done = open.total.is_some_and(|total| open.have.as_slice() == [(0, total)]);
        if !done {
            return None;
        }
        let open = self.open.remove(&key)?;
        self.bytes -= open.whole.bytes.len();
        Some(open.whole)
    }

    /// Gives up on what waits too long or is too much.
    fn expire(&mut self, at: i64, sink: &mut dyn Sink) {
        while let Some(&(key, serial)) = self.order.front() {
            let open = self.open.get(&key).filter(|o| o.serial == serial);
            if let Some(open) = open {
                let keep = at.saturating_sub(open.began) < PATIENCE && self.open.len() < MAX_OPEN && self.bytes < MAX_BYTES;
                if keep {
                    return;
                }
                self.bytes -= open.whole.bytes.len();
                self.open.remove(&key);
                sink.problem(Problem::FragmentMissing);
            }
            self.order.pop_front();
        }
    }

    /// How many datagrams never became whole.
    pub(crate) fn waiting(&self) -> usize {
        self.open.len()
    }
}

impl Open {
    fn add(&mut self, part: &Datagram<'_>, place: Fragment, end: usize, sink: &mut dyn Sink) -> Option<()> {
        let whole = &mut self.whole;
        if whole.packets >= MAX_PIECES {
            return None;
        }
        whole.packets += 1;
        whole.wire = whole.wire.saturating_add(part.wire);
        whole.ip_bytes = whole.ip_bytes.saturating_add(part.ip_bytes);
        if place.offset == 0 {
            whole.protocol = part.protocol;
        }
        if !place.more {
            if self.total.is_some_and(|t| t != end) || whole.bytes.len() > end {
                return None;
            }
            self.total = Some(end);
        } else if self.total.is_some_and(|t| end > t) {
            return None;
        }
        if whole.bytes.len() < end {
            whole.bytes.resize(end, 0);
        }
        // what is there already stays: only the holes are filled
        let mut differs = false;
        let mut at = place.offset;
        for &(from, to) in self.have.iter().filter(|(from, to)| *to > place.offset && *from < end) {
            if at < from {
                copy(&mut whole.bytes, at, part.payload, place.offset, from);
            }
            let (a, b) = (from.max(place.offset), to.min(end));
            differs |= whole.bytes.get(a..b) != part.payload.get(a - place.offset..b - place.offset);
            at = at.max(to);
        }
        if at < end {
            copy(&mut whole.bytes, at, part.payload, place.offset, end);
        }
        if differs {
            sink.problem(Problem::FragmentOverlap);
        }
        merge(&mut self.have, place.offset, end);
        Some(())
    }
}

fn copy(into: &mut [u8], from: usize, payload: &[u8], offset: usize, to: usize) {
    if let (Some(into), Some(part)) = (into.get_mut(from..to), payload.get(from - offset..to - offset)) {
        into.copy_from_slice(part);
    }
}

fn merge(have: &mut Vec<(usize, usize)>, mut from: usize, mut to: usize) {
    have.retain(|&(a, b)| {
        let apart = b < from || a > to;
        if !apart {
            from = from.min(a);
            to = to.max(b);
        }
        apart
    });
    let at = have.partition_point(|&(a, _)| a < from);
    have.insert(at, (from, to));
}
