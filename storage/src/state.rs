//! The state store as its callers see it: alerts, sources, users, sessions, settings, audit trail. No engine is named here.
//!
//! Instants are UTC nanoseconds and come from the caller. Secrets never come here in the clear: passwords as PHC strings,
//! session and API tokens as SHA-256.

use std::collections::BTreeMap;

use fansipan_model::{Agency, Alert, AlertId, AlertStatus, Incident, IncidentId, IncidentLink, Level, Scope, SourceInfo};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{error::Result, exceptions::ExceptionStore};

/// More events of an alert that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRepeat {
    /// Which alert.
    pub id: AlertId,
    /// Matching events added.
    pub count: u64,
    /// `@timestamp` of the earliest of them.
    pub first_seen: i64,
    /// `@timestamp` of the latest of them.
    pub last_seen: i64,
    /// Some of their ids; the alert keeps its first [`Alert::SAMPLE`].
    pub events: Vec<Uuid>,
}

/// One change of the alerts, from the analyzer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertChange {
    /// A new alert. If its id exists (opened before a restart), it counts as a repeat of it.
    Open(Box<Alert>),
    /// More events of an alert. Without the alert it counts as [`Applied::orphans`].
    Repeat(AlertRepeat),
    /// An alert over several events as it is now, new or not. What people decided about it stays.
    Put(Box<Alert>),
    /// A late event proved an alert wrong: it is listed and counted no more, and stays to be read by its id.
    Supersede {
        /// Which alert.
        id: AlertId,
        /// The one that covers its time instead, if any.
        by: Option<AlertId>,
    },
}

/// Matches of one rule within a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCount {
    /// Rule id.
    pub rule: String,
    /// Matching events.
    pub count: u64,
    /// `@timestamp` of the latest.
    pub last: i64,
}

/// What a consumer of the log wants kept together with how far it has read.
#[derive(Clone, Debug, Default)]
pub struct AlertBatch<'a> {
    /// Consumer name (`analyzer`).
    pub consumer: &'a str,
    /// First position of the log not covered by this batch.
    pub next_offset: u64,
    /// Changes, in order.
    pub changes: Vec<AlertChange>,
    /// Rule activity, for counters.
    pub rules: Vec<RuleCount>,
    /// Which alerts belong together, applied after the changes. What people decided stays.
    pub incidents: Vec<IncidentLink>,
}

/// Which incidents to list.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    /// Any of these; empty: every status.
    pub statuses: Vec<AlertStatus>,
    /// Opened at this instant or later.
    pub since: Option<i64>,
}

/// A decision of a person about an incident. Each can be undone by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentAct {
    /// Take or judge it.
    Status(AlertStatus),
    /// Give it to somebody or nobody.
    Assign(Option<String>),
    /// It is part of another one. Undone by `Unmerge`.
    Merge {
        /// Which.
        into: IncidentId,
    },
    /// It stands for itself again.
    Unmerge,
    /// Some of its alerts are an incident of their own. Undone by merging that one back.
    Split {
        /// Which.
        alerts: Vec<AlertId>,
    },
    /// An alert does not belong to it. Undone by `Attach`.
    Detach {
        /// Which.
        alert: AlertId,
    },
    /// An alert belongs to it.
    Attach {
        /// Which.
        alert: AlertId,
    },
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// True: the batch had been stored before (replay) and was not counted again.
    pub duplicate: bool,
    /// Alerts that are new, with their priority.
    pub opened: Vec<(AlertId, u32)>,
    /// Alerts that grew.
    pub grown: Vec<AlertId>,
    /// Events of repeats whose alert does not exist.
    pub orphans: u64,
}

/// In which order alerts are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertSort {
    /// Latest raised first.
    #[default]
    Raised,
    /// As the queue: highest priority first, then oldest. Open ones only.
    Priority,
}

/// Which alerts to list.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// Any of these; empty: every status.
    pub statuses: Vec<AlertStatus>,
    /// Any of these; empty: every level.
    pub levels: Vec<Level>,
    /// This rule id.
    pub rule: Option<String>,
    /// Held by this person; `Some("")`: by nobody.
    pub assignee: Option<String>,
    /// Text in title (both languages), summary, entity or rule id; case and nothing else is ignored.
    pub text: Option<String>,
    /// About this host, address, account or whatever else: a whole value, as the alert names it.
    pub entity: Option<String>,
    /// Last seen at this instant or later.
    pub since: Option<i64>,
    /// First seen before this instant.
    pub until: Option<i64>,
    /// In which order.
    pub sort: AlertSort,
    /// What to do with those that are held back.
    pub suppressed: Suppressed,
}

