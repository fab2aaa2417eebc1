//! From the shape to fields: the header, every item as it is, and the ECS copies the mapping asks for.
//! Never drops an item; a copy that does not fit its field is left out, since the item itself is there.

use std::net::{IpAddr, Ipv6Addr};

use fansipan_model::{FieldId, Value, field::FieldType, fields, time};
use smallvec::SmallVec;

use super::{
    map::{Hashes, Plan, Turn, is_ip},
    shape::{Head, Held, Name, Shape},
};

/// A field by number, or by a name that no rule or format knows.
#[derive(Clone, Copy, Debug)]
pub enum Key<'k> {
    /// Registered or interned.
    Id(FieldId),
    /// Dotted name.
    Name(&'k str),
}

/// Takes the fields of one event. `@timestamp` comes as [`Value::Time`].
pub type Sink<'s> = dyn FnMut(Key<'_>, Value<'_>) + 's;

/// Keywords bits of the Security log (MS-EVEN6, `WINEVENT_KEYWORD_AUDIT_*`).
const AUDIT_FAILURE: u64 = 1 << 52;
const AUDIT_SUCCESS: u64 = 1 << 53;

/// Fields written so far that hold one value only: whoever comes first wins.
struct Once<'s, 'f> {
    sink: &'s mut Sink<'f>,
    /// One bit a registered field; names of rules and formats beyond, which an event seldom has, are listed.
    registered: [u64; 16],
    others: SmallVec<[FieldId; 8]>,
}

impl<'s, 'f> Once<'s, 'f> {
    fn new(sink: &'s mut Sink<'f>) -> Self {
        Self { sink, registered: [0; 16], others: SmallVec::new() }
    }

    /// Notes that a field is written; whether it was not before.
    fn first(&mut self, field: FieldId) -> bool {
        match self.registered.get_mut(field.index() / 64) {
            Some(word) => {
                let bit = 1 << (field.index() % 64);
                let first = *word & bit == 0;
                *word |= bit;
                first
            }
            None if self.others.contains(&field) => false,
            None => {
                self.others.push(field);
                true
            }
        }
    }

    fn put(&mut self, field: FieldId, value: Value<'_>) {
        if self.first(field) {
            (self.sink)(Key::Id(field), value);
        }
    }

    fn text(&mut self, field: FieldId, text: Option<&str>) {
        if let Some(text) = text.filter(|t| !t.is_empty()) {
            self.put(field, Value::Str(text));
        }
    }

    fn many<'a>(&mut self, field: FieldId, values: impl Iterator<Item = &'a str>) {
        let mut values = values.peekable();
        if values.peek().is_some() && self.first(field) {
            values.for_each(|value| (self.sink)(Key::Id(field), Value::Str(value)));
        }
    }
}

/// Gives every field of the event to `sink`.
pub(super) fn write(shape: &Shape<'_>, sink: &mut Sink<'_>) {
    let mut out = Once::new(sink);
    extras(shape, &mut out);
    let provider = shape.get(Head::Provider).unwrap_or("");
    let code = shape.get(Head::EventId).unwrap_or("");
    let plan = shape.map.find(provider, code);
    header(shape, plan, &mut out);
    meaning(shape, plan, &mut out);
    items(shape, plan, &mut out);
}

/// What the shipper itself says comes first and wins over what we would conclude.
fn extras(shape: &Shape<'_>, out: &mut Once<'_, '_>) {
    for &(name, held) in &shape.extra {
        let (name, value) = (shape.str(name), shape.value(held));
        match FieldId::lookup(name) {
            Some(id) => {
                out.first(id);
                (out.sink)(Key::Id(id), value);
            }
            None => (out.sink)(Key::Name(name), value),
        }
    }
}

