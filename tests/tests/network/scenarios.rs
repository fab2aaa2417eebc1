//! Attacks with real tools between two network namespaces, recorded by dumpcap: each raises its alerts and no others.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::kit::alerts;

/// What the tools of a scenario do, how much its time is stretched, and what must be told.
struct Scenario {
    name: &'static str,
    needs: &'static str,
    script: String,
    stretch: i64,
    told: &'static [&'static str],
}

fn scenario(name: &'static str, needs: &'static str, script: impl Into<String>, told: &'static [&'static str]) -> Scenario {
    Scenario { name, needs, script: script.into(), stretch: 1, told }
}

const INSIDE: &str = "10.99.7.3";
const OUTSIDE: &str = "198.51.100.7";

fn scenarios(kit: &Path) -> Vec<Scenario> {
    let own = format!("python3 {}/network/servers.py", env!("CARGO_MANIFEST_DIR"));
    let ssh = format!("ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i {}/none", kit.display());
    vec![
        scenario("nmap: ports", "nmap", format!("nmap -n -Pn -sS -p 1-400 {INSIDE}"), &["Ports or addresses scanned from inside"]),
        scenario(
            "nmap: addresses",
            "nmap",
            "nmap -n -Pn -sS -T5 --max-retries 0 -p 3389 10.99.8.100-140",
            &["Ports or addresses scanned from inside"],
        ),
        scenario(
            "nmap: from the Internet",
            "nmap",
            format!("nmap -n -Pn -sS -S 203.0.113.9 -e wire -p 1-100 {INSIDE}"),
            &["Ports or addresses scanned from the Internet"],
        ),
        Scenario {
            stretch: 30_000,
            ..scenario(
                "nmap: slowly",
                "nmap",
                format!("nmap -n -Pn -sS --max-retries 0 --scan-delay 10ms -p 1001-1090 {INSIDE}"),
                &["Ports or addresses scanned slowly over hours"],
            )
        },
        scenario("hping3: SYN flood", "hping3", format!("hping3 -q -S -p 80 -i u200 -c 15000 --rand-source {INSIDE}"), &["SYN flood"]),
        scenario(
            "hping3: UDP flood",
            "hping3",
            format!("timeout -s INT 6 hping3 -q --udp -p 9999 -k -s 7777 --flood {INSIDE}"),
            &["UDP flood"],
        ),
        scenario("hping3: ping flood", "hping3", format!("hping3 -q --icmp -i u300 -c 15000 {INSIDE}"), &["ICMP flood"]),
        scenario("a DNS tunnel", "python3", format!("{own} tunnel {INSIDE}"), &["Data carried in names below one domain (DNS tunnel)"]),
        Scenario {
            stretch: 3_000,
            ..scenario(
                "a beacon",
                "curl",
                format!("for n in $(seq 30); do curl -s -o /dev/null -A beacon http://{OUTSIDE}:8080/wait; sleep 0.1; done"),
                &["A computer calls the same address at regular times"],
            )
        },
        scenario(
            "ssh: guessing",
            "ssh",
            format!("for n in $(seq 34); do {ssh} root@{INSIDE} true; done"),
            &["Passwords guessed over the network"],
        ),
        scenario(
            "curl: FTP passwords",
            "curl",
            format!("for n in $(seq 14); do curl -s --user ketoan:{{}}$n ftp://{INSIDE}/; done"),
            &["Password sent in the clear", "Passwords guessed over the network"],
        ),
        scenario(
            "smbclient: fan-out",
            "smbclient",
            "for n in $(seq 14); do timeout 5 smbclient -N -L //10.99.8.$n; done",
            &["One computer administers many others"],
        ),
        scenario(
            "curl: a certificate signed by itself",
            "curl",
            format!("curl -sk https://{OUTSIDE}/"),
            &["Self-signed certificate on the Internet"],
        ),
        scenario("ARP spoofing", "python3", format!("{own} spoof wire 10.99.7.1"), &["ARP spoofing: an address changes its owner"]),
        scenario("a second DHCP server", "python3", format!("{own} dhcp wire"), &["Unknown DHCP server"]),
        scenario(
            "an ordinary visit",
            "curl",
            format!("for n in 1 2 3; do curl -s -o /dev/null http://{INSIDE}:8080/; {ssh} root@{INSIDE} true; sleep 0.3; done"),
            &[],
        ),
    ]
}

