//! Floods and amplification: packets (or bytes) per second towards one address, by kind, with those who send most.
//!
//! A flow is reported when it is over, or after many packets; what it sent is spread over the seconds it lasted.

use std::{collections::BTreeMap, sync::Arc};

use fansipan_model::{EntityKind, fields, time::SECOND};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    generations::{Generations, number},
    going::Going,
    groups::against,
    parameters::{Flood as Limits, Parameters, nanos},
    sight::signed,
};

/// Seconds that are remembered: flows without an end are reported when they have been silent for five minutes.
const MEMORY: i64 = 420;
/// Seconds that one flow is spread over at most.
const SPREAD: i64 = 120;
/// Senders counted one by one; the one that sent least makes room, its count staying with the newcomer (space-saving).
const TALKERS: usize = 64;
/// Senders told.
const TOLD: usize = 5;
/// Different senders and running flows remembered.
const MOST: usize = 4096;
/// One alert for so long.
const PERIOD: i64 = 3600;

pub(super) struct Flood(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Target {
    seconds: BTreeMap<i64, u64>,
    /// What each sent at most, and how much of that may be others'.
    talkers: BTreeMap<String, (u64, u64)>,
    total: u64,
    senders: Generations,
    going: Going,
    /// The highest average that was told, and until when it holds.
    told: (u64, i64),
}

impl Flood {
    /// Threshold per second, what is counted, and the finding of a kind.
    fn kind(p: &Limits, kind: &str) -> Option<(u64, &'static str, &'static str)> {
        Some(match kind {
            "syn" => (p.syn, "packets", "flood_syn"),
            "udp" => (p.udp, "packets", "flood_udp"),
            "icmp" => (p.icmp, "packets", "flood_icmp"),
            "dns" => (p.dns, "packets", "flood_dns"),
            "ntp" => (p.ntp, "packets", "flood_ntp"),
            "amplified" => (p.amplified, "bytes", "flood_amplified"),
            "reflected" => (p.reflected, "bytes", "flood_reflected"),
            _ => return None,
        })
    }

    fn udp(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        let p = &self.0.flood;
        let (asked, answered) = (sight.count(fields::SOURCE_PACKETS), sight.count(fields::DESTINATION_PACKETS));
        let (sent, back) = (sight.count(fields::SOURCE_BYTES), sight.count(fields::DESTINATION_BYTES));
        let amplifies = |port: u16| p.amplifiers.contains(&port);
        if asked == 0 && amplifies(sight.destination_port) {
            return out.push(add(sight, "amplified", [Side::Source, Side::Destination], sight.destination_port, back));
        }
        if answered == 0 && amplifies(sight.source_port) && !amplifies(sight.destination_port) {
            return out.push(add(sight, "amplified", [Side::Destination, Side::Source], sight.source_port, sent));
        }
        let to = [Side::Destination, Side::Source];
        if sight.destination_inside && amplifies(sight.destination_port) && sent > 0 && back / sent >= p.gain {
            out.push(add(sight, "reflected", to, sight.destination_port, back));
        }
        match sight.destination_port {
            53 => out.push(add(sight, "dns", to, 53, asked)),
            123 => out.push(add(sight, "ntp", to, 123, asked)),
            _ if answered.saturating_mul(3) <= asked => out.push(add(sight, "udp", to, 0, asked)),
            _ => {}
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Source,
    Destination,
}

/// What a flow adds to a target, and who sent it.
fn add(sight: &Sight<'_>, kind: &str, [target, sender]: [Side; 2], port: u16, amount: u64) -> Fact {
    let address = |side| match side {
        Side::Source => sight.source.to_string(),
        Side::Destination => sight.destination.to_string(),
    };
    let flow = number(&[&sight.text(fields::NETWORK_COMMUNITY_ID), &sight.start().to_string()]);
    let (start, end) = (sight.start().div_euclid(SECOND), sight.event.timestamp().div_euclid(SECOND));
    let numbers = vec![start, end, signed(amount), i64::from(sight.goes_on()), flow.cast_signed()];
    sight.fact(Flood::NAME, &[kind, &address(target), &port.to_string()], vec![address(sender)], numbers)
}

impl Watcher for Flood {
    const NAME: &'static str = "flood";
    const FINDINGS: &'static [&'static str] =
        &["flood_syn", "flood_udp", "flood_icmp", "flood_dns", "flood_ntp", "flood_amplified", "flood_reflected"];
    type State = Target;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        if sight.dataset != "flow" || sight.is_cast() {
            return;
        }
        let to = [Side::Destination, Side::Source];
        match sight.transport {
            "tcp" => {
                let history = sight.event.str(fields::NETWORK_CONNECTION_HISTORY).unwrap_or_default();
                // asked for, and neither acknowledged nor ended by who asked
                let half = history.starts_with('S') && !history.contains(['A', 'D', 'F']);
                if half && sight.payload() == (0, 0) {
                    out.push(add(sight, "syn", to, sight.destination_port, sight.count(fields::SOURCE_PACKETS)));
                }
            }
            "udp" => self.udp(sight, out),
            "icmp" | "ipv6-icmp" if matches!(sight.named("fansipan.icmp.type"), 8 | 128) => {
                out.push(add(sight, "icmp", to, 0, sight.count(fields::SOURCE_PACKETS)));
            }
            _ => {}
        }
    }

    fn take(&self, state: &mut Target, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses) {
        let p = &self.0.flood;
        let Some((rate, unit, name)) = Self::kind(p, fact.key(1)) else { return };
        let amount = state.going.fresh(fact.number(4).cast_unsigned(), fact.number(3) != 0, fact.count(2), MOST, losses);
        let Some((first, last)) = state.spread(fact, amount) else {
            losses.late += 1;
            return;
        };
        state.count(fact, amount, losses);
        let enough = rate.saturating_mul(p.seconds.unsigned_abs());
        let Some((end, sum)) = state.highest(first, last, p.seconds, enough) else { return };
        let average = sum / p.seconds.unsigned_abs().max(1);
        let senders = state.senders.different();
        if name == "flood_amplified" && senders < p.reflectors {
            return;
        }
        // told again only when it has grown: a flood is many facts
        if fact.at < state.told.1 && average <= state.told.0 + state.told.0 / 10 {
            return;
        }
        state.told = (average, fact.at.saturating_add(nanos(p.seconds)));
        let peak = state.seconds.range(end - p.seconds + 1..=end).map(|(_, n)| *n).max().unwrap_or_default();
        let mut figures = vec![
            ("destination.ip".to_owned(), fact.key(2).to_owned()),
            (format!("{unit} per second"), against(average, rate)),
            ("for seconds".to_owned(), p.seconds.to_string()),
            ("highest second".to_owned(), peak.to_string()),
            ("different senders".to_owned(), if senders < MOST { senders.to_string() } else { format!("≥ {MOST}") }),
            (format!("top talkers, {unit}"), state.top()),
        ];
        if fact.key(3) != "0" {
            figures.insert(1, ("port".to_owned(), fact.key(3).to_owned()));
        }
        if name == "flood_amplified" {
            figures.push(("reflectors".to_owned(), against(senders, p.reflectors)));
        }
        let about = vec![
            (EntityKind::Address, "destination.ip", fact.key(2).to_owned()),
            (EntityKind::Address, "source.ip", fact.word(0).to_owned()),
        ];
        let count = state.senders.events();
        out.push(Finding {
            name,
            period: nanos(PERIOD),
            since: (end - p.seconds + 1) * SECOND,
            count,
            figures,
            about,
            ..Finding::default()
        });
    }

    fn life(&self) -> i64 {
        nanos(MEMORY)
    }

    fn weight(&self, state: &Target) -> usize {
        state.seconds.len() + state.talkers.len() + state.senders.weight() + state.going.len()
    }
}

impl Target {
    /// Adds to the seconds of the flow; the first and the last, or `None` where they are forgotten already.
    fn spread(&mut self, fact: &Fact, amount: u64) -> Option<(i64, i64)> {
        let end = fact.number(1);
        let start = fact.number(0).clamp(end.saturating_sub(SPREAD - 1), end);
        let newest = self.seconds.last_key_value().map_or(end, |(s, _)| *s).max(end);
        if end <= newest.saturating_sub(MEMORY) {
            return None;
        }
        let many = (end - start + 1).unsigned_abs();
        for (i, second) in (0..many).zip(start..=end) {
            let part = amount / many + u64::from(i < amount % many);
            *self.seconds.entry(second).or_default() += part;
        }
        self.seconds = self.seconds.split_off(&(newest - MEMORY));
        Some((start, end))
    }

    fn count(&mut self, fact: &Fact, amount: u64, losses: &mut Losses) {
        let sender = fact.word(0);
        losses.cut += u64::from(!self.senders.see(fact.at, 60 * SECOND, number(&[sender]), MOST));
        self.total += amount;
        if let Some((known, _)) = self.talkers.get_mut(sender) {
            *known += amount;
            return;
        }
        let mut before = 0;
        if self.talkers.len() >= TALKERS {
            let least = self.talkers.iter().min_by_key(|(_, (n, _))| *n).map(|(s, (n, _))| (s.clone(), *n));
            if let Some((least, n)) = least {
                self.talkers.remove(&least);
                before = n;
            }
        }
        self.talkers.insert(sender.to_owned(), (before + amount, before));
    }

    /// The end of the window with the highest sum that touches these seconds, if it is enough.
    fn highest(&self, first: i64, last: i64, seconds: i64, enough: u64) -> Option<(i64, u64)> {
        let near = || self.seconds.range(first - seconds..=last + seconds);
        if near().map(|(_, n)| *n).sum::<u64>() < enough {
            return None;
        }
        let sum = |end: i64| self.seconds.range(end - seconds + 1..=end).map(|(_, n)| *n).sum::<u64>();
        let ends = near().map(|(s, _)| *s).filter(|s| (first..last + seconds).contains(s));
        let (end, sum) = ends.map(|end| (end, sum(end))).max_by_key(|(end, sum)| (*sum, -*end))?;
        (sum >= enough).then_some((end, sum))
    }

    /// Those who certainly sent a hundredth of all or more.
    fn top(&self) -> String {
        let sure = |(sender, (most, others)): (&String, &(u64, u64))| (most.saturating_sub(*others), sender.clone());
        let mut list: Vec<(u64, String)> =
            self.talkers.iter().map(sure).filter(|(n, _)| n.saturating_mul(100) >= self.total.max(1)).collect();
        list.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        if list.is_empty() {
            return "none: each sends less than 1 %".to_owned();
        }
        list.iter().take(TOLD).map(|(n, sender)| format!("{sender} {n}")).collect::<Vec<_>>().join(", ")
    }
}
