//! The network sensor: mixed traffic replayed from memory on one core, beside tshark with the same fields in the same run; memory with
//! a million flows alive; and, live, the rate at which the first packet is lost on a wire in a network namespace.

mod live;
mod quic;
mod talk;
mod traffic;
mod windows;

use std::{
    fs::File,
    io::BufWriter,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use fansipan_collector::tap::{Sensor, Settings, decode::link::LinkType};
use serde_json::{Value, json};

use crate::machine;
pub use live::measure as measure_live;
use traffic::Capture;

/// What is measured.
pub struct Plan {
    /// Seed of everything generated.
    pub seed: u64,
    /// Size of the capture, MiB.
    pub mib: usize,
    /// Size of the beginning that tshark reads, MiB; 0 leaves tshark out.
    pub tshark_mib: usize,
    /// Flows alive at once.
    pub flows: u32,
}

/// Time of the first frame, and between frames: 600 bytes at 1.5 Gbit/s.
const BEGIN: i64 = 1_764_300_000_000_000_000;
const STEP: i64 = 3200;

/// What tshark is asked for: what the sensor's events of the generated protocols hold, as far as tshark has it. It hashes no files.
const FIELDS: [&str; 39] = [
    "frame.time_epoch",
    "frame.len",
    "ip.src",
    "ip.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "tcp.stream",
    "udp.srcport",
    "udp.dstport",
    "udp.stream",
    "dns.qry.name",
    "dns.qry.type",
    "dns.flags.rcode",
    "dns.a",
    "http.request.method",
    "http.host",
    "http.request.uri",
    "http.user_agent",
    "http.referer",
    "http.response.code",
    "http.content_type",
    "http.content_length",
    "tls.handshake.extensions_server_name",
    "tls.handshake.extensions_alpn_str",
    "tls.handshake.ciphersuite",
    "tls.handshake.ja3",
    "tls.handshake.ja3s",
    "ssh.protocol",
    "ssh.kex.hassh",
    "smtp.req.parameter",
    "ftp.request.command",
    "ntp.stratum",
    "syslog.msg",
    "smb2.filename",
    "smb2.tree",
    "ntlmssp.auth.username",
    "kerberos.CNameString",
    "kerberos.SNameString",
];

/// Generates, replays, compares.
pub fn measure(plan: &Plan) -> Result<Value> {
    pin()?;
    // first: what the allocator keeps of a capture would hide what flows take
    let alive = alive(plan.flows);
    let capture = Capture::generate(plan.mib << 20, plan.seed);
    let ours = replay(&capture);
    let theirs = if plan.tshark_mib == 0 { Value::Null } else { tshark(&capture, plan.tshark_mib << 20)? };
    let rate = |v: &Value| v.get("gbit_per_s").and_then(Value::as_f64);
    let times = rate(&ours).zip(rate(&theirs)).map(|(a, b)| a / b);
    let shares: Value = capture
        .shares
        .iter()
        .map(|(kind, (frames, bytes, flows))| {
            (
                kind.name().to_owned(),
                json!({"frames": frames, "flows_ended": flows, "share_of_bytes": *bytes as f64 / capture.bytes() as f64}),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    let (frames, bytes) = (capture.len(), capture.bytes());
    drop(capture);
    Ok(json!({
        "capture": {"bytes": bytes, "frames": frames, "bytes_per_frame": bytes / frames.max(1), "protocols": shares},
        "sensor": ours, "tshark": theirs, "times_tshark": times, "flows_alive": alive,
    }))
}

/// On one core, as whatever is started from here.
fn pin() -> Result<()> {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(0);
    rustix::thread::sched_setaffinity(None, &cores).context("one core")
}

fn settings() -> Settings {
    // nothing is left out: what a long connection says is read to its end
    Settings { bypass: u64::MAX, ..Settings::default() }
}

fn replay(capture: &Capture) -> Value {
    let mut sensor = Sensor::new(settings());
    let (mut events, mut at) = (0u64, BEGIN);
    let begin = Instant::now();
    for (n, frame) in capture.frames().enumerate() {
        sensor.packet(LinkType::ETHERNET, at, frame.len() as u32, frame);
        at += STEP;
        if n % 256 == 0 {
            events += sensor.events().count() as u64;
        }
    }
    sensor.finish();
    events += sensor.events().count() as u64;
    let seconds = begin.elapsed().as_secs_f64();
    let summary = sensor.summary();
    json!({
        "seconds": seconds,
        "gbit_per_s": capture.bytes() as f64 * 8.0 / 1e9 / seconds,
        "packets_per_s": capture.len() as f64 / seconds,
        "events": events, "flows": summary.flows, "bypassed": summary.bypassed, "given_up": summary.given_up, "missing_bytes": summary.missing,
        "problems": summary.problems.iter().sum::<u64>(),
    })
}

fn tshark(capture: &Capture, bytes: usize) -> Result<Value> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("cut.pcap");
    let (frames, written) = capture.write(&mut BufWriter::new(File::create(&path)?), bytes)?;
    let version = Command::new("tshark").arg("--version").output().context("tshark (packaging/dev/need test installs it)")?;
    let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
    let begin = Instant::now();
    let status = Command::new("tshark")
        .args(["-n", "-r"])
        .arg(&path)
        .args(["-T", "fields"])
        .args(FIELDS.iter().flat_map(|f| ["-e", f]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "tshark failed: {status}");
    let seconds = begin.elapsed().as_secs_f64();
    Ok(json!({
        "version": version, "cut_bytes": written, "cut_frames": frames, "seconds": seconds, "fields": FIELDS.len(),
        "gbit_per_s": written as f64 * 8.0 / 1e9 / seconds, "packets_per_s": frames as f64 / seconds,
    }))
}

/// Resident memory while as many flows are alive, three times over with others.
fn alive(flows: u32) -> Value {
    let resident = || machine::memory_kib(std::process::id()).1 >> 10;
    let before = resident();
    let mut sensor = Sensor::new(Settings { flows: flows as usize, ..settings() });
    let (mut at, mut mib, mut events) = (BEGIN, Vec::new(), 0u64);
    for round in 0..3u32 {
        for n in round * flows..(round + 1) * flows {
            traffic::one_of_many(n, &mut |frame| {
                sensor.packet(LinkType::ETHERNET, at, frame.len() as u32, frame);
                at += 1000;
            });
            events += sensor.events().count() as u64;
        }
        mib.push(resident().saturating_sub(before));
    }
    json!({"flows": sensor.alive(), "evicted": sensor.summary().evicted, "events": events, "resident_mib_after_each_round": mib})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{BEGIN, Capture, LinkType, STEP, Sensor, settings};

    #[test]
    fn every_protocol_of_the_mix_is_understood_and_nothing_in_it_is_wrong() {
        let capture = Capture::generate(40 << 20, 7);
        let (mut sensor, mut at) = (Sensor::new(settings()), BEGIN);
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let mut has = BTreeMap::from(["quic", "smb", "kerberos"].map(|p| (p, 0u64)));
        let mut take = |sensor: &mut Sensor| {
            for event in sensor.events() {
                let text = |name: &str| event.get_by_name(name).and_then(|v| v.text().map(std::borrow::Cow::into_owned));
                let dataset = text("event.dataset").unwrap_or_default();
                let named = match dataset.as_str() {
                    "network.quic" => ("quic", text("tls.client.server_name").filter(|n| n.ends_with(".example.vn")).is_some()),
                    "network.smb" => ("smb", text("smb.name").is_some()),
                    "network.kerberos" => ("kerberos", text("kerberos.service").filter(|s| s.starts_with("cifs/tep")).is_some()),
                    _ => ("", false),
                };
                if let (Some(n), true) = (has.get_mut(named.0), named.1) {
                    *n += 1;
                }
                *seen.entry(dataset).or_default() += 1;
            }
        };
        for frame in capture.frames() {
            sensor.packet(LinkType::ETHERNET, at, frame.len() as u32, frame);
            at += STEP;
            take(&mut sensor);
        }
        sensor.finish();
        take(&mut sensor);
        println!("{seen:?} {has:?}");
        let summary = sensor.summary();
        assert_eq!((summary.problems.iter().sum::<u64>(), summary.given_up), (0, 0));
        for dataset in ["dns", "tls", "quic", "http", "ntp", "syslog", "smb", "ntlm", "kerberos", "ssh", "smtp", "ftp", "flow"] {
            assert!(seen.contains_key(&format!("network.{dataset}")), "{dataset}: {seen:?}");
        }
        assert!(has.values().all(|n| *n > 5), "{has:?}");
    }
}
