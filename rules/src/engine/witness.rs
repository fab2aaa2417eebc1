//! How likely an atom holds, guessed from the rules alone, and which atoms a rule cannot hold without.
//!
//! Guesses only decide what is tried first; a bad one costs time, never an answer.

use hashbrown::HashMap;

use super::{
    atom::{Ask, Atom, AtomId, FieldNo},
    build::Tree,
    scan::{self, Place},
};

/// A set of atoms one of which must hold, and how likely that is.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) atoms: Vec<AtomId>,
    pub(crate) chance: f32,
}

/// What stands in the logs of every machine; strings that are part of it tell little.
const COMMON: [&str; 14] = [
    "c:\\windows\\system32\\",
    "c:\\windows\\syswow64\\",
    "c:\\windows\\temp\\",
    "c:\\program files (x86)\\microsoft\\",
    "c:\\program files\\microsoft office\\",
    "c:\\programdata\\microsoft\\windows\\",
    "c:\\users\\public\\",
    "\\appdata\\local\\temp\\",
    "\\appdata\\roaming\\microsoft\\windows\\",
    "\\software\\microsoft\\windows\\currentversion\\",
    "\\system\\currentcontrolset\\services\\",
    "nt authority\\system",
    "microsoft corporation",
    "https://www.microsoft.com/",
];

/// Whole values named so often or seldomer by the rules say little about how often each comes.
const FEW_NAMED: f32 = 10.0;

/// Guesses how likely each atom holds for an event of the log source.
pub(crate) fn guess(atoms: &mut [Atom]) {
    let mut popular: HashMap<(FieldNo, Place, String), f32, foldhash::fast::FixedState> = HashMap::default();
    // a field of few values that rules name again and again: a method, a status, the number of an event
    let mut wholes: HashMap<FieldNo, f32, foldhash::fast::FixedState> = HashMap::default();
    for atom in atoms.iter() {
        for (place, text) in literals(atom) {
            if place == Place::Whole {
                *wholes.entry(atom.field).or_default() += atom.uses as f32;
            }
            *popular.entry((atom.field, place, text.to_owned())).or_default() += atom.uses as f32;
        }
    }
    for atom in atoms {
        atom.chance = match &atom.ask {
            Ask::Exists => 0.9,
            Ask::Absent => 0.05,
            Ask::Slow(_) => 0.3,
            Ask::Like(_) => {
                // what many rules ask for is common in what they look at
                let one = |(place, text): (Place, &str)| {
                    let uses = popular.get(&(atom.field, place, text.to_owned())).copied().unwrap_or(0.0);
                    let named = wholes.get(&atom.field).copied().filter(|_| place == Place::Whole);
                    let share = named.map_or(0.0, |named| (uses - 1.0) / (named + FEW_NAMED));
                    rarity(place, text) + (uses * 0.002).min(0.2).max(share)
                };
                literals(atom).map(one).sum::<f32>().min(0.95)
            }
        };
    }
}

fn literals(atom: &Atom) -> impl Iterator<Item = (Place, &str)> {
    let patterns = if let Ask::Like(patterns) = &atom.ask { &**patterns } else { &[] };
    patterns.iter().filter_map(|p| scan::literal(p.shape()))
}

fn rarity(place: Place, text: &str) -> f32 {
    let length = text.len();
    let part = |known: &&str| match place {
        Place::Whole => known == &text,
        Place::Start => known.starts_with(text),
        Place::End => known.ends_with(text),
        Place::Anywhere => known.contains(text),
    };
    if COMMON.iter().any(part) {
        return 0.4;
    }
    match place {
        Place::Whole => 0.01,
        Place::Start => match length {
            0..=16 => 0.3,
            17..=24 => 0.15,
            _ => 0.05,
        },
        Place::End => match length {
            0..=4 => 0.3,
            5..=6 => 0.02,
            _ => 0.004,
        },
        Place::Anywhere => match length {
            0..=2 => 0.92,
            3..=6 if is_odd(text) => 0.01,
            3 => 0.3,
            4 => 0.2,
            5..=6 => 0.15,
            7 => 0.015,
            8..=11 => 0.006,
            _ => 0.003,
        },
    }
}

/// Whether a text has signs side by side that seldom stand so in logs, as in `={{` or `=@(`.
fn is_odd(text: &str) -> bool {
    let sign = |b: &u8| b.is_ascii_punctuation() && !matches!(b, b'.' | b'/' | b'\\' | b'-' | b'_' | b':');
    text.as_bytes().windows(2).any(|pair| pair.iter().all(sign))
}

/// How likely a tree holds.
pub(crate) fn tree_chance(tree: &Tree, atoms: &[Atom]) -> f32 {
    match tree {
        Tree::Const(value) => f32::from(u8::from(*value)),
        Tree::Atom(id) => atoms.get(*id as usize).map_or(0.5, |a| a.chance),
        Tree::Not(inner) => 1.0 - tree_chance(inner, atoms),
        Tree::All(list) => list.iter().map(|t| tree_chance(t, atoms)).product(),
        Tree::Any(list) => list.iter().map(|t| tree_chance(t, atoms)).sum::<f32>().min(1.0),
    }
}

/// Atoms without which a tree cannot hold (`positive`) or cannot fail. `None`: there are none that can be waited for.
pub(crate) fn witness(tree: &Tree, positive: bool, atoms: &[Atom]) -> Option<Witness> {
    let one_of = |list: &[Tree]| {
        list.iter()
            .filter_map(|t| witness(t, positive, atoms))
            .min_by(|a, b| a.chance.total_cmp(&b.chance).then(a.atoms.len().cmp(&b.atoms.len())))
    };
    let each_of = |list: &[Tree]| {
        let mut sum = Witness { atoms: Vec::new(), chance: 0.0 };
        for tree in list {
            let one = witness(tree, positive, atoms)?;
            sum.atoms.extend(one.atoms);
            sum.chance += one.chance;
        }
        sum.atoms.sort_unstable();
        sum.atoms.dedup();
        Some(sum)
    };
    match (tree, positive) {
        (Tree::Const(value), _) => (*value != positive).then(|| Witness { atoms: Vec::new(), chance: 0.0 }),
        (Tree::Atom(id), true) => {
            let atom = atoms.get(*id as usize).filter(|a| !matches!(a.ask, Ask::Slow(_)))?;
            Some(Witness { atoms: vec![*id], chance: atom.chance })
        }
        (Tree::Atom(_), false) => None,
        (Tree::Not(inner), _) => witness(inner, !positive, atoms),
        (Tree::All(list), true) | (Tree::Any(list), false) => one_of(list),
        (Tree::Any(list), true) | (Tree::All(list), false) => each_of(list),
    }
}

/// The parts that must all hold for a tree to hold.
pub(crate) fn conjuncts(tree: &Tree) -> &[Tree] {
    if let Tree::All(list) = tree { list } else { std::slice::from_ref(tree) }
}

/// Atoms any of which keeps a tree from holding: those under a `not` that must hold.
pub(crate) fn forbidding(tree: &Tree) -> impl Iterator<Item = AtomId> {
    let negated = conjuncts(tree).iter().filter_map(|t| if let Tree::Not(inner) = t { Some(&**inner) } else { None });
    let any = negated.flat_map(|t| if let Tree::Any(list) = t { list.as_slice() } else { std::slice::from_ref(t) });
    any.filter_map(|t| if let Tree::Atom(id) = t { Some(*id) } else { None })
}
