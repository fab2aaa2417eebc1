//! `fansipan incidents`: list, show, and every decision about one.

use anyhow::Result;
use fansipan_model::said;
use serde_json::{Value, json};

use super::{client, closing, items, list_of, texts, workspace};
use crate::{
    Outcome,
    args::{Cli, IncidentsArgs, IncidentsVerb as Verb},
    client::Client,
    output, words,
};

pub(super) async fn incidents(cli: &Cli, args: &IncidentsArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        Verb::List { status, since, limit } => {
            let mut parameters = vec![("status", status.clone()), ("limit", limit.to_string())];
            parameters.extend(since.clone().map(|s| ("since", s)));
            list(cli, &api, &parameters).await
        }
        Verb::Show { id } => show(cli, &api, id).await,
        Verb::Take { id } => decide(cli, &api, id, json!({"act": "status", "status": "acknowledged"})).await,
        Verb::Close { id, verdict, reason } => {
            let status = match verdict.as_str() {
                "true" => "true_positive",
                "false" => "false_positive",
                _ => "benign",
            };
            decide(cli, &api, id, json!({"act": "status", "status": status, "reason": reason})).await
        }
        Verb::Stage { id, stage, facts, reason } => workspace::stage(cli, &api, id, stage, facts, reason).await,
        Verb::Note { id, text } => workspace::add(cli, &api, id, &json!({ "kind": "note", "text": text })).await,
        Verb::AddEvents { id, events } => workspace::add_events(cli, &api, id, events).await,
        Verb::Task { id, title, done: false, assignee } => {
            workspace::add(cli, &api, id, &json!({ "kind": "task", "title": title, "assignee": assignee })).await
        }
        Verb::Task { id, title: item, done: true, .. } => workspace::tick_off(cli, &api, id, item).await,
        Verb::Evidence { id, file, comment } => workspace::evidence(cli, &api, id, file, comment).await,
        Verb::Timeline { id } => workspace::timeline(cli, &api, id).await,
        Verb::Lessons { id } => closing::lessons(cli, &api, id).await,
        Verb::Notify { id, form, format, output } => closing::notify(cli, &api, id, form, format, output.as_deref()).await,
        Verb::Export { id, output } => closing::export(cli, &api, id, output.as_deref()).await,
        Verb::Merge { id, into } => decide(cli, &api, id, json!({"act": "merge", "into": into})).await,
        Verb::Unmerge { id } => decide(cli, &api, id, json!({"act": "unmerge"})).await,
        Verb::Split { id, alerts } => decide(cli, &api, id, json!({"act": "split", "alerts": alerts})).await,
        Verb::Detach { id, alert } => decide(cli, &api, id, json!({"act": "detach", "alert": alert})).await,
        Verb::Attach { id, alert } => decide(cli, &api, id, json!({"act": "attach", "alert": alert})).await,
    }
}

async fn list(cli: &Cli, api: &Client, parameters: &[(&'static str, String)]) -> Result<Outcome> {
    let answer = api.get("/incidents", parameters).await?;
    let mut rows = Vec::new();
    for incident in items(&answer) {
        if cli.json {
            output::json(incident)?;
            continue;
        }
        rows.push(vec![
            output::cell(incident, "level"),
            output::instant(incident, "last_seen"),
            output::cell(incident, "alerts"),
            output::cell(incident, "events"),
            output::text(cli, incident, "title"),
            output::names(cli, &texts(incident, "tactics")).join(" → "),
            output::cell(incident, "status"),
            output::cell(incident, "id"),
        ]);
    }
    if !cli.json {
        let heads = [words::LEVEL, words::LAST_SEEN, words::ALERTS, words::EVENTS, words::TITLE, words::TACTICS, words::STATUS, words::ID];
        output::table(cli, &heads, rows)?;
    }
    Ok(Outcome::Done)
}

async fn show(cli: &Cli, api: &Client, id: &str) -> Result<Outcome> {
    let incident = api.get(&format!("/incidents/{id}"), &[]).await?;
    if cli.json {
        output::json(&incident)?;
        return Ok(Outcome::Done);
    }
    let cell = |path: &str| output::cell(&incident, path);
    for (label, text) in [
        (words::TITLE, output::text(cli, &incident, "title")),
        (words::LEVEL, cell("level")),
        (words::GROUPS, output::names(cli, &texts(&incident, "groups")).join(", ")),
        (words::TACTICS, output::names(cli, &texts(&incident, "tactics")).join(" → ")),
        (words::STATUS, cell("status")),
        (words::HELD_BY, cell("assignee")),
        (words::FIRST_SEEN, cell("first_seen")),
        (words::LAST_SEEN, cell("last_seen")),
        (words::ALERTS, cell("alerts")),
        (words::EVENTS, cell("events")),
        (words::PART_OF, cell("merged_into")),
    ] {
        output::field(cli, label, &text)?;
    }
    // a line for each kind: an attack that tried a hundred accounts must not push the story away
    let mut about: Vec<(String, Vec<String>)> = Vec::new();
    for entity in list_of(&incident, "entities") {
        let [kind, value] = ["kind", "value"].map(|path| output::cell(entity, path));
        match about.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, values)) => values.push(value),
            None => about.push((kind, vec![value])),
        }
    }
    for (kind, values) in about {
        output::field(cli, words::ABOUT, &format!("{kind} {}", values.join(", ")))?;
    }
    for step in list_of(&incident, "story") {
        let alert = output::cell(step, "alert");
        output::field(cli, words::STEP, &output::text(cli, step, "text"))?;
        output::field(cli, output::BLANK, &cli.say(&said!("alert {alert}", "cảnh báo {alert}")))?;
    }
    Ok(Outcome::Done)
}

async fn decide(cli: &Cli, api: &Client, id: &str, mut decision: Value) -> Result<Outcome> {
    let version = api.get(&format!("/incidents/{id}"), &[]).await?.get("version").cloned().unwrap_or(Value::Null);
    if let Some(body) = decision.as_object_mut() {
        body.insert("version".to_owned(), version);
    }
    let changed = api.post(&format!("/incidents/{id}"), &decision).await?;
    if cli.json {
        output::json(&changed)?;
    } else {
        let [shown, status, alerts] = ["id", "status", "alerts"].map(|path| output::cell(&changed, path));
        output::say(cli, &said!("{shown}: {status}, {alerts} alerts", "{shown}: {status}, {alerts} cảnh báo"))?;
    }
    Ok(Outcome::Done)
}
