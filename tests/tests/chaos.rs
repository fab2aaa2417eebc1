//! Chaos in the distributed deployment, with fixed seeds: whatever is killed, whatever pauses, every record is stored exactly once
//! and every alert is told exactly once. `FANSIPAN_SOAK` makes it longer.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_tests::{
    appliance::eventually,
    deployment::{Deployment, Role},
    kafka::Broker,
};
use serde_json::Value;

fn soak() -> bool {
    std::env::var_os("FANSIPAN_SOAK").is_some()
}

/// How often a test does its worst: `most` times in the long form, or as often as `FANSIPAN_SOAK_ROUNDS` says.
fn rounds(most: u64) -> u64 {
    match std::env::var("FANSIPAN_SOAK_ROUNDS").ok().and_then(|n| n.parse().ok()) {
        _ if !soak() => 1,
        Some(rounds) => rounds,
        None => most,
    }
}

/// A device that writes its log to a file that the collector follows: numbered lines, those of a tenth of a second from one host,
/// with one account that fails.
struct Device {
    /// Lines of one host.
    burst: u64,
    written: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The port in a line: within one host each line has another.
fn port(n: u64) -> u64 {
    1024 + n % 60_000
}

impl Device {
    fn start(path: PathBuf, per_second: u64) -> Self {
        let burst = per_second / 10;
        let (written, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, ended) = (Arc::clone(&written), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("the file");
            let mut n = 0u64;
            while !ended.load(Ordering::Relaxed) {
                let mut text = String::new();
                for _ in 0..burst {
                    let (host, at) = (n / burst, jiff::Timestamp::now());
                    text.push_str(&format!(
                        "<38>{at:.3} h{host} sshd[{}]: Failed password for invalid user victim{host} from 198.51.100.{} port {} ssh2\n",
                        n + 1,
                        host % 250,
                        port(n)
                    ));
                    n += 1;
                }
                file.write_all(text.as_bytes()).expect("written");
                count.store(n, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { burst, written, stop, thread: Some(thread) }
    }

    /// Ends at the end of a burst; how many lines it wrote.
    fn end(&mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the device");
        }
        self.written.load(Ordering::Relaxed)
    }
}

struct Chaos {
    broker: Broker,
    deployment: Deployment,
    device: Device,
}

impl Chaos {
    fn start(per_second: u64, analyzers: usize, extra: &str) -> Result<Self> {
        Self::start_with(per_second, analyzers, extra, |_| Ok(()))
    }

    /// As [`Chaos::start`], after the collector was prepared.
    fn start_with(per_second: u64, analyzers: usize, extra: &str, prepare: impl FnOnce(&mut Role) -> Result<()>) -> Result<Self> {
        let broker = Broker::own()?;
        let dir = tempfile::tempdir()?.keep();
        let log = dir.join("device.log");
        fs::write(&log, "")?;
        let file = format!("[[sources.file]]\npath = \"{}\"\n", log.display());
        let mut deployment = Deployment::new(&broker, analyzers, extra, &file)?;
        prepare(&mut deployment.collector)?;
        deployment.launch()?;
        let device = Device::start(log, per_second);
        let this = Self { broker, deployment, device };
        eventually("records come through", Duration::from_secs(60), || Ok(this.deployment.count("*")? > 0))?;
        Ok(this)
    }

    /// How long it takes until a record written now is stored.
    fn recovery(&self, after: &str) -> Result<()> {
        let goal = self.device.written.load(Ordering::Relaxed) + 1;
        let took = eventually(after, Duration::from_secs(120), || Ok(self.deployment.count("*")? >= goal))?;
        println!("{after}: records flow again after {:.1} s", took.as_secs_f64());
        Ok(())
    }

    /// Everything written is stored once; every host has its alerts once, with every line counted.
    fn judge(mut self) -> Result<()> {
        let written = self.device.end();
        eventually("everything is stored", Duration::from_secs(120), || Ok(self.deployment.count("*")? >= written))?;
        std::thread::sleep(Duration::from_secs(3));
        // each line of a host has another port: as many ports as lines is every line once
        let burst = self.device.burst;
        let rows = self.deployment.json(&["search", "* | stats count() as n, dc(source.port) as ports by host.name", "--since", "1d"])?;
        let once = |row: &&Value| row["n"] == burst && row["ports"] == burst;
        let wrong: Vec<_> = rows.iter().filter(|row| !once(row)).take(5).collect();
        assert!(wrong.is_empty(), "not each of {burst} lines once: {wrong:?}");
        assert_eq!(rows.len() as u64 * burst, written, "received = stored");
        self.alerts(written)
    }

    /// What went wrong happens once in a hundred rounds: the topics and the logs of the roles outlive the test.
    fn evidence(&self) -> String {
        let kept = std::env::temp_dir().join(format!("fansipan-chaos-{}", std::process::id()));
        let mut copy = std::process::Command::new("cp");
        copy.arg("-r").args(self.broker.folder()).arg(self.deployment.dir()).arg(&kept);
        match fs::create_dir_all(&kept).and_then(|()| copy.status()) {
            Ok(done) if done.success() => format!("topics and logs are kept in {}", kept.display()),
            failed => format!("topics and logs could not be kept: {failed:?}"),
        }
    }

    fn alerts(&self, written: u64) -> Result<()> {
        let mut wrong = String::new();
        let burst = self.device.burst;
        let hosts = written / burst;
        let told = eventually("every alert once, every line counted", Duration::from_secs(90), || {
            let alerts = self.deployment.json(&["alerts", "list", "--status", "all", "--limit", "100000"])?;
            let mut count: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
            for alert in &alerts {
                let about = alert.pointer("/group").map(Value::to_string).unwrap_or_default();
                let rule = alert.pointer("/rule/id").and_then(Value::as_str).unwrap_or_default().to_owned();
                count.entry((rule, about)).or_default().push(alert["count"].as_u64().unwrap_or(0));
            }
            let rule = count.keys().filter(|(rule, _)| rule == RULE).count() as u64;
            let bad: Vec<_> = count.iter().filter(|((rule, _), n)| rule == RULE && (n.len() != 1 || n[0] != burst)).take(5).collect();
            wrong = format!("{rule} groups of {hosts}, wrong: {bad:?}");
            Ok(rule == hosts && bad.is_empty())
        });
        told.with_context(|| format!("{wrong}\n{}\n{}", self.evidence(), self.deployment.last_words()))?;
        println!("{written} records, each stored once; {hosts} alerts, each told once");
        Ok(())
    }
}

/// A rule of the test's own that every line matches.
const RULE: &str = "5d3ad7a8-0000-4000-8000-000000000001";

fn rules(dir: &std::path::Path) -> Result<String> {
    let path = dir.join("chaos.yml");
    fs::write(
        &path,
        format!(
            "title: A login that failed\nid: {RULE}\nstatus: test\nlogsource:\n    product: linux\n    service: sshd\ndetection:\n    \
             sel:\n        message|contains: Failed password\n    condition: sel\nlevel: low\n"
        ),
    )?;
    Ok(format!("[rules]\nshipped = false\npaths = [\"{}\"]\n", path.display()))
}

#[test]
fn whoever_is_killed_nothing_is_lost_or_doubled() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut chaos = Chaos::start(if soak() { 2000 } else { 200 }, 2, &rules(dir.path())?)?;
    for round in 0..rounds(20) {
        let kill = |role: &mut Role| -> Result<()> {
            role.kill();
            std::thread::sleep(Duration::from_millis(200 + (round * 37) % 400));
            role.launch()
        };
        kill(&mut chaos.deployment.collector)?;
        chaos.recovery("collector killed")?;
        kill(&mut chaos.deployment.analyzers[0])?;
        kill(&mut chaos.deployment.console)?;
        chaos.recovery("analyzer and console killed")?;
        chaos.broker.signal("KILL")?;
        let begun = Instant::now();
        chaos.broker.again()?;
        println!("the broker itself took {:.1} s to start", begun.elapsed().as_secs_f64());
        chaos.recovery("broker killed")?;
        chaos.broker.signal("STOP")?;
        std::thread::sleep(Duration::from_secs(if soak() { 60 } else { 3 }));
        chaos.broker.signal("CONT")?;
        chaos.recovery("broker paused")?;
    }
    chaos.judge()
}

#[test]
fn partitions_that_move_keep_what_their_groups_remember() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut chaos = Chaos::start(200, 3, &rules(dir.path())?)?;
    for _ in 0..rounds(30) {
        // one dies: the group gives its partitions to the others; it comes again and gets some back
        chaos.deployment.analyzers[2].kill();
        chaos.recovery("an analyzer dead, its partitions elsewhere")?;
        eventually("its partitions are read by others", Duration::from_secs(60), || {
            Ok(chaos.deployment.console.figure("fansipan_lag_records{group=\"analyzer.keyed\"")? < 100.0)
        })?;
        chaos.deployment.analyzers[2].launch()?;
        // one after the other ends in order and comes again: a rolling restart
        for role in &mut chaos.deployment.analyzers {
            role.stop()?;
            role.launch()?;
        }
        chaos.recovery("analyzers restarted one by one")?;
    }
    chaos.judge()
}

#[test]
fn a_full_spool_holds_the_sender_back() -> Result<()> {
    let broker = Broker::own()?;
    let dir = tempfile::tempdir()?;
    let log = dir.path().join("device.log");
    fs::write(&log, "")?;
    let file = format!("[[sources.file]]\npath = \"{}\"\n", log.display());
    let mut deployment = Deployment::new(&broker, 1, "max_mib = 4\nsegment_mib = 1", &file)?;
    deployment.collector.launch()?;
    deployment.console.launch()?;
    broker.signal("STOP")?;
    let many = 12_000u64;
    let line = |n: u64| format!("<38>2026-11-23T10:00:00Z h1 app[{}]: {} filler {}\n", n + 1, n, "x".repeat(600));
    fs::write(&log, (0..many).map(line).collect::<String>())?;
    eventually("the spool is full and says so", Duration::from_secs(60), || {
        Ok(deployment.collector.figure("fansipan_alarm")? == 1.0 && deployment.collector.figure("fansipan_spool_bytes")? > 3.0e6)
    })?;
    let waiting = deployment.collector.figure("fansipan_spool_records")?;
    assert!((waiting as u64) < many, "the rest waits in the file");
    broker.signal("CONT")?;
    let took = eventually("all of it is stored", Duration::from_secs(120), || Ok(deployment.count("*")? >= many))
        .with_context(|| deployment.last_words())?;
    println!("spool full: {many} records stored {:.1} s after the broker came back", took.as_secs_f64());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(deployment.count("*")?, many, "and none twice");
    Ok(())
}

/// Runs a role through a shell with a mount namespace of its own, in which `folder` is a small disk.
fn small_disk(role: &mut Role, folder: &str, size: &str) {
    let disk = role.data.join(folder);
    fs::create_dir_all(&disk).expect("a folder");
    let script = format!("mount -t tmpfs -o size={size} tmpfs {} && exec \"$@\"", disk.display());
    role.before = ["unshare", "--mount", "sh", "-c", &script, "sh"].map(ToOwned::to_owned).to_vec();
}

fn may_mount() -> bool {
    let allowed = std::process::Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|s| s.success());
    if !allowed {
        println!("skipped: a disk that is full needs a mount namespace, which only root may make");
    }
    allowed
}

