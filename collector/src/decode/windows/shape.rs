//! The one shape every spelling of a Windows event is read into. Holds ranges, not copies: of the record, or of a scratch
//! text for what had to be unescaped. Never knows what a field means; that is [`super::map`].

use fansipan_model::Value;

use super::map::{Map, NameIndex};

/// A header field of the event (`System` and `RenderingInfo` of the XML).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Head {
    Provider,
    ProviderGuid,
    EventId,
    Version,
    Level,
    LevelName,
    Task,
    TaskName,
    Opcode,
    OpcodeName,
    Keywords,
    Time,
    RecordId,
    ActivityId,
    RelatedActivityId,
    Pid,
    Tid,
    Channel,
    Computer,
    UserSid,
    UserName,
    UserDomain,
    UserType,
    Message,
    UserDataName,
    /// What the shipper calls the deed, where the mapping has no word for it.
    Action,
}

const HEADS: usize = Head::Action as usize + 1;

/// A piece of text: where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    start: usize,
    len: usize,
    scratch: bool,
}

/// What an item is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name {
    /// A name the mapping or the field registry knows.
    Known(NameIndex),
    /// Any other.
    Other(Text),
}

/// A value of an item.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Text),
}

/// One `Data` of `EventData`, or one leaf of `UserData`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) name: Name,
    pub(super) value: Held,
    pub(super) user: bool,
}

/// A Windows event, whatever it was written in.
pub(super) struct Shape<'r> {
    pub(super) map: &'static Map,
    record: &'r str,
    scratch: String,
    head: [Option<Text>; HEADS],
    /// Rendered keywords (`Audit Success`).
    pub(super) keyword_names: Vec<Text>,
    /// `EventData` and `UserData`, in order.
    pub(super) items: Vec<Item>,
    /// Fields of the shipper that belong to no part of the event, by dotted name.
    pub(super) extra: Vec<(Text, Held)>,
    /// Number of unnamed `Data` so far.
    unnamed: usize,
}

impl<'r> Shape<'r> {
    pub(super) fn new(map: &'static Map, record: &'r str) -> Self {
        let scratch = String::with_capacity(1024);
        Self {
            map,
            record,
            scratch,
            head: [None; HEADS],
            keyword_names: Vec::new(),
            items: Vec::with_capacity(40),
            extra: Vec::new(),
            unnamed: 0,
        }
    }

    /// Notes a text: by place if it is part of the record, else by copy.
    pub(super) fn text(&mut self, text: &str) -> Text {
        // Addresses only: `record` outlives this value, so nothing else can lie inside its range.
        if let Some(start) = (text.as_ptr() as usize).checked_sub(self.record.as_ptr() as usize)
            && start + text.len() <= self.record.len()
        {
            return Text { start, len: text.len(), scratch: false };
        }
        let start = self.scratch.len();
        self.scratch.push_str(text);
        Text { start, len: text.len(), scratch: true }
    }

    pub(super) fn hold(&mut self, value: Value<'_>) -> Held {
        match value {
            Value::Null => Held::Null,
            Value::Bool(v) => Held::Bool(v),
            Value::Int(v) => Held::Int(v),
            Value::Float(v) => Held::Float(v),
            Value::Str(s) => Held::Text(self.text(s)),
            Value::Time(_) | Value::Ip(_) | Value::Uuid(_) => Held::Text(self.written(value)),
        }
    }

    /// The value as text: all header fields and items are text, so that an event is the same from every shipper.
    fn written(&mut self, value: Value<'_>) -> Text {
        if let Value::Str(s) = value {
            return self.text(s);
        }
        let start = self.scratch.len();
        value.write_text(&mut self.scratch);
        Text { start, len: self.scratch.len() - start, scratch: true }
    }

    /// The text of a range.
    pub(super) fn str(&self, text: Text) -> &str {
        let from: &str = if text.scratch { &self.scratch } else { self.record };
        from.get(text.start..text.start + text.len).unwrap_or("")
    }

    /// A held value as a value.
    pub(super) fn value(&self, held: Held) -> Value<'_> {
        match held {
            Held::Null => Value::Null,
            Held::Bool(v) => Value::Bool(v),
            Held::Int(v) => Value::Int(v),
            Held::Float(v) => Value::Float(v),
            Held::Text(t) => Value::Str(self.str(t)),
        }
    }

    /// Sets a header field; empty and null values leave it unset, a later value replaces.
    pub(super) fn set(&mut self, head: Head, value: Value<'_>) {
        if matches!(value, Value::Null | Value::Str("")) {
            return;
        }
        let text = self.written(value);
        if let Some(slot) = self.head.get_mut(head as usize) {
            *slot = Some(text);
        }
    }

    /// A header field.
    pub(super) fn get(&self, head: Head) -> Option<&str> {
        self.head.get(head as usize).copied().flatten().map(|t| self.str(t))
    }

    /// Whether what was read is an event at all.
    pub(super) fn is_event(&self) -> bool {
        self.get(Head::EventId).is_some() || self.get(Head::Provider).is_some()
    }

    /// Adds a rendered keyword.
    pub(super) fn keyword(&mut self, name: &str) {
        let name = self.text(name.trim());
        if name.len > 0 {
            self.keyword_names.push(name);
        }
    }

    /// Adds an item by its bare name.
    pub(super) fn item(&mut self, name: &str, value: Value<'_>, user: bool) {
        let name = match self.map.name(name) {
            Some(index) => Name::Known(index),
            None => Name::Other(self.text(name)),
        };
        let value = match value {
            Value::Null => Held::Null,
            other => Held::Text(self.written(other)),
        };
        self.items.push(Item { name, value, user });
    }

    /// Adds an unnamed `Data`: it is one value of `Data` and, as Winlogbeat has it, `param` and its number.
    pub(super) fn unnamed(&mut self, value: Value<'_>) {
        self.unnamed += 1;
        let mut name = String::from("param");
        Value::Int(self.unnamed as i64).write_text(&mut name);
        self.item("Data", value, false);
        self.item(&name, value, false);
    }

    /// Shippers that number unnamed `Data` (`param1`…): the list is kept as well, as in the event's own XML.
    pub(super) fn list_params(&mut self) {
        let is_param = |name: &str| name.strip_prefix("param").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let plain = |item: &&Item| !item.user && self.name(item.name) != "Binary";
        let params: Vec<Item> = self.items.iter().filter(plain).copied().collect();
        if params.iter().any(|item| !is_param(self.name(item.name))) {
            return;
        }
        if let Some(data) = self.map.name("Data") {
            self.items.extend(params.into_iter().map(|item| Item { name: Name::Known(data), ..item }));
        }
    }

    /// Adds a field of the shipper by its dotted name.
    pub(super) fn other(&mut self, name: &str, value: Value<'_>) {
        let name = self.text(name);
        let value = self.hold(value);
        self.extra.push((name, value));
    }

    /// The bare name of an item.
    pub(super) fn name(&self, name: Name) -> &str {
        match name {
            Name::Known(index) => self.map.known(index).bare,
            Name::Other(text) => self.str(text),
        }
    }
}
