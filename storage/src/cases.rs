//! The work of people on alerts and incidents as its callers see it: taking the next alert, judging many at once and taking that
//! back, what is known about an alert's context. No engine is named here.
//!
//! Instants are UTC nanoseconds and come from the caller, as do tokens: the store knows no clock and no chance.

use std::{collections::BTreeMap, ops::ControlFlow};

use fansipan_model::{
    Alert, AlertId, AlertStatus, Incident, IncidentId, Scope,
    case::{ItemBody, Stage},
};
use serde::Serialize;

use crate::{
    error::Result,
    events::TimeRange,
    state::{AlertFilter, AuditRecord, IncidentFilter},
};

/// Why an alert stands where it stands in the queue: the priority is about `level × confidence × risk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rank {
    /// 0 to 2,250; higher comes first.
    pub priority: u32,
    /// From the rule's level, 50 to 1,000.
    pub level: u32,
    /// What verdicts say of the rule, per mille: 500 (always wrong) to 1,500 (always right); 1,000 without verdicts.
    pub confidence: u32,
    /// What else is known against the same entities, per mille: 1,000 (nothing) to 1,500.
    pub risk: u32,
}

/// An alert that somebody has taken from the queue.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The alert, now theirs.
    pub alert: Alert,
    /// Why it was first.
    pub rank: Rank,
    /// What is first now.
    pub following: Option<Alert>,
}

/// Which alerts to judge together.
#[derive(Clone, Debug, Default)]
pub struct BulkRequest {
    /// Which; superseded ones never.
    pub filter: AlertFilter,
    /// Only these, if any are named.
    pub ids: Vec<AlertId>,
    /// To what.
    pub status: AlertStatus,
    /// By whom: becomes the holder of alerts that nobody holds.
    pub who: String,
    /// Now.
    pub at: i64,
    /// Names the decision, for taking it back; unique.
    pub token: String,
}

/// What a bulk decision did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BulkDone {
    /// Alerts that changed.
    pub changed: u64,
    /// Alerts of the decision that somebody has decided about since: they stay (only when taking back).
    pub kept: u64,
}

/// Verdicts counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Attacks.
    pub true_positive: u64,
    /// Mistakes of the rule.
    pub false_positive: u64,
    /// Real and harmless.
    pub benign: u64,
}

impl Verdicts {
    /// Alerts that somebody judged.
    pub fn judged(&self) -> u64 {
        self.true_positive + self.false_positive + self.benign
    }

    /// So many alerts have a status, by its stored number; those not judged count nowhere.
    pub(crate) fn put(&mut self, status: i64, alerts: u64) {
        match status {
            2 => self.true_positive = alerts,
            3 => self.false_positive = alerts,
            4 => self.benign = alerts,
            _ => {}
        }
    }
}

/// What happened to one entity of an alert lately, as far as alerts tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityHistory {
    /// Its value.
    pub value: String,
    /// Its alerts of the period, at most [`ContextRequest::ALERTS`], latest first.
    pub alerts: Vec<Alert>,
    /// Whether there are more.
    pub more: bool,
    /// Alerts per day of the period, the last one today; of those looked at.
    pub days: Vec<u64>,
}

/// What to look for around an alert.
#[derive(Clone, Copy, Debug)]
pub struct ContextRequest {
    /// Which.
    pub id: AlertId,
    /// Now.
    pub now: i64,
    /// Days of history.
    pub days: u32,
}

impl ContextRequest {
    /// Alerts looked at for each entity.
    pub const ALERTS: usize = 200;
}

/// What is known around an alert.
#[derive(Clone, Debug)]
pub struct AlertContext {
    /// Its rank now, with today's confidence and risk.
    pub rank: Rank,
    /// Verdicts on alerts of its rule.
    pub verdicts: Verdicts,
    /// Judged alerts of the same rule that share an entity with it, latest first, at most 20.
    pub similar: Vec<Alert>,
    /// Each entity's history.
    pub entities: Vec<EntityHistory>,
}

/// What happened in a range, as the overview counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Alerts raised in the range.
    pub alerts: u64,
    /// Of those: high or critical, and not judged false or harmless.
    pub attacks: u64,
    /// Incidents opened in the range.
    pub incidents: u64,
}

/// Something in the workspace of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// When it was put there.
    pub at: i64,
    /// By whom.
    pub who: String,
    /// What it is.
    pub body: ItemBody,
    /// Grows by one with each change.
    pub version: u64,
}

/// The workspace of an incident, with those of the incidents merged into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// How far its handling is.
    pub stage: Stage,
    /// What is known: the fields that stages demand, and `system_level`.
    pub facts: BTreeMap<String, String>,
    /// What people put there, earliest first.
    pub items: Vec<Item>,
}

