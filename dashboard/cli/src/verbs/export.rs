//! `fansipan export`: everything that fits, as JSON lines, CSV or Parquet, in flat memory.

use std::io::{self, IsTerminal as _, Write};

use anyhow::{Context as _, Result};

use super::client;
use crate::{
    Fault, Outcome,
    args::{Cli, ExportArgs},
    client::Client,
    output::Harmless,
};

/// Writes everything that fits out.
pub(super) async fn export(cli: &Cli, args: &ExportArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.output {
        None if io::stdout().is_terminal() => {
            anyhow::ensure!(args.format != "parquet", Fault::ParquetToTerminal);
            write(&api, args, Harmless::new(io::stdout())).await?;
        }
        None => write(&api, args, io::stdout()).await?,
        Some(to) => {
            let failed = || Fault::CannotWrite { path: to.display().to_string() };
            let out = std::fs::File::create(to).with_context(failed)?;
            write(&api, args, &out).await.with_context(failed)?;
            out.sync_all().with_context(failed)?;
        }
    }
    Ok(Outcome::Done)
}

async fn write(api: &Client, args: &ExportArgs, out: impl Write + Send) -> Result<()> {
    let mut parameters = vec![("format", args.format.clone())];
    parameters.extend(args.query.clone().map(|q| ("q", q)));
    parameters.extend(args.since.clone().map(|s| ("since", s)));
    parameters.extend(args.columns.clone().map(|c| ("columns", c)));
    let mut out = io::BufWriter::new(out);
    api.download(&format!("/{}/export", args.what), &parameters, |piece| out.write_all(piece)).await?;
    Ok(out.flush()?)
}
