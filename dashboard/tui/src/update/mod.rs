//! What happens next: `(state, message) → state, commands`. No clock, no network, no terminal, so that recorded input replays.

pub(crate) mod alerts;
mod answers;
mod incidents;
mod keys;
mod live;
mod prompt;
mod search;

use jiff::SignedDuration;

pub use self::answers::fail;
pub(crate) use self::answers::read;
use crate::{
    message::{Ask, Command, Message, Purpose},
    screens,
    state::{Focus, Link, Place, State},
};

/// How often the wall's numbers, and everything while the stream is broken, are asked for.
const REFRESH: SignedDuration = SignedDuration::from_secs(5);
/// Ticks come every two seconds; after this long without one their age is shown.
pub const SILENCE: SignedDuration = SignedDuration::from_secs(9);

/// What to do at the start.
pub fn start(state: &mut State) -> Vec<Command> {
    let mut out = vec![Ask::get(Purpose::Session, "/session", Vec::new())];
    load(state, &mut out);
    out
}

/// Takes a message.
pub fn update(state: &mut State, message: Message) -> Vec<Command> {
    let mut out = Vec::new();
    match message {
        Message::Key(key) => keys::key(state, &key, &mut out),
        Message::Paste(text) => {
            if let Some(prompt) = &mut state.prompt {
                prompt.input.insert(&text);
            }
        }
        Message::Size(columns, rows) => state.size = (columns, rows),
        Message::Clock(now) => clock(state, now, &mut out),
        Message::Answer { purpose, result } => answers::answer(state, purpose, result, &mut out),
        Message::Live(live) => live::live(state, live, &mut out),
    }
    screens::rested(state, &mut out, false);
    alerts::page(state, &mut out);
    search::page(state, &mut out);
    out
}

fn clock(state: &mut State, now: jiff::Timestamp, out: &mut Vec<Command>) {
    state.now = now;
    if state.toast.as_ref().is_some_and(|t| t.until <= now) {
        state.toast = None;
    }
    if state.alerts.due.is_some_and(|due| due <= now) {
        alerts::ask_detail(state, out);
    }
    if state.alerts.again.is_some_and(|again| again <= now) && state.alerts.list.asking.is_none() {
        alerts::reload(state, out);
    }
    if let (Some(again), Place::Incident(id)) = (state.case.again, state.place.clone())
        && again <= now
    {
        incidents::ask(state, out, &id);
    }
    if state.refresh <= now {
        state.refresh = later(now, REFRESH);
        refresh(state, out);
    }
}

/// So much later.
pub(crate) fn later(now: jiff::Timestamp, by: SignedDuration) -> jiff::Timestamp {
    now.checked_add(by).unwrap_or(now)
}

/// What is asked for again and again.
fn refresh(state: &mut State, out: &mut Vec<Command>) {
    if state.me.is_none() {
        out.push(Ask::get(Purpose::Session, "/session", Vec::new()));
    }
    match &state.place {
        Place::Wall => load(state, out),
        Place::Sources | Place::Incidents => load(state, out),
        Place::Screen(kind) if kind.screen().live() => load(state, out),
        Place::Alerts if state.link == Link::Offline || state.link != Link::Live && state.alerts.list.asking.is_none() => {
            alerts::reload(state, out);
        }
        _ if state.link != Link::Live => out.push(Ask::get(Purpose::Overview, "/overview", vec![("since", "24h".into())])),
        _ => {}
    }
}

/// Asks for what the screen shows.
pub(crate) fn load(state: &mut State, out: &mut Vec<Command>) {
    match state.place.clone() {
        Place::Wall => {
            out.push(Ask::get(Purpose::Overview, "/overview", vec![("since", "24h".into())]));
            out.push(Ask::get(Purpose::Wall, "/wall", Vec::new()));
        }
        Place::Alerts => alerts::reload(state, out),
        Place::Incidents => {
            let status = if state.incidents.all { "all" } else { "open" };
            out.push(Ask::get(Purpose::Incidents, "/incidents", vec![("status", status.into()), ("limit", "500".into())]));
        }
        Place::Incident(id) => incidents::ask(state, out, &id),
        Place::Search => {}
        Place::Sources => out.push(Ask::get(Purpose::Sources, "/sources", Vec::new())),
        Place::Entity { kind, value } => search::ask_entity(state, out, &kind, &value),
        Place::Screen(kind) => kind.screen().load(state, out),
    }
}

/// Goes to a screen; where one came from is kept.
pub(crate) fn visit(state: &mut State, place: Place, out: &mut Vec<Command>) {
    if state.place != place {
        state.path.push(std::mem::replace(&mut state.place, place));
        if state.path.len() > 32 {
            state.path.remove(0);
        }
    }
    arrive(state, out);
}

/// Goes back to where one came from; false: there is nothing to go back to.
pub(crate) fn back(state: &mut State, out: &mut Vec<Command>) -> bool {
    let Some(place) = state.path.pop() else { return false };
    state.place = place;
    arrive(state, out);
    true
}

fn arrive(state: &mut State, out: &mut Vec<Command>) {
    state.focus = match state.place {
        Place::Incident(_) | Place::Entity { .. } => Focus::Detail,
        Place::Screen(kind) => screens::focus(kind, &state.screens),
        _ => Focus::List,
    };
    state.line = 0;
    state.alerts.judging = None;
    state.alerts.exception = None;
    match &state.place {
        Place::Incident(id) if state.case.incident.as_ref().is_none_or(|i| i.id != *id) => state.case = Default::default(),
        Place::Entity { .. } => state.entity.page = None,
        _ => {}
    }
    load(state, out);
}
