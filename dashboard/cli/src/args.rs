//! What can be typed. Help texts are the manual; nothing here acts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

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

    /// One JSON object per line instead of a table
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process: receive, detect, store, serve the console
    Run(RunArgs),
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
    /// See which devices send, how well they are understood, and what was lost
    Sources(SourcesArgs),
    /// Check rules
    Rules(RulesArgs),
    /// Credentials for programs: log senders, scripts
    Tokens(TokensArgs),
    /// Check this host and the appliance, and say what to do about what is wrong
    Doctor,
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

/// `fansipan parse`
#[derive(Debug, Args)]
pub struct ParseArgs {
    /// Format of the records: auto, or a name such as sshd, fortigate, windows
    #[arg(long, default_value = "auto", value_name = "NAME")]
    pub format: String,
    /// File to read; - or nothing: standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}

/// `fansipan pcap`
#[derive(Debug, Args)]
pub struct PcapArgs {
    /// Capture files: pcap or pcapng, plain or gzip
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
}

/// `fansipan hunt`
#[derive(Debug, Args)]
pub struct HuntArgs {
    /// Sigma rule files or folders (repeatable); with --since and without this: the rules the appliance runs
    #[arg(long, required_unless_present = "since", num_args = 1.., value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub rules: Vec<PathBuf>,
    /// Evidence: .evtx .json .ndjson .log files; folders are searched through
    #[arg(required_unless_present = "since", conflicts_with = "since", value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,
    /// Instead of evidence: events the appliance has stored, so far back (24h, 30d)
    #[arg(long, value_name = "SPAN")]
    pub since: Option<String>,
    /// Only rules of at least this level
    #[arg(long, value_name = "LEVEL", value_parser = parse_level)]
    pub level: Option<fansipan_model::Level>,
}

/// `fansipan search`
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// The query, such as 'source.ip:10.0.0.0/8 and event.outcome:failure | stats count() by user.name'
    pub query: String,
    /// How far back: 15m, 24h, 30d
    #[arg(long, default_value = "24h", value_name = "SPAN")]
    pub since: String,
    /// How many events at the most; 0: all
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: u64,
}

/// `fansipan alerts`
#[derive(Debug, Args)]
pub struct AlertsArgs {
    /// What to do with alerts
    #[command(subcommand)]
    pub verb: AlertsVerb,
}

