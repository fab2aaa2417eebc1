//! The events that engines are compared over: recordings and generated lines, each as the product's own event and, for the
//! others, as JSON under the names Sigma uses, with exactly the values our own rules look at.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::Result;
use fansipan_collector::{Normalizer, Received, SourceState, Transport, decode::evtx, records::Records};
use fansipan_model::{Event, Predicate, Target, Value, json, predicate};
use fansipan_rules::{LogSource, RuleSet, Taxonomy, ast};
use serde_json::Map;

use crate::{
    generate::Kind,
    load::Load,
    rules::{files, texts},
};

/// 2026-11-23T10:00:00Z
const CLOCK: i64 = 1_795_428_000;
/// Generated lines of each kind.
const LINES: usize = 4000;

/// Events of one kind of source.
pub(super) struct Set {
    /// Its name in the table.
    pub(super) name: &'static str,
    /// The product's own events.
    pub(super) events: Vec<Event>,
    /// The same under Sigma's names.
    pub(super) sigma: Vec<serde_json::Value>,
    /// The same as text, one object each.
    pub(super) sigma_json: Vec<String>,
    /// The product's events as flat JSON.
    pub(super) flat_json: Vec<String>,
    /// What each event is, for engines that route by it.
    pub(super) sources: Vec<LogSource>,
    /// The rules whose log source each event belongs to: buckets for engines that do not route.
    pub(super) buckets: Vec<Vec<u32>>,
}

/// All sets.
pub(super) fn all(data: &Path, seed: u64, rules: &RuleSet, taxonomy: &Taxonomy) -> Result<Vec<Set>> {
    let mut found = Vec::new();
    files(&data.join("evtx"), &mut found);
    files(&data.join("sigma/regression_data"), &mut found);
    let normalizer = Normalizer::load_builtin()?;
    let mut recordings = Vec::new();
    let mut twins = Vec::new();
    for path in &found {
        match path.extension().and_then(|e| e.to_str()) {
            Some("evtx") => recordings.extend(evtx::open(path)?.records().filter_map(Result::ok).map(|(_, event)| event)),
            Some("json") => twins.extend(normalized(&normalizer, &fs::read(path)?)?),
            _ => {}
        }
    }
    let generated = |kind| normalized(&normalizer, Load::of(kind, LINES, seed, CLOCK).text().as_bytes());
    let describe = Describe::new(rules, taxonomy);
    Ok(vec![
        describe.set("windows evtx", recordings),
        describe.set("windows json", twins),
        describe.set("windows generated", generated(Kind::Windows)?),
        describe.set("linux", generated(Kind::Linux)?),
        describe.set("auditd", generated(Kind::Audit)?),
        describe.set("web", generated(Kind::Web)?),
        describe.set("firewall", generated(Kind::Firewall)?),
    ])
}

fn normalized(normalizer: &Normalizer, text: &[u8]) -> Result<Vec<Event>> {
    let mut source = SourceState::default();
    Records::new(text)
        .map(|record| {
            let record = record?;
            let at = CLOCK * 1_000_000_000;
            let received = Received { raw: &record.bytes, peer: None, transport: Transport::File, tls_identity: None, at, path: None };
            Ok(normalizer.normalize(&mut source, &received))
        })
        .collect()
}

/// Every rule's text below the shared folders; by file name.
pub(super) fn rule_texts(data: &Path) -> Result<Vec<(String, String)>> {
    texts(&["rules", "rules-emerging-threats", "rules-threat-hunting"].map(|folder| data.join("sigma").join(folder)))
}

/// One log source: which events it has, and Sigma's names of their fields.
struct Class {
    source: LogSource,
    condition: Predicate,
    members: Vec<u32>,
    /// Sigma name and where the event has it.
    fields: BTreeMap<String, Vec<fansipan_model::FieldId>>,
}

struct Describe {
    classes: Vec<Class>,
}

