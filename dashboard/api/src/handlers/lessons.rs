//! What is learned from an incident: cause, times, and changes of rules and exceptions that it suggests. Suggests only; people decide.

use std::collections::BTreeMap;

use axum::extract::State;
use fansipan_model::{
    Alert, AlertStatus, Entity, EntityKind, FieldId, Incident, Predicate, Scope,
    case::{ItemBody, Stage},
    time,
};
use fansipan_storage::{
    IncidentFilter,
    cases::{CaseStore, ContextRequest, Verdicts, Workspace},
    query,
};
use serde_json::json;

use super::{
    cases::{entered, fields_of, naming},
    incidents::parse,
    timeline::{Whole, gather},
};
use crate::{
    dto::{LessonsDto, MeanTimes, Proposal, StepDto, TimesDto},
    extract::{InPath, Json},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

/// Incidents that means are taken over.
const INCIDENTS: usize = 500;
/// Days looked back for them.
const DAYS: u32 = 90;
const DAY: i64 = 86_400 * time::SECOND;
/// Rules of an incident that are looked at.
const RULES: usize = 20;
/// Verdicts from which on a rule's record says something.
const JUDGED: u64 = 4;
/// Indicators that are proposed for a hunt.
const INDICATORS: usize = 10;
/// Events of an incident, for what was found by hand.
const EVENTS: usize = 500;
/// Slower detection than this is worth a thought, seconds.
const SLOW: i64 = 3600;

/// `GET /incidents/{id}/lessons`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<LessonsDto>, Problem> {
    trail.note(&id, json!({}));
    let whole = gather(&api, &caller.scope, parse(&id)?, EVENTS).await?;
    trail.of(&whole.incident.state.agency);
    Ok(Json(tell(&api, &caller.scope, &whole).await?))
}

/// Looks at an incident and at the record of its rules.
pub(super) async fn tell(api: &Api, scope: &Scope, whole: &Whole) -> Result<LessonsDto, Problem> {
    let (cases, scope) = (api.deps.cases.clone(), scope.clone());
    let mut of_rules: BTreeMap<String, fansipan_model::AlertId> = BTreeMap::new();
    for alert in whole.alerts.iter().take(EVENTS) {
        if of_rules.len() < RULES {
            of_rules.entry(alert.rule.id.clone()).or_insert(alert.id);
        }
    }
    let at = now();
    let read = move || {
        let mut records = BTreeMap::new();
        for (rule, alert) in of_rules {
            let context = cases.alert_context(&scope, ContextRequest { id: alert, now: at, days: 1 })?;
            records.insert(rule, context.map(|c| c.verdicts).unwrap_or_default());
        }
        Ok((records, mean(&*cases, &scope, at)?))
    };
    let (records, mean) = api.searches.store(read).await?;
    let facts = &whole.workspace.facts;
    let fact = |name: &str| facts.get(name).filter(|f| !f.is_empty()).cloned();
    let times = times(&whole.incident, &whole.workspace);
    let verdict = fact("verdict").or_else(|| match whole.incident.state.status {
        AlertStatus::TruePositive => Some("true_positive".into()),
        AlertStatus::FalsePositive => Some("false_positive".into()),
        AlertStatus::Benign => Some("benign".into()),
        _ => None,
    });
    let proposals = proposals(whole, verdict.as_deref(), &records, &times);
    let (category, root_cause, lessons) = (fact("category"), fact("root_cause"), fact("lessons"));
    Ok(LessonsDto { category, verdict, root_cause, lessons, times, mean, proposals })
}

/// How long an incident took.
fn times(incident: &Incident, workspace: &Workspace) -> TimesDto {
    let detected = incident.state.opened;
    let took = |stage: Stage| entered(workspace, stage).map(|at| (at - detected) / time::SECOND);
    TimesDto {
        began: time::to_rfc3339(incident.first_seen),
        detected: time::to_rfc3339(detected),
        detect_s: ((detected - incident.first_seen) / time::SECOND).max(0),
        triage_s: took(Stage::Triaged),
        contain_s: took(Stage::Contained),
        recover_s: took(Stage::Recovered),
        close_s: took(Stage::Closed),
    }
}

