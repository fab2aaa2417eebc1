//! Exceptions on a running appliance, and correlations and pipelines over files: what a person at the command line sees.

use std::{fs, io::Write as _, net::TcpStream, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result};
use fansipan_tests::appliance::{Appliance, eventually};
use serde_json::Value;

const RULE: &str = "title: Marked\nid: 00000000-0000-4000-8000-000000000071\nlogsource: {product: linux, service: sshd}\ndetection:\n  s:\n    - 'Failed password'\n  condition: s\nlevel: high\n";

fn send(appliance: &Appliance, user: &str) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", appliance.syslog))?;
    let stamp = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).strftime("%b %e %H:%M:%S").to_string();
    let line = format!("<38>{stamp} srv sshd[7]: Failed password for {user} from 203.0.113.7 port 4711 ssh2\n");
    Ok(stream.write_all(line.as_bytes())?)
}

fn count(appliance: &Appliance, suppressed: &str) -> Result<u64> {
    let list = appliance.json(&["alerts", "list", "--rule", "00000000-0000-4000-8000-000000000071", "--suppressed", suppressed])?;
    Ok(list.iter().filter_map(|a| a["count"].as_u64()).sum())
}

#[test]
fn what_is_excepted_is_kept_and_marked_from_then_on_and_after_a_restart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("mine.yml"), RULE)?;
    let mut appliance = Appliance::start(&format!("[rules]\npaths = [\"{}\"]\n", folder.path().display()))?;
    let patience = Duration::from_secs(30);
    send(&appliance, "scanner")?;
    eventually("the rule fires", patience, || Ok(count(&appliance, "without")? == 1))?;
    let scope = ["--rule", "00000000-0000-4000-8000-000000000071", "--filter", "user.name:scanner"];
    eventually("the preview finds what is stored", patience, || {
        let found = appliance.json(&[&["exceptions", "preview"][..], &scope].concat())?;
        Ok(found[0]["events"] == 1 && found[0]["alerts"] == 1)
    })?;
    let made = appliance.json(&[&["exceptions", "add", "--reason", "our scanner", "--until", "1h"][..], &scope].concat())?;
    let id = made[0]["id"].as_str().context("an id")?.to_owned();
    let mut sent = 0;
    eventually("it is in force", patience, || {
        send(&appliance, "scanner")?;
        sent += 1;
        Ok(count(&appliance, "only")? > 0)
    })?;
    send(&appliance, "an")?;
    eventually("somebody else is shown, and nothing is lost", patience, || Ok(count(&appliance, "with")? == sent + 2))?;
    let shown = count(&appliance, "without")?;
    appliance.stop()?;
    appliance.launch()?;
    send(&appliance, "scanner")?;
    eventually("it is in force after a restart", patience, || Ok(count(&appliance, "with")? == sent + 3))?;
    assert_eq!(count(&appliance, "without")?, shown);
    let held = appliance.json(&["alerts", "list", "--suppressed", "only"])?;
    assert!(held.iter().all(|a| a["suppressed"] == id.as_str()), "{held:?}");
    appliance.json(&["exceptions", "end", &id, "--reason", "moved"])?;
    eventually("it has ended", patience, || {
        send(&appliance, "scanner")?;
        Ok(count(&appliance, "without")? > shown)
    })?;
    assert_eq!(appliance.json(&["exceptions", "show", &id])?[0]["versions"].as_array().map(Vec::len), Some(2));
    Ok(())
}

fn hunt(rules: &Path, log: &Path, more: &[&str]) -> Result<Vec<Value>> {
    let out = Command::new(Appliance::binary()).arg("hunt").arg("--rules").arg(rules).args(more).arg("--").arg(log).output()?;
    anyhow::ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout)?.lines().map(|l| Ok(serde_json::from_str(l)?)).collect()
}

#[test]
fn a_hunt_over_files_finds_correlations_with_their_events() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (rules, log) = (folder.path().join("rules.yml"), folder.path().join("a.log"));
    let correlation = "---\ntitle: Guessing\nid: 00000000-0000-4000-8000-000000000072\nlevel: high\ncorrelation:\n  type: event_count\n  rules: [failed]\n  group-by: [source.ip]\n  timespan: 5m\n  condition: {gte: 5}\n";
    fs::write(&rules, RULE.replace("id:", "name: failed\nid:") + correlation)?;
    // the lines are in no order of time; one address tries six times, another four
    let line = |second: u32, address: &str| {
        format!("<38>Nov 23 10:00:{second:02} srv sshd[7]: Failed password for an from {address} port 4711 ssh2\n")
    };
    let order = [5u32, 1, 9, 3, 7, 2];
    let text: String = order.iter().map(|s| line(*s, "203.0.113.7")).chain((0..4).map(|s| line(s, "198.51.100.9"))).collect();
    fs::write(&log, text)?;
    let found = hunt(&rules, &log, &[])?;
    assert_eq!(found.len(), 1, "{found:#?}");
    let guess = &found[0];
    assert_eq!((guess["rule.title"].as_str(), guess["count"].as_u64()), (Some("Guessing"), Some(6)));
    let records: Vec<u64> = guess["events"].as_array().context("events")?.iter().filter_map(|e| e["record"].as_u64()).collect();
    assert_eq!(records, [2, 6, 4, 1, 5, 3], "in order of time, numbered as in the file");
    assert_eq!(guess["events"][0]["event"]["source.ip"], "203.0.113.7");
    assert_eq!(guess["matched"]["source.ip"], "203.0.113.7");
    Ok(())
}

#[test]
fn a_pipeline_changes_rules_before_they_hunt() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (rules, log, pipeline) = (folder.path().join("r.yml"), folder.path().join("a.log"), folder.path().join("p.yml"));
    fs::write(&rules, RULE.replace("    - 'Failed password'", "    account_name: root"))?;
    fs::write(&log, "<38>Nov 23 10:00:00 srv sshd[7]: Failed password for root from 203.0.113.7 port 4711 ssh2\n")?;
    fs::write(
        &pipeline,
        "name: ours\npriority: 10\ntransformations:\n  - id: names\n    type: field_name_mapping\n    mapping:\n      account_name: user.name\n",
    )?;
    let path = pipeline.display().to_string();
    assert_eq!(hunt(&rules, &log, &[])?.len(), 0);
    assert_eq!(hunt(&rules, &log, &["--pipeline", &path])?.len(), 1);
    fs::write(&pipeline, "name: ours\ntransformations:\n  - type: no_such_thing\n")?;
    let refused = hunt(&rules, &log, &["--pipeline", &path]).map(|d| d.len());
    assert!(refused.as_ref().is_err_and(|e| e.to_string().contains("FSP-CLI-025")), "{refused:?}");
    Ok(())
}
