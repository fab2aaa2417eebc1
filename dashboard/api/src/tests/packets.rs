//! Packets of events and alerts: who gets them, what is said where there are none, what the trail keeps.

use axum::http::StatusCode;
use fansipan_model::Scope;
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
    assert!(gone.text.contains("1970-01-01T00:00:00") && gone.text.contains("keep_hours"), "{gone:?}");
    assert_eq!(analyst.get(&path(3)).await.problem(), "FSP-API-028", "an event without a flow");
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
