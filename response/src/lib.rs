//! Response: actions on devices with dry run, approval by a second person, expiry, undo and proof that they worked; playbooks.
//!
//! Invariants, checked by tests:
//! - no connector acts without [`protected::Cleared`], which is given right before the act and for nothing on the protected list;
//! - every step is durable before its effect and is journalled once: after a crash nothing is done twice;
//! - what an action is aimed at is fixed in plain addresses when it is asked for;
//! - secrets come from files and are never printed;
//! - I/O lives in `connectors`, [`own`] and the ports; state is kept through [`fansipan_storage::ResponseStore`].

pub mod action;
pub mod config;
pub mod connectors;
pub mod desk;
pub mod error;
mod executor;
pub mod own;
pub mod playbook;
pub mod ports;
pub mod protected;
pub mod target;
pub mod telemetry;
mod told;
mod verify;

pub use action::{Action, ActionKind, ActionState, Decision, Verdict, Verification};
pub use config::{ResponseConfig, Span};
pub use desk::{Change, Desk, Parts, Request, Who};
pub use error::ResponseError;
pub use told::{Told, told};
