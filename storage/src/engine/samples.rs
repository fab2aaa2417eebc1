//! Percentiles of many numbers: exact while they are few, within 1 % beyond.

use std::collections::BTreeMap;

/// Numbers kept as they are.
const EXACT: usize = 65_536;
/// Greatest relative error beyond.
const ERROR: f64 = 0.01;

/// Numbers seen. Beyond [`EXACT`] of them only counts per logarithmic interval are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    exact: Vec<f64>,
    /// By sign and logarithm, ascending by value: (-1, -log), (0, 0), (1, log).
    intervals: BTreeMap<(i8, i32), u64>,
    counted: u64,
}

fn gamma() -> f64 {
    (1.0 + ERROR) / (1.0 - ERROR)
}

fn interval(v: f64) -> (i8, i32) {
    let log = || (v.abs().ln() / gamma().ln()).ceil() as i32;
    match v.partial_cmp(&0.0) {
        Some(std::cmp::Ordering::Less) => (-1, -log()),
        Some(std::cmp::Ordering::Greater) => (1, log()),
        _ => (0, 0),
    }
}

fn middle((sign, log): (i8, i32)) -> f64 {
    let size = |log: i32| 2.0 * gamma().powi(log) / (gamma() + 1.0);
    match sign {
        -1 => -size(-log),
        0 => 0.0,
        _ => size(log),
    }
}

impl Samples {
    /// Adds a number; how much more is now kept (numbers or intervals).
    pub(crate) fn push(&mut self, v: f64) -> usize {
        if self.intervals.is_empty() && self.exact.len() < EXACT {
            self.exact.push(v);
            return 1;
        }
        self.count_exact();
        let before = self.intervals.len();
        *self.intervals.entry(interval(v)).or_default() += 1;
        self.counted += 1;
        self.intervals.len() - before
    }

    fn count_exact(&mut self) {
        for v in std::mem::take(&mut self.exact) {
            *self.intervals.entry(interval(v)).or_default() += 1;
            self.counted += 1;
        }
    }

    /// Adds another's numbers.
    pub(crate) fn merge(&mut self, mut other: Samples) {
        if self.intervals.is_empty() && other.intervals.is_empty() && self.exact.len() + other.exact.len() <= EXACT {
            self.exact.append(&mut other.exact);
            return;
        }
        self.count_exact();
        other.count_exact();
        for (interval, n) in other.intervals {
            *self.intervals.entry(interval).or_default() += n;
        }
        self.counted += other.counted;
    }

    /// The percentile (0–100) by nearest rank. `None`: there are no numbers.
    pub(crate) fn percentile(&mut self, p: f64) -> Option<f64> {
        let n = self.exact.len() as u64 + self.counted;
        let rank = ((p / 100.0 * n as f64).ceil() as u64).clamp(1, n.max(1));
        if self.intervals.is_empty() {
            self.exact.sort_by(f64::total_cmp);
            return self.exact.get(rank as usize - 1).copied();
        }
        let mut seen = 0;
        for (&interval, &count) in &self.intervals {
            seen += count;
            if seen >= rank {
                return Some(middle(interval));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_exact_and_many_within_one_percent() {
        for n in [1u32, 2, 99, 100, 1000, 200_000] {
            let mut s = Samples::default();
            let mut half = Samples::default();
            for i in 1..=n {
                if i % 2 == 0 {
                    s.push(f64::from(i))
                } else {
                    half.push(f64::from(i))
                };
            }
            s.merge(half);
            for p in [1.0, 50.0, 95.0, 99.0, 100.0] {
                let want = (p / 100.0 * f64::from(n)).ceil().max(1.0);
                let got = s.percentile(p).unwrap();
                let off = (got - want).abs() / want;
                assert!(if n < 65_536 { off == 0.0 } else { off <= ERROR + 1e-9 }, "p{p} of {n}: {got}, not {want}");
            }
        }
        assert_eq!(Samples::default().percentile(50.0), None);
        let mut below = Samples::default();
        for i in 0..100_000 {
            below.push(f64::from(i % 3 - 1) * 50.0);
        }
        assert!((below.percentile(10.0).unwrap() + 50.0).abs() < 0.51);
        assert_eq!(below.percentile(50.0), Some(0.0));
    }
}
