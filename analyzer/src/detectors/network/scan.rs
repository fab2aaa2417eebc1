//! Port and host scans: many ports of one address, many addresses on one port, or either slowly over hours. What counts are
//! connections without a conversation.

use std::{collections::BTreeMap, sync::Arc};

use fansipan_model::{EntityKind, fields};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    generations::{Generations, number},
    groups::against,
    parameters::{Parameters, nanos},
};

const HOUR: i64 = 3600;

pub(super) struct Scan(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Source {
    /// By address: ports.
    ports: BTreeMap<String, Generations>,
    /// By port: addresses.
    addresses: BTreeMap<i64, Generations>,
    slow: Generations,
    /// When a fast scan was last found.
    fast: Option<i64>,
    pruned: i64,
}

/// Whether a flow asked for something and had no conversation.
fn is_probe(sight: &Sight<'_>) -> bool {
    if !sight.is_ended_flow() || sight.is_cast() {
        return false;
    }
    let (asked, answered) = sight.payload();
    match sight.transport {
        "tcp" => {
            let history = sight.event.str(fields::NETWORK_CONNECTION_HISTORY).unwrap_or_default();
            // without a beginning it may be the end of an old connection; an answer goes to a port nobody listens on
            let begun = history.starts_with('S') || sight.source_port > 1023 && sight.destination_port < 32_768;
            let taken_up = matches!(sight.state, "SF" | "S1" | "S2" | "S3" | "RSTO" | "RSTR");
            let old = sight.state == "OTH" && sight.count(fields::DESTINATION_PACKETS) > 0;
            asked == 0 && answered == 0 && begun && !old && (!taken_up || sight.destination_inside)
        }
        "udp" => sight.state == "S0" && sight.source_port > 1023,
        "icmp" | "ipv6-icmp" => matches!(sight.named("fansipan.icmp.type"), 8 | 128) && sight.count(fields::DESTINATION_PACKETS) == 0,
        _ => false,
    }
}

impl Watcher for Scan {
    const NAME: &'static str = "scan";
    const FINDINGS: &'static [&'static str] = &["scan", "scan_outside", "scan_slow"];
    type State = Source;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        if !is_probe(sight) {
            return;
        }
        let ways = i64::from(sight.source_inside) | i64::from(sight.destination_inside) << 1;
        let words = vec![sight.destination.to_string(), sight.transport.to_owned()];
        out.push(sight.fact(Self::NAME, &[&sight.source.to_string()], words, vec![sight.destination_port.into(), ways]));
    }

    fn take(&self, state: &mut Source, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses) {
        let p = &self.0.scan;
        let (window, slow_window) = (nanos(p.window), nanos(p.slow_window));
        let (address, port) = (fact.word(0), fact.number(0));
        // the same number in another protocol is another port
        let service = if fact.word(1) == "tcp" { port } else { port + (1 << 20) };
        state.prune(fact.at, window);
        let pair = number(&[address, &service.to_string()]);
        let room = state.ports.len() + state.addresses.len() < p.most.saturating_mul(2);
        let mut kept = state.slow.see(fact.at, slow_window, pair, p.most);
        if room || state.ports.contains_key(address) {
            kept &= state.ports.entry(address.to_owned()).or_default().see(fact.at, window, pair, p.most);
        }
        if room || state.addresses.contains_key(&service) {
            kept &= state.addresses.entry(service).or_default().see(fact.at, window, pair, p.most);
        }
        losses.cut += u64::from(!kept);
        self.judge(state, fact, service, out);
    }

    fn life(&self) -> i64 {
        nanos(self.0.scan.slow_window).saturating_mul(2)
    }

    fn weight(&self, state: &Source) -> usize {
        // sums over all parts would be taken for every fact; the slow window holds every pair once
        state.slow.weight().saturating_mul(3)
    }
}

impl Scan {
    fn judge(&self, state: &mut Source, fact: &Fact, service: i64, out: &mut Vec<Finding>) {
        let p = &self.0.scan;
        let of = |g: Option<&Generations>| g.map_or((0, 0), |g| (g.different(), g.events()));
        let (ports, tries) = of(state.ports.get(fact.word(0)));
        let (addresses, touches) = of(state.addresses.get(&service));
        let (from_inside, to_inside) = (fact.number(1) & 1 != 0, fact.number(1) & 2 != 0);
        let enough = if from_inside && !to_inside { p.addresses_outside } else { p.addresses };
        let mut figures = vec![("source.ip".to_owned(), fact.key(1).to_owned())];
        let mut count = 0;
        if ports >= p.ports {
            figures.push(("destination.ip".to_owned(), fact.word(0).to_owned()));
            figures.push(("different destination.port".to_owned(), against(ports, p.ports)));
            count = tries;
        }
        if addresses >= enough {
            figures.push(("destination.port".to_owned(), format!("{}/{}", fact.number(0), fact.word(1))));
            figures.push(("different destination.ip".to_owned(), against(addresses, enough)));
            count = count.max(touches);
        }
        let name = if count > 0 {
            figures.push(("window".to_owned(), format!("{}–{} s", p.window, 2 * p.window)));
            state.fast = Some(state.fast.unwrap_or(fact.at).max(fact.at));
            if from_inside { "scan" } else { "scan_outside" }
        } else {
            let pairs = state.slow.different();
            let known = state.fast.is_some_and(|at| fact.at.saturating_sub(at) < nanos(p.slow_window).saturating_mul(2));
            if pairs < p.slow_pairs || known || from_inside && !to_inside {
                return;
            }
            count = state.slow.events();
            figures.push(("different destination.ip and port".to_owned(), against(pairs, p.slow_pairs)));
            figures.push(("window".to_owned(), format!("{}–{} h", p.slow_window / HOUR, 2 * p.slow_window / HOUR)));
            "scan_slow"
        };
        let period = if name == "scan_slow" { nanos(p.slow_window) } else { nanos(HOUR) };
        let about = vec![
            (EntityKind::Address, "source.ip", fact.key(1).to_owned()),
            (EntityKind::Address, "destination.ip", fact.word(0).to_owned()),
        ];
        out.push(Finding { name, period, since: fact.at, count, figures, about, ..Finding::default() });
    }
}

impl Source {
    /// Forgets parts whose windows are over, once a window.
    fn prune(&mut self, at: i64, window: i64) {
        let generation = at.div_euclid(window.max(1));
        if generation > self.pruned {
            self.pruned = generation;
            self.ports.retain(|_, g| !g.is_over(at, window));
            self.addresses.retain(|_, g| !g.is_over(at, window));
        }
    }
}
