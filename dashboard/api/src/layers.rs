//! What surrounds every request: its id, its line in the log, time limits, and headers that tell browsers what to refuse.
//!
//! Logs method, route, status and duration; never queries, bodies, cookies or tokens.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use fansipan_model::said;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::problem::{Kind, Problem};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id and its line in the log.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let method = request.method().clone();
    let span = tracing::info_span!("request", %id, %method, route = tracing::field::Empty);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis());
    span.in_scope(|| {
        if response.status().is_server_error() {
            tracing::warn!(status, ms, "answered");
        } else {
            tracing::debug!(status, ms, "answered");
        }
    });
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(&REQUEST_ID, value);
    }
    response
}

/// Puts the route's pattern, never the path itself, into the request's span.
pub(crate) async fn name_route(request: Request, next: Next) -> Response {
    if let Some(path) = request.extensions().get::<MatchedPath>() {
        tracing::Span::current().record("route", path.as_str());
    }
    next.run(request).await
}

/// Ends requests that take longer than their route may.
pub(crate) async fn limit_time(State(within): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(within, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = within.as_secs();
            let detail = said!(
                "no answer within {seconds} s; narrow the time range or the query",
                "không có câu trả lời trong {seconds} giây; hãy thu hẹp khoảng thời gian hoặc câu truy vấn"
            );
            Problem::new(Kind::TimedOut, detail).into_response()
        }
    }
}

/// What a panic becomes; the payload may quote data and is only logged.
pub(crate) fn panicked(payload: Box<dyn std::any::Any + Send>) -> Response {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("unknown"), "a request handler panicked; please report this");
    Problem::new(
        Kind::Internal,
        said!(
            "the service failed on this request and goes on; its log has the reason under this request's id",
            "dịch vụ gặp lỗi ở yêu cầu này và vẫn chạy tiếp; xem nguyên nhân trong nhật ký theo mã yêu cầu (X-Request-Id)"
        ),
    )
    .into_response()
}

/// Headers on every answer. What a handler has set stays.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
