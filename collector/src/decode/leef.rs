//! IBM Log Event Extended Format 1.0 and 2.0: tab-separated pairs, or the delimiter a 2.0 header names.

use fansipan_model::Value;
use memchr::memmem;

use super::{DecodeError, Decoder, Each, cef};

/// The `leef` syntax.
pub struct Leef;

const HEADER: [&str; 4] = ["leef.device.vendor", "leef.device.product", "leef.device.version", "leef.event_id"];

impl Decoder for Leef {
    fn name(&self) -> &'static str {
        "leef"
    }

    fn sniff(&self, body: &str) -> bool {
        body.starts_with("LEEF:")
    }

    fn decode(&self, body: &str, each: &mut Each<'_>) -> Result<(), DecodeError> {
        let rest = body.strip_prefix("LEEF:").ok_or_else(|| DecodeError::new("leef", "the text does not begin with `LEEF:`"))?;
        let (version, mut rest) = cef::bar(rest).ok_or_else(|| DecodeError::new("leef", "there is no `|` after the version"))?;
        each("leef.version", Value::Str(version.trim()));
        for (i, key) in HEADER.into_iter().enumerate() {
            match cef::bar(rest) {
                Some((value, after)) => {
                    each(key, Value::Str(&cef::unescape(value.trim())));
                    rest = after;
                }
                None if i == 3 => {
                    each(key, Value::Str(&cef::unescape(rest.trim())));
                    return Ok(());
                }
                None => return Err(DecodeError::new("leef", format!("the header ends before {key}"))),
            }
        }
        let (delimiter, rest) = delimiter(version.trim(), rest);
        match delimiter {
            Some(delimiter) => split(rest, delimiter.encode_utf8(&mut [0; 4]), each),
            None => split(rest, "\t", each),
        }
        Ok(())
    }
}

/// The delimiter field of a 2.0 header (`^`, `x09`, `0x7C`, `\t`), where there is one.
fn delimiter<'t>(version: &str, rest: &'t str) -> (Option<char>, &'t str) {
    if !version.starts_with('2') {
        return (None, rest);
    }
    // `||` is the delimiter `|`
    if let Some(after) = rest.strip_prefix("||") {
        return (Some('|'), after);
    }
    let Some((field, after)) = rest.split_once('|').filter(|(field, _)| field.len() <= 6 && !field.contains('=')) else {
        return (None, rest);
    };
    let field = if field.len() > 1 { field.trim() } else { field };
    let mut chars = field.chars();
    match (chars.next(), chars.next()) {
        (None, _) => (None, after),
        (Some(c), None) => (Some(c), after),
        _ if field == "\\t" || field.eq_ignore_ascii_case("tab") => (Some('\t'), after),
        _ => {
            let digits = field.trim_start_matches("0x").trim_start_matches("0X").trim_start_matches(['x', 'X']);
            match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
                Some(c) => (Some(c), after),
                None => (None, rest), // not a delimiter at all: the pairs begin here
            }
        }
    }
}

fn split(text: &str, delimiter: &str, each: &mut Each<'_>) {
    let has = |d: &str| memmem::find(text.as_bytes(), d.as_bytes()).is_some();
    let delimiter = match delimiter {
        "\t" if !has("\t") && has("#011") => "#011", // a relay wrote its tabs as rsyslog escapes control characters
        "\t" if !has("\t") && text.matches('=').count() > 1 => return cef::extension(text, each), // or as blanks
        other => other,
    };
    for pair in text.split(delimiter) {
        if let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.trim().is_empty() && key.len() <= 128) {
            each(key.trim(), Value::Str(value.trim()));
        } else if !pair.trim().is_empty() {
            each("_flag", Value::Str(pair.trim()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let mut got = Vec::new();
        Leef.decode(text, &mut |k, v| got.push((k.to_owned(), v.text().unwrap_or_default().into_owned()))).unwrap();
        got.retain(|(k, _)| !k.starts_with("leef."));
        let got: Vec<(&str, &str)> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn delimiters() {
        let expected = [("src", "10.0.0.1"), ("usrName", "an binh"), ("url", "/a?b=c")];
        check("LEEF:1.0|V|P|1|200|src=10.0.0.1\tusrName=an binh\turl=/a?b=c", &expected);
        check("LEEF:2.0|V|P|1|200|^|src=10.0.0.1^usrName=an binh^url=/a?b=c", &expected);
        check("LEEF:2.0|V|P|1|200|x7C|src=10.0.0.1|usrName=an binh|url=/a?b=c", &expected);
        check("LEEF:2.0|V|P|1|200|0x09|src=10.0.0.1\tusrName=an binh\turl=/a?b=c", &expected);
        check("LEEF:2.0|V|P|1|200||src=10.0.0.1\tusrName=an binh\turl=/a?b=c", &expected);
        check("LEEF:2.0|V|P|1|200|src=10.0.0.1\tusrName=an binh\turl=/a?b=c", &expected);
        check("LEEF:1.0|V|P|1|200|src=10.0.0.1#011usrName=an binh#011url=/a?b=c", &expected);
        check("LEEF:1.0|V|P|1|200|src=10.0.0.1 usrName=an binh url=/a?b=c", &expected);
        check("LEEF:1.0|V|P|1|200|", &[]);
        check("LEEF:1.0|V|P|1|200", &[]);
    }

    #[test]
    fn refuses_what_is_not_leef() {
        for bad in ["LEEF:", "LEEF:1.0", "LEEF:1.0|V|P", "x"] {
            assert!(Leef.decode(bad, &mut |_, _| ()).is_err(), "{bad}");
        }
    }
}
