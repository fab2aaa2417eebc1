//! What an incident leaves behind: lessons, the report of the law, the evidence bundle and its check.

use std::{
    fs::File,
    io::{BufReader, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use fansipan_evidence::{BundleFigures, verify as check};
use serde_json::{Value, json};

use super::{
    download::{as_json, draft, fetch, keep},
    incidents::list_of,
};
use crate::{
    Fault, Outcome,
    args::{Cli, VerifyArgs},
    client::Client,
    output,
};

/// Cause, times, proposals.
pub(super) async fn lessons(cli: &Cli, api: &Client, id: &str) -> Result<Outcome> {
    let learned = api.get(&format!("/incidents/{id}/lessons"), &[]).await?;
    if cli.json {
        output::json(&learned)?;
        return Ok(Outcome::Done);
    }
    let row = |label: &str, text: &str| output::line(&format!("{label:<14}{}", if text.is_empty() { "–" } else { text }));
    let category: Vec<String> = Some(output::cell(&learned, "category")).filter(|c| !c.is_empty()).into_iter().collect();
    row("Category", &output::harmless(&output::names(cli, &category).join("")))?;
    for (label, path) in [("Verdict", "verdict"), ("Root cause", "root_cause"), ("Lessons", "lessons")] {
        row(label, &output::harmless(&output::cell(&learned, path)))?;
    }
    row("Began", &output::instant(&learned, "times/began"))?;
    row("Detected", &output::instant(&learned, "times/detected"))?;
    let mean = |name: &str| format!("mean/{name}");
    for (label, name, has_mean) in [
        ("To detect", "detect_s", true),
        ("To triage", "triage_s", false),
        ("To contain", "contain_s", true),
        ("To recover", "recover_s", true),
        ("To close", "close_s", false),
    ] {
        let usual = if has_mean { span(&learned, &mean(name)) } else { String::new() };
        let usual = if usual.is_empty() { usual } else { format!(" (mean {usual})") };
        let took = span(&learned, &format!("times/{name}"));
        row(label, &if took.is_empty() { String::new() } else { format!("{took}{usual}") })?;
    }
    let [incidents, days, left_out] = ["mean/incidents", "mean/days", "mean/left_out"].map(|path| output::cell(&learned, path));
    let more = if left_out.is_empty() || left_out == "0" { String::new() } else { format!(" ({left_out} more were not looked at)") };
    row("", &format!("means over {incidents} incidents of {days} days{more}: to detect is MTTD, to recover is MTTR"))?;
    let text = if cli.vietnamese() { "text_vi" } else { "text" };
    for proposal in list_of(&learned, "proposals") {
        row("Proposal", &output::harmless(&output::cell(proposal, text)))?;
        row("", &format!("$ {}", output::harmless(&output::cell(proposal, "command"))))?;
    }
    Ok(Outcome::Done)
}

/// A span of seconds; nothing where there is none.
fn span(value: &Value, path: &str) -> String {
    let Ok(seconds) = output::cell(value, path).parse::<i64>() else { return String::new() };
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// The report of the law.
pub(super) async fn notify(cli: &Cli, api: &Client, id: &str, form: &str, format: &str, to: Option<&Path>) -> Result<Outcome> {
    let parameters = [("form", form.to_owned()), ("format", format.to_owned())];
    let filled = api.get(&format!("/incidents/{id}/notification"), &parameters).await?;
    let text = filled.get("text").and_then(Value::as_str).unwrap_or_default();
    match to {
        Some(path) => {
            let draft = draft(path)?;
            draft.as_file().write_all(text.as_bytes()).with_context(|| Fault::CannotWrite { path: path.display().to_string() })?;
            keep(draft, path)?;
        }
        None if cli.json => output::json(&filled)?,
        None => text.lines().try_for_each(|line| output::line(&output::harmless(line)))?,
    }
    let blanks = output::cell(&filled, "blanks");
    tracing::info!("places left for a person, who signs: {blanks}; hand the signed report in: fansipan incidents evidence {id} FILE");
    Ok(Outcome::Done)
}

/// The evidence bundle.
pub(super) async fn export(cli: &Cli, api: &Client, id: &str, to: Option<&Path>) -> Result<Outcome> {
    let plain: String = id.chars().filter(char::is_ascii_hexdigit).collect();
    let path = to.map_or_else(|| PathBuf::from(format!("fansipan-incident-{plain}.tar")), Path::to_owned);
    let from = format!("/incidents/{id}/bundle");
    let figures = fetch(api, &from, &[], "x-fansipan-bundle", &path, |f: &BundleFigures| &f.sha256).await?;
    if cli.json {
        as_json(&figures, &path)?;
        return Ok(Outcome::Done);
    }
    let BundleFigures { events, proven, files, fingerprint, .. } = figures;
    output::line(&format!("{events} events, {proven} proven by the log; {files} files handed in"))?;
    output::line(&format!("fingerprint {}", output::harmless(&fingerprint)))?;
    output::line(&format!("{}", path.display()))?;
    Ok(Outcome::Done)
}

/// Checks a bundle.
pub(super) fn verify(cli: &Cli, args: &VerifyArgs) -> Result<Outcome> {
    let failed = || Fault::NoBundle { path: args.file.display().to_string() };
    let file = File::open(&args.file).with_context(failed)?;
    let mut checked = check(BufReader::with_capacity(1 << 18, file)).with_context(failed)?;
    if args.fingerprint.as_ref().is_some_and(|f| !f.trim().eq_ignore_ascii_case(&checked.fingerprint)) {
        checked.findings.push("it is not the bundle of that fingerprint: somebody made it anew, or it is another one".to_owned());
    }
    let good = checked.findings.is_empty();
    let manifest = checked.manifest.as_ref();
    let (events, unproven) = manifest.map_or((0, 0), |m| (m.events, m.unproven.len()));
    if cli.json {
        let made = manifest.map(|m| &m.made);
        output::json(&json!({
            "good": good, "findings": checked.findings, "fingerprint": checked.fingerprint, "made": made, "events": events,
            "proven": checked.proven, "unproven": unproven, "files": checked.handed,
        }))?;
        return Ok(if good { Outcome::Done } else { Outcome::Negative });
    }
    if let Some(manifest) = manifest {
        let made = &manifest.made;
        let told = format!("incident {} of {}, made {} by {} ({})", made.incident, made.agency, made.at, made.by, made.program);
        output::line(&output::harmless(&told))?;
        for one in &manifest.unproven {
            output::line(&output::harmless(&format!("not proven: event {}: {}", one.event, one.why)))?;
        }
        for what in &manifest.left_out {
            output::line(&output::harmless(&format!("left out: {what}")))?;
        }
    }
    for finding in &checked.findings {
        output::line(&output::harmless(&format!("WRONG: {finding}")))?;
    }
    output::line(&format!("{} of {events} events proven, {} files as handed in", checked.proven, checked.handed))?;
    output::line(&format!("fingerprint {}", checked.fingerprint))?;
    output::line(if good { "nothing was changed" } else { "this is NOT what was handed out" })?;
    Ok(if good { Outcome::Done } else { Outcome::Negative })
}
