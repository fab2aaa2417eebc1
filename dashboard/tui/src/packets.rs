//! Packets of an event or alert out of the packet ring, written to a file on this computer: the key, the answer, and what is shown of it.

use jiff::Timestamp;
use serde::Deserialize;
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
    off: "Nơi đó không ghi gói tin: đặt ring = {} trong [[sources.tap]] để ghi từ nay.", "No packets are kept there: set ring = {} in [[sources.tap]] to keep them from now on.";
    elsewhere: "Các bộ thu thập có thể giữ gói tin này không trả về. Lấy lại, hoặc xem lỗi ở g i.", "The collectors that may have the packets did not give them. Ask again, or see what is wrong under g i.";
    collector: "Bộ thu thập", "Collector";
    given: "{}: {} gói", "{}: {} packets";
    nothing: "{}: không có gói nào", "{}: none there";
    no_answer: "{}: không trả lời kịp, thiếu phần của nó", "{}: did not answer in time, its part is missing";
    failed: "{}: không đọc được vòng ghi, thiếu phần của nó", "{}: could not read its ring, its part is missing";
    unwhole: "{}: phần của nó về không nguyên vẹn nên bị bỏ", "{}: its part did not arrive whole and is missing";
    too_large: "{}: phần của nó không còn chỗ trong tệp", "{}: its part does not fit beside the others";
    clock: "{}: đồng hồ lệch nhiều phút, thiếu phần của nó", "{}: its clock differs by minutes, its part is missing";
    gone: "Vòng ghi không còn, hoặc chưa từng có gói tin của nó (keep_hours, max_mib).", "The ring has none of its packets any more, or never had (keep_hours, max_mib).";
    no_flow: "Sự kiện này không nêu luồng mạng nào (địa chỉ và cổng), nên không tìm được gói tin.", "This event names no flow (addresses and ports), so no packets can be looked for.";
    file: "Tệp", "File";
}

/// A file of packets that was written on this computer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SavedPackets {
    /// The event or alert.
    pub of: String,
    /// Where it lies.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// Packets in it.
    pub packets: u64,
    /// Time of the first.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
    /// Packets that the ring left out because the flow was long.
    pub cut: u64,
    /// Packets damaged on disk.
    pub damaged: u64,
    /// Packets beyond what one file holds.
    pub beyond: u64,
    /// Collectors that were asked.
    pub collectors: Vec<Answer>,
}

/// What came of asking a collector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// Its name.
    pub collector: String,
    /// As the API names it.
    pub outcome: String,
    /// Packets of its part.
    pub packets: u64,
}

impl Answer {
    /// In words, and whether packets may be missing because of it.
    fn told(&self, state: &State) -> (String, bool) {
        let words = Words::of(state.language);
        let (what, gap) = match self.outcome.as_str() {
            "given" => (words.given, false),
            "nothing" => (words.nothing, false),
            "failed" => (words.failed, true),
            "damaged" => (words.unwhole, true),
            "too_large" => (words.too_large, true),
            "clock" => (words.clock, true),
            _ => (words.no_answer, true),
        };
        (fill(what, &[&self.collector, &text::number(self.packets, state.language)]), gap)
    }
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
    let Some(saved) = read::<SavedPackets>(state, result) else { return };
    let count = text::number(saved.packets, state.language);
    let gaps: Vec<String> = saved.collectors.iter().map(|c| c.told(state)).filter(|(_, gap)| *gap).map(|(text, _)| text).collect();
    // what is missing stands first, where a narrow screen does not cut it
    let said = [gaps.as_slice(), &[fill(Words::of(state.language).saved, &[&count, &saved.file])]].concat().join(" · ");
    state.say(said, !gaps.is_empty());
    state.saved.retain(|s| s.file != saved.file);
    if state.saved.len() >= REMEMBERED {
        state.saved.remove(0);
    }
    state.saved.push(SavedPackets { of: id, ..saved });
}

/// Why there are none, where the appliance's code is known.
pub(crate) fn refusal(state: &State, code: &str) -> &'static str {
    let words = Words::of(state.language);
    match code {
        "FSP-API-025" => words.off,
        "FSP-API-026" => words.elsewhere,
        "FSP-API-027" => words.gone,
        "FSP-API-028" => words.no_flow,
        _ => "",
    }
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
    for saved in all {
        doc.pair(words.file, Tone::Strong, &saved.file, None);
        doc.pair("SHA-256", Tone::Plain, &saved.sha256, None);
        let at = |at| text::instant(at, state.now, &state.zone);
        let told = [text::number(saved.packets, state.language), text::bytes(saved.bytes), at(saved.first), at(saved.last)];
        doc.pair(state.words().packets, Tone::Plain, &fill(words.count, &[&told[0], &told[1], &told[2], &told[3]]), None);
        for answer in &saved.collectors {
            let (told, gap) = answer.told(state);
            doc.pair(words.collector, if gap { Tone::Bad } else { Tone::Plain }, &told, None);
        }
        for (n, what) in [(saved.cut, words.missing), (saved.damaged, words.damaged), (saved.beyond, words.beyond)] {
            if n > 0 {
                doc.pair("", Tone::Bad, &fill(what, &[&text::number(n, state.language)]), None);
            }
        }
    }
}
