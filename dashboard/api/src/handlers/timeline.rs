//! Everything that happened in an incident, in order: events, alerts, what people put there and decided.
//!
//! Every time is UTC. Beside an event stands when it was received and how its sender's clock was off, so that a reader can tell
//! order from appearance.

use std::collections::BTreeMap;

use axum::extract::State;
use fansipan_model::{Agency, Alert, AlertId, Event, Incident, Scope, case::ItemBody, incident, time};
use fansipan_storage::{AuditEntry, AuditFilter, StoreError, cases::Workspace};
use serde_json::json;
use uuid::Uuid;

use super::{
    cases::find,
    incidents::{WHAT, parse},
};
use crate::{
    dto::{LevelDto, TimelineDto, TimelineEntry},
    extract::{InPath, Json},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::Api,
};

/// Events told in a timeline.
const EVENTS: usize = 200;
/// Entries of the trail looked through.
const TRAIL: usize = 500;

/// An incident with all that is known of it.
pub(super) struct Whole {
    pub(super) incident: Incident,
    pub(super) alerts: Vec<Alert>,
    /// Those of its alerts, and those that people put into it.
    pub(super) events: Vec<Event>,
    pub(super) workspace: Workspace,
    /// Decisions about it.
    pub(super) decisions: Vec<AuditEntry>,
    /// Clock skew of sources, nanoseconds.
    skews: BTreeMap<String, i64>,
    /// Whether a limit left events, alerts or decisions out.
    pub(super) complete: bool,
}

/// Reads an incident with at most so many events.
pub(super) async fn gather(api: &Api, scope: &Scope, id: AlertId, most: usize) -> Result<Whole, Problem> {
    let (incident, alerts) = find(api, scope, id).await?;
    let (cases, scope2) = (api.deps.cases.clone(), scope.clone());
    let workspace = api.small.store(move || cases.workspace(&scope2, id)).await?.ok_or_else(|| Problem::not_found(WHAT))?;
    let mut ids: Vec<Uuid> = alerts.iter().flat_map(|a| a.events.iter().copied()).collect();
    ids.extend(workspace.items.iter().filter_map(|i| match &i.body {
        ItemBody::Event { event, .. } => Uuid::parse_str(event).ok(),
        _ => None,
    }));
    ids.sort();
    ids.dedup();
    let mut complete = incident.alerts as usize == alerts.len() && ids.len() <= most;
    ids.truncate(most);
    let (events, state, scope) = (api.deps.events.clone(), api.deps.state.clone(), scope.clone());
    let agency = Scope::Agencies(vec![Agency::new(&incident.state.agency)]);
    let read = move || {
        let events: Vec<_> = ids.into_iter().filter_map(|id| events.get(&scope, id).transpose()).collect::<Result<_, StoreError>>()?;
        let filter = AuditFilter { verb: Some("incidents.decide".into()), object: Some(id.to_string()), ..AuditFilter::default() };
        Ok((events, state.audit_trail(&agency, &filter, None, TRAIL)?, state.sources(&scope)?))
    };
    let (events, trail, sources) = api.searches.store(read).await?;
    complete &= trail.next.is_none();
    let skews = sources.into_iter().filter_map(|s| Some((s.id, s.skew?))).collect();
    let decisions = trail.items.into_iter().filter(|e| e.allowed).collect();
    Ok(Whole { incident, alerts, events, workspace, decisions, skews, complete })
}

