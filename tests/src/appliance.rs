//! `fansipan run` as a child process with its own data folder, configuration and ports.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::ports;

/// One appliance; killed and cleaned up when dropped.
pub struct Appliance {
    child: Option<Child>,
    dir: TempDir,
    data: PathBuf,
    /// What the program is started through, such as `ip netns exec NAME`.
    through: Vec<String>,
    /// Syslog UDP and TCP port.
    pub syslog: u16,
    /// Syslog TLS port.
    pub tls: u16,
    /// HTTPS port of console, API and HTTP ingest.
    pub https: u16,
    /// The password printed at the first start.
    pub first_password: Option<String>,
}

/// How long a start or a condition may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Appliance {
    /// Starts with the default configuration and free ports; `extra` is appended to the configuration file.
    pub fn start(extra: &str) -> Result<Self> {
        Self::begin(None, &[], extra)
    }

    /// Like [`Appliance::start`], through another command, such as `ip netns exec NAME`.
    pub fn start_through(through: &[&str], extra: &str) -> Result<Self> {
        Self::begin(None, through, extra)
    }

    /// Like [`Appliance::start`], with its data in a folder of the caller's.
    pub fn start_in(data: &Path, extra: &str) -> Result<Self> {
        Self::begin(Some(data.to_owned()), &[], extra)
    }

    fn begin(data: Option<PathBuf>, through: &[&str], extra: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("fansipan-test-").tempdir()?;
        let data = data.unwrap_or_else(|| dir.path().join("data"));
        let mut this = Self {
            child: None,
            dir,
            data,
            through: through.iter().map(|&word| word.to_owned()).collect(),
            syslog: ports::free(),
            tls: ports::free(),
            https: ports::free(),
            first_password: None,
        };
        let config = format!(
            "[sources]\ntimezone = \"+00:00\"\n[[sources.udp]]\nlisten = \"127.0.0.1:{s}\"\n[[sources.tcp]]\nlisten = \"127.0.0.1:{s}\"\n[[sources.tls]]\nlisten = \"127.0.0.1:{t}\"\n[console]\nlisten = \"127.0.0.1:{h}\"\n[log]\nmin_free_mib = 16\n{extra}",
            s = this.syslog,
            t = this.tls,
            h = this.https
        );
        fs::write(this.config(), config)?;
        this.launch()?;
        Ok(this)
    }

    /// The binary under test: `$FANSIPAN_BIN`, else the one built beside the tests.
    pub fn binary() -> PathBuf {
        if let Some(path) = std::env::var_os("FANSIPAN_BIN") {
            return path.into();
        }
        let exe = std::env::current_exe().expect("the test's own path");
        exe.ancestors().nth(2).expect("target/PROFILE").join("fansipan")
    }

    /// Data folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// Folder for a test's own files.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("fansipan.toml")
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Everything written to standard error so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("stderr")).unwrap_or_default()
    }

    /// Starts it (again) on the same data and waits until it answers.
    pub fn launch(&mut self) -> Result<()> {
        let stderr = fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("stderr"))?;
        let mut words = self.through.iter().map(Into::into).chain([Self::binary().into_os_string()]);
        let mut child = Command::new(words.next().unwrap_or_default())
            .args(words)
            .args(["run", "--data"])
            .arg(self.data())
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("cannot start {}: build it with `cargo build`", Self::binary().display()))?;
        let stdout = child.stdout.take().context("standard output")?;
        self.child = Some(child);
        let (lines, read) = mpsc::channel();
        std::thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|l| lines.send(l)));
        let until = Instant::now() + PATIENCE;
        loop {
            match read.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => {
                    if let Some(password) = line.split("mật khẩu:").nth(1) {
                        self.first_password = Some(password.trim().to_owned());
                    }
                    if line == "ready" {
                        return Ok(());
                    }
                }
                Err(_) => {
                    if let Some(status) = self.child.as_mut().and_then(|c| c.try_wait().ok().flatten()) {
                        bail!("the appliance ended at start ({status}):\n{}", self.log());
                    }
                    if Instant::now() > until {
                        bail!("the appliance did not get ready:\n{}", self.log());
                    }
                }
            }
        }
    }

    /// SIGKILL, no warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        Command::new("kill").arg(child.id().to_string()).status()?;
        let until = Instant::now() + PATIENCE;
        while child.try_wait()?.is_none() {
            if Instant::now() > until {
                let _ = child.kill();
                bail!("the appliance did not stop:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Runs a verb of the command line against it; standard output, lines.
    pub fn cli(&self, arguments: &[&str]) -> Result<Vec<String>> {
        let out = Command::new(Self::binary()).args(arguments).arg("--data").arg(self.data()).output()?;
        if !out.status.success() {
            bail!("fansipan {arguments:?}: {}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
        }
        Ok(String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect())
    }

    /// Runs a verb with `--json`; one value a line.
    pub fn json(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let mut all = arguments.to_vec();
        all.push("--json");
        self.cli(&all)?.iter().map(|l| serde_json::from_str(l).with_context(|| l.clone())).collect()
    }

    /// `search 'FILTER | stats count()'`.
    pub fn count(&self, filter: &str) -> Result<u64> {
        let rows = self.json(&["search", &format!("{filter} | stats count() as n"), "--since", "30d"])?;
        rows.first().and_then(|r| r.get("n")).and_then(Value::as_u64).context("a count")
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- the appliance's last words ---");
            tail.iter().rev().for_each(|l| eprintln!("{l}"));
        }
    }
}

/// Asks until the answer is yes; how long it took.
pub fn eventually(what: &str, patience: Duration, mut check: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let start = Instant::now();
    loop {
        let answer = check();
        if matches!(answer, Ok(true)) {
            return Ok(start.elapsed());
        }
        if start.elapsed() > patience {
            bail!("{what}: not within {patience:?} (last answer: {answer:?})");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
