//! From a syntax's pairs to fields: the rename table, and where keys go that it does not name.

use fansipan_model::{EventBuilder, FieldId, Value};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{
    convert::{Target, is_nothing},
    reach::Reach,
};

/// What happens to the value of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// Fields that get it; none: it is not kept (the event says it elsewhere).
    pub(super) targets: Box<[Target]>,
    /// Where the time rules look for it.
    pub(super) slot: Option<u8>,
}

/// A format's rename table.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    pub(super) table: HashMap<Box<str>, Entry, foldhash::fast::RandomState>,
    /// With its dot; empty keeps keys as they are.
    pub(super) prefix: Box<str>,
    pub(super) keep_empty: bool,
}

/// A value the time rules may need.
#[derive(Clone, Debug, Default)]
pub(super) enum Slot<'r> {
    #[default]
    Empty,
    Slice(&'r str),
    Text(String),
    Int(i64),
    Float(f64),
}

/// Keys a format's time rules may look at, all told.
pub(super) const SLOTS: usize = 8;

/// A constant of a format file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Constant {
    Text(Box<str>),
    Int(i64),
    Bool(bool),
}

impl Constant {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Constant::Text(text) => Value::Str(text),
            Constant::Int(number) => Value::Int(*number),
            Constant::Bool(flag) => Value::Bool(*flag),
        }
    }
}

/// Constants of one block: fields with their values.
pub(super) type Constants = Box<[(FieldId, Box<[Constant]>)]>;

/// Constants waiting to be written, so that a later block can overrule an earlier one.
pub(super) struct Pending<'f> {
    field: FieldId,
    values: &'f [Constant],
    /// Written only where the record gave nothing.
    weak: bool,
}

/// Keys nobody named, in one record: beyond this they stay in the record alone.
const UNMAPPED_LIMIT: usize = 1_000;

/// An event being made of one record by one format.
pub(super) struct Draft<'b, 'r, 'f> {
    pub(super) out: &'b mut EventBuilder<'r>,
    pub(super) slots: [Slot<'r>; SLOTS],
    pending: SmallVec<[Pending<'f>; 24]>,
    unmapped: usize,
    name: String,
    reach: &'f Reach,
}

/// The part of `record` that `text` is, if it is one.
pub(super) fn slice_of<'r>(record: &'r str, text: &str) -> Option<&'r str> {
    let offset = (text.as_ptr() as usize).checked_sub(record.as_ptr() as usize)?;
    record.get(offset..offset.checked_add(text.len())?).filter(|_| !text.is_empty())
}

impl<'b, 'r, 'f> Draft<'b, 'r, 'f> {
    pub(super) fn new(out: &'b mut EventBuilder<'r>, reach: &'f Reach) -> Self {
        Self { out, slots: Default::default(), pending: SmallVec::new(), unmapped: 0, name: String::new(), reach }
    }

    /// One pair of the syntax.
    pub(super) fn pair(&mut self, mapping: &Mapping, key: &str, value: Value<'_>) {
        match mapping.table.get(key) {
            Some(entry) => self.entry(mapping, entry, value),
            None => self.unmapped(mapping, key, value),
        }
    }

    /// A value whose entry is known.
    pub(super) fn entry(&mut self, mapping: &Mapping, entry: &Entry, value: Value<'_>) {
        if matches!(value, Value::Null) || !mapping.keep_empty && value.as_str().is_some_and(is_nothing) {
            return;
        }
        if let Some(slot) = entry.slot.and_then(|i| self.slots.get_mut(usize::from(i))) {
            *slot = match value {
                Value::Str(text) => slice_of(self.out.record(), text).map_or_else(|| Slot::Text(text.to_owned()), Slot::Slice),
                Value::Int(number) => Slot::Int(number),
                Value::Float(number) => Slot::Float(number),
                _ => Slot::Empty,
            };
        }
        for target in &entry.targets {
            target.push(self.out, value);
        }
    }

    fn unmapped(&mut self, mapping: &Mapping, key: &str, value: Value<'_>) {
        if key == "_flag" || key == "_before" || key.is_empty() {
            return; // words that are no pair; they stand in the message
        }
        if matches!(value, Value::Null) || !mapping.keep_empty && value.as_str().is_some_and(is_nothing) {
            return;
        }
        self.unmapped += 1;
        if self.unmapped > UNMAPPED_LIMIT || key.len() > 512 {
            return;
        }
        let own = mapping.prefix.is_empty() && !is_reserved(key);
        self.name.clear();
        if !own {
            self.name.push_str(if mapping.prefix.is_empty() { "foreign." } else { &mapping.prefix });
        }
        self.name.push_str(key);
        match FieldId::lookup(&self.name) {
            // a key that happens to be a field of ours gets that field's type
            Some(field) if own => Target { field, conv: super::convert::by_type(field) }.push(self.out, value),
            _ => self.out.push_named(&self.name, value),
        }
    }

    /// Constants of a block. Of two for a field the later one counts; weak ones only where nothing gave the field a value yet.
    pub(super) fn constants(&mut self, constants: &'f Constants, weak: bool) {
        for (field, values) in constants {
            if weak && self.pending.iter().any(|p| p.field == *field) {
                continue;
            }
            self.pending.retain(|p| p.field != *field);
            self.pending.push(Pending { field: *field, values, weak });
        }
    }

    /// Whether the record or a block gave this field a value already.
    pub(super) fn has(&self, field: FieldId) -> bool {
        self.pending.iter().any(|p| p.field == field && !p.weak) || self.reach.may(field) && self.out.event().get(field).is_some()
    }

    /// Calls `each` with every value the field has so far; stops when it returns true, and says so.
    pub(super) fn any_value(&self, field: FieldId, mut each: impl FnMut(Value<'_>) -> bool) -> bool {
        let constant = self.pending.iter().find(|p| p.field == field && !p.weak);
        match constant {
            Some(pending) => pending.values.iter().any(|v| each(v.value())),
            None => self.out.event().values(field).any(each),
        }
    }

    /// Writes the constants.
    pub(super) fn settle(&mut self) {
        for pending in &self.pending {
            let field = pending.field;
            let present = self.reach.may(field) && self.out.event().get(field).is_some();
            let mut values = pending.values.iter();
            match (present, pending.weak) {
                (true, true) => continue,
                // overrules what the record said: rare, so the cost of removing does not matter
                (true, false) => values.next().into_iter().for_each(|v| self.out.event_mut().set(field, v.value())),
                (false, _) => {}
            }
            values.for_each(|v| self.out.push(field, v.value()));
        }
    }
}

/// Fields only this program writes: a record that holds them (one of ours come back, or a forgery) keeps them apart.
pub(super) fn is_reserved(name: &str) -> bool {
    matches!(name, "@timestamp" | "event.id" | "event.ingested" | "event.original") || name.starts_with("fansipan.")
}