fn ip(line: &str) -> bool {
    Command::new("ip").args(line.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    found.is_ok_and(|s| s.success())
}

/// Attacker and server, which go with the test.
struct Net {
    tag: String,
    running: Vec<Child>,
}

impl Net {
    /// `None`: not permitted here.
    fn new() -> Option<Self> {
        let net = Self { tag: format!("fsn{}", std::process::id() % 100_000), running: Vec::new() };
        let (a, s) = (net.name("a"), net.name("s"));
        let ready = ip(&format!("netns add {a}"))
            && ip(&format!("netns add {s}"))
            && ip(&format!("-n {a} link add wire type veth peer name wire netns {s}"))
            && [(&a, "10.99.7.2/24"), (&a, "203.0.113.9/32"), (&s, "10.99.7.3/24"), (&s, "198.51.100.7/32")]
                .iter()
                .all(|(ns, address)| ip(&format!("-n {ns} addr add {address} dev wire")))
            && (1..=14).all(|n| ip(&format!("-n {s} addr add 10.99.8.{n}/32 dev wire")))
            && [&a, &s].iter().all(|ns| ip(&format!("-n {ns} link set wire up")) && ip(&format!("-n {ns} link set lo up")))
            && ip(&format!("-n {a} route add default via 10.99.7.3"))
            && ip(&format!("-n {s} route add default via 10.99.7.2"));
        ready.then_some(net)
    }

    fn name(&self, part: &str) -> String {
        format!("{}{part}", self.tag)
    }

    fn within(&self, part: &str, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(part), program]).args(args).stdin(Stdio::null());
        command
    }

    fn start(&mut self, mut command: Command) -> &mut Child {
        self.running.push(command.spawn().expect("it starts"));
        self.running.last_mut().expect("just pushed")
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for part in ["a", "s"] {
            ip(&format!("netns del {}", self.name(part)));
        }
    }
}

/// Everything the server listens with.
fn listen(net: &mut Net, kit: &Path) {
    let path = |name: &str| kit.join(name).display().to_string();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=update",
            "-addext",
            "subjectAltName=DNS:update",
        ])
        .args(["-keyout", &path("key.pem"), "-out", &path("cert.pem")])
        .stderr(Stdio::null())
        .status();
    assert!(made.is_ok_and(|s| s.success()), "openssl makes a certificate");
    for key in ["host", "none"] {
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)]).status();
        assert!(made.is_ok_and(|s| s.success()), "ssh-keygen makes a key");
    }
    std::fs::create_dir_all("/run/sshd").expect("a folder for sshd");
    let script = format!("{}/network/servers.py", env!("CARGO_MANIFEST_DIR"));
    let mut servers = net.within("s", "python3", &[&script, "server", &path("cert.pem"), &path("key.pem")]);
    servers.stdout(Stdio::piped());
    let out = net.start(servers).stdout.take().expect("piped");
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    let option = |o: &str| format!("-o{o}");
    let args =
        [option("UsePAM=no"), option("PidFile=none"), option("PasswordAuthentication=no"), option(&format!("HostKey={}", path("host")))];
    let mut sshd = net.within("s", "/usr/sbin/sshd", &["-D", "-e", "-f", "/dev/null", "-p", "22"]);
    sshd.args(args).stderr(Stdio::null());
    net.start(sshd);
    thread::sleep(Duration::from_millis(300));
}

/// Records what a script does; the capture.
fn record(net: &mut Net, number: usize, script: &str, kit: &Path) -> PathBuf {
    let file = kit.join(format!("{number}.pcap"));
    let mut dump = net.within("s", "dumpcap", &["-q", "-P", "-B", "64", "-i", "wire", "-w"]);
    dump.arg(&file).stderr(Stdio::piped());
    let child = net.start(dump);
    let mut err = BufReader::new(child.stderr.take().expect("piped"));
    let (pid, mut line) = (child.id(), String::new());
    while !line.contains("File:") {
        line.clear();
        assert!(err.read_line(&mut line).expect("a line") > 0, "dumpcap records");
    }
    let _ = net.within("a", "sh", &["-c", script]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    thread::sleep(Duration::from_millis(500));
    let _ = Command::new("kill").args(["-INT", &pid.to_string()]).status();
    if let Some(mut child) = net.running.pop() {
        let _ = child.wait();
    }
    file
}

#[test]
fn each_attack_raises_its_alerts_and_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let kit = folder.path();
    if let Some(missing) = ["dumpcap", "openssl", "/usr/sbin/sshd", "python3"].iter().find(|p| !has(p)) {
        println!("SKIPPED: {missing} is not installed (packaging/dev/need test)");
        return;
    }
    let Some(mut net) = Net::new() else {
        println!("SKIPPED: network namespaces are not permitted here");
        return;
    };
    listen(&mut net, kit);
    let mut wrong = Vec::new();
    for (number, scenario) in scenarios(kit).iter().enumerate() {
        if !has(scenario.needs) {
            println!("SKIPPED: {}: {} is not installed (packaging/dev/need test)", scenario.name, scenario.needs);
            continue;
        }
        let told = alerts(&record(&mut net, number, &scenario.script, kit), scenario.stretch);
        let titles: Vec<&str> = told.iter().map(|(title, _)| title.as_str()).collect();
        for (title, says) in &told {
            println!("{}: {title}: {says}", scenario.name);
        }
        if titles != scenario.told {
            wrong.push(format!("{}: wanted {:?}, told {told:#?}", scenario.name, scenario.told));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
