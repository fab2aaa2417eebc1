//! Protocols of lines: cutting them, and replies that begin with a number of three digits.

/// A line longer than this is taken in pieces.
pub(crate) const MAX_LINE: usize = 8192;

/// A line without its end, and how many bytes it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) length: usize,
}

/// The first line; `None`: it goes on. `last`: no more will come.
pub(crate) fn line(bytes: &[u8], last: bool) -> Option<Line<'_>> {
    let window = bytes.get(..bytes.len().min(MAX_LINE)).unwrap_or(bytes);
    match memchr::memchr(b'\n', window) {
        Some(end) => {
            let text = window.get(..end).unwrap_or_default();
            Some(Line { text: text.strip_suffix(b"\r").unwrap_or(text), length: end + 1 })
        }
        None if last || window.len() == MAX_LINE => Some(Line { text: window, length: window.len() }),
        None => None,
    }
}

/// A reply of FTP and SMTP: of one line, or several that repeat its number.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) text: String,
    pub(crate) length: usize,
}

/// What was found where a reply should be.
#[derive(Debug)]
pub(crate) enum Found {
    Reply(Reply),
    /// It goes on.
    More,
    /// A line that is no reply, of so many bytes.
    Other(usize),
}

/// The first reply.
pub(crate) fn reply(bytes: &[u8], last: bool) -> Found {
    let Some(first) = line(bytes, last) else { return Found::More };
    let Some(code) = code(first.text) else { return Found::Other(first.length) };
    let said = |l: &[u8]| text(l.get(4..).unwrap_or_default());
    let mut out = Reply { code, text: said(first.text), length: first.length };
    if first.text.get(3) != Some(&b'-') {
        return Found::Reply(out);
    }
    while let Some(next) = bytes.get(out.length..).filter(|b| !b.is_empty()).and_then(|b| line(b, last)) {
        out.length += next.length;
        if self::code(next.text) == Some(code) && next.text.get(3) != Some(&b'-') {
            return Found::Reply(out);
        }
        if bytes.len() > 60_000 {
            break;
        }
    }
    if last || bytes.len() > 60_000 { Found::Reply(out) } else { Found::More }
}

fn code(line: &[u8]) -> Option<u16> {
    let digits = line.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) || line.get(3).is_some_and(|b| !matches!(b, b' ' | b'-')) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The first word, and what comes after the blanks behind it.
pub(crate) fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    let end = line.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    (word, rest.trim_ascii())
}

/// Text that may not be text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Base64, as SASL sends it.
pub(crate) fn base64(bytes: &[u8]) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(bytes.trim_ascii()).ok()
}

/// The name of SASL PLAIN (`authzid NUL authcid NUL password`); the password goes nowhere.
pub(crate) fn plain_user(decoded: &[u8]) -> Option<String> {
    let mut parts = decoded.split(|b| *b == 0);
    let (identity, user) = (parts.next()?, parts.next()?);
    Some(text(if user.is_empty() { identity } else { user })).filter(|u| !u.is_empty())
}
/// UTF-16, little endian.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c.first().copied().unwrap_or(0), c.get(1).copied().unwrap_or(0)]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).take_while(|c| *c != '\0').collect()
}
