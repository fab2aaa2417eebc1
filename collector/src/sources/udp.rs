//! Syslog over UDP (RFC 5426): one thread that only empties the socket, one that normalizes, a bounded queue between them.
//!
//! The first never waits for the second: with the queue full it goes on reading and counts what it drops, per sender, so that
//! the kernel drops nothing uncounted; what the kernel does drop is read from its own counter.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{Arc, mpsc as std_mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use hashbrown::HashMap;
use tokio::sync::mpsc;

use super::{
    config::UdpConfig,
    error::SourceError,
    framing::{shortened, trimmed},
    limits::Bucket,
    listen,
    stream::Context,
    udp_drops::KernelDrops,
};
use crate::{
    Transport,
    ledger::Reason,
    pipeline::{Origin, now},
};

/// Largest datagram there is.
const DATAGRAM: usize = 65_536;
/// Bytes of datagrams that travel to the decoder together.
const CHUNK: usize = 256 << 10;
/// Datagrams that travel together.
const CHUNK_DATAGRAMS: usize = 2048;
/// Longest time a datagram waits for company while the decoder is busy.
const LINGER: Duration = Duration::from_millis(5);
/// How often counters are reported and the kernel's are read.
const REPORT: Duration = Duration::from_millis(500);
/// How long a stopping collector empties the socket.
const DRAIN: Duration = Duration::from_millis(500);
/// Silence that ends the emptying.
const DRAIN_GAP: Duration = Duration::from_millis(20);
/// Senders whose allowance is remembered.
const SENDERS: usize = 65_536;

/// Datagrams in one buffer.
struct Chunk {
    bytes: Vec<u8>,
    used: usize,
    datagrams: Vec<(u32, SocketAddr, i64)>,
}

impl Chunk {
    fn new() -> Self {
        Self { bytes: vec![0; CHUNK + DATAGRAM], used: 0, datagrams: Vec::with_capacity(CHUNK_DATAGRAMS) }
    }

    fn is_full(&self) -> bool {
        self.used >= CHUNK || self.datagrams.len() >= CHUNK_DATAGRAMS
    }

    fn space(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.used..).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.used = 0;
        self.datagrams.clear();
    }
}

/// Starts the two threads of one port; they end after the collector stopped.
pub(crate) fn start(config: &UdpConfig, socket: UdpSocket, context: &Context) -> Result<Vec<JoinHandle<()>>, SourceError> {
    let listen = |e| SourceError::listen("udp", config.listen, e);
    socket.set_nonblocking(true).map_err(listen)?;
    let address = socket.local_addr().map_err(listen)?;
    let chunks = (config.queue_bytes / (CHUNK + DATAGRAM)).max(2);
    let (full, waiting) = mpsc::channel(chunks);
    let (returned, free) = std_mpsc::channel();
    let drops = KernelDrops::of(&socket, address);
    let receiver = Receiver {
        chunk: Some(Chunk::new()),
        spare: chunks - 1,
        full,
        free,
        drops,
        listener: Origin { path: Some(Arc::from(format!("listener/{address}"))), ..Origin::new(Transport::Udp) },
        origin: Origin::new(Transport::Udp),
        dropped: HashMap::default(),
        buckets: HashMap::default(),
        context: context.clone(),
    };
    let thread = |e| SourceError::Thread { what: "udp", source: e };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(thread)?;
    let receive = move || {
        if let Err(error) = runtime.block_on(receiver.run(socket)) {
            tracing::error!(%error, %address, "a UDP port ended");
        }
    };
    let decoding = context.clone();
    let decode = move || decode_all(waiting, &returned, &decoding);
    Ok(vec![
        thread::Builder::new().name("udp-receive".to_owned()).spawn(receive).map_err(thread)?,
        thread::Builder::new().name("udp-decode".to_owned()).spawn(decode).map_err(thread)?,
    ])
}

struct Receiver {
    chunk: Option<Chunk>,
    /// Buffers that may still be made.
    spare: usize,
    full: mpsc::Sender<Chunk>,
    free: std_mpsc::Receiver<Chunk>,
    drops: KernelDrops,
    listener: Origin,
    origin: Origin,
    dropped: HashMap<(IpAddr, Reason), u64, foldhash::fast::RandomState>,
    buckets: HashMap<IpAddr, Bucket, foldhash::fast::RandomState>,
    context: Context,
}

