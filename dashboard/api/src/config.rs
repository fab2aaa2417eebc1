//! What the operator may set of the API.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

pub use crate::{
    access::Role,
    identity::{DirectoryConfig, GroupRule, OidcConfig, Rate},
    server::OwnCertificate,
};

/// Settings of the API; `ApiConfig::new` holds the safe defaults.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Where to listen for HTTPS; loopback unless configured.
    pub listen: SocketAddr,
    /// The data folder: `tls/` and `api.sock` are made in it.
    pub data: PathBuf,
    /// The operator's certificate; `None`: one of ours.
    pub certificate: Option<OwnCertificate>,
    /// Further names and addresses for a certificate of ours.
    pub names: Vec<String>,
    /// A session ends after this long without a request.
    pub idle: Duration,
    /// A session ends this long after login in any case.
    pub absolute: Duration,
    /// Roles whose holders must log in with a second factor.
    pub second_factor: Vec<Role>,
    /// Where people log in beside here, in the browser.
    pub oidc: Option<OidcConfig>,
    /// Whose names and passwords are good here too.
    pub directory: Option<DirectoryConfig>,
    /// Requests of one identity.
    pub rate: Rate,
    /// A MaxMind database of countries, for the map; `None`: only what events say.
    pub geo: Option<PathBuf>,
    /// GeoJSON of the world, each country with `iso_a2`; the console's own unless given.
    pub map: Option<PathBuf>,
    /// Version of the product, shown by `/status`.
    pub version: String,
    /// Role of this process (`all`, `console`…), shown by `/status`.
    pub role: String,
}

impl ApiConfig {
    /// Defaults: 127.0.0.1:8443, own certificate made on first run, 30 minutes idle, 12 hours in all.
    pub fn new(data: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            data,
            certificate: None,
            names: Vec::new(),
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 3600),
            second_factor: Vec::new(),
            oidc: None,
            directory: None,
            rate: Rate::new(50, 300),
            geo: None,
            map: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            role: "all".to_owned(),
        }
    }
}
