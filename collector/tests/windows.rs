//! Windows events: every spelling gives the same fields, real logs decode completely, broken ones are refused in order.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking and says why on standard output")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use fansipan_collector::decode::{
    evtx,
    windows::{self, Key},
};
use fansipan_model::{Event, EventBuilder, fields};

fn read(text: &str) -> Event {
    try_read(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn try_read(text: &str) -> Result<Event, String> {
    let mut builder = EventBuilder::new(text);
    windows::read(text, &mut |key, value| match key {
        Key::Id(id) => builder.push(id, value),
        Key::Name(name) => builder.push_named(name, value),
    })
    .map_err(|e| e.to_string())?;
    Ok(builder.finish())
}

/// All values of every field below a prefix, as text.
fn under(event: &Event, prefix: &str) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in event.iter() {
        if let Some(name) = name.strip_prefix(prefix) {
            out.entry(name.to_owned()).or_default().push(value.text().unwrap_or_default().into_owned());
        }
    }
    out
}

fn get(event: &Event, name: &str) -> String {
    event.get_by_name(name).and_then(|v| v.text().map(|t| t.into_owned())).unwrap_or_default()
}

fn data() -> Option<PathBuf> {
    let dir = std::env::var_os("FANSIPAN_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no test data at {} (set FANSIPAN_TEST_DATA)", dir.display());
    None
}

fn files(dir: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, extension, out);
        } else if path.extension().is_some_and(|e| e == extension) {
            out.push(path);
        }
    }
    out.sort();
}

const XML: &str = r#"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Sysmon' Guid='{5770385f-c22a-43e0-bf4c-06f5698ffbd9}'/><EventID>1</EventID><Version>5</Version><Level>4</Level><Task>1</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='2026-11-20T02:11:05.1234567Z'/><EventRecordID>77</EventRecordID><Correlation/><Execution ProcessID='2412' ThreadID='3960'/><Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>PC-07.laichau.example</Computer><Security UserID='S-1-5-18'/></System><EventData><Data Name='RuleName'>-</Data><Data Name='UtcTime'>2026-11-20 02:11:05.120</Data><Data Name='ProcessId'>6120</Data><Data Name='Image'>C:\Windows\System32\cmd.exe</Data><Data Name='CommandLine'>cmd.exe /c &quot;whoami &amp; net user&quot;</Data><Data Name='User'>LAICHAU\binh</Data><Data Name='Hashes'>MD5=AA11,IMPHASH=00</Data><Data Name='ParentProcessId'>900</Data><Data Name='ParentImage'>C:\Windows\explorer.exe</Data></EventData></Event>"#;
const TREE: &str = r##"{"Event":{"#attributes":{"xmlns":"http://schemas.microsoft.com/win/2004/08/events/event"},"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon","Guid":"{5770385f-c22a-43e0-bf4c-06f5698ffbd9}"}},"EventID":1,"Version":5,"Level":4,"Task":1,"Opcode":0,"Keywords":"0x8000000000000000","TimeCreated":{"#attributes":{"SystemTime":"2026-11-20T02:11:05.1234567Z"}},"EventRecordID":77,"Correlation":null,"Execution":{"#attributes":{"ProcessID":2412,"ThreadID":3960}},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"PC-07.laichau.example","Security":{"#attributes":{"UserID":"S-1-5-18"}}},"EventData":{"RuleName":"-","UtcTime":"2026-11-20 02:11:05.120","ProcessId":6120,"Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":"cmd.exe /c \"whoami & net user\"","User":"LAICHAU\\binh","Hashes":"MD5=AA11,IMPHASH=00","ParentProcessId":900,"ParentImage":"C:\\Windows\\explorer.exe"}}}"##;
const WINLOGBEAT: &str = r#"{"@timestamp":"2026-11-20T02:11:05.1234567Z","agent":{"type":"winlogbeat","version":"8.19.2"},"ecs":{"version":"8.0.0"},"event":{"code":"1","kind":"event","provider":"Microsoft-Windows-Sysmon","created":"2026-11-20T02:11:07.000Z"},"host":{"name":"PC-07.laichau.example"},"log":{"level":"information"},"message":"Process Create:","winlog":{"api":"wineventlog","channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"PC-07.laichau.example","event_data":{"CommandLine":"cmd.exe /c \"whoami & net user\"","Hashes":"MD5=AA11,IMPHASH=00","Image":"C:\\Windows\\System32\\cmd.exe","ParentImage":"C:\\Windows\\explorer.exe","ParentProcessId":"900","ProcessId":"6120","RuleName":"-","User":"LAICHAU\\binh","UtcTime":"2026-11-20 02:11:05.120"},"event_id":"1","opcode":"Info","process":{"pid":2412,"thread":{"id":3960}},"provider_guid":"{5770385f-c22a-43e0-bf4c-06f5698ffbd9}","provider_name":"Microsoft-Windows-Sysmon","record_id":77,"task":"Process Create (rule: ProcessCreate)","user":{"identifier":"S-1-5-18","name":"SYSTEM","domain":"NT AUTHORITY","type":"User"},"version":5}}"#;
const NXLOG: &str = r#"{"EventTime":"2026-11-20 09:11:05","Hostname":"PC-07.laichau.example","Keywords":-9223372036854775808,"EventType":"INFO","SeverityValue":2,"Severity":"INFO","EventID":1,"SourceName":"Microsoft-Windows-Sysmon","ProviderGuid":"{5770385f-c22a-43e0-bf4c-06f5698ffbd9}","Version":5,"Task":1,"OpcodeValue":0,"RecordNumber":77,"ExecutionProcessID":2412,"ExecutionThreadID":3960,"Channel":"Microsoft-Windows-Sysmon/Operational","Domain":"NT AUTHORITY","UserID":"S-1-5-18","AccountType":"User","Message":"Process Create:","Category":"Process Create (rule: ProcessCreate)","Opcode":"Info","RuleName":"-","UtcTime":"2026-11-20 02:11:05.120","ProcessId":"6120","Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":"cmd.exe /c \"whoami & net user\"","User":"LAICHAU\\binh","Hashes":"MD5=AA11,IMPHASH=00","ParentProcessId":"900","ParentImage":"C:\\Windows\\explorer.exe","EventReceivedTime":"2026-11-20 09:11:07","SourceModuleName":"eventlog","SourceModuleType":"im_msvistalog"}"#;