#[test]
fn a_spool_whose_disk_is_full_loses_nothing() -> Result<()> {
    if !may_mount() {
        return Ok(());
    }
    let broker = Broker::own()?;
    let dir = tempfile::tempdir()?;
    let log = dir.path().join("device.log");
    fs::write(&log, "")?;
    let file = format!("[[sources.file]]\npath = \"{}\"\n", log.display());
    // no reserve is kept free: the disk itself refuses, in the middle of a write
    let mut deployment = Deployment::new(&broker, 1, "segment_mib = 1\nmin_free_mib = 0", &file)?;
    small_disk(&mut deployment.collector, "spool", "6m");
    deployment.collector.launch()?;
    deployment.console.launch()?;
    broker.signal("STOP")?;
    let many = if soak() { 60_000u64 } else { 16_000 };
    let line = |n: u64| format!("<38>2026-11-23T10:00:00Z h1 app[{}]: {} filler {}\n", n + 1, n, "x".repeat(600));
    fs::write(&log, (0..many).map(line).collect::<String>())?;
    eventually("the disk is full and the collector says so", Duration::from_secs(60), || {
        let full = deployment.collector.readiness()?.contains("the disk is full");
        Ok(full && deployment.collector.figure("fansipan_alarm")? == 1.0)
    })
    .with_context(|| deployment.last_words())?;
    broker.signal("CONT")?;
    let took = eventually("all of it is stored", Duration::from_secs(180), || Ok(deployment.count("*")? >= many))
        .with_context(|| deployment.last_words())?;
    println!("disk of the spool full: {many} records stored {:.1} s after the broker came back", took.as_secs_f64());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(deployment.count("*")?, many, "and none twice");
    Ok(())
}

