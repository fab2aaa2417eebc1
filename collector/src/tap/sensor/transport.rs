//! Datagrams become parts of flows.

use std::net::IpAddr;

use super::State;
use crate::tap::{
    decode::{Datagram, Env, Problem, ip, sum},
    flow::{
        Above, Endpoint, Flow, Info, Pair, Sent, Side, Stream,
        community::icmp_answer,
        reassembly::{Budget, Piece},
        report::{self, Reason},
        table::{Class, Key},
        tcp::{self, Segment},
    },
    proto::{Cx, Datagrams},
};

/// Ports servers listen on: in a flow whose beginning was not seen, the end with one of them did not begin.
const SERVER_PORTS: [u16; 42] = [
    20, 21, 22, 23, 25, 53, 80, 88, 102, 110, 111, 123, 135, 137, 139, 143, 161, 179, 389, 443, 445, 465, 500, 502, 514, 554, 587, 636,
    853, 993, 995, 1433, 1521, 1812, 1813, 3306, 3389, 5060, 5432, 5900, 8080, 20000,
];

/// A flow is reported anew after so many packets, ...
const BUSY: u64 = 65_536;
/// ... but not more often than this, nanoseconds.
const BUSY_AFTER: i64 = 5_000_000_000;

/// Whether it looks as if the receiver had begun.
fn backwards(source: u16, destination: u16) -> bool {
    SERVER_PORTS.contains(&source) && !SERVER_PORTS.contains(&destination) && destination > 1023
}

/// The virtual network a datagram is in.
fn scope(env: &Env) -> u32 {
    env.tunnels.iter().filter(|t| t.scoped).filter_map(|t| t.id).fold(0, |scope, id| scope.wrapping_mul(0x0100_0193) ^ id ^ 0x811c_9dc5)
}

/// Whether the checksum over pseudo header and payload is right; what was not captured wholly cannot be judged.
fn checksum(datagram: &Datagram<'_>) -> bool {
    if datagram.payload.len() < datagram.length {
        return true;
    }
    let length = datagram.length as u64;
    let pseudo = match (datagram.source, datagram.destination) {
        (IpAddr::V4(a), IpAddr::V4(b)) => sum(&a.octets(), sum(&b.octets(), u64::from(datagram.protocol) + length)),
        (IpAddr::V6(a), IpAddr::V6(b)) => sum(&a.octets(), sum(&b.octets(), u64::from(datagram.protocol) + length)),
        _ => return true,
    };
    let whole = datagram.payload.get(..datagram.length).unwrap_or(datagram.payload);
    sum(whole, pseudo) == 0xffff
}

/// Addresses and ports of a datagram.
struct Ends {
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
}

impl Ends {
    fn of(datagram: &Datagram<'_>, source: u16, destination: u16) -> Self {
        Self { source: (datagram.source, source), destination: (datagram.destination, destination) }
    }
}

impl State {
    /// The flow of a datagram and who sent it; `backwards`: a new flow was begun by the receiver.
    fn flow(&mut self, env: &Env, protocol: u8, ends: &Ends, class: Class, backwards: bool) -> (u32, Side) {
        let key = Key::new(protocol, ends.source, ends.destination, scope(env));
        if let Some(at) = self.table.find(&key) {
            let first = self.table.flow(at).map(|f| (f.info.ends.source.ip, f.info.ends.source.port));
            return (at, if first == Some(ends.source) { Side::Source } else { Side::Destination });
        }
        self.make_room();
        let mac = |at: usize| env.macs.and_then(|m| m.get(at).copied()).filter(|m| *m != [0; 6]);
        let end = |(ip, port): (IpAddr, u16), at| Endpoint { ip, port, mac: mac(at) };
        let mut flow = Flow {
            info: Info::new(protocol, end(ends.source, 0), end(ends.destination, 1), env),
            sent: Pair::<Sent>::default(),
            tcp: tcp::Tcp::default(),
            history: tcp::History::default(),
            above: Above::Nothing,
            reported: env.at,
            bypassed: false,
            given_up: false,
            held: 0,
            finished: false,
            icmp: None,
        };
        if backwards {
            flow.flip();
        }
        (self.table.insert(key, flow, class), if backwards { Side::Destination } else { Side::Source })
    }

