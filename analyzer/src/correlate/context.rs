//! What events are about, each combination kept once: most records of a group share theirs.

use std::hash::BuildHasher as _;

use fansipan_model::{Entity, EntityKind, Event, FieldId};
use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::entities;

/// Longer values say nothing more.
const LONGEST: usize = 512;

/// Writes what an event is about: place in the table of naming fields, length, text.
pub(crate) fn write(event: &Event, out: &mut Vec<u8>, buffer: &mut String) {
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
        out.push(place);
        out.extend_from_slice(&(end as u16).to_le_bytes());
        out.extend_from_slice(buffer.as_bytes().get(..end).unwrap_or(&[]));
    }
}

/// Reads what [`write`] wrote: the entities of several contexts, sorted, each once, at most [`entities::LIMIT`].
pub(crate) fn entities<'a>(contexts: impl Iterator<Item = &'a [u8]>) -> Vec<Entity> {
    let mut all: SmallVec<[(EntityKind, FieldId, &str); 64]> = SmallVec::new();
    for mut bytes in contexts {
        while let Some(([place, low, high], rest)) = bytes.split_first_chunk::<3>() {
            let Some((text, rest)) = rest.split_at_checked(usize::from(u16::from_le_bytes([*low, *high]))) else { break };
            bytes = rest;
            if let (Some((field, kind)), Ok(text)) = (entities::naming(*place), std::str::from_utf8(text))
                && !all.contains(&(kind, field, text))
            {
                all.push((kind, field, text));
            }
        }
    }
    all.sort_unstable_by_key(|(kind, field, text)| (*kind, field.name(), *text));
    let entity = |(kind, field, text): (EntityKind, FieldId, &str)| Entity { kind, field: field.name().to_owned(), value: text.to_owned() };
    all.into_iter().take(entities::LIMIT).map(entity).collect()
}

/// Of this process only, never stored.
fn hash(bytes: &[u8]) -> u64 {
    foldhash::fast::FixedState::with_seed(0x0c0f_fee5).hash_one(bytes)
}

/// Contexts by number.
#[derive(Default)]
pub(crate) struct Contexts {
    table: HashTable<u32>,
    slots: Vec<Option<Box<[u8]>>>,
    free: Vec<u32>,
    last: u32,
    /// The event that it is the context of.
    event: Option<[u64; 2]>,
    /// Clean up when there are this many.
    limit: usize,
}

impl Contexts {
    /// The number of a context.
    pub(crate) fn number(&mut self, bytes: &[u8]) -> u32 {
        if self.get(self.last).is_some_and(|known| known == bytes) {
            return self.last;
        }
        let of = hash(bytes);
        let slots = &self.slots;
        let same = |i: &u32| slots.get(*i as usize).and_then(Option::as_deref) == Some(bytes);
        if let Some(found) = self.table.find(of, same) {
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
        self.table.insert_unique(of, place, |i| slots.get(*i as usize).and_then(Option::as_deref).map_or(0, hash));
        self.last = place;
        place
    }

    /// The number of an event's context: the records of one event share theirs.
    pub(crate) fn of(&mut self, event: [u64; 2], bytes: &[u8]) -> u32 {
        if self.event != Some(event) {
            self.number(bytes);
            self.event = Some(event);
        }
        self.last
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
                if let Ok(found) = self.table.find_entry(hash(&bytes), |k| *k == i) {
                    found.remove();
                }
                self.free.push(i);
            }
        }
        self.event = None;
        self.limit = self.table.len() * 2;
    }

    /// How many numbers were given.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}
