//! Why a rule did or did not match: which field held what. Slow and exact; for people, never for the hot path.

use fansipan_model::{
    Event, FieldId, MatchedField, Op, Part, Predicate, Relation, Said, Target, Test, TimePart, Value, Word, predicate, said,
};
use serde::Serialize;

use crate::{
    ast::{Body, Condition, Detection},
    convert::symbol,
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
    /// The same in Vietnamese.
    pub test_vi: String,
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
            let Said { en, vi } = describe(&test.op);
            let field = field.map(|f| f.name().to_owned());
            out.push(TestExplanation { fields, field, values, test: en, test_vi: vi, holds: test.matches(event) });
        }
    }
}

fn shown(value: Value<'_>) -> String {
    value.text().map_or_else(|| "null".to_owned(), |t| t.chars().take(MAX_TEXT).collect())
}

/// What a test asks of a field's value.
fn describe(op: &Op) -> Said {
    use fansipan_model::pattern::Shape;
    match op {
        Op::Exists => said!("exists", "có mặt"),
        Op::Absent => said!("is absent or null", "vắng mặt hoặc null"),
        Op::Like(pattern) => match pattern.shape() {
            Shape::Exact(s) => said!("is `{s}`", "là `{s}`"),
            Shape::Prefix(s) => said!("starts with `{s}`", "bắt đầu bằng `{s}`"),
            Shape::Suffix(s) => said!("ends with `{s}`", "kết thúc bằng `{s}`"),
            Shape::Contains(s) => said!("contains `{s}`", "chứa `{s}`"),
            Shape::Anything => said!("is anything", "là bất kỳ"),
            Shape::Glob(parts) => {
                let text: String = parts.iter().map(written).collect();
                said!("is like `{text}`", "giống `{text}`")
            }
        },
        Op::Word(word) => said!("has the word `{word}`", "có từ `{word}`"),
        Op::Regex(re) => said!("matches {re:?}", "khớp {re:?}"),
        Op::Cidr(net) => said!("lies in {net}", "nằm trong {net}"),
        Op::Number(cmp, n) => Said::same(format!("{} {n}", symbol(*cmp))),
        Op::Field(reference) => {
            let names: Vec<&str> = reference.other.iter().map(|f| f.name()).collect();
            let relation = match reference.relation {
                Relation::Equals => Word::new("equals", "bằng"),
                Relation::StartsWith => Word::new("starts with", "bắt đầu bằng"),
                Relation::EndsWith => Word::new("ends with", "kết thúc bằng"),
                Relation::Contains => Word::new("contains", "chứa"),
            };
            let (either, either_vi) = (names.join(" or "), names.join(" hoặc "));
            said!("{relation} the value of {either}", "{relation:#} giá trị của {either_vi}")
        }
        Op::Time(part, cmp, n) => {
            let (part, sign) = (unit(*part), symbol(*cmp));
            said!("its {part} {sign} {n}", "{part:#} của nó {sign} {n}")
        }
    }
}

/// A part of a pattern as rules write it.
fn written(part: &Part) -> String {
    match part {
        Part::Literal(s) => s.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?"),
        Part::One => "?".to_owned(),
        Part::Many => "*".to_owned(),
    }
}

fn unit(part: TimePart) -> Word {
    match part {
        TimePart::Minute => Word::new("minute", "phút"),
        TimePart::Hour => Word::new("hour", "giờ"),
        TimePart::Day => Word::new("day", "ngày"),
        TimePart::Week => Word::new("week", "tuần"),
        TimePart::Month => Word::new("month", "tháng"),
        TimePart::Year => Word::new("year", "năm"),
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
