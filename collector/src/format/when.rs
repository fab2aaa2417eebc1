//! Conditional blocks: one hash look-up per tested field finds those that can hold.

use fansipan_model::{FieldId, Value, value::decimal};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{
    convert::Target,
    mapping::{Constants, Draft},
};

/// A word to compare with: exact, or with `*` at either end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    Exact(Box<str>),
    Begins(Box<str>),
    Ends(Box<str>),
    Holds(Box<str>),
}

impl Word {
    pub(super) fn parse(text: &str) -> Word {
        match (text.strip_prefix('*'), text.strip_suffix('*')) {
            (Some(_), Some(_)) if text.len() > 1 => Word::Holds(text.get(1..text.len() - 1).unwrap_or("").into()),
            (Some(tail), None) => Word::Ends(tail.into()),
            (None, Some(head)) => Word::Begins(head.into()),
            (Some(_), Some(_)) => Word::Holds("".into()),
            (None, None) => Word::Exact(text.into()),
        }
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Word::Exact(word) => text == &**word,
            Word::Begins(word) => text.starts_with(&**word),
            Word::Ends(word) => text.ends_with(&**word),
            Word::Holds(word) => text.contains(&**word),
        }
    }
}

/// Values of one field that are copied; a list longer than this is data, not an entity.
const COPY_LIMIT: usize = 64;

#[derive(Debug)]
pub(super) struct Copy {
    pub(super) from: FieldId,
    pub(super) to: Box<[Target]>,
}

#[derive(Debug)]
pub(super) struct Block {
    pub(super) conditions: Vec<(FieldId, Vec<Word>)>,
    pub(super) exists: Vec<FieldId>,
    pub(super) missing: Vec<FieldId>,
    pub(super) set: Constants,
    pub(super) default: Constants,
    pub(super) copies: Vec<Copy>,
}

#[derive(Debug)]
struct Switch {
    field: FieldId,
    blocks: HashMap<Box<str>, SmallVec<[u16; 2]>, foldhash::fast::RandomState>,
}

/// The blocks of a format.
#[derive(Debug, Default)]
pub(super) struct Whens {
    blocks: Vec<Block>,
    switches: Vec<Switch>,
    /// Blocks no exact word leads to.
    loose: Vec<u16>,
}

fn with_text<R>(value: Value<'_>, f: impl FnOnce(&str) -> R) -> R {
    match value {
        Value::Str(text) => f(text),
        Value::Int(number) => f(decimal(number, &mut [0; 20])),
        other => f(&other.text().unwrap_or_default()),
    }
}

impl Whens {
    pub(super) fn new(blocks: Vec<Block>) -> Whens {
        let mut whens = Whens { blocks, ..Whens::default() };
        let numbered = (0u16..).zip(&whens.blocks);
        for (number, block) in numbered {
            // the condition that can only hold by an exact word leads to the block
            let exact = block.conditions.iter().find(|(_, words)| words.iter().all(|w| matches!(w, Word::Exact(_))));
            let Some((field, words)) = exact else {
                whens.loose.push(number);
                continue;
            };
            let at = match whens.switches.iter().position(|s| s.field == *field) {
                Some(at) => at,
                None => {
                    whens.switches.push(Switch { field: *field, blocks: HashMap::default() });
                    whens.switches.len() - 1
                }
            };
            for word in words {
                if let (Word::Exact(word), Some(switch)) = (word, whens.switches.get_mut(at)) {
                    switch.blocks.entry(word.clone()).or_default().push(number);
                }
            }
        }
        whens
    }

    /// Runs every block that holds, in file order.
    pub(super) fn run<'f>(&'f self, draft: &mut Draft<'_, '_, 'f>) {
        if self.blocks.is_empty() {
            return;
        }
        let mut hits: SmallVec<[u16; 16]> = self.loose.iter().copied().collect();
        for switch in &self.switches {
            draft.any_value(switch.field, |value| {
                with_text(value, |text| hits.extend(switch.blocks.get(text).into_iter().flatten().copied()));
                false
            });
        }
        hits.sort_unstable();
        hits.dedup();
        // all conditions first: none sees what another block did
        hits.retain(|n| self.blocks.get(usize::from(*n)).is_some_and(|b| b.holds(draft)));
        for block in hits.iter().filter_map(|n| self.blocks.get(usize::from(*n))) {
            block.copies.iter().for_each(|c| c.run(draft));
            draft.constants(&block.set, false);
            draft.constants(&block.default, true);
        }
    }
}

impl Block {
    fn holds(&self, draft: &Draft<'_, '_, '_>) -> bool {
        self.conditions.iter().all(|(field, words)| draft.any_value(*field, |v| with_text(v, |t| words.iter().any(|w| w.holds(t)))))
            && self.exists.iter().all(|f| draft.has(*f))
            && !self.missing.iter().any(|f| draft.has(*f))
    }
}

impl Copy {
    fn run(&self, draft: &mut Draft<'_, '_, '_>) {
        let record = draft.out.record();
        for target in &self.to {
            if draft.has(target.field) {
                continue;
            }
            for at in 0..COPY_LIMIT {
                let Some(value) = draft.out.event().values(self.from).nth(at) else { break };
                match value {
                    Value::Str(text) => {
                        // text of the record is told by its place in the buffer, whose beginning the record is
                        let original = draft.out.event().original();
                        let place = original.and_then(|o| (text.as_ptr() as usize).checked_sub(o.as_ptr() as usize));
                        match place.and_then(|p| record.get(p..p.checked_add(text.len())?)).filter(|same| *same == text) {
                            Some(same) => target.push(draft.out, Value::Str(same)),
                            None => {
                                let owned = text.to_owned();
                                target.push(draft.out, Value::Str(&owned));
                            }
                        }
                    }
                    Value::Bool(v) => target.push(draft.out, Value::Bool(v)),
                    Value::Int(v) => target.push(draft.out, Value::Int(v)),
                    Value::Float(v) => target.push(draft.out, Value::Float(v)),
                    Value::Time(v) => target.push(draft.out, Value::Time(v)),
                    Value::Ip(v) => target.push(draft.out, Value::Ip(v)),
                    Value::Uuid(v) => target.push(draft.out, Value::Uuid(v)),
                    Value::Null => {}
                }
            }
        }
    }
}
