//! What the steps of a pipeline do to a rule.

use std::collections::BTreeSet;

use fansipan_model::{Op, Part, Pattern, said};

use super::{Change, Conditions, FieldCondition, Pipeline, RuleCondition, Step};
use crate::{
    ast::{Body, Condition, Detection, Item, ItemTest, LogSource, Rule, Search, Selection, Template},
    diagnostic::{Code, Diagnostic},
    lower::{self, placeholder},
    parse::value::anchored,
};

impl<T> Conditions<T> {
    fn hold(&self, mut each: impl FnMut(&T) -> bool) -> bool {
        let holds = if self.list.is_empty() || !self.any { self.list.iter().all(&mut each) } else { self.list.iter().any(&mut each) };
        holds != self.not
    }
}

impl Step {
    /// Whether the step's conditions about the rule as a whole hold.
    pub(super) fn concerns(&self, rule: &Rule, applied: &BTreeSet<String>) -> bool {
        self.rules.hold(|condition| match condition {
            RuleCondition::LogSource(wanted) => within(wanted, &rule.meta.logsource),
            RuleCondition::HasField(name) => {
                let mut found = false;
                let mut look = |item: &Item| found |= item.field.as_ref() == Some(name);
                detection(&rule.body).into_iter().flat_map(|d| &d.selections).for_each(|s| visit(&s.search, &mut look));
                found
            }
            RuleCondition::Applied(id) => applied.contains(id),
        })
    }

    fn concerns_field(&self, field: Option<&str>) -> bool {
        self.fields.hold(|condition| match (condition, field) {
            (FieldCondition::Include(names), Some(field)) => names.iter().any(|n| n == field),
            (FieldCondition::Exclude(names), Some(field)) => !names.iter().any(|n| n == field),
            (FieldCondition::Include(_), None) => false,
            (FieldCondition::Exclude(_), None) => true,
        })
    }

    pub(super) fn apply(&self, pipeline: &Pipeline, rule: &mut Rule) -> Result<(), Box<Diagnostic>> {
        match &self.change {
            Change::Fail(message) => {
                let name = &pipeline.name;
                let message = said!("the pipeline {name}: {message}", "pipeline {name}: {message}");
                return Err(Box::new(Code::RefusedByPipeline.at(&rule.file, rule.at, message)));
            }
            Change::LogSource(source) => rule.meta.logsource = source.clone(),
            _ => {}
        }
        let at = rule.at;
        let body = match &mut rule.body {
            Body::Detection(body) => body,
            Body::Filter(filter) => &mut filter.detection,
            Body::Correlation(_) => return Ok(()),
        };
        if let Change::Add { items, negated } = &self.change {
            let search = Search::All(items.iter().map(|(field, ops)| Search::Item(added(at, field, ops))).collect());
            let new = Condition::Selection(body.selections.len());
            body.selections.push(Selection { name: format!("_{}", pipeline.name), at, search });
            let new = if *negated { Condition::Not(Box::new(new)) } else { new };
            let old = std::mem::replace(&mut body.condition, Condition::And(Vec::new()));
            body.condition = Condition::And(vec![new, old]);
            return Ok(());
        }
        for selection in &mut body.selections {
            // what remains of a selection of which everything was dropped asks for nothing
            selection.search = self.change(pipeline, &selection.search).unwrap_or(Search::All(Vec::new()));
        }
        Ok(())
    }

    /// What becomes of a part of a selection; `None`: it is dropped.
    fn change(&self, pipeline: &Pipeline, search: &Search) -> Option<Search> {
        let each = |list: &[Search]| -> Vec<Search> { list.iter().filter_map(|s| self.change(pipeline, s)).collect() };
        match search {
            Search::All(list) => Some(each(list)).filter(|l| !l.is_empty()).map(Search::All),
            Search::Any(list) => Some(each(list)).filter(|l| !l.is_empty()).map(Search::Any),
            Search::Item(item) if !self.concerns_field(item.field.as_deref()) => Some(Search::Item(item.clone())),
            Search::Item(item) => self.change_item(pipeline, item),
        }
    }

