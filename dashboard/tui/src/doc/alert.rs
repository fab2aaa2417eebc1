//! The alert in hand: what happened, to whom, what to do, what is known around it.

use super::{Doc, Target, Tone};
use crate::{
    data::{Alert, Context},
    packets, text,
    words::fill,
};

pub(super) fn lines(doc: &mut Doc<'_>) {
    let state = doc.state;
    let words = state.words();
    let Some(alert) = state.hand() else { return };
    let title = state.language.pick(&alert.rule.title, alert.rule.title_vi.as_deref());
    let level = alert.rule.level;
    let room = doc.columns.saturating_sub(text::width(words.level(level)) + 3);
    for (i, line) in text::wrap(title, room).into_iter().enumerate() {
        let mark = if i == 0 { format!(" {} ", words.level(level)) } else { String::new() };
        doc.push(vec![(Tone::Level(level), mark), (Tone::Strong, format!(" {line}"))], None);
    }
    standing(doc, alert);
    let ids: Vec<String> = alert.events.iter().filter_map(|e| e.get("event.id")).map(text::value).collect();
    packets::shown(doc, ids.iter().map(String::as_str).chain([alert.id.as_str()]));
    if !alert.summary.is_empty() {
        doc.push(Vec::new(), None);
        doc.text(Tone::Plain, &alert.summary);
    }
    if let Some(advice) = alert.rule.advice.as_deref() {
        doc.head(words.advice);
        doc.text(Tone::Plain, state.language.pick(advice, alert.rule.advice_vi.as_deref()));
    }
    if !alert.entities.is_empty() {
        doc.head(words.entities);
        alert.entities.iter().for_each(|e| doc.entity(e));
    }
    if !alert.matched.is_empty() {
        doc.head(words.matched);
        let widest = alert.matched.iter().map(|m| text::width(&m.field)).max().unwrap_or(0);
        doc.label = widest.clamp(14, (doc.columns / 3).max(14));
        for m in &alert.matched {
            doc.pair(&m.field, Tone::Plain, &m.value, None);
        }
        doc.label = 14;
    }
    if let Some(context) = &state.alerts.context {
        around(doc, context);
    }
    events(doc, alert);
}

fn standing(doc: &mut Doc<'_>, alert: &Alert) {
    let state = doc.state;
    let words = state.words();
    let holder = alert.assignee.as_deref().unwrap_or(words.nobody);
    let mut first = vec![(Tone::Strong, words.status(alert.status).to_owned()), (Tone::Dim, format!(" · {holder}"))];
    if let Some(reason) = alert.reason.as_deref() {
        first.push((Tone::Dim, format!(" · {}", words.reason(reason))));
    }
    if alert.drill {
        first.push((Tone::Good, format!(" · {}", words.drill)));
    }
    doc.push(first, None);
    let seen = |at| text::instant(at, state.now, &state.zone);
    let times = fill(words.times, &[&text::number(alert.count, state.language)]);
    let span = format!("{times} · {} {} · {} {}", words.first_seen, seen(alert.first_seen), words.last_seen, seen(alert.last_seen));
    doc.text(Tone::Dim, &span);
    let tags: Vec<String> = alert.rule.tags.iter().filter_map(|t| t.strip_prefix("attack.")).map(str::to_uppercase).collect();
    if !tags.is_empty() {
        doc.text(Tone::Dim, &format!("ATT&CK {}", tags.join(" ")));
    }
}

fn around(doc: &mut Doc<'_>, context: &Context) {
    let state = doc.state;
    let words = state.words();
    if let Some(incident) = &context.incident {
        doc.push(Vec::new(), None);
        doc.push(vec![(Tone::Link, format!("→ {}", words.in_incident))], Some(Target::Incident(incident.clone())));
    }
    if !context.entities.is_empty() {
        doc.head(words.history);
        for history in &context.entities {
            let bars = text::spark(&history.days, 30);
            let more = if history.more { "≥ " } else { "" };
            let count = format!("{more}{}", text::number(history.total, state.language));
            let room = doc.columns.saturating_sub(text::width(&bars) + text::width(&count) + 4);
            let value = text::fit(&history.value, room.min(40));
            let target = Target::Entity { kind: history.kind.clone(), value: history.value.clone() };
            doc.push(vec![(Tone::Link, value), (Tone::Good, format!(" {bars} ")), (Tone::Dim, count)], Some(target));
        }
    }
    doc.head(words.similar);
    let tally = ["true_positive", "false_positive", "benign"].map(|v| context.verdicts.get(v).copied().unwrap_or(0));
    let names = [words.status_true_positive, words.status_false_positive, words.status_benign];
    let text: Vec<String> = names.iter().zip(tally).map(|(name, n)| format!("{name} {}", text::number(n, state.language))).collect();
    doc.text(Tone::Dim, &text.join(" · "));
    context.similar.iter().take(5).for_each(|a| doc.alert(a));
    let r = context.rank;
    let share = |per_mille: u32| format!("{:.2}", f64::from(per_mille) / 1000.0);
    doc.text(Tone::Dim, &fill(words.rank, &[&r.priority.to_string(), &r.level.to_string(), &share(r.confidence), &share(r.risk)]));
}

fn events(doc: &mut Doc<'_>, alert: &Alert) {
    let state = doc.state;
    let words = state.words();
    let shown = alert.events.len().to_string();
    doc.head(&format!("{} · {}", words.events, fill(words.sample, &[&shown, &text::number(alert.count, state.language)])));
    if alert.events.is_empty() {
        let missing = if state.alerts.detail.is_some() { words.events_none } else { words.loading };
        doc.text(Tone::Dim, missing);
    }
    for event in &alert.events {
        doc.event(event, true);
    }
}
