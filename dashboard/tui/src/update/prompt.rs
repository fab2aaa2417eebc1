//! A line being typed: its keys, and what becomes of it.

use super::{alerts, incidents, search};
use crate::{
    input::Input,
    message::Command,
    packets, screens,
    state::{Place, Prompt, State, Wanted},
};

/// Opens the box of this screen: the query of the search, the filter of a list.
pub(super) fn focus(state: &mut State) {
    let words = state.words();
    let (title, text, wanted) = match state.place {
        Place::Alerts => (words.filter_label, state.alerts.filter.q.clone(), Wanted::Filter),
        Place::Incidents => (words.filter_label, state.incidents.q.clone(), Wanted::Filter),
        Place::Sources => (words.filter_label, state.sources.q.clone(), Wanted::Filter),
        Place::Screen(kind) => {
            let q = kind.screen().shelf(&state.screens).map(|s| s.q.clone()).unwrap_or_default();
            (words.filter_label, q, Wanted::Filter)
        }
        _ => (words.query, state.search.q.clone(), Wanted::Query),
    };
    state.search.recalled = state.search.asked.len();
    state.prompt = Some(Prompt { title: title.to_owned(), input: Input::new(&text), wanted });
}

/// Takes a key while a line is typed.
pub(super) fn key(state: &mut State, key: &str, out: &mut Vec<Command>) {
    let Some(prompt) = &mut state.prompt else { return };
    match key {
        "Escape" => {
            if let Some(Prompt { wanted: Wanted::Screen(kind, _), .. }) = state.prompt.take() {
                kind.screen().given_up(state);
            }
            state.case.demanded.clear();
        }
        "Enter" => {
            if let Some(Prompt { input, wanted, .. }) = state.prompt.take() {
                done(state, wanted, input.text().trim(), out);
            }
        }
        "Up" | "Down" if prompt.wanted == Wanted::Query => recall(state, key == "Up"),
        key => drop(prompt.input.key(key)),
    }
}

fn recall(state: &mut State, back: bool) {
    let search = &mut state.search;
    search.recalled = if back { search.recalled.saturating_sub(1) } else { (search.recalled + 1).min(search.asked.len()) };
    let text = search.asked.get(search.recalled).cloned().unwrap_or_default();
    if let Some(prompt) = &mut state.prompt {
        prompt.input = Input::new(&text);
    }
}

fn done(state: &mut State, wanted: Wanted, text: &str, out: &mut Vec<Command>) {
    match wanted {
        Wanted::Query => search::submit(state, out, text),
        Wanted::Filter => match state.place {
            Place::Alerts => {
                text.clone_into(&mut state.alerts.filter.q);
                alerts::restart(state, out);
            }
            Place::Incidents => {
                text.clone_into(&mut state.incidents.q);
                state.incidents.selected = 0;
            }
            Place::Screen(kind) => {
                screens::choose(state, kind, |shelf| (shelf.q, shelf.selected) = (text.to_owned(), 0));
                screens::rested(state, out, true);
            }
            _ => {
                text.clone_into(&mut state.sources.q);
                state.sources.selected = 0;
            }
        },
        Wanted::Escalate(id) => alerts::escalate(out, &id),
        Wanted::Packets(id) => packets::fetch(state, out, &id, text),
        Wanted::Screen(kind, what) => kind.screen().typed(state, &what, text, out),
        // an empty line says nothing worth keeping
        Wanted::Note(_) | Wanted::Conclusion(..) | Wanted::Fact(_) | Wanted::Exception if text.is_empty() => {}
        Wanted::Note(id) => incidents::note(out, &id, text),
        Wanted::Conclusion(id, verdict) => incidents::conclude(state, out, &id, verdict, text),
        Wanted::Fact(id) => incidents::fact(state, out, &id, text),
        Wanted::Exception => alerts::except(state, out, text),
    }
}
