//! One incident: where it stands, what happened, its alerts, what was written down about it.

use super::{Doc, Target, Tone};
use crate::{
    data::{Incident, Item, Workspace},
    text,
    words::fill,
};

pub(super) fn lines(doc: &mut Doc<'_>) {
    let state = doc.state;
    let words = state.words();
    let Some(incident) = &state.case.incident else {
        return doc.text(Tone::Dim, words.loading);
    };
    head(doc, incident);
    if let Some(workspace) = &state.case.workspace {
        stages(doc, workspace);
    }
    doc.head(words.story);
    for step in &incident.story {
        let time = text::fit(&text::instant(step.at, state.now, &state.zone), 12);
        // the sentence begins with its instant in UTC, which stands before it in the zone in use
        let told = state.language.pick(&step.text, Some(&step.text_vi));
        let told = told.split_once(" · ").filter(|(at, _)| at.parse::<jiff::Timestamp>().is_ok()).map_or(told, |(_, rest)| rest);
        for (i, line) in text::wrap(told, doc.columns.saturating_sub(12)).into_iter().enumerate() {
            let label = if i == 0 { time.clone() } else { " ".repeat(12) };
            doc.push(vec![(Tone::Dim, label), (Tone::Link, line)], Some(Target::Alert(step.alert.clone())));
        }
    }
    if !incident.entities.is_empty() {
        doc.head(words.entities);
        incident.entities.iter().for_each(|e| doc.entity(e));
    }
    doc.head(&fill(words.its_alerts, &[&text::number(incident.alerts, state.language)]));
    incident.items.iter().for_each(|a| doc.alert(a));
    if let Some(workspace) = &state.case.workspace {
        records(doc, workspace);
    }
    if let Some(timeline) = &state.case.timeline {
        super::timeline::lines(doc, timeline);
    }
}

fn head(doc: &mut Doc<'_>, incident: &Incident) {
    let state = doc.state;
    let words = state.words();
    let title = state.language.pick(&incident.title, Some(&incident.title_vi));
    let mark = format!(" {} ", words.level(incident.level));
    let room = doc.columns.saturating_sub(text::width(&mark) + 1);
    for (i, line) in text::wrap(title, room).into_iter().enumerate() {
        let mark = if i == 0 { mark.clone() } else { String::new() };
        doc.push(vec![(Tone::Level(incident.level), mark), (Tone::Strong, format!(" {line}"))], None);
    }
    let mut first = vec![
        (Tone::Strong, words.status(incident.status).to_owned()),
        (Tone::Dim, format!(" · {}", incident.assignee.as_deref().unwrap_or(words.nobody))),
    ];
    if incident.drill {
        first.push((Tone::Good, format!(" · {}", words.drill)));
    }
    doc.push(first, None);
    let seen = |at| text::instant(at, state.now, &state.zone);
    let size = fill(words.size, &[&text::number(incident.alerts, state.language), &text::number(incident.events, state.language)]);
    let span = format!("{size} · {} {} · {} {}", words.first_seen, seen(incident.first_seen), words.last_seen, seen(incident.last_seen));
    doc.text(Tone::Dim, &span);
    if !incident.tactics.is_empty() {
        doc.text(Tone::Dim, &state.language.names(&incident.tactics).join(" → "));
    }
    if !incident.groups.is_empty() {
        doc.text(Tone::Dim, &format!("{}: {}", words.groups, state.language.names(&incident.groups).join(", ")));
    }
}

fn stages(doc: &mut Doc<'_>, workspace: &Workspace) {
    let state = doc.state;
    let words = state.words();
    doc.head(words.stages);
    let order = ["new", "triaged", "contained", "eradicated", "recovered", "closed"];
    let at = order.iter().position(|s| *s == workspace.stage).unwrap_or(0);
    let path: Vec<String> = order
        .iter()
        .enumerate()
        .map(|(i, stage)| match i.cmp(&at) {
            std::cmp::Ordering::Less => format!("✓ {}", words.stage(stage)),
            std::cmp::Ordering::Equal => format!("[{}]", words.stage(stage)),
            std::cmp::Ordering::Greater => words.stage(stage).to_owned(),
        })
        .collect();
    doc.text(Tone::Strong, &path.join(" → "));
    for clock in &workspace.clocks {
        let left = text::span(clock.seconds_left, words);
        let (tone, told) = match clock.state.as_str() {
            "met" => (Tone::Good, words.clock_met),
            "missed" => (Tone::Dim, words.clock_missed),
            "late" => (Tone::Bad, words.clock_late),
            _ => (Tone::Plain, words.clock_running),
        };
        doc.pair(words.stage(&clock.stage), tone, &fill(told, &[&left]), None);
    }
    for (field, fact) in &workspace.facts {
        let demand = workspace.demands.iter().find(|d| d.field == *field);
        let name = demand.map_or(field.as_str(), |d| state.language.pick(&d.title, Some(&d.title_vi)));
        doc.pair(name, Tone::Plain, fact, None);
    }
    let me = state.name();
    let others: Vec<&str> = workspace.present.iter().map(String::as_str).filter(|p| *p != me).collect();
    if !others.is_empty() {
        doc.text(Tone::Good, &fill(words.present, &[&others.join(", ")]));
    }
}

fn records(doc: &mut Doc<'_>, workspace: &Workspace) {
    let state = doc.state;
    doc.head(state.words().workspace);
    if workspace.items.is_empty() {
        doc.text(Tone::Dim, state.words().nothing);
    }
    for item in &workspace.items {
        let left = format!("{}  {}", text::instant(item.at, state.now, &state.zone), item.who);
        doc.pair(&left, Tone::Plain, &told(item), None);
    }
}

/// What an item holds, in one line.
fn told(item: &Item) -> String {
    let field = |name: &str| item.body.get(name).map(text::value).unwrap_or_default();
    match item.kind.as_str() {
        "note" => field("text"),
        "task" => format!("[{}] {}", if item.body.get("done") == Some(&true.into()) { "x" } else { " " }, field("title")),
        "indicator" => format!("{} {} {}", field("indicator"), field("value"), field("comment")),
        "person" => format!("{} · {} {}", field("name"), field("role"), field("contact")),
        "evidence" => format!("{} · SHA-256 {}", field("name"), field("sha256")),
        "event" => format!("{} {} {}", field("seen"), field("host"), field("text")),
        "stage" => format!("{} → {} {}", field("from"), field("to"), field("reason")),
        other => other.to_owned(),
    }
}
