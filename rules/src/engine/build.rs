//! A rule's predicate → a tree over atoms. Tests that cannot be scanned for are joined with what they imply and can:
//! a regular expression with the strings its matches must contain, a wildcard pattern with its longest literal,
//! anything else with the presence of its field.

use fansipan_model::{Op, Part, Pattern, Predicate, Target, Test};

use super::{
    atom::{ANY, Ask, AtomId, Atoms, FieldNo},
    literal, scan,
};

/// So many simple patterns of one field under one `or` become one atom.
const GROUP: usize = 6;

/// A condition over atoms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Const(bool),
    Atom(AtomId),
    Not(Box<Tree>),
    All(Vec<Tree>),
    Any(Vec<Tree>),
}

/// Builds the tree of a predicate.
pub(crate) fn tree(predicate: &Predicate, atoms: &mut Atoms) -> Tree {
    match predicate {
        Predicate::True => Tree::Const(true),
        Predicate::False => Tree::Const(false),
        Predicate::Not(inner) => match tree(inner, atoms) {
            Tree::Const(value) => Tree::Const(!value),
            Tree::Not(inner) => *inner,
            other => Tree::Not(Box::new(other)),
        },
        Predicate::And(list) => all(list.iter().map(|p| tree(p, atoms)).collect()),
        Predicate::Or(list) => or(list, atoms),
        Predicate::Test(test) => leaf(test, atoms),
    }
}

/// Joined by and: constants removed, nested ones opened.
fn all(list: Vec<Tree>) -> Tree {
    let mut out = Vec::with_capacity(list.len());
    for tree in list {
        match tree {
            Tree::Const(true) => {}
            Tree::Const(false) => return Tree::Const(false),
            Tree::All(inner) => out.extend(inner),
            other => out.push(other),
        }
    }
    match out.len() {
        0 => Tree::Const(true),
        1 => out.remove(0),
        _ => Tree::All(out),
    }
}

/// Joined by or: constants removed, nested ones opened.
fn any(list: Vec<Tree>) -> Tree {
    let mut out = Vec::with_capacity(list.len());
    for tree in list {
        match tree {
            Tree::Const(false) => {}
            Tree::Const(true) => return Tree::Const(true),
            Tree::Any(inner) => out.extend(inner),
            other => out.push(other),
        }
    }
    match out.len() {
        0 => Tree::Const(false),
        1 => out.remove(0),
        _ => Tree::Any(out),
    }
}

fn or(list: &[Predicate], atoms: &mut Atoms) -> Tree {
    // simple patterns of one field, gathered; fields in order of their first pattern
    let mut groups: Vec<(FieldNo, Vec<Pattern>)> = Vec::new();
    let mut rest = Vec::new();
    for predicate in list {
        match predicate {
            Predicate::Test(Test { target, op: Op::Like(pattern) }) if simple(pattern) => {
                let field = field_no(target, atoms);
                match groups.iter_mut().find(|g| g.0 == field) {
                    Some((_, patterns)) => patterns.push(pattern.clone()),
                    None => groups.push((field, vec![pattern.clone()])),
                }
            }
            other => rest.push(tree(other, atoms)),
        }
    }
    for (field, mut patterns) in groups {
        patterns.sort();
        patterns.dedup();
        if patterns.len() >= GROUP {
            rest.push(Tree::Atom(atoms.atom(field, Ask::Like(patterns.into()))));
        } else {
            rest.extend(patterns.into_iter().map(|p| Tree::Atom(atoms.atom(field, Ask::Like([p].into())))));
        }
    }
    any(rest)
}

/// Whether a scan finds exactly what the pattern matches.
fn simple(pattern: &Pattern) -> bool {
    !pattern.cased() && scan::literal(pattern.shape()).is_some()
}

fn field_no(target: &Target, atoms: &mut Atoms) -> FieldNo {
    match target {
        Target::Any => ANY,
        Target::Field(candidates) => atoms.field(candidates),
    }
}

fn leaf(test: &Test, atoms: &mut Atoms) -> Tree {
    let field = field_no(&test.target, atoms);
    let slow = |atoms: &mut Atoms| Tree::Atom(atoms.atom(field, Ask::Slow(test.op.clone())));
    if let Op::Field(reference) = &test.op {
        atoms.field(&reference.other); // so that it is resolved like any other
    }
    let gate = match &test.op {
        Op::Exists if field != ANY => return Tree::Atom(atoms.atom(field, Ask::Exists)),
        Op::Absent if field != ANY => return Tree::Atom(atoms.atom(field, Ask::Absent)),
        Op::Like(pattern) if simple(pattern) => return Tree::Atom(atoms.atom(field, Ask::Like([pattern.clone()].into()))),
        Op::Like(pattern) if pattern.parts() == [Part::Many] && field != ANY => return Tree::Atom(atoms.atom(field, Ask::Exists)),
        Op::Like(pattern) => longest(pattern).map(|p| vec![p]),
        Op::Regex(re) => literal::required(re.source()).map(|set| set.iter().map(|s| Pattern::contains(s)).collect()),
        _ => None,
    };
    match gate {
        Some(patterns) => {
            let gate = Tree::Atom(atoms.atom(field, Ask::Like(patterns.into())));
            all(vec![gate, slow(atoms)])
        }
        // every remaining operation needs a value
        None if field != ANY => {
            let gate = Tree::Atom(atoms.atom(field, Ask::Exists));
            all(vec![gate, slow(atoms)])
        }
        None => slow(atoms),
    }
}

/// The longest literal of a pattern, at its place.
fn longest(pattern: &Pattern) -> Option<Pattern> {
    let parts = pattern.parts();
    let (at, text) = parts
        .iter()
        .enumerate()
        .filter_map(|(i, p)| if let Part::Literal(s) = p { Some((i, s)) } else { None })
        .max_by_key(|(i, s)| (s.len(), std::cmp::Reverse(*i)))?;
    let literal = Part::Literal(text.clone());
    // folding what is cased here is sound: what contains the text contains the folded text once folded
    Some(match (at == 0, at + 1 == parts.len()) {
        (true, true) => Pattern::new([literal], false),
        (true, false) => Pattern::new([literal, Part::Many], false),
        (false, true) => Pattern::new([Part::Many, literal], false),
        (false, false) => Pattern::new([Part::Many, literal, Part::Many], false),
    })
}
