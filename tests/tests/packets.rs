//! From a request on a wire to its packets: `fansipan run` listens in a network namespace, curl asks a server there, the event of the
//! request leads to the packets, and tshark and our own reader see the request in them.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};
use fansipan_tests::{
    appliance::{Appliance, eventually},
    packets::Wire,
    terminal::Terminal,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const PATIENCE: Duration = Duration::from_secs(30);

/// Ended when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A web server on `t1`'s side of the wire: in a second namespace, so that what curl says really passes.
fn served(wire: &Wire, far: &str) -> Result<Option<Server>> {
    for program in ["curl", "python3"] {
        if Command::new(program).arg("--version").output().is_err() {
            println!("skipped: no {program} (packaging/dev/need test installs it)");
            return Ok(None);
        }
    }
    let ip = |words: &str| Command::new("ip").args(words.split(' ')).status().is_ok_and(|s| s.success());
    anyhow::ensure!(ip(&format!("netns add {far}")), "a second namespace");
    anyhow::ensure!(ip(&format!("-n {} link set t0 netns {far}", wire.namespace)), "the far end");
    for words in ["addr add 10.77.0.2/24 dev t0", "link set t0 up", "link set lo up"] {
        anyhow::ensure!(ip(&format!("-n {far} {words}")), "{words}");
    }
    anyhow::ensure!(ip(&format!("-n {} addr add 10.77.0.1/24 dev t1", wire.namespace)), "the near end");
    let mut server = Command::new("ip");
    server.args(["netns", "exec", far, "python3", "-m", "http.server", "8080", "--bind", "10.77.0.2", "--directory"]);
    server.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("network")).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Server(server.spawn()?);
    eventually("the server answers", PATIENCE, || Ok(wire.run("curl -s -o /dev/null http://10.77.0.2:8080/")))?;
    Ok(Some(server))
}

struct Far(String);

