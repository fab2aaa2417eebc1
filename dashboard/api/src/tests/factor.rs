//! The second factor from enrolment to the lost phone, and the list of sessions.

use axum::http::StatusCode;
use serde_json::json;

use super::harness::{Client, GOOD, Rig};
use crate::{access::Role, identity::totp, state::now};

/// The code that the person's authenticator shows, so many steps from now.
fn code(secret: &str, steps: i64) -> String {
    let seconds = now() / 1_000_000_000 + 30 * steps;
    let engine = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_secret(totp_rs::Secret::try_from_base32(secret).unwrap())
        .with_account_name("x")
        .build()
        .unwrap();
    engine.generate(u64::try_from(seconds).unwrap()).to_string()
}

async fn login(rig: &Rig, name: &str, code: Option<&str>) -> (Client, super::harness::Reply) {
    let mut client = rig.nobody();
    let reply = client.post("/session", json!({ "username": name, "password": GOOD, "code": code })).await;
    client.keep_cookie(&reply);
    (client, reply)
}

/// Sets up a second factor; the secret, the recovery codes and the code that proved it.
pub(super) async fn enrolled(client: &Client) -> (String, Vec<String>, String) {
    let shown = client.post("/session/second-factor", json!({})).await.json();
    let secret = shown["secret"].as_str().unwrap().to_owned();
    assert!(shown["qr"].as_str().unwrap().starts_with("<svg"));
    assert_eq!(client.post("/session/second-factor/confirm", json!({ "code": "000000" })).await.problem(), "FSP-API-002");
    let proof = code(&secret, -1);
    let reply = client.post("/session/second-factor/confirm", json!({ "code": proof })).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    let codes = reply.json()["codes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
    (secret, codes, proof)
}

#[tokio::test]
async fn a_login_asks_for_the_code_and_a_code_works_once() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    let (secret, recovery, proof) = enrolled(&lan).await;
    assert_eq!(lan.post("/session/second-factor", json!({})).await.problem(), "FSP-API-014", "the secret is shown once");
    assert_eq!(login(&rig, "lan", None).await.1.problem(), "FSP-API-022");
    let (_, used) = login(&rig, "lan", Some(&proof)).await;
    assert_eq!(used.problem(), "FSP-API-002", "the code of the enrolment is used up");
    let fresh = code(&secret, 0);
    let (client, reply) = login(&rig, "lan", Some(&fresh)).await;
    assert_eq!((reply.status, &reply.json()["user"]["second_factor"]), (StatusCode::OK, &json!(true)), "{reply:?}");
    assert_eq!(client.get("/overview").await.status, StatusCode::OK);
    assert_eq!(login(&rig, "lan", Some(&fresh)).await.1.problem(), "FSP-API-002", "somebody looked over the shoulder");
    // the phone is lost
    let (_, reply) = login(&rig, "lan", Some(&recovery[3].to_uppercase())).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert_eq!(login(&rig, "lan", Some(&recovery[3])).await.1.problem(), "FSP-API-002", "so does a recovery code");
    // neither secret nor codes are written anywhere in the clear
    let raw = totp_rs::Secret::try_from_base32(&secret).unwrap();
    let trail = format!("{:?}", rig.trail("lan"));
    assert!(!trail.contains(&secret) && !trail.contains(&recovery[0]));
    for entry in std::fs::read_dir(rig.dir.path()).unwrap().flatten().filter(|e| e.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(20).any(|w| w == raw.as_ref()), "{:?}", entry.path());
    }
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_even_with_the_right_password() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    let (secret, ..) = enrolled(&lan).await;
    let mut slowed = false;
    for n in 0..8 {
        // the thief asks without a code in between, which must not wipe the count
        login(&rig, "lan", None).await;
        slowed |= login(&rig, "lan", Some(&format!("{n:06}"))).await.1.status == StatusCode::TOO_MANY_REQUESTS;
    }
    assert!(slowed);
    assert_eq!(login(&rig, "lan", Some(&code(&secret, 0))).await.1.problem(), "FSP-API-003");
}

