//! What is done all day, and how often: deeds of people follow the office hours, deeds of machines do not.

use super::{Maker, devices, linux, web, windows, world};

/// Deeds a second (at full activity for people) and the deed itself.
type Habit = (f64, fn(&mut Maker, i64));

/// What people do.
pub(super) const PEOPLE: &[Habit] = &[
    (11.0, devices::session),
    (3.0, devices::to_data_centre),
    (3.0, devices::border),
    (3.0, devices::forti_dns),
    (1.6, devices::page),
    (0.8, devices::application),
    (6.0, devices::zeek_dns),
    (1.0, work_at_server),
    (5.0, run_program),
    (2.2, surf),
    (1.0, save),
    (0.8, open_share),
    (0.06, unlock),
    (5.0, web::citizen),
    (2.0, web::employee),
    (0.004, linux::administrator),
    (0.003, windows_administrator),
    (0.01, from_home),
    (0.012, mistyped),
];

/// What machines do.
pub(super) const MACHINES: &[Habit] = &[
    (2.0, devices::knock),
    (0.9, devices::between_servers),
    (1.0, devices::zeek_dns),
    (0.01, devices::suricata),
    (0.5, devices::session),
    (0.9, windows::machine_account),
    (0.35, windows::service_state),
    (0.05, windows::signatures),
    (0.25, run_program),
    (0.3, linux::cron),
    (0.25, linux::systemd),
    (0.12, linux::audited),
    (0.02, monitoring),
    (0.35, web::crawler),
    (0.25, web::heartbeat),
    (0.02, web::probe),
    (0.4, web::citizen),
];

fn anybody(m: &mut Maker) -> u64 {
    m.below(world::COMPUTERS)
}

fn run_program(m: &mut Maker, at: i64) {
    let n = anybody(m);
    windows::program(m, at, n);
}

fn surf(m: &mut Maker, at: i64) {
    let n = anybody(m);
    windows::surf(m, at, n);
}

fn save(m: &mut Maker, at: i64) {
    let n = anybody(m);
    windows::save(m, at, n);
}

fn open_share(m: &mut Maker, at: i64) {
    let n = anybody(m);
    windows::share(m, at, n);
}

/// Tickets, and a logon at the agency's file server.
fn work_at_server(m: &mut Maker, at: i64) {
    let n = anybody(m);
    let (pc, user) = (world::computer(n), world::user(n));
    let server = world::windows_server(2 + pc.agency as u64);
    let short = server.name.split('.').next().unwrap_or("FS").to_owned();
    windows::tickets(m, at, &user, pc.ip, &format!("{short}$"));
    windows::logon(m, at + 200_000_000, &server, &user, "3", Some(pc.ip));
}

/// Back from coffee.
fn unlock(m: &mut Maker, at: i64) {
    let n = anybody(m);
    windows::logon(m, at, &world::computer(n), &world::user(n), "7", None);
}

/// A wrong password, then the right one.
fn mistyped(m: &mut Maker, at: i64) {
    let n = anybody(m);
    let (pc, user) = (world::computer(n), world::user(n));
    let mut at = at;
    for _ in 0..1 + m.below(2) {
        windows::logon_failed(m, at, &pc, &user, "2", None, "0xc000006a");
        windows::preauth_failed(m, at, &user, pc.ip);
        at += 4_000_000_000 + m.below(9_000_000_000) as i64;
    }
    windows::tickets(m, at, &user, pc.ip, "krbtgt");
    windows::logon(m, at, &pc, &user, "2", None);
}

/// Somebody at home connects; some mistype first.
fn from_home(m: &mut Maker, at: i64) {
    let n = anybody(m) / 12 * 12;
    let user = world::user(n);
    if m.once_in(9) {
        devices::vpn(m, at - 15_000_000_000, &user, world::home(n), false);
    }
    devices::vpn(m, at, &user, world::home(n), true);
}

/// An administrator at a Windows server: remote desktop, and a look around.
fn windows_administrator(m: &mut Maker, at: i64) {
    let (user, desk) = m.pick(&world::ADMINS);
    let number = m.below(world::WINDOWS_SERVERS);
    let (server, from) = (world::windows_server(number), world::computer(desk).ip);
    windows::logon(m, at, &server, user, "10", Some(from));
    let (image, line) = m.pick(&[
        (r"C:\Windows\System32\mmc.exe", r#""C:\Windows\system32\mmc.exe" "C:\Windows\system32\eventvwr.msc""#),
        (r"C:\Windows\System32\cmd.exe", r#""C:\Windows\system32\cmd.exe""#),
        (r"C:\Windows\System32\ipconfig.exe", "ipconfig /all"),
        (r"C:\Windows\System32\whoami.exe", "whoami"),
        (r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", "powershell.exe Get-Service"),
        (r"C:\Windows\System32\Taskmgr.exe", "taskmgr.exe /4"),
    ]);
    windows::process(m, at + 30_000_000_000, &server, user, image, line, r"C:\Windows\explorer.exe");
    if line.contains("powershell") {
        windows::script(m, at + 31_000_000_000, &server, "Get-Service | Where-Object Status -eq 'Stopped'");
    }
}

/// The monitoring team's agentless checks.
fn monitoring(m: &mut Maker, at: i64) {
    let server = m.below(world::LINUX_SERVERS);
    linux::ssh(m, at, server, "zabbix", world::MONITOR, 2);
}
