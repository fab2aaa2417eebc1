//! Sessions and API tokens. Only hashes of tokens come here.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{json, parsed, people};
use crate::{
    error::{Result, StoreError},
    state::{ApiToken, NewSession, NewToken, Session, User},
};

/// Uses closer together than this are not noted one by one.
const NOTED: i64 = 60 * fansipan_model::time::SECOND;

/// Whether a use now is worth a write.
pub(super) fn worth_noting(last_used: i64, now: i64) -> bool {
    now.saturating_sub(last_used) >= NOTED
}

/// See [`crate::StateStore::open_session`].
pub(super) fn open(t: &Transaction<'_>, session: &NewSession<'_>) -> Result<()> {
    let agent: Option<String> = session.agent.map(|a| a.chars().take(256).collect());
    t.prepare_cached(
        "INSERT INTO sessions (token_hash, user, created, expires, idle, last_used, peer, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?3, ?6, ?7)",
    )
    .and_then(|mut s| {
        s.execute(params![
            session.token_hash,
            people::key(session.user),
            session.created,
            session.expires,
            session.idle,
            session.peer,
            agent
        ])
    })
    .map(drop)
    .map_err(|e| match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::NotFound("user"),
        _ => StoreError::state("opening a session")(e),
    })
}

/// The live session of a token, and its user.
pub(super) fn live(t: &Transaction<'_>, token_hash: &[u8; 32], now: i64) -> Result<Option<(Session, User)>> {
    let sql = format!(
        "SELECT {}, sessions.created, sessions.expires, sessions.last_used, sessions.peer
         FROM sessions JOIN users ON users.key = sessions.user
         WHERE token_hash = ?1 AND expires > ?2 AND sessions.last_used + idle > ?2 AND NOT users.disabled",
        people::COLUMNS
    );
    let read = |row: &Row<'_>| {
        let session =
            Session { user: row.get(0)?, created: row.get(13)?, expires: row.get(14)?, last_used: row.get(15)?, peer: row.get(16)? };
        Ok((session, people::read(row)?))
    };
    let found = t.prepare_cached(&sql).and_then(|mut s| s.query_row(params![token_hash, now], read).optional());
    found.map_err(StoreError::state("reading a session"))?.map(|(session, user)| Ok((session, user.finish()?))).transpose()
}

/// Notes the use of a session.
pub(super) fn note(t: &Transaction<'_>, token_hash: &[u8; 32], now: i64) -> Result<()> {
    t.prepare_cached("UPDATE sessions SET last_used = max(last_used, ?2) WHERE token_hash = ?1")
        .and_then(|mut s| s.execute(params![token_hash, now]))
        .map(drop)
        .map_err(StoreError::state("noting the use of a session"))
}

/// See [`crate::StateStore::close_session`].
pub(super) fn close(t: &Transaction<'_>, token_hash: &[u8; 32]) -> Result<()> {
    let done = t.prepare_cached("DELETE FROM sessions WHERE token_hash = ?1").and_then(|mut s| s.execute([token_hash]));
    done.map(drop).map_err(StoreError::state("closing a session"))
}

/// See [`crate::StateStore::close_sessions`].
pub(super) fn close_all(t: &Transaction<'_>, user: &str, except: Option<&[u8; 32]>) -> Result<u64> {
    let done = t
        .prepare_cached("DELETE FROM sessions WHERE user = ?1 AND token_hash IS NOT ?2")
        .and_then(|mut s| s.execute(params![people::key(user), except]));
    done.map(|n| n as u64).map_err(StoreError::state("closing sessions"))
}

/// Removes what has expired.
pub(super) fn expire(t: &Transaction<'_>, now: i64) -> Result<()> {
    let done = t.execute("DELETE FROM sessions WHERE expires <= ?1 OR last_used + idle <= ?1", [now]);
    done.map(drop).map_err(StoreError::state("removing expired sessions"))
}

const TOKEN_COLUMNS: &str = "tokens.name, tokens.roles, tokens.scope, made_by, tokens.created, expires, last_used, owner";

type StoredToken = (ApiToken, String, String);

