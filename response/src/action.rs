//! An action: what is done to what, on which device, who asked and who agreed, where it stands.
//!
//! ```text
//! proposed ─▶ approved ─▶ running ─▶ done ─▶ expired | undoing ─▶ undone
//!    │           ▲   │        │
//!    │           └───┴────────┤ retried while the device cannot be reached
//!    ├▶ rejected, cancelled   ├▶ failed: the device said no; nothing changed
//!                             └▶ handed_over: a person must look
//! ```

use std::collections::BTreeMap;

use fansipan_model::{Level, time};
use fansipan_storage::{ResponseKind, ResponseRow};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error::{ResponseError, Result},
    ports::{Impact, Seen},
    target::Target,
};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Traffic from and to addresses is dropped.
    Block,
    /// An account cannot log on.
    Disable,
    /// People or another system are told.
    Notify,
}

impl ActionKind {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            ActionKind::Block => "block",
            ActionKind::Disable => "disable",
            ActionKind::Notify => "notify",
        }
    }
}

/// Where an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// Asked for; its dry run was shown.
    Proposed,
    /// Agreed to; will be done at once.
    Approved,
    /// Being done.
    Running,
    /// In force.
    Done,
    /// Its time is over; it is being undone.
    Expired,
    /// Somebody wants it undone; it is being undone.
    Undoing,
    /// No longer in force.
    Undone,
    /// The device said no; nothing changed.
    Failed,
    /// A person must look: the device was out of reach for too long, or how far the work went is unknown.
    HandedOver,
    /// Not agreed to.
    Rejected,
    /// Taken back.
    Cancelled,
}

impl ActionState {
    /// The word in JSON and in the state store.
    pub fn as_str(self) -> &'static str {
        match self {
            ActionState::Proposed => "proposed",
            ActionState::Approved => "approved",
            ActionState::Running => "running",
            ActionState::Done => "done",
            ActionState::Expired => "expired",
            ActionState::Undoing => "undoing",
            ActionState::Undone => "undone",
            ActionState::Failed => "failed",
            ActionState::HandedOver => "handed_over",
            ActionState::Rejected => "rejected",
            ActionState::Cancelled => "cancelled",
        }
    }

    /// States in which something may be, or come, in force on the device.
    pub const OPEN: [ActionState; 7] = [
        ActionState::Proposed,
        ActionState::Approved,
        ActionState::Running,
        ActionState::Done,
        ActionState::Expired,
        ActionState::Undoing,
        ActionState::HandedOver,
    ];

    /// Whether a playbook need not wait for it any longer.
    pub fn is_settled(self) -> bool {
        !matches!(self, ActionState::Proposed | ActionState::Approved | ActionState::Running)
    }
}

/// Whether an action had the effect it should have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing to watch: not done yet, or nothing that events could show.
    #[default]
    None,
    /// Events are being watched; so far nothing gets through.
    Watching,
    /// Nothing got through until the watch ended.
    Effective,
    /// Something still gets through.
    Ineffective,
    /// Nothing gets through, but nothing was seen before the act either: it proves nothing.
    Unproven,
    /// What was observed could not be read.
    Unknown,
}

/// What the watch after an act found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The finding.
    pub verdict: Verdict,
    /// Nothing got through since then; for what still passes, the act.
    pub since: Option<i64>,
    /// When the watch ends.
    pub until: Option<i64>,
    /// When it looks next.
    pub next: Option<i64>,
    /// When it looked last: what was counted is from the act until then.
    #[serde(default)]
    pub looked: Option<i64>,
    /// What was seen since the act.
    pub seen: Seen,
    /// One sentence in English.
    pub text: String,
    /// The same in Vietnamese.
    pub text_vi: String,
}

