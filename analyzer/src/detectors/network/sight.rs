//! An event of the sensor as the detectors look at it, and what they make of it: facts, each for one group.

use std::net::IpAddr;

use fansipan_model::{Event, FieldId, Value, fields};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::parameters::Parameters;

/// What a detector wants to remember of an event, on its way to the group it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Name of the detector.
    pub detector: String,
    /// Agency and what the group has in common.
    pub key: Vec<String>,
    /// Event time, UTC nanoseconds.
    pub at: i64,
    /// `event.ingested`.
    pub now: i64,
    /// `event.id`.
    pub id: Uuid,
    /// Whether it is part of a drill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    /// Texts, meaningful to the detector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Numbers, meaningful to the detector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<i64>,
}

impl Fact {
    pub(super) fn number(&self, place: usize) -> i64 {
        self.numbers.get(place).copied().unwrap_or_default()
    }

    /// A count: never negative.
    pub(super) fn count(&self, place: usize) -> u64 {
        u64::try_from(self.number(place)).unwrap_or_default()
    }

    pub(super) fn word(&self, place: usize) -> &str {
        self.words.get(place).map_or("", String::as_str)
    }

    pub(super) fn key(&self, place: usize) -> &str {
        self.key.get(place).map_or("", String::as_str)
    }
}

/// What the detectors are shown.
pub(super) struct Sight<'e> {
    pub(super) event: &'e Event,
    /// The dataset without `network.`.
    pub(super) dataset: &'e str,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) transport: &'e str,
    /// In Zeek's words; empty for what is no flow.
    pub(super) state: &'e str,
    pub(super) source_inside: bool,
    pub(super) destination_inside: bool,
}

impl<'e> Sight<'e> {
    /// `None`: nothing the detectors look at.
    pub(super) fn of(event: &'e Event, parameters: &Parameters) -> Option<Self> {
        let module = event.str(fields::EVENT_MODULE)?;
        if !parameters.modules.iter().any(|m| m == module) {
            return None;
        }
        let dataset = event.str(fields::EVENT_DATASET)?.strip_prefix("network.")?;
        let address = |field| event.get(field).and_then(Value::as_ip);
        let (source, destination) = (address(fields::SOURCE_IP)?, address(fields::DESTINATION_IP)?);
        let within = |ip: IpAddr, list: &[ipnet::IpNet]| list.iter().any(|n| n.contains(&ip));
        if within(source, &parameters.trusted) {
            return None;
        }
        let port = |field| event.get(field).and_then(whole).and_then(|n| u16::try_from(n).ok()).unwrap_or_default();
        Some(Self {
            event,
            dataset,
            source,
            destination,
            source_port: port(fields::SOURCE_PORT),
            destination_port: port(fields::DESTINATION_PORT),
            transport: event.str(fields::NETWORK_TRANSPORT).unwrap_or_default(),
            state: event.str(fields::NETWORK_CONNECTION_STATE).unwrap_or_default(),
            source_inside: within(source, &parameters.inside),
            destination_inside: within(destination, &parameters.inside) || is_local(destination),
        })
    }

    /// Whether it is a flow that is over; those that go on are reported too, with everything so far.
    pub(super) fn is_ended_flow(&self) -> bool {
        self.dataset == "flow" && !self.goes_on()
    }

    pub(super) fn goes_on(&self) -> bool {
        self.event.values(fields::EVENT_TYPE).any(|v| v == Value::Str("info"))
    }

    /// A number that is at least zero.
    pub(super) fn count(&self, field: FieldId) -> u64 {
        self.event.get(field).and_then(whole).and_then(|n| u64::try_from(n).ok()).unwrap_or_default()
    }

    /// The same of a field by name.
    pub(super) fn named(&self, name: &str) -> u64 {
        self.event.get_by_name(name).and_then(whole).and_then(|n| u64::try_from(n).ok()).unwrap_or_default()
    }

    pub(super) fn text(&self, field: FieldId) -> String {
        self.event.get(field).and_then(Value::text).map(std::borrow::Cow::into_owned).unwrap_or_default()
    }

    pub(super) fn named_text(&self, name: &str) -> Option<&'e str> {
        self.event.get_by_name(name).and_then(Value::as_str)
    }

    /// Bytes that each side said.
    pub(super) fn payload(&self) -> (u64, u64) {
        (self.named("fansipan.flow.source.payload_bytes"), self.named("fansipan.flow.destination.payload_bytes"))
    }

    /// When the flow began.
    pub(super) fn start(&self) -> i64 {
        self.event.get(fields::EVENT_START).and_then(moment).unwrap_or_else(|| self.event.timestamp())
    }

    /// Whether the receiver is a group or everybody.
    pub(super) fn is_cast(&self) -> bool {
        is_local(self.destination)
    }

    /// A fact for a group of this event's agency.
    pub(super) fn fact(&self, detector: &str, key: &[&str], words: Vec<String>, numbers: Vec<i64>) -> Fact {
        let mut all = vec![self.event.agency().to_owned()];
        all.extend(key.iter().map(|part| (*part).to_owned()));
        Fact {
            detector: detector.to_owned(),
            key: all,
            at: self.event.timestamp(),
            now: self.event.ingested(),
            id: self.event.id(),
            drill: self.event.get(fields::FANSIPAN_DRILL) == Some(Value::Bool(true)),
            words,
            numbers,
        }
    }
}

/// Multicast and broadcast.
fn is_local(ip: IpAddr) -> bool {
    ip.is_multicast() || matches!(ip, IpAddr::V4(v) if v.is_broadcast() || v.octets()[3] == 255)
}

fn whole(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(n) => Some(n),
        other => other.as_number().map(|n| n as i64),
    }
}

/// A time, typed or as text.
pub(super) fn moment(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Time(t) => Some(t),
        Value::Str(text) => fansipan_model::time::from_rfc3339(text),
        _ => None,
    }
}

/// A count as a fact carries it.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
