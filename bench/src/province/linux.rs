//! Linux servers: sshd, sudo, cron, systemd, PAM and the audit trail.

use std::{fmt::Write as _, net::Ipv4Addr};

use super::{Kind, Maker, SECOND, local, world};

fn line(m: &mut Maker, at: i64, server: u64, priority: u8, text: &str) {
    let (name, peer) = world::linux_server(server);
    let stamp = local(at).strftime("%b %e %H:%M:%S").to_string();
    m.send(at, peer, Kind::Linux, format!("<{priority}>{stamp} {name} {text}"));
}

/// An administrator or a job logs in with a key, and out.
pub(super) fn ssh(m: &mut Maker, at: i64, server: u64, user: &str, from: Ipv4Addr, seconds: u64) {
    let (pid, port, key) = (1000 + m.below(60_000), 1024 + m.below(60_000), m.rng.next_u64());
    line(
        m,
        at,
        server,
        38,
        &format!("sshd[{pid}]: Accepted publickey for {user} from {from} port {port} ssh2: ED25519 SHA256:q{key:016x}"),
    );
    line(
        m,
        at + 40_000_000,
        server,
        86,
        &format!("sshd[{pid}]: pam_unix(sshd:session): session opened for user {user}(uid=1002) by (uid=0)"),
    );
    let session = m.below(9000);
    line(m, at + 60_000_000, server, 38, &format!("systemd-logind[612]: New session {session} of user {user}."));
    let after = at + seconds as i64 * SECOND;
    line(m, after, server, 38, &format!("sshd[{pid}]: Disconnected from user {user} {from} port {port}"));
    line(m, after + 30_000_000, server, 86, &format!("sshd[{pid}]: pam_unix(sshd:session): session closed for user {user}"));
}

/// A wrong password over SSH, with what PAM says.
pub(super) fn ssh_failed(m: &mut Maker, at: i64, server: u64, user: &str, from: Ipv4Addr) {
    let (pid, port) = (1000 + m.below(60_000), 1024 + m.below(60_000));
    line(
        m,
        at,
        server,
        85,
        &format!(
            "sshd[{pid}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={from}  user={user}"
        ),
    );
    line(m, at + 1_800_000_000, server, 38, &format!("sshd[{pid}]: Failed password for {user} from {from} port {port} ssh2"));
}

/// A command with sudo, and the audit trail's record of it.
pub(super) fn sudo(m: &mut Maker, at: i64, server: u64, user: &str, command: &str) {
    line(m, at, server, 85, &format!("sudo:   {user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND={command}"));
    line(
        m,
        at + 20_000_000,
        server,
        86,
        &format!("sudo[4300]: pam_unix(sudo:session): session opened for user root(uid=0) by {user}(uid=1002)"),
    );
    let hex = command.bytes().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02X}");
        out
    });
    let record = format!(
        "type=USER_CMD msg=audit({}.{:03}:{}): pid=4300 uid=1002 auid=1002 ses=12 msg='cwd=\"/home/{user}\" cmd={hex} exe=\"/usr/bin/sudo\" terminal=pts/0 res=success'UID=\"{user}\" AUID=\"{user}\"",
        at / SECOND,
        at % SECOND / 1_000_000,
        1000 + m.below(900_000)
    );
    line(m, at + 10_000_000, server, 13, &format!("audispd: {record}"));
}

/// An administrator's session: in, a few commands, out.
pub(super) fn administrator(m: &mut Maker, at: i64) {
    let ((user, desk), server) = (m.pick(&world::ADMINS), m.below(world::LINUX_SERVERS));
    let from = world::computer(desk).ip;
    let seconds = 120 + m.below(1500);
    if m.once_in(12) {
        ssh_failed(m, at - 12 * SECOND, server, user, from);
    }
    ssh(m, at, server, user, from, seconds);
    for i in 0..m.below(5) {
        let command = m.pick(&[
            "/usr/bin/systemctl status nginx",
            "/usr/bin/systemctl restart php8.2-fpm",
            "/usr/bin/journalctl -u nginx --since today",
            "/usr/bin/tail -f /var/log/nginx/error.log",
            "/usr/bin/apt update",
            "/usr/bin/df -h",
            "/usr/bin/vim /etc/nginx/conf.d/portal.conf",
        ]);
        sudo(m, at + (10 + i as i64 * 20) * SECOND, server, user, command);
    }
}

/// Jobs of cron.
pub(super) fn cron(m: &mut Maker, at: i64) {
    let (server, pid) = (m.below(world::LINUX_SERVERS), 1000 + m.below(60_000));
    let (user, command) = m.pick(&[
        ("root", "cd / && run-parts --report /etc/cron.hourly"),
        ("root", "/usr/local/bin/backup-check --quiet"),
        ("www-data", "/usr/bin/php /var/www/portal/cron.php"),
        ("root", "test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily"),
        ("postgres", "/usr/local/bin/pg-vacuum"),
    ]);
    line(m, at, server, 86, &format!("CRON[{pid}]: pam_unix(cron:session): session opened for user {user}(uid=0) by (uid=0)"));
    line(m, at + 10_000_000, server, 78, &format!("CRON[{pid}]: ({user}) CMD ({command})"));
}

/// What systemd says.
pub(super) fn systemd(m: &mut Maker, at: i64) {
    let server = m.below(world::LINUX_SERVERS);
    let text = m.pick(&[
        "systemd[1]: Starting apt-daily.service - Daily apt download activities...",
        "systemd[1]: apt-daily.service: Deactivated successfully.",
        "systemd[1]: Started session-1423.scope - Session of User qt.tuan.",
        "systemd[1]: Starting logrotate.service - Rotate log files...",
        "systemd[1]: logrotate.service: Deactivated successfully.",
    ]);
    line(m, at, server, 30, text);
}

/// A program recorded by the audit trail.
pub(super) fn audited(m: &mut Maker, at: i64) {
    let (server, pid, serial) = (m.below(world::LINUX_SERVERS), 1000 + m.below(60_000), 1000 + m.below(900_000));
    let (name, arguments) =
        m.pick(&[("ls", "-la"), ("ps", "aux"), ("df", "-h"), ("php", "-v"), ("grep", "-r"), ("logrotate", "/etc/logrotate.conf")]);
    let stamp = format!("{}.{:03}:{serial}", at / SECOND, at % SECOND / 1_000_000);
    let call = format!(
        "type=SYSCALL msg=audit({stamp}): arch=c000003e syscall=59 success=yes exit=0 a0=55d1c0 a1=55d1e0 a2=55d200 a3=8 items=2 ppid=4100 pid={pid} auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm=\"{name}\" exe=\"/usr/bin/{name}\" key=\"exec\""
    );
    line(m, at, server, 13, &format!("audispd: {call}"));
    line(m, at, server, 13, &format!("audispd: type=EXECVE msg=audit({stamp}): argc=2 a0=\"{name}\" a1=\"{arguments}\""));
}
