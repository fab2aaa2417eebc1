//! Screens beside triage: what is done about incidents, and how the centre itself stands. One file each, and one line in [`Kind`]
//! and in [`ALL`]; whatever they share, such as a list with a filter, is here.

mod action;
mod actions;
mod ask;
mod handover;
mod playbooks;
mod rules;
mod run;
mod status;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::{actions::begin as ask_for_action, playbooks::begin as playbooks_for};
use crate::{
    doc::{Doc, Tone},
    input::Input,
    message::{Command, Failure, Purpose},
    state::{Focus, Place, Prompt, State, Wanted},
    update::later,
    words::Language,
};

/// A hand that rests this long is asked about: moving through a list costs nothing.
const REST: SignedDuration = SignedDuration::from_millis(120);

/// Which screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Actions on devices.
    Actions,
    /// Playbooks and their runs.
    Playbooks,
    /// Rules.
    Rules,
    /// The handover of a shift.
    Handover,
    /// State of the appliance.
    Status,
}

/// Every screen, in the order of [`Kind`].
const ALL: [&dyn Screen; 5] = [&actions::Actions, &playbooks::Playbooks, &rules::Rules, &handover::Handover, &status::Status];

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Kind; 5] = [Kind::Actions, Kind::Playbooks, Kind::Rules, Kind::Handover, Kind::Status];

    /// What it does.
    pub(crate) fn screen(self) -> &'static dyn Screen {
        ALL[self as usize]
    }
}

/// What the screens know.
#[derive(Debug, Default)]
pub(crate) struct Screens {
    actions: actions::Known,
    playbooks: playbooks::Known,
    rules: rules::Known,
    handover: handover::Known,
    status: status::Known,
}

impl Screens {
    /// When a hand is next asked about.
    pub(crate) fn wake(&self) -> Option<Timestamp> {
        [&self.actions.shelf, &self.playbooks.shelf, &self.rules.shelf].into_iter().filter_map(|s| s.due).min()
    }
}

/// A list: what of it is shown, and which row is in hand.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// Places in the whole list of the rows shown.
    pub(crate) shown: Vec<usize>,
    /// The row in hand.
    pub(crate) selected: usize,
    /// Words that stand in every row shown.
    pub(crate) q: String,
    /// Which selection of the list.
    pub(crate) view: usize,
    /// Whether the first answer came.
    pub(crate) known: bool,
    /// When to ask for the details of the hand.
    pub(crate) due: Option<Timestamp>,
}

impl Shelf {
    /// The place in the whole list of what is in hand.
    fn hand(&self) -> Option<usize> {
        self.shown.get(self.selected).copied()
    }
}

/// Pieces of a row.
pub(crate) type Cells = Vec<(Tone, String)>;

/// One screen: a list with details, or a page.
pub(crate) trait Screen: Sync {
    /// The keys that lead to it.
    fn keys(&self) -> &'static str;
    /// What it is called.
    fn name(&self, language: Language) -> &'static str;
    /// Asks for what it shows.
    fn load(&self, state: &mut State, out: &mut Vec<Command>);
    /// Whether what it shows changes by itself and is asked for again and again.
    fn live(&self) -> bool;
    /// Takes the answer to what was asked as `topic`.
    fn answer(&self, state: &mut State, topic: &str, result: Result<Value, Failure>, out: &mut Vec<Command>);
    /// Takes a key; false: none of this screen's.
    fn key(&self, state: &mut State, key: &str, out: &mut Vec<Command>) -> bool;
    /// Takes a line that was typed for `what`.
    fn typed(&self, state: &mut State, what: &str, text: &str, out: &mut Vec<Command>);
    /// A line for it was begun and given up.
    fn given_up(&self, _: &mut State) {}
    /// The keys that matter most, with what they do.
    fn hints(&self, state: &State) -> Vec<(&'static str, &'static str)>;
    /// The details, or the page.
    fn lines(&self, doc: &mut Doc<'_>);

    /// Its list; `None`: it is a page.
    fn shelf<'s>(&self, _: &'s Screens) -> Option<&'s Shelf> {
        None
    }
    /// The same, to change it.
    fn shelf_mut<'s>(&self, _: &'s mut Screens) -> Option<&'s mut Shelf> {
        None
    }
    /// The names of all rows of the whole list.
    fn ids<'s>(&self, _: &'s Screens) -> Vec<&'s str> {
        Vec::new()
    }
    /// Whether the row is of the selection and holds the words, which are in small letters.
    fn passes(&self, _: &Screens, _row: usize, _words: &str) -> bool {
        true
    }
    /// Asks for the details of a row.
    fn ask(&self, _: &mut State, _row: usize, _: &mut Vec<Command>) {}
    /// What the selection is called.
    fn view(&self, _: &State) -> String {
        String::new()
    }
    /// What is said where nothing is shown.
    fn empty(&self, _: Language) -> &'static str {
        ""
    }
    /// The pieces of a row in so many columns.
    fn cells(&self, _: &State, _row: usize, _columns: usize) -> Cells {
        Vec::new()
    }
}

