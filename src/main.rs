//! The `fansipan` binary: parses arguments, loads configuration, wires roles, shuts down; nothing else.

mod alerts;
mod appliance;
mod config;
mod content;
mod detection;
mod exceptions;
mod indexing;
mod intake;
mod kept;
mod lateness;
mod live;
mod logins;
mod memory;
mod packets;
mod process;
mod proofs;
mod response;
mod roles;
mod senders;
mod storing;
mod upkeep;

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use fansipan_cli::{Cli, Command, TuiArgs};
use tracing_subscriber::{EnvFilter, fmt};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("FANSIPAN_LOG").unwrap_or_else(|_| EnvFilter::new("info,tantivy=warn,hyper=warn,rustls=warn"));
    let colours = std::io::stderr().is_terminal();
    // whoever draws on the terminal would be drawn over
    let quiet = matches!(cli.command, Command::Tui(_) | Command::Wall(_));
    if !quiet {
        fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).with_target(false).init();
    }
    let provider_set = rustls::crypto::ring::default_provider().install_default();
    if provider_set.is_err() {
        tracing::debug!("a TLS provider was set before");
    }
    let result = match &cli.command {
        Command::Run(args) => appliance::run(&cli, args).map(|()| fansipan_cli::Outcome::Done),
        Command::Collector | Command::Analyzer | Command::Indexer | Command::Console => {
            roles::run(&cli).map(|()| fansipan_cli::Outcome::Done)
        }
        Command::Doctor(args) => doctor(&cli, args.fix),
        Command::Tui(args) => terminal(&cli, args, false),
        Command::Wall(args) => terminal(&cli, args, true),
        _ => runtime().and_then(|rt| rt.block_on(fansipan_cli::verbs::execute(&cli))),
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            let said = fansipan_cli::told(&error, cli.vietnamese());
            if quiet {
                let _ = writeln!(std::io::stderr(), "{said}");
            } else {
                tracing::error!("{said}");
            }
            ExitCode::from(2)
        }
    }
}

fn terminal(cli: &Cli, args: &TuiArgs, kiosk: bool) -> anyhow::Result<fansipan_cli::Outcome> {
    let options = fansipan_tui::Options {
        language: cli.language.as_deref().map(fansipan_tui::words::Language::of),
        kiosk,
        alerts: args.alerts,
        light: args.light,
        record: args.record.clone(),
    };
    fansipan_tui::run(fansipan_cli::client::Client::new(cli)?, &options).map(|()| fansipan_cli::Outcome::Done)
}

fn doctor(cli: &Cli, fix: bool) -> anyhow::Result<fansipan_cli::Outcome> {
    let config = config::load(cli.config.as_deref())?;
    runtime()?.block_on(async { fansipan_cli::verbs::doctor(cli, roles::topics::check(&config, fix).await).await })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
