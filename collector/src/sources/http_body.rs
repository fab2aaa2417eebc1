//! A request body to records: gzip, JSON array, JSON objects, lines. Bounded; never decides what a record means.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use memchr::memchr;
use serde_json::value::RawValue;
use thiserror::Error;

/// Records a JSON array may have.
const MAX_ELEMENTS: usize = 1_000_000;

/// Why a body is refused as a whole.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BodyError {
    #[error("the body is larger than {limit} bytes after decompression: send it in parts")]
    TooLarge { limit: usize },
    #[error("the body is an array of more than {MAX_ELEMENTS} elements: send it in parts, or one record per line")]
    TooMany,
    #[error("the body is not text: byte {position} {what}")]
    NotText { position: usize, what: &'static str },
    #[error("the body is not valid gzip after {position} bytes of text: {why}")]
    Gzip { position: usize, why: String },
}

/// Decompresses at most `limit` bytes.
pub(crate) fn gunzip(body: &[u8], limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut out = Vec::with_capacity((body.len() * 4).min(limit));
    let mut reader = MultiGzDecoder::new(body).take(limit as u64 + 1);
    if let Err(e) = reader.read_to_end(&mut out) {
        return Err(BodyError::Gzip { position: out.len(), why: e.to_string() });
    }
    if out.len() > limit {
        return Err(BodyError::TooLarge { limit });
    }
    Ok(out)
}

/// Where the records of a body are.
#[derive(Debug)]
pub(crate) enum Records {
    /// From this byte on, one per line.
    Lines(usize),
    /// Start and length of each.
    Values(Vec<(u32, u32)>),
}

impl Records {
    /// Finds out how the records of a text are told apart.
    pub(crate) fn find(body: &[u8]) -> Result<Records, BodyError> {
        if let Some(position) = memchr(0, body) {
            return Err(BodyError::NotText { position, what: "is 0: send text in UTF-8" });
        }
        if body.starts_with(&[0x1f, 0x8b]) {
            return Err(BodyError::NotText { position: 0, what: "begins gzip: say so with `Content-Encoding: gzip`" });
        }
        let start = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let text = body.get(start..).unwrap_or_default().trim_ascii();
        let values = match text.first() {
            Some(b'[') => array(body, text)?,
            Some(b'{') => objects(body, text)?,
            _ => None,
        };
        Ok(values.map_or(Records::Lines(start), Records::Values))
    }
}

/// The elements of a JSON array; `None` if it is none.
fn array(body: &[u8], text: &[u8]) -> Result<Option<Vec<(u32, u32)>>, BodyError> {
    let Ok(elements) = serde_json::from_slice::<Vec<&RawValue>>(text) else { return Ok(None) };
    if elements.len() > MAX_ELEMENTS {
        return Err(BodyError::TooMany);
    }
    Ok(elements.iter().map(|e| place(body, e.get())).collect())
}

/// JSON objects one after the other, when at least the first spans lines; `None`: they are lines, or no JSON.
fn objects(body: &[u8], text: &[u8]) -> Result<Option<Vec<(u32, u32)>>, BodyError> {
    let Some(first) = memchr(b'\n', text).and_then(|end| text.get(..end)) else { return Ok(None) };
    if serde_json::from_slice::<&RawValue>(first).is_ok() {
        return Ok(None);
    }
    let mut out = Vec::new();
    for value in serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>() {
        let Some(found) = value.ok().and_then(|v| place(body, v.get())) else { return Ok(None) };
        out.push(found);
        if out.len() > MAX_ELEMENTS {
            return Err(BodyError::TooMany);
        }
    }
    Ok(Some(out))
}

fn place(body: &[u8], part: &str) -> Option<(u32, u32)> {
    let start = (part.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    Some((u32::try_from(start).ok()?, u32::try_from(part.len()).ok()?))
}

/// Walks over the records of a body; resumable, so that a large body is worked off in parts.
#[derive(Debug)]
pub(crate) struct Walk {
    records: Records,
    at: usize,
}

impl Walk {
    pub(crate) fn new(records: Records) -> Self {
        let at = if let Records::Lines(start) = &records { *start } else { 0 };
        Self { records, at }
    }

    /// The next record; blank lines are none.
    pub(crate) fn next<'b>(&mut self, body: &'b [u8]) -> Option<&'b [u8]> {
        match &self.records {
            Records::Values(list) => {
                let &(start, length) = list.get(self.at)?;
                self.at += 1;
                body.get(start as usize..(start + length) as usize)
            }
            Records::Lines(_) => loop {
                let rest = body.get(self.at..).filter(|r| !r.is_empty())?;
                let end = memchr(b'\n', rest).unwrap_or(rest.len());
                self.at += end + 1;
                let line = rest.get(..end).unwrap_or_default();
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if !line.trim_ascii().is_empty() {
                    return Some(line);
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_bodies() {
        let cases: &[(&str, &[&str])] = &[
            ("{\"a\":1}\n{\"a\":2}\n", &["{\"a\":1}", "{\"a\":2}"]),
            ("{\"a\":1}\r\n\r\n  \n{\"a\":2}", &["{\"a\":1}", "{\"a\":2}"]),
            ("\u{feff}{\"a\":1}\n", &["{\"a\":1}"]),
            ("[{\"a\":1}, {\"a\":[2,\n3]},\n\"text\"]", &["{\"a\":1}", "{\"a\":[2,\n3]}", "\"text\""]),
            ("{\n  \"a\": 1\n}", &["{\n  \"a\": 1\n}"]),
            ("{\n\"a\":1}\n{\"b\":2}", &["{\n\"a\":1}", "{\"b\":2}"]),
            ("{\"a\":1}", &["{\"a\":1}"]),
            ("{\"a\":1}\nnot json\n{\"a\":2}", &["{\"a\":1}", "not json", "{\"a\":2}"]),
            ("[1,2", &["[1,2"]),
            ("[system] up\nplain\n", &["[system] up", "plain"]),
            ("<13>plain\nlines", &["<13>plain", "lines"]),
            ("[]", &[]),
            ("", &[]),
            ("\n\n", &[]),
        ];
        for (body, expected) in cases {
            let mut walk = Walk::new(Records::find(body.as_bytes()).unwrap());
            let found: Vec<&str> = std::iter::from_fn(|| walk.next(body.as_bytes())).map(|r| std::str::from_utf8(r).unwrap()).collect();
            assert_eq!(&found, expected, "{body}");
        }
        assert_eq!(Records::find(b"ab\0c").unwrap_err(), BodyError::NotText { position: 2, what: "is 0: send text in UTF-8" });
        assert!(matches!(Records::find(b"\x1f\x8b\x08"), Err(BodyError::NotText { position: 0, .. })));
    }

    #[test]
    fn a_gzip_bomb_stops_at_the_limit() {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..1024 {
            encoder.write_all(&[b'a'; 64 << 10]).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        assert_eq!(gunzip(&bomb, 1 << 20).unwrap_err(), BodyError::TooLarge { limit: 1 << 20 });
        assert_eq!(gunzip(&bomb, 64 << 20).unwrap().len(), 64 << 20);
        assert!(matches!(gunzip(&bomb[..bomb.len() - 9], 64 << 20), Err(BodyError::Gzip { .. })));
    }

    proptest::proptest! {
        #[test]
        fn no_body_breaks_it(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            drop(gunzip(&body, 1000));
            if let Ok(records) = Records::find(&body) {
                let mut walk = Walk::new(records);
                let mut total = 0;
                while let Some(record) = walk.next(&body) {
                    total += record.len();
                }
                proptest::prop_assert!(total <= body.len());
            }
        }
    }
}
