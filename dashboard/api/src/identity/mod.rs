//! Users, sessions, tokens: who may come in.
//!
//! Never logs or keeps a password or token in the clear; the stores hold argon2id and SHA-256 of them.

mod activity;
mod caller;
mod directory;
mod external;
mod oidc;
mod password;
mod seal;
mod throttle;
pub(crate) mod totp;
mod trust;

use std::time::Duration;

use fansipan_model::Scope;
use fansipan_storage::{AuditRecord, NewUser, StateStore, User, UserChange};

pub(crate) use activity::{Activity, Watch};
pub(crate) use caller::{Caller, Credential, Via, WALL_TOKEN, clear_cookie, cookie, credential, hash, set_cookie, wall_cookie};
pub(crate) use directory::Directory;
pub use external::{DirectoryConfig, GroupRule, OidcConfig};
pub(crate) use external::{ExternalPerson, granted};
pub(crate) use oidc::{FLOW_COOKIE, Oidc};
pub(crate) use password::{Passwords, check_policy, fill_random, random_text};
pub(crate) use seal::Seal;
pub use throttle::Rate;
pub(crate) use throttle::{Lockout, RateBrake, Subject};

use crate::{access::Role, config::ApiConfig, problem::Problem};

/// A TLS client for tests that trusts one certificate.
#[cfg(test)]
pub(crate) fn trusting(ca: &std::path::Path) -> rustls::ClientConfig {
    trust::client(Some(ca)).unwrap()
}

/// Failed logins of one user that cost nothing.
const FREE_PER_USER: u32 = 5;
/// Failed logins from one address that cost nothing: people share addresses.
const FREE_PER_ADDRESS: u32 = 20;
/// Calls without identity from one address, sustained per second and at once.
const STRANGERS: (u32, u32) = (20, 200);
/// Login attempts from one address: one every so often, and at once.
const LOGINS: (Duration, u32) = (Duration::from_secs(2), 20);

/// What keeps strangers out and slow.
pub(crate) struct Identity {
    pub(crate) passwords: Passwords,
    pub(crate) users: Lockout,
    pub(crate) addresses: Lockout,
    pub(crate) strangers: RateBrake,
    pub(crate) logins: RateBrake,
    pub(crate) callers: RateBrake,
    pub(crate) activity: Activity,
    pub(crate) seal: Seal,
    pub(crate) oidc: Option<Oidc>,
    pub(crate) directory: Option<Directory>,
}

impl Identity {
    /// Blocks: hashes once, reads keys and certificate authorities.
    pub(crate) fn new(config: &ApiConfig) -> Result<Self, Problem> {
        Ok(Self {
            passwords: Passwords::new()?,
            users: Lockout::new(FREE_PER_USER),
            addresses: Lockout::new(FREE_PER_ADDRESS),
            strangers: RateBrake::new(Rate::new(STRANGERS.0, STRANGERS.1)),
            logins: RateBrake::with_period(LOGINS.0, LOGINS.1),
            callers: RateBrake::new(config.rate),
            activity: Activity::new(config.idle),
            seal: Seal::open(&config.data)?,
            oidc: config.oidc.clone().map(Oidc::new).transpose()?,
            directory: config.directory.clone().map(Directory::new).transpose()?,
        })
    }
}

/// A secret that a person is shown once. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimePassword(String);

impl OneTimePassword {
    /// The password, to be shown once and kept nowhere.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for OneTimePassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneTimePassword(…)")
    }
}

/// Makes a one-time password.
pub(crate) fn one_time_password() -> Result<OneTimePassword, Problem> {
    random_text().map(OneTimePassword)
}

/// The user made on first run.
pub(crate) const FIRST_USER: &str = "admin";

/// Makes the first administrator where there is no user at all, and gives that user another one-time password as long as
/// nobody has logged in: the first one may never have been read. Blocks: 20 ms of hashing and a write.
pub(crate) fn first_run(state: &dyn StateStore, passwords: &Passwords, now: i64) -> Result<Option<OneTimePassword>, Problem> {
    let users = state.users()?;
    let untouched = |u: &User| u.name == FIRST_USER && u.must_change_password && u.last_login.is_none() && !u.disabled;
    let exists = match users.as_slice() {
        [] => false,
        [only] if untouched(only) => true,
        _ => return Ok(None),
    };
    let password = one_time_password()?;
    let hash = passwords.hash_blocking(password.reveal())?;
    let record = AuditRecord {
        at: now,
        who: "system".to_owned(),
        verb: if exists { "users.password" } else { "users.create" }.to_owned(),
        object: FIRST_USER.to_owned(),
        details: "{\"reason\":\"first run\"}".to_owned(),
        allowed: true,
        ..AuditRecord::default()
    };
    if exists {
        let change = UserChange { password: Some((hash, true)), ..UserChange::default() };
        state.change_user(FIRST_USER, &change, Some(&record))?;
        return Ok(Some(password));
    }
    let user = NewUser {
        name: FIRST_USER.to_owned(),
        display_name: "Administrator".to_owned(),
        password_hash: hash,
        roles: vec![Role::Administrator.as_str().to_owned()],
        scope: Scope::All,
        language: "vi".to_owned(),
        must_change_password: true,
    };
    state.add_user(&user, now, &record)?;
    Ok(Some(password))
}