impl Whole {
    /// All of it, in order of time.
    pub(super) fn timeline(&self) -> TimelineDto {
        let mut entries: Vec<(i64, TimelineEntry)> = Vec::new();
        for step in incident::story(&self.alerts) {
            let level = self.alerts.iter().find(|a| a.id == step.alert).map(|a| LevelDto::from(a.rule.level));
            let entry = TimelineEntry { level, ..entry(step.at, "alert", &step.alert.to_string(), None, step.text, step.text_vi) };
            entries.push((step.at, entry));
        }
        let mut pinned: BTreeMap<&str, &str> = BTreeMap::new();
        for item in &self.workspace.items {
            if let ItemBody::Event { event, .. } = &item.body {
                pinned.insert(event, &item.who);
            }
        }
        for event in &self.events {
            let id = event.id().to_string();
            entries.push((event.timestamp(), self.event(event, pinned.remove(id.as_str()))));
        }
        for item in &self.workspace.items {
            if let ItemBody::Event { event, seen, host, text } = &item.body {
                // those that are stored stand there already, in their own place in time
                if pinned.contains_key(event.as_str()) {
                    let text = if host.is_empty() { text.clone() } else { format!("{host} {text}") };
                    entries.push((*seen, entry(*seen, "event", event, Some(item.who.clone()), text.clone(), text)));
                }
                continue;
            }
            let (text, text_vi) = told(&item.body);
            entries.push((item.at, entry(item.at, item.body.kind(), &item.id, Some(item.who.clone()), text, text_vi)));
        }
        for done in &self.decisions {
            let text = done.details.chars().take(500).collect::<String>();
            entries.push((done.at, entry(done.at, "decision", &done.number.to_string(), Some(done.who.clone()), text.clone(), text)));
        }
        entries.sort_by_key(|(at, _)| *at);
        TimelineDto { zone: "UTC".into(), entries: entries.into_iter().map(|(_, e)| e).collect(), complete: self.complete }
    }

    fn event(&self, event: &Event, who: Option<&str>) -> TimelineEntry {
        let text = event.message().unwrap_or_default().chars().take(500).collect::<String>();
        let text = match event.str(fansipan_model::fields::HOST_NAME).filter(|_| who.is_some()) {
            Some(host) => format!("{host} {text}"),
            None => text,
        };
        let source = event.str(fansipan_model::fields::FANSIPAN_SOURCE).map(str::to_owned);
        TimelineEntry {
            skew: source.as_ref().and_then(|s| self.skews.get(s)).copied(),
            source,
            received: Some(time::to_rfc3339(event.ingested())),
            ..entry(event.timestamp(), "event", &event.id().to_string(), who.map(str::to_owned), text.clone(), text)
        }
    }
}

/// `GET /incidents/{id}/timeline`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<TimelineDto>, Problem> {
    trail.note(&id, json!({}));
    let whole = gather(&api, &caller.scope, parse(&id)?, EVENTS).await?;
    trail.of(&whole.incident.state.agency);
    Ok(Json(whole.timeline()))
}

fn entry(at: i64, kind: &str, id: &str, who: Option<String>, text: String, text_vi: String) -> TimelineEntry {
    let (at, kind, id) = (time::to_rfc3339(at), kind.to_owned(), id.to_owned());
    TimelineEntry { at, kind, id, who, text, text_vi, level: None, source: None, received: None, skew: None }
}

/// An item in a sentence of each language.
fn told(body: &ItemBody) -> (String, String) {
    let both = |en: &str, vi: &str, text: &str| (format!("{en}: {text}"), format!("{vi}: {text}"));
    match body {
        ItemBody::Note { text } => (text.clone(), text.clone()),
        ItemBody::Task { title, done: false, .. } => both("Task", "Việc cần làm", title),
        ItemBody::Task { title, .. } => both("Task, done", "Việc đã xong", title),
        ItemBody::Indicator { indicator, value, .. } => both("Indicator", "Dấu hiệu", &format!("{indicator} {value}")),
        ItemBody::Person { name, role, .. } => both("Person", "Người liên quan", &format!("{name} ({role})")),
        ItemBody::Evidence { name, sha256, .. } => both("Evidence", "Chứng cứ", &format!("{name}, SHA-256 {sha256}")),
        ItemBody::Event { text, .. } => both("Event", "Sự kiện", text),
        ItemBody::Stage { to, reason, .. } => {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            both("Stage", "Giai đoạn", &format!("{}{reason}", to.as_str()))
        }
    }
}
