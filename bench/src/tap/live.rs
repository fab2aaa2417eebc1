//! A wire in a network namespace, `fansipan run` on one end, tcpreplay on the other at rising rates; first without a packet ring, then
//! the same with one, so that its cost is the difference.

use std::{
    fs::File,
    io::BufWriter,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::traffic::Capture;
use crate::{appliance::Appliance, machine};

/// Rates that are tried, Mbit/s; 0 is as fast as tcpreplay can.
const RATES: [u32; 10] = [100, 250, 500, 750, 1000, 1250, 1500, 2000, 3000, 0];
/// The ring of the second run. Every byte of a flow is kept, the dearest case.
const RING: &str = "ring = { max_mib = 4096, keep_hours = 1, flow_mib = 4096, min_free_mib = 512 }\n";
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

/// For each rate: sent, seen, lost as shown, lost as counted by subtraction, CPU for each packet seen; without and with a ring.
pub fn measure(seed: u64, mib: usize, seconds: u32, most: u32) -> Result<Value> {
    let namespace = Namespace::new()?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("mixed.pcap");
    let capture = Capture::generate(mib << 20, seed);
    let (frames, bytes) = capture.write(&mut BufWriter::new(File::create(&path)?), usize::MAX)?;
    drop(capture);
    let replay = Replay { namespace, path, frames, bytes, seconds, most };
    let (off, on) = (replay.against("")?, replay.against(RING)?);
    let mut told = json!({
        "capture": {"frames": frames, "bytes": bytes}, "seconds_per_rate": seconds, "buffer_mib": 256, "threads": 1,
        "sharing_these_cores": "tcpreplay, the sensor, the log, detection with the shipped rules, the event store",
        "cpu_us_per_packet": "of the whole process, until all that was sent is stored", "with_ring": on, "ring": RING.trim(),
    });
    if let (Some(told), Value::Object(off)) = (told.as_object_mut(), off) {
        told.extend(off);
    }
    Ok(told)
}

/// What is sent, and how.
struct Replay {
    namespace: Namespace,
    path: PathBuf,
    frames: u64,
    bytes: usize,
    seconds: u32,
    most: u32,
}

impl Replay {
    /// All rates against a service with these settings of its interface.
    fn against(&self, settings: &str) -> Result<Value> {
        let through = ["ip", "netns", "exec", &self.namespace.0];
        let appliance = Appliance::start_through(&through, &format!("[[sources.tap]]\ninterface = \"t1\"\nbuffer_mib = 256\n{settings}"))?;
        let (mut rows, mut first_loss) = (Vec::new(), Value::Null);
        for rate in RATES.into_iter().filter(|rate| *rate <= self.most && (*rate > 0 || self.most == u32::MAX)) {
            let row = self.step(&appliance, rate)?;
            if first_loss.is_null() && row.get("shown_lost").and_then(Value::as_u64) != Some(0) {
                first_loss = row.clone();
            }
            rows.push(row);
        }
        let equal = rows.iter().all(|r| r.get("shown_lost") == r.get("sent_minus_seen"));
        Ok(json!({"rates": rows, "first_loss": first_loss, "shown_loss_is_sent_minus_seen": equal}))
    }
}

/// What was seen, lost before it was seen, kept in the ring, left out there as configured, and missing there.
#[derive(Clone, Copy, Default)]
struct Counts {
    seen: u64,
    lost: u64,
    kept: u64,
    cut: u64,
    not_recorded: u64,
}

fn packets(appliance: &Appliance) -> Result<Counts> {
    let sources = appliance.get("/sources", &[])?;
    let items = sources.get("items").and_then(Value::as_array).context("sources")?;
    let tap = items.iter().find(|s| s.get("id").and_then(Value::as_str) == Some("tap:t1")).context("tap:t1")?;
    let number = |name: &str| tap.pointer(&format!("/packets/{name}")).and_then(Value::as_u64).unwrap_or(0);
    Ok(Counts {
        seen: number("seen"),
        lost: number("kernel_drops") + number("interface_drops") + number("own_drops"),
        kept: number("ring/packets"),
        cut: number("ring/cut"),
        not_recorded: number("ring/dropped") + number("ring/unwritten"),
    })
}

impl Replay {
    fn step(&self, appliance: &Appliance, rate: u32) -> Result<Value> {
        let (before, cpu) = (packets(appliance)?, machine::cpu_seconds(appliance.pid()));
        // as many frames as fit into the time, repeating the capture
        let wanted = if rate == 0 { 3000 } else { rate };
        let limit = (u64::from(wanted) * 125_000 * u64::from(self.seconds) * self.frames / self.bytes.max(1) as u64).max(1);
        let pace = if rate == 0 { "--topspeed".to_owned() } else { format!("--mbps={rate}") };
        let path = self.path.display().to_string();
        let (loops, limit) = (format!("--loop={}", limit / self.frames + 1), format!("--limit={limit}"));
        let said = self.namespace.within(&["tcpreplay", "-q", "-i", "t0", "--preload-pcap", &pace, &loops, &limit, &path])?;
        let actual = |name: &str, at: usize| {
            let line = said.lines().map(str::trim).find(|l| l.starts_with(name));
            line.and_then(|l| l.split_whitespace().nth(at)).and_then(|n| n.trim_end_matches(',').parse::<f64>().ok())
        };
        let sent = actual("Actual:", 1).context("tcpreplay's count")? as u64;
        let until = Instant::now() + PATIENCE;
        let mut after = packets(appliance)?;
        while after.seen + after.lost < before.seen + before.lost + sent && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(200));
            after = packets(appliance)?;
        }
        std::thread::sleep(Duration::from_millis(1500));
        // what it cost is in the step that caused it
        let settled = appliance.settled(0, PATIENCE).is_ok();
        let cpu = machine::cpu_seconds(appliance.pid()) - cpu;
        let after = packets(appliance)?;
        let seen = after.seen - before.seen;
        Ok(json!({
            "asked_mbit_per_s": if rate == 0 { Value::from("top speed") } else { rate.into() },
            "sent_mbit_per_s": actual("Rated:", 3), "sent": sent, "seen": seen, "shown_lost": after.lost - before.lost,
            "sent_minus_seen": sent as i64 - seen as i64, "cpu_us_per_packet": cpu * 1e6 / seen.max(1) as f64, "all_stored": settled,
            "ring_kept": after.kept - before.kept, "ring_cut": after.cut - before.cut, "ring_not_recorded": after.not_recorded - before.not_recorded,
        }))
    }
}
