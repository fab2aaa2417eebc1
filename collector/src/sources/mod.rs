//! Where records come from, a file per transport: sockets, files and requests in, records with their peer and time out.
//!
//! Never gives a record a meaning, never acknowledges what is not durable, never drops without counting whose it was and why.
//! [`Sources::start`] opens everything the configuration names, or says what is in the way and opens nothing.

pub mod config;
pub mod error;
mod file;
pub mod framing;
pub mod http;
mod http_body;
mod http_listen;
pub mod limits;
mod listen;
mod stdin;
mod stream;
pub mod tap;
mod tls;
mod udp;
mod udp_drops;

use std::{net::SocketAddr, path::Path, sync::Arc, thread::JoinHandle, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use config::SourcesConfig;
pub use error::SourceError;
pub use http::{Ingest, Sender, Verifier};

use crate::{Transport, pipeline::Pipeline};
use stream::Context;
use tls::DefaultCertificate;

/// A port that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// What comes in there.
    pub transport: Transport,
    /// The address, with the port the system chose where 0 was configured.
    pub address: SocketAddr,
}

/// All sources of one collector, running.
pub struct Sources {
    bound: Vec<Bound>,
    context: Context,
    threads: Vec<JoinHandle<()>>,
    ingest: Ingest,
}

/// How long connections may take to end when the collector stops.
const STOP: Duration = Duration::from_secs(10);

impl Sources {
    /// Opens every port and file. `data` is the data folder: how far files were read is kept in `data/sources`, and TLS without
    /// a certificate of its own uses the console's in `data/tls`.
    pub async fn start(config: &SourcesConfig, data: &Path, pipeline: Pipeline, ingest: Ingest) -> Result<Sources, SourceError> {
        config.check()?;
        let stop = CancellationToken::new();
        // whatever was opened before an error closes again
        let closing = stop.clone().drop_guard();
        let context = Context {
            pipeline,
            gate: limits::Gate::new(&config.limits),
            limits: Arc::new(config.limits.clone()),
            stop,
            tasks: TaskTracker::new(),
        };
        let mut sources = Sources { bound: Vec::new(), context, threads: Vec::new(), ingest };
        let console = DefaultCertificate::of_console(data);
        sources.open_streams(config, console.as_ref())?;
        sources.open_http(config, console.as_ref())?;
        sources.open_udp(config)?;
        if !config.file.is_empty() {
            sources.threads.push(file::start(&config.file, &data.join("sources"), &sources.context)?);
        }
        // last: the sensor's threads keep fewer rights than what was opened before needed
        sources.threads.extend(tap::start(&config.tap, data, &sources.context)?);
        closing.disarm();
        Ok(sources)
    }

    /// The ports that are open.
    pub fn bound(&self) -> &[Bound] {
        &self.bound
    }

    /// Takes records from standard input until it ends.
    pub fn read_stdin(&self) {
        if let Err(error) = stdin::start(std::io::stdin(), &self.context) {
            tracing::error!(%error, "standard input is not read");
        }
    }

    /// Stops taking connections and hands everything that is on its way to the log; what can be slow to end (a connection, a
    /// request) is cut after ten seconds. [`Pipeline::close`] then waits until all of it is durable.
    pub async fn stop(self) {
        self.context.stop.cancel();
        self.context.tasks.close();
        if tokio::time::timeout(STOP, self.context.tasks.wait()).await.is_err() {
            tracing::warn!(connections = self.context.tasks.len(), "connections did not end in time and were cut");
        }
        join(self.threads).await;
    }

    fn open_streams(&mut self, config: &SourcesConfig, console: Option<&DefaultCertificate>) -> Result<(), SourceError> {
        let all: Vec<SocketAddr> = config.tcp.iter().map(|t| t.listen).chain(config.tls.iter().map(|t| t.listen)).collect();
        for tcp in &config.tcp {
            let listener = self.listen(Transport::Tcp, tcp.listen, &all)?;
            let (framing, context) = (tcp.framing, self.context.clone());
            self.context.tasks.spawn(stream::accept(listener, framing, None, context));
        }
        for t in &config.tls {
            if t.tls.certificate.is_none() && console.is_none() && *t == config::TlsListenerConfig::default() {
                tracing::info!("no certificate yet: syslog over TLS stays closed");
                continue;
            }
            let acceptor = tls::acceptor("tls", t.listen, &t.tls, console)?;
            let listener = self.listen(Transport::Tls, t.listen, &all)?;
            let (framing, context) = (t.framing, self.context.clone());
            self.context.tasks.spawn(stream::accept(listener, framing, Some(acceptor), context));
        }
        Ok(())
    }

    fn open_http(&mut self, config: &SourcesConfig, console: Option<&DefaultCertificate>) -> Result<(), SourceError> {
        let all: Vec<SocketAddr> = config.http.iter().map(|h| h.listen).collect();
        for http in &config.http {
            let acceptor = match &http.tls {
                Some(t) => Some(tls::acceptor("http", http.listen, t, console)?),
                None => None,
            };
            let listener = self.listen(Transport::Http, http.listen, &all)?;
            let (router, context) = (self.ingest.router(), self.context.clone());
            self.context.tasks.spawn(http_listen::accept(listener, acceptor, router, context));
        }
        Ok(())
    }

    fn open_udp(&mut self, config: &SourcesConfig) -> Result<(), SourceError> {
        for udp in &config.udp {
            let only_v6 = listen::only_v6(udp.listen, config.udp.iter().map(|u| u.listen));
            let (socket, buffer) = listen::udp(udp.listen, only_v6, udp.receive_buffer_bytes)?;
            let failed = |e| SourceError::listen("udp", udp.listen, e);
            let address = socket.local_addr().map_err(failed)?;
            // the kernel reports twice what it grants (socket(7))
            if buffer / 2 < udp.receive_buffer_bytes / 2 {
                tracing::warn!(%address, granted = buffer / 2, asked = udp.receive_buffer_bytes, "the UDP buffer is small and bursts may be lost: set net.core.rmem_max with sysctl, or give the service CAP_NET_ADMIN");
            }
            self.threads.extend(udp::start(udp, socket, &self.context)?);
            self.bound.push(Bound { transport: Transport::Udp, address });
        }
        Ok(())
    }

    fn listen(&mut self, transport: Transport, address: SocketAddr, all: &[SocketAddr]) -> Result<tokio::net::TcpListener, SourceError> {
        let word = transport.as_str();
        let listener = listen::tcp(word, address, listen::only_v6(address, all.iter().copied()))?;
        let failed = |e| SourceError::listen(word, address, e);
        let address = listener.local_addr().map_err(failed)?;
        self.bound.push(Bound { transport, address });
        tokio::net::TcpListener::from_std(listener).map_err(failed)
    }
}

async fn join(threads: Vec<JoinHandle<()>>) {
    let all = move || threads.into_iter().filter_map(|t| t.join().err()).count();
    match tokio::time::timeout(STOP, tokio::task::spawn_blocking(all)).await {
        Ok(Ok(0)) => {}
        Ok(Ok(ended)) => tracing::error!(ended, "threads of the collector ended abnormally"),
        Ok(Err(error)) => tracing::error!(%error, "waiting for the collector's threads failed"),
        Err(_) => {
            tracing::warn!("threads of the collector wait for the log and are left behind; files are read again from what is durable")
        }
    }
}
