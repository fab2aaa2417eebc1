//! One event as the plans see it: the values of the fields they use, folded once, found by slot.

use fansipan_model::{Event, FieldId, Value, fields, text};
use hashbrown::HashMap;
use smallvec::SmallVec;

/// No slot, no value.
pub(crate) const NONE: u32 = u32::MAX;

/// Place of a field among those that any plan or route uses.
pub(crate) type Slot = u32;

/// Fields → slots.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// By field number.
    by_field: Vec<Slot>,
    fields: Vec<FieldId>,
    /// Fields that are not in the registry: events made before the rules were loaded carry them by name.
    by_name: HashMap<&'static str, Slot, foldhash::fast::FixedState>,
    /// Slots of `@timestamp`, `event.id`, `event.ingested`, `event.original`, which are no entries.
    head: Vec<(FieldId, Slot)>,
}

impl Slots {
    /// The slot of a field, made on first use.
    pub(crate) fn slot(&mut self, field: FieldId) -> Slot {
        let i = field.index();
        if self.by_field.len() <= i {
            self.by_field.resize(i + 1, NONE);
        }
        match self.by_field.get_mut(i) {
            Some(slot) if *slot == NONE => {
                *slot = self.fields.len() as Slot;
                self.fields.push(field);
                *slot
            }
            Some(slot) => *slot,
            None => NONE,
        }
    }

    /// To be called when all slots are made.
    pub(crate) fn finish(&mut self) {
        const HEAD: [FieldId; 4] = [fields::TIMESTAMP, fields::EVENT_ID, fields::EVENT_INGESTED, fields::EVENT_ORIGINAL];
        for (field, slot) in self.fields.iter().zip(0..) {
            if !field.is_static() {
                self.by_name.insert(field.name(), slot);
            } else if HEAD.contains(field) {
                self.head.push((*field, slot));
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    fn of(&self, field: FieldId) -> Slot {
        self.by_field.get(field.index()).copied().unwrap_or(NONE)
    }
}

/// Memory of a view between events.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// By slot: the value seen last, [`NONE`] if there is none.
    first: Vec<u32>,
    used: Vec<Slot>,
    /// Folded texts, one after the other.
    folded: String,
    /// Text forms of values that are not text.
    printed: String,
}

impl Store {
    pub(crate) fn prepare(&mut self, slots: usize) {
        self.first.clear();
        self.first.resize(slots, NONE);
        self.used.clear();
    }
}

/// A range of a text buffer; `start == NONE`: not made yet.
#[derive(Clone, Copy, Debug)]
struct Range {
    start: u32,
    len: u32,
}

const UNMADE: Range = Range { start: NONE, len: 0 };

/// A value of a used field.
#[derive(Clone, Copy, Debug)]
struct Held<'e> {
    value: Value<'e>,
    /// The value of the same slot before it.
    next: u32,
    folded: Range,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct View<'e, 's> {
    pub(crate) event: &'e Event,
    store: &'s mut Store,
    held: SmallVec<[Held<'e>; 80]>,
}

impl<'e, 's> View<'e, 's> {
    pub(crate) fn new(event: &'e Event, slots: &Slots, store: &'s mut Store) -> Self {
        store.folded.clear();
        store.printed.clear();
        let mut view = View { event, store, held: SmallVec::new() };
        for (field, value) in event.iter_ids() {
            let slot = slots.of(field);
            if slot != NONE {
                view.put(slot, value);
            }
        }
        if !slots.by_name.is_empty() {
            for (name, value) in event.iter_named() {
                if let Some(&slot) = slots.by_name.get(name) {
                    view.put(slot, value);
                }
            }
        }
        for &(field, slot) in &slots.head {
            let head = match field {
                fields::TIMESTAMP => Some(Value::Time(event.timestamp())),
                fields::EVENT_ID => Some(Value::Uuid(event.id())),
                fields::EVENT_INGESTED => Some(Value::Time(event.ingested())),
                _ => event.original().map(Value::Str),
            };
            if let Some(value) = head {
                view.put(slot, value);
            }
        }
        view
    }

    fn put(&mut self, slot: Slot, value: Value<'e>) {
        let Some(first) = self.store.first.get_mut(slot as usize) else { return };
        if *first == NONE {
            self.store.used.push(slot);
        }
        let next = std::mem::replace(first, self.held.len() as u32);
        self.held.push(Held { value, next, folded: UNMADE });
    }

    /// Leaves the memory as the next event expects it.
    pub(crate) fn finish(self) {
        for &slot in &self.store.used {
            if let Some(first) = self.store.first.get_mut(slot as usize) {
                *first = NONE;
            }
        }
        self.store.used.clear();
    }

    /// The first value of a slot to look at, [`NONE`] if the event has none.
    pub(crate) fn first(&self, slot: Slot) -> u32 {
        self.store.first.get(slot as usize).copied().unwrap_or(NONE)
    }

    /// A value and the number of the next one of its slot.
    pub(crate) fn value(&self, number: u32) -> Option<(Value<'e>, u32)> {
        self.held.get(number as usize).map(|h| (h.value, h.next))
    }

    /// The folded text of a value and the number of the next one; `None` text for null.
    pub(crate) fn folded(&mut self, number: u32) -> (Option<&str>, u32) {
        let Some(held) = self.held.get_mut(number as usize) else { return (None, NONE) };
        let next = held.next;
        if held.folded.start == NONE {
            held.folded = match held.value {
                Value::Null => return (None, next),
                Value::Str(s) => fold(s, &mut self.store.folded),
                other => {
                    self.store.printed.clear();
                    other.write_text(&mut self.store.printed);
                    fold(&self.store.printed, &mut self.store.folded)
                }
            };
        }
        let Range { start, len } = held.folded;
        (self.store.folded.get(start as usize..(start + len) as usize), next)
    }
}

fn fold(text: &str, out: &mut String) -> Range {
    let start = out.len();
    text::fold_into(text, out);
    Range { start: start as u32, len: (out.len() - start) as u32 }
}