/// Alerts that an exception, a suppression or a maintenance window holds back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Suppressed {
    /// Leave them out.
    #[default]
    Without,
    /// These alone.
    Only,
    /// These too.
    With,
}

impl AlertFilter {
    /// New and acknowledged: work to do.
    pub const OPEN: [AlertStatus; 2] = [AlertStatus::New, AlertStatus::Acknowledged];
}

/// A page of alerts.
#[derive(Clone, Debug, Default)]
pub struct AlertPage {
    /// The alerts.
    pub items: Vec<Alert>,
    /// For each its place in the queue; see [`crate::cases::Rank`].
    pub priorities: Vec<u32>,
    /// Pass as `after` for the next page.
    pub next: Option<String>,
    /// All that match; at least so many when `total_exact` is false.
    pub total: u64,
    /// Whether `total` is exact.
    pub total_exact: bool,
}

/// Alerts counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AlertCounts {
    /// Per status word (`new`, `true_positive`…), all of them present.
    pub by_status: BTreeMap<String, u64>,
    /// Open ones per level word, all of them present.
    pub open_by_level: BTreeMap<String, u64>,
    /// Open ones.
    pub open: u64,
}

/// A rule by its alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleActivity {
    /// Rule id.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title.
    pub title_vi: Option<String>,
    /// Severity.
    pub level: Level,
    /// Its tags when it fired last.
    pub tags: Vec<String>,
    /// Matching events in its alerts.
    pub count: u64,
    /// Its alerts.
    pub alerts: u64,
}

impl RuleActivity {
    /// ATT&CK techniques (`t1110`, `t1110.001`) by alerts of the rules that name them, most first.
    pub fn techniques(rules: &[RuleActivity]) -> Vec<(String, u64)> {
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for (rule, tag) in rules.iter().flat_map(|rule| rule.tags.iter().map(move |tag| (rule, tag.to_lowercase()))) {
            let number = |technique: &&str| technique.strip_prefix('t').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
            if let Some(technique) = tag.strip_prefix("attack.").filter(number) {
                *found.entry(technique.to_owned()).or_default() += rule.alerts;
            }
        }
        let mut found: Vec<(String, u64)> = found.into_iter().collect();
        found.sort_by_key(|(_, alerts)| std::cmp::Reverse(*alerts));
        found
    }
}

/// A person who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Log-in name; unique whatever its case.
    pub name: String,
    /// As shown.
    pub display_name: String,
    /// PHC string; opaque here.
    pub password_hash: String,
    /// Role words.
    pub roles: Vec<String>,
    /// Whose data.
    pub scope: Scope,
    /// `vi` or `en`.
    pub language: String,
    /// Whether the password must be changed before anything else.
    pub must_change_password: bool,
    /// Whether log-in is refused.
    pub disabled: bool,
    /// When made.
    pub created: i64,
    /// Last log-in.
    pub last_login: Option<i64>,
    /// Grows by one with each change.
    pub version: u64,
    /// Whether a second factor is asked for at log-in.
    pub second_factor: bool,
    /// Where the user logs in, if not here: an OIDC provider's issuer, a directory's URL.
    pub provider: Option<String>,
}

/// A user to make.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Log-in name.
    pub name: String,
    /// As shown.
    pub display_name: String,
    /// PHC string.
    pub password_hash: String,
    /// Role words.
    pub roles: Vec<String>,
    /// Whose data.
    pub scope: Scope,
    /// `vi` or `en`.
    pub language: String,
    /// Whether the password must be changed first.
    pub must_change_password: bool,
}

/// What to change of a user; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// As shown.
    pub display_name: Option<String>,
    /// PHC string, and whether it must be changed at the next log-in. Ends every session of the user.
    pub password: Option<(String, bool)>,
    /// Role words. Ends every session of the user.
    pub roles: Option<Vec<String>>,
    /// Whose data. Ends every session of the user.
    pub scope: Option<Scope>,
    /// `vi` or `en`.
    pub language: Option<String>,
    /// Whether log-in is refused; `true` ends every session of the user.
    pub disabled: Option<bool>,
    /// A log-in happened then.
    pub last_login: Option<i64>,
}

