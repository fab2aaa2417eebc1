//! What goes wrong and what is done by the clock: Monday's wrong passwords, locked accounts, a service with an old password, backups,
//! patch day, the weekly vulnerability scan, changes on the firewalls, administrators at night.

use super::{DayKind, Job, Maker, SECOND, devices, linux, web, windows, world};

const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 3600;

/// Plans a day's jobs.
pub(super) fn plan(m: &mut Maker, number: u32, kind: DayKind) {
    let job = |deed: fn(&mut Maker, i64, u64), who, left, every| Job { deed, who, left, every };
    // every night
    for server in 0..20 {
        m.plan(22 * HOUR + server as i64 * 200, job(backup, server, 1, MINUTE));
    }
    m.plan(2 * HOUR, job(file_backup, 0, 21, 6 * MINUTE));
    m.plan(90, job(strangers_at_the_vpn, 0, 160, 9 * MINUTE));
    m.plan(120, job(strangers_at_ssh, 0, 90, 16 * MINUTE));
    m.plan(900, job(|m, at, _| devices::intrusion_stopped(m, at), 0, 60, 24 * MINUTE));
    m.plan(6 * HOUR, job(monitoring_sweep, 0, 30, 2 * SECOND));
    if kind == DayKind::Work {
        let mondays = number.is_multiple_of(7);
        // back from the weekend, more have forgotten
        m.plan(7 * HOUR + 1500, job(forgotten_password, 0, if mondays { 70 } else { 14 }, if mondays { MINUTE } else { 5 * MINUTE }));
        m.plan(7 * HOUR + 2400, job(locked_out, 0, if mondays { 14 } else { 3 }, 6 * MINUTE));
        m.plan(7 * HOUR + 600, job(arrive, 0, 3000, 2 * SECOND + SECOND / 2));
        m.plan(9 * HOUR, job(help_desk, 0, 5, 70 * MINUTE));
        m.plan(10 * HOUR + 900, job(firewall_change, 0, 2, 200 * MINUTE));
        m.plan(9 * HOUR + 1800, job(installs_software, 0, 6, 65 * MINUTE));
        m.plan(8 * HOUR, job(remote_help, 0, 8, 58 * MINUTE));
        m.plan(7 * HOUR + 2000, job(|m, at, _| windows::usb(m, at), 0, 40, 13 * MINUTE));
        m.plan(8 * HOUR + 1000, job(|m, at, _| windows::workbook(m, at), 0, 12, 40 * MINUTE));
        m.plan(9 * HOUR + 700, job(|m, at, _| windows::malware(m, at), 0, 2, 290 * MINUTE));
        m.plan(10 * HOUR, job(|m, at, _| devices::virus_stopped(m, at), 0, 2, 250 * MINUTE));
        m.plan(15 * HOUR, job(runs_remotely, 0, 1, MINUTE));
        m.plan(14 * HOUR, job(shares_many_files, 0, 3, 50 * MINUTE));
    }
    match number {
        // patch day, a week and a day after Microsoft's
        2 => m.plan(17 * HOUR + 1800, job(patch, 0, 3900, 3 * SECOND)),
        // a service whose password somebody changed, found only hours later
        3 | 9 => m.plan(8 * HOUR + 600, job(old_password, u64::from(number), 420, 30 * SECOND)),
        // a night's maintenance with an announced change
        4 | 11 => m.plan(21 * HOUR, job(night_maintenance, 0, 3, 25 * MINUTE)),
        // the weekly scan
        5 | 12 => m.plan(HOUR, job(vulnerability_scan, 0, 6000, 2 * SECOND)),
        // somebody new, somebody who left
        7 => m.plan(8 * HOUR + 3000, job(new_employee, 0, 4, 12 * MINUTE)),
        10 => m.plan(15 * HOUR, job(employee_left, 0, 2, 12 * MINUTE)),
        _ => {}
    }
}

fn arrive(m: &mut Maker, at: i64, _: u64) {
    let n = m.below(world::COMPUTERS);
    let (pc, user) = (world::computer(n), world::user(n));
    windows::tickets(m, at, &user, pc.ip, "krbtgt");
    windows::logon(m, at + SECOND, &pc, &user, "2", None);
}

/// Three or four wrong passwords, then the right one, or a call to the help desk.
fn forgotten_password(m: &mut Maker, at: i64, _: u64) {
    let n = m.below(world::COMPUTERS);
    let (pc, user) = (world::computer(n), world::user(n));
    let times = 2 + m.below(3) as i64;
    for i in 0..times {
        windows::logon_failed(m, at + i * 9 * SECOND, &pc, &user, "2", None, "0xc000006a");
        windows::preauth_failed(m, at + i * 9 * SECOND, &user, pc.ip);
    }
    windows::tickets(m, at + times * 12 * SECOND, &user, pc.ip, "krbtgt");
    windows::logon(m, at + times * 12 * SECOND, &pc, &user, "2", None);
}

