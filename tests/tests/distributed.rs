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
    for topic in ["events", "keyed", "alerts", "state", "settings", "control", "packets", "dead"] {
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
    // ten minutes at 10,000 a second in the long form
    let (many, seconds) = if soak() { (6_600_000, 600) } else { (4400, 4) };
    let patience = |short| Duration::from_secs(if soak() { 1800 } else { short });
    let broker = Broker::own()?;
    let line = broker.line()?;
    let mut deployment = Deployment::new(&broker, 1, "", "")?;
    deployment.collector.reach(&line.address)?;
    deployment.launch()?;
    let lines = lines(many);
    let (first, rest) = lines.split_at(many / 11);
    send(deployment.syslog, first)?;
    eventually("the first lines are there", patience(120), || Ok(deployment.count("*")? == first.len() as u64))?;
    line.cut();
    for chunk in rest.chunks(rest.len() / seconds) {
        let begun = std::time::Instant::now();
        send(deployment.syslog, chunk)?;
        std::thread::sleep(Duration::from_secs(1).saturating_sub(begun.elapsed()));
    }
    eventually("the spool holds what came, and the collector says so", Duration::from_secs(60), || {
        let waiting = deployment.collector.figure("fansipan_spool_records")?;
        Ok(waiting as usize == rest.len() && deployment.collector.figure("fansipan_alarm")? == 1.0)
    })
    .with_context(|| deployment.last_words())?;
    eventually("metrics and API of the console name who is cut off", Duration::from_secs(60), || {
        let silent = deployment.console.figure("fansipan_collector_silent_seconds{collector=\"collector\"}")?;
        let said = |f: &Value| f["detail"].as_str().is_some_and(|d| d.contains("collector: has not been heard of"));
        Ok(silent > 5.0 && deployment.doctor()?.iter().any(|f| f["check"] == "log" && f["ok"] == false && said(f)))
    })?;
    line.mend();
    let mut most = 0.0_f64;
    let took = eventually("it catches up", patience(90), || {
        most = most.max(deployment.console.figure("fansipan_spool_records")? + deployment.console.figure("fansipan_lag_records")?);
        Ok(deployment.collector.figure("fansipan_spool_records")? == 0.0 && deployment.count("*")? == many as u64)
    })
    .with_context(|| deployment.last_words())?;
    println!("{} records that waited in the spool were stored {took:.1?} after the line was mended; lag seen: {most}", rest.len());
    assert!(!soak() || most > 0.0, "the console sees how far it is behind while it catches up");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(deployment.count("*").context("the count")?, many as u64, "and none twice");
    eventually("nothing is wrong any more", Duration::from_secs(30), || {
        Ok(deployment.doctor()?.iter().any(|f| f["check"] == "log" && f["ok"] == true))
    })
    .map(drop)
}

const MARKED: &str = "00000000-0000-4000-8000-000000000071";
const OWN: &str = "00000000-0000-4000-8000-000000000072";

/// One failed login of a user, now.
fn fail(port: u16, user: &str) -> Result<()> {
    let line = format!("<38>{:.3} srv sshd[7]: Failed password for {user} from 203.0.113.7 port 4711 ssh2", jiff::Timestamp::now());
    send(port, &[line])
}