/// Somebody who decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Name as in the audit trail: a user, `token:NAME`, `local:uid=N`, `playbook:NAME`.
    pub who: String,
    /// The person behind it: two names of one person are one person.
    pub person: String,
    /// When, UTC nanoseconds.
    pub at: i64,
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub agency: String,
    /// What is done.
    pub kind: ActionKind,
    /// To what.
    pub target: Target,
    /// On which device, by its name in the configuration.
    pub device: String,
    /// What else the device needs to know; for notifications `subject` and `text`.
    pub parameters: BTreeMap<String, String>,
    /// How grave it is.
    pub level: Level,
    /// Why.
    pub reason: String,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// The run of a playbook that asked for it.
    pub run: Option<Uuid>,
    /// Who asked.
    pub requested: Decision,
    /// Who agreed.
    pub approved: Option<Decision>,
    /// Whether the one who asked may not agree.
    pub two_person: bool,
    /// Where it stands.
    pub state: ActionState,
    /// How long it holds, nanoseconds; `None`: until undone.
    pub lasts: Option<i64>,
    /// When it came into force.
    pub done: Option<i64>,
    /// When its time is over.
    pub expires: Option<i64>,
    /// What the device is told, line by line, as the dry run showed it.
    pub plan: Vec<String>,
    /// Who is hit, as the dry run showed it.
    pub impact: Impact,
    /// Whether it is, or was, being undone: what a person is asked for then is the undoing.
    pub undoing: bool,
    /// Tries of the present step.
    pub attempts: u32,
    /// When the present step is tried again.
    pub retry: Option<i64>,
    /// Steps begun so far: numbers the journal.
    pub steps: u32,
    /// What the device said last.
    pub answer: String,
    /// Whether the act had its effect.
    pub verification: Verification,
    /// Changes so far.
    pub version: u64,
}

impl Action {
    /// When something must be done by itself.
    pub fn due(&self) -> Option<i64> {
        match self.state {
            ActionState::Approved | ActionState::Running | ActionState::Expired | ActionState::Undoing => {
                Some(self.retry.unwrap_or(i64::MIN))
            }
            ActionState::Done => [self.expires, self.verification.next].into_iter().flatten().min(),
            _ => None,
        }
    }

    /// The row that is kept.
    pub(crate) fn row(&self) -> ResponseRow {
        ResponseRow {
            id: self.id,
            kind: ResponseKind::Action,
            agency: self.agency.clone(),
            state: self.state.as_str().to_owned(),
            incident: self.incident.clone(),
            due: self.due(),
            created: self.requested.at,
            version: self.version,
            body: serde_json::to_string(self).unwrap_or_default(),
        }
    }

    /// Reads a row.
    pub(crate) fn read(row: &ResponseRow) -> Result<Action> {
        serde_json::from_str(&row.body).map_err(|e| ResponseError::Damaged { what: "action", reason: e.to_string() })
    }

    /// One line that names it.
    pub fn title(&self) -> String {
        match self.kind {
            ActionKind::Notify => format!("notify through {}", self.device),
            kind => format!("{} {} on {}", kind.as_str(), self.target.text(), self.device),
        }
    }
}

/// How grave an action is: what it can break decides.
pub fn level(kind: ActionKind, target: &Target) -> Level {
    match (kind, target) {
        (ActionKind::Notify, _) => Level::Informational,
        (ActionKind::Disable, _) => Level::High,
        (ActionKind::Block, target) => target.networks().iter().map(block_level).max().unwrap_or(Level::High),
    }
}

fn block_level(net: &IpNet) -> Level {
    let single = match net {
        IpNet::V4(n) => n.prefix_len() == 32,
        IpNet::V6(n) => n.prefix_len() >= 64,
    };
    let wide = match net {
        IpNet::V4(n) => n.prefix_len() < 24,
        IpNet::V6(n) => n.prefix_len() < 48,
    };
    let inside = match net {
        IpNet::V4(n) => n.addr().is_private(),
        IpNet::V6(n) => n.addr().is_unique_local(),
    };
    match (wide, inside, single) {
        (true, ..) => Level::Critical,
        (_, true, _) | (_, _, false) => Level::High,
        _ => Level::Medium,
    }
}

/// An instant as the journal writes it: to the second, UTC.
pub(crate) fn clock(at: i64) -> String {
    time::to_rfc3339(at - at.rem_euclid(time::SECOND))
}
