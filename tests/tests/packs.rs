//! Every shipped rule fires on its firing sample and stays quiet on its quiet one: raw records, through the real formats.

use std::{fs, path::Path};

use fansipan_collector::{Normalizer, Received, SourceState, Transport, records::Records};
use fansipan_model::Event;
use fansipan_rules::{Rule, RuleSet, Scratch, Severity, Taxonomy};

/// 2026-11-23T10:00:00+07:00
const ARRIVAL: i64 = 1_795_402_800_000_000_000;

fn events(path: &Path, normalizer: &Normalizer) -> Vec<Event> {
    let text = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Records::new(&text[..])
        .map(|record| {
            let record = record.expect("memory");
            let peer = Some("192.0.2.1:514".parse().expect("address"));
            let received = Received { raw: &record.bytes, peer, transport: Transport::Udp, tls_identity: None, at: ARRIVAL, path: None };
            normalizer.normalize(&mut SourceState::default(), &received)
        })
        .collect()
}

#[test]
fn every_shipped_rule_fires_and_stays_quiet() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
    let normalizer = Normalizer::load_builtin().expect("built-in formats");
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
        assert!(parsed.iter().all(|r| r.meta.tags.iter().any(|t| t.starts_with("attack.t"))), "{file}: no ATT&CK technique");
        rules.extend(parsed);
    }
    assert!(rules.len() >= 40, "{} rules", rules.len());
    let (set, found) = RuleSet::compile(rules, &taxonomy);
    assert!(found.iter().all(|d| d.severity < Severity::Warning), "{found:#?}");
    let mut scratch = Scratch::default();
    let mut wrong = Vec::new();
    for compiled in set.rules() {
        let index = set.find(&compiled.reference.id).expect("its own id");
        for (ending, must_fire) in [("firing.log", true), ("quiet.log", false)] {
            let path = root.join(&compiled.rule.file).with_extension(ending);
            let sample = events(&path, &normalizer);
            assert!(!sample.is_empty(), "{} is empty", path.display());
            for event in &sample {
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
