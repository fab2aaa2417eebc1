//! Packets of an event or alert out of the packet ring, written to a file on this computer: the key, the answer, and what is shown of it.

use fansipan_cli::{
    client::{AnswerOutcome, CollectorAnswer},
    verbs::KeptPackets,
};
use serde_json::Value;

use crate::{
    doc::{self, Doc, Target, Tone},
    input::Input,
    message::{Ask, Command, Failure, Purpose},
    state::{Focus, Place, Prompt, State, Wanted},
    text,
    update::read,
    words::{fill, words},
};

words! {
    to_where: "Lưu gói tin vào tệp trên máy này · Enter: lấy, Esc: thôi", "Save its packets to a file on this computer · Enter: fetch, Esc: stop";
    asked: "Đang lấy gói tin…", "Fetching packets…";
    saved: "Đã lưu {} gói tin: {}", "{} packets saved: {}";
    head: "Gói tin đã lưu trên máy này", "Packets saved on this computer";
    count: "{} gói, {} · {} – {}", "{} packets, {} · {} – {}";
    missing: "{} gói không có: vòng ghi chỉ giữ phần đầu của luồng dài", "{} packets are not there: the ring keeps the beginning of a long flow";
    damaged: "{} gói hỏng trên đĩa, đã bỏ ra", "{} packets are damaged on disk and left out";
    beyond: "{} gói vượt quá một tệp: lấy ít phút hơn bằng fansipan packets --minutes", "{} packets are beyond one file: take fewer minutes with fansipan packets --minutes";
    of_what: "Chọn một cảnh báo hoặc sự kiện trước", "Choose an alert or event first";
    collector: "Bộ thu thập", "Collector";
    given: "{}: {} gói", "{}: {} packets";
    nothing: "{}: không có gói nào", "{}: none there";
    no_answer: "{}: không trả lời kịp, thiếu phần của nó", "{}: did not answer in time, its part is missing";
    failed: "{}: không đọc được vòng ghi, thiếu phần của nó", "{}: could not read its ring, its part is missing";
    unwhole: "{}: phần của nó về không nguyên vẹn nên bị bỏ", "{}: its part did not arrive whole and is missing";
    too_large: "{}: phần của nó không còn chỗ trong tệp", "{}: its part does not fit beside the others";
    clock: "{}: đồng hồ lệch nhiều phút, thiếu phần của nó", "{}: its clock differs by minutes, its part is missing";
    file: "Tệp", "File";
}

/// A file of packets that was written on this computer.
#[derive(Clone, Debug)]
pub struct SavedPackets {
    /// The event or alert.
    pub of: String,
    /// The file.
    pub kept: KeptPackets,
}

/// What came of asking a collector, in words, and whether packets may be missing because of it.
fn told(answer: &CollectorAnswer, state: &State) -> (String, bool) {
    let words = Words::of(state.language);
    let what = match answer.outcome {
        AnswerOutcome::Given => words.given,
        AnswerOutcome::Nothing => words.nothing,
        AnswerOutcome::NoAnswer => words.no_answer,
        AnswerOutcome::Failed => words.failed,
        AnswerOutcome::Damaged => words.unwhole,
        AnswerOutcome::TooLarge => words.too_large,
        AnswerOutcome::Clock => words.clock,
    };
    (fill(what, &[&answer.collector, &text::number(answer.packets, state.language)]), answer.outcome.leaves_a_gap())
}

/// Files remembered.
const REMEMBERED: usize = 50;
/// What a search for one event begins with.
const ONE: &str = "event.id:";

/// Asks where the packets of what is in hand are to be written.
pub(crate) fn begin(state: &mut State) {
    let words = Words::of(state.language);
    if !state.may("packets.read") {
        return state.say(state.words().no_permission, true);
    }
    let Some(id) = subject(state) else { return state.say(words.of_what, false) };
    let name: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let title = words.to_where.to_owned();
    state.prompt = Some(Prompt { title, input: Input::new(&format!("fansipan-{name}.pcapng")), wanted: Wanted::Packets(id) });
}

/// The event of the line in hand, or else what the list has in hand.
fn subject(state: &State) -> Option<String> {
    if state.focus == Focus::Detail
        && let Some(Target::Search(q)) = doc::build(state).into_iter().nth(state.line).and_then(|line| line.target)
        && let Some(id) = q.strip_prefix(ONE)
    {
        return Some(id.trim_matches('"').to_owned());
    }
    match state.place {
        Place::Alerts => state.alerts.hand.clone(),
        Place::Search if state.search.table.is_none() => state.search.list.current()?.get("event.id").map(text::value),
        _ => None,
    }
}

/// Fetches them.
pub(crate) fn fetch(state: &mut State, out: &mut Vec<Command>, id: &str, file: &str) {
    if file.is_empty() {
        return;
    }
    state.say(Words::of(state.language).asked, false);
    out.push(Ask::keep(Purpose::Packets(id.to_owned()), format!("/packets/{id}"), file));
}

/// They are there, or why not.
pub(crate) fn answer(state: &mut State, id: String, result: Result<Value, Failure>) {
    let Some(kept) = read::<KeptPackets>(state, result) else { return };
    let count = text::number(kept.figures.packets, state.language);
    let gaps: Vec<String> = kept.figures.collectors.iter().map(|c| told(c, state)).filter(|(_, gap)| *gap).map(|(text, _)| text).collect();
    // what is missing stands first, where a narrow screen does not cut it
    let said = [gaps.as_slice(), &[fill(Words::of(state.language).saved, &[&count, &kept.file])]].concat().join(" · ");
    state.say(said, !gaps.is_empty());
    state.saved.retain(|s| s.kept.file != kept.file);
    if state.saved.len() >= REMEMBERED {
        state.saved.remove(0);
    }
    state.saved.push(SavedPackets { of: id, kept });
}

/// Files of packets of any of these events or alerts.
pub(crate) fn shown<'i>(doc: &mut Doc<'_>, of: impl IntoIterator<Item = &'i str>) {
    let (state, words) = (doc.state, Words::of(doc.state.language));
    let of: Vec<&str> = of.into_iter().collect();
    let all: Vec<_> = state.saved.iter().rev().filter(|s| of.contains(&s.of.as_str())).collect();
    if all.is_empty() {
        return;
    }
    doc.head(words.head);
    for SavedPackets { kept: KeptPackets { file, figures }, .. } in all {
        doc.pair(words.file, Tone::Strong, file, None);
        doc.pair("SHA-256", Tone::Plain, &figures.sha256, None);
        let at = |at: &str| at.parse().map_or_else(|_| at.to_owned(), |at| text::instant(at, state.now, &state.zone));
        let [count, size] = [text::number(figures.packets, state.language), text::bytes(figures.bytes)];
        doc.pair(state.words().packets, Tone::Plain, &fill(words.count, &[&count, &size, &at(&figures.first), &at(&figures.last)]), None);
        for answer in &figures.collectors {
            let (told, gap) = told(answer, state);
            doc.pair(words.collector, if gap { Tone::Bad } else { Tone::Plain }, &told, None);
        }
        for (n, what) in [(figures.cut, words.missing), (figures.damaged, words.damaged), (figures.beyond, words.beyond)] {
            if n > 0 {
                doc.pair("", Tone::Bad, &fill(what, &[&text::number(n, state.language)]), None);
            }
        }
    }
}