    /// Counts a datagram in its flow and reports a flow that has been alive for long.
    fn count(&mut self, at: u32, side: Side, env: &Env, datagram: &Datagram<'_>, payload: &[u8], length: usize) {
        let Some(flow) = self.table.flow(at) else { return };
        flow.info.last = flow.info.last.max(env.at);
        flow.sent.of_mut(side).count(datagram.packets, datagram.wire, datagram.ip_bytes, payload, length);
        let end = flow.info.ends.of_mut(side);
        if end.mac.is_none() {
            end.mac = env.macs.map(|[source, _]| source).filter(|m| *m != [0; 6]);
        }
        let since = env.at.saturating_sub(flow.reported);
        // what floods a line must not wait until it is over
        let busy = since >= BUSY_AFTER && (flow.sent.source.packets + flow.sent.destination.packets).is_multiple_of(BUSY);
        if busy || since >= self.settings.alive {
            flow.reported = env.at;
            self.out.push(report::flow(flow, Reason::Alive));
        }
    }

    pub(super) fn tcp(&mut self, env: &Env, datagram: &Datagram<'_>) {
        let Some(segment) = Segment::read(datagram.payload) else { return self.header_problem(env, datagram) };
        let length = datagram.length.saturating_sub(segment.header);
        let ends = Ends::of(datagram, segment.source, segment.destination);
        let answers = segment.has(tcp::SYN) && segment.has(tcp::ACK);
        let unbegun = !segment.has(tcp::SYN) && backwards(segment.source, segment.destination);
        let (mut at, mut side) = self.flow(env, ip::TCP, &ends, Class::Open, answers || unbegun);
        if let Some(flow) = self.table.flow(at)
            && flow.tcp.reopened(side, &segment, env.at.saturating_sub(flow.info.last))
        {
            self.end(at, Reason::Ended);
            (at, side) = self.flow(env, ip::TCP, &ends, Class::Open, false);
        }
        self.count(at, side, env, datagram, segment.payload, length);
        let good = checksum(datagram);
        if !good {
            self.summary.problems[Problem::TransportChecksum as usize] += 1;
        }
        let Some(flow) = self.table.flow(at) else { return };
        if !good {
            flow.history.repeat(side, b'C');
        }
        flow.history.tcp(side, &segment, length);
        flow.tcp.update(side, &segment);
        let class = if flow.tcp.over() || flow.tcp.unanswered() { Class::Over } else { Class::Open };
        self.stream(at, side, env.at, &segment, length);
        self.weigh(at);
        self.table.touch(at, class);
    }

