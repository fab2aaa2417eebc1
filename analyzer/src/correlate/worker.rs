//! The state of the groups that come to one worker.

use std::sync::Arc;

use fansipan_model::{Alert, AlertId};

use super::{
    alert,
    context::Contexts,
    fold::Effect,
    group::Group,
    keyed::{Keyed, Record, Routed, mix, put_text, texts},
    plan::Plan,
    settings::{Losses, Settings},
    tracker::{Found, Tracker},
};
use crate::grouping::Signal;

/// Holds groups; a pure state machine.
pub struct Worker {
    pub(crate) plan: Arc<Plan>,
    pub(crate) settings: Settings,
    pub(crate) trackers: Vec<Tracker>,
    pub(crate) contexts: Contexts,
    /// What is to be told, by correlation.
    alerts: Vec<(u32, Alert)>,
    gone: Vec<(AlertId, Option<AlertId>)>,
    pub(crate) mark: i64,
    pub(crate) now: i64,
}

impl Worker {
    /// For a plan.
    pub fn new(plan: Arc<Plan>, settings: Settings) -> Self {
        let trackers = plan.correlations().iter().map(|_| Tracker::default()).collect();
        let contexts = Contexts::default();
        Self { plan, settings, trackers, contexts, alerts: Vec::new(), gone: Vec::new(), mark: i64::MIN, now: i64::MIN }
    }

    /// Groups alive, of all correlations.
    pub fn groups(&self) -> usize {
        self.trackers.iter().map(Tracker::len).sum()
    }

    /// What the bounds cost so far.
    pub fn losses(&self) -> Losses {
        let mut all = Losses::default();
        self.trackers.iter().for_each(|t| all += t.losses);
        all
    }

    /// What the bounds cost so far, by rule id; those that lost nothing are left out.
    pub fn losses_by_rule(&self) -> Vec<(String, Losses)> {
        let both = self.plan.correlations().iter().zip(&self.trackers);
        both.filter(|(_, t)| t.losses != Losses::default()).map(|(c, t)| (c.reference.id.clone(), t.losses)).collect()
    }

    /// Takes a record in; records of correlations above are appended to `above`.
    pub fn take(&mut self, routed: Routed<'_>, above: &mut Vec<Keyed>) {
        let Self { plan, settings, trackers, contexts, alerts, .. } = self;
        let Some((compiled, tracker)) = plan.get(routed.correlation).zip(trackers.get_mut(routed.correlation as usize)) else { return };
        self.now = self.now.max(routed.now);
        self.mark = self.mark.max(routed.mark);
        let record = Record { context: contexts.of(routed.record.id, routed.context), ..routed.record };
        let mut found = Vec::new();
        let mut tell = |group: &mut Group| {
            told(group, contexts, |a| alerts.push((routed.correlation, a)), compiled);
        };
        tracker.take(&routed, record, compiled, settings, &mut found, &mut tell);
        if !found.is_empty() {
            self.effects(routed.correlation, found, above);
        }
        if self.trackers.get(routed.correlation as usize).is_some_and(|t| t.is_full(&self.settings)) {
            self.collect(routed.correlation as usize);
            self.sweep(routed.correlation as usize);
        }
    }

    /// The watermark has come this far; the latest event was ingested at `now`. Call [`Worker::catch_up`] before: what came
    /// late until now was not too late.
    pub fn advance(&mut self, mark: i64, now: i64, above: &mut Vec<Keyed>) {
        if mark <= self.mark && now <= self.now {
            return;
        }
        self.mark = self.mark.max(mark);
        self.now = self.now.max(now);
        for i in 0..self.trackers.len() {
            let mut found = Vec::new();
            if let Some((tracker, compiled)) = self.trackers.get_mut(i).zip(self.plan.correlations().get(i)) {
                tracker.advance(self.mark, compiled, &self.settings, self.now, &mut found);
            }
            self.effects(i as u32, found, above);
        }
    }

    /// Looks again where records came late. Call until nothing is appended to `above`, then [`Worker::tell`].
    pub fn catch_up(&mut self, above: &mut Vec<Keyed>) {
        for i in 0..self.trackers.len() {
            let mut found = Vec::new();
            if let Some((tracker, compiled)) = self.trackers.get_mut(i).zip(self.plan.correlations().get(i)) {
                tracker.refold(compiled, &self.settings, self.now, &mut found);
            }
            self.effects(i as u32, found, above);
        }
    }

