//! Every refusal and failure as `application/problem+json` (RFC 9457) with a code that never changes its meaning.
//!
//! Never puts a secret, a file path or an inner error's text into an answer: those go to the log under the request's id.

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use fansipan_model::Said;
use fansipan_storage::query::QueryError;
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong. The number of a code is never given to another meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    NotAuthenticated,
    LoginFailed,
    TooManyAttempts,
    RateLimited,
    PasswordChangeRequired,
    Forbidden,
    CrossSite,
    NotFound,
    MethodNotAllowed,
    BadRequest,
    TooLarge,
    UnsupportedMedia,
    BadQuery,
    Conflict,
    WeakPassword,
    Busy,
    TimedOut,
    StoreUnavailable,
    Internal,
    TooManyStreams,
    AuditUnavailable,
    SecondFactorNeeded,
    EnrolmentRequired,
    ProviderUnavailable,
    PacketsOff,
    PacketsElsewhere,
    PacketsGone,
    NoFlow,
}

impl Kind {
    /// Stable code, short name, status, title.
    fn spec(self) -> (&'static str, &'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Kind::NotAuthenticated => ("FSP-API-001", "not_authenticated", S::UNAUTHORIZED, "Log in first"),
            Kind::LoginFailed => ("FSP-API-002", "login_failed", S::UNAUTHORIZED, "Login failed"),
            Kind::TooManyAttempts => ("FSP-API-003", "too_many_attempts", S::TOO_MANY_REQUESTS, "Too many failed attempts"),
            Kind::RateLimited => ("FSP-API-004", "rate_limited", S::TOO_MANY_REQUESTS, "Too many requests"),
            Kind::PasswordChangeRequired => ("FSP-API-005", "password_change_required", S::FORBIDDEN, "The password must be changed first"),
            Kind::Forbidden => ("FSP-API-006", "forbidden", S::FORBIDDEN, "Not permitted"),
            Kind::CrossSite => ("FSP-API-007", "cross_site", S::FORBIDDEN, "Refused as a request from another site"),
            Kind::NotFound => ("FSP-API-008", "not_found", S::NOT_FOUND, "Not found"),
            Kind::MethodNotAllowed => ("FSP-API-009", "method_not_allowed", S::METHOD_NOT_ALLOWED, "Method not allowed"),
            Kind::BadRequest => ("FSP-API-010", "bad_request", S::BAD_REQUEST, "Request not understood"),
            Kind::TooLarge => ("FSP-API-011", "too_large", S::PAYLOAD_TOO_LARGE, "Request too large"),
            Kind::UnsupportedMedia => ("FSP-API-012", "unsupported_media_type", S::UNSUPPORTED_MEDIA_TYPE, "JSON expected"),
            Kind::BadQuery => ("FSP-API-013", "bad_query", S::BAD_REQUEST, "Query not understood"),
            Kind::Conflict => ("FSP-API-014", "conflict", S::CONFLICT, "Changed meanwhile"),
            Kind::WeakPassword => ("FSP-API-015", "weak_password", S::UNPROCESSABLE_ENTITY, "Password refused"),
            Kind::Busy => ("FSP-API-016", "busy", S::SERVICE_UNAVAILABLE, "Too busy"),
            Kind::TimedOut => ("FSP-API-017", "timed_out", S::GATEWAY_TIMEOUT, "Took too long"),
            Kind::StoreUnavailable => ("FSP-API-018", "store_unavailable", S::SERVICE_UNAVAILABLE, "Store unavailable"),
            Kind::Internal => ("FSP-API-019", "internal", S::INTERNAL_SERVER_ERROR, "Internal error"),
            Kind::TooManyStreams => ("FSP-API-020", "too_many_streams", S::TOO_MANY_REQUESTS, "Too many live streams"),
            Kind::AuditUnavailable => ("FSP-API-021", "audit_unavailable", S::SERVICE_UNAVAILABLE, "Audit trail unavailable"),
            Kind::SecondFactorNeeded => ("FSP-API-022", "second_factor_needed", S::UNAUTHORIZED, "A code is needed too"),
            Kind::EnrolmentRequired => ("FSP-API-023", "enrolment_required", S::FORBIDDEN, "A second factor must be set up first"),
            Kind::ProviderUnavailable => ("FSP-API-024", "provider_unavailable", S::SERVICE_UNAVAILABLE, "Login service unavailable"),
            Kind::PacketsOff => ("FSP-API-025", "packets_off", S::CONFLICT, "Packets are not kept"),
            Kind::PacketsElsewhere => ("FSP-API-026", "packets_elsewhere", S::GATEWAY_TIMEOUT, "Packets are kept where nobody answers"),
            Kind::PacketsGone => ("FSP-API-027", "packets_gone", S::GONE, "Packets are gone"),
            Kind::NoFlow => ("FSP-API-028", "no_flow", S::UNPROCESSABLE_ENTITY, "No flow to look for"),
        }
    }
}

