//! Separated columns with optional quotes (RFC 4180), one record a line.

use std::borrow::Cow;

use memchr::memchr;

/// Calls `each(column number from 0, text)` for every column, in order. A missing closing quote takes the rest of the line.
/// At most 1,024 columns are read.
pub fn columns<'t>(text: &'t str, separator: u8, quote: u8, mut each: impl FnMut(usize, Cow<'t, str>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    for column in 0..1024 {
        let end = if bytes.get(at) == Some(&quote) {
            let (value, after) = quoted(text, at, quote);
            each(column, value);
            // text after the closing quote up to the separator is not a column's: skipped, it stays in the record
            bytes.get(after..).and_then(|b| memchr(separator, b)).map(|n| after + n)
        } else {
            let end = bytes.get(at..).and_then(|b| memchr(separator, b)).map(|n| at + n);
            each(column, Cow::Borrowed(text.get(at..end.unwrap_or(bytes.len())).unwrap_or("")));
            end
        };
        match end {
            Some(end) => at = end + 1,
            None => return,
        }
    }
}

fn quoted(text: &str, open: usize, quote: u8) -> (Cow<'_, str>, usize) {
    let bytes = text.as_bytes();
    let mut at = open + 1;
    let mut doubled = false;
    loop {
        match bytes.get(at..).and_then(|b| memchr(quote, b)).map(|n| at + n) {
            Some(found) if bytes.get(found + 1) == Some(&quote) => {
                doubled = true;
                at = found + 2;
            }
            found => {
                let inner = text.get(open + 1..found.unwrap_or(bytes.len())).unwrap_or("");
                let one = char::from(quote).to_string();
                let value = if doubled { Cow::Owned(inner.replace(&one.repeat(2), &one)) } else { Cow::Borrowed(inner) };
                return (value, found.map_or(bytes.len(), |f| f + 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_and_quotes() {
        let cases: [(&str, &[&str]); 5] = [
            ("a,b,,d", &["a", "b", "", "d"]),
            (r#"1,"x, y","say ""hi""",z"#, &["1", "x, y", r#"say "hi""#, "z"]),
            (r#"a,"cut"#, &["a", "cut"]),
            ("", &[""]),
            (r#""a"b,c"#, &["a", "c"]),
        ];
        for (text, expected) in cases {
            let mut got = Vec::new();
            columns(text, b',', b'"', |i, v| {
                assert_eq!(i, got.len());
                got.push(v.into_owned());
            });
            assert_eq!(got, expected, "{text}");
        }
    }
}
