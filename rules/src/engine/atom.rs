//! Atoms: the tests of one log source's rules, each once however many rules have it.

use fansipan_model::{FieldId, Op, Pattern, pattern::Shape};
use hashbrown::HashMap;
use smallvec::SmallVec;

/// Number of an atom in its plan.
pub(crate) type AtomId = u32;
/// Number of a list of candidate fields in its plan.
pub(crate) type FieldNo = u32;
/// Stands for every value of the event.
pub(crate) const ANY: FieldNo = u32::MAX;

/// What an atom asks of its field.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// There, and not null.
    Exists,
    /// Absent, or null.
    Absent,
    /// One of these simple patterns; one by one they are literals a scan finds.
    Like(Box<[Pattern]>),
    /// Anything else.
    Slow(Op),
}

/// One test of one field.
#[derive(Clone, Debug)]
pub(crate) struct Atom {
    pub(crate) field: FieldNo,
    pub(crate) ask: Ask,
    /// Rules that have it, counted with repetition.
    pub(crate) uses: u32,
    /// Whether some rule wants it to hold (rather than not).
    pub(crate) wanted: bool,
    /// Whether some rule is woken by it.
    pub(crate) wakes: bool,
    /// Whether it keeps a rule from matching that is woken often: worth scanning for, although no rule wants it.
    pub(crate) forbids: bool,
    /// How likely it is thought to hold.
    pub(crate) chance: f32,
}

/// Strings of fewer bytes are dear to look for in every text: they leave no room to skip, and stand everywhere.
const SHORT: usize = 7;

impl Atom {
    /// Whether it is tested on demand rather than scanned for: what a scan cannot find, what no rule wants to hold (unless
    /// it spares much), and short strings, unless a rule is woken by them.
    pub(crate) fn is_lazy(&self) -> bool {
        match &self.ask {
            Ask::Exists | Ask::Absent => false,
            Ask::Like(_) => !self.wakes && (!(self.wanted || self.forbids) || self.is_short()),
            Ask::Slow(_) => true,
        }
    }

    /// Whether it looks for short strings anywhere.
    pub(crate) fn is_short(&self) -> bool {
        let Ask::Like(patterns) = &self.ask else { return false };
        patterns.iter().any(|p| matches!(p.shape(), Shape::Contains(s) if s.len() < SHORT))
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Exists,
    Absent,
    Like(Box<[Pattern]>),
    Slow(String),
}

/// The atoms and fields of a plan while it is made.
#[derive(Default)]
pub(crate) struct Atoms {
    pub(crate) list: Vec<Atom>,
    pub(crate) fields: Vec<SmallVec<[FieldId; 2]>>,
    by_key: HashMap<(FieldNo, Key), AtomId, foldhash::fast::FixedState>,
    by_field: HashMap<SmallVec<[FieldId; 2]>, FieldNo, foldhash::fast::FixedState>,
}

impl Atoms {
    /// The number of a list of candidates.
    pub(crate) fn field(&mut self, candidates: &SmallVec<[FieldId; 2]>) -> FieldNo {
        if let Some(&no) = self.by_field.get(candidates) {
            return no;
        }
        let no = self.fields.len() as FieldNo;
        self.fields.push(candidates.clone());
        self.by_field.insert(candidates.clone(), no);
        no
    }

    /// The number of a list of candidates that some atom has.
    pub(crate) fn known_field(&self, candidates: &SmallVec<[FieldId; 2]>) -> Option<FieldNo> {
        self.by_field.get(candidates).copied()
    }

    /// The number of an atom, made on first use.
    pub(crate) fn atom(&mut self, field: FieldNo, ask: Ask) -> AtomId {
        let key = match &ask {
            Ask::Exists => Key::Exists,
            Ask::Absent => Key::Absent,
            Ask::Like(patterns) => Key::Like(patterns.clone()),
            Ask::Slow(op) => Key::Slow(slow_key(op)),
        };
        let id = *self.by_key.entry((field, key)).or_insert_with(|| {
            self.list.push(Atom { field, ask, uses: 0, wanted: false, wakes: false, forbids: false, chance: 0.5 });
            (self.list.len() - 1) as AtomId
        });
        if let Some(atom) = self.list.get_mut(id as usize) {
            atom.uses += 1;
        }
        id
    }
}

/// A text that differs wherever operations differ; `Debug` of numbers and patterns does, and of regular expressions gives the source.
fn slow_key(op: &Op) -> String {
    format!("{op:?}")
}
