//! The console in a terminal against a running appliance: an alert appears by itself, an appliance that goes away comes back, and what
//! strangers write into logs drives no terminal.

use std::{
    io::Write as _,
    net::TcpStream,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use fansipan_tests::{
    appliance::{Appliance, eventually},
    terminal::Terminal,
};

const PATIENCE: Duration = Duration::from_secs(40);

fn send(appliance: &Appliance, records: &[String]) -> Result<()> {
    let mut wire = TcpStream::connect(("127.0.0.1", appliance.syslog))?;
    Ok(records.iter().try_for_each(|record| wire.write_all(record.as_bytes()))?)
}

fn stamp() -> String {
    jiff::Timestamp::now().strftime("%b %e %H:%M:%S").to_string()
}

fn root_login(from: &str) -> String {
    format!("<38>{} web01 sshd[99]: Accepted password for root from {from} port 40100 ssh2\n", stamp())
}

/// Sets a title, clears, colours, answers, in C0 and in C1, and turns the writing direction.
const HOSTILE: &str = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{1b}[31m\u{9b}2J\u{9d}0;pwned\u{9c}\u{202e}evil\u{7f}";

fn hostile() -> Vec<String> {
    (0..8)
        .map(|n| {
            format!("<38>{} web01 sshd[99]: Failed password for invalid user {HOSTILE}{n} from 203.0.113.78 port 4000{n} ssh2\n", stamp())
        })
        .collect()
}

#[test]
fn an_alert_appears_by_itself_and_so_does_the_appliance_after_a_restart() -> Result<()> {
    if !Terminal::available() {
        return Ok(());
    }
    let mut appliance = Appliance::start("")?;
    let data = appliance.data();
    let data = data.to_str().context("a path in UTF-8")?;
    let terminal = Terminal::start("alert", (80, 24), &Appliance::binary(), &["tui", "--alerts", "--data", data])?;
    terminal.until("Hàng đợi trống")?;
    send(&appliance, &[root_login("203.0.113.77")])?;
    terminal.until("Root đăng nhập SSH bằng mật khẩu")?;
    terminal.press(&["n"])?;
    terminal.until("Đang xử lý")?;
    // what was taken here is taken everywhere
    eventually("the claim is stored", PATIENCE, || Ok(appliance.json(&["alerts", "list"])?.iter().any(|a| a["status"] == "acknowledged")))?;
    terminal.press(&["g", "l"])?;
    terminal.until("In progress")?;
    appliance.kill();
    terminal.until("DISCONNECTED")?;
    appliance.launch()?;
    terminal.until("● Live")?;
    send(&appliance, &[root_login("203.0.113.79")])?;
    terminal.press(&["g", "s"])?;
    terminal.write("source.ip:203.0.113.79")?;
    eventually("the event is searchable", PATIENCE, || Ok(appliance.count("source.ip:203.0.113.79")? == 1))?;
    terminal.press(&["Enter"])?;
    terminal.until("Accepted password for root from 203.0.113.79")?;
    terminal.press(&["q", "q"])?;
    Ok(())
}

#[test]
fn over_https_with_a_token_and_never_more_than_the_token_may() -> Result<()> {
    if !Terminal::available() {
        return Ok(());
    }
    let appliance = Appliance::start("")?;
    let token = appliance.cli(&["tokens", "create", "nosy", "--role", "viewer"])?.concat();
    let ca = appliance.data().join("tls/cert.pem");
    let server = format!("https://127.0.0.1:{}", appliance.https);
    send(&appliance, &[root_login("203.0.113.77")])?;
    let arguments = ["tui", "--alerts", "--language", "en", "--server", &server, "--token", &token, "--ca", ca.to_str().context("UTF-8")?];
    let terminal = Terminal::start("https", (200, 60), &Appliance::binary(), &arguments)?;
    terminal.until("Root logged in over SSH")?;
    terminal.press(&["n"])?;
    terminal.until("Your account may not do this.")?;
    ensure!(appliance.json(&["alerts", "list"])?.iter().all(|a| a["status"] == "new"), "a viewer changes nothing");
    Ok(())
}

#[test]
fn a_terminal_becomes_a_screen_of_the_wall_and_shows_nothing_else() -> Result<()> {
    if !Terminal::available() {
        return Ok(());
    }
    let appliance = Appliance::start("")?;
    let code = appliance.cli(&["wall-devices", "create", "front"])?.concat();
    let (binary, home) = (Appliance::binary(), appliance.dir().join("screen"));
    let server = format!("https://127.0.0.1:{}", appliance.https);
    let mut enrol = Command::new(&binary);
    enrol.args(["wall-devices", "enrol", "front", code.trim(), "--server", &server, "--ca"]).arg(appliance.data().join("tls/cert.pem"));
    let enrolled = enrol.env("XDG_CONFIG_HOME", &home).output()?;
    ensure!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    let shell = format!("XDG_CONFIG_HOME={} {} wall --profile front", home.display(), binary.display());
    let terminal = Terminal::start("screen", (80, 24), "/bin/sh".as_ref(), &["-c", &shell])?;
    terminal.until("● Trực tiếp")?;
    terminal.until("Tình hình")?;
    // an alert reaches it by itself
    send(&appliance, &[root_login("203.0.113.80")])?;
    terminal.until("Root đăng nhập SSH bằng mật khẩu")?;
    terminal.press(&["g", "a", "g", "s", "h"])?;
    std::thread::sleep(Duration::from_millis(500));
    let shown = terminal.screen()?;
    ensure!(shown.contains("Tình hình") && !shown.contains("Hàng đợi") && !shown.contains("Truy vấn"), "{shown}");
    Ok(())
}

#[test]
fn escapes_in_logs_drive_no_terminal() -> Result<()> {
    let appliance = Appliance::start("")?;
    send(&appliance, &hostile())?;
    eventually("the records are searchable", PATIENCE, || Ok(appliance.count("source.ip:203.0.113.78")? == 8))?;
    eventually("an alert", PATIENCE, || Ok(!appliance.json(&["alerts", "list"])?.is_empty()))?;
    let id = appliance.json(&["alerts", "list"])?[0]["id"].as_str().context("an id")?.to_owned();
    let incident = appliance.json(&["incidents", "list"])?.first().and_then(|i| i["id"].as_str().map(str::to_owned));
    let mut all = vec![
        vec!["search", "source.ip:203.0.113.78"],
        vec!["search", "source.ip:203.0.113.78", "--json"],
        vec!["search", "* | stats count() by user.name"],
        vec!["search", "* | stats count() by user.name", "--json"],
        vec!["alerts", "list"],
        vec!["alerts", "list", "--json"],
        vec!["alerts", "show", &id],
        vec!["alerts", "show", &id, "--json"],
        vec!["entity", "203.0.113.78"],
        vec!["entity", "203.0.113.78", "--json"],
        vec!["sources"],
    ];
    if let Some(incident) = &incident {
        let event = appliance.json(&["search", "source.ip:203.0.113.78"])?[0]["event.id"].as_str().context("an event's id")?.to_owned();
        appliance.cli(&["incidents", "add-events", incident, &event])?;
        all.push(vec!["incidents", "show", incident]);
        all.push(vec!["incidents", "timeline", incident]);
    }
    for arguments in &all {
        let text = appliance.cli(arguments)?.join("\n");
        ensure!(text.contains("203.0.113.78") || text.contains("evil") || arguments[0] == "sources", "{arguments:?} shows them: {text}");
        let dangerous = |c: &char| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c);
        let found = text.chars().find(dangerous);
        ensure!(found.is_none(), "{arguments:?} printed {found:?}");
    }
    // offline verbs read the same records from a file
    let file = appliance.dir().join("evidence.log");
    std::fs::write(&file, hostile().concat())?;
    for verb in ["parse"] {
        let out = Command::new(Appliance::binary()).arg(verb).arg(&file).stderr(Stdio::null()).output()?;
        let text = String::from_utf8(out.stdout)?;
        let found = text.chars().find(|c| c.is_control() && *c != '\n');
        ensure!(text.contains("evil") && found.is_none(), "{verb} printed {found:?}");
    }
    if !Terminal::available() {
        return Ok(());
    }
    let data = appliance.data();
    let data = data.to_str().context("a path in UTF-8")?;
    let terminal = Terminal::start("hostile", (80, 24), &Appliance::binary(), &["tui", "--data", data])?;
    let title = terminal.title()?;
    terminal.until("Tình hình")?;
    let screens = [&["g", "p"][..], &["g", "k"], &["g", "u", "Enter", "End"], &["h", "End"], &["g", "i"]];
    for keys in [&["g", "a", "Enter"][..], &["End"], &["g", "n", "Enter", "End"]].into_iter().chain(screens).chain([&["g", "s"][..]]) {
        terminal.press(keys)?;
        std::thread::sleep(Duration::from_millis(300));
        ensure!(terminal.screen()?.contains("FANSIPAN"), "the screen was driven:\n{}", terminal.screen()?);
    }
    terminal.write("source.ip:203.0.113.78")?;
    terminal.press(&["Enter"])?;
    terminal.until("evil")?;
    ensure!(terminal.title()? == title, "the title was set to {}", terminal.title()?);
    let shell = format!("{} export events --format csv --data {data}; echo finished; sleep 60", Appliance::binary().display());
    let terminal = Terminal::start("export", (200, 60), "/bin/sh".as_ref(), &["-c", &shell])?;
    terminal.until("finished")?;
    let shown = terminal.screen()?;
    ensure!(shown.contains("evil") && shown.contains("@timestamp") && !terminal.title()?.contains("pwned"), "{shown}");
    Ok(())
}
