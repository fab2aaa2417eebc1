//! Alerts are held back by a decision that says who, why and until when; they are kept, and a preview says what it would have cost.

use axum::http::StatusCode;
use fansipan_model::{Alert, time};
use fansipan_storage::{AlertBatch, AlertChange, StateStore as _};
use serde_json::{Value, json};

use super::harness::{FAILED_LOGON, Rig, alert};
use crate::access::Role;

#[tokio::test]
async fn one_is_made_seen_renewed_and_ended_and_every_version_stays() {
    let rig = Rig::new().await;
    let hoa = rig.person("hoa", Role::Responder, &["health"]).await;
    let made = hoa
        .post(
            "/exceptions",
            json!({ "rule": "r-ssh", "filter": "source.ip:203.0.113.7", "agency": "health", "reason": " our scanner ", "until": "30d" }),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!((&made["kind"], &made["owner"], &made["reason"]), (&json!("exception"), &json!("hoa"), &json!("our scanner")));
    let instant = |v: &Value| time::from_rfc3339(v.as_str().unwrap()).unwrap();
    assert!(instant(&made["from"]) > instant(&made["created"]), "a replay of the log must decide alike: it begins a little later");
    assert_eq!(made["active"], false);

    assert_eq!(hoa.get("/exceptions").await.json()["items"][0]["id"], json!(id));
    let path = format!("/exceptions/{id}");
    let renewed = hoa.post(&path, json!({ "until": "60d", "reason": "still ours", "version": 1 })).await.json();
    assert_eq!((&renewed["version"], &renewed["reason"]), (&json!(2), &json!("still ours")), "{renewed}");
    assert_eq!(hoa.post(&path, json!({ "until": "now", "version": 1 })).await.problem(), "FSP-API-014", "somebody else was first");
    let ended = hoa.post(&path, json!({ "until": "now", "version": 2 })).await.json();
    assert!(instant(&ended["until"]) < instant(&renewed["until"]));
    assert_eq!(hoa.get(&path).await.json()["versions"].as_array().unwrap().len(), 3);
    let verbs: Vec<String> = rig.trail("hoa").into_iter().map(|(verb, _)| verb).collect();
    assert_eq!(verbs[..4], ["exceptions.change", "exceptions.change", "exceptions.change", "exceptions.create"].map(String::from));
    rig.state.verify_audit().unwrap();

    let tax = rig.person("tam", Role::Responder, &["tax"]).await;
    assert_eq!(tax.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(tax.post(&path, json!({ "until": "90d", "version": 3 })).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_would_hide_too_much_or_says_too_little_is_refused() {
    let rig = Rig::new().await;
    let all = rig.token(Role::Engineer, &[]);
    let health = rig.token(Role::Engineer, &["health"]);
    let base = json!({ "rule": "r-ssh", "filter": "", "agency": "health", "reason": "x", "until": "1d" });
    let with = |key: &str, value: Value| {
        let mut body = base.clone();
        body[key] = value;
        body
    };
    assert_eq!(health.post("/exceptions", base.clone()).await.status, StatusCode::CREATED);
    let cases = [
        (&health, with("agency", json!(null)), "every agency's data is not theirs"),
        (&health, with("agency", json!("tax")), "nor is another's"),
        (&all, with("reason", json!(" ")), "no reason"),
        (&all, with("until", json!("400d")), "longer than a year"),
        (&all, with("until", json!("2001-01-01T00:00:00Z")), "over before it begins"),
        (&all, with("until", json!("")), "no end"),
        (&all, with("rule", json!(null)), "a whole agency, without maintenance"),
        (&all, with("filter", json!("source.ip:")), "unreadable"),
        (&all, with("filter", json!("* | stats count()")), "no filter"),
        (&all, with("owner", json!("nobody-here")), "an owner who is nobody"),
        (&all, json!({ "kind": "maintenance", "filter": "*", "reason": "x", "until": "1h" }), "everything"),
    ];
    for (client, body, why) in cases {
        let reply = client.post("/exceptions", body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{why}: {}", reply.text);
    }
    let window = json!({ "kind": "maintenance", "agency": "health", "reason": "new switches", "until": "4h" });
    assert_eq!(all.post("/exceptions", window).await.status, StatusCode::CREATED);
    let analyst = rig.token(Role::Analyst, &[]);
    assert_eq!(analyst.post("/exceptions", base.clone()).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_held_back_is_kept_and_found() {
    let rig = Rig::new().await;
    let held = Alert { suppressed: Some("ex-1".into()), ..alert(3, "tax") };
    let changes = vec![AlertChange::Open(Box::new(held.clone()))];
    rig.state.apply_alerts(&AlertBatch { consumer: "analyzer", next_offset: 3, changes, rules: vec![], incidents: vec![] }).unwrap();
    let analyst = rig.token(Role::Analyst, &[]);
    let total = async |query: &str| analyst.get(&format!("/alerts{query}")).await.json()["total"].clone();
    assert_eq!(total("").await, 2);
    assert_eq!(total("?suppressed=only").await, 1);
    assert_eq!(total("?suppressed=with").await, 3);
    assert_eq!(analyst.get("/alerts?suppressed=maybe").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(analyst.get(&format!("/alerts/{}", held.id)).await.json()["suppressed"], "ex-1");
    assert_eq!(rig.state.alert_counts(&fansipan_model::Scope::All).unwrap().open, 2, "no work");
}

#[tokio::test]
async fn a_preview_counts_stored_events_and_alerts() {
    let rig = Rig::new().await;
    let analyst = rig.token(Role::Analyst, &[]);
    let rule = FAILED_LOGON.split("id: ").nth(1).unwrap().split('\n').next().unwrap();
    let found = analyst.post("/exceptions/preview", json!({ "rule": rule, "filter": "source.ip:198.51.100.9" })).await.json();
    assert_eq!((&found["events"], &found["rules"][0]["events"], &found["complete"]), (&json!(2), &json!(2), &json!(true)), "{found}");
    // by filter alone: the events of the alerts decide
    let found = analyst.post("/exceptions/preview", json!({ "filter": "source.ip:203.0.113.7" })).await.json();
    assert_eq!((&found["events"], &found["alerts"], &found["partly"]), (&json!(1), &json!(1), &json!(0)), "{found}");
    assert_eq!(found["items"][0]["agency"], "health");
    let none = rig.token(Role::Analyst, &["education"]);
    let found = none.post("/exceptions/preview", json!({ "filter": "source.ip:203.0.113.7", "agency": "education" })).await.json();
    assert_eq!((&found["events"], &found["alerts"]), (&json!(0), &json!(0)));
    assert_eq!(none.post("/exceptions/preview", json!({ "filter": "source.ip:203.0.113.7" })).await.status, StatusCode::BAD_REQUEST);
}
