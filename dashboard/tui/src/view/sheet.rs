//! The sheet of keys that work on the screen behind it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Clear,
};

use super::{put, theme::Theme, title};
use crate::{
    keys::{Group, SHORTCUTS},
    state::State,
    text,
};

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    frame.render_widget(Clear, area);
    let words = state.words();
    put(frame, area, 0, title(theme, usize::from(area.width), words.keys, "Esc"));
    let mut lines: Vec<Line<'_>> = Vec::new();
    let columns = if area.width >= 120 { 3 } else { 2 };
    let width = (usize::from(area.width) - 2) / columns;
    for (group, name) in [
        (Group::Anywhere, words.keys_anywhere),
        (Group::Lists, words.keys_lists),
        (Group::Alerts, words.keys_alerts),
        (Group::Response, words.keys_response),
    ] {
        let shown: Vec<_> = SHORTCUTS.iter().filter(|s| s.group == group && s.works(state)).collect();
        if shown.is_empty() {
            continue;
        }
        lines.push(Line::styled(name, theme.head()));
        for shortcut in shown {
            let keys = match shortcut.keys {
                "Escape" => "Esc",
                "j" => "j ↓",
                "k" => "k ↑",
                "PageDown" => "PgUp PgDn",
                "Home" => "Home End",
                keys => keys,
            };
            let label = text::cut((shortcut.label)(words), width.saturating_sub(13));
            lines.push(Line::from(vec![Span::styled(text::fit(keys, 11), theme.strong()), Span::raw(label)]));
        }
    }
    let rows = usize::from(area.height).saturating_sub(2).max(1);
    let per = lines.len().div_ceil(columns).max(rows.min(lines.len()));
    for (i, line) in lines.into_iter().enumerate() {
        let (column, at) = (i / per, i % per);
        let x = area.x + 1 + u16::try_from(column * width).unwrap_or(0);
        if column < columns && at < rows {
            let here = Rect { x, width: u16::try_from(width).unwrap_or(area.width), ..area };
            put(frame, here, u16::try_from(at + 2).unwrap_or(0), line);
        }
    }
}
