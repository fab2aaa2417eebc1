//! `fansipan alerts`: list, show, take, escalate, close.

use anyhow::Result;
use fansipan_model::said;
use serde_json::{Value, json};

use super::{client, items, list_of};
use crate::{
    Outcome,
    args::{AlertsArgs, AlertsVerb, Cli},
    client::Client,
    output, words,
};

pub(super) async fn alerts(cli: &Cli, args: &AlertsArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        AlertsVerb::List { status, level, rule, since, suppressed, limit } => {
            let mut parameters = vec![("status", status.clone()), ("suppressed", suppressed.clone())];
            parameters.extend(level.map(|l| ("level", l.as_str().to_owned())));
            parameters.extend(rule.clone().map(|r| ("rule", r)));
            parameters.extend(since.clone().map(|s| ("since", s)));
            list(cli, &api, parameters, *limit).await
        }
        AlertsVerb::Show { id } => show(cli, &api, id).await,
        AlertsVerb::Take { id } => {
            let version = api.get(&format!("/alerts/{id}"), &[]).await?.get("version").cloned().unwrap_or(Value::Null);
            let changed = api.post(&format!("/alerts/{id}/status"), &json!({"status": "acknowledged", "version": version})).await?;
            print_change(cli, id, &changed)
        }
        AlertsVerb::Next { level, rule } => next(cli, &api, *level, rule.as_deref()).await,
        AlertsVerb::Escalate { id } => {
            let incident = api.post(&format!("/alerts/{}/escalate", output::escape(id)), &json!({})).await?;
            if cli.json {
                output::json(&incident)?;
            } else {
                let id = output::cell(&incident, "id");
                output::say(cli, &said!("incident {id}", "sự cố {id}"))?;
            }
            Ok(Outcome::Done)
        }
        AlertsVerb::Undo { token } => {
            let done = api.post("/alerts/undo", &json!({ "token": token })).await?;
            if cli.json {
                output::json(&done)?;
            } else {
                let [restored, kept] = ["restored", "kept"].map(|path| output::cell(&done, path));
                let told = said!(
                    "{restored} alerts stand as before; {kept} were decided since and stay",
                    "{restored} cảnh báo trở lại như trước; {kept} cảnh báo đã có kết luận mới nên giữ nguyên"
                );
                output::say(cli, &told)?;
            }
            Ok(Outcome::Done)
        }
        AlertsVerb::Close { id, query, rule, dry_run, verdict, reason } => {
            let status = match verdict.as_str() {
                "true" => "true_positive",
                "false" => "false_positive",
                _ => "benign",
            };
            let Some(id) = id else {
                let filter = json!({ "q": query, "rule": rule });
                let decision = json!({ "filter": filter, "status": status, "reason": reason, "dry_run": dry_run });
                return close_many(cli, &api, &decision).await;
            };
            let version = api.get(&format!("/alerts/{id}"), &[]).await?.get("version").cloned().unwrap_or(Value::Null);
            let changed =
                api.post(&format!("/alerts/{id}/status"), &json!({"status": status, "reason": reason, "version": version})).await?;
            print_change(cli, id, &changed)
        }
    }
}

async fn next(cli: &Cli, api: &Client, level: Option<fansipan_model::Level>, rule: Option<&str>) -> Result<Outcome> {
    use fansipan_model::Level::{Critical, High, Informational, Low, Medium};
    let least = |least| [Informational, Low, Medium, High, Critical].into_iter().filter(move |l| *l >= least).map(|l| l.as_str());
    let levels = level.map(|l| least(l).collect::<Vec<_>>().join(","));
    let taken = api.post("/alerts/next", &json!({ "level": levels, "rule": rule })).await?;
    let alert = taken.get("alert").cloned().unwrap_or(Value::Null);
    if cli.json {
        output::json(&taken)?;
    } else if alert.is_null() {
        output::say(cli, &said!("no new alert is waiting", "không có cảnh báo mới nào đang chờ"))?;
    } else {
        return show(cli, api, &output::cell(&alert, "id")).await;
    }
    Ok(if alert.is_null() { Outcome::Negative } else { Outcome::Done })
}

