//! One event as the plans see it: the values of the fields they use, found by slot, folded when first asked for.
//!
//! Made for every event, so made without branches: each entry is noted under its field's slot, those of unused fields under a
//! slot that nobody asks for. What older events left is told apart by its number and never cleared.

use fansipan_model::{Event, FieldId, Value, fields, predicate, text};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::scan::{may_end, note_end};

/// No slot, no value.
pub(crate) const NONE: u32 = u32::MAX;

/// Place of a field among those that any plan or route uses.
pub(crate) type Slot = u32;

/// Fields → slots.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// By field number; [`Slots::unused`] for fields that nobody asks for.
    by_field: Vec<Slot>,
    fields: Vec<FieldId>,
    /// Fields that are not in the registry: events made before the rules were loaded carry them by name.
    by_name: HashMap<&'static str, Slot, foldhash::fast::FixedState>,
    /// Which lengths and last bytes the names have, as bits.
    name_ends: Vec<u64>,
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
        let unused = self.unused();
        self.by_field.iter_mut().filter(|slot| **slot == NONE).for_each(|slot| *slot = unused);
        const HEAD: [FieldId; 4] = [fields::TIMESTAMP, fields::EVENT_ID, fields::EVENT_INGESTED, fields::EVENT_ORIGINAL];
        for (field, slot) in self.fields.iter().zip(0..) {
            if !field.is_static() {
                note_end(&mut self.name_ends, field.name().as_bytes());
                self.by_name.insert(field.name(), slot);
            } else if HEAD.contains(field) {
                self.head.push((*field, slot));
            }
        }
    }

    /// Slots, the unused one included.
    pub(crate) fn len(&self) -> usize {
        self.fields.len() + 1
    }

    /// The slot of all fields that nobody asks for.
    fn unused(&self) -> Slot {
        self.fields.len() as Slot
    }

    #[inline]
    fn of(&self, field: FieldId) -> Slot {
        self.by_field.get(field.index()).copied().unwrap_or(self.unused())
    }

    fn named(&self, name: &str) -> Slot {
        if !may_end(&self.name_ends, name.as_bytes()) {
            return self.unused();
        }
        self.by_name.get(name).copied().unwrap_or(self.unused())
    }
}

/// Memory of a view between events.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// By slot: `base` + the number of the value seen last. Smaller than `base`: left by an older event.
    first: Vec<u32>,
    /// By number: what `first` was before.
    next: Vec<u32>,
    base: u32,
    /// By number: where its folded text stands.
    ranges: Vec<Range>,
    /// Folded texts, one after the other.
    folded: String,
    /// Text forms of values that are not text.
    printed: String,
    /// The values that keywords look at, each followed by [`BETWEEN`]; made when first asked for.
    joined: Vec<u8>,
    /// Shorter ones are left out of `joined`; 0 if none is.
    joined_from: usize,
    /// Whether ASCII letters in it are folded too.
    joined_is_folded: bool,
}

/// Numbers kept free above `base`, so that those of one event never wrap.
const HEADROOM: u32 = 1 << 30;

