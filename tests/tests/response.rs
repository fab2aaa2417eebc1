//! Response as a person at the terminal uses it, against a running appliance: dry run, approval, proof, undo, a playbook, a crash.

use std::{io::Write as _, net::TcpStream, time::Duration};

use anyhow::{Context as _, Result, ensure};
use fansipan_tests::{
    appliance::{Appliance, eventually},
    receiver,
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

fn attack(appliance: &Appliance, from: &str) -> Result<()> {
    let mut wire = TcpStream::connect(("127.0.0.1", appliance.syslog))?;
    let stamp = jiff::Timestamp::now().strftime("%b %e %H:%M:%S").to_string();
    for n in 0..8 {
        let line = format!("<38>{stamp} web01 sshd[99]: Failed password for invalid user admin{n} from {from} port 4000{n} ssh2\n");
        wire.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// Somebody who guessed right is in.
fn breach(appliance: &Appliance, from: &str) -> Result<()> {
    attack(appliance, from)?;
    let stamp = jiff::Timestamp::now().strftime("%b %e %H:%M:%S").to_string();
    let line = format!("<38>{stamp} web01 sshd[99]: Accepted password for root from {from} port 40100 ssh2\n");
    TcpStream::connect(("127.0.0.1", appliance.syslog))?.write_all(line.as_bytes())?;
    Ok(())
}

fn one(appliance: &Appliance, arguments: &[&str]) -> Result<Value> {
    appliance.json(arguments)?.into_iter().next().with_context(|| format!("{arguments:?} printed nothing"))
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_responder_blocks_proves_and_undoes_from_the_terminal() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (port, orders) = receiver::start()?;
    let appliance = Appliance::start(&receiver::config(dir.path(), port)?)?;
    attack(&appliance, "203.0.113.77")?;
    eventually("the attack is searchable", PATIENCE, || Ok(appliance.count("source.ip:203.0.113.77")? == 8))?;

    let ask = ["act", "block", "203.0.113.77", "--on", "fw", "--for", "4h", "--reason", "guesses passwords"];
    let shown = appliance.cli(&[&ask[..], &["--dry-run"]].concat())?.join("\n");
    ensure!(shown.contains("chạy thử: chưa làm gì") && shown.contains("8 sự kiện trong 7 ngày qua") && shown.contains("web01"), "{shown}");
    ensure!(shown.contains("POST to 127.0.0.1") && !shown.contains("s3cr3t"), "{shown}");
    ensure!(appliance.json(&["act", "list"])?.is_empty(), "a dry run keeps nothing");
    for target in ["10.20.3.4", "::ffff:10.20.3.4", "127.0.0.1", "0x0a140304"] {
        let refused = appliance.cli(&["act", "block", target, "--on", "fw", "--reason", "x"]).unwrap_err().to_string();
        ensure!(refused.contains("FSP-ACT-00"), "{target}: {refused}");
    }

    let id = text(&one(&appliance, &ask)?, "id");
    ensure!(orders.lock().expect("orders").is_empty(), "nothing happens before approval");
    appliance.cli(&["act", "approve", &id])?;
    eventually("the order arrives", PATIENCE, || Ok(orders.lock().expect("orders").len() == 1))?;
    eventually(
        "the block is proved",
        PATIENCE,
        || Ok(one(&appliance, &["act", "status", &id])?["verification"]["verdict"] == "effective"),
    )?;
    let status = appliance.cli(&["act", "status", &id])?.join("\n");
    ensure!(status.contains("0 luồng kể từ") && status.contains("đề nghị: chặn 203.0.113.77 trên fw"), "{status}");
    appliance.cli(&["act", "undo", &id, "--reason", "a mistake"])?;
    eventually("it is undone", PATIENCE, || Ok(text(&one(&appliance, &["act", "status", &id])?, "state") == "undone"))?;
    let told = orders.lock().expect("orders").clone();
    ensure!(told.len() == 2 && told[1].1["order"] == "undo", "{told:?}");

    // what still passes is told, and the records that show it stay with the action
    let idle = text(&one(&appliance, &["act", "block", "203.0.113.88", "--on", "fw", "--for", "4h", "--reason", "guesses"])?, "id");
    appliance.cli(&["act", "approve", &idle])?;
    eventually("it still passes", PATIENCE, || {
        attack(&appliance, "203.0.113.88")?;
        Ok(one(&appliance, &["act", "status", &idle])?["verification"]["verdict"] == "ineffective")
    })?;
    let shown = one(&appliance, &["act", "status", &idle])?;
    let counted = &shown["verification"]["events"][0];
    ensure!(counted["passed"] == true && text(counted, "record").contains("from 203.0.113.88 port"), "{shown}");
    ensure!(text(counted, "sha256").len() == 64 && shown["verification"]["looked"].is_string(), "{shown}");
    let journal = shown["journal"].as_array().context("its journal")?;
    ensure!(journal[0]["text_vi"] == "đề nghị: chặn 203.0.113.88 trên fw (mức trung bình)", "{shown}");
    ensure!(journal[0]["code"] == "FSP-ACT-317", "{shown}");

    // an inside address: the one who asked may not approve, whoever they are on this socket
    let inside = text(&one(&appliance, &["act", "block", "10.99.1.2", "--on", "fw", "--reason", "infected"])?, "id");
    let refused = appliance.cli(&["act", "approve", &inside]).unwrap_err().to_string();
    ensure!(refused.contains("FSP-ACT-005"), "{refused}");
    appliance.cli(&["act", "reject", &inside, "--reason", "not now"])?;
    Ok(())
}

#[test]
fn a_playbook_goes_on_after_a_crash_and_does_no_step_twice() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (port, orders) = receiver::start()?;
    let mut appliance = Appliance::start(&receiver::config(dir.path(), port)?)?;
    breach(&appliance, "203.0.113.78")?;
    eventually("an incident", PATIENCE, || Ok(!appliance.json(&["incidents", "list"])?.is_empty()))?;
    let incident = text(&one(&appliance, &["incidents", "list"])?, "id");
    let fits: Vec<Value> = appliance.json(&["playbooks", "list", "--incident", &incident])?;
    ensure!(fits.len() == 11 && fits[0]["fits"] == true && fits[0]["id"] == "unauthorized-access", "{:?}", fits[0]);

    let run = text(&one(&appliance, &["playbooks", "start", "unauthorized-access", "--incident", &incident])?, "id");
    let step = |appliance: &Appliance| -> Result<Value> { one(appliance, &["playbooks", "status", &run]) };
    for _ in 0..12 {
        eventually("the run waits for somebody or has ended", PATIENCE, || {
            for action in appliance.json(&["act", "list", "--state", "proposed"])? {
                appliance.cli(&["act", "approve", &text(&action, "id")])?;
            }
            Ok(matches!(text(&step(&appliance)?, "state").as_str(), "waiting" | "done"))
        })?;
        let now = step(&appliance)?;
        if now["state"] == "done" {
            break;
        }
        let answer = now["task"]["answers"][0].as_str().context("an answer")?.to_owned();
        appliance.cli(&["playbooks", "answer", &run, &answer, "--note", "seen"])?;
        // no warning, in the middle of whatever it does now
        appliance.kill();
        appliance.launch()?;
    }
    let end = step(&appliance)?;
    ensure!(end["state"] == "done", "{end}");
    let told = orders.lock().expect("orders").clone();
    let mut kinds: Vec<(String, Value)> = told.iter().map(|(key, order)| (key.clone(), order["action"].clone())).collect();
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    kinds.dedup();
    ensure!(kinds.len() == 2, "one block and one message, each under one key: {told:?}");
    ensure!(kinds.iter().any(|k| k.1 == json!("block")) && kinds.iter().any(|k| k.1 == json!("notify")), "{kinds:?}");
    Ok(())
}
