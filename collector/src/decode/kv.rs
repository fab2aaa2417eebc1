//! key=value text: FortiGate, iptables, auditd, PAM tails and hundreds of others, as data configures it.

use fansipan_model::Value;
use memchr::{memchr, memchr2, memmem};

use super::Each;

/// How pairs are written.
#[derive(Clone, Debug)]
pub struct KvSpec {
    /// Between pairs. `None`: any run of blanks.
    pub pair: Option<Box<str>>,
    /// Between key and value.
    pub value: Box<str>,
    /// Characters a value may be quoted with.
    pub quotes: Box<[u8]>,
    /// Pairs begin here; text before it is the pair `_before`.
    pub start: Option<Box<str>>,
    /// Pairs end before this text.
    pub stop: Option<Box<str>>,
}

impl Default for KvSpec {
    fn default() -> Self {
        Self { pair: None, value: "=".into(), quotes: (*b"\"'").into(), start: None, stop: None }
    }
}

/// A key longer than this is text that happens to hold the separator.
const MAX_KEY: usize = 128;

impl KvSpec {
    /// Calls `each` for every pair, in order, and for words that are no pair as `_flag`. How many pairs there were.
    pub fn decode(&self, text: &str, each: &mut Each<'_>) -> usize {
        let mut rest = text;
        if let Some(start) = &self.start {
            let Some(at) = memmem::find(text.as_bytes(), start.as_bytes()) else { return 0 };
            let (before, pairs) = text.split_at_checked(at).unwrap_or(("", text));
            if !before.trim().is_empty() {
                each("_before", Value::Str(before.trim()));
            }
            rest = pairs;
        }
        if let Some(stop) = &self.stop
            && let Some(at) = memmem::find(rest.as_bytes(), stop.as_bytes())
        {
            rest = rest.get(..at).unwrap_or(rest);
        }
        match &self.pair {
            None if &*self.value == "=" => self.blanks(rest, each),
            pair => self.general(rest, pair.as_deref().unwrap_or(" "), each),
        }
    }

    /// Pairs between blanks, `=` between key and value: the hot path.
    fn blanks(&self, text: &str, each: &mut Each<'_>) -> usize {
        let bytes = text.as_bytes();
        let (mut at, mut count) = (0, 0);
        while let Some(&first) = bytes.get(at) {
            if first.is_ascii_whitespace() || first == b',' && bytes.get(at + 1).is_none_or(u8::is_ascii_whitespace) {
                at += 1;
                continue;
            }
            let word_end =
                |from: usize| bytes.get(from..).and_then(|b| b.iter().position(u8::is_ascii_whitespace)).map_or(bytes.len(), |n| from + n);
            let Some(equals) = bytes.get(at..).and_then(|b| b.iter().position(|&b| b == b'=' || b.is_ascii_whitespace())).map(|n| at + n)
            else {
                flag(text.get(at..), each);
                break;
            };
            if bytes.get(equals) != Some(&b'=') || equals == at || equals - at > MAX_KEY {
                let end = word_end(equals);
                flag(text.get(at..end), each);
                at = end.max(at + 1);
                continue;
            }
            let key = text.get(at..equals).unwrap_or("");
            let value = equals + 1;
            count += 1;
            at = match bytes.get(value) {
                Some(quote) if self.quotes.contains(quote) => self.quoted(text, key, value, each),
                _ => {
                    let end = word_end(value);
                    each(key, Value::Str(text.get(value..end).unwrap_or("")));
                    end
                }
            };
        }
        count
    }

    /// A value in quotes that begins at `open`. Where the text goes on.
    fn quoted(&self, text: &str, key: &str, open: usize, each: &mut Each<'_>) -> usize {
        let bytes = text.as_bytes();
        let quote = bytes.get(open).copied().unwrap_or(b'"');
        let mut at = open + 1;
        let mut escaped = false;
        loop {
            match bytes.get(at..).and_then(|b| memchr2(quote, b'\\', b)).map(|n| at + n) {
                Some(found)
                    if bytes.get(found) == Some(&b'\\') && matches!(bytes.get(found + 1), Some(b) if *b == quote || *b == b'\\') =>
                {
                    // `C:\dir\"` ends a path rather than escaping the quote when a new pair or the end follows
                    if bytes.get(found + 1) == Some(&quote) && ends_value(bytes, found + 2) && !later_quote(bytes, found + 2, quote) {
                        each(key, Value::Str(text.get(open + 1..found + 1).unwrap_or("")));
                        return found + 2;
                    }
                    escaped = true;
                    at = found + 2;
                }
                Some(found) if bytes.get(found) == Some(&b'\\') => at = found + 1,
                Some(found) if !ends_value(bytes, found + 1) && later_quote(bytes, found + 1, quote) => at = found + 1, // a quote inside
                Some(found) => {
                    let inner = text.get(open + 1..found).unwrap_or("");
                    if escaped {
                        each(key, Value::Str(&unescape(inner, quote)))
                    } else {
                        each(key, Value::Str(inner))
                    }
                    return found + 1;
                }
                None => {
                    // the closing quote is missing: cut short on the way
                    each(key, Value::Str(text.get(open + 1..).unwrap_or("")));
                    return bytes.len();
                }
            }
        }
    }

