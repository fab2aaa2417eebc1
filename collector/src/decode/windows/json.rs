//! The JSON spellings of a Windows event: the XML turned into JSON, Winlogbeat, NXLog.

use std::sync::LazyLock;

use fansipan_model::{Value, json, time};
use memchr::memmem::Finder;

use super::shape::{Head, Shape};

/// A spelling in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// `{"Event":{"System":{…},"EventData":{…}}}`
    Tree,
    /// `{"winlog":{…}}`, version 7 and 8, and version 6 with its names at the top.
    Winlogbeat,
    /// `{"EventID":…,"SourceName":…}`: header and items side by side.
    Nxlog,
}

/// Whether text that begins with `{` looks like one of these. Reads no further than needed; never parses.
pub(super) fn looks_like(text: &str) -> bool {
    spelling(text).is_some()
}

/// Keys that tell the spellings apart; searchers are made once, since making one costs more than using it.
struct Marks {
    system: Finder<'static>,
    event_id: Finder<'static>,
    provider: Finder<'static>,
    winlog: Finder<'static>,
    winlog_dotted: Finder<'static>,
    old_event_id: Finder<'static>,
    log_name: Finder<'static>,
    source_name: Finder<'static>,
    channel: Finder<'static>,
}

static MARKS: LazyLock<Marks> = LazyLock::new(|| Marks {
    system: Finder::new("\"System\""),
    event_id: Finder::new("\"EventID\""),
    provider: Finder::new("\"Provider\""),
    winlog: Finder::new("\"winlog\""),
    winlog_dotted: Finder::new("\"winlog."),
    old_event_id: Finder::new("\"event_id\""),
    log_name: Finder::new("\"log_name\""),
    source_name: Finder::new("\"SourceName\""),
    channel: Finder::new("\"Channel\""),
});

fn spelling(text: &str) -> Option<Spelling> {
    let marks = &*MARKS;
    let has = |mark: &Finder<'_>| mark.find(text.as_bytes()).is_some();
    if text.get(1..)?.trim_start().starts_with("\"Event\"") {
        return Some(Spelling::Tree);
    }
    if has(&marks.event_id) {
        if has(&marks.system) && has(&marks.provider) {
            return Some(Spelling::Tree);
        }
        if has(&marks.source_name) || has(&marks.channel) {
            return Some(Spelling::Nxlog);
        }
    }
    let winlogbeat = has(&marks.winlog) || has(&marks.winlog_dotted) || (has(&marks.old_event_id) && has(&marks.log_name));
    winlogbeat.then_some(Spelling::Winlogbeat)
}

/// Fills the shape. `Err` says what is wrong with the text and where.
pub(super) fn read(text: &str, shape: &mut Shape<'_>) -> Result<(), String> {
    let spelling = spelling(text).ok_or("JSON, but of no known spelling of a Windows event")?;
    let read = match spelling {
        Spelling::Tree => tree(text, shape),
        Spelling::Winlogbeat => json::flatten(text, |name, value| winlogbeat(name, value, shape)),
        Spelling::Nxlog => nxlog(text, shape),
    };
    read.map_err(|e| e.to_string())?;
    if spelling != Spelling::Tree {
        shape.list_params();
    }
    Ok(())
}

/// The XML as JSON: attributes under `#attributes` (or `@`), text under `#text`.
fn tree(text: &str, shape: &mut Shape<'_>) -> Result<(), json::JsonError> {
    // `"Data": [{"@Name": "Image", "#text": "…"}]`: the name waits for its text
    let mut pending: Option<String> = None;
    json::flatten(text, |path, value| {
        let path = path.strip_prefix("Event.").unwrap_or(path);
        let Some((section, rest)) = path.split_once('.') else {
            return match (path, value) {
                ("EventData" | "UserData", Value::Null) => {}
                ("EventData" | "UserData", _) => shape.unnamed(value),
                _ => shape.other(path, value),
            };
        };
        match section {
            "System" => system(rest, value, shape),
            "EventData" => event_data(rest, value, &mut pending, shape),
            "UserData" => {
                let (element, leaf) = rest.split_once('.').unwrap_or((rest, ""));
                shape.set(Head::UserDataName, Value::Str(element));
                if !(leaf.contains("xmlns") || leaf.is_empty() && value == Value::Null) {
                    shape.item(&plain(leaf, element), value, true);
                }
            }
            "RenderingInfo" => rendering(rest, value, shape),
            "#attributes" | "@xmlns" => {}
            _ => {
                let name = format!("winlog.{path}");
                shape.other(&name, value);
            }
        }
    })?;
    if let Some(name) = pending {
        shape.item(&name, Value::Str(""), false);
    }
    Ok(())
}

/// A path without the marks of attributes and text; `element` if nothing is left.
fn plain(leaf: &str, element: &str) -> String {
    let parts: Vec<&str> =
        leaf.split('.').map(|p| p.trim_start_matches('@')).filter(|p| !matches!(*p, "#attributes" | "#text" | "")).collect();
    if parts.is_empty() { element.to_owned() } else { parts.join(".") }
}

