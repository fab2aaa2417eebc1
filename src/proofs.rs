//! The log of this process as the API asks it for proofs.

use std::collections::HashMap;

use fansipan_api::{Included, Ledger};
use fansipan_bus::EmbeddedBus;
use uuid::Uuid;

/// The durable log.
pub(crate) struct Log(pub(crate) EmbeddedBus);

impl Ledger for Log {
    fn prove(&self, events: &[(Uuid, i64)]) -> Result<Included, String> {
        let places: HashMap<[u8; 16], usize> = events.iter().enumerate().map(|(place, (id, _))| (id.into_bytes(), place)).collect();
        let since: Vec<i64> = events.iter().map(|(_, received)| *received).collect();
        // the id stands behind the version, see the codec
        let which = |record: &[u8]| places.get(record.get(1..17)?).copied();
        self.0.prove(&since, &which).map_err(|e| e.to_string())
    }
}
