//! Which keys there are, where they work and what they are called: those of the web console, and the few that only a terminal needs.

use crate::{
    screens::Kind,
    state::{Place, State},
    words::Words,
};

/// Where a key is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// On every screen.
    Anywhere,
    /// In lists.
    Lists,
    /// On alerts and incidents.
    Alerts,
    /// On actions, playbooks and rules.
    Response,
}

/// What works on a screen that shows the wall and nothing else.
const AT_A_WALL: [&str; 4] = ["sheet", "language", "theme", "quit"];

/// One line of the sheet.
pub struct Shortcut {
    /// The keys, as the web writes them.
    pub keys: &'static str,
    /// What it does; the web's name of it where the web has it.
    pub name: &'static str,
    /// The words for it.
    pub label: fn(&Words) -> &'static str,
    /// Where it is listed.
    pub group: Group,
    /// Screens on which it works.
    works: fn(&Place) -> bool,
}

impl Shortcut {
    /// Whether it works on what is shown.
    pub fn works(&self, state: &State) -> bool {
        (self.works)(&state.place) && (!state.kiosk || AT_A_WALL.contains(&self.name))
    }
}

const fn key(
    keys: &'static str,
    name: &'static str,
    label: fn(&Words) -> &'static str,
    group: Group,
    works: fn(&Place) -> bool,
) -> Shortcut {
    Shortcut { keys, name, label, group, works }
}

fn always(_: &Place) -> bool {
    true
}

fn lists(place: &Place) -> bool {
    !matches!(place, Place::Wall)
}

fn alerts(place: &Place) -> bool {
    matches!(place, Place::Alerts)
}

fn search(place: &Place) -> bool {
    matches!(place, Place::Search)
}

fn cases(place: &Place) -> bool {
    matches!(place, Place::Alerts | Place::Incident(_))
}

fn incident(place: &Place) -> bool {
    matches!(place, Place::Incident(_))
}

fn deeper(place: &Place) -> bool {
    matches!(place, Place::Incident(_) | Place::Entity { .. } | Place::Screen(_))
}

/// Screens beside triage that have a list.
fn shelves(place: &Place) -> bool {
    matches!(place, Place::Screen(Kind::Actions | Kind::Playbooks | Kind::Rules))
}

fn actions(place: &Place) -> bool {
    matches!(place, Place::Screen(Kind::Actions))
}

fn playbooks(place: &Place) -> bool {
    matches!(place, Place::Screen(Kind::Playbooks))
}

fn decided(place: &Place) -> bool {
    actions(place) || playbooks(place)
}

fn handover(place: &Place) -> bool {
    matches!(place, Place::Screen(Kind::Handover))
}

fn acts(place: &Place) -> bool {
    shelves(place) || deeper(place) && !matches!(place, Place::Screen(_))
}

fn sides(place: &Place) -> bool {
    matches!(place, Place::Alerts | Place::Search | Place::Sources) || shelves(place)
}

fn watchable(place: &Place) -> bool {
    matches!(place, Place::Alerts | Place::Entity { .. } | Place::Sources)
}

/// Where events and alerts are that may have packets.
fn with_packets(place: &Place) -> bool {
    matches!(place, Place::Alerts | Place::Search | Place::Entity { .. })
}

fn ranged(place: &Place) -> bool {
    matches!(place, Place::Search | Place::Entity { .. }) || handover(place)
}

fn filtered(place: &Place) -> bool {
    matches!(place, Place::Alerts | Place::Incidents | Place::Sources)
}

/// Every key.
#[rustfmt::skip] // one key, one line
pub const SHORTCUTS: &[Shortcut] = &[
    key("?", "sheet", |w| w.key_sheet, Group::Anywhere, always),
    key("g o", "overview", |w| w.key_overview, Group::Anywhere, always),
    key("g a", "go_alerts", |w| w.key_go_alerts, Group::Anywhere, always),
    key("g n", "go_incidents", |w| w.key_go_incidents, Group::Anywhere, always),
    key("g s", "search", |w| w.key_search, Group::Anywhere, always),
    key("g r", "sources", |w| w.key_sources, Group::Anywhere, always),
    key("g u", "rules", |w| w.key_rules, Group::Anywhere, always),
    key("g p", "go_actions", |w| w.key_go_actions, Group::Anywhere, always),
    key("g k", "go_playbooks", |w| w.key_go_playbooks, Group::Anywhere, always),
    key("g i", "status", |w| w.key_appliance, Group::Anywhere, always),
    key("h", "handover", |w| w.key_handover, Group::Anywhere, always),
    key("/", "focus", |w| w.key_focus, Group::Anywhere, always),
    key("g l", "language", |w| w.key_language, Group::Anywhere, always),
    key("g d", "theme", |w| w.key_theme, Group::Anywhere, always),
    key("q", "quit", |w| w.key_quit, Group::Anywhere, always),
    key("j", "down", |w| w.key_down, Group::Lists, lists),
    key("k", "up", |w| w.key_up, Group::Lists, lists),
    key("PageDown", "page", |w| w.key_page, Group::Lists, lists),
    key("Home", "ends", |w| w.key_ends, Group::Lists, lists),
    key("Enter", "open", |w| w.key_open, Group::Lists, lists),
    key("Tab", "side", |w| w.key_side, Group::Lists, sides),
    key("Escape", "close", |w| w.key_close, Group::Lists, lists),
    key("Backspace", "back", |w| w.key_back, Group::Lists, deeper),
    key("s", "which", |w| w.key_status, Group::Lists, filtered),
    key("s", "view", |w| w.key_view, Group::Lists, shelves),
    key("s", "sign", |w| w.key_sign, Group::Lists, handover),
    key("o", "order", |w| w.key_order, Group::Lists, alerts),
    key("r", "range", |w| w.key_range, Group::Lists, ranged),
    key("n", "next", |w| w.key_next, Group::Alerts, alerts),
    key("c", "claim", |w| w.key_claim, Group::Alerts, cases),
    key("t", "true_positive", |w| w.key_true_positive, Group::Alerts, cases),
    key("f", "false_positive", |w| w.key_false_positive, Group::Alerts, cases),
    key("b", "benign", |w| w.key_benign, Group::Alerts, cases),
    key("*", "group", |w| w.key_group, Group::Alerts, alerts),
    key("u", "undo", |w| w.key_undo, Group::Alerts, alerts),
    key("e", "escalate", |w| w.key_escalate, Group::Alerts, alerts),
    key("e", "add_event", |w| w.key_add_event, Group::Alerts, search),
    key("x", "except", |w| w.key_except, Group::Alerts, alerts),
    key("w", "watch", |w| w.key_watch, Group::Alerts, watchable),
    key("m", "note", |w| w.key_note, Group::Alerts, incident),
    key("l", "stage", |w| w.key_stage, Group::Alerts, incident),
    key("p", "packets", |w| w.key_packets, Group::Alerts, with_packets),
    key("p", "playbook", |w| w.key_playbook, Group::Alerts, incident),
    key("a", "act", |w| w.key_act, Group::Response, acts),
    key("y", "approve", |w| w.key_approve, Group::Response, actions),
    key("d", "reject", |w| w.key_reject, Group::Response, decided),
    key("u", "take_back", |w| w.key_take_back, Group::Response, actions),
    key("b", "by_hand", |w| w.key_by_hand, Group::Response, actions),
    key("1-9", "answer", |w| w.key_answer, Group::Response, playbooks),
];