/// Where a query went wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QueryFault {
    /// Character of the query, from 0.
    pub position: usize,
    /// What kind of fault: stable, `FSP-Qnnn`.
    pub code: String,
    /// What is wrong there.
    pub message: String,
    /// The same in Vietnamese.
    pub message_vi: String,
    /// What to write instead.
    pub help: String,
    /// The same in Vietnamese.
    pub help_vi: String,
}

impl From<&QueryError> for QueryFault {
    fn from(error: &QueryError) -> Self {
        let (message, help) = (error.fault.message(), error.fault.help());
        let (position, code) = (error.position, error.fault.code().to_owned());
        Self { position, code, message: message.en, message_vi: message.vi, help: help.en, help_vi: help.vi }
    }
}

/// The body of every answer that is not a success (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// `urn:fansipan:problem:` and the short name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short English title of the kind.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable code, `FSP-API-nnn`.
    pub code: String,
    /// What failed this time and what to do next.
    pub detail: String,
    /// The same in Vietnamese, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail_vi: Option<String>,
    /// For `bad_query`: where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<QueryFault>,
}

/// A refusal or failure on its way to the caller.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    detail_vi: Option<Box<str>>,
    query: Option<Box<QueryFault>>,
    retry_after: Option<u64>,
}

impl Problem {
    /// `detail`: what failed and what to do next, for people.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), detail_vi: None, query: None, retry_after: None }
    }

    /// A thing that does not exist, or that the caller may not know of.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format!("{what} does not exist or belongs to an agency you cannot see"))
    }

    /// A parameter that makes no sense.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(Kind::BadRequest, detail)
    }

    /// A query that does not parse.
    pub(crate) fn bad_query(error: &QueryError) -> Self {
        Self { query: Some(Box::new(error.into())), ..Self::said(Kind::BadQuery, error.said()) }
    }

    /// What failed and what to do next, in both languages.
    pub(crate) fn said(kind: Kind, said: Said) -> Self {
        Self::new(kind, said.en).in_vietnamese(said.vi)
    }

    /// Says it in Vietnamese as well.
    pub(crate) fn in_vietnamese(mut self, detail: String) -> Self {
        self.detail_vi = Some(detail.into_boxed_str());
        self
    }

    /// Tells when to come back.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// Logs an inner error and answers without its text. `what` says which step failed.
    pub(crate) fn internal(what: &str, error: &dyn std::error::Error) -> Self {
        tracing::error!(step = what, error = %error, "request failed");
        Self::new(Kind::Internal, format!("{what} failed; the service's log has the reason under this request's id (X-Request-Id)"))
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    /// What failed this time and what to do next.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.kind.spec().2
    }

    /// Stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.kind.spec().0
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (code, name, status, title) = self.kind.spec();
        let body = ProblemBody {
            kind: format!("urn:fansipan:problem:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: self.detail,
            detail_vi: self.detail_vi.map(String::from),
            query: self.query.map(|fault| *fault),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedMedia,
            _ => Kind::BadRequest,
        };
        // The text of a body error quotes field names and types, not values.
        Problem::new(kind, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Problem::bad_request(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Problem::bad_request(rejection.body_text())
    }
}
