//! The event in hand: its record as received, and every field; a value leads to its page or to a search for it.

use super::{Doc, Target, Tone, entity::kind_of};
use crate::{packets, text};

pub(super) fn lines(doc: &mut Doc<'_>) {
    let state = doc.state;
    let words = state.words();
    if state.search.table.is_some() {
        return;
    }
    let Some(event) = state.search.list.current() else { return };
    let field = |name: &str| event.get(name).map(text::value).filter(|t| !t.is_empty());
    if let Some(at) = field("@timestamp").and_then(|t| t.parse().ok()) {
        let place = field("host.name").or_else(|| field("observer.name")).or_else(|| field("fansipan.source")).unwrap_or_default();
        doc.push(vec![(Tone::Strong, text::full_instant(at, &state.zone)), (Tone::Dim, format!("  {place}"))], None);
    }
    if let Some(message) = field("message") {
        doc.text(Tone::Plain, &message);
    }
    packets::shown(doc, [field("event.id").unwrap_or_default().as_str()]);
    doc.head(words.fields);
    let shown = || event.iter().filter(|(name, _)| !["message", "event.original", "fansipan.raw"].contains(&name.as_str()));
    doc.label = shown().map(|(name, _)| text::width(name)).max().unwrap_or(0).clamp(14, (doc.columns / 3).max(14));
    for (name, value) in shown() {
        let text = text::value(value);
        let target = match kind_of(name) {
            Some(kind) if value.is_string() => Target::Entity { kind: kind.to_owned(), value: text.clone() },
            _ => Target::Search(format!("{name}:\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
        };
        doc.pair(name, Tone::Link, &text, Some(target));
    }
    if let Some(record) = field("event.original").or_else(|| field("fansipan.raw")) {
        doc.head(words.original);
        doc.text(Tone::Plain, &record);
    }
}
