//! Bytes to records for `parse`, files and standard input: mostly a line each; some records span lines.
//!
//! Joined are: auditd's lines of one serial number (`msg=audit(time:serial)`; lines of a few events may be mixed, as processors
//! write them at the same time), Windows' `<Event>…</Event>`, and JSON objects that are printed over several lines,
//! alone or in an array. Blank lines are no records. Everything is bounded: a "line" of gigabytes is cut at the limit
//! into one flagged record, its rest skipped and counted.

use std::{
    collections::VecDeque,
    io::{BufRead, Result},
};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The bytes, without the line end; joined lines keep the line ends between them.
    pub bytes: Vec<u8>,
    /// Whether the limit cut it.
    pub truncated: bool,
}

/// Longest record, bytes: a Windows event or an audit event with long arguments fits many times over.
pub const RECORD_LIMIT: usize = 1 << 20;

/// Lines of one audit event that may be joined: execve with 100 kB of arguments comes in about a hundred.
const JOIN_LIMIT: usize = 1_000;

/// Iterator over the records of a reader.
#[derive(Debug)]
pub struct Records<R> {
    reader: R,
    limit: usize,
    /// A line read ahead that was not of the previous record.
    ahead: Option<Record>,
    /// Audit events whose lines may still be coming, in the order of their first lines.
    open: VecDeque<Open>,
    skipped: u64,
}

/// An audit event being joined.
#[derive(Debug)]
struct Open {
    record: Record,
    serial: Vec<u8>,
    lines: usize,
    /// `type=EOE` was seen, or no more lines may be joined.
    complete: bool,
}

impl Open {
    fn empty() -> Self {
        Self { record: Record { bytes: Vec::new(), truncated: false }, serial: Vec::new(), lines: 0, complete: true }
    }
}

/// Audit events that are joined at the same time.
const OPEN_LIMIT: usize = 8;

/// How a line goes together with the next ones.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Joint {
    Single,
    Audit(Vec<u8>),
    Xml,
    Json,
    /// An object of an array, on one line.
    Element,
}

impl<R: BufRead> Records<R> {
    /// Records of `reader`, none longer than [`RECORD_LIMIT`].
    pub fn new(reader: R) -> Self {
        Self::with_limit(reader, RECORD_LIMIT)
    }

    /// Records of `reader`, none longer than `limit` bytes.
    pub fn with_limit(reader: R, limit: usize) -> Self {
        Self { reader, limit: limit.max(1), ahead: None, open: VecDeque::new(), skipped: 0 }
    }

    /// Bytes that were cut off so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next line that is not blank. `None` at the end.
    fn line(&mut self) -> Result<Option<Record>> {
        if let Some(line) = self.ahead.take() {
            return Ok(Some(line));
        }
        loop {
            let mut record = Record { bytes: Vec::new(), truncated: false };
            let mut ended = false;
            let mut any = false;
            while !ended {
                let chunk = self.reader.fill_buf()?;
                if chunk.is_empty() {
                    break;
                }
                any = true;
                let end = memchr::memchr(b'\n', chunk);
                ended = end.is_some();
                let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or(chunk);
                let room = self.limit - record.bytes.len();
                let kept = part.get(..room.min(part.len())).unwrap_or(part);
                record.bytes.extend_from_slice(kept);
                if kept.len() < part.len() {
                    record.truncated = true;
                    self.skipped += (part.len() - kept.len()) as u64;
                }
                let used = part.len() + usize::from(ended);
                self.reader.consume(used);
            }
            if !any {
                return Ok(None);
            }
            while record.bytes.last() == Some(&b'\r') {
                record.bytes.pop();
            }
            // the brackets of an array of objects, each a record, are no records either
            if !matches!(record.bytes.trim_ascii(), b"" | b"[" | b"]") {
                return Ok(Some(record));
            }
        }
    }

    /// Adds a line to a record. Whether the limit allowed it.
    fn append(&mut self, record: &mut Record, line: &Record) {
        let room = self.limit.saturating_sub(record.bytes.len() + 1);
        let kept = line.bytes.get(..room.min(line.bytes.len())).unwrap_or(&line.bytes);
        if room > 0 {
            record.bytes.push(b'\n');
            record.bytes.extend_from_slice(kept);
        }
        record.truncated |= line.truncated || kept.len() < line.bytes.len();
        self.skipped += (line.bytes.len() - kept.len()) as u64;
    }