/// Has a role see a clock on the wall that is off by the seconds that the file `clock` says (`tests/clock/step.c`).
fn own_clock(dir: &std::path::Path, role: &mut Role, clock: &std::path::Path) -> Result<()> {
    let (source, library) = (concat!(env!("CARGO_MANIFEST_DIR"), "/clock/step.c"), dir.join("step.so"));
    let built = std::process::Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).output()?;
    anyhow::ensure!(built.status.success(), "cc: {}", String::from_utf8_lossy(&built.stderr));
    let set = ["env".to_owned(), format!("LD_PRELOAD={}", library.display()), format!("FANSIPAN_CLOCK={}", clock.display())];
    role.before = set.to_vec();
    Ok(())
}

#[test]
fn a_clock_that_steps_loses_and_doubles_nothing() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let clock = dir.path().join("clock");
    fs::write(&clock, "0")?;
    let chaos = Chaos::start_with(200, 2, &rules(dir.path())?, |collector| own_clock(dir.path(), collector, &clock))?;
    for _ in 0..rounds(10) {
        // an hour ahead, and a little: the brokers refuse what a sender dates further ahead than an hour, unless told otherwise
        for (offset, what) in [("-3600", "an hour back"), ("0", "right again"), ("3660", "an hour ahead"), ("0", "right again")] {
            fs::write(&clock, offset)?;
            // until the process has read it
            std::thread::sleep(Duration::from_secs(2));
            chaos.recovery(&format!("the collector's clock {what}"))?;
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    chaos.judge()
}
