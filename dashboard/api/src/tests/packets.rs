//! Packets of events and alerts: who gets them, what is said where there are none, what the trail keeps.

use axum::http::StatusCode;
use fansipan_model::{AnswerOutcome, CollectorAnswer, Scope};
use fansipan_storage::{AuditFilter, StateStore as _};
use sha2::{Digest as _, Sha256};

use super::harness::{COMMUNITY_ID, Rig, alert, event_id};
use crate::{access::Role, ports::FlowKey};

const FILE: &[u8] = b"packets, as far as the wiring is concerned";

#[tokio::test]
async fn an_event_or_alert_gives_the_packets_of_its_flow_with_their_hash() {
    let rig = Rig::new().await;
    *rig.wiring.ring.lock().unwrap() = Some(FILE);
    let analyst = rig.token(Role::Analyst, &["health"]);
    let sha256 = hex::encode(Sha256::digest(FILE));
    for id in [event_id(1).to_string(), alert(1, "health").id.to_string()] {
        let reply = analyst.get(&format!("/packets/{id}?minutes=5")).await;
        assert_eq!((reply.status, reply.text.as_bytes()), (StatusCode::OK, FILE), "{reply:?}");
        let header = |name: &str| reply.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-fansipan-sha256"), sha256);
        assert_eq!(header("content-disposition"), format!("attachment; filename=\"fansipan-{id}.pcapng\""));
        let figures: serde_json::Value = serde_json::from_str(&header("x-fansipan-packets")).unwrap();
        assert_eq!((figures["packets"].as_u64(), figures["cut"].as_u64(), figures["sha256"].as_str()), (Some(1), Some(2), Some(&*sha256)));
        let asked = rig.wiring.asked.lock().unwrap().pop().unwrap();
        assert_eq!((asked.key, asked.around), (FlowKey::CommunityId(COMMUNITY_ID.into()), 5 * 60_000_000_000));
        let trail = rig.state.audit_trail(&Scope::All, &AuditFilter { object: Some(id), ..AuditFilter::default() }, None, 10).unwrap();
        let entry = &trail.items[0];
        assert_eq!((entry.verb.as_str(), entry.agency.as_deref()), ("packets.take", Some("health")), "{entry:?}");
        assert!(entry.details.contains(&sha256) && entry.details.contains(COMMUNITY_ID), "{entry:?}");
    }
    // nothing stays behind in the data folder
    let left =
        std::fs::read_dir(rig.dir.path()).unwrap().filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("packets-"));
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn who_may_not_and_where_there_are_none() {
    let rig = Rig::new().await;
    let path = |n| format!("/packets/{}", event_id(n));
    let analyst = rig.token(Role::Analyst, &[]);
    assert_eq!(analyst.get(&path(1)).await.problem(), "FSP-API-025", "no ring");
    *rig.wiring.ring.lock().unwrap() = Some(b"");
    let gone = analyst.get(&path(1)).await;
    assert_eq!((gone.status, gone.problem().as_str()), (StatusCode::GONE, "FSP-API-027"));
    for language in ["detail", "detail_vi"] {
        let said = gone.json()[language].as_str().unwrap_or_default().to_owned();
        assert!(said.contains("1970-01-01T00:00:00") && said.contains("keep_hours"), "{language}: {gone:?}");
    }
    assert!(gone.json()["detail_vi"].as_str().unwrap_or_default().starts_with("kho gói tin không còn"), "{gone:?}");
    let no_flow = analyst.get(&path(3)).await;
    assert_eq!(no_flow.problem(), "FSP-API-028", "an event without a flow");
    assert!(no_flow.json()["detail_vi"].as_str().unwrap_or_default().contains("luồng"), "{no_flow:?}");
    assert_eq!(analyst.get(&format!("{}?minutes=0", path(1))).await.problem(), "FSP-API-010");
    assert_eq!(analyst.get("/packets/nonsense").await.problem(), "FSP-API-008");
    rig.wiring.asked.lock().unwrap().clear();
    *rig.wiring.ring.lock().unwrap() = Some(FILE);
    for role in [Role::Viewer, Role::Engineer, Role::Auditor, Role::Sender] {
        assert_eq!(rig.token(role, &[]).get(&path(1)).await.problem(), "FSP-API-006", "{role:?}");
    }
    let stranger = rig.token(Role::Administrator, &["tax"]);
    assert_eq!(stranger.get(&path(1)).await.problem(), "FSP-API-008", "another agency's");
    assert_eq!(stranger.get(&format!("/packets/{}", alert(1, "health").id)).await.problem(), "FSP-API-008");
    assert!(rig.wiring.asked.lock().unwrap().is_empty(), "the ring was asked for what the caller may not see");
}

