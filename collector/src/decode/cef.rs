//! ArcSight Common Event Format, revision 25 and as really sent: labels of custom fields, escapes and the lack of them.

use std::borrow::Cow;

use fansipan_model::Value;
use smallvec::SmallVec;

use super::{DecodeError, Decoder, Each};

/// The `cef` syntax.
pub struct Cef;

/// Header fields after `CEF:n`, as keys.
const HEADER: [&str; 6] =
    ["cef.device.vendor", "cef.device.product", "cef.device.version", "cef.device.event_class_id", "cef.name", "cef.severity"];

impl Decoder for Cef {
    fn name(&self) -> &'static str {
        "cef"
    }

    fn sniff(&self, body: &str) -> bool {
        body.starts_with("CEF:")
    }

    fn decode(&self, body: &str, each: &mut Each<'_>) -> Result<(), DecodeError> {
        let rest = body.strip_prefix("CEF:").ok_or_else(|| DecodeError::new("cef", "the text does not begin with `CEF:`"))?;
        let (version, mut rest) = bar(rest).ok_or_else(|| DecodeError::new("cef", "there is no `|` after the version"))?;
        each("cef.version", Value::Str(version.trim()));
        for (i, key) in HEADER.into_iter().enumerate() {
            match bar(rest) {
                Some((value, after)) => {
                    each(key, Value::Str(&unescape(value.trim())));
                    rest = after;
                }
                // some products end the record right after the severity, or before it
                None if i >= 3 => {
                    each(key, Value::Str(&unescape(rest.trim())));
                    return Ok(());
                }
                None => return Err(DecodeError::new("cef", format!("the header ends before {key}"))),
            }
        }
        extension(rest, each);
        Ok(())
    }
}

/// Vendor and product of a CEF or LEEF body, as written: what detection compares.
pub fn device(body: &str) -> Option<(&str, &str)> {
    let (_, rest) = bar(body)?;
    let (vendor, rest) = bar(rest)?;
    let (product, _) = bar(rest)?;
    Some((vendor.trim(), product.trim()))
}

/// Splits at the first `|` that no backslash escapes.
pub(super) fn bar(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'|', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'|') {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        // `C:\|` is a vendor that forgot to escape: only `\|` and `\\` are escapes
        at += if matches!(bytes.get(at + 1), Some(b'|' | b'\\')) { 2 } else { 1 };
    }
}

/// `key=value key2=value 2`: a value ends where a blank, a key and an unescaped `=` follow.
pub(super) fn extension(text: &str, each: &mut Each<'_>) {
    let pairs = pairs(text);
    for (i, &(key, value)) in pairs.iter().enumerate() {
        if label_base(key).is_some_and(|base| pairs.iter().any(|(k, _)| *k == base)) {
            continue; // told as the name of its field
        }
        let value = unescape(value);
        // the label is usually next to its value, so look there first
        let label = pairs.get(i + 1).filter(|(k, _)| label_base(k) == Some(key)).or_else(|| {
            let custom = key.as_bytes().last().is_some_and(u8::is_ascii_digit);
            custom.then(|| pairs.iter().find(|(k, _)| label_base(k) == Some(key))).flatten()
        });
        match label {
            Some((_, name)) if !name.trim().is_empty() => each(&key_of_label(name.trim()), Value::Str(&value)),
            _ => each(key, Value::Str(&value)),
        }
    }
}

fn label_base(key: &str) -> Option<&str> {
    key.strip_suffix("Label").filter(|base| base.as_bytes().last().is_some_and(u8::is_ascii_digit))
}

fn key_of_label(label: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let label = match label.char_indices().nth(100) {
        Some((end, _)) => label.get(..end).unwrap_or(label),
        None => label,
    };
    if label.chars().all(plain) {
        return Cow::Borrowed(label);
    }
    Cow::Owned(label.chars().map(|c| if plain(c) { c } else { '_' }).collect())
}

/// More pairs than this in one record are left in the record alone.
const MAX_PAIRS: usize = 1024;

