//! Everything the console knows. It changes in `update` only, and `view` draws nothing else.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    data::{Alert, Bucket, Context, EntityPage, Event, Incident, Source, Tick, Timeline, User, Workspace},
    desk::Desk,
    input::Input,
    message::Failure,
    packets::SavedPackets,
    pages::Pages,
    screens::{Kind, Screens},
    wall::{Overview, Wall},
    words::{Language, Words},
};

/// What is on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Are we under attack, are we blind.
    Wall,
    /// The alert queue and the alert in hand.
    Alerts,
    /// The list of incidents.
    Incidents,
    /// One incident.
    Incident(String),
    /// Search over stored events.
    Search,
    /// Who sends.
    Sources,
    /// Everything about one thing.
    Entity {
        /// What it is; empty: let the appliance guess.
        kind: String,
        /// Its value.
        value: String,
    },
    /// One of the screens beside triage.
    Screen(Kind),
}

/// Which half of a screen the keys belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The list.
    #[default]
    List,
    /// What it is a list of.
    Detail,
}

/// How the appliance is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Nothing has come yet.
    #[default]
    Connecting,
    /// The stream tells.
    Live,
    /// The stream is broken, questions are answered.
    Polling,
    /// Nothing is answered.
    Offline,
}

/// A short message at the bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// What it says.
    pub text: String,
    /// Whether something went wrong or is urgent.
    pub loud: bool,
    /// Until when.
    pub until: Timestamp,
}

/// What a typed line is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The filter of a list.
    Filter,
    /// The query of the search.
    Query,
    /// A note into an incident.
    Note(String),
    /// The conclusion of an incident, with its verdict.
    Conclusion(String, crate::data::Status),
    /// A fact that the next stage of an incident demands.
    Fact(String),
    /// Why an exception is right.
    Exception,
    /// Whether to open an incident about this alert.
    Escalate(String),
    /// The file for the packets of this event or alert.
    Packets(String),
    /// Something of a screen beside triage.
    Screen(Kind, String),
}

/// A line being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What it is called.
    pub title: String,
    /// The line.
    pub input: Input,
    /// What it is for.
    pub wanted: Wanted,
}

/// The filter and order of the alert queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Judged alerts too.
    pub all: bool,
    /// Words that stand in them.
    pub q: String,
    /// Newest first instead of by priority.
    pub newest: bool,
}

/// The group a verdict falls on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which of the alert's groups, from 1.
    pub step: usize,
    /// How many alerts it has; not known at first.
    pub count: Option<u64>,
}

/// An exception that is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The rule.
    pub rule: String,
    /// Filters to choose from; an empty one: all events of the rule.
    pub filters: Vec<String>,
    /// Which of them.
    pub chosen: usize,
    /// For how many days.
    pub days: u32,
    /// Alerts it would have held back, and those of them that were judged true.
    pub preview: Option<(u64, u64)>,
}

/// The alert screen.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    /// The queue.
    pub list: Pages<Alert>,
    /// What the list is restricted to.
    pub filter: Filter,
    /// The alert in hand.
    pub hand: Option<String>,
    /// Its details, once they came.
    pub detail: Option<Alert>,
    /// What is known around it.
    pub context: Option<Context>,
    /// A verdict whose reason is being picked.
    pub judging: Option<crate::data::Status>,
    /// What the verdict falls on besides the alert in hand.
    pub group: Option<Group>,
    /// An exception being made.
    pub exception: Option<Exception>,
    /// When to ask for the details of the hand.
    pub due: Option<Timestamp>,
    /// When to ask for the list anew.
    pub again: Option<Timestamp>,
}

/// The list of incidents.
#[derive(Clone, Debug, Default)]
pub struct Incidents {
    /// The incidents.
    pub items: Vec<Incident>,
    /// The one in hand.
    pub selected: usize,
    /// Closed ones too.
    pub all: bool,
    /// Words that stand in them.
    pub q: String,
    /// Whether the first answer came.
    pub known: bool,
}

