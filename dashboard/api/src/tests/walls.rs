//! Screens of the wall: enrolled once, read the wall and nothing else, keep nobody logged in, end when revoked.

use std::time::Duration;

use axum::http::{StatusCode, header};
use serde_json::json;

use super::harness::{Client, Rig};
use crate::{access::Role, routes::table};

/// A screen enrolled by its code, as a browser.
async fn enrolled(rig: &Rig, boss: &Client, name: &str, agencies: serde_json::Value) -> Client {
    let reply = boss.post("/wall-devices", json!({ "name": name, "agencies": agencies })).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    let code = reply.json()["code"].as_str().unwrap().to_owned();
    let mut screen = rig.nobody();
    let reply = screen.post("/wall/enrol", json!({ "code": code })).await;
    assert_eq!((reply.status, &reply.json()["token"]), (StatusCode::OK, &json!(null)), "{reply:?}");
    screen.keep_cookie(&reply);
    let cookie = reply.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["__Host-fansipan-wall=fsw_", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let again = rig.nobody().post("/wall/enrol", json!({ "code": code })).await;
    assert_eq!(again.problem(), "FSP-API-002", "a code works once");
    screen
}

#[tokio::test]
async fn a_stolen_wall_credential_reads_the_wall_and_nothing_else() {
    let rig = Rig::new().await;
    let boss = rig.person("boss", Role::Administrator, &[]).await;
    let screen = enrolled(&rig, &boss, "wall-1", json!(null)).await;
    // the thief takes it out of the browser and uses it as he likes
    let stolen = screen.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    let thief = Client { bearer: Some(stolen), cookie: None, ..rig.nobody() };
    let mut readable = Vec::new();
    for route in table() {
        let path = route.path.replace("{id}", "00000000000000000000000000000000").replace("{name}", "no-such-name");
        let body = (route.method != axum::http::Method::GET).then(|| json!({}));
        for client in [&thief, &screen] {
            let response = client.send(client.request(route.method.as_str(), &format!("/api/v1{path}"), body.clone())).await;
            let open = route.access == crate::access::Access::Open;
            let wall = route.access == crate::access::Access::Needs(crate::access::Permission::ReadWall);
            let refused = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            assert_eq!(refused, !(open || wall), "{} {}: {}", route.method, route.path, response.status());
            if wall && !refused {
                assert_eq!(route.method, "GET", "the wall changes nothing");
                readable.push(route.path);
            }
        }
    }
    assert!(readable.contains(&"/overview") && readable.contains(&"/wall/device"), "{readable:?}");
    assert_eq!(thief.get("/wall/device").await.json()["name"], "wall-1");
    assert!(!boss.get("/wall-devices").await.text.contains("fsw_"));
    assert_eq!(boss.delete("/wall-devices/wall-1").await.status, StatusCode::NO_CONTENT);
    assert_eq!(thief.get("/overview").await.problem(), "FSP-API-001", "revoked at once");
    let trail = rig.trail("wall:wall-1");
    assert!(trail.contains(&("wall.enrol".to_owned(), true)) && trail.contains(&("alerts.view".to_owned(), false)), "{trail:?}");
}

#[tokio::test]
async fn a_wall_in_somebodys_browser_does_not_keep_them_logged_in() {
    let rig = Rig::with(|c| c.idle = Duration::from_secs(2)).await;
    let lan = rig.person("lan", Role::Administrator, &[]).await;
    let screen = enrolled(&rig, &lan, "wall-2", json!(null)).await;
    let both = Client { cookie: Some(format!("{}; {}", lan.cookie.clone().unwrap(), screen.cookie.unwrap())), ..lan.clone() };
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(both.get("/overview").await.status, StatusCode::OK, "the wall goes on");
    }
    assert_eq!(lan.get("/session").await.problem(), "FSP-API-001", "the person does not");
    assert_eq!(both.get("/session").await.problem(), "FSP-API-001");
    assert_eq!(both.get("/overview").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_screen_shows_its_agencies_only_and_nobody_gives_more_than_they_see() {
    let rig = Rig::new().await;
    let local = rig.person("chief", Role::Administrator, &["health"]).await;
    assert_eq!(local.post("/wall-devices", json!({ "name": "wall-3" })).await.problem(), "FSP-API-006");
    assert_eq!(local.post("/wall-devices", json!({ "name": "wall-3", "agencies": ["tax"] })).await.problem(), "FSP-API-006");
    let screen = enrolled(&rig, &local, "wall-3", json!(["health"])).await;
    assert_eq!(screen.get("/overview?since=1h").await.json()["events"]["total"], json!(1));
    let boss = rig.person("boss", Role::Administrator, &[]).await;
    enrolled(&rig, &boss, "wall-4", json!(["tax"])).await;
    assert_eq!(local.get("/wall-devices").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(local.delete("/wall-devices/wall-4").await.problem(), "FSP-API-008");
}

#[tokio::test]
async fn codes_are_not_guessed_and_terminals_get_theirs_as_text() {
    let rig = Rig::new().await;
    let boss = rig.token(Role::Administrator, &[]);
    let stranger = rig.nobody();
    let mut slowed = 0;
    for n in 0..30 {
        let reply = stranger.post("/wall/enrol", json!({ "code": format!("aaaa-bbbb-c{n:03}") })).await;
        slowed += u32::from(reply.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(slowed >= 5, "{slowed}");
    let code = boss.post("/wall-devices", json!({ "name": "tty" })).await.json()["code"].as_str().unwrap().to_uppercase();
    let reply = rig.nobody().post("/wall/enrol", json!({ "code": code.replace('-', " "), "terminal": true })).await;
    assert!(!reply.headers.contains_key(header::SET_COOKIE));
    let client = Client { bearer: reply.json()["token"].as_str().map(ToOwned::to_owned), ..rig.nobody() };
    assert_eq!(client.get("/overview").await.status, StatusCode::OK);
    assert_eq!(boss.post("/tokens", json!({ "name": "no", "roles": ["wall"] })).await.problem(), "FSP-API-010");
    assert_eq!(boss.post("/users", json!({ "name": "no", "roles": ["wall"] })).await.problem(), "FSP-API-010");
}
