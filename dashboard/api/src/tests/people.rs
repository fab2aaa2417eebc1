//! Users and tokens: making, changing, ending; and that nobody gives more than they have.

use axum::http::StatusCode;
use serde_json::json;

use super::harness::{GOOD, Rig, record};
use crate::access::Role;
use fansipan_storage::StateStore as _;

#[tokio::test]
async fn a_new_user_logs_in_with_the_password_shown_once() {
    let rig = Rig::new().await;
    let boss = rig.person("boss", Role::Administrator, &[]).await;
    let reply =
        boss.post("/users", json!({ "name": "tam", "display_name": "Tẩn Thị Tâm", "roles": ["analyst"], "agencies": ["tax"] })).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    let password = reply.json()["one_time_password"].as_str().unwrap().to_owned();
    let mut tam = rig.nobody();
    let user = tam.login("tam", &password).await.json()["user"].clone();
    assert_eq!(user["must_change_password"], true);
    assert_eq!(user["agencies"], json!(["tax"]));
    assert_eq!(boss.post("/users", json!({ "name": "TAM", "roles": ["viewer"] })).await.problem(), "FSP-API-014");
    let list = boss.get("/users").await.text;
    assert!(list.contains("Tẩn Thị Tâm") && !list.contains("argon2"), "{list}");
    assert!(!format!("{:?}", rig.trail("boss")).contains(&password));
}

#[tokio::test]
async fn changes_end_sessions() {
    let rig = Rig::new().await;
    let boss = rig.person("boss", Role::Administrator, &[]).await;
    for (name, path, body) in [
        ("a1", "/users/a1/disable", json!({})),
        ("a2", "/users/a2/password", json!({})),
        ("a3", "/users/a3", json!({ "roles": ["viewer"] })),
        ("a4", "/users/a4", json!({ "agencies": ["tax"] })),
    ] {
        let person = rig.person(name, Role::Analyst, &[]).await;
        assert_eq!(person.get("/overview").await.status, StatusCode::OK);
        let reply = boss.post(path, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        assert_eq!(person.get("/overview").await.status, StatusCode::UNAUTHORIZED, "{name}");
    }
    assert_eq!(rig.nobody().login("a1", GOOD).await.problem(), "FSP-API-002");
    boss.post("/users/a1/enable", json!({})).await;
    assert_eq!(rig.nobody().login("a1", GOOD).await.status, StatusCode::OK);
    assert_eq!(boss.delete("/users/a1").await.status, StatusCode::NO_CONTENT);
    assert_eq!(rig.nobody().login("a1", GOOD).await.problem(), "FSP-API-002");
}

#[tokio::test]
async fn an_administrator_of_one_agency_stays_in_it() {
    let rig = Rig::new().await;
    rig.add_user("tam", &[Role::Analyst], &["tax"]);
    let local = rig.person("chief", Role::Administrator, &["health"]).await;
    for agencies in [json!(null), json!(["tax"]), json!(["health", "tax"])] {
        let new = json!({ "name": "mole", "roles": ["administrator"], "agencies": agencies });
        assert_eq!(local.post("/users", new.clone()).await.problem(), "FSP-API-006");
        assert_eq!(local.post("/tokens", new).await.problem(), "FSP-API-006");
    }
    let reply = local.post("/users", json!({ "name": "lan", "roles": ["analyst"], "agencies": ["health"] })).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(local.post("/users/lan", json!({ "all_agencies": true })).await.problem(), "FSP-API-006");
    for name in ["tam", "admin"] {
        assert_eq!(local.post(&format!("/users/{name}/password"), json!({})).await.problem(), "FSP-API-008", "{name}");
        assert_eq!(local.delete(&format!("/users/{name}")).await.problem(), "FSP-API-008", "{name}");
    }
    let names = local.get("/users").await.json()["items"].clone();
    let names: Vec<&str> = names.as_array().unwrap().iter().map(|u| u["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["chief", "lan"]);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let rig = Rig::new().await;
    let boss = rig.person("boss", Role::Administrator, &[]).await;
    assert_eq!(boss.delete("/users/admin").await.status, StatusCode::NO_CONTENT);
    assert_eq!(boss.delete("/users/boss").await.problem(), "FSP-API-014");
    assert_eq!(boss.post("/users/boss/disable", json!({})).await.problem(), "FSP-API-014");
    assert_eq!(boss.post("/users/boss", json!({ "roles": ["viewer"] })).await.problem(), "FSP-API-014");
    assert_eq!(boss.post("/users/boss", json!({ "agencies": ["tax"] })).await.problem(), "FSP-API-014");
}

#[tokio::test]
async fn tokens_work_until_revoked_or_expired() {
    let rig = Rig::new().await;
    let boss = rig.person("boss", Role::Administrator, &[]).await;
    let reply = boss.post("/tokens", json!({ "name": "siem-export", "roles": ["viewer"], "expires_in_days": 7 })).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    let token = reply.json()["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("fsp_"));
    let mut client = rig.nobody();
    client.bearer = Some(token.clone());
    client.header = false; // tokens are no cookies: no page of another site can make a browser send one
    assert_eq!(client.get("/session").await.json()["user"]["name"], "token:siem-export");
    assert_eq!(client.get("/users").await.problem(), "FSP-API-006");
    assert!(!boss.get("/tokens").await.text.contains(&token));
    assert_eq!(boss.delete("/tokens/siem-export").await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.get("/session").await.problem(), "FSP-API-001");
    assert_eq!(boss.delete("/tokens/siem-export").await.problem(), "FSP-API-008");
    let made = record("tokens.create", "old");
    let old = fansipan_storage::NewToken {
        owner: None,
        name: "old",
        token_hash: crate::identity::hash("fsp_old"),
        roles: vec!["viewer".into()],
        scope: fansipan_model::Scope::All,
        made_by: "boss",
        created: 1,
        expires: Some(2),
    };
    rig.state.add_token(&old, &made).unwrap();
    client.bearer = Some("fsp_old".into());
    assert_eq!(client.get("/session").await.problem(), "FSP-API-001");
}

#[tokio::test]
async fn odd_names_and_empty_roles_are_refused() {
    let rig = Rig::new().await;
    let boss = rig.token(Role::Administrator, &[]);
    for name in ["", "x", "a b", "../etc", "-dash", "täm", "a\u{0}b", &"x".repeat(65), "token:x"] {
        assert_eq!(boss.post("/users", json!({ "name": name, "roles": ["viewer"] })).await.problem(), "FSP-API-010", "{name:?}");
    }
    assert_eq!(boss.post("/users", json!({ "name": "fine", "roles": [] })).await.problem(), "FSP-API-010");
    assert_eq!(boss.post("/users", json!({ "name": "fine", "roles": ["god"] })).await.problem(), "FSP-API-010");
    assert_eq!(boss.post("/users", json!({ "name": "fine", "roles": ["viewer"], "admin": true })).await.problem(), "FSP-API-010");
}

#[tokio::test]
async fn people_choose_their_language() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Viewer, &[]).await;
    assert_eq!(lan.post("/session/settings", json!({ "language": "en" })).await.status, StatusCode::NO_CONTENT);
    assert_eq!(lan.get("/session").await.json()["user"]["language"], "en");
    assert_eq!(lan.post("/session/settings", json!({ "language": "fr" })).await.problem(), "FSP-API-010");
}
