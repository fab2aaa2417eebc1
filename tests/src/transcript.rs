//! Transcripts: what is typed at a shell and what comes back, as data.
//!
//! - `$ fansipan …` runs it against the appliance; a pipe, a redirection and quotes are the shell's. The lines below are its standard
//!   output; `? N` its exit code where that is not 0; `! TEXT` text that stands in its standard error.
//! - In an expected line `[..]` is any text, `[name]` any text without blanks that is remembered; `...` alone any number of lines.
//!   What is remembered replaces `{name}` in what is typed later.
//! - `~ $ fansipan …` runs it until it prints what is expected.
//! - `< TEXT` sends a syslog record; `{now}` in it is the time. `#` begins a comment.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::appliance::Appliance;

const PATIENCE: Duration = Duration::from_secs(40);

#[derive(Default)]
struct Step<'a> {
    command: &'a str,
    again: bool,
    lines: Vec<&'a str>,
    code: i32,
    said: Vec<&'a str>,
    number: usize,
}

/// Plays a transcript; `known` holds what was remembered before, and after.
pub fn play(appliance: &Appliance, text: &str, known: &mut BTreeMap<String, String>) -> Result<()> {
    let mut step: Option<Step<'_>> = None;
    for (number, line) in text.lines().enumerate() {
        let begins = line.strip_prefix("$ ").map(|c| (c, false)).or_else(|| line.strip_prefix("~ $ ").map(|c| (c, true)));
        if let Some((command, again)) = begins {
            finish(appliance, step.take(), known)?;
            step = Some(Step { command, again, number: number + 1, ..Step::default() });
        } else if let Some(record) = line.strip_prefix("< ") {
            finish(appliance, step.take(), known)?;
            let now = jiff::Timestamp::now().strftime("%b %e %H:%M:%S").to_string();
            let record = format!("{}\n", record.replace("{now}", &now));
            TcpStream::connect(("127.0.0.1", appliance.syslog))?.write_all(record.as_bytes())?;
        } else if line.starts_with('#') || line.is_empty() {
        } else if let Some(step) = &mut step {
            if let Some(code) = line.strip_prefix("? ") {
                step.code = code.trim().parse()?;
            } else if let Some(said) = line.strip_prefix("! ") {
                step.said.push(said);
            } else {
                step.lines.push(line);
            }
        } else {
            bail!("line {}: nothing was typed before it", number + 1);
        }
    }
    finish(appliance, step, known)
}

fn finish(appliance: &Appliance, step: Option<Step<'_>>, known: &mut BTreeMap<String, String>) -> Result<()> {
    let Some(step) = step else { return Ok(()) };
    let until = Instant::now() + PATIENCE;
    loop {
        match once(appliance, &step, known) {
            Err(_) if step.again && Instant::now() < until => std::thread::sleep(Duration::from_millis(100)),
            other => return other,
        }
    }
}

fn once(appliance: &Appliance, step: &Step<'_>, known: &mut BTreeMap<String, String>) -> Result<()> {
    let command = fill(step.command, known);
    let folder = Appliance::binary().parent().context("the binary's folder")?.display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    let out = Command::new("/bin/sh")
        .args(["-c", &command])
        .current_dir(appliance.dir())
        .env("PATH", path)
        .env("FANSIPAN_DATA", appliance.data())
        .output()?;
    let (shown, said) = (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned());
    let at = || format!("line {}: $ {command}\n{shown}{said}", step.number);
    if out.status.code() != Some(step.code) {
        bail!("{}\nexit code {:?}, expected {}", at(), out.status.code(), step.code);
    }
    if let Some(missing) = step.said.iter().find(|text| !said.contains(**text)) {
        bail!("{}\nstandard error lacks: {missing}", at());
    }
    let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let mut found = known.clone();
    let expected: Vec<String> = step.lines.iter().map(|line| fill(line, known)).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    if !fits(&expected, &lines, &mut found) {
        bail!("{}\nexpected:\n{}", at(), step.lines.join("\n"));
    }
    *known = found;
    Ok(())
}

/// The text with what is remembered in place of names.
fn fill(text: &str, known: &BTreeMap<String, String>) -> String {
    known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn fits(expected: &[&str], lines: &[&str], known: &mut BTreeMap<String, String>) -> bool {
    let Some((first, rest)) = expected.split_first() else { return lines.is_empty() };
    if *first == "..." {
        return (0..=lines.len()).any(|skip| {
            let mut tried = known.clone();
            let good = fits(rest, &lines[skip..], &mut tried);
            if good {
                *known = tried;
            }
            good
        });
    }
    let Some((line, later)) = lines.split_first() else { return false };
    let mut tried = known.clone();
    if line_fits(first, line, &mut tried) && fits(rest, later, &mut tried) {
        *known = tried;
        return true;
    }
    false
}

/// Whether a line is what the pattern says; blanks count as one.
fn line_fits(pattern: &str, line: &str, known: &mut BTreeMap<String, String>) -> bool {
    let pattern = pattern.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    piece_fits(&pattern, &line, known)
}

fn piece_fits(pattern: &str, line: &str, known: &mut BTreeMap<String, String>) -> bool {
    let hole = pattern.char_indices().find_map(|(at, c)| {
        let name = (c == '[').then(|| pattern[at + 1..].split(']').next()).flatten()?;
        (name == ".." || !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase())).then_some((at, name))
    });
    let Some((at, name)) = hole else { return pattern == line };
    let (before, after) = (&pattern[..at], &pattern[at + name.len() + 2..]);
    let Some(rest) = line.strip_prefix(before) else { return false };
    for end in rest.char_indices().map(|(i, _)| i).chain([rest.len()]) {
        let (taken, left) = rest.split_at(end);
        if name != ".." && (taken.contains(' ') || taken.is_empty()) {
            continue;
        }
        let mut tried = known.clone();
        if name != ".." {
            tried.insert(name.to_owned(), taken.to_owned());
        }
        if piece_fits(after, left, &mut tried) {
            *known = tried;
            return true;
        }
    }
    false
}
