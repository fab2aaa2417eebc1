//! `fansipan doctor`: what is wrong on this host and with the appliance, and what to do about it.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    path::Path,
};

use anyhow::Result;
use serde_json::{Value, json};

use super::{client, items, sources};
use crate::{Outcome, args::Cli, client::ApiError, output};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// Good or bad.
    pub ok: bool,
    /// What is the case and what to do.
    pub text: String,
}

/// Records that a reader of the log may be behind.
pub const BEHIND: u64 = 1_000_000;
/// Share of packets below which detection on the network is patchy.
pub const ENOUGH: f64 = 0.999;

struct Check {
    name: &'static str,
    ok: bool,
    text: String,
}

impl From<Check> for Finding {
    fn from(check: Check) -> Self {
        Self { name: check.name.to_owned(), ok: check.ok, text: check.text }
    }
}

/// Looks at this host and at the appliance, and says it together with what was `found` elsewhere.
///
/// # Errors
/// Where the answer cannot be written.
pub async fn doctor(cli: &Cli, found: Vec<Finding>) -> Result<Outcome> {
    let mut checks = vec![data_dir(&cli.data)];
    let api = client(cli)?;
    match api.get("/status", &[]).await {
        Ok(status) => {
            checks.extend(appliance(&status));
            match api.get("/sources", &[]).await {
                Ok(sources) => checks.extend(sensors(&sources)),
                Err(error) => checks.push(Check { name: "sources", ok: false, text: error.to_string() }),
            }
        }
        Err(error @ ApiError::Unreachable { .. }) => {
            checks.push(Check { name: "appliance", ok: false, text: error.to_string() });
            checks.extend(ports());
        }
        Err(error) => checks.push(Check { name: "appliance", ok: false, text: error.to_string() }),
    }
    let checks: Vec<Finding> = checks.into_iter().map(Finding::from).chain(found).collect();
    let good = checks.iter().all(|c| c.ok);
    if cli.json {
        for c in &checks {
            output::json(&json!({"check": c.name, "ok": c.ok, "detail": c.text}))?;
        }
    } else {
        output::table(
            &["CHECK", "", "DETAIL"],
            checks.iter().map(|c| vec![c.name.clone(), if c.ok { "ok" } else { "FAIL" }.into(), c.text.clone()]),
        )?;
    }
    Ok(if good { Outcome::Done } else { Outcome::Negative })
}

fn data_dir(dir: &Path) -> Check {
    let name = "data directory";
    match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => {
            let writable = tempfile_in(dir);
            let text = match &writable {
                Ok(()) => dir.display().to_string(),
                Err(e) => format!("{} cannot be written to: {e}. Give it to the service's user.", dir.display()),
            };
            Check { name, ok: writable.is_ok(), text }
        }
        Ok(_) => Check { name, ok: false, text: format!("{} is not a directory", dir.display()) },
        Err(e) => Check { name, ok: false, text: format!("{}: {e}. It is made by the first `fansipan run --data …`.", dir.display()) },
    }
}

fn tempfile_in(dir: &Path) -> std::io::Result<()> {
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    fs::write(&probe, b"probe")?;
    fs::remove_file(&probe)
}

/// Only asked when no appliance answers: are the default ports free for it?
fn ports() -> Vec<Check> {
    let tcp = |name, address: &str| match TcpListener::bind(address) {
        Ok(_) => Check { name, ok: true, text: format!("{address} is free") },
        Err(e) => Check {
            name,
            ok: false,
            text: format!("{address}: {e}. Another program holds it: find it with `ss -ltnp`, or configure another."),
        },
    };
    let udp = match UdpSocket::bind("127.0.0.1:5514") {
        Ok(_) => Check { name: "syslog udp port", ok: true, text: "127.0.0.1:5514 is free".into() },
        Err(e) => Check { name: "syslog udp port", ok: false, text: format!("127.0.0.1:5514: {e}. Find the holder with `ss -lunp`.") },
    };
    vec![tcp("syslog tcp port", "127.0.0.1:5514"), udp, tcp("syslog tls port", "127.0.0.1:6514"), tcp("console port", "127.0.0.1:8443")]
}

