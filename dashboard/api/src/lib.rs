//! The HTTP API, identity and sessions, and the embedded web console.
//!
//! Invariants, checked by tests:
//! - a route exists only in `routes::table`, with the permission it needs and the verb it leaves in the audit trail;
//! - every data call carries the caller's [`fansipan_model::Scope`]; what another agency owns looks as if it did not exist;
//! - every refusal is `application/problem+json` with a stable code, and never quotes a secret or an inner error;
//! - store calls run off the async threads, a bounded number at a time; whatever a stranger sends costs bounded memory.
//!
//! Knows of the rest of the process only the traits in [`ports`]; the wiring implements them and calls [`serve`].

pub mod access;
mod blocking;
pub mod config;
pub mod dto;
mod extract;
mod geo;
mod guard;
mod handlers;
mod identity;
mod layers;
mod openapi;
pub mod ports;
mod problem;
mod routes;
mod server;
mod shared;
mod spool;
mod state;
mod web;

pub use access::Role;
pub use config::ApiConfig;
pub use fansipan_evidence::Included;
pub use identity::{DirectoryConfig, GroupRule, OidcConfig, OneTimePassword, Rate};
pub use ports::{
    ApiDeps, BusStatus, ConsumerStatus, DetectorStatus, DiskStatus, Extract, Feed, FlowKey, FlowWanted, Lag, Ledger, LiveSnapshot,
    LiveStatus, Notice, PACKETS_WITHIN, PacketStore, PacketsError, RuleControl, RuleCounts, RuleDiagnostic, RuleInfo, RuleListing,
    SourceControl,
};
pub use problem::{ProblemBody, QueryFault};
pub use server::{ApiError, OwnCertificate, ServerHandle, TlsError, serve};
pub use spool::unnamed;

#[cfg(test)]
mod tests;
