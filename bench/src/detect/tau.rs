//! Our reading of a Sigma rule in tau-engine's own language, as Chainsaw translates it. What that language cannot say is refused.

use fansipan_model::{Op, Part, pattern::Shape};
use fansipan_rules::ast::{Condition, Detection, Item, ItemTest, Search};
use serde_json::{Map, Value, json};

/// The rule as tau-engine reads it (JSON is YAML).
pub(super) fn rule(detection: &Detection) -> Option<String> {
    let mut body = Map::new();
    for (i, selection) in detection.selections.iter().enumerate() {
        body.insert(format!("S{i}"), search(&selection.search)?);
    }
    body.insert("condition".to_owned(), condition(&detection.condition).into());
    Some(json!({"detection": body, "true_positives": [], "true_negatives": []}).to_string())
}

fn condition(c: &Condition) -> String {
    let many = |list: &[Condition], word: &str| format!("({})", list.iter().map(condition).collect::<Vec<_>>().join(word));
    match c {
        Condition::And(list) => many(list, " and "),
        Condition::Or(list) => many(list, " or "),
        Condition::Not(inner) => format!("not ({})", condition(inner)),
        Condition::Selection(i) => format!("S{i}"),
    }
}

fn search(search: &Search) -> Option<Value> {
    let map = |items: &[&Item]| -> Option<Value> {
        let mut map = Map::new();
        for item in items {
            let (key, value) = entry(item)?;
            if map.insert(key, value).is_some() {
                return None;
            }
        }
        Some(Value::Object(map))
    };
    match search {
        Search::Item(item) => map(&[item]),
        Search::All(list) => {
            let items: Vec<&Item> = list.iter().map(|s| if let Search::Item(i) = s { Some(i) } else { None }).collect::<Option<_>>()?;
            map(&items)
        }
        Search::Any(list) => list.iter().map(self::search).collect::<Option<Vec<Value>>>().map(Value::Array),
    }
}

fn entry(item: &Item) -> Option<(String, Value)> {
    let field = item.field.as_ref().filter(|f| !item.negated && f.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))?;
    let mut texts = Vec::new();
    for test in item.values.iter().flatten() {
        let ItemTest::Op(op) = test else { return None };
        texts.push(text(op)?);
    }
    let key = if item.all { format!("all({field})") } else { field.clone() };
    Some((key, if texts.len() == 1 && !item.all { texts.remove(0) } else { Value::Array(texts) }))
}

fn text(op: &Op) -> Option<Value> {
    Some(match op {
        Op::Absent => Value::Null,
        Op::Like(pattern) => {
            let mark = if pattern.cased() { "" } else { "i" };
            match pattern.shape() {
                Shape::Exact("") => return None,
                Shape::Exact(s) => format!("{mark}{s}").into(),
                Shape::Prefix(s) => format!("{mark}{s}*").into(),
                Shape::Suffix(s) => format!("{mark}*{s}").into(),
                Shape::Contains(s) => format!("{mark}*{s}*").into(),
                Shape::Anything => "*".into(),
                Shape::Glob(parts) => {
                    let body: String = parts
                        .iter()
                        .map(|p| match p {
                            Part::Literal(s) => regex_syntax::escape(s),
                            Part::One => ".".to_owned(),
                            Part::Many => ".*".to_owned(),
                        })
                        .collect();
                    format!("?(?is)^{body}$").into()
                }
            }
        }
        Op::Regex(re) => format!("?{}", re.source()).into(),
        _ => return None,
    })
}
