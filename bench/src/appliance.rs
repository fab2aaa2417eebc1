//! The release binary under load, with its own data folder and ports.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fansipan_cli::client::Client;
use serde_json::Value;

/// A running appliance; killed when dropped.
pub struct Appliance {
    child: Child,
    dir: tempfile::TempDir,
    /// Where to send syslog over TCP.
    pub syslog: SocketAddr,
    /// Where browsers find the console.
    pub console: String,
    /// Password of the first login, to be changed at once.
    pub first_password: Option<String>,
    api: Client,
    runtime: tokio::runtime::Runtime,
}

impl Appliance {
    /// Starts it with these rule folders beside the shipped rules and waits until it is ready.
    pub fn start(rules: &[PathBuf]) -> Result<Self> {
        Self::start_filled(rules, |_| Ok(()))
    }

    /// As [`Appliance::start`], through another command such as `ip netns exec NAME`, with more configuration.
    pub fn start_through(through: &[&str], more: &str) -> Result<Self> {
        Self::begin(&[], through, more, |_| Ok(()))
    }

    /// As [`Appliance::start`], over what `fill` puts into the data folder before.
    pub fn start_filled(rules: &[PathBuf], fill: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        Self::begin(rules, &[], "", fill)
    }

    fn begin(rules: &[PathBuf], through: &[&str], more: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("fansipan-bench-").tempdir_in(results_dir()?)?;
        let (syslog, tls, https) = (free_port()?, free_port()?, free_port()?);
        let paths: Vec<String> = rules.iter().map(|p| format!("{:?}", p.display().to_string())).collect();
        let config = format!(
            "[[sources.udp]]\nlisten = \"127.0.0.1:{syslog}\"\n[[sources.tcp]]\nlisten = \"127.0.0.1:{syslog}\"\n[[sources.tls]]\nlisten = \"127.0.0.1:{tls}\"\n\
             [console]\nlisten = \"127.0.0.1:{https}\"\n[rules]\npaths = [{}]\n{more}",
            paths.join(", ")
        );
        let file = dir.path().join("fansipan.toml");
        fs::write(&file, config)?;
        let data = dir.path().join("data");
        fs::create_dir_all(&data)?;
        fill(&data)?;
        let mut words = through.iter().map(Into::into).chain([binary()?.into_os_string()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        let mut first_password = None;
        let child = started(command.args(words).arg("run"), dir.path(), &file, |line| {
            if let Some(password) = line.trim().strip_prefix("mật khẩu:") {
                first_password = Some(password.trim().to_owned());
            }
        })?;
        let api = Client::local(&dir.path().join("data"))?;
        // a thread of its own: it notices when the appliance has closed a connection that long lay idle
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (syslog, console) = (SocketAddr::from(([127, 0, 0, 1], syslog)), format!("https://127.0.0.1:{https}/"));
        Ok(Self { child, syslog, console, first_password, api, runtime, dir })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Data folder.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// GET of an API path.
    pub fn get(&self, path: &str, parameters: &[(&str, String)]) -> Result<Value> {
        Ok(self.runtime.block_on(self.api.get(path, parameters))?)
    }

    /// POST to an API path.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        Ok(self.runtime.block_on(self.api.post(path, body))?)
    }

    /// Searchable events, by the query language.
    pub fn searchable(&self) -> Result<u64> {
        let parameters = [("q", "* | stats count()".to_owned()), ("since", "3650d".to_owned())];
        let answer = self.get("/events", &parameters)?;
        answer.pointer("/rows/0/0").and_then(Value::as_u64).context("a count")
    }

    /// Records in the log, and those detection and indexing have not done yet.
    pub fn progress(&self) -> Result<(u64, u64, u64)> {
        let status = self.get("/status", &[])?;
        let number = |v: &Value, key: &str| v.get(key).and_then(Value::as_u64).unwrap_or(0);
        let bus = status.get("bus").context("bus")?;
        let lag = |name: &str| {
            let list = bus.get("consumers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            list.iter().find(|c| c.get("name").and_then(Value::as_str) == Some(name)).map_or(u64::MAX, |c| number(c, "lag"))
        };
        Ok((number(bus, "head"), lag("analyzer"), lag("indexer")))
    }

    /// Waits until `records` are in the log and both readers are done with them.
    pub fn settled(&self, records: u64, patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        loop {
            let (head, analyzer, indexer) = self.progress()?;
            if head >= records && analyzer == 0 && indexer == 0 {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("not settled within {patience:?}: {head} of {records} received, analyzer {analyzer} and indexer {indexer} behind");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Starts the verb of the release binary that `command` names, with its data below `dir`, and waits until it says that it is ready;
/// `said` is shown what it prints until then.
pub(crate) fn started(command: &mut Command, dir: &Path, config: &Path, mut said: impl FnMut(&str)) -> Result<Child> {
    let errors = dir.join("stderr");
    let mut child = command
        .arg("--data")
        .arg(dir.join("data"))
        .arg("--config")
        .arg(config)
        .env("FANSIPAN_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&errors)?)
        .spawn()
        .with_context(|| format!("{command:?}: build it with `cargo build --release`"))?;
    let stdout = child.stdout.take().context("standard output")?;
    let ready = BufReader::new(stdout).lines().map_while(Result::ok).any(|line| {
        said(&line);
        line == "ready"
    });
    if !ready {
        bail!("{command:?} ended at start:\n{}", fs::read_to_string(&errors)?);
    }
    Ok(child)
}

/// `target/release/fansipan`, or `$FANSIPAN_BIN`.
pub(crate) fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("FANSIPAN_BIN") {
        return Ok(path.into());
    }
    Ok(std::env::current_exe()?.with_file_name("fansipan"))
}

/// Scratch space on the same disk as the build, not on a memory file system: fsync must cost what it costs.
fn results_dir() -> Result<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    fs::create_dir_all(&dir)?;
    Ok(dir)
}
