//! `fansipan rules coverage`: which rules can fire on what arrives.

use anyhow::Result;
use serde_json::Value;

use super::super::client;
use crate::{Outcome, args::Cli, output};

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
    let missing = |r: &Value| {
        let names = r.get("missing").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        names.collect::<Vec<_>>().join(" ")
    };
    let dark = rules.iter().filter(|r| output::cell(r, "state") != "sees");
    let why = |r: &Value| if output::cell(r, "state") == "no_source" { "nothing of its log source arrives" } else { "never arrives:" };
    let rows: Vec<Vec<String>> = dark
        .map(|r| {
            let mut row = ["level", "title", "logsource"].map(|k| output::cell(r, k)).to_vec();
            row.push(format!("{} {}", why(r), missing(r)).trim_end().to_owned());
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
