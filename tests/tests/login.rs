//! A real Chromium: logging in with a second factor, and records full of markup shown as text.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use fansipan_tests::appliance::Appliance;

/// What comes alive where text becomes markup.
const HOSTILE: &str = "<script>window.pwned=1</script><img src=x onerror=window.pwned=2><svg onload=window.pwned=3>";
const MARK: &str = "hostile-mark";

/// Records with markup in every field that a stranger chooses.
fn records() -> Vec<String> {
    let stamp = jiff::Zoned::now().strftime("%b %e %H:%M:%S").to_string();
    let web = jiff::Zoned::now().strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
    let mut all = Vec::new();
    for n in 0..8 {
        all.push(format!("<38>{stamp} {MARK} sshd[99]: Failed password for invalid user {HOSTILE} from 203.0.113.78 port 4000{n} ssh2\n"));
    }
    all.push(format!(
        "<134>{stamp} {MARK} nginx: 203.0.113.78 - {HOSTILE} [{web}] \"GET /{HOSTILE}?q={HOSTILE} HTTP/1.1\" 404 12 \"https://{HOSTILE}/\" \"{HOSTILE}\"\n"
    ));
    all.push(format!(
        "<134>{stamp} {MARK} app[1]: {{\"user\":{{\"name\":\"{HOSTILE}\"}},\"{HOSTILE}\":\"{HOSTILE}\",\"message\":\"{MARK} {HOSTILE}\"}}\n"
    ));
    all.push(format!(
        "<134>{stamp} {MARK} CEF:0|{HOSTILE}|{HOSTILE}|1|100|{HOSTILE}|5|src=203.0.113.78 suser={HOSTILE} msg={MARK} {HOSTILE}\n"
    ));
    all
}

#[test]
fn the_second_factor_and_hostile_records_in_a_browser() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ensure!(root.join("../dashboard/web/node_modules/playwright-core").is_dir(), "the console's packages are missing: `make web`");
    let mut appliance = Appliance::start("")?;
    appliance.stop()?;
    let config = fs::read_to_string(appliance.config())?;
    fs::write(appliance.config(), config.replace("[console]\n", "[console]\nsecond_factor = [\"administrator\"]\n"))?;
    appliance.launch()?; // nobody has logged in: a first password is made anew
    let shots = root.join("artifacts/login");
    let mut browser = Command::new("node")
        .arg(root.join("browser/login.mjs"))
        .env("URL", format!("https://127.0.0.1:{}/", appliance.https))
        .env("PASSWORD", appliance.first_password.clone().context("a first password")?)
        .env("MARK", MARK)
        .env("SHOTS", &shots)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("node")?;
    for line in BufReader::new(browser.stdout.take().context("standard output")?).lines() {
        if line? == "armed" {
            let mut wire = TcpStream::connect(("127.0.0.1", appliance.syslog))?;
            records().iter().try_for_each(|record| wire.write_all(record.as_bytes()))?;
        }
    }
    let out = browser.wait_with_output()?;
    ensure!(out.status.success(), "{}\npictures: {}", String::from_utf8_lossy(&out.stderr), shots.display());
    Ok(())
}

#[test]
fn the_command_line_over_https_with_a_profile() -> Result<()> {
    let appliance = Appliance::start("")?;
    let home = appliance.dir().join("home");
    let ca = appliance.data().join("tls/cert.pem");
    let token = appliance.cli(&["tokens", "create", "laptop", "--role", "administrator"])?.concat();
    let server = format!("https://127.0.0.1:{}", appliance.https);
    let run = |arguments: &[&str], input: &str| -> Result<(bool, String)> {
        let mut child = Command::new(Appliance::binary())
            .args(arguments)
            .env("XDG_CONFIG_HOME", &home)
            .env_remove("FANSIPAN_TOKEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child.stdin.take().context("standard input")?.write_all(input.as_bytes())?;
        let out = child.wait_with_output()?;
        Ok((out.status.success(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))))
    };
    let ca = ca.to_str().context("a path in UTF-8")?;
    let (good, text) = run(&["login", "soc", "--server", &server, "--ca", ca], "fsp_wrong\n")?;
    ensure!(!good, "a wrong token is not kept: {text}");
    let (good, text) = run(&["login", "soc", "--server", &server, "--ca", ca], &token)?;
    ensure!(good && text.contains("token:laptop") && !text.contains(&token), "{text}");
    let (good, text) = run(&["users", "create", "lan", "--role", "analyst", "--agency", "tax", "--profile", "soc"], "")?;
    ensure!(good, "{text}");
    let (good, text) = run(&["users", "list", "--profile", "soc", "--json"], "")?;
    ensure!(good && text.contains("\"lan\"") && text.contains("\"second_factor\":false"), "{text}");
    let (good, text) = run(&["users", "list", "--profile", "soc"], "")?;
    let lan = text.lines().find(|l| l.contains(" lan ")).map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
    ensure!(good && lan.as_deref() == Some("lan analyst tax không không"), "lists and yes or no are words: {text}");
    let (good, text) = run(&["wall-devices", "create", "wall-1", "--profile", "soc"], "")?;
    ensure!(good && text.trim().len() == 14, "{text}");
    let (good, text) = run(&["wall-devices", "list", "--profile", "soc"], "")?;
    ensure!(good && text.contains("wall-1"), "{text}");
    for arguments in [["users", "disable", "lan"], ["users", "remove", "lan"], ["wall-devices", "revoke", "wall-1"]] {
        let (good, text) = run(&[&arguments[..], &["--profile", "soc"]].concat(), "")?;
        ensure!(good, "{arguments:?}: {text}");
    }
    let (good, text) = run(&["sessions", "list", "--profile", "soc"], "")?;
    ensure!(good, "{text}");
    // another certificate than the one kept is not spoken to
    let other = Appliance::start("")?;
    let path = home.join("fansipan/soc.json");
    let kept = fs::read_to_string(&path)?;
    fs::write(&path, kept.replace(&appliance.https.to_string(), &other.https.to_string()))?;
    let (good, text) = run(&["users", "list", "--profile", "soc"], "")?;
    ensure!(!good && text.contains("FSP-CLI-001"), "{text}");
    Ok(())
}
