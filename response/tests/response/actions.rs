//! An action's life: asked for, approved by a second person, done once, watched, expired, undone; and every way that goes wrong.

use fansipan_model::{Scope, time::SECOND};
use fansipan_response::{
    ActionKind, ActionState, Desk, Request, ResponseError, Verdict,
    connectors::{Fault, FaultKind},
    told,
};
use fansipan_storage::{AuditFilter, StateStore as _};

use crate::kit::{Rig, block, open, steps, who};

fn state(desk: &Desk, id: uuid::Uuid) -> ActionState {
    desk.action(&Scope::All, id).unwrap().state
}

fn fault(kind: FaultKind) -> Fault {
    Fault { kind, detail: "no answer".into() }
}

/// Whatever the system wrote down is said in Vietnamese as well.
fn in_vietnamese(desk: &Desk, id: uuid::Uuid) {
    let own = |key: &str| !key.ends_with(".applied") && !key.ends_with(".undone"); // what a device answers is its own
    for step in desk.journal(id).unwrap().iter().filter(|s| own(&s.key)) {
        assert!(told(&step.text).code.is_some(), "not said in Vietnamese: {}", step.text);
    }
}

#[tokio::test]
async fn a_block_is_approved_done_proved_expired_and_undone() {
    let rig = Rig::new();
    let desk = rig.desk();
    rig.traffic.passed.lock().unwrap().extend([rig.now() - 60 * SECOND, rig.now() - SECOND]);
    // an inside address: grave enough for two
    let asked = desk.propose(&who("lan"), &block("10.20.30.40"), None).unwrap();
    assert_eq!((asked.state, asked.two_person), (ActionState::Proposed, true));
    assert_eq!(asked.plan, ["block 10.20.30.40"]);
    assert_eq!(asked.impact.users, [("lan.pt".to_owned(), 3)]);
    desk.tick().await.unwrap();
    assert!(rig.device.applied.lock().unwrap().is_empty(), "nothing happens before approval");
    assert!(matches!(desk.approve(&Scope::All, &who("LAN"), asked.id, None), Err(ResponseError::SecondPerson { .. })));
    desk.approve(&Scope::All, &who("binh"), asked.id, None).unwrap();
    desk.tick().await.unwrap();
    assert_eq!(state(&desk, asked.id), ActionState::Done);
    for _ in 0..11 {
        rig.pass(60);
        desk.tick().await.unwrap();
    }
    let watched = desk.action(&Scope::All, asked.id).unwrap();
    assert_eq!(watched.verification.verdict, Verdict::Effective);
    assert!(watched.verification.text.starts_with("0 flows since 2026-"), "{}", watched.verification.text);
    rig.pass(4 * 3600);
    desk.tick().await.unwrap();
    assert_eq!(state(&desk, asked.id), ActionState::Undone);
    assert!(rig.device.in_force.lock().unwrap().is_empty());
    assert_eq!(steps(&desk, asked.id), ["requested", "approved", "begun", "applied", "verified", "expired", "undone"]);
    in_vietnamese(&desk, asked.id);
    // every step is in the audit trail as well, whose chain holds
    let state = open(&rig.file());
    let trail = state.audit_trail(&Scope::All, &AuditFilter::default(), None, 100).unwrap();
    assert_eq!(trail.items.iter().filter(|e| e.object == asked.id.to_string()).count(), 7);
    state.verify_audit().unwrap();
}

#[tokio::test]
async fn a_block_without_effect_is_reported_as_such_and_silence_as_no_proof() {
    let rig = Rig::new();
    let desk = rig.desk();
    let asked = desk.propose(&who("lan"), &block("203.0.113.7"), None).unwrap();
    assert!(!asked.two_person, "one outside address: one person may decide");
    desk.approve(&Scope::All, &who("lan"), asked.id, None).unwrap();
    desk.tick().await.unwrap();
    for _ in 0..10 {
        rig.pass(60);
        rig.traffic.passed.lock().unwrap().push(rig.now() - SECOND);
        desk.tick().await.unwrap();
    }
    let found = desk.action(&Scope::All, asked.id).unwrap().verification;
    assert_eq!(found.verdict, Verdict::Ineffective);
    in_vietnamese(&desk, asked.id);
    assert!(found.text.starts_with("still passing: 10 flows") && found.text.ends_with("via fw-02"), "{}", found.text);
    // another, of whom nothing was ever seen
    rig.traffic.passed.lock().unwrap().clear();
    let quiet = desk.propose(&who("lan"), &block("203.0.113.8"), None).unwrap();
    desk.approve(&Scope::All, &who("lan"), quiet.id, None).unwrap();
    for _ in 0..12 {
        desk.tick().await.unwrap();
        rig.pass(60);
    }
    assert_eq!(desk.action(&Scope::All, quiet.id).unwrap().verification.verdict, Verdict::Unproven);
}

