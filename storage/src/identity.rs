//! The state of identity as its callers see it: open sessions, second factors, logins from elsewhere, screens of the wall.
//!
//! As with [`crate::StateStore`]: instants are UTC nanoseconds and come from the caller, tokens and codes come as SHA-256,
//! secrets that must be read again come sealed. Every method is one transaction and blocks.

use fansipan_model::Scope;

use crate::{
    error::Result,
    state::{AuditRecord, NewUser, User},
};

/// A session that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// Whose.
    pub user: String,
    /// Since when.
    pub created: i64,
    /// Ends then at the latest.
    pub expires: i64,
    /// Last use known (kept to the minute).
    pub last_used: i64,
    /// Peer address at log-in.
    pub peer: Option<String>,
    /// Browser at log-in.
    pub agent: Option<String>,
}

/// The second factor of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// The shared secret, encrypted by the caller.
    pub sealed: Vec<u8>,
    /// Since when it is asked for; `None`: shown, never proved.
    pub confirmed: Option<i64>,
    /// Recovery codes left.
    pub recovery_left: u32,
}

/// A screen of the wall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WallDevice {
    /// Unique name.
    pub name: String,
    /// Whose data it shows.
    pub scope: Scope,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created: i64,
    /// Refused from then on.
    pub expires: i64,
    /// When its one-time code was used; `None`: not yet.
    pub enrolled: Option<i64>,
    /// Last use known (kept to the minute).
    pub last_used: Option<i64>,
    /// Address at enrolment.
    pub peer: Option<String>,
}

/// A screen of the wall to make.
#[derive(Clone, Debug)]
pub struct NewWallDevice<'a> {
    /// Unique name.
    pub name: &'a str,
    /// Whose data it shows.
    pub scope: Scope,
    /// Who makes it.
    pub made_by: &'a str,
    /// Now.
    pub created: i64,
    /// Refused from then on.
    pub expires: i64,
    /// SHA-256 of the code that enrols it once.
    pub code_hash: [u8; 32],
    /// The code is refused from then on.
    pub code_until: i64,
}

/// What the console keeps about who may come in, beyond names and passwords.
pub trait IdentityStore: Send + Sync {
    /// The open sessions, latest used first.
    fn open_sessions(&self, now: i64) -> Result<Vec<OpenSession>>;

    /// A user's second factor.
    fn second_factor(&self, user: &str) -> Result<Option<SecondFactor>>;

    /// Keeps a secret that has been shown; replaces one never confirmed. `Exists` where one is confirmed.
    fn begin_second_factor(&self, user: &str, sealed: &[u8]) -> Result<()>;

    /// From now on the second factor is asked for. `step`: the time step that proved it.
    fn confirm_second_factor(&self, user: &str, step: u64, recovery: &[[u8; 32]], now: i64, audit: &AuditRecord) -> Result<()>;

    /// Uses a time step up; false: it or a later one was used before.
    fn spend_step(&self, user: &str, step: u64) -> Result<bool>;

    /// Uses a recovery code up; false: there is no such code.
    fn spend_recovery(&self, user: &str, code: &[u8; 32]) -> Result<bool>;

    /// Removes a second factor with its recovery codes. `NotFound` if there is none.
    fn remove_second_factor(&self, user: &str, audit: &AuditRecord) -> Result<()>;

    /// The user whom a person of another system logs in as.
    fn external_user(&self, provider: &str, subject: &str) -> Result<Option<String>>;

    /// Makes a user for a person of another system. `Exists` if the name is taken or the person has a user.
    fn add_external_user(&self, provider: &str, subject: &str, user: &NewUser, now: i64, audit: &AuditRecord) -> Result<User>;

    /// Makes a screen of the wall. `Exists` if the name is taken.
    fn add_wall(&self, device: &NewWallDevice<'_>, audit: &AuditRecord) -> Result<WallDevice>;

    /// Uses an enrolment code up; `None`: unknown, used or too old.
    fn enrol_wall(&self, code: &[u8; 32], token: &[u8; 32], peer: &str, now: i64) -> Result<Option<WallDevice>>;

    /// The screen of a token, whose use is noted; `None`: unknown or expired.
    fn use_wall(&self, token: &[u8; 32], now: i64) -> Result<Option<WallDevice>>;

    /// All screens, by name.
    fn walls(&self) -> Result<Vec<WallDevice>>;

    /// Revokes a screen. `NotFound` if there is none.
    fn remove_wall(&self, name: &str, audit: &AuditRecord) -> Result<()>;
}
