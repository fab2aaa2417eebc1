//! Handling an incident together: stages, notes, evidence, clocks, timeline, graph.

use axum::{body::Body, http::StatusCode};
use fansipan_model::{AlertId, IncidentLink};
use fansipan_storage::{AlertBatch, StateStore as _};
use serde_json::{Value, json};

use super::harness::{Client, Reply, Rig, SCRIPT, alert, event_id};
use crate::access::Role;

/// An incident over alert 1 of the health agency.
fn incident(rig: &Rig) -> AlertId {
    let id = AlertId([7; 16]);
    let incidents = vec![IncidentLink::Join { alert: alert(1, "health").id, incident: id }];
    rig.state.apply_alerts(&AlertBatch { consumer: "analyzer", next_offset: 3, incidents, ..AlertBatch::default() }).unwrap();
    id
}

async fn version(client: &Client, id: AlertId) -> u64 {
    client.get(&format!("/incidents/{id}/workspace")).await.json()["version"].as_u64().unwrap()
}

async fn advance(client: &Client, id: AlertId, stage: &str, facts: Value, reason: &str) -> Reply {
    let version = version(client, id).await;
    client.post(&format!("/incidents/{id}/stage"), json!({ "stage": stage, "facts": facts, "reason": reason, "version": version })).await
}

#[tokio::test]
async fn an_incident_is_led_from_new_to_closed_with_what_each_stage_demands() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Responder, &["health"]).await;
    let space = lan.get(&format!("/incidents/{id}/workspace")).await.json();
    assert_eq!((&space["stage"], &space["clocks"][0]["state"]), (&json!("new"), &json!("running")));
    assert!(space["demands"].as_array().unwrap().iter().any(|d| d["field"] == "root_cause" && d["title_vi"] == "Nguyên nhân gốc"));
    let reply = advance(&lan, id, "triaged", json!({ "severity": "critical" }), "").await;
    assert_eq!(reply.problem(), "FSP-API-010");
    assert!(reply.text.contains("category"), "it says what is missing: {}", reply.text);
    let reply = advance(&lan, id, "triaged", json!({ "severity": "critical", "category": "ransomware", "system_level": "5" }), "").await;
    let clocks = reply.json()["clocks"].clone();
    assert_eq!((&clocks[0]["stage"], &clocks[0]["state"]), (&json!("triaged"), &json!("met")), "{clocks}");
    assert!(clocks[1]["seconds_left"].as_i64().unwrap() <= 3600, "level 5 and critical: an hour to contain");
    assert_eq!(advance(&lan, id, "closed", json!({}), "").await.problem(), "FSP-API-010", "no stage's demands are skipped");
    let facts = json!({ "containment": "cut off", "root_cause": "open share", "recovery": "backup of Sunday", "verdict": "true_positive", "lessons": "patch" });
    let reply = advance(&lan, id, "closed", facts, "").await;
    assert_eq!(reply.json()["stage"], "closed", "{reply:?}");
    assert_eq!(lan.get(&format!("/incidents/{id}")).await.json()["status"], "true_positive");
    assert_eq!(advance(&lan, id, "contained", json!({}), "").await.problem(), "FSP-API-010", "back only for a reason");
    assert_eq!(advance(&lan, id, "contained", json!({}), "it came back").await.json()["stage"], "contained");
    let stale = json!({ "stage": "eradicated", "version": 1 });
    assert_eq!(lan.post(&format!("/incidents/{id}/stage"), stale).await.problem(), "FSP-API-014");
    let tam = rig.person("tam", Role::Analyst, &["tax"]).await;
    assert_eq!(tam.get(&format!("/incidents/{id}/workspace")).await.problem(), "FSP-API-008", "another agency's incident is none");
}

