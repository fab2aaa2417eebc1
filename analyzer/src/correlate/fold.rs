//! From the records of a group to its alerts: one record at a time where they come in order, the unsettled ones again where one
//! came late.

use fansipan_model::AlertId;
use fansipan_rules::ast::CorrelationKind;
use smallvec::SmallVec;

use super::{
    group::{CONTEXTS, Episode, Fired, Group, SAMPLE},
    keyed::{Record, texts},
    kinds::{self, Running, SMALL},
    plan::Compiled,
    settings::Settings,
};

/// What folding needs to know.
pub(crate) struct Rules<'a> {
    pub(crate) plan: &'a Compiled,
    pub(crate) settings: &'a Settings,
    /// `@timestamp` of the correlation's first record.
    pub(crate) since: i64,
    /// `event.ingested` of what is being taken in.
    pub(crate) now: i64,
}

/// What became of a group's alerts.
#[derive(Debug)]
pub(crate) enum Effect {
    /// An alert is new.
    Opened { at: i64, id: AlertId },
    /// An alert was wrong; the one that covers its time instead, if any.
    Withdrawn { at: i64, id: AlertId, by: Option<AlertId> },
}

/// Folds the record at `i`, the first not yet folded.
pub(crate) fn step(group: &mut Group, i: usize, rules: &Rules<'_>, out: &mut Vec<Effect>) {
    let Some(record) = group.records.get(i).copied() else { return };
    slide(group, i, rules.plan);
    let low = group.low as usize;
    let start = record.at.saturating_sub(rules.plan.timespan);
    let window = group.records.get(low..=i).unwrap_or(&[]);
    let mut estimate = false;
    let value = match &mut group.running {
        Some(running) => {
            running.add(&record);
            let value = running.value(rules.plan, start, window);
            estimate = running.is_estimate();
            value
        }
        None if window.len() > SMALL => match Running::new(rules.plan, window, rules.settings.exact) {
            Some(mut running) => {
                let value = running.value(rules.plan, start, window);
                estimate = running.is_estimate();
                group.running = Some(Box::new(running));
                value
            }
            None => kinds::measure(rules.plan, window),
        },
        None => kinds::measure(rules.plan, window),
    };
    let learned = record.at >= rules.since.saturating_add(rules.plan.learning);
    let window = group.records.get(group.low as usize..=i).unwrap_or(&[]);
    let fired = value.filter(|v| learned && kinds::fires(rules.plan, *v, window));
    if join(group, &record, fired, estimate, rules.plan) {
        return;
    }
    let Some(value) = fired else { return };
    let low = (group.low as usize).min(i);
    let members = group.records.get(low..=i).unwrap_or(&[]);
    let episode = open(&group.key, members, value, estimate, rules);
    out.push(Effect::Opened { at: episode.opened, id: episode.id });
    group.changed = true;
    group.fired.get_or_insert_default().since.push(episode);
}

/// Moves the beginning of the window for the record at `i`.
fn slide(group: &mut Group, i: usize, plan: &Compiled) {
    let Group { records, low, running, .. } = group;
    let Some(at) = records.get(i).map(|r| r.at) else { return };
    if let Some(gap) = plan.gap {
        let before = i.checked_sub(1).and_then(|b| records.get(b)).map_or(at, |r| r.at);
        let first = records.get(*low as usize).map_or(at, |r| r.at);
        if at - before > gap || at - first > plan.timespan {
            *low = i as u32;
            *running = None;
        }
        return;
    }
    let start = at.saturating_sub(plan.timespan);
    while let Some(oldest) = records.get(*low as usize).filter(|r| r.at < start) {
        if let Some(running) = running {
            running.remove(oldest);
        }
        *low += 1;
    }
    // a sketch forgets by time and is left when the window is small and wholly remembered
    if running.is_some() && i.saturating_sub(*low as usize) < SMALL / 2 && start > group.horizon {
        *running = None;
    }
}

/// Adds a record to the alert it belongs to, if there is one.
fn join(group: &mut Group, record: &Record, fired: Option<f64>, estimate: bool, plan: &Compiled) -> bool {
    let session = plan.gap.and_then(|_| group.records.get(group.low as usize)).map(|first| first.at);
    let Some(open) = group.latest() else { return false };
    let reached = match session {
        Some(start) => open.start == start,
        None => record.at <= open.fired.saturating_add(plan.reach()) && record.at < open.opened.saturating_add(plan.longest()),
    };
    if !reached {
        return false;
    }
    open.take(record);
    if let Some(value) = fired {
        open.fired = record.at;
        open.fires += 1;
        open.peak = open.peak.max(value);
        open.estimate |= estimate;
    }
    group.changed = true;
    true
}

