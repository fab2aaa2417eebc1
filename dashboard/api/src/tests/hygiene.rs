//! Requests from other sites, nonsense, floods; headers and problems on everything.

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::harness::{Rig, alert};
use crate::{access::Role, identity::Rate};

#[tokio::test]
async fn pages_of_other_sites_cannot_act() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    let path = format!("/api/v1/alerts/{}/status", alert(1, "health").id);
    let body = json!({ "status": "benign", "version": 1 });
    // a form or fetch of another site: the browser says where it comes from
    for (name, value) in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")] {
        let mut request = lan.request("POST", &path, Some(body.clone()));
        request.headers_mut().insert(name, HeaderValue::from_static(value));
        assert_eq!(lan.read(request).await.problem(), "FSP-API-007", "{name}: {value}");
    }
    // login too: nobody shall be logged in as somebody else
    let mut request = rig.nobody().request("POST", "/api/v1/session", Some(json!({ "username": "lan", "password": "x" })));
    request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    assert_eq!(rig.nobody().read(request).await.problem(), "FSP-API-007");
    // a browser that says nothing still cannot send the header
    let without = super::harness::Client { header: false, ..lan.clone() };
    let reply = without.read(without.request("POST", &path, Some(body.clone()))).await;
    assert_eq!(reply.problem(), "FSP-API-007");
    assert_eq!(without.delete("/session").await.problem(), "FSP-API-007");
    // our own page
    let mut request = lan.request("POST", &path, Some(json!({ "status": "acknowledged", "version": 1 })));
    request.headers_mut().insert("origin", HeaderValue::from_static("https://soc.test:8443"));
    request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    assert_eq!(lan.read(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let rig = Rig::new().await;
    let lan = rig.token(Role::Administrator, &[]);
    let cases = [
        ("/nothing/here", "FSP-API-008"),
        ("/alerts/zzz", "FSP-API-008"),
        ("/events/not-a-uuid", "FSP-API-008"),
        ("/rules/no-such-rule", "FSP-API-008"),
        ("/alerts?limit=many", "FSP-API-010"),
        ("/alerts?colour=red", "FSP-API-010"),
        ("/alerts?status=odd", "FSP-API-010"),
        ("/alerts?level=odd", "FSP-API-010"),
        ("/alerts?since=yesterday", "FSP-API-010"),
        ("/events?after=garbage", "FSP-API-010"),
        ("/events?from=2026-11-23T10:00:00Z&to=2026-11-23T09:00:00Z", "FSP-API-010"),
        ("/events?since=1h&from=2026-11-23T10:00:00Z", "FSP-API-010"),
        ("/events/facets", "FSP-API-010"),
        ("/events/facets?fields=", "FSP-API-010"),
        ("/overview?since=5y", "FSP-API-010"),
        ("/events?q=source.ip:(", "FSP-API-013"),
        ("/audit?before=-1", "FSP-API-010"),
    ];
    for (path, code) in cases {
        assert_eq!(lan.get(path).await.problem(), code, "{path}");
    }
    assert_eq!(lan.delete("/overview").await.problem(), "FSP-API-009");
    let send = |method: &str, path: &str, media: &str, body: String| {
        let mut request = lan.request(method, path, None);
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_str(media).unwrap());
        *request.body_mut() = body.into();
        lan.read(request)
    };
    let json = "application/json";
    assert_eq!(send("POST", "/api/v1/users", json, "{".into()).await.problem(), "FSP-API-010");
    assert_eq!(send("POST", "/api/v1/users", json, "[]".into()).await.problem(), "FSP-API-010");
    assert_eq!(send("POST", "/api/v1/users", "text/plain", "{}".into()).await.problem(), "FSP-API-012");
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(send("POST", "/api/v1/users", json, huge).await.problem(), "FSP-API-011");
    assert_eq!(send("POST", "/", json, "{}".into()).await.problem(), "FSP-API-009");
}

#[tokio::test]
async fn a_query_is_checked_as_it_is_typed() {
    let rig = Rig::new().await;
    let lan = rig.token(Role::Analyst, &[]);
    assert_eq!(lan.get("/search/validate?q=user.name:root").await.json(), json!({ "ok": true }));
    let check = lan.get("/search/validate?q=source.ip:(").await.json();
    assert_eq!(check["ok"], false);
    assert!(check["position"].is_u64() && check["message"].as_str().is_some_and(|m| !m.is_empty()), "{check}");
    let deep = format!("/search/validate?q={}", "(".repeat(12_000));
    assert_eq!(lan.get(&deep).await.json()["ok"], false, "nesting without end is refused, not followed");
    let problem = lan.get("/events?q=source.ip:(").await.json();
    assert_eq!(problem["query"]["position"], check["position"]);
}

