//! Playbooks: every shipped one reads, in both languages; faults name their place; a crash anywhere does no step twice.

use std::{collections::BTreeSet, sync::Arc};

use fansipan_model::{AlertId, AlertStatus, Entity, EntityKind, Incident, IncidentState, Level, Scope};
use fansipan_response::{
    ActionKind, ActionState, Desk, Request, ResponseError,
    playbook::{Library, RunState, parse},
};
use fansipan_storage::ResponseFilter;
use uuid::Uuid;

use crate::kit::{Rig, START, block, who};

fn incident(groups: &[&str]) -> Incident {
    let entity = |kind, field: &str, value: &str| Entity { kind, field: field.into(), value: value.into() };
    Incident {
        state: IncidentState {
            id: AlertId([7; 16]),
            agency: "default".into(),
            status: AlertStatus::New,
            assignee: None,
            opened: START,
            merged_into: None,
            version: 1,
        },
        title: "Scan".into(),
        title_vi: "Dò quét".into(),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        level: Level::High,
        first_seen: START,
        last_seen: START,
        alerts: 2,
        events: 9,
        tactics: vec!["reconnaissance".into()],
        entities: vec![
            entity(EntityKind::Address, "source.ip", "203.0.113.7"),
            entity(EntityKind::Address, "source.ip", "203.0.113.8"),
            entity(EntityKind::Address, "destination.ip", "10.20.30.40"),
            entity(EntityKind::User, "user.name", "lan.pt"),
            entity(EntityKind::Host, "host.name", "web01"),
        ],
        drill: false,
    }
}

fn rig(groups: &[&str]) -> Rig {
    let mut rig = Rig::new();
    rig.incident = Some(incident(groups));
    rig.config.roles = ["border", "inside", "accounts", "mail"].map(|r| (r.to_owned(), "fw".to_owned())).into();
    rig
}

#[test]
fn every_group_has_a_playbook_that_reads_and_fits() {
    let library = Library::load(&[]);
    assert_eq!(library.faults(), []);
    let groups: BTreeSet<&str> = library.all().map(|e| e.playbook.group.as_str()).collect();
    let asked = [
        "denial-of-service",
        "phishing",
        "malware",
        "unauthorized-access",
        "defacement",
        "ransomware",
        "sabotage",
        "data-theft",
        "combined",
        "system-fault",
        "operator-fault",
    ];
    assert_eq!(groups, asked.into_iter().collect());
    for entry in library.all().filter(|e| !["combined"].contains(&e.playbook.id.as_str())) {
        assert!(Library::fits(&entry.playbook, &incident(&[&entry.playbook.group])), "{}", entry.playbook.id);
    }
    let combined = &library.get("combined").unwrap().playbook;
    assert!(Library::fits(combined, &incident(&["malware", "data-theft"])) && !Library::fits(combined, &incident(&["malware"])));
}

const HEAD: &str = "id: t\ngroup: malware\ntitle: T\ntitle_vi: T\nsummary: s\nsummary_vi: s\nwhen: 'level > 2'\nsteps:\n";

#[test]
fn faults_name_line_and_column() {
    let step = |body: &str| format!("{HEAD}  - id: a\n    title: A\n    title_vi: A\n{body}");
    let cases = [
        (step("    wait: soon\n"), 12, "span of time"),
        (step("    wait: 5m\n    task: {advice: x, advice_vi: y}\n"), 9, "exactly one"),
        (step("    if: 'levl > 2'\n    wait: 5m\n"), 12, "no field `levl`"),
        (step("    if: 'level = 2'\n    wait: 5m\n"), 12, "=="),
        (step("    if: 'level > \"x\"'\n    wait: 5m\n"), 12, "cannot be evaluated"),
        (step("    if: 'level + 1'\n    wait: 5m\n"), 12, "true or false"),
        (step("    if: 'math::sqrt(level) > 1'\n    wait: 5m\n"), 12, "no function"),
        (step(&format!("    if: '{}true{}'\n    wait: 5m\n", "(".repeat(17), ")".repeat(17))), 12, "nests deeper"),
        (step("    branch: [{to: a}]\n"), 12, "no later step"),
        (step("    branch: [{to: b}]\n"), 12, "no later step"),
        (step("    wiat: 5m\n"), 12, "wiat"),
        (step("    wait: 5m\n  - id: a\n    title: B\n    title_vi: B\n    wait: 5m\n"), 9, "two steps"),
        ("id: [".to_owned(), 1, ""),
        (format!("{HEAD}  - &a {{id: *a}}\n"), 9, ""),
    ];
    for (text, line, words) in cases {
        let fault = parse(&text, "t.yaml").unwrap_err();
        assert!(fault.message.contains(words), "{fault}\n{text}");
        assert!(fault.line == line || words.is_empty() || words == "wiat", "{fault}\n{text}");
        assert!(fault.to_string().starts_with("FSP-ACT-030 t.yaml:"), "{fault}");
    }
}

