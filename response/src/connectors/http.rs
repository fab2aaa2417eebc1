//! HTTP to devices and webhooks: TLS against a pinned authority, no redirects, no proxy, and a guard against requests that
//! are made to reach where they should not (the names are resolved here, every address is checked, and only those are used).

use std::{net::IpAddr, path::Path, sync::Arc};

use ipnet::IpNet;
use reqwest::{Client, Response, StatusCode, Url};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::Value;

use super::{Fault, PATIENCE};
use crate::target::canonical;

/// Largest answer that is read, bytes.
const LARGEST: usize = 1 << 20;

/// Where requests may go.
pub(super) struct Guard {
    /// Networks inside that may be reached besides public addresses.
    pub(super) inside: Vec<IpNet>,
    /// A device that the operator named by address or host: wherever it is.
    pub(super) anywhere: bool,
}

impl Guard {
    fn allows(&self, address: IpAddr) -> bool {
        let net = canonical(IpNet::from(address));
        let address = net.addr();
        if self.anywhere || self.inside.iter().any(|n| n.contains(&address)) {
            return true;
        }
        match address {
            IpAddr::V4(a) => {
                let [first, second, ..] = a.octets();
                let shared = first == 100 && (64..128).contains(&second);
                !(a.is_private() || a.is_loopback() || a.is_link_local() || a.is_unspecified() || a.is_multicast())
                    && !(a.is_broadcast() || first == 0 || first >= 240 || shared)
            }
            // global unicast only, and none that carries IPv4
            IpAddr::V6(a) => (a.segments()[0] & 0xe000) == 0x2000 && crate::target::faces(&net).len() == 1 && a.segments()[0] != 0x2002,
        }
    }
}

/// One system that is spoken to by HTTP.
pub(super) struct Http {
    pub(super) base: Url,
    tls: rustls::ClientConfig,
    guard: Guard,
}

impl Http {
    /// `authority`: PEM of the authority or of the device's own certificate. Without it: the system's.
    pub(super) fn new(base: &str, authority: Option<&Path>, guard: Guard) -> Result<Http, String> {
        let base = Url::parse(base).map_err(|e| format!("`{base}` is no URL: {e}"))?;
        let loopback = base
            .host_str()
            .is_some_and(|h| h == "localhost" || h.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|a| a.is_loopback()));
        if base.scheme() != "https" && !(base.scheme() == "http" && loopback) {
            return Err(format!("{base} must begin with https:// (secrets never travel in the clear; plain http only to loopback)"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err("the URL holds a user or password: put secrets into files".to_owned());
        }
        let tls = if base.scheme() == "https" { tls(authority)? } else { trusting(RootCertStore::empty())? };
        Ok(Http { base, tls, guard })
    }

    pub(super) fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned()
    }

    /// A client that reaches the addresses checked just now and no others.
    async fn client(&self) -> Result<Client, Fault> {
        let host = self.host();
        let port = self.base.port_or_known_default().unwrap_or(443);
        let found = tokio::net::lookup_host((host.as_str(), port)).await.map_err(|e| Fault::unreachable(format!("{host}: {e}")))?;
        let found: Vec<_> = found.collect();
        if let Some(bad) = found.iter().find(|a| !self.guard.allows(a.ip())) {
            return Err(Fault::refused(format!(
                "{host} stands for {}, an inside address: list its network under `inside` if that is meant",
                bad.ip()
            )));
        }
        let builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE / 3)
            .resolve_to_addrs(&host, &found)
            .user_agent(concat!("fansipan/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(self.tls.clone());
        builder.build().map_err(|e| Fault::refused(format!("HTTP client: {}", plain(&e))))
    }

    /// Sends a request that `shape` completes; status and JSON (or text) of the answer.
    pub(super) async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        shape: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<(StatusCode, Value), Fault> {
        let url = if path.is_empty() {
            self.base.clone()
        } else {
            self.base.join(path).map_err(|e| Fault::refused(format!("{path} is no path: {e}")))?
        };
        let client = self.client().await?;
        let answer = shape(client.request(method, url)).send().await.map_err(|e| {
            let text = format!("{}: {}", self.host(), plain(&e));
            if e.is_connect() { Fault::unreachable(text) } else { Fault::unclear(text) }
        })?;
        let status = answer.status();
        let body = body(answer).await.map_err(|e| Fault::unclear(format!("{}: {e}", self.host())))?;
        Ok((
            status,
            serde_json::from_slice(&body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).chars().take(300).collect())),
        ))
    }
}

async fn body(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| plain(&e))? {
        out.extend_from_slice(&chunk);
        if out.len() > LARGEST {
            return Err("answered more than 1 MiB".to_owned());
        }
    }
    Ok(out)
}

/// An error's causes without its URL, which may hold a secret path.
fn plain(error: &reqwest::Error) -> String {
    let mut out = if error.is_timeout() { "time-out".to_owned() } else { "request failed".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        out = format!("{out}: {inner}");
        cause = inner.source();
    }
    out
}

/// TLS against a pinned authority, or the system's.
pub(super) fn tls(authority: Option<&Path>) -> Result<rustls::ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let path = authority.unwrap_or(Path::new("/etc/ssl/certs/ca-certificates.crt"));
    let failed = |e: rustls_pki_types::pem::Error| format!("certificates {} cannot be read: {e}", path.display());
    for certificate in CertificateDer::pem_file_iter(path).map_err(failed)? {
        // a bundle may hold one that this library does not take
        let _ = roots.add(certificate.map_err(failed)?);
    }
    if roots.is_empty() {
        return Err(format!("{} holds no certificate", path.display()));
    }
    trusting(roots)
}

fn trusting(roots: RootCertStore) -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(|e| format!("TLS: {e}"))?.with_root_certificates(roots).with_no_client_auth())
}

/// What a status that is no success means for the order.
pub(super) fn refusal(host: &str, status: StatusCode, body: &Value) -> Fault {
    let text: String = match body {
        Value::String(text) => text.chars().take(200).collect(),
        other => other.to_string().chars().take(200).collect(),
    };
    match status.as_u16() {
        401 | 403 => Fault::refused(format!("{host} does not accept our credentials ({status})")),
        408 | 425 | 429 | 500..=599 => Fault::unclear(format!("{host} answered {status}: {text}")),
        _ => Fault::refused(format!("{host} answered {status}: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_outside_only_unless_told() {
        let guard = Guard { inside: vec!["10.1.0.0/24".parse().unwrap()], anywhere: false };
        for bad in [
            "127.0.0.1",
            "10.2.0.1",
            "169.254.169.254",
            "::1",
            "::ffff:10.2.0.1",
            "fe80::1",
            "fd00::1",
            "0.0.0.0",
            "100.64.0.1",
            "64:ff9b::a02:1",
            "2002:a02:1::1",
            "224.0.0.1",
        ] {
            assert!(!guard.allows(bad.parse().unwrap()), "{bad}");
        }
        for good in ["203.0.113.7", "10.1.0.9", "::ffff:10.1.0.9", "2001:db8::1"] {
            assert!(guard.allows(good.parse().unwrap()), "{good}");
        }
    }

    #[test]
    fn secrets_never_travel_in_the_clear() {
        let anywhere = || Guard { inside: Vec::new(), anywhere: true };
        for bad in ["http://fw.example", "ftp://127.0.0.1", "https://user:pw@fw.example", "fw"] {
            assert!(Http::new(bad, None, anywhere()).is_err(), "{bad}");
        }
        assert!(Http::new("http://127.0.0.1:1", None, anywhere()).is_ok());
    }
}
