//! One action: its words, what the appliance tells of it, and how it is shown wherever it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    data::Level,
    doc::{Doc, Target, Tone},
    text,
    words::{fill, words},
};

words! { pub(super)
    title: "Ứng phó", "Response";
    view_all: "tất cả", "all";
    view_waiting: "chờ người", "waiting for somebody";
    view_in_force: "đang hiệu lực", "in force";
    empty: "Chưa có lệnh nào. Phím a đề nghị một lệnh; kịch bản ứng phó cũng đề nghị ở đây.", "No action here. The key a asks for one; playbooks ask here too.";
    hint_approve: "Duyệt", "Approve";
    hint_reject: "Không duyệt", "Refuse";
    hint_undo: "Gỡ, rút lại", "Undo";
    hint_by_hand: "Làm bằng tay", "Done by hand";
    hint_ask: "Đề nghị", "Ask";
    approve: "Duyệt: {} · ghi chú, có thể để trống", "Approve: {} · a note, or nothing";
    reject: "Không duyệt: {} · lý do", "Refuse: {} · why";
    undo: "Gỡ hoặc rút lại: {} · lý do", "Undo or take back: {} · why";
    by_hand: "Đã làm bằng tay: {} · đã làm gì", "Done by hand: {} · what was done";
    decided: "{}: {}", "{}: {}";
    not_now: "Lệnh này đang ở trạng thái “{}”: không làm việc đó được", "This action is “{}”: that cannot be done";
    block: "Chặn", "Block";
    disable: "Khóa tài khoản", "Disable the account";
    notify: "Thông báo", "Notify";
    proposed: "Chờ duyệt", "Proposed";
    approved: "Đã duyệt", "Approved";
    running: "Đang thực hiện", "Being done";
    done: "Đang hiệu lực", "In force";
    sent: "Đã gửi", "Sent";
    expired: "Hết hạn, đang gỡ", "Over, being undone";
    undoing: "Đang gỡ", "Being undone";
    undone: "Đã gỡ", "Undone";
    failed: "Thiết bị từ chối", "Refused by the device";
    handed_over: "Chuyển cho người", "Handed to a person";
    rejected: "Không được duyệt", "Not agreed to";
    cancelled: "Đã rút lại", "Taken back";
    watching: "Đang theo dõi", "Being watched";
    effective: "Có tác dụng", "It works";
    ineffective: "KHÔNG CÓ TÁC DỤNG", "NO EFFECT";
    unproven: "Chưa chứng minh được", "Not proven";
    unknown: "Không rõ", "Unknown";
    asked_by: "Người đề nghị", "Asked by";
    approved_by: "Người duyệt", "Approved by";
    second_person: "cần người khác với người đề nghị", "needs somebody else than who asked";
    anybody: "chưa ai duyệt", "nobody yet";
    why: "Lý do", "Why";
    in_force: "Có hiệu lực", "In force since";
    until: "Hết hạn", "Until";
    until_undone: "đến khi gỡ", "until it is undone";
    retry: "Thử lại", "Tried again";
    attempts: "lần thử {}", "try {}";
    answer: "Thiết bị nói", "The device says";
    worked: "Tác dụng", "Did it work";
    passed: "Còn lọt", "Still passing";
    stopped: "Đã chặn được", "Stopped";
    events: "{} sự kiện", "{} events";
    seen_by: "{} sự kiện, thấy qua {}", "{} events, seen by {}";
    counted: "Sự kiện đã đếm, giữ cùng lệnh này", "Events that were counted, kept with the action";
    got_through: "lọt", "got through";
    held_back: "đã chặn", "stopped";
    impact: "Ai bị ảnh hưởng", "Who is hit";
    impact_unknown: "Không đọc được sự kiện nên không biết ai bị ảnh hưởng.", "The events could not be read, so nobody knows who is hit.";
    impact_events: "{} sự kiện trong {} ngày qua", "{} events in the last {} days";
    users: "Tài khoản", "Accounts";
    hosts: "Máy", "Hosts";
    peers: "Đầu bên kia", "Other ends";
    services: "Cổng đích", "Ports";
    plan: "Thiết bị được bảo làm gì", "What the device is told";
    journal: "Nhật ký từng bước", "Every step";
    incident: "Sự cố", "Incident";
    run: "Kịch bản", "Playbook";
    events_of: "Mọi điều về nó", "All about it";
    step_requested: "Đề nghị", "Asked for";
    step_approved: "Duyệt", "Approved";
    step_rejected: "Không duyệt", "Refused";
    step_cancelled: "Rút lại", "Taken back";
    step_begun: "Bắt đầu", "Begun";
    step_applied: "Có hiệu lực", "In force";
    step_later: "Thử lại sau", "Later again";
    step_looked_up: "Đã hỏi thiết bị", "The device was asked";
    step_refused: "Bị từ chối", "Refused";
    step_handed_over: "Chuyển cho người", "Handed to a person";
    step_by_hand: "Làm bằng tay", "Done by hand";
    step_verified: "Kiểm chứng", "Verified";
    step_expired: "Hết hạn", "Time is over";
    step_undo: "Yêu cầu gỡ", "To be undone";
    step_undone: "Đã gỡ", "Undone";
}

