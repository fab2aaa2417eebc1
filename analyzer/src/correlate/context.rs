//! What events are about, each combination kept once: most records of a group share theirs.

use fansipan_model::{Entity, Event, FieldId};
use hashbrown::HashTable;

use super::keyed::mix;
use crate::entities;

/// Longer values say nothing more.
const LONGEST: usize = 512;

/// Writes what an event is about: place in the table of naming fields, length, text.
pub(crate) fn write(event: &Event, out: &mut impl Extend<u8>, buffer: &mut String) {
    let mut left = entities::LIMIT;
    for (field, value) in event.iter_ids() {
        let Some(place) = entities::place(field) else { continue };
        buffer.clear();
        value.write_text(buffer);
        if buffer.is_empty() || buffer == "-" || left == 0 {
            continue;
        }
        left -= 1;
        let mut end = buffer.len().min(LONGEST);
        while !buffer.is_char_boundary(end) {
            end -= 1;
        }
        out.extend([place]);
        out.extend((end as u16).to_le_bytes());
        out.extend(buffer.as_bytes().iter().take(end).copied());
    }
}

/// Reads what [`write`] wrote.
pub(crate) fn read(mut bytes: &[u8], out: &mut Vec<Entity>) {
    while let Some(([place, low, high], rest)) = bytes.split_first_chunk::<3>() {
        let Some((text, rest)) = rest.split_at_checked(usize::from(u16::from_le_bytes([*low, *high]))) else { return };
        bytes = rest;
        if let (Some((field, kind)), Ok(text)) = (entities::naming(*place), std::str::from_utf8(text)) {
            let field: FieldId = field;
            out.push(Entity { kind, field: field.name().to_owned(), value: text.to_owned() });
        }
    }
}

/// Contexts by number.
#[derive(Default)]
pub(crate) struct Contexts {
    table: HashTable<u32>,
    slots: Vec<Option<Box<[u8]>>>,
    free: Vec<u32>,
    last: u32,
    /// Clean up when there are this many.
    limit: usize,
}

impl Contexts {
    /// The number of a context.
    pub(crate) fn number(&mut self, bytes: &[u8]) -> u32 {
        if self.get(self.last).is_some_and(|known| known == bytes) {
            return self.last;
        }
        let hash = mix(bytes);
        let slots = &self.slots;
        let same = |i: &u32| slots.get(*i as usize).and_then(Option::as_deref) == Some(bytes);
        if let Some(found) = self.table.find(hash, same) {
            self.last = *found;
            return *found;
        }
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.slots.push(None);
                (self.slots.len() - 1) as u32
            }
        };
        if let Some(slot) = self.slots.get_mut(place as usize) {
            *slot = Some(bytes.into());
        }
        let slots = &self.slots;
        self.table.insert_unique(hash, place, |i| slots.get(*i as usize).and_then(Option::as_deref).map_or(0, mix));
        self.last = place;
        place
    }

    /// A context by number.
    pub(crate) fn get(&self, number: u32) -> Option<&[u8]> {
        self.slots.get(number as usize).and_then(Option::as_deref)
    }

    /// Whether it is time to look which are still used.
    pub(crate) fn is_full(&self) -> bool {
        self.table.len() > self.limit.max(65_536)
    }

    /// Forgets those that are not `used`.
    pub(crate) fn keep(&mut self, used: &[bool]) {
        for (i, slot) in (0u32..).zip(self.slots.iter_mut()) {
            if used.get(i as usize) != Some(&true)
                && let Some(bytes) = slot.take()
            {
                if let Ok(found) = self.table.find_entry(mix(&bytes), |k| *k == i) {
                    found.remove();
                }
                self.free.push(i);
            }
        }
        self.limit = self.table.len() * 2;
    }

    /// How many numbers were given.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}
