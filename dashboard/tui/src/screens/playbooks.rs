//! Playbooks: runs with their steps, the task that a run waits for, and the playbooks that fit an incident.

use serde_json::{Value, json};

use super::{
    Cells, Kind, Screen, Screens, Shelf, allowed, arrange, choose, hand_id,
    run::{Playbook, Run, Words, draw_book, draw_run},
    topic, type_in,
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
    runs: Vec<Run>,
    run: Option<Run>,
    books: Vec<Playbook>,
    book: Option<Playbook>,
    /// The incident that a playbook is sought for.
    incident: Option<String>,
}

/// The selection that lists playbooks instead of runs.
const BOOKS: usize = 2;
const VIEWS: usize = 3;

impl Known {
    fn hand_run(&self) -> Option<&Run> {
        let row = self.shelf.hand().filter(|_| self.shelf.view != BOOKS)?;
        let run = self.runs.get(row)?;
        Some(self.run.as_ref().filter(|r| r.id == run.id).unwrap_or(run))
    }

    fn hand_book(&self) -> Option<&Playbook> {
        self.shelf.hand().filter(|_| self.shelf.view == BOOKS).and_then(|row| self.books.get(row))
    }
}

/// The screen.
pub(super) struct Playbooks;

impl Screen for Playbooks {
    fn keys(&self) -> &'static str {
        "g k"
    }

    fn name(&self, language: Language) -> &'static str {
        Words::of(language).title
    }

    fn load(&self, state: &mut State, out: &mut Vec<Command>) {
        out.push(Ask::get(topic(Kind::Playbooks, "runs"), "/runs", vec![("limit", "500".into())]));
        let known = &state.screens.playbooks;
        if known.books.is_empty() || known.shelf.view == BOOKS {
            let query = known.incident.clone().map(|i| ("incident", i)).into_iter().collect();
            out.push(Ask::get(topic(Kind::Playbooks, "books"), "/playbooks", query));
        }
    }

    fn live(&self) -> bool {
        true
    }

    fn answer(&self, state: &mut State, about: &str, result: Result<Value, Failure>, out: &mut Vec<Command>) {
        let held = hand_id(state, Kind::Playbooks);
        match about {
            "runs" => {
                let Some(List { items }) = read::<List<Run>>(state, result) else { return };
                let known = &mut state.screens.playbooks;
                if known
                    .run
                    .as_ref()
                    .is_some_and(|run| items.iter().any(|r| r.id == run.id && (r.state != run.state || r.steps.len() != run.steps.len())))
                {
                    known.shelf.due = Some(state.now);
                }
                (known.runs, known.shelf.known) = (items, true);
            }
            "books" => {
                let Some(List { mut items }) = read::<List<Playbook>>(state, result) else { return };
                items.sort_by_key(|b| !b.fits);
                state.screens.playbooks.books = items;
            }
            "run" => return state.screens.playbooks.run = read(state, result).or(state.screens.playbooks.run.take()),
            "book" => return state.screens.playbooks.book = read(state, result).or(state.screens.playbooks.book.take()),
            _ => {
                if let Some(run) = read::<Run>(state, result) {
                    let words = Words::of(state.language);
                    let title = state.language.pick(&run.title, Some(&run.title_vi)).to_owned();
                    let told = if about == "started" { words.started } else { words.answered };
                    state.say(fill(told, &[&title]), false);
                    let known = &mut state.screens.playbooks;
                    match known.runs.iter_mut().find(|r| r.id == run.id) {
                        Some(row) => *row = run.clone(),
                        None => known.runs.insert(0, run.clone()),
                    }
                    known.run = None;
                    if about == "started" {
                        state.screens.playbooks.shelf.view = 0;
                        state.screens.playbooks.shelf.selected = 0;
                    }
                    state.screens.playbooks.shelf.due = Some(state.now);
                    arrange(state, Kind::Playbooks, Some(&run.id));
                    return super::rested(state, out, false);
                }
                return self.load(state, out); // somebody else was faster, perhaps
            }
        }
        arrange(state, Kind::Playbooks, held.as_deref());
        super::rested(state, out, false);
    }

    fn key(&self, state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
        match key {
            "s" => {
                choose(state, Kind::Playbooks, |shelf| (shelf.view, shelf.selected) = ((shelf.view + 1) % VIEWS, 0));
                super::rested(state, out, true);
            }
            "a" => start(state),
            "d" => {
                let Some(run) = state.screens.playbooks.hand_run().filter(|r| ["running", "waiting"].contains(&r.state.as_str())) else {
                    return true;
                };
                let what = format!("cancel {}", run.id);
                if allowed(state, "response.act") {
                    type_in(state, Kind::Playbooks, &what, Words::of(state.language).stop.to_owned(), "");
                }
            }
            digit if digit.len() == 1 && digit.as_bytes()[0].is_ascii_digit() => answer(state, digit),
            _ => return false,
        }
        true
    }

    fn typed(&self, state: &mut State, what: &str, text: &str, out: &mut Vec<Command>) {
        let mut words = what.split(' ');
        let [verb, id, step, word] = std::array::from_fn(|_| words.next().unwrap_or_default().to_owned());
        match verb.as_str() {
            "cancel" => out.push(Ask::post(topic(Kind::Playbooks, "decided"), format!("/runs/{id}/cancel"), json!({ "reason": text }))),
            "answer" => {
                let body = json!({ "answer": word, "note": text });
                out.push(Ask::post(topic(Kind::Playbooks, "decided"), format!("/runs/{id}/tasks/{step}"), body));
            }
            _ => {
                if let Some(incident) = state.screens.playbooks.incident.clone() {
                    let body = json!({ "playbook": id, "incident": incident });
                    out.push(Ask::post(topic(Kind::Playbooks, "started"), "/runs", body));
                }
            }
        }
    }

    fn hints(&self, state: &State) -> Vec<(&'static str, &'static str)> {
        let w = Words::of(state.language);
        let all = state.words();
        vec![
            ("1-9", w.hint_answer),
            ("a", w.hint_start),
            ("d", w.hint_stop),
            ("s", all.hint_which),
            ("Enter", all.key_open),
            ("/", all.hint_filter),
        ]
    }

    fn shelf<'s>(&self, screens: &'s Screens) -> Option<&'s Shelf> {
        Some(&screens.playbooks.shelf)
    }

    fn shelf_mut<'s>(&self, screens: &'s mut Screens) -> Option<&'s mut Shelf> {
        Some(&mut screens.playbooks.shelf)
    }

    fn ids<'s>(&self, screens: &'s Screens) -> Vec<&'s str> {
        let known = &screens.playbooks;
        match known.shelf.view {
            BOOKS => known.books.iter().map(|b| b.id.as_str()).collect(),
            _ => known.runs.iter().map(|r| r.id.as_str()).collect(),
        }
    }

    fn passes(&self, screens: &Screens, row: usize, words: &str) -> bool {
        let known = &screens.playbooks;
        let holds = |texts: [&str; 3]| texts.into_iter().any(|t| t.to_lowercase().contains(words));
        if known.shelf.view == BOOKS {
            let b = &known.books[row];
            return holds([&b.id, &b.title, &b.title_vi]);
        }
        let r = &known.runs[row];
        let open = known.shelf.view != 0 || ["running", "waiting"].contains(&r.state.as_str());
        open && holds([&r.incident, &r.title, &r.title_vi])
    }

    fn ask(&self, state: &mut State, row: usize, out: &mut Vec<Command>) {
        let known = &state.screens.playbooks;
        match known.shelf.view {
            BOOKS => {
                if let Some(book) = known.books.get(row) {
                    out.push(Ask::get(topic(Kind::Playbooks, "book"), format!("/playbooks/{}", book.id), Vec::new()));
                }
            }
            _ => {
                if let Some(run) = known.runs.get(row) {
                    out.push(Ask::get(topic(Kind::Playbooks, "run"), format!("/runs/{}", run.id), Vec::new()));
                }
            }
        }
    }

    fn view(&self, state: &State) -> String {
        let w = Words::of(state.language);
        [w.view_open, w.view_all, w.view_books][state.screens.playbooks.shelf.view % VIEWS].to_owned()
    }

    fn empty(&self, language: Language) -> &'static str {
        Words::of(language).empty
    }

    fn cells(&self, state: &State, row: usize, columns: usize) -> Cells {
        let w = Words::of(state.language);
        let known = &state.screens.playbooks;
        if known.shelf.view == BOOKS {
            let b = &known.books[row];
            let steps = text::fit_right(&fill(w.steps, &[&b.steps.to_string()]), 9);
            let title = state.language.pick(&b.title, Some(&b.title_vi));
            let fits = if b.fits { w.fits } else { "" };
            return vec![
                (Tone::Good, text::fit(fits, 9)),
                (Tone::Plain, text::fit(title, columns.saturating_sub(9 + 9))),
                (Tone::Dim, steps),
            ];
        }
        let r = &known.runs[row];
        let tone = match r.state.as_str() {
            "waiting" => Tone::Strong,
            "running" => Tone::Good,
            _ => Tone::Dim,
        };
        let time = text::fit_right(&text::instant(r.started.at, state.now, &state.zone), 11);
        let waits = r.task.as_ref().map(|t| fill(w.waits_for, &[state.language.pick(&t.title, Some(&t.title_vi))])).unwrap_or_default();
        let title = state.language.pick(&r.title, Some(&r.title_vi));
        let rest = columns.saturating_sub(19 + 12);
        let task = if waits.is_empty() { 0 } else { rest / 2 };
        vec![
            (tone, text::fit(w.state(&r.state), 18)),
            (Tone::Plain, format!(" {}", text::fit(title, rest - task))),
            (Tone::Strong, if task > 0 { format!(" {}", text::fit(&waits, task - 1)) } else { String::new() }),
            (Tone::Dim, format!(" {time}")),
        ]
    }

    fn lines(&self, doc: &mut Doc<'_>) {
        let known = &doc.state.screens.playbooks;
        if let Some(book) = known.hand_book() {
            let book = known.book.as_ref().filter(|b| b.id == book.id).unwrap_or(book);
            return draw_book(doc, book, known.incident.as_ref());
        }
        if let Some(run) = known.hand_run() {
            draw_run(doc, run);
        }
    }
}