fn said(collector: &str, outcome: AnswerOutcome) -> CollectorAnswer {
    let given = outcome == AnswerOutcome::Given;
    CollectorAnswer {
        collector: collector.into(),
        outcome,
        packets: u64::from(given),
        bytes: if given { FILE.len() as u64 } else { 0 },
        sha256: if given { hex::encode(Sha256::digest(FILE)) } else { String::new() },
    }
}

#[tokio::test]
async fn what_collectors_answered_is_told_and_kept_in_the_trail() {
    let rig = Rig::new().await;
    *rig.wiring.ring.lock().unwrap() = Some(FILE);
    *rig.wiring.collectors.lock().unwrap() = vec![said("xa-1", AnswerOutcome::Given), said("xa-2", AnswerOutcome::NoAnswer)];
    let analyst = rig.token(Role::Analyst, &["health"]);
    let id = event_id(1).to_string();
    let reply = analyst.get(&format!("/packets/{id}")).await;
    assert_eq!((reply.status, reply.text.as_bytes()), (StatusCode::OK, FILE), "{reply:?}");
    let figures: serde_json::Value = serde_json::from_str(reply.headers["x-fansipan-packets"].to_str().unwrap()).unwrap();
    let told = serde_json::json!([
        {"collector": "xa-1", "outcome": "given", "packets": 1, "bytes": FILE.len(), "sha256": figures["sha256"]},
        {"collector": "xa-2", "outcome": "no_answer", "packets": 0, "bytes": 0, "sha256": ""},
    ]);
    assert_eq!(figures["collectors"], told);
    let trail = rig.state.audit_trail(&Scope::All, &AuditFilter { object: Some(id), ..AuditFilter::default() }, None, 10).unwrap();
    let details: serde_json::Value = serde_json::from_str(&trail.items[0].details).unwrap();
    assert_eq!(details["collectors"], told);
}

#[tokio::test]
async fn collectors_that_do_not_give_what_they_may_have_are_named_in_both_languages() {
    let rig = Rig::new().await;
    let all = [AnswerOutcome::Nothing, AnswerOutcome::NoAnswer, AnswerOutcome::Failed, AnswerOutcome::Damaged, AnswerOutcome::Clock];
    *rig.wiring.collectors.lock().unwrap() = all.iter().zip(1..).map(|(o, n)| said(&format!("xa-{n}"), *o)).collect();
    let reply = rig.token(Role::Analyst, &[]).get(&format!("/packets/{}", event_id(1))).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::GATEWAY_TIMEOUT, "FSP-API-026"));
    let body: serde_json::Value = serde_json::from_str(&reply.text).unwrap();
    let (en, vi) = (body["detail"].as_str().unwrap(), body["detail_vi"].as_str().unwrap());
    for (n, english, vietnamese) in [
        (1, "has none", "không có"),
        (2, "did not answer in time", "không trả lời kịp"),
        (3, "could not read its rings", "không đọc được vòng ghi"),
        (4, "did not arrive whole", "không nguyên vẹn"),
        (5, "clock", "đồng hồ"),
    ] {
        assert!(en.contains(&format!("xa-{n} ")) && en.contains(english), "{en}");
        assert!(vi.contains(&format!("xa-{n} ")) && vi.contains(vietnamese), "{vi}");
    }
    assert!(en.contains("fansipan doctor") && vi.contains("fansipan doctor"));
}
