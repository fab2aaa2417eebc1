//! What an incident and an action rest on can be proven when the log and the event store have long let it go.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use fansipan_tests::appliance::{Appliance, eventually};

const PATIENCE: Duration = Duration::from_secs(90);

fn send(appliance: &Appliance, lines: impl Iterator<Item = String>) -> Result<()> {
    let mut wire = std::io::BufWriter::new(TcpStream::connect(("127.0.0.1", appliance.syslog))?);
    for line in lines {
        wire.write_all(line.as_bytes())?;
    }
    Ok(wire.flush()?)
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect()
}

fn verified(file: &Path) -> Result<String> {
    let out = Command::new(Appliance::binary()).arg("verify").arg(file).output()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    ensure!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    Ok(text)
}

/// Text that does not get smaller: the log is compressed.
fn noise(seed: u64) -> String {
    let next = |x: &u64| Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed), next).skip(1).take(60).map(|x| format!("{x:016x}")).collect()
}

#[test]
fn proofs_of_an_incident_outlive_the_log() -> Result<()> {
    // the kit ends its configuration with the table of the log
    let appliance = Appliance::start("segment_mib = 1\nmax_mib = 4\n")?;
    let stamp = jiff::Timestamp::now().strftime("%b %e %H:%M:%S").to_string();
    let failed = (0..8)
        .map(|n| format!("<38>{stamp} web01 sshd[99]: Failed password for invalid user admin{n} from 203.0.113.78 port 4000{n} ssh2\n"));
    let entered = format!("<38>{stamp} web01 sshd[99]: Accepted password for root from 203.0.113.78 port 40100 ssh2\n");
    send(&appliance, failed.chain([entered]))?;
    eventually("an incident", PATIENCE, || Ok(!appliance.json(&["incidents", "list"])?.is_empty()))?;
    let id = appliance.json(&["incidents", "list"])?[0]["id"].as_str().context("its id")?.to_owned();
    let kept = appliance.data().join("evidence/proofs");
    let count = || {
        files(&kept).iter().map(|shelf| files(shelf).iter().filter(|f| f.extension().is_some_and(|e| e == "json")).count()).sum::<usize>()
    };
    eventually("proofs of the login and of every guess are kept", PATIENCE, || Ok(count() == 9))?;

    // the log forgets everything that it held until now
    let held = files(&appliance.data().join("log"));
    send(&appliance, (0..8_000u64).map(|n| format!("<14>{stamp} noise app: {n} {}\n", noise(n))))?;
    let before: Vec<&PathBuf> = held.iter().filter(|p| p.extension().is_some_and(|e| e == "seg")).collect();
    ensure!(!before.is_empty(), "the log has no segments: {held:?}");
    eventually("the log has forgotten", PATIENCE, || Ok(before.iter().all(|p| !p.exists())))?;

    let file = appliance.dir().join("case.tar");
    let told = appliance.cli(&["incidents", "export", &id, "-o", file.to_str().context("UTF-8")?])?.join("\n");
    let text = verified(&file)?;
    let proven = text.lines().find(|l| l.contains(" sự kiện được chứng minh")).context("how many are proven")?;
    let numbers: Vec<u64> = proven.split(|c: char| !c.is_ascii_digit()).filter_map(|w| w.parse().ok()).collect();
    ensure!(numbers.first() == numbers.get(1) && numbers[0] == 9, "{told}\n{text}");
    ensure!(text.contains("không có gì bị thay đổi"), "{text}");

    // one letter of what was kept, and it proves nothing any more
    let one = files(&kept).iter().flat_map(|shelf| files(shelf)).next().context("a kept proof")?;
    let changed = fs::read_to_string(&one)?;
    let [sshd, other] = ["sshd", "sshe"].map(|word| word.bytes().map(|b| format!("{b:02x}")).collect::<String>());
    fs::write(&one, changed.replacen(&sshd, &other, 1))?;
    appliance.cli(&["incidents", "export", &id, "-o", file.to_str().context("UTF-8")?])?;
    let out = Command::new(Appliance::binary()).arg("verify").arg(&file).output()?;
    ensure!(!out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    Ok(())
}
