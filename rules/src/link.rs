//! Documents that speak of other documents: filters find their rules, correlations theirs. Nothing is executed here.

use std::collections::BTreeMap;

use fansipan_model::said;

use crate::{
    ast::{Body, Correlation, Filter, LogSource, Rule},
    diagnostic::{Code, Diagnostic},
    ruleset::{CompiledRule, RuleIndex},
    taxonomy::{Candidates, Taxonomy},
};

/// A correlation whose rules were found.
#[derive(Clone, Debug)]
pub struct LinkedCorrelation {
    /// The document.
    pub rule: Rule,
    /// What it is about, in the order of its `rules`.
    pub about: Vec<Linked>,
    /// For each of them where its grouping and counted values stand; empty candidates for correlations, whose values are
    /// those they group by.
    pub fields: Vec<MemberFields>,
}

/// Where the values that a correlation needs stand in the events of one of its rules.
#[derive(Clone, Debug, Default)]
pub struct MemberFields {
    /// The rule's own name of each `group-by` field, aliases resolved.
    pub names: Vec<String>,
    /// For each `group-by` field the event fields that may hold it, the first present counting.
    pub group: Vec<Candidates>,
    /// The same for each field of the condition.
    pub values: Vec<Candidates>,
}

impl LinkedCorrelation {
    /// The correlation itself.
    pub fn correlation(&self) -> Option<&Correlation> {
        if let Body::Correlation(c) = &self.rule.body { Some(c) } else { None }
    }
}

/// What a name in a correlation's `rules` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// A detection rule.
    Rule(RuleIndex),
    /// Another correlation, by its place among the correlations.
    Correlation(usize),
}

fn is_named(rule: &Rule, name: &str) -> bool {
    rule.meta.id == name || rule.meta.name.as_deref() == Some(name)
}

/// Whether a filter changes a rule: it names the rule (or every rule), and the rule's log source is its own or narrower.
pub(crate) fn filter_applies(filter: &Rule, body: &Filter, rule: &Rule) -> bool {
    let within = |part: fn(&LogSource) -> &Option<String>| {
        let wanted = part(&filter.meta.logsource);
        wanted.is_none() || wanted == part(&rule.meta.logsource)
    };
    (body.rules.is_empty() || body.rules.iter().any(|n| is_named(rule, n)))
        && within(|s| &s.product)
        && within(|s| &s.category)
        && within(|s| &s.service)
}

/// Reports names in filters that no rule bears.
pub(crate) fn check_filters(filters: &[Rule], rules: &[Rule], found: &mut Vec<Diagnostic>) {
    for filter in filters {
        let Body::Filter(body) = &filter.body else { continue };
        for name in body.rules.iter().filter(|n| !rules.iter().any(|r| is_named(r, n))) {
            let mut finding = Code::UnknownRule.at(
                &filter.file,
                filter.at,
                said!("the filter names the rule `{name}`, which is not loaded", "filter nêu luật `{name}` nhưng luật này không được nạp"),
            );
            finding.severity = crate::diagnostic::Severity::Warning;
            found.push(finding);
        }
    }
}

/// Finds the rules of correlations; those with unknown rules or loops are reported and left out.
pub(crate) fn correlations(
    documents: Vec<Rule>,
    rules: &mut [CompiledRule],
    taxonomy: &Taxonomy,
    found: &mut Vec<Diagnostic>,
) -> Vec<LinkedCorrelation> {
    let mut names: BTreeMap<String, Linked> = BTreeMap::new();
    let mut name = |rule: &Rule, linked: Linked| {
        for name in rule.meta.name.iter().chain([&rule.meta.id]) {
            names.entry(name.clone()).or_insert(linked);
        }
    };
    for (i, rule) in (0u32..).zip(rules.iter()) {
        name(&rule.rule, Linked::Rule(RuleIndex(i)));
    }
    for (i, document) in documents.iter().enumerate() {
        name(document, Linked::Correlation(i));
    }
    let mut linked: Vec<Option<LinkedCorrelation>> = documents.into_iter().map(|d| link(d, &names, rules, taxonomy, found)).collect();
    drop_loops(&mut linked, found);
    let kept = renumber(linked);
    for correlation in &kept {
        let speaks = correlation.correlation().is_some_and(|c| !c.generate);
        for about in correlation.about.iter().filter(|_| speaks) {
            if let Linked::Rule(RuleIndex(i)) = about
                && let Some(rule) = rules.get_mut(*i as usize)
            {
                rule.correlated = true;
            }
        }
    }
    kept
}