    fn change_item(&self, pipeline: &Pipeline, item: &Item) -> Option<Search> {
        let names = |name: &str| -> Option<Vec<String>> {
            match &self.change {
                Change::Rename(map) => map.get(name).cloned(),
                Change::Prefix(prefix) => Some(vec![format!("{prefix}{name}")]),
                Change::Suffix(suffix) => Some(vec![format!("{name}{suffix}")]),
                Change::Prefixes(map) => {
                    let (rest, to) = map.iter().find_map(|(from, to)| name.strip_prefix(from.as_str()).map(|rest| (rest, to)))?;
                    Some(to.iter().map(|t| format!("{t}{rest}")).collect())
                }
                _ => None,
            }
        };
        let mut item = item.clone();
        match &self.change {
            Change::Drop => return None,
            Change::Values(only) | Change::Wildcards(only) => {
                let wanted = |name: &str| only.as_ref().is_none_or(|list| list.iter().any(|n| n == name));
                let values = matches!(self.change, Change::Values(_));
                for tests in &mut item.values {
                    *tests = tests.iter().flat_map(|test| filled(pipeline, test, values, wanted)).collect();
                }
            }
            _ => {
                // the fields that values are compared with are fields too
                for test in item.values.iter_mut().flatten() {
                    if let ItemTest::SameAs { field, .. } = test
                        && let Some([one]) = names(field).as_deref()
                    {
                        *field = one.clone();
                    }
                }
            }
        }
        let Some(renamed) = item.field.as_deref().and_then(names) else { return Some(Search::Item(item)) };
        let renamed = renamed.into_iter().map(|name| Search::Item(Item { field: Some(name), ..item.clone() }));
        let mut renamed: Vec<Search> = renamed.collect();
        // not one of the values in any of the fields
        if renamed.len() == 1 {
            renamed.pop()
        } else if item.negated {
            Some(Search::All(renamed))
        } else {
            Some(Search::Any(renamed))
        }
    }
}

/// A test with its placeholders replaced by the pipeline's values, or by wildcards.
fn filled(pipeline: &Pipeline, test: &ItemTest, values: bool, wanted: impl Fn(&str) -> bool) -> Vec<ItemTest> {
    let ItemTest::Expand(template) = test else { return vec![test.clone()] };
    if values {
        let known = |name: &str| pipeline.vars.get(name).filter(|_| wanted(name)).map(Vec::as_slice);
        return match lower::expand(&template.text, known) {
            Ok(texts) => texts.iter().map(|text| like(Pattern::parse_parts(text), template)).collect(),
            Err(_) => vec![test.clone()], // another step or the taxonomy may know it
        };
    }
    let (mut parts, mut rest) = (Vec::new(), template.text.as_str());
    while let Some((before, name, after)) = placeholder(rest) {
        if !wanted(name) {
            return vec![test.clone()];
        }
        parts.extend(Pattern::parse_parts(before));
        parts.push(Part::Many);
        rest = after;
    }
    parts.extend(Pattern::parse_parts(rest));
    vec![like(parts, template)]
}

fn like(parts: Vec<Part>, template: &Template) -> ItemTest {
    ItemTest::Op(Op::Like(anchored(parts, template.anchor, template.cased)))
}

fn added(at: crate::diagnostic::Position, field: &str, ops: &[Op]) -> Item {
    let values = ops.iter().map(|op| vec![ItemTest::Op(op.clone())]).collect();
    Item { at, field: Some(field.to_owned()), all: false, negated: false, values }
}

fn detection(body: &Body) -> Option<&Detection> {
    match body {
        Body::Detection(detection) => Some(detection),
        Body::Filter(filter) => Some(&filter.detection),
        Body::Correlation(_) => None,
    }
}

fn visit(search: &Search, each: &mut impl FnMut(&Item)) {
    match search {
        Search::All(list) | Search::Any(list) => list.iter().for_each(|s| visit(s, each)),
        Search::Item(item) => each(item),
    }
}

/// Whether a rule's log source is the one wanted, or narrower.
fn within(wanted: &LogSource, has: &LogSource) -> bool {
    let part = |wanted: &Option<String>, has: &Option<String>| wanted.is_none() || wanted == has;
    part(&wanted.product, &has.product) && part(&wanted.category, &has.category) && part(&wanted.service, &has.service)
}
