//! Lines that are one record: auditd writes an event as several lines with one serial number.
//!
//! A group is complete with its `type=EOE` line, with the first line of another serial, or after a while of silence.

use memchr::memmem::find;

/// Lines of one event at most; execve with 100 kB of arguments comes in about a hundred.
const MAX_LINES: usize = 1000;
/// Bytes of one event at most.
const MAX_BYTES: usize = 1 << 20;

/// The group being collected.
#[derive(Debug, Default)]
pub(super) struct Group {
    bytes: Vec<u8>,
    serial: Vec<u8>,
    lines: usize,
    truncated: bool,
    /// Offset in the file of its first byte.
    start: u64,
}

impl Group {
    /// Where the group begins, if there is one.
    pub(super) fn start(&self) -> Option<u64> {
        (self.lines > 0).then_some(self.start)
    }

    /// Whether the line goes on with this group.
    pub(super) fn takes(&self, line: &[u8]) -> bool {
        self.lines > 0
            && self.lines < MAX_LINES
            && self.bytes.len() + line.len() < MAX_BYTES
            && serial(line).is_some_and(|s| s == self.serial)
    }

    /// Whether a line begins a group: all but the last of an event.
    pub(super) fn begins_with(line: &[u8]) -> bool {
        serial(line).is_some() && !is_last(line)
    }

    /// Adds a line; `start` is where it begins. Whether the group is complete with it.
    pub(super) fn add(&mut self, line: &[u8], truncated: bool, start: u64) -> bool {
        if self.lines == 0 {
            self.start = start;
            self.serial.extend_from_slice(serial(line).unwrap_or_default());
        } else {
            self.bytes.push(b'\n');
        }
        self.bytes.extend_from_slice(line);
        self.lines += 1;
        self.truncated |= truncated;
        is_last(line)
    }

    /// The record, and whether a part of it was cut. The group stays until [`Group::clear`].
    pub(super) fn record(&self) -> Option<(&[u8], bool)> {
        (self.lines > 0).then_some((&self.bytes[..], self.truncated))
    }

    /// Ready for the next group.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.serial.clear();
        (self.lines, self.truncated) = (0, false);
    }
}

/// `1700000000.123:456` of `type=SYSCALL msg=audit(1700000000.123:456): …`, a `node=` before it allowed.
fn serial(line: &[u8]) -> Option<&[u8]> {
    if !line.starts_with(b"type=") && !line.starts_with(b"node=") {
        return None;
    }
    let head = line.get(..line.len().min(400))?;
    let at = find(head, b"msg=audit(")? + b"msg=audit(".len();
    let rest = head.get(at..)?;
    rest.get(..memchr::memchr(b')', rest)?).filter(|s| s.contains(&b':'))
}

fn is_last(line: &[u8]) -> bool {
    find(line.get(..line.len().min(300)).unwrap_or(line), b"type=EOE ").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_serial_are_one_record() {
        let lines: &[&[u8]] = &[b"type=SYSCALL msg=audit(1.0:7): a", b"type=PATH msg=audit(1.0:7): b", b"type=EOE msg=audit(1.0:7): "];
        let mut group = Group::default();
        assert!(Group::begins_with(lines[0]) && !Group::begins_with(lines[2]) && !Group::begins_with(b"Nov 23 msg=audit(1.0:7): x"));
        assert!(!group.takes(lines[0]) && !group.add(lines[0], false, 10));
        assert!(group.takes(lines[1]) && !group.takes(b"type=PATH msg=audit(1.0:8): b"));
        assert!(!group.add(lines[1], true, 20) && group.add(lines[2], false, 30));
        assert_eq!((group.start(), group.record()), (Some(10), Some((&lines.join(&b'\n')[..], true))));
        group.clear();
        assert_eq!((group.start(), group.record()), (None, None));
        for _ in 0..MAX_LINES {
            group.add(lines[1], false, 0);
        }
        assert!(!group.takes(lines[1]), "bounded");
    }
}