/// An incident goes to another stage.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The version of the incident that the person saw.
    pub version: u64,
    /// To which stage; the same: only facts change.
    pub to: Stage,
    /// Facts to add or replace; an empty text forgets one.
    pub facts: BTreeMap<String, String>,
    /// Why, when it goes back.
    pub reason: String,
    /// By whom.
    pub who: String,
    /// Now.
    pub at: i64,
    /// Names the entry that is made in the workspace.
    pub id: String,
}

/// A search somebody keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSearch {
    /// Its id.
    pub id: String,
    /// Whose.
    pub owner: String,
    /// Whether others see it.
    pub shared: bool,
    /// Its name.
    pub name: String,
    /// Query, range and columns as JSON text; opaque here.
    pub body: String,
    /// Last changed.
    pub at: i64,
    /// Grows by one with each change.
    pub version: u64,
}

/// What people do with alerts, beside single decisions. Every method is one transaction; calls block.
pub trait CaseStore: Send + Sync {
    /// Gives the first new alert of the queue that fits the filter to `who`: highest priority, then oldest. Two callers never
    /// get the same. `None`: there is none. `audit`'s object becomes the alert's id.
    fn claim_next(&self, scope: &Scope, filter: &AlertFilter, who: &str, audit: &AuditRecord) -> Result<Option<Claimed>>;

    /// How many alerts a bulk decision would change, exact.
    fn bulk_count(&self, scope: &Scope, request: &BulkRequest) -> Result<u64>;

    /// Judges many alerts in one transaction. `TooMuch` beyond [`BULK_MOST`].
    fn bulk_judge(&self, scope: &Scope, request: &BulkRequest, audit: &AuditRecord) -> Result<BulkDone>;

    /// Takes a bulk decision back, where nobody has decided since. `who`: only their own, `None`: anybody's.
    fn bulk_undo(&self, scope: &Scope, token: &str, who: Option<&str>, at: i64, audit: &AuditRecord) -> Result<BulkDone>;

    /// What is known around an alert; `None`: no such alert.
    fn alert_context(&self, scope: &Scope, request: ContextRequest) -> Result<Option<AlertContext>>;

    /// Alerts about something raised since then, latest first, at most `limit` (≤ 500), and whether there are more.
    fn alerts_of_entity(&self, scope: &Scope, value: &str, since: i64, limit: usize) -> Result<(Vec<Alert>, bool)>;

    /// Hands every incident that fits to `each`, latest opened first, until it breaks. For exports.
    fn each_incident(&self, scope: &Scope, filter: &IncidentFilter, each: &mut dyn FnMut(&Incident) -> ControlFlow<()>) -> Result<()>;

    /// What the overview counts of alerts and incidents.
    fn figures(&self, scope: &Scope, range: TimeRange) -> Result<Figures>;

    /// Incidents that are open now.
    fn open_incidents(&self, scope: &Scope) -> Result<u64>;

    /// The workspace of an incident; `None`: no such incident.
    fn workspace(&self, scope: &Scope, id: IncidentId) -> Result<Option<Workspace>>;

    /// Leads an incident to another stage. `Refused` when a demanded fact is missing, or it goes back without a reason.
    /// Beyond `new` its status becomes acknowledged; closed, it becomes the verdict.
    fn advance(&self, scope: &Scope, id: IncidentId, step: &Advance, audit: &AuditRecord) -> Result<Workspace>;

    /// Makes an alert that is in no incident one of its own, opened by whoever asks; the incident it is in then, or was in before.
    fn escalate(&self, scope: &Scope, alert: AlertId, audit: &AuditRecord) -> Result<IncidentId>;

    /// Puts something into a workspace. `TooMuch` beyond [`ITEMS_MOST`].
    fn add_item(&self, scope: &Scope, incident: IncidentId, item: &Item, audit: &AuditRecord) -> Result<Item>;

    /// Replaces something in a workspace, of the same kind; `version` as seen.
    fn change_item(
        &self,
        scope: &Scope,
        incident: IncidentId,
        item: &str,
        version: u64,
        body: &ItemBody,
        audit: &AuditRecord,
    ) -> Result<Item>;

    /// Takes something out of a workspace; evidence and stages stay.
    fn remove_item(&self, scope: &Scope, incident: IncidentId, item: &str, version: u64, audit: &AuditRecord) -> Result<()>;

    /// Searches somebody keeps, and those shared, by name.
    fn saved_searches(&self, who: &str) -> Result<Vec<SavedSearch>>;

    /// Keeps a search; an existing one only by its owner and with the version seen (0: a new one).
    fn save_search(&self, search: &SavedSearch, audit: &AuditRecord) -> Result<SavedSearch>;

    /// Forgets a search of one's own.
    fn remove_search(&self, owner: &str, id: &str, audit: &AuditRecord) -> Result<()>;
}

/// Things in one workspace at most.
pub const ITEMS_MOST: usize = 5_000;
/// Searches one person keeps at most.
pub const SEARCHES_MOST: usize = 500;

/// Alerts that one bulk decision may change.
pub const BULK_MOST: usize = 1_000_000;
