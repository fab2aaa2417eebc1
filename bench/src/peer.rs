//! The peer of the receiving side: rsyslog takes the same lines over TCP and writes them to a file, nothing more.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::load::{self, Load};

/// Lines a second rsyslog receives and writes; `None` when it is not installed.
pub fn rsyslog(loads: &[Load]) -> Result<Option<f64>> {
    if !Path::new("/usr/sbin/rsyslogd").exists() {
        return Ok(None);
    }
    let dir = tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench"))?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let out = dir.path().join("out.log");
    let config = format!(
        "global(workDirectory=\"{d}\" maxMessageSize=\"64k\")\nmodule(load=\"imtcp\")\ntemplate(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
         input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\" ruleset=\"out\")\n\
         ruleset(name=\"out\" queue.type=\"LinkedList\" queue.size=\"500000\" queue.timeoutEnqueue=\"600000\") {{ action(type=\"omfile\" file=\"{o}\" template=\"raw\" asyncWriting=\"on\" ioBufferSize=\"64k\" flushOnTXEnd=\"off\") }}\n",
        d = dir.path().display(),
        o = out.display()
    );
    let file = dir.path().join("rsyslog.conf");
    fs::write(&file, config)?;
    let child = Command::new("/usr/sbin/rsyslogd")
        .args(["-n", "-C", "-f"])
        .arg(&file)
        .arg("-i")
        .arg(dir.path().join("pid"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let _stop = Stop(child);
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    let until = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(to).is_err() {
        if Instant::now() > until {
            bail!("rsyslog does not listen");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let lines: usize = loads.iter().map(Load::lines).sum();
    let bytes: u64 = loads.iter().map(|l| l.bytes() as u64).sum();
    let start = Instant::now();
    load::send(loads, to, None)?;
    // the last buffer stays in memory until it is full; 1 MiB of the whole is within the noise
    let enough = bytes.saturating_sub(1 << 20);
    while fs::metadata(&out).map(|m| m.len()).unwrap_or(0) < enough {
        if start.elapsed() > Duration::from_secs(300) {
            bail!("rsyslog wrote {} of {bytes} bytes", fs::metadata(&out).context("output")?.len());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(Some(lines as f64 / start.elapsed().as_secs_f64()))
}

struct Stop(Child);

impl Drop for Stop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
