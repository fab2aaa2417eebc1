//! The compiled rule set: which rules there are and which of them an event satisfies.
//!
//! Immutable; callers hold it behind an `Arc` and swap that to load other rules.

use std::collections::BTreeMap;

use fansipan_model::{Event, MatchedField, Predicate, RuleRef, said};

use crate::{
    ast::{Body, Rule},
    diagnostic::{Code, Diagnostic},
    engine::{Engine, Scratch, Stats},
    explain,
    link::{self, LinkedCorrelation},
    lower::{self, Lowering, Notes},
    taxonomy::Taxonomy,
};

/// Place of a rule in its rule set, in the order the rules were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleIndex(pub u32);

/// A detection rule, ready.
#[derive(Clone, Debug)]
pub struct CompiledRule {
    /// The document.
    pub rule: Rule,
    /// What alerts say about it.
    pub reference: RuleRef,
    /// Holds for the events of its log source.
    pub source: Predicate,
    /// What it looks for among them, filters included.
    pub detection: Predicate,
    /// Whether the taxonomy has a table for its log source.
    pub mapped: bool,
    /// Whether a correlation speaks for it: one that names it and does not `generate`.
    pub correlated: bool,
    /// The filters applied, by their place in the order given.
    pub(crate) filters: Vec<usize>,
}

impl CompiledRule {
    /// Everything an event must satisfy: what live detection, search and retro-hunt share.
    pub fn predicate(&self) -> Predicate {
        match (&self.source, &self.detection) {
            (Predicate::True, detection) => detection.clone(),
            (source, detection) => Predicate::And(vec![source.clone(), detection.clone()]),
        }
    }

    /// Whether the event satisfies it, straightforward and slow: the oracle of [`RuleSet::evaluate`].
    pub fn matches(&self, event: &Event) -> bool {
        self.source.matches(event) && self.detection.matches(event)
    }
}

/// Every rule, compiled.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<CompiledRule>,
    by_id: BTreeMap<String, RuleIndex>,
    correlations: Vec<LinkedCorrelation>,
    filters: Vec<Rule>,
    engine: Engine,
}

impl RuleSet {
    /// Compiles documents in the order given; whatever cannot be used is reported and left out, the others run.
    pub fn compile(rules: Vec<Rule>, taxonomy: &Taxonomy) -> (RuleSet, Vec<Diagnostic>) {
        let mut found = Vec::new();
        let mut set = RuleSet::default();
        let mut correlations = Vec::new();
        let mut seen = BTreeMap::new();
        let mut detections = Vec::new();
        for rule in rules {
            if let Some(first) = seen.insert(rule.meta.id.clone(), rule.file.clone()) {
                let id = &rule.meta.id;
                found.push(Code::DuplicateId.at(
                    &rule.file,
                    rule.at,
                    said!("the id {id} is that of a rule in {first}", "id {id} đã thuộc một luật trong {first}"),
                ));
                continue;
            }
            match rule.body {
                Body::Detection(_) => detections.push(rule),
                Body::Filter(_) => set.filters.push(rule),
                Body::Correlation(_) => correlations.push(rule),
            }
        }
        link::check_filters(&set.filters, &detections, &mut found);
        for rule in detections {
            match compile_rule(&rule, &set.filters, taxonomy, &mut found) {
                Some(compiled) => {
                    let index = RuleIndex(set.rules.len() as u32);
                    set.by_id.insert(rule.meta.id.clone(), index);
                    set.rules.push(compiled);
                }
                None => found.push(Code::TooManyFields.at(
                    &rule.file,
                    rule.at,
                    said!("the rule names fields beyond the limit", "luật nêu trường vượt quá giới hạn"),
                )),
            }
        }
        set.engine = Engine::compile(&set.rules);
        set.correlations = link::correlations(correlations, &mut set.rules, taxonomy, &mut found);
        (set, found)
    }

    /// Appends to `out` the rules the event satisfies, in rule order.
    pub fn evaluate(&self, event: &Event, scratch: &mut Scratch, out: &mut Vec<RuleIndex>) {
        self.engine.evaluate(event, scratch, out);
    }

    /// A rule by a place that this rule set gave; a place of another set may not exist (see [`RuleSet::get`]).
    pub fn rule(&self, index: RuleIndex) -> &CompiledRule {
        &self.rules[index.0 as usize]
    }

    /// A rule by its place, if there is one.
    pub fn get(&self, index: RuleIndex) -> Option<&CompiledRule> {
        self.rules.get(index.0 as usize)
    }

    /// A rule by its id.
    pub fn find(&self, id: &str) -> Option<RuleIndex> {
        self.by_id.get(id).copied()
    }

    /// All rules in order.
    pub fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }

    /// All correlations in order, their rules found.
    pub fn correlations(&self) -> &[LinkedCorrelation] {
        &self.correlations
    }

    /// Number of rules.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The fields that made the event satisfy a rule, with their values; in the rule's order, none twice.
    pub fn matched_fields(&self, index: RuleIndex, event: &Event) -> Vec<MatchedField> {
        self.get(index).map_or_else(Vec::new, |rule| explain::matched_fields(&rule.detection, event))
    }

    /// Sizes of the plan, for measurements.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// The filter documents, in order.
    pub(crate) fn filters(&self) -> &[Rule] {
        &self.filters
    }
}

fn compile_rule(rule: &Rule, filters: &[Rule], taxonomy: &Taxonomy, found: &mut Vec<Diagnostic>) -> Option<CompiledRule> {
    let Body::Detection(detection) = &rule.body else { return None };
    let route = taxonomy.route(&rule.meta.logsource)?;
    let mut lowering = Lowering { taxonomy, route: &route, notes: Notes::default() };
    let mut parts = vec![lowering.detection(detection)?];
    for (code, at, message) in lowering.notes.found.drain(..) {
        found.push(code.at(&rule.file, at, message));
    }
    let mut applied = Vec::new();
    for (i, filter) in filters.iter().enumerate() {
        let Body::Filter(body) = &filter.body else { continue };
        if !link::filter_applies(filter, body, rule) {
            continue;
        }
        applied.push(i);
        parts.push(lowering.detection(&body.detection)?);
        for (code, at, message) in lowering.notes.found.drain(..) {
            found.push(code.at(&filter.file, at, message));
        }
    }
    if !route.known {
        let source = &rule.meta.logsource;
        found.push(Code::UnmappedSource.at(&rule.file, rule.at, said!("log source {source}", "nguồn log {source}")));
    }
    Some(CompiledRule {
        reference: rule.meta.reference(&rule.hash),
        source: route.condition.clone(),
        detection: lower::all(parts),
        mapped: route.known,
        correlated: false,
        filters: applied,
        rule: rule.clone(),
    })
}
