//! The rules and recordings others have published: all load, and the samples are found by their own rules.

mod testkit;

use fansipan_rules::{RuleSet, Scratch, Severity, Taxonomy};

#[test]
fn every_shared_rule_loads() {
    let Some(data) = testkit::data() else { return };
    let (rules, mut found) = testkit::shared_rules(&data);
    let count = rules.len();
    let (set, more) = RuleSet::compile(rules, &Taxonomy::builtin().expect("the shipped taxonomy"));
    found.extend(more);
    let errors: Vec<String> = found.iter().filter(|d| d.severity == Severity::Error).map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!((count, set.len()), (3754, 3754));
    for finding in found.iter().filter(|d| d.severity == Severity::Warning) {
        println!("{finding}");
    }
}

#[test]
fn regression_samples_are_found_by_their_own_rules() {
    let Some(data) = testkit::data() else { return };
    let set = testkit::shared_set(&data);
    let (mut found, mut missed, mut paths) = (0, Vec::new(), Vec::new());
    testkit::files(&data.join("sigma/regression_data"), "json", &mut paths);
    let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
    for path in &paths {
        let id = path.file_stem().and_then(|s| s.to_str()).expect("a rule id");
        let hit = testkit::windows_events(path).iter().any(|event| {
            hits.clear();
            set.evaluate(event, &mut scratch, &mut hits);
            hits.iter().any(|&i| set.rule(i).rule.meta.id == id)
        });
        if hit {
            found += 1;
        } else {
            missed.push(path.display().to_string());
        }
    }
    println!("{found} of {} found; missed: {missed:#?}", paths.len());
    assert!(found >= 68, "missed: {missed:#?}");
}
