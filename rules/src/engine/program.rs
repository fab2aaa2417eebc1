//! Conditions as compact trees over bits, in one arena for all rules of a plan; cheap and telling parts first.

use super::{
    atom::{Ask, Atom, AtomId},
    build::Tree,
    witness::tree_chance,
};

/// Number of a node.
pub(crate) type NodeId = u32;

/// A part of a condition. Ranges are of `Program::operands`.
#[derive(Clone, Copy, Debug)]
enum Node {
    Const(bool),
    /// The bit of an atom that the scan sets.
    Bit(AtomId),
    /// An atom that is tested when somebody asks.
    Lazy(AtomId),
    Not(NodeId),
    All(u32, u32),
    Any(u32, u32),
    /// All bits of atoms.
    AllBits(u32, u32),
    /// Any bit of atoms.
    AnyBits(u32, u32),
}

/// The conditions of all rules of a plan.
#[derive(Debug, Default)]
pub(crate) struct Program {
    nodes: Vec<Node>,
    operands: Vec<u32>,
}

/// What conditions are evaluated over.
pub(crate) trait Facts {
    /// Whether the scan has set the atom.
    fn bit(&self, atom: AtomId) -> bool;
    /// Tests the atom now, or remembers.
    fn lazy(&mut self, atom: AtomId) -> bool;
}

impl Program {
    /// Adds a condition.
    pub(crate) fn add(&mut self, tree: &Tree, atoms: &[Atom]) -> NodeId {
        let node = match tree {
            Tree::Const(value) => Node::Const(*value),
            Tree::Atom(id) => leaf(*id, atoms),
            Tree::Not(inner) => Node::Not(self.add(inner, atoms)),
            Tree::All(list) => self.join(list, true, atoms),
            Tree::Any(list) => self.join(list, false, atoms),
        };
        self.push(node)
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        (self.nodes.len() - 1) as NodeId
    }

    fn range(&mut self, operands: impl IntoIterator<Item = u32>) -> (u32, u32) {
        let start = self.operands.len() as u32;
        self.operands.extend(operands);
        (start, self.operands.len() as u32)
    }

    fn join(&mut self, list: &[Tree], all: bool, atoms: &[Atom]) -> Node {
        // bits first, then what has lazy parts; among them what decides soonest
        let mut ordered: Vec<(u32, f32, &Tree)> = list
            .iter()
            .map(|t| {
                let chance = tree_chance(t, atoms);
                (effort(t, atoms), if all { chance } else { 1.0 - chance }, t)
            })
            .collect();
        ordered.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let bit = |t: &Tree| if let Tree::Atom(id) = t { atoms.get(*id as usize).filter(|a| !a.is_lazy()).map(|_| *id) } else { None };
        let bits: Vec<u32> = ordered.iter().map_while(|(.., t)| bit(t)).collect();
        let mut operands = Vec::new();
        let rest = if bits.len() > 1 {
            let (start, end) = self.range(bits.iter().copied());
            let node = if all { Node::AllBits(start, end) } else { Node::AnyBits(start, end) };
            if bits.len() == ordered.len() {
                return node;
            }
            operands.push(self.push(node));
            bits.len()
        } else {
            0
        };
        for (.., tree) in ordered.iter().skip(rest) {
            let id = self.add(tree, atoms);
            operands.push(id);
        }
        let (start, end) = self.range(operands);
        if all { Node::All(start, end) } else { Node::Any(start, end) }
    }

    /// Whether a condition holds.
    pub(crate) fn holds(&self, node: NodeId, facts: &mut impl Facts) -> bool {
        let operands = |start: u32, end: u32| self.operands.get(start as usize..end as usize).unwrap_or_default();
        match self.nodes.get(node as usize) {
            None => false,
            Some(&Node::Const(value)) => value,
            Some(&Node::Bit(atom)) => facts.bit(atom),
            Some(&Node::Lazy(atom)) => facts.lazy(atom),
            Some(&Node::Not(inner)) => !self.holds(inner, facts),
            Some(&Node::AllBits(start, end)) => operands(start, end).iter().all(|&a| facts.bit(a)),
            Some(&Node::AnyBits(start, end)) => operands(start, end).iter().any(|&a| facts.bit(a)),
            Some(&Node::All(start, end)) => operands(start, end).iter().all(|&n| self.holds(n, facts)),
            Some(&Node::Any(start, end)) => operands(start, end).iter().any(|&n| self.holds(n, facts)),
        }
    }
}

fn leaf(id: AtomId, atoms: &[Atom]) -> Node {
    if atoms.get(id as usize).is_some_and(Atom::is_lazy) { Node::Lazy(id) } else { Node::Bit(id) }
}

/// 0: bits only, by atom; 1: bits in trees; 2: lazy patterns; 3: lazy anything.
fn effort(tree: &Tree, atoms: &[Atom]) -> u32 {
    match tree {
        Tree::Const(_) => 0,
        Tree::Atom(id) => match atoms.get(*id as usize) {
            Some(atom) if !atom.is_lazy() => 0,
            Some(Atom { ask: Ask::Like(_), .. }) => 2,
            _ => 3,
        },
        Tree::Not(inner) => effort(inner, atoms).max(1),
        Tree::All(list) | Tree::Any(list) => list.iter().map(|t| effort(t, atoms)).max().unwrap_or(0).max(1),
    }
}
