//! The state store on SQLite: one writer, some readers, write-ahead log.
//!
//! Every change is durable when its call returns (`synchronous = FULL`). The file and its companions are readable by the
//! service's user only.

mod alerts;
mod audit;
mod exceptions;
mod find;
mod folding;
mod handover;
mod identity;
mod incidents;
mod list;
mod own_rules;
mod people;
mod queue;
mod response;
mod sessions;
mod sources;
mod tally;
mod workspace;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use fansipan_model::{Alert, AlertId, AlertStatus, Incident, IncidentId, Scope, SourceInfo};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, types::Value};
use rusqlite_migration::{M, Migrations};

use self::folding::Folding;
use crate::{
    error::{Result, StoreError},
    state::{
        AlertBatch, AlertCounts, AlertFilter, AlertPage, ApiToken, Applied, AuditEntry, AuditFilter, AuditPage, AuditRecord, IncidentAct,
        IncidentFilter, NewSession, NewToken, NewUser, RuleActivity, RuleCount, Session, StateStore, User, UserChange,
    },
};

/// Readers kept open.
const READERS: usize = 4;

/// The state database.
pub struct SqliteState {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    folding: Folding,
}

impl SqliteState {
    /// Opens or creates the database and brings it to this program's version.
    pub fn open(path: impl Into<PathBuf>) -> Result<SqliteState> {
        let path = path.into();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(StoreError::io("cannot create", folder))?;
        }
        create_private(&path)?;
        let mut writer = connect(&path, false)?;
        writer.pragma_update(None, "journal_mode", "WAL").map_err(StoreError::state("switching to the write-ahead log"))?;
        writer.pragma_update(None, "synchronous", "FULL").map_err(StoreError::state("opening"))?;
        let migrations = Migrations::new(vec![
            M::up(include_str!("schema.sql")),
            M::up(include_str!("schema_2.sql")),
            M::up(include_str!("schema_3.sql")),
            M::up(include_str!("schema_4.sql")),
            M::up(include_str!("schema_5.sql")),
            M::up(include_str!("schema_6.sql")),
            M::up(include_str!("schema_7.sql")),
            M::up(include_str!("schema_8.sql")),
            M::up(include_str!("schema_9.sql")),
            M::up(include_str!("schema_10.sql")),
            M::up(include_str!("schema_11.sql")),
        ]);
        migrations.to_latest(&mut writer).map_err(|e| StoreError::Migration { path: path.clone(), reason: e.to_string() })?;
        // what it keeps to take a single statement back, some thousands a second: a file of that costs more than the statements
        writer.pragma_update(None, "temp_store", "MEMORY").map_err(StoreError::state("opening"))?;
        let folding = Folding::begin(&path, &writer, connect(&path, false)?)?;
        Ok(SqliteState { path, writer: Mutex::new(writer), readers: Mutex::new(Vec::new()), folding })
    }

    /// Runs a change in one transaction.
    fn change<T>(&self, what: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::state(what))?;
        let out = work(&transaction)?;
        transaction.commit().map_err(StoreError::state(what))?;
        self.folding.after_commit(&writer);
        Ok(out)
    }

    /// Runs reads on one consistent state.
    fn look<T>(&self, what: &'static str, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = match kept {
            Some(reader) => reader,
            None => connect(&self.path, true)?,
        };
        let out = {
            let transaction = reader.transaction().map_err(StoreError::state(what))?;
            work(&transaction)
        };
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(reader);
        }
        out
    }
}

/// An empty file only its owner reads, if there is none.
fn create_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let opened = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    opened.map(drop).map_err(StoreError::io("cannot create", path))
}

fn connect(path: &Path, read_only: bool) -> Result<Connection> {
    let mode = if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let open = || {
        let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // the writer keeps what closing a hundred thousand alerts touches
        connection.pragma_update(None, "cache_size", if read_only { -16_000 } else { -96_000 })?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(StoreError::state("opening"))
}

/// JSON text of something that always has one.
fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What stored JSON text says.
fn parsed<T: serde::de::DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| StoreError::Damaged { what, reason: e.to_string() })
}

/// Conditions of a `WHERE`, with their arguments.
#[derive(Default)]
struct Conditions {
    sql: Vec<String>,
    args: Vec<Value>,
}

impl Conditions {
    /// A condition with one `?`.
    fn add(&mut self, sql: &str, arg: impl Into<Value>) {
        self.sql.push(sql.to_owned());
        self.args.push(arg.into());
    }

    /// `column IN (…)`.
    fn any(&mut self, column: &str, args: impl IntoIterator<Item = Value>) {
        let before = self.args.len();
        self.args.extend(args);
        let marks = vec!["?"; self.args.len() - before].join(", ");
        self.sql.push(format!("{column} IN ({marks})"));
    }

