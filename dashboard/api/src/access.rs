//! Who may do what: roles, permissions, and the one table that joins them.
//!
//! Never decides about data of an agency: that is the caller's [`fansipan_model::Scope`], applied by the stores.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person does in the centre. A user holds one or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Looks, searches and judges alerts.
    Analyst,
    /// What an analyst does, and acts on devices.
    Responder,
    /// Looks after sources, formats and rules.
    Engineer,
    /// Reads everything, the audit trail too, and changes nothing.
    Auditor,
    /// Everything, users too.
    Administrator,
    /// Sends events over HTTP and sees nothing; for tokens, not for people.
    Sender,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 7] =
        [Role::Viewer, Role::Analyst, Role::Responder, Role::Engineer, Role::Auditor, Role::Administrator, Role::Sender];

    /// The word used in JSON and in the state store.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Analyst => "analyst",
            Role::Responder => "responder",
            Role::Engineer => "engineer",
            Role::Auditor => "auditor",
            Role::Administrator => "administrator",
            Role::Sender => "sender",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.as_str() == word)
    }
}

/// One thing that can be permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// The overview, the live stream.
    ReadOverview,
    /// Alerts with their events.
    ReadAlerts,
    /// Judge and assign alerts.
    JudgeAlerts,
    /// Search stored events.
    ReadEvents,
    /// Sources and their loss ledger.
    ReadSources,
    /// Pin formats.
    ManageSources,
    /// Rules, their text and diagnostics.
    ReadRules,
    /// Actions on devices, playbooks and their runs.
    ReadResponse,
    /// Order actions on devices; run playbooks.
    Respond,
    /// Approve what somebody else ordered.
    ApproveActions,
    /// State of the service itself.
    ReadStatus,
    /// The audit trail.
    ReadAudit,
    /// See users.
    ReadUsers,
    /// Create, disable, reset users; API tokens.
    ManageUsers,
}

impl Permission {
    /// Stable dotted name, shown in the OpenAPI document and in refusals.
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::ReadOverview => "overview.read",
            Permission::ReadAlerts => "alerts.read",
            Permission::JudgeAlerts => "alerts.judge",
            Permission::ReadEvents => "events.read",
            Permission::ReadSources => "sources.read",
            Permission::ManageSources => "sources.manage",
            Permission::ReadRules => "rules.read",
            Permission::ReadResponse => "response.read",
            Permission::Respond => "response.act",
            Permission::ApproveActions => "response.approve",
            Permission::ReadStatus => "status.read",
            Permission::ReadAudit => "audit.read",
            Permission::ReadUsers => "users.read",
            Permission::ManageUsers => "users.manage",
        }
    }

    /// The roles that have it. The one table of the product.
    pub fn roles(self) -> &'static [Role] {
        use Role::{Administrator, Analyst, Auditor, Engineer, Responder, Viewer};
        match self {
            Permission::ReadOverview
            | Permission::ReadAlerts
            | Permission::ReadEvents
            | Permission::ReadSources
            | Permission::ReadRules
            | Permission::ReadResponse
            | Permission::ReadStatus => &[Viewer, Analyst, Responder, Engineer, Auditor, Administrator],
            Permission::JudgeAlerts => &[Analyst, Responder, Administrator],
            Permission::Respond | Permission::ApproveActions => &[Responder, Administrator],
            Permission::ManageSources => &[Engineer, Administrator],
            Permission::ReadAudit | Permission::ReadUsers => &[Auditor, Administrator],
            Permission::ManageUsers => &[Administrator],
        }
    }

    /// Whether one of `roles` has it.
    pub fn held_by(self, roles: &[Role]) -> bool {
        roles.iter().any(|r| self.roles().contains(r))
    }
}

/// What a route demands of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: anybody may call.
    Open,
    /// A session or other identity, even one whose password must be changed first.
    Identified,
    /// An identity that has this permission.
    Needs(Permission),
}

/// What a route leaves in the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// Nothing; the text says why that is right.
    Nothing(&'static str),
    /// One entry with this verb for each call that was let in, and for each that was not.
    Verb(&'static str),
}
