//! Cases: templates of events, repeated.
//!
//! `base.NAME` are fields that events share; an event of a case names its `base`, has `fields` of its own, and is repeated `repeat`
//! times, `every` seconds apart from `start` on, with `jitter` (a share of `every`). In texts `{i}` is the number of the repeat,
//! `{i%N}`, `{i/N}` and `{i+N}` what they say; a text that is then a number is one.

use std::{fs, path::Path, sync::Arc};

use fansipan_analyzer::{Parameters, Settings};
use fansipan_model::{Event, json, time};
use fansipan_rules::{RuleSet, Taxonomy};
use serde::Deserialize;
use uuid::Uuid;

/// Monday morning.
pub(crate) const BEGIN: i64 = 1_764_547_200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    base: std::collections::BTreeMap<String, toml::Table>,
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(default)]
    parameters: toml::Table,
    events: Vec<Many>,
    #[serde(default)]
    pub(crate) expect: Vec<Wanted>,
    #[serde(skip)]
    pub(crate) stream: Vec<Event>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) alert: String,
    #[serde(default)]
    pub(crate) says: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    base: String,
    #[serde(default)]
    fields: toml::Table,
    #[serde(default = "one")]
    repeat: i64,
    #[serde(default)]
    start: f64,
    #[serde(default)]
    every: f64,
    #[serde(default)]
    jitter: f64,
    /// Seconds that a flow lasted, ending at its time.
    #[serde(default)]
    lasts: f64,
}

fn one() -> i64 {
    1
}

impl Case {
    pub(crate) fn parameters(&self) -> Parameters {
        Parameters::with(&self.parameters).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { network: Some(Arc::new(self.parameters())), ..Settings::default() }
    }
}

pub(crate) fn no_rules() -> Arc<RuleSet> {
    let taxonomy = Taxonomy::builtin().expect("taxonomy");
    Arc::new(RuleSet::compile(Vec::new(), &taxonomy).0)
}

/// Every case of every file.
pub(crate) fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network/cases");
    let mut paths: Vec<_> = fs::read_dir(folder).expect("cases").map(|e| e.expect("entry").path()).collect();
    paths.sort();
    let shared: File = toml::from_str(include_str!("base.toml")).expect("base.toml");
    let mut all = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("readable");
        let mut file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for (name, fields) in &shared.base {
            file.base.entry(name.clone()).or_insert_with(|| fields.clone());
        }
        for mut case in file.case {
            case.stream = stream(&case, &file.base);
            all.push(case);
        }
    }
    all
}

