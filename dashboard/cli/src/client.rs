//! The API client: DATA/api.sock with peer credentials on the same host, HTTPS with a token elsewhere.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
pub use fansipan_model::{AnswerOutcome, CollectorAnswer, incident::named};
use fansipan_model::{Said, said, told::reader};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;

use crate::{Fault, Outcome, args::Cli, profile::Profile};

/// Why the API did not answer as hoped; each has its exit code. `{:#}` says it in Vietnamese.
#[derive(Debug)]
pub enum ApiError {
    /// No connection.
    Unreachable {
        /// Address tried.
        at: String,
        /// The transport's word.
        why: String,
    },
    /// 401 or 403, with the API's explanation.
    Denied(Said),
    /// 404, with the API's explanation.
    Missing(Said),
    /// Any other refusal.
    Refused {
        /// The API's stable code.
        code: String,
        /// The API's explanation; in English only where it has no Vietnamese.
        detail: Said,
        /// Of a query that is wrong: characters before the place.
        position: Option<usize>,
    },
}

impl ApiError {
    /// What it says to people.
    pub fn said(&self) -> Said {
        match self {
            ApiError::Unreachable { at, why } => {
                let why = reader(why);
                said!(
                    "FSP-CLI-001: cannot reach the appliance at {at}: {why}\n  Is it running (fansipan run)? On this host give the same --data; elsewhere --server URL and FANSIPAN_TOKEN.",
                    "FSP-CLI-001: không kết nối được hệ thống tại {at}: {why:#}\n  Hệ thống có đang chạy không (fansipan run)? Trên máy này: cùng --data; từ máy khác: --server URL và FANSIPAN_TOKEN."
                )
            }
            ApiError::Denied(detail) => said!(
                "FSP-CLI-002: not allowed: {detail}\n  Use an account or token with the permission, or run as root or the service's user on the appliance itself.",
                "FSP-CLI-002: không được phép: {detail:#}\n  Dùng tài khoản hoặc mã truy cập có quyền, hoặc chạy bằng root hay tài khoản của dịch vụ ngay trên máy."
            ),
            ApiError::Missing(detail) => said!("FSP-CLI-003: not found: {detail}", "FSP-CLI-003: không tìm thấy: {detail:#}"),
            ApiError::Refused { code, detail, .. } => said!("{code}: {detail}", "{code}: {detail:#}"),
        }
    }

    /// The exit code that goes with it, where it is not plain failure.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            ApiError::Unreachable { .. } => Some(Outcome::Unreachable),
            ApiError::Denied(_) => Some(Outcome::Denied),
            ApiError::Missing(_) => Some(Outcome::Negative),
            ApiError::Refused { .. } => None,
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.said().fmt(f)
    }
}

impl std::error::Error for ApiError {}

/// One appliance.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    at: String,
}

impl Client {
    /// From what was typed. Reads the CA file or the profile; connects only with the first request.
    pub fn new(cli: &Cli) -> Result<Self> {
        if let Some(name) = &cli.profile {
            return Self::with_profile(&Profile::load(name)?);
        }
        let Some(url) = &cli.server else { return Self::local(&cli.data) };
        let mut tls = rustls::RootCertStore::empty();
        let own = cli.data.join("tls/cert.pem");
        if let Some(path) = cli.ca.as_ref().or_else(|| own.exists().then_some(&own)) {
            let failed = || Fault::UnreadableCa { path: path.display().to_string() };
            add_ca(&mut tls, &std::fs::read(path).with_context(failed)?).with_context(failed)?;
        }
        Self::over_https(url, tls, cli.token.clone())
    }

    /// The appliance of a login profile: its certificate, or the authority of it, alone is believed.
    pub fn with_profile(profile: &Profile) -> Result<Self> {
        let mut tls = rustls::RootCertStore::empty();
        add_ca(&mut tls, profile.ca.as_bytes()).context(Fault::ProfileCertificate)?;
        Self::over_https(&profile.server, tls, Some(profile.token.clone()))
    }

    /// An appliance whose certificate, or the authority of it, is `ca` (PEM), as nobody.
    pub fn without_token(url: &str, ca: &str) -> Result<Self> {
        let mut tls = rustls::RootCertStore::empty();
        add_ca(&mut tls, ca.as_bytes())?;
        Self::over_https(url, tls, None)
    }

