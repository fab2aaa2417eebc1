//! The configuration file: one definition per setting, unknown keys are errors, defaults are safe.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use fansipan_model::said;
use serde::Deserialize;

/// Where the file is looked for when none is named.
const DEFAULT_PATH: &str = "/etc/fansipan/fansipan.toml";

/// Everything an operator can set. Every key has a default; a file need only hold what differs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// What is received, from whom, how much of it.
    pub(crate) sources: fansipan_collector::sources::SourcesConfig,
    /// The durable log between receiving and everything else.
    pub(crate) log: LogConfig,
    /// Stored events.
    pub(crate) storage: StorageConfig,
    /// Detection rules.
    pub(crate) rules: RulesConfig,
    /// Parameters of the network detectors that differ from those shipped (`analyzer/data/network.toml`).
    pub(crate) detectors: toml::Table,
    /// Actions on devices and playbooks.
    pub(crate) response: fansipan_response::ResponseConfig,
    /// HTTPS console and API.
    pub(crate) console: ConsoleConfig,
    /// The bus of a distributed deployment; `fansipan run` needs none.
    pub(crate) kafka: fansipan_bus::kafka::Settings,
    /// The event store that several processes share; `fansipan run` needs none.
    pub(crate) clickhouse: crate::roles::ArchiveConfig,
    /// A single role of a distributed deployment.
    pub(crate) role: RoleConfig,
}

/// `[role]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RoleConfig {
    /// Address of `/healthz`, `/readyz` and `/metrics` of this role.
    pub(crate) listen: SocketAddr,
    /// Seconds between snapshots of what analyzers remember.
    pub(crate) snapshot_seconds: u64,
}

impl Default for RoleConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9600)), snapshot_seconds: 60 }
    }
}

/// `[log]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// Most disk space the log may take, MiB.
    pub(crate) max_mib: u64,
    /// How long records that everybody has read are kept, hours.
    pub(crate) max_hours: u64,
    /// Size of one segment, MiB.
    pub(crate) segment_mib: u64,
    /// Free disk space below which nothing more is taken in, MiB.
    pub(crate) min_free_mib: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { max_mib: 10 << 10, max_hours: 24, segment_mib: 64, min_free_mib: 512 }
    }
}

impl LogConfig {
    pub(crate) fn bus(&self, dir: PathBuf) -> fansipan_bus::BusConfig {
        fansipan_bus::BusConfig {
            segment_bytes: self.segment_mib << 20,
            max_bytes: self.max_mib << 20,
            max_age: Duration::from_secs(self.max_hours * 3600),
            min_free_bytes: self.min_free_mib << 20,
            ..fansipan_bus::BusConfig::new(dir)
        }
    }
}

/// `[storage]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StorageConfig {
    /// Days events are kept, where their class says nothing else.
    pub(crate) days: u64,
    /// Days by class, such as `classes = { netflow = 30 }`.
    pub(crate) classes: std::collections::BTreeMap<String, u64>,
    /// Most disk space stored events may take, GiB; the oldest day goes first. 0: no bound but the disk's.
    pub(crate) max_gib: u64,
    /// Memory for building indexes, MiB.
    pub(crate) index_memory_mib: usize,
}

impl Default for StorageConfig {
    fn default() -> Self {
        // Circular 03/2017 asks systems of level 3 and above to keep logs; a year is what an auditor expects.
        Self { days: 365, classes: std::collections::BTreeMap::new(), max_gib: 0, index_memory_mib: 256 }
    }
}

impl StorageConfig {
    pub(crate) fn engine(&self, dir: PathBuf, log: String) -> fansipan_storage::engine::EngineConfig {
        fansipan_storage::engine::EngineConfig { dir, heap_bytes: self.index_memory_mib << 20, log }
    }

    pub(crate) fn retention(&self) -> fansipan_storage::RetentionPolicy {
        let days = |n: u64| Duration::from_secs(n * 86_400);
        fansipan_storage::RetentionPolicy {
            max_age: self.classes.iter().map(|(class, &n)| (class.clone(), days(n))).collect(),
            default_age: Some(days(self.days)),
            max_bytes: (self.max_gib > 0).then_some(self.max_gib << 30),
            holds: Vec::new(),
        }
    }
}

/// `[rules]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RulesConfig {
    /// Whether the rules shipped with the program are in force.
    pub(crate) shipped: bool,
    /// Files and folders of further Sigma rules; changes take effect within seconds.
    pub(crate) paths: Vec<PathBuf>,
    /// Minutes within which repeats of a rule about the same things count up one alert.
    pub(crate) group_minutes: u32,
    /// Minutes that an event may come later than a younger one of its group and still count in correlations.
    pub(crate) late_minutes: u32,
    /// Groups (of accounts, addresses…) that one correlation remembers at a time.
    pub(crate) correlation_groups: u32,
}

