//! In which order records of several partitions are looked at: by arrival, so that none gets far ahead of the slowest.
//!
//! After an outage every partition has a backlog, and each is read at a speed of its own. What a correlation counts may stand in
//! several of them, and a group takes nothing that is older than its youngest record by more than the lateness. So the partitions
//! of one instance are merged by `event.ingested`, and none is looked at further than a window ahead of those that other instances
//! have. A partition that was read to its end, or from which nothing is heard, is not waited for. The one that is furthest behind
//! never waits, so somebody always goes on.
//!
//! Pure but for the instants it is told. What an instance says of its partitions travels beside their positions
//! ([`fansipan_bus::kafka::Position::note`]).

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

/// A partition that was read to its end within so long keeps up, whatever came since.
const LIVE: Duration = Duration::from_secs(1);
/// One that should go on and from which nothing was heard for so long is not waited for: longer than it takes until another
/// instance has the partitions of one that died.
const SILENT: Duration = Duration::from_secs(15);

/// Of a partition from which nothing came yet: what it brings may be older than anything.
pub(super) const UNKNOWN: i64 = i64::MIN;

/// A partition of this instance.
struct Lane<T> {
    waiting: VecDeque<(i64, T)>,
    /// The latest arrival there was.
    clock: i64,
    at_end: bool,
    ended: Option<Instant>,
    heard: Instant,
}

/// A partition of another instance: what it looks at next, and since when it says so.
struct Other {
    next: Option<i64>,
    heard: Instant,
}

/// Records that wait until those of other partitions have come as far.
pub(super) struct Pace<T> {
    window: i64,
    own: BTreeMap<i32, Lane<T>>,
    others: BTreeMap<i32, Other>,
}

impl<T> Pace<T> {
    /// Nanoseconds of arrival that a partition may be ahead.
    pub(super) fn new(window: i64) -> Self {
        Self { window: window.max(0), own: BTreeMap::new(), others: BTreeMap::new() }
    }

    /// A partition is this instance's now.
    pub(super) fn join(&mut self, partition: i32, now: Instant) {
        self.others.remove(&partition);
        self.own.insert(partition, Lane { waiting: VecDeque::new(), clock: UNKNOWN, at_end: false, ended: None, heard: now });
    }

    /// It is another's now, who begins with what waits here.
    pub(super) fn leave(&mut self, partition: i32, now: Instant) {
        let next = self.next(partition, now);
        if self.own.remove(&partition).is_some() {
            self.others.insert(partition, Other { next, heard: now });
        }
    }

    /// A record that arrived at `at`; `None`: where that is not known.
    pub(super) fn put(&mut self, partition: i32, at: Option<i64>, record: T, now: Instant) {
        let Some(lane) = self.own.get_mut(&partition) else { return };
        // a sender's late records do not hold the others
        lane.clock = lane.clock.max(at.unwrap_or(UNKNOWN));
        lane.waiting.push_back((lane.clock, record));
        if lane.at_end {
            lane.ended = Some(now);
        }
        (lane.at_end, lane.heard) = (false, now);
    }

    /// Whether everything that the partition has was put.
    pub(super) fn ends(&mut self, partition: i32, at_end: bool, now: Instant) {
        let Some(lane) = self.own.get_mut(&partition) else { return };
        lane.at_end = at_end;
        if at_end {
            lane.ended = Some(now);
        }
    }

    /// What another instance says of a partition of its own.
    pub(super) fn told(&mut self, partition: i32, next: Option<i64>, now: Instant) {
        if self.own.contains_key(&partition) {
            return;
        }
        let known = self.others.entry(partition).or_insert(Other { next, heard: now });
        if known.next != next {
            *known = Other { next, heard: now };
        }
    }

    /// The arrival that a partition of this instance is about to look at; `None`: nothing that others should wait for.
    pub(super) fn next(&self, partition: i32, now: Instant) -> Option<i64> {
        let lane = self.own.get(&partition)?;
        lane.waiting.front().map(|(at, _)| *at).or_else(|| lane.is_awaited(now).then_some(lane.clock))
    }

