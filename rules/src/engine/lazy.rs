//! Tests that are done on demand, for the few rules that are woken: quick forms of what patterns and other operations ask.

use fansipan_model::{Event, Op, Pattern, Relation, Value, predicate};
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
    /// A regular expression, that matches no text of fewer bytes.
    Regex(fansipan_model::RegexTest, usize),
    /// As the definition does it.
    Plain(Op),
    /// Simple patterns over every value, as the definition does it.
    Patterns(Box<[Op]>),
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
            Ask::Like(patterns) if everywhere => LazyTest::Patterns(patterns.iter().cloned().map(Op::Like).collect()),
            Ask::Like(patterns) => LazyTest::Simple(patterns.iter().filter_map(|p| scan::literal(p.shape())).map(Simple::new).collect()),
            Ask::Slow(Op::Like(pattern)) if !pattern.cased() && !everywhere => LazyTest::Pattern(pattern.clone()),
            Ask::Slow(Op::Regex(re)) if !everywhere => LazyTest::Regex(re.clone(), literal::least_length(re.source())),
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

    /// Whether one of a field's values holds; `first`: the first of them, `other`: the first of the field compared with.
    pub(crate) fn holds(&self, first: u32, other: u32, view: &mut View<'_, '_>) -> bool {
        let mut number = first;
        while let Some((value, next)) = view.value(number) {
            if self.one(number, value, other, view) {
                return true;
            }
            number = next;
        }
        false
    }

    fn one(&self, number: u32, value: Value<'_>, other: u32, view: &mut View<'_, '_>) -> bool {
        match self {
            LazyTest::Never | LazyTest::Patterns(_) => false,
            LazyTest::Simple(list) => view.folded(number).0.is_some_and(|text| list.iter().any(|s| s.matches(text))),
            LazyTest::Pattern(pattern) => view.folded(number).0.is_some_and(|text| pattern.matches_folded(text)),
            LazyTest::Regex(re, least) => match value {
                Value::Str(text) => text.len() >= *least && re.is_match(text),
                _ => value.text().is_some_and(|text| re.is_match(&text)),
            },
            LazyTest::Plain(op) => op.holds(value, view.event),
            LazyTest::Same(_, relation) => {
                let mut number_of_other = other;
                while number_of_other != NONE {
                    let (held, next) = view.both(number, number_of_other, |this, that| match relation {
                        Relation::Equals => this == that,
                        Relation::StartsWith => this.starts_with(that),
                        Relation::EndsWith => this.ends_with(that),
                        Relation::Contains => this.contains(that),
                    });
                    if held {
                        return true;
                    }
                    number_of_other = next;
                }
                false
            }
        }
    }

    /// Whether any value of the event that keywords look at holds.
    pub(crate) fn anywhere(&self, event: &Event) -> bool {
        let any = |op: &Op| event.iter().filter(|(name, _)| predicate::in_any(name)).any(|(_, value)| op.holds(value, event));
        match self {
            LazyTest::Plain(op) => any(op),
            LazyTest::Patterns(list) => list.iter().any(any),
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
