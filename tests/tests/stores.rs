//! Sigma rules as history: a hunt over ClickHouse, a hunt over Tantivy and live detection name the same events, rule by rule.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::Result;
use fansipan_collector::{Normalizer, Received, SourceState, Transport, records::Records};
use fansipan_model::{Event, Scope};
use fansipan_rules::{CompiledRule, Rule, RuleSet, Scratch, Severity, Taxonomy};
use fansipan_storage::{
    EventStore, EventWriter, TimeRange,
    clickhouse::{ClickHouseConfig, ClickHouseStore},
    engine::{EngineConfig, TantivyStore},
};
use fansipan_tests::clickhouse::ClickHouse;
use uuid::Uuid;

/// Rules that are hunted with.
const RULES: usize = 200;
/// 2026-11-23T10:00:00+07:00
const ARRIVAL: i64 = 1_795_402_800_000_000_000;

fn below(root: &Path, endings: &[&str], out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(root).into_iter().flatten().filter_map(|e| e.ok().map(|e| e.path())).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            below(&path, endings, out);
        } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e)) {
            out.push(path);
        }
    }
}

/// Every record of the files as an event with an id of its own.
fn events(files: &[PathBuf]) -> Result<Vec<Event>> {
    let normalizer = Normalizer::load_builtin()?;
    let mut out = Vec::new();
    for file in files {
        let text = fs::read(file)?;
        for record in Records::new(&text[..]) {
            let record = record?;
            let received =
                Received { raw: &record.bytes, peer: None, transport: Transport::Tcp, tls_identity: None, at: ARRIVAL, path: None };
            let mut event = normalizer.normalize(&mut SourceState::default(), &received);
            event.set_id(Uuid::from_u64_pair(0x019a_b000_0000_7000, 0x8000_0000_0000_0000 | out.len() as u64));
            out.push(event);
        }
    }
    Ok(out)
}

/// Rules that find something in the events first, then others, up to [`RULES`].
fn chosen(data: &Path, events: &[Event]) -> Result<RuleSet> {
    let taxonomy = Taxonomy::builtin()?;
    let mut files = Vec::new();
    below(&data.join("sigma/rules"), &["yml"], &mut files);
    below(&data.join("sigma/rules-emerging-threats"), &["yml"], &mut files);
    let mut rules: Vec<Rule> = Vec::new();
    for file in files {
        let (parsed, found) = fansipan_rules::parse(&fs::read_to_string(&file)?, &file.display().to_string());
        if found.iter().all(|d| d.severity < Severity::Error) {
            rules.extend(parsed);
        }
    }
    let (all, _) = RuleSet::compile(rules, &taxonomy);
    let (mut scratch, mut matches, mut fired) = (Scratch::default(), Vec::new(), BTreeSet::new());
    for event in events {
        matches.clear();
        all.evaluate(event, &mut scratch, &mut matches);
        fired.extend(matches.iter().copied());
    }
    let mut rules: Vec<Rule> = fired.iter().take(RULES).map(|i| all.rule(*i).rule.clone()).collect();
    let step = (all.len() / RULES).max(1);
    let others = all.rules().iter().step_by(step).filter(|r| !rules.iter().any(|f| f.meta.id == r.rule.meta.id));
    let others: Vec<Rule> = others.map(|r| r.rule.clone()).take(RULES.saturating_sub(rules.len())).collect();
    rules.extend(others);
    Ok(RuleSet::compile(rules, &taxonomy).0)
}

fn hunted(store: &dyn EventStore, rule: &CompiledRule) -> Result<BTreeSet<Uuid>> {
    let mut found = BTreeSet::new();
    store.scan(&Scope::All, &rule.predicate(), TimeRange::ALL, &mut |event| {
        found.insert(event.id());
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn store_all(writer: &mut dyn EventWriter, events: &[Event]) -> Result<()> {
    for (offset, event) in (0u64..).zip(events) {
        writer.add(offset, event)?;
    }
    Ok(writer.commit()?)
}

#[test]
fn hunts_over_both_stores_say_what_live_detection_says() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = std::env::var_os("FANSIPAN_TEST_DATA").map_or_else(|| root.join("../../shared/data"), PathBuf::from);
    if !data.join("sigma/rules").is_dir() {
        println!("skipped: no SigmaHQ rules below {}", data.display());
        return Ok(());
    }
    let Some(server) = ClickHouse::start() else { return Ok(()) };
    let mut files = Vec::new();
    below(&data.join("sigma/regression_data"), &["json"], &mut files);
    below(&root.join("../rules/packs"), &["log"], &mut files);
    let events = events(&files)?;
    let set = chosen(&data, &events)?;
    assert_eq!(set.len(), RULES);

    let folder = tempfile::tempdir()?;
    let tantivy = TantivyStore::open(EngineConfig::new(folder.path()))?;
    store_all(&mut tantivy.writer()?, &events)?;
    let database = format!("fansipan_hunt_{}", std::process::id());
    let clickhouse = ClickHouseStore::open(ClickHouseConfig { database, ..ClickHouseConfig::new(server.url()) })?;
    store_all(&mut clickhouse.writer("fansipan.events.v1", 0)?, &events)?;

    let mut live: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
    let (mut scratch, mut matches) = (Scratch::default(), Vec::new());
    for event in &events {
        matches.clear();
        set.evaluate(event, &mut scratch, &mut matches);
        for rule in &matches {
            live.entry(set.rule(*rule).reference.id.clone()).or_default().insert(event.id());
        }
    }
    for rule in set.rules() {
        let id = &rule.reference.id;
        let want = live.get(id).cloned().unwrap_or_default();
        assert_eq!(hunted(&tantivy, rule)?, want, "Tantivy: {id} {}", rule.reference.title);
        assert_eq!(hunted(&clickhouse, rule)?, want, "ClickHouse: {id} {}", rule.reference.title);
    }
    let detections: usize = live.values().map(BTreeSet::len).sum();
    assert!(live.len() >= 30 && detections >= 100, "{} of {RULES} rules found {detections} in {} events", live.len(), events.len());
    clickhouse.remove()?;
    Ok(())
}
