//! `fansipan rules coverage`: which rules can fire on what arrives, and which do.

use anyhow::Result;
use fansipan_model::{Said, attack, said};
use serde_json::Value;

use super::super::{client, list_of};
use crate::{Outcome, args::Cli, output, words};

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
        let rows = techniques.iter().map(|t| {
            let [id, rules, seeing] = ["technique", "rules", "seeing"].map(|k| output::cell(t, k));
            let name = attack::technique(&id).unwrap_or_default().to_owned();
            vec![id, name, rules, seeing]
        });
        output::table(cli, &[words::TECHNIQUE, words::NAME, words::RULES, words::CAN_FIRE], rows)?;
    }
    let dark = rules.iter().filter(|r| is_blind(r));
    let rows: Vec<Vec<String>> =
        dark.map(|r| vec![output::cell(r, "level"), output::text(cli, r, "title"), output::cell(r, "logsource"), why(cli, r)]).collect();
    let (count, all) = (rows.len(), list("rules").len());
    output::table(cli, &[words::LEVEL, words::BLIND_RULE, words::LOG_SOURCE, words::WHY], rows)?;
    let seen = techniques.iter().filter(|t| t.get("seeing").and_then(Value::as_u64) > Some(0)).count();
    let (techniques, sampled) = (techniques.len(), output::cell(&answer, "sampled"));
    let told = said!(
        "{count} of {all} rules are blind; {seen} of {techniques} techniques are watched; judged by {sampled} events since {since}",
        "{count}/{all} luật đang mù; canh được {seen}/{techniques} kỹ thuật; xét trên {sampled} sự kiện từ {since}"
    );
    output::say(cli, &told)?;
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
fn why(cli: &Cli, rule: &Value) -> String {
    let below = list_of(rule, "blind");
    if below.is_empty() {
        return cli.say(&reason(rule));
    }
    let each = below.iter().map(|b| format!("{} ({})", output::text(cli, b, "title"), cli.say(&reason(b))));
    let blind = each.collect::<Vec<_>>().join("; ");
    cli.say(&said!("it stands on blind rules: {blind}", "dựa vào các luật mù: {blind}"))
}

/// What a rule over single events does not get to see.
fn reason(rule: &Value) -> Said {
    let (source, missing) = (output::cell(rule, "logsource"), names(rule, "missing"));
    match output::cell(rule, "state").as_str() {
        "no_source" => said!("nothing of {source} arrives", "không có log {source}"),
        "no_fields" => said!("never arrives: {missing}", "thiếu trường {missing}"),
        _ => Said::default(),
    }
}
