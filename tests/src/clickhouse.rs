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
    port: Option<u16>,
}

/// Where the scripts are.
fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|a| a.join("tests/clickhouse/start")).find(|p| p.exists()).unwrap_or_default()
}

/// Starts the engine with its data in a folder; `None` if it is not installed.
fn launch(dir: &Path, port: u16) -> Option<(Child, String)> {
    let mut child =
        Command::new(script()).arg(dir).args(["--port", &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
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
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    pub fn start() -> Option<ClickHouse> {
        if let Ok(url) = std::env::var("CLICKHOUSE_URL") {
            return Some(ClickHouse { url, engine: None, dir: None, port: None });
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("fansipan-clickhouse-{}-{n}", std::process::id()));
        match launch(&dir, 0) {
            Some((engine, url)) => {
                let port = url.rsplit(':').next().and_then(|p| p.parse().ok());
                Some(ClickHouse { url, engine: Some(engine), dir: Some(dir), port })
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
        match launch(dir, port) {
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
        if let Some(dir) = &self.dir {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}
