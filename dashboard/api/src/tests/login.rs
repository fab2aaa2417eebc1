//! Logging in: the first run, the forced change, failures, brakes, sessions and their end.

use std::time::Duration;

use axum::http::{StatusCode, header};
use fansipan_storage::StateStore as _;
use serde_json::json;

use super::harness::{GOOD, Rig};
use crate::access::Role;

#[tokio::test]
async fn first_run_to_first_page() {
    let rig = Rig::new().await;
    let mut admin = rig.nobody();
    assert_eq!(admin.get("/session").await.problem(), "FSP-API-001");
    let reply = admin.login("admin", &rig.first_password).await;
    assert_eq!(reply.status, StatusCode::OK);
    let user = &reply.json()["user"];
    assert_eq!((&user["name"], &user["must_change_password"]), (&json!("admin"), &json!(true)));
    let cookie = reply.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["__Host-fansipan=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    // until the password is changed, nothing but that is possible
    for path in ["/overview", "/alerts", "/events", "/users", "/stream"] {
        assert_eq!(admin.get(path).await.problem(), "FSP-API-005", "{path}");
    }
    assert_eq!(admin.get("/session").await.status, StatusCode::OK);
    let change = |old: &str, new: &str| json!({ "old": old, "new": new });
    assert_eq!(admin.post("/session/password", change("wrong", GOOD)).await.problem(), "FSP-API-002");
    assert_eq!(admin.post("/session/password", change(&rig.first_password, "short")).await.problem(), "FSP-API-015");
    let same = change(&rig.first_password, &rig.first_password);
    assert_eq!(admin.post("/session/password", same).await.problem(), "FSP-API-015");
    let before = admin.clone();
    let reply = admin.post("/session/password", change(&rig.first_password, GOOD)).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    admin.keep_cookie(&reply);
    assert_ne!(before.cookie, admin.cookie);
    assert_eq!(before.get("/session").await.problem(), "FSP-API-001", "the session of before the change has ended");
    assert_eq!(admin.get("/overview").await.status, StatusCode::OK);
    assert_eq!(rig.nobody().login("admin", &rig.first_password).await.problem(), "FSP-API-002");
    assert_eq!(rig.nobody().login("Admin", GOOD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_first_password_is_written_nowhere() {
    let rig = Rig::new().await;
    rig.nobody().login("admin", &rig.first_password).await;
    let page = rig.state.audit_trail(&fansipan_model::Scope::All, &Default::default(), None, 1000).unwrap();
    assert!(!format!("{page:?}").contains(&rig.first_password));
    for entry in std::fs::read_dir(rig.dir.path()).unwrap().flatten().filter(|e| e.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        let password = rig.first_password.as_bytes();
        assert!(!bytes.windows(password.len()).any(|w| w == password), "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_first_password_that_nobody_used_is_made_anew_at_the_next_start() {
    let rig = Rig::new().await;
    let passwords = crate::identity::Passwords::new().unwrap();
    let again = || crate::identity::first_run(&*rig.state, &passwords, crate::state::now()).unwrap();
    let second = again().expect("the start before may have failed before anybody read the first one");
    assert_eq!(rig.nobody().login("admin", &rig.first_password).await.problem(), "FSP-API-002");
    assert_eq!(rig.nobody().login("admin", second.reveal()).await.status, StatusCode::OK);
    assert_eq!(again(), None, "somebody has logged in");
}

#[tokio::test]
async fn failures_do_not_tell_what_was_wrong() {
    let rig = Rig::new().await;
    rig.add_user("lan", &[Role::Analyst], &[]);
    rig.add_user("gone", &[Role::Analyst], &[]);
    rig.person("boss", Role::Administrator, &[]).await.post("/users/gone/disable", json!({})).await;
    let mut answers = Vec::new();
    for (name, password) in
        [("lan", "wrong password 1"), ("nobody", "wrong password 1"), ("gone", GOOD), ("", ""), ("x".repeat(5000).as_str(), "y")]
    {
        let reply = rig.nobody().login(name, password).await;
        assert!(!reply.headers.contains_key(header::SET_COOKIE));
        answers.push((reply.status, reply.text));
    }
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
    let unknown = rig.trail("unknown");
    assert_eq!(unknown.len(), 3, "{unknown:?}");
    assert!(unknown.iter().all(|e| *e == ("session.open".to_owned(), false)));
    assert_eq!(rig.trail("lan"), [("session.open".to_owned(), false)]);
}

#[tokio::test]
async fn guessing_is_slowed_down_even_for_the_right_guess() {
    let rig = Rig::new().await;
    rig.add_user("lan", &[Role::Analyst], &[]);
    for _ in 0..6 {
        // each guess from another address: the user's own brake is what holds
        assert_eq!(rig.nobody().login("lan", "wrong password 1").await.problem(), "FSP-API-002");
    }
    let reply = rig.nobody().login("lan", GOOD).await;
    assert_eq!(reply.problem(), "FSP-API-003");
    assert!(reply.headers[header::RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    rig.add_user("minh", &[Role::Analyst], &[]);
    assert_eq!(rig.nobody().login("minh", GOOD).await.status, StatusCode::OK, "others are not held up");
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(rig.nobody().login("lan", GOOD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_address_cannot_try_many_names() {
    let rig = Rig::new().await;
    let mut stranger = rig.nobody();
    let mut refused = 0;
    for n in 0..30 {
        let reply = stranger.login(&format!("user{n}"), "wrong password 1").await;
        refused += u32::from(reply.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused >= 5, "{refused}");
    let entries = rig.trail("unknown").len();
    assert!(entries <= 25, "attempts that were not tried leave no entries: {entries}");
}

#[tokio::test]
async fn a_session_planted_before_login_is_worth_nothing() {
    let rig = Rig::new().await;
    rig.add_user("lan", &[Role::Analyst], &[]);
    let mut victim = rig.nobody();
    victim.cookie = Some("__Host-fansipan=planted".into());
    victim.login("lan", GOOD).await;
    assert_ne!(victim.cookie.as_deref(), Some("__Host-fansipan=planted"));
    let mut attacker = rig.nobody();
    attacker.cookie = Some("__Host-fansipan=planted".into());
    assert_eq!(attacker.get("/session").await.problem(), "FSP-API-001");
    // a second login ends the session that the browser had
    let first = victim.clone();
    victim.login("lan", GOOD).await;
    assert_eq!(first.get("/session").await.problem(), "FSP-API-001");
    assert_eq!(victim.get("/session").await.status, StatusCode::OK);
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Viewer, &[]).await;
    let reply = lan.delete("/session").await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert!(reply.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(lan.get("/session").await.problem(), "FSP-API-001");
    assert_eq!(rig.trail("lan"), [("session.close".to_owned(), true), ("session.open".to_owned(), true)]);
}

#[tokio::test]
async fn sessions_end_when_idle_and_background_calls_are_idleness() {
    let rig = Rig::with(|c| c.idle = Duration::from_millis(600)).await;
    let lan = rig.person("lan", Role::Viewer, &[]).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(lan.get("/session").await.status, StatusCode::OK);
    }
    let mut last = StatusCode::OK;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let mut request = lan.request("GET", "/api/v1/overview", None);
        request.headers_mut().insert("x-fansipan-background", "1".parse().unwrap());
        last = lan.read(request).await.status;
    }
    assert_eq!(last, StatusCode::UNAUTHORIZED);
    assert_eq!(lan.get("/session").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn sessions_end_after_their_absolute_time() {
    let rig = Rig::with(|c| c.absolute = Duration::from_millis(700)).await;
    let lan = rig.person("lan", Role::Viewer, &[]).await;
    assert_eq!(lan.get("/session").await.status, StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(lan.get("/session").await.status, StatusCode::UNAUTHORIZED);
}
