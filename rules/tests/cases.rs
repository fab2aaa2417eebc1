//! What rules mean, as data: see `cases/README.md`.

use std::{fs, path::Path};

use fansipan_model::json;
use fansipan_rules::{Diagnostic, Pipeline, Rule, RuleIndex, RuleSet, Scratch, Severity, Taxonomy, parse};

const PLACEHOLDERS: &str = "[placeholders]\nadmins = [\"root\", \"administrator\"]\nhosts = [\"srv-?\", \"dc*\"]\n";

/// The documents of a file: every rule with what is expected of it.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut documents = text.split("\n---\n").map(str::to_owned);
    let mut out = Vec::new();
    while let (Some(rule), Some(expected)) = (documents.next(), documents.next()) {
        out.push((rule, expected));
    }
    out
}

/// The JSON texts in single quotes after a key, until the next key.
fn events<'t>(expected: &'t str, key: &str) -> Vec<&'t str> {
    let Some((_, rest)) = expected.split_once(key) else { return Vec::new() };
    let end = ["\nquiet:", "\nfires:"].iter().filter_map(|k| rest.find(k)).min().unwrap_or(rest.len());
    rest[..end].split('\'').skip(1).step_by(2).collect()
}

fn load(text: &str) -> (Vec<Rule>, Vec<Diagnostic>) {
    parse(text, "case.yml")
}

fn taxonomy() -> Taxonomy {
    Taxonomy::parse(&[
        ("windows", include_str!("../taxonomy/windows.toml")),
        ("unix", include_str!("../taxonomy/unix.toml")),
        ("network", include_str!("../taxonomy/network.toml")),
        ("web", include_str!("../taxonomy/web.toml")),
        ("cloud", include_str!("../taxonomy/cloud.toml")),
        ("cases", "[[source]]\nservice = \"case\"\n"),
        ("placeholders", PLACEHOLDERS),
    ])
    .expect("the taxonomy")
}

fn check(rule: &str, expected: &str, taxonomy: &Taxonomy, failed: &mut Vec<String>) {
    let (rules, mut found) = load(rule);
    if let Some((_, code)) = expected.split_once("refused: ") {
        let code = code.trim();
        let errors: Vec<&Diagnostic> = found.iter().filter(|d| d.severity == Severity::Error).collect();
        if !rules.is_empty() || errors.len() != 1 || errors[0].code != code || errors[0].line == 0 {
            failed.push(format!("{rule}\nshould be refused with {code}: {found:?}"));
        }
        return;
    }
    judge(rule, rules, expected, taxonomy, &mut found, failed);
}

/// Checks parsed rules against the events expected of them.
fn judge(rule: &str, rules: Vec<Rule>, expected: &str, taxonomy: &Taxonomy, found: &mut Vec<Diagnostic>, failed: &mut Vec<String>) {
    let (set, more) = RuleSet::compile(rules, taxonomy);
    found.extend(more);
    if set.len() != 1 {
        failed.push(format!("{rule}\ndoes not load: {found:?}"));
        return;
    }
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    let mut count = 0;
    for (key, want) in [("fires:", true), ("quiet:", false)] {
        for text in events(expected, key) {
            count += 1;
            let event = json::read(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            out.clear();
            set.evaluate(&event, &mut scratch, &mut out);
            if set.rule(RuleIndex(0)).matches(&event) != want {
                failed.push(format!("{rule}\nby definition, should {}be found: {text}", if want { "" } else { "not " }));
            } else if out.is_empty() == want {
                failed.push(format!("{rule}\nin the plan, should {}be found: {text}", if want { "" } else { "not " }));
            }
            let explained = set.explain(RuleIndex(0), &event, taxonomy).expect("an explanation");
            if explained.matched != want {
                failed.push(format!("{rule}\nexplained otherwise: {text}"));
            }
        }
    }
    assert!(count >= 2, "{rule}\nhas no events: {expected}");
}

#[test]
fn rules_mean_what_the_specification_says() {
    let taxonomy = taxonomy();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = fs::read_dir(dir).expect("the cases").map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let (mut failed, mut count) = (Vec::new(), 0);
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "yml")) {
        for (rule, expected) in pairs(&fs::read_to_string(path).expect("a readable file")) {
            check(&rule, &expected, &taxonomy, &mut failed);
            count += 1;
        }
    }
    assert!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n\n"));
    assert!(count > 60);
}

/// Pipelines as data: a pipeline, a rule, and what the rule finds once the pipeline has changed it, or the code it is refused with.
#[test]
fn pipelines_do_what_pysigma_says() {
    let taxonomy = taxonomy();
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pipelines/steps.yml")).expect("the cases");
    let documents: Vec<&str> = text.split("\n---\n").collect();
    let mut failed = Vec::new();
    assert!(documents.len() >= 36 && documents.len().is_multiple_of(3));
    for case in documents.chunks(3) {
        let (pipeline, rule, expected) = (case[0], case[1], case[2]);
        let (mut rules, mut found) = load(rule);
        let changed = Pipeline::parse(pipeline, "pipeline.yml").and_then(|p| p.apply(&mut rules[0]).map_err(|d| vec![*d]));
        match (changed, expected.split_once("refused: ")) {
            (Err(found), Some((_, code))) if found.iter().all(|d| d.code == code.trim()) => {}
            (Ok(()), None) => judge(&format!("{pipeline}\n{rule}"), rules, expected, &taxonomy, &mut found, &mut failed),
            (other, _) => failed.push(format!("{pipeline}: {other:?}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
