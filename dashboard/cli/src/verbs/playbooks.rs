//! `fansipan playbooks`: list, start, follow, answer.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{client, items};
use crate::{
    Fault, Outcome,
    args::{Cli, PlaybooksArgs, PlaybooksVerb as Verb},
    client::Client,
    output,
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
        let fits = if output::cell(playbook, "fits") == "true" { "fits" } else { "" };
        let cells = ["id", "title_vi", "title", "group", "steps"].map(|path| output::cell(playbook, path));
        rows.push(std::iter::once(fits.to_owned()).chain(cells).collect());
    }
    if !cli.json {
        output::table(&["", "ID", "TITLE (VI)", "TITLE", "GROUP", "STEPS"], rows)?;
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
        let cells = ["state", "playbook", "task/title", "incident", "started/who", "id"].map(|path| output::cell(run, path));
        rows.push(cells.to_vec());
    }
    if !cli.json {
        output::table(&["STATE", "PLAYBOOK", "WAITS FOR", "INCIDENT", "STARTED BY", "ID"], rows)?;
    }
    Ok(Outcome::Done)
}

fn show(cli: &Cli, run: &Value) -> Result<Outcome> {
    if cli.json {
        output::json(run)?;
        return Ok(Outcome::Done);
    }
    let line = |label: &str, text: &str| -> Result<()> {
        if text.is_empty() { Ok(()) } else { Ok(output::line(&format!("{label:<11}{}", output::harmless(text)))?) }
    };
    line("Run", &output::cell(run, "id"))?;
    line("Playbook", &format!("{} ({})", output::cell(run, "title_vi"), output::cell(run, "playbook")))?;
    line("State", &output::cell(run, "state"))?;
    for step in run.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let [title, outcome, note] = ["title_vi", "outcome", "note"].map(|path| output::cell(step, path));
        let outcome = if outcome.is_empty() { "…".to_owned() } else { outcome };
        let note = if note.is_empty() { note } else { format!(" ({note})") };
        line("Step", &format!("{title}: {outcome}{note}"))?;
    }
    if let Some(task) = run.get("task").filter(|t| !t.is_null()) {
        line("Task", &output::cell(task, "title_vi"))?;
        line("", &output::cell(task, "advice_vi"))?;
        let answers = task.get("answers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        line("Answers", &answers.collect::<Vec<_>>().join(", "))?;
    }
    Ok(Outcome::Done)
}
