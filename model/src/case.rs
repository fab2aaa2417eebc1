//! Handling an incident: its stages and what each demands, its clocks, and what people put into its workspace.
//! Stages' demands and clocks are data (`data/incident_stages.txt`, `data/incident_clocks.txt`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Word, time};

/// How far the handling of an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nobody has looked.
    #[default]
    New,
    /// It is known what it is.
    Triaged,
    /// It spreads no further.
    Contained,
    /// Its cause is removed.
    Eradicated,
    /// Service is restored.
    Recovered,
    /// Nothing remains to be done.
    Closed,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Stage; 6] = [Stage::New, Stage::Triaged, Stage::Contained, Stage::Eradicated, Stage::Recovered, Stage::Closed];

    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::New => "new",
            Stage::Triaged => "triaged",
            Stage::Contained => "contained",
            Stage::Eradicated => "eradicated",
            Stage::Recovered => "recovered",
            Stage::Closed => "closed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// A field that a stage demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Its name.
    pub field: String,
    /// What it is, English.
    pub title: String,
    /// The same in Vietnamese.
    pub title_vi: String,
    /// Words it may be; empty: any text.
    pub words: Vec<String>,
}

/// What must be known before an incident may enter a stage, earlier stages' demands not repeated.
pub fn demands(stage: Stage) -> Vec<Demand> {
    let rows = include_str!("../data/incident_stages.txt").lines().filter(|l| !l.starts_with('#'));
    rows.filter_map(|row| {
        let parts: Vec<&str> = row.split(" | ").collect();
        let [of, field, title, title_vi, rest @ ..] = parts.as_slice() else { return None };
        let words = rest.first().map(|w| w.split(' ').map(str::to_owned).collect()).unwrap_or_default();
        (*of == stage.as_str()).then(|| Demand {
            field: field.trim_end_matches('*').to_owned(),
            title: (*title).to_owned(),
            title_vi: (*title_vi).to_owned(),
            words,
        })
    })
    .collect()
}

/// The first field that is missing or not one of its words when an incident with these facts enters a stage.
pub fn lacking(stage: Stage, facts: &BTreeMap<String, String>) -> Option<Demand> {
    let wanted = Stage::ALL.into_iter().filter(|s| *s <= stage).flat_map(demands);
    wanted.into_iter().find(|d| match facts.get(&d.field).map(|v| v.trim()).filter(|v| !v.is_empty()) {
        Some(value) => !d.words.is_empty() && !d.words.iter().any(|w| w == value),
        None => true,
    })
}

/// When an incident must have reached a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Which.
    pub stage: Stage,
    /// Until when, UTC nanoseconds.
    pub due: i64,
}

/// The clocks of an incident of this severity on a system of this security level, opened then.
pub fn clocks(severity: &str, level: Option<u8>, opened: i64) -> Vec<Clock> {
    let level = level.map(|l| l.to_string());
    let rows = include_str!("../data/incident_clocks.txt").lines().filter(|l| !l.starts_with('#'));
    let fits = |row: &&str| {
        let mut words = row.split(' ');
        words.next() == Some(severity) && words.next().is_some_and(|l| l == "*" || Some(l) == level.as_deref())
    };
    let Some(row) = rows.into_iter().find(fits) else { return Vec::new() };
    let minutes = row.split(' ').skip(2).filter_map(|m| m.parse::<i64>().ok());
    let stages = [Stage::Triaged, Stage::Contained, Stage::Recovered];
    stages.into_iter().zip(minutes).map(|(stage, m)| Clock { stage, due: opened.saturating_add(m * 60 * time::SECOND) }).collect()
}

/// One hand a piece of evidence went through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// When, UTC nanoseconds.
    pub at: i64,
    /// Who.
    pub who: String,
    /// What they did: `taken`, `read`.
    pub act: String,
}

/// What people put into the workspace of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ItemBody {
    /// Something to remember.
    Note {
        /// What.
        text: String,
    },
    /// Something to do.
    Task {
        /// What.
        title: String,
        /// Whether it is done.
        #[serde(default)]
        done: bool,
        /// Who does it.
        #[serde(default)]
        assignee: Option<String>,
        /// Until when, UTC nanoseconds.
        #[serde(default)]
        due: Option<i64>,
    },
    /// A trace by which the attack is recognised elsewhere.
    Indicator {
        /// `ip`, `domain`, `url`, `hash`, `email`, `file`.
        indicator: String,
        /// Its value.
        value: String,
        /// What it is.
        #[serde(default)]
        comment: String,
    },
    /// Somebody who is part of it.
    Person {
        /// Who.
        name: String,
        /// As what: `victim`, `owner`, `handler`…
        role: String,
        /// How to reach them.
        #[serde(default)]
        contact: String,
    },
    /// A file that proves something.
    Evidence {
        /// Its name.
        name: String,
        /// SHA-256 of its bytes, hexadecimal.
        sha256: String,
        /// Bytes.
        size: u64,
        /// What it shows.
        #[serde(default)]
        comment: String,
        /// Every hand it went through, first first.
        custody: Vec<Custody>,
    },
    /// An event that belongs to what happened, wherever it was found.
    Event {
        /// Its id.
        event: String,
        /// Its `@timestamp`, UTC nanoseconds.
        seen: i64,
        /// Its host.
        #[serde(default)]
        host: String,
        /// Its message.
        text: String,
    },
    /// The incident entered a stage.
    Stage {
        /// From which.
        from: Stage,
        /// To which.
        to: Stage,
        /// Why, when it went back.
        #[serde(default)]
        reason: String,
    },
}

