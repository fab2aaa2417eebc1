//! Real rsyslog and syslog-ng ship an sshd brute force: the alert is there within a second, and the lines are found.

use std::{
    fs::OpenOptions,
    io::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_tests::{
    appliance::{Appliance, eventually},
    shippers::{Shipper, Way, rsyslog, syslog_ng},
};

/// An attacker tries names; RFC 3164 lines as sshd writes them.
fn brute_force(host: &str, attacker: &str, tries: usize) -> String {
    (0..tries)
        .map(|n| {
            let stamp = jiff_stamp();
            format!(
                "<38>{stamp} {host} sshd[{}]: Failed password for invalid user admin{n} from {attacker} port {} ssh2\n",
                1000 + n,
                40000 + n
            )
        })
        .collect()
}

fn jiff_stamp() -> String {
    jiff::Zoned::now().strftime("%b %e %H:%M:%S").to_string()
}

/// Ships a brute force in a way and checks what a person would see. Returns the time from file to alert.
fn check(appliance: &Appliance, shipper: &Shipper, host: &str, attacker: &str) -> Result<Duration> {
    // one harmless line first: the shipper's own start is not ours to measure
    let mut file = OpenOptions::new().append(true).open(&shipper.input)?;
    file.write_all(format!("<38>{} {host} sshd[7]: Server listening on 0.0.0.0 port 22.\n", jiff_stamp()).as_bytes())?;
    eventually("the first line arrives", Duration::from_secs(30), || Ok(appliance.count(&format!("host.name:{host}"))? >= 1))?;
    let sent = Instant::now();
    file.write_all(brute_force(host, attacker, 30).as_bytes())?;
    eventually("the alert", Duration::from_secs(10), || {
        let alerts = appliance.json(&["alerts", "list", "--since", "1h"])?;
        Ok(alerts.iter().any(|a| a.to_string().contains(host)))
    })?;
    let took = sent.elapsed();
    eventually("all lines are searchable", Duration::from_secs(10), || {
        Ok(appliance.count(&format!("host.name:{host} and source.ip:{attacker}"))? == 30)
    })?;
    eventually("the source is listed with what it sent", Duration::from_secs(10), || {
        let sources = appliance.json(&["sources", "list"])?;
        let source = sources.iter().find(|s| s.to_string().contains("127.0.0.1"));
        Ok(source.is_some_and(|s| s["counters"]["received"].as_u64() >= Some(31)))
    })?;
    Ok(took)
}

#[test]
fn rsyslog_and_syslog_ng_over_udp_tcp_and_tls() -> Result<()> {
    let appliance = Appliance::start("")?;
    let ca = appliance.data().join("tls/cert.pem");
    let ways = [
        ("rsyslog-udp", rsyslog(Way::Udp, appliance.syslog)?),
        ("rsyslog-tcp", rsyslog(Way::Tcp, appliance.syslog)?),
        ("rsyslog-tls", rsyslog(Way::Tls(&ca), appliance.tls)?),
        ("syslogng-udp", syslog_ng(Way::Udp, appliance.syslog)?),
        ("syslogng-tcp", syslog_ng(Way::Tcp, appliance.syslog)?),
        ("syslogng-tls", syslog_ng(Way::Tls(&ca), appliance.tls)?),
    ];
    for (n, (name, shipper)) in ways.iter().enumerate() {
        // an attacker each: what one address does to several hosts is one alert
        let took = check(&appliance, shipper, name, &format!("203.0.113.{}", 71 + n)).with_context(|| (*name).to_owned())?;
        println!("{name}: alert {} ms after the lines were written to the shipper's file", took.as_millis());
    }
    let rules = appliance.json(&["rules", "list"])?;
    let rule = rules.iter().find(|r| r["title"] == "SSH login attempt for an account that does not exist").context("the rule is listed")?;
    assert_eq!(rule["matches"], 6 * 30, "{rule}");
    assert!(rule["last_match"].is_string(), "{rule}");
    Ok(())
}

#[test]
fn every_line_from_rsyslog_is_received_stored_and_searchable() -> Result<()> {
    let lines: u64 = if std::env::var_os("FANSIPAN_SOAK").is_some() { 1_000_000 } else { 50_000 };
    let appliance = Appliance::start("")?;
    let shipper = rsyslog(Way::Tcp, appliance.syslog)?;
    let mut file = OpenOptions::new().append(true).open(&shipper.input)?;
    let stamp = jiff_stamp();
    let mut text = String::new();
    for n in 0..lines {
        text.push_str(&format!(
            "<86>{stamp} bulk sshd[{}]: Accepted publickey for u{} from 10.1.2.3 port {} ssh2\n",
            n % 30_000,
            n,
            1024 + n % 60_000
        ));
        if text.len() > 1 << 20 {
            file.write_all(text.as_bytes())?;
            text.clear();
        }
    }
    file.write_all(text.as_bytes())?;
    eventually("all lines are searchable", Duration::from_secs(600), || Ok(appliance.count("*")? >= lines))?;
    assert_eq!(appliance.count("*")?, lines);
    let sources = appliance.json(&["sources", "list"])?;
    let sum = |key: &str| sources.iter().filter_map(|s| s["counters"][key].as_u64()).sum::<u64>();
    assert_eq!((sum("received"), sum("kept")), (lines, lines));
    Ok(())
}
