//! Users.

use fansipan_model::text::fold;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{json, parsed, sessions};
use crate::{
    error::{Result, StoreError},
    state::{NewUser, User, UserChange},
};

/// Columns in the order [`read`] expects, of table `users`.
pub(super) const COLUMNS: &str =
    "users.name, users.display_name, users.password_hash, users.roles, users.scope, users.language, users.must_change, users.disabled,
     users.created, users.last_login, users.version,
     EXISTS (SELECT 1 FROM second_factors f WHERE f.user = users.key AND f.confirmed IS NOT NULL),
     (SELECT provider FROM external_logins e WHERE e.user = users.key)";

/// A user as stored, JSON not yet read.
pub(super) struct Stored {
    user: User,
    roles: String,
    scope: String,
}

/// Reads a row that begins with [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        roles: row.get(3)?,
        scope: row.get(4)?,
        user: User {
            name: row.get(0)?,
            display_name: row.get(1)?,
            password_hash: row.get(2)?,
            roles: Vec::new(),
            scope: fansipan_model::Scope::Agencies(Vec::new()),
            language: row.get(5)?,
            must_change_password: row.get(6)?,
            disabled: row.get(7)?,
            created: row.get(8)?,
            last_login: row.get(9)?,
            version: row.get::<_, i64>(10)? as u64,
            second_factor: row.get(11)?,
            provider: row.get(12)?,
        },
    })
}

impl Stored {
    /// With its JSON read.
    pub(super) fn finish(self) -> Result<User> {
        let Stored { mut user, roles, scope } = self;
        user.roles = parsed("roles of a user", &roles)?;
        user.scope = parsed("scope of a user", &scope)?;
        Ok(user)
    }
}

/// What identifies a user whatever the case of the name.
pub(super) fn key(name: &str) -> String {
    fold(name).into_owned()
}

/// See [`crate::StateStore::user`].
pub(super) fn one(t: &Transaction<'_>, name: &str) -> Result<Option<User>> {
    t.prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE key = ?1"))
        .and_then(|mut s| s.query_row([key(name)], read).optional())
        .map_err(StoreError::state("reading a user"))?
        .map(Stored::finish)
        .transpose()
}

/// See [`crate::StateStore::users`].
pub(super) fn all(t: &Transaction<'_>) -> Result<Vec<User>> {
    let rows: Vec<Stored> = t
        .prepare_cached(&format!("SELECT {COLUMNS} FROM users ORDER BY key"))
        .and_then(|mut s| s.query_map([], read)?.collect())
        .map_err(StoreError::state("reading users"))?;
    rows.into_iter().map(Stored::finish).collect()
}

/// See [`crate::StateStore::add_user`].
pub(super) fn add(t: &Transaction<'_>, user: &NewUser, now: i64) -> Result<User> {
    let rows = t
        .prepare_cached(
            "INSERT INTO users (key, name, display_name, password_hash, roles, scope, language, must_change, disabled, created, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, 1) ON CONFLICT (key) DO NOTHING",
        )
        .and_then(|mut s| {
            s.execute(params![
                key(&user.name),
                user.name,
                user.display_name,
                user.password_hash,
                json(&user.roles),
                json(&user.scope),
                user.language,
                user.must_change_password,
                now
            ])
        })
        .map_err(StoreError::state("adding a user"))?;
    if rows == 0 {
        return Err(StoreError::Exists { what: "user", name: user.name.clone() });
    }
    one(t, &user.name)?.ok_or(StoreError::NotFound("user"))
}

/// See [`crate::StateStore::change_user`].
pub(super) fn change(t: &Transaction<'_>, name: &str, change: &UserChange) -> Result<User> {
    let mut user = one(t, name)?.ok_or(StoreError::NotFound("user"))?;
    let ends_sessions = change.password.is_some() || change.roles.is_some() || change.scope.is_some() || change.disabled == Some(true);
    if let Some((hash, must_change)) = change.password.clone() {
        (user.password_hash, user.must_change_password) = (hash, must_change);
    }
    let UserChange { display_name, roles, scope, language, disabled, last_login, .. } = change.clone();
    user.display_name = display_name.unwrap_or(user.display_name);
    user.roles = roles.unwrap_or(user.roles);
    user.scope = scope.unwrap_or(user.scope);
    user.language = language.unwrap_or(user.language);
    user.disabled = disabled.unwrap_or(user.disabled);
    user.last_login = last_login.or(user.last_login);
    user.version += 1;
    t.prepare_cached(
        "UPDATE users SET display_name = ?2, password_hash = ?3, roles = ?4, scope = ?5, language = ?6, must_change = ?7, disabled = ?8,
                          last_login = ?9, version = ?10 WHERE key = ?1",
    )
    .and_then(|mut s| {
        s.execute(params![
            key(name),
            user.display_name,
            user.password_hash,
            json(&user.roles),
            json(&user.scope),
            user.language,
            user.must_change_password,
            user.disabled,
            user.last_login,
            user.version as i64
        ])
    })
    .map_err(StoreError::state("changing a user"))?;
    if ends_sessions {
        sessions::close_all(t, name, None)?;
    }
    Ok(user)
}

/// See [`crate::StateStore::remove_user`].
pub(super) fn remove(t: &Transaction<'_>, name: &str) -> Result<()> {
    let rows = t.prepare_cached("DELETE FROM users WHERE key = ?1").and_then(|mut s| s.execute([key(name)]));
    match rows.map_err(StoreError::state("removing a user"))? {
        0 => Err(StoreError::NotFound("user")),
        _ => Ok(()),
    }
}
