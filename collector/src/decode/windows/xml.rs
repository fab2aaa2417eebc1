//! Windows event XML, raw or rendered (`wevtutil`, `Get-WinEvent`'s `ToXml`, subscriptions of a collector).
//!
//! Reads one `<Event>`. Entities beyond the five of XML and character references are refused, as is a DTD, so nothing can
//! expand; depth is limited, so nothing can pile up.

use fansipan_model::Value;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::shape::{Head, Shape};

/// Elements nest at most this deep. Windows itself needs about six levels.
const MAX_DEPTH: usize = 64;

/// Where in the event the reader stands.
#[derive(Default)]
struct State {
    /// Local names of the open elements, joined by `/`, the root first.
    path: String,
    /// Lengths of `path` before each open element.
    marks: Vec<usize>,
    /// `Name` of the open `Data`.
    data_name: Option<String>,
    /// Text of the open element.
    text: String,
    /// Whether the open element has had an element inside.
    parent: bool,
    /// Whether an event was read to its end.
    done: bool,
}

/// Fills the shape. `Err` says what is wrong and at which byte.
pub(super) fn read(text: &str, shape: &mut Shape<'_>) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    let mut state = State::default();
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|e| format!("{e} at byte {}", reader.error_position()))?;
        match event {
            Event::Start(start) => open(&mut state, &start, shape).map_err(|e| format!("{e} at byte {at}"))?,
            Event::Empty(start) => {
                open(&mut state, &start, shape).map_err(|e| format!("{e} at byte {at}"))?;
                close(&mut state, shape);
            }
            Event::End(_) => close(&mut state, shape),
            Event::Text(t) => state.text.push_str(&t.xml10_content()),
            Event::CData(t) => state.text.push_str(&t.xml10_content()),
            Event::GeneralRef(r) => match r.resolve_char_ref() {
                Ok(Some(c)) => state.text.push(c),
                Ok(None) => match quick_xml::escape::resolve_predefined_entity(&r) {
                    Some(s) => state.text.push_str(s),
                    None => return Err(format!("unknown entity &{}; at byte {at}", r.get(..32).unwrap_or(&r))),
                },
                // NUL and other characters XML cannot say: what stood there is kept as it was written
                Err(_) => {
                    state.text.push('&');
                    state.text.push_str(&r);
                    state.text.push(';');
                }
            },
            Event::DocType(_) => return Err(format!("a document type definition is not accepted, at byte {at}")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
        if state.done {
            break;
        }
    }
    if state.done { Ok(()) } else { Err(format!("the event is cut off at byte {}", text.len())) }
}

fn open(state: &mut State, start: &BytesStart<'_>, shape: &mut Shape<'_>) -> Result<(), String> {
    let local = start.local_name();
    let local: &str = local.as_ref();
    if state.marks.is_empty() && local != "Event" {
        return Err(format!("the root is <{}>, not <Event>", local.get(..64).unwrap_or(local)));
    }
    if state.marks.len() >= MAX_DEPTH {
        return Err(format!("elements nest deeper than {MAX_DEPTH} levels"));
    }
    state.marks.push(state.path.len());
    if !state.path.is_empty() {
        state.path.push('/');
    }
    state.path.push_str(local);
    state.text.clear();
    state.parent = false;
    attributes(state, start, shape)
}

fn attributes(state: &mut State, start: &BytesStart<'_>, shape: &mut Shape<'_>) -> Result<(), String> {
    let path = state.path.as_str();
    let data = path == "Event/EventData/Data";
    if data {
        state.data_name = None;
    }
    if !data && !path.starts_with("Event/System/") {
        return Ok(());
    }
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| e.to_string())?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
        let name: &str = attribute.key.as_ref();
        if data {
            if name == "Name" {
                state.data_name = Some(value.into_owned());
            }
            continue;
        }
        let head = match (path.rsplit('/').next().unwrap_or(""), name) {
            ("Provider", "Name") => Head::Provider,
            ("Provider", "Guid") => Head::ProviderGuid,
            ("Provider", "EventSourceName") => {
                shape.other("winlog.event_source_name", Value::Str(&value));
                continue;
            }
            ("EventID", "Qualifiers") => {
                shape.other("winlog.qualifiers", Value::Str(&value));
                continue;
            }
            ("TimeCreated", "SystemTime") => Head::Time,
            ("Correlation", "ActivityID") => Head::ActivityId,
            ("Correlation", "RelatedActivityID") => Head::RelatedActivityId,
            ("Execution", "ProcessID") => Head::Pid,
            ("Execution", "ThreadID") => Head::Tid,
            ("Security", "UserID") => Head::UserSid,
            _ => continue,
        };
        shape.set(head, Value::Str(&value));
    }
    Ok(())
}

fn close(state: &mut State, shape: &mut Shape<'_>) {
    let text = std::mem::take(&mut state.text);
    if !state.parent {
        leaf(state, &text, shape);
    }
    if let Some(mark) = state.marks.pop() {
        state.path.truncate(mark);
    }
    state.parent = true;
    state.done = state.marks.is_empty();
    state.text = text;
    state.text.clear();
}

/// An element without elements inside ends: its text means something by where it stands.
fn leaf(state: &mut State, text: &str, shape: &mut Shape<'_>) {
    let value = Value::Str(text);
    let path = state.path.strip_prefix("Event/").unwrap_or("");
    let Some((section, rest)) = path.split_once('/') else { return };
    match section {
        "System" => {
            let head = match rest {
                "EventID" => Head::EventId,
                "Version" => Head::Version,
                "Level" => Head::Level,
                "Task" => Head::Task,
                "Opcode" => Head::Opcode,
                "Keywords" => Head::Keywords,
                "EventRecordID" => Head::RecordId,
                "Channel" => Head::Channel,
                "Computer" => Head::Computer,
                _ => return,
            };
            shape.set(head, Value::Str(text.trim()));
        }
        "EventData" => match (rest, state.data_name.take()) {
            ("Data", Some(name)) if !name.is_empty() => shape.item(&name, value, false),
            ("Data", _) => shape.unnamed(value),
            _ => shape.item(&rest.replace('/', "."), value, false),
        },
        "UserData" => {
            let (element, leaf) = rest.split_once('/').unwrap_or((rest, rest));
            shape.set(Head::UserDataName, Value::Str(element));
            if rest.contains('/') || !text.is_empty() {
                shape.item(&leaf.replace('/', "."), value, true);
            }
        }
        "RenderingInfo" => {
            let head = match rest {
                "Message" => Head::Message,
                "Level" => Head::LevelName,
                "Task" => Head::TaskName,
                "Opcode" => Head::OpcodeName,
                "Keywords/Keyword" => return shape.keyword(text),
                _ => return, // the channel and provider once more, in the reader's language
            };
            shape.set(head, value);
        }
        _ => {
            let name = format!("winlog.{}", path.replace('/', "."));
            shape.other(&name, value);
        }
    }
}
