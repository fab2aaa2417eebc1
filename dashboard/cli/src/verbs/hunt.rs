//! `fansipan hunt`: Sigma rules over files of evidence or over stored events, one JSON line per detection.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
    sync::Arc,
};

use anyhow::Result;
use fansipan_collector::Normalizer;
use fansipan_model::{Event, Said, json, said, told::reader};
use fansipan_rules::{RuleIndex, RuleSet, Scratch, Severity};
use indicatif::{ProgressBar, ProgressStyle};

use super::{client, correlated::Correlated, evidence, rules, watched::Watched};
use crate::{
    Fault, Outcome,
    args::{Cli, HuntArgs},
    inputs, output, told,
};

pub(super) async fn hunt(cli: &Cli, args: &HuntArgs) -> Result<Outcome> {
    match &args.since {
        Some(since) => stored(cli, args, since).await,
        None => files(cli, args),
    }
}

/// The appliance hunts through what it has stored; its lines are printed as they come.
async fn stored(cli: &Cli, args: &HuntArgs, since: &str) -> Result<Outcome> {
    let mut request = serde_json::json!({"since": since, "level": args.level});
    if !args.rules.is_empty() {
        let mut rules = Vec::new();
        for found in inputs::rule_files(&args.rules) {
            let (path, text) = match found.and_then(|path| rules::read(&path).map_err(|e| (path.clone(), e)).map(|text| (path, text))) {
                Ok(read) => read,
                Err((path, error)) => anyhow::bail!(Fault::UnreadRule { path: path.display().to_string(), why: reader(error) }),
            };
            rules.push(serde_json::json!({"name": path.display().to_string(), "text": text}));
        }
        anyhow::ensure!(!rules.is_empty(), Fault::NoRule { place: rules::places(&args.rules) });
        request["rules"] = rules.into();
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut last = None;
    client(cli)?
        .lines("/hunt", &request, |line| {
            // one line behind: the last one is the summary
            if let Some(line) = last.replace(line.to_vec()) {
                out.write_all(&output::harmless_json(&line))?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
        .await?;
    out.flush()?;
    let end: serde_json::Value = serde_json::from_slice(&last.unwrap_or_default()).unwrap_or_default();
    let count = |key: &str| end.get(key).and_then(serde_json::Value::as_u64);
    let (Some(rules), Some(examined), Some(detections)) = (count("rules"), count("examined"), count("detections")) else {
        anyhow::bail!(Fault::BrokeOff);
    };
    if let Some(en) = end.get("error").and_then(serde_json::Value::as_str) {
        let vi = end.get("error_vi").and_then(serde_json::Value::as_str).unwrap_or(en);
        anyhow::bail!(Fault::HuntBrokeOff { why: Said { en: en.to_owned(), vi: vi.to_owned() } });
    }
    for d in end.get("diagnostics").and_then(serde_json::Value::as_array).into_iter().flatten() {
        tracing::error!("{}", rules::found(cli, d, &output::cell(d, "file")));
    }
    let told = said!(
        "{rules} rules, {examined} stored events looked at, {detections} detections",
        "{rules} luật, đã xét {examined} sự kiện đã lưu, {detections} phát hiện"
    );
    tracing::info!("{}", cli.say(&told));
    Ok(Outcome::Done)
}

fn files(cli: &Cli, args: &HuntArgs) -> Result<Outcome> {
    let loaded = rules::load_through(cli, &args.rules, &args.pipeline, |rule| args.level.is_none_or(|least| rule.meta.level >= least))?;
    rules::report(cli, &loaded, Severity::Error);
    anyhow::ensure!(!loaded.set.is_empty(), Fault::NoRule { place: rules::places(&args.rules) });
    let (rules, read) = (loaded.set.len(), loaded.files);
    tracing::info!("{}", cli.say(&said!("{rules} rules from {read} files", "{rules} luật từ {read} tệp")));
    let set = Arc::new(loaded.set);
    let normalizer = evidence::normalizer()?;
    let files: Vec<inputs::Found> = inputs::evidence_files(&args.inputs).collect();
    let bar = progress(files.len() as u64);
    let mut hunt = Hunt {
        set: &set,
        correlated: Correlated::new(&set),
        watched: Watched::new(),
        normalizer: &normalizer,
        scratch: Scratch::default(),
        matches: Vec::new(),
        line: Vec::new(),
        out: BufWriter::new(io::stdout().lock()),
        events: 0,
        detections: 0,
    };
    let mut unread = 0u64;
    for found in files {
        match found {
            Ok(path) => {
                bar.set_message(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
                if let Err(error) = hunt.file(&path) {
                    if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) {
                        return Err(error);
                    }
                    unread += 1;
                    let why = Said { en: told(&error, false), vi: told(&error, true) };
                    let fault = Fault::NotRead { path: path.display().to_string(), why };
                    bar.suspend(|| tracing::error!("{}", cli.say(&fault)));
                }
            }
            Err((path, error)) => {
                unread += 1;
                let fault = Fault::NotRead { path: path.display().to_string(), why: reader(error) };
                tracing::error!("{}", cli.say(&fault));
            }
        }
        bar.inc(1);
    }
    hunt.detections += hunt.correlated.finish(&mut hunt.out)?;
    hunt.detections += hunt.watched.detections(&mut hunt.out)?;
    hunt.out.flush()?;
    bar.finish_and_clear();
    let (events, detections) = (hunt.events, hunt.detections);
    tracing::info!("{}", cli.say(&said!("{events} events, {detections} detections", "{events} sự kiện, {detections} phát hiện")));
    Ok(if unread == 0 { Outcome::Done } else { Outcome::Negative })
}

fn progress(files: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(files).with_style(style) // draws on a terminal only
}

struct Hunt<'a, W: Write> {
    set: &'a RuleSet,
    correlated: Correlated,
    watched: Watched,
    normalizer: &'a Normalizer,
    scratch: Scratch,
    matches: Vec<RuleIndex>,
    line: Vec<u8>,
    out: W,
    events: u64,
    detections: u64,
}

impl<W: Write> Hunt<'_, W> {
    fn file(&mut self, path: &Path) -> Result<()> {
        let (input, normalizer): (Arc<str>, _) = (path.display().to_string().into(), self.normalizer);
        evidence::each_event(path, normalizer, |number, event| self.event(&input, number, event))
    }

    fn event(&mut self, input: &Arc<str>, record: u64, event: &Event) -> Result<()> {
        self.events += 1;
        self.matches.clear();
        self.set.evaluate(event, &mut self.scratch, &mut self.matches);
        self.correlated.take(input, record, event, &self.matches);
        self.watched.take(input, record, event);
        for &index in &self.matches {
            let rule = self.set.rule(index);
            if rule.correlated {
                continue; // its correlation speaks for it (Sigma correlation rules 2.1, `generate`)
            }
            let rule = &rule.reference;
            self.detections += 1;
            self.line.clear();
            let head = serde_json::json!({"rule.id": rule.id, "rule.title": rule.title, "rule.level": rule.level, "input": &**input, "record": record});
            self.line.extend_from_slice(head.to_string().trim_end_matches('}').as_bytes());
            self.line.extend_from_slice(b",\"event\":");
            json::write(event, &mut self.line);
            self.line.extend_from_slice(b"}\n");
            self.out.write_all(&output::harmless_json(&self.line))?;
        }
        Ok(())
    }
}
