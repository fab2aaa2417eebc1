//! Working a queue of many: nobody gets another's alert, counts stay true whatever is decided and taken back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fansipan_model::{Agency, Alert, AlertId, AlertStatus, Level, Scope};
use fansipan_storage::{
    AlertBatch, AlertChange, AlertFilter, AlertSort, AuditRecord, CaseStore, StateStore, StoreError,
    cases::{BulkRequest, ContextRequest},
};
use proptest::prelude::*;

use super::state::alert;

/// A store seen from both sides.
pub(crate) trait Desk: StateStore + CaseStore + 'static {}
impl<T: StateStore + CaseStore + 'static> Desk for T {}

/// Stores alerts; their priorities.
fn fill(store: &dyn Desk, alerts: impl IntoIterator<Item = Alert>) -> BTreeMap<AlertId, u32> {
    let changes = alerts.into_iter().map(|a| AlertChange::Open(Box::new(a))).collect();
    let next_offset = store.consumer_offset("analyzer").unwrap() + 1;
    let batch = AlertBatch { consumer: "analyzer", next_offset, changes, ..AlertBatch::default() };
    store.apply_alerts(&batch).unwrap().opened.into_iter().collect()
}

fn agency(n: u64) -> &'static str {
    if n.is_multiple_of(5) { "so-y-te" } else { "default" }
}

fn record() -> AuditRecord {
    AuditRecord { who: "lan".into(), verb: "alerts.test".into(), details: "{}".into(), allowed: true, at: 50, ..AuditRecord::default() }
}

fn request(token: &str, status: AlertStatus, filter: AlertFilter) -> BulkRequest {
    BulkRequest { filter, ids: vec![], status, who: "lan".into(), at: 50, token: token.into() }
}

fn open() -> AlertFilter {
    AlertFilter { statuses: AlertFilter::OPEN.to_vec(), ..AlertFilter::default() }
}

/// Kept counts equal counting one by one.
fn counts_are_true(store: &dyn Desk) {
    for scope in [Scope::All, Scope::Agencies(vec![Agency::new("so-y-te")])] {
        let all = store.alerts(&scope, &AlertFilter::default(), None, 1000).unwrap();
        assert_eq!(all.items.len() as u64, all.total);
        let counts = store.alert_counts(&scope).unwrap();
        for status in ["new", "acknowledged", "true_positive", "false_positive", "benign"] {
            let found = all.items.iter().filter(|a| serde_json::to_value(a.status).unwrap() == status).count() as u64;
            assert_eq!(counts.by_status[status], found, "{status}");
        }
        let critical = all.items.iter().filter(|a| a.rule.level == Level::Critical && AlertFilter::OPEN.contains(&a.status)).count();
        assert_eq!(counts.open_by_level["critical"], critical as u64);
    }
}

/// Eight people take alerts at once: each alert goes to one, gravest first.
pub(crate) fn nobody_gets_anothers(store: Arc<impl Desk>) {
    fill(&*store, (0..90).map(|n| alert(n, agency(n))));
    let people: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            std::thread::spawn(move || {
                let who = format!("person-{n}");
                let mut mine = Vec::new();
                while let Some(claimed) = store.claim_next(&Scope::All, &AlertFilter::default(), &who, &record()).unwrap() {
                    assert_eq!(claimed.alert.assignee.as_deref(), Some(who.as_str()));
                    assert_eq!(claimed.alert.status, AlertStatus::Acknowledged);
                    mine.push(claimed.alert.id);
                }
                mine
            })
        })
        .collect();
    let taken: Vec<AlertId> = people.into_iter().flat_map(|p| p.join().unwrap()).collect();
    assert_eq!(taken.len(), 90);
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 90);
    counts_are_true(&*store);
    let trail = store.audit_trail(&Scope::All, &fansipan_storage::AuditFilter::default(), None, 1000).unwrap();
    assert_eq!(trail.items.iter().map(|e| e.object.clone()).collect::<BTreeSet<_>>().len(), 90, "each is recorded by its id");
}

