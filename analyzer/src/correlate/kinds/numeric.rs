//! `value_sum` and `value_avg`.

use super::Record;

/// Sum of a window.
pub(crate) fn sum(window: &[Record]) -> f64 {
    window.iter().map(|r| f64::from_bits(r.value)).sum()
}

/// Average of a window.
pub(crate) fn average(window: &[Record]) -> Option<f64> {
    (!window.is_empty()).then(|| sum(window) / window.len() as f64)
}

/// A running sum whose rounding does not grow: the error of each addition is carried along (Neumaier 1974).
#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    sum: f64,
    lost: f64,
    count: u64,
}

impl Running {
    fn take(&mut self, x: f64) {
        let sum = self.sum + x;
        self.lost += if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    pub(crate) fn add(&mut self, record: &Record) {
        self.take(f64::from_bits(record.value));
        self.count += 1;
    }

    pub(crate) fn remove(&mut self, record: &Record) {
        self.take(-f64::from_bits(record.value));
        self.count -= 1;
    }

    pub(crate) fn sum(&self) -> f64 {
        self.sum + self.lost
    }

    pub(crate) fn average(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum() / self.count as f64)
    }
}
