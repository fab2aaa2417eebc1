//! What goes wrong at a customer's: each gets a clear message or a kept, flagged event.

use std::{
    fs,
    io::Write as _,
    net::{TcpListener, TcpStream, UdpSocket},
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};
use fansipan_tests::{
    appliance::{Appliance, eventually},
    ports,
};
use serde_json::Value;

/// Runs `fansipan run` with a configuration that cannot work; its last words.
fn refused(config: &str, data: &Path) -> Result<(Output, String)> {
    let file = data.join("fansipan.toml");
    fs::write(&file, config)?;
    let out = Command::new(Appliance::binary())
        .args(["run", "--data"])
        .arg(data.join("data"))
        .arg("--config")
        .arg(&file)
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    Ok((out, text))
}

#[test]
fn a_configuration_that_cannot_work_says_what_and_where() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let busy = TcpListener::bind("127.0.0.1:0")?;
    let port = busy.local_addr()?.port();
    let free = ports::free();
    let quiet = "[[sources.udp]]\nlisten = \"127.0.0.1:0\"\n[[sources.tls]]\nlisten = \"127.0.0.1:0\"\n";
    for (config, words) in [
        ("[console]\nlisen = \"127.0.0.1:1\"\n".to_owned(), vec!["FSP-CFG-002", "lisen", "dòng 2"]),
        ("[storage\n".to_owned(), vec!["FSP-CFG-002", "dòng 1"]),
        ("[storage]\ndays = \"many\"\n".to_owned(), vec!["FSP-CFG-002", "days"]),
        (format!("[console]\nlisten = \"127.0.0.1:{port}\"\n"), vec!["FSP-API-105", "đang được dùng"]),
        (format!("{quiet}[[sources.tcp]]\nlisten = \"127.0.0.1:{port}\"\n[console]\nlisten = \"127.0.0.1:{free}\"\n"), vec!["in use"]),
        ("[console]\ncertificate = \"/nonexistent/cert.pem\"\nkey = \"/nonexistent/key.pem\"\n".to_owned(), vec!["/nonexistent/"]),
        ("[console]\ncertificate = \"/nonexistent/cert.pem\"\n".to_owned(), vec!["FSP-CFG-004"]),
        ("[sources]\ntimezone = \"Mars/Olympus\"\n".to_owned(), vec!["Mars/Olympus"]),
    ] {
        let (out, text) = refused(&config, dir.path())?;
        assert_eq!(out.status.code(), Some(2), "{config}\n{text}");
        for word in words {
            assert!(text.contains(word), "`{word}` is not said for\n{config}\n{text}");
        }
        assert!(!text.contains("panicked"), "{text}");
    }
    let out = Command::new(Appliance::binary()).args(["run", "--config", "/nonexistent.toml", "--data"]).arg(dir.path()).output()?;
    assert!(String::from_utf8_lossy(&out.stderr).contains("FSP-CFG-001"));
    let out = Command::new(Appliance::binary()).args(["run", "--data", "/proc/nowhere"]).output()?;
    assert!(String::from_utf8_lossy(&out.stderr).contains("FSP-RUN-002"));
    Ok(())
}

#[test]
fn two_processes_never_share_a_data_folder() -> Result<()> {
    let appliance = Appliance::start("")?;
    let out =
        Command::new(Appliance::binary()).args(["run", "--data"]).arg(appliance.data()).arg("--config").arg(appliance.config()).output()?;
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{text}");
    assert!(text.contains(&appliance.pid().to_string()), "the holder is not named: {text}");
    Ok(())
}

/// The one event a search finds.
fn only(appliance: &Appliance, query: &str) -> Result<Value> {
    let mut found = Vec::new();
    eventually(query, Duration::from_secs(20), || {
        found = appliance.json(&["search", query, "--since", "3650d"])?;
        Ok(!found.is_empty())
    })?;
    assert_eq!(found.len(), 1, "{query}: {found:?}");
    found.pop().context("an event")
}

