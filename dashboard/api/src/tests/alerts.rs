//! Working the queue, and what it leaves in the audit trail.

use axum::http::StatusCode;
use serde_json::json;

use super::harness::{Rig, SCRIPT, alert, event_id};
use crate::access::Role;

#[tokio::test]
async fn an_alert_is_found_read_judged_and_recorded() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &["health"]).await;
    let page = lan.get("/alerts").await.json();
    let item = &page["items"][0];
    assert_eq!(item["rule"]["title_vi"], "Dò mật khẩu SSH");
    for time in ["first_seen", "last_seen", "raised"] {
        assert!(fansipan_model::time::from_rfc3339(item[time].as_str().unwrap()).is_some(), "{item}");
    }
    let id = alert(1, "health").id.to_string();
    let detail = lan.get(&format!("/alerts/{id}")).await.json();
    assert_eq!(detail["events"][0]["event.id"], json!(event_id(1).to_string()));
    assert_eq!(detail["events"][0]["source.ip"], "203.0.113.7");

    let version = detail["version"].as_u64().unwrap();
    let path = format!("/alerts/{id}/status");
    let reply = lan.post(&path, json!({ "status": "acknowledged", "version": version })).await;
    assert_eq!((reply.status, &reply.json()["status"]), (StatusCode::OK, &json!("acknowledged")), "{reply:?}");
    let late = json!({ "status": "benign", "reason": "drill", "version": version });
    assert_eq!(lan.post(&path, late).await.problem(), "FSP-API-014", "somebody else was first");
    let version = reply.json()["version"].as_u64().unwrap();
    let reply = lan.post(&path, json!({ "status": "false_positive", "reason": "scanner of ours", "version": version })).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(lan.get("/alerts").await.json()["total"], 0, "no longer open");
    assert_eq!(lan.get("/alerts?status=false_positive&level=high&rule=r-ssh&q=BRUTE").await.json()["total"], 1);

    let detail = lan.get(&format!("/alerts/{id}")).await.json();
    assert_eq!(detail["reason"], "scanner of ours");
    let acts: Vec<&str> = detail["history"].as_array().unwrap().iter().map(|a| a["status"].as_str().unwrap()).collect();
    assert_eq!(acts, ["false_positive", "acknowledged"]);
    let trail = rig.trail("lan");
    let expected = [
        ("alerts.view", true),
        ("alerts.status", true),
        ("alerts.status", false),
        ("alerts.status", true),
        ("alerts.view", true),
        ("session.open", true),
    ];
    assert_eq!(trail, expected.map(|(v, a)| (v.to_owned(), a)));
    rig.state.verify_audit().unwrap();
}

use fansipan_storage::StateStore as _;

#[tokio::test]
async fn an_alert_goes_to_those_only_who_can_see_it() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &["health"]).await;
    rig.add_user("tam", &[Role::Analyst], &["tax"]);
    let id = alert(1, "health").id.to_string();
    let version = lan.get(&format!("/alerts/{id}")).await.json()["version"].clone();
    let path = format!("/alerts/{id}/assign");
    for name in ["tam", "nobody-of-that-name"] {
        assert_eq!(lan.post(&path, json!({ "assignee": name, "version": version })).await.problem(), "FSP-API-010");
    }
    let reply = lan.post(&path, json!({ "assignee": "LAN", "version": version })).await;
    assert_eq!(reply.json()["assignee"], "lan", "{reply:?}");
    assert_eq!(reply.json()["status"], "acknowledged");
}

#[tokio::test]
async fn searches_are_recorded_with_their_text() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &["health"]).await;
    lan.get("/events?q=user.name:root&since=1h").await;
    lan.get("/events/histogram?q=user.name:root&since=1h").await;
    lan.get("/events/facets?q=user.name:root&since=1h&fields=user.name").await;
    lan.get(&format!("/events/{}", event_id(1))).await;
    let verbs: Vec<String> = rig.trail("lan").into_iter().map(|(v, _)| v).collect();
    assert_eq!(verbs, ["events.view", "events.facets", "events.histogram", "events.search", "session.open"]);
    let auditor = rig.token(Role::Auditor, &[]);
    let items = auditor.get("/audit?verb=events.search&who=lan").await.json()["items"].clone();
    assert!(items[0]["details"].as_str().unwrap().contains("user.name:root"), "{items}");
    assert_eq!(items[0]["agency"], "health");
    assert!(items[0]["peer"].as_str().unwrap().starts_with("10."));
    // a refusal is recorded as one
    lan.get("/audit").await;
    assert_eq!(rig.trail("lan")[0], ("audit.list".to_owned(), false));
}

#[tokio::test]
async fn hostile_text_comes_back_as_data() {
    let rig = Rig::new().await;
    let lan = rig.token(Role::Analyst, &[]);
    let id = alert(1, "health").id;
    for path in [format!("/alerts/{id}"), "/alerts".into(), "/events?since=1h".into(), format!("/events/{}", event_id(1))] {
        let reply = lan.get(&path).await;
        assert_eq!(reply.headers["content-type"], "application/json", "{path}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        assert!(reply.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        assert!(reply.json().to_string().contains(&json!(SCRIPT).to_string()[1..20]), "{path}");
    }
    let reply = lan.get(&format!("/events?q={}", "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22")).await;
    assert!(reply.headers["content-type"].to_str().unwrap().contains("json"));
}
