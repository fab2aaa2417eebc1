//! Field names and their numbers, read by every thread for every event: looking one up takes no lock.
//!
//! A table of numbers by hash (open addressing, linear probing) beside a list of names by number. Names are only added, by one
//! thread at a time: first the name, then the number that leads to it, so whoever sees the number finds the name.

use std::{
    hash::BuildHasher as _,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// Places of the table: a power of two, more than twice as many as there are names.
const PLACES: usize = 1 << 17;

/// Which name has which number.
pub(crate) struct Names {
    /// A number + 1, or 0 where none is.
    places: Box<[AtomicU32]>,
    names: Box<[OnceLock<&'static str>]>,
    /// How many names there are.
    count: Mutex<u32>,
    hasher: foldhash::fast::RandomState,
}

impl Names {
    /// A table for at most `most` names, with the first of them.
    pub(crate) fn new(most: usize, first: impl Iterator<Item = &'static str>) -> Names {
        assert!(most * 2 < PLACES, "every search must end at an empty place");
        let table = Names {
            places: (0..PLACES).map(|_| AtomicU32::new(0)).collect(),
            names: (0..most).map(|_| OnceLock::new()).collect(),
            count: Mutex::new(0),
            hasher: foldhash::fast::RandomState::default(),
        };
        first.for_each(|name| {
            table.add(name, |_| name);
        });
        table
    }

    /// The number of a name.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.find(name).ok()
    }

    /// The name of a number.
    pub(crate) fn name(&self, number: u32) -> Option<&'static str> {
        self.names.get(number as usize)?.get().copied()
    }

    /// The number of a name, given to it now if it has none; `keep` makes the name one that stays. `None`: the table is full.
    pub(crate) fn add(&self, name: &str, keep: impl FnOnce(&str) -> &'static str) -> Option<u32> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match self.find(name) {
            Ok(number) => return Some(number),
            Err(place) => place,
        };
        let number = *count;
        self.names.get(number as usize)?.set(keep(name)).ok()?;
        place?.store(number + 1, Ordering::Release);
        *count += 1;
        Some(number)
    }

    /// The number of a name, or the empty place where it would be.
    fn find(&self, name: &str) -> Result<u32, Option<&AtomicU32>> {
        let mut at = self.hasher.hash_one(name) as usize;
        loop {
            let place = self.places.get(at % PLACES);
            match place.map_or(0, |p| p.load(Ordering::Acquire)) {
                0 => return Err(place),
                number if self.name(number - 1) == Some(name) => return Ok(number - 1),
                _ => at = at.wrapping_add(1),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    fn keep(name: &str) -> &'static str {
        Box::leak(name.to_owned().into_boxed_str())
    }

    #[test]
    fn names_keep_their_numbers_and_a_full_table_says_so() {
        let table = Names::new(1_000, ["a", "b"].into_iter());
        let numbers: Vec<_> = (0..1_100).map(|n| table.add(&format!("winlog.event_data.{n}"), keep)).collect();
        assert_eq!(numbers.iter().flatten().copied().collect::<Vec<_>>(), (2..1_000).collect::<Vec<_>>());
        assert!(numbers.iter().skip(998).all(Option::is_none));
        for n in 0..998u32 {
            let name = format!("winlog.event_data.{n}");
            assert_eq!((table.number(&name), table.name(n + 2)), (Some(n + 2), Some(name.as_str())));
            assert_eq!(table.add(&name, keep), Some(n + 2));
        }
        assert_eq!((table.number("b"), table.number("winlog.event_data.998"), table.name(1_000)), (Some(1), None, None));
    }
}
