//! What a matcher tells a keeper, and how it travels: JSON with a version. Readers take the version before as well.

use fansipan_model::Alert;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    correlate::{Keyed, Plan, Record, mix},
    detectors::network::Fact,
};

/// Format version written.
const VERSION: u8 = 1;

/// The bytes are no note that this program reads.
#[derive(Debug, Error)]
pub enum NoteError {
    /// Written by a newer program.
    #[error("FSP-COR-010: a record between analyzers has format version {0}, newer than this program reads (1): upgrade this node")]
    Version(u8),
    /// Not a note at all.
    #[error("FSP-COR-011: a record between analyzers is damaged: {0}")]
    Damaged(String),
}

/// For one group, or for all.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A rule matched: the alert it opens, unless one about the same things is open.
    Hit(Box<Alert>),
    /// A record of a correlation's group. `from`: whose watermark it carries; `None` for what a keeper found.
    Record {
        /// Rule id of the correlation.
        rule: String,
        /// SHA-256 of its text.
        hash: String,
        /// The partition of events it comes from.
        from: Option<i32>,
        /// The record; its `correlation` is a number of the sender's and means nothing here.
        keyed: Keyed,
    },
    /// What a network detector remembers of an event. Programs that do not know of it set it aside as unread.
    Fact(Box<Fact>),
    /// How far event time has come in a partition of events.
    Mark {
        /// Which.
        from: i32,
        /// The watermark.
        mark: i64,
        /// The latest `event.ingested`.
        now: i64,
    },
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hit: Option<Alert>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<WireRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<(i64, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fact: Option<Fact>,
}

#[derive(Serialize, Deserialize)]
struct WireRecord {
    rule: String,
    hash: String,
    key: Vec<String>,
    at: i64,
    id: [u64; 2],
    value: u64,
    member: u16,
    #[serde(default, skip_serializing_if = "is_false")]
    drill: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    below: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    remove: bool,
    /// See `correlate::context`; hexadecimal.
    context: String,
    now: i64,
    mark: i64,
    since: i64,
}

fn is_false(b: &bool) -> bool {
    !*b
}

impl Note {
    /// Of a record that a matcher or keeper with this plan found.
    pub(crate) fn of(keyed: Keyed, plan: &Plan, from: Option<i32>) -> Option<Note> {
        let reference = &plan.get(keyed.correlation)?.reference;
        Some(Note::Record { rule: reference.id.clone(), hash: reference.hash.clone(), from, keyed })
    }

    /// The key it is sent under; empty for what concerns all.
    pub fn key(&self) -> Vec<u8> {
        match self {
            Note::Hit(alert) => {
                let mut key = Vec::new();
                let parts = [&alert.agency, &alert.rule.id, &alert.rule.hash].into_iter().chain(&alert.group);
                parts.for_each(|part| crate::correlate::put_text(&mut key, part.as_bytes()));
                key
            }
            Note::Record { rule, keyed, .. } => {
                let mut key = rule.as_bytes().to_vec();
                key.extend_from_slice(&keyed.key);
                key
            }
            Note::Fact(fact) => {
                let mut key = fact.detector.as_bytes().to_vec();
                fact.key.iter().for_each(|part| crate::correlate::put_text(&mut key, part.as_bytes()));
                key
            }
            Note::Mark { .. } => Vec::new(),
        }
    }

    /// Which of `many` keepers it is for; `None`: all of them.
    pub fn place(&self, many: usize) -> Option<usize> {
        if matches!(self, Note::Mark { .. }) {
            return None;
        }
        Some((mix(&self.key()) % many.max(1) as u64) as usize)
    }

    /// As it travels.
    pub fn write(&self) -> Vec<u8> {
        let mut wire = Wire { v: VERSION, from: None, hit: None, record: None, mark: None, fact: None };
        match self {
            Note::Hit(alert) => wire.hit = Some((**alert).clone()),
            Note::Fact(fact) => wire.fact = Some((**fact).clone()),
            Note::Mark { from, mark, now } => (wire.from, wire.mark) = (Some(*from), Some((*mark, *now))),
            Note::Record { rule, hash, from, keyed } => {
                let Record { at, id, value, member, drill, below, .. } = keyed.record;
                let key = crate::correlate::texts(&keyed.key).map(str::to_owned).collect();
                let context = hex::encode(&keyed.context);
                let Keyed { remove, now, mark, since, .. } = *keyed;
                let (rule, hash) = (rule.clone(), hash.clone());
                wire.from = *from;
                wire.record = Some(WireRecord { rule, hash, key, at, id, value, member, drill, below, remove, context, now, mark, since });
            }
        }
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Reads what [`Note::write`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Note, NoteError> {
        let wire: Wire = serde_json::from_slice(bytes).map_err(|e| NoteError::Damaged(e.to_string()))?;
        if wire.v > VERSION {
            return Err(NoteError::Version(wire.v));
        }
        match wire {
            Wire { hit: Some(alert), .. } => Ok(Note::Hit(Box::new(alert))),
            Wire { fact: Some(fact), .. } => Ok(Note::Fact(Box::new(fact))),
            Wire { mark: Some((mark, now)), from: Some(from), .. } => Ok(Note::Mark { from, mark, now }),
            Wire { record: Some(r), from, .. } => {
                let mut key = Vec::new();
                r.key.iter().for_each(|text| crate::correlate::put_text(&mut key, text.as_bytes()));
                let context = hex::decode(&r.context).map_err(|e| NoteError::Damaged(e.to_string()))?;
                let record = Record { at: r.at, id: r.id, value: r.value, context: 0, member: r.member, drill: r.drill, below: r.below };
                let keyed = Keyed {
                    correlation: 0,
                    key,
                    record,
                    context,
                    remove: r.remove,
                    now: r.now,
                    mark: r.mark,
                    since: r.since,
                };
                Ok(Note::Record { rule: r.rule, hash: r.hash, from, keyed })
            }
            _ => Err(NoteError::Damaged("it says nothing".to_owned())),
        }
    }
}
