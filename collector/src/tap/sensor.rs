//! From packets to events.

mod memory;
mod transport;

use fansipan_model::{Event, Value, fields};

use super::{
    Settings,
    decode::{Arp, Datagram, Decoder, Env, Problem, Sink, Tunnel, ip, link::LinkType},
    flow::{
        Endpoint, Info,
        reassembly::Budget,
        report::{self, Reason, base},
        table::{Class, Table},
    },
};

/// Tunnels and hardware addresses that are remembered as seen.
const MAX_SEEN: usize = 65_536;

/// What went in and what it suffered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Frames.
    pub packets: u64,
    /// Bytes on the wire.
    pub bytes: u64,
    /// Bytes captured of them.
    pub captured: u64,
    /// Flows that were reported ended.
    pub flows: u64,
    /// Flows ended because the table was full.
    pub evicted: u64,
    /// Flows no longer looked into because they were long.
    pub bypassed: u64,
    /// Flows no longer looked into because protocols held too much over all flows.
    pub given_up: u64,
    /// Bytes of streams that were not captured.
    pub missing: u64,
    /// Time of the first and the last frame.
    pub first: i64,
    /// See `first`.
    pub last: i64,
    /// How often each problem occurred, by [`Problem::ALL`].
    pub problems: [u64; Problem::COUNT],
}

/// The sensor.
pub struct Sensor {
    decoder: Decoder,
    state: State,
}

/// Everything but the decoder, which calls it.
struct State {
    settings: Settings,
    table: Table,
    budget: Budget,
    memory: memory::Memory,
    out: Vec<Event>,
    summary: Summary,
    /// The latest time seen: time does not run backwards when packets do.
    now: i64,
    tunnels: hashbrown::HashSet<Tunnel>,
    /// By address, and the virtual network it is in: who has it.
    neighbours: hashbrown::HashMap<(std::net::Ipv4Addr, Option<u16>), [u8; 6]>,
}

impl Sensor {
    /// A sensor that has seen nothing.
    pub fn new(settings: Settings) -> Self {
        let budget = Budget { used: 0, limit: settings.stream_bytes };
        let state = State {
            settings,
            table: Table::default(),
            budget,
            memory: memory::Memory::default(),
            out: Vec::new(),
            summary: Summary::default(),
            now: 0,
            tunnels: hashbrown::HashSet::new(),
            neighbours: hashbrown::HashMap::new(),
        };
        Self { decoder: Decoder::default(), state }
    }

    /// Takes in one frame: kind of link, time in UTC nanoseconds, length on the wire, and what was captured.
    pub fn packet(&mut self, link: LinkType, at: i64, wire: u32, data: &[u8]) {
        let summary = &mut self.state.summary;
        if summary.packets == 0 {
            (summary.first, summary.last) = (at, at);
        }
        summary.packets += 1;
        summary.bytes += u64::from(wire);
        summary.captured += data.len() as u64;
        summary.first = summary.first.min(at);
        summary.last = summary.last.max(at);
        self.state.now = self.state.now.max(at);
        self.decoder.frame(link, at, wire, data, &mut self.state);
        self.state.expire();
    }

    /// Moves the clock on while no frame comes: what has been quiet for too long ends.
    pub fn clock(&mut self, at: i64) {
        self.state.now = self.state.now.max(at);
        self.state.expire();
    }

    /// The events since the last call.
    pub fn events(&mut self) -> std::vec::Drain<'_, Event> {
        self.state.out.drain(..)
    }

    /// Ends every flow: nothing more will come.
    pub fn finish(&mut self) {
        for at in self.state.table.all() {
            self.state.end(at, Reason::Ended);
        }
        let waiting = self.decoder.fragments.waiting() as u64;
        if let Some(count) = self.state.summary.problems.get_mut(Problem::FragmentMissing as usize) {
            *count += waiting;
        }
    }

    /// What went in so far.
    pub fn summary(&self) -> &Summary {
        &self.state.summary
    }

    /// Flows that are alive.
    pub fn alive(&self) -> usize {
        self.state.table.len()
    }
}

