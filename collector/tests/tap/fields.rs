//! Every field that the sensor writes is in the registry (`model/data/fields.txt`): stores know its type, and people find it in lists.

use std::{collections::BTreeSet, fs, path::Path};

use fansipan_model::FieldId;
use serde_json::Value;

use crate::kit;

fn unknown<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    names.into_iter().filter(|name| !FieldId::lookup(name).is_some_and(FieldId::is_static)).collect()
}

#[test]
fn every_field_of_the_traces_is_registered() {
    let Some(folder) = kit::traces() else { return };
    for path in kit::captures(&folder) {
        let events = kit::file(&path);
        let names = events.iter().flat_map(|e| e.as_object().expect("an object").keys().map(String::as_str));
        assert_eq!(unknown(names), BTreeSet::new(), "{}", path.display());
    }
}

/// Where there are no traces: what they gave.
#[test]
fn every_field_of_what_is_expected_is_registered() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tap/expected.ndjson")).expect("expected.ndjson");
    let events: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let names = events.iter().flat_map(|e| e.as_object().expect("an object").keys().map(String::as_str));
    assert_eq!(unknown(names), BTreeSet::from(["trace"]));
}

fn sources(folder: &Path, out: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("text");
            out.push(text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
}

/// What no trace has: names as they stand in the code.
#[test]
fn every_field_that_the_code_names_is_registered() {
    let mut texts = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tap"), &mut texts);
    let begins = ["push_named(\"", "put(&mut event, \"", "put(event, \""];
    let after = |text: &'static str| texts.iter().flat_map(move |t| t.split(text).skip(1)).filter_map(|rest| rest.split('"').next());
    let names: BTreeSet<&str> = begins.iter().flat_map(|b| after(b)).collect();
    assert!(names.len() > 100, "{names:?}");
    assert_eq!(unknown(names), BTreeSet::new());
}
