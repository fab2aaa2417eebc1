//! Bytes of a stream to records (RFC 6587): octet counting, LF, CRLF, NUL, mixed on one connection.
//!
//! Never does I/O, never holds more than one record of the size limit and one read, never gives bytes a meaning beyond
//! the frame. What comes out depends on the bytes alone, not on how the network cut them.
//!
//! How a frame is recognized when [`Framing::Auto`]:
//! - `LENGTH SP` followed by what a message begins with (`<13>`, `<Event`, `{`), or by anything on a connection whose
//!   previous frame was counted, is an octet count. Lengths above 16 MiB, with more than eight digits or with a leading zero
//!   are text.
//! - On a connection whose previous frame ended with LF or NUL, an octet count is believed only if no LF comes before the
//!   end it announces: a line that merely begins with a number cannot swallow the lines after it.
//! - Everything else ends at the first LF or NUL; a CR before the LF belongs to the frame. Empty lines are no records.
//!
//! A record above the limit is cut at the limit (on a character boundary) and marked; the rest of it is skipped and counted.

use memchr::{memchr, memchr2};
use serde::{Deserialize, Serialize};

/// How records of a stream are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// Each frame shows what it is.
    #[default]
    Auto,
    /// RFC 6587 octet counting; a frame without a count is read as a line.
    OctetCount,
    /// Lines; a NUL is part of the record.
    Lf,
    /// NUL at the end; an LF is part of the record.
    Nul,
}

/// One record without the bytes of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The record; never empty, never above the limit.
    pub record: &'a [u8],
    /// Whether it is only the beginning of a larger record, or the connection ended inside it.
    pub truncated: bool,
}

/// Largest octet count that is believed.
const MAX_COUNT: usize = 16 << 20;
/// Digits of [`MAX_COUNT`].
const MAX_DIGITS: usize = 8;
/// Room offered to a read at least.
const MIN_READ: usize = 4 << 10;
/// Room offered to a read at most, beyond the record being assembled.
const MAX_READ: usize = 64 << 10;

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before the first byte of a frame.
    Start,
    /// In a record that ends at a delimiter.
    Line,
    /// In a record of which this many bytes are still to be handed out.
    Counted(usize),
    /// In the rest of a line that was cut.
    SkipLine,
    /// In the rest of a counted record that was cut.
    SkipCounted(usize),
}

/// What the beginning of a frame turned out to be.
enum Begin {
    Line,
    /// Length of the count with its space, and the count.
    Counted(usize, usize),
    Undecided,
}

/// Cuts a stream into records. Read into [`Framer::space`], tell how much with [`Framer::filled`], then take frames with
/// [`Framer::next_frame`] until there is none.
#[derive(Debug)]
pub struct Framer {
    framing: Framing,
    limit: usize,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes after `start` that hold no delimiter.
    scanned: usize,
    state: State,
    previous_counted: Option<bool>,
    skipped: u64,
    hungry: bool,
}

impl Framer {
    /// A framer for one connection; `limit` is the largest record in bytes.
    pub fn new(framing: Framing, limit: usize) -> Self {
        let limit = limit.max(1);
        Self {
            framing,
            limit,
            buf: Vec::new(),
            start: 0,
            end: 0,
            scanned: 0,
            state: State::Start,
            previous_counted: None,
            skipped: 0,
            hungry: false,
        }
    }

