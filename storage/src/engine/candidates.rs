//! What a test demands at least, in terms the index can look up: whole words, pieces of words, ranges.

use std::net::{IpAddr, Ipv4Addr};

use fansipan_model::{
    Cmp, Event, FieldId, Op, Part, Pattern, Predicate, Target, Value,
    text::{self, WORD_LIMIT, fold},
};
use tantivy::columnar::StrColumn;

use super::{
    bits::Bits,
    plan::{Keep, TermFate},
};

/// Entries of a column's dictionary that satisfy the operation. Exact: what tests see of a value is its text.
pub(crate) fn dictionary_matches(column: &StrColumn, op: &Op) -> tantivy::Result<Bits> {
    let mut set = Bits::empty(column.num_terms() as u32);
    let mut stream = column.dictionary().stream()?;
    let nothing = Event::default();
    let mut ord = 0;
    while stream.advance() {
        if std::str::from_utf8(stream.key()).is_ok_and(|text| op.holds(Value::Str(text), &nothing)) {
            set.set(ord);
        }
        ord += 1;
    }
    Ok(set)
}

/// Adds every field the predicate looks at; false if it looks at all of them.
pub(crate) fn named_fields(predicate: &Predicate, out: &mut Vec<FieldId>) -> bool {
    match predicate {
        Predicate::True | Predicate::False => true,
        Predicate::And(list) | Predicate::Or(list) => list.iter().all(|p| named_fields(p, out)),
        Predicate::Not(inner) => named_fields(inner, out),
        Predicate::Test(test) => {
            if let Op::Field(reference) = &test.op {
                out.extend(&reference.other);
            }
            match &test.target {
                Target::Any => false,
                Target::Field(list) => {
                    out.extend(list);
                    true
                }
            }
        }
    }
}

/// Integers `v` with `v cmp n` in doubles, both ends inclusive.
pub(crate) fn number_range(cmp: Cmp, n: f64) -> Option<(i64, i64)> {
    if n.is_nan() {
        return None;
    }
    // `v as f64` never falls as v grows
    let (from, to) = match cmp {
        Cmp::Eq => (first(|v| v as f64 >= n)?, last(|v| v as f64 <= n)?),
        Cmp::Lt => (i64::MIN, last(|v| (v as f64) < n)?),
        Cmp::Le => (i64::MIN, last(|v| v as f64 <= n)?),
        Cmp::Gt => (first(|v| v as f64 > n)?, i64::MAX),
        Cmp::Ge => (first(|v| v as f64 >= n)?, i64::MAX),
    };
    (from <= to).then_some((from, to))
}

/// The least integer for which `holds`, which holds for every greater one too.
fn first(holds: impl Fn(i64) -> bool) -> Option<i64> {
    let (mut low, mut high) = (i128::from(i64::MIN), i128::from(i64::MAX) + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match i64::try_from(middle) {
            Ok(v) if !holds(v) => low = middle + 1,
            _ => high = middle,
        }
    }
    i64::try_from(low).ok()
}

/// The greatest integer for which `holds`, which holds for every lesser one too.
fn last(holds: impl Fn(i64) -> bool) -> Option<i64> {
    match first(|v| !holds(v)) {
        None => Some(i64::MAX),
        Some(v) => v.checked_sub(1),
    }
}

/// The addresses whose text begins with `10.`, `10.1.` or `10.1.2.`.
pub(crate) fn octets(prefix: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let parts: Vec<&str> = prefix.strip_suffix('.')?.split('.').collect();
    if parts.len() > 3 {
        return None;
    }
    let (mut from, mut to) = ([0u8; 4], [255u8; 4]);
    for ((text, a), b) in parts.into_iter().zip(&mut from).zip(&mut to) {
        let v: u8 = text.parse().ok()?;
        if v.to_string() != text {
            return None;
        }
        (*a, *b) = (v, v);
    }
    Some((from.into(), to.into()))
}

/// Whether the IPv6 network shares addresses with the block in which the index keeps IPv4 addresses, which are not inside it.
pub(crate) fn holds_mapped(net: &ipnet::IpNet) -> bool {
    match net {
        ipnet::IpNet::V4(_) => false,
        ipnet::IpNet::V6(net) => net.contains(&Ipv4Addr::UNSPECIFIED.to_ipv6_mapped()) || IpAddr::from(net.addr()).to_canonical().is_ipv4(),
    }
}

/// A run of alphanumeric characters in a literal of a pattern, and whether it ends there as a word of the value.
struct Run<'p> {
    text: &'p str,
    left: bool,
    right: bool,
}

/// The one character that lower-casing makes out of an alphanumeric one without being alphanumeric itself (in `İ`): a word of
/// the index may go on across it.
const DOT_ABOVE: char = '\u{307}';

