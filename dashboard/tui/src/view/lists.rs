//! Lists with their details: alerts, incidents, events found, sources.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{detail, first_shown, halves, put, theme::Theme, title};
use crate::{
    data::{Alert, Event, Incident, Source},
    message::Failure,
    screens::Kind,
    state::{Focus, Place, RANGES, State},
    text,
    words::fill,
};

type Cells = Vec<(Style, String)>;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let halves = halves(state, area);
    if halves.list.height > 0 {
        match state.place {
            Place::Alerts => alerts(state, theme, frame, halves.list),
            Place::Incidents => incidents(state, theme, frame, halves.list),
            Place::Search => search(state, theme, frame, halves.list),
            Place::Sources => sources(state, theme, frame, halves.list),
            Place::Screen(kind) => screen(state, theme, frame, halves.list, kind),
            Place::Wall | Place::Incident(_) | Place::Entity { .. } => {}
        }
    }
    if halves.list.height > 0 && halves.detail.height > 0 {
        if state.wide() {
            for at in 0..area.height {
                let here = Rect { x: halves.detail.x - 1, width: 1, ..area };
                put(frame, here, at, Line::styled("│", theme.dim()));
            }
        } else {
            let line = "─".repeat(usize::from(area.width));
            put(frame, Rect { y: halves.detail.y - 1, height: 1, ..area }, 0, Line::styled(line, theme.dim()));
        }
    }
    detail(state, theme, frame, halves.detail);
}

/// Rows with the one in hand in the middle; `cells` makes the columns of a row.
fn rows<T>(
    state: &State,
    theme: Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    (items, selected): (&[T], usize),
    cells: impl Fn(&T, usize) -> Cells,
) {
    let height = usize::from(area.height);
    let from = first_shown(selected, items.len(), height);
    let columns = usize::from(area.width).saturating_sub(1);
    for (i, item) in items.iter().enumerate().skip(from).take(height) {
        let in_hand = i == selected;
        let marked = if in_hand { theme.selected(state.focus == Focus::List) } else { Style::new() };
        let mut spans = vec![Span::styled(if in_hand { "▌" } else { " " }, theme.head())];
        spans.extend(cells(item, columns).into_iter().map(|(style, text)| Span::styled(text, style.patch(marked))));
        put(frame, area, u16::try_from(i - from).unwrap_or(u16::MAX), Line::from(spans));
    }
}

fn below(area: Rect, by: u16) -> Rect {
    Rect { y: area.y + by.min(area.height), height: area.height.saturating_sub(by), ..area }
}

fn empty(theme: Theme, frame: &mut Frame<'_>, area: Rect, text: &str) {
    for (i, line) in text::wrap(text, usize::from(area.width).saturating_sub(2)).into_iter().enumerate() {
        put(frame, area, u16::try_from(i + 1).unwrap_or(0), Line::styled(format!(" {line}"), theme.dim()));
    }
}

fn position(state: &State, place: u64, total: u64, exact: bool) -> String {
    let total = text::number(total, state.language);
    let total = if exact { total } else { fill(state.words().at_least, &[&total]) };
    fill(state.words().of, &[&text::number(place, state.language), &total])
}

fn alerts(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let words = state.words();
    let (list, filter) = (&state.alerts.list, &state.alerts.filter);
    let which = if filter.all { words.status_all } else { words.status_open };
    let order = if filter.newest || filter.all { words.newest_first } else { words.by_priority };
    let mut name = format!("{} · {which} · {order}", words.alerts);
    if !filter.q.is_empty() {
        name = format!("{name} · {}", fill(words.filter, &[&filter.q]));
    }
    let note = if list.rows.is_empty() { String::new() } else { position(state, list.place(), list.total, list.exact) };
    put(frame, area, 0, title(theme, usize::from(area.width), &name, &note));
    if list.rows.is_empty() {
        let text = match (list.known, filter.q.is_empty()) {
            (false, _) => words.loading,
            (true, true) => words.empty_open,
            (true, false) => words.empty_filtered,
        };
        return empty(theme, frame, area, text);
    }
    let items: Vec<&Alert> = list.rows.iter().collect();
    rows(state, theme, frame, below(area, 1), (&items, list.selected), |a, columns| alert_cells(state, theme, a, columns));
}

