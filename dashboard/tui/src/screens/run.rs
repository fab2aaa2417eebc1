//! A run of a playbook, and a playbook: their words, what the appliance tells of them, how they are shown.

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    action::{self, Entry, Who, entry_line},
    actions,
};
use crate::{
    doc::{Doc, Target, Tone},
    text,
    words::{Language, fill, words},
};

words! { pub(super)
    title: "Kịch bản", "Playbooks";
    view_open: "đang chạy, chờ người", "running or waiting";
    view_all: "mọi lần chạy", "every run";
    view_books: "các kịch bản", "the playbooks";
    empty: "Không có gì. Phím s đổi danh sách; phím p trong một sự cố chạy kịch bản cho sự cố đó.", "Nothing here. The key s changes the list; p in an incident starts one for it.";
    hint_answer: "Trả lời", "Answer";
    hint_start: "Chạy", "Start";
    hint_stop: "Dừng", "Stop";
    running: "Đang chạy", "Running";
    waiting: "Chờ người", "Waits for a person";
    done: "Đã xong", "Done";
    cancelled: "Đã dừng", "Stopped";
    waits_for: "Chờ: {}", "Waits for: {}";
    task: "Việc của người", "For a person to do";
    since: "Chờ từ", "Waiting since";
    answers: "Phím số", "Digit";
    note: "{} · ghi chú, có thể để trống", "{} · a note, or nothing";
    stop: "Dừng kịch bản: các lệnh đã đề nghị vẫn giữ · lý do", "Stop the playbook: the actions it asked for stay · why";
    start: "Chạy “{}” cho sự cố {} · Enter: chạy, Esc: thôi", "Start “{}” for incident {} · Enter: start, Esc: stop";
    started: "Đang chạy: {}", "Started: {}";
    no_incident: "Mở một sự cố rồi bấm p để chạy kịch bản cho sự cố đó", "Open an incident, then press p, to start a playbook for it";
    no_task: "Lần chạy này không chờ ai", "This run waits for nobody";
    fits: "phù hợp", "fits";
    fits_it: "Phù hợp sự cố đang mở", "Fits the incident";
        steps: "{} bước", "{} steps";
    steps_done: "Các bước", "Steps";
    under_way: "đang thực hiện", "under way";
    wakes: "Đi tiếp lúc", "Goes on at";
    started_by: "Người chạy", "Started by";
    incident: "Sự cố", "Incident";
    journal: "Nhật ký", "Every move";
    text: "Nội dung", "Its text";
    file: "Tệp", "File";
    group: "Nhóm sự cố", "Incident group";
    goes_on: "tiếp ở {}", "on at {}";
    answered: "Đã ghi: {}", "Recorded: {}";
}

impl Words {
    /// Of a state of a run.
    pub(super) fn state<'a>(&'a self, state: &'a str) -> &'a str {
        match state {
            "running" => self.running,
            "waiting" => self.waiting,
            "done" => self.done,
            "cancelled" => self.cancelled,
            other => other,
        }
    }

    /// Of an answer or outcome; an operator's own stand as written.
    pub(super) fn outcome(&self, outcome: &str, language: Language) -> String {
        if let Some((_, vietnamese, english)) = OUTCOMES.iter().find(|(word, ..)| *word == outcome) {
            return language.pick(english, Some(vietnamese)).to_owned();
        }
        match outcome.strip_prefix("to ") {
            Some(step) => fill(self.goes_on, &[step]),
            None => action::Words::of(language).state(outcome).to_owned(),
        }
    }
}

/// The answers and outcomes that shipped playbooks use, as the web names them.
const OUTCOMES: [(&str, &str, &str); 37] = [
    ("done", "Xong", "Done"),
    ("skipped", "Bỏ qua", "Skipped"),
    ("not_needed", "Không cần", "Not needed"),
    ("real", "Là thật", "Real"),
    ("false_alarm", "Báo nhầm", "False alarm"),
    ("yes", "Có", "Yes"),
    ("no", "Không", "No"),
    ("few_sources", "Ít nguồn", "Few sources"),
    ("many_sources", "Nhiều nguồn", "Many sources"),
    ("asked", "Đã đề nghị", "Asked for"),
    ("reported", "Đã báo cáo", "Reported"),
    ("not_required", "Không bắt buộc", "Not required"),
    ("nobody", "Không ai", "Nobody"),
    ("some", "Có người", "Some"),
    ("only_here", "Chỉ ở đây", "Only here"),
    ("others", "Còn máy khác", "Others too"),
    ("tried_only", "Mới thử", "Only tried"),
    ("got_in", "Đã vào được", "Got in"),
    ("safe", "An toàn", "Safe"),
    ("lost", "Đã mất", "Lost"),
    ("nothing", "Không có gì", "Nothing"),
    ("something", "Có", "Something"),
    ("internal", "Dữ liệu nội bộ", "Internal data"),
    ("personal", "Dữ liệu cá nhân", "Personal data"),
    ("secret", "Bí mật nhà nước", "State secrets"),
    ("contained", "Đã cô lập", "Contained"),
    ("not_yet", "Chưa", "Not yet"),
    ("power", "Điện", "Power"),
    ("line", "Đường truyền", "Line"),
    ("hardware", "Phần cứng", "Hardware"),
    ("software", "Phần mềm", "Software"),
    ("attack", "Tấn công", "Attack"),
    ("running", "Đã chạy dự phòng", "Spare is running"),
    ("no_spare", "Không có dự phòng", "No spare"),
    ("setting", "Cấu hình", "Setting"),
    ("data", "Dữ liệu", "Data"),
    ("access", "Quyền truy cập", "Access"),
];