#[tokio::test]
async fn an_unreachable_device_is_tried_again_then_a_person_is_asked() {
    let rig = Rig::new();
    let desk = rig.desk();
    rig.device.faults.lock().unwrap().extend(vec![fault(FaultKind::Unreachable); 3]);
    let id = desk.propose(&who("lan"), &block("203.0.113.7"), None).unwrap().id;
    desk.approve(&Scope::All, &who("lan"), id, None).unwrap();
    for _ in 0..4 {
        desk.tick().await.unwrap();
        rig.pass(60);
    }
    assert_eq!(state(&desk, id), ActionState::HandedOver);
    assert_eq!(steps(&desk, id), ["requested", "approved", "begun", "later", "begun", "later", "begun", "handed_over"]);
    in_vietnamese(&desk, id);
    // done by hand, it is watched like any other
    let done = desk.by_hand(&Scope::All, &who("lan"), id, "typed it into the console", None).unwrap();
    assert_eq!((done.state, done.verification.verdict), (ActionState::Done, Verdict::Watching));
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_looked_up_and_a_refusal_is_final() {
    let rig = Rig::new();
    let desk = rig.desk();
    rig.device.breaks_off.store(1, std::sync::atomic::Ordering::SeqCst);
    let id = desk.propose(&who("lan"), &block("203.0.113.7"), None).unwrap().id;
    desk.approve(&Scope::All, &who("lan"), id, None).unwrap();
    for _ in 0..3 {
        desk.tick().await.unwrap();
        rig.pass(30);
    }
    assert_eq!(state(&desk, id), ActionState::Done);
    assert_eq!(rig.device.applied.lock().unwrap()[&id], 1, "done once, though the answer was lost");
    rig.device.faults.lock().unwrap().push(fault(FaultKind::Refused));
    let no = desk.propose(&who("lan"), &block("203.0.113.8"), None).unwrap().id;
    desk.approve(&Scope::All, &who("lan"), no, None).unwrap();
    desk.tick().await.unwrap();
    assert_eq!(state(&desk, no), ActionState::Failed);
}

#[tokio::test]
async fn a_crash_at_any_write_does_nothing_twice_and_loses_nothing() {
    for writes in 0..18 {
        let rig = Rig::new();
        let request = block("203.0.113.7");
        let live = |desk: std::sync::Arc<Desk>| {
            let (rig, request) = (&rig, &request);
            async move {
                // what a person does again when the service did not answer
                if desk.action(&Scope::All, request.id).is_err() {
                    let _ = desk.propose(&who("lan"), request, None);
                }
                let _ = desk.approve(&Scope::All, &who("binh"), request.id, None);
                for _ in 0..20 {
                    let _ = desk.tick().await;
                    rig.pass(60);
                }
                rig.pass(5 * 3600);
                let _ = desk.tick().await;
                let _ = desk.tick().await;
            }
        };
        live(rig.desk_dying_after(writes)).await;
        let desk = rig.desk();
        live(desk.clone()).await;
        assert_eq!(state(&desk, request.id), ActionState::Undone, "crash after {writes} writes: {:?}", steps(&desk, request.id));
        assert_eq!(rig.device.applied.lock().unwrap()[&request.id], 1, "crash after {writes} writes: {:?}", steps(&desk, request.id));
        assert!(rig.device.in_force.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn decisions_that_make_no_sense_are_refused_with_a_reason() {
    let rig = Rig::new();
    let desk = rig.desk();
    let id = desk.propose(&who("lan"), &block("203.0.113.7"), None).unwrap().id;
    let again = desk.propose(&who("lan"), &block("203.0.113.0/28"), None).unwrap_err().to_string();
    assert!(again.contains("FSP-ACT-006") && again.contains(&id.to_string()), "{again}");
    desk.reject(&Scope::All, &who("binh"), id, "a customer", None).unwrap();
    assert!(matches!(desk.approve(&Scope::All, &who("binh"), id, None), Err(ResponseError::State { .. })));
    let elsewhere = Scope::Agencies(vec![fansipan_model::Agency::new("tax")]);
    assert!(matches!(desk.action(&elsewhere, id), Err(ResponseError::Missing(_))));
    let unknown = desk.propose(&who("lan"), &Request { device: "fw-9".into(), ..block("203.0.113.7") }, None).unwrap_err().to_string();
    assert!(unknown.contains("FSP-ACT-003") && unknown.contains("there are fw"), "{unknown}");
    assert!(desk.propose(&who("lan"), &Request { reason: " ".into(), ..block("203.0.113.7") }, None).is_err());
    // what is told to people needs no approval, and cannot be unsaid
    let notice = Request { kind: ActionKind::Notify, parameters: [("text".into(), "xin chào".into())].into(), ..block("") };
    let told = desk.propose(&who("lan"), &notice, None).unwrap();
    desk.tick().await.unwrap();
    assert_eq!(state(&desk, told.id), ActionState::Done);
    assert!(matches!(desk.undo(&Scope::All, &who("lan"), told.id, "", None), Err(ResponseError::State { .. })));
}

#[test]
fn the_journal_is_append_only() {
    let rig = Rig::new();
    let desk = rig.desk();
    desk.propose(&who("lan"), &block("203.0.113.7"), None).unwrap();
    drop(desk);
    let file = rusqlite::Connection::open(rig.file()).unwrap();
    for sql in ["UPDATE response_journal SET text = 'x'", "DELETE FROM response_journal"] {
        assert!(file.execute(sql, []).unwrap_err().to_string().contains("append-only"));
    }
}