/// One incident.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The incident with its story.
    pub incident: Option<Incident>,
    /// Its workspace.
    pub workspace: Option<Workspace>,
    /// Everything that happened in it.
    pub timeline: Option<Timeline>,
    /// Facts given so far for the stage it is being led to.
    pub facts: Vec<(String, String)>,
    /// Facts still demanded for it.
    pub demanded: Vec<crate::data::Demand>,
    /// That stage.
    pub towards: String,
    /// When to ask for it anew.
    pub again: Option<Timestamp>,
}

/// Ranges of searches and entity pages.
pub const RANGES: [&str; 6] = ["15m", "1h", "4h", "24h", "7d", "30d"];

/// The search screen.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The query as it was asked.
    pub q: String,
    /// Which of [`RANGES`].
    pub range: usize,
    /// Events found.
    pub list: Pages<Event>,
    /// Or a table: its columns and rows.
    pub table: Option<(Vec<String>, Vec<Vec<String>>, bool)>,
    /// Row of the table in hand.
    pub row: usize,
    /// Events over time.
    pub histogram: Vec<Bucket>,
    /// How long the last answer took.
    pub took_ms: u64,
    /// What is wrong with the query: character and message.
    pub fault: Option<Failure>,
    /// Queries asked before, latest last.
    pub asked: Vec<String>,
    /// Which of them the box shows.
    pub recalled: usize,
}

/// The page of an entity.
#[derive(Clone, Debug, Default)]
pub struct EntityScreen {
    /// Its page, once it came.
    pub page: Option<EntityPage>,
    /// Grows with each question.
    pub serial: u64,
    /// Which of [`RANGES`].
    pub range: usize,
}

/// The source screen.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The sources.
    pub items: Vec<Source>,
    /// The one in hand.
    pub selected: usize,
    /// Only silent ones.
    pub silent: bool,
    /// Words that stand in them.
    pub q: String,
    /// Whether the first answer came.
    pub known: bool,
}

/// The wall.
#[derive(Clone, Debug, Default)]
pub struct WallScreen {
    /// Numbers.
    pub overview: Option<Overview>,
    /// Lists.
    pub wall: Option<Wall>,
    /// When the numbers came.
    pub overview_at: Option<Timestamp>,
    /// When the lists came.
    pub wall_at: Option<Timestamp>,
}

/// Everything the console knows.
#[derive(Debug)]
pub struct State {
    /// Columns and rows.
    pub size: (u16, u16),
    /// How late it is.
    pub now: Timestamp,
    /// Where times are shown.
    pub zone: TimeZone,
    /// The language.
    pub language: Language,
    /// Whether the language was chosen here, so that the account's does not change it.
    pub chosen: bool,
    /// Whether the terminal is light.
    pub light: bool,
    /// Nothing but the wall: for a screen nobody sits at.
    pub kiosk: bool,
    /// Who is logged in.
    pub me: Option<User>,
    /// How the appliance is reached.
    pub link: Link,
    /// The latest live numbers.
    pub tick: Option<(Tick, Timestamp)>,
    /// What is on screen.
    pub place: Place,
    /// Where one came from.
    pub path: Vec<Place>,
    /// Which half the keys belong to.
    pub focus: Focus,
    /// Line of the details that is in hand.
    pub line: usize,
    /// A key that may begin a sequence.
    pub pending: bool,
    /// Whether the sheet of keys is open.
    pub sheet: bool,
    /// Whether leaving is being asked about.
    pub quitting: bool,
    /// A line being typed.
    pub prompt: Option<Prompt>,
    /// A short message.
    pub toast: Option<Toast>,
    /// Values that ring when an alert is about them.
    pub watched: Vec<String>,
    /// Files of packets written so far, latest last.
    pub saved: Vec<SavedPackets>,
    /// Alerts announced already.
    pub announced: std::collections::VecDeque<String>,
    /// When numbers are next asked for.
    pub refresh: Timestamp,
    /// The wall.
    pub wall: WallScreen,
    /// Alerts.
    pub alerts: Alerts,
    /// What is done to them.
    pub desk: Desk,
    /// Incidents.
    pub incidents: Incidents,
    /// The incident that is open.
    pub case: Case,
    /// The entity that is open.
    pub entity: EntityScreen,
    /// Search.
    pub search: Search,
    /// Sources.
    pub sources: Sources,
    /// The screens beside triage.
    pub(crate) screens: Screens,
}

