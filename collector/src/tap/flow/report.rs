//! Flows and what is seen in them as ECS events.

use std::net::IpAddr;

use fansipan_model::{Event, Value, fields};

use super::{Flow, Info, Pair, community};
use crate::tap::{
    decode::{Mac, ip},
    files::hex,
};

/// Why a flow is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It goes on.
    Alive,
    /// It is over.
    Ended,
    /// The table was full.
    Evicted,
}

/// An event of a dataset with everything the flow says about it.
pub(crate) fn base(info: &Info, dataset: &str, at: i64) -> Event {
    let mut event = Event::default();
    event.set_timestamp(at);
    let mut put = |field, value: Value<'_>| event.push(field, value);
    put(fields::EVENT_KIND, Value::Str("event"));
    put(fields::EVENT_CATEGORY, Value::Str("network"));
    put(fields::EVENT_MODULE, Value::Str("tap"));
    put(fields::EVENT_DATASET, Value::Str(dataset));
    let Pair { source, destination } = &info.ends;
    put(fields::SOURCE_IP, Value::Ip(source.ip));
    put(fields::DESTINATION_IP, Value::Ip(destination.ip));
    if info.has_ports() {
        put(fields::SOURCE_PORT, Value::Int(i64::from(source.port)));
        put(fields::DESTINATION_PORT, Value::Int(i64::from(destination.port)));
    }
    if let Some(mac) = source.mac {
        put(fields::SOURCE_MAC, Value::Str(&mac_text(mac)));
    }
    if let Some(mac) = destination.mac {
        put(fields::DESTINATION_MAC, Value::Str(&mac_text(mac)));
    }
    match transport(info.transport) {
        Some(name) => put(fields::NETWORK_TRANSPORT, Value::Str(name)),
        None => put(fields::NETWORK_TRANSPORT, Value::Str(&info.transport.to_string())),
    }
    put(fields::NETWORK_IANA_NUMBER, Value::Str(&info.transport.to_string()));
    put(fields::NETWORK_TYPE, Value::Str(if source.ip.is_ipv4() { "ipv4" } else { "ipv6" }));
    if let Some(protocol) = info.protocol {
        put(fields::NETWORK_PROTOCOL, Value::Str(protocol));
    }
    put(fields::NETWORK_DIRECTION, Value::Str(direction(source.ip, destination.ip)));
    put(fields::NETWORK_COMMUNITY_ID, Value::Str(&community_id(info)));
    if let [Some(outer), inner] = info.vlans {
        put(fields::NETWORK_VLAN_ID, Value::Str(&outer.to_string()));
        if let Some(inner) = inner {
            put(fields::NETWORK_INNER_VLAN_ID, Value::Str(&inner.to_string()));
        }
    }
    around(info, &mut event);
    event
}

/// Labels and tunnels have no place in ECS.
fn around(info: &Info, event: &mut Event) {
    if let Some(label) = info.mpls {
        event.push_named("fansipan.mpls.label", Value::Int(i64::from(label)));
    }
    let Some((tunnel, depth)) = info.tunnel.as_deref() else { return };
    event.push_named("fansipan.tunnel.type", Value::Str(tunnel.kind));
    if let Some(id) = tunnel.id {
        let name = if tunnel.scoped { "fansipan.tunnel.vni" } else { "fansipan.tunnel.id" };
        event.push_named(name, Value::Int(i64::from(id)));
    }
    event.push_named("fansipan.tunnel.source.ip", Value::Str(&tunnel.source.to_string()));
    event.push_named("fansipan.tunnel.destination.ip", Value::Str(&tunnel.destination.to_string()));
    event.push_named("fansipan.tunnel.depth", Value::Int(*depth as i64));
}

fn community_id(info: &Info) -> String {
    let Pair { source, destination } = &info.ends;
    let icmp = matches!(info.transport, ip::ICMP | ip::ICMP6);
    let one_way = icmp && community::icmp_answer(info.transport, source.port as u8).is_none();
    let ports = (icmp || info.has_ports()).then_some((source.port, destination.port));
    community::id(info.transport, source.ip, destination.ip, ports, one_way)
}

