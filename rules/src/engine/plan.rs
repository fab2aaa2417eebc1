//! All rules of one log source: what to scan for in which field, whom each find wakes, and the conditions of those woken.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{
    Stats,
    atom::{ANY, Ask, Atom, AtomId, Atoms, FieldNo},
    build::{self, Tree},
    cache::{Cache, Found},
    lazy::LazyTest,
    program::{Facts, NodeId, Program},
    scan::{self, Place, Scan},
    scratch::Work,
    view::{NONE, Slot, Slots, View},
    witness,
};
use crate::ruleset::{CompiledRule, RuleIndex};

/// Marks questions of single atoms apart from those of fields.
const LAZY: u32 = 1 << 31;

/// Lists of numbers, one after the other, found by index.
#[derive(Debug, Default)]
struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    fn new(lists: &[Vec<u32>]) -> Lists {
        let mut out = Lists { starts: vec![0], items: Vec::new() };
        for list in lists {
            out.items.extend_from_slice(list);
            out.starts.push(out.items.len() as u32);
        }
        out
    }

    #[inline]
    fn get(&self, i: u32) -> &[u32] {
        let Some(&[start, end]) = self.starts.get(i as usize..i as usize + 2) else { return &[] };
        self.items.get(start as usize..end as usize).unwrap_or_default()
    }
}

/// Rules more likely to be woken than this are kept from being evaluated by what they must not find.
const OFTEN: f32 = 0.25;
/// Stands for no atom.
const NO_ATOM: AtomId = u32::MAX;

/// A rule of the plan.
#[derive(Clone, Copy, Debug)]
struct PlanRule {
    /// Its condition.
    node: NodeId,
    /// Its place in the rule set.
    index: RuleIndex,
    /// Bits without which it cannot match, or [`NO_ATOM`]: they decide most of the time without a look at the condition.
    needs: [AtomId; 2],
    /// A bit with which it cannot match, or [`NO_ATOM`].
    forbids: AtomId,
}

/// A field of the rules.
#[derive(Debug)]
struct PlanField {
    exists: Option<AtomId>,
    absent: Option<AtomId>,
    scan: Scan,
}

/// Where a field may be; the first that the event has counts. Apart from the fields themselves, because most events have few of
/// them and these few bytes are all that is read of the others.
#[derive(Debug)]
struct Door {
    candidates: SmallVec<[Slot; 4]>,
    /// Whether rules ask for its absence.
    absent: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// From 1; tells plans apart in what is remembered of values.
    serial: u32,
    /// By field, as `fields`.
    doors: Vec<Door>,
    fields: Vec<PlanField>,
    /// For keywords: every value of the event.
    any: Scan,
    /// Atom → its field and how it is tested on demand.
    tests: Vec<(FieldNo, LazyTest)>,
    /// Literal → atoms it makes hold.
    finds: Lists,
    /// Atom → rules (of this plan) it wakes.
    wakes: Lists,
    /// Rules that nothing wakes.
    always: Vec<u32>,
    program: Program,
    rules: Vec<PlanRule>,
}

impl Plan {
    /// Plans the rules with these numbers.
    pub(crate) fn new(serial: u32, rules: &[CompiledRule], members: &[u32], slots: &mut Slots) -> Plan {
        let mut atoms = Atoms::default();
        let trees: Vec<(Tree, RuleIndex)> = members
            .iter()
            .filter_map(|&i| rules.get(i as usize).map(|rule| (build::tree(&rule.detection, &mut atoms), RuleIndex(i))))
            .collect();
        for (tree, _) in &trees {
            want(tree, true, &mut atoms.list);
        }
        witness::guess(&mut atoms.list);
        let mut plan = Plan { serial, ..Plan::default() };
        let mut wakes: Vec<Vec<u32>> = vec![Vec::new(); atoms.list.len()];
        for (i, (tree, _)) in (0u32..).zip(&trees) {
            let witness = witness::witness(tree, true, &atoms.list);
            if witness.as_ref().is_none_or(|w| w.chance > OFTEN) {
                for atom in witness::forbidding(tree) {
                    if let Some(atom) = atoms.list.get_mut(atom as usize) {
                        atom.forbids = true;
                    }
                }
            }
            match witness {
                Some(witness) => {
                    for atom in witness.atoms {
                        if let (Some(woken), Some(atom)) = (wakes.get_mut(atom as usize), atoms.list.get_mut(atom as usize)) {
                            woken.push(i);
                            atom.wakes = true;
                        }
                    }
                }
                None => plan.always.push(i),
            }
        }
        plan.wakes = Lists::new(&wakes);
        for (tree, index) in &trees {
            let node = plan.program.add(tree, &atoms.list);
            let (needs, forbids) = deciding(tree, &atoms.list);
            plan.rules.push(PlanRule { node, index: *index, needs, forbids });
        }
        plan.lay_out(atoms, slots);
        plan
    }