/// Means over the attacks of recent days.
fn mean(cases: &dyn CaseStore, scope: &Scope, now: i64) -> Result<MeanTimes, fansipan_storage::StoreError> {
    let filter = IncidentFilter { statuses: vec![AlertStatus::TruePositive], since: Some(now - i64::from(DAYS) * DAY) };
    let (mut incidents, mut left_out) = (Vec::new(), 0);
    cases.each_incident(scope, &filter, &mut |incident| {
        if incident.state.merged_into.is_none() && !incident.drill {
            if incidents.len() < INCIDENTS { incidents.push(incident.clone()) } else { left_out += 1 }
        }
        std::ops::ControlFlow::Continue(())
    })?;
    let mut taken: [Vec<i64>; 3] = Default::default();
    for incident in &incidents {
        let Some(workspace) = cases.workspace(scope, incident.state.id)? else { continue };
        let times = times(incident, &workspace);
        for (all, one) in taken.iter_mut().zip([Some(times.detect_s), times.contain_s, times.recover_s]) {
            all.extend(one);
        }
    }
    let average = |all: &[i64]| (!all.is_empty()).then(|| all.iter().sum::<i64>() / all.len() as i64);
    let [detect, contain, recover] = &taken;
    Ok(MeanTimes {
        days: DAYS,
        incidents: detect.len() as u64,
        left_out,
        detect_s: average(detect),
        contain_s: average(contain),
        recover_s: average(recover),
    })
}

fn proposals(whole: &Whole, verdict: Option<&str>, records: &BTreeMap<String, Verdicts>, times: &TimesDto) -> Vec<Proposal> {
    let mut out = Vec::new();
    let wrong = verdict.is_some_and(|v| v != "true_positive");
    for (rule, record) in records {
        let alerts: Vec<&Alert> = whole.alerts.iter().filter(|a| a.rule.id == *rule).collect();
        let noise = |a: &&&Alert| matches!(a.status, AlertStatus::FalsePositive | AlertStatus::Benign);
        let noisy: Vec<&Alert> = if wrong { alerts.clone() } else { alerts.iter().filter(noise).copied().collect() };
        out.extend(exception(rule, &noisy));
        if verdict == Some("true_positive") {
            out.extend(level(rule, &alerts, whole.workspace.facts.get("severity").map(String::as_str)));
        }
        out.extend(record_of(rule, &alerts, record));
    }
    out.extend(gap(whole));
    if times.detect_s >= SLOW && !wrong {
        let (en, vi) = (lasted(times.detect_s, false), lasted(times.detect_s, true));
        out.push(Proposal {
            kind: "gap".into(),
            text: format!("{en} passed between the first event and the first alert: look for an earlier trace that a rule could tell"),
            text_vi: format!("Từ sự kiện đầu tiên đến cảnh báo đầu tiên mất {vi}: tìm dấu vết sớm hơn mà luật có thể báo"),
            command: format!("fansipan incidents timeline {}", whole.incident.state.id),
        });
    }
    out.extend(hunts(whole));
    out
}

/// What all of these alerts are about, as a filter.
fn shared(alerts: &[&Alert]) -> Option<String> {
    let first = alerts.first()?;
    let everywhere = |e: &&Entity| alerts.iter().all(|a| a.entities.iter().any(|o| o.kind == e.kind && o.value == e.value));
    let test = |e: &Entity| {
        let kind = match e.kind {
            EntityKind::Host => "host",
            EntityKind::User => "user",
            EntityKind::Address => "address",
            _ => return None,
        };
        let filter = named(fields_of(kind)?, &e.value)?;
        Some(if filter.contains(" or ") { format!("({filter})") } else { filter })
    };
    let tests: Vec<String> = first.entities.iter().filter(everywhere).filter_map(test).collect();
    (!tests.is_empty()).then(|| tests.join(" and "))
}