impl Words {
    /// Of a state of an action.
    pub(super) fn state<'a>(&'a self, state: &'a str) -> &'a str {
        match state {
            "proposed" => self.proposed,
            "approved" => self.approved,
            "running" => self.running,
            "done" => self.done,
            "expired" => self.expired,
            "undoing" => self.undoing,
            "undone" => self.undone,
            "failed" => self.failed,
            "handed_over" => self.handed_over,
            "rejected" => self.rejected,
            "cancelled" => self.cancelled,
            other => other,
        }
    }

    /// Of a kind of action.
    pub(super) fn kind<'a>(&'a self, kind: &'a str) -> &'a str {
        match kind {
            "block" => self.block,
            "disable" => self.disable,
            "notify" => self.notify,
            other => other,
        }
    }

    /// Of a finding.
    pub(super) fn verdict<'a>(&'a self, verdict: &'a str) -> &'a str {
        match verdict {
            "watching" => self.watching,
            "effective" => self.effective,
            "ineffective" => self.ineffective,
            "unproven" => self.unproven,
            "unknown" => self.unknown,
            "none" => "",
            other => other,
        }
    }

    /// Of a step in a journal.
    fn step<'a>(&'a self, step: &'a str) -> &'a str {
        match step {
            "requested" => self.step_requested,
            "approved" => self.step_approved,
            "rejected" => self.step_rejected,
            "cancelled" => self.step_cancelled,
            "begun" => self.step_begun,
            "applied" => self.step_applied,
            "later" => self.step_later,
            "looked_up" => self.step_looked_up,
            "refused" => self.step_refused,
            "handed_over" => self.step_handed_over,
            "by_hand" => self.step_by_hand,
            "verified" => self.step_verified,
            "expired" => self.step_expired,
            "undo" => self.step_undo,
            "undone" => self.step_undone,
            other => other,
        }
    }
}

/// Who decided, and when.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Who {
    pub(super) who: String,
    pub(super) at: Timestamp,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Seen {
    name: String,
    count: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Impact {
    days: u32,
    events: u64,
    peers: Vec<Seen>,
    hosts: Vec<Seen>,
    users: Vec<Seen>,
    services: Vec<Seen>,
    known: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Verification {
    pub(super) verdict: String,
    passed: u64,
    via: Vec<String>,
    stopped: u64,
    pub(super) text: String,
    text_vi: String,
    events: Vec<Counted>,
}

/// An event that was counted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Counted {
    id: String,
    at: Timestamp,
    passed: bool,
    via: String,
    record: String,
}

/// One entry of a journal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    pub(super) at: Timestamp,
    pub(super) who: String,
    pub(super) step: String,
    pub(super) text: String,
    text_vi: String,
}

