//! All groups of one correlation.

use std::{cmp::Reverse, collections::BinaryHeap, hash::BuildHasher as _};

use fansipan_model::AlertId;
use fansipan_rules::ast::CorrelationKind;
use hashbrown::HashTable;

use super::{
    fold::{self, Effect, Rules},
    group::{FIRST_LIMIT, Group},
    keyed::{Record, Routed},
    plan::Compiled,
    settings::{Losses, Settings},
};

/// Groups found by this hash: of this process only, never stored.
fn hash(key: &[u8]) -> u64 {
    foldhash::fast::FixedState::with_seed(0x0fa5_1fa5).hash_one(key)
}

/// Groups of more records than this are looked through again once a batch, not once a late record.
const LARGE: usize = 1024;

/// What became of one group's alerts, with the group.
pub(crate) struct Found {
    pub(crate) slot: u32,
    pub(crate) effect: Effect,
}

/// An absence to be decided when the watermark passes.
type Timer = Reverse<(i64, u32, [u64; 2])>;

pub(crate) struct Tracker {
    pub(crate) groups: Vec<Option<Group>>,
    table: HashTable<(u32, u32)>,
    free: Vec<u32>,
    timers: BinaryHeap<Timer>,
    /// Groups with something to tell.
    pub(crate) changed: Vec<u32>,
    /// Groups to look through again.
    dirty: Vec<u32>,
    /// `@timestamp` of the first record.
    pub(crate) since: i64,
    taken: usize,
    pub(crate) losses: Losses,
}

impl Default for Tracker {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            table: HashTable::new(),
            free: Vec::new(),
            timers: BinaryHeap::new(),
            changed: Vec::new(),
            dirty: Vec::new(),
            since: i64::MAX,
            taken: 0,
            losses: Losses::default(),
        }
    }
}

