//! Every refusal and failure as `application/problem+json` (RFC 9457) with a code that never changes its meaning.
//!
//! Never puts a secret, a file path or an inner error's text into an answer: those go to the log under the request's id.

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use fansipan_model::{Said, Word, said, told::reader};
use fansipan_storage::query::QueryError;
use serde::Serialize;
use utoipa::ToSchema;

macro_rules! kinds {
    ($($kind:ident = $code:literal, $name:literal, $status:ident: $title:literal, $title_vi:literal;)*) => {
        /// What went wrong. The number of a code is never given to another meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind { $($kind,)* }

        impl Kind {
            /// Stable code, short name, status, title.
            fn spec(self) -> (&'static str, &'static str, StatusCode, Word) {
                match self { $(Kind::$kind => ($code, $name, StatusCode::$status, Word::new($title, $title_vi)),)* }
            }

            /// All of them.
            #[cfg(test)]
            const ALL: &'static [Kind] = &[$(Kind::$kind,)*];
        }
    };
}

kinds! {
    NotAuthenticated = "FSP-API-001", "not_authenticated", UNAUTHORIZED: "Log in first", "Cần đăng nhập trước";
    LoginFailed = "FSP-API-002", "login_failed", UNAUTHORIZED: "Login failed", "Đăng nhập không thành công";
    TooManyAttempts = "FSP-API-003", "too_many_attempts", TOO_MANY_REQUESTS: "Too many failed attempts", "Sai quá nhiều lần";
    RateLimited = "FSP-API-004", "rate_limited", TOO_MANY_REQUESTS: "Too many requests", "Quá nhiều yêu cầu";
    PasswordChangeRequired = "FSP-API-005", "password_change_required", FORBIDDEN: "The password must be changed first", "Phải đổi mật khẩu trước";
    Forbidden = "FSP-API-006", "forbidden", FORBIDDEN: "Not permitted", "Không được phép";
    CrossSite = "FSP-API-007", "cross_site", FORBIDDEN: "Refused as a request from another site", "Từ chối vì yêu cầu đến từ trang web khác";
    NotFound = "FSP-API-008", "not_found", NOT_FOUND: "Not found", "Không tìm thấy";
    MethodNotAllowed = "FSP-API-009", "method_not_allowed", METHOD_NOT_ALLOWED: "Method not allowed", "Phương thức không được phép";
    BadRequest = "FSP-API-010", "bad_request", BAD_REQUEST: "Request not understood", "Yêu cầu không hiểu được";
    TooLarge = "FSP-API-011", "too_large", PAYLOAD_TOO_LARGE: "Request too large", "Yêu cầu quá lớn";
    UnsupportedMedia = "FSP-API-012", "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE: "JSON expected", "Cần nội dung JSON";
    BadQuery = "FSP-API-013", "bad_query", BAD_REQUEST: "Query not understood", "Câu truy vấn không hiểu được";
    Conflict = "FSP-API-014", "conflict", CONFLICT: "Changed meanwhile", "Đã thay đổi trong lúc đó";
    WeakPassword = "FSP-API-015", "weak_password", UNPROCESSABLE_ENTITY: "Password refused", "Mật khẩu không được chấp nhận";
    Busy = "FSP-API-016", "busy", SERVICE_UNAVAILABLE: "Too busy", "Quá bận";
    TimedOut = "FSP-API-017", "timed_out", GATEWAY_TIMEOUT: "Took too long", "Quá lâu";
    StoreUnavailable = "FSP-API-018", "store_unavailable", SERVICE_UNAVAILABLE: "Store unavailable", "Kho dữ liệu chưa dùng được";
    Internal = "FSP-API-019", "internal", INTERNAL_SERVER_ERROR: "Internal error", "Lỗi bên trong";
    TooManyStreams = "FSP-API-020", "too_many_streams", TOO_MANY_REQUESTS: "Too many live streams", "Quá nhiều màn hình trực tiếp";
    AuditUnavailable = "FSP-API-021", "audit_unavailable", SERVICE_UNAVAILABLE: "Audit trail unavailable", "Không ghi được nhật ký kiểm toán";
    SecondFactorNeeded = "FSP-API-022", "second_factor_needed", UNAUTHORIZED: "A code is needed too", "Cần thêm một mã";
    EnrolmentRequired = "FSP-API-023", "enrolment_required", FORBIDDEN: "A second factor must be set up first", "Phải bật xác thực hai lớp trước";
    ProviderUnavailable = "FSP-API-024", "provider_unavailable", SERVICE_UNAVAILABLE: "Login service unavailable", "Dịch vụ đăng nhập chưa dùng được";
    PacketsOff = "FSP-API-025", "packets_off", CONFLICT: "Packets are not kept", "Không lưu gói tin";
    PacketsElsewhere = "FSP-API-026", "packets_elsewhere", GATEWAY_TIMEOUT: "Packets are kept where nobody answers", "Gói tin ở nơi không trả lời";
    PacketsGone = "FSP-API-027", "packets_gone", GONE: "Packets are gone", "Gói tin không còn";
    NoFlow = "FSP-API-028", "no_flow", UNPROCESSABLE_ENTITY: "No flow to look for", "Không có luồng để tìm";
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
    /// The same in Vietnamese.
    pub title_vi: String,
    /// HTTP status.
    pub status: u16,
    /// Stable code, `FSP-API-nnn`.
    pub code: String,
    /// What failed this time and what to do next.
    pub detail: String,
    /// The same in Vietnamese.
    pub detail_vi: String,
    /// For `bad_query`: where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<QueryFault>,
}

