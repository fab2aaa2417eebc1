//! Several events, one alert: over syslog, through the running appliance, and through a crash in the middle of a window.

use std::{fs, net::UdpSocket, time::Duration};

use anyhow::{Context as _, Result};
use fansipan_tests::appliance::{Appliance, eventually};
use serde_json::Value;

const RULES: &str = "
title: SSH login failed
id: 30000000-0000-4000-8000-000000000001
name: probe_failed
logsource: {product: linux, service: sshd}
detection:
  selection: {event.action: ssh_login, event.outcome: failure}
  condition: selection
---
title: SSH login succeeded
id: 30000000-0000-4000-8000-000000000002
name: probe_succeeded
logsource: {product: linux, service: sshd}
detection:
  selection: {event.action: ssh_login, event.outcome: success}
  condition: selection
---
title: Many failed SSH logins
id: 30000000-0000-4000-8000-000000000003
name: probe_many
correlation:
  type: event_count
  rules: [probe_failed]
  group-by: [source.ip, user.name]
  timespan: 10m
  condition: {gte: 5}
---
title: Password guessed over SSH
title_vi: Mật khẩu SSH đã bị dò ra
id: 30000000-0000-4000-8000-000000000004
level: critical
tags: [attack.credential-access, attack.t1110.001]
correlation:
  type: temporal_ordered
  rules: [probe_many, probe_succeeded]
  group-by: [source.ip, user.name]
  timespan: 15m
";
const GUESSED: &str = "30000000-0000-4000-8000-000000000004";

fn appliance() -> Result<Appliance> {
    let folder = tempfile::tempdir()?.keep();
    fs::write(folder.join("probe.yml"), RULES)?;
    Appliance::start(&format!("[rules]\npaths = [{folder:?}]\n"))
}

/// Lines of now, a second apart: `n` failures from a second on, then maybe a success.
fn send(appliance: &Appliance, from: i64, failures: i64, success: bool) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let start = jiff::Timestamp::now().as_second() - 60 + from;
    for i in 0..failures + i64::from(success) {
        let time = jiff::Timestamp::from_second(start + i)?.to_string();
        let verb = if i < failures { "Failed" } else { "Accepted" };
        let line = format!("<38>1 {time} srv-07 sshd 4242 - - {verb} password for tuan.pm from 203.0.113.77 port 50000 ssh2");
        socket.send_to(line.as_bytes(), ("127.0.0.1", appliance.syslog))?;
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn guessed(appliance: &Appliance) -> Result<Vec<Value>> {
    appliance.json(&["alerts", "list", "--status", "all", "--rule", GUESSED])
}

#[test]
fn five_failures_and_a_success_over_syslog_are_one_alert_with_its_events() -> Result<()> {
    let appliance = appliance()?;
    send(&appliance, 0, 5, true)?;
    eventually("the correlated alert", Duration::from_secs(30), || Ok(!guessed(&appliance)?.is_empty()))?;
    let alerts = guessed(&appliance)?;
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    let id = alerts[0].get("id").and_then(Value::as_str).context("an id")?;
    let detail = appliance.json(&["alerts", "show", id])?;
    let text = detail.iter().map(Value::to_string).collect::<String>();
    for part in ["tuan.pm", "203.0.113.77", "srv-07", "Mật khẩu SSH đã bị dò ra"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    // and one incident, with its story
    let list = appliance.json(&["incidents", "list"])?;
    let with: Vec<&Value> = list.iter().filter(|i| i.to_string().contains("tuan.pm")).collect();
    assert_eq!(with.len(), 1, "{list:#?}");
    let incident = with[0].get("id").and_then(Value::as_str).context("an id")?;
    let shown = appliance.cli(&["incidents", "show", incident])?.join("\n");
    for part in ["Mật khẩu SSH đã bị dò ra", "Chiếm đoạt thông tin đăng nhập", "Truy cập trái phép", "203.0.113.77"]
    {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    decisions_about_incidents_can_be_undone(&appliance, incident, id)?;
    // what only feeds the correlation raises nothing of its own
    for fed in ["30000000-0000-4000-8000-000000000001", "30000000-0000-4000-8000-000000000003"] {
        assert!(appliance.json(&["alerts", "list", "--status", "all", "--rule", fed])?.is_empty());
    }
    Ok(())
}

fn decisions_about_incidents_can_be_undone(appliance: &Appliance, incident: &str, alert: &str) -> Result<()> {
    let alerts = |id: &str| -> Result<u64> {
        let shown = appliance.json(&["incidents", "show", id])?;
        shown.first().and_then(|i| i.get("alerts")).and_then(Value::as_u64).context("a number")
    };
    let before = alerts(incident)?;
    let split = appliance.json(&["incidents", "split", incident, alert])?;
    let other = split.first().and_then(|i| i.get("id")).and_then(Value::as_str).context("the new one")?.to_owned();
    assert_eq!(alerts(&other)?, 1);
    appliance.cli(&["incidents", "merge", &other, incident]).or_else(|_| appliance.cli(&["incidents", "merge", incident, &other]))?;
    let ids = [incident, other.as_str()];
    assert!(ids.iter().any(|id| matches!(alerts(id), Ok(n) if n == before)), "merging back undoes a split");
    appliance.cli(&["incidents", "unmerge", &other])?;
    assert_eq!(alerts(&other)?, 1);
    Ok(())
}

#[test]
fn a_crash_in_the_middle_of_a_window_loses_and_doubles_nothing() -> Result<()> {
    let mut appliance = appliance()?;
    send(&appliance, 0, 3, false)?;
    eventually("the first failures are stored", Duration::from_secs(30), || Ok(appliance.count("user.name:tuan.pm")? == 3))?;
    appliance.kill();
    appliance.launch()?;
    send(&appliance, 10, 1, false)?;
    eventually("the fourth failure is stored", Duration::from_secs(30), || Ok(appliance.count("user.name:tuan.pm")? == 4))?;
    assert!(guessed(&appliance)?.is_empty());
    appliance.stop()?;
    appliance.launch()?;
    send(&appliance, 20, 1, true)?;
    eventually("the correlated alert", Duration::from_secs(30), || Ok(!guessed(&appliance)?.is_empty()))?;
    appliance.kill();
    appliance.launch()?;
    eventually("everything is analyzed again", Duration::from_secs(30), || Ok(appliance.count("user.name:tuan.pm")? == 6))?;
    assert_eq!(guessed(&appliance)?.len(), 1, "once, however often the appliance dies");
    Ok(())
}
