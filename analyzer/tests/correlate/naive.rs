//! What correlations mean, written as plainly as possible: the whole history in order, every window looked at anew.

use std::collections::{BTreeMap, BTreeSet};

use fansipan_model::{AlertId, Event, Value, time};
use fansipan_rules::{
    Linked, LinkedCorrelation, RuleSet, Scratch,
    ast::{Bound, Condition, Correlation, CorrelationKind as Kind},
    formula::Window,
};

use crate::kit::Told;

#[derive(Clone, Debug)]
struct Match {
    at: i64,
    id: u128,
    member: usize,
    text: String,
    number: f64,
    event: bool,
}

#[derive(Clone, Debug)]
struct Found {
    id: AlertId,
    opened: i64,
    group: Vec<String>,
    told: Told,
}

/// Every alert of every correlation that speaks.
pub(crate) fn alerts(rules: &RuleSet, events: &[Event]) -> BTreeMap<AlertId, Told> {
    let linked = rules.correlations();
    let mut found: Vec<Option<Vec<Found>>> = vec![None; linked.len()];
    while found.iter().any(Option::is_none) {
        for i in 0..linked.len() {
            let ready = linked[i].about.iter().all(|a| !matches!(a, Linked::Correlation(c) if found[*c].is_none()));
            if found[i].is_none() && ready {
                found[i] = Some(correlate(rules, &linked[i], linked, &found, events));
            }
        }
    }
    let silent: BTreeSet<usize> = linked
        .iter()
        .filter(|c| !body(c).generate)
        .flat_map(|c| &c.about)
        .filter_map(|a| if let Linked::Correlation(c) = a { Some(*c) } else { None })
        .collect();
    let speaking = found.into_iter().enumerate().filter(|(i, _)| !silent.contains(i));
    speaking.flat_map(|(_, f)| f.expect("found")).map(|f| (f.id, f.told)).collect()
}

fn body(linked: &LinkedCorrelation) -> &Correlation {
    linked.correlation().expect("a correlation")
}

fn correlate(
    rules: &RuleSet,
    linked: &LinkedCorrelation,
    all: &[LinkedCorrelation],
    found: &[Option<Vec<Found>>],
    events: &[Event],
) -> Vec<Found> {
    let body = body(linked);
    let mut groups: BTreeMap<Vec<String>, Vec<Match>> = BTreeMap::new();
    let counted = body.condition.as_ref().map_or(vec![], |c| c.fields.clone());
    for (member, about) in linked.about.iter().enumerate() {
        let own = |field: &String| {
            let alias = body.aliases.iter().find(|a| a.name == *field);
            alias.and_then(|a| a.fields.iter().find(|(r, _)| *r == body.rules[member])).map_or(field.clone(), |(_, f)| f.clone())
        };
        let names: Vec<String> = body.group_by.iter().map(own).collect();
        match about {
            Linked::Rule(index) => {
                let (mut scratch, mut matches) = (Scratch::default(), Vec::new());
                for event in events {
                    matches.clear();
                    rules.evaluate(event, &mut scratch, &mut matches);
                    if !matches.contains(index) {
                        continue;
                    }
                    let text = |f: &String| event.get_by_name(f).and_then(Value::text).expect("a value").into_owned();
                    let mut group: Vec<String> = names.iter().map(text).collect();
                    let values: Vec<String> = counted.iter().map(|f| text(&own(f))).collect();
                    if body.kind == Kind::FirstSeen {
                        group.extend(values.clone());
                    }
                    let number = values.first().and_then(|v| v.parse().ok()).unwrap_or(0.0);
                    let id = event.id().as_u128();
                    groups.entry(group).or_default().push(Match {
                        at: event.timestamp(),
                        id,
                        member,
                        text: values.join("\0"),
                        number,
                        event: true,
                    });
                }
            }
            Linked::Correlation(below) => {
                let known = &self::body(&all[*below]).group_by;
                for alert in found[*below].as_ref().expect("ready") {
                    let group =
                        names.iter().map(|n| alert.group[known.iter().position(|k| k == n).expect("a common value")].clone()).collect();
                    let id = u128::from_be_bytes(alert.id.0);
                    groups.entry(group).or_default().push(Match {
                        at: alert.opened,
                        id,
                        member,
                        text: String::new(),
                        number: 0.0,
                        event: false,
                    });
                }
            }
        }
    }
    let mut out = Vec::new();
    for (group, mut matches) in groups {
        matches.sort_by_key(|m| (m.at, m.id, m.member));
        matches.dedup_by_key(|m| (m.at, m.id, m.member));
        out.extend(fold(linked, body, &group, &matches));
    }
    out
}