/// The alert of a first firing.
pub(crate) fn open(key: &[u8], members: &[Record], value: f64, estimate: bool, rules: &Rules<'_>) -> Episode {
    let first = members.first().map_or(0, |r| r.at);
    let last = members.last().map_or(first, |r| r.at);
    let mut contexts = SmallVec::new();
    for record in members {
        if contexts.len() < CONTEXTS && !contexts.contains(&record.context) {
            contexts.push(record.context);
        }
    }
    Episode {
        id: id(key, first, rules.plan),
        start: first,
        opened: last,
        fired: last,
        last,
        count: members.len() as u64,
        fires: 1,
        peak: value,
        sample: members.iter().filter(|r| !r.below).take(SAMPLE).map(|r| r.id).collect(),
        contexts,
        raised: rules.now,
        drill: members.iter().any(|r| r.drill),
        estimate,
        told: false,
    }
}

fn id(key: &[u8], start: i64, plan: &Compiled) -> AlertId {
    let start = fansipan_model::time::to_rfc3339(start);
    let mut values = texts(key);
    let agency = values.next().unwrap_or_default();
    let group: Vec<&str> = values.chain([start.as_str()]).collect();
    AlertId::derive(agency, &plan.reference.id, &plan.reference.hash, &group)
}

/// Looks through the unsettled records again.
pub(crate) fn refold(group: &mut Group, rules: &Rules<'_>, out: &mut Vec<Effect>) {
    let estimate = group.running.as_ref().is_some_and(|r| r.is_estimate());
    if !std::mem::take(&mut group.dirty) || estimate {
        return; // an estimate is not made anew: the records are gone
    }
    let old = group.fired.as_mut().map(|f| std::mem::take(&mut f.since)).unwrap_or_default();
    if let Some(fired) = &mut group.fired {
        fired.since.extend(fired.base.clone());
    }
    rewind(group, rules);
    let mut found = Vec::new();
    for i in group.base as usize..group.records.len() {
        step(group, i, rules, &mut found);
    }
    compare(group, old, out);
}

/// Back to where the settled records end.
fn rewind(group: &mut Group, rules: &Rules<'_>) {
    group.low = group.base_low;
    let window = group.records.get(group.low as usize..group.base as usize).unwrap_or(&[]);
    group.running = if window.len() > SMALL { Running::new(rules.plan, window, rules.settings.exact).map(Box::new) } else { None };
}

/// Says what changed between the alerts known before and those found now.
fn compare(group: &mut Group, old: Vec<Episode>, out: &mut Vec<Effect>) {
    let Some(fired) = &mut group.fired else { return };
    for new in &mut fired.since {
        if let Some(known) = old.iter().find(|o| o.start == new.start) {
            new.raised = known.raised;
            new.told = known.told && known.same(new);
            if known.opened == new.opened {
                continue;
            }
        }
        out.push(Effect::Opened { at: new.opened, id: new.id });
    }
    for gone in old {
        match fired.since.iter().find(|n| n.start == gone.start) {
            Some(kept) if kept.opened == gone.opened => {}
            // the alert stays, but what stands above it must see it at another time
            Some(_) => out.insert(0, Effect::Withdrawn { at: gone.opened, id: gone.id, by: Some(gone.id) }),
            None => {
                let by = fired.since.iter().rev().find(|n| n.start <= gone.opened).or_else(|| fired.since.first());
                out.insert(0, Effect::Withdrawn { at: gone.opened, id: gone.id, by: by.map(|n| n.id) });
            }
        }
    }
    group.changed |= fired.since.iter().any(|e| !e.told);
}

