//! Two weeks of ordinary work of a province, as raw log lines: what a detector must stay quiet about.
//!
//! 3,800 office computers and 200 servers of 21 agencies, their firewalls, web servers, VPN and sensors; office hours, lunch, weekends
//! and a public holiday; and people who mistype, forget, get locked out, patch, back up and scan. No line is part of an attack; what
//! the Internet sends to everybody (port scans, probes) is there. About 28 million lines over [`DAYS`] days. A day needs no other
//! day, takes memory that does not grow, and depends on the seed alone.

mod calendar;
mod devices;
mod habits;
mod linux;
mod mistakes;
mod web;
mod windows;
mod world;

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    net::Ipv4Addr,
};

use calendar::DayKind;
pub use calendar::{DAYS, FIRST_MIDNIGHT};

use crate::generate::Rng;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// What wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Event logs of Windows, by NXLog or Winlogbeat.
    Windows,
    /// FortiGate, Cisco ASA, PAN-OS.
    Firewall,
    /// Web servers and the web application firewall.
    Web,
    /// sshd, sudo, cron, systemd, the audit trail.
    Linux,
    /// Zeek and Suricata.
    Sensor,
}

/// One record as it reaches the collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it arrives, nanoseconds since 1970; never before the line given before it. The time written in the line is up to a few
    /// seconds earlier, as with real shippers.
    pub at: i64,
    /// Who sends it.
    pub peer: Ipv4Addr,
    /// What wrote it.
    pub kind: Kind,
    /// The record, without its end of line.
    pub text: String,
}

/// A province and its two weeks, by a seed.
#[derive(Clone, Copy, Debug)]
pub struct Province {
    seed: u64,
    share: f64,
}

impl Province {
    /// The whole province.
    pub fn new(seed: u64) -> Self {
        Self { seed, share: 1.0 }
    }

    /// The same days with a part of the traffic (`0.0..=1.0`), for tests; jobs and mistakes happen as ever.
    pub fn thinned(seed: u64, share: f64) -> Self {
        Self { seed, share: share.clamp(0.0, 1.0) }
    }

    /// The lines of a day in order of arrival; day 0 is Monday, 16 November 2026, local time (UTC+7).
    pub fn day(&self, number: u32) -> Day {
        let mut seeds = Rng::new(self.seed ^ 0x5072_6f76_696e_6365);
        for _ in 0..number {
            seeds.next_u64();
        }
        let midnight = FIRST_MIDNIGHT + i64::from(number) * 86_400 * SECOND;
        let maker = Maker { rng: Rng::new(seeds.next_u64()), midnight, pending: BinaryHeap::new(), made: 0 };
        let mut day = Day { maker, share: self.share, kind: calendar::kind(number), second: 0 };
        mistakes::plan(&mut day.maker, number, day.kind);
        day
    }
}

/// A day's lines, made while they are read.
#[derive(Debug)]
pub struct Day {
    maker: Maker,
    share: f64,
    kind: DayKind,
    /// Seconds since midnight that have been drawn.
    second: i64,
}

impl Day {
    fn draw_second(&mut self) {
        let begin = self.maker.midnight + self.second * SECOND;
        let activity = calendar::activity(self.kind, self.second);
        for (table, factor) in [(habits::PEOPLE, activity), (habits::MACHINES, 1.0)] {
            for (rate, deed) in table {
                for _ in 0..self.maker.poisson(rate * factor * self.share) {
                    let at = begin + self.maker.below(SECOND as u64) as i64;
                    deed(&mut self.maker, at);
                }
            }
        }
        self.second += 1;
    }
}

impl Iterator for Day {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        loop {
            let drawn = self.maker.midnight + self.second * SECOND;
            match self.maker.pending.peek() {
                Some(Reverse(first)) if first.at < drawn || self.second >= 86_400 => {
                    let Reverse(Pending { at, what, .. }) = self.maker.pending.pop()?;
                    match what {
                        What::Line(peer, kind, text) => return Some(Line { at, peer, kind, text }),
                        What::Again(job) => self.maker.run(at, job),
                    }
                }
                None if self.second >= 86_400 => return None,
                _ => self.draw_second(),
            }
        }
    }
}

/// Something done again and again: `deed(maker, when, who)`, `left` times, about `every` nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Job {
    deed: fn(&mut Maker, i64, u64),
    who: u64,
    left: u32,
    every: i64,
}

#[derive(Debug)]
enum What {
    Line(Ipv4Addr, Kind, String),
    Again(Job),
}

#[derive(Debug)]
struct Pending {
    at: i64,
    made: u64,
    what: What,
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.made).cmp(&(other.at, other.made))
    }
}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pending {}

/// Makes lines and keeps those whose time has not come.
#[derive(Debug)]
struct Maker {
    rng: Rng,
    midnight: i64,
    pending: BinaryHeap<Reverse<Pending>>,
    made: u64,
}

impl Maker {
    fn below(&mut self, n: u64) -> u64 {
        self.rng.below(n)
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.rng.below(list.len() as u64) as usize]
    }

    /// Once in `n`.
    fn once_in(&mut self, n: u64) -> bool {
        self.rng.below(n) == 0
    }

    /// Knuth's method; means here are below 30.
    fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let (mut count, mut product) = (0, 1.0);
        loop {
            product *= self.rng.below(1 << 53) as f64 / (1_u64 << 53) as f64;
            if product <= limit {
                return count;
            }
            count += 1;
        }
    }

    fn put(&mut self, at: i64, what: What) {
        self.made += 1;
        self.pending.push(Reverse(Pending { at, made: self.made, what }));
    }

    /// A line that a device sends at once.
    fn send(&mut self, at: i64, peer: Ipv4Addr, kind: Kind, text: String) {
        let way = self.below(60_000_000) as i64;
        self.put(at + way, What::Line(peer, kind, text));
    }

    /// A line that a shipper sends in its next batch.
    fn ship(&mut self, at: i64, peer: Ipv4Addr, kind: Kind, text: String) {
        let batch = 80_000_000 + self.below(2_400_000_000) as i64;
        self.put(at + batch, What::Line(peer, kind, text));
    }

    /// Plans a job from a second of the day on.
    fn plan(&mut self, second: i64, job: Job) {
        let at = self.midnight + second * SECOND + self.below(SECOND as u64) as i64;
        self.put(at, What::Again(job));
    }

    fn run(&mut self, at: i64, job: Job) {
        (job.deed)(self, at, job.who);
        if job.left > 1 {
            let next = at + job.every * 4 / 5 + self.below(job.every as u64 * 2 / 5 + 1) as i64;
            if next < self.midnight + 86_400 * SECOND {
                self.put(next, What::Again(Job { left: job.left - 1, ..job }));
            }
        }
    }
}

/// A time in the province's zone.
fn local(at: i64) -> jiff::Zoned {
    let time = jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)))
}
