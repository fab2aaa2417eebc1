//! Incidents: the list, one with its story, and every decision about it.

use serde_json::{Value, json};

use super::answers::read;
use crate::{
    data::{Demand, Incident, List, Status, Timeline, Workspace},
    input::Input,
    message::{Ask, Command, Failure, Purpose},
    state::{Place, Prompt, State, Wanted},
    words::fill,
};

const STAGES: [&str; 6] = ["new", "triaged", "contained", "eradicated", "recovered", "closed"];

/// Asks for an incident and its workspace.
pub(super) fn ask(state: &mut State, out: &mut Vec<Command>, id: &str) {
    state.case.again = None;
    out.push(Ask::get(Purpose::Incident(id.to_owned()), format!("/incidents/{id}"), Vec::new()));
    out.push(Ask::get(Purpose::Workspace(id.to_owned()), format!("/incidents/{id}/workspace"), Vec::new()));
    out.push(Ask::get(Purpose::Timeline(id.to_owned()), format!("/incidents/{id}/timeline"), Vec::new()));
}

pub(super) fn answer(state: &mut State, purpose: Purpose, result: Result<Value, Failure>, out: &mut Vec<Command>) {
    match purpose {
        Purpose::Incidents => {
            let Some(List { items }) = read(state, result) else { return };
            let held = state.incidents_shown().get(state.incidents.selected).map(|i| i.id.clone());
            (state.incidents.items, state.incidents.known) = (items, true);
            let shown = state.incidents_shown();
            let at = held.and_then(|id| shown.iter().position(|i| i.id == id));
            state.incidents.selected = at.unwrap_or(state.incidents.selected).min(shown.len().saturating_sub(1));
        }
        Purpose::Incident(id) if state.place == Place::Incident(id.clone()) => {
            if let Some(incident) = read::<Incident>(state, result) {
                state.case.incident = Some(incident);
            }
        }
        Purpose::Workspace(id) if state.place == Place::Incident(id.clone()) => {
            if let Some(workspace) = read::<Workspace>(state, result) {
                state.case.workspace = Some(workspace);
            }
        }
        Purpose::Timeline(id) if state.place == Place::Incident(id.clone()) => {
            if let Some(timeline) = read::<Timeline>(state, result) {
                state.case.timeline = Some(timeline);
            }
        }
        Purpose::Decide(id) => {
            match result {
                Ok(_) => state.say(state.words().recorded, false),
                Err(failure) => super::fail(state, &failure),
            }
            if state.place == Place::Incident(id.clone()) {
                ask(state, out, &id);
            }
        }
        _ => {}
    }
}

/// Keys on an open incident; false: none of them.
pub(super) fn key(state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
    let Some(incident) = state.case.incident.clone() else { return false };
    let verdict = match key {
        "t" => Some(Status::TruePositive),
        "f" => Some(Status::FalsePositive),
        "b" => Some(Status::Benign),
        "c" | "m" | "l" => None,
        "p" => {
            crate::screens::playbooks_for(state, out, &incident.id);
            return true;
        }
        "a" => {
            let aimed = incident.entities.iter().find(|e| e.kind == "address").map(|e| e.value.clone()).unwrap_or_default();
            crate::screens::ask_for_action(state, out, &aimed, Some(incident.id));
            return true;
        }
        _ => return false,
    };
    if !state.may("incidents.work") {
        state.say(state.words().no_permission, true);
        return true;
    }
    let id = incident.id.clone();
    let mut prompt = |title: &str, wanted| state.prompt = Some(Prompt { title: title.to_owned(), input: Input::default(), wanted });
    let words = state.language.words();
    match (key, verdict) {
        ("m", _) => prompt(words.note, Wanted::Note(id)),
        ("l", _) => advance(state, out, &incident),
        ("c", _) if incident.status.open() => claim(state, out, &incident),
        (_, Some(verdict)) if incident.status.open() => {
            prompt(&format!("{} · {}", words.conclusion, words.status(verdict)), Wanted::Conclusion(id, verdict));
        }
        // judged: whatever is pressed opens it again
        _ => decide(out, &incident, json!({ "act": "status", "status": "acknowledged" }), None),
    }
    true
}

