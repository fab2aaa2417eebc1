//! One module a verb; each turns arguments into calls and answers into lines.

use anyhow::Result;
use serde_json::Value;

use crate::{
    Outcome,
    args::{Cli, Command},
    client::{ApiError, Client},
    told,
};

mod act;
mod alerts;
mod closing;
mod correlated;
mod doctor;
mod download;
mod entity;
mod evidence;
mod exceptions;
mod export;
mod finding;
mod hunt;
mod incidents;
mod man;
mod packets;
mod parse;
mod pcap;
mod people;
mod playbooks;
mod rules;
mod search;
mod size;
mod sources;
mod tokens;
mod watched;
mod workspace;

pub use doctor::{BEHIND, ENOUGH, Finding, doctor};
pub use packets::{KeptPackets, keep_packets};

/// Carries out every verb but `run`, the roles and the terminal console, which the binary wires itself.
///
/// Errors: whatever the verb reports; an [`ApiError`] with an exit code of its own comes back as that [`Outcome`] after
/// its message was printed to standard error.
pub async fn execute(cli: &Cli) -> Result<Outcome> {
    let result = match &cli.command {
        Command::Parse(args) => parse::parse(args),
        Command::Pcap(args) => pcap::pcap(cli, args),
        Command::Hunt(args) => hunt::hunt(cli, args).await,
        Command::Rules(args) => rules::rules(cli, args).await,
        Command::Search(args) => search::search(cli, args).await,
        Command::Alerts(args) => alerts::alerts(cli, args).await,
        Command::Incidents(args) => incidents::incidents(cli, args).await,
        Command::Exceptions(args) => exceptions::exceptions(cli, args).await,
        Command::Entity(args) => entity::entity(cli, args).await,
        Command::Packets(args) => packets::packets(cli, args).await,
        Command::Verify(args) => closing::verify(cli, args),
        Command::Export(args) => export::export(cli, args).await,
        Command::Act(args) => act::act(cli, args).await,
        Command::Playbooks(args) => playbooks::playbooks(cli, args).await,
        Command::Sources(args) => sources::sources(cli, args).await,
        Command::Tokens(args) => tokens::tokens(cli, args).await,
        Command::Size(args) => size::size(cli, args),
        Command::Doctor(_) => doctor::doctor(cli, Vec::new()).await,
        Command::Users(args) => people::users(cli, args).await,
        Command::Sessions(args) => people::sessions(cli, args).await,
        Command::WallDevices(args) => people::walls(cli, args).await,
        Command::Login(args) => people::login(cli, args).await,
        Command::Man { dir } => man::man(cli, dir),
        Command::Completions { shell } => completions(*shell),
        Command::Tui(_)
        | Command::Wall(_)
        | Command::Run(_)
        | Command::Collector
        | Command::Analyzer
        | Command::Indexer
        | Command::Console => Ok(Outcome::Done),
    };
    match result {
        Err(error) => {
            if is_closed_pipe(&error) {
                return Ok(Outcome::Done); // `| head` has seen enough
            }
            let Some(outcome) = error.downcast_ref::<ApiError>().and_then(ApiError::outcome) else { return Err(error) };
            tracing::error!("{}", told(&error, cli.vietnamese()));
            Ok(outcome)
        }
        done => done,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|e| e.downcast_ref::<std::io::Error>()).any(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

fn completions(shell: clap_complete::Shell) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut <Cli as clap::CommandFactory>::command(), "fansipan", &mut script);
    crate::output::line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Outcome::Done)
}

/// The list under a name; empty where there is none.
fn list_of<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The API's list under `items`.
fn items(answer: &Value) -> &[Value] {
    list_of(answer, "items")
}

/// The texts of the list under a name.
fn texts(value: &Value, name: &str) -> Vec<String> {
    list_of(value, name).iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

/// A client, for verbs that need the appliance.
fn client(cli: &Cli) -> Result<Client> {
    Client::new(cli)
}
