//! The engines side by side: each loads the same rules and judges the same events, prepared beforehand in its own best form.

use anyhow::{Context as _, Result, bail};
use fansipan_model::json;
use fansipan_rules::{LogSource, Rule, RuleSet, Scratch, Taxonomy, ast::Body};
use rsigma_eval::event::JsonEvent;

use super::{sets::Set, tau};

/// Names, in the order of the table.
pub(super) const NAMES: [&str; 6] = ["fansipan", "rsigma plain", "rsigma routed", "rsigma routed+bloom", "tau-engine", "sigma-rust"];

/// A loaded engine.
pub(super) enum Engine {
    /// Ours.
    Fansipan(Box<RuleSet>, Box<Scratch>),
    /// rsigma-eval, with or without the log source of each event.
    Rsigma(Box<rsigma_eval::Engine>, bool),
    /// tau-engine: the rule in the place of ours it stands for, where it could be translated.
    Tau(Vec<Option<tau_engine::Rule>>),
    /// sigma-rust, likewise.
    SigmaRust(Vec<Option<sigma_rust::Rule>>),
}

/// Events in the engine's own form.
pub(super) enum Prepared<'s> {
    /// The product's events.
    Events(&'s Set),
    /// JSON values with the log source of each.
    Json(&'s Set, Vec<rsigma_parser::LogSource>),
    /// sigma-rust's own.
    SigmaRust(&'s Set, Vec<sigma_rust::Event>),
}

impl Engine {
    /// Loads an engine; with how many rules it took.
    pub(super) fn load(name: &str, texts: &[(String, String)]) -> Result<(Engine, usize)> {
        let ours = || -> Vec<Rule> { texts.iter().flat_map(|(file, text)| fansipan_rules::parse(text, file).0).collect() };
        match name {
            "fansipan" => {
                let set = RuleSet::compile(ours(), &Taxonomy::builtin()?).0;
                let rules = set.len();
                Ok((Engine::Fansipan(Box::new(set), Box::default()), rules))
            }
            "rsigma plain" | "rsigma routed" | "rsigma routed+bloom" => {
                let mut engine = rsigma_eval::Engine::new();
                engine.set_bloom_prefilter(name.ends_with("bloom"));
                let mut rules = Vec::new();
                for (file, text) in texts {
                    rules.extend(rsigma_parser::parse_sigma_yaml(text).with_context(|| file.clone())?.rules);
                }
                let refused = engine.add_rules(&rules).len();
                Ok((Engine::Rsigma(Box::new(engine), name != "rsigma plain"), rules.len() - refused))
            }
            "tau-engine" => {
                let rules: Vec<Option<tau_engine::Rule>> = ours()
                    .iter()
                    .map(|rule| {
                        let Body::Detection(detection) = &rule.body else { return None };
                        let text = tau::rule(detection)?;
                        let loaded = std::panic::catch_unwind(|| tau_engine::Rule::from_str(&text).ok());
                        Some(loaded.ok()??.optimise(tau_engine::Optimisations::default()))
                    })
                    .collect();
                let loaded = rules.iter().flatten().count();
                Ok((Engine::Tau(rules), loaded))
            }
            "sigma-rust" => {
                let rules: Vec<Option<sigma_rust::Rule>> = ours().iter().map(|rule| sigma_rust::rule_from_yaml(&rule.text).ok()).collect();
                let loaded = rules.iter().flatten().count();
                Ok((Engine::SigmaRust(rules), loaded))
            }
            other => bail!("there is no engine {other}"),
        }
    }

    /// Puts a set into the engine's own form.
    pub(super) fn prepare<'s>(&self, set: &'s Set) -> Result<Prepared<'s>> {
        Ok(match self {
            Engine::Fansipan(..) => Prepared::Events(set),
            Engine::Rsigma(..) | Engine::Tau(_) => Prepared::Json(set, set.sources.iter().map(theirs).collect()),
            Engine::SigmaRust(_) => {
                let events = set.sigma_json.iter().map(|t| sigma_rust::event_from_json(t)).collect::<Result<_, _>>()?;
                Prepared::SigmaRust(set, events)
            }
        })
    }

    /// Judges the first `limit` events; calls `each` with event and rule of every match.
    pub(super) fn judge(&mut self, events: &Prepared<'_>, limit: usize, mut each: impl FnMut(usize, &str)) {
        match (self, events) {
            (Engine::Fansipan(set, scratch), Prepared::Events(events)) => {
                let mut out = Vec::new();
                for (i, event) in events.events.iter().enumerate().take(limit) {
                    out.clear();
                    set.evaluate(event, scratch, &mut out);
                    out.iter().for_each(|&index| each(i, &set.rule(index).reference.id));
                }
            }
            (Engine::Rsigma(engine, routed), Prepared::Json(set, sources)) => {
                for (i, (event, source)) in set.sigma.iter().zip(sources).enumerate().take(limit) {
                    let event = JsonEvent::borrow(event);
                    let found = if *routed { engine.evaluate_pruned(&event, source) } else { engine.evaluate(&event) };
                    found.iter().for_each(|m| each(i, m.header.rule_id.as_deref().unwrap_or_default()));
                }
            }
            (Engine::Tau(rules), Prepared::Json(set, _)) => {
                for (i, (event, bucket)) in set.sigma.iter().zip(&set.buckets).enumerate().take(limit) {
                    let Some(event) = event.as_object() else { continue };
                    for rule in bucket.iter().filter_map(|&r| rules.get(r as usize).and_then(Option::as_ref)) {
                        if rule.matches(event) {
                            each(i, "");
                        }
                    }
                }
            }
            (Engine::SigmaRust(rules), Prepared::SigmaRust(set, list)) => {
                for (i, (event, bucket)) in list.iter().zip(&set.buckets).enumerate().take(limit) {
                    for rule in bucket.iter().filter_map(|&r| rules.get(r as usize).and_then(Option::as_ref)) {
                        if sigma_rust::check_rule(rule, event) {
                            each(i, rule.id.as_deref().unwrap_or_default());
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// From bytes of JSON to the verdict; the number of matches.
    pub(super) fn judge_bytes(&mut self, set: &Set, sources: &[rsigma_parser::LogSource], limit: usize) -> usize {
        let mut matches = 0;
        match self {
            Engine::Fansipan(rules, scratch) => {
                let mut out = Vec::new();
                for event in set.flat_json.iter().take(limit).filter_map(|text| json::read(text).ok()) {
                    out.clear();
                    rules.evaluate(&event, scratch, &mut out);
                    matches += out.len();
                }
            }
            Engine::Rsigma(engine, routed) => {
                for (text, source) in set.sigma_json.iter().zip(sources).take(limit) {
                    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { continue };
                    let event = JsonEvent::borrow(&value);
                    matches += if *routed { engine.evaluate_pruned(&event, source).len() } else { engine.evaluate(&event).len() };
                }
            }
            Engine::Tau(rules) => {
                for (text, bucket) in set.sigma_json.iter().zip(&set.buckets).take(limit) {
                    let Ok(serde_json::Value::Object(event)) = serde_json::from_str(text) else { continue };
                    let candidates = bucket.iter().filter_map(|&r| rules.get(r as usize).and_then(Option::as_ref));
                    matches += candidates.filter(|rule| rule.matches(&event)).count();
                }
            }
            Engine::SigmaRust(rules) => {
                for (text, bucket) in set.sigma_json.iter().zip(&set.buckets).take(limit) {
                    let Ok(event) = sigma_rust::event_from_json(text) else { continue };
                    let candidates = bucket.iter().filter_map(|&r| rules.get(r as usize).and_then(Option::as_ref));
                    matches += candidates.filter(|rule| sigma_rust::check_rule(rule, &event)).count();
                }
            }
        }
        matches
    }
}

/// The log source in the peer's own type.
pub(super) fn theirs(source: &LogSource) -> rsigma_parser::LogSource {
    rsigma_parser::LogSource {
        product: source.product.clone(),
        category: source.category.clone(),
        service: source.service.clone(),
        ..rsigma_parser::LogSource::default()
    }
}
