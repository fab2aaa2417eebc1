//! The wall: are we under attack, are we blind; every number with its age.

use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{lists::incident_cells, put, theme::Theme, title};
use crate::{
    data::ValueCount,
    state::State,
    text,
    wall::{Overview, Trend, Wall},
    words::fill,
};

/// A part of the wall: its name, its age, its lines.
struct Panel<'a> {
    name: &'a str,
    at: Option<Timestamp>,
    lines: Vec<Line<'static>>,
}

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let wide = state.wide();
    let columns = if wide { 3 } else { 2 };
    let width = area.width / columns;
    let inner = usize::from(width).saturating_sub(2);
    let words = state.words();
    let (overview, wall) = (state.wall.overview.as_ref(), state.wall.wall.as_ref());
    let panel = |name, at, lines| Panel { name, at, lines };
    let of_overview = |lines: fn(&State, Theme, usize, &Overview) -> Vec<Line<'static>>, width| {
        overview.map_or_else(|| vec![Line::styled(words.loading, theme.dim())], |o| lines(state, theme, width, o))
    };
    let of_wall = |lines: fn(&State, Theme, usize, &Wall) -> Vec<Line<'static>>, width| {
        wall.map_or_else(|| vec![Line::styled(words.loading, theme.dim())], |w| lines(state, theme, width, w))
    };
    let (o_at, w_at) = (state.wall.overview_at, state.wall.wall_at);
    let open = wall.map_or(0, |w| w.incidents.len());
    let incidents_name = fill(words.open_incidents, &[&open.to_string()]);
    let first = vec![
        panel(words.situation, o_at, of_overview(situation, inner)),
        panel(words.last_day, o_at, of_overview(counters, inner)),
        panel(words.volume, o_at, of_overview(volume, inner)),
        panel(words.health, w_at, health(state, theme, inner)),
    ];
    let queue_panel = panel(words.queue, w_at, of_wall(queue, inner));
    let incidents_panel = panel(&incidents_name, w_at, of_wall(incidents, inner));
    let story_panel = wall.filter(|w| w.story.is_some()).map(|_| panel(words.story, w_at, of_wall(story, inner)));
    let silent_panel = panel(words.silent, w_at, of_wall(silent, inner));
    let parts = if wide {
        let tops = |name, pick: fn(&Overview) -> &Vec<ValueCount>| {
            let lines = overview.map(|o| top(state, theme, inner, pick(o))).unwrap_or_default();
            panel(name, o_at, lines)
        };
        let mut first = first;
        first.push(tops(words.top_address, |o| &o.top.source_ip));
        first.push(tops(words.top_user, |o| &o.top.user));
        let mut third = vec![incidents_panel];
        third.extend(story_panel);
        third.push(silent_panel);
        third.push(panel(words.talkers, w_at, of_wall(talkers, inner)));
        vec![first, vec![queue_panel], third]
    } else {
        vec![first, vec![queue_panel, incidents_panel, silent_panel]]
    };
    for (i, panels) in (0..).zip(parts) {
        let here = Rect { x: area.x + width * i, width: width.saturating_sub(1), ..area };
        stack(state, theme, frame, here, panels);
    }
}

/// Panels one below the other: each gets what it needs, the last ones what is left.
fn stack(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect, panels: Vec<Panel<'_>>) {
    let mut y = 0u16;
    let count = panels.len();
    for (i, panel) in panels.into_iter().enumerate() {
        let left = area.height.saturating_sub(y);
        let later = u16::try_from((count - i - 1) * 3).unwrap_or(0);
        let most = left.saturating_sub(later).max(left / 2).saturating_sub(1);
        if left < 2 {
            break;
        }
        let age = panel.at.map(|at| text::ago(at, state.now, state.words())).unwrap_or_default();
        put(frame, area, y, title(theme, usize::from(area.width), panel.name, &age));
        let shown = u16::try_from(panel.lines.len()).unwrap_or(u16::MAX).min(most);
        for (line, at) in panel.lines.into_iter().take(usize::from(shown)).zip(y + 1..) {
            put(frame, Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area }, at, line);
        }
        y += 1 + shown;
    }
}

