//! Which flows a frame belongs to: those of a tunnel and of what is in it; all fragments of a datagram to the flow that its ports name.

use std::{hash::Hash, net::IpAddr};

use base64::Engine as _;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::tap::{
    decode::{Arp, Datagram, Decoder, Env, Problem, Sink, Tunnel, fragments::Fragment, ip, link::LinkType},
    flow::community,
};

/// Datagrams in pieces that are remembered.
const MAX_PIECES: usize = 4096;
/// Frames of one datagram in pieces that are remembered.
const MAX_PLACES: usize = 64;
/// How long a datagram in pieces is remembered, nanoseconds.
const PIECES_AGE: i64 = 30_000_000_000;

/// The name of a flow in indexes: what a community id encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowName(pub(crate) [u8; 20]);

impl FlowName {
    /// Reads a community id of version 1.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.strip_prefix("1:")?).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The flow between two ends; `protocol` by its number.
    pub fn of(protocol: u8, source: (IpAddr, u16), destination: (IpAddr, u16)) -> Self {
        Tuple::new(protocol, source, destination).name()
    }
}

/// Both ends of a flow, whichever sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tuple {
    protocol: u8,
    ends: [(IpAddr, u16); 2],
    one_way: bool,
}

impl Tuple {
    fn new(protocol: u8, source: (IpAddr, u16), destination: (IpAddr, u16)) -> Self {
        let icmp = matches!(protocol, ip::ICMP | ip::ICMP6);
        let one_way = icmp && community::icmp_answer(protocol, source.1 as u8).is_none();
        let ends = if source > destination && !one_way { [destination, source] } else { [source, destination] };
        Self { protocol, ends, one_way }
    }

    fn of(datagram: &Datagram<'_>) -> Self {
        let head = datagram.payload.first_chunk::<4>().copied();
        let (source, destination) = match (datagram.protocol, head) {
            (ip::TCP | ip::UDP | ip::SCTP, Some([a, b, c, d])) => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
            (ip::ICMP | ip::ICMP6, Some([kind, code, ..])) => {
                let answer = community::icmp_answer(datagram.protocol, kind);
                (u16::from(kind), u16::from(answer.unwrap_or(code)))
            }
            _ => (0, 0),
        };
        Self::new(datagram.protocol, (datagram.source, source), (datagram.destination, destination))
    }

    pub(super) fn name(&self) -> FlowName {
        let [(from, a), (to, b)] = self.ends;
        let ports = matches!(self.protocol, ip::TCP | ip::UDP | ip::SCTP | ip::ICMP | ip::ICMP6).then_some((a, b));
        FlowName(community::digest(self.protocol, from, to, ports, self.one_way))
    }
}

/// The flows of a frame, that of a tunnel before what is in it.
pub(super) type Tuples = SmallVec<[Tuple; 2]>;

/// What is remembered for a while: twice as many at the most, the longest unused forgotten first.
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
    age: i64,
    since: i64,
}

impl<K: Hash + Eq, V: Default> Recent<K, V> {
    pub(super) fn new(most: usize, age: i64) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), most, age, since: i64::MIN }
    }

    pub(super) fn at(&mut self, now: i64, key: K) -> &mut V {
        if self.young.len() >= self.most || now.saturating_sub(self.since) > self.age {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
        let before = self.old.remove(&key);
        let value = self.young.entry(key).or_default();
        if let Some(before) = before {
            *value = before;
        }
        value
    }
}

type PieceKey = (IpAddr, IpAddr, u32, u8);

/// A datagram that came in pieces.
struct Pieces<P> {
    flows: Tuples,
    places: Vec<P>,
}

impl<P> Default for Pieces<P> {
    fn default() -> Self {
        Self { flows: Tuples::new(), places: Vec::new() }
    }
}

/// Names frames; `P` says where a frame is, for pieces whose flow turns out later.
pub(super) struct Namer<P> {
    decoder: Decoder,
    pieces: Recent<PieceKey, Pieces<P>>,
}

#[derive(Default)]
struct Collected {
    flows: Tuples,
    pieces: SmallVec<[PieceKey; 1]>,
}

impl Collected {
    fn add(flows: &mut Tuples, tuple: Tuple) -> bool {
        let new = !flows.contains(&tuple);
        if new {
            flows.push(tuple);
        }
        new
    }
}

impl Sink for Collected {
    fn datagram(&mut self, _: &Env, datagram: &Datagram<'_>) {
        Self::add(&mut self.flows, Tuple::of(datagram));
    }

    fn fragment(&mut self, part: &Datagram<'_>, at: Fragment) {
        // behind the first piece of IPv6 there may be more headers: the whole datagram tells then
        let known = matches!(part.protocol, ip::TCP | ip::UDP | ip::SCTP | ip::ICMP | ip::ICMP6) && part.payload.len() >= 4;
        if at.offset == 0 && known {
            Self::add(&mut self.flows, Tuple::of(part));
        }
        self.pieces.push((part.source, part.destination, at.id, if part.source.is_ipv4() { part.protocol } else { 0 }));
    }

    fn arp(&mut self, _: &Env, _: &Arp) {}
    fn tunnel(&mut self, _: &Env, _: &Tunnel) {}
    fn problem(&mut self, _: Problem) {}
}

impl<P: Copy> Namer<P> {
    pub(super) fn new() -> Self {
        Self { decoder: Decoder::default(), pieces: Recent::new(MAX_PIECES, PIECES_AGE) }
    }

    /// The flows of a frame. `late` is told of earlier frames that turn out to be pieces of one.
    pub(super) fn name(&mut self, link: LinkType, at: i64, data: &[u8], place: P, mut late: impl FnMut(P, Tuple)) -> Tuples {
        let mut seen = Collected::default();
        self.decoder.frame(link, at, data.len() as u32, data, &mut seen);
        for key in seen.pieces {
            let known = self.pieces.at(at, key);
            for tuple in &seen.flows {
                if Collected::add(&mut known.flows, *tuple) {
                    known.places.iter().for_each(|place| late(*place, *tuple));
                }
            }
            for tuple in &known.flows {
                Collected::add(&mut seen.flows, *tuple);
            }
            if known.places.len() < MAX_PLACES {
                known.places.push(place);
            }
        }
        seen.flows
    }
}