#[test]
fn every_spelling_of_an_event_gives_the_same_fields() {
    let reference = read(XML);
    let items = under(&reference, "winlog.event_data.");
    assert_eq!(items.len(), 9);
    for spelling in [XML, TREE, WINLOGBEAT, NXLOG] {
        let event = read(spelling);
        assert_eq!(under(&event, "winlog.event_data."), items, "{spelling}");
        for (field, value) in [
            ("event.code", "1"),
            ("event.provider", "Microsoft-Windows-Sysmon"),
            ("event.action", "process_started"),
            ("event.category", "process"),
            ("winlog.channel", "Microsoft-Windows-Sysmon/Operational"),
            ("winlog.provider_name", "Microsoft-Windows-Sysmon"),
            ("winlog.computer_name", "PC-07.laichau.example"),
            ("winlog.record_id", "77"),
            ("winlog.process.pid", "2412"),
            ("winlog.user.identifier", "S-1-5-18"),
            ("host.name", "PC-07.laichau.example"),
            ("process.executable", r"C:\Windows\System32\cmd.exe"),
            ("process.name", "cmd.exe"),
            ("process.pid", "6120"),
            ("process.command_line", r#"cmd.exe /c "whoami & net user""#),
            ("process.parent.name", "explorer.exe"),
            ("process.parent.pid", "900"),
            ("process.hash.md5", "aa11"),
            ("process.hash.imphash", ""),
            ("user.name", "binh"),
            ("user.domain", "LAICHAU"),
            ("rule.name", ""),
        ] {
            assert_eq!(get(&event, field), value, "{field} of {spelling}");
        }
        let at = fansipan_model::time::to_rfc3339(event.timestamp());
        assert!(at.starts_with("2026-11-20T02:11:05.12"), "{at} of {spelling}");
        assert_eq!(event.values(fields::EVENT_CODE).count(), 1);
    }
}

#[test]
fn unnamed_data_is_a_list_and_numbered() {
    let xml = "<Event><System><Provider Name='MSSQLSERVER'/><EventID Qualifiers='49152'>18456</EventID><Channel>Application</Channel></System>\
               <EventData><Data>sa</Data><Data>[CLIENT: 192.0.2.9]</Data><Binary>AB00</Binary></EventData></Event>";
    let json = r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"MSSQLSERVER"}},"EventID":{"#attributes":{"Qualifiers":49152},"#text":18456},"Channel":"Application"},"EventData":{"Data":{"#text":["sa","[CLIENT: 192.0.2.9]"]},"Binary":"AB00"}}}"##;
    for text in [xml, json] {
        let items = under(&read(text), "winlog.event_data.");
        assert_eq!(items["Data"], ["sa", "[CLIENT: 192.0.2.9]"]);
        assert_eq!(items["param1"], ["sa"]);
        assert_eq!(items["param2"], ["[CLIENT: 192.0.2.9]"]);
        assert_eq!(items["Binary"], ["AB00"]);
        assert_eq!(get(&read(text), "event.code"), "18456");
        assert_eq!(get(&read(text), "event.outcome"), "failure");
    }
}