    /// Makes the scans.
    fn lay_out(&mut self, atoms: Atoms, slots: &mut Slots) {
        let mut finds: Vec<Vec<u32>> = Vec::new();
        let mut numbers: HashMap<(FieldNo, Place, &str), u32, foldhash::fast::FixedState> = HashMap::default();
        let mut literals: Vec<Vec<(Place, &str, u32)>> = vec![Vec::new(); atoms.fields.len() + 1];
        let mut background: Vec<Vec<&str>> = vec![Vec::new(); atoms.fields.len() + 1];
        for (id, atom) in (0u32..).zip(&atoms.list) {
            let Ask::Like(patterns) = &atom.ask else { continue };
            for (place, text) in patterns.iter().filter_map(|p| scan::literal(p.shape())) {
                if atom.is_lazy() || place != Place::Anywhere {
                    let field = if atom.field == ANY { atoms.fields.len() } else { atom.field as usize };
                    if let Some(list) = background.get_mut(field) {
                        list.push(text);
                    }
                }
                if atom.is_lazy() {
                    continue;
                }
                let number = *numbers.entry((atom.field, place, text)).or_insert_with(|| {
                    finds.push(Vec::new());
                    let number = (finds.len() - 1) as u32;
                    let field = if atom.field == ANY { atoms.fields.len() } else { atom.field as usize };
                    if let Some(list) = literals.get_mut(field) {
                        list.push((place, text, number));
                    }
                    number
                });
                if let Some(list) = finds.get_mut(number as usize) {
                    list.push(id);
                }
            }
        }
        let asks = |field: FieldNo, wanted: fn(&Ask) -> bool| {
            (0u32..).zip(&atoms.list).find(|(_, a)| a.field == field && wanted(&a.ask)).map(|(id, _)| id)
        };
        for (no, candidates) in (0u32..).zip(&atoms.fields) {
            let absent = asks(no, |a| matches!(a, Ask::Absent));
            self.doors.push(Door { candidates: candidates.iter().map(|&f| slots.slot(f)).collect(), absent: absent.is_some() });
            self.fields.push(PlanField {
                exists: asks(no, |a| matches!(a, Ask::Exists)),
                absent,
                scan: Scan::new(
                    literals.get(no as usize).map_or(&[], Vec::as_slice),
                    background.get(no as usize).map_or(&[], Vec::as_slice),
                ),
            });
        }
        self.any = Scan::new(literals.last().map_or(&[], Vec::as_slice), &[]);
        self.finds = Lists::new(&finds);
        drop(numbers);
        self.tests = atoms.list.iter().map(|atom| (atom.field, LazyTest::new(atom, &atoms))).collect();
    }

    /// Adds this plan's sizes.
    pub(crate) fn count(&self, stats: &mut Stats) {
        stats.atoms += self.tests.len();
        stats.literals += self.finds.starts.len().saturating_sub(1);
        stats.always += self.always.len();
    }

    /// Appends the rules of this plan that the event satisfies.
    pub(crate) fn evaluate(&self, view: &mut View<'_, '_>, work: &mut Work, cache: &mut Cache, out: &mut Vec<RuleIndex>) {
        reset(&mut work.atoms, self.tests.len());
        reset(&mut work.rules, self.rules.len());
        work.first.clear();
        for rule in &self.always {
            set(&mut work.rules, *rule);
        }
        for (no, door) in (0u32..).zip(&self.doors) {
            let first = door.candidates.iter().map(|&slot| view.first(slot)).find(|&n| n != NONE).unwrap_or(NONE);
            work.first.push(first);
            if first != NONE || door.absent {
                self.look(no, first, view, work, cache);
            }
        }
        if !self.any.is_empty() {
            self.look_everywhere(view, work);
        }
        let mut facts = Looking { plan: self, view, work, cache };
        for word in 0..facts.work.rules.len() {
            let mut woken = facts.work.rules.get(word).copied().unwrap_or(0);
            while woken != 0 {
                let rule = word * 64 + woken.trailing_zeros() as usize;
                woken &= woken - 1;
                let Some(rule) = self.rules.get(rule) else { continue };
                let missing = rule.needs.iter().any(|&atom| atom != NO_ATOM && !facts.bit(atom));
                if !missing && !facts.bit(rule.forbids) && self.program.holds(rule.node, &mut facts) {
                    out.push(rule.index);
                }
            }
        }
        for &word in &work.touched {
            for bits in [&mut work.tested, &mut work.held] {
                if let Some(bits) = bits.get_mut(word as usize) {
                    *bits = 0;
                }
            }
        }
        work.touched.clear();
    }

