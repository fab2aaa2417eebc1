//! The workspace of an incident from the command line: stages, notes, tasks, evidence, timeline.

use std::path::Path;

use anyhow::{Context as _, Result};
use fansipan_model::{Said, said};
use serde_json::{Map, Value, json};

use super::list_of;
use crate::{Fault, Outcome, args::Cli, client::Client, output, words};

/// Leads an incident to another stage.
pub(super) async fn stage(cli: &Cli, api: &Client, id: &str, stage: &str, facts: &[String], reason: &str) -> Result<Outcome> {
    let mut given = Map::new();
    for fact in facts {
        let (field, text) = fact.split_once('=').with_context(|| Fault::NoFact { fact: fact.clone() })?;
        given.insert(field.to_owned(), text.into());
    }
    let version = api.get(&format!("/incidents/{id}/workspace"), &[]).await?.get("version").cloned().unwrap_or(Value::Null);
    let change = json!({ "stage": stage, "facts": given, "reason": reason, "version": version });
    let now = api.post(&format!("/incidents/{id}/stage"), &change).await?;
    if cli.json {
        output::json(&now)?;
        return Ok(Outcome::Done);
    }
    output::line(&format!("{id}: {}", output::cell(&now, "stage")))?;
    for clock in list_of(&now, "clocks") {
        let [stage, state, due] = ["stage", "state", "due"].map(|path| output::cell(clock, path));
        output::say(cli, &said!("  {stage:<11}{state:<9}until {due}", "  {stage:<11}{state:<9}đến {due}"))?;
    }
    Ok(Outcome::Done)
}

/// Puts something into the workspace.
pub(super) async fn add(cli: &Cli, api: &Client, id: &str, item: &Value) -> Result<Outcome> {
    told(cli, &api.post(&format!("/incidents/{id}/items"), item).await?)
}

/// Puts events into the timeline: those named, or those of search results on standard input.
pub(super) async fn add_events(cli: &Cli, api: &Client, id: &str, events: &[String]) -> Result<Outcome> {
    let mut named = Vec::new();
    for event in events {
        if event != "-" {
            named.push(event.clone());
            continue;
        }
        for line in std::io::stdin().lines() {
            let line = line.context(Fault::NotUtf8)?;
            let found: Option<Value> = serde_json::from_str(&line).ok();
            let event = found.as_ref().and_then(|e| e.get("event.id")).and_then(Value::as_str);
            let event = event.with_context(|| Fault::NoEvent { line: output::harmless(&line).into_owned() })?;
            named.push(event.to_owned());
        }
    }
    for event in named {
        add(cli, api, id, &json!({ "kind": "event", "event": event })).await?;
    }
    Ok(Outcome::Done)
}

fn told(cli: &Cli, made: &Value) -> Result<Outcome> {
    if cli.json {
        output::json(made)?;
    } else {
        output::line(&format!("{} {}", output::cell(made, "kind"), output::cell(made, "id")))?;
    }
    Ok(Outcome::Done)
}

/// Ticks a task off.
pub(super) async fn tick_off(cli: &Cli, api: &Client, id: &str, item: &str) -> Result<Outcome> {
    let space = api.get(&format!("/incidents/{id}/workspace"), &[]).await?;
    let known = list_of(&space, "items").iter().find(|i| output::cell(i, "id") == item && output::cell(i, "kind") == "task");
    let known = known.with_context(|| Fault::NoTask { item: item.to_owned(), incident: id.to_owned() })?;
    let mut task = known.get("body").and_then(Value::as_object).cloned().unwrap_or_default();
    task.insert("kind".into(), "task".into());
    task.insert("done".into(), true.into());
    let change = json!({ "item": task, "version": known.get("version") });
    told(cli, &api.post(&format!("/incidents/{id}/items/{item}"), &change).await?)
}

/// Hands in a file.
pub(super) async fn evidence(cli: &Cli, api: &Client, id: &str, file: &Path, comment: &str) -> Result<Outcome> {
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let made = api.upload(&format!("/incidents/{id}/evidence"), &[("name", name), ("comment", comment.to_owned())], file).await?;
    if cli.json {
        output::json(&made)?;
    } else {
        let [item, sha256] = ["id", "body/sha256"].map(|path| output::cell(&made, path));
        output::say(cli, &said!("evidence {item}", "chứng cứ {item}"))?;
        output::line(&format!("SHA-256  {sha256}"))?;
    }
    Ok(Outcome::Done)
}

/// How far the clock of an event's source is off.
fn skew(entry: &Value) -> Said {
    match entry.get("skew").and_then(Value::as_i64) {
        None => said!("not known", "chưa rõ"),
        Some(ns) if ns.abs() < 1_000_000 => said!("right", "đúng"),
        Some(ns) => Said::same(format!("{:+.3} s", ns as f64 / 1e9)),
    }
}

/// Everything that happened, in order.
pub(super) async fn timeline(cli: &Cli, api: &Client, id: &str) -> Result<Outcome> {
    let told = api.get(&format!("/incidents/{id}/timeline"), &[]).await?;
    let mut rows = Vec::new();
    for entry in list_of(&told, "entries") {
        if cli.json {
            output::json(entry)?;
            continue;
        }
        let [at, kind, who, id] = ["at", "kind", "who", "id"].map(|path| output::cell(entry, path));
        let clock = match kind.as_str() {
            "event" => cli.say(&skew(entry)),
            _ => String::new(), // of the centre's own clock
        };
        let what = output::text(cli, entry, "text");
        // the sentence of an alert begins with its instant, which stands in the first column
        let what = what.strip_prefix(&format!("{at} · ")).map_or_else(|| what.clone(), str::to_owned);
        rows.push(vec![at, clock, kind, who, what, id]);
    }
    if !cli.json {
        output::table(cli, &[words::AT_UTC, words::CLOCK, words::KIND, words::WHO, words::WHAT, words::ID], rows)?;
        if told.get("complete").and_then(Value::as_bool) == Some(false) {
            let more = said!(
                "not all of it: there are more events, alerts or decisions than a timeline tells",
                "chưa đủ: sự cố có nhiều sự kiện, cảnh báo hoặc quyết định hơn những gì nêu ở đây"
            );
            output::say(cli, &more)?;
        }
    }
    Ok(Outcome::Done)
}