    /// Whether a record would be looked at if other partitions were further.
    pub(super) fn is_held(&self) -> bool {
        self.own.values().any(|lane| !lane.waiting.is_empty())
    }

    /// Records of a partition that wait.
    pub(super) fn waiting(&self, partition: i32) -> usize {
        self.own.get(&partition).map_or(0, |lane| lane.waiting.len())
    }

    /// Hands over what may be looked at now, in order, at most `max`.
    pub(super) fn take(&mut self, max: usize, now: Instant, each: &mut dyn FnMut(i32, T)) {
        let others = self.others.values().filter(|o| now.saturating_duration_since(o.heard) < SILENT).filter_map(|o| o.next).min();
        for _ in 0..max {
            let first = self.own.iter().filter_map(|(p, lane)| Some((lane.waiting.front()?.0, *p))).min();
            let Some((at, partition)) = first else { return };
            let empty = self.own.values().filter(|lane| lane.waiting.is_empty() && lane.is_awaited(now)).map(|lane| lane.clock);
            let slowest = empty.chain(others).min();
            if slowest.is_some_and(|slowest| at > slowest.saturating_add(self.window)) {
                return;
            }
            if let Some((_, record)) = self.own.get_mut(&partition).and_then(|lane| lane.waiting.pop_front()) {
                each(partition, record);
            }
        }
    }
}

