//! Keys: those that work everywhere, those of lists and details, and then those of the screen.

use super::{alerts, back, incidents, load, prompt, search, visit};
use crate::{
    doc::{self, Target},
    message::Command,
    packets,
    screens::{self, Kind},
    state::{Focus, Place, RANGES, State},
    view,
    words::fill,
};

pub(super) fn key(state: &mut State, key: &str, out: &mut Vec<Command>) {
    if key == "C-c" {
        return out.push(Command::Quit);
    }
    if state.prompt.is_some() {
        return prompt::key(state, key, out);
    }
    if std::mem::take(&mut state.quitting) {
        match key {
            "q" | "Enter" => out.push(Command::Quit),
            _ => {}
        }
        return;
    }
    if state.sheet {
        state.sheet = false;
        if matches!(key, "?" | "Escape" | "q" | "Enter") {
            return;
        }
    }
    if std::mem::take(&mut state.pending) && go(state, key, out) {
        return;
    }
    if anywhere(state, key, out) || state.kiosk {
        return;
    }
    let own = match state.place {
        Place::Alerts => alerts::key(state, key, out),
        Place::Incident(_) => incidents::key(state, key, out),
        Place::Screen(kind) => kind.screen().key(state, key, out),
        _ => other(state, key, out),
    };
    if !own {
        moves(state, key, out);
    }
}

/// The second key of a sequence that began with `g`.
fn go(state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
    let place = match key {
        "l" => {
            (state.language, state.chosen) = (state.language.other(), true);
            return true;
        }
        "d" => {
            state.light = !state.light;
            return true;
        }
        _ if state.kiosk => return false,
        "o" => Place::Wall,
        "a" => Place::Alerts,
        "n" => Place::Incidents,
        "s" => Place::Search,
        "r" => Place::Sources,
        key => match Kind::ALL.into_iter().find(|kind| kind.screen().keys().strip_prefix("g ") == Some(key)) {
            Some(kind) => Place::Screen(kind),
            None => return false,
        },
    };
    state.path.clear();
    state.place = place.clone();
    visit(state, place, out);
    if state.place == Place::Search && !state.search.list.known {
        prompt::focus(state);
    }
    true
}

fn anywhere(state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
    match key {
        "g" => state.pending = true,
        "?" => state.sheet = true,
        "q" => state.quitting = true,
        "/" if !state.kiosk => {
            let filtered = match state.place {
                Place::Screen(kind) => kind.screen().shelf(&state.screens).is_some(),
                _ => matches!(state.place, Place::Alerts | Place::Incidents | Place::Sources | Place::Search),
            };
            if !filtered {
                visit(state, Place::Search, out);
            }
            prompt::focus(state);
        }
        key if !state.kiosk => match Kind::ALL.into_iter().find(|kind| kind.screen().keys() == key) {
            Some(kind) => visit(state, Place::Screen(kind), out),
            None => return false,
        },
        _ => return false,
    }
    true
}

/// Keys of the screens that have few.
fn other(state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
    match (&state.place, key) {
        (Place::Incidents, "s") => {
            state.incidents.all = !state.incidents.all;
            state.incidents.known = false;
            load(state, out);
        }
        (Place::Sources, "s") => {
            state.sources.silent = !state.sources.silent;
            state.sources.selected = 0;
        }
        (Place::Search | Place::Entity { .. }, "p") => packets::begin(state),
        (Place::Search, "r") => search::widen(state, out),
        (Place::Search, "e") => search::add_to_incident(state, out),
        (Place::Entity { .. }, "r") => {
            state.entity.range = (state.entity.range + 1) % RANGES.len();
            load(state, out);
        }
        (Place::Entity { value, .. }, "a") => {
            let value = value.clone();
            screens::ask_for_action(state, out, &value, None);
        }
        (Place::Entity { value, .. }, "w") => {
            let value = value.clone();
            watch(state, value);
        }
        (Place::Sources, "w") => {
            let source =
                state.sources_shown().get(state.sources.selected).map(|s| s.host.clone().or(s.peer.clone()).unwrap_or(s.id.clone()));
            if let Some(value) = source {
                watch(state, value);
            }
        }
        _ => return false,
    }
    true
}

/// Watches a value, or no longer.
pub(super) fn watch(state: &mut State, value: String) {
    let words = state.words();
    if let Some(at) = state.watched.iter().position(|w| *w == value) {
        state.watched.remove(at);
        state.say(fill(words.not_watching, &[&value]), false);
    } else {
        state.say(fill(words.watching, &[&value]), false);
        state.watched.push(value);
    }
}