impl Default for RulesConfig {
    fn default() -> Self {
        Self { shipped: true, paths: Vec::new(), group_minutes: 60, late_minutes: 5, correlation_groups: 1_000_000 }
    }
}

impl RulesConfig {
    /// How repeats are folded.
    pub(crate) fn grouping(&self) -> fansipan_analyzer::GroupingConfig {
        fansipan_analyzer::GroupingConfig {
            window: i64::from(self.group_minutes) * 60 * fansipan_model::time::SECOND,
            ..Default::default()
        }
    }

    /// How patient and how large correlations are.
    pub(crate) fn correlation(&self) -> fansipan_analyzer::Settings {
        fansipan_analyzer::Settings {
            lateness: i64::from(self.late_minutes) * 60 * fansipan_model::time::SECOND,
            groups: self.correlation_groups.max(1) as usize,
            ..Default::default()
        }
    }
}

impl Config {
    /// How patient and how large correlations are, and the parameters of the network detectors.
    pub(crate) fn correlation(&self) -> Result<fansipan_analyzer::Settings> {
        let network = fansipan_analyzer::Parameters::with(&self.detectors)
            .with_context(|| said!("FSP-CFG-014: [detectors] of the configuration", "FSP-CFG-014: [detectors] của cấu hình"))?;
        Ok(fansipan_analyzer::Settings { network: Some(std::sync::Arc::new(network)), ..self.rules.correlation() })
    }
}

/// `[console]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConsoleConfig {
    /// Address of the HTTPS console and API.
    pub(crate) listen: SocketAddr,
    /// Certificate chain, PEM; with `key`. Without both, one is made on first start.
    pub(crate) certificate: Option<PathBuf>,
    /// Private key, PEM.
    pub(crate) key: Option<PathBuf>,
    /// Further names and addresses for the certificate made on first start.
    pub(crate) names: Vec<String>,
    /// A MaxMind database (`.mmdb`) of countries, for the map; without one only devices that name countries put events on it.
    pub(crate) geo: Option<PathBuf>,
    /// GeoJSON of the world, each country with `iso_a2`, drawn instead of the console's own map.
    pub(crate) map: Option<PathBuf>,
    /// Minutes without a request after which a session ends.
    pub(crate) idle_minutes: u64,
    /// Hours after which a session ends in any case.
    pub(crate) session_hours: u64,
    /// Most MiB of packets in one file that is handed out.
    pub(crate) packets_mib: u64,
    /// Roles whose holders must log in with a second factor.
    pub(crate) second_factor: Vec<fansipan_api::Role>,
    /// An OIDC provider.
    pub(crate) oidc: Option<crate::logins::Oidc>,
    /// A directory.
    pub(crate) ldap: Option<crate::logins::Ldap>,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            certificate: None,
            key: None,
            names: Vec::new(),
            geo: None,
            map: None,
            idle_minutes: 30,
            session_hours: 12,
            packets_mib: 256,
            second_factor: Vec::new(),
            oidc: None,
            ldap: None,
        }
    }
}

impl ConsoleConfig {
    /// Bytes of packets in one file.
    pub(crate) fn packets(&self) -> Result<u64> {
        if !(1..=1024).contains(&self.packets_mib) {
            let mib = self.packets_mib;
            bail!(said!(
                "FSP-CFG-015: [console] packets_mib is {mib}: give 1 to 1024",
                "FSP-CFG-015: [console] packets_mib là {mib}: hãy đặt từ 1 đến 1024"
            ));
        }
        Ok(self.packets_mib << 20)
    }

    pub(crate) fn api(&self, data: &Path) -> Result<fansipan_api::ApiConfig> {
        let mut config = fansipan_api::ApiConfig::new(data.to_owned());
        config.listen = self.listen;
        config.names.clone_from(&self.names);
        config.geo.clone_from(&self.geo);
        config.map.clone_from(&self.map);
        config.idle = Duration::from_secs(self.idle_minutes * 60);
        config.absolute = Duration::from_secs(self.session_hours * 3600);
        config.second_factor.clone_from(&self.second_factor);
        config.oidc = self.oidc.as_ref().map(crate::logins::Oidc::api).transpose()?;
        config.directory = self.ldap.as_ref().map(crate::logins::Ldap::api).transpose()?;
        config.certificate = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some(fansipan_api::OwnCertificate { certificate: certificate.clone(), key: key.clone() }),
            (None, None) => None,
            _ => bail!(said!(
                "FSP-CFG-004: [console] certificate and key go together: set both, or neither to use one made on first start",
                "FSP-CFG-004: [console] certificate và key đi cùng nhau: hãy đặt cả hai, hoặc bỏ cả hai để dùng chứng thư được tạo khi chạy lần đầu"
            )),
        };
        Ok(config)
    }
}