    /// Looks at the values of one field.
    fn look(&self, no: u32, first: u32, view: &mut View<'_, '_>, work: &mut Work, cache: &mut Cache) {
        let Some(field) = self.fields.get(no as usize) else { return };
        if field.exists.is_some() || field.absent.is_some() {
            let mut number = first;
            let mut there = false;
            while number != NONE {
                there |= !view.is_null(number);
                number = view.next(number);
            }
            if let Some(atom) = if there { field.exists } else { field.absent } {
                self.hold(atom, work);
            }
        }
        if field.scan.is_empty() {
            return;
        }
        let key = self.key(no);
        let mut number = first;
        while number != NONE {
            self.look_again(&field.scan, key, number, view, work, cache);
            number = view.next(number);
        }
    }

    /// What is asked of a value, as a number for [`Cache`].
    fn key(&self, question: u32) -> u64 {
        u64::from(self.serial) << 32 | u64::from(question)
    }

    /// Looks at one value, or remembers what was found in it.
    fn look_again(&self, scan: &Scan, key: u64, number: u32, view: &mut View<'_, '_>, work: &mut Work, cache: &mut Cache) {
        let Some(text) = view.text(number) else { return self.look_at(scan, number, view, |literal| self.find(literal, work)) };
        match cache.look(key, text.as_bytes()) {
            Ok(found) => found.numbers().unwrap_or_default().iter().for_each(|&literal| self.find(literal, work)),
            Err(spot) => {
                let mut found = Found::default();
                self.look_at(scan, number, view, |literal| {
                    found.push(literal);
                    self.find(literal, work);
                });
                cache.keep(spot, key, text.as_bytes(), &found);
            }
        }
    }

    /// Looks at one value; folds it only if it has letters beyond ASCII or may be one of the whole values looked for.
    fn look_at(&self, scan: &Scan, number: u32, view: &mut View<'_, '_>, mut each: impl FnMut(u32)) {
        if let Some(text) = view.text(number).filter(|t| view.is_ascii(t)) {
            scan.parts(text.as_bytes(), &mut each);
            if !scan.wants_whole(text) {
                return;
            }
        } else if let Some(folded) = view.folded(number) {
            scan.parts(folded.as_bytes(), &mut each);
            if !folded.is_ascii() {
                scan.foreign(folded.as_bytes(), &mut each);
            }
        }
        if let Some(literal) = view.folded(number).and_then(|folded| scan.whole(folded)) {
            each(literal);
        }
    }

    /// Looks for keywords in every value.
    fn look_everywhere(&self, view: &mut View<'_, '_>, work: &mut Work) {
        if self.any.is_anywhere() {
            // most events hold no keyword: then nothing need be sorted out or printed
            if self.any.is_textual()
                && let Some(texts) = view.unsorted()
            {
                let mut found = false;
                self.any.strings(texts, |_| found = true);
                if !found {
                    return;
                }
            }
            return self.any.strings(view.joined(self.any.shortest()), |literal| self.find(literal, work));
        }
        for number in 0..view.len() {
            if view.for_keywords(number) {
                self.look_at(&self.any, number, view, |literal| self.find(literal, work));
            }
        }
    }

    #[inline]
    fn find(&self, literal: u32, work: &mut Work) {
        for &atom in self.finds.get(literal) {
            self.hold(atom, work);
        }
    }

    #[inline]
    fn hold(&self, atom: AtomId, work: &mut Work) {
        if set(&mut work.atoms, atom) {
            for &rule in self.wakes.get(atom) {
                set(&mut work.rules, rule);
            }
        }
    }
}

