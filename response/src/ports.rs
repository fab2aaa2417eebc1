//! What response needs of the world around it, as traits: names, own addresses, observed traffic.

use std::{io, net::IpAddr};

use fansipan_model::Scope;
use fansipan_storage::{StoreError, TimeRange};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::target::Target;

/// Looks up host names.
pub trait Names: Send + Sync {
    /// The addresses a name stands for now. May wait for the network.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The names of this machine's resolver.
pub struct SystemNames;

impl Names for SystemNames {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        std::net::ToSocketAddrs::to_socket_addrs(&(name, 0)).map(|found| found.map(|a| a.ip()).collect())
    }
}

/// What this machine is and goes through.
pub trait Surroundings: Send + Sync {
    /// Own addresses and gateways, each with the reason that it is protected.
    fn networks(&self) -> io::Result<Vec<(IpNet, String)>>;
}

/// Traffic or logons of a target in a range of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Events that show it getting through.
    pub passed: u64,
    /// `@timestamp` of the latest of them, UTC nanoseconds.
    pub last: Option<i64>,
    /// What saw them: devices and hosts, most first.
    pub via: Vec<String>,
    /// Events that show it being stopped.
    pub stopped: u64,
    /// The latest of both, as they were recorded: they stay with the action when the events themselves have expired.
    #[serde(default)]
    pub events: Vec<Counted>,
}

/// An event that was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// `event.id`
    pub id: String,
    /// `@timestamp`, UTC nanoseconds.
    pub at: i64,
    /// Whether it got through; else it was stopped.
    pub passed: bool,
    /// What saw it.
    pub via: String,
    /// The record as received, its first kibibyte.
    pub record: String,
    /// SHA-256 of the whole record.
    pub sha256: String,
}

/// Who is hit by an action, from what was observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// Over so many days.
    pub days: u32,
    /// Events of the target.
    pub events: u64,
    /// The other ends it talked with, most first.
    pub peers: Vec<(String, u64)>,
    /// Host names of its events, most first.
    pub hosts: Vec<(String, u64)>,
    /// Accounts of its events, most first.
    pub users: Vec<(String, u64)>,
    /// Destination ports, most first.
    pub services: Vec<(String, u64)>,
    /// Whether what was observed could be read at all.
    pub known: bool,
}

/// Reads what was observed.
pub trait Telemetry: Send + Sync {
    /// What a target got through, and what was stopped.
    fn seen(&self, scope: &Scope, target: &Target, range: TimeRange) -> Result<Seen, StoreError>;
    /// Who is hit when the target is cut off.
    fn impact(&self, scope: &Scope, target: &Target, range: TimeRange) -> Result<Impact, StoreError>;
}