impl State {
    /// A console that knows nothing yet.
    pub fn new(size: (u16, u16), now: Timestamp, zone: TimeZone) -> Self {
        Self {
            size,
            now,
            zone,
            language: Language::default(),
            chosen: false,
            light: false,
            kiosk: false,
            me: None,
            link: Link::default(),
            tick: None,
            place: Place::Wall,
            path: Vec::new(),
            focus: Focus::default(),
            line: 0,
            pending: false,
            sheet: false,
            quitting: false,
            prompt: None,
            toast: None,
            watched: Vec::new(),
            saved: Vec::new(),
            announced: Default::default(),
            refresh: now,
            wall: WallScreen::default(),
            alerts: Alerts::default(),
            desk: Desk::default(),
            incidents: Incidents::default(),
            case: Case::default(),
            entity: EntityScreen { range: 4, ..EntityScreen::default() },
            search: Search { range: 3, ..Search::default() },
            sources: Sources::default(),
            screens: Screens::default(),
        }
    }

    /// The words in use.
    pub fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// Whether the account may do this.
    pub fn may(&self, permission: &str) -> bool {
        self.me.as_ref().is_some_and(|me| me.permissions.iter().any(|p| p == permission))
    }

    /// The name of whoever is logged in.
    pub fn name(&self) -> &str {
        self.me.as_ref().map_or("", |me| me.name.as_str())
    }

    /// Whether list and details stand side by side.
    pub fn wide(&self) -> bool {
        self.size.0 >= 130
    }

    /// The alert in hand, as new as it is known.
    pub fn hand(&self) -> Option<&Alert> {
        let id = self.alerts.hand.as_deref()?;
        let detail = self.alerts.detail.as_ref().filter(|a| a.id == id);
        let row = self.alerts.list.rows.iter().find(|a| a.id == id);
        match (detail, row) {
            (Some(detail), Some(row)) if row.version > detail.version => Some(row),
            (Some(detail), _) => Some(detail),
            (None, row) => row,
        }
    }

    /// Incidents that pass the filter typed.
    pub fn incidents_shown(&self) -> Vec<&Incident> {
        let q = self.incidents.q.to_lowercase();
        let fits = |i: &&Incident| {
            let values = i.entities.iter().map(|e| e.value.as_str());
            [i.title.as_str(), i.title_vi.as_str()].into_iter().chain(values).any(|t| t.to_lowercase().contains(&q))
        };
        self.incidents.items.iter().filter(fits).collect()
    }

    /// Sources that pass the filters.
    pub fn sources_shown(&self) -> Vec<&Source> {
        let q = self.sources.q.to_lowercase();
        let fits = |s: &&Source| {
            let texts = [Some(s.id.as_str()), s.host.as_deref(), s.product.as_deref(), s.format.as_deref()];
            (!self.sources.silent || !s.active) && texts.into_iter().flatten().any(|t| t.to_lowercase().contains(&q))
        };
        self.sources.items.iter().filter(fits).collect()
    }

    /// Says something for a moment.
    pub fn say(&mut self, text: impl Into<String>, loud: bool) {
        let seconds = if loud { 8 } else { 5 };
        let until = self.now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(self.now);
        self.toast = Some(Toast { text: text.into(), loud, until });
    }

    /// When the next thing is due that is not an answer.
    pub fn wake(&self) -> Option<Timestamp> {
        [self.alerts.due, self.alerts.again, self.case.again, self.screens.wake(), self.toast.as_ref().map(|t| t.until)]
            .into_iter()
            .flatten()
            .min()
    }
}