#[test]
fn named_data_written_as_objects_keeps_its_names() {
    let json = r##"{"Event":{"System":{"Provider":{"@Name":"X"},"EventID":{"#text":"7"}},"EventData":{"Data":[{"@Name":"Empty"},{"@Name":"Image","#text":"C:\\a.exe"},{"@Name":"Last"}]}}}"##;
    let items = under(&read(json), "winlog.event_data.");
    assert_eq!(items["Image"], [r"C:\a.exe"]);
    assert_eq!(items["Empty"], [""]);
    assert_eq!(items["Last"], [""]);
}

#[test]
fn user_data_is_found_under_both_names() {
    let xml = "<Event><System><Provider Name='Microsoft-Windows-Eventlog'/><EventID>1102</EventID><Channel>Security</Channel></System>\
               <UserData><LogFileCleared xmlns='urn:x'><SubjectUserName>binh</SubjectUserName><SubjectDomainName>LAICHAU</SubjectDomainName></LogFileCleared></UserData></Event>";
    let event = read(xml);
    assert_eq!(get(&event, "winlog.user_data.SubjectUserName"), "binh");
    assert_eq!(get(&event, "winlog.event_data.SubjectUserName"), "binh");
    assert_eq!(get(&event, "winlog.user_data.xml_name"), "LogFileCleared");
    assert_eq!(get(&event, "event.action"), "log_cleared");
    assert_eq!(get(&event, "user.name"), "binh");
}

#[test]
fn security_logons_name_who_and_whence() {
    let event = |id: u32, keywords: &str, items: &str| {
        read(&format!(
            "<Event><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>{id}</EventID><Keywords>{keywords}</Keywords><Channel>Security</Channel></System><EventData>{items}</EventData></Event>"
        ))
    };
    let failed = event(
        4625,
        "0x8010000000000000",
        "<Data Name='SubjectUserName'>-</Data><Data Name='TargetUserName'>administrator</Data><Data Name='SubStatus'>0xc000006a</Data>\
         <Data Name='LogonType'>3</Data><Data Name='IpAddress'>::ffff:203.0.113.8</Data><Data Name='IpPort'>0</Data>",
    );
    for (field, value) in [
        ("event.outcome", "failure"),
        ("user.name", "administrator"),
        ("source.ip", "203.0.113.8"),
        ("winlog.logon.type", "Network"),
        ("event.reason", "user name is correct but the password is wrong"),
    ] {
        assert_eq!(get(&failed, field), value, "{field}");
    }
    let local = event(4624, "0x8020000000000000", "<Data Name='TargetUserName'>SYSTEM</Data><Data Name='IpAddress'>-</Data>");
    assert_eq!(get(&local, "event.outcome"), "success");
    assert_eq!(get(&local, "winlog.event_data.IpAddress"), "-");
    assert!(local.get(fields::SOURCE_IP).is_none());
    let created = event(
        4688,
        "0x8020000000000000",
        "<Data Name='SubjectUserName'>binh</Data><Data Name='NewProcessId'>0x1a4</Data><Data Name='NewProcessName'>C:\\x\\y.exe</Data><Data Name='ProcessId'>0x10</Data>",
    );
    assert_eq!(get(&created, "winlog.event_data.NewProcessId"), "0x1a4");
    assert_eq!(get(&created, "process.pid"), "420");
    assert_eq!(get(&created, "process.parent.pid"), "16");
    assert_eq!(get(&created, "process.name"), "y.exe");
}

#[test]
fn what_winlogbeat_says_in_ecs_is_not_said_twice() {
    let text = r#"{"@timestamp":"2026-11-20T02:11:05Z","event":{"code":4624,"action":"logged-in","outcome":"success","category":["authentication"],"type":["start"]},"user":{"name":"an"},"winlog":{"channel":"Security","provider_name":"Microsoft-Windows-Security-Auditing","event_id":4624,"event_data":{"TargetUserName":"an"},"keywords":["Audit Success"]}}"#;
    let event = read(text);
    for field in ["event.action", "user.name", "event.outcome", "event.category"] {
        assert_eq!(under(&event, field)[""].len(), 1, "{field}");
    }
    assert_eq!(get(&event, "event.action"), "logon", "one word for one deed, whoever ships it");
}

