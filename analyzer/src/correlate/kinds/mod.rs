//! What each kind of correlation measures in a window: a file each, one line in [`measure`] and one in [`Running::new`].
//!
//! Small windows are measured as they are. Larger ones carry a [`Running`] measure, so that a record costs the same however
//! many are in the window.

use fansipan_model::time::SECOND;
use fansipan_rules::{ast::CorrelationKind as Kind, formula::Window};
use smallvec::SmallVec;

use super::{keyed::Record, plan::Compiled};

mod count;
pub(crate) mod distinct;
mod first_seen;
mod numeric;
mod quantile;
mod ratio;
mod temporal;

/// Windows up to this many records are measured as they are.
pub(crate) const SMALL: usize = 24;

/// What a window measures. `None`: nothing to compare, or a condition over rules that does not hold.
pub(crate) fn measure(plan: &Compiled, window: &[Record]) -> Option<f64> {
    match plan.kind {
        Kind::EventCount => Some(count::of(window)),
        Kind::ValueCount => Some(distinct::of(window)),
        Kind::ValueSum => Some(numeric::sum(window)),
        Kind::ValueAverage => numeric::average(window),
        Kind::ValueMedian => quantile::of(window, 50.0),
        Kind::ValuePercentile => quantile::of(window, plan.percentile),
        Kind::Temporal => temporal::Present::of(window).value(plan),
        Kind::TemporalOrdered => temporal::Chain::of(window).value(plan, window.first().map_or(i64::MIN, |r| r.at)),
        Kind::Ratio => ratio::of(window, plan),
        Kind::FirstSeen => Some(first_seen::of(window)),
        Kind::Absence => None, // decided by the watermark, not by a record
    }
}

/// Whether a measured window fires.
pub(crate) fn fires(plan: &Compiled, value: f64, window: &[Record]) -> bool {
    let measured = match plan.kind {
        Kind::FirstSeen => value == 1.0,
        Kind::Temporal if plan.expression.is_some() => true,
        Kind::Temporal | Kind::TemporalOrdered if plan.bounds.is_empty() => value >= plan.members as f64,
        _ => plan.holds(value),
    };
    measured && plan.formula.as_ref().is_none_or(|formula| formula.holds(&contents(plan, value, window, &mut SmallVec::new())))
}

/// What a formula may ask of a window.
fn contents<'a>(plan: &Compiled, value: f64, window: &[Record], records: &'a mut SmallVec<[u64; 8]>) -> Window<'a> {
    records.resize(plan.members, 0);
    for record in window {
        if let Some(n) = records.get_mut(usize::from(record.member)) {
            *n += 1;
        }
    }
    let seconds = window.first().zip(window.last()).map_or(0.0, |(first, last)| (last.at - first.at) as f64 / SECOND as f64);
    Window { value, seconds, records }
}

/// A measure that follows a large window record by record.
pub(crate) enum Running {
    Distinct(distinct::Running),
    Numeric(numeric::Running),
    Quantile(quantile::Running),
    Present(temporal::Present),
    Chain(temporal::Chain),
    Ratio(ratio::Running),
}

impl Running {
    /// Over a window; `None` for kinds that need none. `exact`: distinct values above which a sketch counts.
    pub(crate) fn new(plan: &Compiled, window: &[Record], exact: usize) -> Option<Running> {
        let mut running = match plan.kind {
            Kind::EventCount | Kind::FirstSeen | Kind::Absence => return None,
            Kind::ValueCount => Running::Distinct(distinct::Running::new(exact)),
            Kind::ValueSum | Kind::ValueAverage => Running::Numeric(numeric::Running::default()),
            Kind::ValueMedian | Kind::ValuePercentile => Running::Quantile(quantile::Running::default()),
            Kind::Temporal => Running::Present(temporal::Present::default()),
            Kind::TemporalOrdered => Running::Chain(temporal::Chain::default()),
            Kind::Ratio => Running::Ratio(ratio::Running::default()),
        };
        window.iter().for_each(|r| running.add(r));
        Some(running)
    }

    /// A record enters the window.
    pub(crate) fn add(&mut self, record: &Record) {
        match self {
            Running::Distinct(r) => r.add(record),
            Running::Numeric(r) => r.add(record),
            Running::Quantile(r) => r.add(record),
            Running::Present(r) => r.add(record),
            Running::Chain(r) => r.add(record),
            Running::Ratio(r) => r.add(record),
        }
    }

    /// The oldest record leaves the window.
    pub(crate) fn remove(&mut self, record: &Record) {
        match self {
            Running::Distinct(r) => r.remove(record),
            Running::Numeric(r) => r.remove(record),
            Running::Quantile(r) => r.remove(record),
            Running::Present(r) => r.remove(record),
            Running::Chain(_) => {} // a chain that began before the window is told by its beginning
            Running::Ratio(r) => r.remove(record),
        }
    }

    /// See [`measure`]; `start`: when the window begins, also where its first records are no longer remembered.
    pub(crate) fn value(&mut self, plan: &Compiled, start: i64, window: &[Record]) -> Option<f64> {
        match self {
            Running::Distinct(r) => {
                if r.is_over() {
                    r.switch_to_sketch(window);
                }
                Some(r.value(start))
            }
            Running::Numeric(r) if plan.kind == Kind::ValueSum => Some(r.sum()),
            Running::Numeric(r) => r.average(),
            Running::Quantile(r) => r.value(plan.percentile_of_kind()),
            Running::Present(r) => r.value(plan),
            Running::Chain(r) => r.value(plan, start),
            Running::Ratio(r) => r.value(plan),
        }
    }

    /// Whether the value is an estimate.
    pub(crate) fn is_estimate(&self) -> bool {
        matches!(self, Running::Distinct(r) if r.is_estimate())
    }
}

impl Compiled {
    fn percentile_of_kind(&self) -> f64 {
        if self.kind == Kind::ValueMedian { 50.0 } else { self.percentile }
    }
}