/// Calls `each` with the runs of the folded literals of a pattern. A run beside [`DOT_ABOVE`] is left out.
fn runs(pattern: &Pattern, mut each: impl FnMut(Run<'_>)) {
    let parts = pattern.parts();
    for (i, part) in parts.iter().enumerate() {
        let Part::Literal(literal) = part else { continue };
        let literal = fold(literal);
        let mut start = None;
        for (at, c) in literal.char_indices().chain([(literal.len(), ' ')]) {
            match (c.is_alphanumeric(), start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    start = None;
                    let before = literal.get(..from).unwrap_or("");
                    if c != DOT_ABOVE && !before.ends_with(DOT_ABOVE) {
                        let left = from > 0 || i == 0;
                        let right = at < literal.len() || i + 1 == parts.len();
                        each(Run { text: literal.get(from..at).unwrap_or(""), left, right });
                    }
                }
                _ => {}
            }
        }
    }
}

/// Words (as indexed) that every value matching the pattern has.
pub(crate) fn whole_words(pattern: &Pattern) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    runs(pattern, |run| {
        if run.left && run.right {
            text::words(run.text, &mut String::new(), |word| {
                if !out.iter().any(|w| w == word) {
                    out.push(word.to_owned());
                }
            });
        }
    });
    out
}

/// Pieces of words (folded, shorter than any cut) that every value matching the pattern has.
pub(crate) fn pieces(pattern: &Pattern) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    runs(pattern, |run| {
        if run.text.len() < WORD_LIMIT - 3 && !out.iter().any(|p| p == run.text) {
            out.push(run.text.to_owned());
        }
    });
    out
}

/// A piece of a word that every value matching the pattern has, as a test of the word dictionary from a first term on.
/// Words that were cut when indexed always pass.
pub(crate) fn piece(pattern: &Pattern) -> Option<(Vec<u8>, Keep)> {
    const LEAST: usize = 3;
    /// Words are cut to at least this many bytes.
    const CUT: usize = WORD_LIMIT - 3;
    let mut best: Option<(String, bool)> = None;
    runs(pattern, |run| {
        let better = best.as_ref().is_none_or(|(b, left)| (run.left, run.text.len()) > (*left, b.len()));
        if run.text.chars().count() >= LEAST && run.text.len() < CUT && better {
            best = Some((run.text.to_owned(), run.left));
        }
    });
    let (text, left) = best?;
    if left {
        let from = text.clone().into_bytes();
        return Some((from, Box::new(move |term| if term.starts_with(text.as_bytes()) { TermFate::In } else { TermFate::End })));
    }
    let finder = memchr::memmem::Finder::new(text.as_bytes()).into_owned();
    let keep = move |term: &[u8]| match term.len() >= CUT || finder.find(term).is_some() {
        true => TermFate::In,
        false => TermFate::Out,
    };
    Some((Vec::new(), Box::new(keep)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folding_keeps_words_together_but_for_one_character() {
        for c in '\0'..=char::MAX {
            for l in c.to_lowercase() {
                assert!(l.is_alphanumeric() == c.is_alphanumeric() || l == DOT_ABOVE, "{c:?} becomes {l:?}");
            }
        }
    }

    #[test]
    fn words_a_pattern_demands() {
        for (pattern, words) in [
            ("svc_backup", vec!["svc", "backup"]),
            ("svc_*", vec!["svc"]),
            ("*\\\\cmd.exe", vec!["cmd", "exe"]),
            ("*cmd.exe", vec!["exe"]),
            ("ad?in-x*", vec![]),
            ("*failed password for*", vec!["password"]),
            ("İst-an", vec!["an"]),
            ("ĐĂNG nhập*", vec!["đăng"]),
        ] {
            assert_eq!(whole_words(&Pattern::parse(pattern, false)), words, "{pattern}");
        }
    }

    #[test]
    fn prefixes_of_addresses() {
        let range = |a: &str, b: &str| Some((a.parse().unwrap(), b.parse().unwrap()));
        assert_eq!(octets("10."), range("10.0.0.0", "10.255.255.255"));
        assert_eq!(octets("10.1.2."), range("10.1.2.0", "10.1.2.255"));
        for wrong in ["10", "10.1", ".", "010.", "256.", "1.2.3.4.", "10..", "+1."] {
            assert_eq!(octets(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn number_ranges_are_exact(n in prop_oneof![any::<i64>().prop_map(|v| v as f64), -5.0..5.0f64, any::<f64>()], v in prop_oneof![any::<i64>(), -6..6i64]) {
            for cmp in [Cmp::Eq, Cmp::Lt, Cmp::Le, Cmp::Gt, Cmp::Ge] {
                let inside = number_range(cmp, n).is_some_and(|(a, b)| a <= v && v <= b);
                prop_assert_eq!(inside, cmp.holds(v as f64, n));
            }
        }
    }
}
