//! What the correlation documents of a rule set say, ready to run.

use fansipan_model::{FieldId, RuleRef, time::SECOND};
use fansipan_rules::{
    Formula, Linked, LinkedCorrelation, RuleIndex, RuleSet,
    ast::{Bound, Condition, CorrelationKind},
};
use indexmap::IndexSet;
use smallvec::SmallVec;

use super::settings::Settings;

type Candidates = SmallVec<[FieldId; 2]>;

/// How long an alert may take members in before another one opens.
const LONGEST: i64 = 24 * 3600 * SECOND;
/// Repeats of a first sighting belong to it for this long.
const SIGHTING: i64 = 3600 * SECOND;

/// One correlation.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What alerts say about it.
    pub reference: RuleRef,
    /// What it counts or orders.
    pub kind: CorrelationKind,
    /// Length of the window, nanoseconds.
    pub timespan: i64,
    /// Session windows: how far apart the records of one session may be, nanoseconds.
    pub gap: Option<i64>,
    /// Every bound must hold.
    pub bounds: Vec<(Bound, f64)>,
    /// What must hold besides, over the window's records.
    pub formula: Option<Formula>,
    /// Which percentile, 0 to 100.
    pub percentile: f64,
    /// Temporal correlations: what must hold over the rules present.
    pub expression: Option<Condition>,
    /// How many rules it is about.
    pub members: usize,
    /// Ratios of fewer records say nothing.
    pub minimum: u32,
    /// First sightings this soon after the first record are no news, nanoseconds.
    pub learning: i64,
    /// Names of the group's values, for people.
    pub labels: Vec<String>,
    /// Names of the counted fields, for people.
    pub counted: Vec<String>,
    /// Whether its alerts are told; a correlation above may speak for it.
    pub speaks: bool,
    /// Whether a correlation stands on it.
    pub stands_below: bool,
    /// Whether it stands on an absence, which is found only when every source has passed its time.
    pub above_absence: bool,
}

/// Records remembered of a busy group that is only counted.
const BUSY: usize = 4096;

impl Compiled {
    /// Whether a measured value satisfies every bound.
    pub fn holds(&self, value: f64) -> bool {
        self.bounds.iter().all(|(bound, n)| match bound {
            Bound::Gt => value > *n,
            Bound::Gte => value >= *n,
            Bound::Lt => value < *n,
            Bound::Lte => value <= *n,
            Bound::Eq => value == *n,
            Bound::Neq => value != *n,
        })
    }

    /// How much later than a younger record of its group a record may come.
    pub(crate) fn lateness(&self, settings: &Settings) -> i64 {
        if self.above_absence { settings.lateness.saturating_add(settings.hold) } else { settings.lateness }
    }

    /// How long after a firing a record still belongs to its alert.
    pub fn reach(&self) -> i64 {
        match (self.gap, self.kind) {
            (Some(gap), _) => gap,
            (None, CorrelationKind::FirstSeen) => self.timespan.min(SIGHTING),
            (None, _) => self.timespan,
        }
    }

    /// How long an alert may last before another one opens.
    pub fn longest(&self) -> i64 {
        self.timespan.max(LONGEST)
    }

    /// How many records of a group must be remembered, at most `most`. A count with lower bounds only is decided by its latest
    /// records, and some more so that late ones find their place in a busy group; a first sighting by the last one before it.
    pub(crate) fn keep(&self, most: usize) -> usize {
        let lower = self.formula.is_none() && self.bounds.iter().all(|(b, _)| matches!(b, Bound::Gt | Bound::Gte));
        let largest = self.bounds.iter().fold(0.0, |a: f64, (_, n)| a.max(*n));
        match self.kind {
            CorrelationKind::EventCount if lower => ((largest as usize).saturating_mul(4)).max(BUSY).min(most.max(largest as usize + 1)),
            CorrelationKind::FirstSeen => 256.min(most),
            _ => most,
        }
    }
}

/// How a rule's matches reach a correlation.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) correlation: u32,
    pub(crate) member: u16,
    /// What its key is made of ([`Plan::layout`]); feeds with the same number have the same key for the same event.
    pub(crate) layout: u32,
    pub(crate) values: Vec<Candidates>,
}

/// How a correlation's alerts reach the one above.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) correlation: u32,
    pub(crate) member: u16,
    /// For each of its group values the place among the group values below.
    pub(crate) places: Vec<usize>,
    /// The same for the values it counts.
    pub(crate) values: Vec<usize>,
}

/// Every correlation of a rule set.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    correlations: Vec<Compiled>,
    feeds: Vec<Vec<Feed>>,
    chains: Vec<Vec<Chain>>,
    /// What keys are made of, each once.
    layouts: IndexSet<Vec<Candidates>>,
}