fn link(
    rule: Rule,
    names: &BTreeMap<String, Linked>,
    rules: &[CompiledRule],
    taxonomy: &Taxonomy,
    found: &mut Vec<Diagnostic>,
) -> Option<LinkedCorrelation> {
    let Body::Correlation(correlation) = &rule.body else { return None };
    let mut about = Vec::new();
    for name in &correlation.rules {
        match names.get(name) {
            Some(linked) => about.push(*linked),
            None => {
                found.push(Code::UnknownRule.at(
                    &rule.file,
                    rule.at,
                    said!(
                        "the correlation names the rule `{name}`, which is not loaded",
                        "tương quan nêu luật `{name}` nhưng luật này không được nạp"
                    ),
                ));
                return None;
            }
        }
    }
    let mut fields = Vec::new();
    for (linked, named) in about.iter().zip(&correlation.rules) {
        match member_fields(*linked, named, correlation, rules, taxonomy) {
            Some(found) => fields.push(found),
            None => {
                found.push(Code::TooManyFields.at(
                    &rule.file,
                    rule.at,
                    said!("the correlation names fields beyond the limit", "tương quan nêu trường vượt quá giới hạn"),
                ));
                return None;
            }
        }
    }
    Some(LinkedCorrelation { rule, about, fields })
}

/// Finds the fields of one rule of a correlation. `None` if too many field names are in use.
fn member_fields(
    linked: Linked,
    named: &str,
    correlation: &Correlation,
    rules: &[CompiledRule],
    taxonomy: &Taxonomy,
) -> Option<MemberFields> {
    let own = |field: &String| -> String {
        let alias = correlation.aliases.iter().find(|a| a.name == *field);
        let fields = alias.map_or(&[][..], |a| &a.fields);
        let compiled = if let Linked::Rule(i) = linked { rules.get(i.0 as usize) } else { None };
        let same = |rule: &str| rule == named || compiled.is_some_and(|c| is_named(&c.rule, rule));
        fields.iter().find(|(rule, _)| same(rule)).map_or_else(|| field.clone(), |(_, field)| field.clone())
    };
    let names: Vec<String> = correlation.group_by.iter().map(own).collect();
    let Linked::Rule(RuleIndex(i)) = linked else {
        return Some(MemberFields { names, ..MemberFields::default() });
    };
    let route = taxonomy.route(&rules.get(i as usize)?.rule.meta.logsource)?;
    let group = names.iter().map(|f| route.candidates(f)).collect::<Option<_>>()?;
    let counted = correlation.condition.as_ref().map_or(&[][..], |c| &c.fields);
    let values = counted.iter().map(|f| route.candidates(&own(f))).collect::<Option<_>>()?;
    Some(MemberFields { names, group, values })
}

/// Takes away correlations that reach themselves or one that was left out.
fn drop_loops(linked: &mut [Option<LinkedCorrelation>], found: &mut Vec<Diagnostic>) {
    // those that stand on rules and sound correlations only, grown until nothing is added
    let mut sound = vec![false; linked.len()];
    loop {
        let mut grown = false;
        for i in 0..linked.len() {
            let ready = linked.get(i).and_then(Option::as_ref).is_some_and(|c| {
                c.about.iter().all(|a| match a {
                    Linked::Rule(_) => true,
                    Linked::Correlation(other) => sound.get(*other).copied().unwrap_or(false),
                })
            });
            if let Some(s) = sound.get_mut(i).filter(|s| ready && !**s) {
                *s = true;
                grown = true;
            }
        }
        if !grown {
            break;
        }
    }
    for (slot, sound) in linked.iter_mut().zip(sound) {
        if !sound && let Some(c) = slot.take() {
            let message = said!(
                "the correlation refers to itself or to one that cannot be used",
                "tương quan dựa vào chính nó hoặc vào một tương quan không dùng được"
            );
            found.push(Code::CorrelationLoop.at(&c.rule.file, c.rule.at, message));
        }
    }
}

/// Closes the gaps and corrects the places that correlations name.
fn renumber(linked: Vec<Option<LinkedCorrelation>>) -> Vec<LinkedCorrelation> {
    let mut places = Vec::with_capacity(linked.len());
    let mut next = 0;
    for slot in &linked {
        places.push(next);
        next += usize::from(slot.is_some());
    }
    let mut kept: Vec<LinkedCorrelation> = linked.into_iter().flatten().collect();
    for about in kept.iter_mut().flat_map(|c| &mut c.about) {
        if let Linked::Correlation(i) = about {
            *i = places.get(*i).copied().unwrap_or(0);
        }
    }
    kept
}
