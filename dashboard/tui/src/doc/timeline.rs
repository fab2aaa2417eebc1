//! The timeline of an incident: everything that happened, in order, and how far the clocks are off that its times were read from.

use super::{Doc, Target, Tone};
use crate::{
    data::Timeline,
    text,
    words::{fill, words},
};

words! {
    head: "Dòng thời gian, giờ {}", "Timeline, {}";
    clock: "Cột thứ hai: đồng hồ của nguồn nhanh (+) hay chậm (−) so với trung tâm; ?: chưa đo được.", "Second column: how far the clock of the source is ahead (+) or behind (−); ?: not measured.";
    more: "Chưa đủ: còn sự kiện, cảnh báo hoặc quyết định khác.", "Not all of it: there are more events, alerts or decisions.";
    right: "đúng", "right";
}

/// Everything that happened in order; beside an event how far the clock is off that its time was read from.
pub(super) fn lines(doc: &mut Doc<'_>, timeline: &Timeline) {
    let state = doc.state;
    let words = Words::of(state.language);
    doc.head(&fill(words.head, &[&text::zone(state.now, &state.zone)]));
    if timeline.entries.iter().any(|e| e.kind == "event") {
        doc.text(Tone::Dim, words.clock);
    }
    for entry in &timeline.entries {
        let time = text::fit(&text::instant(entry.at, state.now, &state.zone), 12);
        let event = entry.kind == "event";
        let (tone, clock) = if event { skew(entry.skew, words) } else { (Tone::Dim, String::new()) };
        let said = state.language.pick(&entry.text, Some(&entry.text_vi));
        // a sentence of the story begins with its instant in UTC, which stands before it in the zone in use
        let said = said.split_once(" · ").filter(|(at, _)| at.parse::<jiff::Timestamp>().is_ok()).map_or(said, |(_, rest)| rest);
        let said = entry.who.as_deref().map_or_else(|| said.to_owned(), |who| format!("{who}: {said}"));
        let target = match entry.kind.as_str() {
            "event" => Some(Target::Search(format!("event.id:{}", entry.id))),
            "alert" => Some(Target::Alert(entry.id.clone())),
            _ => None,
        };
        let shown = if target.is_some() { Tone::Link } else { Tone::Plain };
        for (i, line) in text::wrap(&said, doc.columns.saturating_sub(23)).into_iter().enumerate() {
            let (time, clock) = if i == 0 { (time.as_str(), clock.as_str()) } else { ("", "") };
            let spans = vec![(Tone::Dim, text::fit(time, 12)), (tone, text::fit(clock, 11)), (shown, line)];
            doc.push(spans, target.clone());
        }
    }
    if !timeline.complete {
        doc.text(Tone::Bad, words.more);
    }
}

/// How far a clock is off; more than a minute misleads whoever reads the order.
fn skew(ns: Option<i64>, words: &Words) -> (Tone, String) {
    match ns {
        None => (Tone::Dim, "?".to_owned()),
        Some(ns) if ns.unsigned_abs() < 1_000_000 => (Tone::Dim, words.right.to_owned()),
        Some(ns) => {
            let tone = if ns.unsigned_abs() >= 60_000_000_000 { Tone::Bad } else { Tone::Dim };
            (tone, format!("{}{:.3} s", if ns < 0 { '−' } else { '+' }, ns.unsigned_abs() as f64 / 1e9))
        }
    }
}
