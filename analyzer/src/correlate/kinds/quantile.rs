//! `value_median` and `value_percentile`: exact, between two values by linear interpolation (Hyndman and Fan 1996, type 7).

use super::Record;

fn interpolate(sorted: &[f64], percentile: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = percentile.clamp(0.0, 100.0) / 100.0 * last as f64;
    let (low, high) = (*sorted.get(rank.floor() as usize)?, *sorted.get(rank.ceil() as usize)?);
    Some(low + rank.fract() * (high - low))
}

/// Of a window.
pub(crate) fn of(window: &[Record], percentile: f64) -> Option<f64> {
    let mut values: smallvec::SmallVec<[f64; super::SMALL]> = window.iter().map(|r| f64::from_bits(r.value)).collect();
    values.sort_by(f64::total_cmp);
    interpolate(&values, percentile)
}

/// The window's values in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    sorted: Vec<f64>,
}

impl Running {
    pub(crate) fn add(&mut self, record: &Record) {
        let value = f64::from_bits(record.value);
        let place = self.sorted.partition_point(|v| v.total_cmp(&value).is_lt());
        self.sorted.insert(place, value);
    }

    pub(crate) fn remove(&mut self, record: &Record) {
        let value = f64::from_bits(record.value);
        let place = self.sorted.partition_point(|v| v.total_cmp(&value).is_lt());
        if self.sorted.get(place).is_some_and(|v| v.total_cmp(&value).is_eq()) {
            self.sorted.remove(place);
        }
    }

    pub(crate) fn value(&self, percentile: f64) -> Option<f64> {
        interpolate(&self.sorted, percentile)
    }
}