    fn record(&mut self) -> Result<Option<Record>> {
        loop {
            if self.open.front().is_some_and(|o| o.complete) || self.open.len() > OPEN_LIMIT {
                return Ok(self.open.pop_front().map(|o| o.record));
            }
            let Some(mut record) = self.line()? else { return Ok(self.open.pop_front().map(|o| o.record)) };
            match joint(&record.bytes) {
                Joint::Audit(serial) => self.join_audit(record, serial),
                // any other line: the audit events before it come first
                _ if !self.open.is_empty() => {
                    self.ahead = Some(record);
                    return Ok(self.open.pop_front().map(|o| o.record));
                }
                Joint::Single => return Ok(Some(record)),
                Joint::Element => {
                    trim_comma(&mut record);
                    return Ok(Some(record));
                }
                Joint::Xml => {
                    let closed = |bytes: &[u8], from: usize| memchr::memmem::find(bytes.get(from..).unwrap_or(&[]), b"</Event>").is_some();
                    self.join_until(&mut record, closed)?;
                    return Ok(Some(record));
                }
                Joint::Json => {
                    self.join_json(&mut record)?;
                    trim_comma(&mut record);
                    return Ok(Some(record));
                }
            }
        }
    }

    /// Adds an audit line to its event, or begins one.
    fn join_audit(&mut self, line: Record, serial: Vec<u8>) {
        let Some(at) = self.open.iter().position(|o| o.serial == serial && !o.complete) else {
            return self.open.push_back(Open { record: line, serial, lines: 1, complete: false });
        };
        let Some(mut open) = self.open.get_mut(at).map(|o| std::mem::replace(o, Open::empty())) else { return };
        open.lines += 1;
        open.complete =
            open.lines >= JOIN_LIMIT || memchr::memmem::find(line.bytes.get(..64).unwrap_or(&line.bytes), b"type=EOE").is_some();
        self.append(&mut open.record, &line);
        if let Some(place) = self.open.get_mut(at) {
            *place = open;
        }
    }

    /// Joins lines until `done(bytes, where the new line begins)`.
    fn join_until(&mut self, record: &mut Record, done: impl Fn(&[u8], usize) -> bool) -> Result<()> {
        let mut from = 0;
        while !done(&record.bytes, from) && record.bytes.len() + 1 < self.limit {
            let Some(line) = self.line()? else { return Ok(()) };
            from = record.bytes.len();
            self.append(record, &line);
        }
        Ok(())
    }

    /// Joins lines until braces balance outside strings.
    fn join_json(&mut self, record: &mut Record) -> Result<()> {
        let mut balance = Balance::default();
        let mut from = 0;
        loop {
            balance.feed(record.bytes.get(from..).unwrap_or(&[]));
            if balance.depth <= 0 || record.bytes.len() + 1 >= self.limit {
                return Ok(());
            }
            let Some(line) = self.line()? else { return Ok(()) };
            // a new object at the margin: the one before was cut short, and must not swallow the rest of the file
            if line.bytes.first() == Some(&b'{') && balance.depth > 0 {
                self.ahead = Some(line);
                return Ok(());
            }
            from = record.bytes.len();
            self.append(record, &line);
        }
    }
}

/// Open braces and brackets of JSON text, strings left out.
#[derive(Default)]
struct Balance {
    depth: i64,
    in_string: bool,
    escaped: bool,
}

impl Balance {
    fn feed(&mut self, bytes: &[u8]) {
        for &b in bytes {
            if self.in_string {
                match b {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' | b'\n' => self.in_string = false, // JSON strings hold no line ends
                    _ => {}
                }
            } else {
                match b {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth -= 1,
                    _ => {}
                }
            }
        }
    }
}

/// Takes off the comma that parts the objects of an array.
fn trim_comma(record: &mut Record) {
    if record.bytes.trim_ascii().ends_with(b"},") {
        let end = record.bytes.trim_ascii_end().len() - 1;
        record.bytes.truncate(end);
    }
}