    /// Room for the next read. All frames of the previous read must have been taken.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            (self.end, self.start) = (self.end - self.start, 0);
        }
        let most = self.limit + MAX_READ;
        if self.buf.len() - self.end < MIN_READ || self.hungry && self.buf.len() < most {
            let size = (self.buf.len() * 2).clamp(2 * MIN_READ, most).max(self.end + MIN_READ);
            self.buf.resize(size, 0);
            self.hungry = false;
        }
        self.buf.get_mut(self.end..).unwrap_or_default()
    }

    /// Tells how many bytes were read into [`Framer::space`].
    pub fn filled(&mut self, count: usize) {
        let room = self.buf.len() - self.end;
        self.hungry = count >= room;
        self.end += count.min(room);
    }

    /// Gives the memory back while nothing is buffered, for a connection that falls silent.
    pub fn rest(&mut self) {
        if self.start == self.end {
            (self.buf, self.start, self.end, self.scanned) = (Vec::new(), 0, 0, 0);
        }
    }

    /// Forgets everything, for a stream that begins again.
    pub fn reset(&mut self) {
        *self = Self { buf: std::mem::take(&mut self.buf), ..Self::new(self.framing, self.limit) };
    }

    /// Bytes of a record begun and not finished.
    pub fn pending(&self) -> usize {
        self.end - self.start
    }

    /// Bytes skipped so far because their record was above the limit.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next whole record.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        self.step(false)
    }

    /// The next record when no more bytes will come; what is left at the end is a record too.
    pub fn last_frame(&mut self) -> Option<Frame<'_>> {
        self.step(true)
    }

    fn step(&mut self, ended: bool) -> Option<Frame<'_>> {
        loop {
            let (from, to, truncated) = match self.state {
                State::Start => {
                    self.begin(ended)?;
                    continue;
                }
                State::Line => self.line(ended)?,
                State::Counted(count) => self.counted(count, ended)?,
                State::SkipLine => {
                    self.skip_line()?;
                    continue;
                }
                State::SkipCounted(left) => {
                    self.skip_counted(left)?;
                    continue;
                }
            };
            if from < to {
                return self.buf.get(from..to).map(|record| Frame { record, truncated });
            }
        }
    }

    fn unread(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// Decides what the next frame is; `None`: more bytes are needed.
    fn begin(&mut self, ended: bool) -> Option<()> {
        let zero_too = self.framing != Framing::Lf;
        let noise = self.unread().iter().take_while(|&&b| b == b'\n' || b == 0 && zero_too).count();
        self.start += noise;
        self.scanned = 0;
        if self.start == self.end {
            return None;
        }
        let begin = match self.framing {
            Framing::Lf | Framing::Nul => Begin::Line,
            Framing::Auto | Framing::OctetCount => self.recognize(),
        };
        match begin {
            Begin::Counted(prefix, count) => {
                self.start += prefix;
                self.state = State::Counted(count);
            }
            Begin::Line => self.state = State::Line,
            Begin::Undecided if ended => self.state = State::Line,
            Begin::Undecided => return None,
        }
        Some(())
    }

    fn recognize(&self) -> Begin {
        let bytes = self.unread();
        let digits = bytes.iter().take(MAX_DIGITS + 1).take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > MAX_DIGITS || bytes.first() == Some(&b'0') {
            return Begin::Line;
        }
        let Some(&space) = bytes.get(digits) else { return Begin::Undecided };
        let count = bytes.iter().take(digits).fold(0usize, |n, b| n * 10 + usize::from(b - b'0'));
        if space != b' ' || count > MAX_COUNT {
            return Begin::Line;
        }
        let Some(body) = bytes.get(digits + 1..) else { return Begin::Undecided };
        let trusted = self.framing == Framing::OctetCount || self.previous_counted == Some(true);
        if !trusted {
            match body {
                [] | [b'<'] => return Begin::Undecided,
                [b'{', ..] | [b'<', b'0'..=b'9' | b'E' | b'?', ..] => {}
                _ => return Begin::Line,
            }
        }
        if self.previous_counted == Some(false) && self.framing == Framing::Auto {
            // a line that begins like a count must not swallow the lines after it
            let inner = count.saturating_sub(1).min(self.limit);
            match body.get(..inner.min(body.len())).and_then(|b| memchr(b'\n', b)) {
                Some(_) => return Begin::Line,
                None if body.len() < inner => return Begin::Undecided,
                None => {}
            }
        }
        Begin::Counted(digits + 1, count)
    }

    fn delimiter(&self, bytes: &[u8]) -> Option<usize> {
        match self.framing {
            Framing::Auto | Framing::OctetCount => memchr2(b'\n', 0, bytes),
            Framing::Lf => memchr(b'\n', bytes),
            Framing::Nul => memchr(0, bytes),
        }
    }

    fn line(&mut self, ended: bool) -> Option<(usize, usize, bool)> {
        // a record of exactly the limit may still be followed by CR LF
        let window = self.unread().len().min(self.limit + 2);
        let found = self.unread().get(self.scanned..window).and_then(|b| self.delimiter(b)).map(|at| at + self.scanned);
        let from = self.start;
        let (length, consumed, next) = match found {
            Some(at) => (at, at + 1, State::Start),
            None if window == self.limit + 2 => (window, self.limit, State::SkipLine),
            None if ended => (window, window, State::Start),
            None => {
                self.scanned = window;
                return None;
            }
        };
        self.scanned = 0;
        self.state = next;
        self.start += consumed;
        self.previous_counted = Some(false);
        let bytes = self.buf.get(from..from + length).unwrap_or_default();
        let bytes = bytes.strip_suffix(b"\r").filter(|_| found.is_some()).unwrap_or(bytes);
        Some(self.cut(from, bytes.len(), matches!(next, State::SkipLine)))
    }

    fn counted(&mut self, count: usize, ended: bool) -> Option<(usize, usize, bool)> {
        let wanted = count.min(self.limit);
        let have = self.unread().len();
        if have < wanted && !ended {
            return None;
        }
        let (from, taken) = (self.start, wanted.min(have));
        self.start += taken;
        self.state = if count > taken { State::SkipCounted(count - taken) } else { State::Start };
        self.previous_counted = Some(true);
        let bytes = self.buf.get(from..from + taken).unwrap_or_default();
        let whole = taken == count;
        let length = if whole { trimmed(bytes).len() } else { bytes.len() };
        let (from, to, cut) = self.cut(from, length, count > self.limit);
        Some((from, to, cut || !whole))
    }

    /// Keeps at most the limit; `more` says that the record goes on after `length`.
    fn cut(&mut self, from: usize, length: usize, more: bool) -> (usize, usize, bool) {
        if length <= self.limit && !more {
            return (from, from + length, false);
        }
        let kept = self.buf.get(from..from + length.min(self.limit)).map_or(0, whole_characters);
        // what lies behind the limit inside this frame; the skipping states count what comes later
        self.skipped += if more { (length.min(self.limit) - kept) as u64 } else { (length - kept) as u64 };
        (from, from + kept, true)
    }

    fn skip_line(&mut self) -> Option<()> {
        let bytes = self.unread();
        let (count, found) = match self.delimiter(bytes) {
            Some(at) => (at, true),
            None => (bytes.len(), false),
        };
        self.skipped += count as u64;
        self.start += count + usize::from(found);
        self.state = if found { State::Start } else { State::SkipLine };
        found.then_some(())
    }

    fn skip_counted(&mut self, left: usize) -> Option<()> {
        let count = self.unread().len().min(left);
        self.skipped += count as u64;
        self.start += count;
        self.state = if count == left { State::Start } else { State::SkipCounted(left - count) };
        (count == left).then_some(())
    }
}

/// Length without a character that was cut in the middle, if this is UTF-8 up to there.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let last = bytes.iter().enumerate().skip(tail).rev().find(|(_, b)| **b & 0xc0 != 0x80);
    match last {
        Some((at, &lead)) if lead >= 0xc2 => {
            let needed = if lead >= 0xf0 { 4 } else { 2 + usize::from(lead >= 0xe0) };
            if at > 0 && bytes.len() - at < needed { at } else { bytes.len() }
        }
        _ => bytes.len(),
    }
}

/// A record cut at the limit on a character boundary, and whether that was necessary.
pub fn shortened(record: &[u8], limit: usize) -> (&[u8], bool) {
    match record.get(..limit) {
        Some(head) if record.len() > limit => (head.get(..whole_characters(head)).unwrap_or(head), true),
        _ => (record, false),
    }
}

/// A record without the line ends that senders leave inside counts and datagrams.
pub fn trimmed(record: &[u8]) -> &[u8] {
    let end = record.iter().rposition(|b| !matches!(b, b'\n' | b'\r' | 0)).map_or(0, |at| at + 1);
    record.get(..end).unwrap_or(record)
}