    /// A datagram whose transport header cannot be read is still part of the traffic.
    fn header_problem(&mut self, env: &Env, datagram: &Datagram<'_>) {
        self.summary.problems[Problem::TransportMalformed as usize] += 1;
        // with the ports the flow is known
        if let Some([a, b, c, d]) = datagram.payload.first_chunk::<4>() {
            let ends = Ends::of(datagram, u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            let class = if datagram.protocol == ip::TCP { Class::Open } else { Class::Other };
            let (at, side) = self.flow(env, datagram.protocol, &ends, class, false);
            self.count(at, side, env, datagram, &[], 0);
            self.table.touch(at, class);
        }
    }

    /// Puts a segment in order and lets what is in order be read.
    fn stream(&mut self, at: u32, side: Side, now: i64, segment: &Segment<'_>, length: usize) {
        let Some(flow) = self.table.flow(at) else { return };
        if flow.finished {
            return;
        }
        if matches!(flow.above, Above::Nothing) {
            if length == 0 {
                return;
            }
            let mut stream = Stream::default();
            for side in [Side::Source, Side::Destination] {
                if let Some(isn) = *flow.tcp.isn.of(side) {
                    stream.sides.of_mut(side).begin(isn);
                }
            }
            flow.above = Above::Stream(Box::new(stream));
        }
        let Above::Stream(stream) = &mut flow.above else { return };
        let Stream { sides, conversation } = &mut **stream;
        let mut missing = 0;
        let mut cx = Cx { info: &mut flow.info, at: now, out: &mut self.out, settings: &self.settings };
        let sequence = if segment.has(tcp::SYN) { segment.sequence.wrapping_add(1) } else { segment.sequence };
        if segment.has(tcp::SYN) {
            sides.of_mut(side).begin(segment.sequence);
        }
        let budget = &mut self.budget;
        let mut deliver = |cx: &mut Cx<'_>, side: Side, piece: Piece<'_>| match piece {
            Piece::Bytes(bytes) => conversation.bytes(cx, side, bytes),
            Piece::Missing(n) => {
                missing += n;
                conversation.missing(cx, side, n);
            }
        };
        if segment.has(tcp::ACK) {
            let other = sides.of_mut(side.other());
            other.acknowledge(segment.acknowledged);
            other.give_up(now, budget, &mut |piece| deliver(&mut cx, side.other(), piece));
        }
        let this = sides.of_mut(side);
        let payload = segment.payload.get(..length).unwrap_or(segment.payload);
        let found = this.segment(now, sequence, payload, budget, &mut |piece| deliver(&mut cx, side, piece));
        if payload.len() < length {
            let from = sequence.wrapping_add(payload.len() as u32);
            this.cut(from, length - payload.len(), budget, &mut |piece| deliver(&mut cx, side, piece));
        }
        if segment.has(tcp::FIN) {
            this.close(sequence, length);
        }
        if this.complete() {
            conversation.closed(&mut cx, side);
        }
        let both = sides.source.complete() && sides.destination.complete();
        let large = flow.sent.source.payload + flow.sent.destination.payload > self.settings.bypass;
        if both || large || conversation.is_done() {
            conversation.finish(&mut cx);
            sides.source.forget(budget);
            sides.destination.forget(budget);
            (flow.above, flow.finished) = (Above::Nothing, true);
            if large {
                flow.bypassed = true;
                self.summary.bypassed += 1;
            }
        }
        if found.again {
            flow.history.repeat(side, b'T');
        }
        flow.tcp.overlaps += u32::from(found.differs);
        if missing > 0 {
            flow.history.repeat(side, b'G');
            self.summary.missing += missing;
        }
    }

    /// Ends a flow: what is held is read, and the flow reported.
    pub(super) fn end(&mut self, at: u32, reason: Reason) {
        let Some(mut flow) = self.table.remove(at) else { return };
        self.memory.used -= flow.held as usize;
        let last = flow.info.last;
        let mut missing = Pair::<u64>::default();
        let mut cx = Cx { info: &mut flow.info, at: last, out: &mut self.out, settings: &self.settings };
        match std::mem::take(&mut flow.above) {
            Above::Nothing => {}
            Above::Datagrams(mut datagrams) => datagrams.finish(&mut cx),
            Above::Stream(mut stream) => {
                let budget: &mut Budget = &mut self.budget;
                let Stream { sides, conversation } = &mut *stream;
                for side in [Side::Source, Side::Destination] {
                    sides.of_mut(side).finish(budget, &mut |piece| match piece {
                        Piece::Bytes(bytes) => conversation.bytes(&mut cx, side, bytes),
                        Piece::Missing(n) => {
                            *missing.of_mut(side) += n;
                            conversation.missing(&mut cx, side, n);
                        }
                    });
                }
                conversation.finish(&mut cx);
            }
        }
        for side in [Side::Source, Side::Destination] {
            if *missing.of(side) > 0 {
                flow.history.repeat(side, b'G');
                self.summary.missing += *missing.of(side);
            }
        }
        self.summary.flows += 1;
        self.out.push(report::flow(&flow, reason));
    }

    pub(super) fn udp(&mut self, env: &Env, datagram: &Datagram<'_>) {
        let (Some(head), Some(body)) = (datagram.payload.first_chunk::<8>(), datagram.payload.get(8..)) else {
            return self.header_problem(env, datagram);
        };
        let [a, b, c, d, e, f, g, h] = *head;
        let (source, destination) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let stated = usize::from(u16::from_be_bytes([e, f]));
        // zero: a jumbogram or segmentation offload
        let stated = if stated < 8 { datagram.length } else { stated.min(datagram.length) };
        let length = stated.saturating_sub(8);
        let payload = body.get(..length).unwrap_or(body);
        let ends = Ends::of(datagram, source, destination);
        let (at, side) = self.flow(env, ip::UDP, &ends, Class::Other, backwards(source, destination));
        self.count(at, side, env, datagram, payload, length);
        let good = [g, h] == [0, 0] || checksum(&Datagram { length: stated, ..*datagram });
        if !good {
            self.summary.problems[Problem::TransportChecksum as usize] += 1;
        }
        let Some(flow) = self.table.flow(at) else { return };
        if !good {
            flow.history.repeat(side, b'C');
        }
        flow.history.datagram(side);
        if matches!(flow.above, Above::Nothing) && !flow.finished {
            flow.above = Above::Datagrams(Datagrams::default());
        }
        if let Above::Datagrams(datagrams) = &mut flow.above {
            let mut cx = Cx { info: &mut flow.info, at: env.at, out: &mut self.out, settings: &self.settings };
            datagrams.datagram(&mut cx, side, payload);
            self.weigh(at);
        }
        self.table.touch(at, Class::Other);
    }

    pub(super) fn icmp(&mut self, env: &Env, datagram: &Datagram<'_>) {
        let Some([kind, code, _, _]) = datagram.payload.first_chunk::<4>().copied() else {
            self.summary.problems[Problem::TransportMalformed as usize] += 1;
            return;
        };
        let answer = icmp_answer(datagram.protocol, kind);
        let ends = Ends::of(datagram, u16::from(kind), u16::from(answer.unwrap_or(code)));
        // an echo reply whose request was not seen is still a reply
        let reply = matches!((datagram.protocol, kind), (ip::ICMP, 0) | (ip::ICMP6, 129));
        let (at, side) = self.flow(env, datagram.protocol, &ends, Class::Other, reply);
        let payload = datagram.payload.get(8..).unwrap_or_default();
        self.count(at, side, env, datagram, payload, datagram.length.saturating_sub(8));
        let good = match datagram.protocol {
            ip::ICMP => datagram.payload.len() < datagram.length || sum(datagram.payload, 0) == 0xffff,
            _ => checksum(datagram),
        };
        if !good {
            self.summary.problems[Problem::TransportChecksum as usize] += 1;
        }
        if let Some(flow) = self.table.flow(at) {
            flow.icmp.get_or_insert((kind, code));
            if !good {
                flow.history.repeat(side, b'C');
            }
        }
        self.table.touch(at, Class::Other);
    }

    pub(super) fn sctp(&mut self, env: &Env, datagram: &Datagram<'_>) {
        let Some([a, b, c, d]) = datagram.payload.first_chunk::<4>().copied() else { return self.header_problem(env, datagram) };
        let ends = Ends::of(datagram, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let (at, side) = self.flow(env, ip::SCTP, &ends, Class::Other, false);
        let payload = datagram.payload.get(12..).unwrap_or_default();
        self.count(at, side, env, datagram, payload, datagram.length.saturating_sub(12));
        self.table.touch(at, Class::Other);
    }

    /// A protocol without ports.
    pub(super) fn other(&mut self, env: &Env, datagram: &Datagram<'_>) {
        let ends = Ends::of(datagram, 0, 0);
        let (at, side) = self.flow(env, datagram.protocol, &ends, Class::Other, false);
        self.count(at, side, env, datagram, datagram.payload, datagram.length);
        self.table.touch(at, Class::Other);
    }
}
