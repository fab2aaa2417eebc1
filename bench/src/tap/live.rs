//! A wire in a network namespace, `fansipan run` on one end, tcpreplay on the other at rising rates.

use std::{
    fs::File,
    io::BufWriter,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::traffic::Capture;
use crate::appliance::Appliance;

/// Rates that are tried, Mbit/s; 0 is as fast as tcpreplay can.
const RATES: [u32; 10] = [100, 250, 500, 750, 1000, 1250, 1500, 2000, 3000, 0];
/// Longest wait until what was sent is accounted for.
const PATIENCE: Duration = Duration::from_secs(120);

struct Namespace(String);

impl Namespace {
    fn new() -> Result<Self> {
        let this = Self(format!("fsp-bench-{}", std::process::id()));
        run("ip", &["netns", "add", &this.0])?;
        let steps: [&[&str]; 5] = [
            &["ip", "link", "set", "lo", "up"],
            &["ip", "link", "add", "t0", "type", "veth", "peer", "name", "t1"],
            &["sh", "-c", "for i in t0 t1; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done"],
            &["ip", "link", "set", "t0", "up"],
            &["ip", "link", "set", "t1", "up"],
        ];
        for step in steps {
            this.within(step)?;
        }
        Ok(this)
    }

    fn within(&self, words: &[&str]) -> Result<String> {
        run("ip", &[&["netns", "exec", &self.0], words].concat())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = run("ip", &["netns", "del", &self.0]);
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let out = Command::new(program).args(arguments).output().with_context(|| program.to_owned())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    ensure!(out.status.success(), "{program} {arguments:?}: {}{text}", String::from_utf8_lossy(&out.stderr));
    Ok(text)
}

/// For each rate: sent, seen, lost as shown, lost as counted by subtraction.
pub fn measure(seed: u64, mib: usize, seconds: u32, most: u32) -> Result<Value> {
    let namespace = Namespace::new()?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("mixed.pcap");
    let capture = Capture::generate(mib << 20, seed);
    let (frames, bytes) = capture.write(&mut BufWriter::new(File::create(&path)?), usize::MAX)?;
    drop(capture);
    let through = ["ip", "netns", "exec", &namespace.0];
    let appliance = Appliance::start_through(&through, "[[sources.tap]]\ninterface = \"t1\"\nbuffer_mib = 256\n")?;
    let (mut rows, mut first_loss) = (Vec::new(), Value::Null);
    for rate in RATES.into_iter().filter(|rate| *rate <= most && (*rate > 0 || most == u32::MAX)) {
        let row = step(&namespace, &appliance, &path, (frames, bytes), (rate, seconds))?;
        if first_loss.is_null() && row.get("shown_lost").and_then(Value::as_u64) != Some(0) {
            first_loss = row.clone();
        }
        rows.push(row);
    }
    let equal = rows.iter().all(|r| r.get("shown_lost") == r.get("sent_minus_seen"));
    Ok(json!({
        "capture": {"frames": frames, "bytes": bytes}, "seconds_per_rate": seconds, "buffer_mib": 256, "threads": 1,
        "sharing_these_cores": "tcpreplay, the sensor, the log, detection with the shipped rules, the event store",
        "rates": rows, "first_loss": first_loss, "shown_loss_is_sent_minus_seen": equal,
    }))
}

fn packets(appliance: &Appliance) -> Result<(u64, u64)> {
    let sources = appliance.get("/sources", &[])?;
    let items = sources.get("items").and_then(Value::as_array).context("sources")?;
    let tap = items.iter().find(|s| s.get("id").and_then(Value::as_str) == Some("tap:t1")).context("tap:t1")?;
    let number = |name: &str| tap.pointer(&format!("/packets/{name}")).and_then(Value::as_u64).unwrap_or(0);
    Ok((number("seen"), number("kernel_drops") + number("interface_drops") + number("own_drops")))
}

fn step(
    namespace: &Namespace,
    appliance: &Appliance,
    path: &Path,
    (frames, bytes): (u64, usize),
    (rate, seconds): (u32, u32),
) -> Result<Value> {
    let before = packets(appliance)?;
    // as many frames as fit into the time, repeating the capture
    let wanted = if rate == 0 { 3000 } else { rate };
    let limit = (u64::from(wanted) * 125_000 * u64::from(seconds) * frames / bytes.max(1) as u64).max(1);
    let pace = if rate == 0 { "--topspeed".to_owned() } else { format!("--mbps={rate}") };
    let path = path.display().to_string();
    let (loops, limit) = (format!("--loop={}", limit / frames + 1), format!("--limit={limit}"));
    let said = namespace.within(&["tcpreplay", "-q", "-i", "t0", "--preload-pcap", &pace, &loops, &limit, &path])?;
    let actual = |name: &str, at: usize| {
        let line = said.lines().map(str::trim).find(|l| l.starts_with(name));
        line.and_then(|l| l.split_whitespace().nth(at)).and_then(|n| n.trim_end_matches(',').parse::<f64>().ok())
    };
    let sent = actual("Actual:", 1).context("tcpreplay's count")? as u64;
    let until = Instant::now() + PATIENCE;
    let mut after = packets(appliance)?;
    while after.0 + after.1 < before.0 + before.1 + sent && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
        after = packets(appliance)?;
    }
    std::thread::sleep(Duration::from_millis(1500));
    let after_all = packets(appliance)?;
    let (seen, lost) = (after_all.0 - before.0, after_all.1 - before.1);
    Ok(json!({
        "asked_mbit_per_s": if rate == 0 { Value::from("top speed") } else { rate.into() },
        "sent_mbit_per_s": actual("Rated:", 3), "sent": sent, "seen": seen, "shown_lost": lost, "sent_minus_seen": sent as i64 - seen as i64,
    }))
}
