//! What every state store must do, written against the trait alone.

use std::sync::Arc;

use fansipan_model::{
    Agency, Alert, AlertId, AlertStatus, Entity, EntityKind, Level, MatchedField, PerMille, RuleRef, Scope, SourceCounters, SourceInfo,
};
use fansipan_storage::{
    AlertBatch, AlertChange, AlertFilter, AlertRepeat, AuditFilter, AuditRecord, NewSession, NewToken, NewUser, RuleActivity, RuleCount,
    StateStore, StoreError, UserChange,
};

/// A state store that can be opened again at the same place.
pub(crate) trait Bench {
    fn open(&self) -> Arc<dyn StateStore>;
}

pub(crate) fn alert(n: u64, agency: &str) -> Alert {
    let level = [Level::Low, Level::High, Level::Critical][n as usize % 3];
    Alert {
        id: AlertId::derive(agency, "rule", "hash", &[&n.to_string()]),
        agency: agency.to_owned(),
        rule: RuleRef {
            id: format!("rule-{}", n % 4),
            title: format!("SSH brute force {n}"),
            title_vi: Some("Dò mật khẩu SSH".into()),
            level,
            hash: "00".repeat(32),
            tags: vec![
                "attack.credential-access".into(),
                if n.is_multiple_of(2) { "attack.t1110".into() } else { "attack.T1110.001".into() },
            ],
            advice: None,
            advice_vi: Some("Chặn địa chỉ".into()),
        },
        first_seen: n as i64 * 10,
        last_seen: n as i64 * 10 + 5,
        raised: (n / 3) as i64,
        count: 1,
        entities: vec![Entity { kind: EntityKind::Address, field: "source.ip".into(), value: format!("10.0.0.{n}") }],
        group: vec!["fw-01".into(), format!("10.0.0.{n}")],
        matched: vec![MatchedField { field: "event.action".into(), value: "failed".into() }],
        events: vec![uuid::Uuid::from_u128(u128::from(n))],
        summary: "Failed password for ROOT, 100% sure_".into(),
        status: AlertStatus::New,
        assignee: None,
        drill: n == 0,
        suppressed: None,
        version: 1,
    }
}

fn opened(n: u64, agency: &str) -> AlertChange {
    AlertChange::Open(Box::new(alert(n, agency)))
}

fn batch(next_offset: u64, changes: Vec<AlertChange>) -> AlertBatch<'static> {
    AlertBatch {
        consumer: "analyzer",
        next_offset,
        changes,
        rules: vec![RuleCount { rule: "rule-1".into(), count: 2, last: next_offset as i64 }],
        incidents: Vec::new(),
    }
}

fn record(verb: &str) -> AuditRecord {
    AuditRecord {
        at: 7,
        who: "lan".into(),
        verb: verb.into(),
        object: "x".into(),
        details: "{}".into(),
        allowed: true,
        ..AuditRecord::default()
    }
}

/// Counts are exact however often a batch comes again.
pub(crate) fn alerts_exactly_once(bench: &dyn Bench) {
    let repeat = |n: u64, count, at| {
        AlertChange::Repeat(AlertRepeat {
            id: alert(n, "default").id,
            count,
            first_seen: at,
            last_seen: at,
            events: (0..30).map(|i| uuid::Uuid::from_u128(1000 + at as u128 * 100 + i)).collect(),
        })
    };
    let first = batch(10, vec![opened(1, "default"), repeat(1, 3, 20), opened(2, "default"), repeat(1, 1, 4), repeat(9, 5, 1)]);
    let second = batch(20, vec![repeat(1, 5, 500), opened(2, "default")]);
    for round in 0..3 {
        let store = bench.open();
        for b in [&first, &second] {
            let applied = store.apply_alerts(b).unwrap();
            assert_eq!(applied.duplicate, round > 0);
            if round == 0 && b.next_offset == 10 {
                assert_eq!((applied.opened.len(), applied.grown.len(), applied.orphans), (2, 0, 5));
            } else if round == 0 {
                assert_eq!((applied.opened.len(), applied.grown.len(), applied.orphans), (0, 2, 0));
            }
        }
        assert_eq!(store.consumer_offset("analyzer").unwrap(), 20);
        assert_eq!(store.consumer_offset("other").unwrap(), 0);
        let one = store.alert(&Scope::All, alert(1, "default").id).unwrap().unwrap();
        assert_eq!((one.count, one.first_seen, one.last_seen, one.events.len(), one.version), (10, 4, 500, Alert::SAMPLE, 1));
        assert_eq!(store.alert(&Scope::All, alert(2, "default").id).unwrap().unwrap().count, 2);
        assert_eq!(store.rule_counts().unwrap(), [RuleCount { rule: "rule-1".into(), count: 4, last: 20 }]);
    }
    let mut whole = alert(3, "default");
    let store = bench.open();
    store.apply_alerts(&batch(30, vec![AlertChange::Open(Box::new(whole.clone()))])).unwrap();
    assert_eq!(store.alert(&Scope::All, whole.id).unwrap().unwrap(), whole, "an alert reads back as it was");
    whole.id = AlertId([0; 16]);
    assert!(store.alert(&Scope::All, whole.id).unwrap().is_none());
}

