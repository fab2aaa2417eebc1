//! `fansipan hunt`: Sigma rules over files of evidence, one JSON line per detection.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Write},
    path::Path,
};

use anyhow::{Context as _, Result};
use fansipan_collector::{Normalizer, Received, SourceState, Transport, decode::evtx, records::Records};
use fansipan_model::{Event, json};
use fansipan_rules::{RuleIndex, RuleSet, Scratch, Severity};
use indicatif::{ProgressBar, ProgressStyle};

use super::rules;
use crate::{Outcome, args::HuntArgs, inputs, output};

pub(super) fn hunt(args: &HuntArgs) -> Result<Outcome> {
    let loaded = rules::load(&args.rules, |rule| args.level.is_none_or(|least| rule.meta.level >= least))?;
    rules::report(&loaded, Severity::Error);
    anyhow::ensure!(!loaded.set.is_empty(), "FSP-CLI-021: no usable rule below {:?}", args.rules);
    tracing::info!("{} rules from {} files", loaded.set.len(), loaded.files);
    let normalizer =
        Normalizer::load_builtin().context("FSP-CLI-010: the built-in formats cannot be read; this is a fault of the program")?;
    let files: Vec<inputs::Found> = inputs::evidence_files(&args.inputs).collect();
    let bar = progress(files.len() as u64);
    let mut hunt = Hunt {
        set: &loaded.set,
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
                    bar.suspend(|| tracing::error!("FSP-CLI-022: {}: {error:#}; the other files go on", path.display()));
                }
            }
            Err((path, error)) => {
                unread += 1;
                tracing::error!("FSP-CLI-022: {}: {error}; the other files go on", path.display());
            }
        }
        bar.inc(1);
    }
    hunt.out.flush()?;
    bar.finish_and_clear();
    tracing::info!("{} events, {} detections", hunt.events, hunt.detections);
    Ok(if unread == 0 { Outcome::Done } else { Outcome::Negative })
}

fn progress(files: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(files).with_style(style) // draws on a terminal only
}

struct Hunt<'a, W: Write> {
    set: &'a RuleSet,
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
        let input = path.display().to_string();
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("evtx")) {
            let mut damaged = None;
            for record in evtx::open(path)?.records() {
                match record {
                    Ok((number, event)) => self.event(&input, number, &event)?,
                    Err(error) => damaged = Some(error), // the rest of the file goes on
                }
            }
            return damaged.map_or(Ok(()), |error| Err(error).context("part of it is damaged"));
        }
        let mut source = SourceState::default();
        let file = BufReader::new(File::open(path)?);
        let mut number = 0;
        for record in Records::new(file) {
            let record = record?;
            number += 1;
            let received = Received {
                raw: &record.bytes,
                peer: None,
                transport: Transport::File,
                tls_identity: None,
                at: output::now(),
                path: Some(&input),
            };
            let event = self.normalizer.normalize(&mut source, &received);
            self.event(&input, number, &event)?;
        }
        Ok(())
    }

    fn event(&mut self, input: &str, record: u64, event: &Event) -> Result<()> {
        self.events += 1;
        self.matches.clear();
        self.set.evaluate(event, &mut self.scratch, &mut self.matches);
        for &index in &self.matches {
            let rule = &self.set.rule(index).reference;
            self.detections += 1;
            self.line.clear();
            let head = serde_json::json!({"rule.id": rule.id, "rule.title": rule.title, "rule.level": rule.level, "input": input, "record": record});
            self.line.extend_from_slice(head.to_string().trim_end_matches('}').as_bytes());
            self.line.extend_from_slice(b",\"event\":");
            json::write(event, &mut self.line);
            self.line.extend_from_slice(b"}\n");
            self.out.write_all(&self.line)?;
        }
        Ok(())
    }
}
