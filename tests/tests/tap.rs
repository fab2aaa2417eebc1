//! The network sensor on a live interface: a wire in a network namespace, `fansipan run` with CAP_NET_RAW alone, packets sent.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};
use fansipan_tests::{
    appliance::{Appliance, eventually},
    packets::{Wire, dns, erspan, geneve, udp, vxlan, write_pcap},
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);
/// Flows of one replay.
const FLOWS: u32 = 500;

/// What is said of the interface.
fn packets(appliance: &Appliance) -> Result<Value> {
    let sources = appliance.json(&["sources"])?;
    let tap = sources.iter().find(|s| s["id"] == "tap:t1").context("tap:t1 among the sources")?;
    Ok(tap["packets"].clone())
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or(u64::MAX)
}

/// Waits until the sensor has seen or lost as many frames, and nothing moves any more.
fn accounted(appliance: &Appliance, sent: u64) -> Result<Value> {
    eventually(&format!("{sent} frames accounted for"), PATIENCE, || {
        let p = packets(appliance)?;
        Ok(number(&p, "seen") + number(&p, "kernel_drops") + number(&p, "own_drops") >= sent)
    })?;
    std::thread::sleep(Duration::from_millis(1200));
    packets(appliance)
}

/// Only CAP_NET_RAW, as the packaged service has it.
fn through(wire: &Wire) -> Vec<&str> {
    vec!["ip", "netns", "exec", &wire.namespace, "setpriv", "--bounding-set", "-all,+net_raw", "--inh-caps", "-all", "--"]
}

#[test]
fn packets_on_a_wire_become_events_and_nothing_is_lost_unsaid() -> Result<()> {
    let Some(wire) = Wire::new("tap") else { return Ok(()) };
    let tap = "[[sources.tap]]\ninterface = \"t1\"\nthreads = 2\nbuffer_mib = 1\nclass = \"wire\"\n";
    let appliance = Appliance::start_through(&through(&wire), tap)?;
    // the list of sources is kept once a second
    eventually("it is listened to", PATIENCE, || Ok(packets(&appliance)?["up"] == true))?;
    rights_are_given_up(&appliance)?;

    // every frame is seen, both halves of a flow by the same thread
    let calm = appliance.dir().join("calm.pcap");
    let frames: Vec<Vec<u8>> = (0..FLOWS).flat_map(dns).collect();
    write_pcap(&calm, &frames)?;
    wire.replay(&calm, "--pps 2000")?;
    let mut sent = frames.len() as u64;
    let seen = accounted(&appliance, sent)?;
    assert_eq!((number(&seen, "seen"), seen["coverage"].as_f64()), (sent, Some(1.0)), "{seen}");
    let found = "event.dataset:network.dns and dns.question.name:*.tap.example and dns.answers.data:192.0.2.7 and fansipan.class:wire";
    eventually("every question is found with its answer", PATIENCE, || Ok(appliance.count(found)? == u64::from(FLOWS)))?;
    let one = appliance.json(&["search", "dns.question.name:h7.tap.example", "--since", "1d"])?;
    assert_eq!(one[0]["fansipan.source"], "tap:t1", "{one:?}");
    assert_eq!(one[0]["observer.ingress.interface.name"], "t1");

    // a flood while the sensor cannot read: what it says it lost is what was sent and not seen
    let flood = appliance.dir().join("flood.pcap");
    let frames: Vec<Vec<u8>> = (0..40_000).flat_map(dns).collect();
    write_pcap(&flood, &frames)?;
    signal(&appliance, "STOP")?;
    wire.replay(&flood, "--topspeed")?;
    signal(&appliance, "CONT")?;
    sent += frames.len() as u64;
    let p = accounted(&appliance, sent)?;
    assert!(number(&p, "kernel_drops") > 0, "a ring of 1 MiB did not overflow: {p}");
    assert_eq!(number(&p, "kernel_drops"), sent - number(&p, "seen"), "{p}");
    let told = appliance.cli(&["sources"])?.join("\n");
    let shown = number(&p, "seen") as f64 / sent as f64 * 100_000.0;
    assert!(told.contains(&format!("{:.3} %", shown.floor() / 1000.0)), "{told}");
    let doctor = Command::new(Appliance::binary()).args(["doctor", "--language", "en", "--data"]).arg(appliance.data()).output()?;
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("raise buffer_mib"), "{doctor:?}");

    away_and_back(&wire, &appliance, sent, &calm)
}

