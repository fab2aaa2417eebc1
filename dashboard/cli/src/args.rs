//! What can be typed. Help texts are the manual; nothing here acts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

mod alerts;
mod events;
mod incidents;
mod people;
mod response;
mod rules;

pub use self::{
    alerts::{AlertsArgs, AlertsVerb, ExceptionScope, ExceptionsArgs, ExceptionsVerb},
    events::{EntityArgs, ExportArgs, HuntArgs, PacketsArgs, ParseArgs, PcapArgs, SearchArgs, VerifyArgs},
    incidents::{IncidentsArgs, IncidentsVerb},
    people::{LoginArgs, SessionsArgs, SessionsVerb, TokensArgs, TokensVerb, UsersArgs, UsersVerb, WallDevicesArgs, WallDevicesVerb},
    response::{ActArgs, ActVerb, AskArgs, PlaybooksArgs, PlaybooksVerb},
    rules::{RulesArgs, RulesVerb},
};

/// Security operations centre in one binary: collect, detect, find, respond, prove.
#[derive(Debug, Parser)]
#[command(name = "fansipan", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done · 1 the answer is no · 2 wrong usage or failure · 3 server unreachable · 4 not allowed")]
pub struct Cli {
    /// Where the appliance keeps its data
    #[arg(long, global = true, env = "FANSIPAN_DATA", value_name = "DIR", default_value = "/var/lib/fansipan", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,

    /// Configuration file [default: /etc/fansipan/fansipan.toml where it exists]
    #[arg(long, global = true, env = "FANSIPAN_CONFIG", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Appliance to speak to, as https://HOST:PORT [default: DATA/api.sock on this host]
    #[arg(long, global = true, env = "FANSIPAN_SERVER", value_name = "URL")]
    pub server: Option<String>,

    /// Access token for --server (better given in the environment)
    #[arg(long, global = true, env = "FANSIPAN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    /// Certificate authority that signed the server's certificate, PEM
    #[arg(long, global = true, env = "FANSIPAN_CA", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca: Option<PathBuf>,

    /// Appliance and token as kept by `fansipan login`
    #[arg(long, global = true, env = "FANSIPAN_PROFILE", value_name = "NAME", conflicts_with = "server")]
    pub profile: Option<String>,

    /// One JSON object per line instead of a table
    #[arg(long, global = true)]
    pub json: bool,

    /// Language of stories and of what is said: vi or en [default: vi; tui and wall: as the account has it]
    #[arg(long, global = true, env = "FANSIPAN_LANGUAGE", value_name = "LANGUAGE", value_parser = ["vi", "en"])]
    pub language: Option<String>,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Whether people are spoken to in Vietnamese.
    pub fn vietnamese(&self) -> bool {
        self.language.as_deref() != Some("en")
    }

