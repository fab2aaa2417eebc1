//! `fansipan sources`: who sends, how well it is understood, what was refused.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{client, items};
use crate::{
    Outcome,
    args::{Cli, SourcesArgs, SourcesVerb},
    client::Client,
    output,
};

pub(super) async fn sources(cli: &Cli, args: &SourcesArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        Some(SourcesVerb::Pin { id, format }) => pin(&api, id, Some(format)).await,
        Some(SourcesVerb::Unpin { id }) => pin(&api, id, None).await,
        None | Some(SourcesVerb::List) => loop {
            let answer = api.get("/sources", &[]).await?;
            if args.watch && !cli.json {
                output::line("\u{1b}[2J\u{1b}[H")?; // clear screen, cursor home
            }
            print(cli, &answer)?;
            if !args.watch {
                return Ok(Outcome::Done);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        },
    }
}

async fn pin(api: &Client, id: &str, format: Option<&str>) -> Result<Outcome> {
    api.post(&format!("/sources/{}/format", output::escape(id)), &json!({ "format": format })).await?;
    output::line(&format!("{id}: {}", format.unwrap_or("found by content")))?;
    Ok(Outcome::Done)
}

fn print(cli: &Cli, answer: &Value) -> Result<()> {
    if cli.json {
        for source in items(answer) {
            output::json(source)?;
        }
        return Ok(());
    }
    let rows = items(answer).iter().map(|s| {
        let counters = s.get("counters").unwrap_or(&Value::Null);
        let refused: u64 =
            counters.get("refused").and_then(Value::as_object).map_or(0, |reasons| reasons.values().filter_map(Value::as_u64).sum());
        let share = s.get("confidence").and_then(Value::as_f64).map_or(String::new(), |c| format!("{:.0} %", c * 100.0));
        vec![
            output::cell(s, "id"),
            output::cell(s, "host"),
            output::cell(s, "product"),
            share,
            output::instant(s, "last_seen"),
            output::cell(counters, "received"),
            output::cell(counters, "kept"),
            output::cell(counters, "unparsed"),
            refused.to_string(),
        ]
    });
    output::table(&["SOURCE", "HOST", "PRODUCT", "SURE", "LAST SEEN", "RECEIVED", "KEPT", "UNPARSED", "REFUSED"], rows)?;
    sensors(answer)
}

/// What the network sensor saw and lost, for each interface.
fn sensors(answer: &Value) -> Result<()> {
    let rows: Vec<Vec<String>> = items(answer)
        .iter()
        .filter_map(|s| s.get("packets").filter(|p| p.is_object()).map(|p| (s, p)))
        .map(|(source, packets)| {
            let mut row = vec![output::cell(source, "id"), state(packets).to_owned(), coverage(packets)];
            let columns = ["seen", "kernel_drops", "interface_drops", "own_drops", "flows"];
            row.extend(columns.iter().map(|name| output::cell(packets, name)));
            row.insert(row.len() - 1, ring_lost(packets).map_or_else(|| "-".to_owned(), |lost| lost.to_string()));
            row
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    output::line("")?;
    let head = ["SENSOR", "STATE", "COVERAGE", "PACKETS", "KERNEL DROPS", "INTERFACE DROPS", "OWN DROPS", "NOT RECORDED", "FLOWS"];
    output::table(&head, rows)?;
    Ok(())
}

/// Packets that are missing in the packet ring; `None`: there is none.
pub(super) fn ring_lost(packets: &Value) -> Option<u64> {
    let ring = packets.get("ring").filter(|r| r.is_object())?;
    Some(["dropped", "unwritten"].iter().filter_map(|name| ring.get(name).and_then(Value::as_u64)).sum())
}

/// Whether the interface is there.
pub(super) fn state(packets: &Value) -> &'static str {
    if packets.get("up").and_then(Value::as_bool) == Some(true) { "up" } else { "DOWN" }
}

/// The share of packets read; whole only where nothing at all was lost.
pub(super) fn coverage(packets: &Value) -> String {
    let share = packets.get("coverage").and_then(Value::as_f64).unwrap_or(0.0);
    format!("{:.3} %", (share * 100_000.0).floor() / 1000.0)
}