fn situation(state: &State, theme: Theme, _: usize, o: &Overview) -> Vec<Line<'static>> {
    let words = state.words();
    let of = |level: &str| o.alerts.by_level.get(level).copied().unwrap_or(0);
    let n = |n: u64| text::number(n, state.language);
    let attack = match (of("critical"), of("high")) {
        (0, 0) => (theme.good(), format!("✓ {}", words.calm)),
        (0, high) => (theme.warn(), format!("▲ {}", fill(words.high_open, &[&n(high)]))),
        (critical, _) => (theme.level(crate::data::Level::Critical), format!("▲ {}", fill(words.critical_open, &[&n(critical)]))),
    };
    let s = &o.sources;
    let blind = match (s.total, s.silent) {
        (0, _) => (theme.bad(), format!("▲ {}", words.no_sources)),
        (total, 0) => (theme.good(), format!("✓ {}", fill(words.seeing, &[&n(total)]))),
        (total, silent) => (theme.warn(), format!("▲ {}", fill(words.blind, &[&n(silent), &n(total)]))),
    };
    vec![Line::styled(attack.1, attack.0), Line::styled(blind.1, blind.0)]
}

fn counters(state: &State, theme: Theme, width: usize, o: &Overview) -> Vec<Line<'static>> {
    let words = state.words();
    let number = |n: Option<u64>| n.map_or_else(|| "–".to_owned(), |n| text::number(n, state.language));
    let trend = |t: &Trend| {
        let now = text::compact(t.now.round() as u64);
        match t.usual {
            Some(usual) => fill(words.usual, &[&now, &text::compact(usual.round() as u64)]),
            None => fill(words.not_usual, &[&now]),
        }
    };
    let rows = [
        (words.events, number(Some(o.events.total)), trend(&o.trends.events)),
        (words.early_warnings, number(Some(o.alerts.open)), fill(words.new_last_hour, &[&number(Some(o.alerts.new_last_hour))])),
        (words.incidents, number(o.counters.incidents), words.open_now.to_owned()),
        (words.attacks, number(o.counters.attacks), trend(&o.trends.attacks)),
        (
            words.vulnerabilities,
            number(o.counters.vulnerabilities),
            if o.counters.vulnerabilities.is_none() { words.no_source.to_owned() } else { words.open_now.to_owned() },
        ),
    ];
    let line = |(name, n, note): (&str, String, String)| {
        let note = text::cut(&note, width.saturating_sub(16 + 10));
        Line::from(vec![
            Span::raw(text::fit(name, 16)),
            Span::styled(text::fit_right(&n, 8), theme.strong()),
            Span::styled(format!("  {note}"), theme.dim()),
        ])
    };
    rows.into_iter().map(line).collect()
}

/// Bars of several rows.
fn volume(state: &State, theme: Theme, width: usize, o: &Overview) -> Vec<Line<'static>> {
    let height: usize = match state.size.1 {
        0..24 => 2,
        24..40 => 4,
        _ => 6,
    };
    let counts: Vec<u64> = o.histogram.iter().map(|b| b.count).collect();
    if counts.is_empty() {
        return vec![Line::styled(state.words().nothing, theme.dim())];
    }
    let columns = width.min(counts.len());
    let sum = |i: usize| -> u64 { counts[i * counts.len() / columns..(i + 1) * counts.len() / columns].iter().sum() };
    let sums: Vec<u64> = (0..columns).map(sum).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1) as f64;
    let eighths: Vec<usize> = sums.iter().map(|n| (*n as f64 / most * (height * 8) as f64).ceil() as usize).collect();
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let row = |r: usize| -> String { eighths.iter().map(|e| BARS[e.saturating_sub((height - 1 - r) * 8).min(8)]).collect() };
    (0..height).map(|r| Line::styled(row(r), theme.good())).collect()
}

fn health(state: &State, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let words = state.words();
    let mut lines = Vec::new();
    if let Some(wall) = &state.wall.wall {
        if let Some(alarm) = &wall.alarm {
            lines.extend(text::wrap(&fill(words.alarm, &[alarm]), width).into_iter().map(|l| Line::styled(l, theme.bad())));
        }
        let share = wall.disk.free as f64 / (wall.disk.total.max(1)) as f64;
        let tone = if share < 0.1 { theme.bad() } else { Style::new() };
        lines.push(Line::styled(fill(words.disk, &[&format!("{} ({})", text::bytes(wall.disk.free), text::percent(share))]), tone));
    }
    if let Some(o) = &state.wall.overview {
        let lag = state.tick.as_ref().map_or(o.lag, |(tick, _)| tick.lag);
        let n = |n: u64| text::number(n, state.language);
        let tone = if lag.seconds > 10.0 { theme.warn() } else { Style::new() };
        lines.push(Line::styled(text::cut(&fill(words.waiting_analysis, &[&n(lag.analyzer), &n(lag.indexer)]), width), tone));
        if let Some(share) = o.sources.unparsed_share {
            lines.push(Line::raw(fill(words.unparsed_share, &[&text::percent(share)])));
        }
    }
    lines
}