#[test]
fn odd_records_are_kept_and_flagged() -> Result<()> {
    let appliance = Appliance::start("")?;
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    udp.connect(("127.0.0.1", appliance.syslog))?;

    // not UTF-8: kept byte for byte
    udp.send(b"<13>Nov 23 10:00:00 latin app: caf\xe9 oddbytes \xff\xfe")?;
    let event = only(&appliance, "oddbytes")?;
    assert!(event.get("fansipan.raw").is_some(), "{event}");

    // the largest datagram there is
    let mut big = b"<13>Nov 23 10:00:00 big app: largedatagram ".to_vec();
    big.resize(65_507, b'x');
    udp.send(&big)?;
    let event = only(&appliance, "largedatagram")?;
    assert_eq!(event["event.original"].as_str().map(str::len), Some(65_507));

    // a clock years off: kept, the receive time used or the skew flagged
    udp.send(b"<13>1 1999-01-01T00:00:00Z oldclock app - - - wrongyear")?;
    let event = only(&appliance, "wrongyear")?;
    assert!(event.get("fansipan.skew").is_some() || event["tags"].to_string().contains("clock"), "{event}");

    // no log at all
    udp.send(&[0, 1, 2, 3, 0xfe, 0xff, b'n', b'o', b'l', b'o', b'g', b'w', b'o', b'r', b'd'])?;
    eventually("garbage is kept", Duration::from_secs(20), || Ok(appliance.count("event.kind:pipeline_error or fansipan.raw:*")? >= 2))?;

    // a line without end: cut at the limit, flagged, memory bounded, the next line intact
    let before = memory(appliance.pid());
    let mut wire = TcpStream::connect(("127.0.0.1", appliance.syslog))?;
    wire.write_all(b"<13>Nov 23 10:00:00 endless app: endlessline ")?;
    let chunk = vec![b'y'; 1 << 20];
    for _ in 0..if std::env::var_os("FANSIPAN_SOAK").is_some() { 2048 } else { 128 } {
        wire.write_all(&chunk)?;
    }
    wire.write_all(b"\n<13>Nov 23 10:00:01 endless app: lineafter\n")?;
    let event = only(&appliance, "endlessline")?;
    assert_eq!(event["fansipan.truncated"], Value::Bool(true), "{}", event["message"].to_string().len());
    only(&appliance, "lineafter")?;
    let grown = memory(appliance.pid()).saturating_sub(before);
    assert!(grown < 100 << 10, "memory grew by {grown} KiB");
    Ok(())
}

/// Resident KiB.
fn memory(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    text.lines().find_map(|l| l.strip_prefix("VmRSS:")).and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_full_disk_holds_back_and_loses_nothing() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=160m", "tmpfs"]).arg(dir.path()).status().is_ok_and(|s| s.success());
    if !mounted {
        println!("skipped: a small file system cannot be mounted here");
        return Ok(());
    }
    let _unmount = Unmount(dir.path());
    let mut appliance = Appliance::start_in(&dir.path().join("data"), "")?;
    let ballast = dir.path().join("ballast");
    fs::write(&ballast, vec![0u8; 100 << 20])?;
    let mut wire = TcpStream::connect(("127.0.0.1", appliance.syslog))?;
    wire.set_write_timeout(Some(Duration::from_secs(3)))?;
    // 64 MB at most; the disk has about 44 MB left above the reserve
    let filler = "z".repeat(2000);
    let mut sent = 0u64;
    for n in 0..32_000u64 {
        if wire.write_all(format!("<13>Nov 23 10:00:00 fill app: diskfill {n} {filler}\n").as_bytes()).is_err() {
            break; // held back, as it should
        }
        sent += 1;
    }
    eventually("the alarm is raised", Duration::from_secs(30), || Ok(appliance.cli(&["doctor"]).is_err()))?;
    fs::remove_file(&ballast)?;
    drop(wire);
    eventually("it goes on by itself", Duration::from_secs(60), || Ok(appliance.cli(&["doctor"]).is_ok()))?;
    let kept =
        |a: &Appliance| -> Result<u64> { Ok(a.json(&["sources", "list"])?.iter().filter_map(|s| s["counters"]["kept"].as_u64()).sum()) };
    let mut last = 0;
    eventually("everything kept is searchable", Duration::from_secs(60), || {
        let now = kept(&appliance)?;
        let found = appliance.count("*")?;
        let settled = now == last && found == now && now > 0;
        last = now;
        std::thread::sleep(Duration::from_millis(500));
        Ok(settled)
    })?;
    println!("{sent} lines written before the sender was held back; {last} kept and searchable");
    appliance.stop()
}

struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}