fn stream(case: &Case, bases: &std::collections::BTreeMap<String, toml::Table>) -> Vec<Event> {
    let mut list: Vec<(i64, Event)> = Vec::new();
    for many in &case.events {
        let base = bases.get(&many.base).unwrap_or_else(|| panic!("{}: no base {}", case.name, many.base));
        for i in 0..many.repeat {
            let shake = ((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1 << 24) - 0.5;
            let seconds = many.start + many.every * (i as f64 + many.jitter * shake);
            let at = BEGIN * 1_000_000_000 + (seconds * 1e9) as i64;
            list.push((at, event(base, many, i, at)));
        }
    }
    list.sort_by_key(|(at, _)| *at);
    let mut number = 0;
    list.into_iter()
        .map(|(at, mut event)| {
            number += 1;
            event.set_id(Uuid::from_u128(number));
            event.set_ingested(at);
            event
        })
        .collect()
}

fn event(base: &toml::Table, many: &Many, i: i64, at: i64) -> Event {
    let mut all = serde_json::Map::new();
    for (key, value) in base.iter().chain(&many.fields) {
        all.insert(key.clone(), filled(value, i));
    }
    all.insert("@timestamp".into(), time::to_rfc3339(at).into());
    all.insert("event.start".into(), time::to_rfc3339(at - (many.lasts * 1e9) as i64).into());
    json::read(&serde_json::Value::Object(all).to_string()).expect("an event")
}

fn filled(value: &toml::Value, i: i64) -> serde_json::Value {
    match value {
        toml::Value::String(text) => {
            let mut out = text.clone();
            while let Some((from, to)) = out.find('{').zip(out.find('}')) {
                let inner = out[from + 2..to].to_owned();
                let n = inner.get(1..).and_then(|n| n.parse::<i64>().ok());
                let number = match (inner.chars().next(), n) {
                    (Some('%'), Some(n)) => i % n,
                    (Some('/'), Some(n)) => i / n,
                    (Some('+'), Some(n)) => i + n,
                    _ => i,
                };
                out.replace_range(from..=to, &number.to_string());
            }
            match out.parse::<i64>() {
                Ok(number) if out != *text => number.into(),
                _ => out.into(),
            }
        }
        other => serde_json::to_value(other).expect("JSON"),
    }
}

pub(crate) mod run {
    use std::collections::BTreeMap;

    use fansipan_analyzer::{
        Analyzer, GroupingConfig, Signal,
        split::{Keeper, Matcher, Note, Share},
    };
    use fansipan_model::Alert;

    use super::{Case, no_rules};

    type Alerts = BTreeMap<String, Alert>;

    pub(crate) fn keep(signals: &mut Vec<Signal>, alerts: &mut Alerts) {
        for signal in signals.drain(..) {
            if let Signal::Put(alert) = signal {
                alerts.insert(alert.id.to_string(), *alert);
            }
        }
    }

    pub(crate) fn analyzer(case: &Case) -> Analyzer {
        Analyzer::new(&no_rules(), GroupingConfig::default(), case.settings())
    }

    pub(crate) fn batched(case: &Case, batch: usize) -> Alerts {
        let (mut analyzer, mut signals, mut alerts) = (analyzer(case), Vec::new(), Alerts::new());
        for events in case.stream.chunks(batch) {
            events.iter().for_each(|e| analyzer.step(e, &mut signals));
            analyzer.settle(&mut signals);
            keep(&mut signals, &mut alerts);
        }
        alerts
    }

    pub(crate) fn whole(case: &Case) -> Alerts {
        batched(case, 1000)
    }

    /// Saved and continued by a new analyzer between the parts; a third of each part is looked at again, as after a crash.
    pub(crate) fn restarted(case: &Case, parts: usize) -> Alerts {
        let (mut own, mut signals, mut alerts) = (analyzer(case), Vec::new(), Alerts::new());
        let mut state = own.save(0);
        let mut seen: Vec<&fansipan_model::Event> = Vec::new();
        for events in case.stream.chunks(case.stream.len().div_ceil(parts)) {
            own = analyzer(case);
            own.load(&state).expect("its own state");
            seen.iter().for_each(|e| own.replay(e));
            own.settle(&mut Vec::new());
            let (before, after) = events.split_at(events.len() * 2 / 3);
            for piece in [before, after] {
                piece.iter().for_each(|e| own.step(e, &mut signals));
                own.settle(&mut signals);
                keep(&mut signals, &mut alerts);
                if std::ptr::eq(piece, before) {
                    state = own.save(1);
                }
            }
            seen = after.iter().collect();
        }
        alerts
    }

    pub(crate) fn apart(case: &Case, many: usize) -> Alerts {
        let rules = no_rules();
        let mut matcher = Matcher::new(0, &rules, case.settings());
        let keeper = |place| Keeper::new(Share { place, of: many, from: 1 }, &rules, GroupingConfig::default(), case.settings());
        let mut keepers: Vec<Keeper> = (0..many).map(keeper).collect();
        let (mut signals, mut alerts) = (Vec::new(), Alerts::new());
        for events in case.stream.chunks(500) {
            let mut notes = Vec::new();
            events.iter().for_each(|e| matcher.step(e, &mut notes));
            notes.extend(matcher.mark());
            for note in notes {
                let note = Note::read(&note.write()).expect("what was written");
                match note.place(many) {
                    Some(place) => keepers[place].take(note, &mut signals, &mut Vec::new()),
                    None => keepers.iter_mut().for_each(|k| k.take(note.clone(), &mut signals, &mut Vec::new())),
                }
            }
            for (place, keeper) in keepers.iter_mut().enumerate() {
                keeper.settle(&mut signals, &mut Vec::new());
                let state = keeper.save(7);
                *keeper = Keeper::new(Share { place, of: many, from: 1 }, &rules, GroupingConfig::default(), case.settings());
                assert_eq!(keeper.load(&state).expect("its own state"), 7);
            }
            keep(&mut signals, &mut alerts);
        }
        alerts
    }
}
