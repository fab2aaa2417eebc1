//! Pipeline files → [`Pipeline`].

use std::collections::BTreeMap;

use fansipan_model::{Op, Pattern, said};

use super::{Change, Conditions, FieldCondition, Pipeline, RuleCondition, Step};
use crate::{
    ast::LogSource,
    diagnostic::{Code, Diagnostic, Findings},
    yaml::{self, Node, Scalar},
};

/// Transformations of one pipeline.
const MAX_STEPS: usize = 1000;

pub(super) fn pipeline(text: &str, file: &str) -> Result<Pipeline, Vec<Diagnostic>> {
    let mut findings = Findings::new(file);
    let documents = yaml::documents(text);
    let node = match documents.as_slice() {
        [one] => yaml::read(*one).map_err(|r| (r.code, r.at, r.message)),
        _ => {
            Err((Code::BadPipeline, Default::default(), said!("a pipeline file holds one document", "tệp pipeline chỉ chứa một tài liệu")))
        }
    };
    let node = match node {
        Ok(node) => node,
        Err((code, at, message)) => return Err(vec![code.at(file, at, message)]),
    };
    let steps = node.get("transformations").map_or(&[][..], Node::items);
    if steps.is_empty() || steps.len() > MAX_STEPS {
        let held = steps.len();
        let message = said!(
            "`transformations` holds {held} steps; 1 to {MAX_STEPS} are taken",
            "`transformations` có {held} bước; chỉ nhận từ 1 đến {MAX_STEPS}"
        );
        findings.add(Code::BadPipeline, node.at, message);
    }
    let pipeline = Pipeline {
        name: node.get("name").and_then(Node::text).unwrap_or(file).to_owned(),
        priority: node.get("priority").and_then(Node::text).and_then(|t| t.parse().ok()).unwrap_or(0),
        vars: node.get("vars").map(lists).unwrap_or_default(),
        steps: steps.iter().take(MAX_STEPS).filter_map(|s| step(s, &mut findings)).collect(),
    };
    if findings.errors() > 0 { Err(findings.into_vec()) } else { Ok(pipeline) }
}

/// A map of a value or a list of values for each key.
fn lists(node: &Node) -> BTreeMap<String, Vec<String>> {
    let of = |node: &Node| node.items().iter().filter_map(Node::text).map(str::to_owned).collect();
    node.entries().iter().filter_map(|(key, value)| Some((key.text()?.to_owned(), of(value)))).collect()
}

fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::text).map(str::to_owned)
}

fn truth(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::scalar) == Some(Scalar::Bool(true))
}

fn step(node: &Node, findings: &mut Findings<'_>) -> Option<Step> {
    let change = change(node, findings)?;
    let rules = conditions(node, "rule", findings, |c, kind| {
        Some(match kind {
            "logsource" => RuleCondition::LogSource(source(c)),
            "contains_detection_item" => RuleCondition::HasField(text(c, "field")?),
            "processing_item_applied" => RuleCondition::Applied(text(c, "processing_item_id")?),
            _ => return None,
        })
    })?;
    let fields = conditions(node, "field_name", findings, |c, kind| {
        let names = lists(c).remove("fields")?;
        Some(match kind {
            "include_fields" => FieldCondition::Include(names),
            "exclude_fields" => FieldCondition::Exclude(names),
            _ => return None,
        })
    })?;
    if let Some(other) = node.get("detection_item_conditions") {
        let message = said!(
            "`detection_item_conditions` are not known; use `field_name_conditions`",
            "không nhận `detection_item_conditions`; hãy dùng `field_name_conditions`"
        );
        findings.add(Code::BadPipeline, other.at, message);
        return None;
    }
    Some(Step { id: text(node, "id"), change, rules, fields })
}

fn conditions<T>(node: &Node, what: &str, findings: &mut Findings<'_>, read: impl Fn(&Node, &str) -> Option<T>) -> Option<Conditions<T>> {
    let list = node.get(&format!("{what}_conditions")).map_or(&[][..], Node::items);
    let mut out = Vec::with_capacity(list.len());
    for condition in list {
        let kind = text(condition, "type").unwrap_or_default();
        match read(condition, &kind) {
            Some(one) => out.push(one),
            None => {
                findings.add(
                    Code::BadPipeline,
                    condition.at,
                    said!("the condition `{kind}` is not known or not complete", "điều kiện `{kind}` không nhận biết được hoặc chưa đủ"),
                );
                return None;
            }
        }
    }
    let any = text(node, &format!("{what}_cond_op")).is_some_and(|op| op.eq_ignore_ascii_case("or"));
    Some(Conditions { list: out, any, not: truth(node, &format!("{what}_cond_not")) })
}

fn source(node: &Node) -> LogSource {
    let part = |key: &str| text(node, key).map(|t| t.to_lowercase());
    LogSource { product: part("product"), category: part("category"), service: part("service") }
}

fn change(node: &Node, findings: &mut Findings<'_>) -> Option<Change> {
    let kind = text(node, "type").unwrap_or_default();
    let names = || lists(node).remove("include");
    let mapping = || node.get("mapping").map(lists).filter(|m| !m.is_empty());
    let change = match kind.as_str() {
        "field_name_mapping" => mapping().map(Change::Rename),
        "field_name_prefix_mapping" => mapping().map(Change::Prefixes),
        "field_name_prefix" => text(node, "prefix").map(Change::Prefix),
        "field_name_suffix" => text(node, "suffix").map(Change::Suffix),
        "drop_detection_item" => Some(Change::Drop),
        "add_condition" => added(node),
        "change_logsource" => Some(Change::LogSource(source(node))),
        "value_placeholders" => Some(Change::Values(names())),
        "wildcard_placeholders" => Some(Change::Wildcards(names())),
        "rule_failure" => Some(Change::Fail(text(node, "message").unwrap_or_else(|| "refused by the pipeline".to_owned()))),
        _ => None,
    };
    if change.is_none() {
        findings.add(
            Code::BadPipeline,
            node.at,
            said!("the transformation `{kind}` is not known or not complete", "phép biến đổi `{kind}` không nhận biết được hoặc chưa đủ"),
        );
    }
    change
}

fn added(node: &Node) -> Option<Change> {
    let op = |value: &Node| {
        Some(match value.scalar()? {
            Scalar::Null => Op::Absent,
            _ => Op::Like(Pattern::parse(value.text()?, false)),
        })
    };
    let conditions = node.get("conditions")?.entries();
    let items: Option<Vec<(String, Vec<Op>)>> = conditions
        .iter()
        .map(|(key, value)| Some((key.text()?.to_owned(), value.items().iter().map(op).collect::<Option<Vec<Op>>>()?)))
        .collect();
    let items = items.filter(|items| !items.is_empty())?;
    Some(Change::Add { items, negated: truth(node, "negated") })
}