#[test]
fn what_people_set_at_the_console_is_heeded_by_the_analyzers() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let rule = |id: &str, title: &str, word: &str| {
        format!(
            "title: {title}\nid: {id}\nlogsource: {{product: linux, service: sshd}}\ndetection:\n  s:\n    - '{word}'\n  condition: s\nlevel: high\n"
        )
    };
    std::fs::create_dir(folder.path().join("rules"))?;
    std::fs::write(folder.path().join("rules/mine.yml"), rule(MARKED, "Marked", "Failed password"))?;
    let broker = Broker::start()?;
    let extra = format!("[rules]\nshipped = false\npaths = [\"{}\"]\n", folder.path().join("rules").display());
    let mut deployment = Deployment::start(&broker, 2, &extra, "")?;
    let patience = Duration::from_secs(60);
    let count = |d: &Deployment, rule: &str, suppressed: &str| -> Result<u64> {
        let list = d.json(&["alerts", "list", "--status", "all", "--rule", rule, "--suppressed", suppressed])?;
        Ok(list.iter().filter_map(|a| a["count"].as_u64()).sum())
    };
    fail(deployment.syslog, "scanner")?;
    eventually("the rule fires", patience, || Ok(count(&deployment, MARKED, "without")? == 1))?;
    let scope = ["--rule", MARKED, "--filter", "user.name:scanner", "--reason", "our scanner", "--until", "1h"];
    let made = std::time::Instant::now();
    deployment.json(&[&["exceptions", "add"][..], &scope].concat())?;
    let mut sent = 1;
    eventually("an exception made at the console quiets the analyzers", patience, || {
        fail(deployment.syslog, "scanner")?;
        sent += 1;
        Ok(count(&deployment, MARKED, "only")? > 0)
    })?;
    println!("an exception is in force {:.1} s after it was made", made.elapsed().as_secs_f64());
    let shown = count(&deployment, MARKED, "without")?;
    // a rule of their own: saved at the console, fires at the analyzers
    let own = folder.path().join("own.yml");
    std::fs::write(&own, rule(OWN, "Our own", "Failed password for ghost"))?;
    let path = own.display().to_string();
    deployment.json(&["rules", "save", &path, "--why", "seen at another centre"])?;
    let mut seen = 0;
    eventually("an own rule fires", patience, || {
        fail(deployment.syslog, "ghost")?;
        (sent, seen) = (sent + 1, seen + 1);
        Ok(count(&deployment, OWN, "without")? > 0)
    })?;
    for role in &mut deployment.analyzers {
        assert!(role.figure("fansipan_settings_reloads_total")? >= 2.0, "reloads are counted");
        assert_eq!((role.figure("fansipan_exceptions")?, role.figure("fansipan_own_rules")?), (1.0, 1.0));
        role.kill();
        role.launch()?;
    }
    fail(deployment.syslog, "scanner")?;
    sent += 1;
    eventually("all of it is counted, after a crash too", patience, || Ok(count(&deployment, MARKED, "with")? == sent))?;
    let ghosts = count(&deployment, OWN, "without")?;
    assert_eq!(count(&deployment, MARKED, "without")?, shown + seen, "what is excepted stays quiet");
    // switched off at the console, quiet at the analyzers
    deployment.json(&["rules", "switch", OWN, "off", "--why", "too loud"])?;
    eventually("the own rule is gone", patience, || {
        Ok(deployment.analyzers.iter().all(|a| !a.data.join(format!("rules/{OWN}.yml")).exists()))
    })?;
    fail(deployment.syslog, "ghost")?;
    eventually("the other rule has seen it", patience, || Ok(count(&deployment, MARKED, "with")? == sent + 1))?;
    assert_eq!(count(&deployment, OWN, "without")?, ghosts);
    Ok(())
}

/// Asks ClickHouse itself.
fn clickhouse(url: &str, query: &str) -> Result<String> {
    let out = std::process::Command::new("curl").args(["-sf", "--max-time", "20", url, "--data-binary", query]).output()?;
    anyhow::ensure!(out.status.success(), "ClickHouse: {}", String::from_utf8_lossy(&out.stdout));
    Ok(String::from_utf8(out.stdout)?.trim().to_owned())
}

/// Recent days are on the console's own disk: it answers, and starts, without ClickHouse, and says so.
fn without_the_archive(deployment: &mut Deployment, engine: &mut ClickHouse, many: u64) -> Result<()> {
    engine.kill();
    let patience = Duration::from_secs(60);
    eventually("metrics say that it is away", patience, || Ok(deployment.console.figure("fansipan_archive_away")? == 1.0))?;
    assert_eq!(deployment.count("*")?, many, "by what it held");
    let explained = deployment.json(&["search", "*", "--explain", "--since", "30d"])?;
    assert!(format!("{explained:?}").contains("ClickHouse does not answer"), "{explained:?}");
    let found = deployment.doctor()?;
    assert!(found.iter().any(|f| f["detail"].as_str().is_some_and(|d| d.contains("ClickHouse does not answer"))), "{found:?}");
    deployment.console.stop()?;
    deployment.console.launch()?;
    let refused = deployment.json(&["search", "* | stats count() as n", "--since", "3650d"]).expect_err("older days").to_string();
    assert!(refused.contains("FSP-S14"), "{refused}");
    anyhow::ensure!(engine.restart(), "the engine starts again");
    eventually("it is used again", patience, || Ok(deployment.count("*").is_ok_and(|n| n == many)))?;
    Ok(())
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
    let took = eventually("the indexer killed, all stored once", patience, || has(first.len() + second.len()))?;
    println!("indexer killed: all stored {:.1} s after it started again", took.as_secs_f64());
    if engine.is_ours() {
        engine.kill();
        send(deployment.syslog, third)?;
        anyhow::ensure!(engine.restart(), "the engine starts again");
    } else {
        send(deployment.syslog, third)?;
    }
    let took = eventually("the engine killed, all stored once", patience, || Ok(has(many).unwrap_or(false)))
        .with_context(|| format!("{:?}\n{}", clickhouse(&url, &count), deployment.last_words()))?;
    println!("ClickHouse engine killed: all stored {:.1} s after it started again", took.as_secs_f64());
    eventually("the console has everything", patience, || Ok(deployment.count("*")? == many as u64))?;
    let figures = deployment.console.metrics()?;
    assert!(figures.contains("fansipan_lag_records{group=\"indexer\""), "the lag of the indexer is seen");
    if engine.is_ours() {
        without_the_archive(&mut deployment, &mut engine, many as u64)?;
    }
    clickhouse(&url, &format!("DROP DATABASE {database}"))?;
    Ok(())
}
