//! The engine for vendor formats: data files in (`formats/README.md` describes them), compiled matchers out.
//!
//! Nothing here knows a vendor. Loading does all the work that can be done once: names become field ids, templates become
//! literal-anchored matchers found by their first byte, conditions become hash tables.

mod compile;
mod convert;
mod detect;
mod file;
mod inherit;
mod load;
mod mapping;
mod reach;
mod template;
mod text;
mod time;
mod when;

use fansipan_model::{EventBuilder, Value};
use hashbrown::HashMap;
use thiserror::Error;

pub(crate) use convert::unhex;
pub(crate) use detect::Clues;
pub(crate) use load::FormatSet;

use self::{
    mapping::{Constants, Draft, Entry, Mapping, Slot},
    reach::Reach,
    text::TextSpec,
    time::TimeFormat,
    when::Whens,
};
use crate::{
    clock::Zone,
    decode::{Decoder, csv, kv::KvSpec},
};

/// A format in the table of a [`crate::Normalizer`]; meaningful for that table only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FormatId(pub(crate) u16);

/// What people see of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatInfo {
    /// `fansipan.parser`, and what an operator pins.
    pub name: Box<str>,
    /// `event.dataset` of most of its events.
    pub dataset: Box<str>,
    /// `Fortinet FortiGate`; the name where no product is given.
    pub product: Box<str>,
}

/// Why a format file is refused.
#[derive(Debug, Error)]
pub enum FormatError {
    /// The directory or a file in it cannot be read.
    #[error("FSP-C101 cannot read formats in {path}: {source}; check that the path exists and that this user may read it")]
    Read {
        /// What was being read.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Not TOML, or a key nobody knows.
    #[error("FSP-C102 format {file} is not understood: {reason}")]
    Syntax {
        /// The file.
        file: String,
        /// The TOML parser's words, with line and column.
        reason: String,
    },
    /// Well-formed, but it cannot mean anything.
    #[error("FSP-C103 format {file}: {reason}")]
    Meaning {
        /// The file.
        file: String,
        /// What is wrong and what would be right.
        reason: String,
    },
}

/// How the text of a record becomes pairs.
enum Syntax {
    Text(TextSpec),
    Kv(KvSpec),
    Csv(Csv),
    Decoder(&'static dyn Decoder),
}

#[derive(Debug)]
struct Csv {
    separator: u8,
    quote: u8,
    select: Option<usize>,
    columns: Box<[Entry]>,
    layouts: HashMap<Box<str>, Box<[Entry]>, foldhash::fast::RandomState>,
}

#[derive(Debug)]
struct TimeRule {
    slots: Vec<u8>,
    format: TimeFormat,
}

/// A compiled format.
pub(crate) struct Format {
    pub(crate) info: FormatInfo,
    syntax: Syntax,
    mapping: Mapping,
    times: Vec<TimeRule>,
    set: Constants,
    default: Constants,
    whens: Whens,
    /// Fields its records can fill.
    pub(crate) reach: Reach,
    /// Whether its records come from a device that watches others: then the host they name is the observer.
    pub(crate) observes: bool,
    /// Whether `message` is the body unless a key gave it.
    pub(crate) prose: bool,
    /// Whether it reads the whole record, header and all.
    pub(crate) whole: bool,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Format").field("info", &self.info).finish_non_exhaustive()
    }
}

/// What a format needs to know of the circumstances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'z> {
    /// Zone of times that name none.
    pub(crate) zone: &'z Zone,
    /// Time of arrival.
    pub(crate) near: i64,
    /// Whether a text that no template matches is not of the format.
    pub(crate) must_match: bool,
}

impl Format {
    /// Reads `text` into the event. The time the record names, if it does. On an error `out` is spoilt.
    pub(crate) fn apply(&self, text: &str, out: &mut EventBuilder<'_>, around: Circumstances<'_>) -> Result<Option<i64>, String> {
        let mut draft = Draft::new(out, &self.reach);
        draft.constants(&self.set, false);
        match &self.syntax {
            Syntax::Text(spec) => {
                let (head, matched) = spec.read(text, &self.mapping, &mut draft);
                if !head {
                    return Err(format!("{}: the text does not begin as this format does", self.info.name));
                }
                if !matched && around.must_match {
                    return Err(format!("{}: no template matches", self.info.name));
                }
            }
            Syntax::Kv(spec) => {
                if spec.decode(text, &mut |key, value| draft.pair(&self.mapping, key, value)) == 0 {
                    return Err(format!("{}: there is no key=value pair", self.info.name));
                }
            }
            Syntax::Csv(spec) => spec.read(text, &self.mapping, &mut draft).map_err(|e| format!("{}: {e}", self.info.name))?,
            Syntax::Decoder(decoder) => {
                decoder.decode(text, &mut |key, value| draft.pair(&self.mapping, key, value)).map_err(|e| e.to_string())?;
            }
        }
        self.whens.run(&mut draft);
        draft.constants(&self.default, true);
        draft.settle();
        Ok(self.times.iter().find_map(|rule| rule.read(&draft.slots, around)))
    }
}

impl TimeRule {
    fn read(&self, slots: &[Slot<'_>], around: Circumstances<'_>) -> Option<i64> {
        let mut joined = String::new();
        for (i, slot) in self.slots.iter().enumerate() {
            let one = self.slots.len() == 1;
            match slots.get(usize::from(*slot))? {
                Slot::Empty => return None,
                Slot::Slice(text) if one => return self.format.read(text, around.zone, around.near),
                Slot::Text(text) if one => return self.format.read(text, around.zone, around.near),
                Slot::Int(number) if one => return self.format.read(&number.to_string(), around.zone, around.near),
                // a double holds seconds since 1970 to about a microsecond: more digits would be invented
                Slot::Float(number) => return self.format.read(&format!("{number:.6}"), around.zone, around.near),
                other => {
                    if i > 0 {
                        joined.push(' ');
                    }
                    match other {
                        Slot::Slice(text) => joined.push_str(text),
                        Slot::Text(text) => joined.push_str(text),
                        Slot::Int(number) => joined.push_str(&number.to_string()),
                        Slot::Empty | Slot::Float(_) => return None,
                    }
                }
            }
        }
        self.format.read(&joined, around.zone, around.near)
    }
}

impl Csv {
    fn read(&self, text: &str, mapping: &Mapping, draft: &mut Draft<'_, '_, '_>) -> Result<(), String> {
        let mut layout = &self.columns;
        if let Some(select) = self.select {
            csv::columns(text, self.separator, self.quote, |i, value| {
                if i == select
                    && let Some(found) = self.layouts.get(&*value)
                {
                    layout = found;
                }
            });
        }
        if layout.is_empty() {
            return Err("the column that selects the layout holds an unknown word".to_owned());
        }
        let mut count = 0;
        csv::columns(text, self.separator, self.quote, |i, value| {
            count = i + 1;
            match layout.get(i) {
                Some(entry) => draft.entry(mapping, entry, Value::Str(&value)),
                None => draft.pair(mapping, &format!("column{i}"), Value::Str(&value)),
            }
        });
        if count < 2 { Err("there is one column only".to_owned()) } else { Ok(()) }
    }
}
