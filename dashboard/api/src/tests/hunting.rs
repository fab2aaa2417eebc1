//! Rules over stored events, and what rules can see.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::harness::{FAILED_LOGON, Reply, Rig};
use crate::access::Role;

fn lines(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[tokio::test]
async fn a_hunt_finds_what_the_scope_may_see_and_says_that_it_is_whole() {
    let rig = Rig::new().await;
    let analyst = rig.token(Role::Analyst, &[]);
    let (health, stranger) = (rig.token(Role::Analyst, &["health"]), rig.token(Role::Analyst, &["education"]));
    for (client, expected) in [(&analyst, 3), (&health, 1), (&stranger, 0)] {
        let found = lines(&client.post("/hunt", json!({ "since": "1h" })).await);
        let (end, detections) = found.split_last().unwrap();
        assert_eq!(detections.len(), expected);
        assert_eq!((&end["error"], &end["rules"], &end["detections"]), (&Value::Null, &json!(1), &json!(expected)), "{end}");
        for line in detections {
            assert_eq!((&line["rule.title"], &line["rule.level"]), (&json!("Failed logon"), &json!("medium")), "{line}");
            assert_eq!(line["record"], line["event"]["event.id"]);
        }
    }
    let old = lines(&analyst.post("/hunt", json!({ "from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z" })).await);
    assert_eq!(old.len(), 1);
}

#[tokio::test]
async fn rules_may_be_brought_along_and_their_faults_are_told() {
    let rig = Rig::new().await;
    let analyst = rig.token(Role::Analyst, &[]);
    let tax = FAILED_LOGON.replace("{user.name: root}", "{source.ip|cidr: 198.51.100.0/24}");
    let bring = |text: &str| json!({ "since": "1h", "rules": [{ "name": "mine.yml", "text": text }] });
    let found = lines(&analyst.post("/hunt", bring(&tax)).await);
    assert_eq!(found.len(), 2 + 1, "{found:?}");
    let two = format!("{tax}---\ntitle: no detection\nid: 5c9a1f54-0000-4000-8000-000000000002\nlogsource: {{product: x}}\n");
    let found = lines(&analyst.post("/hunt", bring(&two)).await);
    assert_eq!(found.last().unwrap()["diagnostics"][0]["file"], "mine.yml");
    let reply = analyst.post("/hunt", bring("title: [")).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text);
    let reply = analyst.post("/hunt", json!({ "since": "1h", "level": "critical" })).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "no rule of that level: {}", reply.text);
}

#[tokio::test]
async fn coverage_knows_which_rules_can_fire() {
    let rig = Rig::new().await;
    let sees = rig.token(Role::Viewer, &[]).get("/rules/coverage?since=1h").await.json();
    assert_eq!((&sees["sampled"], &sees["rules"][0]["state"]), (&json!(3), &json!("sees")), "{sees}");
    assert_eq!(sees["techniques"], json!([{ "technique": "T1110", "tactics": ["credential-access"], "rules": 1, "seeing": 1 }]));
    let stranger = rig.token(Role::Viewer, &["education"]).get("/rules/coverage").await.json();
    assert_eq!(stranger["rules"][0]["state"], "no_source");
}