impl Sink for State {
    fn datagram(&mut self, env: &Env, datagram: &Datagram<'_>) {
        match datagram.protocol {
            ip::TCP => self.tcp(env, datagram),
            ip::UDP => self.udp(env, datagram),
            ip::ICMP | ip::ICMP6 => self.icmp(env, datagram),
            ip::SCTP => self.sctp(env, datagram),
            // tunnels are told by what is in them
            4 | 41 | 47 | 94 | 97 | 137 => {}
            _ => self.other(env, datagram),
        }
    }

    fn arp(&mut self, env: &Env, arp: &Arp) {
        let (mac, address) = arp.sender;
        let place = (address, env.vlans[0]);
        // an address is told when it is new, and each time that it changes its owner
        if address.is_unspecified() || self.neighbours.get(&place) == Some(&mac) {
            return;
        }
        if self.neighbours.len() >= MAX_SEEN {
            self.neighbours.clear();
        }
        self.neighbours.insert(place, mac);
        let mut event = Event::default();
        event.set_timestamp(env.at);
        for (field, value) in [
            (fields::EVENT_KIND, "event"),
            (fields::EVENT_CATEGORY, "network"),
            (fields::EVENT_TYPE, "info"),
            (fields::EVENT_MODULE, "tap"),
            (fields::EVENT_DATASET, "network.arp"),
            (fields::NETWORK_TYPE, "arp"),
            (fields::NETWORK_PROTOCOL, "arp"),
            (fields::EVENT_ACTION, if arp.operation == 2 { "reply" } else { "request" }),
        ] {
            event.push(field, Value::Str(value));
        }
        event.push(fields::SOURCE_IP, Value::Ip(address.into()));
        event.push(fields::SOURCE_MAC, Value::Str(&report::mac_text(mac)));
        event.push(fields::DESTINATION_IP, Value::Ip(arp.target.1.into()));
        if let Some(vlan) = env.vlans[0] {
            event.push(fields::NETWORK_VLAN_ID, Value::Str(&vlan.to_string()));
        }
        self.out.push(event);
    }

    fn tunnel(&mut self, env: &Env, tunnel: &Tunnel) {
        if self.tunnels.contains(tunnel) {
            return;
        }
        if self.tunnels.len() >= MAX_SEEN {
            self.tunnels.clear();
        }
        self.tunnels.insert(*tunnel);
        let back = Tunnel { source: tunnel.destination, destination: tunnel.source, ..*tunnel };
        self.tunnels.insert(back);
        let end = |ip, mac: usize| Endpoint { ip, port: 0, mac: env.macs.and_then(|m| m.get(mac).copied()).filter(|m| *m != [0; 6]) };
        let number = match tunnel.kind {
            "4in4" | "4in6" => 4,
            "6in4" | "6in6" => 41,
            "gre" | "pptp" | "erspan1" | "erspan2" | "erspan3" => 47,
            "etherip" => 97,
            _ => ip::UDP,
        };
        let mut info = Info::new(number, end(tunnel.source, 0), end(tunnel.destination, 1), env);
        info.tunnel = Some(Box::new((*tunnel, env.tunnels.len() + 1)));
        let event = base(&info, "network.tunnel", env.at);
        self.out.push(event);
    }

    fn problem(&mut self, problem: Problem) {
        if let Some(count) = self.summary.problems.get_mut(problem as usize) {
            *count += 1;
        }
    }
}

impl State {
    /// Ends what has been idle for too long.
    fn expire(&mut self) {
        for (class, idle) in
            [(Class::Over, self.settings.tcp_linger), (Class::Other, self.settings.other_idle), (Class::Open, self.settings.tcp_idle)]
        {
            while let Some((at, last)) = self.table.oldest(class) {
                if self.now.saturating_sub(last) <= idle {
                    break;
                }
                self.end(at, Reason::Ended);
            }
        }
    }

    /// Makes room for one more flow.
    fn make_room(&mut self) {
        while self.table.len() >= self.settings.flows.max(1) {
            let oldest = [Class::Over, Class::Other, Class::Open].into_iter().find_map(|c| self.table.oldest(c));
            let Some((at, _)) = oldest else { return };
            self.summary.evicted += 1;
            self.end(at, Reason::Evicted);
        }
    }
}
