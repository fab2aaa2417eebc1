//! What response keeps: actions and runs of playbooks as they stand, and an append-only journal of their steps.
//!
//! What a body means is `fansipan-response`'s business; here are the columns that are searched, the rule that a change names the
//! version it is about, and the rule that a step of a journal is written once.

use fansipan_model::Scope;
use uuid::Uuid;

use crate::{error::Result, state::AuditRecord};

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseKind {
    /// An action on a device.
    Action,
    /// A run of a playbook.
    Run,
}

/// An action or a run of a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseRow {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub kind: ResponseKind,
    /// Whose it is.
    pub agency: String,
    /// Where it stands, a word.
    pub state: String,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// When something must be done next, UTC nanoseconds; `None`: never by itself.
    pub due: Option<i64>,
    /// When it was made, UTC nanoseconds.
    pub created: i64,
    /// Grows by one with each change; 1 when new.
    pub version: u64,
    /// The rest, JSON.
    pub body: String,
}

/// A step to be written to a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseStep {
    /// Unique within its action or run: the same step is never written twice.
    pub key: String,
    /// When, UTC nanoseconds.
    pub at: i64,
    /// Who, or `system`.
    pub who: String,
    /// What happened, for people.
    pub text: String,
}

/// Which rows to list.
#[derive(Clone, Debug, Default)]
pub struct ResponseFilter {
    /// Any of these states; empty: every.
    pub states: Vec<String>,
    /// Of this incident.
    pub incident: Option<String>,
}

/// Keeps actions, runs and their journals. Every change is durable when its call returns.
pub trait ResponseStore: Send + Sync {
    /// Keeps a row with the steps that led to it, in one transaction. `row.version` 1 makes it; more replaces version − 1.
    ///
    /// # Errors
    /// [`crate::StoreError::Exists`] if it is made twice or a step's key was written before,
    /// [`crate::StoreError::Conflict`] if another change came first.
    fn put_response(&self, row: &ResponseRow, steps: &[ResponseStep], audit: Option<&AuditRecord>) -> Result<()>;

    /// One of them.
    fn response(&self, scope: &Scope, id: Uuid) -> Result<Option<ResponseRow>>;

    /// Latest made first.
    fn responses(&self, scope: &Scope, kind: ResponseKind, filter: &ResponseFilter, limit: usize) -> Result<Vec<ResponseRow>>;

    /// Those that have something to do at `now`, the longest due first.
    fn due_responses(&self, now: i64, limit: usize) -> Result<Vec<ResponseRow>>;

    /// The journal of one, in order.
    fn response_journal(&self, id: Uuid) -> Result<Vec<ResponseStep>>;
}