#[test]
fn broken_text_is_refused_with_the_place() {
    for (text, says) in [
        (r#"{"Event":{"System":{"EventID":1"#, "column"),
        ("<Event><System><EventID>1</EventID>", "cut off at byte"),
        ("<Event><System></Event>", "byte"),
        ("<!DOCTYPE x [<!ENTITY a \"b\">]><Event/>", "document type"),
        ("<Event><System><EventID>&bomb;</EventID></System></Event>", "unknown entity"),
        ("<Other/>", "root"),
        ("<Event/>", "neither provider nor event id"),
    ] {
        let error = try_read(text).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
    let deep = format!("<Event>{}", "<a>".repeat(100_000));
    assert!(try_read(&deep).unwrap_err().contains("deeper"));
    let deep = format!("{{\"Event\":{}", "{\"a\":".repeat(100_000));
    assert!(try_read(&deep).is_err());
}

/// Whole-value GUIDs in one notation, and no blanks at the end: what tools that turn `.evtx` into JSON disagree about.
fn comparable(items: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let one = |v: String| {
        let bare = v.trim_matches(['{', '}']);
        if bare.len() == 36 && bare.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            bare.to_lowercase()
        } else {
            v.trim_end().to_owned()
        }
    };
    items.into_iter().map(|(k, v)| (k, v.into_iter().map(one).collect())).collect()
}

#[test]
fn real_logs_decode_completely_and_agree_with_their_json_twins() {
    let Some(dir) = data() else { return };
    let (mut logs, mut twins, mut records, mut compared) = (Vec::new(), Vec::new(), 0, 0);
    files(&dir.join("evtx"), "evtx", &mut logs);
    files(&dir.join("sigma/regression_data"), "evtx", &mut logs);
    files(&dir.join("sigma/regression_data"), "json", &mut twins);
    for log in &logs {
        let mut file = evtx::open(log).unwrap();
        let events: Vec<(u64, Event)> = file.records().map(|r| r.unwrap_or_else(|e| panic!("{}: {e}", log.display()))).collect();
        records += events.len();
        for (id, event) in &events {
            assert_eq!(get(event, "winlog.record_id"), id.to_string());
            assert!(event.timestamp() > 0 && !get(event, "event.code").is_empty() && !get(event, "winlog.channel").is_empty());
        }
        let twin = log.with_extension("json");
        if twins.contains(&twin) {
            let text = std::fs::read_to_string(&twin).unwrap();
            let stream =
                serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}')).into_iter::<Box<serde_json::value::RawValue>>();
            for raw in stream {
                let event = read(raw.unwrap().get());
                let (_, original) = events.iter().find(|(id, _)| id.to_string() == get(&event, "winlog.record_id")).unwrap();
                for part in ["winlog.event_data.", "winlog.user_data."] {
                    assert_eq!(comparable(under(&event, part)), comparable(under(original, part)), "{}", twin.display());
                }
                assert_eq!(get(&event, "event.code"), get(original, "event.code"));
                compared += 1;
            }
        }
    }
    assert!(logs.len() >= 126 && records >= 1700 && compared >= 70, "{} logs, {records} records, {compared} twins", logs.len());
}

#[test]
fn a_damaged_log_gives_what_is_left_of_it() {
    let Some(dir) = data() else { return };
    let bytes = std::fs::read(dir.join("evtx/PanacheSysmon_vs_AtomicRedTeam01.evtx")).unwrap();
    let count = |bytes: Vec<u8>| {
        let (mut good, mut bad) = (0, 0);
        evtx::from_bytes(bytes).unwrap().records().for_each(|r| if r.is_ok() { good += 1 } else { bad += 1 });
        (good, bad)
    };
    let (all, none) = count(bytes.clone());
    assert!(all > 100 && none == 0);
    let mut damaged = bytes.clone();
    damaged[4096 + 65536..4096 + 65536 + 128].fill(0xff); // header of the second chunk
    let (good, bad) = count(damaged);
    assert!(good > 0 && good < all && bad == 1, "{good} {bad}");
    let (good, _) = count(bytes[..4096 + 65536 + 30_000].to_vec()); // cut within the second chunk
    let (first, _) = count(bytes[..4096 + 65536].to_vec());
    assert!(good > first, "{good} {first}");
    assert!(evtx::from_bytes(b"ElfFile\0 too short".to_vec()).is_err());
    assert!(evtx::from_bytes(vec![0; 100_000]).is_err());
}