    fn over_https(url: &str, trusted: rustls::RootCertStore, token: Option<String>) -> Result<Self> {
        anyhow::ensure!(url.starts_with("https://"), Fault::NotHttps);
        let config = rustls::ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("fansipan/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(config)
            .build()
            .context(Fault::NoHttp)?;
        Ok(Self { http, base: url.trim_end_matches('/').to_owned(), token, at: url.to_owned() })
    }

    /// The appliance on this host whose data is in `data`; the kernel tells it who we are.
    pub fn local(data: &Path) -> Result<Self> {
        let socket = data.join("api.sock");
        let at = socket.display().to_string();
        let http = reqwest::Client::builder().unix_socket(socket).build().context(Fault::NoHttp)?;
        Ok(Self { http, base: "http://localhost".to_owned(), token: None, at })
    }

    /// GET of an API path with parameters.
    pub async fn get(&self, path: &str, parameters: &[(&str, String)]) -> Result<Value, ApiError> {
        self.send(self.request(Method::GET, path).query(parameters)).await
    }

    /// POST of a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// DELETE of an API path.
    pub async fn delete(&self, path: &str) -> Result<Value, ApiError> {
        self.send(self.request(Method::DELETE, path)).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base)).header("X-Fansipan", "1");
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// POST of a JSON body; hands each line of the answer to `each` as it arrives, without its end.
    pub async fn lines(&self, path: &str, body: &Value, mut each: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<()> {
        let mut response = self.request(Method::POST, path).json(body).send().await.map_err(|e| self.unreachable(&e))?;
        if !response.status().is_success() {
            self.answer(response).await?;
            return Ok(());
        }
        let mut rest = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreachable(&e))? {
            rest.extend_from_slice(&chunk);
            let Some(end) = rest.iter().rposition(|b| *b == b'\n') else { continue };
            let tail = rest.split_off(end + 1);
            let whole = std::mem::replace(&mut rest, tail);
            whole.split(|b| *b == b'\n').filter(|line| !line.is_empty()).try_for_each(&mut each)?;
        }
        Ok(())
    }

    /// POST of a file as it is.
    pub async fn upload(&self, path: &str, parameters: &[(&str, String)], file: &Path) -> Result<Value> {
        let failed = || Fault::CannotRead { path: file.display().to_string() };
        let bytes = std::fs::read(file).with_context(failed)?;
        let request = self.request(Method::POST, path).query(parameters).header("Content-Type", "application/octet-stream");
        Ok(self.send(request.body(bytes)).await?)
    }

    /// GET of an API path; hands the answer to `each` piece by piece and gives its headers. An answer that breaks off is an error.
    pub async fn download(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<HeaderMap> {
        let mut response = self.request(Method::GET, path).query(parameters).send().await.map_err(|e| self.unreachable(&e))?;
        if !response.status().is_success() {
            self.answer(response).await?;
            return Ok(HeaderMap::new());
        }
        let headers = std::mem::take(response.headers_mut());
        while let Some(piece) = response.chunk().await.map_err(|e| self.unreachable(&e))? {
            each(&piece)?;
        }
        Ok(headers)
    }

    fn unreachable(&self, error: &reqwest::Error) -> ApiError {
        ApiError::Unreachable { at: self.at.clone(), why: innermost(error) }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, ApiError> {
        let response = request.send().await.map_err(|e| self.unreachable(&e))?;
        self.answer(response).await
    }

    async fn answer(&self, response: reqwest::Response) -> Result<Value, ApiError> {
        let status = response.status();
        let bytes = response.bytes().await.map_err(|e| self.unreachable(&e))?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let en = text("detail").or_else(|| text("title")).unwrap_or_else(|| status.to_string());
        let detail = Said { vi: text("detail_vi").unwrap_or_else(|| en.clone()), en };
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ApiError::Denied(detail),
            StatusCode::NOT_FOUND => ApiError::Missing(detail),
            _ => ApiError::Refused {
                code: text("code").unwrap_or_else(|| format!("HTTP {}", status.as_u16())),
                detail,
                position: body.pointer("/query/position").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok()),
            },
        })
    }
}

fn add_ca(store: &mut rustls::RootCertStore, pem: &[u8]) -> Result<()> {
    use rustls_pki_types::{CertificateDer, pem::PemObject as _};
    for certificate in CertificateDer::pem_slice_iter(pem) {
        store.add(certificate?)?;
    }
    anyhow::ensure!(!store.is_empty(), Fault::NoCertificate);
    Ok(())
}

/// The last cause of an error chain: what the operating system said.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}
