//! `fansipan act`: ask for actions on devices, decide about them, see whether they worked.

use anyhow::Result;
use serde_json::{Value, json};

use super::{client, items};
use crate::{
    Outcome,
    args::{ActArgs, ActVerb as Verb, AskArgs, Cli},
    client::Client,
    output,
};

pub(super) async fn act(cli: &Cli, args: &ActArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        Verb::Block { target, ask } => self::ask(cli, &api, "block", target, ask, json!({})).await,
        Verb::Disable { account, ask } => self::ask(cli, &api, "disable", account, ask, json!({})).await,
        Verb::Notify { text, subject, ask } => self::ask(cli, &api, "notify", "", ask, json!({"text": text, "subject": subject})).await,
        Verb::Approve { id } => decide(cli, &api, id, "approve", "").await,
        Verb::Reject { id, reason } => decide(cli, &api, id, "reject", reason).await,
        Verb::Undo { id, reason } => decide(cli, &api, id, "undo", reason).await,
        Verb::ByHand { id, reason } => decide(cli, &api, id, "by-hand", reason).await,
        Verb::Status { id } => {
            let action = api.get(&format!("/actions/{}", output::escape(id)), &[]).await?;
            show(cli, &action)
        }
        Verb::List { state, incident, limit } => {
            let mut parameters = vec![("state", state.clone()), ("limit", limit.to_string())];
            parameters.extend(incident.clone().map(|i| ("incident", i)));
            list(cli, &api, &parameters).await
        }
        Verb::Devices => devices(cli, &api).await,
    }
}

async fn ask(cli: &Cli, api: &Client, kind: &str, target: &str, ask: &AskArgs, parameters: Value) -> Result<Outcome> {
    let body = json!({
        "kind": kind, "target": target, "device": ask.on, "for": ask.lasts, "reason": ask.reason, "incident": ask.incident,
        "agency": ask.agency, "dry_run": ask.dry_run, "parameters": parameters,
    });
    let action = api.post("/actions", &body).await?;
    if ask.dry_run && !cli.json {
        output::line("dry run: nothing was done, nothing is kept")?;
    }
    show(cli, &action)
}

async fn decide(cli: &Cli, api: &Client, id: &str, verb: &str, reason: &str) -> Result<Outcome> {
    let action = api.post(&format!("/actions/{}/{verb}", output::escape(id)), &json!({ "reason": reason })).await?;
    if cli.json {
        output::json(&action)?;
    } else {
        output::line(&format!("{}: {}", output::cell(&action, "id"), output::cell(&action, "state")))?;
    }
    Ok(Outcome::Done)
}

async fn list(cli: &Cli, api: &Client, parameters: &[(&'static str, String)]) -> Result<Outcome> {
    let answer = api.get("/actions", parameters).await?;
    let mut rows = Vec::new();
    for action in items(&answer) {
        if cli.json {
            output::json(action)?;
            continue;
        }
        let cells = ["state", "kind", "target", "device", "level"].map(|path| output::cell(action, path));
        let mut row = cells.to_vec();
        row.push(output::cell(action, "requested/who"));
        row.push(output::instant(action, "expires"));
        row.push(output::cell(action, "verification/text"));
        row.push(output::cell(action, "id"));
        rows.push(row);
    }
    if !cli.json {
        output::table(&["STATE", "WHAT", "TARGET", "DEVICE", "LEVEL", "ASKED BY", "UNTIL", "WORKED", "ID"], rows)?;
    }
    Ok(Outcome::Done)
}

async fn devices(cli: &Cli, api: &Client) -> Result<Outcome> {
    let answer = api.get("/actions/devices", &[]).await?;
    let mut rows = Vec::new();
    for device in items(&answer) {
        if cli.json {
            output::json(device)?;
            continue;
        }
        rows.push(vec![output::cell(device, "name"), words(device, "does").join(", ")]);
    }
    if !cli.json {
        output::table(&["DEVICE", "DOES"], rows)?;
    }
    Ok(Outcome::Done)
}

fn list_of<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn words(value: &Value, name: &str) -> Vec<String> {
    list_of(value, name).iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

fn label(label: &str, text: &str) -> Result<()> {
    if text.is_empty() { Ok(()) } else { Ok(output::line(&format!("{label:<11}{}", output::harmless(text)))?) }
}

fn show(cli: &Cli, action: &Value) -> Result<Outcome> {
    if cli.json {
        output::json(action)?;
        return Ok(Outcome::Done);
    }
    let cell = |path: &str| output::cell(action, path);
    let second = if cell("two_person") == "true" { ", needs a second person" } else { "" };
    label("Action", &cell("id"))?;
    label("What", &format!("{} {} on {}", cell("kind"), cell("target"), cell("device")))?;
    label("Level", &format!("{}{second}", cell("level")))?;
    label("State", &cell("state"))?;
    label("Reason", &cell("reason"))?;
    label("Asked by", &cell("requested/who"))?;
    label("Approved", &cell("approved/who"))?;
    label("In force", &output::instant(action, "done"))?;
    label("Until", &output::instant(action, "expires"))?;
    label("Device", &cell("answer"))?;
    label("Worked", &cell("verification/text"))?;
    for line in words(action, "plan") {
        label("Plan", &line)?;
    }
    impact(action)?;
    for entry in list_of(action, "journal") {
        label("Journal", &format!("{} {} {}", output::instant(entry, "at"), output::cell(entry, "who"), output::cell(entry, "text")))?;
    }
    Ok(Outcome::Done)
}

fn impact(action: &Value) -> Result<()> {
    let Some(impact) = action.get("impact") else { return Ok(()) };
    if output::cell(impact, "known") != "true" {
        return label("Who is hit", "unknown: the events could not be read");
    }
    label("Who is hit", &format!("{} events in {} days", output::cell(impact, "events"), output::cell(impact, "days")))?;
    for (name, title) in [("users", "accounts"), ("hosts", "hosts"), ("peers", "other ends"), ("services", "ports")] {
        let seen = list_of(impact, name).iter().map(|s| format!("{} ({})", output::cell(s, "name"), output::cell(s, "count")));
        let seen: Vec<String> = seen.collect();
        if !seen.is_empty() {
            label("", &format!("{title}: {}", seen.join(", ")))?;
        }
    }
    Ok(())
}
