//! `fansipan rules test`: the samples beside rule files; what must fire fires, what must stay quiet stays quiet.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use fansipan_collector::Normalizer;
use fansipan_model::{RuleRef, Said, Word, said};
use fansipan_rules::{RuleIndex, RuleSet, Scratch};
use serde_json::json;

use super::super::evidence;
use crate::{Fault, Outcome, args::Cli, output, told};

/// One rule on one sample.
struct Case {
    rule: RuleRef,
    sample: PathBuf,
    result: Verdict,
}

enum Verdict {
    Right,
    /// Records, from 1, on which the rule did the contrary.
    Wrong(Vec<u64>),
    /// Why there is no verdict.
    Untested(Said),
}

pub(super) fn test(cli: &Cli, paths: &[PathBuf], junit: Option<&Path>) -> Result<Outcome> {
    let loaded = super::load(cli, paths, |_| true)?;
    super::report(cli, &loaded, fansipan_rules::Severity::Error);
    anyhow::ensure!(!loaded.set.is_empty(), Fault::NoRule { place: super::places(paths) });
    let normalizer = evidence::normalizer()?;
    let mut files: BTreeMap<&str, Vec<RuleIndex>> = BTreeMap::new();
    for (i, compiled) in (0u32..).zip(loaded.set.rules()) {
        files.entry(&compiled.rule.file).or_default().push(RuleIndex(i));
    }
    let mut cases = Vec::new();
    for (file, rules) in files {
        for (ending, must_match) in [("firing.log", true), ("quiet.log", false)] {
            run(&loaded.set, &normalizer, &Path::new(file).with_extension(ending), &rules, must_match, &mut cases);
        }
    }
    let count = |wanted: fn(&Verdict) -> bool| cases.iter().filter(|c| wanted(&c.result)).count();
    let (right, wrong) = (count(|v| matches!(v, Verdict::Right)), count(|v| matches!(v, Verdict::Wrong(_))));
    for case in &cases {
        say(cli, case)?;
    }
    if let Some(path) = junit {
        std::fs::write(path, xml(&cases)).with_context(|| Fault::CannotWrite { path: path.display().to_string() })?;
    }
    let summary = json!({"rules": loaded.set.len(), "right": right, "wrong": wrong, "untested": cases.len() - right - wrong});
    if cli.json {
        output::json(&summary)?;
    } else {
        let (rules, untested) = (loaded.set.len(), cases.len() - right - wrong);
        let told = said!(
            "{rules} rules; {right} samples right, {wrong} wrong, {untested} missing or unread",
            "{rules} luật; {right} mẫu đúng, {wrong} sai, {untested} thiếu hoặc không đọc được"
        );
        output::say(cli, &told)?;
    }
    Ok(if wrong == 0 && loaded.unread.is_empty() { Outcome::Done } else { Outcome::Negative })
}

/// Runs one sample against the rules of its file.
fn run(set: &RuleSet, normalizer: &Normalizer, sample: &Path, rules: &[RuleIndex], must_match: bool, cases: &mut Vec<Case>) {
    let mut contrary: Vec<Vec<u64>> = vec![Vec::new(); rules.len()];
    let (mut scratch, mut matches, mut records) = (Scratch::default(), Vec::new(), 0u64);
    let read = evidence::each_event(sample, normalizer, |_, event| {
        records += 1;
        matches.clear();
        set.evaluate(event, &mut scratch, &mut matches);
        for (rule, contrary) in rules.iter().zip(&mut contrary) {
            if matches.contains(rule) != must_match {
                contrary.push(records);
            }
        }
        Ok(())
    });
    for (rule, contrary) in rules.iter().zip(contrary) {
        let result = match &read {
            Err(error) => Verdict::Untested(Said { en: format!("{error:#}"), vi: told(error, true) }),
            Ok(()) if records == 0 => Verdict::Untested(said!("the sample is empty", "mẫu rỗng")),
            Ok(()) if contrary.is_empty() => Verdict::Right,
            Ok(()) => Verdict::Wrong(contrary),
        };
        cases.push(Case { rule: set.rule(*rule).reference.clone(), sample: sample.to_owned(), result });
    }
}

fn what(case: &Case, records: &[u64]) -> Said {
    let list = records.iter().take(20).map(u64::to_string).collect::<Vec<_>>().join(", ");
    if case.sample.to_string_lossy().ends_with("firing.log") {
        said!("stays quiet on record {list}", "không báo ở bản ghi {list}")
    } else {
        said!("fires on record {list}", "báo ở bản ghi {list}")
    }
}

fn say(cli: &Cli, case: &Case) -> std::io::Result<()> {
    let (result, detail) = match &case.result {
        Verdict::Right => (Word::new("right", "đúng"), Said::default()),
        Verdict::Wrong(records) => (Word::new("wrong", "sai"), what(case, records)),
        Verdict::Untested(why) => (Word::new("untested", "chưa thử"), why.clone()),
    };
    if cli.json {
        return output::json(
            &json!({"rule.id": case.rule.id, "rule.title": case.rule.title, "sample": case.sample, "result": result.en, "detail": detail.en}),
        );
    }
    if !matches!(case.result, Verdict::Right) {
        let (sample, title) = (case.sample.display(), super::title(cli, &case.rule));
        output::say(cli, &said!("{sample}: {result}: {title}: {detail}", "{sample}: {result:#}: {title}: {detail:#}"))?;
    }
    Ok(())
}

/// The results as JUnit XML, as build servers read it.
fn xml(cases: &[Case]) -> String {
    let count = |wanted: fn(&Verdict) -> bool| cases.iter().filter(|c| wanted(&c.result)).count();
    let (failures, skipped) = (count(|v| matches!(v, Verdict::Wrong(_))), count(|v| matches!(v, Verdict::Untested(_))));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // writing to a String cannot fail
    let _ = writeln!(out, "<testsuite name=\"rules\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">", cases.len());
    for case in cases {
        let sample = case.sample.file_name().unwrap_or_default().to_string_lossy();
        let _ = write!(out, "  <testcase classname=\"{}\" name=\"{}\"", escape(&case.rule.title), escape(&sample));
        let _ = match &case.result {
            Verdict::Right => writeln!(out, "/>"),
            Verdict::Wrong(records) => writeln!(out, "><failure message=\"{}\"/></testcase>", escape(&what(case, records).en)),
            Verdict::Untested(why) => writeln!(out, "><skipped message=\"{}\"/></testcase>", escape(&why.en)),
        };
    }
    out.push_str("</testsuite>\n");
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in output::harmless(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
