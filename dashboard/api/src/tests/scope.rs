//! What belongs to another agency looks as if it did not exist.

use axum::http::StatusCode;
use serde_json::json;

use super::harness::{Rig, alert, event_id};
use crate::access::Role;

#[tokio::test]
async fn another_agency_sees_nothing() {
    let rig = Rig::new().await;
    let health = rig.token(Role::Administrator, &["health"]);
    let stranger = rig.token(Role::Administrator, &["education"]);
    let all = rig.token(Role::Viewer, &[]);

    for (client, alerts, events, sources) in [(&health, 1, 1, 1), (&stranger, 0, 0, 0), (&all, 2, 3, 2)] {
        let page = client.get("/alerts?status=all").await.json();
        assert_eq!((page["total"].clone(), page["items"].as_array().unwrap().len()), (json!(alerts), alerts));
        let page = client.get("/events?since=1h").await.json();
        assert_eq!((page["total"].clone(), page["items"].as_array().unwrap().len()), (json!(events), events));
        assert_eq!(client.get("/sources").await.json()["items"].as_array().unwrap().len(), sources);
        let overview = client.get("/overview?since=1h").await.json();
        assert_eq!(overview["events"]["total"], json!(events), "{overview}");
        assert_eq!(overview["alerts"]["open"], json!(alerts));
        assert_eq!(overview["sources"]["total"], json!(sources));
        assert_eq!(overview["counters"]["vulnerabilities"], json!(null), "no source is not zero");
        assert_eq!((&overview["counters"]["incidents"], &overview["counters"]["attacks"]), (&json!(0), &json!(alerts)));
        assert_eq!((&overview["map"]["source"], &overview["trends"]["events"]["usual"]), (&json!(null), &json!(null)));
        let histogram = client.get("/events/histogram?since=1h").await.json();
        let sum: u64 = histogram["buckets"].as_array().unwrap().iter().map(|b| b["count"].as_u64().unwrap()).sum();
        assert_eq!(sum, events as u64);
        let facets = client.get("/events/facets?since=1h&fields=source.ip,no.such.field").await.json();
        let count: u64 = facets["facets"][0]["values"].as_array().unwrap().iter().map(|v| v["count"].as_u64().unwrap()).sum();
        assert_eq!(count, events as u64, "{facets}");
        assert_eq!(facets["facets"][1], json!({ "field": "no.such.field", "values": [] }));
        let table = client.get("/events?since=1h&q=*%20%7C%20stats%20count()").await.json();
        assert_eq!(table["rows"], json!([[events]]), "{table}");
    }
}

#[tokio::test]
async fn what_is_hidden_cannot_be_reached_by_its_id() {
    let rig = Rig::new().await;
    let health = rig.token(Role::Administrator, &["health"]);
    let tax = alert(2, "tax").id;
    assert_eq!(health.get(&format!("/alerts/{tax}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(health.get(&format!("/events/{}", event_id(2))).await.status, StatusCode::NOT_FOUND);
    let judge = json!({ "status": "benign", "version": 1 });
    assert_eq!(health.post(&format!("/alerts/{tax}/status"), judge).await.status, StatusCode::NOT_FOUND);
    let assign = json!({ "assignee": null, "version": 1 });
    assert_eq!(health.post(&format!("/alerts/{tax}/assign"), assign).await.status, StatusCode::NOT_FOUND);
    let pin = json!({ "format": "fortigate" });
    assert_eq!(health.post("/sources/tcp:10.2.0.1%2Ffw-01/format", pin.clone()).await.status, StatusCode::NOT_FOUND);
    assert!(rig.wiring.pins.lock().unwrap().is_empty());
    // the answer for another agency's alert is the one for an alert that never was
    let hidden = health.get(&format!("/alerts/{tax}")).await.text;
    assert_eq!(hidden, health.get(&format!("/alerts/{}", "0".repeat(32))).await.text);
    // and with the right to it
    assert_eq!(rig.token(Role::Viewer, &[]).get(&format!("/alerts/{tax}")).await.status, StatusCode::OK);
    let owner = rig.token(Role::Engineer, &["tax"]);
    let reply = owner.post("/sources/tcp:10.2.0.1%2Ffw-01/format", pin).await;
    assert_eq!((reply.status, &reply.json()["pinned"]), (StatusCode::OK, &json!(true)), "{reply:?}");
    assert_eq!(*rig.wiring.pins.lock().unwrap(), [("tcp:10.2.0.1/fw-01".to_owned(), Some("fortigate".to_owned()))]);
}

#[tokio::test]
async fn counts_over_all_agencies_are_for_those_who_see_all() {
    let rig = Rig::new().await;
    assert_eq!(rig.token(Role::Viewer, &[]).get("/rules").await.json()["items"][0]["matches"], json!(0));
    assert_eq!(rig.token(Role::Viewer, &["health"]).get("/rules").await.json()["items"][0]["matches"], json!(null));
}

#[tokio::test]
async fn the_trail_of_other_agencies_is_hidden_too() {
    let rig = Rig::new().await;
    rig.token(Role::Analyst, &["tax"]).get("/events").await;
    let auditor = rig.token(Role::Auditor, &["health"]);
    auditor.get("/events").await;
    let items = auditor.get("/audit").await.json()["items"].clone();
    assert!(!items.as_array().unwrap().is_empty());
    assert!(items.as_array().unwrap().iter().all(|e| e["agency"] == "health"), "{items}");
}
