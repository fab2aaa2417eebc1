//! The web console, embedded at build time from `dashboard/web/dist`; a page saying so when it was not built.
//!
//! Serves files only: knows no data and no identity. The build packs what packs well beside itself, `NAME.br`; whoever takes brotli
//! gets that as it is, and nothing is compressed for the first visitor.

use std::borrow::Cow;

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use fansipan_model::{Word, said};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::{Kind, Problem};

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Dist;

/// Shown at `/` when the binary was built without the console.
const NOT_BUILT: &str = "<!doctype html><html lang=\"vi\"><head><meta charset=\"utf-8\"><title>Fansipan</title></head><body>\
<h1>Fansipan</h1>\
<p>Bảng điều khiển web chưa được dựng vào chương trình này. Chạy <code>npm ci &amp;&amp; npm run build</code> trong \
<code>dashboard/web</code> rồi dựng lại; API và dòng lệnh vẫn hoạt động.</p>\
<p lang=\"en\">The web console was not built into this program. Run <code>npm ci &amp;&amp; npm run build</code> in \
<code>dashboard/web</code> and build again; the API and the command line work without it.</p></body></html>";

/// Serves the console: a file by its path, the console's page for every path that is one of its views.
pub(crate) async fn serve(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::new(Kind::MethodNotAllowed, said!("only GET is possible here", "ở đây chỉ dùng được GET")).into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    // The name of an embedded file never holds `..`; in development, files are read from disk and rust-embed checks too.
    if path.split('/').any(|part| part == "..") || path.contains(['\\', '%', '\0']) {
        return Problem::not_found(Word::new("this page", "trang này")).into_response();
    }
    if !path.is_empty() && path != "index.html" {
        if let Some(file) = Dist::get(path) {
            return asset(path, file, request.headers());
        }
        let last = path.rsplit('/').next().unwrap_or("");
        if last.contains('.') || path.starts_with("assets/") {
            return Problem::not_found(Word::new("this file", "tệp này")).into_response();
        }
    }
    page()
}

/// The console's page with a nonce for the style element that the console makes at run time.
fn page() -> Response {
    let Some(index) = Dist::get("index.html") else {
        return html(StatusCode::SERVICE_UNAVAILABLE, NOT_BUILT.to_owned(), "default-src 'none'; frame-ancestors 'none'");
    };
    let mut bytes = [0u8; 16];
    if let Err(problem) = crate::identity::fill_random(&mut bytes) {
        return problem.into_response();
    }
    let nonce = hex::encode(bytes);
    let text = String::from_utf8_lossy(&index.data);
    let text = text.replacen("<head>", &format!("<head><meta name=\"csp-nonce\" content=\"{nonce}\">"), 1);
    // Scripts from files of ours only. Style attributes cannot run anything or, with images restricted, send anything out;
    // charts need them in their tooltips.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    html(StatusCode::OK, text, &policy)
}

fn html(status: StatusCode, text: String, policy: &str) -> Response {
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    response
}

fn asset(path: &str, plain: EmbeddedFile, asked: &HeaderMap) -> Response {
    let packed = Dist::get(&format!("{path}.br"));
    let varies = packed.is_some();
    let packed = packed.filter(|_| takes_brotli(asked));
    let encoded = packed.is_some();
    let file = packed.unwrap_or(plain);
    // of the bytes that are sent: the packed file is another than the plain one
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    // Vite names what it bundles by content: such a file never changes.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let unchanged = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { Body::from(bytes(file)).into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if varies {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if encoded && !unchanged {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// The bytes of a file where they lie in the program.
fn bytes(file: EmbeddedFile) -> Bytes {
    match file.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}

/// Whether an answer may be packed in brotli.
fn takes_brotli(asked: &HeaderMap) -> bool {
    let named = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let never = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        name.trim().eq_ignore_ascii_case("br") && !never
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::takes_brotli;

    #[test]
    fn brotli_goes_to_those_who_take_it() {
        for (said, takes) in [
            ("gzip, deflate, br, zstd", true),
            ("BR;q=0.5", true),
            ("gzip, br; q=0.1", true),
            ("br;q=0", false),
            ("br;q=0.000, gzip", false),
            ("gzip", false),
            ("brotli", false),
            ("", false),
        ] {
            let mut asked = HeaderMap::new();
            asked.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(said));
            assert_eq!(takes_brotli(&asked), takes, "{said}");
        }
        assert!(!takes_brotli(&HeaderMap::new()));
    }
}
