//! Syslog over TCP and TLS: accept, limit, frame, hand over; back-pressure by not reading.
//!
//! Never reads ahead of the log: while a batch waits for room, the connection's window closes and the sender waits.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    config::LimitsConfig,
    framing::{Framer, Framing},
    limits::{Admission, Gate},
    listen, tls,
};
use crate::{
    Transport,
    ledger::Reason,
    pipeline::{Lane, Origin, Pipeline, now},
};

/// A connection silent for this long gives its buffer back.
const REST_AFTER: Duration = Duration::from_secs(10);
/// How long a stopping collector listens to what is still on its way.
const DRAIN: Duration = Duration::from_secs(1);
/// Silence that ends the draining of one connection.
const DRAIN_GAP: Duration = Duration::from_millis(20);
/// Pause after the system refused to accept (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all sources of one collector share.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) pipeline: Pipeline,
    pub(crate) gate: Gate,
    pub(crate) limits: Arc<LimitsConfig>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// Accepts until the collector stops; each connection is a task.
pub(crate) async fn accept(listener: TcpListener, framing: Framing, tls: Option<TlsAcceptor>, context: Context) {
    let transport = if tls.is_some() { Transport::Tls } else { Transport::Tcp };
    loop {
        let accepted = tokio::select! {
            () = context.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, listen::canonical(peer)),
            Err(error) => {
                tracing::warn!(%error, transport = transport.as_str(), "a connection could not be accepted: raise LimitNOFILE if files ran out");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let origin = Origin::new(transport);
        match context.gate.admit(peer.ip(), Instant::now()) {
            Ok(admission) => {
                let (context, tls) = (context.clone(), tls.clone());
                context.tasks.clone().spawn(async move { connection(stream, peer, origin, framing, tls, &context, &admission).await });
            }
            Err(reason) => {
                tracing::debug!(%peer, reason = reason.as_str(), "connection refused");
                context.pipeline.refuse(&origin, Some(peer.ip()), reason, 1);
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    mut origin: Origin,
    framing: Framing,
    tls: Option<TlsAcceptor>,
    context: &Context,
    admission: &Admission,
) {
    listen::keep_alive(&stream);
    let Some(acceptor) = tls else {
        return serve(stream, peer, origin, framing, context, admission).await;
    };
    let limit = Duration::from_secs(context.limits.handshake_seconds.max(1));
    let shaken = tokio::select! {
        () = context.stop.cancelled() => return,
        shaken = timeout(limit, acceptor.accept(stream)) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => {
            let (_, session) = stream.get_ref();
            let shown = session.peer_certificates().and_then(|chain| chain.first());
            origin.tls_identity = shown.and_then(tls::identity).map(Arc::from);
            serve(stream, peer, origin, framing, context, admission).await;
        }
        Ok(Err(error)) => {
            tracing::info!(%peer, %error, "TLS handshake failed");
            context.pipeline.refuse(&origin, Some(peer.ip()), Reason::Handshake, 1);
        }
        Err(_) => context.pipeline.refuse(&origin, Some(peer.ip()), Reason::HandshakeTimeout, 1),
    }
}

/// How a read ended.
enum Read {
    Bytes(usize),
    Ended,
    Idle,
    Stopped,
}

impl From<io::Result<usize>> for Read {
    fn from(result: io::Result<usize>) -> Self {
        match result {
            Ok(0) => Read::Ended,
            Ok(n) => Read::Bytes(n),
            Err(error) => {
                // a peer that resets, or leaves TLS without saying so: what it sent before counts
                tracing::debug!(%error, "connection broke");
                Read::Ended
            }
        }
    }
}

/// Serves one connection to its end.
async fn serve<S: AsyncRead + Unpin>(
    mut stream: S,
    peer: SocketAddr,
    origin: Origin,
    framing: Framing,
    context: &Context,
    admission: &Admission,
) {
    let mut framer = Framer::new(framing, context.limits.max_record_bytes);
    let mut lane = context.pipeline.lane(origin.clone());
    loop {
        let read = if lane.is_empty() {
            wait(&mut stream, &mut framer, context).await
        } else {
            let more = tokio::select! {
                biased;
                read = stream.read(framer.space()) => Some(Read::from(read)),
                () = std::future::ready(()) => None,
            };
            match more {
                Some(read) => read,
                // nothing more at once: what there is must not wait
                None => match lane.flush().await {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            }
        };
        match read {
            Read::Bytes(count) => {
                framer.filled(count);
                let records = match take(&mut framer, &mut lane, peer).await {
                    Some(records) => records,
                    None => return,
                };
                pace(admission.spend(records, count as u64), &mut lane, context).await;
            }
            Read::Ended => break,
            Read::Idle => {
                context.pipeline.refuse(&origin, Some(peer.ip()), Reason::IdleTimeout, 1);
                break;
            }
            Read::Stopped => {
                drain(&mut stream, &mut framer, &mut lane, peer).await;
                break;
            }
        }
    }
    let at = now();
    while let Some(frame) = framer.last_frame() {
        lane.push(Some(peer), frame.record, frame.truncated, at);
    }
    if let Err(error) = lane.flush().await {
        tracing::warn!(%peer, %error, "the last records of a connection were not stored");
    }
}

/// Takes every whole record of the last read; `None` once the log is closed.
async fn take(framer: &mut Framer, lane: &mut Lane, peer: SocketAddr) -> Option<u64> {
    let at = now();
    let mut records = 0;
    while let Some(frame) = framer.next_frame() {
        lane.push(Some(peer), frame.record, frame.truncated, at);
        records += 1;
        if lane.is_full() {
            lane.flush().await.ok()?;
            // a busy connection must not hold the thread that others need
            tokio::task::yield_now().await;
        }
    }
    Some(records)
}

/// Slows a sender down to its allowance.
async fn pace(pause: Duration, lane: &mut Lane, context: &Context) {
    if pause.is_zero() || lane.flush().await.is_err() {
        return;
    }
    tokio::select! {
        () = context.stop.cancelled() => {}
        () = sleep(pause) => {}
    }
}

async fn wait<S: AsyncRead + Unpin>(stream: &mut S, framer: &mut Framer, context: &Context) -> Read {
    let idle = match context.limits.idle_seconds {
        0 => Duration::MAX,
        seconds => Duration::from_secs(seconds),
    };
    tokio::select! {
        biased;
        () = context.stop.cancelled() => return Read::Stopped,
        read = timeout(REST_AFTER.min(idle), stream.read(framer.space())) => {
            if let Ok(read) = read {
                return read.into();
            }
        }
    }
    let left = idle.saturating_sub(REST_AFTER);
    if left.is_zero() {
        return Read::Idle;
    }
    framer.rest();
    let mut first = [0u8; 256];
    let read = tokio::select! {
        biased;
        () = context.stop.cancelled() => return Read::Stopped,
        read = timeout(left, stream.read(&mut first)) => match read {
            Ok(read) => Read::from(read),
            Err(_) => Read::Idle,
        },
    };
    if let Read::Bytes(count) = read {
        let space = framer.space();
        for (to, from) in space.iter_mut().zip(first.iter().take(count)) {
            *to = *from;
        }
    }
    read
}

/// Reads what the sender believes delivered: bytes that the kernel holds already.
async fn drain<S: AsyncRead + Unpin>(stream: &mut S, framer: &mut Framer, lane: &mut Lane, peer: SocketAddr) {
    let until = Instant::now() + DRAIN;
    while Instant::now() < until {
        match timeout(DRAIN_GAP, stream.read(framer.space())).await {
            Ok(Ok(count)) if count > 0 => {
                framer.filled(count);
                if take(framer, lane, peer).await.is_none() {
                    return;
                }
            }
            _ => return,
        }
    }
}
