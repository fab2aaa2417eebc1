//! The bare pass: for each log source and field one double-array Aho-Corasick automaton over all literals of its rules, run over
//! the values of the event, folded beforehand, counting finds. No conditions, no regular expressions, no numbers, no routing.

use std::collections::BTreeMap;

use anyhow::Result;
use daachorse::DoubleArrayAhoCorasick;
use fansipan_model::{Event, FieldId, predicate, text};
use fansipan_rules::{LogSource, RuleSet};

use super::sets;

/// Automata of all log sources.
pub(super) struct Floor {
    classes: Vec<(fansipan_model::Predicate, Vec<(Vec<FieldId>, usize)>)>,
    automata: Vec<DoubleArrayAhoCorasick<u32>>,
}

impl Floor {
    /// From compiled rules.
    pub(super) fn new(rules: &RuleSet) -> Result<Self> {
        let mut by_source: BTreeMap<LogSource, (fansipan_model::Predicate, BTreeMap<Vec<FieldId>, Vec<String>>)> = BTreeMap::new();
        for rule in rules.rules() {
            let entry = by_source.entry(rule.rule.meta.logsource.clone()).or_insert_with(|| (rule.source.clone(), BTreeMap::new()));
            let mut found = Vec::new();
            sets::literals(&rule.detection, &mut found);
            for (fields, text) in found {
                entry.1.entry(fields).or_default().push(text);
            }
        }
        let mut floor = Floor { classes: Vec::new(), automata: Vec::new() };
        for (_, (condition, fields)) in by_source {
            let mut list = Vec::new();
            for (field, mut texts) in fields {
                texts.sort();
                texts.dedup();
                let automaton = DoubleArrayAhoCorasick::new(texts).map_err(|e| anyhow::anyhow!("{e}"))?;
                list.push((field, floor.automata.len()));
                floor.automata.push(automaton);
            }
            floor.classes.push((condition, list));
        }
        Ok(floor)
    }

    /// What is scanned for one event: automaton and folded text.
    pub(super) fn prepare(&self, event: &Event) -> Vec<(usize, String)> {
        let mut out = Vec::new();
        for (condition, fields) in self.classes.iter().filter(|(c, _)| c.matches(event)) {
            let _ = condition;
            for (candidates, automaton) in fields {
                let Some(field) = predicate::resolve(event, candidates) else { continue };
                for value in event.values(field).filter_map(fansipan_model::Value::text) {
                    out.push((*automaton, text::fold(&value).into_owned()));
                }
            }
        }
        out
    }

    /// Scans; the number of finds.
    pub(super) fn scan(&self, texts: &[(usize, String)]) -> usize {
        texts.iter().filter_map(|(a, text)| self.automata.get(*a).map(|a| a.find_overlapping_iter(text).count())).sum()
    }
}
