//! Handing a shift over: one page that the system writes, a note that the person adds, one signature.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Kind, Screen, action::Action, topic, type_in};
use crate::{
    data::Incident,
    doc::{Doc, Target, Tone},
    message::{Ask, Command, Failure},
    state::State,
    text,
    update::read,
    words::{Language, fill, words},
};

words! {
    title: "Bàn giao ca", "Shift handover";
    hint_sign: "Ký bàn giao", "Sign";
    hint_since: "Ca bắt đầu từ", "Shift began";
    began: "Ca bắt đầu", "Shift began";
    last: "từ lần bàn giao trước", "since the last handover";
    none_yet: "8 giờ qua; chưa có lần bàn giao nào", "the last 8 hours; no shift was handed over yet";
    long_ago: "8 giờ qua; lần bàn giao trước là {}", "the last 8 hours; the last handover was {}";
    raised: "Cảnh báo mới", "Alerts raised";
    open: "Đang mở", "Alerts open";
    incidents: "Sự cố đang mở ({})", "Open incidents ({})";
    incidents_none: "Không có sự cố nào đang mở.", "No incident is open.";
    closed: "Sự cố đã kết luận trong ca ({})", "Incidents closed during the shift ({})";
    none: "Không có.", "None.";
    actions: "Lệnh còn dở hoặc đang hiệu lực ({})", "Actions that wait or are in force ({})";
    silent: "Nguồn log im lặng ({})", "Silent sources ({})";
    silent_none: "Mọi nguồn đều đang gửi.", "Every source sends.";
    silent_new: "mới im trong ca", "fell silent during the shift";
    rules: "Luật thay đổi trong ca ({})", "Rules changed during the shift ({})";
    on: "bật", "on";
    off: "tắt", "off";
    before: "Các ca trước dặn lại", "What the shifts before say";
    before_none: "Chưa có lần bàn giao nào.", "No shift was handed over yet.";
    no_note: "không dặn gì thêm", "nothing more to say";
    note: "Ký bàn giao · dặn ca sau, có thể để trống", "Sign the handover · a word to the next shift, or nothing";
    signed: "Đã bàn giao.", "Handed over.";
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Silent {
    id: String,
    host: Option<String>,
    last_seen: Timestamp,
    new: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Changed {
    id: String,
    enabled: bool,
    who: String,
    at: Timestamp,
    why: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Signed {
    at: Timestamp,
    who: String,
    note: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page {
    /// As the appliance wrote it: it is signed with it.
    since: String,
    began_by: String,
    alerts_raised: u64,
    alerts_open: u64,
    open_by_level: BTreeMap<String, u64>,
    incidents: Vec<Incident>,
    closed: Vec<Incident>,
    actions: Vec<Action>,
    silent: Vec<Silent>,
    rules: Vec<Changed>,
    handovers: Vec<Signed>,
}

/// What the screen knows.
#[derive(Debug, Default)]
pub(crate) struct Known {
    page: Option<Page>,
    /// Which of [`SINCE`].
    since: usize,
}

/// When the shift began, as the web offers it.
const SINCE: [&str; 4] = ["", "8h", "12h", "24h"];

/// The screen.
pub(super) struct Handover;

impl Screen for Handover {
    fn keys(&self) -> &'static str {
        "h"
    }

    fn name(&self, language: Language) -> &'static str {
        Words::of(language).title
    }

    fn load(&self, state: &mut State, out: &mut Vec<Command>) {
        let since = SINCE[state.screens.handover.since % SINCE.len()];
        let query = if since.is_empty() { Vec::new() } else { vec![("since", since.to_owned())] };
        out.push(Ask::get(topic(Kind::Handover, "page"), "/handover", query));
    }

    fn live(&self) -> bool {
        false // looking at it stands in the audit trail
    }

    fn answer(&self, state: &mut State, about: &str, result: Result<Value, Failure>, out: &mut Vec<Command>) {
        if about == "page" {
            if let Some(page) = read(state, result) {
                state.screens.handover.page = Some(page);
            }
            return;
        }
        if read::<Signed>(state, result).is_some() {
            state.say(Words::of(state.language).signed, false);
            self.load(state, out);
        }
    }

    fn key(&self, state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
        match key {
            "s" => {
                if state.screens.handover.page.is_some() && super::allowed(state, "incidents.work") {
                    type_in(state, Kind::Handover, "sign", Words::of(state.language).note.to_owned(), "");
                }
            }
            "r" => {
                state.screens.handover.since = (state.screens.handover.since + 1) % SINCE.len();
                self.load(state, out);
            }
            _ => return false,
        }
        true
    }

    fn typed(&self, state: &mut State, _: &str, text: &str, out: &mut Vec<Command>) {
        if let Some(page) = &state.screens.handover.page {
            out.push(Ask::post(topic(Kind::Handover, "signed"), "/handover", json!({ "since": page.since, "note": text })));
        }
    }

    fn hints(&self, state: &State) -> Vec<(&'static str, &'static str)> {
        let w = Words::of(state.language);
        vec![("s", w.hint_sign), ("r", w.hint_since), ("Enter", state.words().key_open)]
    }

    fn lines(&self, doc: &mut Doc<'_>) {
        let state = doc.state;
        let known = &state.screens.handover;
        match &known.page {
            Some(page) => draw(doc, page, known.since),
            None => doc.text(Tone::Dim, state.words().loading),
        }
    }
}

fn draw(doc: &mut Doc<'_>, page: &Page, since: usize) {
    let state = doc.state;
    let (w, all) = (Words::of(state.language), state.words());
    let number = |n: u64| text::number(n, state.language);
    let count = |n: usize| number(n as u64);
    doc.set_label(18);
    let began = page.since.parse().map(|at| text::full_instant(at, &state.zone)).unwrap_or_default();
    let how = match (page.began_by.as_str(), page.handovers.first()) {
        ("handover", _) => w.last.to_owned(),
        ("long_ago", Some(last)) => fill(w.long_ago, &[&text::full_instant(last.at, &state.zone)]),
        ("none_yet" | "long_ago", _) => w.none_yet.to_owned(),
        _ => text::range(SINCE[since % SINCE.len()], all),
    };
    doc.pair(w.began, Tone::Strong, &format!("{began} · {how}"), None);
    doc.pair(w.raised, Tone::Plain, &number(page.alerts_raised), None);
    let levels = [("critical", all.critical), ("high", all.high), ("medium", all.medium), ("low", all.low)];
    let by_level: Vec<String> = levels
        .into_iter()
        .filter_map(|(level, name)| page.open_by_level.get(level).filter(|n| **n > 0).map(|n| format!("{name} {}", number(*n))))
        .collect();
    let split = if by_level.is_empty() { String::new() } else { format!(" · {}", by_level.join(" · ")) };
    doc.pair(w.open, Tone::Plain, &format!("{}{split}", number(page.alerts_open)), None);
    incidents(doc, &fill(w.incidents, &[&count(page.incidents.len())]), &page.incidents, w.incidents_none);
    doc.head(&fill(w.actions, &[&count(page.actions.len())]));
    if page.actions.is_empty() {
        doc.text(Tone::Dim, w.none);
    }
    let words = super::action::Words::of(state.language);
    for action in &page.actions {
        let at = text::instant(action.requested.at, state.now, &state.zone);
        doc.pair(&at, action.tone(), &format!("{}: {}", action.what(words), action.stands(words)), None);
    }
    doc.head(&fill(w.silent, &[&count(page.silent.len())]));
    if page.silent.is_empty() {
        doc.text(Tone::Good, w.silent_none);
    }
    for source in &page.silent {
        let new = if source.new { format!(" · {}", w.silent_new) } else { String::new() };
        let ago = text::ago(source.last_seen, state.now, all);
        let name = source.host.as_deref().unwrap_or(&source.id);
        let target = Target::Entity { kind: "host".into(), value: name.to_owned() };
        doc.pair(
            name,
            if source.new { Tone::Bad } else { Tone::Plain },
            &format!("{ago}{new}"),
            Some(target).filter(|_| source.host.is_some()),
        );
    }
    doc.head(&fill(w.rules, &[&count(page.rules.len())]));
    if page.rules.is_empty() {
        doc.text(Tone::Dim, w.none);
    }
    for rule in &page.rules {
        let at = text::instant(rule.at, state.now, &state.zone);
        let stands = if rule.enabled { w.on } else { w.off };
        doc.pair(&at, Tone::Plain, &format!("{stands} · {} · {} ({})", rule.who, rule.why, rule.id), None);
    }
    incidents(doc, &fill(w.closed, &[&count(page.closed.len())]), &page.closed, w.none);
    doc.head(w.before);
    if page.handovers.is_empty() {
        doc.text(Tone::Dim, w.before_none);
    }
    for before in &page.handovers {
        let left = format!("{}  {}", text::instant(before.at, state.now, &state.zone), before.who);
        let note = if before.note.is_empty() { w.no_note } else { &before.note };
        doc.pair(&left, if before.note.is_empty() { Tone::Dim } else { Tone::Plain }, note, None);
    }
}

fn incidents(doc: &mut Doc<'_>, title: &str, list: &[Incident], none: &str) {
    doc.head(title);
    if list.is_empty() {
        doc.text(Tone::Dim, none);
    }
    list.iter().for_each(|i| doc.incident(i));
}
