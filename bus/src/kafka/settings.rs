//! `[kafka]` of the configuration file. Unknown keys are errors; secrets stand in files of their own.

use std::{fs, path::PathBuf, time::Duration};

use rdkafka::ClientConfig;
use serde::Deserialize;

use super::error::KafkaError;

/// Letters of the longest name of a process.
const LONGEST_NAME: usize = 128;

/// Whether Kafka takes the text as part of a name.
fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether `[kafka] name` may be so.
pub fn is_name(name: &str) -> bool {
    is_word(name) && name.len() <= LONGEST_NAME
}

/// How to reach Kafka and what to call things there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `host:port` of some brokers.
    pub brokers: Vec<String>,
    /// Name of this process, different from every other one's; empty: the machine's name.
    pub name: String,
    /// Put before the name of every topic and group, for several deployments on one cluster.
    pub prefix: String,
    /// Partitions of the topics that are made: events and correlated records.
    pub partitions: i32,
    /// Copies of the topics that are made.
    pub replication: i32,
    /// Hours that events stay in Kafka.
    pub retention_hours: u64,
    /// Seconds without an answer of the brokers after which senders are acknowledged from the spool.
    pub spool_after_seconds: u64,
    /// TLS.
    pub tls: Option<Tls>,
    /// SASL.
    pub sasl: Option<Sasl>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            name: String::new(),
            prefix: String::new(),
            partitions: 12,
            replication: 3,
            retention_hours: 72,
            spool_after_seconds: 5,
            tls: None,
            sasl: None,
        }
    }
}

/// `[kafka.tls]`: encrypted connections; with certificate and key, mutual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM file with the authority of the brokers' certificates; none: the system's authorities.
    pub ca: Option<PathBuf>,
    /// PEM file with this client's certificate.
    pub certificate: Option<PathBuf>,
    /// PEM file with its key.
    pub key: Option<PathBuf>,
}

/// `[kafka.sasl]`: user and password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sasl {
    /// `SCRAM-SHA-256`, `SCRAM-SHA-512`, or, over TLS only, `PLAIN`.
    pub mechanism: String,
    /// Who.
    pub username: String,
    /// File with the password, readable by the service alone.
    pub password_file: PathBuf,
}

/// How long a transaction may stay open before the brokers end it: what readers wait at most after a process was killed.
pub(crate) const TRANSACTION: Duration = Duration::from_secs(20);

impl Settings {
    /// Whether Kafka is configured at all.
    pub fn is_set(&self) -> bool {
        !self.brokers.is_empty()
    }

    /// Finds what cannot work before anything is started.
    ///
    /// # Errors
    /// [`KafkaError::Setting`].
    pub fn check(&self) -> Result<(), KafkaError> {
        let wrong = |setting, problem: &str| Err(KafkaError::Setting { setting, problem: problem.to_owned() });
        if self.brokers.is_empty() {
            return wrong("brokers", "is empty: name some brokers as [\"host:9092\"]; on one machine use `fansipan run`, which needs none");
        }
        if !is_word(&self.prefix) || self.prefix.len() > 64 {
            return wrong("prefix", "may have letters, digits, `.`, `_` and `-` only, at most 64");
        }
        if !is_name(&self.name) {
            return wrong("name", "may have letters, digits, `.`, `_` and `-` only, at most 128");
        }
        if !(1..=1024).contains(&self.partitions) {
            return wrong("partitions", "must be between 1 and 1024");
        }
        if !(1..=15).contains(&self.replication) {
            return wrong("replication", "must be between 1 and 15; 3 survives the loss of a broker");
        }
        if let Some(tls) = &self.tls
            && tls.certificate.is_some() != tls.key.is_some()
        {
            return wrong("tls.certificate", "stands without its key, or the key without it: give both or none");
        }
        match self.sasl.as_ref().map(|s| s.mechanism.as_str()) {
            None | Some("SCRAM-SHA-256" | "SCRAM-SHA-512") => Ok(()),
            Some("PLAIN") if self.tls.is_some() => Ok(()),
            Some("PLAIN") => wrong("sasl.mechanism", "is PLAIN without [kafka.tls]: the password would travel in the clear"),
            Some(_) => wrong("sasl.mechanism", "is none of SCRAM-SHA-256, SCRAM-SHA-512, PLAIN"),
        }
    }

    /// The name of this process.
    pub fn own_name(&self) -> String {
        let host = || fs::read_to_string("/proc/sys/kernel/hostname").map(|h| h.trim().to_owned()).unwrap_or_default();
        let name = if self.name.is_empty() { host() } else { self.name.clone() };
        if name.is_empty() { "fansipan".to_owned() } else { name }
    }

    /// What every client has in common.
    ///
    /// # Errors
    /// [`KafkaError::Setting`], [`KafkaError::Secret`].
    pub(crate) fn client(&self) -> Result<ClientConfig, KafkaError> {
        self.check()?;
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.brokers.join(","));
        config.set("client.id", self.own_name());
        config.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "1000");
        config.set("topic.metadata.refresh.interval.ms", "30000");
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        config.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            let files = [("ssl.ca.location", &tls.ca), ("ssl.certificate.location", &tls.certificate), ("ssl.key.location", &tls.key)];
            for (key, path) in files {
                if let Some(path) = path {
                    config.set(key, path.display().to_string());
                }
            }
        }
        if let Some(sasl) = &self.sasl {
            let password = fs::read_to_string(&sasl.password_file).map_err(|e| KafkaError::Secret {
                setting: "sasl.password_file",
                path: sasl.password_file.clone(),
                reason: e.to_string(),
            })?;
            config.set("sasl.mechanism", &sasl.mechanism).set("sasl.username", &sasl.username).set("sasl.password", password.trim_end());
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::{Sasl, Settings, Tls};

    #[test]
    fn what_cannot_work_is_refused_with_what_to_do() {
        let good = Settings { brokers: vec!["k1:9092".into()], ..Settings::default() };
        assert!(good.check().is_ok());
        let sasl = |mechanism: &str| Some(Sasl { mechanism: mechanism.into(), username: "u".into(), password_file: "/none".into() });
        for (bad, word) in [
            (Settings::default(), "brokers"),
            (Settings { prefix: "a b".into(), ..good.clone() }, "prefix"),
            (Settings { partitions: 0, ..good.clone() }, "partitions"),
            (Settings { sasl: sasl("PLAIN"), ..good.clone() }, "in the clear"),
            (Settings { sasl: sasl("GSSAPI"), ..good.clone() }, "SCRAM-SHA-256"),
            (Settings { tls: Some(Tls { key: Some("/k".into()), ..Tls::default() }), ..good.clone() }, "certificate"),
        ] {
            let error = bad.check().unwrap_err().to_string();
            assert!(error.contains(word) && error.starts_with("FSP-KFK-001"), "{error}");
        }
        let missing = Settings { sasl: sasl("SCRAM-SHA-512"), ..good }.client().unwrap_err().to_string();
        assert!(missing.contains("/none") && missing.starts_with("FSP-KFK-002"), "{missing}");
    }
}