/// Verbs of `fansipan alerts`
#[derive(Debug, Subcommand)]
pub enum AlertsVerb {
    /// List alerts, the most urgent first
    List {
        /// open, all, new, acknowledged, true_positive, false_positive, benign
        #[arg(long, default_value = "open")]
        status: String,
        /// Only this level and above
        #[arg(long, value_parser = parse_level)]
        level: Option<fansipan_model::Level>,
        /// Only alerts of this rule
        #[arg(long, value_name = "RULE")]
        rule: Option<String>,
        /// How far back: 15m, 24h, 30d
        #[arg(long, value_name = "SPAN")]
        since: Option<String>,
        /// How many at the most
        #[arg(long, default_value_t = 50)]
        limit: u64,
    },
    /// Show one alert with its events
    Show {
        /// Alert id
        id: String,
    },
    /// Take an alert
    Take {
        /// Alert id
        id: String,
    },
    /// Judge an alert
    Close {
        /// Alert id
        id: String,
        /// true, false or benign
        #[arg(long, value_parser = ["true", "false", "benign"])]
        verdict: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
}

/// `fansipan incidents`
#[derive(Debug, Args)]
pub struct IncidentsArgs {
    /// What to do with incidents
    #[command(subcommand)]
    pub verb: IncidentsVerb,
}

/// Verbs of `fansipan incidents`
#[derive(Debug, Subcommand)]
pub enum IncidentsVerb {
    /// List incidents, the latest first
    List {
        /// open, all, new, acknowledged, true_positive, false_positive, benign
        #[arg(long, default_value = "open")]
        status: String,
        /// Opened within: 15m, 24h, 30d
        #[arg(long, value_name = "SPAN")]
        since: Option<String>,
        /// How many at the most
        #[arg(long, default_value_t = 50)]
        limit: u64,
    },
    /// Show one incident: what happened step by step, and its alerts
    Show {
        /// Incident id
        id: String,
        /// Language of the story: vi or en
        #[arg(long, default_value = "vi", value_parser = ["vi", "en"])]
        language: String,
    },
    /// Take an incident
    Take {
        /// Incident id
        id: String,
    },
    /// Judge an incident
    Close {
        /// Incident id
        id: String,
        /// true, false or benign
        #[arg(long, value_parser = ["true", "false", "benign"])]
        verdict: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Make an incident part of another one
    Merge {
        /// Incident id
        id: String,
        /// The incident that goes on
        into: String,
    },
    /// Undo a merge
    Unmerge {
        /// Incident id
        id: String,
    },
    /// Make alerts of an incident one of their own; merging it back undoes that
    Split {
        /// Incident id
        id: String,
        /// Alert ids
        #[arg(required = true)]
        alerts: Vec<String>,
    },
    /// Take an alert out of an incident
    Detach {
        /// Incident id
        id: String,
        /// Alert id
        alert: String,
    },
    /// Put an alert into an incident
    Attach {
        /// Incident id
        id: String,
        /// Alert id
        alert: String,
    },
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

/// `fansipan rules`
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// What to do with rules
    #[command(subcommand)]
    pub verb: RulesVerb,
}

/// Verbs of `fansipan rules`
#[derive(Debug, Subcommand)]
pub enum RulesVerb {
    /// Parse and compile rules; report every fault with file, line and what to do
    Check {
        /// Rule files or folders
        #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
    },
    /// List the rules the appliance runs
    List,
    /// Run the samples beside rule files: NAME.firing.log must make every rule of NAME.yml match, NAME.quiet.log none
    Test {
        /// Rule files or folders
        #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
        /// Also write the results there as JUnit XML
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        junit: Option<PathBuf>,
    },
    /// Say for every selection of a rule which field held what, and why it matched or not
    Explain {
        /// A rule file, or the id of a shipped rule
        rule: String,
        /// A file with records, - for standard input, or the id of a stored event
        #[arg(value_hint = ValueHint::FilePath)]
        event: String,
        /// Which record of the file, from 1
        #[arg(long, default_value_t = 1, value_name = "N")]
        record: u64,
    },
    /// Which rules can fire on what arrived lately, and which are blind; by rule and by ATT&CK technique
    Coverage {
        /// How far back arrived events count
        #[arg(long, default_value = "7d", value_name = "SPAN")]
        since: String,
        /// Only the blind ones
        #[arg(long)]
        blind: bool,
    },
    /// Print rules as queries for `fansipan search`
    Convert {
        /// Rule files or folders
        #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
        paths: Vec<PathBuf>,
        /// query: the search language, answered by Tantivy; clickhouse: SQL
        #[arg(long, default_value = "query", value_parser = ["query", "clickhouse"])]
        to: String,
    },
}

/// `fansipan tokens`
#[derive(Debug, Args)]
pub struct TokensArgs {
    /// What to do with tokens
    #[command(subcommand)]
    pub verb: TokensVerb,
}

/// Verbs of `fansipan tokens`
#[derive(Debug, Subcommand)]
pub enum TokensVerb {
    /// List tokens, without their secrets
    List,
    /// Make a token; it is printed once and cannot be shown again
    Create {
        /// Name, such as the sender's
        name: String,
        /// What it may do: sender (HTTP ingest only), viewer, analyst, responder, engineer, auditor, administrator
        #[arg(long, required = true)]
        role: Vec<String>,
        /// Whose data; not given: every agency's
        #[arg(long)]
        agency: Vec<String>,
        /// Days until it expires
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// Make a token useless
    Revoke {
        /// Its name
        name: String,
    },
}

fn parse_level(word: &str) -> Result<fansipan_model::Level, String> {
    fansipan_model::Level::parse(word).ok_or_else(|| "one of informational, low, medium, high, critical".to_owned())
}
