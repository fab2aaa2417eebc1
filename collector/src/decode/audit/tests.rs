//! Audit events as pairs.

use super::*;

fn check(body: &str, expected: &[&str]) {
    let mut got = Vec::new();
    Audit.decode(body, &mut |k, v| got.push(format!("{k}={}", v.text().unwrap_or_default()))).unwrap();
    assert_eq!(got, expected, "{body}");
}

#[test]
fn an_execution_in_five_records() {
    check(
        concat!(
            "type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59 success=yes exit=0 a0=55 a1=66 ppid=1 pid=2 auid=4294967295 uid=0 comm=\"sh\" exe=\"/bin/dash\" key=(null)\u{1d}ARCH=x86_64 SYSCALL=execve UID=\"root\"\n",
            "type=EXECVE msg=audit(1700000000.123:456): argc=3 a0=\"sh\" a1=\"-c\" a2=6C73202F\n",
            "type=CWD msg=audit(1700000000.123:456): cwd=\"/root\"\n",
            "type=PATH msg=audit(1700000000.123:456): item=0 name=\"/bin/sh\" inode=7 nametype=NORMAL cap_fp=0\n",
            "type=PROCTITLE msg=audit(1700000000.123:456): proctitle=7368002D63006C73202F\n",
            "type=EOE msg=audit(1700000000.123:456):",
        ),
        &[
            "time=1700000000.123",
            "serial=456",
            "type=SYSCALL",
            "arch=x86_64",
            "syscall=execve",
            "success=yes",
            "exit=0",
            "ppid=1",
            "pid=2",
            "uid=0",
            "comm=sh",
            "exe=/bin/dash",
            "UID=root",
            "type=EXECVE",
            "argc=3",
            "a0=sh",
            "a1=-c",
            "a2=ls /",
            "type=CWD",
            "cwd=/root",
            "type=PATH",
            "name=/bin/sh",
            "inode=7",
            "nametype=NORMAL",
            "type=PROCTITLE",
            "proctitle=sh -c ls /",
            "command_line=sh -c ls /",
            "args=sh",
            "args=-c",
            "args=ls /",
        ],
    );
}

#[test]
fn what_a_program_reports() {
    check(
        r#"node=web01 type=USER_LOGIN msg=audit(1.5:6): pid=1 uid=0 auid=4294967295 msg='op=login acct=28696E76616C6964207573657229 exe="/usr/sbin/sshd" hostname=? addr=10.0.0.9 terminal=sshd res=failed'"#,
        &[
            "time=1.5",
            "serial=6",
            "node=web01",
            "type=USER_LOGIN",
            "pid=1",
            "uid=0",
            "op=login",
            "acct=(invalid user)",
            "exe=/usr/sbin/sshd",
            "addr=10.0.0.9",
            "terminal=sshd",
            "res=failed",
        ],
    );
}

#[test]
fn files_and_sockets() {
    check(
        "type=SYSCALL msg=audit(1.5:7): arch=c000003e syscall=257 a0=ffffff9c\ntype=CWD msg=audit(1.5:7): cwd=\"/etc\"\ntype=PATH msg=audit(1.5:7): name=\"/etc\" nametype=PARENT\ntype=PATH msg=audit(1.5:7): name=\"ld.so.preload\" nametype=CREATE",
        &[
            "time=1.5",
            "serial=7",
            "type=SYSCALL",
            "arch=x86_64",
            "syscall=openat",
            "a0=ffffff9c",
            "type=CWD",
            "cwd=/etc",
            "type=PATH",
            "name=/etc",
            "nametype=PARENT",
            "type=PATH",
            "name=ld.so.preload",
            "nametype=CREATE",
            "file=/etc/ld.so.preload",
            "file_change=CREATE",
        ],
    );
    check(
        "type=SOCKADDR msg=audit(1.5:8): saddr=020001BBC0000205",
        &["time=1.5", "serial=8", "type=SOCKADDR", "saddr_family=inet", "saddr_ip=192.0.2.5", "saddr_port=443"],
    );
    check(
        "audit: type=1400 audit(1.5:9): avc:  denied  { read write } for  pid=1 comm=\"x\" tclass=file",
        &["time=1.5", "serial=9", "type=AVC", "seresult=denied", "seperms=read", "seperms=write", "pid=1", "comm=x", "tclass=file"],
    );
}

#[test]
fn refuses_what_is_not_audit() {
    for bad in ["", "type=SYSCALL", "type=SYSCALL msg=audit(1.2:3", "type=SYSCALL msg=audit(12)"] {
        let outcome = Audit.decode(bad, &mut |_, _| ());
        assert!(outcome.is_err() || bad.is_empty(), "{bad}");
        assert!(!Audit.sniff(bad) || bad.contains("audit("), "{bad}");
    }
}
