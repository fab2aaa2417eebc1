//! Flows: what two endpoints say to each other, seen from the one that began.

pub(crate) mod community;
pub(crate) mod reassembly;
pub(crate) mod report;
pub(crate) mod table;
pub(crate) mod tcp;

use std::net::IpAddr;

use super::{
    decode::{Env, Mac, Tunnel, ip},
    proto::{Conversation, Datagrams},
};
use reassembly::Reassembler;

/// Who sent: the initiator or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Side::Source => Side::Destination,
            Side::Destination => Side::Source,
        }
    }
}

/// Two of something, one for each side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pair<T> {
    pub(crate) source: T,
    pub(crate) destination: T,
}

impl<T> Pair<T> {
    pub(crate) fn of(&self, side: Side) -> &T {
        match side {
            Side::Source => &self.source,
            Side::Destination => &self.destination,
        }
    }

    pub(crate) fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Source => &mut self.source,
            Side::Destination => &mut self.destination,
        }
    }

    /// Turns the pair around.
    pub(crate) fn swap(&mut self) {
        std::mem::swap(&mut self.source, &mut self.destination);
    }
}

/// An address with its port and hardware address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    pub(crate) ip: IpAddr,
    pub(crate) port: u16,
    pub(crate) mac: Option<Mac>,
}

/// What every event of a flow says.
#[derive(Clone, Debug)]
pub(crate) struct Info {
    /// Number of the IP protocol.
    pub(crate) transport: u8,
    pub(crate) ends: Pair<Endpoint>,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) vlans: [Option<u16>; 2],
    pub(crate) mpls: Option<u32>,
    /// The innermost tunnel, and how many there are.
    pub(crate) tunnel: Option<Box<(Tunnel, usize)>>,
    /// Protocol above the transport, by content.
    pub(crate) protocol: Option<&'static str>,
}

impl Info {
    pub(crate) fn new(transport: u8, source: Endpoint, destination: Endpoint, env: &Env) -> Self {
        Self {
            transport,
            ends: Pair { source, destination },
            first: env.at,
            last: env.at,
            vlans: env.vlans,
            mpls: env.mpls,
            tunnel: env.tunnels.last().map(|t| Box::new((*t, env.tunnels.len()))),
            protocol: None,
        }
    }

    /// Whether its ports are ports: those of ICMP are type and code.
    pub(crate) fn has_ports(&self) -> bool {
        matches!(self.transport, ip::TCP | ip::UDP | ip::SCTP)
    }
}

/// Bytes of the beginning that are kept.
pub(crate) const FIRST_BYTES: usize = 16;

/// What one side sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) packets: u64,
    /// On the wire, from the link layer on.
    pub(crate) bytes: u64,
    /// From the IP header on.
    pub(crate) ip_bytes: u64,
    /// Above the transport, retransmissions included.
    pub(crate) payload: u64,
    first: [u8; FIRST_BYTES],
    first_length: u8,
}

impl Sent {
    pub(crate) fn count(&mut self, packets: u32, bytes: u32, ip_bytes: u32, payload: &[u8], length: usize) {
        self.packets += u64::from(packets);
        self.bytes += u64::from(bytes);
        self.ip_bytes += u64::from(ip_bytes);
        if self.payload == 0 && !payload.is_empty() {
            self.first_length = payload.len().min(FIRST_BYTES) as u8;
            for (to, from) in self.first.iter_mut().zip(payload) {
                *to = *from;
            }
        }
        self.payload += length as u64;
    }

    /// The first bytes above the transport.
    pub(crate) fn first_bytes(&self) -> &[u8] {
        self.first.get(..usize::from(self.first_length)).unwrap_or_default()
    }
}

/// What is read above the transport.
#[derive(Default)]
pub(crate) enum Above {
    /// Nothing, or no longer.
    #[default]
    Nothing,
    /// TCP.
    Stream(Box<Stream>),
    /// UDP.
    Datagrams(Datagrams),
}

impl Above {
    /// Bytes that protocols keep of it.
    pub(crate) fn held(&self) -> usize {
        match self {
            Above::Nothing => 0,
            Above::Stream(stream) => stream.conversation.held(),
            Above::Datagrams(datagrams) => datagrams.held(),
        }
    }
}

/// Both directions of a TCP connection and who reads them.
#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) sides: Pair<Reassembler>,
    pub(crate) conversation: Conversation,
}

/// One flow.
pub(crate) struct Flow {
    pub(crate) info: Info,
    pub(crate) sent: Pair<Sent>,
    pub(crate) tcp: tcp::Tcp,
    pub(crate) history: tcp::History,
    pub(crate) above: Above,
    /// When it was last reported while alive.
    pub(crate) reported: i64,
    pub(crate) bypassed: bool,
    /// What protocols held of it had to be given up for want of memory.
    pub(crate) given_up: bool,
    /// Bytes that protocols hold, as counted in the sum over all flows.
    pub(crate) held: u32,
    /// What it says is no longer looked at.
    pub(crate) finished: bool,
    /// ICMP type and code of the first packet.
    pub(crate) icmp: Option<(u8, u8)>,
}

impl Flow {
    /// Turns the roles around: the other end turned out to have begun.
    pub(crate) fn flip(&mut self) {
        self.info.ends.swap();
        self.sent.swap();
        self.tcp.ends.swap();
        self.tcp.isn.swap();
        self.history.flipped();
    }
}
