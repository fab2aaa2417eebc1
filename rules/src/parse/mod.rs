//! Sigma text → [`Rule`]s with findings. One file may hold several documents; a bad one spoils no other.

mod condition;
mod correlation;
mod detection;
mod meta;
mod modifier;
pub(crate) mod value;

use std::collections::BTreeMap;

use fansipan_model::said;
use sha2::{Digest, Sha256};

use crate::{
    ast::{Body, LogSource, Rule},
    diagnostic::{Code, Diagnostic, Findings, Position, Severity},
    yaml::{self, Kind, Node},
};

/// Reads a Sigma file. `file` is only carried along. Documents with errors are reported and left out.
pub fn parse(text: &str, file: &str) -> (Vec<Rule>, Vec<Diagnostic>) {
    let mut rules = Vec::new();
    let mut findings = Findings::new(file);
    let documents = yaml::documents(text);
    if documents.is_empty() {
        findings.add(Code::Empty, Position { line: 1, column: 1 }, said!("the file holds no rule", "tệp không có luật nào"));
    }
    let mut global: Option<(Node, &str)> = None;
    for document in documents {
        let node = match yaml::read(document) {
            Ok(node) => node,
            Err(refused) => {
                findings.add(refused.code, refused.at, refused.message);
                continue;
            }
        };
        if !matches!(node.kind, Kind::Map(_)) {
            let kind = node.kind_name();
            findings.add(Code::NotAMap, node.at, said!("the document is {kind}", "tài liệu là {kind:#}"));
            continue;
        }
        let text = document.text.strip_prefix("---").unwrap_or(document.text).trim();
        match node.get("action").and_then(Node::text) {
            Some("global") => {
                global = Some((node, text));
                continue;
            }
            Some("reset") => {
                global = None;
                continue;
            }
            _ => {}
        }
        let node = match &global {
            Some((global, _)) => merged(global, &node, 0),
            None => node,
        };
        if let Some(rule) = rule(&node, text, global.as_ref().map(|g| g.1), &mut findings) {
            rules.push(rule);
        }
    }
    (rules, findings.into_vec())
}

fn rule(node: &Node, text: &str, global: Option<&str>, findings: &mut Findings<'_>) -> Option<Rule> {
    let errors = findings.errors();
    let mut meta = meta::read(node, findings);
    if meta.title.is_empty() {
        findings.add(Code::MissingTitle, node.at, said!("the rule has no title", "luật không có tiêu đề"));
    }
    let source = |findings: &mut Findings<'_>| meta::logsource(node, findings);
    let (body, logsource) = if let Some(filter) = node.get("filter") {
        let logsource = source(findings);
        (correlation::filter(filter, findings).map(Body::Filter), logsource)
    } else if let Some(detection) = node.get("detection") {
        let logsource = source(findings);
        (detection::read(detection, &[], findings).map(Body::Detection), logsource)
    } else if let Some(value) = node.get("correlation") {
        (correlation::read(node, value, findings).map(Body::Correlation), Some(LogSource::default()))
    } else {
        let message =
            said!("the document has neither detection nor correlation nor filter", "tài liệu không có detection, correlation hay filter");
        findings.add(Code::MissingDetection, node.at, message);
        (None, None)
    };
    let (body, logsource) = (body?, logsource?);
    if findings.errors() > errors {
        return None;
    }
    meta.logsource = logsource;
    // a document that inherits from a global one is not known by its own text alone
    let hash = match global {
        Some(global) => hex::encode(Sha256::digest(format!("{global}\n---\n{text}"))),
        None => hex::encode(Sha256::digest(text)),
    };
    Some(Rule { file: findings.file().to_owned(), at: node.at, text: text.into(), hash, meta, body })
}

/// Levels to which a global document is merged: `detection` and `logsource` are maps of maps.
const MERGE_DEPTH: usize = 2;

/// The entries of `own` over those of `global`, maps merged.
fn merged(global: &Node, own: &Node, depth: usize) -> Node {
    let (Kind::Map(base), Kind::Map(top)) = (&global.kind, &own.kind) else { return own.clone() };
    if depth > MERGE_DEPTH {
        return own.clone();
    }
    let mut entries: Vec<(Node, Node)> = base.iter().filter(|(k, _)| k.text() != Some("action")).cloned().collect();
    let places: BTreeMap<String, usize> = entries.iter().enumerate().map(|(i, (k, _))| (k.text().unwrap_or("").to_owned(), i)).collect();
    for (key, value) in top {
        match places.get(key.text().unwrap_or("")).and_then(|&i| entries.get_mut(i)) {
            Some((_, old)) => *old = merged(old, value, depth + 1),
            None => entries.push((key.clone(), value.clone())),
        }
    }
    Node { at: own.at, kind: Kind::Map(entries) }
}

/// Whether a rule file may be used: nothing worse than warnings.
pub fn is_clean(findings: &[Diagnostic]) -> bool {
    findings.iter().all(|d| d.severity < Severity::Error)
}