/// Reads the named file, or the default one if it exists, or takes the defaults.
pub(crate) fn load(named: Option<&Path>) -> Result<Config> {
    let path = named.unwrap_or(Path::new(DEFAULT_PATH));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound && named.is_none() => return Ok(Config::default()),
        Err(e) => {
            return Err(e).with_context(|| {
                let path = path.display();
                said!(
                    "FSP-CFG-001: cannot read {path}: give a readable file with --config",
                    "FSP-CFG-001: không đọc được {path}: hãy chỉ ra tệp đọc được bằng --config"
                )
            });
        }
    };
    parse(&text).with_context(|| {
        let path = path.display();
        said!(
            "FSP-CFG-002: {path} is not a valid configuration; nothing was started",
            "FSP-CFG-002: {path} không phải là cấu hình hợp lệ; chưa khởi động gì"
        )
    })
}

fn parse(text: &str) -> Result<Config, toml::de::Error> {
    toml::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::{load, parse};

    #[test]
    fn an_empty_file_is_the_defaults() {
        let config = parse("").unwrap();
        assert!(config.console.listen.ip().is_loopback());
        assert!(config.rules.shipped);
    }

    #[test]
    fn unknown_keys_are_named() {
        let error = parse("[console]\nlisen = \"127.0.0.1:1\"\n").unwrap_err().to_string();
        assert!(error.contains("lisen") && error.contains("listen"), "{error}");
    }

    #[test]
    fn logins_elsewhere_are_encrypted_and_let_in_whom_a_group_names() {
        let refused = |text: &str| {
            let config = parse(text).map_err(anyhow::Error::from);
            format!("{:#}", config.and_then(|c| c.console.api("/tmp".as_ref())).unwrap_err())
        };
        let oidc = |issuer: &str, groups: &str| {
            format!("[console.oidc]\nissuer = \"{issuer}\"\nclient_id = \"f\"\nconsole = \"https://soc\"\n{groups}")
        };
        let viewers = "[[console.oidc.groups]]\ngroup = \"soc\"\nroles = [\"viewer\"]\n";
        assert!(parse(&oidc("https://id", viewers)).unwrap().console.api("/tmp".as_ref()).is_ok());
        assert!(refused(&oidc("http://id", viewers)).contains("FSP-CFG-007"));
        assert!(refused(&oidc("https://id", "groups = []\n")).contains("FSP-CFG-006"));
        assert!(refused(&oidc("https://id", &viewers.replace("viewer", "wall"))).contains("FSP-CFG-006"));
        assert!(refused(&oidc("https://id", &viewers.replace("viewer", "god"))).contains("god"));
        let ldap = "[console.ldap]\nurl = \"ldap://d\"\nbind_dn = \"cn=s\"\nbind_password_file = \"/none\"\nbase = \"o=x\"\ngroups = []\n";
        assert!(refused(ldap).contains("FSP-CFG-008"));
        assert!(refused(&ldap.replace("ldap://", "ldaps://")).contains("FSP-CFG-005"));
        assert!(refused("[console]\nsecond_factor = [\"boss\"]\n").contains("boss"));
    }

    #[test]
    fn a_file_of_packets_has_a_bound() {
        let packets = |text: &str| parse(text).unwrap().console.packets();
        assert_eq!((packets("").unwrap(), packets("[console]\npackets_mib = 1024").unwrap()), (256 << 20, 1 << 30));
        for bad in ["[console]\npackets_mib = 0", "[console]\npackets_mib = 1025"] {
            assert!(packets(bad).unwrap_err().to_string().contains("FSP-CFG-015"), "{bad}");
        }
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = format!("{:#}", load(Some("/nonexistent/fansipan.toml".as_ref())).unwrap_err());
        assert!(error.contains("FSP-CFG-001") && error.contains("/nonexistent/fansipan.toml"), "{error}");
    }

    #[test]
    fn configurations_of_the_layouts_are_valid() {
        let kubernetes = include_str!("../packaging/kubernetes/fansipan.yaml");
        let block = kubernetes.split_once("fansipan.toml: |\n").unwrap().1;
        let inside = block.lines().take_while(|l| l.starts_with("    ")).map(|l| l.trim_start().to_owned() + "\n");
        // the part for those who have ClickHouse stands there as comments
        let whole: String =
            inside.map(|l| l.strip_prefix("# ").filter(|l| l.starts_with(['[', 'u'])).map_or(l.clone(), str::to_owned)).collect();
        for text in [include_str!("../packaging/compose/fansipan.toml"), &whole.replace("user and", "# user and")] {
            let config = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
            config.kafka.check().unwrap();
            config.correlation().unwrap();
            assert!(!config.sources.tcp.is_empty() && !config.role.listen.ip().is_loopback());
        }
    }

    #[test]
    fn the_sample_configuration_is_the_defaults() {
        let sample = parse(include_str!("../packaging/fansipan.toml")).unwrap();
        assert_eq!(format!("{sample:?}"), format!("{:?}", parse("").unwrap()));
    }
}
