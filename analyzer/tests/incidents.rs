//! Alerts become incidents: what belongs together is one, what does not stays apart.

use fansipan_analyzer::{Incidents, LinkSettings};
use fansipan_model::{Alert, AlertId, AlertStatus, Entity, EntityKind, IncidentId, IncidentLink, Level, RuleRef};

const MINUTE: i64 = 60_000_000_000;

fn alert(n: u8, minute: i64, level: Level, about: &[(EntityKind, &str, &str)]) -> Alert {
    let mut entities: Vec<Entity> =
        about.iter().map(|(kind, field, value)| Entity { kind: *kind, field: (*field).into(), value: (*value).into() }).collect();
    entities.sort();
    Alert {
        id: AlertId([n; 16]),
        agency: "default".into(),
        rule: RuleRef {
            id: format!("rule {n}"),
            title: format!("Rule {n}"),
            title_vi: None,
            level,
            hash: String::new(),
            tags: vec![],
            advice: None,
            advice_vi: None,
        },
        first_seen: minute * MINUTE,
        last_seen: minute * MINUTE,
        raised: minute * MINUTE,
        count: 1,
        entities,
        group: vec![],
        matched: vec![],
        events: vec![],
        summary: String::new(),
        status: AlertStatus::New,
        assignee: None,
        drill: false,
        suppressed: None,
        version: 1,
    }
}

const FROM: EntityKind = EntityKind::Address;
fn attacker(value: &str) -> (EntityKind, &'static str, &str) {
    (FROM, "source.ip", value)
}
fn host(value: &str) -> (EntityKind, &'static str, &str) {
    (EntityKind::Host, "host.name", value)
}
fn user(value: &str) -> (EntityKind, &'static str, &str) {
    (EntityKind::User, "user.name", value)
}

/// For each alert the incident it is in at the end.
fn run(alerts: &[Alert]) -> Vec<Option<IncidentId>> {
    let mut links = Incidents::new(LinkSettings::default());
    let mut out = Vec::new();
    alerts.iter().for_each(|a| links.take(a, &mut out));
    let mut found = vec![None; alerts.len()];
    for link in out {
        match link {
            IncidentLink::Join { alert, incident } => {
                let place = alerts.iter().position(|a| a.id == alert).expect("an alert that was given");
                found[place] = Some(incident);
            }
            IncidentLink::Merge { from, into } => found.iter_mut().filter(|f| **f == Some(from)).for_each(|f| *f = Some(into)),
        }
    }
    found
}

fn count(found: &[Option<IncidentId>]) -> usize {
    let mut all: Vec<_> = found.iter().flatten().collect();
    all.sort();
    all.dedup();
    all.len()
}

#[test]
fn the_stages_of_one_attack_are_one_incident_with_what_came_before() {
    let found = run(&[
        alert(1, 0, Level::Medium, &[attacker("203.0.113.9"), host("web-01")]),
        alert(2, 10, Level::High, &[attacker("203.0.113.9"), host("web-01")]),
        alert(3, 30, Level::High, &[user("tuan.pm"), host("web-01")]),
        alert(4, 50, Level::Critical, &[user("tuan.pm"), host("db-02")]),
    ]);
    assert!(found.iter().all(Option::is_some), "{found:?}");
    assert_eq!(count(&found), 1);
}

#[test]
fn strangers_stay_apart_and_a_lesser_alert_opens_nothing() {
    let found = run(&[
        alert(1, 0, Level::High, &[attacker("203.0.113.9"), host("a")]),
        alert(2, 1, Level::High, &[attacker("198.51.100.7"), host("b")]),
        alert(3, 2, Level::Medium, &[attacker("192.0.2.1"), host("c")]),
        alert(4, 60 * 24, Level::High, &[attacker("203.0.113.9"), host("d")]),
        alert(5, 60 * 24, Level::High, &[user("SYSTEM"), host("e")]),
        alert(6, 60 * 24, Level::High, &[user("SYSTEM"), host("f")]),
    ]);
    assert_eq!(found[2], None);
    assert_eq!(count(&found), 5, "{found:?}");
}

#[test]
fn an_alert_that_links_two_incidents_makes_them_one() {
    let found = run(&[
        alert(1, 0, Level::High, &[attacker("203.0.113.9"), host("a")]),
        alert(2, 5, Level::High, &[user("tuan.pm"), host("b")]),
        alert(3, 9, Level::High, &[attacker("203.0.113.9"), user("tuan.pm")]),
    ]);
    assert_eq!(count(&found), 1);
}

#[test]
fn a_host_that_everybody_touches_links_nobody_in_the_end() {
    let many: Vec<(String, i64)> = (0..60).map(|i| (format!("203.0.113.{i}"), i)).collect();
    let alerts: Vec<Alert> = many.iter().map(|(ip, i)| alert(*i as u8 + 1, *i, Level::High, &[attacker(ip), host("firewall")])).collect();
    let found = run(&alerts);
    let last = found.last().expect("some");
    assert_eq!(found.iter().filter(|f| *f == last).count(), 1, "a new attacker at the firewall is a new incident");
}

#[test]
fn a_restart_goes_on_with_the_same_incident() {
    let first = alert(1, 0, Level::High, &[attacker("203.0.113.9")]);
    let second = alert(2, 5, Level::Medium, &[attacker("203.0.113.9")]);
    let mut whole = Vec::new();
    let mut one = Incidents::new(LinkSettings::default());
    one.take(&first, &mut whole);
    let Some(IncidentLink::Join { incident, .. }) = whole.first().cloned() else { panic!("{whole:?}") };
    let mut again = Incidents::new(LinkSettings::default());
    again.restore(&first, Some(incident));
    let mut out = Vec::new();
    again.take(&second, &mut out);
    assert_eq!(out, [IncidentLink::Join { alert: second.id, incident }]);
}