/// Pages, filters, counts, scopes.
pub(crate) fn alert_lists(bench: &dyn Bench) {
    let store = bench.open();
    let all: Vec<Alert> = (0..60).map(|n| alert(n, if n % 5 == 0 { "so-y-te" } else { "default" })).collect();
    store.apply_alerts(&batch(1, all.iter().map(|a| AlertChange::Open(Box::new(a.clone()))).collect())).unwrap();
    let mut want: Vec<&Alert> = all.iter().collect();
    want.sort_by_key(|a| std::cmp::Reverse((a.raised, a.id)));
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.alerts(&Scope::All, &AlertFilter::default(), after.as_deref(), 7).unwrap();
        assert_eq!(page.total, 60);
        seen.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.iter().collect::<Vec<_>>(), want);
    assert!(store.alerts(&Scope::All, &AlertFilter::default(), Some("x"), 7).is_err());

    let health = Scope::Agencies(vec![Agency::new("so-y-te")]);
    let total = |scope: &Scope, filter: AlertFilter| store.alerts(scope, &filter, None, 100).unwrap().total;
    assert_eq!(total(&health, AlertFilter::default()), 12);
    assert_eq!(total(&Scope::Agencies(vec![]), AlertFilter::default()), 0);
    let any = AlertFilter::default;
    assert_eq!(total(&Scope::All, AlertFilter { levels: vec![Level::High, Level::Critical], ..any() }), 40);
    assert_eq!(total(&Scope::All, AlertFilter { rule: Some("rule-1".into()), ..any() }), 15);
    assert_eq!(total(&Scope::All, AlertFilter { statuses: AlertFilter::OPEN.to_vec(), ..any() }), 60);
    assert_eq!(total(&Scope::All, AlertFilter { since: Some(100), until: Some(200), ..any() }), 10);
    for (text, count) in [
        ("DÒ MẬT KHẨU", 60),
        ("failed password for root", 60),
        ("100% SURE_", 60),
        ("10.0.0.59", 1),
        ("100_ sure", 0),
        ("rule-2", 15),
        ("t1110.001", 30),
    ] {
        assert_eq!(total(&Scope::All, AlertFilter { text: Some(text.into()), ..any() }), count, "{text}");
    }
    // a whole value: not those about 10.0.0.50 to 10.0.0.59
    let about = |entity: &str| AlertFilter { entity: Some(entity.into()), ..any() };
    assert_eq!((total(&Scope::All, about("10.0.0.5")), total(&Scope::All, about("10.0.0."))), (1, 0));
    assert_eq!(
        total(&Scope::All, AlertFilter { statuses: AlertFilter::OPEN.to_vec(), text: Some("failed".into()), ..about("10.0.0.5") }),
        1
    );
    assert_eq!((total(&health, about("10.0.0.5")), total(&health, about("10.0.0.6"))), (1, 0));
    let counts = store.alert_counts(&Scope::All).unwrap();
    assert_eq!((counts.open, counts.by_status["new"], counts.by_status["false_positive"]), (60, 60, 0));
    assert_eq!((counts.open_by_level["critical"], counts.open_by_level["medium"]), (20, 0));
    assert_eq!(store.alert_counts(&health).unwrap().open, 12);
    assert_eq!(store.alerts_raised_since(&Scope::All, 10).unwrap(), 30);
    let rules = store.rule_activity(&Scope::All, 0).unwrap();
    assert_eq!(
        rules.iter().take(3).map(|r| (r.id.as_str(), r.count, r.alerts)).collect::<Vec<_>>(),
        [("rule-0", 15, 15), ("rule-1", 15, 15), ("rule-2", 15, 15)]
    );
    assert_eq!(RuleActivity::techniques(&rules), [("t1110".to_owned(), 30), ("t1110.001".to_owned(), 30)]);
}