/// Rows that a page key moves by, and the way a key moves.
fn step(state: &State, key: &str) -> Option<isize> {
    let page = isize::try_from(view::page_rows(state)).unwrap_or(10);
    Some(match key {
        "j" | "Down" => 1,
        "k" | "Up" => -1,
        "PageDown" | "Space" | "C-d" => page,
        "PageUp" | "C-u" => -page,
        "Home" => isize::MIN / 2,
        "End" => isize::MAX / 2,
        _ => return None,
    })
}

fn moves(state: &mut State, key: &str, out: &mut Vec<Command>) {
    if let Some(by) = step(state, key) {
        return moved(state, by);
    }
    match key {
        "Tab" | "BackTab" if halved(state) => {
            state.focus = if state.focus == Focus::List { Focus::Detail } else { Focus::List };
        }
        "Enter" => enter(state, out),
        "Escape" => {
            if state.place == Place::Alerts && state.alerts.group.take().is_some() {
                return;
            }
            if halved(state) && state.focus == Focus::Detail {
                state.focus = Focus::List;
            } else if state.place == Place::Alerts && !state.alerts.filter.q.is_empty() {
                state.alerts.filter.q.clear();
                alerts::restart(state, out);
            } else if state.place == Place::Incidents && !state.incidents.q.is_empty() {
                state.incidents.q.clear();
            } else if state.place == Place::Sources && !state.sources.q.is_empty() {
                state.sources.q.clear();
            } else if let Place::Screen(kind) = state.place
                && kind.screen().shelf(&state.screens).is_some_and(|s| !s.q.is_empty())
            {
                screens::choose(state, kind, |shelf| shelf.q.clear());
            } else {
                back(state, out);
            }
        }
        "Backspace" => drop(back(state, out)),
        _ => {}
    }
}

/// Whether the screen has a list and details.
fn halved(state: &State) -> bool {
    match state.place {
        Place::Alerts | Place::Search | Place::Sources => true,
        Place::Screen(kind) => kind.screen().shelf(&state.screens).is_some(),
        Place::Wall | Place::Incidents | Place::Incident(_) | Place::Entity { .. } => false,
    }
}

fn moved(state: &mut State, by: isize) {
    let go = |at: usize, count: usize| at.saturating_add_signed(by).min(count.saturating_sub(1));
    if state.focus == Focus::Detail {
        state.line = go(state.line, doc::build(state).len());
        return;
    }
    match state.place {
        Place::Alerts => {
            state.alerts.list.go(by);
            alerts::follow(state);
        }
        Place::Incidents => state.incidents.selected = go(state.incidents.selected, state.incidents_shown().len()),
        Place::Search => {
            if let Some((_, rows, _)) = &state.search.table {
                state.search.row = go(state.search.row, rows.len());
            } else {
                state.search.list.go(by);
            }
            state.line = 0;
        }
        Place::Sources => {
            state.sources.selected = go(state.sources.selected, state.sources_shown().len());
            state.line = 0;
        }
        Place::Screen(kind) => screens::go(state, kind, by),
        Place::Wall | Place::Incident(_) | Place::Entity { .. } => {}
    }
}

fn enter(state: &mut State, out: &mut Vec<Command>) {
    if state.focus == Focus::List {
        match state.place {
            Place::Incidents => {
                let id = state.incidents_shown().get(state.incidents.selected).map(|i| i.id.clone());
                if let Some(id) = id {
                    visit(state, Place::Incident(id), out);
                }
            }
            Place::Alerts if state.alerts.hand.is_some() => {
                state.focus = Focus::Detail;
                if state.alerts.due.is_some() {
                    alerts::ask_detail(state, out);
                }
            }
            Place::Search if state.search.list.current().is_some() => state.focus = Focus::Detail,
            Place::Sources if !state.sources.items.is_empty() => state.focus = Focus::Detail,
            Place::Screen(kind) if kind.screen().shelf(&state.screens).is_some_and(|s| !s.shown.is_empty()) => {
                state.focus = Focus::Detail;
                screens::rested(state, out, true);
            }
            _ => {}
        }
        return;
    }
    let target = doc::build(state).into_iter().nth(state.line).and_then(|line| line.target);
    match target {
        Some(Target::Entity { kind, value }) => visit(state, Place::Entity { kind, value }, out),
        Some(Target::Alert(id)) => alerts::visit_alert(state, out, &id),
        Some(Target::Incident(id)) => visit(state, Place::Incident(id), out),
        Some(Target::Search(q)) => {
            visit(state, Place::Search, out);
            search::submit(state, out, &q);
        }
        None => {}
    }
}