impl Plan {
    /// Of a rule set.
    pub fn new(rules: &RuleSet) -> Plan {
        let linked = rules.correlations();
        let mut plan = Plan {
            correlations: linked.iter().filter_map(compile).collect(),
            feeds: vec![Vec::new(); rules.len()],
            chains: vec![Vec::new(); linked.len()],
            layouts: IndexSet::new(),
        };
        for (i, correlation) in (0u32..).zip(linked) {
            plan.connect(i, correlation, linked);
        }
        plan.mark_above_absences();
        plan
    }

    fn connect(&mut self, i: u32, correlation: &LinkedCorrelation, all: &[LinkedCorrelation]) {
        let Some(body) = correlation.correlation() else { return };
        for ((member, about), fields) in (0u16..).zip(&correlation.about).zip(&correlation.fields) {
            match about {
                Linked::Rule(RuleIndex(rule)) => {
                    let values = fields.values.clone();
                    let first = if body.kind == CorrelationKind::FirstSeen { &values[..] } else { &[] };
                    let layout = self.layouts.insert_full(fields.group.iter().chain(first).cloned().collect()).0 as u32;
                    let feed = Feed { correlation: i, member, layout, values };
                    if let Some(list) = self.feeds.get_mut(*rule as usize) {
                        list.push(feed);
                    }
                }
                Linked::Correlation(below) => {
                    let known = all.get(*below).and_then(LinkedCorrelation::correlation).map_or(&[][..], |c| &c.group_by);
                    let find =
                        |names: &[String]| -> Option<Vec<usize>> { names.iter().map(|n| known.iter().position(|k| k == n)).collect() };
                    let counted = body.condition.as_ref().map_or(&[][..], |c| &c.fields);
                    // without a common value the alerts below belong to no group above
                    if let (Some(places), Some(values), Some(list)) = (find(&fields.names), find(counted), self.chains.get_mut(*below)) {
                        list.push(Chain { correlation: i, member, places, values });
                    }
                    if let Some(below) = self.correlations.get_mut(*below) {
                        below.speaks &= body.generate;
                        below.stands_below = true;
                    }
                }
            }
        }
    }

    fn mark_above_absences(&mut self) {
        let patient = |c: &Compiled| c.kind == CorrelationKind::Absence || c.above_absence;
        loop {
            let below: Vec<usize> = (0..self.correlations.len()).filter(|i| self.correlations.get(*i).is_some_and(patient)).collect();
            let above = below.iter().flat_map(|i| self.chains.get(*i).into_iter().flatten());
            let mut grown = false;
            for chain in above {
                if let Some(c) = self.correlations.get_mut(chain.correlation as usize).filter(|c| !c.above_absence) {
                    c.above_absence = true;
                    grown = true;
                }
            }
            if !grown {
                return;
            }
        }
    }

    /// All of them, in the order of the rule set.
    pub fn correlations(&self) -> &[Compiled] {
        &self.correlations
    }

    pub(crate) fn get(&self, correlation: u32) -> Option<&Compiled> {
        self.correlations.get(correlation as usize)
    }

    pub(crate) fn feeds(&self, rule: RuleIndex) -> &[Feed] {
        self.feeds.get(rule.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// The fields of a key, after the agency.
    pub(crate) fn layout(&self, number: u32) -> &[Candidates] {
        self.layouts.get_index(number as usize).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn chains(&self, correlation: u32) -> &[Chain] {
        self.chains.get(correlation as usize).map_or(&[], Vec::as_slice)
    }
}

fn compile(linked: &LinkedCorrelation) -> Option<Compiled> {
    let body = linked.correlation()?;
    let threshold = body.condition.clone().unwrap_or_default();
    let first = linked.fields.first();
    let label = |(i, name): (usize, &String)| {
        let known = first.and_then(|f| f.group.get(i)).and_then(|c| c.first());
        known.map_or_else(|| name.clone(), |field| field.name().to_owned())
    };
    Some(Compiled {
        reference: linked.rule.meta.reference(&linked.rule.hash),
        kind: body.kind,
        timespan: body.timespan,
        gap: body.gap,
        bounds: threshold.bounds,
        formula: threshold.formula,
        percentile: threshold.percentile.unwrap_or(50.0).clamp(0.0, 100.0),
        expression: body.expression.clone(),
        members: linked.about.len(),
        minimum: body.minimum,
        learning: body.learning,
        labels: body.group_by.iter().enumerate().map(label).collect(),
        counted: threshold.fields,
        speaks: true,
        stands_below: false,
        above_absence: false,
    })
}
