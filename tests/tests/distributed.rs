//! The distributed deployment with a real Kafka: the same alerts and the same search results as on one machine, and API, metrics
//! and doctor that tell how it is.

use std::{collections::BTreeMap, io::Write as _, net::TcpStream, time::Duration};

use anyhow::{Context as _, Result};
use fansipan_tests::{
    appliance::{Appliance, eventually},
    clickhouse::ClickHouse,
    deployment::Deployment,
    kafka::Broker,
};
use serde_json::Value;

fn soak() -> bool {
    std::env::var_os("FANSIPAN_SOAK").is_some()
}

/// Lines of sshd, sudo and others from forty hosts, some of them under attack; the same in every run but for the day. They span four
/// minutes, less than the lateness allowed: partitions are read at speeds of their own, and beyond it a late record is left out.
fn lines(many: usize) -> Vec<String> {
    let base = jiff::Timestamp::now().as_second() - 6 * 3600;
    let base = base - base % 3600;
    let mut seed = 0x5eed_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut out = Vec::with_capacity(many);
    for n in 0..many {
        let at = jiff::Timestamp::from_second(base + (n as i64 * 240) / many as i64).expect("a time");
        let (host, user) = (random(40), random(30));
        let text = match random(20) {
            0..=7 => format!("Accepted publickey for u{user} from 10.1.{}.{user} port {} ssh2", host % 4, 40_000 + random(9000)),
            8..=11 => format!("Failed password for u{user} from 10.1.{}.{user} port {} ssh2", host % 4, 40_000 + random(9000)),
            // a scanner that tries every host, and one that tries one
            12..=14 => format!("Failed password for invalid user a{} from 203.0.113.9 port {} ssh2", random(500), 40_000 + random(9000)),
            15 => format!("Accepted password for root from 203.0.113.{} port {} ssh2", random(3), 40_000 + random(9000)),
            _ => format!("Connection closed by 10.1.{}.{user} port {} [preauth]", host % 4, 40_000 + random(9000)),
        };
        out.push(format!("<38>{at} srv{host:02} sshd[{}]: {text}", 1000 + random(9000)));
    }
    out
}

