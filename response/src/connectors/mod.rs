//! Devices that take orders: a file each, and one line in [`connect`].
//!
//! Every order is repeatable or can be looked up, so that after a crash a step is never done twice: [`Connector::probe`] tells
//! whether it is in force; where a device cannot tell, a person is asked instead of trying again.

mod cef;
mod email;
mod fortigate;
mod http;
mod nftables;
mod pfsense;
mod secret;
mod ssh;
mod webhook;

use std::{future::Future, pin::Pin, time::Duration};

use serde::Deserialize;

pub use self::{
    cef::CefConfig, email::EmailConfig, fortigate::FortigateConfig, nftables::NftablesConfig, pfsense::PfsenseConfig, ssh::SshConfig,
    webhook::WebhookConfig,
};
use crate::{
    action::{Action, ActionKind},
    error::{ResponseError, Result},
    protected::Cleared,
};

/// How long a device may take for one order.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Work on a device.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// Why a device did not do it; decides what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Not reached: nothing was done. Tried again.
    Unreachable,
    /// The answer did not come, or the work is half done. Looked up, then tried again.
    Unclear,
    /// The device said no, to the order or to our credentials. Not tried again.
    Refused,
}

/// Why a device did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it means for the order.
    pub kind: FaultKind,
    /// What happened and what to do; never a secret.
    pub detail: String,
}

impl Fault {
    pub(crate) fn unreachable(detail: impl Into<String>) -> Fault {
        Fault { kind: FaultKind::Unreachable, detail: detail.into() }
    }

    pub(crate) fn unclear(detail: impl Into<String>) -> Fault {
        Fault { kind: FaultKind::Unclear, detail: detail.into() }
    }

    pub(crate) fn refused(detail: impl Into<String>) -> Fault {
        Fault { kind: FaultKind::Refused, detail: detail.into() }
    }
}

/// Whether an order is in force on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Present,
    /// It is not.
    Absent,
    /// The device cannot tell.
    Unknown,
}

/// A device that takes orders.
pub trait Connector: Send + Sync {
    /// What it can do.
    fn does(&self) -> &'static [ActionKind];

    /// The hosts it is reached at, which no action may cut off.
    fn hosts(&self) -> Vec<String> {
        Vec::new()
    }

    /// What the device would be told, line by line. Touches nothing.
    fn plan(&self, action: &Action) -> Vec<String>;

    /// Does it; what the device answered.
    fn apply<'a>(&'a self, cleared: &'a Cleared<'a>) -> Work<'a, String>;

    /// Undoes it; what is not in force is undone already.
    fn undo<'a>(&'a self, action: &'a Action) -> Work<'a, String>;

    /// Whether it is in force.
    fn probe<'a>(&'a self, action: &'a Action) -> Work<'a, Presence>;

    /// Whether an order that was refused may have left something behind on the device.
    fn leaves_traces(&self) -> bool {
        false
    }

    /// Whether the receiver knows a repeated order by its key and does it once.
    fn repeatable(&self) -> bool {
        false
    }
}

/// `[response.devices.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeviceConfig {
    /// nftables of this host.
    Nftables(NftablesConfig),
    /// nftables of another Linux host, over SSH.
    NftablesSsh(SshConfig),
    /// Any system that takes a signed HTTP request.
    Webhook(WebhookConfig),
    /// CEF over syslog to another system.
    Cef(CefConfig),
    /// E-mail.
    Email(EmailConfig),
    /// An address group of a FortiGate.
    Fortigate(FortigateConfig),
    /// An alias of a pfSense firewall.
    Pfsense(PfsenseConfig),
}

/// A device, ready to take orders. Reads secrets from their files.
///
/// # Errors
/// [`ResponseError::Device`] where a setting or a file does not serve.
pub fn connect(name: &str, config: &DeviceConfig) -> Result<Box<dyn Connector>> {
    let made: Result<Box<dyn Connector>, String> = match config {
        DeviceConfig::Nftables(c) => nftables::local(c),
        DeviceConfig::NftablesSsh(c) => ssh::nftables(c),
        DeviceConfig::Webhook(c) => webhook::connect(c),
        DeviceConfig::Cef(c) => cef::connect(c),
        DeviceConfig::Email(c) => email::connect(c),
        DeviceConfig::Fortigate(c) => fortigate::connect(c),
        DeviceConfig::Pfsense(c) => pfsense::connect(c),
    };
    made.map_err(|why| ResponseError::Device { device: name.to_owned(), why })
}

/// Bounds work on a device by [`PATIENCE`].
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(Fault::unclear(format!("{what}: no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// The name that an action's traces carry on devices, so that they can be found and told from others'.
pub(crate) fn mark(action: &Action) -> String {
    format!("fansipan-{}", action.id.simple())
}
