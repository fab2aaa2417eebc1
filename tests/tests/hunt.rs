//! `fansipan hunt` over real attack recordings: SigmaHQ's regression samples are found by their own rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use fansipan_tests::appliance::Appliance;
use serde_json::Value;

/// Where real rules and recordings are, if they are.
fn data() -> Option<PathBuf> {
    let data = std::env::var_os("FANSIPAN_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    data.join("sigma/rules").is_dir().then_some(data).or_else(|| {
        println!("skipped: no recorded attacks at $FANSIPAN_TEST_DATA or ../shared/data");
        None
    })
}

fn hunt(data: &Path, inputs: &[PathBuf]) -> Result<Vec<Value>> {
    let mut command = Command::new(Appliance::binary());
    command.arg("hunt");
    for folder in ["rules", "rules-emerging-threats", "rules-threat-hunting"] {
        command.arg("--rules").arg(data.join("sigma").join(folder));
    }
    let out = command.arg("--").args(inputs).output()?;
    assert!(out.status.success() || out.status.code() == Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).lines().map(|l| serde_json::from_str(l).with_context(|| l.to_owned())).collect()
}

/// Sample file → id of the rule that must find it.
fn samples(dir: &Path, out: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)?.flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            samples(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "evtx") {
            let info = fs::read_to_string(path.with_file_name("info.yml"))?;
            let id = info
                .lines()
                .skip_while(|l| !l.contains("rule_metadata"))
                .find_map(|l| l.trim().trim_start_matches("- ").strip_prefix("id:"));
            out.insert(path, id.context("info.yml names a rule")?.trim().to_owned());
        }
    }
    Ok(())
}

#[test]
fn regression_samples_are_found_by_their_own_rules() -> Result<()> {
    let Some(data) = data() else { return Ok(()) };
    let mut wanted = BTreeMap::new();
    samples(&data.join("sigma/regression_data"), &mut wanted)?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for detection in hunt(&data, &[data.join("sigma/regression_data")])? {
        for key in ["rule.id", "rule.title", "rule.level", "input", "record", "event"] {
            assert!(detection.get(key).is_some(), "{key} is missing: {detection}");
        }
        let text = |key: &str| detection[key].as_str().unwrap_or_default().to_owned();
        found.entry(text("input")).or_default().insert(text("rule.id"));
    }
    let mut missed = Vec::new();
    for (sample, rule) in &wanted {
        for input in [sample.clone(), sample.with_extension("json")] {
            if input.exists() && !found.get(&input.display().to_string()).is_some_and(|rules| rules.contains(rule)) {
                missed.push(format!("{rule} {}", input.display()));
            }
        }
    }
    println!("{} samples; not found by their own rule: {}", wanted.len(), missed.len());
    missed.iter().for_each(|m| println!("  {m}"));
    let missed_evtx = missed.iter().filter(|m| m.ends_with(".evtx")).count();
    assert!(wanted.len() - missed_evtx >= 65, "{missed_evtx} of {} recordings were not found by their own rule", wanted.len());
    Ok(())
}

#[test]
fn attack_recordings_are_read_to_the_end() -> Result<()> {
    let Some(data) = data() else { return Ok(()) };
    let detections = hunt(&data, &[data.join("evtx")])?;
    let inputs: BTreeSet<&str> = detections.iter().filter_map(|d| d["input"].as_str()).collect();
    println!("{} detections in {} of the recordings", detections.len(), inputs.len());
    assert!(inputs.len() >= 35, "attacks were found in {} recordings only", inputs.len());
    assert!(detections.iter().all(|d| d["record"].as_u64() > Some(0)));
    Ok(())
}

/// What the sensor wrote is hunted through as the capture itself: nothing of its events is lost on the way.
#[test]
fn what_the_sensor_wrote_is_hunted_like_the_capture() -> Result<()> {
    let Some(data) = data() else { return Ok(()) };
    let capture = data.join("pcap/ftp_bruteforce.pcap");
    let dir = tempfile::tempdir()?;
    let written = dir.path().join("events.ndjson");
    let out = Command::new(Appliance::binary()).arg("pcap").arg(&capture).output()?;
    assert!(out.status.success(), "{out:?}");
    fs::write(&written, &out.stdout)?;
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/packs/network");
    let told = |input: &Path| -> Result<Vec<Value>> {
        let out = Command::new(Appliance::binary()).arg("hunt").arg("--rules").arg(&packs).arg("--").arg(input).output()?;
        assert!(out.status.success(), "{out:?}");
        let text = String::from_utf8(out.stdout)?.replace(&input.display().to_string(), "INPUT");
        text.lines().map(|l| serde_json::from_str(l).with_context(|| l.to_owned())).collect()
    };
    let (from_packets, from_events) = (told(&capture)?, told(&written)?);
    let titles: BTreeSet<&str> = from_packets.iter().filter_map(|d| d["rule.title"].as_str()).collect();
    assert!(titles.contains("Password sent in the clear") && titles.contains("Passwords guessed over the network"), "{titles:?}");
    assert_eq!(from_packets, from_events);
    Ok(())
}
