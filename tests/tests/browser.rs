//! A real Chromium against the real appliance: log in, see the alert come, open the event, find it again.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use fansipan_tests::appliance::Appliance;

#[test]
fn an_analyst_sees_the_attack_and_finds_it_again() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ensure!(root.join("../dashboard/web/node_modules/playwright-core").is_dir(), "the console's packages are missing: `make web`");
    let appliance = Appliance::start("")?;
    let password = appliance.first_password.clone().context("a first password")?;
    let shots = root.join("artifacts/spine");
    let mut browser = Command::new("node")
        .arg(root.join("browser/spine.mjs"))
        .env("URL", format!("https://127.0.0.1:{}/", appliance.https))
        .env("PASSWORD", password)
        .env("HOST", "chromium-host")
        .env("SHOTS", &shots)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("node")?;
    let mut lines = BufReader::new(browser.stdout.take().context("standard output")?).lines();
    let mut sent = None;
    let mut seen = None;
    for line in &mut lines {
        let line = line?;
        if line == "armed" {
            let mut wire = TcpStream::connect(("127.0.0.1", appliance.syslog))?;
            let stamp = jiff::Zoned::now().strftime("%b %e %H:%M:%S").to_string();
            sent = Some(now());
            for n in 0..8 {
                let line = format!(
                    "<38>{stamp} chromium-host sshd[99]: Failed password for invalid user admin{n} from 203.0.113.77 port 4000{n} ssh2\n"
                );
                wire.write_all(line.as_bytes())?;
            }
        } else if let Ok(value) = serde_json::from_str::<serde_json::Value>(&line) {
            seen = value["seen"].as_u64();
        }
    }
    let out = browser.wait_with_output()?;
    ensure!(out.status.success(), "{}\npictures: {}", String::from_utf8_lossy(&out.stderr), shots.display());
    let (sent, seen) = (sent.context("the alert list was opened")?, seen.context("the alert was seen")?);
    println!("alert on the page {} ms after the line was sent; pictures in {}", seen.saturating_sub(sent), shots.display());
    Ok(())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
}
