//! The state of a TCP connection and its history, in Zeek's words.

use std::fmt::Write as _;

use super::{Pair, Side};
use crate::tap::cursor::Cursor;

/// A connection that was quiet for so long may be a forgotten one when another begins on the same ports, nanoseconds.
const QUIET: i64 = 10_000_000_000;

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

/// A TCP header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) source: u16,
    pub(crate) destination: u16,
    pub(crate) sequence: u32,
    pub(crate) acknowledged: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    pub(crate) payload: &'a [u8],
    /// Bytes of header.
    pub(crate) header: usize,
}

impl<'a> Segment<'a> {
    pub(crate) fn read(data: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(data);
        let (source, destination) = (cursor.u16()?, cursor.u16()?);
        let (sequence, acknowledged) = (cursor.u32()?, cursor.u32()?);
        let header = usize::from(cursor.u8()? >> 4) * 4;
        let flags = cursor.u8()?;
        let window = cursor.u16()?;
        if header < 20 {
            return None;
        }
        // options cut by a short capture leave the ports and flags readable
        let payload = data.get(header..).unwrap_or_default();
        Some(Self { source, destination, sequence, acknowledged, flags, window, payload, header })
    }

    pub(crate) fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// Asks for a connection.
    pub(crate) fn opens(&self) -> bool {
        self.has(SYN) && !self.has(ACK | RST | FIN)
    }
}

/// What one end has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing.
    #[default]
    Inactive,
    SynSent,
    SynAckSent,
    /// Seen without its beginning.
    Partial,
    Established,
    Closed,
    Reset,
}

/// Both ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tcp {
    pub(crate) ends: Pair<End>,
    /// Sequence numbers of SYN, of each end.
    pub(crate) isn: Pair<Option<u32>>,
    /// Segments that came again with other bytes.
    pub(crate) overlaps: u32,
}

impl Tcp {
    /// Takes note of a segment.
    pub(crate) fn update(&mut self, side: Side, segment: &Segment<'_>) {
        let peer = *self.ends.of(side.other());
        let me = *self.ends.of(side);
        let next = match me {
            End::Closed | End::Reset => me,
            _ if segment.has(RST) => End::Reset,
            End::Inactive if segment.has(SYN) && segment.has(ACK) && peer != End::Inactive => {
                *self.ends.of_mut(side.other()) = if peer == End::SynSent { End::Established } else { peer };
                End::Established
            }
            End::Inactive if segment.has(SYN) && segment.has(ACK) => End::SynAckSent,
            End::Inactive if segment.has(SYN) && !segment.has(FIN) => End::SynSent,
            _ if segment.has(FIN) => End::Closed,
            End::Inactive => End::Partial,
            End::SynAckSent if peer == End::Partial || peer == End::Established => End::Established,
            other => other,
        };
        if segment.has(SYN) {
            self.isn.of_mut(side).get_or_insert(segment.sequence);
        }
        *self.ends.of_mut(side) = next;
    }

    /// Whether nothing more is to come.
    pub(crate) fn over(&self) -> bool {
        let Pair { source, destination } = self.ends;
        source == End::Reset || destination == End::Reset || (source == End::Closed && destination == End::Closed)
    }

    /// Whether it was asked for and nobody answered.
    pub(crate) fn unanswered(&self) -> bool {
        self.ends.source == End::SynSent && self.ends.destination == End::Inactive
    }

    /// Whether a segment opens a new connection between the same ports rather than belonging to this one.
    pub(crate) fn reopened(&self, side: Side, segment: &Segment<'_>, silence: i64) -> bool {
        let known = *self.isn.of(side) == Some(segment.sequence);
        segment.opens() && !known && (self.over() || silence > QUIET || self.ends.destination == End::Inactive && self.isn.source.is_some())
    }