#[tokio::test]
async fn notes_tasks_and_indicators_are_shared_and_changed_with_care() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    let tam = rig.person("tam", Role::Analyst, &["health"]).await;
    let path = format!("/incidents/{id}/items");
    let note = lan.post(&path, json!({ "kind": "note", "text": SCRIPT })).await.json();
    assert_eq!((&note["body"]["text"], &note["who"]), (&json!(SCRIPT), &json!("lan")));
    let task = lan.post(&path, json!({ "kind": "task", "title": "block it", "due": "2026-11-23T10:00:00Z" })).await.json();
    assert_eq!(task["body"]["due"], "2026-11-23T10:00:00Z");
    for wrong in [
        json!({ "kind": "indicator", "indicator": "ip", "value": "not an address" }),
        json!({ "kind": "indicator", "indicator": "hash", "value": "xyz" }),
        json!({ "kind": "note", "text": "  " }),
        json!({ "kind": "evidence", "name": "x", "sha256": "00", "size": 1, "custody": [] }),
        json!({ "kind": "task", "title": "x", "due": "tomorrow" }),
    ] {
        assert_eq!(lan.post(&path, wrong.clone()).await.problem(), "FSP-API-010", "{wrong}");
    }
    let one = format!("{path}/{}", task["id"].as_str().unwrap());
    let done = json!({ "item": { "kind": "task", "title": "block it", "done": true }, "version": 1 });
    assert_eq!(tam.post(&one, done.clone()).await.json()["body"]["done"], true);
    assert_eq!(lan.post(&one, done).await.problem(), "FSP-API-014", "tam was first");
    assert_eq!(lan.post(&one, json!({ "item": { "kind": "note", "text": "x" }, "version": 2 })).await.problem(), "FSP-API-010");
    assert_eq!(lan.post(&one, json!({ "item": null, "version": 2 })).await.status, StatusCode::OK);
    let items = tam.get(&format!("/incidents/{id}/workspace")).await.json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1, "the task is taken out: {items}");
    assert_eq!(lan.get(&format!("/incidents/{id}/presence")).await.json()["present"], json!(["lan"]));
    assert_eq!(tam.get(&format!("/incidents/{id}/presence")).await.json()["present"], json!(["lan", "tam"]));
    rig.state.verify_audit().unwrap();
}

#[tokio::test]
async fn the_timeline_and_the_graph_tell_the_incident() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Analyst, &["health"]).await;
    lan.post(&format!("/incidents/{id}/items"), json!({ "kind": "note", "text": "called the owner" })).await;
    let told = lan.get(&format!("/incidents/{id}/timeline")).await.json();
    let kinds: Vec<&str> = told["entries"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["event", "alert", "note"], "{told}");
    assert_eq!(
        (&told["zone"], &told["complete"], &told["entries"][0]["id"]),
        (&json!("UTC"), &json!(true), &json!(event_id(1).to_string()))
    );
    let graph = lan.get(&format!("/incidents/{id}/graph")).await.json();
    assert_eq!(graph["nodes"][0]["id"], "user:root");
    let more = lan.get(&format!("/incidents/{id}/graph?expand=user:root")).await.json();
    let found: Vec<&str> = more["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap()).collect();
    assert_eq!(found, ["address:203.0.113.7", "host:health-web"], "its own agency's events only: {more}");
    for wrong in ["root", "planet:mars"] {
        assert_eq!(lan.get(&format!("/incidents/{id}/graph?expand={wrong}")).await.problem(), "FSP-API-010");
    }
}

#[tokio::test]
async fn an_alert_in_no_incident_becomes_one_and_found_events_go_into_it_once() {
    let rig = Rig::new().await;
    let tam = rig.person("tam", Role::Analyst, &["tax"]).await;
    let alone = format!("/alerts/{}/escalate", alert(2, "tax").id);
    let viewer = rig.person("vy", Role::Viewer, &["tax"]).await;
    assert_eq!(viewer.post(&alone, json!({})).await.status, StatusCode::FORBIDDEN);
    let lan = rig.person("lan", Role::Analyst, &["health"]).await;
    assert_eq!(lan.post(&alone, json!({})).await.problem(), "FSP-API-008", "another agency's alert is none");
    let opened = tam.post(&alone, json!({})).await.json();
    assert_eq!((&opened["alerts"], &opened["status"], &opened["agency"]), (&json!(1), &json!("new"), &json!("tax")), "{opened}");
    let id = opened["id"].as_str().unwrap();
    assert_eq!(tam.post(&alone, json!({})).await.json()["id"], id, "once is enough");
    let items = format!("/incidents/{id}/items");
    let put = |n: u8| json!({ "kind": "event", "event": event_id(n).to_string() });
    let first = tam.post(&items, put(3)).await.json();
    assert_eq!((&first["kind"], &first["body"]["event"]), (&json!("event"), &json!(event_id(3).to_string())), "{first}");
    assert_eq!(tam.post(&items, put(3)).await.json()["id"], first["id"], "once is enough");
    let all = rig.person("all", Role::Analyst, &[]).await;
    assert_eq!(all.post(&items, put(1)).await.problem(), "FSP-API-008", "no event of another agency, whoever asks");
    assert_eq!(tam.post(&items, json!({ "kind": "event", "event": "x" })).await.problem(), "FSP-API-008");
    // that of the alert stands there by itself, and not twice
    tam.post(&items, put(2)).await;
    let told = tam.get(&format!("/incidents/{id}/timeline")).await.json();
    let kinds: Vec<&str> = told["entries"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|k| **k == "event").count(), 2, "{told}");
    let change = json!({ "item": put(2), "version": 1 });
    let item = first["id"].as_str().unwrap();
    assert_eq!(tam.post(&format!("{items}/{item}"), change).await.problem(), "FSP-API-010", "what was recorded is not rewritten");
    let out = tam.post(&format!("{items}/{item}"), json!({ "item": null, "version": 1 })).await;
    assert_eq!(out.status, StatusCode::OK, "{out:?}");
}

