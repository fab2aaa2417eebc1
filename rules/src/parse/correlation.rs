//! `correlation:` and `filter:` documents. Parsed here; correlations are executed elsewhere.

use fansipan_model::said;

use super::{condition as words, detection, meta::texts};
use crate::{
    ast::{Alias, Bound, Condition, Correlation, CorrelationKind, Filter, Search, Selection, Threshold},
    diagnostic::{Code, Findings, Position},
    formula::Formula,
    yaml::{Kind, Node, Scalar},
};

/// Reads the map under `correlation:` of a document. `None` after an error.
pub(crate) fn read(document: &Node, node: &Node, findings: &mut Findings<'_>) -> Option<Correlation> {
    let Some(kind) = node.get("type").and_then(Node::text).and_then(CorrelationKind::parse) else {
        let at = node.get("type").map_or(node.at, |n| n.at);
        findings.add(
            Code::BadCorrelation,
            at,
            said!("the type is missing or is not a correlation type", "thiếu type hoặc không phải là một loại tương quan"),
        );
        return None;
    };
    let errors = findings.errors();
    let mut rules = texts(node, "rules", findings);
    let timespan = timespan(node, findings);
    let gap = session(node, findings);
    let (condition, text) = condition(node, kind, &rules, findings);
    let expression = text.and_then(|(text, at)| over_rules(&text, at, &mut rules, findings));
    if rules.is_empty() {
        findings.add(Code::BadCorrelation, node.at, said!("`rules` names no rule", "`rules` không nêu luật nào"));
    } else if kind == CorrelationKind::Absence && rules.len() < 2 {
        let message = said!(
            "an absence needs the rule that comes and the rule that is missed after it",
            "absence cần luật xảy ra trước và luật vắng mặt sau đó"
        );
        findings.add(Code::BadCorrelation, node.at, message);
    }
    let correlation = Correlation {
        kind,
        rules,
        group_by: texts(node, "group-by", findings),
        timespan: timespan.unwrap_or(0),
        condition,
        expression,
        aliases: aliases(node, findings),
        generate: flag(node, "generate") || flag(document, "generate"),
        gap,
        minimum: minimum(node, findings),
        learning: span(node, "learning", findings).unwrap_or(0),
    };
    (findings.errors() == errors).then_some(correlation)
}

fn flag(node: &Node, name: &str) -> bool {
    node.get(name).and_then(Node::scalar) == Some(Scalar::Bool(true))
}

fn timespan(node: &Node, findings: &mut Findings<'_>) -> Option<i64> {
    let value = node.get("timespan").or_else(|| node.get("timeframe"));
    let text = value.and_then(Node::text).unwrap_or("");
    let nanos = nanoseconds(text);
    if nanos.is_none() {
        findings.add(
            Code::BadTimespan,
            value.map_or(node.at, |v| v.at),
            said!("`{text}` is not a timespan", "`{text}` không phải là một khoảng thời gian"),
        );
    }
    nanos
}

/// A condition over rules; without a list of rules it names them all.
fn over_rules(text: &str, at: Position, rules: &mut Vec<String>, findings: &mut Findings<'_>) -> Option<Condition> {
    if rules.is_empty() {
        let operators = ["and", "or", "not"];
        for word in text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).filter(|w| !w.is_empty()) {
            if !operators.iter().any(|o| word.eq_ignore_ascii_case(o)) && !rules.iter().any(|r| r == word) {
                rules.push(word.to_owned());
            }
        }
    }
    let named: Vec<Selection> = rules.iter().map(|name| Selection { name: name.clone(), at, search: Search::All(Vec::new()) }).collect();
    match words::parse(text, &named, &mut vec![false; named.len()]) {
        Ok(condition) => Some(condition),
        Err(refused) => {
            findings.add(refused.code, words::place(at, refused.offset, !text.contains('\n')), refused.message);
            None
        }
    }
}

/// The gap of a session window; `None` for a sliding one.
fn session(node: &Node, findings: &mut Findings<'_>) -> Option<i64> {
    let gap = span(node, "gap", findings);
    match node.get("window").map(|w| (w.at, w.text().unwrap_or(""))) {
        None | Some((_, "sliding")) => None,
        Some((at, "session")) => {
            if gap.is_none() {
                findings.add(Code::BadCorrelation, at, said!("a session window needs its `gap`", "cửa sổ session cần `gap`"));
            }
            gap
        }
        Some((at, other)) => {
            findings.add(
                Code::BadCorrelation,
                at,
                said!("`{other}` is not a window; sliding and session are", "`{other}` không phải là cửa sổ; chỉ có sliding và session"),
            );
            None
        }
    }
}

fn minimum(node: &Node, findings: &mut Findings<'_>) -> u32 {
    let Some(value) = node.get("minimum") else { return 10 };
    value.text().and_then(|t| t.trim().parse().ok()).unwrap_or_else(|| {
        findings.add(Code::BadCorrelation, value.at, said!("`minimum` is a number of events", "`minimum` là một số sự kiện"));
        0
    })
}

