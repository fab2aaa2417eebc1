//! Anything to normalized Event: transports, syntaxes, vendor formats as data.
//!
//! [`Normalizer::normalize`] turns one record with its provenance ([`Received`]) into one event and never fails: what nothing
//! understands is kept whole as `event.kind: pipeline_error`. What a vendor's fields mean is data (`collector/formats`), what a
//! syntax looks like is code ([`decode`]), where records come from is [`sources`].
//!
//! Invariants: the record as received and the peer are in every event; nothing a record holds is lost (a field no format maps
//! stays under the vendor's prefix); no input makes this crate panic or use memory beyond a constant times the record.

pub mod charset;
pub mod clock;
pub mod decode;
pub mod format;
pub mod ledger;
pub mod normalize;
pub mod pipeline;
pub mod records;
pub mod sources;
pub mod state;
pub mod tap;

pub use format::FormatError;
pub use normalize::{Normalizer, Settings};
pub use state::SourceState;

use std::net::SocketAddr;

/// How a record reached this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// Syslog datagram.
    Udp,
    /// Syslog over TCP.
    Tcp,
    /// Syslog over TLS (RFC 5425).
    Tls,
    /// A file that is followed or read.
    File,
    /// HTTP ingest.
    Http,
    /// Standard input.
    Stdin,
    /// Packets, through the network sensor.
    Tap,
}

impl Transport {
    /// The word in `fansipan.transport` and in source names.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::File => "file",
            Transport::Http => "http",
            Transport::Stdin => "stdin",
            Transport::Tap => "tap",
        }
    }
}

/// One record with where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The record as framed, without the frame's own bytes.
    pub raw: &'a [u8],
    /// Sender, for network transports.
    pub peer: Option<SocketAddr>,
    /// How it came.
    pub transport: Transport,
    /// Subject of the verified TLS client certificate.
    pub tls_identity: Option<&'a str>,
    /// When it came, UTC nanoseconds; becomes `event.ingested`.
    pub at: i64,
    /// File it was read from, or name of the HTTP token.
    pub path: Option<&'a str>,
}
