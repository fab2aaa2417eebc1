//! Exports: everything that fits, nothing of others, safe in a spreadsheet.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::harness::{FAILED_LOGON, Rig, SCRIPT};
use crate::access::Role;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[tokio::test]
async fn everything_that_fits_goes_out_and_nothing_of_others() {
    let rig = Rig::new().await;
    let all = rig.token(Role::Administrator, &[]);
    let health = rig.token(Role::Administrator, &["health"]);
    for (what, of_all, of_health) in [("events", 3, 1), ("alerts", 2, 1), ("incidents", 0, 0)] {
        let path = format!("/{what}/export?since=24h");
        let reply = all.get(&path).await;
        assert_eq!(reply.headers["content-type"], "application/x-ndjson");
        assert_eq!(lines(&reply.text).len(), of_all, "{what}");
        let own = lines(&health.get(&path).await.text);
        assert_eq!(own.len(), of_health, "{what}");
        assert!(!own.iter().any(|row| row.to_string().contains("tax")), "{own:?}");
    }
    let trail = lines(&all.get("/audit/export").await.text);
    assert!(
        trail.iter().any(|e| e["verb"] == "events.export") && trail.iter().any(|e| e["verb"] == "alerts.export"),
        "exports are recorded"
    );
    let viewer = rig.token(Role::Viewer, &[]);
    for what in ["audit", "events", "alerts", "incidents"] {
        assert_eq!(viewer.get(&format!("/{what}/export")).await.problem(), "FSP-API-006", "who looks takes nothing out in bulk");
    }
    let analyst = rig.token(Role::Analyst, &[]);
    assert_eq!(analyst.get("/audit/export").await.problem(), "FSP-API-006");
    assert_eq!(analyst.get("/events/export?format=pdf").await.problem(), "FSP-API-010");
    assert_eq!(analyst.get("/events/export?q=source.ip:(").await.problem(), "FSP-API-013");
    assert_eq!(lines(&analyst.get("/events/export?since=24h&q=source.ip:203.0.113.7").await.text).len(), 1);
    assert_eq!(lines(&analyst.get("/alerts/export?q=nothing-like-it").await.text).len(), 0);
}

#[tokio::test]
async fn a_table_holds_one_record_a_row_whatever_attackers_wrote() {
    let rig = Rig::new().await;
    let lan = rig.token(Role::Analyst, &["health"]);
    let reply = lan.get("/events/export?since=24h&format=csv&columns=event.id,message,no.such.field,source.ip").await;
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    assert!(reply.headers["content-disposition"].to_str().unwrap().contains("fansipan-events.csv"));
    let rows: Vec<&str> = reply.text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(rows[0], "event.id,message,no.such.field,source.ip");
    assert!(rows[1].contains(&SCRIPT.replace('"', "\"\"")) && rows[1].ends_with("\",,203.0.113.7"), "{rows:?}");
    let parquet = lan.get("/events/export?since=24h&format=parquet&columns=event.id,source.ip").await;
    assert_eq!(parquet.headers["content-type"], "application/vnd.apache.parquet");
    assert!(parquet.text.starts_with("PAR1") && parquet.text.ends_with("PAR1") && parquet.text.contains("203.0.113.7"));
    let alerts = lan.get("/alerts/export?format=csv").await.text;
    assert!(alerts.lines().nth(1).unwrap().contains("user:root"), "{alerts}");
}

#[tokio::test]
async fn searches_are_kept_shared_and_changed_by_their_owner_alone() {
    let rig = Rig::new().await;
    let lan = rig.person("lan", Role::Analyst, &[]).await;
    let tam = rig.person("tam", Role::Analyst, &[]).await;
    let search = json!({ "q": "user.name:root", "since": "24h", "columns": ["user.name"] });
    let kept = lan.post("/searches", json!({ "name": "root", "search": search })).await.json();
    assert_eq!(tam.get("/searches").await.json()["items"], json!([]), "not shared");
    let change = json!({ "id": kept["id"], "name": "root", "shared": true, "search": search, "version": 1 });
    assert_eq!(tam.post("/searches", change.clone()).await.problem(), "FSP-API-008");
    assert_eq!(lan.post("/searches", change.clone()).await.json()["version"], 2);
    assert_eq!(lan.post("/searches", change).await.problem(), "FSP-API-014", "it has changed since");
    let seen = tam.get("/searches").await.json()["items"][0].clone();
    assert_eq!((&seen["search"], &seen["owner"]), (&search, &json!("lan")));
    let path = format!("/searches/{}", kept["id"].as_str().unwrap());
    assert_eq!(tam.delete(&path).await.problem(), "FSP-API-008");
    assert_eq!(lan.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(lan.post("/searches", json!({ "name": " ", "search": search })).await.problem(), "FSP-API-010");
}

#[tokio::test]
async fn a_rule_is_tried_on_stored_days_before_it_is_kept() {
    let rig = Rig::new().await;
    let tam = rig.token(Role::Engineer, &[]);
    let lint = tam.post("/rules/lint", json!({ "text": "title: x\nlogsource: {product: y}\n" })).await.json();
    assert_eq!(lint["ok"], false);
    assert!(lint["diagnostics"][0]["code"].as_str().is_some_and(|c| c.starts_with("FSP-")), "{lint}");
    let (all, health) = (tam, rig.token(Role::Engineer, &["health"]));
    for (client, matches, hosts) in [(&all, 3, 2), (&health, 1, 1)] {
        let test = client.post("/rules/test", json!({ "text": FAILED_LOGON, "since": "1h" })).await.json();
        assert_eq!((&test["matches"], &test["hosts"], &test["complete"]), (&json!(matches), &json!(hosts), &json!(true)), "{test}");
        assert_eq!(test["sample"].as_array().unwrap().len(), matches);
        assert_eq!(test["lint"]["rules"], json!(["Failed logon"]));
    }
}
