//! The head of a request or response: a first line and fields, read as leniently as servers and browsers do.

use std::borrow::Cow;

/// A head in the bytes it came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub(super) first: &'a [u8],
    fields: &'a [u8],
    /// Bytes up to the body.
    pub(super) length: usize,
}

impl<'a> Head<'a> {
    /// The head at the beginning of `bytes`; `None`: it goes on. `last`: take what there is.
    pub(super) fn find(bytes: &'a [u8], last: bool) -> Option<Self> {
        let line = memchr::memchr(b'\n', bytes);
        let Some(line) = line else { return last.then_some(Head { first: trim(bytes), fields: &[], length: bytes.len() }) };
        let first = trim(bytes.get(..line)?);
        let mut at = line + 1;
        let begin = at;
        loop {
            let rest = bytes.get(at..)?;
            match memchr::memchr(b'\n', rest) {
                Some(end) => {
                    let blank = trim(rest.get(..end)?).is_empty();
                    at += end + 1;
                    if blank {
                        return Some(Head { first, fields: bytes.get(begin..at)?, length: at });
                    }
                }
                None if last => return Some(Head { first, fields: bytes.get(begin..)?, length: bytes.len() }),
                None => return None,
            }
        }
    }

    /// Names and values, in order; folded lines are joined to the value they continue.
    pub(super) fn fields(&self) -> Vec<(&'a [u8], Cow<'a, [u8]>)> {
        let mut out: Vec<(&[u8], Cow<'_, [u8]>)> = Vec::new();
        for line in self.fields.split(|b| *b == b'\n') {
            let folded = line.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
            let line = trim(line);
            if line.is_empty() {
                continue;
            }
            match (folded, out.last_mut()) {
                (true, Some((_, value))) => {
                    let value = value.to_mut();
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
                _ => {
                    if let Some(colon) = memchr::memchr(b':', line) {
                        let (name, value) = line.split_at(colon);
                        out.push((name.trim_ascii(), Cow::Borrowed(value.get(1..).unwrap_or_default().trim_ascii())));
                    }
                }
            }
            if out.len() > 512 {
                break;
            }
        }
        out
    }
}

fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// `GET /path HTTP/1.1` in its three parts; the version is absent in HTTP/0.9.
pub(super) fn request_line(line: &[u8]) -> Option<(&[u8], &[u8], Option<&[u8]>)> {
    let space = line.iter().position(|b| matches!(b, b' ' | b'\t'))?;
    let (method, rest) = line.split_at(space);
    let rest = rest.trim_ascii();
    match rest.windows(5).rposition(|w| w.eq_ignore_ascii_case(b"HTTP/")) {
        Some(0) => Some((method, b"", rest.get(5..))),
        Some(at) if rest.get(at - 1).is_some_and(|b| matches!(b, b' ' | b'\t')) => {
            Some((method, rest.get(..at)?.trim_ascii(), rest.get(at + 5..)))
        }
        // a line that was cut in its version
        _ => match rest.iter().rposition(|b| *b == b' ').map(|at| rest.split_at(at)) {
            Some((target, [_, version @ ..])) if b"HTTP".starts_with(version) => Some((method, target.trim_ascii(), Some(b""))),
            _ => Some((method, rest, None)),
        },
    }
}

/// `HTTP/1.1 200 OK`: version and status.
pub(super) fn status_line(line: &[u8]) -> Option<(&[u8], u16)> {
    let rest = line.get(5..)?;
    let space = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
    let (version, rest) = rest.split_at(space);
    let digits = rest.trim_ascii_start();
    let digits = digits.get(..digits.iter().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len()))?;
    let status = std::str::from_utf8(digits).ok()?.parse().unwrap_or(0);
    Some((version, status))
}

/// Methods a request may begin with; others are believed when the line ends as a request does.
pub(super) const METHODS: [&[u8]; 26] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"CONNECT",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"NOTIFY",
    b"BCOPY",
    b"BMOVE",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
    b"DEBUG",
];
