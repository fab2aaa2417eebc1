//! What is drawn: the frame around every screen, and where its parts are. Reads the state and changes nothing.

mod lists;
mod sheet;
mod theme;
mod wall;

use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use self::theme::Theme;
use crate::{
    data::Status,
    doc,
    screens::Kind,
    state::{Focus, Link, Place, State},
    text,
    update::SILENCE,
    words::{fill, reasons},
};

/// Below this nothing useful can be drawn.
const LEAST: (u16, u16) = (60, 16);

/// Draws everything.
pub fn view(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    let theme = Theme::of(state);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = text::cut(state.words().small, usize::from(area.width));
        put(frame, area, 0, Line::from(text));
        return;
    }
    top(state, theme, frame, row(area, 0));
    let below = dialog(state, theme, frame, area);
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(2 + below), ..area };
    match state.place {
        Place::Wall => wall::draw(state, theme, frame, body),
        _ => lists::draw(state, theme, frame, body),
    }
    bottom(state, theme, frame, row(area, area.height - 1));
    if state.sheet {
        sheet::draw(state, theme, frame, body);
    }
}

fn row(area: Rect, at: u16) -> Rect {
    Rect { y: area.y + at, height: 1, ..area }
}

/// One line of an area.
fn put(frame: &mut Frame<'_>, area: Rect, at: u16, line: Line<'_>) {
    if at < area.height {
        frame.render_widget(line, row(area, at));
    }
}

/// Where list and details are. Side by side where there is room; else one above the other, or the details alone while they have
/// the keys.
pub(crate) struct Halves {
    pub(crate) list: Rect,
    pub(crate) detail: Rect,
}

pub(crate) fn halves(state: &State, area: Rect) -> Halves {
    let none = Rect { width: 0, height: 0, ..area };
    match state.place {
        Place::Wall | Place::Incidents => Halves { list: area, detail: none },
        Place::Screen(kind) if kind.screen().shelf(&state.screens).is_none() => Halves { list: none, detail: area },
        Place::Incident(_) | Place::Entity { .. } => Halves { list: none, detail: area },
        Place::Search if state.search.table.is_some() => Halves { list: area, detail: none },
        _ if state.wide() => {
            let left = area.width * 11 / 20;
            let detail = Rect { x: area.x + left + 1, width: area.width - left - 1, ..area };
            Halves { list: Rect { width: left, ..area }, detail }
        }
        _ if state.focus == Focus::Detail => Halves { list: none, detail: area },
        _ => {
            let upper = (area.height * 9 / 20).max(5).min(area.height);
            // a dialog may leave too little for both
            let detail = Rect { y: area.y + upper + 1, height: area.height.saturating_sub(upper + 1), ..area };
            Halves { list: Rect { height: upper, ..area }, detail }
        }
    }
}

fn body(state: &State) -> Rect {
    Rect { x: 0, y: 1, width: state.size.0, height: state.size.1.saturating_sub(2).max(2) }
}

/// Columns of the details' text.
pub(crate) fn detail_columns(state: &State) -> usize {
    usize::from(halves(state, body(state)).detail.width).saturating_sub(2).max(20)
}

/// Rows that a page key moves by.
pub(crate) fn page_rows(state: &State) -> usize {
    let halves = halves(state, body(state));
    let shown = if state.focus == Focus::Detail { halves.detail } else { halves.list };
    usize::from(shown.height).saturating_sub(2).max(2)
}

fn top(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let words = state.words();
    let name = |place: &Place| match place {
        Place::Wall => words.wall.to_owned(),
        Place::Alerts => words.alerts.to_owned(),
        Place::Incidents => words.incidents.to_owned(),
        Place::Incident(id) => format!("{} {}", words.incidents, text::cut(id, 9)),
        Place::Search => words.search.to_owned(),
        Place::Sources => words.sources.to_owned(),
        Place::Screen(kind) => kind.screen().name(state.language).to_owned(),
        Place::Entity { value, .. } => text::cut(value, 24),
    };
    let start = state.path.len().saturating_sub(2);
    let crumbs: Vec<String> = state.path[start..].iter().chain([&state.place]).map(name).collect();
    let clock = state.now.to_zoned(state.zone.clone()).strftime("%H:%M:%S").to_string();
    let columns = usize::from(area.width);
    // what does not fit is left out whole, the least needed first; the clock stays
    let mut parts = status_parts(state);
    while parts.len() > 1 && text::width(&parts.join(" · ")) + text::width(&clock) + 2 > columns * 2 / 3 {
        parts.pop();
    }
    let right = format!("{}  {clock}", parts.join(" · "));
    let left_room = columns.saturating_sub(text::width(&right) + 1);
    let left = text::fit(&format!(" FANSIPAN  {}", crumbs.join(" › ")), left_room);
    let tone = match state.link {
        Link::Live if !stale(state) => theme.bar(),
        Link::Live | Link::Connecting | Link::Polling => theme.bar().patch(theme.warn()),
        Link::Offline => theme.bar().patch(theme.bad()),
    };
    frame.render_widget(
        Line::from(vec![Span::styled(left, theme.bar().patch(theme.strong())), Span::styled(format!("{right} "), tone)]),
        area,
    );
}