fn event_data(rest: &str, value: Value<'_>, pending: &mut Option<String>, shape: &mut Shape<'_>) {
    match rest {
        "Data" | "Data.#text" | "#text" => match (pending.take(), value) {
            (Some(name), _) => shape.item(&name, value, false),
            (None, Value::Null) => {}
            (None, _) => shape.unnamed(value),
        },
        "Data.@Name" | "Data.#attributes.Name" | "Data.Name" => {
            if let Some(name) = pending.take() {
                shape.item(&name, Value::Str(""), false);
            }
            *pending = value.as_str().map(str::to_owned);
        }
        _ if !rest.bytes().any(|b| matches!(b, b'#' | b'@')) => shape.item(rest, value, false),
        _ if rest.contains("xmlns") => {}
        _ => shape.item(&plain(rest, "Data"), value, false),
    }
}

fn system(rest: &str, value: Value<'_>, shape: &mut Shape<'_>) {
    let head = match rest {
        "Provider.#attributes.Name" | "Provider.@Name" | "Provider_attributes.Name" | "Provider.Name" => Head::Provider,
        "Provider.#attributes.Guid" | "Provider.@Guid" | "Provider_attributes.Guid" | "Provider.Guid" => Head::ProviderGuid,
        "Provider.#attributes.EventSourceName" | "Provider.@EventSourceName" | "Provider_attributes.EventSourceName" => {
            return shape.other("winlog.event_source_name", value);
        }
        "EventID" | "EventID.#text" | "EventID.Value" => Head::EventId,
        "EventID.#attributes.Qualifiers" | "EventID.@Qualifiers" | "EventID_attributes.Qualifiers" | "EventID.Qualifiers" => {
            return shape.other("winlog.qualifiers", value);
        }
        "Version" => Head::Version,
        "Level" => Head::Level,
        "Task" => Head::Task,
        "Opcode" => Head::Opcode,
        "Keywords" => Head::Keywords,
        "TimeCreated.#attributes.SystemTime"
        | "TimeCreated.@SystemTime"
        | "TimeCreated_attributes.SystemTime"
        | "TimeCreated.SystemTime" => Head::Time,
        "EventRecordID" => Head::RecordId,
        "Correlation.#attributes.ActivityID"
        | "Correlation.@ActivityID"
        | "Correlation_attributes.ActivityID"
        | "Correlation.ActivityID" => Head::ActivityId,
        "Correlation.#attributes.RelatedActivityID" | "Correlation.@RelatedActivityID" | "Correlation_attributes.RelatedActivityID" => {
            Head::RelatedActivityId
        }
        "Execution.#attributes.ProcessID" | "Execution.@ProcessID" | "Execution_attributes.ProcessID" | "Execution.ProcessID" => Head::Pid,
        "Execution.#attributes.ThreadID" | "Execution.@ThreadID" | "Execution_attributes.ThreadID" | "Execution.ThreadID" => Head::Tid,
        "Channel" => Head::Channel,
        "Computer" => Head::Computer,
        "Security.#attributes.UserID" | "Security.@UserID" | "Security_attributes.UserID" | "Security.UserID" => Head::UserSid,
        _ if value == Value::Null => return,
        _ => {
            let name = format!("winlog.system.{}", plain(rest, "text"));
            return shape.other(&name, value);
        }
    };
    shape.set(head, value);
}

fn rendering(rest: &str, value: Value<'_>, shape: &mut Shape<'_>) {
    let head = match rest {
        "Message" => Head::Message,
        "Level" => Head::LevelName,
        "Task" => Head::TaskName,
        "Opcode" => Head::OpcodeName,
        "Keywords.Keyword" | "Keywords" => return shape.keyword(&value.text().unwrap_or_default()),
        _ => return, // the channel and provider once more, in the reader's language
    };
    shape.set(head, value);
}

