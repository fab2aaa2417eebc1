//! Second factors, logins from elsewhere, screens of the wall, the list of sessions.

use fansipan_model::Scope;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{SqliteState, audit, json, parsed, people, sessions::worth_noting};
use crate::{
    error::{Result, StoreError},
    identity::{IdentityStore, NewWallDevice, OpenSession, SecondFactor, WallDevice},
    state::{AuditRecord, NewUser, User},
};

const WALL: &str = "name, scope, made_by, created, expires, enrolled, last_used, peer";

type StoredWall = (WallDevice, String);

fn read_wall(row: &Row<'_>) -> rusqlite::Result<StoredWall> {
    let device = WallDevice {
        name: row.get(0)?,
        scope: Scope::Agencies(Vec::new()),
        made_by: row.get(2)?,
        created: row.get(3)?,
        expires: row.get(4)?,
        enrolled: row.get(5)?,
        last_used: row.get(6)?,
        peer: row.get(7)?,
    };
    Ok((device, row.get(1)?))
}

fn finish_wall((mut device, scope): StoredWall) -> Result<WallDevice> {
    device.scope = parsed("scope of a wall", &scope)?;
    Ok(device)
}

fn wall_by_name(t: &Transaction<'_>, name: &str) -> Result<WallDevice> {
    let found = t
        .prepare_cached(&format!("SELECT {WALL} FROM wall_devices WHERE name = ?1"))
        .and_then(|mut s| s.query_row([name], read_wall).optional());
    found.map_err(StoreError::state("reading a wall"))?.map(finish_wall).transpose()?.ok_or(StoreError::NotFound("wall"))
}

fn add_wall(t: &Transaction<'_>, device: &NewWallDevice<'_>) -> Result<WallDevice> {
    let rows = t
        .prepare_cached(
            "INSERT INTO wall_devices (name, scope, made_by, created, expires, code_hash, code_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO NOTHING",
        )
        .and_then(|mut s| {
            let scope = json(&device.scope);
            s.execute(params![device.name, scope, device.made_by, device.created, device.expires, device.code_hash, device.code_until])
        })
        .map_err(StoreError::state("adding a wall"))?;
    if rows == 0 {
        return Err(StoreError::Exists { what: "wall", name: device.name.to_owned() });
    }
    wall_by_name(t, device.name)
}

fn enrol_wall(t: &Transaction<'_>, code: &[u8; 32], token: &[u8; 32], peer: &str, now: i64) -> Result<Option<WallDevice>> {
    let name: Option<String> = t
        .prepare_cached(
            "UPDATE wall_devices SET code_hash = NULL, token_hash = ?2, peer = ?3, enrolled = ?4
             WHERE code_hash = ?1 AND code_until > ?4 AND expires > ?4 RETURNING name",
        )
        .and_then(|mut s| s.query_row(params![code, token, peer, now], |row| row.get(0)).optional())
        .map_err(StoreError::state("enrolling a wall"))?;
    name.map(|name| wall_by_name(t, &name)).transpose()
}

fn wall_of(t: &Transaction<'_>, token: &[u8; 32], now: i64) -> Result<Option<WallDevice>> {
    t.prepare_cached(&format!("SELECT {WALL} FROM wall_devices WHERE token_hash = ?1 AND expires > ?2"))
        .and_then(|mut s| s.query_row(params![token, now], read_wall).optional())
        .map_err(StoreError::state("reading a wall"))?
        .map(finish_wall)
        .transpose()
}

fn open_sessions(t: &Transaction<'_>, now: i64) -> Result<Vec<OpenSession>> {
    let read = |row: &Row<'_>| {
        Ok(OpenSession {
            token_hash: row.get(0)?,
            user: row.get(1)?,
            created: row.get(2)?,
            expires: row.get(3)?,
            last_used: row.get(4)?,
            peer: row.get(5)?,
            agent: row.get(6)?,
        })
    };
    t.prepare_cached(
        "SELECT token_hash, users.name, sessions.created, expires, last_used, peer, agent
         FROM sessions JOIN users ON users.key = sessions.user
         WHERE expires > ?1 AND last_used + idle > ?1 AND NOT users.disabled ORDER BY last_used DESC, token_hash LIMIT 10000",
    )
    .and_then(|mut s| s.query_map([now], read)?.collect())
    .map_err(StoreError::state("reading sessions"))
}