/// Goes by so many rows.
pub(crate) fn go(state: &mut State, kind: Kind, by: isize) {
    let due = later(state.now, REST);
    let Some(shelf) = kind.screen().shelf_mut(&mut state.screens) else { return };
    let to = shelf.selected.saturating_add_signed(by).min(shelf.shown.len().saturating_sub(1));
    if to != shelf.selected {
        (shelf.selected, shelf.due) = (to, Some(due));
        state.line = 0;
    }
}

/// The whole list came, or what is shown of it is to be chosen anew. What was in hand stays in hand where it is still there.
fn arrange(state: &mut State, kind: Kind, held: Option<&str>) {
    let screen = kind.screen();
    let now = state.now;
    let Some(shelf) = screen.shelf(&state.screens) else { return };
    let words = shelf.q.to_lowercase();
    let ids = screen.ids(&state.screens);
    let shown: Vec<usize> = (0..ids.len()).filter(|row| screen.passes(&state.screens, *row, &words)).collect();
    let kept = held.and_then(|id| shown.iter().position(|row| ids[*row] == id));
    let Some(shelf) = screen.shelf_mut(&mut state.screens) else { return };
    shelf.selected = kept.unwrap_or(shelf.selected).min(shown.len().saturating_sub(1));
    shelf.shown = shown;
    if kept.is_none() {
        shelf.due = Some(now);
        state.line = 0;
    }
}

/// The name of what is in hand.
fn hand_id(state: &State, kind: Kind) -> Option<String> {
    let screen = kind.screen();
    let row = screen.shelf(&state.screens)?.hand()?;
    screen.ids(&state.screens).get(row).map(|id| (*id).to_owned())
}

/// Another selection or other words.
pub(crate) fn choose(state: &mut State, kind: Kind, change: impl FnOnce(&mut Shelf)) {
    let held = hand_id(state, kind);
    if let Some(shelf) = kind.screen().shelf_mut(&mut state.screens) {
        change(shelf);
    }
    arrange(state, kind, held.as_deref());
}

/// Asks about the hand of the screen that is shown, once it has rested.
pub(crate) fn rested(state: &mut State, out: &mut Vec<Command>, now: bool) {
    let Place::Screen(kind) = state.place else { return };
    let at = state.now;
    let Some(shelf) = kind.screen().shelf_mut(&mut state.screens) else { return };
    if shelf.due.is_some_and(|due| now || due <= at) {
        shelf.due = None;
        if let Some(row) = shelf.hand() {
            kind.screen().ask(state, row, out);
        }
    }
}

/// What an answer to this screen is for.
fn topic(kind: Kind, topic: &str) -> Purpose {
    Purpose::Screen(kind, topic.to_owned())
}

/// Has a line typed.
fn type_in(state: &mut State, kind: Kind, what: &str, title: String, text: &str) {
    state.prompt = Some(Prompt { title, input: Input::new(text), wanted: Wanted::Screen(kind, what.to_owned()) });
}

/// Whether the account may do this; says so if not.
fn allowed(state: &mut State, permission: &str) -> bool {
    let may = state.may(permission);
    if !may {
        state.say(state.words().no_permission, true);
    }
    may
}

/// Where the keys belong on arrival.
pub(crate) fn focus(kind: Kind, screens: &Screens) -> Focus {
    if kind.screen().shelf(screens).is_some() { Focus::List } else { Focus::Detail }
}