impl Tracker {
    /// Groups alive.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Puts a group in, for a restore; what was decided at the watermark stays decided.
    pub(crate) fn put(&mut self, group: Group, timespan: i64, mark: i64) {
        let hash = hash(&group.key);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.groups.push(None);
            (self.groups.len() - 1) as u32
        });
        let deadlines = group.records.iter().filter(|r| r.member == 0).map(|r| (r.at.saturating_add(timespan), slot, r.id));
        self.timers.extend(deadlines.filter(|d| d.0 >= mark).map(Reverse));
        if group.changed {
            self.changed.push(slot);
        }
        if group.dirty {
            self.dirty.push(slot);
        }
        if let Some(place) = self.groups.get_mut(slot as usize) {
            *place = Some(group);
        }
        self.index(hash, slot);
    }

    fn index(&mut self, of: u64, slot: u32) {
        let groups = &self.groups;
        let again = |(_, slot): &(u32, u32)| groups.get(*slot as usize).and_then(Option::as_ref).map_or(0, |g| hash(&g.key));
        self.table.insert_unique(of, ((of >> 32) as u32, slot), again);
    }

    fn find(&self, of: u64, key: &[u8]) -> Option<u32> {
        let tag = (of >> 32) as u32;
        let groups = &self.groups;
        let same = |(t, slot): &(u32, u32)| {
            *t == tag && groups.get(*slot as usize).and_then(Option::as_ref).is_some_and(|g| g.key.as_slice() == key)
        };
        self.table.find(of, same).map(|(_, slot)| *slot)
    }

    fn slot(&mut self, key: &[u8]) -> u32 {
        let hash = hash(key);
        if let Some(found) = self.find(hash, key) {
            return found;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.groups.push(None);
            (self.groups.len() - 1) as u32
        });
        if let Some(place) = self.groups.get_mut(slot as usize) {
            *place = Some(Group::new(key));
        }
        self.index(hash, slot);
        slot
    }

    /// Whether a record would belong to a group whose alerts must be told before it is taken in.
    pub(crate) fn is_full(&self, settings: &Settings) -> bool {
        self.table.len() >= settings.groups
    }

    /// Takes a record in. `tell`: called with a group before what it found is forgotten.
    pub(crate) fn take(
        &mut self,
        routed: &Routed<'_>,
        record: Record,
        plan: &Compiled,
        settings: &Settings,
        out: &mut Vec<Found>,
        tell: &mut dyn FnMut(&mut Group),
    ) {
        self.since = self.since.min(routed.since);
        self.taken += 1;
        let slot = self.slot(routed.key);
        let rules = Rules { plan, settings, since: self.since, now: routed.now };
        let Some(group) = self.groups.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let was = (group.changed, group.dirty);
        if group.alive.saturating_add(plan.timespan).saturating_add(plan.lateness(settings)) < routed.mark && group.alive > i64::MIN {
            tell(group);
            *group = Group::new(routed.key);
        }
        if group.is_too_late(record.at, plan.lateness(settings)) {
            if routed.remove || !group.count_behind(&record, plan.lateness(settings)) {
                self.losses.late += 1;
                return;
            }
            self.losses.cut += 1;
            if !was.0 {
                self.changed.push(slot);
            }
            return;
        }
        group.alive = group.alive.max(routed.mark).max(record.at);
        let mut effects = Vec::new();
        if plan.kind == CorrelationKind::Absence {
            let deadline = record.at.saturating_add(plan.timespan);
            if insert(group, record, routed.remove).is_some() && record.member == 0 && !routed.remove {
                if deadline < routed.mark {
                    self.losses.late += 1; // what was missed may have come and gone already
                } else {
                    self.timers.push(Reverse((deadline, slot, record.id)));
                }
            }
            trim(group, routed.mark.min(record.at).saturating_sub(plan.timespan).saturating_sub(plan.lateness(settings)));
        } else {
            place(group, record, routed.remove, &rules, &mut effects);
            // a correlation above must hear of it before anything younger; a large group would cost too much at every record
            if group.dirty && plan.stands_below && group.records.len() <= LARGE {
                fold::refold(group, &rules, &mut effects);
            }
            if group.records.len() >= group.limit as usize {
                fold::refold(group, &rules, &mut effects);
                tell(group);
                self.losses.cut += fold::settle(group, &rules);
            }
        }
        if group.dirty && !was.1 {
            self.dirty.push(slot);
        }
        if group.changed && !was.0 {
            self.changed.push(slot);
        }
        out.extend(effects.into_iter().map(|effect| Found { slot, effect }));
    }

    /// Looks again through groups where a record came late.
    pub(crate) fn refold(&mut self, plan: &Compiled, settings: &Settings, now: i64, out: &mut Vec<Found>) {
        for slot in std::mem::take(&mut self.dirty) {
            let rules = Rules { plan, settings, since: self.since, now };
            let Some(group) = self.groups.get_mut(slot as usize).and_then(Option::as_mut).filter(|g| g.dirty) else { continue };
            let was = group.changed;
            let mut effects = Vec::new();
            fold::refold(group, &rules, &mut effects);
            if group.changed && !was {
                self.changed.push(slot);
            }
            out.extend(effects.into_iter().map(|effect| Found { slot, effect }));
        }
    }

    /// Decides the absences whose time is over.
    pub(crate) fn advance(&mut self, mark: i64, plan: &Compiled, settings: &Settings, now: i64, out: &mut Vec<Found>) {
        if plan.kind != CorrelationKind::Absence {
            return;
        }
        while let Some(Reverse((deadline, slot, id))) = self.timers.peek().copied().filter(|t| t.0.0 < mark) {
            self.timers.pop();
            let rules = Rules { plan, settings, since: self.since, now };
            let Some(group) = self.groups.get_mut(slot as usize).and_then(Option::as_mut) else { continue };
            let was = group.changed;
            if let Some(opened) = missed(group, deadline, id, &rules) {
                out.push(Found { slot, effect: Effect::Opened { at: deadline, id: opened } });
            }
            if group.changed && !was {
                self.changed.push(slot);
            }
        }
    }

    /// Forgets groups that no record to come can concern, and the stalest where there are too many. Call after telling.
    pub(crate) fn sweep(&mut self, mark: i64, plan: &Compiled, settings: &Settings) {
        let full = self.table.len() >= settings.groups;
        if !full && self.taken < self.table.len() / 2 + 1024 {
            return;
        }
        self.taken = 0;
        let dead = mark.saturating_sub(plan.timespan).saturating_sub(plan.lateness(settings));
        self.forget(|group| group.alive < dead);
        if self.table.len() >= settings.groups {
            let mut ages: Vec<i64> = self.groups.iter().flatten().map(|g| g.alive).collect();
            let many = (settings.groups / 8).clamp(1, ages.len().max(1));
            let place = many.min(ages.len().saturating_sub(1));
            let (oldest, mut left) = (*ages.select_nth_unstable(place).1, many);
            let before = self.table.len();
            self.forget(|group| {
                let goes = group.alive <= oldest && left > 0;
                left -= usize::from(goes);
                goes
            });
            self.losses.evicted += (before - self.table.len()) as u64;
        }
    }

    fn forget(&mut self, mut goes: impl FnMut(&Group) -> bool) {
        for slot in 0..self.groups.len() {
            let Some(place) = self.groups.get_mut(slot) else { continue };
            if place.as_ref().is_some_and(|g| !g.dirty && !g.changed && goes(g))
                && let Some(group) = place.take()
            {
                if let Ok(found) = self.table.find_entry(hash(&group.key), |(_, s)| *s as usize == slot) {
                    found.remove();
                }
                self.free.push(slot as u32);
            }
        }
    }
}

