//! Why a rule did or did not match: which field held what. Slow and exact; for people, never for the hot path.

use fansipan_model::{Event, FieldId, MatchedField, Op, Predicate, Target, Test, Value, predicate};
use serde::Serialize;

use crate::{
    ast::{Body, Condition, Detection},
    lower::{Lowering, Notes},
    ruleset::{RuleIndex, RuleSet},
    taxonomy::Taxonomy,
};

/// What one rule makes of one event.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The rule's id.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// Whether the event belongs to the rule's log source.
    pub source: bool,
    /// Whether the rule matches.
    pub matched: bool,
    /// Its selections in order, those of filters after its own.
    pub selections: Vec<SelectionExplanation>,
}

/// What one selection makes of the event.
#[derive(Clone, Debug, Serialize)]
pub struct SelectionExplanation {
    /// Its name; of a filter: the filter's title and the name.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// Whether the condition wants it to hold; `false`: it is named after `not`.
    pub wanted: bool,
    /// Its tests in order.
    pub tests: Vec<TestExplanation>,
}

/// What one test makes of the event.
#[derive(Clone, Debug, Serialize)]
pub struct TestExplanation {
    /// The event fields the test may look at, the first present deciding; empty for keywords.
    pub fields: Vec<String>,
    /// The field it looked at, if the event has one.
    pub field: Option<String>,
    /// What that field holds.
    pub values: Vec<String>,
    /// What is asked of it.
    pub test: String,
    /// Whether it holds.
    pub holds: bool,
}

/// Values shown for one test.
const MAX_VALUES: usize = 8;
/// Characters shown of one value.
const MAX_TEXT: usize = 512;

impl RuleSet {
    /// Explains what a rule makes of an event, with the taxonomy the rules were compiled with. `None`: no such rule.
    pub fn explain(&self, index: RuleIndex, event: &Event, taxonomy: &Taxonomy) -> Option<Explanation> {
        let compiled = self.get(index)?;
        let route = taxonomy.route(&compiled.rule.meta.logsource)?;
        let mut lowering = Lowering { taxonomy, route: &route, notes: Notes::default() };
        let mut selections = Vec::new();
        if let Body::Detection(detection) = &compiled.rule.body {
            explain_detection(detection, "", &mut lowering, event, &mut selections)?;
        }
        for filter in compiled.filters.iter().filter_map(|&i| self.filters().get(i)) {
            if let Body::Filter(body) = &filter.body {
                explain_detection(&body.detection, &format!("{}: ", filter.meta.title), &mut lowering, event, &mut selections)?;
            }
        }
        Some(Explanation {
            rule: compiled.rule.meta.id.clone(),
            title: compiled.rule.meta.title.clone(),
            source: compiled.source.matches(event),
            matched: compiled.matches(event),
            selections,
        })
    }
}

fn explain_detection(
    detection: &Detection,
    prefix: &str,
    lowering: &mut Lowering<'_>,
    event: &Event,
    out: &mut Vec<SelectionExplanation>,
) -> Option<()> {
    let mut wanted = vec![true; detection.selections.len()];
    polarity(&detection.condition, true, &mut wanted);
    let lowered = lowering.selections(detection)?;
    for ((selection, predicate), wanted) in detection.selections.iter().zip(lowered).zip(wanted) {
        let mut tests = Vec::new();
        explain_tests(&predicate, event, &mut tests);
        out.push(SelectionExplanation { name: format!("{prefix}{}", selection.name), holds: predicate.matches(event), wanted, tests });
    }
    Some(())
}

fn polarity(condition: &Condition, positive: bool, out: &mut [bool]) {
    match condition {
        Condition::And(list) | Condition::Or(list) => list.iter().for_each(|c| polarity(c, positive, out)),
        Condition::Not(inner) => polarity(inner, !positive, out),
        Condition::Selection(i) => {
            if let Some(wanted) = out.get_mut(*i) {
                *wanted = positive;
            }
        }
    }
}

