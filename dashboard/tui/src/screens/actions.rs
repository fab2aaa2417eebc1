//! Actions on devices: what waits for a decision, what is in force, whether it worked, every step; decisions about them.

use serde_json::{Value, json};

use super::{
    Cells, Kind, Screen, Screens, Shelf,
    action::{Action, Words, draw},
    allowed, arrange, ask, choose, hand_id, topic, type_in,
};
use crate::{
    data::List,
    doc::{Doc, Tone},
    message::{Ask, Command, Failure},
    state::{Place, State},
    text,
    update::{read, visit},
    words::{Language, fill},
};

/// What the screen knows.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) shelf: Shelf,
    items: Vec<Action>,
    detail: Option<Action>,
    /// An action being asked for.
    pub(super) form: Option<ask::Form>,
}

const VIEWS: usize = 3;

/// The screen.
pub(super) struct Actions;

impl Screen for Actions {
    fn keys(&self) -> &'static str {
        "g p"
    }

    fn name(&self, language: Language) -> &'static str {
        Words::of(language).title
    }

    fn load(&self, _: &mut State, out: &mut Vec<Command>) {
        out.push(Ask::get(topic(Kind::Actions, "list"), "/actions", vec![("limit", "500".into())]));
    }

    fn live(&self) -> bool {
        true
    }

    fn answer(&self, state: &mut State, about: &str, result: Result<Value, Failure>, out: &mut Vec<Command>) {
        match about {
            "list" => {
                let Some(List { items }) = read(state, result) else { return };
                let held = hand_id(state, Kind::Actions);
                let known = &mut state.screens.actions;
                // what changed meanwhile is asked for anew, with its journal
                let stale = known.detail.as_ref().is_some_and(|d| {
                    items.iter().any(|a: &Action| a.id == d.id && (a.state != d.state || a.verification.text != d.verification.text))
                });
                (known.items, known.shelf.known) = (items, true);
                if stale {
                    known.shelf.due = Some(state.now);
                }
                arrange(state, Kind::Actions, held.as_deref());
                super::rested(state, out, false);
            }
            "detail" => {
                if let Some(action) = read::<Action>(state, result) {
                    state.screens.actions.detail = Some(action);
                }
            }
            "decided" => {
                if let Some(action) = read::<Action>(state, result) {
                    let words = Words::of(state.language);
                    state.say(fill(words.decided, &[&action.what(words), action.stands(words)]), false);
                    take(state, action);
                } else {
                    self.load(state, out); // somebody else was faster, perhaps
                }
            }
            _ => ask::answer(state, about, result, out),
        }
    }

    fn key(&self, state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
        if state.screens.actions.form.is_some() {
            return ask::key(state, key, out);
        }
        match key {
            "s" => choose(state, Kind::Actions, |shelf| shelf.view = (shelf.view + 1) % VIEWS),
            "a" => begin(state, out, "", None),
            "y" | "d" | "u" | "b" => decide(state, key),
            _ => return false,
        }
        true
    }

    fn typed(&self, state: &mut State, what: &str, text: &str, out: &mut Vec<Command>) {
        match what.split_once(' ') {
            Some((verb, id)) if ["approve", "reject", "undo", "by-hand"].contains(&verb) => {
                out.push(Ask::post(topic(Kind::Actions, "decided"), format!("/actions/{id}/{verb}"), json!({ "reason": text })));
            }
            _ => ask::typed(state, what, text, out),
        }
    }

    fn given_up(&self, state: &mut State) {
        if state.screens.actions.form.is_none() {
            return;
        }
        ask::give_up(state);
    }

    fn hints(&self, state: &State) -> Vec<(&'static str, &'static str)> {
        let w = Words::of(state.language);
        let all = state.words();
        if state.screens.actions.form.is_some() {
            return ask::hints(state);
        }
        vec![
            ("y", w.hint_approve),
            ("d", w.hint_reject),
            ("u", w.hint_undo),
            ("a", w.hint_ask),
            ("s", all.hint_which),
            ("b", w.hint_by_hand),
            ("Enter", all.key_open),
            ("/", all.hint_filter),
        ]
    }

    fn shelf<'s>(&self, screens: &'s Screens) -> Option<&'s Shelf> {
        Some(&screens.actions.shelf)
    }

    fn shelf_mut<'s>(&self, screens: &'s mut Screens) -> Option<&'s mut Shelf> {
        Some(&mut screens.actions.shelf)
    }

    fn ids<'s>(&self, screens: &'s Screens) -> Vec<&'s str> {
        screens.actions.items.iter().map(|a| a.id.as_str()).collect()
    }

    fn passes(&self, screens: &Screens, row: usize, words: &str) -> bool {
        let known = &screens.actions;
        let a = &known.items[row];
        let view = match known.shelf.view {
            1 => ["proposed", "handed_over"].contains(&a.state.as_str()),
            2 => ["approved", "running", "done", "expired", "undoing"].contains(&a.state.as_str()),
            _ => true,
        };
        view && [&a.target, &a.device, &a.reason, &a.kind].into_iter().any(|t| t.to_lowercase().contains(words))
    }

    fn ask(&self, state: &mut State, row: usize, out: &mut Vec<Command>) {
        if let Some(action) = state.screens.actions.items.get(row) {
            out.push(Ask::get(topic(Kind::Actions, "detail"), format!("/actions/{}", action.id), Vec::new()));
        }
    }

    fn view(&self, state: &State) -> String {
        let w = Words::of(state.language);
        [w.view_all, w.view_waiting, w.view_in_force][state.screens.actions.shelf.view % VIEWS].to_owned()
    }

    fn empty(&self, language: Language) -> &'static str {
        Words::of(language).empty
    }

    fn cells(&self, state: &State, row: usize, columns: usize) -> Cells {
        let w = Words::of(state.language);
        let a = &state.screens.actions.items[row];
        let stands = 18;
        let time = text::fit_right(&text::instant(a.requested.at, state.now, &state.zone), 11);
        let verdict = w.verdict(&a.verification.verdict);
        let worked = if columns >= 100 { 22 } else { 0 };
        let rest = columns.saturating_sub(stands + 1 + 12 + worked);
        let mut cells = vec![(a.tone(), text::fit(a.stands(w), stands)), (Tone::Plain, format!(" {}", text::fit(&a.what(w), rest)))];
        if worked > 0 {
            let tone = if a.verification.verdict == "ineffective" { Tone::Bad } else { Tone::Dim };
            cells.push((tone, format!(" {}", text::fit(verdict, worked - 1))));
        }
        cells.push((Tone::Dim, format!(" {time}")));
        cells
    }

    fn lines(&self, doc: &mut Doc<'_>) {
        let known = &doc.state.screens.actions;
        if let Some(form) = &known.form {
            return ask::lines(doc, form);
        }
        let Some(row) = known.shelf.hand().and_then(|row| known.items.get(row)) else { return };
        // the list is newer, the details know more
        match known.detail.as_ref().filter(|d| d.id == row.id) {
            Some(detail) => draw(doc, detail),
            None => draw(doc, row),
        }
    }
}

