//! What an incident leaves behind: lessons, the report of the law, the evidence bundle.

use axum::{body::Body, http::StatusCode};
use fansipan_evidence::{Checked, verify};
use fansipan_model::{AlertId, IncidentLink};
use fansipan_storage::{AlertBatch, StateStore as _};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::harness::{Client, Rig, SCRIPT, alert, event_id};
use crate::access::Role;

fn incident(rig: &Rig) -> AlertId {
    let id = AlertId([7; 16]);
    let incidents = vec![IncidentLink::Join { alert: alert(1, "health").id, incident: id }];
    rig.state.apply_alerts(&AlertBatch { consumer: "analyzer", next_offset: 3, incidents, ..AlertBatch::default() }).unwrap();
    id
}

async fn close(client: &Client, id: AlertId, verdict: &str) {
    let version = client.get(&format!("/incidents/{id}/workspace")).await.json()["version"].as_u64().unwrap();
    let facts = json!({
        "category": "unauthorized-access", "severity": "critical", "containment": "cut off", "root_cause": SCRIPT,
        "recovery": "backup", "verdict": verdict, "lessons": "no passwords",
    });
    let reply = client.post(&format!("/incidents/{id}/stage"), json!({ "stage": "closed", "facts": facts, "version": version })).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
}

fn kinds(lessons: &Value) -> Vec<&str> {
    lessons["proposals"].as_array().unwrap().iter().map(|p| p["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_attack_says_how_long_it_took_and_which_rule_spoke_too_softly() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Responder, &["health"]).await;
    lan.post(&format!("/incidents/{id}/items"), json!({ "kind": "indicator", "indicator": "ip", "value": "203.0.113.7" })).await;
    close(&lan, id, "true_positive").await;
    let lessons = lan.get(&format!("/incidents/{id}/lessons")).await.json();
    assert_eq!((&lessons["category"], &lessons["root_cause"]), (&json!("unauthorized-access"), &json!(SCRIPT)));
    for name in ["triage_s", "contain_s", "recover_s", "close_s"] {
        assert!(lessons["times"][name].is_i64(), "{name}: {lessons}");
    }
    assert_eq!(lessons["times"]["recover_s"], lessons["mean"]["recover_s"], "the only one is the mean");
    assert_eq!(lessons["mean"]["incidents"], 1);
    let kinds = kinds(&lessons);
    assert!(kinds.contains(&"level") && kinds.contains(&"hunt") && !kinds.contains(&"exception"), "{kinds:?}");
    let hunt = &lessons["proposals"].as_array().unwrap().iter().find(|p| p["kind"] == "hunt").unwrap()["command"];
    assert_eq!(hunt, "fansipan search 'source.ip:203.0.113.7/32 or destination.ip:203.0.113.7/32' --since 90d");
    let tam = rig.person("tam", Role::Responder, &["tax"]).await;
    for path in ["lessons", "bundle", "notification?form=vncert"] {
        assert_eq!(tam.get(&format!("/incidents/{id}/{path}")).await.problem(), "FSP-API-008", "{path}: another agency's incident is none");
    }
}

#[tokio::test]
async fn a_mistake_proposes_an_exception_that_the_query_language_reads() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Responder, &["health"]).await;
    close(&lan, id, "false_positive").await;
    let lessons = lan.get(&format!("/incidents/{id}/lessons")).await.json();
    assert_eq!(kinds(&lessons), ["exception"], "{lessons}");
    let command = lessons["proposals"][0]["command"].as_str().unwrap();
    let filter = command.split("--filter ").nth(1).and_then(|f| f.split(" --since").next()).unwrap().trim_matches('\'');
    assert!(command.contains(&format!("--rule {}", alert(1, "health").rule.id)), "{command}");
    let found = lan.get(&format!("/events?q={filter}&since=30d")).await;
    assert_eq!(found.json()["items"].as_array().map(Vec::len), Some(1), "{command}: {found:?}");
}

#[tokio::test]
async fn the_report_of_the_law_is_filled_in_and_says_just_what_it_says() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Responder, &["health"]).await;
    close(&lan, id, "true_positive").await;
    let report = async |format: &str| lan.get(&format!("/incidents/{id}/notification?form=vncert&format={format}")).await;
    let text = report("text").await.json();
    let body = text["text"].as_str().unwrap();
    for line in
        ["BÁO CÁO BAN ĐẦU SỰ CỐ MẠNG", "☑ Đã được xử lý", "☐ Chưa được xử lý", "Nhóm sự cố (Quyết định 05/2017/QĐ-TTg): Truy cập trái phép"]
    {
        assert!(body.contains(line), "{line}: {body}");
    }
    assert!(text["blanks"].as_u64().unwrap() > 10, "a person completes it");
    let page = report("html").await.json();
    let page = page["text"].as_str().unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script"), "{page}");
    assert_eq!(report("docx").await.problem(), "FSP-API-010");
    for wrong in ["", "x%2F..%2Fy", "VNCERT", "nowhere"] {
        assert_eq!(lan.get(&format!("/incidents/{id}/notification?form={wrong}")).await.problem(), "FSP-API-010", "{wrong}");
    }
    let viewer = rig.person("xem", Role::Viewer, &["health"]).await;
    assert_eq!(viewer.get(&format!("/incidents/{id}/notification?form=vncert")).await.status, StatusCode::FORBIDDEN);
}

async fn bundle(client: &Client, id: AlertId) -> (Checked, String, Vec<u8>) {
    let response = client.send(client.request("GET", &format!("/api/v1/incidents/{id}/bundle"), None)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let figures: Value = serde_json::from_slice(response.headers()["x-fansipan-bundle"].as_bytes()).unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes().to_vec();
    (verify(bytes.as_slice()).unwrap(), figures["fingerprint"].as_str().unwrap().to_owned(), bytes)
}

#[tokio::test]
async fn a_bundle_holds_everything_and_what_is_no_evidence_any_more_stays_out() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Responder, &[]).await;
    let mut request = lan.request("POST", &format!("/api/v1/incidents/{id}/evidence?name=m%E1%BA%ABu+1.exe"), None);
    *request.body_mut() = Body::from(&b"MZ malware"[..]);
    let made = lan.read(request).await.json();
    let (checked, fingerprint, bytes) = bundle(&lan, id).await;
    assert_eq!(checked.findings, [""; 0]);
    assert_eq!((checked.handed, &checked.fingerprint), (1, &fingerprint));
    let manifest = checked.manifest.unwrap();
    assert_eq!(manifest.unproven[0].event, event_id(1).to_string(), "no log, no proof, and it says so");
    assert!(manifest.unproven[0].why.contains("no log"));
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(r#""act":"bundled""#) && text.contains("evidence/001-m_u_1.exe"));
    let trail = rig.person("aud", Role::Auditor, &[]).await.get("/audit?verb=incidents.bundle").await.json();
    assert!(trail["items"][0]["details"].as_str().unwrap().contains(&fingerprint), "{trail}");
    let file = rig.dir.path().join("evidence").join(id.to_string()).join(made["id"].as_str().unwrap());
    std::fs::write(&file, b"MZ harmless").unwrap();
    let (checked, _, bytes) = bundle(&lan, id).await;
    assert_eq!((checked.findings.len(), checked.handed), (0, 0));
    assert!(String::from_utf8_lossy(&bytes).contains("the kept file is not the one handed in"));
    assert!(std::fs::read_dir(rig.dir.path()).unwrap().flatten().all(|e| !e.file_name().to_string_lossy().starts_with("bundle-")));
}
