//! `fansipan playbooks`: list, start, follow, answer.

use anyhow::{Context as _, Result};
use fansipan_model::Word;
use serde_json::{Value, json};

use super::{client, items};
use crate::{
    Fault, Outcome,
    args::{Cli, PlaybooksArgs, PlaybooksVerb as Verb},
    client::Client,
    output, words,
};

pub(super) async fn playbooks(cli: &Cli, args: &PlaybooksArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        Verb::List { incident } => list(cli, &api, incident.as_deref()).await,
        Verb::Show { id } => {
            let found = api.get(&format!("/playbooks/{}", output::escape(id)), &[]).await?;
            if cli.json {
                output::json(&found)?
            } else {
                text(&output::cell(&found, "text"))?
            }
            Ok(Outcome::Done)
        }
        Verb::Start { id, incident } => show(cli, &api.post("/runs", &json!({ "playbook": id, "incident": incident })).await?),
        Verb::Runs { state, incident } => runs(cli, &api, state, incident.as_deref()).await,
        Verb::Status { run } => show(cli, &api.get(&path(run), &[]).await?),
        Verb::Answer { run, answer, note } => {
            let found = api.get(&path(run), &[]).await?;
            let step = found.pointer("/task/step").and_then(Value::as_str).context(Fault::NoQuestion)?;
            let body = json!({ "answer": answer, "note": note });
            show(cli, &api.post(&format!("{}/tasks/{}", path(run), output::escape(step)), &body).await?)
        }
        Verb::Cancel { run, reason } => show(cli, &api.post(&format!("{}/cancel", path(run)), &json!({ "reason": reason })).await?),
    }
}

fn path(run: &str) -> String {
    format!("/runs/{}", output::escape(run))
}

fn text(text: &str) -> Result<()> {
    for line in text.lines() {
        output::line(&output::harmless(line))?;
    }
    Ok(())
}

async fn list(cli: &Cli, api: &Client, incident: Option<&str>) -> Result<Outcome> {
    let parameters: Vec<_> = incident.map(|i| ("incident", i.to_owned())).into_iter().collect();
    let answer = api.get("/playbooks", &parameters).await?;
    let mut found: Vec<&Value> = items(&answer).iter().collect();
    found.sort_by_key(|p| output::cell(p, "fits") != "true");
    let mut rows = Vec::new();
    for playbook in found {
        if cli.json {
            output::json(playbook)?;
            continue;
        }
        let fits = if output::cell(playbook, "fits") == "true" { Word::new("fits", "phù hợp") } else { output::BLANK };
        let [id, group, steps] = ["id", "group", "steps"].map(|path| output::cell(playbook, path));
        rows.push(vec![cli.say(&fits), id, output::text(cli, playbook, "title"), group, steps]);
    }
    if !cli.json {
        output::table(cli, &[output::BLANK, words::ID, words::TITLE, words::GROUP, words::STEPS], rows)?;
        let (member, refused) = if cli.vietnamese() { ("refused_vi", "bị từ chối") } else { ("refused", "refused") };
        for why in answer.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            output::line(&output::harmless(&format!("{refused}: {why}")))?;
        }
    }
    Ok(Outcome::Done)
}

async fn runs(cli: &Cli, api: &Client, state: &str, incident: Option<&str>) -> Result<Outcome> {
    let mut parameters = vec![("state", state.to_owned())];
    parameters.extend(incident.map(|i| ("incident", i.to_owned())));
    let answer = api.get("/runs", &parameters).await?;
    let mut rows = Vec::new();
    for run in items(&answer) {
        if cli.json {
            output::json(run)?;
            continue;
        }
        let [state, playbook, incident, who, id] =
            ["state", "playbook", "incident", "started/who", "id"].map(|path| output::cell(run, path));
        rows.push(vec![state, playbook, output::text(cli, run, "task/title"), incident, who, id]);
    }
    if !cli.json {
        let heads = [words::STATE, words::PLAYBOOK, words::WAITS_FOR, words::INCIDENT, words::STARTED_BY, words::ID];
        output::table(cli, &heads, rows)?;
    }
    Ok(Outcome::Done)
}

fn show(cli: &Cli, run: &Value) -> Result<Outcome> {
    if cli.json {
        output::json(run)?;
        return Ok(Outcome::Done);
    }
    output::field(cli, words::RUN, &output::cell(run, "id"))?;
    let playbook = format!("{} ({})", output::text(cli, run, "title"), output::cell(run, "playbook"));
    output::field(cli, words::PLAYBOOK, &playbook)?;
    output::field(cli, words::STATE, &output::cell(run, "state"))?;
    for step in run.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let [title, note] = ["title", "note"].map(|path| output::text(cli, step, path));
        let outcome = Some(output::cell(step, "outcome")).filter(|o| !o.is_empty()).unwrap_or_else(|| "…".to_owned());
        let note = if note.is_empty() { note } else { format!(" ({note})") };
        output::field(cli, words::STEP, &format!("{title}: {outcome}{note}"))?;
    }
    if let Some(task) = run.get("task").filter(|t| !t.is_null()) {
        output::field(cli, words::TASK, &output::text(cli, task, "title"))?;
        output::field(cli, output::BLANK, &output::text(cli, task, "advice"))?;
        let answers = task.get("answers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        output::field(cli, words::ANSWERS, &answers.collect::<Vec<_>>().join(", "))?;
    }
    Ok(Outcome::Done)
}