/// A filter for events that name a value in one of the fields.
fn named(of: &[FieldId], value: &str) -> Option<String> {
    match naming(of, value) {
        Predicate::Or(list) if list.len() == 1 => query::print(list.first()?),
        filter => query::print(&filter),
    }
}

fn exception(rule: &str, noisy: &[&Alert]) -> Option<Proposal> {
    let (filter, title) = (shared(noisy)?, title(noisy));
    Some(Proposal {
        kind: "exception".into(),
        text: format!("{} alerts of “{}” were wrong or harmless: an exception for what they share", noisy.len(), title.0),
        text_vi: format!("{} cảnh báo của luật “{}” là nhầm hoặc vô hại: đặt ngoại lệ cho phần chung của chúng", noisy.len(), title.1),
        command: format!("fansipan exceptions preview --rule {} --filter {} --since 30d", shell(rule), shell(&filter)),
    })
}

fn title(alerts: &[&Alert]) -> (String, String) {
    let rule = alerts.first().map(|a| &a.rule);
    let en = rule.map(|r| r.title.clone()).unwrap_or_default();
    (en.clone(), rule.and_then(|r| r.title_vi.clone()).unwrap_or(en))
}

/// A rule that spoke too softly of what became grave.
fn level(rule: &str, alerts: &[&Alert], severity: Option<&str>) -> Option<Proposal> {
    let order = ["informational", "low", "medium", "high", "critical"];
    let place = |word: &str| order.iter().position(|o| *o == word);
    let said = alerts.first()?.rule.level.as_str();
    let (severity, title) = (severity?, title(alerts));
    (place(said)? < place(severity)?).then(|| Proposal {
        kind: "level".into(),
        text: format!("“{}” said {said}, the incident was {severity}: raise the level of the rule, or correlate it", title.0),
        text_vi: format!(
            "Luật “{}” chỉ báo mức {}, sự cố ở mức {}: nâng mức của luật, hoặc thêm tương quan",
            title.1,
            level_vi(said),
            level_vi(severity)
        ),
        command: format!("fansipan rules show {}", shell(rule)),
    })
}

/// A level in Vietnamese.
fn level_vi(word: &str) -> &str {
    match word {
        "informational" => "thông tin",
        "low" => "thấp",
        "medium" => "trung bình",
        "high" => "cao",
        "critical" => "nghiêm trọng",
        other => other,
    }
}

/// A rule that is wrong more often than right.
fn record_of(rule: &str, alerts: &[&Alert], record: &Verdicts) -> Option<Proposal> {
    let (judged, wrong) = (record.judged(), record.false_positive + record.benign);
    let title = title(alerts);
    (judged >= JUDGED && wrong * 2 > judged).then(|| Proposal {
        kind: "rule".into(),
        text: format!("“{}” was wrong or harmless in {wrong} of {judged} verdicts: narrow the rule", title.0),
        text_vi: format!("Luật “{}” nhầm hoặc vô hại {wrong} trong {judged} kết luận: thu hẹp luật", title.1),
        command: format!("fansipan rules show {}", shell(rule)),
    })
}

/// Events that people found and no rule did.
fn gap(whole: &Whole) -> Option<Proposal> {
    let seen = |id: &str| whole.alerts.iter().any(|a| a.events.iter().any(|e| e.to_string() == id));
    let mut found = whole.workspace.items.iter().filter_map(|i| match &i.body {
        ItemBody::Event { event, .. } if !seen(event) => Some(event.as_str()),
        _ => None,
    });
    let first = found.next()?;
    let count = 1 + found.count();
    Some(Proposal {
        kind: "gap".into(),
        text: format!("{count} events of it were found by hand, no rule told of them: write one, and try it over what is stored"),
        text_vi: format!("{count} sự kiện do người tìm ra, không luật nào báo: viết luật và thử trên dữ liệu đã lưu"),
        command: format!("fansipan search {} --since 90d --json", shell(&format!("event.id:\"{first}\""))),
    })
}

