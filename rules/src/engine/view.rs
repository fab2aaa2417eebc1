//! One event as the plans see it: the values of the fields they use, folded once, found by slot.

use fansipan_model::{Event, FieldId, Value, fields, predicate, text};
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
    /// By field number: whether keywords look at it.
    in_any: Vec<bool>,
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
        self.in_any = (0..FieldId::STATIC_COUNT).map(|i| FieldId::from_static(i).is_some_and(|f| predicate::in_any(f.name()))).collect();
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

    fn in_any(&self, field: FieldId) -> bool {
        self.in_any.get(field.index()).copied().unwrap_or_else(|| predicate::in_any(field.name()))
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
    /// Every value that keywords look at, each followed by [`BETWEEN`]; made when first asked for.
    joined: Vec<u8>,
    /// The same, folded.
    joined_folded: Vec<u8>,
}

impl Store {
    pub(crate) fn prepare(&mut self, slots: usize) {
        self.first.clear();
        self.first.resize(slots, NONE);
        self.used.clear();
    }
}

/// A byte that is in no UTF-8 text, so that nothing is found across two values.
const BETWEEN: u8 = 0xff;

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
    /// Whether keywords look at it.
    keywords: bool,
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
        store.joined.clear();
        store.joined_folded.clear();
        let mut view = View { event, store, held: SmallVec::new() };
        for (field, value) in event.iter_ids() {
            view.put(slots.of(field), value, slots.in_any(field));
        }
        for (name, value) in event.iter_named() {
            view.put(slots.by_name.get(name).copied().unwrap_or(NONE), value, predicate::in_any(name));
        }
        for &(field, slot) in &slots.head {
            let head = match field {
                fields::TIMESTAMP => Some(Value::Time(event.timestamp())),
                fields::EVENT_ID => Some(Value::Uuid(event.id())),
                fields::EVENT_INGESTED => Some(Value::Time(event.ingested())),
                _ => event.original().map(Value::Str),
            };
            if let Some(value) = head {
                view.put(slot, value, false);
            }
        }
        view
    }

    #[inline]
    fn put(&mut self, slot: Slot, value: Value<'e>, keywords: bool) {
        let mut next = NONE;
        if let Some(first) = self.store.first.get_mut(slot as usize) {
            if *first == NONE {
                self.store.used.push(slot);
            }
            next = std::mem::replace(first, self.held.len() as u32);
        } else if !keywords {
            return;
        }
        self.held.push(Held { value, next, keywords, folded: UNMADE });
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

    /// Number of values.
    pub(crate) fn len(&self) -> u32 {
        self.held.len() as u32
    }

    /// A value, if keywords look at it.
    pub(crate) fn for_keywords(&self, number: u32) -> Option<Value<'e>> {
        self.held.get(number as usize).filter(|h| h.keywords).map(|h| h.value)
    }

    /// Every value that keywords look at in one text: ASCII ones as they are, others folded, none reaching into the next.
    pub(crate) fn joined(&mut self) -> &[u8] {
        if self.store.joined.is_empty() {
            for number in 0..self.len() {
                match self.for_keywords(number) {
                    None | Some(Value::Null) => continue,
                    Some(Value::Str(text)) if text.is_ascii() => self.store.joined.extend_from_slice(text.as_bytes()),
                    Some(_) => {
                        self.folded(number);
                        if let Some(Held { folded: Range { start, len }, .. }) = self.held.get(number as usize) {
                            let folded = self.store.folded.as_bytes().get(*start as usize..(start + len) as usize);
                            self.store.joined.extend_from_slice(folded.unwrap_or_default());
                        }
                    }
                }
                self.store.joined.push(BETWEEN);
            }
        }
        &self.store.joined
    }

    /// [`Self::joined`], folded.
    pub(crate) fn joined_folded(&mut self) -> &[u8] {
        if self.store.joined_folded.is_empty() {
            self.joined();
            // whatever is not ASCII has been folded already
            self.store.joined_folded.extend(self.store.joined.iter().map(u8::to_ascii_lowercase));
        }
        &self.store.joined_folded
    }

    /// The first value of a slot to look at, [`NONE`] if the event has none.
    pub(crate) fn first(&self, slot: Slot) -> u32 {
        self.store.first.get(slot as usize).copied().unwrap_or(NONE)
    }

    /// A value and the number of the next one of its slot.
    pub(crate) fn value(&self, number: u32) -> Option<(Value<'e>, u32)> {
        self.held.get(number as usize).map(|h| (h.value, h.next))
    }

    /// What `test` says of the folded texts of two values, and the number after the second; `false` if one is null.
    pub(crate) fn both(&mut self, one: u32, two: u32, test: impl FnOnce(&str, &str) -> bool) -> (bool, u32) {
        let next = self.folded(two).1;
        self.folded(one);
        let text = |number: u32| {
            let Range { start, len } = self.held.get(number as usize)?.folded;
            if start == NONE { None } else { self.store.folded.get(start as usize..(start + len) as usize) }
        };
        (text(one).zip(text(two)).is_some_and(|(one, two)| test(one, two)), next)
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

/// As [`text::fold_into`], but quick with texts that are mostly ASCII.
fn fold(text: &str, out: &mut String) -> Range {
    let start = out.len();
    let mut rest = text;
    if text.is_ascii() {
        text::fold_into(text, out);
        rest = "";
    }
    while !rest.is_empty() {
        let plain = rest.bytes().position(|b| !b.is_ascii()).unwrap_or(rest.len());
        let (ascii, other) = rest.split_at_checked(plain).unwrap_or((rest, ""));
        text::fold_into(ascii, out);
        let mut chars = other.chars();
        out.extend(chars.by_ref().next().into_iter().flat_map(char::to_lowercase));
        rest = chars.as_str();
    }
    Range { start: start as u32, len: (out.len() - start) as u32 }
}