/// An action, of the list or with its dry run and journal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Action {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) target: String,
    pub(super) device: String,
    level: Level,
    pub(super) state: String,
    pub(super) reason: String,
    pub(super) incident: Option<String>,
    run: Option<String>,
    pub(super) requested: Who,
    approved: Option<Who>,
    pub(super) two_person: bool,
    seconds: Option<i64>,
    done: Option<Timestamp>,
    expires: Option<Timestamp>,
    retry: Option<Timestamp>,
    attempts: u32,
    answer: String,
    answer_vi: String,
    pub(super) verification: Verification,
    plan: Vec<String>,
    impact: Option<Impact>,
    pub(super) parameters: BTreeMap<String, String>,
    journal: Vec<Entry>,
}

impl Action {
    /// What it is, in one line.
    pub(super) fn what(&self, words: &Words) -> String {
        let target = if self.target.is_empty() { self.parameters.get("subject").map_or("", String::as_str) } else { &self.target };
        let kind = words.kind(&self.kind);
        if target.is_empty() { format!("{kind} · {}", self.device) } else { format!("{kind} {target} · {}", self.device) }
    }

    /// Of where it stands: what was told to people is not in force but sent.
    pub(super) fn stands<'a>(&'a self, words: &'a Words) -> &'a str {
        if self.kind == "notify" && self.state == "done" { words.sent } else { words.state(&self.state) }
    }

    pub(super) fn tone(&self) -> Tone {
        match self.state.as_str() {
            "proposed" | "handed_over" => Tone::Strong,
            "failed" => Tone::Bad,
            "done" if self.verification.verdict == "ineffective" => Tone::Bad,
            "done" => Tone::Good,
            _ => Tone::Dim,
        }
    }
}

/// Where it stands, who is hit, whether it worked, every step.
pub(super) fn draw(doc: &mut Doc<'_>, a: &Action) {
    let state = doc.state;
    let w = Words::of(state.language);
    let mark = format!(" {} ", state.words().level(a.level));
    doc.push(vec![(Tone::Level(a.level), mark), (Tone::Strong, format!(" {}", a.what(w)))], None);
    doc.push(vec![(a.tone(), format!("● {}", a.stands(w)))], None);
    verified(doc, a);
    let by = |who: &Who| format!("{} · {}", who.who, text::instant(who.at, state.now, &state.zone));
    doc.pair(w.asked_by, Tone::Plain, &by(&a.requested), None);
    let approved = match &a.approved {
        Some(who) => by(who),
        None if a.two_person => w.second_person.to_owned(),
        None => w.anybody.to_owned(),
    };
    doc.pair(w.approved_by, if a.state == "proposed" { Tone::Strong } else { Tone::Plain }, &approved, None);
    doc.pair(w.why, Tone::Plain, &a.reason, None);
    for (name, value) in &a.parameters {
        doc.pair(name, Tone::Plain, value, None);
    }
    times(doc, a);
    if !a.answer.is_empty() {
        doc.pair(
            w.answer,
            if a.state == "failed" { Tone::Bad } else { Tone::Plain },
            state.language.pick(&a.answer, Some(&a.answer_vi)),
            None,
        );
    }
    if let Some(incident) = &a.incident {
        doc.pair(w.incident, Tone::Link, incident, Some(Target::Incident(incident.clone())));
    }
    if let Some(run) = &a.run {
        doc.pair(w.run, Tone::Plain, run, None);
    }
    if !a.target.is_empty() {
        let target = Target::Entity { kind: String::new(), value: a.target.clone() };
        doc.pair(w.events_of, Tone::Link, &a.target, Some(target));
    }
    counted(doc, a);
    hit(doc, a);
    if !a.plan.is_empty() {
        doc.head(w.plan);
        a.plan.iter().for_each(|line| doc.text(Tone::Plain, line));
    }
    if !a.journal.is_empty() {
        doc.head(w.journal);
        a.journal.iter().for_each(|entry| entry_line(doc, entry, w.step(&entry.step)));
    }
}

