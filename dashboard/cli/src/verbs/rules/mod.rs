//! `fansipan rules`: check rule files; list the rules in force; a file each for the other verbs.

mod convert;
mod coverage;
mod explain;
mod own;
mod samples;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use fansipan_model::{RuleRef, Said, said, told::reader};
use fansipan_rules::{Diagnostic, Pipeline, Rule, RuleSet, Severity, Taxonomy};
use serde_json::{Value, json};

use super::{client, items, list_of};
use crate::{
    Fault, Outcome,
    args::{Cli, RulesArgs, RulesVerb},
    inputs, output, words,
};

pub(super) async fn rules(cli: &Cli, args: &RulesArgs) -> Result<Outcome> {
    match &args.verb {
        RulesVerb::Check { paths, pipeline } => check(cli, paths, pipeline),
        RulesVerb::List => list(cli).await,
        RulesVerb::Show { id } => own::show(cli, id).await,
        RulesVerb::Own => own::list(cli).await,
        RulesVerb::Try { file, since } => own::try_out(cli, file, since).await,
        RulesVerb::Save { file, why, off } => own::save(cli, file, why, !off).await,
        RulesVerb::Switch { id, to, why } => own::switch(cli, id, to == "on", why).await,
        RulesVerb::History { id } => own::history(cli, id).await,
        RulesVerb::Test { paths, junit } => samples::test(cli, paths, junit.as_deref()),
        RulesVerb::Explain { rule, event, record } => explain::explain(cli, rule, event, *record).await,
        RulesVerb::Coverage { since, blind } => coverage::coverage(cli, since, *blind).await,
        RulesVerb::Convert { paths, to, pipeline } => convert::convert(cli, paths, to, pipeline),
    }
}

/// Rules read from disk, with everything that was wrong.
pub(super) struct Loaded {
    pub(super) set: RuleSet,
    pub(super) files: usize,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Files that could not be read at all.
    pub(super) unread: Vec<(PathBuf, std::io::Error)>,
}

/// Reads, parses and compiles every rule below the paths.
pub(super) fn load(cli: &Cli, paths: &[PathBuf], keep: impl Fn(&Rule) -> bool) -> Result<Loaded> {
    load_through(cli, paths, &[], keep)
}

/// The same, the rules changed by pipelines before they are compiled.
pub(super) fn load_through(cli: &Cli, paths: &[PathBuf], pipelines: &[PathBuf], keep: impl Fn(&Rule) -> bool) -> Result<Loaded> {
    let pipelines = read_pipelines(pipelines, cli.vietnamese())?;
    let taxonomy = Taxonomy::builtin().context(Fault::BrokenSources)?;
    let (mut rules, mut diagnostics, mut unread, mut files) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for found in inputs::rule_files(paths) {
        match found.and_then(|path| read(&path).map_err(|e| (path.clone(), e)).map(|text| (path, text))) {
            Ok((path, text)) => {
                files += 1;
                let (parsed, found) = fansipan_rules::parse(&text, &path.display().to_string());
                rules.extend(parsed.into_iter().filter(&keep));
                diagnostics.extend(found);
            }
            Err(error) => unread.push(error),
        }
    }
    rules.retain_mut(|rule| match pipelines.iter().try_for_each(|p| p.apply(rule)) {
        Ok(()) => true,
        Err(refused) => {
            diagnostics.push(*refused);
            false
        }
    });
    let (set, found) = RuleSet::compile(rules, &taxonomy);
    diagnostics.extend(found);
    Ok(Loaded { set, files, diagnostics, unread })
}

/// Pipelines in the order in which they are applied. One that cannot be read is an error: half of them would change what rules mean.
fn read_pipelines(paths: &[PathBuf], vietnamese: bool) -> Result<Vec<Pipeline>> {
    let mut pipelines = Vec::new();
    for path in paths {
        let text = read(path).with_context(|| Fault::NoPipeline { path: path.display().to_string() })?;
        match Pipeline::parse(&text, &path.display().to_string()) {
            Ok(pipeline) => pipelines.push(pipeline),
            Err(faults) => {
                let faults: Vec<String> = faults.iter().map(|d| told(d, vietnamese)).collect();
                anyhow::bail!(Fault::PipelineRefused { faults: faults.join("\n") });
            }
        }
    }
    pipelines.sort_by_key(|p| p.priority);
    Ok(pipelines)
}

/// The title of a rule in the reader's language.
fn title<'a>(cli: &Cli, rule: &'a RuleRef) -> &'a str {
    rule.title_vi.as_deref().filter(|_| cli.vietnamese()).unwrap_or(&rule.title)
}

