//! Incidents: alerts that belong together, as one story. What an incident is follows from its alerts; only what people decide
//! about it and which alerts are in it is kept.

use serde::{Deserialize, Serialize};

use crate::{
    Said,
    alert::{Alert, AlertId, AlertStatus, Entity, EntityKind, Level},
    attack::{TACTICS, entries, places, tactics},
    said, time,
};

/// An incident's id: 128 bits, 32 lower-case hexadecimal digits, derived from the alert that opened it.
pub type IncidentId = AlertId;

/// What alerts mean for incidents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentLink {
    /// An alert belongs to an incident, which is made where it does not exist.
    Join {
        /// The alert.
        alert: AlertId,
        /// The incident.
        incident: IncidentId,
    },
    /// Two incidents are one.
    Merge {
        /// The younger.
        from: IncidentId,
        /// The older, which goes on.
        into: IncidentId,
    },
}

/// Groups of Decision 05/2017/QĐ-TTg: id, English, Vietnamese.
const GROUP_NAMES: [(&str, &str, &str); 11] = [
    ("denial-of-service", "Denial of service", "Tấn công từ chối dịch vụ"),
    ("phishing", "Phishing, spoofing", "Tấn công giả mạo"),
    ("malware", "Malware", "Tấn công sử dụng mã độc"),
    ("unauthorized-access", "Unauthorized access or takeover", "Truy cập trái phép, chiếm quyền điều khiển"),
    ("defacement", "Defacement", "Thay đổi giao diện"),
    ("ransomware", "Ransomware", "Mã hóa phần mềm, dữ liệu, thiết bị"),
    ("sabotage", "Sabotage of information, data, software", "Phá hoại thông tin, dữ liệu, phần mềm"),
    ("data-theft", "Eavesdropping, theft of information or data", "Nghe trộm, gián điệp, lấy cắp thông tin, dữ liệu"),
    ("combined", "Combined attack", "Tấn công tổng hợp kết hợp nhiều hình thức"),
    ("system-fault", "Fault of systems, devices, software, lines", "Sự cố do lỗi của hệ thống, thiết bị, phần mềm, hạ tầng kỹ thuật"),
    ("operator-fault", "Fault of operators", "Sự cố do lỗi của người quản trị, vận hành hệ thống"),
];

/// A tactic of ATT&CK, as tags write it, or a group of Decision 05/2017 as people read it; `None`: neither.
pub fn named(id: &str) -> Option<Said> {
    let (_, en, vi) = TACTICS.iter().chain(&GROUP_NAMES).find(|(known, ..)| *known == id)?;
    Some(said!("{en}", "{vi}"))
}

/// The table of incident groups; data, see the file.
const GROUPS: &str = include_str!("../data/incident_groups.txt");

/// What is kept of an incident besides its alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentState {
    /// Its id.
    pub id: IncidentId,
    /// Whose it is.
    pub agency: String,
    /// Where it stands.
    pub status: AlertStatus,
    /// Who holds it.
    pub assignee: Option<String>,
    /// When it was opened, UTC nanoseconds.
    pub opened: i64,
    /// The incident it was merged into.
    pub merged_into: Option<IncidentId>,
    /// Decisions of people so far.
    pub version: u64,
}

/// An incident as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What is kept.
    pub state: IncidentState,
    /// English title: that of its gravest alert.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// Its groups of Decision 05/2017; several: combined.
    pub groups: Vec<String>,
    /// The highest level of its alerts.
    pub level: Level,
    /// `@timestamp` of its earliest event, UTC nanoseconds.
    pub first_seen: i64,
    /// `@timestamp` of its latest event, UTC nanoseconds.
    pub last_seen: i64,
    /// Alerts, exact.
    pub alerts: u64,
    /// Events of all its alerts, exact.
    pub events: u64,
    /// Tactics seen, in the order of an attack.
    pub tactics: Vec<String>,
    /// What it is about, sorted.
    pub entities: Vec<Entity>,
    /// Whether all of it is a drill.
    pub drill: bool,
}

/// One step of the story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its alert.
    pub alert: AlertId,
    /// When it began, UTC nanoseconds.
    pub at: i64,
    /// The tactic, `None` where the rule names none.
    pub tactic: Option<String>,
    /// One sentence in English.
    pub text: String,
    /// The same in Vietnamese.
    pub text_vi: String,
}

/// Entities an incident lists.
const ENTITIES: usize = 64;

