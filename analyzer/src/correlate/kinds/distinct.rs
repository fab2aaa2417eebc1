//! `value_count`: how many distinct values. Exact up to a bound, then a HyperLogLog over a sliding window
//! (Chabchoub and Hébrail 2010): each register keeps the records that may still become its maximum, so that any younger window
//! can be read off. 4,096 registers: standard error 1.04/√4096 = 1.6 %.

use hashbrown::HashMap;

use super::Record;
use crate::correlate::snapshot::{Reader, SnapshotError};

/// Registers of a sketch.
const REGISTERS: usize = 4096;
/// Bits that choose a register.
const CHOICE: u32 = 12;
/// Standard error of a sketch, thousandths; what alerts say.
pub(crate) const ERROR: u32 = 16;

/// Of a window.
pub(crate) fn of(window: &[Record]) -> f64 {
    let mut values: smallvec::SmallVec<[u64; super::SMALL]> = window.iter().map(|r| r.value).collect();
    values.sort_unstable();
    values.dedup();
    values.len() as f64
}

/// The values of a window.
pub(crate) enum Running {
    Exact(HashMap<u64, u32, foldhash::fast::FixedState>, usize),
    Sketch(Box<Sketch>),
}

impl Running {
    pub(crate) fn new(exact: usize) -> Self {
        Running::Exact(HashMap::default(), exact)
    }

    pub(crate) fn add(&mut self, record: &Record) {
        match self {
            Running::Exact(counts, _) => *counts.entry(record.value).or_insert(0) += 1,
            Running::Sketch(sketch) => {
                sketch.since += 1;
                sketch.add(record.value, record.at);
            }
        }
    }

    pub(crate) fn remove(&mut self, record: &Record) {
        if let Running::Exact(counts, _) = self
            && let Some(count) = counts.get_mut(&record.value)
        {
            *count -= 1;
            if *count == 0 {
                counts.remove(&record.value);
            }
        }
    }

    /// Whether there are more values than are counted exactly.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Running::Exact(counts, exact) if counts.len() > *exact)
    }

    /// From now on by sketch.
    pub(crate) fn switch_to_sketch(&mut self, window: &[Record]) {
        let mut sketch = Box::<Sketch>::default();
        window.iter().for_each(|r| sketch.add(r.value, r.at));
        *self = Running::Sketch(sketch);
    }

    pub(crate) fn is_estimate(&self) -> bool {
        matches!(self, Running::Sketch(_))
    }

    /// Distinct values since `start`.
    pub(crate) fn value(&mut self, start: i64) -> f64 {
        match self {
            Running::Exact(counts, _) => counts.len() as f64,
            Running::Sketch(sketch) => {
                if sketch.since >= READ_EVERY {
                    sketch.since = 0;
                    sketch.known = sketch.value(start);
                }
                sketch.known
            }
        }
    }
}

/// See the module.
pub(crate) struct Sketch {
    /// For each register records as (time, rank): time rising, rank falling.
    registers: Vec<Vec<(i64, u8)>>,
    /// Records since the value was read off, and that value.
    since: u32,
    known: f64,
}

/// The value is read off again after so many records: an estimate does not change faster.
const READ_EVERY: u32 = 128;

impl Default for Sketch {
    fn default() -> Self {
        Self { registers: vec![Vec::new(); REGISTERS], since: READ_EVERY, known: 0.0 }
    }
}

impl Sketch {
    /// For [`super::super::snapshot`].
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.since.to_le_bytes());
        out.extend_from_slice(&self.known.to_bits().to_le_bytes());
        for register in &self.registers {
            out.extend_from_slice(&(register.len() as u32).to_le_bytes());
            for (at, rank) in register {
                out.extend_from_slice(&at.to_le_bytes());
                out.push(*rank);
            }
        }
    }

    /// What [`Sketch::write`] wrote.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, SnapshotError> {
        let mut sketch = Self { since: r.number()?, known: f64::from_bits(r.word()?), ..Self::default() };
        for register in &mut sketch.registers {
            let n = r.count()?;
            *register = (0..n).map(|_| Ok((r.int()?, r.byte()?))).collect::<Result<_, SnapshotError>>()?;
        }
        Ok(sketch)
    }

    fn add(&mut self, hash: u64, at: i64) {
        let rank = ((hash << CHOICE) | (1 << (CHOICE - 1))).leading_zeros() as u8 + 1;
        let Some(register) = self.registers.get_mut((hash >> (64 - CHOICE)) as usize) else { return };
        // one that is younger and ranks as high makes this one useless, and this one those that are older and rank no higher
        let place = register.partition_point(|(t, _)| *t <= at);
        if register.get(place..).is_some_and(|younger| younger.iter().any(|(_, r)| *r >= rank)) {
            return;
        }
        let first = register.get(..place).map_or(place, |older| older.partition_point(|(_, r)| *r > rank));
        register.splice(first..place, [(at, rank)]);
    }

    fn value(&self, start: i64) -> f64 {
        let mut sum = 0.0;
        let mut empty = 0u32;
        for register in &self.registers {
            let first = register.partition_point(|(t, _)| *t < start);
            match register.get(first) {
                Some((_, rank)) => sum += 1.0 / f64::from(1u32 << u32::from(*rank).min(31)),
                None => {
                    sum += 1.0;
                    empty += 1;
                }
            }
        }
        let m = REGISTERS as f64;
        let estimate = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        if estimate <= 2.5 * m && empty > 0 { (m * (m / f64::from(empty)).ln()).round() } else { estimate.round() }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::keyed::mix, *};

    #[test]
    fn a_sketch_of_a_sliding_window_is_within_its_error() {
        let mut sketch = Sketch::default();
        for i in 0..200_000u64 {
            sketch.add(mix(&i.to_le_bytes()), i as i64);
        }
        for start in [0, 50_000, 150_000, 190_000, 199_000] {
            let truth = 200_000.0 - start as f64;
            let error = (sketch.value(start) - truth).abs() / truth;
            assert!(error < 3.0 * f64::from(ERROR) / 1000.0, "since {start}: {} for {truth}", sketch.value(start));
        }
    }

    #[test]
    fn disorder_does_not_change_a_sketch() {
        let records: Vec<(u64, i64)> = (0..5_000u64).map(|i| (mix(&(i % 700).to_le_bytes()), (i * 7919 % 5_000) as i64)).collect();
        let mut sorted = records.clone();
        sorted.sort_by_key(|r| r.1);
        let (mut a, mut b) = (Sketch::default(), Sketch::default());
        records.iter().for_each(|(h, t)| a.add(*h, *t));
        sorted.iter().for_each(|(h, t)| b.add(*h, *t));
        for start in [0, 1_000, 4_990] {
            assert_eq!(a.value(start), b.value(start));
        }
    }
}
