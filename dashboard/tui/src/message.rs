//! What comes in and what goes out. Both can be written down and read again: a recorded session replays.

use fansipan_cli::Said;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::screens::Kind;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A key: `j`, `?`, `Enter`, `Escape`, `PageDown`, `C-c`.
    Key(String),
    /// Text pasted into the terminal.
    Paste(String),
    /// The terminal has this many columns and rows.
    Size(u16, u16),
    /// It is this late.
    Clock(Timestamp),
    /// The appliance answered.
    Answer {
        /// What was asked for.
        purpose: Purpose,
        /// The answer.
        result: Result<Value, Failure>,
    },
    /// The live stream said something.
    Live(Live),
}

/// What the live stream says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Live {
    /// It is open.
    Open,
    /// One event of it.
    Event {
        /// `alert`, `tick`…
        name: String,
        /// What it carries.
        data: Value,
    },
    /// It broke off and is being opened again.
    Lost(String),
}

/// Why there is no answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// The API's stable code, or `unreachable`, `denied`, `missing`.
    pub code: String,
    /// Its explanation.
    pub detail: String,
    /// The same in Vietnamese, where the appliance gives it.
    pub detail_vi: String,
    /// Of a query that is wrong: characters before the place.
    pub position: Option<usize>,
}

impl Failure {
    /// What is said in both languages.
    pub fn new(code: &str, said: Said) -> Self {
        Self { code: code.to_owned(), detail: said.en, detail_vi: said.vi, position: None }
    }
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// The first, replacing what is shown.
    Top,
    /// The one after what is held.
    After,
    /// The one before what is held.
    Before,
}

/// What an answer is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Who is logged in.
    Session,
    /// Which screen of the wall this is.
    Device,
    /// An incident is opened about an alert.
    Escalate,
    /// Numbers of the wall.
    Overview,
    /// Lists of the wall.
    Wall,
    /// A page of alerts of the list with this number.
    Alerts(u64, At),
    /// An alert with its events.
    Alert(String),
    /// What is known around an alert.
    Context(String),
    /// The next alert of the queue.
    Next,
    /// The errand under way at the desk.
    Desk,
    /// How many a group is.
    Group(usize),
    /// The list of incidents.
    Incidents,
    /// An incident.
    Incident(String),
    /// Its workspace.
    Workspace(String),
    /// Everything that happened in it, in order.
    Timeline(String),
    /// The packets of an event or alert, into a file.
    Packets(String),
    /// A decision about an incident.
    Decide(String),
    /// Everything about one thing, asked for as this number.
    Entity(u64),
    /// A page of events of the search with this number.
    Search(u64, At),
    /// Events over time of the search with this number.
    Histogram(u64),
    /// Sources.
    Sources,
    /// What an exception would hold back.
    Preview,
    /// An exception is made.
    Except,
    /// Something of a screen beside triage.
    Screen(Kind, String),
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Ask the appliance.
    Ask(Box<Ask>),
    /// Make the terminal ring.
    Bell,
    /// End.
    Quit,
}

/// A question to the appliance.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What the answer is for. A question of the same purpose that is still open is given up.
    pub purpose: Purpose,
    /// Path below the API's prefix.
    pub path: String,
    /// Parameters.
    pub query: Vec<(&'static str, String)>,
    /// The body of a POST; null: a GET.
    pub body: Value,
    /// The answer is a file, which is written here; what is known of it is the answer then.
    pub file: Option<String>,
}

impl Ask {
    /// A GET.
    pub fn get(purpose: Purpose, path: impl Into<String>, query: Vec<(&'static str, String)>) -> Command {
        Command::Ask(Box::new(Ask { purpose, path: path.into(), query, body: Value::Null, file: None }))
    }

    /// A POST.
    pub fn post(purpose: Purpose, path: impl Into<String>, body: Value) -> Command {
        Command::Ask(Box::new(Ask { purpose, path: path.into(), query: Vec::new(), body, file: None }))
    }

    /// A GET of a file, to be written to `file`.
    pub fn keep(purpose: Purpose, path: impl Into<String>, file: &str) -> Command {
        let file = Some(file.to_owned());
        Command::Ask(Box::new(Ask { purpose, path: path.into(), query: Vec::new(), body: Value::Null, file }))
    }

    /// Which earlier question this one makes needless: all about the same thing.
    pub fn slot(&self) -> Option<&'static str> {
        Some(match self.purpose {
            Purpose::Alert(_) => "alert",
            Purpose::Context(_) => "context",
            Purpose::Alerts(..) => "alerts",
            Purpose::Search(..) => "search",
            Purpose::Histogram(_) => "histogram",
            Purpose::Entity(_) => "entity",
            Purpose::Group(_) => "group",
            Purpose::Preview => "preview",
            _ => return None,
        })
    }
}
