//! `fansipan search`: the query language over stored events, printed as they are found.

use std::io::IsTerminal as _;

use anyhow::Result;
use fansipan_model::{Word, said};
use serde_json::Value;

use super::{client, items, list_of};
use crate::{
    Outcome,
    args::{Cli, SearchArgs},
    output, words,
};

/// Events asked for at first, and then at a time.
const FIRST: u64 = 20;
const PAGE: u64 = 500;

pub(super) async fn search(cli: &Cli, args: &SearchArgs) -> Result<Outcome> {
    let api = client(cli)?;
    if args.explain {
        return explain(cli, &api.get("/events/explain", &[("q", args.query.clone()), ("since", args.since.clone())]).await?);
    }
    let mut left = if args.limit == 0 { u64::MAX } else { args.limit };
    let mut after: Option<String> = None;
    // few at first: the first row is there as soon as something is found
    let mut page = FIRST;
    let mut columns = None;
    while left > 0 {
        let mut parameters = vec![("q", args.query.clone()), ("since", args.since.clone()), ("limit", left.min(page).to_string())];
        // nobody here asks how many there are
        parameters.push(("count", "false".to_owned()));
        parameters.extend(after.take().map(|cursor| ("after", cursor)));
        let answer = api.get("/events", &parameters).await?;
        if let Some(columns) = answer.get("columns").and_then(Value::as_array) {
            return print_table(cli, args, columns, &answer);
        }
        for event in items(&answer) {
            left = left.saturating_sub(1);
            if cli.json {
                output::json(event)?;
            } else {
                columns.get_or_insert_with(Columns::begin).print(cli, event)?;
            }
        }
        match answer.get("next").and_then(Value::as_str) {
            Some(next) if !items(&answer).is_empty() => after = Some(next.to_owned()),
            _ => break,
        }
        page = PAGE;
    }
    if columns.is_none() {
        found_nothing(cli, args);
    }
    Ok(Outcome::Done)
}

/// That the time looked through is short is the usual reason.
fn found_nothing(cli: &Cli, args: &SearchArgs) {
    let since = &args.since;
    let told = said!(
        "nothing fits within {since}; --since 30d looks further back",
        "không có gì khớp trong {since} qua; --since 30d sẽ tìm xa hơn"
    );
    if !cli.json {
        tracing::warn!("{}", cli.say(&told));
    }
}

fn explain(cli: &Cli, answer: &Value) -> Result<Outcome> {
    if cli.json {
        items(answer).iter().try_for_each(output::json)?;
        return Ok(Outcome::Done);
    }
    let text = |e: &Value, key: &str| e.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or_default();
    let decides = |e: &Value| match e.get("exact") {
        Some(Value::Bool(true)) => Word::new("the index", "chỉ mục"),
        _ => Word::new("each candidate read", "đọc từng ứng viên"),
    };
    let row = |e: &Value| {
        let mut row: Vec<String> = ["store", "index", "events", "candidates"].iter().map(|key| text(e, key)).collect();
        row.extend([cli.say(&decides(e)), text(e, "lowered"), output::text(cli, e, "why")]);
        row
    };
    let heads = [words::STORE, words::INDEX, words::EVENTS, words::CANDIDATES, words::DECIDED_BY, words::FILTER, words::WHY];
    output::table(cli, &heads, items(answer).iter().map(row))?;
    Ok(Outcome::Done)
}

/// Events as lines of columns, printed as they come: the widths are fixed beforehand.
struct Columns {
    /// Columns of a line; nothing is cut where the output is no terminal.
    width: Option<usize>,
    headed: bool,
}

impl Columns {
    fn begin() -> Self {
        let width = std::io::stdout().is_terminal().then(|| comfy_table::Table::new().width()).flatten().map(usize::from);
        Self { width, headed: false }
    }

    fn print(&mut self, cli: &Cli, event: &Value) -> std::io::Result<()> {
        if !std::mem::replace(&mut self.headed, true) {
            self.line([words::TIME, words::HOST, words::DATASET, words::MESSAGE].map(|word| output::head(cli, word)))?;
        }
        // flat ECS: dotted names are keys, not paths
        let text = |key: &str| event.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        let first = |keys: &[&str]| output::harmless(&keys.iter().find_map(|k| text(k)).unwrap_or_default()).into_owned();
        self.line([
            first(&["@timestamp"]),
            first(&["host.name", "observer.name", "fansipan.source"]),
            first(&["event.dataset", "event.kind"]),
            first(&["message", "event.original"]),
        ])
    }

    fn line(&self, [time, host, set, message]: [String; 4]) -> std::io::Result<()> {
        let line = format!("{time:<30}  {host:<20}  {set:<20}  {message}");
        output::line(&self.width.map_or_else(|| line.clone(), |width| line.chars().take(width).collect()))
    }
}

fn print_table(cli: &Cli, args: &SearchArgs, columns: &[Value], answer: &Value) -> Result<Outcome> {
    let names: Vec<&str> = columns.iter().filter_map(Value::as_str).collect();
    let rows = list_of(answer, "rows");
    if rows.is_empty() {
        found_nothing(cli, args);
    }
    if answer.get("complete").and_then(Value::as_bool) == Some(false) {
        let count = rows.len();
        let more = said!(
            "there is more than these {count} rows: narrow the query or the time, or ask for more with --limit",
            "còn nhiều hơn {count} dòng này: hãy thu hẹp câu truy vấn hoặc thời gian, hoặc lấy thêm bằng --limit"
        );
        tracing::warn!("{}", cli.say(&more));
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
        // names of fields, as they are written in the query
        let heads = names.iter().map(|name| (*name).to_owned());
        output::columns(heads, rows.iter().map(|row| cells(row).into_iter().map(text).collect()))?;
    }
    Ok(Outcome::Done)
}