fn stale(state: &State) -> bool {
    state.tick.as_ref().is_some_and(|(_, at)| state.now.duration_since(*at) > SILENCE)
}

/// The live numbers with how they come.
fn status_parts(state: &State) -> Vec<String> {
    let words = state.words();
    let mode = match state.link {
        Link::Connecting => words.connecting,
        Link::Live => words.live,
        Link::Polling => words.polling,
        Link::Offline => words.offline,
    };
    let mut parts = vec![format!("● {mode}")];
    if let Some((tick, at)) = &state.tick {
        if stale(state) || state.link != Link::Live {
            parts.push(text::ago(*at, state.now, words));
        }
        parts.push(fill(words.per_second, &[&text::rate(tick.per_second)]));
        parts.push(fill(words.open_alerts, &[&text::number(tick.open_alerts, state.language)]));
        if tick.lag.seconds >= 1.0 {
            parts.push(fill(words.lag, &[&text::span(tick.lag.seconds as i64, words)]));
        }
    }
    parts
}

/// What is being asked of the person, above the bottom line; how many lines it takes.
fn dialog(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) -> u16 {
    let words = state.words();
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut cursor = None;
    let columns = usize::from(area.width).saturating_sub(2);
    if let Some(prompt) = &state.prompt {
        for line in text::wrap(&prompt.title, columns) {
            lines.push(Line::styled(format!(" {line}"), theme.head()));
        }
        let before = prompt.input.before();
        // the end of what is typed stays in sight
        let skip = text::width(&before).saturating_sub(columns.saturating_sub(4));
        let shown: String = text::skip(&prompt.input.text(), skip);
        cursor = Some((3 + text::width(&before) - skip, lines.len()));
        lines.push(Line::from(vec![Span::styled(" › ", theme.strong()), Span::raw(text::cut(&shown, columns.saturating_sub(2)))]));
    } else if let Some(verdict) = state.alerts.judging.filter(|_| state.place == Place::Alerts) {
        lines.extend(reason_lines(state, theme, verdict, columns));
    } else if let Some(exception) = state.alerts.exception.as_ref().filter(|_| state.place == Place::Alerts) {
        lines.push(Line::styled(format!(" {}: {}", words.except_title, exception.rule), theme.head()));
        let filter = exception.filters.get(exception.chosen).map_or("", String::as_str);
        let about = if filter.is_empty() { words.except_everything.to_owned() } else { fill(words.except_about, &[filter]) };
        let lasts = fill(words.except_lasts, &[&text::span(i64::from(exception.days) * 86_400, words)]);
        lines.push(Line::raw(text::cut(&format!(" {about} · {lasts}"), columns)));
        lines.push(match exception.preview {
            None => Line::styled(format!(" {}", words.except_asking), theme.dim()),
            Some((held, wrong)) => {
                let told = fill(words.except_preview, &[&text::number(held, state.language), &text::number(wrong, state.language)]);
                Line::styled(format!(" {told}"), if wrong > 0 { theme.bad() } else { theme.good() })
            }
        });
        lines.push(Line::styled(format!(" {}", words.except_keys), theme.dim()));
    } else if let Some(group) = state.alerts.group.as_ref().filter(|_| state.place == Place::Alerts) {
        let count = group.count.map_or_else(|| "…".to_owned(), |n| text::number(n, state.language));
        let about = state.hand().and_then(|a| a.entities.first()).map(|e| e.value.clone()).unwrap_or_default();
        let narrow = group.step == 1 && !about.is_empty();
        let told = if narrow { fill(words.group_same, &[&count, &about]) } else { fill(words.group_rule, &[&count]) };
        lines.push(Line::styled(format!(" {}", text::cut(&told, columns)), theme.warn()));
    }
    let height = u16::try_from(lines.len()).unwrap_or(0).min(area.height / 2);
    let y = area.y + area.height - 1 - height;
    for (i, line) in lines.into_iter().take(usize::from(height)).enumerate() {
        let at = y + u16::try_from(i).unwrap_or(0);
        frame.render_widget(line, Rect { y: at, height: 1, ..area });
    }
    if let Some((column, line)) = cursor {
        let x = area.x + u16::try_from(column).unwrap_or(0).min(area.width - 1);
        frame.set_cursor_position(Position { x, y: y + u16::try_from(line).unwrap_or(0).min(height.saturating_sub(1)) });
    }
    height
}

fn reason_lines<'a>(state: &State, theme: Theme, verdict: Status, columns: usize) -> Vec<Line<'a>> {
    let words = state.words();
    let mut lines = vec![Line::styled(format!(" {}: {} · {}", words.verdict, words.status(verdict), words.pick_reason), theme.head())];
    let choices: Vec<String> = reasons(verdict).iter().enumerate().map(|(i, r)| format!("{} {}", i + 1, words.reason(r))).collect();
    for line in text::wrap(&choices.iter().map(|c| c.replace(' ', "\u{a0}")).collect::<Vec<_>>().join("  "), columns) {
        lines.push(Line::raw(format!(" {}", line.replace('\u{a0}', " "))));
    }
    lines
}

