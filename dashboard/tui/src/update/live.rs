//! What the live stream says: alerts go straight on screen, ticks are kept with the time they came.

use jiff::SignedDuration;
use serde_json::Value;

use super::{alerts, later, load};
use crate::{
    data::{Alert, Level, Status, Tick},
    desk,
    message::{Command, Live},
    screens::Kind,
    state::{Link, Place, State},
    text,
    wall::{Wall, WallAlert},
    words::fill,
};

/// A burst of changes leads to one question, this much later.
const GATHER: SignedDuration = SignedDuration::from_secs(2);
/// An alert raised longer ago, seconds, is no news.
const NEWS: i64 = 60;
/// Alerts remembered so that one that grows is announced once.
const ANNOUNCED: usize = 1000;

pub(super) fn live(state: &mut State, live: Live, out: &mut Vec<Command>) {
    match live {
        Live::Open => {
            let again = state.link != Link::Connecting;
            state.link = Link::Live;
            if again {
                load(state, out); // what the stream could not tell
            }
        }
        Live::Lost(_) => {
            if state.link == Link::Live {
                state.link = Link::Polling;
                state.refresh = state.now;
            }
        }
        Live::Event { name, mut data } => {
            text::clean_value(&mut data);
            state.link = Link::Live;
            event(state, &name, data, out);
        }
    }
}

fn event(state: &mut State, name: &str, data: Value, out: &mut Vec<Command>) {
    match name {
        "tick" => {
            if let Ok(tick) = serde_json::from_value::<Tick>(data) {
                state.tick = Some((tick, state.now));
            }
        }
        "alert" => {
            if let Ok(alert) = serde_json::from_value::<Alert>(data) {
                raised(state, alert, out);
            }
        }
        // somebody judged many, or this reader was too slow: the list is asked for anew, once
        "bulk" | "gap" => state.alerts.again = Some(state.alerts.again.unwrap_or(later(state.now, GATHER))),
        // an action or a run of a playbook moved
        "response" => {
            if let Place::Screen(Kind::Actions | Kind::Playbooks) = state.place {
                load(state, out);
            }
        }
        "incident" => match &state.place {
            Place::Incidents | Place::Wall => load(state, out),
            Place::Incident(_) => state.case.again = Some(state.case.again.unwrap_or(later(state.now, GATHER))),
            _ => {}
        },
        _ => {}
    }
}

fn raised(state: &mut State, alert: Alert, out: &mut Vec<Command>) {
    let known = state.alerts.list.rows.iter().any(|row| row.id == alert.id);
    let fresh =
        alert.status == Status::New && !state.announced.contains(&alert.id) && state.now.as_second() - alert.raised.as_second() < NEWS;
    if fresh {
        if state.announced.len() >= ANNOUNCED {
            state.announced.pop_front();
        }
        state.announced.push_back(alert.id.clone());
        announce(state, &alert, out);
    }
    if let Some(wall) = &mut state.wall.wall {
        on_wall(wall, &alert);
        // its numbers follow within the second, however many alerts come
        state.refresh = state.refresh.min(later(state.now, SignedDuration::from_millis(800)));
    }
    if !known {
        alerts::place(state, &alert);
    }
    desk::show(state, alert);
}

fn announce(state: &mut State, alert: &Alert, out: &mut Vec<Command>) {
    let title = state.language.pick(&alert.rule.title, alert.rule.title_vi.as_deref()).to_owned();
    let watched = state.watched.iter().find(|w| alert.entities.iter().any(|e| e.value == **w)).cloned();
    let critical = alert.rule.level == Level::Critical;
    if let Some(value) = &watched {
        state.say(fill(state.words().watched_fired, &[value, &title]), true);
    } else if alert.rule.level >= Level::High {
        state.say(fill(state.words().new_arrived, &[&title]), critical);
    }
    if watched.is_some() || critical {
        out.push(Command::Bell);
    }
}

/// The wall's list names an alert at once; its numbers follow with the next answer.
fn on_wall(wall: &mut Wall, alert: &Alert) {
    let shown = wall.alerts.iter().position(|a| a.id == alert.id);
    match shown {
        Some(at) if !alert.status.open() => drop(wall.alerts.remove(at)),
        Some(at) => (wall.alerts[at].status, wall.alerts[at].assignee) = (alert.status, alert.assignee.clone()),
        None if alert.status.open() && alert.rule.level >= Level::High => wall.alerts.insert(
            0,
            WallAlert {
                id: alert.id.clone(),
                level: alert.rule.level,
                title: alert.rule.title.clone(),
                title_vi: alert.rule.title_vi.clone(),
                raised: alert.raised,
                status: alert.status,
                assignee: alert.assignee.clone(),
            },
        ),
        None => {}
    }
    wall.alerts.truncate(100);
}
