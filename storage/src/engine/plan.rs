//! The set of documents of one segment that a lowered predicate names, computed as bits.

use std::net::Ipv6Addr;

use tantivy::{
    DocSet, TERMINATED, Term,
    columnar::Column,
    postings::SegmentPostings,
    schema::{Field, IndexRecordOption},
};

use super::{bits::Bits, day::Segment};

/// A set of documents of a segment.
pub(crate) enum Node {
    /// All of them.
    All,
    /// None of them.
    None,
    /// Those in every part.
    And(Vec<Node>),
    /// Those in any part.
    Or(Vec<Node>),
    /// Those not inside.
    Not(Box<Node>),
    /// Those with this term.
    Term(Term),
    /// Those of the part, all of which have this term, and so many documents have it.
    Narrowed(Term, u32, Box<Node>),
    /// Those with a term of the field for which the function holds.
    Terms { field: Field, from: Vec<u8>, keep: Keep },
    /// Those with one of these values in a dictionary column.
    Ords(Column<u64>, Bits),
    /// Those with any value in the column.
    Some(Column<u64>),
    /// Those with an integer between these, both inclusive.
    Long(Column<i64>, i64, i64),
    /// Those with this integer.
    Unsigned(Column<u64>, u64),
    /// Those with an address between these, both inclusive.
    Ip(Column<Ipv6Addr>, Ipv6Addr, Ipv6Addr),
    /// Those with any address.
    SomeIp(Column<Ipv6Addr>),
    /// Those with this boolean.
    Bool(Column<bool>, bool),
}

/// Decides on a term of the dictionary: in, out, or past the last that could be in.
pub(crate) type Keep = Box<dyn Fn(&[u8]) -> TermFate + Send + Sync>;

/// What to do with a term of the dictionary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TermFate {
    /// Its documents are in.
    In,
    /// They are not.
    Out,
    /// Neither they nor those of any later term.
    End,
}

/// Terms after which a pattern over words is no longer worth expanding: every document is a candidate then.
const MOST_TERMS: usize = 50_000;

/// Cost of a run of terms from a place in the dictionary, and of looking at each of its terms, in those of [`Node::cost`].
const SOME_TERMS: u64 = 10_000;
const WHOLE_DICTIONARY: u64 = 10_000_000;

impl Node {
    /// Rough cost while so many documents are in question, for the order of a conjunction: a column is looked at for each of them,
    /// a term has its documents listed however many are left.
    fn cost(&self, left: u64) -> u64 {
        match self {
            Node::All | Node::None => 0,
            Node::Term(_) => 1,
            Node::Long(..) | Node::Unsigned(..) | Node::Bool(..) | Node::Some(_) | Node::SomeIp(_) => 3 * left,
            Node::Ords(..) => 4 * left,
            Node::Ip(..) => 5 * left,
            Node::Narrowed(_, documents, inner) => inner.cost(left.min(u64::from(*documents))),
            Node::Not(inner) => inner.cost(left),
            Node::And(parts) => parts.iter().map(|n| n.cost(left)).min().unwrap_or(0),
            Node::Or(parts) => parts.iter().map(|n| n.cost(left)).sum(),
            Node::Terms { from, .. } if from.is_empty() => WHOLE_DICTIONARY,
            Node::Terms { .. } => SOME_TERMS,
        }
    }

    /// The set in words, for `search --explain`.
    pub(crate) fn describe(&self) -> String {
        let list = |parts: &[Node], word: &str| format!("({})", parts.iter().map(Node::describe).collect::<Vec<_>>().join(word));
        match self {
            Node::All => "every event".into(),
            Node::None => "no event".into(),
            Node::And(parts) => list(parts, " and "),
            Node::Or(parts) => list(parts, " or "),
            Node::Not(inner) => format!("not {}", inner.describe()),
            Node::Term(term) => format!("term {}", String::from_utf8_lossy(term.serialized_value_bytes()).escape_debug()),
            Node::Narrowed(term, _, inner) => format!("({} and {})", Node::Term(term.clone()).describe(), inner.describe()),
            Node::Terms { from, .. } if from.is_empty() => "all terms, each looked at".into(),
            Node::Terms { from, .. } => format!("terms from {}", String::from_utf8_lossy(from).escape_debug()),
            Node::Ords(_, set) => format!("{} values of a column", set.count()),
            Node::Some(_) | Node::SomeIp(_) => "any value of a column".into(),
            Node::Long(_, from, to) => format!("column from {from} to {to}"),
            Node::Unsigned(_, v) => format!("column is {v}"),
            Node::Ip(_, from, to) => format!("column from {from} to {to}"),
            Node::Bool(_, v) => format!("column is {v}"),
        }
    }

