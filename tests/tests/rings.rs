//! Packets of a distributed deployment: two collectors listen, each with a ring; whoever asks the console gets them, from whichever
//! collector has them, and is told who had none and who did not answer.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result};
use fansipan_tests::{
    appliance::{Appliance, eventually},
    deployment::{Deployment, Role},
    kafka::Broker,
    packets::{Wire, dns, udp, write_pcap},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const PATIENCE: Duration = Duration::from_secs(90);

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// What `fansipan packets` gave.
#[derive(Debug)]
struct Got {
    code: Option<i32>,
    /// With `--json`.
    figures: Value,
    stderr: String,
    file: Vec<u8>,
}

impl Got {
    /// `collector: outcome`, by name.
    fn outcomes(&self) -> Vec<String> {
        let list = self.figures["collectors"].as_array().map_or(&[][..], Vec::as_slice);
        list.iter()
            .map(|c| format!("{}: {}", c["collector"].as_str().unwrap_or_default(), c["outcome"].as_str().unwrap_or_default()))
            .collect()
    }
}

fn packets(data: &Path, arguments: &[&str], file: &Path) -> Result<Got> {
    let _ = std::fs::remove_file(file);
    let mut command = Command::new(Appliance::binary());
    let out = command.arg("packets").args(arguments).arg("-o").arg(file).args(["--json", "--data"]).arg(data).output()?;
    let figures = serde_json::from_slice(&out.stdout).unwrap_or_default();
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    Ok(Got { code: out.status.code(), figures, stderr, file: std::fs::read(file).unwrap_or_default() })
}

struct Site {
    deployment: Deployment,
    far: Role,
    wires: [Wire; 2],
}

impl Site {
    /// `None`, and says why, where interfaces cannot be made.
    fn new(broker: &Broker) -> Result<Option<Self>> {
        let (Some(near), Some(far)) = (Wire::new("ring-a"), Wire::new("ring-b")) else { return Ok(None) };
        let names = ["a", "b"].map(|end| format!("fsp{}{end}", std::process::id()));
        near.bring(&names[0])?;
        far.bring(&names[1])?;
        let tap =
            |name: &str| format!("[[sources.tap]]\ninterface = \"{name}\"\nring = {{ max_mib = 64, keep_hours = 1, min_free_mib = 1 }}\n");
        let mut deployment = Deployment::with_console(broker, 1, "", &tap(&names[0]), "packets_mib = 1\n")?;
        let mut other = deployment.another_collector("far", &tap(&names[1]))?;
        deployment.launch()?;
        other.launch()?;
        Ok(Some(Self { deployment, far: other, wires: [near, far] }))
    }

    fn replay(&self, wire: usize, frames: &[Vec<u8>]) -> Result<()> {
        let capture = self.deployment.dir().join("sent.pcap");
        write_pcap(&capture, frames)?;
        self.wires[wire].replay(&capture, "--pps=2000")
    }

    fn ask(&self, arguments: &[&str]) -> Result<Got> {
        packets(&self.deployment.console.data, arguments, &self.deployment.dir().join("asked.pcapng"))
    }

    /// The events of a DNS question, at least so many.
    fn events(&self, number: u32, many: usize) -> Result<Vec<Value>> {
        let query = format!("event.dataset:network.dns and dns.question.name:h{number}.tap.example");
        let mut found = Vec::new();
        eventually(&query, PATIENCE, || {
            found = self.deployment.json(&["search", &query, "--since", "1h"])?;
            Ok(found.len() >= many)
        })
        .with_context(|| self.deployment.last_words())?;
        Ok(found)
    }

    /// Asks until the answer is such.
    fn until(&self, what: &str, arguments: &[&str], good: impl Fn(&Got) -> bool) -> Result<Got> {
        let mut last = None;
        let met = eventually(what, PATIENCE, || {
            let got = self.ask(arguments)?;
            let met = good(&got);
            last = Some(got);
            Ok(met)
        });
        met.with_context(|| format!("{last:?}\n{}", self.deployment.last_words()))?;
        last.context("an answer")
    }
}

fn text<'a>(event: &'a Value, field: &str) -> Result<&'a str> {
    event[field].as_str().with_context(|| format!("{field} of {event}"))
}