/// Traces that may be elsewhere too.
fn hunts(whole: &Whole) -> Vec<Proposal> {
    let hunt = |kind: &str, value: &str| {
        let of = fields_of(match kind {
            "ip" => "address",
            other => other,
        })?;
        let filter = named(of, value)?;
        Some(Proposal {
            kind: "hunt".into(),
            text: format!("{value} is a trace of it: was it elsewhere too?"),
            text_vi: format!("{value} là dấu hiệu của sự cố: có ở nơi khác không?"),
            command: format!("fansipan search {} --since 90d", shell(&filter)),
        })
    };
    let indicators = whole.workspace.items.iter().filter_map(|i| match &i.body {
        ItemBody::Indicator { indicator, value, .. } => hunt(indicator, value),
        _ => None,
    });
    indicators.take(INDICATORS).collect()
}

/// A word for the shell, whatever stands in it.
fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let printable: String = word.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", printable.replace('\'', "'\\''"))
}

/// A span in words.
pub(super) fn lasted(seconds: i64, vi: bool) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let unit = |en: &str, word: &str| if vi { format!(" {word}") } else { format!(" {en}") };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}{}", unit("s", "giây")),
        (0, 0, m) => format!("{m}{}", unit("min", "phút")),
        (0, h, m) => format!("{h}{} {m}{}", unit("h", "giờ"), unit("min", "phút")),
        (d, h, _) => format!("{d}{} {h}{}", unit("d", "ngày"), unit("h", "giờ")),
    }
}

/// The story of an incident as Markdown, Vietnamese first.
pub(super) fn story(incident: &Incident, steps: &[StepDto], lessons: &LessonsDto) -> String {
    let clean = super::notification::markdown;
    let mut out = format!("# {}\n\n{}\n\n", clean(&incident.title_vi), clean(&incident.title));
    let known = |name: &str, value: &Option<String>| format!("- {name}: {}\n", value.as_deref().map_or_else(|| "–".into(), clean));
    out.push_str(&known("Nhóm sự cố / Category", &lessons.category));
    out.push_str(&known("Kết luận / Verdict", &lessons.verdict));
    out.push_str(&known("Nguyên nhân gốc / Root cause", &lessons.root_cause));
    out.push_str(&known("Bài học / Lessons", &lessons.lessons));
    let times = &lessons.times;
    out.push_str(&format!(
        "\n## Thời gian / Times (UTC)\n\n- Bắt đầu / Began: {}\n- Phát hiện / Detected: {}",
        times.began, times.detected
    ));
    out.push_str(&format!(" ({})\n", lasted(times.detect_s, true)));
    for (name, took) in [
        ("Phân loại / Triaged", times.triage_s),
        ("Ngăn chặn / Contained", times.contain_s),
        ("Khôi phục / Recovered", times.recover_s),
        ("Đóng / Closed", times.close_s),
    ] {
        out.push_str(&format!("- {name}: {}\n", took.map_or_else(|| "–".into(), |s| format!("+{}", lasted(s, true)))));
    }
    for (head, vi) in [("## Diễn biến (giờ UTC)", true), ("## Story (times in UTC)", false)] {
        out.push_str(&format!("\n{head}\n\n"));
        for step in steps {
            out.push_str(&format!("1. {}\n", clean(if vi { &step.text_vi } else { &step.text })));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_is_one_word_whatever_a_stranger_wrote() {
        assert_eq!(shell("t1110"), "t1110");
        assert_eq!(shell("a'; rm -rf / #\n"), "'a'\\''; rm -rf / #'");
        assert_eq!(shell(""), "''");
    }

    #[test]
    fn spans_are_read_at_a_glance() {
        assert_eq!([lasted(59, false), lasted(3_900, true), lasted(90_000, false)], ["59 s", "1 giờ 5 phút", "1 d 1 h"]);
    }
}
