//! The console's side: asks every collector, and waits for those that should answer.

use std::{
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use fansipan_api::{Extract, FlowWanted, PACKETS_WITHIN, PacketStore, PacketsError};
use fansipan_bus::kafka::{KafkaError, Names, Settings, Tail};
use fansipan_model::Scope;
use uuid::Uuid;

use super::{gathering::Gathering, wire::Ask};
use crate::{
    live::now,
    roles::{control::Roster, wire::Say},
};

/// The rings of all collectors.
pub(crate) struct FarRings {
    pub(crate) settings: Settings,
    pub(crate) roster: Arc<Roster>,
    /// For files that have no name.
    pub(crate) data: PathBuf,
    /// Bytes of one answer.
    pub(crate) most: u64,
    pub(crate) stop: Arc<AtomicBool>,
}

impl PacketStore for FarRings {
    fn extract(&self, scope: &Scope, flows: &[FlowWanted], out: &mut dyn Write) -> Result<Extract, PacketsError> {
        let expected = self.roster.rings.of(scope);
        if expected.is_empty() {
            return Err(PacketsError::Off);
        }
        let unreachable = |error: KafkaError| PacketsError::Unreachable(error.to_string());
        let tail = Tail::open(&self.settings, &Names::new(&self.settings).packets, 0).map_err(unreachable)?;
        let ask = Ask {
            id: Uuid::new_v4(),
            at: now() as i64,
            seconds: PACKETS_WITHIN.as_secs(),
            scope: scope.clone(),
            bytes: self.most,
            flows: flows.to_vec(),
        };
        let mut gathering = Gathering::new(&ask, expected, self.data.clone(), Instant::now());
        self.roster.order(Say::Packets(Box::new(ask)));
        while gathering.waits(Instant::now(), |name| self.roster.may_run(name)) && !self.stop.load(Ordering::Relaxed) {
            tail.follow(Duration::from_millis(100), &mut |key, record| gathering.take(key, record, Instant::now())).map_err(unreachable)?;
        }
        gathering.end(out)
    }
}