impl Drop for Far {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn packets(appliance: &Appliance, arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
    let out = Command::new(Appliance::binary()).arg("packets").args(arguments).arg("--data").arg(appliance.data()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((out.status.code(), text(&out.stdout), text(&out.stderr)))
}

#[test]
fn the_packets_of_a_request_are_one_command_away() -> Result<()> {
    let Some(wire) = Wire::new("ring") else { return Ok(()) };
    let far = Far(format!("{}-far", wire.namespace));
    let Some(_server) = served(&wire, &far.0)? else { return Ok(()) };
    let tap = "[[sources.tap]]\ninterface = \"t1\"\nring = { max_mib = 64, keep_hours = 1, min_free_mib = 1 }\n";
    let appliance = Appliance::start_through(&["ip", "netns", "exec", &wire.namespace], tap)?;
    let source = || -> Result<Value> {
        let sources = appliance.json(&["sources"])?;
        Ok(sources.iter().find(|s| s["id"] == "tap:t1").context("tap:t1 among the sources")?["packets"].clone())
    };
    eventually("it is listened to", PATIENCE, || Ok(source()?["up"] == true))?;
    for n in 0..20 {
        assert!(wire.run(&format!("curl -s -o /dev/null http://10.77.0.2:8080/other-{n}")));
    }
    assert!(wire.run("curl -s -o /dev/null -A agent-of-the-test http://10.77.0.2:8080/secret-plan?of=7"));
    let found = "event.dataset:network.http and url.original:*secret-plan*";
    eventually("the event of the request", PATIENCE, || Ok(appliance.count(found)? == 1))?;
    let event = appliance.json(&["search", found, "--since", "1h"])?.remove(0);
    let id = event["event.id"].as_str().context("its id")?.to_owned();

    let file = appliance.dir().join("one.pcapng");
    let name = file.display().to_string();
    let mut said = (None, String::new(), String::new());
    eventually("its packets", PATIENCE, || {
        said = packets(&appliance, &[&id, "-o", &name])?;
        Ok(said.0 == Some(0))
    })?;
    let mut bytes = Vec::new();
    std::fs::File::open(&file)?.read_to_end(&mut bytes)?;
    let sha256: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert!(said.1.contains(&sha256) && said.1.contains(" gói tin, ") && said.1.contains(&name), "{said:?}");
    std::io::stdout().write_all(said.1.as_bytes())?;
    read_back(&name, &event)?;

    handed_in(&wire, &appliance, &id)?;

    // whoever looks from the collector finds the same
    let community = event["network.community_id"].as_str().context("its community id")?;
    let at = event["@timestamp"].as_str().context("its time")?;
    let again = appliance.dir().join("again.pcapng").display().to_string();
    let offline = packets(&appliance, &["--flow", community, "--at", at, "-o", &again])?;
    assert!(offline.0 == Some(0) && offline.1.contains(&sha256), "{offline:?}");

    from_the_console(&appliance, found, &sha256)?;
    eventually("the ring's figures", PATIENCE, || Ok(source()?["ring"]["packets"].as_u64() > Some(100)))?;
    // an event that there never was
    let unknown = packets(&appliance, &["0198c0de-0000-7000-8000-000000000000"])?;
    assert!(unknown.0 == Some(1) && unknown.2.contains("FSP-CLI-003"), "{unknown:?}");
    let doctor = appliance_doctor(&appliance)?;
    assert!(doctor.contains("packet ring") && doctor.contains("0 packets of long flows left out"), "{doctor}");
    Ok(())
}

/// `--incident` makes them evidence: kept with the same hash, in the incident's own list.
fn handed_in(wire: &Wire, appliance: &Appliance, event: &str) -> Result<()> {
    let now = jiff::Timestamp::now().strftime("%b %e %H:%M:%S");
    let line = format!("echo '<38>{now} solo01 sshd[5]: Accepted password for root from 198.51.100.200 port 40200 ssh2'");
    assert!(wire.run(&format!("bash -c {}", format!("{line} > /dev/udp/127.0.0.1/{}", appliance.syslog).replace(' ', "\u{a0}"))));
    let mut alert = String::new();
    eventually("an alert", PATIENCE, || {
        let all = appliance.json(&["alerts", "list"])?;
        let found = all.iter().find(|a| a.to_string().contains("solo01")).and_then(|a| a["id"].as_str());
        alert = found.unwrap_or_default().to_owned();
        Ok(found.is_some())
    })?;
    let told = appliance.cli(&["alerts", "escalate", &alert])?.join("\n");
    let incident = told.split_whitespace().last().context("an incident")?.to_owned();
    let file = appliance.dir().join("evidence.pcapng").display().to_string();
    let out = packets(appliance, &[event, "-o", &file, "--incident", &incident])?;
    assert!(out.0 == Some(0) && out.1.contains(&format!("chứng cứ của sự cố {incident}")), "{out:?}");
    let sha256: String = Sha256::digest(std::fs::read(&file)?).iter().map(|b| format!("{b:02x}")).collect();
    let shown = appliance.json(&["incidents", "timeline", &incident])?;
    assert!(shown.iter().any(|e| e.to_string().contains(&sha256)), "{sha256} is not in {shown:?}");
    let nowhere = packets(appliance, &[event, "-o", &file, "--incident", "00000000000000000000000000000000"])?;
    assert!(nowhere.0 == Some(1), "{nowhere:?}");
    Ok(())
}

/// The same packets by the key `p` of the console in a terminal.
fn from_the_console(appliance: &Appliance, query: &str, sha256: &str) -> Result<()> {
    if !Terminal::available() {
        return Ok(());
    }
    let file = appliance.dir().join("from-the-console.pcapng");
    let data = appliance.data();
    let terminal =
        Terminal::start("packets", (200, 50), &Appliance::binary(), &["tui", "--data", data.to_str().context("a path in UTF-8")?])?;
    terminal.until("● Trực tiếp")?;
    terminal.press(&["g", "s"])?;
    terminal.write(query)?;
    terminal.press(&["Enter"])?;
    terminal.until("secret-plan?of=7")?;
    terminal.press(&["p", "C-u"])?;
    terminal.write(file.to_str().context("a path in UTF-8")?)?;
    terminal.press(&["Enter"])?;
    terminal.until(sha256)?;
    let written: String = Sha256::digest(std::fs::read(&file)?).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(written, sha256);
    Ok(())
}

fn appliance_doctor(appliance: &Appliance) -> Result<String> {
    let out = Command::new(Appliance::binary()).args(["doctor", "--language", "en", "--data"]).arg(appliance.data()).output()?;
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// tshark and our own reader see the one request, whole, and nothing of the others.
fn read_back(file: &str, event: &Value) -> Result<()> {
    let own = Command::new(Appliance::binary()).args(["pcap", file]).output()?;
    let events: Vec<Value> = String::from_utf8(own.stdout)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let requests: Vec<&Value> = events.iter().filter(|e| e["event.dataset"] == "network.http").collect();
    assert_eq!(requests.len(), 1, "{events:?}");
    for field in ["url.original", "user_agent.original", "http.response.status_code", "network.community_id", "@timestamp"] {
        assert_eq!(requests[0][field], event[field], "{field}");
    }
    let flow = events.iter().find(|e| e["event.dataset"] == "network.flow").context("a flow")?;
    assert_eq!(
        (&flow["network.connection.state"], events.iter().filter(|e| e["event.dataset"] == "network.flow").count()),
        (&"SF".into(), 1)
    );
    match Command::new("tshark")
        .args(["-n", "-r", file, "-Y", "http.request", "-T", "fields", "-e", "http.request.uri", "-e", "http.user_agent"])
        .output()
    {
        Ok(out) => assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "/secret-plan?of=7\tagent-of-the-test"),
        Err(_) => println!("skipped: tshark did not look at it (packaging/dev/need test installs it)"),
    }
    Ok(())
}

#[test]
fn without_a_ring_it_is_said_what_to_do() -> Result<()> {
    let appliance = Appliance::start("")?;
    let mut out = Command::new(Appliance::binary()).args(["packets", "nonsense", "--data"]).arg(appliance.data()).output()?;
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    out = Command::new(Appliance::binary()).args(["packets", "--flow", "1:x", "--at", "now", "--data"]).arg(appliance.data()).output()?;
    assert!(String::from_utf8_lossy(&out.stderr).contains("FSP-CLI-063"), "{out:?}");
    out = Command::new(Appliance::binary()).args(["packets", "--data"]).arg(appliance.data()).output()?;
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    Ok(())
}
