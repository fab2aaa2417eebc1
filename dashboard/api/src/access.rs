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
    /// Shows what the videowall shows; for enrolled screens, not for people.
    Wall,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 8] =
        [Role::Viewer, Role::Analyst, Role::Responder, Role::Engineer, Role::Auditor, Role::Administrator, Role::Sender, Role::Wall];

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
            Role::Wall => "wall",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.as_str() == word)
    }

    /// Whether people may hold it.
    pub fn for_people(self) -> bool {
        !matches!(self, Role::Sender | Role::Wall)
    }
}

/// One thing that can be permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// The overview, the live stream.
    ReadOverview,
    /// What the videowall shows.
    ReadWall,
    /// Alerts with their events.
    ReadAlerts,
    /// Judge and assign alerts.
    JudgeAlerts,
    /// Incidents with their story, evidence and tasks.
    ReadIncidents,
    /// Work on incidents: take, judge, merge, split, note, attach.
    WorkIncidents,
    /// Search stored events; entities.
    ReadEvents,
    /// Take data out in bulk.
    Export,
    /// Captured packets: what people said to each other, word for word.
    ReadPackets,
    /// Sources and their loss ledger.
    ReadSources,
    /// Pin formats.
    ManageSources,
    /// Rules, their text and diagnostics.
    ReadRules,
    /// Write, test and switch rules.
    ManageRules,
    /// Make exceptions from rules.
    ManageExceptions,
    /// Actions on devices, playbooks and their runs.
    ReadResponse,
    /// Order actions on devices; run playbooks.
    Respond,
    /// Approve what somebody else ordered.
    ApproveActions,
    /// Write playbooks; set up connectors.
    ManageResponse,
    /// Assets, vulnerabilities, risk, policies.
    ReadAssets,
    /// Change assets, import vulnerabilities, decide about policies.
    ManageAssets,
    /// Reports.
    ReadReports,
    /// State of the service itself.
    ReadStatus,
    /// Settings of the centre.
    ManageSettings,
    /// The audit trail.
    ReadAudit,
    /// See users, their sessions, tokens and walls.
    ReadUsers,
    /// Create, disable, reset users; end sessions; API tokens; walls.
    ManageUsers,
}

use Role::{Administrator, Analyst, Auditor, Engineer, Responder, Viewer, Wall};

/// Everybody who looks.
const READERS: &[Role] = &[Viewer, Analyst, Responder, Engineer, Auditor, Administrator];

/// The one table of the product: permission, its stable dotted name (in the OpenAPI document, in refusals, in `GET /session`),
/// and the roles that have it. In the order of [`Permission`].
pub const TABLE: &[(Permission, &str, &[Role])] = &[
    (Permission::ReadOverview, "overview.read", READERS),
    (Permission::ReadWall, "wall.read", &[Viewer, Analyst, Responder, Engineer, Auditor, Administrator, Wall]),
    (Permission::ReadAlerts, "alerts.read", READERS),
    (Permission::JudgeAlerts, "alerts.judge", &[Analyst, Responder, Administrator]),
    (Permission::ReadIncidents, "incidents.read", READERS),
    (Permission::WorkIncidents, "incidents.work", &[Analyst, Responder, Administrator]),
    (Permission::ReadEvents, "events.read", READERS),
    (Permission::Export, "export", &[Analyst, Responder, Engineer, Auditor, Administrator]),
    (Permission::ReadPackets, "packets.read", &[Analyst, Responder, Administrator]),
    (Permission::ReadSources, "sources.read", READERS),
    (Permission::ManageSources, "sources.manage", &[Engineer, Administrator]),
    (Permission::ReadRules, "rules.read", READERS),
    (Permission::ManageRules, "rules.manage", &[Engineer, Administrator]),
    (Permission::ManageExceptions, "exceptions.manage", &[Responder, Engineer, Administrator]),
    (Permission::ReadResponse, "response.read", READERS),
    (Permission::Respond, "response.act", &[Responder, Administrator]),
    (Permission::ApproveActions, "response.approve", &[Responder, Administrator]),
    (Permission::ManageResponse, "response.manage", &[Engineer, Administrator]),
    (Permission::ReadAssets, "assets.read", READERS),
    (Permission::ManageAssets, "assets.manage", &[Engineer, Administrator]),
    (Permission::ReadReports, "reports.read", READERS),
    (Permission::ReadStatus, "status.read", READERS),
    (Permission::ManageSettings, "settings.manage", &[Administrator]),
    (Permission::ReadAudit, "audit.read", &[Auditor, Administrator]),
    (Permission::ReadUsers, "users.read", &[Auditor, Administrator]),
    (Permission::ManageUsers, "users.manage", &[Administrator]),
];

impl Permission {
    fn row(self) -> &'static (Permission, &'static str, &'static [Role]) {
        &TABLE[self as usize]
    }

    /// Stable dotted name, shown in the OpenAPI document and in refusals.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The roles that have it.
    pub fn roles(self) -> &'static [Role] {
        self.row().2
    }

    /// Whether one of `roles` has it.
    pub fn held_by(self, roles: &[Role]) -> bool {
        roles.iter().any(|r| self.roles().contains(r))
    }

    /// The names of all that `roles` have.
    pub fn names(roles: &[Role]) -> Vec<&'static str> {
        TABLE.iter().filter(|(p, ..)| p.held_by(roles)).map(|(_, name, _)| *name).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_permissions_and_names_are_unique() {
        for (place, (permission, name, roles)) in TABLE.iter().enumerate() {
            assert_eq!(*permission as usize, place, "{name}");
            assert!(!roles.contains(&Role::Sender), "senders see nothing");
            assert!(roles.contains(&Role::Administrator));
            assert_eq!(TABLE.iter().filter(|row| row.1 == *name).count(), 1, "{name}");
        }
        assert_eq!(TABLE.len(), Permission::ManageUsers as usize + 1);
        assert_eq!(Permission::names(&[Role::Wall]), ["wall.read"], "a wall sees the wall and nothing else");
        let auditor = Permission::names(&[Role::Auditor]);
        assert!(auditor.iter().all(|name| name.ends_with(".read") || *name == "export"), "auditors change nothing: {auditor:?}");
    }
}
