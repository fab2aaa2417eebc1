//! Tests that are done on demand, for the few rules that are woken: quick forms of what patterns and other operations ask.

use fansipan_model::{Op, Pattern, RegexTest, Relation, Value};
use memchr::memmem::Finder;

use super::{
    atom::{Ask, Atom, Atoms, FieldNo},
    literal,
    scan::{self, Place},
    view::{NONE, View},
};

/// How an atom is tested on demand.
#[derive(Debug)]
pub(crate) enum LazyTest {
    /// The scan finds it; never tested.
    Never,
    /// One of these simple patterns.
    Simple(Box<[Simple]>),
    /// A pattern over the folded value.
    Pattern(Pattern),
    /// Compares folded values with those of another field.
    Same(FieldNo, Relation),
    /// A regular expression.
    Regex(Box<Regex>),
    /// As the definition does it.
    Plain(Op),
    /// One of these simple patterns in any value that keywords look at.
    Everywhere(Box<[Simple]>),
}

/// A regular expression with a shorter way for ASCII texts.
#[derive(Debug)]
pub(crate) struct Regex {
    exact: RegexTest,
    /// The same over bytes, without Unicode's classes: a fraction of the states. Only where the expression itself is ASCII; over
    /// ASCII texts both then match the same.
    ascii: Option<regex::bytes::Regex>,
    /// It matches no text of fewer bytes.
    least: usize,
}

impl Regex {
    fn new(re: &RegexTest) -> Regex {
        let source = re.source();
        let ascii =
            (source.is_ascii() && re.is_linear()).then(|| regex::bytes::RegexBuilder::new(source).unicode(false).build().ok()).flatten();
        Regex { exact: re.clone(), ascii, least: literal::least_length(source) }
    }

    fn is_match(&self, text: &str) -> bool {
        text.len() >= self.least
            && match &self.ascii {
                Some(ascii) if text.is_ascii() => ascii.is_match(text.as_bytes()),
                _ => self.exact.is_match(text),
            }
    }
}

/// A simple pattern, ready to be tested against a folded value.
#[derive(Debug)]
pub(crate) enum Simple {
    Whole(Box<str>),
    Start(Box<str>),
    End(Box<str>),
    Anywhere(Finder<'static>),
}

impl LazyTest {
    /// Of an atom; `atoms` knows the other fields that atoms compare with.
    pub(crate) fn new(atom: &Atom, atoms: &Atoms) -> LazyTest {
        let everywhere = atom.field == super::atom::ANY;
        match &atom.ask {
            _ if !atom.is_lazy() => LazyTest::Never,
            Ask::Exists | Ask::Absent => LazyTest::Never,
            Ask::Like(patterns) => {
                let list = patterns.iter().filter_map(|p| scan::literal(p.shape())).map(Simple::new).collect();
                if everywhere { LazyTest::Everywhere(list) } else { LazyTest::Simple(list) }
            }
            Ask::Slow(Op::Like(pattern)) if !pattern.cased() && !everywhere => LazyTest::Pattern(pattern.clone()),
            Ask::Slow(Op::Regex(re)) if !everywhere => LazyTest::Regex(Box::new(Regex::new(re))),
            Ask::Slow(op) => match op {
                Op::Field(reference) if !reference.cased && !everywhere => match atoms.known_field(&reference.other) {
                    Some(other) => LazyTest::Same(other, reference.relation),
                    None => LazyTest::Plain(op.clone()),
                },
                _ => LazyTest::Plain(op.clone()),
            },
        }
    }

    /// The other field it compares with.
    pub(crate) fn other(&self) -> Option<FieldNo> {
        if let LazyTest::Same(other, _) = self { Some(*other) } else { None }
    }

    /// Whether it costs more than remembering its answer; answers that depend on one value alone can be.
    pub(crate) fn is_dear(&self) -> bool {
        match self {
            LazyTest::Simple(list) => list.len() > 3,
            LazyTest::Pattern(_) | LazyTest::Regex(_) => true,
            _ => false,
        }
    }

    /// Whether the value with this number holds; `other`: the number of the first value of the field compared with.
    pub(crate) fn holds(&self, number: u32, other: u32, view: &mut View<'_, '_>) -> bool {
        match self {
            LazyTest::Never | LazyTest::Everywhere(_) => false,
            LazyTest::Simple(list) => view.folded(number).is_some_and(|text| list.iter().any(|s| s.matches(text))),
            LazyTest::Pattern(pattern) => view.folded(number).is_some_and(|text| pattern.matches_folded(text)),
            LazyTest::Regex(re) => match view.text(number) {
                Some(text) => re.is_match(text),
                None => view.value(number).and_then(Value::text).is_some_and(|text| re.is_match(&text)),
            },
            LazyTest::Plain(op) => view.value(number).is_some_and(|value| op.holds(value, view.event)),
            LazyTest::Same(_, relation) => {
                let mut number_of_other = other;
                while number_of_other != NONE {
                    let ascii = |text: &&str| view.is_ascii(text);
                    if *relation == Relation::Equals
                        && let (Some(this), Some(that)) = (view.text(number).filter(ascii), view.text(number_of_other).filter(ascii))
                    {
                        if this.eq_ignore_ascii_case(that) {
                            return true;
                        }
                        number_of_other = view.next(number_of_other);
                        continue;
                    }
                    let held = view.both(number, number_of_other, |this, that| match relation {
                        Relation::Equals => this == that,
                        Relation::StartsWith => this.starts_with(that),
                        Relation::EndsWith => this.ends_with(that),
                        Relation::Contains => this.contains(that),
                    });
                    if held {
                        return true;
                    }
                    number_of_other = view.next(number_of_other);
                }
                false
            }
        }
    }

    /// Whether any value of the event that keywords look at holds.
    pub(crate) fn anywhere(&self, view: &mut View<'_, '_>) -> bool {
        match self {
            LazyTest::Plain(op) => {
                let holds = |n: u32| view.for_keywords(n) && view.value(n).is_some_and(|value| op.holds(value, view.event));
                (0..view.len()).any(holds)
            }
            LazyTest::Everywhere(list) => list.iter().any(|simple| match simple {
                Simple::Anywhere(finder) => finder.find(view.joined_folded(finder.needle().len())).is_some(),
                whole => (0..view.len()).any(|n| view.for_keywords(n) && view.folded(n).is_some_and(|text| whole.matches(text))),
            }),
            _ => false,
        }
    }
}

impl Simple {
    fn new((place, text): (Place, &str)) -> Simple {
        match place {
            Place::Whole => Simple::Whole(text.into()),
            Place::Start => Simple::Start(text.into()),
            Place::End => Simple::End(text.into()),
            Place::Anywhere => Simple::Anywhere(Finder::new(text).into_owned()),
        }
    }

    fn matches(&self, folded: &str) -> bool {
        match self {
            Simple::Whole(text) => folded == &**text,
            Simple::Start(text) => folded.starts_with(&**text),
            Simple::End(text) => folded.ends_with(&**text),
            Simple::Anywhere(finder) => finder.find(folded.as_bytes()).is_some(),
        }
    }
}