/// What a person is asked to do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Task {
    pub(super) step: String,
    pub(super) title: String,
    pub(super) title_vi: String,
    pub(super) advice: String,
    pub(super) advice_vi: String,
    pub(super) answers: Vec<String>,
    pub(super) since: Timestamp,
}

/// A step that a run reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    pub(super) title: String,
    pub(super) title_vi: String,
    pub(super) outcome: String,
    pub(super) actions: Vec<String>,
    pub(super) began: Timestamp,
    pub(super) who: Option<String>,
    pub(super) note: String,
    note_vi: String,
}

/// A run of a playbook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) incident: String,
    pub(super) title: String,
    pub(super) title_vi: String,
    pub(super) started: Who,
    pub(super) state: String,
    pub(super) wake: Option<Timestamp>,
    pub(super) task: Option<Task>,
    pub(super) steps: Vec<Step>,
    pub(super) journal: Vec<Entry>,
}

/// A playbook, of the list or with its text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Playbook {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) title_vi: String,
    pub(super) summary: String,
    pub(super) summary_vi: String,
    pub(super) group: String,
    pub(super) steps: u64,
    pub(super) fits: bool,
    pub(super) text: Vec<String>,
    pub(super) file: String,
}

/// A run: what a person is asked, its steps, every move.
pub(super) fn draw_run(doc: &mut Doc<'_>, run: &Run) {
    let state = doc.state;
    let w = Words::of(state.language);
    doc.text(Tone::Strong, state.language.pick(&run.title, Some(&run.title_vi)));
    let tone = if run.state == "waiting" { Tone::Strong } else { Tone::Dim };
    doc.push(vec![(tone, format!("● {}", w.state(&run.state)))], None);
    if let Some(task) = &run.task {
        doc.head(w.task);
        doc.text(Tone::Strong, state.language.pick(&task.title, Some(&task.title_vi)));
        doc.text(Tone::Plain, state.language.pick(&task.advice, Some(&task.advice_vi)));
        doc.pair(w.since, Tone::Plain, &text::ago(task.since, state.now, state.words()), None);
        let answers: Vec<String> =
            task.answers.iter().enumerate().map(|(i, a)| format!("{} {}", i + 1, w.outcome(a, state.language))).collect();
        doc.pair(w.answers, Tone::Good, &answers.join("   "), None);
    }
    doc.head(w.steps_done);
    for step in &run.steps {
        let at = text::instant(step.began, state.now, &state.zone);
        let outcome = if step.outcome.is_empty() { w.under_way.to_owned() } else { w.outcome(&step.outcome, state.language) };
        let who = step.who.as_ref().map(|who| format!(" · {who}")).unwrap_or_default();
        let note = state.language.pick(&step.note, Some(&step.note_vi));
        let note = if note.is_empty() { String::new() } else { format!(" · {note}") };
        let title = state.language.pick(&step.title, Some(&step.title_vi));
        doc.pair(&at, Tone::Plain, &format!("{title}: {outcome}{who}{note}"), None);
        let known = &state.screens.actions;
        for id in &step.actions {
            let told = actions::told(known, id, state.language).unwrap_or_else(|| id.clone());
            doc.pair("", Tone::Dim, &format!("→ {told}"), None);
        }
    }
    doc.push(Vec::new(), None);
    if let Some(wake) = run.wake {
        doc.pair(w.wakes, Tone::Plain, &text::full_instant(wake, &state.zone), None);
    }
    doc.pair(w.started_by, Tone::Plain, &format!("{} · {}", run.started.who, text::instant(run.started.at, state.now, &state.zone)), None);
    doc.pair(w.incident, Tone::Link, &run.incident, Some(Target::Incident(run.incident.clone())));
    if !run.journal.is_empty() {
        doc.head(w.journal);
        run.journal.iter().for_each(|entry| entry_line(doc, entry, &entry.step));
    }
}

/// A playbook: what it is for, whether it fits the incident, its text.
pub(super) fn draw_book(doc: &mut Doc<'_>, book: &Playbook, incident: Option<&String>) {
    let state = doc.state;
    let w = Words::of(state.language);
    doc.text(Tone::Strong, state.language.pick(&book.title, Some(&book.title_vi)));
    doc.text(Tone::Plain, state.language.pick(&book.summary, Some(&book.summary_vi)));
    if let Some(incident) = incident {
        if book.fits {
            doc.text(Tone::Good, w.fits_it);
        }
        doc.pair(w.incident, Tone::Link, incident, Some(Target::Incident(incident.clone())));
    }
    doc.pair(w.group, Tone::Plain, &book.group, None);
    if !book.file.is_empty() {
        doc.pair(w.file, Tone::Dim, &book.file, None);
    }
    if !book.text.is_empty() {
        doc.head(w.text);
        doc.verbatim(&book.text);
    }
}