    /// The documents of `within` that are in the set.
    pub(crate) fn eval(&self, segment: &Segment, mut within: Bits) -> tantivy::Result<Bits> {
        if within.is_empty() {
            return Ok(within);
        }
        match self {
            Node::All => {}
            Node::None => within = Bits::empty(within.len()),
            Node::And(parts) => {
                let mut rest: Vec<&Node> = parts.iter().collect();
                // the cheapest next, by what the ones before have left
                while !rest.is_empty() {
                    let left = within.count();
                    let next = (0..rest.len()).min_by_key(|i| rest.get(*i).map(|n| n.cost(left))).unwrap_or(0);
                    within = rest.swap_remove(next).eval(segment, within)?;
                }
            }
            Node::Or(parts) => {
                let mut found = Bits::empty(within.len());
                for part in parts {
                    let mut left = within.clone();
                    left.minus(&found);
                    found.or(&part.eval(segment, left)?);
                }
                within = found;
            }
            Node::Not(inner) => {
                let inside = inner.eval(segment, within.clone())?;
                within.minus(&inside);
            }
            Node::Term(term) => within.and(&with_term(segment, term)?),
            Node::Narrowed(term, documents, inner) => {
                // a list of more documents than this takes longer to read than the column does
                if u64::from(*documents) < within.count() / 2 {
                    within.and(&with_term(segment, term)?);
                }
                within = inner.eval(segment, within)?;
            }
            Node::Terms { field, from, keep } => {
                if let Some(found) = with_terms(segment, *field, from, keep)? {
                    within.and(&found);
                }
            }
            Node::Ords(column, set) => retain(&mut within, column, |ord| set.has(ord as u32)),
            Node::Some(column) => within.retain(|doc| column.index.has_value(doc)),
            Node::SomeIp(column) => within.retain(|doc| column.index.has_value(doc)),
            Node::Long(column, from, to) => retain(&mut within, column, |v| *from <= v && v <= *to),
            Node::Unsigned(column, wanted) => retain(&mut within, column, |v| v == *wanted),
            Node::Ip(column, from, to) => retain(&mut within, column, |v| *from <= v && v <= *to),
            Node::Bool(column, wanted) => retain(&mut within, column, |v| v == *wanted),
        }
        Ok(within)
    }
}

/// Keeps documents with a value for which `holds`.
fn retain<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(bits: &mut Bits, column: &Column<T>, holds: impl Fn(T) -> bool) {
    match column.index.get_cardinality() {
        tantivy::columnar::Cardinality::Full => bits.retain(|doc| holds(column.values.get_val(doc))),
        _ => bits.retain(|doc| column.values_for_doc(doc).any(&holds)),
    }
}

fn with_term(segment: &Segment, term: &Term) -> tantivy::Result<Bits> {
    let mut found = Bits::empty(segment.len());
    let inverted = segment.reader.inverted_index(term.field())?;
    if let Some(mut postings) = inverted.read_postings(term, IndexRecordOption::Basic)? {
        collect(&mut postings, &mut found);
    }
    Ok(found)
}

fn collect(postings: &mut SegmentPostings, found: &mut Bits) {
    let mut doc = postings.doc();
    while doc != TERMINATED {
        found.set(doc);
        doc = postings.advance();
    }
}

/// `None`: too many terms to be worth it.
fn with_terms(segment: &Segment, field: Field, from: &[u8], keep: &Keep) -> tantivy::Result<Option<Bits>> {
    let inverted = segment.reader.inverted_index(field)?;
    let mut stream = inverted.terms().range().ge(from).into_stream()?;
    let mut found = Bits::empty(segment.len());
    let mut terms = 0;
    while stream.advance() {
        match keep(stream.key()) {
            TermFate::Out => continue,
            TermFate::End => break,
            TermFate::In => {}
        }
        terms += 1;
        if terms > MOST_TERMS {
            return Ok(None);
        }
        let mut postings = inverted.read_postings_from_terminfo(stream.value(), IndexRecordOption::Basic)?;
        collect(&mut postings, &mut found);
    }
    Ok(Some(found))
}

/// Documents with the term, as the dictionary says.
pub(crate) fn frequency(segment: &Segment, term: &Term) -> tantivy::Result<u32> {
    Ok(segment.reader.inverted_index(term.field())?.doc_freq(term)?)
}
