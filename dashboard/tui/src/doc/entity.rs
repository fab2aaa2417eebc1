//! Everything about one host, address, account, hash or domain.

use super::{Doc, Target, Tone};
use crate::{
    state::{Place, RANGES},
    text,
    words::fill,
};

pub(super) fn lines(doc: &mut Doc<'_>) {
    let state = doc.state;
    let words = state.words();
    let Place::Entity { kind, value } = &state.place else { return };
    let page = state.entity.page.as_ref();
    let kind = page.map_or(kind.as_str(), |p| p.kind.as_str());
    doc.push(
        vec![(Tone::Dim, format!("{}  ", words.entity(kind))), (Tone::Strong, text::cut(value, doc.columns.saturating_sub(14)))],
        None,
    );
    let Some(page) = page else {
        return doc.text(Tone::Dim, words.loading);
    };
    let range = text::range(RANGES[state.entity.range.min(RANGES.len() - 1)], words);
    let mut told = format!("{range} · {}", fill(words.found, &[&text::number(page.events, state.language)]));
    for (name, at) in [(words.first_seen, page.first_seen), (words.last_seen, page.last_seen)] {
        if let Some(at) = at {
            told = format!("{told} · {name} {}", text::instant(at, state.now, &state.zone));
        }
    }
    doc.text(Tone::Dim, &told);
    let counts: Vec<u64> = page.histogram.iter().map(|b| b.count).collect();
    doc.push(vec![(Tone::Good, text::spark(&counts, doc.columns))], None);
    let quoted = format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    doc.push(vec![(Tone::Link, format!("→ {}", words.see_all_events))], Some(Target::Search(quoted)));
    for facet in page.peers.iter().filter(|f| !f.values.is_empty()) {
        doc.head(&facet.field);
        for found in facet.values.iter().take(5) {
            let count = text::fit_right(&text::compact(found.count), 7);
            let room = doc.columns.saturating_sub(9);
            let target = kind_of(&facet.field).map_or_else(
                || Target::Search(format!("{}:\"{}\"", facet.field, found.value.replace('\\', "\\\\").replace('"', "\\\""))),
                |kind| Target::Entity { kind: kind.to_owned(), value: found.value.clone() },
            );
            doc.push(vec![(Tone::Dim, format!("{count}  ")), (Tone::Link, text::cut(&found.value, room))], Some(target));
        }
    }
    if !page.incidents.is_empty() {
        doc.head(words.incidents);
        for incident in &page.incidents {
            let title = state.language.pick(&incident.title, Some(&incident.title_vi));
            let level = text::fit(words.level_short(incident.level), 6);
            let spans =
                vec![(Tone::Level(incident.level), level), (Tone::Link, format!(" {}", text::cut(title, doc.columns.saturating_sub(7))))];
            doc.push(spans, Some(Target::Incident(incident.id.clone())));
        }
    }
    doc.head(words.alerts);
    if page.alerts.is_empty() {
        doc.text(Tone::Dim, words.no_alerts);
    }
    page.alerts.iter().take(50).for_each(|a| doc.alert(a));
    doc.head(words.recent);
    page.recent.iter().take(50).for_each(|e| doc.event(e, false));
}

/// What the values of a field are.
pub(super) fn kind_of(field: &str) -> Option<&'static str> {
    Some(match field {
        "source.ip" | "destination.ip" | "host.ip" | "client.ip" | "server.ip" | "related.ip" => "address",
        "user.name" | "source.user.name" | "destination.user.name" | "user.target.name" | "related.user" => "user",
        "host.name" | "host.hostname" | "observer.name" | "source.domain" | "destination.domain" | "related.hosts" => "host",
        "dns.question.name" | "url.domain" | "tls.client.server_name" => "domain",
        "file.hash.sha256" | "file.hash.md5" | "file.hash.sha1" | "process.hash.sha256" | "process.hash.md5" | "related.hash" => "hash",
        "process.name" => "process",
        _ => return None,
    })
}