/// The interface goes down and away, and is heard again when it is back.
fn away_and_back(wire: &Wire, appliance: &Appliance, mut sent: u64, calm: &Path) -> Result<()> {
    let before = number(&packets(appliance)?, "kernel_drops");
    assert!(wire.run("ip link set t1 down"));
    std::thread::sleep(Duration::from_millis(800));
    assert!(wire.run("ip link set t1 up"));
    eventually("it is up again", PATIENCE, || Ok(packets(appliance)?["up"] == true))?;
    std::thread::sleep(Duration::from_millis(1500));
    wire.replay(calm, "--pps 2000")?;
    sent += 2 * u64::from(FLOWS);
    let p = accounted(appliance, sent)?;
    assert_eq!(number(&p, "seen") + number(&p, "kernel_drops"), sent, "after it went down: {p}");
    assert_eq!(number(&p, "kernel_drops"), before, "{p}");

    assert!(wire.run("ip link del t0"));
    eventually("it is said to be away", PATIENCE, || Ok(packets(appliance)?["up"] == false))?;
    assert!(wire.plug());
    eventually("it is there again", PATIENCE, || Ok(packets(appliance)?["up"] == true))?;
    wire.replay(calm, "--pps 2000")?;
    sent += 2 * u64::from(FLOWS);
    let p = accounted(appliance, sent)?;
    assert_eq!(number(&p, "seen") + number(&p, "kernel_drops"), sent, "after it was made anew: {p}");
    assert!(appliance.log().contains("FSP-SRC-115"), "{}", appliance.log());
    Ok(())
}

fn signal(appliance: &Appliance, name: &str) -> Result<()> {
    assert!(Command::new("kill").args([format!("-{name}"), appliance.pid().to_string()]).status()?.success());
    Ok(())
}

/// The threads that read packets may open an interface again and nothing else, and not even that meanwhile.
fn rights_are_given_up(appliance: &Appliance) -> Result<()> {
    let mut threads = 0;
    for task in fs::read_dir(format!("/proc/{}/task", appliance.pid()))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        if status.starts_with("Name:\ttap-t1") {
            threads += 1;
            let sets = |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).map(str::trim).unwrap_or_default().to_owned();
            assert_eq!((sets("CapEff:").as_str(), sets("CapPrm:").as_str()), ("0000000000000000", "0000000000002000"), "{status}");
        }
    }
    assert_eq!(threads, 3, "one that reads and two with a sensor");
    Ok(())
}

/// Threads that stand still until this is dropped.
struct Paused(Child);

impl Paused {
    /// `None`, and says why, where that is not permitted.
    fn new(threads: &[u32]) -> Result<Option<Self>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("network/pause.py");
        let mut pause = Command::new("python3");
        pause.arg(script).args(threads.iter().map(u32::to_string)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut paused = Self(pause.spawn()?);
        let mut line = String::new();
        BufReader::new(paused.0.stdout.take().context("its output")?).read_line(&mut line)?;
        if line.trim() == "stopped" {
            return Ok(Some(paused));
        }
        println!("skipped: threads cannot be stopped one by one here ({})", line.trim());
        Ok(None)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The threads with a sensor: they are made before the one that reads.
fn sensors(appliance: &Appliance) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{}/task", appliance.pid()))? {
        let task = task?;
        if fs::read_to_string(task.path().join("comm"))?.trim() == "tap-t1" {
            found.push(task.file_name().to_string_lossy().parse()?);
        }
    }
    found.sort_unstable();
    found.pop().context("the thread that reads")?;
    Ok(found)
}