impl Receiver {
    async fn run(mut self, socket: UdpSocket) -> io::Result<()> {
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        let limited = self.context.gate.limits_rates();
        let mut scratch = vec![0u8; DATAGRAM];
        let mut reported = Instant::now();
        let mut until: Option<Instant> = None;
        loop {
            let room = self.room();
            let got = match self.chunk.as_mut().filter(|_| room) {
                Some(chunk) => socket.try_recv_from(chunk.space()),
                None => socket.try_recv_from(&mut scratch),
            };
            match got {
                Ok((length, peer)) => self.arrived(length, listen::canonical(peer), room, limited),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if until.is_some() {
                        if tokio::time::timeout(DRAIN_GAP, socket.readable()).await.is_err() {
                            break;
                        }
                        continue;
                    }
                    let waited = self.idle(&socket).await;
                    if !waited {
                        until = Some(Instant::now() + DRAIN);
                    }
                }
                // an ICMP answer to nothing we sent; the socket goes on
                Err(error) => tracing::debug!(%error, "udp receive"),
            }
            if reported.elapsed() >= REPORT {
                self.report();
                reported = Instant::now();
            }
            if until.is_some_and(|u| Instant::now() > u) {
                break;
            }
        }
        self.pass_on();
        self.report();
        Ok(())
    }

    /// Whether there is room for a datagram; passes a full chunk on and takes the next.
    fn room(&mut self) -> bool {
        if self.chunk.as_ref().is_some_and(Chunk::is_full) {
            self.pass_on();
        }
        if self.chunk.is_none() {
            self.chunk = match self.free.try_recv() {
                Ok(chunk) => Some(chunk),
                Err(_) if self.spare > 0 => {
                    self.spare -= 1;
                    Some(Chunk::new())
                }
                Err(_) => None,
            };
        }
        self.chunk.is_some()
    }

    fn arrived(&mut self, length: usize, peer: SocketAddr, room: bool, limited: bool) {
        if length == 0 {
            return;
        }
        if limited && !self.allowed(peer.ip(), length) {
            *self.dropped.entry((peer.ip(), Reason::RateLimit)).or_default() += 1;
            return;
        }
        match self.chunk.as_mut().filter(|_| room) {
            Some(chunk) => {
                chunk.datagrams.push((length as u32, peer, now()));
                chunk.used += length;
            }
            None => *self.dropped.entry((peer.ip(), Reason::QueueFull)).or_default() += 1,
        }
        if self.dropped.len() >= SENDERS {
            self.report();
        }
    }

    fn allowed(&mut self, ip: IpAddr, length: usize) -> bool {
        let now = Instant::now();
        if self.buckets.len() >= SENDERS && !self.buckets.contains_key(&ip) {
            self.buckets.retain(|_, b| !b.is_full(now));
            if self.buckets.len() >= SENDERS {
                self.buckets.clear();
            }
        }
        let gate = &self.context.gate;
        self.buckets.entry(ip).or_insert_with(|| gate.bucket(now)).allow(length as u64, now)
    }

    /// Waits for the next datagram; `false`: the collector stops.
    async fn idle(&mut self, socket: &tokio::net::UdpSocket) -> bool {
        let filled = self.chunk.as_ref().is_some_and(|c| !c.datagrams.is_empty());
        let decoder_busy = self.full.capacity() < self.full.max_capacity();
        if filled && !decoder_busy {
            self.pass_on();
        }
        let linger = if filled && decoder_busy { LINGER } else { REPORT };
        let stop = self.context.stop.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => return false,
            ready = tokio::time::timeout(linger, socket.readable()) => {
                if ready.is_err() && filled && decoder_busy {
                    self.pass_on();
                }
            }
        }
        true
    }

    fn pass_on(&mut self) {
        let Some(chunk) = self.chunk.take_if(|c| !c.datagrams.is_empty()) else { return };
        if let Err(back) = self.full.try_send(chunk) {
            // as many places as buffers: only a decoder that ended refuses
            let chunk = back.into_inner();
            for (_, peer, _) in &chunk.datagrams {
                *self.dropped.entry((peer.ip(), Reason::NotStored)).or_default() += 1;
            }
        }
    }

    fn report(&mut self) {
        for ((ip, reason), count) in self.dropped.drain() {
            self.context.pipeline.refuse(&self.origin, Some(ip), reason, count);
        }
        let lost = self.drops.since_last();
        if lost > 0 {
            tracing::warn!(lost, listener = ?self.listener.path, "the kernel dropped datagrams: raise net.core.rmem_max and receive_buffer_bytes");
            self.context.pipeline.refuse(&self.listener, None, Reason::KernelDrop, lost);
        }
    }
}

fn decode_all(mut waiting: mpsc::Receiver<Chunk>, returned: &std_mpsc::Sender<Chunk>, context: &Context) {
    let mut lane = context.pipeline.lane(Origin::new(Transport::Udp));
    let limit = context.limits.max_record_bytes;
    while let Some(mut chunk) = waiting.blocking_recv() {
        let mut at = 0;
        for &(length, peer, arrived) in &chunk.datagrams {
            let datagram = chunk.bytes.get(at..at + length as usize).unwrap_or_default();
            at += length as usize;
            let (record, cut) = shortened(trimmed(datagram), limit);
            if !record.is_empty() {
                lane.push(Some(peer), record, cut, arrived);
            }
            if lane.is_full() && lane.flush_blocking().is_err() {
                return;
            }
        }
        chunk.clear();
        // the receiver is gone once the collector stops
        drop(returned.send(chunk));
        if waiting.is_empty() && lane.flush_blocking().is_err() {
            return;
        }
    }
}
