//! Conversations between zones that the policy does not allow: the matrix of zones is data.

use std::{net::IpAddr, sync::Arc};

use fansipan_model::{EntityKind, fields};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    parameters::{Parameters, nanos},
};

/// Addresses in no zone.
const INTERNET: &str = "internet";
const OTHER: &str = "other";
/// One alert for so long.
const PERIOD: i64 = 86_400;

pub(super) struct Zones(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pair {
    count: u64,
    bytes: u64,
}

impl Zones {
    /// The zone with the longest matching network.
    fn zone(&self, ip: IpAddr, inside: bool) -> &str {
        let networks = self.0.zones.networks.iter().flat_map(|(name, nets)| nets.iter().map(move |net| (name, net)));
        let found = networks.filter(|(_, net)| net.contains(&ip)).max_by_key(|(_, net)| net.prefix_len());
        found.map_or(if inside { OTHER } else { INTERNET }, |(name, _)| name)
    }
}

impl Watcher for Zones {
    const NAME: &'static str = "zones";
    const FINDINGS: &'static [&'static str] = &["zones"];
    type State = Pair;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        let p = &self.0.zones;
        let (asked, answered) = sight.payload();
        // a question without an answer was stopped by somebody
        if p.networks.is_empty() || !sight.is_ended_flow() || sight.is_cast() || asked == 0 || answered == 0 {
            return;
        }
        let (from, to) = (self.zone(sight.source, sight.source_inside), self.zone(sight.destination, sight.destination_inside));
        let outside = |zone| zone == INTERNET || zone == OTHER;
        if from == to || !p.strict && (outside(from) || outside(to)) {
            return;
        }
        let allowed =
            |w: &super::parameters::Way| w.from == from && w.to == to && (w.ports.is_empty() || w.ports.contains(&sight.destination_port));
        if p.allow.iter().any(allowed) {
            return;
        }
        let words = vec![sight.destination.to_string(), sight.text(fields::NETWORK_PROTOCOL)];
        let numbers = vec![super::sight::signed(sight.count(fields::NETWORK_BYTES))];
        let (source, port) = (sight.source.to_string(), format!("{}/{}", sight.destination_port, sight.transport));
        out.push(sight.fact(Self::NAME, &[&source, from, to, &port], words, numbers));
    }

    fn take(&self, state: &mut Pair, fact: &Fact, out: &mut Vec<Finding>, _losses: &mut Losses) {
        state.count += 1;
        state.bytes += fact.count(0);
        let figures = vec![
            ("source.ip".to_owned(), fact.key(1).to_owned()),
            ("destination.ip".to_owned(), fact.word(0).to_owned()),
            ("from zone".to_owned(), fact.key(2).to_owned()),
            ("to zone".to_owned(), fact.key(3).to_owned()),
            ("port".to_owned(), fact.key(4).to_owned()),
            ("network.protocol".to_owned(), fact.word(1).to_owned()),
            ("conversations".to_owned(), format!("{} (≥ 1)", state.count)),
            ("bytes".to_owned(), state.bytes.to_string()),
        ];
        let about = vec![
            (EntityKind::Address, "source.ip", fact.key(1).to_owned()),
            (EntityKind::Address, "destination.ip", fact.word(0).to_owned()),
        ];
        out.push(Finding {
            name: "zones",
            period: nanos(PERIOD),
            since: fact.at,
            count: state.count,
            figures,
            about,
            ..Finding::default()
        });
    }

    fn life(&self) -> i64 {
        nanos(PERIOD).saturating_mul(2)
    }

    fn weight(&self, _state: &Pair) -> usize {
        0
    }
}
