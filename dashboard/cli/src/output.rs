//! Tables for people, JSON lines for programs; control characters from logs never reach the terminal.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, Write},
};

use comfy_table::{ContentArrangement, LineStyle, Table, presets};
use fansipan_model::{Word, incident::named};

use crate::args::Cli;

/// Columns before the text of a labelled line: every word of ours fits in either language.
pub(crate) const LABEL: usize = 17;
/// Above a column, or before a line, that says by itself what it is.
pub(crate) const BLANK: Word = Word::new("", "");

/// Whether a terminal may take the letter for an order, or it turns the text around it: C0 and C1 controls, marks and overrides of
/// the writing direction, line and paragraph separators.
fn control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text safe to print: control characters (ESC among them) become visible pictures, so that a log line cannot drive the
/// operator's terminal.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(control) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            c if control(c) => '\u{fffd}',
            c => c,
        })
        .collect::<String>()
        .into()
}

/// Bytes on their way to a terminal: what could drive it is written as it would be in a table; ends of lines stay.
pub(crate) struct Harmless<W> {
    out: W,
    /// The beginning of a letter, or of the end of a line, whose end has not come.
    rest: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, rest: Vec::new() }
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            _ => self.rest.len(),
        };
        // a carriage return may be half of the end of a line
        let whole = if self.rest.get(..whole).is_some_and(|r| r.ends_with(b"\r")) { whole - 1 } else { whole };
        let tail = self.rest.split_off(whole);
        let text = String::from_utf8_lossy(&self.rest).into_owned();
        self.rest = tail;
        for line in text.split_inclusive('\n') {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |l| (l.strip_suffix('\r').unwrap_or(l), "\n"));
            self.out.write_all(harmless(line).as_bytes())?;
            self.out.write_all(end.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A word above a column, in the reader's language.
pub(crate) fn head(cli: &Cli, word: Word) -> String {
    cli.say(&word).to_uppercase()
}

/// Prints a table whose columns are named by words.
pub(crate) fn table(cli: &Cli, heads: &[Word], rows: impl IntoIterator<Item = Vec<String>>) -> io::Result<()> {
    columns(heads.iter().map(|word| head(cli, *word)), rows)
}

/// Prints a table whose columns are named by what stands here; they fit the terminal.
pub(crate) fn columns(heads: impl IntoIterator<Item = String>, rows: impl IntoIterator<Item = Vec<String>>) -> io::Result<()> {
    let mut table = Table::new();
    // a line under the head alone: a line between rows would halve what a terminal shows
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(heads);
    for row in rows {
        table.add_row(row.iter().map(|cell| harmless(cell).into_owned()));
    }
    line(&table.to_string())
}

/// Prints a text behind its label; nothing where there is no text.
pub(crate) fn field(cli: &Cli, label: impl Display, text: &str) -> io::Result<()> {
    if text.is_empty() { Ok(()) } else { line(&format!("{:<LABEL$} {}", cli.say(&label), harmless(text))) }
}

/// The same for what one looks for also where it is not known: a dash stands there.
pub(crate) fn field_or_dash(cli: &Cli, label: impl Display, text: &str) -> io::Result<()> {
    field(cli, label, if text.is_empty() { "–" } else { text })
}

/// Prints a sentence in the reader's language, as one line.
pub(crate) fn say(cli: &Cli, sentence: &impl Display) -> io::Result<()> {
    line(&harmless(&cli.say(sentence)))
}

/// Prints one line; a closed pipe (`| head`) ends the program quietly at the caller through the error.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")
}

/// Prints one JSON value as one line. Controls that JSON leaves as they are (C1, DEL, writing directions) are written as escapes: the
/// same value, and harmless on a terminal.
pub(crate) fn json(value: &serde_json::Value) -> io::Result<()> {
    line(&escaped(&value.to_string()))
}

fn escaped(json: &str) -> Cow<'_, str> {
    // the end of a line is the only control that stands outside a text
    let control = |c: char| c != '\n' && control(c);
    if !json.chars().any(control) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if control(c) { out.push_str(&format!("\\u{:04x}", c as u32)) } else { out.push(c) }
    }
    out.into()
}

/// A line of JSON as bytes, as [`json`] would print it; costs one look at each byte where there is nothing to escape.
pub(crate) fn harmless_json(line: &[u8]) -> Cow<'_, [u8]> {
    // DEL, and what the other letters begin with in UTF-8; JSON itself escapes what is below 0x20
    if !line.iter().any(|b| matches!(b, 0x7f | 0xc2 | 0xd8 | 0xe2)) {
        return Cow::Borrowed(line);
    }
    match std::str::from_utf8(line).map(escaped) {
        Ok(Cow::Owned(text)) => text.into_bytes().into(),
        _ => Cow::Borrowed(line),
    }
}

/// An instant for people: to the second.
pub(crate) fn instant(value: &serde_json::Value, path: &str) -> String {
    let text = cell(value, path);
    match text.parse::<jiff::Timestamp>().and_then(|t| t.round(jiff::Unit::Second)) {
        Ok(t) => t.to_string(),
        Err(_) => text,
    }
}

/// A text in the reader's language: `text_vi` beside `text`, where there is one.
pub(crate) fn text(cli: &Cli, value: &serde_json::Value, path: &str) -> String {
    let vietnamese = if cli.vietnamese() { cell(value, &format!("{path}_vi")) } else { String::new() };
    if vietnamese.is_empty() { cell(value, path) } else { vietnamese }
}

/// Tactics and groups of incidents in the reader's language; what has no name stands as it is.
pub(crate) fn names(cli: &Cli, ids: &[String]) -> Vec<String> {
    ids.iter().map(|id| named(id).map_or_else(|| id.clone(), |name| name.in_language(cli.vietnamese()).to_owned())).collect()
}

/// Text of a JSON scalar for a table cell; empty for null and absent.
pub(crate) fn cell(value: &serde_json::Value, path: &str) -> String {
    let at = path.split('/').try_fold(value, |v, key| v.get(key));
    match at {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
    }
}

/// Percent-encoding of a path segment (RFC 3986 §2.1): source ids hold `:` and `/`.
pub(crate) fn escape(segment: &str) -> String {
    segment
        .bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}

/// Now, UTC nanoseconds: the time of arrival of what is read from files.
pub(crate) fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{Harmless, escaped, harmless};

    #[test]
    fn what_streams_to_a_terminal_is_harmless_however_it_is_cut() {
        let text = "tên,\u{1b}[2J\u{9b}31m,đ\r\nnext\n";
        for size in 1..text.len() {
            let mut out = Harmless::new(Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| out.write_all(piece).unwrap());
            assert_eq!(String::from_utf8(out.out).unwrap(), "tên,␛[2J\u{fffd}31m,đ\nnext\n");
        }
    }

    #[test]
    fn json_stays_the_same_value_without_controls() {
        let value = serde_json::json!({ "m\u{9b}": "\u{1b}[2J \u{9b}2J \u{7f} \u{202e}x Đăng" });
        let text = value.to_string();
        let harmless = escaped(&text);
        assert!(!harmless.chars().any(super::control) && harmless.contains("\\u009b") && harmless.contains("Đăng"), "{harmless}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&harmless).unwrap(), value);
    }

    #[test]
    fn escapes_in_logs_cannot_drive_the_terminal() {
        assert_eq!(harmless("ok \u{1b}[2J\u{7}x\ny"), "ok ␛[2J␇x y");
        assert_eq!(harmless("tên \u{202e}gpj.exe"), "tên \u{fffd}gpj.exe");
        assert_eq!(harmless("Đăng nhập"), "Đăng nhập");
    }
}