/// Five wrong passwords lock the account; the help desk unlocks it a while later.
fn locked_out(m: &mut Maker, at: i64, _: u64) {
    let n = m.below(world::COMPUTERS);
    let (pc, user) = (world::computer(n), world::user(n));
    for i in 0..5 {
        windows::logon_failed(m, at + i * 8 * SECOND, &pc, &user, "2", None, "0xc000006a");
        windows::preauth_failed(m, at + i * 8 * SECOND, &user, pc.ip);
    }
    let short = pc.name.split('.').next().unwrap_or("pc").to_uppercase();
    windows::account(m, at + 41 * SECOND, 4740, "DC01$", &user, &short);
    windows::logon_failed(m, at + 55 * SECOND, &pc, &user, "2", None, "0xc0000234");
    let waited = at + (4 + m.below(12) as i64) * MINUTE;
    let (admin, _) = m.pick(&world::ADMINS);
    windows::account(m, waited, 4767, admin, &user, "LAICHAU");
    windows::logon(m, waited + 2 * MINUTE, &pc, &user, "2", None);
}

fn help_desk(m: &mut Maker, at: i64, _: u64) {
    let n = m.below(world::COMPUTERS);
    let (admin, _) = m.pick(&world::ADMINS);
    windows::account(m, at, 4724, admin, &world::user(n), "LAICHAU");
    windows::account(m, at + SECOND, 4738, admin, &world::user(n), "LAICHAU");
}

/// A task on a server tries a password that was changed, every half minute for hours.
fn old_password(m: &mut Maker, at: i64, who: u64) {
    let (server, dc) = (world::windows_server(30 + who), world::windows_server(0));
    windows::logon_failed(m, at, &dc, "svc-baocao", "3", Some(server.ip), "0xc000006a");
}

fn firewall_change(m: &mut Maker, at: i64, _: u64) {
    let ((admin, desk), agency) = (m.pick(&world::ADMINS), m.below(21) as usize);
    let fails = u32::from(m.once_in(3));
    devices::forti_admin(m, at, agency, admin, world::computer(desk).ip, fails, true);
}

fn night_maintenance(m: &mut Maker, at: i64, _: u64) {
    let ((admin, desk), server) = (m.pick(&world::ADMINS), m.below(world::LINUX_SERVERS));
    let from = world::computer(desk).ip;
    linux::ssh(m, at, server, admin, from, 900);
    linux::sudo(m, at + 40 * SECOND, server, admin, "/usr/bin/apt upgrade -y");
    linux::sudo(m, at + 600 * SECOND, server, admin, "/usr/sbin/reboot");
}

/// A database dumped and fetched by the backup server.
fn backup(m: &mut Maker, at: i64, server: u64) {
    let (_, own) = world::linux_server(10 + server % 10);
    let store = world::windows_server(25).ip;
    linux::ssh(m, at, 10 + server % 10, "backup", store, 240);
    linux::sudo(m, at + 2 * SECOND, 10 + server % 10, "backup", "/usr/bin/pg_dump -Fc hoso -f /backup/hoso.dump");
    for i in 0..12 {
        devices::inside(m, at + i * 20 * SECOND, own, store, 445);
    }
}

/// The backup account reads an agency's whole share.
fn file_backup(m: &mut Maker, at: i64, _: u64) {
    let agency = m.below(21);
    let (store, server) = (world::windows_server(25), world::windows_server(2 + agency));
    windows::logon(m, at, &server, "svc-backup", "3", Some(store.ip));
    windows::process(
        m,
        at + SECOND,
        &server,
        "svc-backup",
        r"C:\Program Files\Veeam\VeeamAgent.exe",
        r#""C:\Program Files\Veeam\VeeamAgent.exe" -job DungChung"#,
        r"C:\Windows\System32\services.exe",
    );
    windows::process(
        m,
        at + 3 * SECOND,
        &server,
        "svc-backup",
        r"C:\Windows\System32\vssadmin.exe",
        "vssadmin.exe list shadows",
        r"C:\Program Files\Veeam\VeeamAgent.exe",
    );
}

fn monitoring_sweep(m: &mut Maker, at: i64, _: u64) {
    let (to, port) = (world::linux_server(m.below(80)).1, m.pick(&[22_u16, 80, 443, 10_050]));
    devices::inside(m, at, world::MONITOR, to, port);
}

/// The scanner looks at every server: web paths, SSH, Windows logons, ports.
fn vulnerability_scan(m: &mut Maker, at: i64, _: u64) {
    let server = m.below(80);
    match m.below(6) {
        0 => {
            let path = m.pick(&[
                "GET /server-status",
                "GET /.git/HEAD",
                "GET /cgi-bin/test.cgi",
                "GET /phpinfo.php",
                "GET /manager/html",
                "GET /?id=1%27",
            ]);
            web::request(m, at, server, world::SCANNER, path, 404, "Mozilla/5.0 (compatible; OpenVAS)");
        }
        1 => linux::ssh_failed(m, at, server, "openvas", world::SCANNER),
        2 => {
            let target = world::windows_server(m.below(120));
            windows::logon_failed(m, at, &target, "svc-scan", "3", Some(world::SCANNER), "0xc0000064");
        }
        _ => {
            let (to, port) = (world::linux_server(server).1, 20 + m.below(9000) as u16);
            devices::inside(m, at, world::SCANNER, to, port);
        }
    }
}

