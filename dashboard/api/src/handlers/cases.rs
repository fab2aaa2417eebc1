//! The workspace of an incident: stages, facts, notes, tasks, indicators, people, graph, who is there.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::extract::State;
use fansipan_model::{
    Alert, AlertId, EntityKind, FieldId, FieldType, Incident, Op, Pattern, Predicate, Scope, Word,
    case::{ItemBody, Stage, clocks},
    fields, said, time,
};
use fansipan_storage::{
    TimeRange,
    cases::{Advance, Item, Workspace},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    incidents::{WHAT, parse},
    session::hide,
};
use crate::{
    dto::{
        ClockDto, DemandDto, EntityKindDto, GraphDto, GraphEdge, GraphNode, GraphParams, ItemChange, ItemCreation, ItemDto, ItemInput,
        Present, StageChange, WorkspaceDto,
    },
    extract::{InPath, Json, Params},
    guard::Trail,
    identity::Caller,
    ports::Notice,
    problem::Problem,
    state::{Api, now},
};

/// Whoever has not said so for this long has left.
const PRESENT: Duration = Duration::from_secs(45);
/// Incidents whose presence is kept at once.
const PLACES: usize = 1000;
/// Around an incident, its events are looked for this long before and after.
const MARGIN: i64 = 3600 * time::SECOND;

/// Who has which incident open.
#[derive(Default)]
pub(crate) struct Presence(Mutex<HashMap<AlertId, BTreeMap<String, Instant>>>);

impl Presence {
    /// Notes that somebody is there; who is, and whether that is news.
    fn enter(&self, id: AlertId, who: &str, at: Instant) -> (Vec<String>, bool) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = |seen: &Instant| at.saturating_duration_since(*seen) < PRESENT;
        if places.len() >= PLACES {
            places.retain(|_, people| people.values().any(alive));
        }
        if places.len() >= PLACES && !places.contains_key(&id) {
            return (vec![who.to_owned()], false);
        }
        let people = places.entry(id).or_default();
        let before = people.len();
        people.retain(|_, seen| alive(seen));
        let left = people.len() < before;
        let entered = people.insert(who.to_owned(), at).is_none();
        (people.keys().cloned().collect(), left || entered)
    }

    fn there(&self, id: AlertId, at: Instant) -> Vec<String> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let people = places.get(&id).into_iter().flatten();
        people.filter(|(_, seen)| at.saturating_duration_since(**seen) < PRESENT).map(|(who, _)| who.clone()).collect()
    }
}

/// An incident the caller may see, with its first alerts.
pub(super) async fn find(api: &Api, scope: &Scope, id: AlertId) -> Result<(Incident, Vec<Alert>), Problem> {
    let (state, scope) = (api.deps.state.clone(), scope.clone());
    api.small.store(move || state.incident(&scope, id)).await?.ok_or_else(|| Problem::not_found(WHAT))
}

/// Tells open consoles what changed in an incident.
pub(super) fn announce(api: &Api, incident: &Incident, what: &str, who: &str) {
    let data = json!({ "id": incident.state.id, "what": what, "who": who });
    api.deps.feed.notice(Notice::new("incident", Some(incident.state.agency.clone()), data));
}

/// `GET /incidents/{id}/workspace`
pub(crate) async fn workspace(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
) -> Result<Json<WorkspaceDto>, Problem> {
    trail.note(&id, json!({}));
    let id = parse(&id)?;
    let (incident, _) = find(&api, &caller.scope, id).await?;
    trail.of(&incident.state.agency);
    let (cases, scope) = (api.deps.cases.clone(), caller.scope.clone());
    let found = api.small.store(move || cases.workspace(&scope, id)).await?.ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(Json(shown(&api, &incident, &found, incident.state.version)))
}

fn shown(api: &Api, incident: &Incident, found: &Workspace, version: u64) -> WorkspaceDto {
    WorkspaceDto {
        stage: found.stage.into(),
        facts: found.facts.clone(),
        demands: DemandDto::all(),
        clocks: running(incident, found, now()),
        items: found.items.iter().map(ItemDto::from).collect(),
        present: api.presence.there(incident.state.id, Instant::now()),
        version,
    }
}