/// An action as it came back from a decision, wherever it is shown.
fn take(state: &mut State, action: Action) {
    let held = hand_id(state, Kind::Actions);
    let known = &mut state.screens.actions;
    if let Some(row) = known.items.iter_mut().find(|a| a.id == action.id) {
        *row = action.clone();
    }
    known.detail = Some(action);
    arrange(state, Kind::Actions, held.as_deref());
}

/// Goes to the screen and asks for an action aimed at `target`.
pub(crate) fn begin(state: &mut State, out: &mut Vec<Command>, target: &str, incident: Option<String>) {
    if !allowed(state, "response.act") {
        return;
    }
    if state.place != Place::Screen(Kind::Actions) {
        visit(state, Place::Screen(Kind::Actions), out);
    }
    ask::begin(state, out, target, incident);
}

fn decide(state: &mut State, key: &str) {
    let known = &state.screens.actions;
    let Some(action) = known.shelf.hand().and_then(|row| known.items.get(row)).cloned() else { return };
    let words = Words::of(state.language);
    let stands = action.state.as_str();
    let (verb, title, permission, now) = match key {
        "y" => ("approve", words.approve, "response.approve", stands == "proposed"),
        "d" => ("reject", words.reject, "response.approve", stands == "proposed"),
        "u" => (
            "undo",
            words.undo,
            "response.act",
            stands == "proposed" || action.kind != "notify" && ["done", "handed_over"].contains(&stands),
        ),
        _ => ("by-hand", words.by_hand, "response.act", stands == "handed_over"),
    };
    if !allowed(state, permission) {
        return;
    }
    if !now {
        return state.say(fill(words.not_now, &[action.stands(words)]), true);
    }
    type_in(state, Kind::Actions, &format!("{verb} {}", action.id), fill(title, &[&action.what(words)]), "");
}

/// What an action is and where it stands, where it is known.
pub(super) fn told(known: &Known, id: &str, language: Language) -> Option<String> {
    let words = Words::of(language);
    known.items.iter().find(|a| a.id == id).map(|a| format!("{}: {}", a.what(words), a.stands(words)))
}
