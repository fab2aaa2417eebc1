//! What can be typed about events, files and packets.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::parse_level;

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
    pub output: Option<PathBuf>,
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

/// `fansipan verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The bundle, as `fansipan incidents export` wrote it
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// What the audit trail has of it: without this, a bundle that somebody made anew from the true log is not told apart
    #[arg(long, value_name = "SHA256")]
    pub fingerprint: Option<String>,
}
