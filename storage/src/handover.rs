//! Handovers of shifts: what whoever leaves tells whoever comes. Append-only.

use fansipan_model::Scope;

use crate::{error::Result, state::AuditRecord};

/// Keeps handovers.
pub trait HandoverStore: Send + Sync {
    /// The latest handovers made up to now, newest first. A scope of agencies sees those of people with the same data.
    fn handovers(&self, scope: &Scope, limit: usize) -> Result<Vec<Handover>>;

    /// Keeps one; gives its number.
    fn add_handover(&self, handover: &Handover, scope: &Scope, audit: &AuditRecord) -> Result<u64>;
}

/// A shift that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Ordinal; 0 before it is kept.
    pub number: u64,
    /// When.
    pub at: i64,
    /// When the shift began.
    pub since: i64,
    /// Who hands over.
    pub who: String,
    /// What the next shift must know.
    pub note: String,
}
