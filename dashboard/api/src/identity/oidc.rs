//! Logging in at an OIDC provider: authorization code with PKCE, state and nonce.
//!
//! Keeps no state of logins under way: what must come back unchanged travels sealed in a cookie of the browser that began,
//! so that neither a flood of beginnings nor an answer planted in another browser does anything.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use fansipan_model::{Said, Word, said};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadataWithLogout, RedirectUrl, Scope, TokenResponse as _,
    core::{CoreAuthenticationFlow, CoreClient},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use super::{ExternalPerson, OidcConfig, Seal, trust};
use crate::problem::{Kind, Problem};

/// The cookie of a login under way.
pub(crate) const FLOW_COOKIE: &str = "__Host-fansipan-oidc";
/// How long a login at the provider may take.
pub(crate) const FLOW: Duration = Duration::from_secs(600);
const PURPOSE: &str = "oidc-flow";
/// How long discovery and keys are believed.
const BELIEVED: Duration = Duration::from_secs(600);
/// Largest answer of the provider that is read.
const LARGEST: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// What travels in the cookie, sealed.
#[derive(Serialize, Deserialize)]
struct Flow {
    state: String,
    nonce: String,
    verifier: String,
    until: i64,
}

/// Why a request to the provider failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("an answer of more than {LARGEST} bytes")]
    Large,
    #[error("{0}")]
    Build(#[from] axum::http::Error),
}

/// Our HTTP client as the library calls it.
struct Http(reqwest::Client);

impl Http {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Failed> {
        let mut response = self.0.execute(reqwest::Request::try_from(request)?).await?;
        let mut answer = axum::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LARGEST {
                return Err(Failed::Large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(answer.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// The provider.
pub(crate) struct Oidc {
    config: OidcConfig,
    http: Http,
    known: Mutex<Option<(Instant, Arc<ProviderMetadataWithLogout>)>>,
}

fn unavailable(step: &str, error: &dyn std::error::Error) -> Problem {
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        why = format!("{why}: {inner}");
        source = inner.source();
    }
    tracing::error!(step, error = %why, "FSP-API-111 the OIDC provider cannot be used; check [console.oidc], its certificate and the network");
    Problem::new(
        Kind::ProviderUnavailable,
        said!(
            "the login provider does not answer as it should; log in here, or try again later",
            "dịch vụ đăng nhập (OIDC) không trả lời đúng; hãy đăng nhập tại đây, hoặc thử lại sau"
        ),
    )
}

fn refused(why: Said) -> Problem {
    Problem::new(Kind::LoginFailed, why)
}

impl Oidc {
    /// Blocks: reads the certificate authority.
    pub(crate) fn new(config: OidcConfig) -> Result<Self, Problem> {
        let tls = trust::client(config.ca.as_deref())?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // a redirect could make the appliance call whatever a stranger likes
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|e| Problem::internal(Word::new("preparing the OIDC client", "việc chuẩn bị kết nối OIDC"), &e))?;
        Ok(Self { config, http: Http(http), known: Mutex::new(None) })
    }

    pub(crate) fn config(&self) -> &OidcConfig {
        &self.config
    }

    /// Discovery and keys, not older than `at_most`.
    async fn provider(&self, at_most: Duration) -> Result<Arc<ProviderMetadataWithLogout>, Problem> {
        let mut known = self.known.lock().await;
        if let Some((_, provider)) = known.as_ref().filter(|(at, _)| at.elapsed() < at_most) {
            return Ok(provider.clone());
        }
        let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(|e| unavailable("reading the issuer", &e))?;
        let found = ProviderMetadataWithLogout::discover_async(issuer, &self.http).await.map_err(|e| unavailable("discovery", &e))?;
        let found = Arc::new(found);
        *known = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    fn redirect(&self) -> String {
        format!("{}/api/v1/session/oidc/callback", self.config.console.trim_end_matches('/'))
    }

    /// Where to send the browser, and the value of [`FLOW_COOKIE`]. `now`: UTC nanoseconds.
    pub(crate) async fn begin(&self, seal: &Seal, now: i64) -> Result<(String, String), Problem> {
        let provider = self.provider(BELIEVED).await?;
        let redirect = RedirectUrl::new(self.redirect()).map_err(|e| unavailable("reading the console's address", &e))?;
        let client = CoreClient::from_provider_metadata((*provider).clone(), ClientId::new(self.config.client_id.clone()), None)
            .set_redirect_uri(redirect);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge);
        for scope in &self.config.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.url();
        let until = now.saturating_add(i64::try_from(FLOW.as_nanos()).unwrap_or(i64::MAX));
        let flow = Flow { state: state.secret().clone(), nonce: nonce.secret().clone(), verifier: verifier.secret().clone(), until };
        let bytes =
            serde_json::to_vec(&flow).map_err(|e| Problem::internal(Word::new("beginning a login", "việc bắt đầu đăng nhập"), &e))?;
        Ok((url.to_string(), URL_SAFE_NO_PAD.encode(seal.seal(PURPOSE, &bytes)?)))
    }

    /// Who came back with `code` and `state` to the browser that carries `cookie`.
    pub(crate) async fn finish(&self, seal: &Seal, cookie: &str, code: String, state: &str, now: i64) -> Result<ExternalPerson, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok().and_then(|sealed| seal.unseal(PURPOSE, &sealed));
        let flow: Option<Flow> = bytes.and_then(|b| serde_json::from_slice(&b).ok());
        let Some(flow) = flow.filter(|f| now < f.until && f.state == state) else {
            return Err(refused(said!(
                "this login was not begun in this browser, or too long ago; begin again at the login page",
                "lần đăng nhập này không bắt đầu từ trình duyệt này, hoặc đã quá lâu; hãy bắt đầu lại ở trang đăng nhập"
            )));
        };
        let provider = self.provider(BELIEVED).await?;
        let (id_token, access_token) = self.exchange(&provider, code, flow.verifier).await?;
        let nonce = Nonce::new(flow.nonce);
        let fits = |provider: &ProviderMetadataWithLogout| {
            let client = self.client(provider);
            let verifier = client.id_token_verifier();
            id_token.claims(&verifier, &nonce).map(|claims| claims.subject().to_string()).map_err(|e| e.to_string())
        };
        let subject = match fits(&provider) {
            Ok(subject) => subject,
            // The provider may have changed its keys since.
            Err(_) => {
                let fresh = self.provider(Duration::from_secs(5)).await?;
                fits(&fresh).map_err(|why| {
                    tracing::warn!(%why, "FSP-API-112 an ID token was refused");
                    refused(said!("the provider's answer does not prove who you are; its administrator finds the reason in the service's log", "câu trả lời của dịch vụ đăng nhập không chứng minh được bạn là ai; quản trị viên xem nguyên nhân trong nhật ký của dịch vụ"))
                })?
            }
        };
        let mut claims = verified_claims(&id_token.to_string());
        if let Some(endpoint) = provider.userinfo_endpoint() {
            self.add_user_info(endpoint.as_str(), access_token, &subject, &mut claims).await?;
        }
        self.person(subject, &claims)
    }

    fn client(
        &self,
        provider: &ProviderMetadataWithLogout,
    ) -> CoreClient<
        openidconnect::EndpointSet,
        openidconnect::EndpointNotSet,
        openidconnect::EndpointNotSet,
        openidconnect::EndpointNotSet,
        openidconnect::EndpointMaybeSet,
        openidconnect::EndpointMaybeSet,
    > {
        let secret = self.config.client_secret.clone().map(ClientSecret::new);
        let public = secret.is_none();
        let client = CoreClient::from_provider_metadata(provider.clone(), ClientId::new(self.config.client_id.clone()), secret);
        if public { client.set_auth_type(AuthType::RequestBody) } else { client }
    }

    /// The tokens for a code.
    async fn exchange(
        &self,
        provider: &ProviderMetadataWithLogout,
        code: String,
        verifier: String,
    ) -> Result<(openidconnect::core::CoreIdToken, String), Problem> {
        let redirect = RedirectUrl::new(self.redirect()).map_err(|e| unavailable("reading the console's address", &e))?;
        let client = self.client(provider).set_redirect_uri(redirect);
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|e| unavailable("finding the token endpoint", &e))?;
        let answer = request.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(&self.http).await;
        let answer = answer.map_err(|e| match e {
            openidconnect::RequestTokenError::ServerResponse(why) => {
                tracing::warn!(error = ?why.error(), "FSP-API-113 the provider refused a login's code");
                refused(said!(
                    "the provider refused this login; begin again at the login page",
                    "dịch vụ đăng nhập từ chối lần đăng nhập này; hãy bắt đầu lại ở trang đăng nhập"
                ))
            }
            other => unavailable("exchanging a code", &other),
        })?;
        let id_token = answer.id_token().cloned().ok_or_else(|| {
            refused(said!(
                "the provider sent no ID token; ask its administrator",
                "dịch vụ đăng nhập không gửi ID token; hãy hỏi quản trị viên của dịch vụ đó"
            ))
        })?;
        Ok((id_token, answer.access_token().secret().clone()))
    }

