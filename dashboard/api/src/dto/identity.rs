//! People, tokens and the audit trail as the API shows them. Never a hash, never a secret but the one just made.

use fansipan_model::{Agency, Scope, time};
use fansipan_storage::{ApiToken, AuditEntry, User};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::Role;

/// A name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// Code of the second factor, or a recovery code; asked for by `second_factor_needed`.
    pub code: Option<String>,
}

/// A new password for oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now.
    pub old: String,
    /// The new one: at least 12 characters, without the user name.
    pub new: String,
}

/// Settings of one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionSettings {
    /// `vi` or `en`.
    pub language: String,
}

/// Who is logged in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionUser {
    /// User name; `token:NAME` or `local:uid=N` where no person logged in.
    pub name: String,
    /// As shown.
    pub display_name: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// What these roles permit, as in `x-permission` of this API's description.
    pub permissions: Vec<&'static str>,
    /// Whose data they see; null: every agency's.
    pub agencies: Option<Vec<String>>,
    /// Until true becomes false nothing but changing the password is possible.
    pub must_change_password: bool,
    /// Until true becomes false nothing but setting up a second factor is possible.
    pub must_set_up_second_factor: bool,
    /// Whether a second factor is asked for at login.
    pub second_factor: bool,
    /// Where this user logs in, if not here.
    pub provider: Option<String>,
    /// Where to go after logging out here, to log out at the provider too.
    pub provider_logout: Option<String>,
    /// `vi` or `en`.
    pub language: String,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionInfo {
    /// Who is logged in.
    pub user: SessionUser,
}

/// A user as administrators and auditors see them.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserInfo {
    /// User name.
    pub name: String,
    /// As shown.
    pub display_name: String,
    /// Role words.
    pub roles: Vec<String>,
    /// Whose data they see; null: every agency's.
    pub agencies: Option<Vec<String>>,
    /// `vi` or `en`.
    pub language: String,
    /// Whether the password must be changed at the next login.
    pub must_change_password: bool,
    /// Whether login is refused.
    pub disabled: bool,
    /// When made.
    pub created: String,
    /// Last login.
    pub last_login: Option<String>,
    /// Whether a second factor is asked for at login.
    pub second_factor: bool,
    /// Where this user logs in, if not here.
    pub provider: Option<String>,
}

impl From<&User> for UserInfo {
    fn from(u: &User) -> Self {
        Self {
            name: u.name.clone(),
            display_name: u.display_name.clone(),
            roles: u.roles.clone(),
            agencies: agencies(&u.scope),
            language: u.language.clone(),
            must_change_password: u.must_change_password,
            disabled: u.disabled,
            created: time::to_rfc3339(u.created),
            last_login: u.last_login.map(time::to_rfc3339),
            second_factor: u.second_factor,
            provider: u.provider.clone(),
        }
    }
}

/// The names of a scope; `None`: all.
pub(crate) fn agencies(scope: &Scope) -> Option<Vec<String>> {
    match scope {
        Scope::All => None,
        Scope::Agencies(list) => Some(list.iter().map(|a| a.as_str().to_owned()).collect()),
    }
}

/// The scope of names; `None`: all.
pub(crate) fn scope(agencies: Option<&[String]>) -> Scope {
    match agencies {
        None => Scope::All,
        Some(names) => Scope::Agencies(names.iter().map(|n| Agency::new(n)).collect()),
    }
}

/// All users.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserList {
    /// By name.
    pub items: Vec<UserInfo>,
}

/// A user to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserCreation {
    /// 2–64 letters, digits, `.`, `_`, `-`, `@`.
    pub name: String,
    /// As shown; the name unless given.
    pub display_name: Option<String>,
    /// At least one.
    pub roles: Vec<Role>,
    /// Whose data they see; absent or null: every agency's.
    pub agencies: Option<Vec<String>>,
    /// `vi` (default) or `en`.
    pub language: Option<String>,
}

/// What to change of a user; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserUpdate {
    /// As shown.
    pub display_name: Option<String>,
    /// At least one. Ends the user's sessions.
    pub roles: Option<Vec<Role>>,
    /// Whose data they see. Ends the user's sessions.
    pub agencies: Option<Vec<String>>,
    /// With true: every agency's. Ends the user's sessions.
    #[serde(default)]
    pub all_agencies: bool,
}

