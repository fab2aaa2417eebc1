//! Unusually much sent to the Internet: what a computer sends within an hour, against the hours it had before.

use std::sync::Arc;

use fansipan_model::{EntityKind, fields};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    generations::number,
    going::Going,
    groups::against,
    parameters::{Parameters, nanos},
    sight::signed,
};

const HOUR: i64 = 3600;
/// How much the newest hour weighs in what is usual: one part in so many.
const WEIGHT: f64 = 48.0;
/// Hours of silence that are looked at one by one.
const SILENCE: i64 = 24 * 14;
/// Flows that go on, of one computer, whose bytes so far are remembered.
const FLOWS: usize = 256;

pub(super) struct Volume(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Computer {
    hour: i64,
    bytes: u64,
    flows: u64,
    /// Hours before this one, their mean, and the mean of the squared distance from it.
    hours: u32,
    mean: f64,
    variance: f64,
    most: u64,
    going: Going,
}

impl Computer {
    /// The hour is over.
    fn close(&mut self) {
        let bytes = self.bytes as f64;
        self.hours = self.hours.saturating_add(1);
        let weight = 1.0 / f64::from(self.hours).min(WEIGHT);
        let distance = bytes - self.mean;
        self.mean += weight * distance;
        self.variance = (1.0 - weight) * (self.variance + weight * distance * distance);
        self.most = self.most.max(self.bytes);
        (self.bytes, self.flows) = (0, 0);
    }

    fn turn(&mut self, hour: i64) {
        if self.hours == 0 && self.bytes == 0 {
            self.hour = hour;
        }
        let passed = (hour - self.hour).clamp(0, SILENCE);
        (0..passed).for_each(|_| self.close());
        self.hour = self.hour.max(hour);
    }
}

impl Watcher for Volume {
    const NAME: &'static str = "volume";
    const FINDINGS: &'static [&'static str] = &["volume"];
    type State = Computer;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        if sight.dataset != "flow" || !sight.source_inside || sight.destination_inside {
            return;
        }
        let flow = number(&[&sight.text(fields::NETWORK_COMMUNITY_ID), &sight.start().to_string()]);
        let numbers = vec![signed(sight.count(fields::SOURCE_BYTES)), i64::from(sight.goes_on()), flow.cast_signed()];
        out.push(sight.fact(Self::NAME, &[&sight.source.to_string()], vec![sight.destination.to_string()], numbers));
    }

    fn take(&self, state: &mut Computer, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses) {
        let p = &self.0.volume;
        state.turn(fact.at.div_euclid(nanos(HOUR)));
        state.bytes += state.going.fresh(fact.number(2).cast_unsigned(), fact.number(1) != 0, fact.count(0), FLOWS, losses);
        state.flows += 1;
        let usual = (state.mean * p.times as f64).max(state.mean + state.variance.sqrt() * p.deviations as f64);
        let known = state.hours >= p.learning && state.bytes >= p.least && state.bytes as f64 > usual;
        if !known && state.bytes < p.always {
            return;
        }
        let threshold = if known { p.least.max(usual as u64) } else { p.always };
        let figures = vec![
            ("source.ip".to_owned(), fact.key(1).to_owned()),
            ("bytes sent this hour".to_owned(), against(state.bytes, threshold)),
            ("usual bytes an hour".to_owned(), format!("{:.0} ± {:.0}", state.mean, state.variance.sqrt())),
            ("most before".to_owned(), state.most.to_string()),
            ("hours known".to_owned(), against(state.hours, p.learning)),
            ("latest destination.ip".to_owned(), fact.word(0).to_owned()),
        ];
        let about = vec![
            (EntityKind::Address, "source.ip", fact.key(1).to_owned()),
            (EntityKind::Address, "destination.ip", fact.word(0).to_owned()),
        ];
        let (period, count) = (nanos(HOUR), state.flows);
        out.push(Finding { name: "volume", period, since: fact.at, count, figures, about, ..Finding::default() });
    }

    fn life(&self) -> i64 {
        nanos(SILENCE * HOUR)
    }

    fn weight(&self, state: &Computer) -> usize {
        1 + state.going.len()
    }
}