/// When an incident reached a stage that it is beyond.
pub(super) fn entered(found: &Workspace, stage: Stage) -> Option<i64> {
    if found.stage < stage {
        return None;
    }
    // the last time it got so far: going back and forth again starts no new clock and stops none
    found.items.iter().rev().find_map(|item| match item.body {
        ItemBody::Stage { from, to, .. } if from < stage && to >= stage => Some(item.at),
        _ => None,
    })
}

/// The clocks as of now.
pub(super) fn running(incident: &Incident, found: &Workspace, now: i64) -> Vec<ClockDto> {
    let severity = found.facts.get("severity").map_or(incident.level.as_str(), String::as_str);
    let level = found.facts.get("system_level").and_then(|l| l.parse().ok());
    let dto = |clock: fansipan_model::case::Clock| {
        let reached = entered(found, clock.stage);
        let left = (clock.due - reached.unwrap_or(now)) / time::SECOND;
        let state = match (reached.is_some(), left >= 0) {
            (true, true) => "met",
            (true, false) => "missed",
            (false, true) => "running",
            (false, false) => "late",
        };
        ClockDto {
            stage: clock.stage.into(),
            due: time::to_rfc3339(clock.due),
            reached: reached.map(time::to_rfc3339),
            state: state.to_owned(),
            seconds_left: left,
        }
    };
    clocks(severity, level, incident.state.opened).into_iter().map(dto).collect()
}