#[tokio::test]
async fn a_role_may_require_it_and_an_administrator_resets_it() {
    let rig = Rig::with(|c| c.second_factor = vec![Role::Administrator]).await;
    let boss = rig.person("boss", Role::Administrator, &[]).await;
    assert_eq!(boss.get("/session").await.json()["user"]["must_set_up_second_factor"], true);
    for path in ["/overview", "/alerts", "/users"] {
        assert_eq!(boss.get(path).await.problem(), "FSP-API-023", "{path}");
    }
    let (secret, ..) = enrolled(&boss).await;
    assert_eq!(boss.get("/users").await.status, StatusCode::OK);
    let remove = boss.post("/session/second-factor/remove", json!({ "code": code(&secret, 0) })).await;
    assert_eq!(remove.problem(), "FSP-API-014", "the role requires it");
    let lan = rig.person("lan", Role::Viewer, &[]).await;
    assert_eq!(lan.get("/overview").await.status, StatusCode::OK, "other roles need none");
    let (secret, recovery, _) = enrolled(&lan).await;
    assert_eq!(lan.post("/session/second-factor/remove", json!({ "code": "123456" })).await.problem(), "FSP-API-002");
    assert_eq!(lan.post("/session/second-factor/remove", json!({ "code": recovery[0] })).await.status, StatusCode::NO_CONTENT);
    assert_eq!(login(&rig, "lan", None).await.1.status, StatusCode::OK);
    let (again, ..) = enrolled(&lan).await;
    assert_ne!(again, secret);
    assert_eq!(boss.delete("/users/lan/second-factor").await.status, StatusCode::NO_CONTENT);
    assert_eq!(boss.delete("/users/lan/second-factor").await.problem(), "FSP-API-008");
    assert_eq!(login(&rig, "lan", None).await.1.status, StatusCode::OK);
    assert_eq!(totp::step(b"12345678901234567890", "x", "12345", 0).unwrap(), None);
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_and_administrators_those_of_their_people() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &["tax"]).await;
    let (phone, _) = login(&rig, "lan", None).await;
    let minh = rig.person("minh", Role::Analyst, &["health"]).await;
    let items = |reply: super::harness::Reply| reply.json()["items"].as_array().unwrap().clone();
    let own = items(lan.get("/session/open").await);
    assert_eq!(own.len(), 2, "{own:?}");
    let other = own.iter().find(|s| s["current"] == false).unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(minh.delete(&format!("/session/open/{other}")).await.problem(), "FSP-API-008", "not yours");
    assert_eq!(lan.delete(&format!("/session/open/{other}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(phone.get("/session").await.problem(), "FSP-API-001");
    assert_eq!(lan.get("/sessions").await.problem(), "FSP-API-006");
    let chief = rig.person("chief", Role::Administrator, &["tax"]).await;
    let seen = items(chief.get("/sessions").await);
    let mut people: Vec<&str> = seen.iter().map(|s| s["user"].as_str().unwrap()).collect();
    people.sort_unstable();
    assert_eq!(people, ["chief", "lan"]);
    let id = seen.iter().find(|s| s["user"] == "lan").unwrap()["id"].as_str().unwrap();
    assert_eq!(chief.delete(&format!("/sessions/{id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(lan.get("/session").await.problem(), "FSP-API-001");
    let foreign = items(minh.get("/session/open").await)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(chief.delete(&format!("/sessions/{foreign}")).await.problem(), "FSP-API-008");
    // the id opens nothing
    let thief = Client { cookie: Some(format!("__Host-fansipan={foreign}")), ..rig.nobody() };
    assert_eq!(thief.get("/session").await.problem(), "FSP-API-001");
    assert!(rig.trail("chief").contains(&("sessions.end".to_owned(), true)));
}

#[tokio::test]
async fn the_audit_trail_proves_itself() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    lan.get("/events?q=user.name:root").await;
    let auditor = rig.token(Role::Auditor, &[]);
    let proof = auditor.get("/audit/proof").await.json();
    assert_eq!((&proof["sound"], &proof["fault"]), (&json!(true), &json!(null)), "{proof}");
    assert!(proof["entries"].as_u64().unwrap() >= 4, "{proof}");
    assert_eq!(lan.get("/audit/proof").await.problem(), "FSP-API-006");
    let found = auditor.get("/audit?verb=events.search").await.json()["items"][0].clone();
    assert_eq!((&found["who"], &found["allowed"]), (&json!("lan"), &json!(true)), "searches are in the trail: {found}");
}
