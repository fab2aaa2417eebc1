//! Rules that people write: refused with faults, kept with every version, put in force; rules from elsewhere are switched.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::harness::{FAILED_LOGON, Rig};
use crate::access::Role;

const MINE: &str = "title: Mine\nid: 5c9a1f54-0000-4000-8000-0000000000aa\nlevel: high\nlogsource: {product: sshtest}\n\
    detection: {s: {user.name: root}, condition: s}\n";

#[tokio::test]
async fn a_rule_is_kept_with_its_history_and_put_in_force() {
    let rig = Rig::new().await;
    let engineer = rig.token(Role::Engineer, &[]);
    let save = |text: &str, version: u64| json!({ "text": text, "why": "drill 7", "version": version });
    let kept = engineer.post("/rules/own", save(MINE, 0)).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.text);
    assert_eq!((&kept.json()["version"], &kept.json()["enabled"]), (&json!(1), &json!(true)));
    assert_eq!(rig.wiring.reloads.load(Ordering::Relaxed), 1);
    // who saw an older version is told, and nothing changes
    assert_eq!(engineer.post("/rules/own", save(MINE, 0)).await.problem(), "FSP-API-014");
    let second = engineer.post("/rules/own", save(&MINE.replace("Mine", "Ours"), 1)).await.json();
    assert_eq!(second["version"], 2);
    let id = "5c9a1f54-0000-4000-8000-0000000000aa";
    let off = engineer.post(&format!("/rules/{id}/switch"), json!({ "enabled": false, "why": "too loud", "version": 2 })).await.json();
    assert_eq!((&off["version"], &off["enabled"]), (&json!(3), &json!(false)));
    let history = engineer.get(&format!("/rules/{id}/history")).await.json();
    let versions = history["versions"].as_array().unwrap();
    assert_eq!(versions.iter().map(|v| v["why"].as_str().unwrap()).collect::<Vec<_>>(), ["too loud", "drill 7", "drill 7"]);
    assert_eq!(versions[2]["text"], MINE, "going back is possible: the old text is there");
    let list = engineer.get("/rules/own").await.json();
    assert_eq!((list["items"].as_array().unwrap().len(), &list["editable"]), (1, &json!(true)));
    let trail = rig.trail("token:t-".to_owned().as_str());
    assert!(trail.is_empty());
    let page = engineer.get("/rules/own").await;
    assert!(page.status.is_success());
    let audited = rig.token(Role::Auditor, &[]).get("/audit?verb=rules.save").await.json();
    let entries = audited["items"].as_array().unwrap();
    assert_eq!(entries.iter().filter(|e| e["allowed"] == true).count(), 2, "{audited}");
    assert!(entries[0]["details"].as_str().unwrap().contains("drill 7"));
}

#[tokio::test]
async fn what_has_faults_or_takes_anothers_place_is_refused() {
    let rig = Rig::new().await;
    let engineer = rig.token(Role::Engineer, &[]);
    let refused = async |body: Value, word: &str| {
        let reply = engineer.post("/rules/own", body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text);
        assert!(reply.text.contains(word), "{}", reply.text);
    };
    refused(json!({ "text": "title: x\n", "why": "w" }), "faults").await;
    refused(json!({ "text": "", "why": "w" }), "faults").await;
    refused(json!({ "text": MINE, "why": "  " }), "why").await;
    let nameless: String = MINE.lines().filter(|l| !l.starts_with("id:")).map(|l| format!("{l}\n")).collect();
    refused(json!({ "text": nameless, "why": "w" }), "id").await;
    refused(json!({ "text": MINE.replace("5c9a1f54-0000-4000-8000-0000000000aa", "../../etc/passwd"), "why": "w" }), "id").await;
    refused(json!({ "text": MINE.replace("5c9a1f54-0000-4000-8000-0000000000aa", "r-ssh"), "why": "w" }), "packs/ssh.yml").await;
    assert_eq!(rig.wiring.reloads.load(Ordering::Relaxed), 0);
    let one_agency = rig.token(Role::Engineer, &["tax"]);
    assert_eq!(one_agency.post("/rules/own", json!({ "text": MINE, "why": "w" })).await.problem(), "FSP-API-006");
    let analyst = rig.token(Role::Analyst, &[]);
    assert_eq!(analyst.post("/rules/own", json!({ "text": MINE, "why": "w" })).await.problem(), "FSP-API-006");
}

#[tokio::test]
async fn a_rule_from_elsewhere_is_switched_off_and_on() {
    let rig = Rig::new().await;
    let engineer = rig.token(Role::Engineer, &[]);
    let off = engineer.post("/rules/r-ssh/switch", json!({ "enabled": false, "why": "not here" })).await.json();
    assert_eq!((&off["text"], &off["version"]), (&Value::Null, &json!(1)));
    let on = engineer.post("/rules/r-ssh/switch", json!({ "enabled": true, "why": "again", "version": 1 })).await.json();
    assert_eq!((&on["enabled"], &on["version"]), (&json!(true), &json!(2)));
    assert_eq!(rig.wiring.reloads.load(Ordering::Relaxed), 2);
    assert_eq!(engineer.post("/rules/none/switch", json!({ "enabled": false, "why": "x" })).await.problem(), "FSP-API-008");
}

#[tokio::test]
async fn a_draft_is_also_a_query_and_a_correlation_sees_the_rules_in_force() {
    let rig = Rig::new().await;
    let analyst = rig.token(Role::Analyst, &[]);
    let lint = analyst.post("/rules/lint", json!({ "text": MINE })).await.json();
    assert_eq!(lint["ok"], true, "{lint}");
    let query = lint["query"].as_str().unwrap();
    let found = analyst.get(&format!("/events?since=1h&q={}", query.replace(' ', "%20").replace('"', "%22"))).await.json();
    let tested = analyst.post("/rules/test", json!({ "text": MINE, "since": "1h" })).await.json();
    assert_eq!(found["total"], tested["matches"], "{query}: {found}");
    let base = "5c9a1f54-0000-4000-8000-000000000001";
    assert!(FAILED_LOGON.contains(base));
    let burst = format!(
        "title: Burst\nid: 5c9a1f54-0000-4000-8000-0000000000bb\nlevel: high\ncorrelation:\n  type: event_count\n  rules: [{base}]\n  \
         group-by: [source.ip]\n  timespan: 5m\n  condition: {{gte: 10}}\n"
    );
    let lint = analyst.post("/rules/lint", json!({ "text": burst })).await.json();
    assert_eq!((&lint["ok"], &lint["correlations"], &lint["query"]), (&json!(true), &json!(true), &Value::Null), "{lint}");
    let lint = analyst.post("/rules/lint", json!({ "text": burst.replace(base, "no-such-rule") })).await.json();
    assert_eq!(lint["ok"], false, "{lint}");
}
