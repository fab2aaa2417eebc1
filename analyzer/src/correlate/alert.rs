//! What people are told of a correlation.

use fansipan_model::{Alert, AlertStatus, MatchedField, time};
use fansipan_rules::ast::CorrelationKind;
use uuid::Uuid;

use super::{
    context::{self, Contexts},
    group::Episode,
    keyed::texts,
    kinds::distinct,
    plan::Compiled,
};

/// The alert of an episode. A pure function of both, but for the entities, which are those of the first records seen.
pub(crate) fn build(plan: &Compiled, key: &[u8], episode: &Episode, contexts: &Contexts) -> Alert {
    let mut values = texts(key).map(str::to_owned);
    let agency = values.next().unwrap_or_default();
    let group: Vec<String> = values.collect();
    let about = context::entities(episode.contexts.iter().filter_map(|number| contexts.get(*number)));
    let labels = plan.labels.iter().chain(if plan.kind == CorrelationKind::FirstSeen { &plan.counted[..] } else { &[] });
    let mut matched: Vec<MatchedField> =
        labels.zip(&group).map(|(field, value)| MatchedField { field: field.clone(), value: value.clone() }).collect();
    matched.push(MatchedField { field: measure(plan), value: value(plan, episode) });
    matched.push(MatchedField { field: "timespan".to_owned(), value: span(plan.timespan) });
    let summary: Vec<String> = matched.iter().map(|m| format!("{}={}", m.field, m.value)).collect();
    Alert {
        id: episode.id,
        agency,
        rule: plan.reference.clone(),
        first_seen: episode.start,
        last_seen: episode.last,
        raised: episode.raised,
        count: episode.count,
        entities: about,
        group,
        matched,
        events: episode.sample.iter().map(|[high, low]| Uuid::from_u64_pair(*high, *low)).collect(),
        summary: summary.join(" "),
        status: AlertStatus::New,
        assignee: None,
        drill: episode.drill,
        suppressed: None,
        version: 1,
    }
}

fn measure(plan: &Compiled) -> String {
    let kind = plan.kind.as_str();
    if plan.counted.is_empty() { kind.to_owned() } else { format!("{kind}({})", plan.counted.join(", ")) }
}

fn value(plan: &Compiled, episode: &Episode) -> String {
    let number = (episode.peak * 1000.0).round() / 1000.0;
    match plan.kind {
        CorrelationKind::Absence => time::to_rfc3339(episode.opened),
        _ if episode.estimate => format!("≈ {number} ± {} %", f64::from(distinct::ERROR) / 10.0),
        CorrelationKind::EventCount if episode.count as f64 > number => episode.count.to_string(),
        _ => number.to_string(),
    }
}

/// `90s`, `5m`, `1h`, `7d`.
fn span(nanos: i64) -> String {
    let seconds = nanos / time::SECOND;
    let (n, unit) = [(86_400, "d"), (3_600, "h"), (60, "m")].into_iter().find(|(n, _)| seconds % n == 0).unwrap_or((1, "s"));
    format!("{}{unit}", seconds / n)
}