#[test]
fn mirrors_are_read_and_what_the_sensor_itself_cannot_take_is_counted() -> Result<()> {
    let Some(wire) = Wire::new("own") else { return Ok(()) };
    let appliance = Appliance::start_through(&through(&wire), "[[sources.tap]]\ninterface = \"t1\"\nthreads = 2\nbuffer_mib = 256\n")?;
    eventually("it is listened to", PATIENCE, || Ok(packets(&appliance)?["up"] == true))?;

    // mirrored traffic as it arrives over the network
    let mirrors = appliance.dir().join("mirrors.pcap");
    let ways: [(&str, fn(&[u8], u32) -> Vec<u8>); 3] =
        [("vxlan", |f, _| vxlan(f)), ("geneve", |f, _| geneve(f)), ("erspan2", |f, n| erspan(f, n))];
    let frames: Vec<Vec<u8>> =
        (0..60u32).flat_map(|n| dns(n).map(|f| ways.get(n as usize % 3).map(|(_, way)| way(&f, n)).unwrap_or_default())).collect();
    write_pcap(&mirrors, &frames)?;
    wire.replay(&mirrors, "--pps 1000")?;
    for (kind, _) in ways {
        let found = format!("event.dataset:network.dns and dns.question.name:*.tap.example and fansipan.tunnel.type:{kind}");
        eventually(&format!("what {kind} carries"), PATIENCE, || Ok(appliance.count(&found)? == 20))?;
    }
    let mut sent = frames.len() as u64;

    // the threads with a sensor stand still, the one that reads goes on: its queues fill, and what does not fit is said
    let one = udp(([10, 9, 1, 1], 7000), ([10, 9, 1, 2], 7001), b"flood");
    let flood = appliance.dir().join("flood.pcap");
    write_pcap(&flood, &vec![one; 20_000])?;
    let Some(paused) = Paused::new(&sensors(&appliance)?)? else { return Ok(()) };
    wire.replay(&flood, "--topspeed --preload-pcap --loop=10")?;
    sent += 200_000;
    std::thread::sleep(Duration::from_secs(2));
    drop(paused);
    let p = accounted(&appliance, sent)?;
    let (seen, kernel, own) = (number(&p, "seen"), number(&p, "kernel_drops"), number(&p, "own_drops"));
    assert!(own > 0, "queues of 64 batches took 200,000 frames: {p}");
    assert_eq!(own + kernel, sent - seen, "{p}");
    let coverage = p["coverage"].as_f64().context("coverage")?;
    assert!((coverage - seen as f64 / sent as f64).abs() < 1e-6, "{p}");
    let doctor = Command::new(Appliance::binary()).args(["doctor", "--language", "en", "--data"]).arg(appliance.data()).output()?;
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("threads"), "{doctor:?}");
    Ok(())
}

#[test]
fn what_is_in_the_way_is_said() -> Result<()> {
    let Some(wire) = Wire::new("way") else { return Ok(()) };
    let tap = |more: &str| format!("[[sources.tap]]\n{more}\n");
    let refused = |through: &[&str], more: &str, words: &[&str]| {
        let said = match Appliance::start_through(through, &tap(more)) {
            Ok(_) => panic!("it started with {more}"),
            Err(error) => format!("{error:#}"),
        };
        for word in words {
            assert!(said.contains(word), "{word} is not in:\n{said}");
        }
    };
    refused(&through(&wire), "interface = \"t7\"", &["FSP-SRC-112", "t7", "t0, t1"]);
    refused(&through(&wire), "interface = \"t1\"\nfilter = \"port nonsense\"", &["FSP-SRC-113", "port nonsense"]);
    refused(&through(&wire), "interface = \"t1\"\nthreads = 0", &["FSP-SRC-107", "threads"]);
    let nothing = ["ip", "netns", "exec", &wire.namespace, "setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--"];
    refused(&nothing, "interface = \"t1\"", &["FSP-SRC-111", "CAP_NET_RAW"]);
    Ok(())
}
