//! Which format a record is of, by its content: an index over the clues of all formats.

use aho_corasick::AhoCorasick;
use hashbrown::HashMap;
use memchr::memmem;
use smallvec::SmallVec;

use super::FormatId;
use crate::{decode::Decoder, state::Recent};

/// What is known of a record before its format is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clues<'t> {
    /// Program named by the header, without its directory.
    pub(crate) app: Option<&'t str>,
    /// Text after the header.
    pub(crate) body: &'t str,
    /// The whole record.
    pub(crate) whole: &'t str,
    /// File it was read from.
    pub(crate) path: Option<&'t str>,
    /// Vendor and product of a CEF or LEEF body.
    pub(crate) device: Option<(&'t str, &'t str)>,
}

/// One `[[detect]]` table: everything in it must hold.
pub(super) struct Alternative {
    pub(super) format: FormatId,
    pub(super) apps: Vec<Box<str>>,
    pub(super) starts: Vec<Box<str>>,
    pub(super) contains: Vec<memmem::Finder<'static>>,
    pub(super) devices: Vec<(Box<str>, Box<str>)>,
    pub(super) paths: Vec<Box<str>>,
    pub(super) must_match: bool,
    pub(super) whole: bool,
    pub(super) confidence: u16,
    pub(super) decoder: Option<&'static dyn Decoder>,
}

impl std::fmt::Debug for Alternative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alternative").field("format", &self.format).field("confidence", &self.confidence).finish_non_exhaustive()
    }
}

fn app_matches(pattern: &str, app: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(head) => app.starts_with(head),
        None => app == pattern,
    }
}

fn begins_fold(text: &str, head: &str) -> bool {
    text.get(..head.len()).is_some_and(|t| t.eq_ignore_ascii_case(head))
}

impl Alternative {
    fn text<'t>(&self, clues: &Clues<'t>) -> &'t str {
        if self.whole { clues.whole } else { clues.body }
    }

    /// Whether every clue is there.
    pub(super) fn holds(&self, clues: &Clues<'_>) -> bool {
        let text = self.text(clues);
        self.decoder.is_none_or(|d| d.sniff(text))
            && (self.apps.is_empty() || clues.app.is_some_and(|app| self.apps.iter().any(|p| app_matches(p, app))))
            && (self.starts.is_empty() || self.starts.iter().any(|s| text.starts_with(&**s)))
            && (self.devices.is_empty()
                || clues.device.is_some_and(|(v, p)| self.devices.iter().any(|(a, b)| begins_fold(v, a) && begins_fold(p, b))))
            && (self.paths.is_empty() || clues.path.is_some_and(|path| self.paths.iter().any(|p| path.contains(&**p))))
            && self.contains.iter().all(|c| c.find(text.as_bytes()).is_some())
    }
}

/// The clues of all formats.
#[derive(Debug)]
pub(super) struct Index {
    alternatives: Vec<Alternative>,
    by_app: HashMap<Box<str>, Vec<u16>, foldhash::fast::RandomState>,
    by_app_head: Vec<(Box<str>, u16)>,
    by_byte: Vec<Vec<u16>>,
    by_device: Vec<u16>,
    /// Per format: its alternatives.
    by_format: Vec<Vec<u16>>,
    literals: Option<AhoCorasick>,
    /// Per literal: alternatives that begin with it.
    by_literal: Vec<Vec<u16>>,
    /// Nothing but a path, a template or a decoder's look at the first bytes.
    last: Vec<u16>,
}

/// Candidates, best first.
pub(super) type Candidates = SmallVec<[u16; 8]>;