#[test]
fn packets_come_from_whichever_collector_has_them() -> Result<()> {
    let broker = Broker::own()?;
    let Some(mut site) = Site::new(&broker)? else { return Ok(()) };
    for role in [&site.deployment.collector, &site.far] {
        eventually("it listens", PATIENCE, || Ok(role.figure("fansipan_tap_up")? == 1.0))?;
    }
    let many: Vec<Vec<u8>> = (0..40).flat_map(dns).collect();
    site.replay(0, &many)?;
    site.replay(1, &(100..140).flat_map(dns).collect::<Vec<_>>())?;
    from_one(&site, 7, &site.deployment.collector, ["collector: given", "far: nothing"])?;
    from_one(&site, 107, &site.far, ["collector: nothing", "far: given"])?;
    handed_in(&site)?;
    from_both(&site)?;
    too_much(&site)?;
    nobody_has_them(&site)?;
    one_is_away(&mut site)?;
    let here = text(&site.events(7, 1)?[0], "event.id")?.to_owned();
    broker.signal("STOP")?;
    let got = site.ask(&[&here])?;
    broker.signal("CONT")?;
    assert!(got.code == Some(2) && got.stderr.contains("FSP-API-026") && got.stderr.contains("Kafka không trả lời"), "{got:?}");
    Ok(())
}

/// The file is the one that the collector itself would make.
fn from_one(site: &Site, number: u32, role: &Role, outcomes: [&str; 2]) -> Result<()> {
    let event = site.events(number, 1)?.remove(0);
    let got =
        site.until("the packets of a flow", &[text(&event, "event.id")?], |got| got.figures["packets"] == 2 && got.outcomes() == outcomes)?;
    assert_eq!(got.code, Some(0));
    assert_eq!(text(&got.figures, "sha256")?, sha256(&got.file));
    let arguments = ["--flow", text(&event, "network.community_id")?, "--at", text(&event, "@timestamp")?];
    let local = packets(&role.data, &arguments, &site.deployment.dir().join("local.pcapng"))?;
    assert!(local.code == Some(0) && local.file == got.file, "{local:?}");
    let part = got.figures["collectors"].as_array().context("collectors")?.iter().find(|c| c["outcome"] == "given").context("a part")?;
    assert_eq!((text(part, "sha256")?, part["bytes"].as_u64()), (sha256(&got.file).as_str(), Some(got.file.len() as u64)));
    eventually("the collector's own account", PATIENCE, || Ok(role.log().contains(text(part, "sha256")?)))?;
    Ok(())
}

/// As evidence of an incident.
fn handed_in(site: &Site) -> Result<()> {
    let now = jiff::Timestamp::now();
    let line = format!("<38>{now:.3} solo01 sshd[5]: Accepted password for root from 198.51.100.200 port 40200 ssh2\n");
    std::io::Write::write_all(&mut std::net::TcpStream::connect(("127.0.0.1", site.deployment.syslog))?, line.as_bytes())?;
    let mut alert = String::new();
    eventually("an alert", PATIENCE, || {
        let all = site.deployment.json(&["alerts", "list"])?;
        alert = all.iter().find(|a| a.to_string().contains("solo01")).and_then(|a| a["id"].as_str()).unwrap_or_default().to_owned();
        Ok(!alert.is_empty())
    })?;
    let data = site.deployment.console.data.display().to_string();
    let out = Command::new(Appliance::binary()).args(["alerts", "escalate", &alert, "--data", &data]).output()?;
    let told = String::from_utf8(out.stdout)?;
    let incident = told.split_whitespace().last().context("an incident")?;
    let event = site.events(107, 1)?.remove(0);
    let got = site.ask(&[text(&event, "event.id")?, "--incident", incident])?;
    assert_eq!(got.code, Some(0), "{got:?}");
    let timeline = site.deployment.json(&["incidents", "timeline", incident])?;
    assert!(timeline.iter().any(|e| e.to_string().contains(&sha256(&got.file))), "{timeline:?}");
    Ok(())
}

