//! Reads a playbook and checks everything that can be checked before it runs; every complaint names line and column.

use std::collections::BTreeMap;

use super::{Condition, END, Fault, Playbook, Step, facts};

/// Longest text, bytes.
const LONGEST: usize = 64 << 10;
/// Most steps.
const STEPS: usize = 64;

/// Reads a playbook.
///
/// # Errors
/// The first [`Fault`], with its place.
pub fn parse(text: &str, file: &str) -> Result<Playbook, Fault> {
    let fault = |line: usize, column: usize, message: String| Fault { file: file.to_owned(), line, column, message };
    if text.len() > LONGEST {
        return Err(fault(1, 1, format!("longer than {} KiB", LONGEST >> 10)));
    }
    let playbook: Playbook = yaml_serde::from_str(text).map_err(|e| {
        let (line, column) = e.location().map_or((1, 1), |l| (l.line(), l.column()));
        // the reader names where the mapping begins; what it quotes stands somewhere in there
        let quoted = e.to_string().split('`').nth(1).map(str::to_owned).unwrap_or_default();
        let (line, column) = find(text, &quoted, line).unwrap_or((line, column));
        fault(line, column, e.to_string())
    })?;
    check(&playbook).map_err(|(needle, message)| {
        let (line, column) = find(text, &needle, 1).unwrap_or((1, 1));
        fault(line, column, message)
    })?;
    Ok(playbook)
}

/// Where a text stands first from a line on; folded texts are found by their beginning.
fn find(text: &str, needle: &str, from: usize) -> Option<(usize, usize)> {
    let begin: String = needle.chars().take_while(|c| *c != '\n').take(40).collect();
    let lines = text.lines().enumerate().skip(from.saturating_sub(1));
    lines.filter(|_| !begin.is_empty()).find_map(|(number, line)| {
        let before = line.split(&begin).next().filter(|before| before.len() < line.len())?;
        Some((number + 1, before.chars().count() + 1))
    })
}

type Complaint = (String, String);

fn complain<T>(needle: &str, message: impl Into<String>) -> Result<T, Complaint> {
    Err((needle.to_owned(), message.into()))
}

fn check(playbook: &Playbook) -> Result<(), Complaint> {
    let name = |text: &str, more: u8| {
        !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == more)
    };
    if !name(&playbook.id, b'-') {
        return complain(&playbook.id, "`id` is small letters, digits and -");
    }
    if playbook.steps.is_empty() || playbook.steps.len() > STEPS {
        return complain("steps", format!("a playbook has 1 to {STEPS} steps"));
    }
    for text in [&playbook.title, &playbook.title_vi, &playbook.summary, &playbook.summary_vi] {
        if text.trim().is_empty() {
            return complain("title", "titles and summaries are needed in both languages");
        }
    }
    condition(&playbook.when, &[])?;
    let mut before: Vec<&str> = Vec::new();
    for (index, step) in playbook.steps.iter().enumerate() {
        let place = format!("id: {}", step.id);
        if !name(&step.id, b'_') || step.id == END {
            return complain(&place, "a step's `id` is small letters, digits and _, and not `end`");
        }
        if before.contains(&step.id.as_str()) {
            return complain(&place, format!("two steps are called `{}`", step.id));
        }
        if step.title.trim().is_empty() || step.title_vi.trim().is_empty() {
            return complain(&place, "a step's title is needed in both languages");
        }
        check_step(step, &place, &before, &playbook.steps[index + 1..])?;
        before.push(&step.id);
    }
    Ok(())
}

fn check_step(step: &Step, place: &str, before: &[&str], after: &[Step]) -> Result<(), Complaint> {
    let kinds = [step.action.is_some(), step.notify.is_some(), step.wait.is_some(), step.task.is_some(), step.branch.is_some()];
    if kinds.iter().filter(|k| **k).count() != 1 {
        return complain(place, format!("step `{}` must have exactly one of action, notify, wait, task, branch", step.id));
    }
    if let Some(text) = &step.condition {
        condition(text, before)?;
    }
    if let Some(task) = &step.task
        && (task.answers.is_empty() || task.answers.len() > 8 || task.advice.trim().is_empty() || task.advice_vi.trim().is_empty())
    {
        return complain(place, "a task needs advice in both languages and 1 to 8 answers");
    }
    for arm in step.branch.iter().flatten() {
        if let Some(text) = &arm.condition {
            condition(text, before)?;
        }
        if arm.to != END && !after.iter().any(|s| s.id == arm.to) {
            return complain(&format!("to: {}", arm.to), format!("`{}` is no later step; a branch goes forward, or to `end`", arm.to));
        }
    }
    Ok(())
}

fn condition(text: &str, steps: &[&str]) -> Result<(), Complaint> {
    let tried = Condition::new(text, steps).and_then(|compiled| {
        let empty = BTreeMap::new();
        compiled.try_out(&facts::context(&facts::sample(), steps, &empty, &empty)?)
    });
    tried.map_err(|message| (text.to_owned(), message))
}
