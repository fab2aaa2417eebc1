//! The half that remembers: repeats of rules, groups of correlations.

use std::{collections::BTreeMap, sync::Arc};

use fansipan_rules::RuleSet;
use serde::{Deserialize, Serialize};

use super::Note;
use crate::{
    Exceptions, GroupingConfig, Signal,
    correlate::{self, Keyed, Plan, Router, Settings, SnapshotError, Worker},
    detectors::{Detector as _, Report, network::Network},
    grouping::{Grouping, OpenAlert},
};

/// Format of saved state: magic, `u8` version, `u64` offset, then parts with a `u32` length each (little-endian): JSON
/// ([`Kept`]), the state of correlations (`correlate/snapshot.rs`), and, since network detectors exist, theirs (JSON).
const MAGIC: &[u8; 4] = b"FSPR";
const VERSION: u8 = 1;

/// How many times further than a source a partition may hold event time back.
const APART: i64 = 24;

/// Which share of the groups a keeper holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Its place.
    pub place: usize,
    /// How many keepers there are.
    pub of: usize,
    /// Partitions of events whose matchers send notes.
    pub from: usize,
}

/// Holds the groups of its share; a pure state machine.
pub struct Keeper {
    share: Share,
    plan: Arc<Plan>,
    settings: Settings,
    grouping_config: GroupingConfig,
    worker: Worker,
    grouping: Grouping,
    /// By partition of events: watermark and latest arrival.
    marks: BTreeMap<i32, (i64, i64)>,
    /// The first arrival heard of.
    began: i64,
    exceptions: Arc<Exceptions>,
    queue: Vec<Keyed>,
    network: Network,
    unknown: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    open: Vec<OpenAlert>,
    marks: Vec<(i32, i64, i64)>,
}

impl Keeper {
    /// With nothing remembered.
    pub fn new(share: Share, rules: &RuleSet, grouping: GroupingConfig, settings: Settings) -> Self {
        let plan = Arc::new(Plan::new(rules));
        Self {
            share,
            worker: Worker::new(Arc::clone(&plan), settings.clone()),
            plan,
            network: Network::new(settings.network.clone()),
            settings,
            grouping: Grouping::new(grouping.clone()),
            grouping_config: grouping,
            marks: BTreeMap::new(),
            began: i64::MAX,
            exceptions: Arc::default(),
            queue: Vec::new(),
            unknown: 0,
        }
    }

    /// Other rules are in force: windows of correlations whose text did not change go on.
    ///
    /// # Errors
    /// [`SnapshotError`]: windows begin anew.
    pub fn replace_rules(&mut self, rules: &RuleSet) -> Result<(), SnapshotError> {
        let state = self.save(0);
        let exceptions = Arc::clone(&self.exceptions);
        *self = Self { exceptions, ..Self::new(self.share, rules, self.grouping_config.clone(), self.settings.clone()) };
        self.load(&state).map(drop)
    }

    /// What people decided not to be told of, all of it: each says itself from when on it counts.
    pub fn except(&mut self, exceptions: &Arc<Exceptions>) {
        self.exceptions = Arc::clone(exceptions);
    }

    /// Records of correlations and detectors that are not in force here, because instances run different rules.
    pub fn unknown(&self) -> u64 {
        self.unknown + self.network.unknown()
    }

    /// What correlations and network detectors hold, and what their bounds cost, by name.
    pub fn reports(&self) -> Vec<(&'static str, Report)> {
        let correlations = Report { groups: self.worker.groups(), losses: self.worker.losses(), by_rule: self.worker.losses_by_rule() };
        vec![("correlation", correlations), ("network", self.network.report())]
    }

    /// Takes a note in. What other keepers must know is appended to `onward`.
    pub fn take(&mut self, note: Note, out: &mut Vec<Signal>, onward: &mut Vec<Note>) {
        match note {
            Note::Hit(alert) => self.grouping.take(*alert, out),
            Note::Fact(fact) => self.network.take(&fact),
            Note::Mark { from, mark, now } => {
                self.note_mark(from, mark, now);
                let (mark, now) = self.mark();
                self.catch_up(onward);
                self.worker.advance(mark, now, &mut self.queue);
                self.drain(onward);
            }
            Note::Record { rule, hash, from, mut keyed } => {
                let known = self.plan.correlations().iter().position(|c| c.reference.id == rule && c.reference.hash == hash);
                let Some(correlation) = known else {
                    self.unknown += 1;
                    return;
                };
                keyed.correlation = correlation as u32;
                if let Some(from) = from {
                    self.note_mark(from, keyed.mark, keyed.now);
                    keyed.mark = self.mark().0;
                } else {
                    keyed.mark = keyed.mark.min(self.mark().0);
                }
                self.worker.take(keyed.routed(), &mut self.queue);
                self.drain(onward);
            }
        }
    }

    /// Appends what there is to say over several events. Call after each batch of notes.
    pub fn settle(&mut self, out: &mut Vec<Signal>, onward: &mut Vec<Note>) {
        self.catch_up(onward);
        let before = out.len();
        self.worker.tell(out);
        self.network.tell(out);
        self.exceptions.mark(out.get_mut(before..).unwrap_or_default());
    }