/// Bits that decide a condition before it is looked at: the two it needs that are least likely, the one that forbids it most likely.
fn deciding(tree: &Tree, atoms: &[Atom]) -> ([AtomId; 2], AtomId) {
    let scanned = |id: AtomId| atoms.get(id as usize).filter(|a| !a.is_lazy()).map(|a| (a.chance, id));
    let needed = witness::conjuncts(tree).iter().filter_map(|t| if let Tree::Atom(id) = t { scanned(*id) } else { None });
    let mut needed: Vec<(f32, AtomId)> = needed.collect();
    needed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut needed = needed.into_iter().map(|(_, id)| id);
    let needs = [needed.next().unwrap_or(NO_ATOM), needed.next().unwrap_or(NO_ATOM)];
    let forbids = witness::forbidding(tree).filter_map(scanned).max_by(|a, b| a.0.total_cmp(&b.0));
    (needs, forbids.map_or(NO_ATOM, |(_, id)| id))
}

/// Marks the atoms that a rule wants to hold.
fn want(tree: &Tree, positive: bool, atoms: &mut [Atom]) {
    match tree {
        Tree::Const(_) => {}
        Tree::Atom(id) => {
            if let Some(atom) = atoms.get_mut(*id as usize) {
                atom.wanted |= positive;
            }
        }
        Tree::Not(inner) => want(inner, !positive, atoms),
        Tree::All(list) | Tree::Any(list) => list.iter().for_each(|t| want(t, positive, atoms)),
    }
}

fn reset(bits: &mut Vec<u64>, len: usize) {
    bits.clear();
    bits.resize(len.div_ceil(64), 0);
}

/// Sets a bit; whether it was not set before.
#[inline]
fn set(bits: &mut [u64], i: u32) -> bool {
    let Some(word) = bits.get_mut((i >> 6) as usize) else { return false };
    let bit = 1u64 << (i & 63);
    let new = *word & bit == 0;
    *word |= bit;
    new
}

#[inline]
fn get(bits: &[u64], i: u32) -> bool {
    bits.get((i >> 6) as usize).is_some_and(|word| word >> (i & 63) & 1 != 0)
}

/// One event in one plan, with the tests done so far.
struct Looking<'a, 'e, 's> {
    plan: &'a Plan,
    view: &'a mut View<'e, 's>,
    work: &'a mut Work,
    cache: &'a mut Cache,
}

impl Looking<'_, '_, '_> {
    fn test(&mut self, id: AtomId) -> bool {
        let Some((field, test)) = self.plan.tests.get(id as usize) else { return false };
        if *field == ANY {
            return test.anywhere(self.view);
        }
        let first = |field: FieldNo| self.work.first.get(field as usize).copied().unwrap_or(NONE);
        let (own, other) = (first(*field), test.other().map_or(NONE, first));
        let mut number = own;
        while number != NONE {
            let holds = match self.view.text(number) {
                Some(text) if test.is_dear() => {
                    let key = self.plan.key(id | LAZY);
                    match self.cache.look(key, text.as_bytes()) {
                        Ok(found) => found.numbers().is_some_and(|n| !n.is_empty()),
                        Err(spot) => {
                            let holds = test.holds(number, other, self.view);
                            let mut found = Found::default();
                            (0..u32::from(holds)).for_each(|n| found.push(n));
                            self.cache.keep(spot, key, text.as_bytes(), &found);
                            holds
                        }
                    }
                }
                _ => test.holds(number, other, self.view),
            };
            if holds {
                return true;
            }
            number = self.view.next(number);
        }
        false
    }
}

impl Facts for Looking<'_, '_, '_> {
    #[inline]
    fn bit(&self, atom: AtomId) -> bool {
        get(&self.work.atoms, atom)
    }

    fn lazy(&mut self, atom: AtomId) -> bool {
        if get(&self.work.tested, atom) {
            return get(&self.work.held, atom);
        }
        let words = self.plan.tests.len().div_ceil(64);
        if self.work.tested.len() < words {
            self.work.tested.resize(words, 0);
            self.work.held.resize(words, 0);
        }
        let holds = self.test(atom);
        self.work.touched.push(atom >> 6);
        set(&mut self.work.tested, atom);
        if holds {
            set(&mut self.work.held, atom);
        }
        holds
    }
}