    /// Something that has two languages, in that of the reader: a `Said`, a `Word`, a fault.
    pub fn say(&self, what: &impl std::fmt::Display) -> String {
        if self.vietnamese() { format!("{what:#}") } else { what.to_string() }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process: receive, detect, store, serve the console
    Run(RunArgs),
    /// One role of a distributed deployment: receive, and hand over to Kafka
    Collector,
    /// One role of a distributed deployment: detect; several instances share the work
    Analyzer,
    /// One role of a distributed deployment: store events in ClickHouse; several instances share the work
    Indexer,
    /// One role of a distributed deployment: keep alerts and people, serve API and web
    Console,
    /// Raw log records in, one flat ECS JSON object per line out
    Parse(ParseArgs),
    /// Packets of capture files in, one flat ECS JSON object per event out: flows, DNS, HTTP, TLS, QUIC and more
    Pcap(PcapArgs),
    /// Run Sigma rules over files: one JSON line per detection
    Hunt(HuntArgs),
    /// Search stored events: a filter, then pipes
    Search(SearchArgs),
    /// See and judge alerts
    Alerts(AlertsArgs),
    /// See and judge incidents: alerts that belong together
    Incidents(IncidentsArgs),
    /// See and decide what is held back: exceptions, suppressions, maintenance windows
    Exceptions(ExceptionsArgs),
    /// Everything about one host, address, account, hash or domain
    Entity(EntityArgs),
    /// Packets of an event or alert out of the packet ring, as a pcapng file with its SHA-256
    Packets(PacketsArgs),
    /// Check an evidence bundle: every byte, every hash, every proof; needs no appliance
    Verify(VerifyArgs),
    /// Write events, alerts, incidents or the audit trail out, without a limit of rows
    Export(ExportArgs),
    /// Act on devices: block, disable, notify; approve, undo, see whether it worked
    Act(ActArgs),
    /// Follow playbooks: what is done about an incident, step by step
    Playbooks(PlaybooksArgs),
    /// See which devices send, how well they are understood, and what was lost
    Sources(SourcesArgs),
    /// Check, try and list rules; write and switch rules of your own
    Rules(RulesArgs),
    /// Credentials for programs: log senders, scripts
    Tokens(TokensArgs),
    /// See and manage the people who may log in
    Users(UsersArgs),
    /// See who is logged in, and end it
    Sessions(SessionsArgs),
    /// Screens of the videowall: enrol and revoke
    WallDevices(WallDevicesArgs),
    /// The console in this terminal: wall, alert triage, incidents, search, sources; `?` shows its keys
    Tui(TuiArgs),
    /// Only the wall, in this terminal: for a screen nobody sits at
    Wall(TuiArgs),
    /// Keep an appliance's address, a token (standard input or FANSIPAN_TOKEN) and its certificate (--ca) under a name
    Login(LoginArgs),
    /// Check this host and the appliance, and say what to do about what is wrong
    Doctor(DoctorArgs),
    /// Say how many machines, cores and disks a rate of events needs
    Size(SizeArgs),
    /// Write the manual: a page for the program and one for each verb
    Man {
        /// Folder to write to, such as /usr/local/share/man/man1
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
    /// Print a shell completion script
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
}

/// `fansipan run`
#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    /// Also read records from standard input
    #[arg(long)]
    pub stdin: bool,
}

/// `fansipan tui`, `fansipan wall`
#[derive(Clone, Debug, Default, Args)]
pub struct TuiArgs {
    /// Begin with the alert queue
    #[arg(long)]
    pub alerts: bool,
    /// Colours for a terminal with a light background
    #[arg(long)]
    pub light: bool,
    /// Write everything that comes in to a new file, to replay it; it holds what the screen showed
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,
}

/// `fansipan size`
#[derive(Clone, Debug, Args)]
pub struct SizeArgs {
    /// Events per second, on average
    #[arg(long, default_value_t = 20_000.0, value_name = "N")]
    pub events_per_second: f64,
    /// How many times the average a peak is
    #[arg(long, default_value_t = 5.0, value_name = "TIMES")]
    pub peak: f64,
    /// Days that events are kept
    #[arg(long, default_value_t = 365.0, value_name = "DAYS")]
    pub days: f64,
    /// Bytes of a record as received, on average
    #[arg(long, default_value_t = 300.0, value_name = "BYTES")]
    pub bytes_per_record: f64,
}

/// `fansipan doctor`
#[derive(Clone, Debug, Default, Args)]
pub struct DoctorArgs {
    /// Also make what is missing: topics in Kafka
    #[arg(long)]
    pub fix: bool,
}

/// `fansipan sources`
#[derive(Debug, Args)]
pub struct SourcesArgs {
    /// Keep showing, anew every second
    #[arg(long)]
    pub watch: bool,
    /// What to do with a source; nothing: list them
    #[command(subcommand)]
    pub verb: Option<SourcesVerb>,
}

/// Verbs of `fansipan sources`
#[derive(Debug, Subcommand)]
pub enum SourcesVerb {
    /// List all sources
    List,
    /// Fix the format of a source
    Pin {
        /// Source id
        id: String,
        /// Format name
        format: String,
    },
    /// Let the format of a source be found by content again
    Unpin {
        /// Source id
        id: String,
    },
}

fn parse_level(word: &str) -> Result<fansipan_model::Level, String> {
    fansipan_model::Level::parse(word).ok_or_else(|| "one of informational, low, medium, high, critical".to_owned())
}
