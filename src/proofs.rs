//! The log of this process as the API asks it for proofs, and what is kept of it for incidents: the log forgets within days, the
//! events within months, but what an incident and an action rest on must be provable for as long as they are remembered.

mod keeper;
mod kept;

use std::collections::{BTreeSet, HashMap};

use fansipan_api::{Included, Ledger};
use fansipan_bus::EmbeddedBus;
use fansipan_model::Event;
use uuid::Uuid;

pub(crate) use self::keeper::Keeper;
use self::kept::Kept;

/// Records that a reader of the log has before it when it is behind.
const BEHIND: u64 = 100_000;

/// The durable log, and records of it that were kept.
pub(crate) struct Log {
    bus: EmbeddedBus,
    kept: Kept,
}

impl Log {
    /// `data`: the data folder.
    pub(crate) fn new(bus: EmbeddedBus, data: &std::path::Path) -> Self {
        Self { bus, kept: Kept::new(data) }
    }

    /// Whether a reader of the log has much before it.
    fn is_behind(&self) -> bool {
        self.bus.status().consumers.iter().any(|reader| reader.open && reader.lag > BEHIND)
    }

    /// What the log itself still has.
    fn found(&self, events: &[(Uuid, i64)]) -> Result<Included, String> {
        let places: HashMap<[u8; 16], usize> = events.iter().enumerate().map(|(place, (id, _))| (id.into_bytes(), place)).collect();
        let since: Vec<i64> = events.iter().map(|(_, received)| *received).collect();
        // the id stands behind the version, see the codec
        let which = |record: &[u8]| places.get(record.get(1..17)?).copied();
        self.bus.prove(&since, &which).map_err(|e| e.to_string())
    }
}

impl Ledger for Log {
    fn prove(&self, events: &[(Uuid, i64)]) -> Result<Included, String> {
        let kept: Vec<(usize, kept::Proven)> =
            events.iter().enumerate().filter_map(|(place, (id, _))| Some((place, self.kept.read(*id)?))).collect();
        let have: BTreeSet<usize> = kept.iter().map(|(place, _)| *place).collect();
        let others: Vec<usize> = (0..events.len()).filter(|place| !have.contains(place)).collect();
        let mut found = Included::default();
        if !others.is_empty() {
            let asked: Vec<(Uuid, i64)> = others.iter().filter_map(|place| events.get(*place).copied()).collect();
            found = self.found(&asked)?;
            for one in &mut found.records {
                one.wanted = others.get(one.wanted).copied().unwrap_or(usize::MAX);
            }
        }
        for (place, proven) in kept {
            if fansipan_model::codec::decode(&proven.record).is_err() {
                let id = events.get(place).map_or_else(String::new, |(id, _)| id.to_string());
                found.faults.push(format!("the kept proof of event {id} is damaged: restore DATA/evidence/proofs from a backup"));
                continue;
            }
            let seal = found.seals.entry(proven.segment).or_insert_with(|| proven.seal.clone());
            // offsets begin anew when a log is begun anew: two segments of one name cannot both be in one answer
            if *seal == proven.seal {
                found.records.push(proven.inclusion(place));
            }
        }
        Ok(found)
    }

    fn kept(&self, id: Uuid) -> Option<Event> {
        fansipan_model::codec::decode(&self.kept.read(id)?.record).ok()
    }
}