fn claim(state: &State, out: &mut Vec<Command>, incident: &Incident) {
    let me = state.name();
    if me.contains(':') {
        let status = if incident.status == Status::New { "acknowledged" } else { "new" };
        return decide(out, incident, json!({ "act": "status", "status": status }), None);
    }
    let holder = (incident.assignee.as_deref() != Some(me)).then_some(me);
    decide(out, incident, json!({ "act": "assign", "assignee": holder }), None);
}

fn decide(out: &mut Vec<Command>, incident: &Incident, decision: Value, reason: Option<&str>) {
    let mut body = decision;
    body["reason"] = json!(reason);
    body["version"] = json!(incident.version);
    out.push(Ask::post(Purpose::Decide(incident.id.clone()), format!("/incidents/{}", incident.id), body));
}

/// Judges an incident.
pub(super) fn conclude(state: &State, out: &mut Vec<Command>, id: &str, verdict: Status, conclusion: &str) {
    if let Some(incident) = state.case.incident.as_ref().filter(|i| i.id == id) {
        decide(out, incident, json!({ "act": "status", "status": verdict.word() }), Some(conclusion));
    }
}

/// Writes a note.
pub(super) fn note(out: &mut Vec<Command>, id: &str, text: &str) {
    let body = json!({ "kind": "note", "text": text });
    out.push(Ask::post(Purpose::Decide(id.to_owned()), format!("/incidents/{id}/items"), body));
}

/// Leads an incident to its next stage, once what the stage demands is known.
fn advance(state: &mut State, out: &mut Vec<Command>, incident: &Incident) {
    let Some(workspace) = &state.case.workspace else { return };
    let at = STAGES.iter().position(|s| *s == workspace.stage).unwrap_or(0);
    let Some(next) = STAGES.get(at + 1) else { return };
    let missing = |d: &&Demand| {
        STAGES.iter().position(|s| *s == d.stage).is_some_and(|p| p <= at + 1) && workspace.facts.get(&d.field).is_none_or(String::is_empty)
    };
    state.case.demanded = workspace.demands.iter().filter(missing).cloned().collect();
    state.case.demanded.reverse();
    state.case.towards = (*next).to_owned();
    state.case.facts.clear();
    demand(state, out, &incident.id);
}

/// Asks for the next fact, or leads the incident on when none is missing.
fn demand(state: &mut State, out: &mut Vec<Command>, id: &str) {
    let words = state.words();
    if let Some(wanted) = state.case.demanded.last() {
        let mut title = format!(
            "{} · {}",
            fill(words.lead_to, &[words.stage(&state.case.towards)]),
            state.language.pick(&wanted.title, Some(&wanted.title_vi))
        );
        if !wanted.words.is_empty() {
            title = format!("{title} · {}", fill(words.one_of, &[&wanted.words.join(", ")]));
        }
        state.prompt = Some(Prompt { title, input: Input::default(), wanted: Wanted::Fact(id.to_owned()) });
        return;
    }
    let Some(workspace) = &state.case.workspace else { return };
    let facts: serde_json::Map<String, Value> = state.case.facts.drain(..).map(|(field, text)| (field, text.into())).collect();
    let body = json!({ "stage": state.case.towards, "facts": facts, "reason": "", "version": workspace.version });
    out.push(Ask::post(Purpose::Decide(id.to_owned()), format!("/incidents/{id}/stage"), body));
}

/// A fact that was demanded.
pub(super) fn fact(state: &mut State, out: &mut Vec<Command>, id: &str, text: &str) {
    if let Some(wanted) = state.case.demanded.pop() {
        state.case.facts.push((wanted.field, text.to_owned()));
        demand(state, out, id);
    }
}
