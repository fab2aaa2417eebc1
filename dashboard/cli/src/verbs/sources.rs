//! `fansipan sources`: who sends, how well it is understood, what was refused.

use std::time::Duration;

use anyhow::Result;
use fansipan_model::{Word, said};
use serde_json::{Value, json};

use super::{client, items};
use crate::{
    Outcome,
    args::{Cli, SourcesArgs, SourcesVerb},
    client::Client,
    output, words,
};

pub(super) async fn sources(cli: &Cli, args: &SourcesArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        Some(SourcesVerb::Pin { id, format }) => pin(cli, &api, id, Some(format)).await,
        Some(SourcesVerb::Unpin { id }) => pin(cli, &api, id, None).await,
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

async fn pin(cli: &Cli, api: &Client, id: &str, format: Option<&str>) -> Result<Outcome> {
    api.post(&format!("/sources/{}/format", output::escape(id)), &json!({ "format": format })).await?;
    match format {
        Some(format) => output::line(&format!("{id}: {format}"))?,
        None => output::say(cli, &said!("{id}: found by content", "{id}: tự nhận dạng"))?,
    }
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
    let heads = [
        words::SOURCE,
        words::HOST,
        words::PRODUCT,
        words::SURE,
        words::LAST_SEEN,
        words::RECEIVED,
        words::KEPT,
        words::UNPARSED,
        words::REFUSED,
    ];
    output::table(cli, &heads, rows)?;
    sensors(cli, answer)
}

/// What the network sensor saw and lost, for each interface.
fn sensors(cli: &Cli, answer: &Value) -> Result<()> {
    let rows: Vec<Vec<String>> = items(answer)
        .iter()
        .filter_map(|s| s.get("packets").filter(|p| p.is_object()).map(|p| (s, p)))
        .map(|(source, packets)| {
            let mut row = vec![output::cell(source, "id"), cli.say(&state(packets)), coverage(packets)];
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
    let heads = [
        words::SENSOR,
        words::STATE,
        words::COVERAGE,
        words::PACKETS,
        words::KERNEL_DROPS,
        words::INTERFACE_DROPS,
        words::OWN_DROPS,
        words::NOT_RECORDED,
        words::FLOWS,
    ];
    output::table(cli, &heads, rows)?;
    Ok(())
}

/// Packets that are missing in the packet ring; `None`: there is none.
pub(super) fn ring_lost(packets: &Value) -> Option<u64> {
    let ring = packets.get("ring").filter(|r| r.is_object())?;
    Some(["dropped", "unwritten"].iter().filter_map(|name| ring.get(name).and_then(Value::as_u64)).sum())
}

/// Whether the interface is there.
pub(super) fn state(packets: &Value) -> Word {
    if packets.get("up").and_then(Value::as_bool) == Some(true) { Word::new("up", "hoạt động") } else { Word::new("DOWN", "NGẮT") }
}

/// The share of packets read; whole only where nothing at all was lost.
pub(super) fn coverage(packets: &Value) -> String {
    let share = packets.get("coverage").and_then(Value::as_f64).unwrap_or(0.0);
    format!("{:.3} %", (share * 100_000.0).floor() / 1000.0)
}
