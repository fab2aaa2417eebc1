//! String patterns of rules and searches: literals with `*` (any run) and `?` (any one character).

use crate::text::fold;

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// This text; folded unless the pattern is cased.
    Literal(Box<str>),
    /// Any one character.
    One,
    /// Any run of characters, empty too.
    Many,
}

/// Matches a whole value. Normalized: no empty literals, no two literals or two `Many` in a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    parts: Vec<Part>,
    cased: bool,
}

/// The common shapes of a pattern, for indexes. Literals are folded unless the pattern is cased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape<'p> {
    /// `text`
    Exact(&'p str),
    /// `text*`
    Prefix(&'p str),
    /// `*text`
    Suffix(&'p str),
    /// `*text*`
    Contains(&'p str),
    /// `*`
    Anything,
    /// Everything else.
    Glob(&'p [Part]),
}

impl Pattern {
    /// From parts, normalized; literals are folded unless `cased`.
    pub fn new(parts: impl IntoIterator<Item = Part>, cased: bool) -> Self {
        let mut out: Vec<Part> = Vec::new();
        for part in parts {
            match (out.last_mut(), part) {
                (_, Part::Literal(s)) if s.is_empty() => {}
                (Some(Part::Literal(last)), Part::Literal(s)) => *last = format!("{last}{s}").into(),
                (Some(Part::Many), Part::Many) => {}
                (_, part) => out.push(part),
            }
        }
        if !cased {
            for part in &mut out {
                if let Part::Literal(s) = part {
                    *s = fold(s).into();
                }
            }
        }
        Self { parts: out, cased }
    }

    /// Exactly this text, wildcards having no meaning.
    pub fn exact(text: &str) -> Self {
        Self::new([Part::Literal(text.into())], false)
    }

    /// Anything that contains this text.
    pub fn contains(text: &str) -> Self {
        Self::new([Part::Many, Part::Literal(text.into()), Part::Many], false)
    }

    /// Sigma's and the search bar's syntax: `*`, `?`, and `\` escaping `*`, `?` and itself; any other `\` is itself.
    pub fn parse(text: &str, cased: bool) -> Self {
        Self::new(Self::parse_parts(text), cased)
    }

    /// The parts of Sigma's wildcard syntax, not normalized.
    pub fn parse_parts(text: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut chars = text.chars().peekable();
        let flush = |literal: &mut String, parts: &mut Vec<Part>| {
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(literal).into()));
            }
        };
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next_if(|n| matches!(n, '*' | '?' | '\\')) {
                    Some(escaped) => literal.push(escaped),
                    None => literal.push('\\'),
                },
                '*' | '?' => {
                    flush(&mut literal, &mut parts);
                    parts.push(if c == '*' { Part::Many } else { Part::One });
                }
                c => literal.push(c),
            }
        }
        flush(&mut literal, &mut parts);
        parts
    }

    /// The parts.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether case matters.
    pub fn cased(&self) -> bool {
        self.cased
    }

    /// The shape, for indexes.
    pub fn shape(&self) -> Shape<'_> {
        match self.parts.as_slice() {
            [] => Shape::Exact(""),
            [Part::Many] => Shape::Anything,
            [Part::Literal(s)] => Shape::Exact(s),
            [Part::Literal(s), Part::Many] => Shape::Prefix(s),
            [Part::Many, Part::Literal(s)] => Shape::Suffix(s),
            [Part::Many, Part::Literal(s), Part::Many] => Shape::Contains(s),
            parts => Shape::Glob(parts),
        }
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        if self.cased { glob(&self.parts, text) } else { glob(&self.parts, &fold(text)) }
    }

    /// Like [`Pattern::matches`] where `folded` is already folded; for patterns that are not cased.
    pub fn matches_folded(&self, folded: &str) -> bool {
        glob(&self.parts, folded)
    }
}

/// Greedy matching with one backtrack point: linear in practice, at worst text × parts.
fn glob(parts: &[Part], text: &str) -> bool {
    let mut p = 0;
    let mut rest = text;
    let mut retry: Option<(usize, &str)> = None; // parts after the last `Many`, text where they were last tried
    loop {
        let step = match parts.get(p) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Part::Many) => {
                p += 1;
                if p == parts.len() {
                    return true;
                }
                retry = Some((p, rest));
                continue;
            }
            Some(Part::One) => {
                let mut chars = rest.chars();
                chars.next().map(|_| chars.as_str())
            }
            Some(Part::Literal(s)) => rest.strip_prefix(&**s),
        };
        match (step, &mut retry) {
            (Some(next), _) => {
                rest = next;
                p += 1;
            }
            (None, Some((after, from))) => {
                // jump to the next place where the literal after `Many` stands
                let mut chars = from.chars();
                if chars.next().is_none() {
                    return false;
                }
                let mut next = chars.as_str();
                if let Some(Part::Literal(s)) = parts.get(*after) {
                    match next.find(&**s) {
                        Some(i) => next = next.get(i..).unwrap_or(""),
                        None => return false,
                    }
                }
                *from = next;
                rest = next;
                p = *after;
            }
            (None, None) => return false,
        }
    }
}
