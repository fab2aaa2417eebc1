//! A broker for tests: Apache Kafka itself, started by `packaging/dev/kafka`, or the one named by `KAFKA_BROKERS`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};
use tempfile::TempDir;

/// A running Kafka; ended when dropped, if it is ours.
pub struct Broker {
    /// `host:port`.
    pub address: String,
    own: Option<TempDir>,
}

fn script() -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.map(|a| a.join("packaging/dev/kafka")).find(|p| p.exists()).unwrap_or_default()
}

impl Broker {
    /// Starts it.
    pub fn start() -> Result<Broker> {
        if let Ok(address) = std::env::var("KAFKA_BROKERS") {
            return Ok(Broker { address, own: None });
        }
        Self::own()
    }

    /// Starts one that may be killed.
    pub fn own() -> Result<Broker> {
        let dir = tempfile::Builder::new().prefix("fansipan-kafka-").tempdir()?;
        let address = begin(dir.path())?;
        Ok(Broker { address, own: Some(dir) })
    }

    /// The process, of a broker of ours.
    pub fn pid(&self) -> Option<u32> {
        let dir = self.own.as_ref()?;
        std::fs::read_to_string(dir.path().join("pid")).ok()?.trim().parse().ok()
    }

    /// Sends it a signal: `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let Some(dir) = &self.own else { bail!("the broker of KAFKA_BROKERS is not ours") };
        let pid = std::fs::read_to_string(dir.path().join("pid"))?;
        if !Command::new("kill").arg(format!("-{name}")).arg(pid.trim()).status()?.success() {
            bail!("no broker to signal");
        }
        Ok(())
    }

    /// Starts it again on the same data and port.
    pub fn again(&self) -> Result<()> {
        let Some(dir) = &self.own else { bail!("the broker of KAFKA_BROKERS is not ours") };
        begin(dir.path()).map(drop)
    }
}

fn begin(dir: &Path) -> Result<String> {
    let out = Command::new(script()).arg("start").arg(dir).output()?;
    if !out.status.success() {
        bail!("Kafka cannot be started (packaging/dev/need test installs it): {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(dir) = &self.own {
            let _ = self.signal("CONT");
            let _ = Command::new(script()).arg("stop").arg(dir.path()).status();
        }
    }
}