/// Goes to the playbooks, those that fit the incident first.
pub(crate) fn begin(state: &mut State, out: &mut Vec<Command>, incident: &str) {
    let known = &mut state.screens.playbooks;
    known.incident = Some(incident.to_owned());
    (known.shelf.view, known.shelf.selected) = (BOOKS, 0);
    known.shelf.q.clear();
    // those known are not yet sorted by what fits this incident
    known.books.clear();
    known.shelf.shown.clear();
    visit(state, Place::Screen(Kind::Playbooks), out);
}

fn start(state: &mut State) {
    let words = Words::of(state.language);
    let known = &state.screens.playbooks;
    let (Some(book), Some(incident)) = (known.hand_book(), &known.incident) else {
        return state.say(words.no_incident, false);
    };
    let title = fill(words.start, &[state.language.pick(&book.title, Some(&book.title_vi)), &text::cut(incident, 9)]);
    let what = format!("start {}", book.id);
    if allowed(state, "response.act") {
        type_in(state, Kind::Playbooks, &what, title, "");
    }
}

fn answer(state: &mut State, digit: &str) {
    let words = Words::of(state.language);
    let Some(run) = state.screens.playbooks.hand_run() else { return };
    let Some(task) = &run.task else { return state.say(words.no_task, false) };
    let Some(word) = digit.parse::<usize>().ok().and_then(|d| task.answers.get(d.wrapping_sub(1))) else { return };
    let what = format!("answer {} {} {word}", run.id, task.step);
    let title = fill(words.note, &[&words.outcome(word, state.language)]);
    if allowed(state, "response.act") {
        type_in(state, Kind::Playbooks, &what, title, "");
    }
}