    /// Any separators.
    fn general(&self, text: &str, pair: &str, each: &mut Each<'_>) -> usize {
        let mut count = 0;
        let mut rest = text;
        while !rest.trim_start().is_empty() {
            rest = rest.trim_start();
            let key_end = memmem::find(rest.as_bytes(), self.value.as_bytes()).unwrap_or(usize::MAX);
            let pair_end = memmem::find(rest.as_bytes(), pair.as_bytes());
            if key_end == usize::MAX || key_end > MAX_KEY || pair_end.is_some_and(|p| p < key_end) {
                let (word, after) = split(rest, pair_end, pair.len());
                flag(Some(word), each);
                rest = after;
                continue;
            }
            let key = rest.get(..key_end).unwrap_or("").trim();
            let value = rest.get(key_end + self.value.len()..).unwrap_or("");
            count += usize::from(!key.is_empty());
            match value.as_bytes().first() {
                Some(quote) if self.quotes.contains(quote) => {
                    let used = if key.is_empty() { value.len() } else { self.quoted(value, key, 0, each) };
                    rest = value.get(used..).unwrap_or("");
                    rest = rest.strip_prefix(pair).unwrap_or(rest);
                }
                _ => {
                    let (word, after) = split(value, memmem::find(value.as_bytes(), pair.as_bytes()), pair.len());
                    if !key.is_empty() {
                        each(key, Value::Str(word.trim()));
                    }
                    rest = after;
                }
            }
        }
        count
    }
}

fn split(text: &str, at: Option<usize>, separator: usize) -> (&str, &str) {
    match at {
        Some(at) => (text.get(..at).unwrap_or(""), text.get(at + separator..).unwrap_or("")),
        None => (text, ""),
    }
}

fn flag(word: Option<&str>, each: &mut Each<'_>) {
    if let Some(word) = word.map(str::trim).filter(|w| !w.is_empty()) {
        each("_flag", Value::Str(word));
    }
}

/// Whether a value that stops before `at` is followed by the end or by something that separates pairs.
fn ends_value(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';' | b'|' | b')' | b']'))
}

/// Whether the same quote closes something later before another pair opens one (`="`).
fn later_quote(bytes: &[u8], from: usize, quote: u8) -> bool {
    let Some(rest) = bytes.get(from..) else { return false };
    match memchr(quote, rest) {
        Some(0) => true,
        Some(n) => rest.get(n - 1) != Some(&b'='),
        None => false,
    }
}

fn unescape(text: &str, quote: u8) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next_if(|&n| n == '\\' || u32::from(n) == u32::from(quote)) {
                Some(n) => out.push(n),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::KvSpec;

    fn pairs(spec: &KvSpec, text: &str) -> Vec<(String, String)> {
        let mut out = Vec::new();
        spec.decode(text, &mut |k, v| out.push((k.to_owned(), v.text().unwrap_or_default().into_owned())));
        out
    }

    fn check(spec: &KvSpec, text: &str, expected: &[(&str, &str)]) {
        let got = pairs(spec, text);
        let got: Vec<(&str, &str)> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn blanks_and_quotes() {
        let spec = KvSpec::default();
        check(&spec, r#"a=1 b="x y" c='it is' d= e"#, &[("a", "1"), ("b", "x y"), ("c", "it is"), ("d", ""), ("_flag", "e")]);
        check(&spec, r#"msg="he said \"no\"" n=1"#, &[("msg", r#"he said "no""#), ("n", "1")]);
        check(&spec, r#"path="C:\dir\" n=1"#, &[("path", r"C:\dir\"), ("n", "1")]);
        check(&spec, r#"url="a?b=c&d="e"f" n=1"#, &[("url", r#"a?b=c&d="e"f"#), ("n", "1")]);
        check(&spec, r#"cut="no end n=1"#, &[("cut", "no end n=1")]);
        check(&spec, "=x =", &[("_flag", "=x"), ("_flag", "=")]);
        check(&spec, "", &[]);
    }

    #[test]
    fn other_separators() {
        let spec = KvSpec { pair: Some(" ; ".into()), ..KvSpec::default() };
        check(
            &spec,
            "TTY=pts/0 ; PWD=/home/a b ; COMMAND=/bin/ls a=b",
            &[("TTY", "pts/0"), ("PWD", "/home/a b"), ("COMMAND", "/bin/ls a=b")],
        );
        let spec = KvSpec { pair: Some(", ".into()), value: ": ".into(), ..KvSpec::default() };
        check(
            &spec,
            r#"client: 10.0.0.1, server: _, request: "GET /a, b HTTP/1.1""#,
            &[("client", "10.0.0.1"), ("server", "_"), ("request", "GET /a, b HTTP/1.1")],
        );
    }

    #[test]
    fn start_marks_the_first_pair() {
        let spec = KvSpec { start: Some("IN=".into()), ..KvSpec::default() };
        check(
            &spec,
            "[12.5] DROP IN=eth0 OUT= SRC=10.0.0.1 DF",
            &[("_before", "[12.5] DROP"), ("IN", "eth0"), ("OUT", ""), ("SRC", "10.0.0.1"), ("_flag", "DF")],
        );
        check(&spec, "nothing here", &[]);
    }
}
