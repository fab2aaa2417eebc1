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
    let about = async |value: &str| lan.get(&format!("/alerts?entity={value}")).await.json()["total"].clone();
    assert_eq!((about("root").await, about("roo").await), (json!(1), json!(0)), "a whole value");
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

#[tokio::test]
async fn the_next_alert_is_taken_once_and_each_agency_gets_its_own() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &["health"]).await;
    let tam = rig.person("tam", Role::Analyst, &[]).await;
    let taken = lan.post("/alerts/next", json!({})).await.json();
    assert_eq!(taken["alert"]["agency"], "health");
    assert_eq!((&taken["alert"]["assignee"], &taken["alert"]["status"]), (&json!("lan"), &json!("acknowledged")));
    assert!(taken["rank"]["priority"].as_u64().unwrap() > 0, "{taken}");
    assert_eq!(lan.post("/alerts/next", json!({})).await.json()["alert"], json!(null), "the other one is of another agency");
    assert_eq!(tam.post("/alerts/next", json!({ "level": "low" })).await.json()["alert"], json!(null));
    assert_eq!(tam.post("/alerts/next", json!({ "level": "high,critical" })).await.json()["alert"]["agency"], "tax");
    let queue = tam.get("/alerts?sort=priority").await.json();
    assert_eq!(queue["total"], 2);
    assert!(queue["items"][0]["priority"].as_u64() >= queue["items"][1]["priority"].as_u64());
    assert_eq!(tam.get("/alerts?assignee=lan").await.json()["items"][0]["agency"], "health");
    assert_eq!(tam.get("/alerts?sort=priority&status=all").await.problem(), "FSP-API-010");
    let trail = rig.trail("lan");
    assert!(trail.contains(&("alerts.next".to_owned(), true)));
}

#[tokio::test]
async fn many_alerts_are_judged_with_a_reason_and_taken_back() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    let tam = rig.person("tam", Role::Analyst, &[]).await;
    let decision = |reason: serde_json::Value, dry_run: bool| json!({ "filter": { "rule": "r-ssh" }, "status": "false_positive", "reason": reason, "dry_run": dry_run });
    assert_eq!(lan.post("/alerts/bulk", decision(json!(null), false)).await.problem(), "FSP-API-010");
    let would = lan.post("/alerts/bulk", decision(json!(null), true)).await.json();
    assert_eq!((&would["changed"], &would["token"]), (&json!(2), &json!(null)));
    assert_eq!(lan.get("/alerts").await.json()["total"], 2, "nothing happened yet");
    let done = lan.post("/alerts/bulk", decision(json!("scanner of ours"), false)).await.json();
    assert_eq!(done["changed"], 2);
    assert_eq!(lan.get("/alerts").await.json()["total"], 0);
    let token = json!({ "token": done["token"] });
    assert_eq!(tam.post("/alerts/undo", token.clone()).await.problem(), "FSP-API-008", "one's own decisions only");
    assert_eq!(lan.post("/alerts/undo", token.clone()).await.json(), json!({ "restored": 2, "kept": 0 }));
    assert_eq!(lan.post("/alerts/undo", token).await.problem(), "FSP-API-008", "once only");
    let page = lan.get("/alerts").await.json();
    assert_eq!((&page["total"], &page["total_exact"], &page["items"][0]["status"]), (&json!(2), &json!(true), &json!("new")));
    rig.state.verify_audit().unwrap();
}

#[tokio::test]
async fn the_context_of_an_alert_tells_what_was_judged_before() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    let (one, two) = (alert(1, "health").id, alert(2, "tax").id);
    let version = lan.get(&format!("/alerts/{one}")).await.json()["version"].clone();
    lan.post(&format!("/alerts/{one}/status"), json!({ "status": "benign", "reason": "drill of March", "version": version })).await;
    let context = lan.get(&format!("/alerts/{two}/context")).await.json();
    assert_eq!(context["similar"][0]["id"], one.to_string());
    assert_eq!(context["similar"][0]["reason"], "drill of March");
    assert_eq!(context["verdicts"]["benign"], 1);
    let history = &context["entities"][0];
    assert_eq!((&history["value"], &history["total"]), (&json!("root"), &json!(2)));
    assert_eq!(history["days"].as_array().unwrap().len(), 30);
    let tam = rig.person("tam", Role::Analyst, &["tax"]).await;
    let context = tam.get(&format!("/alerts/{two}/context")).await.json();
    assert_eq!(context["similar"], json!([]), "another agency's alerts are none");
    assert_eq!(tam.get(&format!("/alerts/{one}/context")).await.problem(), "FSP-API-008");
}