/// Kinds of indicators.
pub const INDICATORS: [&str; 6] = ["ip", "domain", "url", "hash", "email", "file"];

impl ItemBody {
    /// The word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            ItemBody::Note { .. } => "note",
            ItemBody::Task { .. } => "task",
            ItemBody::Indicator { .. } => "indicator",
            ItemBody::Person { .. } => "person",
            ItemBody::Evidence { .. } => "evidence",
            ItemBody::Event { .. } => "event",
            ItemBody::Stage { .. } => "stage",
        }
    }

    /// Why it cannot be kept, if so.
    pub fn fault(&self) -> Option<Word> {
        const LONGEST: usize = 20_000;
        let empty = |text: &str| text.trim().is_empty();
        let long = |text: &str| text.len() > LONGEST;
        match self {
            ItemBody::Note { text } if empty(text) || long(text) => {
                Some(Word::new("a note has 1 to 20000 bytes", "ghi chú dài từ 1 đến 20000 byte"))
            }
            ItemBody::Task { title, .. } if empty(title) || title.len() > 500 => {
                Some(Word::new("a task has a title of 1 to 500 bytes", "việc cần làm có tên dài từ 1 đến 500 byte"))
            }
            ItemBody::Indicator { indicator, .. } if !INDICATORS.contains(&indicator.as_str()) => {
                Some(Word::new("indicator is ip, domain, url, hash, email or file", "indicator là ip, domain, url, hash, email hoặc file"))
            }
            ItemBody::Indicator { value, comment, .. } if empty(value) || value.len() > 2_000 || long(comment) => {
                Some(Word::new("an indicator has a value of 1 to 2000 bytes", "chỉ dấu có giá trị dài từ 1 đến 2000 byte"))
            }
            ItemBody::Indicator { indicator, value, .. } if indicator == "ip" && value.parse::<std::net::IpAddr>().is_err() => {
                Some(Word::new("an ip indicator is an IPv4 or IPv6 address", "chỉ dấu loại ip phải là địa chỉ IPv4 hoặc IPv6"))
            }
            ItemBody::Indicator { indicator, value, .. } if indicator == "hash" && !hash(value) => Some(Word::new(
                "a hash indicator is 32, 40, 64 or 128 hexadecimal digits",
                "chỉ dấu loại hash gồm 32, 40, 64 hoặc 128 chữ số thập lục phân",
            )),
            ItemBody::Person { name, role, contact } if empty(name) || empty(role) || long(name) || long(role) || long(contact) => {
                Some(Word::new("a person has a name and a role", "người liên quan phải có tên và vai trò"))
            }
            _ => None,
        }
    }
}

fn hash(value: &str) -> bool {
    [32, 40, 64, 128].contains(&value.len()) && value.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_demands_what_the_data_says() {
        let mut facts = BTreeMap::new();
        assert_eq!(lacking(Stage::New, &facts), None);
        let fill = |field: &str, value: &str, facts: &mut BTreeMap<String, String>| {
            facts.insert(field.to_owned(), value.to_owned());
        };
        let missing = |stage, facts: &BTreeMap<String, String>| lacking(stage, facts).map(|d| d.field);
        assert_eq!(missing(Stage::Triaged, &facts).as_deref(), Some("category"));
        fill("category", "aliens", &mut facts);
        assert_eq!(missing(Stage::Triaged, &facts).as_deref(), Some("category"), "only the words of the data");
        fill("category", "ransomware", &mut facts);
        fill("severity", "high", &mut facts);
        assert_eq!(missing(Stage::Triaged, &facts), None);
        fill("verdict", "true_positive", &mut facts);
        fill("lessons", "patch", &mut facts);
        assert_eq!(missing(Stage::Closed, &facts).as_deref(), Some("containment"), "skipping stages skips no demand");
        for stage in Stage::ALL {
            assert_eq!(Stage::parse(stage.as_str()), Some(stage));
        }
    }

    #[test]
    fn clocks_fit_severity_and_level() {
        let minutes = |severity, level| clocks(severity, level, 0).iter().map(|c| c.due / (60 * time::SECOND)).collect::<Vec<_>>();
        assert_eq!(minutes("critical", Some(5)), [10, 60, 480]);
        assert_eq!(minutes("critical", Some(2)), [15, 240, 1440]);
        assert_eq!(minutes("low", None), [480, 2880, 10080]);
        for severity in ["informational", "low", "medium", "high", "critical"] {
            assert_eq!(minutes(severity, None).len(), 3, "{severity}");
        }
    }
}
