//! The source in hand: who it is, how well it is understood, and its ledger of received and lost.

use super::{Doc, Target, Tone};
use crate::{text, words::fill};

pub(super) fn lines(doc: &mut Doc<'_>) {
    let state = doc.state;
    let words = state.words();
    let shown = state.sources_shown();
    let Some(source) = shown.get(state.sources.selected) else { return };
    doc.text(Tone::Strong, &source.id);
    let (tone, standing) = if source.active { (Tone::Good, words.state_active) } else { (Tone::Bad, words.state_silent) };
    let age = text::ago(source.last_seen, state.now, words);
    doc.push(vec![(tone, format!("● {standing}")), (Tone::Dim, format!(" · {age}"))], None);
    let pinned = if source.pinned { format!(" ({})", words.pinned) } else { String::new() };
    let pairs = [
        (words.entity_host, source.host.clone()),
        (words.product, source.product.clone()),
        (words.format, source.format.as_ref().map(|f| format!("{f}{pinned}, {}", text::percent(source.confidence)))),
        (words.transport, Some(source.transport.clone())),
        (words.peer, source.peer.clone()),
        (words.certificate, source.tls_identity.clone()),
        (words.first_seen, Some(text::full_instant(source.first_seen, &state.zone))),
        (words.last_seen, Some(text::full_instant(source.last_seen, &state.zone))),
        (words.skew, Some(source.skew.map_or_else(|| words.skew_none.to_owned(), |ns| format!("{:+.3} s", ns as f64 / 1e9)))),
    ];
    for (name, value) in pairs {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            doc.pair(name, Tone::Plain, &value, None);
        }
    }
    doc.head(words.ledger);
    let l = &source.counters;
    let rows = [(words.received, l.received), (words.col_kept, l.kept), (words.col_parsed, l.parsed), (words.unparsed, l.unparsed)];
    for (name, n) in rows {
        doc.pair(name, Tone::Plain, &text::number(n, state.language), None);
    }
    doc.pair(words.bytes, Tone::Plain, &text::bytes(l.bytes), None);
    for (reason, n) in &l.refused {
        doc.pair(words.col_refused, Tone::Bad, &format!("{} · {reason}", text::number(*n, state.language)), None);
    }
    let off = l.received.abs_diff(l.kept.saturating_add(l.lost()));
    if off == 0 {
        doc.text(Tone::Good, words.balance_ok);
    } else {
        doc.text(Tone::Dim, &fill(words.balance_bad, &[&text::number(off, state.language)]));
    }
    if let Some(packets) = &source.packets {
        doc.head(words.packets);
        let (tone, card) = if packets.down() { (Tone::Bad, words.card_down) } else { (Tone::Good, words.card_up) };
        doc.pair(words.card, tone, card, None);
        let tone = if packets.coverage < 0.999 { Tone::Bad } else { Tone::Good };
        // whole only where nothing at all was lost
        doc.pair(words.coverage, tone, &format!("{:.3} %", (packets.coverage * 100_000.0).floor() / 1000.0), None);
        doc.pair(words.packets_seen, Tone::Plain, &text::number(packets.seen, state.language), None);
        for (name, n) in [
            (words.kernel_drops, packets.kernel_drops),
            (words.interface_drops, packets.interface_drops),
            (words.own_drops, packets.own_drops),
        ] {
            let tone = if n > 0 { Tone::Bad } else { Tone::Plain };
            doc.pair(name, tone, &text::number(n, state.language), None);
        }
    }
    doc.push(Vec::new(), None);
    let quoted = source.id.replace('\\', "\\\\").replace('"', "\\\"");
    doc.push(vec![(Tone::Link, format!("→ {}", words.see_events))], Some(Target::Search(format!("fansipan.source:\"{quoted}\""))));
}
