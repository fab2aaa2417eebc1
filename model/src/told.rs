//! Texts that were written in English, said in Vietnamese: sentences as data, each with a stable code.
//!
//! A line is `CODE | English | Vietnamese`. `{1}` is a place and stands as it is, `{~1}` is said in Vietnamese as well. The first line that
//! fits counts. It serves where a sentence is not made here (readers of YAML, JSON and expressions) or was kept before it is read.

use std::{collections::BTreeSet, sync::OnceLock};

use crate::Said;

/// What readers of YAML, JSON and expressions say of a text that they refuse, and the operating system of a file or an address.
pub const READERS: &str = include_str!("../data/readers.txt");
/// Sentences within sentences.
const DEEPEST: u8 = 8;

/// What a reader of YAML, JSON or an expression, or the operating system, says, in both languages; what is not known stays as it is.
pub fn reader(text: impl std::fmt::Display) -> Said {
    static READ: OnceLock<Sentences> = OnceLock::new();
    let en = text.to_string();
    Said { vi: READ.get_or_init(|| Sentences::read(&[READERS])).say(&en).vi, en }
}

/// A text in Vietnamese.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The code of the sentence; `None`: a text of people or devices, which stands as it is.
    pub code: Option<&'static str>,
    /// In Vietnamese.
    pub vi: String,
}

/// A piece of a sentence.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// As it stands.
    Plain(&'static str),
    /// Whatever stands there, by its number; `true`: a sentence itself.
    Any(u8, bool),
}

#[derive(Debug)]
struct Sentence {
    code: &'static str,
    en: Vec<Piece>,
    vi: Vec<Piece>,
}

/// Sentences in both languages.
#[derive(Debug)]
pub struct Sentences(Vec<Sentence>);

impl Sentences {
    /// Reads files of sentences, one after the other.
    pub fn read(files: &[&'static str]) -> Self {
        Self(files.iter().flat_map(|text| text.lines().filter_map(sentence)).collect())
    }

    /// Says a text in Vietnamese.
    pub fn say(&self, text: &str) -> Told {
        self.within(text, DEEPEST)
    }

    fn within(&self, text: &str, deep: u8) -> Told {
        let plain = || Told { code: None, vi: text.to_owned() };
        if deep == 0 || text.is_empty() {
            return plain();
        }
        let found = self.0.iter().find_map(|s| Some((s, fits(&s.en, text)?)));
        let Some((sentence, values)) = found else { return plain() };
        let mut vi = String::new();
        for piece in &sentence.vi {
            match piece {
                Piece::Plain(words) => vi.push_str(words),
                Piece::Any(number, again) => {
                    let value = values.iter().find(|(n, _)| n == number).map_or("", |(_, value)| value);
                    if *again { vi.push_str(&self.within(value, deep - 1).vi) } else { vi.push_str(value) }
                }
            }
        }
        Told { code: Some(sentence.code), vi }
    }

    /// What is wrong with the data: a line that is not read, a code given twice, a place in the Vietnamese that the English lacks.
    pub fn faults(files: &[&'static str]) -> Vec<String> {
        let read = Self::read(files).0;
        let lines = files.iter().flat_map(|text| text.lines()).filter(|l| !l.is_empty() && !l.starts_with('#'));
        let mut faults: Vec<String> = lines.filter(|l| l.split(" | ").count() != 3).map(|l| format!("{l}: not read")).collect();
        let places = |pieces: &[Piece]| {
            pieces.iter().filter_map(|p| if let Piece::Any(n, _) = p { Some(*n) } else { None }).collect::<BTreeSet<_>>()
        };
        let mut codes = BTreeSet::new();
        for sentence in &read {
            if !codes.insert(sentence.code) {
                faults.push(format!("{}: given twice", sentence.code));
            }
            if !places(&sentence.en).is_superset(&places(&sentence.vi)) {
                faults.push(format!("{}: a place that the English lacks", sentence.code));
            }
        }
        faults
    }
}

fn sentence(line: &'static str) -> Option<Sentence> {
    let mut parts = line.split(" | ").filter(|_| !line.starts_with('#'));
    let (code, en, vi) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Sentence { code, en: pieces(en), vi: pieces(vi) })
}

/// `{1}` and `{~1}` are places, everything else stands as it is.
fn pieces(mut text: &'static str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('{').map(|i| i + from) {
        let end = text[at..].find('}').map_or(text.len(), |i| i + at);
        let name = text.get(at + 1..end).unwrap_or_default();
        let Ok(number) = name.trim_start_matches('~').parse() else {
            from = at + 1;
            continue;
        };
        if at > 0 {
            out.push(Piece::Plain(&text[..at]));
        }
        out.push(Piece::Any(number, name.starts_with('~')));
        (text, from) = (&text[end + 1..], 0);
    }
    if !text.is_empty() {
        out.push(Piece::Plain(text));
    }
    out
}

/// What stands in the places of a sentence, if the whole text is that sentence. A place holds as little as it can.
fn fits<'t>(pieces: &[Piece], text: &'t str) -> Option<Vec<(u8, &'t str)>> {
    let (mut values, mut open, mut rest) = (Vec::new(), None, text);
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Any(number, _) => open = Some(*number),
            Piece::Plain(words) => {
                let last = i + 1 == pieces.len();
                let at = match open {
                    None => rest.starts_with(words).then_some(0)?,
                    Some(_) if last => rest.ends_with(words).then(|| rest.len() - words.len())?,
                    Some(_) => rest.find(words)?,
                };
                if let Some(number) = open.take() {
                    values.push((number, rest.get(..at).filter(|v| !v.is_empty())?));
                }
                rest = &rest[at + words.len()..];
            }
        }
    }
    match open {
        Some(number) if !rest.is_empty() => values.push((number, rest)),
        None if rest.is_empty() => {}
        _ => return None,
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{READERS, Sentences, reader};

    #[test]
    fn what_readers_say() {
        for (en, vi) in [
            ("did not find expected next token", "thiếu phần tiếp theo"),
            (
                "Failed to deserialize the JSON body into the target type: status: unknown variant `x`, expected `a` or `b` at line 1 column 12",
                "nội dung JSON không đúng: `status`: giá trị `x` không có, chỉ nhận `a` hoặc `b` (dòng 1, cột 12)",
            ),
            ("limit: invalid type: integer `1`, expected a string", "`limit`: kiểu số nguyên `1` không đúng, cần chuỗi"),
            ("Permission denied (os error 13)", "không có quyền"),
            ("Found an unmatched opening parenthesis '('.", "dấu `(` chưa được đóng"),
            ("something nobody knows", "something nobody knows"),
        ] {
            assert_eq!(reader(en).vi, vi, "{en}");
        }
        assert_eq!(Sentences::faults(&[READERS]), Vec::<String>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_a_reader_says_is_taken(text in "(while parsing |missing field `|: | at line |[{}~|0-9`]|\\PC){0,12}") {
            let _ = reader(&text);
        }
    }
}
