//! Protocols above the transport, recognized by content on any port.
//!
//! A protocol is one file with one line in [`STREAMS`] or [`DATAGRAMS`]. It is asked whether bytes are its own ([`Verdict`]; it may be
//! unsure), then gets each direction in order: [`StreamProtocol::step`] sees everything not yet taken and says how far it got. So what
//! it finds does not depend on how the bytes were cut into packets.

mod conversation;
mod datagrams;

pub(crate) use conversation::Conversation;
pub(crate) use datagrams::Datagrams;

use fansipan_model::{Event, Value};

use super::{
    Settings,
    flow::{Info, Side, report},
};

/// Whether bytes belong to a protocol. An answer of yes or no must not change when more bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Yes,
    No,
    /// Too little to tell.
    Unsure,
}

/// What there is to recognize a protocol by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beginning<'a> {
    /// First bytes of the initiator; of a datagram: the datagram.
    pub(crate) source: &'a [u8],
    /// First bytes of the other; empty for a datagram.
    pub(crate) destination: &'a [u8],
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
}

impl Beginning<'_> {
    /// Whether one of the ports is this one: for protocols whose content alone does not tell.
    pub(crate) fn port(&self, port: u16) -> bool {
        self.source_port == port || self.destination_port == port
    }

    /// Whether some first bytes are exactly these, when there are enough of them.
    pub(crate) fn starts(bytes: &[u8], with: &[u8]) -> Verdict {
        let n = bytes.len().min(with.len());
        match (bytes.get(..n) == with.get(..n), n == with.len()) {
            (false, _) => Verdict::No,
            (true, true) => Verdict::Yes,
            (true, false) => Verdict::Unsure,
        }
    }
}

/// How far a step got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many bytes are done with.
    Take(usize),
    /// So many bytes from here on are of no interest, whether they are here or still to come.
    Skip(u64),
    /// Nothing can be done with fewer than so many bytes.
    More(usize),
    /// Nothing can be done before the other side has got further.
    Wait,
    /// From here on this direction speaks another protocol.
    Switch,
    /// Nothing more is wanted of this flow.
    Stop,
}

/// What a protocol may use while it reads.
pub(crate) struct Cx<'a> {
    pub(crate) info: &'a mut Info,
    /// Time of the packet that is read.
    pub(crate) at: i64,
    pub(crate) out: &'a mut Vec<Event>,
    pub(crate) settings: &'a Settings,
}

impl Cx<'_> {
    /// Begins an event of a dataset, such as `network.dns`.
    pub(crate) fn event(&self, dataset: &str, at: i64) -> Event {
        let mut event = report::base(self.info, dataset, at);
        event.push(fansipan_model::fields::EVENT_TYPE, Value::Str("protocol"));
        event
    }

    /// An event is complete.
    pub(crate) fn emit(&mut self, event: Event) {
        self.out.push(event);
    }
}

/// A protocol over a stream.
pub(crate) trait StreamProtocol: Send {
    /// Reads on in one direction. `bytes` is everything not taken yet, never empty; `last`: no more will come.
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step;

    /// Bytes were not captured, after everything given so far; what was not taken is lost. Whether the protocol can go on.
    fn missing(&mut self, _cx: &mut Cx<'_>, _side: Side, _bytes: u64) -> bool {
        false
    }

    /// One direction has ended.
    fn closed(&mut self, _cx: &mut Cx<'_>, _side: Side) {}

    /// The flow has ended: what is still held goes out.
    fn finish(&mut self, _cx: &mut Cx<'_>) {}

    /// Bytes that it keeps itself, about.
    fn held(&self) -> usize {
        0
    }

    /// How much may be held that was not taken.
    fn limit(&self) -> usize {
        64 << 10
    }
}

/// A protocol over datagrams.
pub(crate) trait DatagramProtocol: Send {
    /// Reads one datagram.
    fn datagram(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]);

    /// Bytes that it keeps, about.
    fn held(&self) -> usize {
        0
    }

    /// The flow has ended: what is still held goes out.
    fn finish(&mut self, _cx: &mut Cx<'_>) {}
}

/// How a protocol is recognized and begun.
pub(crate) struct Entry<P: ?Sized + 'static> {
    /// `network.protocol`.
    pub(crate) name: &'static str,
    pub(crate) probe: fn(&Beginning<'_>) -> Verdict,
    pub(crate) start: fn() -> Box<P>,
}

/// Adds what is known.
pub(crate) fn put<'a>(event: &mut Event, name: &str, value: impl Into<Option<&'a str>>) {
    if let Some(value) = value.into().filter(|v| !v.is_empty()) {
        event.push_named(name, Value::Str(value));
    }
}

/// Stream protocols. The first that says yes gets the flow, once none before it is unsure.
pub(crate) static STREAMS: &[Entry<dyn StreamProtocol>] = &[
    tls::STREAM,
    http::STREAM,
    ssh::STREAM,
    smb::STREAM,
    kerberos::STREAM,
    ldap::STREAM,
    dce_rpc::STREAM,
    rdp::STREAM,
    socks::STREAM,
    smtp::STREAM,
    ftp::STREAM,
    pop3::STREAM,
    imap::STREAM,
    mysql::STREAM,
    postgresql::STREAM,
    tds::STREAM,
    modbus::STREAM,
    dnp3::STREAM,
    sip::STREAM,
    syslog::STREAM,
    dns::STREAM,
];

/// Datagram protocols. The first that says yes gets the flow.
pub(crate) static DATAGRAMS: &[Entry<dyn DatagramProtocol>] = &[
    quic::DATAGRAM,
    kerberos::DATAGRAM,
    ldap::DATAGRAM,
    snmp::DATAGRAM,
    dhcp::DATAGRAM,
    ntp::DATAGRAM,
    radius::DATAGRAM,
    sip::DATAGRAM,
    dnp3::DATAGRAM,
    syslog::DATAGRAM,
    dns::DATAGRAM,
];

mod asn1;
mod dce_rpc;
mod dhcp;
mod dnp3;
mod dns;
mod ftp;
mod hashes;
mod http;
mod imap;
mod kerberos;
mod ldap;
mod lines;
mod modbus;
mod mysql;
mod ntlm;
mod ntp;
mod pop3;
mod postgresql;
mod quic;
mod radius;
mod rdp;
mod sip;
mod smb;
mod smtp;
mod snmp;
mod socks;
mod ssh;
mod syslog;
mod tds;
mod tls;