fn alert_cells(state: &State, theme: Theme, alert: &Alert, columns: usize) -> Cells {
    let words = state.words();
    let level = alert.rule.level;
    let full = columns >= 105;
    let (level_text, level_width) = if full { (words.level(level), 12) } else { (words.level_short(level), 6) };
    let about: Vec<&str> = alert.entities.iter().take(3).map(|e| e.value.as_str()).collect();
    let count = text::fit_right(&format!("×{}", text::compact(alert.count)), 6);
    let time = text::fit_right(&text::instant(alert.last_seen, state.now, &state.zone), 11);
    let mine = alert.assignee.as_deref().is_some_and(|a| a == state.name());
    let holder = if mine {
        "●"
    } else if alert.status.open() && alert.assignee.is_none() {
        "○"
    } else {
        "◐"
    };
    let fixed = level_width + 1 + 2 + 7 + 12 + if full { 14 } else { 0 };
    let rest = columns.saturating_sub(fixed);
    let about_width = if columns >= 70 { rest / 3 } else { 0 };
    let title = state.language.pick(&alert.rule.title, alert.rule.title_vi.as_deref());
    let mut cells = vec![
        (theme.level(level), text::fit(level_text, level_width)),
        (theme.dim(), format!(" {holder} ")),
        (Style::new(), text::fit(title, rest.saturating_sub(about_width))),
    ];
    if about_width > 0 {
        cells.push((theme.dim(), format!(" {}", text::fit(&about.join(" "), about_width.saturating_sub(1)))));
    }
    cells.push((theme.dim(), count));
    cells.push((theme.dim(), format!(" {time}")));
    if full {
        cells.push((theme.dim(), format!(" {}", text::fit(words.status(alert.status), 13))));
    }
    cells
}

fn incidents(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let words = state.words();
    let shown = state.incidents_shown();
    let which = if state.incidents.all { words.status_all } else { words.status_open };
    let mut name = format!("{} · {which}", words.incidents);
    if !state.incidents.q.is_empty() {
        name = format!("{name} · {}", fill(words.filter, &[&state.incidents.q]));
    }
    let note =
        if shown.is_empty() { String::new() } else { position(state, state.incidents.selected as u64 + 1, shown.len() as u64, true) };
    put(frame, area, 0, title(theme, usize::from(area.width), &name, &note));
    if shown.is_empty() {
        let text = if state.incidents.known { words.none_hint } else { words.loading };
        return empty(theme, frame, area, text);
    }
    rows(state, theme, frame, below(area, 1), (&shown, state.incidents.selected), |i, columns| incident_cells(state, theme, i, columns));
}

pub(super) fn incident_cells(state: &State, theme: Theme, incident: &Incident, columns: usize) -> Cells {
    let words = state.words();
    let full = columns >= 120;
    let (level_text, level_width) = if full { (words.level(incident.level), 12) } else { (words.level_short(incident.level), 6) };
    let time = text::fit_right(&text::instant(incident.opened, state.now, &state.zone), 11);
    let count = text::fit_right(&text::compact(incident.alerts), 5);
    let about: Vec<&str> = incident.entities.iter().take(4).map(|e| e.value.as_str()).collect();
    let holder = incident.assignee.as_deref().unwrap_or(if incident.status.open() { words.nobody } else { "" });
    let fixed = level_width + 1 + 12 + 6 + if full { 14 + 18 } else { 0 };
    let rest = columns.saturating_sub(fixed);
    let about_width = if columns >= 70 { rest * 2 / 5 } else { 0 };
    let title = state.language.pick(&incident.title, Some(&incident.title_vi));
    let mut cells = vec![
        (theme.level(incident.level), text::fit(level_text, level_width)),
        (theme.dim(), format!(" {time} ")),
        (Style::new(), text::fit(title, rest.saturating_sub(about_width))),
    ];
    if about_width > 0 {
        cells.push((theme.dim(), format!(" {}", text::fit(&about.join(" "), about_width.saturating_sub(1)))));
    }
    cells.push((theme.dim(), format!("{count} ")));
    if full {
        cells.push((theme.dim(), format!("{} ", text::fit(words.status(incident.status), 13))));
        cells.push((theme.dim(), text::fit(holder, 18)));
    }
    cells
}