impl<T> Lane<T> {
    /// Whether it is about to bring records that are already there.
    fn is_awaited(&self, now: Instant) -> bool {
        let since = |at: Instant| now.saturating_duration_since(at);
        !self.at_end && self.ended.is_none_or(|at| since(at) >= LIVE) && since(self.heard) < SILENT
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::{LIVE, Pace, SILENT};

    const WINDOW: i64 = 100;

    /// A partition's records by arrival, and the instance that has it.
    fn backlog() -> impl Strategy<Value = Vec<(usize, Vec<i64>)>> {
        let arrivals = prop::collection::vec(0..40i64, 0..60).prop_map(|steps| {
            let mut at = 0;
            steps
                .into_iter()
                .map(|step| {
                    // now and then nothing for a long time
                    at += if step == 39 { 5000 } else { step };
                    at
                })
                .collect::<Vec<i64>>()
        });
        prop::collection::vec((0..3usize, arrivals), 1..6)
    }

    /// Instances that read pieces of their partitions, look at what they may and tell each other what they said last.
    struct World {
        lanes: Vec<(usize, Vec<i64>)>,
        read: Vec<usize>,
        paces: Vec<Pace<i64>>,
        told: Vec<Option<i64>>,
        seen: Vec<(i32, i64)>,
        now: Instant,
    }

    impl World {
        fn new(lanes: Vec<(usize, Vec<i64>)>) -> Self {
            let now = Instant::now();
            let mut paces: Vec<Pace<i64>> = (0..3).map(|_| Pace::new(WINDOW)).collect();
            lanes.iter().enumerate().for_each(|(p, (owner, _))| paces[*owner].join(p as i32, now));
            let told = vec![Some(super::UNKNOWN); lanes.len()];
            Self { read: vec![0; lanes.len()], lanes, paces, told, seen: Vec::new(), now }
        }

        /// One turn of an instance: reads up to `piece` of one of its partitions, then looks and tells.
        fn turn(&mut self, partition: usize, piece: usize) {
            self.now += Duration::from_millis(10);
            let now = self.now;
            let (owner, arrivals) = &self.lanes[partition];
            let pace = &mut self.paces[*owner];
            for (p, (other, _)) in self.lanes.iter().enumerate() {
                if other != owner {
                    pace.told(p as i32, self.told[p], now);
                }
            }
            let from = self.read[partition];
            let until = (from + piece).min(arrivals.len());
            arrivals[from..until].iter().for_each(|at| pace.put(partition as i32, Some(*at), *at, now));
            self.read[partition] = until;
            pace.ends(partition as i32, until == arrivals.len(), now);
            let seen = &mut self.seen;
            pace.take(1000, now, &mut |p, at| seen.push((p, at)));
            for (p, (other, _)) in self.lanes.iter().enumerate() {
                if other == owner {
                    self.told[p] = pace.next(p as i32, now);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn none_is_ahead_by_more_than_the_window_and_all_are_looked_at(
            lanes in backlog(),
            turns in prop::collection::vec((0..6usize, 1..30usize), 0..200),
        ) {
            let many = lanes.len();
            let all: usize = lanes.iter().map(|(_, arrivals)| arrivals.len()).sum();
            let mut world = World::new(lanes);
            turns.into_iter().for_each(|(p, piece)| world.turn(p % many, piece));
            // nobody is left out for ever; less time passes than after which the silent are given up
            for round in 0..600 {
                world.turn(round % many, 10);
            }
            prop_assert_eq!(world.seen.len(), all, "everything is looked at");
            let mut newest = i64::MIN;
            for (partition, at) in &world.seen {
                prop_assert!(newest <= at.saturating_add(WINDOW), "partition {} at {} behind {}", partition, at, newest);
                newest = newest.max(*at);
            }
            for p in 0..many as i32 {
                let own: Vec<i64> = world.seen.iter().filter(|(q, _)| *q == p).map(|(_, at)| *at).collect();
                prop_assert_eq!(&own, &world.lanes[p as usize].1, "in order");
            }
        }
    }

    fn taken(pace: &mut Pace<i64>, now: Instant) -> Vec<(i32, i64)> {
        let mut out = Vec::new();
        pace.take(1000, now, &mut |p, at| out.push((p, at)));
        out
    }

    #[test]
    fn who_is_idle_or_silent_is_not_waited_for() {
        let now = Instant::now();
        let mut pace = Pace::new(WINDOW);
        pace.join(0, now);
        pace.join(1, now);
        pace.put(0, Some(1000), 1000, now);
        assert!(taken(&mut pace, now).is_empty(), "what the other brings is not known yet");
        pace.ends(1, true, now);
        assert_eq!(taken(&mut pace, now), [(0, 1000)], "it has nothing");
        // it brings something, and is at its end at once: it keeps up, however its sender's clock stands
        pace.put(1, Some(5), 5, now);
        pace.put(0, Some(9000), 9000, now);
        assert_eq!(taken(&mut pace, now), [(1, 5), (0, 9000)]);
        // it has more than it could bring for a while: it is waited for, and given up when nothing comes
        pace.put(1, Some(10), 10, now);
        pace.put(0, Some(9500), 9500, now);
        let later = now + LIVE;
        assert_eq!(taken(&mut pace, later), [(1, 10)]);
        assert_eq!(taken(&mut pace, now + SILENT), [(0, 9500)]);
    }

    #[test]
    fn another_instance_is_waited_for_as_long_as_it_goes_on() {
        let now = Instant::now();
        let mut pace = Pace::new(WINDOW);
        pace.join(0, now);
        pace.told(1, Some(100), now);
        pace.put(0, Some(500), 500, now);
        assert!(taken(&mut pace, now).is_empty());
        pace.told(1, Some(390), now + SILENT / 2);
        assert!(taken(&mut pace, now + SILENT).is_empty(), "it moved since");
        pace.told(1, Some(400), now + SILENT);
        assert_eq!(taken(&mut pace, now + SILENT), [(0, 500)]);
        pace.put(0, Some(900), 900, now + SILENT);
        pace.told(1, None, now + SILENT);
        assert_eq!(taken(&mut pace, now + SILENT), [(0, 900)], "it has read everything");
        // a partition that moves away is where it was left
        pace.join(2, now + SILENT);
        pace.put(2, Some(950), 950, now + SILENT);
        pace.leave(2, now + SILENT);
        pace.put(0, Some(2000), 2000, now + SILENT);
        assert!(taken(&mut pace, now + SILENT).is_empty());
        assert_eq!(taken(&mut pace, now + SILENT * 2), [(0, 2000)], "whoever has it says nothing");
    }
}
