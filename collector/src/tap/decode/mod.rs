//! Frames to datagrams: the link layer, VLAN tags, MPLS, PPPoE, IP with its extension headers, fragments and tunnels.
//!
//! Each datagram goes to a [`Sink`], that of a tunnel before what the tunnel carries. What is cut short is decoded as far as it
//! goes; what makes no sense is counted by reason. No byte of a frame is trusted: every read is checked, nesting is bounded.

pub(crate) mod fragments;
pub(crate) mod ip;
pub mod link;
pub(crate) mod tunnel;

use std::net::IpAddr;

use smallvec::SmallVec;

use fragments::Fragments;
use link::LinkType;

/// Tags, tunnels and headers within one frame.
const MAX_DEPTH: u8 = 24;
/// Tunnels within each other; deeper ones are counted and not entered.
const MAX_TUNNELS: usize = 8;

/// A hardware address.
pub(crate) type Mac = [u8; 6];

/// What a frame suffered; each is a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Problem {
    /// A link-layer header is cut or makes no sense.
    LinkMalformed,
    /// The kind of link or the protocol above it is not one we read.
    LinkUnknown,
    /// An IP header is cut or makes no sense.
    IpMalformed,
    /// The checksum of an IPv4 header is wrong.
    IpChecksum,
    /// Less of a datagram was captured than it says it has.
    IpCut,
    /// A TCP, UDP, SCTP or ICMP header is cut or makes no sense.
    TransportMalformed,
    /// A checksum of TCP, UDP or ICMP is wrong.
    TransportChecksum,
    /// A fragment overlaps another with different bytes; the first is kept.
    FragmentOverlap,
    /// A fragment that can belong to no datagram.
    FragmentMalformed,
    /// Fragments whose datagram never became whole.
    FragmentMissing,
    /// A tunnel header is cut or makes no sense.
    TunnelMalformed,
    /// Tunnels in tunnels beyond the bound.
    TooDeep,
}

impl Problem {
    /// How many there are.
    pub const COUNT: usize = 12;

    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Problem::LinkMalformed => "link_malformed",
            Problem::LinkUnknown => "link_unknown",
            Problem::IpMalformed => "ip_malformed",
            Problem::IpChecksum => "ip_checksum",
            Problem::IpCut => "ip_cut",
            Problem::TransportMalformed => "transport_malformed",
            Problem::TransportChecksum => "transport_checksum",
            Problem::FragmentOverlap => "fragment_overlap",
            Problem::FragmentMalformed => "fragment_malformed",
            Problem::FragmentMissing => "fragment_missing",
            Problem::TunnelMalformed => "tunnel_malformed",
            Problem::TooDeep => "too_deep",
        }
    }

    /// All of them, in the order of their numbers.
    pub const ALL: [Problem; Self::COUNT] = [
        Problem::LinkMalformed,
        Problem::LinkUnknown,
        Problem::IpMalformed,
        Problem::IpChecksum,
        Problem::IpCut,
        Problem::TransportMalformed,
        Problem::TransportChecksum,
        Problem::FragmentOverlap,
        Problem::FragmentMalformed,
        Problem::FragmentMissing,
        Problem::TunnelMalformed,
        Problem::TooDeep,
    ];
}

/// One tunnel a datagram came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tunnel {
    /// `gre`, `vxlan`, `6in4`…
    pub(crate) kind: &'static str,
    /// Network identifier, session, key or TEID.
    pub(crate) id: Option<u32>,
    /// Whether the identifier is the same in both directions and tells networks apart.
    pub(crate) scoped: bool,
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
}

/// What stands around a datagram.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env {
    /// Time of capture, UTC nanoseconds.
    pub(crate) at: i64,
    /// Bytes on the wire from the innermost link layer on.
    pub(crate) wire: u32,
    /// Source and destination.
    pub(crate) macs: Option<[Mac; 2]>,
    /// Outermost first; the first two are kept.
    pub(crate) vlans: [Option<u16>; 2],
    /// Outermost label.
    pub(crate) mpls: Option<u32>,
    pub(crate) tunnels: SmallVec<[Tunnel; 1]>,
    depth: u8,
}

impl Env {
    /// One level down; `None` beyond the bound.
    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    /// Inside a tunnel: link layer and tags are those within.
    fn enter(&self, tunnel: Tunnel, wire: usize) -> Option<Self> {
        if self.tunnels.len() >= MAX_TUNNELS {
            return None;
        }
        let mut inner = Env { at: self.at, wire: wire as u32, depth: self.depth, tunnels: self.tunnels.clone(), ..Env::default() };
        inner.tunnels.push(tunnel);
        inner.deeper()?;
        Some(inner)
    }
}

/// A whole datagram: what IP carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) protocol: u8,
    /// What IP carries, as far as it was captured.
    pub(crate) payload: &'a [u8],
    /// What IP carries, as long as it says it is.
    pub(crate) length: usize,
    /// Frames it came in: more than one when it was fragmented.
    pub(crate) packets: u32,
    /// Bytes of those frames.
    pub(crate) wire: u32,
    /// Bytes of the IP datagrams, headers included.
    pub(crate) ip_bytes: u32,
}

/// An ARP packet for IPv4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arp {
    pub(crate) operation: u16,
    pub(crate) sender: (Mac, std::net::Ipv4Addr),
    pub(crate) target: (Mac, std::net::Ipv4Addr),
}

/// Where decoded packets go.
pub(crate) trait Sink {
    /// A datagram; that of a tunnel comes before what it carries.
    fn datagram(&mut self, env: &Env, datagram: &Datagram<'_>);
    /// A piece of a datagram, before it is put together with the others.
    fn fragment(&mut self, _part: &Datagram<'_>, _at: fragments::Fragment) {}
    /// An ARP packet.
    fn arp(&mut self, env: &Env, arp: &Arp);
    /// A datagram that is a tunnel, with what kind.
    fn tunnel(&mut self, env: &Env, tunnel: &Tunnel);
    /// Something was wrong.
    fn problem(&mut self, problem: Problem);
}

/// Decodes frames; remembers fragments.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pub(crate) fragments: Fragments,
}

impl Decoder {
    /// Decodes one frame.
    pub(crate) fn frame(&mut self, link: LinkType, at: i64, wire: u32, data: &[u8], sink: &mut dyn Sink) {
        let mut env = Env { at, wire, ..Env::default() };
        link::frame(self, link, &mut env, data, sink);
    }
}

/// The Internet checksum's sum over bytes that begin at an even place, folded to 16 bits.
pub(crate) fn sum(bytes: &[u8], start: u64) -> u64 {
    let mut total = start;
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        total += u64::from(u32::from_be_bytes(word.first_chunk::<4>().copied().unwrap_or_default()));
    }
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(words.remainder()) {
        *to = *from;
    }
    total += u64::from(u32::from_be_bytes(last));
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    total
}