fn queue(state: &State, theme: Theme, width: usize, w: &Wall) -> Vec<Line<'static>> {
    let words = state.words();
    if w.alerts.is_empty() {
        return vec![Line::styled(words.queue_empty, theme.good())];
    }
    let line = |a: &crate::wall::WallAlert| {
        let age = text::span(state.now.as_second() - a.raised.as_second(), words);
        let age = text::fit_right(&age, 8);
        let holder = a.assignee.clone().unwrap_or_else(|| "○".into());
        let holder_width = if width >= 60 { 16 } else { 1 };
        let room = width.saturating_sub(6 + 1 + 1 + holder_width + 8);
        let title = text::fit(state.language.pick(&a.title, a.title_vi.as_deref()), room);
        let holder = if width >= 60 {
            text::fit(&holder, holder_width)
        } else if a.assignee.is_some() {
            "●".into()
        } else {
            "○".into()
        };
        Line::from(vec![
            Span::styled(text::fit(words.level_short(a.level), 6), theme.level(a.level)),
            Span::raw(format!(" {title} ")),
            Span::styled(holder, theme.dim()),
            Span::styled(age, theme.dim()),
        ])
    };
    let mut lines: Vec<Line<'static>> = w.alerts.iter().map(line).collect();
    if w.more {
        lines.push(Line::styled(words.more, theme.dim()));
    }
    lines
}

fn incidents(state: &State, theme: Theme, width: usize, w: &Wall) -> Vec<Line<'static>> {
    if w.incidents.is_empty() {
        return vec![Line::styled(state.words().incidents_none, theme.good())];
    }
    let line =
        |i| Line::from(incident_cells(state, theme, i, width.min(69)).into_iter().map(|(s, t)| Span::styled(t, s)).collect::<Vec<_>>());
    w.incidents.iter().map(line).collect()
}

fn story(state: &State, theme: Theme, width: usize, w: &Wall) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for step in w.story.iter().flat_map(|s| &s.steps) {
        let time = text::fit(&text::instant(step.at, state.now, &state.zone), 12);
        let told = state.language.pick(&step.text, Some(&step.text_vi));
        let told = told.split_once(" · ").filter(|(at, _)| at.parse::<Timestamp>().is_ok()).map_or(told, |(_, rest)| rest);
        for (i, line) in text::wrap(told, width.saturating_sub(12)).into_iter().take(3).enumerate() {
            let label = if i == 0 { time.clone() } else { " ".repeat(12) };
            lines.push(Line::from(vec![Span::styled(label, theme.dim()), Span::raw(line)]));
        }
    }
    lines
}

fn silent(state: &State, theme: Theme, width: usize, w: &Wall) -> Vec<Line<'static>> {
    let words = state.words();
    let mut silent: Vec<_> = w.sources.iter().filter(|s| !s.active).collect();
    silent.sort_by_key(|s| std::cmp::Reverse(s.last_seen));
    if silent.is_empty() {
        return vec![Line::styled(words.silent_none, theme.good())];
    }
    let line = |s: &&crate::wall::WallSource| {
        let age = text::fit_right(&text::ago(s.last_seen, state.now, words), 15);
        let name = text::fit(s.host.as_deref().unwrap_or(&s.id), width.saturating_sub(15));
        Line::from(vec![Span::styled(name, theme.warn()), Span::styled(age, theme.dim())])
    };
    silent.iter().map(line).collect()
}

fn talkers(state: &State, theme: Theme, width: usize, w: &Wall) -> Vec<Line<'static>> {
    let mut all: Vec<_> = w.sources.iter().collect();
    all.sort_by_key(|s| std::cmp::Reverse(s.kept));
    let line = |s: &&crate::wall::WallSource| {
        let refused = if s.refused > 0 { fill(state.words().refused_count, &[&text::compact(s.refused)]) } else { String::new() };
        let name = text::fit(s.host.as_deref().unwrap_or(&s.id), width.saturating_sub(10 + 18));
        Line::from(vec![
            Span::raw(name),
            Span::styled(text::fit_right(&text::number(s.kept, state.language), 10), theme.strong()),
            Span::styled(text::fit_right(&refused, 18), theme.bad()),
        ])
    };
    all.iter().take(10).map(line).collect()
}

fn top(state: &State, theme: Theme, width: usize, values: &[ValueCount]) -> Vec<Line<'static>> {
    if values.is_empty() {
        return vec![Line::styled(state.words().nothing, theme.dim())];
    }
    let line = |v: &ValueCount| {
        let name = text::fit(&v.value, width.saturating_sub(10));
        Line::from(vec![Span::raw(name), Span::styled(text::fit_right(&text::number(v.count, state.language), 10), theme.strong())])
    };
    values.iter().take(8).map(line).collect()
}
