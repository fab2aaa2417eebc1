//! Rules on a running appliance, and one rule in several languages: edits take effect, hunts agree with live detection, and the
//! converted rule finds what the rule finds.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use fansipan_collector::{Normalizer, Received, SourceState, Transport, records::Records};
use fansipan_model::{Event, Predicate};
use fansipan_rules::{
    RuleSet, Taxonomy,
    convert::{Dialect, convert},
};
use fansipan_storage::query;
use fansipan_tests::appliance::{Appliance, eventually};
use serde_json::{Value, json};

fn rule(id: u8, word: &str) -> String {
    format!(
        "title: Word {word}\nid: 00000000-0000-4000-8000-0000000000{id:02}\nlogsource: {{product: linux, service: sshd}}\ndetection:\n  s:\n    - 'marker {word}'\n  condition: s\nlevel: high\n"
    )
}

fn send(appliance: &Appliance, line: &str) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", appliance.syslog))?;
    let stamp = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).strftime("%b %e %H:%M:%S").to_string();
    stream.write_all(format!("<38>{stamp} srv sshd[7]: {line}\n").as_bytes())?;
    Ok(())
}

fn alerts_of(appliance: &Appliance, title: &str) -> Result<usize> {
    Ok(appliance.json(&["alerts", "list", "--since", "1h"])?.iter().filter(|a| a.to_string().contains(title)).count())
}

#[test]
fn an_edited_rule_is_in_force_at_once_and_hunts_over_what_is_stored() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("mine.yml");
    fs::write(&file, rule(1, "first"))?;
    let appliance = Appliance::start(&format!("[rules]\npaths = [\"{}\"]\n", folder.path().display()))?;
    send(&appliance, "marker first")?;
    send(&appliance, "marker second")?;
    let patience = Duration::from_secs(30);
    eventually("the first rule fires", patience, || Ok(alerts_of(&appliance, "Word first")? == 1))?;
    assert_eq!(alerts_of(&appliance, "Word second")?, 0);
    // a rule with a fault stops no other, and the one in force stays known
    fs::write(folder.path().join("broken.yml"), "title: broken\ndetection: {s: [x], condition: t}\n")?;
    fs::write(&file, rule(1, "first") + "---\n" + &rule(2, "second"))?;
    eventually("the new rule is listed", patience, || Ok(appliance.json(&["rules", "list"])?.iter().any(|r| r["title"] == "Word second")))?;
    // what arrives while the rules are being replaced may still be judged by the old ones
    let mut sent = 1;
    eventually("the new rule fires", patience, || {
        sent += 1;
        send(&appliance, "marker second")?;
        Ok(alerts_of(&appliance, "Word second")? == 1)
    })?;
    // over stored events the new rule also finds what came before it
    eventually("everything is searchable", patience, || Ok(appliance.count("marker")? == sent + 1))?;
    let path = file.display().to_string();
    let found = appliance.json(&["hunt", "--rules", &path, "--since", "1h"])?;
    let count = |title: &str| found.iter().filter(|d| d["rule.title"] == title).count() as u64;
    assert_eq!((count("Word first"), count("Word second")), (1, sent), "{found:?}");
    Ok(())
}

/// A call over the appliance's own socket, as its administrator.
fn call(appliance: &Appliance, method: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
    let mut socket = UnixStream::connect(appliance.data().join("api.sock"))?;
    let body = body.to_string();
    let head = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: local\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer")?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).context("a status")?;
    Ok((status, serde_json::from_str(body).with_context(|| answer.clone())?))
}

#[test]
fn a_rule_saved_in_the_console_is_in_force_at_once_and_after_a_restart() -> Result<()> {
    let mut appliance = Appliance::start("")?;
    let text = rule(7, "seventh");
    let id = "00000000-0000-4000-8000-000000000007";
    let save = |text: &str, enabled: bool, version: u64| json!({ "text": text, "why": "drill", "enabled": enabled, "version": version });
    let (status, kept) = call(&appliance, "POST", "/rules/own", &save(&text, true, 0))?;
    assert_eq!((status, &kept["version"]), (200, &json!(1)), "{kept}");
    // in force when the answer came: the very next record is judged by it
    send(&appliance, "marker seventh")?;
    let patience = Duration::from_secs(30);
    eventually("the rule fires", patience, || Ok(alerts_of(&appliance, "Word seventh")? == 1))?;
    let file = appliance.data().join(format!("rules/{id}.yml"));
    assert_eq!(fs::read_to_string(&file)?, text);
    let (status, off) =
        call(&appliance, "POST", &format!("/rules/{id}/switch"), &json!({ "enabled": false, "why": "over", "version": 1 }))?;
    assert_eq!((status, &off["version"]), (200, &json!(2)), "{off}");
    assert!(!file.exists());
    let listed = |appliance: &Appliance| -> Result<Option<bool>> {
        let rules = appliance.json(&["rules", "list"])?;
        Ok(rules.iter().find(|r| r["id"] == id).and_then(|r| r["enabled"].as_bool()))
    };
    assert_eq!(listed(&appliance)?, Some(false), "it is known, and not in force");
    call(&appliance, "POST", "/rules/own", &save(&text, true, 2))?;
    // whatever happened to the folder: after a start it is what people decided
    appliance.stop()?;
    fs::write(&file, "title: half a ru")?;
    appliance.launch()?;
    assert_eq!(listed(&appliance)?, Some(true));
    assert_eq!(fs::read_to_string(&file)?, text);
    Ok(())
}

