//! Unknown DHCP servers: those not named, or, while none are named, those first heard after the others were learned. Two servers that
//! answer the same question are told at once.

use std::{collections::BTreeMap, sync::Arc};

use fansipan_model::{EntityKind, fields};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    parameters::{Parameters, nanos},
};

/// Servers remembered of a network.
const MOST: usize = 256;
/// Days after which a server that fell silent is unknown again.
const LIFE: i64 = 30 * 86_400;
/// One alert for so long.
const PERIOD: i64 = 86_400;

pub(super) struct Dhcp(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Net {
    /// When the first answer was heard.
    since: Option<i64>,
    servers: BTreeMap<String, u64>,
    unknown: BTreeMap<String, u64>,
    /// The latest question that was answered with an offer, and by whom.
    offered: (String, String),
}

impl Watcher for Dhcp {
    const NAME: &'static str = "dhcp";
    const FINDINGS: &'static [&'static str] = &["dhcp"];
    type State = Net;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        let action = sight.event.str(fields::EVENT_ACTION).unwrap_or_default();
        let Some(server) = sight.named_text("dhcp.server_id") else { return };
        if sight.dataset != "dhcp" || !matches!(action, "offer" | "ack") {
            return;
        }
        let vlan = sight.text(fields::NETWORK_VLAN_ID);
        let transaction = sight.named_text("dhcp.transaction_id").unwrap_or_default().to_owned();
        let mac = sight.text(fields::SOURCE_MAC);
        out.push(sight.fact(Self::NAME, &[&vlan], vec![server.to_owned(), transaction, action.to_owned(), mac], Vec::new()));
    }

    fn take(&self, state: &mut Net, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses) {
        let p = &self.0.dhcp;
        let (server, transaction) = (fact.word(0), fact.word(1));
        let since = *state.since.get_or_insert(fact.at);
        let another = fact.word(2) == "offer" && state.offered.0 == transaction && state.offered.1 != server;
        if fact.word(2) == "offer" && !another {
            state.offered = (transaction.to_owned(), server.to_owned());
        }
        let learning = p.servers.is_empty() && fact.at.saturating_sub(since) < nanos(p.learning);
        let named = p.servers.iter().any(|s| s == server);
        if named || state.servers.contains_key(server) || (learning && !another) {
            remember(&mut state.servers, server, losses);
            return;
        }
        remember(&mut state.unknown, server, losses);
        let why = if !p.servers.is_empty() {
            format!("not one of the {} named", p.servers.len())
        } else if another {
            format!("answers the same question as {}", state.offered.1)
        } else {
            format!("not one of the {} heard before", state.servers.len())
        };
        let mut figures = vec![
            ("dhcp.server_id".to_owned(), server.to_owned()),
            ("source.mac".to_owned(), fact.word(3).to_owned()),
            ("why".to_owned(), why),
        ];
        if !fact.key(1).is_empty() {
            figures.push(("network.vlan.id".to_owned(), fact.key(1).to_owned()));
        }
        let about = vec![(EntityKind::Address, "source.ip", server.to_owned())];
        let count = state.unknown.get(server).copied().unwrap_or(1);
        let apart = vec![server.to_owned()];
        out.push(Finding { name: "dhcp", apart, period: nanos(PERIOD), since: fact.at, count, figures, about });
    }

    fn life(&self) -> i64 {
        nanos(LIFE)
    }

    fn weight(&self, state: &Net) -> usize {
        state.servers.len() + state.unknown.len()
    }
}

fn remember(servers: &mut BTreeMap<String, u64>, server: &str, losses: &mut Losses) {
    if servers.len() < MOST || servers.contains_key(server) {
        *servers.entry(server.to_owned()).or_default() += 1;
    } else {
        losses.cut += 1;
    }
}
