//! The network sensor: packets in, events out.
//!
//! [`Sensor`] is pure: bytes with a time of capture go in, events come out, no clock is read and nothing is opened. [`files`] reads
//! captures, [`verb`](Sensor::finish) ends them. Frames are decoded ([`decode`]) down to datagrams, through tags, labels and tunnels;
//! datagrams belong to flows (`flow`), bounded in number; TCP is put in order, bounded in bytes; what is in order goes to protocols
//! (`proto`), recognized by content. The same packets give the same events, however streams were cut into packets.

pub(crate) mod cursor;
pub mod decode;
pub mod files;
mod flow;
mod proto;
pub mod ring;
mod sensor;

pub use sensor::{Sensor, Summary};

/// What the sensor may use, and how long it waits. Times are nanoseconds of packet time.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Flows at once; beyond it the one that was quiet longest is ended and counted.
    pub flows: usize,
    /// Bytes of streams that wait to be put in order, over all flows.
    pub stream_bytes: usize,
    /// Bytes that protocols hold because they are not done with them, over all flows.
    pub protocol_bytes: usize,
    /// Bytes after which what a TCP flow says is no longer looked at.
    pub bypass: u64,
    /// Silence that ends a TCP connection.
    pub tcp_idle: i64,
    /// How long stragglers of a TCP connection that is over are waited for.
    pub tcp_linger: i64,
    /// Silence that ends any other flow.
    pub other_idle: i64,
    /// How often a long flow is reported while it goes on.
    pub alive: i64,
    /// Largest file in transfer that is hashed.
    pub file_limit: u64,
}

const SECOND: i64 = 1_000_000_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            flows: 1_000_000,
            stream_bytes: 256 << 20,
            protocol_bytes: 256 << 20,
            bypass: 256 << 20,
            tcp_idle: 3600 * SECOND,
            tcp_linger: 30 * SECOND,
            other_idle: 300 * SECOND,
            alive: 3600 * SECOND,
            file_limit: 64 << 20,
        }
    }
}