/// `POST /incidents/{id}/stage`
pub(crate) async fn advance(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(change): Json<StageChange>,
) -> Result<Json<WorkspaceDto>, Problem> {
    trail.note(&id, json!({ "stage": change.stage, "facts": change.facts, "reason": change.reason, "version": change.version }));
    let id = parse(&id)?;
    let (incident, _) = find(&api, &caller.scope, id).await?;
    trail.of(&incident.state.agency);
    if change.facts.len() > 64 || change.facts.iter().any(|(k, v)| k.len() > 64 || v.len() > 20_000) {
        return Err(Problem::bad_request(said!(
            "at most 64 facts, with names up to 64 bytes and texts up to 20000",
            "tối đa 64 thông tin, tên dài tối đa 64 byte, nội dung tối đa 20000 byte"
        )));
    }
    let step = Advance {
        version: change.version,
        to: change.stage.into(),
        facts: change.facts,
        reason: change.reason,
        who: caller.name.clone(),
        at: now(),
        id: Uuid::new_v4().to_string(),
    };
    let (cases, record, scope) = (api.deps.cases.clone(), trail.record(), caller.scope.clone());
    let done = api.small.run(move || cases.advance(&scope, id, &step, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    announce(&api, &incident, "stage", &caller.name);
    Ok(Json(shown(&api, &incident, &done, change.version + 1)))
}

/// `POST /incidents/{id}/items`
pub(crate) async fn add(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(wanted): Json<ItemCreation>,
) -> Result<Json<ItemDto>, Problem> {
    let id = parse(&id)?;
    let (incident, _) = find(&api, &caller.scope, id).await?;
    trail.of(&incident.state.agency);
    let body = match wanted.item {
        ItemInput::Event { event } => seen(&api, &incident.state.agency, &caller.scope, &event).await?,
        item => item.body().map_err(Problem::bad_request)?,
    };
    let kind = body.kind();
    trail.note(&id.to_string(), json!({ "kind": kind }));
    if let ItemBody::Event { event, .. } = &body
        && let Some(there) = pinned(&api, &caller.scope, id, event).await?
    {
        return Ok(Json(ItemDto::from(&there))); // once is enough
    }
    let item = Item { id: Uuid::new_v4().to_string(), at: now(), who: caller.name.clone(), body, version: 1 };
    let (cases, record, scope) = (api.deps.cases.clone(), trail.record(), caller.scope.clone());
    let made = api.small.run(move || cases.add_item(&scope, id, &item, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    announce(&api, &incident, kind, &caller.name);
    Ok(Json(ItemDto::from(&made)))
}

/// An event as it is put into an incident of its agency: whoever sees the incident may see the event.
async fn seen(api: &Api, agency: &str, scope: &Scope, id: &str) -> Result<ItemBody, Problem> {
    let missing = || Problem::not_found(Word::new("this event", "sự kiện này"));
    let id = Uuid::try_parse(id).map_err(|_| missing())?;
    let (events, scope) = (api.deps.events.clone(), scope.clone());
    let event = api.searches.store(move || events.get(&scope, id)).await?;
    let event = event.filter(|e| e.agency() == agency).ok_or_else(missing)?;
    let text = event.message().unwrap_or_default().chars().take(500).collect();
    let host = event.str(fields::HOST_NAME).unwrap_or_default().to_owned();
    Ok(ItemBody::Event { event: event.id().to_string(), seen: event.timestamp(), host, text })
}

/// The item that holds an event in an incident already.
async fn pinned(api: &Api, scope: &Scope, id: AlertId, wanted: &str) -> Result<Option<Item>, Problem> {
    let (cases, scope) = (api.deps.cases.clone(), scope.clone());
    let workspace = api.small.store(move || cases.workspace(&scope, id)).await?.unwrap_or_default();
    Ok(workspace.items.into_iter().find(|item| matches!(&item.body, ItemBody::Event { event, .. } if event == wanted)))
}

/// `POST /incidents/{id}/items/{item}`
pub(crate) async fn change(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath((id, item)): InPath<(String, String)>,
    Json(wanted): Json<ItemChange>,
) -> Result<Json<Option<ItemDto>>, Problem> {
    let id = parse(&id)?;
    trail.note(&id.to_string(), json!({ "item": item, "removed": wanted.item.is_none(), "version": wanted.version }));
    let (incident, _) = find(&api, &caller.scope, id).await?;
    trail.of(&incident.state.agency);
    let body = wanted.item.map(|i| i.body().map_err(Problem::bad_request)).transpose()?;
    let (cases, record, scope, version) = (api.deps.cases.clone(), trail.record(), caller.scope.clone(), wanted.version);
    let work = move || match body {
        Some(body) => cases.change_item(&scope, id, &item, version, &body, &record).map(Some),
        None => cases.remove_item(&scope, id, &item, version, &record).map(|()| None),
    };
    let changed = api.small.run(work).await?.map_err(|e| hide(e, Word::new("this item", "mục này")))?;
    trail.written();
    announce(&api, &incident, "item", &caller.name);
    Ok(Json(changed.as_ref().map(ItemDto::from)))
}

/// `GET /incidents/{id}/presence`: asking says that one is there.
pub(crate) async fn presence(State(api): State<Api>, caller: Caller, InPath(id): InPath<String>) -> Result<Json<Present>, Problem> {
    let id = parse(&id)?;
    let (incident, _) = find(&api, &caller.scope, id).await?;
    let (present, news) = api.presence.enter(id, &caller.name, Instant::now());
    if news {
        let data = json!({ "id": id, "what": "presence", "present": present });
        api.deps.feed.notice(Notice::new("incident", Some(incident.state.agency), data));
    }
    Ok(Json(Present { present }))
}

fn node_id(kind: EntityKind, value: &str) -> String {
    let kind = serde_json::to_value(kind).ok().and_then(|k| k.as_str().map(str::to_owned)).unwrap_or_default();
    format!("{kind}:{value}")
}

/// What the alerts of an incident are about, joined where they share alerts.
fn graph_of(alerts: &[Alert]) -> GraphDto {
    let mut nodes: BTreeMap<String, (GraphNode, fansipan_model::Level)> = BTreeMap::new();
    let mut edges: BTreeMap<(String, String), u64> = BTreeMap::new();
    for alert in alerts {
        let mut ids: Vec<String> = Vec::new();
        for entity in &alert.entities {
            let id = node_id(entity.kind, &entity.value);
            if ids.contains(&id) {
                continue;
            }
            let blank = GraphNode { id: id.clone(), kind: entity.kind.into(), value: entity.value.clone(), alerts: 0, level: None };
            let (node, level) = nodes.entry(id.clone()).or_insert((blank, alert.rule.level));
            node.alerts += 1;
            *level = (*level).max(alert.rule.level);
            ids.push(id);
        }
        ids.sort();
        for (n, from) in ids.iter().enumerate() {
            for to in ids.iter().skip(n + 1) {
                *edges.entry((from.clone(), to.clone())).or_default() += 1;
            }
        }
    }
    GraphDto {
        nodes: nodes.into_values().map(|(node, level)| GraphNode { level: Some(level.into()), ..node }).collect(),
        edges: edges.into_iter().map(|((from, to), count)| GraphEdge { from, to, kind: "alert".into(), count }).collect(),
    }
}

/// The fields that name things of a kind.
pub(super) fn fields_of(kind: &str) -> Option<&'static [FieldId]> {
    Some(match kind {
        "address" => &[fields::SOURCE_IP, fields::DESTINATION_IP],
        "user" => &[fields::USER_NAME],
        "host" => &[fields::HOST_NAME],
        "domain" => &[fields::DNS_QUESTION_NAME],
        "hash" => &[fields::FILE_HASH_SHA256, fields::PROCESS_HASH_SHA256],
        "process" => &[fields::PROCESS_NAME],
        "file" => &[fields::FILE_PATH],
        _ => return None,
    })
}

/// Events that name a value in one of the fields.
pub(super) fn naming(of: &[FieldId], value: &str) -> Predicate {
    let test = |field: &FieldId| match value.parse::<std::net::IpAddr>() {
        Ok(ip) if field.kind() == FieldType::Ip => Predicate::test(*field, Op::Cidr(ip.into())),
        _ => Predicate::test(*field, Op::Like(Pattern::exact(value))),
    };
    Predicate::Or(of.iter().map(test).collect())
}

/// `GET /incidents/{id}/graph`
pub(crate) async fn graph(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Params(params): Params<GraphParams>,
) -> Result<Json<GraphDto>, Problem> {
    trail.note(&id, json!({ "expand": params.expand }));
    let (found, alerts) = find(&api, &caller.scope, parse(&id)?).await?;
    trail.of(&found.state.agency);
    let Some(expand) = params.expand.filter(|e| !e.is_empty()) else { return Ok(Json(graph_of(&alerts))) };
    let (kind, value) = expand.split_once(':').ok_or_else(|| {
        Problem::bad_request(said!("expand is kind:value, as a node's id", "expand viết dạng loại:giá_trị, như mã của nút"))
    })?;
    let of = fields_of(kind)
        .ok_or_else(|| Problem::bad_request(said!("this kind of node cannot be expanded", "không mở rộng được loại nút này")))?;
    let filter = naming(of, value);
    let range = TimeRange { from: found.first_seen.saturating_sub(MARGIN), to: found.last_seen.saturating_add(MARGIN) };
    let (events, scope) = (api.deps.events.clone(), caller.scope.clone());
    let others = [fields::SOURCE_IP, fields::DESTINATION_IP, fields::USER_NAME, fields::HOST_NAME, fields::DNS_QUESTION_NAME];
    let facets = api.searches.store(move || events.facets(&scope, &filter, range, &others, 10)).await?;
    let mut graph = GraphDto::default();
    let kinds = [EntityKind::Address, EntityKind::Address, EntityKind::User, EntityKind::Host, EntityKind::Domain];
    for (facet, kind) in facets.iter().zip(kinds) {
        for seen in &facet.values {
            let text = seen.value.text();
            let id = node_id(kind, &text);
            if text == value || text.is_empty() {
                continue;
            }
            if !graph.nodes.iter().any(|n| n.id == id) {
                graph.nodes.push(GraphNode { id: id.clone(), kind: EntityKindDto::from(kind), value: text, alerts: 0, level: None });
            }
            graph.edges.push(GraphEdge { from: expand.clone(), to: id, kind: "event".into(), count: seen.count });
        }
    }
    Ok(Json(graph))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_come_and_leave() {
        let presence = Presence::default();
        let (id, start) = (AlertId([1; 16]), Instant::now());
        assert_eq!(presence.enter(id, "lan", start), (vec!["lan".to_owned()], true));
        assert!(!presence.enter(id, "lan", start + Duration::from_secs(10)).1, "no news");
        assert_eq!(presence.enter(id, "tam", start + Duration::from_secs(20)), (vec!["lan".to_owned(), "tam".to_owned()], true));
        assert_eq!(presence.enter(id, "tam", start + Duration::from_secs(60)), (vec!["tam".to_owned()], true), "lan has left");
        assert!(presence.there(id, start + Duration::from_secs(300)).is_empty());
    }
}
