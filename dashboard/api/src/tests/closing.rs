//! What an incident leaves behind: lessons, the report of the law, the evidence bundle.

use axum::{body::Body, http::StatusCode};
use fansipan_evidence::{Checked, verify};
use fansipan_model::{AlertId, IncidentLink};
use fansipan_storage::{AlertBatch, AlertChange, StateStore as _};
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

/// Proposals of a kind, as whoever reads Vietnamese sees them, with what to type.
fn told<'l>(lessons: &'l Value, kind: &str) -> Vec<(&'l str, &'l str)> {
    let all = lessons["proposals"].as_array().unwrap().iter().filter(|p| p["kind"] == kind);
    all.map(|p| (p["text_vi"].as_str().unwrap(), p["command"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn events_that_people_found_and_no_rule_told_of_are_a_gap() {
    let rig = Rig::new().await;
    let id = AlertId([8; 16]);
    let incidents = vec![IncidentLink::Join { alert: alert(2, "tax").id, incident: id }];
    rig.state.apply_alerts(&AlertBatch { consumer: "analyzer", next_offset: 3, incidents, ..AlertBatch::default() }).unwrap();
    let lan = rig.person("lan", Role::Responder, &["tax"]).await;
    let put = async |n: u8| {
        let body = json!({ "kind": "event", "event": event_id(n).to_string() });
        let made = lan.post(&format!("/incidents/{id}/items"), body).await;
        assert!(made.status.is_success(), "{made:?}");
        told_or(&lan.get(&format!("/incidents/{id}/lessons")).await.json())
    };
    assert_eq!(put(2).await, None, "an alert of it tells of this event already");
    let (text, command) = put(3).await.unwrap();
    assert_eq!(text, "1 sự kiện do người tìm ra, không luật nào báo: viết luật và thử trên dữ liệu đã lưu");
    assert_eq!(command, format!("fansipan search 'event.id:\"{}\"' --since 90d --json", event_id(3)));
    // what is to be typed finds just that event
    let found = lan.get(&format!("/events?q=event.id:%22{}%22&since=90d", event_id(3))).await.json();
    let ids: Vec<&Value> = found["items"].as_array().unwrap().iter().map(|e| &e["event.id"]).collect();
    assert_eq!(ids, [&json!(event_id(3).to_string())], "{found}");
}

fn told_or(lessons: &Value) -> Option<(String, String)> {
    told(lessons, "gap").first().map(|(text, command)| ((*text).to_owned(), (*command).to_owned()))
}

#[tokio::test]
async fn an_attack_that_was_seen_late_is_a_gap_and_a_mistake_is_none() {
    let rig = Rig::new().await;
    let (id, mut late) = (AlertId([9; 16]), alert(7, "health"));
    late.first_seen -= 3 * 3_600_000_000_000 + 300_000_000_000;
    let batch = AlertBatch {
        consumer: "analyzer",
        next_offset: 4,
        incidents: vec![IncidentLink::Join { alert: late.id, incident: id }],
        changes: vec![AlertChange::Open(Box::new(late))],
        ..AlertBatch::default()
    };
    rig.state.apply_alerts(&batch).unwrap();
    let lan = rig.person("lan", Role::Responder, &[]).await;
    let lessons = lan.get(&format!("/incidents/{id}/lessons")).await.json();
    let gaps = told(&lessons, "gap");
    let (text, command) = gaps.first().unwrap_or_else(|| panic!("{lessons}"));
    assert!(text.starts_with("Từ sự kiện đầu tiên đến cảnh báo đầu tiên mất 3 giờ "), "{text}");
    assert_eq!(*command, format!("fansipan incidents timeline {id}"));
    close(&lan, id, "benign").await;
    assert!(told(&lan.get(&format!("/incidents/{id}/lessons")).await.json(), "gap").is_empty(), "what was harmless was not seen late");
}

#[tokio::test]
async fn a_rule_that_is_mostly_wrong_and_one_that_spoke_too_softly_are_told_by_name() {
    let rig = Rig::new().await;
    let id = incident(&rig);
    let lan = rig.person("lan", Role::Responder, &[]).await;
    let judge = async |n: u8, status: &str, version: u64| {
        let body = json!({ "status": status, "reason": "rule", "version": version });
        let judged = lan.post(&format!("/alerts/{}/status", alert(n, "health").id), body).await;
        assert_eq!(judged.status, StatusCode::OK, "{judged:?}");
    };
    let changes = (20..25).map(|n| AlertChange::Open(Box::new(alert(n, "health")))).collect();
    rig.state.apply_alerts(&AlertBatch { consumer: "analyzer", next_offset: 4, changes, ..AlertBatch::default() }).unwrap();
    for n in 20..24 {
        judge(n, "false_positive", 1).await;
    }
    judge(24, "true_positive", 1).await;
    let lessons = lan.get(&format!("/incidents/{id}/lessons")).await.json();
    assert_eq!(
        told(&lessons, "rule"),
        [("Luật “Dò mật khẩu SSH” nhầm hoặc vô hại 4 trong 5 kết luận: thu hẹp luật", "fansipan rules show r-ssh")],
        "{lessons}"
    );
    close(&lan, id, "true_positive").await;
    let lessons = lan.get(&format!("/incidents/{id}/lessons")).await.json();
    let softly = "Luật “Dò mật khẩu SSH” chỉ báo mức cao, sự cố ở mức nghiêm trọng: nâng mức của luật, hoặc thêm tương quan";
    assert_eq!(told(&lessons, "level"), [(softly, "fansipan rules show r-ssh")], "{lessons}");
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
    for line in [
        "BÁO CÁO BAN ĐẦU SỰ CỐ MẠNG",
        "☑ Đã được xử lý",
        "☐ Chưa được xử lý",
        "Nhóm sự cố (Quyết định 05/2017/QĐ-TTg) (hệ thống giám sát): Truy cập trái phép, chiếm quyền điều khiển",
    ] {
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
