//! False alerts: the shipped rules over ordinary work, where every alert is one too many.

use std::{collections::BTreeMap, collections::HashMap, net::Ipv4Addr, net::SocketAddr, sync::Arc, time::Instant};

use anyhow::{Result, anyhow};
use fansipan_analyzer::{Analyzer, GroupingConfig, Settings, Signal};
use fansipan_collector::{Normalizer, Received, SourceState, Transport};
use fansipan_model::{Alert, Level};
use fansipan_rules::{RuleSet, Taxonomy};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::province::{DAYS, Province};

/// Events between two looks at what correlations have to say.
const BATCH: u128 = 1000;

/// What to look at.
pub struct Plan {
    /// Seed of the province.
    pub seed: u64,
    /// First day, 0 being Monday.
    pub first: u32,
    /// How many days.
    pub days: u32,
    /// Part of the traffic, `0.0..=1.0`.
    pub share: f64,
}

/// Runs the days one after the other through normalizer and analyzer; alerts by day, level and rule.
///
/// # Errors
/// When the built-in formats or log sources cannot be read.
pub fn measure(plan: &Plan) -> Result<Value> {
    let normalizer = Normalizer::load_builtin()?;
    let taxonomy = Taxonomy::builtin().map_err(|e| anyhow!("{e:?}"))?;
    let rules = fansipan_rules::packs::SHIPPED.iter().flat_map(|(file, text)| fansipan_rules::parse(text, file).0).collect();
    let (set, _) = RuleSet::compile(rules, &taxonomy);
    let (rules, correlations) = (set.len(), set.correlations().len());
    let mut analyzer = Analyzer::new(&Arc::new(set), GroupingConfig::default(), Settings::default());
    let mut sources: HashMap<Ipv4Addr, SourceState> = HashMap::new();
    let (province, started) = (Province::thinned(plan.seed, plan.share), Instant::now());
    let (mut lines, mut days, mut signals) = (0_u128, Vec::new(), Vec::new());
    for number in plan.first..(plan.first + plan.days).min(DAYS) {
        let mut alerts: BTreeMap<String, Alert> = BTreeMap::new();
        for line in province.day(number) {
            let peer = Some(SocketAddr::from((line.peer, 514)));
            let raw = line.text.as_bytes();
            let received = Received { raw, peer, transport: Transport::Udp, tls_identity: None, at: line.at, path: None };
            let mut event = normalizer.normalize(sources.entry(line.peer).or_default(), &received);
            lines += 1;
            event.set_id(Uuid::from_u128(lines));
            analyzer.step(&event, &mut signals);
            if lines.is_multiple_of(BATCH) {
                analyzer.settle(&mut signals);
            }
            keep(&mut signals, &mut alerts);
        }
        analyzer.settle(&mut signals);
        keep(&mut signals, &mut alerts);
        days.push(summary(number, &alerts));
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(json!({
        "seed": plan.seed, "share": plan.share, "rules": rules, "correlations": correlations,
        "lines": lines as u64, "seconds": (seconds * 10.0).round() / 10.0, "days": days,
    }))
}

fn keep(signals: &mut Vec<Signal>, alerts: &mut BTreeMap<String, Alert>) {
    for signal in signals.drain(..) {
        match signal {
            Signal::Open(alert) | Signal::Put(alert) => {
                alerts.insert(alert.id.to_string(), *alert);
            }
            Signal::Superseded { id, .. } => {
                alerts.remove(&id.to_string());
            }
            Signal::Repeat { .. } => {}
        }
    }
}

fn summary(number: u32, alerts: &BTreeMap<String, Alert>) -> Value {
    let mut levels: BTreeMap<String, u64> = BTreeMap::new();
    let mut rules: BTreeMap<String, u64> = BTreeMap::new();
    for alert in alerts.values() {
        *levels.entry(format!("{:?}", alert.rule.level).to_lowercase()).or_default() += 1;
        *rules.entry(format!("{:?}: {}", alert.rule.level, alert.rule.title)).or_default() += 1;
    }
    let serious = alerts.values().filter(|a| a.rule.level >= Level::Medium).count();
    json!({"day": number, "alerts": alerts.len(), "medium_or_above": serious, "by_level": levels, "by_rule": rules})
}
