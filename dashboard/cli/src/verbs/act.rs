//! `fansipan act`: ask for actions on devices, decide about them, see whether they worked.

use anyhow::Result;
use fansipan_model::{Said, Word, said};
use serde_json::{Value, json};

use super::{client, items, list_of, texts};
use crate::{
    Outcome,
    args::{ActArgs, ActVerb as Verb, AskArgs, Cli},
    client::Client,
    output, words,
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
        output::say(cli, &said!("dry run: nothing was done, nothing is kept", "chạy thử: chưa làm gì, chưa lưu gì"))?;
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
        row.push(output::text(cli, action, "verification/text"));
        row.push(output::cell(action, "id"));
        rows.push(row);
    }
    if !cli.json {
        let heads = [
            words::STATE,
            words::WHAT,
            words::TARGET,
            words::DEVICE,
            words::LEVEL,
            words::ASKED_BY,
            words::UNTIL,
            words::WORKED,
            words::ID,
        ];
        output::table(cli, &heads, rows)?;
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
        rows.push(vec![output::cell(device, "name"), texts(device, "does").join(", ")]);
    }
    if !cli.json {
        output::table(cli, &[words::DEVICE, words::DOES], rows)?;
    }
    Ok(Outcome::Done)
}

fn show(cli: &Cli, action: &Value) -> Result<Outcome> {
    if cli.json {
        output::json(action)?;
        return Ok(Outcome::Done);
    }
    let cell = |path: &str| output::cell(action, path);
    let [kind, target, device, level] = ["kind", "target", "device", "level"].map(cell);
    let what = said!("{kind} {target} on {device}", "{kind} {target} trên {device}");
    let level = match cell("two_person").as_str() {
        "true" => said!("{level}, needs a second person", "{level}, cần người thứ hai duyệt"),
        _ => Said::same(level),
    };
    for (label, text) in [
        (words::ACTION, cell("id")),
        (words::WHAT, cli.say(&what)),
        (words::LEVEL, cli.say(&level)),
        (words::STATE, cell("state")),
        (words::REASON, cell("reason")),
        (words::ASKED_BY, cell("requested/who")),
        (words::APPROVED, cell("approved/who")),
        (words::IN_FORCE, output::instant(action, "done")),
        (words::UNTIL, output::instant(action, "expires")),
        (words::ANSWER, output::text(cli, action, "answer")),
        (words::WORKED, output::text(cli, action, "verification/text")),
    ] {
        output::field(cli, label, &text)?;
    }
    for line in texts(action, "plan") {
        output::field(cli, words::PLAN, &line)?;
    }
    impact(cli, action)?;
    for entry in list_of(action, "journal") {
        let text = format!("{} {} {}", output::instant(entry, "at"), output::cell(entry, "who"), output::text(cli, entry, "text"));
        output::field(cli, words::JOURNAL, &text)?;
    }
    Ok(Outcome::Done)
}

fn impact(cli: &Cli, action: &Value) -> std::io::Result<()> {
    let Some(impact) = action.get("impact") else { return Ok(()) };
    let [known, events, days] = ["known", "events", "days"].map(|path| output::cell(impact, path));
    let whole = match known.as_str() {
        "true" => said!("{events} events in {days} days", "{events} sự kiện trong {days} ngày qua"),
        _ => said!("unknown: the events could not be read", "không rõ: không đọc được sự kiện"),
    };
    output::field(cli, words::IMPACT, &cli.say(&whole))?;
    let parts = [
        ("users", Word::new("accounts", "tài khoản")),
        ("hosts", Word::new("hosts", "máy")),
        ("peers", Word::new("other ends", "đầu bên kia")),
        ("services", Word::new("ports", "cổng đích")),
    ];
    for (name, title) in parts.into_iter().filter(|_| known == "true") {
        let seen = list_of(impact, name).iter().map(|s| format!("{} ({})", output::cell(s, "name"), output::cell(s, "count")));
        let seen: Vec<String> = seen.collect();
        if !seen.is_empty() {
            output::field(cli, output::BLANK, &format!("{}: {}", cli.say(&title), seen.join(", ")))?;
        }
    }
    Ok(())
}