/// Puts a record where it belongs and folds it in, or leaves that for later where it came late.
fn place(group: &mut Group, record: Record, remove: bool, rules: &Rules<'_>, effects: &mut Vec<Effect>) {
    if !remove && group.records.last().is_none_or(|last| last.order() < record.order()) {
        group.records.push(record);
        if !group.dirty {
            fold::step(group, group.records.len() - 1, rules, effects);
        }
        return;
    }
    if let Some(running) = group.running.as_mut().filter(|r| r.is_estimate()) {
        if !remove {
            running.add(&record); // an estimate is not made anew for one record
            if let Some(open) = group.latest() {
                open.take(&record);
                group.changed = true;
            }
        }
        return;
    }
    group.dirty |= insert(group, record, remove).is_some();
}

/// Inserts or removes a record in order. `None`: nothing changed.
fn insert(group: &mut Group, record: Record, remove: bool) -> Option<()> {
    match group.records.binary_search_by(|r| r.order().cmp(&record.order())) {
        Ok(at) if remove && at >= group.base as usize => {
            group.records.remove(at);
        }
        Err(at) if !remove => group.records.insert(at.max(group.base as usize), record),
        _ => return None,
    }
    Some(())
}

/// Drops the records of an absence that are older than `until`.
fn trim(group: &mut Group, until: i64) {
    if group.records.len() >= group.limit as usize {
        let old = group.records.partition_point(|r| r.at < until);
        group.records.drain(..old);
        group.limit = (group.records.len() as u32 * 2).max(FIRST_LIMIT);
    }
}

/// Whether nothing came after a record in time: a new alert's id, or nothing where one goes on.
fn missed(group: &mut Group, deadline: i64, id: [u64; 2], rules: &Rules<'_>) -> Option<AlertId> {
    let at = deadline.saturating_sub(rules.plan.timespan);
    let place = group.records.iter().position(|r| (r.at, r.id, r.member) == (at, id, 0))?;
    let after = group.records.get(place + 1..).unwrap_or(&[]);
    if after.iter().take_while(|r| r.at <= deadline).any(|r| r.member > 0) {
        return None;
    }
    let record = *group.records.get(place)?;
    let (reach, longest) = (rules.plan.reach(), rules.plan.longest());
    if let Some(open) = group.latest().filter(|e| deadline <= e.fired.saturating_add(reach) && deadline < e.opened.saturating_add(longest))
    {
        open.take(&record);
        open.fired = deadline;
        open.fires += 1;
        group.changed = true;
        return None;
    }
    let mut episode = fold::open(&group.key, &[record], 1.0, false, rules);
    (episode.opened, episode.fired) = (deadline, deadline);
    let opened = episode.id;
    let fired = group.fired.get_or_insert_default();
    fired.since.retain(|e| !e.told);
    fired.since.push(episode);
    group.changed = true;
    Some(opened)
}
