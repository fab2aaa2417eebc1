//! `fansipan exceptions`: what is held back, by whom, why and until when.

use anyhow::Result;
use fansipan_model::said;
use serde_json::{Value, json};

use super::{client, items, list_of};
use crate::{
    Outcome,
    args::{Cli, ExceptionScope, ExceptionsArgs, ExceptionsVerb},
    client::Client,
    output, words,
};

pub(super) async fn exceptions(cli: &Cli, args: &ExceptionsArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        ExceptionsVerb::List { all } => list(cli, &api, *all).await,
        ExceptionsVerb::Show { id } => {
            let found = api.get(&format!("/exceptions/{id}"), &[]).await?;
            if cli.json {
                output::json(&found)?;
            } else {
                let versions = list_of(&found, "versions");
                table(cli, versions)?;
            }
            Ok(Outcome::Done)
        }
        ExceptionsVerb::Add { kind, scope, owner, reason, from, until } => {
            let mut body = about(scope);
            body["kind"] = json!(kind);
            body["owner"] = json!(owner);
            body["reason"] = json!(reason);
            body["from"] = json!(from);
            body["until"] = json!(until);
            kept(cli, &api.post("/exceptions", &body).await?)
        }
        ExceptionsVerb::Preview { scope, since } => preview(cli, &api, scope, since).await,
        ExceptionsVerb::Renew { id, until, reason } => change(cli, &api, id, json!({"until": until, "reason": reason})).await,
        ExceptionsVerb::End { id, reason } => change(cli, &api, id, json!({"until": "now", "reason": reason})).await,
    }
}

fn about(scope: &ExceptionScope) -> Value {
    json!({"rule": scope.rule, "filter": scope.filter, "agency": scope.agency})
}

async fn list(cli: &Cli, api: &Client, all: bool) -> Result<Outcome> {
    let answer = api.get("/exceptions", &[("all", all.to_string())]).await?;
    if cli.json {
        items(&answer).iter().try_for_each(output::json)?;
    } else {
        table(cli, items(&answer))?;
    }
    Ok(Outcome::Done)
}

fn table(cli: &Cli, list: &[Value]) -> Result<()> {
    let rows = list.iter().map(|e| {
        let mut row: Vec<String> = ["kind", "rule", "filter", "agency", "owner"].map(|k| output::cell(e, k)).to_vec();
        row.extend(["from", "until"].map(|k| output::instant(e, k)));
        row.extend(["reason", "id"].map(|k| output::cell(e, k)));
        row
    });
    let heads = [words::KIND, words::RULE, words::FILTER, words::AGENCY, words::OWNER, words::FROM, words::UNTIL, words::REASON, words::ID];
    Ok(output::table(cli, &heads, rows)?)
}

async fn preview(cli: &Cli, api: &Client, scope: &ExceptionScope, since: &str) -> Result<Outcome> {
    let mut body = about(scope);
    body["since"] = json!(since);
    let found = api.post("/exceptions/preview", &body).await?;
    if cli.json {
        output::json(&found)?;
        return Ok(Outcome::Done);
    }
    let [since, events, alerts, partly, genuine] =
        ["since", "events", "alerts", "partly", "true_positives"].map(|k| output::cell(&found, k));
    let told = said!(
        "since {since}: {events} events, {alerts} alerts would have been held back ({genuine} of them judged true), {partly} alerts in part",
        "từ {since}: sẽ giữ lại {events} sự kiện, {alerts} cảnh báo ({genuine} cảnh báo trong đó là tấn công thật), và một phần của {partly} cảnh báo"
    );
    output::say(cli, &told)?;
    if found.get("complete") == Some(&Value::Bool(false)) {
        let more = said!(
            "there is more than was looked at; narrow it down or look at fewer days",
            "còn nhiều hơn những gì đã xét; hãy thu hẹp lại hoặc xét ít ngày hơn"
        );
        tracing::warn!("{}", cli.say(&more));
    }
    for rule in list_of(&found, "rules") {
        let text = format!("{:>8}  {} ({})", output::cell(rule, "events"), output::cell(rule, "title"), output::cell(rule, "id"));
        output::line(&output::harmless(&text))?;
    }
    let rows = items(&found).iter().map(|a| {
        vec![
            output::cell(a, "rule/level"),
            output::instant(a, "last_seen"),
            output::cell(a, "count"),
            output::text(cli, a, "rule/title"),
            output::cell(a, "status"),
            output::cell(a, "id"),
        ]
    });
    output::table(cli, &[words::LEVEL, words::LAST_SEEN, words::COUNT, words::RULE, words::STATUS, words::ID], rows)?;
    Ok(Outcome::Done)
}

async fn change(cli: &Cli, api: &Client, id: &str, mut body: Value) -> Result<Outcome> {
    body["version"] = api.get(&format!("/exceptions/{id}"), &[]).await?.get("version").cloned().unwrap_or(Value::Null);
    kept(cli, &api.post(&format!("/exceptions/{id}"), &body).await?)
}

fn kept(cli: &Cli, exception: &Value) -> Result<Outcome> {
    if cli.json {
        output::json(exception)?;
    } else {
        let [id, from, until] = ["id", "from", "until"].map(|k| output::cell(exception, k));
        output::say(cli, &said!("{id}: from {from} until {until}", "{id}: từ {from} đến {until}"))?;
    }
    Ok(Outcome::Done)
}
