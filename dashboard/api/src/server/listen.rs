//! Accepts connections, on TLS and on the unix socket, and hands their requests to the router with who is calling.
//!
//! Bounds what a stranger can hold: connections in all and per address, time for the handshake and for the head of a
//! request, streams and header bytes per connection.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use hashbrown::HashMap;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Connections at once, of all callers.
const CONNECTIONS: usize = 2048;
/// Connections at once from one address.
const PER_ADDRESS: u32 = 128;
/// Time for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Time for the head of a request, and how long an idle HTTP/1.1 connection is kept.
const HEAD: Duration = Duration::from_secs(30);
/// How long sent bytes may stay unacknowledged.
const STALLED: Duration = Duration::from_secs(60);
/// How long requests under way may take to end once the service stops.
const GRACE: Duration = Duration::from_secs(10);

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Over TLS.
    Network(SocketAddr),
    /// On the unix socket. `trusted`: root or the service's own user.
    Local {
        /// As the kernel tells.
        uid: u32,
        /// Whether it may act as administrator.
        trusted: bool,
    },
}

impl Peer {
    /// How the audit trail names it.
    pub(crate) fn address(&self) -> String {
        match self {
            Peer::Network(address) => address.ip().to_canonical().to_string(),
            Peer::Local { uid, .. } => format!("unix:uid={uid}"),
        }
    }
}

/// Connections by address.
type Table = Arc<Mutex<HashMap<IpAddr, u32>>>;

/// What all listeners share.
#[derive(Clone)]
pub(super) struct Acceptor {
    app: Router,
    connections: Arc<Semaphore>,
    per_address: Table,
    stop: CancellationToken,
}

/// One connection's place; gives it back when dropped.
struct Place {
    _permit: OwnedSemaphorePermit,
    address: Option<(IpAddr, Table)>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((ip, table)) = &self.address {
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(n) = table.get_mut(ip) {
                *n -= 1;
                if *n == 0 {
                    table.remove(ip);
                }
            }
        }
    }
}

impl Acceptor {
    pub(super) fn new(app: Router, stop: CancellationToken) -> Self {
        Self { app, connections: Arc::new(Semaphore::new(CONNECTIONS)), per_address: Arc::default(), stop }
    }

    /// Serves TLS until told to stop, then lets requests under way end.
    pub(super) async fn serve_tls(self, listener: TcpListener, tls: TlsAcceptor) {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    refused(&e).await;
                    continue;
                }
            };
            let Some(place) = self.place(Some(address.ip())) else {
                tracing::warn!(peer = %address.ip(), "connection refused: too many at once");
                continue;
            };
            let (this, tls, watcher) = (self.clone(), tls.clone(), graceful.watcher());
            tokio::spawn(async move {
                this.tls_connection(stream, address, &tls, watcher).await;
                drop(place);
            });
        }
        drop(listener);
        finish(graceful).await;
    }

    /// Serves the unix socket until told to stop.
    pub(super) async fn serve_unix(self, listener: UnixListener, own_uid: u32) {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(e) => {
                    refused(&e).await;
                    continue;
                }
            };
            let Ok(credentials) = stream.peer_cred() else { continue };
            let Some(place) = self.place(None) else { continue };
            let uid = credentials.uid();
            let peer = Peer::Local { uid, trusted: uid == 0 || uid == own_uid };
            let (this, watcher) = (self.clone(), graceful.watcher());
            tokio::spawn(async move {
                this.unix_connection(stream, peer, watcher).await;
                drop(place);
            });
        }
        drop(listener);
        finish(graceful).await;
    }

    fn place(&self, ip: Option<IpAddr>) -> Option<Place> {
        let permit = self.connections.clone().try_acquire_owned().ok()?;
        let Some(ip) = ip.map(|ip| ip.to_canonical()) else { return Some(Place { _permit: permit, address: None }) };
        let mut table = self.per_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = table.entry(ip).or_insert(0);
        if *count >= PER_ADDRESS {
            return None;
        }
        *count += 1;
        drop(table);
        Some(Place { _permit: permit, address: Some((ip, self.per_address.clone())) })
    }

    async fn tls_connection(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        tls: &TlsAcceptor,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        let _ = stream.set_nodelay(true); // small answers at once; without it they are merely slower
        // A reader that stopped reading must not hold its place for ever.
        let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(STALLED));
        let stream = match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(e)) => return tracing::debug!(peer = %address.ip(), error = %e, "TLS handshake failed"),
            Err(_) => return tracing::debug!(peer = %address.ip(), "TLS handshake took too long"),
        };
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        self.requests(stream, Peer::Network(address), http2, watcher).await;
    }

    async fn unix_connection(&self, stream: UnixStream, peer: Peer, watcher: hyper_util::server::graceful::Watcher) {
        self.requests(stream, peer, false, watcher).await;
    }

    async fn requests<S>(&self, stream: S, peer: Peer, http2: bool, watcher: hyper_util::server::graceful::Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // The protocol is known from ALPN: guessing it from the first bytes would wait for them without limit.
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(100).max_buf_size(64 * 1024);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20))
            .max_concurrent_streams(100)
            .max_header_list_size(32 * 1024);
        let builder = if http2 { builder.http2_only() } else { builder.http1_only() };
        let app = self.app.clone();
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let app = app.clone();
            async move {
                let mut request: Request = request.map(Body::new);
                request.extensions_mut().insert(peer);
                if let Peer::Network(address) = peer {
                    request.extensions_mut().insert(ConnectInfo(address));
                }
                Ok::<_, Infallible>(app.oneshot(request).await.unwrap_or_else(|never| match never {}))
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        if let Err(e) = watcher.watch(connection).await {
            tracing::debug!(peer = ?peer, error = %e, "connection ended early");
        }
    }
}

/// Out of descriptors or the like: said, and no busy loop.
async fn refused(error: &std::io::Error) {
    tracing::warn!(error = %error, "cannot accept a connection");
    sleep(Duration::from_millis(100)).await;
}

async fn finish(graceful: GracefulShutdown) {
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way after {} s and were cut", GRACE.as_secs());
    }
}