/// Whether the network sensor sees what passes.
fn sensors(sources: &Value) -> Vec<Check> {
    let taps = items(sources).iter().filter_map(|s| s.get("packets").filter(|p| p.is_object()).map(|p| (s, p)));
    taps.flat_map(|(source, packets)| {
        let up = packets.get("up").and_then(Value::as_bool) == Some(true);
        let share = packets.get("coverage").and_then(Value::as_f64).unwrap_or(0.0);
        let what =
            format!("{} is {}, {} of its packets read", output::cell(source, "id"), sources::state(packets), sources::coverage(packets));
        let next = match (up, share >= ENOUGH) {
            (false, _) => ": see `ip link`",
            (true, false) => ": raise buffer_mib or threads in [[sources.tap]], or narrow its filter",
            (true, true) => "",
        };
        let sensor = Check { name: "sensor", ok: up && share >= ENOUGH, text: what + next };
        std::iter::once(sensor).chain(ring(source, packets))
    })
    .collect()
}

/// Whether the packet ring of an interface keeps what it should; nothing where there is none.
fn ring(source: &Value, packets: &Value) -> Option<Check> {
    let lost = sources::ring_lost(packets)?;
    let (id, ring) = (output::cell(source, "id"), packets.get("ring")?);
    let mib = ring.get("bytes").and_then(Value::as_u64).unwrap_or(0) >> 20;
    let oldest = output::cell(ring, "oldest");
    let back = if oldest.is_empty() { "nothing yet".to_owned() } else { format!("{mib} MiB, back to {oldest}") };
    let (trouble, cut) = (output::cell(ring, "trouble"), output::cell(ring, "cut"));
    let next = match (trouble.is_empty(), lost) {
        (false, _) => format!("; {trouble}: make room on the disk, or lower max_mib of its ring"),
        (true, 1..) => format!("; {lost} packets were not recorded: give it a faster disk, lower flow_mib, or narrow its filter"),
        (true, 0) => String::new(),
    };
    let text = format!("the packet ring of {id} holds {back}; {cut} packets of long flows left out{next}");
    Some(Check { name: "packet ring", ok: trouble.is_empty() && lost == 0, text })
}

fn appliance(status: &Value) -> Vec<Check> {
    let number = |path: &str| path.split('/').try_fold(status, |v, k| v.get(k)).and_then(Value::as_u64);
    let mut checks = vec![Check {
        name: "appliance",
        ok: true,
        text: format!("version {}, up {} s", output::cell(status, "version"), output::cell(status, "uptime_s")),
    }];
    let alarm = output::cell(status, "bus/alarm");
    checks.push(Check {
        name: "log",
        ok: alarm.is_empty(),
        text: if alarm.is_empty() {
            format!("head {}, {} bytes", output::cell(status, "bus/head"), output::cell(status, "bus/bytes"))
        } else {
            alarm
        },
    });
    for consumer in status.pointer("/bus/consumers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice) {
        let lag = consumer.get("lag").and_then(Value::as_u64).unwrap_or(0);
        checks.push(Check {
            name: "consumer",
            ok: lag < BEHIND,
            text: format!("{} is {lag} records behind", output::cell(consumer, "name")),
        });
    }
    let failed = number("rules/failed").unwrap_or(0);
    checks.push(Check {
        name: "rules",
        ok: failed == 0,
        text: format!(
            "{} loaded, {failed} refused{}",
            output::cell(status, "rules/loaded"),
            if failed == 0 { "" } else { ": see `fansipan rules list`" }
        ),
    });
    for kind in status.pointer("/detection").and_then(Value::as_array).map_or(&[][..], Vec::as_slice) {
        let lost = |key: &str| kind.get(key).and_then(Value::as_u64).unwrap_or(0);
        let (evicted, cut, late) = (lost("evicted"), lost("cut"), lost("late"));
        if evicted + cut > 0 {
            checks.push(Check {
                name: "detection",
                ok: false,
                text: format!(
                    "{} forgot {evicted} groups and {cut} values for want of room, {late} came too late: raise correlation_groups of [rules] or groups and values of [detectors], if memory allows",
                    output::cell(kind, "name")
                ),
            });
        }
    }
    if let (Some(free), Some(total)) = (number("disk/free"), number("disk/total")) {
        let share = free.saturating_mul(100).checked_div(total).unwrap_or(0);
        checks.push(Check {
            name: "disk",
            ok: share >= 10,
            text: format!("{share} % free ({} GiB); below 10 % shorten retention or add space", free >> 30),
        });
    }
    checks
}
