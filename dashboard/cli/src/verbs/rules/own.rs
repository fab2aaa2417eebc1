//! `fansipan rules show|own|try|save|switch|history`: rules as the appliance keeps them, those of the centre's own first.

use std::{io::Read as _, path::Path};

use anyhow::{Context as _, Result};
use fansipan_model::{Said, Word, said};
use serde_json::{Value, json};

use super::{
    super::{client, items, list_of},
    read,
};
use crate::{Fault, Outcome, args::Cli, client::Client, output, words};

fn path(id: &str, more: &str) -> String {
    format!("/rules/{}{more}", output::escape(id))
}

/// The text of a rule file; `-`: of standard input.
fn text_of(file: &Path) -> Result<String> {
    if file != Path::new("-") {
        return read(file).with_context(|| Fault::NoRuleFile { path: file.display().to_string() });
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context(Fault::NotUtf8)?;
    Ok(text)
}

/// Where a rule stands, and its text.
pub(super) async fn show(cli: &Cli, id: &str) -> Result<Outcome> {
    let rule = client(cli)?.get(&path(id, ""), &[]).await?;
    if cli.json {
        output::json(&rule)?;
        return Ok(Outcome::Done);
    }
    let cell = |at: &str| output::cell(&rule, at);
    let when = |at: &str, word: Word| if cell(at) == "true" { word } else { output::BLANK };
    let [genuine, wrong, benign] = ["true_positive", "false_positive", "benign"].map(|v| cell(&format!("verdicts/{v}")));
    let verdicts = if genuine.is_empty() {
        Said::default()
    } else {
        said!("{genuine} true, {wrong} false, {benign} benign", "{genuine} thật, {wrong} nhầm, {benign} vô hại")
    };
    let noisy = Word::new("nearly all its alerts were judged to be nothing", "gần như mọi cảnh báo của nó là nhầm hoặc vô hại");
    for (label, text) in [
        (words::RULE, output::text(cli, &rule, "title")),
        (words::LEVEL, cell("level")),
        (words::IN_FORCE, cli.say(&if cell("enabled") == "true" { words::YES } else { words::NO })),
        (words::OWN, cli.say(&when("own", words::YES))),
        (words::NOISY, cli.say(&when("noisy", noisy))),
        (words::LOG_SOURCE, cell("logsource")),
        (words::MATCHES, cell("matches")),
        (words::LAST_MATCH, cell("last_match")),
        (words::VERDICTS, cli.say(&verdicts)),
        (words::FILE, cell("file")),
    ] {
        output::field(cli, label, &text)?;
    }
    output::line("")?;
    for line in rule.get("text").and_then(Value::as_str).unwrap_or_default().lines() {
        output::line(&output::harmless(line))?;
    }
    Ok(Outcome::Done)
}

fn versions(cli: &Cli, found: &[Value]) -> Result<Outcome> {
    let mut rows = Vec::new();
    for version in found {
        if cli.json {
            output::json(version)?;
            continue;
        }
        let what = match (output::cell(version, "enabled").as_str(), version.get("text").is_some_and(Value::is_string)) {
            ("true", true) => Word::new("own, on", "tự viết, bật"),
            ("true", false) => Word::new("on", "bật"),
            (_, true) => Word::new("own, off", "tự viết, tắt"),
            (_, false) => Word::new("off", "tắt"),
        };
        let [number, who, why, id] = ["version", "who", "why", "id"].map(|at| output::cell(version, at));
        rows.push(vec![number, output::instant(version, "at"), cli.say(&what), who, why, id]);
    }
    if !cli.json {
        output::table(cli, &[words::VERSION, words::AT, words::WHAT, words::WHO, words::WHY, words::ID], rows)?;
    }
    Ok(Outcome::Done)
}

/// Everything written or switched here.
pub(super) async fn list(cli: &Cli) -> Result<Outcome> {
    versions(cli, items(&client(cli)?.get("/rules/own", &[]).await?))
}

/// Who wrote or switched a rule.
pub(super) async fn history(cli: &Cli, id: &str) -> Result<Outcome> {
    versions(cli, list_of(&client(cli)?.get(&path(id, "/history"), &[]).await?, "versions"))
}

/// The version of a rule that is to be replaced; 0: nobody wrote or switched it before.
async fn seen(api: &Client, id: &str) -> Result<u64> {
    let known = api.get(&path(id, "/history"), &[]).await?;
    Ok(list_of(&known, "versions").first().and_then(|v| v.get("version")).and_then(Value::as_u64).unwrap_or(0))
}

/// Keeps a rule and puts it in force.
pub(super) async fn save(cli: &Cli, file: &Path, why: &str, enabled: bool) -> Result<Outcome> {
    let text = text_of(file)?;
    let (rules, _) = fansipan_rules::parse(&text, &file.display().to_string());
    let api = client(cli)?;
    // what cannot be read has no id; the appliance says what is wrong with it
    let version = match rules.first().map(|r| r.meta.id.clone()).filter(|id| !id.is_empty()) {
        Some(id) => seen(&api, &id).await?,
        None => 0,
    };
    kept(cli, &api.post("/rules/own", &json!({ "text": text, "why": why, "enabled": enabled, "version": version })).await?)
}

/// Switches a rule on or off.
pub(super) async fn switch(cli: &Cli, id: &str, enabled: bool, why: &str) -> Result<Outcome> {
    let api = client(cli)?;
    let version = seen(&api, id).await?;
    kept(cli, &api.post(&path(id, "/switch"), &json!({ "enabled": enabled, "why": why, "version": version })).await?)
}

fn kept(cli: &Cli, rule: &Value) -> Result<Outcome> {
    if cli.json {
        output::json(rule)?;
    } else {
        let [id, version] = ["id", "version"].map(|at| output::cell(rule, at));
        let stands = if output::cell(rule, "enabled") == "true" {
            Word::new("in force", "có hiệu lực")
        } else {
            Word::new("off", "đã tắt")
        };
        output::say(cli, &said!("{id}: version {version}, {stands}", "{id}: phiên bản {version}, {stands:#}"))?;
    }
    Ok(Outcome::Done)
}

/// What a rule would have said of stored events.
pub(super) async fn try_out(cli: &Cli, file: &Path, since: &str) -> Result<Outcome> {
    let text = text_of(file)?;
    let found = client(cli)?.post("/rules/test", &json!({ "text": text, "since": since })).await?;
    let clean = found.pointer("/lint/ok").and_then(Value::as_bool) == Some(true);
    if cli.json {
        output::json(&found)?;
        return Ok(if clean { Outcome::Done } else { Outcome::Negative });
    }
    for d in found.pointer("/lint/diagnostics").and_then(Value::as_array).into_iter().flatten() {
        tracing::warn!("{}", super::found(cli, d, &file.display().to_string()));
    }
    let [matches, examined, hosts, complete] = ["matches", "examined", "hosts", "complete"].map(|at| output::cell(&found, at));
    let whole = match complete.as_str() {
        "false" => {
            said!("; time ran out before all were looked at: shorten --since", "; hết thời gian trước khi xem hết: hãy rút ngắn --since")
        }
        _ => Said::default(),
    };
    let told = said!(
        "{matches} of {examined} events match, from {hosts} hosts{whole}",
        "{matches} trên {examined} sự kiện khớp, từ {hosts} máy{whole:#}"
    );
    output::say(cli, &told)?;
    for host in list_of(&found, "top_hosts") {
        output::line(&format!("  {:>8}  {}", output::cell(host, "count"), output::harmless(&output::cell(host, "value"))))?;
    }
    for id in list_of(&found, "sample").iter().filter_map(Value::as_str) {
        output::say(cli, &said!("event {id}", "sự kiện {id}"))?;
    }
    Ok(if clean { Outcome::Done } else { Outcome::Negative })
}
