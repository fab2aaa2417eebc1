//! HTTP ingest: `POST /ingest/v1/events` takes JSON lines, a JSON array, JSON objects or plain lines, and answers 200 only
//! when they are durable.
//!
//! A line that is no JSON is kept as an unparsed event; only a body that is no text is refused. A request with an
//! `Idempotency-Key` that was seen before stores nothing and gets the same answer. Bodies of all requests together are bounded.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use fansipan_bus::{BusError, Patience, Receipt};
use hashbrown::HashMap;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    config::LimitsConfig,
    framing::shortened,
    http_body::{BodyError, Records, Walk, gunzip},
    limits::{Bucket, Gate},
};
use crate::{
    Transport,
    ledger::Reason,
    pipeline::{Assignment, Lane, OfferError, Origin, Parcel, Pipeline, now},
};

/// Path of the ingest route.
pub const PATH: &str = "/ingest/v1/events";
/// Largest record; a longer one is cut and marked.
const MAX_RECORD: usize = 1 << 20;
/// Records and bytes of a body that are stored together. Fixed for ever: with them a repeated body is cut in the same places,
/// which is what makes its idempotency keys the same.
const PART: (usize, usize) = (8192, 4 << 20);
/// Memory for bodies of all requests at the same time.
const BODIES: usize = 256 << 20;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);
/// How long a request waits for room in the log, and then for durability.
const PATIENCE: Duration = Duration::from_secs(2);
const DURABLE: Duration = Duration::from_secs(30);
/// Bodies above this are worked on away from the network threads.
const SMALL: usize = 64 << 10;
/// Longest idempotency key.
const MAX_KEY: usize = 256;

/// Who sends, as proved by a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Name of the token; the source is `http:NAME`.
    pub name: Arc<str>,
    /// Agency its records belong to.
    pub agency: Option<String>,
}

/// Says whose a token is; `None` for a token that is not valid.
pub type Verifier = Arc<dyn Fn(&str) -> Option<Sender> + Send + Sync>;

/// What the ingest route needs.
#[derive(Clone)]
pub struct Ingest {
    inner: Arc<Inner>,
}

struct Inner {
    pipeline: Pipeline,
    verifier: Verifier,
    gate: Gate,
    body_limit: usize,
    requests: Semaphore,
    /// In KiB.
    memory: Arc<Semaphore>,
    buckets: Mutex<HashMap<Arc<str>, Bucket>>,
}

impl Ingest {
    /// With limits and a verifier of tokens.
    pub fn new(pipeline: Pipeline, limits: &LimitsConfig, verifier: Verifier) -> Self {
        let body_limit = limits.http_body_bytes.min(BODIES);
        let inner = Inner {
            pipeline,
            verifier,
            gate: Gate::new(limits),
            body_limit,
            requests: Semaphore::new(limits.http_requests),
            memory: Arc::new(Semaphore::new(BODIES >> 10)),
            buckets: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The routes, to be merged into a server that provides `ConnectInfo<SocketAddr>`.
    pub fn router(&self) -> Router {
        Router::new().route(PATH, post(events)).with_state(self.clone())
    }
}

/// Why a request is refused.
#[derive(Debug)]
enum Refusal {
    Unauthorized,
    Encoding,
    BadKey,
    Body(BodyError),
    TooSlow,
    Broken,
    RateLimit(Duration),
    Busy(String),
}

impl Refusal {
    fn reason(&self) -> Reason {
        match self {
            Refusal::Unauthorized => Reason::Unauthorized,
            Refusal::Body(BodyError::TooLarge { .. } | BodyError::TooMany) => Reason::TooLarge,
            Refusal::Encoding | Refusal::BadKey | Refusal::Body(_) | Refusal::Broken => Reason::NotText,
            Refusal::TooSlow => Reason::IdleTimeout,
            Refusal::RateLimit(_) => Reason::RateLimit,
            Refusal::Busy(_) => Reason::Backpressure,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, title, detail) = match &self {
            Refusal::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "FSP-SRC-201",
                "no valid token",
                "send `Authorization: Bearer TOKEN` with a token for ingest".to_owned(),
            ),
            Refusal::Encoding => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "FSP-SRC-202",
                "unknown content encoding",
                "send gzip or no Content-Encoding".to_owned(),
            ),
            Refusal::BadKey => {
                (StatusCode::BAD_REQUEST, "FSP-SRC-203", "unusable Idempotency-Key", format!("give 1 to {MAX_KEY} visible characters"))
            }
            Refusal::Body(e @ (BodyError::TooLarge { .. } | BodyError::TooMany)) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "FSP-SRC-204", "body too large", e.to_string())
            }
            Refusal::Body(e) => (StatusCode::BAD_REQUEST, "FSP-SRC-205", "body is not text", e.to_string()),
            Refusal::TooSlow => (StatusCode::REQUEST_TIMEOUT, "FSP-SRC-206", "body came too slowly", "send smaller requests".to_owned()),
            Refusal::Broken => (StatusCode::BAD_REQUEST, "FSP-SRC-207", "body ended early", "send it again".to_owned()),
            Refusal::RateLimit(_) => {
                (StatusCode::TOO_MANY_REQUESTS, "FSP-SRC-208", "allowance used up", "send again after Retry-After seconds".to_owned())
            }
            Refusal::Busy(why) => (StatusCode::SERVICE_UNAVAILABLE, "FSP-SRC-209", "the log cannot take more", why.clone()),
        };
        let position = match &self {
            Refusal::Body(BodyError::NotText { position, .. } | BodyError::Gzip { position, .. }) => Some(*position),
            _ => None,
        };
        let mut problem =
            serde_json::json!({"type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail});
        if let (Some(position), Some(object)) = (position, problem.as_object_mut()) {
            object.insert("position".to_owned(), position.into());
        }
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], problem.to_string()).into_response();
        let retry = match &self {
            Refusal::Busy(_) => Some(1),
            Refusal::RateLimit(pause) => Some(pause.as_secs() + 1),
            _ => None,
        };
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Refusal::Unauthorized) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

