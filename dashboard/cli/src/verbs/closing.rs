//! What an incident leaves behind: lessons, the report of the law, the evidence bundle and its check.

use std::{
    fs::File,
    io::{self, BufReader, Write as _},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context as _, Result};
use fansipan_evidence::{BundleFigures, Made, verify as check};
use fansipan_model::{
    Said, said,
    told::{READERS, Sentences},
};
use serde_json::{Value, json};

use super::{
    download::{as_json, draft, fetch, keep},
    list_of,
};
use crate::{
    Fault, Outcome,
    args::{Cli, VerifyArgs},
    client::Client,
    output, words,
};

/// Cause, times, proposals.
pub(super) async fn lessons(cli: &Cli, api: &Client, id: &str) -> Result<Outcome> {
    let learned = api.get(&format!("/incidents/{id}/lessons"), &[]).await?;
    if cli.json {
        output::json(&learned)?;
        return Ok(Outcome::Done);
    }
    let category: Vec<String> = Some(output::cell(&learned, "category")).filter(|c| !c.is_empty()).into_iter().collect();
    for (label, text) in [
        (words::CATEGORY, output::names(cli, &category).join("")),
        (words::VERDICT, output::cell(&learned, "verdict")),
        (words::ROOT_CAUSE, output::cell(&learned, "root_cause")),
        (words::LESSONS, output::cell(&learned, "lessons")),
        (words::BEGAN, output::instant(&learned, "times/began")),
        (words::DETECTED, output::instant(&learned, "times/detected")),
    ] {
        output::field_or_dash(cli, label, &text)?;
    }
    times(cli, &learned)?;
    for proposal in list_of(&learned, "proposals") {
        output::field(cli, words::PROPOSAL, &output::text(cli, proposal, "text"))?;
        output::field(cli, output::BLANK, &format!("$ {}", output::cell(proposal, "command")))?;
    }
    Ok(Outcome::Done)
}

/// How long it took, beside how long it takes on average.
fn times(cli: &Cli, learned: &Value) -> io::Result<()> {
    for (label, name, has_mean) in [
        (words::TO_DETECT, "detect_s", true),
        (words::TO_TRIAGE, "triage_s", false),
        (words::TO_CONTAIN, "contain_s", true),
        (words::TO_RECOVER, "recover_s", true),
        (words::TO_CLOSE, "close_s", false),
    ] {
        let mean = span(learned, &format!("mean/{name}")).filter(|_| has_mean);
        let took = match (span(learned, &format!("times/{name}")), mean) {
            (Some(took), Some(mean)) => said!("{took} (mean {mean})", "{took:#} (trung bình {mean:#})"),
            (took, _) => took.unwrap_or_default(),
        };
        output::field_or_dash(cli, label, &cli.say(&took))?;
    }
    let [incidents, days, left_out] = ["mean/incidents", "mean/days", "mean/left_out"].map(|path| output::cell(learned, path));
    let more = match left_out.as_str() {
        "" | "0" => Said::default(),
        _ => said!(" ({left_out} more were not looked at)", " (còn {left_out} sự cố khác chưa được tính)"),
    };
    let basis = said!(
        "means over {incidents} incidents of {days} days{more}: to detect is MTTD, to recover is MTTR",
        "trung bình của {incidents} sự cố có thật trong {days} ngày qua{more:#}: đến lúc phát hiện là MTTD, đến lúc khôi phục là MTTR"
    );
    output::field(cli, output::BLANK, &cli.say(&basis))
}

/// A span of seconds, where there is one.
fn span(value: &Value, path: &str) -> Option<Said> {
    let seconds = output::cell(value, path).parse::<i64>().ok()?;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(match (hours, minutes) {
        (0, 0) => said!("{seconds} s", "{seconds} giây"),
        (0, _) => said!("{minutes} min {rest} s", "{minutes} phút {rest} giây"),
        _ => said!("{hours} h {minutes} min", "{hours} giờ {minutes} phút"),
    })
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
    let next = said!(
        "places left for a person, who signs: {blanks}; hand the signed report in: fansipan incidents evidence {id} FILE",
        "còn {blanks} chỗ để người có trách nhiệm điền rồi ký; nộp bản đã ký: fansipan incidents evidence {id} TỆP"
    );
    tracing::info!("{}", cli.say(&next));
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
    let held = said!(
        "{events} events, {proven} proven by the log; {files} files handed in",
        "{events} sự kiện, {proven} được nhật ký chứng minh; {files} tệp đã nộp"
    );
    output::say(cli, &held)?;
    output::say(cli, &said!("fingerprint {fingerprint}", "dấu vân tay {fingerprint}"))?;
    output::line(&format!("{}", path.display()))?;
    Ok(Outcome::Done)
}

/// Bundles, and their check, are in English: it is said in Vietnamese here.
const SENTENCES: &str = include_str!("closing.txt");

fn told(en: &str) -> Said {
    static READ: OnceLock<Sentences> = OnceLock::new();
    Said { vi: READ.get_or_init(|| Sentences::read(&[SENTENCES, READERS])).say(en).vi, en: en.to_owned() }
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
        let Made { incident, agency, at, by, program } = &manifest.made;
        let made = said!(
            "incident {incident} of {agency}, made {at} by {by} ({program})",
            "sự cố {incident} của {agency}, lập lúc {at} bởi {by} ({program})"
        );
        output::say(cli, &made)?;
        for one in &manifest.unproven {
            let (event, why) = (&one.event, told(&one.why));
            output::say(cli, &said!("not proven: event {event}: {why}", "chưa chứng minh được: sự kiện {event}: {why:#}"))?;
        }
        for what in &manifest.left_out {
            let what = told(what);
            output::say(cli, &said!("left out: {what}", "không đưa vào: {what:#}"))?;
        }
    }
    for finding in &checked.findings {
        let finding = told(finding);
        output::say(cli, &said!("WRONG: {finding}", "SAI: {finding:#}"))?;
    }
    let (proven, handed, fingerprint) = (checked.proven, checked.handed, &checked.fingerprint);
    let whole = said!(
        "{proven} of {events} events proven, {handed} files as handed in",
        "{proven} trên {events} sự kiện được chứng minh, {handed} tệp đúng như khi nộp"
    );
    output::say(cli, &whole)?;
    output::say(cli, &said!("fingerprint {fingerprint}", "dấu vân tay {fingerprint}"))?;
    let verdict = if good {
        said!("nothing was changed", "không có gì bị thay đổi")
    } else {
        said!("this is NOT what was handed out", "đây KHÔNG phải là gói đã giao")
    };
    output::say(cli, &verdict)?;
    Ok(if good { Outcome::Done } else { Outcome::Negative })
}

#[cfg(test)]
mod tests {
    use super::{READERS, SENTENCES, Sentences, told};

    #[test]
    fn what_is_wrong_with_a_bundle_is_said_in_vietnamese() {
        assert_eq!(Sentences::faults(&[SENTENCES, READERS]), Vec::<String>::new());
        for (en, vi) in [
            ("event 0198: its record is no event", "sự kiện 0198: bản ghi của nó không phải là sự kiện"),
            ("events.jsonl, line 3: event 0198 stands twice", "events.jsonl, dòng 3: sự kiện 0198 có hai lần"),
            ("manifest.json is missing", "thiếu manifest.json"),
            ("story.md is not as it was: SHA-256 aa instead of bb", "story.md không còn như trước: SHA-256 aa thay vì bb"),
            ("the file is damaged: it breaks off", "tệp bị hỏng: bị đứt giữa chừng"),
        ] {
            assert_eq!(told(en).vi, vi, "{en}");
        }
    }
}