    /// What a scope may see.
    fn scope(&mut self, scope: &Scope) {
        if let Scope::Agencies(list) = scope {
            self.any("agency", list.iter().map(|a| Value::Text(a.as_str().to_owned())));
        }
    }

    fn text(&self) -> String {
        if self.sql.is_empty() { String::new() } else { format!(" WHERE {}", self.sql.join(" AND ")) }
    }

    fn args(&self) -> impl rusqlite::Params + '_ {
        rusqlite::params_from_iter(self.args.iter())
    }
}

impl StateStore for SqliteState {
    fn apply_alerts(&self, batch: &AlertBatch<'_>) -> Result<Applied> {
        self.change("storing alerts", |t| alerts::apply(t, batch))
    }

    fn consumer_offset(&self, consumer: &str) -> Result<u64> {
        self.look("reading a position", |t| alerts::offset(t, consumer))
    }

    fn alerts(&self, scope: &Scope, filter: &AlertFilter, after: Option<&str>, limit: usize) -> Result<AlertPage> {
        self.look("listing alerts", |t| list::page(t, scope, filter, after, limit))
    }

    fn alert(&self, scope: &Scope, id: AlertId) -> Result<Option<Alert>> {
        self.look("reading an alert", |t| alerts::one(t, scope, id))
    }

    fn set_alert_status(&self, scope: &Scope, id: AlertId, status: AlertStatus, version: u64, audit: &AuditRecord) -> Result<Alert> {
        self.change("judging an alert", |t| {
            let decided = alerts::decide(t, scope, id, version, |alert| alert.status = status)?;
            audit::append(t, audit)?;
            Ok(decided)
        })
    }

    fn assign_alert(&self, scope: &Scope, id: AlertId, assignee: Option<&str>, version: u64, audit: &AuditRecord) -> Result<Alert> {
        self.change("assigning an alert", |t| {
            let decided = alerts::decide(t, scope, id, version, |alert| {
                alert.assignee = assignee.map(str::to_owned);
                if assignee.is_some() && alert.status == AlertStatus::New {
                    alert.status = AlertStatus::Acknowledged;
                }
            })?;
            audit::append(t, audit)?;
            Ok(decided)
        })
    }

    fn alert_counts(&self, scope: &Scope) -> Result<AlertCounts> {
        self.look("counting alerts", |t| list::counts(t, scope))
    }

    fn alerts_raised_since(&self, scope: &Scope, since: i64) -> Result<u64> {
        self.look("counting alerts", |t| list::raised_since(t, scope, since))
    }

    fn rule_activity(&self, scope: &Scope, since: i64) -> Result<Vec<RuleActivity>> {
        self.look("counting alerts by rule", |t| list::rule_activity(t, scope, since))
    }

    fn rule_counts(&self) -> Result<Vec<RuleCount>> {
        self.look("reading rule counters", alerts::rule_counts)
    }

    fn incidents(&self, scope: &Scope, filter: &IncidentFilter, limit: usize) -> Result<Vec<Incident>> {
        self.look("listing incidents", |t| incidents::page(t, scope, filter, limit))
    }

    fn incident(&self, scope: &Scope, id: IncidentId) -> Result<Option<(Incident, Vec<Alert>)>> {
        self.look("reading an incident", |t| incidents::one(t, scope, id))
    }

    fn incident_links(&self, alerts: &[AlertId]) -> Result<Vec<Option<IncidentId>>> {
        self.look("reading incidents", |t| incidents::links(t, alerts))
    }

    fn change_incident(&self, scope: &Scope, id: IncidentId, version: u64, act: &IncidentAct, audit: &AuditRecord) -> Result<IncidentId> {
        self.change("deciding about an incident", |t| {
            let shown = incidents::change(t, scope, id, version, act)?;
            audit::append(t, audit)?;
            Ok(shown)
        })
    }

    fn put_sources(&self, sources: &[SourceInfo]) -> Result<()> {
        self.change("storing sources", |t| sources::put(t, sources))
    }

    fn sources(&self, scope: &Scope) -> Result<Vec<SourceInfo>> {
        self.look("reading sources", |t| sources::all(t, scope))
    }

    fn pin_source(&self, scope: &Scope, id: &str, format: Option<&str>, audit: &AuditRecord) -> Result<SourceInfo> {
        self.change("pinning a source", |t| {
            let pinned = sources::pin(t, scope, id, format)?;
            audit::append(t, audit)?;
            Ok(pinned)
        })
    }

    fn add_user(&self, user: &NewUser, now: i64, audit: &AuditRecord) -> Result<User> {
        self.change("adding a user", |t| {
            let user = people::add(t, user, now)?;
            audit::append(t, audit)?;
            Ok(user)
        })
    }