async fn events(State(ingest): State<Ingest>, request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| super::listen::canonical(c.0));
    let inner = &ingest.inner;
    let mut origin = Origin::new(Transport::Http);
    match take(inner, peer, &mut origin, request).await {
        Ok(response) => response,
        Err(refusal) => {
            inner.pipeline.refuse(&origin, peer.map(|p| p.ip()), refusal.reason(), 1);
            refusal.into_response()
        }
    }
}

async fn take(inner: &Inner, peer: Option<SocketAddr>, origin: &mut Origin, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let sender = bearer(&head.headers).and_then(|token| (inner.verifier)(token)).ok_or(Refusal::Unauthorized)?;
    origin.path = Some(sender.name.clone());
    origin.assignment = Assignment { agency: sender.agency.clone(), ..Assignment::default() };
    let _slot = inner.requests.try_acquire().map_err(|_| Refusal::Busy("too many requests at the same time".to_owned()))?;
    inner.spend(&sender.name, 0, 0).map_err(Refusal::RateLimit)?;
    let key = idempotency_key(&head.headers)?;
    let gzip = gzip(&head.headers)?;
    let (body, _memory) = receive(inner, &head.headers, body, gzip).await?;
    let body = if gzip {
        let limit = inner.body_limit;
        away(move || gunzip(&body, limit).map(Bytes::from)).await?.map_err(Refusal::Body)?
    } else {
        body
    };
    let records = Records::find(&body).map_err(Refusal::Body)?;
    let size = body.len() as u64;
    let outcome = store(inner, peer, origin, body, records, key).await?;
    // what is over the allowance is paid back before the next request
    let _ = inner.spend(&sender.name, outcome.accepted, size);
    Ok(outcome.into_response())
}

impl Inner {
    fn spend(&self, name: &Arc<str>, records: u64, bytes: u64) -> Result<(), Duration> {
        if !self.gate.limits_rates() {
            return Ok(());
        }
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(name.clone()).or_insert_with(|| self.gate.bucket(now));
        match bucket.spend(records, bytes, now) {
            Duration::ZERO => Ok(()),
            pause => Err(pause),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(_) => Err(Refusal::Encoding),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().map_err(|_| Refusal::BadKey)?.trim();
    if key.is_empty() || key.len() > MAX_KEY { Err(Refusal::BadKey) } else { Ok(Some(key)) }
}

/// Reads the body, holding memory for it until it is stored.
async fn receive(inner: &Inner, headers: &HeaderMap, body: Body, gzip: bool) -> Result<(Bytes, OwnedSemaphorePermit), Refusal> {
    let limit = inner.body_limit;
    let too_large = || Refusal::Body(BodyError::TooLarge { limit });
    let announced: Option<usize> = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    if announced.is_some_and(|n| n > limit) {
        return Err(too_large());
    }
    let needed = if gzip { limit * 2 } else { announced.unwrap_or(limit) };
    let kib = u32::try_from((needed >> 10) + 1).unwrap_or(u32::MAX).min((BODIES >> 10) as u32);
    let memory = tokio::time::timeout(PATIENCE, inner.memory.clone().acquire_many_owned(kib)).await;
    let memory = memory.ok().and_then(Result::ok).ok_or_else(|| Refusal::Busy("too many bytes at the same time".to_owned()))?;
    let read = async {
        let mut body = http_body_util::Limited::new(body, limit);
        let mut out = Vec::with_capacity(announced.unwrap_or(0));
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => {
                    if let Some(data) = frame.data_ref() {
                        out.extend_from_slice(data);
                    }
                }
                Err(e) if e.is::<http_body_util::LengthLimitError>() => return Err(too_large()),
                Err(_) => return Err(Refusal::Broken),
            }
        }
        Ok(Bytes::from(out))
    };
    let body = tokio::time::timeout(BODY_TIME, read).await.map_err(|_| Refusal::TooSlow)??;
    Ok((body, memory))
}