impl Store {
    pub(crate) fn prepare(&mut self, slots: usize) {
        self.first.clear();
        self.first.resize(slots, 0);
        self.base = 1;
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

/// See the module. Values have numbers: entries by their place in the event, the head's after them.
#[derive(Debug)]
pub(crate) struct View<'e, 's> {
    pub(crate) event: &'e Event,
    store: &'s mut Store,
    entries: usize,
    head: SmallVec<[Value<'e>; 4]>,
    /// Whether all texts of the event are ASCII.
    ascii: bool,
}

impl<'e, 's> View<'e, 's> {
    pub(crate) fn new(event: &'e Event, slots: &'s Slots, store: &'s mut Store) -> Self {
        store.folded.clear();
        store.joined.clear();
        store.next.clear();
        store.ranges.clear();
        if store.base > u32::MAX - HEADROOM {
            store.prepare(slots.len());
        }
        let Store { first, next, base, .. } = &mut *store;
        let mut number = *base;
        next.extend(event.entry_fields().enumerate().map(|(place, field)| {
            let slot = match field {
                Some(field) => slots.of(field),
                None => slots.named(event.entry_key(place)),
            };
            let before = first.get_mut(slot as usize).map_or(0, |first| std::mem::replace(first, number));
            number = number.wrapping_add(1);
            before
        }));
        let entries = next.len();
        // first of all, since one pass from end to end brings the texts into the cache, while values are read in no order
        let ascii = event.texts().is_ascii();
        let mut view = View { event, store, entries, head: SmallVec::new(), ascii };
        for &(field, slot) in &slots.head {
            let head = match field {
                fields::TIMESTAMP => Some(Value::Time(event.timestamp())),
                fields::EVENT_ID => Some(Value::Uuid(event.id())),
                fields::EVENT_INGESTED => Some(Value::Time(event.ingested())),
                _ => event.original().map(Value::Str),
            };
            let Some(value) = head else { continue };
            let number = view.store.base.wrapping_add(view.len());
            let before = view.store.first.get_mut(slot as usize).map_or(0, |first| std::mem::replace(first, number));
            view.store.next.push(before);
            view.head.push(value);
        }
        view
    }

    /// Leaves the memory as the next event expects it.
    pub(crate) fn finish(self) {
        self.store.base = self.store.base.saturating_add(self.len());
    }

    /// Number of values.
    pub(crate) fn len(&self) -> u32 {
        (self.entries + self.head.len()) as u32
    }

    #[inline]
    fn get(&self, number: u32) -> Option<Value<'e>> {
        self.event.entry_value(number as usize).or_else(|| self.head.get((number as usize).wrapping_sub(self.entries)).copied())
    }

    /// Whether keywords look at a value.
    #[inline]
    pub(crate) fn for_keywords(&self, number: u32) -> bool {
        let place = number as usize;
        place < self.entries && !self.is_null(number) && predicate::entry_in_any(self.event, place)
    }

    /// All texts of the event where they lie, and more (names, the record itself); `None` if any of it is not ASCII.
    #[inline]
    pub(crate) fn unsorted(&self) -> Option<&'e [u8]> {
        self.ascii.then_some(self.event.texts().as_bytes())
    }

    /// Whether a text of the event is ASCII.
    #[inline]
    pub(crate) fn is_ascii(&self, text: &str) -> bool {
        self.ascii || text.is_ascii()
    }

    /// As [`View::joined`], all of it folded.
    pub(crate) fn joined_folded(&mut self, shortest: usize) -> &[u8] {
        self.joined(shortest);
        if !self.store.joined_is_folded {
            self.store.joined_is_folded = true;
            self.store.joined.make_ascii_lowercase();
        }
        &self.store.joined
    }

    /// The values that keywords look at in one text, ASCII ones as they are, others folded, none reaching into the next. Those
    /// with fewer than `shortest` bytes may be left out; the bytes of letters beyond ASCII may change when folded, so such stay.
    pub(crate) fn joined(&mut self, shortest: usize) -> &[u8] {
        if self.store.joined.is_empty() || self.store.joined_from > shortest {
            self.store.joined.clear();
            self.store.joined_from = shortest;
            self.store.joined_is_folded = false;
            for number in 0..self.entries as u32 {
                let text = self.text(number);
                if text.is_some_and(|t| t.len() < shortest && self.is_ascii(t)) || !self.for_keywords(number) {
                    continue;
                }
                match text {
                    Some(text) if self.is_ascii(text) => self.store.joined.extend_from_slice(text.as_bytes()),
                    _ => {
                        self.folded(number);
                        if let Some(Range { start, len }) = self.store.ranges.get(number as usize) {
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

    /// The first value of a slot to look at, [`NONE`] if the event has none.
    #[inline]
    pub(crate) fn first(&self, slot: Slot) -> u32 {
        self.number(self.store.first.get(slot as usize).copied().unwrap_or(0))
    }

    /// [`NONE`] for what an older event left.
    #[inline]
    fn number(&self, noted: u32) -> u32 {
        if noted >= self.store.base { noted - self.store.base } else { NONE }
    }

    /// The text of a value, if it is text.
    #[inline(always)]
    pub(crate) fn text(&self, number: u32) -> Option<&'e str> {
        let place = number as usize;
        if place < self.entries { self.event.entry_text(place) } else { self.get(number).and_then(Value::as_str) }
    }

    /// Whether a value is there and null.
    #[inline]
    pub(crate) fn is_null(&self, number: u32) -> bool {
        self.event.entry_is_null(number as usize)
    }

    /// The number of the next value of the same slot, [`NONE`] after the last.
    #[inline]
    pub(crate) fn next(&self, number: u32) -> u32 {
        self.number(self.store.next.get(number as usize).copied().unwrap_or(0))
    }

    /// A value.
    pub(crate) fn value(&self, number: u32) -> Option<Value<'e>> {
        self.get(number)
    }

    /// What `test` says of the folded texts of two values; `false` if one is null.
    pub(crate) fn both(&mut self, one: u32, two: u32, test: impl FnOnce(&str, &str) -> bool) -> bool {
        self.folded(two);
        self.folded(one);
        let text = |number: u32| {
            let &Range { start, len } = self.store.ranges.get(number as usize)?;
            if start == NONE { None } else { self.store.folded.get(start as usize..(start + len) as usize) }
        };
        text(one).zip(text(two)).is_some_and(|(one, two)| test(one, two))
    }

    /// The folded text of a value; `None` for null.
    pub(crate) fn folded(&mut self, number: u32) -> Option<&str> {
        if self.store.ranges.is_empty() {
            self.store.ranges.resize(self.len() as usize, UNMADE);
        }
        let known = *self.store.ranges.get(number as usize)?;
        let range = if known.start == NONE { self.fold(number)? } else { known };
        self.store.folded.get(range.start as usize..(range.start + range.len) as usize)
    }

    #[inline(never)]
    fn fold(&mut self, number: u32) -> Option<Range> {
        let range = match self.text(number) {
            Some(text) => fold(text, &mut self.store.folded),
            None => {
                let value = self.get(number).filter(|v| *v != Value::Null)?;
                let Store { folded, printed, .. } = &mut *self.store;
                printed.clear();
                value.write_text(printed);
                fold(printed, folded)
            }
        };
        if let Some(place) = self.store.ranges.get_mut(number as usize) {
            *place = range;
        }
        Some(range)
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
