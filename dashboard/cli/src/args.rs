//! What can be typed. Help texts are the manual; nothing here acts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

mod response;
mod rules;

pub use self::{
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

    /// What to do
    #[command(subcommand)]
    pub command: Command,
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
    /// vi or en [default: as the account has it]
    #[arg(long, value_name = "LANGUAGE", value_parser = ["vi", "en"])]
    pub language: Option<String>,
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
    /// Evidence: .evtx .json .ndjson .log .pcap files; folders are searched through
    #[arg(required_unless_present = "since", conflicts_with = "since", value_name = "INPUT", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<PathBuf>,
    /// Instead of evidence: events the appliance has stored, so far back (24h, 30d)
    #[arg(long, value_name = "SPAN")]
    pub since: Option<String>,
    /// Only rules of at least this level
    #[arg(long, value_name = "LEVEL", value_parser = parse_level)]
    pub level: Option<fansipan_model::Level>,
    /// pySigma processing pipelines that change the rules first (repeatable; lower priority first)
    #[arg(long, value_name = "FILE", conflicts_with = "since", value_hint = ValueHint::FilePath)]
    pub pipeline: Vec<PathBuf>,
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
    /// Instead of searching, say which store and index would answer and what the filter becomes there
    #[arg(long)]
    pub explain: bool,
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
        /// Alerts that an exception holds back: without, only, with
        #[arg(long, default_value = "without", value_parser = ["without", "only", "with"])]
        suppressed: String,
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
    /// Take the next alert of the queue: the gravest new one, which nobody else gets
    Next {
        /// Only this level and above
        #[arg(long, value_parser = parse_level)]
        level: Option<fansipan_model::Level>,
        /// Only alerts of this rule
        #[arg(long, value_name = "RULE")]
        rule: Option<String>,
    },
    /// Open an incident about an alert that is in none
    Escalate {
        /// Alert id
        id: String,
    },
    /// Take a decision about many alerts back, where nobody has decided since
    Undo {
        /// As printed by `close --query` or `close --rule`
        token: String,
    },
    /// Judge an alert, or all open ones that fit
    Close {
        /// Alert id
        #[arg(required_unless_present_any = ["query", "rule"], conflicts_with_all = ["query", "rule"])]
        id: Option<String>,
        /// All open alerts in whose title, summary or entities this stands
        #[arg(long, value_name = "WORDS")]
        query: Option<String>,
        /// All open alerts of this rule
        #[arg(long, value_name = "RULE")]
        rule: Option<String>,
        /// Only say how many it would be
        #[arg(long, conflicts_with = "id")]
        dry_run: bool,
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
    /// Lead an incident to another stage: new, triaged, contained, eradicated, recovered, closed
    Stage {
        /// Incident id
        id: String,
        /// To which
        stage: String,
        /// What the stage demands: category=ransomware severity=high root_cause="open share"
        #[arg(value_name = "FIELD=TEXT")]
        facts: Vec<String>,
        /// Why, when it goes back
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Write a note into an incident
    Note {
        /// Incident id
        id: String,
        /// What
        text: String,
    },
    /// Put found events into the timeline of an incident; those that stand there already stay as they are
    AddEvents {
        /// Incident id
        id: String,
        /// Event ids, or - for the lines that `fansipan search --json` prints, on standard input
        #[arg(required = true, value_name = "EVENT")]
        events: Vec<String>,
    },
    /// Put a task into an incident, or tick one off
    Task {
        /// Incident id
        id: String,
        /// What is to be done; with --done the task's id
        title: String,
        /// It is done
        #[arg(long)]
        done: bool,
        /// Who does it
        #[arg(long)]
        assignee: Option<String>,
    },
    /// Hand in a file as evidence
    Evidence {
        /// Incident id
        id: String,
        /// The file
        file: std::path::PathBuf,
        /// What it shows
        #[arg(long, default_value = "")]
        comment: String,
    },
    /// Everything that happened in an incident, in order
    Timeline {
        /// Incident id
        id: String,
        /// Language: vi or en
        #[arg(long, default_value = "vi", value_parser = ["vi", "en"])]
        language: String,
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

/// `fansipan exceptions`
#[derive(Debug, Args)]
pub struct ExceptionsArgs {
    /// What to do with exceptions
    #[command(subcommand)]
    pub verb: ExceptionsVerb,
}

/// Which alerts an exception is about.
#[derive(Clone, Debug, Args)]
pub struct ExceptionScope {
    /// Only alerts of this rule, by its id
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Only alerts of events that satisfy this filter, such as 'source.ip:192.0.2.7 and user.name:scanner'
    #[arg(long, default_value = "", value_name = "QUERY")]
    pub filter: String,
    /// Only this agency's alerts
    #[arg(long, value_name = "AGENCY")]
    pub agency: Option<String>,
}

/// Verbs of `fansipan exceptions`
#[derive(Debug, Subcommand)]
pub enum ExceptionsVerb {
    /// List those in force or still to come
    List {
        /// Those that have ended too
        #[arg(long)]
        all: bool,
    },
    /// Show every version of one
    Show {
        /// Exception id
        id: String,
    },
    /// Hold alerts back: they are kept and marked, see `alerts list --suppressed only`
    Add {
        /// exception: a rule is wrong about something known; suppression: quiet for a while; maintenance: planned work
        #[arg(long, default_value = "exception", value_parser = ["exception", "suppression", "maintenance"])]
        kind: String,
        /// Which alerts
        #[command(flatten)]
        scope: ExceptionScope,
        /// Who answers for it [default: you]
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        /// Why it is right
        #[arg(long)]
        reason: String,
        /// From when on, as 2026-11-23T10:00:00Z [default: in a few seconds]
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Until when: 8h, 30d, or 2026-11-23T10:00:00Z; a year at the longest
        #[arg(long, value_name = "TIME")]
        until: String,
    },
    /// What it would have held back over stored days
    Preview {
        /// Which alerts
        #[command(flatten)]
        scope: ExceptionScope,
        /// How far back: 24h, 7d, 30d
        #[arg(long, default_value = "7d", value_name = "SPAN")]
        since: String,
    },
    /// Give one another end
    Renew {
        /// Exception id
        id: String,
        /// Until when: 30d from now, or 2026-11-23T10:00:00Z
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Why it is still right
        #[arg(long)]
        reason: Option<String>,
    },
    /// End one now
    End {
        /// Exception id
        id: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
}

/// `fansipan entity`
#[derive(Debug, Args)]
pub struct EntityArgs {
    /// Its value
    pub value: String,
    /// host, address, user, hash, domain, process, file; guessed from the value unless given
    #[arg(long)]
    pub kind: Option<String>,
    /// How far back: 24h, 7d, 31d
    #[arg(long, default_value = "7d", value_name = "SPAN")]
    pub since: String,
}

/// `fansipan export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// events, alerts, incidents or audit
    #[arg(value_parser = ["events", "alerts", "incidents", "audit"])]
    pub what: String,
    /// jsonl, csv or parquet
    #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv", "parquet"])]
    pub format: String,
    /// Events: a query; alerts: words that stand in them
    #[arg(long)]
    pub query: Option<String>,
    /// How far back: 24h, 30d; events: 24h unless given, others: all
    #[arg(long, value_name = "SPAN")]
    pub since: Option<String>,
    /// CSV and Parquet: columns, separated by commas
    #[arg(long)]
    pub columns: Option<String>,
    /// Where to; standard output unless given
    #[arg(long, short)]
    pub output: Option<std::path::PathBuf>,
}

/// `fansipan packets`
#[derive(Debug, Args)]
pub struct PacketsArgs {
    /// Id of an event or alert; its flows are looked for
    #[arg(value_name = "EVENT_OR_ALERT_ID", required_unless_present = "flow")]
    pub id: Option<String>,
    /// File to write [default: the id with .pcapng, here]
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// How far before and after the event packets are looked for [default: 15]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub minutes: Option<u32>,
    /// Also hand the file in as evidence of this incident
    #[arg(long, value_name = "INCIDENT_ID")]
    pub incident: Option<String>,
    /// Instead of asking the appliance, read the rings below --data on this host: the flow of this community id; for collectors
    #[arg(long, value_name = "COMMUNITY_ID", conflicts_with = "id", requires = "at")]
    pub flow: Option<String>,
    /// With --flow: when, as in the event's @timestamp
    #[arg(long, value_name = "TIME", requires = "flow")]
    pub at: Option<String>,
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

/// `fansipan users`
#[derive(Debug, Args)]
pub struct UsersArgs {
    /// What to do with users
    #[command(subcommand)]
    pub verb: UsersVerb,
}

/// Verbs of `fansipan users`
#[derive(Debug, Subcommand)]
pub enum UsersVerb {
    /// List users
    List,
    /// Make a user; the one-time password is printed once
    Create {
        /// User name
        name: String,
        /// What they may do: viewer, analyst, responder, engineer, auditor, administrator (repeatable)
        #[arg(long, required = true)]
        role: Vec<String>,
        /// Whose data (repeatable); not given: every agency's
        #[arg(long)]
        agency: Vec<String>,
        /// Name as shown
        #[arg(long)]
        display_name: Option<String>,
        /// vi or en
        #[arg(long, default_value = "vi", value_parser = ["vi", "en"])]
        language: String,
    },
    /// Change what a user may do and see; ends their sessions
    Change {
        /// User name
        name: String,
        /// The roles from now on (repeatable)
        #[arg(long)]
        role: Vec<String>,
        /// The agencies from now on (repeatable)
        #[arg(long)]
        agency: Vec<String>,
        /// Every agency's data from now on
        #[arg(long, conflicts_with = "agency")]
        all_agencies: bool,
    },
    /// Refuse a user's logins and end their sessions
    Disable {
        /// User name
        name: String,
    },
    /// Let a user log in again
    Enable {
        /// User name
        name: String,
    },
    /// Give a user a one-time password, printed once
    Password {
        /// User name
        name: String,
    },
    /// Remove a user's second factor, so that they enrol another
    ResetFactor {
        /// User name
        name: String,
    },
    /// Remove a user
    Remove {
        /// User name
        name: String,
    },
}

/// `fansipan sessions`
#[derive(Debug, Args)]
pub struct SessionsArgs {
    /// What to do with sessions
    #[command(subcommand)]
    pub verb: SessionsVerb,
}

/// Verbs of `fansipan sessions`
#[derive(Debug, Subcommand)]
pub enum SessionsVerb {
    /// List open sessions
    List,
    /// End a session
    End {
        /// Session id
        id: String,
    },
}

/// `fansipan wall-devices`
#[derive(Debug, Args)]
pub struct WallDevicesArgs {
    /// What to do with screens
    #[command(subcommand)]
    pub verb: WallDevicesVerb,
}

/// Verbs of `fansipan wall-devices`
#[derive(Debug, Subcommand)]
pub enum WallDevicesVerb {
    /// List screens
    List,
    /// Make a screen; the code to type at it is printed once and is good for fifteen minutes
    Create {
        /// Name of the screen
        name: String,
        /// Whose data it shows (repeatable); not given: every agency's
        #[arg(long)]
        agency: Vec<String>,
        /// Days until it must be enrolled anew
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// Enrol this terminal as a screen: its credential is kept as a profile, for `fansipan wall --profile NAME`
    Enrol {
        /// Name of the profile
        name: String,
        /// The code that `create` printed; without it: standard input
        code: Option<String>,
    },
    /// Make a screen's credential useless
    Revoke {
        /// Name of the screen
        name: String,
    },
}

/// `fansipan login`
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// Name of the profile, for --profile
    pub name: String,
}

fn parse_level(word: &str) -> Result<fansipan_model::Level, String> {
    fansipan_model::Level::parse(word).ok_or_else(|| "one of informational, low, medium, high, critical".to_owned())
}