/// Runs work that takes long away from the network threads.
async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Refusal::Busy("the request could not be worked on".to_owned()))
}

/// What was stored.
#[derive(Debug, Default)]
struct Outcome {
    accepted: u64,
    first_offset: Option<u64>,
    duplicate: bool,
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let mut answer = serde_json::json!({"accepted": self.accepted, "first_offset": self.first_offset});
        if let (true, Some(object)) = (self.duplicate, answer.as_object_mut()) {
            object.insert("duplicate".to_owned(), true.into());
        }
        ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
    }
}

/// A body being worked off in parts.
struct Work {
    lane: Lane,
    walk: Walk,
    body: Bytes,
    peer: Option<SocketAddr>,
    at: i64,
}

impl Work {
    /// The next part as a batch, and how many records are in it.
    fn part(mut self) -> (Self, Option<Parcel>) {
        let (mut records, mut bytes) = (0, 0);
        while records < PART.0 && bytes < PART.1 {
            let Some(record) = self.walk.next(&self.body) else { break };
            let (kept, cut) = shortened(record, MAX_RECORD);
            self.lane.push(self.peer, kept, cut, self.at);
            records += 1;
            bytes += record.len();
        }
        let parcel = self.lane.take();
        (self, parcel)
    }
}

async fn store(
    inner: &Inner,
    peer: Option<SocketAddr>,
    origin: &Origin,
    body: Bytes,
    records: Records,
    key: Option<&str>,
) -> Result<Outcome, Refusal> {
    let small = body.len() <= SMALL;
    let mut work = Work { lane: inner.pipeline.lane(origin.clone()), walk: Walk::new(records), body, peer, at: now() };
    let mut waiting: Vec<(u64, oneshot::Receiver<Result<Receipt, BusError>>)> = Vec::new();
    loop {
        let (next, parcel) = if small { work.part() } else { away(move || work.part()).await? };
        work = next;
        let Some(mut parcel) = parcel else { break };
        if let Some(key) = key {
            parcel.keyed(part_key(origin.path.as_deref().unwrap_or_default(), key, waiting.len() as u64));
        }
        parcel.patient(Patience::AtMost(DURABLE));
        waiting.push((parcel.records() as u64, parcel.outcome()));
        inner.pipeline.appender().offer(parcel, PATIENCE).await.map_err(|e: OfferError| Refusal::Busy(e.to_string()))?;
    }
    let mut outcome = Outcome::default();
    for (records, receiver) in waiting {
        let receipt = tokio::time::timeout(DURABLE, receiver).await;
        let receipt = receipt
            .map_err(|_| Refusal::Busy("the log did not become durable in time: send it again with the same Idempotency-Key".to_owned()))?;
        let receipt = receipt.map_err(|_| Refusal::Busy("the collector is stopping".to_owned()))?;
        let receipt = receipt.map_err(|e| Refusal::Busy(e.to_string()))?;
        outcome.accepted += records;
        outcome.first_offset.get_or_insert(receipt.first_offset());
        outcome.duplicate |= receipt.is_duplicate();
    }
    Ok(outcome)
}

/// Keys of different senders never meet.
fn part_key(sender: &str, key: &str, part: u64) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("fansipan http ingest idempotency 1");
    hasher.update(&(sender.len() as u64).to_le_bytes());
    hasher.update(sender.as_bytes());
    hasher.update(&part.to_le_bytes());
    hasher.update(key.as_bytes());
    let mut out = [0; 16];
    hasher.finalize_xof().fill(&mut out);
    out
}
