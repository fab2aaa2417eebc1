//! The network detectors as data: `cases/*.toml` say which events go in and which alerts come out. Each case is run whole, cut and
//! continued from saved state, settled after every event, and over several keepers: the alerts are always the same.

mod bounds;
mod kit;

use std::collections::BTreeMap;

use fansipan_model::Alert;

use kit::{Case, cases, run};

fn wrong(case: &Case, alerts: &BTreeMap<String, Alert>) -> Vec<String> {
    let names: BTreeMap<String, String> = case.parameters().findings().map(|(name, rule)| (rule.id, name.to_owned())).collect();
    let mut told: Vec<(String, String)> = alerts
        .values()
        .map(|a| (names[&a.rule.id].clone(), format!("{} [{}] count={} {}", a.rule.title, a.group.join(" "), a.count, a.summary)))
        .collect();
    let mut wrong = Vec::new();
    for wanted in &case.expect {
        let fits = |(name, text): &(String, String)| *name == wanted.alert && wanted.says.iter().all(|part| text.contains(part));
        match told.iter().position(fits) {
            Some(place) => drop(told.remove(place)),
            None => wrong.push(format!("{}: no alert {} that says {:?}", case.name, wanted.alert, wanted.says)),
        }
    }
    wrong.extend(told.iter().map(|(name, text)| format!("{}: unexpected {name}: {text}", case.name)));
    wrong
}

#[test]
fn every_case_gives_its_alerts_and_no_other() {
    let wrong: Vec<String> = cases().iter().flat_map(|case| wrong(case, &run::whole(case))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_finding_has_a_case_that_fires() {
    let cases = cases();
    let tested: Vec<&str> = cases.iter().flat_map(|c| c.expect.iter().map(|e| e.alert.as_str())).collect();
    let parameters = cases[0].parameters();
    let missing: Vec<&str> = parameters.findings().map(|(name, _)| name).filter(|name| !tested.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_finding_is_told_in_both_languages_and_has_a_technique() {
    for (name, rule) in cases()[0].parameters().findings() {
        assert!(rule.tags.iter().any(|t| t.starts_with("attack.t1")), "{name} names no technique");
        for text in [Some(&rule.title), rule.title_vi.as_ref(), rule.advice.as_ref(), rule.advice_vi.as_ref()] {
            assert!(text.is_some_and(|t| !t.is_empty()), "{name} lacks a text");
        }
    }
}

#[test]
fn a_restart_anywhere_changes_nothing() {
    for case in cases() {
        let whole = run::whole(&case);
        for parts in [2, 5] {
            assert_eq!(run::restarted(&case, parts), whole, "{}: {parts} parts", case.name);
        }
    }
}

#[test]
fn how_events_are_cut_into_batches_changes_nothing() {
    for case in cases() {
        assert_eq!(run::batched(&case, 1), run::whole(&case), "{}", case.name);
    }
}

#[test]
fn several_keepers_say_what_one_analyzer_says() {
    for case in cases() {
        assert_eq!(run::apart(&case, 3), run::whole(&case), "{}", case.name);
    }
}

#[test]
fn parameters_of_ones_own_are_taken_and_wrong_ones_named() {
    let own: toml::Table = toml::from_str("[scan]\nports = 3\n").expect("a table");
    assert!(fansipan_analyzer::Parameters::with(&own).is_ok());
    let own: toml::Table = toml::from_str("[scan]\nprots = 3\n").expect("a table");
    let error = fansipan_analyzer::Parameters::with(&own).expect_err("unknown").to_string();
    assert!(error.contains("FSP-DET-001") && error.contains("prots"), "{error}");
}