/// The list by priority is the order in which alerts are given out, page by page; one agency's people get their own.
pub(crate) fn the_list_is_the_queue(store: Arc<impl Desk>) {
    let told = fill(&*store, (0..60).map(|n| alert(n, agency(n))));
    let queue = AlertFilter { sort: AlertSort::Priority, ..open() };
    let (mut listed, mut after, mut last) = (Vec::new(), None, u32::MAX);
    loop {
        let page = store.alerts(&Scope::All, &queue, after.as_deref(), 7).unwrap();
        for (found, priority) in page.items.iter().zip(&page.priorities) {
            assert!(*priority <= last, "gravest first");
            last = *priority;
            assert_eq!(told.get(&found.id), Some(priority), "as told when it was raised");
            listed.push(found.id);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed.len(), 60);
    let health = Scope::Agencies(vec![Agency::new("so-y-te")]);
    let own = store.claim_next(&health, &AlertFilter::default(), "hoa", &record()).unwrap().unwrap();
    assert_eq!(own.alert.agency, "so-y-te");
    assert!(own.following.is_none_or(|next| next.agency == "so-y-te" && next.status == AlertStatus::New), "of the same queue");
    listed.retain(|id| *id != own.alert.id);
    let mut expected = None;
    for id in listed {
        let next = store.claim_next(&Scope::All, &AlertFilter::default(), "lan", &record()).unwrap().unwrap();
        assert_eq!(next.alert.id, id);
        assert!(expected.is_none_or(|expected| expected == id), "what was said to follow does");
        expected = next.following.map(|alert| alert.id);
    }
    assert_eq!(expected, None, "after the last there is none");
    let page = store.alerts(&Scope::All, &queue, None, 100).unwrap();
    assert_eq!((page.items.len(), page.total), (60, 60), "taken ones are still open");
}

/// Many are judged and taken back; what somebody decided since stays.
pub(crate) fn many_at_once(store: Arc<impl Desk>) {
    fill(&*store, (0..60).map(|n| alert(n, agency(n))));
    let rule = AlertFilter { rule: Some("rule-1".into()), ..open() };
    let wanted = request("t1", AlertStatus::FalsePositive, rule.clone());
    assert_eq!(store.bulk_count(&Scope::All, &wanted).unwrap(), 15);
    assert_eq!(store.bulk_judge(&Scope::All, &wanted, &record()).unwrap().changed, 15);
    assert_eq!(store.bulk_count(&Scope::All, &wanted).unwrap(), 0);
    counts_are_true(&*store);
    assert_eq!(store.alerts(&Scope::All, &rule, None, 100).unwrap().total, 0);
    let one = alert(1, "default").id;
    let seen = store.alert(&Scope::All, one).unwrap().unwrap();
    assert_eq!((seen.status, seen.assignee.as_deref(), seen.version), (AlertStatus::FalsePositive, Some("lan"), 2));
    let context = store.alert_context(&Scope::All, ContextRequest { id: alert(3, "default").id, now: 100, days: 30 }).unwrap().unwrap();
    assert_eq!(context.rank.confidence, 1000, "nobody judged this rule");
    let fresh = alert(61, "default");
    fill(&*store, [fresh.clone()]);
    let context = store.alert_context(&Scope::All, ContextRequest { id: fresh.id, now: 100, days: 30 }).unwrap().unwrap();
    assert_eq!(context.verdicts.false_positive, 15);
    assert!(context.rank.confidence < 600, "a rule that was wrong fifteen times is believed less: {:?}", context.rank);
    // somebody decides about one of them
    store.set_alert_status(&Scope::All, one, AlertStatus::TruePositive, 2, &record()).unwrap();
    let elsewhere = Scope::Agencies(vec![Agency::new("so-y-te")]);
    assert!(matches!(store.bulk_undo(&elsewhere, "t1", Some("lan"), 60, &record()), Err(StoreError::NotFound(_))));
    assert!(matches!(store.bulk_undo(&Scope::All, "t1", Some("tam"), 60, &record()), Err(StoreError::NotFound(_))));
    let back = store.bulk_undo(&Scope::All, "t1", Some("lan"), 60, &record()).unwrap();
    assert_eq!((back.changed, back.kept), (14, 1));
    assert!(matches!(store.bulk_undo(&Scope::All, "t1", Some("lan"), 60, &record()), Err(StoreError::NotFound(_))), "once");
    counts_are_true(&*store);
    assert_eq!(store.alert(&Scope::All, one).unwrap().unwrap().status, AlertStatus::TruePositive);
    let other = store.alert(&Scope::All, alert(5, "so-y-te").id).unwrap().unwrap();
    assert_eq!((other.status, other.assignee), (AlertStatus::New, None), "as before");
}

/// What is known around an alert.
pub(crate) fn around(store: Arc<impl Desk>) {
    const DAY: i64 = 86_400_000_000_000;
    let now = 40 * DAY;
    let about = |n: u64, rule: &str, raised: i64| {
        let mut a = alert(n, "default");
        (a.rule.id, a.raised) = (rule.to_owned(), raised);
        a.entities[0].value = "10.9.9.9".into();
        a
    };
    let old = about(1, "r", now - 35 * DAY);
    let judged = about(2, "r", now - 3 * DAY);
    let other = about(3, "q", now - DAY / 2);
    let this = about(4, "r", now);
    fill(&*store, [old, judged.clone(), other.clone(), this.clone(), alert(5, "default")]);
    store.set_alert_status(&Scope::All, judged.id, AlertStatus::Benign, 1, &record()).unwrap();
    let context = store.alert_context(&Scope::All, ContextRequest { id: this.id, now, days: 30 }).unwrap().unwrap();
    assert_eq!(context.similar.iter().map(|a| a.id).collect::<Vec<_>>(), [judged.id]);
    assert_eq!(context.entities.len(), 1);
    let history = &context.entities[0];
    assert_eq!(history.alerts.iter().map(|a| a.id).collect::<Vec<_>>(), [other.id, judged.id], "thirty days, latest first");
    assert_eq!((history.days[29], history.days[26], history.days.iter().sum::<u64>()), (2, 1, 3));
    assert_eq!(context.rank.risk, 1100, "another rule spoke of the same address today");
    assert!(!history.more);
    let elsewhere = Scope::Agencies(vec![Agency::new("so-y-te")]);
    assert!(store.alert_context(&elsewhere, ContextRequest { id: this.id, now, days: 30 }).unwrap().is_none());
}

/// One thing done to the alerts.
#[derive(Clone, Debug)]
enum Act {
    Open(u64),
    Put(u64),
    Supersede(u64),
    Claim,
    Judge(u64, u8),
    Bulk(u8, u8),
    Undo(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let one = prop_oneof![
        3 => (0..20u64).prop_map(Act::Open),
        1 => (0..20u64).prop_map(Act::Put),
        1 => (0..20u64).prop_map(Act::Supersede),
        2 => Just(Act::Claim),
        2 => (0..20u64, 0..5u8).prop_map(|(n, s)| Act::Judge(n, s)),
        2 => (0..4u8, 0..5u8).prop_map(|(r, s)| Act::Bulk(r, s)),
        2 => (0..6usize).prop_map(Act::Undo),
    ];
    proptest::collection::vec(one, 1..40)
}

const STATUSES: [AlertStatus; 5] =
    [AlertStatus::New, AlertStatus::Acknowledged, AlertStatus::TruePositive, AlertStatus::FalsePositive, AlertStatus::Benign];

fn carry_out(store: &dyn Desk, act: Act, tokens: &mut Vec<String>) {
    let id = |n: u64| alert(n, agency(n)).id;
    let change = |change: AlertChange| {
        let next_offset = store.consumer_offset("analyzer").unwrap() + 1;
        store.apply_alerts(&AlertBatch { consumer: "analyzer", next_offset, changes: vec![change], ..AlertBatch::default() }).unwrap();
    };
    match act {
        Act::Open(n) => change(AlertChange::Open(Box::new(alert(n, agency(n))))),
        Act::Put(n) => change(AlertChange::Put(Box::new(alert(n, agency(n))))),
        Act::Supersede(n) => change(AlertChange::Supersede { id: id(n), by: None }),
        Act::Claim => drop(store.claim_next(&Scope::All, &AlertFilter::default(), "lan", &record()).unwrap()),
        Act::Judge(n, s) => {
            if let Some(found) = store.alert(&Scope::All, id(n)).unwrap() {
                store.set_alert_status(&Scope::All, found.id, STATUSES[s as usize], found.version, &record()).unwrap();
            }
        }
        Act::Bulk(r, s) => {
            let filter = AlertFilter { rule: Some(format!("rule-{r}")), ..AlertFilter::default() };
            let token = format!("t{}", tokens.len());
            let wanted = request(&token, STATUSES[s as usize], filter);
            let before = store.bulk_count(&Scope::All, &wanted).unwrap();
            assert_eq!(store.bulk_judge(&Scope::All, &wanted, &record()).unwrap().changed, before);
            tokens.push(token);
        }
        Act::Undo(n) => {
            if let Some(token) = tokens.get(n) {
                // a second time is refused
                let _ = store.bulk_undo(&Scope::All, token, None, 60, &record());
            }
        }
    }
}

/// Whatever is decided in whatever order, the kept counts are those of counting anew.
pub(crate) fn counts_stay_true(open: impl Fn() -> Arc<dyn Desk>) {
    proptest!(ProptestConfig::with_cases(24), |(acts in acts())| {
        let store = open();
        let mut tokens = Vec::new();
        for act in acts {
            carry_out(&*store, act, &mut tokens);
        }
        counts_are_true(&*store);
    });
}