fn second_factor(t: &Transaction<'_>, user: &str) -> Result<Option<SecondFactor>> {
    let read = |row: &Row<'_>| Ok(SecondFactor { sealed: row.get(0)?, confirmed: row.get(1)?, recovery_left: row.get(2)? });
    t.prepare_cached(
        "SELECT sealed, confirmed, (SELECT count(*) FROM recovery_codes r WHERE r.user = f.user) FROM second_factors f WHERE user = ?1",
    )
    .and_then(|mut s| s.query_row([people::key(user)], read).optional())
    .map_err(StoreError::state("reading a second factor"))
}

fn begin_second_factor(t: &Transaction<'_>, user: &str, sealed: &[u8]) -> Result<()> {
    let rows = t
        .prepare_cached(
            "INSERT INTO second_factors (user, sealed, last_step) VALUES (?1, ?2, 0)
             ON CONFLICT (user) DO UPDATE SET sealed = excluded.sealed, last_step = 0 WHERE confirmed IS NULL",
        )
        .and_then(|mut s| s.execute(params![people::key(user), sealed]))
        .map_err(StoreError::state("keeping a second factor"))?;
    if rows == 0 { Err(StoreError::Exists { what: "second factor of", name: user.to_owned() }) } else { Ok(()) }
}

fn confirm_second_factor(t: &Transaction<'_>, user: &str, step: u64, recovery: &[[u8; 32]], now: i64) -> Result<()> {
    const WHAT: &str = "confirming a second factor";
    let user = people::key(user);
    let rows = t
        .prepare_cached("UPDATE second_factors SET confirmed = ?2, last_step = ?3 WHERE user = ?1 AND confirmed IS NULL")
        .and_then(|mut s| s.execute(params![user, now, i64::try_from(step).unwrap_or(i64::MAX)]))
        .map_err(StoreError::state(WHAT))?;
    if rows == 0 {
        return Err(StoreError::NotFound("second factor to confirm"));
    }
    for code in recovery {
        t.prepare_cached("INSERT INTO recovery_codes (user, hash) VALUES (?1, ?2)")
            .and_then(|mut s| s.execute(params![user, code]))
            .map_err(StoreError::state(WHAT))?;
    }
    Ok(())
}

