//! Text templates: literals and captures, matched without a regex engine.
//!
//! A capture takes the shortest text that lets the rest match, so a template that is anchored at the end cannot be fooled by a
//! user name that imitates the tail of the message. The work for one text is bounded by [`BUDGET`].

use memchr::memmem;
use smallvec::SmallVec;

/// What a capture may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Anything, nothing too.
    Any,
    /// No blanks, at least one character.
    Word,
    /// Decimal digits, at least one; a sign before them.
    Digits,
    /// A decimal number with blanks around it and a point in it.
    Number,
    /// Up to a `"` that no backslash escapes.
    Quoted,
}

impl Class {
    /// How many bytes at the start of `text` it may take at most.
    fn reach(self, text: &str) -> usize {
        let bytes = text.as_bytes();
        match self {
            Class::Any => bytes.len(),
            Class::Word => bytes.iter().position(u8::is_ascii_whitespace).unwrap_or(bytes.len()),
            Class::Digits => {
                let sign = usize::from(bytes.first() == Some(&b'-'));
                sign + bytes.iter().skip(sign).take_while(|b| b.is_ascii_digit()).count()
            }
            Class::Number => bytes.iter().take_while(|b| b.is_ascii_digit() || matches!(b, b' ' | b'.' | b'-')).count(),
            Class::Quoted => {
                let mut escaped = false;
                let stop = |b: &u8| {
                    let stop = *b == b'"' && !escaped;
                    escaped = *b == b'\\' && !escaped;
                    stop
                };
                bytes.iter().position(stop).unwrap_or(bytes.len())
            }
        }
    }

    fn takes_nothing(self) -> bool {
        matches!(self, Class::Any | Class::Quoted)
    }
}

#[derive(Debug)]
enum Piece {
    Literal(Box<str>, Box<memmem::Finder<'static>>),
    Capture(Class),
}

/// A compiled template.
#[derive(Debug)]
pub(super) struct Template {
    pieces: Box<[Piece]>,
}

/// `<name:conv>` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CaptureText {
    pub(super) name: String,
    pub(super) conv: Option<String>,
}

/// Captured texts, in the order of the template.
pub(super) type Captured<'t> = SmallVec<[&'t str; 16]>;

/// Searches for a literal in one match: far beyond what any honest record needs.
const BUDGET: u32 = 2_000;

/// A template and the captures it makes; several where it holds `((optional))` parts.
pub(super) fn compile(text: &str, class: impl Fn(&CaptureText) -> Class) -> Result<Vec<(Template, Vec<CaptureText>)>, String> {
    let variants = expand(text)?;
    variants.iter().map(|variant| compile_one(variant, &class)).collect()
}

/// Every combination of optional parts, present first.
fn expand(text: &str) -> Result<Vec<String>, String> {
    let Some((before, rest)) = text.split_once("((") else { return Ok(vec![text.to_owned()]) };
    let Some((optional, after)) = rest.split_once("))") else {
        return Err(format!("`((` without `))` in `{text}`"));
    };
    let tails = expand(after)?;
    if tails.len() > 16 {
        return Err(format!("more than five optional parts in `{text}`: write two templates"));
    }
    let with = tails.iter().map(|tail| format!("{before}{optional}{tail}"));
    let without = tails.iter().map(|tail| format!("{before}{tail}"));
    Ok(with.chain(without).collect())
}

fn compile_one(text: &str, class: &impl Fn(&CaptureText) -> Class) -> Result<(Template, Vec<CaptureText>), String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut captures: Vec<CaptureText> = Vec::new();
    let mut literal = String::new();
    let flush = |literal: &mut String, pieces: &mut Vec<Piece>| {
        if !literal.is_empty() {
            let finder = Box::new(memmem::Finder::new(literal.as_bytes()).into_owned());
            pieces.push(Piece::Literal(std::mem::take(literal).into(), finder));
        }
    };
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.as_str().chars().next() {
                Some(next @ ('<' | '\\' | '(' | ')')) => {
                    literal.push(next);
                    chars.next();
                }
                _ => literal.push('\\'),
            },
            '<' => {
                flush(&mut literal, &mut pieces);
                let (inside, after) =
                    chars.as_str().split_once('>').ok_or_else(|| format!("`<` without `>` in `{text}` (a literal one is `\\<`)"))?;
                chars = after.chars();
                let (name, conv) = inside.split_once(':').map_or((inside, None), |(n, c)| (n, Some(c.to_owned())));
                let known = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
                if name.is_empty() || !name.chars().all(known) {
                    return Err(format!("`<{inside}>` in `{text}` names no field (a literal `<` is `\\<`)"));
                }
                let capture = CaptureText { name: name.to_owned(), conv };
                let class = class(&capture);
                if matches!(pieces.last(), Some(Piece::Capture(Class::Any))) {
                    return Err(format!("nothing stands between two captures in `{text}`"));
                }
                pieces.push(Piece::Capture(class));
                captures.push(capture);
            }
            c => literal.push(c),
        }
    }
    flush(&mut literal, &mut pieces);
    if captures.len() > 24 {
        return Err(format!("more than 24 captures in `{text}`"));
    }
    Ok((Template { pieces: pieces.into() }, captures))
}