/// Two people decide at once: one is told.
pub(crate) fn triage(bench: &dyn Bench) {
    let store = bench.open();
    let id = alert(1, "default").id;
    store.apply_alerts(&batch(1, vec![opened(1, "default")])).unwrap();
    let mine = store.assign_alert(&Scope::All, id, Some("lan"), 1, &record("alert.assign")).unwrap();
    assert_eq!((mine.status, mine.assignee.as_deref(), mine.version), (AlertStatus::Acknowledged, Some("lan"), 2));
    let late = store.set_alert_status(&Scope::All, id, AlertStatus::Benign, 1, &record("alert.status"));
    assert!(matches!(late, Err(StoreError::Conflict { current: 2, .. })), "{late:?}");
    let elsewhere = Scope::Agencies(vec![Agency::new("so-y-te")]);
    assert!(matches!(
        store.set_alert_status(&elsewhere, id, AlertStatus::Benign, 2, &record("alert.status")),
        Err(StoreError::NotFound(_))
    ));
    let judged = store.set_alert_status(&Scope::All, id, AlertStatus::TruePositive, 2, &record("alert.status")).unwrap();
    assert_eq!(judged, store.alert(&Scope::All, id).unwrap().unwrap());
    let free = store.assign_alert(&Scope::All, id, None, 3, &record("alert.assign")).unwrap();
    assert_eq!((free.status, free.assignee, free.version), (AlertStatus::TruePositive, None, 4));
    let trail = store.audit_trail(&Scope::All, &AuditFilter { verb: Some("alert".into()), ..AuditFilter::default() }, None, 10).unwrap();
    assert_eq!(trail.items.len(), 3, "decisions that failed left no entry of their own");
}

fn source(id: &str, agency: &str) -> SourceInfo {
    SourceInfo {
        id: id.into(),
        agency: agency.into(),
        transport: "udp".into(),
        peer: Some("10.0.0.1".parse().unwrap()),
        tls_identity: None,
        host: Some("fw-01".into()),
        format: Some("fortigate".into()),
        product: Some("Fortinet FortiGate".into()),
        confidence: PerMille(987),
        pinned: false,
        first_seen: 1,
        last_seen: 2,
        skew: Some(-3),
        counters: SourceCounters { received: 5, refused: [("too_large".to_owned(), 1)].into(), ..SourceCounters::default() },
        packets: None,
    }
}

/// Sources are kept; a pinned format stays whatever the collector guesses.
pub(crate) fn sources(bench: &dyn Bench) {
    let store = bench.open();
    let (a, b) = (source("udp:10.0.0.1", "default"), source("udp:10.0.0.2", "so-y-te"));
    store.put_sources(&[b.clone(), a.clone()]).unwrap();
    assert_eq!(store.sources(&Scope::All).unwrap(), [a.clone(), b]);
    let health = Scope::Agencies(vec![Agency::new("so-y-te")]);
    assert_eq!(store.sources(&health).unwrap().len(), 1);
    assert!(store.pin_source(&health, &a.id, Some("asa"), &record("source.pin")).is_err());
    assert!(store.pin_source(&Scope::All, "udp:nobody", Some("asa"), &record("source.pin")).is_err());
    let pinned = store.pin_source(&Scope::All, &a.id, Some("asa"), &record("source.pin")).unwrap();
    assert_eq!((pinned.format.as_deref(), pinned.pinned), (Some("asa"), true));
    store.put_sources(&[SourceInfo { last_seen: 9, ..a.clone() }]).unwrap();
    let now = &bench.open().sources(&Scope::All).unwrap()[0];
    assert_eq!((now.format.as_deref(), now.pinned, now.last_seen), (Some("asa"), true, 9));
    let free = store.pin_source(&Scope::All, &a.id, None, &record("source.pin")).unwrap();
    assert_eq!((free.format.as_deref(), free.pinned), (Some("fortigate"), false));
}

fn user(name: &str) -> NewUser {
    NewUser {
        name: name.into(),
        display_name: "Nguyễn Thị Lan".into(),
        password_hash: "$argon2id$x".into(),
        roles: vec!["analyst".into()],
        scope: Scope::Agencies(vec![Agency::default()]),
        language: "vi".into(),
        must_change_password: true,
    }
}