fn explain_tests(predicate: &Predicate, event: &Event, out: &mut Vec<TestExplanation>) {
    match predicate {
        Predicate::True | Predicate::False => {}
        Predicate::And(list) | Predicate::Or(list) => list.iter().for_each(|p| explain_tests(p, event, out)),
        Predicate::Not(inner) => explain_tests(inner, event, out),
        Predicate::Test(test) => {
            let (fields, field) = match &test.target {
                Target::Any => (Vec::new(), None),
                Target::Field(candidates) => {
                    (candidates.iter().map(|f| f.name().to_owned()).collect(), predicate::resolve(event, candidates))
                }
            };
            let values = field.map_or_else(Vec::new, |f| event.values(f).take(MAX_VALUES).map(shown).collect());
            out.push(TestExplanation {
                fields,
                field: field.map(|f| f.name().to_owned()),
                values,
                test: describe(&test.op),
                holds: test.matches(event),
            });
        }
    }
}

fn shown(value: Value<'_>) -> String {
    value.text().map_or_else(|| "null".to_owned(), |t| t.chars().take(MAX_TEXT).collect())
}

fn describe(op: &Op) -> String {
    use fansipan_model::pattern::Shape;
    match op {
        Op::Exists => "exists".to_owned(),
        Op::Absent => "is absent or null".to_owned(),
        Op::Like(pattern) => match pattern.shape() {
            Shape::Exact(s) => format!("is `{s}`"),
            Shape::Prefix(s) => format!("starts with `{s}`"),
            Shape::Suffix(s) => format!("ends with `{s}`"),
            Shape::Contains(s) => format!("contains `{s}`"),
            Shape::Anything => "is anything".to_owned(),
            Shape::Glob(parts) => {
                use fansipan_model::Part;
                let text: String = parts
                    .iter()
                    .map(|p| match p {
                        Part::Literal(s) => s.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?"),
                        Part::One => "?".to_owned(),
                        Part::Many => "*".to_owned(),
                    })
                    .collect();
                format!("is like `{text}`")
            }
        },
        Op::Word(word) => format!("has the word `{word}`"),
        Op::Regex(re) => format!("matches {re:?}"),
        Op::Cidr(net) => format!("lies in {net}"),
        Op::Number(cmp, n) => format!("is {cmp:?} {n}"),
        Op::Field(reference) => {
            let names: Vec<&str> = reference.other.iter().map(|f| f.name()).collect();
            format!("{:?} the value of {}", reference.relation, names.join(" or "))
        }
        Op::Time(part, cmp, n) => format!("its {part:?} is {cmp:?} {n}"),
    }
}

/// The fields that made a predicate hold: those of tests that hold and are wanted to.
pub(crate) fn matched_fields(predicate: &Predicate, event: &Event) -> Vec<MatchedField> {
    let mut out = Vec::new();
    collect(predicate, event, &mut out);
    out
}

fn collect(predicate: &Predicate, event: &Event, out: &mut Vec<MatchedField>) {
    match predicate {
        // what is not there made no field match
        Predicate::True | Predicate::False | Predicate::Not(_) => {}
        Predicate::And(list) => list.iter().for_each(|p| collect(p, event, out)),
        Predicate::Or(list) => list.iter().filter(|p| p.matches(event)).for_each(|p| collect(p, event, out)),
        Predicate::Test(test) => held(test, event, out),
    }
}

fn held(test: &Test, event: &Event, out: &mut Vec<MatchedField>) {
    let mut push = |name: &str, value: Value<'_>| {
        if let Some(text) = value.text().filter(|_| test.op.holds(value, event))
            && !out.iter().any(|m| m.field == name && m.value == *text)
        {
            out.push(MatchedField { field: name.to_owned(), value: text.into_owned() });
        }
    };
    match &test.target {
        Target::Any => event.iter().filter(|(name, _)| predicate::in_any(name)).for_each(|(name, value)| push(name, value)),
        Target::Field(candidates) => {
            let field: Option<FieldId> = predicate::resolve(event, candidates);
            if let Some(field) = field {
                event.values(field).for_each(|value| push(field.name(), value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polarity_follows_negation() {
        let condition =
            Condition::And(vec![Condition::Selection(0), Condition::Not(Box::new(Condition::Or(vec![Condition::Selection(1)])))]);
        let mut wanted = vec![true; 3];
        polarity(&condition, true, &mut wanted);
        assert_eq!(wanted, [true, false, true]);
    }
}
