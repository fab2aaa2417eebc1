//! A broker for tests: the one named by `KAFKA_BROKERS`, or one of our own that ends with the test.

use std::{path::PathBuf, process::Command};

/// A running Kafka.
pub(crate) struct Broker {
    /// `host:port`.
    pub address: String,
    own: Option<tempfile::TempDir>,
}

fn script() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../packaging/dev/kafka")
}

impl Broker {
    /// Starts it, or says why there is none.
    pub(crate) fn start() -> Option<Broker> {
        if let Ok(address) = std::env::var("KAFKA_BROKERS") {
            return Some(Broker { address, own: None });
        }
        let dir = tempfile::tempdir().unwrap();
        let out = Command::new(script()).arg("start").arg(dir.path()).output().unwrap();
        if !out.status.success() {
            println!("skipped: Kafka cannot be started: {}", String::from_utf8_lossy(&out.stderr));
            return None;
        }
        let address = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        Some(Broker { address, own: Some(dir) })
    }

    /// Sends a signal to the broker: `KILL`, `STOP`, `CONT`. False where it is not ours.
    pub(crate) fn signal(&self, name: &str) -> bool {
        let Some(dir) = &self.own else { return false };
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap();
        Command::new("kill").arg(format!("-{name}")).arg(pid.trim()).status().unwrap().success()
    }

    /// Starts it again on the same data and port.
    pub(crate) fn again(&self) {
        let dir = self.own.as_ref().unwrap();
        let out = Command::new(script()).arg("start").arg(dir.path()).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(dir) = &self.own {
            self.signal("CONT");
            let _ = Command::new(script()).arg("stop").arg(dir.path()).status();
        }
    }
}