/// What a person does: answers every task with its first answer, approves every action.
async fn people(desk: &Arc<Desk>, rig: &Rig, run: Uuid) {
    for _ in 0..80 {
        let _ = desk.tick().await;
        let waiting = ResponseFilter { states: vec!["proposed".into()], incident: None };
        for action in desk.actions(&Scope::All, &waiting, 100).unwrap_or_default() {
            let _ = desk.approve(&Scope::All, &who("binh"), action.id, None);
        }
        if let Ok(now) = desk.run_of(&Scope::All, run) {
            if let Some(task) = now.task {
                let answer = task.answers[0].clone();
                let _ = desk.answer(&Scope::All, &who("lan"), run, (&task.step, &answer, "seen"), None);
            } else if now.state == RunState::Done {
                break;
            }
        }
        rig.pass(600);
    }
}

#[tokio::test]
async fn a_crash_at_any_write_goes_on_after_restart_and_does_no_step_twice() {
    let run = Uuid::new_v4();
    let id = AlertId([7; 16]).to_string();
    let mut calm: Option<Vec<String>> = None;
    let mut writes = i64::MAX;
    loop {
        let rig = rig(&["unauthorized-access"]);
        let begin = |desk: &Arc<Desk>| {
            if desk.run_of(&Scope::All, run).is_err() {
                let _ = desk.start(&Scope::All, &who("lan"), "unauthorized-access", &id, run, None);
            }
        };
        let dying = rig.desk_dying_after(writes);
        begin(&dying);
        people(&dying, &rig, run).await;
        drop(dying);
        let desk = rig.desk();
        begin(&desk);
        people(&desk, &rig, run).await;
        let end = desk.run_of(&Scope::All, run).unwrap();
        assert_eq!(end.state, RunState::Done, "crash after {writes} writes");
        let done: Vec<String> = end.steps.iter().map(|s| format!("{}={}", s.step, s.outcome)).collect();
        assert!(rig.device.applied.lock().unwrap().values().all(|n| *n == 1), "crash after {writes} writes: {done:?}");
        assert_eq!(end.steps.len(), end.steps.iter().map(|s| &s.step).collect::<BTreeSet<_>>().len(), "{done:?}");
        match &calm {
            None => {
                assert!(done.contains(&"block=done".to_owned()) && done.contains(&"ways=to tell".to_owned()), "{done:?}");
                assert_eq!(rig.device.applied.lock().unwrap().len(), 3, "two addresses and a message");
                calm = Some(done);
                writes = 0;
            }
            Some(calm) => {
                assert_eq!(&done, calm, "crash after {writes} writes");
                writes += 1;
            }
        }
        if writes > 45 {
            break;
        }
    }
}

#[tokio::test]
async fn what_no_device_does_becomes_a_task_and_protected_things_are_left_to_people() {
    let mut rig = rig(&["ransomware"]);
    rig.config.roles.remove("border");
    rig.book.set("dc01.laichau.example", &["10.20.30.40"]);
    let desk = rig.desk();
    let run = Uuid::new_v4();
    desk.start(&Scope::All, &who("lan"), "ransomware", &AlertId([7; 16]).to_string(), run, None).unwrap();
    desk.tick().await.unwrap();
    let task = desk.run_of(&Scope::All, run).unwrap().task.unwrap();
    assert!(task.step == "isolate" && task.advice.contains("FSP-ACT-002") && task.advice.contains("10.20.30.40"), "{task:?}");
    assert!(desk.answer(&Scope::All, &who("lan"), run, ("isolate", "maybe", ""), None).is_err());
    desk.answer(&Scope::All, &who("lan"), run, ("isolate", "not_needed", "it is the domain controller"), None).unwrap();
    desk.tick().await.unwrap();
    let task = desk.run_of(&Scope::All, run).unwrap().task.unwrap();
    assert!(task.step == "control" && task.advice_vi.contains("203.0.113.7"), "{task:?}");
    let twice = desk.start(&Scope::All, &who("binh"), "ransomware", &AlertId([7; 16]).to_string(), Uuid::new_v4(), None);
    assert!(matches!(twice, Err(ResponseError::State { .. })));
    desk.cancel_run(&Scope::All, &who("lan"), run, "drill over", None).unwrap();
    assert_eq!(desk.run_of(&Scope::All, run).unwrap().state, RunState::Cancelled);
}

#[tokio::test]
async fn who_starts_a_playbook_cannot_approve_what_it_asks_for() {
    let rig = rig(&["ransomware"]);
    let desk = rig.desk();
    let run = Uuid::new_v4();
    desk.start(&Scope::All, &who("lan"), "ransomware", &AlertId([7; 16]).to_string(), run, None).unwrap();
    desk.tick().await.unwrap();
    let asked = desk.actions(&Scope::All, &ResponseFilter::default(), 10).unwrap();
    let inside = asked.iter().find(|a| a.target.text() == "10.20.30.40").unwrap();
    assert!(matches!(desk.approve(&Scope::All, &who("lan"), inside.id, None), Err(ResponseError::SecondPerson { .. })));
    desk.approve(&Scope::All, &who("binh"), inside.id, None).unwrap();
    assert_eq!((inside.kind, inside.state), (ActionKind::Block, ActionState::Proposed));
    // the same address asked for by hand meanwhile
    let same = desk.propose(&who("binh"), &Request { agency: "default".into(), ..block("10.20.30.40") }, None);
    assert!(matches!(same, Err(ResponseError::Already { .. })));
}
