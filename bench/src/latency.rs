//! From a line on the wire to the alert on a screen: marked attacks are sent while the load runs, and the live stream is watched.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr},
    os::unix::net::UnixStream,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{load, results::percentile};

/// Milliseconds from send to alert, sorted; and how many marks were never seen.
pub struct Latency {
    /// Sorted, milliseconds.
    pub millis: Vec<f64>,
    /// Marks without an alert.
    pub missed: usize,
}

impl Latency {
    /// The p-th percentile, milliseconds.
    pub fn percentile(&self, p: f64) -> f64 {
        percentile(&self.millis, p / 100.0)
    }
}

/// Sends `marks` attacks, `gap` apart, each from a host name of its own, and watches for their alerts.
pub fn measure(data: &Path, syslog: SocketAddr, marks: usize, gap: Duration) -> Result<Latency> {
    let seen: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
    let mut stream = UnixStream::connect(data.join("api.sock"))?;
    stream.write_all(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")?;
    let reader = stream.try_clone()?;
    let sink = Arc::clone(&seen);
    let watcher = thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            let now = Instant::now();
            let mut rest = line.as_str();
            while let Some(at) = rest.find("mark-") {
                let name: String = rest[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
                rest = &rest[at + 5..];
                sink.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert(now);
            }
        }
    });
    thread::sleep(Duration::from_millis(500));
    let mut wire = load::connect(Ipv4Addr::new(127, 0, 2, 1), syslog)?;
    let mut sent = Vec::with_capacity(marks);
    for n in 0..marks {
        let name = format!("mark-{n}");
        let stamp = jiff::Zoned::now().strftime("%b %e %H:%M:%S").to_string();
        let line = format!("<38>{stamp} {name} sshd[4242]: Failed password for invalid user admin from 203.0.113.9 port 50000 ssh2\n");
        sent.push((name, Instant::now()));
        wire.write_all(line.as_bytes())?;
        thread::sleep(gap);
    }
    thread::sleep(Duration::from_secs(5));
    let _ = stream.shutdown(std::net::Shutdown::Both);
    let _ = watcher.join();
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let mut millis: Vec<f64> =
        sent.iter().filter_map(|(name, at)| seen.get(name).map(|t| t.duration_since(*at).as_secs_f64() * 1e3)).collect();
    millis.sort_by(f64::total_cmp);
    Ok(Latency { missed: marks - millis.len(), millis })
}
