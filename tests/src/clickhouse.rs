//! A ClickHouse for a test: the server named by `CLICKHOUSE_URL`, or the engine behind `tests/clickhouse/start`.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// A server or engine; an engine ends with this value, or with the process that holds it.
pub struct ClickHouse {
    url: String,
    engine: Option<Child>,
    dir: Option<PathBuf>,
    /// Whether the folder goes with the engine, or, where that was killed, with this value.
    passing: bool,
    port: Option<u16>,
}

/// Where the scripts are.
fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|a| a.join("tests/clickhouse/start")).find(|p| p.exists()).unwrap_or_default()
}

/// Starts the engine with its data in a folder, which stays or goes with it; `None` if it is not installed.
fn launch(dir: &Path, port: u16, passing: bool) -> Option<(Child, String)> {
    let mut command = Command::new(script());
    command.arg(dir).args(["--port", &port.to_string()]).args(passing.then_some("--passing"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
    let url = line.split_whitespace().nth(1).filter(|_| line.starts_with("READY"));
    match url {
        Some(url) => Some((child, url.to_owned())),
        None => {
            let _ = child.wait();
            None
        }
    }
}

impl ClickHouse {
    /// The server to test with. `None`, and a line that says why, where there is none.
    pub fn start() -> Option<ClickHouse> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::over(&std::env::temp_dir().join(format!("fansipan-clickhouse-{}-{n}", std::process::id())), true)
    }

    /// As [`ClickHouse::start`]; an engine keeps its data in this folder, which stays.
    pub fn start_in(dir: &Path) -> Option<ClickHouse> {
        Self::over(dir, false)
    }

    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    fn over(dir: &Path, passing: bool) -> Option<ClickHouse> {
        if let Ok(url) = std::env::var("CLICKHOUSE_URL") {
            return Some(ClickHouse { url, engine: None, dir: None, passing, port: None });
        }
        match launch(dir, 0, passing) {
            Some((engine, url)) => {
                let port = url.rsplit(':').next().and_then(|p| p.parse().ok());
                Some(ClickHouse { url, engine: Some(engine), dir: Some(dir.to_owned()), passing, port })
            }
            None => {
                println!("skipped: no ClickHouse engine (packaging/dev/need test installs it) and no CLICKHOUSE_URL");
                None
            }
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is an engine of ours, which may be killed.
    pub fn is_ours(&self) -> bool {
        self.engine.is_some()
    }

    /// The process, of an engine of ours.
    pub fn pid(&self) -> Option<u32> {
        self.engine.as_ref().map(Child::id)
    }

    /// `kill -9`. Only an engine of ours.
    pub fn kill(&mut self) {
        if let Some(engine) = &mut self.engine {
            let _ = engine.kill();
            let _ = engine.wait();
        }
    }

    /// Starts the engine again where it was, after [`ClickHouse::kill`].
    pub fn restart(&mut self) -> bool {
        let (Some(dir), Some(port)) = (&self.dir, self.port) else { return false };
        match launch(dir, port, self.passing) {
            Some((engine, url)) => {
                (self.engine, self.url) = (Some(engine), url);
                true
            }
            None => false,
        }
    }
}

impl Drop for ClickHouse {
    fn drop(&mut self) {
        self.kill();
        if let Some(dir) = self.dir.as_ref().filter(|_| self.passing) {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}
