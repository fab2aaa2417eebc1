//! Reads the shared rules and recordings for tests and measurements; skips where they are absent.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use fansipan_model::{Event, EventBuilder, Value, fields, json, time};
use fansipan_rules::{Diagnostic, Rule, RuleSet, Taxonomy, parse};

/// The shared data, if it is here.
pub(crate) fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = std::env::var_os("FANSIPAN_TEST_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is absent; set FANSIPAN_TEST_DATA", path.display());
    None
}

/// Files with this extension below a directory, sorted.
pub(crate) fn files(dir: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, extension, out);
        } else if path.extension().is_some_and(|e| e == extension) {
            out.push(path);
        }
    }
}

/// Every shared rule, parsed.
pub(crate) fn shared_rules(data: &Path) -> (Vec<Rule>, Vec<Diagnostic>) {
    let (mut rules, mut found) = (Vec::new(), Vec::new());
    for folder in ["rules", "rules-emerging-threats", "rules-threat-hunting"] {
        let mut paths = Vec::new();
        files(&data.join("sigma").join(folder), "yml", &mut paths);
        for path in paths {
            let text = fs::read_to_string(&path).expect("a readable rule");
            let (r, f) = parse(&text, &path.display().to_string());
            rules.extend(r);
            found.extend(f);
        }
    }
    (rules, found)
}

/// Every shared rule, compiled with the shipped taxonomy.
pub(crate) fn shared_set(data: &Path) -> RuleSet {
    let taxonomy = Taxonomy::builtin().expect("the shipped taxonomy");
    RuleSet::compile(shared_rules(data).0, &taxonomy).0
}

/// A Windows event as the JSON that `evtx_dump` prints → the fields the collector gives it.
pub(crate) fn windows_event(text: &str) -> Event {
    let mut out = EventBuilder::new(text);
    json::flatten(text, |name, value| {
        let text = value.text();
        let Some(text) = text.as_deref() else { return };
        let mut put = |name: &str| out.push_named(name, Value::Str(text));
        let Some(name) = name.strip_prefix("Event.") else { return };
        match name {
            "System.EventID" | "System.EventID.#text" => {
                put("event.code");
                put("winlog.event_id");
            }
            "System.Provider.#attributes.Name" => {
                put("winlog.provider_name");
                put("event.provider");
            }
            "System.Channel" => put("winlog.channel"),
            "System.Computer" => {
                put("winlog.computer_name");
                put("host.name");
            }
            "System.EventRecordID" => put("winlog.record_id"),
            "System.Level" => put("winlog.level"),
            "System.Task" => put("winlog.task"),
            "System.Opcode" => put("winlog.opcode"),
            "System.Keywords" => put("winlog.keywords"),
            "System.TimeCreated.#attributes.SystemTime" => {
                out.event_mut().set_timestamp(time::from_rfc3339(text).unwrap_or_default());
            }
            other => {
                let item = if let Some(item) = other.strip_prefix("EventData.") {
                    item
                } else if let Some((_, item)) = other.strip_prefix("UserData.").and_then(|rest| rest.split_once('.')) {
                    item
                } else {
                    return;
                };
                if !item.contains("#attributes") {
                    put(&format!("winlog.event_data.{}", item.trim_end_matches(".#text")));
                }
            }
        }
    })
    .expect("a JSON object");
    let mut event = out.finish();
    copies(&mut event);
    event
}

/// The ECS copies a collector adds; as many as it does, so that measurements are honest.
fn copies(event: &mut Event) {
    for (from, to) in [
        ("winlog.event_data.Image", fields::PROCESS_EXECUTABLE),
        ("winlog.event_data.CommandLine", fields::PROCESS_COMMAND_LINE),
        ("winlog.event_data.ParentImage", fields::PROCESS_PARENT_EXECUTABLE),
        ("winlog.event_data.ParentCommandLine", fields::PROCESS_PARENT_COMMAND_LINE),
        ("winlog.event_data.TargetFilename", fields::FILE_PATH),
        ("winlog.event_data.TargetObject", fields::REGISTRY_PATH),
        ("winlog.event_data.DestinationIp", fields::DESTINATION_IP),
        ("winlog.event_data.SourceIp", fields::SOURCE_IP),
        ("winlog.event_data.User", fields::USER_NAME),
        ("winlog.event_data.ProcessId", fields::PROCESS_PID),
    ] {
        let text = event.get_by_name(from).and_then(Value::as_str).map(str::to_owned);
        if let Some(text) = text {
            event.push(to, Value::Str(&text));
        }
    }
    event.push(fields::EVENT_KIND, Value::Str("event"));
    event.push(fields::EVENT_DATASET, Value::Str("windows"));
    event.push(fields::HOST_OS_FAMILY, Value::Str("windows"));
    event.push(fields::FANSIPAN_AGENCY, Value::Str("default"));
    event.push(fields::FANSIPAN_SOURCE, Value::Str("test"));
}

/// The same JSON under the names Sigma uses: system values, and every item of EventData or UserData.
pub(crate) fn sigma_fields(text: &str) -> serde_json::Map<String, serde_json::Value> {
    use serde_json::Value;
    let value: Value = serde_json::from_str(text).expect("JSON");
    let system = &value["Event"]["System"];
    let mut fields = serde_json::Map::new();
    let code = system["EventID"].as_i64().or_else(|| system["EventID"]["#text"].as_i64()).unwrap_or(0);
    fields.insert("EventID".into(), code.into());
    for (name, from) in [("Channel", "Channel"), ("Computer", "Computer"), ("Level", "Level"), ("Task", "Task")] {
        fields.insert(name.into(), system[from].clone());
    }
    fields.insert("Provider_Name".into(), system["Provider"]["#attributes"]["Name"].clone());
    if let Some(data) = value["Event"]["EventData"].as_object() {
        fields.extend(data.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    if let Some(data) = value["Event"]["UserData"].as_object().and_then(|d| d.values().next()).and_then(Value::as_object) {
        fields.extend(data.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    fields
}

/// The JSON texts of every shared Windows recording, as `evtx_dump` prints them.
pub(crate) fn recordings(data: &Path) -> Vec<String> {
    let (mut out, mut paths) = (Vec::new(), Vec::new());
    files(&data.join("evtx"), "evtx", &mut paths);
    files(&data.join("sigma/regression_data"), "evtx", &mut paths);
    for path in paths {
        let Ok(mut parser) = evtx::EvtxParser::from_path(&path) else { continue };
        out.extend(parser.records_json().filter_map(Result::ok).map(|r| r.data));
    }
    out
}

/// The events of a file that holds one or more JSON objects.
pub(crate) fn windows_events(path: &Path) -> Vec<Event> {
    let text = fs::read_to_string(path).expect("a readable recording");
    serde_json::Deserializer::from_str(&text)
        .into_iter::<Box<serde_json::value::RawValue>>()
        .filter_map(Result::ok)
        .map(|raw| windows_event(raw.get()))
        .collect()
}
