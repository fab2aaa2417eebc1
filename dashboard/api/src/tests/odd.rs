//! Odd values in every parameter and body of every route: refused or answered, never a failure of the service.

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::harness::Rig;
use crate::{access::Role, identity::Rate, routes::table};

const ODD: &[&str] = &[
    "",
    "0",
    "-1",
    "99999999999999999999999",
    "1e309",
    "NaN",
    "null",
    "%00",
    "%FF%FE",
    "%F0%9F%92%A9%C3%A9",
    "%E2%80%AE",
    "'%20OR%201=1--",
    "..%2F..%2Fetc%2Fpasswd",
    "*",
    "%7C%20stats",
    "message:%2F(a%2B)%2B%24%2F",
    "9223372036854775807",
    "-9223372036854775808",
    "292277026596-12-04T15:30:08Z",
    "0000-01-01T00:00:00Z",
    "100000w",
];

#[tokio::test]
async fn parameters() {
    let rig = Rig::with(|c| c.rate = Rate::new(100_000, 100_000)).await;
    let admin = rig.token(Role::Administrator, &[]);
    let document = admin.get("/openapi.json").await.json();
    let long = "a".repeat(9_000);
    let mut calls = 0;
    for route in table().iter().filter(|r| r.method == Method::GET && r.path != "/stream") {
        let operation = &document["paths"][format!("/api/v1{}", route.path)]["get"];
        let parameters: Vec<(bool, String)> = operation["parameters"]
            .as_array()
            .map(|all| all.iter().map(|p| (p["in"] == "path", p["name"].as_str().unwrap().to_owned())).collect())
            .unwrap_or_default();
        for (in_path, name) in parameters {
            for value in ODD.iter().copied().chain([long.as_str()]) {
                let required = if route.path.ends_with("facets") && name != "fields" { "&fields=source.ip" } else { "" };
                let path = match in_path {
                    true => route.path.replace(&format!("{{{name}}}"), if value.is_empty() { "%20" } else { value }),
                    false => format!("{}?{name}={value}{required}", route.path),
                };
                let reply = admin.get(&path).await;
                assert!(!reply.status.is_server_error(), "{path}: {reply:?}");
                if !reply.status.is_success() {
                    reply.problem();
                }
                calls += 1;
            }
        }
    }
    assert!(calls > 500, "{calls}");
}

#[tokio::test]
async fn bodies() {
    let rig = Rig::with(|c| c.rate = Rate::new(100_000, 100_000)).await;
    let admin = rig.token(Role::Administrator, &[]);
    let deep = "[".repeat(500) + &"]".repeat(500);
    let odd = [
        "",
        "null",
        "[]",
        "\"x\"",
        "1e999",
        "{\"\":{}}",
        "{\"version\":-1}",
        "{\"version\":1.5,\"status\":\"new\"}",
        "{\"status\":\"new\",\"version\":18446744073709551616}",
        "{\"username\":\"\u{0}\",\"password\":\"\\ud800\"}",
        "{\"name\":\"a\",\"name\":\"b\"}",
        "\u{feff}{}",
        &deep,
    ];
    for route in table().iter().filter(|r| r.method == Method::POST) {
        let path = route.path.replace("{id}", "%F0%9F%92%A9").replace("{name}", "%00");
        for body in odd {
            let mut request = admin.request("POST", &format!("/api/v1{path}"), Some(json!({})));
            *request.body_mut() = body.to_owned().into();
            let reply = admin.read(request).await;
            assert!(reply.status.is_client_error(), "{path} {body:?}: {reply:?}");
            reply.problem();
        }
    }
    assert_eq!(admin.get("/status").await.status, StatusCode::OK);
}