fn fold(linked: &LinkedCorrelation, body: &Correlation, group: &[String], matches: &[Match]) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    let (mut opened, mut fired) = (i64::MIN, i64::MIN);
    let mut session = 0;
    let reach = match body.kind {
        Kind::FirstSeen => body.timespan.min(3_600_000_000_000),
        _ => body.timespan,
    };
    for (i, this) in matches.iter().enumerate() {
        if i > 0 && body.gap.is_some_and(|gap| this.at - matches[i - 1].at > gap || this.at - matches[session].at > body.timespan) {
            session = i;
        }
        let first =
            if body.gap.is_some() { session } else { matches.iter().position(|m| m.at >= this.at - body.timespan).expect("itself") };
        let mut window = &matches[first..=i];
        let mut at = this.at;
        let holds = if body.kind == Kind::Absence {
            at += body.timespan;
            window = &matches[i..=i];
            let missed = !matches[i + 1..].iter().any(|m| m.member > 0 && m.at <= at);
            if this.member > 0 || !missed {
                continue;
            }
            true
        } else {
            fires(body, window)
        };
        let joins = match body.gap {
            Some(_) => out.last().is_some_and(|f| f.told.first == window[0].at),
            None => opened > i64::MIN && at <= fired + reach && at < opened + body.timespan.max(86_400_000_000_000),
        };
        if joins {
            let told = &mut out.last_mut().expect("open").told;
            told.count += 1;
            told.last = this.at;
            if told.events.len() < 20 && this.event {
                told.events.push(this.id);
            }
            fired = if holds { at } else { fired };
        } else if holds {
            (opened, fired) = (at, at);
            let start = window[0].at;
            let text = time::to_rfc3339(start);
            let values: Vec<&str> = group.iter().map(String::as_str).chain([text.as_str()]).collect();
            let told = Told {
                rule: linked.rule.meta.id.clone(),
                group: group.to_vec(),
                first: start,
                last: this.at,
                count: window.len() as u64,
                events: window.iter().filter(|m| m.event).map(|m| m.id).take(20).collect(),
            };
            let id = AlertId::derive("default", &linked.rule.meta.id, &linked.rule.hash, &values);
            out.push(Found { id, opened: at, group: group.to_vec(), told });
        }
    }
    out
}

fn fires(body: &Correlation, window: &[Match]) -> bool {
    let present: BTreeSet<usize> = window.iter().map(|m| m.member).collect();
    if body.expression.as_ref().is_some_and(|e| !over(e, &present)) {
        return false;
    }
    let sum: f64 = window.iter().map(|m| m.number).sum();
    let value = match body.kind {
        Kind::EventCount => window.len() as f64,
        Kind::ValueCount => window.iter().map(|m| &m.text).collect::<BTreeSet<_>>().len() as f64,
        Kind::ValueSum => sum,
        Kind::ValueAverage => sum / window.len() as f64,
        Kind::ValueMedian => percentile(window, 50.0),
        Kind::ValuePercentile => percentile(window, body.condition.as_ref().and_then(|c| c.percentile).unwrap_or(50.0)),
        Kind::Temporal if body.expression.is_some() => return true,
        Kind::Temporal => present.len() as f64,
        Kind::TemporalOrdered => {
            if ordered(window, 0, body.rules.len()) {
                body.rules.len() as f64
            } else {
                0.0
            }
        }
        Kind::Ratio if window.len() < body.minimum as usize => return false,
        Kind::Ratio => window.iter().filter(|m| m.member == 0).count() as f64 / window.len() as f64,
        Kind::FirstSeen => return window.len() == 1,
        Kind::Absence => return false,
    };
    let bounds = body.condition.as_ref().map_or(&[][..], |c| &c.bounds);
    if let Some(formula) = body.condition.as_ref().and_then(|c| c.formula.as_ref()) {
        let records: Vec<u64> = (0..body.rules.len()).map(|r| window.iter().filter(|m| m.member == r).count() as u64).collect();
        let seconds = (window[window.len() - 1].at - window[0].at) as f64 / 1e9;
        if !formula.holds(&Window { value, seconds, records: &records }) {
            return false;
        }
        if bounds.is_empty() && !body.kind.is_temporal() {
            return true;
        }
    }
    if bounds.is_empty() {
        return value >= body.rules.len() as f64;
    }
    bounds.iter().all(|(bound, n)| match bound {
        Bound::Gt => value > *n,
        Bound::Gte => value >= *n,
        Bound::Lt => value < *n,
        Bound::Lte => value <= *n,
        Bound::Eq => value == *n,
        Bound::Neq => value != *n,
    })
}

fn ordered(window: &[Match], member: usize, members: usize) -> bool {
    member == members || (0..window.len()).any(|i| window[i].member == member && ordered(&window[i + 1..], member + 1, members))
}

fn percentile(window: &[Match], p: f64) -> f64 {
    let mut values: Vec<f64> = window.iter().map(|m| m.number).collect();
    values.sort_by(f64::total_cmp);
    let rank = p / 100.0 * (values.len() - 1) as f64;
    let (low, high) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
    low + rank.fract() * (high - low)
}

fn over(condition: &Condition, present: &BTreeSet<usize>) -> bool {
    match condition {
        Condition::And(list) => list.iter().all(|c| over(c, present)),
        Condition::Or(list) => list.iter().any(|c| over(c, present)),
        Condition::Not(inner) => !over(inner, present),
        Condition::Selection(member) => present.contains(member),
    }
}
