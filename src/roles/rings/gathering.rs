//! The parts of an answer as they come in: a file for each collector, checked against its hash, and in the end one file of all.
//!
//! A part is a pcapng file; the file of all is the parts one after the other, which is a pcapng file of several sections.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Seek as _, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use fansipan_api::{Extract, PACKETS_WITHIN, PacketsError, unnamed};
use fansipan_evidence::Hashing;
use fansipan_model::{AnswerOutcome, CollectorAnswer, PacketsFound};

use super::wire::{Ask, Part, What, Why};

/// How long a collector may take to say that it has heard: longer than the brokers keep a dead one's transaction open (20 s), behind
/// which everything waits.
const FIRST: Duration = Duration::from_secs(30);
/// How long it may be silent from then on.
const SILENCE: Duration = Duration::from_secs(60);
/// Collectors that answer one question at the most.
const COLLECTORS: usize = 256;

/// What came from one collector.
#[derive(Default)]
struct Received {
    heard: Option<Instant>,
    pieces: u32,
    bytes: u64,
    file: Option<Hashing<BufWriter<File>>>,
    ended: Option<Ended>,
}

enum Ended {
    Given(File, PacketsFound, String),
    Nothing(PacketsFound),
    NoRing,
    Not(AnswerOutcome),
}

/// An answer while it comes in.
pub(super) struct Gathering {
    key: Vec<u8>,
    folder: PathBuf,
    begun: Instant,
    /// Bytes that all parts together may still take.
    room: u64,
    from: BTreeMap<String, Received>,
    failed: Option<io::Error>,
}

impl Gathering {
    /// `expected`: collectors that should answer; `folder`: for files that have no name.
    pub(super) fn new(ask: &Ask, expected: Vec<String>, folder: PathBuf, now: Instant) -> Self {
        let from = expected.into_iter().map(|name| (name, Received::default())).collect();
        Self { key: ask.key(), folder, begun: now, room: ask.bytes, from, failed: None }
    }

    /// A record of the packets topic.
    pub(super) fn take(&mut self, key: &[u8], record: &[u8], now: Instant) {
        if key != self.key {
            return;
        }
        let part = match Part::read(record) {
            Ok(part) => part,
            Err(error) => return tracing::warn!("{error:#}; it is left out"),
        };
        if !self.from.contains_key(&part.from) && self.from.len() >= COLLECTORS {
            return tracing::warn!("more than {COLLECTORS} collectors answer; {} is left out", part.from);
        }
        let one = self.from.entry(part.from.clone()).or_default();
        if one.ended.is_some() {
            return;
        }
        one.heard = Some(now);
        match one.take(part, &mut self.room, &self.folder) {
            Ok(ended) => one.ended = ended,
            Err(error) => self.failed = Some(error),
        }
    }

    /// Whether there is something to wait for. `alive`: whether a collector was heard of lately, in whatever way.
    pub(super) fn waits(&self, now: Instant, alive: impl Fn(&str) -> bool) -> bool {
        let waits = |(name, one): (&String, &Received)| match (&one.ended, one.heard) {
            (Some(_), _) => false,
            (None, Some(at)) => now.duration_since(at) < SILENCE,
            (None, None) => now.duration_since(self.begun) < FIRST && alive(name),
        };
        self.failed.is_none() && now.duration_since(self.begun) < PACKETS_WITHIN && self.from.iter().any(waits)
    }

    /// Writes what there is as one file.
    pub(super) fn end(mut self, out: &mut dyn Write) -> Result<Extract, PacketsError> {
        if let Some(error) = self.failed.take() {
            return Err(error.into());
        }
        let mut extract = Extract::default();
        for (collector, one) in self.from {
            let mut answer = CollectorAnswer { collector, outcome: AnswerOutcome::NoAnswer, packets: 0, bytes: 0, sha256: String::new() };
            match one.ended {
                Some(Ended::NoRing) => continue,
                Some(Ended::Given(mut file, found, sha256)) => {
                    file.rewind()?;
                    answer.bytes = io::copy(&mut file, out)?;
                    (answer.outcome, answer.packets, answer.sha256) = (AnswerOutcome::Given, found.packets, sha256);
                    add(&mut extract.found, &found);
                }
                Some(Ended::Nothing(found)) => {
                    answer.outcome = AnswerOutcome::Nothing;
                    add(&mut extract.found, &PacketsFound { bytes: 0, ..found });
                }
                Some(Ended::Not(outcome)) => answer.outcome = outcome,
                None => {}
            }
            extract.collectors.push(answer);
        }
        match extract.collectors.as_slice() {
            [] => Err(PacketsError::Off),
            all if extract.found.packets == 0 && all.iter().any(|c| c.outcome.leaves_a_gap()) => {
                Err(PacketsError::Unanswered(extract.collectors))
            }
            _ => Ok(extract),
        }
    }
}

impl Received {
    /// Takes a record in; how it ended, if it did.
    fn take(&mut self, part: Part<'_>, room: &mut u64, folder: &std::path::Path) -> io::Result<Option<Ended>> {
        Ok(match part.what {
            What::Begun => {
                self.forget(room);
                None
            }
            What::Piece(number) if number != self.pieces => self.not(AnswerOutcome::Damaged, room),
            What::Piece(_) if part.bytes.len() as u64 > *room => self.not(AnswerOutcome::TooLarge, room),
            What::Piece(_) => {
                let file = match &mut self.file {
                    Some(file) => file,
                    None => self.file.insert(Hashing::new(BufWriter::new(unnamed(folder, "part")?))),
                };
                file.write_all(part.bytes)?;
                *room -= part.bytes.len() as u64;
                (self.pieces, self.bytes) = (self.pieces + 1, self.bytes + part.bytes.len() as u64);
                None
            }
            What::End { found, .. } if found.packets == 0 => Some(Ended::Nothing(found)),
            What::End { found, pieces, sha256 } => match self.file.take().map(Hashing::end) {
                Some((file, own)) if own == sha256 && pieces == self.pieces && found.bytes == self.bytes => {
                    Some(Ended::Given(file.into_inner().map_err(io::IntoInnerError::into_error)?, found, sha256))
                }
                _ => self.not(AnswerOutcome::Damaged, room),
            },
            What::Refused(Why::NoRing) => Some(Ended::NoRing),
            What::Refused(Why::Clock) => self.not(AnswerOutcome::Clock, room),
            What::Refused(Why::Unreadable) => self.not(AnswerOutcome::Failed, room),
        })
    }

    /// Gives up what came, and its room to others.
    fn forget(&mut self, room: &mut u64) {
        *room += self.bytes;
        (self.file, self.pieces, self.bytes) = (None, 0, 0);
    }

    fn not(&mut self, outcome: AnswerOutcome, room: &mut u64) -> Option<Ended> {
        self.forget(room);
        Some(Ended::Not(outcome))
    }
}

/// What rings of another collector hold, too.
fn add(sum: &mut PacketsFound, other: &PacketsFound) {
    if other.packets > 0 {
        let first = sum.packets == 0;
        sum.first = if first { other.first } else { sum.first.min(other.first) };
        sum.last = if first { other.last } else { sum.last.max(other.last) };
    }
    sum.packets += other.packets;
    sum.bytes += other.bytes;
    sum.cut += other.cut;
    sum.damaged += other.damaged;
    sum.beyond += other.beyond;
    sum.oldest = [sum.oldest, other.oldest].into_iter().flatten().min();
}

#[cfg(test)]
mod tests;
