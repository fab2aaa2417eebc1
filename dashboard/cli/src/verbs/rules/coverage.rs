//! `fansipan rules coverage`: which rules can fire on what arrives, and which do.

use anyhow::Result;
use serde_json::Value;

use super::super::client;
use crate::{Outcome, args::Cli, output};

pub(super) async fn coverage(cli: &Cli, since: &str, blind: bool) -> Result<Outcome> {
    let answer = client(cli)?.get("/rules/coverage", &[("since", since.to_owned())]).await?;
    let list = |key: &str| answer.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let rules: Vec<Value> = list("rules").into_iter().filter(|r| !blind || is_blind(r)).collect();
    if cli.json {
        rules.iter().try_for_each(output::json)?;
        return Ok(Outcome::Done);
    }
    let techniques = list("techniques");
    if !blind {
        let rows = techniques.iter().map(|t| ["technique", "rules", "seeing"].map(|k| output::cell(t, k)).to_vec());
        output::table(&["TECHNIQUE", "RULES", "CAN FIRE"], rows)?;
    }
    let dark = rules.iter().filter(|r| is_blind(r));
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

fn is_blind(rule: &Value) -> bool {
    output::cell(rule, "standing") == "blind"
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