/// Winlogbeat writes ECS already: only its event data and what chooses the mapping is looked at.
fn winlogbeat(name: &str, value: Value<'_>, shape: &mut Shape<'_>) {
    if let Some(rest) = name.strip_prefix("winlog.") {
        if let Some(item) = rest.strip_prefix("event_data.") {
            return shape.item(item, value, false);
        }
        if let Some(item) = rest.strip_prefix("user_data.").filter(|&i| i != "xml_name") {
            return shape.item(item, value, true);
        }
        let head = match rest {
            "provider_name" => Head::Provider,
            "provider_guid" => Head::ProviderGuid,
            "event_id" => Head::EventId,
            "channel" => Head::Channel,
            "computer_name" => Head::Computer,
            "record_id" => Head::RecordId,
            "version" => Head::Version,
            "task" => Head::TaskName,
            "opcode" => Head::OpcodeName,
            "process.pid" => Head::Pid,
            "process.thread.id" => Head::Tid,
            "activity_id" => Head::ActivityId,
            "related_activity_id" => Head::RelatedActivityId,
            "user.identifier" => Head::UserSid,
            "user.name" => Head::UserName,
            "user.domain" => Head::UserDomain,
            "user.type" => Head::UserType,
            "user_data.xml_name" => Head::UserDataName,
            "keywords" => return shape.keyword(&value.text().unwrap_or_default()),
            _ => return shape.other(name, value),
        };
        return shape.set(head, value);
    }
    if let Some(item) = name.strip_prefix("event_data.") {
        return shape.item(item, value, false);
    }
    let head = match name {
        "@timestamp" => Head::Time,
        "message" => Head::Message,
        "event.action" => Head::Action,
        "event.code" | "event_id" => Head::EventId,
        "event.provider" | "source_name" => Head::Provider,
        "provider_guid" => Head::ProviderGuid,
        "log_name" => Head::Channel,
        "computer_name" => Head::Computer,
        "record_number" => Head::RecordId,
        "log.level" | "level" => Head::LevelName,
        "process_id" => Head::Pid,
        "thread_id" => Head::Tid,
        "keywords" => return shape.keyword(&value.text().unwrap_or_default()),
        // the index and pipeline the shipper meant for its own store; the event's kind, which normalizing decides
        "event.kind" | "event.original" | "event.ingested" | "event.id" => return,
        _ => return shape.other(name, value),
    };
    shape.set(head, value);
}

/// NXLog: header fields by their fixed names; every other key is an item.
fn nxlog(text: &str, shape: &mut Shape<'_>) -> Result<(), json::JsonError> {
    // Best time wins: the shipper's in UTC, Sysmon's in UTC, NXLog's if it names its zone. Else the format decides.
    let mut best = 0;
    json::flatten(text, |name, value| {
        let (rank, head) = match name {
            "EventID" => (0, Head::EventId),
            "SourceName" => (0, Head::Provider),
            "ProviderGuid" => (0, Head::ProviderGuid),
            "Channel" => (0, Head::Channel),
            "Hostname" => (0, Head::Computer),
            "RecordNumber" => (0, Head::RecordId),
            "Version" => (0, Head::Version),
            "Keywords" => return shape.set(Head::Keywords, Value::Str(&bits(value))),
            "LevelValue" => (0, Head::Level),
            "Task" | "TaskValue" => (0, Head::Task),
            "Category" => (0, Head::TaskName),
            "OpcodeValue" => (0, Head::Opcode),
            "Opcode" => (0, Head::OpcodeName),
            "Severity" => (0, Head::LevelName),
            "ActivityID" => (0, Head::ActivityId),
            "RelatedActivityID" => (0, Head::RelatedActivityId),
            "ProcessID" | "ExecutionProcessID" => (0, Head::Pid),
            "ThreadID" | "ExecutionThreadID" => (0, Head::Tid),
            "UserID" => (0, Head::UserSid),
            "Domain" => (0, Head::UserDomain),
            "AccountType" => (0, Head::UserType),
            "Message" => (0, Head::Message),
            "@timestamp" => (3, Head::Time),
            "UtcTime" => {
                shape.item(name, value, false);
                (2, Head::Time)
            }
            "EventTime" => {
                shape.other("nxlog.EventTime", value);
                let zoned = value.as_str().is_some_and(|t| time::from_rfc3339(t).is_some());
                (u8::from(zoned), Head::Time)
            }
            "AccountName" => {
                // the account of the writing process, and an item of its own in events of the Service Control Manager
                shape.item(name, value, false);
                (0, Head::UserName)
            }
            _ => {
                return match shippers_own(name) {
                    Some(own) => shape.other(own, value),
                    None => shape.item(name, value, false),
                };
            }
        };
        if head != Head::Time {
            shape.set(head, value);
        } else if rank > best {
            best = rank;
            shape.set(head, value);
        }
    })
}

/// Keys of NXLog, or of a relay behind it, that say nothing of the event.
fn shippers_own(key: &str) -> Option<&'static str> {
    Some(match key {
        "EventType" => "nxlog.EventType",
        "SeverityValue" => "nxlog.SeverityValue",
        "EventReceivedTime" => "nxlog.EventReceivedTime",
        "SourceModuleName" => "nxlog.SourceModuleName",
        "SourceModuleType" => "nxlog.SourceModuleType",
        "@version" => "nxlog.@version",
        "host" => "nxlog.host",
        "port" => "nxlog.port",
        "tags" => "nxlog.tags",
        "type" => "nxlog.type",
        _ => return None,
    })
}

/// Keyword bits as Windows writes them; NXLog has them as a number, signed or not.
fn bits(value: Value<'_>) -> String {
    let text = value.text().unwrap_or_default();
    let number = text.parse::<i64>().map(|n| n as u64).or_else(|_| text.parse::<u64>());
    number.map_or_else(|_| text.into_owned(), |n| format!("{n:#x}"))
}
