//! CEF over syslog (RFC 5424 header) to another system, by UDP, TCP or TLS: it is told what is done and undone.

use std::{path::PathBuf, sync::Arc};

use fansipan_model::{Level, time};
use rustls_pki_types::ServerName;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
};
use tokio_rustls::TlsConnector;

use super::{Connector, Fault, Presence, Work, within};
use crate::{
    action::{Action, ActionKind},
    protected::Cleared,
};

/// How records travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// One datagram, which may get lost.
    Udp,
    /// Octet-counted (RFC 6587).
    Tcp,
    /// Octet-counted over TLS (RFC 5425).
    Tls,
}

/// Settings of a receiver of CEF.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CefConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How.
    pub transport: Transport,
    /// For TLS: PEM of the authority that signed the receiver's certificate; without it the system's.
    pub authority: Option<PathBuf>,
}

struct Cef {
    config: CefConfig,
    tls: Option<Arc<rustls::ClientConfig>>,
}

pub(super) fn connect(config: &CefConfig) -> Result<Box<dyn Connector>, String> {
    let tls = match config.transport {
        Transport::Tls => Some(Arc::new(super::http::tls(config.authority.as_deref())?)),
        Transport::Udp | Transport::Tcp => None,
    };
    Ok(Box::new(Cef { config: config.clone(), tls }))
}

fn header(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('|', "\\|")
}

fn value(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('=', "\\=")
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1024).collect()
}

fn severity(level: Level) -> u8 {
    match level {
        Level::Informational => 1,
        Level::Low => 3,
        Level::Medium => 5,
        Level::High => 8,
        Level::Critical => 10,
    }
}

/// The record, without its syslog header.
fn record(action: &Action, order: &str) -> String {
    let mut fields = vec![
        format!("externalId={}", action.id),
        format!("act={order}"),
        format!("suser={}", value(&action.requested.who)),
        format!("reason={}", value(&action.reason)),
        format!("cs1Label=target cs1={}", value(&action.target.text())),
        format!("cs2Label=agency cs2={}", value(&action.agency)),
    ];
    fields.extend(action.incident.iter().map(|i| format!("cs3Label=incident cs3={}", value(i))));
    fields.extend(action.parameters.get("text").map(|t| format!("msg={}", value(t))));
    let name = action.parameters.get("subject").cloned().unwrap_or_else(|| format!("{} {}", action.kind.as_str(), action.target.text()));
    format!(
        "CEF:0|Fansipan|Fansipan|{}|response.{}|{}|{}|{}",
        env!("CARGO_PKG_VERSION"),
        action.kind.as_str(),
        header(&name),
        severity(action.level),
        fields.join(" ")
    )
}

impl Cef {
    async fn tell(&self, action: &Action, order: &str) -> Result<String, Fault> {
        let at = format!("{}:{}", self.config.host, self.config.port);
        let stamp = time::to_rfc3339(action.approved.as_ref().map_or(action.requested.at, |a| a.at) / 1000 * 1000);
        let line = format!("<134>1 {stamp} fansipan fansipan - response - {}", record(action, order));
        within(&at, self.send(&at, line)).await?;
        Ok(format!("sent to {at}"))
    }

    async fn send(&self, at: &str, line: String) -> Result<(), Fault> {
        let unreachable = |e: std::io::Error| Fault::unreachable(format!("{at}: {e}"));
        if self.config.transport == Transport::Udp {
            let target = tokio::net::lookup_host(at)
                .await
                .map_err(unreachable)?
                .next()
                .ok_or_else(|| Fault::unreachable(format!("{at}: no address")))?;
            let own = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(own).await.map_err(unreachable)?;
            socket.send_to(line.as_bytes(), target).await.map_err(unreachable)?;
            return Ok(());
        }
        let stream = TcpStream::connect(at).await.map_err(unreachable)?;
        match &self.tls {
            None => write(stream, at, &line).await,
            Some(tls) => {
                let name =
                    ServerName::try_from(self.config.host.clone()).map_err(|e| Fault::refused(format!("{}: {e}", self.config.host)))?;
                let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
                write(stream.map_err(|e| Fault::refused(format!("{at}: TLS: {e}")))?, at, &line).await
            }
        }
    }
}

async fn write(mut stream: impl AsyncRead + AsyncWrite + Unpin, at: &str, line: &str) -> Result<(), Fault> {
    let unclear = |e: std::io::Error| Fault::unclear(format!("{at} broke off: {e}"));
    stream.write_all(format!("{} {line}", line.len()).as_bytes()).await.map_err(unclear)?;
    stream.flush().await.map_err(unclear)?;
    stream.shutdown().await.map_err(unclear)
}

impl Connector for Cef {
    fn does(&self) -> &'static [ActionKind] {
        &[ActionKind::Notify]
    }

    fn hosts(&self) -> Vec<String> {
        vec![self.config.host.clone()]
    }

    fn plan(&self, action: &Action) -> Vec<String> {
        vec![format!("to {}:{} by {:?}: {}", self.config.host, self.config.port, self.config.transport, record(action, "apply"))]
    }

    fn apply<'a>(&'a self, cleared: &'a Cleared<'a>) -> Work<'a, String> {
        Box::pin(self.tell(cleared.action(), "apply"))
    }

    fn undo<'a>(&'a self, _: &'a Action) -> Work<'a, String> {
        Box::pin(async { Ok("what was said stays said".to_owned()) })
    }

    fn probe<'a>(&'a self, _: &'a Action) -> Work<'a, Presence> {
        Box::pin(async { Ok(Presence::Unknown) })
    }
}
