//! The packet rings of this process's interfaces.

use std::{io::Write, path::Path};

use fansipan_api::{Extract, FlowKey, FlowWanted, PacketStore, PacketsError};
use fansipan_collector::{
    sources::SourcesConfig,
    tap::ring::{self, FlowName, Limits, Place, Wanted},
};
use fansipan_model::{Agency, PacketsFound, Scope};

/// Packets of one answer.
const PACKETS: usize = 2_000_000;

/// An interface whose packets are kept.
struct Kept {
    source: String,
    agency: String,
    place: Place,
}

/// All of them.
pub(crate) struct Rings {
    kept: Vec<Kept>,
    /// Every interface that is listened to, as a source.
    taps: Vec<String>,
    /// Bytes of one answer.
    most: u64,
}

impl Rings {
    pub(crate) fn new(config: &SourcesConfig, data: &Path, most: u64) -> Self {
        let source = |interface: &str| format!("tap:{interface}");
        let kept = config.tap.iter().filter(|t| t.ring.is_some()).map(|t| Kept {
            source: source(&t.interface),
            agency: t.agency.clone().unwrap_or_else(|| Agency::DEFAULT.to_owned()),
            place: Place { folder: ring::folder(data, &t.interface), interface: t.interface.clone() },
        });
        Self { kept: kept.collect(), taps: config.tap.iter().map(|t| source(&t.interface)).collect(), most }
    }

    /// The rings that may hold a flow: that of the sensor that saw it; all, where something else tells of it.
    fn of(&self, scope: &Scope, flow: &FlowWanted) -> Vec<Place> {
        let own = flow.source.as_ref().filter(|s| self.taps.contains(s));
        let fits = |k: &&Kept| scope.allows(&k.agency) && own.is_none_or(|s| *s == k.source);
        self.kept.iter().filter(fits).map(|k| k.place.clone()).collect()
    }

    /// Writes the packets of flows to `out`, up to `bytes` and no more than its own bound.
    pub(crate) fn find(&self, scope: &Scope, flows: &[FlowWanted], bytes: u64, out: &mut dyn Write) -> Result<PacketsFound, PacketsError> {
        let mut places: Vec<Place> = Vec::new();
        let mut wanted = Vec::new();
        for flow in flows {
            let name = match &flow.key {
                FlowKey::CommunityId(id) => FlowName::parse(id),
                FlowKey::Ends { protocol, source, destination } => Some(FlowName::of(*protocol, *source, *destination)),
            };
            let rings = self.of(scope, flow);
            let (Some(name), false) = (name, rings.is_empty()) else { continue };
            wanted.push(Wanted { name, from: flow.from, to: flow.to, around: flow.around });
            places.extend(rings.into_iter().filter(|r| !places.contains(r)).collect::<Vec<_>>());
        }
        if places.is_empty() {
            return Err(PacketsError::Off);
        }
        Ok(ring::find(&places, &wanted, Limits { bytes: bytes.min(self.most), packets: PACKETS }, out)?)
    }
}

impl PacketStore for Rings {
    fn extract(&self, scope: &Scope, flows: &[FlowWanted], out: &mut dyn Write) -> Result<Extract, PacketsError> {
        Ok(Extract { found: self.find(scope, flows, self.most, out)?, collectors: Vec::new() })
    }
}
