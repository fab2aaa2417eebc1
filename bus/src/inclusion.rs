//! Proofs that single records are in the log: finds them in sealed segments and says how each leads to its segment's root.
//! Reads only; a segment that no longer fits its seal proves nothing and is reported.

use std::collections::BTreeMap;

use crate::{
    bus::EmbeddedBus,
    error::BusError,
    format,
    host::read_file,
    log::{Phase, Segment, Shared},
    merkle::{Levels, Path, leaf},
    scan::{Bounds, records, scan},
    seal::{Seal, name},
    sync::locked,
};

/// A record is appended at the latest so long after its sender was heard, unless the disk or a link stood still.
const SOON: i64 = 120 * 1_000_000_000;
/// It is looked for at the most so long after that.
const LATER: i64 = 86_400 * 1_000_000_000;

/// A record in a sealed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The caller's number of what was looked for.
    pub wanted: usize,
    /// Offset of its segment's first record.
    pub segment: u64,
    /// Its bytes.
    pub record: Vec<u8>,
    /// How it leads to the root of the segment.
    pub path: Path,
}

/// What was found of the records looked for.
#[derive(Debug, Default)]
pub struct Included {
    /// Those in sealed segments, each once.
    pub records: Vec<Inclusion>,
    /// The seal files of their segments, by first offset.
    pub seals: BTreeMap<u64, Vec<u8>>,
    /// Segments that might hold others and cannot be believed: why.
    pub faults: Vec<String>,
}

impl EmbeddedBus {
    /// Looks for records: `since` says for each the earliest time of its append, `which` whether a record is one of them, and
    /// which. What was appended lately is sealed first. Reads the segments of those times, and later ones where that does not do.
    ///
    /// # Errors
    /// [`BusError::Unsealed`], [`BusError::Closed`].
    pub fn prove(&self, since: &[i64], which: &dyn Fn(&[u8]) -> Option<usize>) -> Result<Included, BusError> {
        let shared = self.shared();
        let mut found = Included::default();
        let mut missing: BTreeMap<usize, i64> = since.iter().copied().enumerate().collect();
        let mut looked = Vec::new();
        for patience in [SOON, LATER] {
            let unsealed = locked(&shared.log).segments.iter().find(|s| is_open(s)).map(|s| s.first_at);
            if unsealed.is_some_and(|first| missing.values().any(|at| at.saturating_add(patience) >= first)) {
                self.seal()?;
            }
            for place in sealed(shared) {
                let near = |at: &i64| *at <= place.last_at && place.first_at <= at.saturating_add(patience);
                if !looked.contains(&place.bounds.base) && missing.values().any(near) {
                    looked.push(place.bounds.base);
                    look(shared, &place.bounds, which, &mut missing, &mut found);
                }
            }
        }
        Ok(found)
    }
}

fn is_open(segment: &Segment) -> bool {
    matches!(segment.phase, Phase::Open | Phase::Closed) && segment.records > 0
}

/// A sealed segment.
struct Place {
    bounds: Bounds,
    first_at: i64,
    last_at: i64,
}

fn sealed(shared: &Shared) -> Vec<Place> {
    let log = locked(&shared.log);
    let sealed = log.segments.iter().filter(|s| matches!(s.phase, Phase::Sealed { .. }));
    let place = |s: &Segment| Place {
        bounds: Bounds { salt: s.salt, base: s.base, below: s.next, end: s.length },
        first_at: s.first_at,
        last_at: s.last_at,
    };
    sealed.map(place).collect()
}

/// Looks through one segment.
fn look(
    shared: &Shared,
    bounds: &Bounds,
    which: &dyn Fn(&[u8]) -> Option<usize>,
    missing: &mut BTreeMap<usize, i64>,
    found: &mut Included,
) {
    let Ok(file) = shared.host.open(&shared.path(bounds.base)) else { return }; // expired a moment ago
    let (mut leaves, mut hits) = (Vec::new(), Vec::new());
    let scanned = scan(&*file, bounds, |head, body| {
        records(head, body, |record| {
            if let Some(wanted) = which(record).filter(|w| missing.contains_key(w)) {
                hits.push((wanted, leaves.len(), record.to_vec()));
            }
            leaves.push(leaf(record));
        });
    });
    if hits.is_empty() {
        let gaps = scanned.as_ref().map(|s| s.gaps.as_slice()).unwrap_or_default();
        let gone = gaps.iter().map(|g| format!("records {} to {} cannot be read; they may be among them", g.from, g.to - 1));
        found.faults.extend(gone);
        return;
    }
    let path = shared.config.dir.join(name(bounds.base));
    let bytes = scanned.and_then(|_| read_file(&*shared.host, &path, format::LARGEST_SEGMENT)).map_err(BusError::io("read", &path));
    let levels = Levels::new(leaves);
    let believed = bytes.and_then(|bytes| {
        let seal = Seal::decode(&bytes, &path)?;
        let whole = seal.base == bounds.base && levels.root() == seal.root;
        let altered = || BusError::Altered { path: path.clone(), what: "its records no longer have the sealed root".to_owned() };
        if whole { Ok(bytes) } else { Err(altered()) }
    });
    match believed {
        Ok(bytes) => {
            found.seals.insert(bounds.base, bytes);
            for (wanted, place, record) in hits {
                if missing.remove(&wanted).is_some() {
                    found.records.push(Inclusion { wanted, segment: bounds.base, record, path: levels.path(place) });
                }
            }
        }
        Err(error) => found.faults.push(error.to_string()),
    }
}