/// A session to make.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// SHA-256 of the token in the cookie.
    pub token_hash: [u8; 32],
    /// Whose.
    pub user: &'a str,
    /// Now.
    pub created: i64,
    /// Ends then at the latest.
    pub expires: i64,
    /// Ends after this long without use, nanoseconds.
    pub idle: i64,
    /// Peer address, for the record.
    pub peer: Option<&'a str>,
    /// Browser, for the record; cut to 256 characters.
    pub agent: Option<&'a str>,
}

/// A live session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
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
}

/// An API token to make.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// Unique name, shown in lists and in the audit trail.
    pub name: &'a str,
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// Role words.
    pub roles: Vec<String>,
    /// Whose data.
    pub scope: Scope,
    /// Who made it.
    pub made_by: &'a str,
    /// Now.
    pub created: i64,
    /// Refused from then on.
    pub expires: Option<i64>,
    /// The person it speaks for; `None`: a program.
    pub owner: Option<&'a str>,
}

/// An API token, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Unique name.
    pub name: String,
    /// Role words.
    pub roles: Vec<String>,
    /// Whose data.
    pub scope: Scope,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub created: i64,
    /// Refused from then on.
    pub expires: Option<i64>,
    /// Last use known (kept to the minute).
    pub last_used: Option<i64>,
    /// Folded name of the person it speaks for; `None`: a program.
    pub owner: Option<String>,
}

/// Something done, to be recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: i64,
    /// Who: user, token or `system`.
    pub who: String,
    /// What: stable verb (`alert.status`, `session.open`).
    pub verb: String,
    /// On what: id or name.
    pub object: String,
    /// Whose data it was, if an agency's.
    pub agency: Option<Agency>,
    /// Details as JSON text; never a secret.
    pub details: String,
    /// From where.
    pub peer: Option<String>,
    /// Whether it was let in and succeeded.
    pub allowed: bool,
}

/// A record in the trail. `hash` = SHA-256 over the previous entry's hash and this one's canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Ordinal, from 1 without gaps.
    pub number: u64,
    /// When.
    pub at: i64,
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
    /// Hexadecimal; chains the trail.
    pub hash: String,
}

/// Which entries to list; newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// By this person.
    pub who: Option<String>,
    /// Verb, or its beginning up to a dot (`alert`).
    pub verb: Option<String>,
    /// On this object.
    pub object: Option<String>,
    /// From then on.
    pub since: Option<i64>,
    /// Before then.
    pub until: Option<i64>,
}

/// A page of the trail.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    /// Newest first.
    pub items: Vec<AuditEntry>,
    /// Pass as `before` for the next page.
    pub next: Option<u64>,
}

/// State with one owner. Every method is one transaction; calls block (use a blocking thread from async code).
pub trait StateStore: ExceptionStore + Send + Sync {
    // --- alerts ---

