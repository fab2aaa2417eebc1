//! ARP spoofing: an address that goes back and forth between hardware addresses, or one hardware address that takes those of several
//! computers.

use std::{collections::BTreeMap, sync::Arc};

use fansipan_model::{EntityKind, fields};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    groups::against,
    parameters::{Parameters, nanos},
};

/// Addresses remembered of a network.
const MOST: usize = 16_384;
/// One alert for so long.
const PERIOD: i64 = 3600;
/// A network that says nothing for a day begins anew.
const LIFE: i64 = 86_400;

pub(super) struct Arp(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Address {
    owner: String,
    /// When it changed its owner.
    changes: Vec<i64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Net {
    addresses: BTreeMap<String, Address>,
    /// By hardware address: addresses that others had, and when they were taken.
    taken: BTreeMap<String, BTreeMap<String, i64>>,
}

impl Watcher for Arp {
    const NAME: &'static str = "arp";
    const FINDINGS: &'static [&'static str] = &["arp"];
    type State = Net;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        let mac = sight.text(fields::SOURCE_MAC);
        if sight.dataset != "arp" || mac.is_empty() || self.0.arp.moving.iter().any(|m| mac.starts_with(m.as_str())) {
            return;
        }
        let vlan = sight.text(fields::NETWORK_VLAN_ID);
        out.push(sight.fact(Self::NAME, &[&vlan], vec![sight.source.to_string(), mac], Vec::new()));
    }

    fn take(&self, state: &mut Net, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses) {
        let p = &self.0.arp;
        let (ip, mac) = (fact.word(0), fact.word(1));
        if state.addresses.len() >= MOST && !state.addresses.contains_key(ip) {
            losses.cut += 1;
            return;
        }
        let known = state.addresses.entry(ip.to_owned()).or_insert_with(|| Address { owner: mac.to_owned(), changes: Vec::new() });
        if known.owner == mac {
            return;
        }
        let before = std::mem::replace(&mut known.owner, mac.to_owned());
        let oldest = fact.at.saturating_sub(nanos(p.window));
        known.changes.retain(|at| *at >= oldest);
        known.changes.push(fact.at);
        known.changes.truncate(64);
        let changes = known.changes.len();
        state.taken.retain(|_, list| {
            list.retain(|_, at| *at >= oldest);
            !list.is_empty()
        });
        let taken = state.taken.entry(mac.to_owned()).or_default();
        taken.insert(ip.to_owned(), fact.at);
        let taken = taken.len();
        if changes < p.changes && taken < p.taken {
            return;
        }
        let mut figures =
            vec![("source.ip".to_owned(), ip.to_owned()), ("source.mac".to_owned(), mac.to_owned()), ("owner before".to_owned(), before)];
        if changes >= p.changes {
            figures.push(("changes of owner".to_owned(), against(changes, p.changes)));
        }
        if taken >= p.taken {
            figures.push(("addresses taken".to_owned(), against(taken, p.taken)));
        }
        figures.push(("window".to_owned(), format!("{} s", p.window)));
        let about = vec![(EntityKind::Address, "source.ip", ip.to_owned())];
        let count = changes.max(taken) as u64;
        out.push(Finding { name: "arp", period: nanos(PERIOD), since: fact.at, count, figures, about, ..Finding::default() });
    }

    fn life(&self) -> i64 {
        nanos(LIFE)
    }

    fn weight(&self, state: &Net) -> usize {
        state.addresses.len() + state.taken.values().map(BTreeMap::len).sum::<usize>()
    }
}