    /// The state in one word; `empty`: neither side sent a byte.
    pub(crate) fn word(&self, empty: bool) -> &'static str {
        let Pair { source, destination } = self.ends;
        let silent = |end| matches!(end, End::Inactive | End::Partial);
        match (source, destination) {
            (End::SynSent | End::SynAckSent, End::Reset) => "REJ",
            (End::Reset, End::Reset) if empty => "REJ",
            (o, End::Reset) if silent(o) => "RSTRH",
            (_, End::Reset) => "RSTR",
            (End::Reset, r) if silent(r) => "RSTOS0",
            (End::Reset, _) => "RSTO",
            (End::Closed, End::Closed) => "SF",
            (End::Closed, r) if silent(r) => "SH",
            (End::Closed, _) => "S2",
            (o, End::Closed) if silent(o) => "SHR",
            (_, End::Closed) => "S3",
            (End::SynSent, End::Inactive) => "S0",
            (End::Established, End::Established) => "S1",
            _ => "OTH",
        }
    }
}

/// What happened, a letter each: capitals for the initiator.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    letters: smallvec::SmallVec<[u8; 24]>,
    seen: Pair<u32>,
    /// How often the letters that repeat were due: C, G, T, W.
    repeated: Pair<[u32; 4]>,
}

impl History {
    fn add(&mut self, side: Side, letter: u8) {
        let bit = 1u32 << (letter & 31);
        let seen = self.seen.of_mut(side);
        if *seen & bit == 0 {
            *seen |= bit;
            self.push(side, letter);
        }
    }

    fn push(&mut self, side: Side, letter: u8) {
        let letter = if side == Side::Source { letter } else { letter.to_ascii_lowercase() };
        if self.letters.len() < 64 {
            self.letters.push(letter);
        }
    }

    /// Letters that may repeat appear at the first, tenth, hundredth… time.
    pub(crate) fn repeat(&mut self, side: Side, letter: u8) {
        let place = match letter {
            b'C' => 0,
            b'G' => 1,
            b'T' => 2,
            _ => 3,
        };
        let Some(count) = self.repeated.of_mut(side).get_mut(place) else { return };
        *count = count.saturating_add(1);
        let mut scale = *count;
        while scale.is_multiple_of(10) {
            scale /= 10;
        }
        if scale == 1 {
            self.push(side, letter);
        }
    }

    /// How often a letter that may repeat was due, on both sides.
    pub(crate) fn repeats(&self, letter: u8) -> u32 {
        let place = match letter {
            b'C' => 0,
            b'G' => 1,
            b'T' => 2,
            _ => 3,
        };
        [&self.repeated.source, &self.repeated.destination].iter().filter_map(|r| r.get(place)).fold(0, |a, b| a.saturating_add(*b))
    }

    /// The roles were turned around.
    pub(crate) fn flipped(&mut self) {
        self.letters.insert(0, b'^');
        for letter in self.letters.iter_mut() {
            *letter = if letter.is_ascii_uppercase() { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() };
        }
        self.seen.swap();
        self.repeated.swap();
    }

    pub(crate) fn tcp(&mut self, side: Side, segment: &Segment<'_>, length: usize) {
        let (syn, fin, rst) = (segment.has(SYN), segment.has(FIN), segment.has(RST));
        if syn && (fin || rst) {
            self.add(side, b'I');
        }
        if syn {
            self.add(side, if segment.has(ACK) { b'H' } else { b'S' });
        }
        if length > 0 {
            self.add(side, b'D');
        } else if segment.has(ACK) && !syn && !fin && !rst {
            self.add(side, b'A');
        }
        if fin {
            self.add(side, b'F');
        }
        if rst {
            self.add(side, b'R');
        }
        if segment.window == 0 && !rst && !syn {
            self.repeat(side, b'W');
        }
    }

    pub(crate) fn datagram(&mut self, side: Side) {
        self.add(side, b'D');
    }

    /// The letters.
    pub(crate) fn text(&self) -> String {
        let mut out = String::with_capacity(self.letters.len());
        for letter in &self.letters {
            let _ = out.write_char(char::from(*letter));
        }
        out
    }
}