fn header(shape: &Shape<'_>, plan: &Plan, out: &mut Once<'_, '_>) {
    if let Some(at) = shape.get(Head::Time).and_then(instant) {
        (out.sink)(Key::Id(fields::TIMESTAMP), Value::Time(at));
    }
    const PLAIN: [(Head, FieldId); 17] = [
        (Head::Provider, fields::EVENT_PROVIDER),
        (Head::Provider, fields::WINLOG_PROVIDER_NAME),
        (Head::ProviderGuid, fields::WINLOG_PROVIDER_GUID),
        (Head::EventId, fields::EVENT_CODE),
        (Head::EventId, fields::WINLOG_EVENT_ID),
        (Head::Level, fields::WINLOG_LEVEL),
        (Head::Channel, fields::WINLOG_CHANNEL),
        (Head::Computer, fields::WINLOG_COMPUTER_NAME),
        (Head::Computer, fields::HOST_NAME),
        (Head::RecordId, fields::WINLOG_RECORD_ID),
        (Head::ActivityId, fields::WINLOG_ACTIVITY_ID),
        (Head::RelatedActivityId, fields::WINLOG_RELATED_ACTIVITY_ID),
        (Head::UserSid, fields::WINLOG_USER_IDENTIFIER),
        (Head::UserName, fields::WINLOG_USER_NAME),
        (Head::UserDomain, fields::WINLOG_USER_DOMAIN),
        (Head::UserType, fields::WINLOG_USER_TYPE),
        (Head::UserDataName, fields::WINLOG_USER_DATA_XML_NAME),
    ];
    for (head, field) in PLAIN {
        out.text(field, shape.get(head));
    }
    out.text(fields::WINLOG_TASK, shape.get(Head::TaskName).or(shape.get(Head::Task)));
    out.text(fields::WINLOG_OPCODE, shape.get(Head::OpcodeName).or(shape.get(Head::Opcode)));
    for (head, field) in
        [(Head::Version, fields::WINLOG_VERSION), (Head::Pid, fields::WINLOG_PROCESS_PID), (Head::Tid, fields::WINLOG_PROCESS_THREAD_ID)]
    {
        if let Some(n) = shape.get(head).and_then(number) {
            out.put(field, Value::Int(n));
        }
    }
    if shape.keyword_names.is_empty() {
        out.text(fields::WINLOG_KEYWORDS, shape.get(Head::Keywords));
    } else {
        out.many(fields::WINLOG_KEYWORDS, shape.keyword_names.iter().map(|&t| shape.str(t)));
    }
    let level = shape.get(Head::Level).and_then(|n| shape.map.level(n));
    match (level, shape.get(Head::LevelName)) {
        (Some(level), _) => out.text(fields::LOG_LEVEL, Some(level)),
        (None, Some(name)) => {
            let name = name.to_lowercase();
            out.text(fields::LOG_LEVEL, Some(shape.map.level(&name).unwrap_or(&name)));
        }
        (None, None) => {}
    }
    out.text(fields::MESSAGE, shape.get(Head::Message));
    out.text(fields::EVENT_DATASET, plan.dataset.as_deref());
    out.put(fields::HOST_OS_FAMILY, Value::Str("windows"));
}

/// `event.*` of the kind of event.
fn meaning(shape: &Shape<'_>, plan: &Plan, out: &mut Once<'_, '_>) {
    // one word for one deed, whoever ships the event
    out.text(fields::EVENT_ACTION, plan.action.as_deref().or(shape.get(Head::Action)));
    out.many(fields::EVENT_CATEGORY, plan.category.iter().map(|s| &**s));
    out.many(fields::EVENT_TYPE, plan.kinds.iter().map(|s| &**s));
    let outcome = plan.outcome.as_deref().or_else(|| audited(shape));
    out.text(fields::EVENT_OUTCOME, outcome);
}

