//! A distributed deployment on loopback: the roles of the same binary as child processes, joined by a real Kafka.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::{appliance::Appliance, kafka::Broker, ports};

/// How long a start may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// One process.
pub struct Role {
    verb: &'static str,
    config: PathBuf,
    /// Its data folder.
    pub data: PathBuf,
    stderr: PathBuf,
    /// Run through this first, such as `unshare`; `{}` stands for nothing.
    pub before: Vec<String>,
    /// Port of `/readyz` and `/metrics`.
    pub health: u16,
    child: Option<Child>,
}

impl Role {
    /// Starts it, again if need be, and waits until it says that it is ready.
    pub fn launch(&mut self) -> Result<()> {
        let stderr = fs::OpenOptions::new().create(true).append(true).open(&self.stderr)?;
        let binary = Appliance::binary().display().to_string();
        let mut line = self.before.clone();
        line.push(binary);
        let mut child = Command::new(&line[0])
            .args(&line[1..])
            .arg(self.verb)
            .arg("--data")
            .arg(&self.data)
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()?;
        let stdout = child.stdout.take().context("standard output")?;
        self.child = Some(child);
        let (lines, read) = mpsc::channel();
        std::thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|l| lines.send(l)));
        let until = Instant::now() + PATIENCE;
        loop {
            match read.recv_timeout(Duration::from_millis(50)) {
                Ok(line) if line == "ready" => return Ok(()),
                Ok(_) => {}
                Err(_) => {
                    if let Some(status) = self.child.as_mut().and_then(|c| c.try_wait().ok().flatten()) {
                        bail!("{} ended at start ({status}):\n{}", self.verb, self.log());
                    }
                    if Instant::now() > until {
                        bail!("{} did not get ready:\n{}", self.verb, self.log());
                    }
                }
            }
        }
    }

    /// Has it reach the broker at another address; before it is started.
    pub fn reach(&self, address: &str) -> Result<()> {
        let text = fs::read_to_string(&self.config)?;
        let lines = text.lines().map(|l| if l.starts_with("brokers = ") { format!("brokers = [{address:?}]\n") } else { format!("{l}\n") });
        Ok(fs::write(&self.config, lines.collect::<String>())?)
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// SIGKILL, no warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and waits for the end, which must be a good one.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        Command::new("kill").arg(child.id().to_string()).status()?;
        let until = Instant::now() + PATIENCE;
        loop {
            match child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("{} ended badly ({status}):\n{}", self.verb, self.log()),
                None if Instant::now() > until => {
                    let _ = child.kill();
                    bail!("{} did not stop:\n{}", self.verb, self.log());
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// `/metrics` as text.
    pub fn metrics(&self) -> Result<String> {
        self.ask("metrics")
    }

    /// `/readyz` as text: whether it works, and what is wrong.
    pub fn readiness(&self) -> Result<String> {
        self.ask("readyz")
    }

    fn ask(&self, path: &str) -> Result<String> {
        let out = Command::new("curl").args(["-s", "--max-time", "5", &format!("http://127.0.0.1:{}/{path}", self.health)]).output()?;
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// The sum of a figure over its labels.
    pub fn figure(&self, name: &str) -> Result<f64> {
        let text = self.metrics()?;
        let values = text.lines().filter(|l| l.starts_with(name)).filter_map(|l| l.rsplit_once(' ')?.1.parse::<f64>().ok());
        Ok(values.sum())
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(25).collect();
            eprintln!("--- last words of {} ---", self.verb);
            tail.iter().rev().for_each(|l| eprintln!("{l}"));
        }
    }
}

/// What the configuration files of all roles have in common.
struct Files {
    dir: TempDir,
    address: String,
    prefix: String,
    extra: String,
}

impl Files {
    /// A role with a name and settings of its own; not started.
    fn role(&self, verb: &'static str, name: &str, text: &str) -> Result<Role> {
        let Self { dir, address, prefix, extra } = self;
        let health = ports::free();
        let common = format!(
            "[role]\nlisten = \"127.0.0.1:{health}\"\nsnapshot_seconds = 2\n[kafka]\nbrokers = [\"{address}\"]\nname = \"{name}\"\n\
             prefix = \"{prefix}\"\npartitions = 3\nreplication = 1\nspool_after_seconds = 1\n"
        );
        let config = dir.path().join(format!("{name}.toml"));
        let free = if extra.contains("min_free_mib") { "" } else { "min_free_mib = 16\n" };
        fs::write(&config, format!("{common}[log]\n{free}{extra}\n{text}"))?;
        let (data, stderr) = (dir.path().join(name), dir.path().join(format!("{name}.err")));
        fs::create_dir_all(&data)?;
        Ok(Role { verb, config, data, stderr, before: Vec::new(), health, child: None })
    }
}

/// All roles.
pub struct Deployment {
    files: Files,
    /// Syslog TCP port of the collector.
    pub syslog: u16,
    /// HTTPS port of the console.
    pub https: u16,
    /// Takes records in.
    pub collector: Role,
    /// Detect.
    pub analyzers: Vec<Role>,
    /// Stores in ClickHouse; not started with the others.
    pub indexer: Role,
    /// Keeps and shows.
    pub console: Role,
}

impl Deployment {
    /// Prepares everything, starts nothing. `extra` is appended to every configuration file, `collector` to the collector's.
    pub fn new(broker: &Broker, analyzers: usize, extra: &str, collector: &str) -> Result<Self> {
        Self::with_console(broker, analyzers, extra, collector, "")
    }

    /// The same with settings of `[console]`.
    pub fn with_console(broker: &Broker, analyzers: usize, extra: &str, collector: &str, console: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("fansipan-roles-").tempdir()?;
        let (syslog, https) = (ports::free(), ports::free());
        let prefix = format!("t{}-{syslog}.", std::process::id());
        let files = Files { dir, address: broker.address.clone(), prefix, extra: extra.to_owned() };
        let sources =
            format!("[sources]\ntimezone = \"+00:00\"\nudp = []\ntls = []\n[[sources.tcp]]\nlisten = \"127.0.0.1:{syslog}\"\n{collector}");
        let collector = files.role("collector", "collector", &sources)?;
        let analyzers = (0..analyzers).map(|n| files.role("analyzer", &format!("analyzer{n}"), "")).collect::<Result<_>>()?;
        let console = files.role("console", "console", &format!("[console]\nlisten = \"127.0.0.1:{https}\"\n{console}"))?;
        let indexer = files.role("indexer", "indexer", "")?;
        Ok(Self { indexer, files, syslog, https, collector, analyzers, console })
    }

    /// Starts everything.
    pub fn start(broker: &Broker, analyzers: usize, extra: &str, collector: &str) -> Result<Self> {
        let mut this = Self::new(broker, analyzers, extra, collector)?;
        this.launch()?;
        Ok(this)
    }

    /// Starts everything that was prepared.
    pub fn launch(&mut self) -> Result<()> {
        self.collector.launch()?;
        self.analyzers.iter_mut().try_for_each(Role::launch)?;
        self.console.launch()
    }

    /// One more collector, which takes in what `sources` says and nothing else; not started.
    pub fn another_collector(&self, name: &str, sources: &str) -> Result<Role> {
        self.files.role("collector", name, &format!("[sources]\nudp = []\ntcp = []\ntls = []\n{sources}"))
    }

    /// Folder for a test's own files.
    pub fn dir(&self) -> &std::path::Path {
        self.files.dir.path()
    }

    /// Address of the brokers and the prefix of its topics.
    pub fn bus(&self) -> (&str, &str) {
        (&self.files.address, &self.files.prefix)
    }

    /// Runs a verb against the console with `--json`; one value a line.
    pub fn json(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let out = Command::new(Appliance::binary()).args(arguments).args(["--json", "--data"]).arg(&self.console.data).output()?;
        if !out.status.success() {
            bail!("fansipan {arguments:?}: {}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
        }
        let text = String::from_utf8_lossy(&out.stdout);
        text.lines().map(|l| serde_json::from_str(l).with_context(|| l.to_owned())).collect()
    }

    /// The end of every role's log, and how far the groups lag: for the message of a test that failed.
    pub fn last_words(&self) -> String {
        let roles = [&self.collector].into_iter().chain(&self.analyzers).chain([&self.console]);
        let tails = roles.map(|role| {
            let log = role.log();
            let lines: Vec<&str> = log.lines().collect();
            format!("--- {} ---\n{}\n", role.data.display(), lines[lines.len().saturating_sub(60)..].join("\n"))
        });
        let figures = [(&self.console, "lag"), (&self.collector, "spool"), (&self.collector, "records")];
        let figures = figures.iter().flat_map(|(role, word)| {
            let text = role.metrics().unwrap_or_default();
            text.lines().filter(|l| l.contains(word)).map(|l| format!("{l}\n")).collect::<Vec<_>>()
        });
        tails.chain(figures).collect()
    }

    /// Runs `doctor`; what it found, well or not.
    pub fn doctor(&self) -> Result<Vec<Value>> {
        let out = Command::new(Appliance::binary())
            .args(["doctor", "--json", "--data"])
            .arg(&self.console.data)
            .arg("--config")
            .arg(&self.console.config)
            .output()?;
        let text = String::from_utf8_lossy(&out.stdout);
        text.lines().map(|l| serde_json::from_str(l).with_context(|| l.to_owned())).collect()
    }

    /// `search 'FILTER | stats count()'`.
    pub fn count(&self, filter: &str) -> Result<u64> {
        let rows = self.json(&["search", &format!("{filter} | stats count() as n"), "--since", "3650d"])?;
        rows.first().and_then(|r| r.get("n")).and_then(Value::as_u64).context("a count")
    }
}