fn read_token(row: &Row<'_>) -> rusqlite::Result<StoredToken> {
    let token = ApiToken {
        name: row.get(0)?,
        roles: Vec::new(),
        scope: fansipan_model::Scope::Agencies(Vec::new()),
        made_by: row.get(3)?,
        created: row.get(4)?,
        expires: row.get(5)?,
        last_used: row.get(6)?,
        owner: row.get(7)?,
    };
    Ok((token, row.get(1)?, row.get(2)?))
}

fn finish_token((mut token, roles, scope): StoredToken) -> Result<ApiToken> {
    token.roles = parsed("roles of a token", &roles)?;
    token.scope = parsed("scope of a token", &scope)?;
    Ok(token)
}

/// See [`crate::StateStore::add_token`].
pub(super) fn add_token(t: &Transaction<'_>, token: &NewToken<'_>) -> Result<ApiToken> {
    let rows = t
        .prepare_cached(
            "INSERT INTO tokens (name, token_hash, roles, scope, made_by, created, expires, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO NOTHING",
        )
        .and_then(|mut s| {
            let (roles, scope) = (json(&token.roles), json(&token.scope));
            let owner = token.owner.map(people::key);
            s.execute(params![token.name, token.token_hash, roles, scope, token.made_by, token.created, token.expires, owner])
        })
        .map_err(StoreError::state("adding a token"))?;
    if rows == 0 {
        return Err(StoreError::Exists { what: "token", name: token.name.to_owned() });
    }
    Ok(ApiToken {
        name: token.name.to_owned(),
        roles: token.roles.clone(),
        scope: token.scope.clone(),
        made_by: token.made_by.to_owned(),
        created: token.created,
        expires: token.expires,
        last_used: None,
        owner: token.owner.map(people::key),
    })
}

/// The token of a hash, if it has not expired. One that belongs to a person is worth what the person is now: nothing while they
/// may not log in or must change their password, and never more than their roles and data.
pub(super) fn valid_token(t: &Transaction<'_>, token_hash: &[u8; 32], now: i64) -> Result<Option<ApiToken>> {
    let sql = format!(
        "SELECT {TOKEN_COLUMNS}, users.roles, users.scope FROM tokens LEFT JOIN users ON users.key = tokens.owner
         WHERE token_hash = ?1 AND (expires IS NULL OR expires > ?2) AND (owner IS NULL OR (NOT users.disabled AND NOT users.must_change))"
    );
    let read = |row: &Row<'_>| Ok((read_token(row)?, row.get::<_, Option<String>>(8)?, row.get::<_, Option<String>>(9)?));
    let found = t
        .prepare_cached(&sql)
        .and_then(|mut s| s.query_row(params![token_hash, now], read).optional())
        .map_err(StoreError::state("reading a token"))?;
    let Some((stored, roles, scope)) = found else { return Ok(None) };
    let mut token = finish_token(stored)?;
    if let (Some(roles), Some(scope)) = (roles, scope) {
        let held: Vec<String> = parsed("roles of a user", &roles)?;
        token.roles.retain(|role| held.contains(role));
        token.scope = parsed("scope of a user", &scope)?;
    }
    Ok(Some(token))
}

/// Notes the use of a token.
pub(super) fn note_token(t: &Transaction<'_>, name: &str, now: i64) -> Result<()> {
    let done = t.prepare_cached("UPDATE tokens SET last_used = ?2 WHERE name = ?1").and_then(|mut s| s.execute(params![name, now]));
    done.map(drop).map_err(StoreError::state("noting the use of a token"))
}

/// See [`crate::StateStore::tokens`].
pub(super) fn tokens(t: &Transaction<'_>) -> Result<Vec<ApiToken>> {
    let rows: Vec<StoredToken> = t
        .prepare_cached(&format!("SELECT {TOKEN_COLUMNS} FROM tokens ORDER BY name"))
        .and_then(|mut s| s.query_map([], read_token)?.collect())
        .map_err(StoreError::state("reading tokens"))?;
    rows.into_iter().map(finish_token).collect()
}

/// See [`crate::StateStore::remove_token`].
pub(super) fn remove_token(t: &Transaction<'_>, name: &str) -> Result<()> {
    let rows = t.prepare_cached("DELETE FROM tokens WHERE name = ?1").and_then(|mut s| s.execute([name]));
    match rows.map_err(StoreError::state("removing a token"))? {
        0 => Err(StoreError::NotFound("token")),
        _ => Ok(()),
    }
}
