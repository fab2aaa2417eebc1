//! `fansipan search`: the query language over stored events, streamed page by page.

use anyhow::Result;
use serde_json::Value;

use super::{client, items};
use crate::{
    Outcome,
    args::{Cli, SearchArgs},
    output,
};

/// Events asked for at a time.
const PAGE: u64 = 500;

pub(super) async fn search(cli: &Cli, args: &SearchArgs) -> Result<Outcome> {
    let api = client(cli)?;
    if args.explain {
        return explain(cli, &api.get("/events/explain", &[("q", args.query.clone()), ("since", args.since.clone())]).await?);
    }
    let mut left = if args.limit == 0 { u64::MAX } else { args.limit };
    let mut after: Option<String> = None;
    let mut rows = Vec::new();
    while left > 0 {
        let mut parameters = vec![("q", args.query.clone()), ("since", args.since.clone()), ("limit", left.min(PAGE).to_string())];
        parameters.extend(after.take().map(|cursor| ("after", cursor)));
        let answer = api.get("/events", &parameters).await?;
        if let Some(columns) = answer.get("columns").and_then(Value::as_array) {
            return print_table(cli, columns, &answer);
        }
        for event in items(&answer) {
            left = left.saturating_sub(1);
            if cli.json {
                output::json(event)?;
            } else {
                rows.push(row(event));
            }
        }
        match answer.get("next").and_then(Value::as_str) {
            Some(next) if !items(&answer).is_empty() => after = Some(next.to_owned()),
            _ => break,
        }
        if rows.len() as u64 >= PAGE {
            output::table(HEADER, rows.drain(..))?; // stream: people see the first page while the next is fetched
        }
    }
    if !cli.json && !rows.is_empty() {
        output::table(HEADER, rows)?;
    }
    Ok(Outcome::Done)
}

fn explain(cli: &Cli, answer: &Value) -> Result<Outcome> {
    if cli.json {
        items(answer).iter().try_for_each(output::json)?;
        return Ok(Outcome::Done);
    }
    let text = |e: &Value, key: &str| e.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or_default();
    let decides = |e: &Value| if e.get("exact") == Some(&Value::Bool(true)) { "the index" } else { "each candidate read" };
    let row = |e: &Value| {
        let mut row: Vec<String> = ["store", "index", "events", "candidates"].iter().map(|key| text(e, key)).collect();
        row.extend([decides(e).to_owned(), text(e, "lowered"), text(e, "why")]);
        row
    };
    output::table(&["STORE", "INDEX", "EVENTS", "CANDIDATES", "DECIDED BY", "FILTER", "WHY"], items(answer).iter().map(row))?;
    Ok(Outcome::Done)
}

const HEADER: &[&str] = &["TIME", "HOST", "DATASET", "MESSAGE"];

fn row(event: &Value) -> Vec<String> {
    // flat ECS: dotted names are keys, not paths
    let text = |key: &str| event.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let first = |keys: &[&str]| keys.iter().find_map(|k| text(k)).unwrap_or_default();
    vec![
        first(&["@timestamp"]),
        first(&["host.name", "observer.name", "fansipan.source"]),
        first(&["event.dataset", "event.kind"]),
        first(&["message", "event.original"]),
    ]
}

fn print_table(cli: &Cli, columns: &[Value], answer: &Value) -> Result<Outcome> {
    let names: Vec<&str> = columns.iter().filter_map(Value::as_str).collect();
    let rows = answer.get("rows").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if answer.get("complete").and_then(Value::as_bool) == Some(false) {
        tracing::warn!("there is more than these {} rows: narrow the query or the time, or ask for more with --limit", rows.len());
    }
    let cells = |row: &Value| row.as_array().cloned().unwrap_or_default();
    if cli.json {
        for row in rows {
            let object = names.iter().map(|n| (*n).to_owned()).zip(cells(row)).collect::<serde_json::Map<_, _>>();
            output::json(&Value::Object(object))?;
        }
    } else {
        let text = |v: Value| match v {
            Value::String(s) => s,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        output::table(&names, rows.iter().map(|row| cells(row).into_iter().map(text).collect()))?;
    }
    Ok(Outcome::Done)
}