impl Incident {
    /// From what is kept and its alerts, in any order. `None` without alerts.
    pub fn new(state: IncidentState, alerts: &[Alert]) -> Option<Incident> {
        let gravest = alerts.iter().max_by_key(|a| (a.rule.level, std::cmp::Reverse((a.first_seen, a.id))))?;
        let mut entities: Vec<Entity> = alerts.iter().flat_map(|a| a.entities.iter().cloned()).collect();
        entities.sort();
        entities.dedup_by(|a, b| (a.kind, &a.value) == (b.kind, &b.value));
        entities.truncate(ENTITIES);
        let tags = || alerts.iter().flat_map(|a| a.rule.tags.iter().map(String::as_str));
        Some(Incident {
            title: gravest.rule.title.clone(),
            title_vi: gravest.rule.title_vi.clone().unwrap_or_else(|| gravest.rule.title.clone()),
            groups: groups(tags()),
            level: gravest.rule.level,
            first_seen: alerts.iter().map(|a| a.first_seen).min().unwrap_or(0),
            last_seen: alerts.iter().map(|a| a.last_seen).max().unwrap_or(0),
            alerts: alerts.len() as u64,
            events: alerts.iter().map(|a| a.count).sum(),
            tactics: tactics(tags()),
            entities,
            drill: alerts.iter().all(|a| a.drill),
            state,
        })
    }
}

/// The groups of Decision 05/2017 that ATT&CK tags stand for, in the order of the table, each once.
pub fn groups<'t>(tags: impl Iterator<Item = &'t str> + Clone) -> Vec<String> {
    let bare = |tag: &str| tag.strip_prefix("attack.").unwrap_or(tag).to_ascii_lowercase();
    let tags: Vec<String> = tags.map(bare).collect();
    let mut out: Vec<String> = Vec::new();
    let rows = entries(GROUPS);
    let (techniques, tactics): (Vec<_>, Vec<_>) =
        rows.partition(|(key, _)| key.starts_with('t') && key.get(1..).is_some_and(|k| k.starts_with(|c: char| c.is_ascii_digit())));
    for list in [techniques, tactics] {
        for (key, group) in list {
            let fits = |tag: &String| tag == key || tag.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
            if tags.iter().any(fits) && !out.iter().any(|g| g == group) {
                out.push(group.to_owned());
            }
        }
        if !out.is_empty() {
            break; // techniques say it more precisely than tactics
        }
    }
    out
}

/// What happened, step by step: in order of time, and of an attack where times are equal.
pub fn story(alerts: &[Alert]) -> Vec<Step> {
    let mut steps: Vec<(usize, Step)> = alerts.iter().map(step).collect();
    steps.sort_by_key(|(place, step)| (step.at, *place, step.alert));
    steps.into_iter().map(|(_, step)| step).collect()
}

fn step(alert: &Alert) -> (usize, Step) {
    let (place, found) = places(alert.rule.tags.iter().map(String::as_str)).next().unzip();
    let about = |kind: EntityKind| alert.entities.iter().find(|e| e.kind == kind).map(|e| e.value.as_str());
    let (user, address, host) = (about(EntityKind::User), about(EntityKind::Address), about(EntityKind::Host));
    let sentence = |tactic: Option<&str>, title: &str, words: [&str; 4]| {
        let mut text = time::to_rfc3339(alert.first_seen);
        text.push_str(" · ");
        tactic.into_iter().for_each(|t| text.extend([t, ": "]));
        text.push_str(title);
        let parts = [(words[0], user), (words[1], address), (words[2], host)];
        parts.into_iter().filter_map(|(w, v)| v.map(|v| (w, v))).for_each(|(w, v)| text.extend([", ", w, " ", v]));
        text.push_str(&format!(" ({} {})", alert.count, words[3]));
        text
    };
    let title_vi = alert.rule.title_vi.as_deref().unwrap_or(&alert.rule.title);
    let step = Step {
        alert: alert.id,
        at: alert.first_seen,
        tactic: found.map(|(tag, ..)| (*tag).to_owned()),
        text: sentence(found.map(|f| f.1), &alert.rule.title, ["account", "address", "host", "events"]),
        text_vi: sentence(found.map(|f| f.2), title_vi, ["tài khoản", "địa chỉ", "máy", "sự kiện"]),
    };
    (place.unwrap_or(TACTICS.len()), step)
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, entries, groups, named};

    #[test]
    fn every_group_that_tags_stand_for_and_every_tactic_has_a_name() {
        let of_tags = entries(GROUPS).map(|(_, group)| group);
        for id in of_tags.chain(["initial-access", "combined", "operator-fault"]) {
            assert!(named(id).is_some_and(|name| name.vi != name.en), "{id}");
        }
        assert_eq!(named("no-such-thing"), None);
    }

    #[test]
    fn tags_name_groups_in_order() {
        let tags = ["attack.t1486", "attack.impact", "attack.credential-access", "attack.t1110.001", "attack.initial_access"];
        assert_eq!(groups(tags.into_iter()), ["ransomware", "unauthorized-access"]);
        assert_eq!(groups(["attack.command-and-control"].into_iter()), ["malware"]);
        assert_eq!(groups(["attack.stealth", "attack.t1685.001"].into_iter()), ["unauthorized-access"]);
        assert_eq!(groups(["attack.defense-impairment"].into_iter()), ["unauthorized-access"]);
        assert!(groups([].into_iter()).is_empty());
    }
}