impl Describe {
    fn new(rules: &RuleSet, taxonomy: &Taxonomy) -> Self {
        let mut classes: BTreeMap<LogSource, Class> = BTreeMap::new();
        for (index, rule) in (0u32..).zip(rules.rules()) {
            let source = rule.rule.meta.logsource.clone();
            let class = classes.entry(source.clone()).or_insert_with(|| Class {
                source,
                condition: rule.source.clone(),
                members: Vec::new(),
                fields: BTreeMap::new(),
            });
            class.members.push(index);
            let mut names = BTreeSet::new();
            if let ast::Body::Detection(detection) = &rule.rule.body {
                detection.selections.iter().for_each(|s| named(&s.search, &mut names));
            }
            let Some(route) = taxonomy.route(&rule.rule.meta.logsource) else { continue };
            for name in names {
                let candidates = route.candidates(&name).map(|c| c.to_vec()).unwrap_or_default();
                class.fields.entry(name).or_insert(candidates);
            }
        }
        Describe { classes: classes.into_values().collect() }
    }

    fn set(&self, name: &'static str, events: Vec<Event>) -> Set {
        let mut set = Set {
            name,
            sigma: Vec::new(),
            sigma_json: Vec::new(),
            flat_json: events.iter().map(json::to_string).collect(),
            sources: Vec::new(),
            buckets: Vec::new(),
            events: Vec::new(),
        };
        for event in &events {
            let (fields, source, bucket) = self.describe(event);
            set.sigma_json.push(serde_json::Value::Object(fields.clone()).to_string());
            set.sigma.push(serde_json::Value::Object(fields));
            set.sources.push(source);
            set.buckets.push(bucket);
        }
        set.events = events;
        set
    }

    fn describe(&self, event: &Event) -> (Map<String, serde_json::Value>, LogSource, Vec<u32>) {
        let mut fields = Map::new();
        let mut source = LogSource::default();
        let mut bucket = Vec::new();
        for class in self.classes.iter().filter(|c| c.condition.matches(event)) {
            bucket.extend(&class.members);
            source.product = source.product.or(class.source.product.clone());
            source.category = source.category.or(class.source.category.clone());
            source.service = source.service.or(class.source.service.clone());
            for (name, candidates) in &class.fields {
                if let Some(field) = predicate::resolve(event, candidates) {
                    let mut values: Vec<serde_json::Value> = event.values(field).map(plain).collect();
                    let value = if values.len() == 1 { values.remove(0) } else { serde_json::Value::Array(values) };
                    fields.entry(name.clone()).or_insert(value);
                }
            }
        }
        // what keywords look at: whatever no rule names stays under the product's own names
        for (name, value) in event.iter().filter(|(name, _)| predicate::in_any(name)) {
            let shown = plain(value);
            if !fields.values().any(|v| *v == shown) {
                fields.insert(name.to_owned(), shown);
            }
        }
        // a word no rule has where there is nothing to say, so that the others too leave rules of other sources out
        let none = || Some("none".to_owned());
        let source = LogSource {
            product: source.product.or_else(none),
            category: source.category.or_else(none),
            service: source.service.or_else(none),
        };
        (fields, source, bucket)
    }
}

fn plain(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(b) => b.into(),
        Value::Int(n) => n.into(),
        Value::Float(n) => n.into(),
        other => other.text().unwrap_or_default().into_owned().into(),
    }
}

fn named(search: &ast::Search, out: &mut BTreeSet<String>) {
    match search {
        ast::Search::All(list) | ast::Search::Any(list) => list.iter().for_each(|s| named(s, out)),
        ast::Search::Item(item) => {
            out.extend(item.field.clone());
            for test in item.values.iter().flatten() {
                if let ast::ItemTest::SameAs { field, .. } = test {
                    out.insert(field.clone());
                }
            }
        }
    }
}

/// Every literal string of a predicate with the field it is looked for in; for the bare pass.
pub(super) fn literals(predicate: &Predicate, out: &mut Vec<(Vec<fansipan_model::FieldId>, String)>) {
    match predicate {
        Predicate::True | Predicate::False => {}
        Predicate::Not(inner) => literals(inner, out),
        Predicate::And(list) | Predicate::Or(list) => list.iter().for_each(|p| literals(p, out)),
        Predicate::Test(test) => {
            let (Target::Field(fields), fansipan_model::Op::Like(pattern)) = (&test.target, &test.op) else { return };
            for part in pattern.parts() {
                if let fansipan_model::Part::Literal(text) = part {
                    out.push((fields.to_vec(), text.to_string()));
                }
            }
        }
    }
}
