//! `fansipan rules coverage`: which rules can fire on what arrives, and which do.

use std::collections::HashMap;

use anyhow::Result;
use serde_json::{Map, Value};

use super::super::client;
use crate::{Outcome, args::Cli, client::Client, output};

pub(super) async fn coverage(cli: &Cli, since: &str, blind: bool) -> Result<Outcome> {
    let answer = client(cli)?.get("/rules/coverage", &[("since", since.to_owned())]).await?;
    let list = |key: &str| answer.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let rules: Vec<Value> = list("rules").into_iter().filter(|r| !blind || output::cell(r, "state") != "sees").collect();
    if cli.json {
        rules.iter().try_for_each(output::json)?;
        return Ok(Outcome::Done);
    }
    let techniques = list("techniques");
    if !blind {
        let rows = techniques.iter().map(|t| ["technique", "rules", "seeing"].map(|k| output::cell(t, k)).to_vec());
        output::table(&["TECHNIQUE", "RULES", "CAN FIRE"], rows)?;
    }
    let dark = rules.iter().filter(|r| output::cell(r, "state") != "sees");
    let rows: Vec<Vec<String>> = dark
        .map(|r| {
            let mut row = ["level", "title", "logsource"].map(|k| output::cell(r, k)).to_vec();
            row.push(why(r));
            row
        })
        .collect();
    let count = rows.len();
    output::table(&["LEVEL", "BLIND RULE", "LOG SOURCE", "WHY"], rows)?;
    let seen = techniques.iter().filter(|t| t.get("seeing").and_then(Value::as_u64) > Some(0)).count();
    output::line(&format!(
        "{count} of {} rules are blind; {seen} of {} techniques are watched; judged by {} events since {since}",
        list("rules").len(),
        techniques.len(),
        output::cell(&answer, "sampled")
    ))?;
    Ok(Outcome::Done)
}

/// What arrives, by rule; empty where it could not be asked for.
pub(super) async fn known(api: &Client) -> HashMap<String, Value> {
    let answer = api.get("/rules/coverage", &[("since", "7d".to_owned())]).await.inspect_err(|error| {
        tracing::warn!("which rules can fire could not be asked: {error}");
    });
    let rules = answer.ok().and_then(|mut a| a.get_mut("rules").map(Value::take)).and_then(|r| match r {
        Value::Array(rules) => Some(rules),
        _ => None,
    });
    rules.into_iter().flatten().map(|r| (output::cell(&r, "id"), r)).collect()
}

/// How a rule stands, `off`, `alive`, `quiet`, `blind` or `unknown`, and why it is blind.
pub(super) fn stands(rule: &Map<String, Value>, known: &HashMap<String, Value>) -> (&'static str, String) {
    let sight = rule.get("id").and_then(Value::as_str).and_then(|id| known.get(id));
    match sight {
        _ if rule.get("enabled").and_then(Value::as_bool) == Some(false) => ("off", String::new()),
        None => ("unknown", String::new()),
        Some(s) if output::cell(s, "state") != "sees" => ("blind", why(s)),
        Some(s) if s.get("quiet").and_then(Value::as_bool) == Some(true) => ("quiet", why(s)),
        Some(s) => ("alive", why(s)),
    }
}

fn names(of: &Value, key: &str) -> String {
    let names = of.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    names.collect::<Vec<_>>().join(" ")
}

/// Why a rule is blind; of a correlation, which of its rules are.
fn why(rule: &Value) -> String {
    let reason = |of: &Value| match output::cell(of, "state").as_str() {
        "no_source" => format!("nothing of {} arrives", output::cell(of, "logsource")),
        "no_fields" => format!("never arrives: {}", names(of, "missing")),
        _ => String::new(),
    };
    let below = rule.get("blind").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if below.is_empty() {
        return reason(rule);
    }
    let blind: Vec<String> = below.iter().map(|b| format!("{} ({})", output::cell(b, "title"), reason(b))).collect();
    format!("it stands on blind rules: {}", blind.join("; "))
}
