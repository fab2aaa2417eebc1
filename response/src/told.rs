//! What response wrote down in English, said in Vietnamese: sentences as data, each with a stable code.
//!
//! Journals keep what was said when it was said; it is translated when it is read, so that old entries are as well. What a device
//! said of its own stays as it said it.

use std::sync::OnceLock;

const SENTENCES: &str = include_str!("../data/told.txt");
/// Sentences within sentences.
const DEEPEST: u8 = 8;

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

/// Says a text of response in Vietnamese.
pub fn told(text: &str) -> Told {
    say(text, DEEPEST)
}

fn say(text: &str, deep: u8) -> Told {
    let plain = || Told { code: None, vi: text.to_owned() };
    if deep == 0 || text.is_empty() {
        return plain();
    }
    let found = sentences().iter().find_map(|s| Some((s, fits(&s.en, text)?)));
    let Some((sentence, values)) = found else { return plain() };
    let mut vi = String::new();
    for piece in &sentence.vi {
        match piece {
            Piece::Plain(words) => vi.push_str(words),
            Piece::Any(number, again) => {
                let value = values.iter().find(|(n, _)| n == number).map_or("", |(_, value)| value);
                if *again { vi.push_str(&say(value, deep - 1).vi) } else { vi.push_str(value) }
            }
        }
    }
    Told { code: Some(sentence.code), vi }
}

fn sentences() -> &'static [Sentence] {
    static READ: OnceLock<Vec<Sentence>> = OnceLock::new();
    READ.get_or_init(|| SENTENCES.lines().filter_map(sentence).collect())
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
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sentences_and_what_stands_in_them() {
        for (en, code, vi) in [
            ("approved", Some("FSP-ACT-103"), "đã duyệt"),
            (
                "asked for: block web.example (203.0.113.7) on fw-core (medium)",
                Some("FSP-ACT-317"),
                "đề nghị: chặn web.example (203.0.113.7) trên fw-core (mức trung bình)",
            ),
            (
                "handed to a person: 5 tries, the last: fw.example: time-out",
                Some("FSP-ACT-119"),
                "chuyển cho người: đã thử 5 lần, lần cuối: fw.example: quá thời gian",
            ),
            (
                "fw.example answered 500 Internal Server Error: {\"error\": \"{1}\"}; tried again in 4 s",
                Some("FSP-ACT-118"),
                "fw.example trả lời 500 Internal Server Error: {\"error\": \"{1}\"}; thử lại sau 4 giây",
            ),
            (
                "FSP-ACT-002 10.0.0.1 is protected (a gateway of this machine): no action may touch it; [response.protected] lists what is",
                Some("FSP-ACT-002"),
                "FSP-ACT-002 10.0.0.1 được bảo vệ (cổng mạng của máy này): không lệnh nào được chạm vào; xem [response.protected]",
            ),
            (
                "the incident names nothing to act on; no device plays the part `mail`; tell them by hand",
                Some("FSP-ACT-306"),
                "sự cố không nêu đối tượng nào để xử lý; chưa giao thiết bị nào giữ vai `mail`; hãy tự báo cho họ",
            ),
            ("đã gọi cho trưởng phòng", None, "đã gọi cho trưởng phòng"),
            ("", None, ""),
        ] {
            assert_eq!(told(en), Told { code, vi: vi.to_owned() }, "{en}");
        }
    }

    #[test]
    fn every_line_is_read_and_every_code_is_given_once() {
        let lines = SENTENCES.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count();
        assert_eq!(sentences().len(), lines);
        let codes: BTreeSet<&str> = sentences().iter().map(|s| s.code).collect();
        assert_eq!(codes.len(), lines);
        for s in sentences() {
            let places = |pieces: &[Piece]| {
                pieces.iter().filter_map(|p| if let Piece::Any(n, _) = p { Some(*n) } else { None }).collect::<BTreeSet<_>>()
            };
            assert!(places(&s.en).is_superset(&places(&s.vi)), "{}: a place that the English lacks", s.code);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_a_device_says_is_taken(text in "(approved|handed to a person: |FSP-ACT-00[0-9] |; |[{}~|0-9]|\\PC){0,12}") {
            let _ = told(&text);
        }
    }
}