#[tokio::test]
async fn one_caller_cannot_flood() {
    let rig = Rig::with(|c| c.rate = Rate::new(1, 5)).await;
    let lan = rig.token(Role::Viewer, &[]);
    let mut refused = None;
    for _ in 0..10 {
        let reply = lan.get("/status").await;
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(reply);
        }
    }
    let refused = refused.expect("the eleventh call at once is refused");
    assert_eq!(refused.problem(), "FSP-API-004");
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(rig.token(Role::Analyst, &[]).get("/status").await.status, StatusCode::OK, "others go on");
}

#[tokio::test]
async fn strangers_cannot_flood() {
    let rig = Rig::new().await;
    let stranger = rig.nobody();
    let mut refused = 0;
    for _ in 0..300 {
        refused += u32::from(stranger.get("/overview").await.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 0);
    assert_eq!(rig.token(Role::Viewer, &[]).get("/overview").await.status, StatusCode::OK);
}

#[tokio::test]
async fn headers_and_ids_are_on_everything() {
    let rig = Rig::new().await;
    let lan = rig.token(Role::Viewer, &[]);
    for path in ["/", "/alerts/some/view", "/no-such-file.js", "/api/v1/status", "/api/v1/nothing", "/healthz", "/../../etc/passwd"] {
        let reply = lan.read(lan.request("GET", path, None)).await;
        for name in ["x-request-id", "strict-transport-security", "content-security-policy", "cache-control"] {
            assert!(reply.headers.contains_key(name), "{name} on {path}");
        }
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(reply.headers["referrer-policy"], "no-referrer");
        let policy = reply.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("script-src 'self' 'unsafe") && !policy.contains("unsafe-eval"), "{policy}");
        assert!(!reply.text.contains("root:x:0"));
    }
}

#[tokio::test]
async fn the_first_page_is_the_console_or_says_why_not() {
    let rig = Rig::new().await;
    let nobody = rig.nobody();
    let reply = nobody.read(nobody.request("GET", "/", None)).await;
    assert_eq!(reply.headers["content-type"], "text/html; charset=utf-8");
    let built = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist/index.html").exists();
    match reply.status {
        StatusCode::OK if built => {
            let policy = reply.headers["content-security-policy"].to_str().unwrap();
            let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
            assert!(reply.text.contains(&format!("content=\"{nonce}\"")), "{}", reply.text);
            let again = nobody.read(nobody.request("GET", "/", None)).await;
            assert!(!again.text.contains(nonce), "a nonce is good for one answer");
        }
        status => {
            assert_eq!((status, built), (StatusCode::SERVICE_UNAVAILABLE, false));
            assert!(reply.text.contains("npm run build"));
        }
    }
    for path in ["/..%2f..%2fCargo.toml", "/assets/..%2f..%2fpackage.json", "/%2e%2e/package.json", "/assets/x.js"] {
        assert_eq!(nobody.read(nobody.request("GET", path, None)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_system_pages_answer() {
    let rig = Rig::new().await;
    let lan = rig.token(Role::Viewer, &[]);
    let status = lan.get("/status").await.json();
    assert_eq!((&status["bus"]["consumers"][0]["lag"], &status["store"]["events"]), (&json!(5), &json!(3)), "{status}");
    let rules = lan.get("/rules").await.json();
    assert_eq!((&rules["items"][0]["id"], &rules["diagnostics"][0]["line"]), (&json!("r-ssh"), &json!(3)));
    assert_eq!(lan.get("/rules/r-ssh").await.json()["text"], "title: SSH brute force\n");
    assert_eq!(lan.get("/sources").await.json()["items"][0]["confidence"], json!(0.987));
    assert_eq!(rig.nobody().get("/healthz").await.json(), json!({ "ok": true }));
    let overview = lan.get("/overview").await.json();
    assert_eq!(overview["top"]["source_ip"][0], json!({ "value": "198.51.100.9", "count": 2 }), "{overview}");
    assert_eq!(overview["attack"][0]["technique"], "T1110", "{overview}");
    assert_eq!(overview["events"]["per_second"], json!(42.5));
    let again = lan.get("/overview").await.json();
    assert_eq!(overview["generated_at"], again["generated_at"], "computed once for both");
    let mut request = lan.request("GET", "/api/v1/overview", None);
    request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    assert_eq!(lan.send(request).await.headers()["content-encoding"], "gzip");
    assert_eq!(rig.nobody().get("/openapi.json").await.problem(), "FSP-API-001");
    assert!(lan.get("/openapi.json").await.json()["paths"]["/api/v1/events"].is_object());
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_service_goes_on() {
    use axum::routing::get;
    use tower::ServiceExt as _;
    let app = axum::Router::new()
        .route("/boom", get(async || -> String { panic!("secret detail") }))
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(crate::layers::panicked));
    let request = axum::extract::Request::builder().uri("/boom").body(axum::body::Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("FSP-API-019") && !text.contains("secret detail"), "{text}");
}
