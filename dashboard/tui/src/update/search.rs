//! Search over stored events, and the page of one entity.

use serde_json::{Value, json};

use super::answers::read;
use crate::{
    data::{Bucket, EntityPage, Found, Page},
    message::{Ask, At, Command, Failure, Purpose},
    state::{Focus, Place, RANGES, State},
    text,
};

/// Events asked for at once.
const PAGE: usize = 100;
/// Queries remembered.
const REMEMBERED: usize = 50;

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Histogram {
    buckets: Vec<Bucket>,
}

/// Asks a query.
pub(super) fn submit(state: &mut State, out: &mut Vec<Command>, q: &str) {
    let search = &mut state.search;
    q.trim().clone_into(&mut search.q);
    search.asked.retain(|asked| *asked != search.q);
    search.asked.push(search.q.clone());
    if search.asked.len() > REMEMBERED {
        search.asked.remove(0);
    }
    search.recalled = search.asked.len();
    search.list.clear();
    (search.table, search.fault, search.row) = (None, None, 0);
    search.histogram.clear();
    state.focus = Focus::List;
    state.line = 0;
    let serial = state.search.list.fresh();
    ask_page(state, out, serial, At::Top, None);
    let query = vec![("q", state.search.q.clone()), ("since", since(state)), ("buckets", "120".into())];
    out.push(Ask::get(Purpose::Histogram(serial), "/events/histogram", query));
}

fn since(state: &State) -> String {
    RANGES[state.search.range.min(RANGES.len() - 1)].to_owned()
}

fn ask_page(state: &State, out: &mut Vec<Command>, serial: u64, at: At, cursor: Option<String>) {
    let mut query = vec![("q", state.search.q.clone()), ("since", since(state)), ("limit", PAGE.to_string())];
    query.extend(cursor.map(|c| ("after", c)));
    out.push(Ask::get(Purpose::Search(serial, at), "/events", query));
}

/// Asks for the page that the hand comes near to.
pub(super) fn page(state: &mut State, out: &mut Vec<Command>) {
    if state.place == Place::Search
        && let Some((at, cursor)) = state.search.list.wanted()
    {
        let serial = state.search.list.serial;
        ask_page(state, out, serial, at, cursor);
    }
}

pub(super) fn answer(state: &mut State, purpose: Purpose, result: Result<Value, Failure>) {
    match purpose {
        Purpose::Search(serial, at) if serial == state.search.list.serial => match result {
            Err(failure) if failure.code == "FSP-API-013" => {
                state.search.list.asking = None;
                state.search.list.known = true;
                state.search.fault = Some(failure);
            }
            result => {
                state.search.list.asking = None;
                if let Some(found) = read::<Found>(state, result) {
                    found_some(state, at, found);
                }
            }
        },
        Purpose::Histogram(serial) if serial == state.search.list.serial => {
            let histogram: Histogram = result.ok().and_then(|v| serde_json::from_value(v).ok()).unwrap_or_default();
            state.search.histogram = histogram.buckets;
        }
        Purpose::Entity(serial) if serial == state.entity.serial => {
            if let Some(page) = read::<EntityPage>(state, result) {
                state.entity.page = Some(page);
            }
        }
        _ => {}
    }
}

fn found_some(state: &mut State, at: At, found: Found) {
    let search = &mut state.search;
    search.took_ms = found.took_ms;
    if let Some(columns) = found.columns {
        let rows = found.rows.iter().map(|row| row.iter().map(text::value).collect()).collect();
        search.table = Some((columns, rows, found.complete));
        search.list.known = true;
        return;
    }
    let page = Page { items: found.items, next: found.next, total: found.total, total_exact: found.total_exact, took_ms: found.took_ms };
    search.list.take(at, page, |a, b| a.get("event.id").is_some() && a.get("event.id") == b.get("event.id"));
}

/// Another range: the same question again.
pub(super) fn widen(state: &mut State, out: &mut Vec<Command>) {
    state.search.range = (state.search.range + 1) % RANGES.len();
    if state.search.list.known {
        let q = state.search.q.clone();
        submit(state, out, &q);
    }
}

/// Puts the event in hand into the timeline of the incident that was open last.
pub(super) fn add_to_incident(state: &mut State, out: &mut Vec<Command>) {
    let event = state.search.list.current().filter(|_| state.search.table.is_none()).and_then(|e| e.get("event.id")).map(text::value);
    let (Some(event), incident) = (event, state.case.incident.as_ref().map(|i| i.id.clone())) else { return };
    let Some(incident) = incident else { return state.say(state.words().open_incident_first, false) };
    if !state.may("incidents.work") {
        return state.say(state.words().no_permission, true);
    }
    let body = json!({ "kind": "event", "event": event });
    out.push(Ask::post(Purpose::Decide(incident.clone()), format!("/incidents/{incident}/items"), body));
}

/// Asks for everything about one thing.
pub(super) fn ask_entity(state: &mut State, out: &mut Vec<Command>, kind: &str, value: &str) {
    state.entity.serial += 1;
    let mut query = vec![("value", value.to_owned()), ("since", RANGES[state.entity.range.min(RANGES.len() - 1)].to_owned())];
    query.extend((!kind.is_empty()).then(|| ("kind", kind.to_owned())));
    out.push(Ask::get(Purpose::Entity(state.entity.serial), "/entity", query));
}