/// Outcome of a Security event, by its keywords or their names.
fn audited(shape: &Shape<'_>) -> Option<&'static str> {
    if let Some(bits) = shape.get(Head::Keywords).and_then(|k| number(k).map(|n| n as u64)) {
        if bits & AUDIT_FAILURE != 0 {
            return Some("failure");
        } else if bits & AUDIT_SUCCESS != 0 {
            return Some("success");
        }
    }
    shape.keyword_names.iter().find_map(|&t| match shape.str(t) {
        "Audit Failure" => Some("failure"),
        "Audit Success" => Some("success"),
        _ => None,
    })
}

fn items(shape: &Shape<'_>, plan: &Plan, out: &mut Once<'_, '_>) {
    let mut long = String::new();
    for item in &shape.items {
        let value = shape.value(item.value);
        match item.name {
            Name::Known(index) => (out.sink)(Key::Id(shape.map.known(index).field), value),
            Name::Other(_) => {
                long.clear();
                long.push_str("winlog.event_data.");
                long.push_str(shape.name(item.name));
                (out.sink)(Key::Name(&long), value);
            }
        }
        if item.user {
            long.clear();
            long.push_str("winlog.user_data.");
            long.push_str(shape.name(item.name));
            (out.sink)(Key::Name(&long), value);
        }
    }
    for item in &shape.items {
        if let (Name::Known(index), Held::Text(text)) = (item.name, item.value) {
            let text = shape.str(text).trim();
            if text.is_empty() || text == "-" {
                continue;
            }
            for turn in plan.turns(index) {
                copy(shape, turn, text, out);
            }
        }
    }
}

fn copy(shape: &Shape<'_>, turn: &Turn, text: &str, out: &mut Once<'_, '_>) {
    match turn {
        Turn::Plain(field) => typed(*field, text, out),
        Turn::Guid(field) => {
            let bare = text.trim_matches(['{', '}']).to_ascii_lowercase();
            out.put(*field, Value::Str(&format!("{{{bare}}}")));
        }
        Turn::Program { executable, name } => {
            out.text(*executable, Some(text));
            out.text(*name, Some(last(text).1));
        }
        Turn::Account { name, domain } => match text.split_once('\\') {
            Some((d, n)) => {
                out.text(*domain, Some(d));
                out.text(*name, Some(n));
            }
            None => out.text(*name, Some(text)),
        },
        Turn::File => {
            let (directory, name) = last(text);
            out.text(fields::FILE_PATH, Some(text));
            out.text(fields::FILE_NAME, Some(name));
            out.text(fields::FILE_DIRECTORY, directory);
            out.text(fields::FILE_EXTENSION, name.rsplit_once('.').map(|(_, e)| e));
        }
        Turn::Library => {
            out.text(fields::DLL_PATH, Some(text));
            out.text(fields::DLL_NAME, Some(last(text).1));
        }
        Turn::RegistryValue | Turn::RegistryKey => registry(matches!(turn, Turn::RegistryValue), text, out),
        Turn::Hashes(hashes) => digests(hashes, text, out),
        Turn::Addresses(field) => {
            // `type: 5 alias;::ffff:192.0.2.7;` of Sysmon
            for address in text.split([';', ',', ' ']).filter_map(address) {
                (out.sink)(Key::Id(*field), Value::Ip(address));
            }
        }
        Turn::Table(field, table) => out.text(*field, shape.map.word(*table, text)),
    }
}

fn typed(field: FieldId, text: &str, out: &mut Once<'_, '_>) {
    let value = match field.kind() {
        _ if is_ip(field) => address(text).map(Value::Ip),
        FieldType::Long => number(text).map(Value::Int),
        FieldType::Double => text.parse().ok().map(Value::Float),
        FieldType::Boolean => match text {
            "true" | "True" | "%%1842" | "1" => Some(Value::Bool(true)),
            "false" | "False" | "%%1843" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        FieldType::Date => instant(text).map(Value::Time),
        _ => Some(Value::Str(text)),
    };
    if let Some(value) = value {
        out.put(field, value);
    }
}

/// `HKLM\System\…\ImagePath` as hive, key and value.
fn registry(has_value: bool, text: &str, out: &mut Once<'_, '_>) {
    out.text(fields::REGISTRY_PATH, Some(text));
    let rest = text.strip_prefix("\\REGISTRY\\").unwrap_or(text);
    let (hive, rest) = match rest.split_once('\\') {
        Some(("MACHINE", rest)) => ("HKLM", rest),
        Some(("USER", rest)) => ("HKU", rest),
        Some((hive, rest)) => (hive, rest),
        None => return,
    };
    out.text(fields::REGISTRY_HIVE, Some(hive));
    if has_value {
        let (key, value) = last(rest);
        out.text(fields::REGISTRY_KEY, key);
        out.text(fields::REGISTRY_VALUE, Some(value));
    } else {
        out.text(fields::REGISTRY_KEY, Some(rest));
    }
}

/// `MD5=…,SHA256=…`; Sysmon's older `SHA1=…` alone too.
fn digests(to: &Hashes, text: &str, out: &mut Once<'_, '_>) {
    for part in text.split([',', ';', '|']) {
        let Some((kind, digest)) = part.trim().split_once('=') else { continue };
        let field = match kind {
            "MD5" => to.md5,
            "SHA1" => to.sha1,
            "SHA256" => to.sha256,
            "IMPHASH" => to.imphash,
            _ => continue,
        };
        if !digest.bytes().all(|b| b == b'0') {
            out.text(field, Some(&digest.to_ascii_lowercase()));
        }
    }
}

/// Directory and last part of a Windows (or UNC, or slashed) path.
fn last(path: &str) -> (Option<&str>, &str) {
    match path.rsplit_once(['\\', '/']) {
        Some((directory, name)) => (Some(directory), name),
        None => (None, path),
    }
}

/// Decimal or `0x` hexadecimal.
fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|n| n as i64),
        None => text.parse().ok(),
    }
}

/// An address; one of IPv4 mapped to IPv6 is one of IPv4, a zone (`%4`) is left off.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.split_once('%').map_or(text, |(a, _)| a);
    if let Ok(v6) = text.parse::<Ipv6Addr>() {
        return Some(v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4));
    }
    text.parse().ok()
}

/// RFC 3339, or Sysmon's `2026-11-23 10:00:00.123` in UTC.
pub(super) fn instant(text: &str) -> Option<i64> {
    if let Some(at) = time::from_rfc3339(text) {
        return Some(at);
    }
    let civil: jiff::civil::DateTime = text.trim_end_matches(" UTC").parse().ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    i64::try_from(zoned.timestamp().as_nanosecond()).ok()
}
