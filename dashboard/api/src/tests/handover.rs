//! The handover of a shift, and API tokens of one's own.

use axum::http::StatusCode;
use fansipan_storage::{HandoverStore as _, StateStore as _, UserChange};
use serde_json::json;

use super::harness::{Client, Rig, record};
use crate::access::Role;

#[tokio::test]
async fn a_shift_is_handed_over_from_where_the_last_one_ended() {
    let rig = Rig::new().await;
    let analyst = rig.token(Role::Analyst, &[]);
    let page = analyst.get("/handover").await.json();
    assert_eq!((&page["alerts_open"], page["handovers"].as_array().unwrap().len()), (&json!(2), 0), "{page}");
    assert!(page["silent"].as_array().is_some());
    assert_eq!(page["began_by"], "none_yet", "nobody handed anything over: it does not say so");
    assert_eq!(analyst.get("/handover?since=8h").await.json()["began_by"], "asked");
    let signed = analyst.post("/handover", json!({ "since": page["since"], "note": "Sở Y tế: máy chủ web đang theo dõi" })).await;
    assert_eq!(signed.status, StatusCode::CREATED, "{}", signed.text);
    let next = analyst.get("/handover").await.json();
    assert_eq!(next["since"], signed.json()["at"], "the next shift begins where this one ended");
    assert_eq!(next["began_by"], "handover");
    let old = fansipan_storage::Handover { number: 0, at: 1, since: 0, who: "hoa".into(), note: String::new() };
    let fresh = Rig::new().await;
    fresh.state.add_handover(&old, &fansipan_model::Scope::All, &record("handover.sign", "")).unwrap();
    assert_eq!(fresh.token(Role::Analyst, &[]).get("/handover").await.json()["began_by"], "long_ago");
    assert_eq!(next["handovers"][0]["note"], "Sở Y tế: máy chủ web đang theo dõi");
    assert_eq!(next["alerts_raised"], 0);
    let health = rig.token(Role::Analyst, &["health"]).get("/handover").await.json();
    assert_eq!((&health["alerts_open"], health["handovers"].as_array().unwrap().len()), (&json!(1), 0), "{health}");
    let viewer = rig.token(Role::Viewer, &[]);
    assert_eq!(viewer.post("/handover", json!({ "since": page["since"] })).await.problem(), "FSP-API-006");
}

#[tokio::test]
async fn a_token_of_ones_own_is_worth_what_its_person_is() {
    let rig = Rig::new().await;
    let mut person = rig.person("huong", Role::Analyst, &["health"]).await;
    person.header = true;
    let more = person.post("/session/tokens", json!({ "name": "may-toi", "roles": ["administrator"] })).await;
    assert_eq!(more.status, StatusCode::BAD_REQUEST, "{}", more.text);
    let made = person.post("/session/tokens", json!({ "name": "may-toi" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let bearer = made.json()["token"].as_str().unwrap().to_owned();
    let program = Client { bearer: Some(bearer), ..rig.nobody() };
    assert_eq!(program.get("/alerts").await.json()["items"].as_array().unwrap().len(), 1, "their agency's alone");
    // a token makes no tokens
    assert_eq!(program.post("/session/tokens", json!({ "name": "second" })).await.status, StatusCode::FORBIDDEN);
    let list = person.get("/session/tokens").await.json();
    assert_eq!(list["items"][0]["name"], "huong/may-toi");
    let other = rig.person("minh", Role::Analyst, &[]).await;
    assert_eq!(other.get("/session/tokens").await.json()["items"].as_array().unwrap().len(), 0);
    assert_eq!(other.delete("/session/tokens/huong%2Fmay-toi").await.problem(), "FSP-API-008");
    // the person loses a role, then may not come in at all, then is gone: so does, may and is the token
    let change = |change: UserChange| rig.state.change_user("huong", &change, Some(&record("users.update", "huong"))).unwrap();
    change(UserChange { roles: Some(vec!["viewer".into()]), ..UserChange::default() });
    assert_eq!(program.post("/alerts/next", json!({})).await.problem(), "FSP-API-006");
    change(UserChange { disabled: Some(true), ..UserChange::default() });
    assert_eq!(program.get("/overview").await.problem(), "FSP-API-001");
    rig.state.remove_user("huong", &record("users.remove", "huong")).unwrap();
    assert!(rig.state.tokens().unwrap().iter().all(|t| t.owner.is_none()), "nobody who gets the name later gets the token");
}