/// A flow that passed both: a section from each, which readers of captures see as one file.
fn from_both(site: &Site) -> Result<()> {
    site.replay(0, &dns(300))?;
    site.replay(1, &dns(300))?;
    let event = site.events(300, 2)?.remove(0);
    let got = site.until("packets of both", &[text(&event, "event.id")?], |got| got.figures["packets"] == 4)?;
    assert_eq!(got.outcomes(), ["collector: given", "far: given"]);
    let parts = got.figures["collectors"].as_array().context("collectors")?;
    let first = parts[0]["bytes"].as_u64().context("bytes")? as usize;
    for (part, bytes) in parts.iter().zip([&got.file[..first], &got.file[first..]]) {
        assert_eq!((text(part, "sha256")?, part["packets"].as_u64()), (sha256(bytes).as_str(), Some(2)));
    }
    let file = site.deployment.dir().join("asked.pcapng");
    let own = Command::new(Appliance::binary()).arg("pcap").arg(&file).output()?;
    let questions = String::from_utf8(own.stdout)?.lines().filter(|l| l.contains("h300.tap.example")).count();
    assert!(own.status.success() && questions > 0, "{questions}");
    match Command::new("tshark").arg("-n").arg("-r").arg(&file).output() {
        Ok(out) => assert_eq!(String::from_utf8_lossy(&out.stdout).lines().count(), 4, "{out:?}"),
        Err(_) => println!("skipped: tshark did not look at it (packaging/dev/need test installs it)"),
    }
    Ok(())
}

/// The console was told to give 1 MiB: what is beyond is not sent, and counted.
fn too_much(site: &Site) -> Result<()> {
    let mut frames: Vec<Vec<u8>> = dns(500).into();
    let (client, port) = ([10, 9, 1, 244], 20_500);
    frames.extend((0..1500u32).map(|n| udp(([10, 0, 0, 53], 53), (client, port), &n.to_be_bytes().repeat(300))));
    site.replay(0, &frames)?;
    let event = site.events(500, 1)?.remove(0);
    let whole = |got: &Got| got.figures["packets"].as_u64().unwrap_or(0) + got.figures["beyond"].as_u64().unwrap_or(0) == 1502;
    let got = site.until("as much as may be given", &[text(&event, "event.id")?], whole)?;
    assert!(got.figures["beyond"].as_u64() > Some(500) && got.file.len() <= 1 << 20 && got.file.len() > 1 << 19, "{:?}", got.figures);
    assert_eq!(text(&got.figures, "sha256")?, sha256(&got.file));
    Ok(())
}

/// A firewall tells of a flow that no sensor saw.
fn nobody_has_them(site: &Site) -> Result<()> {
    let now = jiff::Timestamp::now();
    let (date, time) = (now.strftime("%Y-%m-%d"), now.strftime("%H:%M:%S"));
    let line = format!(
        "<189>date={date} time={time} devname=\"fw-rings\" devid=\"FGT60E\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" \
         vd=\"root\" srcip=10.66.0.1 srcport=40001 srcintf=\"lan\" dstip=10.66.0.2 dstport=443 dstintf=\"wan\" proto=6 action=\"accept\" policyid=1 \
         service=\"HTTPS\" sentbyte=1 rcvdbyte=1\n"
    );
    std::io::Write::write_all(&mut std::net::TcpStream::connect(("127.0.0.1", site.deployment.syslog))?, line.as_bytes())?;
    let mut id = String::new();
    eventually("the firewall's event", PATIENCE, || {
        let found = site.deployment.json(&["search", "source.ip:10.66.0.1", "--since", "1h"])?;
        id = found.first().and_then(|e| e["event.id"].as_str()).unwrap_or_default().to_owned();
        Ok(!id.is_empty())
    })?;
    let got = site.ask(&[&id])?;
    assert!(got.code == Some(2) && got.stderr.contains("FSP-API-027") && got.stderr.contains("bộ thu thập: collector, far"), "{got:?}");
    Ok(())
}

/// One that was killed is named, by a console that was started anew since.
fn one_is_away(site: &mut Site) -> Result<()> {
    let far = text(&site.events(107, 1)?[0], "event.id")?.to_owned();
    let both = text(&site.events(300, 2)?[0], "event.id")?.to_owned();
    site.far.kill();
    site.deployment.console.kill();
    site.deployment.console.launch()?;
    let got = site.ask(&[&far])?;
    assert!(got.code == Some(2) && got.stderr.contains("FSP-API-026") && got.stderr.contains("far không trả lời kịp"), "{got:?}");
    let got = site.until("what the other has", &[&both], |got| got.code == Some(0))?;
    assert_eq!((got.outcomes(), got.figures["packets"].as_u64()), (vec!["collector: given".into(), "far: no_answer".into()], Some(2)));
    site.far.launch()?;
    let got = site.until("it is back", &[&far], |got| got.code == Some(0))?;
    assert_eq!(got.outcomes(), ["collector: nothing", "far: given"]);
    Ok(())
}
