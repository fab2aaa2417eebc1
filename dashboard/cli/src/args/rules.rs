//! Arguments of `fansipan rules`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

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
        /// pySigma processing pipelines that change the rules first (repeatable; lower priority first)
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        pipeline: Vec<PathBuf>,
    },
    /// List the rules the appliance runs
    List,
    /// Print one rule: where it stands, then its text
    Show {
        /// Rule id
        id: String,
    },
    /// List what was written or switched here
    Own,
    /// Say what a rule would have said of stored events
    Try {
        /// Rule file; - for standard input
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// How far back: 24h, 7d, 31d at the most
        #[arg(long, default_value = "24h", value_name = "SPAN")]
        since: String,
    },
    /// Keep a rule of your own and put it in force; one with the same id gets a new version
    Save {
        /// Rule file; - for standard input. The id of its first rule is the id of all
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Why, for those who read the history
        #[arg(long)]
        why: String,
        /// Keep it without putting it in force
        #[arg(long)]
        off: bool,
    },
    /// Switch a rule on or off, yours or a shipped one
    Switch {
        /// Rule id
        id: String,
        /// on or off
        #[arg(value_parser = ["on", "off"])]
        to: String,
        /// Why, for those who read the history
        #[arg(long)]
        why: String,
    },
    /// Who wrote or switched a rule, when and why
    History {
        /// Rule id
        id: String,
    },
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
        /// pySigma processing pipelines that change the rules first (repeatable; lower priority first)
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        pipeline: Vec<PathBuf>,
    },
}
