//! What a text must contain for a regular expression to match: strings (folded), one of which stands in every match.
//! Answers `None` when nothing useful is sure; never answers too little.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Alternatives kept; beyond, the expression counts as unpredictable.
const MAX_STRINGS: usize = 64;

/// Folded strings one of which every matching text contains, once folded itself.
pub(crate) fn required(source: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::ParserBuilder::new().build().parse(source).ok()?;
    let set = needed(&hir).best()?;
    (!set.is_empty() && set.len() <= MAX_STRINGS && set.iter().all(|s| !s.is_empty())).then(|| {
        let mut set = set;
        set.sort();
        set.dedup();
        set
    })
}

/// Bytes that a text must have at least for the expression to match; 0 if nothing is known.
pub(crate) fn least_length(source: &str) -> usize {
    regex_syntax::ParserBuilder::new().build().parse(source).ok().and_then(|hir| hir.properties().minimum_len()).unwrap_or(0)
}

/// What is known of the texts an expression matches.
enum Known {
    /// Exactly these (folded).
    Exact(Vec<String>),
    /// Each contains one of these, where anything is known.
    Contains(Option<Vec<String>>),
}

impl Known {
    fn best(self) -> Option<Vec<String>> {
        match self {
            Known::Exact(set) => Some(set),
            Known::Contains(set) => set,
        }
    }
}

/// Length of the shortest, fewer alternatives deciding: what makes a set worth looking for.
fn worth(set: &[String]) -> (usize, std::cmp::Reverse<usize>) {
    (set.iter().map(String::len).min().unwrap_or(0), std::cmp::Reverse(set.len()))
}

fn better(a: Option<Vec<String>>, b: Option<Vec<String>>) -> Option<Vec<String>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if worth(&b) > worth(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn needed(hir: &Hir) -> Known {
    match hir.kind() {
        // positions take no room
        HirKind::Empty | HirKind::Look(_) => Known::Exact(vec![String::new()]),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Known::Exact(vec![fansipan_model::text::fold(text).into_owned()]),
            Err(_) => Known::Contains(None),
        },
        HirKind::Class(class) => match folded_class(class) {
            Some(set) => Known::Exact(set),
            None => Known::Contains(None),
        },
        HirKind::Repetition(repetition) if repetition.min > 0 => match (needed(&repetition.sub), repetition.max) {
            (Known::Exact(set), Some(1)) => Known::Exact(set),
            (known, _) => Known::Contains(known.best()),
        },
        HirKind::Repetition(_) => Known::Contains(None),
        HirKind::Capture(capture) => needed(&capture.sub),
        HirKind::Concat(list) => concat(list),
        HirKind::Alternation(list) => alternation(list),
    }
}

/// The folded forms of a small class: `[Kk]` is `k` alone. `None` for others.
fn folded_class(class: &Class) -> Option<Vec<String>> {
    let Class::Unicode(class) = class else { return None };
    let count: usize = class.ranges().iter().map(|r| r.end() as usize - r.start() as usize + 1).sum();
    if count > 8 {
        return None;
    }
    let mut set: Vec<String> =
        class.ranges().iter().flat_map(|r| r.start()..=r.end()).map(|c| c.to_lowercase().collect::<String>()).collect();
    set.sort();
    set.dedup();
    Some(set)
}

fn concat(list: &[Hir]) -> Known {
    let mut best: Option<Vec<String>> = None;
    let mut run = vec![String::new()];
    let mut exact = true;
    for hir in list {
        match needed(hir) {
            Known::Exact(set) if run.len() * set.len() <= MAX_STRINGS => {
                run = run.iter().flat_map(|head| set.iter().map(move |tail| format!("{head}{tail}"))).collect();
            }
            Known::Exact(set) => {
                exact = false;
                best = better(best, Some(std::mem::replace(&mut run, set)));
            }
            Known::Contains(set) => {
                exact = false;
                best = better(best, Some(std::mem::replace(&mut run, vec![String::new()])));
                best = better(best, set);
            }
        }
    }
    if exact { Known::Exact(run) } else { Known::Contains(better(best, Some(run)).filter(|set| worth(set).0 > 0)) }
}

fn alternation(list: &[Hir]) -> Known {
    let mut union = Vec::new();
    let mut exact = true;
    for hir in list {
        let known = needed(hir);
        exact &= matches!(known, Known::Exact(_));
        match known.best() {
            Some(set) if union.len() + set.len() <= MAX_STRINGS => union.extend(set),
            _ => return Known::Contains(None),
        }
    }
    if exact { Known::Exact(union) } else { Known::Contains(Some(union)) }
}

#[cfg(test)]
mod tests {
    use super::required;

    #[test]
    fn what_matches_must_contain() {
        for (source, want) in [
            ("foobar", Some(vec!["foobar"])),
            ("(?i)FooBar", Some(vec!["foobar"])),
            ("foo.*longer", Some(vec!["longer"])),
            ("(abc|defg)x", Some(vec!["abcx", "defgx"])),
            ("(abc)?def", Some(vec!["def"])),
            ("(abc)+", Some(vec!["abc"])),
            (r"\d+", None),
            ("a|", None),
            (r"\\powershell\.exe$", Some(vec!["\\powershell.exe"])),
            ("ab", Some(vec!["ab"])),
            (r"x\d", Some(vec!["x"])),
            ("[ab]cd", Some(vec!["acd", "bcd"])),
            (r"(?=look)ahead", None),
        ] {
            assert_eq!(required(source), want.map(|w| w.into_iter().map(str::to_owned).collect()), "{source}");
        }
    }

    #[test]
    fn letters_with_strange_capitals() {
        // (?i)s also matches ſ, which does not fold to s
        assert_eq!(required("(?i)sun"), Some(vec!["sun".to_owned(), "ſun".to_owned()]));
        assert_eq!(required("(?i)key"), Some(vec!["key".to_owned()]));
    }
}
