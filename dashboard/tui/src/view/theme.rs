//! Colours: the sixteen of the terminal, so that its owner's palette holds; meaning never rests on colour alone.

use ratatui::style::{Color, Modifier, Style};

use crate::{data::Level, doc::Tone, state::State};

/// The colours in use.
#[derive(Clone, Copy)]
pub(super) struct Theme {
    light: bool,
}

impl Theme {
    pub(super) fn of(state: &State) -> Self {
        Self { light: state.light }
    }

    pub(super) fn dim(self) -> Style {
        Style::new().fg(if self.light { Color::DarkGray } else { Color::Gray })
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn head(self) -> Style {
        Style::new().fg(if self.light { Color::Blue } else { Color::LightBlue }).add_modifier(Modifier::BOLD)
    }

    pub(super) fn link(self) -> Style {
        Style::new().fg(if self.light { Color::Blue } else { Color::LightCyan })
    }

    pub(super) fn good(self) -> Style {
        Style::new().fg(if self.light { Color::Green } else { Color::LightGreen })
    }

    pub(super) fn bad(self) -> Style {
        Style::new().fg(if self.light { Color::Red } else { Color::LightRed }).add_modifier(Modifier::BOLD)
    }

    pub(super) fn warn(self) -> Style {
        Style::new().fg(if self.light { Color::Magenta } else { Color::LightYellow }).add_modifier(Modifier::BOLD)
    }

    pub(super) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn selected(self, focused: bool) -> Style {
        if focused { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new().add_modifier(Modifier::UNDERLINED) }
    }

    pub(super) fn level(self, level: Level) -> Style {
        match level {
            Level::Critical => Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
            Level::High => self.bad(),
            Level::Medium => self.warn(),
            Level::Low => self.link(),
            Level::Informational => self.dim(),
        }
    }

    pub(super) fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Dim => self.dim(),
            Tone::Strong => self.strong(),
            Tone::Head => self.head(),
            Tone::Link => self.link(),
            Tone::Level(level) => self.level(level),
            Tone::Good => self.good(),
            Tone::Bad => self.bad(),
        }
    }
}