/// A step of a journal: when, what, who, and what was said.
pub(super) fn entry_line(doc: &mut Doc<'_>, entry: &Entry, step: &str) {
    let at = text::instant(entry.at, doc.state.now, &doc.state.zone);
    let said = doc.state.language.pick(&entry.text, Some(&entry.text_vi));
    let told = if said.is_empty() { String::new() } else { format!(": {said}") };
    doc.pair(&at, Tone::Plain, &format!("{step} · {}{told}", entry.who), None);
}

fn times(doc: &mut Doc<'_>, a: &Action) {
    let state = doc.state;
    let w = Words::of(state.language);
    let shown = |at: Timestamp| text::full_instant(at, &state.zone);
    if let Some(done) = a.done {
        doc.pair(w.in_force, Tone::Plain, &shown(done), None);
    }
    let until = match (a.expires, a.seconds) {
        (Some(at), _) => Some(shown(at)),
        (None, Some(seconds)) => Some(text::span(seconds, state.words())),
        (None, None) => (a.kind != "notify").then(|| w.until_undone.to_owned()),
    };
    if let Some(until) = until {
        doc.pair(w.until, Tone::Plain, &until, None);
    }
    if let Some(retry) = a.retry {
        let told = format!("{} · {}", shown(retry), fill(w.attempts, &[&(a.attempts + 1).to_string()]));
        doc.pair(w.retry, Tone::Strong, &told, None);
    }
}

fn verified(doc: &mut Doc<'_>, a: &Action) {
    let state = doc.state;
    let w = Words::of(state.language);
    let v = &a.verification;
    if v.verdict.is_empty() || v.verdict == "none" {
        return;
    }
    let tone = match v.verdict.as_str() {
        "effective" => Tone::Good,
        "ineffective" => Tone::Bad,
        _ => Tone::Strong,
    };
    let told = state.language.pick(&v.text, Some(&v.text_vi));
    doc.pair(w.worked, tone, &format!("{} · {told}", w.verdict(&v.verdict)), None);
    let number = |n: u64| text::number(n, state.language);
    if v.passed > 0 {
        doc.pair(w.passed, Tone::Bad, &fill(w.seen_by, &[&number(v.passed), &v.via.join(", ")]), None);
    }
    if v.stopped > 0 {
        doc.pair(w.stopped, Tone::Good, &fill(w.events, &[&number(v.stopped)]), None);
    }
}

/// The events that speak for or against it, kept with it.
fn counted(doc: &mut Doc<'_>, a: &Action) {
    let state = doc.state;
    let w = Words::of(state.language);
    if a.verification.events.is_empty() {
        return;
    }
    doc.head(w.counted);
    for event in &a.verification.events {
        let at = text::instant(event.at, state.now, &state.zone);
        let (tone, what) = if event.passed { (Tone::Bad, w.got_through) } else { (Tone::Good, w.held_back) };
        let target = Target::Search(format!("event.id:{}", event.id));
        doc.pair(&at, tone, &format!("{what} · {} · {}", event.via, event.record), Some(target));
    }
}

fn hit(doc: &mut Doc<'_>, a: &Action) {
    let state = doc.state;
    let w = Words::of(state.language);
    let Some(impact) = a.impact.as_ref().filter(|_| a.kind != "notify") else { return };
    doc.head(w.impact);
    if !impact.known {
        return doc.text(Tone::Bad, w.impact_unknown);
    }
    let events = text::number(impact.events, state.language);
    doc.text(Tone::Plain, &fill(w.impact_events, &[&events, &impact.days.to_string()]));
    for (name, seen) in [(w.hosts, &impact.hosts), (w.users, &impact.users), (w.peers, &impact.peers), (w.services, &impact.services)] {
        if !seen.is_empty() {
            let told: Vec<String> = seen.iter().map(|s| format!("{} ({})", s.name, text::compact(s.count))).collect();
            doc.pair(name, Tone::Plain, &told.join(", "), None);
        }
    }
}