impl Template {
    /// The literal it begins with.
    pub(super) fn first(&self) -> Option<&str> {
        match self.pieces.first() {
            Some(Piece::Literal(text, _)) => Some(text),
            _ => None,
        }
    }

    /// Matches from the start of `text`; `whole` demands its end too. The rest of the text.
    pub(super) fn matches<'t>(&self, text: &'t str, whole: bool, out: &mut Captured<'t>) -> Option<&'t str> {
        out.clear();
        let mut budget = BUDGET;
        step(&self.pieces, text, whole, out, &mut budget)
    }
}

fn step<'t>(pieces: &[Piece], text: &'t str, whole: bool, out: &mut Captured<'t>, budget: &mut u32) -> Option<&'t str> {
    match pieces {
        [] => (!whole || text.is_empty()).then_some(text),
        [Piece::Literal(literal, _), rest @ ..] => step(rest, text.strip_prefix(&**literal)?, whole, out, budget),
        [Piece::Capture(class), rest @ ..] => {
            let reach = class.reach(text);
            match rest.first() {
                Some(Piece::Literal(literal, finder)) => {
                    let window = text.as_bytes().get(..text.len().min(reach + literal.len()))?;
                    // what stops at a quote goes up to it, not up to one that is escaped
                    let quoted = *class == Class::Quoted && literal.starts_with('"');
                    let mut from = if quoted { reach } else { usize::from(!class.takes_nothing()) };
                    loop {
                        *budget = budget.checked_sub(1)?;
                        let at = from + finder.find(window.get(from..)?)?;
                        let mark = out.len();
                        out.push(text.get(..at)?);
                        if let Some(done) = step(rest, text.get(at..)?, whole, out, budget) {
                            return Some(done);
                        }
                        out.truncate(mark);
                        from = at + 1;
                    }
                }
                _ => {
                    if reach == 0 && !class.takes_nothing() {
                        return None;
                    }
                    out.push(text.get(..reach)?);
                    step(rest, text.get(reach..)?, whole, out, budget)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(capture: &CaptureText) -> Class {
        match capture.conv.as_deref() {
            Some("word") => Class::Word,
            Some("long") => Class::Digits,
            _ => Class::Any,
        }
    }

    fn run(template: &str, text: &str) -> Option<Vec<String>> {
        let mut out = Captured::new();
        compile(template, class)
            .unwrap()
            .iter()
            .find_map(|(t, _)| t.matches(text, true, &mut out).map(|_| out.iter().map(|s| (*s).to_owned()).collect()))
    }

    #[test]
    fn captures() {
        let cases: [(&str, &str, Option<&[&str]>); 11] = [
            ("a <x> b", "a 1 b", Some(&["1"])),
            ("a <x>", "a ", Some(&[""])),
            ("a <x:word>", "a ", None),
            ("a <x:word>", "a b c", None),
            ("port <x:long> ssh2", "port 22 ssh2", Some(&["22"])),
            ("port <x:long> ssh2", "port x ssh2", None),
            ("a(( b)) <x>", "a b c", Some(&["c"])),
            ("a(( b)) <x>", "a c", Some(&["c"])),
            (r"\<<x>> \(\(", "<q> ((", Some(&["q"])),
            ("<a:long><b:word>", "12ab", Some(&["12", "ab"])),
            ("x <a> y", "x đ y y", Some(&["đ y"])),
        ];
        for (template, text, expected) in cases {
            let expected = expected.map(|e| e.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
            assert_eq!(run(template, text), expected, "{template} | {text}");
        }
    }

    #[test]
    fn a_name_that_imitates_the_tail_stays_a_name() {
        let template = "Invalid user <user> from <ip:word> port <port:long>";
        let text = "Invalid user x from 8.8.8.8 port 1 from 10.0.0.9 port 5022";
        assert_eq!(run(template, text).unwrap(), ["x from 8.8.8.8 port 1", "10.0.0.9", "5022"]);
    }

    #[test]
    fn work_is_bounded() {
        let text = "a ".repeat(30_000);
        assert_eq!(run("<a>a<b>a<c>a<d>a<e>z", &text), None);
    }

    #[test]
    fn mistakes_are_named() {
        for bad in ["a <", "a <>", "<a><b>", "((x", "<a b>"] {
            assert!(compile(bad, |_| Class::Any).is_err(), "{bad}");
        }
    }
}