/// Users, sessions and tokens.
pub(crate) fn people(bench: &dyn Bench) {
    let store = bench.open();
    let made = store.add_user(&user("Ánh"), 5, &record("user.add")).unwrap();
    assert_eq!((made.version, made.created, made.disabled, made.scope.clone()), (1, 5, false, Scope::Agencies(vec![Agency::default()])));
    assert!(matches!(store.add_user(&user("ÁNH"), 5, &record("user.add")), Err(StoreError::Exists { .. })));
    assert_eq!(store.user("áNH").unwrap(), Some(made));
    assert_eq!(store.user("anh").unwrap(), None);

    let session = |token: u8| NewSession {
        token_hash: [token; 32],
        user: "ánh",
        created: 0,
        expires: 1_000_000_000_000,
        idle: 100_000_000_000,
        peer: Some("10.0.0.9"),
        agent: None,
    };
    assert!(matches!(store.open_session(&NewSession { user: "nobody", ..session(9) }), Err(StoreError::NotFound(_))));
    for token in 1..=3 {
        store.open_session(&session(token)).unwrap();
    }
    let second = 1_000_000_000;
    let (live, who) = store.use_session(&[1; 32], 90 * second).unwrap().unwrap();
    assert_eq!((live.user.as_str(), live.peer.as_deref(), who.name.as_str()), ("Ánh", Some("10.0.0.9"), "Ánh"));
    assert!(store.use_session(&[1; 32], 185 * second).unwrap().is_some(), "its use at 90 s counts");
    assert!(store.use_session(&[2; 32], 101 * second).unwrap().is_none(), "idle too long");
    assert!(store.use_session(&[1; 32], 1000 * second).unwrap().is_none(), "expired");
    assert!(store.use_session(&[7; 32], 1).unwrap().is_none());
    assert_eq!(store.close_sessions("ánh", Some(&[3; 32])).unwrap(), 2);
    assert!(store.use_session(&[1; 32], 1).unwrap().is_none());
    assert!(store.use_session(&[3; 32], 1).unwrap().is_some());
    let changed = store
        .change_user("ÁNH", &UserChange { password: Some(("$new".into(), false)), ..UserChange::default() }, Some(&record("user.password")))
        .unwrap();
    assert_eq!((changed.password_hash.as_str(), changed.must_change_password, changed.version), ("$new", false, 2));
    assert!(store.use_session(&[3; 32], 1).unwrap().is_none(), "a new password ends sessions");
    store.open_session(&session(4)).unwrap();
    store.change_user("ánh", &UserChange { last_login: Some(8), ..UserChange::default() }, None).unwrap();
    assert!(store.use_session(&[4; 32], 1).unwrap().is_some());
    store.tidy(2000 * second).unwrap();
    assert!(store.use_session(&[4; 32], 1).unwrap().is_none(), "removed when expired");
    store.open_session(&session(5)).unwrap();
    store.remove_user("ánh", &record("user.remove")).unwrap();
    assert!(store.use_session(&[5; 32], 1).unwrap().is_none());
    assert!(store.remove_user("ánh", &record("user.remove")).is_err());
    assert!(store.users().unwrap().is_empty());

    let token = NewToken {
        owner: None,
        name: "forwarder",
        token_hash: [8; 32],
        roles: vec!["ingest".into()],
        scope: Scope::All,
        made_by: "lan",
        created: 1,
        expires: Some(50 * second),
    };
    store.add_token(&token, &record("token.add")).unwrap();
    assert!(matches!(store.add_token(&token, &record("token.add")), Err(StoreError::Exists { .. })));
    assert_eq!(store.use_token(&[8; 32], 2).unwrap().unwrap().name, "forwarder");
    assert!(store.use_token(&[8; 32], 50 * second).unwrap().is_none());
    assert!(store.use_token(&[9; 32], 2).unwrap().is_none());
    assert_eq!(store.tokens().unwrap().len(), 1);
    store.remove_token("forwarder", &record("token.remove")).unwrap();
    assert!(store.use_token(&[8; 32], 2).unwrap().is_none());
}

/// The audit trail grows, pages, and shows what was done to it.
pub(crate) fn trail(bench: &dyn Bench) {
    let store = bench.open();
    store.put_setting("language", Some("\"vi\""), Some(&record("setting.put"))).unwrap();
    assert_eq!(store.setting("language").unwrap().as_deref(), Some("\"vi\""));
    store.put_setting("language", None, None).unwrap();
    assert_eq!(store.setting("language").unwrap(), None);
    for n in 0..25 {
        let agency = (n % 2 == 0).then(|| Agency::new("so-y-te"));
        store
            .audit(&AuditRecord {
                at: n,
                object: format!("alert {n}"),
                agency,
                peer: Some("10.0.0.9".into()),
                allowed: n % 3 == 0,
                ..record("alert.status")
            })
            .unwrap();
    }
    assert_eq!(store.verify_audit().unwrap(), 26);
    let (mut numbers, mut before) = (Vec::new(), None);
    loop {
        let page = bench.open().audit_trail(&Scope::All, &AuditFilter::default(), before, 10).unwrap();
        numbers.extend(page.items.iter().map(|e| e.number));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(numbers, (1..=26).rev().collect::<Vec<_>>());
    let count = |scope: &Scope, filter: AuditFilter| store.audit_trail(scope, &filter, None, 1000).unwrap().items.len();
    assert_eq!(count(&Scope::Agencies(vec![Agency::new("so-y-te")]), AuditFilter::default()), 13);
    assert_eq!(
        count(&Scope::All, AuditFilter { verb: Some("alert".into()), since: Some(5), until: Some(10), ..AuditFilter::default() }),
        5
    );
    assert_eq!(count(&Scope::All, AuditFilter { verb: Some("ale".into()), ..AuditFilter::default() }), 0);
    assert_eq!(count(&Scope::All, AuditFilter { object: Some("alert 3".into()), who: Some("lan".into()), ..AuditFilter::default() }), 1);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}
