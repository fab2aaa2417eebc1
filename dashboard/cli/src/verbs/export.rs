//! `fansipan export`: everything that fits, as JSON lines, CSV or Parquet, in flat memory.

use std::io::{self, IsTerminal as _, Write};

use anyhow::{Context as _, Result};
use fansipan_model::field::{FieldId, FieldType};
use fansipan_parquet::{Kind, Rows};

use super::client;
use crate::{
    Outcome,
    args::{Cli, ExportArgs},
    client::Client,
    output::Harmless,
};

/// Columns of a Parquet file unless others are asked for: those of CSV.
const COLUMNS: [(&str, &str); 4] = [
    (
        "events",
        "@timestamp,event.id,fansipan.agency,event.dataset,event.action,event.outcome,host.name,user.name,source.ip,destination.ip,\
         destination.port,message",
    ),
    (
        "alerts",
        "id,agency,rule.id,rule.title,rule.title_vi,rule.level,status,assignee,raised,first_seen,last_seen,count,entities,summary,drill",
    ),
    (
        "incidents",
        "id,agency,title,title_vi,level,status,assignee,opened,first_seen,last_seen,alerts,events,groups,tactics,entities,drill,\
         merged_into",
    ),
    ("audit", "number,at,who,verb,object,agency,allowed,peer,details,hash"),
];

/// Writes everything that fits out.
pub(super) async fn export(cli: &Cli, args: &ExportArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.output {
        None if io::stdout().is_terminal() => {
            anyhow::ensure!(args.format != "parquet", "FSP-CLI-043: Parquet is nothing to look at: give -o FILE, or pipe it on");
            write(&api, args, Harmless::new(io::stdout())).await?;
        }
        None => write(&api, args, io::stdout()).await?,
        Some(to) => {
            let failed = || format!("FSP-CLI-032: cannot write {}", to.display());
            let out = std::fs::File::create(to).with_context(failed)?;
            write(&api, args, &out).await.with_context(failed)?;
            out.sync_all().with_context(failed)?;
        }
    }
    Ok(Outcome::Done)
}

async fn write(api: &Client, args: &ExportArgs, out: impl Write + Send) -> Result<()> {
    let parquet = args.format == "parquet";
    let mut parameters = vec![("format", if parquet { "jsonl" } else { args.format.as_str() }.to_owned())];
    parameters.extend(args.query.clone().map(|q| ("q", q)));
    parameters.extend(args.since.clone().map(|s| ("since", s)));
    parameters.extend(args.columns.clone().filter(|_| !parquet).map(|c| ("columns", c)));
    let path = format!("/{}/export", args.what);
    let mut out = io::BufWriter::new(out);
    if !parquet {
        api.download(&path, &parameters, |piece| out.write_all(piece)).await?;
        return Ok(out.flush()?);
    }
    let usual = COLUMNS.iter().find(|(what, _)| *what == args.what).map_or("", |(_, columns)| columns);
    let names = args.columns.as_deref().unwrap_or(usual).split(',').map(str::trim).filter(|n| !n.is_empty());
    let columns: Vec<(String, Kind)> = names.map(|name| (name.to_owned(), kind(&args.what, name))).collect();
    let mut rows = Rows::new(&mut out, &columns)?;
    let mut rest: Vec<u8> = Vec::new();
    let take = |piece: &[u8]| -> io::Result<()> {
        rest.extend_from_slice(piece);
        let Some(end) = rest.iter().rposition(|b| *b == b'\n') else { return Ok(()) };
        let tail = rest.split_off(end + 1);
        for line in std::mem::replace(&mut rest, tail).split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            rows.push(&serde_json::from_slice(line)?).map_err(io::Error::other)?;
        }
        Ok(())
    };
    api.download(&path, &parameters, take).await?;
    rows.finish()?;
    Ok(out.flush()?)
}

/// What a column holds.
fn kind(what: &str, name: &str) -> Kind {
    if what != "events" {
        return match name {
            "raised" | "first_seen" | "last_seen" | "opened" | "at" => Kind::Instant,
            "count" | "alerts" | "events" | "number" | "version" => Kind::Whole,
            "drill" | "allowed" => Kind::Flag,
            _ => Kind::Text,
        };
    }
    match FieldId::lookup(name).map(FieldId::kind) {
        Some(FieldType::Long) => Kind::Whole,
        Some(FieldType::Double) => Kind::Real,
        Some(FieldType::Boolean) => Kind::Flag,
        Some(FieldType::Date) => Kind::Instant,
        _ => Kind::Text,
    }
}