fn link_external(t: &Transaction<'_>, provider: &str, subject: &str, user: &str) -> Result<()> {
    let done = t
        .prepare_cached("INSERT INTO external_logins (provider, subject, user) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
        .and_then(|mut s| s.execute(params![provider, subject, people::key(user)]));
    match done.map_err(StoreError::state("linking a login"))? {
        0 => Err(StoreError::Exists { what: "login of", name: user.to_owned() }),
        _ => Ok(()),
    }
}

/// Runs one statement; how many rows it changed.
fn execute(t: &Transaction<'_>, what: &'static str, sql: &str, args: impl rusqlite::Params) -> Result<usize> {
    t.prepare_cached(sql).and_then(|mut s| s.execute(args)).map_err(StoreError::state(what))
}

impl IdentityStore for SqliteState {
    fn open_sessions(&self, now: i64) -> Result<Vec<OpenSession>> {
        self.look("reading sessions", |t| open_sessions(t, now))
    }

    fn second_factor(&self, user: &str) -> Result<Option<SecondFactor>> {
        self.look("reading a second factor", |t| second_factor(t, user))
    }

    fn begin_second_factor(&self, user: &str, sealed: &[u8]) -> Result<()> {
        self.change("keeping a second factor", |t| begin_second_factor(t, user, sealed))
    }

    fn confirm_second_factor(&self, user: &str, step: u64, recovery: &[[u8; 32]], now: i64, record: &AuditRecord) -> Result<()> {
        self.change("confirming a second factor", |t| {
            confirm_second_factor(t, user, step, recovery, now)?;
            audit::append(t, record).map(drop)
        })
    }

    fn spend_step(&self, user: &str, step: u64) -> Result<bool> {
        let sql = "UPDATE second_factors SET last_step = ?2 WHERE user = ?1 AND last_step < ?2";
        let args = (people::key(user), i64::try_from(step).unwrap_or(i64::MAX));
        self.change("using a code", |t| Ok(execute(t, "using a code", sql, args)? == 1))
    }

    fn spend_recovery(&self, user: &str, code: &[u8; 32]) -> Result<bool> {
        let sql = "DELETE FROM recovery_codes WHERE user = ?1 AND hash = ?2";
        self.change("using a recovery code", |t| Ok(execute(t, "using a recovery code", sql, params![people::key(user), code])? == 1))
    }

    fn remove_second_factor(&self, user: &str, record: &AuditRecord) -> Result<()> {
        const WHAT: &str = "removing a second factor";
        self.change(WHAT, |t| {
            if execute(t, WHAT, "DELETE FROM second_factors WHERE user = ?1", [people::key(user)])? == 0 {
                return Err(StoreError::NotFound("second factor"));
            }
            audit::append(t, record).map(drop)
        })
    }

    fn external_user(&self, provider: &str, subject: &str) -> Result<Option<String>> {
        let sql = "SELECT users.name FROM external_logins e JOIN users ON users.key = e.user WHERE provider = ?1 AND subject = ?2";
        self.look("reading a login", |t| {
            t.prepare_cached(sql)
                .and_then(|mut s| s.query_row([provider, subject], |row| row.get(0)).optional())
                .map_err(StoreError::state("reading a login"))
        })
    }

    fn add_external_user(&self, provider: &str, subject: &str, user: &NewUser, now: i64, record: &AuditRecord) -> Result<User> {
        self.change("adding a user", |t| {
            people::add(t, user, now)?;
            link_external(t, provider, subject, &user.name)?;
            audit::append(t, record)?;
            people::one(t, &user.name)?.ok_or(StoreError::NotFound("user"))
        })
    }

    fn add_wall(&self, device: &NewWallDevice<'_>, record: &AuditRecord) -> Result<WallDevice> {
        self.change("adding a wall", |t| {
            let device = add_wall(t, device)?;
            audit::append(t, record)?;
            Ok(device)
        })
    }

    fn enrol_wall(&self, code: &[u8; 32], token: &[u8; 32], peer: &str, now: i64) -> Result<Option<WallDevice>> {
        self.change("enrolling a wall", |t| enrol_wall(t, code, token, peer, now))
    }

    fn use_wall(&self, token: &[u8; 32], now: i64) -> Result<Option<WallDevice>> {
        const WHAT: &str = "noting the use of a wall";
        let found = self.look("reading a wall", |t| wall_of(t, token, now))?;
        if let Some(device) = &found
            && worth_noting(device.last_used.unwrap_or(0), now)
        {
            let sql = "UPDATE wall_devices SET last_used = ?2 WHERE name = ?1";
            self.change(WHAT, |t| execute(t, WHAT, sql, params![device.name, now]))?;
        }
        Ok(found)
    }

    fn walls(&self) -> Result<Vec<WallDevice>> {
        let rows: Vec<StoredWall> = self.look("reading walls", |t| {
            t.prepare_cached(&format!("SELECT {WALL} FROM wall_devices ORDER BY name"))
                .and_then(|mut s| s.query_map([], read_wall)?.collect())
                .map_err(StoreError::state("reading walls"))
        })?;
        rows.into_iter().map(finish_wall).collect()
    }

    fn remove_wall(&self, name: &str, record: &AuditRecord) -> Result<()> {
        const WHAT: &str = "removing a wall";
        self.change(WHAT, |t| {
            if execute(t, WHAT, "DELETE FROM wall_devices WHERE name = ?1", [name])? == 0 {
                return Err(StoreError::NotFound("wall"));
            }
            audit::append(t, record).map(drop)
        })
    }
}