#[tokio::test]
async fn evidence_is_kept_as_handed_in_and_a_changed_file_is_refused() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    let path = format!("/incidents/{id}/evidence");
    let hand_in = |name: &str, bytes: &'static [u8]| {
        let mut request = lan.request("POST", &format!("/api/v1{path}?name={name}&comment=x"), None);
        *request.body_mut() = Body::from(bytes);
        lan.read(request)
    };
    assert_eq!(hand_in("", b"x").await.problem(), "FSP-API-010");
    let made = hand_in("..%2F..%2Fetc%2Fpasswd", b"MZ\x90 malware").await.json();
    let item = made["id"].as_str().unwrap();
    use sha2::Digest as _;
    assert_eq!(made["body"]["sha256"], hex::encode(sha2::Sha256::digest(b"MZ\x90 malware")));
    let file = rig.dir.path().join("evidence").join(id.to_string()).join(item);
    assert_eq!(std::fs::read(&file).unwrap(), b"MZ\x90 malware", "its name is no path");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let request = lan.request("GET", &format!("/api/v1{path}/{item}"), None);
    let response = lan.send(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let items = lan.get(&format!("/incidents/{id}/workspace")).await.json()["items"].clone();
    let acts: Vec<&str> = items[0]["body"]["custody"].as_array().unwrap().iter().map(|c| c["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["taken", "read"]);
    let gone = json!({ "item": null, "version": 2 });
    assert_eq!(lan.post(&format!("/incidents/{id}/items/{item}"), gone).await.problem(), "FSP-API-010", "evidence stays");
    std::fs::write(&file, b"MZ\x90 harmless").unwrap();
    assert_eq!(lan.get(&format!("/incidents/{id}/evidence/{item}")).await.problem(), "FSP-API-014");
    assert_eq!(lan.get(&format!("/incidents/{id}/evidence/..%2F..%2Fstate.db")).await.problem(), "FSP-API-008");
    let viewer = rig.person("xem", Role::Viewer, &["tax"]).await;
    assert_eq!(viewer.get(&format!("/incidents/{id}/evidence/{item}")).await.problem(), "FSP-API-008");
}

#[tokio::test]
async fn the_page_of_an_entity_gathers_what_is_known() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    let page = lan.get("/entity?kind=user&value=root").await.json();
    assert_eq!((&page["kind"], &page["events"]), (&json!("user"), &json!(3)));
    assert_eq!(page["recent"].as_array().unwrap().len(), 3);
    let facet = |name: &str| page["peers"].as_array().unwrap().iter().find(|f| f["field"] == name).unwrap()["values"].clone();
    assert_eq!(facet("source.ip")[0], json!({ "value": "198.51.100.9", "count": 2 }));
    assert_eq!((page["alerts"].as_array().unwrap().len(), &page["rules"][0]["count"]), (2, &json!(2)));
    assert_eq!(page["incidents"][0]["id"], id.to_string());
    let at = |name: &str| fansipan_model::time::from_rfc3339(page[name].as_str().unwrap()).unwrap();
    assert!(at("first_seen") <= at("last_seen"), "{page}");
    let page = lan.get("/entity?value=198.51.100.9").await.json();
    assert_eq!((&page["kind"], &page["events"], &page["alerts"]), (&json!("address"), &json!(2), &json!([])));
    let tam = rig.person("tam", Role::Analyst, &["health"]).await;
    assert_eq!(tam.get("/entity?value=198.51.100.9").await.json()["events"], 0, "another agency's events are none");
    assert_eq!(tam.get("/entity?kind=planet&value=mars").await.problem(), "FSP-API-010");
    assert_eq!(tam.get("/entity?value=mars&since=9y").await.problem(), "FSP-API-010");
}
