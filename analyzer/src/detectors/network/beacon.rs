//! Beacons: contacts of one computer with one address outside at regular times, over hours, with jitter. Groups are destinations, so
//! that one that many computers speak to is known to be a service.

use std::{collections::BTreeMap, sync::Arc};

use fansipan_model::{EntityKind, time::SECOND};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    groups::against,
    parameters::{Parameters, nanos},
    sight::signed,
};

/// Contacts remembered of a computer: the shortest distances over the span that is asked for.
const MOST: usize = 600;
/// Connections so close together are one contact.
const ONE: i64 = 2 * SECOND;
/// One alert for so long.
const PERIOD: i64 = 86_400;

pub(super) struct Beacon(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Destination {
    popular: bool,
    /// By source: beginning and bytes sent of each contact, in order of time.
    sources: BTreeMap<String, Vec<(i64, i64)>>,
}

impl Watcher for Beacon {
    const NAME: &'static str = "beacon";
    const FINDINGS: &'static [&'static str] = &["beacon"];
    type State = Destination;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        let p = &self.0.beacon;
        let (asked, answered) = sight.payload();
        if !sight.is_ended_flow() || !sight.source_inside || sight.destination_inside || asked == 0 || answered == 0 {
            return;
        }
        if p.ignore_ports.contains(&sight.destination_port) || p.known.iter().any(|n| n.contains(&sight.destination)) {
            return;
        }
        let key = [sight.destination.to_string(), sight.destination_port.to_string(), sight.transport.to_owned()];
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        out.push(sight.fact(Self::NAME, &key, vec![sight.source.to_string()], vec![sight.start(), signed(asked)]));
    }

    fn take(&self, state: &mut Destination, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses) {
        if state.popular {
            return;
        }
        let contacts = state.sources.entry(fact.word(0).to_owned()).or_default();
        let (start, size) = (fact.number(0), fact.number(1));
        let place = contacts.partition_point(|c| c.0 <= start);
        let near = |at: Option<usize>| at.and_then(|i| contacts.get(i)).is_some_and(|c| (c.0 - start).abs() < ONE);
        if near(place.checked_sub(1)) || near(Some(place)) {
            return;
        }
        contacts.insert(place, (start, size));
        if contacts.len() > MOST {
            contacts.remove(0);
            losses.cut += 1;
        }
        let contacts = contacts.clone();
        if state.sources.len() > self.0.beacon.popular {
            *state = Destination { popular: true, sources: BTreeMap::new() };
            return;
        }
        out.extend(self.judge(&contacts, fact));
    }

    fn life(&self) -> i64 {
        nanos(self.0.beacon.longest.saturating_mul(6))
    }

    fn weight(&self, state: &Destination) -> usize {
        state.sources.values().map(Vec::len).sum()
    }
}

impl Beacon {
    fn judge(&self, contacts: &[(i64, i64)], fact: &Fact) -> Option<Finding> {
        let p = &self.0.beacon;
        let (first, last) = (contacts.first()?.0, contacts.last()?.0);
        let span = (last - first) / SECOND;
        if contacts.len() < p.contacts || span < p.span {
            return None;
        }
        let distances: Vec<i64> = contacts.windows(2).map(|w| w.last().map_or(0, |b| b.0) - w.first().map_or(0, |a| a.0)).collect();
        let (every, regular) = regularity(distances, p.jitter)?;
        let (size, alike) = regularity(contacts.iter().map(|c| c.1).collect(), p.size_jitter)?;
        let seconds = every / SECOND;
        if seconds < p.shortest || seconds > p.longest || regular < p.regular || alike < p.sizes_regular {
            return None;
        }
        let destination = format!("{}:{}", fact.key(1), fact.key(2));
        let figures = vec![
            ("source.ip".to_owned(), fact.word(0).to_owned()),
            ("destination".to_owned(), destination),
            ("contacts".to_owned(), against(contacts.len(), p.contacts)),
            ("over seconds".to_owned(), against(span, p.span)),
            ("every seconds (median)".to_owned(), format!("{seconds}")),
            (format!("% of distances within ± {} %", p.jitter), against(regular, p.regular)),
            ("bytes sent (median)".to_owned(), size.to_string()),
            (format!("% of sizes within ± {} %", p.size_jitter), against(alike, p.sizes_regular)),
        ];
        let about = vec![
            (EntityKind::Address, "source.ip", fact.word(0).to_owned()),
            (EntityKind::Address, "destination.ip", fact.key(1).to_owned()),
        ];
        let apart = vec![fact.word(0).to_owned()];
        Some(Finding { name: "beacon", apart, period: nanos(PERIOD), since: first, count: contacts.len() as u64, figures, about })
    }
}

/// The median, and how many per cent differ from it by at most `most` per cent.
fn regularity(mut values: Vec<i64>, most: i64) -> Option<(i64, usize)> {
    values.sort_unstable();
    let median = *values.get(values.len() / 2)?;
    let close = values.iter().filter(|v| (**v - median).abs().saturating_mul(100) <= median.saturating_mul(most)).count();
    Some((median, 100 * close / values.len()))
}
