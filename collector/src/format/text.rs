//! The syntax `text`: heads, templates found by their first byte or by a code, regular expressions where nothing else will do.

use fansipan_model::{Value, json};
use hashbrown::HashMap;
use regex::Regex;

use super::{
    mapping::{Constants, Draft, Entry, Mapping},
    template::{Captured, Template},
};
use crate::decode::kv::KvSpec;

/// What becomes of a captured text.
#[derive(Debug)]
pub(super) enum Sink {
    Skip,
    Value(Entry),
    /// Pairs of its own.
    Kv,
    /// An object of its own.
    Json,
}

#[derive(Debug)]
pub(super) enum Matcher {
    Template(Template, Box<[Sink]>),
    Regex(Regex, Box<[Sink]>),
}

/// One `[[message]]`, or one of its texts.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) matcher: Matcher,
    /// Number of the `[[message]]` it belongs to.
    pub(super) block: usize,
}

/// What a `[[message]]` adds.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) set: Constants,
    pub(super) default: Constants,
}

#[derive(Debug)]
pub(super) struct Head {
    pub(super) template: Template,
    pub(super) sinks: Box<[Sink]>,
    /// Which capture is the code.
    pub(super) dispatch: Option<usize>,
}

#[derive(Debug, Default)]
pub(super) struct TextSpec {
    pub(super) heads: Vec<Head>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) blocks: Vec<Block>,
    pub(super) by_code: HashMap<Box<str>, Vec<u16>, foldhash::fast::RandomState>,
    /// Per first byte of the text: patterns in file order, those without a code only.
    pub(super) by_byte: Vec<Vec<u16>>,
    /// Patterns that fit any first byte, for the empty text.
    pub(super) open: Vec<u16>,
    pub(super) kv: KvSpec,
}

impl TextSpec {
    /// Files each pattern under the codes it names or the byte it begins with.
    pub(super) fn file(&mut self, number: u16, codes: &[&str]) {
        for code in codes {
            self.by_code.entry((*code).into()).or_default().push(number);
        }
        if !codes.is_empty() {
            return;
        }
        self.by_byte.resize(256, Vec::new());
        let first = self.patterns.get(usize::from(number)).and_then(|p| match &p.matcher {
            Matcher::Template(template, _) => template.first().and_then(|l| l.bytes().next()),
            Matcher::Regex(..) => None,
        });
        match first {
            Some(byte) => self.by_byte.get_mut(usize::from(byte)).into_iter().for_each(|l| l.push(number)),
            None => {
                self.by_byte.iter_mut().for_each(|l| l.push(number));
                self.open.push(number);
            }
        }
    }

    /// Reads a text into the draft. Whether a head matched where one is needed, and whether a pattern did.
    pub(super) fn read<'f>(&'f self, text: &str, mapping: &Mapping, draft: &mut Draft<'_, '_, 'f>) -> (bool, bool) {
        let mut captured = Captured::new();
        let mut rest = text;
        let mut code = None;
        if !self.heads.is_empty() {
            let found = self.heads.iter().find_map(|h| h.template.matches(text, false, &mut captured).map(|rest| (h, rest)));
            let Some((head, after)) = found else { return (false, false) };
            rest = after;
            code = head.dispatch.and_then(|i| captured.get(i).copied());
            self.drain(&head.sinks, captured.iter().copied(), mapping, draft);
        }
        let keyed = code.and_then(|c| self.by_code.get(c));
        let plain = match rest.bytes().next() {
            Some(b) => self.by_byte.get(usize::from(b)),
            None => Some(&self.open),
        };
        for pattern in keyed.into_iter().flatten().chain(plain.into_iter().flatten()).filter_map(|n| self.patterns.get(usize::from(*n))) {
            let matched = match &pattern.matcher {
                Matcher::Template(template, sinks) => {
                    let matched = template.matches(rest, true, &mut captured).is_some();
                    if matched {
                        self.drain(sinks, captured.iter().copied(), mapping, draft);
                    }
                    matched
                }
                Matcher::Regex(regex, sinks) => match regex.captures(rest) {
                    Some(groups) => {
                        let texts = groups.iter().skip(1).map(|g| g.map_or("", |g| g.as_str()));
                        self.drain(sinks, texts, mapping, draft);
                        true
                    }
                    None => false,
                },
            };
            if matched {
                if let Some(block) = self.blocks.get(pattern.block) {
                    draft.constants(&block.set, false);
                    draft.constants(&block.default, true);
                }
                return (true, true);
            }
        }
        (true, false)
    }

    fn drain<'t>(&self, sinks: &[Sink], texts: impl Iterator<Item = &'t str>, mapping: &Mapping, draft: &mut Draft<'_, '_, '_>) {
        for (sink, text) in sinks.iter().zip(texts) {
            match sink {
                Sink::Skip => {}
                Sink::Value(entry) => draft.entry(mapping, entry, Value::Str(text)),
                Sink::Kv => {
                    self.kv.decode(text, &mut |key, value| draft.pair(mapping, key, value));
                }
                Sink::Json => {
                    // what is no JSON stays in the message
                    let _ = json::flatten(text, |key, value| draft.pair(mapping, key, value));
                }
            }
        }
    }
}
