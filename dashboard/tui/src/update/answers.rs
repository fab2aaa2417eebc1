//! What the appliance answered. Every text is cleaned here, before anything else sees it.

use fansipan_cli::said;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{alerts, incidents, load, search};
use crate::{
    data::{List, User},
    desk,
    message::{Ask, Command, Failure, Purpose},
    packets,
    state::{Link, Place, State},
    text,
    words::{Language, fill},
};

/// Takes an answer.
pub(super) fn answer(state: &mut State, purpose: Purpose, result: Result<Value, Failure>, out: &mut Vec<Command>) {
    let result = match result {
        Ok(mut value) => {
            if let Purpose::Screen(..) = purpose {
                text::split_lines(&mut value, "text");
            }
            text::clean_value(&mut value);
            if matches!(state.link, Link::Offline | Link::Connecting) {
                state.link = Link::Polling;
            }
            Ok(value)
        }
        Err(Failure { code, detail, detail_vi, position }) => {
            if code == "unreachable" {
                state.link = Link::Offline;
            }
            let [detail, detail_vi] = [&detail, &detail_vi].map(|text| text::clean(text).into_owned());
            Err(Failure { code, detail, detail_vi, position })
        }
    };
    match purpose {
        Purpose::Session => session(state, result, out),
        Purpose::Overview => {
            if let Some(overview) = read(state, result) {
                (state.wall.overview, state.wall.overview_at) = (Some(overview), Some(state.now));
            }
        }
        Purpose::Wall => {
            if let Some(wall) = read(state, result) {
                (state.wall.wall, state.wall.wall_at) = (Some(wall), Some(state.now));
            }
        }
        Purpose::Sources => {
            if let Some(List { items }) = read(state, result) {
                (state.sources.items, state.sources.known) = (items, true);
                state.sources.selected = state.sources.selected.min(state.sources_shown().len().saturating_sub(1));
            }
        }
        Purpose::Device => device(state, result),
        Purpose::Desk => desk::answer(state, out, result),
        Purpose::Alerts(..)
        | Purpose::Alert(_)
        | Purpose::Context(_)
        | Purpose::Next
        | Purpose::Group(_)
        | Purpose::Escalate
        | Purpose::Preview
        | Purpose::Except => {
            alerts::answer(state, purpose, result, out);
        }
        Purpose::Incidents | Purpose::Incident(_) | Purpose::Workspace(_) | Purpose::Timeline(_) | Purpose::Decide(_) => {
            incidents::answer(state, purpose, result, out);
        }
        Purpose::Packets(id) => packets::answer(state, id, result),
        Purpose::Screen(kind, topic) => kind.screen().answer(state, &topic, result, out),
        Purpose::Entity(_) | Purpose::Search(..) | Purpose::Histogram(_) => search::answer(state, purpose, result),
    }
}

/// The answer as what it should be; says what is wrong otherwise.
pub(crate) fn read<T: DeserializeOwned>(state: &mut State, result: Result<Value, Failure>) -> Option<T> {
    let failure = match result.map(serde_json::from_value) {
        Ok(Ok(read)) => return Some(read),
        Ok(Err(e)) => {
            let said = said!(
                "FSP-TUI-001: an answer was not understood ({e}): update this console",
                "FSP-TUI-001: không hiểu được câu trả lời ({e}): hãy cập nhật bảng điều khiển này"
            );
            Failure::new("", said)
        }
        Err(failure) => failure,
    };
    fail(state, &failure);
    None
}

/// Says why something was not done.
pub fn fail(state: &mut State, failure: &Failure) {
    if !failure.detail_vi.is_empty() {
        // what the appliance says of this very case is worth more than what is said of its kind
        return state.say(state.language.pick(&failure.detail, Some(&failure.detail_vi)).to_owned(), true);
    }
    let words = state.words();
    let known = match failure.code.as_str() {
        "unreachable" => words.error_unreachable,
        "missing" => words.error_not_found,
        "FSP-API-001" => words.error_not_authenticated,
        "denied" | "FSP-API-006" => words.error_forbidden,
        "FSP-API-014" => words.error_conflict,
        "FSP-API-016" | "FSP-API-004" | "FSP-API-020" => words.error_busy,
        "FSP-API-017" => words.error_timed_out,
        "FSP-API-018" => words.error_store,
        _ => "",
    };
    let text = match (known, failure.code.as_str()) {
        ("", "") => failure.detail.clone(),
        ("", code) => format!("{code}: {}", failure.detail),
        (known, _) => known.to_owned(),
    };
    state.say(text, true);
}

#[derive(serde::Deserialize)]
struct Session {
    user: User,
}

#[derive(serde::Deserialize)]
struct Device {
    name: String,
}

/// A screen of the wall shows the wall and nothing else.
fn device(state: &mut State, result: Result<Value, Failure>) {
    match result.map(serde_json::from_value::<Device>) {
        Ok(Ok(Device { name })) => {
            (state.kiosk, state.place) = (true, Place::Wall);
            state.me = Some(User { name: format!("wall:{name}"), permissions: vec!["wall.read".into()], ..User::default() });
        }
        Ok(Err(_)) => state.say(state.words().error_not_authenticated, true),
        Err(failure) => state.say(fill("{} ({})", &[state.words().error_not_authenticated, &failure.detail]), true),
    }
}

fn session(state: &mut State, result: Result<Value, Failure>, out: &mut Vec<Command>) {
    if let Err(failure) = &result
        && failure.code == "denied"
    {
        // no person: perhaps a screen of the wall
        return out.push(Ask::get(Purpose::Device, "/wall/device", Vec::new()));
    }
    let Some(Session { user }) = read(state, result) else { return };
    if !state.chosen {
        state.language = Language::of(&user.language);
    }
    let first = state.me.is_none();
    state.kiosk |= user.permissions == ["wall.read"];
    if state.kiosk {
        state.place = Place::Wall;
    }
    state.me = Some(user);
    if first && state.place == Place::Alerts {
        load(state, out);
    }
}