    fn user(&self, name: &str) -> Result<Option<User>> {
        self.look("reading a user", |t| people::one(t, name))
    }

    fn users(&self) -> Result<Vec<User>> {
        self.look("reading users", people::all)
    }

    fn change_user(&self, name: &str, change: &UserChange, audit: Option<&AuditRecord>) -> Result<User> {
        self.change("changing a user", |t| {
            let user = people::change(t, name, change)?;
            if let Some(record) = audit {
                audit::append(t, record)?;
            }
            Ok(user)
        })
    }

    fn remove_user(&self, name: &str, audit: &AuditRecord) -> Result<()> {
        self.change("removing a user", |t| {
            people::remove(t, name)?;
            audit::append(t, audit)?;
            Ok(())
        })
    }

    fn open_session(&self, session: &NewSession<'_>) -> Result<()> {
        self.change("opening a session", |t| sessions::open(t, session))
    }

    fn use_session(&self, token_hash: &[u8; 32], now: i64) -> Result<Option<(Session, User)>> {
        let found = self.look("reading a session", |t| sessions::live(t, token_hash, now))?;
        if let Some((session, _)) = &found
            && sessions::worth_noting(session.last_used, now)
        {
            self.change("noting the use of a session", |t| sessions::note(t, token_hash, now))?;
        }
        Ok(found)
    }

    fn close_session(&self, token_hash: &[u8; 32]) -> Result<()> {
        self.change("closing a session", |t| sessions::close(t, token_hash))
    }

    fn close_sessions(&self, user: &str, except: Option<&[u8; 32]>) -> Result<u64> {
        self.change("closing sessions", |t| sessions::close_all(t, user, except))
    }

    fn add_token(&self, token: &NewToken<'_>, audit: &AuditRecord) -> Result<ApiToken> {
        self.change("adding a token", |t| {
            let token = sessions::add_token(t, token)?;
            audit::append(t, audit)?;
            Ok(token)
        })
    }

    fn use_token(&self, token_hash: &[u8; 32], now: i64) -> Result<Option<ApiToken>> {
        let found = self.look("reading a token", |t| sessions::valid_token(t, token_hash, now))?;
        if let Some(token) = &found
            && sessions::worth_noting(token.last_used.unwrap_or(0), now)
        {
            self.change("noting the use of a token", |t| sessions::note_token(t, &token.name, now))?;
        }
        Ok(found)
    }

    fn tokens(&self) -> Result<Vec<ApiToken>> {
        self.look("reading tokens", sessions::tokens)
    }

    fn remove_token(&self, name: &str, audit: &AuditRecord) -> Result<()> {
        self.change("removing a token", |t| {
            sessions::remove_token(t, name)?;
            audit::append(t, audit)?;
            Ok(())
        })
    }

    fn setting(&self, key: &str) -> Result<Option<String>> {
        self.look("reading a setting", |t| sources::setting(t, key))
    }

    fn put_setting(&self, key: &str, value: Option<&str>, audit: Option<&AuditRecord>) -> Result<()> {
        self.change("storing a setting", |t| {
            sources::put_setting(t, key, value)?;
            if let Some(record) = audit {
                audit::append(t, record)?;
            }
            Ok(())
        })
    }

    fn audit(&self, record: &AuditRecord) -> Result<AuditEntry> {
        self.change("writing the audit trail", |t| audit::append(t, record))
    }

    fn audit_trail(&self, scope: &Scope, filter: &AuditFilter, before: Option<u64>, limit: usize) -> Result<AuditPage> {
        self.look("reading the audit trail", |t| audit::page(t, scope, filter, before, limit))
    }

    fn verify_audit(&self) -> Result<u64> {
        self.look("checking the audit trail", audit::verify)
    }

    fn tidy(&self, now: i64) -> Result<()> {
        self.change("removing expired sessions", |t| sessions::expire(t, now))?;
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        folding::fold(&writer);
        writer.execute_batch("PRAGMA optimize").map_err(StoreError::state("keeping statistics"))
    }

    fn check(&self) -> Result<Vec<String>> {
        self.look("checking", |t| {
            let mut statement = t.prepare("PRAGMA integrity_check(100)").map_err(StoreError::state("checking"))?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0)).map_err(StoreError::state("checking"))?;
            let lines: Vec<String> = lines.collect::<rusqlite::Result<_>>().map_err(StoreError::state("checking"))?;
            Ok(lines.into_iter().filter(|l| l != "ok").collect())
        })
    }

    fn backup(&self, to: &Path) -> Result<()> {
        let text = to.to_str().ok_or(StoreError::NotFound("backup path in UTF-8"))?;
        let reader = connect(&self.path, true)?;
        reader.execute("VACUUM INTO ?1", [text]).map(drop).map_err(StoreError::state("copying to the backup"))
    }
}