fn bottom(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let words = state.words();
    let columns = usize::from(area.width);
    let (text, style) = if state.quitting {
        (format!(" {}", words.quit_question), theme.warn())
    } else if let Some(toast) = &state.toast {
        (format!(" {}", toast.text), if toast.loud { theme.bad() } else { theme.good() })
    } else {
        (hints(state, columns), theme.dim())
    };
    frame.render_widget(Line::styled(text::fit(&text, columns), style), area);
}

/// The keys that matter most here, as many as there is room for.
fn hints(state: &State, columns: usize) -> String {
    let w = state.words();
    let of_screen = match state.place {
        Place::Screen(kind) => kind.screen().hints(state),
        _ => Vec::new(),
    };
    let most: &[(&str, &str)] = match state.place {
        _ if state.kiosk => &[("q", w.key_quit)],
        Place::Alerts => &[
            ("n", w.hint_next),
            ("c", w.hint_claim),
            ("t", w.hint_true),
            ("f", w.hint_false),
            ("b", w.hint_benign),
            ("*", w.hint_group),
            ("u", w.key_undo),
            ("Enter", w.key_open),
            ("/", w.hint_filter),
            ("e", w.hint_incident),
            ("x", w.hint_except),
            ("w", w.hint_watch),
            ("p", w.packets),
            ("s", w.hint_which),
        ],
        Place::Incident(_) => &[
            ("c", w.hint_claim),
            ("t", w.hint_true),
            ("f", w.hint_false),
            ("b", w.hint_benign),
            ("l", w.hint_stage),
            ("m", w.note),
            ("p", w.hint_playbook),
            ("a", w.hint_act),
            ("Enter", w.key_open),
            ("Backspace", w.key_back),
        ],
        Place::Search => &[
            ("/", w.hint_search),
            ("r", w.hint_range),
            ("Enter", w.key_open),
            ("Tab", w.hint_side),
            ("e", w.hint_add_event),
            ("p", w.packets),
        ],
        Place::Entity { .. } => {
            &[("r", w.hint_range), ("w", w.hint_watch), ("a", w.hint_act), ("Enter", w.key_open), ("Backspace", w.key_back)]
        }
        Place::Incidents => &[("Enter", w.key_open), ("s", w.hint_which), ("/", w.hint_filter)],
        Place::Sources => &[("Enter", w.key_open), ("s", w.hint_which), ("/", w.hint_filter), ("w", w.hint_watch)],
        Place::Screen(_) => &of_screen,
        Place::Wall => &[],
    };
    let mut line = format!(" ? {}", w.hint_keys);
    let mut places = vec![("g o", w.wall), ("g a", w.alerts), ("g n", w.incidents), ("g s", w.search), ("g r", w.sources)];
    places.extend(Kind::ALL.into_iter().map(|kind| (kind.screen().keys(), kind.screen().name(state.language))));
    places.push(("q", w.key_quit));
    for (keys, label) in most.iter().chain(places.iter().filter(|_| !state.kiosk)) {
        let part = format!("  {keys} {label}");
        if text::width(&line) + text::width(&part) <= columns {
            line.push_str(&part);
        }
    }
    line
}

/// Details, with the line in hand in the middle where there are more than fit.
fn detail(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    if area.height == 0 || area.width < 4 {
        return;
    }
    let lines = doc::build(state);
    let height = usize::from(area.height);
    let focused = state.focus == Focus::Detail;
    let line = state.line.min(lines.len().saturating_sub(1));
    let from = if focused { first_shown(line, lines.len(), height) } else { 0 };
    for (i, drawn) in lines.iter().enumerate().skip(from).take(height) {
        let in_hand = focused && i == line;
        let mut spans = vec![Span::styled(if in_hand { "▌" } else { " " }, theme.head())];
        let marked = if in_hand && drawn.target.is_some() { theme.selected(true) } else { Style::new() };
        spans.extend(drawn.spans.iter().map(|(tone, text)| Span::styled(text.clone(), theme.tone(*tone).patch(marked))));
        put(frame, area, u16::try_from(i - from).unwrap_or(u16::MAX), Line::from(spans));
    }
}

/// The first row shown so that the one in hand is in the middle, as far as there are rows.
fn first_shown(at: usize, count: usize, height: usize) -> usize {
    at.saturating_sub(height / 2).min(count.saturating_sub(height))
}

/// A heading over a part of the screen: a name, a line, a note at its end.
fn title<'a>(theme: Theme, columns: usize, name: &str, note: &str) -> Line<'a> {
    let name = text::cut(name, columns.saturating_sub(6));
    let note = text::cut(note, columns.saturating_sub(text::width(&name) + 6));
    let taken = text::width(&name) + text::width(&note) + 3 + usize::from(!note.is_empty());
    let line = "─".repeat(columns.saturating_sub(taken));
    let mut spans = vec![Span::styled("─ ", theme.dim()), Span::styled(name, theme.head()), Span::styled(format!(" {line}"), theme.dim())];
    if !note.is_empty() {
        spans.push(Span::styled(format!(" {note}"), theme.dim()));
    }
    Line::from(spans)
}
