//! Why a source cannot run: what failed, why, what to do next.

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

/// Why the sources cannot start, or one of them had to end.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The port is taken.
    #[error("FSP-SRC-101: {transport} port {address} is in use by another program: find it with `ss -lnp 'sport = :{port}'` and stop it, or set another port in [[sources.{transport}]]", port = address.port())]
    Busy {
        /// `udp`, `tcp`, `tls`, `http`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The port needs a privilege.
    #[error(
        "FSP-SRC-102: no permission to listen on {transport} {address}: ports below 1024 need CAP_NET_BIND_SERVICE (the packaged service has it; by hand: `setcap cap_net_bind_service=+ep fansipan`), or set a port above 1023 in [[sources.{transport}]]"
    )]
    Permission {
        /// `udp`, `tcp`, `tls`, `http`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The address is not one of this machine's.
    #[error(
        "FSP-SRC-103: {transport} cannot listen on {address}, which is no address of this machine: see `ip addr`, or listen on 0.0.0.0 or [::]"
    )]
    NoSuchAddress {
        /// `udp`, `tcp`, `tls`, `http`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The operating system refused for another reason.
    #[error("FSP-SRC-104: {transport} cannot listen on {address}: {source}")]
    Listen {
        /// `udp`, `tcp`, `tls`, `http`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// A certificate, key or authority file cannot be used.
    #[error("FSP-SRC-105: {what} {path} is unusable: {why}")]
    Certificate {
        /// `certificate`, `key`, `client_ca`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// TLS without any certificate.
    #[error("FSP-SRC-106: TLS on {address} has no certificate: set `certificate` and `key` in [[sources.{transport}]]")]
    NoCertificate {
        /// `tls` or `http`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// A setting that cannot be used.
    #[error("FSP-SRC-107: sources.{setting} {problem}: {next}")]
    Setting {
        /// The setting.
        setting: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        next: String,
    },
    /// The file that remembers how far files were read cannot be used.
    #[error("FSP-SRC-108: cannot {action} {path}: {source}: check that the data folder exists and belongs to the service's user")]
    Checkpoint {
        /// `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("FSP-SRC-110: cannot start a thread for {what}: {source}: raise the limit of tasks of the service")]
    Thread {
        /// What it was for.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The right to capture is missing.
    #[error(
        "FSP-SRC-111: no permission to listen to {interface}: packets need CAP_NET_RAW (the packaged service has it; by hand: `setcap cap_net_raw=+ep fansipan`)"
    )]
    TapPermission {
        /// The interface.
        interface: String,
    },
    /// There is no such interface.
    #[error("FSP-SRC-112: there is no interface {interface}; there are: {others}; set `interface` in [[sources.tap]] to one of them")]
    TapNoInterface {
        /// The interface.
        interface: String,
        /// Those that there are.
        others: String,
    },
    /// A filter that cannot be read.
    #[error("FSP-SRC-113: the filter `{filter}` of {interface} cannot be used: {why}; see pcap-filter(7)")]
    TapFilter {
        /// The interface.
        interface: String,
        /// The filter.
        filter: String,
        /// What libpcap says.
        why: String,
    },
    /// The interface cannot be opened for another reason, or not now.
    #[error("FSP-SRC-114: cannot listen to {interface}: {why}; see `ip link show {interface}`")]
    Tap {
        /// The interface.
        interface: String,
        /// What the system says.
        why: String,
    },
}

impl SourceError {
    pub(crate) fn setting(setting: &str, problem: &str, next: &str) -> Self {
        SourceError::Setting { setting: setting.to_owned(), problem: problem.to_owned(), next: next.to_owned() }
    }

    /// Why listening failed, in words that help.
    pub(crate) fn listen(transport: &'static str, address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => SourceError::Busy { transport, address },
            io::ErrorKind::PermissionDenied => SourceError::Permission { transport, address },
            io::ErrorKind::AddrNotAvailable => SourceError::NoSuchAddress { transport, address },
            _ => SourceError::Listen { transport, address, source },
        }
    }
}