impl Index {
    pub(super) fn new(alternatives: Vec<Alternative>, formats: usize) -> Result<Index, String> {
        let mut index = Index {
            alternatives: Vec::new(),
            by_app: HashMap::default(),
            by_app_head: Vec::new(),
            by_byte: vec![Vec::new(); 256],
            by_device: Vec::new(),
            by_format: vec![Vec::new(); formats],
            literals: None,
            by_literal: Vec::new(),
            last: Vec::new(),
        };
        let mut literals: Vec<Vec<u8>> = Vec::new();
        for (number, alternative) in (0u16..).zip(&alternatives) {
            if let Some(list) = index.by_format.get_mut(usize::from(alternative.format.0)) {
                list.push(number);
            }
            if !alternative.apps.is_empty() {
                for app in &alternative.apps {
                    match app.strip_suffix('*') {
                        Some(head) => index.by_app_head.push((head.into(), number)),
                        None => index.by_app.entry(app.clone()).or_default().push(number),
                    }
                }
            } else if !alternative.starts.is_empty() {
                for first in alternative.starts.iter().filter_map(|s| s.bytes().next()) {
                    if let Some(list) = index.by_byte.get_mut(usize::from(first)).filter(|l| l.last() != Some(&number)) {
                        list.push(number);
                    }
                }
            } else if !alternative.devices.is_empty() {
                index.by_device.push(number);
            } else if let Some(first) = alternative.contains.first() {
                match literals.iter().position(|l| l == first.needle()) {
                    Some(at) => index.by_literal.get_mut(at).into_iter().for_each(|l| l.push(number)),
                    None => {
                        literals.push(first.needle().to_vec());
                        index.by_literal.push(vec![number]);
                    }
                }
            } else {
                index.last.push(number);
            }
        }
        if !literals.is_empty() {
            index.literals = Some(AhoCorasick::new(&literals).map_err(|e| e.to_string())?);
        }
        index.alternatives = alternatives;
        Ok(index)
    }

    pub(super) fn get(&self, number: u16) -> Option<&Alternative> {
        self.alternatives.get(usize::from(number))
    }

    /// Keeps those that hold; most confident first, among equals what the source spoke lately, then load order.
    fn rank(&self, mut found: Candidates, clues: &Clues<'_>, recent: &Recent) -> Candidates {
        found.retain(|n| self.get(*n).is_some_and(|a| a.holds(clues)));
        if found.len() > 1 {
            let key = |n: &u16| {
                self.get(*n).map(|a| {
                    let lately = recent.iter().position(|f| f == a.format).unwrap_or(Recent::SLOTS);
                    (std::cmp::Reverse(a.confidence), lately, *n)
                })
            };
            found.sort_by_key(key);
            found.dedup();
        }
        found
    }

    /// Those whose program name, first bytes or device match.
    pub(super) fn sure(&self, clues: &Clues<'_>, recent: &Recent) -> Candidates {
        let mut found = Candidates::new();
        if let Some(app) = clues.app {
            found.extend(self.by_app.get(app).into_iter().flatten().copied());
            found.extend(self.by_app_head.iter().filter(|(head, _)| app.starts_with(&**head)).map(|(_, n)| *n));
        }
        let first = clues.body.bytes().next();
        found.extend(first.and_then(|b| self.by_byte.get(usize::from(b))).into_iter().flatten().copied());
        let whole = clues.whole.bytes().next().filter(|w| Some(*w) != first);
        found.extend(whole.and_then(|b| self.by_byte.get(usize::from(b))).into_iter().flatten().copied());
        if clues.device.is_some() {
            found.extend_from_slice(&self.by_device);
        }
        self.rank(found, clues, recent)
    }

    /// Formats this source spoke lately.
    pub(super) fn lately(&self, clues: &Clues<'_>, recent: &Recent) -> Candidates {
        let numbers = recent.iter().filter_map(|f| self.by_format.get(usize::from(f.0))).flatten().copied();
        // by program or first bytes they were asked already
        let found = numbers.filter(|n| self.get(*n).is_some_and(|a| a.apps.is_empty() && a.starts.is_empty() && a.devices.is_empty()));
        // a catch-all that the source spoke once must not take the records of formats that know more
        let found = found.filter(|n| self.get(*n).is_some_and(|a| !a.contains.is_empty() || !a.paths.is_empty() || a.must_match));
        self.rank(found.collect(), clues, recent)
    }

    /// Those with a literal in the text.
    pub(super) fn by_content(&self, clues: &Clues<'_>, recent: &Recent) -> Candidates {
        let mut found = Candidates::new();
        if let Some(literals) = &self.literals {
            for hit in literals.find_overlapping_iter(clues.whole) {
                let numbers = self.by_literal.get(hit.pattern().as_usize()).into_iter().flatten();
                for number in numbers {
                    if !found.contains(number) {
                        found.push(*number);
                    }
                }
            }
        }
        self.rank(found, clues, recent)
    }

    /// Everything else.
    pub(super) fn last(&self, clues: &Clues<'_>, recent: &Recent) -> Candidates {
        self.rank(self.last.iter().copied().collect(), clues, recent)
    }
}