    /// Appends what changed since the last call, in an order that depends on nothing but what changed.
    pub fn tell(&mut self, out: &mut Vec<Signal>) {
        for i in 0..self.trackers.len() {
            self.collect(i);
            self.sweep(i);
        }
        self.tidy_contexts();
        let mut alerts = std::mem::take(&mut self.alerts);
        alerts.sort_by_key(|(correlation, alert)| (*correlation, alert.first_seen, alert.id)); // stable: the latest state stays last
        let mut all = alerts.into_iter().peekable();
        while let Some((_, alert)) = all.next() {
            let newer = all.peek().is_some_and(|(_, next)| next.id == alert.id);
            if !newer {
                out.push(Signal::Put(Box::new(alert)));
            }
        }
        let mut gone = std::mem::take(&mut self.gone);
        gone.sort();
        gone.dedup();
        out.extend(gone.into_iter().map(|(id, by)| Signal::Superseded { id, by }));
    }

    fn collect(&mut self, i: usize) {
        let Self { plan, trackers, contexts, alerts, .. } = self;
        let Some((compiled, tracker)) = plan.correlations().get(i).zip(trackers.get_mut(i)) else { return };
        for slot in std::mem::take(&mut tracker.changed) {
            if let Some(group) = tracker.groups.get_mut(slot as usize).and_then(Option::as_mut) {
                told(group, contexts, |a| alerts.push((i as u32, a)), compiled);
            }
        }
    }

    fn sweep(&mut self, i: usize) {
        if let Some((tracker, compiled)) = self.trackers.get_mut(i).zip(self.plan.correlations().get(i)) {
            tracker.sweep(self.mark, compiled, &self.settings);
        }
    }

    fn tidy_contexts(&mut self) {
        if !self.contexts.is_full() {
            return;
        }
        let mut used = vec![false; self.contexts.len()];
        let mut note = |n: u32| {
            if let Some(place) = used.get_mut(n as usize) {
                *place = true;
            }
        };
        for group in self.trackers.iter().flat_map(|t| t.groups.iter().flatten()) {
            group.records.iter().for_each(|r| note(r.context));
            if let Some(fired) = &group.fired {
                fired.base.iter().chain(&fired.since).for_each(|e| e.contexts.iter().for_each(|c| note(*c)));
            }
        }
        self.contexts.keep(&used);
    }

    /// What a correlation found, for those above it.
    fn effects(&mut self, correlation: u32, found: Vec<Found>, above: &mut Vec<Keyed>) {
        for Found { slot, effect } in found {
            let (at, id, remove) = match effect {
                Effect::Opened { at, id } => {
                    self.gone.retain(|(gone, _)| *gone != id); // what was taken back came again
                    (at, id, false)
                }
                Effect::Withdrawn { at, id, by } => {
                    if by != Some(id) && self.plan.get(correlation).is_some_and(|c| c.speaks) {
                        self.alerts.retain(|(_, alert)| alert.id != id);
                        self.gone.push((id, by));
                    }
                    (at, id, true)
                }
            };
            let chains = self.plan.chains(correlation);
            let Some(group) = self.trackers.get(correlation as usize).and_then(|t| t.groups.get(slot as usize)?.as_ref()) else { continue };
            if chains.is_empty() {
                continue;
            }
            let values: Vec<&str> = texts(&group.key).collect();
            let context = group.records.last().and_then(|r| self.contexts.get(r.context)).unwrap_or(&[]);
            let [high, low] = halves(id);
            for chain in chains {
                let (mut key, mut counted) = (Vec::new(), Vec::new());
                put_text(&mut key, values.first().map_or(b"", |v| v.as_bytes()));
                let value = |place: &usize| values.get(place + 1).map_or(&b""[..], |v| v.as_bytes());
                chain.places.iter().for_each(|p| put_text(&mut key, value(p)));
                chain.values.iter().for_each(|p| put_text(&mut counted, value(p)));
                let value = mix(&counted);
                let record = Record { at, id: [high, low], value, context: 0, member: chain.member, drill: false, below: true };
                above.push(Keyed {
                    correlation: chain.correlation,
                    key,
                    record,
                    context: context.to_vec(),
                    remove,
                    now: self.now,
                    // an absence is found when the watermark has long passed the records that it meets above
                    mark: self.mark.min(at),
                    since: at,
                });
            }
        }
    }
}

fn halves(id: AlertId) -> [u64; 2] {
    let number = u128::from_be_bytes(id.0);
    [(number >> 64) as u64, number as u64]
}

/// Hands out what a group has not told yet.
fn told(group: &mut Group, contexts: &Contexts, mut out: impl FnMut(Alert), plan: &super::plan::Compiled) {
    group.changed = false;
    let Some(fired) = &mut group.fired else { return };
    for episode in fired.since.iter_mut().filter(|e| !e.told) {
        episode.told = true;
        if plan.speaks {
            out(alert::build(plan, &group.key, episode, contexts));
        }
    }
}
