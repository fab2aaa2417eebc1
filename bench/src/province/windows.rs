//! Event logs of Windows: the records as NXLog and Winlogbeat ship them, and what people and machines do that is recorded there.

use std::{fmt::Write as _, net::Ipv4Addr};

use super::{
    Kind, Maker, SECOND, local,
    world::{self, Machine},
};

const SECURITY: (&str, &str) = ("Security", "Microsoft-Windows-Security-Auditing");
const SYSMON: (&str, &str) = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon");
const SYSTEM: (&str, &str) = ("System", "Service Control Manager");
const POWERSHELL: (&str, &str) = ("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell");
const DEFENDER: (&str, &str) = ("Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender");
const UPDATE: (&str, &str) = ("System", "Microsoft-Windows-WindowsUpdateClient");

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A record of `machine`. `audit` says whether the audit succeeded; other channels have none.
fn record(m: &mut Maker, at: i64, machine: &Machine, id: u32, log: (&str, &str), audit: Option<bool>, data: &[(&str, &str)]) {
    let (channel, provider) = log;
    let number = 100_000 + (at - m.midnight) / 1_000_000;
    let mut out = String::with_capacity(900);
    if machine.beat {
        let time = jiff::Timestamp::from_nanosecond(i128::from(at / 1_000_000 * 1_000_000)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let outcome = audit.map_or("", |ok| if ok { r#","outcome":"success""# } else { r#","outcome":"failure""# });
        let keywords = audit.map_or("", |ok| if ok { r#","keywords":["Audit Success"]"# } else { r#","keywords":["Audit Failure"]"# });
        let name = &machine.name;
        let _ = write!(
            out,
            r#"{{"@timestamp":"{time:.3}","agent":{{"type":"winlogbeat","version":"8.19.2","name":"{name}"}},"ecs":{{"version":"8.0.0"}},"event":{{"code":"{id}","kind":"event","provider":"{provider}"{outcome}}},"host":{{"name":"{name}"}},"log":{{"level":"information"}},"winlog":{{"api":"wineventlog","channel":"{channel}","computer_name":"{name}","event_data":{{"#
        );
        for (i, (key, value)) in data.iter().enumerate() {
            let _ = write!(out, "{}\"{key}\":", if i == 0 { "" } else { "," });
            quoted(&mut out, value);
        }
        let _ = write!(out, r#"}},"event_id":"{id}"{keywords},"provider_name":"{provider}","record_id":{number},"version":2}}}}"#);
    } else {
        let time = local(at).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let (keywords, kind) = match audit {
            Some(true) => ("-9214364837600034816", "AUDIT_SUCCESS"),
            Some(false) => ("-9218868437227405312", "AUDIT_FAILURE"),
            None => ("-9223372036854775808", "INFO"),
        };
        let _ = write!(
            out,
            r#"{{"EventTime":"{time}","Hostname":"{}","Keywords":{keywords},"EventType":"{kind}","SeverityValue":2,"Severity":"INFO","EventID":{id},"SourceName":"{provider}","Version":2,"Task":1,"OpcodeValue":0,"RecordNumber":{number},"ProcessID":724,"ThreadID":1100,"Channel":"{channel}""#,
            machine.name
        );
        for (key, value) in data {
            let _ = write!(out, ",\"{key}\":");
            quoted(&mut out, value);
        }
        let _ = write!(out, r#","EventReceivedTime":"{time}","SourceModuleName":"eventlog","SourceModuleType":"im_msvistalog"}}"#);
    }
    m.ship(at, machine.peer, Kind::Windows, out);
}

fn sid(n: u64) -> String {
    format!("S-1-5-21-1004336348-1177238915-682003330-{}", 2000 + n)
}

/// A logon of somebody at a machine (4624), as type 2, 3, 7, 10…
pub(super) fn logon(m: &mut Maker, at: i64, machine: &Machine, user: &str, kind: &str, from: Option<Ipv4Addr>) {
    let id = format!("0x{:x}", 0x1_0000 + m.below(0xfff_ffff));
    let (port, from) = (1024 + m.below(60_000), from.map_or("-".to_owned(), |ip| ip.to_string()));
    let process = if kind == "3" { "Kerberos" } else { "User32 " };
    let data = [
        ("SubjectUserSid", "S-1-0-0"),
        ("SubjectUserName", "-"),
        ("TargetUserSid", &sid(user.len() as u64 * 97)),
        ("TargetUserName", user),
        ("TargetDomainName", "LAICHAU"),
        ("TargetLogonId", &id),
        ("LogonType", kind),
        ("LogonProcessName", process),
        ("AuthenticationPackageName", if kind == "3" { "Kerberos" } else { "Negotiate" }),
        ("WorkstationName", "-"),
        ("IpAddress", &from),
        ("IpPort", &port.to_string()),
        ("ElevatedToken", "%%1843"),
    ];
    record(m, at, machine, 4624, SECURITY, Some(true), &data);
    if kind == "3" {
        let after = at + SECOND + m.below(40 * SECOND as u64) as i64;
        let off = [("TargetUserName", user), ("TargetDomainName", "LAICHAU"), ("TargetLogonId", id.as_str()), ("LogonType", "3")];
        record(m, after, machine, 4634, SECURITY, Some(true), &off);
    }
}

/// A logon that failed (4625) with its substatus.
pub(super) fn logon_failed(m: &mut Maker, at: i64, machine: &Machine, user: &str, kind: &str, from: Option<Ipv4Addr>, why: &str) {
    let from = from.map_or("127.0.0.1".to_owned(), |ip| ip.to_string());
    let data = [
        ("SubjectUserSid", "S-1-5-18"),
        ("TargetUserSid", "S-1-0-0"),
        ("TargetUserName", user),
        ("TargetDomainName", "LAICHAU"),
        ("Status", "0xc000006d"),
        ("SubStatus", why),
        ("FailureReason", "%%2313"),
        ("LogonType", kind),
        ("LogonProcessName", "User32 "),
        ("AuthenticationPackageName", "Negotiate"),
        ("IpAddress", &from),
        ("IpPort", "0"),
    ];
    record(m, at, machine, 4625, SECURITY, Some(false), &data);
}

/// Kerberos at the domain controller: a ticket for the person, one for a service.
pub(super) fn tickets(m: &mut Maker, at: i64, user: &str, from: Ipv4Addr, service: &str) {
    let dc = world::windows_server(m.below(2));
    let from = format!("::ffff:{from}");
    let first = [
        ("TargetUserName", user),
        ("TargetDomainName", "LAICHAU.LOCAL"),
        ("ServiceName", "krbtgt"),
        ("TicketOptions", "0x40810010"),
        ("Status", "0x0"),
        ("TicketEncryptionType", "0x12"),
        ("PreAuthType", "2"),
        ("IpAddress", &from),
        ("IpPort", "50122"),
    ];
    record(m, at, &dc, 4768, SECURITY, Some(true), &first);
    let full = format!("{user}@LAICHAU.LOCAL");
    let second = [
        ("TargetUserName", full.as_str()),
        ("TargetDomainName", "LAICHAU.LOCAL"),
        ("ServiceName", service),
        ("TicketOptions", "0x40810000"),
        ("Status", "0x0"),
        ("TicketEncryptionType", "0x12"),
        ("IpAddress", &from),
        ("IpPort", "50123"),
    ];
    record(m, at + 90_000_000, &dc, 4769, SECURITY, Some(true), &second);
}

/// Wrong password at the domain controller (4771).
pub(super) fn preauth_failed(m: &mut Maker, at: i64, user: &str, from: Ipv4Addr) {
    let dc = world::windows_server(m.below(2));
    let from = format!("::ffff:{from}");
    let data = [
        ("TargetUserName", user),
        ("ServiceName", "krbtgt/LAICHAU"),
        ("TicketOptions", "0x40810010"),
        ("Status", "0x18"),
        ("PreAuthType", "2"),
        ("IpAddress", &from),
        ("IpPort", "50200"),
    ];
    record(m, at, &dc, 4771, SECURITY, Some(false), &data);
}

/// An account event at the domain controller: 4740 locked, 4767 unlocked, 4724 password reset, 4720 made…
pub(super) fn account(m: &mut Maker, at: i64, id: u32, by: &str, target: &str, domain: &str) {
    let dc = world::windows_server(0);
    let data = [
        ("TargetUserName", target),
        ("TargetDomainName", domain),
        ("TargetSid", "S-1-5-21-1004336348-1177238915-682003330-3107"),
        ("SubjectUserSid", "S-1-5-21-1004336348-1177238915-682003330-1110"),
        ("SubjectUserName", by),
        ("SubjectDomainName", "LAICHAU"),
        ("SubjectLogonId", "0x3e7a1"),
    ];
    record(m, at, &dc, id, SECURITY, Some(true), &data);
}

/// A file of the agency's share opened (5145) after the share itself (5140).
pub(super) fn share(m: &mut Maker, at: i64, n: u64) {
    let (agency, _) = world::place(n);
    let (server, who, from) = (world::windows_server(2 + agency as u64), world::user(n), world::computer(n).ip.to_string());
    let name = document(m);
    let base = [
        ("SubjectUserName", who.as_str()),
        ("SubjectDomainName", "LAICHAU"),
        ("IpAddress", &from),
        ("IpPort", "51000"),
        ("ShareName", r"\\*\DungChung"),
    ];
    record(m, at, &server, 5140, SECURITY, Some(true), &[&base[..], &[("AccessMask", "0x1")]].concat());
    for i in 0..m.below(3) {
        let mask = if m.once_in(4) { "0x2" } else { "0x120089" };
        let data = [&base[..], &[("RelativeTargetName", name.as_str()), ("AccessMask", mask)]].concat();
        record(m, at + (1 + i as i64) * 300_000_000, &server, 5145, SECURITY, Some(true), &data);
    }
}

fn document(m: &mut Maker) -> String {
    const WORDS: [&str; 10] =
        ["BaoCao", "KeHoach", "CongVan", "ToTrinh", "QuyetDinh", "BienBan", "DanhSach", "LichCongTac", "DuToan", "HoSo"];
    let (a, b) = (m.pick(&WORDS), m.pick(&["docx", "xlsx", "pdf", "docx", "pptx"]));
    format!(r"2026\{a}\{a}_{:03}.{b}", m.below(900))
}

/// Sysmon 1: a program that an office computer runs.
pub(super) fn program(m: &mut Maker, at: i64, n: u64) {
    const ORDINARY: [(&str, &str, &str); 14] = [
        (
            r"C:\Program Files\Google\Chrome\Application\chrome.exe",
            "--type=renderer --lang=vi",
            r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        ),
        (r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE", r#"/n "D:\CongVan\CV.docx""#, r"C:\Windows\explorer.exe"),
        (r"C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE", r#""D:\DuToan\DuToan.xlsx""#, r"C:\Windows\explorer.exe"),
        (r"C:\Program Files (x86)\UniKey\UniKeyNT.exe", "", r"C:\Windows\explorer.exe"),
        (r"C:\Program Files\Kaspersky Lab\KES\avp.exe", "-r", r"C:\Windows\System32\services.exe"),
        (r"C:\Windows\System32\backgroundTaskHost.exe", "-ServerName:App.AppX", r"C:\Windows\System32\svchost.exe"),
        (r"C:\Windows\System32\taskhostw.exe", "", r"C:\Windows\System32\svchost.exe"),
        (r"C:\Windows\System32\svchost.exe", "-k netsvcs -p -s gpsvc", r"C:\Windows\System32\services.exe"),
        (r"C:\Windows\System32\RuntimeBroker.exe", "-Embedding", r"C:\Windows\System32\svchost.exe"),
        (r"C:\Program Files\Zalo\Zalo.exe", "--type=utility", r"C:\Windows\explorer.exe"),
        (r"C:\Windows\System32\conhost.exe", "0xffffffff -ForceV1", r"C:\Windows\System32\svchost.exe"),
        (r"C:\Program Files (x86)\Foxit Software\FoxitPDFReader.exe", r#""D:\VanBan.pdf""#, r"C:\Windows\explorer.exe"),
        (r"C:\Windows\System32\spoolsv.exe", "", r"C:\Windows\System32\services.exe"),
        (r"C:\Windows\System32\notepad.exe", r"C:\Users\Public\ghichu.txt", r"C:\Windows\explorer.exe"),
    ];
    let (image, arguments, parent) = m.pick(&ORDINARY);
    process(m, at, &world::computer(n), &world::user(n), image, &format!("\"{image}\" {arguments}"), parent);
}

/// Sysmon 1 of a program with its whole command line.
pub(super) fn process(m: &mut Maker, at: i64, machine: &Machine, user: &str, image: &str, line: &str, parent: &str) {
    let (guid, pid) = (m.rng.next_u64(), m.below(30_000).to_string());
    let utc = utc(at);
    let name = image.rsplit('\\').next().unwrap_or(image);
    let data = [
        ("RuleName", "-"),
        ("UtcTime", utc.as_str()),
        ("ProcessGuid", &format!("{{{guid:016X}-0000}}")),
        ("ProcessId", &pid),
        ("Image", image),
        ("OriginalFileName", name),
        ("CommandLine", line),
        ("CurrentDirectory", r"C:\Windows\system32\"),
        ("User", &format!(r"LAICHAU\{user}")),
        ("LogonId", "0x5a3f21"),
        ("IntegrityLevel", "Medium"),
        ("Hashes", &format!("SHA256={guid:016X}{guid:016X}{guid:016X}{guid:016X}")),
        ("ParentImage", parent),
        ("ParentCommandLine", parent),
    ];
    record(m, at, machine, 1, SYSMON, None, &data);
}

fn utc(at: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// Sysmon 3 and 22: a name looked up and the connection to it.
pub(super) fn surf(m: &mut Maker, at: i64, n: u64) {
    let (machine, user) = (world::computer(n), format!(r"LAICHAU\{}", world::user(n)));
    let (address, name, _) = world::site(m);
    let (time, address, from, port) = (utc(at), address.to_string(), machine.ip.to_string(), (1024 + m.below(60_000)).to_string());
    let image = m.pick(&[
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files\Zalo\Zalo.exe",
        r"C:\Windows\System32\svchost.exe",
        r"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE",
    ]);
    let query = [
        ("UtcTime", time.as_str()),
        ("ProcessId", "4100"),
        ("QueryName", name),
        ("QueryStatus", "0"),
        ("QueryResults", &address),
        ("Image", image),
    ];
    record(m, at, &machine, 22, SYSMON, None, &query);
    let data = [
        ("UtcTime", time.as_str()),
        ("ProcessId", "4100"),
        ("Image", image),
        ("User", &user),
        ("Protocol", "tcp"),
        ("Initiated", "true"),
        ("SourceIp", &from),
        ("SourcePort", &port),
        ("DestinationIp", &address),
        ("DestinationHostname", name),
        ("DestinationPort", "443"),
    ];
    record(m, at + 20_000_000, &machine, 3, SYSMON, None, &data);
}

/// Sysmon 11: a document saved.
pub(super) fn save(m: &mut Maker, at: i64, n: u64) {
    let (time, name) = (utc(at), format!(r"D:\{}", document(m)));
    let user = format!(r"LAICHAU\{}", world::user(n));
    let data = [
        ("UtcTime", time.as_str()),
        ("ProcessId", "5120"),
        ("Image", r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE"),
        ("TargetFilename", &name),
        ("CreationUtcTime", &time),
        ("User", &user),
    ];
    record(m, at, &world::computer(n), 11, SYSMON, None, &data);
}

/// A service that starts or stops (7036).
pub(super) fn service_state(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS + world::WINDOWS_SERVERS);
    let machine = if n < world::COMPUTERS { world::computer(n) } else { world::windows_server(n) };
    let name = m.pick(&[
        "Windows Update",
        "Background Intelligent Transfer Service",
        "Windows Time",
        "Windows Modules Installer",
        "Print Spooler",
    ]);
    let state = m.pick(&["running", "stopped"]);
    record(m, at, &machine, 7036, SYSTEM, None, &[("param1", name), ("param2", state)]);
}

/// An update installed (WindowsUpdateClient 19).
pub(super) fn updated(m: &mut Maker, at: i64, machine: &Machine) {
    let data = [
        ("updateTitle", "2026-11 Cumulative Update for Windows 11 (KB5068861)"),
        ("updateRevisionNumber", "200"),
        ("serviceGuid", "{9482F4B4-E343-43B6-B170-9A65BC822C77}"),
    ];
    record(m, at, machine, 19, UPDATE, None, &data);
}

/// A service that an installer makes (7045).
pub(super) fn service_installed(m: &mut Maker, at: i64, machine: &Machine, name: &str, path: &str) {
    let data = [
        ("ServiceName", name),
        ("ImagePath", path),
        ("ServiceType", "user mode service"),
        ("StartType", "auto start"),
        ("AccountName", "LocalSystem"),
    ];
    record(m, at, machine, 7045, SYSTEM, None, &data);
}

/// Defender's signatures renewed (2000).
pub(super) fn signatures(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    record(
        m,
        at,
        &world::computer(n),
        2000,
        DEFENDER,
        None,
        &[("Product Name", "Microsoft Defender Antivirus"), ("Update Type", "%%803"), ("Current Signature Version", "1.423.11.0")],
    );
}

/// A script block (4104) of an administrator or of management software.
pub(super) fn script(m: &mut Maker, at: i64, machine: &Machine, text: &str) {
    let data = [
        ("MessageNumber", "1"),
        ("MessageTotal", "1"),
        ("ScriptBlockText", text),
        ("ScriptBlockId", "3f6a1c52-0000-4222-8333-944455566677"),
        ("Path", ""),
    ];
    record(m, at, machine, 4104, POWERSHELL, None, &data);
}

/// A computer's own account at the domain controller.
pub(super) fn machine_account(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    let machine = world::computer(n);
    let name = format!("{}$", machine.name.split('.').next().unwrap_or("pc").to_uppercase());
    let dc = world::windows_server(n % 2);
    logon(m, at, &dc, &name, "3", Some(machine.ip));
}

/// A USB stick plugged in (6416).
pub(super) fn usb(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    let (machine, user) = (world::computer(n), world::user(n));
    let device = format!(r"USBSTOR\Disk&Ven_Kingston&Prod_DataTraveler\{:012X}", m.below(1 << 48));
    let data = [
        ("SubjectUserName", user.as_str()),
        ("SubjectDomainName", "LAICHAU"),
        ("DeviceId", device.as_str()),
        ("DeviceDescription", "Kingston DataTraveler USB Device"),
        ("ClassName", "DiskDrive"),
    ];
    record(m, at, &machine, 6416, SECURITY, Some(true), &data);
}

/// Accounting's workbook with macros, fetched from the document system.
pub(super) fn workbook(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    let (time, user) = (utc(at), world::user(n));
    let data = [
        ("UtcTime", time.as_str()),
        ("ProcessId", "4100"),
        ("Image", r"C:\Program Files\Google\Chrome\Application\chrome.exe"),
        ("TargetFilename", &format!(r"C:\Users\{user}\Downloads\bang-luong-thang-11.xlsm")),
        ("CreationUtcTime", &time),
        ("User", &format!(r"LAICHAU\{user}")),
    ];
    record(m, at, &world::computer(n), 11, SYSMON, None, &data);
}

/// Defender finds something on a stick or among downloads, and takes it away (1116, 1117).
pub(super) fn malware(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    let (machine, user) = (world::computer(n), format!(r"LAICHAU\{}", world::user(n)));
    let name = m.pick(&["HackTool:Win32/AutoKMS", "Worm:VBS/Jenxcus", "PUA:Win32/InstallCore"]);
    let data = [("Threat Name", name), ("Severity Name", "High"), ("Path", r"file:_E:\setup.exe"), ("Detection User", user.as_str())];
    record(m, at, &machine, 1116, DEFENDER, None, &data);
    record(m, at + 3 * SECOND, &machine, 1117, DEFENDER, None, &[&data[..], &[("Action Name", "Quarantine")]].concat());
}
