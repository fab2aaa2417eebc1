//! Why response refused or failed, with stable codes and the next step.

use fansipan_storage::StoreError;
use thiserror::Error;

/// Why something asked of response was not done.
#[derive(Debug, Error)]
pub enum ResponseError {
    /// The target does not read.
    #[error("FSP-ACT-001 the target `{given}` is refused: {why}")]
    Target {
        /// As typed.
        given: String,
        /// What is wrong and what to write instead.
        why: String,
    },
    /// The target is on the protected list.
    #[error("FSP-ACT-002 {target} is protected ({reason}): no action may touch it; [response.protected] lists what is")]
    Protected {
        /// What was to be acted on.
        target: String,
        /// Why it is protected.
        reason: String,
    },
    /// No such device, or it cannot do this.
    #[error("FSP-ACT-003 device `{device}`: {why}")]
    Device {
        /// As named.
        device: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// Not in this state.
    #[error("FSP-ACT-004 {what} is {state}: {why}")]
    State {
        /// What: `the action`.
        what: &'static str,
        /// Its state.
        state: String,
        /// What can be done.
        why: &'static str,
    },
    /// The one who asked may not approve.
    #[error("FSP-ACT-005 this action needs a second person: {who} asked for it and cannot approve it")]
    SecondPerson {
        /// Who asked.
        who: String,
    },
    /// The same is in force or asked for already.
    #[error("FSP-ACT-006 {target} on {device} is the subject of action {other} ({state}) already: undo or cancel that one first")]
    Already {
        /// Target.
        target: String,
        /// Device.
        device: String,
        /// The other action.
        other: String,
        /// Where it stands.
        state: String,
    },
    /// A parameter makes no sense.
    #[error("FSP-ACT-007 {0}")]
    Parameter(String),
    /// No such action, run, playbook or task, or it belongs to another agency.
    #[error("FSP-ACT-008 no such {0}")]
    Missing(&'static str),
    /// The configuration makes no sense.
    #[error("FSP-ACT-009 [response]: {0}")]
    Config(String),
    /// A playbook does not read.
    #[error(transparent)]
    Playbook(#[from] crate::playbook::Fault),
    /// The state store refused.
    #[error("FSP-ACT-010 the state store refused: {0}")]
    Store(#[from] StoreError),
    /// What is kept does not read back.
    #[error("FSP-ACT-011 the stored {what} is damaged: {reason}; restore the state database from a backup")]
    Damaged {
        /// What.
        what: &'static str,
        /// How it shows.
        reason: String,
    },
    /// Names or own addresses could not be looked up, so nothing can be cleared.
    #[error("FSP-ACT-012 cannot tell whether {target} is protected: {why}; nothing was done")]
    Unclear {
        /// What was to be acted on.
        target: String,
        /// What failed.
        why: String,
    },
}

/// Results of response.
pub type Result<T, E = ResponseError> = std::result::Result<T, E>;