/// The event of a flow.
pub(crate) fn flow(flow: &Flow, reason: Reason) -> Event {
    let info = &flow.info;
    let mut event = base(info, "network.flow", info.last);
    event.push(fields::EVENT_TYPE, Value::Str("connection"));
    event.push(fields::EVENT_TYPE, Value::Str(if reason == Reason::Alive { "info" } else { "end" }));
    event.push(fields::EVENT_START, Value::Time(info.first));
    event.push(fields::EVENT_END, Value::Time(info.last));
    event.push(fields::EVENT_DURATION, Value::Int(info.last.saturating_sub(info.first)));
    let Pair { source, destination } = &flow.sent;
    let mut count = |field, value: u64| event.push(field, Value::Int(value as i64));
    count(fields::SOURCE_PACKETS, source.packets);
    count(fields::SOURCE_BYTES, source.bytes);
    count(fields::DESTINATION_PACKETS, destination.packets);
    count(fields::DESTINATION_BYTES, destination.bytes);
    count(fields::NETWORK_PACKETS, source.packets + destination.packets);
    count(fields::NETWORK_BYTES, source.bytes + destination.bytes);
    event.push(fields::NETWORK_CONNECTION_STATE, Value::Str(state(flow)));
    let history = flow.history.text();
    if !history.is_empty() {
        event.push(fields::NETWORK_CONNECTION_HISTORY, Value::Str(&history));
    }
    details(flow, reason, &mut event);
    event
}

fn details(flow: &Flow, reason: Reason, event: &mut Event) {
    for (side, sent) in [("source", &flow.sent.source), ("destination", &flow.sent.destination)] {
        event.push_named(&format!("fansipan.flow.{side}.ip_bytes"), Value::Int(sent.ip_bytes as i64));
        event.push_named(&format!("fansipan.flow.{side}.payload_bytes"), Value::Int(sent.payload as i64));
        if !sent.first_bytes().is_empty() {
            event.push_named(&format!("fansipan.flow.{side}.first_bytes"), Value::Str(&hex(sent.first_bytes())));
        }
    }
    for (name, letter) in [("gaps", b'G'), ("retransmissions", b'T'), ("bad_checksums", b'C')] {
        let count = flow.history.repeats(letter);
        if count > 0 {
            event.push_named(&format!("fansipan.flow.{name}"), Value::Int(i64::from(count)));
        }
    }
    if flow.tcp.overlaps > 0 {
        event.push_named("fansipan.flow.overlaps", Value::Int(i64::from(flow.tcp.overlaps)));
    }
    if let Some((kind, code)) = flow.icmp {
        event.push_named("fansipan.icmp.type", Value::Int(i64::from(kind)));
        event.push_named("fansipan.icmp.code", Value::Int(i64::from(code)));
    }
    if flow.bypassed {
        event.push_named("fansipan.flow.bypassed", Value::Bool(true));
    }
    if flow.given_up {
        event.push_named("fansipan.flow.given_up", Value::Bool(true));
    }
    if reason == Reason::Evicted {
        event.push_named("fansipan.flow.evicted", Value::Bool(true));
    }
}

fn state(flow: &Flow) -> &'static str {
    let (asked, answered) = (flow.sent.source.packets > 0, flow.sent.destination.packets > 0);
    match flow.info.transport {
        ip::TCP => flow.tcp.word(flow.sent.source.payload + flow.sent.destination.payload == 0),
        ip::UDP | ip::SCTP => match (asked, answered) {
            (true, true) => "SF",
            (true, false) => "S0",
            (false, true) => "SHR",
            (false, false) => "OTH",
        },
        _ => "OTH",
    }
}

/// As ECS writes hardware addresses (RFC 7042).
pub(crate) fn mac_text(mac: Mac) -> String {
    let mut out = String::with_capacity(17);
    for (i, byte) in mac.iter().enumerate() {
        if i > 0 {
            out.push('-');
        }
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
        }
    }
    out
}

fn transport(number: u8) -> Option<&'static str> {
    Some(match number {
        ip::ICMP => "icmp",
        2 => "igmp",
        ip::TCP => "tcp",
        ip::UDP => "udp",
        33 => "dccp",
        50 => "esp",
        51 => "ah",
        ip::ICMP6 => "ipv6-icmp",
        88 => "eigrp",
        89 => "ospf",
        103 => "pim",
        112 => "vrrp",
        ip::SCTP => "sctp",
        _ => return None,
    })
}

fn inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v) => v.is_private() || v.is_loopback() || v.is_link_local() || v.octets()[0] == 100 && v.octets()[1] & 0xc0 == 64,
        IpAddr::V6(v) => v.is_loopback() || v.is_unique_local() || v.is_unicast_link_local(),
    }
}

fn direction(source: IpAddr, destination: IpAddr) -> &'static str {
    let local = destination.is_multicast() || matches!(destination, IpAddr::V4(v) if v.is_broadcast());
    match (inside(source), inside(destination) || local) {
        (true, true) => "internal",
        (true, false) => "outbound",
        (false, true) => "inbound",
        (false, false) => "external",
    }
}