fn search(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let words = state.words();
    let search = &state.search;
    let range = text::range(RANGES[search.range.min(RANGES.len() - 1)], words);
    let name = format!("{} · {range}", if search.q.is_empty() { words.search } else { search.q.as_str() });
    let columns = usize::from(area.width);
    let mut note = String::new();
    if let Some((_, rows, complete)) = &search.table {
        note = fill(words.rows, &[&text::number(rows.len() as u64, state.language)]);
        if !complete {
            note = format!("{note} · {}", words.incomplete);
        }
    } else if !search.list.rows.is_empty() {
        note = position(state, search.list.place(), search.list.total, search.list.exact);
    }
    if search.list.known && search.fault.is_none() {
        note = format!("{note} · {}", fill(words.took, &[&search.took_ms.to_string()]));
    }
    put(frame, area, 0, title(theme, columns, &name, &note));
    if let Some(fault) = &search.fault {
        return fault_lines(state, theme, frame, below(area, 1), fault);
    }
    if !search.list.known && search.list.asking.is_none() {
        return start(state, theme, frame, below(area, 1));
    }
    let counts: Vec<u64> = search.histogram.iter().map(|b| b.count).collect();
    put(frame, area, 1, Line::styled(format!(" {}", text::spark(&counts, columns.saturating_sub(2))), theme.good()));
    let inner = below(area, 2);
    if let Some((names, found, _)) = &search.table {
        return table(state, theme, frame, inner, names, found);
    }
    if search.list.rows.is_empty() {
        let text = if search.list.known { words.search_empty } else { words.loading };
        return empty(theme, frame, inner, text);
    }
    let items: Vec<&Event> = search.list.rows.iter().collect();
    rows(state, theme, frame, inner, (&items, search.list.selected), |e, columns| event_cells(state, theme, e, columns));
}

/// Where a query went wrong, below the query itself.
fn fault_lines(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect, fault: &Failure) {
    let detail = state.language.pick(&fault.detail, Some(&fault.detail_vi));
    put(frame, area, 1, Line::raw(format!(" {}", state.search.q)));
    let mut next = 2;
    if let Some(at) = fault.position {
        let before: String = state.search.q.chars().take(at).collect();
        put(frame, area, 2, Line::styled(format!(" {}^", " ".repeat(text::width(&before))), theme.bad()));
        next = 3;
    }
    for (i, line) in text::wrap(detail, usize::from(area.width).saturating_sub(2)).into_iter().enumerate() {
        put(frame, area, next + u16::try_from(i).unwrap_or(0), Line::styled(format!(" {line}"), theme.bad()));
    }
}

fn start(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    put(frame, area, 1, Line::styled(format!(" {}", state.words().search_start), theme.dim()));
    let examples = [
        "event.outcome:failure | stats count() by source.ip | sort -count",
        "source.ip:203.0.113.0/24 and not user.name:svc_*",
        "event.kind:pipeline_error",
    ];
    for (at, example) in (2..).zip(examples) {
        put(frame, area, at, Line::styled(format!("   {example}"), theme.link()));
    }
}

fn event_cells(state: &State, theme: Theme, event: &Event, columns: usize) -> Cells {
    let field = |names: &[&str]| names.iter().find_map(|n| event.get(*n)).map(text::value).unwrap_or_default();
    let at = field(&["@timestamp"]).parse().ok().map(|at| text::instant(at, state.now, &state.zone)).unwrap_or_default();
    let host_width = if columns >= 100 { 22 } else { 14 };
    let host = text::fit(&field(&["host.name", "observer.name", "fansipan.source"]), host_width);
    let set_width = if columns >= 100 { 18 } else { 0 };
    let mut cells = vec![(theme.dim(), format!("{} ", text::fit(&at, 11))), (theme.link(), format!("{host} "))];
    if set_width > 0 {
        cells.push((theme.dim(), format!("{} ", text::fit(&field(&["event.dataset", "event.kind"]), set_width))));
    }
    let rest = columns.saturating_sub(12 + host_width + 1 + if set_width > 0 { set_width + 1 } else { 0 });
    cells.push((Style::new(), text::fit(&field(&["message", "event.original"]), rest)));
    cells
}