    /// Stores a batch together with how far its consumer has read. A batch at or before the stored position is a replay
    /// and changes nothing, so counts are exact across crashes.
    fn apply_alerts(&self, batch: &AlertBatch<'_>) -> Result<Applied>;

    /// How far a consumer has read: the `next_offset` of its last batch; 0 for one never seen.
    fn consumer_offset(&self, consumer: &str) -> Result<u64>;

    /// In the filter's order, at most `limit` (≤ 1,000), after a page's `next`.
    fn alerts(&self, scope: &Scope, filter: &AlertFilter, after: Option<&str>, limit: usize) -> Result<AlertPage>;

    /// One alert.
    fn alert(&self, scope: &Scope, id: AlertId) -> Result<Option<Alert>>;

    /// Judges an alert. `version`: the one the person saw; another one now: `Conflict`. It counts decisions of people, not growth:
    /// an alert may grow every second. `audit` is written in the same transaction.
    fn set_alert_status(&self, scope: &Scope, id: AlertId, status: AlertStatus, version: u64, audit: &AuditRecord) -> Result<Alert>;

    /// Gives an alert to somebody or nobody. As [`StateStore::set_alert_status`]; a new alert given to somebody becomes acknowledged.
    fn assign_alert(&self, scope: &Scope, id: AlertId, assignee: Option<&str>, version: u64, audit: &AuditRecord) -> Result<Alert>;

    /// Counts of all alerts.
    fn alert_counts(&self, scope: &Scope) -> Result<AlertCounts>;

    /// Alerts raised at this instant or later.
    fn alerts_raised_since(&self, scope: &Scope, since: i64) -> Result<u64>;

    /// Rules with alerts last seen since then, by matching events, most first.
    fn rule_activity(&self, scope: &Scope, since: i64) -> Result<Vec<RuleActivity>>;

    /// Matches of every rule ever seen, by rule id.
    fn rule_counts(&self) -> Result<Vec<RuleCount>>;

    // --- incidents ---

    /// Latest opened first, at most `limit` (≤ 500); those merged into others are part of them.
    fn incidents(&self, scope: &Scope, filter: &IncidentFilter, limit: usize) -> Result<Vec<Incident>>;

    /// One incident with its first 500 alerts, earliest first; its numbers count all.
    fn incident(&self, scope: &Scope, id: IncidentId) -> Result<Option<(Incident, Vec<Alert>)>>;

    /// For each alert the incident it is in now.
    fn incident_links(&self, alerts: &[AlertId]) -> Result<Vec<Option<IncidentId>>>;

    /// Carries out a decision; the incident to look at afterwards. `version` as in [`StateStore::set_alert_status`].
    fn change_incident(&self, scope: &Scope, id: IncidentId, version: u64, act: &IncidentAct, audit: &AuditRecord) -> Result<IncidentId>;

    // --- sources ---

    /// Inserts or replaces; a pinned format set by [`StateStore::pin_source`] is not overwritten.
    fn put_sources(&self, sources: &[SourceInfo]) -> Result<()>;

    /// All sources, by id.
    fn sources(&self, scope: &Scope) -> Result<Vec<SourceInfo>>;

    /// Fixes a source's format, or frees it. `NotFound` if unknown.
    fn pin_source(&self, scope: &Scope, id: &str, format: Option<&str>, audit: &AuditRecord) -> Result<SourceInfo>;

    // --- people ---

    /// Makes a user. `Exists` if the name is taken in any case.
    fn add_user(&self, user: &NewUser, now: i64, audit: &AuditRecord) -> Result<User>;

    /// By name, whatever its case.
    fn user(&self, name: &str) -> Result<Option<User>>;

    /// All, by name.
    fn users(&self) -> Result<Vec<User>>;

    /// Changes a user.
    fn change_user(&self, name: &str, change: &UserChange, audit: Option<&AuditRecord>) -> Result<User>;

    /// Removes a user and ends their sessions.
    fn remove_user(&self, name: &str, audit: &AuditRecord) -> Result<()>;

    /// Opens a session.
    fn open_session(&self, session: &NewSession<'_>) -> Result<()>;

    /// The live session of a token hash, whose use is noted; `None` when unknown, expired, idle too long, or the user is disabled.
    fn use_session(&self, token_hash: &[u8; 32], now: i64) -> Result<Option<(Session, User)>>;

    /// Ends a session. Nothing happens if there is none.
    fn close_session(&self, token_hash: &[u8; 32]) -> Result<()>;

    /// Ends every session of a user but, if given, this one; returns how many.
    fn close_sessions(&self, user: &str, except: Option<&[u8; 32]>) -> Result<u64>;

    /// Makes an API token.
    fn add_token(&self, token: &NewToken<'_>, audit: &AuditRecord) -> Result<ApiToken>;

    /// The valid API token of a hash, whose use is noted.
    fn use_token(&self, token_hash: &[u8; 32], now: i64) -> Result<Option<ApiToken>>;

    /// All API tokens, by name.
    fn tokens(&self) -> Result<Vec<ApiToken>>;

    /// Revokes an API token.
    fn remove_token(&self, name: &str, audit: &AuditRecord) -> Result<()>;

    // --- settings and trail ---

    /// A setting's JSON text.
    fn setting(&self, key: &str) -> Result<Option<String>>;

    /// Sets or removes a setting.
    fn put_setting(&self, key: &str, value: Option<&str>, audit: Option<&AuditRecord>) -> Result<()>;

    /// Appends to the audit trail.
    fn audit(&self, record: &AuditRecord) -> Result<AuditEntry>;

    /// The trail, newest first, entries numbered below `before`, at most `limit` (≤ 1,000).
    /// A scope of agencies sees entries of those agencies only.
    fn audit_trail(&self, scope: &Scope, filter: &AuditFilter, before: Option<u64>, limit: usize) -> Result<AuditPage>;

    /// Recomputes the chain; the number of entries, or `Damaged` naming the first that does not fit.
    fn verify_audit(&self) -> Result<u64>;

    // --- upkeep ---

    /// Removes expired sessions; folds the write-ahead log. Call every few minutes.
    fn tidy(&self, now: i64) -> Result<()>;

    /// SQLite's or the engine's own integrity check; empty: sound.
    fn check(&self) -> Result<Vec<String>>;

    /// Copies the whole state, consistent, to a new file.
    fn backup(&self, to: &std::path::Path) -> Result<()>;
}
