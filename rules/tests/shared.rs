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
    assert_eq!((found, missed), (70, Vec::new()));
}

#[test]
fn rules_find_nothing_in_samples_of_other_log_sources() {
    let Some(data) = testkit::data() else { return };
    let set = testkit::shared_set(&data);
    let mut paths = Vec::new();
    testkit::files(&data.join("sigma/regression_data"), "json", &mut paths);
    let rules: Vec<_> = paths.iter().filter_map(|p| set.find(p.file_stem()?.to_str()?)).collect();
    assert_eq!(rules.len(), paths.len(), "every sample is named after its rule");
    let (mut scratch, mut hits, mut wrong, mut pairs) = (Scratch::default(), Vec::new(), Vec::new(), 0);
    for (path, own) in paths.iter().zip(&rules) {
        let source = &set.rule(*own).rule.meta.logsource;
        for event in testkit::windows_events(path) {
            hits.clear();
            set.evaluate(&event, &mut scratch, &mut hits);
            for other in rules.iter().filter(|r| set.rule(**r).rule.meta.logsource != *source) {
                pairs += 1;
                if hits.contains(other) {
                    wrong.push(format!("{} in {}", set.rule(*other).rule.file, path.display()));
                }
            }
        }
    }
    println!("{pairs} pairs of a rule and an event of another log source");
    assert_eq!(wrong, Vec::<String>::new());
}

/// Threads, their order and what they have seen before change nothing.
#[test]
fn the_same_events_give_the_same_matches_in_any_order_and_thread() {
    let Some(data) = testkit::data() else { return };
    let set = testkit::shared_set(&data);
    let events: Vec<_> = testkit::recordings(&data).iter().map(|text| testkit::windows_event(text)).collect();
    let run = &|shuffle: u64| {
        let mut order: Vec<usize> = (0..events.len()).collect();
        if shuffle > 0 {
            order.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(shuffle.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        }
        let (mut scratch, mut found) = (Scratch::default(), vec![Vec::new(); events.len()]);
        for i in order {
            set.evaluate(&events[i], &mut scratch, &mut found[i]);
        }
        let fields = |(i, hits): (usize, &Vec<_>)| -> Vec<String> {
            hits.iter().map(|&hit| format!("{i} {} {:?}", set.rule(hit).reference.id, set.matched_fields(hit, &events[i]))).collect()
        };
        found.iter().enumerate().flat_map(fields).collect::<Vec<String>>().join("\n")
    };
    let once = run(0);
    assert!(once.lines().count() > 500, "{once}");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|shuffle| scope.spawn(move || run(shuffle))).collect();
        for thread in threads {
            assert!(thread.join().expect("a thread") == once, "another order gave other matches");
        }
    });
}