/// Paths as they were given.
pub(super) fn places(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

pub(super) fn read(path: &Path) -> std::io::Result<String> {
    let bytes = fs::read(path)?;
    String::from_utf8(bytes).map_err(|_| std::io::Error::other("is not UTF-8: save it as UTF-8"))
}

/// A finding on one line, in the reader's language.
fn told(d: &Diagnostic, vietnamese: bool) -> String {
    let (message, help) = if vietnamese { (&d.message_vi, d.help_vi) } else { (&d.message, d.help) };
    format!("{}:{}:{}: {} {} ({help})", d.file, d.line, d.column, d.code, output::harmless(message))
}

/// Prints what was wrong to standard error: `file:line:column: CODE message (help)`.
pub(super) fn report(cli: &Cli, loaded: &Loaded, least: Severity) {
    for (path, error) in &loaded.unread {
        let fault = Fault::UnreadRule { path: path.display().to_string(), why: reader(error) };
        tracing::error!("{}", cli.say(&fault));
    }
    for d in &loaded.diagnostics {
        let text = told(d, cli.vietnamese());
        if d.severity == Severity::Error {
            tracing::error!("{text}");
        } else if least != Severity::Error {
            tracing::warn!("{text}");
        }
    }
}

fn check(cli: &Cli, paths: &[PathBuf], pipeline: &[PathBuf]) -> Result<Outcome> {
    let loaded = load_through(cli, paths, pipeline, |_| true)?;
    let count = |severity| loaded.diagnostics.iter().filter(|d| d.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error) + loaded.unread.len(), count(Severity::Warning));
    if cli.json {
        for d in &loaded.diagnostics {
            output::json(&json!({"file": d.file, "line": d.line, "column": d.column, "code": d.code,
                "severity": if d.severity == Severity::Error { "error" } else { "warning" }, "message": d.message, "message_vi": d.message_vi, "help": d.help, "help_vi": d.help_vi}))?;
        }
        for (path, error) in &loaded.unread {
            output::json(&json!({"file": path, "code": "FSP-RUL-900", "severity": "error", "message": error.to_string()}))?;
        }
        output::json(&json!({"files": loaded.files, "rules": loaded.set.len(), "errors": errors, "warnings": warnings}))?;
    } else {
        report(cli, &loaded, Severity::Warning);
        let unmapped = loaded.set.rules().iter().filter(|r| !r.mapped).count();
        let mut levels: BTreeMap<&str, usize> = BTreeMap::new();
        for rule in loaded.set.rules() {
            *levels.entry(rule.reference.level.as_str()).or_default() += 1;
        }
        let levels: Vec<String> = levels.iter().map(|(level, n)| format!("{n} {level}")).collect();
        let (files, rules, correlations, levels) = (loaded.files, loaded.set.len(), loaded.set.correlations().len(), levels.join(", "));
        let told = said!(
            "{files} files, {rules} rules ({levels}), {correlations} correlations; {errors} errors, {warnings} warnings; {unmapped} rules for log sources without a mapping",
            "{files} tệp, {rules} luật ({levels}), {correlations} tương quan; {errors} lỗi, {warnings} chú ý; {unmapped} luật thuộc nguồn log chưa được ánh xạ"
        );
        output::say(cli, &told)?;
    }
    Ok(if errors == 0 { Outcome::Done } else { Outcome::Negative })
}

/// A finding as the appliance tells it, on one line.
pub(super) fn found(cli: &Cli, d: &Value, file: &str) -> String {
    let [message, help] = if cli.vietnamese() { ["message_vi", "help_vi"] } else { ["message", "help"] }.map(|at| output::cell(d, at));
    let text = format!("{file}:{}:{}: {} {message} ({help})", output::cell(d, "line"), output::cell(d, "column"), output::cell(d, "code"));
    output::harmless(&text).into_owned()
}

async fn list(cli: &Cli) -> Result<Outcome> {
    let api = client(cli)?;
    let answer = api.get("/rules", &[("standing", "true".to_owned())]).await?;
    if cli.json {
        items(&answer).iter().try_for_each(output::json)?;
        return Ok(Outcome::Done);
    }
    let rows = items(&answer).iter().map(|r| {
        let [level, source, maturity, matches, file] = ["level", "logsource", "status", "matches", "file"].map(|k| output::cell(r, k));
        vec![level, cli.say(&standing(r)), output::text(cli, r, "title"), source, maturity, matches, file]
    });
    let heads = [words::LEVEL, words::STATE, words::TITLE, words::LOG_SOURCE, words::MATURITY, words::MATCHES, words::FILE];
    output::table(cli, &heads, rows)?;
    for d in list_of(&answer, "diagnostics") {
        tracing::warn!("{}", found(cli, d, &output::cell(d, "file")));
    }
    Ok(Outcome::Done)
}

/// Whether a rule is on, and whether it can see anything.
fn standing(rule: &Value) -> Said {
    match (output::cell(rule, "enabled").as_str(), output::cell(rule, "standing").as_str()) {
        ("false", _) => said!("off", "đã tắt"),
        (_, "alive") => said!("alive", "sống"),
        (_, "quiet") => said!("quiet", "im lặng"),
        (_, "partly_blind") => said!("partly blind", "mù một phần"),
        (_, "blind") => said!("blind", "mù"),
        (_, "") => said!("unknown", "chưa rõ"),
        (_, word) => Said::same(word),
    }
}
