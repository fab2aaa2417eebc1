//! The command line: one module a verb. Offline verbs (`parse`, `hunt`, `rules`) use collector and rules directly;
//! every other verb speaks to the API, so that it can do nothing the web cannot.
//!
//! Data goes to standard output, progress and messages to standard error. Exit codes: see [`Outcome`].

pub mod args;
pub mod client;
mod fault;
pub mod verbs;

pub mod inputs;
mod output;
pub mod profile;
mod words;

use std::process::ExitCode;

pub use args::{Cli, Command, RunArgs, TuiArgs};
pub use fansipan_model::{Said, said};
pub use fault::{Fault, told};
pub use inputs::rule_files;
pub use output::harmless;
pub use verbs::Finding;

/// How a verb ended; the numbers are a contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 0: done.
    Done,
    /// 1: done, and the answer is no (a check failed, nothing found where something was asked for by id).
    Negative,
    /// 3: the server could not be reached.
    Unreachable,
    /// 4: not logged in or not allowed.
    Denied,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Done => 0,
            Outcome::Negative => 1,
            Outcome::Unreachable => 3,
            Outcome::Denied => 4,
        })
    }
}