fn table(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect, names: &[String], found: &[Vec<String>]) {
    let columns = usize::from(area.width).saturating_sub(1);
    let widest = |i: usize| {
        let cells = found.iter().take(200).filter_map(|r| r.get(i)).map(|c| text::width(c));
        cells.chain([text::width(&names[i])]).max().unwrap_or(0).min(60)
    };
    let mut widths: Vec<usize> = (0..names.len()).map(widest).collect();
    while widths.iter().sum::<usize>() + 2 * widths.len() > columns {
        let Some(most) = widths.iter_mut().max_by_key(|w| **w).filter(|w| **w > 4) else { break };
        *most -= 1;
    }
    let line = |cells: &[String]| -> String {
        cells.iter().zip(&widths).map(|(cell, w)| format!("{}  ", text::fit(cell, *w))).collect::<String>()
    };
    put(frame, area, 0, Line::styled(format!(" {}", line(names)), theme.head()));
    rows(state, theme, frame, below(area, 1), (found, state.search.row), |row, _| vec![(Style::new(), line(row))]);
}

/// The list of a screen beside triage.
fn screen(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect, kind: Kind) {
    let (words, screen) = (state.words(), kind.screen());
    let Some(shelf) = screen.shelf(&state.screens) else { return };
    let mut name = format!("{} · {}", screen.name(state.language), screen.view(state));
    if !shelf.q.is_empty() {
        name = format!("{name} · {}", fill(words.filter, &[&shelf.q]));
    }
    let count = shelf.shown.len() as u64;
    let note = if count == 0 { String::new() } else { position(state, shelf.selected as u64 + 1, count, true) };
    put(frame, area, 0, title(theme, usize::from(area.width), &name, &note));
    if count == 0 {
        let text = match (shelf.known, shelf.q.is_empty()) {
            (false, _) => words.loading,
            (true, true) => screen.empty(state.language),
            (true, false) => words.empty_filtered,
        };
        return empty(theme, frame, area, text);
    }
    rows(state, theme, frame, below(area, 1), (&shelf.shown, shelf.selected), |row, columns| {
        let cells = screen.cells(state, *row, columns);
        cells.into_iter().map(|(tone, text)| (theme.tone(tone), text)).collect()
    });
}

fn sources(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let words = state.words();
    let shown = state.sources_shown();
    let mut name = words.sources.to_owned();
    if state.sources.silent {
        name = format!("{name} · {}", words.only_silent);
    }
    if !state.sources.q.is_empty() {
        name = format!("{name} · {}", fill(words.filter, &[&state.sources.q]));
    }
    let note = if shown.is_empty() { String::new() } else { position(state, state.sources.selected as u64 + 1, shown.len() as u64, true) };
    put(frame, area, 0, title(theme, usize::from(area.width), &name, &note));
    if shown.is_empty() {
        let text = match (state.sources.known, state.sources.items.is_empty()) {
            (false, _) => words.loading,
            (true, true) => words.sources_none,
            (true, false) => words.empty_filtered,
        };
        return empty(theme, frame, area, text);
    }
    rows(state, theme, frame, below(area, 1), (&shown, state.sources.selected), |s, columns| source_cells(state, theme, s, columns));
}

fn source_cells(state: &State, theme: Theme, source: &Source, columns: usize) -> Cells {
    let words = state.words();
    let dot = if source.active { theme.good() } else { theme.bad() };
    let parsed =
        if source.counters.kept == 0 { String::new() } else { text::percent(source.counters.parsed as f64 / source.counters.kept as f64) };
    let time = text::ago(source.last_seen, state.now, words);
    let lost = source.counters.lost();
    let fixed = 2 + 15 + 8 + 8 + 8;
    let rest = columns.saturating_sub(fixed);
    let product = source.product.as_deref().or(source.format.as_deref()).unwrap_or("?");
    let name = match &source.host {
        Some(host) if !source.id.contains(host.as_str()) => format!("{host} ({})", source.id),
        _ => source.id.clone(),
    };
    let refused = if lost == 0 { String::new() } else { format!("-{}", text::compact(lost)) };
    vec![
        (dot, if source.active { "● " } else { "○ " }.to_owned()),
        (Style::new(), text::fit(&name, rest * 3 / 5)),
        (theme.link(), format!(" {}", text::fit(product, (rest - rest * 3 / 5).saturating_sub(1)))),
        (theme.dim(), text::fit_right(&time, 15)),
        (Style::new(), text::fit_right(&text::compact(source.counters.kept), 8)),
        (theme.dim(), text::fit_right(&parsed, 8)),
        (theme.bad(), text::fit_right(&refused, 8)),
    ]
}