fn joint(line: &[u8]) -> Joint {
    let trimmed = line.trim_ascii();
    if let Some(serial) = audit_serial(line) {
        return Joint::Audit(serial.to_vec());
    }
    let xml = trimmed.starts_with(b"<Event>") || trimmed.starts_with(b"<Event ") || trimmed.starts_with(b"<?xml");
    if xml {
        return Joint::Xml;
    }
    // an object that is closed on its line is the common case and needs no look at every byte
    match trimmed {
        [b'{', .., b'}'] => Joint::Single,
        [b'{', .., b'}', b','] => Joint::Element,
        [b'{', ..] => Joint::Json,
        _ => Joint::Single,
    }
}

/// `1700000000.123:456` of `msg=audit(1700000000.123:456):`, and the node before it where several write to one file.
fn audit_serial(line: &[u8]) -> Option<&[u8]> {
    let head = line.get(..line.len().min(400))?;
    let at = memchr::memmem::find(head, b"msg=audit(")? + b"msg=audit(".len();
    let before = head.get(..at)?;
    if memchr::memmem::find(before, b"type=").is_none() && memchr::memmem::find(before, b"audit").is_none() {
        return None;
    }
    let end = at + memchr::memchr(b')', head.get(at..)?)?;
    let serial = head.get(at..end)?;
    serial.contains(&b':').then_some(serial)
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        self.record().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        Records::new(text.as_bytes()).map(|r| String::from_utf8(r.unwrap().bytes).unwrap()).collect()
    }

    #[test]
    fn lines_and_joints() {
        let cases: [(&str, &[&str]); 8] = [
            ("a\n\n  \r\nb\r\nc", &["a", "b", "c"]),
            (
                "type=SYSCALL msg=audit(1.0:7): a\ntype=PATH msg=audit(1.0:7): b\ntype=SYSCALL msg=audit(1.0:8): c\nx\n",
                &["type=SYSCALL msg=audit(1.0:7): a\ntype=PATH msg=audit(1.0:7): b", "type=SYSCALL msg=audit(1.0:8): c", "x"],
            ),
            (
                "type=SYSCALL msg=audit(1.0:7): a\ntype=SYSCALL msg=audit(1.0:8): b\ntype=EOE msg=audit(1.0:7):\ntype=CWD msg=audit(1.0:8): c\nx\n",
                &[
                    "type=SYSCALL msg=audit(1.0:7): a\ntype=EOE msg=audit(1.0:7):",
                    "type=SYSCALL msg=audit(1.0:8): b\ntype=CWD msg=audit(1.0:8): c",
                    "x",
                ],
            ),
            (
                "<Event xmlns='x'>\n <System/>\n</Event>\n<Event/>x</Event>\n",
                &["<Event xmlns='x'>\n <System/>\n</Event>", "<Event/>x</Event>"],
            ),
            ("{\n \"a\": \"}\",\n \"b\": [1]\n}\n{\"c\":1}\n", &["{\n \"a\": \"}\",\n \"b\": [1]\n}", "{\"c\":1}"]),
            ("{\"cut\": \n{\"whole\":1}\n", &["{\"cut\": ", "{\"whole\":1}"]),
            ("[\n  {\n    \"a\": 1\n  },\n  {\"b\": 2},\n  {\"c\": 3}\n]\n", &["  {\n    \"a\": 1\n  }", "  {\"b\": 2}", "  {\"c\": 3}"]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    /// A line of many megabytes without holding it anywhere.
    struct Endless(u64);

    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n = (self.0.min(buffer.len() as u64)) as usize;
            buffer.iter_mut().take(n).for_each(|b| *b = b'x');
            self.0 -= n as u64;
            Ok(n)
        }
    }

    #[test]
    fn an_endless_line_is_cut_and_counted() {
        let length = 256u64 << 20;
        let mut records = Records::with_limit(std::io::BufReader::new(Endless(length)), 1000);
        let record = records.next().unwrap().unwrap();
        assert_eq!((record.bytes.len(), record.truncated), (1000, true));
        assert_eq!(records.skipped(), length - 1000);
        assert!(records.next().is_none());
    }

    #[test]
    fn joined_records_are_bounded_too() {
        let text = "<Event>\n".to_owned() + &"<x/>\n".repeat(10_000);
        let mut records = Records::with_limit(text.as_bytes(), 1000);
        let longest = records.by_ref().map(|r| r.unwrap().bytes.len()).max().unwrap();
        assert!(longest <= 1000, "{longest}");
    }
}
