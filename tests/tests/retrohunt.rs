//! A hunt over stored events says what live detection said, rule by rule; the other verbs for rules against a running appliance.

use std::{collections::BTreeMap, fs, io::Write as _, net::TcpStream, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use fansipan_tests::appliance::{Appliance, eventually};
use serde_json::Value;

/// Every sample of the shipped rules, as one stream of lines.
fn samples() -> Result<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/packs");
    let mut all = Vec::new();
    for area in fs::read_dir(root)?.filter_map(|e| e.ok().map(|e| e.path())).filter(|p| p.is_dir()) {
        for file in fs::read_dir(area)? {
            let path = file?.path();
            if path.extension().is_some_and(|e| e == "log") {
                all.extend(fs::read(&path)?);
                all.push(b'\n');
            }
        }
    }
    Ok(all)
}

fn by_rule(list: &[Value], id: &str, count: impl Fn(&Value) -> u64) -> BTreeMap<String, u64> {
    let mut out = BTreeMap::new();
    for item in list {
        *out.entry(item[id].as_str().unwrap_or_default().to_owned()).or_default() += count(item);
    }
    out.retain(|_, n| *n > 0);
    out
}

#[test]
fn a_hunt_over_stored_events_says_what_live_detection_said() -> Result<()> {
    let appliance = Appliance::start("")?;
    let lines = samples()?;
    let count = lines.split(|b| *b == b'\n').filter(|l| !l.iter().all(u8::is_ascii_whitespace)).count() as u64;
    TcpStream::connect(("127.0.0.1", appliance.syslog))?.write_all(&lines)?;
    eventually("every line is stored", Duration::from_secs(60), || {
        let stored = appliance.json(&["search", "* | stats count()", "--since", "5000d"])?;
        Ok(stored.first().and_then(|r| r["count"].as_u64()) >= Some(count))
    })?;
    let live = || Ok::<_, anyhow::Error>(by_rule(&appliance.json(&["rules", "list"])?, "id", |r| r["matches"].as_u64().unwrap_or(0)));
    let mut before = live()?;
    eventually("live detection is done", Duration::from_secs(30), || {
        let now = live()?;
        let same = now == before && !now.is_empty();
        before = now;
        Ok(same)
    })?;
    let hunted = by_rule(&appliance.json(&["hunt", "--since", "5000d"])?, "rule.id", |_| 1);
    assert_eq!(hunted, before, "rules in force");
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/packs/sshd");
    let packs = packs.to_str().context("a path in UTF-8")?;
    let detections = appliance.json(&["hunt", "--rules", packs, "--since", "5000d"])?;
    let hunted = by_rule(&detections, "rule.id", |_| 1);
    assert!(hunted.len() >= 3 && hunted.iter().all(|(id, n)| before.get(id) == Some(n)), "few rules, by the index: {hunted:?}");

    let found = detections.first().context("a detection")?;
    let (rule, event) = (found["rule.id"].as_str().unwrap_or_default(), found["record"].as_str().unwrap_or_default());
    let told = appliance.json(&["rules", "explain", rule, event])?;
    assert_eq!(told[0]["matched"], true, "{told:?}");
    assert!(told[0]["selections"][0]["tests"][0]["values"][0].is_string(), "{told:?}");

    let coverage = appliance.json(&["rules", "coverage", "--since", "5000d"])?;
    let blind: Vec<_> = coverage.iter().filter(|r| r["state"] != "sees" && before.contains_key(r["id"].as_str().unwrap_or(""))).collect();
    assert!(blind.is_empty(), "what has fired is not blind: {blind:#?}");
    Ok(())
}
