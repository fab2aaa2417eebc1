//! Exceptions, suppressions and maintenance windows as callers see them: versioned settings, of which nothing is ever removed.

use fansipan_model::{Exception, Scope};

use crate::{error::Result, state::AuditRecord};

/// Keeps what people decided not to be told of.
pub trait ExceptionStore: Send + Sync {
    /// The latest version of each that is in force at `since` or later; `None`: of all there ever were. Latest made first.
    /// A scope of agencies sees theirs and those for every agency.
    fn exceptions(&self, scope: &Scope, since: Option<i64>) -> Result<Vec<Exception>>;

    /// Every version of one, oldest first; empty: there is none.
    fn exception_versions(&self, scope: &Scope, id: &str) -> Result<Vec<Exception>>;

    /// Keeps a new one.
    fn add_exception(&self, exception: &Exception, audit: &AuditRecord) -> Result<()>;

    /// Keeps a new version with another end, owner or reason. `version`: the one the person saw; another one now: `Conflict`.
    /// `NotFound` also for one that the scope may see but not change: one for every agency.
    fn change_exception(&self, scope: &Scope, id: &str, version: u64, change: &ExceptionChange, audit: &AuditRecord) -> Result<Exception>;

    /// Grows with each change: worth reading them again.
    fn exceptions_revision(&self) -> Result<u64>;
}

/// What to change; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExceptionChange {
    /// Another end.
    pub until: Option<i64>,
    /// Who answers for it from now on.
    pub owner: Option<String>,
    /// Why it is still right.
    pub reason: Option<String>,
}