/// A user with a password that is shown this once.
#[derive(Serialize, ToSchema)]
pub struct UserWithPassword {
    /// The user.
    pub user: UserInfo,
    /// Good for one login, after which it must be changed.
    pub one_time_password: String,
}

/// An API token, without the token.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenInfo {
    /// Unique name.
    pub name: String,
    /// Role words.
    pub roles: Vec<String>,
    /// Whose data it sees; null: every agency's.
    pub agencies: Option<Vec<String>>,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created: String,
    /// Refused from then on; null: never.
    pub expires: Option<String>,
    /// Last use, to the minute.
    pub last_used: Option<String>,
}

impl From<&ApiToken> for TokenInfo {
    fn from(t: &ApiToken) -> Self {
        Self {
            name: t.name.clone(),
            roles: t.roles.clone(),
            agencies: agencies(&t.scope),
            made_by: t.made_by.clone(),
            created: time::to_rfc3339(t.created),
            expires: t.expires.map(time::to_rfc3339),
            last_used: t.last_used.map(time::to_rfc3339),
        }
    }
}

/// All tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenList {
    /// By name.
    pub items: Vec<TokenInfo>,
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCreation {
    /// 2–64 letters, digits, `.`, `_`, `-`, `@`.
    pub name: String,
    /// At least one.
    pub roles: Vec<Role>,
    /// Whose data it sees; absent or null: every agency's.
    pub agencies: Option<Vec<String>>,
    /// Refused after this many days, 1–3650; 90 unless given.
    pub expires_in_days: Option<u32>,
}

/// A token of one's own to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnTokenCreation {
    /// 2–64 letters, digits, `.`, `_`, `-`, `@`.
    pub name: String,
    /// Some of one's own; all of them unless given.
    pub roles: Option<Vec<Role>>,
    /// Refused after this many days, 1–366; 90 unless given.
    pub expires_in_days: Option<u32>,
}

/// A token that is shown this once.
#[derive(Serialize, ToSchema)]
pub struct TokenMade {
    /// What it is.
    pub info: TokenInfo,
    /// The token itself: `Authorization: Bearer …`.
    pub token: String,
}

/// One entry of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditItem {
    /// Ordinal, without gaps.
    pub number: u64,
    /// When.
    pub at: String,
    /// Who.
    pub who: String,
    /// What.
    pub verb: String,
    /// On what.
    pub object: String,
    /// Whose data.
    pub agency: Option<String>,
    /// Details, JSON text.
    pub details: String,
    /// From where.
    pub peer: Option<String>,
    /// Whether it was let in and succeeded.
    pub allowed: bool,
    /// Chains the trail.
    pub hash: String,
}

impl From<AuditEntry> for AuditItem {
    fn from(e: AuditEntry) -> Self {
        Self {
            number: e.number,
            at: time::to_rfc3339(e.at),
            who: e.who,
            verb: e.verb,
            object: e.object,
            agency: e.agency,
            details: e.details,
            peer: e.peer,
            allowed: e.allowed,
            hash: e.hash,
        }
    }
}

/// A page of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPageDto {
    /// Newest first.
    pub items: Vec<AuditItem>,
    /// What to pass as `before` for the next page; null: this was the last.
    pub next: Option<u64>,
}

/// Whether the audit trail holds together.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditProof {
    /// Whether every entry fits the one before it.
    pub sound: bool,
    /// How many there are, where it is sound.
    pub entries: Option<u64>,
    /// The first that does not fit.
    pub fault: Option<String>,
}

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// By this person or token.
    pub who: Option<String>,
    /// This verb, or its beginning up to a dot.
    pub verb: Option<String>,
    /// On this object.
    pub object: Option<String>,
    /// From then on: `24h`, or RFC 3339.
    pub since: Option<String>,
    /// `next` of the previous page.
    pub before: Option<u64>,
    /// Entries a page, at most 1000; 100 unless given.
    pub limit: Option<usize>,
}
