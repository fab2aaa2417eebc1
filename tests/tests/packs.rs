//! Every shipped rule fires on its firing sample and stays quiet on its quiet one: raw records, through the real formats.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use fansipan_analyzer::{Analyzer, GroupingConfig, Settings, Signal};
use fansipan_collector::{Normalizer, Received, SourceState, Transport, records::Records};
use fansipan_model::{Event, attack};
use fansipan_rules::{Linked, LinkedCorrelation, Rule, RuleIndex, RuleSet, Scratch, Severity, Taxonomy};

/// 2026-11-23T10:00:00+07:00
const ARRIVAL: i64 = 1_795_402_800_000_000_000;

fn events(path: &Path, normalizer: &Normalizer) -> Vec<Event> {
    let text = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    // what the sensor says is an event already; from a sender it would be somebody else's word
    if text.windows(20).any(|w| w == b"\"event.module\":\"tap\"") {
        let text = String::from_utf8(text).expect("UTF-8");
        return text.lines().map(|line| sensed(line, path)).collect();
    }
    Records::new(&text[..])
        .map(|record| {
            let record = record.expect("memory");
            let peer = Some("192.0.2.1:514".parse().expect("address"));
            let read = |at| {
                let received = Received { raw: &record.bytes, peer, transport: Transport::Udp, tls_identity: None, at, path: None };
                normalizer.normalize(&mut SourceState::default(), &received)
            };
            // a record arrives when it says that it was written
            let at = read(ARRIVAL).timestamp();
            read(at)
        })
        .collect()
}

fn sensed(line: &str, path: &Path) -> Event {
    let mut event = fansipan_model::json::read(line).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    event.set_ingested(event.timestamp());
    event
}

fn samples(rule: &Rule, ending: &str, normalizer: &Normalizer) -> Vec<Event> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules").join(&rule.file).with_extension(ending);
    let sample = events(&path, normalizer);
    assert!(!sample.is_empty(), "{} is empty", path.display());
    sample
}

fn shipped() -> RuleSet {
    let taxonomy = Taxonomy::builtin().expect("built-in log sources");
    let mut rules: Vec<Rule> = Vec::new();
    for (file, text) in fansipan_rules::packs::SHIPPED {
        let (parsed, found) = fansipan_rules::parse(text, file);
        let bad: Vec<_> = found.iter().filter(|d| d.severity >= Severity::Warning).collect();
        assert!(bad.is_empty(), "{file}: {bad:#?}");
        assert!(
            parsed.iter().all(|r| r.meta.title_vi.is_some() && r.meta.advice.is_some() && r.meta.advice_vi.is_some()),
            "{file}: two languages"
        );
        for rule in &parsed {
            let tags = || rule.meta.tags.iter().map(String::as_str);
            let techniques: Vec<String> = tags().filter_map(|t| t.strip_prefix("attack.t")).map(|id| format!("T{id}")).collect();
            assert!(!techniques.is_empty() && !attack::tactics(tags()).is_empty(), "{file}: no ATT&CK technique or no tactic");
            let nameless: Vec<_> = techniques.iter().filter(|id| attack::technique(id).is_none()).collect();
            assert!(nameless.is_empty(), "{file}: {nameless:?} are not in model/data/techniques.txt");
        }
        rules.extend(parsed);
    }
    let (set, found) = RuleSet::compile(rules, &taxonomy);
    assert!(found.iter().all(|d| d.severity < Severity::Warning), "{found:#?}");
    set
}

/// Every rule at the bottom of a correlation.
fn leaves(set: &RuleSet, correlation: &LinkedCorrelation, out: &mut BTreeSet<RuleIndex>) {
    for about in &correlation.about {
        match about {
            Linked::Rule(index) => {
                out.insert(*index);
            }
            Linked::Correlation(below) => leaves(set, &set.correlations()[*below], out),
        }
    }
}

#[test]
fn there_are_as_many_rules_as_promised() {
    let set = shipped();
    let alone = set.rules().iter().filter(|r| !r.rule.file.starts_with("packs/base/")).count();
    assert!(alone >= 100, "{alone} rules over single events");
    assert!(set.correlations().len() >= 40, "{} correlations", set.correlations().len());
}