async fn close_many(cli: &Cli, api: &Client, decision: &Value) -> Result<Outcome> {
    let done = api.post("/alerts/bulk", decision).await?;
    let [changed, token] = ["changed", "token"].map(|path| output::cell(&done, path));
    if cli.json {
        output::json(&done)?;
    } else if token.is_empty() {
        output::say(cli, &said!("{changed} alerts fit; nothing was changed", "{changed} cảnh báo khớp; chưa thay đổi gì"))?;
    } else {
        let told = said!(
            "{changed} alerts closed; to take it back: fansipan alerts undo {token}",
            "đã đóng {changed} cảnh báo; hoàn tác bằng: fansipan alerts undo {token}"
        );
        output::say(cli, &told)?;
    }
    Ok(Outcome::Done)
}

async fn list(cli: &Cli, api: &Client, mut parameters: Vec<(&'static str, String)>, limit: u64) -> Result<Outcome> {
    let mut left = limit;
    let mut rows = Vec::new();
    while left > 0 {
        let mut page = parameters.clone();
        page.push(("limit", left.min(200).to_string()));
        let answer = api.get("/alerts", &page).await?;
        for alert in items(&answer) {
            left = left.saturating_sub(1);
            if cli.json {
                output::json(alert)?;
            } else {
                rows.push(row(cli, alert));
            }
        }
        match answer.get("next").and_then(Value::as_str) {
            Some(next) if !items(&answer).is_empty() => {
                parameters.retain(|(key, _)| *key != "after");
                parameters.push(("after", next.to_owned()));
            }
            _ => break,
        }
    }
    if !cli.json {
        let heads = [words::LEVEL, words::LAST_SEEN, words::COUNT, words::RULE, words::ABOUT, words::STATUS, words::ID];
        output::table(cli, &heads, rows)?;
    }
    Ok(Outcome::Done)
}

fn row(cli: &Cli, alert: &Value) -> Vec<String> {
    let about: Vec<String> = alert
        .get("entities")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .take(3)
        .map(|e| output::cell(e, "value"))
        .collect();
    vec![
        output::cell(alert, "rule/level"),
        output::instant(alert, "last_seen"),
        output::cell(alert, "count"),
        output::text(cli, alert, "rule/title"),
        about.join(" "),
        output::cell(alert, "status"),
        output::cell(alert, "id"),
    ]
}

async fn show(cli: &Cli, api: &Client, id: &str) -> Result<Outcome> {
    let alert = api.get(&format!("/alerts/{id}"), &[]).await?;
    if cli.json {
        output::json(&alert)?;
        return Ok(Outcome::Done);
    }
    let cell = |path: &str| output::cell(&alert, path);
    for (label, text) in [
        (words::RULE, output::text(cli, &alert, "rule/title")),
        (words::LEVEL, cell("rule/level")),
        (words::STATUS, cell("status")),
        (words::HELD_BY, cell("assignee")),
        (words::SUPPRESSED, cell("suppressed")),
        (words::FIRST_SEEN, cell("first_seen")),
        (words::LAST_SEEN, cell("last_seen")),
        (words::EVENTS, cell("count")),
        (words::SUMMARY, cell("summary")),
        (words::ADVICE, output::text(cli, &alert, "rule/advice")),
    ] {
        output::field(cli, label, &text)?;
    }
    for (label, list) in [(words::ABOUT, "entities"), (words::MATCHED, "matched")] {
        for item in list_of(&alert, list) {
            output::field(cli, label, &format!("{} = {}", output::cell(item, "field"), output::cell(item, "value")))?;
        }
    }
    for event in list_of(&alert, "events") {
        let text = Some(output::cell(event, "event.original")).filter(|s| !s.is_empty()).unwrap_or_else(|| output::cell(event, "message"));
        output::field(cli, words::EVENT, &format!("{} {text}", output::cell(event, "@timestamp")))?;
    }
    Ok(Outcome::Done)
}

fn print_change(cli: &Cli, id: &str, changed: &Value) -> Result<Outcome> {
    if cli.json {
        output::json(changed)?;
    } else {
        output::line(&format!("{id}: {}", output::cell(changed, "status")))?;
    }
    Ok(Outcome::Done)
}
