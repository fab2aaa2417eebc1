//! HTTP ingest on a port of its own, with or without TLS. The route itself is [`super::http`]'s.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{Router, extract::ConnectInfo};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::{listen, stream::Context};
use crate::{Transport, ledger::Reason, pipeline::Origin};

/// How long the head of a request may take.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long requests that were begun may go on when the collector stops.
const LAST_REQUESTS: Duration = Duration::from_secs(5);
/// Pause after the system refused to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until the collector stops; each connection is a task.
pub(crate) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, context: Context) {
    let origin = Origin::new(Transport::Http);
    loop {
        let accepted = tokio::select! {
            () = context.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, listen::canonical(peer)),
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection could not be accepted: raise LimitNOFILE if files ran out");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let admission = match context.gate.admit(peer.ip(), Instant::now()) {
            Ok(admission) => admission,
            Err(reason) => {
                context.pipeline.refuse(&origin, Some(peer.ip()), reason, 1);
                continue;
            }
        };
        let (tls, router, task, origin) = (tls.clone(), router.clone(), context.clone(), origin.clone());
        context.tasks.spawn(async move {
            match tls {
                None => serve(stream, peer, router, &task).await,
                Some(acceptor) => {
                    let limit = Duration::from_secs(task.limits.handshake_seconds.max(1));
                    match timeout(limit, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => serve(stream, peer, router, &task).await,
                        Ok(Err(_)) => task.pipeline.refuse(&origin, Some(peer.ip()), Reason::Handshake, 1),
                        Err(_) => task.pipeline.refuse(&origin, Some(peer.ip()), Reason::HandshakeTimeout, 1),
                    }
                }
            }
            drop(admission);
        });
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, peer: SocketAddr, router: Router, context: &Context) {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(32);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = context.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_REQUESTS, connection.as_mut()).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "HTTP connection broke");
    }
}