fn span(node: &Node, name: &str, findings: &mut Findings<'_>) -> Option<i64> {
    let value = node.get(name)?;
    let nanos = value.text().and_then(nanoseconds);
    if nanos.is_none() {
        findings.add(Code::BadTimespan, value.at, said!("`{name}` is not a timespan", "`{name}` không phải là một khoảng thời gian"));
    }
    nanos
}

/// `30s`, `5m`, `1h`, `7d`, `2w`, `1M` (30 days), `1y` (365 days).
fn nanoseconds(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.trim().parse().ok().filter(|n| *n > 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        'M' => 30 * 86_400,
        'y' => 365 * 86_400,
        _ => return None,
    };
    number.checked_mul(seconds)?.checked_mul(1_000_000_000)
}

fn condition(
    node: &Node,
    kind: CorrelationKind,
    rules: &[String],
    findings: &mut Findings<'_>,
) -> (Option<Threshold>, Option<(String, Position)>) {
    let Some(value) = node.get("condition") else {
        if let Some(missing) = kind.missing(None) {
            findings.add(Code::BadCorrelation, node.at, missing);
        }
        return (None, None);
    };
    if let Some(text) = value.text() {
        if !kind.is_temporal() {
            findings.add(
                Code::BadCorrelation,
                value.at,
                said!("the condition of this type is a map such as `gte: 10`", "điều kiện của loại này là một ánh xạ, như `gte: 10`"),
            );
        }
        return (None, kind.is_temporal().then(|| (text.to_owned(), value.at)));
    }
    let mut threshold = Threshold { fields: texts(value, "field", findings), ..Threshold::default() };
    for (key, bound) in value.entries() {
        let cmp = match key.text().unwrap_or("") {
            "field" => continue,
            "percentile" => {
                threshold.percentile = number(bound);
                continue;
            }
            "formula" => {
                match Formula::new(bound.text().unwrap_or(""), rules) {
                    Ok(formula) => threshold.formula = Some(formula),
                    Err(problem) => findings.add(Code::BadCorrelation, bound.at, problem),
                }
                continue;
            }
            "gt" => Bound::Gt,
            "gte" => Bound::Gte,
            "lt" => Bound::Lt,
            "lte" => Bound::Lte,
            "eq" => Bound::Eq,
            "neq" => Bound::Neq,
            other => {
                findings.add(
                    Code::BadCorrelation,
                    key.at,
                    said!("`{other}` is not part of a correlation's condition", "`{other}` không thuộc điều kiện của tương quan"),
                );
                continue;
            }
        };
        match number(bound) {
            Some(n) => threshold.bounds.push((cmp, n)),
            None => findings.add(Code::BadCorrelation, bound.at, said!("the bound is not a number", "giới hạn không phải là số")),
        }
    }
    if let Some(missing) = kind.missing(Some(&threshold)) {
        findings.add(Code::BadCorrelation, value.at, missing);
    }
    (Some(threshold), None)
}

fn number(node: &Node) -> Option<f64> {
    node.text().and_then(|t| t.trim().parse().ok()).filter(|n: &f64| n.is_finite())
}

fn aliases(node: &Node, findings: &mut Findings<'_>) -> Vec<Alias> {
    let Some(value) = node.get("aliases") else { return Vec::new() };
    let mut out = Vec::new();
    for (name, rules) in value.entries() {
        let mut fields = Vec::new();
        for (rule, field) in rules.entries() {
            match (rule.text(), field.text()) {
                (Some(rule), Some(field)) => fields.push((rule.to_owned(), field.to_owned())),
                _ => findings.add(
                    Code::BadCorrelation,
                    field.at,
                    said!("an alias maps rules to field names", "alias gán tên trường cho từng luật"),
                ),
            }
        }
        out.push(Alias { name: name.text().unwrap_or("").to_owned(), fields });
    }
    out
}

/// Reads the map under `filter:`. `None` after an error.
pub(crate) fn filter(node: &Node, findings: &mut Findings<'_>) -> Option<Filter> {
    if !matches!(node.kind, Kind::Map(_)) {
        let kind = node.kind_name();
        findings.add(
            Code::BadFilter,
            node.at,
            said!("filter is {kind} where a map belongs", "filter là {kind:#}, lẽ ra phải là một ánh xạ"),
        );
        return None;
    }
    let mut rules = texts(node, "rules", findings);
    if node.get("rules").is_none() {
        findings.add(
            Code::BadFilter,
            node.at,
            said!("the filter does not say to which rules it applies", "filter không nói áp dụng cho luật nào"),
        );
        return None;
    }
    rules.retain(|r| r != "any");
    let detection = detection::read(node, &["rules"], findings)?;
    Some(Filter { rules, detection })
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn timespans() {
        let minute = 60_000_000_000;
        for (text, want) in [
            ("30s", Some(minute / 2)),
            ("5m", Some(5 * minute)),
            ("1h", Some(60 * minute)),
            ("7d", Some(7 * 1440 * minute)),
            ("1M", Some(30 * 1440 * minute)),
            ("", None),
            ("m", None),
            ("0m", None),
            ("-5m", None),
            ("5 minutes", None),
            ("99999999999999y", None),
        ] {
            assert_eq!(nanoseconds(text), want, "{text}");
        }
    }
}