    fn note_mark(&mut self, from: i32, mark: i64, now: i64) {
        let known = self.marks.entry(from).or_insert((mark, now));
        *known = (known.0.max(mark), known.1.max(now));
        self.began = self.began.min(now);
    }

    /// Event time as a whole: that of the slowest partition that still brings events. One that was never heard of may be about to
    /// bring old ones; it is waited for as long as for one that fell silent.
    fn mark(&self) -> (i64, i64) {
        let now = self.marks.values().map(|m| m.1).max().unwrap_or(i64::MIN);
        if self.marks.len() < self.share.from && now.saturating_sub(self.began) < self.settings.idle {
            return (i64::MIN, now);
        }
        let newest = self.marks.values().map(|m| m.0).max().unwrap_or(i64::MIN);
        let since = now.saturating_sub(self.settings.idle);
        let slowest = self.marks.values().filter(|m| m.1 >= since).map(|m| m.0).min().unwrap_or(newest);
        // each partition's own watermark leaves sources of the past behind; partitions are apart because one is read faster
        (slowest.max(newest.saturating_sub(self.settings.hold.saturating_mul(APART))), now)
    }

    /// Correlations above take in what those below found: here, or at the keeper that has the group.
    fn drain(&mut self, onward: &mut Vec<Note>) {
        while let Some(keyed) = self.queue.pop() {
            let Some(note) = Note::of(keyed, &self.plan, None) else { continue };
            if note.place(self.share.of) != Some(self.share.place) {
                onward.push(note);
            } else if let Note::Record { keyed, .. } = note {
                self.worker.take(keyed.routed(), &mut self.queue);
            }
        }
    }

    fn catch_up(&mut self, onward: &mut Vec<Note>) {
        loop {
            self.worker.catch_up(&mut self.queue);
            if self.queue.is_empty() {
                return;
            }
            self.drain(onward);
        }
    }

    /// Everything it remembers. `offset`: the first position of its notes not yet taken. Call after [`Keeper::settle`].
    pub fn save(&self, offset: u64) -> Vec<u8> {
        let marks = self.marks.iter().map(|(from, (mark, now))| (*from, *mark, *now)).collect();
        let kept = serde_json::to_vec(&Kept { open: self.grouping.save(), marks }).unwrap_or_default();
        let mut state = Vec::new();
        let nobody = Router::new(Arc::clone(&self.plan), self.settings.clone());
        correlate::save(&nobody, &self.worker, &mut state);
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        out.extend_from_slice(&offset.to_le_bytes());
        for part in [&kept, &state, &self.network.state()] {
            out.extend_from_slice(&(part.len() as u32).to_le_bytes());
            out.extend_from_slice(part);
        }
        out
    }

    /// Continues from saved state; the position of its notes it stands at.
    ///
    /// # Errors
    /// [`SnapshotError`]: nothing is remembered then.
    pub fn load(&mut self, state: &[u8]) -> Result<u64, SnapshotError> {
        let loaded = self.read(state);
        if loaded.is_err() {
            self.worker = Worker::new(Arc::clone(&self.plan), self.settings.clone());
            self.grouping = Grouping::new(self.grouping_config.clone());
            self.network = Network::new(self.settings.network.clone());
            self.marks.clear();
            self.began = i64::MAX;
        }
        loaded
    }

    fn read(&mut self, state: &[u8]) -> Result<u64, SnapshotError> {
        let mut rest = state.strip_prefix(MAGIC).ok_or(SnapshotError::Damaged)?;
        let mut take = |n: usize| -> Result<&[u8], SnapshotError> {
            let (head, tail) = rest.split_at_checked(n).ok_or(SnapshotError::Damaged)?;
            rest = tail;
            Ok(head)
        };
        let version = *take(1)?.first().ok_or(SnapshotError::Damaged)?;
        if version > VERSION {
            return Err(SnapshotError::Version(version));
        }
        let offset = u64::from_le_bytes(take(8)?.try_into().map_err(|_| SnapshotError::Damaged)?);
        let mut part = || -> Result<&[u8], SnapshotError> {
            let n = u32::from_le_bytes(take(4)?.try_into().map_err(|_| SnapshotError::Damaged)?);
            take(n as usize)
        };
        let kept: Kept = serde_json::from_slice(part()?).map_err(|_| SnapshotError::Damaged)?;
        let correlations = part()?;
        let network = part().unwrap_or_default();
        let mut nobody = Router::new(Arc::clone(&self.plan), self.settings.clone());
        correlate::load(correlations, &mut nobody, &mut self.worker)?;
        self.network.put_back(network)?;
        self.grouping.load(kept.open);
        self.marks = kept.marks.into_iter().map(|(from, mark, now)| (from, (mark, now))).collect();
        self.began = self.marks.values().map(|m| m.1).min().unwrap_or(i64::MAX);
        Ok(offset)
    }
}
