//! Details as lines that can be walked over: some of them lead somewhere. Built anew from the state whenever they are needed.

mod alert;
mod entity;
mod event;
mod incident;
mod source;
mod timeline;

use crate::{
    data::{Alert, Entity, Incident, Level},
    state::{Place, State},
    text, view,
};

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As any text.
    Plain,
    /// Less important.
    Dim,
    /// More important.
    Strong,
    /// Begins a section.
    Head,
    /// Leads somewhere.
    Link,
    /// As grave as this.
    Level(Level),
    /// Well.
    Good,
    /// Not well.
    Bad,
}

/// Where a line leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The page of an entity.
    Entity {
        /// What it is; empty: unknown.
        kind: String,
        /// Its value.
        value: String,
    },
    /// An alert.
    Alert(String),
    /// An incident.
    Incident(String),
    /// A search.
    Search(String),
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its pieces.
    pub spans: Vec<(Tone, String)>,
    /// Where it leads.
    pub target: Option<Target>,
}

/// The lines of what the screen has in hand.
pub fn build(state: &State) -> Vec<Line> {
    let mut doc = Doc { state, columns: view::detail_columns(state), label: 14, lines: Vec::new() };
    match &state.place {
        Place::Alerts => alert::lines(&mut doc),
        Place::Incident(_) => incident::lines(&mut doc),
        Place::Search => event::lines(&mut doc),
        Place::Sources => source::lines(&mut doc),
        Place::Entity { .. } => entity::lines(&mut doc),
        Place::Screen(kind) => kind.screen().lines(&mut doc),
        Place::Wall | Place::Incidents => {}
    }
    doc.lines
}

/// Lines being written.
pub(crate) struct Doc<'a> {
    pub(crate) state: &'a State,
    columns: usize,
    /// Columns of the names before values.
    label: usize,
    lines: Vec<Line>,
}

impl Doc<'_> {
    pub(crate) fn push(&mut self, spans: Vec<(Tone, String)>, target: Option<Target>) {
        self.lines.push(Line { spans, target });
    }

    /// A heading with a line before it.
    pub(crate) fn head(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.push(vec![(Tone::Head, text.to_owned())], None);
    }

    /// Text over as many lines as it takes.
    pub(crate) fn text(&mut self, tone: Tone, text: &str) {
        for line in text::wrap(text, self.columns) {
            self.push(vec![(tone, line)], None);
        }
    }

    /// Columns that a line has.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Columns of the names before values, at the least.
    pub(crate) fn set_label(&mut self, columns: usize) {
        self.label = columns.clamp(self.label, (self.columns / 3).max(self.label));
    }

    /// Lines of a file, with what they are indented by.
    pub(crate) fn verbatim(&mut self, lines: &[String]) {
        for line in lines {
            let indent = line.len() - line.trim_start_matches(' ').len();
            let indent = indent.min(self.columns / 2);
            let room = self.columns - indent;
            for part in text::wrap(line.trim_start_matches(' '), room) {
                self.push(vec![(Tone::Plain, format!("{}{part}", " ".repeat(indent)))], None);
            }
        }
    }

    /// An incident in one line.
    pub(crate) fn incident(&mut self, incident: &Incident) {
        let state = self.state;
        let words = state.words();
        let title = state.language.pick(&incident.title, Some(&incident.title_vi));
        let level = text::fit(words.level_short(incident.level), 6);
        let holder = format!("  {}", incident.assignee.as_deref().unwrap_or(if incident.status.open() { words.nobody } else { "" }));
        let status = format!("  {}", words.status(incident.status));
        let room = self.columns.saturating_sub(7 + text::width(&holder) + text::width(&status));
        let spans = vec![
            (Tone::Level(incident.level), level),
            (Tone::Link, format!(" {}", text::cut(title, room))),
            (Tone::Plain, status),
            (Tone::Dim, holder),
        ];
        self.push(spans, Some(Target::Incident(incident.id.clone())));
    }

    /// A name and its value; every line of it leads to the same.
    pub(crate) fn pair(&mut self, name: &str, tone: Tone, value: &str, target: Option<Target>) {
        let left = text::width(name).clamp(self.label, (self.columns / 3).max(self.label)) + 2;
        for (i, line) in text::wrap(value, self.columns.saturating_sub(left)).into_iter().enumerate() {
            let label = if i == 0 { name } else { "" };
            self.push(vec![(Tone::Dim, text::fit(label, left)), (tone, line)], target.clone());
        }
    }

    pub(crate) fn entity(&mut self, entity: &Entity) {
        let target = Target::Entity { kind: entity.kind.clone(), value: entity.value.clone() };
        let name = self.state.words().entity(&entity.kind);
        self.pair(name, Tone::Link, &entity.value, Some(target));
    }

    /// An alert in one line.
    pub(crate) fn alert(&mut self, alert: &Alert) {
        let state = self.state;
        let words = state.words();
        let time = text::fit_right(&text::instant(alert.last_seen, state.now, &state.zone), 11);
        let status = text::fit(words.status(alert.status), 13);
        let title = state.language.pick(&alert.rule.title, alert.rule.title_vi.as_deref());
        let room = self.columns.saturating_sub(6 + 1 + 11 + 1 + 13 + 2);
        let spans = vec![
            (Tone::Level(alert.rule.level), text::fit(words.level_short(alert.rule.level), 6)),
            (Tone::Dim, format!(" {time} ")),
            (Tone::Plain, format!("{status} ")),
            (Tone::Link, text::cut(title, room)),
        ];
        self.push(spans, Some(Target::Alert(alert.id.clone())));
    }

    /// An event in one line or, with its record, in several.
    pub(crate) fn event(&mut self, event: &crate::data::Event, record: bool) {
        let field = |name: &str| event.get(name).map(text::value).filter(|t| !t.is_empty());
        let at = field("@timestamp").and_then(|t| t.parse().ok()).unwrap_or_default();
        let time = text::instant(at, self.state.now, &self.state.zone);
        let message = if record {
            field("event.original").or_else(|| field("message"))
        } else {
            field("message").or_else(|| field("event.original"))
        };
        let message = message.unwrap_or_default();
        let target = field("event.id").map(|id| Target::Search(format!("event.id:{id}")));
        let left = text::width(&time) + 2;
        let lines = text::wrap(&message, self.columns.saturating_sub(left));
        for (i, line) in lines.into_iter().take(if record { 8 } else { 1 }).enumerate() {
            let label = if i == 0 { time.as_str() } else { "" };
            self.push(vec![(Tone::Dim, text::fit(label, left)), (Tone::Plain, line)], target.clone());
        }
    }
}