fn pairs(text: &str) -> SmallVec<[(&str, &str); 48]> {
    let bytes = text.as_bytes();
    let mut out: SmallVec<[(&str, &str); 48]> = SmallVec::new();
    let mut open: Option<(&str, usize)> = None; // key and where its value begins
    let mut at = 0;
    while let Some(equals) = bytes.get(at..).and_then(|b| memchr::memchr(b'=', b)).map(|n| at + n) {
        at = equals + 1;
        if escaped(bytes, equals) || out.len() >= MAX_PAIRS {
            continue;
        }
        let floor = open.map_or(0, |(_, from)| from);
        let start = bytes.get(floor..equals).and_then(|b| b.iter().rposition(|b| !is_key(*b))).map_or(floor, |n| floor + n + 1);
        let first = start == floor && open.is_none();
        // a key follows a blank; `?a=1&b=2` inside a value does not
        if start == equals || !(first || bytes.get(start.wrapping_sub(1)).is_some_and(u8::is_ascii_whitespace)) {
            continue;
        }
        if let Some((key, from)) = open {
            out.push((key, text.get(from..start).unwrap_or("").trim_end()));
        }
        open = text.get(start..equals).map(|key| (key, equals + 1));
    }
    if let Some((key, from)) = open {
        out.push((key, text.get(from..).unwrap_or("").trim_end()));
    }
    out
}

fn is_key(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'[' | b']' | b':')
}

/// Whether an odd number of backslashes stands before `at`.
fn escaped(bytes: &[u8], at: usize) -> bool {
    bytes.get(..at).is_some_and(|b| b.iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 1)
}

/// Undoes `\=`, `\|`, `\\`, `\n`, `\r`; any other backslash is text (`C:\Windows`).
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    // A path whose author never escaped (`C:\new\report`) must not gain line ends: a lone `\` before a letter that begins
    // a path part is text when the value holds an unescaped drive or share.
    let path = text.get(1..3) == Some(":\\") && text.get(3..4) != Some("\\");
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.peek() {
            Some(&n @ ('=' | '|' | '\\')) => {
                out.push(n);
                chars.next();
            }
            Some('n') if !path => {
                out.push('\n');
                chars.next();
            }
            Some('r') if !path => {
                out.push('\r');
                chars.next();
            }
            _ => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Vec<(String, String)> {
        let mut out = Vec::new();
        Cef.decode(text, &mut |k, v| out.push((k.to_owned(), v.text().unwrap_or_default().into_owned()))).unwrap();
        out.retain(|(k, _)| !k.starts_with("cef."));
        out
    }

    fn check(extension: &str, expected: &[(&str, &str)]) {
        let got = decode(&format!("CEF:0|V|P|1|100|Name|5|{extension}"));
        let got: Vec<(&str, &str)> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(got, expected, "{extension}");
    }

    #[test]
    fn extensions() {
        check(
            "src=10.0.0.1 dst=10.0.0.2 msg=two words act=blocked",
            &[("src", "10.0.0.1"), ("dst", "10.0.0.2"), ("msg", "two words"), ("act", "blocked")],
        );
        check(r"msg=a\=b c\|d e\\f g\nh src=1.1.1.1", &[("msg", "a=b c|d e\\f g\nh"), ("src", "1.1.1.1")]);
        check("request=http://x/?a=1&b=2 src=1.1.1.1", &[("request", "http://x/?a=1&b=2"), ("src", "1.1.1.1")]);
        check(r"filePath=C:\new\report.doc act=x", &[("filePath", r"C:\new\report.doc"), ("act", "x")]);
        check("cs1Label=Threat Name cs1=Eicar cn1=4 cn1Label=Hits", &[("Threat_Name", "Eicar"), ("Hits", "4")]);
        check("cs2=x cs2Label= dvc=1.1.1.1", &[("cs2", "x"), ("dvc", "1.1.1.1")]);
        check("msg= suser= duser=bob", &[("msg", ""), ("suser", ""), ("duser", "bob")]);
        check("", &[]);
    }

    #[test]
    fn headers() {
        let mut out = Vec::new();
        Cef.decode(r"CEF:0|Acme\|Co|Wall|2.0|x\\y|Port scan|High|", &mut |k, v| out.push(format!("{k}={}", v.text().unwrap_or_default())))
            .unwrap();
        let expected = ["cef.version=0", "cef.device.vendor=Acme|Co", "cef.device.product=Wall", "cef.device.version=2.0"];
        assert_eq!(out.get(..4).unwrap(), expected);
        assert_eq!(out.get(4..).unwrap(), [r"cef.device.event_class_id=x\y", "cef.name=Port scan", "cef.severity=High"]);
        assert_eq!(device("CEF:0|Fortinet|Fortigate|v7|1|n|3|"), Some(("Fortinet", "Fortigate")));
        for bad in ["CEF:", "CEF:0", "CEF:0|a|b", "nothing"] {
            assert!(Cef.decode(bad, &mut |_, _| ()).is_err(), "{bad}");
        }
    }
}
