//! What can be typed about incidents.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

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
        file: PathBuf,
        /// What it shows
        #[arg(long, default_value = "")]
        comment: String,
    },
    /// Everything that happened in an incident, in order
    Timeline {
        /// Incident id
        id: String,
    },
    /// What was learned: cause, times to detect and to respond, changes of rules and exceptions that it suggests
    Lessons {
        /// Incident id
        id: String,
    },
    /// Fill in the report that the law asks for; a person completes and signs it
    Notify {
        /// Incident id
        id: String,
        /// vncert: initial report of Circular 20/2017/TT-BTTTT; or a form of the centre's own, DATA/forms/NAME.md
        #[arg(long, default_value = "vncert", value_name = "NAME")]
        form: String,
        /// text, markdown or html
        #[arg(long, default_value = "text", value_parser = ["text", "markdown", "html"])]
        format: String,
        /// File to write [default: standard output]
        #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// Write the evidence bundle: story, timeline, events with proofs from the log, files with their chain of custody
    Export {
        /// Incident id
        id: String,
        /// File to write [default: fansipan-incident-ID.tar, here]
        #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
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
