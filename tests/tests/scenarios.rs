//! Attacks of several stages: every record is understood at its time, and every stage has the records its rules are about.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use fansipan_analyzer::{Analyzer, GroupingConfig, Settings, Signal};
use fansipan_collector::{Normalizer, Received, SourceState, Transport, records::Records};
use fansipan_model::{Alert, Event, Level};
use fansipan_rules::{Linked, RuleIndex, RuleSet, Scratch, Taxonomy};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    title: String,
    title_vi: String,
    story: String,
    start: String,
    incident: Incident,
    stage: Vec<Stage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incident {
    count: usize,
    group: String,
    detected_within: i64,
    entity: Vec<Entity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entity {
    kind: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    tactic: String,
    rules: Vec<String>,
}

const SECOND: i64 = 1_000_000_000;

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut found: Vec<PathBuf> = fs::read_dir(root).expect("scenarios").map(|e| e.expect("entry").path()).filter(|p| p.is_dir()).collect();
    found.sort();
    found
}

fn scenario(folder: &Path) -> Scenario {
    let text = fs::read_to_string(folder.join("scenario.toml")).expect("scenario.toml");
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
}

/// The events in order with their times of arrival. Lines of one moment and peer are framed together.
fn events(folder: &Path, scenario: &Scenario, normalizer: &Normalizer) -> Vec<Event> {
    let start = scenario.start.parse::<jiff::Timestamp>().expect("start").as_nanosecond() as i64;
    let text = fs::read_to_string(folder.join("events.log")).expect("events.log");
    let lines: Vec<(i64, &str, &str)> = text
        .lines()
        .map(|line| {
            let mut parts = line.splitn(3, '\t');
            let (at, peer, record) = (parts.next(), parts.next(), parts.next());
            let at = at.and_then(|a| a.strip_prefix('+')).and_then(|a| a.parse::<i64>().ok());
            (at.expect("+SECONDS"), peer.expect("PEER"), record.expect("RECORD"))
        })
        .collect();
    let mut sources: BTreeMap<&str, SourceState> = BTreeMap::new();
    let mut out = Vec::new();
    for part in lines.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (seconds, peer, _) = part[0];
        let joined = part.iter().map(|l| l.2).collect::<Vec<_>>().join("\n");
        let address = format!("{peer}:514").parse().expect("address");
        for record in Records::new(joined.as_bytes()) {
            let record = record.expect("memory");
            let at = start + seconds * SECOND;
            let received =
                Received { raw: &record.bytes, peer: Some(address), transport: Transport::Udp, tls_identity: None, at, path: None };
            let event = normalizer.normalize(sources.entry(peer).or_default(), &received);
            let json = fansipan_model::json::to_string(&event);
            assert!(!json.contains("pipeline_error"), "{}: {json}", folder.display());
            assert!((event.timestamp() - at).abs() <= SECOND, "{}: +{seconds} has another time: {json}", folder.display());
            out.push(event);
        }
    }
    out
}

/// The rules over single events that a rule or correlation of this name stands on.
fn leaves(set: &RuleSet, name: &str) -> BTreeSet<RuleIndex> {
    let rule = set.rules().iter().find(|r| r.rule.meta.name.as_deref() == Some(name));
    if let Some(rule) = rule {
        return set.find(&rule.reference.id).into_iter().collect();
    }
    let correlation = set.correlations().iter().find(|c| c.rule.meta.name.as_deref() == Some(name));
    let correlation = correlation.unwrap_or_else(|| panic!("no rule is called {name}"));
    let below = |about: &Linked| match about {
        Linked::Rule(index) => BTreeSet::from([*index]),
        Linked::Correlation(i) => leaves(set, set.correlations()[*i].rule.meta.name.as_deref().unwrap_or_default()),
    };
    correlation.about.iter().flat_map(below).collect()
}