fn patch(m: &mut Maker, at: i64, _: u64) {
    let n = m.below(world::COMPUTERS + world::WINDOWS_SERVERS);
    let machine = if n < world::COMPUTERS { world::computer(n) } else { world::windows_server(n) };
    windows::updated(m, at, &machine);
    windows::process(
        m,
        at + SECOND,
        &machine,
        "SYSTEM",
        r"C:\Windows\System32\wusa.exe",
        "wusa.exe KB5068861.msu /quiet /norestart",
        r"C:\Windows\System32\svchost.exe",
    );
    windows::service_state(m, at + 2 * SECOND);
}

fn installs_software(m: &mut Maker, at: i64, _: u64) {
    let n = m.below(world::COMPUTERS);
    let (pc, user) = (world::computer(n), world::user(n));
    let (image, line) = m.pick(&[
        (r"C:\Windows\System32\msiexec.exe", r"msiexec.exe /i C:\Windows\ccmcache\1a\GoogleChromeEnterprise64.msi /qn"),
        (r"C:\Windows\System32\msiexec.exe", r"msiexec.exe /i \\FS-UBND\CaiDat\VNPT-CA-Plugin.msi"),
        (r"C:\Users\Public\Downloads\UniKey46Setup.exe", r"C:\Users\Public\Downloads\UniKey46Setup.exe /S"),
    ]);
    windows::process(m, at, &pc, &user, image, line, r"C:\Windows\explorer.exe");
    if m.once_in(3) {
        windows::service_installed(
            m,
            at + 20 * SECOND,
            &pc,
            "Google Update Service (gupdate)",
            r#""C:\Program Files (x86)\Google\Update\GoogleUpdate.exe" /svc"#,
        );
    }
}

/// The help desk looks at somebody's screen; at times the program is fetched first.
fn remote_help(m: &mut Maker, at: i64, _: u64) {
    let n = m.below(world::COMPUTERS);
    let (pc, user) = (world::computer(n), world::user(n));
    let image = if m.once_in(4) {
        format!(r"C:\Users\{user}\Downloads\UltraViewer_setup_6.6_vi.exe")
    } else {
        r"C:\Program Files (x86)\UltraViewer\UltraViewer_Desktop.exe".to_owned()
    };
    windows::process(m, at, &pc, &user, &image, &format!("\"{image}\""), r"C:\Windows\explorer.exe");
    devices::remote_help(m, at + 5 * SECOND, &pc);
}

/// An administrator runs a command on another server the short way.
fn runs_remotely(m: &mut Maker, at: i64, _: u64) {
    let ((admin, desk), n) = (m.pick(&world::ADMINS), 23 + m.below(60));
    let server = world::windows_server(n);
    windows::logon(m, at, &server, admin, "3", Some(world::computer(desk).ip));
    windows::service_installed(m, at + 2 * SECOND, &server, "PSEXESVC", r"%SystemRoot%\PSEXESVC.exe");
}

/// Before a meeting: forty files opened in a minute or two.
fn shares_many_files(m: &mut Maker, at: i64, _: u64) {
    let n = m.below(world::COMPUTERS);
    for i in 0..40 {
        windows::share(m, at + i * 3 * SECOND, n);
    }
}

fn new_employee(m: &mut Maker, at: i64, _: u64) {
    let (admin, _) = m.pick(&world::ADMINS);
    let name = format!("moi.{}", world::user(m.below(400)));
    windows::account(m, at, 4720, admin, &name, "LAICHAU");
    windows::account(m, at + SECOND, 4722, admin, &name, "LAICHAU");
    windows::account(m, at + 2 * SECOND, 4724, admin, &name, "LAICHAU");
}

fn employee_left(m: &mut Maker, at: i64, _: u64) {
    let (admin, _) = m.pick(&world::ADMINS);
    let n = m.below(world::COMPUTERS);
    windows::account(m, at, 4725, admin, &world::user(n), "LAICHAU");
}

/// Bots try one name after the other at the VPN, each address seldom.
fn strangers_at_the_vpn(m: &mut Maker, at: i64, _: u64) {
    let ((from, _), name) = (world::stranger(m), m.pick(&["test", "guest", "user1", "vpn", "support", "sales", "info"]));
    devices::vpn(m, at, name, from, false);
}

/// The web servers' SSH is open to one relay only; what knocks elsewhere is refused before a password.
fn strangers_at_ssh(m: &mut Maker, at: i64, _: u64) {
    devices::knock(m, at);
}
