//! What can be typed about alerts, and what is held back.

use clap::{Args, Subcommand};

use super::parse_level;

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