#[test]
fn every_stage_has_its_records() {
    let normalizer = Normalizer::load_builtin().expect("built-in formats");
    let set = rules();
    let all = folders();
    assert!(all.len() >= 5, "{} scenarios", all.len());
    for folder in all {
        let told = scenario(&folder);
        assert!(!told.title.is_empty() && !told.title_vi.is_empty() && !told.story.is_empty(), "{}", folder.display());
        assert!(told.incident.count == 1 && told.incident.detected_within > 0 && !told.incident.group.is_empty());
        let mut scratch = Scratch::default();
        let mut matched: BTreeSet<RuleIndex> = BTreeSet::new();
        let mut values = String::new();
        for event in events(&folder, &told, &normalizer) {
            let mut matches = Vec::new();
            set.evaluate(&event, &mut scratch, &mut matches);
            if !matches.is_empty() {
                values.push_str(&fansipan_model::json::to_string(&event));
            }
            matched.extend(matches);
        }
        for stage in &told.stage {
            let tactics =
                set.rules().iter().flat_map(|r| &r.rule.meta.tags).chain(set.correlations().iter().flat_map(|c| &c.rule.meta.tags));
            let known = tactics.into_iter().any(|t| *t == format!("attack.{}", stage.tactic));
            assert!(known, "{}: no rule has the tactic {}", folder.display(), stage.tactic);
            for name in &stage.rules {
                let wanted = leaves(&set, name);
                assert!(wanted.iter().any(|i| matched.contains(i)), "{}: nothing for {name}", folder.display());
            }
        }
        for entity in &told.incident.entity {
            let value = entity.value.as_str();
            assert!(["host", "user", "address", "file"].contains(&entity.kind.as_str()), "{}", entity.kind);
            assert!(values.contains(&format!("\"{value}\"")), "{}: no event of a rule names {value}", folder.display());
        }
    }
}

fn rules() -> RuleSet {
    let taxonomy = Taxonomy::builtin().expect("built-in log sources");
    let rules = fansipan_rules::packs::SHIPPED.iter().flat_map(|(file, text)| fansipan_rules::parse(text, file).0).collect();
    RuleSet::compile(rules, &taxonomy).0
}

/// Every stage is told by the rules that should tell it, every entity is named, and the first alert comes in time.
#[test]
fn every_stage_is_told() {
    let normalizer = Normalizer::load_builtin().expect("built-in formats");
    let set = Arc::new(rules());
    let single = set.rules().iter().map(|r| &r.rule.meta);
    let names: BTreeMap<&str, &str> = single
        .chain(set.correlations().iter().map(|c| &c.rule.meta))
        .filter_map(|m| m.name.as_deref().map(|name| (m.id.as_str(), name)))
        .collect();
    for folder in folders() {
        let story = scenario(&folder);
        let mut analyzer = Analyzer::new(&set, GroupingConfig::default(), Settings::default());
        let mut signals = Vec::new();
        for (number, mut event) in (1..).zip(events(&folder, &story, &normalizer)) {
            event.set_id(uuid::Uuid::from_u128(number));
            analyzer.step(&event, &mut signals);
            analyzer.settle(&mut signals);
        }
        let told: Vec<&Alert> =
            signals.iter().filter_map(|s| if let Signal::Open(a) | Signal::Put(a) = s { Some(&**a) } else { None }).collect();
        let spoke: BTreeSet<&str> = told.iter().filter_map(|a| names.get(a.rule.id.as_str()).copied()).collect();
        for stage in &story.stage {
            let silent: Vec<_> = stage.rules.iter().filter(|r| !spoke.contains(r.as_str())).collect();
            assert!(silent.is_empty(), "{}: {} is not told by {silent:?}", folder.display(), stage.tactic);
        }
        let named: BTreeSet<&str> = told.iter().flat_map(|a| &a.entities).map(|e| e.value.as_str()).collect();
        for entity in &story.incident.entity {
            assert!(named.contains(entity.value.as_str()), "{}: no alert names {}", folder.display(), entity.value);
        }
        let start = story.start.parse::<jiff::Timestamp>().expect("start").as_nanosecond() as i64;
        let first = told.iter().filter(|a| a.rule.level >= Level::Medium).map(|a| a.raised).min().expect("an alert");
        let seconds = (first - start) / SECOND;
        println!("{}: first alert after {seconds} s", story.title);
        assert!(seconds <= story.incident.detected_within, "{}: first alert after {seconds} s", folder.display());
    }
}