/// Settles what no late record can change and forgets what no window needs. Everything found was told before.
/// Records cut because the group has more than it may keep.
pub(crate) fn settle(group: &mut Group, rules: &Rules<'_>) -> u64 {
    let keep = rules.plan.keep(rules.settings.records);
    let newest = group.records.last().map_or(i64::MIN, |r| r.at);
    if group.running.as_ref().is_some_and(|r| r.is_estimate()) {
        return forget(group, keep / 4);
    }
    let by_time = group.records.partition_point(|r| r.at < newest.saturating_sub(rules.plan.lateness(rules.settings)));
    let over = group.records.len() > keep;
    let by_size = if over { group.records.len() - keep / 2 } else { 0 };
    let to = by_time.max(by_size).max(group.base as usize);
    let full = (group.low, group.running.take(), group.changed);
    let since = group.fired.as_mut().map(|f| std::mem::take(&mut f.since)).unwrap_or_default();
    if let Some(fired) = &mut group.fired {
        fired.since.extend(fired.base.take());
    }
    rewind(group, rules);
    let mut unheard = Vec::new();
    for i in group.base as usize..to {
        step(group, i, rules, &mut unheard);
    }
    group.base = to as u32;
    group.base_low = group.low;
    (group.low, group.running, group.changed) = full;
    if rules.plan.kind == CorrelationKind::FirstSeen {
        // one sighting before is as good as a thousand
        group.base_low = group.base_low.max(group.base.saturating_sub(1));
        group.low = group.low.max(group.base_low);
    }
    if let Some(fired) = &mut group.fired {
        fired.base = fired.since.pop();
        fired.since = since;
        let from = fired.base.as_ref().and_then(|b| fired.since.iter().position(|e| e.start == b.start)).unwrap_or(0);
        let settled = rules.plan.lateness(rules.settings).saturating_add(rules.plan.reach());
        let first = fired.since.iter().position(|e| e.last >= newest.saturating_sub(settled)).unwrap_or(fired.since.len());
        fired.since.drain(..from.max(first).min(fired.since.len()));
        if fired.since.first().map(|e| e.start) != fired.base.as_ref().map(|b| b.start) {
            fired.base = None; // it ended too long ago for any record to join it
        }
    }
    group.fired = group.fired.take().filter(|f| !f.is_empty());
    let cut = if over { cut(group, keep, rules.plan) } else { 0 };
    drop_front(group, group.base_low.min(group.low) as usize);
    group.limit = (group.records.len() as u32 * 2).clamp(super::group::FIRST_LIMIT, (keep as u32).saturating_mul(2));
    cut
}

/// A sketch needs no records but the latest.
fn forget(group: &mut Group, keep: usize) -> u64 {
    let many = group.records.len().saturating_sub(keep.max(1));
    drop_front(group, many);
    group.base = group.records.len() as u32;
    group.base_low = group.low;
    if let Some(fired) = &mut group.fired {
        fired.since.drain(..fired.since.len().saturating_sub(1));
        fired.base = fired.since.last().cloned();
    }
    group.horizon = group.records.first().map_or(group.horizon, |r| r.at);
    group.limit = (keep as u32).max(1) * 2;
    many as u64
}

/// Drops the oldest records of a group that has too many; of ordered rules the newest of each rule stay.
fn cut(group: &mut Group, keep: usize, plan: &Compiled) -> u64 {
    let before = group.records.len();
    group.horizon = group.records.get((group.base as usize).min(before - 1)).map_or(group.horizon, |r| r.at);
    let temporal = matches!(plan.kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered | CorrelationKind::Ratio);
    if !temporal {
        drop_front(group, before - keep);
        return (before - keep) as u64;
    }
    let share = (keep / plan.members.max(1)).max(1);
    let mut left = vec![share; plan.members];
    let mut stays = vec![false; before];
    for (stay, record) in stays.iter_mut().zip(&group.records).rev() {
        if let Some(left) = left.get_mut(usize::from(record.member)).filter(|l| **l > 0) {
            *left -= 1;
            *stay = true;
        }
    }
    let kept_before = |n: u32| stays.iter().take(n as usize).filter(|s| **s).count() as u32;
    (group.base, group.base_low, group.low) = (kept_before(group.base), kept_before(group.base_low), kept_before(group.low));
    let mut stay = stays.iter();
    group.records.retain(|_| stay.next().copied().unwrap_or(true));
    group.running = None;
    (before - group.records.len()) as u64
}

/// Drops the first `n` records.
fn drop_front(group: &mut Group, n: usize) {
    if n == 0 {
        return;
    }
    if (group.low as usize) < n {
        group.running = group.running.take().filter(|r| r.is_estimate());
    }
    group.records.drain(..n);
    let n = n as u32;
    group.base = group.base.saturating_sub(n);
    group.base_low = group.base_low.saturating_sub(n);
    group.low = group.low.saturating_sub(n);
}

impl Fired {
    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.base.is_none() && self.since.is_empty()
    }
}