    /// What the provider tells of the person beyond the ID token.
    async fn add_user_info(&self, url: &str, token: String, subject: &str, claims: &mut Value) -> Result<(), Problem> {
        let request = axum::http::Request::builder()
            .uri(url)
            .header("authorization", format!("Bearer {token}"))
            .header("accept", "application/json")
            .body(Vec::new())
            .map_err(|e| unavailable("asking for user info", &e))?;
        let answer = self.http.ask(request).await.map_err(|e| unavailable("asking for user info", &e))?;
        let Ok(Value::Object(info)) = serde_json::from_slice(answer.body()) else { return Ok(()) };
        // Of somebody else: an attack that the standard warns of.
        if info.get("sub").and_then(Value::as_str) != Some(subject) {
            return Ok(());
        }
        if let Value::Object(all) = claims {
            for (name, value) in info {
                all.entry(name).or_insert(value);
            }
        }
        Ok(())
    }

    fn person(&self, subject: String, claims: &Value) -> Result<ExternalPerson, Problem> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let name = text(&self.config.user_claim).ok_or_else(|| {
            refused(said!(
                "the provider does not tell your user name; its administrator must send the configured claim",
                "dịch vụ đăng nhập không cho biết tên tài khoản của bạn; quản trị viên của dịch vụ đó phải gửi claim đã cấu hình"
            ))
        })?;
        let groups = match claims.get(&self.config.groups_claim) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        let display_name = text("name").unwrap_or_else(|| name.clone());
        Ok(ExternalPerson { provider: self.config.issuer.clone(), subject, name, display_name, groups })
    }

    /// Where to go to log out at the provider too, as far as is known by now.
    pub(crate) fn logout(&self) -> Option<String> {
        let known = self.known.try_lock().ok()?;
        let end = known.as_ref()?.1.additional_metadata().end_session_endpoint.as_ref()?;
        let mut url = url::Url::parse(end.as_str()).ok()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .append_pair("post_logout_redirect_uri", &format!("{}/", self.config.console.trim_end_matches('/')));
        Some(url.to_string())
    }
}

/// The claims of an ID token whose signature has been verified.
fn verified_claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).and_then(|p| URL_SAFE_NO_PAD.decode(p).ok());
    payload.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_else(|| Value::Object(Default::default()))
}
