//! A broker for tests: Apache Kafka itself, started by `packaging/dev/kafka`, or the one named by `KAFKA_BROKERS`.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::Duration,
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

    /// A line to it that can be cut, of a broker of ours.
    pub fn line(&self) -> Result<Line> {
        let Some(dir) = &self.own else { bail!("the broker of KAFKA_BROKERS is not ours") };
        let out = Command::new(script()).arg("far").arg(dir.path()).output()?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let Some((gate, far)) = text.trim().split_once('\n') else { bail!("no line to the broker: {text}") };
        Line::open(gate, far.to_owned())
    }

    /// What a broker of ours has on disk: which record stands where tells `DumpLogSegments` of Kafka.
    pub fn folder(&self) -> Option<&Path> {
        self.own.as_ref().map(TempDir::path)
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

/// How often who waits looks whether the line is whole.
const BEAT: Duration = Duration::from_millis(20);

/// A way to a broker over loopback. While it is cut nothing passes and nobody is told, as when a cable is pulled; when it is mended
/// those who waited find their connections broken.
pub struct Line {
    /// Where to find the broker at its other end.
    pub address: String,
    cut: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
}

impl Line {
    fn open(gate: &str, far: String) -> Result<Line> {
        let listener = TcpListener::bind(gate)?;
        listener.set_nonblocking(true)?;
        let line = Line { address: gate.to_owned(), cut: Arc::default(), ended: Arc::default() };
        let (cut, ended) = (Arc::clone(&line.cut), Arc::clone(&line.ended));
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((near, _)) if !cut.load(Ordering::Relaxed) => {
                        if let Ok(far) = TcpStream::connect(&far) {
                            join(&near, &far, &cut, &ended);
                        }
                    }
                    _ => sleep(BEAT),
                }
            }
        });
        Ok(line)
    }

    /// Nothing passes any more.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// It is whole again.
    pub fn mend(&self) {
        self.cut.store(false, Ordering::Relaxed);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// Both directions of a connection.
fn join(near: &TcpStream, far: &TcpStream, cut: &Arc<AtomicBool>, ended: &Arc<AtomicBool>) {
    for (from, to) in [(near, far), (far, near)] {
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
        let (cut, ended) = (Arc::clone(cut), Arc::clone(ended));
        std::thread::spawn(move || {
            pass(&from, &to, &cut, &ended);
            let _ = from.shutdown(std::net::Shutdown::Both);
            let _ = to.shutdown(std::net::Shutdown::Both);
        });
    }
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, cut: &AtomicBool, ended: &AtomicBool) {
    let mut buffer = vec![0; 65_536];
    let _ = from.set_read_timeout(Some(BEAT));
    // an accepted connection may have what its listener had
    let _ = from.set_nonblocking(false);
    let mut was_cut = false;
    while !ended.load(Ordering::Relaxed) {
        if cut.load(Ordering::Relaxed) {
            was_cut = true;
            sleep(BEAT);
            continue;
        }
        if was_cut {
            return;
        }
        match from.read(&mut buffer) {
            Ok(0) => return,
            // what was under way when it was cut is lost
            Ok(_) if cut.load(Ordering::Relaxed) => {}
            Ok(n) => {
                if to.write_all(&buffer[..n]).is_err() {
                    return;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(_) => return,
        }
    }
}