fn fansipan(arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let out = Command::new(Appliance::binary()).args(arguments).output()?;
    Ok((out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned()))
}

#[test]
fn verbs_of_rules_work_without_an_appliance() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("mine.yml");
    fs::write(&file, rule(1, "first"))?;
    let sample = folder.path().join("mine.firing.log");
    fs::write(&sample, "<38>Nov 23 10:00:00 srv sshd[7]: another line\n")?;
    let file = file.to_str().context("a path")?;
    let (code, _) = fansipan(&["rules", "test", file])?;
    assert_eq!(code, Some(1), "a firing sample that stays quiet fails");
    let (code, out) = fansipan(&["rules", "convert", file, "--to", "clickhouse"])?;
    assert!(code == Some(0) && out.contains("\nSELECT * FROM events WHERE "), "{out}");
    Ok(())
}

fn rules(dir: &Path, out: &mut Vec<fansipan_rules::Rule>) -> Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)?.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            rules(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "yml") {
            out.extend(fansipan_rules::parse(&fs::read_to_string(&path)?, &path.display().to_string()).0);
        }
    }
    Ok(())
}

fn recordings(dir: &Path, normalizer: &Normalizer, out: &mut Vec<Event>) -> Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)?.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            recordings(&path, normalizer, out)?;
        } else if path.extension().is_some_and(|e| e == "json" || e == "log") {
            let mut source = SourceState::default();
            for record in Records::new(&fs::read(&path)?[..]) {
                let record = record?;
                let received =
                    Received { raw: &record.bytes, peer: None, transport: Transport::File, tls_identity: None, at: 1, path: None };
                out.push(normalizer.normalize(&mut source, &received));
            }
        }
    }
    Ok(())
}

#[test]
fn a_converted_rule_finds_what_the_rule_finds() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = std::env::var_os("FANSIPAN_TEST_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    let normalizer = Normalizer::load_builtin()?;
    let (mut parsed, mut events) = (Vec::new(), Vec::new());
    rules(&root.join("rules/packs"), &mut parsed)?;
    recordings(&root.join("rules/packs"), &normalizer, &mut events)?;
    if data.join("sigma/rules").is_dir() {
        rules(&data.join("sigma/rules"), &mut parsed)?;
        recordings(&data.join("sigma/regression_data"), &normalizer, &mut events)?;
    } else {
        println!("skipped in part: no rules at $FANSIPAN_TEST_DATA or ../shared/data");
    }
    let (set, _) = RuleSet::compile(parsed, &Taxonomy::builtin()?);
    let (mut said, mut matches, mut wrong) = (0usize, 0usize, Vec::new());
    let mut refused = BTreeSet::new();
    // one in eight, all of them in the long run
    let step = if std::env::var_os("FANSIPAN_SOAK").is_some() { 1 } else { 8 };
    for compiled in set.rules().iter().step_by(step) {
        let text = match convert(&compiled.predicate(), Dialect::Query) {
            Ok(text) => text,
            Err(error) => {
                refused.insert(error.to_string());
                continue;
            }
        };
        let filter: Predicate = match query::parse_filter(&text) {
            Ok(filter) => filter,
            Err(error) => {
                wrong.push(format!("{}: {error}: {text}", compiled.rule.file));
                continue;
            }
        };
        said += 1;
        for event in &events {
            let want = compiled.matches(event);
            matches += usize::from(want);
            if filter.matches(event) != want {
                wrong.push(format!("{}: should be {want}: {text}", compiled.rule.file));
                break;
            }
        }
    }
    println!("{said} of {} rules said in the search language, {matches} matches; refused: {refused:#?}", set.len() / step);
    assert!(wrong.is_empty(), "{} rules:\n{}", wrong.len(), wrong.iter().take(10).cloned().collect::<Vec<_>>().join("\n"));
    assert!(said * step * 100 >= set.len() * 85, "{said} of {}", set.len() / step);
    Ok(())
}

#[test]
fn the_alerts_of_a_hunt_are_lines_of_json() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("a.log");
    fs::write(&log, "<38>Nov 23 10:00:00 srv sshd[7]: marker first\n")?;
    let file = folder.path().join("mine.yml");
    fs::write(&file, rule(1, "first"))?;
    let (code, out) = fansipan(&["hunt", "--rules", file.to_str().context("a path")?, "--", log.to_str().context("a path")?])?;
    let line: Value = serde_json::from_str(out.trim())?;
    assert_eq!((code, line["rule.title"].as_str(), line["record"].as_u64()), (Some(0), Some("Word first"), Some(1)));
    Ok(())
}