fn send(port: u16, lines: &[String]) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    for chunk in lines.chunks(500) {
        let mut text = chunk.join("\n");
        text.push('\n');
        stream.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// What an alert says, without what depends on the run: ids and times of arrival.
fn told(alerts: &[Value]) -> Vec<String> {
    let mut out: Vec<String> = alerts
        .iter()
        .map(|a| {
            let part = |k: &str| a.pointer(k).map(Value::to_string).unwrap_or_default();
            ["/rule/id", "/count", "/first_seen", "/last_seen", "/group", "/summary"].map(part).join(" ")
        })
        .collect();
    out.sort();
    out
}

const QUERIES: [&str; 5] = [
    "* | stats count() as n by host.name, event.outcome | sort host.name",
    "event.outcome:failure | stats count() as n, dc(user.name) as users by source.ip | sort source.ip",
    "invalid user a1* | stats count() as n",
    "source.ip:203.0.113.0/24 and not event.outcome:failure | stats count() as n by user.name",
    "preauth | stats min(source.port) as low, max(source.port) as high",
];

#[test]
fn the_same_alerts_and_results_as_on_one_machine() -> Result<()> {
    let many = if soak() { 1_000_000 } else { 6000 };
    let lines = lines(many);
    let broker = Broker::start()?;
    let deployment = Deployment::start(&broker, 2, "", "")?;
    let patience = Duration::from_secs(if soak() { 3600 } else { 120 });
    send(deployment.syslog, &lines)?;
    // while the brokers and roles work
    let appliance = Appliance::start("")?;
    send(appliance.syslog, &lines)?;
    eventually("the appliance has everything", patience, || Ok(appliance.count("*")? == many as u64))?;
    eventually("the deployment has everything", patience, || Ok(deployment.count("*")? == many as u64))?;
    for query in QUERIES {
        let ask = ["search", query, "--since", "30d"];
        assert_eq!(deployment.json(&ask)?, appliance.json(&ask)?, "{query}");
    }
    let all = ["alerts", "list", "--status", "all", "--limit", "1000"];
    let alone = || Ok::<_, anyhow::Error>(told(&appliance.json(&all)?));
    let together = || Ok::<_, anyhow::Error>(told(&deployment.json(&all)?));
    let same = eventually("the same alerts", patience, || Ok(alone()? == together()? && !alone()?.is_empty()));
    if same.is_err() {
        let (a, b) = (alone()?, together()?);
        let only = |x: &[String], y: &[String]| x.iter().filter(|l| !y.contains(l)).cloned().collect::<Vec<_>>().join("\n");
        panic!("alerts differ\nonly on one machine:\n{}\nonly in the deployment:\n{}", only(&a, &b), only(&b, &a));
    }
    println!("{many} lines: {} alerts, the same on one machine and in the deployment", alone()?.len());
    how_it_is(&deployment, many)
}

/// API, metrics and doctor.
fn how_it_is(deployment: &Deployment, many: usize) -> Result<()> {
    eventually("sources are known at the console", Duration::from_secs(30), || {
        let sources = deployment.json(&["sources", "list"])?;
        let kept: u64 = sources.iter().filter_map(|s| s.pointer("/counters/kept").and_then(Value::as_u64)).sum();
        Ok(sources.len() == 40 && kept == many as u64)
    })?;
    eventually("nobody is behind", Duration::from_secs(30), || {
        Ok(deployment.console.metrics()?.contains("fansipan_lag_records{group=\"analyzer\",partition=\"0\"} 0")
            && deployment.console.figure("fansipan_lag_records")? == 0.0)
    })?;
    let found = deployment.doctor()?;
    let by_name: BTreeMap<&str, bool> = found.iter().filter_map(|f| Some((f["check"].as_str()?, f["ok"].as_bool()?))).collect();
    let (_, prefix) = deployment.bus();
    for topic in ["events", "keyed", "alerts", "state", "control", "dead"] {
        let name = format!("{prefix}fansipan.{topic}.v1");
        assert_eq!(by_name.get(name.as_str()), Some(&true), "{found:?}");
    }
    let consumers = found.iter().filter(|f| f["check"] == "consumer").count();
    assert!(consumers >= 9, "three groups of three partitions: {found:?}");
    assert!(found.iter().any(|f| f["detail"].as_str().is_some_and(|d| d.contains("analyzer.keyed/2"))), "{found:?}");
    Ok(())
}

#[test]
fn a_collector_that_was_cut_off_catches_up_and_the_lag_is_seen() -> Result<()> {
    let (many, seconds) = if soak() { (6_000_000, 600) } else { (4000, 4) };
    let broker = Broker::own()?;
    let deployment = Deployment::start(&broker, 1, "", "")?;
    let lines = lines(many);
    let mut rest = lines.as_slice();
    let first = lines.len() / 10;
    send(deployment.syslog, &rest[..first])?;
    rest = &rest[first..];
    eventually("the first lines are there", Duration::from_secs(60), || Ok(deployment.count("*")? == first as u64))?;
    broker.signal("STOP")?;
    for chunk in rest.chunks(rest.len().div_ceil(seconds)) {
        send(deployment.syslog, chunk)?;
        std::thread::sleep(Duration::from_secs(1));
    }
    eventually("the spool holds what came", Duration::from_secs(60), || {
        let waiting = deployment.collector.figure("fansipan_spool_records")?;
        Ok(waiting as usize == rest.len() && deployment.collector.figure("fansipan_alarm")? == 1.0)
    })?;
    broker.signal("CONT")?;
    let took = eventually("it catches up", Duration::from_secs(if soak() { 1800 } else { 90 }), || {
        Ok(deployment.count("*")? == many as u64 && deployment.collector.figure("fansipan_spool_records")? == 0.0)
    })?;
    println!("{} records that waited in the spool were stored {took:.1?} after the broker came back", rest.len());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(deployment.count("*").context("the count")?, many as u64, "and none twice");
    Ok(())
}

/// Asks ClickHouse itself.
fn clickhouse(url: &str, query: &str) -> Result<String> {
    let out = std::process::Command::new("curl").args(["-sf", "--max-time", "20", url, "--data-binary", query]).output()?;
    anyhow::ensure!(out.status.success(), "ClickHouse: {}", String::from_utf8_lossy(&out.stdout));
    Ok(String::from_utf8(out.stdout)?.trim().to_owned())
}

#[test]
fn an_indexer_stores_every_event_once_in_clickhouse_whoever_is_killed() -> Result<()> {
    let Some(mut engine) = ClickHouse::start() else { return Ok(()) };
    let many = if soak() { 300_000 } else { 3000 };
    let lines = lines(many);
    let broker = Broker::start()?;
    let database = format!("t{}", std::process::id());
    let extra = format!("[clickhouse]\nurl = \"{}\"\ndatabase = \"{database}\"\n", engine.url());
    let mut deployment = Deployment::start(&broker, 1, &extra, "")?;
    deployment.indexer.launch()?;
    let patience = Duration::from_secs(if soak() { 1800 } else { 120 });
    let (url, count) = (engine.url().to_owned(), format!("SELECT count(), uniqExact(id) FROM {database}.events"));
    let has = |n: usize| clickhouse(&url, &count).map(|found| found == format!("{n}\t{n}"));
    let (first, rest) = lines.split_at(many / 3);
    let (second, third) = rest.split_at(many / 3);
    send(deployment.syslog, first)?;
    eventually("the first are stored", patience, || has(first.len()))?;
    send(deployment.syslog, second)?;
    deployment.indexer.kill();
    deployment.indexer.launch()?;
    eventually("the indexer killed, all stored once", patience, || has(first.len() + second.len()))?;
    if engine.is_ours() {
        engine.kill();
        send(deployment.syslog, third)?;
        anyhow::ensure!(engine.restart(), "the engine starts again");
    } else {
        send(deployment.syslog, third)?;
    }
    eventually("the engine killed, all stored once", patience, || Ok(has(many).unwrap_or(false)))
        .with_context(|| format!("{:?}\n{}", clickhouse(&url, &count), deployment.last_words()))?;
    eventually("the console has everything", patience, || Ok(deployment.count("*")? == many as u64))?;
    let figures = deployment.console.metrics()?;
    assert!(figures.contains("fansipan_lag_records{group=\"indexer\""), "the lag of the indexer is seen");
    clickhouse(&url, &format!("DROP DATABASE {database}"))?;
    Ok(())
}