/// A refusal or failure on its way to the caller.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: Box<Said>,
    query: Option<Box<QueryFault>>,
    retry_after: Option<u64>,
}

impl Problem {
    /// `detail`: what failed and what to do next, for people.
    pub(crate) fn new(kind: Kind, detail: impl Into<Said>) -> Self {
        Self { kind, detail: Box::new(detail.into()), query: None, retry_after: None }
    }

    /// A thing that does not exist, or that the caller may not know of.
    pub(crate) fn not_found(what: impl Into<Said>) -> Self {
        let what = what.into();
        let detail = said!(
            "{what} does not exist or belongs to an agency you cannot see",
            "{what:#} không tồn tại hoặc thuộc đơn vị mà bạn không được xem"
        );
        Self::new(Kind::NotFound, detail)
    }

    /// A parameter that makes no sense.
    pub(crate) fn bad_request(detail: impl Into<Said>) -> Self {
        Self::new(Kind::BadRequest, detail)
    }

    /// A query that does not parse.
    pub(crate) fn bad_query(error: &QueryError) -> Self {
        Self { query: Some(Box::new(error.into())), ..Self::new(Kind::BadQuery, error.said()) }
    }

    /// Tells when to come back.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds.max(1));
        self
    }

    /// Logs an inner error and answers without its text. `what` says which step failed.
    pub(crate) fn internal(what: Word, error: &dyn std::error::Error) -> Self {
        tracing::error!(step = %what, error = %error, "request failed");
        let detail = said!(
            "{what} failed; the service's log has the reason under this request's id (X-Request-Id)",
            "{what:#} không thành công; xem nguyên nhân trong nhật ký của dịch vụ theo mã yêu cầu (X-Request-Id)"
        );
        Self::new(Kind::Internal, detail)
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    /// What failed this time and what to do next.
    pub(crate) fn detail(&self) -> &Said {
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
            title: title.en.to_owned(),
            title_vi: title.vi.to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: self.detail.en,
            detail_vi: self.detail.vi,
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

/// What the reader of bodies and parameters says. It quotes names and types of fields, not values.
fn unread(why: String) -> Said {
    let said = reader(why);
    // words that are not known yet stay as they are behind ours
    if said.vi == said.en { said!("{said}", "không đọc được yêu cầu: {said}") } else { said }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::UnsupportedMedia,
            _ => Kind::BadRequest,
        };
        Problem::new(kind, unread(rejection.body_text()))
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Problem::bad_request(unread(rejection.body_text()))
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Problem::bad_request(unread(rejection.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Kind;

    #[test]
    fn every_code_is_its_own_and_has_a_title_in_both_languages() {
        let (mut codes, mut names) = (BTreeSet::new(), BTreeSet::new());
        for kind in Kind::ALL {
            let (code, name, _, title) = kind.spec();
            assert!(codes.insert(code) && names.insert(name), "{code} {name} is given twice");
            assert!(!title.en.is_empty() && !title.vi.is_empty() && title.en != title.vi, "{code}: {title:?}");
        }
    }
}
