//! How likely an atom holds, guessed from the rules alone, and which atoms a rule cannot hold without.
//!
//! Guesses only decide what is tried first; a bad one costs time, never an answer.

use super::{
    atom::{Ask, Atom, AtomId},
    build::Tree,
    scan::{self, Place},
};

/// A set of atoms one of which must hold, and how likely that is.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) atoms: Vec<AtomId>,
    pub(crate) chance: f32,
}

/// How likely an atom holds for an event of the log source.
pub(crate) fn chance(atom: &Atom) -> f32 {
    match &atom.ask {
        Ask::Exists => 0.9,
        Ask::Absent => 0.5,
        Ask::Slow(_) => 0.3,
        Ask::Like(patterns) => {
            // what many rules ask for is common in what they look at
            let popular = (atom.uses as f32 * 0.002).min(0.2);
            let sum: f32 = patterns.iter().filter_map(|p| scan::literal(p.shape())).map(|(place, s)| rarity(place, s)).sum();
            (sum + popular).min(0.9)
        }
    }
}

fn rarity(place: Place, text: &str) -> f32 {
    let length = text.len();
    match place {
        Place::Whole => 0.01,
        Place::Start => match length {
            0..=3 => 0.3,
            4..=16 => 0.1,
            _ => 0.03,
        },
        Place::End => match length {
            0..=4 => 0.3,
            5..=6 => 0.02,
            _ => 0.004,
        },
        Place::Anywhere => match length {
            0..=1 => 0.8,
            2 => 0.4,
            3 => 0.15,
            4 => 0.06,
            5 => 0.03,
            6..=7 => 0.015,
            8..=11 => 0.006,
            _ => 0.003,
        },
    }
}

/// How likely a tree holds.
pub(crate) fn tree_chance(tree: &Tree, atoms: &[Atom]) -> f32 {
    match tree {
        Tree::Const(value) => f32::from(u8::from(*value)),
        Tree::Atom(id) => atoms.get(*id as usize).map_or(0.5, chance),
        Tree::Not(inner) => 1.0 - tree_chance(inner, atoms),
        Tree::All(list) => list.iter().map(|t| tree_chance(t, atoms)).product(),
        Tree::Any(list) => list.iter().map(|t| tree_chance(t, atoms)).sum::<f32>().min(1.0),
    }
}

/// Atoms without which a tree cannot hold (`positive`) or cannot fail. `None`: there are none that can be waited for.
pub(crate) fn witness(tree: &Tree, positive: bool, atoms: &[Atom], waits: &impl Fn(AtomId) -> bool) -> Option<Witness> {
    let one_of = |list: &[Tree]| {
        list.iter()
            .filter_map(|t| witness(t, positive, atoms, waits))
            .min_by(|a, b| a.chance.total_cmp(&b.chance).then(a.atoms.len().cmp(&b.atoms.len())))
    };
    let each_of = |list: &[Tree]| {
        let mut sum = Witness { atoms: Vec::new(), chance: 0.0 };
        for tree in list {
            let one = witness(tree, positive, atoms, waits)?;
            sum.atoms.extend(one.atoms);
            sum.chance += one.chance;
        }
        sum.atoms.sort_unstable();
        sum.atoms.dedup();
        Some(sum)
    };
    match (tree, positive) {
        (Tree::Const(value), _) => (*value != positive).then(|| Witness { atoms: Vec::new(), chance: 0.0 }),
        (Tree::Atom(id), true) => waits(*id).then(|| Witness { atoms: vec![*id], chance: atoms.get(*id as usize).map_or(0.5, chance) }),
        (Tree::Atom(_), false) => None,
        (Tree::Not(inner), _) => witness(inner, !positive, atoms, waits),
        (Tree::All(list), true) | (Tree::Any(list), false) => one_of(list),
        (Tree::Any(list), true) | (Tree::All(list), false) => each_of(list),
    }
}
