//! Arguments of `fansipan act` and `fansipan playbooks`.

use clap::{Args, Subcommand};

/// `fansipan act`
#[derive(Debug, Args)]
pub struct ActArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: ActVerb,
}

/// How an action is asked for.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// The device, as `fansipan act devices` lists it
    #[arg(long, value_name = "DEVICE")]
    pub on: String,
    /// How long it holds: 90s, 15m, 4h, 7d; without it until undone
    #[arg(long = "for", value_name = "SPAN")]
    pub lasts: Option<String>,
    /// Why; stands in the journal
    #[arg(long)]
    pub reason: String,
    /// The incident it belongs to
    #[arg(long)]
    pub incident: Option<String>,
    /// Whose it is; without it the incident's agency or yours
    #[arg(long)]
    pub agency: Option<String>,
    /// Only show what the device would be told and who is hit
    #[arg(long)]
    pub dry_run: bool,
}

/// Verbs of `fansipan act`
#[derive(Debug, Subcommand)]
pub enum ActVerb {
    /// Ask to drop traffic from and to an address, network or host
    Block {
        /// 203.0.113.7, 203.0.113.0/24, host.example
        target: String,
        /// How
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Ask to disable an account
    Disable {
        /// Its name
        account: String,
        /// How
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Tell people or another system
    Notify {
        /// What
        text: String,
        /// Subject
        #[arg(long, default_value = "Fansipan")]
        subject: String,
        /// How
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Agree to an action somebody asked for
    Approve {
        /// Action id
        id: String,
    },
    /// Do not agree
    Reject {
        /// Action id
        id: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Undo an action that is in force, or take one back that is not yet
    Undo {
        /// Action id
        id: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Say that what was handed to a person is done
    ByHand {
        /// Action id
        id: String,
        /// What was done
        #[arg(long)]
        reason: String,
    },
    /// Show an action: dry run, journal, and whether it worked
    Status {
        /// Action id
        id: String,
    },
    /// List actions, the latest first
    List {
        /// all, or states such as proposed,handed_over
        #[arg(long, default_value = "all")]
        state: String,
        /// Of this incident
        #[arg(long)]
        incident: Option<String>,
        /// How many at the most
        #[arg(long, default_value_t = 50)]
        limit: u64,
    },
    /// List the devices that take orders
    Devices,
}

/// `fansipan playbooks`
#[derive(Debug, Args)]
pub struct PlaybooksArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: PlaybooksVerb,
}

/// Verbs of `fansipan playbooks`
#[derive(Debug, Subcommand)]
pub enum PlaybooksVerb {
    /// List playbooks, those that fit an incident first
    List {
        /// An incident
        #[arg(long)]
        incident: Option<String>,
    },
    /// Print a playbook
    Show {
        /// Its id
        id: String,
    },
    /// Start a playbook for an incident
    Start {
        /// Its id
        id: String,
        /// The incident
        #[arg(long)]
        incident: String,
    },
    /// List runs, the latest first
    Runs {
        /// all, or states such as running,waiting
        #[arg(long, default_value = "all")]
        state: String,
        /// Of this incident
        #[arg(long)]
        incident: Option<String>,
    },
    /// Show a run: its steps, and what it waits for
    Status {
        /// Run id
        run: String,
    },
    /// Answer the task that a run waits for
    Answer {
        /// Run id
        run: String,
        /// One of the task's answers
        answer: String,
        /// What is worth noting
        #[arg(long, default_value = "")]
        note: String,
    },
    /// End a run; the actions it asked for stay
    Cancel {
        /// Run id
        run: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
}
