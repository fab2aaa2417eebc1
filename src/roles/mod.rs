//! The roles of a distributed deployment: the same parts as `fansipan run`, a process each, joined by Kafka.
//!
//! `collector` → events topic → `analyzer` (matching → keyed topic → keeping) → alerts topic → `console`; events topic →
//! `indexer` → event store. Each role answers `/healthz`, `/readyz` and `/metrics`, and ends what it has in hand when told to stop.

mod analyzer;
mod archive;
mod collector;
mod console;
mod control;
mod indexer;
mod keeping;
mod matching;
mod mirror;
mod node;
mod pace;
mod rings;
mod settings;
mod status;
pub(crate) mod topics;
mod wire;

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use fansipan_bus::kafka::Topics;
use fansipan_cli::{Cli, Command};
use fansipan_model::said;

use crate::{
    config::Config,
    process::{prepare, runtime},
};

pub(crate) use archive::ArchiveConfig;
pub(crate) use mirror::is_positions;

/// Runs the role that was asked for until it is told to stop.
pub(crate) fn run(cli: &Cli) -> Result<()> {
    let config = crate::config::load(cli.config.as_deref())?;
    config.kafka.check().with_context(|| said!("a single role needs Kafka", "chạy riêng một vai trò cần có Kafka"))?;
    let data = cli.data.as_path();
    prepare(data)?;
    runtime()?.block_on(async {
        topics_ready(&config).await?;
        serve(cli, config, data).await
    })
}

async fn serve(cli: &Cli, config: Config, data: &Path) -> Result<()> {
    match &cli.command {
        Command::Collector => collector::serve(config, data).await,
        Command::Analyzer => analyzer::serve(config, data).await,
        Command::Indexer => indexer::serve(config, data).await,
        Command::Console => console::serve(cli, config, data).await,
        _ => bail!("not a role"),
    }
}

/// Creates what is missing. Brokers that are away now may be there later: that is no reason not to start.
async fn topics_ready(config: &Config) -> Result<()> {
    let topics = Topics::new(&config.kafka)?;
    match tokio::time::timeout(Duration::from_secs(20), topics.create()).await {
        Ok(Ok(made)) if made.is_empty() => {}
        Ok(Ok(made)) => tracing::info!(topics = made.join(", "), "topics created"),
        Ok(Err(error)) => tracing::warn!(%error, "topics could not be looked at; the role goes on and tries to use them"),
        Err(_) => tracing::warn!("FSP-KFK-023: the brokers did not answer within 20 s; the role goes on and tries to reach them"),
    }
    Ok(())
}