#[test]
fn every_shipped_rule_fires_and_stays_quiet() {
    let normalizer = Normalizer::load_builtin().expect("built-in formats");
    let set = shipped();
    let mut scratch = Scratch::default();
    let mut wrong = Vec::new();
    for compiled in set.rules() {
        let index = set.find(&compiled.reference.id).expect("its own id");
        for (ending, must_fire) in [("firing.log", true), ("quiet.log", false)] {
            for event in &samples(&compiled.rule, ending, &normalizer) {
                let mut matches = Vec::new();
                set.evaluate(event, &mut scratch, &mut matches);
                if matches.contains(&index) != must_fire {
                    let verb = if must_fire { "stays quiet" } else { "fires" };
                    wrong.push(format!("{} {verb} on {}: {}", compiled.rule.file, ending, fansipan_model::json::to_string(event)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the samples:\n{}", wrong.len(), wrong.join("\n"));
}

/// What only serves correlations is far too frequent to be told by itself.
#[test]
fn what_serves_correlations_is_silent_alone() {
    for compiled in shipped().rules().iter().filter(|r| r.rule.file.starts_with("packs/base/")) {
        assert!(compiled.correlated, "{} would raise alerts of its own", compiled.rule.file);
    }
}

#[test]
fn the_firing_samples_of_correlations_hold_every_rule_they_are_about() {
    let normalizer = Normalizer::load_builtin().expect("built-in formats");
    let set = shipped();
    let mut scratch = Scratch::default();
    for correlation in set.correlations() {
        let mut seen: BTreeMap<RuleIndex, usize> = BTreeMap::new();
        for event in samples(&correlation.rule, "firing.log", &normalizer) {
            let mut matches = Vec::new();
            set.evaluate(&event, &mut scratch, &mut matches);
            matches.into_iter().for_each(|i| *seen.entry(i).or_default() += 1);
        }
        let mut wanted = BTreeSet::new();
        leaves(&set, correlation, &mut wanted);
        let counted = correlation.correlation().is_some_and(|c| !c.kind.is_temporal());
        let missing: Vec<_> = wanted.iter().filter(|i| !seen.contains_key(i)).map(|i| &set.rule(*i).rule.file).collect();
        // a count over several rules is satisfied by any of them
        let enough = missing.is_empty() || counted && missing.len() < wanted.len() || chained_count(&set, correlation);
        assert!(enough, "{}: no record for {missing:?}", correlation.rule.file);
        let quiet = samples(&correlation.rule, "quiet.log", &normalizer);
        let touched = quiet.iter().any(|event| wanted.iter().any(|i| set.rule(*i).matches(event)));
        assert!(touched, "{}: the quiet sample is no near miss", correlation.rule.file);
    }
}

#[test]
fn every_shipped_correlation_fires_and_stays_quiet() {
    let normalizer = Normalizer::load_builtin().expect("built-in formats");
    let set = Arc::new(shipped());
    let mut wrong = Vec::new();
    for correlation in set.correlations() {
        for (ending, must_fire) in [("firing.log", true), ("quiet.log", false)] {
            let mut analyzer = Analyzer::new(&set, GroupingConfig::default(), Settings::default());
            let mut signals = Vec::new();
            for (number, mut event) in (1..).zip(samples(&correlation.rule, ending, &normalizer)) {
                event.set_id(uuid::Uuid::from_u128(number));
                analyzer.step(&event, &mut signals);
            }
            analyzer.settle(&mut signals);
            let told: BTreeSet<&str> = signals
                .iter()
                .filter_map(|s| if let Signal::Open(alert) | Signal::Put(alert) = s { Some(alert.rule.id.as_str()) } else { None })
                .collect();
            if told.contains(correlation.rule.meta.id.as_str()) != must_fire {
                let verb = if must_fire { "stays quiet" } else { "fires" };
                wrong.push(format!("{} {verb} on {ending}", correlation.rule.file));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether it stands on a count over several rules, not all of which a sample needs.
fn chained_count(set: &RuleSet, correlation: &LinkedCorrelation) -> bool {
    correlation.about.iter().any(|a| match a {
        Linked::Correlation(below) => set.correlations()[*below].about.len() > 1,
        Linked::Rule(_) => false,
    })
}
